//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

const (
	movesPerSecond = 200
	deskCount      = 64 // requests under way at most

	// movesPerCase is how often a case is moved in a phase: its answer holds its timeline, which in a real case is short.
	movesPerCase = 8
)

// desks are people at work on cases, beside the readings. They move cases of hazards to and fro: disputed, and not so.
type desks struct {
	client *rig.Client
	keys   int
}

// signIn makes an officer's account, sets its password by the one-time link, and signs in.
func signIn(ctx context.Context, s *rig.Server) (*desks, error) {
	const password = "a long and quiet river at night"
	local, d := s.Client(false), &desks{client: s.Client(true)}
	var made struct {
		Link string `json:"link"`
	}
	err := local.Call(ctx, http.MethodPost, "/api/v1/accounts", "",
		obj{"name": "officer", "roles": []string{"duty-officer"}, "organisation": 0, "city_wide": true}, &made)
	if err != nil {
		return nil, err
	}
	if err := d.client.Call(ctx, http.MethodPost, made.Link, "", url.Values{"password": {password}, "repeat": {password}}, nil); err != nil {
		return nil, err
	}
	return d, d.client.Call(ctx, http.MethodPost, "/api/v1/session", "", obj{"name": "officer", "password": password}, nil)
}

// open records findings, each of which opens a case.
func (d *desks) open(ctx context.Context, n int) ([]int64, error) {
	ids := make([]int64, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(deskCount)
	for i := range n {
		g.Go(func() error {
			var out struct {
				Case struct {
					ID int64 `json:"id"`
				} `json:"case"`
			}
			err := d.client.Call(ctx, http.MethodPost, "/api/v1/findings", "", obj{
				"point": point(i)["coordinates"], "description": "a hose that has gone hard", "grade": "general"}, &out)
			ids[i] = out.Case.ID
			return err
		})
	}
	return ids, g.Wait()
}

// shift is what the desks did in a phase.
type shift struct {
	moves int
	lost  int     // acknowledged and not in the case's timeline, or there twice
	rate  float64 // acknowledged moves per second
	took  []time.Duration
}

// work moves cases until ctx ends, movesPerSecond, whether the answers come in time or not. How long a move took counts from
// when it was due: what waits for a free desk waits for the server too.
func (d *desks) work(ctx context.Context, cases []int64) (shift, error) {
	due := make(chan time.Time, 10_000)
	var all shift
	var mu sync.Mutex
	begin := time.Now()
	g, failed := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(due)
		next := time.Now()
		for failed.Err() == nil {
			select {
			case <-time.After(time.Until(next)):
			case <-failed.Done():
				return nil
			}
			select {
			case due <- next:
			default:
				return fmt.Errorf("more than %d moves wait for a desk", cap(due))
			}
			next = next.Add(time.Second / movesPerSecond)
		}
		return nil
	})
	for desk := range deskCount {
		d.keys++
		key := d.keys
		g.Go(func() error {
			var mine []int64
			for i := desk; i < len(cases); i += deskCount {
				mine = append(mine, cases[i])
			}
			var took []time.Duration
			n := 0
			for at := range due {
				// Not under ctx: what is under way when the phase ends gets its answer.
				err := d.move(context.WithoutCancel(ctx), mine[n%len(mine)], n/len(mine), fmt.Sprintf("%d-%d", key, n))
				if err != nil {
					return err
				}
				took = append(took, time.Since(at))
				n++
			}
			mu.Lock()
			defer mu.Unlock()
			all.took = append(all.took, took...)
			return nil
		})
	}
	err := g.Wait()
	all.moves, all.rate = len(all.took), float64(len(all.took))/time.Since(begin).Seconds()
	return all, err
}

// move makes a case's n-th move.
func (d *desks) move(ctx context.Context, id int64, n int, key string) error {
	body := obj{"move": "dispute", "fields": obj{"reason": "the hose is new"}}
	if n%2 == 1 {
		body = obj{"move": "reject-dispute", "fields": obj{"reason": "it is not"}}
	}
	return d.client.Call(ctx, http.MethodPost, fmt.Sprintf("/api/v1/cases/%d/moves", id), key, body, nil)
}

// check holds the moves that were acknowledged against the cases' timelines.
func (d *desks) check(ctx context.Context, cases []int64, s *shift) error {
	there := 0
	for _, id := range cases {
		var page struct {
			Timeline []struct {
				Kind string `json:"kind"`
			} `json:"items"`
		}
		if err := d.client.Call(ctx, http.MethodGet, fmt.Sprintf("/api/v1/cases/%d/timeline?limit=1000", id), "", nil, &page); err != nil {
			return err
		}
		for _, e := range page.Timeline {
			if e.Kind == "move" {
				there++
			}
		}
	}
	s.lost = max(s.moves-there, there-s.moves)
	return nil
}

// percentile is the p-th percentile of some durations, in milliseconds; 0 of none.
func percentile(all []time.Duration, p int) float64 {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	return float64(all[(len(all)-1)*p/100]) / float64(time.Millisecond)
}
