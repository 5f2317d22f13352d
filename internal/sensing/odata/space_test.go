package odata

import (
	"slices"
	"testing"
)

// The places and what is expected of them are those of FROST's own tests of geospatial functions.
func TestSpace(t *testing.T) {
	var world []*thing
	for _, raw := range []string{
		`{"type":"Point","coordinates":[8,51]}`,
		`{"type":"Point","coordinates":[8,52]}`,
		`{"type":"Point","coordinates":[8,53,12.5]}`,
		`{"type":"Feature","geometry":{"type":"Point","coordinates":[8,54]},"properties":null}`,
		`{"type":"Polygon","coordinates":[[[8,53],[7,52],[7,53],[8,53]]],"crs":{"type":"name","properties":{"name":"EPSG:4326"}}}`,
		`{"type":"LineString","coordinates":[[5,52],[5,53]]}`,
		`{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"LineString","coordinates":[[5,52],[6,53]]},"properties":{}}]}`,
		`{"type":"LineString","coordinates":[[4,52],[8,52]]}`,
		`{"type":"Point","coordinates":"none"}`, // no geometry: never matches
		`"POINT(8 51)"`,
	} {
		world = append(world, &thing{props: map[string]Value{"location": JSON(raw)}})
	}
	const box, meridian, part = "geography'POLYGON((7.5 51.5,7.5 53.5,8.5 53.5,8.5 51.5,7.5 51.5))'", "geography'LINESTRING(7.5 51,7.5 54)'", "geography'LINESTRING(7.5 51.5,7.5 53.5)'"
	type ids = []int
	for _, tt := range []struct {
		filter string
		want   ids
	}{
		{"geo.distance(location,geography'POINT(8 54.1)') lt 1", ids{3}},
		{"geo.distance(location,geography'POINT(8 54.1)') gt 1", ids{0, 1, 2, 4, 5, 6, 7}},
		{"geo.intersects(location," + meridian + ")", ids{4, 7}},
		{"geo.length(location) gt 1", ids{6, 7}},
		{"geo.length(location) ge 1", ids{5, 6, 7}},
		{"geo.length(location) eq 1", ids{5}},
		{"geo.length(location) le 4", ids{0, 1, 2, 3, 4, 5, 6, 7}},
		{"geo.length(location) lt 4", ids{0, 1, 2, 3, 4, 5, 6}},
		{"st_contains(" + box + ",location)", ids{1, 2}},
		{"st_crosses(" + part + ",location)", ids{4, 7}},
		{"st_disjoint(" + box + ",location)", ids{0, 3, 5, 6}},
		{"st_equals(location,geography'POINT(8 53)')", ids{2}},
		{"st_intersects(location," + meridian + ")", ids{4, 7}},
		{"st_overlaps(" + box + ",location)", ids{4}},
		{"st_relate(" + box + ",location,'T********')", ids{1, 2, 4, 7}},
		{"st_touches(geography'POLYGON((8 53,7.5 54.5,8.5 54.5,8 53))',location)", ids{2, 4}},
		{"st_within(geography'POINT(7.5 52.75)',location)", ids{4}},
		{"not st_within(geography'POINT(7.5 52.75)',location)", ids{0, 1, 2, 3, 5, 6, 7}},
	} {
		p := Compile(mustFilter(t, SensorThings().Type("Location"), tt.filter), 0)
		got := ids{}
		for i, l := range world {
			if ok, err := p.Match(l); err != nil {
				t.Fatal(err)
			} else if ok {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.filter, got, tt.want)
		}
	}
}
