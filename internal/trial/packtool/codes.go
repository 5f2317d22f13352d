package packtool

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/tools/txtar"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/trial/packtest"
)

//go:embed example
var sound embed.FS

// Example breaks the sound pack in one place: in a file, what stands there is replaced. Without a text to replace, the file
// becomes the new one; without a new one it is taken away.
type Example struct {
	Code, File string
	old, new   string
}

// Examples has one for each code.
func Examples() []Example {
	return []Example{
		{pack.CodeSyntax, "pack.yaml", `measures: [methane]`, `measures: [methane`},
		{pack.CodeDuplicate, "detectors.yaml", `  every: 1m`, "  every: 1m\n  every: 5m"},
		{pack.CodeUnknownKey, "detectors.yaml", `silent_after`, `silent_afer`},
		{pack.CodeType, "detectors.yaml", `known_false_alarms: [solvent use]`, `known_false_alarms: solvent use`},
		{pack.CodeRequired, "detectors.yaml", "  source: the standard and clause that gives these limits\n", ""},
		{pack.CodeValue, "detectors.yaml", `maturity: draft`, `maturity: drafty`},
		{pack.CodeLanguage, "cases.yaml", `title: {en: Leak, zh-CN: 泄漏处置}`, `title: &leak {en: Leak, zh-CN: 泄漏处置}`},
		{pack.CodeFile, "pack.yaml", "", ""},
		{pack.CodeText, "pack.yaml", `title: {en: Kitchen alarm, zh-CN: 厨房报警器}`, `title: {en: Kitchen alarm}`},
		{pack.CodeKeys, "cases.yaml", `end: proven}`, `end: proven, due: 1h}`},
		{pack.CodeReference, "detectors.yaml", `watches: methane`, `watches: metane`},
		{pack.CodeTemplate, "detectors.yaml", "{{place}}", "{{palce}}"},
		{pack.CodeTwice, "cases.yaml", `    - {id: closed,`, "    - {id: opened, title: {en: Opened again, zh-CN: 再次打开}}\n    - {id: closed,"},
		{pack.CodeClash, "detectors.yaml", `clear: {when: "value < 3"`, `clear: {when: "value < 6"`},
		{pack.CodeOrder, "detectors.yaml", `orange: {when: "value >= 10"`, `orange: {when: "value >= 4"`},
		{pack.CodeUnread, "detector.yaml", "", "- id: methane-outdoor\n"},
		{pack.CodeLevel, "detectors.yaml", `from: orange`, `from: red`},
		{pack.CodeCondition, "detectors.yaml", `value >= 10`, `value = 10`},
		{pack.CodeNotBoolean, "detectors.yaml", `value >= 10`, `value - 10`},
		{pack.CodeCost, "detectors.yaml", `value >= 10`, `value` + strings.Repeat(" + value", 110) + ` >= 10`},
		{pack.CodeSeries, "detectors_test.yaml", `0x5 6x10`, `0x5 6*10`},
		{pack.CodeDecided, "detectors.yaml", `value >= 10`, `value >= 10000`},
		{pack.CodeCircle, "detectors.yaml", `  opens: {case: leak, from: orange}`, "  opens: {case: leak, from: orange}\n  suppressed_by: methane-indoor"},
		{pack.CodePerson, "pack.yaml", `gas-smell: {title: {en: Smell of gas, zh-CN: 燃气异味}`, `visitor: {title: {en: Visitor's phone number, zh-CN: 燃气异味}`},
		{pack.CodeReach, "cases.yaml", `    - {id: closed,`, "    - {id: doubted, title: {en: Doubted, zh-CN: 存疑}}\n    - {id: closed,"},
		{pack.CodeUntested, "detectors_test.yaml", "", ""},
		{pack.CodeUncovered, "README.md", "Example", "An example"},
		{pack.CodeReadme, "README.md", "", ""},
		{pack.CodeOneLanguage, "detectors.yaml", `en: "{{value}} %LEL at {{place}}"`, `en: "{{value}} %LEL"`},
		{pack.CodePunctuation, "pack.yaml", `燃气异味`, `异味;疑似燃气`},
		{pack.CodeWrongTongue, "pack.yaml", `zh-CN: 燃气异味`, `zh-CN: Smell of gas`},
		{pack.CodeUnit, "pack.yaml", `"%LEL"`, `"%LEI"`},
		{pack.CodeUnmeasured, "pack.yaml", `range: [0, 100]}`, "range: [0, 100]}\n  pressure: {title: {en: Pressure, zh-CN: 压力}, unit: kPa, range: [0, 4000]}"},
		{pack.CodeMeasuresNone, "pack.yaml", "categories:", "  valve: {title: {en: Valve, zh-CN: 阀门}}\ncategories:"},
		{pack.CodeUntitled, "plans.yaml", `post: gas-crew`, `post: gas-crews`},
		{pack.CodeUnopened, "detectors.yaml", "  opens: {case: leak, from: orange}\n", ""},
		{pack.CodeUnheard, "detectors.yaml", "  watches: methane\n  on: kitchen-alarm\n  every: 1m\n  levels:\n    yellow: {when: \"value >= 5\", for: 1m}\n    orange: {when: \"value >= 10\", for: 30s}\n  clear: {when: \"value < 3\", for: 10m}\n  silent_after: 2h\n",
			"  inputs: {gas: {watches: methane, on: kitchen-alarm}}\n  per: asset\n  every: 1m\n  levels:\n    yellow: {when: \"gas >= 5\", for: 1m}\n    orange: {when: \"gas >= 10\", for: 30s}\n  clear: {when: \"gas < 3\", for: 10m}\n"},
		{pack.CodeFlaps, "detectors.yaml", `clear: {when: "value < 3", for: 10m}`, `clear: {when: "value < 5", for: 0m}`},
		{pack.CodeUnused, "detectors.yaml", "  every: 1m\n", "  every: 1m\n  derives:\n    rise: {rise_within: 10m}\n"},
		{pack.CodeOtherClear, "detectors.yaml", "  every: 1m\n  levels:\n    yellow: {when: \"value >= 5\", for: 1m}\n    orange: {when: \"value >= 10\", for: 30s}\n",
			"  every: 1m\n  derives:\n    rise: {rise_within: 10m}\n  levels:\n    yellow: {when: \"rise >= 5\", for: 1m}\n    orange: {when: \"rise >= 10\", for: 30s}\n"},
		{pack.CodeNeverFrom, "detectors.yaml", `opens: {case: leak, from: orange}`, `opens: {case: leak, from: blue}`},
		{pack.CodeSparse, "detectors.yaml", "  every: 1m\n  levels:\n    yellow: {when: \"value >= 5\", for: 1m}\n    orange: {when: \"value >= 10\", for: 30s}\n  clear: {when: \"value < 3\", for: 10m}\n",
			"  every: 1m\n  derives:\n    mean: {average_over: 1h}\n  levels:\n    yellow: {when: \"value >= 5\", for: 1m}\n    orange: {when: \"value >= 10\", for: 30s}\n  clear: {when: \"value < 3 && mean < 5\", for: 10m}\n"},
		{pack.CodeCalendarEnds, "calendar.yaml", "", `- id: offices
  title: {en: Offices, zh-CN: 机关工作日}
  source: the notice that announces the holidays
  weekdays: [monday, tuesday, wednesday, thursday, friday]
  hours: 09:00-17:30
  known: [2024-01-01, 2024-12-31]
`},
		{pack.CodeUntestedCase, "cases_test.yaml", "", ""},
		{pack.CodeUncoveredCase, "cases_test.yaml", "    - {at: 30m, overdue: opened}\n    - {at: 40m, who: a, evidence: photo}\n    - {at: 41m", "    - {at: 19m, who: a, evidence: photo}\n    - {at: 20m"},
		{pack.CodeScarce, "plans.yaml", `needs: {lockable-valve-key: 1}`, `needs: {lockable-valve-key: 3}`},
	}
}

// Files is the example pack with the change made.
func (x Example) Files() (fs.FS, error) {
	var a txtar.Archive
	entries, err := sound.ReadDir("example")
	if err != nil {
		return nil, err
	}
	changed := x.Code == ""
	for _, e := range entries {
		text, err := sound.ReadFile(path.Join("example", e.Name()))
		if err != nil {
			return nil, err
		}
		switch {
		case e.Name() != x.File:
		case x.old == "" && x.new == "":
			changed = true
			continue
		default:
			changed = x.old != "" && strings.Contains(string(text), x.old)
			text = []byte(strings.ReplaceAll(string(text), x.old, x.new))
		}
		a.Files = append(a.Files, txtar.File{Name: e.Name(), Data: text})
	}
	if x.old == "" && x.new != "" {
		changed = true
		a.Files = append(a.Files, txtar.File{Name: x.File, Data: []byte(x.new)})
	}
	if !changed {
		return nil, fmt.Errorf("example of %s: %s has no %q", x.Code, x.File, x.old)
	}
	return txtar.FS(&a)
}

// run is what the program says to the example.
func (ps Packs) run(x Example) (pack.Diagnostics, error) {
	files, err := x.Files()
	if err != nil {
		return nil, err
	}
	if x.Code == pack.CodeUncovered || x.Code == pack.CodeUncoveredCase { // what the tests leave open is seen when they run
		suite, err := packtest.Load(files, "packs/example", ps.Calendars()...)
		if err != nil {
			return nil, err
		}
		report, err := suite.Run(nil)
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(report.Gaps, func(d pack.Diagnostic) bool { return d.Code != x.Code }), nil
	}
	return ps.check([]source{{"packs/example", files}})[0].Problems, nil
}

// Diagnostics is a page with a section for each code.
func (ps Packs) Diagnostics() string {
	var b strings.Builder
	b.WriteString(`# What the program says to a pack

Each message of ` + "`anlan pack check`" + ` ends in a code, and so does each of ` + "`anlan pack test`" + ` on coverage. Here
stands for each of them why the program says so, a line that makes it say so, and how to mend it; ` + "`anlan pack explain P012`" + `
prints the same. Codes P030 to P039 and from P060 on are warnings: the pack works, and ` + "`anlan pack check`" + ` ends with the exit
code 3 instead of 0. All others are errors: the pack is not taken.
This page is made by running its examples.
`)
	sorted := slices.SortedFunc(slices.Values(pack.Codes), func(a, b pack.Explained) int { return strings.Compare(a.Code, b.Code) })
	for _, e := range sorted {
		b.WriteString("\n" + ps.section(e))
	}
	return b.String()
}

// section explains one code.
func (ps Packs) section(e pack.Explained) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s\n", e.Code, folded("**"+e.Title+".** "+e.Meaning))
	for _, x := range Examples() {
		if x.Code != e.Code {
			continue
		}
		ds, err := ps.run(x)
		if err != nil {
			return err.Error() // of ours; a test finds it
		}
		b.WriteString("\n")
		for line := range strings.SplitSeq(ds.Error(), "\n") {
			b.WriteString("    " + line + "\n")
		}
	}
	fmt.Fprintf(&b, "\n%s\n", folded(e.Mend))
	return b.String()
}

// folded breaks a paragraph into lines of at most 120 characters.
func folded(text string) string {
	var b strings.Builder
	width := 0
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case width+1+n > 120:
			b.WriteByte('\n')
			width = 0
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += n
	}
	return b.String()
}
