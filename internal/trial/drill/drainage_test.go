package drill

import (
	"context"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/methods/basin"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/respond/plan"
	"github.com/anlan-city/anlan/internal/respond/plan/drainage"
	"github.com/anlan-city/anlan/internal/trial/backtest"
)

// A made-up basin beside a high river: one canal, one station of four pumps, one sluice.
const madeUpBasin = `- id: xicheng
  title: {en: Xicheng basin, zh-CN: 西城片区}
  plan: flood
  agency: drainage
  post: pump-crew
  source: made up
  rain: {asset: rain, property: rain}
  outer: {asset: river, property: level}
  catchments: [{id: town, area_ha: 200, runoff: 0.7, concentration: 40m, base_m3s: 0.1, into: canal}]
  storages:
    - id: canal
      title: {en: Canal, zh-CN: 内河}
      level: {asset: canal, property: level}
      curve: [{stage: 0, volume: 0}, {stage: 4, volume: 160000}]
      least: 1.0
      usual: 2.0
      danger: 3.0
  stations: [{id: north, title: {en: North station, zh-CN: 北泵站}, from: canal, to: outer, units: 4, capacity_m3s: 2.5, start: 2.8, stop: 2.2, between: 0.1}]
  gates: [{id: sluice, title: {en: Sluice, zh-CN: 节制闸}, from: canal, to: outer, width: 4, sill: 1.0, height: 2, flap: true, opening: {asset: sluice, property: opening}}]
`

// Flood with joint drainage, on a made-up storm whose water the basin model itself moves: rain opens the response; the model's
// advice comes onto the board with its figures; nothing is given until a person makes a task of it, and then to the drainage company.
func TestDrainageAdviceInAResponse(t *testing.T) {
	files := fstest.MapFS{drainage.File: {Data: []byte(madeUpBasin)}}
	for _, name := range []string{"pack.yaml", "detectors.yaml", "plans.yaml"} {
		text, err := os.ReadFile(root + "packs/flood/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	p, err := pack.Load(files, "packs/flood")
	if err != nil {
		t.Fatal(err)
	}
	basins, err := drainage.Basins(p)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2026, 7, 12, 0, 0, 0, 0, time.UTC)
	h := storm(basins[0].Model, begin)
	kind := incident(map[string]lifecycle.Limit{"flood/rain": {Value: 5, Unit: "mm/h"}}, nil)
	x := newCity(t, dbtest.SQLite(t, migrations()...), begin, detectorsOf(t, "packs/flood", "rainstorm"), h, planOf(t, "flood"), kind)
	x.plans.Adviser = &drainage.Adviser{Basins: basins, Readings: shown{x, begin}, Clock: x.clock}

	id := x.open(x.proposed(24*time.Hour, "open IV", "open III", "open II"), plan.OpenRequest{Drill: true})
	given := x.count("select count(*) from case_tasks")
	if err := x.plans.Advise(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := x.board(id)
	if len(b.Advice) != 1 || b.Advice[0].State != "open" || x.count("select count(*) from case_tasks") != given {
		t.Fatalf("%+v", b.Advice)
	}
	a := b.Advice[0]
	figures := map[string][]float64{}
	for _, f := range a.Figures {
		figures[f.Title.En] = append(figures[f.Title.En], f.Value)
	}
	t.Logf("%s  %s, %s: %v", x.clock.Now().Format("01-02 15:04"), a.Title.En, a.Because.En, figures)
	nothing, peak, flood := figures["the same if nothing is ordered"], figures["peak, share of the room that is left"], figures["water above the danger stage, expected"]
	if len(figures["pumps running at North station"]) != 1 || len(nothing) != 2 || !(peak[0] < nothing[1] || flood[0] < nothing[0]) {
		t.Errorf("%v", figures)
	}
	if _, err := x.plans.SettleAdvice(officer(1), b.ID, a.ID, plan.AdviceRequest{Take: true, Why: "the crew is at the station"}, ""); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, task := range tasks(x.board(id), "waiting", "drainage") {
		found = found || task.Name == "advice" && strings.Contains(task.Title.Zh, "北泵站开机台数") && task.Post == "pump-crew" && task.Organisation == 111
	}
	if !found {
		t.Errorf("no task of the drainage company came of it: %+v", tasks(x.board(id), "waiting", "drainage"))
	}
	x.end(id, x.proposed(48*time.Hour, "end"))
	if x.board(id).Advice[0].State != "taken" {
		t.Errorf("%+v", x.board(id).Advice)
	}
}

// shown are the newest readings of the drill, by the external id of the asset.
type shown struct {
	*city
	begin time.Time
}

func (s shown) Latest(_ context.Context, g drainage.Gauge) (float64, time.Time, bool) {
	for id, r := range s.latest {
		if st := s.streams[id]; st.AssetKey == g.Asset && st.Property == g.Property {
			return r.Value, r.At, true
		}
	}
	return 0, time.Time{}, false
}

func (s shown) Past(_ context.Context, g drainage.Gauge, from, to time.Time, step time.Duration) []float64 {
	out := slices.Repeat([]float64{math.NaN()}, int(to.Sub(from)/step))
	for at := from; at.Before(to); at = at.Add(step) {
		if g.Asset == "rain" {
			out[at.Sub(from)/step] = falls(at.Sub(s.begin))
		}
	}
	return out
}

// falls is the rain in mm/h so long after the beginning.
func falls(at time.Duration) float64 {
	return math.Round(10*45*math.Exp(-math.Pow((at.Hours()-14)/2.2, 2))) / 10
}

// storm is made up: rain that grows and goes within a day, a river that stays high, and a canal as the model has it without orders.
func storm(m basin.Basin, begin time.Time) *backtest.History {
	h := &backtest.History{}
	for i, s := range []struct{ key, kind, property, unit string }{
		{"rain", "flood/rain-gauge", "flood/rain", "mm/h"}, {"river", "flood/river-gauge", "flood/level", "m"}, {"canal", "flood/canal-gauge", "flood/level", "m"}, {"sluice", "flood/gate", "flood/opening", "%"},
	} {
		h.Streams = append(h.Streams, backtest.Stream{AssetKey: s.key, Unit: s.unit, Stream: engine.Stream{
			ID: int64(i + 1), Asset: int64(i + 1), Place: int64(i + 1), Area: 30, Property: s.property, Kind: s.kind,
			AssetName: engine.Wording{EN: s.key, ZH: s.key}, PlaceName: engine.Wording{EN: s.key, ZH: s.key},
		}})
	}
	const step = 5 * time.Minute
	auto := basin.Settings{Units: []int{basin.Auto}, Openings: []float64{0}}
	h.Each = func(_ context.Context, fn func(engine.Reading) error) error {
		s := m.Dry()
		for at := time.Duration(0); at < 48*time.Hour; at += step {
			for stream, v := range []float64{falls(at), 3.2, m.Stages(s)[0], 0} {
				r := engine.Reading{Datastream: int64(stream + 1), At: begin.Add(at).UnixMicro(), Value: v, Number: true}
				if err := fn(r); err != nil {
					return err
				}
			}
			var err error
			weather := basin.Weather{Step: step, Rain: [][]float64{{falls(at)}}, Outer: []float64{3.2}}
			if s, _, err = m.Run(s, auto, weather, 0, step, time.Minute); err != nil {
				return err
			}
		}
		return nil
	}
	return h
}
