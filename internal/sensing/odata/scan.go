package odata

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// scanner walks over the decoded text of one option. Nothing in it fails: it says what stands there and moves on.
type scanner struct {
	option string
	text   string
	pos    int
}

func (s *scanner) fail(at int, format string, args ...any) error {
	return &Error{Option: s.option, Pos: at, Message: fmt.Sprintf(format, args...), Text: s.text}
}

func (s *scanner) rest() string { return s.text[s.pos:] }

func (s *scanner) space() {
	for s.pos < len(s.text) && (s.text[s.pos] == ' ' || s.text[s.pos] == '\t') {
		s.pos++
	}
}

// byte is the byte at the position, 0 at the end.
func (s *scanner) byte() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// accept moves over a punctuation mark if it comes next, past space before it.
func (s *scanner) accept(c byte) bool {
	was := s.pos
	if s.space(); s.byte() == c {
		s.pos++
		return true
	}
	s.pos = was
	return false
}

// expect moves over a punctuation mark or says what stands in its place.
func (s *scanner) expect(c byte, after string) error {
	if s.accept(c) {
		return nil
	}
	s.space()
	return s.fail(s.pos, "expected %q after %s, got %s", string(c), after, s.here())
}

// here names what comes next, for messages.
func (s *scanner) here() string {
	if s.pos >= len(s.text) {
		return "the end"
	}
	if w := wordAt(s.rest()); w != "" {
		return w
	}
	_, n := utf8.DecodeRuneInString(s.rest())
	return s.text[s.pos : s.pos+n]
}

// word is the word that comes next, "" if none does; it is not moved over.
func (s *scanner) word() string { return wordAt(s.rest()) }

// wordAt is the identifier that a text begins with: letters and _ $ @, then also digits and - . as in geo.length, @iot.id
// and the keys of JSON values. A minus is never an operator between two values, so it may be part of a key.
func wordAt(t string) string {
	for i, r := range t {
		first := unicode.IsLetter(r) || r == '_' || r == '$' || r == '@'
		if !first && (i == 0 || !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '-' && r != '.') {
			return t[:i]
		}
	}
	return t
}

// key is a step into a JSON value: anything up to a mark that has a meaning in an expression.
func (s *scanner) key() string { return s.until(" \t/(),;:'[]=") }

// until is everything up to one of the given bytes, or to the end.
func (s *scanner) until(stop string) string {
	t := s.rest()
	if end := strings.IndexAny(t, stop); end >= 0 {
		t = t[:end]
	}
	s.pos += len(t)
	return t
}

// quoted reads a text in single quotes, in which a quote is written twice.
func (s *scanner) quoted() (string, error) {
	start := s.pos
	var b strings.Builder
	for s.pos++; ; {
		end := strings.IndexByte(s.rest(), '\'')
		if end < 0 {
			return "", s.fail(start, "the text that begins here has no closing quote")
		}
		b.WriteString(s.rest()[:end])
		s.pos += end + 1
		if s.byte() != '\'' {
			return b.String(), nil
		}
		b.WriteByte('\'')
		s.pos++
	}
}

// timeLike tells what a literal that begins with a digit is meant to be, by its first characters.
func timeLike(t string) (date, clock bool) {
	digit := func(i int) bool { return i < len(t) && t[i] >= '0' && t[i] <= '9' }
	at := func(i int, c byte) bool { return i < len(t) && t[i] == c }
	date = digit(0) && digit(1) && digit(2) && digit(3) && at(4, '-')
	clock = digit(0) && digit(1) && at(2, ':') && digit(3)
	return date, clock
}

// span is as many of the next bytes as belong to the given set.
func (s *scanner) span(set string) string {
	n := 0
	for n < len(s.rest()) && strings.IndexByte(set, s.rest()[n]) >= 0 {
		n++
	}
	t := s.rest()[:n]
	s.pos += n
	return t
}
