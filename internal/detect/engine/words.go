package engine

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
)

// Wording is a text in both languages.
type Wording struct {
	EN string `json:"en"`
	ZH string `json:"zh-CN"`
}

// In is the text in "en" or "zh-CN".
func (w Wording) In(lang string) string {
	if lang == "zh-CN" {
		return w.ZH
	}
	return w.EN
}

// TextOf is a pack's text.
func TextOf(t pack.Text) Wording { return Wording{t.In("en"), t.In("zh-CN")} }

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
		c = bracketed(c, l.When, held.EN != "")
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
	if d.Joins != nil {
		en, zh := d.Joins.words()
		rule.EN += " " + en
		rule.ZH += zh
	}
	if len(d.Inputs) > 0 {
		scope := map[Scope]Wording{ScopeAsset: {"asset", "设施设备"}, ScopePlace: {"place", "点位"}, ScopeArea: {"area", "辖区"}}[d.scope]
		rule.EN += " The instruments of one " + scope.EN + " are judged together."
		rule.ZH += "同一" + scope.ZH + "的仪器合并研判。"
	}
	for i, in := range d.Inputs {
		if !math.IsNaN(in.Unknown) {
			counts := strings.TrimSpace(pack.FormatNumber(in.Unknown) + " " + strings.TrimPrefix(in.Property.Unit, "1"))
			rule.EN += fmt.Sprintf(" While nothing is heard of it, %s counts as %s.", d.vars[i].said.EN, counts)
			rule.ZH += fmt.Sprintf("无%s数据时，按 %s 研判。", d.vars[i].said.ZH, counts)
		}
	}
	c := bracketed(d.condition(d.Clear), d.Clear, d.ClearFor > 0)
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
	if x := d.Chatter; x != nil {
		clears.EN += fmt.Sprintf(" Raised %d times within %s, it stands until it has been clear for %s.", x.Raises, span(x.Within).EN, span(x.Settle).EN)
		clears.ZH += fmt.Sprintf("%s内反复%d次的，须稳定%s方可恢复。", span(x.Within).ZH, x.Raises, span(x.Settle).ZH)
	}
	return rule, clears
}

// bracketed is a condition as it stands before "for so long": in brackets where it is several, or the time would seem to be
// that of the last one.
func bracketed(said Wording, c *pack.Condition, held bool) Wording {
	if held && c.Compound() {
		return Wording{"(" + said.EN + ")", "（" + said.ZH + "）"}
	}
	return said
}

// words says which signals count together.
func (j *Joins) words() (string, string) {
	var en, zh []string
	for _, m := range j.Of {
		switch {
		case m.Reports != "" && m.AtLeast > 1:
			en, zh = append(en, fmt.Sprintf("%d reports of “%s”", m.AtLeast, m.Title.EN)), append(zh, fmt.Sprintf("“%s”诉求%d件", m.Title.ZH, m.AtLeast))
		case m.Reports != "":
			en, zh = append(en, fmt.Sprintf("a report of “%s”", m.Title.EN)), append(zh, fmt.Sprintf("“%s”诉求", m.Title.ZH))
		default:
			en, zh = append(en, fmt.Sprintf("the alert “%s” from %s on", m.Title.EN, levelWords[m.From].EN)), append(zh, fmt.Sprintf("“%s”%s及以上告警", m.Title.ZH, levelWords[m.From].ZH))
		}
	}
	where, there := "at one place", "同一点位"
	if j.Near > 0 {
		where, there = fmt.Sprintf("within %.0f m of a place", j.Near), fmt.Sprintf("点位周围%.0f米内", j.Near)
	}
	order, then := "", "下列信号："
	if j.InOrder {
		order, then = ", one after the other", "依次出现的下列信号："
	}
	within := span(j.Within)
	return fmt.Sprintf("Signals that count, %s and for %s after their end%s: %s.", where, within.EN, order, strings.Join(en, "; ")),
		fmt.Sprintf("%s、结束后%s内计入%s%s。", there, within.ZH, then, strings.Join(zh, "；"))
}

func (d *Detector) condition(c *pack.Condition) Wording {
	in := func(lang, and, or, not string) string {
		return c.Words(func(name string) (string, string) {
			for _, v := range d.vars {
				if v.name == name {
					if v.ratio {
						return v.said.In(lang), map[string]string{"en": "× limit", "zh-CN": "倍限值"}[lang]
					}
					if v.unit == "1" { // UCUM's name for what has no unit
						return v.said.In(lang), ""
					}
					return v.said.In(lang), v.unit
				}
			}
			return name, ""
		}, and, or, not)
	}
	return Wording{in("en", " and ", " or ", "not "), in("zh-CN", "且", "或", "非")}
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

// window says the length of a window: up to three days in hours, as the standards do (24小时均值).
func window(d time.Duration) Wording {
	if h := d / time.Hour; d%time.Hour == 0 && h > 0 && h <= 72 {
		return Wording{fmt.Sprintf("%d h", h), fmt.Sprintf("%d小时", h)}
	}
	return span(d)
}

// Public is a datastream's place as an alert may tell it: an instrument in a home is called by its kind, since its name may
// hold the flat, and the place is the building. home says that it is one.
func (d *Detector) Public(s Stream) (out Stream, home bool) {
	for _, k := range d.Kinds {
		if k.ID == s.Kind && k.Home {
			s.AssetName = TextOf(k.Title)
			return s, true
		}
	}
	return s, false
}

// Because fills the rule's text with what a change of its alert rests on. s is where the change's datastream stands.
func (d *Detector) Because(c Change, s Stream) Wording {
	since := time.Duration(c.At-c.Since) * time.Microsecond
	for _, l := range d.Levels {
		if l.Level == c.To && l.Within > 0 { // where time is gathered in pieces, the first reading has counted already
			since += d.Every
		}
	}
	held := span(since)
	fill := func(lang, text string) string {
		asset, place := s.AssetName.In(lang), s.PlaceName.In(lang)
		if strings.Contains(text, "{{asset}}") && strings.Contains(text, "{{place}}") {
			// In the street the name of a thing often begins with that of its place; the place is said once.
			if short := strings.TrimSpace(strings.TrimPrefix(asset, place)); short != "" {
				asset = short
			}
		}
		return placeholder.ReplaceAllStringFunc(text, func(m string) string {
			switch word := placeholder.FindStringSubmatch(m)[1]; word {
			case "value":
				return figure(c.Value, lang)
			case "unit":
				return d.Property.Unit
			case "level":
				return levelWords[c.To].In(lang)
			case "duration":
				return held.In(lang)
			case "asset":
				return asset
			case "place":
				return place
			case "area":
				return s.AreaName.In(lang)
			case "deviating":
				return c.Deviating.In(lang)
			default:
				for i, v := range d.vars {
					if v.name == word && i < len(c.Values) {
						return figure(c.Values[i], lang)
					}
				}
			}
			return m // Compile refuses others
		})
	}
	return Wording{fill("en", d.because.In("en")), fill("zh-CN", d.because.In("zh-CN"))}
}

// Figure is what a variable of a rule came to.
type Figure struct {
	Name  string  `json:"name" doc:"of the variable in the rule"`
	Title Wording `json:"title"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
	Ratio bool    `json:"ratio,omitempty" doc:"the value is a multiple of the limit that follows from the budget of false alarms"`
}

// Figures are what the rule's variables came to at a change, without those that had no value.
func (d *Detector) Figures(c Change) (out []Figure) {
	for i, v := range d.vars {
		if i >= len(c.Values) || math.IsNaN(c.Values[i]) || math.IsInf(c.Values[i], 0) {
			continue
		}
		f := Figure{Name: v.name, Title: v.said, Value: c.Values[i], Unit: v.unit, Ratio: v.ratio}
		if f.Unit == "1" { // UCUM's name for what has no unit
			f.Unit = ""
		}
		out = append(out, f)
	}
	return out
}

func figure(v float64, lang string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return map[string]string{"en": "unknown", "zh-CN": "未知"}[lang]
	}
	return pack.FormatNumber(v)
}

// FaultWords are title, reason, rule and end of an alert about the watch itself. s is where the change's datastream stands.
func (d *Detector) FaultWords(c Change, s Stream) (title, because, rule, clears Wording) {
	property, asset, still, silent := TextOf(d.Property.Title), s.AssetName, d.Stuck, d.SilentAfter
	for i, in := range d.Inputs {
		if in.Property.ID == s.Property && (len(in.Kinds) == 0 || slices.ContainsFunc(in.Kinds, func(k pack.Kind) bool { return s.Kind == "" || k.ID == s.Kind })) {
			property, still, silent = TextOf(in.Property.Title), d.stuckOf(i), in.SilentAfter
		}
	}
	small, name := strings.ToLower(property.EN), TextOf(d.Title)
	switch c.Fault {
	case StuckFault:
		after := span(still.After)
		held := span(time.Duration(c.At-c.Since) * time.Microsecond)
		if c.Cleared {
			because = Wording{fmt.Sprintf("%s: %s moved to %s after %s without change", asset.EN, small, pack.FormatNumber(c.Value), held.EN),
				fmt.Sprintf("%s%s数值%s未变，现变为%s", asset.ZH, property.ZH, held.ZH, pack.FormatNumber(c.Value))}
		} else {
			because = Wording{fmt.Sprintf("%s has sent the same %s, %s, for %s", asset.EN, small, pack.FormatNumber(c.Value), held.EN),
				fmt.Sprintf("%s已%s上报同一%s（%s）", asset.ZH, held.ZH, property.ZH, pack.FormatNumber(c.Value))}
		}
		return Wording{"Stuck value: " + property.EN, "数据不变：" + property.ZH},
			because,
			Wording{fmt.Sprintf("Raised when an instrument of %q sends the same value for %s.", name.EN, after.EN),
				fmt.Sprintf("“%s”的仪器%s数值不变即告警。", name.ZH, after.ZH)},
			Wording{"Clears when the value moves.", "数值变化后恢复。"}
	case CommsFault:
		n, after := len(c.Datastreams), span(silent)
		because = Wording{fmt.Sprintf("%d instruments fell silent together; a fault of the link, not of each", n),
			fmt.Sprintf("%d台仪器同时中断，应为通信故障，并非逐台损坏", n)}
		if c.Cleared {
			because = Wording{"all instruments that fell silent together have spoken again", "同时中断的仪器已全部恢复上报"}
		}
		return Wording{"Link lost: " + property.EN, "通信中断：" + property.ZH},
			because,
			Wording{fmt.Sprintf("Raised when more instruments of one organisation than chance explains, %d at least, say nothing for %s since the same time.", minOutage, after.EN),
				fmt.Sprintf("同一单位至少%d台、且多于偶然数的仪器自同一时刻起%s无数据，合并为一条告警。", minOutage, after.ZH)},
			Wording{"Clears when all of them have spoken again.", "全部恢复上报后恢复。"}
	}
	after := span(silent)
	because = Wording{fmt.Sprintf("%s has sent no %s for %s", asset.EN, small, after.EN), fmt.Sprintf("%s已%s未上报%s", asset.ZH, after.ZH, property.ZH)}
	if held := span(time.Duration(c.At-c.Since) * time.Microsecond); c.Cleared {
		because = Wording{fmt.Sprintf("%s has sent %s again after %s", asset.EN, small, held.EN), fmt.Sprintf("%s中断%s后恢复上报%s", asset.ZH, held.ZH, property.ZH)}
	}
	return Wording{"No readings: " + property.EN, "监测中断：" + property.ZH},
		because,
		Wording{fmt.Sprintf("Raised when an instrument of %q says nothing for %s.", name.EN, after.EN),
			fmt.Sprintf("“%s”的仪器%s无数据即告警。", name.ZH, after.ZH)},
		Wording{"Clears with its next reading.", "收到新数据后恢复。"}
}
