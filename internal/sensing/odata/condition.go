package odata

// test compiles a condition.
func (c compiler) test(e Expr) test {
	switch e := e.(type) {
	case *Literal:
		t := truthOfValue(e.Value)
		return func(Entity, *scope) (truth, error) { return t, nil }
	case *Logic:
		return c.logic(e)
	case *Lambda:
		return c.lambda(e)
	case *Unary:
		if e.Op == OpNot {
			x := c.test(e.X)
			return func(e Entity, s *scope) (truth, error) {
				t, err := x(e, s)
				if t != unknown {
					t = yes - t
				}
				return t, err
			}
		}
	}
	return c.some(e, c.atom(e))
}

// atom compiles a condition that is not made of others.
func (c compiler) atom(e Expr) test {
	switch e := e.(type) {
	case *Binary:
		if e.Op.Compares() {
			return c.compare(e)
		}
	case *In:
		return c.in(e)
	case *InArray:
		return c.inArray(e)
	case *Call:
		if e.Type() == TypeBool {
			return c.predicate(e)
		}
	}
	v := c.value(e)
	return func(e Entity, s *scope) (truth, error) {
		got, err := v(e, s)
		return truthOfValue(got), err
	}
}

func truthOfValue(v Value) truth {
	if v.kind != KindBool {
		return unknown
	}
	return truthOf(v.a != 0)
}

func (c compiler) logic(e *Logic) test {
	terms := make([]test, len(e.Terms))
	for i, t := range e.Terms {
		terms[i] = c.test(t)
	}
	decisive := no // ends an and
	if e.Op == OpOr {
		decisive = yes
	}
	return func(e Entity, s *scope) (truth, error) {
		result := yes - decisive
		for _, term := range terms {
			t, err := term(e, s)
			if err != nil {
				return unknown, err
			}
			if t == decisive {
				return decisive, nil
			}
			if t == unknown {
				result = unknown
			}
		}
		return result, nil
	}
}

func (c compiler) lambda(e *Lambda) test {
	body := func(Entity, *scope) (truth, error) { return yes, nil }
	if e.Body != nil {
		body = c.test(e.Body)
	}
	over, name, all := e.Over, e.Var, e.All
	return func(e Entity, s *scope) (truth, error) {
		result := truthOf(all)
		_, err := visit(s.entity(over.Var, e), over.Navs, func(x Entity) (bool, error) {
			t, err := body(e, &scope{up: s, name: name, ent: x})
			if (t == yes) != all {
				result = truthOf(!all)
				return false, err
			}
			return true, err
		})
		return result, err
	}
}

// some binds each path through a set in a condition to one element after another, until the condition holds.
func (c compiler) some(e Expr, holds test) test {
	paths := setPaths(e, nil)
	if len(paths) == 0 {
		return holds
	}
	empty := no // what holds for no element at all
	if isNullTest(e) {
		empty = yes
	}
	return func(e Entity, s *scope) (truth, error) { return someOf(e, s, paths, holds, empty) }
}

func someOf(e Entity, s *scope, paths []*Path, holds test, empty truth) (truth, error) {
	if len(paths) == 0 {
		t, err := holds(e, s)
		return truthOf(t == yes), err
	}
	p, result := paths[0], empty
	_, err := visit(s.entity(p.Var, e), p.Navs, func(x Entity) (bool, error) {
		v := part(x.Property(p.Prop.Name), p.Sub)
		t, err := someOf(e, &scope{up: s, path: p, val: v}, paths[1:], holds, no)
		result = t
		return t != yes, err
	})
	return result, err
}

// setPaths are the paths through sets in a condition, but for those in conditions inside it.
func setPaths(e Expr, out []*Path) []*Path {
	if p, ok := e.(*Path); ok {
		if p.Many() {
			out = append(out, p)
		}
		return out
	}
	for _, x := range children(e) {
		if _, ok := x.(*Path); ok || x.Type() != TypeBool {
			out = setPaths(x, out)
		}
	}
	return out
}

// isNullTest recognises path eq null.
func isNullTest(e Expr) bool {
	b, ok := e.(*Binary)
	if !ok || b.Op != OpEq {
		return false
	}
	isPath := func(e Expr) bool { _, ok := e.(*Path); return ok }
	return isNull(b.R) && isPath(b.L) || isNull(b.L) && isPath(b.R)
}

// compare compiles a comparison. With a constant number or time on the right, which is most of what is asked of millions
// of observations, it goes the short way.
func (c compiler) compare(e *Binary) test {
	op, l, r, m := e.Op, c.value(e.L), c.value(e.R), meetingOf(e.L, e.R)
	if lit, ok := e.R.(*Literal); ok && (lit.Value.kind == KindNumber || lit.Value.kind == KindTime) {
		b := lit.Value
		number := b.float()
		return func(e Entity, s *scope) (truth, error) {
			a, err := l(e, s)
			switch {
			case err != nil:
				return unknown, err
			case a.IsNull():
				return unknown, nil
			case a.kind != b.kind:
				return truthOf(m.compare(op, a, b)), nil
			case a.kind == KindNumber:
				return truthOf(ordered(op, a.float(), number)), nil
			}
			return truthOf(compareTimes(op, a.a, a.b, b.a, b.b)), nil
		}
	}
	missing := isNull(e.L) || isNull(e.R) // what is missing is asked for
	return func(e Entity, s *scope) (truth, error) {
		a, err := l(e, s)
		if err != nil {
			return unknown, err
		}
		b, err := r(e, s)
		if !missing && (a.IsNull() || b.IsNull()) {
			return unknown, err
		}
		return truthOf(m.compare(op, a, b)), err
	}
}

func isNull(e Expr) bool {
	l, ok := e.(*Literal)
	return ok && l.Value.IsNull()
}

func (c compiler) in(e *In) test {
	x, list := c.value(e.X), e.List
	meetings := make([]meeting, len(list))
	for i, l := range list {
		meetings[i] = meetingOf(e.X, l)
	}
	return func(e Entity, s *scope) (truth, error) {
		a, err := x(e, s)
		if err != nil || a.IsNull() {
			return unknown, err
		}
		for i, l := range list {
			if meetings[i].compare(OpEq, a, l.Value) {
				return yes, nil
			}
		}
		return no, nil
	}
}

func (c compiler) inArray(e *InArray) test {
	x, array := c.value(e.X), c.value(e.Array)
	m := meetingOf(e.X, e.Array)
	return func(e Entity, s *scope) (truth, error) {
		a, err := x(e, s)
		if err != nil {
			return unknown, err
		}
		list, err := array(e, s)
		if err != nil || a.IsNull() || list.kind != KindJSON || list.text[0] != '[' {
			return unknown, err
		}
		found := eachElement(list.text, func(raw string) bool {
			return m.compare(OpEq, a, fromJSON(raw))
		})
		return truthOf(found), nil
	}
}
