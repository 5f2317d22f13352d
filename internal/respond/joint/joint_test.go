package joint

import (
	"errors"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/joint/sitrep"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Two agencies in one room, from the first entry to the review, on both engines.
func TestTwoAgenciesInOneRoom(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		if _, err := w.Log(as(42), w.id, LogRequest{Text: "x"}, ""); code(err) != "access.denied" {
			t.Errorf("an agency that nobody called in: %v", err)
		}
		w.done(w.Invite(as(0), w.id, InviteRequest{Organisation: 42, Role: "assist"}, ""))
		w.done(w.Log(as(42), w.id, LogRequest{Text: "Buses on their way"}, ""))
		w.done(w.Presence(as(gas), w.id, PresenceRequest{Post: "network control", Step: "join"}, ""))
		w.done(w.Presence(as(fire), w.id, PresenceRequest{Post: "incident commander", Step: "join"}, ""))
		line := w.done(w.Log(as(gas), w.id, LogRequest{Post: "network control", Text: "Valve 3 closed, call 13812345678", Topic: "situation", Significant: true}, "k1"))
		if again := w.done(w.Log(as(gas), w.id, LogRequest{Post: "network control", Text: "Valve 3 closed, call 13812345678", Topic: "situation", Significant: true}, "k1")); again != line {
			t.Errorf("the repeat gives %+v, want %+v", again, line)
		}
		cordon := Shape{"Polygon", []byte(`[[[121.5,31.2],[121.51,31.2],[121.51,31.21]]]`)}
		mark := w.done(w.Mark(as(fire), w.id, MarkRequest{Kind: "cordon", Label: "200 m", Shape: cordon}, ""))
		w.done(w.Mark(as(fire), w.id, MarkRequest{Kind: "command-post", Label: "School gate", Shape: pointAt(121.505, 31.205)}, ""))
		w.done(w.MoveMark(as(gas), w.id, mark.Item, MoveMarkRequest{Label: "300 m", Shape: cordon}, ""))
		first := w.done(w.Decide(as(fire), w.id, DecisionRequest{
			Post: "incident commander", What: "Evacuate block 7", Why: "Methane above 20 %LEL in two cellars", Entries: []int64{line.Entry}, Alerts: []int64{1}, Readings: []int64{70},
		}, ""))
		w.done(w.Decide(as(fire), w.id, DecisionRequest{Post: "incident commander", What: "Evacuate blocks 7 and 8", Why: "Wind has turned", Supersedes: first.Item}, ""))
		goal := w.done(w.Objective(as(fire), w.id, ObjectiveRequest{Text: "No one inside the cordon"}, ""))
		w.done(w.EndObjective(as(fire), w.id, goal.Item, ObjectiveEnd{How: "met"}, ""))
		ask := w.done(w.Ask(as(fire), w.id, ResourceRequest{What: "gas detectors", Kind: "equipment", Quantity: 5, Unit: "pcs"}, ""))
		given := w.done(w.Commit(as(gas), w.id, ask.Item, CommitRequest{Quantity: 3, With: "crew 2"}, ""))
		w.done(w.Step(as(fire), w.id, ask.Item, given.Item, StepRequest{Step: "arrive"}, ""))
		w.done(w.Presence(as(gas), w.id, PresenceRequest{Post: "network control", Step: "leave"}, ""))
		w.agrees()

		page := w.room()
		if q := page.Requests[0]; q.Committed != 3 || q.Arrived != 3 || q.Released != 0 || q.Open != 2 {
			t.Errorf("figures of the request %+v", q)
		}
		if page.Decisions[0].SupersededBy != page.Decisions[1].ID || len(page.Decisions[0].Facts) != 3 {
			t.Errorf("decisions %+v", page.Decisions)
		}
		if page.Marks[0].Label != "300 m" || page.Marks[0].Title.Zh != "警戒区" {
			t.Errorf("mark %+v", page.Marks[0])
		}
		here := map[int64]bool{}
		for _, a := range page.Agencies {
			here[a.ID] = a.Here
		}
		if here[gas] || !here[fire] {
			t.Errorf("agencies %+v", page.Agencies)
		}
		for _, e := range w.entries() {
			if strings.Contains(e.Free, "13812345678") {
				t.Errorf("entry %d holds a number of a person", e.ID)
			}
		}
		if n := w.count(`select count(*) from ledger_leaves where record like '%Valve%' or record like '%138%'`); n != 0 {
			t.Errorf("%d leaves of the ledger hold somebody's words", n)
		}
		if n := w.count(`select count(*) from outbox where subject = 'case.changed' and payload like '%"parties"%42%'`); n == 0 {
			t.Error("no news of the case is for the agency that was called in")
		}

		// Reports: each line traceable, versions kept under their hash, remarks beside them.
		for _, form := range sitrep.Forms() {
			made := w.done(w.Report(as(fire), w.id, ReportRequest{Post: "staff", Form: form, Agency: fire}, ""))
			r, err := w.Read(as(gas), w.id, made.Item)
			if err != nil || !r.Intact || r.Body.Version != 1 {
				t.Fatalf("%s: %+v %v", form, r, err)
			}
			if wrong := sitrep.Check(r.Body, w.entries()); len(wrong) > 0 {
				t.Errorf("%s: %v", form, wrong)
			}
			if n := w.count(`select count(*) from ledger_leaves where record like '%' || $1 || '%'`, r.SHA256); n == 0 {
				t.Errorf("%s: the ledger does not hold its hash", form)
			}
		}
		w.done(w.Log(as(gas), w.id, LogRequest{Text: "Leak sealed", Significant: true}, ""))
		second := w.done(w.Report(as(fire), w.id, ReportRequest{Post: "staff", Form: sitrep.Special}, ""))
		r, err := w.Read(as(gas), w.id, second.Item)
		if err != nil || r.Body.Version != 2 {
			t.Fatalf("%+v %v", r, err)
		}
		if course := sectionOf(r.Body, "course"); len(course.Lines) != 1 || !strings.Contains(course.Lines[0].Text.Zh, "Leak sealed") {
			t.Errorf("the second report tells of %+v, want the one event since the first", course.Lines)
		}
		before := r.SHA256
		w.done(w.Remark(as(0), w.id, second.Item, RemarkRequest{Post: "watch", Text: "Checked by phone"}, ""))
		w.done(w.Remark(as(0), w.id, second.Item, RemarkRequest{Post: "director", Sign: true}, ""))
		if r, err = w.Read(as(gas), w.id, second.Item); err != nil || r.SHA256 != before || !r.Intact || len(r.Remarks) != 2 || r.Signed != 1 {
			t.Errorf("after remark and signature %+v %v", r, err)
		}

		// The review.
		w.done(w.Act(as(fire), w.id, ActionRequest{Post: "staff", What: "Train cellar search", Becomes: "task", Organisation: fire}, ""))
		w.done(w.Act(as(gas), w.id, ActionRequest{Post: "staff", What: "Regulator of this make corrodes", Becomes: "finding", Grade: "major"}, "a2"))
		w.done(w.Act(as(gas), w.id, ActionRequest{Post: "staff", What: "Regulator of this make corrodes", Becomes: "finding", Grade: "major"}, "a2"))
		acts := w.room().Actions
		if len(acts) != 2 || acts[0].Task == 0 || acts[0].State != "open" || acts[1].Finding == 0 || acts[1].Case == 0 {
			t.Fatalf("items of the review %+v", acts)
		}
		if n := w.count(`select count(*) from findings`); n != 1 {
			t.Errorf("%d findings, want 1", n)
		}
		w.agrees()
	})
}

// The issues of a form and an author join each other by entries, not by clocks.
func TestIssuesJoinByEntries(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		say := func(words string) {
			t.Helper()
			if _, err := w.Log(as(fire), w.id, LogRequest{Text: words, Significant: true}, ""); err != nil {
				t.Fatal(err)
			}
		}
		var issues []*sitrep.Report
		issue := func(by int64, r ReportRequest) *sitrep.Report {
			t.Helper()
			r.Post, r.Form = "staff", sitrep.Special
			made, err := w.Report(as(by), w.id, r, "")
			if err != nil {
				t.Fatal(err)
			}
			p, err := w.Read(as(by), w.id, made.Item)
			if err != nil {
				t.Fatal(err)
			}
			return p.Body
		}
		told := func(r *sitrep.Report, words string) bool {
			for _, l := range sectionOf(r, "course").Lines {
				if strings.Contains(l.Text.Zh, words) {
					return true
				}
			}
			return false
		}
		say("first word")
		issues = append(issues, issue(fire, ReportRequest{}))
		say("at the same moment") // the clock stands still
		issues = append(issues, issue(fire, ReportRequest{}))
		back := clock.NewVirtual(noon.Add(-time.Hour))
		w.Cases.Clock, w.clock = back, back
		say("after the clock was set back")
		issues = append(issues, issue(fire, ReportRequest{}))
		if !told(issues[0], "first word") || told(issues[0], "same moment") || !told(issues[1], "same moment") || told(issues[1], "first word") || !told(issues[2], "set back") || told(issues[2], "same moment") {
			t.Errorf("the issues tell of %+v", issues)
		}
		if wrong := sitrep.CheckIssues(issues, w.entries()); len(wrong) > 0 {
			t.Error(wrong)
		}
		for i, r := range issues {
			if wrong := sitrep.Check(r, w.entries()); len(wrong) > 0 || r.Version != i+1 {
				t.Errorf("issue %d: %v", r.Version, wrong)
			}
		}
		// Another organisation's first issue tells everything, under numbers of its own.
		if r := issue(gas, ReportRequest{}); r.Version != 1 || !told(r, "first word") || !told(r, "set back") {
			t.Errorf("the first issue of another: %+v", r)
		}
		later := w.clock.Now().Add(time.Second)
		if _, err := w.Report(as(fire), w.id, ReportRequest{Post: "staff", Form: sitrep.Special, Since: &later}, ""); code(err) != "room.since" {
			t.Errorf("a period that begins later: %v", err)
		}
	})
}

// One account signs a report once, whatever posts it names.
func TestOneSignaturePerAccount(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		made := w.done(w.Report(as(fire), w.id, ReportRequest{Post: "staff", Form: sitrep.Special}, ""))
		w.done(w.Remark(as(fire), w.id, made.Item, RemarkRequest{Post: "staff", Sign: true}, ""))
		for _, post := range []string{"staff", "chief", "deputy"} {
			if _, err := w.Remark(as(fire), w.id, made.Item, RemarkRequest{Post: post, Sign: true}, ""); code(err) != "room.signed" {
				t.Errorf("signed again as %s: %v", post, err)
			}
		}
		w.done(w.Remark(as(fire), w.id, made.Item, RemarkRequest{Post: "staff", Text: "a remark"}, ""))
		w.done(w.Remark(as(gas), w.id, made.Item, RemarkRequest{Post: "staff", Sign: true}, ""))
		next := w.done(w.Report(as(fire), w.id, ReportRequest{Post: "staff", Form: sitrep.Special}, ""))
		w.done(w.Remark(as(fire), w.id, next.Item, RemarkRequest{Post: "staff", Sign: true}, "")) // another version
		r, err := w.Read(as(fire), w.id, made.Item)
		if err != nil || r.Signed != 2 || len(r.Remarks) != 3 {
			t.Errorf("%d signed, %d remarks, %v", r.Signed, len(r.Remarks), err)
		}
	})
}

func sectionOf(r *sitrep.Report, id string) sitrep.Section {
	for _, s := range r.Sections {
		if s.ID == id {
			return s
		}
	}
	return sitrep.Section{}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	ask := w.done(w.Ask(as(fire), w.id, ResourceRequest{What: "pumps", Kind: "equipment", Quantity: 2}, ""))
	given := w.done(w.Commit(as(gas), w.id, ask.Item, CommitRequest{Quantity: 1}, ""))
	w.done(w.Presence(as(gas), w.id, PresenceRequest{Post: "control", Step: "join"}, ""))
	decided := w.done(w.Decide(as(fire), w.id, DecisionRequest{Post: "ic", What: "a", Why: "b"}, ""))
	w.done(w.Decide(as(fire), w.id, DecisionRequest{Post: "ic", What: "c", Why: "d", Supersedes: decided.Item}, ""))
	before := len(w.entries())
	far := strings.Repeat("长", maxWords+1)
	for name, tt := range map[string]struct {
		deed func() (respond.Receipt, error)
		code string
	}{
		"empty line": {func() (respond.Receipt, error) { return w.Log(as(gas), w.id, LogRequest{Text: " \n"}, "") }, "case.text"},
		"long line":  {func() (respond.Receipt, error) { return w.Log(as(gas), w.id, LogRequest{Text: far}, "") }, "room.too_long"},
		"unknown topic": {func() (respond.Receipt, error) {
			return w.Log(as(gas), w.id, LogRequest{Text: "x", Topic: "people"}, "")
		}, "room.choice"},
		"no post decides": {func() (respond.Receipt, error) {
			return w.Decide(as(gas), w.id, DecisionRequest{What: "a", Why: "b"}, "")
		}, "case.text"},
		"no why": {func() (respond.Receipt, error) {
			return w.Decide(as(gas), w.id, DecisionRequest{Post: "ic", What: "a"}, "")
		}, "case.text"},
		"fact of another timeline": {func() (respond.Receipt, error) {
			return w.Decide(as(gas), w.id, DecisionRequest{Post: "ic", What: "a", Why: "b", Entries: []int64{9999}}, "")
		}, "room.no_entry"},
		"reading in a home": {func() (respond.Receipt, error) {
			return w.Decide(as(gas), w.id, DecisionRequest{Post: "ic", What: "a", Why: "b", Readings: []int64{99}}, "")
		}, "sensing.home"},
		"superseded twice": {func() (respond.Receipt, error) {
			return w.Decide(as(gas), w.id, DecisionRequest{Post: "ic", What: "a", Why: "b", Supersedes: decided.Item}, "")
		}, "room.superseded"},
		"joined twice": {func() (respond.Receipt, error) {
			return w.Presence(as(gas), w.id, PresenceRequest{Post: "control", Step: "join"}, "")
		}, "room.seat"},
		"left without seat": {func() (respond.Receipt, error) {
			return w.Presence(as(fire), w.id, PresenceRequest{Post: "control", Step: "leave"}, "")
		}, "room.no_seat"},
		"bow tie": {func() (respond.Receipt, error) {
			return w.Mark(as(gas), w.id, MarkRequest{Kind: "cordon", Label: "x", Shape: Shape{"Polygon", []byte(`[[[0,0],[1,1],[1,0],[0,1]]]`)}}, "")
		}, "room.shape"},
		"off the earth": {func() (respond.Receipt, error) {
			return w.Mark(as(gas), w.id, MarkRequest{Kind: "cordon", Label: "x", Shape: pointAt(200, 0)}, "")
		}, "room.shape"},
		"no such mark": {func() (respond.Receipt, error) { return w.LiftMark(as(gas), w.id, 99, EndRequest{Reason: "x"}, "") }, "room.no_mark"},
		"too much": {func() (respond.Receipt, error) {
			return w.Commit(as(gas), w.id, ask.Item, CommitRequest{Quantity: 2}, "")
		}, "room.too_much"},
		"not its own": {func() (respond.Receipt, error) {
			return w.Step(as(77), w.id, ask.Item, given.Item, StepRequest{Step: "arrive"}, "")
		}, "room.not_yours"},
		"release before arrival": {func() (respond.Receipt, error) {
			return w.Step(as(fire), w.id, ask.Item, given.Item, StepRequest{Step: "release"}, "")
		}, "room.step"},
		"cancel under way": {func() (respond.Receipt, error) {
			return w.CancelAsk(as(fire), w.id, ask.Item, EndRequest{Reason: "x"}, "")
		}, "room.under_way"},
		"no such case": {func() (respond.Receipt, error) { return w.Log(as(gas), 999, LogRequest{Text: "x"}, "") }, "case.not_found"},
		"unknown form": {func() (respond.Receipt, error) {
			return w.Report(as(gas), w.id, ReportRequest{Post: "x", Form: "ics-999"}, "")
		}, "room.choice"},
		"unknown agency": {func() (respond.Receipt, error) {
			return w.Invite(as(0), w.id, InviteRequest{Organisation: 901, Role: "assist"}, "")
		}, "case.unknown_organisation"},
	} {
		_, err := tt.deed()
		if code(err) != tt.code {
			t.Errorf("%s: %v, want %s", name, err, tt.code)
		}
	}
	if n := len(w.entries()); n != before {
		t.Errorf("%d entries after the refusals, want %d", n, before)
	}
}

// code is that of a refusal; empty of none.
func code(err error) string {
	var e *web.Error
	var r *lifecycle.Refusal
	switch {
	case errors.As(err, &r):
		return r.Code
	case errors.As(err, &e):
		return e.Code
	}
	return ""
}

// What an agency has made in the room, another that merely takes part can't undo: only itself, who commands, and with a reason.
func TestNobodyOverridesTheCommand(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	const pump = 50
	decision := w.done(w.Decide(as(fire), w.id, DecisionRequest{Post: "ic", What: "Evacuate block 7", Why: "Methane"}, "")).Item
	goal := w.done(w.Objective(as(fire), w.id, ObjectiveRequest{Text: "Nobody inside"}, "")).Item
	mark := w.done(w.Mark(as(fire), w.id, MarkRequest{Kind: "cordon", Label: "200 m", Shape: pointAt(1, 1)}, "")).Item
	deeds := func(by int64) []error {
		_, supersedes := w.Decide(as(by), w.id, DecisionRequest{Post: "chief", What: "All go home", Why: "it is late", Supersedes: decision}, "")
		_, met := w.EndObjective(as(by), w.id, goal, ObjectiveEnd{How: "met"}, "")
		_, dropped := w.EndObjective(as(by), w.id, goal, ObjectiveEnd{How: "dropped", Reason: "x"}, "")
		_, moved := w.MoveMark(as(by), w.id, mark, MoveMarkRequest{Shape: pointAt(2, 2)}, "")
		_, lifted := w.LiftMark(as(by), w.id, mark, EndRequest{Reason: "x"}, "")
		return []error{supersedes, met, dropped, moved, lifted}
	}
	before := len(w.entries())
	for i, err := range deeds(pump) {
		if code(err) != "room.not_yours" {
			t.Errorf("deed %d of an agency that takes part: %v", i, err)
		}
	}
	if _, err := w.LiftMark(as(fire), w.id, mark, EndRequest{}, ""); code(err) != "case.text" {
		t.Errorf("lifted without a reason: %v", err)
	}
	if n := len(w.entries()); n != before {
		t.Errorf("%d entries after the refusals, want %d", n, before)
	}
	page, err := w.Room(as(pump), w.id, 0, 0, 0)
	if err != nil || page.Commands || !w.room().Commands {
		t.Errorf("who commands: %v %v", page.Commands, err)
	}
	// The owner of the case commands, and so does its desk, which is the city's watch here.
	for _, by := range []int64{gas, 0} {
		w.done(w.MoveMark(as(by), w.id, mark, MoveMarkRequest{Shape: pointAt(2, 2)}, ""))
		decision = w.done(w.Decide(as(by), w.id, DecisionRequest{Post: "chief", What: "Blocks 7 and 8", Why: "wind", Supersedes: decision}, "")).Item
	}
	w.done(w.EndObjective(as(gas), w.id, goal, ObjectiveEnd{How: "dropped", Reason: "reached otherwise"}, ""))
	w.done(w.LiftMark(as(fire), w.id, mark, EndRequest{Reason: "area safe"}, ""))
	w.agrees()
}

// A post is one's own: it may not name another organisation of the case, and stands behind one's own organisation's name.
func TestAPostIsOnesOwn(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	for _, post := range []string{"40号organisation总指挥", "Chief of Organisation 40", "市值班室主任", "chief of the city's watch"} {
		if _, err := w.Decide(as(fire), w.id, DecisionRequest{Post: post, What: "a", Why: "b"}, ""); code(err) != "room.not_your_post" {
			t.Errorf("%q of organisation 41: %v", post, err)
		}
	}
	for by, post := range map[int64]string{fire: "41号organisation指挥长", gas: "40号organisation总指挥", 0: "市值班室主任"} {
		made := w.done(w.Decide(as(by), w.id, DecisionRequest{Post: post, What: "a", Why: "b"}, ""))
		es := w.entries()
		if e := es[len(es)-1]; e.ID != made.Entry || !strings.HasPrefix(e.Text.Zh, w.orgName(t.Context(), by).Zh+"（"+post+"）") {
			t.Errorf("the timeline says %q", e.Text.Zh)
		}
	}
}

// A person decides: the program can't act in a room.
func TestTheProgramActsInNoRoom(t *testing.T) {
	policy, err := access.NewPolicy(nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := access.With(t.Context(), access.System("assist"))
	for _, action := range []string{"room.write", "room.decide", "room.report"} {
		if policy.Decide(ctx, action, access.Resource{Type: "case", ID: 1}, access.Operations) == nil {
			t.Errorf("the program may %s", action)
		}
	}
}

// The printed page has no script, stands in both languages, and names each line's entries.
func TestPrintedReport(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	w.done(w.Mark(as(fire), w.id, MarkRequest{Kind: "cordon", Label: "<b>200 m</b>", Shape: Shape{"Polygon", []byte(`[[[121.5,31.2],[121.51,31.2],[121.51,31.21]]]`)}}, ""))
	w.done(w.Log(as(fire), w.id, LogRequest{Text: "</li><script>alert(1)</script>", Topic: "situation"}, ""))
	router := web.NewRouter("test")
	w.Routes(router)
	for _, form := range sitrep.Forms() {
		made := w.done(w.Report(as(fire), w.id, ReportRequest{Post: "staff", Form: form, Agency: fire}, ""))
		for _, lang := range []string{"en", "zh-CN"} {
			req := httptest.NewRequest("GET", "/rooms/"+itoa(w.id)+"/reports/"+itoa(made.Item)+"?lang="+lang, nil).WithContext(as(fire))
			rec := httptest.NewRecorder()
			router.Server().Handler.ServeHTTP(rec, req)
			body := rec.Body.String()
			if rec.Code != 200 || strings.Contains(body, "<script") || strings.Contains(body, " style=") || regexp.MustCompile(`https?://`).MatchString(body) {
				t.Fatalf("%s %s: %d %s", form, lang, rec.Code, body)
			}
			if !strings.HasPrefix(rec.Header().Get("Content-Security-Policy"), "default-src 'none'") || !strings.Contains(body, `<html lang="`+lang+`">`) {
				t.Errorf("%s %s: headers %v", form, lang, rec.Header())
			}
			r, err := w.Read(as(fire), w.id, made.Item)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range r.Body.Sections {
				for _, l := range s.Lines {
					if !strings.Contains(body, "?entry="+itoa(l.Entries[0])+`"`) {
						t.Errorf("%s %s: the line %q does not lead to entry %d", form, lang, l.Text.En, l.Entries[0])
					}
				}
			}
			if !strings.Contains(body, r.SHA256) {
				t.Errorf("%s %s: the page does not show its hash", form, lang)
			}
		}
	}
}

// A 专报 names sender, addressees and who signs by organisation and post, never by an account; what is not known is left to fill in.
func TestTheHeadOfAZhuanbao(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	router := web.NewRouter("test")
	w.Routes(router)
	page := func(report int64) string {
		req := httptest.NewRequest("GET", "/rooms/"+itoa(w.id)+"/reports/"+itoa(report)+"?lang=zh-CN", nil).WithContext(as(0))
		rec := httptest.NewRecorder()
		router.Server().Handler.ServeHTTP(rec, req)
		return regexp.MustCompile(`<[^>]*>`).ReplaceAllString(rec.Body.String(), "")
	}
	made := w.done(w.Report(as(0), w.id, ReportRequest{Post: "值班长", Form: sitrep.Special}, ""))
	for _, want := range []string{"关于7号asset燃气泄漏处置情况的报告", "澜境市值班室（值班长）", "主送：＿", "抄送：＿", "签发人：＿"} {
		if got := page(made.Item); !strings.Contains(got, want) {
			t.Errorf("lacks %q: %s", want, got)
		}
	}
	made = w.done(w.Report(as(0), w.id, ReportRequest{Post: "值班长", Form: sitrep.Special, To: "市委办公室", Copy: "市应急管理局"}, ""))
	w.done(w.Remark(as(0), w.id, made.Item, RemarkRequest{Post: "值班主任", Sign: true}, ""))
	got := page(made.Item)
	for _, want := range []string{"主送：市委办公室", "抄送：市应急管理局", "签发人：市值班室（值班主任）"} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q: %s", want, got)
		}
	}
	for _, not := range []string{"市市", "officer-0"} {
		if strings.Contains(got, not) {
			t.Errorf("has %q: %s", not, got)
		}
	}
}

func TestAChangedReportSaysSo(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	made := w.done(w.Report(as(fire), w.id, ReportRequest{Post: "staff", Form: sitrep.Briefing}, ""))
	err := w.Cases.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`update room_reports set body = replace(body, 'Methane', 'Nothing') where id = $1`, made.Item)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := w.Read(as(fire), w.id, made.Item); err != nil || r.Intact {
		t.Errorf("intact %v, %v", r.Intact, err)
	}
}

func TestAClosedCaseTakesReportsOnly(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	err := w.Cases.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`update cases set closed_at = $1, outcome = 'proven'`, db.Micros(noon))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Log(as(fire), w.id, LogRequest{Text: "x"}, ""); err == nil {
		t.Error("a line was written into a closed case")
	}
	made := w.done(w.Report(as(fire), w.id, ReportRequest{Post: "staff", Form: sitrep.Summary}, ""))
	w.done(w.Remark(as(fire), w.id, made.Item, RemarkRequest{Post: "staff", Sign: true}, ""))
	w.done(w.Act(as(gas), w.id, ActionRequest{Post: "staff", What: "Check the others", Becomes: "finding"}, ""))
}

// A report of a timeline of 5,000 entries is made within 5 s (it takes a fraction of one).
func TestReportOfALongTimeline(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	long(w, 5000)
	for _, form := range sitrep.Forms() {
		start := time.Now()
		made := w.done(w.Report(as(fire), w.id, ReportRequest{Post: "staff", Form: form, Agency: fire}, ""))
		took := time.Since(start)
		t.Logf("%s of %d entries in %v", form, len(w.entries()), took)
		if took > 5*time.Second {
			t.Errorf("%s took %v", form, took)
		}
		r, err := w.Read(as(fire), w.id, made.Item)
		if err != nil {
			t.Fatal(err)
		}
		if wrong := sitrep.Check(r.Body, w.entries()); len(wrong) > 0 {
			t.Errorf("%s: %v", form, wrong[:min(5, len(wrong))])
		}
	}
}

// long fills the timeline with n entries of a storm, many to a transaction.
func long(w *world, n int) {
	w.t.Helper()
	for at := 0; at < n; at += 500 {
		err := w.Cases.DB.Write(w.t.Context(), func(tx *db.Tx) error {
			for i := at; i < min(at+500, n); i++ {
				by := hand{Actor: access.From(as([]int64{gas, fire, 0}[i%3])), post: "staff", name: lifecycle.Words("agency", "单位")}
				e := respond.Entry{Kind: sitrep.KindLog, Text: by.name, Free: "Water level 3.2 m at the gauge", Data: map[string]any{"topic": topics[i%len(topics)], "significant": i%10 == 0}}
				if i%25 == 0 {
					e = respond.Entry{Kind: sitrep.KindResource, Text: by.name, Free: "pumps", Data: map[string]any{"request": i, "step": "ask", "quantity": i%7 + 1}}
				}
				w.clock.Advance(time.Second)
				if err := w.enter(tx, w.id, &e, by, w.now()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}
