package pack

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// The types that fields of a pack's files have beside Go's own string, bool, int, float64, structs, pointers and slices.
// Each knows where it stands, so that a rule found broken later can still point at it.

// String is a text that knows where it stands.
type String struct {
	Value string
	Pos
}

// Number is a number that knows where it stands.
type Number struct {
	Value float64
	Pos
}

// Duration is a span such as 30s, 10m, 2h or 3d.
type Duration struct {
	Value time.Duration
	Pos
}

// Text is a text for people, in both languages.
type Text struct {
	EN, ZH String
	Pos
}

// In is the text in "en" or "zh-CN".
func (t Text) In(lang string) string {
	if lang == "zh-CN" {
		return t.ZH.Value
	}
	return t.EN.Value
}

// Map is the text as JSON of the API has it.
func (t Text) Map() map[string]string {
	return map[string]string{"en": t.EN.Value, "zh-CN": t.ZH.Value}
}

// MarshalJSON gives {"en": …, "zh-CN": …}.
func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal(t.Map()) }

// Map is a mapping in the order of the file.
type Map[T any] []Entry[T]

// Entry is one key of a Map with what stands under it.
type Entry[T any] struct {
	Key   String
	Value T
}

// Keys are the keys in the order of the file.
func (m Map[T]) Keys() []string {
	keys := make([]string, len(m))
	for i, e := range m {
		keys[i] = e.Key.Value
	}
	return keys
}

func (m Map[T]) keys() []String {
	keys := make([]String, len(m))
	for i, e := range m {
		keys[i] = e.Key
	}
	return keys
}

// Get is the value under a key.
func (m Map[T]) Get(key string) (value T, ok bool) {
	for _, e := range m {
		if e.Key.Value == key {
			return e.Value, true
		}
	}
	return value, false
}

// Names is one name, or a list of names.
type Names []String

// decodable is a type that takes its own node.
type decodable interface {
	decode(d *decoder, n ast.Node, what string)
}

var (
	_ decodable = (*String)(nil)
	_ decodable = (*Number)(nil)
	_ decodable = (*Duration)(nil)
	_ decodable = (*Text)(nil)
	_ decodable = (*Names)(nil)
	_ decodable = (*Expr)(nil)
	_ decodable = (*Map[String])(nil)
)

func (s *String) decode(d *decoder, n ast.Node, what string) {
	if v, ok := d.text(n, what); ok {
		*s = String{v, d.doc.at(n)}
	}
}

func (x *Number) decode(d *decoder, n ast.Node, what string) {
	if v, ok := d.number(n, what); ok {
		*x = Number{v, d.doc.at(n)}
	}
}

func (x *Duration) decode(d *decoder, n ast.Node, what string) {
	const want = "needs a duration such as 30s, 10m, 2h or 3d"
	s, ok := n.(*ast.StringNode)
	if !ok {
		d.Add(d.doc.at(n), CodeType, "%s %s, not %s%s", what, want, KindOf(n), inUnits(n))
		return
	}
	v, err := parseDuration(s.Value)
	if err != nil {
		d.Add(d.doc.at(n), CodeValue, "%s %s, not %q%s", what, want, s.Value, inDays(s.Value))
		return
	}
	*x = Duration{v, d.doc.at(n)}
}

// inUnits says how a number is written as a duration.
func inUnits(n ast.Node) string {
	v, ok := NumberOf(n)
	if !ok || v < 0 {
		return ""
	}
	x := strconv.FormatFloat(v, 'f', -1, 64)
	return fmt.Sprintf("; write %ss, %sm, %sh or %sd", x, x, x, x)
}

var weeks = regexp.MustCompile(`^([0-9]+)w$`)

// inDays says how weeks are written.
func inDays(s string) string {
	m := weeks.FindStringSubmatch(s)
	if m == nil {
		return ""
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n > 5000 {
		return ""
	}
	return fmt.Sprintf(", did you mean \"%dd\"?", 7*n)
}

// DurationPattern is what a duration looks like: 30s, 1h30m, 3d, 1.5h, 200ms.
const DurationPattern = `^([0-9]+(\.[0-9]+)?(d|h|ms|m|s))+$`

var (
	duration = regexp.MustCompile(DurationPattern)
	span     = regexp.MustCompile(`([0-9.]+)(d|h|ms|m|s)`)
	units    = map[string]time.Duration{"d": 24 * time.Hour, "h": time.Hour, "m": time.Minute, "s": time.Second, "ms": time.Millisecond}
)

// maxDuration keeps sums of durations far from what the type can hold.
const maxDuration = 100 * 366 * 24 * time.Hour

func parseDuration(s string) (time.Duration, error) {
	if !duration.MatchString(s) {
		return 0, fmt.Errorf("%q is no duration", s)
	}
	sum := 0.0
	for _, m := range span.FindAllStringSubmatch(s, -1) {
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return 0, err
		}
		sum += n * float64(units[m[2]])
	}
	if sum > float64(maxDuration) {
		return 0, fmt.Errorf("%q is more than 100 years", s)
	}
	return time.Duration(math.Round(sum)), nil
}

func (t *Text) decode(d *decoder, n ast.Node, what string) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		d.Add(d.doc.at(n), CodeText, "%s needs both languages, {en: …, zh-CN: …}, not %s", what, KindOf(n))
		return
	}
	var both struct {
		EN String `yaml:"en"`
		ZH String `yaml:"zh-CN"`
	}
	before := len(d.Diagnostics)
	d.mapping(m, &both, what)
	*t = Text{both.EN, both.ZH, d.doc.at(n)}
	if len(d.Diagnostics) > before {
		return
	}
	for lang, s := range map[string]String{"en": both.EN, "zh-CN": both.ZH} {
		switch {
		case s.IsZero():
			d.Add(d.doc.at(n), CodeText, "%s lacks %s%s", what, lang, wideComma(both.EN.Value+both.ZH.Value, lang))
		case strings.TrimSpace(s.Value) == "":
			d.Add(s.Pos, CodeText, "%s is empty in %s", what, lang)
		}
	}
	if len(d.Diagnostics) == before {
		d.tongues(*t, what)
	}
}

// wideComma says that a full-width comma has made one text of two.
func wideComma(text, lang string) string {
	if _, after, ok := strings.Cut(text, "，"); !ok || !strings.Contains(after, lang+":") {
		return ""
	}
	return `; before it stands a full-width "，", write "," and a space`
}

func (ns *Names) decode(d *decoder, n ast.Node, what string) {
	*ns = nil
	items := []ast.Node{n}
	if s, list := n.(*ast.SequenceNode); list {
		items = s.Values
		if len(items) == 0 {
			d.Add(d.doc.at(n), CodeValue, "%s is an empty list", what)
		}
	}
	for _, item := range items {
		var s String
		d.value(item, &s, what, Rules{})
		*ns = append(*ns, s)
	}
}

func (m *Map[T]) decode(d *decoder, n ast.Node, what string) {
	mn, ok := n.(*ast.MappingNode)
	if !ok {
		if at, ok := d.wideColon(n); ok {
			d.Add(at, CodeSyntax, wideColonWords)
			return
		}
		d.Add(d.doc.at(n), CodeType, "%s needs keys with something under each, not %s", what, KindOf(n))
		return
	}
	*m = nil
	if len(mn.Values) == 0 {
		d.Add(d.doc.at(n), CodeValue, "%s has no keys; leave it out or fill it", what)
	}
	d.entries(mn, func(key String, value ast.Node) {
		e := Entry[T]{Key: key}
		d.value(value, &e.Value, fmt.Sprintf("%s %s", what, key.Value), Rules{})
		*m = append(*m, e)
	})
}

// Expr is a condition as it was written. Conditions.Compile makes a Condition of it.
type Expr struct {
	Source string
	Pos
	block  bool // a | or > block: the source begins on the line after Pos, indented
	indent int
	quoted bool
}

func (e *Expr) decode(d *decoder, n ast.Node, what string) {
	switch n := n.(type) {
	case *ast.StringNode:
		*e = Expr{Source: n.Value, Pos: d.doc.at(n)}
		e.quoted = n.Token.Type == token.DoubleQuoteType || n.Token.Type == token.SingleQuoteType
	case *ast.BoolNode:
		*e = Expr{Source: n.Token.Value, Pos: d.doc.at(n)} // `when: true` is a condition too
	case *ast.LiteralNode:
		*e = Expr{Source: n.Value.Value, Pos: d.doc.at(n), block: true}
		if e.Line < len(d.doc.lines) {
			line := d.doc.lines[e.Line]
			e.indent = len(line) - len(strings.TrimLeft(line, " "))
		}
	default:
		d.Add(d.doc.at(n), CodeType, "%s needs a condition such as \"value >= 5\", not %s", what, KindOf(n))
		return
	}
	if strings.TrimSpace(e.Source) == "" {
		d.Add(e.Pos, CodeValue, "%s is empty; it needs a condition such as \"value >= 5\"", what)
	}
}

// place maps a line (from 1) and a column (from 0) in the source of the condition to a place in the file. In a quoted
// scalar with escapes, and in a folded block, it may be off within the scalar.
func (e Expr) place(line, column, width int) Pos {
	p := e.Pos
	switch {
	case e.block:
		p.Line, p.Column = e.Line+line, e.indent+column+1
	case e.quoted:
		p.Column += column + 1
	default:
		p.Column += column
	}
	p.Width = width
	return p
}

// text reads a text.
func (d *decoder) text(n ast.Node, what string) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	}
	d.Add(d.doc.at(n), CodeType, "%s needs a text, not %s", what, KindOf(n))
	return "", false
}

// number reads a finite number.
func (d *decoder) number(n ast.Node, what string) (float64, bool) {
	v, ok := NumberOf(n)
	if !ok {
		s, text := n.(*ast.StringNode)
		if text && plainNumber.MatchString(s.Value) && s.Token.Type != token.DoubleQuoteType && s.Token.Type != token.SingleQuoteType {
			d.Add(d.doc.at(n), CodeType, "%s needs a number, and %s is beyond all that can be reckoned with", what, s.Value)
			return v, ok
		}
		if text && numberWithUnit.MatchString(strings.TrimSpace(s.Value)) {
			d.Add(d.doc.at(n), CodeType, "%s needs a number without a unit, not %q; packs-reference.md says which unit it is in", what, s.Value)
			return v, ok
		}
		d.Add(d.doc.at(n), CodeType, "%s needs a number, not %s", what, KindOf(n))
	}
	return v, ok
}

var numberWithUnit = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?\s*[^0-9\s.].*$`)
