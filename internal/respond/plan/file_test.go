package plan

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
)

const (
	packText = `pack: flood
title: {en: Flood, zh-CN: 防汛}
observes: {level: {title: {en: River level, zh-CN: 水位}, unit: m, range: [-20, 100]}}
assets: {gauge: {title: {en: Gauge, zh-CN: 水位站}, measures: [level]}}
`
	detectorText = `- id: river-level
  title: {en: River high, zh-CN: 水位偏高}
  watches: level
  on: gauge
  every: 5m
  levels:
    blue:   {when: "value >= 4", for: 10m}
    yellow: {when: "value >= 5", for: 10m}
  clear: {when: "value < 3.8", for: 1h}
  silent_after: 2h
  because: {en: "{{value}} m", zh-CN: "{{value}} m，请核实"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: flood-duty
`
	planText = `- id: storm
  title: {en: Storm, zh-CN: 暴雨应急预案}
  about: rainstorm
  source: a test
  agencies:
    - {id: water, title: {en: Water bureau, zh-CN: 水务局}, lead: true, found_by: [{organisation: WATER}, {duty: enterprise, of: gauge}]}
    - {id: towns, title: {en: Towns, zh-CN: 街镇}, each: true, found_by: [{kind: town}]}
  resources:
    - {id: pump-truck, title: {en: Pump trucks, zh-CN: 移动泵车}, of: water, count: 4, unit: {en: trucks, zh-CN: 辆}}
  levels:
    - id: IV
      title: {en: Level IV, zh-CN: 四级响应}
      decided_by: {en: Flood office, zh-CN: 防汛办}
      proposed_by:
        - {warning: rainstorm, from: blue}
        - {alert: [river-level, weather/rainstorm], from: yellow, at_least: 2}
    - id: III
      title: {en: Level III, zh-CN: 三级响应}
      decided_by: {en: Flood office, zh-CN: 防汛办}
      proposed_by: [{incident: larger}]
      without: [patrol]
  tasks:
    - id: patrol
      title: {en: Patrol the banks, zh-CN: 巡查堤防}
      agency: water
      post: flood-crew
      due: 1h
      needs: {pump-truck: 2}
      done_when: {en: Reported, zh-CN: 已报告}
    - id: drain
      title: {en: Drain the sumps, zh-CN: 预降水位}
      agency: water
      post: pump-crew
      due: 30m
      from: III
      needs: {pump-truck: 3}
      asks: {title: {en: Pumps running, zh-CN: 开机台数}, kind: number}
      done_when: {en: Reported, zh-CN: 已报告}
`
)

func read(t *testing.T, plans string) ([]*Plan, pack.Diagnostics, error) {
	t.Helper()
	p, err := pack.Load(fstest.MapFS{
		"pack.yaml": {Data: []byte(packText)}, engine.File: {Data: []byte(detectorText)}, File: {Data: []byte(plans)},
	}, "packs/flood")
	if err != nil {
		t.Fatal(err)
	}
	ds, err := engine.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Plans(p, ds)
	return out, p.Warnings(), err
}

func TestSoundPlan(t *testing.T) {
	plans, warnings, err := read(t, planText)
	if err != nil || len(plans) != 1 || len(warnings) > 0 {
		t.Fatalf("%v %v", err, warnings)
	}
	p := plans[0]
	if p.Per != "city" || p.Lead().ID != "water" || p.Task("patrol").From != "IV" || p.Levels[0].ProposedBy[1].Alerts[0] != "flood/river-level" ||
		p.Agencies[0].Found[1].Of != "flood/gauge" || ids(p.At("III")) != "drain" || p.Task("patrol").Needs["pump-truck"] != 2 {
		t.Errorf("%+v", p)
	}
	if d, k := p.Elsewhere(); len(d) != 1 || d[0] != "weather/rainstorm" || len(k) != 0 {
		t.Errorf("elsewhere %v %v", d, k)
	}
	words := p.Words()
	for _, want := range []string{
		"flood/storm", "Storm · 暴雨应急预案", "leads", "each of them", "4 trucks of water", "by a warning of rainstorm in blue or above",
		"by 2 alerts in yellow or above of flood/river-level, weather/rainstorm", "flood/river-level、weather/rainstorm 有 2 个及以上黄色及以上告警时，建议启动四级响应",
		"by an incident of the grade larger or above", "without", "flood-crew of water within 1 h; 2 pump-truck", "answers: Pumps running · 开机台数", "done when: Reported · 已报告",
	} {
		if !strings.Contains(words, want) {
			t.Errorf("no %q in\n%s", want, words)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, x := range []struct{ old, new, want string }{
		{"agency: water\n      post: pump", "agency: watr\n      post: pump", `packs/flood/plans.yaml:32:15: there is no agency "watr", did you mean "water"? [P011]`},
		{"of: water,", "of: wter,", `packs/flood/plans.yaml:9:67: there is no agency "wter", did you mean "water"? [P011]`},
		{"needs: {pump-truck: 2}", "needs: {pump-trucks: 2}", `packs/flood/plans.yaml:28:15: there is no resource "pump-trucks", did you mean "pump-truck"? [P011]`},
		{"needs: {pump-truck: 2}", "needs: {pump-truck: 0}", `packs/flood/plans.yaml:28:27: task patrol needs 0 of pump-truck; write how many [P006]`},
		{"from: III", "from: II", `packs/flood/plans.yaml:35:13: the plan has no level II; it has IV, III [P011]`},
		{"without: [patrol]", "without: [patroll]", `packs/flood/plans.yaml:21:17: there is no task "patroll", did you mean "patrol"? [P011]`},
		{"without: [patrol]", "without: [drain]", `packs/flood/plans.yaml:21:17: no level below III has the task drain; there is nothing to leave out [P006]`},
		{"id: III\n", "id: II\n", `packs/flood/plans.yaml:17:11: level III is missing between IV and II [P016]`},
		{"id: III\n", "id: IV\n", `packs/flood/plans.yaml:17:11: level "IV" stands here a second time [P014]`},
		{"id: III\n", "id: 3\n", `packs/flood/plans.yaml:17:11: id needs a text, not a number [P004]`},
		{"    - id: drain", "    - id: patrol", `packs/flood/plans.yaml:30:11: task "patrol" stands here a second time [P014]`},
		{"alert: [river-level,", "alert: [river-levle,", `packs/flood/plans.yaml:16:20: there is no detector "river-levle", did you mean "river-level"? [P011]`},
		{"from: yellow", "from: orange", `packs/flood/plans.yaml:16:59: detector river-level never raises orange or above [P012]`},
		{"from: yellow", "from: yelow", `from is "yelow", did you mean "yellow"?`},
		{"{warning: rainstorm, from: blue}", "{warning: rainstorm}", `packs/flood/plans.yaml:15:11: say from which colour on: from: yellow [P005]`},
		{"{incident: larger}", "{incident: larger, from: red}", `[P010]`},
		{"{incident: larger}", "{incident: larger, warning: rainstorm}", `[P010]`},
		{"lead: true, ", "", `packs/flood/plans.yaml:1:3: no agency leads; write lead: true at the one that does [P010]`},
		{"each: true", "lead: true", `only one agency leads, and towns is another [P010]`},
		{"lead: true, found_by", "lead: true, each: true, found_by", `agency water leads; it cannot be each of several [P010]`},
		{"of: gauge", "of: guage", `packs/flood/plans.yaml:6:127: there is no kind of asset "guage", did you mean "gauge"? [P011]`},
		{"duty: enterprise, of", "duty: territory, of", `duties for assets are those of regulator and enterprise, not of territory [P006]`},
		{"[{kind: town}]", "[{kind: town, of: gauge}]", `this belongs to duty: {duty: enterprise, of: pump-station} [P010]`},
		{"[{kind: town}]", "[{kind: town, organisation: X}]", `[P010]`},
		{"due: 30m", "due: half an hour", `due needs a duration such as 30s, 10m, 2h or 3d, not "half an hour"`},
		{"      due: 30m\n", "", `lacks "due"`},
		{"zh-CN: 巡查堤防", "en2: x", `unknown key "en2"`},
		{"Pumps running, zh-CN: 开机台数", "Phone number of the foreman, zh-CN: 班长手机号", `asks for an identifier of a person`},
		{"  tasks:", "  task:", `unknown key "task", did you mean "tasks"?`},
	} {
		if !strings.Contains(planText, x.old) {
			t.Errorf("%q does not stand there", x.old)
			continue
		}
		_, _, err := read(t, strings.Replace(planText, x.old, x.new, 1))
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%q for %q: %v\nwant %s", x.new, x.old, err, x.want)
		}
	}
}

func TestScarceResource(t *testing.T) {
	plans, warnings, err := read(t, strings.Replace(planText, "pump-truck: 3", "pump-truck: 5", 1))
	if err != nil || len(plans) != 1 {
		t.Fatal(err)
	}
	want := "packs/flood/plans.yaml:17:11: warning: the tasks of level III take 5 of pump-truck, and there are 4 [P070]"
	if !strings.Contains(warnings.Error(), want) {
		t.Errorf("%v\nwant %s", warnings, want)
	}
}
