package outline

import "github.com/peterstace/simplefeatures/geom"

const (
	// sliver is how wide, in metres, what two shapes have in common may be for them still not to touch: borders are simplified
	// before they are published, and drawn by hand.
	sliver = 10.0
	// inside is the share from which a shape lies in another.
	inside = 0.999
)

// Ground is a shape in metres, ready to be held against others.
type Ground struct {
	plane Plane
	flat  geom.Geometry
	box   geom.Envelope // degrees
	area  float64
}

// On takes a shape in degrees.
func On(g geom.Geometry) (Ground, bool) {
	p, ok := PlaneAt(g)
	if !ok {
		return Ground{}, false
	}
	flat := p.Flat(g)
	return Ground{plane: p, flat: flat, box: g.Envelope(), area: flat.Area()}, true
}

// common is what another shape in degrees has in common with this one, in metres.
func (g Ground) common(other geom.Geometry) geom.Geometry {
	if !g.box.Intersects(other.Envelope()) {
		return geom.Geometry{}
	}
	c, err := geom.Intersection(g.flat, g.plane.Flat(other))
	if err != nil {
		return geom.Geometry{}
	}
	return c
}

// Touches says whether another shape, in degrees, has more than a sliver in common with this one. What is itself no wider than
// a sliver touches what a tenth of it lies in.
func (g Ground) Touches(other geom.Geometry) bool {
	touches, _ := g.touches(other)
	return touches
}

func (g Ground) touches(other geom.Geometry) (touches bool, share float64) {
	c := g.common(other)
	area := c.Area()
	if area == 0 || g.area == 0 {
		return false, 0
	}
	share = area / g.area
	if share >= .1 {
		return true, share
	}
	core, err := geom.Buffer(c, -sliver/2)
	return err != nil || !core.IsEmpty(), share // in doubt it touches: more officers are asked then, not fewer
}

// LiesIn says whether this shape lies in another, in degrees, but for a sliver.
func (g Ground) LiesIn(other geom.Geometry) bool {
	return g.area > 0 && g.common(other).Area() >= inside*g.area
}

// Rest says whether more than a sliver of this shape lies outside all of the others.
func (g Ground) Rest(others []geom.Geometry) bool {
	rest := g.flat
	for _, o := range others {
		if !g.box.Intersects(o.Envelope()) {
			continue
		}
		r, err := geom.Difference(rest, g.plane.Flat(o))
		if err != nil {
			return true
		}
		rest = r
	}
	if rest.Area() == 0 {
		return false
	}
	if rest.Area() >= .1*g.area {
		return true
	}
	core, err := geom.Buffer(rest, -sliver/2)
	return err != nil || !core.IsEmpty()
}

// ShareOf returns what share of another shape, in degrees, lies in this one, from 0 to 1.
func (g Ground) ShareOf(other geom.Geometry) float64 {
	c := g.common(other).Area()
	if c == 0 {
		return 0
	}
	all := g.plane.Flat(other).Area()
	if all == 0 {
		return 0
	}
	return min(1, c/all)
}

// Within returns the part of this shape, in degrees, that lies in another.
func (g Ground) Within(other geom.Geometry) geom.Geometry {
	return g.plane.Round(g.common(other))
}
