package forecast

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func habits() *Habits {
	return &Habits{Log: true, Week: true, Level: 7 * 24, Inputs: 1, Memory: 60 * 24, Clip: 2, Cover: Cover{0.8, 0.02}}
}

// town is the load of a town: a day, a week, weather that lasts for days (known a day ahead in part, by the input), noise.
func town(n int, r *rand.Rand) (x, other, input []float64) {
	weather := 0.
	for k := range n {
		weather = 0.98*weather + 0.02*r.NormFloat64()
		day := 1 + 0.3*math.Sin(2*math.Pi*float64(k%24-9)/24)
		if k/24%7 >= 5 {
			day *= 0.8
		}
		x = append(x, 1000*day*math.Exp(weather+0.01*r.NormFloat64()))
		other = append(other, 700*day*math.Exp(weather+0.01*r.NormFloat64()))
		input = append(input, weather)
	}
	return x, other, input
}

func TestSeasonBeatsYesterdayAndLastWeek(t *testing.T) {
	x, other, input := town(24*400, rand.New(rand.NewPCG(1, 2)))
	var s Season
	p := habits()
	var model, yesterday, week float64
	in, n := 0, 0
	for k := range x {
		if gap := k/24 == 200 || k%97 == 0; !gap { // a day is missing, and an hour now and then
			s.Next(p, start+int64(k)*hour, x[k], other[k], input[k:k+1])
		}
		if k < 24*100 || k+24 >= len(x) || k/24 == 200 || k/24 == 199 {
			continue
		}
		if k%97 == 0 {
			continue // the newest hour is not there
		}
		likely, low, high, ok := s.Day(p)
		if !ok {
			t.Fatalf("hour %d: no forecast", k)
		}
		y := x[k+24]
		model += math.Abs(likely - y)
		yesterday += math.Abs(x[k] - y)
		week += math.Abs(x[k+24-168] - y)
		n++
		if low <= y && y <= high {
			in++
		}
	}
	if model > 0.75*yesterday || model > 0.75*week {
		t.Errorf("error %.3f of yesterday's and %.3f of last week's", model/yesterday, model/week)
	}
	if got := float64(in) / float64(n); math.Abs(got-0.8) > 0.02 {
		t.Errorf("%.3f in the 80 %% band", got)
	}
}

// The path of the next day starts where the series is and ends where Day is.
func TestSeasonPath(t *testing.T) {
	x, other, input := town(24*60, rand.New(rand.NewPCG(1, 3)))
	var s Season
	p := habits()
	if _, ok := s.Forecast(p); ok {
		t.Error("a forecast of nothing")
	}
	if _, _, _, ok := s.Day(p); ok {
		t.Error("a day ahead of nothing")
	}
	for k := range x {
		s.Next(p, start+int64(k)*hour, x[k], other[k], input[k:k+1])
	}
	path, ok := s.Forecast(p)
	likely, low, high, _ := s.Day(p)
	l, h := path.Band(23)
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6*b }
	if !ok || !near(path.Likely[23], likely) || !near(l, low) || !near(h, high) {
		t.Errorf("the path ends at %.1f (%.1f-%.1f), Day says %.1f (%.1f-%.1f)", path.Likely[23], l, h, likely, low, high)
	}
	if path.Now != start+int64(len(x)-1)*hour || path.At < 0.999*x[len(x)-1] || path.At > 1.001*x[len(x)-1] {
		t.Errorf("the path begins at %d with %.1f", path.Now, path.At)
	}
	for k := range path.Likely[1:] {
		if path.Below[k] > 1.5*path.Below[23] || path.Below[k] < 0 || path.Above[k] < 0 {
			t.Errorf("hour %d: band of %.1f below and %.1f above", k+1, path.Below[k], path.Above[k])
		}
	}
}

// The band of every hour of the path holds its share, and the nearer the hour the smaller the error.
func TestSeasonPathHoldsItsShare(t *testing.T) {
	x, other, input := town(24*300, rand.New(rand.NewPCG(1, 6)))
	var s Season
	p := habits()
	var in, n [daily]int
	var miss [daily]float64
	for k := range x {
		s.Next(p, start+int64(k)*hour, x[k], other[k], input[k:k+1])
		path, ok := s.Forecast(p)
		if !ok || k < 24*80 {
			continue
		}
		for a := range path.Likely {
			if k+1+a < len(x) {
				low, high := path.Band(a)
				n[a]++
				miss[a] += math.Abs(path.Likely[a] - x[k+1+a])
				if low <= x[k+1+a] && x[k+1+a] <= high {
					in[a]++
				}
			}
		}
	}
	for a := range in {
		if got := float64(in[a]) / float64(n[a]); math.Abs(got-0.8) > 0.05 {
			t.Errorf("%d h ahead: %.3f in the 80 %% band", a+1, got)
		}
	}
	if miss[0] > 0.8*miss[11] || miss[5] > miss[23] {
		t.Errorf("errors 1, 6, 12 and 24 h ahead: %.1f %.1f %.1f %.1f", miss[0]/float64(n[0]), miss[5]/float64(n[5]), miss[11]/float64(n[11]), miss[23]/float64(n[23]))
	}
}

func TestSeasonAfterGaps(t *testing.T) {
	x, _, _ := town(24*80, rand.New(rand.NewPCG(1, 4)))
	for name, c := range map[string]struct{ from, to int }{
		"an hour":     {24 * 60, 24*60 + 1},
		"a day":       {24 * 60, 24 * 61},
		"nine days":   {24 * 60, 24 * 69},
		"twelve days": {24 * 60, 24 * 72},
	} {
		var s Season
		p := habits()
		worst := 0.
		for k := range x {
			if k >= c.from && k < c.to {
				continue
			}
			s.Next(p, start+int64(k)*hour, x[k], math.NaN(), nil)
			if k < c.to {
				continue
			}
			likely, low, high, ok := s.Day(p)
			if ok {
				worst = max(worst, likely/x[k], x[k]/likely, high/low)
			}
			if ok && !(low <= likely && likely <= high) || math.IsNaN(likely) {
				t.Fatalf("%s: hour %d: %g in %g-%g", name, k, likely, low, high)
			}
		}
		if worst == 0 || worst > 2 {
			t.Errorf("%s: after it a forecast is off by a factor of %.2f", name, worst)
		}
	}
}

func TestSeasonDoesNotLookAhead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		x, other, input := town(24*26, r)
		cut := rapid.IntRange(24*2, len(x)-1).Draw(t, "cut")
		p := habits()
		p.Week = rapid.Bool().Draw(t, "week")
		var a, b Season
		for k := range x {
			if r.Float64() < 0.05 {
				continue
			}
			at := start + int64(k)*hour
			a.Next(p, at, x[k], other[k], input[k:k+1])
			if k > cut {
				b.Next(p, at, 1e4*r.Float64(), math.NaN(), nil)
				continue
			}
			if k%50 == 0 {
				state, _ := b.AppendBinary(nil)
				b = Season{}
				if err := b.UnmarshalBinary(state); err != nil {
					t.Fatal(err)
				}
			}
			b.Next(p, at, x[k], other[k], input[k:k+1])
			l1, lo1, hi1, ok1 := a.Day(p)
			l2, lo2, hi2, ok2 := b.Day(p)
			if l1 != l2 || lo1 != lo2 || hi1 != hi2 || ok1 != ok2 {
				t.Fatalf("hour %d differs", k)
			}
		}
	})
}

// What is not a snapshot is refused and leaves the state as it was.
func TestSnapshotsRefuseWhatTheyDidNotWrite(t *testing.T) {
	x, _, _ := town(100, rand.New(rand.NewPCG(1, 5)))
	var s Season
	var tr Trend
	var w Wave
	var day DayAhead
	var hours Hourly
	p := made()
	for k := range x {
		at := start + int64(k)*hour
		day.Next(ahead(Highest, 24), at, x[k])
		hours.Next(&HourlyParams{Every: minute}, at, x[k], func(int64, float64) {})
		s.Next(habits(), at, x[k], x[k], nil)
		tr.Next(pace(), at, x[k])
		for i := range 3 {
			w.Next(&p, i, at, x[k]/1000)
		}
	}
	for name, c := range map[string]interface {
		AppendBinary([]byte) ([]byte, error)
		UnmarshalBinary([]byte) error
	}{"season": &s, "trend": &tr, "wave": &w, "day ahead": &day, "hours": &hours} {
		state, _ := c.AppendBinary(nil)
		for _, bad := range [][]byte{nil, {9}, state[:len(state)-1], append(bytes.Clone(state), 0), bytes.Repeat([]byte{1}, 40),
			bytes.Repeat([]byte{255}, len(state))} {
			if err := c.UnmarshalBinary(bad); err == nil {
				t.Errorf("%s took %d bytes that it did not write", name, len(bad))
			}
		}
		if again, _ := c.AppendBinary(nil); !bytes.Equal(state, again) {
			t.Errorf("%s: a refused snapshot changed the state", name)
		}
	}
}

func BenchmarkSeason(b *testing.B) {
	x, other, input := town(24*400, rand.New(rand.NewPCG(1, 2)))
	var s Season
	p := habits()
	for k := 0; b.Loop(); k++ {
		i := k % len(x)
		s.Next(p, start+int64(k)*hour, x[i], other[i], input[i:i+1])
	}
}

func BenchmarkTrend(b *testing.B) {
	var s Trend
	p := pace()
	for k := 0; b.Loop(); k++ {
		s.Next(p, start+int64(k)*minute, float64(k%100))
	}
}

func BenchmarkWaveForecast(b *testing.B) {
	p := made()
	levels := flow(&p, 96*10, 96*5, 0.003, rand.New(rand.NewPCG(3, 1)))
	var w Wave
	for k := 0; b.Loop(); k++ {
		at := start + int64(k)*quarter
		for i := range levels {
			w.Next(&p, i, at, levels[i][k%len(levels[i])])
		}
		w.Forecast(&p, 2, at)
	}
}
