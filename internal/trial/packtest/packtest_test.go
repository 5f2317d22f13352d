package packtest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

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

// Each fault of the watch is expected by its own name, and no other fits it.
func TestFaultsOfTheWatch(t *testing.T) {
	story := `
- name: x
  assets: {kitchen-alarm-1: {organisation: o}, kitchen-alarm-2: {organisation: o}, kitchen-alarm-3: {organisation: o}, kitchen-alarm-4: {organisation: o}, kitchen-alarm-5: {organisation: o}}
  series:
    kitchen-alarm-1/methane: 1 2 _x15 1
    kitchen-alarm-2/methane: 1 2 _x15 1
    kitchen-alarm-3/methane: 1 2 _x15 1
    kitchen-alarm-4/methane: 1 2 _x15 1
    kitchen-alarm-5/methane: 1 2 _x15 1
    kitchen-alarm-6/methane: 1 2 _x15 1
    kitchen-alarm-7/methane: 1 2x11 1x5
  expect:
    - {detector: methane-indoor, LINK: true, at: 11m, text: {en: 5 instruments fell silent together}}
    - {detector: methane-indoor, LINK: true, cleared: true, at: 17m}
    - {detector: methane-indoor, MUTE: true, at: 11m, asset: kitchen-alarm-6}
    - {detector: methane-indoor, MUTE: true, cleared: true, at: 17m, asset: kitchen-alarm-6}
    - {detector: methane-indoor, STILL: true, at: 11m, asset: kitchen-alarm-7}
    - {detector: methane-indoor, STILL: true, cleared: true, at: 13m, asset: kitchen-alarm-7}
`
	for _, c := range []struct {
		link, mute, still string
		failures          int
	}{{"comms", "silent", "stuck", 0}, {"silent", "silent", "silent", 4}, {"stuck", "comms", "silent", 6}} {
		tests := strings.NewReplacer("LINK", c.link, "MUTE", c.mute, "STILL", c.still).Replace(story)
		s := suite(t, tests, "  silent_after: 10m\n", "  silent_after: 10m\n  stuck: {after: 10m}\n")
		r := ran(t, s)
		if got := len(r.Results[0].Failures); got != c.failures {
			t.Errorf("%+v: %d failures: %s", c, got, tell(s, r.Results[0]))
		}
		if c.failures == 0 {
			continue
		}
		out, err := s.Update(r)
		if err != nil || len(out) != 1 {
			t.Fatal(out, err)
		}
		again := suite(t, out[0].Content, "  silent_after: 10m\n", "  silent_after: 10m\n  stuck: {after: 10m}\n")
		if r := ran(t, again); r.Failed != 0 {
			t.Errorf("what --update wrote fails: %s", out[0].Content)
		}
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
	if err := WriteJUnit(&b, []*Report{ran(t, s), ran(t, passes)}, []Unread{{"packs/broken", errors.New("a mistake in <it>")}}); err != nil {
		t.Fatal(err)
	}
	var back junitSuites
	if err := xml.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err, b.String())
	}
	broken, first, second := back.Suites[0], back.Suites[1], back.Suites[2]
	if broken.Name != "packs/broken" || broken.Failures != 1 || broken.Cases[0].Failure.Text != "a mistake in <it>" {
		t.Errorf("%+v", broken)
	}
	if back.Failures != 2 || first.Failures != 1 || first.Tests != 2 || first.Cases[0].Name != "a <b> & ]]> 甲" || first.Cases[0].Line != 1 || first.Cases[1].Failure != nil ||
		!strings.Contains(first.Cases[0].Failure.Text, "which nothing expects") || second.Skipped != 5 || back.Tests != 1+2+1+5 {
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

// Whatever stands in a file of tests: it is refused with places, or it runs; and what --update writes passes.
func FuzzTests(f *testing.F) {
	for _, name := range []string{"testdata/broken_test.yaml", "../../../packs/gas/detectors_test.yaml"} {
		content, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(content))
	}
	for _, c := range covered {
		f.Add(c)
	}
	f.Add("- name: x\n  every: 1ms\n  until: 3d\n  series: {home-alarm/methane: 0 25 stale 7}\n  expect: [{detector: methane-indoor, level: red, by: 1s, text: {en: \"甲\\n\"}}]")
	f.Fuzz(func(t *testing.T, tests string) {
		s, err := Load(files(t, tests), "packs/gas")
		if err != nil {
			return
		}
		for _, x := range s.Tests {
			if x.story.end/max(x.story.every, 1) > 5000 {
				return // sound, but too long for here
			}
		}
		r := ran(t, s)
		var b strings.Builder
		r.Write(&b, true)
		out, err := s.Update(r)
		if err != nil || len(out) == 0 {
			return
		}
		if again := ran(t, suite(t, out[0].Content)); again.Failed > 0 {
			t.Errorf("what was written fails\n%s", out[0].Content)
		}
	})
}
