package sensing

import (
	"fmt"
	"math"
	"time"

	"github.com/anlan-city/anlan/internal/city/guard"
)

const (
	laneBits = 30
	maxN     = 1<<laneBits - 1
)

// Reading is one Observation: the result of one datastream at one time. Times are microseconds since 1970, UTC.
type Reading struct {
	Datastream int64
	At         int64 // phenomenonTime, or its start
	Value      Value // result
	ResultTime int64 // when the result came to be; 0 where nothing was said
	Feature    int64 // FeatureOfInterest; 0 where there is none
	Marks      Marks // what is doubtful about it
	More       *More // what few readings have; nil for most
}

// More is what few readings have. It is not changed once its reading was handed over.
type More struct {
	Until                 int64  // end of phenomenonTime where that is an interval; 0 for an instant
	ValidFrom, ValidUntil int64  // validTime; 0 where nothing was said
	Parameters            string // compact JSON, "" where there are none
	Quality               string // resultQuality as compact JSON, "" where nothing was said
}

// Stored is a reading that is safe, with its id.
type Stored struct {
	ID int64
	Reading
}

// Time is the phenomenon time.
func (r Reading) Time() time.Time { return time.UnixMicro(r.At).UTC() }

// End is the end of the phenomenon time: the time itself where that is an instant.
func (r Reading) End() int64 {
	if r.More != nil && r.More.Until != 0 {
		return r.More.Until
	}
	return r.At
}

// Marks say what is doubtful about a reading that was kept all the same.
type Marks uint16

// The marks.
const (
	MarkDuplicate Marks = 1 << iota // the last reading of the same datastream, time, feature and parameters had the same result
	MarkConflict                    // ... had another result
	MarkFuture                      // further ahead of the server's clock than a sender's clock may be wrong
	MarkPast                        // further back than readings of its property are kept
	MarkNotFinite                   // not a number, or infinite
	MarkRange                       // outside the range that the pack declares for the property
	MarkUnit                        // the datastream's unit is unknown, or not that of its property
)

var markNames = []string{"duplicate", "conflict", "future", "past", "not_finite", "range", "unit"}

// Names are the marks as words.
func (m Marks) Names() []string {
	var out []string
	for i, name := range markNames {
		if m&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// Judged says whether detectors and aggregates take the reading. One that is only outside its range, late or in conflict
// with another is for the detectors to judge: a gauge that reads more than it can may tell of the worst.
func (m Marks) Judged() bool { return m&(MarkDuplicate|MarkFuture|MarkNotFinite|MarkUnit) == 0 }

const (
	// MaxText is the longest text or JSON value, and the longest parameters, in bytes.
	MaxText = 4096

	// maxAhead is how far in the future a reading may lie unmarked: a sender's clock may be wrong by a day's confusion of
	// time zones, more is a mistake.
	maxAhead = 24 * time.Hour

	// maxBehind is how far back a reading may lie unmarked.
	maxBehind = 10 * 366 * 24 * time.Hour

	// MinTime and MaxTime bound the times that are kept: the years 1 to 9999, which every client's calendar has.
	MinTime = -62_135_596_800_000_000
	MaxTime = 253_402_300_799_999_999
)

func personal(text string) bool {
	if text == "" {
		return false
	}
	_, found := guard.Value(text)
	return found
}

// check says why a reading can't be taken, or "".
func (r *Reading) check(of *stream, declared Property) (code, message string) {
	switch {
	case r.Value.kind == kindInvalid:
		return "sensing.bad_value", r.Value.text
	case len(r.Value.text) > MaxText:
		return "sensing.text_too_long", fmt.Sprintf("value: %d bytes of text, at most %d are kept", len(r.Value.text), MaxText)
	case r.Value.kind != KindNumber && personal(r.Value.text):
		return "sensing.personal", "value: looks like an identifier of a person: Anlan keeps none"
	case declared.Number && r.Value.kind != KindNumber:
		return "sensing.not_a_number", fmt.Sprintf("value: %s is observed as a number in %s", of.Property, declared.Unit)
	case r.Feature < 0 || r.Feature > maxFeature:
		return "sensing.bad_feature", fmt.Sprintf("feature: there is none with the id %d", r.Feature)
	case !inCalendar(r.At):
		return "sensing.bad_time", "at: expected a time between the years 1 and 9999"
	}
	if m := r.More; m != nil {
		switch {
		case m.Until != 0 && (m.Until < r.At || !inCalendar(m.Until)):
			return "sensing.bad_time", "at: the interval ends before it begins, or after the year 9999"
		case m.ValidUntil < m.ValidFrom || !inCalendar(m.ValidFrom) || !inCalendar(m.ValidUntil):
			return "sensing.bad_time", "validTime: the interval ends before it begins, or after the year 9999"
		case len(m.Parameters) > MaxText || len(m.Quality) > MaxText:
			return "sensing.text_too_long", fmt.Sprintf("parameters: at most %d bytes are kept", MaxText)
		case personal(m.Parameters) || personal(m.Quality):
			return "sensing.personal", "parameters: hold what looks like an identifier of a person: Anlan keeps none"
		}
	}
	if r.ResultTime != 0 && !inCalendar(r.ResultTime) {
		return "sensing.bad_time", "resultTime: expected a time between the years 1 and 9999"
	}
	return "", ""
}

func inCalendar(us int64) bool { return us >= MinTime && us <= MaxTime }

// mark notes what is doubtful about a reading by itself; whether it came before is known only beside the others.
func (r *Reading) mark(of *stream, declared Property, now time.Time) {
	r.Marks |= of.Marks
	if r.At > now.Add(maxAhead).UnixMicro() {
		r.Marks |= MarkFuture
	}
	if r.At < now.Add(-maxBehind).UnixMicro() {
		r.Marks |= MarkPast
	}
	if f, ok := r.Value.Float(); ok {
		switch {
		case math.IsNaN(f) || math.IsInf(f, 0):
			r.Marks |= MarkNotFinite
		case declared.Number && declared.Range != [2]float64{} && (f < declared.Range[0] || f > declared.Range[1]):
			r.Marks |= MarkRange
		}
	}
}
