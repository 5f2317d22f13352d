package odata

// join makes a node of an operator and its sides, and checks that they fit.
func (p *parser) join(op Op, at int, l, r Expr) (Expr, error) {
	switch {
	case op == OpAnd || op == OpOr:
		return p.logic(op, l, r)
	case op.Compares():
		return p.compare(op, at, l, r)
	}
	if _, ok := arithmetic(op, l.Type(), r.Type()); !ok {
		return nil, p.fail(at, "can't %s %s and %s: %s is %s, %s is %s", op, short(l), short(r), short(l), l.Type(), short(r), r.Type())
	}
	if z, ok := r.(*Literal); ok && z.Value == Number(0) && (op == OpDiv || op == OpMod) {
		return nil, p.fail(r.Pos(), "%s by zero", op)
	}
	return p.checked(&Binary{At: l.Pos(), Op: op, L: l, R: r})
}

// logic keeps chains of one operator in one node: a hundred alternatives are no deeper than two.
func (p *parser) logic(op Op, sides ...Expr) (Expr, error) {
	e := &Logic{At: sides[0].Pos(), Op: op}
	for _, x := range sides {
		if classOf(x.Type())&classBool == 0 {
			return nil, p.fail(x.Pos(), "%s joins conditions, but %s is %s", op, short(x), x.Type())
		}
		if same, ok := x.(*Logic); ok && same.Op == op {
			e.Terms = append(e.Terms, same.Terms...)
		} else {
			e.Terms = append(e.Terms, x)
		}
	}
	return p.checked(e)
}

func (p *parser) compare(op Op, at int, l, r Expr) (Expr, error) {
	l, err := p.likeExpr(l, r.Type())
	if err != nil {
		return nil, err
	}
	if r, err = p.likeExpr(r, l.Type()); err != nil {
		return nil, err
	}
	if comparable(l.Type(), r.Type()) {
		return p.checked(&Binary{At: l.Pos(), Op: op, L: l, R: r})
	}
	if classOf(l.Type())|classOf(r.Type()) == classGeometry {
		return nil, p.fail(at, "geometries have no %s, use st_equals(%s,%s)", op, short(l), short(r))
	}
	return nil, p.fail(at, "can't compare %s with %s: %s is %s, %s is %s", short(l), short(r), short(l), l.Type(), short(r), r.Type())
}

// likeExpr reads a quoted time as a time where one is needed.
func (p *parser) likeExpr(e Expr, t Type) (Expr, error) {
	if l, ok := e.(*Literal); ok {
		return p.like(l, t)
	}
	return e, nil
}

func (p *parser) like(l *Literal, t Type) (*Literal, error) {
	if classOf(t)&(classTime|classDate) == 0 || classOf(t) == classAny || l.Value.kind != KindText {
		return l, nil
	}
	v, err := timeOf(l.Value.text)
	if err != nil {
		return nil, p.fail(l.At, "%v", err)
	}
	return &Literal{At: l.At, Value: v}, nil
}

// timeOf reads a text as a time or date.
func timeOf(s string) (Value, error) {
	if len(s) == len("2006-01-02") {
		return readDate(s)
	}
	return ParseTime(s)
}

// call reads a function with its arguments.
func (p *parser) call(name string) (Expr, error) {
	at := p.pos
	f, swapped, ok := funcNamed(name)
	if !ok {
		return nil, p.fail(at, "unknown function %s%s", name, DidYouMean(name, funcNames()))
	}
	p.pos += len(name) + 1
	e := &Call{At: at, Func: f}
	for !p.accept(')') {
		if len(e.Args) > 0 {
			if err := p.expect(',', short(e.Args[len(e.Args)-1])); err != nil {
				return nil, err
			}
		}
		a, err := p.expr()
		if err != nil {
			return nil, err
		}
		e.Args = append(e.Args, a)
	}
	if swapped && len(e.Args) == 2 {
		e.Args[0], e.Args[1] = e.Args[1], e.Args[0]
	}
	if err := p.fits(e, name); err != nil {
		return nil, err
	}
	return p.checked(e)
}

// fits checks the arguments of a call against what the function takes.
func (p *parser) fits(e *Call, name string) error {
	args, optional := e.Func.takes()
	if least := len(args) - optional; len(e.Args) < least || len(e.Args) > len(args) {
		want := []string{"no arguments", "one argument", "two arguments", "three arguments"}
		more := ""
		if optional > 0 {
			more = " or " + want[len(args)]
		}
		return p.fail(e.At, "%s takes %s%s, got %d", name, want[least], more, len(e.Args))
	}
	for i, a := range e.Args {
		a, err := p.likeExpr(a, typeFor(args[i]))
		if err != nil {
			return err
		}
		e.Args[i] = a
		if got := classOf(a.Type()); got&args[i] == 0 {
			hint := ""
			if args[i] == classGeometry && got == classText {
				hint = "; write geography'POINT(30 10)'"
			}
			return p.fail(a.Pos(), "%s needs %s here, but %s is %s%s", name, args[i], short(a), a.Type(), hint)
		}
	}
	if e.Func == FuncDuring {
		if t := e.Args[1].Type(); t == TypeInstant || t == TypeDate {
			return p.fail(e.Args[1].Pos(), "during needs an interval here, but %s is %s", short(e.Args[1]), t)
		}
	}
	if e.Func == FuncStRelate {
		if l, ok := e.Args[2].(*Literal); ok && l.Value.kind == KindText && !relatePattern(l.Value.text) {
			return p.fail(l.At, "st_relate needs a pattern of nine of 0 1 2 T F *, got %q", l.Value.text)
		}
	}
	return nil
}

func typeFor(c class) Type {
	if c&classTime != 0 {
		return TypeTime
	}
	return TypeAny
}

func relatePattern(s string) bool {
	for _, c := range s {
		switch c {
		case '0', '1', '2', 'T', 'F', '*':
		default:
			return false
		}
	}
	return len(s) == 9
}

// checked refuses a tree that has grown too high, or is too much work.
func (p *parser) checked(e Expr) (Expr, error) {
	if paths := setPaths(e, nil); len(paths) > MaxSets {
		return nil, p.fail(paths[MaxSets].At, "at most %d paths through sets can stand in one condition", MaxSets)
	}
	if height(e, MaxDepth) < 0 {
		return nil, p.fail(e.Pos(), "nested too deeply, at most %d levels are read", MaxDepth)
	}
	return e, nil
}

// height of a tree; -1 when it is more than the limit.
func height(e Expr, limit int) int {
	if limit == 0 {
		return -1
	}
	most := 0
	for _, x := range children(e) {
		h := height(x, limit-1)
		if h < 0 {
			return -1
		}
		most = max(most, h)
	}
	return most + 1
}

// children of a node, in the order in which they are written.
func children(e Expr) []Expr {
	switch e := e.(type) {
	case *Unary:
		return []Expr{e.X}
	case *Binary:
		return []Expr{e.L, e.R}
	case *Logic:
		return e.Terms
	case *In:
		return []Expr{e.X}
	case *InArray:
		return []Expr{e.X, e.Array}
	case *Call:
		return e.Args
	case *Lambda:
		if e.Body != nil {
			return []Expr{e.Body}
		}
	}
	return nil
}
