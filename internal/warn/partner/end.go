package partner

import (
	"context"
	"log/slog"
	"time"

	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
)

// kept is for how long after its end it is remembered what does not concern the city, and which documents a feed has listed.
const kept = 7 * 24 * time.Hour

// expire writes down what has expired, tells the other rooms, and returns how long to wait for the next. Readers ask the clock: a
// loop that stands still keeps no warning alive.
func (s *Service) expire(ctx context.Context) time.Duration {
	wait := lookAgain
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		now := s.Clock.Now()
		wait = lookAgain
		ms, err := due(tx, now)
		if err != nil {
			return err
		}
		for _, m := range ms {
			p, err := partnerByID(tx, m.Partner)
			if err != nil {
				return err
			}
			at := m.Expires // the moment it ended, not the moment we noticed
			m.EndedAt, m.EndKind, m.told = &at, byExpiry, toldEnded
			if err := updateEnd(tx, m); err != nil {
				return err
			}
			if err := updateTold(tx, m); err != nil {
				return err
			}
			if err := outbox.Put(tx, events.RelayEnded{Relay: m.event(p, at), How: byExpiry}); err != nil {
				return err
			}
		}
		if len(ms) > 0 { // readers have seen it by the clock
			if err := step(tx, len(ms)); err != nil {
				return err
			}
		}
		if next, ok, err := nextEnd(tx); err != nil {
			return err
		} else if ok {
			wait = max(0, min(wait, next.Sub(now)))
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		slog.ErrorContext(ctx, "relayed warnings not expired", "err", err)
		return lookAgain
	}
	return wait
}

// prune forgets what is long over and did not concern the city.
func (s *Service) prune(ctx context.Context) {
	now := s.Clock.Now()
	if now.Sub(s.prunedAt) < pruneEvery {
		return
	}
	s.prunedAt = now
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		before := db.Micros(now.Add(-kept))
		for _, statement := range []string{
			`delete from received_references where message in (select id from received_messages where placement = 'elsewhere' and expires < $1 and received_at < $1)`,
			`delete from received_messages where placement = 'elsewhere' and expires < $1 and received_at < $1`,
			`delete from partner_links where seen_at < $1`,
		} {
			if _, err := tx.Exec(statement, before); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		slog.ErrorContext(ctx, "old messages of warning partners are not removed", "err", err)
	}
}
