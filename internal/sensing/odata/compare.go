package odata

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

// compare is what eq ne gt ge lt le say of two values; see the package comment. It is never unknown.
func compare(op Op, a, b Value) bool {
	if op == OpNe {
		return !compare(OpEq, a, b)
	}
	if a.kind == KindNull || b.kind == KindNull {
		return op == OpEq && a.kind == b.kind
	}
	if isTime(a) || isTime(b) {
		a, b = asTime(a), asTime(b)
		return a.kind == KindTime && b.kind == KindTime && compareTimes(op, a.a, a.b, b.a, b.b)
	}
	if a.kind == b.kind {
		switch a.kind {
		case KindNumber:
			return ordered(op, a.float(), b.float())
		case KindText:
			return ordered(op, a.text, b.text)
		case KindJSON:
			return op == OpEq && a.text == b.text
		case KindGeometry:
			return false
		}
		return ordered(op, a.a, b.a)
	}
	switch {
	case a.kind == KindNumber && b.kind == KindText:
		n, ok := numberIn(b.text)
		return ok && ordered(op, a.float(), n)
	case a.kind == KindText && b.kind == KindNumber:
		n, ok := numberIn(a.text)
		return ok && ordered(op, n, b.float())
	}
	return false
}

func ordered[T cmp.Ordered](op Op, a, b T) bool {
	switch op {
	case OpEq:
		return a == b
	case OpNe:
		return a != b
	case OpGt:
		return a > b
	case OpGe:
		return a >= b
	case OpLt:
		return a < b
	}
	return a <= b
}

// compareTimes holds the rules for instants and intervals, as the package comment tells them.
func compareTimes(op Op, s1, e1, s2, e2 int64) bool {
	switch op {
	case OpEq:
		return s1 == s2 && e1 == e2
	case OpNe:
		return s1 != s2 || e1 != e2
	case OpGt:
		return s1 >= e2 && s1 > s2
	case OpGe:
		return s1 >= s2 && e1 >= e2
	case OpLt:
		return e1 <= s2 && s1 < s2
	}
	return s1 <= s2 && e1 <= e2
}

// relateTimes holds the rules for the interval tests.
func relateTimes(f Func, s1, e1, s2, e2 int64) bool {
	switch f {
	case FuncBefore:
		return compareTimes(OpLt, s1, e1, s2, e2)
	case FuncAfter:
		return compareTimes(OpGt, s1, e1, s2, e2)
	case FuncMeets:
		return s1 == e2 || e1 == s2
	case FuncDuring:
		return s2 <= s1 && s1 < e2 && e1 <= e2
	case FuncOverlaps:
		return s1 < e2 && s2 < e1 || s1 == s2
	case FuncStarts:
		return s1 == s2
	}
	return e1 == e2 // finishes
}

// isTime tells whether a value is a time or a date.
func isTime(v Value) bool { return v.kind == KindTime || v.kind == KindDate }

// asTime is a time as it is, a date as its first instant, a text as the time that it holds, and null of anything else.
func asTime(v Value) Value {
	switch v.kind {
	case KindTime:
		return v
	case KindDate:
		return Instant(v.a)
	case KindText:
		if date, _ := timeLike(v.text); !date {
			return Value{}
		}
		t, err := timeOf(v.text)
		if err != nil {
			return Value{}
		}
		return asTime(t)
	}
	return Value{}
}

// numberIn is the number that a text holds: decimal digits with sign, point and exponent, and nothing else.
func numberIn(s string) (float64, bool) {
	if s == "" || len(s) > 64 {
		return 0, false
	}
	for i := range len(s) {
		if strings.IndexByte("0123456789+-.eE", s[i]) < 0 {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// Compare puts any two values into one order, for $orderby: null, truth values, numbers, texts by bytes, times by start and
// then end, dates, times of day, durations, geometries, JSON by bytes. Geometries are all alike.
func Compare(a, b Value) int {
	if a.kind != b.kind {
		return cmp.Compare(a.kind, b.kind)
	}
	switch a.kind {
	case KindNumber:
		return cmp.Compare(a.float(), b.float())
	case KindText, KindJSON:
		return cmp.Compare(a.text, b.text)
	case KindGeometry:
		return 0
	}
	return cmp.Or(cmp.Compare(a.a, b.a), cmp.Compare(a.b, b.b))
}

func negative(v Value) Value {
	switch v.kind {
	case KindNumber:
		return Number(-v.float())
	case KindDuration:
		return Duration(-v.a)
	}
	return Value{}
}

// calculate is what add sub mul div mod give; null where that is nothing.
func calculate(op Op, a, b Value) Value {
	if a.kind == KindNumber && b.kind == KindNumber {
		return Number(arithmeticOf(op, a.float(), b.float()))
	}
	if op == OpMul && a.kind == KindNumber {
		a, b = b, a
	}
	switch {
	case a.kind == KindDuration && b.kind == KindDuration && op == OpAdd:
		return duration(float64(a.a), a.a+b.a)
	case a.kind == KindDuration && b.kind == KindDuration && op == OpSub:
		return duration(float64(a.a), a.a-b.a)
	case a.kind == KindDuration && b.kind == KindNumber && (op == OpMul || op == OpDiv):
		f := arithmeticOf(op, float64(a.a), b.float())
		return duration(f, int64(f))
	case isTime(a) && b.kind == KindDuration && op == OpAdd:
		return moved(asTime(a), b.a)
	case isTime(a) && b.kind == KindDuration && op == OpSub:
		return moved(asTime(a), -b.a)
	case isTime(a) && isTime(b) && op == OpSub:
		return duration(float64(a.a)-float64(b.a), a.a-b.a)
	}
	return Value{}
}

func arithmeticOf(op Op, a, b float64) float64 {
	switch op {
	case OpAdd:
		return a + b
	case OpSub:
		return a - b
	case OpMul:
		return a * b
	case OpDiv:
		return a / b
	}
	return math.Mod(a, b)
}

// duration is null when it is too long. f is about as long as us, and can't overflow.
func duration(f float64, us int64) Value {
	if !(math.Abs(f) <= maxDuration) || us > maxDuration || us < -maxDuration {
		return Value{}
	}
	return Duration(us)
}

// moved is a time moved by a duration; null outside of the years 1 to 9999.
func moved(t Value, us int64) Value {
	if t.a < minTime || t.b > maxTime || t.a+us < minTime || t.b+us > maxTime {
		return Value{}
	}
	return Interval(t.a+us, t.b+us)
}
