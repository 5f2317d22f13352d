package odata

import (
	"errors"
	"testing"
	"time"
)

// thing is an entity of the tests: plain maps.
type thing struct {
	props map[string]Value
	one   map[string]*thing
	many  map[string][]*thing
	fail  error // what One and Many answer, if set
}

var _ Entity = (*thing)(nil)

func (t *thing) Property(name string) Value { return t.props[name] }

func (t *thing) One(nav string) (Entity, error) {
	if x := t.one[nav]; x != nil && t.fail == nil {
		return x, nil
	}
	return nil, t.fail
}

func (t *thing) Many(nav string, each func(Entity) (bool, error)) error {
	if t.fail != nil {
		return t.fail
	}
	for _, x := range t.many[nav] {
		if more, err := each(x); err != nil || !more {
			return err
		}
	}
	return nil
}

func at(t testing.TB, s string) int64 {
	t.Helper()
	us, err := readTime(s)
	if err != nil {
		t.Fatal(err)
	}
	return us
}

var errBroken = errors.New("the store is gone")

const testNow = "2026-11-22T12:00:00Z"

// samples is one entity of each kind, linked, that most filters of the tests are asked of.
func samples(t testing.TB) map[string]*thing {
	boiler := &thing{props: map[string]Value{
		"id": ID(1), "name": Text("Boiler 供热站"), "description": Text("Sensor Things"),
		"properties": JSON(`{"owner":"O'Hara","height":12.5,"on":true,"tags":["a","b"],"nested":{"键":"v","n":[[1,2],[3,4]]},"none":null,"since":"2015-06-01T00:00:00Z","text5":"5","n5":5,"yes":"true"}`),
	}}
	yard := &thing{props: map[string]Value{
		"id": ID(21), "name": Text("Yard"), "encodingType": Text("application/geo+json"),
		"location": JSON(`{"type":"Point","coordinates":[8,51]}`), "properties": JSON(`{"height":12.5}`),
	}}
	roof := &thing{props: map[string]Value{
		"id": ID(22), "name": Text("Roof"), "encodingType": Text("application/geo+json"),
		"location": JSON(`{"type":"Feature","properties":{},"geometry":{"type":"LineString","coordinates":[[5,52],[5,53]]}}`),
	}}
	streams := []*thing{
		{props: map[string]Value{"id": ID(11), "name": Text("Temperature"), "unitOfMeasurement": JSON(`{"name":"degree Celsius","symbol":"°C","definition":"Cel"}`),
			"phenomenonTime": Interval(at(t, "2015-01-01T00:00:00Z"), at(t, "2016-01-01T00:00:00Z"))}},
		{props: map[string]Value{"id": ID(12), "name": Text("State"), "unitOfMeasurement": JSON(`{"name":null,"symbol":null,"definition":null}`)}},
	}
	feature := &thing{props: map[string]Value{"id": ID(31), "name": Text("Room"), "feature": JSON(`{"type":"Polygon","coordinates":[[[7,50],[9,50],[9,52],[7,52],[7,50]]],"crs":{"type":"name","properties":{"name":"EPSG:4326"}}}`)}}
	number := &thing{props: map[string]Value{"id": ID(101), "result": Number(3.5), "phenomenonTime": Instant(at(t, "2015-07-15T13:45:30.25Z")),
		"resultTime": Instant(at(t, "2015-07-15T13:46:00Z")), "resultQuality": Text("good"), "parameters": JSON(`{"depth":-2}`),
		"validTime": Interval(at(t, "2015-07-15T00:00:00Z"), at(t, "2015-07-16T00:00:00Z"))}}
	state := &thing{props: map[string]Value{"id": ID(102), "result": Text("on"), "phenomenonTime": Interval(at(t, "2015-07-15T13:00:00Z"), at(t, "2015-07-15T14:00:00Z"))}}
	link := func(o, ds *thing) {
		o.one = map[string]*thing{"Datastream": ds, "FeatureOfInterest": feature}
		ds.many = map[string][]*thing{"Observations": {o}}
		ds.one = map[string]*thing{"Thing": boiler}
	}
	link(number, streams[0])
	link(state, streams[1])
	state.one["FeatureOfInterest"] = nil
	boiler.many = map[string][]*thing{"Datastreams": streams, "Locations": {yard, roof}}
	empty := &thing{props: map[string]Value{"id": ID(2), "name": Text("Empty")}}
	return map[string]*thing{"Thing": boiler, "Empty": empty, "Datastream": streams[0], "Observation": number, "State": state,
		"Location": yard, "Roof": roof, "FeatureOfInterest": feature}
}

func typeOfSample(m *Model, name string) *EntityType {
	switch name {
	case "Empty":
		return m.Type("Thing")
	case "State":
		return m.Type("Observation")
	case "Roof":
		return m.Type("Location")
	}
	return m.Type(name)
}

func mustFilter(t testing.TB, of *EntityType, text string) Expr {
	t.Helper()
	e, err := ParseFilter(of, text)
	if err != nil {
		var pe *Error
		if errors.As(err, &pe) {
			t.Fatalf("%v\n%s", err, pe.Caret())
		}
		t.Fatal(err)
	}
	return e
}

func noon(t testing.TB) int64 { return at(t, testNow) }

func hours(n int) int64 { return int64(n) * int64(time.Hour/time.Microsecond) }
