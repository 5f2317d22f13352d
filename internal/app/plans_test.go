package app_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/app"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// A leak's readings lead to an alert, that to a proposal, that, by a person, to tasks in a case: through the whole product.
func TestAlertProposesAResponse(t *testing.T) {
	s := start(t, app.Options{})
	// The company runs the alarm, a bureau supervises gas in the district, the fire brigade is found by its kind; others are gaps.
	s.do("POST", "/api/v1/city/import?as=organisations&filename=o.csv", "application/octet-stream",
		"external_id,kind,name_en,name_zh,parent\nCO,utility,Gas Company,燃气公司,\nHOUSING,housing-bureau,Housing Bureau,住建局,\nFIRE,fire-brigade,Fire Brigade,消防救援支队,\n")
	s.do("POST", "/api/v1/city/import?as=places&filename=places.geojson", "application/octet-stream", place)
	s.do("POST", "/api/v1/city/import?as=assets&filename=assets.geojson", "application/octet-stream",
		strings.Replace(asset, `"place":"p-1"`, `"place":"p-1","organisation":"CO"`, 1))
	s.do("POST", "/api/v1/city/import?as=duties&filename=d.csv", "application/octet-stream", "kind,organisation,asset\nregulator,HOUSING,a-1\n")
	s.do("PUT", "/api/v1/datastreams", "application/json", stream)
	s.leak()
	proposed := s.await("plan.proposed")
	if !strings.Contains(proposed, `"gas-leak"`) || !strings.Contains(proposed, `"what":"open"`) {
		t.Fatal(proposed)
	}
	var proposals struct {
		Items []struct {
			ID    int64
			Plan  string
			Level string
			Gaps  []struct{ Agency string }
		}
	}
	if err := json.Unmarshal(s.do("GET", "/api/v1/plan-proposals", "", ""), &proposals); err != nil || len(proposals.Items) != 1 {
		t.Fatalf("%v %+v", err, proposals)
	}
	p := proposals.Items[0]
	var gaps []string
	for _, g := range p.Gaps {
		gaps = append(gaps, g.Agency)
	}
	if p.Plan != "gas-leak" || strings.Join(gaps, " ") != "town traffic-police power health drainage" {
		t.Errorf("%+v", p)
	}
	type board struct {
		ID, Case int64
		Level    string
		State    string
		Agencies []struct {
			Agency        string
			Gap           bool
			Organisations []struct{ Name map[string]string }
			Tasks         []struct {
				ID    int64
				State string
			}
		}
	}
	officer := s.dutyOfficer()
	var b board
	officer("POST", "/api/v1/plans/gas-leak/responses", fmt.Sprintf(`{"level":"IV","why":"gas in the kitchen","proposal":%d}`, p.ID), &b)
	s.await("plan.opened")
	played := map[string]string{}
	for _, a := range b.Agencies {
		played[a.Agency] = ""
		for _, o := range a.Organisations {
			played[a.Agency] = o.Name["en"]
		}
		if a.Gap != (len(a.Organisations) == 0) {
			t.Errorf("%+v", a)
		}
	}
	if played["regulator"] != "Housing Bureau" || played["company"] != "Gas Company" || played["fire"] != "Fire Brigade" || played["town"] != "" {
		t.Errorf("%v", played)
	}
	var open struct{ Items []board }
	officer("GET", "/api/v1/plan-proposals", "", &open)
	if len(open.Items) != 1 { // red justifies level III, and IV is open
		t.Errorf("%+v", open)
	}
	// The tasks are the case's, and a post acknowledges there.
	acknowledged := 0
	for _, a := range b.Agencies {
		for _, task := range a.Tasks {
			officer("POST", fmt.Sprintf("/api/v1/cases/%d/tasks/%d/acknowledge", b.Case, task.ID), `{}`, nil)
			officer("POST", fmt.Sprintf("/api/v1/cases/%d/tasks/%d/done", b.Case, task.ID), `{"answer":"12"}`, nil)
			acknowledged++
		}
	}
	officer("GET", fmt.Sprintf("/api/v1/responses/%d", b.ID), "", &b)
	for _, a := range b.Agencies {
		for _, task := range a.Tasks {
			if task.State != "done" {
				t.Errorf("%+v", task)
			}
		}
	}
	if acknowledged != 10 {
		t.Errorf("%d tasks at level IV", acknowledged)
	}
	officer("POST", fmt.Sprintf("/api/v1/responses/%d/end", b.ID), `{"why":"over"}`, &b)
	if b.State != "ended" {
		t.Errorf("%+v", b)
	}
	s.await("plan.ended")
}

// An incident that was telephoned in proposes the plan of its hazard, once it is graded; one of another hazard proposes none.
func TestCallProposesAResponse(t *testing.T) {
	s := start(t, app.Options{})
	s.register()
	officer := s.dutyOfficer()
	call := func(what, hazard string) {
		t.Helper()
		var line struct{ Case int64 }
		officer("POST", "/api/v1/watch/log", fmt.Sprintf(`{"caller":"resident","where":"Fish market","what":%q,"open":true}`, what), &line)
		if line.Case == 0 {
			t.Fatalf("no case for %q", what)
		}
		moves := fmt.Sprintf("/api/v1/cases/%d/moves", line.Case)
		officer("POST", moves, `{"move":"verify","fields":{"situation":"smell of gas, two stalls cleared"}}`, nil)
		officer("POST", moves, fmt.Sprintf(`{"move":"grade","fields":{"grade":"general","hazard":%q,"grade_basis":"nobody hurt"}}`, hazard), nil)
	}
	call("Something else", "other")
	call("A smell of gas", "gas-leak")
	proposed := s.await("plan.proposed")
	if !strings.Contains(proposed, `"gas-leak"`) || !strings.Contains(proposed, `"what":"open"`) {
		t.Error(proposed)
	}
	var proposals struct {
		Items []struct{ Plan, Level string }
	}
	officer("GET", "/api/v1/plan-proposals", "", &proposals)
	if len(proposals.Items) != 1 || proposals.Items[0].Plan != "gas-leak" || proposals.Items[0].Level != "IV" {
		t.Errorf("%+v", proposals)
	}
	// Each hazard that a plan is about can be said of an incident, or the plan would never be proposed for one.
	p, err := pack.Load(os.DirFS("../../packs/incident"), "packs/incident")
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := lifecycle.Kinds(p)
	if err != nil {
		t.Fatal(err)
	}
	hazards := map[string]bool{}
	for _, r := range kinds[0].Move("grade").Requires {
		for _, o := range r.Options {
			hazards[r.Field+" "+o.ID] = true
		}
	}
	var plans struct{ Items []struct{ ID, About string } }
	officer("GET", "/api/v1/plans", "", &plans)
	if len(plans.Items) < 4 {
		t.Errorf("%+v", plans)
	}
	for _, p := range plans.Items {
		if !hazards["hazard "+p.About] {
			t.Errorf("plan %s is about %s, which no incident can be", p.ID, p.About)
		}
	}
}
