package odata

import "strings"

// class is a set of kinds that an expression may turn out to have.
type class uint16

const (
	classBool class = 1 << iota
	classNumber
	classText
	classTime
	classDate
	classTimeOfDay
	classDuration
	classGeometry
	classAny class = 1<<iota - 1
)

func classOf(t Type) class {
	switch t {
	case TypeBool:
		return classBool
	case TypeNumber, TypeID:
		return classNumber
	case TypeText:
		return classText
	case TypeInstant, TypeInterval, TypeTime:
		return classTime
	case TypeDate:
		return classDate
	case TypeTimeOfDay:
		return classTimeOfDay
	case TypeDuration:
		return classDuration
	case TypeGeometry:
		return classGeometry
	}
	return classAny
}

func (c class) String() string {
	if c == classAny {
		return "any value"
	}
	var out []string
	for i, name := range []string{"a truth value", "a number", "a text", "a time", "a date", "a time of day", "a duration", "a geometry"} {
		if c&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return strings.Join(out, " or ")
}

// Type of a literal.
func (e *Literal) Type() Type {
	switch e.Value.kind {
	case KindBool:
		return TypeBool
	case KindNumber:
		return TypeNumber
	case KindText:
		return TypeText
	case KindTime:
		if e.Value.a == e.Value.b {
			return TypeInstant
		}
		return TypeInterval
	case KindDate:
		return TypeDate
	case KindTimeOfDay:
		return TypeTimeOfDay
	case KindDuration:
		return TypeDuration
	case KindGeometry:
		return TypeGeometry
	case KindJSON:
		return TypeJSON
	}
	return TypeNull
}

// Type of a path is its property's; a part of a JSON value can be anything.
func (e *Path) Type() Type {
	if e.Prop == nil || len(e.Sub) > 0 {
		return TypeAny
	}
	return e.Prop.Type
}

// Type of not is a truth value; of minus a number or a duration.
func (e *Unary) Type() Type {
	if e.Op == OpNot {
		return TypeBool
	}
	return e.X.Type()
}

// Type of a comparison is a truth value; of a calculation what its sides make of it.
func (e *Binary) Type() Type {
	if e.Op.Compares() {
		return TypeBool
	}
	t, _ := arithmetic(e.Op, e.L.Type(), e.R.Type())
	return t
}

// Type of and, or is a truth value.
func (e *Logic) Type() Type { return TypeBool }

// Type of in is a truth value.
func (e *In) Type() Type { return TypeBool }

// Type of in is a truth value.
func (e *InArray) Type() Type { return TypeBool }

// Type of a call is what the function gives.
func (e *Call) Type() Type { return e.Func.gives() }

// Type of any and all is a truth value.
func (e *Lambda) Type() Type { return TypeBool }

// arithmetic is the type that a calculation gives, and whether it can be done at all.
func arithmetic(op Op, l, r Type) (Type, bool) {
	a, b := classOf(l), classOf(r)
	if a == classAny || b == classAny {
		known := a & b
		ok := known == classAny || known&(classNumber|classDuration) != 0 ||
			known&(classTime|classDate) != 0 && (op == OpSub || op == OpAdd && b == classAny)
		return TypeAny, ok
	}
	switch {
	case a == classNumber && b == classNumber:
		return TypeNumber, true
	case a == classDuration && b == classDuration && (op == OpAdd || op == OpSub):
		return TypeDuration, true
	case a == classDuration && b == classNumber && (op == OpMul || op == OpDiv), a == classNumber && b == classDuration && op == OpMul:
		return TypeDuration, true
	case a == classTime && b == classDuration && (op == OpAdd || op == OpSub):
		return l, true
	case a == classDate && b == classDuration && (op == OpAdd || op == OpSub):
		return TypeInstant, true
	case op == OpSub && (a|b)&^(classTime|classDate) == 0:
		return TypeDuration, true
	}
	return TypeAny, false
}

// comparable tells whether two values of the types can ever be compared. Geometries are left to st_equals.
func comparable(l, r Type) bool {
	a, b := classOf(l), classOf(r)
	if l == TypeNull || r == TypeNull {
		return true
	}
	if a == classGeometry || b == classGeometry {
		return false
	}
	if a&b != 0 {
		return true
	}
	pair := a | b
	return pair == classNumber|classText || pair == classTime|classDate
}
