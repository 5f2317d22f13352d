package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

func (w *world) want(what, said string) {
	w.t.Helper()
	if got := w.said(); got != said {
		w.t.Errorf("%s: told %q, want %q", what, got, said)
	}
}

// An alert that nobody acknowledges: its owner, after three minutes the sound and the watch, the next post, the next link; and
// silence from the moment on that somebody has taken note, until it is over.
func TestAlertNobodyAcknowledges(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.raise(1, "orange")
		w.want("at once", "10")
		if n := w.notices()[0]; n.Title.Zh != "室内甲烷泄漏 · 7 号报警器" || n.Text.Zh != "告警待签收" || n.Level != "orange" || n.About != "alert" || n.AboutID != 1 {
			t.Errorf("%+v", n)
		}
		w.pass(3*time.Minute - time.Second)
		w.want("a second before its time", "10")
		if w.sounds != 0 {
			t.Error("it sounded before its time")
		}
		w.pass(time.Second)
		w.want("after three minutes", "10 0/duty-officer")
		if w.sounds != 1 {
			t.Errorf("the consoles sounded %d times", w.sounds)
		}
		w.pass(5 * time.Minute)
		w.want("after eight", "10 0/duty-officer 0/shift-leader")
		w.pass(10 * time.Minute)
		w.want("the next link is the enterprise", "10 0/duty-officer 0/shift-leader 10")
		if w.openCalls() != 3 {
			t.Errorf("%d open calls; the owner's second takes the place of its first", w.openCalls())
		}
		w.pass(15 * time.Minute)
		w.want("the first reminder", "10 0/duty-officer 0/shift-leader 10 10")
		if n := w.notices()[4]; n.Text.Zh != "告警待签收（第 1 次催办）" || n.Round != 1 {
			t.Errorf("%+v", n)
		}
		w.acknowledgeAlert(1)
		if w.openCalls() != 0 || w.run(1).State != Acknowledged {
			t.Errorf("after the acknowledgement %d calls are open, the run is %s", w.openCalls(), w.run(1).State)
		}
		w.pass(100 * time.Hour)
		w.want("after the acknowledgement", "10 0/duty-officer 0/shift-leader 10 10")
		w.clear(1)
		w.want("over", "10 0/duty-officer 0/shift-leader 10 10 over:10 over:0/duty-officer over:0/shift-leader")
		w.clear(1)
		w.want("once", "10 0/duty-officer 0/shift-leader 10 10 over:10 over:0/duty-officer over:0/shift-leader")
		if n := w.notices()[5]; n.Text.Zh != "告警已恢复" {
			t.Errorf("%+v", n)
		}
	})
}

func TestNothingForAnswersGivenBeforeTheStep(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.raise(1, "red")
		// The alert is acknowledged; the news of it has not come when the appointment does.
		w.alerts.state[1] = "acknowledged"
		w.pass(time.Hour)
		w.want("the step looks at the alert itself", "10")
		if w.openCalls() != 0 {
			t.Error("the first call is open still")
		}
		// Shelved: a person has put it to rest.
		w.raise(2, "red")
		w.alerts.rests[2] = true
		w.pass(time.Hour)
		w.want("shelved", "10 10")
	})
}

func TestWhatBeginsNoChain(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms...))
	w.alerts.state[1] = "raised"
	for name, change := range map[string]func(*events.AlertFacts){
		"a level below":                  func(a *events.AlertFacts) { a.Level = "yellow" },
		"a silent instrument":            func(a *events.AlertFacts) { a.Level = "none" },
		"one that rests":                 func(a *events.AlertFacts) { a.Rests = true },
		"one that is answered":           func(a *events.AlertFacts) { a.State = "acknowledged" },
		"one that has cleared meanwhile": func(a *events.AlertFacts) { a.Alert = 99 },
	} {
		a := facts(1, "red")
		change(&a)
		w.tell(events.AlertRaised{AlertFacts: a})
		w.settle()
		if got := w.said(); got != "" {
			t.Errorf("%s: told %q", name, got)
		}
	}
	// It rises.
	w.tell(events.AlertChanged{AlertFacts: facts(1, "orange"), From: "yellow"})
	w.settle()
	w.want("reaches orange", "10")
}

func TestNewsThatComesAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		m := w.raise(1, "orange")
		w.restart(w.DB)
		if err := w.Hear(context.Background(), m); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.want("the same news", "10")
		w.acknowledgeAlert(1)
		w.alerts.state[1] = "raised" // what the event found, had it been late
		if err := w.Hear(context.Background(), m); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.want("old news after the acknowledgement", "10")
		// It has risen, and stands unacknowledged again: a new call, and one end.
		w.tell(events.AlertChanged{AlertFacts: facts(1, "red"), From: "orange"})
		w.settle()
		w.want("it came back", "10 10")
		w.clear(1)
		w.want("over", "10 10 over:10")
		w.alerts.state[1] = "raised"
		if err := w.Hear(context.Background(), m); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.want("old news after the end", "10 10 over:10")
	})
}

// After a crash a whole run of past news comes again, in order: who is told later is told how bad it is now.
func TestPastNewsOfALevel(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.raise(1, "red")
		level := func() string { return w.run(1).Level }
		for i, to := range []string{"yellow", "red", "yellow", "blue"} {
			w.tell(events.AlertChanged{AlertFacts: facts(1, to)})
			w.settle()
			for n := range i + 3 {
				if diff := w.again(n); diff != "" {
					t.Error(diff)
				}
			}
			if level() != to {
				t.Errorf("it is %s, and told as %s", to, level())
			}
		}
	})
}

// Alerts of one cause call once. When the first is answered or over, the next that stands has its say.
func TestAlertsOfOneCause(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.raise(1, "orange")
		for _, id := range []int64{2, 3, 4} {
			w.alerts.state[id] = "raised"
			a := facts(id, "orange")
			a.Lead = 1
			w.tell(events.AlertRaised{AlertFacts: a})
		}
		w.settle()
		w.want("four alerts, one cause", "10")
		w.acknowledgeAlert(2)
		w.clear(1) // the first is over; 3 and 4 stand
		w.want("one end", "10 over:10")
		w.pass(grace)
		w.want("the next that stands", "10 over:10 10")
		if r := w.notices()[2]; r.AboutID != 3 {
			t.Errorf("%+v", r)
		}
		w.acknowledgeAlert(3)
		w.pass(grace)
		w.want("and the last", "10 over:10 10 10")
		w.clear(3)
		w.clear(4)
		w.want("in the end", "10 over:10 10 10 over:10 over:10")
	})
}

// A missing link is a finding of its own, one for the gap however often it is met, and the next link is told in its stead. A
// gap that was filled and comes back is another.
func TestMissingLink(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		delete(w.city.holders, "regulator")
		delete(w.city.holders, "territory")
		up := chain(t, head+"  steps: [{tell: next-link}, {wait: 1h}, {tell: next-link}, {wait: 1h}]\n  repeat: 2\n  begins: {on: alert}\n")
		w.chains = []*Chain{up}
		w.restart(w.DB)
		w.raise(1, "red")
		w.want("the nearest link is there", "10")
		w.pass(time.Hour)
		w.want("two are missing above it", "10 40/vice-mayor")
		w.raise(2, "red")
		w.pass(10 * time.Hour)
		if n := w.count(`select count(*) from findings`); n != 2 {
			t.Errorf("%d findings for 2 gaps that were met 5 times", n)
		}
		if n := w.count(`select count(*) from cases where finding is not null`); n != 2 {
			t.Errorf("%d cases of findings", n)
		}
		f, err := w.Findings.(*inspect.Service).Finding(context.Background(), 2)
		if err != nil || f.Checklist != "duty-chain" || !strings.Contains(f.Description, "“港湾区”无人承担属地责任") || f.Point == nil {
			t.Errorf("%+v, %v", f, err)
		}

		w.city.holders["territory"] = []Holder{{Organisation: district, Lead: true, Over: whole}}
		w.raise(3, "red")
		w.pass(time.Hour)
		if n := w.count(`select count(*) from notice_gaps where filled_at is not null`); n != 1 {
			t.Errorf("%d gaps are filled", n)
		}
		delete(w.city.holders, "territory")
		w.raise(4, "red")
		w.pass(time.Hour)
		if n := w.count(`select count(*) from findings where checklist = 'duty-chain'`); n != 3 {
			t.Errorf("%d findings after a gap came back", n)
		}
	})
}

// What is in no place that the register knows goes to those who lead the city, past links that nobody can name and so none is
// missing of; where the register has no city, to the desk.
func TestSomethingOfNoPlace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.chains = []*Chain{chain(t, head+"  steps: [{tell: owner}, {wait: 1m}, {tell: next-link}, {wait: 1m}, {tell: next-link}]\n  begins: {on: alert}\n")}
		w.restart(w.DB)
		raise := func(alert int64) {
			f := facts(alert, "red")
			f.Asset, f.Place, f.Area = 0, 0, 0
			w.alerts.state[alert] = "raised"
			w.tell(events.AlertRaised{AlertFacts: f})
			w.settle()
			w.pass(time.Minute)
			w.pass(time.Minute)
		}
		raise(1)
		w.want("with a city", "10 40/vice-mayor 40/vice-mayor")
		if n := w.count(`select count(*) from notice_gaps`); n != 0 {
			t.Errorf("%d links are missing", n)
		}
		w.city.top = 0
		raise(2)
		w.want("without", "10 40/vice-mayor 40/vice-mayor 10 0 0")
	})
}

// A crash between the finding of a gap and the step that met it doubles neither.
func TestCrashAfterTheFindingOfAGap(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.city.holders = map[string][]Holder{}
		w.chains = []*Chain{chain(t, head+"  steps: [{tell: leadership}, {tell: owner}]\n  begins: {on: alert}\n")}
		w.restart(w.DB)
		dies := &dyingFindings{Findings: w.Findings}
		w.Service.Deps.Findings = dies
		w.alerts.state[1] = "raised"
		w.tell(events.AlertRaised{AlertFacts: facts(1, "red")})
		if _, err := w.Step(context.Background()); err == nil {
			t.Fatal("it did not die")
		}
		w.restart(w.DB)
		w.settle()
		w.want("after the restart", "10")
		if n := w.count(`select count(*) from findings`); n != 1 {
			t.Errorf("%d findings", n)
		}
		if n := w.count(`select count(*) from notice_gaps where finding <> 0`); n != 1 {
			t.Errorf("%d gaps", n)
		}
	})
}

// dyingFindings records and then fails, as a process does that dies in between.
type dyingFindings struct{ Findings }

func (d *dyingFindings) Record(ctx context.Context, x inspect.Draft, request string) (inspect.Finding, error) {
	if _, err := d.Findings.Record(ctx, x, request); err != nil {
		return inspect.Finding{}, err
	}
	return inspect.Finding{}, errors.New("the power went")
}

// finding opens a case of a hazard at asset 7, due to be graded within three days.
func (w *world) finding() int64 {
	w.t.Helper()
	f, err := w.Findings.(*inspect.Service).Record(as(officer(1, 0)), inspect.Draft{Asset: 7, Description: "corroded", Grade: "general"}, "")
	if err != nil {
		w.t.Fatal(err)
	}
	id, err := w.Cases.OpenForFinding(as(officer(1, 0)), f)
	if err != nil {
		w.t.Fatal(err)
	}
	w.settle()
	return id
}

func (w *world) move(caseID int64, move string, fields map[string]any) {
	w.t.Helper()
	if _, err := w.Cases.Move(as(officer(1, 0)), caseID, respond.MoveRequest{Move: move, Fields: fields}, ""); err != nil {
		w.t.Fatal(err)
	}
	w.settle()
}

// lines are the lines of a case's timeline that tell of notices.
func (w *world) lines(caseID int64) (out []string) {
	w.t.Helper()
	w.read(func(tx *db.Tx) error {
		es, err := respond.Timeline(tx, caseID)
		for _, e := range es {
			if e.Kind == "notice" {
				out = append(out, e.Text.Zh)
			}
		}
		return err
	})
	return out
}

func TestCaseThatIsLate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.finding()
		w.pass(3*24*time.Hour - time.Second)
		w.want("in time", "")
		w.pass(time.Second)
		w.want("late", "10 0")
		w.pass(24 * time.Hour)
		w.want("a day later, the regulator that leads", "10 0 20/gas-office")
		if got := strings.Join(w.lines(id), "|"); got != "已通知燃气公司：办理超时|已通知市值班室：办理超时|已通知住建局（gas-office）：办理超时" {
			t.Error(got)
		}
		if n := w.notices()[2]; n.Title.Zh != "隐患整改 · 港湾路" || n.Case != id {
			t.Errorf("%+v", n)
		}
		// Taking note is no work done.
		n, err := w.Acknowledge(as(officer(5, bureau)), 3, "key")
		if err != nil || n.State != Acknowledged || n.AcknowledgedBy != "officer" {
			t.Fatalf("%+v, %v", n, err)
		}
		w.settle()
		w.pass(2 * 24 * time.Hour)
		w.want("two days later, the territory", "10 0 20/gas-office 30")
		w.move(id, "grade", nil)
		w.want("moved on", "10 0 20/gas-office 30 over:10 over:0 over:20/gas-office over:30")
		w.pass(24 * time.Hour)
		w.want("in the next state it is in time", "10 0 20/gas-office 30 over:10 over:0 over:20/gas-office over:30")
		w.pass(6 * 24 * time.Hour)
		w.want("and late again", "10 0 20/gas-office 30 over:10 over:0 over:20/gas-office over:30 10 0")
	})
}

// The clock runs an hour ahead, so that a limit seems to have passed, and is put back. Nobody is told that more time was given, those
// who were told are not told twice, and from the true time on the chain goes its way.
func TestClockThatRanAhead(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, 9000 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			dbtest.Each(t, rooms, func(t *testing.T, d *db.DB) {
				w := newWorld(t, d)
				id := w.finding()
				due := w.clock.Now().Add(3 * 24 * time.Hour)
				w.clock.Set(due.Add(-30 * time.Minute))
				w.settle()
				w.clock.Set(due.Add(-30 * time.Minute).Add(jump))
				w.loop.Fire(context.Background()) // the minute in which it was wrong
				w.pump()
				if _, err := w.Step(context.Background()); err != nil {
					t.Fatal(err)
				}
				w.want("by the wrong clock", "10 0")
				w.clock.Set(due.Add(-30 * time.Minute))
				w.settle()
				if _, err := w.Cases.Note(as(officer(5, bureau)), id, "the clock was wrong", ""); err != nil {
					t.Fatal(err)
				}
				w.settle()
				w.pass(20 * time.Minute)
				w.want("put back", "10 0")
				w.restart(d)
				w.pass(10*time.Minute + 24*time.Hour - time.Second)
				w.want("a second before its time", "10 0")
				w.pass(time.Second)
				w.want("a day after the true time", "10 0 20/gas-office")
				w.pass(4 * 24 * time.Hour)
				if got := w.said(); !strings.HasPrefix(got, "10 0 20/gas-office 30") || strings.Contains(got, "over") {
					t.Errorf("five days on: told %q", got)
				}
				if n := w.count(`select count(*) from case_timeline where case_id = $1 and kind = 'overdue'`, id); n != 1 {
					t.Errorf("the timeline tells of it %d times", n)
				}
			})
		})
	}
}

// A state that was left before the news of its delay came calls nobody.
func TestNewsOfADelayThatComesTooLate(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms...))
	id := w.finding()
	w.move(id, "grade", nil)
	w.tell(events.CaseOverdue{Case: id, State: "found", Limit: lifecycle.StateLimit, DueAt: w.clock.Now(), At: w.clock.Now()})
	w.settle()
	w.want("it has moved on", "")
}

func TestPromiseAcrossStates(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.finding()
		limit := func(state string, due time.Time) {
			w.write(func(tx *db.Tx) error {
				_, err := tx.Exec(`delete from case_limits`)
				if err != nil {
					return err
				}
				_, err = tx.Exec(`insert into case_limits (case_id, name, what, en, zh, kind, category, organisation, post, area, started_at, first_due_at, due_at, state)
					values ($1, 'limit:closing', 'case', 'e', 'z', 'k', '', $2, 'desk-2', 0, 0, 0, $3, $4)`, id, int64(bureau), db.Micros(due), state)
				return err
			})
		}
		limit("running", noon)
		w.clock.Advance(time.Hour)
		news := events.CaseOverdue{Case: id, State: "found", Limit: "limit:closing", Chain: "hazard-overdue", DueAt: noon, At: w.clock.Now()}
		w.tell(news)
		w.settle()
		w.want("the chain that the kind names", "10 0")
		w.move(id, "grade", nil)
		w.want("a move does not keep this promise", "10 0")
		limit("running", w.clock.Now().Add(time.Hour))
		w.tell(events.CaseChanged{Case: id, What: "ask", At: w.clock.Now()})
		w.settle()
		w.want("it was extended", "10 0 over:10 over:0")
		if n := w.notices()[2]; n.Text.Zh != "时限已延长" {
			t.Errorf("%+v", n)
		}
		w.pass(2 * time.Hour)
		w.tell(news)
		w.settle()
		w.want("and passed again", "10 0 over:10 over:0 10 0")
		limit("met", w.clock.Now())
		w.tell(events.CaseChanged{Case: id, What: "answer", At: w.clock.Now()})
		w.settle()
		w.want("kept in the end", "10 0 over:10 over:0 10 0 over:10 over:0")
	})
}

func TestCaseWithoutAnOwner(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.finding()
		w.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`update cases set owner = 0 where id = $1`, id)
			return err
		})
		w.tell(events.CaseOpened{Case: id, Kind: "hazard", At: noon})
		w.settle()
		w.want("it has just come in", "")
		w.pass(time.Hour)
		w.want("the desk has to give it away", "0")
		w.pass(3 * time.Hour)
		w.pass(4 * time.Hour)
		w.want("the territory", "0 0/shift-leader 30")
		w.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`update cases set owner = 10 where id = $1`, id)
			return err
		})
		w.tell(events.CaseChanged{Case: id, What: "owner", At: w.clock.Now()})
		w.settle()
		w.want("it has one", "0 0/shift-leader 30 over:0 over:0/shift-leader over:30")
	})
}

// task gives a task to a team, as another room does, and tells of it.
func (w *world) task(caseID int64, due time.Duration) int64 {
	w.t.Helper()
	t := respond.Task{Case: caseID, Text: lifecycle.Words("Close the valve", "关闭阀门"), Organisation: gasCo, Post: "crew", OpenedAt: w.now()}
	if due > 0 {
		t.DueAt = w.now().Add(due)
	}
	w.write(func(tx *db.Tx) error { return w.Cases.Give(tx, access.System("test"), &t) })
	w.settle()
	return t.ID
}

func TestTaskThatNobodyTakesOn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.finding()
		task := w.task(id, 0)
		w.want("it is in the inbox anyway", "")
		w.pass(10 * time.Minute)
		w.want("its team", "10/crew")
		var title string
		w.read(func(tx *db.Tx) error { return tx.QueryRow(`select zh from notices where about = 'task'`).Scan(&title) })
		if title != "关闭阀门" && !strings.HasPrefix(title, "关闭阀门 · ") {
			t.Errorf("the notice says %q and not which task", title)
		}
		w.pass(10 * time.Minute)
		w.want("its desk", "10/crew 0")
		if _, err := w.Cases.AcknowledgeTask(as(officer(1, gasCo)), id, task, ""); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.pass(10 * time.Hour)
		w.want("taken on", "10/crew 0")
		if _, err := w.Cases.FinishTask(as(officer(1, gasCo)), id, task, "", ""); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.want("done", "10/crew 0 over:10/crew over:0")
	})
}

// A task that is late calls though somebody took it on, and ends with the task.
func TestTaskThatIsLate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.finding()
		task := w.task(id, 5*time.Minute)
		if _, err := w.Cases.AcknowledgeTask(as(officer(1, gasCo)), id, task, ""); err != nil {
			t.Fatal(err)
		}
		w.pass(5 * time.Minute)
		w.want("late", "10/crew 0")
		if _, err := w.Cases.FinishTask(as(officer(1, gasCo)), id, task, "", ""); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.want("done", "10/crew 0 over:10/crew over:0")
	})
}

func TestPrivateCaseCallsNobody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.finding()
		w.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`update cases set private = 1 where id = $1`, id)
			return err
		})
		w.task(id, time.Minute)
		w.pass(30 * 24 * time.Hour)
		w.want("mediation has no escalation", "")
	})
}

// Another room wants a chain, and says when it is answered.
func TestChainOfAnotherRoom(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.chains = append(w.chains, chain(t, head+"  steps: [{tell: owner}, {wait: 5m}, {organisation: org-emergency, post: duty}, {wait: 5m}]\n  repeat: 10\n"))
		w.restart(w.DB)
		ask := events.ChainWanted{Chain: "c", About: "report-upward", ID: 3, Name: "first", Title: events.AlertText{EN: "First report", ZH: "初报"}, Owner: gasCo, At: noon}
		w.tell(ask)
		ask.Name = "second"
		w.tell(ask)
		w.settle()
		w.pass(5 * time.Minute)
		w.want("two chains about one thing", "10 10 50/duty 50/duty")
		w.tell(events.ChainAnswered{About: "report-upward", ID: 3, Name: "first", By: "Lin", At: w.now()})
		w.pass(5 * time.Minute)
		w.want("one is answered", "10 10 50/duty 50/duty 10")
		w.tell(events.ChainAnswered{About: "report-upward", ID: 3, Over: true, At: w.now()})
		w.pass(time.Hour)
		w.want("all is over", "10 10 50/duty 50/duty 10 over:10 over:50/duty over:10 over:50/duty")
		if err := w.Hear(context.Background(), w.tell0(events.ChainWanted{Chain: "nowhere", About: "x", ID: 1})); err == nil {
			t.Error("a chain that no pack has was taken")
		}
	})
}

func TestChainIsRepeatedAtMostSoOften(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms...))
	w.raise(1, "red")
	w.pass(0)
	for range 500 {
		w.pass(time.Minute)
	}
	count := map[string]int{}
	for _, n := range w.notices() {
		count[fmt.Sprint(n.Organisation, n.Post)]++
	}
	if count["0duty-officer"] != 4 || count["0shift-leader"] != 4 || count["10"] != 5 || count["40vice-mayor"] != 1 { // the owner is the first link, too; then a link for each round
		t.Errorf("%v", count)
	}
	if w.run(1).State != Spent {
		t.Errorf("the run is %s", w.run(1).State)
	}
	// It waits for the end; and it calls anew where the alert rises.
	w.raise(1, "red")
	before := len(w.notices())
	w.pass(time.Hour)
	if len(w.notices()) != before {
		t.Error("news of the same level began it anew")
	}
	w.clear(1)
	if n := len(w.notices()) - before; n != 6 {
		t.Errorf("%d posts were told of the end, want 6", n)
	}
}

// Each case line is there once, and a case that was opened for an alert has those of the alert.
func TestCaseOfAnAlertHasItsLines(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms...))
	id := w.finding()
	w.raise(1, "red")
	w.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`update cases set alert = 1, finding = null where id = $1`, id)
		return err
	})
	w.tell(events.CaseOpened{Case: id, Alert: 1, Owner: gasCo, At: noon})
	w.pass(3 * time.Minute)
	if got := strings.Join(w.lines(id), "|"); got != "已通知燃气公司：告警待签收|已通知市值班室（值班员）：告警待签收" || w.notices()[0].Case != id {
		t.Error(got)
	}
}

// hookedRegister does something while a step is worked out.
type hookedRegister struct {
	Register
	hook func()
}

func (h hookedRegister) Holders(ctx context.Context, t Thing) (map[string][]Holder, []Thing, error) {
	h.hook()
	return h.Register.Holders(ctx, t)
}

// The acknowledgement comes while the step looks up whom to tell: nobody is told.
func TestAcknowledgedWhileTheStepIsWorkedOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.chains = []*Chain{chain(t, head+"  begins: {on: alert}\n  steps: [{tell: owner}, {wait: 5m}, {tell: regulator}]\n")}
		w.restart(w.DB)
		w.raise(1, "red")
		w.Service.Deps.Register = hookedRegister{w.city, func() { w.alerts.state[1] = "acknowledged" }}
		w.pass(5 * time.Minute)
		w.want("acknowledged in the middle", "10")
		if w.openCalls() != 0 || w.run(1).State != Acknowledged {
			t.Errorf("%d calls are open, the run is %s", w.openCalls(), w.run(1).State)
		}
	})
}

// An alert of an asset that nobody runs is the watch's.
func TestAlertThatIsNobodys(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms...))
	a := facts(1, "red")
	a.Organisation = 0
	w.alerts.state[1] = "raised"
	w.tell(events.AlertRaised{AlertFacts: a})
	w.settle()
	w.want("nobody's", "0")
}
