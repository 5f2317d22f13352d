package pack

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Rules are what a field's `pack` tag asks for, parted by commas:
//
//	required             the key must be there, and a list must not be empty
//	name                 a name: of a text, of each item of a list, of each key of a Map
//	one of a b c         one of these words, likewise
//	exactly 2 items      the length of a list
//	above 0, below 1, at least 0.5, at most 10m      bounds of a number or a duration
//
// The tag of a struct's Pos speaks of the struct's keys:
//
//	exactly one of a b, at least one of a b, at most one of a b
type Rules struct {
	Required bool
	Name     bool
	OneOf    []string
	Count    int // 0: any number of items
	Bounds   []Bound
	Groups   []Group
}

// Bound is a limit of a number, or of a duration in seconds.
type Bound struct {
	Word  string // "above", "below", "at least", "at most"
	Limit float64
	Text  string // the limit as it was declared
}

// String is "above 0".
func (b Bound) String() string { return b.Word + " " + b.Text }

func (b Bound) holds(v float64) bool {
	switch b.Word {
	case "above":
		return v > b.Limit
	case "below":
		return v < b.Limit
	case "at least":
		return v >= b.Limit
	default:
		return v <= b.Limit
	}
}

// Group says how many of some keys of a struct may stand there at a time.
type Group struct {
	Word string // "exactly", "at least", "at most": one of Keys
	Keys []string
}

func rulesOf(tag string) Rules {
	var r Rules
	for part := range strings.SplitSeq(tag, ",") {
		part = strings.TrimSpace(part)
		switch {
		case part == "":
		case part == "required":
			r.Required = true
		case part == "name":
			r.Name = true
		case strings.HasPrefix(part, "one of "):
			r.OneOf = strings.Fields(strings.TrimPrefix(part, "one of "))
		default:
			if !r.group(part) && !r.count(part) && !r.bound(part) {
				panic("pack: unknown rule " + part) // a mistake in our own declaration, found by any test that decodes it
			}
		}
	}
	return r
}

func (r *Rules) group(part string) bool {
	word, keys, ok := strings.Cut(part, " one of ")
	if ok = ok && slices.Contains([]string{"exactly", "at least", "at most"}, word); ok {
		r.Groups = append(r.Groups, Group{word, strings.Fields(keys)})
	}
	return ok
}

func (r *Rules) count(part string) bool {
	rest, ok := strings.CutPrefix(part, "exactly ")
	number, ok2 := strings.CutSuffix(rest, " items")
	n, err := strconv.Atoi(number)
	if ok = ok && ok2 && err == nil; ok {
		r.Count = n
	}
	return ok
}

func (r *Rules) bound(part string) bool {
	for _, word := range []string{"above", "below", "at least", "at most"} {
		text, ok := strings.CutPrefix(part, word+" ")
		if !ok {
			continue
		}
		limit, err := strconv.ParseFloat(text, 64)
		if err != nil {
			span, err := parseDuration(text)
			if err != nil {
				return false
			}
			limit = span.Seconds()
		}
		r.Bounds = append(r.Bounds, Bound{word, limit, text})
		return true
	}
	return false
}

// Field is one key of a mapping, as the tags of its struct's field declare it: `yaml` is the key, `pack` the Rules, `doc`
// what it means, `default` what holds where the key is missing (the decoder puts it there), `example` a value in YAML.
type Field struct {
	Key, Doc, Default, Example string
	Rules
	Form *Form // nil while only decoding

	index []int
	typ   reflect.Type
}

// fieldsOf are the fields of a struct type in their order. The fields of an embedded struct stand among those of the outer.
func fieldsOf(t reflect.Type) []Field {
	var fs []Field
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("yaml")
		if key == "" && f.Anonymous && f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[Pos]() {
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				fs = append(fs, inner)
			}
			continue
		}
		if key == "" {
			continue
		}
		fs = append(fs, Field{Key: key, Doc: f.Tag.Get("doc"), Default: f.Tag.Get("default"), Example: f.Tag.Get("example"),
			Rules: rulesOf(f.Tag.Get("pack")), index: []int{i}, typ: f.Type})
	}
	return fs
}

// groupsOf are the groups that the tag of a struct's Pos declares.
func groupsOf(t reflect.Type) []Group {
	f, ok := t.FieldByName("Pos")
	if !ok || f.Type != reflect.TypeFor[Pos]() {
		return nil
	}
	return rulesOf(f.Tag.Get("pack")).Groups
}

// fill puts defaults into the fields of a struct whose keys are missing. Their places stay zero: nothing stands there. A
// default `as other` is what the other key has.
func fill(v reflect.Value, keys []string, fields map[string]Field, seen map[string]bool) {
	for _, key := range keys {
		if f := fields[key]; f.Default != "" && f.as() == "" && !seen[key] {
			f.fill(v.FieldByIndex(f.index))
		}
	}
	for _, key := range keys {
		f := fields[key]
		if f.as() == "" || seen[key] {
			continue
		}
		other, ok := fields[f.as()]
		if !ok || other.typ != f.typ {
			panic(fmt.Sprintf("pack: the default of %s: no %s of its type", key, f.as())) // a mistake in our own declaration
		}
		mine := v.FieldByIndex(f.index)
		mine.Set(v.FieldByIndex(other.index))
		if mine.Kind() == reflect.Struct {
			if pos := mine.FieldByName("Pos"); pos.IsValid() {
				pos.SetZero()
			}
		}
	}
}

// as is the other key whose value is the default of this one.
func (f Field) as() string {
	other, _ := strings.CutPrefix(f.Default, "as ")
	if other == f.Default {
		return ""
	}
	return other
}

func (f Field) fill(v reflect.Value) {
	var err error
	switch x := v.Addr().Interface().(type) {
	case *String:
		x.Value = f.Default
	case *Names:
		for _, word := range strings.Fields(f.Default) {
			*x = append(*x, String{Value: word})
		}
	case *Number:
		x.Value, err = strconv.ParseFloat(f.Default, 64)
	case *Duration:
		x.Value, err = parseDuration(f.Default)
	case *Term:
		x.Value, x.WorkingDays, err = parseTerm(f.Default)
	case *string:
		*x = f.Default
	case *float64:
		*x, err = strconv.ParseFloat(f.Default, 64)
	case *int:
		*x, err = strconv.Atoi(f.Default)
	case *bool:
		*x, err = strconv.ParseBool(f.Default)
	default:
		err = fmt.Errorf("a %s has no defaults", v.Type())
	}
	if err != nil {
		panic(fmt.Sprintf("pack: the default of %s: %v", f.Key, err)) // a mistake in our own declaration
	}
}
