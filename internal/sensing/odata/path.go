package odata

import (
	"slices"
	"strconv"
)

// path reads the way to a property, or to any(...) or all(...) over a set.
func (p *parser) path() (Expr, error) {
	path := &Path{At: p.pos, From: p.root}
	if word := p.word(); word != "" {
		for _, v := range slices.Backward(p.vars) {
			if v.name == word {
				path.Var, path.From = word, v.of
				p.pos += len(word)
				if p.byte() != '/' {
					return nil, p.fail(path.At, "%s is an entity, expected a property of it: %s/...", word, word)
				}
				p.pos++
				break
			}
		}
	}
	for at := path.From; ; {
		pos, word := p.pos, p.word()
		set := len(path.Navs) > 0 && path.Navs[len(path.Navs)-1].Many
		if (word == "any" || word == "all") && set && p.pos+len(word) < len(p.text) && p.text[p.pos+len(word)] == '(' {
			return p.lambda(path, word)
		}
		if prop := at.Property(word); prop != nil {
			p.pos += len(word)
			path.Prop = prop
			var err error
			path.Sub, err = p.keys(prop)
			return path, err
		}
		nav := at.Navigation(word)
		if nav == nil {
			return nil, p.unknown(pos, word, at)
		}
		p.pos += len(word)
		path.Navs, at = append(path.Navs, nav), nav.Target
		if p.byte() != '/' {
			hint := ""
			if nav.Many {
				hint = ", or /any(x: x/...)"
			}
			return nil, p.fail(pos, "expected a property after %s, such as %s/%s%s", word, word, at.Properties[min(1, len(at.Properties)-1)].Name, hint)
		}
		p.pos++
	}
}

func (p *parser) unknown(pos int, word string, t *EntityType) error {
	if word == "" {
		return p.fail(pos, "expected a property of %s, got %s", t.Name, p.here())
	}
	if word == "$count" {
		return p.fail(pos, "$count is not part of a path in SensorThings")
	}
	known := t.names()
	if t == p.root {
		for _, v := range p.vars {
			known = append(known, v.name)
		}
	}
	return p.fail(pos, "%s has no property or navigation %s%s", t.Name, word, DidYouMean(word, known))
}

// keys reads the way into a JSON value: /a/b, [0].
func (p *parser) keys(prop *Property) ([]Key, error) {
	var out []Key
	for p.byte() == '/' || p.byte() == '[' {
		at := p.pos
		if !prop.parts() {
			return nil, p.fail(at, "%s is %s and has no parts", prop.Name, prop.Type)
		}
		p.pos++
		if p.text[at] == '/' {
			k := p.key()
			if k == "" {
				return nil, p.fail(p.pos, "expected the name of a part of %s, got %s", prop.Name, p.here())
			}
			out = append(out, Key{Name: k})
			continue
		}
		n, err := strconv.Atoi(p.span("0123456789"))
		if err != nil || p.byte() != ']' {
			return nil, p.fail(at, "expected an index such as [0]")
		}
		p.pos++
		out = append(out, Key{Index: n})
	}
	return out, nil
}

// lambda reads what follows path/ : any(x: ...), any() or all(x: ...).
func (p *parser) lambda(over *Path, word string) (Expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	e := &Lambda{At: over.At, All: word == "all", Over: over}
	p.pos += len(word) + 1
	if !e.All && p.accept(')') {
		return p.checked(e)
	}
	p.space()
	at := p.pos
	e.Var = p.word()
	p.pos += len(e.Var)
	if e.Var == "" {
		return nil, p.fail(at, "expected a variable, as in %s(x: x/id eq 1), got %s", word, p.here())
	}
	if _, op := binaryOp(e.Var); op || slices.Contains([]string{"not", "null", "true", "false"}, e.Var) ||
		slices.Contains(p.root.names(), e.Var) {
		return nil, p.fail(at, "%s already means something else, expected another name for the variable", e.Var)
	}
	if err := p.expect(':', "the variable "+e.Var); err != nil {
		return nil, err
	}
	p.vars = append(p.vars, variable{e.Var, over.Entity()})
	body, err := p.filter()
	p.vars = p.vars[:len(p.vars)-1]
	if err != nil {
		return nil, err
	}
	e.Body = body
	if err := p.expect(')', short(body)); err != nil {
		return nil, err
	}
	return p.checked(e)
}
