//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/bench/ingest/rig"
)

type obj = map[string]any

// register brings the assets into the city's register and their datastreams into SensorThings, and returns the datastreams'
// ids: those of an asset stand together.
func register(ctx context.Context, c *rig.Client) ([]int64, error) {
	var places, things []obj
	feature := func(geometry any, properties obj) obj {
		return obj{"type": "Feature", "geometry": geometry, "properties": properties}
	}
	for a := range assets {
		places = append(places, feature(point(a), obj{"external_id": placeKey(a), "name_en": placeKey(a)}))
		things = append(things, feature(nil, obj{"external_id": assetKey(a), "kind": packName(kindOf(a)) + "/" + kindName(kindOf(a)), "name_en": assetKey(a), "place": placeKey(a)}))
	}
	for _, list := range []struct {
		name     string
		features []obj
	}{{"places", places}, {"assets", things}} {
		err := c.Call(ctx, http.MethodPost, "/api/v1/city/import?format=geojson&coordinates=wgs84&as="+list.name, "",
			obj{"type": "FeatureCollection", "features": list.features}, nil)
		if err != nil {
			return nil, err
		}
	}
	observed := map[string][properties]int64{}
	for first := 0; first < kinds; first += perPack {
		var ids [properties]int64
		for q := range ids {
			var err error
			ids[q], err = create(ctx, c, "/v1.1/ObservedProperties", obj{
				"name": propertyName(q), "definition": "urn:anlan:property:" + packName(first) + ":" + propertyName(q), "description": "a quantity"})
			if err != nil {
				return nil, err
			}
		}
		observed[packName(first)] = ids
	}
	sensor, err := create(ctx, c, "/v1.1/Sensors", obj{
		"name": "instrument", "description": "one type for all", "encodingType": "text/html", "metadata": "https://example.org/instrument"})
	if err != nil {
		return nil, err
	}
	g, inserting := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for a := range assets {
		g.Go(func() error { return addThing(inserting, c, a, sensor, observed[packName(kindOf(a))]) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return known(ctx, c)
}

// create posts an entity and returns its id.
func create(ctx context.Context, c *rig.Client, path string, in obj) (int64, error) {
	var out struct {
		ID int64 `json:"@iot.id"`
	}
	err := c.Call(ctx, http.MethodPost, path, "", in, &out)
	return out.ID, err
}

func placeKey(asset int) string { return fmt.Sprintf("place-%05d", asset) }
func assetKey(asset int) string { return fmt.Sprintf("asset-%05d", asset) }

func streamName(asset, property int) string {
	return fmt.Sprintf("%s %s", assetKey(asset), propertyName(property))
}

func point(asset int) obj {
	return obj{"type": "Point", "coordinates": []float64{121 + float64(asset%100)/200, 31 + float64(asset/100)/200}}
}

// addThing makes a Thing with its Location and its Datastreams by deep insert.
func addThing(ctx context.Context, c *rig.Client, a int, sensor int64, observed [properties]int64) error {
	var streams []obj
	for q, property := range observed {
		streams = append(streams, obj{
			"name": streamName(a, q), "description": "as measured",
			"observationType":   "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
			"unitOfMeasurement": obj{"name": "kilopascal", "symbol": "kPa", "definition": "kPa"},
			"ObservedProperty":  obj{"@iot.id": property},
			"Sensor":            obj{"@iot.id": sensor},
		})
	}
	return c.Call(ctx, http.MethodPost, "/v1.1/Things", "", obj{
		"name": assetKey(a), "description": "a thing of the city", "properties": obj{"asset": assetKey(a)},
		"Locations":   []any{obj{"name": placeKey(a), "description": "where it stands", "encodingType": "application/geo+json", "location": point(a)}},
		"Datastreams": streams,
	}, nil)
}

// known asks for the ids of all datastreams by their names; nil for a server that has none.
func known(ctx context.Context, c *rig.Client) ([]int64, error) {
	byName := make(map[string]int64, datastreams)
	for last, more := int64(0), true; more; {
		var page struct {
			Value []struct {
				ID   int64  `json:"@iot.id"`
				Name string `json:"name"`
			} `json:"value"`
		}
		err := c.Call(ctx, http.MethodGet, fmt.Sprintf("/v1.1/Datastreams?$select=id,name&$orderby=id&$top=1000&$filter=id%%20gt%%20%d", last), "", nil, &page)
		if err != nil {
			return nil, err
		}
		for _, d := range page.Value {
			byName[d.Name], last = d.ID, d.ID
		}
		more = len(page.Value) > 0
	}
	if len(byName) == 0 {
		return nil, nil
	}
	ids := make([]int64, 0, datastreams)
	for a := range assets {
		for q := range properties {
			id := byName[streamName(a, q)]
			if id == 0 {
				return nil, fmt.Errorf("the server has no datastream %q", streamName(a, q))
			}
			ids = append(ids, id)
		}
	}
	return ids, nil
}
