package odata

// truth is a value of three-valued logic.
type truth uint8

const (
	no truth = iota
	yes
	unknown
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// value and test are compiled expressions. e is the entity that is filtered.
type (
	value func(e Entity, s *scope) (Value, error)
	test  func(e Entity, s *scope) (truth, error)
)

// scope is what is bound around an expression, innermost first: a lambda variable to an entity, or a path through a set to
// one of its values.
type scope struct {
	up   *scope
	name string
	ent  Entity
	path *Path
	val  Value
}

func (s *scope) entity(name string, root Entity) Entity {
	if name == "" {
		return root
	}
	for ; s != nil; s = s.up {
		if s.name == name {
			return s.ent
		}
	}
	return nil
}

func (s *scope) bound(path *Path) Value {
	for ; s != nil; s = s.up {
		if s.path == path {
			return s.val
		}
	}
	return Value{}
}

type compiler struct{ now int64 }

// fold evaluates what is constant.
func (c compiler) fold(e Expr) Expr {
	constant := true
	each := func(x Expr) Expr {
		x = c.fold(x)
		if _, ok := x.(*Literal); !ok {
			constant = false
		}
		return x
	}
	switch x := e.(type) {
	case *Literal, *Path:
		return e
	case *Unary:
		e = &Unary{At: x.At, Op: x.Op, X: each(x.X)}
	case *Binary:
		e = &Binary{At: x.At, Op: x.Op, L: each(x.L), R: each(x.R)}
	case *Logic:
		n := &Logic{At: x.At, Op: x.Op, Terms: make([]Expr, len(x.Terms))}
		for i, t := range x.Terms {
			n.Terms[i] = each(t)
		}
		e = n
	case *In:
		e = &In{At: x.At, X: each(x.X), List: x.List}
	case *InArray:
		constant = false
		e = &InArray{At: x.At, X: each(x.X), Array: x.Array}
	case *Call:
		n := &Call{At: x.At, Func: x.Func, Args: make([]Expr, len(x.Args))}
		for i, a := range x.Args {
			n.Args[i] = each(a)
		}
		e = n
	case *Lambda:
		n := *x
		if n.Body != nil {
			n.Body = c.fold(x.Body)
		}
		return &n
	}
	if !constant {
		return e
	}
	// Nothing in a constant asks the entity, so none is needed and no error can come of it.
	v, _ := c.value(e)(nil, nil)
	return &Literal{At: e.Pos(), Value: v}
}

// value compiles an expression of any type.
func (c compiler) value(e Expr) value {
	switch e := e.(type) {
	case *Literal:
		v := e.Value
		return func(Entity, *scope) (Value, error) { return v, nil }
	case *Path:
		return c.path(e)
	case *Call:
		if e.Type() != TypeBool {
			return c.call(e)
		}
	case *Unary:
		if e.Op == OpNeg {
			x := c.value(e.X)
			return func(e Entity, s *scope) (Value, error) {
				v, err := x(e, s)
				return negative(v), err
			}
		}
	case *Binary:
		if !e.Op.Compares() {
			op, l, r := e.Op, c.value(e.L), c.value(e.R)
			return func(e Entity, s *scope) (Value, error) {
				a, err := l(e, s)
				if err != nil {
					return Value{}, err
				}
				b, err := r(e, s)
				return calculate(op, a, b), err
			}
		}
	}
	t := c.test(e)
	return func(e Entity, s *scope) (Value, error) {
		switch got, err := t(e, s); got {
		case yes:
			return Bool(true), err
		case no:
			return Bool(false), err
		default:
			return Value{}, err
		}
	}
}

// path compiles the way to a property. One through a set is bound by the condition around it.
func (c compiler) path(p *Path) value {
	name, from, navs, sub := p.Prop.Name, p.Var, p.Navs, p.Sub
	switch {
	case p.Many():
		return func(_ Entity, s *scope) (Value, error) { return s.bound(p), nil }
	case from == "" && len(navs) == 0 && len(sub) == 0:
		return func(e Entity, _ *scope) (Value, error) { return e.Property(name), nil }
	}
	return func(e Entity, s *scope) (Value, error) {
		e = s.entity(from, e)
		for _, n := range navs {
			if e == nil {
				return Value{}, nil
			}
			var err error
			if e, err = e.One(n.Name); err != nil {
				return Value{}, err
			}
		}
		if e == nil {
			return Value{}, nil
		}
		return part(e.Property(name), sub), nil
	}
}

// part follows keys into a JSON value.
func part(v Value, keys []Key) Value {
	if len(keys) == 0 {
		return v
	}
	if v.kind != KindJSON {
		return Value{}
	}
	raw, ok := lookup(v.text, keys)
	if !ok {
		return Value{}
	}
	return fromJSON(raw)
}

// visit hands over each entity at the end of a way. It tells whether to go on.
func visit(e Entity, navs []*Navigation, each func(Entity) (bool, error)) (bool, error) {
	if e == nil {
		return true, nil
	}
	if len(navs) == 0 {
		return each(e)
	}
	if !navs[0].Many {
		next, err := e.One(navs[0].Name)
		if err != nil {
			return false, err
		}
		return visit(next, navs[1:], each)
	}
	more := true
	err := e.Many(navs[0].Name, func(next Entity) (bool, error) {
		var err error
		more, err = visit(next, navs[1:], each)
		return more, err
	})
	return more, err
}
