package odata

import (
	"errors"
	"testing"
)

// wellFormed fails unless the error is one that can be shown to people.
func wellFormed(t *testing.T, err error) {
	var pe *Error
	if !errors.As(err, &pe) || pe.Message == "" || pe.Pos < 0 || pe.Pos > len(pe.Text) {
		t.Fatalf("%#v", err)
	}
	_ = pe.Caret()
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		"result gt 3 and phenomenonTime gt 2015-01-01T00:00:00Z", "not (result eq 3) or Datastream/Thing/properties/a/b[0] in (1,2,'x')",
		"Datastream/Observations/any(o: o/result gt 3)", "st_within(FeatureOfInterest/feature,geography'POLYGON((0 0,1 0,1 1,0 0))')",
		"phenomenonTime gt now() sub duration'PT1H30M2.5S'", "-(result) mul -3e-2 eq substring('a''b',1,2)", "Datastream/Observations/result eq null",
		"not 'on' in parameters/list and result in Datastream/properties/a[0]", "during(phenomenonTime,validTime)", "not result eq 3", "date(phenomenonTime) eq 2015-01-01 and time(resultTime) lt 12:30", "st_relate(parameters,geometry'SRID=0;POINT(1 2)','T*F**FFF2')",
	} {
		f.Add(s)
	}
	of, o := SensorThings().Type("Observation"), samples(f)["Observation"]
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseFilter(of, text)
		if err != nil {
			wellFormed(t, err)
			return
		}
		again, err := ParseFilter(of, e.String())
		if err != nil {
			// What is written out may be longer than what came in; nothing else may go wrong.
			if len(e.String()) <= MaxText {
				t.Fatalf("%s: %v", e, err)
			}
			return
		}
		if dump(again) != dump(e) {
			t.Fatalf("%s reads back as %s", e, again)
		}
		if _, err := Compile(e, 0).Match(o); err != nil {
			t.Fatal(err)
		}
		if b := BoundsOf(e, 0); b.Never {
			if ok, _ := Compile(e, 0).Match(o); ok {
				t.Fatalf("%s matches, though it never can", e)
			}
		}
		Touches(e)
	})
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"/", "/Things(1)/Datastreams(2)/Observations", "/Things(1)/properties/a/b[2]/$value", "/Things(1)/Datastreams/$ref", "/Things('a')", "/Things%281%29/%E9%94%AE"} {
		f.Add(s)
	}
	m := SensorThings()
	f.Fuzz(func(t *testing.T, path string) {
		r, err := ParsePath(m, path)
		if err != nil {
			wellFormed(t, err)
			return
		}
		again, err := ParsePath(m, r.String())
		if err != nil && len(r.String()) < MaxText {
			t.Fatalf("%s: %v", r, err)
		}
		if err == nil && again.String() != r.String() {
			t.Fatalf("%s reads back as %s", r, again)
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{
		"$expand=Datastreams($filter=name%20eq%20'a;b';$select=name;$expand=Observations($top=1;$orderby=phenomenonTime+desc);$count=true),Locations",
		"$expand=Datastreams/Observations,Datastreams/Sensor($skip=2)&$top=2&x=3", "$select=properties/foo[1],Datastreams,@iot.id&$orderby=name,id+desc",
		"$resultFormat=dataArray&$skiptoken=abc&$count=false", "$filter=Datastreams/any(d:d/id+eq+1)",
		"%24filter%3Dname+eq+%27a%3Db%27&$select=selfLink,@iot.selfLink", "a%3Db=c&d%3De",
	} {
		f.Add(s)
	}
	of := SensorThings().Type("Thing")
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := ParseQuery(of, raw)
		if err != nil {
			wellFormed(t, err)
			return
		}
		text := q.Encode()
		again, err := ParseQuery(of, text)
		if err != nil {
			if len(raw) < MaxText/4 {
				t.Fatalf("%s: %v", text, err)
			}
			return
		}
		if again.Encode() != text {
			t.Fatalf("%s reads back as %s", text, again.Encode())
		}
	})
}
