package respond

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// city is the register and the observation log of these tests: asset 7 is the alarm, datastream 70 its methane.
type city struct {
	mu     sync.Mutex
	latest map[int64]lifecycle.Reading
	asTold bool // an area is what it is told to be, not 30
}

func (c *city) Latest(_ context.Context, datastream int64) (lifecycle.Reading, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.latest[datastream]
	if !ok {
		return r, fmt.Errorf("datastream %d: %w", datastream, db.ErrNotFound)
	}
	return r, nil
}

func (c *city) say(r lifecycle.Reading) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.latest[r.Datastream] = r
}

func (c *city) Locate(_ context.Context, s inspect.Spot) (inspect.Spot, error) {
	s.Place, s.Owner = 20, 40
	if !c.asTold {
		s.Area = 30
	}
	return s, nil
}

// Name knows everything but organisations that are negative or above 900.
func (*city) Name(_ context.Context, kind string, id int64) lifecycle.Text {
	if kind == "organisation" && (id < 0 || id > 900) {
		return lifecycle.Text{}
	}
	return lifecycle.Words(fmt.Sprintf("%s %d", kind, id), fmt.Sprintf("%d 号%s", id, kind))
}

// Above: organisation 40 stands above 41 and 42.
func (c *city) Above(organisation, other int64) bool {
	return organisation == other || organisation == 40 && (other == 41 || other == 42)
}

// world is a room under test.
type world struct {
	*Service
	t     testing.TB
	clock *clock.Virtual
	city  *city
	loop  *timers.Loop
	heard []bus.Message // of alerts and reports
}

func rooms() []db.Migrations {
	return []db.Migrations{ledger.Migrations(), outbox.Migrations(), timers.Migrations(), vault.Migrations(), inspect.Migrations(), Migrations()}
}

func newWorld(t testing.TB, d *db.DB, kinds ...*lifecycle.Kind) *world {
	t.Helper()
	if kinds == nil {
		kinds = []*lifecycle.Kind{kind(t, "gas", "gas-leak"), kind(t, "hazard", "hazard-rectification")}
	}
	w := &world{t: t, clock: clock.NewVirtual(noon), city: &city{latest: map[int64]lifecycle.Reading{}}}
	findings := inspect.New(inspect.Deps{DB: d, Clock: w.clock, Access: access.AllowAll, Register: w.city})
	s, err := New(Deps{
		DB: d, Clock: w.clock, Access: access.AllowAll, Readings: w.city, Register: w.city, Findings: findings, Kinds: kinds,
		Calendars: map[string]lifecycle.WorkingDays{"cn": everyDay{}, "every-day": everyDay{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Service, w.loop = s, timers.New(d, w.clock, s.Timers())
	w.loop.OnBack(s.Renew)
	return w
}

func as(a access.Actor) context.Context { return access.With(context.Background(), a) }

// alert tells the room of an alert of asset 7.
func (w *world) alert(subject string, event, alert int64, level string) {
	w.t.Helper()
	body := fmt.Sprintf(`{"alert":%d,"detector":"gas/methane-indoor","level":%q,"asset":7,"datastreams":[70],"opens":{"case":"gas-leak","from":"orange"},
		"title":{"en":"Methane indoors","zh-CN":"室内甲烷泄漏"}}`, alert, level)
	w.hear(bus.Message{ID: event, Subject: subject, Data: []byte(body)})
}

func (w *world) hear(m bus.Message) {
	w.t.Helper()
	if err := w.Hear(as(access.System("respond")), m); err != nil {
		w.t.Fatal(err)
	}
	w.heard = append(w.heard, m)
}

// again lets the last n news come again, in order, as after a crash; nothing may change by it. changed says what has, if anything.
func (w *world) again(n int) (changed string) {
	w.t.Helper()
	state := func() string {
		out := fmt.Sprintf("%d lines, %d events\n", w.count("select count(*) from case_timeline"), w.count("select count(*) from outbox"))
		err := w.DB.Read(context.Background(), func(tx *db.Tx) error {
			cs, err := casesBy(tx, `select `+caseColumns+` from cases order by id nulls last`)
			for _, c := range cs {
				out += fmt.Sprintf("%+v\n", *c)
			}
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
		return out
	}
	before := state()
	for _, m := range w.heard[max(0, len(w.heard)-n):] {
		if err := w.Hear(as(access.System("respond")), m); err != nil {
			w.t.Fatal(err)
		}
	}
	if after := state(); after != before {
		return fmt.Sprintf("the last %d news came again; before:\n%safter:\n%s", n, before, after)
	}
	return ""
}

func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	err := w.DB.Read(context.Background(), func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&n) })
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) page(id int64) *CasePage {
	w.t.Helper()
	c, err := w.Case(as(officer(2)), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// do makes a move a second later and wants it allowed.
func (w *world) do(who int64, caseID int64, move string, fields map[string]any) {
	w.t.Helper()
	w.clock.Advance(time.Second)
	if _, err := w.Move(as(officer(who)), caseID, MoveRequest{Move: move, Fields: fields}, ""); err != nil {
		w.t.Fatalf("%s by %d: %v", move, who, err)
	}
}

func (w *world) refused(who access.Actor, caseID int64, move string, fields map[string]any, code string) {
	w.t.Helper()
	w.clock.Advance(time.Second)
	_, err := w.Move(as(who), caseID, MoveRequest{Move: move, Fields: fields}, "")
	var r *lifecycle.Refusal
	if !errors.As(err, &r) || r.Code != code {
		w.t.Errorf("%s by %v: %v, want %s", move, who, err, code)
	}
}

func (w *world) attach(who int64, caseID int64, r EvidenceRequest) {
	w.t.Helper()
	w.clock.Advance(time.Second)
	if _, err := w.Attach(as(officer(who)), caseID, r, ""); err != nil {
		w.t.Fatal(err)
	}
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) { fn(t, newWorld(t, d)) })
}

// An alert that rests opens no case, at whatever level; the news that it counts again does, once.
func TestAlertThatRests(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		hear := func(subject string, event, alert int64, level string, rests bool) int {
			body := fmt.Sprintf(`{"alert":%d,"detector":"gas/methane-indoor","level":%q,"asset":7,"datastreams":[70],"opens":{"case":"gas-leak","from":"orange"},
				"title":{"en":"Methane indoors","zh-CN":"室内甲烷泄漏"},"rests":%t}`, alert, level, rests)
			if err := w.Hear(as(access.System("respond")), bus.Message{ID: event, Subject: subject, Data: []byte(body)}); err != nil {
				t.Fatal(err)
			}
			return w.count("select count(*) from cases")
		}
		for i, x := range []struct {
			subject string
			alert   int64
			level   string
			rests   bool
			cases   int
		}{
			{"alert.raised", 500, "orange", true, 0},
			{"alert.changed", 500, "red", true, 0},
			{"alert.rest_over", 500, "red", false, 1},
			{"alert.rest_over", 500, "red", false, 1},
			{"alert.raised", 501, "yellow", true, 1},
			{"alert.rest_over", 501, "yellow", false, 1},
			{"alert.changed", 501, "orange", false, 2},
			{"alert.raised", 502, "red", false, 3}, // its works were over before it was judged
			{"alert.raised", 503, "red", true, 3},
			{"alert.cleared", 503, "red", false, 3},
		} {
			if n := hear(x.subject, int64(i+1), x.alert, x.level, x.rests); n != x.cases {
				t.Fatalf("%d cases after %+v", n, x)
			}
		}
		found, _, err := w.Cases(as(officer(1)), Filter{Open: true, Limit: 10})
		if err != nil || len(found) != 3 {
			t.Fatalf("%v %v", found, err)
		}
		if e := w.page(found[2].ID).Timeline[0]; e.Text.(lifecycle.Text).Zh != "暂缓处置的告警尚未恢复，现予立案：室内甲烷泄漏" {
			t.Errorf("%+v", e)
		}
	})
}

func TestGasLeakFromAlertToProof(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		// Below the level there is no case; at it there is one, however often the news comes.
		w.alert("alert.raised", 1, 500, "yellow")
		if n := w.count("select count(*) from cases"); n != 0 {
			t.Fatalf("%d cases for a yellow alert", n)
		}
		for range 3 {
			w.alert("alert.changed", 2, 500, "orange")
		}
		w.alert("alert.changed", 3, 500, "red")
		w.alert("alert.changed", 3, 500, "red")
		w.alert("alert.raised", 4, 501, "red")
		if n := w.count("select count(*) from cases"); n != 2 {
			t.Fatalf("%d cases for two alerts", n)
		}
		found, _, err := w.Cases(as(officer(1)), Filter{Open: true, Limit: 10})
		if err != nil || len(found) != 2 {
			t.Fatalf("%v %v", found, err)
		}
		id := found[1].ID
		if c := found[1]; c.Level != "red" || *c.Alert != 500 || c.Title.(*lifecycle.Text).Zh != "7 号asset" || c.AssetName.En != "asset 7" || *c.Owner != 40 || c.StateTitle.Zh != "待接警" ||
			!c.DueAt.Equal(noon.Add(5*time.Minute)) || c.Overdue {
			t.Errorf("%+v", c)
		}

		w.do(1, id, "accept", nil)
		if ts := w.page(id).Tasks; len(ts) != 1 || ts[0].State != "open" || ts[0].Assignee != "gas-crew" {
			t.Errorf("tasks %+v", ts)
		}
		w.do(1, id, "arrive", nil)
		w.city.say(methane(12, w.clock.Now()))
		w.attach(1, id, EvidenceRequest{Kind: "reading"})
		w.refused(officer(1), id, "report-safe", nil, lifecycle.CodeField)
		w.do(1, id, "report-safe", map[string]any{"cause": "joint", "action": "valve closed, joint tightened"})

		w.refused(officer(2), id, "verify", nil, lifecycle.CodeEvidence) // the reading so far is of the time before
		w.attach(1, id, EvidenceRequest{Kind: "reading"})                // the log has nothing newer
		w.refused(officer(2), id, "verify", nil, lifecycle.CodeReading)
		w.city.say(methane(6, w.clock.Now()))
		w.attach(1, id, EvidenceRequest{Kind: "reading"})
		w.refused(officer(2), id, "verify", nil, lifecycle.CodeReading)
		other := methane(0.1, w.clock.Now())
		other.Datastream, other.Asset = 80, 8
		w.city.say(other)
		battery := methane(0.1, w.clock.Now())
		battery.Datastream, battery.Property = 71, "gas/battery"
		w.city.say(battery)
		for name, datastream := range map[string]int64{"another asset": 80, "the right asset's battery": 71} {
			_, err := w.Attach(as(officer(2)), id, EvidenceRequest{Kind: "reading", Datastream: datastream}, "")
			var r *lifecycle.Refusal
			if !errors.As(err, &r) || r.Code != lifecycle.CodeOtherReading || r.Field != "datastream" {
				t.Errorf("a reading of %s: %v, want %s", name, err, lifecycle.CodeOtherReading)
			}
		}
		w.refused(officer(2), id, "verify", nil, lifecycle.CodeReading)
		w.city.say(methane(0.5, w.clock.Now()))
		w.attach(2, id, EvidenceRequest{Kind: "reading"})
		w.city.say(methane(9, w.clock.Now()))
		w.refused(officer(2), id, "verify", nil, lifecycle.CodeReading) // it was good, and is no longer
		w.city.say(methane(0.4, w.clock.Now()))
		w.refused(officer(1), id, "verify", nil, lifecycle.CodeSecondPerson)
		w.refused(access.Actor{Kind: access.KindAccount, ID: 1, Name: "another session", Roles: []string{"inspector"}}, id, "verify", nil, lifecycle.CodeSecondPerson)
		w.refused(access.DeviceActor(2, "sensor", "x"), id, "verify", nil, lifecycle.CodeNeedsPerson)
		w.refused(access.System("respond"), id, "verify", nil, lifecycle.CodeNeedsPerson)

		w.alert("alert.cleared", 9, 500, "red")
		w.alert("alert.cleared", 9, 500, "red")
		if c := w.page(id); c.ClosedAt != nil {
			t.Fatal("a quiet sensor closed the case")
		}
		before := w.page(id)
		var verify MoveView
		for _, m := range before.Moves {
			if m.Name == "verify" {
				verify = m
			}
		}
		if !verify.Allowed || len(verify.Requires) != 1 || !verify.Requires[0].Met {
			t.Errorf("the console would show %+v", verify)
		}
		w.do(2, id, "verify", nil)

		c := w.page(id)
		if c.State != "closed" || c.Outcome != "proven" || c.ClosedAt == nil || c.DueAt != nil || len(c.Moves) != 0 || c.Tasks[0].State != "withdrawn" {
			t.Errorf("%+v", c)
		}
		w.refused(officer(2), id, "verify", nil, lifecycle.CodeClosed)
		if _, err := w.Attach(as(officer(2)), id, EvidenceRequest{Kind: "note", Text: "late"}, ""); err == nil {
			t.Error("evidence was added to a closed case")
		}
		if n := w.count("select count(*) from timers where id = $1", id); n != 0 {
			t.Errorf("%d timers of a closed case", n)
		}
		var kinds []string
		for _, e := range c.Timeline {
			kinds = append(kinds, e.Kind)
			if text, ok := e.Text.(lifecycle.Text); ok && (text.En == "" || text.Zh == "") {
				t.Errorf("entry %+v lacks a language", e)
			}
			if byNobody := e.Kind == "alert"; (e.Kind == "alert" || e.Kind == "move") && e.Program != byNobody {
				t.Errorf("entry %+v: by the program: %t", e, e.Program)
			}
		}
		if got := strings.Join(kinds, " "); got != "alert alert move task move evidence move evidence evidence evidence alert move task" {
			t.Errorf("timeline %s", got)
		}
		// Each deed of a person has its leaf, each transition its event.
		if n := w.count("select count(*) from ledger_leaves where subject = 'case' and subject_id = $1", id); n != 9 {
			t.Errorf("%d leaves, want 1 opening, 4 moves, 4 pieces of evidence", n)
		}
		for subject, want := range map[string]int{"case.opened": 2, "case.moved": 4, "case.changed": 6, "case.closed": 1, "case.overdue": 0} {
			if n := w.count("select count(*) from outbox where subject = $1", subject); n != want {
				t.Errorf("%d × %s, want %d", n, subject, want)
			}
		}
	})
}

// The second kind has no sensor in it: the engine is not shaped like an alert.
func TestHazardFromFindingToWriteOff(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		inspector, system := as(officer(1)), as(access.System("respond"))
		f, err := w.Findings.Record(inspector, inspect.Draft{Place: 3, Description: "消防通道堵塞，杂物堆放至安全出口门前，已口头告知现场负责人，请清理，联系13812345678", Grade: "major"}, "k")
		if err != nil {
			t.Fatal(err)
		}
		news, err := json.Marshal(events.FindingRecorded{Finding: f.ID})
		if err != nil {
			t.Fatal(err)
		}
		var ids []int64
		for i := range 4 { // the event and the request, each more than once; whoever comes first opens
			if i%2 == 1 {
				id, err := w.OpenForFinding(inspector, f)
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, id)
			} else if err := w.Hear(system, bus.Message{ID: 5, Subject: "finding.recorded", Data: news}); err != nil {
				t.Fatal(err)
			}
		}
		if n := w.count("select count(*) from cases"); n != 1 || ids[0] != ids[1] {
			t.Fatalf("%d cases, numbers %v, want one", n, ids)
		}
		id := ids[0]
		if line := w.page(id).Timeline[0]; line.Actor != "officer" || line.Program { // not the program's, though its event came first
			t.Errorf("found by %q: %+v", line.Actor, line)
		}
		if c := w.page(id); strings.Contains(fmt.Sprintf("%v %+v %v", c.Title, c.Timeline, c.Fields), "13812345678") || !strings.HasPrefix(c.Title.(string), "消防通道") {
			t.Errorf("the page shows a number: %v %v", c.Title, c.Timeline)
		}

		// The number lies across the end of the title; half of it would be as good as all.
		if title := w.page(id).Title.(string); !strings.Contains(title, "联系***") || strings.Contains(title, "13") {
			t.Errorf("title %q", title)
		}
		if n := w.count("select count(*) from outbox where payload like '%消防通道%' or payload like '%138%'"); n != 0 {
			t.Errorf("%d events have the inspector's words", n)
		}

		limit := func(d time.Duration) string { return w.clock.Now().Add(d).Format(time.RFC3339) }
		five := map[string]any{"responsible": "物业服务中心", "measures": "清理通道", "funds": "5000 元，自筹", "contingency": "专人值守"}
		w.do(1, id, "grade", map[string]any{"grade": "major", "grade_basis": "堵塞安全出口"})
		w.refused(officer(1), id, "plan", five, lifecycle.CodeField) // four elements are not five
		five["rectify_by"] = limit(48 * time.Hour)
		w.do(1, id, "plan", five)
		done := map[string]any{"done_summary": "已清理"}
		w.refused(officer(1), id, "report-done", done, lifecycle.CodeEvidence)
		w.attach(1, id, EvidenceRequest{Kind: "photo", File: fromPhone(t)})
		w.do(1, id, "report-done", done)
		w.refused(officer(1), id, "pass", map[string]any{"result": "ok"}, lifecycle.CodeSecondPerson)
		w.do(2, id, "fail", map[string]any{"result": "仍有杂物", "rectify_by": limit(24 * time.Hour)})
		w.refused(officer(3), id, "report-done", done, lifecycle.CodeEvidence) // the old photo proves nothing now
		w.attach(3, id, EvidenceRequest{Kind: "photo", File: plainJPEG(t)})
		w.do(3, id, "report-done", done)
		w.attach(2, id, EvidenceRequest{Kind: "photo", File: plainJPEG(t)})
		for _, who := range []int64{1, 3} { // whoever has reported it done, in whichever round
			w.refused(officer(who), id, "pass", map[string]any{"result": "ok"}, lifecycle.CodeSecondPerson)
		}
		w.do(2, id, "pass", map[string]any{"result": "复查合格"})
		c := w.page(id)
		if c.State != "written-off" || c.Outcome != "proven" || c.Fields["grade"] != "major" || c.Fields["responsible"] != "物业服务中心" {
			t.Errorf("%+v", c)
		}
		if n := w.count("select count(*) from evidence_blobs"); n != 2 {
			t.Errorf("%d files are kept, want 2: the same file is kept once", n)
		}
		media, body, err := w.File(inspector, id, c.Evidence[0].ID)
		if err != nil || media != "image/jpeg" || bytes.Contains(body, []byte("SECRET")) {
			t.Errorf("%s %v; the photo still tells what the camera added: %v", media, err, bytes.Contains(body, []byte("SECRET")))
		}
	})
}

func TestFalseAlarmNeedsTwo(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	w.alert("alert.raised", 1, 1, "red")
	w.refused(officer(1), 1, "doubt", map[string]any{"reason": "desk"}, lifecycle.CodeWrongState) // not from the desk
	w.do(1, 1, "accept", nil)
	w.do(1, 1, "arrive", nil)
	w.refused(officer(1), 1, "doubt", nil, lifecycle.CodeField)
	w.do(1, 1, "doubt", map[string]any{"reason": "paint thinner in use"})
	w.refused(officer(1), 1, "confirm-false", nil, lifecycle.CodeSecondPerson)
	w.do(2, 1, "reject-false", map[string]any{"reason": "thinner does not reach 20 %LEL"})
	w.do(2, 1, "doubt", map[string]any{"reason": "checked with a second instrument"})
	w.refused(officer(1), 1, "confirm-false", nil, lifecycle.CodeSecondPerson) // both have doubted: a third must decide
	w.refused(officer(2), 1, "confirm-false", nil, lifecycle.CodeSecondPerson)
	w.do(3, 1, "confirm-false", nil)
	if c := w.page(1); c.Outcome != "unfounded" || c.State != "false-alarm" {
		t.Errorf("%+v", c)
	}
}

func TestRunningCaseKeepsItsDefinition(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.alert("alert.raised", 1, 1, "red")

		// The pack changes: the first state and its move are gone. A new process starts with it.
		changed := kind(t, "gas", "gas-leak")
		changed.States = slices.Clone(changed.States[1:])
		changed.Moves = slices.Clone(changed.Moves[1:])
		changed.Title = lifecycle.Words("Gas leak, revised", "燃气泄漏处置（修订）")
		later := newWorld(t, w.DB, changed)
		later.clock.Set(w.clock.Now())
		later.city = w.city
		later.alert("alert.raised", 2, 2, "red")

		old, new := later.page(1), later.page(2)
		if old.KindTitle.En != "Gas leak" || old.State != "opened" || new.KindTitle.En != "Gas leak, revised" || new.State != "accepted" ||
			old.Definition == new.Definition {
			t.Errorf("old %+v, new %+v", old.CaseView, new.CaseView)
		}
		later.do(1, 1, "accept", nil) // which the new definition does not know
		later.refused(officer(1), 2, "accept", nil, lifecycle.CodeUnknownMove)
		if n := later.count("select count(*) from case_definitions"); n != 2 {
			t.Errorf("%d definitions", n)
		}
	})
}

func TestIdempotencyKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.alert("alert.raised", 1, 1, "red")
		me, other := as(officer(1)), as(officer(2))
		first, err := w.Note(me, 1, "called the crew", "k")
		if err != nil {
			t.Fatal(err)
		}
		again, err := w.Note(me, 1, "called the crew", "k")
		if err != nil || again != first {
			t.Errorf("repeat gives %v %v, want %v", again, err, first)
		}
		if _, err := w.Note(me, 1, "something else", "k"); !hasCode(err, "request.key_reused") {
			t.Errorf("another request under the key: %v", err)
		}
		if r, err := w.Note(other, 1, "called the crew", "k"); err != nil || r == first {
			t.Errorf("another person's same key gives %v %v", r, err)
		}
		// A refused request leaves no trace: once what was missing is there, the same key works.
		w.do(1, 1, "accept", nil)
		w.do(1, 1, "arrive", nil)
		w.do(1, 1, "report-safe", map[string]any{"cause": "joint", "action": "x"})
		verify := MoveRequest{Move: "verify"}
		if _, err := w.Move(other, 1, verify, "v"); err == nil {
			t.Fatal("verified without evidence")
		}
		w.clock.Advance(time.Second)
		w.city.say(methane(0, w.clock.Now()))
		w.attach(1, 1, EvidenceRequest{Kind: "reading"})
		moved, err := w.Move(other, 1, verify, "v")
		if err != nil {
			t.Fatal(err)
		}
		if repeat, err := w.Move(other, 1, verify, "v"); err != nil || repeat != moved {
			t.Errorf("the repeat of a move that closed the case: %v %v, want %v", repeat, err, moved)
		}
		// After a day the key is free.
		w.clock.Advance(keepRequests + time.Second)
		if r, err := w.Note(me, 1, "something else", "k"); err != nil || r == first {
			t.Errorf("after a day: %v %v", r, err)
		}
		w.clock.Advance(keepRequests + time.Second)
		if err := w.DB.Write(me, func(tx *db.Tx) error { return forgetRequests(tx, w.clock.Now()) }); err != nil {
			t.Fatal(err)
		}
		if n := w.count("select count(*) from respond_requests"); n != 0 {
			t.Errorf("%d requests are kept after a day", n)
		}
		if _, err := w.Note(me, 1, "x", strings.Repeat("k", maxKey+1)); !hasCode(err, "request.key") {
			t.Errorf("a key without end: %v", err)
		}
	})
}

func hasCode(err error, code string) bool {
	var e *web.Error
	return errors.As(err, &e) && e.Code == code
}

func TestTasks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.alert("alert.raised", 1, 1, "red")
		me := as(officer(1))
		due := w.clock.Now().Add(time.Hour)
		r, err := w.OpenTask(me, 1, TaskRequest{Title: "Close valve V-12", Assignee: "gas-crew", DueAt: &due}, "")
		if err != nil {
			t.Fatal(err)
		}
		past := w.clock.Now()
		if _, err := w.OpenTask(me, 1, TaskRequest{Title: "x", DueAt: &past}, ""); !hasCode(err, "case.task") {
			t.Errorf("a task due in the past: %v", err)
		}
		for _, organisation := range []int64{901, -1} {
			_, err := w.OpenTask(me, 1, TaskRequest{Title: "x", Organisation: organisation}, "")
			var e *web.Error
			if !errors.As(err, &e) || e.Status != 422 || e.Code != "case.unknown_organisation" || e.Field != "organisation" {
				t.Errorf("a task for organisation %d, which does not exist: %v", organisation, err)
			}
		}
		if ts := w.page(1).Tasks; len(ts) != 1 || ts[0].Title != "Close valve V-12" || ts[0].Organisation != 40 || !ts[0].DueAt.Equal(due) {
			t.Errorf("%+v", ts)
		}
		if _, err := w.FinishTask(me, 1, r.Item, "", ""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.FinishTask(me, 1, r.Item, "", ""); !hasCode(err, "case.task_ended") {
			t.Errorf("finished twice: %v", err)
		}
		if _, err := w.FinishTask(me, 1, 999, "", ""); !hasCode(err, "case.no_task") {
			t.Errorf("no such task: %v", err)
		}
		if _, err := w.Note(me, 1, "Crew is there.", "once"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Note(me, 1, "Crew is there.", "once"); err != nil { // a repeat tells nothing new
			t.Fatal(err)
		}
		for what, want := range map[string]int{"task": 2, "note": 1} {
			n := w.count(`select count(*) from outbox where subject = 'case.changed' and json_text(payload, 'what') = $1
				and json_num(payload, 'case') = 1 and json_num(payload, 'owner') = 40 and json_num(payload, 'area') = 30`, what)
			if n != want {
				t.Errorf("%d × case.changed by a %s, want %d", n, what, want)
			}
		}
		if n := w.count("select count(*) from timers where name <> 'state'"); n != 0 {
			t.Errorf("%d timers of a finished task", n)
		}
		for name, err := range map[string]error{
			"case.not_found":     second(w.Note(me, 99, "x", "")),
			"case.text":          second(w.Note(me, 1, " ", "")),
			"case.no_reading":    second(w.Attach(me, 1, EvidenceRequest{Kind: "reading", Datastream: 99}, "")),
			"case.evidence_kind": second(w.Attach(me, 1, EvidenceRequest{Kind: "rumour"}, "")),
			lifecycle.CodeField:  second(w.Move(me, 1, MoveRequest{Move: "accept", Fields: map[string]any{"x": "a\x00"}}, "")),
		} {
			if !hasCode(err, name) {
				t.Errorf("%v, want %s", err, name)
			}
		}
	})
}

// Whatever field a person writes a number into, no table keeps it, no page shows it, and the ledger's hash binds the words
// that are kept.
func TestNumbersOfPersonsAreNotKept(t *testing.T) {
	const attack = "张三 13812345678 110101199003074258 京A12345"
	each(t, func(t *testing.T, w *world) {
		w.alert("alert.raised", 1, 1, "red")
		me := as(officer(1))
		due := w.clock.Now().Add(time.Minute)
		task, err := w.OpenTask(me, 1, TaskRequest{Title: "问 " + attack, Assignee: attack, DueAt: &due}, "t")
		if err != nil {
			t.Fatal(err)
		}
		f, err := w.Findings.Record(me, inspect.Draft{Place: 3, Description: attack, Checklist: attack, Grade: "major"}, "f")
		if err != nil {
			t.Fatal(err)
		}
		hazard, err := w.OpenForFinding(me, f)
		if err != nil {
			t.Fatal(err)
		}
		w.do(1, 1, "accept", nil)
		safe := map[string]any{"cause": "joint", "action": attack}
		if err := errors.Join(
			second(w.Note(me, 1, attack, "n")),
			second(w.Attach(me, 1, EvidenceRequest{Kind: "note", Text: attack}, "e")),
			second(w.Move(me, 1, MoveRequest{Move: "arrive", Note: attack}, "m")),
			second(w.Move(me, 1, MoveRequest{Move: "report-safe", Note: attack, Fields: safe}, "s")),
			second(w.FinishTask(me, 1, task.Item, "", "d")),
		); err != nil {
			t.Fatal(err)
		}
		answer, err := json.Marshal([]*CasePage{w.page(1), w.page(hazard)})
		if err != nil {
			t.Fatal(err)
		}
		kept := map[string]string{"API": string(answer)}
		for table, columns := range map[string]string{
			"ledger_leaves": "record", "outbox": "payload", "cases": "title || fields", "case_timeline": "text || data || en || zh",
			"case_evidence": "text", "case_tasks": "text || post", "respond_requests": "request || response",
		} {
			err := w.DB.Read(context.Background(), func(tx *db.Tx) error {
				return tx.Each(func(rows *sql.Rows) error {
					var s string
					err := rows.Scan(&s)
					kept[table] += s + "\n"
					return err
				}, "select "+columns+" from "+table)
			})
			if err != nil {
				t.Fatal(table, err)
			}
		}
		for where, words := range kept {
			for _, number := range strings.Fields(attack)[1:] {
				if strings.Contains(words, number) {
					t.Errorf("%s keeps %s", where, number)
				}
			}
		}
		for _, where := range []string{"API", "cases", "case_timeline", "case_evidence", "case_tasks", "ledger_leaves"} {
			if !strings.Contains(kept[where], "张三 *** *** ***") {
				t.Errorf("%s has lost the words around the numbers: %s", where, kept[where])
			}
		}
		digest, err := answersDigest(nil, "张三 *** *** ***")
		if err != nil || !strings.Contains(kept["ledger_leaves"], digest) {
			t.Errorf("the ledger does not bind the words that are kept (%v)", err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// denied refuses one action and what belongs to organisation 40 to be read.
type denied struct{ action string }

func (d denied) Decide(_ context.Context, action string, r access.Resource, _ access.Purpose) error {
	if action == d.action && (r.ID != 0 || action == "case.open") {
		return web.Errorf(403, "access.denied", "not you")
	}
	return nil
}

func TestEveryDeedAsksFirst(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	w.alert("alert.raised", 1, 1, "red")
	before := w.count("select count(*) from case_timeline")
	me := as(officer(1))
	for action, deed := range map[string]func() error{
		"case.read":   func() error { return second(w.Case(me, 1)) },
		"case.move":   func() error { return second(w.Move(me, 1, MoveRequest{Move: "accept"}, "")) },
		"case.note":   func() error { return second(w.Note(me, 1, "x", "")) },
		"case.task":   func() error { return second(w.OpenTask(me, 1, TaskRequest{Title: "x"}, "")) },
		"case.attach": func() error { return second(w.Attach(me, 1, EvidenceRequest{Kind: "note", Text: "x"}, "")) },
		"case.open":   func() error { return second(w.OpenForFinding(me, inspect.Finding{ID: 1})) },
	} {
		w.Access = denied{action}
		if err := deed(); !hasCode(err, "access.denied") {
			t.Errorf("%s: %v", action, err)
		}
	}
	w.Access = denied{"case.task"}
	if err := second(w.FinishTask(me, 1, 1, "", "")); !hasCode(err, "access.denied") {
		t.Errorf("finish task: %v", err)
	}
	w.Access = denied{"case.read"}
	if _, _, err := w.File(me, 1, 1); !hasCode(err, "access.denied") {
		t.Errorf("file: %v", err)
	}
	if found, _, err := w.Cases(me, Filter{Limit: 10}); err != nil || len(found) != 0 {
		t.Errorf("the list shows %v %v", found, err)
	}
	if n := w.count("select count(*) from case_timeline"); n != before {
		t.Errorf("a refused deed left %d entries", n-before)
	}
	w.Access = denied{"case.move"}
	if c := w.page(1); c.Moves[0].Allowed || c.Moves[0].WhyNot == nil {
		t.Errorf("the console offers a move that the policy refuses: %+v", c.Moves[0])
	}
}

func TestPages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i := range int64(7) {
			w.alert("alert.raised", i+1, i+1, "red")
		}
		var seen []int64
		for next, turns := int64(0), 0; turns == 0 || next != 0; turns++ {
			var page []CaseView
			var err error
			if page, next, err = w.Cases(as(officer(1)), Filter{Open: true, Kind: "gas-leak", Before: next, Limit: 3}); err != nil {
				t.Fatal(err)
			}
			for _, c := range page {
				seen = append(seen, c.ID)
			}
		}
		if !slices.Equal(seen, []int64{7, 6, 5, 4, 3, 2, 1}) {
			t.Errorf("pages show %v", seen)
		}
		if found, _, err := w.Cases(as(officer(1)), Filter{Kind: "hazard-rectification", Limit: 3}); err != nil || len(found) != 0 {
			t.Errorf("another kind: %v %v", found, err)
		}
	})
}

func TestNewsThatNobodyCanUse(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	for i, c := range []struct {
		subject, data string
		want          error
	}{
		{"alert.raised", `{"alert":1,"level":"red","opens":{"case":"no-such-kind"}}`, bus.ErrDrop},
		{"alert.raised", `{"alert":`, bus.ErrDrop},
		{"alert.cleared", `{"alert":"one"}`, bus.ErrDrop},
		{"finding.recorded", `{`, bus.ErrDrop},
		{"finding.recorded", `{"finding":4711}`, bus.ErrDrop}, // from before the store was restored
		{"alert.cleared", `{"alert":77}`, nil},
		{"something.else", ``, nil},
		{"alert.raised", `{"alert":1,"level":"red"}`, nil}, // asks for no case
	} {
		err := w.Hear(as(access.System("respond")), bus.Message{ID: int64(i + 1), Subject: c.subject, Data: []byte(c.data)})
		if !errors.Is(err, c.want) {
			t.Errorf("%s %s: %v, want %v; else it would be tried for ever, and all behind it wait", c.subject, c.data, err, c.want)
		}
	}
	if n := w.count("select count(*) from cases"); n != 0 {
		t.Errorf("%d cases", n)
	}
}

func TestAmbiguousKinds(t *testing.T) {
	a, b := kind(t, "hazard", "hazard-rectification"), kind(t, "hazard", "hazard-rectification")
	if _, err := New(Deps{Kinds: []*lifecycle.Kind{a, b}}); err == nil {
		t.Error("the same kind twice is accepted")
	}
	b.ID = "another"
	if _, err := New(Deps{Kinds: []*lifecycle.Kind{a, b}}); err == nil {
		t.Error("two kinds that a finding opens are accepted")
	}
}
