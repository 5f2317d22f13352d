package basin

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// pair is a tank pumped into a canal that drains through a flap gate or by pumps.
func pair() *Basin {
	return &Basin{
		Catchments: []Catchment{
			{Name: "town", Area: 1e6, Runoff: 0.7, Concentration: 30 * time.Minute, Base: 0.02, Into: "tank"},
			{Name: "banks", Area: 8e5, Runoff: 0.5, Concentration: 45 * time.Minute, Into: "canal"},
		},
		Storages: []Storage{
			{Name: "tank", Least: -2.5, Usual: -2, Danger: 1, Curve: []Point{{-3, 0}, {1, 12000}, {1.5, 40000}}},
			{Name: "canal", Least: 1, Usual: 1.5, Danger: 2.8, Curve: []Point{{0, 0}, {1, 20000}, {2.8, 65000}, {3.4, 110000}}},
		},
		Stations: []Station{
			{Name: "lift", From: "tank", To: "canal", Units: 3, Capacity: 1.5, Start: -1.5, Stop: -2.2, Between: 0.3, Loss: 0.5},
			{Name: "mouth", From: "canal", To: Outer, Units: 3, Capacity: 2, Start: 1.8, Stop: 1.4, Between: 0.15, Loss: 0.5},
		},
		Gates: []Gate{{Name: "tide", From: "canal", To: Outer, Width: 6, Sill: 0.2, Height: 2.5, Flap: true}},
	}
}

func storm(mm float64, from, hours int, outer float64) Weather {
	w := Weather{Step: time.Hour, Rain: [][]float64{make([]float64, from+hours)}, Outer: []float64{outer}}
	for i := range hours {
		w.Rain[0][from+i] = mm / float64(hours)
	}
	return w
}

// The water of any basin, in any weather, under any settings, with failures in between, is all there.
func TestNoWaterIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := pair()
		b.Gates[0].Flap = rapid.Bool().Draw(t, "flap")
		b.Gates[0].Fixed = rapid.Bool().Draw(t, "fixed")
		b.Gates = append(b.Gates, Gate{Name: "culvert", From: "tank", To: "canal", Width: rapid.Float64Range(0.1, 20).Draw(t, "width"),
			Sill: rapid.Float64Range(-3, 2).Draw(t, "sill"), Height: rapid.Float64Range(0.1, 3).Draw(t, "height"), Fixed: rapid.Bool().Draw(t, "culvert fixed")})
		w := Weather{Step: 20 * time.Minute, Rain: [][]float64{
			rapid.SliceOfN(rapid.Float64Range(0, 200), 0, 12).Draw(t, "rain in town"), rapid.SliceOfN(rapid.Float64Range(0, 200), 0, 12).Draw(t, "rain on the banks")},
			Outer: rapid.SliceOfN(rapid.Float64Range(-4, 6), 1, 12).Draw(t, "outer")}
		s := b.Dry()
		for _, name := range []string{"tank", "canal"} {
			if err := b.SetStage(&s, name, rapid.Float64Range(-3, 4).Draw(t, name)); err != nil {
				t.Fatal(err)
			}
		}
		stored, m := s.Stored(), []Meter(nil)
		at := time.Duration(0)
		for range rapid.IntRange(1, 6).Draw(t, "spans") {
			set := Settings{Units: []int{rapid.IntRange(Auto, 3).Draw(t, "lift"), rapid.IntRange(Auto, 3).Draw(t, "mouth")},
				Openings: []float64{rapid.Float64Range(0, 1).Draw(t, "gate"), rapid.Float64Range(0, 1).Draw(t, "culvert")}}
			s.Available[1] = rapid.IntRange(0, 3).Draw(t, "available")
			to := at + time.Duration(rapid.IntRange(1, 200).Draw(t, "minutes"))*time.Minute
			next, meter, err := b.Run(s, set, w, at, to, time.Duration(rapid.IntRange(20, 900).Draw(t, "step"))*time.Second, m...)
			if err != nil {
				t.Fatal(err)
			}
			s, at, m = next, to, []Meter{meter}
			if missing := meter.In + meter.FromOuter - meter.ToOuter - (s.Stored() - stored); math.Abs(missing) > 1e-9 {
				t.Fatalf("%g m³ of %g are missing", missing, meter.In)
			}
			for i, v := range slices.Concat(s.Volumes, s.Ground) {
				if v < 0 {
					t.Fatalf("volume %d is %g", i, v)
				}
			}
		}
	})
}

// Rain that goes on for long runs off as the rational method says: C i A.
func TestLongRainRunsOffAfterTheRationalMethod(t *testing.T) {
	b := pair()
	w := storm(360, 0, 36, 10) // 10 mm/h
	s := b.Dry()
	var m Meter
	s, _, err := b.Run(s, Settings{[]int{0, 0}, []float64{0}}, w, 0, 24*time.Hour, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	before := s.Volumes[0]
	s, m, err = b.Run(s, Settings{[]int{0, 0}, []float64{0}}, w, 24*time.Hour, 25*time.Hour, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	want := (0.7*1e6*10/3.6e6 + 0.02) * 3600
	if got := s.Volumes[0] - before; math.Abs(got-want) > 0.01 {
		t.Errorf("%.3f m³ ran into the tank in an hour, want %.3f (meter %+v)", got, want, m)
	}
}

// A unit rain leaves a catchment with the lag that it is said to have: the mean time of its outflow after that of the rain.
func TestLagIsThatOfTheCatchment(t *testing.T) {
	b := pair()
	b.Catchments[0].Base = 0
	w := Weather{Step: time.Minute, Rain: [][]float64{{60}}, Outer: []float64{0}}
	s, all, moment := b.Dry(), 0., 0.
	for at := time.Duration(0); at < 6*time.Hour; at += time.Minute {
		before := s.Volumes[0]
		var err error
		if s, _, err = b.Run(s, Settings{[]int{0, 0}, []float64{0}}, w, at, at+time.Minute, time.Minute); err != nil {
			t.Fatal(err)
		}
		out := s.Volumes[0] - before
		all, moment = all+out, moment+out*at.Minutes()
	}
	if lag := moment / all; math.Abs(lag-0.6*30) > 0.1 {
		t.Errorf("lag %.2f min, want 18", lag)
	}
}

func TestGateFlow(t *testing.T) {
	g := &Gate{Width: 2, Sill: 1, Height: 1.5}
	for _, c := range []struct {
		name              string
		opening, up, down float64
		want              float64
	}{
		{"shut", 0, 3, 0, 0},
		{"under the sill", 1, 0.9, 0, 0},
		{"level", 1, 2, 2, 0},
		{"free weir: 2/3 0.6 2 sqrt(2g) 1", 1, 2, 0, 2. / 3 * 0.6 * 2 * math.Sqrt(2*9.81)},
		{"drowned weir, half", 1, 2, 1.5, 2. / 3 * 0.6 * 2 * math.Sqrt(2*9.81) * math.Pow(1-math.Pow(0.5, 1.5), 0.385)},
		{"opening of 0.15 m under 3 m", 0.1, 4, 0, 0.6 * 2 * 0.15 * math.Sqrt(2*9.81*(3-0.075))},
		{"the same, drowned", 0.1, 4, 2, 0.6 * 2 * 0.15 * math.Sqrt(2*9.81*2)},
	} {
		if got := g.Flow(c.opening, c.up, c.down); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %.4f m³/s, want %.4f", c.name, got, c.want)
		}
	}
	if g.Flow(1, 3, 2.9) >= g.Flow(1, 3, 2) || g.Flow(0.5, 3, 0) >= g.Flow(1, 3, 0) {
		t.Error("more water behind a gate, or less opening, must let less through")
	}
}

func TestPumpEnergy(t *testing.T) {
	p := &Station{Efficiency: 0.75, Loss: 1}
	// 3,600 m³ by 5 m: 1 m³/s for an hour, 9.81 * 5 / 0.75 = 65.4 kW.
	if got := p.Energy(3600, 4); math.Abs(got-65.4) > 1e-9 {
		t.Errorf("%g kWh, want 65.4", got)
	}
}

func TestStageAndVolumeAgree(t *testing.T) {
	s := &pair().Storages[1]
	for v := 0.; v < 200000; v += 1234.5 {
		if back := s.Volume(s.Stage(v)); math.Abs(back-v) > 1e-6 {
			t.Fatalf("volume %g comes back as %g", v, back)
		}
	}
	if s.Filling(s.Volume(s.Least)) != 0 || s.Filling(s.Volume(s.Danger)) != 1 {
		t.Error("filling is 0 at the least stage and 1 at the danger stage")
	}
}

func TestOwnSwitches(t *testing.T) {
	b := pair()
	s := b.Dry()
	auto := Settings{[]int{Auto, Auto}, []float64{0}}
	still := Weather{Step: time.Hour, Outer: []float64{9}}
	b.Catchments[0].Base = 0
	for _, c := range []struct {
		stage float64
		want  int
	}{{-1.6, 0}, {-1.49, 1}, {-1.1, 2}, {-1.6, 2}, {-2.0, 1}, {-2.3, 0}} {
		if err := b.SetStage(&s, "tank", c.stage); err != nil {
			t.Fatal(err)
		}
		var err error
		if s, _, err = b.Run(s, auto, still, 0, time.Second, time.Second); err != nil {
			t.Fatal(err)
		}
		if s.Running[0] != c.want {
			t.Errorf("at %g m %d units run, want %d", c.stage, s.Running[0], c.want)
		}
	}
}

func TestAFlapLetsNothingIn(t *testing.T) {
	b := pair()
	w := Weather{Step: time.Hour, Outer: []float64{5}}
	open := Settings{[]int{0, 0}, []float64{1}}
	if _, m, err := b.Run(b.Dry(), open, w, 0, time.Hour, time.Minute); err != nil || m.FromOuter != 0 {
		t.Errorf("%g m³ came in through a flap (%v)", m.FromOuter, err)
	}
	b.Gates[0].Flap = false
	if _, m, err := b.Run(b.Dry(), open, w, 0, time.Hour, time.Minute); err != nil || m.FromOuter < 1000 {
		t.Errorf("%g m³ came in through an open gate below high water (%v)", m.FromOuter, err)
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*Basin)
		want  string
	}{
		{"good", func(*Basin) {}, ""},
		{"runoff", func(b *Basin) { b.Catchments[0].Runoff = 1.2 }, "catchment town, runoff"},
		{"into", func(b *Basin) { b.Catchments[0].Into = "sea" }, "catchment town, into"},
		{"curve", func(b *Basin) { b.Storages[0].Curve[1].Volume = 0 }, "storage tank, curve, point 2"},
		{"nan", func(b *Basin) { b.Storages[0].Curve[1].Stage = math.NaN() }, "storage tank, curve, point 2"},
		{"danger", func(b *Basin) { b.Storages[0].Danger = -2 }, "storage tank"},
		{"twice", func(b *Basin) { b.Storages[1].Name = "tank" }, "storage \"tank\""},
		{"stop", func(b *Basin) { b.Stations[0].Stop = 0 }, "station lift, stop_m"},
		{"to", func(b *Basin) { b.Gates[0].To = "canal" }, "gate tide, to"},
		{"width", func(b *Basin) { b.Gates[0].Width = math.Inf(1) }, "gate tide, width_m"},
	} {
		b := pair()
		c.spoil(b)
		err := b.Check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	b := pair()
	if _, err := b.Advise(State{}, storm(1, 0, 1, 0), Options{}); err == nil {
		t.Error("a state of another basin must be refused")
	}
	if _, err := b.Advise(b.Dry(), Weather{Step: time.Hour, Rain: [][]float64{{math.NaN()}}, Outer: []float64{0}}, Options{}); err == nil {
		t.Error("rain that is no number must be refused")
	}
}
