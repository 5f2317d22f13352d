package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/hazard"
	"github.com/anlan-city/anlan/internal/warn/public"
)

// bindWarnings joins what the packs say of warnings, and says which detectors and hazards they name that no loaded pack declares.
func (p *packs) bindWarnings(own, shipped []*hazard.Set) (err error) {
	var errs []error
	if p.book, err = hazard.Bind(own, shipped); err != nil {
		errs = append(errs, err)
	}
	var detectors []string
	for _, d := range p.detectors {
		detectors = append(detectors, d.ID)
	}
	for _, s := range slices.Concat(own, shipped) {
		for _, n := range s.Elsewhere() {
			if !slices.ContainsFunc(p.detectors, func(d *engine.Detector) bool { return d.ID == n.Name }) {
				errs = append(errs, fmt.Errorf("%s: no pack has a detector %q%s", n.Pos, n.Name, pack.Suggest(n.Name, detectors)))
			}
		}
	}
	known := p.book.IDs()
	for _, x := range p.plans {
		for _, h := range x.Hazards() {
			if !slices.Contains(known, h) {
				errs = append(errs, fmt.Errorf("plan %s of the pack %s: there is no hazard %q%s", x.ID, x.Pack, h, pack.Suggest(h, known)))
			}
		}
	}
	return errors.Join(errs...)
}

// buildWarnings makes the rooms of warnings: where they hold, what becomes of them, and what the public reads of it.
func (a *App) buildWarnings(site page.Site) (err error) {
	known := register{a}
	a.area = area.New(area.Deps{Access: a.access, Register: known, Ground: known, Holdings: known, Hazards: a.packs.book})
	a.warn, err = warn.New(warn.Deps{
		DB: a.db, Clock: a.clock, Access: a.access, Areas: a.area, Reach: a.reach, Hazards: a.packs.book, Organisation: a.city.OrganisationKey,
		News: a.bus, Alert: a.alertFacts, District: a.city.AboveGrid,
		Changed: func(tx *db.Tx) { a.public.Changed(tx) },
		Options: warn.Options{BaseURL: a.publicURL(), Sender: a.options.Sender, SenderName: a.office(site), TimeZone: site.TimeZone,
			Contact: a.options.Warn.Contact, IdentifierPrefix: a.options.Warn.IdentifierPrefix, GeocodeName: a.options.Warn.Geocode, MaxDuration: a.options.Warn.Longest,
			KeyFile: filepath.Join(a.options.Data, WarningsKeyFile)},
	})
	if err != nil {
		return fmt.Errorf("warn: %w", err)
	}
	a.public, err = public.New(public.Deps{Clock: a.clock, Access: a.access, Warnings: a.warn, Areas: known, Gazetteer: gazetteer{known}, Relays: a.partners, Site: site})
	if err != nil {
		return fmt.Errorf("public warnings: %w", err)
	}
	return nil
}

// office is who issues the city's warnings.
func (a *App) office(site page.Site) page.Text {
	name := page.Text{English: a.options.Warn.Office, Chinese: a.options.Warn.OfficeZh}
	if name.English == "" && site.Name.English != "" {
		name.English = site.Name.English + " duty office"
	}
	if name.Chinese == "" && site.Name.Chinese != "" {
		name.Chinese = site.Name.Chinese + "应急值班室"
	}
	return name
}

// alertFacts is what warn asks of an alert that no hazard listens for.
func (a *App) alertFacts(ctx context.Context, id int64) (events.AlertFacts, error) {
	x, err := a.detect.Get(ctx, id)
	if err != nil {
		return events.AlertFacts{}, err
	}
	return x.Facts(a.clock.Now()), nil
}

// findEvidence looks for what a verdict points at, as the officer may see it.
func (a *App) findEvidence(ctx context.Context, kind string, id int64) (err error) {
	switch kind {
	case "alert":
		_, err = a.detect.Get(ctx, id)
	case "case":
		_, err = a.respond.Case(ctx, id)
	case "report":
		_, err = a.reports.Get(ctx, id)
	}
	return err
}

// Hazards are what the packs say warnings can be about.
func (p packs) Hazards() *hazard.Book { return p.book }
