package series

import (
	"math"
	"testing"
)

func about(got, want, share float64) bool { return math.Abs(got-want) <= share*math.Abs(want) }

// Siegmund's formula gives the figures that are printed elsewhere, and CUSUMLimit is its inverse.
func TestCUSUMRun(t *testing.T) {
	for _, c := range []struct{ h, run, within float64 }{
		{4, 338, 0.001}, {5, 938, 0.001}, {8, 19112, 0.0001}, {12.6, 1.9e6, 0.005},
	} {
		run := CUSUMRun(c.h, 0.5, 0, 1)
		if !about(run, c.run, c.within) {
			t.Errorf("h = %g: run of %g, want %g", c.h, run, c.run)
		}
		for sides := 1; sides <= 2; sides++ {
			if h := CUSUMLimit(1/CUSUMRun(c.h, 0.5, 0, sides), 0.5, sides); !about(h, c.h, 1e-9) {
				t.Errorf("%d sides: limit %g, want %g", sides, h, c.h)
			}
		}
		if two := CUSUMRun(c.h, 0.5, 0, 2); !about(two, run/2, 1e-12) {
			t.Errorf("h = %g: both sides run %g, want half of %g", c.h, two, run)
		}
	}
	for shift, delay := range map[float64]float64{1: 25.5, 2: 9.0, 3: 5.4} {
		if d := CUSUMRun(12.6, 0.5, shift, 1); !about(d, delay, 0.01) {
			t.Errorf("shift of %g: found after %g readings, want %g", shift, d, delay)
		}
	}
	if got, want := CUSUMRun(5, 0.5, 0.5, 1), 6.166*6.166; !about(got, want, 1e-9) {
		t.Errorf("no drift: %g, want b^2 = %g", got, want)
	}
	if a, b := CUSUMRun(5, 0.5, 0.5+1e-4, 1), CUSUMRun(5, 0.5, 0.5, 1); !about(a, b, 1e-2) {
		t.Errorf("the formula jumps near no drift: %g, %g", a, b)
	}
}

func TestGaussLimit(t *testing.T) {
	for _, c := range []struct {
		q     float64
		sides int
		want  float64
	}{{0.05, 2, 1.959964}, {0.05, 1, 1.644854}, {0.0027, 2, 2.999977}, {1e-9, 1, 5.997807}} {
		if z := GaussLimit(c.q, c.sides); !about(z, c.want, 1e-5) {
			t.Errorf("q %g, %d sides: %g, want %g", c.q, c.sides, z, c.want)
		}
	}
}

func TestTailLimit(t *testing.T) {
	if z := TailLimit(math.Exp(-6), 1); !about(z, 5, 1e-12) {
		t.Errorf("%g, want 5", z)
	}
	if z := TailLimit(1, 30); z != 1 {
		t.Errorf("no budget: %g, want 1", z)
	}
	for q := 1e-1; q > 1e-9; q /= 10 {
		if TailLimit(q/10, 8) < TailLimit(q, 8) || TailLimit(q, 80) > TailLimit(q, 8) {
			t.Errorf("q %g: a smaller budget lowers the limit, or longer smoothing raises it", q)
		}
	}
}
