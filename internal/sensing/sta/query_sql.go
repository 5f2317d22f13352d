package sta

import (
	"slices"
	"strconv"
	"strings"
)

// stmt is a statement under construction. Its text comes from this package's constants alone; whatever a client sent is
// an argument.
type stmt struct {
	text strings.Builder
	args []any
	used int // aliases given out
}

// add appends text.
func (s *stmt) add(parts ...string) *stmt {
	for _, p := range parts {
		s.text.WriteString(p)
	}
	return s
}

// arg binds a value and returns its placeholder.
func (s *stmt) arg(v any) string {
	s.args = append(s.args, v)
	n := strconv.Itoa(len(s.args))
	switch v.(type) {
	case string:
		return "cast($" + n + " as text)"
	case int64, int:
		return "cast($" + n + " as bigint)"
	case float64:
		return "cast($" + n + " as double precision)"
	}
	return "$" + n
}

// ids binds a list of ids as one JSON text and returns the subquery that reads it.
func (s *stmt) ids(list []int64) string {
	b := make([]byte, 0, 2+len(list)*8)
	b = append(b, '[')
	for i, id := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendInt(b, id)
	}
	return "(select cast(value as bigint) from json_list(" + s.arg(string(append(b, ']'))) + "))"
}

// alias is a table name that the statement has not used yet.
func (s *stmt) alias() string {
	s.used++
	return "t" + strconv.Itoa(s.used)
}

func (s *stmt) String() string { return s.text.String() }

// oneOf is the id behind a to-one link of the row that alias names, as SQL.
func (l *link) oneOf(alias string) string {
	if l.own != "" {
		return alias + "." + l.own
	}
	j := l.through
	return "(select j." + j.that + " from " + j.table + " j where j." + j.this + " = " + alias + ".id order by j.position nulls first limit 1)"
}

// selects is the list of columns that scan reads: the id, the properties, the ids behind to-one links.
func (k *kind) selects(alias string) string {
	var b strings.Builder
	b.WriteString(alias + ".id")
	for _, c := range k.columns {
		b.WriteString(", " + alias + "." + c.name)
	}
	for i := range k.links {
		if l := &k.links[i]; !l.many {
			b.WriteString(", " + l.oneOf(alias))
		}
	}
	return b.String()
}

// column finds the column of a property; nil where the catalogue has none.
func (k *kind) column(property string) *column {
	for i := range k.columns {
		if k.columns[i].property == property {
			return &k.columns[i]
		}
	}
	return nil
}

// link finds a link by its navigation property; nil where there is none.
func (k *kind) link(nav string) *link {
	for i := range k.links {
		if k.links[i].nav == nav {
			return &k.links[i]
		}
	}
	return nil
}

// clone is a statement with the same arguments and no text yet.
func (s *stmt) clone() *stmt {
	return &stmt{args: slices.Clone(s.args), used: s.used}
}
