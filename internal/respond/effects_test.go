package respond

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

const day = 24 * time.Hour

// eachRequest is each with requests (testdata/request.yaml), the gas leak and the hazard as kinds.
func eachRequest(t *testing.T, fn func(t *testing.T, w *world)) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, made(t, "request"), kind(t, "gas", "gas-leak"), kind(t, "hazard", "hazard-rectification"))
		w.Category = func(id string) lifecycle.Text { return lifecycle.Words("about "+id, "关于 "+id) }
		fn(t, w)
	})
}

// The people of these tests: the city's watch (desk), unit 5 and unit 6.
var (
	watch = officer(1, "duty-officer")
	chief = officer(2, "duty-officer")
	five  = of(5, 5, "operator")
	six   = of(6, 6, "operator")
)

// request opens a request for a report and gives it to organisation 5.
func (w *world) request(report int64) int64 {
	w.t.Helper()
	w.report(report, events.ReportReceived{})
	id := w.caseOf("report", report)
	w.make(watch, id, "dispatch", map[string]any{"organisation": 5.0, "post": "crew"})
	return id
}

// report tells the room of a report about road damage; what is given beside stands.
func (w *world) report(id int64, r events.ReportReceived) {
	w.t.Helper()
	r.Report, r.Number, r.Category, r.Channel = id, fmt.Sprintf("R%d", id), "road-damage", "web"
	if r.At.IsZero() {
		r.At = w.clock.Now()
	}
	body, err := json.Marshal(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.hear(bus.Message{ID: 10_000 + id, Subject: r.Subject(), Data: body})
}

func (w *world) caseOf(what string, id int64) (caseID int64) {
	w.t.Helper()
	err := w.DB.Read(context.Background(), func(tx *db.Tx) error {
		c, err := caseFor(tx, what, id)
		if err == nil {
			caseID = c.ID
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return caseID
}

// make is do for whoever it is.
func (w *world) make(who access.Actor, caseID int64, move string, fields map[string]any) Receipt {
	w.t.Helper()
	w.clock.Advance(time.Second)
	r, err := w.Move(as(who), caseID, MoveRequest{Move: move, Fields: fields}, "")
	if err != nil {
		w.t.Fatalf("%s by %v: %v", move, who, err)
	}
	return r
}

func (w *world) decision(who access.Actor, caseID, ask int64, d Decision, code string) {
	w.t.Helper()
	w.clock.Advance(time.Second)
	_, err := w.DecideAsk(as(who), caseID, ask, d, "")
	var r *lifecycle.Refusal
	switch {
	case code == "" && err != nil, code != "" && (!errors.As(err, &r) || r.Code != code):
		w.t.Errorf("decision by %v: %v, want %q", who, err, code)
	}
}

// rows are the limits of a case in short: name, organisation/post, state.
func (w *world) rows(caseID int64) string {
	w.t.Helper()
	var out []string
	err := w.DB.Read(context.Background(), func(tx *db.Tx) error {
		ls, err := limits(tx, caseID, false)
		for _, l := range ls {
			who := fmt.Sprint(l.Organisation)
			if l.Post != "" {
				who += "/" + l.Post
			}
			out = append(out, fmt.Sprintf("%s %s %s", l.Name, who, l.State))
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(out, ", ")
}

// lateness are the limits of a case that are late, or were when their organisation got them.
func (w *world) lateness(caseID int64) string {
	w.t.Helper()
	var out []string
	for _, l := range w.page(caseID).Limits {
		word := ""
		switch {
		case l.Inherited:
			word = "inherited"
		case l.Late:
			word = "late"
		default:
			continue
		}
		organisation := int64(0)
		if l.Organisation != nil {
			organisation = *l.Organisation
		}
		out = append(out, fmt.Sprintf("%s %d %s", l.Name, organisation, word))
	}
	return strings.Join(out, ", ")
}

// told are the events of a subject so far.
func told[E any](w *world, subject string) (es []E) {
	w.t.Helper()
	err := w.DB.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var body string
			if err := rows.Scan(&body); err != nil {
				return err
			}
			var e E
			err := json.Unmarshal([]byte(body), &e)
			es = append(es, e)
			return err
		}, `select payload from outbox where subject = $1 order by id nulls last`, subject)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return es
}

// Whoever has a case answers for its limits; the desk's stay the desk's, and who had it before has a row that ended.
func TestTransferAndReturn(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		id := w.request(1)
		want := "state 0/dispatcher met, limit:first-answer 0 passed-on, limit:closing 0 passed-on, " +
			"limit:first-answer 5/crew running, limit:closing 5/crew running, state 5/crew running"
		if got := w.rows(id); got != want {
			t.Errorf("after the dispatch:\n%s\nwant\n%s", got, want)
		}
		closing := w.page(id).Limits[2]
		if again := w.page(id).Limits[4]; !again.DueAt.Equal(closing.DueAt) || again.Extensions != 0 {
			t.Errorf("the closing was due %v, and is %v for the next owner", closing.DueAt, again.DueAt)
		}

		w.refused(six, id, "send-back", map[string]any{"reason": "x"}, lifecycle.CodeSide)
		w.make(five, id, "send-back", map[string]any{"reason": "another district"})
		if c := w.page(id); c.Owner != nil || c.State != "intake" || c.Post != "" {
			t.Errorf("given back to %v in %s", c.Owner, c.State)
		}
		if got := w.rows(id); !strings.Contains(got, "state 5/crew passed-on") || !strings.HasSuffix(got, "state 0/dispatcher running") {
			t.Errorf("after the return: %s", got)
		}
		w.make(watch, id, "dispatch", map[string]any{"organisation": 6.0, "post": "depot"})
		if c := w.page(id); *c.Owner != 6 || c.Post != "depot" {
			t.Errorf("%v %s", *c.Owner, c.Post)
		}
		w.make(six, id, "send-back", map[string]any{"reason": "not ours"})
		// It was given back to the desk, and so from the desk it can't go back to those who gave it back; and twice is enough.
		w.make(watch, id, "dispatch", map[string]any{"organisation": 5.0, "post": "crew"})
		w.refused(five, id, "send-back", map[string]any{"reason": "still not ours"}, lifecycle.CodeGuard)
		if c := w.page(id); *c.Owner != 5 {
			t.Errorf("owner %v", *c.Owner)
		}

		// A limit that has passed already is late for whoever had the case then, and told once.
		late := w.request(2)
		w.clock.Advance(11 * day)
		w.settle()
		if n := w.overdues(late); n != 3 {
			t.Fatalf("%d limits have passed, want 3", n)
		}
		w.make(five, late, "send-back", map[string]any{"reason": "x"})
		w.settle()
		if n := w.overdues(late); n != 3 {
			t.Errorf("%d times told, want still 3", n)
		}
		if got := w.lateness(late); got != "limit:first-answer 5 late, limit:closing 5 late, state 5 late, limit:first-answer 0 inherited, limit:closing 0 inherited" {
			t.Error(got)
		}
	})
}

// Each passed limit says who had to keep it, and which chain of notices begins.
func TestOverdueSaysWho(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		w.report(1, events.ReportReceived{})
		id := w.caseOf("report", 1)
		w.clock.Advance(day)
		w.settle()
		es := told[events.CaseOverdue](w, "case.overdue")
		if len(es) != 2 || es[1].Limit != "state" || es[1].Organisation != 0 || es[1].Post != "dispatcher" || es[1].Chain != "request-late" {
			t.Fatalf("%+v", es)
		}
		if c := w.page(id); !c.Overdue {
			t.Error("the page does not say that it is overdue")
		}
		w.make(watch, id, "dispatch", map[string]any{"organisation": 5.0, "post": "crew"})
		w.settle() // the first answer was late before it got a new owner
		w.clock.Advance(5*day - time.Minute)
		w.settle()
		w.clock.Advance(time.Hour)
		w.settle()
		es = told[events.CaseOverdue](w, "case.overdue")
		if e := es[len(es)-1]; len(es) != 3 || e.Limit != "state" || e.Organisation != 5 || e.Post != "crew" || e.Chain != "handling-late" || e.Kind != "request" {
			t.Errorf("%d events, the last %+v", len(es), e)
		}
	})
}

func TestExtensionNeedsAnotherPerson(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		id := w.request(1)
		was := *w.page(id).DueAt
		until := func(d time.Duration) map[string]any {
			return map[string]any{"until": was.Add(d).Format(time.RFC3339Nano)}
		}

		// Refused: the timeline and the ask say so, nothing else has changed.
		r := w.make(five, id, "extend", until(day))
		if got := w.rows(id); !strings.HasSuffix(got, fmt.Sprintf("ask:%d 0 running", r.Item)) {
			t.Errorf("the desk has no limit for its decision: %s", got)
		}
		w.refused(five, id, "extend", until(day), lifecycle.CodeAsked)
		w.decision(five, id, r.Item, Decision{Granted: true}, lifecycle.CodeRole)
		boss := of(5, 7, "duty-officer")
		w.decision(boss, id, r.Item, Decision{Granted: true}, lifecycle.CodeSide)
		w.decision(watch, id, r.Item, Decision{Reason: "do it now"}, "")
		c := w.page(id)
		if !c.DueAt.Equal(was) || c.Asks[0].State != "refused" || c.Asks[0].Reason != "do it now" || c.Asks[0].AskedBy != "officer" {
			t.Errorf("%v %+v", c.DueAt, c.Asks)
		}
		if _, err := w.DecideAsk(as(watch), id, r.Item, Decision{Granted: true}, ""); code(err) != "case.ask_decided" {
			t.Errorf("a second decision: %v", err)
		}

		// Granted: the limit is later, and its timer; the old appointment never fires.
		second := w.make(five, id, "extend", until(2*day))
		if w.page(id).DueAt.After(was) {
			t.Error("it took effect before it was granted")
		}
		w.decision(watch, id, second.Item, Decision{Granted: true, Reason: "rain"}, "")
		c = w.page(id)
		state := c.Limits[slices.IndexFunc(c.Limits, func(l LimitView) bool { return l.Name == "state" && l.State == "running" })]
		if !c.DueAt.Equal(was.Add(2*day)) || state.Extensions != 1 || !state.FirstDueAt.Equal(was) || !state.DueAt.Equal(was.Add(2*day)) {
			t.Errorf("due %v, limit %+v", c.DueAt, state)
		}
		// Who granted it did not ask for it, and no line may read as if.
		line := c.Timeline[len(c.Timeline)-1]
		if text := line.Text.(lifecycle.Text); line.Kind != "move" || !strings.HasPrefix(text.En, "Granted: ") || !strings.HasPrefix(text.Zh, "予以批准：") || !strings.HasSuffix(text.En, ": rain") {
			t.Errorf("the line of what was granted: %+v", line)
		}
		// What was asked for can be read in the words of the form, there and on the ask.
		for _, got := range [][]AnswerView{line.Answers, c.Asks[len(c.Asks)-1].Answers} {
			if len(got) != 1 || got[0].Kind != "time" || got[0].Title.En == "" || got[0].Value == nil {
				t.Errorf("answers %+v", got)
			}
		}
		before := w.overdues(id)
		w.clock.Set(was.Add(time.Hour))
		w.settle()
		if n := w.overdues(id) - before; n != 1 { // the first answer, never given
			t.Errorf("%d limits passed at the old time", n)
		}
		w.clock.Set(was.Add(2 * day))
		w.settle()
		if n := w.overdues(id) - before; n != 2 {
			t.Errorf("%d limits passed by the new time", n)
		}
		for state, want := range map[string]int{"open": 2, "refused": 1, "granted": 1} {
			n := 0
			for _, e := range told[events.CaseAsk](w, "case.ask") {
				if e.State == state {
					n++
				}
			}
			if n != want {
				t.Errorf("%d × %s told, want %d", n, state, want)
			}
		}

		// An ask that nobody decides on is late for the desk; one that the case has left behind is withdrawn, with a line.
		other := w.request(2)
		w.make(five, other, "extend", map[string]any{"until": w.page(other).DueAt.Add(day).Format(time.RFC3339)})
		w.clock.Advance(day)
		w.settle()
		es := told[events.CaseOverdue](w, "case.overdue")
		if !slices.ContainsFunc(es, func(e events.CaseOverdue) bool {
			return e.Case == other && strings.HasPrefix(e.Limit, "ask:") && e.Organisation == 0
		}) {
			t.Errorf("nobody was told that the decision is late: %+v", es)
		}
		w.make(five, other, "report-done", nil)
		c = w.page(other)
		if c.Asks[0].State != "withdrawn" || !strings.Contains(fmt.Sprint(c.Timeline), "申请未予审批：延期") {
			t.Errorf("%+v", c.Asks)
		}
	})
}

func code(err error) string {
	var e *web.Error
	var r *lifecycle.Refusal
	switch {
	case errors.As(err, &e):
		return e.Code
	case errors.As(err, &r):
		return r.Code
	}
	return fmt.Sprint(err)
}

// Whoever asked for a move that another granted has made it: he can't be the second person later.
func TestWhoAskedIsNoSecondPerson(t *testing.T) {
	k := made(t, "request")
	k.Move("report-done").Approval = &lifecycle.Approval{Who: []string{"duty-officer"}}
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, k)
		id := w.request(1)
		asker := of(5, 9, "operator", "duty-officer")
		r := w.make(asker, id, "report-done", nil)
		w.decision(asker, id, r.Item, Decision{Granted: true}, lifecycle.CodeSecondPerson)
		w.decision(chief, id, r.Item, Decision{Granted: true}, "")
		w.refused(asker, id, "confirm", nil, lifecycle.CodeSecondPerson)
		w.refused(chief, id, "confirm", nil, lifecycle.CodeSecondPerson)
		for _, m := range w.page(id).Moves { // seen by officer 2, who granted it
			if m.Name == "confirm" && m.Allowed {
				t.Error("the page offers what would be refused")
			}
		}
		w.make(watch, id, "confirm", nil)
	})
}

func TestMerge(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		target, one, two := w.request(1), w.request(2), w.request(3)
		if _, err := w.OpenTask(as(five), two, TaskRequest{Title: "bring sand", Organisation: 8}, ""); err != nil {
			t.Fatal(err)
		}
		into := func(id int64) map[string]any { return map[string]any{"into": float64(id)} }
		w.refused(watch, two, "merge", into(two), lifecycle.CodeField)
		w.refused(watch, two, "merge", into(999), lifecycle.CodeField)
		w.make(watch, two, "merge", into(one))
		w.refused(watch, one, "merge", into(two), lifecycle.CodeField) // it is closed
		w.make(watch, one, "merge", into(target))

		c := w.page(two)
		if c.State != "merged" || c.Outcome != "merged" || *c.MergedInto != one || c.Tasks[0].State != "withdrawn" || *c.Report != 3 {
			t.Errorf("%+v", c.CaseView)
		}
		if got := w.rows(two); strings.Contains(got, "running") || strings.Contains(got, "limit:closing 5/crew met") {
			t.Errorf("what was merged has kept no promise by that: %s", got)
		}
		if p := w.page(target).Parties; len(p) != 1 || p[0].Organisation != 8 {
			t.Errorf("parties %+v", p)
		}
		if n := len(told[events.CaseClosed](w, "case.closed")); n != 0 {
			t.Errorf("%d ends told before there is one", n)
		}
		w.make(five, target, "report-done", nil)
		w.make(chief, target, "confirm", nil)
		var reports []int64
		for _, e := range told[events.CaseClosed](w, "case.closed") {
			reports = append(reports, e.Report)
			if e.Outcome != "proven" {
				t.Errorf("%+v", e)
			}
		}
		if slices.Sort(reports); !slices.Equal(reports, []int64{1, 2, 3}) {
			t.Errorf("the end was told to reports %v", reports)
		}
		// Opened again, its end is told again, with what it is then.
		w.make(watch, target, "reopen", map[string]any{"why": "it broke again"})
		w.make(five, target, "report-done", nil)
		w.make(chief, target, "confirm", nil)
		if n := len(told[events.CaseClosed](w, "case.closed")); n != 6 {
			t.Errorf("%d ends told, want 6", n)
		}
	})
}

// mergeable is the kind of gas leaks with a move by which one is merged into another.
func mergeable(t testing.TB) *lifecycle.Kind {
	t.Helper()
	gas := kind(t, "gas", "gas-leak")
	gas.States = append(gas.States, lifecycle.State{ID: "merged", Title: lifecycle.Words("Merged", "已并案"), End: "merged"})
	gas.Moves = append(gas.Moves, lifecycle.Move{ID: "merge", Title: lifecycle.Words("Merge", "并案"), From: []string{"opened"}, To: "merged",
		Does: lifecycle.Merge, Who: []string{"duty-officer"}, Requires: []lifecycle.Requirement{{Field: "into", Kind: "case"}}})
	return gas
}

// News of an alert whose case was merged stands where the work goes on.
func TestNewsOfAMergedAlert(t *testing.T) {
	gas := mergeable(t)
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, gas)
		w.alert("alert.raised", 1, 500, "orange")
		w.alert("alert.raised", 2, 501, "orange")
		first, second := w.caseOf("alert", 500), w.caseOf("alert", 501)
		w.make(watch, second, "merge", map[string]any{"into": float64(first)})
		w.alert("alert.changed", 3, 501, "red")
		w.alert("alert.changed", 4, 501, "yellow") // one that calms down calms no case
		w.alert("alert.cleared", 5, 501, "yellow")
		if c := w.page(first); c.Level != "red" || len(c.Timeline) != 5 || len(w.page(second).Timeline) != 2 {
			t.Errorf("level %s, %d and %d entries", c.Level, len(c.Timeline), len(w.page(second).Timeline))
		}
		w.alert("alert.raised", 6, 501, "red")
		if n := w.count("select count(*) from cases"); n != 2 {
			t.Errorf("%d cases", n)
		}
	})
}

// After a crash a whole run of past news comes again, in order. News that wrote no line the first time is known for old all the same.
func TestPastNewsOfAnAlertChangesNothing(t *testing.T) {
	type news struct {
		subject string
		alert   int64
		level   string
	}
	for name, x := range map[string]struct {
		news  []news
		merge bool // 501 into 500
		level string
	}{
		"opened by a later rise": {level: "orange",
			news: []news{{"alert.raised", 500, "blue"}, {"alert.changed", 500, "yellow"}, {"alert.changed", 500, "orange"}}},
		"changed in something else": {level: "red",
			news: []news{{"alert.raised", 500, "orange"}, {"alert.changed", 500, "orange"}, {"alert.changed", 500, "red"}}},
		"cleared, then merged": {merge: true, level: "red",
			news: []news{{"alert.raised", 500, "red"}, {"alert.raised", 501, "orange"}, {"alert.changed", 501, "yellow"}, {"alert.cleared", 501, "yellow"}}},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
				w := newWorld(t, d, mergeable(t))
				for i, n := range x.news {
					w.alert(n.subject, int64(i+1), n.alert, n.level)
				}
				id := w.caseOf("alert", 500)
				if x.merge {
					w.make(watch, w.caseOf("alert", 501), "merge", map[string]any{"into": float64(id)})
				}
				for n := range len(x.news) + 1 {
					if diff := w.again(n); diff != "" {
						t.Error(diff)
					}
				}
				if level := w.page(id).Level; level != x.level {
					t.Errorf("the case is %s, want %s", level, x.level)
				}
				w.alert("alert.changed", 9, 500, "yellow")
				if level := w.page(id).Level; level != "yellow" {
					t.Errorf("after fresh news the case is %s", level)
				}
			})
		})
	}
}

func TestSplit(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		w.report(1, events.ReportReceived{})
		id := w.caseOf("report", 1)
		w.clock.Advance(time.Second)
		_, err := w.Move(as(watch), id, MoveRequest{Move: "split", Fields: map[string]any{"units": []any{5.0, 999.0}}}, "")
		if code(err) != "case.unknown_organisation" {
			t.Errorf("a part for nobody: %v", err)
		}
		// The pack has changed since the case was opened: its parts live by the same law as it does.
		w.kinds["request"] = &lifecycle.Kind{ID: "request", States: []lifecycle.State{{ID: "other"}}}
		w.make(watch, id, "split", map[string]any{"units": []any{5.0, 6.0}})
		c := w.page(id)
		if len(c.Parts) != 2 || *c.Parts[0].Owner != 5 || *c.Parts[1].Owner != 6 || c.Parts[0].StateTitle.En != "Handling" {
			t.Fatalf("%+v", c.Parts)
		}
		one, two := c.Parts[0].ID, c.Parts[1].ID
		if p := w.page(one); *p.Parent != id || p.Report != nil || p.Category != "road-damage" || p.Definition != c.Definition || p.Title.(lifecycle.Text).En != "about road-damage" {
			t.Errorf("%+v", p.CaseView)
		}
		parts, _, err := w.Cases(as(watch), Filter{Open: true, Parent: id, Limit: 10})
		if err != nil || len(parts) != 2 {
			t.Errorf("%d %v", len(parts), err)
		}
		w.refused(watch, id, "report-done", nil, lifecycle.CodeGuard)
		w.refused(watch, id, "merge", map[string]any{"into": float64(one)}, lifecycle.CodeField) // into its own part
		w.make(five, one, "report-done", nil)
		w.make(chief, one, "confirm", nil)
		w.refused(watch, id, "report-done", nil, lifecycle.CodeGuard)
		w.make(six, two, "report-done", nil)
		w.make(chief, two, "confirm", nil)
		w.make(watch, id, "report-done", nil)
		var kinds []string
		for _, e := range w.page(id).Timeline {
			kinds = append(kinds, e.Kind)
		}
		if got := strings.Join(kinds, " "); got != "report move part part part part move" {
			t.Errorf("timeline %s", got)
		}
	})
}

// A case of which parts are open may be merged: its parts go along.
func TestMergeOfASplitCase(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		w.report(1, events.ReportReceived{})
		id, target := w.caseOf("report", 1), w.request(2)
		w.make(watch, id, "split", map[string]any{"units": []any{5.0, 6.0}})
		w.make(watch, id, "merge", map[string]any{"into": float64(target)})
		if c := w.page(target); len(c.Parts) != 2 || c.Merged[0] != id {
			t.Errorf("%+v %v", c.Parts, c.Merged)
		}
		w.refused(five, target, "report-done", nil, lifecycle.CodeGuard)
	})
}

// What comes again within the time opens the old case, once, and its end is told to whoever asked for it, then and now.
func TestRecurrence(t *testing.T) {
	gas := kind(t, "gas", "gas-leak")
	gas.Recurs = &lifecycle.Recurrence{Within: lifecycle.Term{Span: 30 * day}, To: "on-site"}
	hazard := kind(t, "hazard", "hazard-rectification")
	hazard.Recurs = &lifecycle.Recurrence{Within: lifecycle.Term{Span: 30 * day}, To: "rectifying"}
	hazard.Moves = append(hazard.Moves, lifecycle.Move{ID: "skip", Title: lifecycle.Words("Skip", "略过"), From: []string{"found", "rectifying"}, To: "written-off", Who: []string{"inspector"}})
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, gas, hazard, made(t, "request"))
		end := func(id int64) {
			t.Helper()
			w.do(1, id, "report-safe", map[string]any{"cause": "joint", "action": "x"})
			w.clock.Advance(time.Second)
			w.city.say(methane(0.4, w.clock.Now()))
			w.attach(2, id, EvidenceRequest{Kind: "reading"})
			w.do(2, id, "verify", nil)
		}
		w.alert("alert.raised", 1, 500, "red")
		id := w.caseOf("alert", 500)
		w.do(1, id, "accept", nil)
		w.do(1, id, "arrive", nil)
		end(id)
		generation := w.count("select generation from cases where id = $1", id)
		w.clock.Advance(29 * day)
		for range 3 {
			w.alert("alert.raised", 2, 501, "orange")
		}
		c := w.page(id)
		if c.State != "on-site" || c.ClosedAt != nil || c.Outcome != "" || c.Reopened != 1 || c.Level != "orange" || c.DueAt == nil {
			t.Fatalf("%+v", c.CaseView)
		}
		if n := w.count("select count(*) from cases"); n != 1 || w.caseOf("alert", 501) != id {
			t.Fatalf("%d cases", n)
		}
		if got := w.count("select generation from cases where id = $1", id); got != generation+1 {
			t.Errorf("generation %d, was %d", got, generation)
		}
		if e := c.Timeline[len(c.Timeline)-1]; e.Kind != "alert" || !strings.HasPrefix(e.Text.(lifecycle.Text).Zh, "结案后再次发生：根据告警立案") {
			t.Errorf("%+v", e)
		}
		if n := len(told[events.CaseReopened](w, "case.reopened")); n != 1 {
			t.Errorf("told %d times", n)
		}
		// The old proof proves nothing now.
		w.do(1, id, "report-safe", map[string]any{"cause": "joint", "action": "x"})
		w.refused(officer(2), id, "verify", nil, lifecycle.CodeEvidence)
		w.do(3, id, "send-back", map[string]any{"reason": "x"})
		end(id)
		var alerts []int64
		for _, e := range told[events.CaseClosed](w, "case.closed") {
			alerts = append(alerts, e.Alert)
		}
		if !slices.Equal(alerts, []int64{500, 500, 501}) {
			t.Errorf("the ends were told to alerts %v", alerts)
		}

		// Too late it is another case; while that is open, a third alert is a case of its own.
		w.clock.Advance(30*day + time.Second)
		w.alert("alert.raised", 3, 502, "red")
		w.alert("alert.raised", 4, 503, "red")
		if n := w.count("select count(*) from cases"); n != 3 {
			t.Errorf("%d cases, want 3", n)
		}
		// One that was opened again while it rests stays as it was: no reopening by a rested alert.
		w.clock.Advance(time.Second)

		// A finding and a report come again too: here by their place, since they name no asset.
		f, err := w.Findings.Record(as(officer(1)), inspect.Draft{Place: 20, Description: "exit blocked", Grade: "major", Checklist: "exits"}, "f1")
		if err != nil {
			t.Fatal(err)
		}
		h, err := w.OpenForFinding(as(officer(1)), f)
		if err != nil {
			t.Fatal(err)
		}
		w.do(1, h, "skip", nil)
		f, err = w.Findings.Record(as(officer(1)), inspect.Draft{Place: 20, Description: "exit blocked again", Grade: "major", Checklist: "exits"}, "f2")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			again, err := w.OpenForFinding(as(officer(1)), f)
			if err != nil || again != h {
				t.Fatalf("case %d, want %d again (%v)", again, h, err)
			}
		}
		if c := w.page(h); c.Reopened != 1 || c.State != "rectifying" || !c.Overdue {
			t.Errorf("%+v", c.CaseView) // its time to rectify is past: it is to be agreed on anew
		}
		r := w.request(1)
		w.make(five, r, "report-done", nil)
		w.make(chief, r, "confirm", nil)
		w.report(2, events.ReportReceived{})
		w.report(2, events.ReportReceived{})
		if c := w.page(r); w.caseOf("report", 2) != r || c.Reopened != 1 || c.State != "handling" || *c.Owner != 5 {
			t.Errorf("%+v", c.CaseView)
		}
		w.make(five, r, "report-done", nil)
		w.make(chief, r, "confirm", nil)
		if all := told[events.CaseClosed](w, "case.closed"); all[len(all)-1].Report != 2 || all[len(all)-2].Report != 1 {
			t.Errorf("%+v", all)
		}
	})
}

// A person opens a closed case again, with why; what was unfounded as well.
func TestReopenByAPerson(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		w.report(1, events.ReportReceived{})
		id := w.caseOf("report", 1)
		w.make(watch, id, "dismiss", nil)
		if c := w.page(id); c.Outcome != "unfounded" || len(c.Moves) != 1 || c.Moves[0].Name != "reopen" || !c.Moves[0].Allowed {
			t.Fatalf("%+v", c.Moves)
		}
		w.refused(five, id, "reopen", map[string]any{"why": "x"}, lifecycle.CodeRole)
		w.refused(watch, id, "dispatch", nil, lifecycle.CodeClosed)
		w.make(watch, id, "reopen", map[string]any{"why": "the hole is there"})
		c := w.page(id)
		if c.State != "handling" || c.Outcome != "" || c.ClosedAt != nil || c.Reopened != 1 || c.DueAt == nil || c.Fields["why"] != "the hole is there" {
			t.Errorf("%+v", c.CaseView)
		}
		if got := w.rows(id); !strings.HasSuffix(got, "state 0 running, limit:closing 0 running") {
			t.Errorf("%s", got)
		}
		w.refused(watch, id, "reopen", map[string]any{"why": "x"}, lifecycle.CodeWrongState)
	})
}

func TestListingAndLists(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		one, two := w.request(1), w.request(2)
		w.make(watch, one, "list", map[string]any{"listing": "city"})
		w.refused(watch, one, "list", map[string]any{"listing": "city"}, lifecycle.CodeGuard)
		w.report(3, events.ReportReceived{})
		w.clock.Advance(5*day - time.Hour)
		w.make(five, two, "report-done", nil)
		w.clock.Advance(2 * time.Hour)
		number := func(f Filter) string {
			t.Helper()
			f.Limit = 10
			found, _, err := w.Cases(as(watch), f)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, c := range found {
				ids = append(ids, fmt.Sprint(c.ID))
			}
			return strings.Join(ids, " ")
		}
		own, nobody := int64(5), int64(0)
		for _, tt := range []struct {
			f    Filter
			want string
		}{
			{Filter{Open: true}, "3 2 1"}, {Filter{Listed: true}, "1"}, {Filter{Owner: &own}, "2 1"}, {Filter{Owner: &nobody, Open: true}, "3"},
			{Filter{Post: "crew", Before: 2}, "1"}, {Filter{Overdue: true}, "3 2 1"}, {Filter{Overdue: true, Owner: &own, Kind: "request", Open: true}, "2 1"},
			{Filter{Kind: "gas-leak"}, ""},
		} {
			if got := number(tt.f); got != tt.want {
				t.Errorf("%+v: %q, want %q", tt.f, got, tt.want)
			}
		}
		w.make(watch, one, "delist", nil)
		if got := number(Filter{Listed: true}); got != "" {
			t.Errorf("still listed: %s", got)
		}
	})
}

func TestReportOpensACase(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		w.report(1, events.ReportReceived{Area: 3})
		w.report(1, events.ReportReceived{Area: 3})
		w.report(2, events.ReportReceived{Closed: true})
		w.report(3, events.ReportReceived{At: noon.Add(-historyAfter - time.Second)})
		if n := w.count("select count(*) from cases"); n != 1 {
			t.Fatalf("%d cases", n)
		}
		c := w.page(w.caseOf("report", 1))
		if c.Title.(lifecycle.Text).Zh != "关于 road-damage" || c.Category != "road-damage" || *c.Report != 1 || c.Owner != nil || c.State != "intake" {
			t.Errorf("%+v", c.CaseView)
		}
		if e := told[events.CaseOpened](w, "case.opened"); len(e) != 1 || e[0].Report != 1 {
			t.Errorf("%+v", e)
		}
	})
}

// Answers that are given with the opening are held to what the kind's moves ask for.
func TestOpenByHandChecksAnswers(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			fields      map[string]any
			code, field string
			says        string
		}{
			{map[string]any{"colour": "red"}, lifecycle.CodeUnknownField, "fields.colour", "expected: organisation, post, reason"},
			{map[string]any{"organisation": "five"}, lifecycle.CodeField, "fields.organisation", "To: expected the number of an organisation"},
			{map[string]any{"reason": 5.0}, lifecycle.CodeField, "fields.reason", "Reason: expected a text"},
			{map[string]any{"until": "soon"}, lifecycle.CodeField, "fields.until", "Until: expected a date and time"},
			{map[string]any{"listing": "province"}, lifecycle.CodeField, "fields.listing", "expected one of city"},
			{map[string]any{"units": 5.0}, lifecycle.CodeField, "fields.units", "expected a list"},
			{map[string]any{"reason": " "}, lifecycle.CodeField, "fields.reason", "Fill in: Reason"},
		} {
			_, err := w.OpenByHand(as(watch), NewCase{Kind: "request", Title: "x", Fields: c.fields}, "")
			var r *lifecycle.Refusal
			if !errors.As(err, &r) || r.Code != c.code || r.Field != c.field || !strings.Contains(r.Text.En, c.says) || r.Text.Zh == "" {
				t.Errorf("%v: %+v", c.fields, err)
			}
		}
		if _, err := w.OpenByHand(as(watch), NewCase{Kind: "request", Title: "x", Fields: map[string]any{"organisation": 999.0}}, ""); code(err) != "case.unknown_organisation" {
			t.Errorf("an organisation that is not known: %v", err)
		}
		r, err := w.OpenByHand(as(watch), NewCase{Kind: "request", Title: "x", Fields: map[string]any{"listing": "city", "organisation": 5.0}}, "")
		if err != nil {
			t.Fatal(err)
		}
		// A number of a person is kept nowhere, nor bound by the hash of the request.
		told := func(reason string) Receipt {
			t.Helper()
			r, err := w.OpenByHand(as(watch), NewCase{Kind: "request", Title: "x", Fields: map[string]any{"reason": reason}}, "told")
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		masked := told("call 13812345678")
		if again := told("call 13987654321"); again != masked {
			t.Errorf("the hash of a request holds a number: %+v and %+v", masked, again)
		}
		err = w.DB.Read(context.Background(), func(tx *db.Tx) error {
			c, err := getCase(tx, masked.Case)
			if err == nil && c.Fields["reason"] != "call ***" {
				t.Errorf("kept: %v", c.Fields)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		// So it is with the hash of a move.
		w.make(watch, r.Case, "dispatch", map[string]any{"organisation": 5.0, "post": "crew"})
		back := func(reason string) Receipt {
			t.Helper()
			done, err := w.Move(as(five), r.Case, MoveRequest{Move: "send-back", Fields: map[string]any{"reason": reason}}, "back")
			if err != nil {
				t.Fatal(err)
			}
			return done
		}
		if done, again := back("call 13812345678"), back("call 13987654321"); again != done {
			t.Errorf("the hash of a move holds a number: %+v and %+v", done, again)
		}
		_, err = w.Move(as(watch), r.Case, MoveRequest{Move: "fly"}, "")
		var refusal *lifecycle.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(refusal.Text.En, "expected one of dispatch, merge, split") {
			t.Errorf("%v", err)
		}
	})
}

func TestOpenByHand(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		n := NewCase{Kind: "request", Title: "Hole at the bridge, call 13812345678", Text: "seen from the bus", Place: 3, Owner: 5, Post: "crew"}
		r, err := w.OpenByHand(as(of(7, 3, "duty-officer")), n, "k")
		if err != nil {
			t.Fatal(err)
		}
		again, err := w.OpenByHand(as(of(7, 3, "duty-officer")), n, "k")
		if err != nil || again != r {
			t.Errorf("%v %v", again, err)
		}
		c := w.page(r.Case)
		if c.Title != "Hole at the bridge, call ***" || *c.Owner != 5 || c.Post != "crew" || *c.Desk != 7 || !strings.HasSuffix(c.Timeline[0].Text.(lifecycle.Text).En, "seen from the bus") {
			t.Errorf("%+v", c.CaseView)
		}
		// Who has a case himself does not run it too: his own asks are decided on by the city.
		r, err = w.OpenByHand(as(five), NewCase{Kind: "request", Title: "x", Place: 3, Owner: 5}, "")
		if err != nil || w.page(r.Case).Desk != nil {
			t.Errorf("%v", err)
		}
		for name, bad := range map[string]NewCase{
			"case.kind": {Kind: "gas-leak", Title: "x"}, "case.text": {Kind: "request"},
			"case.unknown_organisation": {Kind: "request", Title: "x", Owner: 999},
			lifecycle.CodeField:         {Kind: "request", Title: "x", Fields: map[string]any{"reason": []any{}}},
		} {
			if _, err := w.OpenByHand(as(watch), bad, ""); code(err) != name {
				t.Errorf("%v, want %s", err, name)
			}
		}
	})
}

// A team takes its task on in one step, whoever of it or above it comes first; it sees the case from then on, and others don't.
func TestTasksOfATeam(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		policy, err := access.NewPolicy(nil)
		if err != nil {
			t.Fatal(err)
		}
		id := w.request(1)
		w.Access = policy
		eight, nine := of(8, 8, "operator"), of(9, 9, "operator")
		due := w.clock.Now().Add(time.Hour)
		r, err := w.OpenTask(as(watch), id, TaskRequest{Title: "Close the road", Assignee: "patrol", Organisation: 8, DueAt: &due}, "")
		if err != nil {
			t.Fatal(err)
		}
		task := r.Item
		if _, err := w.AcknowledgeTask(as(nine), id, task, ""); err == nil {
			t.Error("another organisation took it on")
		}
		if _, err := w.AcknowledgeTask(as(access.System("x")), id, task, ""); code(err) != lifecycle.CodeNeedsPerson {
			t.Errorf("the program took it on: %v", err)
		}
		// Others in the case, its owner too, see the task and can neither take it on nor end it.
		if _, err := w.InviteByHand(as(watch), id, PartyRequest{Organisation: 10}, ""); err != nil {
			t.Fatal(err)
		}
		owner := w.page(id).Owner
		for _, who := range []access.Actor{of(10, 10, "operator"), of(*owner, 11, "operator")} {
			if c, err := w.Case(as(who), id); err != nil || len(c.Tasks) != 1 || c.Tasks[0].Yours != (Yours{}) {
				t.Fatal(c, err)
			}
			if _, err := w.AcknowledgeTask(as(who), id, task, ""); code(err) != CodeOthersTask {
				t.Errorf("organisation %d took on another's task: %v", who.Organisation, err)
			}
			if _, err := w.FinishTask(as(who), id, task, "done", ""); code(err) != CodeOthersTask {
				t.Errorf("organisation %d finished another's task: %v", who.Organisation, err)
			}
		}
		if c := w.page(id); c.Tasks[0].AcknowledgedAt != nil || c.Tasks[0].State != "open" {
			t.Errorf("%+v", c.Tasks[0])
		}
		offered := func() Yours {
			c, err := w.Case(as(eight), id)
			if err != nil {
				t.Fatal(err)
			}
			return c.Tasks[0].Yours
		}
		if got := offered(); got != (Yours{true, true}) {
			t.Errorf("offered to its team: %+v", got)
		}
		for range 3 {
			w.clock.Advance(time.Minute)
			if _, err := w.AcknowledgeTask(as(eight), id, task, ""); err != nil {
				t.Fatal(err)
			}
		}
		if got := offered(); got != (Yours{false, true}) {
			t.Errorf("offered to its team once taken on: %+v", got)
		}
		if _, err := w.FinishTask(as(nine), id, task, "done", ""); err == nil {
			t.Error("another organisation finished it")
		}
		w.clock.Advance(time.Minute)
		if _, err := w.FinishTask(as(eight), id, task, "closed from 12:10, call 13812345678", ""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.FinishTask(as(eight), id, task, "", ""); code(err) != "case.task_ended" {
			t.Errorf("finished twice: %v", err)
		}
		c, err := w.Case(as(eight), id)
		if err != nil {
			t.Fatal(err)
		}
		got := c.Tasks[0]
		if got.State != "done" || got.AcknowledgedBy != "officer" || !got.AcknowledgedAt.Equal(due.Add(-59*time.Minute)) || got.Answer != "closed from 12:10, call ***" || got.Yours != (Yours{}) {
			t.Errorf("%+v", got)
		}
		if _, err := w.Case(as(nine), id); err == nil {
			t.Error("another organisation reads the case")
		}
		if c.Parties[0].Organisation != 8 || c.Parties[0].Role != "assist" {
			t.Errorf("%+v", c.Parties)
		}
		if rows := w.rows(id); !strings.Contains(rows, fmt.Sprintf("task:%d 8/patrol met", task)) {
			t.Error(rows)
		}
		g, a, d := told[events.TaskGiven](w, "task.given"), told[events.TaskAcknowledged](w, "task.acknowledged"), told[events.TaskDone](w, "task.done")
		if len(g) != 1 || len(a) != 1 || len(d) != 1 || g[0].Post != "patrol" || !g[0].DueAt.Equal(due) || a[0].Organisation != 8 || d[0].Task != task {
			t.Errorf("%+v %+v %+v", g, a, d)
		}
	})
}

func TestInvite(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		id := w.request(1)
		for range 2 {
			if _, err := w.InviteByHand(as(watch), id, PartyRequest{Organisation: 8}, ""); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.InviteByHand(as(watch), id, PartyRequest{Organisation: 999}, ""); code(err) != "case.unknown_organisation" {
			t.Error(err)
		}
		c := w.page(id)
		if len(c.Parties) != 1 || c.Parties[0].Name.En != "organisation 8" || c.Timeline[len(c.Timeline)-1].Kind != "party" || c.Timeline[len(c.Timeline)-2].Kind == "party" {
			t.Errorf("%+v", c.Parties)
		}
		// From then on its news is theirs too.
		w.make(five, id, "report-done", nil)
		if m := told[events.CaseMoved](w, "case.moved"); !slices.Contains(m[len(m)-1].Parties, 8) {
			t.Errorf("%+v", m[len(m)-1])
		}
		w.make(chief, id, "confirm", nil)
		if x := told[events.CaseClosed](w, "case.closed"); len(x) != 1 || !slices.Contains(x[0].Parties, 8) {
			t.Errorf("%+v", x)
		}
	})
}

// A kind whose calendar no pack has, or two kinds for one sort of news, are refused before anything runs.
func TestKindsThatAreRefused(t *testing.T) {
	d := dbtest.SQLite(t, rooms()...)
	k := made(t, "request")
	if _, err := New(Deps{DB: d, Kinds: []*lifecycle.Kind{k}}); err == nil || !strings.Contains(err.Error(), "every-day") {
		t.Errorf("%v", err)
	}
	other := *k
	other.ID = "other"
	_, err := New(Deps{DB: d, Kinds: []*lifecycle.Kind{k, &other}, Calendars: map[string]lifecycle.WorkingDays{"every-day": everyDay{}}})
	if err == nil || !strings.Contains(err.Error(), "both opened by a report") {
		t.Errorf("%v", err)
	}
}

// Each return is one step back on the way that the case was given on; what the desk has to keep stays with it meanwhile.
func TestReturnsStepByStep(t *testing.T) {
	k := made(t, "request")
	k.Moves = append(k.Moves,
		lifecycle.Move{ID: "pass", Title: lifecycle.Words("Pass on", "转派"), From: []string{"intake", "handling"}, Does: lifecycle.Transfer,
			Who: []string{"duty-officer"}, Requires: []lifecycle.Requirement{{Field: "next", Kind: "organisation"}}},
		lifecycle.Move{ID: "back", Title: lifecycle.Words("Back", "退回"), From: []string{"intake", "handling"}, Does: lifecycle.Return, Who: []string{"duty-officer"}})
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, k)
		w.report(1, events.ReportReceived{})
		id := w.caseOf("report", 1)
		for _, next := range []float64{5, 6, 7} {
			w.make(watch, id, "pass", map[string]any{"next": next})
		}
		w.refused(watch, id, "pass", map[string]any{"next": 7.0}, lifecycle.CodeField)
		for _, want := range []int64{6, 5, 0} {
			w.make(watch, id, "back", nil)
			c := w.page(id)
			if got := c.Owner; (got == nil) != (want == 0) || got != nil && *got != want {
				t.Fatalf("given back to %v, want %d", got, want)
			}
		}
		w.refused(watch, id, "back", nil, lifecycle.CodeNobody)
		for _, m := range w.page(id).Moves {
			if m.Name == "back" && m.Allowed {
				t.Error("the page offers to give it back to nobody")
			}
		}
		if got := w.rows(id); !strings.HasPrefix(got, "state 0/dispatcher running, ") || strings.Count(got, "limit:closing") != 7 || strings.Count(got, "running") != 3 {
			t.Error(got)
		}
	})
}

// More time can't be asked for once the limit has passed; what was asked for before can be granted after.
func TestNoMoreTimeAfterTheLimit(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		id := w.request(1)
		closing := w.page(id).Limits[4].DueAt
		later := map[string]any{"closing_until": closing.Add(2 * day).Format(time.RFC3339Nano)}
		w.clock.Set(closing.Add(-time.Second)) // refused advances by a second
		w.refused(watch, id, "extend-closing", later, lifecycle.CodeExtension)
		w.refused(watch, id, "extend-closing", later, lifecycle.CodeExtension)
		for _, m := range w.page(id).Moves {
			if m.Name == "extend-closing" && m.Allowed {
				t.Error("the page offers what would be refused")
			}
		}

		other := w.request(2)
		due := *w.page(other).DueAt
		ask := w.make(five, other, "extend", map[string]any{"until": due.Add(day).Format(time.RFC3339Nano)})
		w.clock.Set(due.Add(time.Hour))
		w.settle()
		w.decision(watch, other, ask.Item, Decision{Granted: true}, "")
		if got := *w.page(other).DueAt; !got.Equal(due.Add(day).Truncate(time.Second)) && !got.Equal(due.Add(day)) {
			t.Errorf("due %v, want a day after %v", got, due)
		}
		n := w.overdues(other)
		w.clock.Set(due.Add(day))
		w.settle()
		if got := w.overdues(other); got != n+1 {
			t.Errorf("the later limit is told of %d times", got-n)
		}
	})
}

// A case that takes another one over keeps the promises of both: the earlier time holds.
func TestMergeKeepsTheEarlierTime(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		running := func(id int64, name string) LimitView {
			t.Helper()
			for _, l := range w.page(id).Limits {
				if l.Name == name && l.State == "running" {
					return l
				}
			}
			t.Fatalf("no limit %s runs in case %d", name, id)
			return LimitView{}
		}
		old := w.request(1)
		early := running(old, "limit:closing").DueAt
		w.clock.Advance(3 * day)
		w.settle()
		young := w.request(2)
		fresh := running(young, "limit:first-answer").DueAt
		w.make(watch, old, "merge", map[string]any{"into": float64(young)})
		if got := running(young, "limit:closing"); !got.DueAt.Equal(early) || *got.Organisation != 5 || got.Late || got.Inherited {
			t.Errorf("%+v, want %v", got, early)
		}
		// The first answer was late before: it is late there, and owed here all the same.
		if got := running(young, "limit:first-answer"); !got.Inherited || !got.DueAt.Before(fresh) {
			t.Errorf("%+v", got)
		}
		if got := w.lateness(old); got != "limit:first-answer 5 late" {
			t.Error(got)
		}
		before := w.overdues(young)
		w.clock.Set(early)
		w.settle()
		if n := w.overdues(young) - before; n != 2 { // the closing and the state
			t.Errorf("%d limits have passed, want 2", n)
		}

		// The other way round nothing changes but the row of the one that ends.
		third := w.request(3)
		due := running(young, "limit:closing").DueAt
		w.make(watch, third, "merge", map[string]any{"into": float64(young)})
		if got := running(young, "limit:closing").DueAt; !got.Equal(due) {
			t.Errorf("%v, want still %v", got, due)
		}
		if got := w.rows(third); strings.Contains(got, "running") || !strings.Contains(got, "limit:closing 5/crew passed-on") {
			t.Error(got)
		}
	})
}

func TestMergesThatAreRefused(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		w.report(1, events.ReportReceived{})
		whole := w.caseOf("report", 1)
		w.report(2, events.ReportReceived{})
		other := w.caseOf("report", 2)
		w.make(watch, whole, "split", map[string]any{"units": []any{5.0, 6.0}})
		part := w.page(whole).Parts[0].ID
		// A part of the part, as a merge of a split case makes it.
		w.make(watch, other, "split", map[string]any{"units": []any{5.0, 6.0}})
		w.make(watch, other, "merge", map[string]any{"into": float64(part)})
		below := w.page(part).Parts[0].ID
		w.alert("alert.raised", 77, 77, "red")
		leak := w.caseOf("alert", 77)
		for _, into := range []int64{part, below, whole, leak, 999} {
			w.refused(watch, whole, "merge", map[string]any{"into": float64(into)}, lifecycle.CodeField)
		}
		if c := w.page(whole); c.ClosedAt != nil {
			t.Error("merged all the same")
		}
	})
}

// A return that was asked for in time is none the later for being granted late.
func TestReturnAskedInTime(t *testing.T) {
	k := made(t, "request")
	k.Move("send-back").Approval = &lifecycle.Approval{Who: []string{"duty-officer"}, Side: "desk"}
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, k)
		id := w.request(1)
		w.clock.Advance(4 * day)
		w.settle()
		ask := w.make(five, id, "send-back", map[string]any{"reason": "another district"})
		asked := w.clock.Now()
		w.clock.Advance(7 * day)
		w.settle()
		n := w.overdues(id)
		w.decision(watch, id, ask.Item, Decision{Granted: true}, "")
		w.settle()
		for _, l := range w.page(id).Limits {
			if l.Organisation != nil && *l.Organisation == 5 && (l.State != "passed-on" || !l.EndedAt.Equal(asked)) {
				t.Errorf("%+v, want passed on at %v", l, asked)
			}
		}
		// The first answer was late when they asked; the closing passed while the desk thought about it.
		if got := w.lateness(id); got != "limit:first-answer 5 late, limit:first-answer 0 inherited, limit:closing 0 late" {
			t.Error(got)
		}
		if got := w.overdues(id); got != n {
			t.Errorf("told %d times more", got-n)
		}
	})
}
