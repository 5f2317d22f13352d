package verify

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// Five days of rain forecasts, worked by hand: (0.1^2 + 0.3^2 + 0.8^2 + 0.4^2 + 0^2)/5.
func TestBrier(t *testing.T) {
	var s Probabilities
	for _, f := range []struct {
		p float64
		o bool
	}{{0.9, true}, {0.7, true}, {0.8, false}, {0.4, false}, {0, false}} {
		if !s.Add(f.p, f.o) {
			t.Fatal(f)
		}
	}
	near(t, "Brier", s.Brier(), 0.18, 1e-12)
	near(t, "climate", s.Climate(), 0.24, 1e-12)
	near(t, "skill", s.Skill(), 0.25, 1e-12)
	if s.Add(1.1, true) || s.Add(math.NaN(), true) || s.N() != 5 {
		t.Error("took what is no probability")
	}
	if b := s.Reliability(); b[9].N != 1 || b[0].N != 1 || b[7].Happened != 1 || b[8].Happened != 0 || b[1].Happened.Defined() {
		t.Errorf("%+v", b)
	}
	if (&Probabilities{}).Brier().Defined() || (&Probabilities{}).Skill().Defined() {
		t.Error("a score of nothing")
	}
}

// Brier = reliability - resolution + uncertainty (Murphy 1973, J. Appl. Meteorol. 12, 595), exact where all forecasts of a
// bin say the same.
func TestBrierDecomposition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var whole, left, right Probabilities
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			p, o := float64(rapid.IntRange(0, 9).Draw(t, "p"))/10+0.05, rapid.Bool().Draw(t, "o")
			whole.Add(p, o)
			if rapid.Bool().Draw(t, "left") {
				left.Add(p, o)
			} else {
				right.Add(p, o)
			}
		}
		climate := float64(whole.happened) / float64(whole.n)
		sum := climate * (1 - climate)
		for _, b := range whole.Reliability() {
			if b.N > 0 {
				share := float64(b.N) / float64(whole.n)
				sum += share * (math.Pow(float64(b.Said-b.Happened), 2) - math.Pow(float64(b.Happened)-climate, 2))
			}
		}
		if math.Abs(sum-float64(whole.Brier())) > 1e-9 {
			t.Fatalf("%v, parts %v", whole.Brier(), sum)
		}
		left.Merge(&right)
		if left.N() != whole.N() || math.Abs(float64(left.Brier()-whole.Brier())) > 1e-9 {
			t.Fatal("the parts do not make the whole")
		}
	})
}
