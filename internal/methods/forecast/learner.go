package forecast

import (
	"errors"
	"math"
	"slices"
)

// ChainParams say how a Chain learns. They serve any number of chains and are read-only.
type ChainParams struct {
	Step int64   // µs between two levels of the model: how often the gauges speak
	Rise float64 // metres by which the lowest gauge rises in what counts as a wave
	Keep int     // steps of the past from which a wave is learned
}

// What a wave is made of, beside its rise.
const (
	waveApart  = 12 * hour // a peak is the highest level of so long before and after it
	waveBefore = 48 * hour // a rise is counted from the lowest level of so long before the peak
)

// Crest is one rise of one gauge.
type Crest struct {
	Peak int     // step
	Top  float64 // m
	Base float64 // m, the lowest level of the two days before
}

// Rise is by how much the water rose, m.
func (c Crest) Rise() float64 { return c.Top - c.Base }

// Crests are the peaks of a gauge from a step on, in order. A level that is still rising at the end is not one.
func Crests(step int64, level []float64, from int) []Crest {
	apart, before := int(waveApart/step), int(waveBefore/step)
	var out []Crest
	for k := max(from, 1); k < len(level)-1; k++ {
		if level[k] > level[k-1] && level[k] >= slices.Max(level[max(0, k-apart):min(len(level), k+apart+1)]) {
			if n := len(out); n > 0 && k-out[n-1].Peak < apart {
				continue // the same height again
			}
			out = append(out, Crest{k, level[k], slices.Min(level[max(0, k-before) : k+1])})
		}
	}
	return out
}

// RunOff is the step at which three quarters of a wave have run off, or the water rises anew; len(level) when neither has
// come yet.
func RunOff(level []float64, c Crest) int {
	low := c.Top
	for k := c.Peak; k < len(level); k++ {
		low = min(low, level[k])
		if low <= c.Top-0.75*c.Rise() || low < c.Top-0.25*c.Rise() && level[k] > low+0.1*c.Rise() {
			return k
		}
	}
	return len(level)
}

// FirstCrest is the first wave of a gauge that rises by so much, and when it has run off.
func FirstCrest(step int64, level []float64, rise float64) (c Crest, end int, err error) {
	for _, c := range Crests(step, level, 0) {
		if c.Rise() >= rise {
			return c, RunOff(level, c), nil
		}
	}
	return Crest{}, 0, errors.New("the lowest gauge never rises so far: nothing to fit")
}

// Chain is a river that learns itself: it keeps the levels of a chain of gauges, uppermost first, until a first wave has run
// down all of it, learns the river from that wave alone, and foretells the lowest gauge from then on. The zero value has
// seen nothing. While it learns it takes 8 Keep bytes a gauge, afterwards what its Wave takes.
type Chain struct {
	gauges int
	river  *River // nil while it learns; shared by clones, and never changed
	wave   Wave

	least  []int64 // shortest travel time of each reach, µs; nil: unknown
	first  int64   // slot of the first level that is kept
	levels [][]float64
	at     []int64 // of the newest reading of each gauge
	x      []float64
}

// Within tells the chain how far apart its gauges are: the shortest travel time of each reach that is possible, µs (see
// FitRiver). It is no part of the state that is saved.
func (c *Chain) Within(least []int64) { c.least = least }

// Learned says that the river is known.
func (c *Chain) Learned() bool { return c.river != nil }

// Next takes a reading x (m) of gauge i of n, 0 being the uppermost. Another n than before begins anew.
func (c *Chain) Next(p *ChainParams, n, i int, at int64, x float64) {
	if n != c.gauges {
		*c = Chain{gauges: n, least: c.least}
	}
	if c.river != nil {
		c.wave.Next(c.river, i, at, x)
		return
	}
	c.keep(p, i, at, x)
	if i == n-1 && at/max(p.Step, 1)%max(int64(hour)/p.Step, 1) == 0 {
		c.learn(p)
	}
}

// keep writes the reading into the past, on a straight line from the one before it.
func (c *Chain) keep(p *ChainParams, i int, at int64, x float64) {
	if c.levels == nil {
		c.first = at / p.Step
		c.levels, c.at, c.x = make([][]float64, c.gauges), make([]int64, c.gauges), make([]float64, c.gauges)
	}
	slot := at / p.Step
	if at <= c.at[i] || slot < c.first {
		return
	}
	l := c.levels[i]
	for k := c.first + int64(len(l)); k <= slot; k++ {
		v := x
		if c.at[i] != 0 {
			v = c.x[i] + (x-c.x[i])*float64(k*p.Step-c.at[i])/float64(at-c.at[i])
		}
		l = append(l, v)
	}
	c.levels[i], c.at[i], c.x[i] = l, at, x
	if drop := len(l) - p.Keep; drop > p.Keep/8 { // the oldest eighth at a time
		c.first += int64(drop)
		for j := range c.levels {
			c.levels[j] = slices.Clone(c.levels[j][min(drop, len(c.levels[j])):])
		}
	}
}

// learn fits the river when a first wave has run off at the lowest gauge.
func (c *Chain) learn(p *ChainParams) {
	n := len(c.levels[0])
	for _, l := range c.levels {
		n = min(n, len(l))
	}
	if n == 0 {
		return
	}
	lowest := c.levels[c.gauges-1][:n]
	_, end, err := FirstCrest(p.Step, lowest, p.Rise)
	if err != nil || end >= n {
		return
	}
	part := make([][]float64, c.gauges)
	for i := range part {
		part[i] = c.levels[i][:end]
	}
	least := c.least
	if len(least) != c.gauges-1 {
		least = nil
	}
	river, err := FitRiver(p.Step, part, least)
	if err != nil {
		return
	}
	c.river = &river
	for k := range n {
		for i := range c.levels {
			c.wave.Next(c.river, i, (c.first+int64(k))*p.Step, c.levels[i][k])
		}
	}
	c.levels, c.at, c.x = nil, nil, nil
}

// Forecast is the path of the lowest gauge as seen at a time. It is false while the chain learns.
func (c *Chain) Forecast(now int64) (Path, bool) {
	if c.river == nil {
		return Path{}, false
	}
	return c.wave.Forecast(c.river, c.gauges-1, now)
}

// Clone is a copy that shares nothing that changes.
func (c *Chain) Clone() Chain {
	d := *c
	d.wave = c.wave.Clone()
	d.levels = make([][]float64, len(c.levels))
	for i := range c.levels {
		d.levels[i] = slices.Clone(c.levels[i])
	}
	if c.levels == nil {
		d.levels = nil
	}
	d.at, d.x = slices.Clone(c.at), slices.Clone(c.x)
	return d
}

const chainVersion = 1

// AppendBinary appends the state: 8 bytes for each level that is kept.
func (c *Chain) AppendBinary(b []byte) ([]byte, error) {
	s := shuttle{b: append(b, chainVersion)}
	gauges, first, learned, kept := int64(c.gauges), c.first, c.river != nil, c.levels != nil
	s.ints(&gauges, &first)
	s.flags(&learned, &kept)
	if kept {
		for i := range c.levels {
			n := int64(len(c.levels[i]))
			s.ints(&n, &c.at[i])
			s.floats(&c.x[i])
			s.array(c.levels[i])
		}
	}
	if !learned {
		return s.b, nil
	}
	river := *c.river
	river.fields(&s)
	return c.wave.AppendBinary(s.b)
}

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (c *Chain) UnmarshalBinary(b []byte) error {
	damaged := errors.New("chain: the state is damaged or of another version")
	if len(b) == 0 || b[0] != chainVersion {
		return damaged
	}
	s := shuttle{b: b[1:], load: true}
	var gauges, first int64
	var learned, kept bool
	s.ints(&gauges, &first)
	s.flags(&learned, &kept)
	if s.bad || gauges < 0 || gauges > 1000 {
		return damaged
	}
	d := Chain{gauges: int(gauges), first: first}
	if kept {
		d.levels, d.at, d.x = make([][]float64, gauges), make([]int64, gauges), make([]float64, gauges)
		for i := range d.levels {
			var n int64
			s.ints(&n, &d.at[i])
			s.floats(&d.x[i])
			if s.bad || n < 0 || n > int64(len(s.b)/8) {
				return damaged
			}
			d.levels[i] = make([]float64, n)
			s.array(d.levels[i])
		}
	}
	if learned {
		d.river = &River{}
		d.river.fields(&s)
		if s.bad {
			return damaged
		}
		if err := d.wave.UnmarshalBinary(s.b); err != nil {
			return err
		}
	} else if len(s.b) != 0 {
		return damaged
	}
	if s.bad {
		return damaged
	}
	d.least = c.least
	*c = d
	return nil
}

// fields carries a river to bytes or back.
func (p *River) fields(s *shuttle) {
	back, ahead, n := int64(p.Back), int64(p.Ahead), int64(len(p.Reaches))
	s.ints(&p.Step, &back, &ahead, &n, &p.Recede, &p.Forget, &p.Slack)
	s.floats(&p.Base, &p.Floor, &p.Part, &p.Timing, &p.Cover.Share, &p.Cover.Rate)
	if s.load {
		if s.bad || n < 0 || n > 1000 || back < 0 || back > math.MaxInt32 || ahead < 0 || ahead > math.MaxInt32 || p.Step <= 0 {
			s.bad = true
			return
		}
		p.Back, p.Ahead, p.Reaches = int(back), int(ahead), make([]Reach, n)
	}
	for i := range p.Reaches {
		r := &p.Reaches[i]
		s.floats(&r.Low, &r.High, &r.Gain, &r.Offset)
		s.ints(&r.Slow, &r.Fast, &r.Store)
	}
}
