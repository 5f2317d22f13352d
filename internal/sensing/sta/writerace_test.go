package sta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

// Many senders that are the first for a datastream make one feature, and each reading has it.
func TestOneFeatureForManyFirstReadings(t *testing.T) {
	writeBoth(t, func(t *testing.T, w *writeWorld) {
		w.gauge()
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				body := fmt.Sprintf(`{"result":%d}`, i)
				if i%4 == 0 {
					body = w.fill(fmt.Sprintf(`[{"Datastream":{"@iot.id":{datastream}},"components":["result"],"dataArray":[[%d],[%d]]}]`, i, i))
					status, _, answer := w.send("POST", "/CreateObservations", body, "")
					if status != 201 {
						t.Errorf("%d %s", status, answer)
					}
					return
				}
				status, _, answer := w.send("POST", w.fill("/Datastreams({datastream})/Observations"), body, "")
				if status != 201 {
					t.Errorf("%d %s", status, answer)
				}
			})
		}
		wg.Wait()
		counts := w.counts()
		if counts[setFeatures] != 1 || counts[setObservations] != 20 {
			t.Errorf("%v", counts)
		}
		w.run(call{do: "GET /FeaturesOfInterest(1)/Observations?$count=true&$top=0", status: 200, want: `"@iot.count":20`})
	})
}

// While a Thing moves, and a feature is deleted, no reading is left with a feature that is not there.
func TestNoReadingLosesItsFeature(t *testing.T) {
	w := writeStart(t, sqliteStore(t))
	w.gauge()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 50 {
				if status, _, answer := w.send("POST", w.fill("/Datastreams({datastream})/Observations"), fmt.Sprintf(`{"result":%d}`, i*100+j), ""); status != 201 {
					t.Errorf("%d %s", status, answer)
				}
			}
		})
	}
	wg.Go(func() {
		for id := 1; id <= 6; id++ {
			status, _, answer := w.send("POST", w.fill("/Things({thing})/Locations"), location, "")
			if status != 201 {
				t.Errorf("%d %s", status, answer)
			}
			if status, _, answer := w.send("DELETE", fmt.Sprintf("/FeaturesOfInterest(%d)", id), "", ""); status != 200 && status != 404 {
				t.Errorf("%d %s", status, answer)
			}
		}
	})
	wg.Wait()
	var readings []sensing.Stored
	if err := w.core.Scan(context.Background(), sensing.Query{}, func(r sensing.Stored) error { readings = append(readings, r); return nil }); err != nil {
		t.Fatal(err)
	}
	for _, r := range readings {
		if w.count("select count(*) from sta_features where id = $1", r.Feature) == 0 {
			t.Errorf("reading %d has the feature %d, which there is not", r.ID, r.Feature)
		}
	}
}

// Readings of a feature that is being deleted may be deleted by others, or handed over, after they were looked for.
func TestOthersMeetADeletedFeature(t *testing.T) {
	writeBoth(t, func(t *testing.T, w *writeWorld) {
		w.gauge()
		var ids []int64
		for _, name := range []string{"gone", "handed", "own"} {
			w.run(call{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201, as: name})
			id, _ := parseID([]byte(w.names[name]))
			ids = append(ids, id)
		}
		w.names["feature"] = w.idAt("/Observations({own})/FeatureOfInterest")
		w.run(call{do: "DELETE /Observations({gone})", status: 200})
		w.run(call{do: "POST /FeaturesOfInterest", body: feature, status: 201, as: "other"})
		w.run(call{do: "PATCH /Observations({handed})", body: `{"FeatureOfInterest":{"@iot.id":{other}}}`, status: 200})
		of, _ := parseID([]byte(w.names["feature"]))
		if err := w.s.change(access.With(context.Background(), access.System("desk")), func(c *change) error { return c.removeReadings(ids, of) }); err != nil {
			t.Fatal(err)
		}
		w.run(call{do: "GET /Observations({handed})", status: 200})
		w.run(call{do: "GET /Observations({own})", status: 404})
	})
}

// Two may delete one feature: while either is at it, the feature takes no readings.
func TestTwoDeleteAFeature(t *testing.T) {
	var f features
	f.reset()
	f.close(1)
	f.close(1)
	f.open(1)
	if !f.closed(1) {
		t.Error("open while one is still at it")
	}
	f.open(1)
	if f.closed(1) || len(f.closing) != 0 {
		t.Error("not open when both are through")
	}
}

// After a restart the short way knows what it knew.
func TestFeaturesAreLoaded(t *testing.T) {
	w := writeStart(t, sqliteStore(t))
	w.gauge()
	w.run(call{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201})
	s, err := New(context.Background(), w.s.Deps)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := parseID([]byte(w.names["datastream"]))
	var r sensing.Reading
	if feature, ok := s.features.of(id); !ok || feature != 1 || !s.quick([]byte(`{"result":1}`), id, &r) {
		t.Errorf("feature %d %v", feature, ok)
	}
}

// deny refuses some actions.
type deny []string

func (d deny) Decide(_ context.Context, action string, _ access.Resource, _ access.Purpose) error {
	if slices.Contains(d, action) {
		return web.Errorf(http.StatusForbidden, "access.denied", "you may not (%s)", action)
	}
	return nil
}

func TestDecisions(t *testing.T) {
	for _, c := range []struct {
		name   string
		denied deny
		allow  []call
		refuse []call
	}{
		{"one who may not change the catalogue", deny{"datastream.register"}, []call{
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201},
			{do: "POST /CreateObservations", body: `[{"Datastream":{"@iot.id":{datastream}},"components":["result"],"dataArray":[[1]]}]`, status: 201},
		}, []call{
			{do: "POST /Things", body: `{"name":"t","description":"d"}`},
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1,"FeatureOfInterest":` + feature + `}`},
			{do: "PATCH /Things({thing})", body: `{"name":"t"}`},
			{do: "PUT /Things({thing})", body: `{"name":"t","description":"d"}`},
			{do: "DELETE /Things({thing})"},
			{do: "DELETE /FeaturesOfInterest(1)"},
			{do: "PATCH /Observations({o})", body: `{"result":7}`},
			{do: "DELETE /Observations({o})"},
		}},
		{"one who may not send readings", deny{"reading.append"}, []call{
			{do: "PATCH /Things({thing})", body: `{"name":"t"}`, status: 200},
		}, []call{
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`},
			{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1,"parameters":{"a":"\u0041"}}`},
			{do: "POST /Observations", body: `{"result":1,"Datastream":{"@iot.id":{datastream}},"FeatureOfInterest":` + feature + `}`},
			{do: "POST /CreateObservations", body: `[{"Datastream":{"@iot.id":{datastream}},"components":["result"],"dataArray":[[1]]}]`},
			{do: "POST /Things", body: `{"name":"t","description":"d","Locations":[` + location + `],"Datastreams":[{` + datastream + `,"Sensor":` + sensor + `,"ObservedProperty":` + property + `,"Observations":[{"result":1}]}]}`},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := writeStart(t, sqliteStore(t))
			w.gauge()
			w.run(call{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201, as: "o"})
			w.s.Access, w.core.Access = c.denied, c.denied
			for _, x := range c.allow {
				w.run(x)
			}
			before := w.countRows()
			for _, x := range c.refuse {
				x.status, x.want = 403, "access.denied"
				w.run(x)
			}
			if after := w.countRows(); after != before {
				t.Errorf("something was written: %s, before %s", after, before)
			}
		})
	}
}

// countRows are the rows of all tables and the readings.
func (w *writeWorld) countRows() string {
	out := ""
	for i := range kinds {
		out += fmt.Sprint(kinds[i].set, w.count("select count(*) from "+kinds[i].table), " ")
	}
	n := 0
	err := w.core.Scan(context.Background(), sensing.Query{}, func(sensing.Stored) error { n++; return nil })
	if err != nil && !errors.Is(err, sensing.ErrStop) {
		w.t.Fatal(err)
	}
	return fmt.Sprint(out, "Observations", n)
}
