package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// manyDetectors have one rule of each way to judge, all over the instruments of the harbour.
var manyDetectors = testDetectors + `
- id: flapping
  title: {en: Flapping, zh-CN: 反复}
  watches: methane
  on: [kitchen-alarm]
  every: 30s
  late: 3m
  quiet: 2m
  chatter: {raises: 3, within: 20m, settle: 5m}
  stuck: {after: 4m, except: "value <= 0"}
  levels: {blue: {when: "value >= 4"}, red: {when: "value >= 20"}}
  clear: {when: "value < 4", for: 30s}
  silent_after: 2h
  because: {en: "{{value}}", zh-CN: "{{value}}"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
- id: area-mean
  title: {en: Area mean, zh-CN: 区域均值}
  inputs:
    indoor: {watches: methane, on: [kitchen-alarm, home-alarm], combine: highest}
    fence:  {watches: methane-ambient, on: fence-monitor}
  per: area
  every: 1m
  late: 2m
  derives: {excess: {of: fence, above_background: {rise_per_hour: 0.05, fall: 30m}}}
  levels: {yellow: {when: "indoor >= 6 && excess >= 2", for: 1m}}
  clear: {when: "indoor < 6", for: 1m}
  because: {en: "{{indoor}} {{excess}}", zh-CN: "{{indoor}}"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
- id: windows
  title: {en: Windows, zh-CN: 窗口}
  watches: methane
  on: [kitchen-alarm]
  every: 30s
  late: 3m
  derives:
    rise: {rise_within: 10m}
    fall: {fall_within: 10m}
    mean: {average_over: 5m}
    low: {lowest_over: 20m}
    high: {highest_over: 20m}
    sum: {total_over: 1h}
    amount: {amount_over: 1h}
    night: {mean_between: {from: "05:00", to: "06:00"}}
    steps: {of: mean, rise_within: 30m}
    soon: {hours_to: {above: 20, within: 1h}}
  levels:
    blue: {when: "rise >= 4 && mean > 1"}
    yellow: {when: "fall >= 10 && high > 5 && low < 3"}
    orange: {when: "sum > 30 && amount > 0.2 || night > 4"}
    red: {when: "steps > 5 || soon < 0.2"}
  clear: {when: "rise < 1 && fall < 1", for: 30s}
  silent_after: 2h
  because: {en: "{{value}}", zh-CN: "{{value}}"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
- id: statistics
  title: {en: Statistics, zh-CN: 统计}
  watches: methane
  on: [kitchen-alarm]
  every: 30s
  late: 3m
  budget: {false_alarms_per_day: 40, over: 1}
  derives:
    odd: {unusual: {}}
    moved: {shift: {direction: up, learn: 2h}}
    tail: {extreme: {learn: 200}}
    hour: {unlike_the_hour: {learn: 14d}}
  levels:
    blue: {when: "odd >= 0.2 || hour >= 1"}
    red: {when: "moved >= 0.1 || tail >= 0.1"}
  clear: {when: "odd < 0.1 && moved < 0.05 && tail < 0.05", for: 1m}
  silent_after: 2h
  because: {en: "{{value}}", zh-CN: "{{value}}"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
- id: zone
  title: {en: Zone, zh-CN: 分区}
  inputs:
    in: {watches: methane, on: [kitchen-alarm, home-alarm]}
    out: {watches: methane-ambient, on: fence-monitor}
  per: area
  every: 1m
  late: 3m
  budget: {false_alarms_per_day: 10, over: 1}
  derives:
    lost: {balance: {in: [in], out: [out], interval: 1m}}
    moved: {of: lost, shift: {learn: 4h}}
    apart: {jointly: {learn: 1h, calibrate: 100m}}
  levels: {yellow: {when: "lost > 5 || moved > 0.1"}, red: {when: "apart >= 1"}}
  clear: {when: "lost < 1 && apart < 0.5", for: 2m}
  because: {en: "{{value}}", zh-CN: "{{value}}"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
- id: joined
  title: {en: Joined, zh-CN: 叠加}
  joins:
    within: 5m
    near: 500
    of:
      - {alert: methane-indoor, from: orange}
      - {alert: flapping}
      - {reports: gas-smell, at_least: 2}
  late: 10m
  levels: {orange: {when: "signals >= 2"}, red: {when: "signals >= 3"}}
  clear: {when: "signals < 1", for: 0s}
  because: {en: "{{signals}} signals", zh-CN: "{{signals}}"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
- id: joined-in-order
  title: {en: In order, zh-CN: 先后}
  joins:
    within: 5m
    near: 50
    in_order: true
    of: [{reports: gas-smell}, {alert: flapping}]
  late: 10m
  levels: {yellow: {when: "signals >= 2"}}
  clear: {when: "signals < 2", for: 0s}
  because: {en: "{{signals}} signals", zh-CN: "{{signals}}"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
`

// told says what alerts there were in the end.
func told(b *Book) string {
	var lines []string
	for _, e := range b.Episodes() {
		var steps []string
		for _, c := range e.Steps {
			what := c.To.String()
			switch {
			case c.Cleared:
				what = "cleared"
			case c.Again:
				what = "again " + what
			case c.Kind == Monitoring:
				what = string(c.Fault)
			}
			steps = append(steps, fmt.Sprintf("%g %s", float64(c.At-t0)/float64(minute), what))
		}
		lines = append(lines, fmt.Sprintf("%s %v since %g: %s", e.Detector.ID, e.Subject, float64(e.Since-t0)/float64(minute), strings.Join(steps, ", ")))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

type arrival struct {
	Reading
	Report
	when int64
}

// play feeds what arrives to an engine, and looks at the clock each minute.
func play(e *Engine, as []arrival, book *Book) {
	for _, a := range as {
		book.Add(e.Tick(a.when, a.when, nil)...)
		if a.Category != "" {
			book.Add(e.Report(a.Report, nil)...)
			continue
		}
		book.Add(run(e, []Reading{a.Reading})...)
	}
}

// Readings and reports that come late, in any order within the rules' bound, give the same alerts in the end.
func TestAnyOrderOfArrival(t *testing.T) {
	ds := compiled(t, manyDetectors)
	rapid.Check(t, func(t *rapid.T) { anyOrder(t, ds) })
}

func anyOrder(t *rapid.T, ds []*Detector) {
	bound := ds[0].Late
	for _, d := range ds {
		if d.Joins == nil {
			bound = min(bound, d.Late)
		}
	}
	ids := []int64{1, 2, 65, 101, 102, 201}
	var as []arrival
	at := t0
	for range rapid.IntRange(1, 200).Draw(t, "n") {
		at += rapid.SampledFrom([]int64{0, second, 30 * second, 30 * second, minute, 20 * minute}).Draw(t, "step")
		a := arrival{when: at + rapid.Int64Range(0, micros(bound)).Draw(t, "late")}
		if rapid.IntRange(0, 9).Draw(t, "kind") == 0 {
			a.Report = Report{ID: int64(len(as)), At: at, Category: "gas/gas-smell", Point: harbour(1).Point}
		} else {
			a.Reading = number(rapid.SampledFrom(ids).Draw(t, "id"), at, rapid.SampledFrom([]float64{0, 2, 4, 6, 12, 25}).Draw(t, "v"))
		}
		as = append(as, a)
	}
	end := at + hour
	finish := func(as []arrival) string {
		e, book := New(ds), &Book{}
		for _, id := range ids {
			book.Add(e.Bind(harbour(id), nil)...)
		}
		play(e, as, book)
		book.Add(e.Tick(end, end, nil)...)
		return told(book)
	}
	shuffled := slices.Clone(as)
	for i := range as {
		as[i].when = cmp.Or(as[i].Reading.At, as[i].Report.At)
	}
	want := finish(as)
	slices.SortStableFunc(shuffled, func(a, b arrival) int { return cmp.Compare(a.when, b.when) })
	if got := finish(shuffled); got != want {
		t.Fatalf("in order:\n%s\nas it came:\n%s", want, got)
	}
}
