package odata

import "github.com/peterstace/simplefeatures/geom"

// geometry of a value: its own, or that of the GeoJSON it holds.
func (v Value) geometry() (geom.Geometry, bool) {
	switch v.kind {
	case KindGeometry:
		return *v.geo, true
	case KindJSON:
		return readGeoJSON(v.text)
	}
	return geom.Geometry{}, false
}

// readGeoJSON reads a geometry, a Feature or a FeatureCollection. What is stored came in valid, so it is not checked again.
func readGeoJSON(raw string) (geom.Geometry, bool) {
	if kind, _ := lookup(raw, []Key{{Name: "type"}}); kind != `"FeatureCollection"` {
		return readFeature(raw)
	}
	features, _ := lookup(raw, []Key{{Name: "features"}})
	if features == "" || features[0] != '[' {
		return geom.Geometry{}, false
	}
	var all []geom.Geometry
	for rest := features; rest != "" && rest[0] != ']'; rest = trimSpace(rest) {
		var raw string
		var ok bool
		if raw, rest, ok = valueAt(trimSpace(rest[1:])); !ok {
			break
		}
		if g, ok := readFeature(raw); ok {
			all = append(all, g)
		}
	}
	return geom.NewGeometryCollection(all).AsGeometry(), true
}

func readFeature(raw string) (geom.Geometry, bool) {
	if kind, _ := lookup(raw, []Key{{Name: "type"}}); kind == `"Feature"` {
		raw, _ = lookup(raw, []Key{{Name: "geometry"}})
	}
	g, err := geom.UnmarshalGeoJSON([]byte(raw), geom.NoValidate{})
	return g, err == nil
}

// geoFunction measures, in degrees on the plane. Between nothing and anything there is no distance.
func geoFunction(f Func, a, b Value) Value {
	g, ok := a.geometry()
	if !ok {
		return Value{}
	}
	if f == FuncGeoLength {
		return Number(g.Length())
	}
	h, ok := b.geometry()
	if !ok {
		return Value{}
	}
	d, ok := geom.Distance(g, h)
	if !ok {
		return Value{}
	}
	return Number(d)
}

// shape is a geometry with its box.
type shape struct {
	geom.Geometry
	box geom.Envelope
}

// shapeOf compiles an argument. A constant's box is taken once.
func (c compiler) shapeOf(e Expr) func(Entity, *scope) (shape, bool, error) {
	if l, ok := e.(*Literal); ok {
		g, ok := l.Value.geometry()
		s := shape{g, g.Envelope()}
		return func(Entity, *scope) (shape, bool, error) { return s, ok, nil }
	}
	x := c.value(e)
	return func(e Entity, s *scope) (shape, bool, error) {
		v, err := x(e, s)
		if err != nil {
			return shape{}, false, err
		}
		g, ok := v.geometry()
		return shape{g, g.Envelope()}, ok, nil
	}
}

// spatial compiles geo.intersects and the st_ functions. Whether the boxes touch settles most pairs.
func (c compiler) spatial(e *Call) test {
	f, first, second := e.Func, c.shapeOf(e.Args[0]), c.shapeOf(e.Args[1])
	pattern := func(Entity, *scope) (Value, error) { return Value{}, nil }
	if f == FuncStRelate {
		pattern = c.value(e.Args[2])
	}
	return func(e Entity, s *scope) (truth, error) {
		a, okA, err := first(e, s)
		if err != nil {
			return unknown, err
		}
		b, okB, err := second(e, s)
		if err != nil || !okA || !okB {
			return unknown, err
		}
		if f == FuncStRelate {
			p, err := pattern(e, s)
			if err != nil || p.kind != KindText {
				return unknown, err
			}
			return relate(a.Geometry, b.Geometry, p.text), nil
		}
		if !a.IsEmpty() && !b.IsEmpty() && !a.box.Intersects(b.box) {
			return truthOf(f == FuncStDisjoint), nil
		}
		return holdsInSpace(f, a.Geometry, b.Geometry), nil
	}
}

// holdsInSpace is unknown where a geometry is too broken to be compared.
func holdsInSpace(f Func, a, b geom.Geometry) truth {
	var ok bool
	var err error
	switch f {
	case FuncGeoIntersects, FuncStIntersects:
		ok = geom.Intersects(a, b)
	case FuncStDisjoint:
		ok = !geom.Intersects(a, b)
	case FuncStEquals:
		ok, err = geom.Equals(a, b)
	case FuncStTouches:
		ok, err = geom.Touches(a, b)
	case FuncStWithin:
		ok, err = geom.Within(a, b)
	case FuncStOverlaps:
		ok, err = geom.Overlaps(a, b)
	case FuncStCrosses:
		ok, err = geom.Crosses(a, b)
	case FuncStContains:
		ok, err = geom.Contains(a, b)
	}
	if err != nil {
		return unknown
	}
	return truthOf(ok)
}

func relate(a, b geom.Geometry, pattern string) truth {
	if !relatePattern(pattern) {
		return unknown
	}
	matrix, err := geom.Relate(a, b)
	if err != nil {
		return unknown
	}
	ok, err := geom.RelateMatches(matrix, pattern)
	if err != nil {
		return unknown
	}
	return truthOf(ok)
}
