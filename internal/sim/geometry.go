package sim

import (
	"math"
	"slices"
)

// XY is a point in metres east and north of the city's origin. Everything is laid out in metres on a plane; only what
// leaves the package is in degrees.
type XY struct{ X, Y float64 }

// LonLat is a WGS 84 position in degrees, longitude first, rounded to 1e-7 degrees (about a centimetre).
type LonLat [2]float64

// The origin lies in the open East China Sea, some 150 km east of the Yangtze's mouth: no district of any real city.
const (
	originLon = 123.52
	originLat = 31.06
)

// metresPerDegree at the origin's latitude, from the WGS 84 ellipsoid (6378137 m, 1/298.257223563).
const (
	metresPerDegreeLat = 110870.5
	metresPerDegreeLon = 95444.8
)

// Position turns metres into degrees.
func Position(p XY) LonLat {
	return LonLat{round7(originLon + p.X/metresPerDegreeLon), round7(originLat + p.Y/metresPerDegreeLat)}
}

func round7(v float64) float64 { return math.Round(v*1e7) / 1e7 }

// Geometry is a GeoJSON geometry without its nesting: a Point has one line of one position, a LineString one line, a
// Polygon its rings (closed, outer first), a MultiPolygon one closed outer ring for each part. Nothing here needs a
// multipolygon with holes.
type Geometry struct {
	Type  string
	Lines [][]LonLat
}

func pointGeometry(p XY) Geometry { return Geometry{"Point", [][]LonLat{{Position(p)}}} }

func lineGeometry(line []XY) Geometry { return Geometry{"LineString", [][]LonLat{positions(line)}} }

// polygonGeometry takes open rings, outer first, then holes.
func polygonGeometry(rings ...[]XY) Geometry {
	g := Geometry{Type: "Polygon"}
	for k, r := range rings {
		g.Lines = append(g.Lines, closedRing(r, k == 0))
	}
	return g
}

// areaGeometry takes the open outer rings of separate parts.
func areaGeometry(parts [][]XY) Geometry {
	if len(parts) == 1 {
		return polygonGeometry(parts[0])
	}
	g := Geometry{Type: "MultiPolygon"}
	for _, r := range parts {
		g.Lines = append(g.Lines, closedRing(r, true))
	}
	return g
}

// closedRing orders an outer ring counter-clockwise and a hole clockwise, as RFC 7946 asks.
func closedRing(r []XY, outer bool) []LonLat {
	out := positions(r)
	if (signedArea(r) > 0) != outer {
		slices.Reverse(out)
	}
	return append(out, out[0])
}

func positions(line []XY) []LonLat {
	out := make([]LonLat, len(line))
	for i, p := range line {
		out[i] = Position(p)
	}
	return out
}

func (p XY) add(q XY) XY            { return XY{p.X + q.X, p.Y + q.Y} }
func (p XY) sub(q XY) XY            { return XY{p.X - q.X, p.Y - q.Y} }
func (p XY) times(f float64) XY     { return XY{p.X * f, p.Y * f} }
func (p XY) distance(q XY) float64  { return math.Hypot(p.X-q.X, p.Y-q.Y) }
func between(a, b XY, f float64) XY { return a.add(b.sub(a).times(f)) }

// leftOf is the unit vector to the left of the way from a to b.
func leftOf(a, b XY) XY {
	d := b.sub(a)
	return XY{-d.Y, d.X}.times(1 / math.Hypot(d.X, d.Y))
}

// signedArea of an open ring in square metres; positive when it runs counter-clockwise.
func signedArea(ring []XY) float64 {
	sum := 0.0
	for i, p := range ring {
		q := ring[(i+1)%len(ring)]
		sum += p.X*q.Y - q.X*p.Y
	}
	return sum / 2
}

// centroid is the mean of the ring's corners: inside for the convex shapes it is used on.
func centroid(ring []XY) XY {
	var c XY
	for _, p := range ring {
		c = c.add(p)
	}
	return c.times(1 / float64(len(ring)))
}

// toSegment is the distance from p to the segment a b.
func toSegment(p, a, b XY) float64 {
	d := b.sub(a)
	f := ((p.X-a.X)*d.X + (p.Y-a.Y)*d.Y) / (d.X*d.X + d.Y*d.Y)
	return p.distance(between(a, b, math.Max(0, math.Min(1, f))))
}

// toLine is the distance from p to a polyline.
func toLine(p XY, line []XY) float64 {
	best := math.Inf(1)
	for i := 1; i < len(line); i++ {
		best = math.Min(best, toSegment(p, line[i-1], line[i]))
	}
	return best
}

// inside tells whether p lies in the open ring, by the even-odd rule.
func inside(p XY, ring []XY) bool {
	in := false
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		if (a.Y > p.Y) != (b.Y > p.Y) && p.X < a.X+(p.Y-a.Y)/(b.Y-a.Y)*(b.X-a.X) {
			in = !in
		}
	}
	return in
}

// ribbon is the open ring of the given half width around a polyline.
func ribbon(line []XY, half float64) []XY {
	n := len(line)
	ring := make([]XY, 2*n)
	for i, p := range line {
		a, b := line[max(i-1, 0)], line[min(i+1, n-1)]
		off := leftOf(a, b).times(half)
		ring[i] = p.add(off)
		ring[2*n-1-i] = p.sub(off)
	}
	return ring
}
