package series

import (
	"encoding/binary"
	"fmt"
	"math"
)

// codec writes a state down or takes one up, so that one list of fields serves both. A state begins with its version and
// has a fixed size.
type codec struct {
	b       []byte
	reading bool
	bad     bool
}

// writeState appends the version and the fields that visit names.
func writeState(b []byte, version byte, visit func(*codec)) ([]byte, error) {
	c := codec{b: append(b, version)}
	visit(&c)
	return c.b, nil
}

// readState fills the fields that visit names; what is for the error.
func readState(b []byte, what string, version byte, visit func(*codec)) error {
	if len(b) == 0 || b[0] != version {
		return fmt.Errorf("%s state: unknown version", what)
	}
	c := codec{b: b[1:], reading: true}
	visit(&c)
	if c.bad || len(c.b) != 0 {
		return fmt.Errorf("%s state: cut short, too long, or not a number", what)
	}
	return nil
}

func (c *codec) f64(fields ...*float64) {
	for _, f := range fields {
		if !c.reading {
			c.b = binary.LittleEndian.AppendUint64(c.b, math.Float64bits(*f))
		} else if raw := c.take(8); raw != nil {
			*f = math.Float64frombits(binary.LittleEndian.Uint64(raw))
			c.bad = c.bad || math.IsNaN(*f) || math.IsInf(*f, 0)
		}
	}
}

func (c *codec) f32(fields ...*float32) {
	for _, f := range fields {
		if !c.reading {
			c.b = binary.LittleEndian.AppendUint32(c.b, math.Float32bits(*f))
		} else if raw := c.take(4); raw != nil {
			*f = math.Float32frombits(binary.LittleEndian.Uint32(raw))
			c.bad = c.bad || *f != *f || math.IsInf(float64(*f), 0)
		}
	}
}

func (c *codec) u32(fields ...*uint32) {
	for _, f := range fields {
		if !c.reading {
			c.b = binary.LittleEndian.AppendUint32(c.b, *f)
		} else if raw := c.take(4); raw != nil {
			*f = binary.LittleEndian.Uint32(raw)
		}
	}
}

func (c *codec) u8(fields ...*uint8) {
	for _, f := range fields {
		if !c.reading {
			c.b = append(c.b, *f)
		} else if raw := c.take(1); raw != nil {
			*f = raw[0]
		}
	}
}

func (c *codec) i64(fields ...*int64) {
	for _, f := range fields {
		if !c.reading {
			c.b = binary.LittleEndian.AppendUint64(c.b, uint64(*f))
		} else if raw := c.take(8); raw != nil {
			*f = int64(binary.LittleEndian.Uint64(raw))
		}
	}
}

func (c *codec) flag(f *bool) {
	if !c.reading {
		var b byte
		if *f {
			b = 1
		}
		c.b = append(c.b, b)
	} else if raw := c.take(1); raw != nil {
		*f = raw[0] == 1
		c.bad = c.bad || raw[0] > 1
	}
}

func (c *codec) take(n int) []byte {
	if len(c.b) < n {
		c.bad, c.b = true, nil
		return nil
	}
	raw := c.b[:n]
	c.b = c.b[n:]
	return raw
}
