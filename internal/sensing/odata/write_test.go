package odata

import (
	"strconv"

	"pgregory.net/rapid"
)

// writer draws the text of well-typed expressions on Observations.
type writer struct {
	t     *rapid.T
	depth int
}

func (w *writer) pick(label string, of ...string) string {
	return rapid.SampledFrom(of).Draw(w.t, label)
}

func (w *writer) condition() string {
	w.depth++
	defer func() { w.depth-- }()
	if w.depth > 4 {
		return w.pick("leaf", "true", "false", "null", "result gt 3", "parameters/on", "id in (1,2)")
	}
	switch rapid.IntRange(0, 13).Draw(w.t, "condition") {
	case 0, 1:
		return w.condition() + w.pick("logic", " and ", " or ") + w.condition()
	case 2:
		return "(" + w.condition() + ")"
	case 3:
		return "not (" + w.condition() + ")"
	case 4:
		return "not " + w.comparison()
	case 5:
		return w.number() + " in (" + w.numberLiteral() + ", " + w.pick("more", "1,2", "'5'", "-3.5") + ")"
	case 6:
		return w.pick("function", "startswith", "endswith", "substringof", "contains") + "(" + w.text() + "," + w.text() + ")"
	case 7:
		if rapid.Bool().Draw(w.t, "during") {
			return "during(" + w.time() + "," + w.interval() + ")"
		}
		return w.pick("interval", "before", "after", "meets", "overlaps", "starts", "finishes") + "(" + w.time() + "," + w.time() + ")"
	case 8:
		return w.pick("lambda", "Datastream/Observations/any", "Datastream/Thing/Datastreams/all") + "(x: x/id gt " + w.numberLiteral() + " and " + w.condition() + ")"
	case 9:
		return w.pick("space", "geo.intersects", "st_within") + "(FeatureOfInterest/feature,geography'POINT(1 " + w.numberLiteral() + ")')"
	case 10:
		return w.pick("element", "'on'", "result", "3", "null", "parameters/on", "Datastream/id", "resultTime") + " in " +
			w.pick("array", "parameters/a/b", "result", "parameters", "Datastream/properties/键")
	}
	return w.comparison()
}

func (w *writer) comparison() string {
	op := " " + w.pick("op", "eq", "ne", "gt", "ge", "lt", "le") + " "
	switch rapid.IntRange(0, 5).Draw(w.t, "comparison") {
	case 0:
		return w.text() + op + w.text()
	case 1:
		return w.time() + op + w.time()
	case 2:
		return w.pick("any", "result", "parameters/a/b[0]", "Datastream/properties/键") + op + w.pick("value", "'on'", "null", "true", "'3'", "1.5e-3")
	case 3:
		return "Datastream/Observations/result" + op + w.number()
	case 4:
		return w.time() + " sub " + w.time() + op + w.pick("duration", "duration'PT1H'", "duration'-P1DT0.25S' mul 2")
	}
	return w.number() + op + w.number()
}

func (w *writer) number() string {
	w.depth++
	defer func() { w.depth-- }()
	if w.depth < 5 {
		switch rapid.IntRange(0, 5).Draw(w.t, "number") {
		case 0:
			return w.number() + w.pick("arithmetic", " add ", " sub ", " mul ") + w.number()
		case 1:
			return "(" + w.number() + ") div " + w.pick("divisor", "2", "result", "(id add 1)")
		case 2:
			return "-" + w.pick("negated", "result", "id", "(result)", "length('a''b')")
		case 3:
			return w.pick("rounded", "round", "floor", "ceiling") + "(" + w.number() + ")"
		case 4:
			return w.pick("read", "year", "month", "day") + "(" + w.time() + ")"
		}
	}
	return w.pick("path", "result", "id", "Datastream/id", "parameters/depth", w.numberLiteral())
}

func (w *writer) numberLiteral() string {
	return strconv.FormatFloat(rapid.OneOf(rapid.Float64Range(-10, 10), rapid.Map(rapid.IntRange(-5, 20), func(i int) float64 { return float64(i) })).
		Draw(w.t, "literal"), 'g', -1, 64)
}

func (w *writer) text() string {
	return w.pick("text", "Datastream/name", "resultQuality", "'a'", "'It''s 站'", "tolower(Datastream/name)", "concat('a',Datastream/name)", "substring(Datastream/name,1,2)")
}

func (w *writer) time() string {
	return w.pick("time", "phenomenonTime", "resultTime", "validTime", "now()", "2015-01-01T00:00:00Z", "2015-01-01T00:00:00.5+01:00",
		"2015-01-01T00:00:00Z/2015-01-02T00:00:00Z", "(phenomenonTime add duration'PT1H')", "2015-01-02")
}

func (w *writer) interval() string {
	return w.pick("interval", "phenomenonTime", "validTime", "2015-01-01T00:00:00Z/2015-01-02T00:00:00Z", "(phenomenonTime add duration'PT1H')")
}

// observation draws an entity around the constants of the writer, with some of its properties missing.
func observation(t *rapid.T) *thing {
	maybe := func(label string, vs ...Value) Value { return rapid.SampledFrom(append(vs, Null())).Draw(t, label) }
	base, _ := readTime("2015-01-01T00:00:00Z")
	start := base + hours(rapid.OneOf(rapid.IntRange(-30, 30), rapid.SampledFrom([]int{0, 5, 24})).Draw(t, "start"))
	end := start + hours(rapid.OneOf(rapid.IntRange(0, 30), rapid.SampledFrom([]int{5, 19, 24})).Draw(t, "length"))
	number := Number(rapid.Float64Range(-10, 10).Draw(t, "number"))
	o := &thing{props: map[string]Value{
		"id":             ID(int64(rapid.IntRange(0, 20).Draw(t, "id"))),
		"result":         maybe("result", number, Number(float64(rapid.IntRange(-5, 20).Draw(t, "whole"))), Text("on"), Text("3"), Text("5"), Bool(true), JSON(`[1]`)),
		"phenomenonTime": Interval(start, rapid.SampledFrom([]int64{start, end}).Draw(t, "end")),
		"resultTime":     maybe("resultTime", Instant(start)),
		"validTime":      maybe("validTime", Interval(start, end)),
		"resultQuality":  maybe("quality", Text("a"), Text("It's 站"), Number(1)),
		"parameters":     maybe("parameters", JSON(`{"on":true,"depth":3,"a":{"b":["on"]}}`), JSON(`{"on":false,"depth":"x"}`)),
	}}
	ds := &thing{props: map[string]Value{"id": ID(int64(rapid.IntRange(0, 20).Draw(t, "datastream"))), "name": Text("A站")},
		many: map[string][]*thing{"Observations": {o}}}
	ds.one = map[string]*thing{"Thing": {many: map[string][]*thing{"Datastreams": {ds}}}}
	o.one = map[string]*thing{"Datastream": ds, "FeatureOfInterest": {props: map[string]Value{"feature": JSON(`{"type":"Point","coordinates":[1,3]}`)}}}
	return o
}
