package coverage

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/tabular"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// serve answers as the actor that the header Actor names: nobody, a role, or the duty officer where there is none.
func serve(t *testing.T, s *Service) func(method, path, body string, header ...string) (int, string) {
	t.Helper()
	r := web.NewRouter("test")
	s.Routes(r)
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = r.Server(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			role := req.Header.Get("Actor")
			if role == "" {
				role = access.DutyOfficer
			}
			if role != "nobody" {
				req = req.WithContext(access.With(req.Context(), access.Actor{Kind: access.KindAccount, ID: 7, Name: role, Roles: []string{role}}))
			}
			h.ServeHTTP(w, req)
		})
	})
	srv.Start()
	t.Cleanup(srv.Close)
	return func(method, path, body string, header ...string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(body, "{") {
			req.Header.Set("Content-Type", "application/json")
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(got)
	}
}

func policy(t *testing.T) access.Decider {
	t.Helper()
	p, err := access.NewPolicy(nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAPI(t *testing.T) {
	w := smallTown()
	s, _ := start(t, dbtest.SQLite(t, rooms...), w)
	s.Access = policy(t)
	do := serve(t, s)
	if status, got := do("GET", "/api/v1/coverage", ""); status != 503 || !strings.Contains(got, "coverage.starting") {
		t.Errorf("before the register was read: %d %s", status, got)
	}
	w.hear(w.watch(11, "gas/methane"), noon.Add(-time.Hour))
	w.watch(12, "gas/methane")
	load(t, s)
	admin := []string{"Actor", access.Administrator}
	until := noon.Add(time.Hour).Format(time.RFC3339)
	for _, c := range []struct {
		method, path, body string
		header             []string
		status             int
		want               string
	}{
		{"GET", "/api/v1/coverage", "", nil, 200, `"total":{"assets":6,"watched":0,"partly":1,"mute":1,"unwatched":3,"works":0,"none":1,"late":0,"unjudged":0,"overdue":0,"due_soon":0}`},
		{"GET", "/api/v1/coverage?area=3&kind=water", "", nil, 200, `"areas":[{"area":3,"name":{"en":"West","zh-CN":"西区"},"assets":1,`},
		{"GET", "/api/v1/coverage?kind=nothing", "", nil, 200, `"kinds":[],"areas":[],"cells":[]`},
		{"GET", "/api/v1/coverage?state=lost", "", nil, 422, `"code":"coverage.unknown_state"`},
		{"GET", "/api/v1/coverage", "", []string{"Actor", "nobody"}, 401, `"code":"access.sign_in"`},
		{"GET", "/api/v1/coverage/assets?state=unwatched,mute&limit=2", "", nil, 200, `"next":"0.15"`},
		{"GET", "/api/v1/coverage/assets?state=unwatched,mute&limit=2&after=0.15", "", nil, 200, `"id":12,"external_id":"A-12"`},
		{"GET", "/api/v1/coverage/assets?after=x", "", nil, 422, `"code":"coverage.bad_after"`},
		{"GET", "/api/v1/coverage/places?state=partly", "", nil, 200, `"items":[{"id":21,"name":{"en":"Place 21","zh-CN":"点位21"},"area":4,"area_name":{"en":"Cell","zh-CN":"网格"},"state":"partly","counts":{"assets":3,`},
		{"GET", "/api/v1/places/21/coverage", "", nil, 200, `"assets":[{"id":11,`},
		{"GET", "/api/v1/assets/11/coverage", "", nil, 200, `"reasons":[{"code":"no_datastream","property":"gas/battery","text":{"en":"Battery: nothing measures it","zh-CN":"电池电压：未接入监测"}}]`},
		{"GET", "/api/v1/assets/11/coverage", "", nil, 200, `"may_announce":true,"may_calibrate":false`},
		{"GET", "/api/v1/assets/11/coverage", "", admin, 200, `"may_announce":false,"may_calibrate":true`},
		{"GET", "/api/v1/assets/99/coverage", "", nil, 404, `"code":"coverage.unknown_asset"`},
		{"GET", "/api/v1/coverage/assets.geojson?state=mute", "", nil, 200, "{\"type\":\"FeatureCollection\",\"features\":[\n{\"type\":\"Feature\",\"id\":12,\"geometry\":{\"type\":\"Point\",\"coordinates\":[121.5,31.25]},\"properties\":{\"id\":12,\"kind\":\"gas/alarm\",\"name\":{\"en\":\"Asset 12\",\"zh-CN\":\"设施12\"},\"area\":4,\"state\":\"mute\"}}]}"},
		{"GET", "/api/v1/coverage/assets.geojson?area=x", "", nil, 422, `"code":"coverage.bad_area"`},
		{"GET", "/api/v1/coverage/assets.geojson", "", []string{"Actor", "nobody"}, 401, `"code":"access.sign_in"`},

		{"POST", "/api/v1/coverage/works", `{"asset":12,"until":"` + until + `","reason":"Hose replaced"}`, []string{"Idempotency-Key", "k"}, 200, `"id":1,"asset":12,"from":"2026-11-28T12:00:00Z","until":"2026-11-28T13:00:00Z","reason":"Hose replaced","by":"duty-officer"`},
		{"POST", "/api/v1/coverage/works", `{"asset":12,"until":"` + until + `","reason":"Hose replaced"}`, []string{"Idempotency-Key", "k"}, 200, `"id":1,`},
		{"POST", "/api/v1/coverage/works", `{"asset":12,"until":"` + until + `","reason":"x"}`, admin, 403, `needs the role duty-officer or operator`},
		{"POST", "/api/v1/coverage/works", `{"asset":12,"until":"` + until + `","reason":""}`, nil, 422, `"field":"reason"`},
		{"GET", "/api/v1/coverage/assets?state=works", "", nil, 200, `"works":{"id":1,`},
		{"GET", "/api/v1/coverage/works?when=current", "", nil, 200, `"items":[{"id":1,`},
		{"GET", "/api/v1/assets/12/coverage", "", nil, 200, `"planned":[{"id":1,`},
		{"POST", "/api/v1/coverage/works/1/end", `{}`, admin, 403, `"code":"access.denied"`},
		{"POST", "/api/v1/coverage/works/1/end", `{}`, nil, 200, `"ended_at":"2026-11-28T12:00:00Z","ended_by":"duty-officer"`},
		{"GET", "/api/v1/coverage/works?when=current", "", nil, 200, `"items":[]`},

		{"POST", "/api/v1/coverage/calibrations", `{"asset":11,"certificate":"C-1","due_on":"2026-11-01"}`, nil, 403, `needs the role administrator`},
		{"POST", "/api/v1/coverage/calibrations", `{"asset":11,"certificate":"C-1","due_on":"2026-11-01"}`, admin, 200, `"due":"overdue"`},
		{"POST", "/api/v1/coverage/calibrations.csv", "datastream,certificate,due_on\nd2,C-2,2027-05-01\n", admin, 200, `{"recorded":1}`},
		{"POST", "/api/v1/coverage/calibrations.csv", "datastream,certificate,due_on\nd9,C-2,2027-05-01\n", admin, 422, `"line":2,"column":1`},
		{"POST", "/api/v1/coverage/calibrations.csv", "datastream,certificate,due_on\nd2,C-2,2027-05-01\n", nil, 403, `"code":"access.denied"`},
		{"GET", "/api/v1/coverage/calibrations?due=overdue", "", nil, 200, `"items":[{"id":1,"asset":11,"certificate":"C-1","due_on":"2026-11-01","due":"overdue"`},
		{"GET", "/api/v1/coverage/assets?calibration=overdue", "", nil, 200, `"due_on":"2026-11-01","due":"overdue"`},
		{"PUT", "/api/v1/datastreams/1/heartbeat", `{"heartbeat":"PT10M"}`, nil, 403, `"code":"access.denied"`},
		{"PUT", "/api/v1/datastreams/1/heartbeat", `{"heartbeat":"PT10M"}`, admin, 204, ``},
		{"GET", "/api/v1/assets/11/coverage", "", nil, 200, `"liveness":"mute","last_heard":"2026-11-28T11:00:00Z","every":"PT10M","every_from":"set"`},

		{"GET", "/api/v1/coverage/export?format=csv&state=mute", "", nil, 200, "id,external_id,kind,kind_en,kind_zh,"},
		{"GET", "/api/v1/coverage/export?format=csv&state=mute", "", nil, 200, "\n11,A-11,gas/alarm,Alarm,报警器,Asset 11,设施11,Place 21,点位21,Cell,网格,121.5,31.25,mute,false,true,2026-11-28T11:00:00Z,,,2026-11-01,overdue,"},
		{"GET", "/api/v1/coverage/export?format=doc", "", nil, 422, `"code":"coverage.unknown_format"`},
		{"GET", "/api/v1/coverage/export?format=csv", "", []string{"Actor", access.Inspector}, 403, `"code":"access.denied"`},
	} {
		if status, got := do(c.method, c.path, c.body, c.header...); status != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s %s %s\n got %d %s\nwant %d %s", c.method, c.path, c.body, status, got, c.status, c.want)
		}
	}
	status, got := do("GET", "/api/v1/coverage/export?format=xlsx", "")
	table, problems := tabular.Read(tabular.XLSX, []byte(got), tabular.Options{})
	if status != 200 || len(problems) > 0 || len(table.Rows) != 6 || len(table.Columns) != len(exportColumns) {
		t.Errorf("%d: %d rows, %v", status, len(table.Rows), problems)
	}
	_, got = do("GET", "/api/v1/coverage/assets.geojson", "")
	var all struct{ Features []struct{ ID int64 } }
	if err := json.Unmarshal([]byte(got), &all); err != nil || len(all.Features) != 6 {
		t.Errorf("%v in %s", err, got)
	}
}

func TestTextIsQuoted(t *testing.T) {
	for _, s := range []string{"", "plain 名称", `a"b\c`, "</script>", "line\nbreak", "\x00", "bad \xff", "\u2028"} {
		var back string
		if err := json.Unmarshal(appendText(nil, s), &back); err != nil || back != strings.ToValidUTF8(s, "\ufffd") {
			t.Errorf("%q comes back as %q, %v", s, back, err)
		}
	}
}

func TestMetrics(t *testing.T) {
	w := smallTown()
	s, _ := start(t, dbtest.SQLite(t, rooms...), w)
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(s)
	if families, err := reg.Gather(); err != nil || len(families) != 0 {
		t.Errorf("gauges before the register was read: %v %v", families, err)
	}
	w.hear(w.watch(11, "gas/methane"), noon)
	w.watch(0, "gas/methane")
	load(t, s)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			got[f.GetName()+" "+m.GetLabel()[0].GetValue()] = strconv.FormatFloat(m.GetGauge().GetValue(), 'f', -1, 64)
		}
	}
	for name, want := range map[string]string{
		"anlan_coverage_datastreams alive": "1", "anlan_coverage_datastreams never": "1", "anlan_coverage_assets partly": "1",
		"anlan_coverage_assets unwatched": "4", "anlan_coverage_assets none": "1", "anlan_coverage_calibrations overdue": "0",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %s", name, got[name], want)
		}
	}
}
