package intake

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/anlan-city/anlan/internal/pack"
)

// maxMapping is the size of the largest mapping file in bytes: it is written and read by people.
const maxMapping = 256 << 10

// document is a mapping file on its way to Go values. It gathers problems instead of stopping at the first.
type document struct {
	file     string
	lines    []string
	problems Problems
}

// position is a place in a mapping file; the zero position is nowhere.
type position struct{ line, column int }

// word is a text of a mapping that knows where it stands.
type word struct {
	s string
	position
}

// parse reads a file's YAML. The node is nil where there is none, which is noted.
func parse(file string, content []byte) (*document, ast.Node) {
	d := &document{file: file}
	switch {
	case len(content) > maxMapping:
		d.say(position{}, "", "the mapping has %d bytes, more than %d", len(content), maxMapping)
		return d, nil
	case !utf8.Valid(content):
		d.say(position{}, "", "the mapping is not UTF-8")
		return d, nil
	}
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(string(content), "\ufeff")) // as the parser counts lines
	d.lines = strings.Split(text, "\n")
	// Keys that stand twice are let through here, so that all are found and not the first only.
	f, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var located interface {
			GetToken() *token.Token
			GetMessage() string
		}
		if errors.As(err, &located) && located.GetToken() != nil && located.GetToken().Position != nil {
			at := located.GetToken().Position
			d.say(position{at.Line, at.Column}, "", "%s", located.GetMessage())
		} else {
			message, _, _ := strings.Cut(err.Error(), "\n")
			d.say(position{}, "", "%s", message)
		}
		return d, nil
	}
	var body ast.Node
	for _, doc := range f.Docs {
		switch {
		case doc.Body == nil:
		case body != nil:
			d.say(at(doc.Body), "", "a second document in one file; write one file for each")
		default:
			body = doc.Body
		}
	}
	if body == nil && len(d.problems) == 0 {
		d.say(position{}, "", "the mapping is empty")
	}
	return d, body
}

func (d *document) say(at position, field, format string, args ...any) {
	d.problems = append(d.problems, Problem{d.file, at.line, at.column, field, fmt.Sprintf(format, args...)})
}

// at is where a node begins. A mapping begins at its first key, not at the colon that the parser takes for its token.
func at(n ast.Node) position {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return at(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return at(n.Key)
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return position{1, 1}
	}
	p := n.GetToken().Position
	return position{max(p.Line, 1), max(p.Column, 1)}
}

// object calls the field's function for each key of a mapping. Unknown keys are noted with a suggestion; hints are what to
// write in place of a word that people bring from elsewhere.
func (d *document) object(n ast.Node, what string, fields map[string]func(ast.Node), hints map[string]string) {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		d.say(at(n), "", "%s needs keys, not %s", what, pack.KindOf(n))
		return
	}
	seen := map[string]position{}
	for _, p := range pairs {
		if _, plain := p.Key.(*ast.StringNode); !plain {
			d.say(at(p.Key), "", "a key needs to be a plain word; anchors, aliases and merges are not read")
			continue
		}
		key, where := p.Key.GetToken().Value, at(p.Key)
		take, ok := fields[key]
		switch first, twice := seen[key]; {
		case twice:
			d.say(where, key, "stands here a second time; the first is in line %d", first.line)
		case ok:
			take(p.Value)
		case hints[key] != "":
			d.say(where, "", "unknown key %q, did you mean %q?", key, hints[key])
		default:
			d.say(where, "", "%s", unknown("key", key, slices.Collect(maps.Keys(fields))))
		}
		seen[key] = where
	}
}

// list calls fn for each item.
func (d *document) list(n ast.Node, field string, fn func(ast.Node)) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		d.say(at(n), field, "needs a list, not %s", pack.KindOf(n))
		return
	}
	if len(s.Values) == 0 {
		d.say(at(n), field, "is an empty list")
	}
	for _, item := range s.Values {
		fn(item)
	}
}

// word reads a text; a number or truth value counts as its text, since a column may be called 1.
func (d *document) word(into *word, field string) func(ast.Node) {
	return func(n ast.Node) {
		into.position = at(n)
		switch n := n.(type) {
		case *ast.StringNode:
			into.s = n.Value
		case *ast.LiteralNode:
			into.s = strings.TrimSpace(n.Value.Value)
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
			into.s = n.GetToken().Value
		default:
			d.say(at(n), field, "needs a text, not %s", pack.KindOf(n))
			return
		}
		if into.s == "" {
			d.say(at(n), field, "is empty")
		}
	}
}

// words reads one text or a list of them.
func (d *document) words(into *[]word, field string) func(ast.Node) {
	return func(n ast.Node) {
		items := []ast.Node{n}
		if s, list := n.(*ast.SequenceNode); list {
			items = s.Values
		}
		*into = make([]word, len(items))
		for i, item := range items {
			d.word(&(*into)[i], field)(item)
		}
	}
}

// table reads keys with a text each, or several where lists are allowed.
func (d *document) table(into *map[string][]string, field string, lists bool) func(ast.Node) {
	return func(n ast.Node) {
		*into = map[string][]string{}
		var pairs []*ast.MappingValueNode
		switch n := n.(type) {
		case *ast.MappingNode:
			pairs = n.Values
		case *ast.MappingValueNode:
			pairs = []*ast.MappingValueNode{n}
		default:
			d.say(at(n), field, "needs keys with a text each, not %s", pack.KindOf(n))
			return
		}
		for _, p := range pairs {
			if _, list := p.Value.(*ast.SequenceNode); list && !lists {
				d.say(at(p.Value), field, "needs a text, not a list")
				continue
			}
			var values []word
			d.words(&values, field)(p.Value)
			if key := p.Key.GetToken(); key != nil {
				for _, v := range values {
					(*into)[key.Value] = append((*into)[key.Value], v.s)
				}
			}
		}
	}
}

// title reads a text, or one for each language.
func (d *document) title(into *map[string]string) func(ast.Node) {
	return func(n ast.Node) {
		*into = map[string]string{}
		if s, plain := n.(*ast.StringNode); plain {
			(*into)["en"] = s.Value
			return
		}
		language := func(name string) func(ast.Node) {
			return func(n ast.Node) {
				var w word
				d.word(&w, "title")(n)
				(*into)[name] = w.s
			}
		}
		d.object(n, "title", map[string]func(ast.Node){"en": language("en"), "zh-CN": language("zh-CN")}, nil)
	}
}

// choice reads one of a few words.
func (d *document) choice(into *word, field string, known ...string) func(ast.Node) {
	return func(n ast.Node) {
		d.word(into, field)(n)
		if into.s != "" && !slices.Contains(known, into.s) {
			d.say(into.position, field, "%s", unknown("value", into.s, known))
		}
	}
}

// number reads a finite number.
func (d *document) number(into **float64, field string) func(ast.Node) {
	return func(n ast.Node) {
		v, ok := pack.NumberOf(n)
		if !ok {
			d.say(at(n), field, "needs a number, not %s", pack.KindOf(n))
			return
		}
		*into = &v
	}
}
