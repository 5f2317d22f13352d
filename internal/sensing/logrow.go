package sensing

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// A log row is a version byte, the server's clock at the commit, and then parts until its end:
//
//	row         = version received part*
//	part        = 0 source refused count entry*count                 what one request sent
//	            | 1 source lane before deleted [after]               a reading was changed or deleted
//	            | 2 op id set body fields links                      an entity of the catalogue was changed
//	entry       = lane-delta n-delta record                          against the entry before
//	record      = time-delta flags kind-and-value [literal] [result time - time] [feature] [marks] [more]
//	more        = until from until parameters quality
//
// Numbers are varints (zigzag where they may be negative), a number's value is 8 bytes little-endian, texts have their
// length before them. An entry's lane and n are its id; nothing is derived when the row is read again.
const logVersion = 2

const (
	partBatch = iota
	partAmendment
	partEntity
)

// What a record has beside time and value.
const (
	hasLiteral = 1 << iota
	hasResultTime
	hasFeature
	hasMarks
	hasMore
)

var errLogRow = errors.New("damaged log row")

// logRow is a row of the log.
type logRow struct {
	seq      int64
	received int64
	batches  []batch
	amended  []amendment
	entities []Entity
}

// readings is how many readings the row brought.
func (r *logRow) readings() (n int) {
	for i := range r.batches {
		n += len(r.batches[i].entries)
	}
	return n
}

// weight is about how many bytes the row takes in memory.
func (r *logRow) weight() (n int64) {
	for i := range r.batches {
		n += 100 + 60*int64(len(r.batches[i].entries))
	}
	for i := range r.entities {
		n += 200 + int64(len(r.entities[i].Body))
	}
	return n + 200*int64(len(r.amended))
}

// batch is what one source sent in one request.
type batch struct {
	source  int64
	refused int
	entries []entry
}

// entry is a record and the lane that numbers it.
type entry struct {
	lane int64
	record
}

// amendment is the change of a reading that was stored.
type amendment struct {
	source  int64
	lane    int64
	deleted bool
	before  record
	after   record // of the same n; the zero record where deleted
}

func encodeRow(dst []byte, row *logRow) []byte {
	dst = append(dst, logVersion)
	dst = binary.AppendVarint(dst, row.received)
	for i := range row.batches {
		b := &row.batches[i]
		dst = append(dst, partBatch)
		dst = binary.AppendUvarint(dst, uint64(b.source))
		dst = binary.AppendUvarint(dst, uint64(b.refused))
		dst = binary.AppendUvarint(dst, uint64(len(b.entries)))
		var lane, n, at int64
		for j := range b.entries {
			e := &b.entries[j]
			dst = binary.AppendVarint(dst, e.lane-lane)
			dst = binary.AppendVarint(dst, int64(e.n)-n)
			dst = appendRecord(dst, &e.record, at)
			lane, n, at = e.lane, int64(e.n), e.at
		}
	}
	for i := range row.amended {
		a := &row.amended[i]
		dst = append(dst, partAmendment)
		dst = binary.AppendUvarint(dst, uint64(a.source))
		dst = binary.AppendUvarint(dst, uint64(a.lane))
		dst = binary.AppendUvarint(dst, uint64(a.before.n))
		dst = appendRecord(dst, &a.before, 0)
		if a.deleted {
			dst = append(dst, 1)
			continue
		}
		dst = appendRecord(append(dst, 0), &a.after, 0)
	}
	for _, e := range row.entities {
		dst = append(dst, partEntity, byte(e.Op))
		dst = binary.AppendUvarint(dst, uint64(e.ID))
		dst = appendBytes(dst, e.Set)
		dst = appendBytes(dst, string(e.Body))
		dst = binary.AppendUvarint(dst, uint64(len(e.Fields)))
		for _, f := range e.Fields {
			dst = appendBytes(dst, f)
		}
		dst = binary.AppendUvarint(dst, uint64(len(e.Links)))
		for _, l := range e.Links {
			dst = binary.AppendUvarint(appendBytes(dst, l.Set), uint64(l.ID))
		}
	}
	return dst
}

func appendBytes(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendRecord(dst []byte, c *record, at int64) []byte {
	var flags byte
	x := c.extra
	if c.kind == KindNumber && (c.decimals != 0 || x.str() != "") {
		flags |= hasLiteral
	}
	if x != nil {
		if x.resultTime != 0 {
			flags |= hasResultTime
		}
		if x.more != nil {
			flags |= hasMore
		}
	}
	if c.feature != 0 {
		flags |= hasFeature
	}
	if c.marks != 0 {
		flags |= hasMarks
	}
	dst = binary.AppendVarint(dst, c.at-at)
	dst = append(dst, flags, byte(c.kind))
	switch c.kind {
	case KindText, KindJSON:
		dst = appendBytes(dst, x.str())
	case KindBool:
		dst = append(dst, byte(c.num))
	default:
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(c.num))
		if flags&hasLiteral != 0 {
			dst = appendLiteral(dst, c)
		}
	}
	if flags&hasResultTime != 0 {
		dst = binary.AppendVarint(dst, x.resultTime-c.at)
	}
	if flags&hasFeature != 0 {
		dst = binary.AppendUvarint(dst, uint64(c.feature))
	}
	if flags&hasMarks != 0 {
		dst = binary.AppendUvarint(dst, uint64(c.marks))
	}
	if flags&hasMore != 0 {
		dst = appendMore(dst, x.more)
	}
	return dst
}

// appendLiteral writes how a number was written, empty where its shortest form tells.
func appendLiteral(dst []byte, c *record) []byte {
	if c.decimals == 0 {
		return appendBytes(dst, c.extra.str())
	}
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], c.num, 'f', int(c.decimals), 64)
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

func appendMore(dst []byte, m *More) []byte {
	dst = binary.AppendVarint(dst, m.Until)
	dst = binary.AppendVarint(dst, m.ValidFrom)
	dst = binary.AppendVarint(dst, m.ValidUntil)
	return appendBytes(appendBytes(dst, m.Parameters), m.Quality)
}

// str is the text of a record that may have none.
func (x *extra) str() string {
	if x == nil {
		return ""
	}
	return x.text
}

// decode takes a payload apart. The row's slices are used again.
func (row *logRow) decode(payload []byte) error {
	r := reader{b: payload}
	if v := r.byte(); v != logVersion {
		return fmt.Errorf("%w: unknown version %d", errLogRow, v)
	}
	*row = logRow{seq: row.seq, received: r.varint(), batches: row.batches[:0], amended: row.amended[:0], entities: row.entities[:0]}
	for len(r.b) > 0 && !r.bad {
		switch r.byte() {
		case partBatch:
			n := len(row.batches)
			row.batches = slices.Grow(row.batches, 1)[:n+1]
			r.batch(&row.batches[n])
		case partAmendment:
			a := amendment{source: int64(r.uvarint()), lane: int64(r.uvarint())}
			n := uint32(r.uvarint())
			a.before = r.record(0)
			if a.deleted = r.byte() == 1; !a.deleted {
				a.after = r.record(0)
				a.after.n = n
			}
			a.before.n = n
			row.amended = append(row.amended, a)
		case partEntity:
			row.entities = append(row.entities, r.entity())
		default:
			r.bad = true
		}
	}
	if r.bad {
		return errLogRow
	}
	return nil
}

// reader takes a byte slice apart; once it runs off the end it is bad and yields zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) batch(b *batch) {
	b.source, b.refused = int64(r.uvarint()), int(r.uvarint())
	count := r.count(4)
	b.entries = slices.Grow(b.entries[:0], count)
	var prev entry
	for range count {
		e := entry{lane: prev.lane + r.varint()}
		n := uint32(int64(prev.n) + r.varint())
		e.record = r.record(prev.at)
		e.n = n
		b.entries = append(b.entries, e)
		prev = e
	}
}

func (r *reader) entity() Entity {
	e := Entity{Op: Op(r.byte()), ID: int64(r.uvarint()), Set: r.text()}
	if body := r.bytes(r.uvarint()); len(body) > 0 {
		e.Body = append([]byte(nil), body...)
	}
	for range r.count(1) {
		e.Fields = append(e.Fields, r.text())
	}
	for range r.count(2) {
		e.Links = append(e.Links, Link{Set: r.text(), ID: int64(r.uvarint())})
	}
	return e
}

func (r *reader) record(at int64) record {
	c := record{at: at + r.varint()}
	flags := r.byte()
	c.kind = Kind(r.byte())
	var x extra
	switch c.kind {
	case KindNumber:
		if b := r.bytes(8); !r.bad {
			c.num = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
		if flags&hasLiteral != 0 {
			c.decimals, x.text = r.literal(c.num)
		}
	case KindText, KindJSON:
		x.text = r.text()
	case KindBool:
		if r.byte() != 0 {
			c.num = 1
		}
	default:
		r.bad = true
	}
	if flags&hasResultTime != 0 {
		x.resultTime = c.at + r.varint()
	}
	if flags&hasFeature != 0 {
		c.feature = uint32(r.uvarint())
	}
	if flags&hasMarks != 0 {
		c.marks = Marks(r.uvarint())
	}
	if flags&hasMore != 0 {
		x.more = r.more()
	}
	if x != (extra{}) {
		c.extra = &x
	}
	return c
}

func (r *reader) more() *More {
	return &More{Until: r.varint(), ValidFrom: r.varint(), ValidUntil: r.varint(), Parameters: r.text(), Quality: r.text()}
}

// count reads how many things of at least size bytes follow: a damaged count must not ask for all memory.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.b)/size) {
		r.bad, r.b = true, nil
		return 0
	}
	return int(n)
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

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	b := r.b[0]
	r.b = r.b[1:]
	return b
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

// literal is what there is to keep of how a number was written.
func (r *reader) literal(f float64) (decimals uint8, text string) {
	b := r.bytes(r.uvarint())
	if len(b) == 0 {
		return 0, ""
	}
	return written(f, string(b))
}

func (r *reader) text() string { return string(r.bytes(r.uvarint())) }
