package odata

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestEveryTreeReadsBackAsItself(t *testing.T) {
	of := SensorThings().Type("Observation")
	rapid.Check(t, func(t *rapid.T) {
		text := (&writer{t: t}).condition()
		e, err := ParseFilter(of, text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		again, err := ParseFilter(of, e.String())
		if err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		if dump(e) != dump(again) {
			t.Fatalf("%s\nis      %s\nand not %s", e, dump(again), dump(e))
		}
	})
}

// dump writes a tree without positions and model, every parenthesis in place.
func dump(e Expr) string {
	var b strings.Builder
	fmt.Fprintf(&b, "(%s", strings.TrimPrefix(reflect.TypeOf(e).String(), "*odata."))
	switch e := e.(type) {
	case *Literal:
		b.WriteString(string(appendLiteral(fmt.Appendf(nil, " %d ", e.Value.kind), e.Value)))
	case *Path:
		b.Write(appendPath([]byte{' '}, e))
	case *Unary:
		b.WriteString(e.Op.String())
	case *Binary:
		b.WriteString(e.Op.String())
	case *Logic:
		b.WriteString(e.Op.String())
	case *In:
		for _, l := range e.List {
			b.WriteString(dump(l))
		}
	case *Call:
		b.WriteString(e.Func.String())
	case *Lambda:
		b.WriteString(dump(e.Over) + e.Var + strconv.FormatBool(e.All))
	}
	for _, x := range children(e) {
		b.WriteString(dump(x))
	}
	return b.String() + ")"
}

func evaluated(t *rapid.T, e Expr, o Entity) Value {
	p := Compile(e, 0)
	v, err := p.Value(o)
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := p.Match(o); ok != (v == Bool(true)) {
		t.Fatalf("%s: matches %v, is %+v", e, ok, v)
	}
	return v
}

func TestLogicHasThreeValues(t *testing.T) {
	of := SensorThings().Type("Observation")
	rapid.Check(t, func(t *rapid.T) {
		o := observation(t)
		parsed := func(text string) Expr {
			e, err := ParseFilter(of, text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			return e
		}
		a, b := (&writer{t: t}).condition(), (&writer{t: t}).condition()
		is := func(text string) Value { return evaluated(t, parsed(text), o) }
		same := func(x, y string) {
			if is(x) != is(y) {
				t.Fatalf("%s is %+v\n%s is %+v", x, is(x), y, is(y))
			}
		}
		not := func(x string) string { return "not (" + x + ")" }
		if v := is(a); v != Bool(true) && v != Bool(false) && v != Null() {
			t.Fatalf("%s is %+v", a, v)
		}
		same(not(not(a)), a)
		same(not("("+a+") and ("+b+")"), not(a)+" or "+not(b))
		same(not("("+a+") or ("+b+")"), not(a)+" and "+not(b))
		same("("+a+") and ("+b+")", "("+b+") and ("+a+")")
		same("("+a+") or true", "true")
		same("("+a+") and false", "false")
		if (is(a) == Null()) != (is(not(a)) == Null()) {
			t.Fatalf("%s: null on one side of not only", a)
		}
		eq, ne := is("(result) eq 3"), is("(result) ne 3")
		if missing := is("(result) eq null") == Bool(true); missing && (eq != Null() || ne != Null()) || !missing && (eq == ne || eq == Null()) {
			t.Fatalf("eq is %+v, ne is %+v", eq, ne)
		}
	})
}

func TestFoldAndReduceKeepTheMeaning(t *testing.T) {
	of := SensorThings().Type("Observation")
	rapid.Check(t, func(t *rapid.T) {
		o := observation(t)
		text := (&writer{t: t}).condition()
		e, err := ParseFilter(of, text)
		if err != nil {
			t.Fatal(err)
		}
		want := evaluated(t, e, o)
		if got := evaluated(t, Fold(e, 0), o); got != want {
			t.Fatalf("%s is %+v, folded to %s it is %+v", e, want, Fold(e, 0), got)
		}
		rest := Reduce(e, func(x Expr) (Value, bool) {
			if rapid.Bool().Draw(t, "known") {
				return evaluated(t, x, o), true
			}
			return Null(), false
		})
		if got := evaluated(t, rest, o); got != want {
			t.Fatalf("%s is %+v, reduced to %s it is %+v", e, want, rest, got)
		}
		all := true
		for _, c := range Conjuncts(e) {
			all = all && evaluated(t, c, o) == Bool(true)
		}
		if all != (want == Bool(true)) {
			t.Fatalf("%s: its conjuncts say %v", e, all)
		}
	})
}
