package plume

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

const minute = int64(60e6)

// yard is a site with five candidates within a fence of eight instruments.
func yard() *Site {
	s := &Site{Meander: 12, Blank: 0.4, Calm: 0.5, Look: 4 * minute, Memory: 120 * minute, Every: minute,
		Sources: []Point{{0, 0, 4}, {35, 15, 2}, {35, -15, 2}, {-35, 15, 2}, {-35, -15, 2}}}
	for i := range 8 {
		a := float64(i) * math.Pi / 4
		s.Instruments = append(s.Instruments, Point{60 * math.Sin(a), 60 * math.Cos(a), 2.4})
	}
	return s
}

// gas is what the instruments see of a source under a wind that turns, with a lognormal error of a factor of about two.
func gas(s *Site, source int, rate float64, w Wind, r *rand.Rand) []float64 {
	var out []float64
	for _, p := range s.Instruments {
		x := r.NormFloat64() * 0.1
		if source >= 0 {
			x += rate * Dilution(w, s.Meander, s.Sources[source], p) * math.Exp(0.7*r.NormFloat64())
		}
		out = append(out, x)
	}
	return out
}

func turning(m int) Wind {
	return Wind{From: math.Mod(float64(m)*17, 360), Speed: 2 + math.Sin(float64(m)), Class: D}
}

func TestEvidenceNamesTheSource(t *testing.T) {
	s := yard()
	for source := range s.Sources {
		r := rand.New(rand.NewPCG(1, uint64(source)))
		var e Evidence
		for m := range 60 {
			w := turning(m)
			e.Next(s, int64(1e15)+int64(m)*minute, w, gas(s, source, 1000, w, r))
		}
		f := e.Finding(s)
		if f.Verdict != Named || f.Source != source || f.Probability < 0.9 {
			t.Errorf("source %d: %+v", source, f)
		}
		if q := e.Rate(source); q < 500 || q > 2000 {
			t.Errorf("source %d: rate %.0f, emitted 1000", source, q)
		}
	}
}

func TestEvidenceUndecided(t *testing.T) {
	s := yard()
	steady := func(int) Wind { return Wind{From: 270, Speed: 3, Class: D} }
	for _, c := range []struct {
		name    string
		minutes int
		wind    func(int) Wind
		source  int
		want    Verdict
	}{
		{"nothing was seen yet", 0, steady, 0, Undecided},
		{"one minute is not enough", 1, steady, 0, Undecided},
		{"nor is one look", 7, steady, 0, Undecided},
		{"candidates in line with a wind that never turns", 40, steady, 0, Undecided},
		{"clean air", 60, turning, -1, Undecided},
		{"calm", 60, func(int) Wind { return Wind{From: 270, Speed: 0.3, Class: F} }, 0, NoWind},
		{"no vane", 60, func(int) Wind { return Wind{From: math.NaN(), Speed: 3} }, 0, NoWind},
		{"no speed", 60, func(int) Wind { return Wind{From: 3, Speed: math.NaN()} }, 0, NoWind},
	} {
		r := rand.New(rand.NewPCG(2, 2))
		var e Evidence
		for m := range c.minutes {
			w := c.wind(m)
			see := gas(s, -1, 0, w, r)
			if c.source >= 0 {
				see[2] = 5 // east
			}
			e.Next(s, int64(1e15)+int64(m)*minute, w, see)
		}
		if f := e.Finding(s); f.Verdict != c.want {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

// Gas that comes from outside, against the wind of every candidate, is nobody's.
func TestEvidenceFromElsewhere(t *testing.T) {
	s := yard()
	r := rand.New(rand.NewPCG(3, 3))
	var e Evidence
	for m := range 120 {
		w := Wind{From: 90 + 20*r.NormFloat64(), Speed: 2, Class: D}
		see := gas(s, -1, 0, w, r)
		see[2] = 10 // the instrument in the east, upwind of all
		e.Next(s, int64(1e15)+int64(m)*minute, w, see)
	}
	if f := e.Finding(s); f.Verdict != Undecided || f.Source != -1 {
		t.Errorf("%+v", f)
	}
}

// A second source that follows the first is seen within a few times Memory.
func TestEvidenceForgets(t *testing.T) {
	s := yard()
	r := rand.New(rand.NewPCG(4, 4))
	var e Evidence
	for m := range 600 {
		w := turning(m)
		source := 1
		if m >= 300 {
			source = 4
		}
		e.Next(s, int64(1e15)+int64(m)*minute, w, gas(s, source, 1000, w, r))
		if f := e.Finding(s); m == 299 && f.Source != 1 || m == 599 && f.Source != 4 {
			t.Errorf("minute %d: %+v", m, f)
		}
	}
}

func TestProbabilitiesAreProbabilities(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := yard()
		var e Evidence
		at := int64(1e15)
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			at += rapid.SampledFrom([]int64{minute, minute, minute, 30 * minute, 1e6, 0, -minute}).Draw(t, "span")
			w := Wind{
				From:  rapid.SampledFrom([]float64{0, 45, 90, 200, 270, 359, math.NaN()}).Draw(t, "from"),
				Speed: rapid.SampledFrom([]float64{0, 0.4, 1, 3, 9, math.NaN()}).Draw(t, "speed"),
				Class: Class(rapid.IntRange(0, 5).Draw(t, "class")),
			}
			see := make([]float64, len(s.Instruments))
			for i := range see {
				see[i] = rapid.SampledFrom([]float64{-1, 0, 0.5, 3, 100, math.NaN()}).Draw(t, "x")
			}
			e.Next(s, at, w, see)

			sum := 0.0
			for _, p := range e.Probabilities(s, nil) {
				if !(p >= 0 && p <= 1) {
					t.Fatalf("probability %g", p)
				}
				sum += p
			}
			if sum > 1+1e-9 {
				t.Fatalf("probabilities add up to %g", sum)
			}
		}
	})
}

// Sixteen looks, and shares of 3/4 and 0: odds of 4^8/4 and 1/4 against "none of these".
func TestProbabilitiesByHand(t *testing.T) {
	s := yard()
	s.Sources = s.Sources[:2]
	e := Evidence{seen: 4, windy: 16 * float64(s.Look), sources: []sums{{expected: 3, both: 3}, {expected: 1, both: 0}}}
	odds := [2]float64{65536. / 4, 1. / 4}
	sum := 1 + odds[0] + odds[1]
	for k, p := range e.Probabilities(s, nil) {
		if want := odds[k] / sum; math.Abs(p-want) > 1e-12 {
			t.Errorf("source %d: %g, want %g", k, p, want)
		}
	}
	if q := e.Rate(0); q != 1 {
		t.Errorf("rate %g", q)
	}
	for _, c := range []struct {
		looks float64
		want  Verdict
	}{{1.9, Undecided}, {2, Named}} { // a share of 3/4 alone, with odds of 4/1.4, would do
		e.windy = c.looks * float64(s.Look)
		e.sources = e.sources[:1]
		one := *s
		one.Sources = s.Sources[:1]
		if f := e.Finding(&one); f.Verdict != c.want || f.Probability < 0.5 {
			t.Errorf("%g looks: %+v", c.looks, f)
		}
	}
}

// A step after a gap counts as one step, and what was known before has faded by the whole gap.
func TestEvidenceGap(t *testing.T) {
	s := yard()
	var e Evidence
	see := gas(s, 1, 1000, turning(0), rand.New(rand.NewPCG(6, 6)))
	e.Next(s, int64(1e15), turning(0), see)
	e.Next(s, int64(1e15)+s.Memory, turning(0), see)
	if want := float64(minute) * (1 + math.Exp(-1)); math.Abs(e.windy-want) > 1 {
		t.Errorf("%g µs of wind, want %g", e.windy, want)
	}
}

// A missing instrument neither helps nor harms: evidence without it is that of a fence without it.
func TestMissingInstrumentIsNoEvidence(t *testing.T) {
	s := yard()
	seven := *s
	seven.Instruments = s.Instruments[:7]
	r := rand.New(rand.NewPCG(5, 5))
	var with, without Evidence
	for m := range 30 {
		w := turning(m)
		see := gas(s, 1, 1000, w, r)
		see[7] = math.NaN()
		with.Next(s, int64(1e15)+int64(m)*minute, w, see)
		without.Next(&seven, int64(1e15)+int64(m)*minute, w, see[:7])
	}
	if a, b := with.Finding(s), without.Finding(&seven); a != b {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	s := yard()
	var e Evidence
	see := []float64{0, 1, 2, 3, 4, 5, 6, 7}
	e.Next(s, 1, turning(1), see)
	m := int64(1)
	if n := testing.AllocsPerRun(100, func() { m += minute; e.Next(s, m, turning(1), see); e.Finding(s) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func BenchmarkNext(b *testing.B) {
	s := yard()
	var e Evidence
	see := []float64{0, 1, 2, 3, 4, 5, 6, 7}
	b.ReportAllocs()
	for i := range b.N {
		e.Next(s, int64(i+1)*minute, turning(i), see)
	}
}
