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
	// arcs is how many pieces a quarter of a circle is drawn in: its sides cut in by 0.12 % of the radius.
	arcs = 16
	// slack makes up for that and for the sphere's 0.4 %; roundingSlack, in metres, for coordinates that are kept to about one.
	slack         = 1.006
	roundingSlack = 1.0
	// maxCorners bounds the work of one band: a line of as many has more than cap.MaxPoints around it, unless they lie close.
	maxCorners = 60
	// maxRead bounds how many corners are simplified; around more a circle is drawn.
	maxRead = 10_000
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
	// before ended, since Simplify takes the square of the corners in time; what it took away adds up.
	s, taken := flat, 0.0
	for t := max(.5, metres/200); corners(flat) <= maxRead && t < 2*MaxAround; t *= 2 {
		small, err := s.Simplify(t, geom.NoValidate{})
		if err != nil || small.IsEmpty() || small.Dimension() != flat.Dimension() || small.Validate() != nil {
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
	if rings, ok := p.band(middle, d+math.Hypot(hi.X-lo.X, hi.Y-lo.Y)/2); ok {
		return rings, nil
	}
	return nil, fmt.Errorf("no band of %g m can be drawn around it", metres)
}

// band is the buffer of a flat shape, if it is a few rings of few enough points.
func (p Plane) band(flat geom.Geometry, d float64) ([]cap.Ring, bool) {
	b, err := geom.Buffer(flat, d, geom.BufferQuadSegments(arcs))
	if err != nil || b.IsEmpty() {
		return nil, false
	}
	rings := Rings(p.Round(b))
	if len(rings) == 0 || len(rings) > maxRings {
		return nil, false
	}
	for i, r := range rings {
		if len(r) > cap.MaxPoints {
			return nil, false
		}
		var ok bool
		if rings[i], ok = r.Simplify(cap.MaxPoints); !ok {
			return nil, false
		}
	}
	return rings, true
}

func corners(g geom.Geometry) int { return g.DumpCoordinates().Length() }
