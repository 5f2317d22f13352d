package sim

import (
	"math"
	"slices"
	"sync"
	"testing"
	"time"
)

// Monday, 23 November 2026, midnight in the city.
var monday = time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)

type sample struct {
	sec   int64
	value float64
}

// week is one quiet week of seed 1, gathered once for all tests: what they need of 15 million readings.
type week struct {
	world    *World
	series   map[string][]sample // of the streams that are kept, by id
	count    []int               // by datastream
	longest  []int64             // longest gap in seconds, by datastream
	methane  float64             // the highest %LEL anywhere
	river    float64             // the highest level above any gauge's warning level
	disorder int
	bad      int
}

var quietWeek = sync.OnceValue(func() *week { return runDays(1, monday, 7) })

func runDays(seed uint64, from time.Time, days int) *week {
	w := Build(seed)
	k := &week{world: w, series: map[string][]sample{}, count: make([]int, len(w.Datastreams)), longest: make([]int64, len(w.Datastreams)), river: math.Inf(-1)}
	keep := make([]bool, len(w.Datastreams))
	for i, d := range w.Datastreams {
		switch d.model.kind {
		case modelPlantFlow, modelDMAFlow, modelZoneInflow, modelZoneOutflow, modelReservoirLevel, modelSourceFlow, modelSourcePressure,
			modelRegulatorFlow, modelRiverLevel, modelTide, modelAirTemperature, modelWindSpeed, modelAmbient, modelAirPressure:
			keep[i] = true
		case modelPressurePoint:
			keep[i] = d.Interval == time.Minute
		}
	}
	last := make([]int64, len(w.Datastreams))
	previous := from.Unix()
	for i := range last {
		last[i] = previous
	}
	for r := range w.Readings(from, from.Add(time.Duration(days)*24*time.Hour)) {
		sec := r.At.Unix()
		if sec < previous {
			k.disorder++
		}
		previous = sec
		if math.IsNaN(r.Value) || math.IsInf(r.Value, 0) {
			k.bad++
		}
		d := &w.Datastreams[r.Datastream]
		k.count[r.Datastream]++
		k.longest[r.Datastream] = max(k.longest[r.Datastream], sec-last[r.Datastream])
		last[r.Datastream] = sec
		switch {
		case d.Property == "gas/methane":
			k.methane = math.Max(k.methane, r.Value)
		case d.model.kind == modelRiverLevel:
			k.river = math.Max(k.river, r.Value-WarningLevel(d.model.a))
		}
		if keep[r.Datastream] {
			k.series[d.ID] = append(k.series[d.ID], sample{sec, r.Value})
		}
	}
	return k
}

func TestReadingsAreFiniteAndInOrder(t *testing.T) {
	k := quietWeek()
	if k.disorder > 0 || k.bad > 0 {
		t.Errorf("%d readings out of order, %d not finite", k.disorder, k.bad)
	}
	for i, n := range k.count {
		if n == 0 {
			t.Errorf("%s never reported", k.world.Datastreams[i].ID)
		}
	}
}

func TestReadingsOfTwoBuildsAreEqual(t *testing.T) {
	one := slices.Collect(NewScenario(Build(2), monday).Readings(monday, monday.Add(20*time.Minute)))
	two := slices.Collect(NewScenario(Build(2), monday).Readings(monday, monday.Add(20*time.Minute)))
	if len(one) < 20000 || !slices.Equal(one, two) {
		t.Errorf("%d and %d readings, equal: %v", len(one), len(two), slices.Equal(one, two))
	}
}

// Any instant can be asked for: a long span is its parts, wherever it is cut, incidents included.
func TestAnySpanIsTheSumOfItsParts(t *testing.T) {
	s := NewScenario(Build(1), monday)
	from := monday.Add(-time.Minute)
	cuts := []time.Duration{0, time.Millisecond, time.Second, 20 * time.Second, 61500 * time.Millisecond, 3 * time.Minute, 15*time.Minute + 7*time.Second}
	whole := slices.Collect(s.Readings(from, from.Add(cuts[len(cuts)-1])))
	var parts []Reading
	for k := 1; k < len(cuts); k++ {
		parts = append(parts, slices.Collect(s.Readings(from.Add(cuts[k-1]), from.Add(cuts[k])))...)
	}
	if !slices.Equal(whole, parts) {
		t.Errorf("%d readings in one go, %d in parts", len(whole), len(parts))
	}
	if got := slices.Collect(s.Readings(from, from)); len(got) != 0 {
		t.Errorf("an empty span has %d readings", len(got))
	}
}

func TestReadingsBefore1970(t *testing.T) {
	from := time.Date(1969, 12, 31, 23, 50, 0, 0, time.UTC)
	n := 0
	for r := range Build(1).Readings(from, from.Add(20*time.Minute)) {
		if math.IsNaN(r.Value) {
			t.Fatalf("%+v", r)
		}
		n++
	}
	if n < 20000 {
		t.Errorf("%d readings", n)
	}
}

// Nothing but an incident may reach a detector's lowest threshold.
func TestNothingElseCrossesTheThresholds(t *testing.T) {
	weeks := []*week{ // and two days each of deep winter and high summer
		quietWeek(),
		runDays(2, time.Date(2027, 2, 8, 0, 0, 0, 0, time.UTC), 2),
		runDays(3, time.Date(2027, 7, 5, 0, 0, 0, 0, time.UTC), 2),
	}
	for _, k := range weeks {
		if k.methane >= 5 {
			t.Errorf("seed %d: methane rose to %.1f %%LEL without a leak", k.world.Seed, k.methane)
		}
		if k.methane < 0.5 {
			t.Errorf("seed %d: methane never rose above %.1f %%LEL: kitchens are not alive", k.world.Seed, k.methane)
		}
		if k.river >= 0 {
			t.Errorf("seed %d: a gauge rose %.2f m above its warning level without a flood", k.world.Seed, k.river)
		}
	}
}

func TestGapRates(t *testing.T) {
	k := quietWeek()
	due, got, silent := 0.0, 0.0, 0
	for i, d := range k.world.Datastreams {
		due += (7 * 24 * time.Hour).Seconds() / d.Interval.Seconds()
		got += float64(k.count[i])
		gap := time.Duration(k.longest[i]) * time.Second
		if gap > OutageLongest+2*d.Interval+15*time.Minute {
			t.Errorf("%s was silent for %s", d.ID, gap)
		}
		if gap > OutageShortest+d.Interval {
			silent++
		}
	}
	if share := 1 - got/due; math.Abs(share-GapShare) > 0.1*GapShare {
		t.Errorf("%.3f %% of the readings are missing, want %.3f %%", 100*share, 100*GapShare)
	}
	// In 28 slots an instrument has an outage with 1 - 0.96^28 = 68 %.
	if share := float64(silent) / float64(len(k.count)); share < 0.6 || share > 0.85 {
		t.Errorf("%.2f of the instruments had an outage in the week", share)
	}
}

// hours gives the mean of each hour of the week, along straight lines between the readings: a meter that reports every five
// minutes can't be averaged as it stands when the flow doubles within the hour.
func (k *week) hours(id string) (mean [168]float64) {
	series := slices.Clone(k.series[id])
	first, last := series[0], series[len(series)-1]
	series = append([]sample{{monday.Unix(), first.value}}, append(series, sample{monday.Unix() + 168*3600, last.value})...)
	for i := 1; i < len(series); i++ {
		a, b := series[i-1], series[i]
		for from := a.sec; from < b.sec; {
			h := (from - monday.Unix()) / 3600
			to := min(b.sec, monday.Unix()+(h+1)*3600)
			at := func(sec int64) float64 {
				return a.value + (b.value-a.value)*float64(sec-a.sec)/float64(b.sec-a.sec)
			}
			mean[h] += (at(from) + at(to)) / 2 * float64(to-from) / 3600
			from = to
		}
	}
	return mean
}

// silent tells whether an instrument said nothing for a quarter of an hour that touches the hour.
func (k *week) silent(id string, h int) bool {
	series := k.series[id]
	from, to := monday.Unix()+int64(h)*3600, monday.Unix()+int64(h+1)*3600
	for i := 1; i < len(series); i++ {
		if series[i].sec-series[i-1].sec > 900 && series[i].sec > from && series[i-1].sec < to {
			return true
		}
	}
	return false
}

// at is the value at an instant, between the readings around it.
func (k *week) at(id string, sec int64) float64 {
	series := k.series[id]
	i, _ := slices.BinarySearchFunc(series, sec, func(s sample, t int64) int { return int(s.sec - t) })
	if i == 0 || i == len(series) {
		return series[min(i, len(series)-1)].value
	}
	a, b := series[i-1], series[i]
	return a.value + (b.value-a.value)*float64(sec-a.sec)/float64(b.sec-a.sec)
}

func (k *week) sumOf(kind modelKind) (total [168]float64) {
	for _, d := range k.world.Datastreams {
		if d.model.kind == kind {
			h := k.hours(d.ID)
			for i := range total {
				total[i] += h[i]
			}
		}
	}
	return total
}

// The meters alone, as a city would hold them together: what the plant puts in comes out at the district meters, is lost on
// the way, or raises the reservoirs, within 2 % in every hour of the week.
func TestWaterBalances(t *testing.T) {
	k := quietWeek()
	w := k.world
	in, out := k.sumOf(modelPlantFlow), k.sumOf(modelDMAFlow)
	worst, swing := 0.0, 0.0
	for h := range 167 {
		stored := 0.0
		for _, d := range w.Datastreams {
			if d.model.kind == modelReservoirLevel {
				rise := k.at(d.ID, monday.Unix()+int64(h+1)*3600) - k.at(d.ID, monday.Unix()+int64(h)*3600)
				stored += rise * w.net.zones[d.model.zone].floor
			}
		}
		lost := w.net.waterMean * WaterTrunkLoss
		worst = math.Max(worst, math.Abs(in[h]-out[h]-lost-stored)/in[h])
		swing = math.Max(swing, math.Abs(stored)/in[h])
	}
	if worst > 0.02 {
		t.Errorf("the water balance is off by up to %.2f %%", 100*worst)
	}
	if swing < 0.15 {
		t.Errorf("the reservoirs never move more than %.1f %% of the flow: the balance proves nothing", 100*swing)
	}
	// A DMA's inflow is demand and leakage; leakage is what it says.
	demand, leak := 0.0, 0.0
	for h := range int64(168) {
		m := momentOf((monday.Unix() + h*3600) * 1e6)
		for d := range w.net.dmas {
			demand += w.dmaDemand(d, m)
			leak += w.dmaFlow(d, m, nil) - w.dmaDemand(d, m)
		}
	}
	if share := leak / demand; math.Abs(share-WaterLeakage) > 0.02 {
		t.Errorf("leakage is %.3f of the demand, want %.3f", share, WaterLeakage)
	}
}

func TestGasBalances(t *testing.T) {
	k := quietWeek()
	w := k.world
	in, out := k.sumOf(modelSourceFlow), k.sumOf(modelRegulatorFlow)
	worst, swing := 0.0, 0.0
	for h := range 167 {
		// The line pack, as read off the pressure at the sources.
		pressure, n := 0.0, 0.0
		for _, d := range w.Datastreams {
			if d.model.kind == modelSourcePressure {
				pressure += k.at(d.ID, monday.Unix()+int64(h+1)*3600) - k.at(d.ID, monday.Unix()+int64(h)*3600)
				n++
			}
		}
		stored := pressure / n * GasLinePack
		worst = math.Max(worst, math.Abs(in[h]-out[h]-w.net.gasMean*GasLoss-stored)/in[h])
		swing = math.Max(swing, math.Abs(stored)/in[h])
	}
	if worst > 0.02 {
		t.Errorf("the gas balance is off by up to %.2f %%", 100*worst)
	}
	if swing < 0.15 {
		t.Errorf("the line pack never moves more than %.1f %% of the flow: the balance proves nothing", 100*swing)
	}
}

func TestZonesBalance(t *testing.T) {
	k := quietWeek()
	for z := range zoneCount {
		var in, out, level [168]float64
		var meters []string
		checked := 0
		for _, d := range k.world.Datastreams {
			if d.model.zone != z || d.Asset != k.world.assetOf("water/reservoir", z).ID {
				continue
			}
			if d.model.kind == modelZoneInflow || d.model.kind == modelZoneOutflow || d.model.kind == modelReservoirLevel {
				meters = append(meters, d.ID)
			}
			switch d.model.kind {
			case modelZoneInflow:
				in = k.hours(d.ID)
			case modelZoneOutflow:
				out = k.hours(d.ID)
			case modelReservoirLevel:
				for h := range level {
					level[h] = k.at(d.ID, monday.Unix()+int64(h)*3600)
				}
			}
		}
		for h := range 167 {
			if level[h] < 1.5 || level[h] > 5.5 {
				t.Errorf("zone %d, hour %d: level %.2f m", z, h, level[h])
			}
			if slices.ContainsFunc(meters, func(id string) bool { return k.silent(id, h) }) {
				continue // nobody can hold together what was not measured
			}
			checked++
			stored := (level[h+1] - level[h]) * k.world.net.zones[z].floor
			if off := math.Abs(in[h]-out[h]-stored) / in[h]; off > 0.02 {
				t.Errorf("zone %d, hour %d: %.0f in, %.0f out, %.0f stored", z, h, in[h], out[h], stored)
			}
		}
		if checked < 120 {
			t.Errorf("zone %d: only %d hours could be checked", z, checked)
		}
	}
}

func correlation(a, b []float64) float64 {
	var ma, mb float64
	for i := range a {
		ma += a[i] / float64(len(a))
		mb += b[i] / float64(len(b))
	}
	var ab, aa, bb float64
	for i := range a {
		ab += (a[i] - ma) * (b[i] - mb)
		aa += (a[i] - ma) * (a[i] - ma)
		bb += (b[i] - mb) * (b[i] - mb)
	}
	return ab / math.Sqrt(aa*bb)
}

// Demand follows its profile, weekdays and weekend alike, and weekends differ from weekdays.
func TestProfiles(t *testing.T) {
	k := quietWeek()
	for _, c := range []struct {
		what   string
		kind   modelKind
		rhythm *rhythm
	}{{"water", modelDMAFlow, waterRhythm()}, {"gas", modelRegulatorFlow, gasRhythm()}} {
		flow := k.sumOf(c.kind)
		var profile [168]float64
		for h := range profile {
			profile[h] = c.rhythm.at(momentOf((monday.Unix() + int64(h)*3600 + 1800) * 1e6))
		}
		if r := correlation(flow[:], profile[:]); r < 0.97 {
			t.Errorf("%s follows its profile with a correlation of %.3f", c.what, r)
		}
		if r := correlation(flow[:24], flow[24:48]); r < 0.97 {
			t.Errorf("%s: Monday and Tuesday correlate with %.3f", c.what, r)
		}
		if r := correlation(flow[:24], flow[144:]); r > 0.97 {
			t.Errorf("%s: Monday and Sunday correlate with %.3f: there is no weekend", c.what, r)
		}
		peak, low := slices.Max(flow[:24]), slices.Min(flow[:24])
		if peak/low < 1.8 || peak/low > 8 {
			t.Errorf("%s: the busiest hour has %.1f times the quietest", c.what, peak/low)
		}
	}
}

func TestRhythmsClose(t *testing.T) {
	for name, r := range map[string]*rhythm{"water": waterRhythm(), "gas": gasRhythm(), "reports": reportRhythm()} {
		if math.Abs(r.mean[0]-1) > 1e-9 {
			t.Errorf("%s: a weekday's mean is %g", name, r.mean[0])
		}
		for k := range 2 {
			if e := r.integral[k][1440]; math.Abs(e) > 1e-9 {
				t.Errorf("%s: what is drawn in a day is not put back: %g", name, e)
			}
		}
		if d := math.Abs(r.value[0][1440] - r.value[1][0]); d > 0.02 {
			t.Errorf("%s jumps by %.3f from Friday to Saturday", name, d)
		}
	}
	for day, weekend := range map[int]int{0: 0, 4: 0, 5: 1, 6: 1, 7: 0} { // Monday, Friday, Saturday, Sunday, Monday
		if m := momentOf(monday.Add(time.Duration(day)*24*time.Hour + time.Hour).UnixMicro()); m.weekend != weekend {
			t.Errorf("%d days after Monday: weekend %d", day, m.weekend)
		}
	}
}

// noise estimates an instrument's noise from its readings alone: second differences cancel whatever changes slowly.
func noise(series []sample, interval time.Duration, relative bool) float64 {
	sum, n := 0.0, 0.0
	step := int64(interval.Seconds())
	for i := 2; i < len(series); i++ {
		a, b, c := series[i-2], series[i-1], series[i]
		if b.sec-a.sec != step || c.sec-b.sec != step {
			continue
		}
		d := a.value - 2*b.value + c.value
		if relative {
			d /= b.value
		}
		sum += d * d
		n++
	}
	return math.Sqrt(sum / n / 6)
}

func TestNoiseIsAsStated(t *testing.T) {
	k := quietWeek()
	for _, c := range []struct {
		what     string
		kind     modelKind
		relative bool
		want     float64
	}{
		{"plant flow", modelPlantFlow, true, FlowNoise},
		{"source flow", modelSourceFlow, true, FlowNoise},
		{"district pressure", modelPressurePoint, false, PressureNoise},
		{"trunk pressure", modelSourcePressure, false, GasTrunkNoise},
		{"reservoir level", modelReservoirLevel, false, ReservoirNoise},
		{"river level", modelRiverLevel, false, LevelNoise},
		{"tide", modelTide, false, LevelNoise},
		{"air pressure", modelAirPressure, false, AirPressureNoise},
		{"air temperature", modelAirTemperature, false, TemperatureNoise},
		{"ambient methane", modelAmbient, false, AmbientNoise},
		{"wind speed", modelWindSpeed, true, GustNoise},
	} {
		for i, d := range k.world.Datastreams {
			if d.model.kind != c.kind || d.Interval > 5*time.Minute || k.count[i] == 0 {
				continue
			}
			got := noise(k.series[d.ID], d.Interval, c.relative)
			// What the display rounds away adds a twelfth of its last digit squared.
			want := math.Sqrt(c.want*c.want + square(1/d.model.scale)/12*boolFactor(!c.relative))
			if c.kind == modelWindSpeed {
				// In a calm the display's last digit and the changing wind weigh more; the order is what counts.
				if got < 0.8*want || got > 4*want {
					t.Errorf("%s: noise %.3g, want about %.3g", d.ID, got, want)
				}
				break
			}
			if math.Abs(got-want) > 0.12*want {
				t.Errorf("%s %s: noise %.4g, want %.4g", c.what, d.ID, got, want)
			}
			break
		}
	}
}

func boolFactor(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func TestBell(t *testing.T) {
	sum, squares, most := 0.0, 0.0, 0.0
	const n = 200000
	for i := range int64(n) {
		v := bell(99, i)
		sum += v
		squares += v * v
		most = math.Max(most, math.Abs(v))
	}
	if mean := sum / n; math.Abs(mean) > 0.01 {
		t.Errorf("mean %.4f", mean)
	}
	if sd := math.Sqrt(squares / n); math.Abs(sd-1) > 0.01 {
		t.Errorf("standard deviation %.4f", sd)
	}
	if most > 2*math.Sqrt(3) {
		t.Errorf("%.3f is beyond the stated limit", most)
	}
}

// One weather over one city: stations agree on temperature and wind, rain comes from the west.
func TestWeatherIsOne(t *testing.T) {
	w := Build(1)
	from := monday.Add(-60 * 24 * time.Hour)
	west, east := math.Inf(1), math.Inf(-1)
	var westAt, eastAt XY
	for _, a := range w.Assets {
		if a.Kind != "weather/station" {
			continue
		}
		if a.at.X < west {
			west, westAt = a.at.X, a.at
		}
		if a.at.X > east {
			east, eastAt = a.at.X, a.at
		}
	}
	wet, dry, first := 0, 0, 0
	raining := false
	for sec := from.Unix(); sec < from.Unix()+60*86400; sec += 60 {
		m := momentOf(sec * 1e6)
		a, b := w.sky.rain(m, westAt), w.sky.rain(m, eastAt)
		if a > 0 {
			wet++
		} else {
			dry++
		}
		if a > 0 && b == 0 && !raining {
			first++
		}
		if b > 0 && a == 0 && !raining {
			t.Fatalf("at %s it rains by the sea before it rains in the west", time.Unix(sec, 0).UTC())
		}
		raining = a > 0 || b > 0
		v := w.sky.wind(m)
		if s := length(v); s > 14 {
			t.Errorf("a storm of %.1f m/s", s)
		}
	}
	if share := float64(wet) / float64(wet+dry); share < 0.01 || share > 0.15 || first < 5 {
		t.Errorf("it rains %.3f of the time, in %d events", share, first)
	}
}

func TestAfterRainTheRiverRises(t *testing.T) {
	w := Build(1)
	low, high := math.Inf(1), math.Inf(-1)
	for sec := monday.Unix(); sec < monday.Unix()+90*86400; sec += 3600 {
		q := w.hydro.flow(w.sky, momentOf(sec*1e6), 5000)
		low, high = math.Min(low, q), math.Max(high, q)
	}
	if low < baseFlow-9 || high > ordinaryFlow || high < 2*low {
		t.Errorf("the river carries %.0f to %.0f m³/s in a quarter of a year", low, high)
	}
}

func BenchmarkReadings(b *testing.B) {
	w := Build(1)
	s := NewScenario(w, monday)
	n := 0
	for b.Loop() {
		for range s.Readings(monday, monday.Add(time.Hour)) {
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "readings/s")
}
