//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

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
					} `json:"items"`
				}
				err := t.local.call(ctx, http.MethodGet, fmt.Sprintf("/api/v1/cases/%d/timeline?limit=1000", d.case_), "", nil, &page)
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
			t.example("%+v is there %d times", d, times)
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
