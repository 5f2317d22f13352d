package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Words is the plan as a person would read it aloud, in both languages.
func (p *Plan) Words() string {
	var b strings.Builder
	line := func(what, text string) { fmt.Fprintf(&b, "  %-14s%s\n", what, text) }
	fmt.Fprintf(&b, "%s/%s\n", p.Pack, p.ID)
	line("plan", p.Title.En+" · "+p.Title.Zh)
	line("about", p.About+"; one response "+map[string]string{"city": "at a time", "place": "for each place"}[p.Per])
	for _, a := range p.Agencies {
		var ways []string
		for _, w := range a.Found {
			ways = append(ways, w.String())
		}
		text := fmt.Sprintf("%s, %s · %s: %s", a.ID, a.Title.En, a.Title.Zh, strings.Join(ways, ", else "))
		if a.Lead {
			text += "; leads"
		}
		if a.Each {
			text += "; each of them"
		}
		line("agency", text)
	}
	for _, r := range p.Resources {
		line("resource", fmt.Sprintf("%s, %s · %s: %s %s of %s", r.ID, r.Title.En, r.Title.Zh, number(r.Count), r.Unit.En, r.Of))
	}
	for i, l := range p.Levels {
		line("level", fmt.Sprintf("%s, %s · %s: decided by %s · %s", l.ID, l.Title.En, l.Title.Zh, l.DecidedBy.En, l.DecidedBy.Zh))
		for _, t := range l.ProposedBy {
			line("  proposed", "by "+t.Words().En)
			line("", t.Words().Zh+"时，建议启动"+l.Title.Zh)
		}
		if len(l.ProposedBy) == 0 {
			line("  proposed", "by nothing: opened by hand only")
		}
		for _, id := range l.Without {
			line("  without", id)
		}
		below := ""
		if i > 0 {
			below = p.Levels[i-1].ID
		}
		give, _ := p.Step(below, l.ID)
		for _, t := range give {
			line("  task", t.words(p))
			line("", "done when: "+t.Done.En+" · "+t.Done.Zh)
		}
	}
	line("source", p.Source)
	return b.String()
}

func (t Task) words(p *Plan) string {
	s := fmt.Sprintf("%s, %s · %s: %s of %s within %s", t.ID, t.Title.En, t.Title.Zh, t.Post, t.Agency, span(t.Due).En)
	for _, id := range slices.Sorted(maps.Keys(t.Needs)) {
		s += fmt.Sprintf("; %s %s", number(t.Needs[id]), id)
	}
	if t.Asks != nil {
		s += "; answers: " + t.Asks.Title.En + " · " + t.Asks.Title.Zh
	}
	return s
}

// String is the way in words.
func (w Way) String() string {
	switch {
	case w.Organisation != "":
		return "the organisation " + w.Organisation
	case w.Kind != "":
		return "an organisation of the kind " + w.Kind
	}
	s := "who has the duty of " + w.Duty
	if w.Of != "" {
		s += " for a " + w.Of
	}
	if w.Pack != "" {
		s += ", also one for the pack " + w.Pack
	}
	return s
}

// Words is the trigger in words.
func (t Trigger) Words() lifecycle.Text {
	n := max(1, t.AtLeast)
	switch {
	case t.Incident != "":
		return lifecycle.Words("an incident of the grade "+t.Incident+" or above", gradeNames[t.Incident]+"及以上突发事件发生")
	case t.Warning != "":
		return lifecycle.Words("a warning of "+t.Warning+" in "+t.From+" or above", t.Warning+" "+colourNames[t.From]+"及以上预警生效")
	case n > 1:
		return lifecycle.Words(fmt.Sprintf("%d alerts in %s or above of %s", n, t.From, strings.Join(t.Alerts, ", ")),
			fmt.Sprintf("%s 有 %d 个及以上%s及以上告警", strings.Join(t.Alerts, "、"), n, colourNames[t.From]))
	}
	return lifecycle.Words("an alert in "+t.From+" or above of "+strings.Join(t.Alerts, " or "),
		strings.Join(t.Alerts, "、")+" 发出"+colourNames[t.From]+"及以上告警")
}

var (
	colourNames = map[string]string{"blue": "蓝色", "yellow": "黄色", "orange": "橙色", "red": "红色"}
	gradeNames  = map[string]string{"general": "一般", "larger": "较大", "major": "重大", "extraordinary": "特别重大"}
)

// span is a term in words: 1 h 30 min.
func span(d time.Duration) lifecycle.Text {
	var en, zh []string
	for _, u := range []struct {
		of     time.Duration
		en, zh string
	}{{24 * time.Hour, "d", "天"}, {time.Hour, "h", "小时"}, {time.Minute, "min", "分钟"}, {time.Second, "s", "秒"}} {
		if n := d / u.of; n > 0 {
			en, zh = append(en, fmt.Sprintf("%d %s", n, u.en)), append(zh, fmt.Sprintf("%d%s", n, u.zh))
			d -= n * u.of
		}
	}
	return lifecycle.Words(strings.Join(en, " "), strings.Join(zh, ""))
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
