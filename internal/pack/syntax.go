package pack

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What the YAML parser says of a file that is no YAML is meant for those who know how it reads. Here is looked for what was
// most likely meant, near the place that the parser stumbled at: often the mistake stands in a line above it.

// meant is the mistake in the words of someone who does not know YAML, and its place. Where none of the usual ones is found,
// it is what the parser says.
func (doc *document) meant(p Pos, message string) (Pos, string) {
	for _, look := range []func(Pos, string) (Pos, string){
		doc.tab, doc.wideSpace, doc.wideColon, doc.wideComma, doc.placeholderBare, doc.bracket, doc.quote, doc.colonInText, doc.indentation, doc.sign, doc.noKey,
	} {
		if at, words := look(p, message); words != "" {
			return at, words
		}
	}
	return p, message
}

// line is a line of the file, from 1; "" beyond its end.
func (doc *document) line(n int) string {
	if n < 1 || n > len(doc.lines) {
		return ""
	}
	return doc.lines[n-1]
}

// spot is a place in a line, at a byte of it.
func (doc *document) spot(line, at, width int) Pos {
	text := doc.line(line)
	return Pos{in: doc.text, Line: line, Column: utf8.RuneCountInString(text[:min(at, len(text))]) + 1, Width: width}
}

func (doc *document) tab(p Pos, _ string) (Pos, string) {
	text := doc.line(p.Line)
	indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	if at := strings.Index(indent, "\t"); at >= 0 {
		return doc.spot(p.Line, at, 1), "a tab stands before the text; indent with spaces"
	}
	return p, ""
}

// wideSpace finds a space that is none to YAML: Chinese input methods and web pages give them.
func (doc *document) wideSpace(p Pos, _ string) (Pos, string) {
	for _, n := range []int{p.Line, p.Line - 1} {
		text := doc.line(n)
		indent := text[:len(text)-len(strings.TrimLeftFunc(text, unicode.IsSpace))]
		if at := strings.IndexFunc(indent, func(r rune) bool { return r != ' ' && r != '\t' }); at >= 0 {
			return doc.spot(n, at, 1), "a space stands before the text that is none to YAML (full-width, or one that does not break); indent with plain spaces"
		}
	}
	return p, ""
}

// wideComma finds a full-width comma behind a text in quotes, or a bracket, where only the other can part two entries.
func (doc *document) wideComma(p Pos, message string) (Pos, string) {
	if !strings.Contains(message, "must be specified") {
		return p, ""
	}
	if m := commaBehind.FindStringSubmatchIndex(doc.line(p.Line)); m != nil {
		return doc.spot(p.Line, m[2], 1), `a full-width "，" stands here; write "," and a space`
	}
	return p, ""
}

var commaBehind = regexp.MustCompile(`["'\]}]\s*(，)`)

var wideColonKey = regexp.MustCompile(`^\s*(?:- +)?["']?[A-Za-z][A-Za-z0-9_-]*["']?\s*(：)`)

// wideColon finds a full-width colon behind a key: Chinese input methods write it.
func (doc *document) wideColon(p Pos, _ string) (Pos, string) {
	for _, n := range []int{p.Line, p.Line - 1} {
		if m := wideColonKey.FindStringSubmatchIndex(doc.line(n)); m != nil {
			return doc.spot(n, m[2], 1), wideColonWords
		}
	}
	return p, ""
}

const wideColonWords = `a full-width "：" stands here; write ":" and a space`

var (
	placeholderAlone = regexp.MustCompile(`^\s*(?:- +)?[\w-]+:\s+(\{\{.*)$`)
	placeholderFirst = regexp.MustCompile(`[:,{]\s*(\{\{[^{}]*\}\}[^,}]*)`)
)

// placeholderBare finds a text that begins with a placeholder: YAML takes its brace for that of keys.
func (doc *document) placeholderBare(p Pos, _ string) (Pos, string) {
	m := placeholderAlone.FindStringSubmatchIndex(doc.line(p.Line))
	if m == nil {
		m = placeholderFirst.FindStringSubmatchIndex(doc.line(p.Line))
	}
	if m == nil {
		return p, ""
	}
	text := strings.TrimSpace(doc.line(p.Line)[m[2]:m[3]])
	return doc.spot(p.Line, m[2], utf8.RuneCountInString(text)), fmt.Sprintf("a text that begins with { needs quotes: write %q", text)
}

// opened is a bracket that is open.
type opened struct {
	sign rune
	at   Pos
}

var closes = map[rune]rune{'{': '}', '[': ']'}

// bracket finds the bracket that is not closed, or closed by another's sign. The parser stumbles only where what follows no
// longer fits, which is a line below or at the end of the file.
func (doc *document) bracket(p Pos, message string) (Pos, string) {
	if !strings.Contains(message, "must be specified") && !strings.Contains(message, "not found") && !strings.Contains(message, "not allowed in this context") {
		return p, ""
	}
	var open []opened
	for n := 1; n <= len(doc.lines); n++ {
		if len(open) > 0 && keyLine.MatchString(doc.line(n)) && n >= p.Line {
			break
		}
		for _, b := range brackets(doc.line(n)) {
			b.at = doc.spot(n, b.at.Column, 1)
			switch {
			case closes[b.sign] != 0:
				open = append(open, b)
			case len(open) == 0:
				return b.at, fmt.Sprintf("a %c without the bracket that it closes", b.sign)
			case closes[open[len(open)-1].sign] != b.sign:
				last := open[len(open)-1]
				return b.at, fmt.Sprintf("a %c stands here, but the %c of line %d is closed by %c", b.sign, last.sign, last.at.Line, closes[last.sign])
			default:
				open = open[:len(open)-1]
			}
		}
		if n > p.Line && len(open) == 0 {
			break
		}
	}
	if len(open) == 0 {
		return p, ""
	}
	last := open[len(open)-1]
	return last.at, fmt.Sprintf("this %c has no %c", last.sign, closes[last.sign])
}

var keyLine = regexp.MustCompile(`^\s*(?:- +)?[A-Za-z][A-Za-z0-9_-]*:(?: |$)`)

// brackets are those of a line that stand outside of texts in quotes and of comments; at.Column is the byte.
func brackets(line string) (all []opened) {
	quote, before := rune(0), ' '
	for i, r := range line {
		switch {
		case quote == '"' && before == '\\':
			before = ' ' // an escaped sign
			continue
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case (r == '"' || r == '\'') && strings.ContainsRune(" \t:,[{(", before):
			quote = r
		case r == '#' && (before == ' ' || before == '\t'):
			return all
		case strings.ContainsRune("{}[]", r):
			all = append(all, opened{r, Pos{Column: i}})
		}
		before = r
	}
	return all
}

func (doc *document) quote(p Pos, message string) (Pos, string) {
	switch {
	case strings.Contains(message, "could not find end character"):
		p.Width = 1
		return p, fmt.Sprintf("the text that begins here has no closing %c", []rune(doc.line(p.Line) + " ")[min(p.Column-1, utf8.RuneCountInString(doc.line(p.Line)))])
	case strings.Contains(message, "map key-value is pre-defined"):
		return p, `the text in quotes ends before this; a quotation mark within it is written \" between double ones, or '' between single ones`
	}
	return p, ""
}

var twoColons = regexp.MustCompile(`^\s*(?:- +)?[^\s"'#{\[]+:\s+([^"'\s{\[|>#][^"']*?: .*)$`)

func (doc *document) colonInText(p Pos, message string) (Pos, string) {
	m := twoColons.FindStringSubmatchIndex(doc.line(p.Line))
	if m == nil || !strings.Contains(message, "mapping value is not allowed") {
		return p, ""
	}
	text := doc.line(p.Line)[m[2]:m[3]]
	return doc.spot(p.Line, m[2], utf8.RuneCountInString(text)), fmt.Sprintf("a text with a colon and a space in it needs quotes: write %q", text)
}

// indentation finds the line that stands neither where its neighbours do nor further in under a key of its own.
func (doc *document) indentation(p Pos, message string) (Pos, string) {
	if !strings.Contains(message, "not allowed in this context") {
		return p, ""
	}
	stack := []int{0}
	opens := true // the line before may have lines further in under it
	for n := 1; n <= min(p.Line+3, len(doc.lines)); n++ {
		text := doc.line(n)
		trimmed := strings.TrimLeft(text, " ")
		if trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		indent, last := len(text)-len(trimmed), -1
		for len(stack) > 1 && stack[len(stack)-1] > indent {
			last = stack[len(stack)-1]
			stack = stack[:len(stack)-1]
		}
		top := stack[len(stack)-1]
		if top < indent && !opens && last < 0 {
			last = top
		}
		if top < indent && last >= 0 && n >= p.Line {
			at := Pos{in: doc.text, Line: n, Column: 1, Width: indent}
			return at, fmt.Sprintf("this line is indented by %d, its neighbours by %s", indent, doc.neighbours(n, indent, top, last))
		}
		if top < indent {
			stack = append(stack, indent)
		}
		rest, dash := strings.CutPrefix(trimmed, "- ")
		if dash {
			stack = append(stack, indent+len(trimmed)-len(strings.TrimLeft(rest, " ")))
		} else if n == p.Line && n > 1 && doc.dashAt(n-1, indent) {
			if strings.HasPrefix(trimmed, "-") {
				return p, "between the dash of an item and its text stands a space"
			}
			return p, "the lines beside this one begin with a dash; indent it if it belongs to the item above"
		}
		opens = strings.HasSuffix(strings.TrimRight(text, " "), ":") || blockSign.MatchString(text)
	}
	return p, ""
}

// neighbours says how far a line should be indented that stands between two ways: as the next line is, or as is nearer.
func (doc *document) neighbours(n, indent, a, b int) string {
	for n++; n <= len(doc.lines); n++ {
		text := doc.line(n)
		if trimmed := strings.TrimLeft(text, " "); trimmed != "" {
			if next := len(text) - len(trimmed); next == a || next == b {
				return fmt.Sprint(next)
			}
			break
		}
	}
	switch {
	case a == b || b-indent < indent-a:
		return fmt.Sprint(b)
	case b-indent > indent-a:
		return fmt.Sprint(a)
	}
	return fmt.Sprintf("%d or %d", a, b)
}

var blockSign = regexp.MustCompile(`[|>][+-]?\s*$`)

// dashAt says that the nearest line at or above n that is indented so far, and no less, begins with a dash.
func (doc *document) dashAt(n, indent int) bool {
	for ; n >= 1; n-- {
		text := doc.line(n)
		trimmed := strings.TrimLeft(text, " ")
		if at := len(text) - len(trimmed); trimmed != "" && at <= indent {
			return at == indent && strings.HasPrefix(trimmed, "- ")
		}
	}
	return false
}

func (doc *document) sign(p Pos, message string) (Pos, string) {
	if !strings.Contains(message, "reserved character") && !strings.Contains(message, "directive value") {
		return p, ""
	}
	rs := []rune(doc.line(p.Line))
	rest := strings.TrimSpace(string(rs[min(p.Column-1, len(rs)):]))
	if rest == "" {
		return p, ""
	}
	text, _, _ := strings.Cut(rest, ",")
	p.Width = utf8.RuneCountInString(text)
	return p, fmt.Sprintf("a text that begins with %c needs quotes: write %q", []rune(text)[0], text)
}

func (doc *document) noKey(p Pos, message string) (Pos, string) {
	if message != "non-map value is specified" {
		return p, ""
	}
	text := strings.TrimSpace(doc.line(p.Line))
	if strings.HasPrefix(text, "- ") {
		return p, "a dash stands here beside keys; write the items of a list under a key of their own"
	}
	return p, fmt.Sprintf("%q is no key with something under it; behind a key stand a colon and a space", text)
}
