package sensing

import (
	"cmp"
	"container/heap"
	"context"
	"math"
	"slices"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// A scan by time merges runs. A run is a stream, a chunk or a head of which, at first, only a bound is known: no reading of
// it comes before that place. It is opened when its bound comes up: a stream falls into its chunks, a chunk or a head into its
// sorted records. So the first page of a long history reads one chunk, and the newest reading of all reads few streams.

// run is one run of a merge.
type run struct {
	bound Key // no reading of it comes before
	last  Key // and none after; for leaving it out as a whole

	of      *stream // an unopened stream's chunks
	views   []view  // its lanes
	view    view    // an unopened head or chunk, and the lane of an opened run
	head    bool
	header  header
	records []record // opened: what is left, in the order of the scan
}

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
	chosen := s.chosen(&q)
	s.mu.RLock()
	for _, st := range chosen {
		if st.state.Count == 0 || m.span.misses(st.state.MinAt, st.state.MaxAt) {
			continue
		}
		// Heads are in memory; the chunks are only looked at when their own bound comes up.
		r := &run{of: st}
		for _, l := range st.lanes {
			v := l.view()
			if len(v.head) > 0 {
				m.runs = append(m.runs, m.bounds(&run{view: v, head: true}, st.state.MinAt, st.state.MaxAt))
			}
			r.views = append(r.views, v)
		}
		if sealed := &st.sealed; sealed.Count > 0 && !m.span.misses(sealed.MinAt, sealed.MaxAt) {
			m.runs = append(m.runs, m.bounds(r, sealed.MinAt, sealed.MaxAt))
		}
	}
	s.mu.RUnlock()
	heap.Init(m)
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
		r.bound = r.key(0)
		heap.Fix(m, 0)
	}
	return nil
}

// bounds sets the places between which a run lies, from its earliest and latest times.
func (m *merge) bounds(r *run, minAt, maxAt int64) *run {
	r.bound, r.last = Key{max(minAt, m.span.from), 0}, Key{maxAt, math.MaxInt64}
	if m.desc {
		r.bound, r.last = Key{min(maxAt, m.span.to), math.MaxInt64}, Key{minAt, 0}
	}
	return r
}

// whole is how many readings a chunk has that can be left out unread: all of it is wanted, and nothing else lies between.
func (m *merge) whole(r *run) int64 {
	if r.of != nil || r.head || !m.span.covers(r.header.minAt, r.header.maxAt) || m.q.After != nil && !m.before(*m.q.After, r.bound) {
		return 0
	}
	if len(m.runs) > 0 && !m.before(r.last, m.runs[0].bound) {
		return 0
	}
	return r.header.count
}

// open puts what a run holds into the heap.
func (m *merge) open(r *run) error {
	if r.of != nil {
		return m.openStream(r)
	}
	records := r.view.head
	if !r.head {
		var err error
		if records, err = m.s.loadRange(m.ctx, r.view.lane.id, r.header); err != nil {
			return err
		}
	}
	if m.add(r.view, records) {
		heap.Fix(m, len(m.runs)-1)
	}
	return nil
}

func (m *merge) openStream(r *run) error {
	for _, v := range r.views {
		if v.sealed == 0 {
			continue
		}
		var headers []header
		err := m.s.DB.Read(m.ctx, func(tx *db.Tx) (err error) {
			headers, err = chunkHeaders(tx, v.lane.id, m.span.from, m.span.to, m.q.MinValue, m.q.MaxValue)
			return err
		})
		if err != nil {
			return err
		}
		for _, h := range headers {
			if h.count = min(h.count, v.sealed-h.n0); h.count > 0 {
				heap.Push(m, m.bounds(&run{view: v, header: h}, h.minAt, h.maxAt))
			}
		}
	}
	return nil
}

// add puts those of a lane's records that are wanted at the end of the runs, sorted, and reports whether there are any. The
// caller restores the heap.
func (m *merge) add(v view, records []record) bool {
	r := &run{view: v}
	for i := range records {
		c := &records[i]
		if !m.span.has(c) || m.q.After != nil && !m.before(*m.q.After, Key{c.at, readingID(v.lane.id, int64(c.n))}) {
			continue
		}
		if r.records == nil {
			r.records = make([]record, 0, len(records)-i)
		}
		r.records = append(r.records, *c)
	}
	if len(r.records) == 0 {
		return false
	}
	order := func(a, b record) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.n, b.n)) }
	if !slices.IsSortedFunc(r.records, order) {
		slices.SortFunc(r.records, order)
	}
	if m.desc {
		slices.Reverse(r.records)
	}
	r.bound = r.key(0)
	m.runs = append(m.runs, r)
	return true
}

func (r *run) key(i int) Key {
	return Key{r.records[i].at, readingID(r.view.lane.id, int64(r.records[i].n))}
}

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
