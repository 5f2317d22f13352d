package sensing

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/klauspost/compress/zstd"
)

// A chunk holds consecutive readings of one lane as columns, compressed with zstd:
//
//	version, count
//	times        zigzag varints of the difference of differences
//	values       layout byte, then the column
//	which        a byte of flags: which of the columns below follow
//	result times zigzag varints of the difference from the time, shifted up by one; 0 where there is none
//	features     zigzag varints of the difference from the one before
//	marks        varints
//	more         a byte, and where it is 1 what the log's more has
//
// The layout of the values is chosen per chunk, the smallest that gives back every value bit by bit:
//
//	decimal      the numbers are whole multiples of 10^-d: d, then zigzag varints of differences of the multiples
//	fixed        the same, and each was written with d places, as 12.0 for 12
//	float        64-bit patterns, each XORed with the one before, byte-reversed so that trailing zeros become short varints
//	mixed        kind and value, one after the other
//
// The ids are implied: the chunk's row says lane and first n. A second column of features (the ultimate beside the
// proximate of SensorThings 2.0) would be one more flag.
const (
	chunkVersion = 2

	layoutDecimal = iota - 1
	layoutFloat
	layoutMixed
	layoutFixed

	// MaxDecimals is how many decimal places are kept as a number and not as text.
	MaxDecimals = 6
	// maxMultiple keeps multiples where float64 holds every integer.
	maxMultiple = 1 << 53
)

var errChunk = errors.New("damaged chunk")

// The encoder and decoder are safe for concurrent EncodeAll and DecodeAll.
var (
	compressor, _   = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
	decompressor, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(64<<20))
)

// chunk is a run of a lane's readings, consecutive in n from n0 on.
type chunk struct {
	n0      int64
	records []record
	header  header // and
	columns []byte // encoded; both made by finish
}

// end is the n after the chunk's last.
func (c *chunk) end() int64 { return c.n0 + int64(len(c.records)) }

// finish makes of the records what is written.
func (c *chunk) finish() { c.header, c.columns = newHeader(c.n0, c.records), encodeChunk(c.records) }

func encodeChunk(records []record) []byte {
	raw := binary.AppendUvarint(append(make([]byte, 0, 8*len(records)+16), chunkVersion), uint64(len(records)))
	var at, step int64
	for i := range records {
		d := records[i].at - at
		raw = binary.AppendVarint(raw, d-step)
		at, step = records[i].at, d
	}
	raw = appendColumn(raw, records)
	return compressor.EncodeAll(appendRest(raw, records), nil)
}

func appendColumn(raw []byte, records []record) []byte {
	d := uint8(0)
	for i := range records {
		r := &records[i]
		if r.kind != KindNumber || r.extra.str() != "" {
			return appendMixed(raw, records)
		}
		d = cmp.Or(d, r.decimals)
	}
	if d != 0 {
		if fixed(records, d) {
			return appendMultiples(append(raw, layoutFixed), records, int(d))
		}
		return appendMixed(raw, records)
	}
	if d, ok := decimals(records); ok {
		return appendMultiples(append(raw, layoutDecimal), records, d)
	}
	raw = append(raw, layoutFloat)
	var prev uint64
	for i := range records {
		b := math.Float64bits(records[i].num)
		raw = binary.AppendUvarint(raw, bits.ReverseBytes64(b^prev))
		prev = b
	}
	return raw
}

func appendMultiples(raw []byte, records []record, d int) []byte {
	raw = append(raw, byte(d))
	var prev int64
	for i := range records {
		m, _ := multiple(records[i].num, d)
		raw = binary.AppendVarint(raw, m-prev)
		prev = m
	}
	return raw
}

// appendMixed writes each value with its kind. A number has its literal behind it, empty for most.
func appendMixed(raw []byte, records []record) []byte {
	raw = append(raw, layoutMixed)
	for i := range records {
		r := &records[i]
		raw = append(raw, byte(r.kind))
		switch r.kind {
		case KindText, KindJSON:
			raw = appendBytes(raw, r.extra.str())
		case KindBool:
			raw = append(raw, byte(r.num))
		default:
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(r.num))
			raw = appendLiteral(raw, r)
		}
	}
	return raw
}

// fixed says whether all numbers were written with d decimal places: those whose last place counts have no shorter form.
func fixed(records []record, d uint8) bool {
	for i := range records {
		m, ok := multiple(records[i].num, int(d))
		shorter := ok && m%10 == 0
		if !ok || shorter != (records[i].decimals == d) || !shorter && records[i].decimals != 0 {
			return false
		}
	}
	return true
}

// appendRest writes the columns that at least one record needs.
func appendRest(raw []byte, records []record) []byte {
	var which byte
	for i := range records {
		r := &records[i]
		if r.resultTime() != 0 {
			which |= hasResultTime
		}
		if r.feature != 0 {
			which |= hasFeature
		}
		if r.marks != 0 {
			which |= hasMarks
		}
		if r.more() != nil {
			which |= hasMore
		}
	}
	raw = append(raw, which)
	if which&hasResultTime != 0 {
		for i := range records {
			d := int64(0)
			if t := records[i].resultTime(); t != 0 {
				if d = t - records[i].at; d >= 0 { // 0 stands for none
					d++
				}
			}
			raw = binary.AppendVarint(raw, d)
		}
	}
	if which&hasFeature != 0 {
		var prev int64
		for i := range records {
			raw = binary.AppendVarint(raw, int64(records[i].feature)-prev)
			prev = int64(records[i].feature)
		}
	}
	if which&hasMarks != 0 {
		for i := range records {
			raw = binary.AppendUvarint(raw, uint64(records[i].marks))
		}
	}
	if which&hasMore != 0 {
		for i := range records {
			if m := records[i].more(); m != nil {
				raw = appendMore(append(raw, 1), m)
			} else {
				raw = append(raw, 0)
			}
		}
	}
	return raw
}

// decimals is the smallest number of decimal places at which every value is a whole multiple.
func decimals(records []record) (int, bool) {
	d := 0
	for i := range records {
		for {
			if _, ok := multiple(records[i].num, d); ok {
				break
			}
			if d++; d > MaxDecimals {
				return 0, false
			}
		}
	}
	// A value that fitted at fewer places fits at more, unless the multiple grows too large or rounds.
	for i := range records {
		if _, ok := multiple(records[i].num, d); !ok {
			return 0, false
		}
	}
	return d, true
}

var powers = [MaxDecimals + 1]float64{1, 10, 100, 1e3, 1e4, 1e5, 1e6}

// multiple is f in units of 10^-d, if that gives back f bit by bit.
func multiple(f float64, d int) (int64, bool) {
	m := math.Round(f * powers[d])
	if !(math.Abs(m) < maxMultiple) { // what is not a number compares with nothing
		return 0, false
	}
	i := int64(m) // an integer has no negative zero, so the way back starts from it
	return i, math.Float64bits(float64(i)/powers[d]) == math.Float64bits(f)
}

// decodeChunk gives back the records, numbered from n0 on.
func decodeChunk(n0 int64, blob []byte) ([]record, error) {
	raw, err := decompressor.DecodeAll(blob, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errChunk, err)
	}
	r := reader{b: raw}
	if v := r.byte(); v != chunkVersion {
		return nil, fmt.Errorf("%w: unknown version %d", errChunk, v)
	}
	records := make([]record, r.count(2)) // a time and a value have at least one byte each
	var at, step int64
	for i := range records {
		step += r.varint()
		at += step
		records[i].at, records[i].n = at, uint32(n0+int64(i))
	}
	if err := r.column(records); err != nil {
		return nil, err
	}
	r.rest(records)
	if r.bad || len(r.b) > 0 {
		return nil, errChunk
	}
	return records, nil
}

func (r *reader) column(records []record) error {
	switch r.byte() {
	case layoutDecimal:
		return r.multiples(records, false)
	case layoutFixed:
		return r.multiples(records, true)
	case layoutFloat:
		var b uint64
		for i := range records {
			b ^= bits.ReverseBytes64(r.uvarint())
			records[i].num = math.Float64frombits(b)
		}
	case layoutMixed:
		for i := range records {
			r.mixed(&records[i])
		}
	default:
		return errChunk
	}
	return nil
}

func (r *reader) multiples(records []record, fixed bool) error {
	d := r.byte()
	if d > MaxDecimals {
		return errChunk
	}
	var m int64
	for i := range records {
		m += r.varint()
		records[i].num = float64(m) / powers[d]
		if fixed && m%10 == 0 {
			records[i].decimals = d
		}
	}
	return nil
}

func (r *reader) mixed(c *record) {
	c.kind = Kind(r.byte())
	var text string
	switch c.kind {
	case KindText, KindJSON:
		text = r.text()
	case KindBool:
		if r.byte() != 0 {
			c.num = 1
		}
	case KindNumber:
		if b := r.bytes(8); !r.bad {
			c.num = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
		c.decimals, text = r.literal(c.num)
	default:
		r.bad = true
	}
	if text != "" {
		c.extra = &extra{text: text}
	}
}

func (r *reader) rest(records []record) {
	which := r.byte()
	if which&hasResultTime != 0 {
		for i := range records {
			if d := r.varint(); d != 0 {
				if d > 0 {
					d--
				}
				records[i].have().resultTime = records[i].at + d
			}
		}
	}
	if which&hasFeature != 0 {
		var f int64
		for i := range records {
			f += r.varint()
			records[i].feature = uint32(f)
		}
	}
	if which&hasMarks != 0 {
		for i := range records {
			records[i].marks = Marks(r.uvarint())
		}
	}
	if which&hasMore != 0 {
		for i := range records {
			if r.byte() == 1 {
				records[i].have().more = r.more()
			}
		}
	}
}

// have is the record's extra, made if it has none yet; for a record that nobody else has seen.
func (c *record) have() *extra {
	if c.extra == nil {
		c.extra = &extra{}
	}
	return c.extra
}
