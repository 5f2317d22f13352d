package city

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// decorations stand for what the rooms below know.
type decorations struct{ alert int64 }

func (d decorations) States([]int64) map[int64]State {
	return map[int64]State{d.alert: {State: "alert", AlertLevel: "red"}}
}

func (decorations) Datastreams(context.Context, int64) (any, error) {
	return []map[string]any{{"id": 7, "name": "methane"}}, nil
}

type client struct {
	t   *testing.T
	url string
}

func serve(t *testing.T, w *town) client {
	r := web.NewRouter("test")
	w.Routes(r)
	s := httptest.NewUnstartedServer(nil)
	s.Config = r.Server(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
			h.ServeHTTP(rw, req.WithContext(access.With(req.Context(), access.From(w.ctx))))
		})
	})
	s.Start()
	t.Cleanup(s.Close)
	return client{t, s.URL}
}

// call answers with the status and the body, as JSON where it is JSON.
func (c client) call(method, path, body string) (int, string, map[string]any) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if method == "PUT" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	var v map[string]any
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(b, &v); err != nil {
			c.t.Fatalf("%s %s: %v in %s", method, path, err, b)
		}
	}
	return res.StatusCode, string(b), v
}

func TestAPI(t *testing.T) {
	dbtest.Each(t, roomMigrations, func(t *testing.T, d *db.DB) {
		w := newTown(t, d)
		w.Decorations = decorations{alert: w.assetOf("A1").ID}
		c := serve(t, w)
		get := func(path string) map[string]any {
			t.Helper()
			status, text, v := c.call("GET", path, "")
			if status != 200 {
				t.Fatalf("%s: %d %s", path, status, text)
			}
			return v
		}
		keys := func(v map[string]any) (s string) {
			for _, item := range v["items"].([]any) {
				s += " " + item.(map[string]any)["external_id"].(string)
			}
			return s
		}

		for path, want := range map[string]string{
			"/api/v1/areas":                                      " D1 D1-G1 D1-G2",
			"/api/v1/areas?level=grid":                           " D1-G1 D1-G2",
			"/api/v1/places":                                     " P1 P2 P3",
			"/api/v1/places?limit=2":                             " P1 P2",
			"/api/v1/organisations":                              " GOV HOUSING D1-OFFICE GASCO",
			"/api/v1/assets":                                     " A1 A2 A3 A4 A5",
			"/api/v1/assets?kind=gas":                            " A1 A2 A3 A4",
			"/api/v1/assets?kind=gas/main":                       " A3",
			"/api/v1/assets?bbox=113.25,23,113.35,23.2":          " A2 A5",
			"/api/v1/assets?bbox=113.0,23,113.055,23.2":          " A3", // the main crosses the box, its middle lies outside
			"/api/v1/assets?q=ALARM":                             " A1 A2",
			"/api/v1/assets?q=" + url.QueryEscape("泄漏"):          " A4",
			"/api/v1/assets?q=" + url.QueryEscape("%"):           "",
			"/api/v1/assets?kind=gas&bbox=113,23,113.2,23.2&q=a": " A1 A3 A4",
		} {
			if got := keys(get(path)); got != want {
				t.Errorf("%s: %q, want %q", path, got, want)
			}
		}

		first := get("/api/v1/assets?limit=3")
		if got := keys(get("/api/v1/assets?limit=3&after=" + first["next"].(string))); got != " A4 A5" {
			t.Errorf("second page %q", got)
		}

		alarm := get("/api/v1/assets?q=A1")["items"].([]any)[0].(map[string]any)
		for field, want := range map[string]any{"state": "alert", "alert_level": "red", "pack": "gas", "kind": "gas/kitchen-alarm"} {
			if alarm[field] != want {
				t.Errorf("%s is %v, want %v", field, alarm[field], want)
			}
		}
		_, text, _ := c.call("GET", "/api/v1/assets/"+strings.TrimSpace(string(jsonList(w.assetOf("A1").ID))), "")
		for _, want := range []string{`"datastreams":[{"id":7,"name":"methane"}]`, `"kind":"leadership"`, `"point":[113.1,23.1]`,
			`"name":{"en":"Kitchen alarm","zh-CN":"厨房报警器"}`, `"properties":{"model":"KA-2","range":[0,100]}`} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in %s", want, text)
			}
		}
		_, text, collection := c.call("GET", "/api/v1/assets.geojson", "")
		if n := len(collection["features"].([]any)); n != 5 || !strings.Contains(text, `"geometry":{"type":"LineString","coordinates":[[113.05,23.05],[113.06,23.05]]}`) {
			t.Errorf("%d features in %s", n, text)
		}
		if v := get("/api/v1/duties/missing"); v["total"] != 2.0 {
			t.Errorf("missing %v", v)
		}
		if got := len(get("/api/v1/duties?subject=area")["items"].([]any)); got != 3 {
			t.Errorf("%d duties over areas", got)
		}
		if status, text, v := c.call("PUT", "/api/v1/city", `{"name":{"en":"Anlan","zh-CN":"安澜"},"time_zone":"Asia/Shanghai"}`); status != 200 || v["time_zone"] != "Asia/Shanghai" {
			t.Errorf("%d %s", status, text)
		}

		for path, code := range map[string]string{
			"/api/v1/assets/4711":                        "city.no_asset",
			"/api/v1/assets?bbox=1,2,3":                  "city.bad_box",
			"/api/v1/assets?bbox=3,2,1,4":                "city.bad_box",
			"/api/v1/city/export?what=asets&format=csv":  "city.unknown_register",
			"/api/v1/city/export?what=assets&format=pdf": "city.unknown_format",
		} {
			if status, text, v := c.call("GET", path, ""); status < 400 || v["code"] != code {
				t.Errorf("%s: %d %s, want %s", path, status, text, code)
			}
		}
	})
}

func TestAPIImportAndExport(t *testing.T) {
	w := newTown(t, dbtest.SQLite(t, roomMigrations...))
	c := serve(t, w)
	for _, format := range []string{"csv", "geojson", "xlsx"} {
		for _, what := range Registers {
			status, file, _ := c.call("GET", "/api/v1/city/export?what="+what+"&format="+format, "")
			if status != 200 || file == "" {
				t.Fatalf("%s %s: %d", what, format, status)
			}
			status, text, report := c.call("POST", "/api/v1/city/import?as="+what+"&format="+format+"&coordinates=wgs84&encoding=utf-8", file)
			if status != 200 || report["records"] != report["unchanged"] || report["records"] == 0.0 {
				t.Errorf("%s %s: %d %s", what, format, status, text)
			}
		}
	}

	status, text, problem := c.call("POST", "/api/v1/city/import?as=places&filename=places.csv", "external_id,name_en,lon,lat\nP9,x,113.1,23.1\nP10,,1,2\n")
	if status != 422 || problem["code"] != "city.import_refused" || len(problem["errors"].([]any)) != 2 {
		t.Errorf("%d %s", status, text)
	}
	if want := `{"message":"a name is needed, in name_en or name_zh","field":"name_en","line":3,"column":5}`; !strings.Contains(text, want) {
		t.Errorf("no %s in %s", want, text)
	}
	if problem["detail"] != "places.csv was not imported: 2 problems" {
		t.Errorf("detail %q", problem["detail"])
	}
	if _, _, problem := c.call("POST", "/api/v1/city/import?as=places&filename=places.csv", "external_id,name_en\nP99,x\n"); problem["detail"] != "places.csv was not imported: 1 problem" {
		t.Errorf("detail %q", problem["detail"])
	}
	for query, code := range map[string]string{
		"as=plces&format=csv":                   "city.unknown_register",
		"as=places&format=xls":                  "city.unknown_format",
		"as=places":                             "city.unknown_format",
		"as=places&format=csv&coordinates=bd09": "city.unknown_coordinates",
		"as=places&format=csv&coordinate=wgs84": "city.unknown_parameter",
	} {
		if status, text, v := c.call("POST", "/api/v1/city/import?"+query, "x"); status != 422 || v["code"] != code {
			t.Errorf("%s: %d %s, want %s", query, status, text, code)
		}
	}
}
