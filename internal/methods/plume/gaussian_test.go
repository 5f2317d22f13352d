package plume

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestStability(t *testing.T) {
	for _, c := range []struct {
		speed, sun float64
		want       Class
	}{
		{1, 70, A}, {1, 40, B}, {1, 5, B}, {1, -5, F},
		{2.5, 70, B}, {2.5, 20, C}, {2.5, -5, F},
		{4, 70, B}, {4, 40, C}, {4, -5, E},
		{5.5, 70, C}, {5.5, 40, D}, {5.5, -5, D},
		{9, 70, C}, {9, 20, D}, {9, -1, D},
	} {
		if got := Stability(c.speed, c.sun); got != c.want {
			t.Errorf("%g m/s, sun at %g: class %d, want %d", c.speed, c.sun, got, c.want)
		}
	}
}

// Known heights of the sun: the equinox at noon on the equator, solstices at the tropics, midnight, a pole in June.
func TestSun(t *testing.T) {
	for _, c := range []struct {
		lat, lon float64
		at       string
		want     float64
	}{
		{0, 0, "2022-03-20T12:00:00Z", 90},
		{23.44, 0, "2022-06-21T12:00:00Z", 90},
		{-23.44, 90, "2022-12-21T06:00:00Z", 90},
		{40, -105, "2022-06-21T19:00:00Z", 73.4},
		{40, -105, "2022-06-21T07:00:00Z", -26.6},
		{90, 0, "2022-06-21T03:00:00Z", 23.4},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := Sun(c.lat, c.lon, at.UnixMicro()); math.Abs(got-c.want) > 4 {
			t.Errorf("at %g %g, %s: %.1f, want %.1f", c.lat, c.lon, c.at, got, c.want)
		}
	}
}

// Briggs' values at 1 km, worked out by hand from the table.
func TestSpread(t *testing.T) {
	for c, want := range [][2]float64{A: {209.8, 200}, B: {152.6, 120}, C: {104.9, 73.0}, D: {76.3, 37.9}, E: {57.2, 23.1}, F: {38.1, 12.3}} {
		y, z := Spread(Class(c), 1000)
		if math.Abs(y-want[0]) > 0.1 || math.Abs(z-want[1]) > 0.1 {
			t.Errorf("class %d at 1 km: %.1f and %.1f m, want %v", c, y, z, want)
		}
	}
}

// Turner's worked example of the centre line at the ground is 1/(π u σy σz) exp(-H²/2σz²).
func TestDilutionOnTheCentreLine(t *testing.T) {
	w := Wind{From: 270, Speed: 6, Class: D}
	got := Dilution(w, 0, Point{Height: 60}, Point{East: 500})
	y, z := Spread(D, 500)
	want := math.Exp(-60*60/(2*z*z)) / (math.Pi * 6 * y * z)
	if math.Abs(got/want-1) > 1e-9 {
		t.Errorf("%g, want %g", got, want)
	}
}

// A wind from one side carries gas to the other and to no third.
func TestDilutionSides(t *testing.T) {
	sides := []Point{{0, 100, 2}, {70, 70, 2}, {100, 0, 2}, {70, -70, 2}, {0, -100, 2}, {-70, -70, 2}, {-100, 0, 2}, {-70, 70, 2}} // N NE E ...
	for side := range sides {
		w := Wind{From: float64(45 * side), Speed: 2, Class: D}
		for i, p := range sides {
			got := Dilution(w, 8, Point{Height: 2}, p)
			if down := (side + 4) % 8; (got > 1e-5) != (i == down) {
				t.Errorf("wind from %g: instrument %d sees %g", w.From, i, got)
			}
		}
	}
}

// A wind that turns about by 10 degrees spreads an otherwise narrow plume by as much: at that angle exp(-1/2) of the middle.
func TestDilutionMeander(t *testing.T) {
	w := Wind{From: 270, Speed: 2, Class: F}
	middle := Dilution(w, 10, Point{Height: 2}, Point{100, 0, 2})
	aside := Dilution(w, 10, Point{Height: 2}, Point{100, 100 * math.Tan(10*math.Pi/180), 2})
	if ratio := aside / middle; math.Abs(ratio-math.Exp(-0.5)) > 0.03 {
		t.Errorf("%.3f of the middle", ratio)
	}
	if none := Dilution(w, 0, Point{Height: 2}, Point{100, 100 * math.Tan(10*math.Pi/180), 2}); none > aside/100 {
		t.Errorf("without: %g", none)
	}
}

// What flows through a plane across the wind is what is emitted, at any distance: the integral of u C over it is 1.
func TestDilutionKeepsMass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := Wind{From: 270, Speed: rapid.Float64Range(0.5, 8).Draw(t, "u"), Class: Class(rapid.IntRange(0, 5).Draw(t, "class"))}
		x := rapid.Float64Range(20, 300).Draw(t, "x")
		meander := rapid.Float64Range(0, 20).Draw(t, "meander")
		source := Point{Height: rapid.Float64Range(0, 10).Draw(t, "H")}
		sy, sz := Spread(w.Class, x)
		sy = math.Hypot(sy, x*math.Tan(meander*math.Pi/180))
		const n = 60
		flow, width, height := 0.0, 10*sy, source.Height+6*sz
		for i := range n {
			for j := range n {
				p := Point{East: x, North: width * ((float64(i)+0.5)/n - 0.5), Height: height * (float64(j) + 0.5) / n}
				flow += w.Speed * Dilution(w, meander, source, p) * width / n * height / n
			}
		}
		if math.Abs(flow-1) > 0.02 {
			t.Fatalf("%.3f of what is emitted passes", flow)
		}
	})
}
