//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

// name names an alert: each planted reading makes one under each rule that judges it.
type name struct {
	detector   string
	datastream int64
}

// fates counts alerts by name.
type fates map[name]int

func (f fates) total() (n int) {
	for _, count := range f {
		n += count
	}
	return n
}

// read takes in all alerts of the server, over its API.
func (f fates) read(ctx context.Context, c *rig.Client) error {
	for after, more := int64(0), true; more; {
		var page struct {
			Items []struct {
				Detector   string `json:"detector"`
				Datastream int64  `json:"datastream"`
			}
			Next int64
		}
		if err := c.Call(ctx, http.MethodGet, fmt.Sprintf("/api/v1/alerts?state=all&limit=1000&after=%d", after), "", nil, &page); err != nil {
			return err
		}
		for _, a := range page.Items {
			f[name{a.Detector, a.Datastream}]++
		}
		after, more = page.Next, page.Next != 0
	}
	return nil
}

// listener hears of alerts over the server's live stream, as a browser does.
type listener struct {
	mu   sync.Mutex
	told map[name][]time.Time
	err  error
}

// listen opens the stream and returns once it stands.
func listen(ctx context.Context, s *rig.Server) (*listener, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr+"/api/v1/live", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("GET /api/v1/live: %s", resp.Status)
	}
	l := &listener{told: map[name][]time.Time{}}
	go func() {
		defer resp.Body.Close()
		err := l.hear(bufio.NewReaderSize(resp.Body, 1<<16))
		l.mu.Lock()
		defer l.mu.Unlock()
		l.err = err
	}()
	return l, nil
}

func (l *listener) hear(lines *bufio.Reader) error {
	raised := false
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return err
		}
		now := time.Now()
		if event, ok := bytes.CutPrefix(line, []byte("event: ")); ok {
			raised = string(bytes.TrimSpace(event)) == "alert.raised"
			continue
		}
		data, ok := bytes.CutPrefix(line, []byte("data: "))
		if !ok || !raised {
			continue
		}
		var a struct {
			Detector    string
			Datastreams []int64
		}
		if err := json.Unmarshal(data, &a); err != nil {
			return err
		}
		l.mu.Lock()
		for _, d := range a.Datastreams {
			n := name{a.Detector, d}
			l.told[n] = append(l.told[n], now)
		}
		l.mu.Unlock()
	}
}

// heard is how many alerts have been told.
func (l *listener) heard() (n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, times := range l.told {
		n += len(times)
	}
	return n, l.err
}
