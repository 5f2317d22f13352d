package replay

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// template is a text with {names} in it, which stand for a row's columns.
type template struct {
	literals []string // one more than names
	names    []string
}

func parseTemplate(s string) (template, error) {
	var t template
	for {
		open := strings.IndexByte(s, '{')
		literal, rest := s, ""
		if open >= 0 {
			literal, rest = s[:open], s[open+1:]
		}
		if strings.IndexByte(literal, '}') >= 0 {
			return t, errors.New("a } without its {")
		}
		t.literals = append(t.literals, literal)
		if open < 0 {
			return t, nil
		}
		end := strings.IndexByte(rest, '}')
		if end <= 0 {
			return t, errors.New("a { without a name and its }")
		}
		t.names = append(t.names, rest[:end])
		s = rest[end+1:]
	}
}

// fill puts the values in, one for each of t.names.
func (t template) fill(value func(i int) string) string {
	if len(t.names) == 0 {
		return t.literals[0]
	}
	var b strings.Builder
	for i := range t.names {
		b.WriteString(t.literals[i])
		b.WriteString(value(i))
	}
	b.WriteString(t.literals[len(t.names)])
	return b.String()
}

// matcher recognises texts of the template's form; its groups are t.names.
func (t template) matcher() *regexp.Regexp {
	var b strings.Builder
	b.WriteByte('^')
	for i := range t.names {
		fmt.Fprintf(&b, "%s(.+)", regexp.QuoteMeta(t.literals[i]))
	}
	fmt.Fprintf(&b, "%s$", regexp.QuoteMeta(t.literals[len(t.names)]))
	return regexp.MustCompile(b.String())
}
