//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	alarms  = 12 // gas alarms, one datastream each
	senders = 4  // each has its own alarms, so that a datastream's readings come in the order of their time
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// at is the time of a datastream's reading n.
func at(n int) time.Time { return epoch.Add(time.Duration(n) * 30 * time.Second) }

// value is reading n of an alarm: its level drives the detector through all levels and back, its last digits are n.
func value(alarm, n int) float64 {
	level := 1.0
	switch phase := (n + alarm*97) % 1200; { // ten hours, shifted for each alarm
	case phase >= 1000 && phase < 1004:
		level = 6
	case phase >= 1004 && phase < 1008:
		level = 12
	case phase >= 1008 && phase < 1014:
		level = 25
	}
	return level + float64(n)/1e7
}

func stream(alarm int) string { return fmt.Sprintf("alarm-%02d/methane", alarm) }

// register brings the city in and returns the ids of the datastreams.
func register(ctx context.Context, c *client) ([]int64, error) {
	type feature struct {
		Type       string            `json:"type"`
		Geometry   any               `json:"geometry"`
		Properties map[string]string `json:"properties"`
	}
	var places, assets []feature
	var items []map[string]string
	for i := range alarms {
		place := fmt.Sprintf("restaurant-%02d", i)
		point := map[string]any{"type": "Point", "coordinates": []float64{121.5 + float64(i)/1000, 31.2}}
		places = append(places, feature{"Feature", point, map[string]string{"external_id": place, "name_en": place}})
		assets = append(assets, feature{"Feature", point, map[string]string{"external_id": fmt.Sprintf("alarm-%02d", i),
			"kind": "gas/kitchen-alarm", "name_en": fmt.Sprintf("Alarm %02d", i), "place": place}})
		items = append(items, map[string]string{"external_id": stream(i), "asset": fmt.Sprintf("alarm-%02d", i),
			"property": "gas/methane", "unit": "%LEL", "name": "Methane"})
	}
	if err := importCity(ctx, c, "places", places); err != nil {
		return nil, err
	}
	if err := importCity(ctx, c, "assets", assets); err != nil {
		return nil, err
	}
	var out struct {
		Items []struct {
			ID int64 `json:"id"`
		} `json:"items"`
	}
	if err := c.call(ctx, http.MethodPut, "/api/v1/datastreams", "", map[string]any{"items": items}, &out); err != nil {
		return nil, fmt.Errorf("register datastreams: %w", err)
	}
	var ids []int64
	for _, d := range out.Items {
		ids = append(ids, d.ID)
	}
	return ids, nil
}

func importCity(ctx context.Context, c *client, list string, features any) error {
	err := c.call(ctx, http.MethodPost, "/api/v1/city/import?format=geojson&coordinates=wgs84&as="+list, "",
		map[string]any{"type": "FeatureCollection", "features": features}, nil)
	if err != nil {
		return fmt.Errorf("import %s: %w", list, err)
	}
	return nil
}

// gate lets the clients work while the server is up.
type gate struct {
	mu   sync.Mutex
	up   bool
	open chan struct{} // closed while the server is up
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

func (g *gate) lift() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.up = true
	close(g.open)
}

func (g *gate) drop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.up { // else those who wait keep waiting for the same lift
		g.up, g.open = false, make(chan struct{})
	}
}

// pass waits for the server.
func (g *gate) pass(ctx context.Context) bool {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	select {
	case <-open:
		return true
	case <-ctx.Done():
		return false
	}
}

// book is what was sent and what was answered, by datastream and number.
type book struct {
	mu         sync.Mutex
	acked      [alarms]map[int]bool
	unanswered [alarms]map[int]bool
	count      int           // of acked
	more       chan struct{} // closed and renewed when count or refused changes
	refused    error         // the first answer that said no
}

func newBook() *book {
	b := &book{more: make(chan struct{})}
	for i := range alarms {
		b.acked[i], b.unanswered[i] = map[int]bool{}, map[int]bool{}
	}
	return b
}

type number struct{ alarm, n int }

func (b *book) note(sent []number, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil:
		for _, s := range sent {
			b.acked[s.alarm][s.n] = true
		}
		b.count += len(sent)
		b.wake()
	case errors.Is(err, errNoAnswer):
		for _, s := range sent {
			b.unanswered[s.alarm][s.n] = true
		}
	case b.refused == nil:
		b.refused = err
		b.wake()
	}
}

func (b *book) wake() {
	close(b.more)
	b.more = make(chan struct{})
}

// await waits until some more readings were acknowledged.
func (b *book) await(ctx context.Context, more int) error {
	b.mu.Lock()
	target := b.count + more
	b.mu.Unlock()
	timeout := time.After(startPatience)
	for {
		b.mu.Lock()
		count, grown, refused := b.count, b.more, b.refused
		b.mu.Unlock()
		if refused != nil {
			return refused
		}
		if count >= target {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		case <-timeout:
			return fmt.Errorf("no reading was acknowledged for %s", startPatience)
		}
	}
}

// send is one sender: batches of some readings of its alarms, one after the other, until ctx ends. A batch without an answer
// is not sent again, since what became of it can't be known; its numbers are left out or there.
func send(ctx context.Context, sender int, c *client, g *gate, b *book, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, uint64(sender)))
	var next [alarms]int
	for g.pass(ctx) {
		var batch []number
		var readings []map[string]any
		for alarm := sender; alarm < alarms; alarm += senders {
			for range rng.IntN(12) {
				n := next[alarm]
				next[alarm]++
				batch = append(batch, number{alarm, n})
				readings = append(readings, map[string]any{"datastream": stream(alarm), "at": at(n), "value": value(alarm, n)})
			}
		}
		if len(batch) == 0 {
			continue
		}
		var receipt struct {
			Accepted int `json:"accepted"`
		}
		// Not under ctx: a request that is under way when the trial ends gets its answer.
		err := c.call(context.WithoutCancel(ctx), http.MethodPost, "/api/v1/readings", "", map[string]any{"source": "crash", "readings": readings}, &receipt)
		if err == nil && receipt.Accepted != len(batch) {
			err = fmt.Errorf("%d of %d readings accepted", receipt.Accepted, len(batch))
		}
		b.note(batch, err)
	}
}

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
