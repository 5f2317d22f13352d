package packtest

import (
	"strings"
	"testing"
	"testing/fstest"
)

// A pack with a rule that judges several instruments of a place, one that rises through two levels at once, and one that joins.
const (
	tunnelPack = `
pack: tunnel
title: {en: Tunnels, zh-CN: 隧道}
observes:
  co: {title: {en: Carbon monoxide, zh-CN: 一氧化碳}, unit: ppm, range: [0, 1000]}
  fan: {title: {en: Fan, zh-CN: 风机}, unit: "1", range: [0, 1]}
  sump: {title: {en: Water in the sump, zh-CN: 集水坑水位}, unit: m, range: [0, 5]}
assets:
  monitor: {title: {en: Air monitor, zh-CN: 空气监测仪}, measures: [co]}
  jet-fan: {title: {en: Jet fan, zh-CN: 射流风机}, measures: [fan]}
  gauge: {title: {en: Sump gauge, zh-CN: 水位计}, measures: [sump]}
categories:
  smoke: {title: {en: Smoke, zh-CN: 烟雾}, about: place}
`
	tunnelRule = `
  every: 1m
  because: {en: "at {{place}}", zh-CN: "{{place}}告警"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: tunnel-duty
`
	tunnelRules = `
- id: fans-stand
  title: {en: Fans stand, zh-CN: 风机未启动}
  inputs:
    gas: {watches: co, on: monitor}
    fans: {watches: fan, on: jet-fan}
  per: place
  silent_after: 1h
  levels: {orange: {when: "gas >= 70 && fans < 1", for: 3m}}
  clear: {when: "gas < 50", for: 1m}` + tunnelRule + `
- id: sump-rising
  title: {en: Sump rises, zh-CN: 水位上涨}
  watches: sump
  on: gauge
  silent_after: 1h
  derives: {rise: {rise_within: 10m}}
  levels:
    orange: {when: "rise >= 0.3"}
    red: {when: "rise >= 0.3 && value >= 2"}
  clear: {when: "rise < 0.1", for: 10m}` + tunnelRule + `
- id: fire
  title: {en: Fire, zh-CN: 火情}
  joins: {within: 15m, near: 500, of: [{alert: fans-stand}, {reports: smoke}]}
  levels: {red: {when: "signals >= 2"}}
  clear: {when: "signals < 1", for: 10m}` + tunnelRule
)

func tunnel(tests string) (*Suite, error) {
	return Load(fstest.MapFS{
		"pack.yaml": {Data: []byte(tunnelPack)}, "detectors.yaml": {Data: []byte(tunnelRules)}, "a_test.yaml": {Data: []byte(tests)},
	}, "packs/tunnel")
}

const fansStand = `
- name: x
  assets:
    monitor: {place: north}
    jet-fan: {place: north}
  series:
    monitor/co: 20x3 75x6 20x4
    jet-fan/fan: 0x14
    gauge/sump: 1x14
  expect: `

// The figures that decided are shown, and no others: of all inputs, whether what was expected came otherwise or not at all.
func TestChartOfInputs(t *testing.T) {
	for expect, want := range map[string]string{
		`[{detector: fans-stand, level: orange, at: 6m}, {detector: fans-stand, cleared: true, at: 12m}]`: `
      monitor/co ppm
             ...
             4m       75  ########################################
             5m       75  ########################################
             6m       75  ########################################   <- expected
             7m       75  ########################################   <- got
             8m       75  ########################################
             9m       75  ########################################
      jet-fan/fan 1
             ...
             4m        0
             5m        0
             6m        0     <- expected
             7m        0     <- got
             8m        0
             9m        0
`,
		`[{detector: fans-stand, level: orange, at: 7m}, {detector: fans-stand, cleared: true, at: 12m}, {detector: fans-stand, silent: true, at: 9m, asset: jet-fan}]`: `
      monitor/co ppm
             ...
             7m       75  ########################################
             8m       75  ########################################
             9m       75  ########################################   <- expected
            10m       75  ########################################
            11m       20  ##########
      jet-fan/fan 1
             ...
             7m        0
             8m        0
             9m        0     <- expected
            10m        0
            11m        0
`,
	} {
		s, err := tunnel(fansStand + expect)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		r := ran(t, s)
		r.Write(&b, false)
		_, chart, _ := strings.Cut(b.String(), "monitor/co")
		chart, _, _ = strings.Cut("\n      monitor/co"+chart, "packs/tunnel:")
		if r.Failed != 1 || chart != want {
			t.Errorf("--- got\n%s--- want\n%s", b.String(), want)
		}
	}
}

// An alert of a place is told from others by its place, and not by one of the assets there.
func TestUpdateNamesWhatTheAlertIsOf(t *testing.T) {
	two := strings.Replace(fansStand, "jet-fan/fan: 0x14", "jet-fan/fan: 0x14\n    monitor-2/co: 20x14", 1)
	for tests, want := range map[string]string{
		fansStand: `{detector: fans-stand, level: orange, at: 7m, place: north}`,
		two:       `{detector: fans-stand, level: orange, at: 7m, place: north}`,
		strings.Replace(fansStand, "    gauge/sump: 1x14\n", "", 1): `{detector: fans-stand, level: orange, at: 7m}`,
		strings.Replace(fansStand, "1x14", "1 1.4x12", 1):           `{detector: sump-rising, level: orange, at: 1m, asset: gauge}`,
	} {
		s, err := tunnel(tests + "[]\n")
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Update(ran(t, s))
		if err != nil || len(out) != 1 || !strings.Contains(out[0].Content, want+"\n") {
			t.Errorf("%v %+v\nwant %s", err, out, want)
		}
	}
}

// A report is heard where it is: at a place without a point it would count for nothing, and the test would show it of the rule.
func TestReportNeedsAPoint(t *testing.T) {
	const tests = "- name: x\n  PLACES\n  series: {monitor/co: 20x5}\n  reports:\n    - {at: 2m, category: smoke, place: north}\n  expect: []\n"
	for places, want := range map[string]string{
		"places: {north: {area: Old Town}}":       `packs/tunnel/a_test.yaml:5:40: a report counts by where it is, so the place "north" needs a point: places: {north: {point: [121.5, 31.2]}} [P005]`,
		"start: 2026-01-05T00:00:00+08:00":        `packs/tunnel/a_test.yaml:5:40: a report counts by where it is, so the place "north" needs a point: places: {north: {point: [121.5, 31.2]}} [P005]`,
		"places: {north: {point: [121.5, 31.2]}}": "",
	} {
		_, err := tunnel(strings.Replace(tests, "PLACES", places, 1))
		got := ""
		if err != nil {
			got, _, _ = strings.Cut(err.Error(), "\n")
		}
		if got != want {
			t.Errorf("%s: %s", places, got)
		}
	}
}

// A near miss counts for the level that it missed, though the easier rule would go beyond it at once.
func TestNearMissOfALevelThatIsJumpedOver(t *testing.T) {
	for series, want := range map[string][]string{
		"1.9x12 2.19x12": {"orange", "red"}, // 0.29 of 0.3 m, high enough for red
		"0.9x12 1.19x12": {"orange"},
		"1.9x12 2.1x12":  nil,
	} {
		s, err := tunnel("- name: x\n  series: {gauge/sump: " + series + "}\n  expect: []\n")
		if err != nil {
			t.Fatal(err)
		}
		near, err := s.near([]*Result{s.run(s.Tests[0])})
		if err != nil {
			t.Fatal(err)
		}
		for _, level := range []string{"orange", "red"} {
			if got := near[seenKey{"sump-rising", level, below}]; got != (strings.Contains(strings.Join(want, " "), level)) {
				t.Errorf("%s, %s: %v", series, level, got)
			}
		}
	}
}
