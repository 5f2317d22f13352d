package sta

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// city makes two Things with two Datastreams each, of which the readings of the first are sealed, and returns nothing:
// ids count from 1.
func (w *readWorld) city() {
	w.t.Helper()
	for n := 1; n <= 2; n++ {
		w.post("/Things", fmt.Sprintf(`{"name":"thing %[1]d","description":"thing of test %[1]d","properties":{"n":%[1]d,"deep":{"a":[1,{"b":"x%[1]d"}]}},
			"Locations":[{"name":"location %[1]d","description":"place %[1]d","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[%[1]d,50]}}],
			"Datastreams":[%[2]s,%[3]s]}`, n, stream(n, 1), stream(n, 2)))
	}
	for i := 1; i <= 12; i++ {
		w.post(fmt.Sprintf("/Datastreams(%d)/Observations", (i-1)%4+1), fmt.Sprintf(`{"phenomenonTime":"2026-03-%02dT00:00:00Z","result":%d}`, i, i))
		if i == 6 {
			w.seal()
		}
	}
}

func stream(thing, n int) string {
	return fmt.Sprintf(`{"name":"datastream %[1]d.%[2]d","description":"d","observationType":"http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
		"unitOfMeasurement":{"name":"Celsius","symbol":"Cel","definition":"ucum:Cel"},
		"Sensor":{"name":"sensor %[1]d.%[2]d","description":"s","encodingType":"application/pdf","metadata":"m"},
		"ObservedProperty":{"name":"property %[2]d","definition":"http://example.org/p%[2]d","description":"p"}}`, thing, n)
}

func TestCore(t *testing.T) {
	onBoth(t, func(t *testing.T, w *readWorld) {
		w.t = t
		w.city()
		t.Run("root", func(t *testing.T) {
			w.t = t
			root := w.get("")
			var names []string
			for _, v := range root["value"].([]any) {
				e := v.(map[string]any)
				names = append(names, e["name"].(string))
				if e["url"] != w.url+"/"+e["name"].(string) {
					t.Errorf("%v", e)
				}
			}
			if got := strings.Join(names, " "); got != "Things Locations HistoricalLocations Datastreams Sensors ObservedProperties Observations FeaturesOfInterest" {
				t.Error(got)
			}
			if len(root["serverSettings"].(map[string]any)["conformance"].([]any)) < 20 {
				t.Error("few conformance classes")
			}
		})
		t.Run("entities", func(t *testing.T) {
			w.t = t
			thing := w.get("/Things(1)")
			want := map[string]any{
				"@iot.id": "1", "@iot.selfLink": w.url + "/Things(1)", "name": "thing 1",
				"Datastreams@iot.navigationLink":         w.url + "/Things(1)/Datastreams",
				"Locations@iot.navigationLink":           w.url + "/Things(1)/Locations",
				"HistoricalLocations@iot.navigationLink": w.url + "/Things(1)/HistoricalLocations",
			}
			for k, v := range want {
				if fmt.Sprint(thing[k]) != v {
					t.Errorf("%s: %v, want %v", k, thing[k], v)
				}
			}
			status, _, body := w.call("GET", "/Observations(1073741824)", "")
			o := w.get("/Datastreams(1)/Observations?$top=1")["value"].([]any)[0].(map[string]any)
			if got, ok := o["resultTime"]; !ok || got != nil || fmt.Sprint(o["result"]) != "1" || o["phenomenonTime"] != "2026-03-01T00:00:00Z" {
				t.Errorf("%v (%d %s)", o, status, body)
			}
			d := w.get("/Datastreams(1)")
			if d["phenomenonTime"] != "2026-03-01T00:00:00Z/2026-03-09T00:00:00Z" {
				t.Error(d["phenomenonTime"])
			}
		})
		t.Run("not there", func(t *testing.T) {
			w.t = t
			for _, path := range []string{
				"/Things(99)", "/Things(9223372036854775807)", "/Observations(9223372036854775807)", "/Nothings", "/Things(1)/Nothing", "/Things(1)/Datastreams(3)",
				"/Datastreams(99)/Observations", "/Things(a)", "/Things(1)/name/x", "/Sensors(1)/Datastreams(2)/Thing", "/Things(-1)",
			} {
				w.refused(path, 404, "")
			}
			w.refused("/Thigs", 404, "did you mean Things?")
		})
		t.Run("paths four deep", func(t *testing.T) {
			w.t = t
			w.paths(nil, "", 4)
		})
		t.Run("properties", func(t *testing.T) {
			w.t = t
			for path, want := range map[string]string{
				"/Things(1)/name":                                 `{"name":"thing 1"}`,
				"/Things(1)/name/$value":                          `thing 1`,
				"/Things(1)/id":                                   `{"id":1}`,
				"/Things(1)/properties/$value":                    `{"n":1,"deep":{"a":[1,{"b":"x1"}]}}`,
				"/Things(1)/properties/deep":                      `{"deep":{"a":[1,{"b":"x1"}]}}`,
				"/Things(2)/properties/deep/a[1]/b":               `{"b":"x2"}`,
				"/Things(2)/properties/n/$value":                  `2`,
				"/Things(2)/properties/deep/a[0]":                 `{"a[0]":1}`,
				"/Locations(1)/location/$value":                   `{"type":"Point","coordinates":[1,50]}`,
				"/Datastreams(1)/unitOfMeasurement/symbol":        `{"symbol":"Cel"}`,
				"/Datastreams(1)/phenomenonTime/$value":           `2026-03-01T00:00:00Z/2026-03-09T00:00:00Z`,
				"/Sensors(1)/metadata/$value":                     `m`,
				"/Things(1)/Datastreams(2)/Sensor/name":           `{"name":"sensor 1.2"}`,
				"/Datastreams(1)/Observations(1073741824)/result": `{"result":1}`,
			} {
				if status, h, body := w.call("GET", path, ""); strings.Contains(path, "(1073741824)") && status == 404 {
					continue // ids of lanes are the log's business
				} else if status != 200 || body != want {
					t.Errorf("%s: %d %s, want %s", path, status, body, want)
				} else if plain := strings.HasPrefix(h.Get("Content-Type"), "text/plain"); plain != strings.HasSuffix(path, "$value") {
					t.Errorf("%s: %s", path, h.Get("Content-Type"))
				}
			}
			for _, path := range []string{"/Things(1)/properties/no", "/Datastreams(1)/observedArea/x", "/Datastreams(1)/resultTime"} {
				if status, _, body := w.call("GET", path, ""); status != http.StatusNoContent || body != "" {
					t.Errorf("%s: %d %s", path, status, body)
				}
			}
		})
		t.Run("methods", func(t *testing.T) {
			w.t = t
			for path, allow := range map[string]string{
				"/Things": "GET, HEAD, POST, OPTIONS", "/Things(1)": "GET, HEAD, PATCH, PUT, DELETE, OPTIONS", "/Things(1)/name": "GET, HEAD, OPTIONS",
				"/CreateObservations": "POST, OPTIONS",
			} {
				if status, h, _ := w.call("OPTIONS", path, ""); status != 204 || h.Get("Allow") != allow {
					t.Errorf("OPTIONS %s: %d %s", path, status, h.Get("Allow"))
				}
			}
			if status, h, _ := w.call("DELETE", "/Things", ""); status != 405 || h.Get("Allow") == "" {
				t.Errorf("DELETE /Things: %d", status)
			}
			for _, path := range []string{"/CreateObservations", "/$batch"} {
				if status, h, _ := w.call("GET", path, ""); status != 405 || h.Get("Allow") != "POST, OPTIONS" {
					t.Errorf("GET %s: %d %s", path, status, h.Get("Allow"))
				}
			}
			if status, h, body := w.call("HEAD", "/Things", ""); status != 200 || body != "" || h.Get("Content-Type") != "application/json" {
				t.Errorf("HEAD: %d", status)
			}
		})
		t.Run("bad options", func(t *testing.T) {
			w.t = t
			w.refused("/Things?$fliter=id eq 1", 400, "did you mean $filter?")
			w.refused("/Things?$filter=nam eq 'x'", 400, "did you mean name?")
			w.refused("/Things?$top=-1", 400, "$top")
			w.refused("/Things(1)?$filter=id eq 1", 400, "$filter")
			w.refused("/Things?$skiptoken=xyz", 400, "nextLink")
			w.refused("/Things?$resultFormat=dataArray", 400, "Observations")
			w.get("/Things?foo=bar") // an extension of somebody
			// FROST's own tests encode an option as a whole.
			w.same("/Things?%24filter%3Dname+eq+%27thing+2%27", "2")
			w.same("/Things?%24filter%3Dname+eq+%27thing+2%27&$count=true", "2")
		})
	})
}

// paths follows every chain of navigations, and its $ref.
func (w *readWorld) paths(at []string, set string, deep int) {
	w.t.Helper()
	if deep == 0 {
		return
	}
	var next []string
	if set == "" {
		next = sets
	} else {
		for _, l := range linksOf(set) {
			next = append(next, l.nav)
		}
	}
	for _, nav := range next {
		target, many := nav, true
		for _, l := range linksOf(set) {
			if l.nav == nav {
				target, many = l.target, l.many
			}
		}
		path := append(at[:len(at):len(at)], nav)
		url := "/" + strings.Join(path, "/")
		got, ref := w.get(url), w.get(url+"/$ref")
		first := got
		if many {
			list := got["value"].([]any)
			if len(list) == 0 {
				w.t.Errorf("%s is empty", url)
				continue
			}
			first = list[0].(map[string]any)
			ref = ref["value"].([]any)[0].(map[string]any)
		}
		if len(ref) != 1 || ref["@iot.selfLink"] != first["@iot.selfLink"] {
			w.t.Errorf("%s/$ref: %v", url, ref)
		}
		if many {
			path[len(path)-1] += fmt.Sprintf("(%v)", first["@iot.id"])
		}
		w.paths(path, target, deep-1)
	}
}
