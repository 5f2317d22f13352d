package app

import (
	"context"
	"slices"

	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/detect/outside"
	"github.com/anlan-city/anlan/internal/sensing"
)

// newModels makes the room of outside models.
func (a *App) newModels() *outside.Service {
	var kinds []string
	for _, k := range a.packs.cases {
		kinds = append(kinds, k.ID)
	}
	return outside.New(outside.Deps{
		DB: a.db, Clock: a.clock, Access: a.access, Catalogue: catalogue{register{a}}, Readings: a.sensing, Alerts: a.detect, News: a.bus, Cases: kinds,
	})
}

// models fulfils detect.Models; the room of outside models comes after that of detectors.
type models struct{ *App }

func (m models) Named(ctx context.Context) ([]detect.Named, error) { return m.models.Named(ctx) }

// catalogue fulfils outside.Catalogue.
type catalogue struct{ register }

var _ outside.Catalogue = catalogue{}

// Series lists the datastreams of a selection, by id.
func (c catalogue) Series(ctx context.Context, sel outside.Selection) ([]outside.Series, error) {
	var ids []int64
	if sel.Property == "" {
		ids = slices.Compact(slices.Sorted(slices.Values(sel.Datastreams)))
	} else {
		c.sensing.All(func(d sensing.DatastreamState) {
			if d.Property == sel.Property {
				ids = append(ids, d.ID)
			}
		})
	}
	found, err := c.Streams(ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []outside.Series
	for _, id := range ids {
		s, ok := found[id]
		if !ok || sel.Property != "" && !slices.Contains(sel.Kinds, s.Kind) {
			continue
		}
		d, _ := c.sensing.Lookup(id)
		at, _ := c.city.AssetSpot(s.Asset)
		out = append(out, outside.Series{Stream: s, Unit: d.Unit, Home: at.Home})
	}
	return out, nil
}
