package sta

import (
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// observation is an Observation as it was sent. Datastream and Feature of the reading are links, 0 where none was sent.
type observation struct {
	sent    fields
	reading sensing.Reading
	more    sensing.More
}

// fields are the properties that a request named.
type fields uint8

const (
	hasTime fields = 1 << iota
	hasResult
	hasResultTime
	hasQuality
	hasValidTime
	hasParameters
)

func (o *observation) has(f fields) bool { return o.sent&f != 0 }

var observationProperties = []string{"phenomenonTime", "result", "resultTime", "resultQuality", "validTime", "parameters",
	"Datastream", "FeatureOfInterest"}

const (
	wantTime     = "a time with its offset from UTC, such as 2026-11-23T03:00:00Z"
	wantSpan     = "a time with its offset from UTC, such as 2026-11-23T03:00:00Z, or an interval start/end in this order"
	wantInterval = "an interval start/end in this order, such as 2026-11-23T03:00:00Z/2026-11-23T04:00:00Z"
)

// observationProperty reads one property of an Observation. null is as if it were not there, but for the result.
func (c *checker) observationProperty(o *observation, m member, field string) {
	v, r := m.value, &o.reading
	wrong := func(expected string) { c.add(field, v.at, "expected %s, got %s", expected, shorten(string(v.raw))) }
	text := func() []byte { // a time as it was written; empty for what is no text
		if v.kind == '"' {
			return []byte(v.text)
		}
		return nil
	}
	ok := true
	switch m.name {
	case "phenomenonTime":
		if v.null() {
			return
		}
		if r.At, o.more.Until, ok = parseSpan(text()); !ok {
			wrong(wantSpan)
		}
		o.sent |= hasTime
	case "result":
		r.Value = valueOf(v)
		o.sent |= hasResult
		if v.kind == '{' || v.kind == '[' { // the log itself looks at texts
			c.guardJSON(v, field, true, true)
		}
	case "resultTime":
		o.sent |= hasResultTime
		if v.null() {
			return
		}
		if r.ResultTime, ok = parseTime(text()); !ok {
			wrong(wantTime)
		}
	case "validTime":
		o.sent |= hasValidTime
		if v.null() {
			return
		}
		if o.more.ValidFrom, o.more.ValidUntil, ok = parseInterval(text()); !ok {
			wrong(wantInterval)
		}
	case "resultQuality":
		o.sent |= hasQuality
		if !v.null() {
			o.more.Quality = v.compact()
			c.guardJSON(v, field, true, true)
		}
	case "parameters":
		o.sent |= hasParameters
		if v.null() {
			return
		}
		if v.kind != '{' && v.kind != '[' {
			wrong("an object")
			return
		}
		o.more.Parameters = v.compact()
		c.guardJSON(v, field, true, true)
	default:
		c.add(field, m.at, "an Observation has no property %s%s", shorten(m.name), odata.DidYouMean(m.name, observationProperties))
	}
}

// valueOf is a result as it is kept.
func valueOf(v *node) sensing.Value {
	switch v.kind {
	case '0':
		return sensing.Literal(v.text)
	case '"':
		return sensing.Text(v.text)
	case 't', 'f':
		return sensing.Bool(v.kind == 't')
	}
	return sensing.JSON(v.compact())
}

// stored is the reading as the log takes it. now is called for one that says no time.
func (o *observation) stored(datastream, feature int64, now func() int64) sensing.Reading {
	r := o.reading
	r.Datastream, r.Feature = datastream, feature
	if !o.has(hasTime) {
		r.At = now()
	}
	if o.more != (sensing.More{}) {
		more := o.more
		r.More = &more
	}
	return r
}
