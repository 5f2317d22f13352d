package forecast

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func pace() *TrendParams {
	return &TrendParams{Memory: 2 * hour, Ahead: 4 * hour, Every: hour, Cover: Cover{0.8, 0.05}}
}

// On an exact line, read at any times, every forecast is exact, and so is the time of passing a level.
func TestTrendGoesStraightOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slope := rapid.Float64Range(0.5, 20).Draw(t, "slope") // an hour
		base := rapid.Float64Range(-1000, 1000).Draw(t, "base")
		on := func(at int64) float64 { return base + slope*float64(at-start)/float64(hour) }
		var s Trend
		p, at := pace(), start
		for at < start+2*day {
			at += rapid.Int64Range(minute, 30*minute).Draw(t, "span")
			s.Next(p, at, on(at))
		}
		path, ok := s.Forecast(p, at)
		if !ok {
			t.Fatal("no forecast after two days")
		}
		for k, x := range path.Likely {
			if want := on(path.From + int64(k)*path.Step); math.Abs(x-want) > 1e-6*(math.Abs(base)+100) {
				t.Fatalf("step %d: %g, want %g", k, x, want)
			}
		}
		due := at + 3*hour
		if c := path.Passes(on(due)); c.Likely < due-second || c.Likely > due+second || c.Earliest > c.Likely {
			t.Fatalf("passes at %v, want %d", c, due)
		}
	})
}

// On noise about a line, on a random walk, and on a walk whose pace changes, the band holds its share.
func TestTrendBandHoldsItsShare(t *testing.T) {
	var level, walk, drift float64
	for _, c := range []struct {
		name string
		next func(k int, r *rand.Rand) float64
	}{
		{"noise about a line", func(k int, r *rand.Rand) float64 { return 0.01*float64(k) + r.NormFloat64() }},
		{"random walk", func(_ int, r *rand.Rand) float64 { level += r.NormFloat64(); return level }},
		{"walking pace", func(_ int, r *rand.Rand) float64 {
			drift = 0.98*drift + 0.1*r.NormFloat64()
			walk += drift
			return walk
		}},
	} {
		r := rand.New(rand.NewPCG(7, 7))
		var s Trend
		p := pace()
		xs := make([]float64, 12*24*80)
		for k := range xs {
			xs[k] = c.next(k, r)
		}
		for _, lead := range []int{3, 12, 24, 48} { // steps of 5 minutes
			s = Trend{}
			in, n := 0, 0
			for k, x := range xs {
				at := start + int64(k)*5*minute
				s.Next(p, at, x)
				path, ok := s.Forecast(p, at)
				if !ok || k < 12*24*5 || k+lead >= len(xs) {
					continue
				}
				i := int(int64(lead)*5*minute/path.Step) - 1
				n++
				if low, high := path.Band(i); low <= xs[k+lead] && xs[k+lead] <= high {
					in++
				}
			}
			if got := float64(in) / float64(n); math.Abs(got-0.8) > 0.05 {
				t.Errorf("%s, %d min ahead: %.3f in the 80 %% band", c.name, lead*5, got)
			}
		}
	}
}

// A tank fills at a pace that changes; asked again and again before it is full, the trend names the time.
func TestTrendSaysWhenALevelIsPassed(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	p := pace()
	early, late, n := 0, 0, 0
	for range 60 {
		var s Trend
		x, rate := 0., 1. // an hour
		var asked []Crossing
		at := start
		const full = 60.
		for ; x < full; at += 5 * minute {
			rate = max(0.2, rate+0.05*(1-rate)+0.05*r.NormFloat64())
			x += rate / 12
			s.Next(p, at, x+0.05*r.NormFloat64())
			if path, ok := s.Forecast(p, at); ok && x > full-3 && x < full-1 {
				asked = append(asked, path.Passes(full))
			}
		}
		for _, c := range asked {
			n++
			switch {
			case c.Never() || c.Earliest > at:
				early++ // it came before the band said it could
			case c.Latest != 0 && c.Latest < at:
				late++
			}
		}
	}
	in := 1 - float64(early+late)/float64(n)
	t.Logf("%d times asked: %.2f passed within the band, %.2f earlier, %.2f later", n, in, float64(early)/float64(n), float64(late)/float64(n))
	if n < 500 || in < 0.72 || in > 0.92 {
		t.Errorf("the 80 %% band of the time held %.2f of %d", in, n)
	}
}

func TestTrendAfterAGap(t *testing.T) {
	var s Trend
	p := pace()
	for k := range int64(300) {
		s.Next(p, start+k*10*minute, float64(k))
	}
	judged := s.tries[0].judged
	at := start + 300*10*minute + 3*day
	s.Next(p, at, 1000)
	if s.tries[0].judged != judged {
		t.Error("a line over a gap was taken for an outcome")
	}
	path, ok := s.Forecast(p, at)
	if !ok || math.Abs(path.Likely[0]-1000) > 1e-6 || math.Abs(path.Likely[steps-1]-1000) > 1e-6 {
		t.Errorf("after the gap the trend is not level at the new reading: %v %v", ok, path.Likely)
	}
	s.Next(p, at-hour, 5) // older than the newest
	if again, _ := s.Forecast(p, at); again.At != path.At {
		t.Error("an old reading moved the trend")
	}
}

func TestTrendDoesNotLookAhead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pace()
		p.Damp = rapid.SampledFrom([]int64{0, 3 * hour}).Draw(t, "damp")
		n := rapid.IntRange(100, 300).Draw(t, "n")
		cut := rapid.IntRange(1, n-1).Draw(t, "cut")
		var a, b Trend
		at, r := start, rand.New(rand.NewPCG(uint64(n), uint64(cut)))
		for k := range n {
			at += 1 + r.Int64N(30*minute)
			x := r.NormFloat64()
			a.Next(p, at, x)
			if k == cut {
				state, _ := b.AppendBinary(nil)
				b = Trend{}
				if err := b.UnmarshalBinary(state); err != nil {
					t.Fatal(err)
				}
			}
			b.Next(p, at, x)
			if a != b {
				t.Fatalf("reading %d: a snapshot changed the trend", k)
			}
		}
	})
}
