package app

import (
	"context"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/sensing/coverage"
)

// newCoverage makes the room that knows what watches each asset. kinds are those of the loaded packs, with what they measure.
func (a *App) newCoverage(ctx context.Context, kinds []pack.Kind) (*coverage.Service, error) {
	return coverage.New(ctx, coverage.Deps{
		DB: a.db, Clock: a.clock, Access: a.access, Streams: a.sensing, Register: watched{a},
		Kinds: kinds, Properties: a.packs.properties, Detectors: watchers(a.packs.detectors),
	})
}

// watchers are the detectors as coverage sees them: those by which an instrument can be silent, one for each property that they
// watch.
func watchers(ds []*engine.Detector) (out []coverage.Detector) {
	add := func(d *engine.Detector, property string, kinds []pack.Kind, silent time.Duration) {
		if silent == 0 {
			return // another rule tells when its instruments are mute
		}
		x := coverage.Detector{ID: d.ID, Property: property, SilentAfter: silent}
		for _, k := range kinds {
			x.Kinds = append(x.Kinds, k.ID)
		}
		out = append(out, x)
	}
	for _, d := range ds {
		if len(d.Inputs) == 0 {
			add(d, d.Property.ID, d.Kinds, d.SilentAfter)
		}
		for _, in := range d.Inputs {
			add(d, in.Property.ID, in.Kinds, in.SilentAfter)
		}
	}
	return out
}

// watched fulfils coverage.Register from city.
type watched struct{ *App }

var _ coverage.Register = watched{}

// Assets fulfils coverage.Register.
func (w watched) Assets(ctx context.Context, fn func(coverage.Asset)) error {
	ctx = access.With(ctx, access.System("coverage"))
	f := city.AssetFilter{Limit: city.MaxPage}
	for {
		items, next, err := w.city.Assets(ctx, f)
		if err != nil {
			return err
		}
		for i := range items {
			a := &items[i]
			fn(coverage.Asset{
				ID: a.ID, Key: a.ExternalID, Kind: a.Kind, Place: a.Place, Area: a.Area, Organisation: a.Organisation,
				Name: phrase(a.Name), PlaceName: phrase(a.PlaceName), Point: a.Point, Home: a.Premises == city.PremisesHome,
			})
		}
		if next == 0 {
			return nil
		}
		f.After = next
	}
}

// Areas fulfils coverage.Register.
func (w watched) Areas(ctx context.Context) ([]coverage.Area, error) {
	areas, err := w.city.Areas(access.With(ctx, access.System("coverage")), "")
	if err != nil {
		return nil, err
	}
	out := make([]coverage.Area, len(areas))
	for i, a := range areas {
		out[i] = coverage.Area{ID: a.ID, Parent: a.Parent, Name: phrase(a.Name)}
	}
	return out, nil
}

// Zone fulfils coverage.Register.
func (w watched) Zone(ctx context.Context) (*time.Location, error) {
	return zone(ctx, w.city, "coverage")
}

// Asset fulfils coverage.Register.
func (w watched) Asset(id int64) (coverage.Spot, bool) {
	s, ok := w.city.AssetSpot(id)
	return coverage.Spot{Place: s.Place, Area: s.Area, Organisation: s.Organisation}, ok
}

// Place fulfils coverage.Register.
func (w watched) Place(id int64) (coverage.Spot, bool) {
	s, ok := w.city.PlaceSpot(id)
	return coverage.Spot{Place: id, Area: s.Area, Organisation: w.city.AnswersFor(s.Area)}, ok
}

// AssetByKey fulfils coverage.Register.
func (w watched) AssetByKey(externalID string) (int64, bool) { return w.city.AssetByKey(externalID) }

// works fulfils detect.Works from coverage.
type works struct{ *coverage.Service }

var _ detect.Works = works{}

// Works fulfils detect.Works.
func (w works) Works(asset int64, at time.Time) (detect.PlannedWorks, bool) {
	on, ok := w.Service.Works(asset, at)
	return detect.PlannedWorks{Works: on.ID, Reason: on.Reason, From: on.From, Until: on.Until}, ok
}

func phrase(n city.Name) coverage.Text { return coverage.Text{EN: n.In("en"), ZH: n.In("zh-CN")} }
