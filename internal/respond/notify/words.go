package notify

import (
	"fmt"
	"net/url"
	"strconv"

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

// toldWords are the line of a case's timeline that says that a post was told.
func toldWords(c *Chain, who lifecycle.Text, post string, round int) lifecycle.Text {
	if who == (lifecycle.Text{}) {
		who = city
	}
	if post != "" {
		who = lifecycle.Words(who.En+", "+post, who.Zh+"（"+post+"）")
	}
	why := callWords(c, round)
	return lifecycle.Words("Told "+who.En+": "+why.En, "已通知"+who.Zh+"："+why.Zh)
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
