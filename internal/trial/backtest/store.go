package backtest

import (
	"context"
	"fmt"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/sensing"
)

// FromStore is the past in a server's own store, of which properties says what is wanted. Nothing is written. The register is
// that of today: an asset that was moved counts as if it had always stood there.
//
// It asks nobody for leave: who can open the store's file can read all of it.
func FromStore(ctx context.Context, d *db.DB, properties map[string]bool) (*History, error) {
	register := city.New(city.Deps{DB: d, Clock: clock.System(), Access: access.AllowAll})
	if err := register.Load(ctx); err != nil {
		return nil, err
	}
	log, err := sensing.New(ctx, sensing.Options{
		DB: d, Clock: clock.System(), Access: access.AllowAll,
		Asset:    func(int64) sensing.Asset { return sensing.Asset{} },
		Property: func(string) (sensing.Property, bool) { return sensing.Property{}, false },
	})
	if err != nil {
		return nil, err
	}
	keys, err := placeKeys(ctx, register)
	if err != nil {
		return nil, err
	}
	h := &History{}
	var ids []int64
	log.All(func(x sensing.DatastreamState) {
		at, ok := register.AssetSpot(x.Asset)
		if !ok || !properties[x.Property] || x.State.Count == 0 {
			return
		}
		point := [2]float64(at.Point)
		ids = append(ids, x.ID)
		h.Streams = append(h.Streams, Stream{
			Stream: engine.Stream{
				ID: x.ID, Property: x.Property, Asset: x.Asset, Kind: at.Kind, Place: at.Place, Area: at.Area, Organisation: at.Organisation,
				Point: &point, AssetName: named(at.AssetName), PlaceName: named(at.PlaceName), AreaName: named(register.AreaName(at.Area)),
			},
			AssetKey: at.AssetKey, PlaceKey: keys[at.Place], Unit: x.Unit, Home: at.Home,
		})
	})
	h.Each = func(ctx context.Context, fn func(engine.Reading) error) error {
		if len(ids) == 0 {
			return nil
		}
		return log.Scan(ctx, sensing.Query{Datastreams: ids, Order: sensing.ByTime}, func(r sensing.Stored) error {
			v, number := r.Value.Float()
			return fn(engine.Reading{Datastream: r.Datastream, At: r.At, Value: v, Number: number, Doubtful: !r.Marks.Judged()})
		})
	}
	return h, nil
}

// placeKeys are the external ids of all places.
func placeKeys(ctx context.Context, register *city.Service) (map[int64]string, error) {
	const page = 1000
	keys := map[int64]string{}
	ctx = access.With(ctx, access.System("backtest"))
	for after := int64(0); ; {
		places, next, err := register.Places(ctx, after, page)
		if err != nil {
			return nil, fmt.Errorf("places: %w", err)
		}
		for _, p := range places {
			keys[p.ID] = p.ExternalID
		}
		if next == 0 {
			return keys, nil
		}
		after = next
	}
}

func named(n city.Name) engine.Wording { return engine.Wording{EN: n.In("en"), ZH: n.In("zh-CN")} }
