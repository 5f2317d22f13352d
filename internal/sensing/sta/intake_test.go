package sta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

func TestTimesOfTheStandard(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-23T03:00:00Z":                "2026-11-23T03:00:00Z",
		"2026-11-23T11:00:00+08:00":           "2026-11-23T03:00:00Z",
		"2026-11-22T20:00:00-0700":            "2026-11-23T03:00:00Z",
		"2026-11-22T20:00:00-07":              "2026-11-23T03:00:00Z",
		"2026-11-23t03:00:00.5z":              "2026-11-23T03:00:00.5Z",
		"2026-11-23T03:00:00,25Z":             "2026-11-23T03:00:00.25Z",
		"2026-11-23T03:00:00.123456789Z":      "2026-11-23T03:00:00.123456Z",
		"2026-11-23T03:00:00.1234567890123Z":  "2026-11-23T03:00:00.123456Z",
		"2026-11-23T03:00Z":                   "2026-11-23T03:00:00Z",
		"2026-11-23 03:00:00Z":                "2026-11-23T03:00:00Z",
		"2024-02-29T23:59:60Z":                "2024-03-01T00:00:00Z",
		"0001-01-01T00:00:00Z":                "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59.999999Z":         "9999-12-31T23:59:59.999999Z",
		"1969-12-31T23:59:59.999999+00:00":    "1969-12-31T23:59:59.999999Z",
		"2026-11-23T03:00:00":                 "",
		"2026-11-23":                          "",
		"2026-11-23T24:00:00Z":                "",
		"2026-13-23T03:00:00Z":                "",
		"2025-02-29T03:00:00Z":                "",
		"2026-11-23T03:00:00.Z":               "",
		"2026-11-23T03:00:00+8:00":            "",
		"2026-11-23T03:00:00Zjunk":            "",
		"yesterday":                           "",
		"":                                    "",
		"2026-11-23T03:00:00+08:00:00":        "",
		"2026-11-23T03:00:0":                  "",
		"2026-11-23T03:00:00.123456789012345": "",
	} {
		us, ok := parseTime([]byte(text))
		got := ""
		if ok {
			got = time.UnixMicro(us).UTC().Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// Our reader of times and the library's agree on what both take.
func TestTimesAgreeWithTheLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-62_135_596_800, 253_402_300_799).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		zone := time.FixedZone("", rapid.IntRange(-14*60, 14*60).Draw(t, "offset")*60)
		text := at.In(zone).Format(time.RFC3339Nano)
		want, err := time.Parse(time.RFC3339Nano, text)
		us, ok := parseTime([]byte(text))
		if err == nil && len(text) > 4 && text[4] == '-' && (!ok || us != want.Truncate(time.Microsecond).UnixMicro() && us != want.UnixMicro()) {
			t.Fatalf("%s: %d %v, want %d", text, us, ok, want.UnixMicro())
		}
	})
}

// general reads an Observation as the general way does.
func general(body []byte) (*observation, []web.Detail, error) {
	n, err := readJSON(body)
	if err != nil {
		return nil, nil, err
	}
	c := &checker{mode: create, problems: problems{src: body}}
	d := c.entity(n, setObservations, "", "Datastream", 0)
	if d.obs != nil {
		if l := d.ones["Datastream"]; l != nil {
			d.obs.reading.Datastream = l.link
		}
		if l := d.ones["FeatureOfInterest"]; l != nil {
			d.obs.reading.Feature = l.link
		}
	}
	return d.obs, c.list, nil
}

// agree fails unless the short way, where it takes a body, reads the same as the general way.
func agree(t interface{ Fatalf(string, ...any) }, body []byte) (short bool) {
	var o observation
	s := scanner{b: body}
	if !s.observation(&o) {
		return false
	}
	g, wrong, err := general(body)
	if err != nil || len(wrong) > 0 {
		t.Fatalf("%s\nthe short way takes what the general way refuses: %v %v", body, err, wrong)
	}
	now := func() int64 { return 42 }
	a := o.stored(o.reading.Datastream, o.reading.Feature, now)
	b := g.stored(g.reading.Datastream, g.reading.Feature, now)
	if !sameReading(a, b) {
		t.Fatalf("%s\nthe short way reads %+v %+v\nthe general way %+v %+v", body, a, a.More, b, b.More)
	}
	return true
}

func TestBothWaysReadTheSame(t *testing.T) {
	// What must go the short way, since it is what most senders send.
	for _, body := range []string{
		`{"result":1}`,
		`{"phenomenonTime":"2026-11-23T03:00:00Z","result":21.5,"Datastream":{"@iot.id":1}}`,
		` { "phenomenonTime" : "2026-11-23T11:00:00.000+08:00" , "resultTime" : null , "result" : -1.5e-3 , "Datastream" : { "@iot.id" : 12 } , "FeatureOfInterest" : { "@iot.id" : 3 } } ` + "\n",
		`{"result":"开","phenomenonTime":"2026-11-23T03:00:00Z/2026-11-23T04:00:00Z","validTime":"2026-11-23T03:00:00Z/2026-11-23T04:00:00Z"}`,
		`{"result":true,"parameters":{"depth":1.50,"deep":{"a":[1,"x"]}},"resultQuality":[{"code":2}]}`,
		`{"result":12345678901234567890,"resultTime":"2026-11-23T03:00:00Z"}`,
	} {
		if !agree(t, []byte(body)) {
			t.Errorf("%s does not go the short way", body)
		}
	}
	values := []string{`1`, `-0`, `01`, `1.`, `1e5`, `null`, `true`, `tru`, `"x"`, `"\u0041"`, `"2026-11-23T03:00:00Z"`, `"2026-11-23T03:00:00Z/2026-11-23T02:00:00Z"`,
		`"2026-11-23T03:00:00Z/2026-11-23T04:00:00Z"`, `{"@iot.id":1}`, `{"@iot.id":0}`, `{"@iot.id":"1"}`, `{"@iot.id":1,"@iot.selfLink":"x"}`, `{}`, `[]`, `[1,2]`,
		`{"phone":1}`, `{"a":"13812345678"}`, `{"a":1,"a":2}`, "\"\x01\"", "\"\xff\"", `"`, `{"a":"\u0000"}`, `9007199254740993`, `"13812345678"`}
	keys := []string{"phenomenonTime", "result", "resultTime", "validTime", "parameters", "resultQuality", "Datastream", "FeatureOfInterest", "reslt", "@iot.id", "result"}
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		b.WriteString(rapid.SampledFrom([]string{"{", " {", "\n{ ", "[", "\ufeff{"}).Draw(t, "open"))
		for i, n := 0, rapid.IntRange(0, 5).Draw(t, "members"); i < n; i++ {
			if i > 0 {
				b.WriteString(rapid.SampledFrom([]string{",", " , ", ",,"}).Draw(t, "comma"))
			}
			fmt.Fprintf(&b, `"%s"%s%s`, rapid.SampledFrom(keys).Draw(t, "key"), rapid.SampledFrom([]string{":", " : "}).Draw(t, "colon"), rapid.SampledFrom(values).Draw(t, "value"))
		}
		b.WriteString(rapid.SampledFrom([]string{"}", "} ", "}}", "", ",}"}).Draw(t, "close"))
		agree(t, []byte(b.String()))
	})
}

// Numbers that are read without the library are those that it reads.
func TestPlainNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,5}0{0,3})?`).Draw(t, "number")
		v, ok := plainNumber([]byte(text))
		if ok && v != sensing.Literal(text) {
			t.Fatalf("%s is %#v, want %#v", text, v, sensing.Literal(text))
		}
		if back := string(sensing.Literal(text).AppendJSON(nil)); back != text {
			t.Fatalf("%s is written back as %s", text, back)
		}
	})
	for _, text := range []string{"21.5", "-3", "0", "100", "0.001", "123456789012345", "1.0", "0.0", "-21.50", "0.000000"} {
		if _, ok := plainNumber([]byte(text)); !ok {
			t.Errorf("%s is not plain", text)
		}
	}
	for _, text := range []string{"-0", "-0.0", "1e3", "0.0000001", "1.0000000", "1234567890123456"} {
		if _, ok := plainNumber([]byte(text)); ok {
			t.Errorf("%s is plain", text)
		}
	}
}

func FuzzObservation(f *testing.F) {
	f.Add([]byte(`{"phenomenonTime":"2026-11-23T03:00:00Z","result":21.5,"Datastream":{"@iot.id":1},"parameters":{"a":[1]}}`))
	f.Add([]byte(`{"result":"开","validTime":"2026-11-23T03:00:00Z/2026-11-23T04:00:00Z"}`))
	f.Fuzz(func(t *testing.T, body []byte) { agree(t, body) })
}

func TestCreateObservations(t *testing.T) {
	writeBoth(t, func(t *testing.T, w *writeWorld) {
		for _, c := range []struct {
			name, body string
			status     int
			rows       string // u for a link, e for an error
			want       string // what the answer holds
			grown      string
		}{
			{"two groups, a bad feature in between", `[{"Datastream":{"@iot.id":{datastream}},"components":["phenomenonTime","result","FeatureOfInterest/id"],"dataArray@iot.count":2,
				"dataArray":[["2010-12-23T10:20:00-07:00",20,{feature}],["2010-12-23T10:21:00-07:00",30,"probablyNotAValidId"]]},
				{"Datastream":{"@iot.id":{datastream}},"components":["phenomenonTime","result"],"dataArray@iot.count":2,"dataArray":[["2010-12-23T10:22:00-07:00",65],["2010-12-23T10:23:00-07:00",60]]}]`,
				201, "ueuu", "error: FeatureOfInterest/id: expected an id", "Observations+3 FeaturesOfInterest+1"},
			{"every component, in any order, behind the rows", `[{"dataArray":[[{"flag":1},"2026-11-23T03:00:00Z/2026-11-23T04:00:00Z",{"d":1},"x","2026-11-23T03:00:00Z","2026-11-23T02:00:00Z"],[null,"2026-11-23T03:00:00Z/2026-11-23T04:00:00Z",null,[1],null,"2026-11-23T02:00:01Z"]],
				"components":["resultQuality","validTime","parameters","result","resultTime","phenomenonTime"],"Datastream":{"@iot.id":{datastream}}}]`,
				201, "uu", "", "Observations+2 FeaturesOfInterest+1"},
			{"no time: the server's, each its own", `[{"Datastream":{"@iot.id":{datastream}},"components":["result"],"dataArray":[[1],[2],[3]]}]`, 201, "uuu", "", "Observations+3 FeaturesOfInterest+1"},
			{"values that are wrong", `[{"Datastream":{"@iot.id":{datastream}},"components":["result","phenomenonTime"],"dataArray":[[1,"yesterday"],[1],[1,"2026-11-23T03:00:00Z",2],["13812345678","2026-11-23T03:00:00Z"],[5,"2026-11-23T03:00:00Z"]]}]`,
				201, "eeeeu", "expected 2 values, as many as components, got 1", "Observations+1 FeaturesOfInterest+1"},
			{"a Datastream that there is not", `[{"Datastream":{"@iot.id":987654321},"components":["result"],"dataArray":[[1],[2]]},{"Datastream":{"@iot.id":{datastream}},"components":["result"],"dataArray":[[3]]}]`,
				201, "eeu", "error: there is no Datastream with the id 987654321", "Observations+1 FeaturesOfInterest+1"},
			{"a feature that there is not", `[{"Datastream":{"@iot.id":{datastream}},"components":["result","FeatureOfInterest/id"],"dataArray":[[1,987654321],[2,{feature}],[3,null]]}]`,
				201, "euu", "error: there is no FeatureOfInterest with the id 987654321", "Observations+2 FeaturesOfInterest+1"},
			{"no place for a feature", `[{"Datastream":{"@iot.id":{homeless}},"components":["result"],"dataArray":[[1]]}]`, 201, "e", "has no Location, so FeatureOfInterest can't be derived", ""},
			{"nothing", `[]`, 201, "", "[]", ""},
			{"JSON that ends early stores nothing", `[{"Datastream":{"@iot.id":{datastream}},"components":["result"],"dataArray":[[1],[2]`, 400, "", "ends before it is complete", ""},
			{"JSON with a mistake stores nothing", "[{\"Datastream\":{\"@iot.id\":{datastream}},\"components\":[\"result\"],\"dataArray\":[[1],\n[2}]}]", 400, "", `"line":2`, ""},
			{"a component that there is not", `[{"Datastream":{"@iot.id":{datastream}},"components":["resul"],"dataArray":[[1]]}]`, 400, "", "did you mean result?", ""},
			{"no result", `[{"Datastream":{"@iot.id":{datastream}},"components":["phenomenonTime"],"dataArray":[]}]`, 400, "", "hold no result", ""},
			{"a MultiDatastream", `[{"MultiDatastream":{"@iot.id":1},"components":["result"],"dataArray":[[1]]}]`, 400, "", "did you mean Datastream?", ""},
			{"no array", `{"Datastream":{"@iot.id":1}}`, 400, "", "expected an array", ""},
		} {
			t.Run(c.name, func(t *testing.T) {
				w.t, w.names = t, map[string]string{}
				w.gauge()
				w.run(call{do: "POST /FeaturesOfInterest", body: feature, status: 201, as: "feature"})
				w.run(call{do: "POST /Things", body: `{"name":"t","description":"d","Datastreams":[{` + datastream + `,"Sensor":` + sensor + `,"ObservedProperty":` + property + `}]}`, status: 201, as: "t"})
				w.names["homeless"] = w.idAt("/Things({t})/Datastreams")
				before := w.counts()
				_, body := w.run(call{do: "POST /CreateObservations", body: c.body, status: c.status, want: c.want})
				if c.status == 201 {
					if got := w.rows(body); got != c.rows {
						t.Errorf("rows %s, want %s: %s", got, c.rows, body)
					}
				}
				if got := w.grown(before); got != c.grown {
					t.Errorf("grew by %q, want %q", got, c.grown)
				}
			})
		}
	})
}

// rows is an answer of CreateObservations in short; each link leads to its Observation.
func (w *writeWorld) rows(body string) string {
	w.t.Helper()
	var list []string
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		w.t.Fatalf("%s: %v", body, err)
	}
	out := ""
	for _, link := range list {
		if strings.HasPrefix(link, "error") {
			out += "e"
			continue
		}
		out += "u"
		w.run(call{do: "GET " + strings.TrimPrefix(link, w.url), status: 200})
	}
	return out
}

func TestServersTimesAreUnique(t *testing.T) {
	w := writeStart(t, sqliteStore(t))
	w.gauge()
	w.run(call{do: "POST /CreateObservations", body: `[{"Datastream":{"@iot.id":{datastream}},"components":["result"],"dataArray":[[1],[1],[1]]}]`, status: 201})
	w.run(call{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201})
	w.run(call{do: "GET /Datastreams({datastream})/Observations?$select=phenomenonTime", status: 200, want: "12:00:00Z\n12:00:00.000001Z\n12:00:00.000002Z\n12:00:00.000003Z"})
	w.run(call{do: "GET /Datastreams({datastream})/Observations", status: 200, want: "!duplicate"})
}

func TestPublish(t *testing.T) {
	writeBoth(t, func(t *testing.T, w *writeWorld) {
		for _, c := range []struct {
			topic, payload string
			want           string // of the error; "" for none
			grown          string
		}{
			{"v1.1/Observations", `{"result":12345678901234567890,"phenomenonTime":"2015-03-01T02:40:00+02:00","validTime":"2016-01-01T01:01:01.000Z/2016-01-01T23:59:59.000Z","parameters":{"a":1},"Datastream":{"@iot.id":{datastream}},"FeatureOfInterest":{"@iot.id":{feature}}}`, "", "Observations+1"},
			{"v1.1/Datastreams({datastream})/Observations", `{"result":1}`, "", "Observations+1 FeaturesOfInterest+1"},
			{"v1.1/Datastreams({datastream})/Observations", `{"result":1,"Datastream":{"@iot.id":{datastream}}}`, "", "Observations+1 FeaturesOfInterest+1"},
			{"v1.1/FeaturesOfInterest({feature})/Observations", `{"result":1,"Datastream":{"@iot.id":{datastream}},"FeatureOfInterest":{"@iot.id":{feature}}}`, "", "Observations+1"},
			{"v1.1/Observations", `{"result":1,"FeatureOfInterest":` + feature + `,"Datastream":{` + datastream + `,"Thing":{"name":"t","description":"d"},"Sensor":` + sensor + `,"ObservedProperty":` + property + `}}`,
				"", "Things+1 Datastreams+1 Sensors+1 ObservedProperties+1 Observations+1 FeaturesOfInterest+1"},
			{"v1.1/Datastreams({datastream})/Observations", `{"result":1,"Datastream":{"@iot.id":987654321}}`, "there is no Datastream with the id 987654321", ""},
			{"v1.1/Datastreams(987654321)/Observations", `{"result":1}`, "there is no Datastream with the id 987654321", ""},
			{"v1.1/Observations", `{"result":1}`, "Datastream", ""},
			{"v1.1/Observations", `{"result":`, "ends before it is complete", ""},
			{"v1.1/Observations", `{"result":"13812345678","Datastream":{"@iot.id":{datastream}},"FeatureOfInterest":{"@iot.id":{feature}}}`, "identifier of a person", ""},
			{"v1.1/Things", `{"name":"t","description":"d"}`, "only Observations are made by publishing", ""},
			{"v1.1/Datastreams({datastream})", `{"name":"t"}`, "only Observations are made by publishing", ""},
			{"v1.0/Observations", `{"result":1}`, "expected a topic such as v1.1/Observations", ""},
		} {
			t.Run(c.topic, func(t *testing.T) {
				w.t, w.names = t, map[string]string{}
				w.gauge()
				w.run(call{do: "POST /FeaturesOfInterest", body: feature, status: 201, as: "feature"})
				before := w.counts()
				done := make(chan error, 2)
				ctx := access.With(context.Background(), access.System("gateway"))
				w.s.Publish(ctx, w.fill(c.topic), []byte(w.fill(c.payload)), func(err error) { done <- err })
				err := <-done
				var e *web.Error
				if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &e) || e.Status >= 500 || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("%s %s: %v, want %q", c.topic, c.payload, err, c.want)
				}
				if got := w.grown(before); got != c.grown {
					t.Errorf("%s %s: grew by %q, want %q", c.topic, c.payload, got, c.grown)
				}
				if len(done) > 0 {
					t.Error("done was called twice")
				}
			})
		}
	})
}

// What the array reader takes is JSON, and it sees as many rows as any other reader.
func FuzzDataArray(f *testing.F) {
	f.Add([]byte(`[{"Datastream":{"@iot.id":1},"components":["phenomenonTime","result","FeatureOfInterest/id"],"dataArray@iot.count":2,"dataArray":[["2010-12-23T10:20:00-07:00",20,1],["x",30,"y"]]}]`))
	f.Add([]byte(`[{"dataArray":[[{"a":[1]},null]],"Datastream":{"@iot.id":1},"components":["result","parameters"]}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a := &arrays{scan: scanner{b: body}, wrong: map[int]string{}, stamp: func() int64 { return 1 }}
		if a.read() != nil {
			return
		}
		var plain []struct {
			DataArray [][]json.RawMessage `json:"dataArray"`
		}
		if err := json.Unmarshal(body, &plain); err != nil {
			t.Fatalf("%s: taken, but %v", body, err)
		}
		rows := 0
		for _, g := range plain {
			rows += len(g.DataArray)
		}
		if rows != a.rows || len(a.readings)+len(a.wrong) != rows {
			t.Fatalf("%s: %d rows, of which %d read and %d wrong; expected %d", body, a.rows, len(a.readings), len(a.wrong), rows)
		}
	})
}

// Rows in bulk are read as single Observations are.
func TestRowsReadAsSingleObservations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := map[component]string{
			compTime:       `"` + time.UnixMicro(rapid.Int64Range(-1e15, 4e15).Draw(t, "at")).UTC().Format(time.RFC3339Nano) + `"`,
			compResult:     rapid.SampledFrom([]string{"1", "-2.50", "true", `"开"`, `"a\"b"`, "null", `{"a":1}`, "1e400"}).Draw(t, "result"),
			compResultTime: rapid.SampledFrom([]string{"null", `"2026-11-23T03:00:00Z"`}).Draw(t, "resultTime"),
			compParameters: rapid.SampledFrom([]string{"null", `{"a":1}`}).Draw(t, "parameters"),
		}
		order := rapid.Permutation([]component{compTime, compResult, compResultTime, compParameters}).Draw(t, "order")
		var names, row, object []string
		for _, c := range order {
			names = append(names, `"`+componentNames[c]+`"`)
			row = append(row, values[c])
			object = append(object, `"`+componentNames[c]+`":`+values[c])
		}
		body := `[{"Datastream":{"@iot.id":7},"components":[` + strings.Join(names, ",") + `],"dataArray":[[` + strings.Join(row, ",") + `]]}]`
		a := &arrays{scan: scanner{b: []byte(body)}, wrong: map[int]string{}, stamp: func() int64 { return 42 }}
		if err := a.read(); err != nil {
			t.Fatal(err)
		}
		g, wrong, err := general([]byte("{" + strings.Join(object, ",") + "}"))
		if err != nil || len(wrong) > 0 || len(a.wrong) > 0 {
			t.Fatal(err, wrong, a.wrong)
		}
		if want := g.stored(7, 0, func() int64 { return 42 }); !sameReading(want, a.readings[0]) {
			t.Fatalf("%s: %+v, want %+v", body, a.readings[0], want)
		}
	})
}

// sameReading compares what was sent, not what was found doubtful.
func sameReading(a, b sensing.Reading) bool {
	more := func(r sensing.Reading) sensing.More {
		if r.More == nil {
			return sensing.More{}
		}
		return *r.More
	}
	m, n := more(a), more(b)
	a.More, b.More, a.Marks, b.Marks = nil, nil, 0, 0
	return a == b && m == n
}

// The JSON of large bodies is read one after the other: many at once would take more memory than there is.
func TestLargeEntitiesWaitForEachOther(t *testing.T) {
	w := writeStart(t, sqliteStore(t))
	w.gauge()
	w.run(call{do: "POST /Datastreams({datastream})/Observations", body: `{"result":1}`, status: 201})
	array := `{"a":[` + strings.Repeat("1,", largeEntity) + `1]}`
	large := `{"name":"t","description":"d","properties":` + array + `}`
	for range 2 {
		w.run(call{do: "POST /Things", body: large, status: 201})
	}
	if !w.s.bulk.TryAcquire(maxBulkUnderWay) {
		t.Fatal("something was not given back")
	}
	ctx, cancel := context.WithCancel(access.With(context.Background(), access.System("desk")))
	cancel()
	write := &Writing{Method: "POST", Path: "Things", Body: []byte(large)}
	if _, err := w.s.prepare(ctx, write, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a large one: %v", err)
	}
	var r sensing.Reading
	if id, _ := parseID([]byte(w.names["datastream"])); w.s.quick([]byte(`{"result":1,"parameters":`+array+`}`), id, &r) {
		t.Error("a large one went the short way")
	}
	write.Body = []byte(`{"name":"t","description":"d"}`)
	if _, err := w.s.prepare(ctx, write, nil); err != nil {
		t.Errorf("a small one: %v", err)
	}
}

// Bulks on slow lines keep no other out.
func TestSlowUploadsKeepNobodyOut(t *testing.T) {
	w := writeStart(t, sqliteStore(t))
	w.gauge()
	slow := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Hour}}
	var wg sync.WaitGroup
	defer wg.Wait()
	for range maxBulkUnderWay / (maxBulk * bulkFactor) {
		begun := make(chan struct{}) // the server reads the body
		traced := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{Got100Continue: func() { close(begun) }})
		body, end := io.Pipe() // from which nothing comes
		defer end.Close()
		r, err := http.NewRequestWithContext(traced, "POST", w.url+"/CreateObservations", body)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = maxBulk
		r.Header.Set("Expect", "100-continue")
		wg.Go(func() {
			if res, err := slow.Do(r); err == nil {
				res.Body.Close()
			}
		})
		<-begun
	}
	w.run(call{do: "POST /CreateObservations", body: `[{"Datastream":{"@iot.id":{datastream}},"components":["result"],"dataArray":[[1]]}]`, status: 201})
}
