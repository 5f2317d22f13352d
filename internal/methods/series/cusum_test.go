package series

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// Runs between false alarms and to the alarm after a shift are as long as the formula says, over Gaussian noise.
func TestCUSUMRuns(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	for _, tc := range []struct {
		k, shift float64
		side     Side
	}{{0.5, 0, Up}, {0.5, 0, Both}, {1, 0, Both}, {0.5, 1, Both}, {1, 2, Both}, {1, -2, Down}} {
		p := CUSUMParams{Side: tc.side, Drift: tc.k, Limit: CUSUMLimit(1e-3, tc.k, tc.side.sides()), Cut: 10}
		const runs = 400
		var n int
		for range runs {
			var s CUSUM
			for {
				n++
				if s.Next(&p, int64(n), tc.shift+r.NormFloat64()) > 1 {
					break
				}
			}
		}
		got, want := float64(n)/runs, CUSUMRun(p.Limit, tc.k, math.Abs(tc.shift), tc.side.sides())
		if got < want*0.8 || got > want*1.2 {
			t.Errorf("k %g, shift %g: alarm after %.1f readings on the average, want %.1f", tc.k, tc.shift, got, want)
		}
	}
}

func TestCUSUMTellsShift(t *testing.T) {
	for _, shift := range []float64{3, -2} {
		p := CUSUMParams{Drift: 1, Limit: 5, Cut: 4}
		r := rand.New(rand.NewPCG(12, 1))
		var s CUSUM
		if z, at := s.Shift(&p); z != 0 || at != 0 {
			t.Errorf("before any reading: %g at %d", z, at)
		}
		at := int64(1000)
		for ; s.Next(&p, at, shift+0.5*r.NormFloat64()) <= 1; at++ {
		}
		if z, begun := s.Shift(&p); math.Abs(z-shift) > 0.6 || begun != 1000 {
			t.Errorf("shift %.2f since %d, want %g since 1000", z, begun, shift)
		}
	}
}

// One spike is no shift, and the sum comes down within reach when the shift is over.
func TestCUSUMGuards(t *testing.T) {
	p := CUSUMParams{Drift: 1, Limit: 5, Cut: 3}
	var s CUSUM
	for i, tc := range []struct {
		z    float64
		over bool
	}{{1e9, false}, {1e9, false}, {1e9, true}, {0, false}} {
		if got := s.Next(&p, int64(i), tc.z) > 1; got != tc.over {
			t.Errorf("reading %d: over the limit %v", i, got)
		}
	}
	for range 1000 {
		s.Next(&p, 10, 5)
	}
	n := 0
	for ; s.Next(&p, 11, 0) > 1; n++ {
	}
	if n > 5 {
		t.Errorf("over the limit for %d readings after the shift", n)
	}
}

func TestCUSUMSize(t *testing.T) {
	if n := unsafe.Sizeof(CUSUM{}); n != 32 {
		t.Errorf("a CUSUM holds %d bytes; its comment says otherwise", n)
	}
	p := CUSUMParams{Drift: 0.5, Limit: 4, Cut: 3}
	var s CUSUM
	if n := testing.AllocsPerRun(1000, func() { s.Next(&p, 1, 0.7) }); n != 0 {
		t.Errorf("%v allocations a reading", n)
	}
}
