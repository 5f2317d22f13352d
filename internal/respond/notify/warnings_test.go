package notify

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/warntest"
)

// desk is the room of warnings in the same city.
type desk struct {
	*warn.Service
	w    *world
	last int64
}

func (w *world) desk() *desk {
	w.t.Helper()
	book := warntest.Shipped(w.t)
	s, err := warn.New(warn.Deps{DB: w.DB, Clock: w.clock, Access: access.AllowAll, Hazards: book,
		Areas: area.New(area.Deps{Access: access.AllowAll, Register: warntest.Town{}, Ground: warntest.NewQuay(), Hazards: book})})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Service.Warnings = s
	return &desk{Service: s, w: w}
}

// done takes a deed about a warning, and has its news told.
func (d *desk) done(v warn.Warning, err error) warn.Warning {
	d.w.t.Helper()
	if err != nil {
		d.w.t.Fatal(err)
	}
	d.w.settle()
	return v
}

func (d *desk) proposal(level warn.Level, status string, lasts time.Duration) warn.Proposal {
	return warn.Proposal{Level: level, Hazard: "gas-leak", Areas: []int64{11}, Status: status, Expires: d.w.now().Add(lasts),
		Headline: page.Text{English: "Gas leak on Old Quay", Chinese: "老码头燃气泄漏预警"}, Description: page.Text{English: "Gas escapes from a main.", Chinese: "一处燃气干管发生泄漏。"}}
}

// alert tells the room of warnings of an alert, and the posts of what it suggests.
func (d *desk) alert(subject string, id int64, level string) {
	d.w.t.Helper()
	data, err := json.Marshal(events.AlertFacts{Alert: id, Detector: "flood/wave-coming", Kind: "hazard", Level: level, State: "raised", Asset: id * 100, Area: 10, Since: d.w.now(), At: d.w.now(),
		AssetName: events.AlertText{EN: "Gauge", ZH: "水位站"}, PlaceName: events.AlertText{EN: "Quay bridge", ZH: "码头桥"}, Because: events.AlertText{EN: "5.2 m", ZH: "水位 5.2 m"}})
	if err != nil {
		d.w.t.Fatal(err)
	}
	d.last++
	if err := d.Hear(context.Background(), bus.Message{ID: d.last, Subject: subject, Data: data}); err != nil {
		d.w.t.Fatal(err)
	}
	d.w.settle()
}

// suggestion is the one that is open.
func (d *desk) suggestion() warn.Suggestion {
	d.w.t.Helper()
	list, err := d.Suggestions(warntest.As(warntest.First), "open", 10)
	if err != nil || len(list) != 1 {
		d.w.t.Fatalf("%+v %v", list, err)
	}
	return list[0]
}

// newest is the last notice, in both languages.
func (w *world) newest(what, en, zh, why string) Notice {
	w.t.Helper()
	ns := w.notices()
	n := ns[len(ns)-1]
	if n.Title.En != en || n.Title.Zh != zh || n.Text.Zh != why {
		w.t.Errorf("%s: %q %q because %q, want %q %q because %q", what, n.Title.En, n.Title.Zh, n.Text.Zh, en, zh, why)
	}
	return n
}

// A warning that waits for a second officer is told to the desk until somebody decides; taking note is not deciding.
func TestProposalWaitsForASecondOfficer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.desk()
		first, second := warntest.As(warntest.First), warntest.As(warntest.Second)
		v := d.done(d.Propose(first, d.proposal(warn.Orange, "", 6*time.Hour)))
		w.want("at once", "0")
		n := w.newest("proposed", "Warning 2026-0001 · Gas leak on Old Quay", "预警 2026-0001 · 老码头燃气泄漏预警", "预警待审核签发")
		if n.About != AboutWarning || n.AboutID != v.ID || n.Level != "orange" {
			t.Errorf("%+v", n)
		}
		if _, err := w.Acknowledge(first, n.ID, ""); err != nil {
			t.Fatal(err)
		}
		if w.openCalls() != 0 {
			t.Error("who took note is still called")
		}
		w.pass(5 * time.Minute)
		if w.sounds != 1 {
			t.Errorf("sounded %d times after five minutes", w.sounds)
		}
		w.pass(10 * time.Minute)
		w.want("a reminder", "0 0")
		if changed := w.again(4); changed != "" {
			t.Error(changed)
		}
		d.done(d.Approve(second, v.ID, 0))
		w.want("issued", "0 0 over:0")
		w.newest("issued", "Warning 2026-0001 · Gas leak on Old Quay", "预警 2026-0001 · 老码头燃气泄漏预警", "预警已签发")
		w.pass(time.Hour)
		w.want("silence", "0 0 over:0")

		d.done(d.ProposeUpdate(first, v.ID, d.proposal(warn.Red, "", 6*time.Hour)))
		if n := w.newest("an update", "Update of warning 2026-0001 · Gas leak on Old Quay", "更新预警 2026-0001 · 老码头燃气泄漏预警", "预警待审核签发"); n.Level != "red" {
			t.Errorf("%+v", n)
		}
		d.done(d.Withdraw(second, v.ID, "the level is wrong"))
		w.want("withdrawn", "0 0 over:0 0 over:0")
		w.newest("withdrawn", "Update of warning 2026-0001 · Gas leak on Old Quay", "更新预警 2026-0001 · 老码头燃气泄漏预警", "预警提请已撤回")
		d.done(d.ProposeUpdate(first, v.ID, d.proposal(warn.Yellow, "", 6*time.Hour)))
		w.want("put forward anew", "0 0 over:0 0 over:0 0")
		d.done(d.AllClear(second, v.ID, "the main is closed"))
		w.want("the warning has ended", "0 0 over:0 0 over:0 0 over:0")
		if w.openCalls() != 0 {
			t.Errorf("%d calls are open", w.openCalls())
		}
	})
}

// A proposal that nobody decided ends when its own time has passed, long after the last reminder; an exercise says so.
func TestProposalLapses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.desk()
		v := d.done(d.Propose(warntest.As(warntest.First), d.proposal(warn.Blue, cap.Exercise, 10*time.Hour)))
		w.newest("an exercise", "EXERCISE · Warning 2026-0001 · Gas leak on Old Quay", "【演练】预警 2026-0001 · 老码头燃气泄漏预警", "预警待审核签发")
		for range 18 {
			w.pass(30 * time.Minute)
		}
		if r := w.run(1); r.State != Spent || w.openCalls() != 1 || w.sounds != 6 {
			t.Errorf("the run is %s, %d calls are open, sounded %d times", r.State, w.openCalls(), w.sounds)
		}
		w.pass(time.Hour)
		if n := w.newest("lapsed", "EXERCISE · Warning 2026-0001 · Gas leak on Old Quay", "【演练】预警 2026-0001 · 老码头燃气泄漏预警", "预警时限已过，未予签发"); !n.Over || n.AboutID != v.ID || w.openCalls() != 0 {
			t.Errorf("%+v, %d calls are open", n, w.openCalls())
		}
	})
}

// What alerts suggest is told until somebody takes note, and again where it becomes worse; it ends when it was decided or has no
// reason left.
func TestSuggestionIsTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.desk()
		first, second := warntest.As(warntest.First), warntest.As(warntest.Second)
		d.alert("alert.raised", 1, "orange")
		n := w.newest("suggested", "A warning is suggested: River flood · Harbour Road", "建议发布预警：洪水 · 港湾路", "预警建议待处理")
		if n.About != AboutSuggestion || n.AboutID != d.suggestion().ID || n.Level != "orange" {
			t.Errorf("%+v", n)
		}
		d.alert("alert.raised", 2, "orange")
		w.want("one more alert", "0")
		if _, err := w.Acknowledge(first, n.ID, ""); err != nil {
			t.Fatal(err)
		}
		d.alert("alert.raised", 3, "yellow")
		w.pass(time.Hour)
		w.want("noted", "0")
		d.alert("alert.changed", 2, "red")
		w.want("it is worse", "0 0")
		if _, err := d.Dismiss(second, n.AboutID, "a drill with the gauges"); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.want("dismissed", "0 0 over:0")
		w.newest("dismissed", "A warning is suggested: River flood · Harbour Road", "建议发布预警：洪水 · 港湾路", "建议不予采纳")

		d.alert("alert.raised", 4, "red")
		w.want("more than was dismissed", "0 0 over:0 0")
		v := d.done(d.Propose(first, d.suggestion().Draft.Proposal))
		if said := w.said(); said != "0 0 over:0 0 over:0 0" && said != "0 0 over:0 0 0 over:0" {
			t.Errorf("taken: told %q", said)
		}
		d.done(d.Approve(second, v.ID, 0))
		for id := int64(1); id <= 4; id++ {
			d.alert("alert.cleared", id, "red")
		}
		w.newest("all clear", "The all-clear is suggested: River flood 2026-0001 · Harbour Road", "建议解除预警：洪水 2026-0001 · 港湾路", "预警建议待处理")
		before := w.said()
		d.done(d.AllClear(second, v.ID, "the water has fallen"))
		w.want("it was given", before+" over:0")
		if n := w.newest("given", "The all-clear is suggested: River flood 2026-0001 · Harbour Road", "建议解除预警：洪水 2026-0001 · 港湾路", "建议已采纳"); !n.Over || w.openCalls() != 0 {
			t.Errorf("%+v, %d calls are open", n, w.openCalls())
		}
	})
}

// A city without these chains is told nothing, and nothing waits for it.
func TestWarningsWithoutChains(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.chains = []*Chain{chain(t, strings.Replace(head, "id: c", "id: other", 1)+"  begins: {on: alert}\n  steps: [{tell: owner}]\n")}
		w.restart(w.DB)
		d := w.desk()
		d.done(d.Propose(warntest.As(warntest.First), d.proposal(warn.Red, "", time.Hour)))
		d.alert("alert.raised", 1, "red")
		w.want("no chain", "")
	})
}
