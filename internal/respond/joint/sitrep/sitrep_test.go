package sitrep

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

var noon = time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)

func options(form string) Options {
	return Options{
		Form: form, Case: 1, Kind: "incident", Version: 1, Agency: 41, Since: noon, Until: noon.Add(1000 * time.Hour), Zone: time.FixedZone("", 8*3600),
		Organisations: func(id int64) Text { return lifecycle.Words(fmt.Sprintf("Agency %d", id), fmt.Sprintf("单位%d", id)) },
	}
}

// storm draws a timeline: any entries, also those that refer to nothing.
func storm(t *rapid.T) []respond.Entry {
	var es []respond.Entry
	id := int64(rapid.IntRange(1, 1000).Draw(t, "first"))
	at := noon
	add := func(kind string, by int64, free string, data map[string]any) {
		e := respond.Entry{ID: id, At: at, Kind: kind, Free: free, Data: data, Actor: access.Actor{Kind: access.KindAccount}, Text: lifecycle.Words("Agency says", "单位称")}
		if data == nil {
			e.Data = map[string]any{}
		}
		if by != 0 {
			e.Data["by"] = float64(by)
		}
		es = append(es, e)
		id += int64(rapid.IntRange(1, 5).Draw(t, "gap"))
		at = at.Add(time.Duration(rapid.IntRange(-900, 3600).Draw(t, "pause")) * time.Second)
	}
	add("alert", 0, "", map[string]any{"alert": 1.0})
	small := rapid.IntRange(1, 4)
	for i := range rapid.IntRange(0, 60).Draw(t, "entries") {
		by := rapid.SampledFrom([]int64{0, 40, 41, 42}).Draw(t, "by")
		n := float64(small.Draw(t, "n"))
		word := fmt.Sprintf("words-%d", i)
		switch rapid.SampledFrom([]string{"log", "mark", "decision", "objective", "resource", "presence", "task", "move", "overdue", "note"}).Draw(t, "kind") {
		case "log":
			add(KindLog, by, word, map[string]any{"topic": rapid.SampledFrom([]string{"", "situation", "casualties", "next", "threat"}).Draw(t, "topic"), "significant": n > 2})
		case "mark":
			add(KindMark, by, word, map[string]any{"mark": n, "step": rapid.SampledFrom([]string{"place", "move", "lift"}).Draw(t, "step"), "kind": "cordon", "label": word,
				"shape": map[string]any{"type": "Point", "coordinates": []any{121.5, 31.2}}})
		case "decision":
			add(KindDecision, by, word, map[string]any{"decision": float64(i + 10), "why": "because-" + word, "post": "ic", "from": at.Format(time.RFC3339), "supersedes": float64(small.Draw(t, "old") + 9)})
		case "objective":
			add(KindObjective, by, word, map[string]any{"objective": n, "step": rapid.SampledFrom([]string{"set", "met", "dropped"}).Draw(t, "step")})
		case "resource":
			add(KindResource, by, word, map[string]any{"request": n, "commitment": float64(small.Draw(t, "gift")), "quantity": float64(rapid.IntRange(0, 9).Draw(t, "q")), "unit": "pcs",
				"step": rapid.SampledFrom([]string{"ask", "commit", "decline", "arrive", "release", "withdraw", "cancel"}).Draw(t, "step")})
		case "presence":
			add(KindPresence, by, "", map[string]any{"organisation": float64(by), "post": "staff", "step": rapid.SampledFrom([]string{"join", "leave", "invite"}).Draw(t, "step")})
		case "task":
			// Several agencies may have the same task.
			add("task", by, fmt.Sprintf("task-%d", int(n)%2), map[string]any{"task": float64(rapid.IntRange(1, 12).Draw(t, "task")), "organisation": float64(rapid.IntRange(41, 46).Draw(t, "team")), "state": rapid.SampledFrom([]string{"open", "done", "withdrawn"}).Draw(t, "state")})
		case "move":
			add("move", by, word, map[string]any{"move": "x", "fields": map[string]any{"grade": "larger", "harm": "harm-" + word}})
		case "overdue":
			add("overdue", 0, fmt.Sprintf("late-%d", int(n)%2), nil)
		default:
			add("note", by, word, nil)
		}
	}
	return es
}

// Every line of every report of any timeline leads to entries that are there; every figure is what those entries give, and
// stands in the line in both languages; a line that rests on one entry says that entry's words. The walk is the test's own.
func TestEveryLineCanBeTraced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		es := storm(t)
		there := map[int64]respond.Entry{}
		for _, e := range es {
			there[e.ID] = e
		}
		for _, form := range forms {
			r, err := Make(options(form), es)
			if err != nil {
				t.Fatal(err)
			}
			if wrong := Check(r, es); len(wrong) > 0 {
				t.Fatalf("%s: %v", form, wrong)
			}
			for _, s := range r.Sections {
				if len(s.Lines) == 0 && (s.None == nil || s.None.En == "" || s.None.Zh == "") {
					t.Fatalf("%s %s: empty, and does not say so", form, s.ID)
				}
				for _, l := range s.Lines {
					if len(l.Entries) == 0 || l.Text.En == "" || l.Text.Zh == "" {
						t.Fatalf("%s %s: line %+v", form, s.ID, l)
					}
					quoted := len(l.Figures) > 0
					for _, id := range l.Entries {
						e, ok := there[id]
						if !ok {
							t.Fatalf("%s %s: entry %d is not there", form, s.ID, id)
						}
						quoted = quoted || strings.Contains(l.Text.En, e.Free) && strings.Contains(l.Text.Zh, e.Free)
						if fields, ok := e.Data["fields"].(map[string]any); ok { // a grade is an answer in a form
							quoted = quoted || strings.HasSuffix(l.Text.En, fmt.Sprint(fields["grade"])) && strings.HasSuffix(l.Text.Zh, "较大")
						}
					}
					if !quoted {
						t.Fatalf("%s %s: %q says nothing of its entries %v", form, s.ID, l.Text.En, l.Entries)
					}
					for _, f := range l.Figures {
						want := 0.0
						for _, id := range f.Entries {
							if f.Rule == Count {
								want++
							} else {
								q, _ := there[id].Data["quantity"].(float64)
								want += q
							}
						}
						if f.Value != want {
							t.Fatalf("%s %s: %s is %v, the entries give %v", form, s.ID, f.Name, f.Value, want)
						}
						if n := fmt.Sprint(want); !strings.Contains(l.Text.En, n) || !strings.Contains(l.Text.Zh, n) {
							t.Fatalf("%s %s: %q does not show %s", form, s.ID, l.Text.En, n)
						}
					}
				}
			}
			again, err := Make(options(form), es)
			if err != nil {
				t.Fatal(err)
			}
			_, one, _ := r.Seal()
			if _, two, _ := again.Seal(); one != two {
				t.Fatalf("%s: the same entries gave another report", form)
			}
		}
	})
}

// Each entry stands in the period of exactly one issue, whatever the clocks said: several at one moment, or one set back.
func TestEachEntryStandsInOneIssue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		es := storm(t)
		form := rapid.SampledFrom([]string{Summary, Special}).Draw(t, "form")
		var issues []*Report
		var told []int64
		after := int64(0)
		for read := 0; read < len(es); {
			read = rapid.IntRange(read+1, len(es)).Draw(t, "read")
			o := options(form)
			o.After, o.Until = after, es[read-1].At // the next entry may be of the same moment, or of one before it
			r, err := Make(o, es[:read])
			if err != nil {
				t.Fatal(err)
			}
			if wrong := Check(r, es); len(wrong) > 0 {
				t.Fatal(wrong)
			}
			if r.Since.After(r.Until) {
				t.Fatalf("from %s to %s", r.Since, r.Until)
			}
			var here []int64
			for _, s := range r.Sections {
				if s.ID == "course" || s.ID == "events" {
					for _, l := range s.Lines {
						here = append(here, l.Entries...)
					}
				}
			}
			slices.Sort(here)
			told = append(told, here...)
			issues, after = append(issues, r), r.Last
		}
		if wrong := CheckIssues(issues, es); len(wrong) > 0 {
			t.Fatal(wrong)
		}
		var want []int64
		for _, e := range es {
			significant, _ := e.Data["significant"].(bool)
			if slices.Contains([]string{"alert", "move", "overdue", "decision", "mark", "objective", "resource"}, e.Kind) || significant {
				want = append(want, e.ID)
			}
		}
		if !slices.Equal(told, want) {
			t.Fatalf("the issues tell of %v, want %v", told, want)
		}
		if len(issues) > 1 { // cut by time, the second issue would tell again of what the first told
			issues[1].After = 0
			if len(CheckIssues(issues, es)) == 0 || want[0] <= issues[0].Last && len(Check(issues[1], es)) == 0 {
				t.Fatal("an issue that repeats the one before is not seen")
			}
		}
	})
}

// The activity log of an agency holds each entry of it once, in order, and none of another's.
func TestActivityLogIsComplete(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		es := storm(t)
		r, err := Make(options(Activity), es)
		if err != nil {
			t.Fatal(err)
		}
		var want, got []int64
		for _, e := range es {
			by, _ := e.Data["by"].(float64)
			to, _ := e.Data["organisation"].(float64)
			if by == 41 || e.Kind == "task" && to == 41 {
				want = append(want, e.ID)
			}
		}
		for _, l := range r.Sections[2].Lines {
			got = append(got, l.Entries...)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("log of %v, want %v", got, want)
		}
	})
}

// Check is no formality: a report that was tampered with fails it.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	es := []respond.Entry{
		{ID: 5, At: noon, Kind: "alert", Text: lifecycle.Words("Alert", "告警"), Data: map[string]any{}},
		{ID: 6, At: noon, Kind: KindResource, Free: "pumps", Data: map[string]any{"request": 1.0, "step": "ask", "quantity": 4.0}},
		{ID: 7, At: noon, Kind: KindResource, Free: "crew", Data: map[string]any{"request": 1.0, "commitment": 1.0, "step": "commit", "quantity": 3.0}},
	}
	for name, change := range map[string]func(r *Report){
		"a figure":          func(r *Report) { line(r, "resources").Figures[1].Value = 4 },
		"a source":          func(r *Report) { line(r, "resources").Entries = []int64{6} },
		"no source":         func(r *Report) { line(r, "initiated").Entries = nil },
		"another timeline":  func(r *Report) { line(r, "initiated").Entries = []int64{99} },
		"a rule":            func(r *Report) { line(r, "resources").Figures[0].Rule = "guess" },
		"a section emptied": func(r *Report) { r.Sections[0].Lines = nil },
		"beyond its span":   func(r *Report) { r.Last = 6 },
		"an event left out": func(r *Report) { s := &r.Sections[4]; s.Lines = s.Lines[:len(s.Lines)-1] },
		"an older event":    func(r *Report) { r.After = 5 },
		"a late entry":      func(r *Report) { r.Entries = 2 },
	} {
		r, err := Make(options(Summary), es)
		if err != nil {
			t.Fatal(err)
		}
		if wrong := Check(r, es); len(wrong) != 0 {
			t.Fatalf("untouched: %v", wrong)
		}
		change(r)
		if len(Check(r, es)) == 0 {
			t.Errorf("%s: not seen", name)
		}
	}
}

func line(r *Report, section string) *Line {
	for _, s := range r.Sections {
		if s.ID == section {
			return &s.Lines[0]
		}
	}
	return &Line{}
}

// The same task of many towns is one line, that has the entries of each; of few it names all.
func TestSameTasksAreOneLine(t *testing.T) {
	es := []respond.Entry{{ID: 1, At: noon, Kind: "alert", Text: lifecycle.Words("Opened", "立案"), Data: map[string]any{}}}
	give := func(words string, organisations ...float64) {
		for _, o := range organisations {
			id := int64(len(es) + 1)
			es = append(es, respond.Entry{ID: id, At: noon, Kind: "task", Text: lifecycle.Words("Task given: Warn", "派发任务："+words), Data: map[string]any{"task": float64(id), "organisation": o, "state": "open"}})
		}
	}
	for range 4 {
		es = append(es, respond.Entry{ID: int64(len(es) + 1), At: noon, Kind: "overdue", Text: lifecycle.Words("Late: warn", "任务超时：通知居民"), Data: map[string]any{}})
	}
	give("转移低洼地带群众", 51, 52, 53, 54, 55)
	give("排水", 40, 41)
	give("封闭下穿通道", 60)
	for form, section := range map[string]string{Special: "next", Summary: "planned"} {
		r, err := Make(options(form), es)
		if err != nil {
			t.Fatal(err)
		}
		if wrong := Check(r, es); len(wrong) > 0 {
			t.Fatal(wrong)
		}
		var got []string
		var linked []int64
		for _, s := range r.Sections {
			for _, l := range s.Lines {
				if s.ID == section {
					got, linked = append(got, l.Text.Zh), append(linked, l.Entries...)
				}
			}
		}
		for _, s := range r.Sections {
			if (s.ID == "course" || s.ID == "events") && (len(s.Lines) != 2 || s.Lines[1].Text.Zh != "任务超时：通知居民（共4项）" || len(s.Lines[1].Entries) != 4) {
				t.Errorf("%s: %+v", form, s.Lines)
			}
		}
		want := []string{"转移低洼地带群众：由单位51、单位52、单位53等5个单位落实", "排水：由单位40、单位41落实", "封闭下穿通道（单位60）"}
		if !slices.Equal(got, want) || len(linked) != 8 {
			t.Errorf("%s: %q with %v, want %q", form, got, linked, want)
		}
	}
}

// What the case knows of time, name, grade and harm stands in the first section.
func TestBasics(t *testing.T) {
	es := []respond.Entry{
		{ID: 1, At: noon, Kind: "plan", Text: lifecycle.Words("Level III opened", "启动Ⅲ级响应"), Free: "雨势增强", Data: map[string]any{
			"name": map[string]any{"en": "Flooding, South Bank", "zh-CN": "澜港市南岸片区内涝"}, "fields": map[string]any{"grade": "larger"}}},
		{ID: 2, At: noon, Kind: "move", Text: lifecycle.Words("Report controlled", "报告事态控制"), Data: map[string]any{"fields": map[string]any{"harm": "2人轻伤，转移群众120人"}}},
	}
	r, err := Make(options(Special), es)
	if err != nil {
		t.Fatal(err)
	}
	said := ""
	for _, l := range r.Sections[0].Lines {
		said += l.Text.Zh + "\n"
	}
	for _, want := range []string{"时间：2026年11月23日12:00", "雨势增强", "事件等级：较大", "人员伤亡和损失：2人轻伤，转移群众120人"} {
		if !strings.Contains(said, want) {
			t.Errorf("lacks %q: %s", want, said)
		}
	}
	if r.Subject.Zh != "澜港市南岸片区内涝" || r.Subject.En != "Flooding, South Bank" {
		t.Errorf("it is about %v", r.Subject)
	}
	if got := CityWatchOf(lifecycle.Words("Langang", "澜港市")).Zh; got != "澜港市值班室" {
		t.Errorf("the sender is %s", got)
	}
}

// What stands now, and what a superseded decision or a lifted mark no longer says.
func TestSpecialReport(t *testing.T) {
	by := func(org float64, data map[string]any) map[string]any { data["by"] = org; return data }
	es := []respond.Entry{
		{ID: 1, At: noon, Kind: "alert", Text: lifecycle.Words("Opened for the alert: Methane", "根据告警立案：甲烷"), Data: map[string]any{}},
		{ID: 2, At: noon, Kind: "move", Text: lifecycle.Words("Grade", "定级"), Data: map[string]any{"fields": map[string]any{"grade": "larger"}}},
		{ID: 3, At: noon, Kind: KindDecision, Free: "撤离7号楼", Text: lifecycle.Words("Decision of fire", "消防决定"), Data: by(41, map[string]any{"decision": 1.0, "why": "浓度超限", "post": "指挥长", "from": "2026-11-23T04:05:00Z"})},
		{ID: 4, At: noon, Kind: KindDecision, Free: "撤离7、8号楼", Text: lifecycle.Words("Decision of fire", "消防决定"), Data: by(41, map[string]any{"decision": 2.0, "why": "风向转变", "post": "指挥长", "supersedes": 1.0})},
		{ID: 5, At: noon, Kind: KindMark, Free: "200米", Text: lifecycle.Words("Mark", "标绘"), Data: by(41, map[string]any{"mark": 1.0, "step": "place", "kind": "cordon", "label": "200米"})},
		{ID: 6, At: noon, Kind: KindMark, Free: "", Text: lifecycle.Words("Lifted", "撤除"), Data: by(41, map[string]any{"mark": 1.0, "step": "lift"})},
		{ID: 7, At: noon, Kind: KindLog, Free: "无人员伤亡", Text: lifecycle.Words("Fire", "消防"), Data: by(41, map[string]any{"topic": "casualties"})},
		{ID: 8, At: noon, Kind: KindLog, Free: "2人轻伤", Text: lifecycle.Words("Fire", "消防"), Data: by(41, map[string]any{"topic": "casualties"})},
	}
	r, err := Make(options(Special), es)
	if err != nil {
		t.Fatal(err)
	}
	text := func(id string) string {
		var b strings.Builder
		for _, s := range r.Sections {
			for _, l := range s.Lines {
				if s.ID == id {
					b.WriteString(l.Text.Zh + "\n")
				}
			}
		}
		return b.String()
	}
	for section, want := range map[string][]string{
		"basics": {"根据告警立案：甲烷", "2人轻伤"}, "course": {"撤离7号楼", "撤离7、8号楼", "理由：风向转变"}, "status": {"事件等级：较大"}, "attached": {"单位41（指挥长）决定：撤离7、8号楼"},
	} {
		for _, w := range want {
			if !strings.Contains(text(section), w) {
				t.Errorf("%s lacks %q: %s", section, w, text(section))
			}
		}
	}
	for section, no := range map[string]string{"basics": "无人员伤亡", "attached": "撤离7号楼", "status": "200米"} {
		if strings.Contains(text(section), no) {
			t.Errorf("%s still says %q", section, no)
		}
	}
	if next := r.Sections[3]; len(next.Lines) != 0 || next.None == nil {
		t.Errorf("next steps are invented: %+v", next)
	}
}
