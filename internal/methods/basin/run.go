package basin

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Meter is what happened in a run.
type Meter struct {
	In        float64 `json:"in_m3"`         // rain that ran off, and base flow
	FromOuter float64 `json:"from_outer_m3"` // came in through gates
	ToOuter   float64 `json:"to_outer_m3"`
	Energy    float64 `json:"energy_kwh"`
	Starts    int     `json:"starts"`
	// Above is, for each storage, the most water that stood above its danger stage, Highest its highest stage.
	Above   []float64 `json:"above_m3"`
	Highest []float64 `json:"highest_m"`
	// FloodHours is the water above danger stages over time, in m³ h.
	FloodHours float64 `json:"flood_m3h"`
	// Peak is the highest share of the room from usual to danger that any storage reached; 1 is the danger stage.
	Peak float64 `json:"peak"`
}

// Flood is the flood volume in m³.
func (m *Meter) Flood() (sum float64) {
	for _, a := range m.Above {
		sum += a
	}
	return sum
}

func (m *Meter) copyFrom(o *Meter) {
	above, highest := m.Above, m.Highest
	*m = *o
	m.Above, m.Highest = above, highest
	copy(m.Above, o.Above)
	copy(m.Highest, o.Highest)
}

func (m Meter) clone() Meter {
	m.Above, m.Highest = slices.Clone(m.Above), slices.Clone(m.Highest)
	return m
}

// Stored is all the water of a state, in m³.
func (s *State) Stored() (sum float64) {
	for _, v := range s.Volumes {
		sum += v
	}
	for _, v := range s.Ground {
		sum += v
	}
	return sum
}

// Run moves a state through the weather from one time to another in steps of at most step, under settings that stay. The meter
// goes on from an earlier one when that is given. In + FromOuter - ToOuter is the change of Stored.
func (b *Basin) Run(s State, set Settings, w Weather, from, to, step time.Duration, before ...Meter) (State, Meter, error) {
	if err := b.ready(&s, &w); err != nil {
		return s, Meter{}, err
	}
	if err := b.checkSettings(set); err != nil {
		return s, Meter{}, err
	}
	if from < 0 || to < from || step <= 0 {
		return s, Meter{}, fmt.Errorf("a span from %v to %v in steps of %v cannot be run", from, to, step)
	}
	r := newRunner(b)
	s = s.Clone()
	m := r.meter(&s)
	if len(before) > 0 {
		m = before[0].clone()
	}
	r.run(&s, &set, &w, from, to, step, &m)
	return s, m, nil
}

func (b *Basin) ready(s *State, w *Weather) error {
	if err := b.Check(); err != nil {
		return err
	}
	if err := b.check(s); err != nil {
		return err
	}
	return w.check(b)
}

func (b *Basin) checkSettings(set Settings) error {
	if len(set.Units) != len(b.Stations) || len(set.Openings) != len(b.Gates) {
		return fmt.Errorf("settings: one value for each station and gate was expected")
	}
	for i, n := range set.Units {
		if n < Auto || n > b.Stations[i].Units {
			return fmt.Errorf("station %s: Auto or 0 to %d units were expected", b.Stations[i].Name, b.Stations[i].Units)
		}
	}
	for i, o := range set.Openings {
		if !(o >= 0 && o <= 1) {
			return fmt.Errorf("gate %s, opening: 0 to 1 was expected", b.Gates[i].Name)
		}
	}
	return nil
}

// runner is a basin with its names looked up.
type runner struct {
	b             *Basin
	into          []int     // of the catchments
	pumps, gates  [][2]int  // from, to; -1 is Outer
	least, danger []float64 // volumes
	usual         []float64
	keep, lag     []float64 // of the catchments for one length of step
	dt            float64
}

func newRunner(b *Basin) *runner {
	r := &runner{b: b, keep: make([]float64, len(b.Catchments)), lag: make([]float64, len(b.Catchments))}
	for _, c := range b.Catchments {
		r.into = append(r.into, b.storage(c.Into))
	}
	for _, p := range b.Stations {
		r.pumps = append(r.pumps, [2]int{b.storage(p.From), b.storage(p.To)})
	}
	for _, g := range b.Gates {
		r.gates = append(r.gates, [2]int{b.storage(g.From), b.storage(g.To)})
	}
	for i := range b.Storages {
		s := &b.Storages[i]
		r.least = append(r.least, whole(s.Volume(s.Least)))
		r.usual = append(r.usual, s.Volume(s.Usual))
		r.danger = append(r.danger, s.Volume(s.Danger))
	}
	return r
}

// lagShare is the lag of a catchment as a share of its time of concentration (NRCS).
const lagShare = 0.6

func (r *runner) setStep(dt float64) {
	if dt == r.dt {
		return
	}
	r.dt = dt
	for i, c := range r.b.Catchments {
		r.lag[i], r.keep[i] = lagShare*c.Concentration.Seconds(), 0
		if r.lag[i] > 0 {
			r.keep[i] = math.Exp(-dt / r.lag[i])
		}
	}
}

func (r *runner) meter(s *State) Meter {
	m := Meter{Above: make([]float64, len(r.b.Storages)), Highest: make([]float64, len(r.b.Storages))}
	for i := range m.Highest {
		m.Highest[i] = math.Inf(-1)
	}
	r.note(s, &m, 0)
	return m
}

func (r *runner) run(s *State, set *Settings, w *Weather, from, to, step time.Duration, m *Meter) {
	for t := from; t < to; t += step {
		dt := min(step, to-t)
		r.setStep(dt.Seconds())
		r.runoff(s, w, t, m)
		outer := w.outer(t)
		for i := range r.pumps {
			r.pump(s, i, set.Units[i], outer, m)
		}
		for i := range r.gates {
			if !r.b.Gates[i].Fixed {
				s.Openings[i] = set.Openings[i]
			}
			r.gate(s, i, outer, m)
		}
		r.note(s, m, r.dt/3600)
	}
}

// runoff lets the rain of a step into the catchments, and out of them what the linear reservoir gives: with rain i that is
// constant within the step, S(dt) = S e^(-dt/K) + i K (1 - e^(-dt/K)).
func (r *runner) runoff(s *State, w *Weather, t time.Duration, m *Meter) {
	for i := range r.b.Catchments {
		c := &r.b.Catchments[i]
		rate := c.Runoff*c.Area*w.rain(i, t)/3.6e6 + c.Base // m³/s
		in := whole(rate * r.dt)
		left := s.Ground[i]*r.keep[i] + rate*r.lag[i]*(1-r.keep[i])
		out := min(max(whole(s.Ground[i]+in-left), 0), s.Ground[i]+in)
		s.Ground[i] += in - out
		s.Volumes[r.into[i]] += out
		m.In += in
	}
}

func (r *runner) stage(s *State, storage int, outer float64) float64 {
	if storage < 0 {
		return outer
	}
	return r.b.Storages[storage].Stage(s.Volumes[storage])
}

func (r *runner) pump(s *State, i, units int, outer float64, m *Meter) {
	p, from, to := &r.b.Stations[i], r.pumps[i][0], r.pumps[i][1]
	low := r.stage(s, from, outer)
	n, floor := min(units, s.Available[i]), r.least[from]
	if units == Auto {
		n = min(s.Running[i], s.Available[i])
		for n < s.Available[i] && low >= p.Start+float64(n)*p.Between {
			n++
		}
		for n > 0 && low < p.Stop+float64(n-1)*p.Between {
			n--
		}
	}
	m.Starts += max(n-s.Running[i], 0)
	s.Running[i] = n
	v := whole(min(float64(n)*p.Capacity*r.dt, s.Volumes[from]-floor))
	if v <= 0 || v > s.Volumes[from] {
		return
	}
	m.Energy += p.Energy(v, r.stage(s, to, outer)-low)
	r.move(s, from, to, v, m)
}

func (r *runner) gate(s *State, i int, outer float64, m *Meter) {
	g, from, to := &r.b.Gates[i], r.gates[i][0], r.gates[i][1]
	up, down := r.stage(s, from, outer), r.stage(s, to, outer)
	if down > up {
		if g.Flap {
			return
		}
		from, to, up, down = to, from, down, up
	}
	opening := s.Openings[i]
	if g.Fixed {
		opening = 1
	}
	v := g.Flow(opening, up, down) * r.dt
	if v <= 0 {
		return
	}
	// It stops when the levels have met or the giving side is at the sill, and a movable gate is shut at the least stage.
	allowed := func(v float64) bool {
		if from >= 0 && (s.Volumes[from] < v || !g.Fixed && s.Volumes[from]-v < r.least[from]) {
			return false
		}
		a, b := up, down
		if from >= 0 {
			a = r.b.Storages[from].Stage(s.Volumes[from] - v)
		}
		if to >= 0 {
			b = r.b.Storages[to].Stage(s.Volumes[to] + v)
		}
		return a >= b && a >= g.Sill
	}
	if !allowed(v) {
		low, high := 0., v
		for range halvings {
			if mid := (low + high) / 2; allowed(mid) {
				low = mid
			} else {
				high = mid
			}
		}
		v = low
	}
	if v = whole(v); v > 0 && (from < 0 || v <= s.Volumes[from]) {
		r.move(s, from, to, v, m)
	}
}

// halvings leave a gate's water at most a ten-thousandth of a step's flow short of the meeting of levels.
const halvings = 14

func (r *runner) move(s *State, from, to int, v float64, m *Meter) {
	if from >= 0 {
		s.Volumes[from] -= v
	} else {
		m.FromOuter += v
	}
	if to >= 0 {
		s.Volumes[to] += v
	} else {
		m.ToOuter += v
	}
}

func (r *runner) note(s *State, m *Meter, hours float64) {
	for i := range s.Volumes {
		st := &r.b.Storages[i]
		stage := st.Stage(s.Volumes[i])
		m.Highest[i] = max(m.Highest[i], stage)
		m.Peak = max(m.Peak, (stage-st.Usual)/(st.Danger-st.Usual))
		if over := s.Volumes[i] - r.danger[i]; over > 0 {
			m.Above[i] = max(m.Above[i], over)
			m.FloodHours += over * hours
		}
	}
}
