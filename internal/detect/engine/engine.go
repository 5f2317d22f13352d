package engine

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/methods/series"
)

// Stream is a datastream as detectors see it: what it observes, on what, and where.
type Stream struct {
	ID       int64
	Property string // "gas/methane"
	Asset    int64
	Kind     string // "gas/kitchen-alarm"
	// Place is 0 for an asset that stands nowhere; then it is a place of its own.
	Place, Area int64
	// Organisation holds the asset.
	Organisation int64
	Point        *[2]float64 // longitude, latitude
	// Upstream and Downstream are the datastreams of the same property next to this one in its network, where water, gas or
	// power comes from and goes to.
	Upstream, Downstream []int64

	AssetName, PlaceName, AreaName Wording
}

// Reading is one reading as detectors see it. Readings that are no number are counted, not judged.
type Reading struct {
	Datastream int64
	At         int64 // event time, µs UTC
	Value      float64
	Number     bool
	// Doubtful says that it was kept with a mark by which nothing may be judged: it is counted, and nothing more. Its time
	// may be one that is to come.
	Doubtful bool
}

// Kind says what an alert is about.
type Kind string

// The kinds of alert.
const (
	Hazard     Kind = "hazard"     // something is wrong at a place
	Monitoring Kind = "monitoring" // something is wrong with the watch itself
)

// Fault says what is wrong with the watch.
type Fault string

// What can be wrong with the watch. NoFault is that of a hazard.
const (
	NoFault     Fault = ""
	SilentFault Fault = "silent" // an instrument says nothing
	StuckFault  Fault = "stuck"  // its value does not move
	CommsFault  Fault = "comms"  // many instruments of one organisation fell silent together
)

// Change is one step of one alert. Detector, kind, subject and since name the alert, so that a step that is found a second
// time, after a crash, is known for the same.
type Change struct {
	Detector *Detector
	Kind     Kind
	Fault    Fault
	Subject  Subject
	Since    int64 // µs: of a hazard, its first reading; of silence, the last reading before it
	At       int64 // µs, event time; of silence that is found, the clock's
	From, To Level
	Cleared  bool
	// Withdrawn says that it cleared because nothing watches there any more, not because its condition ended.
	Withdrawn bool
	// Again says that an alert that had cleared has come back, and Chatters that it does so too often and is held.
	Again, Chatters bool
	// Undo takes back a change that was told: a reading that came late shows that it was not so. All that is taken back of one
	// alert's subject stands together, newest first, and what is so instead follows at once.
	Undo bool
	// Revision is the same in all that one late reading takes back and tells instead, and in nothing else next to it; 0 in what
	// was told in order.
	Revision int64

	Datastream  int64 // whose reading, or silence, made the step; 0: none's
	Value       float64
	Values      []float64 // of the rule's variables
	Datastreams []int64   // all that the subject watches
	Deviators   []int64   // those that deviate most, where several are judged together
	Deviating   Wording   // their names

	source    int
	deviating []int
}

// Raised says that the change is the alert's first.
func (c Change) Raised() bool { return !c.Cleared && c.From == None && !c.Again && !c.Undo }

// Variable is the value that a variable of the rule had at the change.
func (c Change) Variable(name string) (v float64, ok bool) {
	i := slices.Index(c.Detector.variableNames(), name)
	if i < 0 || i >= len(c.Values) {
		return 0, false
	}
	return c.Values[i], true
}

// same says whether two changes of one subject tell people the same.
func (c Change) same(d Change) bool {
	return c.Kind == d.Kind && c.Fault == d.Fault && c.Since == d.Since && c.At == d.At && c.From == d.From && c.To == d.To &&
		c.Cleared == d.Cleared && c.Again == d.Again && c.Chatters == d.Chatters &&
		(c.Datastream == d.Datastream || c.Detector.Joins != nil) // of what joins others it only names the place
}

// Engine evaluates readings against detectors. It does no input or output and has no clock: the same readings give the
// same changes. It is not safe for concurrent use.
type Engine struct {
	byID    map[string]*Detector
	byKind  map[string][]watch     // by kind of asset and property
	joiners map[string][]*Detector // by id of a detector or category that they join

	streams   map[int64]*stream
	subjects  map[subjectKey]*subject
	shards    map[shardKey]*shard
	dirty     []*shard // whose states have changed since the last Capture
	capture   capture
	lost      map[shardKey]bool                   // that could not be taken up at the start
	anew      map[anew]bool                       // that were of another rule
	forgotten map[string]bool                     // detectors of which nothing could be
	resumed   []*subject                          // that stand by their alert alone
	restored  map[int64][]*instrument             // of datastreams that have not been bound since the state was restored
	silences  map[silenceKey]int64                // that were reported and stand, of datastreams that have not been bound yet
	outages   map[silenceKey]*outage              // of many instruments at once
	crews     map[silenceKey]map[*instrument]bool // the instruments of an organisation under a detector
	due       map[int64][]*instrument             // by the second at which the clock looks at them
	first     int64                               // no second before has any
	looked    int64                               // the newest second that was looked at
	places    places
	joining   map[*subject]bool   // of detectors that join others
	holders   map[held][]*subject // of these, those that have heard of an alert
	ticking   map[*subject]bool   // of these, those where time alone may change something
	tidied    int64               // clock, when those were looked for that have nothing to say
	unchained map[*subject]bool   // whose gauges upstream may be others now
	known     known

	chains          bool // a rule judges gauges by those upstream of them
	evaluated, late int64
}

// watch is a detector, with the input that a datastream would be to it.
type watch struct {
	detector *Detector
	input    int
}

// stream is a datastream with what judges it.
type stream struct {
	Stream
	under []*instrument
}

// instrument is one datastream under one detector.
type instrument struct {
	id       int64 // datastream
	detector *Detector
	input    int
	subject  *subject
	source   int   // which of its subject's sources it is
	heard    int64 // time of its newest reading
	live     bool  // it has spoken in time once, so its silence means something
	silent   int64 // since when a silence stands that was reported; 0: none
	outage   *outage
	expected bool  // the clock will look at it
	gone     bool  // it is watched no more
	org      int64 // whose crew it is of
}

type subjectKey struct {
	detector *Detector
	Subject
}

// shardKey names a shard.
type shardKey struct {
	scope Scope
	n     int64
}

// shardBits puts 64 neighbours of a kind into a shard, under all rules: datastreams that speak together were mostly registered
// together, so a shard is written as a whole or not at all, and a row of some kilobytes costs hardly more than one of a few
// bytes.
const shardBits = 6

// New returns an engine that has seen nothing.
func New(detectors []*Detector) *Engine {
	e := &Engine{
		byID: map[string]*Detector{}, byKind: map[string][]watch{}, joiners: map[string][]*Detector{},
		streams: map[int64]*stream{}, subjects: map[subjectKey]*subject{}, shards: map[shardKey]*shard{},
		lost: map[shardKey]bool{}, anew: map[anew]bool{}, forgotten: map[string]bool{},
		restored: map[int64][]*instrument{}, silences: map[silenceKey]int64{}, outages: map[silenceKey]*outage{}, crews: map[silenceKey]map[*instrument]bool{}, due: map[int64][]*instrument{}, ticking: map[*subject]bool{}, unchained: map[*subject]bool{},
		joining: map[*subject]bool{}, holders: map[held][]*subject{}, known: known{atPlace: map[int64][]int64{}},
	}
	for _, d := range detectors {
		e.byID[d.ID] = d
		e.chains = e.chains || d.chained
		for what := range d.members {
			e.joiners[what] = append(e.joiners[what], d)
		}
		if len(d.Inputs) == 0 {
			for _, k := range d.Kinds {
				e.watch(k.ID, d.Property.ID, watch{d, 0})
			}
		}
		for i, in := range d.Inputs {
			for _, k := range in.Kinds {
				e.watch(k.ID, in.Property.ID, watch{d, i})
			}
		}
	}
	return e
}

func (e *Engine) watch(kind, property string, w watch) {
	key := kind + " " + property
	e.byKind[key] = append(e.byKind[key], w)
}

// SetZone sets the local time in which days and hours of the week lie; UTC before that. It goes before Restore, which judges
// anew what came last.
func (e *Engine) SetZone(zone *time.Location) { e.known.zone = zone }

// Evaluated is how many readings were taken.
func (e *Engine) Evaluated() int64 { return e.evaluated }

// Late is how many readings came later than a rule waits for and were not judged by it: see subject.
func (e *Engine) Late() int64 { return e.late }

// Bound tells whether the engine knows the datastream.
func (e *Engine) Bound(datastream int64) bool { return e.streams[datastream] != nil }

// Known are the datastreams that the engine has been told of, in this run or in the state that was restored, or as parts of an
// outage that stands.
func (e *Engine) Known() []int64 {
	ids := slices.AppendSeq(slices.Collect(maps.Keys(e.streams)), maps.Keys(e.restored))
	for _, o := range e.outages {
		ids = slices.AppendSeq(ids, maps.Keys(o.lost))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Detector is the detector with that id, or nil.
func (e *Engine) Detector(id string) *Detector { return e.byID[id] }

// Stream is what the engine was told about a datastream.
func (e *Engine) Stream(datastream int64) Stream {
	if st := e.streams[datastream]; st != nil {
		return st.Stream
	}
	return Stream{ID: datastream}
}

// Bind tells the engine where a datastream stands, before its first reading or again when that has changed. Where that
// takes the last instrument away from a standing alert, nothing could clear it any more, so it ends here.
func (e *Engine) Bind(s Stream, changes []Change) []Change {
	st := e.streams[s.ID]
	if st == nil {
		st = &stream{}
		e.streams[s.ID] = st
	}
	before := st.Place
	st.Stream = s
	e.stands(s, before)
	n := len(changes)
	old := append(st.under, e.restored[s.ID]...)
	delete(e.restored, s.ID)
	st.under = nil
	for _, in := range old {
		if in.relay() {
			st.under = append(st.under, in)
		}
	}
	old = slices.DeleteFunc(old, (*instrument).relay)
	for _, w := range e.byKind[s.Kind+" "+s.Property] {
		sub := e.subject(w.detector, subjectOf(w.detector, s))
		i := slices.IndexFunc(old, func(in *instrument) bool { return in.subject == sub && in.input == w.input })
		var in *instrument
		if i >= 0 {
			in = old[i]
			old = slices.Delete(old, i, i+1)
		} else {
			in = &instrument{id: s.ID, detector: w.detector, input: w.input, subject: sub}
			e.soil(sub)
			sub.add(in, w.input)
		}
		if since, ok := e.silences[silenceKey{w.detector.ID, s.ID}]; ok {
			e.soil(sub)
			in.silent, in.live = since, true
			delete(e.silences, silenceKey{w.detector.ID, s.ID})
		}
		e.join(in, s.Organisation)
		changes = e.rejoin(in, s.Organisation, changes)
		e.expect(in, 0)
		st.under = append(st.under, in)
	}
	if e.chains {
		e.unchain(s.ID)
	}
	for _, in := range old { // it stands under other detectors, or at another place, than it did
		changes = e.leave(in, changes)
	}
	return e.pass(n, e.part(s.ID, st.under, changes))
}

// stands notes at which place a datastream stands, and at which no more.
func (e *Engine) stands(s Stream, before int64) {
	if before != 0 && before != s.Place {
		ids := e.known.atPlace[before]
		if i, there := slices.BinarySearch(ids, s.ID); there {
			ids = slices.Delete(ids, i, i+1)
		}
		if e.known.atPlace[before] = ids; len(ids) == 0 {
			delete(e.known.atPlace, before)
		}
		e.locate(before)
	}
	if s.Place == 0 {
		return
	}
	if i, there := slices.BinarySearch(e.known.atPlace[s.Place], s.ID); !there {
		e.known.atPlace[s.Place] = slices.Insert(e.known.atPlace[s.Place], i, s.ID)
	}
	e.locate(s.Place)
}

// locate puts a place where the lowest of its datastreams stands that has a point: so it is in the same place whatever the order
// in which they are bound.
func (e *Engine) locate(place int64) {
	for _, id := range e.known.atPlace[place] {
		if point := e.streams[id].Point; point != nil {
			e.places.add(place, *point)
			return
		}
	}
	e.places.remove(place)
}

// subjectOf is what a datastream is judged as a part of.
func subjectOf(d *Detector, s Stream) Subject {
	switch {
	case d.scope == ScopePlace && s.Place != 0:
		return Subject{ScopePlace, s.Place}
	case d.scope == ScopeArea && s.Area != 0:
		return Subject{ScopeArea, s.Area}
	case d.scope == ScopeAsset, len(d.Inputs) > 0:
		return Subject{ScopeAsset, s.Asset}
	}
	return Subject{ScopeDatastream, s.ID}
}

// leave takes an instrument out of its subject.
func (e *Engine) leave(in *instrument, changes []Change) []Change {
	sub := in.subject
	e.soil(sub)
	if in.detector.chained && !in.relay() { // the gauges upstream of one that is gone have nobody to speak to
		e.unrelay(sub)
	}
	sub.drop(in)
	if at := &sub.now.stands; at.since != 0 && len(sub.sources) == 0 {
		changes = append(changes, Change{
			Detector: in.detector, Kind: Hazard, Subject: sub.Subject, Since: at.since, At: max(in.heard, sub.now.alarm.Last()),
			From: in.detector.level(int(at.level)), Cleared: true, Withdrawn: true, Datastream: in.id,
		})
		sub.now.alarm, sub.now.stands = series.Alarm{}, stand{}
		sub.forget()
	}
	if len(sub.sources) == 0 {
		e.remove(sub)
	}
	in.gone = true
	e.join(in, 0)
	return e.hear(in, max(in.heard, in.silent), true, changes)
}

// join makes an instrument one of an organisation's, and of no other's.
func (e *Engine) join(in *instrument, org int64) {
	if in.org != 0 && in.org != org {
		delete(e.crews[silenceKey{in.detector.ID, in.org}], in)
	}
	if in.org = org; org == 0 {
		return
	}
	key := silenceKey{in.detector.ID, org}
	if e.crews[key] == nil {
		e.crews[key] = map[*instrument]bool{}
	}
	e.crews[key][in] = true
}

// subject finds or makes a detector's state machine.
func (e *Engine) subject(d *Detector, on Subject) *subject {
	s := e.subjects[subjectKey{d, on}]
	if s == nil {
		s = e.made(d, on)
		e.soil(s)
		e.enter(s)
	}
	return s
}

// made is a state machine that has heard nothing.
func (e *Engine) made(d *Detector, on Subject) *subject {
	s := &subject{detector: d, Subject: on, late: e.lateOf(d), shard: e.shard(shardKey{on.Scope, on.ID >> shardBits})}
	s.now.fresh(d)
	if s.ordered() {
		s.base.fresh(d)
	}
	return s
}

func (e *Engine) enter(s *subject) {
	e.subjects[subjectKey{s.detector, s.Subject}] = s
	s.shard.subjects = append(s.shard.subjects, s)
	if s.detector.Joins != nil {
		e.joining[s] = true
	}
}

// remove gives up a state machine that can say nothing more.
func (e *Engine) remove(s *subject) {
	e.soil(s)
	for _, name := range s.held {
		e.unhold(s, name)
	}
	delete(e.subjects, subjectKey{s.detector, s.Subject})
	delete(e.joining, s)
	delete(e.ticking, s)
	delete(e.unchained, s)
	s.shard.subjects = slices.DeleteFunc(s.shard.subjects, func(x *subject) bool { return x == s })
}

// lateOf is how late an entry may come to a detector. What joins others waits for no less than they do, since what they told
// may be taken back for so long.
func (e *Engine) lateOf(d *Detector) int64 {
	late := micros(d.Late)
	for what := range d.members {
		if m := e.byID[what]; m != nil {
			late = max(late, micros(m.Late))
		}
	}
	return late
}

// shard is a group of subjects whose states are saved as one row.
type shard struct {
	shardKey
	subjects []*subject
	dirty    bool // it has changed since the last Capture
	due      bool // it is to be in the snapshot that is under way, and not encoded yet
}

func (e *Engine) shard(key shardKey) *shard {
	s := e.shards[key]
	if s == nil {
		s = &shard{shardKey: key}
		e.shards[key] = s
	}
	return s
}

// soil notes that what is saved of a subject is about to change. It goes before the change, so that a snapshot that is being
// taken can still write the state as it was.
func (e *Engine) soil(sub *subject) { e.mark(sub.shard) }

func (e *Engine) mark(s *shard) {
	if s.due {
		e.encode(s)
	}
	if !s.dirty {
		s.dirty = true
		e.dirty = append(e.dirty, s)
	}
}

// fresh makes what a subject that judges several inputs, or joins others, remembers.
func (s *state) fresh(d *Detector) {
	if len(d.Inputs) > 0 {
		s.cells = d.cells()
	}
	if d.Joins != nil {
		s.members = make([]memberState, len(d.Joins.Of))
	}
}

// Evaluate judges one reading and appends what it changes to changes. Its datastream must have been bound. now is the
// clock: a reading that is fresh by it makes its instrument one whose silence counts.
func (e *Engine) Evaluate(r Reading, now int64, changes []Change) []Change {
	e.evaluated++
	if len(e.unchained) > 0 {
		e.rechain()
	}
	st := e.streams[r.Datastream]
	if st == nil || r.Doubtful {
		return changes
	}
	first, late := len(changes), false
	for _, in := range st.under {
		if in.subject.misses(r.At, in.heard) {
			late = true
			continue
		}
		e.soil(in.subject)
		in.live = in.live || !in.relay() && now-r.At < micros(in.detector.SilenceOf(in.input))
		if r.At > in.heard {
			changes = e.hear(in, r.At, false, changes)
			in.heard = r.At
		}
		if !in.expected {
			e.expect(in, 0)
		}
		if r.Number {
			changes = in.subject.put(entry{at: r.At, source: in.source, value: r.Value}, &e.known, changes)
		}
	}
	if late {
		e.late++
	}
	return e.finish(first, changes)
}

// finish names what deviates, and hands alerts to the detectors that join them.
func (e *Engine) finish(first int, changes []Change) []Change {
	for i := first; i < len(changes); i++ {
		c := &changes[i]
		if len(c.Deviators) == 0 {
			continue
		}
		var en, zh []string
		for _, id := range c.Deviators {
			s := e.Stream(id)
			en, zh = append(en, s.AssetName.EN), append(zh, s.AssetName.ZH)
		}
		c.Deviating = Wording{strings.Join(slices.Compact(en), ", "), strings.Join(slices.Compact(zh), "、")}
	}
	if len(e.joiners) == 0 || first == len(changes) {
		return changes
	}
	return e.pass(first, changes)
}
