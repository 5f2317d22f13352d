package pack

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestHalfWidth(t *testing.T) {
	for text, want := range map[string]string{
		"甲烷,浓度": ",", "甲烷，浓度": "", "GB 50493,第3条": ",", "3,5": "", "浓度3.5": "", "浓度.": ".", "完毕!": "!", "时间:12:30": ":", "12:30": "",
		"甲烷(室内)": "(", "甲烷（室内）": "", "CH4 (室内": "(", "已关闭;请核查": ";", "{{place}}甲烷 {{value}} %LEL，已持续{{duration}}": "",
		"{{place}},已持续": ",", "pH 值": "", "NB-IoT, 5G 信号": "",
	} {
		if _, sign := halfWidth(text); sign != want {
			t.Errorf("%s: %q, want %q", text, sign, want)
		}
	}
}

// Warnings keep the pack, and point at the part that is meant, behind wide characters too.
func TestWarnings(t *testing.T) {
	main := `pack: gas
title: {en: "甲烷 gas", zh-CN: Gas network}
observes:
  ch4: {title: {en: CH4, zh-CN: CH4}, unit: "%LEI", range: [0, 100]}
  o2: {title: {en: "Oxygen {{x}}", zh-CN: '氧气浓度(体积)'}, unit: furlong/parsec, range: [0, 100]}
assets:
  valve:
    title: {en: Valve, zh-CN: 阀门}
`
	p, err := Load(fstest.MapFS{"pack.yaml": {Data: []byte(main)}}, "packs/gas")
	if err != nil {
		t.Fatal(err)
	}
	got := p.Warnings().Error()
	want := `packs/gas/pack.yaml:2:13: warning: the English title has Chinese characters in it [P035]
  2 | title: {en: "甲烷 gas", zh-CN: Gas network}
    |             ^^^^^^^^^^
packs/gas/pack.yaml:2:30: warning: the Chinese title has no Chinese character in it [P035]
  2 | title: {en: "甲烷 gas", zh-CN: Gas network}
    |                                ^^^^^^^^^^^
packs/gas/pack.yaml:4:46: warning: unknown unit "%LEI", did you mean "%LEL"? [P036]
  4 |   ch4: {title: {en: CH4, zh-CN: CH4}, unit: "%LEI", range: [0, 100]}
    |                                              ^^^^
packs/gas/pack.yaml:5:43: warning: {{x}} stands in the English title, but not in the Chinese [P033]
  5 |   o2: {title: {en: "Oxygen {{x}}", zh-CN: '氧气浓度(体积)'}, unit: furlong/parsec, range: [0, 100]}
    |                                           ^^^^^^^^^^^^^^^^
packs/gas/pack.yaml:5:48: warning: half-width "(" in Chinese, did you mean "（"? [P034]
  5 |   o2: {title: {en: "Oxygen {{x}}", zh-CN: '氧气浓度(体积)'}, unit: furlong/parsec, range: [0, 100]}
    |                                                    ^
packs/gas/pack.yaml:5:62: warning: unknown unit "furlong" [P036]
  5 |   o2: {title: {en: "Oxygen {{x}}", zh-CN: '氧气浓度(体积)'}, unit: furlong/parsec, range: [0, 100]}
    |                                                                    ^^^^^^^^^^^^^^
packs/gas/pack.yaml:7:3: warning: what is measured on valve is not said; write measures: [] where nothing is [P038]
  7 |   valve:
    |   ^^^^^`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAtAndMentions(t *testing.T) {
	p, err := Load(fstest.MapFS{"pack.yaml": {Data: []byte(goodPack)}, "rules.yaml": {Data: []byte(goodRules)}}, "packs/gas")
	if err != nil {
		t.Fatal(err)
	}
	for want, at := range map[string]Pos{
		"packs/gas/rules.yaml:15:7":  p.At("rules.yaml", "second"),
		"packs/gas/rules.yaml:5:8":   p.At("rules.yaml", "first", "for"),
		"packs/gas/rules.yaml:13:16": p.At("rules.yaml", "first", "steps", "b", "title"),
		"packs/gas/rules.yaml:2:7":   p.At("rules.yaml", "first", "nothing", "there"),
		"-":                          p.At("rules.yaml", "third"),
	} {
		if got := at.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if !p.Mentions("rules.yaml", "en", "B") || p.Mentions("rules.yaml", "en", "C") || p.Mentions("nothing.yaml", "en", "B") {
		t.Error("what a file mentions")
	}
}

// A unit that can be read is not always the one that was meant.
func TestMisreadUnit(t *testing.T) {
	main := `pack: gas
title: {en: Gas network, zh-CN: 燃气管网场景}
observes: {level: {title: {en: Water level, zh-CN: 水位}, unit: mt, range: [0, 5]}, sight: {title: {en: Opacity, zh-CN: 消光系数}, unit: 10-3 m-1, range: [0, 30]}}
`
	p, err := Load(fstest.MapFS{"pack.yaml": {Data: []byte(main)}}, "packs/gas")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`"mt" is read as a thousandth of a tonne, did you mean "m" or "t"?`,
		`a power of ten is written 10*-3, and joined to what follows by a dot, did you mean "10*-3.m-1"?`,
	}
	ds := p.Warnings()
	for i := range max(len(ds), len(want)) {
		if i >= len(ds) || i >= len(want) || ds[i].Message != want[i] || ds[i].Code != CodeUnit {
			t.Fatalf("%v", ds)
		}
	}
}

// A file whose name is nearly that of a pack's file is not passed over in silence.
func TestMisnamed(t *testing.T) {
	files := fstest.MapFS{"pack.yaml": {Data: []byte(goodPack)}}
	for _, name := range []string{"rules.yml", "rules.YAML", "rules.Yml", "rules.yaml.txt", "README.md", ".rules.yml", "rules.yml~", "rules.yaml.bak",
		"more/rules.yaml", "more/other.yml", "more/notes.txt", "another/pack.yaml", "another/rules.yaml", ".git/rules.yaml"} {
		files[name] = &fstest.MapFile{Data: []byte("a: b\n")}
	}
	p, ds := Read(files, "packs/gas")
	ds = append(ds, p.Unread([]Declaration{{File: "rules.yaml"}})...)
	got := ds.Sorted().Error()
	want := `packs/gas/more/other.yml: warning: nothing reads this file: all files of a pack stand in its folder, and none below it [P017]
packs/gas/more/rules.yaml: nothing reads this file: all files of a pack stand in its folder, and none below it [P017]
packs/gas/rules.YAML: nothing reads this file: the files of a pack end in .yaml; call it "rules.yaml" [P017]
packs/gas/rules.Yml: nothing reads this file: the files of a pack end in .yaml; call it "rules.yaml" [P017]
packs/gas/rules.yaml.txt: nothing reads this file: the files of a pack end in .yaml; call it "rules.yaml" [P017]
packs/gas/rules.yml: nothing reads this file: the files of a pack end in .yaml; call it "rules.yaml" [P017]`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := Load(fstest.MapFS{"pack.yml": {Data: []byte(goodPack)}}, "packs/gas"); err == nil || !strings.Contains(err.Error(), `call it "pack.yaml"`) {
		t.Error(err)
	}
}
