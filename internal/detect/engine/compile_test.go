package engine

import (
	_ "embed"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
)

var update = flag.Bool("update", false, "write what came out as what is expected")

// What explains an alert is a detector of the pack, or is named with its pack; a rule that joins others stands in no network.
func TestSuppressors(t *testing.T) {
	rules := func(line string) string {
		return strings.Replace(testDetectors, "  silent_after: 2h\n", "  silent_after: 2h\n  "+line+"\n", 1)
	}
	for line, want := range map[string]string{
		"suppressed_by: methane-ambient":                               "",
		"suppressed_by: methane-indoor":                                "can't suppress itself",
		"suppressed_by: methane-ambiant":                               `the pack has no detector "methane-ambiant"`,
		"suppressed_from_upstream: [methane-indoor, power/outage]":     "",
		"suppressed_from_upstream: gas/methane-ambient":                "",
		"suppressed_from_upstream: [methane-ambiant, power/outage]":    `the pack has no detector "methane-ambiant"`,
		"suppressed_from_upstream: gas/methane-ambiant":                `the pack has no detector "methane-ambiant"`,
		"suppressed_from_upstream: {rule: power/outage, where: there}": "needs a text",
	} {
		_, err := compileText(rules(line))
		if got := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %s", line, got)
		}
	}
}

// Each folder of testdata/broken is a pack whose detectors have everything wrong that its name says.
func TestDiagnostics(t *testing.T) {
	dirs, err := filepath.Glob("testdata/broken/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no broken packs", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			p, err := pack.Load(os.DirFS(dir), "packs/"+filepath.Base(dir))
			if err != nil {
				t.Fatal(err)
			}
			_, err = Compile(p)
			if err == nil {
				t.Fatal("nothing was found wrong")
			}
			file := filepath.Join(dir, "expected.txt")
			if *update {
				if err := os.WriteFile(file, []byte(err.Error()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, readErr := os.ReadFile(file)
			if readErr != nil {
				t.Fatal(readErr)
			}
			if got := err.Error() + "\n"; got != string(want) {
				t.Errorf("%s (-update writes what came out)\n--- got\n%s--- want\n%s", file, got, want)
			}
		})
	}
}

// The pack of these tests, and of those of the room: kitchen alarms, alarms in homes and fence monitors.
var (
	//go:embed testdata/harbour/pack.yaml
	testPack string
	//go:embed testdata/harbour/detectors.yaml
	testDetectors string
)

func compiled(t testing.TB, detectors string) []*Detector {
	t.Helper()
	ds, err := compileText(detectors)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func compileText(detectors string) ([]*Detector, error) {
	p, err := pack.Load(fstest.MapFS{"pack.yaml": {Data: []byte(testPack)}, File: {Data: []byte(detectors)}}, "packs/gas")
	if err != nil {
		return nil, err
	}
	return Compile(p)
}

func TestCompile(t *testing.T) {
	ds := compiled(t, testDetectors)
	d := ds[0]
	if d.ID != "gas/methane-indoor" || len(d.Levels) != 3 || d.Levels[0].Level != Yellow || d.Levels[2].Level != Red || d.SilentAfter != 2*time.Hour ||
		d.Opens != (Opens{"gas-leak", "gas-plan", Orange}) || d.Property.ID != "gas/methane" || len(d.Kinds) != 2 {
		t.Errorf("%+v", d)
	}
	for _, c := range []struct{ got, want string }{
		{d.Rule.EN, "Yellow when Methane in air ≥ 5 %LEL for 1 min; orange when Methane in air ≥ 10 %LEL for 30 s; red when Methane in air ≥ 20 %LEL for 10 s."},
		{d.Rule.ZH, "甲烷浓度 ≥ 5 %LEL，持续1分钟，发黄色告警；甲烷浓度 ≥ 10 %LEL，持续30秒，发橙色告警；甲烷浓度 ≥ 20 %LEL，持续10秒，发红色告警。"},
		{d.Clears.EN, "Clears when Methane in air < 3 %LEL for 10 min."},
		{d.Clears.ZH, "甲烷浓度 < 3 %LEL，持续10分钟后恢复。"},
		{ds[1].Rule.EN, "Yellow when Ambient methane above background ≥ 1 ppm for 5 min within 1 h. The instruments of one place make one alert."},
		{ds[1].Clears.ZH, "各仪器均满足环境甲烷高出本底 < 0.5 ppm，持续1小时后恢复。"},
	} {
		if c.got != c.want {
			t.Errorf("\n got %s\nwant %s", c.got, c.want)
		}
	}
}

// What the packs say of an alert names its place once. In the street the name of the asset holds the place; in a home the
// asset is called by its kind, so the place says where.
func TestShippedWordsNamePlaceOnce(t *testing.T) {
	dirs, err := filepath.Glob("../../../packs/*/" + File)
	if err != nil || len(dirs) == 0 {
		t.Fatal("no packs", err)
	}
	for _, file := range dirs {
		dir := filepath.Dir(file)
		p, err := pack.Load(os.DirFS(dir), "packs/"+filepath.Base(dir))
		if err != nil {
			t.Fatal(err)
		}
		all, err := Compile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			street := Stream{AssetName: Wording{"Harbour Road street probe", "金潮路监测仪"}, PlaceName: Wording{"Harbour Road", "金潮路"}, AreaName: Wording{"Old Town", "老城"}}
			if said := d.Because(Change{Detector: d, To: Yellow, Value: math.NaN(), Values: make([]float64, len(d.vars))}, street); strings.Contains(said.EN+said.ZH, "NaN") {
				t.Errorf("%s says an unknown value as %q, %q", d.ID, said.EN, said.ZH)
			}
			said := d.Because(Change{Detector: d, To: Yellow, Values: make([]float64, len(d.vars))}, street)
			for lang, names := range map[string][2]string{"en": {"Harbour Road", "Old Town"}, "zh-CN": {"金潮路", "老城"}} {
				if at, in := strings.Count(said.In(lang), names[0]), strings.Count(said.In(lang), names[1]); at+in == 0 || at > 1 || in > 1 {
					t.Errorf("%s: %q", d.ID, said.In(lang))
				}
			}
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 400 * time.Millisecond: "0 s", 90 * time.Second: "1 min 30 s", time.Hour + 5*time.Second: "1 h",
		49*time.Hour + time.Minute: "2 d 1 h", 10 * time.Minute: "10 min",
	} {
		if got := span(d).EN; got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	if got := span(90 * time.Minute).ZH; got != "1小时30分钟" {
		t.Error(got)
	}
}

// The fingerprint changes with whatever a saved state depends on, and with nothing else.
func TestFingerprint(t *testing.T) {
	base := compiled(t, testDetectors)[0].hash
	for _, c := range []struct {
		from, to string
		changes  bool
	}{
		{"value >= 20", "value >= 21", true},
		{"for: 1m}", "for: 2m}", true},
		{"for: 10m}", "for: 11m}", true},
		{"every: 30s", "every: 31s", true},
		{"Methane indoors", "Gas indoors", false},
		{"a test", "another test", false},
		{"from: orange", "from: red", false},
	} {
		ds := compiled(t, replaceOnce(t, testDetectors, c.from, c.to))
		if got := ds[0].hash != base; got != c.changes {
			t.Errorf("%q -> %q: changed is %v", c.from, c.to, got)
		}
	}
}

func TestTimesOfDay(t *testing.T) {
	for text, good := range map[string]bool{
		"02:00": true, "2:05": true, "00:00": true, "23:59": true, "24:00": true,
		"24:30": false, "25:00": false, "2": false, "02:60": false, "02:00 pm": false,
	} {
		_, err := compileText(rule(kitchen + `
  derives: {night: {mean_between: {from: "01:00", to: "` + text + `"}}}
  levels: {red: {when: "night >= 10"}}
  clear: {when: "night < 5", for: 0s}`))
		if good != (err == nil) || err != nil && !strings.Contains(err.Error(), "is no time of the day") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
