package respond

import (
	"testing"

	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Nobody supervises what he has to rectify: neither by entering it himself, nor as the inspector who found it.
func TestWhoOpensACaseOfHisOwnDoesNotRunIt(t *testing.T) {
	hazard := kind(t, "hazard", "hazard-rectification")
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, hazard)
		byHand := func(owner int64) *CasePage {
			t.Helper()
			r, err := w.OpenByHand(as(of(5, 1, "duty-officer", "inspector")), NewCase{Kind: hazard.ID, Title: "hose", Place: 20, Owner: owner}, "")
			if err != nil {
				t.Fatal(err)
			}
			return w.page(r.Case)
		}
		if c := byHand(5); c.Desk != nil {
			t.Errorf("who has to rectify it supervises it: desk %d", *c.Desk)
		}
		if c := byHand(6); c.Desk == nil || *c.Desk != 5 {
			t.Errorf("desk %v, want who entered it", c.Desk)
		}
		found := func(of5 int64) *CasePage {
			t.Helper()
			ctx := as(of(of5, 2, "inspector"))
			f, err := w.Findings.Record(ctx, inspect.Draft{Place: 20, Description: "exit blocked", Grade: "major"}, "")
			if err != nil {
				t.Fatal(err)
			}
			f.Owner = 5
			id, err := w.OpenForFinding(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			return w.page(id)
		}
		if c := found(5); c.Desk != nil {
			t.Errorf("his own inspector supervises it: desk %d", *c.Desk)
		}
		if c := found(6); c.Desk == nil || *c.Desk != 6 {
			t.Errorf("desk %v, want whose inspector found it", c.Desk)
		}
	})
}

// What is of another sort is another case, though it is about the same: another item of the checklist, none, a gap in who answers for it.
func TestAnotherFaultOfTheSameIsAnotherCase(t *testing.T) {
	hazard := kind(t, "hazard", "hazard-rectification")
	hazard.Moves = append(hazard.Moves, lifecycle.Move{ID: "skip", Title: lifecycle.Words("Skip", "略过"), From: []string{"found"}, To: "written-off", Who: []string{"inspector"}})
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, hazard)
		find := func(item, grade string) int64 {
			t.Helper()
			f, err := w.Findings.Record(as(officer(1)), inspect.Draft{Place: 20, Description: "something", Grade: grade, Checklist: item}, "")
			if err != nil {
				t.Fatal(err)
			}
			id, err := w.OpenForFinding(as(officer(1)), f)
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		exits, none := find("exits", "general"), find("", "general")
		w.do(1, exits, "skip", nil)
		w.do(1, none, "skip", nil)
		for _, item := range []string{"hydrants", "duty-chain", ""} {
			if id := find(item, "general"); id == exits || id == none {
				t.Errorf("%q went into case %d", item, id)
			}
		}
		if id := find("exits", "major"); id != exits {
			t.Fatalf("case %d, want %d again", id, exits)
		}
		if c := w.page(exits); c.State != "found" || c.Fields["grade"] != "major" || c.Reopened != 1 {
			t.Errorf("%s, %v", c.State, c.Fields)
		}
	})
}

// A kind that a move assigns is opened for nobody, whoever holds the place.
func TestAssignedCasesBeginWithNobody(t *testing.T) {
	request := kind(t, "enterprise", "enterprise-request")
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, request)
		n := NewCase{Kind: request.ID, Title: "meter", Asset: 7}
		r, err := w.OpenByHand(as(officer(1)), n, "")
		if err != nil {
			t.Fatal(err)
		}
		if c := w.page(r.Case); c.Owner != nil && *c.Owner != 0 {
			t.Errorf("owner %d", *c.Owner)
		}
		n.Owner = 5
		if _, err := w.OpenByHand(as(officer(1)), n, ""); err == nil || err.(*lifecycle.Refusal).Code != CodeOwner {
			t.Errorf("opened for a unit: %v", err)
		}
	})
}
