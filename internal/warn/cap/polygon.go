package cap

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/peterstace/simplefeatures/geom"
)

// MaxPoints is the most points that a published polygon has: what phones,
// signs and partners are known to take.
const MaxPoints = 100

// Bounds on the work that hostile polygons can cause: the points of one, those of all different ones in a message, and how often
// two sides of one are held against each other. The flood area of a lake has some 7,000 points (United Kingdom, Environment
// Agency), whose sides meet in some ten thousand pairs; where all lie over each other, pairs grow with the square of points.
const (
	maxRing   = 20_000
	maxPoints = 40_000
	maxPairs  = 5_000_000
)

// manyPoints are simplified in two steps: the finer way of doing it takes the square of the points in the worst case.
const manyPoints = 2_000

// decimals kept of a coordinate, about one metre.
const decimals = 5

// Point is a place in WGS 84, latitude first as in CAP.
type Point struct{ Lat, Lon float64 }

// Ring is a closed polygon without holes: at least four points, the last equal
// to the first.
type Ring []Point

// MarshalText writes lat,lon pairs parted by spaces.
func (r Ring) MarshalText() ([]byte, error) {
	var b []byte
	for i, p := range r {
		if i > 0 {
			b = append(b, ' ')
		}
		b = p.append(b, ',')
	}
	return b, nil
}

// UnmarshalText reads what MarshalText writes.
func (r *Ring) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRing(string(text))
	return err
}

func (p Point) append(b []byte, comma byte) []byte {
	b = strconv.AppendFloat(b, p.Lat, 'f', -1, 64)
	b = append(b, comma)
	return strconv.AppendFloat(b, p.Lon, 'f', -1, 64)
}

// ParseRing reads what MarshalText writes. It does not judge: see Ring.Check.
func ParseRing(text string) (Ring, error) {
	var r Ring
	for pair := range strings.FieldsFuncSeq(text, isSpace) {
		p, err := parsePoint(pair)
		if err != nil {
			return nil, err
		}
		if len(r) > maxRing {
			return nil, fmt.Errorf("a polygon of more than %d points is not read", maxRing)
		}
		r = append(r, p)
	}
	return r, nil
}

func parsePoint(pair string) (Point, error) {
	lat, lon, ok := strings.Cut(pair, ",")
	if !ok {
		return Point{}, fmt.Errorf("%q is not a lat,lon pair", pair)
	}
	var p Point
	var err error
	if p.Lat, err = parseNumber(lat); err != nil {
		return Point{}, fmt.Errorf("%q is not a lat,lon pair: %w", pair, err)
	}
	if p.Lon, err = parseNumber(lon); err != nil {
		return Point{}, fmt.Errorf("%q is not a lat,lon pair: %w", pair, err)
	}
	return p, p.check()
}

// parseNumber refuses what strconv takes and CAP doesn't: infinities, NaN,
// hexadecimal and underscores.
func parseNumber(text string) (float64, error) {
	if strings.Trim(text, "0123456789+-.eE") != "" || text == "" {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return f, nil
}

func (p Point) check() error {
	if math.Abs(p.Lat) > 90 || math.Abs(p.Lon) > 180 {
		return fmt.Errorf("%v,%v is not on the globe (latitude comes first)", p.Lat, p.Lon)
	}
	return nil
}

// Check says why the ring is not a polygon: too few points, open, empty, or
// crossing itself. The plane of latitude and longitude stands in for the globe; a
// ring over the date line is sound when it is so with its sides taken the short
// way round. An area around a pole is held to the plane as it is written.
func (r Ring) Check() error {
	if len(r) < 4 {
		return fmt.Errorf("a polygon needs at least 4 points, this one has %d", len(r))
	}
	if len(r) > maxRing {
		return fmt.Errorf("a polygon of %d points is more than is read (%d)", len(r), maxRing)
	}
	if r[0] != r[len(r)-1] {
		return errors.New("the last point of a polygon must equal its first")
	}
	err := r.simple()
	if err != nil {
		if short, ok := r.unwrapped(); ok {
			return short.simple()
		}
	}
	return err
}

// unwrapped returns the ring with every side the short way round the globe, its longitudes running on beyond 180 degrees;
// ok is false when that changes nothing, or leaves the ring open because it goes round a pole.
func (r Ring) unwrapped() (u Ring, ok bool) {
	u = make(Ring, len(r))
	turns := 0.0
	for i, p := range r {
		if i > 0 && math.Abs(p.Lon-r[i-1].Lon) > 180 {
			turns -= math.Copysign(360, p.Lon-r[i-1].Lon)
			ok = true
		}
		u[i] = Point{Lat: p.Lat, Lon: p.Lon + turns}
	}
	return u, ok && turns == 0
}

// simple says where the ring crosses or touches itself. Sides are compared from
// west to east, each with those that begin before it ends.
func (r Ring) simple() error {
	var corners []Point // without those that stand twice in a row
	for _, p := range r[:len(r)-1] {
		if len(corners) == 0 || corners[len(corners)-1] != p {
			corners = append(corners, p)
		}
	}
	for len(corners) > 1 && corners[0] == corners[len(corners)-1] {
		corners = corners[:len(corners)-1]
	}
	n := len(corners)
	if n < 3 {
		return errors.New("the polygon encloses nothing")
	}
	sides := make([]side, n)
	for i, p := range corners {
		sides[i] = side{i, p, corners[(i+1)%n]}
	}
	slices.SortFunc(sides, func(a, b side) int { return cmp.Compare(min(a.from.Lon, a.to.Lon), min(b.from.Lon, b.to.Lon)) })
	pairs := 0
	for i, a := range sides {
		east := max(a.from.Lon, a.to.Lon)
		for _, b := range sides[i+1:] {
			if min(b.from.Lon, b.to.Lon) > east {
				break
			}
			if pairs++; pairs > maxPairs {
				return fmt.Errorf("the polygon has %d points whose sides lie over each other, too many to see whether it crosses itself", len(r))
			}
			if a.meets(b, n) {
				return fmt.Errorf("the polygon crosses or touches itself, near %v,%v", b.from.Lat, b.from.Lon)
			}
		}
	}
	return nil
}

// side is a side of a ring, from its i-th corner to the next.
type side struct {
	i        int
	from, to Point
}

// meets says whether two sides have a point in common, for neighbours another than their corner.
func (a side) meets(b side, n int) bool {
	if max(a.from.Lat, a.to.Lat) < min(b.from.Lat, b.to.Lat) || max(b.from.Lat, b.to.Lat) < min(a.from.Lat, a.to.Lat) {
		return false
	}
	switch {
	case (a.i+1)%n == b.i:
		return turnsBack(a.from, a.to, b.to)
	case (b.i+1)%n == a.i:
		return turnsBack(b.from, b.to, a.to)
	}
	return turn(a.from, a.to, b.from)*turn(a.from, a.to, b.to) <= 0 && turn(b.from, b.to, a.from)*turn(b.from, b.to, a.to) <= 0
}

func turnsBack(a, b, c Point) bool {
	return turn(a, b, c) == 0 && (a.Lon-b.Lon)*(c.Lon-b.Lon)+(a.Lat-b.Lat)*(c.Lat-b.Lat) > 0
}

// turn is 1 when a, b, c go left, -1 when they go right, 0 when they are in line.
func turn(a, b, c Point) int {
	return cmp.Compare((b.Lon-a.Lon)*(c.Lat-a.Lat), (b.Lat-a.Lat)*(c.Lon-a.Lon))
}

func (r Ring) polygon() geom.Polygon {
	xy := make([]float64, 0, 2*len(r))
	for _, p := range r {
		xy = append(xy, p.Lon, p.Lat)
	}
	return geom.NewPolygonXY(xy)
}

// Simplify returns a valid ring of at most max points (not under 4) near r,
// rounded to about a metre. It widens the tolerance until the result is small
// enough and valid, and falls back to the convex hull, so a valid ring always
// comes back as one. ok is false when r encloses nothing that can be kept.
func (r Ring) Simplify(max int) (small Ring, ok bool) {
	if max < 4 || len(r) < 4 {
		return nil, false
	}
	if s := r.rounded(); len(s) <= max && s.Check() == nil {
		return s, true
	}
	few := r
	for apart := 0.00001; len(few) > manyPoints; apart *= 2 {
		few = few.thinned(apart)
	}
	line := make([]geom.XY, len(few))
	for i, p := range few {
		line[i] = geom.XY{X: p.Lon, Y: p.Lat}
	}
	for tolerance := 0.00001; tolerance < 1; tolerance *= 1.5 {
		var s Ring
		for _, i := range Chords(line, tolerance) {
			s = append(s, few[i])
		}
		if s = s.rounded(); len(s) <= max && s.Check() == nil {
			return s, true
		}
	}
	s := r.hull()
	if s == nil {
		return nil, false
	}
	if len(s) > max {
		s = s.spread(max)
	}
	s = s.rounded()
	return s, s.Check() == nil
}

// thinned leaves out points that are nearer to the last one kept than so many degrees.
func (r Ring) thinned(apart float64) Ring {
	kept := r[:1:1]
	for _, p := range r[1 : len(r)-1] {
		if last := kept[len(kept)-1]; math.Hypot(p.Lat-last.Lat, p.Lon-last.Lon) >= apart {
			kept = append(kept, p)
		}
	}
	return append(kept, r[len(r)-1])
}

// Chords returns which points of a line to keep, so that all others lie within the tolerance of the chord that replaces them
// (Douglas and Peucker 1973). The library's takes the distance from the chord's line, endless as it is: what goes out beyond the end of
// a chord and comes back is lost. It takes the square of the points in the worst case.
func Chords(line []geom.XY, tolerance float64) (kept []int) {
	if len(line) == 0 {
		return nil
	}
	kept = append(kept, 0)
	ends := []int{len(line) - 1} // of the chords that are still to be looked at, the next one last
	for from := 0; len(ends) > 0; {
		to := ends[len(ends)-1]
		far, at := tolerance, 0
		for i := from + 1; i < to; i++ {
			if d := fromChord(line[i], line[from], line[to]); d > far {
				far, at = d, i
			}
		}
		if at > 0 {
			ends = append(ends, at)
			continue
		}
		if to > from {
			kept = append(kept, to)
		}
		from, ends = to, ends[:len(ends)-1]
	}
	return kept
}

// fromChord is how far a point lies from the straight stretch between two others.
func fromChord(p, a, b geom.XY) float64 {
	chord := b.Sub(a)
	length := chord.Dot(chord)
	if length == 0 {
		return p.Sub(a).Length()
	}
	return p.Sub(a.Add(chord.Scale(min(1, max(0, p.Sub(a).Dot(chord)/length))))).Length()
}

// hull is the convex hull by Andrew's monotone chain, turning left; nil where all points stand in line. The library's takes corners
// for being in line that it has sorted as if they were not, and then panics.
func (r Ring) hull() Ring {
	points := slices.Clone(r)
	slices.SortFunc(points, func(a, b Point) int { return cmp.Or(cmp.Compare(a.Lon, b.Lon), cmp.Compare(a.Lat, b.Lat)) })
	points = slices.Compact(points)
	chain := func(points Ring) (c Ring) {
		for _, p := range points {
			for len(c) > 1 && turn(c[len(c)-2], c[len(c)-1], p) <= 0 {
				c = c[:len(c)-1]
			}
			c = append(c, p)
		}
		return c
	}
	lower := chain(points)
	slices.Reverse(points)
	upper := chain(points)
	if len(lower)+len(upper) < 5 { // the two chains have their ends in common
		return nil
	}
	return append(lower, upper[1:]...)
}

// spread keeps max points of a convex ring, evenly by count: any three or more
// points of a strictly convex ring make a convex ring again.
func (r Ring) spread(max int) Ring {
	distinct, keep := len(r)-1, max-1
	s := make(Ring, 0, max)
	for i := range keep {
		s = append(s, r[i*distinct/keep])
	}
	return append(s, s[0])
}

// rounded drops decimals and the neighbours that become one point by it.
func (r Ring) rounded() Ring {
	var s Ring
	for _, p := range r {
		p = Point{Lat: round(p.Lat), Lon: round(p.Lon)}
		if len(s) == 0 || s[len(s)-1] != p {
			s = append(s, p)
		}
	}
	return s
}

func round(f float64) float64 {
	k := math.Pow10(decimals)
	return math.Round(f*k) / k
}

// Circle is a point and a radius in kilometres.
type Circle struct {
	Centre Point
	Radius float64 // km
}

// MarshalText writes "lat,lon radius".
func (c Circle) MarshalText() ([]byte, error) {
	b := append(c.Centre.append(nil, ','), ' ')
	return strconv.AppendFloat(b, c.Radius, 'f', -1, 64), nil
}

// ParseCircle reads what MarshalText writes.
func ParseCircle(text string) (Circle, error) {
	parts := fields(text)
	if len(parts) != 2 {
		return Circle{}, fmt.Errorf("%q is not a circle (lat,lon radius in km)", text)
	}
	centre, err := parsePoint(parts[0])
	if err != nil {
		return Circle{}, err
	}
	radius, err := parseNumber(parts[1])
	if err != nil || radius < 0 {
		return Circle{}, fmt.Errorf("%q is not a radius in km", parts[1])
	}
	return Circle{Centre: centre, Radius: radius}, nil
}
