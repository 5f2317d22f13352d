package respond

import (
	"context"
	"log/slog"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// sweepEvery is how often old requests are forgotten.
const sweepEvery = time.Hour

// sweep forgets requests that nobody may repeat any more, until ctx ends.
func (s *Service) sweep(ctx context.Context) error {
	for {
		now := s.Clock.Now()
		if err := s.DB.Write(ctx, func(tx *db.Tx) error { return forgetRequests(tx, now) }); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "old requests are still kept", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.Clock.After(sweepEvery):
		}
	}
}
