package series

import (
	"math"
	"math/rand/v2"
	"testing"
)

// after5000 is how many readings after the 5000th a detector takes to alarm on noise to which event adds something from there
// on; -1 when it does not within 2000. Alarms before do not count; there are budgets for them.
func after5000(seed uint64, next func(at int64, x float64) bool, event func(i int, noise float64) float64) int {
	r := rand.New(rand.NewPCG(seed, 3))
	for i := range 7000 {
		x := r.NormFloat64()
		if i >= 5000 {
			x = event(i-5000, x)
		}
		x += 3 * math.Sin(float64(i)*2*math.Pi/288) // days of 5-minute readings
		if next(int64(i)*300e6, x) && i >= 5000 {
			return i - 5000
		}
	}
	return -1
}

// What the everyday tier finds at one false alarm in a hundred thousand readings, and how soon.
func TestEverydayFinds(t *testing.T) {
	p := EverydayFor(1e-5)
	for _, c := range []struct {
		name   string
		within int // readings
		event  func(i int, noise float64) float64
		part   func(f Finding) float64
	}{
		{"one spike of 60 deviations", 1, func(i int, x float64) float64 {
			if i == 0 {
				return x + 60
			}
			return x
		}, func(f Finding) float64 { return f.Sudden + f.Spread + f.Unseen }},
		{"a shift of 8 deviations", 30, func(_ int, x float64) float64 { return x + 8 }, func(f Finding) float64 { return f.Sudden + f.Lasting + f.Level + f.Unseen }},
		{"noise four times as wide", 60, func(_ int, x float64) float64 { return 4 * x }, func(f Finding) float64 { return f.Sudden + f.Lasting + f.Spread + f.Unseen }},
		{"a slow drift, 12 deviations in a day", 288, func(i int, x float64) float64 { return x + 12*float64(i)/288 }, func(f Finding) float64 { return f.Level + f.Lasting + f.Sudden + f.Unseen }},
	} {
		for seed := range uint64(10) {
			var s Everyday
			var found Finding
			took := after5000(seed, func(at int64, x float64) bool {
				f := s.Next(&p, at, x)
				if f.Alarm {
					found = f
				}
				return f.Alarm
			}, c.event)
			if took < 0 || took > c.within {
				t.Errorf("%s, seed %d: found after %d readings, want within %d", c.name, seed, took, c.within)
				continue
			}
			if sum := found.Sudden + found.Lasting + found.Level + found.Spread + found.Unseen; math.Abs(sum-1) > 1e-9 {
				t.Errorf("%s: shares add up to %g", c.name, sum)
			}
			if share := c.part(found); share < 0.8 {
				t.Errorf("%s, seed %d: the finding lays it to something else: %+v", c.name, seed, found)
			}
		}
	}
}

// A series that never moved and then does is found, at any budget.
func TestEverydayFindsFirstMove(t *testing.T) {
	p := EverydayFor(5e-7)
	var s Everyday
	for i := range int64(2010) {
		x := 7.0
		if i >= 2000 {
			x = 7.5
		}
		if f := s.Next(&p, i*300e6, x); f.Alarm {
			if i < 2000 {
				t.Fatalf("alarm at %d, before it moved", i)
			}
			return
		}
	}
	t.Error("not found")
}

// After an alarm the next one is withheld for the quiet period, while the score still tells.
func TestEverydayQuiet(t *testing.T) {
	p := EverydayFor(1e-3)
	var s Everyday
	r := rand.New(rand.NewPCG(1, 1))
	last, alarms, withheld := -1, 0, 0
	for i := range 40000 {
		x := r.NormFloat64()
		if i%500 >= 450 {
			x *= 10
		}
		f := s.Next(&p, int64(i)*300e6, x)
		if f.Score >= 1 && !f.Alarm {
			withheld++
		}
		if !f.Alarm {
			continue
		}
		if quiet := int(min(p.Quiet, p.QuietShare*float64(last+1))); last >= 0 && i-last <= quiet {
			t.Fatalf("alarms at %d and %d, quiet for %d", last, i, quiet)
		}
		last = i
		alarms++
	}
	if alarms < 2 || withheld < 2 {
		t.Errorf("%d alarms, %d withheld: the test shows nothing", alarms, withheld)
	}
}

// The mean run of the CUSUM on noise is that of Siegmund's formula, in control and shifted.
func TestShiftRuns(t *testing.T) {
	const learn, runs = 10000, 300
	for _, c := range []struct {
		side         Side
		limit, shift float64
		want, within float64
	}{
		{Up, 4, 0, 338, 0.2}, {Both, 4, 0, 169, 0.2}, {Down, 4, 0, 338, 0.2},
		{Up, 12.6, 1, 25.5, 0.05}, {Up, 12.6, 2, 9.0, 0.05}, {Down, 12.6, -2, 9.0, 0.05}, {Both, 12.6, -1, 25.5, 0.05},
	} {
		p := ShiftParams{Side: c.side, Learn: learn, Drift: 0.5, Limit: c.limit}
		sum := 0
		for n := range uint64(runs) {
			r := rand.New(rand.NewPCG(n, 9))
			var s Shift
			for i := range int64(learn) {
				s.Next(&p, i, 50+2*r.NormFloat64())
			}
			for i := int64(1); ; i++ {
				if s.Next(&p, learn+i, 50+2*(r.NormFloat64()+c.shift)) >= 1 {
					sum += int(i)
					break
				}
			}
		}
		if run := float64(sum) / runs; !about(run, c.want, c.within) {
			t.Errorf("%v: mean run %.1f, want %g", c, run, c.want)
		}
	}
	up := CUSUMFor(1e-4, Up, learn)
	var s Shift
	for i := range int64(3 * learn) {
		x := float64(i % 2)
		if i > learn {
			x -= 5
		}
		if v := s.Next(&up, i, x); v != 0 {
			t.Fatalf("a fall gives an upward chart %g", v)
		}
	}
}

// A shift that stays is forgotten when the reference follows, and is not when it is held.
func TestShiftFollow(t *testing.T) {
	held := CUSUMFor(1e-4, Both, 500)
	follows := held
	follows.Follow = 300
	var a, b Shift
	r := rand.New(rand.NewPCG(4, 4))
	var va, vb, peak float64
	for i := range int64(6000) {
		x := r.NormFloat64()
		if i >= 1000 {
			x += 3
		}
		va, vb = a.Next(&held, i, x), b.Next(&follows, i, x)
		peak = max(peak, vb)
	}
	if va < 1 || vb >= 1 || peak < 1 {
		t.Errorf("held %g, following %g after a peak of %g; want above 1, below, above", va, vb, peak)
	}
}

func TestNovelty(t *testing.T) {
	p := NoveltyParams{Learn: 100, Forget: 1000, Q: 1e-5}
	var s Novelty
	for i := range 150 {
		if v := s.Next(&p, int64(i), float64(i%11)); v != 0 { // the range is 0 to 10
			t.Fatalf("%g within the range", v)
		}
	}
	n := 150.0
	for _, x := range []float64{15, -10} {
		r := 0.5
		if x < 0 {
			r = 10. / 15 // the range is 0 to 15 by now
		}
		want := -math.Log(2*math.Pow(n, -(1+r))) / -math.Log(1e-5)
		if v := s.Next(&p, 0, x); !about(v, want, 1e-12) {
			t.Errorf("%g after %g readings: %g, want %g", x, n, v, want)
		}
		n++
	}
	if v := s.Next(&p, 0, 14); v != 0 {
		t.Errorf("%g within the new range", v)
	}
	for i := range 2000 { // both extremes have been forgotten after this
		s.Next(&p, 0, float64(i%11))
	}
	if v := s.Next(&p, 0, 14); v <= 0 {
		t.Error("the old range has not been forgotten")
	}
}

// The likelihood rises when the errors do, whichever way, and not with the level that it follows.
func TestLikelihood(t *testing.T) {
	p := LikelihoodFor(1e-5)
	for _, c := range []struct {
		name  string
		event func(int, float64) float64
		found bool
	}{
		{"wider", func(_ int, x float64) float64 { return 20 * x }, true},
		{"shift", func(_ int, x float64) float64 { return x - 15 }, true},
		{"nothing", func(_ int, x float64) float64 { return x }, false},
		{"narrower", func(_ int, x float64) float64 { return x / 4 }, false},
	} {
		var s Likelihood
		took := after5000(7, func(at int64, x float64) bool { return s.Next(&p, at, x) >= 1 }, c.event)
		if (took >= 0) != c.found || took > 40 {
			t.Errorf("%s: found after %d readings, want found %v", c.name, took, c.found)
		}
	}
}

// A level that is usual by day is news by night: the first time only, and less so where news is common.
func TestEverydayUnseen(t *testing.T) {
	p := EverydayFor(1e-3)
	told := func(restless bool) (first, second float64) {
		var s Everyday
		r := rand.New(rand.NewPCG(8, 8))
		for i := range int64(20 * 288) {
			x := r.NormFloat64()
			if i%288 >= 96 && i%288 < 240 { // 8:00 to 20:00
				x += 20
			}
			if restless && i%97 == 0 {
				x = 30 * r.Float64()
			}
			if i >= 19*288+24 && i < 19*288+26 { // 2:00
				x = 20
			}
			f := s.Next(&p, i*300e6, x)
			switch i {
			case 19*288 + 24:
				first = f.Unseen * f.Score * f.Score
			case 19*288 + 25:
				second = f.Unseen
			}
		}
		return first, second
	}
	first, second := told(false)
	if first <= 0.5 || second != 0 {
		t.Errorf("told %g, then %g", first, second)
	}
	if restless, _ := told(true); restless >= first/2 {
		t.Errorf("told %g where there is always something new, %g where there is not", restless, first)
	}
}
