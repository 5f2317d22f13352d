package odata

import "slices"

// parser reads expressions, and with expand.go what surrounds them. Positions count in the text of the whole option, also
// inside nested options.
type parser struct {
	scanner
	root   *EntityType // of the entity that is filtered
	vars   []variable  // lambda variables in scope, innermost last
	depth  int         // of parentheses, calls and operators around the position
	expand int         // of $expand around the position
}

type variable struct {
	name string
	of   *EntityType
}

// ParseFilter reads one expression that is true or false for each entity of the type. The text has been decoded.
func ParseFilter(t *EntityType, text string) (Expr, error) {
	p, err := newParser("$filter", t, text)
	if err != nil {
		return nil, err
	}
	e, err := p.filter()
	if err != nil {
		return nil, err
	}
	return e, p.end()
}

// ParseValue reads one expression of any type, as $orderby has them. The text has been decoded.
func ParseValue(t *EntityType, text string) (Expr, error) {
	p, err := newParser("$orderby", t, text)
	if err != nil {
		return nil, err
	}
	e, err := p.expr()
	if err != nil {
		return nil, err
	}
	return e, p.end()
}

func newParser(option string, t *EntityType, text string) (*parser, error) {
	if err := checkText(option, text); err != nil {
		return nil, err
	}
	return &parser{scanner: scanner{option: option, text: text}, root: t}, nil
}

func (p *parser) end() error {
	if p.space(); p.pos < len(p.text) {
		return p.fail(p.pos, "expected an operator or the end, got %s%s", p.here(), DidYouMean(p.word(), operatorNames()))
	}
	return nil
}

// filter reads an expression that gives a truth value.
func (p *parser) filter() (Expr, error) {
	e, err := p.expr()
	if err != nil {
		return nil, err
	}
	if classOf(e.Type())&classBool == 0 {
		return nil, p.fail(e.Pos(), "expected a condition such as %s eq ..., got %s, which is %s", short(e), short(e), e.Type())
	}
	return e, nil
}

func (p *parser) expr() (Expr, error) { return p.binary(levelOr) }

// binary reads operators of the given level and tighter, from the left.
func (p *parser) binary(level int) (Expr, error) {
	left, err := p.unary()
	if err != nil {
		return nil, err
	}
	return p.climb(left, level)
}

// climb goes on after the first side.
func (p *parser) climb(left Expr, level int) (Expr, error) {
	for {
		p.space()
		at := p.pos
		op, ok := binaryOp(p.word())
		if !ok || op.level() < level {
			return left, nil
		}
		p.pos += len(op.String())
		var right Expr
		var err error
		if op == OpIn {
			left, err = p.list(left)
		} else if right, err = p.binary(op.level() + 1); err == nil {
			left, err = p.join(op, at, left, right)
		}
		if err != nil {
			return nil, err
		}
	}
}

func binaryOp(word string) (Op, bool) {
	for op := OpEq; op <= OpIn; op++ {
		if op.String() == word {
			return op, true
		}
	}
	return 0, false
}

func operatorNames() []string {
	var out []string
	for op := OpEq; op <= OpIn; op++ {
		out = append(out, op.String())
	}
	return out
}

// enter counts nesting, so that no text can exhaust the stack.
func (p *parser) enter() error {
	if p.depth++; p.depth > MaxDepth {
		return p.fail(p.pos, "nested too deeply, at most %d levels are read", MaxDepth)
	}
	return nil
}

func (p *parser) unary() (Expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	p.space()
	at := p.pos
	switch {
	case p.word() == "not":
		p.pos += len("not")
		x, err := p.unary()
		if err != nil {
			return nil, err
		}
		if x.Type() != TypeBool {
			// By the letter this is (not name) eq 'a', which means nothing; people and FROST mean not (name eq 'a').
			if x, err = p.climb(x, levelIn); err != nil {
				return nil, err
			}
		}
		if classOf(x.Type())&classBool == 0 {
			return nil, p.fail(x.Pos(), "not needs a condition, but %s is %s", short(x), x.Type())
		}
		return p.checked(&Unary{At: at, Op: OpNot, X: x})
	case p.byte() == '-' && !digitAt(p.text, p.pos+1):
		p.pos++
		x, err := p.unary()
		if err != nil {
			return nil, err
		}
		if classOf(x.Type())&(classNumber|classDuration) == 0 {
			return nil, p.fail(x.Pos(), "a minus needs a number or a duration, but %s is %s", short(x), x.Type())
		}
		return p.checked(&Unary{At: at, Op: OpNeg, X: x})
	}
	return p.primary()
}

func (p *parser) primary() (Expr, error) {
	at, word := p.pos, p.word()
	switch {
	case p.byte() == '(':
		p.pos++
		e, err := p.expr()
		if err != nil {
			return nil, err
		}
		return e, p.expect(')', short(e))
	case p.byte() == '\'' || p.byte() == '-' || digitAt(p.text, p.pos):
		return p.literal()
	case word == "":
		return nil, p.fail(at, "expected a value, a property or a function, got %s", p.here())
	}
	switch next := p.pos + len(word); {
	case next < len(p.text) && p.text[next] == '\'':
		return p.literal()
	case slices.Contains([]string{"null", "true", "false"}, word):
		return p.literal()
	case next < len(p.text) && p.text[next] == '(':
		return p.call(word)
	}
	return p.path()
}

func digitAt(s string, i int) bool { return i < len(s) && s[i] >= '0' && s[i] <= '9' }

// literal reads a constant.
func (p *parser) literal() (*Literal, error) {
	at, word := p.pos, p.word()
	var v Value
	var err error
	date, clock := timeLike(p.rest())
	switch {
	case p.byte() == '\'':
		var s string
		if s, err = p.quoted(); err != nil {
			return nil, err
		}
		v = Text(s)
	case word == "null" || word == "true" || word == "false":
		p.pos += len(word)
		if word != "null" {
			v = Bool(word == "true")
		}
	case word != "":
		return p.prefixed(word)
	case date:
		const digits = "0123456789-:.TtZz+"
		s := p.span(digits)
		if d, _ := timeLike(p.rest()[min(1, len(p.rest())):]); p.byte() == '/' && d {
			p.pos++
			s += "/" + p.span(digits)
		}
		if len(s) == len("2006-01-02") {
			v, err = readDate(s)
		} else {
			v, err = ParseTime(s)
		}
	case clock:
		v, err = readTimeOfDay(p.span("0123456789:."))
	case p.byte() != '-' && !digitAt(p.text, p.pos):
		return nil, p.fail(at, "expected a value, got %s", p.here())
	default:
		sign := p.span("-")
		s := sign + p.span("0123456789.")
		if c := p.byte(); c == 'e' || c == 'E' {
			p.pos++
			s += "e" + p.span("+-") + p.span("0123456789")
		}
		v, err = readNumber(s)
	}
	if err != nil {
		return nil, p.fail(at, "%v", err)
	}
	if p.word() != "" || digitAt(p.text, p.pos) {
		return nil, p.fail(p.pos, "expected a space or an operator after %s, got %s", p.text[at:p.pos], p.here())
	}
	return &Literal{At: at, Value: v}, nil
}

// prefixed reads geography'...', geometry'...' and duration'...'.
func (p *parser) prefixed(word string) (*Literal, error) {
	at, known := p.pos, []string{"geography", "geometry", "duration"}
	if !slices.Contains(known, word) || at+len(word) >= len(p.text) || p.text[at+len(word)] != '\'' {
		return nil, p.fail(at, "expected a constant, got %s%s", word, DidYouMean(word, known))
	}
	p.pos += len(word)
	s, err := p.quoted()
	if err != nil {
		return nil, err
	}
	read := readGeometry
	if word == "duration" {
		read = readDuration
	}
	v, err := read(s)
	if err != nil {
		return nil, p.fail(at, "%v", err)
	}
	return &Literal{At: at, Value: v}, nil
}

// list reads what follows "in": constants in parentheses, or the path of an array.
func (p *parser) list(x Expr) (Expr, error) {
	if p.space(); p.word() != "" {
		return p.inArray(x)
	}
	if err := p.expect('(', "in"); err != nil {
		return nil, err
	}
	e := &In{At: x.Pos(), X: x}
	for {
		p.space()
		at := p.pos
		l, err := p.literal()
		if err != nil {
			return nil, err
		}
		if l, err = p.like(l, x.Type()); err != nil {
			return nil, err
		}
		if !comparable(x.Type(), l.Type()) {
			return nil, p.fail(at, "%s is %s and can't equal %s, which is %s", short(x), x.Type(), short(l), l.Type())
		}
		if e.List = append(e.List, l); p.accept(',') {
			continue
		}
		if err := p.expect(')', "the list"); err != nil {
			return nil, err
		}
		return p.checked(e)
	}
}

func (p *parser) inArray(x Expr) (Expr, error) {
	array, err := p.path()
	if err != nil {
		return nil, err
	}
	path, ok := array.(*Path)
	if !ok || classOf(path.Type()) != classAny {
		return nil, p.fail(array.Pos(), "expected a list in parentheses or an array after in, but %s is %s", short(array), array.Type())
	}
	if !comparable(x.Type(), TypeAny) {
		return nil, p.fail(x.Pos(), "%s is %s and can't be in an array", short(x), x.Type())
	}
	return p.checked(&InArray{At: x.Pos(), X: x, Array: path})
}

// short is an expression as a message names it.
func short(e Expr) string {
	s := []rune(e.String())
	if len(s) > 40 {
		return string(s[:39]) + "…"
	}
	return string(s)
}
