package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/respond"
)

func TestFromAlertToEnd(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.alert("alert.raised", 7, 3, "river-level", "blue")
		w.alert("alert.raised", 7, 3, "river-level", "blue") // a repeat
		p := w.proposal()
		if p.What != "open" || p.Level != "IV" || len(p.Reasons) != 1 || p.Reasons[0].Ref != 7 || *p.Asset != 3 || len(p.Gaps) != 1 || p.Gaps[0].Agency != "police" {
			t.Fatalf("%+v", p)
		}
		if n := w.count("select count(*) from outbox where subject = 'plan.proposed'"); n != 1 {
			t.Errorf("%d events of one proposal", n)
		}
		// Nothing is given until a person has decided.
		if n := w.count("select count(*) from case_tasks") + w.count("select count(*) from cases"); n != 0 {
			t.Fatalf("the program opened something by itself: %d", n)
		}

		w.clock.Advance(time.Minute)
		id := w.mustOpen(OpenRequest{Level: "IV", Why: "the river rises", Proposal: p.ID})
		b := w.board(id)
		if b.Level != "IV" || b.State != "active" || out(b) != "drain@40 patrol@40" || b.Counts != (Counts{Waiting: 2}) || b.Case == 0 {
			t.Fatalf("%+v", b)
		}
		c, err := w.Cases.Case(officer(1), b.Case)
		if err != nil {
			t.Fatal(err)
		}
		if c.Kind != CaseKind || *c.Owner != 40 || *c.Asset != 3 || c.Level != "blue" || c.Fields["hazard"] != "rainstorm" || len(c.Tasks) != 2 {
			t.Errorf("the incident is %+v", c)
		}
		if w.open() != "" || w.count("select count(*) from plan_proposals where state = 'taken'") != 1 {
			t.Errorf("the proposal stands: %s", w.open())
		}
		if n := w.count("select count(*) from ledger_leaves where subject = 'plan'"); n != 1 {
			t.Errorf("%d ledger entries", n)
		}

		// It grows: raising gives what is new, to each town, and to the desk what nobody can be found for.
		w.alert("alert.changed", 7, 3, "river-level", "orange")
		if w.open() != "raise II" {
			t.Fatal(w.open())
		}
		if _, err := w.SetLevel(officer(1), id, LevelRequest{Level: "III", Why: "not yet two"}, ""); err != nil {
			t.Fatal(err)
		}
		b = w.board(id)
		if got := out(b); got != "close@0 drain@40 patrol@40 warn@51 warn@52 warn@53" {
			t.Fatal(got)
		}
		police := b.Agencies[2]
		if !police.Gap || police.Tasks[0].Post != "" {
			t.Errorf("%+v", police)
		}
		var orders string
		err = w.DB.Read(context.Background(), func(tx *db.Tx) error {
			return tx.QueryRow(`select zh from case_tasks where id = $1`, police.Tasks[0].ID).Scan(&orders)
		})
		if err != nil || !strings.Contains(orders, "公安交警") {
			t.Errorf("the desk reads %q, %v", orders, err)
		}
		if w.open() != "raise II" {
			t.Errorf("a level below the proposed one settled it: %s", w.open())
		}
		w.clock.Advance(25 * time.Minute)
		w.finish(id, "drain")
		b = w.board(id)
		if b.Counts.Late != 1 || b.Counts.Done != 1 || *b.Agencies[2].Tasks[0].SecondsLeft != -300 || !b.Agencies[2].Tasks[0].Late {
			t.Errorf("after 25 min: %+v", b.Counts)
		}

		// Level II leaves out the patrol.
		if _, err := w.SetLevel(officer(1), id, LevelRequest{Level: "II", Why: "as proposed", Proposal: w.proposal().ID}, ""); err != nil {
			t.Fatal(err)
		}
		if b = w.board(id); out(b) != "close@0 post-men@40 warn@51 warn@52 warn@53" || b.Counts.Withdrawn != 1 {
			t.Fatal(out(b), b.Counts)
		}
		for _, l := range b.Levels {
			if want := map[string][2]int{"IV": {1, 5}, "III": {1, 1}, "II": {0, 0}}[l.ID]; want != [2]int{l.Gives, l.Withdraws} || l.InForce != (l.ID == "II") {
				t.Errorf("a change to %s: %+v", l.ID, l)
			}
		}

		// It is over: the program proposes, and does nothing.
		w.clock.Advance(time.Hour)
		w.alert("alert.cleared", 7, 3, "river-level", "orange")
		if w.open() != "end" {
			t.Fatal(w.open())
		}
		_, err = w.End(officer(1), id, EndRequest{Why: "water gone"}, "")
		refused(t, err, "plan.open_tasks", "withdraw")
		_, err = w.End(officer(1), id, EndRequest{Why: "water gone", Withdraw: []WithdrawTask{{Task: b.Agencies[2].Tasks[0].ID}}}, "")
		refused(t, err, "plan.text", "withdraw")
		if w.board(id).State != "active" || out(w.board(id)) == "" {
			t.Error("a refused end left a trace")
		}
		w.finish(id, "warn", "post-men")
		end := EndRequest{Why: "water gone", Proposal: w.proposal().ID, Withdraw: []WithdrawTask{{b.Agencies[2].Tasks[0].ID, "the underpass is dry, 13812345678"}}}
		for range 2 { // the same request under the same key
			if _, err := w.End(officer(1), id, end, "key"); err != nil {
				t.Fatal(err)
			}
		}
		b = w.board(id)
		if b.State != "ended" || b.Counts.Waiting+b.Counts.Acknowledged != 0 || len(b.Changes) != 4 || b.Changes[3].Why != "water gone" || w.open() != "" {
			t.Errorf("%+v %s", b.Counts, w.open())
		}
		if n := w.count("select count(*) from case_timeline where text like '%13812345678%'"); n != 0 {
			t.Error("a telephone number stands in the timeline")
		}
		_, err = w.SetLevel(officer(1), id, LevelRequest{Level: "IV", Why: "again"}, "")
		refused(t, err, "plan.ended", "")
		for subject, want := range map[string]int{"plan.opened": 1, "plan.changed": 2, "plan.ended": 1} {
			if n := w.count("select count(*) from outbox where subject = $1", subject); n != want {
				t.Errorf("%d of %s", n, subject)
			}
		}
		if n := w.count("select count(*) from timers"); n != 0 {
			t.Errorf("%d timers are left", n)
		}
		// The case is closed by its own moves.
		if _, err := w.Cases.Move(officer(1), b.Case, respond.MoveRequest{Move: "close"}, ""); err != nil {
			t.Error(err)
		}
	})
}

// A relayed warning speaks for a plan as one of our own does, until it ends.
func TestARelayedWarningIsAReason(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, x := range []struct {
			subject              string
			relay                int64
			status, level, about string
			want                 string
		}{
			{"relay.issued", 5, "Test", "red", "rainstorm", ""},
			{"relay.issued", 5, "Actual", "red", "haze", ""},
			{"relay.issued", 5, "Actual", "", "rainstorm", ""}, // it states no level
			{"relay.issued", 6, "Actual", "blue", "rainstorm", "open IV"},
			{"relay.updated", 6, "Actual", "yellow", "rainstorm", "open III"},
			{"relay.updated", 6, "Actual", "yellow", "haze", ""},
			{"relay.updated", 6, "Actual", "blue", "rainstorm", "open IV"},
			{"relay.ended", 6, "Actual", "blue", "rainstorm", ""},
			{"relay.issued", 7, "Exercise", "blue", "rainstorm", "open IV"},
		} {
			w.hear(x.subject, events.Relay{Relay: x.relay, Issuer: events.AlertText{EN: "Weather office", ZH: "气象台"}, Status: x.status, Hazard: x.about,
				Level: x.level, Areas: []int64{30}, At: w.clock.Now()})
			if got := w.open(); got != x.want {
				t.Fatalf("%+v: %q is proposed, want %q", x, got, x.want)
			}
			w.clock.Advance(time.Minute)
		}
		if p := w.proposal(); !p.Drill || p.Reasons[0].Kind != "relay" || p.Reasons[0].Text.En != "Weather office warns (rainstorm, blue)" {
			t.Errorf("an exercise is proposed as %+v", p)
		}
	})
}

func TestProposals(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		step := func(what, want string) {
			t.Helper()
			if got := w.open(); got != want {
				t.Fatalf("%s: %q is proposed, want %q", what, got, want)
			}
			w.clock.Advance(time.Minute)
		}
		w.alert("alert.raised", 1, 1, "road-water", "red")
		step("one road", "")
		w.alert("alert.raised", 2, 2, "road-water", "orange")
		step("two roads", "open III")
		if p := w.proposal(); p.Asset != nil || *p.Area != 30 || len(p.Reasons) != 2 {
			t.Errorf("what two roads have in common: %+v", p)
		}
		w.alert("alert.cleared", 2, 2, "road-water", "orange")
		step("one of them dry", "")
		w.alert("alert.cleared", 1, 1, "road-water", "red")
		step("both dry", "")
		w.warning("warning.issued", 5, "Test", "yellow")
		step("a test of the warning system", "")
		w.warning("warning.issued", 6, "Exercise", "yellow")
		step("an exercise", "open III")
		if !w.proposal().Drill {
			t.Error("an exercise is proposed as real")
		}
		w.warning("warning.expired", 6, "Exercise", "yellow")
		step("the exercise is over", "")
		w.warning("warning.issued", 7, "Actual", "blue")
		step("a blue warning", "open IV")
		w.warning("warning.updated", 7, "Actual", "yellow")
		step("it is yellow now", "open III")

		// A person says no: it rests while its reason stands, unless more is asked for.
		if _, err := w.Decline(officer(1), w.proposal().ID, "the streets are dry", ""); err != nil {
			t.Fatal(err)
		}
		step("declined", "")
		w.warning("warning.updated", 7, "Actual", "yellow")
		step("the same again", "")
		w.alert("alert.raised", 3, 3, "river-level", "orange")
		step("something higher", "open II")
		w.alert("alert.cleared", 3, 3, "river-level", "orange")
		step("which passes", "")
		w.warning("warning.cancelled", 7, "Actual", "yellow")
		w.warning("warning.issued", 8, "Actual", "yellow")
		step("another warning", "")
		w.clock.Advance(restFor)
		if err := w.rested(officer(1)); err != nil {
			t.Fatal(err)
		}
		step("it stands still when the refusal has rested", "open III")

		// An alert that rests calls nobody.
		w.warning("warning.cancelled", 8, "Actual", "yellow")
		step("nothing", "")
		id := w.mustOpen(OpenRequest{Level: "IV"})
		step("opened by hand", "")
		w.alert("alert.raised", 9, 3, "river-level", "orange")
		step("it grows", "raise II")
		if p := w.board(id).Proposal; p == nil || p.What != "raise" {
			t.Errorf("the board shows %+v", p)
		}
		if _, err := w.Decline(officer(1), w.proposal().ID, "no", ""); err != nil {
			t.Fatal(err)
		}
		w.alert("alert.cleared", 9, 3, "river-level", "orange")
		step("and ends", "end")
		if _, err := w.Decline(officer(1), w.proposal().ID, "we stay", ""); err != nil {
			t.Fatal(err)
		}
		w.alert("alert.raised", 10, 3, "road-water", "red")
		step("declined to end", "")
		w.finish(id)
		if _, err := w.End(officer(1), id, EndRequest{Why: "over"}, ""); err != nil {
			t.Fatal(err)
		}
		step("ended by hand", "")

		// What stood when it was ended does not open it again.
		w.warning("warning.issued", 20, "Actual", "yellow")
		id = w.mustOpen(OpenRequest{Level: "III", Proposal: w.proposal().ID})
		w.clock.Advance(time.Minute)
		w.finish(id)
		if _, err := w.End(officer(1), id, EndRequest{Why: "over"}, ""); err != nil {
			t.Fatal(err)
		}
		step("ended while the warning stands", "")
		w.alert("alert.raised", 21, 1, "river-level", "blue")
		step("something lower and new, beside it", "")
		w.warning("warning.issued", 22, "Actual", "yellow")
		step("a new warning", "open III")
	})
}

func TestIncidentProposes(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	who := access.Actor{Kind: access.KindAccount, ID: 1, Name: "officer"}
	open := func(kind string, fields map[string]any) (id int64) {
		err := w.DB.Write(context.Background(), func(tx *db.Tx) error {
			c, _, err := w.Cases.Open(tx, who, respond.Opening{Kind: kind, Title: "Water", Fields: fields}, respond.Entry{Kind: "note"}, noon)
			if err == nil {
				id = c.ID
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	other := open("other", map[string]any{"grade": "major", "hazard": "rainstorm"})
	w.hear("case.opened", map[string]any{"case": other, "kind": "other"})
	w.hear("case.changed", map[string]any{"case": other}) // it does not say of which kind the case is
	gas := open(CaseKind, map[string]any{"grade": "major", "hazard": "gas-leak"})
	w.hear("case.opened", map[string]any{"case": gas, "kind": CaseKind})
	id := open(CaseKind, map[string]any{"hazard": "rainstorm"})
	w.hear("case.opened", map[string]any{"case": id, "kind": CaseKind})
	if got := w.open(); got != "" {
		t.Fatalf("%s is proposed for no grade, another hazard or another kind", got)
	}
	if _, err := w.Cases.Move(officer(1), id, respond.MoveRequest{Move: "grade", Fields: map[string]any{"grade": "larger"}}, ""); err != nil {
		t.Fatal(err)
	}
	w.hear("case.moved", map[string]any{"case": id, "kind": CaseKind})
	if got := w.open(); got != "open II" {
		t.Fatal(got)
	}
	// What an incident proposes is opened in that incident.
	response := w.mustOpen(OpenRequest{Level: "II", Proposal: w.proposal().ID})
	b := w.board(response)
	if b.Case != id || w.count("select count(*) from cases") != 3 {
		t.Errorf("the response works in case %d, the incident is %d", b.Case, id)
	}
	if _, err := w.Cases.Move(officer(1), id, respond.MoveRequest{Move: "close"}, ""); err != nil {
		t.Fatal(err)
	}
	w.hear("case.closed", map[string]any{"case": id, "kind": CaseKind})
	if got := w.open(); got != "end" {
		t.Errorf("the incident is closed: %q", got)
	}
	if b := w.board(response); !b.CaseClosed || out(b) != "" {
		t.Errorf("%+v", b.Counts)
	}
	_, err := w.SetLevel(officer(1), response, LevelRequest{Level: "III", Why: "more"}, "")
	refused(t, err, "plan.case_closed", "case")
	if _, err := w.End(officer(1), response, EndRequest{Why: "over"}, ""); err != nil {
		t.Errorf("a response whose case is closed cannot be ended: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	try := func(r OpenRequest) error {
		_, err := w.Open(officer(1), "storm", r, "")
		return err
	}
	_, err := w.Open(officer(1), "storms", OpenRequest{Level: "IV", Why: "x"}, "")
	refused(t, err, "plan.unknown", "")
	refused(t, try(OpenRequest{Level: "I", Why: "x"}), "plan.level", "level")
	refused(t, try(OpenRequest{Level: "IV", Why: " "}), "plan.text", "why")
	refused(t, try(OpenRequest{Level: "IV", Why: strings.Repeat("x", maxText+1)}), "plan.text", "why")
	refused(t, try(OpenRequest{Level: "IV", Why: "x\x00"}), "plan.text", "why")
	refused(t, try(OpenRequest{Level: "IV", Why: "x", Proposal: 4}), "plan.no_proposal", "proposal")
	refused(t, try(OpenRequest{Level: "IV", Why: "x", Case: 4}), "case.not_found", "case")
	refused(t, try(OpenRequest{Level: "IV", Why: "x", Grade: "huge"}), "plan.grade", "grade")
	refused(t, try(OpenRequest{Level: "IV", Why: "x", Asset: 99}), "plan.place", "place")
	refused(t, try(OpenRequest{Level: "IV", Why: "x", Agencies: map[string]int64{"army": 40}}), "plan.agency", "agencies")
	refused(t, try(OpenRequest{Level: "IV", Why: "x", Agencies: map[string]int64{"police": 901}}), "case.unknown_organisation", "agencies")
	id := w.mustOpen(OpenRequest{Level: "III", Agencies: map[string]int64{"police": 77}})
	if got := out(w.board(id)); !strings.Contains(got, "close@77") || w.board(id).Agencies[2].Gap {
		t.Errorf("a person's choice does not count: %s", got)
	}
	refused(t, try(OpenRequest{Level: "IV", Why: "x"}), "plan.open_already", "")
	level := func(r LevelRequest) error { _, err := w.SetLevel(officer(1), id, r, ""); return err }
	refused(t, level(LevelRequest{Level: "III", Why: "x"}), "plan.same_level", "level")
	refused(t, level(LevelRequest{Level: "I", Why: "x"}), "plan.level", "level")
	refused(t, level(LevelRequest{Level: "II"}), "plan.text", "why")
	refused(t, level(LevelRequest{Level: "II", Why: "x", Proposal: 9}), "plan.no_proposal", "proposal")
	if w.board(id).Level != "III" {
		t.Error("a refused change left a trace")
	}
	_, err = w.SetLevel(officer(1), 99, LevelRequest{Level: "II", Why: "x"}, "")
	refused(t, err, "plan.no_response", "")
	_, err = w.Board(officer(1), 99)
	refused(t, err, "plan.no_response", "")
	_, err = w.Decline(officer(1), 99, "no", "")
	refused(t, err, "plan.no_proposal", "")
	if _, err := New(Deps{Plans: []*Plan{storm(), storm()}}); err == nil {
		t.Error("one plan of two packs is taken")
	}
}

// Everything asks for the right to do it, and the program has none to decide.
func TestDecisionsAreAskedFor(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	id := w.mustOpen(OpenRequest{Level: "IV"})
	w.alert("alert.raised", 7, 3, "river-level", "orange")
	proposal := w.proposal().ID
	no := errors.New("no")
	var asked []string
	w.Access = decider(func(action string, r access.Resource) error {
		asked = append(asked, fmt.Sprintf("%s %d", action, r.Organisation))
		return no
	})
	ctx := officer(1)
	for name, call := range map[string]func() error{
		"plan.read 0":    func() error { _, err := w.Board(ctx, id); return err },
		"plan.read  0":   func() error { _, _, err := w.Responses(ctx, Filter{Limit: 1}); return err },
		"plan.read   0":  func() error { _, _, err := w.Proposals(ctx, true, 0, 1); return err },
		"plan.read    0": func() error { _, err := w.Catalogue(ctx); return err },
		"plan.decide 40": func() error { _, err := w.SetLevel(ctx, id, LevelRequest{Level: "II", Why: "x"}, ""); return err },
		// the lead agency of the plan, though nobody has asked for that
		"plan.decide  40":   func() error { _, err := w.End(ctx, id, EndRequest{Why: "x"}, ""); return err },
		"plan.decide   40":  func() error { _, err := w.Open(ctx, "storm", OpenRequest{Level: "II", Why: "x"}, ""); return err },
		"plan.decide    40": func() error { _, err := w.Decline(ctx, proposal, "x", ""); return err },
		"plan.decide     40": func() error {
			_, err := w.SettleAdvice(ctx, id, 1, AdviceRequest{Why: "x"}, "")
			return err
		},
	} {
		asked = nil
		if err := call(); !errors.Is(err, no) || !slices.Contains(asked, strings.Join(strings.Fields(name), " ")) {
			t.Errorf("%s: asked %v, answered %v", name, asked, err)
		}
	}
	policy, err := access.NewPolicy(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := storm().resource(40, 30)
	for _, x := range []struct {
		who  access.Actor
		want bool
	}{
		{access.System("plan"), false},
		{access.Actor{Kind: access.KindAccount, ID: 1, Roles: []string{"duty-officer"}}, true},
		{access.Actor{Kind: access.KindAccount, ID: 1, Roles: []string{"duty-officer"}, Organisation: 40}, true},
		{access.Actor{Kind: access.KindAccount, ID: 1, Roles: []string{"duty-officer"}, Organisation: 41}, false},
		{access.Actor{Kind: access.KindAccount, ID: 1, Roles: []string{"analyst"}}, false},
		{access.Actor{Kind: access.KindPublic}, false},
	} {
		if err := policy.Decide(access.With(context.Background(), x.who), "plan.decide", r, access.Operations); (err == nil) != x.want {
			t.Errorf("%+v may decide: %v", x.who, err)
		}
	}
}

type decider func(action string, r access.Resource) error

func (f decider) Decide(_ context.Context, action string, r access.Resource, _ access.Purpose) error {
	return f(action, r)
}

// A plan that changes in its pack changes no response under way; what is proposed and opened next is by the new one.
func TestADefinitionIsKept(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		id := w.mustOpen(OpenRequest{Level: "IV"})
		changed := storm()
		changed.Levels = changed.Levels[:2]
		changed.Tasks = changed.Tasks[:3]
		changed.Title = both("Another")
		again := newWorld(t, d, changed) // after a restart
		b := again.board(id)
		if b.Title.En != "Storm" || len(b.Levels) != 3 {
			t.Errorf("the board is that of the new plan: %+v", b.Title)
		}
		if _, err := again.SetLevel(officer(1), id, LevelRequest{Level: "II", Why: "x"}, ""); err != nil {
			t.Errorf("a level that the new plan has not: %v", err)
		}
		if got := out(again.board(id)); !strings.Contains(got, "post-men") {
			t.Error(got)
		}
	})
}

// Plans for places: one response each.
func TestPerPlace(t *testing.T) {
	p := storm()
	p.Per = "place"
	w := newWorld(t, dbtest.SQLite(t, rooms()...), p)
	w.alert("alert.raised", 1, 1, "river-level", "blue")
	w.alert("alert.raised", 2, 2, "river-level", "orange")
	if got := w.open(); got != "open II, open IV" {
		t.Fatal(got)
	}
	ps, _, err := w.Proposals(officer(1), true, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	a := w.mustOpen(OpenRequest{Level: "II", Proposal: ps[0].ID})
	b := w.mustOpen(OpenRequest{Level: "IV", Proposal: ps[1].ID})
	if w.board(a).Case == w.board(b).Case || *w.board(a).Place != 12 || *w.board(b).Place != 11 {
		t.Error("two places share a response")
	}
	w.alert("alert.cleared", 2, 2, "river-level", "orange")
	if got := w.open(); got != "end" || w.proposal().Activation != a {
		t.Error(got)
	}
	list, next, err := w.Responses(officer(1), Filter{Active: true, Limit: 1})
	if err != nil || len(list) != 1 || next != b || list[0].Counts.Waiting != 2 {
		t.Errorf("%+v %d %v", list, next, err)
	}
}

func TestDrill(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	id := w.mustOpen(OpenRequest{Level: "IV", Drill: true})
	b := w.board(id)
	c, err := w.Cases.Case(officer(1), b.Case)
	if err != nil {
		t.Fatal(err)
	}
	if !b.Drill || c.Fields["drill"] != true {
		t.Error("nothing says that it is a drill")
	}
	for _, task := range c.Tasks {
		if !strings.Contains(fmt.Sprint(task.Title), "【演练】") {
			t.Errorf("%v does not say that it is a drill", task.Title)
		}
	}
}

// After a crash a whole run of past news comes again, in order. What was over long ago does not stand for a moment: it would have
// justified a response that a person opened by his own judgement, and then its end.
func TestPastNewsProposesNothing(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.alert("alert.raised", 1, 7, "river-level", "orange")
		w.alert("alert.cleared", 1, 7, "river-level", "orange")
		w.warning("warning.issued", 1, "Actual", "blue")
		w.warning("warning.updated", 1, "Actual", "yellow")
		w.warning("warning.cancelled", 1, "Actual", "yellow")
		w.clock.Advance(time.Hour)
		id := w.mustOpen(OpenRequest{Level: "III"})
		for n := range len(w.heard) + 1 {
			w.again(n)
			if got := w.open(); got != "" {
				t.Fatalf("after %d past events %q is proposed", n, got)
			}
		}
		if n := w.count("select count(*) from plan_proposals where activation = $1", id) + w.count("select count(*) from plan_activations where spoke = 1"); n != 0 {
			t.Error("past news has spoken for the response")
		}
		w.alert("alert.raised", 2, 7, "river-level", "orange")
		w.alert("alert.changed", 2, 7, "river-level", "blue")
		w.alert("alert.changed", 2, 7, "river-level", "orange")
		n := w.count("select count(*) from outbox")
		w.again(2)
		if m := w.count("select count(*) from outbox"); m != n || w.open() != "raise II" {
			t.Errorf("%d events more, %q", m-n, w.open())
		}
		w.alert("alert.cleared", 2, 7, "river-level", "orange")
		if got := w.open(); got != "end" {
			t.Errorf("fresh news: %q", got)
		}
	})
}

// Whatever was told, and whatever people have decided meanwhile: the last news that comes again, in order, changes nothing.
func TestPastNewsAgainstNothing(t *testing.T) {
	d := dbtest.SQLite(t, rooms()...)
	start, event := noon, int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, d)
		start = start.Add(24 * time.Hour)
		w.setClock(start)
		w.event = event
		defer func() { event = w.event }()
		state := func() string {
			out := fmt.Sprintf("%d events, spoke %d, %d reasons stand\n", w.count("select count(*) from outbox"),
				w.count("select count(*) from plan_activations where spoke = 1"), w.count("select count(*) from plan_reasons where ended_at is null"))
			ps, _, err := w.Proposals(officer(1), false, 0, 100)
			if err != nil {
				rt.Fatal(err)
			}
			for _, p := range ps {
				out += fmt.Sprintf("%d %s %s %s %v\n", p.ID, p.What, p.Level, p.State, p.ChangedAt)
			}
			return out
		}
		decide := func(_ error) {} // refusals are as good
		active := func() int64 {
			return int64(w.count("select coalesce(max(id), 0) from plan_activations where state = 'active'"))
		}
		level := rapid.SampledFrom([]string{"blue", "yellow", "orange", "red"})
		end := func() {
			_, err := w.End(officer(1), active(), EndRequest{Why: "x"}, "")
			decide(err)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"alert": func(rt *rapid.T) {
				subject := rapid.SampledFrom([]string{"alert.raised", "alert.changed", "alert.cleared"}).Draw(rt, "subject")
				w.alert(subject, rapid.Int64Range(1, 2).Draw(rt, "alert"), 7, "river-level", level.Draw(rt, "level"))
			},
			"warning": func(rt *rapid.T) {
				subject := rapid.SampledFrom([]string{"warning.issued", "warning.updated", "warning.cancelled"}).Draw(rt, "subject")
				w.warning(subject, 1, "Actual", level.Draw(rt, "level"))
			},
			"open": func(rt *rapid.T) {
				_, err := w.Open(officer(1), "storm", OpenRequest{Level: rapid.SampledFrom([]string{"IV", "III", "II"}).Draw(rt, "to"), Why: "x"}, "")
				decide(err)
			},
			"end": func(*rapid.T) {
				if id := active(); id != 0 {
					w.finish(id)
					end()
				}
			},
			"decline": func(*rapid.T) {
				ps, _, err := w.Proposals(officer(1), true, 0, 1)
				if err != nil || len(ps) == 0 {
					return
				}
				_, err = w.Decline(officer(1), ps[0].ID, "x", "")
				decide(err)
			},
			"time": func(rt *rapid.T) { w.clock.Advance(time.Duration(rapid.IntRange(1, 40).Draw(rt, "min")) * time.Minute) },
			"past news comes again": func(rt *rapid.T) {
				before := state()
				w.again(rapid.IntRange(1, 12).Draw(rt, "news"))
				if after := state(); after != before {
					rt.Fatalf("before:\n%safter:\n%s", before, after)
				}
			},
		})
		if id := active(); id != 0 { // leave the store without a response, for the next run
			w.finish(id)
			end()
		}
	})
}

// A plain model of a response: the level in force and the tasks that are out; random decisions, also ones that are refused,
// restarts between them, and done tasks. The room must agree after each step.
func TestModel(t *testing.T) {
	d := dbtest.SQLite(t, rooms()...)
	start := noon
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, d)
		start = start.Add(24 * time.Hour)
		w.setClock(start)
		p := storm()
		organisations := map[string][]int64{"water": {40}, "towns": {51, 52, 53}, "police": {0}}
		var id int64
		inForce := ""
		tasks := map[string]bool{} // out
		changes := 0
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			w.clock.Advance(time.Minute)
			switch rapid.SampledFrom([]string{"open", "level", "level", "finish", "end", "restart"}).Draw(rt, "step") {
			case "open":
				level := rapid.SampledFrom([]string{"IV", "III", "II"}).Draw(rt, "level")
				done, err := w.Open(officer(1), "storm", OpenRequest{Level: level, Why: "x"}, "")
				if (err == nil) != (inForce == "") {
					rt.Fatalf("open %s over %q: %v", level, inForce, err)
				}
				if err != nil {
					continue
				}
				id, inForce, changes, tasks = done.Item, level, 1, map[string]bool{}
				for _, x := range p.At(level) {
					for _, o := range organisations[x.Agency] {
						tasks[fmt.Sprintf("%s@%d", x.ID, o)] = true
					}
				}
			case "level":
				level := rapid.SampledFrom([]string{"IV", "III", "II", "I"}).Draw(rt, "level")
				if id == 0 {
					continue
				}
				_, err := w.SetLevel(officer(1), id, LevelRequest{Level: level, Why: "x"}, "")
				if (err == nil) != (inForce != "" && level != "I" && level != inForce) {
					rt.Fatalf("%q to %s: %v", inForce, level, err)
				}
				if err != nil {
					continue
				}
				changes++
				give, withdraw := p.Step(inForce, level)
				for _, name := range withdraw {
					for key := range tasks {
						if strings.HasPrefix(key, name+"@") {
							delete(tasks, key)
						}
					}
				}
				for _, x := range give {
					for _, o := range organisations[x.Agency] {
						tasks[fmt.Sprintf("%s@%d", x.ID, o)] = true
					}
				}
				inForce = level
			case "finish":
				if id == 0 || inForce == "" {
					continue
				}
				name := rapid.SampledFrom(p.Tasks).Draw(rt, "task").ID
				w.finish(id, name)
				for key := range tasks {
					if strings.HasPrefix(key, name+"@") {
						delete(tasks, key)
					}
				}
			case "end":
				if id == 0 {
					continue
				}
				r := EndRequest{Why: "x"}
				all := rapid.Bool().Draw(rt, "withdraw all")
				if all {
					for _, a := range w.board(id).Agencies {
						for _, x := range a.Tasks {
							r.Withdraw = append(r.Withdraw, WithdrawTask{x.ID, "not needed"}) // those that are done too
						}
					}
				}
				_, err := w.End(officer(1), id, r, "")
				if (err == nil) != (inForce != "" && (all || len(tasks) == 0)) {
					rt.Fatalf("end of %q with %d tasks out, all withdrawn %v: %v", inForce, len(tasks), all, err)
				}
				if err == nil {
					inForce, tasks = "", map[string]bool{}
					changes++
				}
			case "restart":
				fresh := newWorld(t, d)
				fresh.setClock(w.clock.Now())
				w = fresh
			}
			if id == 0 {
				continue
			}
			b := w.board(id)
			var want []string
			for key := range tasks {
				want = append(want, key)
			}
			slices.Sort(want)
			if out(b) != strings.Join(want, " ") || len(b.Changes) != changes || (b.State == "active") != (inForce != "") || inForce != "" && b.Level != inForce {
				rt.Fatalf("the room: %s %s, %q, %d changes\nthe model: %q, %q, %d", b.State, b.Level, out(b), len(b.Changes), inForce, want, changes)
			}
			if n := b.Counts.Waiting; n != len(want) {
				rt.Fatalf("%d waiting of %d", n, len(want))
			}
		}
		if inForce != "" { // leave the store without a response, for the next run
			r := EndRequest{Why: "x"}
			for _, a := range w.board(id).Agencies {
				for _, x := range a.Tasks {
					r.Withdraw = append(r.Withdraw, WithdrawTask{x.ID, "not needed"})
				}
			}
			if _, err := w.End(officer(1), id, r, ""); err != nil {
				rt.Fatal(err)
			}
		}
	})
	if n := newWorld(t, d).count(`select count(*) from timers`); n != 0 {
		t.Errorf("%d timers are left", n)
	}
}
