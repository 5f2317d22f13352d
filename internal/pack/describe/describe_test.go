package describe

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/anlan-city/anlan/internal/pack"
)

// ruleDoc has each type of field and each rule, and holds itself.
type ruleDoc struct {
	ID      pack.String           `yaml:"id" pack:"required,name" doc:"the name"`
	Kind    pack.String           `yaml:"kind" pack:"one of a b" default:"a" doc:"the kind"`
	Share   pack.Number           `yaml:"share" pack:"at least 0,below 1" default:"0.5" doc:"the share"`
	Count   int                   `yaml:"count" pack:"above 0" doc:"the count"`
	Live    bool                  `yaml:"live" default:"true" doc:"whether it lives"`
	For     pack.Duration         `yaml:"for" default:"1m" example:"5m" doc:"how long"`
	Late    pack.Duration         `yaml:"late" default:"as for" doc:"how late"`
	On      pack.Names            `yaml:"on" pack:"name" doc:"on what"`
	When    pack.Expr             `yaml:"when" doc:"when"`
	Title   pack.Text             `yaml:"title" example:"{en: A, zh-CN: 甲}" doc:"for people"`
	Range   []pack.Number         `yaml:"range" pack:"exactly 2 items" doc:"from, to"`
	Levels  pack.Map[levelDoc]    `yaml:"levels" pack:"one of red blue" doc:"the levels"`
	Limits  pack.Map[pack.Number] `yaml:"limits" pack:"name" doc:"limits"`
	Series  pack.Phrase           `yaml:"series" doc:"readings"`
	Clear   *levelDoc             `yaml:"clear" doc:"the end"`
	Of      []ruleDoc             `yaml:"of" doc:"parts"`
	Watches pack.String           `yaml:"watches" doc:"either"`
	Reports pack.String           `yaml:"reports" doc:"or"`
	Pos     pack.Pos              `pack:"exactly one of watches reports of"`
}

type levelDoc struct {
	When pack.Expr     `yaml:"when" pack:"required" doc:"the condition | in CEL"`
	For  pack.Duration `yaml:"for" doc:"how long"`
}

var rules = pack.Declaration{File: "rules.yaml", Title: "Rules", Of: []ruleDoc{}}

// The schema and the decoder take and refuse the same.
func TestSchemaAgreesWithTheDecoder(t *testing.T) {
	text, err := Schema(rules)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	if err := c.AddResource("file:///s.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("file:///s.json")
	if err != nil {
		t.Fatal(err)
	}
	for item, sound := range map[string]bool{
		"":                               true,
		"kind: b":                        true,
		"kind: c":                        false,
		"kind: 1":                        false,
		"share: 0":                       true,
		"share: 1":                       false,
		"share: -0.1":                    false,
		"share: half":                    false,
		"count: 1":                       true,
		"count: 0":                       false,
		"count: 1.5":                     false,
		"live: false":                    true,
		"live: no":                       false,
		"for: 1h30m":                     true,
		"for: 1.5d":                      true,
		"for: 5":                         false,
		"for: 5 m":                       false,
		"for: -5m":                       false,
		`for: ""`:                        false,
		"for: 1µs":                       false,
		"late: 0s":                       true,
		"on: a":                          true,
		"on: [a, b-1]":                   true,
		"on: []":                         false,
		"on: B":                          false,
		"on: [a, B]":                     false,
		"when: value > 5":                true,
		"when: true":                     true,
		"when: 5":                        false,
		`when: " "`:                      false,
		"title: {en: A, zh-CN: 甲}":       true,
		"title: {en: A}":                 false,
		"title: A":                       false,
		`title: {en: "", zh-CN: 甲}`:      false,
		"range: [1, 2]":                  true,
		"range: [1]":                     false,
		"range: [1, two]":                false,
		"levels: {red: {when: a > 1}}":   true,
		"levels: {rde: {when: a > 1}}":   false,
		"levels: {red: {for: 1m}}":       false,
		"levels: {}":                     false,
		"levels: {red: {when: a, x: y}}": false,
		"limits: {a-b: 1}":               true,
		"limits: {A: 1}":                 false,
		"limits: {a: one}":               false,
		"series: 0x10 2+1x20":            true,
		"series: 5":                      true,
		"series: [5]":                    false,
		"clear: {when: a > 1}":           true,
		"clear: {}":                      false,
		"clear:":                         false,
		"reports: b":                     false,
		"of: []":                         false,
		"colour: green":                  false,
	} {
		file := "- {id: x, watches: a}\n- id: y\n  watches: b\n  " + item + "\n"
		agree(t, s, file, sound)
	}
	agree(t, s, "- {id: x, of: [{id: y, reports: z}, {id: z, of: [{id: a, watches: b, for: 1s}]}]}", true)
	agree(t, s, "- {id: x, of: [{id: y, reports: z}, {id: z, of: [{id: a, watches: b, for: soon}]}]}", false)
	agree(t, s, "- {id: x}", false)
	agree(t, s, "- {watches: x}", false)
	agree(t, s, "- {id: X, watches: x}", false)
	agree(t, s, "id: x", false)
}

func agree(t *testing.T, s *jsonschema.Schema, file string, sound bool) {
	t.Helper()
	p, ds := pack.Read(fstest.MapFS{"pack.yaml": {Data: []byte("pack: x\ntitle: {en: X, zh-CN: 某}\n")}, "rules.yaml": {Data: []byte(file)}}, "packs/x")
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	if err := p.Decode("rules.yaml", rules.New()); (err == nil) != sound {
		t.Errorf("the decoder takes it: %v, want %v\n%s\n%v", err == nil, sound, file, err)
	}
	raw, err := yaml.YAMLToJSON([]byte(file))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); (err == nil) != sound {
		t.Errorf("the schema takes it: %v, want %v\n%s\n%v", err == nil, sound, file, err)
	}
}

func TestReference(t *testing.T) {
	page := Reference([]pack.Declaration{rules})
	for _, want := range []string{
		"The file is a list. Each item has these keys. Exactly one of `watches`, `reports`, `of` stands there.",
		"| `id` | name | yes |  | the name |",
		"| `kind` | one of `a`, `b` |  | `a` | the kind |",
		"| `share` | number at least 0 and below 1 |  | `0.5` | the share |",
		"| `for` | duration |  | `1m` | how long. Such as `5m` |",
		"| `late` | duration |  | that of `for` | how late |",
		"| `range` | list of 2, each: number |  |  | from, to |",
		"| `levels` | keys out of `red`, `blue`, under each: keys, see [levels](#rulesyaml-levels) |",
		"| `limits` | keys of your own, under each: number |",
		"| `of` | list, each item: keys, see [rules.yaml](#rulesyaml) |",
		"### rules.yaml levels\n\nUnder each key stand these.",
		`the condition \| in CEL`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
}

func TestSchemaFile(t *testing.T) {
	for file, want := range map[string]string{"pack.yaml": "pack.json", "*_test.yaml": "test.json", "detectors.yaml": "detectors.json"} {
		if got := SchemaFile(pack.Declaration{File: file}); got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
}
