package warn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// News is where the room hears of alerts. The bus fulfils it.
type News interface {
	// Consume hands each event of the subjects to fn, in order, until ctx ends; an event may come more than once.
	Consume(ctx context.Context, name string, subjects []string, fn func(context.Context, bus.Message) error) error
}

var _ News = (*bus.Bus)(nil)

// heard are the events that may be a reason to warn, or to end a warning.
var heard = []string{"alert.raised", "alert.changed", "alert.rest_over", "alert.cleared"}

// Listen hears of alerts and keeps the suggestions until ctx ends.
func (s *Service) Listen(ctx context.Context) error {
	ctx = access.With(ctx, access.System("warnings"))
	return s.news.Consume(ctx, "warnings", heard, s.Hear)
}

// Hear takes news of an alert. It may come more than once, and late: what is older than what was taken before changes nothing.
func (s *Service) Hear(ctx context.Context, m bus.Message) error {
	if err := s.access.Decide(ctx, "warning.propose", access.Resource{Type: "warning"}, access.Operations); err != nil {
		return err
	}
	var a events.AlertFacts
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return fmt.Errorf("%w: %w", bus.ErrDrop, err) // no repeat makes it good
	}
	hazards := s.hazards.Heard(a.Detector)
	if len(hazards) == 0 || a.Kind == "monitoring" {
		return nil
	}
	// One that rests calls nobody, and so asks for no warning.
	g := claim{alert: a.Alert, level: Level(a.Level), standing: m.Subject != "alert.cleared" && !a.Rests, since: a.Since, facts: a}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		now := s.now()
		for _, h := range hazards {
			site, err := siteOf(tx, h.ID, a.Alert)
			if errors.Is(err, db.ErrNotFound) {
				site, err = s.district(a.Area), nil
			}
			if err != nil {
				return err
			}
			fresh, err := putClaim(tx, m.ID, h.ID, site, g)
			if err != nil {
				return err
			}
			if !fresh {
				continue
			}
			if err := s.weigh(tx, h, site, now); err != nil {
				return fmt.Errorf("weigh %s in area %d: %w", h.ID, site, err)
			}
		}
		return nil
	})
}
