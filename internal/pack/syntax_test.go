package pack

import (
	"fmt"
	"testing"
)

// People who write packs know no YAML grammar: each line is a mistake they make, and what they are told of it.
func TestSyntaxMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"assets:\n  pump: {a: 1}\n sump: {a: 1}\n  gauge: {a: 1}":        "x.yaml:3:1: this line is indented by 1, its neighbours by 2",
		"assets:\n  pump: {a: 1}\n   sump: {a: 1}\n  gauge: {a: 1}":      "x.yaml:3:1: this line is indented by 3, its neighbours by 2",
		"- id: x\n  title: a\n   every: 1m\n  late: 2m":                  "x.yaml:3:1: this line is indented by 3, its neighbours by 2",
		"- name: x\n  series:\n    a/b: 20x5\n   expect: []":             "x.yaml:4:1: this line is indented by 3, its neighbours by 2 or 4",
		"- a: 1\n- b: 2\nc: 3":                                           "x.yaml:3:1: the lines beside this one begin with a dash; indent it if it belongs to the item above",
		"a: 1\n- b: 2":                                                   "x.yaml:2:1: a dash stands here beside keys; write the items of a list under a key of their own",
		"a: 1\nb\nc: 2":                                                  `x.yaml:2:1: "b" is no key with something under it; behind a key stand a colon and a space`,
		"assets:\n\tpump: 1":                                             "x.yaml:2:1: a tab stands before the text; indent with spaces",
		"- id: x\n  title： y\n  every: 1m":                               `x.yaml:2:8: a full-width "：" stands here; write ":" and a space`,
		"- id：x\n  title: y":                                             `x.yaml:1:5: a full-width "：" stands here; write ":" and a space`,
		"levels:\n  yellow: {when: \"a\", for: 1m\n  red: {when: \"b\"}": "x.yaml:2:11: this { has no }",
		"measures: [a, b\ncategories:\n  x: 1":                           "x.yaml:1:11: this [ has no ]",
		"a: [1, 2}":                                                      "x.yaml:1:9: a } stands here, but the [ of line 1 is closed by ]",
		"a: {b: 1}}":                                                     "x.yaml:1:10: a } without the bracket that it closes",
		"because:\n  zh-CN: {{place}}一氧化碳 {{value}} ppm":                 `x.yaml:2:10: a text that begins with { needs quotes: write "{{place}}一氧化碳 {{value}} ppm"`,
		"because: {en: {{place}} high, zh-CN: x}":                        `x.yaml:1:15: a text that begins with { needs quotes: write "{{place}} high"`,
		"- id: x\n　　every: 1m":                                           "x.yaml:2:1: a space stands before the text that is none to YAML (full-width, or one that does not break); indent with plain spaces",
		"- id: x\n\u00a0 every: 1m":                                      "x.yaml:2:1: a space stands before the text that is none to YAML (full-width, or one that does not break); indent with plain spaces",
		"x: {when: \"value >= 70\"，for: 5m}":                             `x.yaml:1:24: a full-width "，" stands here; write "," and a space`,
		"- id: x\n  a: 1\n-id: y\n  a: 2":                                "x.yaml:3:1: between the dash of an item and its text stands a space",
		"unit: %LEL":                                                     `x.yaml:1:7: a text that begins with % needs quotes: write "%LEL"`,
		"title: carbon: monoxide":                                        `x.yaml:1:8: a text with a colon and a space in it needs quotes: write "carbon: monoxide"`,
		"a: \"unclosed\nb: 1":                                            `x.yaml:1:4: the text that begins here has no closing "`,
		"when: \"value >= \"100\"\"":                                     `x.yaml:1:18: the text in quotes ends before this; a quotation mark within it is written \" between double ones, or '' between single ones`,
	} {
		_, err := read([]byte(text+"\n"), "x.yaml")
		ds, _ := err.(Diagnostics)
		if len(ds) != 1 || ds[0].Code != CodeSyntax {
			t.Errorf("%s\n%v", text, err)
			continue
		}
		if got := fmt.Sprintf("%s:%d:%d: %s", ds[0].Path, ds[0].Line, ds[0].Column, ds[0].Message); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}
