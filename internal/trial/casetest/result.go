package casetest

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/pack"
)

// Write says what became of a test; all that happened in it where verbose.
func (r *Result) Write(w io.Writer, verbose bool) {
	if verbose {
		fmt.Fprintf(w, "%s  %s\n", map[bool]string{true: "FAIL", false: "ok  "}[r.Failed()], r.Test.Name)
		for _, line := range r.Told {
			fmt.Fprintf(w, "        %s\n", line)
		}
	}
	for i := range r.Failures {
		fmt.Fprint(w, r.Explain(&r.Failures[i]))
	}
}

// Explain is a failure as a person reads it: where it stands, what was expected beside what came, and what happened before.
func (r *Result) Explain(f *Failure) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %s\n%s", f.Pos, r.Test.Name, f.Message, excerpt(f.Pos))
	if len(f.rows) > 0 {
		width := utf8.RuneCountInString("expected")
		for _, x := range f.rows {
			width = max(width, utf8.RuneCountInString(x.expected))
		}
		rows := append([]row{{"", "expected", "got"}}, f.rows...)
		for _, x := range rows {
			fmt.Fprintf(&b, "      %-12s %s%s  %s\n", x.what, x.expected, strings.Repeat(" ", width-utf8.RuneCountInString(x.expected)), x.got)
		}
	}
	from := max(0, len(r.Told)-toldBefore)
	if from > 0 {
		b.WriteString("      ...\n")
	}
	for _, line := range r.Told[from:] {
		fmt.Fprintf(&b, "      %s\n", line)
	}
	return b.String()
}

// toldBefore is how many lines of what happened stand under a failure.
const toldBefore = 6

// excerpt is the line of the file with a caret under the place, as problems of a pack have it.
func excerpt(at pack.Pos) string {
	var ds pack.Diagnostics
	ds.Add(at, "", "")
	_, lines, _ := strings.Cut(ds[0].String(), "\n")
	return lines + "\n"
}
