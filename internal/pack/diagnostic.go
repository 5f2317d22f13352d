package pack

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Diagnostic is one problem in one place of a pack.
type Diagnostic struct {
	Path    string `json:"path"`
	Line    int    `json:"line,omitempty"`   // from 1; 0: the file as a whole
	Column  int    `json:"column,omitempty"` // from 1, in characters
	Width   int    `json:"width,omitempty"`  // characters from Column on that are meant
	Code    string `json:"code"`
	Message string `json:"message"`

	source string // the line as it stands in the file
}

// String is the problem as a compiler would show it: one line, and the source with a caret where there is a source.
func (d Diagnostic) String() string {
	if d.Line == 0 {
		return fmt.Sprintf("%s: %s [%s]", d.Path, d.Message, d.Code)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s [%s]\n", d.Path, d.Line, d.Column, d.Message, d.Code)
	margin := fmt.Sprintf("%3d", d.Line)
	before, meant := d.cut()
	fmt.Fprintf(&b, "%s | %s\n", margin, d.source)
	fmt.Fprintf(&b, "%s | %s%s", strings.Repeat(" ", len(margin)), blank(before), strings.Repeat("^", max(1, cells(meant))))
	return b.String()
}

// cut parts the source line into what stands before the meant part, and that part.
func (d Diagnostic) cut() (before, meant string) {
	rs := []rune(d.source)
	from := min(max(d.Column-1, 0), len(rs))
	to := min(from+d.Width, len(rs))
	return string(rs[:from]), string(rs[from:to])
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

// Error lists the problems in the order of the files and lines.
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

// Join notes the problems in err, which came from this package, beside those that are there.
func (ds *Diagnostics) Join(err error) {
	var more Diagnostics
	switch {
	case err == nil:
	case errors.As(err, &more):
		*ds = append(*ds, more...)
	default:
		*ds = append(*ds, Diagnostic{Code: CodeFile, Message: err.Error()})
	}
}

// Err is nil where there is no problem, else all of them, sorted.
func (ds Diagnostics) Err() error {
	if len(ds) == 0 {
		return nil
	}
	sorted := slices.Clone(ds)
	slices.SortStableFunc(sorted, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(sorted)
}

// suggest is `, did you mean "…"?` with the nearest of the known words, or nothing where none is near.
func suggest(word string, known []string) string {
	if best := nearest(word, known); best != "" {
		return fmt.Sprintf(", did you mean %q?", best)
	}
	return ""
}

// nearest is the known word with the fewest edits from word, "" where that would be a third of it or more.
func nearest(word string, known []string) string {
	best, distance := "", max(1, utf8.RuneCountInString(word)/3)+1
	for _, k := range known {
		if d := edits([]rune(word), []rune(k)); d < distance {
			best, distance = k, d
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
