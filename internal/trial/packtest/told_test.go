package packtest

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"
)

// A reading beyond the range is drawn as it was written, with what the rule makes of it.
func TestPlotSaysWhatAReadingCountsAs(t *testing.T) {
	s := suite(t, `
- name: saturated
  series: {kitchen-alarm/methane: 0 350x3}
  expect:
    - {detector: methane-indoor, level: red, at: 1h}
`)
	var b strings.Builder
	ran(t, s).Write(&b, false)
	if !strings.Contains(b.String(), "350  ") || !strings.Contains(b.String(), "   counts as 100") || strings.Count(b.String(), "counts as") > strings.Count(b.String(), "350") {
		t.Error(b.String())
	}
}

// Of an alert that climbed, a difference says when it was raised, when it reached its highest level, and why that.
func TestDiffTellsTheHighestLevel(t *testing.T) {
	old := suite(t, `
- name: climbs
  series: {kitchen-alarm/methane: 0 6x5 25x3 6x9 0x5}
  expect: []
`)
	gone := suite(t, "[]")
	var b bytes.Buffer
	story := compare(&old.Tests[0].story, old.alerts(&old.Tests[0].story), nil)
	story.Story = "climbs"
	(&Diff{Old: old.Dir, New: gone.Dir, Stories: []StoryDiff{story}}).Write(&b)
	if !strings.Contains(b.String(), "methane-indoor red at kitchen-alarm, raised 3m, red 7m, cleared ") || !strings.Contains(b.String(), ": 25 %LEL") {
		t.Error(b.String())
	}
}

// A file of tests by another name is not "no tests, all passed".
func TestMisnamedTests(t *testing.T) {
	for name, want := range map[string]string{
		"detectors-test.yaml": "nothing reads this file; files of tests are called *_test.yaml, such as detectors_test.yaml [P017]",
		"detectors_test.yml":  `call it "detectors_test.yaml" [P017]`,
	} {
		fs := files(t, "[]")
		fs[name] = &fstest.MapFile{Data: []byte("[]\n")}
		if _, err := Load(fs, "packs/gas"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A rule that was made easier may hold always, or never clear: the test just below it still counts.
func TestEasierMayBeSenseless(t *testing.T) {
	s := suite(t, `
- name: a little
  series: {kitchen-alarm/methane: 0x5 0x5}
  expect: []
`, `value >= 5`, `value > 0`, `clear: {when: "value < 4.9", for: 3m}`, `clear: {when: "value <= 0", for: 3m}`)
	r := ran(t, s)
	for _, gap := range r.Gaps {
		if strings.Contains(gap.Message, "level yellow of methane-indoor has no test just below it") {
			t.Error(gap)
		}
	}
}
