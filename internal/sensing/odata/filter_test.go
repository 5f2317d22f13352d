package odata

import (
	"errors"
	"testing"
)

func TestFilters(t *testing.T) {
	tests := []struct {
		of, filter string
		want       bool
	}{
		// Comparing numbers.
		{"Observation", "result eq 3.5", true},
		{"Observation", "result ne 3.5", false},
		{"Observation", "result gt 3", true},
		{"Observation", "result ge 3.5", true},
		{"Observation", "result lt 3.5", false},
		{"Observation", "result le 3.5e0", true},
		{"Observation", "3 lt result", true},
		{"Observation", "id eq 101", true},
		{"Observation", "id eq '101'", true},
		{"Observation", "@iot.id eq 101", true},
		{"Observation", "Datastream/@iot.id eq 11", true},
		{"Observation", "result gt '3'", true},
		{"Observation", "result gt 'abc'", false},
		{"Observation", "result lt 'abc'", true},
		{"Observation", "result ne 'abc'", true},
		{"Observation", "result eq true", false},
		{"State", "result eq 'on'", true},
		{"State", "result gt 3", false},
		{"State", "result ne 3", true},
		{"State", "result gt 'a'", true},
		// Texts.
		{"Thing", "name eq 'Boiler 供热站'", true},
		{"Thing", "properties/owner eq 'O''Hara'", true},
		{"Thing", "description lt 'Sensor Thinga'", false},
		// Logic and grouping.
		{"Observation", "result gt 3 and result lt 4", true},
		{"Observation", "result gt 4 or result lt 4", true},
		{"Observation", "not (result gt 4)", true},
		{"Observation", "result gt 100 and result lt 4 or id eq 101", true},
		{"Observation", "id eq 101 or result gt 100 and result lt 4", true},
		{"Observation", "(id eq 101 or result gt 100) and result gt 4", false},
		{"Observation", "true", true},
		{"Observation", "not false and true", true},
		{"Observation", "null", false},
		{"Observation", "result gt 3 eq true", true},
		{"Observation", "not result eq 4", true},
		{"Observation", "not result add 1 gt 4 and true", false},
		{"Observation", "not result in (1,2)", true},
		{"Observation", "not startswith(resultQuality,'g') eq false", true},
		{"Thing", "(not properties/on) eq false", true},
		{"Thing", "not (not properties/on) and properties/on", true},
		// Arithmetic.
		{"Observation", "result add 1 eq 4.5", true},
		{"Observation", "result sub -1 eq 4.5", true},
		{"Observation", "result mul 2 eq 7", true},
		{"Observation", "result div 2 eq 1.75", true},
		{"Observation", "7 mod 3 eq 1", true},
		{"Observation", "-7 mod 3 eq -1", true},
		{"Observation", "1 add 2 mul 3 eq 7", true},
		{"Observation", "(1 add 2) mul 3 eq 9", true},
		{"Observation", "10 sub 3 sub 2 eq 5", true},
		{"Observation", "-result lt 0", true},
		{"Observation", "-(result add 1) eq -4.5", true},
		{"Observation", "parameters/depth mul -1 eq 2", true},
		{"Observation", "1 div parameters/nothing eq null", true},
		{"State", "result add 1 gt 0", false},
		{"State", "result add 1 eq null", true},
		// In.
		{"Observation", "result in (1,2,3.5)", true},
		{"Observation", "result in ('on','off')", false},
		{"State", "result in ('on','off')", true},
		{"Thing", "name in ('a', 'b')", false},
		{"Observation", "not (id in (1,2))", true},
		{"Observation", "resultTime in ('2015-07-15T13:46:00Z')", true},
		{"Thing", "'a' in properties/tags", true},
		{"Thing", "'c' in properties/tags", false},
		{"Thing", "not ('c' in properties/tags)", true},
		{"Thing", "not 'c' in properties/tags", true},
		{"Thing", "2 in properties/nested/n[0]", true},
		{"Thing", "'2' in properties/nested/n[0]", true},
		{"Thing", "'2.0' in properties/nested/n[0]", false},
		{"Thing", "properties/nested/n[0][1] in properties/nested/n[0]", true},
		{"Thing", "properties/nested/n[1] in properties/nested/n", true},
		{"Thing", "properties/owner in properties/tags", false},
		{"Thing", "'a' in properties/tags eq true", true},
		{"Thing", "not ('a' in properties/owner)", false},
		{"Thing", "not ('a' in properties)", false},
		{"Thing", "not ('a' in properties/missing)", false},
		{"Thing", "not (properties/missing in properties/tags)", false},
		{"Thing", "name in properties/tags or true", true},
		{"Thing", "12.5 in Locations/properties/height", false},
		{"Thing", "8 in Locations/location/coordinates", true},
		{"Thing", "Locations/any(l: 51 in l/location/coordinates)", true},
		{"Thing", "id in Datastreams/properties/things", false},
		// Null.
		{"Thing", "properties/missing eq null", true},
		{"Thing", "properties/none eq null", true},
		{"Thing", "properties/missing ne null", false},
		{"Thing", "properties/owner ne null", true},
		{"Thing", "properties/missing gt 3", false},
		{"Thing", "properties/missing lt 3", false},
		{"Thing", "properties/missing ne 3", false},
		{"Thing", "properties/missing ne null", false},
		{"Thing", "not (properties/missing eq 3)", false},
		{"Thing", "not startswith(properties/missing,'a')", false},
		{"Thing", "startswith(properties/missing,'a') or true", true},
		{"Empty", "properties eq null", true},
		{"State", "resultTime eq null", true},
		{"State", "FeatureOfInterest/name eq null", true},
		{"State", "FeatureOfInterest/name eq 'Room'", false},
		// Into JSON.
		{"Thing", "properties/height gt 12", true},
		{"Thing", "properties/on", true},
		{"Thing", "not properties/on", false},
		{"Thing", "properties/on eq true", true},
		{"Thing", "properties/on eq properties/yes", true},
		{"Thing", "properties/yes ne properties/on", false},
		{"Thing", "properties/on eq properties/owner", false},
		{"Thing", "properties/yes eq true", false},
		{"Thing", "properties/tags[1] eq 'b'", true},
		{"Thing", "properties/tags/0 eq 'a'", true},
		{"Thing", "properties/tags[2] eq null", true},
		{"Thing", "properties/nested/键 eq 'v'", true},
		{"Thing", "properties/nested/n[1][0] eq 3", true},
		{"Thing", "properties/text5 gt 4", false},
		{"Thing", "properties/text5 eq 5", false},
		{"Thing", "properties/text5 eq '5'", true},
		{"Thing", "properties/text5 in (5)", false},
		{"Thing", "properties/text5 in (5,'5')", true},
		{"Thing", "properties/height in ('12.5')", true},
		{"Thing", "properties/height in ('12.50')", false},
		{"Thing", "properties/n5 eq properties/text5", true},
		{"Thing", "properties/n5 in properties/tags", false},
		{"Thing", "properties/since lt 2016-01-01T00:00:00Z", true},
		{"Thing", "year(properties/since) eq 2015", true},
		{"Datastream", "unitOfMeasurement/symbol eq '°C'", true},
		{"Observation", "resultQuality eq 'good'", true},
		{"Location", "location/type eq 'Point'", true},
		{"Location", "location/coordinates[1] eq 51", true},
		// Text functions.
		{"Thing", "substringof('oil',name)", true},
		{"Thing", "contains(name,'oil')", true},
		{"Thing", "substringof(name,'oil')", false},
		{"Thing", "startswith(name,'Boil')", true},
		{"Thing", "endswith(name,'供热站')", true},
		{"Thing", "length(name) eq 10", true},
		{"Thing", "indexof(description,'Things') eq 7", true},
		{"Thing", "indexof(name,'热') eq 8", true},
		{"Thing", "indexof(name,'x') eq -1", true},
		{"Thing", "substring(description,1) eq 'ensor Things'", true},
		{"Thing", "substring(description,2,4) eq 'nsor'", true},
		{"Thing", "substring(name,7,2) eq '供热'", true},
		{"Thing", "substring(name,99) eq ''", true},
		{"Thing", "tolower(description) eq 'sensor things'", true},
		{"Thing", "toupper(description) eq 'SENSOR THINGS'", true},
		{"Thing", "trim('  a ') eq 'a'", true},
		{"Datastream", "concat(concat(unitOfMeasurement/symbol,', '),unitOfMeasurement/name) eq '°C, degree Celsius'", true},
		{"Observation", "startswith(result,'3')", false},
		{"Observation", "length(result) eq null", true},
		// Time functions.
		{"Observation", "year(phenomenonTime) eq 2015", true},
		{"Observation", "month(phenomenonTime) eq 7", true},
		{"Observation", "day(phenomenonTime) eq 15", true},
		{"Observation", "hour(phenomenonTime) eq 13", true},
		{"Observation", "minute(phenomenonTime) eq 45", true},
		{"Observation", "second(phenomenonTime) eq 30", true},
		{"Observation", "fractionalseconds(phenomenonTime) eq 0.25", true},
		{"Observation", "date(phenomenonTime) eq 2015-07-15", true},
		{"Observation", "date(resultTime) eq date(validTime)", true},
		{"Observation", "time(phenomenonTime) eq 13:45:30.25", true},
		{"Observation", "time(resultTime) le time(1990-01-01T13:46:00Z)", true},
		{"Observation", "totaloffsetminutes(phenomenonTime) eq 0", true},
		{"Observation", "phenomenonTime lt now()", true},
		{"Observation", "now() eq 2026-11-22T12:00:00Z", true},
		{"Observation", "phenomenonTime gt mindatetime() and phenomenonTime lt maxdatetime()", true},
		{"Observation", "phenomenonTime gt now() sub duration'P1D'", false},
		{"Observation", "resultTime sub phenomenonTime lt duration'PT30S'", true},
		{"Observation", "resultTime sub phenomenonTime eq duration'PT29.75S'", true},
		{"Observation", "phenomenonTime add duration'PT1H' gt 2015-07-15T14:45:30Z", true},
		{"Observation", "duration'PT1H' mul 24 eq duration'P1D'", true},
		{"Observation", "duration'P1D' div 24 add duration'PT0S' eq duration'PT60M'", true},
		{"Observation", "phenomenonTime gt '2015-07-15T00:00:00Z'", true},
		{"Observation", "phenomenonTime gt 2015-07-15T15:00:00+02:00", true},
		{"Observation", "phenomenonTime gt 2015-07-15T15:00:00-0200", false},
		{"Observation", "phenomenonTime gt 2015-07-15", true},
		{"Observation", "during(phenomenonTime,validTime)", true},
		{"State", "before(phenomenonTime,2015-07-15T14:00:00Z)", true},
		{"State", "overlaps(phenomenonTime,2015-07-15T13:30:00Z/2015-07-15T15:00:00Z)", true},
		{"State", "starts(phenomenonTime,resultTime)", false},
		// Rounding.
		{"Observation", "round(result) eq 4", true},
		{"Observation", "round(-2.5) eq -3", true},
		{"Observation", "floor(result) eq 3", true},
		{"Observation", "ceiling(result) eq 4", true},
		// Space.
		{"Location", "geo.distance(location,geography'POINT(8 54)') eq 3", true},
		{"Roof", "geo.distance(location,geography'POINT(8 52)') eq 3", true},
		{"Roof", "geo.length(location) eq 1", true},
		{"Location", "geo.length(location) eq 0", true},
		{"Location", "geo.intersects(location,geography'POLYGON((7 50,9 50,9 52,7 52,7 50))')", true},
		{"Observation", "st_contains(FeatureOfInterest/feature,geography'POINT(8 51)')", true},
		{"Observation", "st_within(geometry'SRID=4326;POINT(8 51)',FeatureOfInterest/feature)", true},
		{"State", "st_within(geography'POINT(8 51)',FeatureOfInterest/feature)", false},
		{"State", "not st_within(geography'POINT(8 51)',FeatureOfInterest/feature)", false},
		{"Observation", "st_within(result,geography'POINT(8 51)')", false},
		// Ways through entities.
		{"Observation", "Datastream/Thing/properties/height eq 12.5", true},
		{"Observation", "Datastream/unitOfMeasurement/name eq 'degree Celsius'", true},
		{"Thing", "Datastreams/Observations/result gt 3", true},
		{"Thing", "Datastreams/Observations/result gt 4", false},
		{"Thing", "not (Datastreams/Observations/result gt 3)", false},
		{"Thing", "Datastreams/name eq 'State' and Datastreams/name eq 'Temperature'", true},
		{"Thing", "Datastreams/name ne 'State'", true},
		{"Thing", "Datastreams/name in ('State','x')", true},
		{"Thing", "startswith(Locations/name,'Ro')", true},
		{"Thing", "Locations/properties/height eq properties/height", true},
		{"Thing", "Locations/name lt Datastreams/name", true},
		{"Thing", "Locations/name gt Datastreams/name", true},
		{"Thing", "Datastreams/id eq null", false},
		{"Thing", "startswith(Datastreams/properties/missing,'a')", false},
		{"Thing", "not startswith(Datastreams/properties/missing,'a')", true},
		{"Empty", "Datastreams/id eq null", true},
		{"Empty", "Datastreams/id ne null", false},
		{"Empty", "Datastreams/name ne 'State'", false},
		{"Datastream", "Thing/Datastreams/Thing/Locations/name eq 'Roof'", true},
		{"Location", "st_equals(location,geography'POINT(8 51)')", true},
		// Any and all.
		{"Thing", "Datastreams/any(d: d/name eq 'State')", true},
		{"Thing", "Datastreams/any(d:d/name eq 'State' and d/Observations/result eq 3.5)", false},
		{"Thing", "Datastreams/any(d:d/Observations/any(o:o/result eq 3.5 and d/name eq 'Temperature'))", true},
		{"Thing", "Locations/any(l:l/properties/height eq properties/height)", true},
		{"Thing", "Datastreams/all(d: d/id gt 10)", true},
		{"Thing", "Datastreams/all(d: d/id gt 11)", false},
		{"Thing", "Datastreams/any()", true},
		{"Empty", "Datastreams/any()", false},
		{"Empty", "Datastreams/all(d: false)", true},
		{"Thing", "Datastreams/Observations/any(o: o/result eq 'on')", true},
		{"Observation", "Datastream/Observations/any(o: o/id eq 101)", true},
	}
	if len(tests) < 65 {
		t.Errorf("%d cases, the standard's examples alone are 65", len(tests))
	}
	m, things := SensorThings(), samples(t)
	for _, tt := range tests {
		t.Run(tt.of+"/"+tt.filter, func(t *testing.T) {
			e := mustFilter(t, typeOfSample(m, tt.of), tt.filter)
			got, err := Compile(e, noon(t)).Match(things[tt.of])
			if err != nil || got != tt.want {
				t.Errorf("%s: %v, %v; want %v", e, got, err, tt.want)
			}
			again := mustFilter(t, typeOfSample(m, tt.of), e.String())
			if dump(again) != dump(e) {
				t.Errorf("%s reads back as %s", e, again)
			}
		})
	}
}

func TestFilterStopsAtAnErrorOfTheStore(t *testing.T) {
	m := SensorThings()
	broken := &thing{fail: errBroken, props: map[string]Value{"result": Number(3)}}
	for _, f := range []string{"Datastream/name eq 'a'", "not (Datastream/name eq 'a')", "Datastream/Observations/result gt 3", "result eq 3 and Datastream/id in (1)",
		"Datastream/Observations/any()", "st_within(FeatureOfInterest/feature,geography'POINT(1 1)')", "year(Datastream/phenomenonTime) eq 2015", "Datastream/id eq Datastream/id"} {
		if _, err := Compile(mustFilter(t, m.Type("Observation"), f), 0).Match(broken); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", f, err)
		}
	}
	if ok, err := Compile(mustFilter(t, m.Type("Observation"), "result eq 3 or Datastream/id eq 1"), 0).Match(broken); err != nil || !ok {
		t.Errorf("what is settled needs no store: %v, %v", ok, err)
	}
}

func TestValues(t *testing.T) {
	m, things := SensorThings(), samples(t)
	for _, tt := range []struct {
		of, expr string
		want     Value
	}{
		{"Observation", "result", Number(3.5)},
		{"Observation", "Datastream/name", Text("Temperature")},
		{"Observation", "result gt 3", Bool(true)},
		{"Observation", "result mul 2 add 1", Number(8)},
		{"Observation", "phenomenonTime sub resultTime", Duration(-29_750_000)},
		{"Thing", "properties/missing", Null()},
		{"Thing", "startswith(properties/missing,'a')", Null()},
		{"Thing", "Datastreams/name", Null()},
		{"Thing", "properties/tags", Value{kind: KindJSON, text: `["a","b"]`}},
	} {
		e, err := ParseValue(typeOfSample(m, tt.of), tt.expr)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Compile(e, 0).Value(things[tt.of]); err != nil || got != tt.want {
			t.Errorf("%s = %+v, %v; want %+v", tt.expr, got, err, tt.want)
		}
	}
}

func TestCompareIsAnOrder(t *testing.T) {
	ascending := []Value{Null(), Bool(false), Bool(true), Number(-1), Number(2), Text(""), Text("a"), Text("b"), Instant(1), Interval(1, 2), Instant(2),
		Date(0), TimeOfDay(3), Duration(-1), JSON(`{"a":1}`)}
	for i, a := range ascending {
		for j, b := range ascending {
			if got := Compare(a, b); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("Compare(%+v, %+v) = %d", a, b, got)
			}
		}
	}
}
