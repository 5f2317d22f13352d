//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

// alarms is how many gas alarms there are, with one datastream each: enough that each of the 64 single clients has ten.
const alarms = 640

// register brings the alarms into the city's register and into SensorThings, and returns their datastreams.
func register(ctx context.Context, c *rig.Client) ([]int64, error) {
	type feature struct {
		Type       string            `json:"type"`
		Geometry   any               `json:"geometry"`
		Properties map[string]string `json:"properties"`
	}
	var places, assets []feature
	for i := range alarms {
		place := fmt.Sprintf("restaurant-%03d", i)
		places = append(places, feature{"Feature", point(i), map[string]string{"external_id": place, "name_en": place}})
		assets = append(assets, feature{"Feature", point(i), map[string]string{"external_id": alarm(i), "kind": "gas/kitchen-alarm", "name_en": alarm(i), "place": place}})
	}
	for _, list := range []struct {
		name     string
		features []feature
	}{{"places", places}, {"assets", assets}} {
		err := c.Call(ctx, http.MethodPost, "/api/v1/city/import?format=geojson&coordinates=wgs84&as="+list.name, "",
			map[string]any{"type": "FeatureCollection", "features": list.features}, nil)
		if err != nil {
			return nil, err
		}
	}
	property, err := create(ctx, c, "/v1.1/ObservedProperties", obj{
		"name": "Methane", "definition": "urn:anlan:property:gas:methane", "description": "methane in air, of the lower explosive limit"})
	if err != nil {
		return nil, err
	}
	sensor, err := create(ctx, c, "/v1.1/Sensors", obj{
		"name": "catalytic bead", "description": "as kitchens have", "encodingType": "text/html", "metadata": "https://example.org/bead"})
	if err != nil {
		return nil, err
	}
	ids := make([]int64, alarms)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i := range alarms {
		g.Go(func() (err error) {
			ids[i], err = addAlarm(ctx, c, i, sensor, property)
			return err
		})
	}
	return ids, g.Wait()
}

type obj = map[string]any

func alarm(i int) string { return fmt.Sprintf("alarm-%03d", i) }

func point(i int) obj {
	return obj{"type": "Point", "coordinates": []float64{121.4 + float64(i%32)/1000, 31.2 + float64(i/32)/1000}}
}

// addAlarm makes a Thing with its Location by deep insert, and its Datastream.
func addAlarm(ctx context.Context, c *rig.Client, i int, sensor, property int64) (int64, error) {
	thing, err := create(ctx, c, "/v1.1/Things", obj{
		"name": alarm(i), "description": "a gas alarm", "properties": obj{"asset": alarm(i)},
		"Locations": []any{obj{"name": alarm(i), "description": "a kitchen", "encodingType": "application/geo+json", "location": point(i)}},
	})
	if err != nil {
		return 0, err
	}
	return create(ctx, c, "/v1.1/Datastreams", obj{
		"name": alarm(i) + " methane", "description": "methane",
		"observationType":   "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
		"unitOfMeasurement": obj{"name": "percent of the lower explosive limit", "symbol": "%LEL", "definition": "%LEL"},
		"Thing":             obj{"@iot.id": thing}, "Sensor": obj{"@iot.id": sensor}, "ObservedProperty": obj{"@iot.id": property},
	})
}

// create posts an entity and returns its id.
func create(ctx context.Context, c *rig.Client, path string, in obj) (int64, error) {
	var out struct {
		ID   int64  `json:"@iot.id"`
		Self string `json:"@iot.selfLink"`
	}
	if err := c.Call(ctx, http.MethodPost, path, "", in, &out); err != nil {
		return 0, err
	}
	if out.ID == 0 || !strings.HasSuffix(out.Self, "("+strconv.FormatInt(out.ID, 10)+")") {
		return 0, fmt.Errorf("POST %s: the answer has no id: %+v", path, out)
	}
	return out.ID, nil
}
