package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every pack that is shipped is sound, and what its detectors open exists.
func TestShippedPacks(t *testing.T) {
	p, err := LoadPacks()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, k := range p.cases {
		kinds[k.ID] = true
	}
	for _, d := range p.detectors {
		if d.Opens.Case != "" && !kinds[d.Opens.Case] {
			t.Errorf("%s opens %q, which no pack declares", d.ID, d.Opens.Case)
		}
		t.Logf("%s (%s)\n%s\n%s\n%s\n%s", d.ID, d.Maturity, d.Rule.EN, d.Clears.EN, d.Rule.ZH, d.Clears.ZH)
	}
	if len(p.detectors) == 0 || len(p.cases) == 0 {
		t.Fatal("no detectors or no case kinds")
	}
}

func TestLoadPacksNamesThePlace(t *testing.T) {
	_, err := LoadPacks("testdata/broken")
	if err == nil {
		t.Fatal("a broken pack is sound")
	}
	for _, want := range []string{`testdata/broken/detectors.yaml:10:5: `, `did you mean "orange"?`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}

// The wind that a rule about origins names is most often another pack's, so only all packs together tell that it is there, and
// in the unit that it is taken in.
func TestLoadPacksLooksForTheWind(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "site")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"pack.yaml": `pack: site
title: {en: Site, zh-CN: 场站}
observes:
  gas: {title: {en: Gas, zh-CN: 可燃气体}, unit: ppm, range: [0, 50000]}
  wind: {title: {en: Wind, zh-CN: 风速}, unit: km/h, range: [0, 400]}
assets: {monitor: {title: {en: Monitor, zh-CN: 监测仪}, measures: [gas, wind]}}
`,
		"detectors.yaml": `- id: gas
  title: {en: Gas, zh-CN: 燃气}
  watches: gas
  on: monitor
  derives: {excess: {above_background: {rise_per_hour: 1, fall: 30m}}}
  levels: {yellow: {when: "excess >= 2"}}
  clear: {when: "excess < 1", for: 1h}
  silent_after: 6h
  origin: {among: water/tower, wind: {from: weather/wind-directoin, speed: wind}}
  because: {en: "{{value}}", zh-CN: "{{value}}"}
  source: a test
  known_false_alarms: [traffic]
  maturity: draft
  owner: site-duty
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err := LoadPacks(dir)
	if err == nil {
		t.Fatal("a wind that nobody measures is sound")
	}
	for _, want := range []string{
		"origin of site/gas: no pack observes weather/wind-directoin", "origin of site/gas: site/wind is in km/h and must be in m/s", "origin of site/gas: no pack has a kind of asset water/tower",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}
