package sta

import (
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/sensing"
)

// scanner walks over JSON that has the common form of Observations. It takes nothing that the general reader would refuse;
// where it meets anything unusual it says so, and the general reader decides.
type scanner struct {
	b []byte
	i int
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

// take skips a character after white space, if it comes next.
func (s *scanner) take(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	s.space()
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

// peek is the first character of what comes next, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// word skips true, false or null.
func (s *scanner) word(w string) bool {
	s.space()
	if len(s.b)-s.i >= len(w) && string(s.b[s.i:s.i+len(w)]) == w {
		s.i += len(w)
		return true
	}
	return false
}

// text reads a string in which nothing is escaped.
func (s *scanner) text() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	ascii := true
	for j := s.i; j < len(s.b); j++ {
		switch c := s.b[j]; {
		case c == '"':
			t := s.b[s.i:j]
			s.i = j + 1
			return t, ascii || utf8.Valid(t)
		case c < ' ' || c == '\\':
			return nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false
}

// number reads a number as JSON writes it.
func (s *scanner) number() ([]byte, bool) {
	s.space()
	j := s.i
	digits := func() bool {
		from := j
		for j < len(s.b) && '0' <= s.b[j] && s.b[j] <= '9' {
			j++
		}
		return j > from
	}
	if j < len(s.b) && s.b[j] == '-' {
		j++
	}
	if j < len(s.b) && s.b[j] == '0' {
		j++
	} else if !digits() {
		return nil, false
	}
	if j < len(s.b) && s.b[j] == '.' {
		j++
		if !digits() {
			return nil, false
		}
	}
	if j < len(s.b) && (s.b[j] == 'e' || s.b[j] == 'E') {
		j++
		if j < len(s.b) && (s.b[j] == '+' || s.b[j] == '-') {
			j++
		}
		if !digits() {
			return nil, false
		}
	}
	n := s.b[s.i:j]
	s.i = j
	return n, true
}

// link reads {"@iot.id": 1}.
func (s *scanner) link() (int64, bool) {
	if !s.take('{') {
		return 0, false
	}
	key, ok := s.text()
	if !ok || string(key) != "@iot.id" || !s.take(':') {
		return 0, false
	}
	n, ok := s.number()
	if !ok || !s.take('}') {
		return 0, false
	}
	return parseID(n)
}

// result reads a number, a text or a truth value.
func (s *scanner) result() (sensing.Value, bool) {
	switch s.peek() {
	case '"':
		t, ok := s.text()
		return sensing.Text(string(t)), ok
	case 't':
		return sensing.Bool(true), s.word("true")
	case 'f':
		return sensing.Bool(false), s.word("false")
	case '{', '[', 'n':
		return sensing.Value{}, false
	}
	n, ok := s.number()
	if !ok {
		return sensing.Value{}, false
	}
	if v, plain := plainNumber(n); plain {
		return v, true
	}
	return sensing.Literal(string(n)), true
}

// powers of ten that a float64 holds exactly, as far as plainNumber needs them.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// plainNumber reads a number of at most 15 digits without an exponent, which is written back as it was from its value and, where
// its fraction ends in zeros, how many places it has. Up to there digits and power are exact, so one division rounds right, and no
// two such texts are one number with as many places.
func plainNumber(n []byte) (v sensing.Value, plain bool) {
	digits, point, negative := int64(0), -1, false
	for i, c := range n {
		switch {
		case c == '-':
			negative = true
		case c == '.':
			point = i
		case c < '0' || c > '9':
			return v, false
		default:
			digits = digits*10 + int64(c-'0')
		}
	}
	decimals, shorter := 0, false
	if point >= 0 {
		decimals, shorter = len(n)-1-point, n[len(n)-1] == '0'
	}
	if len(n) > 15 || negative && digits == 0 || shorter && decimals > sensing.MaxDecimals {
		return v, false
	}
	f := float64(digits) / powers[decimals]
	if f < 1e-6 && digits != 0 {
		return v, false
	}
	if negative {
		f = -f
	}
	if shorter {
		return sensing.Fixed(f, decimals), true
	}
	return sensing.Number(f), true
}

// skip passes over any value and returns it. Whether it is good JSON is for the general reader to say.
func (s *scanner) skip() ([]byte, bool) {
	s.space()
	from, depth := s.i, 0
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case '"':
			s.i++
			for s.i < len(s.b) && s.b[s.i] != '"' {
				if s.b[s.i] == '\\' {
					s.i++
				}
				s.i++
			}
			if s.i >= len(s.b) {
				s.i = len(s.b)
				return nil, false
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return s.b[from:s.i], s.i > from
			}
		case ',':
			if depth == 0 {
				return s.b[from:s.i], s.i > from
			}
		}
		s.i++
		if depth == 0 && (s.b[s.i-1] == '"' || s.b[s.i-1] == '}' || s.b[s.i-1] == ']') {
			return s.b[from:s.i], true
		}
	}
	return nil, false
}

// observation reads an Observation that brings no entity along. false means that the general reader must look.
func (s *scanner) observation(o *observation) bool {
	const (
		hasDatastream fields = 1 << 6
		hasFeature    fields = 1 << 7
	)
	if !s.take('{') || s.peek() == '}' {
		return false
	}
	var seen fields
	for {
		key, ok := s.text()
		if !ok || !s.take(':') {
			return false
		}
		var f fields
		switch string(key) {
		case "phenomenonTime":
			f = hasTime
			var t []byte
			if t, ok = s.text(); ok {
				o.reading.At, o.more.Until, ok = parseSpan(t)
			}
		case "result":
			f = hasResult
			o.reading.Value, ok = s.result()
		case "resultTime":
			f = hasResultTime
			if s.peek() == 'n' {
				ok = s.word("null")
				break
			}
			var t []byte
			if t, ok = s.text(); ok {
				o.reading.ResultTime, ok = parseTime(t)
			}
		case "validTime":
			f = hasValidTime
			var t []byte
			if t, ok = s.text(); ok {
				o.more.ValidFrom, o.more.ValidUntil, ok = parseInterval(t)
			}
		case "parameters", "resultQuality":
			f = hasParameters
			if string(key) == "resultQuality" {
				f = hasQuality
			}
			ok = s.generalProperty(o, string(key))
		case "Datastream":
			f = hasDatastream
			o.reading.Datastream, ok = s.link()
		case "FeatureOfInterest":
			f = hasFeature
			o.reading.Feature, ok = s.link()
		default:
			return false
		}
		if !ok || seen&f != 0 {
			return false
		}
		seen |= f
		if s.take(',') {
			continue
		}
		o.sent = seen &^ (hasDatastream | hasFeature)
		return s.take('}') && s.peek() == 0 && s.i == len(s.b) && o.has(hasResult)
	}
}

// generalProperty has the general reader read one property, if it is of an ordinary size.
func (s *scanner) generalProperty(o *observation, name string) bool {
	raw, ok := s.skip()
	if !ok || len(raw) > largeEntity {
		return false
	}
	n, err := readJSON(raw)
	if err != nil {
		return false
	}
	c := &checker{problems: problems{src: raw}}
	c.observationProperty(o, member{name: name, value: n}, name)
	return len(c.list) == 0
}
