package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/warn/hazard"
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
