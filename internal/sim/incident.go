package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Incident is one scripted event with its ground truth. Affected things are listed by external id, nearest first.
type Incident struct {
	ID   string `json:"id"`
	Kind string `json:"kind"` // "gas-leak", "main-burst", "flood-wave"; of the storm: see storm.go
	Name Name   `json:"name"`
	// Start is when it began, End when its last effect has faded.
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	// HarmfulAt is when harm begins if nobody does anything, Harm the rule by which that instant was computed. A repair does
	// not move it: warning time is measured against what would have happened.
	HarmfulAt time.Time  `json:"harmful_at"`
	Harm      Name       `json:"harm"`
	Repaired  *time.Time `json:"repaired_at,omitempty"`
	// Averted says that a repair elsewhere kept it from happening.
	Averted bool `json:"averted,omitempty"`

	Asset       string   `json:"asset"` // where it began
	Place       string   `json:"place"`
	Area        string   `json:"area"`
	Point       LonLat   `json:"point"`
	Assets      []string `json:"assets"`
	Places      []string `json:"places"`
	Datastreams []string `json:"datastreams"`
}

// Mendable tells whether a crew can end it.
func (i *Incident) Mendable() bool {
	switch i.Kind {
	case "gas-leak", "main-burst":
		return true
	}
	return canMend(i.Kind)
}

// Concerns tells whether a crew on the site of a case can mend it there: a case of a kind, about an asset or, where that is "",
// about a place.
func (i *Incident) Concerns(caseKind, asset, place string) bool {
	if i.Kind == "gas-leak" || i.Kind == "main-burst" { // what alarms is around it
		return caseKind == "gas-leak" && i.Kind == caseKind && slices.Contains(i.Assets, asset)
	}
	return i.Asset == asset || i.Place == place && (asset == "" || i.Kind == "feeder-trip") // the feeders of one substation are one case
}

// Truth is what was planted: what alerts are compared with.
type Truth struct {
	Seed      uint64     `json:"seed"`
	Scenario  string     `json:"scenario"`
	Start     time.Time  `json:"start"`
	Incidents []Incident `json:"incidents"`
}

// Encode writes the truth as JSON.
func (t Truth) Encode(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(t)
}

// When the incidents of a scenario begin, after its start, and when they end if nobody repairs them.
const (
	LeakAfter       = 20 * time.Second
	BurstAfter      = 6 * time.Minute
	FloodAfter      = 12 * time.Minute // the rain upstream; the river follows
	LeakUnrepaired  = 25 * time.Minute
	BurstUnrepaired = 3 * time.Hour
)

// The ids of a scenario's incidents.
const (
	LeakID  = "incident-gas-leak"
	BurstID = "incident-main-burst"
	FloodID = "incident-flood-wave"
)

// AlertInterval is how often a methane alarm or probe reports while it senses a leak, whatever its usual interval. It then
// repeats what gets lost, so there are no drop-outs.
const AlertInterval = 5 * time.Second

// The scenarios: a day with three incidents, and a storm.
const (
	DayScenario   = "day"
	StormScenario = "storm"
)

// Scenario is a world with incidents laid over it from a start instant. It is safe for concurrent use.
type Scenario struct {
	World *World
	Name  string
	Start time.Time

	mu  sync.Mutex // serialises repairs
	now atomic.Pointer[state]
}

// state is the incidents as they stand, those that there are; a repair replaces it. A nil state is a quiet city.
type state struct {
	leak      *leak
	burst     *burst
	flood     *flood
	storm     *rainstorm
	rooms     []*room // by datastream; nil where nothing leaks in
	incidents []Incident
}

// NewScenario plants the three incidents. The same world and start give the same truth.
func NewScenario(w *World, start time.Time) *Scenario {
	s := &Scenario{World: w, Name: DayScenario, Start: start.UTC()}
	st := &state{rooms: make([]*room, len(w.Datastreams))}
	st.incidents = []Incident{
		s.plantLeak(st, s.Start.Add(LeakAfter)),
		s.plantBurst(st, s.Start.Add(BurstAfter)),
		s.plantFlood(st, s.Start.Add(FloodAfter)),
	}
	s.now.Store(st)
	return s
}

// Truth returns the incidents as they stand.
func (s *Scenario) Truth() Truth {
	return Truth{s.World.Seed, s.Name, s.Start, slices.Clone(s.now.Load().incidents)}
}

// Repair ends an incident at an instant: the main is closed, and what has leaked fades. The first repair counts; one that
// comes after the incident's own end changes nothing. A flood can't be repaired.
func (s *Scenario) Repair(id string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.now.Load()
	k := slices.IndexFunc(old.incidents, func(i Incident) bool { return i.ID == id })
	if k < 0 {
		return fmt.Errorf("no incident %q in this scenario", id)
	}
	st := &state{leak: old.leak, burst: old.burst, flood: old.flood, rooms: old.rooms, incidents: slices.Clone(old.incidents)}
	i := &st.incidents[k]
	if at = at.UTC(); at.Before(i.Start) {
		return fmt.Errorf("%s begins at %s: it can't be repaired at %s", id, i.Start.Format(time.RFC3339), at.Format(time.RFC3339))
	}
	if i.Repaired != nil {
		return nil
	}
	switch i.Kind {
	case "gas-leak":
		l := *st.leak
		l.closed = math.Min(l.closed, unixSeconds(at))
		st.leak = &l
		i.End = l.faded()
	case "main-burst":
		b := *st.burst
		b.closed = math.Min(b.closed, unixSeconds(at))
		st.burst = &b
		i.End = fromSeconds(b.closed).Add(burstRamp)
	default:
		if !canMend(i.Kind) {
			return fmt.Errorf("%s can't be repaired", id)
		}
		i.Repaired = &at
		st = s.mend(old, st.incidents, id, at)
	}
	i.Repaired = &at
	s.now.Store(st)
	return nil
}

func unixSeconds(t time.Time) float64   { return float64(t.UnixMicro()) / 1e6 }
func fromSeconds(sec float64) time.Time { return time.UnixMicro(int64(sec * 1e6)).UTC() }

// ---- the gas leak

// leak is a hole in a street main. Gas finds its way along ducts and cable channels into kitchens and chambers nearby.
type leak struct {
	at        XY
	start     float64 // seconds since 1970
	closed    float64 // when the main is closed
	regulator int
	rooms     []*room
}

const (
	// leakRate is the loss of a 12 mm hole in a main at 0.2 MPa, in m3/h.
	leakRate = 240.0
	// leakReach is how far gas gets along ducts, in metres, and ductSpeed how fast, in m/s.
	leakReach = 125.0
	ductSpeed = 1.2
	// leakFelt is how far a regulator may be to lose pressure to it, in metres.
	leakFelt = 1200.0
	// lowerLimit is the lower explosive limit of methane: 5 % by volume is 100 %LEL.
	lowerLimit = 0.05
	// soilTime is how long the ground goes on giving off gas after the main is closed (time constant, s).
	soilTime = 180.0
	// airing is how much more air passes once crews have opened doors and windows.
	airing = 8.0
)

// room is a well-mixed box (EN 1127-1 and every ventilation handbook): gas comes in with q, air passes with vent, so
//
//	V dc/dt = q - (q + vent) c       c(t) = q/(q+vent) (1 - exp(-t/tau)),  tau = V/(q+vent)
//
// After the main is closed q dies away with soilTime and vent grows by airing.
type room struct {
	arrival float64 // seconds since 1970 at which gas first enters
	volume  float64 // m3
	inflow  float64 // m3/h of methane
	vent    float64 // m3/h of air
}

// methane in %LEL at t for a main that is closed at closed.
func (r *room) methane(t, closed float64) float64 {
	if t <= r.arrival || closed <= r.arrival {
		return 0
	}
	percent := func(vent float64) (steady, tau float64) {
		return r.inflow / (r.inflow + vent) / lowerLimit * 100, r.volume / (r.inflow + vent) * 3600
	}
	steady, tau := percent(r.vent)
	rising := func(t float64) float64 { return steady * (1 - math.Exp(-(t-r.arrival)/tau)) }
	if t <= closed {
		return rising(t)
	}
	after := t - closed
	steady, tau2 := percent(r.vent * airing)
	if math.Abs(tau2-soilTime) < 1 {
		tau2 = soilTime + 1 // the two exponentials would coincide
	}
	before, _ := percent(r.vent)
	from := before * (1 - math.Exp(-(closed-r.arrival)/tau))
	return from*math.Exp(-after/tau2) + steady*soilTime/(soilTime-tau2)*(math.Exp(-after/soilTime)-math.Exp(-after/tau2))
}

// explosive is when the room would reach 100 %LEL if the leak went on, +Inf if never.
func (r *room) explosive() float64 {
	steady := r.inflow / (r.inflow + r.vent) / lowerLimit * 100
	if steady <= 100 {
		return math.Inf(1)
	}
	return r.arrival - r.volume/(r.inflow+r.vent)*3600*math.Log(1-100/steady)
}

// faded is when every room is below 2 %LEL for good.
func (l *leak) faded() time.Time {
	for t := l.closed; ; t += 5 {
		if !slices.ContainsFunc(l.rooms, func(r *room) bool { return r.methane(t, l.closed) >= 2 }) {
			return fromSeconds(t)
		}
	}
}

func (st *state) roomOf(datastream int) *room {
	if st == nil {
		return nil
	}
	return st.rooms[datastream]
}

// leakOpen is 1 while the main leaks.
func (st *state) leakOpen(m moment) float64 {
	if st == nil || st.leak == nil || m.seconds() < st.leak.start || m.seconds() >= st.leak.closed {
		return 0
	}
	return 1 - math.Exp(-(m.seconds()-st.leak.start)/8)
}

func (st *state) leakFlow(regulator int, m moment) float64 {
	if st == nil || st.leak == nil || regulator != st.leak.regulator {
		return 0
	}
	return leakRate * st.leakOpen(m)
}

// leakNear is how much of the leak's pull a regulator feels, 0 to 1.
func (st *state) leakNear(at XY, m moment) float64 {
	if st == nil || st.leak == nil || at.distance(st.leak.at) > leakFelt {
		return 0
	}
	return st.leakOpen(m) * math.Exp(-at.distance(st.leak.at)/500)
}

// plantLeak chooses the spot on a gas main with the most restaurants around it.
func (s *Scenario) plantLeak(st *state, start time.Time) Incident {
	w := s.World
	var main *Asset
	var at XY
	most := -1
	for k := range w.Assets {
		a := &w.Assets[k]
		if a.Kind != "gas/main" {
			continue
		}
		// The main's middle block only: there the leak lies at the main's own place.
		if n := len(w.near(a.at, leakReach, "gas/kitchen-alarm")); n > most {
			most, main, at = n, a, a.at
		}
	}
	i := s.incident(LeakID, "gas-leak", main, at, start)
	i.Name = Name{"Gas leak on " + main.Name.En, main.Name.Zh + "泄漏"}
	i.Harm = Name{"the first room reaches 100 %LEL (5 % methane by volume)", "首个房间甲烷达到100%LEL(体积分数5%)"}
	l := &leak{at: at, start: unixSeconds(start), closed: unixSeconds(start.Add(LeakUnrepaired))}
	best := math.Inf(1)
	for k, r := range w.net.regulators {
		if d := r.at.distance(at); d < best {
			best, l.regulator = d, k
		}
	}
	harm := math.Inf(1)
	for _, a := range w.near(at, leakReach, "gas/kitchen-alarm", "gas/street-probe") {
		r := generator(w.Seed, "room", a.ID)
		d := a.at.distance(at)
		box := &room{arrival: l.start + 6 + d/ductSpeed, volume: 28 + 30*r.Float64(), vent: 60 + 80*r.Float64()}
		box.inflow = (5 + 6*r.Float64()) * math.Exp(-d/80)
		if a.Kind == "gas/street-probe" {
			box.volume, box.vent = 4, 6+4*r.Float64()
			box.inflow *= 0.2
		}
		l.rooms = append(l.rooms, box)
		s.touch(st, &i, a, "gas/methane", box)
	}
	s.nearestKitchens(l, &i, st)
	for _, r := range l.rooms {
		harm = math.Min(harm, r.explosive())
	}
	i.HarmfulAt = fromSeconds(harm)
	for _, a := range w.near(at, leakFelt, "gas/regulator") {
		s.touch(st, &i, a, "gas/pressure", nil)
	}
	s.touch(st, &i, w.assetOf("gas/regulator", l.regulator), "gas/flow", nil)
	st.leak = l
	i.End = l.faded()
	return i
}

// nearestKitchens sets the two rooms that the story is about. In the nearest, small and with its hood running, the hood's
// suction draws gas straight out of the duct: it climbs within seconds but the same hood keeps it short of 100 %LEL. In the
// second the hood is off: it climbs slowly and gets there.
func (s *Scenario) nearestKitchens(l *leak, i *Incident, st *state) {
	n := 0
	for _, id := range i.Assets {
		a := s.World.Assets[s.World.assets[id]]
		if a.Kind != "gas/kitchen-alarm" {
			continue
		}
		for k := range st.rooms {
			if st.rooms[k] == nil || s.World.Datastreams[k].Asset != id {
				continue
			}
			switch n {
			case 0:
				*st.rooms[k] = room{arrival: l.start + 2, volume: 15, inflow: 60, vent: 1500}
			case 1:
				*st.rooms[k] = room{arrival: l.start + 12, volume: 35, inflow: 13, vent: 80}
			}
		}
		if n++; n == 2 {
			return
		}
	}
}

// ---- the burst

// burst is a broken water main in a district metered area.
type burst struct {
	at     XY
	dma    int
	start  float64
	closed float64
	rate   float64 // m3/h
}

const (
	burstRamp = 2 * time.Minute // the pipe gives way over this long, and valves close over it
	// What comes up has to fill the hollow of the road; the rest seeps away or finds a gully.
	burstSurfaces  = 0.6  // share
	burstGullies   = 12.0 // m3/h
	burstPond      = 150  // m2
	burstPondDepth = 0.15 // m: a car stalls, a walker can't see the hole
)

// open is how far the burst is open, 0 to 1.
func (b *burst) open(t float64) float64 {
	ramp := burstRamp.Seconds()
	up := math.Max(0, math.Min(1, (t-b.start)/ramp))
	down := math.Max(0, math.Min(1, (t-b.closed)/ramp))
	return math.Min(up, 1-down)
}

func (st *state) burstFlow(dma int, m moment) float64 {
	if st == nil || st.burst == nil || dma != st.burst.dma {
		return 0
	}
	return st.burst.rate * st.burst.open(m.seconds())
}

// burstDrop is the loss of pressure in kPa at a point of a DMA: some at its inlet, most beside the hole.
func (st *state) burstDrop(dma int, at XY, m moment) float64 {
	if st == nil || st.burst == nil || dma != st.burst.dma {
		return 0
	}
	return (16 + 95*math.Exp(-at.distance(st.burst.at)/400)) * st.burst.open(m.seconds())
}

// plantBurst chooses a water main in a DMA with at least two pressure points, the largest flow first.
func (s *Scenario) plantBurst(st *state, start time.Time) Incident {
	w := s.World
	points := map[int][]*Asset{}
	for k := range w.Datastreams {
		d := &w.Datastreams[k]
		if d.model.kind == modelPressurePoint {
			points[d.model.zone] = append(points[d.model.zone], &w.Assets[w.assets[d.Asset]])
		}
	}
	var main *Asset
	dma := 0
	best := math.Inf(-1)
	for k := range w.Assets {
		a := &w.Assets[k]
		if a.Kind != "water/main" {
			continue
		}
		for d := range w.net.dmas {
			if w.net.areaOf(w, d) != a.Area {
				continue
			}
			if v := float64(len(points[d])) - a.at.distance(w.net.dmas[d].at)/1000; v > best {
				best, main, dma = v, a, d
			}
		}
	}
	i := s.incident(BurstID, "main-burst", main, main.at, start)
	i.Name = Name{"Burst on " + main.Name.En, main.Name.Zh + "爆管"}
	i.Harm = Name{"15 cm of water stand on 150 m² of the road", "路面150平方米积水深达15厘米"}
	b := &burst{at: main.at, dma: dma, start: unixSeconds(start), closed: unixSeconds(start.Add(BurstUnrepaired)), rate: 45 + 0.5*w.net.dmas[dma].demand}
	st.burst = b
	i.End = fromSeconds(b.closed).Add(burstRamp)
	hours := burstPond * burstPondDepth / (b.rate*burstSurfaces - burstGullies)
	i.HarmfulAt = start.Add(burstRamp/2 + time.Duration(hours*float64(time.Hour)))
	near := points[dma]
	slices.SortStableFunc(near, func(x, y *Asset) int { return cmp.Compare(x.at.distance(b.at), y.at.distance(b.at)) })
	for _, a := range near {
		s.touch(st, &i, a, "water/pressure", nil)
		s.touch(st, &i, a, "water/flow", nil)
	}
	return i
}

// areaOf is the grid cell of a DMA's inlet.
func (n *networks) areaOf(w *World, dma int) string { return w.assetOf("water/dma-inlet", dma).Area }

// ---- the flood

// flood is a cloudburst over the river's upper reach and the wave that it sends down.
type flood struct {
	start float64 // of the rain
	west  float64 // X of the upper reach
}

const (
	floodRain      = 42.0           // mm/h at its worst
	floodRainHours = 2.0            //
	floodRainReach = 3500.0         // m: the rain fades towards the sea over this distance
	floodRise      = 25 * 60.0      // s from the first rain to the first rise at the city's limit
	floodPeakAfter = 4 * 3600.0     // s from the first rise to the peak
	floodPeak      = 820.0          // m3/s
	floodFades     = 26 * time.Hour // after which the pulse is below 1 % of its peak
)

func (st *state) floodRain(m moment, at XY) float64 {
	if st == nil || st.flood == nil {
		return 0
	}
	t := m.seconds() - st.flood.start - (at.X-st.flood.west)/rainSpeed
	if t <= 0 || t >= floodRainHours*3600 {
		return 0
	}
	x := math.Sin(math.Pi * t / (floodRainHours * 3600))
	return floodRain * x * x * st.flood.wet(at)
}

// wet is the share of the cloudburst that a place gets: all in the west, none by the sea.
func (f *flood) wet(at XY) float64 {
	share := 1.08*math.Exp(-math.Max(0, at.X-f.west)/floodRainReach) - 0.08
	if share < 0.03 {
		return 0
	}
	return share
}

func (st *state) floodFlow(m moment, lag float64) float64 {
	if st == nil || st.flood == nil {
		return 0
	}
	return floodPeak * pulse((m.seconds()-st.flood.start-floodRise-lag)/floodPeakAfter)
}

func (s *Scenario) plantFlood(st *state, start time.Time) Incident {
	w := s.World
	west := math.Inf(1)
	for k := range w.Assets {
		west = math.Min(west, w.Assets[k].at.X)
	}
	f := &flood{start: unixSeconds(start), west: west}
	st.flood = f
	// Walk until the first gauge of the inner city is over its guarantee mark.
	var worst *Asset
	var harm int64
	for sec := start.Unix(); worst == nil; sec += 10 {
		m := momentOf(sec * 1e6)
		for k := range w.Datastreams {
			d := &w.Datastreams[k]
			if d.model.kind == modelRiverLevel && d.model.a < 3500 && w.hydro.level(m, d.model.a, w.riverFlow(m, d.model.a, st)) >= GuaranteeLevel(d.model.a) {
				worst, harm = &w.Assets[w.assets[d.Asset]], sec
				break
			}
		}
	}
	i := s.incident(FloodID, "flood-wave", worst, worst.at, start)
	i.Name = Name{"Flood wave on the Lan River", "澜江洪峰过境"}
	i.Harm = Name{"a gauge of the inner city passes its guarantee level", "城区水位站超保证水位"}
	i.HarmfulAt = time.Unix(harm, 0).UTC()
	i.End = start.Add(floodFades)
	for k := range w.Assets {
		a := &w.Assets[k]
		wet := f.wet(a.at) > 0
		switch {
		case a.Kind == "flood/river-gauge" && !slices.Contains(w.net.canals, a.ID):
			s.touch(st, &i, a, "flood/level", nil)
			s.touch(st, &i, a, "flood/flow", nil)
			s.touch(st, &i, a, "flood/velocity", nil)
		case a.Kind == "flood/rain-gauge" && wet:
			s.touch(st, &i, a, "flood/rain", nil)
		case a.Kind == "flood/road-gauge" && wet:
			s.touch(st, &i, a, "flood/depth", nil)
		case a.Kind == "weather/station" && wet:
			s.touch(st, &i, a, "weather/rain", nil)
		}
	}
	return i
}

// ---- what the three share

func (s *Scenario) incident(id, kind string, a *Asset, at XY, start time.Time) Incident {
	return Incident{
		ID: id, Kind: kind, Start: start, Asset: a.ID, Place: a.Place, Area: a.Area, Point: Position(at),
		Assets: []string{a.ID}, Places: []string{a.Place},
	}
}

// touch lists an asset and its datastreams of one property as affected.
func (s *Scenario) touch(st *state, i *Incident, a *Asset, property string, r *room) {
	if !slices.Contains(i.Assets, a.ID) {
		i.Assets = append(i.Assets, a.ID)
	}
	if !slices.Contains(i.Places, a.Place) {
		i.Places = append(i.Places, a.Place)
	}
	for k, d := range s.World.Datastreams {
		if d.Asset == a.ID && d.Property == property {
			i.Datastreams = append(i.Datastreams, d.ID)
			if r != nil {
				st.rooms[k] = r
			}
		}
	}
}

// near lists the assets of some kinds within a distance in metres, nearest first.
func (w *World) near(at XY, reach float64, kinds ...string) []*Asset {
	var out []*Asset
	for k := range w.Assets {
		a := &w.Assets[k]
		if slices.Contains(kinds, a.Kind) && a.at.distance(at) <= reach {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(x, y *Asset) int { return cmp.Compare(x.at.distance(at), y.at.distance(at)) })
	return out
}

// assetOf is the k-th asset of a kind, counted from 0.
func (w *World) assetOf(kind string, k int) *Asset {
	for a := range w.Assets {
		if w.Assets[a].Kind == kind {
			if k == 0 {
				return &w.Assets[a]
			}
			k--
		}
	}
	panic("sim: no such asset")
}
