//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

// way is a way in for readings.
type way string

const (
	single  way = "single POSTs, 64 clients"
	bulk1k  way = "CreateObservations of 1,000, 4 clients"
	bulk10k way = "CreateObservations of 10,000, 4 clients"
	minimal way = "the same, Prefer: return=minimal"
	mqtt    way = "MQTT QoS 1, 8 clients"
	nothing way = "no readings" // to compare the moves with
)

// phase is one measurement: a way in, with or without desks beside it.
type phase struct {
	way   way
	desks bool
}

func phases() []phase {
	return []phase{{single, false}, {bulk1k, false}, {bulk10k, false}, {minimal, false}, {mqtt, false}, {nothing, true}, {single, true}, {bulk10k, true}, {mqtt, true}}
}

func (p phase) name() string {
	if p.desks {
		return string(p.way) + fmt.Sprintf(", beside %d moves/s", movesPerSecond)
	}
	return string(p.way)
}

func (p phase) named(part string) bool { return strings.Contains(p.name(), part) }

// row is what a phase came to.
type row struct {
	phase
	rate                 float64       // acknowledged readings per second
	acked, lost, doubled int64         // all of the phase
	serverCPU, clientCPU time.Duration // until all are judged
	settled              time.Duration // from the last answer until all are judged
	cores, others        float64       // that the server kept busy, and other programs of the machine
	peak                 int64         // bytes
	shift                shift
}

// trial is a running server with alarms and an officer.
type trial struct {
	server  *rig.Server
	local   *rig.Client
	desks   *desks
	streams []int64
	lasts   time.Duration
}

func prepare(ctx context.Context, s *rig.Server, o options) (*trial, error) {
	t := &trial{server: s, local: s.Client(false), lasts: time.Duration(o.seconds * float64(time.Second))}
	var err error
	if t.streams, err = register(ctx, t.local); err != nil {
		return nil, fmt.Errorf("register the alarms: %w", err)
	}
	if t.desks, err = signIn(ctx, s); err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return t, nil
}

// senders connects the clients of a way and shares the datastreams out among them.
func (t *trial) senders(w way, from time.Time) (out []sender, err error) {
	clients, each, head := 4, 100, ""
	switch w {
	case nothing:
		return nil, nil
	case single:
		clients, each = 64, 10
	case bulk1k:
		each = 10
	case minimal:
		head = "Prefer: return=minimal\r\n"
	case mqtt:
		clients, each = 8, 10
	}
	for i := range clients {
		streams := t.streams[i*each : (i+1)*each]
		if w == mqtt {
			conn, err := dialMQTT(t.server.MQTT, fmt.Sprintf("publisher-%d", i))
			if err != nil {
				return nil, err
			}
			out = append(out, &publisher{conn: conn, streams: streams, from: from})
			continue
		}
		conn, err := rig.Dial(t.server.Addr)
		if err != nil {
			return nil, err
		}
		if w == single {
			out = append(out, &poster{conn: conn, streams: streams, from: from})
		} else {
			out = append(out, &bulker{conn: conn, streams: streams, from: from, head: head})
		}
	}
	return out, nil
}

// phase measures one way in.
func (t *trial) phase(ctx context.Context, p phase, from time.Time) (r row, err error) {
	r.phase = p
	var cases []int64
	warmUp := t.lasts / 5
	if p.desks {
		n := int((t.lasts+warmUp).Seconds()*movesPerSecond)/movesPerCase + deskCount
		if cases, err = t.desks.open(ctx, n); err != nil {
			return r, fmt.Errorf("open cases: %w", err)
		}
	}
	before, err := t.counts(ctx)
	if err != nil {
		return r, err
	}
	was, err := t.local.Settled(ctx)
	if err != nil {
		return r, err
	}
	if err := t.server.ResetPeak(); err != nil {
		return r, err
	}
	cpu, err := t.cpu()
	if err != nil {
		return r, err
	}
	senders, err := t.senders(p.way, from)
	if err != nil {
		return r, err
	}

	working, finish := context.WithCancel(ctx)
	defer finish()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var acked atomic.Int64
	sent := map[int64]int64{}
	failed := func(e error) { // with mu held
		if e != nil && err == nil {
			err = e
			finish()
		}
	}
	for _, s := range senders {
		wg.Go(func() {
			counts, e := s.send(working, &acked)
			mu.Lock()
			defer mu.Unlock()
			failed(e)
			for id, n := range counts {
				sent[id] += n
			}
		})
	}
	if p.desks {
		wg.Go(func() {
			done, e := t.desks.work(working, cases)
			mu.Lock()
			defer mu.Unlock()
			failed(e)
			r.shift = done
		})
	}
	pause(working, warmUp)
	first, begin := acked.Load(), time.Now()
	pause(working, t.lasts)
	r.rate = float64(acked.Load()-first) / time.Since(begin).Seconds()
	finish()
	wg.Wait()
	if err != nil {
		return r, err
	}
	r.acked = acked.Load()

	end := time.Now()
	now, err := t.local.Settled(ctx)
	if err != nil {
		return r, err
	}
	r.settled = time.Since(end)
	used, err := t.cpu()
	if err != nil {
		return r, err
	}
	r.serverCPU, r.clientCPU = used.server-cpu.server, used.client-cpu.client
	span := float64(used.at.Sub(cpu.at))
	r.cores = float64(r.serverCPU) / span
	// The machine's time is sampled and may fall short of what the two processes used.
	r.others = max(0, float64(used.machine-cpu.machine-r.serverCPU-r.clientCPU)/span)
	if r.peak, err = t.server.Peak(); err != nil {
		return r, err
	}
	after, err := t.counts(ctx)
	if err != nil {
		return r, err
	}
	r.lost, r.doubled = compare(sent, before, after)
	if p.desks {
		if err := t.desks.check(ctx, cases, &r.shift); err != nil {
			return r, err
		}
	}
	return r, balanced(was, now, r.acked)
}

// compare counts what was acknowledged and is not there, and what is there and was not acknowledged.
func compare(sent, before, after map[int64]int64) (lost, doubled int64) {
	for id := range after {
		missing := sent[id] - (after[id] - before[id])
		lost += max(0, missing)
		doubled += max(0, -missing)
	}
	return lost, doubled
}

// balanced holds the server's own counters against each other and against what was acknowledged.
func balanced(was, now rig.Counters, acked int64) error {
	if now.Accepted-was.Accepted != acked || now.Refused != was.Refused || now.Accepted != now.Logged ||
		now.Logged != now.Stored+now.Deleted || now.Evaluated != now.Logged {
		return fmt.Errorf("%d readings were acknowledged, but the server's counters went from %+v to %+v", acked, was, now)
	}
	return nil
}

func (t *trial) counts(ctx context.Context) (map[int64]int64, error) {
	out := map[int64]int64{}
	for _, id := range t.streams {
		n, err := t.local.Count(ctx, id)
		if err != nil {
			return nil, err
		}
		out[id] = n
	}
	return out, nil
}

// cpuTimes are CPU times at a moment.
type cpuTimes struct {
	at                      time.Time
	server, client, machine time.Duration
}

func (t *trial) cpu() (c cpuTimes, err error) {
	c.at = time.Now()
	var errs [3]error
	c.server, errs[0] = t.server.CPU()
	c.client, errs[1] = rig.OwnCPU()
	c.machine, errs[2] = rig.MachineCPU()
	return c, errors.Join(errs[:]...)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
