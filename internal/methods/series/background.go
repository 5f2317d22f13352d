package series

import (
	"encoding/binary"
	"errors"
	"math"
)

// Follow says how a Background follows an instrument. The same Follow serves any number of instruments.
type Follow struct {
	// Rise is the fastest that the background can rise, in units of the reading per hour. It is set to how fast clean air
	// was seen to rise, so that hours of gas lift it by no more than clean air could have.
	Rise float64

	// Fall is the time constant, in microseconds, with which the background comes down to a lower reading. A gas is never
	// below its background, so falling may be quick; but not so quick that one low reading draws the background down.
	Fall int64

	// Every is the longest time that one reading speaks for: after a gap the background moves as after Every.
	Every int64
}

// Background is the moving background of one instrument: a low line under its readings that hours of gas hardly lift.
// The zero value has seen nothing.
//
// Formula, for a reading x after dt:
//
//	excess = x - b
//	b'     = b + min(excess, Rise dt)            when x is above the background
//	b'     = b + excess dt / (Fall + dt)         when it is below (one implicit Euler step of db/dt = (x-b)/Fall)
//
// An exponential average downwards and a limited pace upwards. The idea is that of frugal quantile tracking (Ma,
// Muthukrishnan, Sandler, "Frugal Streaming for Estimating Quantiles", arXiv 1407.1121: step up a little above, step down
// more below, and the line settles at a low quantile), with steps measured in time instead of readings, so that a gap or
// a faster instrument does not change the line. On clean air with noise it settles where the average shortfall of the
// readings below it is Rise times Fall times the share of readings above it. 16 bytes of state instead of a window of readings.
type Background struct {
	value float64
	at    int64
}

// Value is the background, in the unit of the readings; 0 before the first reading.
func (b *Background) Value() float64 { return b.value }

// Excess takes one reading and returns how far it lies above the background as it was before the reading. The first
// reading is taken for the background, so its excess is 0: an instrument that is switched on in the middle of a leak
// shows it only once the background has fallen to cleaner air. x must be finite.
func (b *Background) Excess(f *Follow, at int64, x float64) float64 {
	if b.at == 0 {
		b.value, b.at = x, at
		return 0
	}
	dt := min(max(at-b.at, 0), f.Every)
	b.at = max(b.at, at)
	excess := x - b.value
	if excess > 0 {
		b.value += min(excess, f.Rise*float64(dt)/hour)
	} else {
		b.value += excess * float64(dt) / float64(f.Fall+dt)
	}
	return excess
}

const (
	hour              = 3600e6 // microseconds
	backgroundVersion = 1
)

// AppendBinary appends the background's state, at most 19 bytes.
func (b *Background) AppendBinary(to []byte) ([]byte, error) {
	to = append(to, backgroundVersion)
	to = binary.LittleEndian.AppendUint64(to, math.Float64bits(b.value))
	return binary.AppendVarint(to, b.at), nil
}

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (b *Background) UnmarshalBinary(from []byte) error {
	if len(from) < 10 || from[0] != backgroundVersion {
		return errors.New("background state: unknown version")
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(from[1:]))
	r := varints{b: from[9:]}
	at := r.next()
	if r.bad || len(r.b) != 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return errors.New("background state: cut short, too long, or not a number")
	}
	b.value, b.at = v, at
	return nil
}
