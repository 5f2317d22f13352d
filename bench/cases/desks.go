//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

const (
	movesPerSecond = 200
	deskCount      = 64 // requests under way at most
	lookers        = 2  // who open pages of cases, one after the other, beside the moves
)

type obj = map[string]any

// desks are people who move cases to and fro.
type desks struct {
	client *rig.Client
	cases  []int64
	until  string // the limit that each move sets

	mu    sync.Mutex
	state map[int64]int // moves of each case that were acknowledged; guarded by mu, as what follows
	took  []time.Duration
	pages []time.Duration
	long  []time.Duration // of the page of the case with longLines

	alerts []time.Duration // of alarm alone
}

// signIn makes an officer's account, sets its password by the one-time link, and signs in.
func signIn(ctx context.Context, s *rig.Server, cases []int64) (*desks, error) {
	const password = "a long and quiet river at night"
	d := &desks{client: s.Client(true), cases: cases, until: time.Now().Add(far).UTC().Format(time.RFC3339), state: map[int64]int{}}
	var made struct {
		Link string `json:"link"`
	}
	err := s.Client(false).Call(ctx, http.MethodPost, "/api/v1/accounts", "",
		obj{"name": "officer", "roles": []string{"duty-officer"}, "organisation": 0, "city_wide": true}, &made)
	if err != nil {
		return nil, err
	}
	if err := d.client.Call(ctx, http.MethodPost, made.Link, "", url.Values{"password": {password}, "repeat": {password}}, nil); err != nil {
		return nil, err
	}
	return d, d.client.Call(ctx, http.MethodPost, "/api/v1/session", "", obj{"name": "officer", "password": password}, nil)
}

// work moves cases, movesPerSecond, until ctx ends. How long a move took counts from when it was due: what waits for a free
// desk waits for the server too. Where the server may be killed, a move without an answer is asked for again later under its
// key, as a browser does.
func (d *desks) work(ctx context.Context, killed bool) error {
	due := make(chan time.Time, 100_000)
	g, failed := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(due)
		for next := time.Now(); ; next = next.Add(time.Second / movesPerSecond) {
			select {
			case <-time.After(time.Until(next)):
				due <- next
			case <-failed.Done():
				return nil
			}
		}
	})
	for desk := range deskCount {
		g.Go(func() error {
			var mine []int64 // no two desks are at one case
			for i := desk; i < len(d.cases); i += deskCount {
				mine = append(mine, d.cases[i])
			}
			n := 0
			for at := range due {
				// Not under ctx: what is under way when the phase ends gets its answer.
				err := d.move(context.WithoutCancel(ctx), mine[n%len(mine)])
				if killed && unanswered(err) {
					return nil
				}
				if err != nil {
					return err
				}
				n++
				d.mu.Lock()
				d.took = append(d.took, time.Since(at))
				d.mu.Unlock()
			}
			return nil
		})
	}
	return g.Wait()
}

// move makes a case's next move. One that had no answer is the next one still, under the same key.
func (d *desks) move(ctx context.Context, id int64) error {
	d.mu.Lock()
	n := d.state[id]
	d.mu.Unlock()
	body := obj{"move": "go-on", "note": note(id, n), "fields": obj{"by": d.until}}
	if n%2 == 1 {
		body["move"] = "go-back"
	}
	if err := d.client.Call(ctx, http.MethodPost, fmt.Sprintf("/api/v1/cases/%d/moves", id), note(id, n), body, nil); err != nil {
		return err
	}
	d.mu.Lock()
	d.state[id] = n + 1
	d.mu.Unlock()
	return nil
}

// note is what the n-th move of a case is known by in the timeline.
func note(id int64, n int) string { return fmt.Sprintf("move %d-%d", id, n) }

// unanswered says that a request may or may not have been carried out.
func unanswered(err error) bool {
	var broken *url.Error
	return errors.As(err, &broken) || errors.Is(err, io.ErrUnexpectedEOF)
}

// look opens the pages of cases until ctx ends.
func (d *desks) look(ctx context.Context) error {
	g := errgroup.Group{}
	for i := range lookers {
		g.Go(func() error {
			for n := i; ctx.Err() == nil; n += lookers {
				id, into := d.cases[n*37%len(d.cases)], &d.pages
				if n/lookers%4 == 0 {
					id, into = d.cases[0], &d.long // see longLines
				}
				begin := time.Now()
				if err := d.client.Call(context.WithoutCancel(ctx), http.MethodGet, fmt.Sprintf("/api/v1/cases/%d", id), "", nil, nil); err != nil {
					return err
				}
				d.mu.Lock()
				*into = append(*into, time.Since(begin))
				d.mu.Unlock()
				select {
				case <-time.After(100 * time.Millisecond):
				case <-ctx.Done():
				}
			}
			return nil
		})
	}
	return g.Wait()
}
