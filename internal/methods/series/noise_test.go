package series

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// noises are series in which nothing happens.
var noises = []struct {
	name string
	new  func(r *rand.Rand) func() float64
	wild bool // a power-law tail, or close to one
}{
	{"gauss", func(r *rand.Rand) func() float64 { return r.NormFloat64 }, false},
	{"laplace", func(r *rand.Rand) func() float64 {
		return func() float64 { return r.ExpFloat64() * float64(2*r.IntN(2)-1) }
	}, false},
	{"autocorrelated 0.5", func(r *rand.Rand) func() float64 { return autoregressive(0.5, r.NormFloat64) }, false},
	{"autocorrelated 0.9", func(r *rand.Rand) func() float64 { return autoregressive(0.9, r.NormFloat64) }, false},
	{"day and night", func(r *rand.Rand) func() float64 {
		i := 0.0
		return func() float64 { i++; return 5*math.Sin(i*2*math.Pi/288) + r.NormFloat64() }
	}, false},
	{"student t3", func(r *rand.Rand) func() float64 { return func() float64 { return student3(r) } }, true},
	{"autocorrelated 0.9 t3", func(r *rand.Rand) func() float64 {
		return autoregressive(0.9, func() float64 { return student3(r) })
	}, true},
	{"lognormal", func(r *rand.Rand) func() float64 { return func() float64 { return math.Exp(r.NormFloat64()) } }, true},
}

func autoregressive(phi float64, next func() float64) func() float64 {
	x := 0.0
	return func() float64 { x = phi*x + next(); return x }
}

func student3(r *rand.Rand) float64 {
	var chi float64
	for range 3 {
		z := r.NormFloat64()
		chi += z * z
	}
	return r.NormFloat64() / math.Sqrt(chi/3)
}

// The limits keep what the budget asks for, on noise that is as wild and as slow as that of instruments. The allowance is a
// factor on the budget, and two alarms over what is left to chance. Those above 1 are what was measured when the formulas
// were written; where it is large, the detector's comment says why.
func TestFalseAlarms(t *testing.T) {
	const length, count = 20000, 40
	type allowance struct{ tame, wild float64 }
	for _, c := range []struct {
		name string
		by   map[float64]allowance // by q
		new  func(q float64) func(at int64, x float64) bool
	}{
		{"everyday", map[float64]allowance{1e-3: {2, 2}, EverydayQ: {2, 4.5}, 1e-5: {2, 6}}, func(q float64) func(int64, float64) bool {
			p, s := EverydayFor(q), Everyday{}
			return func(at int64, x float64) bool { return s.Next(&p, at, x).Alarm }
		}},
		{"likelihood", map[float64]allowance{1e-3: {2, 2}, 1e-4: {1, 3}, 1e-5: {1, 7}}, func(q float64) func(int64, float64) bool {
			p, s := LikelihoodFor(q), Likelihood{}
			return rising(func(at int64, x float64) float64 { return s.Next(&p, at, x) })
		}},
		{"novelty", map[float64]allowance{1e-3: {1, 1}, 1e-4: {1, 1.5}, 1e-5: {1, 5}}, func(q float64) func(int64, float64) bool {
			p, s := NoveltyFor(q), Novelty{}
			return func(at int64, x float64) bool { return s.Next(&p, at, x) >= 1 }
		}},
		{"cusum", map[float64]allowance{1e-3: {2, 2}, 1e-4: {2.5, 3}}, func(q float64) func(int64, float64) bool {
			p, s := CUSUMFor(q, Both, 1000), Shift{}
			return rising(func(at int64, x float64) float64 { return s.Next(&p, at, x) })
		}},
		{"page-hinkley", map[float64]allowance{1e-3: {2, 2}, 1e-4: {2, 2.5}}, func(q float64) func(int64, float64) bool {
			p, s := PageHinkleyFor(q, Both, 1000), Shift{}
			return rising(func(at int64, x float64) float64 { return s.Next(&p, at, x) })
		}},
	} {
		for q, allowed := range c.by {
			for _, noise := range noises {
				alarms := 0
				for n := range uint64(count) {
					next, raised := noise.new(rand.New(rand.NewPCG(n, 1))), c.new(q)
					for i := range int64(length) {
						if raised(i*300e6, next()) {
							alarms++
						}
					}
				}
				budget := q * length * count
				share := allowed.tame
				if noise.wild {
					share = allowed.wild
				}
				line := fmt.Sprintf("%s at q %g on %s: %d alarms, budget %.1f (%.2f times)", c.name, q, noise.name, alarms, budget, float64(alarms)/budget)
				if float64(alarms) > share*budget+2*math.Sqrt(share*budget)+2 {
					t.Error(line)
				} else {
					t.Log(line)
				}
			}
		}
	}
}

// rising tells when a statistic comes to its limit; while it stays there nothing more.
func rising(next func(at int64, x float64) float64) func(at int64, x float64) bool {
	over := false
	return func(at int64, x float64) bool {
		was := over
		over = next(at, x) >= 1
		return over && !was
	}
}
