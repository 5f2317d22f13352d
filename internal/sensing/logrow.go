package sensing

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// A log row is a version byte and then batches until its end:
//
//	batch   = source refused count entry*count          (uvarint each)
//	entry   = lane-delta n-delta time-delta kind value  (zigzag varint each against the entry before; kind one byte)
//	value   = 8 bytes little-endian | uvarint length, bytes | one byte
//
// An entry's lane and n are its id; nothing is derived when the row is read again.
const logVersion = 1

var errLogRow = errors.New("damaged log row")

// logged is one entry of a log row.
type logged struct {
	lane, n, at int64
	value       Value
}

// batch is what one source sent in one request.
type batch struct {
	source  int64
	refused int
	entries []logged
}

func encodeRow(dst []byte, batches []batch) []byte {
	dst = append(dst, logVersion)
	for _, b := range batches {
		dst = binary.AppendUvarint(dst, uint64(b.source))
		dst = binary.AppendUvarint(dst, uint64(b.refused))
		dst = binary.AppendUvarint(dst, uint64(len(b.entries)))
		var prev logged
		for _, e := range b.entries {
			dst = binary.AppendVarint(dst, e.lane-prev.lane)
			dst = binary.AppendVarint(dst, e.n-prev.n)
			dst = binary.AppendVarint(dst, e.at-prev.at)
			dst = appendValue(dst, e.value)
			prev = e
		}
	}
	return dst
}

func appendValue(dst []byte, v Value) []byte {
	dst = append(dst, byte(v.kind))
	switch v.kind {
	case KindText:
		dst = binary.AppendUvarint(dst, uint64(len(v.text)))
		return append(dst, v.text...)
	case KindBool:
		return append(dst, byte(v.num))
	default:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.num))
	}
}

func decodeRow(row []byte) ([]batch, error) {
	if len(row) == 0 || row[0] != logVersion {
		return nil, fmt.Errorf("%w: unknown version", errLogRow)
	}
	r := reader{b: row[1:]}
	var batches []batch
	for len(r.b) > 0 && !r.bad {
		b := batch{source: int64(r.uvarint()), refused: int(r.uvarint())}
		count := r.uvarint()
		if count > uint64(len(r.b)) { // an entry has several bytes: a damaged count must not ask for all memory
			return nil, errLogRow
		}
		b.entries = make([]logged, 0, count)
		var prev logged
		for range count {
			prev = logged{lane: prev.lane + r.varint(), n: prev.n + r.varint(), at: prev.at + r.varint(), value: r.value()}
			b.entries = append(b.entries, prev)
		}
		batches = append(batches, b)
	}
	if r.bad {
		return nil, errLogRow
	}
	return batches, nil
}

// reader takes a byte slice apart; once it runs off the end it is bad and yields zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	return skip(r, v, n)
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	return skip(r, v, n)
}

func skip[T any](r *reader, v T, n int) T {
	if n <= 0 {
		r.bad, r.b = true, nil
		var zero T
		return zero
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) value() Value {
	kind := r.bytes(1)
	if r.bad {
		return Value{}
	}
	switch Kind(kind[0]) {
	case KindNumber:
		if b := r.bytes(8); !r.bad {
			return Number(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	case KindText:
		return Text(string(r.bytes(r.uvarint())))
	case KindBool:
		if b := r.bytes(1); !r.bad {
			return Bool(b[0] != 0)
		}
	default:
		r.bad = true
	}
	return Value{}
}
