package engine

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/anlan-city/anlan/internal/pack"
)

const tunnel = `pack: tunnel
title: {en: Tunnel, zh-CN: 隧道}
observes:
  sump-level: {title: {en: Water in the sump, zh-CN: 集水池水位}, unit: m, range: [0, 5]}
  co:         {title: {en: Carbon monoxide, zh-CN: 一氧化碳}, unit: ppm, range: [0, 1000]}
  fan:        {title: {en: Fan, zh-CN: 风机}, unit: "1", range: [0, 1]}
  flow:       {title: {en: Air velocity, zh-CN: 风速}, unit: m/s, range: [-20, 20]}
assets:
  box: {title: {en: Box, zh-CN: 箱}, measures: [sump-level, co, fan, flow]}
  jet: {title: {en: Jet fan, zh-CN: 射流风机}, measures: [fan]}
categories:
  smoke: {title: {en: Smoke, zh-CN: 烟雾}, about: place}
`

// a rule of the tunnel: what is given comes before what every rule has.
func tunnelRule(id, with string) string {
	return "- id: " + id + with + `
  title: {en: Tried, zh-CN: 试}
  because: {en: "{{value}} for {{duration}}", zh-CN: "{{value}}，已持续{{duration}}"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: tunnel-duty
`
}

const sump = `
  watches: sump-level
  on: box
  every: 1m
  late: 0s
  silent_after: 1h
`

const fans = `
  inputs:
    gas: {watches: co, on: box}
    fans: {watches: fan, on: [box, jet], combine: highest}
  per: asset
  every: 1m
  late: 0s
`

func tunnelPack(t *testing.T, rules string) *pack.Pack {
	t.Helper()
	p, err := pack.Load(fstest.MapFS{"pack.yaml": {Data: []byte(tunnel)}, File: {Data: []byte(rules)}}, "packs/tunnel")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func lint(t *testing.T, rules string) (ds []*Detector, found string) {
	t.Helper()
	p := tunnelPack(t, rules)
	ds, err := Compile(p)
	all := p.Warnings()
	all.Join(err)
	var lines []string
	for _, d := range all {
		lines = append(lines, d.Message+" ["+d.Code+"]")
	}
	return ds, strings.Join(lines, "\n")
}

func TestLint(t *testing.T) {
	const gone = `
  levels: {orange: {when: "gas >= 70 && fans < 1", for: 3m}}
  clear: {when: "gas < 50 || fans >= 1", for: 1m}`
	for name, c := range map[string]struct{ rules, want string }{
		"centimetres": {tunnelRule("x", sump+`
  levels: {orange: {when: "value > 300", for: 1m}}
  clear: {when: "value < 200", for: 1m}`), "value > 300 can never hold: sump-level ranges from 0 to 5 m [P024]\nvalue < 200 always holds: sump-level ranges from 0 to 5 m [P024]"},
		"never clears": {tunnelRule("x", sump+`
  levels: {orange: {when: "value > 3"}}
  clear: {when: "value < -5", for: 1m}`), "value < -5 can never hold: sump-level ranges from 0 to 5 m [P024]"},
		"true": {tunnelRule("x", sump+`
  levels: {yellow: {when: true}, orange: {when: "value > 3 || true"}}
  clear: {when: "false", for: 1m}`), "true always holds [P024]\nvalue > 3 || true always holds: sump-level ranges from 0 to 5 m [P024]\nfalse can never hold [P024]"},
		"an and that should be an or": {tunnelRule("x", sump+`
  levels: {orange: {when: "value < 1 && value > 4"}}
  clear: {when: "value >= 1.5 && value <= 3.5", for: 1m}`), "value < 1 && value > 4 can never hold: its parts exclude each other [P024]"},
		"levels out of order by a list": {tunnelRule("x", sump+`
  levels: {yellow: {when: "value in [1, 2]"}, orange: {when: "value >= 2"}}
  clear: {when: "value < 0.5", for: 1m}`), "orange holds at value = 3 and yellow does not [P016]"},
		"derived": {tunnelRule("x", sump+`
  derives: {rise: {rise_within: 10m}, mean: {average_over: 1h}, all: {total_over: 1h}, hours: {hours_to: {above: 4, within: 6h}}}
  levels: {yellow: {when: "rise > 5 || mean > 6 || all < 0 || hours < 0"}}
  clear: {when: "rise < 1 && mean < 1 && all < 300 && hours > 6", for: 1m}`),
			"rise > 5 can never hold: sump-level ranges from 0 to 5 m [P024]\nmean > 6 can never hold: sump-level ranges from 0 to 5 m [P024]\n" +
				"all < 0 can never hold: sump-level ranges from 0 to 5 m [P024]\nhours < 0 can never hold: sump-level ranges from 0 to 5 m [P024]"},
		"signals": {tunnelRule("x", sump+`
  levels: {yellow: {when: "value > 3"}}
  clear: {when: "value < 2", for: 1m}`) + tunnelRule("y", `
  joins: {within: 1h, near: 100, of: [{alert: x, from: blue}, {reports: smoke}]}
  levels: {red: {when: "signals >= 3"}}
  clear: {when: "signals < 1", for: 1m}`), "signals >= 3 can never hold: signals ranges from 0 to 2, one for each that is joined [P024]"},
		"never": {tunnelRule("x", strings.Replace(sump, "every: 1m", "every: 0s", 1)+`
  levels: {yellow: {when: "value > 3"}}
  clear: {when: "value < 2", for: 1m}`), "every needs to be above 0s [P006]"},
		"joins nothing in time": {tunnelRule("x", sump+`
  levels: {yellow: {when: "value > 3"}}
  clear: {when: "value < 2", for: 1m}`) + tunnelRule("y", `
  joins: {within: 0s, near: 100, of: [{alert: x}, {reports: smoke}]}
  levels: {red: {when: "signals >= 2"}}
  clear: {when: "signals < 1", for: 1m}`), "within needs to be above 0s [P006]"},
		"joins itself": {tunnelRule("y", `
  joins: {within: 1h, near: 100, of: [{alert: y, from: red}, {reports: smoke}]}
  levels: {red: {when: "signals >= 2"}}
  clear: {when: "signals < 1", for: 1m}`), "y joins others itself; only rules that judge readings can be joined [P025]"},
		"joins one twice": {tunnelRule("x", sump+`
  levels: {yellow: {when: "value > 3"}}
  clear: {when: "value < 2", for: 1m}`) + tunnelRule("y", `
  joins: {within: 1h, near: 100, of: [{alert: x}, {alert: x}]}
  levels: {red: {when: "signals >= 2"}}
  clear: {when: "signals < 1", for: 1m}`), "x is joined a second time; the first is in line 17, and one signal counts once [P014]"},
		"suppress each other": {tunnelRule("x", sump+`
  suppressed_by: y
  levels: {yellow: {when: "value > 3"}}
  clear: {when: "value < 2", for: 1m}`) + tunnelRule("y", sump+`
  suppressed_by: [z]
  levels: {yellow: {when: "value > 3"}}
  clear: {when: "value < 2", for: 1m}`) + tunnelRule("z", sump+`
  suppressed_by: [x, y]
  levels: {yellow: {when: "value > 3"}}
  clear: {when: "value < 2", for: 1m}`), "x and y and z suppress each other: while their alerts stand, nobody is told of any [P025]\n" +
			"y and z suppress each other: while their alerts stand, nobody is told of any [P025]"},
		"suppresses itself": {tunnelRule("x", sump+`
  suppressed_by: x
  levels: {yellow: {when: "value > 3"}}
  clear: {when: "value < 2", for: 1m}`), "a detector can't suppress itself [P025]"},
		"a chain of suppression": {tunnelRule("x", sump+`
  suppressed_by: [y, z]
  levels: {yellow: {when: "value > 3"}}
  clear: {when: "value < 2", for: 1m}`) + tunnelRule("y", sump+`
  suppressed_by: [z]
  levels: {yellow: {when: "value > 3"}}
  clear: {when: "value < 2", for: 1m}`) + tunnelRule("z", sump+`
  levels: {yellow: {when: "value > 3"}}
  clear: {when: "value < 2", for: 1m}`), ""},
		"a change between no two readings": {tunnelRule("x", sump+`
  derives: {rise: {rise_within: 30s}}
  levels: {yellow: {when: "rise > 3"}}
  clear: {when: "rise < 2", for: 1m}`), "the span is shorter than the time between two readings, 1 min: it never holds two that could differ [P006]"},
		"a brace left open": {strings.ReplaceAll(tunnelRule("x", sump+`
  levels: {yellow: {when: "value > 3"}}
  clear: {when: "value < 2", for: 1m}`), "{{value}}", "{{value}"), strings.Repeat("a brace stands here that belongs to no placeholder; people would read it. A placeholder is written {{value}} [P013]\n", 1) +
			"a brace stands here that belongs to no placeholder; people would read it. A placeholder is written {{value}} [P013]"},
		"except": {tunnelRule("x", sump+`
  stuck: {after: 1h, except: "value >= 0"}
  levels: {yellow: {when: "value > 3"}}
  clear: {when: "value < 2", for: 1m}`), "value >= 0 always holds: sump-level ranges from 0 to 5 m [P024]"},
		"within without for": {tunnelRule("x", sump+`
  levels: {yellow: {when: "value > 3", within: 5m}}
  clear: {when: "value < 2", for: 1m}`), `within says over how long the time of "for" may be gathered in pieces; without a for it does nothing [P006]`},
		"nobody misses the fans": {tunnelRule("x", fans+gone), "when the co of a box falls silent, nobody is told: no rule has silent_after for it [P060]\n" +
			"when the fan of a box or a jet falls silent, nobody is told: no rule has silent_after for it [P060]"},
		"the rule misses them": {tunnelRule("x", fans+"  silent_after: 1h"+gone), ""},
		"the input misses them, another rule the gas": {tunnelRule("x", strings.Replace(fans, "highest}", "highest, silent_after: 1h}", 1)+gone) + tunnelRule("y", `
  watches: co
  on: box
  silent_after: 1h
  levels: {yellow: {when: "value > 3"}}
  clear: {when: "value < 2", for: 1m}`), ""},
		"too soon for silence": {tunnelRule("x", strings.Replace(fans, "highest}", "highest, silent_after: 1s}", 1)+"  silent_after: 1h"+gone),
			"silent_after is shorter than 1 min, the time between two readings [P006]"},
		"what an input counts as": {tunnelRule("x", strings.Replace(fans, "highest}", "highest, unknown_as: 3}", 1)+"  silent_after: 1h"+gone), "fan ranges from 0 to 1 [P006]"},
		"no gap and no time": {tunnelRule("x", sump+`
  levels: {yellow: {when: "value > 2"}}
  clear: {when: "value <= 2", for: 0m}`), "clear holds at once where yellow does not: readings about the limit raise and clear the alert again and again [P061]"},
		"a gap": {tunnelRule("x", sump+`
  levels: {yellow: {when: "value > 2"}}
  clear: {when: "value <= 1.9", for: 0m}`), ""},
		"a mean that nobody misses": {tunnelRule("x", sump+`
  derives: {mean: {average_over: 1h}}
  levels: {yellow: {when: "mean > 2"}}
  clear: {when: "mean <= 1.9", for: 0m}`), "mean is unknown while a box sends its sump-level more rarely than every 1 min 20 s, and nobody is told of one that is silent for less than 1 h [P065]"},
		"and that another rule misses": {tunnelRule("x", sump+`
  derives: {mean: {average_over: 1h}}
  levels: {yellow: {when: "mean > 2"}}
  clear: {when: "mean <= 1.9", for: 0m}`) + tunnelRule("y", strings.Replace(sump, "1h", "3m", 1)+`
  levels: {yellow: {when: "value > 3"}}
  clear: {when: "value < 2", for: 1m}`), ""},
		"unused": {tunnelRule("x", fans+`
  silent_after: 1h
  derives: {rise: {of: gas, rise_within: 10m}, top: {of: rise, highest_over: 1h}}
  levels: {orange: {when: "gas >= 70", for: 3m}}
  clear: {when: "gas < 50", for: 1m}`), "nothing speaks of the input fans [P062]\nnothing speaks of top [P062]"},
		"cleared by another": {tunnelRule("x", fans+`
  silent_after: 1h
  levels: {orange: {when: "gas >= 70", for: 3m}}
  clear: {when: "fans >= 1", for: 1m}`), "it clears on fans, but is raised on gas [P063]"},
		"from nowhere": {tunnelRule("x", sump+`
  levels: {orange: {when: "value > 3"}}
  opens: {case: flood, from: yellow}
  clear: {when: "value < 2", for: 1m}`) + tunnelRule("y", `
  joins: {within: 1h, near: 100, of: [{alert: x, from: red}, {reports: smoke}]}
  levels: {red: {when: "signals >= 2"}}
  clear: {when: "signals < 1", for: 1m}`), "x never raises yellow; it will be from orange on [P064]\nx never raises red, nor anything above it [P064]"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, got := lint(t, c.rules); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// What a derived variable is said to reach holds whatever the readings, the ends of the range among them.
func TestReach(t *testing.T) {
	ds, found := lint(t, tunnelRule("x", `
  watches: flow
  on: box
  every: 1m
  late: 0s
  silent_after: 3m
  derives:
    rise: {rise_within: 5m}
    fall: {fall_within: 5m}
    mean: {average_over: 5m}
    lowest: {lowest_over: 5m}
    highest: {highest_over: 5m}
    total: {total_over: 5m}
    amount: {amount_over: 5m}
    excess: {above_background: {rise_per_hour: 1, fall: 5m}}
    hours: {hours_to: {above: 4, within: 6h}}
    odd: {unusual: {}}
    moved: {shift: {learn: 4h}}
  budget: {false_alarms_per_day: 1, over: 10}
  levels: {yellow: {when: "abs(rise + fall + mean + lowest + highest + total + amount + excess + hours + odd + moved) > 7"}}
  clear: {when: "abs(mean) < 2", for: 1m}`))
	if found != "" {
		t.Fatal(found)
	}
	d := ds[0]
	values := noise(600, 0, 25)
	cells := d.cells()
	for i, v := range values {
		var k known
		k.give(d.clamp(0, v), true)
		derive(cells, t0+int64(i)*minute, &k)
		for n, x := range k.vars {
			if r := d.vars[n].reach; x < r.Lowest || x > r.Highest || math.IsNaN(x) && !r.Unknown {
				t.Fatalf("%s is %g after %d readings, though it reaches from %g to %g", d.vars[n].name, x, i, r.Lowest, r.Highest)
			}
		}
	}
}

// box is datastream 1: co, 2: fan of the same box.
func box(id int64) Stream {
	s := Stream{ID: id, Property: "tunnel/co", Kind: "tunnel/box", Asset: 1, AssetName: Wording{"Box 1", "1号箱"}, Organisation: 3}
	if id == 2 {
		s.Property = "tunnel/fan"
	}
	return s
}

func live(e *Engine, minutes int, value func(id int64, minute int) float64) (changes []Change) {
	for id := int64(1); id <= 2; id++ {
		changes = e.Bind(box(id), changes)
	}
	for i := range minutes {
		at := t0 + int64(i)*minute
		for id := int64(1); id <= 2; id++ {
			if v := value(id, i); !math.IsNaN(v) {
				changes = e.Evaluate(number(id, at, v), at, changes)
			}
		}
		changes = e.Tick(at, t0, changes)
	}
	return changes
}

// A fan that nothing is heard of is unknown, and the rule goes mute with it, unless the rule says what it counts as.
func TestUnknownAs(t *testing.T) {
	for as, want := range map[string]string{"": "", ", unknown_as: 0": "5 orange"} {
		ds, found := lint(t, tunnelRule("x", strings.Replace(fans, "highest}", "highest"+as+"}", 1)+`
  silent_after: 1h
  levels: {orange: {when: "gas >= 70 && fans < 1", for: 3m}}
  clear: {when: "gas < 50 || fans >= 1", for: 1m}`))
		if found != "" {
			t.Fatal(found)
		}
		got := live(New(ds), 10, func(id int64, minute int) float64 {
			if id == 2 {
				return math.NaN()
			}
			return map[bool]float64{true: 100, false: 20}[minute >= 2]
		})
		if tell(got) != want && as == "" || as != "" && !strings.Contains(tell(got), "orange") {
			t.Errorf("%q: %s", as, tell(got))
		}
		if says := strings.Contains(ds[0].Rule.EN, "While nothing is heard of it, Fan counts as 0."); says != (as != "") {
			t.Error(ds[0].Rule.EN)
		}
	}
}

// Each input has its own time of silence and of being stuck, or the rule's.
func TestWatchOfInputs(t *testing.T) {
	ds, found := lint(t, tunnelRule("x", strings.Replace(fans, "highest}", `highest, silent_after: 5m, stuck: {after: 30m, except: "value < 1"}}`, 1)+`
  silent_after: 1h
  stuck: {after: 10m, by: 0.5}
  levels: {orange: {when: "gas >= 70 && fans < 1", for: 3m}}
  clear: {when: "gas < 50 || fans >= 1", for: 1m}`))
	if found != "" {
		t.Fatal(found)
	}
	d := ds[0]
	got := live(New(ds), 60, func(id int64, minute int) float64 {
		switch {
		case id == 2 && minute >= 40 && minute < 50:
			return math.NaN()
		case id == 2: // it runs from the start
			return 1
		case minute >= 20:
			return 40
		}
		return 20 + float64(minute%2)/4
	})
	var all []string
	for _, c := range got {
		_, because, _, _ := d.FaultWords(c, box(c.Datastream))
		all = append(all, fmt.Sprintf("%g %s", float64(c.At-t0)/float64(minute), because.EN))
	}
	want := `10 Box 1 has sent the same carbon monoxide, 20, for 10 min
20 Box 1: carbon monoxide moved to 40 after 20 min without change
30 Box 1 has sent the same carbon monoxide, 40, for 10 min
30 Box 1 has sent the same fan, 1, for 30 min
44 Box 1 has sent no fan for 5 min
50 Box 1 has sent fan again after 11 min`
	if strings.Join(all, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(all, "\n"), want)
	}
	var watch []string
	for _, w := range d.Watch() {
		watch = append(watch, w.EN, w.ZH)
	}
	want = `An instrument that says nothing for 1 h is a finding of its own.
仪器超过1小时无数据即告警。
An instrument of “Fan” that says nothing for 5 min is a finding of its own.
“风机”仪器超过5分钟无数据即告警。
An instrument that sends the same value for 10 min is a finding of its own; a change of up to 0.5 ppm is none.
仪器数值连续10分钟不变即告警，变幅不超过 0.5 ppm 视为不变。
An instrument of “Fan” that sends the same value for 30 min is a finding of its own; but not at < 1.
“风机”仪器数值连续30分钟不变即告警，< 1 时除外。`
	if strings.Join(watch, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(watch, "\n"), want)
	}
	if d.Rule.EN != "Orange when (Carbon monoxide ≥ 70 ppm and Fan < 1) for 3 min. The instruments of one asset are judged together." ||
		d.Clears.ZH != "（一氧化碳 < 50 ppm或风机 ≥ 1），持续1分钟后恢复。" {
		t.Error(d.Rule.EN, d.Clears.ZH)
	}
}

// Where time is gathered in pieces each reading counts for its interval, and the text says what was counted.
func TestGatheredDuration(t *testing.T) {
	ds, found := lint(t, tunnelRule("x", sump+`
  levels: {orange: {when: "value > 3", for: 2m, within: 10m}}
  clear: {when: "value < 2", for: 1m}`))
	if found != "" {
		t.Fatal(found)
	}
	for pieces, want := range map[string]string{"0 4 4": "2 orange: 4 for 2 min", "0 4 1 4 4": "4 orange: 4 for 4 min", "0 4 1 4 1": ""} {
		e := New(ds)
		s := box(1)
		s.Property = "tunnel/sump-level"
		changes := e.Bind(s, nil)
		for i, v := range strings.Fields(pieces) {
			changes = e.Evaluate(number(1, t0+int64(i)*minute, float64(v[0]-'0')), t0+int64(i)*minute, changes)
		}
		got := ""
		for _, c := range changes {
			got += fmt.Sprintf("%s: %s", tell([]Change{c}), ds[0].Because(c, s).EN)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", pieces, got, want)
		}
	}
}
