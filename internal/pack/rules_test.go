package pack

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// thing has each rule that a declaration may ask for.
type thing struct {
	Kind    String      `yaml:"kind" pack:"one of a b" default:"a"`
	Every   Duration    `yaml:"every" pack:"above 0s,at most 1h" default:"5m"`
	Late    Duration    `yaml:"late" default:"as every"`
	Share   Number      `yaml:"share" pack:"at least 0,below 1" default:"0.5"`
	Count   int         `yaml:"count" pack:"at least 1" default:"3"`
	Live    bool        `yaml:"live" default:"true"`
	Sure    bool        `yaml:"sure" pack:"one of true"`
	Words   Names       `yaml:"words" pack:"name" default:"x y"`
	Pair    []Number    `yaml:"pair" pack:"exactly 2 items,above 0"`
	Colours Map[String] `yaml:"colours" pack:"one of red blue"`
	Named   Map[String] `yaml:"named" pack:"name"`
	Watches String      `yaml:"watches"`
	Reports String      `yaml:"reports"`
	Of      []thing     `yaml:"of"`
	Still   *still      `yaml:"still"`
	Twice   *twice      `yaml:"twice"`
	Change  *change     `yaml:"rise"`
	After   Duration    `yaml:"silent_after"`
	Because Text        `yaml:"because"`
	shared
	Pos Pos `pack:"at most one of watches reports of"`
}

type still struct {
	After Duration `yaml:"after" pack:"required"`
	By    Number   `yaml:"by"`
}

type twice struct {
	When Expr     `yaml:"when" pack:"required"`
	For  Duration `yaml:"for" pack:"required"`
}

type change struct {
	Fall Duration `yaml:"fall_within"`
	Rise Duration `yaml:"rise_within"`
	Pos  Pos      `pack:"exactly one of fall_within rise_within"`
}

type shared struct {
	Note String `yaml:"note"`
}

func decodeThing(t *testing.T, text string) (thing, Diagnostics) {
	t.Helper()
	p, ds := Read(fstest.MapFS{"pack.yaml": {Data: []byte(goodPack)}, "thing.yaml": {Data: []byte(text)}}, "packs/gas")
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	var x thing
	var problems Diagnostics
	errors.As(p.Decode("thing.yaml", &x), &problems)
	return x, problems
}

func TestDefaults(t *testing.T) {
	x, ds := decodeThing(t, "note: hello\n")
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	if x.Kind.Value != "a" || x.Every.Value != 5*time.Minute || x.Late.Value != 5*time.Minute || x.Share.Value != 0.5 || x.Count != 3 || !x.Live ||
		len(x.Words) != 2 || x.Words[1].Value != "y" || x.Note.Value != "hello" {
		t.Errorf("%+v", x)
	}
	if !x.Every.IsZero() || !x.Late.IsZero() || x.Note.IsZero() {
		t.Error("a default stands nowhere")
	}
	if x, _ := decodeThing(t, "every: 10m\n"); x.Late.Value != 10*time.Minute || !x.Late.IsZero() {
		t.Errorf("late is %+v, not as every", x.Late)
	}
	if x, _ := decodeThing(t, "every: 10m\nlate: 0s\n"); x.Late.Value != 0 || x.Late.IsZero() {
		t.Errorf("late is %+v, though it stands there", x.Late)
	}
}

func TestRules(t *testing.T) {
	for text, want := range map[string]string{
		"kind: colour":                   `kind is "colour". It may be a or b [P006]`,
		"every: 0s":                      "every needs to be above 0s [P006]",
		"every: 2h":                      "every needs to be at most 1h [P006]",
		"share: 1":                       "share needs to be below 1 [P006]",
		"share: -1":                      "share needs to be at least 0 [P006]",
		"share: 1e400":                   "share needs a number, and 1e400 is beyond all that can be reckoned with [P004]",
		"share: \"0.5\"":                 "share needs a number, not a text [P004]",
		"sure: false":                    "sure may be true only; leave it out otherwise [P006]",
		"count: 0":                       "count needs to be at least 1 [P006]",
		"words: [good, Bad]":             `"Bad" is no name`,
		"words: Bad":                     `"Bad" is no name`,
		"pair: [1]":                      "pair needs 2 items, not 1 [P006]",
		"pair: [1, 0]":                   "item 2 needs to be above 0 [P006]",
		"colours: {rde: x}":              `unknown key "rde", did you mean "red"? Under colours there may be red, blue [P003]`,
		"named: {A: x}":                  `"A" is no name`,
		"watches: x\nreports: y":         "reports stands beside watches in the file; only one of watches, reports and of may [P010]",
		"of: [{watches: x, of: []}]":     "of stands beside watches in of, item 1; only one of watches, reports and of may [P010]",
		"of: [{of: [{every: 1 h}]}]":     `every needs a duration such as 30s, 10m, 2h or 3d, not "1 h" [P006]`,
		"still: 6h":                      "still needs keys, not a text; write still: {after: 6h} [P004]",
		"still: {after: 6}":              "after needs a duration such as 30s, 10m, 2h or 3d, not a number; write 6s, 6m, 6h or 6d [P004]",
		"still: {after: 1w}":             `after needs a duration such as 30s, 10m, 2h or 3d, not "1w", did you mean "7d"? [P006]`,
		"still: {after: 6h, by: 5mm}":    `by needs a number without a unit, not "5mm"; packs-reference.md says which unit it is in [P004]`,
		`twice: "value < 1"`:             `twice needs keys, not a text; write twice: {when: "value < 1", for: …} [P004]`,
		"rise: 10m":                      "rise needs keys, not a text; write rise: {rise_within: 10m} [P004]",
		"silent: 30m":                    `unknown key "silent", did you mean "silent_after"? [P003]`,
		"still：{after: 6h}\nnote: x":     `a full-width "：" stands here; write ":" and a space [P001]`,
		"named:\n  a：{b: c}":             `a full-width "：" stands here; write ":" and a space [P001]`,
		"because: {en: Road， zh-CN: 路}":  `because lacks zh-CN; before it stands a full-width "，", write "," and a space [P009]`,
		"of: [{of: [{colours: green}]}]": "colours needs keys with something under each, not a text [P004]",
	} {
		_, ds := decodeThing(t, text+"\n")
		if len(ds) != 1 || !strings.Contains(ds.Error(), want) {
			t.Errorf("%s:\n%v\nwant %s", text, ds, want)
		}
	}
}
