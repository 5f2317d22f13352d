package odata

import (
	"errors"
	"strings"
	"testing"
)

func TestFilterErrors(t *testing.T) {
	deep := strings.Repeat("(", 70) + "1 eq 1" + strings.Repeat(")", 70)
	for _, tt := range []struct {
		of, filter string
		pos        int
		want       string
	}{
		{"Thing", "nmae eq 'a'", 0, "Thing has no property or navigation nmae, did you mean name?"},
		{"Thing", "Datastreams/nmae eq 'a'", 12, "Datastream has no property or navigation nmae, did you mean name?"},
		{"Thing", "Datastream/name eq 'a'", 0, "did you mean Datastreams?"},
		{"Thing", "name mul 3 gt 2", 5, "can't mul name and 3: name is a text, 3 is a number"},
		{"Thing", "name", 0, "expected a condition such as name eq ..., got name, which is a text"},
		{"Thing", "name and true", 0, "and joins conditions, but name is a text"},
		{"Thing", "name eq true", 5, "can't compare name with true: name is a text, true is a truth value"},
		{"Thing", "name eq 'a' nad true", 12, "expected an operator or the end, got nad, did you mean and?"},
		{"Thing", "name eq", 7, "expected a value, a property or a function, got the end"},
		{"Thing", "name eq 'a", 8, "has no closing quote"},
		{"Thing", "(name eq 'a'", 12, `expected ")" after name eq 'a', got the end`},
		{"Thing", "name eq 'a')", 11, "expected an operator or the end, got )"},
		{"Thing", "name/first eq 'a'", 4, "name is a text and has no parts"},
		{"Thing", "properties/ eq 'a'", 11, "expected the name of a part of properties"},
		{"Thing", "properties/a[x] eq 1", 12, "expected an index such as [0]"},
		{"Thing", "Datastreams eq null", 0, "expected a property after Datastreams, such as Datastreams/name, or /any(x: x/...)"},
		{"Thing", "Datastreams/$count gt 1", 12, "$count is not part of a path in SensorThings"},
		{"Thing", "startswith(name)", 0, "startswith takes two arguments, got 1"},
		{"Thing", "substring(name) eq 'a'", 0, "substring takes two arguments or three arguments, got 1"},
		{"Thing", "startswth(name,'a')", 0, "unknown function startswth, did you mean startswith?"},
		{"Thing", "round(name) eq 1", 6, "round needs a number here, but name is a text"},
		{"Thing", "name in ()", 9, "expected a value"},
		{"Thing", "name in (true)", 9, "name is a text and can't equal true, which is a truth value"},
		{"Thing", "name in 'a'", 8, `expected "(" after in, got '`},
		{"Thing", "name in tags", 8, "Thing has no property or navigation tags"},
		{"Thing", "'a' in name", 7, "expected a list in parentheses or an array after in, but name is a text"},
		{"Thing", "'a' in Datastreams/any()", 7, "but Datastreams/any() is a truth value"},
		{"Location", "location in properties/list", 0, "location is a geometry and can't be in an array"},
		{"Observation", "during(phenomenonTime,2016-01-01T07:00Z)", 22, "during needs an interval here, but 2016-01-01T07:00:00Z is an instant"},
		{"Observation", "during(phenomenonTime,'2016-01-01T07:00:00Z')", 22, "during needs an interval here"},
		{"Observation", "during(validTime,resultTime)", 17, "but resultTime is an instant"},
		{"Observation", "during(validTime,2016-01-01)", 17, "but 2016-01-01 is a date"},
		{"Thing", "not name", 4, "not needs a condition, but name is a text"},
		{"Thing", "Datastreams/any(name: true)", 16, "name already means something else"},
		{"Thing", "Datastreams/any(d name eq 'a')", 18, `expected ":" after the variable d, got name`},
		{"Thing", "Datastreams/any(d: d/nmae eq 'a')", 21, "Datastream has no property or navigation nmae, did you mean name?"},
		{"Thing", "Datastreams/all()", 16, "expected a variable"},
		{"Thing", "Locations/id eq 1 add Locations/id add Datastreams/id add Datastreams/id", 58, "at most 3 paths through sets can stand in one condition"},
		{"Thing", "d/name eq 'a'", 0, "Thing has no property or navigation d"},
		{"Observation", "phenomenonTime gt 2015-01-01T00:00:00", 18, "has no offset, expected Z or +hh:mm; in a URL a plus is written %2B"},
		{"Observation", "phenomenonTime gt 2015-13-01T00:00:00Z", 18, "is no time"},
		{"Observation", "phenomenonTime gt 2015-02-30", 18, "is no date"},
		{"Observation", "phenomenonTime gt 'noon'", 18, "is no time"},
		{"Observation", "phenomenonTime gt 3", 15, "can't compare phenomenonTime with 3"},
		{"Observation", "validTime eq 2016-01-01T00:00:00Z/2015-01-01T00:00:00Z", 13, "ends before it starts"},
		{"Observation", "time(phenomenonTime) lt 25:00", 24, "is no time of day"},
		{"Observation", "now() sub duration'P1M' lt now()", 10, "is no duration"},
		{"Observation", "result gt 1e999", 10, "is no number"},
		{"Observation", "result gt 3a", 11, "expected a space or an operator after 3, got a"},
		{"Observation", "result gt 3 gt", 14, "expected a value"},
		{"Observation", "result div 0 gt 1", 11, "div by zero"},
		{"Observation", "result gt #", 10, "expected a value, a property or a function, got #"},
		{"Observation", deep, 64, "nested too deeply, at most 64 levels are read"},
		{"Observation", strings.Repeat("not ", 70) + "true", 0, "nested too deeply"},
		{"Observation", strings.Repeat("1 add ", 70) + "1 eq 1", 0, "nested too deeply"},
		{"Observation", strings.Repeat(" ", MaxText+1), 0, "longer than 8192 bytes"},
		{"Observation", "result eq 'a\x00'", 12, "contains a zero byte"},
		{"Observation", "result eq '\xff'", 11, "is not UTF-8"},
		{"Location", "location eq geography'POINT(1 1)'", 9, "geometries have no eq, use st_equals(location,geography'POINT(1 1)')"},
		{"Location", "st_equals(location,geography'POINT(1)')", 19, "not a geometry"},
		{"Location", "st_equals(location,geography'SRID=3857;POINT(1 1)')", 19, "SRID 3857 is not known here"},
		{"Location", "st_equals(location,'POINT(1 1)')", 19, "st_equals needs a geometry here, but 'POINT(1 1)' is a text; write geography'POINT(30 10)'"},
		{"Location", "st_relate(location,location,'T')", 28, "a pattern of nine of 0 1 2 T F *"},
		{"Location", "st_equals(location,geograhpy'POINT(1 1)')", 19, "expected a constant, got geograhpy, did you mean geography?"},
	} {
		e, err := ParseFilter(SensorThings().Type(tt.of), tt.filter)
		var pe *Error
		if !errors.As(err, &pe) {
			t.Errorf("%.60s: read as %v, %v", tt.filter, e, err)
			continue
		}
		if !strings.Contains(pe.Message, tt.want) || pe.Pos != tt.pos && tt.pos > 0 || pe.Option != "$filter" {
			t.Errorf("%.60s: at %d: %v\nwant at %d: %s", tt.filter, pe.Pos, err, tt.pos, tt.want)
		}
	}
}

func TestLongAlternativesAreNotDeep(t *testing.T) {
	f := "id eq 0" + strings.Repeat(" or id eq 1", 700)
	if e := mustFilter(t, SensorThings().Type("Observation"), f); len(e.(*Logic).Terms) != 701 {
		t.Error(len(e.(*Logic).Terms))
	}
}

func TestCaretStandsUnderThePlace(t *testing.T) {
	_, err := ParseFilter(SensorThings().Type("Thing"), "name eq '站' nad true")
	var pe *Error
	if !errors.As(err, &pe) {
		t.Fatal(err)
	}
	if want := "name eq '站' nad true\n            ^"; pe.Caret() != want {
		t.Errorf("%s\nwant\n%s", pe.Caret(), want)
	}
}
