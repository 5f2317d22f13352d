package lesson

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

var noon = time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)

// register is the city of these tests.
type register struct {
	assets []Asset
}

func (r *register) Kinds(context.Context) ([]Kind, error) {
	return []Kind{{ID: "gas/regulator", Title: lifecycle.Words("Regulator", "调压器"), Assets: len(r.assets)}}, nil
}

func (r *register) Each(_ context.Context, kind string, fn func(Asset) error) error {
	if kind != "gas/regulator" {
		return nil
	}
	for _, a := range r.assets {
		if err := fn(a); err != nil {
			return err
		}
	}
	return nil
}

// Within: district 1 holds towns 10 and 11.
func (r *register) Within(area, within int64) bool {
	return area == within || within == 1 && (area == 10 || area == 11)
}

// Above knows no organisation above another.
func (*register) Above(organisation, other int64) bool { return organisation == other }

func (r *register) Name(_ context.Context, kind string, id int64) lifecycle.Text {
	return lifecycle.Words(fmt.Sprintf("%s %d", kind, id), fmt.Sprintf("%d号%s", id, kind))
}

func (r *register) Latest(context.Context, int64) (lifecycle.Reading, error) {
	return lifecycle.Reading{}, db.ErrNotFound
}

func (r *register) Locate(_ context.Context, s inspect.Spot) (inspect.Spot, error) {
	s.Area, s.Owner, s.Point = 10, 40, &[2]float64{121.5, 31.2}
	return s, nil
}

// scoped lets an officer of an organisation act on what it holds, and the city's own on all.
type scoped struct{}

func (scoped) Decide(ctx context.Context, action string, r access.Resource, _ access.Purpose) error {
	who := access.From(ctx)
	if who.Kind == access.KindSystem || who.Organisation == 0 || r.ID == 0 || r.Organisation == who.Organisation || r.Type == "lesson" {
		return nil
	}
	return web.Errorf(403, "access.denied", "not yours")
}

type world struct {
	*Service
	t      testing.TB
	clock  *clock.Virtual
	city   *register
	source int64
}

func rooms() []db.Migrations {
	return []db.Migrations{ledger.Migrations(), outbox.Migrations(), timers.Migrations(), vault.Migrations(), inspect.Migrations(), respond.Migrations(), Migrations()}
}

func newWorld(t testing.TB, d *db.DB, assets []Asset) *world {
	t.Helper()
	w := &world{t: t, clock: clock.NewVirtual(noon), city: &register{assets: assets}}
	var kinds []*lifecycle.Kind
	for _, name := range []string{"gas", "hazard", "lesson"} {
		p, err := pack.Load(os.DirFS("../../../../packs/"+name), "packs/"+name)
		if err != nil {
			t.Fatal(err)
		}
		ks, err := lifecycle.Kinds(p)
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, ks...)
	}
	cases, err := respond.New(respond.Deps{
		DB: d, Clock: w.clock, Access: scoped{}, Readings: w.city, Register: w.city, Kinds: kinds,
		Calendars: map[string]lifecycle.WorkingDays{"cn": everyDay{}},
		Findings:  inspect.New(inspect.Deps{DB: d, Clock: w.clock, Access: scoped{}, Register: w.city}),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Service = New(Deps{Cases: cases, Register: w.city, Finish: func(ctx context.Context, caseID, task int64, _ string) error {
		_, err := cases.FinishTask(ctx, caseID, task, "", "")
		if e := (*web.Error)(nil); errors.As(err, &e) && e.Code == "case.task_ended" {
			return nil
		}
		return err
	}})
	err = d.Write(t.Context(), func(tx *db.Tx) error {
		c, _, err := cases.Open(tx, access.System("respond"), respond.Opening{Kind: "gas-leak", Spot: inspect.Spot{Asset: 1, Owner: 40}}, respond.Entry{Kind: "note"}, noon)
		if err == nil {
			w.source = c.ID
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// regulators are n of them, in towns 10, 11 and 20, held by 40, 41 and nobody; every fourth without a year.
func regulators(n int) []Asset {
	out := make([]Asset, n)
	for i := range out {
		out[i] = Asset{ID: int64(i + 1), Area: []int64{10, 11, 20}[i%3], Cell: []int64{10, 11, 20}[i%3], Organisation: []int64{40, 41, 0}[i%3],
			Says: map[string]any{"made": float64(2000 + i%20), "make": "Lanqi"}}
		if i%4 == 3 {
			delete(out[i].Says, "made")
		}
	}
	return out
}

func as(organisation int64) context.Context {
	return access.With(context.Background(), access.Actor{Kind: access.KindAccount, ID: 100 + organisation, Name: fmt.Sprintf("officer-%d", organisation), Organisation: organisation, Roles: []string{"duty-officer"}})
}

func (w *world) request(assets int, per string) Request {
	return Request{Post: "safety office", Case: w.source, Text: "Look for corrosion at the flange", Why: "The flange of this make corroded through",
		Selection: Selection{Kind: "gas/regulator"}, Per: per, DueAt: noon.Add(72 * time.Hour), Assets: assets}
}

func (w *world) pass() {
	w.t.Helper()
	if err := w.Pass(access.With(context.Background(), access.System("lesson"))); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) page(id int64) *Page {
	w.t.Helper()
	p, err := w.Read(as(0), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	err := w.Cases.DB.Read(context.Background(), func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&n) })
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// A lesson from preview to its end, on both engines.
func TestOneLessonAllAlike(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, regulators(60))
		sel := Selection{Kind: "gas/regulator", Area: 1, Conditions: []Condition{{"made", "below", "2010"}}}
		p, err := w.Preview(as(0), sel, "asset")
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		unsaid := 0
		for _, a := range w.city.assets {
			if a.Area == 20 {
				continue
			}
			if a.Says["made"] == nil {
				unsaid++
			} else if a.Says["made"].(float64) < 2010 {
				want++
			}
		}
		if p.Assets != want || p.Unsaid != unsaid || p.Tasks != want || len(p.Areas) != 2 || p.Areas[0].Assets+p.Areas[1].Assets != want {
			t.Errorf("preview %+v, want %d assets and %d unsaid", p, want, unsaid)
		}

		r := w.request(60, "asset")
		sent, err := w.Send(as(0), r, "k")
		if err != nil {
			t.Fatal(err)
		}
		if again, err := w.Send(as(0), r, "k"); err != nil || again != sent {
			t.Errorf("the repeat gives %+v %v, want %+v", again, err, sent)
		}
		if n := w.count(`select count(*) from lessons`); n != 1 {
			t.Errorf("%d lessons, want 1", n)
		}
		w.pass()
		w.pass()
		page := w.page(sent.Item)
		if page.State != "sent" || page.Total != (Progress{Assets: 60, Open: 60}) || len(page.Areas) != 3 || page.Case != sent.Case {
			t.Errorf("sent: %+v", page)
		}
		if n := w.count(`select count(*) from case_tasks where case_id = $1 and origin = $2 and state = 'open'`, sent.Case, Origin(sent.Item)); n != 60 {
			t.Errorf("%d tasks, want 60", n)
		}

		// Who holds an asset answers for it, and nobody else.
		if _, err := w.Answer(as(41), sent.Item, AnswerRequest{Assets: []int64{1}, Result: "sound"}, ""); err == nil {
			t.Error("41 answered for an asset of 40")
		}
		if _, err := w.Answer(as(40), sent.Item, AnswerRequest{Assets: []int64{1, 4, 7}, Result: "sound"}, "a"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Answer(as(40), sent.Item, AnswerRequest{Assets: []int64{1}, Result: "wrong", Note: "x"}, ""); err == nil {
			t.Error("an asset was answered for twice")
		}
		for range 2 { // the repeat records no second finding
			if _, err := w.Answer(as(40), sent.Item, AnswerRequest{Assets: []int64{10}, Result: "wrong", Note: "Flange corroded, ask 13812345678", Grade: "major"}, "b"); err != nil {
				t.Fatal(err)
			}
		}
		w.pass()
		page = w.page(sent.Item)
		if page.Total != (Progress{Assets: 60, Done: 3, Wrong: 1, Open: 56}) {
			t.Errorf("after answers %+v", page.Total)
		}
		if n := w.count(`select count(*) from case_tasks where case_id = $1 and state = 'done'`, sent.Case); n != 4 {
			t.Errorf("%d tasks done, want 4", n)
		}
		if n := w.count(`select count(*) from findings where description like '%138%'`) + w.count(`select count(*) from lesson_targets where note like '%138%'`); n != 0 {
			t.Error("a number of a person is kept")
		}
		forty := int64(40)
		list, next, err := w.Targets(as(0), sent.Item, 0, nil, &forty, 5)
		if err != nil || len(list) != 5 || next == 0 || list[3].State != "wrong" || list[3].Case == 0 || list[0].State != "done" {
			t.Errorf("assets of 40: %+v %d %v", list, next, err)
		}
		if n := w.count(`select count(*) from findings`); n != 1 {
			t.Errorf("%d findings, want 1", n)
		}

		// What nobody has looked at in time is late, by area and by holder.
		w.clock.Advance(80 * time.Hour)
		page = w.page(sent.Item)
		if page.Total != (Progress{Assets: 60, Done: 3, Wrong: 1, Late: 56}) {
			t.Errorf("after the limit %+v", page.Total)
		}
		for _, parts := range [][]PartProgress{page.Areas, page.Holders} {
			var sum Progress
			for _, p := range parts {
				sum.Assets, sum.Done, sum.Wrong, sum.Open, sum.Late = sum.Assets+p.Assets, sum.Done+p.Done, sum.Wrong+p.Wrong, sum.Open+p.Open, sum.Late+p.Late
			}
			if sum != page.Total {
				t.Errorf("the parts add up to %+v, the total is %+v", sum, page.Total)
			}
		}
		lessons, err := w.Lessons(as(0), w.source, 10)
		if err != nil || len(lessons) != 1 || lessons[0].Case != sent.Case {
			t.Errorf("lessons of the case %+v %v", lessons, err)
		}
	})
}

// One task per holder ends when its last asset was answered for; a task that was reported done by hand counts as done.
func TestPerHolder(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...), regulators(6))
	sent, err := w.Send(as(0), w.request(6, "holder"), "")
	if err != nil {
		t.Fatal(err)
	}
	w.pass()
	if n := w.count(`select count(*) from case_tasks where case_id = $1`, sent.Case); n != 3 {
		t.Fatalf("%d tasks, want one for each holder and one for those without", n)
	}
	if _, err := w.Answer(as(40), sent.Item, AnswerRequest{Assets: []int64{1}, Result: "sound"}, ""); err != nil {
		t.Fatal(err)
	}
	w.pass()
	if n := w.count(`select count(*) from case_tasks where state = 'done'`); n != 0 {
		t.Error("the task was ended before its last asset")
	}
	if _, err := w.Answer(as(40), sent.Item, AnswerRequest{Assets: []int64{4}, Result: "sound"}, ""); err != nil {
		t.Fatal(err)
	}
	w.pass()
	if n := w.count(`select count(*) from case_tasks where state = 'done' and organisation = 40`); n != 1 {
		t.Error("the task was not ended with its last asset")
	}
	task := int64(w.count(`select id from case_tasks where organisation = 41`))
	if _, err := w.Cases.FinishTask(as(0), sent.Case, task, "", ""); err != nil {
		t.Fatal(err)
	}
	if got := w.page(sent.Item).Total; got != (Progress{Assets: 6, Done: 4, Open: 2}) {
		t.Errorf("progress %+v", got)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...), regulators(30))
	before := w.count(`select count(*) from cases`)
	for name, tt := range map[string]struct {
		who    int64
		change func(r *Request)
		code   string
	}{
		"no text":            {0, func(r *Request) { r.Text = " " }, "case.text"},
		"no post":            {0, func(r *Request) { r.Post = "" }, "case.text"},
		"no such kind":       {0, func(r *Request) { r.Selection.Kind = "gas/none" }, "lesson.selection"},
		"unknown comparison": {0, func(r *Request) { r.Selection.Conditions = []Condition{{"made", "like", "x"}} }, "lesson.selection"},
		"nothing to compare": {0, func(r *Request) { r.Selection.Conditions = []Condition{{"made", "below", "old"}} }, "lesson.selection"},
		"the city changed":   {0, func(r *Request) { r.Assets = 29 }, "lesson.changed"},
		"nothing alike":      {0, func(r *Request) { r.Selection.Area = 99 }, "lesson.none"},
		"in the past":        {0, func(r *Request) { r.DueAt = noon }, "case.task"},
		"neither":            {0, func(r *Request) { r.Per = "street" }, "lesson.per"},
		"no such case":       {0, func(r *Request) { r.Case = 999 }, "case.not_found"},
		"not its case":       {77, func(*Request) {}, "access.denied"},
	} {
		r := w.request(30, "asset")
		tt.change(&r)
		_, err := w.Send(as(tt.who), r, "")
		var e *web.Error
		if !errors.As(err, &e) || e.Code != tt.code {
			t.Errorf("%s: %v, want %s", name, err, tt.code)
		}
	}
	w.city.assets = regulators(MaxTasks + 1)
	_, err := w.Send(as(0), w.request(MaxTasks+1, "asset"), "")
	if e := (*web.Error)(nil); !errors.As(err, &e) || e.Code != "lesson.too_many" || e.Field != "per" {
		t.Errorf("too many tasks: %v", err)
	}
	p, err := w.Preview(as(0), Selection{Kind: "gas/regulator"}, "asset")
	if err != nil || p.Refused != "tasks" {
		t.Errorf("preview of too many %+v %v", p, err)
	}
	w.city.assets = regulators(MaxAssets + 1)
	_, err = w.Send(as(0), w.request(MaxAssets+1, "holder"), "")
	if e := (*web.Error)(nil); !errors.As(err, &e) || e.Code != "lesson.too_many" || e.Field != "selection" {
		t.Errorf("too many assets: %v", err)
	}
	// An officer of 40 sends to what 40 holds.
	w.city.assets = regulators(30)
	if p, err := w.Preview(as(40), Selection{Kind: "gas/regulator"}, "asset"); err != nil || p.Assets != 10 || p.Outside != 20 {
		t.Errorf("preview of 40: %+v %v", p, err)
	}
	if n := w.count(`select count(*) from cases`) - before + w.count(`select count(*) from lessons`) + w.count(`select count(*) from lesson_targets`); n != 0 {
		t.Errorf("the refusals left %d rows", n)
	}
}

// However often the machine stops between two transactions, each target gets one task.
func TestSendingGoesOnAfterAStop(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...), regulators(120))
	sent, err := w.Send(as(0), w.request(120, "asset"), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx := access.With(context.Background(), access.System("lesson"))
	for range 3 { // a stop after three chunks; a new process begins with Pass
		if _, err := w.giveSome(ctx, sent.Item); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.count(`select count(*) from case_tasks where case_id = $1`, sent.Case); n != 3*taskChunk {
		t.Errorf("%d tasks before the stop", n)
	}
	w.Service = New(w.Deps)
	w.pass()
	w.pass()
	if n := w.count(`select count(*) from case_tasks where case_id = $1`, sent.Case); n != 120 {
		t.Errorf("%d tasks, want 120", n)
	}
	if n := w.count(`select count(distinct task) from lesson_targets where task <> 0`); n != 120 {
		t.Errorf("%d targets have a task of their own", n)
	}
}

// A stop between the answer and its finding is mended by asking again, by whomever.
func TestAFindingIsNotLost(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...), regulators(3))
	sent, err := w.Send(as(0), w.request(3, "asset"), "")
	if err != nil {
		t.Fatal(err)
	}
	err = w.Cases.DB.Write(t.Context(), func(tx *db.Tx) error { return answer(tx, sent.Item, 1, "wrong", "Flange corroded", noon) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Answer(as(40), sent.Item, AnswerRequest{Assets: []int64{1}, Result: "wrong", Note: "Flange corroded"}, "other"); err != nil {
		t.Fatal(err)
	}
	if n := w.count(`select count(*) from lesson_targets where finding <> 0 and finding_case <> 0`); n != 1 {
		t.Error("the finding is not linked")
	}
}

func TestDraftsAreForgotten(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...), regulators(3))
	if err := w.draft(t.Context(), &Lesson{Per: "asset", SentAt: noon, DueAt: noon}, regulators(3)); err != nil {
		t.Fatal(err)
	}
	w.pass()
	if n := w.count(`select count(*) from lesson_targets`); n != 3 {
		t.Errorf("a fresh draft was forgotten, %d targets", n)
	}
	w.clock.Advance(2 * keepDrafts)
	w.pass()
	if n := w.count(`select count(*) from lesson_targets`) + w.count(`select count(*) from lessons`); n != 0 {
		t.Errorf("%d rows of the draft are left", n)
	}
}

func TestConditions(t *testing.T) {
	says := map[string]any{"made": float64(2012), "day": "2015-06-30", "make": "Lanqi", "pressure": "0.4", "empty": ""}
	for _, tt := range []struct {
		c            Condition
		holds, known bool
	}{
		{Condition{"made", "below", "2015"}, true, true}, {Condition{"made", "above", "2012"}, false, true}, {Condition{"made", "equal", "2012"}, true, true},
		{Condition{"made", "equal", "2012.0"}, true, true}, {Condition{"pressure", "above", "0.25"}, true, true}, {Condition{"pressure", "below", "10"}, true, true},
		{Condition{"make", "equal", "lanqi"}, true, true}, {Condition{"make", "other", "Hua"}, true, true}, {Condition{"make", "below", "2015"}, false, false},
		{Condition{"day", "below", "2016"}, true, true}, {Condition{"day", "above", "2015-06-29"}, true, true}, {Condition{"day", "below", "2015"}, false, true},
		{Condition{"day", "above", "2015"}, false, true}, {Condition{"none", "equal", "x"}, false, false}, {Condition{"empty", "equal", "x"}, false, false},
	} {
		if holds, known := tt.c.holds(says); holds != tt.holds || known != tt.known {
			t.Errorf("%+v: %t %t, want %t %t", tt.c, holds, known, tt.holds, tt.known)
		}
	}
}

// The progress against a plain count, over random answers, ended tasks and times.
func TestProgressAgainstAPlainCount(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(rt, "assets")
		w := newWorld(t, dbtest.SQLite(t, rooms()...), regulators(n))
		per := rapid.SampledFrom([]string{"asset", "holder"}).Draw(rt, "per")
		sent, err := w.Send(as(0), w.request(n, per), "")
		if err != nil {
			rt.Fatal(err)
		}
		w.pass()
		results := map[int64]string{}
		ended := map[int64]bool{}
		for range rapid.IntRange(0, 15).Draw(rt, "steps") {
			asset := int64(rapid.IntRange(1, n).Draw(rt, "asset"))
			switch rapid.SampledFrom([]string{"sound", "wrong", "end"}).Draw(rt, "step") {
			case "end":
				task := int64(w.count(`select task from lesson_targets where lesson = $1 and asset = $2`, sent.Item, asset))
				_, err := w.Cases.FinishTask(as(0), sent.Case, task, "", "")
				if (err == nil) == ended[task] {
					rt.Fatalf("end of task %d that has ended %t: %v", task, ended[task], err)
				}
				ended[task] = true
			case "sound":
				_, err := w.Answer(as(0), sent.Item, AnswerRequest{Assets: []int64{asset}, Result: "sound"}, "")
				if (err == nil) != (results[asset] == "") {
					rt.Fatalf("asset %d that is %q: %v", asset, results[asset], err)
				}
				if err == nil {
					results[asset] = "sound"
				}
			case "wrong":
				_, err := w.Answer(as(0), sent.Item, AnswerRequest{Assets: []int64{asset}, Result: "wrong", Note: "bad"}, "")
				if (err == nil) != (results[asset] == "") {
					rt.Fatalf("asset %d that is %q: %v", asset, results[asset], err)
				}
				if err == nil {
					results[asset] = "wrong"
				}
			}
			w.pass()
			for a := range results {
				task := int64(w.count(`select task from lesson_targets where lesson = $1 and asset = $2`, sent.Item, a))
				if w.count(`select count(*) from lesson_targets where lesson = $1 and task = $2 and result = ''`, sent.Item, task) == 0 {
					ended[task] = true
				}
			}
		}
		late := rapid.Bool().Draw(rt, "late")
		if late {
			w.clock.Advance(100 * time.Hour)
		}
		want := Progress{Assets: n}
		for a := int64(1); a <= int64(n); a++ {
			task := int64(w.count(`select task from lesson_targets where lesson = $1 and asset = $2`, sent.Item, a))
			switch {
			case results[a] == "wrong":
				want.Wrong++
			case results[a] == "sound" || ended[task]:
				want.Done++
			case late:
				want.Late++
			default:
				want.Open++
			}
		}
		if got := w.page(sent.Item).Total; got != want {
			rt.Fatalf("progress %+v, want %+v", got, want)
		}
		if got := w.count(`select count(*) from findings`); got != want.Wrong {
			rt.Fatalf("%d findings, want %d", got, want.Wrong)
		}
	})
}

// The largest lesson: how long it takes, and that no transaction of it is long.
func TestTheLargestLesson(t *testing.T) {
	if testing.Short() {
		t.Skip("2,000 tasks")
	}
	w := newWorld(t, dbtest.SQLite(t, rooms()...), regulators(MaxTasks))
	start := time.Now()
	sent, err := w.Send(as(0), w.request(MaxTasks, "asset"), "")
	if err != nil {
		t.Fatal(err)
	}
	accepted := time.Since(start)
	var longest time.Duration
	ctx := access.With(context.Background(), access.System("lesson"))
	for more := true; more; {
		one := time.Now()
		if more, err = w.giveSome(ctx, sent.Item); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, time.Since(one))
	}
	t.Logf("%d tasks: accepted in %v, all given in %v, longest transaction %v", MaxTasks, accepted, time.Since(start), longest)
	if n := w.count(`select count(*) from case_tasks where case_id = $1`, sent.Case); n != MaxTasks {
		t.Errorf("%d tasks", n)
	}
}

// everyDay counts every day as a working day.
type everyDay struct{}

func (everyDay) Add(t time.Time, days int) time.Time { return t.AddDate(0, 0, days) }
