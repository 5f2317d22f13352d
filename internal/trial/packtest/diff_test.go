package packtest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/testdata"
)

func TestDiff(t *testing.T) {
	tests := `
- name: climbs
  series: {kitchen-alarm/methane: 0 6x5 25 0x5}
  expect: []
- name: freezes
  series: {kitchen-alarm/frost: -1 5 3x4}
  expect: []
- name: a little
  series: {kitchen-alarm/methane: 0 5.5x5 0x5}
  expect: []
- name: a lot, a bit later
  series: {kitchen-alarm/methane: 25 0x5}
  expect: []
`
	old := suite(t, tests)
	if d := Compare(old, suite(t, tests)); !d.Same() || d.Stories[0].Stay != 1 {
		t.Errorf("%+v", d)
	}
	changed := suite(t, strings.Replace(tests, "a lot, a bit later", "new name", 1),
		`yellow: {when: "value >= 5", for: 2m}`, `yellow: {when: "value >= 5.8", for: 3m}`, "red: {when: value >= 20}", "orange: {when: value >= 20}", "from: red", "from: orange", "value > 0", "value > 4")
	d := Compare(old, changed)
	var b bytes.Buffer
	d.Write(&b)
	golden(t, "testdata/diff_expected.txt", b.String())
	b.Reset()
	if err := d.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var back struct{ Stories []StoryDiff }
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || len(back.Stories) != 5 || back.Stories[0].Change[0].New.Level != "orange" {
		t.Error(err, b.String())
	}
}

// Two tests of one recorded period: the same rules change nothing, and a higher limit takes alerts away.
func TestDiffOfARecordedPeriod(t *testing.T) {
	data := testdata.Shared(t, "sensors", "methane-metec")
	dir := "../../../packs/gas"
	old, err := Load(os.DirFS(dir), "packs/gas")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Recorded(old, "../../../replays/methane.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile(filepath.Join(dir, RulesFile))
	if err != nil {
		t.Fatal(err)
	}
	stricter, err := Load(overlay{os.DirFS(dir), RulesFile, strings.Replace(string(rules), "excess >= 0.8", "excess >= 4", 1)}, "packs/gas")
	if err != nil {
		t.Fatal(err)
	}
	same, less := Compare(old, old, r), Compare(old, stricter, r)
	last := func(d *Diff) StoryDiff { return d.Stories[len(d.Stories)-1] }
	if x := last(same); !same.Same() || x.Stay < 10 {
		t.Errorf("the same pack differs from itself, or raised nothing: %d stay", x.Stay)
	}
	if x := last(less); len(x.Vanish)+len(x.Change) == 0 {
		t.Error("a limit five times higher changes nothing")
	}
}
