package coverage

import (
	"fmt"
	"strings"
	"time"
)

// Reason is why an asset is in its state, in words.
type Reason struct {
	Code     string `json:"code" enum:"no_datastream,never,mute,late,no_rule,works,calibration_overdue,calibration_soon,heartbeat_unreadable,measures_nothing"`
	Property string `json:"property,omitempty"`
	Text     Text   `json:"text"`
}

// reasons says what keeps an asset from being watched, the gravest first. sights and x are those of judge.
func (s *Service) reasons(ix *index, i int, x *verdict, sights []Sight, now int64) (out []Reason) {
	e := &ix.entries[i]
	add := func(code string, p *property, en, zh string) {
		r := Reason{Code: code, Text: Text{en, zh}}
		if p != nil {
			r.Property, r.Text = p.id, Text{p.title.EN + ": " + en, p.title.ZH + "：" + zh}
		}
		out = append(out, r)
	}
	if x.state == None {
		add("measures_nothing", nil, "Nothing is measured on this kind of asset", "此类设施设备不设监测项目")
		return out
	}
	for j := range e.sights {
		if !sights[j].Watched {
			add("no_datastream", e.sights[j].of, "nothing measures it", "未接入监测")
		}
	}
	for j := range e.sights {
		p, best := e.sights[j].of, s.best(&e.sights[j], now)
		switch sights[j].Liveness {
		case Never:
			add("never", p, "registered, and never heard", "已登记，从未上报")
		case Mute, Late:
			silent, every := span(time.Duration(now-best.last)*time.Microsecond), span(best.of.expect.Every)
			if sights[j].Liveness == Mute {
				add("mute", p, fmt.Sprintf("silent for %s, expected every %s", silent.EN, every.EN), fmt.Sprintf("已静默%s，应每%s上报", silent.ZH, every.ZH))
			} else {
				add("late", p, fmt.Sprintf("late: last heard %s ago, expected every %s", silent.EN, every.EN), fmt.Sprintf("上报延迟：%s前最近上报，应每%s上报", silent.ZH, every.ZH))
			}
		}
		for k := range e.sights[j].streams {
			if text := e.sights[j].streams[k].ignored; text != "" {
				add("heartbeat_unreadable", p, fmt.Sprintf("the declared heartbeat %q is no ISO 8601 duration", short(text)), fmt.Sprintf("声明的心跳间隔“%s”不是有效的时长", short(text)))
			}
		}
	}
	if x.work != nil {
		add("works", nil, "Planned works: "+x.work.Reason, "计划作业："+x.work.Reason)
	}
	if x.unjudged {
		add("no_rule", nil, "No warning rule judges what is measured", "所测项目均无告警规则")
	}
	switch x.due {
	case Overdue:
		add("calibration_overdue", nil, "Calibration was due on "+dateOf(x.dueDay), "检定已于"+dateOf(x.dueDay)+"到期")
	case DueSoon:
		add("calibration_soon", nil, "Calibration is due on "+dateOf(x.dueDay), "检定将于"+dateOf(x.dueDay)+"到期")
	}
	return out
}

// heard is a datastream with when it last spoke.
type heard struct {
	of   *stream
	last int64
	how  Liveness
}

// best is the datastream of a property that does best.
func (s *Service) best(x *sight, now int64) (out heard) {
	for k := range x.streams {
		how, last := s.hear(&x.streams[k], now)
		if out.of == nil || how.rank() < out.how.rank() || how == out.how && last > out.last {
			out = heard{&x.streams[k], last, how}
		}
	}
	return out
}

func short(s string) string {
	if rs := []rune(s); len(rs) > 40 {
		return string(rs[:40]) + "…"
	}
	return s
}

// span says a duration in its largest units, at most two.
func span(d time.Duration) Text {
	units := []struct {
		size   time.Duration
		en, zh string
	}{{24 * time.Hour, "d", "天"}, {time.Hour, "h", "小时"}, {time.Minute, "min", "分钟"}, {time.Second, "s", "秒"}}
	d = max(0, d.Truncate(time.Second))
	var en, zh []string
	for _, u := range units {
		if n := d / u.size; n > 0 && len(en) < 2 {
			en = append(en, fmt.Sprintf("%d %s", n, u.en))
			zh = append(zh, fmt.Sprintf("%d%s", n, u.zh))
			d -= n * u.size
		} else if len(en) > 0 {
			break
		}
	}
	if en == nil {
		return Text{"0 s", "0秒"}
	}
	return Text{strings.Join(en, " "), strings.Join(zh, "")}
}
