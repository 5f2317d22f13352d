//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// look reads everything back and holds it against the book.
func (t *trial) look(ctx context.Context) error {
	o := t.out
	for alarm := range alarms {
		tally := &o.ways[wayOf(alarm)]
		tally.acked += len(t.book.acked[alarm])
		tally.unanswered += len(t.book.unanswered[alarm])
	}
	o.deeds = len(t.officer.done)
	if o.dead > 0 {
		for i := range o.ways {
			o.ways[i].lost = o.ways[i].acked
		}
		o.lostDeeds, o.ledger = o.deeds, "gone"
		return nil
	}
	if !t.noSync {
		if err := settled(ctx, t.local); err != nil {
			return err
		}
	}
	there, err := t.readings(ctx)
	if err != nil {
		return err
	}
	if err := t.decisions(ctx); err != nil {
		return err
	}
	if t.noSync {
		o.ledger = "not asked"
		return nil
	}
	if err := t.hearing(ctx, there); err != nil {
		return err
	}
	alerts, opening, err := alertsOf(ctx, t.local)
	if err != nil {
		return err
	}
	o.alerts = len(alerts)
	if err := t.cases(ctx, opening); err != nil {
		return err
	}
	if o.ledger, err = t.verifyLedger(ctx); err != nil {
		return err
	}
	undisturbed, err := t.undisturbed(ctx, there)
	if err != nil {
		return fmt.Errorf("undisturbed run: %w", err)
	}
	for _, key := range slices.Sorted(maps.Keys(union(alerts, undisturbed))) {
		if alerts[key] != undisturbed[key] {
			o.alertDifferences++
			t.example("%s: disturbed %q, undisturbed %q", key, alerts[key], undisturbed[key])
		}
	}
	return nil
}

func union(a, b map[string]string) map[string]bool {
	all := map[string]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return all
}

// alert is an alert as the API shows it.
type alert struct {
	ID        int64
	Kind      string
	Detector  string
	AssetName map[string]string `json:"asset_name"`
	Since     time.Time
	History   []struct {
		At          time.Time
		Kind, Level string
	}
}

// settled waits until the detectors have judged all readings.
func settled(ctx context.Context, c *client) error {
	return soon(ctx, func() (waiting string, err error) {
		var counters struct{ Total struct{ Lag int64 } }
		err = c.call(ctx, http.MethodGet, "/api/v1/watch/counters", "", nil, &counters)
		if counters.Total.Lag != 0 {
			waiting = fmt.Sprintf("%d readings are not judged", counters.Total.Lag)
		}
		return waiting, err
	})
}

// soon asks until there is nothing to wait for, or patience ends.
func soon(ctx context.Context, ask func() (waiting string, err error)) error {
	for deadline := time.Now().Add(startPatience); ; {
		waiting, err := ask()
		if err != nil || waiting == "" {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s after %s", waiting, startPatience)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// window is how many readings of a datastream are asked for at once.
const window = 50_000

// stored is a reading as the API shows it.
type stored struct {
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
	Marks []string  `json:"marks"`
}

// readings counts what became of each number, and returns the numbers that are there.
func (t *trial) readings(ctx context.Context) (there [alarms][]int, err error) {
	for alarm, id := range t.streams {
		tally := &t.out.ways[wayOf(alarm)]
		all, err := t.history(ctx, id, t.book.highest(alarm))
		var no *refusal
		if errors.As(err, &no) && t.noSync {
			tally.lost += len(t.book.acked[alarm]) // the datastream itself is gone
			continue
		} else if err != nil {
			return there, err
		}
		if there[alarm], err = t.count(tally, alarm, all); err != nil {
			return there, err
		}
	}
	return there, nil
}

// history is all that a datastream has up to a number, and whatever comes later.
func (t *trial) history(ctx context.Context, id int64, highest int) (all []stored, err error) {
	for from := 0; from <= highest; from += window {
		q := url.Values{"limit": {"100000"}}
		if from > 0 {
			q.Set("from", at(from).Format(time.RFC3339))
		}
		if from+window <= highest {
			q.Set("to", at(from+window-1).Format(time.RFC3339)) // both ends are in it
		}
		var page struct{ Items []stored }
		if err := t.local.call(ctx, http.MethodGet, fmt.Sprintf("/api/v1/datastreams/%d/history?%s", id, q.Encode()), "", nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
	}
	return all, nil
}

// count holds what a datastream has against the book. Each number may be there once without a mark, and if it was sent again
// once more for each time, marked as a duplicate.
func (t *trial) count(tally *tally, alarm int, all []stored) (there []int, err error) {
	b := t.book
	times := map[int]int{} // without a mark
	for _, r := range all {
		n := numberAt(r.At)
		marked := slices.Contains(r.Marks, "duplicate")
		switch {
		case r.Value != value(alarm, n) || !r.At.Equal(at(n)):
			tally.doubled++
			t.example("alarm %d has %v at %s, which was never sent", alarm, r.Value, r.At)
			continue
		case !b.acked[alarm][n] && !b.unanswered[alarm][n]:
			return nil, fmt.Errorf("alarm %d has reading %d, which was not sent", alarm, n)
		case marked && b.again[alarm][n]:
			tally.again++
			continue
		}
		if times[n]++; times[n] > 1 || len(r.Marks) > 0 {
			tally.doubled++
			t.example("alarm %d has reading %d %d times, marked %q", alarm, n, times[n], r.Marks)
		}
		if times[n] > 1 {
			continue
		}
		there = append(there, n)
		if b.unanswered[alarm][n] {
			tally.there++
		}
	}
	for n := range b.acked[alarm] {
		if times[n] == 0 {
			tally.lost++
			t.example("alarm %d: acknowledged reading %d is not there", alarm, n)
		}
	}
	return there, nil
}

// example keeps a few of what is wrong, for whoever has to find out why.
func (t *trial) example(format string, args ...any) {
	if len(t.out.examples) < 8 {
		t.out.examples = append(t.out.examples, fmt.Sprintf(format, args...))
	}
}
