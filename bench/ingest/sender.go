//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

// sender is one client with datastreams of its own.
type sender interface {
	// send sends until ctx ends, waits for the answers of what is under way, and returns how many readings of each
	// datastream were acknowledged. It adds them to acked as their answers come.
	send(ctx context.Context, acked *atomic.Int64) (map[int64]int64, error)
}

const (
	stampForm = "2006-01-02T15:04:05Z"
	hourForm  = "2006-01-02T15"
)

// wave is the i-th result of a slow wave that no detector minds, with one decimal.
func wave(i int) string { return strconv.FormatFloat(2+float64((i/5)%20)/10, 'f', 1, 64) }

// poster posts Observations one by one, each to the next of its datastreams.
type poster struct {
	conn    *rig.Conn
	streams []int64
	from    time.Time
}

func (p *poster) send(ctx context.Context, acked *atomic.Int64) (map[int64]int64, error) {
	defer p.conn.Close()
	body := []byte(`{"phenomenonTime":"` + stampForm + `","result":` + wave(0) + `}`)
	requests := make([][]byte, len(p.streams))
	for i, id := range p.streams {
		requests[i] = p.conn.Request("POST", fmt.Sprintf("/v1.1/Datastreams(%d)/Observations", id), "", body)
	}
	at := bytes.Index(requests[0], []byte(stampForm)) - len(requests[0]) // from the end, since ids differ in length
	counts := map[int64]int64{}
	for n := 0; ctx.Err() == nil; n++ {
		i := n % len(requests)
		r := requests[i]
		p.from.Add(time.Duration(n/len(requests))*time.Second).AppendFormat(r[len(r)+at:][:0], stampForm)
		copy(r[len(r)-4:], wave(n))
		status, answer, err := p.conn.Do(r)
		if err := taken(status, answer, err); err != nil {
			return nil, err
		}
		counts[p.streams[i]]++
		acked.Add(1)
	}
	return counts, nil
}

// taken is nil for an answer that takes all that was sent.
func taken(status int, answer []byte, err error) error {
	if err == nil && (status != 201 || bytes.Contains(answer, []byte(`"error`))) {
		err = fmt.Errorf("a POST was answered by %d %.300q", status, answer)
	}
	return err
}

const (
	groupSize = 100              // readings of one datastream in a bulk request: what a gateway gathers
	bulkStep  = 30 * time.Second // between them; with this a request covers less than an hour
)

// bulker sends data arrays with groupSize readings of each of its datastreams.
type bulker struct {
	conn    *rig.Conn
	streams []int64
	from    time.Time
	head    string // further header lines
}

func (b *bulker) send(ctx context.Context, acked *atomic.Int64) (map[int64]int64, error) {
	defer b.conn.Close()
	request, hours := b.request()
	n := int64(len(b.streams) * groupSize)
	sent := int64(0)
	hour := b.from
	for ; ctx.Err() == nil; sent++ {
		stamp := hour.Format(hourForm)
		for _, at := range hours {
			copy(request[at:], stamp)
		}
		hour = hour.Add(time.Hour)
		status, answer, err := b.conn.Do(request)
		if err := taken(status, answer, err); err != nil {
			return nil, err
		}
		acked.Add(n)
	}
	counts := map[int64]int64{}
	for _, id := range b.streams {
		counts[id] = sent * groupSize
	}
	return counts, nil
}

// request is one for the hour from which it begins, and the places in it where an hour stands.
func (b *bulker) request() (request []byte, hours []int) {
	body := []byte("[")
	for i, id := range b.streams {
		if i > 0 {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, `{"Datastream":{"@iot.id":%d},"components":["phenomenonTime","result"],"dataArray@iot.count":%d,"dataArray":[`, id, groupSize)
		for j := range groupSize {
			if j > 0 {
				body = append(body, ',')
			}
			body = append(body, `["`...)
			hours = append(hours, len(body))
			body = b.from.Add(time.Duration(j)*bulkStep).AppendFormat(body, stampForm)
			body = append(body, `",`+wave(j)+`]`...)
		}
		body = append(body, "]}"...)
	}
	body = append(body, ']')
	request = b.conn.Request("POST", "/v1.1/CreateObservations", b.head, body)
	for i := range hours {
		hours[i] += len(request) - len(body)
	}
	return request, hours
}
