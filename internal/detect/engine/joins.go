package engine

import (
	"cmp"
	"math"
	"slices"
	"time"
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

// neverWas is the value of an entry by which an alert stands no longer and did not end: it was taken back.
const neverWas = -1

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
				if m.standing = slices.Delete(m.standing, i, i+1); e.value != neverWas {
					m.ended = e.at
				}
			}
			if i := slices.Index(m.here, e.id); i >= 0 {
				if m.here = slices.Delete(m.here, i, i+1); e.value != neverWas {
					m.left = e.at
				}
			}
		}
	}
	k.begin()
	k.give(float64(s.counting(d.Joins, e.at)), true)
	j := d.judge(k)
	var span int64
	if s.last != 0 {
		span = e.at - s.last
	}
	changes = s.judged(d, e, span, s.prev, j, k.vars[0], k.vars, changes)
	s.last, s.prev = e.at, j.met
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

// held names a member's alert.
type held struct {
	detector string
	name     int64
}

// heardOf is what became of a member's alert in one go of changes, for one signal at one place.
type heardOf struct {
	sub    *subject
	member int
	held
	level float64 // of the entry that says how it is now
	here  bool
}

// pass hands changes of a detector's alerts to the detectors that join it, and appends what these change. A raise goes to the
// places around the instrument; everything after it goes to where the raise went, though the instrument may have moved on, or
// be gone, by then.
func (e *Engine) pass(from int, changes []Change) []Change {
	var heard []heardOf
	for i, n := from, len(changes); i < n; i++ { // what is appended on the way is of detectors that none can join
		c := changes[i]
		if c.Kind != Hazard || c.Detector.Joins != nil {
			continue
		}
		for _, j := range e.joiners[c.Detector.ID] {
			for _, member := range j.members[c.Detector.ID] {
				changes, heard = e.signal(j, member, c, changes, heard)
			}
		}
	}
	return e.settleUp(heard, changes)
}

// signal hands one change to the places of one detector that it concerns.
func (e *Engine) signal(j *Detector, member int, c Change, changes []Change, heard []heardOf) ([]Change, []heardOf) {
	least := j.Joins.Of[member].From
	is, was := c.To, c.From
	if c.Undo {
		is, was = c.From, c.To
	}
	name := held{c.Detector.ID, nameOf(c)}
	var subs []*subject
	for _, sub := range e.holders[name] {
		if sub.detector == j {
			subs = append(subs, sub)
		}
	}
	where := e.Stream(c.Datastream)
	if is >= least && (was < least || len(subs) == 0) {
		for _, sub := range e.near(j, where.Place, where.Point) {
			if !slices.Contains(subs, sub) {
				subs = append(subs, sub)
			}
		}
	}
	for _, sub := range subs {
		x := entry{at: c.At, source: member, value: float64(c.To), id: name.name, here: where.Place == sub.ID}
		if !c.Undo {
			changes = e.pace(sub, x.at, changes)
		}
		e.touch(sub)
		switch {
		case c.Undo:
			changes = sub.take(x, &e.known, changes)
		case !sub.past(x.at):
			changes = sub.put(x, &e.known, changes)
		}
		h := heardOf{sub: sub, member: member, held: name, level: float64(is), here: x.here}
		if c.Undo && is < least {
			h.level = neverWas
		}
		e.hold(sub, name)
		if i := slices.IndexFunc(heard, func(o heardOf) bool { return o.sub == sub && o.member == member && o.held == name }); i >= 0 {
			heard[i] = h
		} else {
			heard = append(heard, h)
		}
	}
	return changes, heard
}

// settleUp sees to it that a member's alert counts where it stands and nowhere else. It does not by itself where a change, or
// what is taken back, is older than what the place can put in order: then it counts, or counts no more, from now on.
func (e *Engine) settleUp(heard []heardOf, changes []Change) []Change {
	slices.SortStableFunc(heard, func(a, b heardOf) int { return cmp.Compare(b.level, a.level) }) // what goes leaves no gap before what comes
	for _, h := range heard {
		stands := h.level >= float64(h.sub.detector.Joins.Of[h.member].From)
		if slices.Contains(h.sub.now.members[h.member].standing, h.name) != stands {
			changes = h.sub.put(entry{at: h.sub.next(), source: h.member, value: h.level, id: h.name, here: h.here}, &e.known, changes)
		}
	}
	for _, h := range heard {
		e.release(h.sub)
	}
	return changes
}

// hold notes that a place has heard of a member's alert.
func (e *Engine) hold(sub *subject, name held) {
	if slices.Contains(sub.held, name) {
		return
	}
	sub.held = append(sub.held, name)
	e.holders[name] = append(e.holders[name], sub)
}

// release forgets which alerts a place has heard of, where they stand no more and their end may be taken back no more.
func (e *Engine) release(sub *subject) {
	sub.held = slices.DeleteFunc(sub.held, func(name held) bool {
		if sub.holds(name) {
			return false
		}
		e.unhold(sub, name)
		return true
	})
}

func (e *Engine) unhold(sub *subject, name held) {
	e.holders[name] = slices.DeleteFunc(e.holders[name], func(s *subject) bool { return s == sub })
	if len(e.holders[name]) == 0 {
		delete(e.holders, name)
	}
}

func (s *subject) holds(name held) bool {
	for _, member := range s.detector.members[name.detector] {
		if slices.Contains(s.now.members[member].standing, name.name) || slices.Contains(s.base.members[member].standing, name.name) ||
			slices.ContainsFunc(s.recent, func(x entry) bool { return x.source == member && x.id == name.name }) {
			return true
		}
	}
	return false
}

// rehold finds again, in a state that was restored, which alerts it has heard of.
func (e *Engine) rehold(sub *subject) {
	for i, m := range sub.detector.Joins.Of {
		if m.Alert == "" {
			continue
		}
		for _, name := range slices.Concat(sub.base.members[i].standing, sub.now.members[i].standing) {
			e.hold(sub, held{m.Alert, name})
		}
		for _, x := range sub.recent {
			if x.source == i {
				e.hold(sub, held{m.Alert, x.id})
			}
		}
	}
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
				x := entry{at: r.At, source: member, value: 1, id: r.ID}
				if slices.Contains(sub.now.members[member].known, r.ID) {
					continue
				}
				changes = e.pace(sub, r.At, changes)
				if sub.past(r.At) {
					if r.At+micros(j.Joins.Within) < sub.newest {
						continue // it would count no more
					}
					x.at = sub.next()
				}
				e.touch(sub)
				changes = sub.put(x, &e.known, changes)
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

// tick lets time pass for what joins others.
func (e *Engine) tick(now int64, changes []Change) []Change {
	for _, sub := range sortedSubjects(e.ticking) {
		changes = e.pace(sub, now, changes)
	}
	if now >= e.tidied+micros(tidyEvery) {
		e.tidied = now
		e.tidy(now)
	}
	return changes
}

// pace lets time pass for one of them, minute by minute, up to now. It goes before each signal too, so that how often the
// clock is looked at says nothing: a log that is read in one go gives what it gave in its time.
func (e *Engine) pace(sub *subject, now int64, changes []Change) []Change {
	if !e.ticking[sub] {
		return changes
	}
	step := micros(sub.detector.Every)
	for at := (sub.newest/step + 1) * step; at <= now; at += step {
		e.soil(sub)
		changes = sub.put(entry{at: at, source: clock}, &e.known, changes)
		if e.release(sub); len(sub.held) == 0 && sub.now.idle(sub.detector.Joins, sub.newest) {
			delete(e.ticking, sub)
			break
		}
	}
	return changes
}

const (
	// tidyEvery is how often places that have nothing to say are looked for.
	tidyEvery = time.Hour

	// KeepReports is for how long a report that is told again, after a start, is known for the same.
	KeepReports = 48 * time.Hour
)

// tidy forgets the places at which nothing counts that is joined, and where what did is so long ago that nothing can refer to
// it any more: no late reading, no alert that would be the same as the last.
func (e *Engine) tidy(now int64) {
	for _, sub := range sortedSubjects(e.joining) {
		d := sub.detector
		keep := max(sub.late, micros(d.Quiet), micros(KeepReports))
		if d.Chatter != nil {
			keep = max(keep, micros(d.Chatter.Within))
		}
		if !e.ticking[sub] && now-sub.newest > keep && sub.now.idle(d.Joins, now) {
			e.remove(sub)
		}
	}
}
