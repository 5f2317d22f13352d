package watch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/respond"
)

// facts are what a report is drafted from: the phone log's lines of the case, and its timeline. What a person then makes of the
// draft is his: the draft only saves the typing.
type facts struct {
	city       Text
	zone       *time.Location
	kind       Text
	report     string
	number     int
	title      string
	place      Text
	owner      Text
	grade      Text
	graded     bool
	known      time.Time
	since      time.Time // lines before it stand in the report before
	ended      time.Time
	what, harm string
	by         Text // who told the watch
	deeds      []act
}

// act is what was done, in both languages. A task that went to several organisations at once is one act.
type act struct {
	at   time.Time
	text Text
	task bool
	to   []Text // whom the task went to
}

// facts gathers what a report of a case can say. A follow-up leaves out what the report before it could say.
func (s *Service) facts(ctx context.Context, caseID int64, report string) (*facts, error) {
	d := &facts{city: s.City, zone: s.Zone, report: report}
	var c *respond.Case
	var calls []Line
	var entries []respond.Entry
	var passed map[int64]bool
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if c, err = respond.Find(tx, caseID); err != nil {
			return err
		}
		if calls, err = linesOf(tx, caseID); err != nil {
			return err
		}
		if entries, err = respond.Timeline(tx, caseID); err != nil {
			return err
		}
		if passed, err = passedOn(tx, entries); err != nil {
			return err
		}
		i, err := getIncident(tx, caseID)
		if err != nil {
			return err
		}
		d.known = i.Known
		if report == FollowUp {
			d.since, err = lastVersion(tx, caseID)
		}
		return err
	})
	if err != nil {
		return nil, unknown(err, "case", caseID)
	}
	r := s.rules[c.Kind]
	for _, k := range s.Cases.Kinds {
		if k.ID == c.Kind {
			d.kind = k.Title
		}
	}
	d.title, d.ended = guard.Mask(c.Title), c.ClosedAt
	if grade, _ := c.Fields[r.Field].(string); grade != "" {
		d.grade, d.graded = gradeTitle(r, grade), true
	}
	d.place, d.owner = s.placeOf(ctx, c), s.Register.Name(ctx, "organisation", c.Owner)
	s.tellCalls(ctx, d, calls)
	for _, e := range entries {
		if e.At.Before(d.since) || slices.Contains(housekeeping, e.Kind) || e.Kind == "task" && e.Data["state"] == "open" && passed[number(e.Data["task"])] {
			continue
		}
		d.did(s.act(ctx, e))
	}
	return d, nil
}

// housekeeping are the kinds of entries that say what the watch and its program did among themselves.
var housekeeping = []string{"call", "report", "overdue", "notice"}

// passedOn are the tasks that instructions became: the line of the instruction says it already.
func passedOn(tx *db.Tx, entries []respond.Entry) (map[int64]bool, error) {
	ids := map[int64]bool{}
	for _, e := range entries {
		if e.Kind != "instruction" {
			continue
		}
		tasks, err := respond.Tasks(tx, Instruction{ID: number(e.Data["instruction"])}.origin())
		if err != nil {
			return nil, err
		}
		for _, t := range tasks {
			ids[t.ID] = true
		}
	}
	return ids, nil
}

// number is a number of an entry's data, which is read back from JSON.
func number(v any) int64 {
	f, _ := v.(float64)
	return int64(f)
}

// act is an entry as a report tells it.
func (s *Service) act(ctx context.Context, e respond.Entry) act {
	a := act{at: e.At, text: entryWords(e), task: e.Kind == "task"}
	if o := number(e.Data["organisation"]); a.task && o != 0 {
		if name := s.Register.Name(ctx, "organisation", o); name != (Text{}) {
			a.to = []Text{name}
		}
	}
	return a
}

// did adds an act; a task in the words of one that was given at the same time goes to one organisation more.
func (d *facts) did(a act) {
	i := slices.IndexFunc(d.deeds, func(x act) bool { return x.task && a.task && x.text == a.text && x.at.Equal(a.at) && len(a.to) > 0 })
	if i < 0 {
		d.deeds = append(d.deeds, a)
		return
	}
	d.deeds[i].to = append(d.deeds[i].to, a.to...)
}

// fewNames is how many organisations a line names before it counts them.
const fewNames = 3

// words are the act with whom it went to.
func (a act) words() Text {
	var en, zh []string
	for _, o := range a.to[:min(len(a.to), fewNames)] {
		en, zh = append(en, o.En), append(zh, o.Zh)
	}
	switch more := len(a.to) - len(en); {
	case len(en) == 0:
		return a.text
	case more > 0:
		return Text{En: fmt.Sprintf("%s (%s and %d more)", a.text.En, strings.Join(en, ", "), more), Zh: fmt.Sprintf("%s（%s等%d个单位）", a.text.Zh, strings.Join(zh, "、"), len(a.to))}
	}
	return Text{En: a.text.En + " (" + strings.Join(en, ", ") + ")", Zh: a.text.Zh + "（" + strings.Join(zh, "、") + "）"}
}

// placeOf is where a case is, as people say it.
func (s *Service) placeOf(ctx context.Context, c *respond.Case) Text {
	for _, at := range []struct {
		kind string
		id   int64
	}{{"asset", c.Asset}, {"place", c.Place}, {"area", c.Area}} {
		if at.id == 0 {
			continue
		}
		if name := s.Register.Name(ctx, at.kind, at.id); name != (Text{}) {
			return name
		}
	}
	return Text{}
}

// tellCalls takes from the phone log where it is, what happened and what harm it did; what was put right counts as it was put
// right.
func (s *Service) tellCalls(ctx context.Context, d *facts, calls []Line) {
	wrong := map[int64]bool{}
	for _, l := range calls {
		wrong[l.Corrects] = true
	}
	for _, l := range calls {
		if wrong[l.ID] {
			continue
		}
		where := guard.Mask(l.SpotText)
		switch {
		case d.place == (Text{}):
			d.place = Text{En: where, Zh: where}
		case where != "" && where != d.place.Zh && where != d.place.En && d.what == "":
			d.place = Text{En: d.place.En + ", " + where, Zh: d.place.Zh + "（" + where + "）"}
		}
		if d.what == "" {
			d.what = guard.Mask(l.What)
			d.by = Text{En: "a resident", Zh: "群众"}
			if l.Caller == Unit {
				d.by = Text{En: l.UnitName, Zh: l.UnitName}
				if name := s.Register.Name(ctx, "organisation", l.Unit); l.Unit != 0 && name != (Text{}) {
					d.by = name
				}
			}
		} else if !l.At.Before(d.since) {
			more := guard.Mask(l.What)
			d.deeds = append(d.deeds, act{at: l.At, text: Text{En: "Reported by telephone: " + more, Zh: "电话续报：" + more}})
		}
		if l.Harm != "" {
			d.harm = guard.Mask(l.Harm) // the newest counts
		}
	}
}

// entryWords are a line of the timeline as a report can say it. No account stands in it.
func entryWords(e respond.Entry) Text {
	free := guard.Mask(e.Free)
	switch {
	case e.Text == (Text{}):
		return Text{En: free, Zh: free}
	case free == "":
		return e.Text
	}
	return Text{En: e.Text.En + ": " + free, Zh: e.Text.Zh + "：" + free}
}

// write drafts the report in a language.
func (d *facts) write(lang string, now time.Time) string {
	var b strings.Builder
	if lang == page.English {
		d.english(&b, now)
	} else {
		d.chinese(&b, now)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func (d *facts) chinese(b *strings.Builder, now time.Time) {
	when := func(t time.Time) string {
		t = t.In(d.zone)
		return fmt.Sprintf("%d年%d月%d日%s", t.Year(), t.Month(), t.Day(), t.Format("15:04"))
	}
	head := map[string]string{First: "初报", FollowUp: fmt.Sprintf("续报（第%d期）", d.number), Final: "终报"}[d.report]
	fmt.Fprintf(b, "关于%s%s的%s\n\n", d.place.Zh, d.kind.Zh, head)
	fmt.Fprintf(b, "%s值班室  %s\n\n", d.city.Zh, when(now))
	b.WriteString("一、基本情况\n")
	if place := or(d.place.Zh, "（地点待核）"); d.what == "" { // nobody has telephoned
		fmt.Fprintf(b, "%s，我室获悉：%s。\n\n", when(d.known), or(d.title, place+"发生"+d.kind.Zh))
	} else {
		fmt.Fprintf(b, "%s，我室接%s电话报告：%s，%s。\n\n", when(d.known), or(d.by.Zh, "有关单位"), place, strings.TrimRight(d.what, "。"))
	}
	fmt.Fprintf(b, "二、伤亡和影响\n%s（截至%s）\n\n", or(d.harm, "暂无伤亡报告，正在核实"), when(now))
	fmt.Fprintf(b, "三、事件等级\n%s\n\n", or(d.grade.Zh, "尚未定级"))
	b.WriteString("四、处置情况\n")
	for _, x := range d.deeds {
		fmt.Fprintf(b, "%s  %s\n", x.at.In(d.zone).Format("01-02 15:04"), x.words().Zh)
	}
	if len(d.deeds) == 0 {
		b.WriteString("正在组织处置。\n")
	}
	if d.owner.Zh != "" {
		fmt.Fprintf(b, "处置单位：%s\n", d.owner.Zh)
	}
	if !d.ended.IsZero() {
		fmt.Fprintf(b, "\n五、结束情况\n%s处置结束。\n", when(d.ended))
	} else {
		b.WriteString("\n有关情况续报。\n")
	}
}

func (d *facts) english(b *strings.Builder, now time.Time) {
	when := func(t time.Time) string { return t.In(d.zone).Format("2 January 2006, 15:04 (UTC-07:00)") }
	head := map[string]string{First: "First report", FollowUp: fmt.Sprintf("Follow-up report %d", d.number), Final: "Final report"}[d.report]
	fmt.Fprintf(b, "%s: %s, %s\n\n", head, d.kind.En, or(d.place.En, "place to be confirmed"))
	fmt.Fprintf(b, "%s duty office, %s\n\n", d.city.En, when(now))
	b.WriteString("1. What has happened\n")
	if d.what == "" { // nobody has telephoned
		fmt.Fprintf(b, "Known to this office since %s: %s\n\n", when(d.known), or(d.title, d.kind.En))
	} else {
		fmt.Fprintf(b, "Reported by telephone by %s at %s: %s\n\n", or(d.by.En, "a unit"), when(d.known), d.what)
	}
	fmt.Fprintf(b, "2. Casualties and harm\n%s (as of %s)\n\n", or(d.harm, "None reported so far; being checked"), when(now))
	fmt.Fprintf(b, "3. Grade\n%s\n\n", or(d.grade.En, "Not graded yet"))
	b.WriteString("4. What was done\n")
	for _, x := range d.deeds {
		fmt.Fprintf(b, "%s  %s\n", x.at.In(d.zone).Format("01-02 15:04"), x.words().En)
	}
	if len(d.deeds) == 0 {
		b.WriteString("Under way.\n")
	}
	if d.owner.En != "" {
		fmt.Fprintf(b, "Handled by: %s\n", d.owner.En)
	}
	if !d.ended.IsZero() {
		fmt.Fprintf(b, "\n5. End\nEnded at %s.\n", when(d.ended))
	} else {
		b.WriteString("\nFollow-ups will come.\n")
	}
}

func or(a, b string) string {
	if strings.TrimSpace(a) == "" {
		return b
	}
	return a
}

// Draft drafts a report anew from the case as it is now, without keeping it.
func (s *Service) Draft(ctx context.Context, id int64, lang string) (string, error) {
	if _, err := s.mine(ctx, "watch.log"); err != nil {
		return "", err
	}
	var r Report
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		r, err = getReport(tx, id)
		return err
	})
	if err != nil {
		return "", unknown(err, "report", id)
	}
	if err := s.Cases.Decide(ctx, "case.read", r.Case); err != nil {
		return "", err
	}
	d, err := s.facts(ctx, r.Case, r.Kind)
	if err != nil {
		return "", err
	}
	d.number = r.Number
	return d.write(lang, s.now()), nil
}
