package series

import (
	"encoding/binary"
	"errors"
)

// MaxLevels is how many levels an Alarm tells apart above "none": the four colours.
const MaxLevels = 4

// Delays are the times of an alarm. The same Delays serve any number of Alarms.
//
// The scheme is the on-delay, off-delay and hysteresis of ISA-18.2 (clause 10, "basic alarm design") and EEMUA 191,
// carried to several levels and counted in event time.
type Delays struct {
	// On is the on-delay of each level, lowest first, MaxLevels at most.
	On []OnDelay

	// Off is the off-delay: for so long the clear condition must hold before the alarm clears, and for so long the condition
	// of the current level must have failed before the alarm steps down.
	Off int64

	// Every is the longest time that one reading speaks for. A longer gap is missing data: what lies beyond Every neither
	// counts nor resets, for no delay of the alarm.
	Every int64
}

// OnDelay is how long a level's condition must hold before the level is raised.
type OnDelay struct {
	For int64

	// Within, when not 0, lets For be gathered in pieces: time in which the condition did not hold makes what was gathered
	// fade, at the pace that a full For is gone after Within. 0 means that the time must be unbroken. An alarm that several
	// instruments feed needs it, since only one instrument can tell that another's run was broken.
	Within int64
}

// Step is what one reading says to an Alarm.
type Step struct {
	At   int64 // the reading's own time
	Span int64 // time since the same instrument's previous reading; 0 for its first
	Met  uint8 // bit i is set when the condition of level i+1 holds
	Prev uint8 // Met of the same instrument's previous reading
	Calm bool  // the clear condition holds

	// What can't be told, since a mean is still of too few readings, is missing data: it neither counts nor resets. A bit of
	// Unknown is that of Met, which is not set then; Unsure is for Calm.
	Unknown uint8
	Unsure  bool
}

// Alarm is one alarm's state: which level stands, and how far each delay has run. The zero value is an alarm at rest.
//
// It takes readings of one instrument, or of several that watch one thing. Readings are to come in order of time; one
// that is older than the newest is taken as if it were as old as that, so that instruments whose clocks differ by seconds
// do no harm.
type Alarm struct {
	level int8
	begun int64 // time of the first reading of the run that led here; 0 at rest
	last  int64 // time of the newest reading

	held    [MaxLevels]int64 // how much of each level's on-delay has been gathered
	covered [MaxLevels]int64 // until when that level's condition was last seen to hold
	off     int64            // how long the current level's condition has failed; negative: it holds
	calm    int64            // how long the clear condition has held; negative: it fails
}

// Level is the level that stands: 0 for none, else 1 to MaxLevels.
func (a *Alarm) Level() int { return int(a.level) }

// Begun is the time of the first reading of the run in which the alarm stands, or in which it is gathering its on-delay;
// 0 at rest. No two runs of one alarm have the same.
func (a *Alarm) Begun() int64 { return a.begun }

// Last is the time of the newest reading, 0 before the first.
func (a *Alarm) Last() int64 { return a.last }

// Stand puts an alarm at rest into the given level, as if it had been raised by a run that began at begun: for an alarm
// that was raised by an earlier rule, so that it can still step and clear.
func (a *Alarm) Stand(level int, begun int64) {
	*a = Alarm{level: int8(level), begun: begun, last: begun, off: 0, calm: -1}
}

// Step takes one reading and returns the level before and after it. It allocates nothing.
func (a *Alarm) Step(d *Delays, s Step) (from, to int) {
	at := max(s.At, a.last)
	var elapsed int64 // time that this reading adds to what the alarm has seen
	if a.last != 0 {
		elapsed = min(at-a.last, d.Every)
	}
	a.last = at
	from = int(a.level)

	gathering := false
	for i, on := range d.On {
		gathering = a.gather(d.Every, i, on, at, elapsed, s) || gathering
	}
	if a.level == 0 {
		switch {
		case !gathering:
			a.begun = 0
		case a.begun == 0:
			a.begun = at
		}
	}
	a.rest(d, elapsed, s)

	switch to = a.reached(d, s.Met); {
	case to > from:
		a.level, a.off, a.calm = int8(to), -1, -1
	case from == 0:
	case a.calm >= d.Off:
		*a = Alarm{last: at}
	case a.off >= d.Off && from > 1 && s.Unknown>>(from-1)&1 == 0:
		a.level, a.off = int8(a.below(d, from, at)), 0
	}
	return from, int(a.level)
}

// gather runs the on-delay of level i+1 and tells whether the level is on its way.
//
// The time a reading covers is the union over instruments: what another instrument has covered already is not counted
// again. When a reading covers time that another instrument's reading has just let fade, elapsed-c is negative and the
// fading is undone.
func (a *Alarm) gather(every int64, i int, on OnDelay, at, elapsed int64, s Step) bool {
	if s.Unknown&(1<<i) != 0 {
		return a.held[i] > 0
	}
	met := s.Met&(1<<i) != 0
	var c int64
	if met {
		if on.Within > 0 || s.Prev&(1<<i) != 0 {
			c = at - max(at-min(s.Span, every), a.covered[i])
		}
		a.covered[i] = at
	}
	switch {
	case on.Within > 0:
		fade := float64(elapsed-c) * float64(on.For) / float64(on.Within)
		a.held[i] = min(max(a.held[i]+c-int64(fade), 0), on.For)
	case met:
		a.held[i] = min(a.held[i]+c, on.For)
	default:
		a.held[i] = 0
	}
	return met || a.held[i] > 0
}

// rest runs the two off-delays. Like an on-delay they start to run at the first reading that lets them.
func (a *Alarm) rest(d *Delays, elapsed int64, s Step) {
	run := func(sofar int64, on bool) int64 {
		switch {
		case !on:
			return -1
		case sofar < 0:
			return 0
		}
		return min(sofar+elapsed, d.Off)
	}
	if a.level == 0 {
		return
	}
	if s.Unknown>>(a.level-1)&1 == 0 {
		a.off = run(a.off, s.Met>>(a.level-1) == 0)
	}
	if !s.Unsure {
		a.calm = run(a.calm, s.Calm)
	}
}

// reached is the highest level whose condition holds now and whose on-delay has run out; 0 for none.
func (a *Alarm) reached(d *Delays, met uint8) int {
	for i := len(d.On) - 1; i >= 0; i-- {
		if met&(1<<i) != 0 && a.held[i] >= d.On[i].For {
			return i + 1
		}
	}
	return 0
}

// below is the level to step down to: the highest one under from whose condition held within the off-delay, else the
// lowest, which only the clear condition ends.
func (a *Alarm) below(d *Delays, from int, at int64) int {
	for i := from - 2; i > 0; i-- {
		if at-a.covered[i] < d.Off {
			return i + 1
		}
	}
	return 1
}

const alarmVersion = 1

// AppendBinary appends the alarm's state. An alarm at rest takes under 20 bytes.
func (a *Alarm) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, alarmVersion, byte(a.level))
	b = binary.AppendVarint(b, a.last)
	b = appendAgo(b, a.last, a.begun)
	b = binary.AppendVarint(b, a.off)
	b = binary.AppendVarint(b, a.calm)
	for i := range MaxLevels {
		b = binary.AppendVarint(b, a.held[i])
		b = appendAgo(b, a.last, a.covered[i])
	}
	return b, nil
}

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (a *Alarm) UnmarshalBinary(b []byte) error {
	if len(b) < 2 || b[0] != alarmVersion {
		return errors.New("alarm state: unknown version")
	}
	if b[1] > MaxLevels {
		return errors.New("alarm state: level out of range")
	}
	r := varints{b: b[2:]}
	n := Alarm{level: int8(b[1])}
	n.last = r.next()
	n.begun = r.ago(n.last)
	n.off = r.next()
	n.calm = r.next()
	for i := range MaxLevels {
		n.held[i] = r.next()
		n.covered[i] = r.ago(n.last)
	}
	if r.bad || len(r.b) != 0 {
		return errors.New("alarm state: cut short or too long")
	}
	*a = n
	return nil
}

// appendAgo writes a time as its distance before last, which is short; a time that never was (0) is written as 0.
func appendAgo(b []byte, last, t int64) []byte {
	if t == 0 {
		return binary.AppendVarint(b, 0)
	}
	ago := last - t
	if ago >= 0 {
		ago++ // 0 stands for "never"
	}
	return binary.AppendVarint(b, ago)
}

// varints reads what binary.AppendVarint wrote and remembers when it could not.
type varints struct {
	b   []byte
	bad bool
}

func (r *varints) next() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *varints) ago(last int64) int64 {
	switch v := r.next(); {
	case v == 0:
		return 0
	case v > 0:
		return last - (v - 1)
	default:
		return last - v
	}
}
