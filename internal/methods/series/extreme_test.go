package series

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// The rate of false alarms is what was asked for, whatever the distribution: within a factor of two over many streams.
func TestSpotKeepsItsRate(t *testing.T) {
	const streams, each = 12, 20_000
	noise := map[string]func(r *rand.Rand) float64{
		"gaussian":    func(r *rand.Rand) float64 { return r.NormFloat64() },
		"exponential": func(r *rand.Rand) float64 { return r.ExpFloat64() },
		// Student's t with 4 degrees of freedom: shape 1/4.
		"heavy tail": func(r *rand.Rand) float64 {
			var c float64
			for range 4 {
				g := r.NormFloat64()
				c += g * g
			}
			return r.NormFloat64() / math.Sqrt(c/4)
		},
		"pareto of index 3": func(r *rand.Rand) float64 { return math.Pow(1-r.Float64(), -1./3) },
	}
	drift := map[string]func(i int) float64{
		"steady":   func(int) float64 { return 0 },
		"drifting": func(i int) float64 { return 20*math.Sin(float64(i)/20000) + float64(i)/2000 },
	}
	for name, x := range noise {
		for how, at := range drift {
			for _, two := range []bool{false, true} {
				if edge := name != "gaussian" && name != "heavy tail"; two && edge {
					continue // the low side is an edge: beyond it is nothing but the wandering of the moving mean
				}
				for _, q := range []float64{1e-3, 2e-4} {
					p := SpotParams{Learn: 1000, Tail: 0.02, Q: q, Two: two}
					if how == "drifting" {
						p.Depth = 100
					}
					var alarms, judged int
					for stream := range streams {
						r := rand.New(rand.NewPCG(uint64(stream), 7))
						var s Spot
						for i := range each {
							score, ok := s.Next(&p, 0, at(i)+x(r))
							if ok {
								judged++
								if score > 1 {
									alarms++
								}
							}
						}
					}
					rate := float64(alarms) / float64(judged)
					t.Logf("%-18s %-9s two=%-5v q=%g: measured %.3g, factor %.2f", name, how, two, q, rate, rate/q)
					if rate > 2*q || rate < q/2 {
						t.Errorf("%s, %s, two sides %v: rate of false alarms %g, asked for %g", name, how, two, rate, q)
					}
				}
			}
		}
	}
}

func TestSpotTellsSides(t *testing.T) {
	for _, tc := range []struct {
		name   string
		two    bool
		add    float64
		raises bool
	}{
		{"high", false, 12, true},
		{"low with one side", false, -12, false},
		{"low with two", true, -12, true},
		{"nothing", true, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := SpotParams{Learn: 500, Tail: 0.04, Q: 1e-6, Depth: 100, Two: tc.two}
			r := rand.New(rand.NewPCG(1, 2))
			var s Spot
			for range 2000 {
				s.Next(&p, 0, 50+r.NormFloat64())
			}
			if low, high := s.Levels(); high < 52 || high > 60 || tc.two != (low > 40 && low < 48) {
				t.Errorf("levels %g to %g", low, high)
			}
			if score, _ := s.Next(&p, 0, 50+tc.add); (score > 1) != tc.raises {
				t.Errorf("score %g", score)
			}
		})
	}
}

// A shift that stays is extreme at first and then no more: the moving mean goes there.
func TestSpotSettlesAfterShift(t *testing.T) {
	p := SpotParams{Learn: 500, Tail: 0.04, Q: 1e-6, Depth: 50}
	r := rand.New(rand.NewPCG(3, 2))
	var s Spot
	for range 2000 {
		s.Next(&p, 0, r.NormFloat64())
	}
	last := 0
	for i := range 2000 {
		if score, _ := s.Next(&p, 0, 30+r.NormFloat64()); score > 1 {
			last = i
		}
	}
	if last == 0 || last > 500 {
		t.Errorf("the last alarm came %d readings after the shift", last)
	}
}

// An event of many readings does not make its own size normal.
func TestSpotAfterLongEvent(t *testing.T) {
	p := SpotParams{Learn: 1000, Tail: 0.02, Q: 1e-4}
	r := rand.New(rand.NewPCG(4, 2))
	var s Spot
	for range 5000 {
		s.Next(&p, 0, r.NormFloat64())
	}
	_, before := s.Levels()
	for range 150 {
		s.Next(&p, 0, 50)
	}
	if _, after := s.Levels(); after > 1.2*before {
		t.Errorf("level %g after the event, %g before", after, before)
	}
}

func TestSpotOfConstant(t *testing.T) {
	p := SpotParams{Learn: 100, Tail: 0.05, Q: 1e-4}
	var s Spot
	for range 1000 {
		if score, _ := s.Next(&p, 0, 7); score != 0 {
			t.Fatalf("a reading like all others scores %g", score)
		}
	}
	if score, _ := s.Next(&p, 0, 7.1); !(score > 1) || math.IsInf(score, 0) {
		t.Errorf("score of the first that differs: %g", score)
	}
}

// The fit finds shape and scale of samples of known distribution (inverse of the distribution function at even steps).
func TestPareto(t *testing.T) {
	for _, tc := range []struct{ shape, scale float64 }{{0.3, 2}, {0, 5}, {-0.2, 1}} {
		y := make([]float32, MaxExcess)
		for i := range y {
			u := 1 - (float64(i)+0.65)/MaxExcess
			if tc.shape == 0 {
				y[i] = float32(-tc.scale * math.Log(u))
			} else {
				y[i] = float32(tc.scale / tc.shape * (math.Pow(u, -tc.shape) - 1))
			}
		}
		shape, scale := pareto(y)
		if math.Abs(shape-tc.shape) > 0.05 || math.Abs(scale/tc.scale-1) > 0.05 {
			t.Errorf("shape %g and scale %g fitted to %g and %g", shape, scale, tc.shape, tc.scale)
		}
	}
}

// No fit makes an excess impossible that was seen.
func TestParetoAllowsWhatWasSeen(t *testing.T) {
	// Of these the moments alone make a shape of -0.5 and an end at 8.7.
	if shape, scale := pareto([]float32{1, 1, 2, 2, 2, 3, 3, 3, 9}); shape != 0 || math.Abs(scale-26./9) > 1e-6 {
		t.Errorf("shape %g, scale %g, want the exponential with the mean %g", shape, scale, 26./9)
	}
	rapid.Check(t, func(t *rapid.T) {
		y := rapid.SliceOfN(rapid.Float32Range(0, 10), 1, MaxExcess).Draw(t, "excesses")
		shape, scale := pareto(y)
		if top := float64(slices.Max(y)); shape < 0 && top > -scale/shape {
			t.Fatalf("shape %g, scale %g: nothing lies over %g, but %g was seen", shape, scale, -scale/shape, top)
		}
		if scale < 0 || math.IsNaN(shape) {
			t.Fatalf("shape %g, scale %g", shape, scale)
		}
	})
}

// The tail forgets: the level follows noise that has become three times as wide. Not all the way, since the threshold of
// the tail stays where it was learned.
func TestSpotFollowsNoise(t *testing.T) {
	p := SpotParams{Learn: 1000, Tail: 0.02, Q: 1e-4}
	r := rand.New(rand.NewPCG(8, 2))
	var s Spot
	for range 5000 {
		s.Next(&p, 0, r.NormFloat64())
	}
	_, before := s.Levels()
	for range 100_000 {
		s.Next(&p, 0, 3*r.NormFloat64())
	}
	if _, after := s.Levels(); after < 1.8*before || after > 4*before {
		t.Errorf("level %g, before %g", after, before)
	}
}

func TestSpotSnapshotAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := SpotParams{
			Learn: rapid.IntRange(5, 60).Draw(t, "learn"), Tail: 0.1, Q: 0.01,
			Depth: rapid.IntRange(0, 20).Draw(t, "depth"), Two: rapid.Bool().Draw(t, "two"),
		}
		xs := rapid.SliceOfN(rapid.Float64Range(-50, 50), 1, 300).Draw(t, "readings")
		cut := rapid.IntRange(0, len(xs)).Draw(t, "cut")
		var whole, before, after Spot
		for i, x := range xs {
			if i == cut {
				b, _ := before.AppendBinary(nil)
				if err := after.UnmarshalBinary(b); err != nil {
					t.Fatal(err)
				}
				if before != after {
					t.Fatal("the state taken up is not the one written down")
				}
			}
			want, wok := whole.Next(&p, 0, x)
			s := &before
			if i >= cut {
				s = &after
			}
			if got, ok := s.Next(&p, 0, x); got != want || ok != wok || math.IsNaN(got) {
				t.Fatalf("reading %d: score %g, want %g", i, got, want)
			}
		}
	})
}

func TestSpotSize(t *testing.T) {
	if n := unsafe.Sizeof(Spot{}); n != 1720 {
		t.Errorf("a Spot holds %d bytes; its comment says otherwise", n)
	}
	var s Spot
	p := SpotParams{Learn: 100, Tail: 0.05, Q: 0.01, Two: true}
	r := rand.New(rand.NewPCG(1, 2))
	if n := testing.AllocsPerRun(1000, func() { s.Next(&p, 0, r.NormFloat64()) }); n != 0 {
		t.Errorf("%v allocations a reading", n)
	}
	for _, b := range [][]byte{nil, {spotVersion}, {9, 9}, append([]byte{spotVersion}, make([]byte, 30)...)} {
		if s.UnmarshalBinary(b) == nil {
			t.Errorf("took up %v", b)
		}
	}
}

func BenchmarkSpot(b *testing.B) {
	p := SpotParams{Learn: 1000, Tail: 0.02, Q: 1e-6, Depth: 200, Two: true}
	r := rand.New(rand.NewPCG(1, 2))
	xs := make([]float64, 1<<14)
	for i := range xs {
		xs[i] = r.NormFloat64()
	}
	var s Spot
	for i := 0; b.Loop(); i++ {
		s.Next(&p, 0, xs[i%len(xs)])
	}
}
