package odata

import (
	"slices"
	"strings"
)

// Conjuncts are the conditions that must all be true for the expression to be true. Nil gives none.
func Conjuncts(e Expr) []Expr {
	switch x := e.(type) {
	case nil:
		return nil
	case *Logic:
		if x.Op == OpAnd {
			return slices.Clone(x.Terms)
		}
	}
	return []Expr{e}
}

// And joins conditions. None gives nil, which is true.
func And(terms ...Expr) Expr {
	var all []Expr
	for _, t := range terms {
		all = append(all, Conjuncts(t)...)
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return &Logic{At: all[0].Pos(), Op: OpAnd, Terms: all}
}

// Touches tells which entities an expression looks at, as ways from the entity that is filtered: "" for its own properties,
// "Datastream", "Datastream/Thing". Ways inside any() and all() are given from there, too. They are sorted.
func Touches(e Expr) []string {
	ways := map[string]bool{}
	touch(e, nil, ways)
	out := make([]string, 0, len(ways))
	for w := range ways {
		out = append(out, w)
	}
	slices.Sort(out)
	return out
}

// way is where a lambda variable stands.
type way struct{ name, at string }

func touch(e Expr, vars []way, ways map[string]bool) {
	switch e := e.(type) {
	case nil:
	case *Path:
		ways[wayOf(e, vars)] = true
	case *Lambda:
		at := wayOf(e.Over, vars)
		ways[at] = true
		if e.Body != nil {
			touch(e.Body, append(slices.Clone(vars), way{e.Var, at}), ways)
		}
	default:
		for _, x := range children(e) {
			touch(x, vars, ways)
		}
	}
}

func wayOf(p *Path, vars []way) string {
	var parts []string
	for _, v := range slices.Backward(vars) {
		if p.Var != "" && v.name == p.Var {
			parts = append(parts, v.at)
			break
		}
	}
	for _, n := range p.Navs {
		parts = append(parts, n.Name)
	}
	return strings.Join(parts, "/")
}

// Reduce settles what can be settled and gives what remains. decide is asked for each condition that is not made by and,
// or, not; it gives true, false or null, or says that it doesn't know. The result is a *Literal when nothing remains. It is
// true, false or null exactly when the expression would be, as long as decide tells the truth.
func Reduce(e Expr, decide func(Expr) (v Value, known bool)) Expr {
	switch x := e.(type) {
	case *Literal:
		return e
	case *Unary:
		if x.Op == OpNot {
			inner := Reduce(x.X, decide)
			l, ok := inner.(*Literal)
			if !ok {
				return &Unary{At: x.At, Op: OpNot, X: inner}
			}
			if b, ok := l.Value.Bool(); ok {
				return &Literal{At: x.At, Value: Bool(!b)}
			}
			return &Literal{At: x.At}
		}
	case *Logic:
		return reduceLogic(x, decide)
	}
	if v, known := decide(e); known {
		return &Literal{At: e.Pos(), Value: v}
	}
	return e
}

func reduceLogic(e *Logic, decide func(Expr) (Value, bool)) Expr {
	decisive := e.Op == OpOr
	var rest []Expr
	null := false
	for _, t := range e.Terms {
		t = Reduce(t, decide)
		l, ok := t.(*Literal)
		if !ok {
			if same, ok := t.(*Logic); ok && same.Op == e.Op {
				rest = append(rest, same.Terms...)
			} else {
				rest = append(rest, t)
			}
			continue
		}
		b, ok := l.Value.Bool()
		if ok && b == decisive {
			return &Literal{At: e.At, Value: Bool(decisive)}
		}
		null = null || !ok
	}
	if null {
		rest = append(rest, &Literal{At: e.At})
	}
	switch len(rest) {
	case 0:
		return &Literal{At: e.At, Value: Bool(!decisive)}
	case 1:
		return rest[0]
	}
	return &Logic{At: e.At, Op: e.Op, Terms: rest}
}
