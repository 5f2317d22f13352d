package odata

import "testing"

// reading is an Observation as an iterator over a million would hold it: one that is filled anew for each.
type reading struct {
	id, at int64
	result float64
}

func (r *reading) Property(name string) Value {
	switch name {
	case "id":
		return ID(r.id)
	case "result":
		return Number(r.result)
	case "phenomenonTime":
		return Instant(r.at)
	}
	return Null()
}

func (r *reading) One(string) (Entity, error)                    { return nil, nil }
func (r *reading) Many(string, func(Entity) (bool, error)) error { return nil }

const simple = "result gt 3 and phenomenonTime gt 2015-01-01T00:00:00Z"

func TestFilteringReadingsAllocatesNothing(t *testing.T) {
	r := &reading{id: 1, at: at(t, "2016-01-01T00:00:00Z"), result: 4}
	for _, f := range []string{simple, "not (result lt 3) and (id eq 5 or id in (1,2))", "result add 1 mul 2 gt 3", "year(phenomenonTime) eq 2016", "Datastream/id eq null"} {
		p := Compile(mustFilter(t, SensorThings().Type("Observation"), f), 0)
		if ok, err := p.Match(r); !ok || err != nil {
			t.Errorf("%s: %v, %v", f, ok, err)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = p.Match(r) }); n != 0 {
			t.Errorf("%s allocates %v times a reading", f, n)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	p := Compile(mustFilter(b, SensorThings().Type("Observation"), simple), 0)
	r := &reading{at: at(b, "2016-01-01T00:00:00Z"), result: 4}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := p.Match(r); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkParseFilter(b *testing.B) {
	of := SensorThings().Type("Observation")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseFilter(of, simple); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseFunctions(b *testing.B) {
	of := SensorThings().Type("Observation")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseFilter(of, "startswith(Datastream/name,'a') and year(phenomenonTime) eq 2015 and st_within(FeatureOfInterest/feature,geography'POINT(1 1)')"); err != nil {
			b.Fatal(err)
		}
	}
}
