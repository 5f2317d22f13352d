package packtool

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/respond/calendar"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/respond/plan"
	"github.com/anlan-city/anlan/internal/respond/plan/drainage"
	"github.com/anlan-city/anlan/internal/respond/watch"
	"github.com/anlan-city/anlan/internal/trial/packtest"
)

func tool() Packs {
	return Packs{
		Shipped: fstest.MapFS{"weather/pack.yaml": {Data: []byte(weather)}},
		Files:   []pack.Declaration{pack.MainDeclaration(), engine.Declaration(), lifecycle.Declaration(), plan.Declaration(), drainage.Declaration(), calendar.Declaration(), watch.Declaration(), packtest.Declaration()},
		Clock:   clock.System(),
	}
}

const weather = `
pack: weather
title: {en: Weather, zh-CN: 气象}
observes: {wind: {title: {en: Wind, zh-CN: 风速}, unit: m/s, range: [0, 110]}}
assets: {station: {title: {en: Station, zh-CN: 气象站}, measures: [wind]}}
`

// Each code has an example that gives this code and no other.
func TestExamples(t *testing.T) {
	if ds, err := tool().run(Example{}); err != nil || len(ds) > 0 {
		t.Fatalf("the sound pack: %v\n%v", err, ds)
	}
	shown := map[string]bool{}
	for _, x := range Examples() {
		ds, err := tool().run(x)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(ds) == 0 || slices.ContainsFunc(ds, func(d pack.Diagnostic) bool { return d.Code != x.Code }) {
			t.Errorf("the example of %s gives\n%v", x.Code, ds)
		}
		shown[x.Code] = true
	}
	for _, e := range pack.Codes {
		if !shown[e.Code] {
			t.Errorf("%s has no example", e.Code)
		}
		if e.Title == "" || e.Meaning == "" || e.Mend == "" {
			t.Errorf("%s is not explained", e.Code)
		}
	}
}

// write puts packs below a folder, which it returns.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A wrong pack.yaml does not hide the mistakes of other files; but names that it may not have declared are left alone.
func TestAllAtOnce(t *testing.T) {
	dir := write(t, map[string]string{
		"gas/pack.yaml":      "pack: gas\ntitle: {en: Gas, zh-CN: 燃气}\nobserve: {}\n",
		"gas/detectors.yaml": "- {id: a, watches: methane, maturity: drafty}\n",
		"gas/cases.yaml":     "- id: [\n",
		"gas/notes.yaml":     "a: b\n",
	})
	r, err := tool().Check(filepath.Join(dir, "gas"))
	if err != nil {
		t.Fatal(err)
	}
	text := r[0].Problems.Error()
	for _, want := range []string{
		`pack.yaml:3:1: unknown key "observe", did you mean "observes"? [P003]`, `detectors.yaml:1:39: maturity is "drafty"`,
		"cases.yaml:1:7: ", "[P001]", "notes.yaml: nothing reads this file; the files of a pack are pack.yaml, detectors.yaml, cases.yaml, plans.yaml, basins.yaml, calendar.yaml, watch.yaml and *_test.yaml [P017]",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "observes no") {
		t.Errorf("what pack.yaml may have declared is missed\n%s", text)
	}
	if r.ExitCode() != 1 {
		t.Errorf("exit code %d", r.ExitCode())
	}
}

// Packs refer to each other and to those that are shipped.
func TestTogether(t *testing.T) {
	pack := func(name, rest string) string {
		return "pack: " + name + "\ntitle: {en: X, zh-CN: 某}\n" + rest
	}
	dir := write(t, map[string]string{
		"packs/gas/pack.yaml": pack("gas", `
observes: {methane: {title: {en: Methane, zh-CN: 甲烷}, unit: ppm, range: [0, 1]}}
assets: {van: {title: {en: Van, zh-CN: 车}, measures: [weather/wind, weather/rain, nobody/knows]}}
`),
		"packs/gas/README.md":   "Gas",
		"packs/more/pack.yaml":  pack("more", "assets: {probe: {title: {en: Probe, zh-CN: 探头}, measures: [gas/methane]}}\n"),
		"packs/more/README.md":  "More",
		"packs/lift/pack.yaml":  pack("lift", ""),
		"packs/lift/README.md":  "Lifts",
		"packs/lift/cases.yaml": cases, "packs/more/cases.yaml": cases,
		"packs/lift/cases_test.yaml": caseTest, "packs/more/cases_test.yaml": caseTest,
	})
	r, err := tool().Check(filepath.Join(dir, "packs") + "/...")
	if err != nil || len(r) != 3 {
		t.Fatal(err, len(r))
	}
	var all []string
	for _, c := range r {
		for _, d := range c.Problems {
			all = append(all, strings.TrimPrefix(d.Path, filepath.ToSlash(dir)+"/")+": "+d.Message)
		}
	}
	want := []string{
		`packs/gas/pack.yaml: van measures weather/rain, but the pack weather observes no "rain"`,
		`packs/lift/cases.yaml: the pack more has a case kind "leak" too; ids of case kinds are unique among all packs`,
		`packs/more/cases.yaml: the pack lift has a case kind "leak" too; ids of case kinds are unique among all packs`,
	}
	if !slices.Equal(all, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(all, "\n"), strings.Join(want, "\n"))
	}
	// Alone, nothing measures methane.
	r, err = tool().Check(filepath.Join(dir, "packs/gas"))
	if err != nil || len(r) != 1 || !strings.Contains(r[0].Problems.Error(), "no kind of asset measures methane [P037]") {
		t.Errorf("%v\n%v", err, r[0].Problems)
	}
}

// Names of other packs' detectors and categories are looked up there: a misspelt one would be a signal that never comes.
func TestSignalsOfOtherPacks(t *testing.T) {
	rule := func(id, with string) string {
		return "- id: " + id + "\n" + with + `
  title: {en: X, zh-CN: 某}
  because: {en: x, zh-CN: 某}
  source: none
  known_false_alarms: [none]
  maturity: draft
  owner: desk
`
	}
	const judges = `  watches: methane
  on: box
  silent_after: 1h
  levels: {red: {when: "value > 1"}}
  clear: {when: "value < 0.5", for: 1m}`
	const joins = `  levels: {red: {when: "signals >= 2"}}
  clear: {when: "signals < 1", for: 1m}
  joins: {within: 1h, near: 100, of: [`
	dir := write(t, map[string]string{
		"packs/one/pack.yaml": `pack: one
title: {en: X, zh-CN: 某}
observes: {methane: {title: {en: Methane, zh-CN: 甲烷}, unit: ppm, range: [0, 9]}}
assets: {box: {title: {en: Box, zh-CN: 箱}, measures: [methane]}}
categories: {smell: {title: {en: Smell, zh-CN: 异味}, about: place}}
posts: {desk: {title: {en: Desk, zh-CN: 值班}}}
`,
		"packs/one/README.md":      "One",
		"packs/one/detectors.yaml": rule("high", judges) + rule("both", joins+"{alert: high}, {reports: smell}]}"),
		"packs/two/pack.yaml":      "pack: two\ntitle: {en: X, zh-CN: 某}\n",
		"packs/two/README.md":      "Two",
		"packs/two/detectors.yaml": rule("a", joins+"{alert: one/high}, {reports: one/smell}]}") +
			rule("b", joins+"{alert: one/hihg}, {reports: one/smells}]}") +
			rule("c", joins+"{alert: one/both}, {alert: three/high}]}"),
	})
	r, err := tool().Check(filepath.Join(dir, "packs") + "/...")
	if err != nil || len(r) != 2 {
		t.Fatal(err, len(r))
	}
	var all []string
	for _, d := range r[1].Problems {
		if d.Code == pack.CodeUntested {
			continue
		}
		all = append(all, fmt.Sprintf("%d:%d: %s [%s]", d.Line, d.Column, d.Message, d.Code))
	}
	want := []string{
		`14:47: the pack one has no detector "hihg", did you mean "one/high"? [P011]`,
		`14:68: the pack one has no category of reports about places "smells", did you mean "one/smell"? [P011]`,
		`24:47: one/both joins others itself; only rules that judge readings can be joined [P025]`,
		`24:66: no pack here is called "three", so nobody knows whether it has a detector "high" [P011]`,
	}
	if !slices.Equal(all, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(all, "\n"), strings.Join(want, "\n"))
	}
}

const caseTest = `
- name: nothing happens
  case: leak
  steps: [{at: 1h}]
`

const cases = `
- id: leak
  title: {en: Leak, zh-CN: 泄漏处置}
  opened_by: person
  states:
    - {id: opened, title: {en: Opened, zh-CN: 待处置}}
    - {id: closed, title: {en: Closed, zh-CN: 已结案}, end: proven}
  moves:
    - {id: close, title: {en: Close, zh-CN: 结案}, from: [opened], to: closed, who: [duty-officer]}
`

func TestExpand(t *testing.T) {
	dir := write(t, map[string]string{"a/pack.yaml": "", "a/README.md": "", "b/c/pack.yaml": "", "d/other.yaml": ""})
	for folder, want := range map[string]int{dir + "/...": 2, dir + "/b/...": 1, dir + "/a": 1, dir + "/d": 1, dir + "/d/...": -1, dir + "/e": -1, dir + "/a/pack.yaml": -1} {
		dirs, err := expand([]string{folder})
		if err != nil && want >= 0 || err == nil && len(dirs) != want {
			t.Errorf("%s: %v, %v", folder, dirs, err)
		}
	}
}

func TestJSON(t *testing.T) {
	var b strings.Builder
	if err := (Report{}).JSON(&b); err != nil || strings.TrimSpace(b.String()) != "[]" {
		t.Errorf("%q, %v", b.String(), err)
	}
	x := Example{pack.CodeDuplicate, "detectors.yaml", `  every: 1m`, "  every: 1m\n  every: 5m"}
	files, err := x.Files()
	if err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := tool().check([]source{{"packs/example", files}}).JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil || len(got) != 1 {
		t.Fatal(err, b.String())
	}
	d := got[0]
	if d["path"] != "packs/example/detectors.yaml" || d["line"] != 6.0 || d["column"] != 3.0 || d["width"] != 5.0 || d["code"] != "P002" ||
		d["severity"] != "error" || d["docs"] != "docs/diagnostics.md#p002" || len(d["notes"].([]any)) != 1 {
		t.Errorf("%v", d)
	}
}

func TestExplain(t *testing.T) {
	var b strings.Builder
	if err := tool().Explain(&b, "p012", ""); err != nil || !strings.Contains(b.String(), "Unknown level") || !strings.Contains(b.String(), "^^^") {
		t.Errorf("%v\n%s", err, b.String())
	}
	b.Reset()
	if err := tool().Explain(&b, "example", "methane-indoor"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"example/methane-indoor", "室内甲烷泄漏", "Methane in air ≥ 5 %LEL", "甲烷浓度 ≥ 10 %LEL", "Clears when", "solvent use", "draft", "gas-duty", "case leak from orange"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	for what, want := range map[[2]string]string{
		{"P999", ""}: "no folder, no pack", {"wether", ""}: `did you mean "weather"?`, {"example", "methane-indor"}: `did you mean "methane-indoor"?`, {"weather/wind", ""}: `no detector "wind"`,
	} {
		if err := tool().Explain(&b, what[0], what[1]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", what, err)
		}
	}
}

// What is told of the instruments themselves is said too, in the same words for the same time.
func TestExplainSaysTheWatch(t *testing.T) {
	x := Example{pack.CodeUnread, "detectors.yaml", "  silent_after: 2h\n", "  silent_after: 30m\n  stuck: {after: 6h, by: 0.5, except: \"value <= 0\"}\n"}
	files, err := x.Files()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := tool().aloud(&b, files, "packs/example", ""); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"An instrument that says nothing for 30 min is a finding of its own.", "仪器超过30分钟无数据即告警。",
		"An instrument that sends the same value for 6 h is a finding of its own; a change of up to 0.5 %LEL is none; but not at ≤ 0 %LEL.",
		"仪器数值连续6小时不变即告警，变幅不超过 0.5 %LEL 视为不变，≤ 0 %LEL 时除外。"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// Rules in a subfolder, or in a file that ends in .yml, are no pack without a problem.
func TestFilesThatNothingReads(t *testing.T) {
	files, err := Example{}.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"rules/detectors.yaml": "none below it [P017]", "detectors.yml": `call it "detectors.yaml" [P017]`} {
		all := fstest.MapFS{name: {Data: []byte("[]\n")}}
		entries, err := fs.ReadDir(files, ".")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			text, err := fs.ReadFile(files, e.Name())
			if err != nil {
				t.Fatal(err)
			}
			all[e.Name()] = &fstest.MapFile{Data: text}
		}
		r := tool().check([]source{{"packs/example", all}})
		if r.ExitCode() != 1 || !strings.Contains(r[0].Problems.Error(), want) {
			t.Errorf("%s: %v", name, r[0].Problems)
		}
	}
}
