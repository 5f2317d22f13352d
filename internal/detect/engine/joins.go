package engine

import (
	"math"
	"slices"
)

// Report is what a person told the city, as far as detectors read it.
type Report struct {
	ID       int64
	At       int64
	Category string // "gas/gas-smell"
	Point    *[2]float64
}

// memberState is what is remembered of one signal at one place.
type memberState struct {
	standing []int64 // the names of its alerts that stand
	ended    int64   // when the last of them ended; 0: never
	here     []int64 // of these, the ones at the place itself
	left     int64   // when the last of those ended
	reports  []int64 // times of the newest maxReports
	known    []int64 // their ids, in the same order: a start hears again what it has heard
	began    int64   // since when it counts; 0: it does not
}

// maxReports is how many reports of one category are remembered at one place.
const maxReports = 100

func (m *memberState) set(from *memberState) {
	m.standing = append(m.standing[:0], from.standing...)
	m.here = append(m.here[:0], from.here...)
	m.reports = append(m.reports[:0], from.reports...)
	m.known = append(m.known[:0], from.known...)
	m.ended, m.left, m.began = from.ended, from.left, from.began
}

// clock is the source of an entry that is no signal but a look at the clock.
const clock = -1

// signal takes one signal, or a look at the clock, and judges how many count.
func (s *state) signal(d *Detector, e entry, k *known, changes []Change) []Change {
	if e.source != clock {
		m := &s.members[e.source]
		switch {
		case d.Joins.Of[e.source].Reports != "":
			if slices.Contains(m.known, e.id) {
				break
			}
			m.reports, m.known = append(m.reports, e.at), append(m.known, e.id)
			if len(m.reports) > maxReports {
				m.reports, m.known = slices.Delete(m.reports, 0, 1), slices.Delete(m.known, 0, 1)
			}
		case Level(e.value) >= d.Joins.Of[e.source].From:
			if !slices.Contains(m.standing, e.id) {
				m.standing = append(m.standing, e.id)
			}
			if e.here && !slices.Contains(m.here, e.id) {
				m.here = append(m.here, e.id)
			}
		default:
			if i := slices.Index(m.standing, e.id); i >= 0 {
				m.standing, m.ended = slices.Delete(m.standing, i, i+1), e.at
			}
			if i := slices.Index(m.here, e.id); i >= 0 {
				m.here, m.left = slices.Delete(m.here, i, i+1), e.at
			}
		}
	}
	k.vars = append(k.vars[:0], float64(s.counting(d.Joins, e.at)))
	met, calm := d.judge(k.vars)
	var span int64
	if s.last != 0 {
		span = e.at - s.last
	}
	changes = s.judged(d, e, span, s.prev, met, calm, k.vars[0], k.vars, changes)
	s.last, s.prev = e.at, met
	return changes
}

// counting is how many signals count at a time: none where all that counts is an alert elsewhere or what people report nearby,
// or each place around a leak would say that it has one.
func (s *state) counting(j *Joins, at int64) (n int) {
	within := micros(j.Within)
	here := !slices.ContainsFunc(j.Of, func(m Member) bool { return m.Alert != "" })
	for i := range s.members {
		m := &s.members[i]
		here = here || len(m.here) > 0 || m.left != 0 && at-m.left <= within
	}
	if !here {
		for i := range s.members {
			s.members[i].began = 0
		}
		return 0
	}
	previous := int64(math.MinInt64) // since when the signal before it has counted
	for i := range s.members {
		m := &s.members[i]
		recent := 0
		for _, t := range m.reports {
			if at-t <= within {
				recent++
			}
		}
		counts := len(m.standing) > 0 || m.ended != 0 && at-m.ended <= within || recent > 0 && recent >= j.Of[i].AtLeast
		switch {
		case !counts:
			m.began = 0
		case m.began == 0:
			m.began = at
		}
		if j.InOrder {
			if !counts || m.began < previous {
				return n
			}
			previous = m.began
		}
		if counts {
			n++
		}
	}
	return n
}

// idle says that time alone changes nothing more.
func (s *state) idle(j *Joins, at int64) bool {
	for i := range s.members {
		m := &s.members[i]
		if m.began != 0 || len(m.standing) > 0 || len(m.reports) > 0 && at-m.reports[len(m.reports)-1] <= micros(j.Within) {
			return false
		}
	}
	return s.stands.since == 0 && s.alarm.Begun() == 0
}

// pass hands changes of a detector's alerts to the detectors that join it, and appends what these change.
func (e *Engine) pass(from int, changes []Change) []Change {
	for i := from; i < len(changes); i++ { // what is appended on the way is of detectors that none can join
		c := changes[i]
		if c.Kind != Hazard || c.Detector.Joins != nil {
			continue
		}
		for _, j := range e.joiners[c.Detector.ID] {
			where := e.Stream(c.Datastream)
			for _, sub := range e.near(j, where.Place, where.Point) {
				for _, member := range j.members[c.Detector.ID] {
					e.touch(sub)
					x := entry{at: c.At, source: member, value: float64(c.To), id: nameOf(c), here: where.Place == sub.ID}
					if c.Undo {
						changes = sub.take(x, &e.known, changes)
					} else {
						changes = sub.put(x, &e.known, changes)
					}
				}
			}
		}
	}
	return changes
}

// nameOf tells alerts of one detector apart: two at different places may have begun at the same moment. It mixes the subject
// into the time with the golden ratio, as hashes do.
func nameOf(c Change) int64 {
	const golden = 0x9E3779B97F4A7C15
	return int64((uint64(c.Subject.ID)*8+uint64(c.Subject.Scope))*golden ^ uint64(c.Since))
}

// Report takes a report of people. A report that came before, by its id, changes nothing.
func (e *Engine) Report(r Report, changes []Change) []Change {
	for _, j := range e.joiners[r.Category] {
		for _, sub := range e.near(j, 0, r.Point) {
			for _, member := range j.members[r.Category] {
				e.touch(sub)
				changes = sub.put(entry{at: r.At, source: member, value: 1, id: r.ID}, &e.known, changes)
			}
		}
	}
	return changes
}

// touch goes before a signal is given to a subject.
func (e *Engine) touch(sub *subject) {
	e.soil(sub)
	e.ticking[sub] = true
}

// near are the subjects of a detector that joins others which a signal at a place or point counts to.
func (e *Engine) near(j *Detector, place int64, point *[2]float64) (subs []*subject) {
	if j.Joins.Near == 0 || point == nil {
		if place != 0 {
			subs = append(subs, e.subject(j, Subject{ScopePlace, place}))
		}
		return subs
	}
	for _, p := range e.places.within(*point, j.Joins.Near) {
		subs = append(subs, e.subject(j, Subject{ScopePlace, p}))
	}
	return subs
}

// tick lets time pass for what joins others, minute by minute.
func (e *Engine) tick(now int64, changes []Change) []Change {
	for _, sub := range sortedSubjects(e.ticking) {
		step := micros(sub.detector.Every)
		for at := (sub.newest/step + 1) * step; at <= now; at += step {
			e.soil(sub)
			changes = sub.put(entry{at: at, source: clock}, &e.known, changes)
			if sub.now.idle(sub.detector.Joins, sub.newest) {
				delete(e.ticking, sub)
				break
			}
		}
	}
	return changes
}
