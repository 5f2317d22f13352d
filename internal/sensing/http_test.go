package sensing

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
)

func TestAPI(t *testing.T) {
	s := start(t, dbtest.SQLite(t, all...))
	r := web.NewRouter("test")
	datastream(t, s, "alarm-1/methane")
	s.Routes(r)
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = r.Server(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("X-Public") == "" {
				req = req.WithContext(access.With(req.Context(), access.System("test")))
			}
			h.ServeHTTP(w, req)
		})
	})
	srv.Start()
	defer srv.Close()

	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/api/v1/readings", `{"source":"gw","readings":[{"datastream":"alarm-1/methane","at":"2026-11-23T11:00:00Z","value":1.5},
			{"datastream":"nope","at":"2026-11-23T11:00:00Z","value":1},{"datastream":"alarm-1/methane","at":"2030-01-01T00:00:00Z","value":1}]}`,
			200, `{"accepted":2,"refused":[{"index":1,"code":"sensing.unknown_datastream","message":"datastream: there is none with the external id \"nope\""}],"refused_count":1,"marked_count":1}`},
		{"POST", "/api/v1/readings", `{"source":"gw","readings":[{"datastream":"alarm-1/methane","at":"2026-11-23T11:01:00Z","value":{}}]}`,
			200, `{"accepted":0,"refused":[{"index":0,"code":"sensing.bad_value","message":"value: expected a number, a string or a boolean"}]`},
		{"POST", "/api/v1/readings", `{"source":"gw","readings":[{"datastream":"alarm-1/methane","at":"yesterday","value":1},{"datastream":"alarm-1/methane","at":"2026-11-23T11:01:00Z","value":null}]}`,
			200, `"message":"at: expected an RFC 3339 time such as 2026-11-23T03:00:00Z, got \"yesterday\""`},
		{"POST", "/api/v1/readings", `{"source":"gw","readings":[` + strings.Repeat("{},", 60_000) + `{}]}`, 413, `"code":"sensing.too_many"`},
		{"POST", "/api/v1/readings", `{"readings":[]}`, 422, `"code":"sensing.bad_source"`},

		{"POST", "/api/v1/readings.csv?source=gw", "datastream,at,value\nalarm-1/methane,2026-11-23T11:02:00+08:00,2.5\nalarm-1/methane,2026-11-23T11:03:00Z,NaN\n",
			200, `{"accepted":2,"refused":[],"refused_count":0,"marked_count":1}`},
		{"POST", "/api/v1/readings.csv?source=gw", "sensor,at,value\n", 422, `line 1: expected the header datastream,at,value`},
		{"POST", "/api/v1/readings.csv?source=gw", "datastream,at,value\nalarm-1/methane,2026-11-23T11:04:00Z,3\nalarm-1/methane,yesterday,3\n",
			422, `"line":3,"column":17`},
		{"POST", "/api/v1/readings.csv?source=gw", "datastream,at,value\na,\"b,3\n", 422, `"code":"sensing.bad_csv"`},

		{"GET", "/api/v1/datastreams?asset=7", "", 200, `"latest":{"at":"2026-11-23T11:00:00Z","value":1.5},"count":4`},
		{"GET", "/api/v1/datastreams/1/history?from=2026-11-23T00:00:00Z", "",
			200, `{"items":[{"at":"2026-11-23T03:02:00Z","value":2.5},{"at":"2026-11-23T11:00:00Z","value":1.5},{"at":"2026-11-23T11:03:00Z","value":"NaN","marks":["not_finite"]},{"at":"2030-01-01T00:00:00Z","value":1,"marks":["future"]}],"unit":"%LEL"}`},
		{"GET", "/api/v1/datastreams/99/history", "", 404, `"code":"sensing.unknown_datastream"`},
	} {
		req, err := http.NewRequest(c.method, srv.URL+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.method != "GET" && !strings.Contains(c.path, ".csv") {
			req.Header.Set("Content-Type", "application/json")
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != c.status || !strings.Contains(string(got), c.want) {
			t.Errorf("%s %s %s\n got %d %s\nwant %d %s", c.method, c.path, c.body, res.StatusCode, got, c.status, c.want)
		}
	}
	// A stranger's bulk is refused before it is read: the body here would never end.
	for _, path := range []string{"/api/v1/readings", "/api/v1/readings.csv?source=x"} {
		body, hold := io.Pipe()
		req, err := http.NewRequest("POST", srv.URL+path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Public", "1")
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		hold.Close()
		res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s took a stranger's body: %s", path, res.Status)
		}
	}
	if got := fmt.Sprint(s.Counters().Sources); got != "[{gw 4 4} {test 0 0}]" {
		t.Errorf("counted %s", got)
	}
	balanced(t, s, 4, 4)
}
