package watch

import (
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/page"
)

func TestADraftSaysNothingTwice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := ok(t)
		c := w.call("larger")
		id(w.Instruct(officer(1), InstructionRequest{Text: "全力抢险", Leader: "市长", Case: c, Teams: []Team{{40, ""}, {41, ""}}, DueAt: start.Add(time.Hour)}, ""))
		p, err := w.ReportPage(officer(1), id(w.Start(officer(1), StartRequest{Case: c, Report: First, Language: page.Chinese}, "")))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Versions[0].Text; strings.Count(got, "全力抢险") != 1 || !strings.Contains(got, "市长批示：全力抢险") || strings.Contains(got, "已通知") {
			t.Error(got)
		}
		id(w.Tell(officer(1), p.ID, TellRequest{Version: 1, How: ByPhone, To: cityOffice}, ""))
		id(w.Tell(officer(1), p.ID, TellRequest{Version: 1, How: ByPhone, To: "市水务局"}, ""))
		if p, err = w.ReportPage(officer(1), p.ID); err != nil {
			t.Fatal(err)
		}
		if o := p.Tellings[0].ToName; o == nil || !called(cityOffice, *o) || p.Tellings[1].ToName != nil {
			t.Errorf("%+v", p.Tellings)
		}
	})
}

// A plan gives the same task to each town at once, and nobody need have telephoned.
func TestOneTaskOfManyIsOneLine(t *testing.T) {
	task := func(minute int, en, zh, to string) act {
		a := act{at: start.Add(time.Duration(minute) * time.Minute), task: true, text: Text{En: en, Zh: zh}}
		if to != "" {
			a.to = []Text{{En: to + " town", Zh: to + "镇"}}
		}
		return a
	}
	d := facts{city: Text{En: "City", Zh: "市"}, zone: time.UTC, kind: Text{En: "Incident", Zh: "突发事件"}, report: First, title: "第13网格内涝", place: Text{En: "Grid", Zh: "网格"}, known: start}
	for _, to := range []string{"甲", "乙", "丙", "丁"} {
		d.did(task(0, "Warn", "通知居民", to))
	}
	d.did(task(0, "Drain", "开机排水", "甲"))
	d.did(task(5, "Warn", "通知居民", "甲"))
	d.did(task(6, "Done", "任务完成", ""))
	d.did(task(6, "Done", "任务完成", ""))
	zh, en := d.write(page.Chinese, start), d.write(page.English, start)
	for _, want := range []string{"我室获悉：第13网格内涝。", "通知居民（甲镇、乙镇、丙镇等4个单位）\n", "开机排水（甲镇）\n", "通知居民（甲镇）\n", "任务完成\n"} {
		if strings.Count(zh, want) < 1 || strings.Contains(zh, "电话") {
			t.Errorf("no %q, or a call that never came, in\n%s", want, zh)
		}
	}
	for _, want := range []string{"Known to this office since", "Warn (甲 town, 乙 town, 丙 town and 1 more)\n", "Drain (甲 town)\n"} {
		if !strings.Contains(en, want) {
			t.Errorf("no %q in\n%s", want, en)
		}
	}
	if strings.Count(zh, "任务完成\n") != 2 {
		t.Errorf("two ends are two lines:\n%s", zh)
	}
	d.what, d.by = "井盖冒水", Text{Zh: "群众", En: "a resident"}
	if zh := d.write(page.Chinese, start); !strings.Contains(zh, "我室接群众电话报告：网格，井盖冒水。") {
		t.Error(zh)
	}
}
