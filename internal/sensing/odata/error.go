package odata

import (
	"fmt"
	"strings"
)

// Error says what is wrong with a path or a query option, and where.
type Error struct {
	Option  string // "$filter", "$expand", ..., or "path"
	Pos     int    // byte offset in Text
	Message string // lower-case, says what was expected
	Text    string // the decoded text that Pos points into
}

func (e *Error) Error() string {
	if e.Text == "" {
		return e.Option + ": " + e.Message
	}
	return fmt.Sprintf("%s, at %d: %s", e.Option, e.Pos, e.Message)
}

// Caret shows the text with a caret under the place, on two lines. Long texts are cut around it.
func (e *Error) Caret() string {
	const around = 60
	pos := max(0, min(e.Pos, len(e.Text)))
	before, after := []rune(e.Text[:pos]), []rune(e.Text[pos:])
	if len(before) > around {
		before = append([]rune("…"), before[len(before)-around:]...)
	}
	if len(after) > around {
		after = append(after[:around:around], '…')
	}
	return string(before) + string(after) + "\n" + strings.Repeat(" ", len(before)) + "^"
}

// DidYouMean is what was probably meant, as the end of a message; "" when nothing is near.
func DidYouMean(got string, known []string) string {
	best, distance := "", len(got)/3+2
	for _, k := range known {
		if d := editDistance(strings.ToLower(got), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + best + "?"
}

// editDistance counts insertions, deletions, substitutions and swaps of neighbours. Long words are not worth the work.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	older, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], older[j-2]+1)
			}
		}
		older, row = row, next
	}
	return row[len(b)]
}
