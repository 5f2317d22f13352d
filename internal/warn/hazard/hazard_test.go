package hazard

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/packs"
)

const (
	packText = `pack: flood
title: {en: Flood, zh-CN: 防汛}
observes:
  level: {title: {en: Level, zh-CN: 水位}, unit: m, range: [0, 20]}
assets:
  gauge: {title: {en: Gauge, zh-CN: 水位站}, measures: [level]}
`
	detectorText = `- id: river-level
  title: {en: River high, zh-CN: 水位高}
  watches: level
  on: gauge
  every: 1m
  levels:
    blue: {when: "value >= 4", for: 5m}
    yellow: {when: "value >= 5", for: 5m}
  clear: {when: "value < 3", for: 10m}
  silent_after: 10m
  because: {en: "{{value}} m", zh-CN: "水位 {{value}} m"}
  source: a test
  known_false_alarms: [a boat]
  maturity: draft
  owner: duty
`
	sound = `hazards:
  - id: flood
    title: {en: River flood, zh-CN: 洪水}
    category: [Met, Safety]
    response: Avoid
    instruction: {en: Keep away., zh-CN: 请勿靠近。}
    levels:
      red: {response: Evacuate, instruction: {en: Leave., zh-CN: 请撤离。}}
    texts:
      - id: rising
        title: {en: Rising, zh-CN: 上涨}
        levels: [yellow, orange]
        lasts: 12h
        lasts_at: {orange: 6h}
        headline: {en: "Flood in {{area}}", zh-CN: "{{area}}洪水"}
        description: {en: "{{because}} at {{asset}}.", zh-CN: "{{asset}}{{because}}。"}
    proposed_by:
      - {detector: river-level, from: yellow, text: rising, around: 500}
      - {detector: weather/rain, from: orange, text: rising}
  - {id: typhoon, relayed_from: weather, title: {en: Typhoon, zh-CN: 台风}}
authority:
  - {hazards: [flood], levels: [red], roles: duty-officer, organisations: [org-a, city], areas: ["310100"]}
second_person:
  - {from: yellow, hazards: flood}
`
)

func read(t *testing.T, text string) (*Set, pack.Diagnostics, error) {
	t.Helper()
	p, err := pack.Load(fstest.MapFS{"pack.yaml": {Data: []byte(packText)}, engine.File: {Data: []byte(detectorText)}, File: {Data: []byte(text)}}, "packs/flood")
	if err != nil {
		t.Fatal(err)
	}
	ds, err := engine.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Read(p, ds)
	return s, p.Warnings(), err
}

func TestSound(t *testing.T) {
	s, warnings, err := read(t, sound)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%v %v", err, warnings)
	}
	h := s.Hazards[0]
	if h.At(Red).Responses[0] != "Evacuate" || h.At(Red).Instruction.English != "Leave." || h.At(Blue).Instruction.English != "Keep away." {
		t.Errorf("%+v", h)
	}
	text, _ := h.Text("rising")
	if text.Duration(Orange) != 6*time.Hour || text.Duration(Yellow) != 12*time.Hour || text.For(Red) || !text.For(Yellow) {
		t.Errorf("%+v", text)
	}
	if x, ok := h.Trigger("flood/river-level"); !ok || x.Around != 500 || x.From != Yellow {
		t.Errorf("%+v", x)
	}
	if e := s.Elsewhere(); len(e) != 1 || e[0].Name != "weather/rain" || e[0].Pos.Line != 19 {
		t.Errorf("elsewhere %+v", e)
	}
}

func TestMistakes(t *testing.T) {
	for _, x := range []struct{ old, new, want string }{
		{"{en: River flood, zh", "{en: A river flood with a name that is much too long, zh", "packs/flood/warnings.yaml:3:17: the title of a hazard has at most 35 characters, and this has 47 [P006]"},
		{"category: [Met, Safety]", "category: [Met, Water]", `category is "Water"`},
		{"response: Avoid", "response: AllClear", `response is "AllClear"`},
		{"    response: Avoid\n", "", `packs/flood/warnings.yaml:2:9: hazard flood lacks "response" [P005]`},
		{"{en: Keep away., zh-CN: 请勿靠近。}", "{en: Keep away.}", "instruction lacks zh-CN [P009]"},
		{"{en: Keep away., zh", "{en: 'Keep away from {{area}}', zh", "{{area}}: the instruction of a hazard has no blanks"},
		{"Flood in {{area}}", "Flood in {{aera}}", `packs/flood/warnings.yaml:15:24: nothing fills {{aera}} in the headline; the blanks are level, area, place, asset, from, until, did you mean "area"? [P013]`},
		{"Flood in {{area}}", "Flood {{because}}", "nothing fills {{because}} in the headline"},
		{"{{because}} at", "{{because} at", "a brace of the description is not closed"},
		{"Flood in {{area}}", "Typhoon warning for {{area}}", "this is how the weather service heads its warnings"},
		{"{{area}}洪水", "{{area}}暴雨橙色预警", "this is how the weather service heads its warnings"},
		{"detector: river-level", "detector: river-levle", `packs/flood/warnings.yaml:18:20: there is no detector "river-levle", did you mean "river-level"? [P011]`},
		{"from: yellow, text: rising, around", "from: red, text: rising, around", "detector river-level never raises red or above [P012]"},
		{"from: yellow, text: rising, around", "from: blue, text: rising, around", "the text rising is not written for blue [P012]"},
		{"text: rising, around", "text: risen, around", `hazard flood has no text "risen"`},
		{"around: 500", "around: 0", "around"},
		{"around: 500", "exercise: true", "hazard flood is a drill for some detectors and real for others; write exercise: true in all items or in none"},
		{"lasts: 12h", "lasts: 8d", "lasts"},
		{"orange: 6h", "orange: 8d", "a warning is issued for more than nothing and at most 7d"},
		{"orange: 6h", "purple: 6h", "purple"},
		{"relayed_from: weather, ", "relayed_from: weather, category: Met, ", "typhoon is relayed from another service, which brings its own category"},
		{"relayed_from: weather, ", "", "warnings about typhoon are issued by the weather service alone; write relayed_from: weather"},
		{"id: flood\n    title: {en: River flood, zh-CN: 洪水}", "id: wet\n    title: {en: Heavy rain warning, zh-CN: 水}", "warnings about wet are issued by the weather service alone"},
		{"id: flood\n    title: {en: River flood, zh-CN: 洪水}", "id: wet\n    title: {en: Wet, zh-CN: 暴雨预警}", "warnings about wet are issued by the weather service alone"},
		{"id: typhoon", "id: flood", `hazard "flood" stands here a second time [P014]`},
		{"id: flood\n", "id: all\n", `"all" means all hazards`},
		{"roles: duty-officer", "roles: mayor", `roles is "mayor"`},
		{"levels: [red], roles", "levels: [red, pink], roles", `levels is "pink"`},
		{"authority:", "authorities:", `unknown key "authorities", did you mean "authority"?`},
		{"{from: yellow, hazards: flood}", "{hazards: flood}", `lacks "from"`},
	} {
		if !strings.Contains(sound, x.old) {
			t.Errorf("%q does not stand there", x.old)
			continue
		}
		_, _, err := read(t, strings.Replace(sound, x.old, x.new, 1))
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%q for %q: %v\nwant %s", x.new, x.old, err, x.want)
		}
	}
}

func shipped(t testing.TB) (sets []*Set) {
	t.Helper()
	entries, err := fs.ReadDir(packs.FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		files, err := fs.Sub(packs.FS(), e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fs.Stat(files, File); err != nil {
			continue
		}
		sets = append(sets, load(t, files, path.Join("packs", e.Name())))
	}
	return sets
}

func load(t testing.TB, files fs.FS, dir string) *Set {
	t.Helper()
	p, err := pack.Load(files, dir)
	if err != nil {
		t.Fatal(err)
	}
	ds, err := engine.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Read(p, ds)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ours(t testing.TB, text string) *Set {
	t.Helper()
	return load(t, fstest.MapFS{"pack.yaml": {Data: []byte("pack: ours\ntitle: {en: Ours, zh-CN: 本市}\n")}, File: {Data: []byte(text)}}, "ours")
}

// What ships is complete: enough texts, and each fits its place when it is filled with what is long.
func TestShippedTexts(t *testing.T) {
	book, err := Bind(nil, shipped(t))
	if err != nil {
		t.Fatal(err)
	}
	two := map[string]bool{"flood": true, "waterlogging": true, "gas-leak": true, "water-outage": true, "water-quality": true, "power-outage": true, "heavy-pollution": true}
	long := page.Text{English: strings.Repeat("Long name ", 2), Chinese: strings.Repeat("长", 12)}
	v := Values{Level: Orange, Areas: []page.Text{long, long, long, long, long, long}, Place: long, Asset: long, Because: long,
		From: time.Date(2026, 12, 23, 10, 30, 0, 0, time.UTC), Until: time.Date(2026, 12, 23, 23, 30, 0, 0, time.UTC)}
	seen := 0
	for _, h := range book.All() {
		if h.RelayedFrom != "" {
			continue
		}
		seen++
		if len(h.Texts) < 1 || two[h.ID] && len(h.Texts) < 2 {
			t.Errorf("%s has %d texts", h.ID, len(h.Texts))
		}
		for _, l := range Levels() {
			if h.TextFor("", l).ID == "" {
				t.Errorf("%s has no text for %s", h.ID, l)
			}
		}
		for _, x := range h.Texts {
			for _, one := range []page.Text{x.Headline, x.Description, x.Instruction} {
				filled, missing := v.Fill(one)
				if len(missing) > 0 || Unfilled(filled.English+filled.Chinese) != "" {
					t.Errorf("%s %s: missing %v", h.ID, x.ID, missing)
				}
				if service, bad := book.Poses(filled); bad {
					t.Errorf("%s %s poses as the %s service: %+v", h.ID, x.ID, service, filled)
				}
			}
			filled, _ := v.Fill(x.Headline)
			if n := max(utf8.RuneCountInString(filled.English), utf8.RuneCountInString(filled.Chinese)); n > cap.MaxHeadline {
				t.Errorf("%s %s: a headline of %d characters: %+v", h.ID, x.ID, n, filled)
			}
		}
	}
	if seen < 17 {
		t.Errorf("%d hazards can be composed, there were 17", seen)
	}
	for _, s := range reserved {
		if h, ok := book.Get(s.id); !ok || h.RelayedFrom != s.from {
			t.Errorf("%s is not relayed from %s: %+v", s.id, s.from, h)
		}
	}
}

// A headline names no place as who issues it; what the alert says of itself stands in a sentence of its own; and what an alert only
// suspects, its text does not say as a fact.
func TestShippedTextsSpeakToResidents(t *testing.T) {
	book, err := Bind(nil, shipped(t))
	if err != nil {
		t.Fatal(err)
	}
	because := map[string]*regexp.Regexp{page.English: regexp.MustCompile(`(Measured|Forecast): \{\{because\}\}\.`), page.Chinese: regexp.MustCompile(`监测(情况|预报)：\{\{because\}\}。`)}
	for _, h := range book.All() {
		for _, x := range h.Texts {
			if strings.Contains(x.Headline.Chinese, "发布") {
				t.Errorf("%s %s: %s", h.ID, x.ID, x.Headline.Chinese)
			}
			for lang, sentence := range because {
				if s := x.Description.In(lang); strings.Contains(sentence.ReplaceAllString(s, ""), "because") {
					t.Errorf("%s %s: %s", h.ID, x.ID, s)
				}
			}
		}
	}
	suspected := 0
	for _, e := range must(fs.ReadDir(packs.FS(), ".")) {
		files := must(fs.Sub(packs.FS(), e.Name()))
		if _, err := fs.Stat(files, engine.File); err != nil {
			continue
		}
		for _, d := range must(engine.Compile(must(pack.Load(files, path.Join("packs", e.Name()))))) {
			if !strings.Contains(d.Title.ZH.Value, "疑似") {
				continue
			}
			for _, h := range book.Heard(d.ID) {
				trigger, _ := h.Trigger(d.ID)
				x, _ := h.Text(trigger.Text)
				suspected++
				if !strings.Contains(x.Headline.Chinese, "疑似") || !strings.Contains(x.Headline.English, "probably") && !strings.Contains(x.Headline.English, "may") {
					t.Errorf("%s is suspected, and is told as %+v", d.ID, x.Headline)
				}
			}
		}
	}
	if suspected < 2 {
		t.Errorf("%d detectors only suspect", suspected)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// No pack lifts what belongs to another service: not under its id, not under its name, not as an override, not beside it, and not by
// the headline of a text.
func TestNoPackComposesForAnotherService(t *testing.T) {
	entry := func(id, en, zh, headline string) string {
		return "hazards:\n  - id: " + id + "\n    title: {en: " + en + ", zh-CN: " + zh + "}\n    category: Met\n    response: Avoid\n" +
			"    instruction: {en: Stay in., zh-CN: 请勿外出。}\n    texts: [{id: a, title: {en: A, zh-CN: 甲}, lasts: 1h, headline: " + headline + ", description: {en: It comes., zh-CN: 即将来临。}}]\n"
	}
	harmless := "{en: Stay in, zh-CN: 请勿外出}"
	all := shipped(t)
	for _, s := range reserved {
		texts := []string{entry(s.id, "Something", "某事", harmless)}
		for _, n := range s.names {
			texts = append(texts,
				entry("own-"+s.id, n.English, "某事", harmless), entry("own-"+s.id, "Something", n.Chinese, harmless),
				entry("own-"+s.id, strings.ToUpper(n.English)+" warning", "某事", harmless), entry("own-"+s.id, "Something", n.Chinese+"红色预警", harmless),
				entry("own", "Something", "某事", "{en: \"Red "+n.English+" warning\", zh-CN: 请勿外出}"),
				entry("own", "Something", "某事", "{en: \"Attention: "+strings.ToLower(n.English)+" orange alert\", zh-CN: 请勿外出}"),
				entry("own", "Something", "某事", "{en: Stay in, zh-CN: 我市发布"+n.Chinese+"橙色预警}"),
				entry("own", "Something", "某事", "{en: Stay in, zh-CN: "+n.Chinese+"（红色）预警信号}"))
		}
		for _, text := range texts {
			p, err := pack.Load(fstest.MapFS{"pack.yaml": {Data: []byte("pack: ours\ntitle: {en: Ours, zh-CN: 本市}\n")}, File: {Data: []byte(text)}}, "ours")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Read(p, nil); err == nil {
				t.Errorf("taken:\n%s", text)
			}
		}
		// Nor would a set that slipped through.
		book, _ := Bind([]*Set{{Pack: "ours", Hazards: []Hazard{{ID: s.id, Event: page.Text{English: "Something", Chinese: "某事"}}}}}, all)
		if h, _ := book.Get(s.id); h.RelayedFrom == "" {
			t.Errorf("%s became composable", s.id)
		}
	}
	// A pack may add to what is relayed; no other lifts that either, and its name is guarded from then on.
	relays := ours(t, "hazards: [{id: tornado, relayed_from: weather, title: {en: Tornado, zh-CN: 龙卷风}}]\n")
	own := ours(t, entry("tornado", "Whirl", "旋风", harmless))
	if _, err := Bind([]*Set{own}, append(slices.Clone(all), relays)); err == nil || !strings.Contains(err.Error(), "no pack can make them composable") {
		t.Errorf("a city lifted what a shipped pack relays: %v", err)
	}
	if _, err := Bind([]*Set{relays, ours(t, entry("whirl", "Whirl", "旋风", "{en: Tornado warning, zh-CN: 请勿外出}"))}, all); err == nil {
		t.Error("a headline posed as what another pack relays")
	}
}

func TestACitysOwnStandFirst(t *testing.T) {
	own := ours(t, `hazards:
  - id: gas-leak
    title: {en: Gas escape, zh-CN: 燃气外泄}
    category: Infra
    response: Avoid
    instruction: {en: Keep away., zh-CN: 请勿靠近。}
    texts: [{id: a, title: {en: A, zh-CN: 甲}, lasts: 1h, headline: {en: Gas, zh-CN: 燃气}, description: {en: Gas leaks., zh-CN: 燃气泄漏。}}]
`)
	book, err := Bind([]*Set{own}, shipped(t))
	if err != nil {
		t.Fatal(err)
	}
	if h, _ := book.Get("gas-leak"); h.Event.English != "Gas escape" || len(book.Heard("gas/leak-confirmed")) != 0 {
		t.Errorf("%+v", h)
	}
	if _, err := Bind([]*Set{own, own}, shipped(t)); err == nil || !strings.Contains(err.Error(), "unique") {
		t.Errorf("two of one id: %v", err)
	}
	if _, err := Bind([]*Set{ours(t, "second_person: [{from: red, hazards: [gas-leek]}]\n")}, shipped(t)); err == nil || !strings.Contains(err.Error(), `there is no hazard "gas-leek", did you mean "gas-leak"?`) {
		t.Errorf("a rule about nothing: %v", err)
	}
}

func TestFill(t *testing.T) {
	name := func(en, zh string) page.Text { return page.Text{English: en, Chinese: zh} }
	v := Values{Level: Red, Areas: []page.Text{name("Harbour", "港区"), name("Hills", "山区")}, Place: name("", "码头桥"), Until: time.Date(2026, 1, 2, 9, 0, 0, 0, time.UTC)}
	for _, x := range []struct{ en, zh, wantEN, wantZH, missing string }{
		{"{{level}} in {{area}}", "{{area}}{{level}}", "Red in Harbour and Hills", "港区、山区红色", ""},
		{"at {{ place }} until {{until}}", "{{place}}至{{until}}", "At 码头桥 until 09:00 on 2 January", "码头桥至1月2日09时", ""},
		{"{{asset}}, {{asset}}", "{{asset}}{{because}}", "{{asset}}, {{asset}}", "{{asset}}{{because}}", "asset because"},
	} {
		got, missing := v.Fill(name(x.en, x.zh))
		if got != name(x.wantEN, x.wantZH) || strings.Join(missing, " ") != x.missing {
			t.Errorf("%q %q: %+v, missing %v", x.en, x.zh, got, missing)
		}
	}
	for n, want := range map[int]string{1: "A", 2: "A and A", 3: "A, A and A", 6: "A, A, A and 3 more areas"} {
		var names []page.Text
		for range n {
			names = append(names, name("A", "甲"))
		}
		if got := areas(names, ManyAreas, page.English); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}

func TestScalesAreComplete(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, l := range Levels() {
		for _, onset := range []time.Time{at, at.Add(time.Hour)} {
			if u, s, c := Words(l, onset, at); u == "" || s == "" || c == "" || onset.After(at) && c == "Observed" {
				t.Errorf("%s: %s %s %s", l, u, s, c)
			}
		}
	}
	if !(Red.Rank() > Orange.Rank() && Orange.Rank() > Yellow.Rank() && Yellow.Rank() > Blue.Rank() && Blue.Rank() > Level("none").Rank()) {
		t.Error("ranks")
	}
}
