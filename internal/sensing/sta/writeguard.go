package sta

import (
	"fmt"
	"strings"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/city/guard"
)

// geometry is the box around GeoJSON, nil where there is none. What claims to be GeoJSON must be.
func (c *checker) geometry(d *draft, v *node, field string) *box {
	b, err := boxOf(v)
	if err != nil && (d.set == setDatastreams || isGeoJSON(d.encoding)) {
		c.add(field, v.at, "expected GeoJSON: %s", err)
	}
	return b
}

// boxOf is the box around a GeoJSON geometry or Feature; nil around an empty one.
func boxOf(v *node) (*box, error) {
	g := v
	for _, m := range v.fields {
		if m.name == "geometry" {
			g = m.value // of a Feature
		}
	}
	parsed, err := geom.UnmarshalGeoJSON(g.raw, geom.NoValidate{})
	if err != nil {
		return nil, err
	}
	lo, hi, ok := parsed.Envelope().MinMaxXYs()
	if !ok {
		return nil, nil
	}
	return &box{lo.X, lo.Y, hi.X, hi.Y}, nil
}

func isGeoJSON(encoding string) bool {
	e := strings.ToLower(encoding)
	return e == "application/geo+json" || e == "application/vnd.geo+json"
}

// guardText refuses a text that looks like an identifier of a person.
func (c *checker) guardText(v *node, field string) {
	text := v.text
	if v.kind != '"' && v.kind != '0' {
		return
	}
	if m, found := guard.Value(text); found {
		c.add(field, v.at, "holds what looks like a person's %s: Anlan keeps none", m.Kind)
	}
}

// guardJSON does so for every text and number of a value, and for the names in it.
func (c *checker) guardJSON(v *node, field string, names, numbers bool) {
	switch {
	case v.kind == '"' || v.kind == '0' && numbers:
		c.guardText(v, field)
	case v.kind == '[':
		for i, item := range v.items {
			if item.kind == '0' && !numbers {
				continue
			}
			c.guardJSON(item, fmt.Sprintf("%s[%d]", field, i), names, numbers)
		}
	}
	for _, m := range v.fields {
		inner := field + "." + m.name
		if names {
			if word, refused := guard.Name(m.name); refused {
				c.add(inner, m.at, "%q announces something about a person: Anlan watches places and assets, and keeps none of that", word)
			}
		}
		c.guardJSON(m.value, inner, names, numbers)
	}
}
