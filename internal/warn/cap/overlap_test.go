package cap

import (
	"math"
	"testing"

	"github.com/peterstace/simplefeatures/geom"
	"pgregory.net/rapid"
)

// TestSharesAgreeWithGeometry compares shares by points with a library of geometry, over stars of all sizes.
func TestSharesAgreeWithGeometry(t *testing.T) {
	some := 0
	rapid.Check(t, func(t *rapid.T) {
		star := func() (r Ring) {
			lat, lon := rapid.Float64Range(0, 2).Draw(t, "lat"), rapid.Float64Range(0, 2).Draw(t, "lon")
			n, size := rapid.IntRange(3, 20).Draw(t, "corners"), rapid.Float64Range(.1, 2).Draw(t, "size")
			for i := range n {
				sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
				d := size * rapid.Float64Range(.5, 1).Draw(t, "far")
				r = append(r, Point{lat + d*sin, lon + d*cos})
			}
			return append(r, r[0])
		}
		a, b := star(), star()
		both, err := geom.Intersection(a.polygon().AsGeometry(), b.polygon().AsGeometry())
		if err != nil {
			t.Skip(err)
		}
		work := compareAt
		shapes := shapesOf([]Ring{a, b})
		want, got := both.Area()/a.polygon().Area(), shapes[0].share(shapes[1:], &work)
		if math.Abs(got-want) > .1 {
			t.Fatalf("%.3f of %v lies in %v, by points %.3f", want, a, b, got)
		}
		if want > overlaps && want < .9 {
			some++
		}
		if size := a.polygon().Area(); math.Abs(a.size()-size) > 1e-9 {
			t.Fatalf("%v has the size %v, not %v", a, size, a.size())
		}
	})
	if some < 5 {
		t.Errorf("only %d that lie over each other in part were tried", some)
	}
}
