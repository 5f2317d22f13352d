//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

const (
	probes = 60 // each raises one alert
	// askEvery is how often the inbox is asked for what has come: what is measured is that much too long at most.
	askEvery = 5 * time.Millisecond
)

// register makes two organisations: one that owns the cases, and one that holds the probes and whose inbox is looked at.
func register(ctx context.Context, s *rig.Server) (owner, holder int64, err error) {
	c := s.Client(false)
	give := func(what, text string) {
		if err == nil {
			err = c.Call(ctx, http.MethodPost, "/api/v1/city/import?as="+what+"&filename="+what+".csv&coordinates=wgs84", "", []byte(text), nil)
		}
	}
	give("organisations", "external_id,kind,name_en,name_zh\nWORKS,utility,Works,工程公司\nHOLDER,utility,Holder,权属单位\n")
	var places, assets strings.Builder
	fmt.Fprintln(&places, "external_id,name_en,lon,lat")
	fmt.Fprintln(&assets, "external_id,kind,name_en,organisation,place")
	var streams []obj
	for i := range probes {
		// Far from each other, so that no two alerts are one event.
		fmt.Fprintf(&places, "yard-%d,Yard %d,%.1f,31\n", i, i, 100+float64(i)/10)
		fmt.Fprintf(&assets, "%s,bench/probe,Probe %d,HOLDER,yard-%d\n", probe(i), i, i)
		streams = append(streams, obj{"external_id": probe(i) + "/level", "asset": probe(i), "property": "bench/level", "unit": "m", "name": "Level"})
	}
	give("places", places.String())
	give("assets", assets.String())
	if err == nil {
		err = c.Call(ctx, http.MethodPut, "/api/v1/datastreams", "", obj{"items": streams}, nil)
	}
	var all struct {
		Items []struct {
			ID         int64
			ExternalID string `json:"external_id"`
		}
	}
	if err == nil {
		err = c.Call(ctx, http.MethodGet, "/api/v1/organisations", "", nil, &all)
	}
	for _, o := range all.Items {
		switch o.ExternalID {
		case "WORKS":
			owner = o.ID
		case "HOLDER":
			holder = o.ID
		}
	}
	if err == nil && (owner == 0 || holder == 0) {
		err = fmt.Errorf("the organisations are not there: %+v", all.Items)
	}
	return owner, holder, err
}

func probe(i int) string { return fmt.Sprintf("probe-%d", i) }

// alarm sends a reading above the limit each second until ctx ends or the probes are used up, and looks each time how long it
// takes from sending it until the notice of its alert is in the inbox of the probe's holder.
func (d *desks) alarm(ctx context.Context, machine *rig.Client, holder int64) error {
	during := context.WithoutCancel(ctx) // what was begun is seen to its end
	for i := range probes {
		begin := time.Now()
		reading := fmt.Sprintf("datastream,at,value\n%s/level,%s,90\n", probe(i), begin.UTC().Format(time.RFC3339Nano))
		if err := machine.Call(during, http.MethodPost, "/api/v1/readings.csv?source=bench", "", []byte(reading), nil); err != nil {
			return err
		}
		for there := 0; there <= i; {
			var in struct {
				Items []struct{ About, What string }
			}
			if err := d.client.Call(during, http.MethodGet, fmt.Sprintf("/api/v1/inbox?organisation=%d", holder), "", nil, &in); err != nil {
				return err
			}
			there = 0
			for _, item := range in.Items {
				if item.What == "notice" && item.About == "alert" {
					there++
				}
			}
			if time.Since(begin) > time.Minute {
				return fmt.Errorf("alert %d is not in the inbox after a minute: %+v", i+1, in.Items)
			}
			<-time.After(askEvery)
		}
		d.alerts = append(d.alerts, time.Since(begin))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(begin.Add(time.Second))):
		}
	}
	return nil
}
