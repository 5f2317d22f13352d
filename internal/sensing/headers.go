package sensing

import (
	"context"
	"math"
	"slices"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// header is what a chunk's row says beside the columns.
type header struct {
	n0, count          int64
	minAt, maxAt       int64 // the earliest start and the latest end
	minValue, maxValue float64
	minResult          int64 // result times; 0 where no reading has one
	maxResult          int64
	numbers            bool // every result is a finite number, within the two values

	// Most instruments keep a rhythm. Where the readings are instants in the order of time, the i-th lies within
	// [minAt + i*step + early, minAt + i*step + late], so that places of times are known without a look at the columns; step is
	// noRhythm where they are not.
	step, early, late int64
}

const noRhythm = -1

// newHeader is the header of consecutive records from n0 on.
func newHeader(n0 int64, records []record) header {
	h := header{
		n0: n0, count: int64(len(records)), minAt: math.MaxInt64, maxAt: math.MinInt64,
		minValue: math.Inf(1), maxValue: math.Inf(-1), numbers: true, step: noRhythm,
	}
	ordered := true
	for i := range records {
		r := &records[i]
		ordered = ordered && r.end() == r.at && (i == 0 || r.at >= records[i-1].at)
		h.minAt, h.maxAt = min(h.minAt, r.at), max(h.maxAt, r.end())
		if t := r.resultTime(); t != 0 {
			if h.minResult == 0 || t < h.minResult {
				h.minResult = t
			}
			if h.maxResult == 0 || t > h.maxResult {
				h.maxResult = t
			}
		}
		f, ok := r.finite()
		if !ok {
			h.numbers = false
		}
		h.minValue, h.maxValue = min(h.minValue, f), max(h.maxValue, f)
	}
	if !ordered {
		return h
	}
	step := int64(0)
	if h.count > 1 {
		step = (records[h.count-1].at - h.minAt) / (h.count - 1)
	}
	h.keep(records, step)
	// The first and the last may be early or late, and the instrument's own step is most often a round one.
	for _, unit := range []int64{1000, 1_000_000} {
		h.keep(records, (step+unit/2)/unit*unit)
	}
	return h
}

// keep takes a step if the readings lie closer to it than to the one before.
func (h *header) keep(records []record, step int64) {
	var early, late int64
	for i := range records {
		off := records[i].at - h.minAt - int64(i)*step
		early, late = min(early, off), max(late, off)
	}
	if h.step == noRhythm || late-early < h.late-h.early {
		h.step, h.early, h.late = step, early, late
	}
}

// before says between which two numbers lies how many of the readings start before a time.
func (h *header) before(at int64) (least, most int64) {
	switch {
	case at <= h.minAt:
		return 0, 0
	case at > h.maxAt:
		return h.count, h.count
	case h.step == noRhythm:
		return 0, h.count
	}
	return h.steps(at - h.minAt - h.late), h.steps(at - h.minAt - h.early)
}

// steps is how many of 0, step, 2*step and so on are less than d, for as many as there are readings.
func (h *header) steps(d int64) int64 {
	switch {
	case d <= 0:
		return 0
	case h.step == 0:
		return h.count
	}
	return min(h.count, (d-1)/h.step+1)
}

// within is how many of the readings lie in a span; false where only the columns can tell.
func (h *header) within(x span) (n int64, exact bool) {
	if x.misses(h.minAt, h.maxAt) || x.to < x.from {
		return 0, true
	}
	if x.covers(h.minAt, h.maxAt) {
		return h.count, true
	}
	least, most := h.before(x.from)
	upToLeast, upToMost := h.count, h.count
	if x.to < math.MaxInt64 {
		upToLeast, upToMost = h.before(x.to + 1)
	}
	return upToLeast - least, least == most && upToLeast == upToMost
}

// without says that all results are numbers outside some bounds.
func (h *header) without(low, high *float64) bool {
	return h.numbers && (low != nil && h.maxValue < *low || high != nil && h.minValue > *high)
}

// from is a place, as time and number, before which no reading of those lies that start at a time or later.
func (h *header) from(at int64) (from, n int64) {
	least, _ := h.before(at)
	if h.step == noRhythm {
		return max(at, h.minAt), h.n0
	}
	return max(at, h.minAt, h.minAt+least*h.step+h.early), h.n0 + least
}

// upTo is a place behind which no reading of those lies that start at a time or earlier.
func (h *header) upTo(at int64) (to, n int64) {
	if h.step == noRhythm || at == math.MaxInt64 {
		return min(at, h.maxAt), h.n0 + h.count - 1
	}
	_, most := h.before(at + 1)
	return min(at, h.maxAt, h.minAt+(most-1)*h.step+h.late), h.n0 + most - 1
}

// headers are those of consecutive chunks.
type headers []header

// count is how many readings they have together.
func (hs headers) count() (n int64) {
	for i := range hs {
		n += hs[i].count
	}
	return n
}

// with are the headers after chunks were written, in place of all from the first one's number on.
func (hs headers) with(chunks []chunk) headers {
	if len(chunks) == 0 {
		return hs
	}
	keep := len(hs)
	for keep > 0 && hs[keep-1].n0 >= chunks[0].n0 {
		keep--
	}
	if keep < len(hs) {
		hs = slices.Clip(hs[:keep]) // who holds the old ones keeps them
	}
	for i := range chunks {
		hs = append(hs, chunks[i].header)
	}
	return hs
}

// manyLanes is from how many lanes on it pays to read the headers of all lanes in one go.
const manyLanes = 100

// learn sees to it that the headers of some lanes are in memory, but for those that change meanwhile.
func (s *Service) learn(ctx context.Context, lanes []*lane) error {
	type asked struct {
		*lane
		amended, sealed int64
		headers         headers
	}
	unknown := map[int64]*asked{}
	s.mu.RLock()
	for _, l := range lanes {
		if !l.known {
			unknown[l.id] = &asked{lane: l, amended: l.amended, sealed: l.sealed}
		}
	}
	s.mu.RUnlock()
	if len(unknown) == 0 {
		return nil
	}
	take := func(lane int64, h header) {
		if a := unknown[lane]; a != nil {
			a.headers = append(a.headers, h)
		}
	}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		if len(unknown) >= manyLanes {
			return allHeaders(tx, take)
		}
		for id := range unknown {
			if err := laneHeaders(tx, id, math.MinInt64, math.MaxInt64, take); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range unknown {
		if l := a.lane; !l.known && l.amended == a.amended && l.sealed == a.sealed {
			l.headers, l.known = a.headers, true
		}
	}
	return nil
}

// headersOf are the headers of a view's chunks, without what it has in its head.
func (s *Service) headersOf(ctx context.Context, v view) (headers, error) {
	hs := v.headers
	if !v.known && v.sealed > 0 {
		err := s.DB.Read(ctx, func(tx *db.Tx) error {
			return laneHeaders(tx, v.lane.id, math.MinInt64, math.MaxInt64, func(_ int64, h header) { hs = append(hs, h) })
		})
		if err != nil {
			return nil, err
		}
	}
	for n := len(hs); n > 0 && hs[n-1].n0+hs[n-1].count > v.sealed; n-- {
		if hs = slices.Clone(hs[:n]); hs[n-1].n0 >= v.sealed {
			hs = hs[:n-1]
			continue
		}
		hs[n-1].count = v.sealed - hs[n-1].n0
		break
	}
	return hs, nil
}
