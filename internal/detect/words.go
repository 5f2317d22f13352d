package detect

import (
	"fmt"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
)

// Wording is a text in both languages.
type Wording struct {
	EN string `json:"en"`
	ZH string `json:"zh-CN"`
}

type wording = Wording

// In is the text in "en" or "zh-CN".
func (w Wording) In(lang string) string {
	if lang == "zh-CN" {
		return w.ZH
	}
	return w.EN
}

func textOf(t pack.Text) Wording { return Wording{t.In("en"), t.In("zh-CN")} }

// words says the rule, and what ends its alert, as a person would read it aloud.
func (d *Detector) words() (rule, clears Wording) {
	var en, zh []string
	for _, l := range d.Levels {
		c := d.condition(l.When)
		held := Wording{}
		switch {
		case l.For > 0 && l.Within > 0:
			held.EN = fmt.Sprintf(" for %s within %s", span(l.For).EN, span(l.Within).EN)
			held.ZH = fmt.Sprintf("，%s内累计%s", span(l.Within).ZH, span(l.For).ZH)
		case l.For > 0:
			held.EN, held.ZH = " for "+span(l.For).EN, "，持续"+span(l.For).ZH
		}
		en = append(en, fmt.Sprintf("%s when %s%s", levelWords[l.Level].EN, c.EN, held.EN))
		zh = append(zh, fmt.Sprintf("%s%s，发%s告警", c.ZH, held.ZH, levelWords[l.Level].ZH))
	}
	rule = Wording{strings.Join(en, "; "), strings.Join(zh, "；")}
	rule.EN = strings.ToUpper(rule.EN[:1]) + rule.EN[1:] + "."
	rule.ZH += "。"
	if d.Together {
		rule.EN += " The instruments of one place make one alert."
		rule.ZH += "同一点位的仪器合并为一条告警。"
	}
	c := d.condition(d.Clear)
	clears = Wording{"Clears when " + c.EN, c.ZH}
	if d.Together {
		clears = Wording{"Clears when for every instrument " + c.EN, "各仪器均满足" + c.ZH}
	}
	if d.ClearFor > 0 {
		clears.EN += " for " + span(d.ClearFor).EN
		clears.ZH += "，持续" + span(d.ClearFor).ZH
	}
	clears.EN += "."
	clears.ZH += "后恢复。"
	return rule, clears
}

func (d *Detector) condition(c *pack.Condition) Wording {
	in := func(lang, above, and, or, not string) string {
		return c.Words(func(variable string) (string, string) {
			name := d.Property.Title.In(lang)
			if variable == "excess" {
				name += above
			}
			return name, d.Property.Unit
		}, and, or, not)
	}
	return Wording{in("en", " above background", " and ", " or ", "not "), in("zh-CN", "高出本底", "且", "或", "非")}
}

// span says a duration in its largest units that fit, at most two.
func span(d time.Duration) Wording {
	units := []struct {
		size   time.Duration
		en, zh string
	}{{24 * time.Hour, "d", "天"}, {time.Hour, "h", "小时"}, {time.Minute, "min", "分钟"}, {time.Second, "s", "秒"}}
	d = d.Round(time.Second)
	var en, zh []string
	for _, u := range units {
		if n := d / u.size; n > 0 && len(en) < 2 {
			en = append(en, fmt.Sprintf("%d %s", n, u.en))
			zh = append(zh, fmt.Sprintf("%d%s", n, u.zh))
			d -= n * u.size
		} else if len(en) > 0 {
			break // 2 h 5 s would claim more than it says
		}
	}
	if en == nil {
		return Wording{"0 s", "0秒"}
	}
	return Wording{strings.Join(en, " "), strings.Join(zh, "")}
}

// because fills the rule's text with what a change of its alert rests on.
func (d *Detector) because(c Change, s Stream) Wording {
	held := span(time.Duration(c.At-c.Since) * time.Microsecond)
	fill := func(lang, text string) string {
		return placeholder.ReplaceAllStringFunc(text, func(m string) string {
			switch placeholder.FindStringSubmatch(m)[1] {
			case "value":
				return pack.FormatNumber(c.Value)
			case "unit":
				return d.Property.Unit
			case "excess":
				return pack.FormatNumber(c.Excess)
			case "background":
				return pack.FormatNumber(c.Value - c.Excess)
			case "level":
				return levelWords[c.To].In(lang)
			case "duration":
				return held.In(lang)
			case "asset":
				return s.AssetName.In(lang)
			case "place":
				return s.PlaceName.In(lang)
			case "area":
				return s.AreaName.In(lang)
			}
			return m // Compile refuses others
		})
	}
	return Wording{fill("en", d.Because.In("en")), fill("zh-CN", d.Because.In("zh-CN"))}
}

// silentWords are title, reason, rule and end of the alert that an instrument fell silent.
func (d *Detector) silentWords(s Stream) (title, because, rule, clears Wording) {
	after, asset := span(d.SilentAfter), s.AssetName
	property := textOf(d.Property.Title)
	return Wording{"No readings: " + property.EN, "监测中断：" + property.ZH},
		Wording{fmt.Sprintf("%s has sent no %s for %s", asset.EN, strings.ToLower(property.EN), after.EN),
			fmt.Sprintf("%s已%s未上报%s", asset.ZH, after.ZH, property.ZH)},
		Wording{fmt.Sprintf("Raised when an instrument of %q says nothing for %s.", d.Title.In("en"), after.EN),
			fmt.Sprintf("“%s”的仪器%s无数据即告警。", d.Title.In("zh-CN"), after.ZH)},
		Wording{"Clears with its next reading.", "收到新数据后恢复。"}
}
