package casetest_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/anlan-city/anlan/internal/trial/packtest"
)

var update = flag.Bool("update", false, "write what came out as what is expected")

// files is the pack of testdata/valves with some tests.
func files(t testing.TB, tests string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{"cases_test.yaml": {Data: []byte(tests)}}
	for _, name := range []string{"pack.yaml", "cases.yaml"} {
		content, err := os.ReadFile("testdata/valves/" + name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = &fstest.MapFile{Data: content}
	}
	return out
}

func run(t testing.TB, tests string) *packtest.Report {
	t.Helper()
	s, err := packtest.Load(files(t, tests), "packs/valves")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Run(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s (-update writes what came out)\n--- got\n%s--- want\n%s", file, got, want)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// All that is wrong with a file of tests comes at once, each with its place; read it as its author would.
func TestDiagnostics(t *testing.T) {
	_, err := packtest.Load(files(t, read(t, "testdata/broken_test.yaml")), "packs/valves")
	if err == nil {
		t.Fatal("nothing was found wrong")
	}
	golden(t, "testdata/broken_expected.txt", err.Error()+"\n")
}

// A test that is wrong fails, whatever it is wrong about, and says why.
func TestWhatIsWrongFails(t *testing.T) {
	r := run(t, read(t, "testdata/wrong_test.yaml"))
	for _, x := range r.Cases {
		if !x.Failed() {
			t.Errorf("%s: it passes", x.Test.Name)
		}
	}
	var b strings.Builder
	r.Write(&b, false)
	golden(t, "testdata/wrong_expected.txt", b.String())
}

// whole is a suite that leaves nothing open, a step or a test each; without any of those that end in a mark, something is.
const whole = `
- name: tested and confirmed
  case: valve-check
  start: 2026-11-23T08:00:00+08:00
  opened: {by: alert, raised_by: [logger/pressure]}
  people: {a: {as: operator}, b: {as: inspector}, c: {as: duty-officer}, x: {as: duty-officer, of: helper}}
  steps:
    - {may: {test: [operator, inspector], drop: [duty-officer]}} # the role
    - {who: c, invite: helper}
    - {at: 1m, who: x, move: drop, refused: case.side} # the side
    - {at: 1h, who: a, move: test, fields: {turns: 3}, refused: case.evidence} # evidence
    - {at: 2d, overdue: open} # the limit
    - {at: 3d, who: a, evidence: photo}
    - {at: 3d, who: a, move: test, fields: {turns: 0}, refused: case.guard, says: {en: does not turn, zh-CN: 无法转动}} # guard
    - {at: 3d, who: a, move: test, fields: {turns: 3}, then: {state: tested, due: 4h, fields: {turns: 3}}}
    - {may: {confirm: [duty-officer, inspector]}} # the role
    - {at: 73h, overdue: "task:1"}
    - {at: 74h, who: b, move: confirm, refused: case.evidence} # evidence
    - {at: 75h, who: b, evidence: reading, reads: {logger/pressure: 300}}
    - {at: 75h, who: a, as: inspector, move: confirm, refused: case.second_person} # second person
    - {at: 76h, overdue: tested} # the limit
    - {at: 77h, who: b, move: confirm, then: {ended: proven}} # the move
- name: dropped
  case: valve-check
  people: {c: {as: duty-officer}}
  steps:
    - {at: 1h, who: c, move: drop, then: {ended: unfounded}} # the move
`

func TestCoverage(t *testing.T) {
	if r := run(t, whole); r.Failed > 0 || len(r.Gaps) > 0 {
		var b strings.Builder
		r.Write(&b, true)
		t.Fatal(b.String())
	}
	lines := strings.Split(whole, "\n")
	for i, line := range lines {
		step, why, marked := strings.Cut(line, " # ")
		if !marked {
			continue
		}
		rest := append(append([]string{}, lines[:i]...), lines[i+1:]...)
		if strings.Contains(step, "drop, then") { // a test needs a step
			rest = append(append(append([]string{}, lines[:i]...), "    - {at: 1h}"), lines[i+1:]...)
		}
		if strings.Contains(step, "overdue") { // then it must not pass either
			continue
		}
		r := run(t, strings.Join(rest, "\n"))
		if r.Failed > 0 || len(r.Gaps) == 0 || r.Gaps[0].Line == 0 {
			t.Errorf("without %q: %d failed, gaps: %v", step, r.Failed, r.Gaps)
			continue
		}
		if !strings.Contains(r.Gaps.Error(), strings.TrimPrefix(why, "the ")) {
			t.Errorf("without %q the gap is\n%v", step, r.Gaps)
		}
	}
	golden(t, "testdata/gaps_expected.txt", run(t, "- {name: x, case: valve-check, steps: [{at: 1h}]}\n").Gaps.Error()+"\n"+
		run(t, "[]\n").Gaps.Error()+"\n")
}

// What a test tells with -v is what happened.
func TestTold(t *testing.T) {
	r := run(t, whole)
	var b strings.Builder
	r.Write(&b, true)
	golden(t, "testdata/told_expected.txt", b.String())
}
