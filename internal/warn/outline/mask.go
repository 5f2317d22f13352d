package outline

import (
	"math"

	"github.com/anlan-city/anlan/internal/warn/cap"
)

// strips is into how many strips from south to north a Mask is cut.
const strips = 512

// Mask answers quickly which of very many points lie in rings, which may overlap. A point on a border lies on either side.
type Mask struct {
	West, South, East, North float64

	strips [][]edge
}

// edge is a side of a ring.
type edge struct {
	ring           int
	x1, y1, x2, y2 float64
}

// NewMask takes rings in degrees.
func NewMask(rings []cap.Ring) *Mask {
	m := &Mask{West: math.Inf(1), South: math.Inf(1), East: math.Inf(-1), North: math.Inf(-1), strips: make([][]edge, strips)}
	for _, r := range rings {
		for _, p := range r {
			m.West, m.East = min(m.West, p.Lon), max(m.East, p.Lon)
			m.South, m.North = min(m.South, p.Lat), max(m.North, p.Lat)
		}
	}
	for k, r := range rings {
		for i := 1; i < len(r); i++ {
			e := edge{k, r[i-1].Lon, r[i-1].Lat, r[i].Lon, r[i].Lat}
			for s := m.strip(min(e.y1, e.y2)); s <= m.strip(max(e.y1, e.y2)); s++ {
				m.strips[s] = append(m.strips[s], e)
			}
		}
	}
	return m
}

func (m *Mask) strip(lat float64) int {
	if m.North <= m.South {
		return 0
	}
	return min(strips-1, int((lat-m.South)/(m.North-m.South)*strips))
}

// Holds says whether a point lies in one of the rings.
func (m *Mask) Holds(lon, lat float64) bool {
	if !(lon >= m.West && lon <= m.East && lat >= m.South && lat <= m.North) {
		return false
	}
	ring, in := -1, false
	for _, e := range m.strips[m.strip(lat)] { // the sides of a ring stand together
		if e.ring != ring {
			if in {
				return true
			}
			ring = e.ring
		}
		if (e.y1 > lat) != (e.y2 > lat) && lon < e.x1+(lat-e.y1)/(e.y2-e.y1)*(e.x2-e.x1) {
			in = !in
		}
	}
	return in
}
