package reach

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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
	if ended := p.Sent.Add(endedFor); p.over() && m.Until.Before(ended) {
		m.Until = ended
	}
	if r.Channel == WebPush && (p.Status != actual || p.Scope != "Public") {
		m.Link = "/console/warnings" // it stands on no public page
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
	case p.Status == exercise:
		return delivery.Normal
	case p.Level == "red" && !p.over():
		return delivery.Urgent
	}
	return delivery.High // an end, too: it wakes nobody
}

// words are the fixed ones of a language. In a heading % is the level, and $ the one before.
type words struct {
	level                             map[string]string
	heading                           map[string]string // by what the message does
	ended                             map[string]string // by kind: what has become of the warning
	drill                             string
	former, area, begins, until, todo string
	more, stop, join, rest            string // rest: %d places, of all or left, after those that are named
	date                              string
}

func wordsOf(lang string) words {
	if lang == page.Chinese {
		return words{
			level: map[string]string{"red": "红色", "orange": "橙色", "yellow": "黄色", "blue": "蓝色"},
			heading: map[string]string{
				"alert": "【%预警】", "update": "【%预警·更新】", "upgrade": "【%预警·由$升级】", "downgrade": "【%预警·由$降级】",
				"cancel": "【预警撤销】", "all-clear": "【预警解除】",
			},
			ended: map[string]string{"cancel": "该预警发布有误，现予撤销，不再有效。", "all-clear": "险情已经解除，该预警已结束。"},
			drill: "【演练】", former: "原预警：", area: "区域：", begins: "开始：", until: "有效至：", todo: "应对措施：", more: "详情：",
			stop: "。", join: "、", rest: "等%d处", date: "1月2日15:04",
		}
	}
	return words{
		level: map[string]string{"red": "Red", "orange": "Orange", "yellow": "Yellow", "blue": "Blue"},
		heading: map[string]string{
			"alert": "[% warning] ", "update": "[% warning, updated] ", "upgrade": "[% warning, upgraded from $] ", "downgrade": "[% warning, downgraded from $] ",
			"cancel": "[Warning cancelled] ", "all-clear": "[All clear] ",
		},
		ended: map[string]string{
			"cancel":    "This warning was issued in error and is no longer in force. ",
			"all-clear": "The danger is over and this warning has ended. ",
		},
		drill: "[EXERCISE] ", former: "The warning was: ", area: "Area: ", begins: "From: ", until: "In force until: ", todo: "What to do: ", more: "More: ",
		stop: ". ", join: ", ", rest: " and %d more", date: "2 Jan 15:04",
	}
}

// does is what a publication does: its kind, or for an update that changes the level, in which direction.
func (p Publication) does() string {
	if p.Kind != "update" || p.Before == "" || p.Before == p.Level {
		return p.Kind
	}
	if slices.Index(levels(), p.Level) < slices.Index(levels(), p.Before) {
		return "upgrade"
	}
	return "downgrade"
}

// over says whether a publication ends the warning.
func (p Publication) over() bool { return p.Kind == "cancel" || p.Kind == "all-clear" }

// heading says in brackets what kind of message it is. The end of a warning shows no level: it must not look like a warning.
func heading(p Publication, lang string) string {
	w := wordsOf(lang)
	text := strings.NewReplacer("%", w.level[p.Level], "$", strings.ToLower(w.level[p.Before])).Replace(w.heading[p.does()])
	if p.Status == exercise {
		text = w.drill + text
	}
	return text
}

// title is the headline behind its heading.
func title(p Publication, lang string) string { return heading(p, lang) + p.Headline.In(lang) }

// places names the first most places, and counts the rest.
func places(p Publication, lang string, most int) string {
	w := wordsOf(lang)
	var names []string
	for _, x := range p.Places[:min(most, len(p.Places))] {
		names = append(names, x.Name.In(lang))
	}
	text := strings.Join(names, w.join)
	if left := len(p.Places) - len(names); left > 0 {
		if lang == page.Chinese {
			left = len(p.Places) // 等 counts all
		}
		text += fmt.Sprintf(w.rest, left)
	}
	return text
}

func (s *Service) at(t time.Time, lang string) string {
	return t.In(s.zone()).Format(wordsOf(lang).date)
}

// long is what a mail, a group's robot and a browser say below the title.
func (s *Service) long(p Publication, lang string) string {
	w := wordsOf(lang)
	first := p.Description.In(lang)
	if p.over() {
		first = strings.TrimSpace(w.ended[p.Kind])
	}
	lines := []string{first, w.area + places(p, lang, len(p.Places))}
	if !p.over() {
		if p.Onset.After(p.Sent) {
			lines = append(lines, w.begins+s.at(p.Onset, lang))
		}
		lines = append(lines, w.until+s.at(p.Expires, lang))
		if todo := p.Instruction.In(lang); todo != "" {
			lines = append(lines, w.todo+todo)
		}
	}
	return strings.Join(append(lines, w.more+p.URL), "\n")
}

// brief is what a short text must say: what it is, where (the first most places) and until when.
func (s *Service) brief(p Publication, lang string, most int) string {
	w := wordsOf(lang)
	text := title(p, lang) + w.stop
	if p.over() {
		// What matters now comes first, and what was said then is marked as such.
		text = heading(p, lang) + w.ended[p.Kind] + w.former + p.Headline.In(lang) + w.stop
	}
	if len(p.Places) > 0 {
		text += w.area + places(p, lang, most) + w.stop
	}
	if !p.over() {
		text += w.until + s.at(p.Expires, lang) + w.stop
	}
	return text
}

// short is what fits into short messages or a broadcast: what it must say, as many whole sentences of what to do as there is room
// for, and the address of the rest, which is never cut. Two languages say as much as each other.
func (s *Service) short(p Publication, language string, c delivery.Carrier) delivery.Text {
	langs := []string{language}
	if language == "" {
		langs = []string{page.Chinese, page.English}
	}
	end := "\n" + p.URL
	join := func(parts []string) string {
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		return strings.Join(parts, "\n") + end
	}
	fits := func(text string) bool { return len(c.Split(text)) <= c.Most }
	text := ""
	for most := max(1, len(p.Places)); most > 0 && text == ""; most-- {
		said := func(sentences int) string {
			var parts []string
			for _, lang := range langs {
				todo := sentencesOf(p.Instruction.In(lang))
				if p.over() {
					todo = nil
				}
				parts = append(parts, s.brief(p, lang, most)+strings.Join(todo[:min(sentences, len(todo))], ""))
			}
			return join(parts)
		}
		if !fits(said(0)) {
			continue
		}
		n := 0
		for said(n+1) != said(n) && fits(said(n+1)) {
			n++
		}
		text = said(n)
	}
	if text == "" { // not even this fits: cut it, each language has its share
		if len(langs) > 1 {
			half := c.Half()
			text = c.Fit(half.Fit(s.brief(p, page.Chinese, 1), "")+"\n"+half.Fit(s.brief(p, page.English, 1), ""), end)
		} else {
			text = c.Fit(strings.TrimSpace(s.brief(p, language, 1)), end)
		}
	}
	switch language {
	case page.English:
		return delivery.Text{En: text}
	case page.Chinese:
		return delivery.Text{Zh: text}
	}
	return delivery.Text{En: text, Zh: text}
}

// sentencesOf parts a text behind the ends of its sentences; together they are the text.
func sentencesOf(text string) (out []string) {
	begin := 0
	for i, r := range text {
		next := i + utf8.RuneLen(r)
		switch {
		case next >= len(text):
		case strings.ContainsRune("。！？\n", r):
			out, begin = append(out, text[begin:next]), next
		case r == ' ' && i > begin && strings.ContainsRune(".!?", rune(text[i-1])):
			out, begin = append(out, text[begin:next]), next
		}
	}
	if begin < len(text) {
		out = append(out, text[begin:])
	}
	return out
}
