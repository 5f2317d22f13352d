package replay

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/anlan-city/anlan/internal/methods/series"
	"github.com/anlan-city/anlan/internal/methods/verify"
)

// Interval is a span during which an alert stood, in microseconds since 1970 UTC, both ends included.
type Interval struct{ Start, End int64 }

// open is the end of an alert that has not cleared.
const open = math.MaxInt64

// Score is how alerts fare against what is known to have happened.
type Score struct {
	Events  int // that overlap the readings
	Found   int // of those, with an alert that overlaps them
	Alerts  int
	Outside int             // alerts that overlap no event
	Delays  []time.Duration // from the start of each found event to its first alert, 0 if one stood already; sorted
}

// score counts. Events beyond the readings' period can't be found and do not count.
func score(events []Event, alerts []Interval, first, last int64) Score {
	var truth []verify.Event
	for _, e := range events {
		truth = append(truth, verify.Event{Start: e.Start, End: e.End})
	}
	var claims []verify.Alert
	for _, a := range alerts {
		claims = append(claims, verify.Alert{From: a.Start, To: a.End})
	}
	m := verify.Match(truth, claims, verify.Rule{})
	s := Score{Alerts: len(alerts), Outside: m.Count(verify.FalseAlarm)}
	for i, e := range events {
		if e.Start > last || e.End < first {
			continue
		}
		s.Events++
		if f := m.Events[i].First; f != verify.None {
			s.Found++
			s.Delays = append(s.Delays, time.Duration(max(0, alerts[f].Start-max(e.Start, first)))*time.Microsecond)
		}
	}
	slices.Sort(s.Delays)
	return s
}

// constant gives the alerts that a constant limit would have raised on the plan's readings: one alarm for each group of
// datastreams, run by the state machine that the server's detectors run.
func constant(p *Plan, c *compare, limit float64, on delay, group func(Datastream) string) []Interval {
	every := c.Every.Duration
	if every == 0 {
		every = math.MaxInt64
	}
	delays := series.Delays{On: []series.OnDelay{{For: on.For.Microseconds(), Within: on.Within.Microseconds()}},
		Off: c.Clear.Microseconds(), Every: every.Microseconds()}
	type instrument struct {
		last int64
		met  uint8
	}
	alarms := map[string]*series.Alarm{}
	standing := map[string]int64{} // start of the alert that stands
	instruments := make([]instrument, len(p.Datastreams))
	var alerts []Interval

	readings := slices.Clone(p.Readings)
	slices.SortStableFunc(readings, func(a, b Reading) int { return int(a.At - b.At) })
	for _, r := range readings {
		d := p.Datastreams[r.Stream]
		if d.Property != c.Property.s || r.Text != noText {
			continue
		}
		g := group(d)
		if alarms[g] == nil {
			alarms[g] = &series.Alarm{}
		}
		step := series.Step{At: r.At, Calm: r.Number < limit, Prev: instruments[r.Stream].met}
		if i := instruments[r.Stream]; i.last != 0 {
			step.Span = r.At - i.last
		}
		if r.Number >= limit {
			step.Met = 1
		}
		instruments[r.Stream] = instrument{r.At, step.Met}
		switch from, to := alarms[g].Step(&delays, step); {
		case from == 0 && to > 0:
			standing[g] = r.At
		case from > 0 && to == 0:
			alerts = append(alerts, Interval{standing[g], r.At})
			delete(standing, g)
		}
	}
	for _, start := range standing {
		alerts = append(alerts, Interval{start, open})
	}
	slices.SortFunc(alerts, func(a, b Interval) int { return int(a.Start - b.Start) })
	return alerts
}

// printScores prints the detector's score and, beside it, what constant limits give on the same readings.
func printScores(out io.Writer, p *Plan, alerts []Interval) error {
	c := &p.truth.Compare
	first, last := p.Period()
	tw := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	line := func(name string, alerts []Interval) {
		s := score(p.Events, alerts, first, last)
		fmt.Fprintf(tw, "%s\t%d of %d\t%d\t%d\t%s\t%s\t\n", name, s.Found, s.Events, s.Alerts, s.Outside, s.delay(0.5), s.delay(0.9))
	}
	fmt.Fprintf(tw, "rule\tevents found\talerts\toutside any event\tmedian delay\t90 %% within\t\n")
	line(p.truth.Detector.s, alerts)
	delays := c.Delays
	if len(delays) == 0 {
		delays = []delay{{}}
	}
	for _, limit := range c.Limits {
		for _, on := range delays {
			line(fmt.Sprintf("constant %g %s%s", limit, c.Unit.s, on), constant(p, c, limit, on, p.alarmGroup(c.Per.s)))
		}
	}
	return tw.Flush()
}

func (d delay) String() string {
	short := func(d duration) string {
		minutes, whole := strings.CutSuffix(d.String(), "m0s")
		if !whole {
			return d.String()
		}
		if hours, whole := strings.CutSuffix(minutes, "h0"); whole {
			return hours + "h"
		}
		return minutes + "m"
	}
	switch {
	case d.For.Duration == 0:
		return ""
	case d.Within.Duration == 0:
		return ", " + short(d.For)
	}
	return ", " + short(d.For) + " within " + short(d.Within)
}

// alarmGroup names the alarm that a datastream feeds: its own, its asset's, or that of the place of its asset.
func (p *Plan) alarmGroup(per string) func(Datastream) string {
	places := map[string]string{}
	for _, a := range p.Assets {
		places[a.ID] = a.Place
	}
	switch per {
	case "place":
		return func(d Datastream) string { return places[d.Asset] }
	case "asset":
		return func(d Datastream) string { return d.Asset }
	}
	return func(d Datastream) string { return d.ID }
}

// delay is the delay that a share of the found events did not exceed.
func (s Score) delay(share float64) string {
	d, ok := verify.Quantile(s.Delays, share)
	if !ok {
		return "-"
	}
	return d.Round(time.Second).String()
}

// TruthDetector is the detector that the mapping's truth section speaks of; empty without one.
func (p *Plan) TruthDetector() string {
	if p.truth == nil {
		return ""
	}
	return p.truth.Detector.s
}
