package series

// Change is how much a series has risen and fallen within a window. The zero value has seen nothing. 160 bytes.
//
//	rise = value - lowest of the window
//	fall = highest of the window - value
//
// Both are 0 or more, and neither is a slope: a level that rose by 2 m within the window and went back by half has a rise
// and a fall of 1 m. One wrong reading makes a change that lasts as long as it is in the window, when it is the value that
// all others are compared with; an on-delay does not help against that, a range check before it does.
//
// Gaps, readings out of order and the length of the window: see Over. The first reading, and the first after a gap of more
// than 9/8 of the window, has changed by nothing.
type Change struct{ seen Extremes }

// Next takes one reading and returns the rise and the fall, in the unit of the readings. x must be finite.
func (c *Change) Next(o *Over, at int64, x float64) (rise, fall float64) {
	lowest, highest := c.seen.Next(o, at, x)
	return x - lowest, highest - x
}

// AppendBinary appends the state.
func (c *Change) AppendBinary(b []byte) ([]byte, error) { return c.seen.AppendBinary(b) }

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (c *Change) UnmarshalBinary(b []byte) error { return c.seen.UnmarshalBinary(b) }
