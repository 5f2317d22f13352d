//go:build linux

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

	readings, lostReadings, doubled int // acknowledged; missing; more than once, or with another value
	unanswered, unansweredThere     int
	deeds, lostDeeds                int // acknowledged; missing, or carried out twice

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

func (o outcome) acked() int { return o.readings + o.deeds }
func (o outcome) lost() int  { return o.lostReadings + o.lostDeeds }

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
	if err := t.disturb(ctx, n, o.seed); err != nil {
		return out, fmt.Errorf("%s: %w", name, err)
	}
	if err := t.look(ctx); err != nil {
		return out, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

type trial struct {
	out     *outcome
	server  *server
	local   *client
	book    *book
	gate    *gate
	officer *officer
	streams []int64
	rng     *rand.Rand
	dir     string
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
	for sender := range senders {
		wg.Go(func() { send(working, sender, newClient(t.server, false), t.gate, t.book, seed) })
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
	err := t.book.await(ctx, 200)
	if t.noSync {
		return ctx.Err()
	}
	return err
}

// downSoon brings the server down at a random moment.
func (t *trial) downSoon(ctx context.Context, i int) error {
	select {
	case <-time.After(time.Duration(t.rng.IntN(400_000)) * time.Microsecond):
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

// look reads everything back and holds it against the book.
func (t *trial) look(ctx context.Context) error {
	o := t.out
	for alarm := range alarms {
		o.readings += len(t.book.acked[alarm])
		o.unanswered += len(t.book.unanswered[alarm])
	}
	o.deeds = len(t.officer.done)
	if o.dead > 0 {
		o.lostReadings, o.lostDeeds, o.ledger = o.readings, o.deeds, "gone"
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
			if len(o.examples) < 3 {
				o.examples = append(o.examples, fmt.Sprintf("%s: disturbed %q, undisturbed %q", key, alerts[key], undisturbed[key]))
			}
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

// readings counts what became of each number, and returns the numbers that are there.
func (t *trial) readings(ctx context.Context) (there [alarms][]int, err error) {
	o := t.out
	for alarm, id := range t.streams {
		var history struct {
			Items []struct {
				At    time.Time `json:"at"`
				Value float64   `json:"value"`
			} `json:"items"`
		}
		err := t.local.call(ctx, http.MethodGet, fmt.Sprintf("/api/v1/datastreams/%d/history?limit=100000", id), "", nil, &history)
		var no *refusal
		if errors.As(err, &no) && t.noSync {
			o.lostReadings += len(t.book.acked[alarm]) // the datastream itself is gone
			continue
		} else if err != nil {
			return there, err
		}
		if len(history.Items) == 100_000 {
			return there, errors.New("more readings than one question answers: run with fewer disturbances")
		}
		count := map[int]int{}
		for _, r := range history.Items {
			n := int(r.At.Sub(epoch) / (30 * time.Second))
			count[n]++
			switch {
			case r.Value != value(alarm, n) || !r.At.Equal(at(n)):
				o.doubled++
				o.examples = append(o.examples, fmt.Sprintf("alarm %d has %v at %s, which was never sent", alarm, r.Value, r.At))
			case count[n] > 1:
				o.doubled++
			case t.book.unanswered[alarm][n]:
				o.unansweredThere++
			case !t.book.acked[alarm][n]:
				return there, fmt.Errorf("alarm %d has reading %d, which was not sent", alarm, n)
			}
			if count[n] == 1 {
				there[alarm] = append(there[alarm], n)
			}
		}
		for n := range t.book.acked[alarm] {
			if count[n] == 0 {
				o.lostReadings++
			}
		}
	}
	return there, nil
}

// decisions holds the officer's acknowledged deeds against the alerts' histories and the cases' timelines.
func (t *trial) decisions(ctx context.Context) error {
	moves := map[int64]map[string]int{}
	for d := range t.officer.done {
		times := 0
		var no *refusal
		if d.alert != 0 {
			var whole alert
			err := t.local.call(ctx, http.MethodGet, fmt.Sprintf("/api/v1/alerts/%d", d.alert), "", nil, &whole)
			if err != nil && !errors.As(err, &no) {
				return err
			}
			for _, h := range whole.History {
				if h.Kind == "acknowledged" {
					times++
				}
			}
		} else {
			if moves[d.case_] == nil {
				moves[d.case_] = map[string]int{}
				var page struct {
					Timeline []struct {
						Kind string `json:"kind"`
						Data struct {
							Move string `json:"move"`
						} `json:"data"`
					} `json:"timeline"`
				}
				err := t.local.call(ctx, http.MethodGet, fmt.Sprintf("/api/v1/cases/%d", d.case_), "", nil, &page)
				if err != nil && !errors.As(err, &no) {
					return err
				}
				for _, e := range page.Timeline {
					if e.Kind == "move" {
						moves[d.case_][e.Data.Move]++
					}
				}
			}
			times = moves[d.case_][d.move]
		}
		if times != 1 {
			t.out.lostDeeds++
			if len(t.out.examples) < 3 {
				t.out.examples = append(t.out.examples, fmt.Sprintf("%+v is there %d times", d, times))
			}
		}
	}
	return nil
}

// cases looks whether each alert that opens a case has one, and none has two. Events may still be on their way.
func (t *trial) cases(ctx context.Context, opening map[int64]bool) error {
	count := map[int64]int{}
	wrong := func() (n int) {
		for id := range opening {
			if count[id] != 1 {
				n++
			}
		}
		return n
	}
	var failed error
	_ = soon(ctx, func() (string, error) { // what is still wrong when patience ends is counted below
		clear(count)
		failed = eachPage(ctx, t.local, "/api/v1/cases", func(c struct{ Alert *int64 }) error {
			if c.Alert != nil {
				count[*c.Alert]++
			}
			return nil
		})
		if wrong() > 0 {
			return "cases are missing", failed
		}
		return "", failed
	})
	t.out.caseDifferences = wrong()
	for id, n := range count {
		if n > 1 && !opening[id] {
			t.out.caseDifferences++
		}
	}
	return failed
}

// eachPage calls fn with every item of a list.
func eachPage[T any](ctx context.Context, c *client, path string, fn func(T) error) error {
	q := url.Values{"state": {"all"}, "limit": {"1000"}}
	for {
		var page struct {
			Items []T
			Next  int64
		}
		if err := c.call(ctx, http.MethodGet, path+"?"+q.Encode(), "", nil, &page); err != nil {
			return err
		}
		for _, it := range page.Items {
			if err := fn(it); err != nil {
				return err
			}
		}
		if page.Next == 0 {
			return nil
		}
		q.Set("after", fmt.Sprint(page.Next))
	}
}

// verifyLedger runs the command that an auditor runs.
func (t *trial) verifyLedger(ctx context.Context) (string, error) {
	text, err := exec.CommandContext(ctx, t.server.binary, "ledger", "verify", "--data", t.server.data).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "FAILS: " + strings.TrimSpace(string(text)), nil
	}
	return ledgerGood, err
}

// undisturbed sends the readings that are there to a fresh server that nobody disturbs, and returns its alerts.
func (t *trial) undisturbed(ctx context.Context, there [alarms][]int) (map[string]string, error) {
	dir := filepath.Join(t.dir, "undisturbed")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s := &server{binary: t.server.binary, data: dir, logFile: filepath.Join(t.dir, "undisturbed.log")}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	defer func() {
		s.kill()
		if s.cmd.ProcessState == nil {
			_ = s.cmd.Wait() // it was killed
		}
	}()
	c := newClient(s, false)
	if _, err := register(ctx, c); err != nil {
		return nil, err
	}
	for alarm, numbers := range there {
		for part := range slices.Chunk(numbers, 5000) {
			var csv strings.Builder
			csv.WriteString("datastream,at,value\n")
			for _, n := range part {
				fmt.Fprintf(&csv, "%s,%s,%v\n", stream(alarm), at(n).Format(time.RFC3339), value(alarm, n))
			}
			if err := c.call(ctx, http.MethodPost, "/api/v1/readings.csv?source=crash", "", csv.String(), nil); err != nil {
				return nil, err
			}
		}
	}
	if err := settled(ctx, c); err != nil {
		return nil, err
	}
	alerts, _, err := alertsOf(ctx, c)
	if err != nil {
		return nil, err
	}
	return alerts, s.stop()
}

// alertsOf lists all alerts of hazards, what they are about with the levels they went through when, and the ids of those that
// open a case.
func alertsOf(ctx context.Context, c *client) (all map[string]string, opening map[int64]bool, err error) {
	all, opening = map[string]string{}, map[int64]bool{}
	err = eachPage(ctx, c, "/api/v1/alerts", func(a alert) error {
		if a.Kind != "hazard" {
			return nil // an instrument's silence is measured by the machine's clock
		}
		var whole alert
		if err := c.call(ctx, http.MethodGet, fmt.Sprintf("/api/v1/alerts/%d", a.ID), "", nil, &whole); err != nil {
			return err
		}
		var steps []string
		for _, h := range whole.History {
			if h.Kind == "acknowledged" {
				continue
			}
			steps = append(steps, h.At.Format("0102T150405")+" "+h.Kind+" "+h.Level)
			if h.Level == "orange" || h.Level == "red" { // as the rule's opens.from says
				opening[a.ID] = true
			}
		}
		key := fmt.Sprintf("%s of %s since %s", a.Detector, a.AssetName["en"], a.Since.Format(time.RFC3339))
		if _, twice := all[key]; twice {
			key += " once more"
		}
		all[key] = strings.Join(steps, ", ")
		return nil
	})
	return all, opening, err
}
