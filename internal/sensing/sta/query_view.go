package sta

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// view is one request's look at the data: who asks, what he may see, and what was read for him already. It is not safe for
// concurrent use.
//
// A view holds no transaction open: the log is read through connections of the same pool, and two requests that each hold
// one and wait for another would wait for ever.
type view struct {
	*Service
	ctx  context.Context
	root string // the API's root as an absolute URL
	now  int64  // what now() is in this request, in microseconds

	system   bool            // the program asks: it sees homes too
	mayKnow  map[string]bool // actions that were allowed
	atHome   map[int64]bool  // by datastream: whether it stands in a home and the asker is a person
	rows     map[string]map[int64]*row
	many     map[manyKey][]int64
	defaults map[int64]int64 // by datastream: the feature of readings that name none
	bounded  sensing.Query   // what a filter on the catalogue asks of readings, as far as the log can use it
	shown    int             // entities that the answer holds so far
}

// manyKey names what stands behind a to-many navigation of an entity.
type manyKey struct {
	set, nav string
	id       int64
}

func (s *Service) newView(ctx context.Context, root string) *view {
	v := &view{Service: s, ctx: ctx, root: root, now: db.Micros(s.Clock.Now()), mayKnow: map[string]bool{}, atHome: map[int64]bool{}}
	v.system = access.From(ctx).Kind == access.KindSystem
	v.forget()
	return v
}

// forget drops what was read.
func (v *view) forget() {
	v.rows, v.many, v.defaults = map[string]map[int64]*row{}, map[manyKey][]int64{}, map[int64]int64{}
}

// may decides once per request whether the actor may see a set.
func (v *view) may(set string) error {
	action := "datastream.read"
	if set == setObservations {
		action = "reading.read"
	}
	if v.mayKnow[action] {
		return nil
	}
	if err := v.Access.Decide(v.ctx, action, access.Resource{Type: "datastream"}, access.Operations); err != nil {
		return err
	}
	v.mayKnow[action] = true
	return nil
}

// hidden says whether a datastream's readings must not be shown: it stands in a home.
func (v *view) hidden(datastream int64) bool {
	if v.system {
		return false
	}
	hidden, known := v.atHome[datastream]
	if !known {
		hidden = v.home(datastream)
		v.atHome[datastream] = hidden
	}
	return hidden
}

// home says whether a datastream stands in a home.
func (s *Service) home(datastream int64) bool {
	d, _ := s.Core.Lookup(datastream)
	return s.Core.Asset(d.Asset).Home
}

func errHome() error {
	return web.Errorf(http.StatusForbidden, "sensing.home", "a sensor in a home shows whether it is alive, and no values")
}

// read runs fn over one snapshot.
func (v *view) read(fn func(tx *db.Tx) error) error { return v.DB.Read(v.ctx, fn) }

// row is one entity of the catalogue; db.ErrNotFound if there is none.
func (v *view) row(set string, id int64) (*row, error) {
	if r, known := v.rows[set][id]; known {
		if r == nil {
			return nil, db.ErrNotFound
		}
		return r, nil
	}
	if err := v.load(set, []int64{id}); err != nil {
		return nil, err
	}
	return v.row(set, id)
}

// load reads the entities with these ids that were not read yet, in one statement.
func (v *view) load(set string, ids []int64) error {
	known := v.rows[set]
	if known == nil {
		known = map[int64]*row{}
		v.rows[set] = known
	}
	var missing []int64
	for _, id := range ids {
		if _, ok := known[id]; !ok {
			known[id] = nil
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	k := kindOf(set)
	var st stmt
	st.add("select ", k.selects("t"), " from ", k.table, " t where t.id ")
	if len(missing) == 1 {
		st.add("= ", st.arg(missing[0]))
	} else {
		st.add("in ", st.ids(missing))
	}
	return v.read(func(tx *db.Tx) error {
		rows, err := loadRows(tx, k, &st)
		if err != nil {
			return fmt.Errorf("read %s: %w", set, err)
		}
		for _, r := range rows {
			known[r.id] = r
		}
		return nil
	})
}

// remember keeps a row that was read as part of a page.
func (v *view) remember(k *kind, r *row) {
	if v.rows[k.set] == nil {
		v.rows[k.set] = map[int64]*row{}
	}
	v.rows[k.set][r.id] = r
}

// behind is the ids behind a to-many link of entities of the catalogue, read for all of them in one statement.
func (v *view) behind(k *kind, l *link, ids []int64) error {
	var missing []int64
	for _, id := range ids {
		if _, known := v.many[manyKey{k.set, l.nav, id}]; !known {
			v.many[manyKey{k.set, l.nav, id}] = nil
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var st stmt
	if l.other != "" {
		st.add("select t.", l.other, ", t.id from ", kindOf(l.target).table, " t where t.", l.other, " in ", st.ids(missing))
	} else {
		j := l.through
		st.add("select t.", j.this, ", t.", j.that, " from ", j.table, " t where t.", j.this, " in ", st.ids(missing))
	}
	return v.read(func(tx *db.Tx) error {
		return loadInts(tx, &st, 2, func(n []int64) {
			key := manyKey{k.set, l.nav, n[0]}
			v.many[key] = append(v.many[key], n[1])
		})
	})
}

// featureOf is the FeatureOfInterest of a reading; 0 where there is none.
func (v *view) featureOf(r *sensing.Stored) (int64, error) {
	if r.Feature != 0 {
		return r.Feature, nil
	}
	if f, known := v.defaults[r.Datastream]; known {
		return f, nil
	}
	err := v.defaultFeatures([]int64{r.Datastream})
	return v.defaults[r.Datastream], err
}

// defaultFeatures reads, for many datastreams at once, the feature of readings that name none.
func (v *view) defaultFeatures(datastreams []int64) error {
	var missing []int64
	for _, id := range datastreams {
		if _, known := v.defaults[id]; !known {
			v.defaults[id] = 0
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var st stmt
	st.add("select t.id, t.feature from sta_datastreams t where t.id in ", st.ids(missing))
	return v.read(func(tx *db.Tx) error {
		return loadInts(tx, &st, 2, func(n []int64) { v.defaults[n[0]] = n[1] })
	})
}

// observing is the datastreams whose readings may have a feature, in the order of ids, and whether all their readings have
// it, so that no reading need be looked at: nothing else was ever stored for them, and readings that name none have it too.
func (v *view) observing(feature int64) (datastreams []int64, only bool, err error) {
	var st stmt
	id := st.arg(feature)
	st.add("select t.id, case when t.feature = ", id, " and not exists (select 1 from sta_datastream_features x where x.datastream = t.id and x.feature <> ", id,
		") then 1 else 0 end from sta_datastreams t where t.feature = ", id,
		" or t.id in (select x.datastream from sta_datastream_features x where x.feature = ", id, ")")
	datastreams, only = []int64{}, true
	err = v.read(func(tx *db.Tx) error {
		return loadInts(tx, &st, 2, func(n []int64) {
			datastreams = append(datastreams, n[0])
			only = only && n[1] == 1
		})
	})
	slices.Sort(datastreams)
	return datastreams, only, err
}

// ofFeature asks for the readings that have a feature.
func (v *view) ofFeature(a *asked, feature int64) error {
	of, only, err := v.observing(feature)
	a.datastreams = of
	if !only {
		a.feature = feature
	}
	return err
}

// prefetch reads what an expression needs to know about rows, for all of them at once.
func (v *view) prefetch(e odata.Expr, k *kind, ids []int64) error {
	for _, navs := range ways(e, nil, nil) {
		at, from := k, ids
		for _, nav := range navs {
			l := at.link(nav.Name)
			if l == nil || l.target == setObservations {
				break // the log is read as it is needed
			}
			var next []int64
			if l.many {
				if err := v.behind(at, l, from); err != nil {
					return err
				}
				for _, id := range from {
					next = append(next, v.many[manyKey{at.set, l.nav, id}]...)
				}
			} else {
				for _, id := range from {
					if r := v.rows[at.set][id]; r != nil {
						next = append(next, at.one(r, l.nav))
					}
				}
			}
			slices.Sort(next)
			from, at = slices.Compact(next), kindOf(l.target)
			if err := v.load(at.set, from); err != nil {
				return err
			}
		}
	}
	return nil
}

// ways lists the navigations that an expression's paths take from the entity that it is evaluated for.
func ways(e odata.Expr, vars map[string][]*odata.Navigation, out [][]*odata.Navigation) [][]*odata.Navigation {
	full := func(p *odata.Path) []*odata.Navigation { return append(slices.Clone(vars[p.Var]), p.Navs...) }
	switch e := e.(type) {
	case *odata.Path:
		if navs := full(e); len(navs) > 0 {
			out = append(out, navs)
		}
	case *odata.Unary:
		out = ways(e.X, vars, out)
	case *odata.Binary:
		out = ways(e.R, vars, ways(e.L, vars, out))
	case *odata.Logic:
		for _, t := range e.Terms {
			out = ways(t, vars, out)
		}
	case *odata.In:
		out = ways(e.X, vars, out)
	case *odata.InArray:
		out = ways(e.Array, vars, ways(e.X, vars, out))
	case *odata.Call:
		for _, a := range e.Args {
			out = ways(a, vars, out)
		}
	case *odata.Lambda:
		over := full(e.Over)
		out = append(out, over)
		if e.Body != nil {
			inner := map[string][]*odata.Navigation{e.Var: over}
			for name, navs := range vars {
				if name != e.Var {
					inner[name] = navs
				}
			}
			out = ways(e.Body, inner, out)
		}
	}
	return out
}
