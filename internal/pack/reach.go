package pack

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// Reach is what values a variable can have.
type Reach struct {
	Lowest, Highest float64 // both can be reached, unless they are infinite
	// Unknown says that the variable may have no value (NaN): then no comparison holds but !=.
	Unknown bool
	// Words say the reach: "sump-level ranges from 0 to 5 m".
	Words string
}

// Anything is the reach of a variable of which nothing is known.
var Anything = Reach{Lowest: math.Inf(-1), Highest: math.Inf(1), Unknown: true}

// Within gives conditions over variables of which it is known how far they reach, in the order of the variables: one that
// compares a variable with what it can never be, or always is, is refused. Nobody writes one on purpose, and a limit in
// centimetres where the readings are in metres is a rule that never speaks.
func (c *Conditions) Within(reaches []Reach) *Conditions {
	within := *c
	within.reaches = reaches
	return &within
}

// sensible notes the comparisons in a condition that never or always hold, and whether the whole does.
func (c *Conditions) sensible(e Expr, whole Pos, checked *cel.Ast, ds *Diagnostics) bool {
	if c.reaches == nil {
		return true
	}
	root, info := checked.NativeRep().Expr(), checked.NativeRep().SourceInfo()
	sensible := true
	note := func(at Pos, what ast.Expr, always bool) {
		sensible = false
		verdict := "can never hold"
		if always {
			verdict = "always holds"
		}
		text, reach := c.said(what, info), c.reachWords(what)
		if reach != "" {
			reach = ": " + reach
		}
		ds.Add(at, CodeDecided, "%s %s%s", text, verdict, reach)
	}
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(x ast.Expr) {
		if x.Kind() != ast.CallKind || len(x.AsCall().Args()) != 2 {
			return
		}
		op := x.AsCall().FunctionName()
		if _, compares := mirrored[op]; !compares && op != operators.In {
			return
		}
		known := !slices.ContainsFunc(c.mentioned(x), func(v int) bool { return c.reaches[v].Unknown })
		switch can := c.truth(x, false); {
		case !can.hold && (known || op != operators.NotEquals):
			note(c.placeOf(e, x, info, whole), x, false)
		case !can.fail && known: // of one that may be unknown, it asks whether it is known
			note(c.placeOf(e, x, info, whole), x, true)
		}
	}))
	if !sensible {
		return false
	}
	switch {
	case !c.truth(root, true).hold:
		note(whole, root, false)
	case !c.truth(root, false).fail:
		note(whole, root, true)
	}
	return sensible
}

// mentioned are the variables of an expression.
func (c *Conditions) mentioned(x ast.Expr) (vars []int) {
	ast.PostOrderVisit(x, ast.NewExprVisitor(func(x ast.Expr) {
		if x.Kind() != ast.IdentKind {
			return
		}
		if v := slices.Index(c.vars, x.AsIdent()); v >= 0 && !slices.Contains(vars, v) {
			vars = append(vars, v)
		}
	}))
	return vars
}

func (c *Conditions) reachWords(x ast.Expr) string {
	var words []string
	for _, v := range c.mentioned(x) {
		if w := c.reaches[v].Words; w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, ", ")
}

var wholeDouble = regexp.MustCompile(`(\d)\.0\b`)

// said is an expression as people write it.
func (c *Conditions) said(x ast.Expr, info *ast.SourceInfo) string {
	text, err := cel.ExprToString(x, info)
	if err != nil {
		return "the condition"
	}
	return wholeDouble.ReplaceAllString(text, "$1")
}

// placeOf is where a part of a condition begins.
func (c *Conditions) placeOf(e Expr, x ast.Expr, info *ast.SourceInfo, whole Pos) Pos {
	first, last := int32(math.MaxInt32), int32(-1)
	ast.PostOrderVisit(x, ast.NewExprVisitor(func(x ast.Expr) {
		if o, ok := info.GetOffsetRange(x.ID()); ok {
			start := o.Start
			if x.Kind() == ast.CallKind && x.AsCall().FunctionName() == absolute { // it stands at its bracket
				start = max(start-int32(len(absolute)), 0)
			}
			first, last = min(first, start), max(last, o.Stop)
		}
	}))
	if last < 0 {
		return whole
	}
	at := info.GetLocationByOffset(first)
	return e.place(at.Line(), at.Column(), max(1, int(last-first)))
}

// truth is what a condition can come to.
type truth struct{ hold, fail bool }

// truth says what a condition can come to when its variables are anything within their reach, each by itself; unknown lets
// those that may be unknown be so. It may say that a condition can hold which can't, but never the other way.
func (c *Conditions) truth(x ast.Expr, unknown bool) truth {
	if x.Kind() == ast.LiteralKind {
		b := x.AsLiteral() == types.True
		return truth{b, !b}
	}
	if x.Kind() != ast.CallKind {
		return truth{true, true}
	}
	args := x.AsCall().Args()
	switch op := x.AsCall().FunctionName(); op {
	case operators.LogicalAnd:
		a, b := c.truth(args[0], unknown), c.truth(args[1], unknown)
		return truth{a.hold && b.hold, a.fail || b.fail}
	case operators.LogicalOr:
		a, b := c.truth(args[0], unknown), c.truth(args[1], unknown)
		return truth{a.hold || b.hold, a.fail && b.fail}
	case operators.LogicalNot:
		a := c.truth(args[0], unknown)
		return truth{a.fail, a.hold}
	case operators.In:
		if args[1].Kind() != ast.ListKind {
			return truth{true, true}
		}
		t := truth{false, true}
		for _, el := range args[1].AsList().Elements() {
			one := c.compared(operators.Equals, args[0], el, unknown)
			t = truth{t.hold || one.hold, t.fail && one.fail}
		}
		return t
	default:
		if _, compares := mirrored[op]; compares {
			return c.compared(op, args[0], args[1], unknown)
		}
	}
	return truth{true, true}
}

func (c *Conditions) compared(op string, left, right ast.Expr, unknown bool) truth {
	a, okA := c.reach(left)
	b, okB := c.reach(right)
	if !okA || !okB {
		return truth{true, true}
	}
	var t truth
	switch op {
	case operators.Less:
		t = truth{a.Lowest < b.Highest, a.Highest >= b.Lowest}
	case operators.LessEquals:
		t = truth{a.Lowest <= b.Highest, a.Highest > b.Lowest}
	case operators.Greater:
		t = truth{a.Highest > b.Lowest, a.Lowest <= b.Highest}
	case operators.GreaterEquals:
		t = truth{a.Highest >= b.Lowest, a.Lowest < b.Highest}
	default:
		apart := a.Highest < b.Lowest || b.Highest < a.Lowest
		same := a.Lowest == a.Highest && b.Lowest == b.Highest && a.Lowest == b.Lowest
		if t = (truth{!apart, !same}); op == operators.NotEquals {
			t = truth{!same, !apart}
		}
	}
	if unknown && (a.Unknown || b.Unknown) {
		t = truth{t.hold || op == operators.NotEquals, t.fail || op != operators.NotEquals}
	}
	return t
}

// reach is what a number made of variables can be, each of them taken by itself (interval arithmetic). ok is false where
// that is not known.
func (c *Conditions) reach(x ast.Expr) (r Reach, ok bool) {
	switch x.Kind() {
	case ast.LiteralKind:
		d, ok := x.AsLiteral().(types.Double)
		return Reach{Lowest: float64(d), Highest: float64(d)}, ok
	case ast.IdentKind:
		if v := slices.Index(c.vars, x.AsIdent()); v >= 0 && v < len(c.reaches) {
			return c.reaches[v], true
		}
		return Anything, false
	case ast.CallKind:
	default:
		return Anything, false
	}
	var parts []Reach
	for _, arg := range x.AsCall().Args() {
		p, ok := c.reach(arg)
		if !ok {
			return Anything, false
		}
		r.Unknown = r.Unknown || p.Unknown
		parts = append(parts, p)
	}
	var ends []float64
	switch op := x.AsCall().FunctionName(); {
	case op == operators.Negate:
		ends = []float64{-parts[0].Lowest, -parts[0].Highest}
	case op == absolute:
		ends = []float64{math.Abs(parts[0].Lowest), math.Abs(parts[0].Highest)}
		if parts[0].Lowest < 0 && parts[0].Highest > 0 {
			ends = append(ends, 0)
		}
	case op == operators.Divide && parts[1].Lowest <= 0 && parts[1].Highest >= 0:
		return Anything, false
	default:
		combine := map[string]func(a, b float64) float64{
			operators.Add:      func(a, b float64) float64 { return a + b },
			operators.Subtract: func(a, b float64) float64 { return a - b },
			operators.Multiply: func(a, b float64) float64 { return a * b },
			operators.Divide:   func(a, b float64) float64 { return a / b },
		}[op]
		if combine == nil || len(parts) != 2 {
			return Anything, false
		}
		for _, a := range []float64{parts[0].Lowest, parts[0].Highest} {
			for _, b := range []float64{parts[1].Lowest, parts[1].Highest} {
				ends = append(ends, combine(a, b))
			}
		}
	}
	if slices.ContainsFunc(ends, math.IsNaN) { // of something infinite nothing more is known
		return Anything, false
	}
	r.Lowest, r.Highest = slices.Min(ends), slices.Max(ends)
	return r, true
}

// Reached are values of a variable within its reach that stand for all others there: conditions that only compare agree on
// them if they agree everywhere in it. nil where one of them does more than compare.
func (r Reach) Reached(variable string, cs ...*Condition) []float64 {
	probes := Probes(variable, cs...)
	if probes == nil {
		return nil
	}
	var within []float64
	for _, p := range probes {
		within = append(within, min(max(p, r.Lowest), r.Highest))
	}
	slices.Sort(within)
	return slices.Compact(within)
}
