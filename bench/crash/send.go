//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
)

// way is how readings are sent.
type way int

const (
	byBatch way = iota
	bySingle
	byArrays
	byMQTT
	ways
)

func (w way) String() string {
	return [...]string{"/api/v1/readings", "Observations", "CreateObservations", "MQTT"}[w]
}

// wayOf is the way in which an alarm's readings are sent.
func wayOf(alarm int) way { return way(alarm % senders % int(ways)) }

// sender sends the readings of its own alarms in one of the ways.
type sender struct {
	index   int
	streams []int64 // ids of the datastreams of all alarms
	gate    *gate
	book    *book
	rng     *rand.Rand
	next    [alarms]int
}

func newSender(index int, t *trial, seed uint64) *sender {
	return &sender{index: index, streams: t.streams, gate: t.gate, book: t.book, rng: rand.New(rand.NewPCG(seed, uint64(index)))}
}

// take is some readings that were not sent yet, those of a datastream in the order of their time.
func (s *sender) take() (batch []number) {
	for alarm := s.index; alarm < alarms; alarm += senders {
		for range s.rng.IntN(12) {
			batch = append(batch, number{alarm, s.next[alarm]})
			s.next[alarm]++
		}
	}
	return batch
}

// post sends over HTTP, one request after the other, until ctx ends. A request without an answer is not sent again, since
// what became of it can't be known; its numbers are left out or there.
func (s *sender) post(ctx context.Context, c *client) {
	for s.gate.pass(ctx) {
		batch := s.take()
		size := max(1, len(batch))
		if wayOf(s.index) == bySingle {
			size = 1
		}
		for part := range slices.Chunk(batch, size) {
			// Not under ctx: a request that is under way when the trial ends gets its answer.
			err := s.request(context.WithoutCancel(ctx), c, part)
			s.book.note(part, err)
			if err != nil {
				break // the rest of the batch is never sent
			}
		}
	}
}

func (s *sender) request(ctx context.Context, c *client, batch []number) error {
	switch wayOf(s.index) {
	case bySingle:
		path := fmt.Sprintf("/v1.1/Datastreams(%d)/Observations", s.streams[batch[0].alarm])
		return c.call(ctx, http.MethodPost, path, "", observation(batch[0]), nil)
	case byArrays:
		return s.arrays(ctx, c, batch)
	}
	var readings []map[string]any
	for _, b := range batch {
		readings = append(readings, map[string]any{"datastream": stream(b.alarm), "at": at(b.n), "value": value(b.alarm, b.n)})
	}
	var receipt struct {
		Accepted int `json:"accepted"`
	}
	err := c.call(ctx, http.MethodPost, "/api/v1/readings", "", map[string]any{"source": "crash", "readings": readings}, &receipt)
	if err == nil && receipt.Accepted != len(batch) {
		err = fmt.Errorf("%d of %d readings accepted", receipt.Accepted, len(batch))
	}
	return err
}

func observation(s number) map[string]any {
	return map[string]any{"phenomenonTime": at(s.n), "result": value(s.alarm, s.n)}
}

// arrays sends a batch as data arrays, one for each datastream.
func (s *sender) arrays(ctx context.Context, c *client, batch []number) error {
	var groups []map[string]any
	for i := 0; i < len(batch); {
		var rows [][]any
		alarm := batch[i].alarm
		for ; i < len(batch) && batch[i].alarm == alarm; i++ {
			rows = append(rows, []any{at(batch[i].n), value(alarm, batch[i].n)})
		}
		groups = append(groups, map[string]any{"Datastream": map[string]any{"@iot.id": s.streams[alarm]},
			"components": []string{"phenomenonTime", "result"}, "dataArray": rows})
	}
	var links []string
	if err := c.call(ctx, http.MethodPost, "/v1.1/CreateObservations", "", groups, &links); err != nil {
		return err
	}
	for _, link := range links {
		if strings.HasPrefix(link, "error") {
			return fmt.Errorf("CreateObservations: %s", link)
		}
	}
	if len(links) != len(batch) {
		return fmt.Errorf("CreateObservations answered %d of %d rows", len(links), len(batch))
	}
	return nil
}
