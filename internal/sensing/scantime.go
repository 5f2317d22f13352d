package sensing

import (
	"cmp"
	"container/heap"
	"context"
	"math"
	"slices"
	"sort"
)

// A scan by time merges runs. A run is a head, a lane's chunks or one chunk, of which, at first, only a bound is known: no
// reading of it comes before that place. It is opened when its bound comes up: a lane falls into its chunks, a chunk or a head
// into its sorted records. So the first page of a long history reads one chunk, and the newest readings of all read few.

// run is one run of a merge.
type run struct {
	bound Key // no reading of it comes before
	last  Key // and none after; for leaving a chunk out as a whole

	view    view
	kind    runKind
	header  header   // of a chunk
	after   *Key     // where a head or chunk goes on that was opened before
	records []record // once opened: the next ones, in the order of the scan
}

// runLength is how many records of a run are held at once where there are manyRuns: a merge of all datastreams has a run of
// each, and would hold a whole chunk of each in memory.
const (
	runLength = 64
	manyRuns  = 100
)

type runKind uint8

const (
	runHead runKind = iota
	runLane
	runChunk
)

// merge is a scan by time under way.
type merge struct {
	s    *Service
	ctx  context.Context
	q    *Query
	span span
	desc bool
	runs []*run // a heap by bound
}

func (s *Service) scanByTime(ctx context.Context, q Query, fn func(Stored) error) error {
	m := &merge{s: s, ctx: ctx, q: &q, span: q.span(), desc: q.Order == ByTimeDesc}
	if q.After != nil {
		if m.desc {
			m.span.to = min(m.span.to, q.After.At)
		} else {
			m.span.from = max(m.span.from, q.After.At)
		}
	}
	if err := m.begin(); err != nil {
		return err
	}
	skip := q.Skip
	for len(m.runs) > 0 {
		r := m.runs[0]
		if r.records == nil {
			heap.Pop(m)
			if n := m.whole(r); n > 0 && skip >= n {
				skip -= n
				continue
			}
			if err := m.open(r); err != nil {
				return err
			}
			continue
		}
		c := &r.records[0]
		if skip > 0 {
			skip--
		} else if err := fn(r.view.lane.storedAs(c)); err != nil {
			return err
		}
		if r.records = r.records[1:]; len(r.records) == 0 {
			heap.Pop(m)
			continue
		}
		r.bound = r.view.key(&r.records[0])
		heap.Fix(m, 0)
	}
	return nil
}

// begin makes a run of each head and of each lane's chunks.
func (m *merge) begin() error {
	chosen := m.s.chosen(m.q)
	var lanes []*lane
	m.s.mu.RLock()
	for _, st := range chosen {
		if sealed := &st.sealed; sealed.Count > 0 && !m.span.misses(sealed.MinAt, sealed.MaxAt) {
			lanes = append(lanes, st.lanes...)
		}
	}
	m.s.mu.RUnlock()
	if err := m.s.learn(m.ctx, lanes); err != nil {
		return err
	}
	m.s.mu.RLock()
	defer m.s.mu.RUnlock()
	var runs []run
	for _, st := range chosen {
		if st.state.Count == 0 || m.span.misses(st.state.MinAt, st.state.MaxAt) {
			continue
		}
		for _, l := range st.lanes {
			v := l.view()
			if bound, ok := m.headBound(v, &st.state); ok {
				runs = append(runs, run{view: v, kind: runHead, bound: bound, after: m.q.After})
			}
			if sealed := &st.sealed; v.sealed > 0 && sealed.Count > 0 && !m.span.misses(sealed.MinAt, sealed.MaxAt) {
				if bound, ok := m.laneBound(v, sealed); ok {
					runs = append(runs, run{view: v, kind: runLane, bound: bound})
				}
			}
		}
	}
	m.runs = make([]*run, len(runs))
	for i := range runs {
		m.runs[i] = &runs[i]
	}
	heap.Init(m)
	return nil
}

// spanOf is what is wanted of a lane: of the instant behind which a scan goes on, lanes before that place in the order of the
// scan have given theirs.
func (m *merge) spanOf(lane int64) span {
	x := m.span
	if m.q.After == nil {
		return x
	}
	at, _ := laneOf(m.q.After.ID)
	switch {
	case m.desc && lane > at:
		x.to = min(x.to, m.q.After.At-1)
	case !m.desc && lane < at:
		x.from = max(x.from, m.q.After.At+1)
	}
	return x
}

// headBound is the place before which none of the readings of a head comes that may be wanted; false where there are none.
func (m *merge) headBound(v view, state *State) (Key, bool) {
	if len(v.head) == 0 {
		return Key{}, false
	}
	x := m.spanOf(v.lane.id)
	switch {
	case v.unsorted && m.desc:
		return Key{min(state.MaxAt, x.to), readingID(v.lane.id, maxN)}, true
	case v.unsorted:
		return Key{max(state.MinAt, x.from), readingID(v.lane.id, 0)}, true
	case m.desc:
		i := sort.Search(len(v.head), func(i int) bool { return v.head[i].at > x.to }) - 1
		if i < 0 || v.head[i].at < x.from {
			return Key{}, false
		}
		return Key{v.head[i].at, readingID(v.lane.id, int64(v.head[i].n))}, true
	default:
		i := sort.Search(len(v.head), func(i int) bool { return v.head[i].at >= x.from })
		if i == len(v.head) || v.head[i].at > x.to {
			return Key{}, false
		}
		return Key{v.head[i].at, readingID(v.lane.id, int64(v.head[i].n))}, true
	}
}

// laneBound is the same for a lane's chunks.
func (m *merge) laneBound(v view, sealed *State) (first Key, any bool) {
	if !v.known {
		if m.desc {
			return Key{min(sealed.MaxAt, m.span.to), readingID(v.lane.id, maxN)}, true
		}
		return Key{max(sealed.MinAt, m.span.from), readingID(v.lane.id, 0)}, true
	}
	for i := range v.headers {
		if bound, ok := m.chunkBound(v.lane.id, &v.headers[i]); ok && (!any || m.before(bound, first)) {
			first, any = bound, true
		}
	}
	return first, any
}

// chunkBound is the same for a chunk.
func (m *merge) chunkBound(lane int64, h *header) (Key, bool) {
	x := m.spanOf(lane)
	if x.misses(h.minAt, h.maxAt) || h.without(m.q.MinValue, m.q.MaxValue) {
		return Key{}, false
	}
	at, n := h.from(x.from)
	if m.desc {
		at, n = h.upTo(x.to)
	}
	return Key{at, readingID(lane, n)}, true
}

// whole is how many readings a chunk has that can be left out unread: all of it is wanted, and nothing else lies between.
func (m *merge) whole(r *run) int64 {
	if r.kind != runChunk || r.after != m.q.After || !m.spanOf(r.view.lane.id).covers(r.header.minAt, r.header.maxAt) || m.q.After != nil && !m.before(*m.q.After, r.bound) {
		return 0
	}
	if len(m.runs) > 0 && !m.before(r.last, m.runs[0].bound) {
		return 0
	}
	return r.header.count
}

// open puts what a run holds into the heap.
func (m *merge) open(r *run) error {
	switch r.kind {
	case runLane:
		headers, err := m.s.headersOf(m.ctx, r.view)
		if err != nil {
			return err
		}
		for _, h := range headers {
			if bound, ok := m.chunkBound(r.view.lane.id, &h); ok {
				last := Key{h.maxAt, readingID(r.view.lane.id, h.n0+h.count-1)}
				if m.desc {
					last = Key{h.minAt, readingID(r.view.lane.id, h.n0)}
				}
				heap.Push(m, &run{view: r.view, kind: runChunk, header: h, bound: bound, last: last, after: m.q.After})
			}
		}
	case runChunk:
		records, err := m.s.loadRange(m.ctx, r.view.lane.id, r.header)
		if err != nil {
			return err
		}
		m.add(r, records)
	default:
		m.add(r, r.view.head)
	}
	return nil
}

// add puts the next of those of a run's records that are wanted into the heap, sorted, and the run again for the others.
func (m *merge) add(of *run, records []record) {
	records = m.wanted(of, records)
	most := len(records)
	if most == 0 {
		return
	}
	if most > runLength && len(m.runs) >= m.s.manyRuns {
		most = runLength
	}
	r, rest := &run{view: of.view}, records[:len(records)-most]
	if m.desc {
		r.records = slices.Clone(records[len(records)-most:])
		slices.Reverse(r.records)
	} else if r.records, rest = records[:most], records[most:]; len(rest) > 0 {
		r.records = slices.Clone(r.records) // and the others can go
	}
	r.bound = of.view.key(&r.records[0])
	heap.Push(m, r)
	if len(rest) == 0 {
		return
	}
	last, next := of.view.key(&r.records[most-1]), &rest[0]
	if m.desc {
		next = &rest[len(rest)-1]
	}
	of.after, of.bound = &last, of.view.key(next)
	heap.Push(m, of)
}

// wanted are those of a run's records that are wanted, in the order of time.
func (m *merge) wanted(of *run, records []record) []record {
	order := func(a, b record) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.n, b.n)) }
	if !slices.IsSortedFunc(records, order) {
		records = slices.Clone(records)
		slices.SortFunc(records, order)
	}
	from := sort.Search(len(records), func(i int) bool { return records[i].at >= m.span.from })
	to := sort.Search(len(records), func(i int) bool { return records[i].at > m.span.to })
	if after := of.after; after != nil {
		if m.desc {
			to = min(to, sort.Search(len(records), func(i int) bool { return !m.before(*after, of.view.key(&records[i])) }))
		} else {
			from = max(from, sort.Search(len(records), func(i int) bool { return m.before(*after, of.view.key(&records[i])) }))
		}
	}
	records = records[from:max(from, to)]
	if m.span.until < math.MaxInt64 {
		ends := func(c record) bool { return c.end() > m.span.until }
		if slices.ContainsFunc(records, ends) {
			records = slices.DeleteFunc(slices.Clone(records), ends)
		}
	}
	return records
}

// key is the place of one of a lane's records.
func (v *view) key(c *record) Key { return Key{c.at, readingID(v.lane.id, int64(c.n))} }

// before says whether a comes before b in the order of the scan.
func (m *merge) before(a, b Key) bool {
	c := cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID))
	if m.desc {
		return c > 0
	}
	return c < 0
}

// Len, Less, Swap, Push and Pop make the runs a heap. Of two runs with one bound the unopened comes first: it may hold what
// comes first.
func (m *merge) Len() int { return len(m.runs) }
func (m *merge) Less(i, j int) bool {
	a, b := m.runs[i], m.runs[j]
	if a.bound == b.bound {
		return a.records == nil && b.records != nil
	}
	return m.before(a.bound, b.bound)
}
func (m *merge) Swap(i, j int) { m.runs[i], m.runs[j] = m.runs[j], m.runs[i] }
func (m *merge) Push(x any)    { m.runs = append(m.runs, x.(*run)) }
func (m *merge) Pop() any {
	r := m.runs[len(m.runs)-1]
	m.runs = m.runs[:len(m.runs)-1]
	return r
}

var _ heap.Interface = (*merge)(nil)
