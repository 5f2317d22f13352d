package plan

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/respond"
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

// A decision can follow only a proposal that is open and asks for this deed; the level is the person's.
func TestAProposalIsAGroundForItsOwnDeedAlone(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.alert("alert.raised", 7, 3, "river-level", "blue")
		declined := w.proposal().ID
		if _, err := w.Decline(officer(1), declined, "no", ""); err != nil {
			t.Fatal(err)
		}
		_, err := w.Open(officer(1), "storm", OpenRequest{Level: "IV", Why: "x", Proposal: declined}, "")
		refused(t, err, "plan.proposal_settled", "proposal")
		if n := w.count("select count(*) from plan_activations") + w.count("select count(*) from cases"); n != 0 {
			t.Fatalf("a refused opening left %d rows", n)
		}
		w.alert("alert.changed", 7, 3, "river-level", "orange")
		r := OpenRequest{Level: "II", Why: "x", Proposal: w.proposal().ID}
		first, err := w.Open(officer(1), "storm", r, "key")
		if err != nil {
			t.Fatal(err)
		}
		if again, err := w.Open(officer(1), "storm", r, "key"); err != nil || again != first {
			t.Errorf("the same request again: %+v %v", again, err)
		}
		w.alert("alert.changed", 7, 3, "river-level", "blue")
		lower := w.proposal()
		if lower.What != "lower" {
			t.Fatal(lower)
		}
		w.finish(first.Item)
		_, err = w.End(officer(1), first.Item, EndRequest{Why: "x", Proposal: lower.ID}, "")
		refused(t, err, "plan.proposal_other", "proposal")
		if lower.Level == "III" {
			t.Fatal(lower)
		}
		if _, err = w.SetLevel(officer(1), first.Item, LevelRequest{Level: "III", Why: "less, but not yet so little", Proposal: lower.ID}, ""); err != nil {
			t.Error(err)
		}
	})
}

// Of two officers who change a level at the same time the second is told what it is now.
func TestALevelThatHasChangedMeanwhile(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	id := w.mustOpen(OpenRequest{Level: "IV"})
	if _, err := w.SetLevel(officer(1), id, LevelRequest{Level: "II", From: "IV", Why: "x"}, ""); err != nil {
		t.Fatal(err)
	}
	_, err := w.SetLevel(officer(2), id, LevelRequest{Level: "III", From: "IV", Why: "x"}, "")
	refused(t, err, "plan.level_changed", "from")
	if err == nil || !strings.Contains(err.Error(), "at level II by now") || w.board(id).Level != "II" {
		t.Errorf("%v, at level %s", err, w.board(id).Level)
	}
}

// An alert that comes and goes does not ask again what was declined a moment ago, except for more.
func TestAFlappingAlertAsksOnce(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	w.alert("alert.raised", 1, 3, "river-level", "blue")
	if _, err := w.Decline(officer(1), w.proposal().ID, "no", ""); err != nil {
		t.Fatal(err)
	}
	asked := w.count("select count(*) from plan_proposals")
	for id := range int64(5) {
		w.clock.Advance(20 * time.Minute)
		w.alert("alert.cleared", id+1, 3, "river-level", "blue")
		w.alert("alert.raised", id+2, 3, "river-level", "blue")
	}
	if n := w.count("select count(*) from plan_proposals"); n != asked || w.open() != "" {
		t.Errorf("it asked %d times more: %s", n-asked, w.open())
	}
	w.alert("alert.changed", 6, 3, "river-level", "orange")
	if got := w.open(); got != "open II" {
		t.Errorf("something higher: %q", got)
	}
	w.alert("alert.changed", 6, 3, "river-level", "blue")
	if got := w.open(); got != "" {
		t.Errorf("back again: %q", got)
	}
	w.clock.Advance(20 * time.Minute)
	if err := w.rested(officer(1)); err != nil {
		t.Fatal(err)
	}
	if got := w.open(); got != "open IV" {
		t.Errorf("after two hours it still stands: %q", got)
	}
}

// A response whose case is closed is proposed to be ended, and does not stand in the way of the next.
func TestAClosedCaseLetsGoOfItsResponse(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		old := w.mustOpen(OpenRequest{Level: "III"}) // by hand: no reason of the program's own
		b := w.board(old)
		if _, err := w.Open(officer(1), "storm", OpenRequest{Level: "IV", Why: "x"}, ""); err == nil {
			t.Fatal("two responses at once")
		}
		if _, err := w.Cases.Move(officer(1), b.Case, respond.MoveRequest{Move: "close"}, ""); err != nil {
			t.Fatal(err)
		}
		w.hear("case.closed", map[string]any{"case": b.Case, "kind": CaseKind})
		if got := w.open(); got != "end" || w.proposal().Activation != old || w.proposal().Reasons[0].Ref != b.Case {
			t.Fatalf("%q", got)
		}
		w.warning("warning.issued", 5, "Actual", "yellow")
		if got := w.open(); got != "end" {
			t.Errorf("with a new reason: %q", got)
		}
		next := w.mustOpen(OpenRequest{Level: "IV"})
		if b = w.board(old); b.State != "ended" || out(b) != "" || len(b.Changes) != 2 || !strings.Contains(b.Changes[1].Why, "已办结") {
			t.Errorf("the old response: %s %+v", b.State, b.Changes)
		}
		if x := w.board(next); x.State != "active" || x.Case == b.Case || w.open() != "raise III" {
			t.Errorf("the next response: %+v, %s", x.ResponseView, w.open())
		}
		if n := w.count("select count(*) from outbox where subject = 'plan.ended'"); n != 1 {
			t.Errorf("%d events of the end", n)
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
