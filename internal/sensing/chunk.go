package sensing

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/klauspost/compress/zstd"
)

// A chunk holds consecutive readings of one lane as columns, compressed with zstd:
//
//	count        uvarint
//	times        zigzag varints of the difference of differences
//	values       layout byte, then the column
//
// The column's layout is chosen per chunk, the smallest that gives back every value bit by bit:
//
//	decimal      the numbers are whole multiples of 10^-d: d, then zigzag varints of differences of the multiples
//	float        64-bit patterns, each XORed with the one before, byte-reversed so that trailing zeros become short varints
//	mixed        kind and value, one after the other
//
// The ids are implied: the chunk's row says lane and first n.
const (
	layoutDecimal = iota
	layoutFloat
	layoutMixed

	maxDecimals = 6
	// maxMultiple keeps multiples where float64 holds every integer.
	maxMultiple = 1 << 53
)

var errChunk = errors.New("damaged chunk")

// point is a reading without its identity.
type point struct {
	at    int64
	value Value
}

// The encoder and decoder are safe for concurrent EncodeAll and DecodeAll.
var (
	compressor, _   = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
	decompressor, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(64<<20))
)

func encodeChunk(points []point) []byte {
	raw := binary.AppendUvarint(make([]byte, 0, 8*len(points)+16), uint64(len(points)))
	var at, step int64
	for _, p := range points {
		d := p.at - at
		raw = binary.AppendVarint(raw, d-step)
		at, step = p.at, d
	}
	return compressor.EncodeAll(appendColumn(raw, points), nil)
}

func appendColumn(raw []byte, points []point) []byte {
	for _, p := range points {
		if p.value.kind != KindNumber {
			raw = append(raw, layoutMixed)
			for _, p := range points {
				raw = appendValue(raw, p.value)
			}
			return raw
		}
	}
	if d, ok := decimals(points); ok {
		raw = append(raw, layoutDecimal, byte(d))
		var prev int64
		for _, p := range points {
			m, _ := multiple(p.value.num, d)
			raw = binary.AppendVarint(raw, m-prev)
			prev = m
		}
		return raw
	}
	raw = append(raw, layoutFloat)
	var prev uint64
	for _, p := range points {
		b := math.Float64bits(p.value.num)
		raw = binary.AppendUvarint(raw, bits.ReverseBytes64(b^prev))
		prev = b
	}
	return raw
}

// decimals is the smallest number of decimal places at which every value is a whole multiple.
func decimals(points []point) (int, bool) {
	d := 0
	for _, p := range points {
		for {
			if _, ok := multiple(p.value.num, d); ok {
				break
			}
			if d++; d > maxDecimals {
				return 0, false
			}
		}
	}
	// A value that fitted at fewer places fits at more, unless the multiple grows too large or rounds.
	for _, p := range points {
		if _, ok := multiple(p.value.num, d); !ok {
			return 0, false
		}
	}
	return d, true
}

var powers = [maxDecimals + 1]float64{1, 10, 100, 1e3, 1e4, 1e5, 1e6}

// multiple is f in units of 10^-d, if that gives back f bit by bit.
func multiple(f float64, d int) (int64, bool) {
	m := math.Round(f * powers[d])
	if math.Abs(m) >= maxMultiple {
		return 0, false
	}
	i := int64(m) // an integer has no negative zero, so the way back starts from it
	return i, math.Float64bits(float64(i)/powers[d]) == math.Float64bits(f)
}

func decodeChunk(blob []byte) ([]point, error) {
	raw, err := decompressor.DecodeAll(blob, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errChunk, err)
	}
	r := reader{b: raw}
	count := r.uvarint()
	if count > uint64(len(r.b)) { // a time has at least one byte
		return nil, errChunk
	}
	points := make([]point, count)
	var at, step int64
	for i := range points {
		step += r.varint()
		at += step
		points[i].at = at
	}
	if err := r.column(points); err != nil || r.bad || len(r.b) > 0 {
		return nil, errors.Join(errChunk, err)
	}
	return points, nil
}

func (r *reader) column(points []point) error {
	layout := r.bytes(1)
	if r.bad {
		return errChunk
	}
	switch layout[0] {
	case layoutDecimal:
		d := r.bytes(1)
		if r.bad || d[0] > maxDecimals {
			return errChunk
		}
		var m int64
		for i := range points {
			m += r.varint()
			points[i].value = Number(float64(m) / powers[d[0]])
		}
	case layoutFloat:
		var b uint64
		for i := range points {
			b ^= bits.ReverseBytes64(r.uvarint())
			points[i].value = Number(math.Float64frombits(b))
		}
	case layoutMixed:
		for i := range points {
			points[i].value = r.value()
		}
	default:
		return errChunk
	}
	return nil
}
