package plan

import (
	"encoding/json"
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
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	r := web.NewRouter("test")
	w.Routes(r)
	s := httptest.NewUnstartedServer(nil)
	s.Config = r.Server(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
			next.ServeHTTP(rw, req.WithContext(access.With(req.Context(), access.From(officer(1)))))
		})
	})
	s.Start()
	defer s.Close()
	call := func(method, path, body string, want int, into any) {
		t.Helper()
		req, err := http.NewRequest(method, s.URL+"/api/v1"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", path+body)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != want {
			t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, b)
		}
		if into != nil {
			if err := json.Unmarshal(b, into); err != nil {
				t.Fatalf("%s: %v", b, err)
			}
		}
	}
	var plans Catalogue
	call("GET", "/plans", "", 200, &plans)
	if len(plans.Items) != 1 || plans.Items[0].Levels[1].Tasks != 4 || len(plans.Items[0].Levels[0].ProposedBy) != 2 {
		t.Errorf("%+v", plans)
	}
	var page PlanPage
	call("GET", "/plans/storm?asset=3", "", 200, &page)
	if len(page.Agencies) != 3 || len(page.Agencies[1].Organisations) != 3 || !page.Agencies[2].Gap || page.Tasks[0].DueSeconds != 3600 ||
		strings.Join(page.Tasks[0].Levels, " ") != "IV III" || !page.MayDecide {
		t.Errorf("%+v", page)
	}
	call("GET", "/plans/flood", "", 404, nil)
	w.alert("alert.raised", 7, 3, "river-level", "blue")
	var ps ProposalList
	call("GET", "/plan-proposals", "", 200, &ps)
	if len(ps.Items) != 1 || ps.Items[0].LevelTitle.En != "Level IV" || ps.Items[0].Reasons[0].Text.Zh != "river-level：偏高" {
		t.Errorf("%+v", ps)
	}
	var board Board
	for range 2 { // a repeat under the same key gets the same response
		call("POST", "/plans/storm/responses", `{"level":"IV","why":"the river rises","proposal":1}`, 200, &board)
	}
	if board.ID != 1 || len(board.Agencies) != 3 || len(board.Agencies[0].Tasks) != 2 || board.Agencies[0].Tasks[1].Asks.Kind != "number" ||
		board.Resources[0].Taken != 2 || board.Resources[0].Count != 6 || !board.MayDecide {
		t.Errorf("%+v", board)
	}
	var refusal web.Error
	call("POST", "/plans/storm/responses", `{"level":"III","why":"again"}`, 409, &refusal)
	if refusal.Code != "plan.open_already" {
		t.Errorf("%+v", refusal)
	}
	call("POST", "/plans/storm/responses", `{"level":"V","why":"again"}`, 422, nil)
	call("POST", "/responses/1/level", `{"level":"II","why":"more"}`, 200, &board)
	if board.Level != "II" || len(board.Changes) != 2 || board.Changes[1].From != "IV" {
		t.Errorf("%+v", board.Changes)
	}
	call("POST", "/responses/1/end", `{"why":"over"}`, 409, nil)
	var list Responses
	call("GET", "/responses?case=1", "", 200, &list)
	if len(list.Items) != 1 || list.Items[0].Counts.Withdrawn != 1 {
		t.Errorf("%+v", list)
	}
	call("GET", "/responses/2", "", 404, nil)
	w.alert("alert.raised", 8, 3, "river-level", "red")
	w.alert("alert.cleared", 7, 3, "river-level", "red")
	w.alert("alert.cleared", 8, 3, "river-level", "red")
	call("GET", "/plan-proposals", "", 200, &ps)
	if len(ps.Items) != 1 || ps.Items[0].What != "end" || ps.Items[0].Activation != 1 {
		t.Fatalf("%+v", ps.Items)
	}
	call("POST", "/plan-proposals/"+itoa(ps.Items[0].ID)+"/decline", `{"why":"we stay"}`, 204, nil)
	call("GET", "/plan-proposals?state=all", "", 200, &ps)
	if ps.Items[0].State != "declined" || ps.Items[0].DecidedBy != "officer 1" {
		t.Errorf("%+v", ps.Items[0])
	}
}

func itoa(n int64) string { return number(float64(n)) }
