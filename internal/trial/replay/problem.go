package replay

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/pack"
)

// Problem is something wrong in a file, at the place where a person can mend it.
type Problem struct {
	File         string
	Line, Column int    // from 1; 0 where the whole file is meant
	Field        string // the column's name or the mapping's key, where there is one
	Message      string // what was expected
}

func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Column > 0 {
		fmt.Fprintf(&b, ":%d", p.Column)
	}
	b.WriteString(": ")
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	return b.String() + p.Message
}

// Problems are all that was found; as an error they are listed, the first maxListed of them.
type Problems []Problem

const maxListed = 20

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

// unknown says that a word is not among the known ones, with a suggestion or the list.
func unknown(what, word string, known []string) string {
	if s := pack.Suggest(word, known); s != "" {
		return fmt.Sprintf("unknown %s %q%s", what, word, s)
	}
	known = slices.Clone(known)
	slices.Sort(known)
	return fmt.Sprintf("unknown %s %q, expected one of: %s", what, word, strings.Join(known, ", "))
}
