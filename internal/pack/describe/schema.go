package describe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/anlan-city/anlan/internal/pack"
)

// SchemaFile is the name of the schema of a file: detectors.json for detectors.yaml, test.json for *_test.yaml.
func SchemaFile(d pack.Declaration) string {
	name := strings.TrimSuffix(d.File, path.Ext(d.File))
	return strings.TrimLeft(name, "*_") + ".json"
}

// schema is a JSON Schema, draft 7. Keywords come in this order, properties in that of the declaration.
type schema struct {
	Schema               string    `json:"$schema,omitempty"`
	Title                string    `json:"title,omitempty"`
	Description          string    `json:"description,omitempty"`
	Ref                  string    `json:"$ref,omitempty"`
	AllOf                []*schema `json:"allOf,omitempty"`
	OneOf                []*schema `json:"oneOf,omitempty"`
	AnyOf                []*schema `json:"anyOf,omitempty"`
	Not                  *schema   `json:"not,omitempty"`
	Type                 any       `json:"type,omitempty"`
	Enum                 []string  `json:"enum,omitempty"`
	Pattern              string    `json:"pattern,omitempty"`
	Minimum              *float64  `json:"minimum,omitempty"`
	ExclusiveMinimum     *float64  `json:"exclusiveMinimum,omitempty"`
	Maximum              *float64  `json:"maximum,omitempty"`
	ExclusiveMaximum     *float64  `json:"exclusiveMaximum,omitempty"`
	MinItems             *int      `json:"minItems,omitempty"`
	MaxItems             *int      `json:"maxItems,omitempty"`
	Items                *schema   `json:"items,omitempty"`
	MinProperties        *int      `json:"minProperties,omitempty"`
	Required             []string  `json:"required,omitempty"`
	Properties           ordered   `json:"properties,omitempty"`
	PropertyNames        *schema   `json:"propertyNames,omitempty"`
	AdditionalProperties any       `json:"additionalProperties,omitempty"` // false, or a *schema
	Default              any       `json:"default,omitempty"`
	Examples             []any     `json:"examples,omitempty"`
	Definitions          ordered   `json:"definitions,omitempty"`
}

// ordered is a JSON object whose keys keep their order.
type ordered []entry

type entry struct {
	key   string
	value *schema
}

// MarshalJSON writes the object.
func (o ordered) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, e := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := marshal(e.key)
		if err != nil {
			return nil, err
		}
		value, err := marshal(e.value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// marshal leaves < and > as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// Schema is the JSON Schema of a file.
func Schema(d pack.Declaration) ([]byte, error) {
	w := writer{uses: map[*pack.Form]int{}, names: map[*pack.Form]string{}}
	form := d.Form()
	w.count(form)
	s := w.form(form, pack.Rules{})
	s.Schema, s.Title, s.Description = "http://json-schema.org/draft-07/schema#", d.File, d.Title
	s.Definitions = w.definitions
	raw, err := marshal(s)
	if err != nil {
		return nil, fmt.Errorf("schema of %s: %w", d.File, err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return nil, fmt.Errorf("schema of %s: %w", d.File, err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// writer makes schemas of forms. A form with keys that stands in more than one place becomes a definition.
type writer struct {
	uses        map[*pack.Form]int
	names       map[*pack.Form]string
	definitions ordered
}

func (w *writer) count(f *pack.Form) {
	if f == nil {
		return
	}
	if w.uses[f]++; w.uses[f] > 1 {
		return
	}
	w.count(f.Item)
	for _, field := range f.Fields {
		w.count(field.Form)
	}
}

const (
	namePattern = `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`
	someText    = `\S`
)

// form is the schema of a form under the rules of the field that it stands in.
func (w *writer) form(f *pack.Form, r pack.Rules) *schema {
	switch f.Type {
	case pack.TypeText:
		return word(r)
	case pack.TypeNumber:
		return bounded(&schema{Type: "number"}, r)
	case pack.TypeWhole:
		return bounded(&schema{Type: "integer"}, r)
	case pack.TypeTruth:
		return &schema{Type: "boolean"}
	case pack.TypeDuration:
		return &schema{Type: "string", Pattern: pack.DurationPattern}
	case pack.TypeTerm:
		return &schema{Type: "string", Pattern: pack.TermPattern}
	case pack.TypePhrase, pack.TypeScalar:
		return &schema{Type: []string{"string", "number"}}
	case pack.TypeCondition:
		return &schema{Type: []string{"string", "boolean"}, Pattern: someText}
	case pack.TypeNames:
		one := word(r)
		return &schema{OneOf: []*schema{one, {Type: "array", Items: one, MinItems: number(1)}}}
	case pack.TypeBoth:
		return w.define(bothLanguages, "text")
	case pack.TypeList:
		s := &schema{Type: "array", Items: w.form(f.Item, pack.Rules{Name: r.Name, OneOf: r.OneOf, Bounds: r.Bounds})}
		switch {
		case r.Count > 0:
			s.MinItems, s.MaxItems = number(r.Count), number(r.Count)
		case r.Required:
			s.MinItems = number(1)
		}
		return s
	case pack.TypeMap:
		s := &schema{Type: "object", MinProperties: number(1), AdditionalProperties: w.form(f.Item, pack.Rules{})}
		if r.Name || len(r.OneOf) > 0 {
			s.PropertyNames = word(r)
		}
		return s
	}
	if w.uses[f] > 1 {
		return w.define(f, f.Name)
	}
	return w.keys(f)
}

// bothLanguages is the form of a text for people.
var bothLanguages = &pack.Form{Type: pack.TypeKeys, Fields: []pack.Field{
	{Key: "en", Doc: "in English", Rules: pack.Rules{Required: true}, Form: &pack.Form{Type: pack.TypeText}},
	{Key: "zh-CN", Doc: "in Chinese", Rules: pack.Rules{Required: true}, Form: &pack.Form{Type: pack.TypeText}},
}}

// define refers to the definition of a form, after making it the first time.
func (w *writer) define(f *pack.Form, name string) *schema {
	if w.names[f] == "" {
		for i := 2; w.taken(name); i++ {
			name = strings.TrimRight(name, "0123456789") + strconv.Itoa(i)
		}
		w.names[f] = name
		at := len(w.definitions)
		w.definitions = append(w.definitions, entry{key: name})
		w.definitions[at].value = w.keys(f)
	}
	return &schema{Ref: "#/definitions/" + w.names[f]}
}

func (w *writer) taken(name string) bool {
	for _, d := range w.definitions {
		if d.key == name {
			return true
		}
	}
	return false
}

func (w *writer) keys(f *pack.Form) *schema {
	s := &schema{Type: "object", AdditionalProperties: false}
	for _, field := range f.Fields {
		p := w.form(field.Form, field.Rules)
		if p.Ref != "" { // what stands beside a $ref is not read in draft 7
			p = &schema{AllOf: []*schema{p}}
		}
		p.Description = field.Doc
		p.Default, p.Examples = defaultOf(field), exampleOf(field)
		s.Properties = append(s.Properties, entry{field.Key, p})
		if field.Required {
			s.Required = append(s.Required, field.Key)
		}
	}
	for _, g := range f.Groups {
		s.AllOf = append(s.AllOf, group(g)...)
	}
	return s
}

// group says how many of some keys may stand there.
func group(g pack.Group) []*schema {
	var any, pairs []*schema
	for i, key := range g.Keys {
		any = append(any, &schema{Required: []string{key}})
		for _, other := range g.Keys[:i] {
			pairs = append(pairs, &schema{Not: &schema{Required: []string{other, key}}})
		}
	}
	switch g.Word {
	case "exactly":
		return append(pairs, &schema{AnyOf: any})
	case "at least":
		return []*schema{{AnyOf: any}}
	}
	return pairs
}

func word(r pack.Rules) *schema {
	switch {
	case len(r.OneOf) > 0:
		return &schema{Type: "string", Enum: r.OneOf}
	case r.Name:
		return &schema{Type: "string", Pattern: namePattern}
	}
	return &schema{Type: "string", Pattern: someText}
}

func bounded(s *schema, r pack.Rules) *schema {
	for _, b := range r.Bounds {
		limit := b.Limit
		switch b.Word {
		case "above":
			s.ExclusiveMinimum = &limit
		case "below":
			s.ExclusiveMaximum = &limit
		case "at least":
			s.Minimum = &limit
		case "at most":
			s.Maximum = &limit
		}
	}
	return s
}

func number(n int) *int { return &n }

// defaultOf is the default as JSON has it; nil where there is none, or where it is what another key has.
func defaultOf(f pack.Field) any {
	if f.Default == "" || strings.HasPrefix(f.Default, "as ") {
		return nil
	}
	switch f.Form.Type {
	case pack.TypeNumber, pack.TypeWhole, pack.TypeTruth:
		return valueOf(f.Default)
	}
	return f.Default
}

func exampleOf(f pack.Field) []any {
	if f.Example == "" {
		return nil
	}
	return []any{valueOf(f.Example)}
}

// valueOf reads a value in YAML. Where that fails the tests of the declarations fail too.
func valueOf(text string) any {
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		return text
	}
	return v
}
