package outline

import (
	"errors"
	"fmt"
	"math"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/warn/cap"
)

// The bounds of a band around a thing, in metres.
const (
	MinAround = 10
	MaxAround = 50_000
)

const (
	// slack makes up for the sphere's 0.4 %; roundingSlack, in metres, for coordinates that are kept to about one.
	slack         = 1.005
	roundingSlack = 1.0
	// maxCorners bounds the work of one band: a line of as many has more than cap.MaxPoints around it, unless they lie close.
	maxCorners = 60
	// manyCorners is how many are simplified one by one; of more those are dropped first that lie close.
	manyCorners = 1500
	// maxRings is how many parts a band may have.
	maxRings = 20
)

var errShapeless = errors.New("it has no shape")

// Around returns the rings of all that lies within metres of a shape in degrees, each of at most cap.MaxPoints points. A shape
// with too many corners is simplified first, and the band is widened by what that took away, so that it is never too small.
func Around(g geom.Geometry, metres float64) ([]cap.Ring, error) {
	p, ok := PlaneAt(g)
	if !ok {
		return nil, errShapeless
	}
	flat := p.Flat(g)
	d := metres*slack + roundingSlack
	if corners(flat) <= maxCorners {
		if rings, ok := p.band(flat, d); ok {
			return rings, nil
		}
	}
	// The chord by which Simplify replaces a stretch lies within the tolerance of all of that stretch. Each step begins where the one
	// before ended, since Simplify takes the square of the corners in time, and the first with what thin leaves; what they took
	// away adds up.
	s, taken := flat, 0.0
	for t := max(.5, metres/200); corners(s) > manyCorners && t < MaxAround; t *= 2 {
		s, taken = thin(s, t), taken+t
	}
	for t := max(.5, metres/200); corners(s) <= 2*manyCorners && t < 2*MaxAround; t *= 2 {
		small := onLines(s, func(seq geom.Sequence) geom.Sequence { return chords(seq, t) })
		if small.IsEmpty() || small.Dimension() != flat.Dimension() || small.Validate() != nil {
			continue
		}
		s, taken = small, taken+t
		if corners(s) > maxCorners {
			continue
		}
		if rings, ok := p.band(s, d+taken); ok {
			return rings, nil
		}
	}
	// One circle that holds everything.
	lo, _ := flat.Envelope().Min().XY()
	hi, _ := flat.Envelope().Max().XY()
	middle := geom.NewPointXY((lo.X+hi.X)/2, (lo.Y+hi.Y)/2).AsGeometry()
	for wider := range 10 { // a metre or two more, should rounding have made the circle cross itself
		if rings, ok := p.band(middle, d+math.Hypot(hi.X-lo.X, hi.Y-lo.Y)/2+float64(wider)/4); ok {
			return rings, nil
		}
	}
	return nil, fmt.Errorf("no band of %g m can be drawn around it", metres)
}

// band is the buffer of a flat shape, if it is a few rings of few enough points that stand rounding.
func (p Plane) band(flat geom.Geometry, d float64) ([]cap.Ring, bool) {
	// Quarters of circles are drawn in so many sides; small ones in fewer, or rounding would fold them. A side cuts in by its cosine.
	arcs := 16
	switch {
	case d < 50:
		arcs = 5
	case d < 200:
		arcs = 8
	}
	b, err := geom.Buffer(flat, d/math.Cos(math.Pi/float64(4*arcs)), geom.BufferQuadSegments(arcs))
	if err != nil || b.IsEmpty() {
		return nil, false
	}
	rings := Rings(p.Round(b))
	if len(rings) == 0 || len(rings) > maxRings {
		return nil, false
	}
	for i, r := range rings {
		rings[i] = rounded(r)
		if len(rings[i]) > cap.MaxPoints || rings[i].Check() != nil {
			return nil, false
		}
	}
	return rings, true
}

// rounded is a ring to five decimals, as it is published. cap.Ring.Simplify would take corners off where that makes it cross itself.
func rounded(r cap.Ring) (out cap.Ring) {
	for _, p := range r {
		p = cap.Point{Lat: math.Round(p.Lat*1e5) / 1e5, Lon: math.Round(p.Lon*1e5) / 1e5}
		if len(out) == 0 || out[len(out)-1] != p {
			out = append(out, p)
		}
	}
	return out
}

func corners(g geom.Geometry) int { return g.DumpCoordinates().Length() }

// thin drops corners that lie within t of the last one kept: what they were joined by lies within t of what is left.
func thin(g geom.Geometry, t float64) geom.Geometry {
	return onLines(g, func(seq geom.Sequence) geom.Sequence {
		var xy []float64
		var last geom.XY
		for i := range seq.Length() {
			p := seq.GetXY(i)
			if i == 0 || i == seq.Length()-1 || p.Sub(last).Length() > t {
				xy, last = append(xy, p.X, p.Y), p
			}
		}
		return geom.NewSequence(xy, geom.DimXY)
	})
}

// chords leaves of a line what all of it lies within t of.
func chords(seq geom.Sequence, t float64) geom.Sequence {
	line := make([]geom.XY, seq.Length())
	for i := range line {
		line[i] = seq.GetXY(i)
	}
	var xy []float64
	for _, i := range cap.Chords(line, t) {
		xy = append(xy, line[i].X, line[i].Y)
	}
	return geom.NewSequence(xy, geom.DimXY)
}

// onLines changes the lines of a shape, and the outer rings of its polygons, whose holes are filled.
func onLines(g geom.Geometry, change func(geom.Sequence) geom.Sequence) geom.Geometry {
	line := func(l geom.LineString) geom.LineString { return geom.NewLineString(change(l.Coordinates())) }
	area := func(p geom.Polygon) geom.Polygon {
		if p.IsEmpty() {
			return p
		}
		return geom.NewPolygon([]geom.LineString{line(p.ExteriorRing())})
	}
	switch {
	case g.IsLineString():
		return line(g.MustAsLineString()).AsGeometry()
	case g.IsPolygon():
		return area(g.MustAsPolygon()).AsGeometry()
	case g.IsMultiLineString():
		all := g.MustAsMultiLineString()
		out := make([]geom.LineString, all.NumLineStrings())
		for i := range out {
			out[i] = line(all.LineStringN(i))
		}
		return geom.NewMultiLineString(out).AsGeometry()
	case g.IsMultiPolygon():
		all := g.MustAsMultiPolygon()
		out := make([]geom.Polygon, all.NumPolygons())
		for i := range out {
			out[i] = area(all.PolygonN(i))
		}
		return geom.NewMultiPolygon(out).AsGeometry()
	}
	return g
}
