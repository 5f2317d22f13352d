package detect

import (
	"cmp"
	"maps"
	"slices"

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
	Monitoring Kind = "monitoring" // something is wrong with the watch: an instrument is silent
)

// Subject is what a state machine of a detector watches: one datastream, or one place with its instruments.
type Subject struct {
	Place bool // else a datastream
	ID    int64
}

// Change is one step of one alert. Detector, kind, subject and since name the alert, so that a step that is found a second
// time, after a crash, is known for the same.
type Change struct {
	Detector *Detector
	Kind     Kind
	Subject  Subject
	Since    int64 // µs: of a hazard, its first reading; of silence, the last reading before it
	At       int64 // µs, event time; of silence that is found, the clock's
	From, To Level
	Cleared  bool
	// Withdrawn says that it cleared because nothing watches there any more, not because its condition ended.
	Withdrawn bool

	Datastream    int64 // whose reading, or silence, made the step
	Value, Excess float64
	Datastreams   []int64 // all that the subject watches
}

// Raised says that the change is the alert's first.
func (c Change) Raised() bool { return !c.Cleared && c.From == None }

// Engine evaluates readings against detectors. It does no input or output and has no clock: the same readings give the
// same changes. It is not safe for concurrent use.
type Engine struct {
	byID   map[string]*Detector
	byKind map[string][]*Detector // by kind of asset and property

	streams  map[int64]*stream
	subjects map[subjectKey]*subject
	shards   map[shardKey][]*subject
	dirty    map[shardKey]bool
	restored map[int64][]*instrument // of datastreams that have not been bound since the state was restored
	silences map[silenceKey]int64    // that were reported and stand, of datastreams that have not been bound yet

	evaluated, late int64
}

// stream is a datastream with what judges it.
type stream struct {
	Stream
	last  int64 // time of the newest reading, 0 before the first
	under []*instrument
}

// instrument is one datastream under one detector.
type instrument struct {
	id       int64 // datastream
	detector *Detector
	subject  *subject
	ground   series.Background
	last     int64 // time of its newest reading
	prev     uint8 // the levels whose condition its newest reading met
	live     bool  // it has spoken in time once, so its silence means something
	silent   int64 // since when a silence stands that was reported; 0: none
}

type subjectKey struct {
	detector *Detector
	Subject
}

type silenceKey struct {
	detector   string
	datastream int64
}

// subject is a state machine and its instruments.
type subject struct {
	subjectKey
	alarm       series.Alarm
	instruments []*instrument
	shard       shardKey
}

// shardKey names a group of subjects whose states are saved as one row.
type shardKey struct {
	detector string
	place    bool
	n        int64
}

// shardBits makes 64 subjects a shard: datastreams that speak together were mostly registered together, so a shard is
// written as a whole or not at all, and a row of a few kilobytes costs hardly more than one of a few bytes.
const shardBits = 6

// NewEngine returns an engine that has seen nothing.
func NewEngine(detectors []*Detector) *Engine {
	e := &Engine{
		byID: map[string]*Detector{}, byKind: map[string][]*Detector{},
		streams: map[int64]*stream{}, subjects: map[subjectKey]*subject{}, shards: map[shardKey][]*subject{}, dirty: map[shardKey]bool{},
		restored: map[int64][]*instrument{}, silences: map[silenceKey]int64{},
	}
	for _, d := range detectors {
		e.byID[d.ID] = d
		for _, k := range d.Kinds {
			key := k.ID + " " + d.Property.ID
			e.byKind[key] = append(e.byKind[key], d)
		}
	}
	return e
}

// Evaluated is how many readings were taken, Late how many of them came too late to be judged.
func (e *Engine) Evaluated() int64 { return e.evaluated }

// Late is how many readings were older than the newest of their datastream, or as old; they are not judged.
func (e *Engine) Late() int64 { return e.late }

// Bound tells whether the engine knows the datastream.
func (e *Engine) Bound(datastream int64) bool { return e.streams[datastream] != nil }

// Known are the datastreams that the engine has been told of, in this run or in the state that was restored.
func (e *Engine) Known() []int64 {
	ids := slices.AppendSeq(slices.Collect(maps.Keys(e.streams)), maps.Keys(e.restored))
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Bind tells the engine where a datastream stands, before its first reading or again when that has changed. Where that
// takes the last instrument away from a standing alert, nothing could clear it any more, so it ends here.
func (e *Engine) Bind(s Stream, changes []Change) []Change {
	st := e.streams[s.ID]
	if st == nil {
		st = &stream{}
		e.streams[s.ID] = st
	}
	st.Stream = s
	old := append(st.under, e.restored[s.ID]...)
	delete(e.restored, s.ID)
	st.under = nil
	for _, d := range e.byKind[s.Kind+" "+s.Property] {
		on := Subject{ID: s.ID}
		if d.Together && s.Place != 0 {
			on = Subject{Place: true, ID: s.Place}
		}
		sub := e.subject(d, on)
		i := slices.IndexFunc(old, func(in *instrument) bool { return in.detector == d && in.subject == sub })
		var in *instrument
		if i >= 0 {
			in = old[i]
			old = slices.Delete(old, i, i+1)
		} else {
			in = &instrument{id: s.ID, detector: d, subject: sub}
			sub.instruments = append(sub.instruments, in)
		}
		if since, ok := e.silences[silenceKey{d.ID, s.ID}]; ok {
			in.silent, in.live = since, true
			delete(e.silences, silenceKey{d.ID, s.ID})
		}
		st.last = max(st.last, in.last)
		st.under = append(st.under, in)
	}
	for _, in := range old { // it stands under other detectors, or at another place, than it did
		sub := in.subject
		sub.instruments = slices.DeleteFunc(sub.instruments, func(x *instrument) bool { return x == in })
		e.dirty[sub.shard] = true
		if sub.alarm.Level() > 0 && len(sub.instruments) == 0 {
			changes = append(changes, Change{
				Detector: in.detector, Kind: Hazard, Subject: sub.Subject, Since: sub.alarm.Begun(), At: max(in.last, sub.alarm.Last()),
				From: in.detector.level(sub.alarm.Level()), Cleared: true, Withdrawn: true, Datastream: in.id,
			})
			sub.alarm = series.Alarm{}
		}
		key := silenceKey{in.detector.ID, in.id}
		if in.silent = max(in.silent, e.silences[key]); in.silent != 0 {
			delete(e.silences, key)
			changes = append(changes, Change{
				Detector: in.detector, Kind: Monitoring, Subject: Subject{ID: in.id}, Since: in.silent, At: max(in.last, in.silent),
				Cleared: true, Withdrawn: true, Datastream: in.id,
			})
		}
	}
	return changes
}

// subject finds or makes a detector's state machine.
func (e *Engine) subject(d *Detector, on Subject) *subject {
	key := subjectKey{d, on}
	s := e.subjects[key]
	if s == nil {
		s = &subject{subjectKey: key, shard: shardKey{d.ID, on.Place, on.ID >> shardBits}}
		e.subjects[key] = s
		e.shards[s.shard] = append(e.shards[s.shard], s)
	}
	return s
}

// Stream is what the engine was told about a datastream.
func (e *Engine) Stream(datastream int64) Stream {
	if st := e.streams[datastream]; st != nil {
		return st.Stream
	}
	return Stream{ID: datastream}
}

// Evaluate judges one reading and appends what it changes to changes. Its datastream must have been bound. now is the
// clock: a reading that is fresh by it makes its instrument one whose silence counts.
func (e *Engine) Evaluate(r Reading, now int64, changes []Change) []Change {
	e.evaluated++
	st := e.streams[r.Datastream]
	if st == nil || len(st.under) == 0 || r.Doubtful {
		return changes
	}
	if r.At <= st.last {
		e.late++
		return changes
	}
	var span int64
	if st.last != 0 {
		span = r.At - st.last
	}
	st.last = r.At
	for _, in := range st.under {
		e.dirty[in.subject.shard] = true
		in.live = in.live || now-r.At < micros(in.detector.SilentAfter)
		if in.silent != 0 && r.At > in.silent {
			changes = append(changes, Change{
				Detector: in.detector, Kind: Monitoring, Subject: Subject{ID: in.id}, Since: in.silent, At: r.At, Cleared: true,
				Datastream: in.id, Value: r.Value, Datastreams: []int64{in.id},
			})
			in.silent = 0
		}
		if r.Number {
			changes = in.step(r, span, changes)
		}
		in.last = r.At
	}
	return changes
}

// step runs one instrument's state machine.
func (in *instrument) step(r Reading, span int64, changes []Change) []Change {
	d, sub := in.detector, in.subject
	// A value beyond what the world can have is the instrument's end of scale: it counts as the nearest that can be. To drop
	// it would make a sensor that gas has saturated the one that never speaks.
	value := min(max(r.Value, d.Property.Range[0]), d.Property.Range[1])
	var excess float64
	var inputs [2]float64
	inputs[0] = value
	n := 1
	if d.follow != nil {
		excess = in.ground.Excess(d.follow, r.At, value)
		inputs[1], n = excess, 2
	}
	s := series.Step{At: r.At, Span: span, Prev: in.prev, Calm: d.Clear.Holds(inputs[:n]...)}
	for i := range d.Levels {
		if d.Levels[i].When.Holds(inputs[:n]...) {
			s.Met |= 1 << i
		}
	}
	in.prev = s.Met
	since := sub.alarm.Begun()
	from, to := sub.alarm.Step(&d.delays, s)
	if from == to {
		return changes
	}
	if from == 0 {
		since = sub.alarm.Begun()
	}
	c := Change{
		Detector: d, Kind: Hazard, Subject: sub.Subject, Since: since, At: r.At, From: d.level(from), To: d.level(to), Cleared: to == 0,
		Datastream: in.id, Value: r.Value, Excess: excess,
	}
	for _, other := range sub.instruments {
		c.Datastreams = append(c.Datastreams, other.id)
	}
	return append(changes, c)
}

// Silent appends the silences that began since it was last asked. now is the clock; from is when the program began to
// listen, before which nobody could be heard.
func (e *Engine) Silent(now, from int64, changes []Change) []Change {
	first := len(changes)
	for _, st := range e.streams {
		for _, in := range st.under {
			if !in.live || in.silent != 0 || now-max(in.last, from) < micros(in.detector.SilentAfter) {
				continue
			}
			in.silent = in.last
			changes = append(changes, Change{
				Detector: in.detector, Kind: Monitoring, Subject: Subject{ID: in.id}, Since: in.last, At: now,
				Datastream: in.id, Datastreams: []int64{in.id},
			})
		}
	}
	slices.SortFunc(changes[first:], func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Datastream, b.Datastream), cmp.Compare(a.Detector.ID, b.Detector.ID))
	})
	return changes
}
