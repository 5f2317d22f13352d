package forecast

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

const (
	quarter = 15 * minute
	start   = int64(1.7e15) / hour * hour
)

func TestRoute(t *testing.T) {
	front := make([]float64, 40)
	for k := range front {
		front[k] = 1
		if k >= 10 {
			front[k] = 2
		}
	}
	arrives := func(r Reach, upper []float64, above float64) int {
		lower := make([]float64, len(upper))
		r.route(upper, lower, quarter)
		for k, x := range lower {
			if x >= above {
				return k
			}
		}
		return -1
	}
	for _, c := range []struct {
		name string
		r    Reach
		want int
	}{
		{"one travel time", Reach{Low: 1, High: 2, Slow: hour, Fast: hour, Gain: 1}, 14},
		{"high water is faster", Reach{Low: 1, High: 2, Slow: 3 * hour, Fast: hour, Gain: 1}, 14},
		{"no travel time", Reach{Low: 1, High: 2, Gain: 1}, 10},
		{"a reservoir takes 0.69 of its time constant to half", Reach{Low: 1, High: 2, Slow: hour, Fast: hour, Store: 2 * hour, Gain: 1}, 10 + 4 + 5},
	} {
		if got := arrives(c.r, front, 1.5); got != c.want {
			t.Errorf("%s: half of the front arrives at step %d, want %d", c.name, got, c.want)
		}
	}

	// Steady water gives the corresponding stage, whatever the reach.
	lower := make([]float64, 40)
	r := Reach{Low: 0, High: 3, Slow: 4 * hour, Fast: hour, Store: hour, Gain: 0.8, Offset: 0.3}
	r.route(slicesRepeat(1.5, 40), lower, quarter)
	for k, x := range lower {
		if math.Abs(x-1.5) > 1e-12 {
			t.Fatalf("step %d of steady water: %g", k, x)
		}
	}
}

func slicesRepeat(x float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = x
	}
	return out
}

// made is a river with known reaches.
func made() River {
	return River{Step: quarter, Back: 96, Ahead: 48, Base: 0.4, Recede: 18 * hour, Forget: DefaultForget, Slack: DefaultSlack,
		Floor: DefaultFloor, Part: DefaultPart, Timing: DefaultTiming, Cover: Cover{0.8, 0.05},
		Reaches: []Reach{
			{Low: 0.4, High: 1.6, Slow: 4 * hour, Fast: 2 * hour, Store: hour, Gain: 0.9, Offset: 0.1},
			{Low: 0.5, High: 1.5, Slow: 3 * hour, Fast: 3 * hour, Store: 30 * minute, Gain: 0.8, Offset: 0.15},
		}}
}

// flow makes levels of all gauges of a river: waves that rise within three hours and fall within a day.
func flow(p *River, steps, every int, noise float64, r *rand.Rand) [][]float64 {
	out := make([][]float64, len(p.Reaches)+1)
	top := slicesRepeat(p.Base, steps)
	for at := every / 2; at < steps; at += every {
		high := 0.4 + 0.6*r.Float64()
		for k := at; k < steps; k++ {
			h := float64(k-at) * float64(p.Step) / float64(hour)
			top[k] += high * min(h/3, 1) * math.Exp(-max(h-3, 0)/18)
		}
	}
	out[0] = top
	for i := range p.Reaches {
		out[i+1] = make([]float64, steps)
		p.Reaches[i].route(out[i], out[i+1], p.Step)
	}
	for _, x := range out {
		for k := range x {
			x[k] += noise * r.NormFloat64()
		}
	}
	return out
}

func TestFitRiverFindsWhatWasMade(t *testing.T) {
	p := made()
	levels := flow(&p, 96*5, 96*4, 0.003, rand.New(rand.NewPCG(1, 1)))
	got, err := FitRiver(quarter, levels, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range got.Reaches {
		want := p.Reaches[i]
		_, high := bounds(levels[i])
		takes := func(r Reach) float64 { return (r.travel(high, 1) + float64(r.Store)) / float64(hour) }
		if a, b := takes(r), takes(want); math.Abs(a-b) > 0.5 {
			t.Errorf("reach %d: the wave takes %.2f h, want %.2f", i, a, b)
		}
		if math.Abs(r.Gain-want.Gain) > 0.03 || math.Abs(r.Offset-want.Offset) > 0.03 {
			t.Errorf("reach %d: gain %.3f offset %.3f, want %.3f and %.3f", i, r.Gain, r.Offset, want.Gain, want.Offset)
		}
	}
	if got.Recede < 14*hour || got.Recede > 22*hour {
		t.Errorf("recession of %.1f h, want about 18", float64(got.Recede)/float64(hour))
	}
}

func TestFitRiverRefuses(t *testing.T) {
	for name, levels := range map[string][][]float64{
		"one gauge":                 {slicesRepeat(1, 200)},
		"lengths differ":            {slicesRepeat(1, 200), slicesRepeat(1, 100)},
		"nothing moves":             {slicesRepeat(1, 200), slicesRepeat(1, 200)},
		"too short":                 {{1, 2, 3}, {1, 2, 3}},
		"the lower gauge runs away": {ramp(200, 1), ramp(200, -1)},
	} {
		if p, err := FitRiver(quarter, levels, nil); err == nil {
			t.Errorf("%s: fitted %+v", name, p.Reaches)
		}
	}
}

// Rain on all of the valley lets every gauge rise at once; the length of the reach keeps the travel time.
func TestFitRiverKeepsTheWay(t *testing.T) {
	p := made()
	levels := flow(&p, 96*5, 96*4, 0.003, rand.New(rand.NewPCG(1, 1)))
	together := [][]float64{levels[0], levels[0]}
	for _, least := range []int64{0, 2 * hour} {
		got, err := FitRiver(quarter, together, []int64{least})
		if err != nil {
			t.Fatal(err)
		}
		if got.Reaches[0].Fast != least {
			t.Errorf("high water takes %.2f h, want %.2f", float64(got.Reaches[0].Fast)/float64(hour), float64(least)/float64(hour))
		}
	}
	if _, err := FitRiver(quarter, together, []int64{1, 2}); err == nil {
		t.Error("two travel times for one reach were taken")
	}
}

func ramp(n int, by float64) []float64 {
	out := make([]float64, n)
	for k := range out {
		out[k] = by * float64(k)
	}
	return out
}

// The peak at the lowest gauge is known, within the band, as soon as it has passed the uppermost one.
func TestWaveForecastsThePeak(t *testing.T) {
	p := made()
	levels := flow(&p, 96*60, 96*5, 0.003, rand.New(rand.NewPCG(3, 1)))
	var w Wave
	height, timely, n := 0, 0, 0
	for k := range levels[0] {
		at := start + int64(k)*quarter
		for i := range levels {
			w.Next(&p, i, at, levels[i][k])
		}
		lead := 20 // 5 h, within the 6.5 h that the river gives
		if k < 96*3 || k+lead+40 >= len(levels[2]) {
			continue
		}
		low, high := bounds(levels[2][k+lead-40 : k+lead+41])
		if levels[2][k+lead] != high || high-low < 0.15 {
			continue
		}
		path, ok := w.Forecast(&p, 2, at)
		if !ok {
			t.Fatal("no forecast")
		}
		peak, ok := path.Peak()
		if !ok {
			t.Errorf("no peak seen 5 h before one of %.2f m", high)
			continue
		}
		n++
		if peak.Low <= high && high <= peak.High {
			height++
		}
		if due := at + int64(lead)*quarter; peak.Earliest <= due && due <= peak.Latest {
			timely++
		}
		if math.Abs(peak.Level-high) > 0.03 {
			t.Errorf("a peak of %.3f m was forecast as %.3f", high, peak.Level)
		}
	}
	if n < 8 || height < n-1 || timely < n-1 {
		t.Errorf("of %d peaks the band held %d heights and %d times", n, height, timely)
	}
}

// A gauge that is silent while the wave passes is put in by what its neighbour sends down.
func TestWaveBridgesASilentGauge(t *testing.T) {
	p := made()
	levels := flow(&p, 96*10, 96*5, 0, rand.New(rand.NewPCG(5, 1)))
	var all, gap Wave
	worst, silent := 0., 0
	for k := range levels[0] {
		at := start + int64(k)*quarter
		for i := range levels {
			all.Next(&p, i, at, levels[i][k])
			if i == 1 && k >= 240 && k < 320 {
				silent++
				continue
			}
			gap.Next(&p, i, at, levels[i][k])
		}
		if k < 200 {
			continue
		}
		a, _ := all.Forecast(&p, 2, at)
		b, ok := gap.Forecast(&p, 2, at)
		if !ok {
			t.Fatalf("step %d: no forecast", k)
		}
		for j := range a.Likely {
			worst = max(worst, math.Abs(a.Likely[j]-b.Likely[j]))
		}
	}
	if silent != 80 || worst > 0.02 {
		t.Errorf("with a gauge silent for %d steps the forecast is off by up to %.3f m", silent, worst)
	}
}

// When the uppermost gauge is gone the chain begins at the next one, and less is known ahead.
func TestWaveWithoutItsUppermostGauge(t *testing.T) {
	p := made()
	levels := flow(&p, 96*15, 96*5, 0.002, rand.New(rand.NewPCG(6, 1)))
	_, high := bounds(levels[2][96*11:])
	top := 96 * 11
	for levels[2][top] != high {
		top++
	}
	var w Wave
	for k := range levels[0][:top-8] { // until two hours before the peak
		for i := range levels {
			if i > 0 || k < 96*8 {
				w.Next(&p, i, start+int64(k)*quarter, levels[i][k])
			}
		}
	}
	now := start + int64(top-9)*quarter
	path, ok := w.Forecast(&p, 2, now)
	if want := now + p.Reaches[1].Fast + p.Reaches[1].Store; !ok || path.Known != want {
		t.Fatalf("known until %d, want %d (%v)", path.Known, want, ok)
	}
	if peak, ok := path.Peak(); !ok || math.Abs(peak.Level-high) > 0.03 {
		t.Errorf("a peak of %.3f m was forecast as %.3f", high, peak.Level)
	}
	if _, ok := w.Forecast(&p, 1, now); ok {
		t.Error("a forecast of the gauge at which the chain begins")
	}
}

// Gauges that are read at odd times, each at its own, give nearly the same forecasts.
func TestWaveReadAtOddTimes(t *testing.T) {
	p := made()
	r := rand.New(rand.NewPCG(11, 1))
	levels := flow(&p, 96*12, 96*5, 0, r)
	var even, odd Wave
	var seen [3]int64
	sum, n := 0., 0.
	for k := range levels[0][:96*12-1] {
		at := start + int64(k)*quarter
		for i := range levels {
			even.Next(&p, i, at, levels[i][k])
			if f := r.Float64(); r.Float64() < 0.6 || at-seen[i] > 45*minute {
				seen[i] = at + int64(f*float64(quarter))
				odd.Next(&p, i, seen[i], levels[i][k]+f*(levels[i][k+1]-levels[i][k]))
			}
		}
		if k < 96 {
			continue
		}
		a, _ := even.Forecast(&p, 2, at+quarter-1)
		b, ok := odd.Forecast(&p, 2, at+quarter-1)
		if !ok {
			t.Fatal("no forecast")
		}
		for j := range a.Likely {
			if math.IsNaN(b.Likely[j]) {
				t.Fatal("not a number")
			}
		}
		x, okx := a.Peak()
		y, oky := b.Peak()
		if okx && oky {
			sum, n = sum+math.Abs(x.Level-y.Level), n+1
		}
	}
	t.Logf("%.0f forecasts of peaks differ by %.4f m in the mean", n, sum/n)
	if n < 20 || sum/n > 0.03 {
		t.Errorf("%.0f forecasts of peaks differ by %.3f m in the mean", n, sum/n)
	}
}

// Whatever comes later changes nothing that was said before, and a snapshot anywhere changes nothing at all.
func TestWaveDoesNotLookAhead(t *testing.T) {
	p := made()
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		levels := flow(&p, 96*3, 96*2, 0.01, r)
		cut := rapid.IntRange(100, 96*3-1).Draw(t, "cut")
		changed := make([][]float64, len(levels))
		for i := range levels {
			changed[i] = append([]float64(nil), levels[i]...)
			for k := cut; k < len(changed[i]); k++ {
				changed[i][k] = 5 * r.Float64()
			}
		}
		var a, b Wave
		told := func(w *Wave, levels [][]float64, k int, drop bool) (Path, bool) {
			at := start + int64(k)*quarter
			for i := range levels {
				if !drop {
					w.Next(&p, i, at, levels[i][k])
				}
			}
			return w.Forecast(&p, 2, at)
		}
		holes := rand.New(rand.NewPCG(9, uint64(cut)))
		for k := range levels[0] {
			drop := k > 0 && holes.Float64() < 0.1
			x, okx := told(&a, levels, k, drop)
			if k == cut/2 {
				state, err := b.AppendBinary(nil)
				if err != nil {
					t.Fatal(err)
				}
				var c Wave
				if err := c.UnmarshalBinary(state); err != nil {
					t.Fatal(err)
				}
				d := c.Clone()
				d.Next(&p, 0, start+1e12, 3) // a clone that goes its own way does no harm
				again, _ := c.AppendBinary(nil)
				if !bytes.Equal(state, again) {
					t.Fatal("a clone shares state")
				}
				b = c
			}
			y, oky := told(&b, changed, k, drop)
			if k < cut && (okx != oky || !reflect.DeepEqual(x, y)) {
				t.Fatalf("step %d differs before the change at %d", k, cut)
			}
		}
	})
}

func TestWaveForgetsAnotherRiver(t *testing.T) {
	p := made()
	var w Wave
	w.Next(&p, 0, start, 1)
	w.Next(&p, 1, start, 1)
	w.Next(&p, 2, start, 1)
	q := made()
	q.Back = 30
	if _, ok := w.Forecast(&q, 2, start); ok {
		t.Error("a forecast from the levels of another river")
	}
	for i := range 3 {
		w.Next(&q, i, start+quarter, 1)
	}
	if path, ok := w.Forecast(&q, 2, start+quarter); !ok || len(path.Likely) != q.Ahead {
		t.Error("no forecast after the river was changed")
	}
	if _, ok := w.Forecast(&q, 2, start); ok {
		t.Error("a forecast of the past")
	}
}
