package series

import "math"

// NoveltyParams says how a Novelty looks. The same serve any number of series.
type NoveltyParams struct {
	Learn  uint32  // readings before anything is told
	Forget uint32  // readings that a range is gathered for; an extreme counts for that long at least and twice that at most
	Q      float64 // false alarms a reading that the budget leaves
}

// NoveltyFor gives parameters for q false alarms a reading: a week of five-minute readings to learn, a year to forget.
func NoveltyFor(q float64) NoveltyParams {
	return NoveltyParams{Learn: 2016, Forget: 105120, Q: q}
}

// Novelty tells when a reading lies outside of the range of those before it, and by so much that chance does not explain it.
//
// Of n readings that could as well have come in any other order the next one is a new highest or lowest with probability
// 2/(n+1) (Rényi 1962: records of exchangeable readings), so records become rare by themselves as a series grows old. With
// an exponential tail the range of n readings is about ln n scales wide (twice that if it has one to either side), so that a
// reading which exceeds it by r ranges has
//
//	p = 2/n e^(-r ln n) = 2 n^-(1+r)
//
// and the novelty is ln p / ln q: 1 when chance does that once in 1/q readings. The longer the range has stood, the less
// is needed; a young series must be far out. A range of no width (a series that never moved) is left by r = 1. Heavier tails
// (a power law) and walks give more alarms than q, but no more than they give records.
//
// It counts readings, not time: a gap changes nothing. The zero value has seen nothing. 40 bytes.
type Novelty struct {
	now, before span // this range, and the one gathered before it
	n           uint32
	old         uint32 // readings behind before
}

// span is the range of some readings.
type span struct{ low, high float64 }

// Next takes a reading and returns its novelty, 1 for the limit; 0 within the range. x must be finite.
func (v *Novelty) Next(p *NoveltyParams, _ int64, x float64) float64 {
	if v.n == p.Forget && p.Forget > 0 {
		v.before, v.old = v.now, v.n
		v.n = 0
	}
	seen := float64(v.n) + float64(v.old)
	all := v.now
	switch {
	case v.n == 0:
		all = v.before
	case v.old > 0:
		all = span{min(v.now.low, v.before.low), max(v.now.high, v.before.high)}
	}
	if v.n == 0 {
		v.now = span{x, x}
	} else {
		v.now = span{min(v.now.low, x), max(v.now.high, x)}
	}
	v.n = after(v.n)
	out := max(x-all.high, all.low-x)
	if out <= 0 || seen < float64(max(p.Learn, 1)) {
		return 0
	}
	r := 1.0
	if width := all.high - all.low; width > 0 {
		r = out / width
	}
	return max(0, ((1+r)*math.Log(seen)-math.Ln2)/-math.Log(p.Q))
}

const noveltyVersion = 1

// AppendBinary appends the state, 41 bytes.
func (v *Novelty) AppendBinary(b []byte) ([]byte, error) {
	return writeState(b, noveltyVersion, v.fields)
}

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (v *Novelty) UnmarshalBinary(b []byte) error {
	var n Novelty
	if err := readState(b, "novelty", noveltyVersion, n.fields); err != nil {
		return err
	}
	*v = n
	return nil
}

func (v *Novelty) fields(c *codec) {
	c.f64(&v.now.low, &v.now.high, &v.before.low, &v.before.high)
	c.u32(&v.n, &v.old)
}
