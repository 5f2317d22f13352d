package odata

import (
	"math"

	"github.com/peterstace/simplefeatures/geom"
)

// Kind is what a Value holds.
type Kind uint8

// The kinds.
const (
	KindNull Kind = iota
	KindBool
	KindNumber
	KindText
	KindTime // an instant or an interval
	KindDate
	KindTimeOfDay
	KindDuration
	KindGeometry
	KindJSON // an object or an array
)

// Value is one value, by value: making, passing and comparing one allocates nothing. The zero Value is null. Times and
// durations are microseconds; times count from 1970-01-01 UTC.
type Value struct {
	kind Kind
	a, b int64 // truth; bits of the number; start and end; microseconds
	text string
	geo  *geom.Geometry
}

// Null is the value that is not there.
func Null() Value { return Value{} }

// Bool is a truth value.
func Bool(b bool) Value {
	v := Value{kind: KindBool}
	if b {
		v.a = 1
	}
	return v
}

// Number is a number; not a number and the infinities are null.
func Number(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Value{}
	}
	return Value{kind: KindNumber, a: int64(math.Float64bits(f))}
}

// ID is a number that identifies an entity; exact up to 2^53.
func ID(id int64) Value { return Number(float64(id)) }

// Text is a text.
func Text(s string) Value { return Value{kind: KindText, text: s} }

// Instant is a point in time, in microseconds since 1970 UTC.
func Instant(at int64) Value { return Value{kind: KindTime, a: at, b: at} }

// Interval is the time from start to end, both in microseconds since 1970 UTC.
func Interval(start, end int64) Value { return Value{kind: KindTime, a: start, b: end} }

// Date is the day that begins at the given microsecond, UTC.
func Date(midnight int64) Value { return Value{kind: KindDate, a: midnight} }

// TimeOfDay is a time without a day, in microseconds since midnight.
func TimeOfDay(us int64) Value { return Value{kind: KindTimeOfDay, a: us} }

// Duration is a length of time in microseconds.
func Duration(us int64) Value { return Value{kind: KindDuration, a: us} }

// Geometry is a geometry in degrees of longitude and latitude. It is not copied. Nil is null.
func Geometry(g *geom.Geometry) Value {
	if g == nil {
		return Value{}
	}
	return Value{kind: KindGeometry, geo: g}
}

// JSON is what a JSON text holds: null, truth value, number, text, or for objects and arrays the text itself, in which
// paths go on (properties/height). It should be compact and must not change. A text that is not JSON is null.
func JSON(raw string) Value { return fromJSON(raw) }

// Kind is what the value holds.
func (v Value) Kind() Kind { return v.kind }

// IsNull tells whether there is no value.
func (v Value) IsNull() bool { return v.kind == KindNull }

// Bool is the truth value, and whether it is one.
func (v Value) Bool() (b, ok bool) { return v.a != 0, v.kind == KindBool }

// Number is the number, and whether it is one.
func (v Value) Number() (float64, bool) { return v.float(), v.kind == KindNumber }

// Text is the text of a text, the compact JSON of an object or array, else "".
func (v Value) Text() string { return v.text }

// Span is the start and the end of a time in microseconds since 1970 UTC, and whether it is a time. They are equal for an
// instant.
func (v Value) Span() (start, end int64, ok bool) { return v.a, v.b, v.kind == KindTime }

// Microseconds is the length of a duration, the time since midnight of a time of day, the first instant of a date; and
// whether it is one of these.
func (v Value) Microseconds() (int64, bool) {
	return v.a, v.kind == KindDuration || v.kind == KindTimeOfDay || v.kind == KindDate
}

// Geometry is the geometry of a geometry or of GeoJSON; and whether it is one. GeoJSON is read anew on each call.
func (v Value) Geometry() (geom.Geometry, bool) { return v.geometry() }

func (v Value) float() float64 { return math.Float64frombits(uint64(v.a)) }
