package forecast

import (
	"math"
	"math/rand/v2"
	"testing"
)

// rising goes from 1 now to 5 in four hours and back to 3, 0.5 of band on either side.
func rising(timing float64) *Path {
	return &Path{From: start + hour, Step: hour, Now: start, At: 1, Timing: timing,
		Likely: []float64{2, 3, 4, 5, 4, 3},
		Below:  slicesRepeat(0.5, 6), Above: slicesRepeat(0.5, 6)}
}

func TestPassesAndPeak(t *testing.T) {
	h := func(x float64) int64 { return start + int64(x*float64(hour)) }
	for _, c := range []struct {
		name  string
		path  *Path
		level float64
		want  Crossing
	}{
		{"within the hour", rising(0), 1.2, Crossing{h(0.2 / 1.5), h(0.2), h(0.4)}},
		{"between the edges", rising(0), 4, Crossing{h(2.5), h(3), h(3.5)}},
		{"only the upper edge", rising(0), 5.25, Crossing{h(3.75), 0, 0}},
		{"never", rising(0), 6, Crossing{}},
		{"stands there", rising(0), 1, Crossing{h(0), h(0), h(0)}},
		// A quarter of two hours, rounded to one: what is likely at 3 may be there at 2, and what is at 4 need not be the top.
		{"early or late", rising(0.25), 4.4, Crossing{h(1.95), h(3.4), 0}},
	} {
		if got := c.path.Passes(c.level); got != c.want {
			t.Errorf("%s: %v, want %v (from %d)", c.name, got, c.want, start)
		}
	}
	down := rising(0)
	down.At = 6
	if got, want := down.Falls(2.25), (Crossing{h(4. / 4.5 * 0.9375), h(0.9375), 0}); got.Likely != want.Likely || got.Earliest == 0 || got.Earliest >= got.Likely {
		t.Errorf("falls: %v", got)
	}
	peak, ok := rising(0.25).Peak()
	if want := (Peak{h(4), h(3), h(5), 5, 4.5, 5.5}); !ok || peak != want {
		t.Errorf("peak %v %v, want %v", peak, ok, want)
	}
	falling := &Path{From: start + hour, Step: hour, Now: start, At: 3, Likely: []float64{2, 1}, Below: slicesRepeat(0, 2), Above: slicesRepeat(0, 2)}
	if p, ok := falling.Peak(); ok {
		t.Errorf("a peak of %v to come while the water falls", p)
	}
}

// Whatever the errors are distributed like, and when they change, the band holds its share.
func TestSpreadHoldsItsShare(t *testing.T) {
	c := Cover{Share: 0.8, Rate: 0.02}
	for name, draw := range map[string]func(*rand.Rand) float64{
		"normal":      (*rand.Rand).NormFloat64,
		"one-sided":   (*rand.Rand).ExpFloat64,
		"heavy tails": func(r *rand.Rand) float64 { return r.NormFloat64() / (0.05 + r.Float64()) },
		"small":       func(r *rand.Rand) float64 { return 1e-2 * r.NormFloat64() },
	} {
		r := rand.New(rand.NewPCG(4, 4))
		s := NewSpread()
		in, n := 0, 0
		for k := range 20000 {
			e := draw(r)
			under, over := -e > s.below, e > s.above
			if k > 2000 {
				n++
				if !under && !over {
					in++
				}
			}
			s.Learn(&c, under, over)
		}
		want := 0.8
		if name == "one-sided" {
			want = 0.9 // nothing lies below the forecast
		}
		if got := float64(in) / float64(n); math.Abs(got-want) > 0.01 {
			t.Errorf("%s: %.3f of the outcomes in the band, want %.2f", name, got, want)
		}
	}
}
