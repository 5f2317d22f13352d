//go:build linux

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

// target is something to ask for.
type target struct {
	path   string
	head   string
	weight int
	zipped bool
	held   bool // asked with a tag: 304 is right, and so is 200 once it has changed
	must   []byte
	mustNo []byte
}

// check says what is wrong with an answer. Compressed ones are taken apart now and then only: it is the reader's own work.
func (t *target) check(status int, body []byte, look bool) error {
	switch {
	case t.held && status == 304:
		return nil
	case status != 200:
		return fmt.Errorf("GET %s: %d %.200q", t.path, status, body)
	case t.zipped && !look:
		if len(body) < 100 || body[0] != 0x1f || body[1] != 0x8b {
			return fmt.Errorf("GET %s: not compressed: %.40q", t.path, body)
		}
		return nil
	case t.zipped:
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("GET %s: %w", t.path, err)
		}
		if body, err = io.ReadAll(z); err != nil {
			return fmt.Errorf("GET %s: %w", t.path, err)
		}
	}
	if !bytes.Contains(body, t.must) {
		return fmt.Errorf("GET %s: no %q in %.200q", t.path, t.must, body)
	}
	if t.mustNo != nil && bytes.Contains(body, t.mustNo) {
		return fmt.Errorf("GET %s: %q shows", t.path, t.mustNo)
	}
	return nil
}

// result is what a phase came to.
type result struct {
	took   []time.Duration // sorted
	over   time.Duration
	errors int
	first  error
}

func (r *result) rate() float64 { return float64(len(r.took)) / r.over.Seconds() }

func (r *result) quantile(q float64) time.Duration {
	if len(r.took) == 0 {
		return 0
	}
	return r.took[min(len(r.took)-1, int(q*float64(len(r.took))))]
}

func (r *result) print(out io.Writer, what string) {
	fmt.Fprintf(out, "%s: %d answers in %.1f s, %.0f/s; ms: p50 %.2f, p90 %.2f, p99 %.2f, p99.9 %.2f, longest %.1f; %d wrong\n", what, len(r.took), r.over.Seconds(), r.rate(),
		ms(r.quantile(.5)), ms(r.quantile(.9)), ms(r.quantile(.99)), ms(r.quantile(.999)), ms(r.quantile(1)), r.errors)
}

// read asks for so long, at a rate in all, or as fast as it can where that is 0.
func read(ctx context.Context, addr string, targets []target, readers, rate int, long time.Duration) (result, error) {
	var wheel []int // a target's number stands in it as often as it weighs
	for i, t := range targets {
		for range t.weight {
			wheel = append(wheel, i)
		}
	}
	parts := make([]result, readers)
	conns := make([]*rig.Conn, readers)
	for i := range conns {
		var err error
		if conns[i], err = rig.Dial(addr); err != nil {
			return result{}, err
		}
		defer conns[i].Close()
	}
	g, ctx := errgroup.WithContext(ctx)
	begin := time.Now().Add(50 * time.Millisecond)
	for i := range readers {
		g.Go(func() error {
			rng := rand.New(rand.NewPCG(uint64(i), 6))
			mine := &parts[i]
			requests := make([][]byte, len(targets))
			for n := 0; ctx.Err() == nil; n++ {
				due := time.Now()
				if rate > 0 {
					due = begin.Add(time.Duration(i+n*readers) * time.Second / time.Duration(rate))
					time.Sleep(time.Until(due))
				}
				if due.Sub(begin) >= long {
					return nil
				}
				at := wheel[rng.IntN(len(wheel))]
				t := &targets[at]
				if requests[at] == nil {
					requests[at] = conns[i].Request("GET", t.path, t.head, nil)
				}
				status, body, err := conns[i].Do(requests[at])
				if err != nil {
					return fmt.Errorf("GET %s: %w", t.path, err) // a connection that breaks ends the measurement
				}
				mine.took = append(mine.took, time.Since(due))
				if err := t.check(status, body, n%64 == 0); err != nil {
					mine.errors++
					mine.first = firstOf(mine.first, err)
				}
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return result{}, err
	}
	all := result{over: time.Since(begin)}
	for _, p := range parts {
		all.took = append(all.took, p.took...)
		all.errors += p.errors
		all.first = firstOf(all.first, p.first)
	}
	slices.Sort(all.took)
	return all, nil
}
