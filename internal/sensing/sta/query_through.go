package sta

import (
	"slices"

	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// boundsThrough is what a filter on the catalogue asks of the readings behind its entities, as bounds that the log can use:
// of Datastreams/Observations/result gt 3, results of at least 3. Only a filter that comes to readings in one place gives
// any: what does for one place need not do for another.
func boundsThrough(e odata.Expr, now int64) (q sensing.Query) {
	n := 0
	for _, navs := range ways(e, nil, nil) {
		if slices.ContainsFunc(navs, toReadings) {
			n++
		}
	}
	if n != 1 {
		return q
	}
	if term := termThrough(e); term != nil {
		if b := odata.BoundsOf(term, now); !b.Never {
			boundBy(&q, b)
		}
	}
	return q
}

func toReadings(n *odata.Navigation) bool { return n.Target.Set == setObservations }

// termThrough finds the comparison whose path comes to readings, and puts it as a reading itself would be asked.
func termThrough(e odata.Expr) odata.Expr {
	switch e := e.(type) {
	case *odata.Unary:
		return termThrough(e.X)
	case *odata.Logic:
		for _, t := range e.Terms {
			if found := termThrough(t); found != nil {
				return found
			}
		}
	case *odata.Binary:
		if p := asReading(e.L); p != nil {
			return &odata.Binary{At: e.At, Op: e.Op, L: p, R: e.R}
		}
		if p := asReading(e.R); p != nil {
			return &odata.Binary{At: e.At, Op: e.Op, L: e.L, R: p}
		}
	}
	return nil
}

// asReading is the rest of a path behind the readings that it comes to; nil for one that comes to none.
func asReading(e odata.Expr) odata.Expr {
	p, ok := e.(*odata.Path)
	if !ok {
		return nil
	}
	i := slices.IndexFunc(p.Navs, toReadings)
	if i < 0 {
		return nil
	}
	return &odata.Path{At: p.At, From: p.Navs[i].Target, Navs: p.Navs[i+1:], Prop: p.Prop, Sub: p.Sub}
}
