package engine

import (
	"math"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/methods/series"
	"github.com/anlan-city/anlan/internal/pack"
)

// maxRaises is the largest number of raises that Chatter counts.
const maxRaises = 5

// state is all that a subject's rule remembers: it is a function of the entries it was given, in their order, and of
// nothing else.
type state struct {
	alarm  series.Alarm
	stands stand
	ins    []inState // one for each source

	// Where several inputs are judged together, or other detectors are joined:
	cells    []cell // of derived variables
	frame    int64  // the interval that is being gathered, from 1
	judgedIn int64  // the newest interval that was judged
	last     int64  // time of the newest judgement
	prev     uint8  // the levels whose condition it met
	members  []memberState
}

// inState is what is remembered of one instrument.
type inState struct {
	last  int64 // time of its newest reading
	value float64
	prev  uint8 // the levels whose condition its newest reading met
	cells []cell

	still series.Stuck
	since int64 // since when its value has not moved; 0: it rests, or has said nothing
	stuck bool  // that is told
}

// stand is the alert that stands, and what is remembered of the one before it.
type stand struct {
	since   int64 // names the alert that stands; 0: none
	level   int8
	cleared int64 // when the last one cleared; while one chatters: when it would have cleared, 0 when it would not
	before  int64 // the name of the last one
	chatter bool
	raises  [maxRaises]int64 // when it was raised last, newest first
}

func (s *state) set(from *state) {
	s.alarm, s.stands, s.frame, s.judgedIn, s.last, s.prev = from.alarm, from.stands, from.frame, from.judgedIn, from.last, from.prev
	for i := range s.members {
		s.members[i].set(&from.members[i])
	}
	setCells(s.cells, from.cells)
	for i := range s.ins {
		cells := s.ins[i].cells
		s.ins[i] = from.ins[i]
		s.ins[i].cells = cells
		setCells(cells, from.ins[i].cells)
	}
}

func setCells(to, from []cell) {
	for i := range to {
		to[i].set(from[i])
	}
}

// addSource makes room for one more instrument, as the i-th.
func (s *state) addSource(i int, d *Detector, relay bool) {
	in := inState{value: math.NaN()}
	if len(d.Inputs) == 0 && !relay {
		in.cells = d.cells()
	}
	s.ins = slices.Insert(s.ins, i, in)
}

// cells are fresh states of the derived variables.
func (d *Detector) cells() []cell {
	var cs []cell
	for _, v := range d.vars[d.given:] {
		cs = append(cs, v.fresh())
	}
	return cs
}

// known is what a step knows: the variables so far, and the newest value of each source. One serves a whole engine.
type known struct {
	vars    []float64
	fresh   []bool    // whether each variable has a new value
	unsure  []bool    // of a variable without a value: there is one, and nobody knows it, for its readings are too few or none come
	sources []float64 // NaN where one has said nothing for too long
	of      []sensor  // what each source is
	cells   []cell    // that make the variables

	// Of a chain of gauges: of how many the reading is which, and what it is.
	gauge, gauges int
	relayed       float64
	least         []int64

	zone    *time.Location
	atPlace map[int64][]int64 // the datastreams of each place, the lowest first
	discard []Change
}

// at is a datastream that stands at a place, for its name; 0 when none does.
func (k *known) at(on Subject) int64 {
	if ids := k.atPlace[on.ID]; len(ids) > 0 {
		return ids[0]
	}
	return 0
}

// begin forgets the variables of the judgement before.
func (k *known) begin() { k.vars, k.fresh, k.unsure = k.vars[:0], k.fresh[:0], k.unsure[:0] }

// give adds a variable that is not derived.
func (k *known) give(v float64, fresh bool) {
	k.vars, k.fresh, k.unsure = append(k.vars, v), append(k.fresh, fresh), append(k.unsure, false)
}

// step takes one entry and appends what it changes. The changes lack what the subject knows: see subject.tell.
func (s *state) step(sub *subject, e entry, k *known, changes []Change) []Change {
	d := sub.detector
	switch {
	case d.Joins != nil:
		return s.signal(d, e, k, changes)
	case len(d.Inputs) > 0:
		return s.joint(sub, e, k, changes)
	}
	in := &s.ins[e.source]
	value := d.clamp(0, e.value)
	if d.chained {
		k.gauge, k.gauges, k.relayed, k.least = e.source, len(s.ins), value, sub.least
		if e.source != len(s.ins)-1 {
			return s.relay(d, e, k, changes)
		}
	}
	changes = s.still(d.Stuck, in, e, value, changes)
	k.begin()
	k.give(value, true)
	derive(in.cells, e.at, k)
	var span int64
	if in.last != 0 {
		span = e.at - in.last
	}
	j := d.judge(k)
	if d.chained { // between two of its own readings others were judged
		span, in.prev = e.at-s.last, s.prev
	}
	changes = s.judged(d, e, span, in.prev, j, value, k.vars, changes)
	in.last, in.value, in.prev = e.at, value, j.met
	s.last, s.prev = e.at, j.met
	return changes
}

// relay takes a reading of a gauge upstream: what the wave makes of it is judged, beside the newest value of the gauge.
func (s *state) relay(d *Detector, e entry, k *known, changes []Change) []Change {
	own := &s.ins[len(s.ins)-1]
	s.ins[e.source].last = e.at
	k.begin()
	k.give(own.value, false)
	derive(own.cells, e.at, k)
	if own.last == 0 {
		return changes
	}
	j := d.judge(k)
	changes = s.judged(d, e, e.at-s.last, s.prev, j, own.value, k.vars, changes)
	s.last, s.prev = e.at, j.met
	return changes
}

func derive(cells []cell, at int64, k *known) {
	k.cells = cells
	for _, c := range cells {
		k.unsure = append(k.unsure, false)
		v, fresh := c.next(at, k)
		k.vars, k.fresh = append(k.vars, v), append(k.fresh, fresh)
	}
}

// clamp takes a value beyond what the world can have for the nearest that can be: it is the end of the instrument's scale. To
// drop it would make a sensor that gas has saturated the one that never speaks.
func (d *Detector) clamp(input int, v float64) float64 {
	r := d.Property.Range
	if len(d.Inputs) > 0 {
		r = d.Inputs[input].Property.Range
	}
	return min(max(v, r[0]), r[1])
}

// judgement says which levels' conditions hold (bit i: level i+1), and whether the clear condition does; and of which that
// can't be told.
type judgement struct {
	met, unknown uint8
	calm, unsure bool
}

func (d *Detector) judge(k *known) (j judgement) {
	for i := range d.Levels {
		switch d.Levels[i].When.Judge(k.vars, k.unsure) {
		case pack.Holds:
			j.met |= 1 << i
		case pack.Unknown:
			j.unknown |= 1 << i
		}
	}
	clear := d.Clear.Judge(k.vars, k.unsure)
	j.calm, j.unsure = clear == pack.Holds, clear == pack.Unknown
	return j
}

// judged runs the alarm and what manages it.
func (s *state) judged(d *Detector, e entry, span int64, prev uint8, j judgement, value float64, vars []float64, changes []Change) []Change {
	at := e.at
	from, to := s.alarm.Step(&d.delays, series.Step{At: at, Span: span, Prev: prev, Met: j.met, Calm: j.calm, Unknown: j.unknown, Unsure: j.unsure})
	c := Change{Kind: Hazard, At: at, source: e.source, Value: value}
	st := &s.stands
	if st.chatter && st.cleared != 0 && at-st.cleared >= micros(d.Chatter.Settle) && to == 0 {
		// It has settled: the alert that was held clears now.
		c.Since, c.From, c.Cleared = st.since, d.level(int(st.level)), true
		st.before, st.since, st.level, st.chatter = st.since, 0, 0, false
		st.cleared, st.raises = at, [maxRaises]int64{}
		c.Values = slices.Clone(vars)
		return append(changes, c)
	}
	if from == to {
		return changes
	}
	switch {
	case to == 0 && st.chatter:
		st.cleared = at
		return changes // it is held until it has settled
	case to == 0:
		c.Since, c.From, c.Cleared = st.since, d.level(int(st.level)), true
		st.before, st.since, st.level, st.cleared = st.since, 0, 0, at
	case from == 0 && st.since != 0: // an alert that chatters, once more
		st.cleared = 0
		if int8(to) == st.level {
			return changes
		}
		c.Since, c.From, c.To = st.since, d.level(int(st.level)), d.level(to)
		st.level = int8(to)
	case from == 0:
		copy(st.raises[1:], st.raises[:maxRaises-1])
		st.raises[0] = at
		st.since, st.level = s.alarm.Begun(), int8(to)
		again := st.before != 0 && at-st.cleared <= micros(d.Quiet) && d.Quiet > 0
		if x := d.Chatter; x != nil && st.raises[x.Raises-1] != 0 && at-st.raises[x.Raises-1] <= micros(x.Within) && st.before != 0 {
			again, st.chatter = true, true
		}
		if again { // the alert before it, come back
			st.since = st.before
		}
		st.cleared = 0
		c.Since, c.To, c.Again, c.Chatters = st.since, d.level(to), again, st.chatter
	default:
		c.Since, c.From, c.To = st.since, d.level(from), d.level(to)
		st.level = int8(to)
	}
	c.Values = slices.Clone(vars)
	return append(changes, c)
}

// still watches whether an instrument's value moves.
func (s *state) still(x *Stuck, in *inState, e entry, value float64, changes []Change) []Change {
	if x == nil {
		return changes
	}
	c := Change{Kind: Monitoring, Fault: StuckFault, Since: in.since, At: e.at, source: e.source, Value: value}
	rests := x.Except != nil && x.Except.Holds(value)
	var still int64
	if rests {
		in.still = series.Stuck{}
	} else {
		still = in.still.Next(&x.move, e.at, value)
	}
	if still == 0 {
		if in.stuck {
			c.Cleared = true
			changes = append(changes, c)
		}
		if in.since, in.stuck = e.at, false; rests {
			in.since = 0
		}
		return changes
	}
	if !in.stuck && still >= micros(x.After) {
		in.stuck = true
		changes = append(changes, c)
	}
	return changes
}
