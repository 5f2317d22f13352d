package pack

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// decoder fills Go values from a document and notes all that is wrong on the way, instead of stopping at the first.
type decoder struct {
	doc *document
	Diagnostics
}

// value decodes a node into what into points to.
func (d *decoder) value(n ast.Node, into any, what string, r Rules) {
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
			if at, ok := d.wideColon(n); ok {
				d.Add(at, CodeSyntax, wideColonWords)
				return
			}
			d.Add(d.doc.at(n), CodeType, "%s needs keys, not %s%s", what, KindOf(n), d.instead(n, v.Type(), what))
		}
	case reflect.Slice:
		s, ok := n.(*ast.SequenceNode)
		if !ok {
			d.Add(d.doc.at(n), CodeType, "%s needs a list, not %s", what, KindOf(n))
			return
		}
		if r.Required && len(s.Values) == 0 {
			d.Add(d.doc.at(n), CodeValue, "%s is an empty list", what)
		} else if r.Count > 0 && len(s.Values) != r.Count {
			d.Add(d.doc.at(n), CodeValue, "%s needs %d items, not %d", what, r.Count, len(s.Values))
		}
		v.Set(reflect.MakeSlice(v.Type(), 0, len(s.Values)))
		for i, item := range s.Values {
			fresh := reflect.New(v.Type().Elem())
			d.value(item, fresh.Interface(), itemOf(what, i, item), Rules{Name: r.Name, OneOf: r.OneOf, Bounds: r.Bounds})
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
			d.bounds(x, d.doc.at(n), what, r)
		}
	case reflect.Int, reflect.Int64:
		x, ok := d.number(n, what)
		if ok && x != float64(int64(x)) {
			d.Add(d.doc.at(n), CodeType, "%s needs a whole number", what)
		} else if ok {
			v.SetInt(int64(x))
			d.bounds(x, d.doc.at(n), what, r)
		}
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			if v.SetBool(b.Value); len(r.OneOf) > 0 && !slices.Contains(r.OneOf, strconv.FormatBool(b.Value)) {
				d.Add(d.doc.at(n), CodeValue, "%s may be %s only; leave it out otherwise", what, strings.Join(r.OneOf, " or "))
			}
		} else {
			d.Add(d.doc.at(n), CodeType, "%s needs true or false, not %s", what, KindOf(n))
		}
	default:
		panic(fmt.Sprintf("pack: no decoder for %s", v.Type())) // a mistake in our own declaration
	}
}

// instead says how the keys are written that were meant by a single value: {after: 6h} for 6h.
func (d *decoder) instead(n ast.Node, t reflect.Type, what string) string {
	written := ""
	switch n := n.(type) {
	case *ast.StringNode:
		if written = n.Value; n.Token.Type == token.DoubleQuoteType || n.Token.Type == token.SingleQuoteType {
			written = strconv.Quote(n.Value)
		}
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		written = n.GetToken().Value
	default:
		return ""
	}
	fits := func(f Field) bool {
		try := decoder{doc: d.doc}
		try.value(n, reflect.New(f.typ).Interface(), f.Key, f.Rules)
		return try.Err() == nil
	}
	var keys []string
	taken := false
	fields := fieldsOf(t)
	for _, f := range fields {
		switch {
		case !f.Required:
		case !taken && fits(f):
			keys, taken = append(keys, f.Key+": "+written), true
		default:
			keys = append(keys, f.Key+": …")
		}
	}
	if len(keys) == 0 { // of a group, the key whose name is nearest to that of the whole, else the first that fits
		for _, g := range groupsOf(t) {
			if g.Word == "at most" {
				continue
			}
			name := what[strings.LastIndex(what, " ")+1:]
			best := ""
			for _, f := range fields {
				if !slices.Contains(g.Keys, f.Key) || !fits(f) {
					continue
				}
				if best == "" || f.Key == nearest(name, g.Keys) {
					best = f.Key
				}
			}
			if best != "" {
				return fmt.Sprintf("; write %s: {%s: %s}", name, best, written)
			}
		}
		return ""
	}
	return fmt.Sprintf("; write %s: {%s}", what[strings.LastIndex(what, " ")+1:], strings.Join(keys, ", "))
}

// wideColon finds a full-width colon in a text that stands where keys are wanted.
func (d *decoder) wideColon(n ast.Node) (Pos, bool) {
	s, ok := n.(*ast.StringNode)
	if !ok || !strings.Contains(s.Value, "：") {
		return Pos{}, false
	}
	before, _, _ := strings.Cut(s.Value, "：")
	return String{s.Value, d.doc.at(n)}.within(utf8.RuneCountInString(before), 1), true
}

// itemOf says which item of a list is meant: by its id, where it has one.
func itemOf(what string, i int, item ast.Node) string {
	id, ok := under(item, "id").(*ast.StringNode)
	switch {
	case !ok || id.Value == "":
		return fmt.Sprintf("%s, item %d", what, i+1)
	case what == wholeFile:
		return id.Value
	}
	return what + " " + id.Value
}

// check holds a value against the rules of its field.
func (d *decoder) check(n ast.Node, into any, what string, r Rules) {
	switch v := into.(type) {
	case *String:
		d.word(n, *v, what, r)
	case *string:
		d.word(n, String{*v, d.doc.at(n)}, what, r)
	case *Names:
		for _, s := range *v {
			if s.Value != "" {
				d.allowed(s, what, r)
			}
		}
	case *Number:
		if !v.IsZero() {
			d.bounds(v.Value, v.Pos, what, r)
		}
	case *Duration:
		if !v.IsZero() {
			d.bounds(v.Value.Seconds(), v.Pos, what, r)
		}
	case *Term:
		if !v.IsZero() {
			d.bounds(v.seconds(), v.Pos, what, r)
		}
	case interface{ keys() []String }:
		for _, key := range v.keys() {
			if r.Name {
				d.name(key, what)
			}
			if len(r.OneOf) > 0 && !slices.Contains(r.OneOf, key.Value) {
				d.Add(key.Pos, CodeUnknownKey, "unknown key %q%s Under %s there may be %s", key.Value, orStop(suggest(key.Value, r.OneOf)), what, strings.Join(r.OneOf, ", "))
			}
		}
	}
}

// word holds one text against the rules of its field.
func (d *decoder) word(n ast.Node, s String, what string, r Rules) {
	switch {
	case s.Value == "" && KindOf(n) != "a text": // the wrong type was noted already
	case strings.TrimSpace(s.Value) == "":
		d.Add(d.doc.at(n), CodeValue, "%s is empty", what)
	default:
		s.Pos = d.doc.at(n)
		d.allowed(s, what, r)
	}
}

func (d *decoder) allowed(s String, what string, r Rules) {
	switch {
	case r.Name:
		d.name(s, what)
	case len(r.OneOf) > 0 && !slices.Contains(r.OneOf, s.Value):
		d.Add(s.Pos, CodeValue, "%s is %q%s It may be %s", what, s.Value, orStop(suggest(s.Value, r.OneOf)), strings.Join(r.OneOf, " or "))
	}
}

func (d *decoder) bounds(v float64, at Pos, what string, r Rules) {
	for _, b := range r.Bounds {
		if !b.holds(v) {
			d.Add(at, CodeValue, "%s needs to be %s", what, b)
		}
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
	fields := map[string]Field{}
	var known []string
	for _, f := range fieldsOf(v.Type()) {
		fields[f.Key] = f
		known = append(known, f.Key)
	}
	seen, misspelt := map[string]bool{}, map[string]bool{}
	d.entries(m, func(key String, value ast.Node) {
		f, ok := fields[key.Value]
		if !ok {
			d.Add(key.Pos, CodeUnknownKey, "unknown key %q%s", key.Value, suggest(key.Value, known))
			misspelt[nearest(key.Value, known)] = true
			return
		}
		seen[key.Value] = true
		d.value(value, v.FieldByIndex(f.index).Addr().Interface(), key.Value, f.Rules)
	})
	var missing []string
	for _, key := range known {
		if fields[key].Required && !seen[key] && !misspelt[key] { // misspelt, and not missing besides
			missing = append(missing, strconv.Quote(key))
		}
	}
	if len(missing) > 0 {
		d.Add(d.doc.at(m), CodeRequired, "%s lacks %s", what, joined(missing, " and "))
	}
	fill(v, known, fields, seen)
	for _, g := range groupsOf(v.Type()) {
		d.group(m, g, misspelt, what)
	}
	// Whoever embeds a Pos learns where the mapping begins.
	if f := v.FieldByName("Pos"); f.IsValid() && f.Type() == reflect.TypeFor[Pos]() && f.CanSet() {
		f.Set(reflect.ValueOf(d.doc.at(m)))
	}
}

// group notes where too many or too few of the keys of a group stand in a mapping.
func (d *decoder) group(m *ast.MappingNode, g Group, misspelt map[string]bool, what string) {
	var there []String // in the order of the file
	for _, e := range m.Values {
		if k, ok := e.Key.(*ast.StringNode); ok && slices.Contains(g.Keys, k.Value) {
			there = append(there, String{k.Value, d.doc.at(k)})
		}
	}
	missing := len(there) == 0 && !slices.ContainsFunc(g.Keys, func(key string) bool { return misspelt[key] })
	switch {
	case missing && g.Word != "at most":
		d.Add(d.doc.at(m), CodeKeys, "%s needs %s", what, joined(g.Keys, " or "))
	case len(there) > 1 && g.Word != "at least":
		d.Add(there[1].Pos, CodeKeys, "%s stands beside %s in %s; only one of %s may", there[1].Value, there[0].Value, what, joined(g.Keys, " and "))
		d.Note(there[0].Pos, "beside this")
	}
}

// joined is "a, b and c".
func joined(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + last + words[len(words)-1]
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
		if strings.Contains(k.Value, "：") {
			d.Add(key.within(utf8.RuneCountInString(k.Value[:strings.Index(k.Value, "：")]), 1), CodeSyntax, wideColonWords)
			continue
		}
		if at, twice := first[key.Value]; twice {
			d.Add(key.Pos, CodeDuplicate, "%q stands here a second time; the first is in line %d", key.Value, at.Line)
			d.Note(at, "the first")
			continue
		}
		first[key.Value] = key.Pos
		fn(key, e.Value)
	}
}
