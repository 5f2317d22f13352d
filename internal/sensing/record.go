package sensing

import (
	"math"
	"strconv"
)

// record is a reading within its lane, as memory holds it: 40 bytes for a number at a time. What few readings have stands
// apart.
type record struct {
	at      int64
	num     float64
	extra   *extra
	n       uint32
	feature uint32
	marks   Marks
	kind    Kind

	decimals uint8 // as a Value's
}

// extra is not changed once its record is made: records are copied, extras shared.
type extra struct {
	text       string
	resultTime int64
	more       *More
}

// maxFeature is the highest id of a feature that a record can hold.
const maxFeature = math.MaxUint32

func pack(r Reading) record {
	c := record{at: r.At, num: r.Value.num, feature: uint32(r.Feature), marks: r.Marks, kind: r.Value.kind, decimals: r.Value.decimals}
	if r.Value.text != "" || r.ResultTime != 0 || r.More != nil {
		c.extra = &extra{r.Value.text, r.ResultTime, r.More}
	}
	return c
}

func (c *record) value() Value {
	v := Value{kind: c.kind, decimals: c.decimals, num: c.num}
	if c.extra != nil {
		v.text = c.extra.text
	}
	return v
}

// literal is how a number was written, where its shortest form differs.
func (c *record) literal() string {
	if c.decimals != 0 {
		return strconv.FormatFloat(c.num, 'f', int(c.decimals), 64)
	}
	return c.extra.str()
}

func (c *record) resultTime() int64 {
	if c.extra == nil {
		return 0
	}
	return c.extra.resultTime
}

func (c *record) more() *More {
	if c.extra == nil {
		return nil
	}
	return c.extra.more
}

// end is the end of the phenomenon time.
func (c *record) end() int64 {
	if m := c.more(); m != nil && m.Until != 0 {
		return m.Until
	}
	return c.at
}

// reading is the record as the world sees it.
func (c *record) reading(datastream int64) Reading {
	return Reading{
		Datastream: datastream, At: c.at, Value: c.value(), ResultTime: c.resultTime(), Feature: int64(c.feature), Marks: c.marks, More: c.more(),
	}
}

// finite is the number of the result if it is one that can be compared with bounds.
func (c *record) finite() (float64, bool) {
	return c.num, c.kind == KindNumber && c.num-c.num == 0
}

// weight is about how many bytes the record takes, in the log as in memory.
func (c *record) weight() int64 {
	w := int64(48)
	if x := c.extra; x != nil {
		w += 40 + int64(len(x.text))
		if m := x.more; m != nil {
			w += 64 + int64(len(m.Parameters)+len(m.Quality))
		}
	}
	return w
}

// sameSubject says whether two records of one time and one datastream speak of the same: the same feature, the same
// interval, the same parameters. A profile sends several depths of one time, and none repeats another.
func (c *record) sameSubject(d *record) bool {
	if c.feature != d.feature || c.end() != d.end() {
		return false
	}
	a, b := c.more(), d.more()
	switch {
	case a == nil && b == nil:
		return true
	case a == nil:
		return b.Parameters == ""
	case b == nil:
		return a.Parameters == ""
	}
	return a.Parameters == b.Parameters
}
