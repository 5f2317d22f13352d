package sta

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/sensing"
)

// all follows nextLinks to the end and returns the values of a property.
func (w *readWorld) all(path, property string, between func(page int)) string {
	w.t.Helper()
	var out []string
	for page := 1; path != ""; page++ {
		got := w.get(path)
		for _, v := range got["value"].([]any) {
			out = append(out, fmt.Sprint(v.(map[string]any)[property]))
		}
		path, _ = got["@iot.nextLink"].(string)
		if between != nil {
			between(page)
		}
		if page > 100 {
			w.t.Fatal("the pages have no end")
		}
	}
	return strings.Join(out, " ")
}

func TestPaging(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		for path, want := range map[string]string{
			"/Observations?$top=5":                                               "1 5 9 2 6 10 3 7 11 4 8 12",
			"/Observations?$top=5&$skip=2":                                       "9 2 6 10 3 7 11 4 8 12",
			"/Observations?$top=5&$orderby=id desc":                              "12 8 4 11 7 3 10 6 2 9 5 1",
			"/Observations?$top=5&$orderby=phenomenonTime":                       "1 2 3 4 5 6 7 8 9 10 11 12",
			"/Observations?$top=5&$orderby=phenomenonTime desc":                  "12 11 10 9 8 7 6 5 4 3 2 1",
			"/Observations?$top=5&$skip=3&$orderby=phenomenonTime desc":          "9 8 7 6 5 4 3 2 1",
			"/Observations?$top=5&$orderby=result desc":                          "12 11 10 9 8 7 6 5 4 3 2 1",
			"/Observations?$top=5&$skip=7&$orderby=result desc":                  "5 4 3 2 1",
			"/Observations?$top=4&$orderby=Datastream/Thing/name desc,result":    "3 4 7 8 11 12 1 2 5 6 9 10",
			"/Observations?$top=2&$filter=result mod 2 eq 0&$orderby=result":     "2 4 6 8 10 12",
			"/Observations?$top=2&$filter=result mod 2 eq 0":                     "2 6 10 4 8 12",
			"/Observations?$top=1&$filter=Datastream/name eq 'datastream 1.2'":   "2 6 10",
			"/Datastreams(2)/Observations?$top=2":                                "2 6 10",
			"/FeaturesOfInterest(2)/Observations?$top=2&$orderby=phenomenonTime": "3 4 7 8 11 12",
			"/Datastreams(2)/Observations?$top=1&$orderby=phenomenonTime desc":   "10 6 2",
			"/Observations?$skip=12":                                             "",
			"/Observations?$skip=100&$orderby=result":                            "",
		} {
			if got := w.all(path, "result", nil); got != want {
				t.Errorf("%s: %s, want %s", path, got, want)
			}
		}
		for path, want := range map[string]string{
			"/Datastreams?$top=1":                                         "1 2 3 4",
			"/Datastreams?$top=3&$orderby=name desc":                      "4 3 2 1",
			"/Datastreams?$top=1&$orderby=Thing/name desc,name":           "3 4 1 2",
			"/Datastreams?$top=1&$orderby=ObservedProperty/name,id desc":  "3 1 4 2",
			"/Datastreams?$top=3&$orderby=phenomenonTime desc":            "4 3 2 1",
			"/Datastreams?$top=1&$skip=1&$orderby=length(name),name desc": "3 2 1",
			"/Datastreams?$top=1&$filter=length(name) eq 14":              "1 2 3 4",
			"/Datastreams?$top=1&$skip=2&$filter=length(name) eq 14":      "3 4",
			"/Things(2)/Datastreams?$top=1&$orderby=id desc":              "4 3",
			"/HistoricalLocations?$top=1&$orderby=time desc,id":           "1 2",
			"/Locations?$top=1&$orderby=properties/x":                     "1 2",
		} {
			if got := w.all(path, "@iot.id", nil); got != want {
				t.Errorf("%s: %s, want %s", path, got, want)
			}
		}
		// $top of the whole set has no next page; a token of another order is refused.
		page := w.get("/Things?$top=2")
		if page["@iot.nextLink"] != nil {
			t.Errorf("%v", page)
		}
		next := w.get("/Things?$top=1&$orderby=name")["@iot.nextLink"].(string)
		w.refused(strings.Replace(next, "$orderby=name", "$orderby=description", 1), 400, "another order")
		w.refused(strings.Replace(next, "/Things", "/Sensors", 1), 400, "another list")
		if got := len(w.get("/Observations?$top=5000")["value"].([]any)); got != 12 {
			t.Errorf("%d", got)
		}
	})
}

func TestPagesStayRightWhileDataComesAndGoes(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		n := 100
		change := func(page int) {
			// New readings before and behind, one that was shown goes, and all is sealed.
			n++
			w.post("/Datastreams(1)/Observations", fmt.Sprintf(`{"phenomenonTime":"2025-01-01T00:00:00Z","result":%d}`, n))
			w.post("/Datastreams(4)/Observations", fmt.Sprintf(`{"phenomenonTime":"2027-01-01T00:00:00Z","result":%d}`, n))
			if page == 2 {
				w.seal()
			}
		}
		got := w.all("/Observations?$top=3&$orderby=phenomenonTime&$filter=result lt 100", "result", change)
		if got != "1 2 3 4 5 6 7 8 9 10 11 12" {
			t.Errorf("by time: %s", got)
		}
		got = w.all("/Observations?$top=3&$filter=result lt 100", "result", change)
		if got != "1 5 9 2 6 10 3 7 11 4 8 12" {
			t.Errorf("by id: %s", got)
		}
		got = w.all("/Observations?$top=3&$orderby=result desc&$filter=result lt 100", "result", func(page int) {
			if page == 1 {
				first := strings.Fields(w.ids("/Observations?$filter=result eq 12"))
				if status, _, body := w.call("DELETE", "/Observations("+first[0]+")", ""); status != 200 {
					t.Errorf("%d %s", status, body)
				}
			}
			change(page)
		})
		if got != "12 11 10 9 8 7 6 5 4 3 2 1" {
			t.Errorf("by result: %s", got)
		}
		got = w.all("/Things?$top=1&$orderby=name", "name", func(page int) {
			if page == 1 {
				w.post("/Things", `{"name":"a thing before","description":"d"}`)
				w.call("DELETE", "/Things(1)", "")
			}
		})
		if got != "thing 1 thing 2" {
			t.Errorf("things: %s", got)
		}
	})
}

func TestCounts(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		for path, want := range map[string]string{
			"/Things": "2", "/Observations": "12", "/Datastreams(1)/Observations": "3", "/FeaturesOfInterest(1)/Observations": "6", "/Things(1)/Datastreams": "2",
			"/Observations?$filter=Datastream/id eq 2":                                            "3",
			"/Observations?$filter=Datastream/Thing/name eq 'thing 2'":                            "6",
			"/Observations?$filter=phenomenonTime ge 2026-03-07T00:00:00Z":                        "6",
			"/Observations?$filter=phenomenonTime gt 2026-03-07T00:00:00Z":                        "5",
			"/Observations?$filter=phenomenonTime lt 2026-03-07T00:00:00Z":                        "6",
			"/Observations?$filter=phenomenonTime ge 2026-03-07T00:00:00Z and Datastream/id eq 1": "1",
			"/Observations?$filter=result gt '3'":                                                 "6",
			"/Observations?$filter=result gt 3":                                                   "9",
			"/Observations?$filter=resultTime ne 2015-01-01T00:00:00Z":                            "0",
			"/Things?$filter=Datastreams/Observations/result gt 11":                               "1",
			"/Things(1)/Datastreams?$filter=length(name) gt 3":                                    "2",
			"/Observations?$filter=id eq 1":                                                       "0",
			"/Observations?$orderby=result&$filter=result gt 3":                                   "9",
			"/Observations?$filter=false":                                                         "0",
		} {
			sep := "?"
			if strings.Contains(path, "?") {
				sep = "&"
			}
			page := w.get(path + sep + "$count=true&$top=1&$skip=1")
			if got := fmt.Sprint(page["@iot.count"]); got != want {
				t.Errorf("%s: %s, want %s", path, got, want)
			}
			if page = w.get(path + sep + "$count=false"); page["@iot.count"] != nil {
				t.Errorf("%s: counted all the same", path)
			}
		}
		page := w.get("/Observations?$count=true&$top=1&$skip=2&$orderby=phenomenonTime%20asc&$filter=result%20gt%20'3'")
		if fmt.Sprint(page["@iot.count"]) != "6" || fmt.Sprint(page["value"].([]any)[0].(map[string]any)["result"]) != "6" {
			t.Errorf("%v", page)
		}
	})
}

func TestOrderOfGeometries(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		if got := w.all("/Locations?$orderby=location desc&$top=1", "@iot.id", nil); got != "2 1" {
			t.Error(got)
		}
	})
}

func TestDataArray(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		_, _, body := w.call("GET", "/Observations?$count=true&$top=4&$resultFormat=dataArray&$select=result,phenomenonTime&$orderby=phenomenonTime%20desc", "")
		want := `{"@iot.count":12,"value":[` +
			`{"Datastream@iot.navigationLink":"ROOT/Datastreams(4)","components":["result","phenomenonTime"],"dataArray@iot.count":1,"dataArray":[[12,"2026-03-12T00:00:00Z"]]},` +
			`{"Datastream@iot.navigationLink":"ROOT/Datastreams(3)","components":["result","phenomenonTime"],"dataArray@iot.count":1,"dataArray":[[11,"2026-03-11T00:00:00Z"]]},` +
			`{"Datastream@iot.navigationLink":"ROOT/Datastreams(2)","components":["result","phenomenonTime"],"dataArray@iot.count":1,"dataArray":[[10,"2026-03-10T00:00:00Z"]]},` +
			`{"Datastream@iot.navigationLink":"ROOT/Datastreams(1)","components":["result","phenomenonTime"],"dataArray@iot.count":1,"dataArray":[[9,"2026-03-09T00:00:00Z"]]}],"@iot.nextLink":`
		if got := strings.ReplaceAll(body, w.url, "ROOT"); !strings.HasPrefix(got, want) {
			t.Errorf("%s\nwant %s", got, want)
		}
		page := w.get("/Datastreams(1)/Observations?$top=3&$resultFormat=dataArray")
		group := page["value"].([]any)[0].(map[string]any)
		if got := fmt.Sprint(group["components"]); got != "[id phenomenonTime result resultTime resultQuality validTime parameters]" || fmt.Sprint(group["dataArray@iot.count"]) != "3" ||
			!strings.HasSuffix(fmt.Sprint(group["dataArray"].([]any)[1]), "2026-03-05T00:00:00Z 5 <nil> <nil> <nil> <nil>]") {
			t.Errorf("%v", page)
		}
		w.refused("/Observations?$resultFormat=dataArray&$expand=Datastream", 400, "expand")
		w.refused("/Observations?$resultFormat=csv", 400, "dataArray")
		// What was read can be sent.
		_, _, body = w.call("GET", "/Datastreams(3)/Observations?$resultFormat=dataArray&$select=phenomenonTime,result,FeatureOfInterest", "")
		if !strings.Contains(body, `"components":["phenomenonTime","result","FeatureOfInterest/id"]`) || !strings.Contains(body, `["2026-03-03T00:00:00Z",3,2]`) {
			t.Error(body)
		}
	})
}

func TestHomesShowNoValues(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		w.post("/Things", fmt.Sprintf(`{"name":"home","description":"d","properties":{"asset":"home-8"},
			"Locations":[{"name":"l","description":"d","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[8,51]}}],"Datastreams":[%s]}`, stream(3, 1)))
		id := w.post("/Datastreams(5)/Observations", `{"phenomenonTime":"2026-03-20T00:00:00Z","result":777}`)
		if d, _ := w.core.Lookup(5); d.Asset != 8 {
			t.Fatalf("the Thing was not bound to the asset that properties/asset names, so this proves nothing: %+v", d)
		}
		for _, path := range []string{"/Observations?$count=true&$orderby=phenomenonTime desc", "/Observations?$count=true", "/Observations?$count=true&$filter=result gt 0"} {
			page := w.get(path)
			if fmt.Sprint(page["@iot.count"]) != "12" || strings.Contains(fmt.Sprint(page["value"]), "777") {
				t.Errorf("%s: %v", path, page)
			}
		}
		if got := w.all("/Observations?$top=5&$skip=11", "result", nil); got != "12" {
			t.Error(got)
		}
		w.refused(fmt.Sprintf("/Observations(%d)", id), 403, "home")
		w.refused(fmt.Sprintf("/Observations(%d)/result", id), 403, "home")
		for _, body := range []string{`{}`, `{"resultTime":"2026-03-20T00:00:00Z"}`} { // whose answers would show the result
			if status, _, answer := w.call("PATCH", fmt.Sprintf("/Observations(%d)", id), body); status != 403 || strings.Contains(answer, "777") {
				t.Errorf("PATCH %s: %d %s", body, status, answer)
			}
		}
		w.same("/Datastreams(5)/Observations", "")
		w.same("/Observations?$filter=Datastream/id eq 5", "")
		w.same("/Datastreams?$filter=Observations/result eq 777", "")
		d := w.get("/Datastreams(5)?$expand=Observations($top=1;$orderby=phenomenonTime desc;$count=true)")
		if fmt.Sprint(d["Observations"]) != "[]" || fmt.Sprint(d["Observations@iot.count"]) != "0" || d["phenomenonTime"] != "2026-03-20T00:00:00Z/2026-03-20T00:00:00Z" {
			t.Errorf("%v", d)
		}
		got := w.heard(func() { w.post("/Datastreams(5)/Observations", `{"result":778}`) }, "v1.1/Observations", "v1.1/Datastreams(5)/Observations")
		if len(got) != 0 {
			t.Errorf("%v", got)
		}
		person := w.as
		w.as = access.System("detect")
		w.same(fmt.Sprintf("/Datastreams(5)/Observations?$filter=id eq %d", id), fmt.Sprint(id))
		if fmt.Sprint(w.get("/Observations?$count=true")["@iot.count"]) != "14" {
			t.Error("the program sees all")
		}
		got = w.heard(func() { w.post("/Datastreams(5)/Observations", `{"result":779}`) }, "v1.1/Observations")
		if len(got["v1.1/Observations"]) != 1 {
			t.Errorf("%v", got)
		}
		w.as = person
	})
}

func TestLatest(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		w.post("/Things(1)/Datastreams", stream(1, 3))
		ask := func(options string) string {
			r := httptest.NewRequest("GET", "/api/v1/latest"+options, nil)
			rec := httptest.NewRecorder()
			w.s.Latest().ServeHTTP(rec, r.WithContext(access.With(r.Context(), w.as)))
			return rec.Body.String()
		}
		for options, want := range map[string][]string{
			"":                   {`{"items":[{"datastream":1,"name":"datastream 1.1","unit":"Cel","count":3,"at":"2026-03-09T00:00:00Z","value":9,"id":`, `,{"datastream":5,"name":"datastream 1.3","unit":"Cel","count":0}]}`},
			"?limit=2":           {`"datastream":2,`, `],"next":2}`},
			"?limit=2&after=4":   {`{"items":[{"datastream":5,`, `]}`},
			"?datastream=3,99,2": {`{"items":[{"datastream":2,`, `{"datastream":3,`},
			"?datastream=x":      {`expected a whole number`},
			"?datastreams=1":     {`did you mean datastream?`},
		} {
			got := ask(options)
			for _, part := range want {
				if !strings.Contains(got, part) {
					t.Errorf("%s: %s, want %s", options, got, part)
				}
			}
		}
	})
}

// slow is a clock that no test waits for: the limit of a walk is shown by a context that has ended.
func TestWalksThatTakeTooLongSayWhatToAdd(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		ctx, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
		defer cancel()
		l := &logScan{v: w.s.newView(ctx, ""), query: sensing.Query{}}
		err := l.scan(ctx, func(*sensing.Stored) error { return nil })
		if err = errTooLong(err); err == nil || !strings.Contains(err.Error(), "phenomenonTime ge") {
			t.Errorf("%v", err)
		}
	})
}

// The latest reading is answered from what is kept. Repeats of it, which are no later, come behind it.
func TestRepeatsOfTheLatestAreShown(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		for range 2 {
			w.post("/Datastreams(2)/Observations", `{"phenomenonTime":"2026-03-10T00:00:00Z","result":10}`)
		}
		want := "10 10 10 6 2"
		for _, sealed := range []bool{false, true} {
			if sealed {
				w.seal()
			}
			for top := 1; top <= 3; top++ {
				path := fmt.Sprintf("/Datastreams(2)/Observations?$orderby=phenomenonTime desc&$top=%d", top)
				if got := w.all(path, "result", nil); got != want {
					t.Errorf("sealed %t, %s: %s", sealed, path, got)
				}
				ids := strings.Fields(w.all(path, "@iot.id", nil))
				slices.Sort(ids)
				if len(slices.Compact(ids)) != 5 {
					t.Errorf("sealed %t, %s: some are shown twice: %v", sealed, path, ids)
				}
			}
		}
		expanded := w.get("/Datastreams(2)?$expand=Observations($orderby=phenomenonTime desc;$top=1)")
		next := expanded["Observations@iot.nextLink"].(string)
		if got := w.all(next, "result", nil); got != "10 10 6 2" {
			t.Errorf("behind the latest of an expansion: %s", got)
		}
	})
}

// A nextLink can be followed, however long the texts are that a list is ordered by, within what a URL can hold.
func TestPagesInTheOrderOfLongTexts(t *testing.T) {
	w := readStart(t, sqliteStore(t))
	for i := range 3 {
		w.post("/Things", fmt.Sprintf(`{"name":"t","description":"%s%d"}`, strings.Repeat("安", 5000), i))
	}
	if got := w.all("/Things?$top=1&$orderby=description desc", "@iot.id", nil); got != "3 2 1" {
		t.Error(got)
	}
}
