package sta

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

const (
	benchStreams  = 10_000
	benchReadings = 100 // of each datastream
)

// benchCity is a city of 1,000 Things with ten Datastreams each, whose readings are mostly sealed.
func benchCity(b *testing.B) *readWorld {
	b.Helper()
	w := readStart(b, dbtest.SQLite(b, readMigrations()...))
	w.post("/Sensors", `{"name":"s","description":"d","encodingType":"text","metadata":"m"}`)
	w.post("/ObservedProperties", `{"name":"p","definition":"http://example.org/p","description":"d"}`)
	w.post("/Locations", `{"name":"l","description":"d","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[8,51]}}`)
	w.post("/FeaturesOfInterest", `{"name":"f","description":"d","encodingType":"application/geo+json","feature":{"type":"Point","coordinates":[8,51]}}`)
	ctx := access.With(context.Background(), access.System("bench"))
	err := w.core.Change(ctx, "bench", func(t *sensing.Tx) error {
		for i := range benchStreams / 10 {
			if _, err := t.Exec("insert into sta_things (name, description, properties) values ($1, 'a thing of the city', '{\"n\":1}')", fmt.Sprintf("thing %d", i)); err != nil {
				return err
			}
			if _, err := t.Exec("insert into sta_thing_locations (thing, location) values ($1, 1)", i+1); err != nil {
				return err
			}
		}
		for i := range benchStreams {
			id, err := t.AddDatastream(sensing.Datastream{Name: fmt.Sprintf("datastream %d", i), Unit: "Cel", Thing: int64(i/10 + 1)})
			if err != nil {
				return err
			}
			if _, err := t.Exec(`insert into sta_datastreams (id, name, description, observation_type, unit, observed_area, properties, thing, sensor, feature)
				values ($1, $2, 'd', 't', '{"name":"Celsius","symbol":"Cel","definition":"ucum:Cel"}', '', '', $3, 1, 1)`, id, fmt.Sprintf("datastream %d", i), i/10+1); err != nil {
				return err
			}
			if _, err := t.Exec("insert into sta_datastream_properties (datastream, position, observed_property) values ($1, 0, 1)", id); err != nil {
				return err
			}
			if _, err := t.Exec("insert into sta_datastream_features (datastream, feature) values ($1, 1)", id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	at := int64(1_700_000_000_000_000)
	for n := range benchReadings {
		rs := make([]sensing.Reading, benchStreams)
		for i := range rs {
			rs[i] = sensing.Reading{Datastream: int64(i + 1), At: at + int64(n)*60_000_000, Value: sensing.Number(float64(i%50) + float64(n)/10), Feature: 1}
		}
		if _, err := w.core.Append(ctx, "bench", rs); err != nil {
			b.Fatal(err)
		}
		if n == benchReadings-5 {
			if err := w.core.Seal(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	}
	return w
}

func BenchmarkReads(b *testing.B) {
	w := benchCity(b)
	h := w.s.Handler()
	ask := func(h http.Handler, path string) int {
		r := httptest.NewRequest("GET", path, nil)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r.WithContext(access.With(r.Context(), w.as)))
		if rec.Code != 200 {
			b.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
		}
		return rec.Body.Len()
	}
	all := int64(benchStreams * benchReadings)
	for _, c := range []struct{ name, path string }{
		{"observations of one page", "/v1.1/Observations?$top=1000"},
		{"observations at depth", fmt.Sprintf("/v1.1/Observations?$skip=%d", all/2)},
		{"observations of one datastream", "/v1.1/Datastreams(5000)/Observations?$top=100"},
		{"newest observation of all", "/v1.1/Observations?$top=1&$orderby=phenomenonTime%20desc"},
		{"observations since a time", "/v1.1/Observations?$filter=phenomenonTime%20ge%202023-11-14T23:50:00Z&$top=100"},
		{"observations of a thing", "/v1.1/Observations?$filter=Datastream/Thing/id%20eq%20500&$top=100&$count=true"},
		{"count of a month", "/v1.1/Observations?$filter=phenomenonTime%20ge%202023-11-14T23:00:00Z%20and%20phenomenonTime%20lt%202023-11-14T23:30:00Z&$count=true&$top=0"},
		{"count of all observations", "/v1.1/Observations?$count=true&$top=0"},
		{"one observation", "/v1.1/Observations(5368709121)"},
		{"things of one page", "/v1.1/Things?$top=100"},
		{"things at depth", "/v1.1/Things?$top=100&$skip=900"},
		{"datastreams with their latest", "/v1.1/Datastreams?$top=100&$expand=Observations($top=1;$orderby=phenomenonTime%20desc)"},
		{"things with datastreams and their latest", "/v1.1/Things?$top=100&$expand=Datastreams($expand=Observations($top=1;$orderby=phenomenonTime%20desc))"},
		{"datastreams by name", "/v1.1/Datastreams?$filter=startswith(name,%27datastream%2099%27)&$orderby=name"},
		{"datastreams evaluated", "/v1.1/Datastreams?$filter=length(name)%20eq%2015&$count=true&$top=10"},
		{"things by their readings", "/v1.1/Things?$filter=Datastreams/Observations/result%20gt%2058.8&$top=5"},
	} {
		b.Run(c.name, func(b *testing.B) {
			bytes := 0
			for b.Loop() {
				bytes = ask(h, c.path)
			}
			b.ReportMetric(float64(bytes), "answer-B")
		})
	}
	b.Run("latest of all", func(b *testing.B) {
		for b.Loop() {
			ask(w.s.Latest(), "/api/v1/latest")
		}
	})
}

// BenchmarkEncodeObservations is the encoding of a page of 1000 Observations alone.
func BenchmarkEncodeObservations(b *testing.B) {
	w := readStart(b, dbtest.SQLite(b, readMigrations()...))
	h := &get{view: w.s.newView(access.With(context.Background(), w.as), w.url)}
	p, err := h.plan(odata.SensorThings().Set(setObservations), &odata.Query{})
	if err != nil {
		b.Fatal(err)
	}
	e := h.encoder()
	s := sensing.Stored{ID: 1 << 31, Reading: sensing.Reading{Datastream: 1, At: 1_700_000_000_000_000, Value: sensing.Number(21.5), Feature: 1}}
	var buf []byte
	for b.Loop() {
		buf = buf[:0]
		for i := range 1000 {
			s.ID, s.At = s.ID+1, s.At+int64(i)*60_000_000
			buf = e.reading(buf, p, &s)
		}
	}
	b.ReportMetric(float64(len(buf)), "page-B")
}
