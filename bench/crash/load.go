//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	alarms  = 16 // gas alarms, one datastream each
	senders = 8  // each has its own alarms, so that a datastream's readings come in the order of their time
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const rhythm = 30 * time.Second

// at is the time of a datastream's reading n.
func at(n int) time.Time { return epoch.Add(time.Duration(n) * rhythm) }

// numberAt is the reading that has a time, or would have it if that is none.
func numberAt(t time.Time) int { return int(t.Sub(epoch) / rhythm) }

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

// newDevice makes the token with which the MQTT clients identify themselves: nobody else may have a session that is kept.
func newDevice(ctx context.Context, c *client) (secret string, err error) {
	var made struct {
		Secret string `json:"secret"`
	}
	err = c.call(ctx, http.MethodPost, "/api/v1/tokens", "", map[string]any{"name": "crash", "source": "crash", "may": []string{"read"}, "organisation": 0}, &made)
	if err != nil {
		return "", fmt.Errorf("make a device token: %w", err)
	}
	return made.Secret, nil
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
