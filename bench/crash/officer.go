//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// deed is a decision that was asked for: the acknowledgement of an alert, or a move of a case.
type deed struct {
	alert, case_ int64
	move         string
}

func (d deed) path() (string, any) {
	if d.alert != 0 {
		return fmt.Sprintf("/api/v1/alerts/%d/acknowledge", d.alert), map[string]string{"note": "seen"}
	}
	return fmt.Sprintf("/api/v1/cases/%d/moves", d.case_), map[string]any{"move": d.move, "fields": map[string]any{}}
}

// officer acknowledges alerts and moves cases on. A decision without an answer is asked for again under the same key until
// there is one, as a browser does; it must be there once.
type officer struct {
	*client
	done map[deed]bool // acknowledged; guarded by mu
	mu   sync.Mutex
	err  error
}

// newOfficer makes an account, sets its password by the one-time link, and signs in.
func newOfficer(ctx context.Context, local *client) (*officer, error) {
	const password = "a long and quiet river at night"
	o := &officer{client: newClient(local.server, true), done: map[deed]bool{}}
	var made struct {
		Link string `json:"link"`
	}
	err := local.call(ctx, http.MethodPost, "/api/v1/accounts", "", map[string]any{"name": "officer", "roles": []string{"duty-officer"}, "organisation": 0, "city_wide": true}, &made)
	if err != nil {
		return nil, fmt.Errorf("make the officer's account: %w", err)
	}
	if err := o.call(ctx, http.MethodPost, made.Link, "", url.Values{"password": {password}, "repeat": {password}}, nil); err != nil {
		return nil, fmt.Errorf("set the officer's password: %w", err)
	}
	err = o.call(ctx, http.MethodPost, "/api/v1/session", "", map[string]string{"name": "officer", "password": password}, nil)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return o, nil
}

func (o *officer) work(ctx context.Context, g *gate) {
	var open []deed // asked for and not answered
	for round := 0; g.pass(ctx); round++ {
		if len(open) == 0 {
			var err error
			if open, err = o.find(ctx); err != nil && !errors.Is(err, errNoAnswer) {
				o.fail(err)
				return
			}
		}
		if len(open) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(50 * time.Millisecond): // nothing to do: look again soon
			}
			continue
		}
		d := open[0]
		path, body := d.path()
		err := o.call(context.WithoutCancel(ctx), http.MethodPost, path, fmt.Sprintf("%+v", d), body, nil)
		if errors.Is(err, errNoAnswer) {
			continue
		}
		open = open[1:]
		if err != nil {
			o.fail(fmt.Errorf("%s: %w", path, err))
			return
		}
		o.mu.Lock()
		o.done[d] = true
		o.mu.Unlock()
	}
}

func (o *officer) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
}

// find lists what there is to decide.
func (o *officer) find(ctx context.Context) ([]deed, error) {
	var found []deed
	var alerts struct {
		Items []struct {
			ID             int64      `json:"id"`
			Kind           string     `json:"kind"`
			AcknowledgedAt *time.Time `json:"acknowledged_at"`
		} `json:"items"`
	}
	if err := o.call(ctx, http.MethodGet, "/api/v1/alerts?state=all&limit=50", "", nil, &alerts); err != nil {
		return nil, err
	}
	for _, a := range alerts.Items {
		if a.Kind == "hazard" && a.AcknowledgedAt == nil {
			found = append(found, deed{alert: a.ID})
		}
	}
	var cases struct {
		Items []struct {
			ID    int64  `json:"id"`
			State string `json:"state"`
		} `json:"items"`
	}
	if err := o.call(ctx, http.MethodGet, "/api/v1/cases?state=open&limit=50", "", nil, &cases); err != nil {
		return nil, err
	}
	next := map[string]string{"opened": "accept", "accepted": "arrive"}
	for _, c := range cases.Items {
		if move := next[c.State]; move != "" {
			found = append(found, deed{case_: c.ID, move: move})
		}
	}
	return found, nil
}
