package reach

import (
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/platform/page"
)

// smsSegments bounds how many short messages a warning is cut into.
const smsSegments = 4

// wording names texts that several recipients get; texts are they.
type (
	wording struct{ channel, language string }
	texts   struct{ subject, body delivery.Text }
)

// message is what goes to one recipient. known are the texts that were made already.
func (s *Service) message(p Publication, r Recipient, known map[wording]texts) delivery.Message {
	m := delivery.Message{
		Key: messageKey(p, r.ID), Channel: r.Channel, Address: address(r.ID), Language: r.Language, Replaces: "warning:" + p.Number,
		Link: "/warnings/" + p.Number, Priority: priority(p), At: p.Sent, Until: p.Expires,
	}
	if ended := p.Sent.Add(endedFor); (p.Kind == "cancel" || p.Kind == "all-clear") && m.Until.Before(ended) {
		m.Until = ended
	}
	w := wording{r.Channel, r.Language}
	t, ok := known[w]
	if !ok {
		t = s.texts(p, w)
		known[w] = t
	}
	m.Subject, m.Body = t.subject, t.body
	return m
}

func (s *Service) texts(p Publication, w wording) (t texts) {
	switch w.channel {
	case Webhook:
		t.subject = delivery.Text{En: title(p, page.English), Zh: title(p, page.Chinese)} // the rest is the payload's
	case SMS:
		t.body = s.short(p, w.language, delivery.SMS(smsSegments))
	case CellBroadcast:
		t.body = s.short(p, w.language, delivery.CellBroadcast())
	default:
		t.subject = delivery.Text{En: title(p, page.English), Zh: title(p, page.Chinese)}
		t.body = delivery.Text{En: s.long(p, page.English), Zh: s.long(p, page.Chinese)}
	}
	return t
}

func priority(p Publication) delivery.Priority {
	switch {
	case p.Level == "red":
		return delivery.Urgent
	case p.Status == exercise:
		return delivery.Normal
	}
	return delivery.High
}

// words are the fixed ones of a language.
type words struct {
	level                           map[string]string
	warning                         string // %: the level
	drill                           string
	area, begins, until, todo, more string
	stop, join                      string
	date                            string
}

func wordsOf(lang string) words {
	if lang == page.Chinese {
		return words{
			level:   map[string]string{"red": "红色", "orange": "橙色", "yellow": "黄色", "blue": "蓝色"},
			warning: "【%预警】", drill: "【演练】", area: "区域：", begins: "开始：", until: "截至：", todo: "应对措施：", more: "详情：",
			stop: "。", join: "、", date: "1月2日15:04",
		}
	}
	return words{
		level:   map[string]string{"red": "Red", "orange": "Orange", "yellow": "Yellow", "blue": "Blue"},
		warning: "[% warning] ", drill: "[EXERCISE] ", area: "Area: ", begins: "From: ", until: "Until: ", todo: "What to do: ", more: "More: ",
		stop: ". ", join: ", ", date: "2 Jan 15:04",
	}
}

// title is the headline behind the level, and behind the word that it is an exercise.
func title(p Publication, lang string) string {
	w := wordsOf(lang)
	text := strings.ReplaceAll(w.warning, "%", w.level[p.Level]) + p.Headline.In(lang)
	if p.Status == exercise {
		text = w.drill + text
	}
	return text
}

func places(p Publication, lang string) string {
	var names []string
	for _, x := range p.Places {
		names = append(names, x.Name.In(lang))
	}
	return strings.Join(names, wordsOf(lang).join)
}

func (s *Service) at(t time.Time, lang string) string {
	return t.In(s.zone()).Format(wordsOf(lang).date)
}

// long is what a mail and a group's robot say below the title.
func (s *Service) long(p Publication, lang string) string {
	w := wordsOf(lang)
	lines := []string{p.Description.In(lang), w.area + places(p, lang)}
	if p.Kind == "alert" || p.Kind == "update" {
		if p.Onset.After(p.Sent) {
			lines = append(lines, w.begins+s.at(p.Onset, lang))
		}
		lines = append(lines, w.until+s.at(p.Expires, lang))
	}
	if todo := p.Instruction.In(lang); todo != "" {
		lines = append(lines, w.todo+todo)
	}
	return strings.Join(append(lines, w.more+p.URL), "\n")
}

// short is what fits into short messages or a broadcast: the title, where and until when, what to do as far as it fits, and the
// address of the rest, which is never cut.
func (s *Service) short(p Publication, language string, c delivery.Carrier) delivery.Text {
	one := func(lang string) string {
		w := wordsOf(lang)
		text := title(p, lang) + w.stop + w.area + places(p, lang) + w.stop
		if p.Kind == "alert" || p.Kind == "update" {
			text += w.until + s.at(p.Expires, lang) + w.stop
		}
		if todo := p.Instruction.In(lang); todo != "" {
			text += todo
		}
		return strings.TrimSpace(text)
	}
	end := "\n" + p.URL
	switch language {
	case page.English:
		return delivery.Text{En: c.Fit(one(page.English), end)}
	case page.Chinese:
		return delivery.Text{Zh: c.Fit(one(page.Chinese), end)}
	}
	// Both share the room: each may have half of it.
	half := c.Half()
	both := c.Fit(half.Fit(one(page.Chinese), "")+"\n"+half.Fit(one(page.English), ""), end)
	return delivery.Text{En: both, Zh: both}
}
