package odata

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ParseQuery reads the options of a request for a set or an entity of the type: what follows "?" in a URL, as it came.
// Options without "$" are not looked at and come back in Query.Extra.
func ParseQuery(t *EntityType, raw string) (*Query, error) {
	q := &Query{}
	var seen []string
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, text, err := option(part)
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(name, "$") {
			if q.Extra == nil {
				q.Extra = url.Values{}
			}
			q.Extra.Add(name, text)
			continue
		}
		p := &parser{scanner: scanner{option: name, text: text}, root: t}
		if err := p.option(q, name, 0, &seen); err != nil {
			return nil, err
		}
		if err := p.end(); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// option takes one option apart. Some clients encode it as a whole: without an equals sign as it came, one that was encoded
// counts.
func option(part string) (name, text string, err error) {
	rawName, rawText, plain := strings.Cut(part, "=")
	if name, err = decoded("query", rawName, true); err != nil {
		return "", "", err
	}
	if !plain {
		name, text, _ = strings.Cut(name, "=")
		return name, text, nil
	}
	text, err = decoded(name, rawText, true)
	return name, text, err
}

func optionNames() []string {
	return []string{"$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$count", "$resultFormat", "$skiptoken"}
}

// option reads the text of one option into the query. In nested options it ends at ; or the closing parenthesis.
func (p *parser) option(q *Query, name string, at int, seen *[]string) error {
	if slices.Contains(*seen, name) {
		return p.misplaced(at, name, name+" is given twice")
	}
	*seen = append(*seen, name)
	if p.space(); p.pos == len(p.text) && slices.Contains(optionNames(), name) {
		return p.fail(p.pos, "%s is empty", name)
	}
	var err error
	switch name {
	case "$filter":
		q.Filter, err = p.filter()
	case "$select":
		q.Select, err = p.selected()
	case "$expand":
		q.Expand, err = p.expands()
	case "$orderby":
		q.OrderBy, err = p.orders()
	case "$top":
		q.Top, err = p.natural(name)
	case "$skip":
		q.Skip, err = p.natural(name)
	case "$count":
		q.Count, err = p.truth(name)
	case "$resultFormat", "$skiptoken":
		if p.expand > 0 {
			return p.fail(at, "%s belongs to the whole request, not into $expand", name)
		}
		value := p.rest()
		p.pos = len(p.text)
		if name == "$skiptoken" {
			q.SkipToken = value
		} else {
			q.ResultFormat = value
		}
	default:
		return p.misplaced(at, name, "there is no option "+name+DidYouMean(name, optionNames()))
	}
	return err
}

// misplaced is an error about an option's name. At the top the name is not part of the text.
func (p *parser) misplaced(at int, name, message string) error {
	if p.expand > 0 {
		return p.fail(at, "%s", message)
	}
	return &Error{Option: name, Message: message}
}

func (p *parser) natural(name string) (*int64, error) {
	p.space()
	at := p.pos
	digits := p.span("+-.0123456789")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || digits[0] == '+' {
		got := digits
		if got == "" {
			got = p.here()
		}
		return nil, p.fail(at, "%s needs a whole number, 0 or more, got %s", name, got)
	}
	return &n, nil
}

func (p *parser) truth(name string) (*bool, error) {
	p.space()
	word := p.word()
	if word != "true" && word != "false" {
		return nil, p.fail(p.pos, "%s needs true or false, got %s", name, p.here())
	}
	p.pos += len(word)
	yes := word == "true"
	return &yes, nil
}

// selected reads the items of $select. An asterisk is everything.
func (p *parser) selected() ([]*Selected, error) {
	if p.accept('*') {
		return nil, nil
	}
	var out []*Selected
	for {
		p.space()
		s := &Selected{At: p.pos}
		word := p.word()
		if s.Nav = p.root.Navigation(word); s.Nav == nil {
			if s.Prop = p.root.Property(word); s.Prop == nil && (word == SelfLink || word == "selfLink") {
				s.Prop = &Property{Name: SelfLink, Type: TypeText}
			}
		}
		if s.Nav == nil && s.Prop == nil {
			return nil, p.unknown(p.pos, word, p.root)
		}
		p.pos += len(word)
		if s.Nav != nil && p.byte() == '/' {
			return nil, p.fail(p.pos, "$select reaches only the entity itself, write $expand=%s($select=...)", word)
		}
		if s.Prop != nil {
			var err error
			if s.Sub, err = p.keys(s.Prop); err != nil {
				return nil, err
			}
		}
		if out = append(out, s); !p.accept(',') {
			return out, nil
		}
	}
}

// orders reads the items of $orderby.
func (p *parser) orders() ([]Order, error) {
	var out []Order
	for {
		e, err := p.expr()
		if err != nil {
			return nil, err
		}
		if throughSet(e) {
			return nil, p.fail(e.Pos(), "%s leads through a set and has no one value to order by", short(e))
		}
		o := Order{Expr: e}
		p.space()
		word := p.word() // FROST's client writes them in capitals
		if desc := strings.EqualFold(word, "desc"); desc || strings.EqualFold(word, "asc") {
			o.Desc = desc
			p.pos += len(word)
		}
		if out = append(out, o); !p.accept(',') {
			return out, nil
		}
	}
}

// throughSet tells whether an expression looks through a set.
func throughSet(e Expr) bool {
	switch e := e.(type) {
	case *Path:
		return e.Many()
	case *Lambda:
		return true
	}
	return slices.ContainsFunc(children(e), throughSet)
}
