package series

import (
	"encoding/binary"
	"errors"
	"math"
)

// Move says what counts as a change of a value. The same Move serves any number of series.
type Move struct {
	// Resolution is how far apart, in the unit of the readings, two readings of an unchanged value may lie: the noise of the
	// instrument when a value that only trembles is stuck as well; a little more than the last digit when that may flicker
	// (1.2 - 1.1 is more than 0.1 in binary). 0: they must be equal.
	Resolution float64

	// Rest are values at which the thing may stay for as long as it likes: no rain, a closed gate, a pump that is off. A
	// reading within Resolution of one is never stuck.
	Rest []float64

	// Every is the longest time in µs that one reading speaks for, back from its own time. What is beyond it in a gap does
	// not count: an instrument that says nothing is not stuck but mute.
	Every int64
}

// Stuck is how long the value of a series has not changed. The zero value has seen nothing. 40 bytes.
//
// The time runs while all readings since it began lie within Resolution of each other, so that a slow drift ends it too.
// It begins anew with the reading that does not fit; readings just before, which would have fitted, are not looked up
// again. Hence the time may be short of the longest that could be told by looking back, but never when the readings are
// all equal.
//
// An instrument that sends a reading only when its value changes can't be judged by this.
type Stuck struct {
	low, high float64 // of the readings since the time began
	still     int64
	last      int64
	held      bool // low and high stand: something was seen, and it is not at rest
}

// Next takes one reading and returns for how long, in µs, the value has not changed; 0 for a reading that changes it, for
// the first, and for one at rest. x must be finite. A reading that is not later than the newest adds no time.
func (s *Stuck) Next(m *Move, at int64, x float64) int64 {
	for _, r := range m.Rest {
		if math.Abs(x-r) <= m.Resolution {
			*s = Stuck{last: max(at, s.last)}
			return 0
		}
	}
	low, high := min(s.low, x), max(s.high, x)
	if !s.held || high-low > m.Resolution {
		*s = Stuck{low: x, high: x, last: max(at, s.last), held: true}
		return 0
	}
	s.low, s.high = low, high
	s.still += min(max(at-s.last, 0), m.Every)
	s.last = max(at, s.last)
	return s.still
}

const stuckVersion = 1

// AppendBinary appends the state, at most 38 bytes.
func (s *Stuck) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, stuckVersion, 0)
	if s.held {
		b[len(b)-1] = 1
	}
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(s.low))
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(s.high))
	b = binary.AppendVarint(b, s.still)
	return binary.AppendVarint(b, s.last), nil
}

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (s *Stuck) UnmarshalBinary(b []byte) error {
	if len(b) < 18 || b[0] != stuckVersion || b[1] > 1 {
		return errors.New("stuck state: unknown version or cut short")
	}
	n := Stuck{
		low:  math.Float64frombits(binary.LittleEndian.Uint64(b[2:])),
		high: math.Float64frombits(binary.LittleEndian.Uint64(b[10:])),
		held: b[1] == 1,
	}
	r := varints{b: b[18:]}
	n.still = r.next()
	n.last = r.next()
	if r.bad || len(r.b) != 0 || !(n.low <= n.high) || math.IsInf(n.low, 0) || math.IsInf(n.high, 0) || n.still < 0 {
		return errors.New("stuck state: cut short, too long, or not a number")
	}
	*s = n
	return nil
}
