package odata

// Func is a function.
type Func uint8

// The functions of 18-088, Built-in Query Functions, and the interval tests of FROST (before to finishes).
const (
	FuncSubstringof Func = iota
	FuncStartswith
	FuncEndswith
	FuncLength
	FuncIndexof
	FuncSubstring
	FuncTolower
	FuncToupper
	FuncTrim
	FuncConcat
	FuncYear
	FuncMonth
	FuncDay
	FuncHour
	FuncMinute
	FuncSecond
	FuncFractionalseconds
	FuncDate
	FuncTime
	FuncTotaloffsetminutes
	FuncNow
	FuncMindatetime
	FuncMaxdatetime
	FuncRound
	FuncFloor
	FuncCeiling
	FuncGeoDistance
	FuncGeoLength
	FuncGeoIntersects
	FuncStEquals
	FuncStDisjoint
	FuncStTouches
	FuncStWithin
	FuncStOverlaps
	FuncStCrosses
	FuncStIntersects
	FuncStContains
	FuncStRelate
	FuncBefore
	FuncAfter
	FuncMeets
	FuncDuring
	FuncOverlaps
	FuncStarts
	FuncFinishes
	funcs // how many there are
)

// String is the function's name in a URL.
func (f Func) String() string {
	return [funcs]string{
		"substringof", "startswith", "endswith", "length", "indexof", "substring", "tolower", "toupper", "trim", "concat",
		"year", "month", "day", "hour", "minute", "second", "fractionalseconds", "date", "time", "totaloffsetminutes",
		"now", "mindatetime", "maxdatetime", "round", "floor", "ceiling",
		"geo.distance", "geo.length", "geo.intersects", "st_equals", "st_disjoint", "st_touches", "st_within", "st_overlaps",
		"st_crosses", "st_intersects", "st_contains", "st_relate",
		"before", "after", "meets", "during", "overlaps", "starts", "finishes",
	}[f]
}

// takes is what the arguments of the function can be; so many of the last may be left out.
func (f Func) takes() (args []class, optional int) {
	switch f {
	case FuncSubstringof, FuncStartswith, FuncEndswith, FuncIndexof, FuncConcat:
		return []class{classText, classText}, 0
	case FuncLength, FuncTolower, FuncToupper, FuncTrim:
		return []class{classText}, 0
	case FuncSubstring:
		return []class{classText, classNumber, classNumber}, 1
	case FuncYear, FuncMonth, FuncDay, FuncDate, FuncTotaloffsetminutes:
		return []class{classTime | classDate}, 0
	case FuncHour, FuncMinute, FuncSecond, FuncFractionalseconds, FuncTime:
		return []class{classTime | classTimeOfDay}, 0
	case FuncNow, FuncMindatetime, FuncMaxdatetime:
		return nil, 0
	case FuncRound, FuncFloor, FuncCeiling:
		return []class{classNumber}, 0
	case FuncGeoLength:
		return []class{classGeometry}, 0
	case FuncStRelate:
		return []class{classGeometry, classGeometry, classText}, 0
	}
	if f >= FuncBefore {
		return []class{classTime | classDate, classTime | classDate}, 0
	}
	return []class{classGeometry, classGeometry}, 0
}

// gives is the type of the function's value.
func (f Func) gives() Type {
	switch f {
	case FuncSubstring, FuncTolower, FuncToupper, FuncTrim, FuncConcat:
		return TypeText
	case FuncDate:
		return TypeDate
	case FuncTime:
		return TypeTimeOfDay
	case FuncNow, FuncMindatetime, FuncMaxdatetime:
		return TypeInstant
	case FuncSubstringof, FuncStartswith, FuncEndswith:
		return TypeBool
	}
	if f >= FuncGeoIntersects {
		return TypeBool
	}
	return TypeNumber
}

// funcNamed finds a function. contains is substringof with its arguments swapped.
func funcNamed(name string) (f Func, swapped, ok bool) {
	if name == "contains" {
		return FuncSubstringof, true, true
	}
	for f := range funcs {
		if f.String() == name {
			return f, false, true
		}
	}
	return 0, false, false
}

func funcNames() []string {
	out := []string{"contains"}
	for f := range funcs {
		out = append(out, f.String())
	}
	return out
}
