package outline

import (
	"math"
	"strconv"
	"testing"

	"github.com/peterstace/simplefeatures/geom"
	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/warn/cap"
)

// metresBetween is the great circle's length by the haversine, which the plane doesn't use.
func metresBetween(a, b geom.XY) float64 {
	h := math.Pow(math.Sin(rad(b.Y-a.Y)/2), 2) + math.Cos(rad(a.Y))*math.Cos(rad(b.Y))*math.Pow(math.Sin(rad(b.X-a.X)/2), 2)
	return 2 * radius * math.Asin(math.Sqrt(h))
}

// TestAroundHoldsAllThatIsNear walks out from points, lines and areas of every size and latitude: what is nearer than asked lies in
// the band. Around a point it is also at most 2.5 % and 4 m too wide.
func TestAroundHoldsAllThatIsNear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lon, lat := rapid.Float64Range(-170, 170).Draw(t, "lon"), rapid.Float64Range(-60, 60).Draw(t, "lat")
		metres := math.Round(math.Exp(rapid.Float64Range(math.Log(MinAround), math.Log(MaxAround)).Draw(t, "metres")))
		size := rapid.Float64Range(0.0005, .05).Draw(t, "size")
		n := rapid.IntRange(1, 40).Draw(t, "points")
		var xys []float64
		for i := range n {
			x, y := lon, lat
			if i > 0 {
				x, y = lon+rapid.Float64Range(-size, size).Draw(t, "x"), lat+rapid.Float64Range(-size, size).Draw(t, "y")
			}
			xys = append(xys, x, y)
		}
		seq := geom.NewSequence(xys, geom.DimXY)
		var g geom.Geometry
		switch {
		case n == 1:
			g = geom.NewPointXY(lon, lat).AsGeometry()
		case rapid.Bool().Draw(t, "area") && n > 3: // a star
			star := make([]float64, 0, 2*n+2)
			for i := range n {
				d := math.Hypot(xys[2*i]-lon, xys[2*i+1]-lat) + size/100
				sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
				star = append(star, lon+d*cos, lat+d*sin)
			}
			xys = star
			g = geom.NewPolygonXY(append(star, star[0], star[1])).AsGeometry()
		default:
			g = geom.NewLineString(seq).AsGeometry()
		}
		rings, err := Around(g, metres)
		if err != nil {
			t.Fatal(err)
		}
		var whole []geom.Geometry
		for _, r := range rings {
			if err := r.Check(); err != nil || len(r) > cap.MaxPoints {
				t.Fatalf("ring of %d points: %v", len(r), err)
			}
			whole = append(whole, polygon(r).AsGeometry())
		}
		holds := func(p geom.XY) bool {
			for _, w := range whole {
				if geom.Intersects(w, p.AsPoint().AsGeometry()) {
					return true
				}
			}
			return false
		}
		// A point at .98 of the asked distance from a corner of the thing.
		k := rapid.IntRange(0, n-1).Draw(t, "corner")
		from := geom.XY{X: xys[2*k], Y: xys[2*k+1]}
		p, _ := PlaneAt(from.AsPoint().AsGeometry())
		bearing := rapid.Float64Range(0, 2*math.Pi).Draw(t, "bearing")
		at := func(d float64) geom.XY {
			to := p.Round(geom.NewPointXY(d*math.Sin(bearing), d*math.Cos(bearing)).AsGeometry())
			xy, _ := to.MustAsPoint().XY()
			if got := metresBetween(from, xy); math.Abs(got-d) > .001*d {
				t.Fatalf("the plane is off: %g m drawn for %g m", got, d)
			}
			return xy
		}
		if !holds(at(.98 * metres)) {
			t.Fatalf("%.0f m from a corner at bearing %.2f is not within the band of %.0f m", .98*metres, bearing, metres)
		}
		if n == 1 && holds(at(1.025*metres+4)) {
			t.Fatalf("%.0f m away is within the band of %.0f m", 1.025*metres+4, metres)
		}
	})
}

// TestAroundASpur: a line that goes out and comes back the same way has its far end in the band, however many corners it has.
func TestAroundASpur(t *testing.T) {
	var xys []float64
	for i := range 81 {
		xys = append(xys, 121+.001*float64(min(i, 100-i)), 31) // to 121.05, and back to 121.02
	}
	for _, g := range []geom.Geometry{
		geom.NewLineString(geom.NewSequence(xys, geom.DimXY)).AsGeometry(),
		geom.NewMultiLineString([]geom.LineString{geom.NewLineString(geom.NewSequence(xys, geom.DimXY))}).AsGeometry(),
	} {
		rings, err := Around(g, 200)
		if err != nil {
			t.Fatal(err)
		}
		for _, lon := range []float64{121, 121.02, 121.04, 121.05} {
			if !NewMask(rings).Holds(lon, 31.0005) {
				t.Errorf("%v is not within the band", lon)
			}
		}
	}
}

func TestAroundWhatHasNoShape(t *testing.T) {
	if _, err := Around(geom.Geometry{}, 100); err == nil {
		t.Error("a band around nothing")
	}
}

func square(lon, lat, side float64) geom.Geometry {
	return polygon(cap.Ring{{Lat: lat, Lon: lon}, {Lat: lat, Lon: lon + side}, {Lat: lat + side, Lon: lon + side}, {Lat: lat + side, Lon: lon}, {Lat: lat, Lon: lon}}).AsGeometry()
}

func TestTouches(t *testing.T) {
	district := square(121, 31, .1)
	for name, test := range map[string]struct {
		drawn geom.Geometry
		want  bool
	}{
		"within":                       {square(121.02, 31.02, .01), true},
		"far away":                     {square(122, 31, .1), false},
		"side by side":                 {square(121.1, 31, .1), false},
		"side by side, 5 m over":       {square(121.09995, 31, .1), false},
		"20 m over":                    {square(121.0998, 31, .1), true},
		"a corner of 30 m":             {square(121.0997, 31.0997, .1), true},
		"8 m wide, wholly within":      {square(121.05, 31.05, .00008), true},
		"around all of it":             {square(120.9, 30.9, .3), true},
		"a small one just over a line": {square(121.0999, 31.05, .0002), true},
	} {
		on, ok := On(test.drawn)
		if got := on.Touches(district); !ok || got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestShares(t *testing.T) {
	on, _ := On(square(121, 31, .1))
	for name, test := range map[string]struct {
		other geom.Geometry
		want  float64
	}{
		"half":    {square(121.05, 31, .1), .5},
		"quarter": {square(121.05, 31.05, .1), .25},
		"all":     {square(121.01, 31.01, .01), 1},
		"nothing": {square(122, 31, .1), 0},
	} {
		if got := on.ShareOf(test.other); math.Abs(got-test.want) > .002 {
			t.Errorf("%s: %.4f, want %.2f", name, got, test.want)
		}
	}
	if !on.Rest([]geom.Geometry{square(121, 31, .05)}) || on.Rest([]geom.Geometry{square(120.9, 30.9, .3)}) {
		t.Error("what is left over")
	}
}

// BenchmarkAround is a pipeline of 20 km with 5,000 corners, wandering.
func BenchmarkAround(b *testing.B) {
	var xys []float64
	for i := range 5000 {
		f := float64(i)
		xys = append(xys, 121+f*.00004+.0004*math.Sin(f*1.7), 31+.01*math.Sin(f/300)+.0004*math.Cos(f*2.3))
	}
	g := geom.NewLineString(geom.NewSequence(xys, geom.DimXY)).AsGeometry()
	for _, metres := range []float64{10, 200, 5000} {
		b.Run(strconv.Itoa(int(metres)), func(b *testing.B) {
			for b.Loop() {
				if _, err := Around(g, metres); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestMaskIsTheRings: a point lies in the mask if it lies in one of the rings, however they overlap.
func TestMaskIsTheRings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rings []cap.Ring
		for range rapid.IntRange(1, 5).Draw(t, "rings") {
			lon, lat := rapid.Float64Range(122, 122.2).Draw(t, "lon"), rapid.Float64Range(30, 30.2).Draw(t, "lat")
			var star cap.Ring
			n := rapid.IntRange(3, 30).Draw(t, "corners")
			for i := range n {
				d := rapid.Float64Range(.01, .1).Draw(t, "out")
				sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
				star = append(star, cap.Point{Lat: lat + d*sin, Lon: lon + d*cos})
			}
			rings = append(rings, append(star, star[0]))
		}
		m := NewMask(rings)
		for range 20 {
			x, y := rapid.Float64Range(121.8, 122.4).Draw(t, "x"), rapid.Float64Range(29.8, 30.4).Draw(t, "y")
			want := false
			for _, r := range rings {
				want = want || geom.Intersects(Shape([]cap.Ring{r}), geom.NewPointXY(x, y).AsGeometry())
			}
			if got := m.Holds(x, y); got != want {
				t.Fatalf("%v, %v: %v", x, y, got)
			}
		}
	})
}
