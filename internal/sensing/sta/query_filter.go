package sta

import (
	"encoding/json"
	"math"
	"strings"

	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// narrowed is a filter after the part that SQL can do was taken out of it.
type narrowed struct {
	where string     // a condition; "" for none
	rest  odata.Expr // what must still be evaluated for each row that the condition lets through; nil for nothing
}

// sqlFilter turns terms of a filter into conditions. What it compiles it decides exactly as odata's evaluator would, or it
// says that it only narrows.
type sqlFilter struct {
	*stmt
	env map[string]scope // by lambda variable; "" is the entity that is filtered
}

// scope is a row that paths start from.
type scope struct {
	kind  *kind
	alias string
	id    string // SQL for the row's id, where there is no alias, since nothing but the id is needed
	// observation says that the row is the datastream of the Observation that paths start from.
	observation bool
}

func (s scope) idSQL() string {
	if s.id != "" {
		return s.id
	}
	return s.alias + ".id"
}

// narrow splits a filter on the rows that root names.
func (s *stmt) narrow(filter odata.Expr, root scope) narrowed {
	c := sqlFilter{s, map[string]scope{"": root}}
	var out narrowed
	var where []string
	var rest []odata.Expr
	for _, term := range odata.Conjuncts(filter) {
		sql, exact := c.term(term)
		if sql != "" {
			where = append(where, sql)
		}
		if !exact {
			rest = append(rest, term)
		}
	}
	out.where = strings.Join(where, " and ")
	out.rest = odata.And(rest...)
	return out
}

// term is a condition for an expression that gives a truth value, and whether it is exactly as true. "" says that SQL can
// do nothing for it; its arguments are taken back then.
func (c *sqlFilter) term(e odata.Expr) (sql string, exact bool) {
	mark := len(c.args)
	defer func() {
		if sql == "" {
			c.args, exact = c.args[:mark], false
		}
	}()
	switch e := e.(type) {
	case *odata.Logic:
		return c.logic(e)
	case *odata.Unary:
		if e.Op != odata.OpNot {
			return "", false
		}
		if inner, exact := c.term(e.X); exact {
			return "not (" + inner + ")", true
		}
	case *odata.Binary:
		return c.comparison(e)
	case *odata.In:
		if p, ok := e.X.(*odata.Path); ok && plain(p) {
			return c.path(p, func(s scope) (string, bool) { return c.in(s, p, e.List) })
		}
	case *odata.Call:
		return c.call(e)
	case *odata.Lambda:
		return c.lambda(e)
	}
	return "", false
}

// plain tells whether a path ends in a whole property, not within JSON.
func plain(p *odata.Path) bool { return p.Prop != nil && len(p.Sub) == 0 }

func (c *sqlFilter) logic(e *odata.Logic) (string, bool) {
	var parts []string
	all := true
	for _, t := range e.Terms {
		sql, exact := c.term(t)
		all = all && exact
		if sql != "" {
			parts = append(parts, sql)
		} else if e.Op == odata.OpOr {
			return "", false // any row may be let through by what SQL can't see
		}
	}
	if len(parts) == 0 {
		return "", false
	}
	return "(" + strings.Join(parts, " "+e.Op.String()+" ") + ")", all
}

// sqlOp is SQL's word for a comparison.
func sqlOp(op odata.Op) string {
	return [...]string{odata.OpEq: "=", odata.OpNe: "<>", odata.OpGt: ">", odata.OpGe: ">=", odata.OpLt: "<", odata.OpLe: "<="}[op]
}

// mirrored is the comparison with its sides exchanged.
func mirrored(op odata.Op) odata.Op {
	return [...]odata.Op{odata.OpEq: odata.OpEq, odata.OpNe: odata.OpNe,
		odata.OpGt: odata.OpLt, odata.OpGe: odata.OpLe, odata.OpLt: odata.OpGt, odata.OpLe: odata.OpGe}[op]
}

func (c *sqlFilter) comparison(e *odata.Binary) (string, bool) {
	if !e.Op.Compares() {
		return "", false
	}
	op, left, right := e.Op, e.L, e.R
	if _, ok := left.(*odata.Literal); ok {
		op, left, right = mirrored(op), right, left
	}
	lit, ok := right.(*odata.Literal)
	if !ok {
		return "", false
	}
	if call, ok := left.(*odata.Call); ok {
		return c.distance(call, op, lit)
	}
	p, ok := left.(*odata.Path)
	if !ok || !plain(p) {
		return "", false
	}
	return c.path(p, func(s scope) (string, bool) { return c.compare(s, p, op, lit.Value) })
}

// path follows the navigations of a path and has leaf say what must hold where it ends.
func (c *sqlFilter) path(p *odata.Path, leaf func(scope) (string, bool)) (string, bool) {
	start, ok := c.env[p.Var]
	if !ok {
		return "", false
	}
	return c.walk(start, p.Navs, p.Prop != nil && p.Prop.Name == "id", leaf)
}

func (c *sqlFilter) walk(s scope, navs []*odata.Navigation, idOnly bool, leaf func(scope) (string, bool)) (string, bool) {
	if len(navs) == 0 {
		if s.observation {
			return "", false // an Observation's own properties are not in SQL
		}
		return leaf(s)
	}
	if s.observation {
		return c.walkObservation(s, navs, idOnly, leaf)
	}
	l := s.kind.link(navs[0].Name)
	if l == nil || l.target == setObservations {
		return "", false
	}
	last := idOnly && len(navs) == 1
	if last && !l.many {
		return leaf(scope{id: l.oneOf(s.alias)})
	}
	to := scope{kind: kindOf(l.target), alias: c.alias()}
	from, on := to.kind.table+" "+to.alias, ""
	switch {
	case !l.many:
		on = to.alias + ".id = " + l.oneOf(s.alias)
	case l.other != "":
		on = to.alias + "." + l.other + " = " + s.idSQL()
	default:
		j := c.alias()
		on = j + "." + l.through.this + " = " + s.idSQL()
		if last {
			from, to = l.through.table+" "+j, scope{id: j + "." + l.through.that}
		} else {
			from = l.through.table + " " + j + " join " + from + " on " + to.alias + ".id = " + j + "." + l.through.that
		}
	}
	inner, exact := c.walk(to, navs[1:], idOnly, leaf)
	if inner == "" {
		return "", false
	}
	return "exists (select 1 from " + from + " where " + on + " and " + inner + ")", exact
}

// walkObservation goes on from an Observation of the datastream that s names.
func (c *sqlFilter) walkObservation(s scope, navs []*odata.Navigation, idOnly bool, leaf func(scope) (string, bool)) (string, bool) {
	s.observation = false
	if navs[0].Name == "Datastream" {
		if idOnly && len(navs) == 1 {
			return leaf(scope{id: s.alias + ".id"})
		}
		return c.walk(s, navs[1:], idOnly, leaf)
	}
	// Some reading of the datastream has a feature for which it holds; which ones, only the readings tell.
	f := scope{kind: kindOf(setFeatures), alias: c.alias()}
	inner, _ := c.walk(f, navs[1:], idOnly, leaf)
	if inner == "" {
		return "", false
	}
	return "exists (select 1 from " + f.kind.table + " " + f.alias + " where " + featureOf(s.alias, f.alias) + " and " + inner + ")", false
}

// featureOf is the condition that a datastream's readings may have a feature: because one was stored with it, or because
// it is the one that stands for readings that name none.
func featureOf(datastream, feature string) string {
	return "(" + feature + ".id = " + datastream + ".feature or exists (select 1 from sta_datastream_features x where x.datastream = " +
		datastream + ".id and x.feature = " + feature + ".id))"
}

// compare is the comparison of a property with a constant, where both are of a kind that SQL compares as odata does.
func (c *sqlFilter) compare(s scope, p *odata.Path, op odata.Op, v odata.Value) (string, bool) {
	if p.Prop.Name == "id" {
		n, ok := whole(v)
		if !ok {
			return "", false
		}
		return s.idSQL() + " " + sqlOp(op) + " " + c.arg(n), true
	}
	col := s.column(p)
	switch {
	case col == nil:
		return "", false
	case col.form == formText && v.Kind() == odata.KindText && storable(v.Text()):
		return s.alias + "." + col.name + " " + sqlOp(op) + " " + c.arg(v.Text()), true
	case col.form == formTime:
		if start, end, ok := v.Span(); ok && start == end {
			return s.alias + "." + col.name + " " + sqlOp(op) + " " + c.arg(start), true
		}
	}
	return "", false
}

func (s scope) column(p *odata.Path) *column {
	if s.kind == nil {
		return nil
	}
	return s.kind.column(p.Prop.Name)
}

// whole is the value as an id, if it is a whole number that a float holds exactly.
func whole(v odata.Value) (int64, bool) {
	f, ok := v.Number()
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// storable tells whether a text can be bound: PostgreSQL has no NUL, so no column holds one.
func storable(s string) bool { return !strings.ContainsRune(s, 0) }

func (c *sqlFilter) in(s scope, p *odata.Path, list []*odata.Literal) (string, bool) {
	if p.Prop.Name == "id" {
		ids := make([]int64, len(list))
		for i, l := range list {
			var ok bool
			if ids[i], ok = whole(l.Value); !ok {
				return "", false
			}
		}
		return s.idSQL() + " in " + c.ids(ids), true
	}
	col := s.column(p)
	if col == nil || col.form != formText {
		return "", false
	}
	texts := make([]string, len(list))
	for i, l := range list {
		if texts[i] = l.Value.Text(); l.Value.Kind() != odata.KindText || !storable(texts[i]) {
			return "", false
		}
	}
	all, err := json.Marshal(texts)
	if err != nil {
		return "", false // texts always have a JSON form
	}
	return s.alias + "." + col.name + " in (select value from json_list(" + c.arg(string(all)) + "))", true
}

// likeable makes a text mean itself within a pattern of LIKE.
var likeable = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func (c *sqlFilter) call(e *odata.Call) (string, bool) {
	text, before, after := 1, "", ""
	switch e.Func {
	case odata.FuncStartswith:
		after = "%"
	case odata.FuncEndswith:
		before = "%"
	case odata.FuncSubstringof:
		text, before, after = 0, "%", "%"
	default:
		return c.spatial(e)
	}
	lit, ok := e.Args[text].(*odata.Literal)
	p, isPath := e.Args[1-text].(*odata.Path)
	if !ok || !isPath || !plain(p) || lit.Value.Kind() != odata.KindText || !storable(lit.Value.Text()) {
		return "", false
	}
	return c.path(p, func(s scope) (string, bool) {
		col := s.column(p)
		if col == nil || col.form != formText {
			return "", false
		}
		return s.alias + "." + col.name + " like " + c.arg(before+likeable.Replace(lit.Value.Text())+after) + ` escape '\'`, true
	})
}

// spatial narrows a test of a geometry by its box.
func (c *sqlFilter) spatial(e *odata.Call) (string, bool) {
	switch e.Func {
	case odata.FuncGeoIntersects, odata.FuncStEquals, odata.FuncStTouches, odata.FuncStWithin, odata.FuncStOverlaps,
		odata.FuncStCrosses, odata.FuncStIntersects, odata.FuncStContains:
		return c.near(e.Args, 0) // none of these holds between geometries whose boxes are apart
	}
	return "", false
}

// distance narrows geo.distance(...) lt 1.
func (c *sqlFilter) distance(e *odata.Call, op odata.Op, lit *odata.Literal) (string, bool) {
	d, ok := lit.Value.Number()
	if !ok || d < 0 || e.Func != odata.FuncGeoDistance || op != odata.OpLt && op != odata.OpLe {
		return "", false
	}
	return c.near(e.Args, d)
}

// near is the condition that the boxes of two geometries, one of them constant, are at most d degrees apart.
func (c *sqlFilter) near(args []odata.Expr, d float64) (string, bool) {
	p, ok := args[0].(*odata.Path)
	other := args[1]
	if !ok {
		if p, ok = args[1].(*odata.Path); !ok {
			return "", false
		}
		other = args[0]
	}
	lit, ok := other.(*odata.Literal)
	if !ok || !plain(p) {
		return "", false
	}
	g, ok := lit.Value.Geometry()
	if !ok {
		return "", false
	}
	lo, hi, ok := g.Envelope().MinMaxXYs()
	if !ok {
		return "", false
	}
	d += 1e-9 // a degree's billionth is a tenth of a millimetre: rounding must not shut out what touches
	sql, _ := c.path(p, func(s scope) (string, bool) {
		col := s.column(p)
		if col == nil || col.form != formGeometry {
			return "", false
		}
		a := s.alias
		return "(" + a + ".min_x <= " + c.arg(hi.X+d) + " and " + a + ".max_x >= " + c.arg(lo.X-d) +
			" and " + a + ".min_y <= " + c.arg(hi.Y+d) + " and " + a + ".max_y >= " + c.arg(lo.Y-d) + ")", false
	})
	return sql, false
}

func (c *sqlFilter) lambda(e *odata.Lambda) (string, bool) {
	if e.All {
		return "", false
	}
	return c.path(e.Over, func(s scope) (string, bool) {
		if e.Body == nil {
			return "1 = 1", true
		}
		if outer, taken := c.env[e.Var]; taken {
			defer func() { c.env[e.Var] = outer }()
		} else {
			defer delete(c.env, e.Var)
		}
		c.env[e.Var] = s
		return c.term(e.Body)
	})
}
