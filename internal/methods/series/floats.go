package series

import (
	"encoding/binary"
	"math"
)

// floats reads numbers that were written as little-endian bits, and remembers when it could not, or when one was not finite.
type floats struct {
	b   []byte
	bad bool
}

func (r *floats) next64() float64 {
	if r.bad || len(r.b) < 8 {
		r.bad = true
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(r.b))
	r.b = r.b[8:]
	r.bad = math.IsNaN(v) || math.IsInf(v, 0)
	return v
}

func (r *floats) next32() float32 {
	if r.bad || len(r.b) < 4 {
		r.bad = true
		return 0
	}
	v := math.Float32frombits(binary.LittleEndian.Uint32(r.b))
	r.b = r.b[4:]
	r.bad = math.IsNaN(float64(v)) || math.IsInf(float64(v), 0)
	return v
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
