package odata

// Entity is what an expression is evaluated against; the caller implements it.
type Entity interface {
	// Property is the value of a property of the entity's type: "id", "result", "properties", ... Null where it has none.
	// JSON properties are given as JSON(text), geometries as JSON(text) or, where paths never lead into them, Geometry.
	Property(name string) Value
	// One is the entity behind a to-one navigation; nil, nil when there is none. An error ends the evaluation.
	One(nav string) (Entity, error)
	// Many hands over the entities behind a to-many navigation, in any order, while each answers true. An entity need not
	// be valid after each has returned. An error of each is returned as it is; any error ends the evaluation. This is where
	// a caller with a time limit should look at the clock: nested any() can be as much work as the sizes of the sets
	// multiplied.
	Many(nav string, each func(Entity) (more bool, err error)) error
}

// Program is an expression made ready to be evaluated many times. It is safe for concurrent use.
type Program struct {
	test  test
	value value
}

// Compile makes an expression ready. now is what now() answers, in microseconds since 1970 UTC. Nil is true.
func Compile(e Expr, now int64) *Program {
	if e == nil {
		e = &Literal{Value: Bool(true)}
	}
	c := compiler{now: now}
	e = c.fold(e)
	return &Program{test: c.test(e), value: c.value(e)}
}

// Match tells whether the expression is true for the entity; false and null are both no. Comparing numbers and times of
// the entity itself with constants allocates nothing.
func (p *Program) Match(e Entity) (bool, error) {
	t, err := p.test(e, nil)
	return t == yes && err == nil, err
}

// Value is what the expression gives for the entity. A path through a set outside of a condition gives null.
func (p *Program) Value(e Entity) (Value, error) { return p.value(e, nil) }

// Fold replaces what does not depend on the entity by its value: now() sub duration'P1D' becomes a time.
func Fold(e Expr, now int64) Expr {
	c := compiler{now: now}
	return c.fold(e)
}
