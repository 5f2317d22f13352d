package outside

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/web"
)

func TestHTTP(t *testing.T) {
	r := newRoomSQLite(t)
	policy, err := access.NewPolicy(nil)
	must(t, err)
	r.Access = policy
	model := newTheirs(t)
	model.answer = scoring("1", 0.95, 0.1)
	router := web.NewRouter("test")
	r.Routes(router)
	people := map[string]access.Actor{
		"admin": {Kind: access.KindAccount, ID: 1, Name: "admin", Roles: []string{access.Administrator}}, "officer": {Kind: access.KindAccount, ID: 2, Name: "officer", Roles: []string{access.DutyOfficer}},
		"branch":  {Kind: access.KindAccount, ID: 3, Name: "branch", Organisation: 9, Roles: []string{access.DutyOfficer}},
		"analyst": {Kind: access.KindAccount, ID: 4, Name: "analyst", Roles: []string{access.Analyst}},
		"system":  access.System("x"),
	}
	server := httptest.NewServer(router.Server(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			next.ServeHTTP(w, req.WithContext(access.With(req.Context(), people[req.Header.Get("As")])))
		})
	}).Handler)
	defer server.Close()
	body := fmt.Sprintf(`{"name":"flood-lstm","title":{"en":"Flood","zh-CN":"洪水"},"source":"A university","url":%q,"property":"flood/level","kinds":["flood/gauge"],"every":"5m",
		"levels":{"yellow":{"when":"value >= 0.6"}},"clear":{"when":"value < 0.3","for":"5m"}}`, model.URL)
	for _, c := range []struct {
		as, method, path, body string
		status                 int
		has                    []string
	}{
		{"", "GET", "", "", 401, nil},
		{"officer", "GET", "", "", 200, []string{`"items":[]`}},
		{"officer", "POST", "", body, 403, []string{"model.register"}},
		{"system", "POST", "", body, 403, nil},
		{"admin", "POST", "", strings.Replace(body, "0.6", "60", 1), 422, []string{`"field":"levels"`, `can never hold: score ranges from 0 to 1`}},
		{"admin", "POST", "", strings.Replace(body, `"every":"5m"`, `"every":"1s"`, 1), 422, []string{`"code":"model.bad_span"`, `"field":"every"`}},
		{"admin", "POST", "", strings.Replace(body, `"every"`, `"evry"`, 1), 422, []string{"evry"}},
		{"admin", "POST", "", body, 201, []string{`"id":1`, `"state":"draft"`, `"maturity":"trial"`, `"history":"24h"`, `"rule":{"rule":{"en":"Yellow when Score of Flood ≥ 0.6`}},
		{"admin", "POST", "", body, 409, []string{`"code":"model.name_taken"`}},
		{"admin", "PUT", "/1", strings.Replace(body, "A university", "Another", 1), 200, []string{`"source":"Another"`}},
		{"officer", "POST", "/1/shadow", `{}`, 403, nil},
		{"admin", "POST", "/1/shadow", `{}`, 200, []string{`"state":"shadow"`, `"shadow_at":"2026-11-28T12:00:00Z"`}},
		{"admin", "PUT", "/1", body, 409, []string{`"code":"model.not_draft"`}},
		{"admin", "POST", "/9/shadow", `{}`, 404, []string{`"code":"model.unknown"`}},
		{"officer", "GET", "/1/figures", "", 200, []string{`"answered":1`, `"own":{"name":"flood-lstm","alarms":1`, `"pod":null`}},
		{"officer", "GET", "/1/alerts", "", 200, []string{`"state":"shadow"`, `"level":"yellow"`}},
		{"officer", "GET", "/1/asks?limit=1", "", 200, []string{`"outcome":"answered"`, `"scores":2`}},
		{"admin", "POST", "/1/approve", `{"version":"1","note":"good"}`, 403, nil},
		{"branch", "POST", "/1/approve", `{"version":"1","note":"good"}`, 403, []string{"scope"}},
		{"system", "POST", "/1/approve", `{"version":"1","note":"good"}`, 403, nil},
		{"officer", "POST", "/1/approve", `{"version":"1","note":"good"}`, 200, []string{`"state":"live"`, `"approved_by":"officer"`, `"figures":{"model":"flood-lstm"`}},
		{"admin", "POST", "/1/draft", `{"note":"x"}`, 409, []string{`"code":"model.no_such_move"`}},
		{"branch", "POST", "/1/shadow", `{"note":"x"}`, 403, nil},
		{"analyst", "POST", "/1/shadow", `{"note":"too many"}`, 200, []string{`"state":"shadow"`, `"live_at":null`}},
		{"admin", "POST", "/1/retire", `{}`, 200, []string{`"state":"retired"`}},
		{"officer", "GET", "/1", "", 200, []string{`"state":"retired"`, `"answered_version":"1"`}},
	} {
		if c.path == "/1/figures" {
			r.next(r.get(1))
		}
		req, err := http.NewRequest(c.method, server.URL+"/api/v1/models"+c.path, strings.NewReader(c.body))
		must(t, err)
		req.Header.Set("As", c.as)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		b, err := io.ReadAll(res.Body)
		must(t, err)
		res.Body.Close()
		if res.StatusCode != c.status {
			t.Errorf("%s %s %s: %d, want %d: %s", c.as, c.method, c.path, res.StatusCode, c.status, b)
		}
		for _, want := range c.has {
			if !strings.Contains(string(b), want) {
				t.Errorf("%s %s %s has no %s: %s", c.as, c.method, c.path, want, b)
			}
		}
	}
	if leaves := r.texts(`select record from ledger_leaves`); len(leaves) != 6 {
		t.Errorf("%d leaves: %v", len(leaves), leaves)
	}
}

func TestMetrics(t *testing.T) {
	r := newRoomSQLite(t)
	model := newTheirs(t)
	model.answer = scoring("1", 2)
	m := r.shadow(registration(model.URL))
	r.next(m)
	reg := prometheus.NewRegistry()
	must(t, reg.Register(r.Service))
	got, err := reg.Gather()
	must(t, err)
	var text strings.Builder
	for _, f := range got {
		for _, x := range f.Metric {
			fmt.Fprintln(&text, f.GetName(), x.Label, x.GetGauge().GetValue()+x.GetCounter().GetValue())
		}
	}
	for _, want := range []string{"anlan_model_asks_total", "refused", "anlan_model_fails", "anlan_models", "shadow"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %s in %s", want, text.String())
		}
	}
}
