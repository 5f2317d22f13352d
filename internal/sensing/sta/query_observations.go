package sta

import (
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// maxSorted bounds how many Observations are kept at a time to be sorted by what the log has no order for.
const maxSorted = 100_000

// asked is what is asked of the Observations of some datastreams.
type asked struct {
	datastreams []int64 // nil for all
	feature     int64   // only those of this FeatureOfInterest; 0 for all
	query       *odata.Query
	top, skip   int64
}

// readingsPage is a page of Observations.
type readingsPage struct {
	stored []sensing.Stored
	count  int64  // of all, not only of this page; -1 where it was not asked for
	next   string // the $skiptoken of the next page; "" for none
}

// observations answers for Observations. Terms about the catalogue are done in SQL, once; what is left of the filter is
// evaluated for each reading, bounded by datastream, id, time and value.
func (v *view) observations(a asked) (*readingsPage, error) {
	if err := v.may(setObservations); err != nil {
		return nil, err
	}
	order, native := logOrder(a.query.OrderBy)
	after, err := order.after(setObservations, a.query.SkipToken)
	if err != nil {
		return nil, err
	}
	page := &readingsPage{count: -1}
	if a.query.Count != nil && *a.query.Count {
		page.count = 0
	}
	rest, err := v.narrowLog(&a)
	if err != nil {
		return nil, err
	}
	if a.datastreams != nil && len(a.datastreams) == 0 {
		return page, nil
	}
	w := &logWalk{v: v, page: page, order: order, after: after, top: a.top, skip: a.skip}
	w.list = logScan{v: v, query: sensing.Query{Datastreams: a.datastreams}, feature: a.feature}
	w.judge = judge{v: v, rest: rest}
	if native != nil {
		w.native, w.list.query.Order = true, *native
	}
	if err := w.run(v.ctx); err != nil {
		return nil, err
	}
	return page, nil
}

// narrowLog finds the datastreams that a filter leaves, and what of it must be evaluated for each reading.
func (v *view) narrowLog(a *asked) (odata.Expr, error) {
	v.bounded = sensing.Query{}
	if a.query.Filter == nil {
		return nil, nil
	}
	filter := odata.Fold(a.query.Filter, v.now)
	for _, navs := range ways(filter, nil, nil) {
		if err := v.may(navs[len(navs)-1].Target.Set); err != nil {
			return nil, err
		}
	}
	v.bounded = boundsThrough(filter, v.now)
	var st stmt
	split := st.narrow(filter, scope{kind: kindOf(setDatastreams), alias: "t", observation: true})
	if split.where == "" {
		return split.rest, nil
	}
	st.add("select t.id from sta_datastreams t where ", split.where)
	if a.datastreams != nil {
		st.add(" and t.id in ", st.ids(a.datastreams))
	}
	a.datastreams = []int64{}
	err := v.read(func(tx *db.Tx) error {
		return loadInts(tx, &st, 1, func(n []int64) { a.datastreams = append(a.datastreams, n[0]) })
	})
	return split.rest, err
}
