package odata

// Func is a function. Its String is its name in a URL.
type Func uint8

// The functions of 18-088, table 24, and the interval tests of FROST (before to finishes).
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

// signature is what a function takes and gives. Optional arguments come last.
type signature struct {
	name     string
	args     []class
	optional int
	gives    Type
}

// signatureOf is a switch of literals rather than a table, so that nothing in the package can be changed.
func signatureOf(f Func) signature {
	text, number, times, geo := classText, classNumber, classTime, classGeometry
	day := times | classDate
	clock := times | classTimeOfDay
	text1, text2, geo2, time2 := []class{text}, []class{text, text}, []class{geo, geo}, []class{day, day}
	return [funcs]signature{
		FuncSubstringof:        {"substringof", text2, 0, TypeBool},
		FuncStartswith:         {"startswith", text2, 0, TypeBool},
		FuncEndswith:           {"endswith", text2, 0, TypeBool},
		FuncLength:             {"length", text1, 0, TypeNumber},
		FuncIndexof:            {"indexof", text2, 0, TypeNumber},
		FuncSubstring:          {"substring", []class{text, number, number}, 1, TypeText},
		FuncTolower:            {"tolower", text1, 0, TypeText},
		FuncToupper:            {"toupper", text1, 0, TypeText},
		FuncTrim:               {"trim", text1, 0, TypeText},
		FuncConcat:             {"concat", text2, 0, TypeText},
		FuncYear:               {"year", []class{day}, 0, TypeNumber},
		FuncMonth:              {"month", []class{day}, 0, TypeNumber},
		FuncDay:                {"day", []class{day}, 0, TypeNumber},
		FuncHour:               {"hour", []class{clock}, 0, TypeNumber},
		FuncMinute:             {"minute", []class{clock}, 0, TypeNumber},
		FuncSecond:             {"second", []class{clock}, 0, TypeNumber},
		FuncFractionalseconds:  {"fractionalseconds", []class{clock}, 0, TypeNumber},
		FuncDate:               {"date", []class{day}, 0, TypeDate},
		FuncTime:               {"time", []class{clock}, 0, TypeTimeOfDay},
		FuncTotaloffsetminutes: {"totaloffsetminutes", []class{times}, 0, TypeNumber},
		FuncNow:                {"now", nil, 0, TypeInstant},
		FuncMindatetime:        {"mindatetime", nil, 0, TypeInstant},
		FuncMaxdatetime:        {"maxdatetime", nil, 0, TypeInstant},
		FuncRound:              {"round", []class{number}, 0, TypeNumber},
		FuncFloor:              {"floor", []class{number}, 0, TypeNumber},
		FuncCeiling:            {"ceiling", []class{number}, 0, TypeNumber},
		FuncGeoDistance:        {"geo.distance", geo2, 0, TypeNumber},
		FuncGeoLength:          {"geo.length", []class{geo}, 0, TypeNumber},
		FuncGeoIntersects:      {"geo.intersects", geo2, 0, TypeBool},
		FuncStEquals:           {"st_equals", geo2, 0, TypeBool},
		FuncStDisjoint:         {"st_disjoint", geo2, 0, TypeBool},
		FuncStTouches:          {"st_touches", geo2, 0, TypeBool},
		FuncStWithin:           {"st_within", geo2, 0, TypeBool},
		FuncStOverlaps:         {"st_overlaps", geo2, 0, TypeBool},
		FuncStCrosses:          {"st_crosses", geo2, 0, TypeBool},
		FuncStIntersects:       {"st_intersects", geo2, 0, TypeBool},
		FuncStContains:         {"st_contains", geo2, 0, TypeBool},
		FuncStRelate:           {"st_relate", []class{geo, geo, text}, 0, TypeBool},
		FuncBefore:             {"before", time2, 0, TypeBool},
		FuncAfter:              {"after", time2, 0, TypeBool},
		FuncMeets:              {"meets", time2, 0, TypeBool},
		FuncDuring:             {"during", time2, 0, TypeBool},
		FuncOverlaps:           {"overlaps", time2, 0, TypeBool},
		FuncStarts:             {"starts", time2, 0, TypeBool},
		FuncFinishes:           {"finishes", time2, 0, TypeBool},
	}[f]
}

func (f Func) String() string { return signatureOf(f).name }

// funcNamed finds a function. contains is substringof with its arguments swapped.
func funcNamed(name string) (f Func, swapped, ok bool) {
	if name == "contains" {
		return FuncSubstringof, true, true
	}
	for f := range funcs {
		if signatureOf(f).name == name {
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
