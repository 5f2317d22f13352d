package odata

import (
	"errors"
	"strings"
	"testing"
)

func TestPaths(t *testing.T) {
	for _, tt := range []struct {
		path string
		form Form
		of   string // name of the type
		many bool
		back string // "" for the same
	}{
		{"", FormRoot, "", false, "/"},
		{"/", FormRoot, "", false, ""},
		{"/Things", FormSet, "Thing", true, ""},
		{"/Things/", FormSet, "Thing", true, "/Things"},
		{"/Things(1)", FormEntity, "Thing", false, ""},
		{"/Things%281%29", FormEntity, "Thing", false, "/Things(1)"},
		{"/Things(9007199254740991)", FormEntity, "Thing", false, ""},
		{"/Things(1)/Datastreams", FormSet, "Datastream", true, ""},
		{"/Things(1)/Datastreams(2)/Observations", FormSet, "Observation", true, ""},
		{"/Datastreams(1)/Thing", FormEntity, "Thing", false, ""},
		{"/Observations(1)/Datastream/Thing/Locations", FormSet, "Location", true, ""},
		{"/Things(1)/name", FormProperty, "Thing", false, ""},
		{"/Things(1)/@iot.id", FormProperty, "Thing", false, "/Things(1)/id"},
		{"/Things(1)/name/$value", FormValue, "Thing", false, ""},
		{"/Things(1)/properties/a/b", FormProperty, "Thing", false, ""},
		{"/Things(1)/properties/a%20b/%E9%94%AE[2]/$value", FormValue, "Thing", false, ""},
		{"/Things(1)/properties/a(1)", FormProperty, "Thing", false, "/Things(1)/properties/a%281%29"},
		{"/Datastreams(1)/unitOfMeasurement/symbol", FormProperty, "Datastream", false, ""},
		{"/Things(1)/Datastreams/$ref", FormRef, "Datastream", true, ""},
		{"/Datastreams(1)/Thing/$ref", FormRef, "Thing", false, ""},
	} {
		r, err := ParsePath(SensorThings(), tt.path)
		if err != nil {
			t.Errorf("%s: %v", tt.path, err)
			continue
		}
		of := ""
		if r.Type() != nil {
			of = r.Type().Name
		}
		back := tt.back
		if back == "" {
			back = tt.path
		}
		if r.Form != tt.form || of != tt.of || r.Many() != tt.many || r.String() != back {
			t.Errorf("%s: %d %s %v %s", tt.path, r.Form, of, r.Many(), r)
		}
	}
}

func TestPathErrors(t *testing.T) {
	for _, tt := range []struct {
		path string
		pos  int
		want string
	}{
		{"/Thing", 1, "there is no set Thing, did you mean Things?"},
		{"/Things('abc')", 8, `ids are whole numbers, got "'abc'": expected Things(1)`},
		{"/Things('1')", 8, "ids are whole numbers"},
		{"/Things(-1)", 8, "ids are whole numbers"},
		{"/Things(1.5)", 8, "ids are whole numbers"},
		{"/Things()", 8, "ids are whole numbers"},
		{"/Things(99999999999999999999)", 8, "ids are whole numbers"},
		{"/Things(1", 9, "expected ) after the id, got the end"},
		{"/Things(1)x", 10, "expected / or the end, got x"},
		{"/Things/name", 8, "Things is a set, expected an id before /name: Things(1)/name"},
		{"//Things", 1, "expected a name, got /"},
		{"/Things(1)/nmae", 11, "Thing has no property or navigation nmae, did you mean name?"},
		{"/Things(1)/name/x", 16, "name is a text and has no parts"},
		{"/Things(1)/name(1)", 15, "name takes no id"},
		{"/Datastreams(1)/Thing(2)", 22, "Thing is one entity and takes no id"},
		{"/Things(1)/Datastreams/$count", 23, "ask for ?$count=true"},
		{"/Things/$value", 8, "$value does not apply here"},
		{"/Things(1)/name/$ref", 16, "$ref does not apply here"},
		{"/Things/$ref/x", 13, "nothing can follow $value or $ref, got x"},
		{"/Things(1)/properties/a[x]", 22, "expected an index such as [0] in a[x]"},
		{"/Things(1)/properties/a%2Fb", 23, "an escaped slash can't be part of a name"},
		{"/Things%zz", 7, "a percent sign is written %25"},
		{"/Things%00", 7, "contains a zero byte"},
		{"/" + strings.Repeat("a", MaxText), 0, "longer than"},
	} {
		r, err := ParsePath(SensorThings(), tt.path)
		var pe *Error
		if !errors.As(err, &pe) {
			t.Errorf("%s: read as %v, %v", tt.path, r, err)
			continue
		}
		if !strings.Contains(pe.Message, tt.want) || pe.Pos != tt.pos || pe.Option != "path" {
			t.Errorf("%.60s: at %d: %v\nwant at %d: %s", tt.path, pe.Pos, err, tt.pos, tt.want)
		}
	}
}
