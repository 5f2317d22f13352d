package ucum

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxText bounds the length of a unit in characters; the longest in use has about 30.
	maxText = 100
	// maxPower bounds an exponent, maxBits the exact fraction: nothing that is measured comes near.
	maxPower = 99
	maxBits  = 4096

	tooFar = "the unit is too large or too small for a number"
)

// Error is a unit that can't be read.
type Error struct {
	Text       string // the unit as it was given
	Column     int    // of the mistake, from 1, in characters
	Message    string
	Suggestion string // what was probably meant; "" where nothing is near
}

// Error is the mistake with its place.
func (e *Error) Error() string {
	s := fmt.Sprintf("unit %q, column %d: %s", e.Text, e.Column, e.Message)
	if e.Suggestion != "" {
		s += fmt.Sprintf(", did you mean %q?", e.Suggestion)
	}
	return s
}

// Parse reads a unit. The error is an *Error.
func Parse(text string) (Unit, error) {
	if meant, ok := known().wholes[strings.TrimSpace(text)]; ok {
		u, err := Parse(meant)
		u.text = text
		return u, err
	}
	if !utf8.ValidString(text) {
		return Unit{}, &Error{Text: strings.ToValidUTF8(text, "\uFFFD"), Column: 1, Message: "the text is not UTF-8"}
	}
	if r := []rune(text); len(r) > maxText {
		return Unit{}, &Error{Text: string(r[:20]) + "…", Column: maxText + 1, Message: fmt.Sprintf("more than %d characters", maxText)}
	}
	p := newParser(text, known())
	if len(p.in) == 0 {
		return Unit{}, &Error{Text: text, Column: 1, Message: "nothing stands here; a number without a unit is written 1"}
	}
	u, err := p.unit()
	if err != nil {
		return Unit{}, err
	}
	u.text = text
	return u, nil
}

// parser walks through one expression. Its grammar is UCUM's (§8 to §14), a recursive descent of one function a rule.
type parser struct {
	text  string
	in    []rune
	place []int // of each character in the text, from 1
	at    int
	code  strings.Builder
	table *table
	quiet bool // no suggestions: this is only a try
}

func (p *parser) unit() (Unit, error) {
	u, err := p.mainTerm()
	if err != nil {
		return u, err
	}
	if p.at < len(p.in) {
		return u, p.unexpected()
	}
	if f, _ := u.ratio().Float64(); f == 0 || math.IsInf(f, 0) {
		return u, p.fail(0, tooFar)
	}
	slices.Sort(u.kinds)
	u.kinds = slices.Compact(u.kinds)
	u.code = p.code.String()
	return u, nil
}

func (p *parser) fail(at int, format string, args ...any) *Error {
	column := utf8.RuneCountInString(p.text) + 1
	if at < len(p.place) {
		column = p.place[at]
	}
	return &Error{Text: p.text, Column: column, Message: fmt.Sprintf(format, args...)}
}

func (p *parser) unexpected() *Error {
	if p.at >= len(p.in) {
		return p.fail(p.at, "the unit ends where another part is expected")
	}
	e := p.fail(p.at, "unexpected %q", p.in[p.at])
	switch p.in[p.at] {
	case ')':
		e.Message = "a ) without its ("
	case ' ':
		e.Message = "parts of a unit are joined by . or /, not by a blank"
		e.Suggestion = p.try(strings.Join(strings.Fields(p.text), "."))
	}
	return e
}

// try is the text if it can be read, else nothing: a suggestion must not be wrong again.
func (p *parser) try(text string) string {
	if p.quiet || utf8.RuneCountInString(text) > maxText {
		return ""
	}
	q := newParser(text, p.table)
	q.quiet = true
	if _, err := q.unit(); err != nil {
		return ""
	}
	return text
}

func (p *parser) peek() rune {
	if p.at < len(p.in) {
		return p.in[p.at]
	}
	return 0
}

func (p *parser) mainTerm() (Unit, error) {
	if p.peek() != '/' {
		return p.term()
	}
	p.at++
	p.code.WriteByte('/')
	u, err := p.component()
	if err != nil {
		return u, err
	}
	if u, err = p.power(u, -1, 0); err != nil {
		return u, err
	}
	return p.rest(u)
}

func (p *parser) term() (Unit, error) {
	u, err := p.component()
	if err != nil {
		return u, err
	}
	return p.rest(u)
}

// rest is what follows the first component: further ones, from left to right, so a/b.c is (a/b).c as in UCUM §7.
func (p *parser) rest(u Unit) (Unit, error) {
	for p.peek() == '.' || p.peek() == '/' {
		op, at := p.in[p.at], p.at
		p.at++
		p.code.WriteRune(op)
		v, err := p.component()
		if err != nil {
			return u, err
		}
		if op == '/' {
			if v, err = p.power(v, -1, at+1); err != nil {
				return u, err
			}
		}
		if u, err = p.times(u, v, at); err != nil {
			return u, err
		}
	}
	return u, nil
}

func (p *parser) component() (Unit, error) {
	c := p.peek()
	switch {
	case c == '(':
		at := p.at
		p.at++
		p.code.WriteByte('(')
		u, err := p.mainTerm()
		if err != nil {
			return u, err
		}
		if p.peek() != ')' {
			if p.at < len(p.in) {
				return u, p.unexpected()
			}
			return u, p.fail(at, "a ( without its )")
		}
		p.at++
		p.code.WriteByte(')')
		return u, nil
	case c == '{':
		return p.annotation(Unit{})
	case c >= '0' && c <= '9' && !p.ten():
		return p.number()
	}
	return p.annotatable()
}

// ten says that 10* or 10^ follows, which are symbols and no numbers.
func (p *parser) ten() bool {
	rest := p.in[p.at:]
	return len(rest) >= 3 && rest[0] == '1' && rest[1] == '0' && (rest[2] == '*' || rest[2] == '^')
}

func (p *parser) number() (Unit, error) {
	from := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	digits := string(p.in[from:p.at])
	if p.peek() == '.' && p.at+1 < len(p.in) && p.in[p.at+1] >= '0' && p.in[p.at+1] <= '9' {
		return Unit{}, p.fail(p.at, "numbers in a unit are whole: write 10*-1 for 0.1")
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok || n.Sign() == 0 {
		return Unit{}, p.fail(from, "a unit can't be 0")
	}
	p.code.WriteString(digits)
	u := Unit{factor: new(big.Rat).SetInt(n)}
	switch c := p.peek(); {
	case c == '{':
		return p.annotation(u)
	case digits == "10" && (c == '-' || c == '+'): // 10-3 m-1, as instruments and papers write it
		e := p.fail(from, "a power of ten is written 10*-3, and joined to what follows by a dot")
		e.Suggestion = p.try(string(p.in[:p.at]) + "*" + strings.Join(strings.Fields(string(p.in[p.at:])), "."))
		return u, e
	case c != 0 && !strings.ContainsRune("./()}", c) && c != ' ':
		e := p.fail(p.at, "a number is joined to what follows by a dot")
		e.Suggestion = p.try(string(p.in[:p.at]) + "." + string(p.in[p.at:]))
		return u, e
	}
	return u, nil
}

func (p *parser) annotatable() (Unit, error) {
	from := p.at
	symbol, err := p.symbol()
	if err != nil {
		return Unit{}, err
	}
	u, code, ok := p.table.lookup(symbol)
	if !ok {
		e := p.fail(from, "unknown unit %q", symbol)
		e.Suggestion = p.near(symbol, from)
		return Unit{}, e
	}
	compound := strings.ContainsAny(outside(code), "./")
	if compound && p.code.Len() > 0 {
		code = "(" + code + ")"
	}
	p.code.WriteString(code)
	at := p.at
	if n, written, err := p.exponent(); err != nil {
		return u, err
	} else if written != "" {
		if compound {
			return u, p.fail(at, "%s stands for %s: write that out to give it a power", symbol, code)
		}
		if u, err = p.power(u, n, from); err != nil {
			return u, err
		}
		p.code.WriteString(written)
	}
	if p.peek() == '{' {
		return p.annotation(u)
	}
	return u, nil
}

// outside is a code without what stands in brackets and braces, where . and / are parts of a name.
func outside(code string) string {
	var b strings.Builder
	depth := 0
	for _, r := range code {
		switch r {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		default:
			if depth == 0 {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// symbol takes the characters of one symbol: up to an operator, a digit or a sign, but anything in brackets.
func (p *parser) symbol() (string, error) {
	from := p.at
	if p.ten() {
		p.at += 3
		return string(p.in[from:p.at]), nil
	}
	for p.at < len(p.in) {
		switch c := p.in[p.at]; {
		case c == '[':
			end := slices.Index(p.in[p.at:], ']')
			if end < 0 {
				return "", p.fail(p.at, "a [ without its ]")
			}
			p.at += end
		case strings.ContainsRune("./(){}+- 0123456789", c):
			if p.at == from {
				return "", p.unexpected()
			}
			return string(p.in[from:p.at]), nil
		case c == ']':
			return "", p.fail(p.at, "a ] without its [")
		case c < ' ' || c == 0x7f:
			return "", p.unexpected()
		}
		p.at++
	}
	if p.at == from {
		return "", p.unexpected()
	}
	return string(p.in[from:p.at]), nil
}

func (p *parser) exponent() (n int, written string, err error) {
	from := p.at
	if c := p.peek(); c == '+' || c == '-' {
		p.at++
	}
	digits := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	if p.at == from {
		return 1, "", nil
	}
	if p.at == digits {
		return 0, "", p.fail(digits, "a sign without the power that it belongs to")
	}
	written = string(p.in[from:p.at])
	n, err = strconv.Atoi(written)
	if err != nil || n > maxPower || n < -maxPower {
		return 0, "", p.fail(from, "the power %s is beyond ±%d", written, maxPower)
	}
	return n, written, nil
}

func (p *parser) annotation(u Unit) (Unit, error) {
	from := p.at
	end := slices.Index(p.in[from:], '}')
	if end < 0 {
		return u, p.fail(from, "a { without its }")
	}
	text := string(p.in[from : from+end+1])
	for i, c := range text[1 : len(text)-1] {
		if c == '{' || c <= ' ' || c > '~' {
			return u, p.fail(from+1+i, "an annotation holds printable ASCII characters without blanks and braces")
		}
	}
	p.at += end + 1
	p.code.WriteString(text)
	if text != "{}" {
		u.kinds = append(slices.Clone(u.kinds), text)
	}
	return u, nil
}
