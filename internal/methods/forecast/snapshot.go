package forecast

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

const snapshotVersion = 1

// shuttle carries fields to bytes or back, so that one list of the fields serves both ways.
type shuttle struct {
	b    []byte
	load bool // from b into the fields
	bad  bool
}

func (c *shuttle) uint(x *uint64) {
	switch {
	case !c.load:
		c.b = binary.LittleEndian.AppendUint64(c.b, *x)
	case len(c.b) < 8:
		c.bad = true
	default:
		*x = binary.LittleEndian.Uint64(c.b)
		c.b = c.b[8:]
	}
}

func (c *shuttle) ints(xs ...*int64) {
	for _, x := range xs {
		u := uint64(*x)
		c.uint(&u)
		*x = int64(u)
	}
}

func (c *shuttle) floats(xs ...*float64) {
	for _, x := range xs {
		u := math.Float64bits(*x)
		c.uint(&u)
		*x = math.Float64frombits(u)
	}
}

func (c *shuttle) array(xs []float64) {
	for i := range xs {
		c.floats(&xs[i])
	}
}

func (c *shuttle) flags(xs ...*bool) {
	for _, x := range xs {
		var u uint64
		if *x {
			u = 1
		}
		c.uint(&u)
		*x = u == 1
	}
}

func (c *shuttle) spread(s *Spread) { c.floats(&s.below, &s.above) }

// time is a time or a count of steps, neither of which is ever below zero.
func (c *shuttle) time(x *int64) {
	c.ints(x)
	c.bad = c.bad || *x < 0
}

// save appends what fields lists.
func save(b []byte, fields func(*shuttle)) ([]byte, error) {
	c := shuttle{b: append(b, snapshotVersion)}
	fields(&c)
	return c.b, nil
}

// load sets what fields lists.
func load(what string, b []byte, fields func(*shuttle)) error {
	if len(b) == 0 || b[0] != snapshotVersion {
		return fmt.Errorf("%s state: unknown version", what)
	}
	c := shuttle{b: b[1:], load: true}
	fields(&c)
	if c.bad || len(c.b) != 0 {
		return fmt.Errorf("%s state: %w", what, errSnapshot)
	}
	return nil
}

var errSnapshot = errors.New("cut short, too long, or out of range")

func (s *Trend) fields(c *shuttle) {
	c.time(&s.at)
	c.floats(&s.x, &s.s0, &s.s1, &s.s2, &s.y0, &s.y1)
	for i := range s.tries {
		a := &s.tries[i]
		c.ints(&a.due, &a.judged)
		c.floats(&a.likely, &a.below, &a.above, &a.size)
		c.spread(&a.band)
	}
}

// AppendBinary appends the trend's state.
func (s *Trend) AppendBinary(b []byte) ([]byte, error) { return save(b, s.fields) }

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (s *Trend) UnmarshalBinary(b []byte) error {
	var n Trend
	if err := load("trend", b, n.fields); err != nil {
		return err
	}
	*s = n
	return nil
}

func (s *Season) fields(c *shuttle) {
	c.time(&s.slot)
	c.time(&s.seen)
	c.time(&s.fed)
	c.array(s.v[:])
	for i := range s.in {
		c.array(s.in[i][:])
	}
	for i := range s.told {
		c.floats(&s.told[i].likely, &s.told[i].below, &s.told[i].above)
	}
	c.array(s.level[:])
	for _, x := range []*excess{&s.self, &s.other} {
		c.array(x.v[:])
		c.array(x.e[:])
		c.array(x.usual[:])
	}
	c.array(s.a[:])
	c.array(s.b[:])
	c.array(s.w[:])
	c.floats(&s.size)
	c.spread(&s.band)
	c.array(s.errors[:])
	for i := range s.soon {
		n := &s.soon[i]
		c.floats(&n.xx, &n.xy, &n.yy, &n.xe, &n.ye, &n.size)
		c.ints(&n.judged)
		c.spread(&n.band)
	}
}

// AppendBinary appends the season's state.
func (s *Season) AppendBinary(b []byte) ([]byte, error) { return save(b, s.fields) }

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (s *Season) UnmarshalBinary(b []byte) error {
	n := new(Season)
	if err := load("season", b, n.fields); err != nil {
		return err
	}
	*s = *n
	return nil
}

func (w *Wave) fields(c *shuttle) {
	n := int64(len(w.gauges))
	if c.time(&n); c.load {
		if c.bad || n > int64(len(c.b)) {
			c.bad = true
			return
		}
		w.gauges = make([]gauge, n)
	}
	if n == 0 {
		w.gauges = nil // as the zero value
	}
	for i := range w.gauges {
		w.gauges[i].fields(c)
	}
}

func (g *gauge) fields(c *shuttle) {
	n := int64(len(g.level))
	if c.time(&n); c.load {
		if c.bad || n > int64(len(c.b)/8) {
			c.bad = true
			return
		}
		g.level = make([]float64, n)
	}
	c.time(&g.at)
	c.time(&g.head)
	c.floats(&g.x, &g.timing)
	c.array(g.level)
	c.spread(&g.spread)
	for i := range g.trials {
		t := &g.trials[i]
		c.ints(&t.from, &t.due, &t.until)
		c.floats(&t.top, &t.low, &t.high, &t.below, &t.above, &t.highest)
		c.flags(&t.steep, &t.missed)
	}
}

// AppendBinary appends the state of the chain.
func (w *Wave) AppendBinary(b []byte) ([]byte, error) { return save(b, w.fields) }

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (w *Wave) UnmarshalBinary(b []byte) error {
	var n Wave
	if err := load("wave", b, n.fields); err != nil {
		return err
	}
	*w = n
	return nil
}
