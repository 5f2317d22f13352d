package packtest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/pack"
)

// This file alone knows the engine.

// What the engine can be told beside readings. A test that says more than it can be told is refused.
const (
	readsReports = false
	readsLinks   = false
)

// rules are the compiled detectors of a pack.
type rules []*detect.Detector

func compile(p *pack.Pack) (rules, error) { return detect.Compile(p) }

// Step is one step of one alert. Times count from the start of the story.
type Step struct {
	Detector        string // in full
	At, Since       time.Duration
	Level           string // that is reached; "" where it cleared, and of a silence
	Down            bool   // it is reached from a higher one
	Cleared, Silent bool
	Opens           string // the kind of case that the step opens
	Series          string // whose reading, or silence, made the step
	Watched         []string
	Asset           string
	Place           string
	Area            string
	Value           float64
	Text            words

	subject string // tells alerts of one detector apart
}

// play runs a story through the detectors and returns every step of every alert, in the order of time.
func play(rs rules, s *story) []Step {
	e := detect.NewEngine(rs)
	p := player{story: s, streams: map[int64]*instrument{}}
	var changes []detect.Change
	for _, in := range s.instruments {
		p.streams[in.id] = in
		changes = e.Bind(streamOf(in), changes)
	}
	at := func(t time.Duration) int64 { return s.start.Add(t).UnixMicro() }
	next := 0
	for now := time.Duration(0); now <= s.end; now += s.every {
		for ; next < len(s.readings) && s.readings[next].arrives <= now; next++ {
			r := s.readings[next]
			changes = e.Evaluate(detect.Reading{Datastream: r.of.id, At: at(r.at), Value: r.value, Number: true}, at(r.arrives), changes)
		}
		changes = e.Silent(at(now), at(0), changes)
	}
	steps := make([]Step, 0, len(changes))
	for _, c := range changes {
		steps = append(steps, p.step(c))
	}
	slices.SortStableFunc(steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Detector, b.Detector))
	})
	return steps
}

func streamOf(in *instrument) detect.Stream {
	a := in.asset
	s := detect.Stream{
		ID: in.id, Property: in.property, Asset: a.id, Kind: a.kind, Organisation: a.organisation, Point: a.point,
		AssetName: detect.Wording(a.title),
	}
	if p := a.place; p != nil {
		s.Place, s.PlaceName = p.id, detect.Wording(p.title)
		if s.Point == nil {
			s.Point = p.point
		}
		if p.area != nil {
			s.Area, s.AreaName = p.area.id, detect.Wording{EN: p.area.name, ZH: p.area.name}
		}
	}
	return s
}

type player struct {
	story   *story
	streams map[int64]*instrument
}

func (p *player) step(c detect.Change) Step {
	in := p.streams[c.Datastream]
	s := Step{
		Detector: c.Detector.ID, At: p.since(c.At), Since: p.since(c.Since), Cleared: c.Cleared, Silent: c.Kind == detect.Monitoring,
		Series: in.name, Asset: in.asset.name, Value: c.Value, subject: fmt.Sprintf("%s %v", c.Kind, c.Subject),
	}
	if place := in.asset.place; place != nil {
		s.Place = place.name
		if place.area != nil {
			s.Area = place.area.name
		}
	}
	for _, id := range c.Datastreams {
		s.Watched = append(s.Watched, p.streams[id].name)
	}
	if !s.Silent && !c.Cleared {
		s.Level, s.Down = c.To.String(), c.From > c.To
		if o := c.Detector.Opens; o.Case != "" && c.To >= o.From && c.From < o.From {
			s.Opens = o.Case
		}
	}
	s.Text = because(c, streamOf(in))
	return s
}

func (p *player) since(micros int64) time.Duration {
	return time.UnixMicro(micros).Sub(p.story.start)
}

// because is the text of an alert's step.
func because(c detect.Change, s detect.Stream) words {
	d := c.Detector
	for _, k := range d.Kinds {
		if k.ID == s.Kind && k.Home { // an instrument in a home is called by its kind
			s.AssetName = detect.Wording{EN: k.Title.In("en"), ZH: k.Title.In("zh-CN")}
		}
	}
	if c.Kind == detect.Monitoring {
		after := spoken(d.SilentAfter)
		return words{
			fmt.Sprintf("%s has sent no %s for %s", s.AssetName.EN, strings.ToLower(d.Property.Title.In("en")), after.EN),
			fmt.Sprintf("%s已%s未上报%s", s.AssetName.ZH, after.ZH, d.Property.Title.In("zh-CN")),
		}
	}
	held := spoken(time.Duration(c.At-c.Since) * time.Microsecond)
	fill := func(lang string, held string) string {
		return placeholder.ReplaceAllStringFunc(d.Because.In(lang), func(m string) string {
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
				return held
			case "asset":
				return s.AssetName.In(lang)
			case "place":
				return s.PlaceName.In(lang)
			case "area":
				return s.AreaName.In(lang)
			}
			return m
		})
	}
	return words{fill("en", held.EN), fill("zh-CN", held.ZH)}
}

var placeholder = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

var levelWords = map[detect.Level]detect.Wording{
	detect.None: {EN: "none", ZH: "无"}, detect.Blue: {EN: "blue", ZH: "蓝色"}, detect.Yellow: {EN: "yellow", ZH: "黄色"},
	detect.Orange: {EN: "orange", ZH: "橙色"}, detect.Red: {EN: "red", ZH: "红色"},
}

// spoken is a duration in its two largest units, as the texts of alerts have it.
func spoken(d time.Duration) words {
	var en, zh []string
	for _, u := range []struct {
		size   time.Duration
		en, zh string
	}{{24 * time.Hour, "d", "天"}, {time.Hour, "h", "小时"}, {time.Minute, "min", "分钟"}, {time.Second, "s", "秒"}} {
		if n := d / u.size; n > 0 && len(en) < 2 {
			en, zh = append(en, fmt.Sprintf("%d %s", n, u.en)), append(zh, fmt.Sprintf("%d%s", n, u.zh))
			d -= n * u.size
		} else if len(en) > 0 {
			break
		}
	}
	if en == nil {
		return words{"0 s", "0秒"}
	}
	return words{strings.Join(en, " "), strings.Join(zh, "")}
}
