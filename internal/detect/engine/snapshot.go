package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/anlan-city/anlan/internal/methods/series"
)

// Shard is the saved state of a group of subjects, with the fingerprints of the rules that it belongs to.
type Shard struct {
	Scope Scope
	N     int64
	State []byte
}

// stateVersion changes when saved states are written otherwise.
const stateVersion = 6

// capture is a snapshot that is under way.
type capture struct {
	due     []*shard // that may be to be encoded still; those that changed meanwhile are not
	encoded []Shard  // and not handed out
	err     error
	w, body writer // their room is used again
}

// Capture begins a snapshot of the states that have changed since the one before, as they are now, and returns of how many
// shards it is. Captured hands them out. To encode all of them takes as long as some ten thousand readings, so it is spread:
// a shard that is to change before its turn has come is encoded first.
func (e *Engine) Capture() int {
	e.capture.due, e.dirty = append(e.capture.due, e.dirty...), e.dirty[:0]
	for _, s := range e.capture.due {
		s.dirty, s.due = false, true
	}
	return len(e.capture.due)
}

// Captured encodes and hands out n more shards of the snapshot that Capture began. When they are fewer than n, it is whole.
func (e *Engine) Captured(n int) (out []Shard, err error) {
	c := &e.capture
	for len(c.encoded) < n && len(c.due) > 0 {
		s := c.due[0]
		c.due = c.due[1:]
		if e.encode(s); len(s.subjects) == 0 && !s.dirty {
			delete(e.shards, s.shardKey) // it is saved once more, as empty
		}
	}
	n = min(n, len(c.encoded))
	if out, c.encoded = c.encoded[:n:n], c.encoded[n:]; len(c.encoded) == 0 {
		c.encoded = nil // or it would hold on to what was handed out
	}
	return out, c.err
}

// encode adds a shard to the snapshot that is under way, if it is to be in it and is not yet.
func (e *Engine) encode(s *shard) {
	if !s.due {
		return
	}
	s.due = false
	state, err := s.encode(&e.capture.w, &e.capture.body)
	if err != nil && e.capture.err == nil {
		e.capture.err = err
	}
	e.capture.encoded = append(e.capture.encoded, Shard{Scope: s.scope, N: s.n, State: state})
}

func (s *shard) encode(w, body *writer) ([]byte, error) {
	w.b = append(w.b[:0], stateVersion)
	of := map[*Detector]int{}
	for _, sub := range s.subjects {
		if _, there := of[sub.detector]; !there {
			of[sub.detector] = len(of)
		}
	}
	rules := make([]*Detector, len(of))
	for d, i := range of {
		rules[i] = d
	}
	w.count(len(rules))
	for _, d := range rules {
		w.sized([]byte(d.ID), nil)
		w.sized([]byte(d.hash), nil)
	}
	w.count(len(s.subjects))
	for _, sub := range s.subjects {
		w.count(of[sub.detector])
		sub.write(w, body)
	}
	if err := errors.Join(w.err, body.err); err != nil {
		return nil, fmt.Errorf("state of %d subjects: %w", len(s.subjects), err)
	}
	return slices.Clone(w.b), nil
}

var errShard = errors.New("saved state is damaged")

// ErrVersion says that a state was saved by another version of the program, which wrote states otherwise.
var ErrVersion = errors.New("saved state is of another version")

// Restore takes up a saved shard. What is of a detector that is gone is left out. Where a rule has changed since, its state
// machines start anew, and its id is among changed; when the instruments last spoke is kept. After an error nothing of the shard
// is taken up, and all that it was of starts anew: see Resume. What starts anew is in the next snapshot, so that it does so once.
func (e *Engine) Restore(s Shard) (changed []string, err error) {
	at := e.shard(shardKey{s.Scope, s.N})
	changed, whole, err := e.restore(s)
	if err != nil {
		for _, sub := range slices.Clone(at.subjects) {
			for _, in := range sub.sources {
				if e.restored[in.id] = slices.DeleteFunc(e.restored[in.id], func(x *instrument) bool { return x == in }); len(e.restored[in.id]) == 0 {
					delete(e.restored, in.id)
				}
			}
			e.remove(sub)
		}
		changed, e.lost[at.shardKey] = nil, true
	}
	for _, id := range changed {
		e.anew[anew{id, at.shardKey}] = true
	}
	if !whole {
		e.mark(at)
	}
	return changed, err
}

// anew names the subjects of a detector in a shard, whose rule was another when they were saved.
type anew struct {
	detector string
	shardKey
}

// restore is Restore without what an error leaves behind. whole says that the shard holds what would be saved now.
func (e *Engine) restore(s Shard) (changed []string, whole bool, err error) {
	r := reader{b: s.State}
	whole = true
	if r.byte() != stateVersion && !r.bad {
		return nil, false, ErrVersion
	}
	type rule struct {
		detector *Detector // nil: it is gone
		changed  bool
	}
	var rules []rule
	for n := r.count(); n > 0 && !r.bad; n-- {
		id, hash := string(r.sized()), string(r.sized())
		x := rule{detector: e.byID[id]}
		whole = whole && x.detector != nil && x.detector.hash == hash
		if x.changed = x.detector != nil && x.detector.hash != hash; x.changed {
			changed = append(changed, id)
		}
		rules = append(rules, x)
	}
	for n := r.count(); n > 0 && !r.bad; n-- {
		i := r.count()
		if r.bad || i >= len(rules) {
			r.bad = true
			break
		}
		on := Subject{s.Scope, r.int()}
		if x := rules[i]; x.detector != nil {
			sub := e.subjects[subjectKey{x.detector, on}]
			if sub == nil {
				sub = e.made(x.detector, on)
				e.enter(sub)
			}
			if sub.read(&r, e, x.changed); len(sub.sources) == 0 && x.detector.Joins == nil && sub.now.stands.since == 0 {
				e.remove(sub) // what it watched, it watches no more
			}
		} else {
			skip(&r)
		}
	}
	if r.bad || len(r.b) != 0 {
		return changed, false, errShard
	}
	return changed, whole, nil
}

// skip passes over a subject of a rule that is gone.
func skip(r *reader) {
	for n := r.count(); n > 0 && !r.bad; n-- {
		r.int()
		r.int()
		r.int()
		r.bool()
	}
	r.sized()
}

// Forget says that nothing was saved of a detector in a form that can be read.
func (e *Engine) Forget(d *Detector) { e.forgotten[d.ID] = true }

// Resume puts a subject's state machine where an open alert left it, if it starts anew: an earlier form of the rule, or a state
// that can't be read, raised the alert, and the present one is to step and clear it. It says whether it did.
func (e *Engine) Resume(d *Detector, on Subject, level Level, since int64) bool {
	key := shardKey{on.Scope, on.ID >> shardBits}
	if !e.lost[key] && !e.anew[anew{d.ID, key}] && !e.forgotten[d.ID] {
		return false
	}
	s := e.subject(d, on)
	e.resumed = append(e.resumed, s)
	e.soil(s)
	s.now.alarm.Stand(d.rank(level), since)
	s.now.stands = stand{since: since, level: int8(d.rank(level))}
	s.forget()
	if d.Joins != nil { // time alone may clear it
		s.newest = max(s.newest, since)
		e.ticking[s] = true
	}
	return true
}

// Rejoins says whether something that joins the alerts of a detector starts anew.
func (e *Engine) Rejoins(d *Detector) bool { return slices.ContainsFunc(e.joiners[d.ID], e.startsAnew) }

// Settle ends what Resume began, once all instruments that are still there have been bound. standing are the open alerts of other
// detectors, as they were raised: what joins them and starts anew hears of them again. An alert that was resumed and has no
// instrument left ends.
func (e *Engine) Settle(standing []Change, changes []Change) []Change {
	var heard []heardOf
	for _, c := range standing {
		for _, j := range e.joiners[c.Detector.ID] {
			if !e.startsAnew(j) {
				continue
			}
			for _, member := range j.members[c.Detector.ID] {
				changes, heard = e.signal(j, member, c, changes, heard)
			}
		}
	}
	changes = e.settleUp(heard, changes)
	first := len(changes)
	for _, s := range e.resumed {
		if at := s.now.stands; at.since != 0 && len(s.sources) == 0 && s.detector.Joins == nil {
			changes = append(changes, Change{Detector: s.detector, Kind: Hazard, Subject: s.Subject, Since: at.since, At: max(at.since, s.now.alarm.Last()),
				From: s.detector.level(int(at.level)), Cleared: true, Withdrawn: true})
			e.remove(s)
		}
	}
	e.resumed = nil
	return e.pass(first, changes)
}

// startsAnew says whether some state of a detector could not be taken up.
func (e *Engine) startsAnew(d *Detector) bool {
	for key := range e.lost {
		if key.scope == d.scope {
			return true
		}
	}
	for a := range e.anew {
		if a.detector == d.ID {
			return true
		}
	}
	return e.forgotten[d.ID]
}

// write puts the sources first, in a form that does not depend on the rule, and then what does.
func (s *subject) write(w, body *writer) {
	w.int(s.ID)
	w.count(len(s.sources))
	for _, in := range s.sources {
		w.int(in.id)
		w.int(int64(in.input))
		w.int(in.heard)
		w.bool(in.live)
	}
	body.b = body.b[:0]
	body.int(s.floor)
	body.int(s.newest)
	st := &s.now
	if s.ordered() {
		st = &s.base
	}
	st.write(body)
	body.count(len(s.recent))
	for _, e := range s.recent {
		body.int(e.at)
		body.int(int64(e.source))
		body.float(e.value)
		body.int(e.id)
		body.bool(e.here)
	}
	w.sized(body.b, nil)
}

func (s *subject) read(r *reader, e *Engine, changed bool) {
	for n := r.count(); n > 0 && !r.bad; n-- {
		in := &instrument{id: r.int(), detector: s.detector, subject: s}
		in.input, in.heard, in.live = int(r.int()), r.int(), r.bool()
		if changed && in.input >= max(len(s.detector.Inputs), 1) {
			continue
		}
		s.insert(len(s.sources), in, in.input)
		e.restored[in.id] = append(e.restored[in.id], in)
	}
	body := reader{b: r.sized()}
	if changed {
		return
	}
	s.floor, s.newest = body.int(), body.int()
	st := &s.now
	if s.ordered() {
		st = &s.base
	}
	st.read(&body)
	for n := body.count(); n > 0 && !body.bad; n-- {
		s.recent = append(s.recent, entry{at: body.int(), source: int(body.int()), value: body.float(), id: body.int(), here: body.bool()})
	}
	r.bad = r.bad || body.bad || len(body.b) != 0
	if s.ordered() && !r.bad {
		s.again(&e.known, nil)
		s.resumed = s.detector.chained
	}
	if j := s.detector.Joins; j != nil && !r.bad {
		if e.rehold(s); len(s.held) > 0 || !s.now.idle(j, s.newest) {
			e.ticking[s] = true
		}
	}
}

func (s *state) write(w *writer) {
	w.state(&s.alarm)
	st := &s.stands
	w.int(st.since)
	w.int(int64(st.level))
	w.int(st.cleared)
	w.int(st.before)
	w.bool(st.chatter)
	for _, t := range st.raises {
		w.int(t)
	}
	w.int(s.frame)
	w.int(s.judgedIn)
	w.int(s.last)
	w.int(int64(s.prev))
	w.count(len(s.ins))
	for i := range s.ins {
		in := &s.ins[i]
		w.int(in.last)
		w.float(in.value)
		w.int(int64(in.prev))
		w.state(&in.still)
		w.int(in.since)
		w.bool(in.stuck)
		for _, c := range in.cells {
			w.state(c)
		}
	}
	for _, c := range s.cells {
		w.state(c)
	}
	for i := range s.members {
		m := &s.members[i]
		w.int(m.ended)
		w.int(m.began)
		w.int(m.left)
		w.ints(m.standing)
		w.ints(m.here)
		w.ints(m.reports)
		w.ints(m.known)
	}
}

// read takes up a state. The subject's sources and cells have been made by then.
func (s *state) read(r *reader) {
	r.state(&s.alarm)
	st := &s.stands
	st.since, st.level, st.cleared, st.before, st.chatter = r.int(), int8(r.int()), r.int(), r.int(), r.bool()
	for i := range st.raises {
		st.raises[i] = r.int()
	}
	s.frame, s.judgedIn, s.last, s.prev = r.int(), r.int(), r.int(), uint8(r.int())
	if n := r.count(); n != len(s.ins) {
		r.bad = true
		return
	}
	for i := range s.ins {
		in := &s.ins[i]
		in.last, in.value, in.prev = r.int(), r.float(), uint8(r.int())
		r.state(&in.still)
		in.since, in.stuck = r.int(), r.bool()
		for _, c := range in.cells {
			r.state(c)
		}
	}
	for _, c := range s.cells {
		r.state(c)
	}
	for i := range s.members {
		m := &s.members[i]
		m.ended, m.began, m.left = r.int(), r.int(), r.int()
		m.standing, m.here, m.reports, m.known = r.ints(), r.ints(), r.ints(), r.ints()
		r.bad = r.bad || len(m.known) != len(m.reports)
	}
}

var _ interface {
	AppendBinary([]byte) ([]byte, error)
	UnmarshalBinary([]byte) error
} = (*series.Alarm)(nil)

// writer writes a shard, and remembers what went wrong.
type writer struct {
	b    []byte
	room []byte // for one state
	err  error
}

func (w *writer) int(v int64) { w.b = binary.AppendVarint(w.b, v) }
func (w *writer) count(n int) { w.b = binary.AppendUvarint(w.b, uint64(n)) }
func (w *writer) float(v float64) {
	w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(v))
}

func (w *writer) bool(v bool) {
	if v {
		w.b = append(w.b, 1)
	} else {
		w.b = append(w.b, 0)
	}
}

func (w *writer) ints(vs []int64) {
	w.count(len(vs))
	for _, v := range vs {
		w.int(v)
	}
}

func (w *writer) sized(b []byte, err error) {
	w.err = errors.Join(w.err, err)
	w.count(len(b))
	w.b = append(w.b, b...)
}

func (w *writer) state(s interface {
	AppendBinary([]byte) ([]byte, error)
}) {
	b, err := s.AppendBinary(w.room[:0])
	w.room = b
	w.sized(b, err)
}

// reader reads a shard and remembers when it could not.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) bool() bool { return r.byte() != 0 }

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count reads how many follow: no more than there are bytes left.
func (r *reader) count() int {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return int(v)
}

func (r *reader) float() float64 {
	if len(r.b) < 8 {
		r.bad = true
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(r.b))
	r.b = r.b[8:]
	return v
}

func (r *reader) ints() (vs []int64) {
	for n := r.count(); n > 0 && !r.bad; n-- {
		vs = append(vs, r.int())
	}
	return vs
}

func (r *reader) sized() []byte {
	n := r.count()
	if n > len(r.b) {
		r.bad = true
		return nil
	}
	s := r.b[:n]
	r.b = r.b[n:]
	return s
}

func (r *reader) state(s interface{ UnmarshalBinary([]byte) error }) {
	if b := r.sized(); !r.bad && s.UnmarshalBinary(b) != nil {
		r.bad = true
	}
}
