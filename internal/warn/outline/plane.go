package outline

import (
	"math"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/warn/cap"
)

// radius of the earth in metres: the mean of the ellipsoid's.
const radius = 6_371_008.8

// Plane shows a part of the globe in metres: azimuthal equidistant around a point (Snyder, Map Projections: A Working
// Manual, 1987, §25), so that distances from the middle are true, and those in a city nearly so: at 50 km from it a metre across
// is drawn 0.001 % too long. The sphere stands in for the ellipsoid, which is off by up to 0.4 %.
type Plane struct{ lon, sin, cos float64 }

// PlaneAt is the plane around the middle of a shape.
func PlaneAt(g geom.Geometry) (Plane, bool) {
	lo, ok1 := g.Envelope().Min().XY()
	hi, ok2 := g.Envelope().Max().XY()
	if !ok1 || !ok2 {
		return Plane{}, false
	}
	sin, cos := math.Sincos(rad((lo.Y + hi.Y) / 2))
	return Plane{lon: rad((lo.X + hi.X) / 2), sin: sin, cos: cos}, true
}

// Flat brings a shape from degrees into metres.
func (p Plane) Flat(g geom.Geometry) geom.Geometry {
	return g.TransformXY(func(xy geom.XY) geom.XY {
		sinLat, cosLat := math.Sincos(rad(xy.Y))
		sinLon, cosLon := math.Sincos(rad(xy.X) - p.lon)
		x, y := cosLat*sinLon, p.cos*sinLat-p.sin*cosLat*cosLon
		sinC, cosC := math.Hypot(x, y), p.sin*sinLat+p.cos*cosLat*cosLon
		k := radius
		if sinC > 0 {
			k *= math.Atan2(sinC, cosC) / sinC
		}
		return geom.XY{X: x * k, Y: y * k}
	})
}

// Round brings a shape from metres back into degrees.
func (p Plane) Round(g geom.Geometry) geom.Geometry {
	return g.TransformXY(func(xy geom.XY) geom.XY {
		rho := math.Hypot(xy.X, xy.Y)
		if rho == 0 {
			return geom.XY{X: deg(p.lon), Y: deg(math.Atan2(p.sin, p.cos))}
		}
		sinC, cosC := math.Sincos(rho / radius)
		lat := math.Asin(cosC*p.sin + xy.Y*sinC*p.cos/rho)
		lon := p.lon + math.Atan2(xy.X*sinC, rho*p.cos*cosC-xy.Y*p.sin*sinC)
		return geom.XY{X: deg(lon), Y: deg(lat)}
	})
}

func rad(degrees float64) float64 { return degrees * math.Pi / 180 }
func deg(radians float64) float64 { return radians * 180 / math.Pi }

// Shape is what rings enclose together, in degrees. Rings may overlap.
func Shape(rings []cap.Ring) geom.Geometry {
	var all []geom.Geometry
	for _, r := range rings {
		all = append(all, polygon(r).AsGeometry())
	}
	if len(all) == 1 {
		return all[0]
	}
	u, err := geom.UnionMany(all)
	if err != nil {
		return geom.Geometry{}
	}
	return u
}

func polygon(r cap.Ring) geom.Polygon {
	xy := make([]float64, 0, 2*len(r))
	for _, p := range r {
		xy = append(xy, p.Lon, p.Lat)
	}
	return geom.NewPolygonXY(xy)
}

// Rings are the outer rings of a shape; holes are filled, since CAP has none.
func Rings(g geom.Geometry) (rings []cap.Ring) {
	add := func(p geom.Polygon) {
		seq := p.ExteriorRing().Coordinates()
		r := make(cap.Ring, seq.Length())
		for i := range r {
			xy := seq.GetXY(i)
			r[i] = cap.Point{Lat: xy.Y, Lon: xy.X}
		}
		rings = append(rings, r)
	}
	switch {
	case g.IsPolygon():
		add(g.MustAsPolygon())
	case g.IsMultiPolygon():
		mp := g.MustAsMultiPolygon()
		for i := range mp.NumPolygons() {
			add(mp.PolygonN(i))
		}
	}
	return rings
}
