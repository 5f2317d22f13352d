package plan

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Who may open is settled by the lead that the register knows, never by the one that the request names.
func TestNobodyNamesItselfTheLead(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	try := func(ctx context.Context, organisation int64) error {
		_, err := w.Open(ctx, "storm", OpenRequest{Level: "II", Why: "x", Agencies: map[string]int64{"water": organisation}}, "")
		return err
	}
	for _, organisation := range []int64{41, 51, 60} {
		refused(t, try(of(organisation), organisation), "access.denied", "")
		refused(t, try(of(organisation), 40), "access.denied", "")
	}
	if n := w.count("select count(*) from plan_activations") + w.count("select count(*) from cases"); n != 0 {
		t.Fatalf("a refused opening left %d rows", n)
	}
	if err := try(of(40), 41); err != nil { // the lead may hand it to another
		t.Errorf("the lead agency may not choose: %v", err)
	}
	b := w.board(1)
	if b.Agencies[0].Organisations[0].ID != 41 || b.Agencies[0].How != "chosen" {
		t.Errorf("%+v", b.Agencies[0])
	}
	// A change is a matter of the lead that was settled at the opening.
	_, err := w.SetLevel(of(51), 1, LevelRequest{Level: "III", Why: "x"}, "")
	refused(t, err, "access.denied", "")
	if _, err := w.SetLevel(of(41), 1, LevelRequest{Level: "III", Why: "x"}, ""); err != nil {
		t.Error(err)
	}
}

// Each decision says in whose name it is: the office of the plan, unless the officer writes another.
func TestInWhoseName(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		id := w.mustOpen(OpenRequest{Level: "IV"})
		_, err := w.SetLevel(officer(1), id, LevelRequest{Level: "III", Why: "x", DecidedBy: strings.Repeat("长", maxOffice+1)}, "")
		refused(t, err, "plan.text", "decided_by")
		if _, err := w.SetLevel(officer(1), id, LevelRequest{Level: "III", Why: "x", DecidedBy: " 市防汛指挥部总指挥 "}, ""); err != nil {
			t.Fatal(err)
		}
		w.finish(id)
		if _, err := w.End(officer(1), id, EndRequest{Why: "x"}, ""); err != nil {
			t.Fatal(err)
		}
		b := w.board(id)
		var got []string
		for _, c := range b.Changes {
			got = append(got, c.DecidedBy.Zh)
		}
		offices := storm().Levels
		if want := []string{offices[0].DecidedBy.Zh, "市防汛指挥部总指挥", offices[1].DecidedBy.Zh}; strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("decided by %q, want %q", got, want)
		}
		c, err := w.Cases.Case(officer(1), b.Case)
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, e := range c.Timeline {
			said += fmt.Sprintln(e.Text)
		}
		for _, who := range got {
			if !strings.Contains(said, "（由"+who+"决定）") {
				t.Errorf("the timeline does not say that %q decided: %s", who, said)
			}
		}
	})
}

// An incident that a response opens is called after city, place and hazard; the reason stands in the timeline.
func TestTheIncidentHasAName(t *testing.T) {
	for why, want := range map[string]string{"雨势增强": "澜港市30 号area12 号place洪涝", "it rains more": "Flooding, place 12, Langang"} {
		w := newWorld(t, dbtest.SQLite(t, rooms()...))
		w.City = lifecycle.Words("Langang", "澜港市")
		id := w.mustOpen(OpenRequest{Level: "IV", Why: why, Asset: 2})
		c, err := w.Cases.Case(officer(1), w.board(id).Case)
		if err != nil {
			t.Fatal(err)
		}
		if c.Title != want || !strings.Contains(fmt.Sprint(c.Timeline[0]), why) {
			t.Errorf("%v: %+v", c.Title, c.Timeline[0])
		}
	}
}
