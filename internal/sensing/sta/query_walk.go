package sta

import (
	"container/heap"
	"context"
	"errors"
	"math"
	"net/http"
	"slices"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// logOrder is the order of a list of Observations, and the log's own order if it has that one: by id or by
// phenomenonTime, of two with the same time by id in the same direction.
func logOrder(orders []odata.Order) (ordering, *sensing.Order) {
	o := orderingOf(orders)
	native := sensing.ByID
	switch {
	case len(o.by) == 0 && o.idDesc:
		native = sensing.ByIDDesc
	case len(o.by) == 0:
	case len(o.by) == 1 && isPhenomenonTime(o.by[0].Expr) && (!o.idGiven || o.idDesc == o.by[0].Desc):
		o.idDesc = o.by[0].Desc
		if native = sensing.ByTime; o.idDesc {
			native = sensing.ByTimeDesc
		}
	default:
		return o, nil
	}
	return o, &native
}

func isPhenomenonTime(e odata.Expr) bool {
	p, ok := e.(*odata.Path)
	return ok && p.Prop != nil && p.Prop.Name == "phenomenonTime" && len(p.Navs) == 0
}

// logWalk is one list of Observations under way.
type logWalk struct {
	v         *view
	page      *readingsPage
	list      logScan
	judge     judge
	order     ordering
	native    bool // the log has the order
	after     *keyset
	top, skip int64

	lastID int64 // no reading with a higher id is wanted
}

// run fills the page.
func (w *logWalk) run(ctx context.Context) error {
	bounds := odata.BoundsOf(w.judge.rest, w.v.now)
	if bounds.Never {
		return nil
	}
	w.bound(bounds)
	if q := &w.list.query; q.Datastreams != nil && len(q.Datastreams) == 0 {
		return nil
	}
	w.settleTimes()
	kept := w.judge.rest == nil && w.list.feature == 0
	counting := w.page.count == 0
	if counting && kept {
		var err error
		if w.page.count, err = w.list.counted(ctx); err != nil {
			return err
		}
		counting = false
	}
	if bounds.ID.Min == bounds.ID.Max {
		return w.single(bounds.ID.Min, counting)
	}
	if !w.native {
		return w.sorted(ctx, counting)
	}
	if counting && w.after != nil {
		// The count is of all, the page is not.
		if err := w.list.scan(ctx, w.judged(func(*sensing.Stored) error { w.page.count++; return nil })); err != nil {
			return err
		}
		counting = false
	}
	return w.inOrder(ctx, kept, counting)
}

// judged has fn see those readings that the rest of the filter keeps.
func (w *logWalk) judged(fn func(*sensing.Stored) error) func(*sensing.Stored) error {
	return func(s *sensing.Stored) error {
		if s.ID > w.lastID {
			if w.list.query.Order == sensing.ByID {
				return sensing.ErrStop
			}
			return nil
		}
		keeps, err := w.judge.keeps(s)
		if err != nil || !keeps {
			return err
		}
		return fn(s)
	}
}

// inOrder fills the page from a scan in the order of the list.
func (w *logWalk) inOrder(ctx context.Context, kept, counting bool) error {
	q := &w.list.query
	if w.after != nil {
		key := sensing.Key{ID: w.after.id}
		if len(w.after.values) > 0 {
			key.At, _, _ = w.after.values[0].Span()
		}
		if q.After == nil || q.Order != sensing.ByID || key.ID > q.After.ID {
			q.After = &key
		}
	}
	if kept && w.skip > 0 {
		if err := w.leaveOut(q); err != nil {
			return err
		}
	}
	return w.close(w.list.scan(ctx, w.judged(func(s *sensing.Stored) error {
		if counting {
			w.page.count++
		}
		switch {
		case w.after != nil && s.ID == w.after.shown:
		case w.skip > 0:
			w.skip--
		case int64(len(w.page.stored)) <= w.top:
			w.page.stored = append(w.page.stored, *s)
		case !counting:
			return sensing.ErrStop
		}
		return nil
	})))
}

// leaveOut has the log skip by its kept counts. They count homes too, so these must not be among what is skipped.
func (w *logWalk) leaveOut(q *sensing.Query) error {
	if q.Datastreams == nil {
		if homes := w.v.homes(); len(homes) > 0 {
			q.Datastreams = []int64{}
			w.v.Core.All(func(d sensing.DatastreamState) {
				if _, home := slices.BinarySearch(homes, d.ID); !home {
					q.Datastreams = append(q.Datastreams, d.ID)
				}
			})
		}
	}
	q.Skip, w.skip = w.skip, 0
	return nil
}

// close cuts the page to its size and says where the next one begins.
func (w *logWalk) close(err error) error {
	if err != nil || int64(len(w.page.stored)) <= w.top {
		return err
	}
	w.page.stored = w.page.stored[:w.top]
	if w.top == 0 {
		return nil
	}
	last := &w.page.stored[w.top-1]
	at := keyset{id: last.ID}
	if w.native {
		if w.after != nil {
			at.shown = w.after.shown
		}
		if len(w.order.by) > 0 {
			at.values = []odata.Value{odata.Instant(last.At)}
		}
	} else if at, err = w.placeOf(last, w.programs()); err != nil {
		return err
	}
	w.page.next = w.order.token(setObservations, at)
	return nil
}

// bound tells the log what the filter says of datastream, id, time and value.
func (w *logWalk) bound(b odata.Bounds) {
	q := &w.list.query
	if b.Datastreams != nil {
		if q.Datastreams == nil {
			q.Datastreams = b.Datastreams
		} else {
			q.Datastreams = slices.DeleteFunc(slices.Clone(q.Datastreams), func(id int64) bool { return !slices.Contains(b.Datastreams, id) })
		}
	}
	w.lastID = b.ID.Max
	if b.ID.Min > 0 && q.Order == sensing.ByID {
		q.After = &sensing.Key{ID: b.ID.Min - 1}
	}
	boundBy(q, b)
}

// boundBy tells the log what a filter says of time and value.
func boundBy(q *sensing.Query, b odata.Bounds) {
	if b.From != odata.Everything() {
		q.From, q.To = max(b.From.Min, sensing.MinTime), min(b.From.Max, sensing.MaxTime)
	}
	if b.Until.Max != odata.Everything().Max && b.Until.Max != 0 {
		q.Until = min(b.Until.Max, sensing.MaxTime)
	}
	if !math.IsInf(b.MinResult, -1) || !math.IsInf(b.MaxResult, 1) {
		least, most := max(b.MinResult, -math.MaxFloat64), min(b.MaxResult, math.MaxFloat64)
		least, most = min(least, math.MaxFloat64), max(most, -math.MaxFloat64)
		q.MinValue, q.MaxValue = &least, &most
	}
}

// settleTimes leaves it to the log to choose by time where that is all that is left of the filter. Then nothing is to be
// evaluated, and counts come from what is kept.
func (w *logWalk) settleTimes() {
	times := openTimes()
	terms := odata.Conjuncts(w.judge.rest)
	for _, term := range terms {
		if !times.narrow(term) {
			return
		}
	}
	if q := &w.list.query; len(terms) > 0 && times.until != 0 {
		q.From, q.To, q.Until = times.from, times.to, times.until
		w.judge.rest = nil
	}
}

// times are bounds on the phenomenonTime: the start lies in [from, to], the end is not after until.
type times struct{ from, to, until int64 }

func openTimes() times { return times{sensing.MinTime, sensing.MaxTime, sensing.MaxTime} }

// narrow takes a comparison of phenomenonTime with a time into the bounds. It says whether they now hold exactly when the
// comparison does; package odata has the rules.
func (t *times) narrow(term odata.Expr) bool {
	c, ok := term.(*odata.Binary)
	if !ok {
		return false
	}
	op, path, other := c.Op, c.L, c.R
	if _, ok := path.(*odata.Literal); ok && op.Compares() {
		op, path, other = mirrored(op), other, path
	}
	lit, ok := other.(*odata.Literal)
	if !ok || !isPhenomenonTime(path) {
		return false
	}
	start, end, ok := lit.Value.Span()
	if !ok {
		return false
	}
	switch {
	case op == odata.OpLt:
		t.to, t.until = min(t.to, start-1), min(t.until, start)
	case op == odata.OpLe:
		t.to, t.until = min(t.to, start), min(t.until, end)
	case op == odata.OpGt:
		t.from = max(t.from, end, start+1)
	case start != end:
		return false
	case op == odata.OpGe:
		t.from = max(t.from, start)
	case op == odata.OpEq:
		t.from, t.to, t.until = max(t.from, start), min(t.to, start), min(t.until, start)
	default:
		return false
	}
	return true
}

// single is the page of a list of which one id is left.
func (w *logWalk) single(id int64, counting bool) error {
	s, err := w.v.Core.Get(w.v.ctx, id)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	q := &w.list.query
	if q.Datastreams != nil && !slices.Contains(q.Datastreams, s.Datastream) || w.v.hidden(s.Datastream) {
		return nil
	}
	if w.list.feature != 0 {
		if f, err := w.v.featureOf(&s); err != nil || f != w.list.feature {
			return err
		}
	}
	keeps, err := w.judge.keeps(&s)
	if err != nil || !keeps {
		return err
	}
	if counting {
		w.page.count = 1
	}
	if w.skip == 0 && w.top > 0 && w.after == nil {
		w.page.stored = append(w.page.stored, s)
	}
	return nil
}

// ranked is a reading with its place in an order.
type ranked struct {
	keyset
	s sensing.Stored
}

// first is a heap of the readings that come first, the last of them on top.
type first struct {
	order ordering
	list  []ranked
}

func (f *first) Len() int           { return len(f.list) }
func (f *first) Less(i, j int) bool { return f.order.compare(f.list[i].keyset, f.list[j].keyset) > 0 }
func (f *first) Swap(i, j int)      { f.list[i], f.list[j] = f.list[j], f.list[i] }
func (f *first) Push(x any)         { f.list = append(f.list, x.(ranked)) }
func (f *first) Pop() any {
	last := f.list[len(f.list)-1]
	f.list = f.list[:len(f.list)-1]
	return last
}

var _ heap.Interface = (*first)(nil)

// sorted fills the page in an order that the log does not have: of all that the filter keeps it holds as many as are
// skipped and shown.
func (w *logWalk) sorted(ctx context.Context, counting bool) error {
	room := min(w.skip, maxSorted) + w.top + 1
	if room > maxSorted {
		return web.Errorf(http.StatusUnprocessableEntity, "sensing.sort_too_deep",
			"in this order at most %d Observations can be skipped; follow @iot.nextLink, or order by phenomenonTime or id", maxSorted).At("$skip")
	}
	programs := w.programs()
	f := &first{order: w.order}
	err := w.list.scan(ctx, w.judged(func(s *sensing.Stored) error {
		if counting {
			w.page.count++
		}
		at, err := w.placeOf(s, programs)
		switch {
		case err != nil:
			return err
		case w.after != nil && w.order.compare(at, *w.after) <= 0:
		case int64(len(f.list)) < room:
			heap.Push(f, ranked{at, *s})
		case w.order.compare(at, f.list[0].keyset) < 0:
			f.list[0] = ranked{at, *s}
			heap.Fix(f, 0)
		}
		return nil
	}))
	if err != nil {
		return err
	}
	slices.SortFunc(f.list, func(a, b ranked) int { return w.order.compare(a.keyset, b.keyset) })
	for _, p := range f.list[min(int(w.skip), len(f.list)):] {
		w.page.stored = append(w.page.stored, p.s)
	}
	return w.close(nil)
}

func (w *logWalk) programs() []*odata.Program {
	out := make([]*odata.Program, len(w.order.by))
	for i, by := range w.order.by {
		out[i] = odata.Compile(by.Expr, w.v.now)
	}
	return out
}

func (w *logWalk) placeOf(s *sensing.Stored, programs []*odata.Program) (keyset, error) {
	at := keyset{id: s.ID, values: make([]odata.Value, len(programs))}
	for i, p := range programs {
		var err error
		if at.values[i], err = p.Value(&readingEntity{w.v, s}); err != nil {
			return at, err
		}
	}
	return at, nil
}
