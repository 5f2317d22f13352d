package sta

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

// told are the first n entities of the log behind a position.
func (w *writeWorld) told(ctx context.Context, after int64, n int) []string {
	w.t.Helper()
	var out []string
	enough := errors.New("enough")
	err := w.core.Tail(ctx, after, func(b sensing.Batch) error {
		for _, e := range b.Entities {
			links := make([]string, len(e.Links))
			for i, l := range e.Links {
				links[i] = fmt.Sprintf("%s(%d)", l.Set, l.ID)
			}
			switch e.Op {
			case sensing.Created:
				out = append(out, fmt.Sprintf("created %s %d %s %s", e.Set, e.ID, e.Body, links))
			case sensing.Updated:
				out = append(out, fmt.Sprintf("updated %s %d %s", e.Set, e.ID, strings.Join(e.Fields, ",")))
			default:
				out = append(out, fmt.Sprintf("deleted %s %d", e.Set, e.ID))
			}
		}
		if len(out) >= n {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		w.t.Fatalf("the log tells only %q: %v", out, err)
	}
	return out
}

// What the register knows is seen over the standard.
func TestEnsureDatastreams(t *testing.T) {
	writeBoth(t, func(t *testing.T, w *writeWorld) {
		ctx := access.With(context.Background(), access.System("register"))
		specs := []DatastreamSpec{
			{"pump-1/methane", 41, "gas/methane", "%LEL", "methane at pump 1"},
			{"pump-1/level", 41, "water/level", "m", ""},
			{"well-2/level", 42, "water/level", "m", "level in well 2"},
		}
		ids, err := w.s.EnsureDatastreams(ctx, specs)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(w.counts()); got != fmt.Sprint(map[string]int{"Things": 2, "Locations": 1, "HistoricalLocations": 1, "Datastreams": 3, "Sensors": 2, "ObservedProperties": 2, "Observations": 0, "FeaturesOfInterest": 0}) {
			t.Errorf("made %s", got)
		}
		again, err := w.s.EnsureDatastreams(ctx, append(specs, DatastreamSpec{"well-2/methane", 42, "gas/methane", "%LEL", ""}))
		if err != nil || !slices.Equal(again[:3], ids) {
			t.Errorf("again %v %v, first %v", again, err, ids)
		}
		if n := w.count("select count(*) from ledger_leaves where subject = 'datastream'"); n != 2 {
			t.Errorf("%d entries of the ledger, want 2", n)
		}
		d, _ := w.core.Lookup(ids[0])
		if want := (sensing.Datastream{ID: ids[0], ExternalID: "pump-1/methane", Thing: d.Thing, Asset: 41, Property: "gas/methane", Unit: "%LEL", Name: "methane at pump 1"}); d != want {
			t.Errorf("the log knows %+v, want %+v", d, want)
		}
		w.names["d"] = fmt.Sprint(ids[0])
		w.run(call{do: "GET /Datastreams({d})?$expand=Thing($expand=Locations),ObservedProperty", status: 200,
			want: "\"properties\":{\"asset\":\"PUMP-1\"}\n\"coordinates\":[121.5,31.25]\n\"definition\":\"urn:anlan:property:gas:methane\"\n\"symbol\":\"%LEL\""})
		w.run(call{do: "POST /Datastreams({d})/Observations", body: `{"result":12.5}`, status: 201})

		for _, c := range []struct {
			spec        DatastreamSpec
			code, field string
		}{
			{DatastreamSpec{"pump-1/methane", 42, "gas/methane", "%LEL", ""}, "sensing.datastream_differs", "items[0]"},
			{DatastreamSpec{"", 41, "gas/methane", "%LEL", ""}, "sensing.bad_external_id", "items[0].external_id"},
			{DatastreamSpec{"x", 41, "gas/methan", "%LEL", ""}, "sensing.unknown_property", "items[0].property"},
			{DatastreamSpec{"x", 41, "gas/methane", "ppm", ""}, "sensing.wrong_unit", "items[0].unit"},
			{DatastreamSpec{"x", 41, "gas/methane", "%LEL", "13812345678"}, "sensing.personal", "items[0].name"},
		} {
			_, err := w.s.EnsureDatastreams(ctx, []DatastreamSpec{c.spec})
			var e *web.Error
			if !errors.As(err, &e) || e.Code != c.code || e.Field != c.field {
				t.Errorf("%+v: %v, want %s at %s", c.spec, err, c.code, c.field)
			}
		}
		before := w.counts()
		_, err = w.s.EnsureDatastreams(ctx, []DatastreamSpec{{"twice", 41, "gas/methane", "%LEL", ""}, {"twice", 41, "gas/methane", "%LEL", ""}})
		var e *web.Error
		if !errors.As(err, &e) || e.Code != "sensing.datastream_twice" {
			t.Errorf("twice in a list: %v", err)
		}
		if got := w.grown(before); got != "" {
			t.Errorf("grew by %s", got)
		}
	})
}

// What binds a datastream of a client to an asset and to a pack's property, and what marks its readings.
func TestBinding(t *testing.T) {
	const methane = `{"name":"methane","definition":"urn:anlan:property:gas:methane","description":"d"}`
	measured := func(symbol, definition string) string {
		return `{"name":"d","description":"d","observationType":"http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement","unitOfMeasurement":{"name":"u","symbol":"` + symbol + `","definition":"` + definition + `"}`
	}
	writeBoth(t, func(t *testing.T, w *writeWorld) {
		for _, c := range []struct {
			name, thing, stream, property string
			want                          sensing.Datastream
		}{
			{"an asset, a property, its unit", `"PUMP-1"`, measured("%LEL", ""), methane, sensing.Datastream{Asset: 41, Property: "gas/methane", Unit: "%LEL"}},
			{"another spelling of the unit", `"WELL-2"`, measured("metre", "ucum:m"), `{"name":"level","definition":"urn:anlan:property:water:level","description":"d"}`, sensing.Datastream{Asset: 42, Property: "water/level", Unit: "m"}},
			{"another unit", `"PUMP-1"`, measured("kPa", "ucum:kPa"), methane, sensing.Datastream{Asset: 41, Unit: "kPa", Marks: sensing.MarkUnit}},
			{"no asset of the register", `"PUMP-9"`, measured("%LEL", ""), methane, sensing.Datastream{Unit: "%LEL"}},
			{"no property of a pack", `"PUMP-1"`, measured("°C", "http://www.qudt.org/qudt/owl/1.0.0/unit/Instances.html#DegreeCelsius"), property, sensing.Datastream{Asset: 41, Unit: "°C"}},
			{"a unit that nobody knows", `"PUMP-1"`, measured("flurbs", "nobody knows"), property, sensing.Datastream{Asset: 41, Unit: "flurbs", Marks: sensing.MarkUnit}},
			{"no measurement, so no unit", `"PUMP-1"`, `{"name":"d","description":"d","observationType":"http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_TruthObservation","unitOfMeasurement":{"name":null,"symbol":null,"definition":null}`, property, sensing.Datastream{Asset: 41}},
			{"an asset that is no text", `7`, measured("%LEL", ""), methane, sensing.Datastream{Unit: "%LEL"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				w.t, w.names = t, map[string]string{}
				w.run(call{do: "POST /Things", status: 201, as: "thing", body: `{"name":"t","description":"d","properties":{"asset":` + c.thing + `},"Datastreams":[` + c.stream + `,"Sensor":` + sensor + `,"ObservedProperty":` + c.property + `}]}`})
				w.names["d"] = w.idAt("/Things({thing})/Datastreams")
				w.known("{d}", c.want)
			})
		}
		t.Run("changes bind anew", func(t *testing.T) {
			w.t, w.names = t, map[string]string{}
			w.gauge()
			is := sensing.Datastream{Unit: "m"}
			w.known("{datastream}", is)
			w.run(call{do: "PATCH /Things({thing})", body: `{"properties":{"asset":"PUMP-1"}}`, status: 200})
			is.Asset = 41
			w.known("{datastream}", is)
			w.run(call{do: "PATCH /ObservedProperties({property})", body: `{"definition":"urn:anlan:property:water:level"}`, status: 200})
			is.Property = "water/level"
			w.known("{datastream}", is)
			w.run(call{do: "PATCH /Datastreams({datastream})", body: `{"unitOfMeasurement":{"name":"foot","symbol":"[ft_i]","definition":"ucum:[ft_i]"}}`, status: 200})
			w.known("{datastream}", sensing.Datastream{Asset: 41, Unit: "[ft_i]", Marks: sensing.MarkUnit})
			w.run(call{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201, want: "\"@anlan.marks\":[\"unit\"]"})
			w.run(call{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201, as: "o", want: "\"@anlan.marks\":[\"unit\"]"})
			w.run(call{do: "GET /Observations({o})", status: 200, want: "unit"})
			w.run(call{do: "POST /Things", body: `{"name":"other","description":"d","Datastreams":[{"@iot.id":{datastream}}]}`, status: 201})
			w.known("{datastream}", sensing.Datastream{Unit: "[ft_i]", Marks: sensing.MarkUnit})
		})
	})
}

// known fails unless the log knows a datastream as it should.
func (w *writeWorld) known(id string, want sensing.Datastream) {
	w.t.Helper()
	n, _ := parseID([]byte(w.fill(id)))
	d, ok := w.core.Lookup(n)
	d.ID, d.ExternalID, d.Thing, d.Name = 0, "", 0, ""
	if !ok || d != want {
		w.t.Errorf("the log knows %+v, want %+v", d, want)
	}
}
