package engine

import (
	"cmp"
	"slices"
)

// Scope is what a subject is.
type Scope int8

// What alerts can be about: one datastream, or a place, asset or area with its instruments, or an organisation with those
// it holds. The numbers stand in the database.
const (
	ScopeDatastream Scope = iota
	ScopePlace
	ScopeAsset
	ScopeArea
	ScopeOrganisation
)

// Subject is what a rule watches.
type Subject struct {
	Scope Scope
	ID    int64
}

// entry is one thing that a subject hears: a reading, a signal, or a look at the clock.
type entry struct {
	at     int64
	source int // which of the subject's sources, or of the signals that it joins
	value  float64
	id     int64 // of a signal: names the alert, or the report
	here   bool  // of a signal: it is at the place itself, not near it
}

func (a entry) compare(b entry) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.source, b.source), cmp.Compare(a.value, b.value), cmp.Compare(a.id, b.id))
}

// said is a change that was told, with the entry that it rests on.
type said struct {
	entry
	change Change
}

// maxRecent bounds how many entries a subject remembers: an instrument that speaks more often within the rule's `late`
// than this has a shorter one.
const maxRecent = 4096

// subject is a rule at work on one thing. It hears entries in any order and tells what it would have told had they come in
// order: it keeps the state before the oldest entry that may still have a late neighbour (base), and those entries (recent).
// An entry that comes in order goes on from where the state stands (now). One that comes late is put where it belongs,
// everything since base is judged again, and where that turns out otherwise, what was told is taken back (Change.Undo) and
// told anew.
//
// A reading is late that is older by more than the rule's `late` than the newest of the same instrument, or than the newest of
// the whole subject, which base follows: it is counted and not judged. So of several instruments that are judged together each
// has to speak within `late` of the others, and one whose clock is ahead by more makes the others late. Where base has to move on
// sooner, because the sources become others or there are too many entries, what is older than that (floor) is late.
type subject struct {
	detector *Detector
	Subject
	shard *shard
	late  int64 // µs: so late an entry may come and still be put in order

	sources []*instrument
	inputs  []int   // of which input each source is
	least   []int64 // of a chain of gauges: the shortest travel time of each reach

	now, base state
	recent    []entry
	said      []said
	newest    int64  // time of its newest entry
	floor     int64  // what is older was judged, or given up, before its time
	revisions int64  // how often what was told was judged anew
	held      []held // of what joins others: the alerts that it has heard of
	resumed   bool   // of a chain of gauges: it was restored, and how far they are apart is not known yet
}

// ordered says whether the subject puts what it hears in order; otherwise it takes it as it comes.
func (s *subject) ordered() bool { return s.late > 0 || s.detector.Joins != nil }

// past says that an entry of that time comes too late to be put where it belongs.
func (s *subject) past(at int64) bool { return at < max(s.newest-s.late, s.floor) }

// misses says that a reading comes too late for the subject to judge it. heard is the newest of the same instrument.
func (s *subject) misses(at, heard int64) bool {
	switch {
	case heard == 0:
		return s.past(at)
	case !s.ordered() || at == s.floor: // it may be the same once more
		return s.past(at) || at <= heard
	}
	return s.past(at) || at < heard-s.late
}

// next is a time after all that was heard.
func (s *subject) next() int64 {
	last := s.newest
	if n := len(s.recent); n > 0 {
		last = max(last, s.recent[n-1].at)
	}
	return last + 1
}

// put hears one entry.
func (s *subject) put(e entry, k *known, changes []Change) []Change {
	s.newest = max(s.newest, e.at)
	if !s.ordered() {
		n := len(changes)
		changes = s.now.step(s, e, k, changes)
		return s.tell(n, k, changes)
	}
	i, there := slices.BinarySearchFunc(s.recent, e, entry.compare)
	if there {
		return changes
	}
	s.recent = slices.Insert(s.recent, i, e)
	if i < len(s.recent)-1 {
		return s.again(k, changes)
	}
	n := len(changes)
	changes = s.tell(n, k, s.now.step(s, e, k, changes))
	for _, c := range changes[n:] {
		s.said = append(s.said, said{e, c})
	}
	s.settle(k)
	return changes
}

// take takes back an entry that was put, if it is remembered still.
func (s *subject) take(e entry, k *known, changes []Change) []Change {
	i, there := slices.BinarySearchFunc(s.recent, e, entry.compare)
	if !there {
		return changes
	}
	s.recent = slices.Delete(s.recent, i, i+1)
	return s.again(k, changes)
}

// again judges everything since base anew and tells the difference.
func (s *subject) again(k *known, changes []Change) []Change {
	old := s.said
	s.said = nil
	s.now.set(&s.base)
	var anew []Change
	for _, e := range s.recent {
		n := len(anew)
		anew = s.tell(n, k, s.now.step(s, e, k, anew))
		for _, c := range anew[n:] {
			s.said = append(s.said, said{e, c})
		}
	}
	same := 0
	for same < len(old) && same < len(anew) && old[same].change.same(anew[same]) {
		same++
	}
	s.revisions++
	for i := len(old) - 1; i >= same; i-- {
		c := old[i].change
		if c.Undo, c.Revision = true, s.revisions; s.detector.Joins != nil {
			c.Datastream = k.at(s.Subject)
		}
		changes = append(changes, c)
	}
	first := len(changes) - (len(old) - same)
	for _, c := range anew[same:] {
		c.Revision = s.revisions
		changes = append(changes, c)
	}
	// What concerns one alert stands together: a hazard's, and those about the watch itself.
	slices.SortStableFunc(changes[first:], func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Fault, b.Fault), cmp.Compare(a.Subject.ID, b.Subject.ID))
	})
	s.settle(k)
	return changes
}

// settle moves base on, past what can't have a late neighbour any more. It does so for some entries at a time.
func (s *subject) settle(k *known) {
	bound := s.newest - s.late
	n := 0
	for n < len(s.recent) && s.recent[n].at < bound {
		n++
	}
	if len(s.recent)-n > maxRecent {
		n = len(s.recent) - maxRecent
		s.floor = max(s.floor, s.recent[n-1].at)
	}
	if n < 4 && n < len(s.recent)-1 {
		return
	}
	for _, e := range s.recent[:n] {
		k.discard = s.base.step(s, e, k, k.discard[:0])
		for len(s.said) > 0 && s.said[0].entry.compare(e) <= 0 {
			s.said = slices.Delete(s.said, 0, 1)
		}
	}
	s.recent = slices.Delete(s.recent, 0, n)
}

// forget gives up what is remembered for late entries: something about the subject has changed that was not an entry.
func (s *subject) forget() {
	s.recent, s.said, s.floor = nil, nil, s.newest
	if s.ordered() {
		s.base.set(&s.now)
	}
}

// add makes an instrument one of the subject's sources. They stand in the order of their datastreams and inputs, whatever order
// they come in: readings of one moment are judged in it. Of a chain of gauges the one that is judged stands last.
func (s *subject) add(in *instrument, input int) {
	i := len(s.sources)
	if !s.detector.chained {
		i, _ = slices.BinarySearchFunc(s.sources, in, func(a, b *instrument) int {
			return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.input, b.input))
		})
	}
	s.insert(i, in, input)
}

// insert makes an instrument the i-th of the subject's sources.
func (s *subject) insert(i int, in *instrument, input int) {
	s.forget()
	s.sources, s.inputs = slices.Insert(s.sources, i, in), slices.Insert(s.inputs, i, input)
	s.number()
	s.now.addSource(i, s.detector, in.relay())
	if s.ordered() {
		s.base.addSource(i, s.detector, in.relay())
		s.base.set(&s.now)
	}
}

// drop takes an instrument out of the subject's sources.
func (s *subject) drop(in *instrument) {
	i := slices.Index(s.sources, in)
	if i < 0 {
		return
	}
	s.forget()
	s.sources, s.inputs = slices.Delete(s.sources, i, i+1), slices.Delete(s.inputs, i, i+1)
	s.number()
	s.now.ins = slices.Delete(s.now.ins, i, i+1)
	if s.ordered() {
		s.base.ins = slices.Delete(s.base.ins, i, i+1)
	}
}

func (s *subject) number() {
	for i, in := range s.sources {
		in.source = i
	}
}

// tell completes the changes from the n-th on with what the subject knows.
func (s *subject) tell(n int, k *known, changes []Change) []Change {
	for i := n; i < len(changes); i++ {
		c := &changes[i]
		c.Detector, c.Subject = s.detector, s.Subject
		if s.detector.Joins != nil {
			c.Datastream = k.at(s.Subject)
			continue
		}
		switch {
		case s.detector.chained: // whatever gauge spoke, it is about this one
			c.Datastream = s.ID
		case c.source >= 0 && c.source < len(s.sources):
			c.Datastream = s.sources[c.source].id
		}
		if c.Kind == Monitoring { // it is about the one instrument
			c.Subject, c.Datastreams = Subject{ID: c.Datastream}, []int64{c.Datastream}
			continue
		}
		for _, in := range s.sources {
			c.Datastreams = append(c.Datastreams, in.id)
		}
		for _, d := range c.deviating {
			c.Deviators = append(c.Deviators, s.sources[d].id)
		}
	}
	return changes
}

func sortedSubjects(set map[*subject]bool) []*subject {
	var out []*subject
	for s := range set {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *subject) int {
		return cmp.Or(cmp.Compare(a.detector.ID, b.detector.ID), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.ID, b.ID))
	})
	return out
}
