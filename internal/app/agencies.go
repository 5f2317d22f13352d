package app

import (
	"context"
	"strings"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/respond/plan"
)

var _ plan.Register = register{}

// Find fulfils plan.Register.
func (r register) Find(ctx context.Context, w plan.Way, s inspect.Spot) ([]int64, error) {
	ctx = access.With(ctx, access.System("plan"))
	switch {
	case w.Organisation != "":
		if id, ok := r.city.OrganisationID(w.Organisation); ok {
			return []int64{id}, nil
		}
		return nil, nil
	case w.Kind != "":
		return r.city.OrganisationsOf(ctx, w.Kind)
	case w.Of != "":
		return r.city.HoldersFor(ctx, w.Duty, w.Pack, w.Of, s.Area)
	case s.Asset != 0:
		return r.city.Holders(ctx, w.Duty, w.Pack, city.SubjectAsset, s.Asset)
	case s.Place != 0:
		return r.city.Holders(ctx, w.Duty, w.Pack, city.SubjectPlace, s.Place)
	case s.Area != 0:
		return r.city.Holders(ctx, w.Duty, w.Pack, city.SubjectArea, s.Area)
	}
	return nil, nil
}

// Pack fulfils plan.Register.
func (r register) Pack(_ context.Context, asset int64) string {
	s, _ := r.city.AssetSpot(asset)
	pack, _, _ := strings.Cut(s.Kind, "/")
	return pack
}
