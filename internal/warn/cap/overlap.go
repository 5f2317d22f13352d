package cap

import "math"

// Shapes are compared by points spread over the box around the smaller: cheap, bounded, and right to within a few per cent, which is
// finer than two senders draw the same border.
const (
	sampled   = 16         // points from side to side
	overlaps  = 0.1        // share of a shape from which it lies over another, and is no neighbour whose border was drawn twice
	compareAt = 20_000_000 // sides that are looked at for one message; beyond, nothing overlaps
)

// shape is a polygon or a circle with the box around it, in degrees.
type shape struct {
	ring                     Ring // nil: a circle
	circle                   Circle
	south, west, north, east float64
}

func shapesOf(rings []Ring) (all []shape) {
	for _, r := range rings {
		if len(r) == 0 {
			continue
		}
		s := shape{ring: r, south: math.Inf(1), west: math.Inf(1), north: math.Inf(-1), east: math.Inf(-1)}
		for _, p := range r {
			s.south, s.north = min(s.south, p.Lat), max(s.north, p.Lat)
			s.west, s.east = min(s.west, p.Lon), max(s.east, p.Lon)
		}
		all = append(all, s)
	}
	return all
}

func shapeOfCircle(c Circle) shape {
	dy := c.Radius / kmPerDegree
	dx := dy / max(math.Cos(c.Centre.Lat*math.Pi/180), 0.01)
	return shape{circle: c, south: c.Centre.Lat - dy, north: c.Centre.Lat + dy, west: c.Centre.Lon - dx, east: c.Centre.Lon + dx}
}

// kmPerDegree is the length of a degree of latitude on the sphere.
const kmPerDegree = 111.195

func (s *shape) meets(o *shape) bool {
	return s.south <= o.north && o.south <= s.north && s.west <= o.east && o.west <= s.east
}

func (s *shape) holds(p Point) bool {
	if p.Lat < s.south || p.Lat > s.north || p.Lon < s.west || p.Lon > s.east {
		return false
	}
	if s.ring == nil {
		dy := (p.Lat - s.circle.Centre.Lat) * kmPerDegree
		dx := (p.Lon - s.circle.Centre.Lon) * kmPerDegree * math.Cos(s.circle.Centre.Lat*math.Pi/180)
		return math.Hypot(dx, dy) <= s.circle.Radius
	}
	in := false
	for i, a := range s.ring[1:] {
		b := s.ring[i]
		if (a.Lat > p.Lat) != (b.Lat > p.Lat) && p.Lon < a.Lon+(p.Lat-a.Lat)/(b.Lat-a.Lat)*(b.Lon-a.Lon) {
			in = !in
		}
	}
	return in
}

// share returns what share of s lies in others, by points; 0 where s is too thin to hold one.
func (s *shape) share(others []shape, work *int) float64 {
	var near []*shape
	sides := len(s.ring)
	for i := range others {
		if s.meets(&others[i]) {
			near = append(near, &others[i])
			sides += len(others[i].ring)
		}
	}
	*work -= len(others)
	if len(near) == 0 || *work <= 0 {
		return 0
	}
	in, both := 0, 0
	count := func(p Point) {
		in++
		for _, o := range near {
			if o.holds(p) {
				both++
				return
			}
		}
	}
	if s.ring == nil && s.circle.Radius == 0 { // a point, as seismologists send it
		count(s.circle.Centre)
		return float64(both)
	}
	*work -= sides * sampled * sampled
	for y := range sampled {
		for x := range sampled {
			p := Point{Lat: s.south + (s.north-s.south)*(float64(y)+0.5)/sampled, Lon: s.west + (s.east-s.west)*(float64(x)+0.5)/sampled}
			if s.holds(p) {
				count(p)
			}
		}
	}
	if in == 0 {
		return 0
	}
	return float64(both) / float64(in)
}

// overlapping says whether one of the shapes a lies over one of b by more than a border.
func overlapping(a, b []shape, work *int) bool {
	for i := range a {
		if a[i].share(b, work) >= overlaps {
			return true
		}
	}
	for i := range b {
		if b[i].share(a, work) >= overlaps {
			return true
		}
	}
	return false
}

// shapes are what the block is for, as far as it is drawn.
func (i *Info) shapes() (all []shape) {
	for _, area := range i.Areas {
		all = append(all, shapesOf(area.Polygons)...)
		for _, c := range area.Circles {
			all = append(all, shapeOfCircle(c))
		}
	}
	return all
}

// Outer leaves out the rings that lie in another of them: to CAP they say nothing, and readers take them for holes.
func Outer(rings []Ring) (outer []Ring) {
	work := compareAt
	shapes := shapesOf(rings)
	for i := range shapes {
		if around(shapes, i, &work) < 0 {
			outer = append(outer, shapes[i].ring)
		}
	}
	return outer
}

// around returns which other ring the i-th lies in, -1 for none.
func around(rings []shape, i int, work *int) int {
	s := &rings[i]
	for j := range rings {
		o := &rings[j]
		if *work--; *work <= 0 {
			break
		}
		if s.south < o.south || s.north > o.north || s.west < o.west || s.east > o.east || j == i || s.ring.size() > 0.99*o.ring.size() {
			continue
		}
		if s.share(rings[j:j+1], work) == 1 {
			return j
		}
	}
	return -1
}

// size is the area of a ring, in square degrees.
func (r Ring) size() (twice float64) {
	for i, p := range r[1:] {
		twice += (p.Lon - r[i].Lon) * (p.Lat + r[i].Lat - 2*r[0].Lat)
	}
	return math.Abs(twice) / 2
}
