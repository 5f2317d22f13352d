package pack

import (
	"fmt"
	"reflect"
	"strings"
)

// Plain writes a decoded value without the places where its parts stand: the same text means the same, wherever it stands
// in its file.
func Plain(v any) string {
	var b strings.Builder
	plainInto(&b, reflect.ValueOf(v))
	return b.String()
}

func plainInto(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			b.WriteByte('-')
			return
		}
		plainInto(b, v.Elem())
	case reflect.Struct:
		b.WriteByte('{')
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Type == reflect.TypeFor[Pos]() || !f.IsExported() {
				continue
			}
			b.WriteString(f.Name + ":")
			plainInto(b, v.Field(i))
			b.WriteByte(' ')
		}
		b.WriteByte('}')
	case reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			plainInto(b, v.Index(i))
			b.WriteByte(' ')
		}
		b.WriteByte(']')
	default:
		fmt.Fprintf(b, "%#v", v.Interface())
	}
}

// Mentions says whether the condition speaks of a variable.
func (c *Condition) Mentions(variable string) bool {
	for _, word := range strings.FieldsFunc(c.source, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	}) {
		if word == variable {
			return true
		}
	}
	return false
}
