package sta

import (
	"database/sql"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

const (
	// batchRows is how many rows are read at a time where each must be evaluated.
	batchRows = 500

	// maxRowsSorted bounds the entities of the catalogue that are sorted by what SQL has no order for.
	maxRowsSorted = 200_000
)

// listing is what is asked of a set of the catalogue.
type listing struct {
	k         *kind
	parent    *behindOne // nil for the whole set
	query     *odata.Query
	top, skip int64
}

// behindOne says that only what stands behind a to-many link of one entity is meant.
type behindOne struct {
	link *link // of the entity's kind
	id   int64
}

// rowsPage is a page of a set of the catalogue.
type rowsPage struct {
	rows  []*row
	count int64  // of all, not only of this page; -1 where it was not asked for
	next  string // the $skiptoken of the next page; "" for none
}

// rowWalk is a list of entities of the catalogue under way.
type rowWalk struct {
	v       *view
	a       *listing
	page    *rowsPage
	order   ordering
	sorts   []string // SQL of the orders, with the alias t; nil where SQL can't do one of them
	after   *keyset
	rest    odata.Expr
	keeps   *odata.Program
	wanted  int64 // rows of the page, and one more that tells whether there is a next page
	skipped int64
}

// list answers for a set of the catalogue. SQL does what it can of filter, order and page; the rest is evaluated for each
// row that it gives.
func (v *view) list(a *listing) (*rowsPage, error) {
	if err := v.may(a.k.set); err != nil {
		return nil, err
	}
	w := &rowWalk{v: v, a: a, page: &rowsPage{count: -1}, order: orderingOf(a.query.OrderBy), wanted: a.top + 1}
	var err error
	if w.after, err = w.order.after(a.k.set, a.query.SkipToken); err != nil {
		return nil, err
	}
	w.sorts = a.k.sorts(w.order)
	var st stmt
	split, err := v.narrowRows(&st, a.query.Filter, a.k)
	if err != nil {
		return nil, err
	}
	if w.rest = split.rest; w.rest != nil {
		w.keeps = odata.Compile(w.rest, v.now)
	}
	where := a.base(&st, split.where)
	if a.query.Count != nil && *a.query.Count {
		if err := w.count(&st, where); err != nil {
			return nil, err
		}
	}
	switch {
	case w.sorts == nil:
		err = w.sorted(&st, where)
	case w.rest == nil:
		err = w.direct(&st, where)
	default:
		err = w.batches(&st, where)
	}
	if err != nil {
		return nil, err
	}
	for _, r := range w.page.rows {
		v.remember(a.k, r) // for what is expanded from them
	}
	return w.page, nil
}

// narrowRows splits a filter on a set of the catalogue.
func (v *view) narrowRows(st *stmt, filter odata.Expr, k *kind) (narrowed, error) {
	v.bounded = sensing.Query{}
	if filter == nil {
		return narrowed{}, nil
	}
	filter = odata.Fold(filter, v.now)
	for _, navs := range ways(filter, nil, nil) {
		for _, n := range navs {
			if err := v.may(n.Target.Set); err != nil {
				return narrowed{}, err
			}
		}
	}
	v.bounded = boundsThrough(filter, v.now)
	return st.narrow(filter, scope{kind: k, alias: "t"}), nil
}

// base is the condition on all rows of the list.
func (a *listing) base(st *stmt, where string) string {
	parts := []string{"1 = 1"}
	if a.parent != nil {
		l := a.parent.link
		id := st.arg(a.parent.id)
		switch {
		case l.own != "":
			parts = append(parts, "t."+l.own+" = "+id)
		case l.other != "":
			parts = append(parts, "t."+l.other+" = "+id)
		default:
			parts = append(parts, "t.id in (select j."+l.through.that+" from "+l.through.table+" j where j."+l.through.this+" = "+id+")")
		}
	}
	if where != "" {
		parts = append(parts, where)
	}
	return strings.Join(parts, " and ")
}

// fetch runs a statement for rows, the values of the orders beside them.
func (w *rowWalk) fetch(st *stmt, where string, at *keyset, limit, offset int64) ([]*row, []keyset, error) {
	if at != nil {
		sql, ok := w.behind(st, at)
		if !ok {
			return nil, nil, web.Errorf(http.StatusBadRequest, "sensing.bad_skiptoken", "this is no token of a next page; follow @iot.nextLink as it was given").At("$skiptoken")
		}
		where += " and " + sql
	}
	st.add("select ", w.a.k.selects("t"))
	for _, s := range w.sorts {
		st.add(", ", s)
	}
	st.add(" from ", w.a.k.table, " t where ", where, " order by ", w.orderSQL(), " limit ", st.arg(limit))
	if offset > 0 {
		st.add(" offset ", st.arg(offset))
	}
	var rows []*row
	var keys []keyset
	err := w.v.read(func(tx *db.Tx) error {
		return tx.Each(func(r *sql.Rows) error {
			values := make([]any, len(w.sorts))
			into := make([]any, len(values))
			for i := range values {
				into[i] = &values[i]
			}
			one, err := w.a.k.scanRow(r, into...)
			if err != nil {
				return err
			}
			key := keyset{id: one.id, values: make([]odata.Value, len(values))}
			for i, v := range values {
				key.values[i] = w.valueOf(i, v)
			}
			rows, keys = append(rows, one), append(keys, key)
			return nil
		}, st.text.String(), st.args...)
	})
	return rows, keys, err
}

// take puts a row on the page. It says whether the page is full.
func (w *rowWalk) take(r *row, key keyset, keys *[]keyset) bool {
	if w.skipped < w.a.skip {
		w.skipped++
		return false
	}
	w.page.rows = append(w.page.rows, r)
	*keys = append(*keys, key)
	return int64(len(w.page.rows)) >= w.wanted
}

// direct is a page that SQL does alone.
func (w *rowWalk) direct(st *stmt, where string) error {
	rows, keys, err := w.fetch(st, where, w.after, w.wanted, w.a.skip)
	if err != nil {
		return err
	}
	w.page.rows = rows
	w.cut(keys)
	return nil
}

// cut makes a next page of what is one too many.
func (w *rowWalk) cut(keys []keyset) {
	if n := w.a.top; int64(len(w.page.rows)) > n {
		w.page.rows = w.page.rows[:n]
		if n > 0 {
			w.page.next = w.order.token(w.a.k.set, keys[n-1])
		}
	}
}

// batches is a page whose rows are evaluated, in the order of SQL.
func (w *rowWalk) batches(base *stmt, where string) error {
	var keys []keyset
	for at := w.after; ; {
		st := base.clone()
		rows, places, err := w.fetch(st, where, at, batchRows, 0)
		if err != nil {
			return err
		}
		kept, err := w.evaluate(rows)
		if err != nil {
			return err
		}
		for i, r := range rows {
			if kept[i] && w.take(r, places[i], &keys) {
				w.cut(keys)
				return nil
			}
		}
		if len(rows) < batchRows {
			w.cut(keys)
			return nil
		}
		at = &places[len(places)-1]
		w.v.forget()
	}
}

// evaluate says which rows the rest of the filter keeps.
func (w *rowWalk) evaluate(rows []*row) ([]bool, error) {
	kept := make([]bool, len(rows))
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i], kept[i] = r.id, true
		w.v.remember(w.a.k, r)
	}
	if w.rest == nil {
		return kept, nil
	}
	if err := w.v.prefetch(w.rest, w.a.k, ids); err != nil {
		return nil, err
	}
	for i, r := range rows {
		if err := w.v.ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if kept[i], err = w.keeps.Match(&entity{w.v, w.a.k, r}); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// each hands over all rows of the list that the filter keeps, some at a time, in the order of ids.
func (w *rowWalk) each(base *stmt, where string, fn func([]*row) error) error {
	byID := &rowWalk{v: w.v, a: w.a, sorts: []string{}, rest: w.rest, keeps: w.keeps}
	for at := (*keyset)(nil); ; {
		rows, places, err := byID.fetch(base.clone(), where, at, batchRows, 0)
		if err != nil {
			return err
		}
		kept, err := w.evaluate(rows)
		if err != nil {
			return err
		}
		var good []*row
		for i, r := range rows {
			if kept[i] {
				good = append(good, r)
			}
		}
		if err := fn(good); err != nil {
			return err
		}
		if len(rows) < batchRows {
			return nil
		}
		at = &places[len(places)-1]
		w.v.forget()
	}
}

// count counts the rows of the list.
func (w *rowWalk) count(base *stmt, where string) error {
	w.page.count = 0
	if w.rest != nil {
		return w.each(base, where, func(rows []*row) error { w.page.count += int64(len(rows)); return nil })
	}
	st := base.clone()
	st.add("select count(*) from ", w.a.k.table, " t where ", where)
	return w.v.read(func(tx *db.Tx) error { return tx.QueryRow(st.String(), st.args...).Scan(&w.page.count) })
}

// sorted is a page in an order that SQL does not have: all places are held and sorted, and the page's rows read again.
func (w *rowWalk) sorted(base *stmt, where string) error {
	programs := make([]*odata.Program, len(w.order.by))
	for i, by := range w.order.by {
		programs[i] = odata.Compile(by.Expr, w.v.now)
		for _, navs := range ways(by.Expr, nil, nil) {
			for _, n := range navs {
				if err := w.v.may(n.Target.Set); err != nil {
					return err
				}
			}
		}
	}
	var places []keyset
	err := w.each(base, where, func(rows []*row) error {
		if len(places)+len(rows) > maxRowsSorted {
			return web.Errorf(http.StatusUnprocessableEntity, "sensing.sort_too_large",
				"more than %d %s would have to be sorted; narrow the filter, or order by a property such as name or by id", maxRowsSorted, w.a.k.set).At("$orderby")
		}
		ids := make([]int64, len(rows))
		for i, r := range rows {
			ids[i] = r.id
		}
		for i, by := range w.order.by {
			if err := w.v.prefetch(by.Expr, w.a.k, ids); err != nil {
				return fmt.Errorf("order %d: %w", i, err)
			}
		}
		for _, r := range rows {
			at := keyset{id: r.id, values: make([]odata.Value, len(programs))}
			for i, p := range programs {
				var err error
				if at.values[i], err = p.Value(&entity{w.v, w.a.k, r}); err != nil {
					return err
				}
			}
			if w.after == nil || w.order.compare(at, *w.after) > 0 {
				places = append(places, at)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(places, w.order.compare)
	places = places[min(w.a.skip, int64(len(places))):]
	if top := w.a.top; int64(len(places)) > top {
		places = places[:top]
		if top > 0 {
			w.page.next = w.order.token(w.a.k.set, places[top-1])
		}
	}
	ids := make([]int64, len(places))
	for i, p := range places {
		ids[i] = p.id
	}
	if err := w.v.load(w.a.k.set, ids); err != nil {
		return err
	}
	for _, id := range ids {
		if r := w.v.rows[w.a.k.set][id]; r != nil { // it may have gone meanwhile
			w.page.rows = append(w.page.rows, r)
		}
	}
	return nil
}
