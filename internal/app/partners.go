package app

import (
	"context"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/warn/partner"
)

// newPartners makes the room that takes in the warnings of other services.
func (a *App) newPartners() *partner.Service {
	version := a.options.Version
	if version == "" {
		version = "dev"
	}
	return partner.New(partner.Deps{
		DB: a.db, Clock: a.clock, Access: a.access, Register: outlines{register{a}}, Hazards: hazardTitles{a},
		Changed: func(tx *db.Tx) { a.public.RelayChanged(tx) },
		Agent:   "Anlan/" + version + " (+" + a.publicURL() + ")",
	})
}

// outlines fulfils partner.Register.
type outlines struct{ register }

var _ partner.Register = outlines{}

// Areas lists districts and towns with their outlines, parents first.
func (o outlines) Areas(ctx context.Context) ([]partner.Area, error) {
	areas, err := o.districts(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]partner.Area, len(areas))
	for i, x := range areas {
		out[i] = partner.Area{ID: x.ID, Parent: x.Parent, Code: x.ExternalID, Name: text(x.Name), Rings: outerRings(x.Geometry.Geometry)}
	}
	return out, nil
}

// hazardTitles fulfils partner.Hazards.
type hazardTitles struct{ *App }

var _ partner.Hazards = hazardTitles{}

// Hazards lists what a warning can be about, composed here or passed on.
func (h hazardTitles) Hazards(ctx context.Context) ([]partner.Hazard, error) {
	all, err := h.warn.Hazards(access.With(ctx, access.System("partners")))
	if err != nil {
		return nil, err
	}
	out := make([]partner.Hazard, len(all))
	for i, x := range all {
		out[i] = partner.Hazard{ID: x.ID, Title: x.Event}
	}
	return out, nil
}
