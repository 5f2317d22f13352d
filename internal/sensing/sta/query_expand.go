package sta

import (
	"database/sql"
	"math"
	"net/http"
	"slices"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// maxExpanded bounds the entities of one answer with all that is expanded in it.
const maxExpanded = 100_000

// expand fills in what is shown within the items of a page: for each navigation one look for all of them, whatever their
// number.
func (v *view) expand(p *plan, items []*item) error {
	if len(p.expands) == 0 || len(items) == 0 {
		return nil
	}
	for _, it := range items {
		it.inside = make([]inside, len(p.expands))
	}
	for i, x := range p.expands {
		for _, it := range items {
			it.inside[i].count = -1
		}
		x := &expanding{v: v, p: p, x: x, i: i, items: items}
		if err := x.run(); err != nil {
			return err
		}
	}
	return nil
}

// expanding is one navigation of a page's items under way.
type expanding struct {
	v     *view
	p     *plan
	x     *expansion
	i     int
	items []*item
}

func (x *expanding) at(it *item) *inside { return &it.inside[x.i] }

func (x *expanding) run() error {
	var err error
	switch {
	case !x.x.nav.Many:
		err = x.one()
	case x.x.link == nil:
		err = x.readings()
	default:
		err = x.many()
	}
	if err != nil {
		return err
	}
	var all []*item
	seen := map[*item]bool{}
	for _, it := range x.items {
		for _, in := range x.at(it).items {
			if !seen[in] {
				seen[in] = true
				all = append(all, in)
			}
		}
	}
	if x.v.shown += len(all); x.v.shown > maxExpanded {
		return errExpanded(x.x.nav.Name)
	}
	return x.v.expand(x.x.plan, all)
}

func errExpanded(nav string) error {
	return web.Errorf(http.StatusUnprocessableEntity, "sensing.expand_too_large",
		"this answer would hold more than %d entities; ask for fewer with $top, or give the expanded %s a $top of their own", maxExpanded, nav).At("$expand")
}

// one fills in a to-one navigation. Items that lead to the same entity share it.
func (x *expanding) one() error {
	ids := make([]int64, len(x.items))
	for i, it := range x.items {
		var err error
		if ids[i], err = x.behind(it); err != nil {
			return err
		}
	}
	target := x.x.nav.Target.Set
	wanted := slices.Clone(ids)
	slices.Sort(wanted)
	if err := x.v.load(target, slices.Compact(wanted)); err != nil {
		return err
	}
	shared := map[int64]*item{}
	for i, it := range x.items {
		r := x.v.rows[target][ids[i]]
		if r == nil {
			continue
		}
		if shared[r.id] == nil {
			shared[r.id] = &item{row: r}
		}
		x.at(it).items = []*item{shared[r.id]}
	}
	return nil
}

// behind is the id behind a to-one navigation.
func (x *expanding) behind(it *item) (int64, error) {
	switch {
	case it.s == nil:
		return x.p.k.one(it.row, x.x.nav.Name), nil
	case x.x.nav.Name == "Datastream":
		return it.s.Datastream, nil
	}
	return x.v.featureOf(it.s)
}

// readings fills in the Observations of Datastreams or FeaturesOfInterest.
func (x *expanding) readings() error {
	n := x.v.shown
	for _, it := range x.items {
		a := asked{query: x.x.plan.query, top: x.x.top, skip: x.x.skip}
		if x.p.k.set == setDatastreams {
			a.datastreams = []int64{it.row.id}
		} else if err := x.v.ofFeature(&a, it.row.id); err != nil {
			return err
		}
		page, err := x.v.latestOr(a)
		if err != nil {
			return err
		}
		if n += len(page.stored); n > maxExpanded {
			return errExpanded(x.x.nav.Name)
		}
		in := x.at(it)
		in.count = page.count
		in.items = make([]*item, len(page.stored))
		for i := range page.stored {
			in.items[i] = &item{s: &page.stored[i]}
		}
		if page.next != "" {
			in.next = x.next(it, page.next)
		}
	}
	return nil
}

// latestOr answers what asks for the newest Observation of a Datastream from what is kept, anything else from the log.
func (v *view) latestOr(a asked) (*readingsPage, error) {
	q := a.query
	if len(a.datastreams) != 1 || a.feature != 0 || q.SkipToken != "" || a.top != 1 || a.skip != 0 || q.Filter != nil || len(q.OrderBy) == 0 {
		return v.observations(a)
	}
	order, native := logOrder(q.OrderBy)
	st, ok := v.Core.State(a.datastreams[0])
	// Readings that are not to be judged are never the latest, though they may be newer: the log must tell then.
	if native == nil || *native != sensing.ByTimeDesc || !ok || !st.HasLatest() || st.MaxAt > st.Latest.At {
		return v.observations(a)
	}
	if err := v.may(setObservations); err != nil {
		return nil, err
	}
	page := &readingsPage{count: -1}
	counted := q.Count != nil && *q.Count
	if counted {
		page.count = 0
	}
	if v.hidden(a.datastreams[0]) {
		return page, nil
	}
	if counted {
		page.count = st.Count
	}
	page.stored = []sensing.Stored{st.Latest}
	if st.Count > 1 {
		// Repeats of the latest have its time and later ids, so their places are before it.
		page.next = order.token(setObservations, keyset{values: []odata.Value{odata.Instant(st.Latest.At)}, id: math.MaxInt64, shown: st.Latest.ID})
	}
	return page, nil
}

// next is the link to the next page of what stands behind an item.
func (x *expanding) next(it *item, token string) string {
	q := *x.x.plan.query
	q.SkipToken, q.Skip = token, nil
	id := int64(0)
	if it.s != nil {
		id = it.s.ID
	} else {
		id = it.row.id
	}
	link := string(appendPath(nil, x.v.root, x.p.t.Set, id)) + "/" + x.x.nav.Name
	if options := q.Encode(); options != "" {
		link += "?" + options
	}
	return link
}

// behindMany is a row that stands behind one of the items.
type behindMany struct {
	of  int64
	row *row
	at  keyset
}

// many fills in a to-many navigation within the catalogue.
func (x *expanding) many() error {
	q := x.x.plan.query
	k, l := x.x.plan.k, x.x.link
	w := &rowWalk{v: x.v, a: &listing{k: k, query: q}, page: &rowsPage{}, order: orderingOf(q.OrderBy)}
	w.sorts = k.sorts(w.order)
	var st stmt
	split, err := x.v.narrowRows(&st, q.Filter, k)
	if err != nil {
		return err
	}
	ids := make([]int64, len(x.items))
	byID := map[int64][]*item{}
	for i, it := range x.items {
		ids[i] = it.row.id
		byID[it.row.id] = append(byID[it.row.id], it)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	of, from := "t."+l.other, k.table+" t"
	if l.other == "" {
		of, from = "j."+l.through.this, l.through.table+" j join "+from+" on t.id = j."+l.through.that
	}
	where := of + " in " + st.ids(ids)
	if split.where != "" {
		where += " and " + split.where
	}
	counts := map[int64]int64{}
	counting := q.Count != nil && *q.Count
	if counting && split.rest == nil {
		c := st.clone().add("select ", of, ", count(*) from ", from, " where ", where, " group by ", of)
		if err := x.v.read(func(tx *db.Tx) error {
			return loadInts(tx, c, 2, func(n []int64) { counts[n[0]] = n[1] })
		}); err != nil {
			return err
		}
	}
	var rows []behindMany
	if split.rest == nil && w.sorts != nil {
		rows, err = x.ranked(w, &st, of, from, where)
	} else {
		rows, err = x.evaluated(w, &st, of, from, where, split.rest)
	}
	if err != nil {
		return err
	}
	shared := map[int64]*item{}
	for group := range groups(rows) {
		of := group[0].of
		if split.rest != nil || w.sorts == nil {
			counts[of] = int64(len(group))
			group = group[min(x.x.skip, int64(len(group))):]
		}
		for _, it := range byID[of] {
			in := x.at(it)
			shown := group[:min(x.x.top, int64(len(group)))]
			if int64(len(group)) > x.x.top && x.x.top > 0 {
				in.next = x.next(it, w.order.token(k.set, shown[len(shown)-1].at))
			}
			for _, b := range shown {
				if shared[b.row.id] == nil {
					shared[b.row.id] = &item{row: b.row}
				}
				in.items = append(in.items, shared[b.row.id])
			}
		}
	}
	if counting {
		for _, it := range x.items {
			x.at(it).count = counts[it.row.id]
		}
	}
	return nil
}

// groups hands over the runs of rows that stand behind the same item.
func groups(rows []behindMany) func(yield func([]behindMany) bool) {
	return func(yield func([]behindMany) bool) {
		for len(rows) > 0 {
			n := 1
			for n < len(rows) && rows[n].of == rows[0].of {
				n++
			}
			if !yield(rows[:n:n]) {
				return
			}
			rows = rows[n:]
		}
	}
}

// ranked reads as many rows of each item as are shown, and one more, in one statement.
func (x *expanding) ranked(w *rowWalk, st *stmt, of, from, where string) ([]behindMany, error) {
	k := x.x.plan.k
	st.add("select ", k.selects("t"), ", t.rank_of")
	for i := range w.sorts {
		st.add(", t.sort_", string(appendInt(nil, int64(i))))
	}
	st.add(" from (select t.*, ", of, " as rank_of, row_number() over (partition by ", of, " order by ", w.orderSQL(), ") as rank_n")
	for i, s := range w.sorts {
		st.add(", ", s, " as sort_", string(appendInt(nil, int64(i))))
	}
	st.add(" from ", from, " where ", where, ") t where t.rank_n > ", st.arg(x.x.skip),
		" and t.rank_n <= ", st.arg(x.x.skip+x.x.top+1), " order by t.rank_of asc nulls first, t.rank_n asc nulls first, t.id asc nulls first")
	return x.scan(w, st, len(w.sorts))
}

// scan reads rows with the id of whom they stand behind, and the values that they are ordered by.
func (x *expanding) scan(w *rowWalk, st *stmt, sorts int) ([]behindMany, error) {
	k := x.x.plan.k
	var out []behindMany
	err := x.v.read(func(tx *db.Tx) error {
		return tx.Each(func(r *sql.Rows) error {
			var b behindMany
			values := make([]any, sorts)
			into := []any{&b.of}
			for i := range values {
				into = append(into, &values[i])
			}
			var err error
			if b.row, err = k.scanRow(r, into...); err != nil {
				return err
			}
			b.at = keyset{id: b.row.id, values: make([]odata.Value, sorts)}
			for i, v := range values {
				b.at.values[i] = w.valueOf(i, v)
			}
			if out = append(out, b); len(out) > maxExpanded {
				return errExpanded(x.x.nav.Name)
			}
			return nil
		}, st.String(), st.args...)
	})
	return out, err
}

// evaluated reads all rows behind the items, and filters and sorts them here.
func (x *expanding) evaluated(w *rowWalk, st *stmt, of, from, where string, rest odata.Expr) ([]behindMany, error) {
	k := x.x.plan.k
	st.add("select ", k.selects("t"), ", ", of, " from ", from, " where ", where, " order by ", of, " asc nulls first, t.id asc nulls first")
	rows, err := x.scan(w, st, 0)
	if err != nil {
		return nil, err
	}
	flat := make([]*row, len(rows))
	for i := range rows {
		flat[i] = rows[i].row
	}
	if w.rest = rest; rest != nil {
		w.keeps = odata.Compile(rest, x.v.now)
	}
	kept, err := w.evaluate(flat)
	if err != nil {
		return nil, err
	}
	n := 0
	for i := range rows {
		if kept[i] {
			rows[n] = rows[i]
			n++
		}
	}
	rows = rows[:n]
	ids := make([]int64, len(rows))
	for i := range rows {
		ids[i] = rows[i].row.id
	}
	for i, by := range w.order.by {
		if err := x.v.prefetch(by.Expr, k, ids); err != nil {
			return nil, err
		}
		program := odata.Compile(by.Expr, x.v.now)
		for j := range rows {
			if i == 0 {
				rows[j].at.values = make([]odata.Value, len(w.order.by))
			}
			if rows[j].at.values[i], err = program.Value(&entity{x.v, k, rows[j].row}); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b behindMany) int {
		if a.of != b.of {
			return int(a.of - b.of)
		}
		return w.order.compare(a.at, b.at)
	})
	return rows, nil
}
