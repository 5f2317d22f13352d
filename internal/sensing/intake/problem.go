package intake

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// maxListed bounds how many problems are listed; the rest is counted.
const maxListed = 100

// Problem is something wrong in a file, at the place where a person can mend it.
type Problem struct {
	File         string
	Line, Column int    // from 1, columns in characters; 0 where the whole file is meant
	Field        string // the mapping's key or the file's column, where there is one
	Message      string // what was expected
}

// Error is the problem as editors and compilers write it: FILE:LINE:COLUMN: FIELD: MESSAGE.
func (p Problem) Error() string {
	s := p.File
	if p.Line > 0 {
		s += fmt.Sprintf(":%d:%d", p.Line, max(p.Column, 1))
	}
	if p.Field != "" {
		s += ": " + p.Field
	}
	return s + ": " + p.Message
}

// Problems are all that was found. As an error they are listed, one a line.
type Problems []Problem

// Error lists the problems in the order of their files and lines.
func (ps Problems) Error() string {
	var b strings.Builder
	for i, p := range ps {
		if i == maxListed {
			fmt.Fprintf(&b, "\nand %d more", len(ps)-maxListed)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.Error())
	}
	return b.String()
}

// err is nil where there is no problem.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return ps
}

// web is the problems as the API tells them. total counts those that were not kept, too.
func (ps Problems) web(code string, total int) error {
	message := ps[0].Error()
	if total > 1 {
		message = fmt.Sprintf("%d problems, the first: %s", total, message)
	}
	e := web.Errorf(http.StatusUnprocessableEntity, code, "%s", message)
	e.Line, e.Column, e.Field = ps[0].Line, ps[0].Column, ps[0].Field
	for _, p := range ps[:min(len(ps), maxListed)] {
		e.Errors = append(e.Errors, web.Detail{Message: p.Error(), Field: p.Field, Line: p.Line, Column: p.Column})
	}
	return e
}

// unknown says that a word is not among the known ones, with a suggestion or the list.
func unknown(what, word string, known []string) string {
	if s := pack.Suggest(word, known); s != "" {
		return fmt.Sprintf("unknown %s %q%s", what, word, s)
	}
	return fmt.Sprintf("unknown %s %q, expected one of: %s", what, word, strings.Join(slices.Sorted(slices.Values(known)), ", "))
}
