package packtest

import (
	"slices"
	"strings"
	"testing"
)

// covered is a file of tests without a gap; each part of it is needed.
var covered = []string{`
- name: raises, clears, misses readings
  series: {kitchen-alarm/methane: 0 6 _ 6x4 25x2 0x5, kitchen-alarm/frost: 5 _ -1 _ 5x8}
  expect:
    - {detector: methane-indoor, level: yellow, by: 10m}
    - {detector: methane-indoor, level: red, by: 10m}
    - {detector: methane-indoor, cleared: true, by: 20m}
    - {detector: freezing, level: blue, by: 10m}
    - {detector: freezing, cleared: true, by: 10m}
`, `
- name: just below yellow
  series: {kitchen-alarm/methane: 4.95x10}
  expect: []
`, `
- name: just below red
  series: {kitchen-alarm/methane: 0 19.1 0x3}
  expect: []
`, `
- name: just above freezing
  series: {kitchen-alarm/frost: 0.4x3}
  expect: []
`, `
- name: silences
  series: {kitchen-alarm/methane: 0 stale, kitchen-alarm/frost: 3 stale}
  expect:
    - {detector: methane-indoor, silent: true, at: 10m}
    - {detector: freezing, silent: true, at: 10m}
`}

func TestCoverage(t *testing.T) {
	gaps := func(tests string) string {
		var out []string
		for _, d := range ran(t, suite(t, tests)).Gaps {
			if d.Line == 0 || d.Path != "packs/gas/detectors.yaml" {
				t.Errorf("%+v points nowhere", d)
			}
			out = append(out, d.Message)
		}
		return strings.Join(out, "; ")
	}
	if got := gaps(strings.Join(covered, "")); got != "" {
		t.Error(got)
	}
	without := func(i int) string { return strings.Join(slices.Delete(slices.Clone(covered), i, i+1), "") }
	for i, want := range map[int]string{
		1: "level yellow of methane-indoor has no test just below it: one in which a limit is missed by at most 5 %, or its time by one reading",
		2: "level red of methane-indoor has no test just below it: one in which a limit is missed by at most 5 %, or its time by one reading",
		3: "level blue of freezing has no test just below it: one in which a limit is missed by at most 5 %, or its time by one reading",
		4: "methane-indoor has no test in which an instrument falls silent; freezing has no test in which an instrument falls silent",
	} {
		if got := gaps(without(i)); got != want {
			t.Errorf("without %q: %s", covered[i], got)
		}
	}
	still := []string{"  silent_after: 10m\n", "  silent_after: 10m\n  stuck: {after: 10m, except: \"value <= 0\"}\n"}
	slow := strings.Replace(strings.Join(covered, ""), "4.95x10", "4.95x9", 1) // not stuck itself
	moves := strings.NewReplacer("methane: 0 stale,", "methane: 1x10,", "methane-indoor, silent:", "methane-indoor, stuck:")
	for text, want := range map[string]string{ // a value that is stuck is no silence, and the other way round
		slow:                "methane-indoor has no test in which an instrument's value is stuck",
		moves.Replace(slow): "methane-indoor has no test in which an instrument falls silent",
	} {
		r := ran(t, suite(t, text, still...))
		var got []string
		for _, d := range r.Gaps {
			got = append(got, d.Message)
		}
		if strings.Join(got, "; ") != want || r.Failed != 0 {
			t.Errorf("%d failed, got %q, want %q", r.Failed, got, want)
		}
	}
	for from, want := range map[string]struct{ to, gap string }{
		"0 6 _ 6x4 25x2 0x5":        {"0 6 6 6x4 25x2 0x5", "level yellow of methane-indoor has no test with a reading missing while it builds up or stands; level red of methane-indoor has no test with a reading missing while it builds up or stands"},
		"5 _ -1 _ 5x8":              {"5 5 -1 5 5x8", "level blue of freezing has no test with a reading missing while it builds up or stands"},
		"4.95x10":                   {"4.7x10", "level yellow of methane-indoor has no test just below it: one in which a limit is missed by at most 5 %, or its time by one reading"},
		"{kitchen-alarm/methane: 4": {"{kitchen-alarm/methane: 6x1 4", ""},                                                                                                        // one reading more and it would be yellow
		"19.1":                      {"18.9", "level red of methane-indoor has no test just below it: one in which a limit is missed by at most 5 %, or its time by one reading"}, // six percent below
		"0.4x3":                     {"0.6x3", "level blue of freezing has no test just below it: one in which a limit is missed by at most 5 %, or its time by one reading"},     // a limit of 0 moves by half a unit
	} {
		whole := strings.Join(covered, "")
		if !strings.Contains(whole, from) {
			t.Fatal(from)
		}
		if got := gaps(strings.Replace(whole, from, want.to, 1)); got != want.gap {
			t.Errorf("%s in place of %s: %s", want.to, from, got)
		}
	}
	noClear := strings.Replace(strings.Replace(covered[0], "25x2 0x5", "25x2 6", 1), "    - {detector: methane-indoor, cleared: true, by: 20m}\n", "", 1)
	if got := gaps(noClear + strings.Join(covered[1:], "")); got != "level yellow of methane-indoor has no test in which it clears; level red of methane-indoor has no test in which it clears" {
		t.Error(got)
	}
	if got := gaps(covered[3]); got != "no test expects anything of methane-indoor; no test expects anything of freezing" {
		t.Error(got)
	}
}

// A delay that is missed by one reading is just below; one that is missed by two is not.
func TestDelayJustMissed(t *testing.T) {
	for series, want := range map[string]bool{"0 9x1 0x3": true, "0 9 0x3": false, "0 9x2 0x3": false} {
		s := suite(t, "- name: x\n  series: {kitchen-alarm/methane: "+series+"}\n  expect: []")
		near, err := s.near([]*Result{s.run(s.Tests[0])})
		if err != nil {
			t.Fatal(err)
		}
		if got := near[seenKey{"methane-indoor", "yellow", below}]; got != want {
			t.Errorf("%s: %v", series, got)
		}
	}
}

// Rules that would contradict themselves with limits five percent nearer: the clear condition stands at the very limit, or
// close to it and over several lines.
func TestRulesWithoutRoom(t *testing.T) {
	for _, replace := range [][]string{
		{"value < 4.9", "value < 5"},
		{`{when: "value < 4.9", for: 3m}`, "\n    for: 3m\n    when: >\n      value\n      < 4.9"},
	} {
		s := suite(t, "- name: x\n  series: {kitchen-alarm/methane: 0 4.98x10}\n  expect: []", replace...)
		near, err := s.near([]*Result{s.run(s.Tests[0])})
		if err != nil || !near[seenKey{"methane-indoor", "yellow", below}] {
			t.Error(replace, near, err)
		}
	}
}
