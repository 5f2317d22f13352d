package sitrep

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// words is short for a wording in both languages.
func words(en, zh string) Text { return lifecycle.Words(en, zh) }

func formTitles(form string) Text {
	return map[string]Text{
		Briefing: words("Incident briefing (ICS-201)", "事件简报（ICS-201）"),
		Summary:  words("Incident status summary (ICS-209)", "事件态势综述（ICS-209）"),
		Activity: words("Activity log (ICS-214)", "单位处置记录（ICS-214）"),
		Special:  words("Special report on an emergency", "突发事件专报"),
	}[form]
}

// --- ICS-201

func (w *writer) briefing() []Section {
	return []Section{
		section("initiated", "3", words("Initiated", "启动情况"), w.initiated()),
		section("sketch", "4", words("Map sketch: marks in force", "现场示意：现行标绘"), w.marks()),
		section("situation", "5", words("Situation summary", "情况概要"), slices.Concat(w.standing(), w.topics("situation", "casualties", "damage", "threat"))),
		section("safety", "5", words("Health and safety briefing", "安全提示"), w.topics("safety")),
		section("objectives", "7", words("Current objectives", "当前目标"), w.objectives()),
		section("actions", "8", words("Actions and decisions so far", "已采取的行动与决定"), w.events(w.all)),
		section("organisation", "9", words("Current organisation", "参与单位及岗位"), w.seats()),
		section("resources", "10", words("Resource summary", "资源概况"), w.resources()),
	}
}

// --- ICS-209

func (w *writer) summary() []Section {
	return []Section{
		section("initiated", "6", words("Incident start", "事件起始"), w.initiated()),
		section("status", "7-8", words("Status", "当前状态"), slices.Concat(w.standing(), w.topics("situation"))),
		section("volume", "11", words("Entries in this period", "本期记录"), w.volume()),
		section("area", "16-27", words("Location and marks in force", "地点及现行标绘"), w.marks()),
		section("events", "28", words("Significant events of the period", "本期重要事件"), w.events(w.period)),
		section("damage", "30", words("Damage assessment", "损失情况"), slices.Concat(w.answers("harm"), w.topics("damage"))),
		section("casualties", "31-33", words("People: status summary", "人员情况"), w.topics("casualties")),
		section("safety", "34", words("Life, safety and health", "生命与安全"), w.topics("safety")),
		section("threat", "36-38", words("Threats and projected activity", "次生风险与趋势"), w.topics("threat")),
		section("needs", "39", words("Critical resource needs", "急需资源"), w.needs()),
		section("objectives", "37", words("Objectives", "目标"), w.objectives()),
		section("decisions", "40", words("Decisions in force", "现行决定"), w.decisions()),
		section("planned", "41", words("Planned actions", "下一步措施"), slices.Concat(w.topics("next"), w.openTasks())),
		section("resources", "48-52", words("Resource commitment summary", "资源投入概况"), w.resources()),
		section("agencies", "53", words("Agencies in the room", "参与单位"), w.seats()),
	}
}

// --- ICS-214

func (w *writer) activity() []Section {
	var seats, log, resources []Line
	for _, s := range w.state.Seats {
		if s.Organisation == w.o.Agency {
			seats = append(seats, w.seat(s))
		}
	}
	for _, r := range w.state.Requests {
		for _, c := range r.Commitments {
			if c.Organisation == w.o.Agency {
				resources = append(resources, w.commitment(r, c))
			}
		}
	}
	for i := range w.period {
		if e := &w.period[i]; Of(e, w.o.Agency) {
			log = append(log, entryLine(e))
		}
	}
	return []Section{
		section("positions", "4", words("Positions", "岗位"), seats),
		section("resources", "6", words("Resources assigned", "投入资源"), resources),
		section("log", "7", words("Activity log", "处置记录"), log),
	}
}

// Of says whether an entry belongs to an agency's log: a person of it wrote it, or it gave the agency a task. The city's own
// watch (0) has what accounts of the city wrote.
func Of(e *respond.Entry, agency int64) bool {
	if agency == 0 {
		return e.By() == 0 && e.Actor.Kind.String() == "account"
	}
	return e.By() == agency || e.Kind == "task" && number(e, "organisation") == agency
}

// --- 突发事件专报

func (w *writer) special() []Section {
	return []Section{
		section("basics", "一", words("The incident", "基本情况"), slices.Concat(w.initiated(), w.graded(), w.answers("situation", "harm"), w.topics("situation", "casualties", "damage"))),
		section("course", "二", words("Course of the response", "处置经过"), w.events(w.period)),
		section("status", "三", words("Situation now", "目前态势"), slices.Concat(w.standing(), w.topics("threat"), w.marks(), w.resources(), w.tasksDone())),
		section("next", "四", words("Next steps", "下一步措施"), slices.Concat(w.topics("next"), w.objectives(), w.openTasks(), w.needs())),
		section("attached", "", words("Attached: decisions in force, agencies in the room", "附：现行决定、参与单位"), slices.Concat(w.decisions(), w.seats())),
	}
}

// --- what the sections are made of

func entryLine(e *respond.Entry) Line {
	text := e.Words()
	if why := word(e, "why"); why != "" {
		text = words(text.En+". Why: "+why, text.Zh+"。理由："+why)
	}
	return Line{At: at(e.At), Text: text, Entries: []int64{e.ID}}
}

// initiated is how it began: the first entry, and what was known when the room was opened.
func (w *writer) initiated() []Line {
	first := entryLine(&w.all[0])
	day := w.all[0].At.In(w.o.Zone)
	first.Text = words("Begun "+w.clock(w.all[0].At).En+". "+first.Text.En, fmt.Sprintf("时间：%d年", day.Year())+w.clock(w.all[0].At).Zh+"。"+first.Text.Zh)
	out := []Line{first}
	for i := range w.all[1:] {
		if e := &w.all[i+1]; e.Kind == KindRoom {
			out = append(out, entryLine(e))
			break
		}
	}
	return out
}

// standing is where the case stands: its last move, its grade, its alert.
func (w *writer) standing() []Line {
	var move, alert *respond.Entry
	for i := range w.all {
		e := &w.all[i]
		switch e.Kind {
		case "move":
			move = e
		case "alert":
			alert = e
		}
	}
	var out []Line
	if move != nil {
		l := entryLine(move)
		l.Text = words("Last step of the case: "+l.Text.En, "案卷最近一步："+l.Text.Zh)
		out = append(out, l)
	}
	out = append(out, w.graded()...)
	if alert != nil {
		l := entryLine(alert)
		l.Text = words("Last news of its alerts: "+l.Text.En, "告警最新动态："+l.Text.Zh)
		out = append(out, l)
	}
	return out
}

// graded is the grade of the incident, as it was given last: in a step of the case, or when a plan opened it.
func (w *writer) graded() []Line {
	for i := range slices.Backward(w.all) {
		e := &w.all[i]
		fields := object(e, "fields")
		if e.Kind != "move" && e.Kind != "plan" || fields == nil || fields["grade"] == nil {
			continue
		}
		t, ok := w.grade(fields["grade"])
		if !ok {
			return nil
		}
		if e.Kind == "plan" { // its words are those of the response
			t = words(e.Text.En+". "+t.En, e.Text.Zh+"。"+t.Zh)
		}
		return []Line{{At: at(e.At), Text: t, Entries: []int64{e.ID}}}
	}
	return nil
}

// answers are what the steps of the case asked for, the newest of each field.
func (w *writer) answers(fields ...string) (out []Line) {
	titles := map[string]Text{"situation": words("What happened", "情况"), "harm": words("Harm", "人员伤亡和损失")}
	for _, field := range fields {
		for i := range slices.Backward(w.all) {
			e := &w.all[i]
			said, _ := object(e, "fields")[field].(string)
			if e.Kind != "move" || said == "" {
				continue
			}
			t, l := titles[field], entryLine(e)
			l.Text = words(l.Text.En+". "+t.En+": "+said, l.Text.Zh+"。"+t.Zh+"："+said)
			out = append(out, l)
			break
		}
	}
	return out
}

// grade names the grade of an emergency. Other kinds of case have grades of their own, which other scales name.
func (w *writer) grade(v any) (Text, bool) {
	if w.o.Kind != "incident" {
		return Text{}, false
	}
	id, _ := v.(string)
	t, ok := map[string]Text{
		"extraordinary": words("Grade of the incident: extraordinary", "事件等级：特别重大"),
		"major":         words("Grade of the incident: major", "事件等级：重大"),
		"larger":        words("Grade of the incident: larger", "事件等级：较大"),
		"general":       words("Grade of the incident: general", "事件等级：一般"),
	}[id]
	return t, ok
}

// topics gives, for each topic, the newest line of the log of each agency on it: an older one is overtaken. Lines of other
// agencies stand side by side, since none of them is the truth about the others.
func (w *writer) topics(topics ...string) []Line {
	type voice struct {
		topic string
		by    int64
	}
	newest := map[voice]*respond.Entry{}
	for i := range w.all {
		if e := &w.all[i]; e.Kind == KindLog && slices.Contains(topics, word(e, "topic")) {
			newest[voice{word(e, "topic"), e.By()}] = e
		}
	}
	var found []*respond.Entry
	for _, e := range newest {
		found = append(found, e)
	}
	slices.SortFunc(found, func(a, b *respond.Entry) int {
		if d := slices.Index(topics, word(a, "topic")) - slices.Index(topics, word(b, "topic")); d != 0 {
			return d
		}
		return int(a.ID - b.ID)
	})
	var out []Line
	for _, e := range found {
		out = append(out, entryLine(e))
	}
	return out
}

// events are the entries that changed something. The same task that is late with many is one line, where the first of them stands.
func (w *writer) events(entries []respond.Entry) []Line {
	var out []Line
	late := map[Text]int{}
	for i := range entries {
		e := &entries[i]
		if !changesSomething(e) {
			continue
		}
		if e.Kind == "overdue" {
			if n, known := late[e.Words()]; known {
				out[n].Entries = append(out[n].Entries, e.ID)
				continue
			}
			late[e.Words()] = len(out)
		}
		out = append(out, entryLine(e))
	}
	for what, n := range late {
		if l := &out[n]; len(l.Entries) > 1 {
			f := Figure{Name: "late", Rule: Count, Value: float64(len(l.Entries)), Entries: l.Entries}
			l.Text = words(what.En+" ("+plain(f.Value)+" times)", what.Zh+"（共"+plain(f.Value)+"项）")
			l.Figures = []Figure{f}
		}
	}
	return out
}

// changesSomething says it of moves, decisions, marks, resources, objectives, alerts, plans, and of the lines of the log that
// their writer called significant.
func changesSomething(e *respond.Entry) bool {
	switch e.Kind {
	case "move", "alert", "overdue", "plan", KindDecision, KindMark, KindObjective, KindResource:
		return true
	case KindLog:
		return flag(e, "significant")
	}
	return false
}

// volume counts the entries of the period by kind.
func (w *writer) volume() []Line {
	titles := []struct {
		kind string
		text Text
	}{
		{KindLog, words("lines of the log", "条处置记录")}, {KindDecision, words("decisions", "项决定")}, {"move", words("steps of the case", "次案卷流转")},
		{"alert", words("news of alerts", "条告警动态")}, {"task", words("entries on tasks", "条任务记录")}, {KindMark, words("changes of marks", "次标绘变更")},
		{KindResource, words("steps of resources", "条资源记录")},
	}
	var out []Line
	for _, t := range titles {
		f := Figure{Name: t.kind, Rule: Count}
		for i := range w.period {
			if e := &w.period[i]; e.Kind == t.kind {
				f.add(1, e.ID)
			}
		}
		if f.Value > 0 {
			out = append(out, Line{Text: words(plain(f.Value)+" "+t.text.En, plain(f.Value)+t.text.Zh), Entries: f.Entries, Figures: []Figure{f}})
		}
	}
	return out
}

func (w *writer) marks() []Line {
	var out []Line
	for _, m := range w.state.Marks {
		kind, by := MarkTitle(m.Kind), w.name(m.Organisation)
		text := words(kind.En+": "+m.Label+" ("+by.En+")", kind.Zh+"："+m.Label+"（"+by.Zh+"）")
		out = append(out, Line{At: at(m.At), Text: text, Entries: m.Entries, Shape: m.Shape})
	}
	return out
}

func (w *writer) objectives() []Line {
	var out []Line
	for _, o := range w.state.Objectives {
		if o.State == "current" {
			out = append(out, Line{At: at(o.At), Text: words(o.Words, o.Words), Entries: o.Entries})
		}
	}
	return out
}

func (w *writer) decisions() []Line {
	var out []Line
	for _, d := range w.state.Decisions {
		if d.SupersededBy != 0 {
			continue
		}
		who := w.who(d.Organisation, d.Post)
		text := words(who.En+" decided: "+d.What+". Why: "+d.Why, who.Zh+"决定："+d.What+"。理由："+d.Why)
		if from, ok := w.moment(d.From); ok {
			text = words(text.En+". In force from "+from.En, text.Zh+"。自"+from.Zh+"起执行")
		}
		out = append(out, Line{At: at(d.At), Text: text, Entries: []int64{d.Entry}})
	}
	return out
}

func (w *writer) seat(s Seat) Line {
	who := w.who(s.Organisation, s.Post)
	since := w.clock(s.Joined)
	text := words(who.En+", since "+since.En, who.Zh+"，"+since.Zh+"到位")
	if !s.Left.IsZero() {
		left := w.clock(s.Left)
		text = words(text.En+", left "+left.En, text.Zh+"，"+left.Zh+"离开")
	}
	return Line{Text: text, Entries: s.Entries}
}

func (w *writer) seats() []Line {
	var out []Line
	for _, s := range w.state.Seats {
		out = append(out, w.seat(s))
	}
	return out
}

// resources says of each request what was asked, committed, has arrived and was released.
func (w *writer) resources() []Line {
	var out []Line
	for i := range w.state.Requests {
		r := &w.state.Requests[i]
		asked, committed, arrived, released := r.figures()
		by, unit := w.name(r.Organisation), r.Unit
		text := words(
			r.What+" for "+by.En+": asked "+plain(asked.Value)+unitEn(unit)+", committed "+plain(committed.Value)+", arrived "+plain(arrived.Value)+", released "+plain(released.Value),
			by.Zh+"请求"+r.What+"："+"需"+plain(asked.Value)+unit+"，已承诺"+plain(committed.Value)+unit+"，已到位"+plain(arrived.Value)+unit+"，已撤收"+plain(released.Value)+unit)
		if r.Cancelled {
			text = words(text.En+" (cancelled)", text.Zh+"（请求已取消）")
		}
		out = append(out, Line{At: at(r.At), Text: text, Entries: r.Entries, Figures: []Figure{asked, committed, arrived, released}})
		for _, c := range r.Commitments {
			out = append(out, w.commitment(*r, c))
		}
	}
	return out
}

func (w *writer) commitment(r Request, c Commitment) Line {
	by := w.name(c.Organisation)
	state := map[string]Text{
		"declined": words("declined", "不能提供"), "committed": words("committed", "已承诺"), "arrived": words("arrived", "已到位"),
		"released": words("released", "已撤收"), "withdrawn": words("withdrawn", "已撤回"),
	}[c.State]
	l := Line{At: at(c.At), Entries: []int64{r.Ask, c.Commit}} // what it is, the request says
	for _, id := range []int64{c.Arrive, c.Release, c.Withdraw} {
		if id != 0 {
			l.Entries = append(l.Entries, id)
		}
	}
	if c.State == "declined" {
		l.Text = words(by.En+" declined: "+r.What, by.Zh+"不能提供"+r.What)
		return l
	}
	with := ""
	if c.With != "" {
		with = " (" + c.With + ")"
	}
	l.Text = words(by.En+": "+plain(c.Quantity)+unitEn(r.Unit)+" of "+r.What+with+", "+state.En, by.Zh+"："+r.What+plain(c.Quantity)+r.Unit+with+"，"+state.Zh)
	l.Figures = []Figure{{Name: "quantity", Value: c.Quantity, Rule: SumQuantity, Entries: []int64{c.Commit}}}
	return l
}

// needs are the requests that are not covered yet.
func (w *writer) needs() []Line {
	var out []Line
	for i := range w.state.Requests {
		r := &w.state.Requests[i]
		asked, committed, _, _ := r.figures()
		if r.Cancelled || committed.Value >= asked.Value {
			continue
		}
		by := w.name(r.Organisation)
		text := words(by.En+" needs "+r.What+": asked "+plain(asked.Value)+unitEn(r.Unit)+", committed "+plain(committed.Value),
			by.Zh+"急需"+r.What+"：需"+plain(asked.Value)+r.Unit+"，已承诺"+plain(committed.Value)+r.Unit)
		if by, ok := w.moment(r.NeededBy); ok {
			text = words(text.En+", needed by "+by.En, text.Zh+"，须于"+by.Zh+"前到位")
		}
		entries := slices.Concat(asked.Entries, committed.Entries)
		out = append(out, Line{At: at(r.At), Text: text, Entries: entries, Figures: []Figure{asked, committed}})
	}
	return out
}

// openTasks are the tasks that are out. Those of the same words are one line, with who has them: each still has its entries there.
func (w *writer) openTasks() []Line {
	var out []Line
	var groups [][]Task
	at0 := map[Text]int{}
	for _, t := range w.state.Tasks {
		if t.State != "open" && t.State != "acknowledged" {
			continue
		}
		i, known := at0[t.Words]
		if !known {
			i = len(groups)
			at0[t.Words], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], t)
	}
	for _, ts := range groups {
		out = append(out, w.sameTask(ts))
	}
	return out
}

// named is how many organisations a line names before it counts them.
const named = 3

// sameTask is the line of tasks that have the same words.
func (w *writer) sameTask(ts []Task) Line {
	l := Line{At: at(ts[0].At)}
	teams := Figure{Name: "organisations", Rule: Count}
	var who []int64
	for _, t := range ts {
		l.Entries = append(l.Entries, t.Entries...)
		if !slices.Contains(who, t.Organisation) {
			who = append(who, t.Organisation)
			teams.add(1, t.Entries[0])
		}
	}
	slices.Sort(l.Entries)
	var en, zh []string
	for _, id := range who[:min(named, len(who))] {
		n := w.name(id)
		en, zh = append(en, n.En), append(zh, n.Zh)
	}
	to := words(strings.Join(en, ", "), strings.Join(zh, "、"))
	what := words(strings.TrimPrefix(ts[0].Words.En, "Task given: "), strings.TrimPrefix(ts[0].Words.Zh, "派发任务："))
	switch {
	case len(who) == 1:
		l.Text = words(what.En+" ("+to.En+")", what.Zh+"（"+to.Zh+"）")
		return l
	case len(who) > named:
		to = words(to.En+" and others, "+plain(teams.Value)+" in all", to.Zh+"等"+plain(teams.Value)+"个单位")
		l.Figures = []Figure{teams}
	}
	l.Text = words(what.En+": "+to.En, what.Zh+"：由"+to.Zh+"落实")
	return l
}

// tasksDone counts the tasks by state.
func (w *writer) tasksDone() []Line {
	given, done := Figure{Name: "given", Rule: Count}, Figure{Name: "done", Rule: Count}
	var named []int64
	for _, t := range w.state.Tasks {
		given.add(1, t.Entries[0])
		named = append(named, t.Entries[0])
		if last := t.Entries[len(t.Entries)-1]; t.State == "done" {
			done.add(1, last)
			if last != t.Entries[0] {
				named = append(named, last)
			}
		}
	}
	if given.Value == 0 {
		return nil
	}
	return []Line{{
		Text:    words("Tasks given: "+plain(given.Value)+", done: "+plain(done.Value), "已派发任务"+plain(given.Value)+"项，已完成"+plain(done.Value)+"项"),
		Entries: named, Figures: []Figure{given, done},
	}}
}

// unitEn is a unit after a number, as English writes it.
func unitEn(unit string) string {
	if unit == "" {
		return ""
	}
	return " " + unit
}

// MarkTitle is what a kind of mark is called.
func MarkTitle(kind string) Text {
	if t, ok := map[string]Text{
		"cordon": words("Cordon", "警戒区"), "command-post": words("Command post", "现场指挥部"), "closed-road": words("Closed road", "封控道路"),
		"staging": words("Staging area", "集结区"), "medical": words("Medical post", "医疗点"), "shelter": words("Shelter", "安置点"),
		"hazard": words("Hazard", "危险源"), "other": words("Mark", "标注"),
	}[kind]; ok {
		return t
	}
	return words(kind, kind)
}
