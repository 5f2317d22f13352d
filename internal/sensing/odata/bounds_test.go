package odata

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestBoundsExcludeNothingThatMatches(t *testing.T) {
	of := SensorThings().Type("Observation")
	matched := 0
	rapid.Check(t, func(t *rapid.T) {
		w := &writer{t: t}
		var terms []string
		for range rapid.IntRange(1, 3).Draw(t, "terms") {
			terms = append(terms, w.bounding())
		}
		text := strings.Join(terms, w.pick("joined", " and ", " or "))
		if rapid.Bool().Draw(t, "more") {
			text = "(" + text + ")" + w.pick("joined", " and ", " or ") + "(" + w.condition() + ")"
		}
		e, err := ParseFilter(of, text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		b := BoundsOf(e, 0)
		for range 20 {
			o := observation(t)
			if evaluated(t, e, o) != Bool(true) {
				continue
			}
			matched++
			if why := outside(b, o); why != "" {
				t.Fatalf("%s\nmatches %+v, but its bounds %+v exclude it by %s", e, o.props, b, why)
			}
		}
	})
	if matched == 0 {
		t.Error("nothing ever matched, the test says nothing")
	}
}

// bounding draws a condition that has bounds.
func (w *writer) bounding() string {
	op := w.pick("op", "eq", "ne", "gt", "ge", "lt", "le")
	n := w.numberLiteral()
	left, right := w.pick("property", "id", "Datastream/id", "result", "Datastream/@iot.id"), w.pick("constant", n, "'"+n+"'", "3", "null")
	if rapid.Bool().Draw(w.t, "time") {
		left = "phenomenonTime"
		right = w.pick("constant", "2015-01-01T00:00:00Z", "2015-01-01T05:00:00Z/2015-01-02T00:00:00Z", "2015-01-01", "'2015-01-02T00:00:00Z'", "now()")
		if rapid.Bool().Draw(w.t, "interval") {
			f := w.pick("interval", "before", "after", "meets", "during", "overlaps", "starts", "finishes")
			if rapid.Bool().Draw(w.t, "mirrored") {
				left, right = right, left
			} else if f == "during" {
				right = "2015-01-01T05:00:00Z/2015-01-02T00:00:00Z"
			}
			return f + "(" + left + "," + right + ")"
		}
	} else if rapid.IntRange(0, 3).Draw(w.t, "in") == 0 {
		return left + " in (" + right + "," + w.numberLiteral() + ",7)"
	}
	if rapid.Bool().Draw(w.t, "mirrored") {
		left, right = right, left
	}
	return left + " " + op + " " + right
}

// outside tells by which bound an observation lies outside, "" when by none.
func outside(b Bounds, o *thing) string {
	id, _ := o.props["id"].Number()
	ds, _ := o.one["Datastream"].props["id"].Number()
	start, end, _ := o.props["phenomenonTime"].Span()
	n, isNumber := o.props["result"].Number()
	in := func(s Span, x int64) bool { return s.Min <= x && x <= s.Max }
	switch {
	case b.Never:
		return "never"
	case !in(b.ID, int64(id)):
		return "id"
	case !in(b.From, start):
		return "start"
	case !in(b.Until, end):
		return "end"
	case isNumber && (n < b.MinResult || n > b.MaxResult):
		return "result"
	}
	for _, want := range b.Datastreams {
		if want == int64(ds) {
			return ""
		}
	}
	if b.Datastreams != nil {
		return "datastream"
	}
	return ""
}

func TestBounds(t *testing.T) {
	of := SensorThings().Type("Observation")
	us := func(s string) int64 { return at(t, s) }
	y15, y16 := us("2015-01-01T00:00:00Z"), us("2016-01-01T00:00:00Z")
	for _, tt := range []struct {
		filter string
		want   func(b *Bounds)
	}{
		{"Datastream/id eq 5", func(b *Bounds) { b.Datastreams = []int64{5} }},
		{"Datastream/@iot.id in (7,5,7)", func(b *Bounds) { b.Datastreams = []int64{5, 7} }},
		{"Datastream/id eq 5 or Datastream/id eq 4", func(b *Bounds) { b.Datastreams = []int64{4, 5} }},
		{"Datastream/id in (1,2) and Datastream/id in (2,3)", func(b *Bounds) { b.Datastreams = []int64{2} }},
		{"Datastream/id eq 1 and Datastream/id eq 2", func(b *Bounds) { b.Never = true }},
		{"Datastream/id eq 1 or result gt 2", func(*Bounds) {}},
		{"phenomenonTime ge 2015-01-01T00:00:00Z and phenomenonTime lt 2016-01-01T00:00:00Z", func(b *Bounds) {
			b.From, b.Until = Span{y15, y16}, Span{y15, y16}
		}},
		{"phenomenonTime gt now() sub duration'P1D'", func(b *Bounds) {
			b.From.Min = noon(t) - hours(24)
			b.Until.Min = b.From.Min
		}},
		{"id gt 10 and id le 20.5", func(b *Bounds) { b.ID = Span{10, 20} }},
		{"id eq 1.5", func(b *Bounds) { b.Never = true }},
		{"result gt 3 and 5 ge result", func(b *Bounds) { b.MinResult, b.MaxResult = 3, 5 }},
		{"result gt '3'", func(*Bounds) {}}, // 10 does not hold, 4 does: numbers are compared as texts
		{"result eq 'on'", func(*Bounds) {}},
		{"result eq null", func(*Bounds) {}},
		{"3 in result and result lt 5", func(b *Bounds) { b.MaxResult = 5 }},
		{"result gt null", func(b *Bounds) { b.Never = true }},
		{"Datastream/id eq null", func(*Bounds) {}},
		{"result lt 1 or result gt 3", func(*Bounds) {}},
		{"not (result lt 1)", func(*Bounds) {}},
		{"Datastream/Observations/id eq 5", func(*Bounds) {}},
		{"false or Datastream/id eq 3", func(b *Bounds) { b.Datastreams = []int64{3} }},
	} {
		want := unbounded()
		tt.want(&want)
		if got := BoundsOf(mustFilter(t, of, tt.filter), noon(t)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", tt.filter, got, want)
		}
	}
	if got := BoundsOf(nil, 0); !reflect.DeepEqual(got, unbounded()) {
		t.Errorf("no filter: %+v", got)
	}
}

func TestTouches(t *testing.T) {
	of := SensorThings().Type("Observation")
	for filter, want := range map[string]string{
		"result gt 3": "",
		"Datastream/Thing/name eq 'a' and Datastream/id in (1)":                          "Datastream Datastream/Thing",
		"not startswith(FeatureOfInterest/name,resultQuality)":                           " FeatureOfInterest",
		"Datastream/Observations/any(o: o/result gt 3 and o/FeatureOfInterest/id eq id)": " Datastream/Observations Datastream/Observations/FeatureOfInterest",
		"Datastream/id in FeatureOfInterest/properties/ids":                              "Datastream FeatureOfInterest",
		"true": "",
	} {
		if got := strings.Join(Touches(mustFilter(t, of, filter)), " "); got != want {
			t.Errorf("%s touches %q, want %q", filter, got, want)
		}
	}
}

// Every comparison and every interval test, of all spans within five hours, on either side.
func TestBoundsOfAllSmallTimes(t *testing.T) {
	of := SensorThings().Type("Observation")
	base := at(t, "2015-01-01T00:00:00Z")
	var spans []Value
	for s := range 5 {
		for e := s; e < 5; e++ {
			spans = append(spans, Interval(base+hours(s), base+hours(e)))
		}
	}
	for _, op := range []string{"eq", "gt", "ge", "lt", "le", "before", "after", "meets", "during", "overlaps", "starts", "finishes"} {
		for _, lit := range spans {
			text := string(appendLiteral(nil, lit))
			for _, c := range []timeCase{{op: op, left: "phenomenonTime", right: text}, {op: op, left: text, right: "phenomenonTime"}} {
				if start, end, _ := lit.Span(); op == "during" && start == end && c.left == "phenomenonTime" {
					continue // an instant has nothing in it
				}
				e := mustFilter(t, of, c.filter())
				p, b := Compile(e, 0), BoundsOf(e, 0)
				for _, pt := range spans {
					o := &thing{props: map[string]Value{"phenomenonTime": pt}, one: map[string]*thing{"Datastream": {}}}
					if ok, err := p.Match(o); err != nil || ok && outside(b, o) != "" {
						t.Fatalf("%s matches %s, but its bounds %+v exclude it by %s", e, appendLiteral(nil, pt), b, outside(b, o))
					}
				}
			}
		}
	}
}
