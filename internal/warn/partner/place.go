package partner

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// Area is an area of the register with its outline.
type Area struct {
	ID, Parent int64
	Code       string // the city's own, such as 310105
	Name       page.Text
	Rings      [][][2]float64 // outer rings as longitude, latitude; none without an outline
}

// Place is one area of a message.
type Place struct {
	Name  string         `json:"name" doc:"as the message calls it"`
	Rings [][][2]float64 `json:"rings" doc:"polygons, and circles as polygons: longitude, latitude; simplified to about a hundred points"`
	// Touches are the register's areas that it touches or names.
	Touches []int64 `json:"touches"`
}

// How a message concerns the city.
const (
	placed    = "placed"    // by polygon, circle or code
	wholeCity = "city"      // its partner speaks of this city alone
	unplaced  = "unplaced"  // it can't be told whether it concerns the city
	elsewhere = "elsewhere" // it doesn't
)

// maxRings bounds what is kept of one message's outlines.
const maxRings = 500

// ground is the city to which places are compared.
type ground struct {
	areas  []Area
	shapes []geom.Geometry // of each area; empty without an outline
	bounds *geom.Envelope  // nil: nothing is known of where the city is
	byCode map[string][]int64
}

func newGround(areas []Area) *ground {
	g := &ground{areas: areas, byCode: map[string][]int64{}}
	var all geom.Envelope
	for _, a := range areas {
		var polygons []geom.Polygon
		for _, r := range a.Rings {
			xy := make([]float64, 0, 2*len(r))
			for _, p := range r {
				xy = append(xy, p[0], p[1])
			}
			if p := geom.NewPolygonXY(xy); len(r) >= 4 && p.Validate() == nil {
				polygons = append(polygons, p)
			}
		}
		shape := geom.NewMultiPolygon(polygons).AsGeometry()
		g.shapes = append(g.shapes, shape)
		all = all.ExpandToIncludeEnvelope(shape.Envelope())
		if a.Code != "" {
			g.byCode[a.Code] = append(g.byCode[a.Code], a.ID)
		}
	}
	if !all.IsEmpty() {
		g.bounds = &all
	}
	return g
}

// place puts an area of a message on the map. hits says whether it touches the city's bounds or names one of its areas; known whether
// that can be told at all.
func (g *ground) place(a *cap.Area, room *int) (p Place, hits, known bool) {
	p = Place{Name: a.Description, Rings: [][][2]float64{}, Touches: []int64{}}
	touched := map[int64]bool{}
	rings := append([]cap.Ring{}, a.Polygons...)
	for _, c := range a.Circles {
		rings = append(rings, ringOf(c))
	}
	for _, r := range rings {
		small, ok := r.Simplify(cap.MaxPoints)
		if !ok || *room <= 0 {
			continue
		}
		*room--
		xy, points := make([]float64, 0, 2*len(small)), make([][2]float64, len(small))
		for i, at := range small {
			xy, points[i] = append(xy, at.Lon, at.Lat), [2]float64{at.Lon, at.Lat}
		}
		p.Rings = append(p.Rings, points)
		if g.bounds == nil {
			continue
		}
		known = true
		shape := geom.NewPolygonXY(xy).AsGeometry()
		if !shape.Envelope().Intersects(*g.bounds) || !geom.Intersects(shape, g.bounds.AsGeometry()) {
			continue
		}
		hits = true
		for i, s := range g.shapes {
			if !s.IsEmpty() && !touched[g.areas[i].ID] && s.Envelope().Intersects(shape.Envelope()) && geom.Intersects(s, shape) {
				touched[g.areas[i].ID] = true
			}
		}
	}
	for _, code := range a.Geocodes {
		for _, id := range g.named(code.Value) {
			touched[id], hits, known = true, true, true
		}
	}
	for _, a := range g.areas { // in the register's order, so that the picture is the same whatever the order of a message's areas
		if touched[a.ID] {
			p.Touches = append(p.Touches, a.ID)
		}
	}
	return p, hits, known
}

// smallest leaves out the areas in which another of them lies: what touches a town touches its district, too.
func (g *ground) smallest(ids []int64) (out []int64) {
	around := map[int64]bool{}
	for _, a := range g.areas {
		if slices.Contains(ids, a.ID) {
			around[a.Parent] = true
		}
	}
	for _, a := range slices.Backward(g.areas) { // parents stand before children
		if around[a.ID] {
			around[a.Parent] = true
		}
	}
	for _, id := range ids {
		if !around[id] {
			out = append(out, id)
		}
	}
	return out
}

// tops are the areas in which all others lie.
func (g *ground) tops() (ids []int64) {
	for _, a := range g.areas {
		if a.Parent == 0 {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// named are the areas of a code. Codes of the Chinese divisions are met with six and with twelve digits.
func (g *ground) named(code string) []int64 {
	code = strings.TrimSpace(code)
	if ids := g.byCode[code]; ids != nil {
		return ids
	}
	if short, long := strings.CutSuffix(code, "000000"); long && len(code) == 12 {
		return g.byCode[short]
	}
	return nil
}

// Corners of the polygon that stands for a circle, and the radii (km) that are told apart.
const (
	corners     = 48
	leastRadius = 0.05
	mostRadius  = 20_038 // half way round
)

// ringOf is a polygon around a circle, in the plane of latitude and longitude: good to a few per cent for the distances of a
// region, which is what partners' circles are for.
func ringOf(c cap.Circle) cap.Ring {
	const perDegree = 111.195 // km
	dy := min(max(c.Radius, leastRadius), mostRadius) / perDegree / math.Cos(math.Pi/corners)
	dx := dy / max(math.Cos(c.Centre.Lat*math.Pi/180), 0.05)
	if c.Centre.Lat+dy > 90 || c.Centre.Lat-dy < -90 || c.Centre.Lon+dx > 180 || c.Centre.Lon-dx < -180 { // the box around it, and all longitudes where it goes over the date line
		n, s, e, w := min(c.Centre.Lat+dy, 90), max(c.Centre.Lat-dy, -90), 180., -180.
		return cap.Ring{{Lat: s, Lon: w}, {Lat: s, Lon: e}, {Lat: n, Lon: e}, {Lat: n, Lon: w}, {Lat: s, Lon: w}}
	}
	r := make(cap.Ring, corners+1)
	for i := range corners {
		a := 2 * math.Pi * float64(i) / corners
		r[i] = cap.Point{Lat: c.Centre.Lat + dy*math.Sin(a), Lon: c.Centre.Lon + dx*math.Cos(a)}
	}
	r[corners] = r[0]
	return r
}

func appendPoint(b []byte, p [2]float64) []byte {
	b = strconv.AppendFloat(b, p[0], 'f', 5, 64)
	b = append(b, ',')
	return append(strconv.AppendFloat(b, p[1], 'f', 5, 64), ' ')
}
