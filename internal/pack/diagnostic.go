package pack

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Severity says what a problem means for the pack.
type Severity string

// The severities. A pack with an error is refused; a warning is for the people who write it.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Diagnostic is one problem in one place of a pack.
type Diagnostic struct {
	Path     string   `json:"path"`
	Line     int      `json:"line,omitempty"`   // from 1; 0: the file as a whole
	Column   int      `json:"column,omitempty"` // from 1, in characters
	Width    int      `json:"width,omitempty"`  // characters from Column on that are meant
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Notes    []Note   `json:"notes,omitempty"`

	source string // the line as it stands in the file
}

// Note is another place that a problem has to do with.
type Note struct {
	Path    string `json:"path"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Width   int    `json:"width,omitempty"`
	Message string `json:"message"`

	source string
}

// String is the problem as a compiler would show it: one line, and the source with a caret where there is a source. The
// places of its notes are underlined with dashes.
func (d Diagnostic) String() string {
	var b strings.Builder
	b.WriteString(d.Path)
	if d.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", d.Line, d.Column)
	}
	b.WriteString(": ")
	if d.Severity == Warning {
		b.WriteString("warning: ")
	}
	fmt.Fprintf(&b, "%s [%s]", d.Message, d.Code)
	marks := []mark{{d.Line, d.Column, d.Width, d.source, "^", ""}}
	for _, n := range d.Notes {
		if n.Path == d.Path && n.Line > 0 {
			marks = append(marks, mark{n.Line, n.Column, n.Width, n.source, "-", n.Message})
		} else {
			fmt.Fprintf(&b, "\n    note: %s:%d:%d: %s", n.Path, n.Line, n.Column, n.Message)
		}
	}
	if d.Line == 0 {
		return b.String()
	}
	slices.SortStableFunc(marks, func(x, y mark) int { return cmp.Compare(x.line, y.line) })
	margin := max(3, len(strconv.Itoa(marks[len(marks)-1].line)))
	for i, m := range marks {
		source, before, meant := m.excerpt()
		if i == 0 || marks[i-1].line != m.line {
			fmt.Fprintf(&b, "\n%*d | %s", margin, m.line, source)
		}
		fmt.Fprintf(&b, "\n%s | %s%s", strings.Repeat(" ", margin), blank(before), strings.Repeat(m.sign, max(1, cells(meant))))
		if m.text != "" {
			b.WriteString(" " + m.text)
		}
	}
	return b.String()
}

// mark is a part of a source line that is pointed at.
type mark struct {
	line, column, width int
	source, sign, text  string
}

// maxExcerpt is the number of characters of a line that an excerpt shows; a longer line is cut around what is meant.
const maxExcerpt = 150

// excerpt is the source line, cut where it is long, with what stands there before the meant part, and that part.
func (m mark) excerpt() (source, before, meant string) {
	rs := []rune(m.source)
	from := min(max(m.column-1, 0), len(rs))
	to := min(from+m.width, len(rs))
	if len(rs) <= maxExcerpt {
		return m.source, string(rs[:from]), string(rs[from:to])
	}
	start := min(max(0, from-maxExcerpt/2), len(rs)-maxExcerpt)
	end := start + maxExcerpt
	head, tail := "", ""
	if start > 0 {
		head = "…"
	}
	if end < len(rs) {
		tail = "…"
	}
	return head + string(rs[start:end]) + tail, head + string(rs[start:from]), string(rs[from:min(to, end)])
}

// blank is as wide as s on a terminal, so that the caret stands under its part behind Chinese text and tabs too.
func blank(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteString(strings.Repeat(" ", cells(string(r))))
		}
	}
	return b.String()
}

func cells(s string) int {
	n := 0
	for _, r := range s {
		n++
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n++
		}
	}
	return n
}

// Diagnostics are all problems that were found. As an error it lists them all.
type Diagnostics []Diagnostic

// Error lists the problems, one after another.
func (ds Diagnostics) Error() string {
	parts := make([]string, len(ds))
	for i, d := range ds {
		parts[i] = d.String()
	}
	return strings.Join(parts, "\n")
}

// Add notes a problem at a place.
func (ds *Diagnostics) Add(at Pos, code, format string, args ...any) {
	*ds = append(*ds, at.diagnostic(code, fmt.Sprintf(format, args...)))
}

// Warn notes something at a place that is no mistake for certain, or does no harm but to the reader.
func (ds *Diagnostics) Warn(at Pos, code, format string, args ...any) {
	ds.Add(at, code, format, args...)
	(*ds)[len(*ds)-1].Severity = Warning
}

// Note gives the problem that was added last another place that it has to do with.
func (ds *Diagnostics) Note(at Pos, format string, args ...any) {
	d, message := &(*ds)[len(*ds)-1], fmt.Sprintf(format, args...)
	n := at.diagnostic("", message)
	d.Notes = append(d.Notes, Note{n.Path, n.Line, n.Column, n.Width, message, n.source})
}

// Join notes the problems in err, which came from this package, beside those that are there.
func (ds *Diagnostics) Join(err error) {
	var more Diagnostics
	switch {
	case err == nil:
	case errors.As(err, &more):
		*ds = append(*ds, more...)
	default:
		*ds = append(*ds, Diagnostic{Code: CodeFile, Severity: Error, Message: err.Error()})
	}
}

// Err is nil where there is no error, else all problems, sorted.
func (ds Diagnostics) Err() error {
	if !slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Severity != Warning }) {
		return nil
	}
	return ds.Sorted()
}

// parted are the errors, and the warnings.
func (ds Diagnostics) parted() (errs, warnings Diagnostics) {
	for _, d := range ds {
		if d.Severity == Warning {
			warnings = append(warnings, d)
		} else {
			errs = append(errs, d)
		}
	}
	return errs, warnings
}

// Sorted are the problems in the order of the files and lines, each once.
func (ds Diagnostics) Sorted() Diagnostics {
	sorted := slices.Clone(ds)
	slices.SortStableFunc(sorted, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(sorted, func(a, b Diagnostic) bool {
		return a.Path == b.Path && a.Line == b.Line && a.Column == b.Column && a.Code == b.Code && a.Message == b.Message
	})
}

// suggest is `, did you mean "…"?` with the nearest of the known words, or nothing where none is near.
func suggest(word string, known []string) string {
	if best := nearest(word, known); best != "" {
		return fmt.Sprintf(", did you mean %q?", best)
	}
	return ""
}

// nearest is the known word with the fewest edits from word; where that would be a third of it or more, the only one that
// begins with it, as silent_after does with silent; "" where there is none.
func nearest(word string, known []string) string {
	best, distance := "", max(1, utf8.RuneCountInString(word)/3)+1
	for _, k := range known {
		if d := edits([]rune(word), []rune(k)); d < distance {
			best, distance = k, d
		}
	}
	if best != "" || utf8.RuneCountInString(word) < 3 {
		return best
	}
	for _, k := range known {
		if strings.HasPrefix(k, word+"_") || strings.HasPrefix(k, word+"-") {
			if best != "" {
				return ""
			}
			best = k
		}
	}
	return best
}

// edits is the optimal string alignment distance: insertions, deletions, substitutions, and swaps of neighbours, each 1.
func edits(a, b []rune) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
