package odata

import (
	"math"
	"strconv"
)

// meeting is how two values of different kinds are compared, by what is known of their expressions before a row is seen.
type meeting uint8

const (
	meetPlain  meeting = iota
	meetText           // a constant text meets a value of the row: numbers are compared as texts
	meetNumber         // a number meets a value of the row: a text there is no number
	meetOpen           // two values of the row meet: a text may be a number or a truth value
)

func meetingOf(l, r Expr) meeting {
	a, b := classOf(l.Type()), classOf(r.Type())
	switch {
	case a == classAny && b == classAny:
		return meetOpen
	case isText(l) && b == classAny, isText(r) && a == classAny:
		return meetText
	case a == classNumber && b == classAny, b == classNumber && a == classAny:
		return meetNumber
	}
	return meetPlain
}

func isText(e Expr) bool {
	l, ok := e.(*Literal)
	return ok && l.Value.kind == KindText
}

func (m meeting) compare(op Op, a, b Value) bool {
	if a.kind != b.kind {
		switch m {
		case meetText:
			a, b = textOf(a), textOf(b)
		case meetNumber:
			if a.kind == KindText || b.kind == KindText {
				return op == OpNe
			}
		case meetOpen:
			if op == OpEq || op == OpNe {
				a, b = truthText(a, b), truthText(b, a)
			}
		}
	}
	return compare(op, a, b)
}

// textOf is a number as JSON writes it, and anything else as it is.
func textOf(v Value) Value {
	if v.kind != KindNumber {
		return v
	}
	f, format := v.float(), byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return Text(strconv.FormatFloat(f, format, -1, 64))
}

// truthText is a truth value as JSON writes it where it meets a text, and anything else as it is.
func truthText(v, other Value) Value {
	if v.kind != KindBool || other.kind != KindText {
		return v
	}
	return Text(strconv.FormatBool(v.a != 0))
}
