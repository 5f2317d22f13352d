package city

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/city/coords"
)

// coordinateScale is how finely coordinates are kept: nine decimals of a degree, 0.1 mm. Every file format holds that many
// digits, so what is written out is read back the same.
const coordinateScale = 1e9

// readShape reads a geometry as GeoJSON or WKT, in the given system. flat says that heights were left out. The error tells
// what was expected.
func readShape(text string, system coords.System) (g geom.Geometry, flat bool, err error) {
	if strings.HasPrefix(text, "{") {
		g, err = geom.UnmarshalGeoJSON([]byte(text), geom.NoValidate{})
	} else {
		g, err = geom.UnmarshalWKT(text, geom.NoValidate{})
	}
	if err != nil {
		return g, false, fmt.Errorf("not a geometry: %w; expected GeoJSON or WKT such as POLYGON((113.1 23.1, ...))", err)
	}
	flat = g.CoordinatesType().Is3D() || g.CoordinatesType().IsMeasured()
	g, err = normal(g.Force2D(), system)
	return g, flat, err
}

// normal checks a shape as it came and brings it into the register's system and precision.
func normal(g geom.Geometry, system coords.System) (geom.Geometry, error) {
	if g.IsEmpty() {
		return g, fmt.Errorf("the geometry is empty")
	}
	if g.IsGeometryCollection() {
		return g, fmt.Errorf("a GeometryCollection is not accepted: expected one kind of shape")
	}
	seq := g.DumpCoordinates()
	for i := range seq.Length() {
		if err := checkRange(seq.GetXY(i).X, seq.GetXY(i).Y); err != nil {
			return g, err
		}
	}
	g = g.TransformXY(func(p geom.XY) geom.XY {
		x, y := system.ToWGS84(p.X, p.Y)
		return geom.XY{X: rounded(x), Y: rounded(y)}
	})
	if err := g.Validate(); err != nil {
		return g, fmt.Errorf("invalid geometry: %w", err)
	}
	return g, nil
}

// storedShape reads what the register holds; the empty shape for nothing. What is stored was valid when it came.
func storedShape(wkb string) geom.Geometry {
	g, err := geom.UnmarshalWKB([]byte(wkb), geom.NoValidate{})
	if err != nil {
		return geom.Geometry{}
	}
	return g
}

// checkRange refuses what is no longitude and latitude. Not a number fails, too.
func checkRange(lon, lat float64) error {
	inLon, inLat := math.Abs(lon) <= 180, math.Abs(lat) <= 90
	switch {
	case inLon && inLat:
		return nil
	case math.Abs(lat) <= 180 && math.Abs(lon) <= 90:
		return fmt.Errorf("latitude %s is not within -90 to 90: longitude and latitude look swapped, longitude comes first", number(lat))
	case math.Abs(lon) > 1000 || math.Abs(lat) > 1000:
		return fmt.Errorf("%s, %s are not degrees: they look like metres of a projected system; export the file in degrees", number(lon), number(lat))
	case !inLon:
		return fmt.Errorf("longitude %s is not within -180 to 180", number(lon))
	}
	return fmt.Errorf("latitude %s is not within -90 to 90", number(lat))
}

// swapped says whether a shape lies outside of the city's box, and would lie in it with longitude and latitude swapped.
func swapped(g geom.Geometry, a *atlas) bool {
	lo, hi, ok := box(g)
	if !ok || a.empty() {
		return false
	}
	x, y := (lo[0]+hi[0])/2, (lo[1]+hi[1])/2
	in := func(x, y float64) bool {
		return x >= a.min[0] && x <= a.max[0] && y >= a.min[1] && y <= a.max[1]
	}
	return !in(x, y) && in(y, x)
}

func rounded(x float64) float64 {
	return math.Round(x*coordinateScale)/coordinateScale + 0 // no negative zero: it would be another value in a file
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
