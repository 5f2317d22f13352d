package warn

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/warn/warntest"
)

// watcher tells the room of alerts as the bus would.
type watcher struct {
	*testing.T
	s    *desk
	c    *clock.Virtual
	last int64
	told []bus.Message
}

func watch(t *testing.T, d *db.DB) *watcher {
	t.Helper()
	s, c := newService(t, d)
	s.areas = quay()
	s.district = func(area int64) int64 { // the cells 1010, 2010 … lie in area 10
		if area > 1000 {
			return area % 1000
		}
		return area
	}
	return &watcher{T: t, s: s, c: c}
}

func alert(id int64, detector, level string, area int64) events.AlertFacts {
	return events.AlertFacts{Alert: id, Detector: detector, Kind: "hazard", Level: level, State: "raised", Asset: id * 100, Area: area, Since: start,
		Title: events.AlertText{EN: "River above its mark", ZH: "河道水位超警戒"}, AssetName: events.AlertText{EN: fmt.Sprintf("Gauge %d", id), ZH: fmt.Sprintf("%d号水位站", id)},
		PlaceName: events.AlertText{EN: "Quay bridge", ZH: "码头桥"}, Because: events.AlertText{EN: "5.2 m for 10 min", ZH: "水位 5.2 m，已持续10分钟"}, At: start}
}

func (w *watcher) tell(subject string, a events.AlertFacts) {
	w.Helper()
	data, err := json.Marshal(a)
	if err != nil {
		w.Fatal(err)
	}
	w.last++
	m := bus.Message{ID: w.last, Subject: subject, Data: data}
	w.told = append(w.told, m)
	if err := w.s.Hear(context.Background(), m); err != nil {
		w.Fatal(err)
	}
}

// open is what is suggested now, as kind/hazard/level/warning/alerts.
func (w *watcher) open() []Suggestion {
	w.Helper()
	list, err := w.s.Suggestions(as(first), "open", 100)
	if err != nil {
		w.Fatal(err)
	}
	return list
}

func (w *watcher) expect(what string, want ...string) {
	w.Helper()
	var got []string
	for _, x := range w.open() {
		var alerts []string
		for _, a := range x.Alerts {
			alerts = append(alerts, fmt.Sprint(a.Alert))
		}
		slices.Sort(alerts)
		got = append(got, fmt.Sprintf("%s %s %s w%d of %s", x.Kind, x.Hazard, x.Level, x.Warning, strings.Join(alerts, ",")))
	}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		w.Errorf("%s: suggested %q, want %q", what, got, want)
	}
}

func (w *watcher) taken(level Level, warning int64) Warning {
	w.Helper()
	list := w.open()
	if len(list) != 1 || list[0].Draft == nil {
		w.Fatalf("not one suggestion with a draft: %+v", list)
	}
	p := list[0].Draft.Proposal
	p.Level = level
	var v Warning
	var err error
	if warning == 0 {
		v, err = w.s.Propose(as(first), p)
	} else {
		v, err = w.s.ProposeUpdate(as(first), warning, p)
	}
	if err != nil {
		w.Fatal(err)
	}
	return v
}

func (w *watcher) approve(id int64) Warning {
	w.Helper()
	v, err := w.s.Approve(as(second), id, 0)
	if err != nil {
		w.Fatal(err)
	}
	return v
}

func TestAlertsSuggestAndPeopleDecide(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		w := watch(t, d)
		a := alert(1, "flood/river-level", "blue", 2010)
		w.tell("alert.raised", a)
		w.expect("blue is below from")
		a.Level = "yellow"
		w.tell("alert.changed", a)
		w.expect("yellow", "issue flood yellow w0 of 1")
		b := alert(2, "flood/wave-coming", "orange", 10)
		w.tell("alert.raised", b)
		w.expect("two alerts of one district are one suggestion", "issue flood orange w0 of 1,2")
		w.tell("alert.raised", alert(3, "gas/leak-confirmed", "orange", 10))
		w.expect("another hazard is another", "issue gas-leak orange w0 of 3", "issue flood orange w0 of 1,2")
		if x := w.open()[0]; len(x.Around) != 1 || x.Around[0].Asset != 300 || x.Around[0].Metres != 300 {
			t.Errorf("around %+v", x.Around)
		}
		if _, err := w.s.Dismiss(as(second), w.open()[0].ID, "a calibration with test gas"); err != nil {
			t.Fatal(err)
		}
		x := w.open()[0]
		if x.Areas[0].Name.English != "Harbour" || x.Alerts[0].Alert != 2 || len(x.Around) != 0 || x.Draft.Suggestion != x.ID {
			t.Errorf("%+v", x)
		}
		if h := x.Draft.Headline; h.Chinese != "港区洪水橙色预警：预计将出现较高水位" || h.English != "River flood, orange level: high water expected in Harbour" {
			t.Errorf("headline %+v", h)
		}
		if p := x.Draft.Description; !strings.Contains(p.Chinese, "2号水位站") || !strings.Contains(p.Chinese, "11月23日21时30分") || !strings.Contains(p.English, "21:30 on 23 November") || len(x.Draft.Missing) != 0 {
			t.Errorf("description %+v, missing %v", p, x.Draft.Missing)
		}

		v := w.taken(Orange, 0)
		w.expect("taken and proposed")
		if fmt.Sprint(v.Alerts) != "[1 2]" {
			t.Errorf("the warning answers %v", v.Alerts)
		}
		w.approve(v.ID)
		w.expect("issued")
		a.Level = "red"
		w.tell("alert.changed", a)
		w.expect("worse", fmt.Sprintf("upgrade flood red w%d of 1,2", v.ID))
		if _, err := w.s.Propose(as(first), w.open()[0].Draft.Proposal); code(err) != "warning.suggestion_other" {
			t.Errorf("an upgrade became a second warning: %v", err)
		}
		w.taken(Red, v.ID)
		w.expect("the update waits")
		if v = w.approve(v.ID); v.Level != Red {
			t.Errorf("%+v", v)
		}
		a.Level = "yellow"
		w.tell("alert.changed", a)
		w.expect("better", fmt.Sprintf("downgrade flood orange w%d of 1,2", v.ID))
		w.tell("alert.cleared", b)
		w.expect("better still", fmt.Sprintf("downgrade flood yellow w%d of 1", v.ID))
		w.tell("alert.cleared", a)
		w.expect("over", fmt.Sprintf("all-clear flood red w%d of 1,2", v.ID))
		if _, err := w.s.AllClear(as(first), v.ID, "The water falls."); err != nil {
			t.Fatal(err)
		}
		w.expect("ended")
		all, err := w.s.Suggestions(as(first), "all", 100)
		if err != nil {
			t.Fatal(err)
		}
		var states []string
		for _, x := range all {
			states = append(states, string(x.Kind)+" "+string(x.State))
		}
		slices.Reverse(states)
		if got := strings.Join(states, ", "); got != "issue taken, issue dismissed, upgrade taken, downgrade over, all-clear taken" {
			t.Errorf("what became of them: %s", got)
		}

		// The same news all over again, in order and out of it, changes nothing.
		before := len(subjects(t, d))
		again := slices.Clone(w.told)
		slices.Reverse(again)
		for _, m := range slices.Concat(w.told, again) {
			if err := w.s.Hear(context.Background(), m); err != nil {
				t.Fatal(err)
			}
		}
		w.expect("replayed")
		if after := len(subjects(t, d)); after != before {
			t.Errorf("%d events more by a replay", after-before)
		}
		// Nothing was ever proposed or published by the program.
		if got := fmt.Sprint(ledgerActions(t, d)); got != "[warning.dismiss warning.propose warning.approve warning.propose warning.approve warning.all-clear]" {
			t.Errorf("ledger %s", got)
		}
	})
}

func TestWhatWasDecidedIsNotSuggestedAgain(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		w := watch(t, d)
		a := alert(1, "flood/river-level", "orange", 10)
		w.tell("alert.raised", a)
		if _, err := w.s.Dismiss(as(first), w.open()[0].ID, ""); code(err) != "warning.no_reason" {
			t.Errorf("dismissed without a reason: %v", err)
		}
		x, err := w.s.Dismiss(as(first), w.open()[0].ID, "the gauge is being cleaned")
		if err != nil || x.State != Dismissed || x.DecidedBy == "" || x.Reason == "" {
			t.Fatalf("%+v %v", x, err)
		}
		if _, err := w.s.Dismiss(as(first), x.ID, "again"); code(err) != "warning.suggestion_settled" {
			t.Errorf("dismissed twice: %v", err)
		}
		a.Level = "yellow"
		w.tell("alert.changed", a)
		a.Level = "orange"
		w.tell("alert.changed", a)
		w.expect("the same alert, no worse")
		a.Level = "red"
		w.tell("alert.changed", a)
		w.expect("worse than what was dismissed", "issue flood red w0 of 1")

		// A proposal that is withdrawn has answered nothing.
		v := w.taken(Red, 0)
		w.expect("proposed")
		if _, err := w.s.Withdraw(as(second), v.ID, "written anew"); err != nil {
			t.Fatal(err)
		}
		w.expect("withdrawn", "issue flood red w0 of 1")
		v = w.taken(Red, 0)
		w.approve(v.ID)
		// An officer ends it while the alert stands: it isn't suggested anew until there is more.
		if _, err := w.s.Cancel(as(first), v.ID, "wrong river"); err != nil {
			t.Fatal(err)
		}
		w.expect("cancelled by an officer")
		b := alert(2, "flood/river-level", "yellow", 10)
		b.Since = w.c.Now().Add(time.Hour)
		w.tell("alert.raised", b)
		w.expect("a new alert", "issue flood red w0 of 1,2")

		// The clock ends a warning while the alert stands: that one is suggested anew.
		v = w.taken(Red, 0)
		v = w.approve(v.ID)
		w.c.Set(v.Expires)
		w.s.expire(context.Background())
		w.expect("expired", "issue flood red w0 of 1,2")

		// What rests calls nobody.
		a.Rests, b.Rests = true, true
		w.tell("alert.changed", a)
		w.tell("alert.changed", b)
		w.expect("resting")
		a.Rests = false
		w.tell("alert.rest_over", a)
		w.expect("rest over", "issue flood red w0 of 1")
		if _, err := w.s.Propose(as(first), func() Proposal {
			p := gasLeak()
			p.Expires = w.c.Now().Add(time.Hour)
			p.Suggestion = w.open()[0].ID
			return p
		}()); code(err) != "warning.suggestion_other" {
			t.Errorf("a suggestion of a flood taken for gas: %v", err)
		}
		if _, err := w.s.Propose(as(first), func() Proposal { p := gasLeak(); p.Expires = w.c.Now().Add(time.Hour); p.Suggestion = 999; return p }()); code(err) != "warning.unknown_suggestion" {
			t.Errorf("taken what isn't there: %v", err)
		}
	})
}

// A level that an officer chose otherwise than the alert is not argued with.
func TestAnOfficersLevelStands(t *testing.T) {
	w := watch(t, dbtest.SQLite(t, allMigrations...))
	a := alert(1, "flood/river-level", "orange", 10)
	w.tell("alert.raised", a)
	v := w.taken(Yellow, 0)
	w.approve(v.ID)
	w.expect("lower than the alert")
	b := alert(2, "flood/river-rise", "orange", 10)
	w.tell("alert.raised", b)
	w.expect("another of the same level")
	a.Level = "red"
	w.tell("alert.changed", a)
	w.expect("worse", fmt.Sprintf("upgrade flood red w%d of 1,2", v.ID))
}

// A warning that was composed by hand for the same area answers the alert, too; an exercise doesn't, unless it was made of it.
func TestAWarningByHandAnswers(t *testing.T) {
	w := watch(t, dbtest.SQLite(t, allMigrations...))
	p := gasLeak()
	p.Status = "Exercise"
	issue(t, w.s, p)
	a := alert(1, "gas/leak-confirmed", "orange", 10)
	w.tell("alert.raised", a)
	w.expect("an exercise answers nothing", "issue gas-leak orange w0 of 1")
	p.Status = ""
	v := issue(t, w.s, p)
	w.expect("by hand")
	a.Level = "red"
	w.tell("alert.changed", a)
	w.expect("worse", fmt.Sprintf("upgrade gas-leak red w%d of 1", v.ID))
	w.tell("alert.cleared", a)
	w.expect("nobody made it of the alert, and nobody is told to end it")

	w = watch(t, dbtest.SQLite(t, allMigrations...))
	w.tell("alert.raised", a)
	p = w.open()[0].Draft.Proposal
	p.Status = "Exercise"
	v, err := w.s.Propose(as(first), p)
	if err != nil {
		t.Fatal(err)
	}
	w.approve(v.ID)
	w.expect("a drill that an officer made of it")
	w.tell("alert.cleared", a)
	w.expect("and its end", fmt.Sprintf("all-clear gas-leak red w%d of 1", v.ID))
}

func TestNewsThatNobodyHearsChangesNothing(t *testing.T) {
	d := dbtest.SQLite(t, allMigrations...)
	w := watch(t, d)
	w.tell("alert.raised", alert(1, "weather/rainstorm", "red", 10)) // the weather service warns of rain
	silent := alert(2, "flood/river-level", "red", 10)
	silent.Kind = "monitoring"
	w.tell("alert.raised", silent)
	w.tell("alert.cleared", alert(3, "flood/river-level", "red", 10)) // over before it was heard of
	late := w.told[len(w.told)-1]
	late.ID, late.Subject = 0, "alert.raised"
	if err := w.s.Hear(context.Background(), late); err != nil {
		t.Fatal(err)
	}
	w.expect("nothing")
	if err := w.s.Hear(context.Background(), bus.Message{ID: 9, Subject: "alert.raised", Data: []byte("{")}); err == nil {
		t.Error("took what is no JSON")
	}
	if got := subjects(t, d); len(got) != 0 {
		t.Errorf("events %v", got)
	}
}

func TestTextsAndDraftsOverTheAPI(t *testing.T) {
	w := watch(t, dbtest.SQLite(t, allMigrations...))
	var texts struct{ Items []Text }
	call(t, w.s, first, "GET", "/api/v1/warnings/texts?hazard=flood", "", 200, &texts)
	if len(texts.Items) != 3 || texts.Items[0].Lasts["red"] != "6h0m0s" || texts.Items[0].Instruction.Chinese == "" {
		t.Errorf("%+v", texts)
	}
	call(t, w.s, first, "GET", "/api/v1/warnings/texts?hazard=rainstorm", "", 422, nil)
	var d Draft
	call(t, w.s, first, "POST", "/api/v1/warnings/draft", `{"hazard":"gas-leak","text":"evacuate","level":"red","areas":[10,12]}`, 200, &d)
	if fmt.Sprint(d.Missing) != "[place]" || !strings.Contains(d.Headline.Chinese, "{{place}}") || !strings.Contains(d.Description.English, "Harbour and Two Islands") {
		t.Errorf("%+v", d)
	}
	if _, err := w.s.Propose(as(first), d.Proposal); code(err) != "warning.blank" {
		t.Errorf("a blank went on: %v", err)
	}
	w.tell("alert.raised", alert(1, "gas/leak-confirmed", "red", 2010))
	d = Draft{}
	call(t, w.s, first, "POST", "/api/v1/warnings/draft", `{"hazard":"gas-leak","text":"evacuate","level":"red","alert":1}`, 200, &d)
	if len(d.Missing) != 0 || d.Headline.Chinese != "燃气泄漏红色预警：码头桥周边人员请立即疏散" || fmt.Sprint(d.Areas, d.Around) != "[] [{100 300}]" || !strings.Contains(d.Description.English, "the area within 300 m of Gauge 1") || !d.Expires.Equal(start.Add(4*time.Hour)) {
		t.Errorf("%+v", d)
	}
	if _, err := w.s.Propose(as(first), d.Proposal); err != nil {
		t.Errorf("a draft as it is: %v", err)
	}
	for body, status := range map[string]int{
		`{"hazard":"rainstorm","level":"red","areas":[10]}`:               422,
		`{"hazard":"flood","level":"red","areas":[20]}`:                   422, // it has no outline
		`{"hazard":"flood","text":"nosuch","level":"red","areas":[10]}`:   422,
		`{"hazard":"flood","level":"red","areas":[99]}`:                   422,
		`{"hazard":"flood","level":"purple","areas":[10]}`:                422,
		`{"hazard":"flood","level":"red","areas":[10],"alert":77}`:        422,
		`{"hazard":"flood","level":"blue","areas":[10]}`:                  200,
		`{"hazard":"public-transport","level":"blue","areas":[10,11,12]}`: 200,
	} {
		call(t, w.s, first, "POST", "/api/v1/warnings/draft", body, status, nil)
	}
	w.expect("the draft of an alert takes its suggestion")
	w.tell("alert.raised", alert(2, "power/area-outage", "orange", 12))
	var list struct{ Items []Suggestion }
	call(t, w.s, first, "GET", "/api/v1/warnings/suggestions", "", 200, &list)
	var x Suggestion
	call(t, w.s, first, "POST", fmt.Sprintf("/api/v1/warnings/suggestions/%d/dismiss", list.Items[0].ID), `{"reason":"a test"}`, 200, &x)
	call(t, w.s, first, "POST", "/api/v1/warnings/suggestions/99/dismiss", `{"reason":"a test"}`, 404, nil)
	if x.State != Dismissed {
		t.Errorf("%+v", x)
	}
}

// A drill's alerts suggest exercises, and nothing else can be made of them.
func TestADrillSuggestsExercises(t *testing.T) {
	w := watch(t, dbtest.SQLite(t, allMigrations...))
	w.s.hazards = warntest.Book(t, `hazards:
  - id: flood
    title: {en: River flood drill, zh-CN: 洪水演练}
    category: Met
    response: Avoid
    instruction: {en: Nothing is to be done., zh-CN: 无需采取行动。}
    texts:
      - id: rising
        title: {en: Rising, zh-CN: 上涨}
        lasts: 2h
        headline: {en: "Drill: {{area}}", zh-CN: "演练：{{area}}"}
        description: {en: "{{because}}", zh-CN: "{{because}}。"}
    proposed_by: [{detector: drill/river-level, from: yellow, text: rising, exercise: true}]
authority: [{hazards: all, levels: all, roles: duty-officer}]
`)
	a := alert(1, "drill/river-level", "yellow", 10)
	w.tell("alert.raised", a)
	x := w.open()[0]
	if x.Draft.Status != "Exercise" {
		t.Fatalf("the draft's status is %q", x.Draft.Status)
	}
	by, err := w.s.Draft(as(first), DraftRequest{Hazard: "flood", Level: Yellow, Alert: 1})
	if err != nil || by.Status != "Exercise" {
		t.Errorf("a draft of the alert: status %q, %v", by.Status, err)
	}
	for _, status := range []string{"", "Actual", "Test"} {
		p := x.Draft.Proposal
		p.Status = status
		if _, err := w.s.Propose(as(first), p); err == nil || !strings.Contains(err.Error(), "only a warning with status Exercise") {
			t.Errorf("status %q: %v", status, err)
		}
	}
	v := w.approve(w.taken(Yellow, 0).ID)
	if v.Status != "Exercise" || v.Public {
		t.Errorf("%s, public %v", v.Status, v.Public)
	}
	a.Level = "orange"
	w.tell("alert.changed", a)
	if x := w.open()[0]; x.Kind != SuggestUpgrade || x.Draft.Status != "Exercise" {
		t.Errorf("upgrade %+v", x)
	}
	if v = w.approve(w.taken(Orange, v.ID).ID); v.Level != Orange || v.Status != "Exercise" {
		t.Errorf("%s %s", v.Level, v.Status)
	}
	w.tell("alert.cleared", a)
	w.expect("the all-clear of a drill", "all-clear flood orange w1 of 1")
}
