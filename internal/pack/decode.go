package pack

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// decoder fills Go values from a document and notes all that is wrong on the way, instead of stopping at the first.
type decoder struct {
	doc *document
	Diagnostics
}

// rules are what a field's `pack` tag asks for: "required", "one of a b c", "name" (lower-case words joined by hyphens).
type rules struct {
	required bool
	name     bool
	oneOf    []string
}

func rulesOf(tag string) rules {
	var r rules
	for part := range strings.SplitSeq(tag, ",") {
		switch word, rest, _ := strings.Cut(part, " of "); {
		case part == "":
		case part == "required":
			r.required = true
		case part == "name":
			r.name = true
		case word == "one":
			r.oneOf = strings.Fields(rest)
		default:
			panic("pack: unknown rule " + part) // a mistake in our own declaration, found by any test that decodes it
		}
	}
	return r
}

// value decodes a node into what into points to.
func (d *decoder) value(n ast.Node, into any, what string, r rules) {
	switch n := n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		d.Add(d.doc.at(n), CodeLanguage, "%s: anchors, aliases, tags and merges are no part of the pack language; write the value out", what)
		return
	case *ast.NullNode:
		d.Add(d.doc.at(n), CodeType, "%s has nothing under it", what)
		return
	case *ast.MappingValueNode: // a mapping with one key, in some places of the parser
		d.value(&ast.MappingNode{BaseNode: n.BaseNode, Start: n.GetToken(), Values: []*ast.MappingValueNode{n}}, into, what, r)
		return
	}
	if own, ok := into.(decodable); ok {
		own.decode(d, n, what)
		d.check(n, into, what, r)
		return
	}
	v := reflect.ValueOf(into).Elem()
	switch v.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		d.value(n, fresh.Interface(), what, r)
		v.Set(fresh)
	case reflect.Struct:
		if m, ok := n.(*ast.MappingNode); ok {
			d.mapping(m, into, what)
		} else {
			d.Add(d.doc.at(n), CodeType, "%s needs keys, not %s", what, KindOf(n))
		}
	case reflect.Slice:
		s, ok := n.(*ast.SequenceNode)
		if !ok {
			d.Add(d.doc.at(n), CodeType, "%s needs a list, not %s", what, KindOf(n))
			return
		}
		if r.required && len(s.Values) == 0 {
			d.Add(d.doc.at(n), CodeValue, "%s is an empty list", what)
		}
		for i, item := range s.Values {
			fresh := reflect.New(v.Type().Elem())
			d.value(item, fresh.Interface(), fmt.Sprintf("%s, item %d", what, i+1), rules{name: r.name, oneOf: r.oneOf})
			v.Set(reflect.Append(v, fresh.Elem()))
		}
	case reflect.String:
		if s, ok := d.text(n, what); ok {
			v.SetString(s)
			d.check(n, into, what, r)
		}
	case reflect.Float64:
		if x, ok := d.number(n, what); ok {
			v.SetFloat(x)
		}
	case reflect.Int, reflect.Int64:
		x, ok := d.number(n, what)
		if ok && x != float64(int64(x)) {
			d.Add(d.doc.at(n), CodeType, "%s needs a whole number", what)
		} else if ok {
			v.SetInt(int64(x))
		}
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
		} else {
			d.Add(d.doc.at(n), CodeType, "%s needs true or false, not %s", what, KindOf(n))
		}
	default:
		panic(fmt.Sprintf("pack: no decoder for %s", v.Type())) // a mistake in our own declaration
	}
}

// check holds a text against the rules of its field.
func (d *decoder) check(n ast.Node, into any, what string, r rules) {
	var s string
	switch v := into.(type) {
	case *String:
		s = v.Value
	case *string:
		s = *v
	default:
		return
	}
	switch {
	case s == "" && KindOf(n) != "a text": // the wrong type was noted already
	case strings.TrimSpace(s) == "":
		d.Add(d.doc.at(n), CodeValue, "%s is empty", what)
	case r.name:
		d.name(String{s, d.doc.at(n)}, what)
	case len(r.oneOf) > 0 && !slices.Contains(r.oneOf, s):
		d.Add(d.doc.at(n), CodeValue, "%s is %q%s It may be %s", what, s, orStop(suggest(s, r.oneOf)), strings.Join(r.oneOf, " or "))
	}
}

func orStop(suggestion string) string {
	if suggestion == "" {
		return "."
	}
	return suggestion
}

// name notes where a text is not lower-case words of a-z and 0-9, joined by hyphens, beginning with a letter.
func (d *decoder) name(s String, what string) {
	word := false
	for i, r := range s.Value {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9' && i > 0:
			word = true
		case r == '-' && word && i < len(s.Value)-1:
			word = false
		default:
			d.Add(s.Pos, CodeValue, "%s: %q is no name; names are lower-case words of a-z and 0-9 joined by hyphens, such as kitchen-alarm", what, s.Value)
			return
		}
	}
}

// mapping decodes a mapping into the struct that into points to.
func (d *decoder) mapping(m *ast.MappingNode, into any, what string) {
	v := reflect.ValueOf(into).Elem()
	fields := map[string]reflect.StructField{}
	var known []string
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if key := f.Tag.Get("yaml"); key != "" {
			fields[key] = f
			known = append(known, key)
		}
	}
	seen := map[string]bool{}
	d.entries(m, func(key String, value ast.Node) {
		f, ok := fields[key.Value]
		if !ok {
			d.Add(key.Pos, CodeUnknownKey, "unknown key %q%s", key.Value, suggest(key.Value, known))
			seen[nearest(key.Value, known)] = true // misspelt, and not missing besides
			return
		}
		seen[key.Value] = true
		d.value(value, v.FieldByIndex(f.Index).Addr().Interface(), key.Value, rulesOf(f.Tag.Get("pack")))
	})
	for _, key := range known {
		if rulesOf(fields[key].Tag.Get("pack")).required && !seen[key] {
			d.Add(d.doc.at(m), CodeRequired, "%s lacks %q", what, key)
		}
	}
	// Whoever embeds a Pos learns where the mapping begins.
	if f := v.FieldByName("Pos"); f.IsValid() && f.Type() == reflect.TypeFor[Pos]() && f.CanSet() {
		f.Set(reflect.ValueOf(d.doc.at(m)))
	}
}

// entries calls fn for each key of a mapping, after noting keys that stand twice and keys that are not texts.
func (d *decoder) entries(m *ast.MappingNode, fn func(key String, value ast.Node)) {
	first := map[string]Pos{}
	for _, e := range m.Values {
		k, ok := e.Key.(*ast.StringNode)
		if !ok {
			if _, merge := e.Key.(*ast.MergeKeyNode); merge {
				d.Add(d.doc.at(e.Key), CodeLanguage, "merges are no part of the pack language; write the keys out")
			} else {
				d.Add(d.doc.at(e.Key), CodeType, "a key needs to be a text, not %s; put it in quotes", KindOf(e.Key))
			}
			continue
		}
		key := String{k.Value, d.doc.at(k)}
		if at, twice := first[key.Value]; twice {
			d.Add(key.Pos, CodeDuplicate, "%q stands here a second time; the first is in line %d", key.Value, at.Line)
			continue
		}
		first[key.Value] = key.Pos
		fn(key, e.Value)
	}
}
