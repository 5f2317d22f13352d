package backtest

import (
	"cmp"
	"context"
	"slices"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/trial/replay"
)

// FromMapping is the past in recorded files below dir, read as `anlan replay` reads them: see docs/replay.md. Events of the
// mapping's truth section come with it.
func FromMapping(mapping, dir string, skipBad bool) (*History, error) {
	plan, left, err := replay.Read(mapping, dir, skipBad)
	if err != nil {
		return nil, err
	}
	h := fromPlan(plan)
	if len(left) > 0 {
		h.Notes = append(h.Notes, note("%d cells or rows with a problem were left out, such as %v", "%d 个单元格或行有问题，未采用，例如 %v", len(left), left[0]))
	}
	return h, nil
}

func fromPlan(plan *replay.Plan) *History {
	h := &History{}
	places, assets := newRegister(plan.Places), newRegister(plan.Assets)
	known := map[int32]int64{}
	strangers := 0
	for i, d := range plan.Datastreams {
		a, ok := assets.by[d.Asset]
		if !ok {
			strangers++
			continue
		}
		p := places.by[a.Place]
		id := int64(i + 1)
		known[int32(i)] = id
		s := Stream{
			Stream: engine.Stream{
				ID: id, Property: d.Property, Asset: assets.id[a.ID], Kind: a.Pack + "/" + a.Kind, Place: places.id[a.Place],
				AssetName: wording(a.Name), PlaceName: wording(p.Name),
			},
			AssetKey: a.ID, PlaceKey: a.Place, Unit: d.Unit,
		}
		switch {
		case a.HasPoint:
			s.Point = &[2]float64{a.Lon, a.Lat}
		case p.HasPoint:
			s.Point = &[2]float64{p.Lon, p.Lat}
		}
		h.Streams = append(h.Streams, s)
	}
	if strangers > 0 {
		h.Notes = append(h.Notes, note("%d datastreams were left out, since the mapping does not declare their assets", "%d 条数据流未采用：映射文件没有声明其设施", strangers))
	}
	readings := slices.Clone(plan.Readings)
	slices.SortStableFunc(readings, func(a, b replay.Reading) int { return cmp.Compare(a.At, b.At) })
	h.Each = func(ctx context.Context, fn func(engine.Reading) error) error {
		for n, r := range readings {
			id, ok := known[r.Stream]
			if !ok {
				continue
			}
			if n%4096 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if err := fn(engine.Reading{Datastream: id, At: r.At, Value: r.Number, Number: r.Text < 0}); err != nil {
				return err
			}
		}
		return nil
	}
	for _, e := range plan.Events {
		h.Truth = append(h.Truth, Event{Name: e.Name, Start: e.Start, End: e.End, Detector: plan.TruthDetector()})
	}
	return h
}

// register gives numbers to what is known by its external id.
type register struct {
	by map[string]replay.Entity
	id map[string]int64
}

func newRegister(all []replay.Entity) register {
	r := register{map[string]replay.Entity{}, map[string]int64{}}
	for i, e := range all {
		r.by[e.ID], r.id[e.ID] = e, int64(i+1)
	}
	return r
}

// wording is a name in both languages; one that is given in one only serves for both.
func wording(name map[string]string) engine.Wording {
	en, zh := cmp.Or(name["en"], name[""], name["zh-CN"]), cmp.Or(name["zh-CN"], name[""], name["en"])
	return engine.Wording{EN: en, ZH: zh}
}
