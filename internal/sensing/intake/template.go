package intake

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
		literal, rest, open := strings.Cut(s, "{")
		if strings.Contains(literal, "}") {
			return t, errors.New("a } without its {")
		}
		t.literals = append(t.literals, literal)
		if !open {
			return t, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed || name == "" {
			return t, errors.New("a { without a name and its }")
		}
		t.names = append(t.names, name)
		s = after
	}
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

// template reads a text that may hold {columns}.
func (d *document) template(w word, field string) template {
	t, err := parseTemplate(w.s)
	if err != nil {
		d.say(w.position, field, "%v", err)
	}
	return t
}
