package backtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/methods/verify"
	"github.com/anlan-city/anlan/internal/pack"
)

type (
	packProperty = pack.Property
)

// DefaultInterval is the length of the intervals in which quiet times are counted.
const DefaultInterval = time.Hour

// Options say what to judge and how.
type Options struct {
	Packs     []string // their names, for the report
	Detectors []*engine.Detector
	History   *History
	Truth     []Event
	Forecasts []Forecast

	// How alerts belong to events; see verify.Rule and verify.Episodes.
	Before, After, Linger, Join time.Duration
	Interval                    time.Duration // DefaultInterval by default
}

// ErrNothingWatched says that no detector watches anything in the history.
var ErrNothingWatched = errors.New("no detector of the packs watches anything in these readings")

// Run runs the detectors over the history and scores them.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	for _, d := range []time.Duration{o.Before, o.After, o.Linger, o.Join, o.Interval} {
		if d < 0 {
			return nil, fmt.Errorf("%s: expected a span of 0 or more", d)
		}
	}
	p, err := play(ctx, o.Detectors, o.History)
	if err != nil {
		return nil, err
	}
	if len(p.streams) == 0 || p.readings == 0 {
		return nil, ErrNothingWatched
	}
	j := &judge{
		past: p, rule: verify.Rule{Before: o.Before.Microseconds(), After: o.After.Microseconds(), Linger: o.Linger.Microseconds()},
		join: o.Join.Microseconds(), interval: o.Interval.Microseconds(), where: map[int64]*Stream{},
	}
	for i := range o.History.Streams {
		j.where[o.History.Streams[i].ID] = &o.History.Streams[i]
	}
	r := &Report{
		Packs: o.Packs, From: micro(p.first), To: micro(p.last), Hours: float64(p.last-p.first) / 3600e6, Readings: p.readings,
		Streams: len(o.History.Streams), Notes: slices.Clone(o.History.Notes),
		Rule:      RuleWords{o.Before.Seconds(), o.After.Seconds(), o.Linger.Seconds(), o.Join.Seconds(), o.Interval.Seconds()},
		Detectors: []DetectorReport{}, Probabilities: []ProbabilityModel{},
	}
	say := func(en, zh string, args ...any) { r.Notes = append(r.Notes, note(en, zh, args...)) }
	if p.text > 0 {
		say("%d readings are no numbers and were not judged", "%d 条监测数据不是数值，未参与研判", p.text)
	}
	within := slices.DeleteFunc(slices.Clone(o.Truth), func(e Event) bool { return e.Start > p.last || e.End < p.first })
	r.Events = len(within)
	if n := len(o.Truth) - len(within); n > 0 {
		say("%d events lie outside the readings' period and do not count", "%d 个事件在数据时段之外，不计入", n)
	}
	if n := j.nowhere(within); n > 0 {
		say("%d events name places or assets of which there are no readings: nothing can find them", "%d 个事件所在的地点或资产没有监测数据，无法被发现", n)
	}
	answered := make([]bool, len(within))
	var idle []string
	for _, d := range o.Detectors {
		if p.streams[d.ID] == 0 {
			idle = append(idle, d.ID)
			continue
		}
		var mine []Event
		for i, e := range within {
			if e.isFor(d) {
				mine, answered[i] = append(mine, e), true
			}
		}
		r.Detectors = append(r.Detectors, j.detector(d, mine))
	}
	if len(idle) > 0 {
		say("detectors that watch nothing in these readings: %s", "在这些数据中没有监测对象的规则：%s", strings.Join(idle, ", "))
	}
	if n := count(answered, false); n > 0 {
		say("%d events are for no detector that watches anything here", "%d 个事件没有对应的在用规则", n)
	}
	r.Probabilities = probabilities(o.Forecasts, within, p.first, p.last, say)
	r.Positions = j.positions(o.Detectors)
	if r.Notes == nil {
		r.Notes = []engine.Wording{}
	}
	return r, nil
}

// isFor says that the detector should have found the event.
func (e *Event) isFor(d *engine.Detector) bool {
	_, short, _ := strings.Cut(d.ID, "/")
	return (e.Detector == "" || e.Detector == d.ID || e.Detector == short) && (e.Kind == "" || e.Kind == d.Opens.Case)
}

func (e *Event) verified() verify.Event {
	return verify.Event{Start: e.Start, End: e.End, Onset: e.Onset, Assets: e.Assets, Places: e.Places}
}

// judge scores one past.
type judge struct {
	*past
	rule           verify.Rule
	join, interval int64
	where          map[int64]*Stream
}

// nowhere is how many events name places and assets, and none that has readings.
func (j *judge) nowhere(events []Event) (n int) {
	assets, places := map[string]bool{}, map[string]bool{}
	for _, s := range j.where {
		assets[s.AssetKey], places[s.PlaceKey] = true, true
	}
	for _, e := range events {
		known := slices.ContainsFunc(e.Assets, func(k string) bool { return assets[k] }) || slices.ContainsFunc(e.Places, func(k string) bool { return places[k] })
		if len(e.Assets)+len(e.Places) > 0 && !known {
			n++
		}
	}
	return n
}

// detector scores one detector against the events that it should have found.
func (j *judge) detector(d *engine.Detector, truth []Event) DetectorReport {
	out := DetectorReport{
		ID: d.ID, Title: engine.Wording{EN: d.Title.In("en"), ZH: d.Title.In("zh-CN")}, Maturity: d.Maturity, Owner: d.Owner,
		Streams: j.streams[d.ID], Leads: []float64{}, EventList: []EventReport{}, AlertList: []AlertReport{},
	}
	var events []verify.Event
	for i := range truth {
		events = append(events, truth[i].verified())
	}
	var alerts []verify.Alert
	level := map[string][]claim{} // the claims of each source, for what an episode shows
	for _, c := range j.claims {
		if c.detector != d {
			continue
		}
		out.Alarms++
		if c.kind == engine.Hazard {
			alerts = append(alerts, j.alert(&c))
			level[c.source] = append(level[c.source], c)
		}
	}
	alerts = verify.Episodes(alerts, j.join)
	m := verify.Match(events, alerts, j.rule)
	for i := range m.Events {
		if events[i].Start < j.first { // an alert can't be early for what had begun before there were readings
			m.Events[i].Fresh = verify.None
		}
	}
	t := m.Table()
	t.Quiet = verify.QuietIntervals(events, alerts, j.rule, j.first, j.last, j.interval)
	out.Table, out.Scores = t, t.Scores()
	out.Events, out.Found, out.Missed, out.False = len(events), t.Hits, t.Misses, t.FalseAlarms
	out.Episodes, out.Repeated, out.Lingering = len(alerts), m.Count(verify.Repeated), m.Count(verify.Lingering)
	leads := m.Leads()
	out.Fresh, out.Lead = len(leads), verify.LeadTimesOf(leads)
	for _, l := range leads {
		out.Leads = append(out.Leads, float64(l)/1e6)
	}
	out.AlarmsPerHour = per(out.Alarms, j.last-j.first, 1)
	out.FalsePer1000h = per(out.False, j.last-j.first-under(events, j.first, j.last), 1000)
	for i, e := range truth {
		out.EventList = append(out.EventList, eventReport(e, m.Events[i], alerts))
	}
	words := map[verify.Verdict]string{verify.Hit: "hit", verify.Repeated: "repeated", verify.Lingering: "lingering", verify.FalseAlarm: "false"}
	for i, a := range alerts {
		x := AlertReport{From: micro(a.From), To: micro(a.To), Verdict: words[m.Verdicts[i]]}
		for _, c := range level[a.Source] {
			if c.raised >= a.From && c.raised <= a.To {
				x.Level = max(x.Level, c.highest)
				if x.Place, x.Asset = c.stream.PlaceKey, c.stream.AssetKey; c.stream.Home {
					x.Asset = ""
				}
			}
		}
		out.AlertList = append(out.AlertList, x)
	}
	return out
}

// alert is a claim as verify knows it: it names all that its subject watches, so that an event at any of it is met.
func (j *judge) alert(c *claim) verify.Alert {
	a := verify.Alert{From: c.raised, To: c.stood, Source: c.source}
	add := func(to *[]string, key string) {
		if key != "" && !slices.Contains(*to, key) {
			*to = append(*to, key)
		}
	}
	for _, id := range append([]int64{c.stream.ID}, c.streams...) {
		if s := j.where[id]; s != nil {
			add(&a.Assets, s.AssetKey)
			add(&a.Places, s.PlaceKey)
		}
	}
	return a
}

func eventReport(e Event, f verify.Found, alerts []verify.Alert) EventReport {
	out := EventReport{Name: e.Name, Start: micro(e.Start), End: micro(e.End), Onset: micro(cmp.Or(e.Onset, e.Start)), Found: f.First != verify.None}
	if f.Fresh != verify.None {
		by, lead := micro(alerts[f.Fresh].From), float64(f.Lead)/1e6
		out.By, out.Lead = &by, &lead
	} else if f.First != verify.None {
		by := micro(alerts[f.First].From)
		out.By = &by
	}
	return out
}

// positions measures the load of each owner of a detector that watches something.
func (j *judge) positions(detectors []*engine.Detector) []Position {
	type bell struct {
		at     int64
		raised bool
		c      *claim
	}
	var bells []bell
	for i := range j.claims {
		c := &j.claims[i]
		bells = append(bells, bell{c.raised, true, c})
		if c.cleared != 0 {
			bells = append(bells, bell{c.cleared, false, c})
		}
	}
	slices.SortStableFunc(bells, func(a, b bell) int { return cmp.Compare(a.at, b.at) })
	loads := map[string]*verify.Load{}
	var owners []string
	for _, d := range detectors {
		if j.streams[d.ID] > 0 && loads[d.Owner] == nil {
			loads[d.Owner] = verify.NewLoad(j.first)
			owners = append(owners, d.Owner)
		}
	}
	for _, b := range bells {
		if l := loads[b.c.detector.Owner]; b.raised {
			l.Raise(b.at, b.c.source, priority(b.c.first))
		} else {
			l.Clear(b.at, b.c.source)
		}
	}
	slices.Sort(owners)
	out := []Position{}
	for _, o := range owners {
		p := Position{o, loads[o].Report(j.last)}
		for i, s := range p.Top {
			p.Top[i].Source = j.sourceName(s.Source)
		}
		out = append(out, p)
	}
	return out
}

// priority is how soon a level asks for a person: of the four colours, blue and yellow are low.
func priority(l engine.Level) verify.Priority {
	switch l {
	case engine.Red:
		return verify.High
	case engine.Orange:
		return verify.Medium
	}
	return verify.Low
}

// sourceName is a source in words that a reader of the report knows.
func (j *judge) sourceName(source string) string {
	i := slices.IndexFunc(j.claims, func(c claim) bool { return c.source == source })
	c := &j.claims[i]
	name := c.stream.AssetKey
	if c.stream.Home || strings.Contains(source, "@place ") {
		name = c.stream.PlaceKey
	}
	if c.kind == engine.Monitoring {
		name += " (silent)"
	}
	return c.detector.ID + " " + name
}

// under is for how long some event was under way.
func under(events []verify.Event, first, last int64) (total int64) {
	sorted := slices.Clone(events)
	slices.SortFunc(sorted, func(a, b verify.Event) int { return cmp.Compare(a.Start, b.Start) })
	done := first
	for _, e := range sorted {
		from, to := max(e.Start, done), min(e.End, last)
		if to > from {
			total += to - from
			done = to
		}
	}
	return total
}

// per is how many there were in so many hours.
func per(n int, span int64, hours float64) verify.Score {
	if span <= 0 {
		return verify.Undefined()
	}
	return verify.Score(float64(n) * hours * 3600e6 / float64(span))
}

func count(all []bool, what bool) (n int) {
	for _, x := range all {
		if x == what {
			n++
		}
	}
	return n
}

func micro(us int64) time.Time { return time.UnixMicro(us).UTC() }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
