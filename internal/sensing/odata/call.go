package odata

import (
	"math"
	"strings"
	"unicode/utf8"
)

// arguments compiles the arguments of a call, of which there are three at most. They come back by value, so that no call
// allocates.
func (c compiler) arguments(e *Call) func(Entity, *scope) (x, y, z Value, err error) {
	args := [3]value{}
	for i := range args {
		args[i] = func(Entity, *scope) (Value, error) { return Value{}, nil }
		if i < len(e.Args) {
			args[i] = c.value(e.Args[i])
		}
	}
	return func(e Entity, s *scope) (x, y, z Value, err error) {
		if x, err = args[0](e, s); err != nil {
			return x, y, z, err
		}
		if y, err = args[1](e, s); err != nil {
			return x, y, z, err
		}
		z, err = args[2](e, s)
		return x, y, z, err
	}
}

// call compiles a function that gives anything but a truth value.
func (c compiler) call(e *Call) value {
	f, n, now, args := e.Func, len(e.Args), c.now, c.arguments(e)
	return func(e Entity, s *scope) (Value, error) {
		x, y, z, err := args(e, s)
		if err != nil {
			return Value{}, err
		}
		switch {
		case f == FuncNow:
			return Instant(now), nil
		case f == FuncMindatetime:
			return Instant(minTime), nil
		case f == FuncMaxdatetime:
			return Instant(maxTime), nil
		case f <= FuncConcat:
			return textFunction(f, n, x, y, z), nil
		case f <= FuncTotaloffsetminutes:
			return timeFunction(f, x), nil
		case f <= FuncCeiling:
			return numberFunction(f, x), nil
		}
		return geoFunction(f, x, y), nil
	}
}

// predicate compiles a function that gives a truth value.
func (c compiler) predicate(e *Call) test {
	if f := e.Func; f >= FuncGeoIntersects && f <= FuncStRelate {
		return c.spatial(e)
	}
	f, args := e.Func, c.arguments(e)
	return func(e Entity, s *scope) (truth, error) {
		x, y, _, err := args(e, s)
		if err != nil {
			return unknown, err
		}
		if f >= FuncBefore {
			x, y = asTime(x), asTime(y)
			if x.kind != KindTime || y.kind != KindTime {
				return unknown, nil
			}
			return truthOf(relateTimes(f, x.a, x.b, y.a, y.b)), nil
		}
		if x.kind != KindText || y.kind != KindText {
			return unknown, nil
		}
		switch f {
		case FuncSubstringof:
			return truthOf(strings.Contains(y.text, x.text)), nil
		case FuncStartswith:
			return truthOf(strings.HasPrefix(x.text, y.text)), nil
		}
		return truthOf(strings.HasSuffix(x.text, y.text)), nil
	}
}

// textFunction counts in characters (code points), from 0.
func textFunction(f Func, n int, a, b, c Value) Value {
	if a.kind != KindText {
		return Value{}
	}
	switch f {
	case FuncLength:
		return Number(float64(utf8.RuneCountInString(a.text)))
	case FuncTolower:
		return Text(strings.ToLower(a.text))
	case FuncToupper:
		return Text(strings.ToUpper(a.text))
	case FuncTrim:
		return Text(strings.TrimSpace(a.text))
	case FuncSubstring:
		if b.kind != KindNumber || n == 3 && c.kind != KindNumber {
			return Value{}
		}
		rest := skipRunes(a.text, b.float())
		if n == 3 {
			rest = rest[:len(rest)-len(skipRunes(rest, c.float()))]
		}
		return Text(rest)
	}
	if b.kind != KindText {
		return Value{}
	}
	if f == FuncConcat {
		return Text(a.text + b.text)
	}
	at := strings.Index(a.text, b.text) // indexof
	if at > 0 {
		at = utf8.RuneCountInString(a.text[:at])
	}
	return Number(float64(at))
}

// skipRunes leaves out the first n characters, or as many as there are.
func skipRunes(s string, n float64) string {
	for ; n >= 1 && s != ""; n-- {
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
	return s
}

// timeFunction reads a field of a time, at its start and in UTC.
func timeFunction(f Func, v Value) Value {
	if v.kind != KindTimeOfDay {
		v = asTime(v)
	}
	if v.kind == KindNull || v.kind == KindTimeOfDay && (f <= FuncDay || f == FuncDate || f == FuncTotaloffsetminutes) {
		return Value{}
	}
	const day = 86_400_000_000
	t := utc(v.a)
	switch f {
	case FuncYear:
		return Number(float64(t.Year()))
	case FuncMonth:
		return Number(float64(t.Month()))
	case FuncDay:
		return Number(float64(t.Day()))
	case FuncHour:
		return Number(float64(t.Hour()))
	case FuncMinute:
		return Number(float64(t.Minute()))
	case FuncSecond:
		return Number(float64(t.Second()))
	case FuncFractionalseconds:
		return Number(float64(t.Nanosecond()/1000) / 1e6)
	case FuncDate:
		return Date(v.a - sinceMidnight(v.a, day))
	case FuncTime:
		return TimeOfDay(sinceMidnight(v.a, day))
	}
	return Number(0) // totaloffsetminutes
}

func sinceMidnight(us, day int64) int64 { return (us%day + day) % day }

// numberFunction rounds; half goes away from zero.
func numberFunction(f Func, v Value) Value {
	if v.kind != KindNumber {
		return Value{}
	}
	switch f {
	case FuncRound:
		return Number(math.Round(v.float()))
	case FuncFloor:
		return Number(math.Floor(v.float()))
	}
	return Number(math.Ceil(v.float()))
}
