package odata

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestQueries(t *testing.T) {
	for _, tt := range []struct{ of, raw, want string }{
		{"Things", "", ""},
		{"Things", "$top=5&$skip=10&$count=true", "$top=5&$skip=10&$count=true"},
		{"Things", "%24top=5&%24filter=name%20eq%20%27a+b%27", "$filter=name%20eq%20'a%20b'&$top=5"},
		{"Things", "$filter=name eq 'a%2Bb%26c=d%25'", "$filter=name%20eq%20'a%2Bb%26c=d%25'"},
		{"Things", "$select=name,properties/foo,Datastreams,@iot.id", "$select=name,properties/foo,Datastreams,id"},
		{"Things", "$select=@iot.selfLink,@iot.id", "$select=@iot.selfLink,id"},
		{"Things", "$select=selfLink,name", "$select=@iot.selfLink,name"},
		{"Things", "%24filter%3Dname+eq+%27a%3Db%27&%24top%3D3", "$filter=name%20eq%20'a=b'&$top=3"},
		{"Things", "x%3Da%26b&y", "x=a%26b&y="},
		{"Things", "x%3Da=b", "x%3Da=b"},
		{"Things", "$select=*", ""},
		{"Things", "$orderby=name desc, properties/height asc,id", "$orderby=name%20desc,properties/height,id"},
		{"Observations", "$orderby=Datastream/name asc, result desc,-result,length(Datastream/name) desc", "$orderby=Datastream/name,result%20desc,-(result),length(Datastream/name)%20desc"},
		{"Observations", "$resultFormat=dataArray&$skiptoken=a%2Bb;c)", "$resultFormat=dataArray&$skiptoken=a%2Bb;c)"},
		{"Things", "$expand=Datastreams", "$expand=Datastreams"},
		{"Things", "$expand=Datastreams/Observations,Locations", "$expand=Datastreams($expand=Observations),Locations"},
		{"Things", "$expand=Datastreams/Observations,Datastreams/Sensor", "$expand=Datastreams($expand=Observations,Sensor)"},
		{"Things", "$expand=Datastreams/Sensor,Datastreams($top=1)", "$expand=Datastreams($expand=Sensor;$top=1)"},
		{"Things", "$expand=Datastreams/Observations($top=1),Datastreams/Observations/FeatureOfInterest",
			"$expand=Datastreams($expand=Observations($expand=FeatureOfInterest;$top=1))"},
		{"Things", "$expand=Datastreams($filter=name eq 'x;y)';$select=name;$expand=Observations($top=1;$orderby=phenomenonTime desc);$count=true),Locations",
			"$expand=Datastreams($filter=name%20eq%20'x;y)';$select=name;$expand=Observations($orderby=phenomenonTime%20desc;$top=1);$count=true),Locations"},
		{"Things", "$expand=Datastreams( $top = 1 ; $skip = 2 ) , Locations", "$expand=Datastreams($top=1;$skip=2),Locations"},
		{"Things", "aggregate=PT1H&$top=1&x=a%26b&x=2", "$top=1&aggregate=PT1H&x=a%26b&x=2"},
		{"Things", "$filter=phenomenonTime", "error"},
	} {
		of := SensorThings().Set(tt.of)
		q, err := ParseQuery(of, strings.ReplaceAll(tt.raw, " ", "+"))
		if err != nil {
			if tt.want != "error" {
				t.Errorf("%s: %v", tt.raw, err)
			}
			continue
		}
		if got := q.Encode(); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.raw, got, tt.want)
		}
		if _, err := url.ParseQuery(strings.ReplaceAll(q.Encode(), ";", "%3B")); err != nil {
			t.Errorf("%s is no query string: %v", q.Encode(), err)
		}
		again, err := ParseQuery(of, q.Encode())
		if err != nil || again.Encode() != q.Encode() {
			t.Errorf("%s reads back as %v, %v", q.Encode(), again, err)
		}
	}
}

func TestNextLinkReplacesTheSkip(t *testing.T) {
	q, err := ParseQuery(SensorThings().Set("Things"), "$top=5&$skip=10&x=1")
	if err != nil {
		t.Fatal(err)
	}
	next := *q
	next.Skip, next.SkipToken = nil, "k=2/é"
	if got := next.Encode(); got != "$top=5&$skiptoken=k=2/%C3%A9&x=1" {
		t.Error(got)
	}
	if got := q.Encode(); got != "$top=5&$skip=10&x=1" {
		t.Error(got)
	}
}

func TestQueryErrors(t *testing.T) {
	for _, tt := range []struct {
		raw, option string
		pos         int
		want        string
	}{
		{"$fliter=a", "$fliter", 0, "there is no option $fliter, did you mean $filter?"},
		{"$format=json", "$format", 0, "there is no option $format"},
		{"$top=1&$top=2", "$top", 0, "$top is given twice"},
		{"$top=1&%24top=2", "$top", 0, "$top is given twice"},
		{"$top=-1", "$top", 0, "$top needs a whole number, 0 or more, got -1"},
		{"$top=x", "$top", 0, "got x"},
		{"$top=1.5", "$top", 0, "got 1.5"},
		{"$top=99999999999999999999", "$top", 0, "got 99999999999999999999"},
		{"$top=", "$top", 0, "$top is empty"},
		{"$top=1x", "$top", 1, "expected an operator or the end, got x"},
		{"$count=yes", "$count", 0, "$count needs true or false, got yes"},
		{"$select=nmae", "$select", 0, "did you mean name?"},
		{"$select=name,,", "$select", 5, "expected a property of Thing, got ,"},
		{"$select=selfLink/a", "$select", 8, "@iot.selfLink is a text and has no parts"},
		{"%24fliter%3Da", "$fliter", 0, "there is no option $fliter, did you mean $filter?"},
		{"$select=name/first", "$select", 4, "name is a text and has no parts"},
		{"$select=Datastreams/name", "$select", 11, "write $expand=Datastreams($select=...)"},
		{"$expand=name", "$expand", 0, "name is a property, only navigations can be expanded"},
		{"$expand=Datastream", "$expand", 0, "did you mean Datastreams?"},
		{"$expand=Datastreams($tpo=1)", "$expand", 12, "there is no option $tpo, did you mean $top?"},
		{"$expand=Datastreams(top=1)", "$expand", 12, "expected an option such as $top=1, got top, did you mean $top?"},
		{"$expand=Datastreams($top=1;$top=2)", "$expand", 19, "$top is given twice"},
		{"$expand=Datastreams($top=1,$skip=2)", "$expand", 18, "expected ; or ) after $top, got ,"},
		{"$expand=Datastreams($filter=nmae eq 1)", "$expand", 20, "did you mean name?"},
		{"$expand=Datastreams($skiptoken=1)", "$expand", 12, "$skiptoken belongs to the whole request"},
		{"$expand=Datastreams($top=1", "$expand", 18, "expected ; or ) after $top, got the end"},
		{"$expand=Datastreams($top=1),Datastreams($top=2)", "$expand", 20, "Datastreams is expanded twice with options"},
		{"$expand=Datastreams/Thing/Datastreams/Thing/Datastreams/Thing", "$expand", 48, "$expand is nested too deeply, at most 5 levels"},
		{"$expand=" + strings.Repeat("Datastreams($expand=Thing($expand=", 3) + "Locations" + strings.Repeat("))", 3), "$expand", 0, "nested too deeply"},
		{"$orderby=Datastreams/name", "$orderby", 0, "leads through a set and has no one value to order by"},
		{"$orderby=name down", "$orderby", 5, "got down"},
		{"$orderby=Locations/location", "$orderby", 0, "through a set"},
		{"$orderby=Datastreams/any(d: d/id gt 1)", "$orderby", 0, "through a set"},
		{"$filter=name eq 'a%zz'", "$filter", 10, "a percent sign is written %25"},
		{"a%zz=1", "query", 0, "a percent sign is written %25"},
		{"x=%ff", "x", 0, "is not UTF-8"},
	} {
		q, err := ParseQuery(SensorThings().Set("Things"), strings.ReplaceAll(tt.raw, " ", "+"))
		var pe *Error
		if !errors.As(err, &pe) {
			t.Errorf("%s: read as %v, %v", tt.raw, q, err)
			continue
		}
		if !strings.Contains(pe.Message, tt.want) || pe.Option != tt.option || tt.pos > 0 && pe.Pos != tt.pos {
			t.Errorf("%s: %s at %d: %v\nwant %s at %d: %s", tt.raw, pe.Option, pe.Pos, err, tt.option, tt.pos, tt.want)
		}
	}
}
