package joint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// chartVersion is 2 since sensors have limits for where they are bereft; a state of 1 takes the usual ones for these.
const chartVersion = 2

// AppendBinary appends the chart's state: for 43 sensors of which 12 are states, 0.7 MB while it calibrates and 71 kB
// when it watches.
func (s *Chart) AppendBinary(b []byte) ([]byte, error) {
	c := codec{b: append(b, chartVersion)}
	s.fields(&c)
	return c.b, nil
}

// UnmarshalBinary takes up a state that AppendBinary wrote. On an error the chart is as it was.
func (s *Chart) UnmarshalBinary(b []byte) error {
	if len(b) == 0 || b[0] < 1 || b[0] > chartVersion {
		return errors.New("chart state: unknown version")
	}
	var n Chart
	c := codec{b: b[1:], reading: true}
	n.fields(&c)
	if c.bad || len(c.b) != 0 {
		return errors.New("chart state: cut short or too long")
	}
	if k := len(n.drift); b[0] == 1 && len(n.tails) == 2+2*k {
		n.tails = append(n.tails, cloneTails(n.tails[2:2+k])...)
	} else if b[0] == 1 && len(n.limits) == 2+2*k {
		n.limits = append(n.limits, n.limits[2:2+k]...)
	}
	if err := n.consistent(); err != nil {
		return fmt.Errorf("chart state: %w", err)
	}
	*s = n
	return nil
}

// Clone returns a copy that shares nothing that changes.
func (s *Chart) Clone() Chart {
	n := *s
	n.work = scratch{}
	n.past.at = slices.Clone(s.past.at)
	n.past.rows = slices.Clone(s.past.rows)
	for i, row := range n.past.rows {
		n.past.rows[i] = slices.Clone(row)
	}
	n.learn.mean, n.learn.m2 = slices.Clone(s.learn.mean), slices.Clone(s.learn.m2)
	n.tails, n.breach = cloneTails(s.tails), cloneTails([]tail{s.breach})[0]
	n.drift = slices.Clone(s.drift)
	n.rules.conditions = slices.Clone(s.rules.conditions)
	for i := range n.rules.conditions {
		c := &n.rules.conditions[i]
		c.low, c.high = cloneTails(c.low), cloneTails(c.high)
		c.least, c.most, c.floor, c.ceiling = slices.Clone(c.least), slices.Clone(c.most), slices.Clone(c.floor), slices.Clone(c.ceiling)
		c.under, c.above = slices.Clone(c.under), slices.Clone(c.above)
	}
	return n
}

func cloneTails(t []tail) []tail {
	t = slices.Clone(t)
	for i := range t {
		top := make([]float64, len(t[i].top), cap(t[i].top))
		copy(top, t[i].top)
		t[i].top = top
	}
	return t
}

// fields visits every field that lasts, in the order in which it is written.
func (s *Chart) fields(c *codec) {
	phase := int(s.phase)
	c.int(&phase)
	s.phase = Phase(phase)

	list(c, &s.past.at, (*codec).int64)
	c.missing = true
	list(c, &s.past.rows, (*codec).floats)
	c.missing = false

	c.int(&s.learn.n)
	c.floats(&s.learn.mean)
	c.floats(&s.learn.m2)

	list(c, &s.model.use, (*codec).int32)
	list(c, &s.model.sensors, (*codec).int32)
	for _, f := range []*[]float64{&s.model.mean, &s.model.scale, &s.model.inverse, &s.model.axes, &s.model.variance} {
		c.floats(f)
	}

	list(c, &s.rules.conditions, func(c *codec, x *condition) { x.fields(c) })
	c.int(&s.rules.counted)
	list(c, &s.rules.admitted, func(c *codec, x *rule) { x.fields(c) })

	tailField(tailSize)(c, &s.breach)
	list(c, &s.tails, tailField(tailSize))
	c.floats(&s.limits)
	c.floats(&s.drift)
}

func (x *condition) fields(c *codec) {
	c.int(&x.state)
	c.bool(&x.from)
	c.bool(&x.to)
	c.bool(&x.before)
	c.int(&x.n)
	list(c, &x.low, tailField(ruleTail))
	list(c, &x.high, tailField(ruleTail))
	c.floats(&x.least)
	c.floats(&x.most)
	c.floats(&x.floor)
	c.floats(&x.ceiling)
	list(c, &x.under, (*codec).int32)
	list(c, &x.above, (*codec).int32)
}

func (x *rule) fields(c *codec) {
	c.int(&x.State)
	c.bool(&x.From)
	c.bool(&x.To)
	c.bool(&x.Before)
	c.int(&x.Sensor)
	c.bool(&x.High)
	c.float(&x.Bound)
	c.float(&x.seen)
}

// tailField visits a tail of the given size; one that was not made yet has no values and no room.
func tailField(size int) func(*codec, *tail) {
	return func(c *codec, t *tail) {
		made := cap(t.top) > 0
		c.bool(&made)
		c.int(&t.n)
		c.floats(&t.top)
		if !c.reading || !made {
			return
		}
		if len(t.top) > size+1 {
			c.bad = true
			return
		}
		t.top = append(make([]float64, 0, size+1), t.top...)
	}
}

// consistent tells whether the parts fit each other, so that Next can't run out of any.
func (s *Chart) consistent() error {
	n, d, a := len(s.drift), len(s.model.use), len(s.model.variance)
	wrong := s.phase > Watching || len(s.model.mean) != d || len(s.model.scale) != d || len(s.model.inverse) != d*d ||
		len(s.model.axes) != a*d || len(s.model.sensors) > min(n, d) || len(s.past.at) != len(s.past.rows)
	wrong = wrong || n > 0 && len(s.past.at) == 0
	for _, row := range s.past.rows {
		wrong = wrong || len(row) != n
	}
	for i, k := range s.model.sensors {
		wrong = wrong || k != s.model.use[i] || k < 0 || int(k) >= n
	}
	width := n // of a vector; exact while learning
	if s.phase != Watching {
		width = len(s.learn.mean)
		wrong = wrong || len(s.learn.m2) != width*(width+1)/2 || n > 0 && width < n
	}
	for _, k := range s.model.use {
		wrong = wrong || k < 0 || s.phase != Watching && int(k) >= width
	}
	switch s.phase {
	case Calibrating:
		wrong = wrong || len(s.tails) != 2+3*n || cap(s.breach.top) == 0
	case Watching:
		wrong = wrong || len(s.limits) != 2+3*n
	}
	for _, t := range s.tails {
		wrong = wrong || cap(t.top) == 0
	}
	for _, x := range s.rules.conditions {
		wrong = wrong || x.state < -1 || x.state >= n || len(x.low) != n || len(x.high) != n
		for _, l := range []int{len(x.least), len(x.most), len(x.floor), len(x.ceiling), len(x.under), len(x.above)} {
			wrong = wrong || l != len(x.above) || l != 0 && l != n
		}
		for k := range x.low {
			wrong = wrong || x.n > 0 && (len(x.low[k].top) == 0 || len(x.high[k].top) == 0)
		}
	}
	for _, x := range s.rules.admitted {
		wrong = wrong || x.State < -1 || x.State >= n || x.Sensor < 0 || x.Sensor >= n
	}
	if wrong {
		return errors.New("parts do not fit each other")
	}
	return nil
}

// codec writes the fields it visits, or reads them.
type codec struct {
	b       []byte
	reading bool
	missing bool // numbers may be missing (NaN) here
	bad     bool
}

func (c *codec) int64(x *int64) {
	if !c.reading {
		c.b = binary.AppendVarint(c.b, *x)
		return
	}
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.bad, c.b = true, nil
		return
	}
	*x, c.b = v, c.b[n:]
}

func (c *codec) int(x *int) {
	v := int64(*x)
	c.int64(&v)
	*x = int(v)
}

func (c *codec) int32(x *int32) {
	v := int64(*x)
	c.int64(&v)
	c.bad = c.bad || v != int64(int32(v))
	*x = int32(v)
}

func (c *codec) bool(x *bool) {
	var v int64
	if *x {
		v = 1
	}
	c.int64(&v)
	*x = v == 1
}

func (c *codec) float(x *float64) {
	if !c.reading {
		c.b = binary.LittleEndian.AppendUint64(c.b, math.Float64bits(*x))
		return
	}
	if len(c.b) < 8 {
		c.bad, c.b = true, nil
		return
	}
	*x, c.b = math.Float64frombits(binary.LittleEndian.Uint64(c.b)), c.b[8:]
	c.bad = c.bad || math.IsInf(*x, 0) || math.IsNaN(*x) && !c.missing
}

func (c *codec) floats(x *[]float64) { list(c, x, (*codec).float) }

// list visits the elements of a slice. A nil slice comes back as nil.
func list[T any](c *codec, x *[]T, field func(*codec, *T)) {
	n := len(*x)
	c.int(&n)
	if c.reading {
		if n < 0 || n > len(c.b) { // an element takes a byte at least
			c.bad, c.b = true, nil
			return
		}
		*x = nil
		if n > 0 {
			*x = make([]T, n)
		}
	}
	for i := range *x {
		if c.bad {
			return
		}
		field(c, &(*x)[i])
	}
}
