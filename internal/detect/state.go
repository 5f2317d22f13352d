package detect

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Shard is the saved state of a group of subjects of one detector.
type Shard struct {
	Detector string
	Place    bool
	N        int64
	Rule     string // fingerprint of the rule that the state belongs to
	State    []byte
}

const (
	shardVersion = 1

	flagLive = 1
)

// Dirty encodes the states that changed since the last Clean, shard by shard.
func (e *Engine) Dirty() ([]Shard, error) {
	var out []Shard
	for key := range e.dirty {
		s := Shard{Detector: key.detector, Place: key.place, N: key.n, Rule: e.byID[key.detector].hash, State: []byte{shardVersion}}
		subs := e.shards[key]
		s.State = binary.AppendUvarint(s.State, uint64(len(subs)))
		for _, sub := range subs {
			var err error
			if s.State, err = sub.append(s.State); err != nil {
				return nil, fmt.Errorf("state of %s: %w", key.detector, err)
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// Clean says that what Dirty gave is on its way to the disk; from now on new changes make a state dirty.
func (e *Engine) Clean() { clear(e.dirty) }

func (s *subject) append(b []byte) ([]byte, error) {
	b = binary.AppendVarint(b, s.ID)
	b, err := appendSized(b, &s.alarm)
	if err != nil {
		return nil, err
	}
	b = binary.AppendUvarint(b, uint64(len(s.instruments)))
	for _, in := range s.instruments {
		b = binary.AppendVarint(b, in.id)
		b = binary.AppendVarint(b, in.last)
		var flags byte
		if in.live {
			flags |= flagLive
		}
		b = append(b, flags, in.prev)
		if b, err = appendSized(b, &in.ground); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func appendSized(b []byte, state interface {
	AppendBinary([]byte) ([]byte, error)
}) ([]byte, error) {
	start := len(b)
	b, err := state.AppendBinary(append(b, 0)) // both states take far under 128 bytes, so one byte holds the size
	if err != nil {
		return nil, err
	}
	size := len(b) - start - 1
	if size > 255 {
		return nil, fmt.Errorf("state has %d bytes", size)
	}
	b[start] = byte(size)
	return b, nil
}

var errShard = errors.New("saved state is damaged or of a newer version")

// Restore takes up a saved shard. A shard of a detector that is gone is left out. Where the rule has changed since, its
// state machines start anew, and changed is true; what is known about the instruments (when they last spoke, their
// background) is kept.
func (e *Engine) Restore(s Shard) (changed bool, err error) {
	d := e.byID[s.Detector]
	if d == nil {
		return false, nil
	}
	changed = d.hash != s.Rule
	r := reader{b: s.State}
	if r.byte() != shardVersion {
		return false, fmt.Errorf("%s: %w", s.Detector, errShard)
	}
	for range r.uvarint() {
		sub := e.subject(d, Subject{s.Place, r.varint()})
		alarm := r.sized()
		if !changed {
			if err := sub.alarm.UnmarshalBinary(alarm); err != nil {
				return false, fmt.Errorf("%s: %w", s.Detector, err)
			}
		}
		for range r.uvarint() {
			in := &instrument{id: r.varint(), last: r.varint(), detector: d, subject: sub}
			in.live = r.byte()&flagLive != 0
			if in.prev = r.byte(); changed {
				in.prev = 0
			}
			if err := in.ground.UnmarshalBinary(r.sized()); err != nil {
				return false, fmt.Errorf("%s: %w", s.Detector, err)
			}
			sub.instruments = append(sub.instruments, in)
			e.restored[in.id] = append(e.restored[in.id], in)
			if r.bad {
				break
			}
		}
		if r.bad {
			break
		}
	}
	if r.bad || len(r.b) != 0 {
		return false, fmt.Errorf("%s: %w", s.Detector, errShard)
	}
	return changed, nil
}

// Resume puts a subject's state machine where an open alert left it: for alerts that an earlier form of the rule raised,
// so that the present one can step and clear them.
func (e *Engine) Resume(d *Detector, on Subject, level Level, since int64) {
	s := e.subject(d, on)
	s.alarm.Stand(d.rank(level), since)
	e.dirty[s.shard] = true
}

// ResumeSilence marks a silence that was reported and still stands.
func (e *Engine) ResumeSilence(d *Detector, datastream, since int64) {
	e.silences[silenceKey{d.ID, datastream}] = since
}

// Detector is the detector with that id, or nil.
func (e *Engine) Detector(id string) *Detector { return e.byID[id] }

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

func (r *reader) sized() []byte {
	n := int(r.byte())
	if n > len(r.b) {
		r.bad = true
		return nil
	}
	s := r.b[:n]
	r.b = r.b[n:]
	return s
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > 1<<20 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}
