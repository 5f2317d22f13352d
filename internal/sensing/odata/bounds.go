package odata

import (
	"math"
	"slices"
)

// Span is a range of whole numbers, both ends included.
type Span struct{ Min, Max int64 }

// Everything is the span that bounds nothing.
func Everything() Span { return Span{math.MinInt64, math.MaxInt64} }

// Bounds are necessary conditions on an Observation: each that the filter keeps lies within all of them. They only narrow
// the search; the filter is still to be evaluated.
type Bounds struct {
	Never       bool    // no Observation can pass
	Datastreams []int64 // ids, sorted; nil: any
	ID          Span
	From        Span // start of phenomenonTime, or the instant, in microseconds since 1970 UTC
	Until       Span // end of phenomenonTime, or the instant
	// A result that is a number is within MinResult to MaxResult; infinite where there is no bound. Other results (texts may
	// hold numbers) are not bounded.
	MinResult, MaxResult float64
}

func unbounded() Bounds {
	return Bounds{ID: Everything(), From: Everything(), Until: Everything(), MinResult: math.Inf(-1), MaxResult: math.Inf(1)}
}

func never() Bounds {
	b := unbounded()
	b.Never = true
	return b
}

// BoundsOf reads bounds off a filter on Observations: comparisons with constants of Datastream/id, id, phenomenonTime and
// result, joined by and, or. now is what now() answers. Nil is unbounded, and so is what isn't understood.
func BoundsOf(e Expr, now int64) Bounds {
	if e == nil {
		return unbounded()
	}
	return boundsOf(Fold(e, now))
}

func boundsOf(e Expr) Bounds {
	switch e := e.(type) {
	case *Literal:
		if yes, _ := e.Value.Bool(); yes {
			return unbounded()
		}
		return never()
	case *Logic:
		b := boundsOf(e.Terms[0])
		for _, t := range e.Terms[1:] {
			if e.Op == OpAnd {
				b = b.and(boundsOf(t))
			} else {
				b = b.or(boundsOf(t))
			}
		}
		return b
	case *Binary:
		return ofComparison(e)
	case *In:
		b := never()
		for _, l := range e.List {
			b = b.or(ofComparison(&Binary{Op: OpEq, L: e.X, R: l}))
		}
		return b
	case *Call:
		return ofTimes(e)
	}
	return unbounded()
}

func (b Bounds) and(c Bounds) Bounds {
	b.ID, b.From, b.Until = b.ID.and(c.ID), b.From.and(c.From), b.Until.and(c.Until)
	b.MinResult, b.MaxResult = max(b.MinResult, c.MinResult), min(b.MaxResult, c.MaxResult)
	switch {
	case b.Datastreams == nil:
		b.Datastreams = c.Datastreams
	case c.Datastreams != nil:
		b.Datastreams = slices.DeleteFunc(slices.Clone(b.Datastreams), func(id int64) bool { return !slices.Contains(c.Datastreams, id) })
	}
	if b.Never || c.Never || b.ID.empty() || b.From.empty() || b.Until.empty() || b.Datastreams != nil && len(b.Datastreams) == 0 {
		return never()
	}
	return b
}

func (b Bounds) or(c Bounds) Bounds {
	if b.Never || c.Never {
		if b.Never {
			return c
		}
		return b
	}
	b.ID, b.From, b.Until = b.ID.or(c.ID), b.From.or(c.From), b.Until.or(c.Until)
	b.MinResult, b.MaxResult = min(b.MinResult, c.MinResult), max(b.MaxResult, c.MaxResult)
	if b.Datastreams == nil || c.Datastreams == nil {
		b.Datastreams = nil
		return b
	}
	b.Datastreams = append(slices.Clone(b.Datastreams), c.Datastreams...)
	slices.Sort(b.Datastreams)
	b.Datastreams = slices.Compact(b.Datastreams)
	return b
}

func (s Span) and(t Span) Span { return Span{max(s.Min, t.Min), min(s.Max, t.Max)} }
func (s Span) or(t Span) Span  { return Span{min(s.Min, t.Min), max(s.Max, t.Max)} }
func (s Span) empty() bool     { return s.Min > s.Max }

// ofComparison reads property op constant, or the mirror image.
func ofComparison(e *Binary) Bounds {
	op, path, lit := e.Op, e.L, e.R
	if _, ok := path.(*Literal); ok {
		path, lit, op = lit, path, mirrored(op)
	}
	p, ok := path.(*Path)
	l, isLiteral := lit.(*Literal)
	if !ok || !isLiteral || !op.Compares() || op == OpNe || p.Var != "" || p.From.Name != "Observation" || len(p.Sub) > 0 {
		return unbounded()
	}
	b := unbounded()
	switch where := wayOf(p, nil); {
	case where == "" && p.Prop.Name == "phenomenonTime":
		return timesWithin(op, asTime(l.Value))
	case where == "" && p.Prop.Name == "result":
		if n, ok := l.Value.Number(); ok {
			b.MinResult, b.MaxResult = rangeOf(op, n)
		} else if l.Value.kind == KindText {
			return b // numbers are compared with it as texts
		} else if !l.Value.IsNull() {
			b.MinResult, b.MaxResult = math.Inf(1), math.Inf(-1) // no number compares with it
		} else if op != OpEq {
			return never()
		}
	case where == "" && p.Prop.Name == "id":
		n, ok := numeric(l.Value)
		if !ok {
			return never()
		}
		b.ID = wholeWithin(rangeOf(op, n))
		if b.ID.empty() {
			return never()
		}
	case where == "Datastream" && p.Prop.Name == "id" && op == OpEq:
		n, ok := numeric(l.Value)
		if !ok {
			// null, of an Observation without a Datastream, is the only thing that equals null.
			if l.Value.IsNull() {
				return b
			}
			return never()
		}
		ids := wholeWithin(n, n)
		if ids.empty() {
			return never()
		}
		b.Datastreams = []int64{ids.Min}
	}
	return b
}

func mirrored(op Op) Op {
	switch op {
	case OpGt:
		return OpLt
	case OpGe:
		return OpLe
	case OpLt:
		return OpGt
	case OpLe:
		return OpGe
	}
	return op
}

// numeric is the number that a constant is compared as.
func numeric(v Value) (float64, bool) {
	if v.kind == KindText {
		return numberIn(v.text)
	}
	return v.Number()
}

// rangeOf is where x lies when x op n. Being strict is not worth it: the filter is evaluated anyway.
func rangeOf(op Op, n float64) (least, most float64) {
	least, most = math.Inf(-1), math.Inf(1)
	if op == OpEq || op == OpGt || op == OpGe {
		least = n
	}
	if op == OpEq || op == OpLt || op == OpLe {
		most = n
	}
	return least, most
}

// wholeWithin are the whole numbers in a range. Past 2^53 a float stands for many, so there is no bound.
func wholeWithin(least, most float64) Span {
	const exact = 1 << 53
	s := Everything()
	if least > exact {
		s.Min = exact
	} else if least >= -exact {
		s.Min = int64(math.Ceil(least))
	}
	if most < -exact {
		s.Max = -exact
	} else if most < exact {
		s.Max = int64(math.Floor(most))
	}
	return s
}

// ofTimes reads the interval tests with phenomenonTime on either side and a constant on the other.
func ofTimes(e *Call) Bounds {
	if e.Func < FuncBefore {
		return unbounded()
	}
	f, path, lit := e.Func, e.Args[0], e.Args[1]
	swapped := false
	if _, ok := path.(*Literal); ok {
		path, lit, swapped = lit, path, true
	}
	p, ok := path.(*Path)
	l, isLiteral := lit.(*Literal)
	if !ok || !isLiteral || p.Var != "" || p.From.Name != "Observation" || len(p.Navs) > 0 || p.Prop.Name != "phenomenonTime" {
		return unbounded()
	}
	t := asTime(l.Value)
	if t.kind != KindTime {
		return never()
	}
	b := unbounded()
	switch {
	case f == FuncBefore && !swapped, f == FuncAfter && swapped:
		return timesWithin(OpLt, t)
	case f == FuncAfter && !swapped, f == FuncBefore && swapped:
		return timesWithin(OpGt, t)
	case f == FuncMeets:
		b.From.Max, b.Until.Min = t.b, t.a // s1 = e2, or e1 = s2 and s1 <= e1
	case f == FuncDuring && !swapped:
		b.From, b.Until.Max = Span{t.a, t.b}, t.b
	case f == FuncDuring:
		b.From.Max, b.Until.Min = t.a, t.b
	case f == FuncOverlaps:
		b.From.Max, b.Until.Min = t.b, t.a
	case f == FuncStarts:
		b.From = Span{t.a, t.a}
	case f == FuncFinishes:
		b.Until = Span{t.b, t.b}
	}
	return b.and(unbounded())
}

// timesWithin is where phenomenonTime lies when it compares with a time; see the package comment.
func timesWithin(op Op, t Value) Bounds {
	b := unbounded()
	if t.kind != KindTime {
		if op == OpEq && t.IsNull() {
			return b // eq null, or eq what is no time: the filter will tell
		}
		return never()
	}
	switch op {
	case OpEq:
		b.From, b.Until = Span{t.a, t.a}, Span{t.b, t.b}
	case OpGt:
		b.From.Min, b.Until.Min = t.b, t.b
	case OpGe:
		b.From.Min, b.Until.Min = t.a, t.b
	case OpLt:
		b.From.Max, b.Until.Max = t.a, t.a
	case OpLe:
		b.From.Max, b.Until.Max = t.a, t.b
	}
	return b
}
