package drainage

import (
	"context"
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/respond/plan"
)

var noon = time.Date(2026, 7, 12, 4, 0, 0, 0, time.UTC)

const packText = `pack: flood
title: {en: Flood, zh-CN: 防汛}
observes:
  level: {title: {en: Level, zh-CN: 水位}, unit: m, range: [-20, 100]}
  rain: {title: {en: Rain, zh-CN: 雨强}, unit: mm/h, range: [0, 500]}
  pumps-running: {title: {en: Pumps running, zh-CN: 运行水泵台数}, unit: "1", range: [0, 100]}
  pumps-able: {title: {en: Pumps able to run, zh-CN: 可投运水泵台数}, unit: "1", range: [0, 100]}
  opening: {title: {en: Opening, zh-CN: 闸门开度}, unit: "%", range: [0, 100]}
assets: {gauge: {title: {en: Gauge, zh-CN: 水位站}, measures: [level, rain, pumps-running, pumps-able, opening]}}
`

// A canal that fills within hours in heavy rain: its own switches start the pumps late.
const basinText = `- id: xicheng
  title: {en: Xicheng basin, zh-CN: 西城片区}
  plan: storm
  agency: drainage
  post: pump-crew
  source: made up for a test
  rain: {asset: rain-1, property: rain}
  outer: {asset: river-1, property: level}
  catchments:
    - {id: town, area_ha: 200, runoff: 0.7, concentration: 40m, base_m3s: 0.1, into: canal}
  storages:
    - id: canal
      title: {en: Canal, zh-CN: 内河}
      level: {asset: canal-1, property: level}
      curve: [{stage: 0, volume: 0}, {stage: 4, volume: 160000}]
      least: 1.0
      usual: 2.0
      danger: 3.0
  stations:
    - {id: north, title: {en: North station, zh-CN: 北泵站}, from: canal, to: outer, units: 4, capacity_m3s: 2.5, start: 2.8, stop: 2.2, between: 0.1, running: {asset: north-1, property: pumps-running}}
  gates:
    - {id: sluice, title: {en: Sluice, zh-CN: 节制闸}, from: canal, to: outer, width: 4, sill: 1.0, height: 2, flap: true, opening: {asset: sluice-1, property: opening}}
`

func read(t *testing.T, text string) ([]*Basin, error) {
	t.Helper()
	p, err := pack.Load(fstest.MapFS{"pack.yaml": {Data: []byte(packText)}, File: {Data: []byte(text)}}, "packs/flood")
	if err != nil {
		t.Fatal(err)
	}
	return Basins(p)
}

func TestMistakes(t *testing.T) {
	if bs, err := read(t, basinText); err != nil || len(bs) != 1 || bs[0].Rain != (Gauge{"rain-1", "flood/rain"}) || bs[0].Model.Catchments[0].Area != 2e6 {
		t.Fatalf("%+v %v", bs, err)
	}
	for _, x := range []struct{ old, new, want string }{
		{"into: canal", "into: cannal", `there is no storage "cannal", did you mean "canal"? [P011]`},
		{"from: canal, to: outer, units", "from: outer, to: canal, units", `there is no storage "outer"`},
		{"to: outer, width", "to: oter, width", `there is no storage "oter", did you mean "outer"? [P011]`},
		{"runoff: 0.7", "runoff: 7", `[P006]`},
		{"danger: 3.0", "danger: 1.5", `xicheng: storage canal`},
		{"units: 4, ", "", `lacks "units"`},
		{", opening: {asset: sluice-1, property: opening}", "", `the gate sluice lacks "opening", and is not fixed [P005]`},
		{"  plan: storm\n", "", `lacks "plan"`},
	} {
		if _, err := read(t, strings.Replace(basinText, x.old, x.new, 1)); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%q for %q: %v\nwant %s", x.new, x.old, err, x.want)
		}
	}
}

// gauges are what the instruments show.
type gauges map[Gauge]struct {
	value float64
	at    time.Time
}

func (g gauges) Latest(_ context.Context, x Gauge) (float64, time.Time, bool) {
	r, ok := g[x]
	return r.value, r.at, ok
}

// Past is what the instrument shows now, every half hour; it was silent for as many hours at the beginning as a test has it.
func (g gauges) Past(_ context.Context, x Gauge, from, to time.Time, step time.Duration) []float64 {
	r, ok := g[x]
	if !ok {
		return nil
	}
	out := make([]float64, to.Sub(from)/step)
	for i := range out {
		if out[i] = math.NaN(); i%3 == 2 && time.Duration(i)*step >= time.Duration(g[Gauge{x.Asset, "silent"}].value)*time.Hour {
			out[i] = r.value
		}
	}
	return out
}

func (g gauges) set(asset, property string, value float64, at time.Time) {
	g[Gauge{asset, "flood/" + property}] = struct {
		value float64
		at    time.Time
	}{value, at}
}

func TestAdvice(t *testing.T) {
	bs, err := read(t, basinText)
	if err != nil {
		t.Fatal(err)
	}
	p := &plan.Plan{ID: "storm", Agencies: []plan.Agency{{ID: "drainage"}}}
	g := gauges{}
	a := &Adviser{Basins: bs, Readings: g, Clock: clock.NewVirtual(noon)}
	ask := func() []plan.Advised {
		t.Helper()
		x, err := a.Advise(context.Background(), p, plan.Activation{})
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	if x := ask(); len(x) != 0 {
		t.Fatalf("advice without a reading: %+v", x)
	}
	g.set("rain-1", "rain", 40, noon)
	g.set("river-1", "level", 3.2, noon) // the river is high: only the pumps help
	g.set("canal-1", "level", 2.3, noon.Add(-time.Hour))
	if x := ask(); len(x) != 0 {
		t.Fatalf("advice on a reading of an hour ago: %+v", x)
	}
	g.set("canal-1", "level", 2.3, noon.Add(-time.Minute))
	g.set("north-1", "pumps-running", 0, noon)
	if x := ask(); len(x) != 0 {
		t.Fatalf("advice on a gate of which nothing is known: %+v", x)
	}
	g.set("sluice-1", "opening", 100, noon)
	silent := g[Gauge{"rain-1", "flood/rain"}]
	silent.value = 1
	g[Gauge{"rain-1", "silent"}] = silent
	if x := ask(); len(x) != 0 {
		t.Fatalf("advice without the rain that is on its way: %+v", x)
	}
	delete(g, Gauge{"rain-1", "silent"})
	x := ask()
	if len(x) != 1 {
		t.Fatalf("nothing to say in heavy rain: %+v", x)
	}
	figures := map[string]float64{}
	for _, f := range x[0].Figures {
		if _, twice := figures[f.Title.En]; !twice {
			figures[f.Title.En] = f.Value
		}
	}
	if figures["pumps running at North station"] < 3 || x[0].Agency != "drainage" || x[0].Post != "pump-crew" ||
		!strings.Contains(x[0].Because.En, "40 mm/h for 2 h") || !strings.Contains(x[0].Because.En, "all pumps able to run") || !strings.Contains(x[0].Title.Zh, "西城片区") {
		t.Errorf("%+v", x[0])
	}
	t.Logf("%s, %s: %v", x[0].Title.En, x[0].Because.En, x[0].Figures)
	if y := ask(); len(y) != 1 || len(y[0].Figures) != len(x[0].Figures) || y[0].Figures[0] != x[0].Figures[0] {
		t.Error("the same question has another answer")
	}

	// Dry weather and a quiet canal are no matter for a crew.
	g.set("rain-1", "rain", 0, noon)
	g.set("canal-1", "level", 2.0, noon)
	if x := ask(); len(x) != 0 {
		t.Errorf("advice in dry weather: %+v", x)
	}
	// Another plan, or one without the agency, is not advised.
	g.set("rain-1", "rain", 40, noon)
	g.set("canal-1", "level", 2.3, noon)
	p.Agencies = nil
	if x := ask(); len(x) != 0 {
		t.Errorf("advice for nobody: %+v", x)
	}
	p.ID = "other"
	if x := ask(); len(x) != 0 {
		t.Errorf("advice for another plan: %+v", x)
	}
}
