package series

import "math"

// Side is the direction that a Shift watches.
type Side uint8

const (
	Both Side = iota // a shift of the mean to either side
	Up               // upwards only
	Down             // downwards only
)

// sides is how many one-sided charts the side stands for.
func (s Side) sides() int {
	if s == Both {
		return 2
	}
	return 1
}

// ShiftParams says how a Shift looks. The same serve any number of series.
type ShiftParams struct {
	Side  Side
	Learn float64 // readings from which the first mean and deviation are taken; nothing is told meanwhile
	// Follow is over how many readings mean and deviation are averaged after that. 0 holds what was learned: the CUSUM
	// chart. As many as ever come (Inf) is the running mean of Page and Hinkley. In between a shift that stays is forgotten.
	Follow float64
	Drift  float64 // k: half of the shift, in standard deviations, that is to be found soonest
	Limit  float64 // h, in standard deviations, that counts as 1
}

// CUSUMFor gives the parameters of a CUSUM for q false alarms a reading. learn is the number of readings that are known,
// or believed, to be good; 200 at least, or the error of their mean is a shift of its own.
func CUSUMFor(q float64, side Side, learn float64) ShiftParams {
	return ShiftParams{Side: side, Learn: learn, Drift: 0.5, Limit: CUSUMLimit(q, 0.5, side.sides())}
}

// PageHinkleyFor gives the parameters of a Page-Hinkley test for q false alarms a reading. Its sum is that of the CUSUM, so
// the limit is the same.
func PageHinkleyFor(q float64, side Side, learn float64) ShiftParams {
	p := CUSUMFor(q, side, learn)
	p.Follow = math.Inf(1)
	return p
}

// Shift tells when the mean of a series has moved and stays moved.
//
//	S+ = max(0, S+ + z - k),  S- = max(0, S- - z - k),  shift = max(S+, S-) / h          (Page 1954)
//	Page-Hinkley: m_t = sum(x - mean_t - d), m_t - min m = max(0, (m_(t-1) - min m) + x - mean_t - d): the same recursion,
//	with the running mean (Hinkley 1971; Basseville and Nikiforov 1993, 2.2)
//
// z is the reading in standard deviations from the mean, with two guards without which the limit would not keep what the
// budget asks of it: z is cut off at 4, so one spike is no shift, and divided by sqrt((1+r)/(1-r)), r the correlation of
// neighbouring readings when it is above 0, which is by how much their sum swings wider than that of independent ones
// (Bagshaw and Johnson, "The effect of serial correlation on the performance of CUSUM tests II", Technometrics 17, 1975).
// A sum stops at twice the limit, so that it comes down soon when the shift is over.
//
// It counts readings, not time: a gap changes nothing. The zero value has seen nothing. 40 bytes.
type Shift struct {
	origin   float64
	n        uint32
	usual    usual
	pair     float32 // mean product of the deviations of neighbouring readings
	last     float32 // deviation of the last reading
	up, down float32
}

const clip = 4 // standard deviations

// Next takes a reading and returns the larger sum as a multiple of the limit. x must be finite.
func (s *Shift) Next(p *ShiftParams, _ int64, x float64) float64 {
	if s.n == 0 {
		s.origin = x
	}
	s.n = after(s.n)
	y := within(x - s.origin)
	if float64(s.n) <= p.Learn {
		s.learn(y, 1/float64(s.n))
		return 0
	}
	z := s.standard(y)
	if p.Follow > 0 {
		s.learn(y, gain(p.Follow, 1/float64(s.n)))
	}
	if p.Side != Down {
		s.up = float32(page(float64(s.up), z, p.Drift, p.Limit))
	}
	if p.Side != Up {
		s.down = float32(page(float64(s.down), -z, p.Drift, p.Limit))
	}
	return float64(max(s.up, s.down)) / p.Limit
}

// standard is the reading in standard deviations, of sums if the readings hang together. A series that never moved has
// none: any move is as far as counts.
func (s *Shift) standard(y float64) float64 {
	d := y - float64(s.usual.mean)
	if d == 0 {
		return 0
	}
	v := float64(s.usual.vari)
	if v <= 0 {
		return math.Copysign(clip, d)
	}
	z := min(max(d/math.Sqrt(v), -clip), clip)
	r := min(max(float64(s.pair)/v, 0), 0.99)
	return z * math.Sqrt((1-r)/(1+r))
}

func (s *Shift) learn(y, g float64) {
	d := y - float64(s.usual.mean)
	if s.n > 1 {
		approach(&s.pair, g, d*float64(s.last))
	}
	s.last = float32(d)
	s.usual.next(y, g)
}

const shiftVersion = 1

// AppendBinary appends the state, 37 bytes.
func (s *Shift) AppendBinary(b []byte) ([]byte, error) { return writeState(b, shiftVersion, s.fields) }

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (s *Shift) UnmarshalBinary(b []byte) error {
	var n Shift
	if err := readState(b, "shift", shiftVersion, n.fields); err != nil {
		return err
	}
	*s = n
	return nil
}

func (s *Shift) fields(c *codec) {
	c.f64(&s.origin)
	c.u32(&s.n)
	c.f32(&s.usual.mean, &s.usual.vari, &s.pair, &s.last, &s.up, &s.down)
}
