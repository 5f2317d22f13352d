package cap

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestSimplifyNearCollinear: no ring makes Simplify panic, whatever rounding makes of it, and what it returns is a ring of few points.
// A library's convex hull did, on corners that nearly stand in line.
func TestSimplifyNearCollinear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lon, lat := rapid.Float64Range(-179, 179).Draw(t, "lon"), rapid.Float64Range(-89, 89).Draw(t, "lat")
		size := math.Pow(10, rapid.Float64Range(-9, 0).Draw(t, "size"))
		noise := math.Pow(10, rapid.Float64Range(-18, -3).Draw(t, "noise"))
		dx, dy := rapid.Float64Range(-1, 1).Draw(t, "dx"), rapid.Float64Range(-1, 1).Draw(t, "dy")
		var r Ring
		for range rapid.IntRange(0, 200).Draw(t, "corners") {
			f := rapid.Float64Range(0, size).Draw(t, "along")
			r = append(r, Point{Lat: lat + dy*f + rapid.Float64Range(-noise, noise).Draw(t, "off"), Lon: lon + dx*f + rapid.Float64Range(-noise, noise).Draw(t, "off")})
		}
		if len(r) > 0 && rapid.Bool().Draw(t, "closed") {
			r = append(r, r[0])
		}
		for _, most := range []int{3, 4, 12, MaxPoints} {
			small, ok := r.Simplify(most)
			if ok && (len(small) > most || small.Check() != nil) {
				t.Fatalf("%d points of at most %d: %v", len(small), most, small.Check())
			}
		}
	})
}

// TestHull: the hull is convex, turns left and holds every point.
func TestHull(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Ring
		grid := rapid.IntRange(0, 6)
		for range rapid.IntRange(3, 40).Draw(t, "points") {
			r = append(r, Point{Lat: float64(grid.Draw(t, "y")) / 4, Lon: float64(grid.Draw(t, "x")) / 4})
		}
		h := r.hull()
		if h == nil {
			for _, p := range r { // all in line
				for _, q := range r {
					for _, s := range r {
						if turn(p, q, s) != 0 {
							t.Fatalf("no hull of %v", r)
						}
					}
				}
			}
			return
		}
		for i := 1; i < len(h); i++ {
			for _, p := range r {
				if turn(h[i-1], h[i], p) < 0 {
					t.Fatalf("%v lies outside %v", p, h)
				}
			}
			next := h[1]
			if i+1 < len(h) {
				next = h[i+1]
			}
			if turn(h[i-1], h[i], next) <= 0 {
				t.Fatalf("%v is not strictly convex", h)
			}
		}
	})
}
