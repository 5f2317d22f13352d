//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

// question is asked again and again, each time about something else.
type question struct {
	figure string // of the last line that it counts for, "" for none
	name   string
	target func() string
	check  func(answer []byte) error
	chain  bool // the answer's nextLink is the next question, until there is none
}

// row is what a question came to.
type row struct {
	question
	took    []time.Duration
	refused int   // questions that the server gave up, saying so: it bounds how long a read may take
	bytes   int   // of the longest answer
	peak    int64 // bytes of the server's memory meanwhile
}

// asker knows what is in the store.
type asker struct {
	city
	ids    []int64 // datastreams
	firsts []int64 // for some of them, the id of their first Observation, and
	owners []int64 // their datastreams
	things []int64
	rng    *rand.Rand
}

func askAll(ctx context.Context, s *rig.Server, o options, c city) ([]row, error) {
	a := &asker{city: c, rng: rand.New(rand.NewPCG(1, 2))}
	if err := a.learn(ctx, s.Client(false)); err != nil {
		return nil, err
	}
	conn, err := rig.Dial(s.Addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var rows []row
	for _, q := range a.questions() {
		if !strings.Contains(q.name, o.only) {
			continue
		}
		if err := s.ResetPeak(); err != nil {
			return rows, err
		}
		r, err := ask(ctx, conn, q, "Authorization: Bearer "+s.Token+"\r\n", o)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", q.name, err)
		}
		if r.peak, err = s.Peak(); err != nil {
			return rows, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// ask asks a question up to o.repeat times or for o.budget, at least three times.
func ask(ctx context.Context, conn *rig.Conn, q question, head string, o options) (row, error) {
	r := row{question: q}
	begin := time.Now()
	next := ""
	for n := 0; n < o.repeat && (n < 3 || time.Since(begin) < o.budget) && ctx.Err() == nil; n++ {
		target := next
		if target == "" {
			target = q.target()
		}
		request := conn.Request("GET", strings.ReplaceAll(target, " ", "%20"), head, nil)
		at := time.Now()
		status, answer, err := conn.Do(request)
		took := time.Since(at)
		if err != nil {
			return r, err
		}
		r.took = append(r.took, took)
		if status == 422 && bytes.Contains(answer, []byte(`"sensing.filter_too_broad"`)) {
			r.refused++
			next = ""
			continue
		}
		if err = errNotOK; status == 200 {
			err = q.check(answer)
		}
		if err != nil {
			return r, fmt.Errorf("GET %s was answered by %d %.300q: %w", target, status, answer, err)
		}
		r.bytes = max(r.bytes, len(answer))
		if q.chain {
			var page struct {
				Next string `json:"@iot.nextLink"`
			}
			if err := json.Unmarshal(answer, &page); err != nil {
				return r, err
			}
			_, next, _ = strings.Cut(page.Next, "://")
			_, next, _ = strings.Cut(next, "/")
			if next != "" {
				next = "/" + next
			}
		}
	}
	return r, ctx.Err()
}

var errNotOK = errors.New("expected 200")

// learn looks up ids.
func (a *asker) learn(ctx context.Context, c *rig.Client) (err error) {
	if a.ids, err = datastreams(ctx, c); err != nil {
		return err
	}
	if len(a.ids) != a.Streams {
		return fmt.Errorf("%d datastreams, %d were filled", len(a.ids), a.Streams)
	}
	type page struct {
		Value []struct {
			ID int64 `json:"@iot.id"`
		} `json:"value"`
	}
	for range 300 {
		id := a.stream()
		var first page
		if err := c.Call(ctx, "GET", fmt.Sprintf("/v1.1/Datastreams(%d)/Observations?$top=1&$orderby=phenomenonTime&$select=id", id), "", nil, &first); err != nil {
			return err
		}
		if len(first.Value) != 1 {
			return fmt.Errorf("datastream %d has no Observation", id)
		}
		a.firsts, a.owners = append(a.firsts, first.Value[0].ID), append(a.owners, id)
	}
	var things page
	if err := c.Call(ctx, "GET", "/v1.1/Things?$top=1000&$select=id", "", nil, &things); err != nil {
		return err
	}
	for _, t := range things.Value {
		a.things = append(a.things, t.ID)
	}
	return nil
}

func (a *asker) stream() int64 { return a.ids[a.rng.IntN(len(a.ids))] }

// observation is the id of one, and its place among those of its datastream: ids count up.
func (a *asker) observation() (id, owner int64, n int) {
	i, n := a.rng.IntN(len(a.firsts)), a.rng.IntN(a.per())
	return a.firsts[i] + int64(n), a.owners[i], n
}

// deep is a place far down a list of n.
func (a *asker) deep(n int) int { return a.rng.IntN(max(1, n-pageSize)) }

const pageSize = 100

// stamp is a time within the year, as a filter has it, at least so many readings before its end.
func (a *asker) stamp(before int) string {
	return a.tick(a.rng.IntN(max(1, a.per()-before))).Format(time.RFC3339)
}
