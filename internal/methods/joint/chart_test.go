package joint

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const step = int64(3600e6) // between rows

// The planted network: a tank (0) that a pump (1: flow, 2: state) fills while a demand with a day in it empties it; the
// pump goes on below 1 m and off above 3 m. Two pressures (3, 4) follow the level and the flow. Sensor 5 is a standby pump
// that never runs, sensor 6 has nothing to do with the others.
const (
	level = iota
	flow
	pump
	suction
	delivery
	standby
	other
	columns
)

func plant() *Params {
	p := &Params{
		Sensors: make([]Sensor, columns), Every: step, Lags: 1, Harmonics: 2,
		Learn: 1500, Calibrate: 1500, FalseAlarm: 1e-3, Explained: 0.9, Fade: 0.1,
	}
	for i := range p.Sensors {
		p.Sensors[i] = Sensor{State: i == pump || i == standby, Resolution: 0.001}
	}
	return p
}

// network simulates the plant. on and off are the levels at which the pump is switched.
type network struct {
	r       *rand.Rand
	at      int64
	level   float64
	on, off float64
	running bool
}

func newNetwork(seed uint64) *network {
	return &network{r: rand.New(rand.NewPCG(seed, 7)), at: step, level: 2, on: 1, off: 3}
}

func (n *network) next() (int64, []float64) {
	row := make([]float64, columns)
	switch {
	case n.level < n.on:
		n.running = true
	case n.level > n.off:
		n.running = false
	}
	row[level] = n.level
	if n.running {
		row[pump], row[flow] = 1, 50-2*n.level+0.2*n.r.NormFloat64()
	}
	row[suction] = 10 + n.level + 0.05*n.r.NormFloat64()
	row[delivery] = 30 - 0.1*row[flow] + 0.5*n.level + 0.05*n.r.NormFloat64()
	row[other] = 5 + n.r.NormFloat64()
	hours := float64(n.at/step%24) / 24
	n.level += (row[flow] - 22 - 8*math.Sin(2*math.Pi*hours) - n.r.NormFloat64()) / 100
	n.level = max(n.level, 0)
	at := n.at
	n.at += step
	return at, row
}

// watching is a chart that has learned the plant, and the plant that goes on.
func watching(t testing.TB) (*Params, *Chart, *network) {
	t.Helper()
	p, n := plant(), newNetwork(1)
	var s Chart
	for s.Phase() != Watching {
		at, row := n.next()
		if r := s.Next(p, at, row); r.Score() != 0 {
			t.Fatalf("a chart in phase %d speaks: %+v", r.Phase, r)
		}
		if n.at > 4000*step {
			t.Fatal("3,000 complete rows and still not watching")
		}
	}
	return p, &s, n
}

func TestFalseAlarmsKeepToTheBudget(t *testing.T) {
	p, s, n := watching(t)
	var over int
	const rows = 20000
	for range rows {
		at, row := n.next()
		if s.Next(p, at, row).Score() >= 1 {
			over++
		}
	}
	t.Logf("%d of %d normal rows over a limit; the budget is %.0f", over, rows, rows*p.FalseAlarm)
	if float64(over) > 2*rows*p.FalseAlarm {
		t.Errorf("%d of %d rows over a limit, more than twice the budget of %g", over, rows, p.FalseAlarm)
	}
}

func TestPlantedFaults(t *testing.T) {
	tests := map[string]struct {
		change func(n *network)                   // in the plant
		lie    func(i int, row, frozen []float64) // in the readings, i rows after the start
		within int                                // rows to detection
		by     func(r Result) float64             // the statistic that must be over its limit
		names  []int                              // one of these must have the largest part in it
	}{
		"level reads half a metre too high": {
			lie:    func(_ int, row, _ []float64) { row[level] += 0.5 },
			within: 1, by: func(r Result) float64 { return r.Relation }, names: []int{level},
		},
		"level is frozen": {
			lie:    func(_ int, row, frozen []float64) { row[level] = frozen[level] },
			within: 12, by: Result.Score, names: []int{level},
		},
		"level drifts by a centimetre an hour": {
			lie:    func(i int, row, _ []float64) { row[level] += 0.01 * float64(i) },
			within: 30, by: func(r Result) float64 { return r.Drift }, names: []int{level, suction},
		},
		"pump is worn: a tenth less flow": {
			lie:    func(_ int, row, _ []float64) { row[flow] *= 0.9 },
			within: 12, by: func(r Result) float64 { return r.Relation }, names: []int{flow, pump},
		},
		"pump's state is a lie": {
			lie:    func(_ int, row, _ []float64) { row[pump] = 1 - row[pump] },
			within: 1, by: func(r Result) float64 { return r.Relation }, names: []int{pump, flow},
		},
		"pump is switched at other levels": { // every reading is true, only the rule is broken
			change: func(n *network) { n.on, n.off = 0.4, 2.2 },
			within: 40, by: func(r Result) float64 { return r.Rule }, names: []int{level, pump, suction},
		},
		"standby pump runs": {
			lie:    func(_ int, row, _ []float64) { row[standby] = 1 },
			within: 1, by: func(r Result) float64 { return r.Rule }, names: []int{standby},
		},
		"delivery pressure is lost": {
			lie:    func(_ int, row, _ []float64) { row[delivery] = 10 },
			within: 1, by: func(r Result) float64 { return r.Q }, names: []int{delivery},
		},
		"the lonely sensor runs off on its own axis": {
			lie:    func(_ int, row, _ []float64) { row[other] = 12 },
			within: 1, by: func(r Result) float64 { return r.T2 }, names: []int{other},
		},
		"the lonely sensor leaves its range": {
			lie:    func(_ int, row, _ []float64) { row[other] = 20 },
			within: 1, by: func(r Result) float64 { return r.Relation }, names: []int{other},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, s, n := watching(t)
			if test.change != nil {
				test.change(n)
			}
			var frozen []float64
			for i := range test.within {
				at, row := n.next()
				if frozen == nil {
					frozen = slices.Clone(row)
				}
				if test.lie != nil {
					test.lie(i, row, frozen)
				}
				r := s.Next(p, at, row)
				if test.by(r) < 1 {
					continue
				}
				worst := slices.Index(r.By, slices.Max(r.By))
				if !slices.Contains(test.names, worst) {
					t.Errorf("row %d: sensor %d has the largest part, want one of %d: %v", i, worst, test.names, r.By)
				}
				t.Logf("found in row %d: %+v", i, r)
				return
			}
			t.Errorf("not found within %d rows", test.within)
		})
	}
}

func TestBrokenRuleSaysWhich(t *testing.T) {
	p, s, n := watching(t)
	n.on = 0.2
	for range 100 {
		at, row := n.next()
		r := s.Next(p, at, row)
		if r.Rule < 1 {
			continue
		}
		if want := (Rule{State: pump, Sensor: level}); r.Broken.State != want.State || r.Broken.From || r.Broken.High {
			t.Errorf("broken rule %+v, want a least level while the pump stays off", r.Broken)
		}
		if r.Broken.Sensor == level && (r.Broken.Bound < 0.6 || r.Broken.Bound > 1.1) {
			t.Errorf("the least level while the pump stays off is %.2f m, want about 1 m", r.Broken.Bound)
		}
		return
	}
	t.Error("the pump stays off far below the level at which it is switched on, and no rule is broken")
}

// A row with absent sensors is judged on the rest: no false alarm for what is missing, and a lie of another sensor is
// still found.
func TestMissingSensors(t *testing.T) {
	p, s, n := watching(t)
	missing := [][]int{{level}, {flow, suction}, {other, delivery}, {level, flow, pump, suction, delivery, standby, other}}
	var over int
	for i := range 4000 {
		at, row := n.next()
		for _, k := range missing[i%len(missing)] {
			row[k] = math.NaN()
		}
		r := s.Next(p, at, row)
		if r.Score() >= 1 {
			over++
		}
		for _, k := range missing[i%len(missing)] {
			if r.By[k] != 0 {
				t.Fatalf("missing sensor %d has a part of %g", k, r.By[k])
			}
		}
	}
	if over > 12 {
		t.Errorf("%d of 4000 normal rows with absent sensors are over a limit", over)
	}
	at, row := n.next()
	row[other], row[flow] = math.NaN(), math.NaN()
	row[delivery] += 2
	if r := s.Next(p, at, row); r.Relation < 1 || slices.Index(r.By, slices.Max(r.By)) != delivery {
		t.Errorf("a lie beside two missing sensors: %+v", r)
	}
}

// A state that was saved before sensors had limits for where they lack something is taken up with the usual ones.
func TestEarlierState(t *testing.T) {
	p, s, n := watching(t)
	k := len(p.Sensors)
	s.limits = s.limits[:2+2*k]
	b, err := s.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	b[0] = 1
	var again Chart
	if err := again.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	if want := append(slices.Clone(s.limits), s.limits[2:2+k]...); !slices.Equal(again.limits, want) {
		t.Errorf("limits %v, want %v", again.limits, want)
	}
	at, row := n.next()
	row[level] = math.NaN()
	again.Next(p, at, row)
}

func TestGapMakesNoAlarm(t *testing.T) {
	p, s, n := watching(t)
	for range 300 {
		for range 50 {
			n.next()
		}
		at, row := n.next()
		if r := s.Next(p, at, row); r.Score() > 1.2 {
			t.Fatalf("after a gap: %+v", r)
		}
	}
}

func TestSnapshotAnywhereChangesNothing(t *testing.T) {
	p := plant()
	p.Learn, p.Calibrate = 80, 80
	rapid.Check(t, func(t *rapid.T) {
		n := newNetwork(rapid.Uint64().Draw(t, "seed"))
		cuts := rapid.SliceOfN(rapid.IntRange(0, 320), 0, 4).Draw(t, "cuts")
		skip := rapid.IntRange(5, 40).Draw(t, "skip")
		var whole, cut Chart
		for i := range 320 {
			at, row := n.next()
			if i%skip == 0 {
				row[i%columns] = math.NaN()
			}
			if i == 7*skip {
				continue
			}
			if slices.Contains(cuts, i) {
				b, err := cut.AppendBinary(nil)
				if err != nil {
					t.Fatal(err)
				}
				cut = Chart{}
				if err := cut.UnmarshalBinary(b); err != nil {
					t.Fatal(err)
				}
				clone := cut.Clone()
				cut.Next(p, at, row) // the original goes another way
				cut = clone
			}
			a, b := whole.Next(p, at, row), cut.Next(p, at, row)
			if !slices.Equal(a.By, b.By) || a.T2 != b.T2 || a.Q != b.Q || a.Relation != b.Relation || a.Drift != b.Drift || a.Rule != b.Rule || a.Broken != b.Broken {
				t.Fatalf("row %d: %+v without, %+v with snapshots", i, a, b)
			}
		}
		if whole.Phase() != Watching {
			t.Fatalf("phase %d after 320 rows", whole.Phase())
		}
	})
}

func TestNextAllocatesNothing(t *testing.T) {
	p, s, n := watching(t)
	at, row := n.next()
	row[flow] = math.NaN()
	s.Next(p, at, row)
	if a := testing.AllocsPerRun(100, func() { at += step; s.Next(p, at, row) }); a != 0 {
		t.Errorf("%g allocations per row", a)
	}
}

func TestParamsCheck(t *testing.T) {
	if err := plant().Check(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Params){
		"two sensors":       func(p *Params) { p.Sensors = p.Sensors[:1] },
		"sensor 1":          func(p *Params) { p.Sensors[1].Resolution = -1 },
		"time between rows": func(p *Params) { p.Every = 0 },
		"negative":          func(p *Params) { p.Lags = -1 },
		"learns from":       func(p *Params) { p.Learn = 30 },
		"calibrates on":     func(p *Params) { p.Calibrate = 99 },
		"false-alarm":       func(p *Params) { p.FalseAlarm = 0 },
		"explained":         func(p *Params) { p.Explained = 1.1 },
		"fade":              func(p *Params) { p.Fade = math.NaN() },
	} {
		p := plant()
		change(p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}

// Whatever comes in, a state is refused or can go on.
func FuzzUnmarshal(f *testing.F) {
	p := &Params{Sensors: []Sensor{{}, {State: true}}, Every: step, Lags: 1, Learn: 60, Calibrate: 60, FalseAlarm: 0.01, Explained: 0.9, Fade: 0.1}
	row := func(i int) []float64 { return []float64{math.Sin(float64(i * i)), float64(i / 5 % 2)} }
	var s Chart
	for i := range 125 {
		s.Next(p, int64(i+1)*step, row(i))
		if i%30 == 4 {
			b, _ := s.AppendBinary(nil)
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Chart
		if s.UnmarshalBinary(b) != nil {
			return
		}
		if s.drift == nil || s.fits(len(p.Sensors), p.Lags, p.width()) {
			for i := range 5 {
				s.Next(p, int64(i+1000)*step, row(i))
			}
		}
		if _, err := s.AppendBinary(nil); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	p, s, n := watching(b)
	at, row := n.next()
	b.ResetTimer()
	for range b.N {
		at += step
		s.Next(p, at, row)
	}
}
