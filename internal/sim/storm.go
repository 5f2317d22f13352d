package sim

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// The storm of NewStorm: six hours of rain in three cells that cross the city from the west. The first puts water into the
// deepest underpasses; while the second, the worst, stands over the middle of the town, the pumps of the station below it stop.
// Water that stands at a feeder's switchgear trips it, and with it the lifts that it supplies.
//
// What water does depends on what it did before, so it is added up once, in steps of stormStep, when the storm is planted and
// again at each repair. The tables that come of it make every value a function of the instant again.

// When the storm begins after its scenario's start, and how long it rains.
const (
	StormAfter = 10 * time.Minute
	StormLasts = 6 * time.Hour
	// PumpFailsAfter is when, after the first rain, the pumps stop.
	PumpFailsAfter = 3*time.Hour + 20*time.Minute
)

// The ids of the storm's two fixed incidents. Those of underpasses, feeders and lifts end in their asset's id.
const (
	StormID       = "incident-storm"
	PumpFailureID = "incident-pump-failure"
)

const (
	stormTable = 720 // minutes that are worked out: the rain, and what takes its time to run off
	stormStep  = 20  // s

	// ClosingDepth is where an underpass is closed to traffic (上海: 积水25厘米封道), in m.
	ClosingDepth = 0.25
	sumpSpills   = 3.4 // m: the sewers stand full to the street
	unsupplied   = 90  // minutes from when the water has gone to when a feeder is mended by itself
	trappedAfter = 20  // s from the failure to when the car's device says so
	trappedAlone = 50  // minutes until somebody hears a car's knocking
)

// rainCell is a patch of heavy rain that moves from the west: Gaussian, reach metres wide (one standard deviation).
type rainCell struct {
	passes float64 // s after the first rain at which it is beside the heart
	peak   float64 // mm/h
	speed  float64 // m/s
	reach  float64
	off    float64 // m to the left of the heart
}

var rainCells = []rainCell{
	{70 * 60, 50, 2.0, 1700, 250},
	{232 * 60, 50, 1.05, 1800, 0},
	{318 * 60, 26, 3.0, 1500, -1300},
}

// rainBackground is what falls everywhere, at its most, in mm/h.
const rainBackground = 3.2

// span is from one instant to another, in seconds since 1970; the zero span is never.
type span struct{ from, to float64 }

func (s span) has(t float64) bool { return t >= s.from && t < s.to }

// rainstorm is what is going on in the city: the rain as a formula, what becomes of it in tables by the minute.
type rainstorm struct {
	start   float64
	heart   XY
	lifts   []lift
	mended  map[string]float64 // seconds since 1970, by incident
	ponds   [][stormTable + 1]float32
	levels  [][stormTable + 1]float32
	running [][stormTable + 1]float32
	pits    [][stormTable + 1]float32
	canal   [stormTable + 1]float32
	dead    []span // of each feeder
	trapped []span // in each lift
}

// NewStorm plants the storm. The same world and start give the same truth.
func NewStorm(w *World, start time.Time) *Scenario {
	s := &Scenario{World: w, Name: StormScenario, Start: start.UTC()}
	begin := s.Start.Add(StormAfter)
	r := &rainstorm{start: unixSeconds(begin), heart: w.net.stations[w.net.heart].at}
	r.work(w)
	st := &state{rooms: make([]*room, len(w.Datastreams)), storm: r}
	st.incidents = s.plantStorm(st)
	s.now.Store(st)
	return s
}

// stormRain in mm/h at a place.
func (st *state) stormRain(m moment, at XY) float64 {
	if st == nil || st.storm == nil {
		return 0
	}
	return st.storm.rain(m.seconds(), at)
}

func (r *rainstorm) rain(t float64, at XY) float64 {
	t -= r.start
	lasts := StormLasts.Seconds()
	if t <= 0 || t >= lasts {
		return 0
	}
	x := math.Sin(math.Pi * t / lasts)
	sum := rainBackground * math.Sqrt(x)
	edge := math.Min(1, math.Min(t, lasts-t)/900)
	way := XY{0.97, -0.243}
	for _, c := range rainCells {
		p := at.sub(r.heart.add(way.times(c.speed * (t - c.passes))).add(XY{-way.Y, way.X}.times(c.off)))
		sum += edge * c.peak * math.Exp(-(p.X*p.X+p.Y*p.Y)/(2*c.reach*c.reach))
	}
	return sum
}

// at is the value of a table at an instant, ok while the table lasts.
func (r *rainstorm) at(table *[stormTable + 1]float32, t float64) (v float64, ok bool) {
	x := (t - r.start) / 60
	if x < 0 || x >= stormTable {
		return 0, false
	}
	k := int(x)
	return float64(table[k]) + (float64(table[k+1])-float64(table[k]))*(x-float64(k)), true
}

func (st *state) pond(hollow int, m moment) float64 {
	if st == nil || st.storm == nil {
		return 0
	}
	v, _ := st.storm.at(&st.storm.ponds[hollow], m.seconds())
	return v
}

// drained is the sump of a station while the storm's tables last.
func (st *state) drained(station int, m moment) (level, running float64, ok bool) {
	if st == nil || st.storm == nil {
		return 0, 0, false
	}
	if level, ok = st.storm.at(&st.storm.levels[station], m.seconds()); !ok {
		return 0, 0, false
	}
	k := int((m.seconds() - st.storm.start) / 60)
	return level, float64(st.storm.running[station][k]), true
}

func (st *state) canalRise(m moment) float64 {
	if st == nil || st.storm == nil {
		return 0
	}
	v, _ := st.storm.at(&st.storm.canal, m.seconds())
	return v
}

func (st *state) feederDead(k int, m moment) bool {
	return st != nil && st.storm != nil && st.storm.dead[k].has(m.seconds())
}

func (st *state) liftTrapped(k int, m moment) bool {
	return st != nil && st.storm != nil && st.storm.trapped[k].has(m.seconds())
}

func (st *state) pit(k int, m moment) float64 {
	if st == nil || st.storm == nil {
		return 0
	}
	v, _ := st.storm.at(&st.storm.pits[k], m.seconds())
	return v
}

// liftStopped tells whether a lift has no supply, or water at its lower switches.
func (st *state) liftStopped(k int, m moment) bool {
	if st == nil || st.storm == nil {
		return false
	}
	x := &st.storm.lifts[k]
	return st.storm.dead[x.feeder].has(m.seconds()) || st.pit(k, m) >= pitStops
}

// pitStops is the water in a pit at which a lift's lower switches stop it, in m.
const pitStops = 0.10

// work adds up the water.
func (r *rainstorm) work(w *World) {
	n := &w.net
	r.lifts = n.lifts
	r.ponds = make([][stormTable + 1]float32, len(n.hollows))
	r.levels, r.running = make([][stormTable + 1]float32, len(n.stations)), make([][stormTable + 1]float32, len(n.stations))
	r.pits = make([][stormTable + 1]float32, len(n.lifts))
	r.dead, r.trapped = make([]span, len(n.feeders)), make([]span, len(n.lifts))
	basins := make([]basin, len(n.stations))
	for k := range basins {
		basins[k].level, basins[k].running = n.stations[k].everyday(w, momentOf(int64(r.start)*1e6))
	}
	standing := make([]float64, len(n.hollows)) // mm over what drains to the hollow
	pits := make([]float64, len(n.lifts))
	canal := 0.0
	for t := 0; t <= stormTable*60; t += stormStep {
		now := r.start + float64(t)
		if t%60 == 0 {
			k := t / 60
			for i, b := range basins {
				r.levels[i][k], r.running[i][k] = float32(b.level), float32(b.running)
			}
			for i, v := range standing {
				r.ponds[i][k] = float32(pondDepth(v))
			}
			for i, v := range pits {
				r.pits[i][k] = float32(v)
			}
			r.canal[k] = float32(canal)
		}
		pumped := 0.0
		for i := range basins {
			s := &n.stations[i]
			stopped := i == n.heart && now >= r.start+PumpFailsAfter.Seconds() && now < r.until(PumpFailureID, r.start+StormLasts.Seconds()+1800)
			pumped += basins[i].step(s, r.rain(now, s.at), stopped)
		}
		canal += (pumped/2 - 8*math.Pow(math.Max(0, canal), 1.5)) * stormStep / 100e3
		for i := range standing {
			h := &n.hollows[i]
			standing[i] = h.step(standing[i], r.rain(now, h.at), &basins[h.station], now >= r.until(underpassID(h), math.Inf(1)))
		}
		for i, x := range n.lifts {
			if x.hollow < 0 {
				continue
			}
			in := 0.05 * math.Max(0, pondDepth(standing[x.hollow])-x.sill) * stormStep / 60
			if now >= r.until(liftID(&n.lifts[i]), math.Inf(1)) {
				in = -0.02 * stormStep / 60
			}
			pits[i] = math.Max(0, math.Min(1.2, pits[i]+in))
		}
	}
	for i := range n.feeders {
		r.dead[i] = r.trip(&n.feeders[i])
	}
	for i := range n.lifts {
		x := &n.lifts[i]
		if d := r.dead[x.feeder]; x.trap && d.to > d.from {
			from := d.from + trappedAfter
			out := math.Min(d.to, math.Min(from+trappedAlone*60, r.until(liftID(x), math.Inf(1))))
			r.trapped[i] = span{from, math.Max(out, from)}
		}
	}
}

// until is when an incident was mended, or else.
func (r *rainstorm) until(id string, otherwise float64) float64 {
	if t, ok := r.mended[id]; ok {
		return t
	}
	return otherwise
}

// basin is what a station has to do with at one moment.
type basin struct {
	level, running float64
	sewers         float64 // m3/s on the way
	spills         float64 // mm/h over the catchment that find no room
}

const (
	sewerDelay = 1100.0 // s, time constant of the sewers
	sumpRoom   = 62.0   // m3 of sump and sewers for each metre and hectare
)

// step moves a station on by stormStep and returns what it pumps, in m3/s.
func (b *basin) step(s *drain, rain float64, stopped bool) float64 {
	b.sewers += (runoff*rain*s.area*10/3600 - b.sewers) * stormStep / sewerDelay
	for k := range s.pumps { // one pump after the other, each with its own two levels
		switch {
		case b.level >= 1.3+0.25*float64(k) && b.running <= float64(k):
			b.running = float64(k) + 1
		case b.level < 0.75+0.2*float64(k) && b.running > float64(k):
			b.running = float64(k)
		}
	}
	if stopped {
		b.running = 0
	}
	const everyday = 0.02 // m3/s of other water
	pumped := b.running * s.each
	b.level += (b.sewers + everyday - pumped) * stormStep / (sumpRoom * s.area)
	b.level = math.Max(0.3, b.level)
	b.spills = 0
	if over := b.level - sumpSpills; over > 0 {
		b.spills = over * sumpRoom * s.area / (10 * s.area) * 3600 / stormStep
		b.level = sumpSpills
	}
	return pumped
}

// step moves the water in a hollow on by stormStep: rain comes, gullies swallow what the sewers take, and what the sewers can't
// hold comes up here. A crew pumps it off.
func (h *hollow) step(standing, rain float64, b *basin, crew bool) float64 {
	in := 0.9*rain + 4*math.Max(0, h.deep-0.5)*b.spills
	gullies := (40 - 17*h.deep) * math.Max(0.1, math.Min(1, 1-0.9*(b.level-2.6)/0.8))
	if crew {
		gullies += 60
	}
	return math.Max(0, math.Min(80, standing+(in-gullies)*stormStep/3600))
}

// pondDepth is how deep so many millimetres gather: a bowl.
func pondDepth(mm float64) float64 { return math.Sqrt(mm / 80) }

// trip finds when a feeder fails and when it is back.
func (r *rainstorm) trip(f *feeder) span {
	table := &r.ponds[f.hollow]
	first := slices.IndexFunc(table[:], func(v float32) bool { return float64(v) >= f.plinth })
	if first < 0 {
		return span{}
	}
	last := stormTable
	for float64(table[last]) < 0.15 {
		last--
	}
	from := r.start + float64(first)*60
	return span{from, math.Max(from, r.until(feederID(f), r.start+float64(min(stormTable, last+unsupplied))*60))}
}

func underpassID(h *hollow) string { return "incident-" + h.asset }
func feederID(f *feeder) string    { return "incident-" + f.asset }
func liftID(x *lift) string        { return "incident-" + x.asset }

// ---- its truth

// plantStorm lists what the storm does if nobody does anything.
func (s *Scenario) plantStorm(st *state) []Incident {
	w, r := s.World, st.storm
	n := &w.net
	heart := &n.stations[n.heart]
	begin := fromSeconds(r.start)
	main := s.incident(StormID, "rainstorm", &w.Assets[w.assets[heart.asset]], heart.at, begin)
	main.Name = Name{"Six-hour rainstorm over " + w.areaName(main.Area).En, w.areaName(main.Area).Zh + "一带持续6小时暴雨"}
	main.Harm = Name{"the fifth underpass has to be closed (25 cm)", "5处下穿通道积水达25厘米须封道"}
	main.End = fromSeconds(r.start + stormTable*60)
	for k := range w.Assets {
		switch a := &w.Assets[k]; {
		case a.Kind == "flood/rain-gauge":
			s.touch(st, &main, a, "flood/rain", nil)
		case a.Kind == "weather/station":
			s.touch(st, &main, a, "weather/rain", nil)
		case a.Kind == "flood/road-gauge":
			s.touch(st, &main, a, "flood/depth", nil)
		case a.Kind == "flood/pump-station":
			s.touch(st, &main, a, "flood/sump-level", nil)
			s.touch(st, &main, a, "flood/pumps-running", nil)
		case slices.Contains(n.canals, a.ID):
			s.touch(st, &main, a, "flood/level", nil)
		}
	}
	fails := r.start + PumpFailsAfter.Seconds()
	pump := s.incident(PumpFailureID, "pump-failure", &w.Assets[w.assets[heart.asset]], heart.at, fromSeconds(fails))
	pump.Name = Name{"All pumps stopped: " + w.Assets[w.assets[heart.asset]].Name.En, w.Assets[w.assets[heart.asset]].Name.Zh + "全部停泵"}
	pump.Harm = Name{"the sewers stand full to the street", "管网满管，向路面返水"}
	s.touch(st, &pump, &w.Assets[w.assets[heart.asset]], "flood/sump-level", nil)
	s.touch(st, &pump, &w.Assets[w.assets[heart.asset]], "flood/pumps-running", nil)
	pump.HarmfulAt = r.minute(&r.levels[n.heart], int(PumpFailsAfter/time.Minute), func(v float64) bool { return v >= sumpSpills-0.01 })

	var rest []Incident
	for k := range n.hollows {
		h := &n.hollows[k]
		if deepest := float64(slices.Max(r.ponds[k][:])); deepest < ClosingDepth {
			continue
		}
		a := &w.Assets[w.assets[h.asset]]
		i := s.incident(underpassID(h), "underpass-flooded", a, a.at, r.minute(&r.ponds[k], 0, func(v float64) bool { return v >= 0.02 }))
		i.Name = Name{"Water in the underpass, " + w.Places[w.places[a.Place]].Name.En, w.Places[w.places[a.Place]].Name.Zh + "下穿通道积水"}
		i.Harm = Name{"25 cm: it has to be closed to traffic", "积水达25厘米须封道"}
		i.HarmfulAt = r.minute(&r.ponds[k], 0, func(v float64) bool { return v >= ClosingDepth })
		s.touch(st, &i, a, "flood/depth", nil)
		rest = append(rest, i)
	}
	main.HarmfulAt = main.End
	if wet := slices.SortedFunc(slices.Values(rest), func(a, b Incident) int { return a.HarmfulAt.Compare(b.HarmfulAt) }); len(wet) > 4 {
		main.HarmfulAt = wet[4].HarmfulAt
	}
	for k := range n.feeders {
		f, d := &n.feeders[k], r.dead[k]
		if d.to <= d.from {
			continue
		}
		a := &w.Assets[w.assets[f.asset]]
		i := s.incident(feederID(f), "feeder-trip", a, w.Assets[w.assets[f.transformers[0]]].at, fromSeconds(d.from))
		i.Name = Name{a.Name.En + " tripped: water in its switchgear", a.Name.Zh + "因配电设施进水跳闸"}
		i.Harm = Name{"the stairs' emergency lighting is used up (30 min)", "楼道应急照明耗尽（30分钟）"}
		i.HarmfulAt = i.Start.Add(30 * time.Minute)
		s.touch(st, &i, a, "power/voltage", nil)
		s.touch(st, &i, a, "power/supply", nil)
		for _, id := range f.transformers {
			s.touch(st, &i, &w.Assets[w.assets[id]], "power/supply", nil)
		}
		for x := range n.lifts {
			if n.lifts[x].feeder == k {
				s.touch(st, &i, &w.Assets[w.assets[n.lifts[x].asset]], "lifts/service", nil)
			}
		}
		rest = append(rest, i)
	}
	for k := range n.lifts {
		x, d := &n.lifts[k], r.trapped[k]
		wet := float64(slices.Max(r.pits[k][:]))
		if d.to <= d.from && wet < 0.02 {
			continue
		}
		a := &w.Assets[w.assets[x.asset]]
		i := s.incident(liftID(x), "lift-trapped", a, a.at, fromSeconds(d.from))
		i.Name = Name{"Car stuck without supply: " + a.Name.En, a.Name.Zh + "停电困人"}
		i.Harm = Name{"30 minutes in the car", "被困满30分钟"}
		i.HarmfulAt = i.Start.Add(30 * time.Minute)
		if d.to <= d.from {
			i.Kind, i.Name = "lift-flooded", Name{"Water in the pit: " + a.Name.En, a.Name.Zh + "底坑进水"}
			i.Start = r.minute(&r.pits[k], 0, func(v float64) bool { return v >= 0.02 })
			i.Harm = Name{"10 cm: buffers and lower switches stand in water", "积水达10厘米，缓冲器及下部开关浸水"}
			i.HarmfulAt = r.minute(&r.pits[k], 0, func(v float64) bool { return v >= pitStops })
		} else {
			s.touch(st, &i, a, "lifts/trapped", nil)
		}
		s.touch(st, &i, a, "lifts/service", nil)
		if wet > 0 {
			s.touch(st, &i, a, "lifts/pit-water", nil)
		}
		rest = append(rest, i)
	}
	slices.SortStableFunc(rest, func(a, b Incident) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID)) })
	all := append([]Incident{main, pump}, rest...)
	s.settle(st, all)
	return all
}

// minute is the first instant from a minute on at which a table fulfils a condition; the table's end if none does.
func (r *rainstorm) minute(table *[stormTable + 1]float32, from int, is func(v float64) bool) time.Time {
	k := from
	for k < stormTable && !is(float64(table[k])) {
		k++
	}
	return fromSeconds(r.start + float64(k)*60)
}

// settle sets when each incident ends as things stand, and which have been averted: by a repair elsewhere before they began.
func (s *Scenario) settle(st *state, all []Incident) {
	n, r := &s.World.net, st.storm
	averted := func(i *Incident, happens bool) bool {
		if happens || i.Repaired != nil {
			return false
		}
		for _, at := range r.mended {
			if at <= unixSeconds(i.Start) {
				return true
			}
		}
		return false
	}
	end := func(table *[stormTable + 1]float32, above float64) time.Time {
		k := stormTable
		for k > 0 && float64(table[k]) < above {
			k--
		}
		return fromSeconds(r.start + float64(k)*60)
	}
	for k := range all {
		i := &all[k]
		switch i.Kind {
		case "pump-failure":
			i.End = fromSeconds(r.until(i.ID, r.start+StormLasts.Seconds()+1800))
		case "underpass-flooded":
			h := slices.IndexFunc(n.hollows, func(h hollow) bool { return h.asset == i.Asset })
			i.End = end(&r.ponds[h], 0.05)
			i.Averted = averted(i, float64(slices.Max(r.ponds[h][:])) >= ClosingDepth)
		case "feeder-trip":
			f := slices.IndexFunc(n.feeders, func(f feeder) bool { return f.asset == i.Asset })
			i.End = fromSeconds(r.dead[f].to)
			i.Averted = averted(i, r.dead[f].to > r.dead[f].from)
		case "lift-trapped", "lift-flooded":
			x := slices.IndexFunc(n.lifts, func(x lift) bool { return x.asset == i.Asset })
			i.End = end(&r.pits[x], 0.02)
			if t := r.trapped[x]; i.Kind == "lift-trapped" && t.to > unixSeconds(i.End) {
				i.End = fromSeconds(t.to)
			}
			i.Averted = averted(i, r.trapped[x].to > r.trapped[x].from || float64(slices.Max(r.pits[x][:])) >= 0.02)
		}
		if i.End.Before(i.Start) {
			i.End = i.Start
		}
	}
}

// mend is a repair during the storm: the water is added up anew with it. old is as things stand.
func (s *Scenario) mend(old *state, incidents []Incident, id string, at time.Time) *state {
	r := &rainstorm{start: old.storm.start, heart: old.storm.heart, mended: map[string]float64{id: unixSeconds(at)}}
	for k, v := range old.storm.mended {
		r.mended[k] = v
	}
	r.work(s.World)
	st := &state{rooms: old.rooms, storm: r, incidents: incidents}
	s.settle(st, incidents)
	return st
}

// canMend tells which of the storm's incidents a crew can mend.
func canMend(kind string) bool {
	return kind == "pump-failure" || kind == "underpass-flooded" || kind == "feeder-trip" || strings.HasPrefix(kind, "lift-")
}

func (w *World) areaName(id string) Name {
	for _, a := range w.Areas {
		if a.ID == id && a.Level == "grid" {
			return w.areaName(a.Parent)
		}
		if a.ID == id {
			return a.Name
		}
	}
	return Name{}
}

// stormWaves are how its incidents make people call, by kind.
var stormWaves = map[string][]wave{
	"underpass-flooded": {{category: "flood/standing-water", count: 4, delay: 16 * time.Minute, reach: 320}},
	"feeder-trip":       {{category: "power/power-cut", count: 4, delay: 7 * time.Minute, reach: 420}},
	"lift-trapped":      {{category: "lifts/lift-broken", count: 1, delay: 4 * time.Minute, reach: 60}},
}
