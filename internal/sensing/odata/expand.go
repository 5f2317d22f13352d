package odata

import "strings"

// expands reads the items of $expand. Items that begin with the same navigation are put together, so that
// Datastreams/Sensor,Datastreams/Observations is Datastreams($expand=Sensor,Observations).
func (p *parser) expands() ([]*Expand, error) {
	if p.expand++; p.expand > MaxExpand {
		return nil, p.fail(p.pos, "$expand is nested too deeply, at most %d levels are read", MaxExpand)
	}
	defer func() { p.expand-- }()
	var out []*Expand
	for {
		e, err := p.expandItem()
		if err != nil {
			return nil, err
		}
		if out, err = p.merge(out, e); err != nil {
			return nil, err
		}
		if !p.accept(',') {
			return out, nil
		}
	}
}

// expandItem reads one navigation with its options in parentheses, or a/b, which is a($expand=b).
func (p *parser) expandItem() (*Expand, error) {
	p.space()
	word := p.word()
	nav := p.root.Navigation(word)
	if nav == nil {
		if p.root.Property(word) != nil {
			return nil, p.fail(p.pos, "%s is a property, only navigations can be expanded; use $select", word)
		}
		return nil, p.unknown(p.pos, word, &EntityType{Name: p.root.Name, Navigations: p.root.Navigations})
	}
	e := &Expand{At: p.pos, Nav: nav, Query: &Query{}}
	p.pos += len(word)
	defer func(outer *EntityType, vars []variable) { p.root, p.vars = outer, vars }(p.root, p.vars)
	p.root, p.vars = nav.Target, nil
	switch p.byte() {
	case '/':
		p.pos++
		if p.expand++; p.expand > MaxExpand {
			return nil, p.fail(p.pos, "$expand is nested too deeply, at most %d levels are read", MaxExpand)
		}
		defer func() { p.expand-- }()
		inner, err := p.expandItem()
		if err != nil {
			return nil, err
		}
		e.Query.Expand = []*Expand{inner}
	case '(':
		p.pos++
		return e, p.nested(e.Query)
	}
	return e, nil
}

// nested reads options in parentheses, separated by semicolons.
func (p *parser) nested(q *Query) error {
	var seen []string
	for {
		p.space()
		at, name := p.pos, p.word()
		if !strings.HasPrefix(name, "$") {
			return p.fail(at, "expected an option such as $top=1, got %s%s", p.here(), DidYouMean("$"+name, optionNames()))
		}
		p.pos += len(name)
		if err := p.expect('=', name); err != nil {
			return err
		}
		if err := p.option(q, name, at, &seen); err != nil {
			return err
		}
		if p.accept(';') {
			continue
		}
		if p.accept(')') {
			return nil
		}
		p.space()
		return p.fail(p.pos, "expected ; or ) after %s, got %s%s", name, p.here(), DidYouMean(p.word(), operatorNames()))
	}
}

// merge adds an item to those before it. Two items for one navigation are fine as long as one of them only leads on.
func (p *parser) merge(out []*Expand, e *Expand) ([]*Expand, error) {
	for _, old := range out {
		if old.Nav != e.Nav {
			continue
		}
		if !old.Query.plain() && !e.Query.plain() {
			return nil, p.fail(e.At, "%s is expanded twice with options", e.Nav.Name)
		}
		both := append(old.Query.Expand, e.Query.Expand...)
		if old.Query.plain() {
			old.Query = e.Query
		}
		old.Query.Expand = nil
		for _, inner := range both {
			merged, err := p.merge(old.Query.Expand, inner)
			if err != nil {
				return nil, err
			}
			old.Query.Expand = merged
		}
		return out, nil
	}
	return append(out, e), nil
}

// plain tells whether a query does nothing but expand.
func (q *Query) plain() bool {
	return q.Filter == nil && q.Select == nil && q.OrderBy == nil && q.Top == nil && q.Skip == nil && q.Count == nil
}
