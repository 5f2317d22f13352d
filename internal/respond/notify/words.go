package notify

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// linkWords are the links of the chain of responsibility.
var linkWords = map[string]lifecycle.Text{
	"enterprise": {En: "enterprise duty", Zh: "企业主体责任"},
	"regulator":  {En: "regulator duty", Zh: "部门监管责任"},
	"territory":  {En: "territory duty", Zh: "属地责任"},
	"leadership": {En: "leadership duty", Zh: "党政领导责任"},
}

// city is what organisation 0 is called.
var city = lifecycle.Text{En: "the city's watch", Zh: "市值班室"}

// callWords say why a post is told.
func callWords(c *Chain, round int) lifecycle.Text {
	if round == 0 {
		return c.Title
	}
	return lifecycle.Words(fmt.Sprintf("%s (reminder %d)", c.Title.En, round), fmt.Sprintf("%s（第 %d 次催办）", c.Title.Zh, round))
}

// called is what a post of an organisation is called; without a post it is the organisation.
func (s *Service) called(organisation lifecycle.Text, post string) lifecycle.Text {
	if organisation == (lifecycle.Text{}) {
		organisation = city
	}
	if post == "" {
		return organisation
	}
	p := s.Posts(post)
	return lifecycle.Words(organisation.En+", "+p.En, organisation.Zh+"（"+p.Zh+"）")
}

// toldWords are the line of a case's timeline that says who was told, and of which of its tasks where it is about one.
func toldWords(c *Chain, who, task lifecycle.Text, round int) lifecycle.Text {
	why := callWords(c, round)
	t := lifecycle.Words("Told "+who.En+": "+why.En, "已通知"+who.Zh+"："+why.Zh)
	if task != (lifecycle.Text{}) {
		t = lifecycle.Words(t.En+": "+task.En, t.Zh+"："+task.Zh)
	}
	return t
}

// missingWords are the line that says that a link is missing.
func missingWords(m missing) lifecycle.Text {
	l := linkWords[m.kind]
	t := lifecycle.Words(fmt.Sprintf("Nobody holds the %s for %s; the next link above is told", l.En, m.gap.Name.En),
		fmt.Sprintf("“%s”无人承担%s，已通知上一级责任单位", m.gap.Name.Zh, l.Zh))
	if m.finding != 0 {
		n := strconv.FormatInt(m.finding, 10)
		t = lifecycle.Words(t.En+" (finding "+n+")", t.Zh+"（问题隐患 "+n+"）")
	}
	return t
}

// gapWords describe the finding of a missing link. A finding has one text, so it holds both languages.
func gapWords(kind string, g Gap) string {
	l := linkWords[kind]
	return fmt.Sprintf("责任链缺失：“%s”无人承担%s。\nA link of the chain of responsibility is missing: nobody holds the %s for %s.", g.Name.Zh, l.Zh, l.En, g.Name.En)
}

// inboxLink is the page of a post's inbox.
func inboxLink(organisation int64, post string) string {
	q := url.Values{"organisation": {strconv.FormatInt(organisation, 10)}}
	if post != "" {
		q.Set("post", post)
	}
	return "/console/inbox?" + q.Encode()
}

// Words say the chain aloud, in both languages.
func (c *Chain) Words() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  %-14s%s · %s\n", c.ID, "title", c.Title.En, c.Title.Zh)
	if g := c.Begins; g != nil {
		en, zh := beginWords[g.On].En, beginWords[g.On].Zh
		if g.From != "" {
			en, zh = en+" from "+g.From+" on", levelWords[g.From]+"及以上"+zh
		}
		if len(g.Of) > 0 {
			en, zh = en+" of "+strings.Join(g.Of, ", "), strings.Join(g.Of, "、")+zh
		}
		fmt.Fprintf(&b, "  %-14s%s · %s\n", "begins with", en, zh)
	}
	for i, s := range c.Steps {
		what := ""
		if i == 0 {
			what = "steps"
		}
		en, zh := s.words()
		fmt.Fprintf(&b, "  %-14s%s · %s\n", what, en, zh)
	}
	if c.Repeat > 0 {
		fmt.Fprintf(&b, "  %-14sat most %d times more · 最多再重复 %d 次\n", "repeated", c.Repeat, c.Repeat)
	}
	en, zh := "somebody acknowledges it", "有人签收为止"
	if c.Until == UntilEnded {
		en, zh = "it is over", "事项办结为止"
	}
	fmt.Fprintf(&b, "  %-14s%s · %s\n", "until", en, zh)
	return b.String()
}

var beginWords = map[string]lifecycle.Text{
	OnAlert:   {En: "an alert that nobody has acknowledged", Zh: "告警未签收"},
	OnTask:    {En: "a task that was given", Zh: "任务已派发"},
	OnOverdue: {En: "a limit that has passed", Zh: "办理超时"},
	OnNoOwner: {En: "a case without an owner", Zh: "案卷无承办单位"},

	OnProposal:   {En: "a warning that waits for a second officer", Zh: "预警待审核签发"},
	OnSuggestion: {En: "a suggestion about a warning", Zh: "预警建议待处理"},
}

var levelWords = map[string]string{"blue": "蓝色", "yellow": "黄色", "orange": "橙色", "red": "红色"}

var tellWords = map[string]lifecycle.Text{
	TellOwner:    {En: "whoever has to act", Zh: "承办单位"},
	TellDesk:     {En: "the desk that runs it", Zh: "派单值班台"},
	TellNextLink: {En: "the next link of the duty chain", Zh: "责任链上一级"},
	"enterprise": {En: "who holds the enterprise duty", Zh: "企业主体责任单位"},
	"regulator":  {En: "who holds the regulator duty", Zh: "部门监管责任单位"},
	"territory":  {En: "who holds the territory duty", Zh: "属地责任单位"},
	"leadership": {En: "who holds the leadership duty", Zh: "党政领导责任人所在单位"},
}

func (s Step) words() (en, zh string) {
	switch {
	case s.Wait > 0:
		return "wait " + span(s.Wait), "等待 " + span(s.Wait)
	case s.Sound:
		return "sound the consoles", "控制台鸣响"
	case s.Organisation != "":
		en, zh = "tell "+s.Organisation, "通知 "+s.Organisation
	default:
		en, zh = "tell "+tellWords[s.Tell].En, "通知"+tellWords[s.Tell].Zh
	}
	if s.Post != "" {
		en, zh = en+", "+s.Post, zh+"（"+s.Post+"）"
	}
	return en, zh
}

// span is a duration as a pack writes it.
func span(d time.Duration) string {
	if day := 24 * time.Hour; d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
