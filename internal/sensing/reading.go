package sensing

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/anlan-city/anlan/internal/city/guard"
)

const (
	laneBits = 30
	maxN     = 1<<laneBits - 1
)

// Kind is the type of a value.
type Kind uint8

// The kinds of value.
const (
	KindNumber Kind = iota
	KindText
	KindBool

	// kindInvalid is a value that could not be read; text says why. It is refused with its reading.
	kindInvalid
)

// Value is the result of a reading: a finite number, a text or a truth value. The zero Value is the number 0.
type Value struct {
	kind Kind
	num  float64 // 0 or 1 for a truth value
	text string
}

// Number is a numeric value, in the datastream's unit.
func Number(f float64) Value { return Value{num: f} }

// Text is a textual value, such as a state's name.
func Text(s string) Value { return Value{kind: KindText, text: s} }

// Bool is a truth value.
func Bool(b bool) Value {
	v := Value{kind: KindBool}
	if b {
		v.num = 1
	}
	return v
}

// Kind is the value's type.
func (v Value) Kind() Kind { return v.kind }

// Float is the number, and whether the value is one.
func (v Value) Float() (float64, bool) { return v.num, v.kind == KindNumber }

// String is the value as text.
func (v Value) String() string {
	switch v.kind {
	case KindText:
		return v.text
	case KindBool:
		return strconv.FormatBool(v.num != 0)
	default:
		return strconv.FormatFloat(v.num, 'g', -1, 64)
	}
}

// weight is about how many bytes the value's reading takes, in the log as in memory.
func (v Value) weight() int64 { return 40 + int64(len(v.text)) }

// MarshalJSON writes the value as a JSON number, string or boolean.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case KindText:
		return json.Marshal(v.text)
	case KindBool:
		return strconv.AppendBool(nil, v.num != 0), nil
	default:
		return json.Marshal(v.num)
	}
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Value) UnmarshalJSON(b []byte) error {
	var x any
	if err := json.Unmarshal(b, &x); err != nil {
		return err
	}
	switch x := x.(type) {
	case float64:
		*v = Number(x)
	case string:
		*v = Text(x)
	case bool:
		*v = Bool(x)
	default:
		return fmt.Errorf("expected a number, a string or a boolean, got %s", b)
	}
	return nil
}

// Reading is one result of one datastream at one time, as it comes in.
type Reading struct {
	Datastream int64
	At         int64 // phenomenon time, microseconds UTC
	Value      Value
}

// Stored is a reading that is safe, with its id.
type Stored struct {
	ID int64
	Reading
}

// Time is the phenomenon time.
func (r Reading) Time() time.Time { return time.UnixMicro(r.At).UTC() }

const (
	// MaxText is the longest text value in bytes.
	MaxText = 4096

	// maxAhead is how far in the future a reading may lie: a sender's clock may be wrong by a day's confusion of time zones,
	// more is a mistake.
	maxAhead = 24 * time.Hour
)

func personal(text string) bool {
	if text == "" {
		return false
	}
	_, found := guard.Value(text)
	return found
}

// check says why a reading can't be taken, or "".
func (r Reading) check(now time.Time) (code, message string) {
	switch {
	case r.Value.kind == kindInvalid:
		return "sensing.bad_value", r.Value.text
	case math.IsNaN(r.Value.num) || math.IsInf(r.Value.num, 0):
		return "sensing.not_finite", "value: expected a finite number"
	case len(r.Value.text) > MaxText:
		return "sensing.text_too_long", fmt.Sprintf("value: %d bytes of text, at most %d are kept", len(r.Value.text), MaxText)
	case personal(r.Value.text):
		return "sensing.personal", "value: looks like an identifier of a person: Anlan keeps none"
	case r.At > now.Add(maxAhead).UnixMicro():
		return "sensing.in_the_future", fmt.Sprintf("at: %s is more than a day ahead of the server's clock", r.Time().Format(time.RFC3339))
	case r.At < 0:
		return "sensing.too_old", fmt.Sprintf("at: %s lies before 1970", r.Time().Format(time.RFC3339))
	}
	return "", ""
}
