//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

const (
	perRequest  = 1_000 // readings, each of another datastream
	requests    = datastreams / perRequest
	step        = time.Second / requests // between two requests
	connections = 4
	stampForm   = "2006-01-02T15:04:05.000Z"
)

// plan says what is planted: each datastream at most once, so that each exceedance is an alert of its own.
type plan struct {
	rounds    int
	perSecond int
}

// at are the datastreams, by their place in the list, whose n-th reading is planted.
func (p plan) at(round int) []int {
	var out []int
	for i := range p.perSecond {
		out = append(out, ((round*p.perSecond+i)*7919+13)%datastreams) // 7919 and 100,000 share no factor: none comes twice
	}
	return out
}

// request is one of the requests that are sent every second, as bytes in which times and results are changed.
type request struct {
	bytes          []byte
	stamps, values []int // where each reading's time and result stand
}

// makeRequest is the request for the datastreams ids[from:from+perRequest].
func makeRequest(c *rig.Conn, ids []int64, from int) request {
	body := []byte{'['}
	for i, id := range ids[from : from+perRequest] {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"Datastream":{"@iot.id":`...)
		body = strconv.AppendInt(body, id, 10)
		body = append(body, `},"components":["phenomenonTime","result"],"dataArray":[["`+stampForm+`",`+calm+`]]}`...)
	}
	body = append(body, ']')
	r := request{bytes: c.Request("POST", "/v1.1/CreateObservations", "Prefer: return=minimal\r\n", body)}
	for at := 0; ; {
		i := bytes.Index(r.bytes[at:], []byte(stampForm))
		if i < 0 {
			return r
		}
		r.stamps = append(r.stamps, at+i)
		r.values = append(r.values, at+i+len(stampForm)+2)
		at += i + len(stampForm)
	}
}

// sending is one run of the senders.
type sending struct {
	addr  string
	ids   []int64
	plan  plan
	first time.Time                             // when the first request is due
	told  func(stream int, due, sent time.Time) // called before a planted reading is sent

	acked atomic.Int64
	late  atomic.Int64 // ns: the longest that a request was sent after it was due
}

// run sends every datastream's reading once a second, for as many rounds as the plan has.
func (s *sending) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for i := range connections {
		g.Go(func() error { return s.connection(ctx, i) })
	}
	return g.Wait()
}

// connection sends every connections-th request.
func (s *sending) connection(ctx context.Context, which int) error {
	conn, err := rig.Dial(s.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	var mine []request
	for k := which; k < requests; k += connections {
		mine = append(mine, makeRequest(conn, s.ids, k*perRequest))
	}
	for round := range s.plan.rounds {
		exceed := s.plan.at(round)
		for i := range mine {
			k := which + i*connections
			due := s.first.Add(time.Duration(round*requests+k) * step)
			select {
			case <-time.After(time.Until(due)):
			case <-ctx.Done():
				return ctx.Err()
			}
			r := &mine[i]
			stamp := []byte(due.UTC().Format(stampForm))
			for j := range r.stamps {
				copy(r.bytes[r.stamps[j]:], stamp)
				copy(r.bytes[r.values[j]:], calm)
			}
			for _, stream := range exceed {
				if stream/perRequest == k {
					copy(r.bytes[r.values[stream%perRequest]:], planted)
					s.told(stream, due, time.Now())
				}
			}
			s.notLater(time.Since(due))
			status, answer, err := conn.Do(r.bytes)
			if err != nil || status != 201 || bytes.Contains(answer, []byte(`"error`)) {
				return fmt.Errorf("a request was answered by %d %.300q: %w", status, answer, err)
			}
			s.acked.Add(perRequest)
		}
	}
	return nil
}

func (s *sending) notLater(d time.Duration) {
	for {
		was := s.late.Load()
		if int64(d) <= was || s.late.CompareAndSwap(was, int64(d)) {
			return
		}
	}
}
