package app

import (
	"context"
	"path/filepath"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/warn/reach"
)

// recipientsKey is the file of the data folder with the key under which the addresses of recipients are sealed.
const recipientsKey = "recipients.key"

// buildReach makes what knows to whom warnings go.
func (a *App) buildReach(zone *time.Location) (err error) {
	a.reach, err = reach.New(reach.Deps{
		DB: a.db, Clock: a.clock, Access: a.access, Zone: zone, KeyFile: filepath.Join(a.options.Data, recipientsKey), Hazards: a.packs.book.IDs,
		CheckURL: delivery.NewWebhook(clock.System(), a.options.WebhookNetworks).Check,
		Number:   func(ctx context.Context, id int64) (string, error) { return a.warn.Number(ctx, id) },
		Areas: func(ctx context.Context) (map[int64]int64, error) {
			areas, err := register{a}.Areas(ctx)
			parents := make(map[int64]int64, len(areas))
			for _, x := range areas {
				parents[x.ID] = x.Parent
			}
			return parents, err
		},
	})
	return err
}

// channels are the ways by which warnings leave the program. What is signed names the world's time, which is not the demo's.
func (a *App) channels() (map[string]delivery.Adapter, error) {
	return map[string]delivery.Adapter{
		reach.Webhook: delivery.NewWebhook(clock.System(), a.options.WebhookNetworks),
	}, nil
}
