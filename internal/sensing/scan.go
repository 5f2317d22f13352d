package sensing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// ErrStop is returned by the function given to Scan when it has had enough.
var ErrStop = errors.New("enough")

// Order is the order in which Scan hands readings over.
type Order uint8

// The orders. By time means by phenomenon time (its start), then by id, both in the same direction.
const (
	ByID Order = iota
	ByIDDesc
	ByTime
	ByTimeDesc
)

// Key is the place of a reading in an order: its phenomenon time and its id. By id only the id counts.
type Key struct{ At, ID int64 }

// Query says which readings are wanted.
type Query struct {
	Datastreams []int64 // nil for all
	From, To    int64   // bounds of At, both inclusive; both 0 for none (see MinTime and MaxTime)
	Until       int64   // the latest end of the phenomenon time; 0 for none
	// MinValue and MaxValue spare the reading of chunks that hold only numbers outside them. What is handed over may still
	// lie outside.
	MinValue, MaxValue *float64
	Order              Order
	After              *Key  // go on behind this place
	Skip               int64 // leave out so many
}

func (q *Query) bounded() bool { return q.From != 0 || q.To != 0 || q.Until != 0 }

// span is what a reading's time must lie in: its start within [from, to], its end not after until.
type span struct{ from, to, until int64 }

func (q *Query) span() span {
	x := span{math.MinInt64, math.MaxInt64, math.MaxInt64}
	if q.From != 0 || q.To != 0 {
		x.from, x.to = q.From, q.To
	}
	if q.Until != 0 {
		x.until, x.to = q.Until, min(x.to, q.Until)
	}
	return x
}

func (x span) has(c *record) bool {
	return c.at >= x.from && c.at <= x.to && (c.extra == nil || c.end() <= x.until)
}

// misses says that nothing between two times can lie in it, covers that all does.
func (x span) misses(minAt, maxAt int64) bool { return maxAt < x.from || minAt > x.to }
func (x span) covers(minAt, maxAt int64) bool { return minAt >= x.from && maxAt <= min(x.to, x.until) }

// Get is the reading with an id; db.ErrNotFound if there is none.
func (s *Service) Get(ctx context.Context, id int64) (Stored, error) {
	l, c := s.inHead(id)
	if c != nil {
		return l.storedAs(c), nil
	}
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		l, c, err = s.lookUp(tx, id)
		return err
	})
	if err != nil {
		return Stored{}, fmt.Errorf("observation %d: %w", id, err)
	}
	if c == nil {
		return Stored{}, db.ErrNotFound
	}
	return l.storedAs(c), nil
}

func (s *Service) laneByID(id int64) *lane {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.lanes[id]
}

// inHead is a reading and its lane, if memory holds it.
func (s *Service) inHead(id int64) (*lane, *record) {
	lane, n := laneOf(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	l := s.lanes[lane]
	if l == nil {
		return nil, nil
	}
	if i, found := l.find(n); found {
		c := l.head[i]
		return l, &c
	}
	return nil, nil
}

// lookUp is a reading and its lane, wherever it is; nil if there is none.
func (s *Service) lookUp(tx *db.Tx, id int64) (*lane, *record, error) {
	if l, c := s.inHead(id); c != nil {
		return l, c, nil
	}
	lane, n := laneOf(id)
	s.mu.RLock()
	l := s.lanes[lane]
	known := l != nil && s.streams[l.of.ID] != nil
	s.mu.RUnlock()
	if !known {
		return nil, nil, nil
	}
	h, err := headerOf(tx, lane, n)
	if err != nil || h.count == 0 {
		return nil, nil, err
	}
	records, err := loadChunk(tx, lane, h)
	if err != nil || n-h.n0 >= int64(len(records)) {
		return nil, nil, err
	}
	return l, &records[n-h.n0], nil
}

// view is what one lane holds at an instant: the head, and the chunks up to a number. What is sealed after that instant
// stands in the chunks too, and is left out there.
type view struct {
	lane     *lane
	head     []record
	unsorted bool // the head is not in the order of time
	sealed   int64
	stored   int64
	headers  headers
	known    bool // headers has those of all chunks; see headersOf
}

func (l *lane) view() view {
	return view{l, l.head, l.unsorted, l.sealed, l.stored, l.headers, l.known}
}

// views are those of a stream's lanes.
func (s *Service) views(st *stream) []view {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]view, len(st.lanes))
	for i, l := range st.lanes {
		out[i] = l.view()
	}
	return out
}

// chosen are the streams that a query is about, by id.
func (s *Service) chosen(q *Query) []*stream {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if q.Datastreams == nil {
		return s.ordered
	}
	out := make([]*stream, 0, len(q.Datastreams))
	for _, id := range q.Datastreams {
		if st := s.streams[id]; st != nil {
			out = append(out, st)
		}
	}
	slices.SortFunc(out, func(a, b *stream) int { return cmp.Compare(a.ID, b.ID) })
	return slices.Compact(out)
}

// Scan hands the readings that a query asks for to fn, in its order, until there are no more or fn returns an error, which
// Scan returns unless it is ErrStop. It holds no transaction while fn runs. A reading that comes in or goes while it runs may
// be handed over or not; every other exactly once.
func (s *Service) Scan(ctx context.Context, q Query, fn func(Stored) error) error {
	var err error
	switch q.Order {
	case ByTime, ByTimeDesc:
		err = s.scanByTime(ctx, q, fn)
	default:
		err = s.scanByID(ctx, q, fn)
	}
	if errors.Is(err, ErrStop) {
		return nil
	}
	return err
}

// partly are the lanes of those streams that lie neither within a span as a whole nor without.
func (s *Service) partly(streams []*stream, x span) (lanes []*lane) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, st := range streams {
		if state := &st.state; state.Count > 0 && !x.misses(state.MinAt, state.MaxAt) && !x.covers(state.MinAt, state.MaxAt) {
			lanes = append(lanes, st.lanes...)
		}
	}
	return lanes
}

func (s *Service) scanByID(ctx context.Context, q Query, fn func(Stored) error) error {
	var lanes []*lane
	if q.Datastreams == nil {
		s.mu.RLock()
		lanes = s.laneOrder
		s.mu.RUnlock()
	} else {
		for _, st := range s.chosen(&q) {
			for _, v := range s.views(st) {
				lanes = append(lanes, v.lane)
			}
		}
		slices.SortFunc(lanes, func(a, b *lane) int { return cmp.Compare(a.id, b.id) })
	}
	desc := q.Order == ByIDDesc
	if q.After != nil {
		after, _ := laneOf(q.After.ID)
		if desc {
			lanes = lanes[:sort.Search(len(lanes), func(i int) bool { return lanes[i].id > after })]
		} else {
			lanes = lanes[sort.Search(len(lanes), func(i int) bool { return lanes[i].id >= after }):]
		}
	}
	w := walk{s: s, ctx: ctx, q: &q, fn: fn, span: q.span(), skip: q.Skip}
	if q.Skip > 0 && q.bounded() {
		if err := s.learn(ctx, s.partly(s.chosen(&q), w.span)); err != nil {
			return err
		}
	}
	for i := range lanes {
		l := lanes[i]
		if desc {
			l = lanes[len(lanes)-1-i]
		}
		if err := w.lane(l, desc); err != nil {
			return err
		}
	}
	return nil
}

// walk is a scan by id under way.
type walk struct {
	s    *Service
	ctx  context.Context
	q    *Query
	fn   func(Stored) error
	span span
	skip int64
}

// lane hands over one lane's readings.
func (w *walk) lane(l *lane, desc bool) error {
	w.s.mu.RLock()
	v, state := l.view(), &l.of.state
	nothing := state.Count == 0 || w.span.misses(state.MinAt, state.MaxAt) || w.s.streams[l.of.ID] == nil
	w.s.mu.RUnlock()
	if nothing {
		return nil
	}
	after := int64(-1)
	if desc {
		after = math.MaxInt64
	}
	if w.q.After != nil {
		if lane, n := laneOf(w.q.After.ID); lane == l.id {
			after = n
		}
	}
	whole := !w.q.bounded() && (after == -1 || after == math.MaxInt64)
	if total := v.stored + int64(len(v.head)); whole && w.skip >= total {
		w.skip -= total
		return nil
	}
	if desc {
		if err := w.records(l, v.head, after, desc); err != nil {
			return err
		}
	}
	if v.sealed > 0 && (desc || after < v.sealed) {
		if err := w.chunks(v, after, desc); err != nil {
			return err
		}
	}
	if !desc {
		return w.records(l, v.head, after, desc)
	}
	return nil
}

func (w *walk) chunks(v view, after int64, desc bool) error {
	headers, err := w.s.headersOf(w.ctx, v)
	if err != nil {
		return err
	}
	for i := range headers {
		h := headers[i]
		if desc {
			h = headers[len(headers)-1-i]
		}
		if w.span.misses(h.minAt, h.maxAt) || h.without(w.q.MinValue, w.q.MaxValue) ||
			!desc && h.n0+h.count-1 <= after || desc && h.n0 >= after {
			continue
		}
		if whole := after < h.n0 || after >= h.n0+h.count; whole && w.skip > 0 {
			if n, exact := h.within(w.span); exact && w.skip >= n {
				w.skip -= n
				continue
			}
		}
		records, err := w.s.loadRange(w.ctx, v.lane.id, h)
		if err != nil {
			return err
		}
		if err := w.records(v.lane, records, after, desc); err != nil {
			return err
		}
	}
	return nil
}

// loadRange reads the records that a header stands for.
func (s *Service) loadRange(ctx context.Context, lane int64, h header) (records []record, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		records, err = loadChunk(tx, lane, h)
		return err
	})
	return records, err
}

func (w *walk) records(l *lane, records []record, after int64, desc bool) error {
	for i := range records {
		c := &records[i]
		if desc {
			c = &records[len(records)-1-i]
		}
		n := int64(c.n)
		if !desc && n <= after || desc && n >= after || !w.span.has(c) {
			continue
		}
		if w.skip > 0 {
			w.skip--
			continue
		}
		if err := w.fn(l.storedAs(c)); err != nil {
			return err
		}
	}
	return nil
}

// Count is how many readings a query asks for. Bounds on values, the order and the place to go on from are ignored. Without
// bounds of time it is kept; with them the headers of chunks tell, but for the chunks at the borders.
func (s *Service) Count(ctx context.Context, q Query) (int64, error) {
	if q.Datastreams == nil && !q.bounded() {
		s.mu.RLock()
		defer s.mu.RUnlock()
		return s.count.sealed + s.count.head, nil
	}
	var total int64
	x := q.span()
	chosen := s.chosen(&q)
	if err := s.learn(ctx, s.partly(chosen, x)); err != nil {
		return 0, err
	}
	var views []view
	s.mu.RLock()
	for _, st := range chosen {
		switch state := &st.state; {
		case state.Count == 0 || x.misses(state.MinAt, state.MaxAt):
		case x.covers(state.MinAt, state.MaxAt):
			total += state.Count
		default:
			for _, l := range st.lanes {
				views = append(views, l.view())
			}
		}
	}
	s.mu.RUnlock()
	n, err := s.countViews(ctx, views, x)
	return total + n, err
}

// countViews counts in lanes of which only a part is wanted.
func (s *Service) countViews(ctx context.Context, views []view, x span) (total int64, err error) {
	for _, v := range views {
		total += x.count(v.head)
		headers, err := s.headersOf(ctx, v)
		if err != nil {
			return 0, err
		}
		for _, h := range headers {
			n, exact := h.within(x)
			if !exact {
				records, err := s.loadRange(ctx, v.lane.id, h)
				if err != nil {
					return 0, err
				}
				n = x.count(records)
			}
			total += n
		}
	}
	return total, nil
}

// place is a chunk of a lane.
type place struct {
	view   view
	header header
}

func (x span) count(records []record) (n int64) {
	for i := range records {
		if x.has(&records[i]) {
			n++
		}
	}
	return n
}
