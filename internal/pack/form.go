package pack

import (
	"fmt"
	"path"
	"reflect"
	"strings"
	"unicode"
)

// Declaration is what one file of a pack may hold, as the room that reads the file declares it. The decoder, the JSON
// Schema and the reference page are made of it.
type Declaration struct {
	File  string // the file's name in the pack's folder, or a pattern such as *_test.yaml
	Title string // what the file is, in one line
	Of    any    // a zero value of what it is decoded into
}

// MainDeclaration is that of pack.yaml.
func MainDeclaration() Declaration {
	return Declaration{File: Main, Title: "What is observed, on what kinds of asset, and what people report", Of: mainFile{}}
}

// Matches says whether the declaration is that of the file with this name.
func (d Declaration) Matches(file string) bool {
	ok, _ := path.Match(d.File, file)
	return ok
}

// New is a pointer to a fresh value, to decode a file into.
func (d Declaration) New() any { return reflect.New(reflect.TypeOf(d.Of)).Interface() }

// Form is what the file holds.
func (d Declaration) Form() *Form { return forms{}.of(reflect.TypeOf(d.Of)) }

// Type is the type of what stands in one place of a file, in the words of someone who does not program.
type Type string

// The types.
const (
	TypeText      Type = "text"
	TypeNumber    Type = "number"
	TypeWhole     Type = "whole number"
	TypeTruth     Type = "true or false"
	TypeDuration  Type = "duration"
	TypeTerm      Type = "duration or working days"
	TypeBoth      Type = "text in both languages"
	TypeNames     Type = "one name or a list of names"
	TypeCondition Type = "condition"
	TypePhrase    Type = "series of readings" // a text, or a number as it was written
	TypeScalar    Type = "text or number"
	TypeKeys      Type = "keys"             // those of Form.Fields
	TypeMap       Type = "keys of your own" // with Form.Item under each
	TypeList      Type = "list"             // of Form.Item
)

// Form is what may stand in one place of a file. Two places of the same Go type share one Form, so that a form may hold
// itself.
type Form struct {
	Type   Type
	Name   string  // of a form with keys: what one such thing is called
	Fields []Field // of TypeKeys
	Groups []Group // of TypeKeys
	Item   *Form   // of TypeMap and TypeList
}

// forms are the forms of struct types that were met already.
type forms map[reflect.Type]*Form

// mapping is what Map fulfils for each of its types of value.
type mapping interface{ item() reflect.Type }

func (m Map[T]) item() reflect.Type { return reflect.TypeFor[T]() }

func (fs forms) of(t reflect.Type) *Form {
	switch t {
	case reflect.TypeFor[String]():
		return &Form{Type: TypeText}
	case reflect.TypeFor[Number]():
		return &Form{Type: TypeNumber}
	case reflect.TypeFor[Duration]():
		return &Form{Type: TypeDuration}
	case reflect.TypeFor[Term]():
		return &Form{Type: TypeTerm}
	case reflect.TypeFor[Text]():
		return &Form{Type: TypeBoth}
	case reflect.TypeFor[Names]():
		return &Form{Type: TypeNames}
	case reflect.TypeFor[Scalar]():
		return &Form{Type: TypeScalar}
	case reflect.TypeFor[Phrase]():
		return &Form{Type: TypePhrase}
	case reflect.TypeFor[Expr]():
		return &Form{Type: TypeCondition}
	}
	if m, ok := reflect.Zero(t).Interface().(mapping); ok {
		return &Form{Type: TypeMap, Item: fs.of(m.item())}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return fs.of(t.Elem())
	case reflect.Slice:
		return &Form{Type: TypeList, Item: fs.of(t.Elem())}
	case reflect.String:
		return &Form{Type: TypeText}
	case reflect.Float64:
		return &Form{Type: TypeNumber}
	case reflect.Int, reflect.Int64:
		return &Form{Type: TypeWhole}
	case reflect.Bool:
		return &Form{Type: TypeTruth}
	case reflect.Struct:
		return fs.keys(t)
	}
	panic(fmt.Sprintf("pack: no form for %s", t)) // a mistake in our own declaration
}

func (fs forms) keys(t reflect.Type) *Form {
	if f := fs[t]; f != nil {
		return f
	}
	form := &Form{Type: TypeKeys, Name: nameOf(t), Groups: groupsOf(t)}
	fs[t] = form // before its fields: one of them may hold it again
	for _, f := range fieldsOf(t) {
		f.Form = fs.of(f.typ)
		form.Fields = append(form.Fields, f)
	}
	return form
}

// Try says what is wrong with the field's own example and default. Tests ask it of every field.
func (f Field) Try() error {
	var ds Diagnostics
	for tag, text := range map[string]string{"example": f.Example, "default": f.Default} {
		if text == "" || f.as() != "" && tag == "default" {
			continue
		}
		if tag == "default" {
			f.fill(reflect.New(f.typ).Elem())
		}
		doc, err := read([]byte(text), tag+" of "+f.Key)
		ds.Join(err)
		if err == nil && (tag == "example" || f.typ != reflect.TypeFor[Names]()) {
			d := &decoder{doc: doc}
			d.value(doc.body, reflect.New(f.typ).Interface(), f.Key, f.Rules)
			ds = append(ds, d.Diagnostics...)
		}
	}
	return ds.Err()
}

// nameOf makes "due-date" of dueDateEntry and dueDateDoc.
func nameOf(t reflect.Type) string {
	name := t.Name()
	for _, suffix := range []string{"Entry", "Doc", "File"} {
		name = strings.TrimSuffix(name, suffix)
	}
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
