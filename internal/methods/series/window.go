package series

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
)

// Over is a window that slides with a series. The same Over serves any number of series.
//
// A window is kept in eighths and not reading by reading. It holds the eighth that the newest reading falls into and the
// eight before it, so it reaches back by Span at least and by 9/8 of Span at most: what leaves it leaves up to an eighth of
// Span late. A total of steady rain is up to 12.5 % too high by that; means, lowest and highest are those of the longer
// window. Eighths are counted from 1970, so that the result does not depend on when the series began.
//
// In a gap the window slides on without readings: after one of more than 9/8 of Span it holds only the newest. A window
// that was not seen in full holds what there was; whoever needs a full one looks at Count, Covered or Share. A reading that is
// older than the newest is taken as if it were as old as that.
type Over struct {
	Span int64 // µs

	// Every is the longest time in µs that one reading speaks for, back from its own time. Only Integral asks for it.
	Every int64
}

// width is an eighth of the span, rounded up.
func (o *Over) width() int64 { return max((o.Span+eighths-1)/eighths, 1) }

const (
	eighths = 8
	slots   = eighths + 1 // the eighth that has begun, and eight before it
)

// ring says which eighths a window holds. Whoever embeds it keeps an array of slots and reads those that are filled only.
type ring struct {
	newest int64  // number of the newest eighth since 1970
	filled uint16 // bit i: slot i holds readings of the window; 0: nothing was seen yet
}

// enter slides to the eighth with a number, or to the newest if that is later, lets go of what has left the window, and
// returns the number.
func (r *ring) enter(eighth int64) int64 {
	if r.filled == 0 {
		r.newest = eighth
	}
	if eighth-r.newest >= slots {
		r.filled = 0
		r.newest = eighth
	}
	for r.newest < eighth {
		r.newest++
		r.filled &^= 1 << slot(r.newest)
	}
	return r.newest
}

// fill tells whether the slot of an eighth is empty, and marks it as filled.
func (r *ring) fill(eighth int64) (at int, empty bool) {
	at = slot(eighth)
	empty = r.filled&(1<<at) == 0
	r.filled |= 1 << at
	return at, empty
}

func slot(eighth int64) int { return int(((eighth % slots) + slots) % slots) }

// floor is n/d rounded down, also before 1970.
func floor(n, d int64) int64 {
	q := n / d
	if n%d < 0 {
		q--
	}
	return q
}

// Extremes are the lowest and the highest reading of a window. The zero value has seen nothing. 160 bytes.
type Extremes struct {
	ring
	low, high [slots]float64
}

// Next takes one reading and returns the lowest and the highest of the window, that reading included. x must be finite.
func (e *Extremes) Next(o *Over, at int64, x float64) (lowest, highest float64) {
	i, empty := e.fill(e.enter(floor(at, o.width())))
	if empty {
		e.low[i], e.high[i] = x, x
	}
	e.low[i], e.high[i] = min(e.low[i], x), max(e.high[i], x)
	lowest, highest = x, x
	for m := e.filled; m != 0; m &= m - 1 {
		i := bits.TrailingZeros16(m)
		lowest, highest = min(lowest, e.low[i]), max(highest, e.high[i])
	}
	return lowest, highest
}

// Sum adds up the readings of a window: rain that a gauge tipped, strokes of a pump. The zero value has seen nothing.
// 160 bytes.
type Sum struct {
	ring
	sum   [slots]float64
	count [slots]float64
}

// Next takes one reading and returns the sum of the window's readings, and their mean, each weighing the same.
func (s *Sum) Next(o *Over, at int64, x float64) (total, mean float64) {
	i, empty := s.fill(s.enter(floor(at, o.width())))
	if empty {
		s.sum[i], s.count[i] = 0, 0
	}
	s.sum[i] += x
	s.count[i]++
	total = s.of(&s.sum)
	return total, total / s.of(&s.count)
}

// Count is how many readings the window holds.
func (s *Sum) Count() int { return int(s.of(&s.count)) }

// of adds up an array of slots.
func (r *ring) of(v *[slots]float64) float64 {
	sum := 0.0
	for m := r.filled; m != 0; m &= m - 1 {
		sum += v[bits.TrailingZeros16(m)]
	}
	return sum
}

// Integral adds up an intensity over the time of a window: mm/h of rain to mm, m³/h to m³; and is its mean when readings
// come at irregular times. The zero value has seen nothing. 168 bytes.
//
// A reading speaks for the time since the one before it, at most Every: it is taken for the mean of that time, as a rain
// radar or a flow meter means it. The first reading speaks for no time. Time that nothing speaks for counts neither in the
// total nor in the mean.
type Integral struct {
	ring
	last  int64
	value [slots]float64 // unit times µs
	time  [slots]float64 // µs
}

// Next takes one reading and returns the integral over the window, in the unit of the reading times hours, and the mean
// over the time that readings speak for. Before a second reading the integral is 0 and the mean is the reading.
func (s *Integral) Next(o *Over, at int64, x float64) (total, mean float64) {
	width := o.width()
	var from int64
	if s.filled != 0 {
		at = max(at, s.last)
		from = max(at-o.Every, s.last)
	} else {
		from = at
	}
	s.last = at
	newest := s.enter(floor(at, width))
	s.add(newest, 0, 0)
	for e := max(floor(from, width), newest-eighths); e <= newest; e++ {
		part := float64(min(at, (e+1)*width) - max(from, e*width))
		if part > 0 {
			s.add(e, x*part, part)
		}
	}
	value, time := s.of(&s.value), s.of(&s.time)
	if time == 0 {
		return 0, x
	}
	return value / hour, value / time
}

func (s *Integral) add(eighth int64, value, time float64) {
	i, empty := s.fill(eighth)
	if empty {
		s.value[i], s.time[i] = 0, 0
	}
	s.value[i] += value
	s.time[i] += time
}

// Covered is how much time of the window readings speak for, in µs; up to 9/8 of Span.
func (s *Integral) Covered() int64 { return int64(s.of(&s.time)) }

// Share is how much of the Span before a time readings speak for, from 0 to 1. The time is no earlier than the newest
// reading. Unlike Covered it leaves out what the window holds beyond the span, so that a gap counts the same wherever it
// lies: of the eighth in which the span begins a part counts that is as large as the part of it within the span.
func (s *Integral) Share(o *Over, at int64) float64 {
	width := o.width()
	begin := max(at, s.last) - o.Span
	known := 0.0
	for m := s.filled; m != 0; m &= m - 1 {
		i := bits.TrailingZeros16(m)
		from := (s.newest - int64((slot(s.newest)-i+slots)%slots)) * width
		switch {
		case from >= begin:
			known += s.time[i]
		case from+width > begin:
			known += s.time[i] * float64(from+width-begin) / float64(width)
		}
	}
	return min(known/float64(o.Span), 1)
}

const windowVersion = 1

// AppendBinary appends the state: 17 bytes for each eighth that holds a reading, at most, and 14.
func (e *Extremes) AppendBinary(b []byte) ([]byte, error) { return e.append(b, &e.low, &e.high), nil }

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (e *Extremes) UnmarshalBinary(b []byte) error {
	var n Extremes
	if err := n.read(b, &n.low, &n.high); err != nil {
		return err
	}
	*e = n
	return nil
}

// AppendBinary appends the state.
func (s *Sum) AppendBinary(b []byte) ([]byte, error) { return s.append(b, &s.sum, &s.count), nil }

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (s *Sum) UnmarshalBinary(b []byte) error {
	var n Sum
	if err := n.read(b, &n.sum, &n.count); err != nil {
		return err
	}
	*s = n
	return nil
}

// AppendBinary appends the state.
func (s *Integral) AppendBinary(b []byte) ([]byte, error) {
	b = binary.LittleEndian.AppendUint64(b, uint64(s.last))
	return s.append(b, &s.value, &s.time), nil
}

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (s *Integral) UnmarshalBinary(b []byte) error {
	if len(b) < 8 {
		return errors.New("window state: cut short")
	}
	n := Integral{last: int64(binary.LittleEndian.Uint64(b))}
	if err := n.read(b[8:], &n.value, &n.time); err != nil {
		return err
	}
	*s = n
	return nil
}

func (r *ring) append(b []byte, first, second *[slots]float64) []byte {
	b = append(b, windowVersion)
	b = binary.AppendVarint(b, r.newest)
	b = binary.LittleEndian.AppendUint16(b, r.filled)
	for m := r.filled; m != 0; m &= m - 1 {
		i := bits.TrailingZeros16(m)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(first[i]))
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(second[i]))
	}
	return b
}

func (r *ring) read(b []byte, first, second *[slots]float64) error {
	if len(b) == 0 || b[0] != windowVersion {
		return errors.New("window state: unknown version")
	}
	v := varints{b: b[1:]}
	r.newest = v.next()
	if v.bad || len(v.b) < 2 {
		return errors.New("window state: cut short")
	}
	r.filled = binary.LittleEndian.Uint16(v.b)
	b = v.b[2:]
	if r.filled >= 1<<slots || len(b) != 16*bits.OnesCount16(r.filled) {
		return errors.New("window state: cut short or too long")
	}
	for m := r.filled; m != 0; m &= m - 1 {
		i := bits.TrailingZeros16(m)
		first[i] = math.Float64frombits(binary.LittleEndian.Uint64(b))
		second[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8:]))
		if math.IsNaN(first[i]+second[i]) || math.IsInf(first[i], 0) || math.IsInf(second[i], 0) {
			return errors.New("window state: not a number")
		}
		b = b[16:]
	}
	return nil
}
