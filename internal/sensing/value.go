package sensing

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind is the type of a value.
type Kind uint8

// The kinds of value.
const (
	KindNumber Kind = iota
	KindText
	KindBool
	KindJSON // an object, an array or null

	// kindInvalid is a value that could not be read; text says why. It is refused with its reading.
	kindInvalid
)

// Value is the result of a reading: a number, a text, a truth value, or JSON. The zero Value is the number 0.
type Value struct {
	kind     Kind
	decimals uint8   // of a number: with how many places it was written, where its shortest form has fewer, as 12.0 has
	num      float64 // 0 or 1 for a truth value
	text     string  // of a number: how it was written, where neither of these tells
}

// Number is a numeric value, in the datastream's unit.
func Number(f float64) Value { return Value{num: f} }

// Literal is a number as JSON writes it. 1.10 and 12345678901234567890 are given back as they were sent.
func Literal(text string) Value {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return invalid("expected a number, got " + strconv.Quote(text))
	}
	v := Number(f)
	v.decimals, v.text = written(f, text)
	return v
}

// Fixed is a number that was written with so many decimal places, at most MaxDecimals, of which the last is a zero.
func Fixed(f float64, decimals int) Value { return Value{num: f, decimals: uint8(decimals)} }

// written is what there is to keep of how a number was written.
func written(f float64, literal string) (decimals uint8, text string) {
	var buf [32]byte
	if string(appendNumber(buf[:0], f)) == literal {
		return 0, ""
	}
	if d, ok := places(literal); ok && string(strconv.AppendFloat(buf[:0], f, 'f', d, 64)) == literal {
		return uint8(d), ""
	}
	return 0, literal
}

// places is how many decimal places a literal has, if they are few enough to be kept as a number.
func places(literal string) (int, bool) {
	_, after, _ := strings.Cut(literal, ".")
	return len(after), len(after) > 0 && len(after) <= MaxDecimals
}

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

// JSON is an object, an array or null, as compact JSON.
func JSON(compact string) Value { return Value{kind: KindJSON, text: compact} }

func invalid(why string) Value { return Value{kind: kindInvalid, text: why} }

// Kind is the value's type.
func (v Value) Kind() Kind { return v.kind }

// Float is the number, and whether the value is one.
func (v Value) Float() (float64, bool) { return v.num, v.kind == KindNumber }

// Str is the text, or the JSON.
func (v Value) Str() string { return v.text }

// String is the value as text.
func (v Value) String() string {
	switch {
	case v.kind == KindBool:
		return strconv.FormatBool(v.num != 0)
	case v.kind != KindNumber || v.text != "":
		return v.text
	case v.decimals != 0:
		return strconv.FormatFloat(v.num, 'f', int(v.decimals), 64)
	default:
		return strconv.FormatFloat(v.num, 'g', -1, 64)
	}
}

// AppendJSON appends the value as JSON. A number that JSON has no word for becomes a text.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.kind {
	case KindText:
		return appendText(dst, v.text)
	case KindBool:
		return strconv.AppendBool(dst, v.num != 0)
	case KindJSON:
		return append(dst, v.text...)
	}
	switch {
	case v.text != "":
		return append(dst, v.text...)
	case v.decimals != 0:
		return strconv.AppendFloat(dst, v.num, 'f', int(v.decimals), 64)
	case math.IsNaN(v.num) || math.IsInf(v.num, 0):
		return appendText(dst, strconv.FormatFloat(v.num, 'g', -1, 64))
	}
	return appendNumber(dst, v.num)
}

// appendNumber writes a number in its shortest form, without an exponent where people would not write one.
func appendNumber(dst []byte, f float64) []byte {
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, 64)
}

// appendText writes a JSON string; text without anything to escape, which is most, is copied.
func appendText(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			b, err := json.Marshal(s)
			if err != nil {
				return append(dst, `""`...) // a string always has a JSON form
			}
			return append(dst, b...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// MarshalJSON writes the value as JSON.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Value) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) == 0:
		return errors.New("expected a value, got nothing")
	case b[0] == '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*v = Text(s)
	case b[0] == 't' || b[0] == 'f':
		*v = Bool(b[0] == 't')
	case b[0] == '{' || b[0] == '[' || b[0] == 'n':
		if !json.Valid(b) {
			return fmt.Errorf("expected JSON, got %q", b)
		}
		*v = JSON(string(b))
	default:
		*v = Literal(string(b))
		if v.kind == kindInvalid {
			return errors.New(v.text)
		}
	}
	return nil
}

// same says whether two values are the same result, however they were written.
func (v Value) same(w Value) bool {
	if v.kind != w.kind {
		return false
	}
	if v.kind == KindNumber {
		return v.num == w.num || math.IsNaN(v.num) && math.IsNaN(w.num)
	}
	return v.num == w.num && v.text == w.text
}
