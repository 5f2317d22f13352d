package intake

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// A mapping is taken, or refused with problems that have a place in it.
func FuzzMapping(f *testing.F) {
	for _, name := range []string{"chirpstack.yaml", "modbus.yaml", "values.yaml"} {
		content, err := fs.ReadFile(Examples(), name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add([]byte("hook: a\neach: |\n  body\nreadings: [{datastream: \"'x'\", value: item[0], values: {a: 1}}]\n"))
	f.Add([]byte("source: w\ntime: {column: [a, b], format: unix}\nwhere: {q: [1, 2]}\nseries: [{column: \"v_{x}\", datastream: \"{x}\", times: 2}]\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		lines := strings.Count(strings.ReplaceAll(string(content), "\r", "\n"), "\n") + 1
		_, hookErr := ParseHook("m.yaml", content, env)
		_, layoutErr := ParseLayout("m.yaml", content)
		for _, err := range []error{hookErr, layoutErr} {
			var ps Problems
			if err == nil {
				continue
			}
			if !errors.As(err, &ps) || len(ps) == 0 {
				t.Fatalf("%q: %v", content, err)
			}
			for _, p := range ps {
				if p.Line > lines+1 || p.Message == "" || p.File != "m.yaml" {
					t.Fatalf("%q: %+v", content, p)
				}
			}
		}
	})
}

// Whatever is posted to a hook is mapped or refused, and gives the same each time.
func FuzzBody(f *testing.F) {
	f.Add("chirpstack", []byte(`{"time":"2026-11-23T03:00:15Z","deviceInfo":{"devEui":"a8"},"object":{"temperature":21.5}}`))
	f.Add("modbus", []byte(`{"ts":1795402800,"devices":[{"slave":1,"registers":[4013,17093,16384,54464,1,65511,1]}]}`))
	f.Add("values", []byte(`{"id":1,"ts":1,"values":{"a":null,"b":true,"c":"7.5","d":[],"e":{}}}`))
	hooks := exampleHooks(f)
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		h := hooks[name]
		if h == nil {
			return
		}
		in := Body{JSON: body, Now: noon, Query: map[string]string{"event": "up"}}
		mapped, refused, err := h.Map(in)
		again, refusedAgain, errAgain := h.Map(in)
		if len(mapped) != len(again) || len(refused) != len(refusedAgain) || (err == nil) != (errAgain == nil) {
			t.Fatalf("%s: %d, %d and %v; then %d, %d and %v", body, len(mapped), len(refused), err, len(again), len(refusedAgain), errAgain)
		}
		var e *web.Error
		if err != nil && (!errors.As(err, &e) || e.Status >= 500) {
			t.Fatalf("%s: %v", body, err)
		}
		for i, m := range mapped {
			if m.Datastream == "" || m.Index < 0 || m.Datastream != again[i].Datastream || m.Value.String() != again[i].Value.String() {
				t.Fatalf("%s: %+v", body, m)
			}
		}
	})
}

// Whatever is in a file is read or refused, and nothing is taken of a refused one.
func FuzzFile(f *testing.F) {
	f.Add("l.csv", []byte("site,time,level\neast,2026-11-23T03:00:00Z,1\n"))
	f.Add("l.csv", []byte("site;time;level\n\"e\"\"t\";2026-11-23 03:00;1\n"))
	f.Add("l.geojson", []byte(`{"type":"FeatureCollection","features":[{"type":"Feature","id":1,"properties":{"site":"east","time":"2026-11-23T03:00:00Z","level":1.5,"a":{"b":[1]}}}]}`))
	l := layoutOf(f, "source: w\ntime_zone: UTC\ntime: time\nseries: [{column: level, datastream: \"{site}/level\", unit: mm}]\n")
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		log := newFake(stations)
		s := &Service{Options: Options{Log: log, Clock: clock.NewVirtual(noon), Access: access.AllowAll}}
		r, err := s.Import(context.Background(), l, []Input{input(name, string(content))}, ImportOptions{})
		var e *web.Error
		switch {
		case err == nil && r.Accepted+r.RefusedN != r.Files[0].Readings:
			t.Fatalf("%q: %+v", content, r)
		case err != nil && (!errors.As(err, &e) || e.Status != 422 || len(log.taken) > 0):
			t.Fatalf("%q: %v, %d taken", content, err, len(log.taken))
		}
	})
}
