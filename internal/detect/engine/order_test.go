package engine

import (
	"cmp"
	"fmt"
	"math"
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

// In whatever order instruments are bound, before anything is heard and again after a restart, the same is told in the same order:
// also where two at one place say that it lies elsewhere, where one instrument is two inputs of a rule, and along a river.
func TestAnyOrderOfBinding(t *testing.T) {
	ds := append(compiled(t, manyDetectors+`
- id: twice
  title: {en: Twice, zh-CN: 两用}
  inputs:
    one: {watches: methane, on: [kitchen-alarm, home-alarm], combine: highest}
    other: {watches: methane, on: kitchen-alarm, combine: lowest}
    fence: {watches: methane-ambient, on: fence-monitor, combine: mean}
  per: area
  every: 30s
  late: 3m
  silent_after: 10m
  derives: {apart: {jointly: {learn: 1h, calibrate: 100m}}}
  budget: {false_alarms_per_day: 10, over: 1}
  levels: {yellow: {when: "one - other > 5 || fence > 10"}, red: {when: "apart >= 1"}}
  clear: {when: "one - other < 4 && apart < 1", for: 1m}
  because: {en: "{{one}}", zh-CN: "{{one}}"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
`), riverRules(t, 6, 4)...)
	rapid.Check(t, func(t *rapid.T) { anyBinding(t, ds) })
}

func anyBinding(t *rapid.T, ds []*Detector) {
	ids := []int64{1, 2, 65, 101, 102, 103, 201, 301, 302, 303}
	var where func(id int64) Stream
	where = func(id int64) Stream {
		if id > 300 {
			s := river(int(id-301), 3)
			s.ID, s.Upstream, s.Downstream = id, nil, nil
			if id > 301 {
				s.Upstream = []int64{id - 1}
			}
			if id < 303 {
				s.Downstream = []int64{id + 1}
			}
			return s
		}
		s := harbour(id)
		s.Point = &[2]float64{121.5 + float64(id%10)*0.004, 31.2} // some 380 m apart
		if id == 2 {
			s.Place = where(1).Place
		}
		return s
	}
	kept := rapid.IntRange(0, 80).Draw(t, "restart after")
	type heard struct {
		Reading
		Report
	}
	var all []heard
	at := t0
	for range rapid.IntRange(1, 150).Draw(t, "n") {
		at += rapid.SampledFrom([]int64{0, 0, second, 30 * second, minute, 20 * minute}).Draw(t, "step")
		h := heard{Reading: number(rapid.SampledFrom(ids).Draw(t, "id"), at, rapid.SampledFrom([]float64{0, 2, 4, 6, 12, 25}).Draw(t, "v"))}
		if rapid.IntRange(0, 5).Draw(t, "kind") == 0 {
			h.Report = Report{ID: int64(len(all) + 1), At: at, Category: "gas/gas-smell", Point: where(rapid.SampledFrom(ids[:7]).Draw(t, "near")).Point}
		}
		all = append(all, h)
	}
	tellAll := func(bound func(label string) []int64) string {
		e := New(ds)
		var changes []Change
		for _, id := range bound("bound") {
			changes = e.Bind(where(id), changes)
		}
		for i, h := range all {
			if i == kept {
				e = restarted(t, e, ds)
				for _, id := range bound("bound again") {
					changes = e.Bind(where(id), changes)
				}
			}
			at := cmp.Or(h.Report.At, h.Reading.At)
			changes = e.Tick(at, t0, changes)
			if h.Category != "" {
				changes = e.Report(h.Report, changes)
			} else {
				changes = e.Evaluate(h.Reading, at, changes)
			}
		}
		var lines []string
		for _, c := range e.Tick(at+12*hour, t0, changes) {
			lines = append(lines, fmt.Sprintf("%s %s %s %v since %d at %d: %s -> %s cleared %v again %v undo %v of %v by %d",
				c.Detector.ID, c.Kind, c.Fault, c.Subject, c.Since, c.At, c.From, c.To, c.Cleared, c.Again, c.Undo, c.Datastreams, c.Datastream))
		}
		return strings.Join(lines, "\n")
	}
	want := tellAll(func(string) []int64 { return ids })
	if got := tellAll(func(label string) []int64 { return rapid.Permutation(ids).Draw(t, label) }); got != want {
		t.Fatalf("bound in order:\n%s\nbound otherwise:\n%s", want, got)
	}
}

// Readings and reports that come late, in any order within the rules' bound, give the same alerts in the end, and so they do in
// whatever order the instruments were bound.
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
	finish := func(as []arrival, ids []int64) string {
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
	want := finish(as, ids)
	slices.SortStableFunc(shuffled, func(a, b arrival) int { return cmp.Compare(a.when, b.when) })
	if got := finish(shuffled, rapid.Permutation(ids).Draw(t, "bound")); got != want {
		t.Fatalf("in order:\n%s\nas it came:\n%s", want, got)
	}
}

// Whatever comes, however late, from several instruments and from one whose clock is wrong: what is not counted as late gives
// the alerts that it would give in order.
func TestLateIsCountedOrInOrder(t *testing.T) {
	ds := compiled(t, manyDetectors)
	ds = slices.DeleteFunc(ds, func(d *Detector) bool { return d.Joins != nil })
	rivers := riverRules(t, 6, 4)
	rapid.Check(t, func(t *rapid.T) {
		all := append(slices.Clone(ds), rivers...)
		d := all[rapid.IntRange(0, len(all)-1).Draw(t, "detector")]
		ids, at := []int64{1, 2, 65, 101, 102, 201}, harbour
		if d == rivers[0] {
			ids, at = []int64{1, 2, 3}, func(id int64) Stream { return river(int(id-1), 3) }
		}
		lateOrInOrder(t, d, ids, at)
	})
}

// lateOrInOrder looks at all alerts of a detector; in a river, where each gauge is heard with several, at those of the lowest.
func lateOrInOrder(t *rapid.T, d *Detector, ids []int64, where func(int64) Stream) {
	start := func() *Engine {
		e := New([]*Detector{d})
		for _, id := range ids {
			e.Bind(where(id), nil)
		}
		return e
	}
	e, book := start(), &Book{}
	now := t0
	wrong := rapid.SampledFrom(append([]int64{0}, ids...)).Draw(t, "whose clock is wrong")
	backlog := rapid.SampledFrom(append([]int64{0}, ids...)).Draw(t, "who sends late")
	ahead := rapid.SampledFrom([]int64{-8 * hour, minute, 8 * hour}).Draw(t, "by")
	step := micros(d.Every)
	var judged []Reading
	for range rapid.IntRange(1, 100).Draw(t, "n") {
		now += rapid.SampledFrom([]int64{0, second, step / 2, step, step, 4 * step}).Draw(t, "step")
		id := rapid.SampledFrom(ids).Draw(t, "id")
		r := number(id, now-rapid.SampledFrom([]int64{0, 0, step / 2, step, 2 * step, 5 * step}).Draw(t, "late"), rapid.SampledFrom([]float64{0, 2, 4, 6, 12, 25}).Draw(t, "v"))
		switch id {
		case wrong:
			r.At += ahead
		case backlog:
			r.At -= 10 * step
		}
		missed, late := false, e.Late()
		for _, in := range e.streams[id].under {
			missed = missed || in.subject.misses(r.At, in.heard)
			if d.chained && in.subject.ID == 3 && !in.subject.misses(r.At, in.heard) || !d.chained && !missed {
				judged = append(judged, r)
			}
		}
		book.Add(e.Evaluate(r, now, nil)...)
		if missed != (e.Late() > late) {
			t.Fatalf("%+v: missed %v, %d late", r, missed, e.Late()-late)
		}
	}
	slices.SortStableFunc(judged, func(a, b Reading) int { return cmp.Compare(a.At, b.At) })
	sorted, want := start(), &Book{}
	for _, r := range judged {
		want.Add(sorted.Evaluate(r, r.At, nil)...)
	}
	of := func(b *Book) string {
		lines := strings.Split(told(b), "\n")
		return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return d.chained && !strings.Contains(l, "{0 3}") }), "\n")
	}
	if of(book) != of(want) || !d.chained && sorted.Late() != 0 {
		t.Fatalf("%s: in order:\n%s\nas it came:\n%s\n%d late", d.ID, of(want), of(book), sorted.Late())
	}
}

// Of instruments that are judged together, one that sends a backlog is judged as far as it can be put in order, and the rest is
// counted. So it is with the others where one has its clock ahead.
func TestLateAmongNeighbours(t *testing.T) {
	start := func(late string) *Engine {
		e := New(compiled(t, replaceOnce(t, testDetectors, "id: methane-ambient\n", "id: methane-ambient\n  late: "+late+"\n")))
		for _, id := range []int64{101, 102} {
			e.Bind(harbour(id), nil)
		}
		return e
	}
	const n = 120
	for late, want := range map[string]string{
		"1m": "118 late: ", // all but the last two
		"3h": "0 late: gas/methane-ambient {1 900} since 60: 64 yellow",
	} {
		e, book := start(late), &Book{}
		for m := range int64(n) {
			book.Add(e.Evaluate(number(101, t0+m*minute, 2), t0+m*minute, nil)...)
		}
		for m := range int64(n) {
			v := 2.0
			if m >= 60 && m < 70 {
				v = 9
			}
			book.Add(e.Evaluate(number(102, t0+m*minute, v), t0+n*minute, nil)...)
		}
		if got := fmt.Sprintf("%d late: %s", e.Late(), told(book)); got != want {
			t.Errorf("late: %s\n got %s\nwant %s", late, got, want)
		}
	}
	e, book := start("1m"), &Book{}
	for m := range int64(n) {
		at := t0 + m*minute
		book.Add(e.Evaluate(number(101, at+8*hour, 2), at, nil)...)
		book.Add(e.Evaluate(number(102, at, 60), at, nil)...)
	}
	if e.Late() != n || len(book.Episodes()) != 0 {
		t.Errorf("%d late\n%s", e.Late(), told(book))
	}
}

// Whatever an unknown input would have said, what was told is what the conditions say.
func TestUnknownInputDecidesNothing(t *testing.T) {
	conditions := []string{"gas >= 70 && fans < 1", "!(gas >= 50) || fans >= 1", "!(gas < 30)", "gas != 40 && fans != 1", "fans < 1 ? gas >= 70 : gas >= 90",
		"!(fans >= 1 && gas >= 50)", "gas - fans * 20 < 50", "!(gas - fans * 20 >= 50)", "gas in [30, 70] || fans >= 1"}
	values := []float64{0, 1, 29, 30, 40, 49, 50, 69, 70, 90, 1000}
	rules := make([][]*Detector, 0, len(conditions)*len(conditions))
	for _, raise := range conditions {
		for _, clear := range conditions {
			c := &compiler{pack: tunnelPack(t, tunnelRule("x", fans+`  silent_after: 24h
  levels: {orange: {when: "`+raise+`"}}
  clear: {when: "`+clear+`", for: 0s}`)), trial: true}
			if ds, err := compile(c); err == nil {
				rules = append(rules, ds)
			}
		}
	}
	if len(rules) < 20 {
		t.Fatalf("%d rules", len(rules))
	}
	unknown := 0
	rapid.Check(t, func(t *rapid.T) {
		ds := rapid.SampledFrom(rules).Draw(t, "rule")
		d, quiet := ds[0], [2]int{}
		got := live(New(ds), 60, func(id int64, _ int) float64 {
			if quiet[id-1]--; quiet[id-1] >= 0 {
				return math.NaN()
			}
			quiet[id-1] = rapid.SampledFrom([]int{0, 0, 0, 1, 2, 5}).Draw(t, "quiet")
			return rapid.SampledFrom(map[int64][]float64{1: values, 2: {0, 1}}[id]).Draw(t, "v")
		})
		for _, c := range got {
			when := d.Levels[0].When
			if c.Cleared {
				when = d.Clear
			}
			of := [2][]float64{values, {0, 1}}
			for i, v := range c.Values {
				if !math.IsNaN(v) {
					of[i] = []float64{v}
				} else {
					unknown++
				}
			}
			for _, gas := range of[0] {
				for _, fans := range of[1] {
					if !when.Holds(gas, fans) {
						t.Fatalf("%s was told by %s of %v, which fails at %g, %g", tell([]Change{c}), when.Source(), c.Values, gas, fans)
					}
				}
			}
		}
	})
	if unknown == 0 {
		t.Error("no input was ever unknown where something was told")
	}
}
