package detect

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
)

func TestHTTP(t *testing.T) {
	d := dbtest.SQLite(t, tables...)
	log := newLog(leak(1, t0)[:8], leak(2, t0)[:8], leak(3, t0))
	crews := &planned{works: []crew{{id: 9, from: t0, until: t0 + 2*hour, assets: []int64{1002}}}}
	s := room(t, d, log, clock.NewVirtual(db.Time(t0+hour)), with(crews))
	drain(t, s, log)
	r := web.NewRouter("test")
	s.Routes(r)
	server := httptest.NewServer(r.Server(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			next.ServeHTTP(w, req.WithContext(access.With(req.Context(), access.Actor{Kind: access.KindAccount, ID: 1, Name: "Officer 1"})))
		})
	}).Handler)
	defer server.Close()

	ask := func(method, path, body string) (int, string) {
		req, err := http.NewRequest(method, server.URL+path, strings.NewReader(body))
		must(t, err)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		must(t, err)
		return res.StatusCode, string(b)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
		has                []string
	}{
		{"GET", "/api/v1/alerts", "", 200, []string{`"level":"red"`, `"state":"raised"`, `"title":{"en":"Methane indoors","zh-CN":"室内甲烷泄漏"}`, `"point":[121.5,31.2]`,
			`"since":"2022-04-15T05:21:00Z"`, `"acknowledged_at":null`, `"case":null`, `"kind":"hazard"`, `"readings":[{"at":"2022-04-15T05:21:00Z","value":6}`}},
		{"GET", "/api/v1/alerts?state=all&limit=2", "", 200, []string{`"next":2`}},
		{"GET", "/api/v1/alerts?state=all&after=2", "", 200, []string{`"id":1`}},
		{"GET", "/api/v1/alerts?state=none", "", 422, []string{`"code":"web.invalid"`}},
		{"GET", "/api/v1/alerts?limit=0", "", 422, nil},
		{"GET", "/api/v1/alerts/1", "", 200, []string{`"history":[{"id":1,`, `"kind":"raised"`, `"clears":{"en":"Clears when Methane in air`}},
		{"GET", "/api/v1/alerts/99", "", 404, []string{`"code":"alert.unknown"`}},
		{"GET", "/api/v1/alerts/x", "", 422, nil},
		{"POST", "/api/v1/alerts/1/acknowledge", `{"note":"seen"}`, 200, []string{`"state":"acknowledged"`, `"acknowledged_by":"Officer 1"`}},
		{"POST", "/api/v1/alerts/1/acknowledge", `{}`, 200, []string{`"state":"acknowledged"`}},
		{"POST", "/api/v1/alerts/2/acknowledge", `{"nope":1}`, 422, []string{"nope"}},
		{"POST", "/api/v1/alerts/2/acknowledge", `{"note":`, 400, nil},
		{"POST", "/api/v1/alerts/99/acknowledge", `{}`, 404, []string{`"code":"alert.unknown"`}},
		{"GET", "/api/v1/alerts", "", 200, []string{`"works":null`, `"works":{"works":9,"reason":"Hose replaced","from":"2022-04-15T05:20:00Z","until":"2022-04-15T07:20:00Z","rests":true,"over_at":null}`,
			`"resting":1`}},
		{"GET", "/api/v1/alerts?rest=rests", "", 200, []string{`"items":[{"id":2,`, `"resting":1`}},
		{"GET", "/api/v1/alerts?rest=counts", "", 200, []string{`"items":[{"id":1,`, `"resting":1`}},
		{"GET", "/api/v1/alerts?rest=both", "", 422, []string{`"code":"web.invalid"`}},
		{"POST", "/api/v1/alerts/1/attend", `{}`, 409, []string{`"code":"alert.no_rest"`}},
		{"POST", "/api/v1/alerts/2/attend", `{"note":"smells"}`, 200, []string{`"rests":false,"over_at":"2022-04-15T06:20:00Z"`, `"kind":"works_over"`}},
		{"GET", "/api/v1/alerts?rest=rests", "", 200, []string{`"items":[]`, `"resting":0`}},
		{"GET", "/api/v1/alerts?state=all&detector=gas%2Fmethane-indoor&raised_from=2022-04-15T05:20:00Z&raised_to=2022-04-16T00:00:00Z&outcome=unverified&kind=hazard&owner=gas-duty&asset=1002",
			"", 200, []string{`"items":[{"id":2,`}},
		{"GET", "/api/v1/alerts?outcome=perhaps", "", 422, []string{`"code":"web.invalid"`}},
		{"GET", "/api/v1/alerts?raised_from=yesterday", "", 422, nil},
		{"GET", "/api/v1/watch/figures?from=2022-04-15T00:00:00Z&to=2022-04-16T00:00:00Z", "", 200, []string{`"name":"gas/methane-indoor"`, `"alarms":1,"real":0,"false":0,"unclear":0,"drill":0,"unverified":1`, `"pod":null`,
			`"positions":[{"position":"gas-duty"`, `"missed":[]`, `"per_day":{"target":150,"limit":300}`, `"floods":[]`}},
		{"GET", "/api/v1/watch/figures?from=2022-04-16T00:00:00Z&to=2022-04-15T00:00:00Z", "", 422, []string{`"code":"watch.span"`}},
		{"GET", "/api/v1/watch/load", "", 200, []string{`"at":"2022-04-15T06:20:00Z"`, `"position":"gas-duty","last_10_min":3,"last_hour":3,"last_day":3,"flood_since":null,"standing":2,"resting":0`}},
		{"POST", "/api/v1/alerts/2/group/acknowledge", `{"note":"one leak"}`, 200, []string{`"lead":1,"done":[2],"refused":[]`}},
		{"GET", "/api/v1/alerts/2", "", 200, []string{`"group_acknowledged":{"at":"2022-04-15T06:20:00Z","by":"Officer 1"}`}},
		{"POST", "/api/v1/alerts/99/group/acknowledge", `{}`, 404, []string{`"code":"alert.unknown"`}},
		{"POST", "/api/v1/alerts/1/group/verdict", `{"verdict":"false","note":"solvents"}`, 200, []string{`"lead":1,"done":[1,2,3],"refused":[]`}},
		{"POST", "/api/v1/alerts/1/group/verdict", `{"verdict":"perhaps"}`, 422, []string{`"code":"web.invalid"`}},
		{"GET", "/api/v1/detectors", "", 200, []string{`"id":"gas/methane-indoor"`, `"maturity":"draft"`, `"opens_from":"orange"`, `"levels":["yellow","orange","red"]`}},
		{"GET", "/openapi.json", "", 200, []string{`"/api/v1/alerts/{id}/acknowledge"`, `"/api/v1/alerts/{id}/attend"`, "planned works that were on when it was raised"}},
	} {
		status, body := ask(c.method, c.path, c.body)
		if status != c.status {
			t.Errorf("%s %s: %d, want %d: %s", c.method, c.path, status, c.status, body)
		}
		for _, want := range c.has {
			if !strings.Contains(body, want) {
				t.Errorf("%s %s has no %s: %s", c.method, c.path, want, body)
			}
		}
	}
	_, body := ask("GET", "/api/v1/alerts?state=all", "")
	var page struct{ Items []map[string]any }
	must(t, json.Unmarshal([]byte(body), &page))
	if len(page.Items) != 3 || fmt.Sprint(page.Items[0]["state"]) != "cleared" {
		t.Error(body)
	}
}
