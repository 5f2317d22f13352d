package series

import "math"

// CUSUMParams says how a CUSUM looks. The same CUSUMParams serves any number of series.
type CUSUMParams struct {
	Side  Side
	Drift float64 // k: half of the shift, in standard deviations, that is to be found soonest
	Limit float64 // h, in standard deviations, that counts as 1: CUSUMLimit gives it for a budget
	Cut   float64 // deviations count as this at most: with (Cut-k) under h/2, no two readings make an alarm alone
}

// CUSUM tells since when values that are standardised already, deviations from a Profile for instance, have been off zero.
// Where the mean and the deviation are still to be learned, Shift does it.
//
//	S+ = max(0, S+ + z - k),  S- = max(0, S- - z - k),  result = max(S+, S-) / h          (Page 1954)
//
// A sum stops at twice the limit, so that it comes down soon when the shift is over. It counts readings, not time: a gap
// changes nothing. The zero value has seen nothing, and setting it anew starts over after an alarm. It serves
// studies of whole records and is not written down. 32 bytes.
type CUSUM struct {
	up, down run
}

// run is one side: its sum, and how long that has been above 0.
type run struct {
	begun int64
	n     uint32
	sum   float32
}

// Next takes a standardised value and returns the larger sum as a multiple of the limit. z must be finite.
func (s *CUSUM) Next(p *CUSUMParams, at int64, z float64) float64 {
	if p.Side != Down {
		s.up.next(p, at, z)
	}
	if p.Side != Up {
		s.down.next(p, at, -z)
	}
	return float64(max(s.up.sum, s.down.sum)) / p.Limit
}

// Shift is the estimate of the shift in standard deviations, k + S/N on the side whose sum is the larger one (Montgomery,
// Introduction to Statistical Quality Control, section 9.1), negative on the lower side, and the time at which it began.
// Both are 0 while no sum is above 0.
func (s *CUSUM) Shift(p *CUSUMParams) (z float64, begun int64) {
	r, sign := &s.up, 1.0
	if s.down.sum > s.up.sum {
		r, sign = &s.down, -1
	}
	if r.n == 0 {
		return 0, 0
	}
	return sign * (p.Drift + float64(r.sum)/float64(r.n)), r.begun
}

func (r *run) next(p *CUSUMParams, at int64, z float64) {
	sum := page(float64(r.sum), min(z, p.Cut), p.Drift, p.Limit)
	if sum == 0 {
		*r = run{}
		return
	}
	if r.n == 0 {
		r.begun = at
	}
	r.n = min(r.n, math.MaxUint32-1) + 1
	r.sum = float32(sum)
}

// page is one step of one side, with the drift k and the limit h.
func page(sum, z, k, h float64) float64 { return min(max(0, sum+z-k), 2*h) }
