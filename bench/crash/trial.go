//go:build linux

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/anlan-city/anlan/bench/crash/forgetfs"
)

// outcome is what one trial came to.
type outcome struct {
	name      string
	disturbed int // kills or power cuts
	starting  int // of them before the server was up again

	ways             [ways]tally
	deeds, lostDeeds int // acknowledged; missing, or carried out twice
	heard            hearing

	alerts, alertDifferences int
	caseDifferences          int // alerts that should have opened one case and have none, or two
	examples                 []string
	ledger                   string

	forgotten forgetfs.Loss
	slowest   time.Duration // start
	dead      int           // starts that failed, which only the control run may have
	took      time.Duration
}

const ledgerGood = "verifies"

// tally is what became of readings.
type tally struct {
	acked, lost, doubled int // acknowledged; missing of these; more than once without a mark, or with another value
	unanswered, there    int // neither acknowledged nor refused; stored of these
	again                int // stored once more, with a mark, since they were sent once more
}

// hearing is what the subscriber heard, each reading counted once.
type hearing struct {
	readings, missed, unordered int // of all; acknowledged and not among them; before one of an earlier time
	untrue                      int // that are not stored, or otherwise
}

// readings sums up all ways.
func (o outcome) readings() (sum tally) {
	for _, t := range o.ways {
		sum.acked += t.acked
		sum.lost += t.lost
		sum.doubled += t.doubled
		sum.unanswered += t.unanswered
		sum.there += t.there
		sum.again += t.again
	}
	return sum
}

func (o outcome) acked() int { return o.readings().acked + o.deeds }

// lost counts what a subscriber missed as well, or heard of though it is nowhere.
func (o outcome) lost() int {
	return o.readings().lost + o.lostDeeds + o.heard.missed + o.heard.untrue
}

// trialOf brings a server down n times under load, and then looks what is there.
func trialOf(ctx context.Context, name string, o options, work string, n int, d disturbance) (out outcome, err error) {
	out.name = name
	if n == 0 {
		return out, nil
	}
	begin := time.Now()
	defer func() { out.took = time.Since(begin).Round(100 * time.Millisecond) }()
	dir := filepath.Join(work, strings.ReplaceAll(name, " ", "-"))
	s := &server{binary: o.binary, data: filepath.Join(dir, "data"), logFile: filepath.Join(dir, "server.log"), noSync: d.noSync}
	if err := os.MkdirAll(s.data, 0o700); err != nil {
		return out, err
	}
	if d.fs != nil {
		if err := d.fs.Mount(s.data); err != nil {
			return out, err
		}
		defer func() { err = errors.Join(err, d.fs.Unmount()) }()
	}
	if err := s.start(ctx); err != nil {
		return out, fmt.Errorf("%s: %w", name, err)
	}
	defer func() {
		s.kill()
		if s.cmd.ProcessState == nil {
			_ = s.cmd.Wait() // it was killed
		}
	}()
	t := &trial{out: &out, server: s, local: newClient(s, false), book: newBook(), gate: newGate(), dir: dir,
		rng: rand.New(rand.NewPCG(o.seed, uint64(len(name)))), disturbance: d}
	if t.streams, err = register(ctx, t.local); err != nil {
		return out, fmt.Errorf("%s: %w", name, err)
	}
	if t.officer, err = newOfficer(ctx, t.local); err != nil {
		return out, fmt.Errorf("%s: %w", name, err)
	}
	if s.device, err = newDevice(ctx, t.local); err != nil {
		return out, fmt.Errorf("%s: %w", name, err)
	}
	if t.subscriber, err = newSubscriber(s, t.streams, o.seed); err != nil {
		return out, fmt.Errorf("%s: %w", name, err)
	}
	listening, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { t.subscriber.listen(listening, t.gate) })
	if err := t.disturb(ctx, n, o.seed); err != nil {
		return out, fmt.Errorf("%s: %w", name, err)
	}
	if err := t.look(ctx); err != nil {
		return out, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

type trial struct {
	out        *outcome
	server     *server
	local      *client
	book       *book
	gate       *gate
	officer    *officer
	subscriber *subscriber
	streams    []int64
	rng        *rand.Rand
	dir        string
	disturbance
}

// disturb brings the server down n times while senders and the officer work, and starts it again each time.
func (t *trial) disturb(ctx context.Context, n int, seed uint64) error {
	if err := t.underLoad(ctx, n, seed); err != nil || t.noSync {
		return err // what an unsafe server says no to, after it forgot things, is no news
	}
	return cmp.Or(t.officer.err, t.book.refused)
}

// underLoad does so, and returns when nobody works any more.
func (t *trial) underLoad(ctx context.Context, n int, seed uint64) error {
	working, finish := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer finish()
	for i := range senders {
		s := newSender(i, t, seed)
		if wayOf(i) == byMQTT {
			p := &publisher{sender: s, server: t.server, client: fmt.Sprintf("publisher-%d", i)}
			wg.Go(func() { p.publish(working) })
			continue
		}
		wg.Go(func() { s.post(working, newClient(t.server, false)) })
	}
	wg.Go(func() { t.officer.work(working, t.gate) })
	t.gate.lift()
	for i := 0; i < n; i++ {
		// Work must have been done since the start, and the moment must not depend on it.
		if err := t.progress(ctx); err != nil {
			return err
		}
		if err := t.downSoon(ctx, i); err != nil {
			return err
		}
		for i+1 < n && !t.noSync && t.rng.IntN(4) == 0 { // and once more, while it is picking itself up
			i++
			t.out.starting++
			if err := t.server.launch(); err != nil {
				return err
			}
			if err := t.downSoon(ctx, i); err != nil {
				return err
			}
		}
		begin := time.Now()
		if err := t.server.start(ctx); err != nil {
			if !t.noSync {
				return fmt.Errorf("after %d disturbances: %w", i+1, err)
			}
			t.out.dead++
			return nil
		}
		t.out.slowest = max(t.out.slowest, time.Since(begin).Round(time.Millisecond))
		t.gate.lift()
	}
	return t.progress(ctx)
}

func (t *trial) progress(ctx context.Context) error {
	err := t.book.await(ctx, 50)
	if t.noSync {
		return ctx.Err()
	}
	return err
}

// downSoon brings the server down at a random moment.
func (t *trial) downSoon(ctx context.Context, i int) error {
	within := 400 * time.Millisecond
	if t.rng.IntN(4) == 0 {
		within = 2500 * time.Millisecond // so that it gets to what it does every second
	}
	select {
	case <-time.After(time.Duration(t.rng.Int64N(int64(within)))):
	case <-ctx.Done():
		return ctx.Err()
	}
	t.out.disturbed++
	if t.fs == nil {
		t.server.kill()
		t.gate.drop()
		return t.server.wait()
	}
	loss := t.fs.PowerCut(torn(t.rng, i), t.server.kill)
	t.gate.drop()
	t.out.forgotten.Names += loss.Names
	t.out.forgotten.Files += loss.Files
	t.out.forgotten.Pages += loss.Pages
	if err := t.server.wait(); err != nil && !t.noSync {
		return err
	}
	return t.fs.Remount()
}
