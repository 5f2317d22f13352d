package odata

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Encode writes the query as it follows "?" in a URL, in one canonical order, so that it reads back as the same query. For
// a next link copy the Query and replace Skip or SkipToken. It is "" when there are no options.
func (q *Query) Encode() string {
	var b strings.Builder
	add := func(name, value string) {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(strings.ReplaceAll(escape(name), "=", "%3D") + "=" + escape(value))
	}
	for _, o := range q.options() {
		add(o[0], o[1])
	}
	for _, name := range slices.Sorted(maps.Keys(q.Extra)) {
		for _, value := range q.Extra[name] {
			add(name, value)
		}
	}
	return b.String()
}

// options are the names and the texts, not escaped.
func (q *Query) options() [][2]string {
	var out [][2]string
	add := func(name, value string) { out = append(out, [2]string{name, value}) }
	if q.Filter != nil {
		add("$filter", q.Filter.String())
	}
	if len(q.Select) > 0 {
		add("$select", joined(q.Select, (*Selected).String))
	}
	if len(q.Expand) > 0 {
		add("$expand", joined(q.Expand, (*Expand).String))
	}
	if len(q.OrderBy) > 0 {
		add("$orderby", joined(q.OrderBy, Order.String))
	}
	if q.Top != nil {
		add("$top", strconv.FormatInt(*q.Top, 10))
	}
	if q.Skip != nil {
		add("$skip", strconv.FormatInt(*q.Skip, 10))
	}
	if q.Count != nil {
		add("$count", strconv.FormatBool(*q.Count))
	}
	if q.ResultFormat != "" {
		add("$resultFormat", q.ResultFormat)
	}
	if q.SkipToken != "" {
		add("$skiptoken", q.SkipToken)
	}
	return out
}

func joined[T any](items []T, text func(T) string) string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = text(item)
	}
	return strings.Join(out, ",")
}

// String is the item as it stands in $select.
func (s *Selected) String() string {
	if s.Nav != nil {
		return s.Nav.Name
	}
	return string(appendKeys([]byte(s.Prop.Name), s.Sub))
}

// String is the item as it stands in $expand.
func (e *Expand) String() string {
	options := e.Query.options()
	if len(options) == 0 {
		return e.Nav.Name
	}
	return e.Nav.Name + "(" + strings.Join(pairs(options), ";") + ")"
}

func pairs(options [][2]string) []string {
	out := make([]string, len(options))
	for i, o := range options {
		out[i] = o[0] + "=" + o[1]
	}
	return out
}

// String is the item as it stands in $orderby.
func (o Order) String() string {
	if o.Desc {
		return o.Expr.String() + " desc"
	}
	return o.Expr.String()
}

// escape leaves what RFC 3986 allows in a query as it is, but for & and +, which mean something there.
func escape(s string) string {
	const plain = "!$'()*,-./:;=?@_~"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		const hex = "0123456789ABCDEF"
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}
