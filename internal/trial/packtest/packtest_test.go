package packtest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/anlan-city/anlan/internal/pack"
)

var update = flag.Bool("update", false, "write what came out as what is expected")

// files is the pack of testdata/gas with some tests, and with texts of its rules replaced.
func files(t *testing.T, tests string, replace ...string) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{"a_test.yaml": {Data: []byte(tests)}}
	for _, name := range []string{"pack.yaml", "detectors.yaml"} {
		content, err := os.ReadFile(filepath.Join("testdata/gas", name))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; name == "detectors.yaml" && i < len(replace); i += 2 {
			if !bytes.Contains(content, []byte(replace[i])) {
				t.Fatalf("%q does not stand in the rules", replace[i])
			}
			content = bytes.Replace(content, []byte(replace[i]), []byte(replace[i+1]), 1)
		}
		fsys[name] = &fstest.MapFile{Data: content}
	}
	return fsys
}

func suite(t *testing.T, tests string, replace ...string) *Suite {
	t.Helper()
	s, err := Load(files(t, tests, replace...), "packs/gas")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ran(t *testing.T, s *Suite) *Report {
	t.Helper()
	r, err := s.Run(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tell is what happened in a test, in one line.
func tell(s *Suite, r *Result) string {
	var out []string
	for i := range r.Steps {
		out = append(out, span(r.Steps[i].At)+" "+s.say(&r.Steps[i]))
	}
	return strings.Join(out, ", ")
}

func TestAStory(t *testing.T) {
	s := suite(t, `
- name: both languages, place, area, case, silence
  places:
    building-4: {title: {en: Building 4, zh-CN: 4号楼}, area: Old Town}
  assets:
    lucky: {kind: kitchen-alarm, title: {en: Lucky Noodles, zh-CN: 好运面馆}, place: building-4}
  series: {lucky/methane: 0x2 6x3 25 _x12 0x4}
  expect:
    - {detector: methane-indoor, level: yellow, at: 5m, place: building-4, area: Old Town, asset: lucky, text: {en: "6 %LEL at Building 4, Lucky Noodles, Old Town, for 2 min", zh-CN: "4号楼甲烷 6 %LEL，黄色，已持续2分钟"}}
    - {detector: methane-indoor, level: red, within: [6m, 8m], opens: gas-leak}
    - {detector: methane-indoor, silent: true, at: 17m, text: {en: Lucky Noodles has sent no methane in air for 10 min, zh-CN: 好运面馆已10分钟未上报甲烷浓度}}
    - {detector: methane-indoor, silent: true, cleared: true, at: 20m}
    - {detector: methane-indoor, cleared: true, by: 30m}
`)
	r := ran(t, s)
	if r.Failed != 0 {
		var b strings.Builder
		r.Write(&b, true)
		t.Fatal(b.String())
	}
	if got := tell(s, r.Results[0]); got != "5m methane-indoor yellow, 7m methane-indoor red, 17m methane-indoor silent, 20m methane-indoor heard again, 23m methane-indoor cleared" {
		t.Error(got)
	}
}

// An instrument in a home is called by its kind, as the room does, whatever the test calls it.
func TestHomesStayUnnamed(t *testing.T) {
	s := suite(t, `
- name: a home
  assets: {flat-1203: {kind: home-alarm}}
  series: {flat-1203/methane: 0 25}
  expect: [{detector: methane-indoor, level: red, at: 1m, text: {en: Gas alarm in a home}}]
`)
	if r := ran(t, s); r.Failed != 0 || strings.Contains(r.Results[0].Steps[0].Text.EN, ", flat") {
		t.Error(r.Results[0].Steps)
	}
}

// Each line: what is expected of the series 0 6x4 0x4 (yellow at 3m, cleared at 8m), and how many failures that makes.
func TestStrictBothWays(t *testing.T) {
	for expect, want := range map[string]int{
		`[]`: 2,
		`[{detector: methane-indoor, level: yellow, at: 3m}]`:                                                                                                                    1,
		`[{detector: methane-indoor, level: yellow, at: 3m}, {detector: methane-indoor, cleared: true, at: 9m}]`:                                                                 0,
		`[{detector: methane-indoor, level: yellow, at: 2m}, {detector: methane-indoor, cleared: true, at: 9m}]`:                                                                 1,
		`[{detector: methane-indoor, level: yellow, by: 3m}, {detector: methane-indoor, cleared: true, within: [4m, 9m]}]`:                                                       0,
		`[{detector: methane-indoor, level: red, at: 3m}, {detector: methane-indoor, cleared: true, at: 9m}]`:                                                                    1,
		`[{detector: freezing, level: blue, at: 3m}, {detector: methane-indoor, level: yellow, at: 3m}, {detector: methane-indoor, cleared: true, at: 9m}]`:                      1,
		`[{detector: methane-indoor, level: yellow, at: 3m}, {detector: methane-indoor, level: yellow, at: 3m}, {detector: methane-indoor, cleared: true, at: 9m}]`:              1,
		`[{detector: methane-indoor, level: yellow, at: 3m, text: {en: somewhere else}}, {detector: methane-indoor, cleared: true, at: 9m}]`:                                     1,
		`[{detector: methane-indoor, level: yellow, at: 3m, text: {zh-CN: 已持续2分钟}}, {detector: methane-indoor, cleared: true, at: 9m}]`:                                          0,
		`[{detector: methane-indoor, level: yellow, at: 3m, opens: gas-leak}, {detector: methane-indoor, cleared: true, at: 9m}]`:                                                1, // from red only
		`[{detector: methane-indoor, silent: true, at: 3m}, {detector: methane-indoor, level: yellow, at: 3m}, {detector: methane-indoor, cleared: true, silent: true, at: 9m}]`: 2,
	} {
		s := suite(t, "- name: x\n  series: {kitchen-alarm/methane: 0 6x4 0x6}\n  expect: "+expect)
		if r := ran(t, s).Results[0]; len(r.Failures) != want {
			t.Errorf("%s: %d failures, not %d; %s", expect, len(r.Failures), want, tell(s, r))
		}
	}
}

// The first expectation's window holds both steps, the second's only the first step.
func TestOverlappingWindowsFindTheirSteps(t *testing.T) {
	s := suite(t, `
- name: x
  series:
    kitchen-alarm-1/methane: 25
    kitchen-alarm-2/methane: 0 0 25
  expect:
    - {detector: methane-indoor, level: red, by: 5m}
    - {detector: methane-indoor, level: red, by: 1m}
`)
	if r := ran(t, s).Results[0]; r.Failed() {
		t.Error(tell(s, r), r.Failures)
	}
}

func TestLateReadingsArriveLate(t *testing.T) {
	s := suite(t, `
- name: x
  series: {kitchen-alarm/methane: 1 2 3 4}
  late: [{series: kitchen-alarm/methane, at: 1m, arrives: 7m}]
  expect: []
`)
	var got []string
	for _, r := range s.Tests[0].story.readings {
		got = append(got, span(r.at)+" "+span(r.arrives))
	}
	if strings.Join(got, ", ") != "0s 0s, 2m 2m, 3m 3m, 1m 7m" || s.Tests[0].story.end.Minutes() != 7 {
		t.Error(got, s.Tests[0].story.end)
	}
}

// All that is wrong with a file of tests comes at once, each with its place; a mistake in a series to the column.
func TestDiagnostics(t *testing.T) {
	tests, err := os.ReadFile("testdata/broken_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Load(files(t, string(tests)), "packs/gas")
	if err == nil {
		t.Fatal("nothing was found wrong")
	}
	golden(t, "testdata/broken_expected.txt", err.Error()+"\n")
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s (-update writes what came out)\n--- got\n%s--- want\n%s", file, got, want)
	}
}

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
		1: "level yellow of methane-indoor has no test just below it",
		2: "level red of methane-indoor has no test just below it",
		3: "level blue of freezing has no test just below it",
		4: "methane-indoor has no test in which an instrument falls silent; freezing has no test in which an instrument falls silent",
	} {
		if got := gaps(without(i)); got != want {
			t.Errorf("without %q: %s", covered[i], got)
		}
	}
	for from, want := range map[string]struct{ to, gap string }{
		"0 6 _ 6x4 25x2 0x5":        {"0 6 6 6x4 25x2 0x5", "level yellow of methane-indoor has no test with missing readings; level red of methane-indoor has no test with missing readings"},
		"5 _ -1 _ 5x8":              {"5 5 -1 5 5x8", "level blue of freezing has no test with missing readings"},
		"4.95x10":                   {"4.7x10", "level yellow of methane-indoor has no test just below it"},
		"{kitchen-alarm/methane: 4": {"{kitchen-alarm/methane: 6x1 4", ""},                             // one reading more and it would be yellow
		"19.1":                      {"18.9", "level red of methane-indoor has no test just below it"}, // six percent below
		"0.4x3":                     {"0.6x3", "level blue of freezing has no test just below it"},     // a limit of 0 moves by half a unit
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

func TestRunChooses(t *testing.T) {
	s := suite(t, strings.Join(covered, ""))
	r, err := s.Run(regexp.MustCompile("below"))
	if err != nil || len(r.Results) != 2 || r.LeftOut != 3 || len(r.Gaps) != 0 {
		t.Error(len(r.Results), r.LeftOut, r.Gaps, err)
	}
}

func TestJUnit(t *testing.T) {
	s := suite(t, "- name: \"a <b> & ]]> 甲\"\n  series: {kitchen-alarm/methane: 25}\n  expect: []\n- name: fine\n  expect: []\n")
	passes := suite(t, covered[0])
	var b bytes.Buffer
	if err := WriteJUnit(&b, []*Report{ran(t, s), ran(t, passes)}); err != nil {
		t.Fatal(err)
	}
	var back junitSuites
	if err := xml.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err, b.String())
	}
	first, second := back.Suites[0], back.Suites[1]
	if back.Failures != 1 || first.Failures != 1 || first.Tests != 2 || first.Cases[0].Name != "a <b> & ]]> 甲" || first.Cases[0].Line != 1 || first.Cases[1].Failure != nil ||
		!strings.Contains(first.Cases[0].Failure.Text, "which nothing expects") || second.Skipped != 5 || back.Tests != 2+1+5 {
		t.Errorf("%s", b.String())
	}
	d := xml.NewDecoder(&b)
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// Each file of testdata/update is a file of tests before and after --update, or why it is refused.
func TestUpdate(t *testing.T) {
	names, err := filepath.Glob("testdata/update/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			before, section, want := string(a.Files[0].Data), a.Files[1].Name, string(a.Files[1].Data)
			crlf := strings.Contains(filepath.Base(name), "crlf")
			if crlf {
				before, want = strings.ReplaceAll(before, "\n", "\r\n"), strings.ReplaceAll(want, "\n", "\r\n")
			}
			s := suite(t, before)
			out, err := s.Update(ran(t, s))
			got := ""
			switch {
			case err != nil && section == "refused":
				got = err.Error() + "\n"
			case err != nil:
				t.Fatal(err)
			case section == "refused" || len(out) != 1 || out[0].File != "a_test.yaml":
				t.Fatalf("%+v", out)
			default:
				got = out[0].Content
			}
			if *update {
				a.Files[1].Data = []byte(strings.ReplaceAll(got, "\r\n", "\n"))
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("--- got\n%s--- want\n%s", got, want)
			}
			if err == nil {
				if again := ran(t, suite(t, got)); again.Failed != 0 {
					t.Error("what was written fails")
				}
			}
		})
	}
}

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
	const data = "../../../../shared/data/sensors/methane-metec"
	if _, err := os.Stat(data); err != nil {
		t.Skip("the recorded data is not here: ", err)
	}
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

// Every field of the tests is declared with what it means.
func TestDeclaration(t *testing.T) {
	d := Declaration()
	if !d.Matches("detectors_test.yaml") || d.Matches("detectors.yaml") {
		t.Error("the pattern")
	}
	var walk func(f *pack.Form)
	walk = func(f *pack.Form) {
		for _, x := range f.Fields {
			if x.Doc == "" {
				t.Errorf("%s says nothing", x.Key)
			}
			walk(x.Form)
		}
		if f.Item != nil {
			walk(f.Item)
		}
	}
	walk(d.Form())
}
