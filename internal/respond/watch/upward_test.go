package watch

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/bus"
)

const cityOffice = "City Party Committee and government duty office"

// running says what is to be told, in the order of the due times.
func (w *world) running(caseID int64) string {
	w.t.Helper()
	p, err := w.Reports(officer(2), caseID)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, c := range p.Clocks {
		if c.State == "running" {
			line := fmt.Sprintf("%s/%s +%s", c.Report, c.How, c.DueAt.Sub(start).Round(time.Second))
			if c.Overdue {
				line += " late"
			}
			out = append(out, line)
		}
	}
	return strings.Join(out, ", ")
}

func (w *world) runs(caseID int64, want string) {
	w.t.Helper()
	if got := w.running(caseID); got != want {
		w.t.Errorf("runs %s\nwant %s", got, want)
	}
}

func TestReportsUpwardFromCallToEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := ok(t)
		c := w.call("larger")
		w.runs(c, "first/phone +1h0m0s, first/writing +2h0m0s")

		w.clock.Advance(20 * time.Minute)
		report := id(w.Start(officer(1), StartRequest{Case: c, Report: First, Language: "zh-CN"}, ""))
		told := start.Add(12 * time.Minute)
		id(w.Tell(officer(1), report, TellRequest{How: ByPhone, To: "市委、市政府总值班室", At: &told}, ""))
		w.runs(c, "first/writing +2h0m0s, follow-up/writing +24h12m0s")

		// In writing nothing goes out unsigned, and nothing but the newest version.
		refused(t, "watch.unsigned")(w.Tell(officer(1), report, TellRequest{Version: 1, How: Fax, To: cityOffice}, ""))
		id(w.Amend(officer(1), report, "关于鱼市燃气泄漏的初报\n联系人电话13812345678", ""))
		refused(t, "watch.newer_version")(w.Sign(officer(1), report, 1, ""))
		id(w.Sign(officer(1), report, 2, ""))
		refused(t, "watch.signed")(w.Sign(officer(1), report, 2, ""))
		refused(t, "watch.version")(w.Sign(officer(1), report, 3, ""))
		refused(t, "watch.how")(w.Tell(officer(1), report, TellRequest{Version: 2, How: "pigeon", To: cityOffice}, ""))
		refused(t, "watch.too_early")(w.Tell(officer(1), report, TellRequest{Version: 2, How: Fax, To: cityOffice, At: &told}, ""))
		id(w.Tell(officer(1), report, TellRequest{Version: 2, How: Fax, To: cityOffice}, ""))
		w.runs(c, "follow-up/writing +24h20m0s")

		// A follow-up asked for by its clock; the wrong report does not answer it.
		p, err := w.Reports(officer(1), c)
		if err != nil {
			t.Fatal(err)
		}
		clock := p.Clocks[len(p.Clocks)-1].ID
		refused(t, "watch.clock")(w.Tell(officer(1), report, TellRequest{Version: 2, How: System, Clock: clock}, ""))
		next := id(w.Start(officer(1), StartRequest{Case: c, Report: FollowUp, Language: "en"}, ""))
		id(w.Sign(officer(2), next, 1, ""))
		w.clock.Advance(time.Hour)
		id(w.Tell(officer(1), next, TellRequest{Version: 1, How: System, Clock: clock}, ""))
		w.runs(c, "follow-up/writing +25h20m0s")

		w.move(c, "close", nil)
		w.runs(c, "final/writing +361h20m1s")
		last := id(w.Start(officer(1), StartRequest{Case: c, Report: Final}, ""))
		id(w.Sign(officer(1), last, 1, ""))
		id(w.Tell(officer(1), last, TellRequest{Version: 1, How: System, To: cityOffice}, ""))
		w.runs(c, "")

		// Every version is kept, with who signed which and whom it was told.
		v, err := w.ReportPage(officer(3), report)
		if err != nil || len(v.Versions) != 2 || !v.Versions[0].Drafted || v.Versions[0].SignedAt != nil || v.Versions[1].SignedBy != "officer-1" || len(v.Tellings) != 2 {
			t.Errorf("%+v, %v", v, err)
		}
		if !strings.Contains(v.Versions[0].Text, "关于7号设施（滨海路鱼市门口）突发事件的初报") || !strings.Contains(v.Versions[0].Text, "闻到燃气味") || strings.Contains(v.Versions[1].Text, "138") {
			t.Errorf("texts %s\n%s", v.Versions[0].Text, v.Versions[1].Text)
		}
		f, err := w.ReportPage(officer(3), next)
		if err != nil || !strings.HasPrefix(f.Versions[0].Text, "Follow-up report 1: Emergency incident") {
			t.Errorf("%+v, %v", f, err)
		}
		page, err := w.cases.Case(officer(1), c)
		if err != nil {
			t.Fatal(err)
		}
		tells := 0
		for _, e := range page.Timeline {
			if e.Kind == "report" {
				tells++
			}
		}
		if tells != 4 {
			t.Errorf("%d tellings in the timeline", tells)
		}
		if n := w.count(`select count(*) from watch_clocks where state = 'met'`); n != 4 {
			t.Errorf("%d clocks were met", n)
		}
	})
}

func TestALateReportIsToldOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.call("major")
		w.pass(29 * time.Minute)
		if n := w.subjects("watch.overdue"); n != 0 {
			t.Errorf("%d are late before their time", n)
		}
		// The machine sleeps for two hours; then all that is late is told, once.
		w.pass(2 * time.Hour)
		w.pass(time.Minute)
		if n := w.subjects("watch.overdue"); n != 2 {
			t.Errorf("%d told as late, want 2", n)
		}
		if n := w.count(`select count(*) from case_timeline where case_id = $1 and kind = 'overdue' and actor_kind = 'system'`, c); n != 2 {
			t.Errorf("%d lines in the timeline", n)
		}
		w.runs(c, "first/phone +30m0s late, first/writing +1h0m0s late, first/writing +4h0m0s")
		// Told late, it is met late; nothing fires for it again.
		report := ok(t)(w.Start(officer(1), StartRequest{Case: c, Report: First}, ""))
		ok(t)(w.Tell(officer(1), report, TellRequest{Version: 1, How: ByPhone, To: cityOffice}, ""))
		p, err := w.Reports(officer(1), c)
		if err != nil || p.Clocks[0].State != "met" || !p.Clocks[0].Overdue {
			t.Errorf("%+v, %v", p.Clocks[0], err)
		}
		w.pass(24 * time.Hour)
		if n := w.subjects("watch.overdue"); n != 4 { // the other two, and the follow-up
			t.Errorf("%d told as late, want 4", n)
		}
	})
}

func TestGradesMoveTheClocks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.call("")
		w.runs(c, "first/phone +1h0m0s, first/writing +2h0m0s")
		w.clock.Advance(10 * time.Minute)
		w.move(c, "grade", map[string]any{"grade": "major"})
		w.runs(c, "first/phone +30m0s, first/writing +1h0m0s, first/writing +4h10m1s")
		w.pass(25 * time.Minute)
		if n := w.subjects("watch.overdue"); n != 1 {
			t.Errorf("%d late", n)
		}
		w.clock.Advance(25*time.Minute - time.Second)
		w.move(c, "grade", map[string]any{"grade": "general"}) // at +1h0m1s
		w.runs(c, "first/writing +2h0m0s")                     // asked for under the grade before, with the time of this one
		if n := w.count(`select count(*) from watch_clocks where state = 'withdrawn'`); n != 3 {
			t.Errorf("%d withdrawn", n)
		}
		if n := w.count(`select count(*) from timers where owner = 'watch'`); n != 1 {
			t.Errorf("%d timers", n)
		}
		w.move(c, "dismiss", nil)
		w.runs(c, "")
		if n := w.count(`select count(*) from timers where owner = 'watch'`); n != 0 {
			t.Errorf("%d timers of what was nothing", n)
		}
	})
}

func TestNobodyDatesATellingBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := ok(t)
		c := w.call("major") // by telephone within 30 min, in writing within 1 h
		w.pass(40 * time.Minute)
		report := id(w.Start(officer(1), StartRequest{Case: c, Report: First}, ""))
		early := start.Add(20 * time.Minute)
		refused(t, "watch.too_early")(w.Tell(officer(1), report, TellRequest{Version: 1, How: ByPhone, To: cityOffice, At: &early}, ""))
		refused(t, "watch.version")(w.Tell(officer(1), report, TellRequest{How: Fax, To: cityOffice}, ""))
		before := start.Add(-time.Minute)
		refused(t, "watch.too_early")(w.Tell(officer(1), report, TellRequest{How: ByPhone, To: cityOffice, At: &before}, ""))
		// By word of mouth it may have been told before; written down so long after, it counts from when it was written down.
		id(w.Tell(officer(1), report, TellRequest{How: ByPhone, To: cityOffice, At: &early}, ""))
		p, err := w.Reports(officer(1), c)
		if err != nil || p.Clocks[0].How != ByPhone || p.Clocks[0].State != "met" || !p.Clocks[0].Overdue {
			t.Errorf("%+v, %v", p.Clocks[0], err)
		}
		if x := p.Reports[0].Tellings[0]; !x.Late || !x.At.Equal(early) || x.Version != 0 {
			t.Errorf("%+v", x)
		}
		if n := w.count(`select count(*) from case_timeline where case_id = $1 and kind = 'report' and zh like '%成文前%补登%'`, c); n != 1 {
			t.Errorf("%d lines in the timeline", n)
		}
		w.runs(c, "first/writing +1h0m0s, first/writing +4h0m0s, follow-up/writing +12h40m0s")
		// Within a quarter of an hour it counts from when it was told.
		id(w.Sign(officer(1), report, 1, ""))
		sent := start.Add(50 * time.Minute)
		w.clock.Advance(24 * time.Minute)
		id(w.Tell(officer(1), report, TellRequest{Version: 1, How: Fax, To: cityOffice, At: &sent}, ""))
		if p, err = w.Reports(officer(1), c); err != nil || p.Clocks[1].State != "met" || p.Clocks[1].Overdue || p.Reports[0].Tellings[1].Late {
			t.Errorf("%+v, %+v, %v", p.Clocks[1], p.Reports[0].Tellings, err)
		}
	})
}

func TestGradedAfterItWasTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := ok(t)
		// The commonest path: told in time while nobody has graded it yet, to the joint office; then it turns out to be a small one.
		c := w.call("")
		report := id(w.Start(officer(1), StartRequest{Case: c, Report: First}, ""))
		id(w.Sign(officer(1), report, 1, ""))
		w.clock.Advance(30 * time.Minute)
		id(w.Tell(officer(1), report, TellRequest{Version: 1, How: ByPhone, To: cityOffice}, ""))
		id(w.Tell(officer(1), report, TellRequest{Version: 1, How: Fax, To: "市委、市政府总值班室"}, ""))
		w.pass(5 * time.Hour)
		w.move(c, "grade", map[string]any{"grade": "general"})
		w.pass(time.Minute)
		w.runs(c, "follow-up/writing +24h30m0s")
		if n := w.subjects("watch.overdue"); n != 0 {
			t.Errorf("%d are late of what was told in time", n)
		}
		// It grows graver: an office that has not heard has its time from then, one that has hears of it at once.
		w.move(c, "grade", map[string]any{"grade": "major"}) // at +5h31m2s
		w.runs(c, "follow-up/writing +6h31m2s, first/writing +9h31m2s")
		// A follow-up to whom that office covers does not do for it, one by telephone neither.
		next := id(w.Start(officer(1), StartRequest{Case: c, Report: FollowUp}, ""))
		id(w.Sign(officer(1), next, 1, ""))
		id(w.Tell(officer(1), next, TellRequest{Version: 1, How: Fax, To: "市政府总值班室"}, ""))
		id(w.Tell(officer(1), next, TellRequest{Version: 1, How: ByPhone, To: cityOffice}, ""))
		w.runs(c, "follow-up/writing +6h31m2s, first/writing +9h31m2s")
		p, err := w.Reports(officer(1), c)
		if err != nil {
			t.Fatal(err)
		}
		k := p.Clocks[len(p.Clocks)-1]
		for _, x := range p.Clocks {
			if x.Report == FollowUp && x.State == "running" {
				k = x
			}
		}
		refused(t, "watch.clock")(w.Tell(officer(1), next, TellRequest{Version: 1, How: Fax, To: "国务院总值班室", Clock: k.ID}, ""))
		id(w.Tell(officer(1), next, TellRequest{Version: 1, How: Fax, To: "市委、市政府总值班室", Clock: k.ID}, ""))
		w.runs(c, "first/writing +9h31m2s, follow-up/writing +17h31m2s")
	})
}

func TestCasesThatOthersOpen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		// The event of a case that some other room has opened starts its clocks, once.
		c := w.call("general")
		if err := w.Hear(as(access.System("watch")), bus.Message{Subject: "case.opened", Data: fmt.Appendf(nil, `{"case":%d,"kind":"incident"}`, c)}); err != nil {
			t.Fatal(err)
		}
		if err := w.Hear(as(access.System("watch")), bus.Message{Subject: "case.opened", Data: []byte(`{"case":1,"kind":"gas-leak"}`)}); err != nil {
			t.Fatal(err)
		}
		w.runs(c, "first/writing +2h0m0s")
		refused(t, "case.not_found")(w.Start(officer(1), StartRequest{Case: 99, Report: First}, ""))
		refused(t, "watch.report")(w.Start(officer(1), StartRequest{Case: c, Report: "second"}, ""))
		refused(t, "watch.not_found")(w.Sign(officer(1), 99, 1, ""))
		refused(t, "access.denied")(w.Start(of(77, 5), StartRequest{Case: c, Report: First}, ""))
		p, err := w.Reports(of(77, 5), 0)
		if err != nil || len(p.Clocks) != 0 {
			t.Errorf("a desk elsewhere sees the clocks of the case: %+v, %v", p, err)
		}
	})
}

func TestInstructions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := ok(t)
		c := w.call("general")
		due := start.Add(3 * time.Hour)
		i := id(w.Instruct(officer(1), InstructionRequest{Text: "查明原因，确保安全", Leader: "分管副市长", Case: c, Teams: []Team{{40, "gas-crew"}, {41, ""}}, DueAt: due}, ""))
		taken := id(w.Instruct(officer(1), InstructionRequest{Text: "报全市瓶装液化气站点检查计划", Leader: "市长", Case: c, Teams: []Team{{42, ""}}, DueAt: due.Add(time.Hour)}, ""))
		for code, r := range map[string]InstructionRequest{
			"watch.missing":              {Text: "x", Leader: "y", DueAt: due, Case: c},
			"watch.unknown_organisation": {Text: "x", Leader: "y", DueAt: due, Case: c, Teams: []Team{{999, ""}}},
			"watch.due":                  {Text: "x", Leader: "y", DueAt: start, Case: c, Teams: []Team{{40, ""}}},
			"case.not_found":             {Text: "x", Leader: "y", DueAt: due, Teams: []Team{{40, ""}}, Case: 99},
		} {
			refused(t, code)(w.Instruct(officer(1), r, ""))
		}
		// Without a case it would be in nobody's inbox.
		refused(t, "watch.missing")(w.Instruct(officer(1), InstructionRequest{Text: "x", Leader: "y", DueAt: due, Teams: []Team{{40, ""}}}, ""))
		page, err := w.cases.Case(officer(1), c)
		if err != nil || len(page.Tasks) != 3 || !page.Tasks[0].DueAt.Equal(due) {
			t.Fatalf("%+v, %v", page.Tasks, err)
		}
		open, err := w.Instructions(officer(2), true)
		if err != nil || len(open) != 2 || open[0].ID != i || len(open[0].Teams) != 2 || open[0].Teams[0].Task != page.Tasks[0].ID || len(open[1].Teams) != 1 || open[1].Teams[0].Organisation != 42 {
			t.Errorf("%+v, %v", open, err)
		}
		w.pass(3 * time.Hour)
		if n := w.count(`select count(*) from outbox where subject = 'watch.overdue' and json_text(payload, 'what') = 'instruction'`); n != 1 {
			t.Errorf("%d late answers told", n)
		}
		if n := w.count(`select count(*) from case_timeline where case_id = $1 and kind = 'overdue' and zh like '%批示反馈超时'`, c); n != 1 {
			t.Errorf("%d lines of the late answer", n)
		}
		refused(t, "watch.missing")(w.Answer(officer(2), i, InstructionAnswer{Answer: "  "}, ""))
		// Its teams have not reported back.
		refused(t, "watch.instruction_unfinished")(w.Answer(officer(2), i, InstructionAnswer{Answer: "原因已查明"}, ""))
		id(w.Answer(officer(2), i, InstructionAnswer{Answer: "原因已查明，联系电话13812345678", Reason: "设备更换明日完成，先报原因"}, ""))
		refused(t, "watch.instruction_ended")(w.Answer(officer(2), i, InstructionAnswer{Answer: "again"}, ""))
		if n := w.count(`select count(*) from case_tasks where origin = $1 and state = 'open'`, fmt.Sprintf("instruction:%d", i)); n != 2 {
			t.Errorf("%d tasks go on after the answer", n)
		}
		// What is taken back is taken back from its teams too, with the reason.
		id(w.Withdraw(officer(2), taken, "已另文部署", ""))
		if n := w.count(`select count(*) from case_tasks where origin = $1 and state = 'withdrawn'`, fmt.Sprintf("instruction:%d", taken)); n != 1 {
			t.Errorf("%d tasks of what was taken back are taken back", n)
		}
		w.pass(24 * time.Hour)
		all, err := w.Instructions(officer(2), false)
		if err != nil || len(all) != 2 || all[1].State != "answered" || strings.Contains(all[1].Answer, "138") || all[1].Unfinished == "" || all[0].State != "withdrawn" || all[1].EndedBy != "officer-2" {
			t.Errorf("%+v, %v", all, err)
		}
		if open, _ = w.Instructions(officer(2), true); len(open) != 0 {
			t.Errorf("still open %+v", open)
		}
		if n := w.count(`select count(*) from outbox where subject = 'watch.overdue' and json_text(payload, 'what') = 'instruction'`); n != 1 {
			t.Errorf("%d late answers told after the end", n)
		}
	})
}

func TestAnAnswerWhenAllHaveReportedBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.call("general")
		i := ok(t)(w.Instruct(officer(1), InstructionRequest{Text: "查明原因", Leader: "市长", Case: c, Teams: []Team{{40, ""}}, DueAt: start.Add(time.Hour)}, ""))
		page, err := w.cases.Case(officer(1), c)
		if err != nil || len(page.Tasks) != 1 {
			t.Fatal(page, err)
		}
		if _, err := w.cases.FinishTask(of(40, 5), c, page.Tasks[0].ID, "阀门老化", ""); err != nil {
			t.Fatal(err)
		}
		ok(t)(w.Answer(officer(1), i, InstructionAnswer{Answer: "阀门老化，已更换"}, ""))
	})
}

// News of a case that is no more, as after the store was restored, or that nobody can read, holds nothing up behind it.
func TestNewsThatNobodyCanUseIsLetGo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, data := range []string{`{"case":4711,"kind":"incident"}`, `[1]`} {
			err := w.Hear(as(access.System("watch")), bus.Message{ID: 9, Subject: "case.opened", Data: []byte(data)})
			if !errors.Is(err, bus.ErrDrop) {
				t.Errorf("%s: %v", data, err)
			}
		}
	})
}
