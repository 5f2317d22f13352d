package pack

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write what came out as what is expected")

// rulesFile is a file of another room, for the tests of Decode: one field of each type.
type rulesFile []struct {
	ID       String         `yaml:"id" pack:"required,name"`
	Level    String         `yaml:"level" pack:"one of blue yellow orange red"`
	When     Expr           `yaml:"when" pack:"required"`
	For      Duration       `yaml:"for"`
	Share    *Number        `yaml:"share"`
	Count    int            `yaml:"count"`
	Weight   float64        `yaml:"weight"`
	Live     bool           `yaml:"live"`
	Notes    []string       `yaml:"notes"`
	Because  Text           `yaml:"because"`
	Steps    Map[stepEntry] `yaml:"steps"`
	Comments string         `yaml:"comments"`
}

type stepEntry struct {
	Title Text `yaml:"title" pack:"required"`
}

// Each folder of testdata/broken is a pack with everything wrong that its name says; expected.txt is what a person reads.
func TestDiagnostics(t *testing.T) {
	dirs, err := filepath.Glob("testdata/broken/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no broken packs", err)
	}
	seen := map[string]bool{}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var ds Diagnostics
			p, errs := Read(os.DirFS(dir), "packs/"+filepath.Base(dir))
			ds = append(ds, errs...)
			if len(errs) == 0 && len(p.Files()) > 0 {
				ds.Join(checkRules(p))
			}
			ds = append(ds, p.Warnings()...)
			if err := ds.Err(); err == nil {
				t.Fatal("nothing was found wrong")
			} else {
				golden(t, filepath.Join(dir, "expected.txt"), err.Error()+"\n")
			}
			for _, d := range ds {
				seen[d.Code] = true
			}
		})
	}
	for _, c := range []string{CodeSyntax, CodeDuplicate, CodeUnknownKey, CodeType, CodeRequired, CodeValue, CodeLanguage, CodeFile,
		CodeText, CodeReference, CodeCondition, CodeNotBoolean, CodeCost, CodePerson} {
		if !seen[c] {
			t.Errorf("no broken pack shows %s", c)
		}
	}
}

func checkRules(p *Pack) error {
	var ds Diagnostics
	var file rulesFile
	ds.Join(p.Decode("rules.yaml", &file))
	c, err := NewConditions("value", "excess")
	if err != nil {
		return err
	}
	for _, r := range file {
		c.Compile(r.When, &ds)
	}
	return ds.Err()
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

func TestCodesAreExplainedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Codes {
		if seen[c.Code] || c.Meaning == "" {
			t.Errorf("%s stands twice or is not explained", c.Code)
		}
		seen[c.Code] = true
	}
}

const goodPack = `
pack: gas
title: {en: Gas network, zh-CN: 燃气管网场景}
observes:
  methane: {title: {en: Methane in air, zh-CN: 甲烷浓度}, unit: "%LEL", range: [0, 100]}
assets:
  kitchen-alarm: {title: {en: Restaurant gas alarm, zh-CN: 餐饮场所燃气报警器}, measures: [methane]}
  van: {title: {en: Leak van, zh-CN: 巡检车}, measures: [methane, weather/wind], mobile: instrument}
  home-alarm: {title: {en: Gas alarm in a home, zh-CN: 户内燃气报警器}, measures: [methane], premises: home}
categories:
  gas-smell: {title: {en: Smell of gas, zh-CN: 燃气异味}, about: place}
`

const goodRules = `
- id: first
  level: red
  when: "value >= 5 && excess < 2"
  for: 1m30s
  share: 0.5
  count: 3
  weight: 1000
  live: true
  notes: [one, two]
  because: {en: "a", zh-CN: "一"}
  steps:
    b: {title: {en: B, zh-CN: 乙}}
    a: {title: {en: A, zh-CN: 甲}}
- id: second
  when: |
    value > 1
      || excess > 2
  for: 3d
`

func TestLoad(t *testing.T) {
	p, err := Load(fstest.MapFS{"pack.yaml": {Data: []byte(goodPack)}, "rules.yaml": {Data: []byte(goodRules)}}, "packs/gas")
	if err != nil {
		t.Fatal(err)
	}
	if k := p.Kind("gas/van"); k == nil || !k.Mobile || k.Home || k.Measures[1] != "weather/wind" {
		t.Errorf("van: %+v", k)
	}
	if k := p.Kind("gas/home-alarm"); k == nil || !k.Home {
		t.Errorf("home alarm: %+v", k)
	}
	if m := p.Property("gas/methane"); m == nil || m.Unit != "%LEL" || m.Range != [2]float64{0, 100} || m.Title.In("zh-CN") != "甲烷浓度" {
		t.Errorf("methane: %+v", m)
	}
	if len(p.Categories) != 1 || !p.Categories[0].Place {
		t.Errorf("categories: %+v", p.Categories)
	}
	var rs rulesFile
	if err := p.Decode("rules.yaml", &rs); err != nil {
		t.Fatal(err)
	}
	if len(rs) != 2 || rs[0].For.Value != 90*time.Second || rs[1].For.Value != 72*time.Hour || rs[0].Share.Value != 0.5 || rs[0].Count != 3 ||
		rs[0].Weight != 1000 || !rs[0].Live || len(rs[0].Notes) != 2 || rs[0].Because.In("en") != "a" || strings.Join(rs[0].Steps.Keys(), "") != "ba" {
		t.Errorf("%+v", rs)
	}
	if got := rs[1].ID.Pos.String(); got != "packs/gas/rules.yaml:15:7" {
		t.Errorf("second id stands at %s", got)
	}
	if err := p.Decode("plans.yaml", &rs); !errors.Is(err, ErrNoFile) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestTooLargeAndNotUTF8(t *testing.T) {
	_, err := Load(fstest.MapFS{
		"pack.yaml": {Data: []byte(goodPack)},
		"a.yaml":    {Data: make([]byte, MaxFile+1)},
		"b.yaml":    {Data: []byte("a: \xff")},
	}, "packs/gas")
	if err == nil || !strings.Contains(err.Error(), "a.yaml: the file has") || !strings.Contains(err.Error(), "b.yaml:1:4: the file is not UTF-8") {
		t.Errorf("%v", err)
	}
}

// A file in another encoding is told from one that is damaged, and at its place.
func TestForeignFiles(t *testing.T) {
	gbk, err := simplifiedchinese.GBK.NewEncoder().String("pack: gas\ntitle: {en: Gas, zh-CN: 燃气管网}\n")
	if err != nil {
		t.Fatal(err)
	}
	for src, want := range map[string]string{
		gbk:                      "packs/gas/pack.yaml:2:25: the file is not UTF-8 but, by its look, GBK; save it as UTF-8 [P008]\n  2 | title: {en: Gas, zh-CN: 燃气管网}",
		"\xff\xfep\x00":          "packs/gas/pack.yaml:1:1: the file is not UTF-8 but UTF-16; save it as UTF-8 [P008]",
		"pack: gas\ntitle: \xff": "packs/gas/pack.yaml:2:8: the file is not UTF-8 from here on [P008]",
		"# 燃气\ntitle: \xb2":      "packs/gas/pack.yaml:2:8: the file is not UTF-8 from here on [P008]",
		"pack: gas\rtitle: x\r":  "packs/gas/pack.yaml:1:10: a carriage return stands here that ends no line; save the file with line ends of one kind, LF or CRLF [P001]",
	} {
		_, err := Load(fstest.MapFS{"pack.yaml": {Data: []byte(src)}}, "packs/gas")
		var ds Diagnostics
		if !errors.As(err, &ds) || len(ds) != 1 || !strings.HasPrefix(ds.Error(), want) {
			t.Errorf("%q:\n got %v\nwant %s", src, err, want)
		}
	}
}

// A file of Windows with a byte-order mark is the same file.
func TestLineEnds(t *testing.T) {
	src := "\ufeff" + strings.ReplaceAll(goodPack, "\n", "\r\n")
	if _, err := Load(fstest.MapFS{"pack.yaml": {Data: []byte(src)}}, "packs/gas"); err != nil {
		t.Error(err)
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"orange", "yellow", "red", "blue"}
	for word, want := range map[string]string{"oragne": "orange", "Red": "red", "yelow": "yellow", "purple": "", "x": "", "bleu": "blue"} {
		if got := nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func compile(t testing.TB, source string, vars ...string) (*Condition, error) {
	t.Helper()
	c, err := NewConditions(vars...)
	if err != nil {
		t.Fatal(err)
	}
	var ds Diagnostics
	cond := c.Compile(Expr{Source: source}, &ds)
	return cond, ds.Err()
}

// byCEL is the condition as CEL's own evaluator judges it.
func byCEL(t interface{ Fatal(...any) }, c *Conditions, source string) *Condition {
	parsed, iss := c.env.Parse(source)
	if iss.Err() != nil {
		t.Fatal(iss.Err())
	}
	doubles(parsed.NativeRep().Expr())
	checked, iss := c.env.Check(parsed)
	if iss.Err() != nil {
		t.Fatal(iss.Err())
	}
	prg, err := c.env.Program(checked)
	if err != nil {
		t.Fatal(err)
	}
	return &Condition{vars: c.vars, prg: prg}
}

func TestConditions(t *testing.T) {
	for _, c := range []struct {
		source string
		value  float64
		want   bool
	}{
		{"value >= 5", 5, true}, {"value >= 5", 4.999, false}, {"5 <= value", 5, true}, {"value > -3", -2, true}, {"-3 < value", -4, false},
		{"value >= 5 && value < 7", 6, true}, {"value < 1 || value > 2", 1.5, false}, {"!(value == 3)", 3, false}, {"value != 3", 3, false},
		{"value * 2 >= 10", 5, true}, {"10 / value > 5", 0, true}, {"true", 0, true}, {"value > 1 ? value < 5 : false", 3, true},
		{"value in [1, 2, 3]", 2, true},
	} {
		cond, err := compile(t, c.source, "value")
		if err != nil {
			t.Errorf("%s: %v", c.source, err)
			continue
		}
		if got := cond.Holds(c.value); got != c.want {
			t.Errorf("%s at %g: %v", c.source, c.value, got)
		}
	}
}

// What is unknown decides nothing that the rest does not decide.
func TestConditionsOfTheUnknown(t *testing.T) {
	for _, c := range []struct {
		source string
		a, b   float64
		want   Truth
	}{
		{"a > 1", 5, 0, Unknown}, {"!(a > 1)", 5, 0, Unknown}, {"b > 1", 5, 2, Holds}, {"b > 1", 5, 1, Fails}, {"!(b > 1)", 5, 1, Holds},
		{"a > 1 && b > 1", 5, 2, Unknown}, {"a > 1 && b > 1", 5, 1, Fails}, {"b > 1 && a > 1", 5, 1, Fails},
		{"a > 1 || b > 1", 5, 2, Holds}, {"b > 1 || a > 1", 5, 2, Holds}, {"a > 1 || b > 1", 5, 1, Unknown},
		{"!(a > 1) && !(b > 1)", 5, 1, Unknown}, {"!(a > 1) && !(b > 1)", 5, 2, Fails}, {"!(a > 1 && b > 1)", 5, 1, Holds},
		{"b > 1 && b < 9 && a > 1", 5, 2, Unknown}, {"b > 1 || b > 9 || a > 1", 5, 1, Unknown}, {"b > 1 && b < 9 && a > 1", 5, 1, Fails},
		{"b < 1 || b > 9 || b > 1 || a > 1", 5, 2, Holds}, {"a in [1, 2, 5]", 5, 2, Unknown}, {"b in [1, 3, 2]", 5, 2, Holds},
		{"a >= 2 * b", 5, 1, Unknown}, {"b >= 0.5 * b", 5, 1, Holds}, {"true", 5, 1, Holds},
	} {
		cs, err := NewConditions("a", "b")
		if err != nil {
			t.Fatal(err)
		}
		var ds Diagnostics
		cond := cs.Compile(Expr{Source: c.source}, &ds)
		if err := ds.Err(); err != nil {
			t.Fatal(c.source, err)
		}
		for _, a := range []float64{c.a, math.NaN()} {
			if got := cond.Judge([]float64{a, c.b}, []bool{true, false}); got != c.want {
				t.Errorf("%s with a unknown, b %g: %d, want %d", c.source, c.b, got, c.want)
			}
		}
	}
}

// Of a condition of any number of parts, what is unknown decides it exactly where some value of it would hold and another fail.
func TestTheUnknownIsWhateverItMayBe(t *testing.T) {
	values := []float64{-2, 0, 0.5, 1, 1.2, 3, 4}
	tb := t
	rapid.Check(t, func(t *rapid.T) {
		// Each variable in one comparison: of two of the same, one may exclude the other, which is not looked at.
		var parts []string
		vars := []string{"a", "b", "c", "d"}
		for _, v := range vars {
			parts = append(parts, v+rapid.SampledFrom([]string{" < ", " >= ", " > "}).Draw(t, "op")+rapid.SampledFrom([]string{"0", "1", "3"}).Draw(t, "n"))
		}
		source := strings.Join(parts, rapid.SampledFrom([]string{" && ", " || "}).Draw(t, "join"))
		if rapid.Bool().Draw(t, "not") {
			source = "!(" + source + ")"
		}
		cond, err := compile(tb, source, vars...)
		if err != nil {
			t.Fatal(err)
		}
		var in []float64
		var unknown []bool
		for range vars {
			in = append(in, rapid.SampledFrom(values).Draw(t, "value"))
			unknown = append(unknown, rapid.Bool().Draw(t, "unknown"))
		}
		holds, fails := false, false
		var try func(i int)
		try = func(i int) {
			if i == len(in) {
				h := cond.Holds(in...)
				holds, fails = holds || h, fails || !h
				return
			}
			if !unknown[i] {
				try(i + 1)
				return
			}
			was := in[i]
			for _, in[i] = range values {
				try(i + 1)
			}
			in[i] = was
		}
		try(0)
		want := Unknown
		switch {
		case !fails:
			want = Holds
		case !holds:
			want = Fails
		}
		if got := cond.Judge(in, unknown); got != want {
			t.Fatalf("%s at %v, unknown %v: %d, want %d", source, in, unknown, got, want)
		}
	})
}

// Walking the comparisons gives what CEL's own evaluator gives.
func TestConditionsAgreeWithCEL(t *testing.T) {
	number := rapid.SampledFrom([]string{"-2", "0", "1", "1.5", "3"})
	variable := rapid.SampledFrom([]string{"value", "excess"})
	var expr func(t *rapid.T, depth int) string
	expr = func(t *rapid.T, depth int) string {
		if depth == 0 || rapid.Bool().Draw(t, "leaf") {
			a, b := variable.Draw(t, "v"), number.Draw(t, "n")
			if rapid.Bool().Draw(t, "swap") {
				a, b = b, a
			}
			return a + " " + rapid.SampledFrom([]string{"<", "<=", ">", ">=", "==", "!="}).Draw(t, "op") + " " + b
		}
		if rapid.Bool().Draw(t, "not") {
			return "!(" + expr(t, depth-1) + ")"
		}
		return "(" + expr(t, depth-1) + rapid.SampledFrom([]string{" && ", " || "}).Draw(t, "join") + expr(t, depth-1) + ")"
	}
	rapid.Check(t, func(t *rapid.T) {
		source := expr(t, 3)
		c, err := NewConditions("value", "excess")
		if err != nil {
			t.Fatal(err)
		}
		var ds Diagnostics
		cond := c.Compile(Expr{Source: source}, &ds)
		if err := ds.Err(); err != nil {
			t.Fatal(source, err)
		}
		if cond.term.op == "" {
			t.Fatalf("%s was not understood as comparisons", source)
		}
		general := byCEL(t, c, source)
		for _, v := range []float64{-3, -2, 0, 0.5, 1, 1.5, 2, 3, 4} {
			for _, e := range []float64{-2, 0, 1.2, 3} {
				if cond.Holds(v, e) != general.Holds(v, e) {
					t.Fatalf("%s at value %g, excess %g", source, v, e)
				}
			}
		}
	})
}

func TestConditionWords(t *testing.T) {
	for source, want := range map[string]string{
		"value >= 5":                                 "Methane ≥ 5 %LEL",
		"5.50 < value && !(excess <= 0.25)":          "Methane > 5.5 %LEL and not excess ≤ 0.25 ppm",
		"value < 1 || (value > 2 && excess != 1000)": "Methane < 1 %LEL or (Methane > 2 %LEL and excess ≠ 1000 ppm)",
		"value * 2 > 4":                              "Methane × 2 > 4",
	} {
		cond, err := compile(t, source, "value", "excess")
		if err != nil {
			t.Fatal(err)
		}
		got := cond.Words(func(v string) (string, string) {
			if v == "value" {
				return "Methane", "%LEL"
			}
			return v, "ppm"
		}, " and ", " or ", "not ")
		if got != want {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
}

func TestFormatNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 6.9993: "7", 2.0005: "2", 0.8: "0.8", 0.01234: "0.0123", -3.456: "-3.46", 128.9: "129", 123456: "123456", 1e-9: "0", 99.96: "100"} {
		if got := FormatNumber(v); got != want {
			t.Errorf("%g: %s, want %s", v, got, want)
		}
	}
}

func TestProbes(t *testing.T) {
	a, _ := compile(t, "value >= 5 || value < 1", "value")
	b, _ := compile(t, "value < 3", "value")
	if got := fmt.Sprint(Probes("value", a, nil, b)); got != "[0 1 2 3 4 5 6]" {
		t.Error(got)
	}
	c, _ := compile(t, "value * 2 < 3", "value")
	if got := Probes("value", a, c); got != nil {
		t.Error(got)
	}
}

// Whatever a file holds, the loader answers; it never panics.
func FuzzLoad(f *testing.F) {
	f.Add(goodPack, goodRules)
	f.Add("a: &x [*x]", "- {when: 'value >'}")
	f.Add("? [a]\n: b", "<<: {a: b}\n")
	f.Add("pack: !!str gas\n---\nx: y", "- when: >\n    value\n  for: -1m\n")
	f.Fuzz(func(t *testing.T, main, rules string) {
		p, err := Load(fs.FS(fstest.MapFS{"pack.yaml": {Data: []byte(main)}, "rules.yaml": {Data: []byte(rules)}}), "packs/gas")
		if err != nil {
			_ = err.Error()
			return
		}
		if err := checkRules(p); err != nil {
			_ = err.Error()
		}
	})
}

func BenchmarkHolds(b *testing.B) {
	for _, source := range []string{"value >= 5", "value * 2 >= 10"} {
		b.Run(source, func(b *testing.B) {
			cond, err := compile(b, source, "value")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for i := range b.N {
				cond.Holds(float64(i % 10))
			}
		})
	}
}

// A condition that reckons is said with the names of its variables, too, and not as code.
func TestReckoningConditionWords(t *testing.T) {
	conds, err := NewConditions("rise", "flow", "drop")
	if err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{
		"rise >= 0.25 * flow && drop >= 15":   "升幅 ≥ 0.25 × 流量且降幅 ≥ 15",
		"rise - drop < 0.1 || !(flow > rise)": "升幅 - 降幅 < 0.1或非(流量 > 升幅)",
	} {
		var ds Diagnostics
		c := conds.Compile(Expr{Source: source}, &ds)
		if len(ds) > 0 {
			t.Fatal(ds)
		}
		got := c.Words(func(v string) (string, string) {
			return map[string]string{"rise": "升幅", "flow": "流量", "drop": "降幅"}[v], "m³/h"
		}, "且", "或", "非")
		if got != want {
			t.Errorf("%q", got)
		}
	}
}
