package sensing

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Retention is how long the readings of a property are kept. Whole chunks go once the newest reading in them is older; so a
// reading may stay up to one chunk longer, and never goes sooner.
type Retention struct {
	Property string `json:"property" doc:"pack/property, or * for all that have no line of their own"`
	Days     int    `json:"days" doc:"0: for ever"`
}

const (
	// anyProperty is the line for properties without one of their own.
	anyProperty = "*"

	// chunksPerSweep bounds how long one deletion keeps the writer from others.
	chunksPerSweep = 500
)

// Retentions are the lines that were set, by property.
func (s *Service) Retentions(ctx context.Context) (out []Retention, err error) {
	if err := s.Access.Decide(ctx, "datastream.read", access.Resource{Type: "datastream"}, access.Maintenance); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error { out, err = retentions(tx); return err })
	return out, err
}

func retentions(tx *db.Tx) (out []Retention, err error) {
	out = []Retention{}
	err = tx.Each(func(r *sql.Rows) error {
		var x Retention
		err := r.Scan(&x.Property, &x.Days)
		out = append(out, x)
		return err
	}, "select property, days from retention order by property nulls last")
	return out, err
}

// SetRetention says how long a property's readings are kept. It stands in the ledger, since it deletes what came in.
func (s *Service) SetRetention(ctx context.Context, x Retention) error {
	if err := s.Access.Decide(ctx, "datastream.register", access.Resource{Type: "datastream"}, access.Maintenance); err != nil {
		return err
	}
	if _, ok := s.Property(x.Property); !ok && x.Property != anyProperty {
		return web.Errorf(http.StatusUnprocessableEntity, "sensing.unknown_property", "no pack declares the property %q; * stands for all others", x.Property).At("property")
	}
	if x.Days < 0 || x.Days > 36_500 {
		return web.Errorf(http.StatusUnprocessableEntity, "sensing.bad_days", "expected 0 (for ever) to 36500 days, got %d", x.Days).At("days")
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`insert into retention (property, days) values ($1, $2) on conflict (property) do update set days = excluded.days`,
			x.Property, x.Days)
		if err != nil {
			return fmt.Errorf("retention of %s: %w", x.Property, err)
		}
		actor := access.From(ctx)
		return ledger.Append(tx, ledger.Entry{
			Action: "datastream.retain", Actor: actor.Name, ActorID: actor.ID, Subject: "retention", At: s.Clock.Now(),
			Detail: map[string]any{"property": x.Property, "days": x.Days},
		})
	})
}

// Retain deletes the chunks whose time is over, and those of deleted datastreams. The sealer's goroutine calls it: what it
// counts as deleted must not get between a seal and its settlement.
func (s *Service) Retain(ctx context.Context) error {
	var lines []Retention
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) { lines, err = retentions(tx); return err })
	if err != nil {
		return fmt.Errorf("retention: %w", err)
	}
	days := map[string]int{}
	for _, x := range lines {
		days[x.Property] = x.Days
	}
	s.mu.RLock()
	ordered := s.ordered
	gone := slices.Sorted(maps.Keys(s.orphans))
	s.mu.RUnlock()
	for _, lane := range gone {
		if err := s.sweep(ctx, lane); err != nil {
			return err
		}
	}
	for _, st := range ordered {
		keep, ok := days[st.Property]
		if !ok {
			keep = days[anyProperty]
		}
		s.mu.RLock()
		oldest, count := st.sealed.MinAt, st.sealed.Count
		s.mu.RUnlock()
		before := s.Clock.Now().Add(-time.Duration(keep) * 24 * time.Hour).UnixMicro()
		if keep == 0 || count == 0 || oldest >= before {
			continue
		}
		if err := s.expire(ctx, st, before); err != nil {
			return err
		}
	}
	return nil
}

// sweep deletes the chunks of a lane that belongs to no datastream any more, some at a time, and at last the lane itself:
// once no row of the log can name it.
func (s *Service) sweep(ctx context.Context, lane int64) error {
	for n := int64(chunksPerSweep); n == chunksPerSweep; {
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			res, err := tx.Exec(`delete from chunks where lane = $1 and n0 in
				(select n0 from chunks where lane = $1 order by n0 nulls last limit $2)`, lane, chunksPerSweep)
			if err != nil {
				return err
			}
			n, err = res.RowsAffected()
			return err
		})
		if err != nil {
			return fmt.Errorf("sweep lane %d: %w", lane, err)
		}
	}
	s.mu.RLock()
	l := s.lanes[lane]
	named := l == nil || s.trimmed < l.goneAt
	s.mu.RUnlock()
	if named {
		return nil
	}
	return s.do(ctx, &job{}, func(tx *db.Tx) error {
		if _, err := tx.Exec("delete from lanes where lane = $1", lane); err != nil {
			return fmt.Errorf("lane %d: %w", lane, err)
		}
		_, err := tx.Exec("delete from datastreams where gone = 1 and id = $1 and not exists (select 1 from lanes where datastream = $1)", l.of.ID)
		if err != nil {
			return fmt.Errorf("datastream %d: %w", l.of.ID, err)
		}
		tx.AfterCommit(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.lanes, lane)
			delete(s.orphans, lane)
		})
		return nil
	})
}

// expire deletes the chunks of a datastream that end before an instant.
func (s *Service) expire(ctx context.Context, st *stream, before int64) error {
	for _, v := range s.views(st) {
		for again := true; again; {
			var deleted int64
			err := s.do(ctx, &job{}, func(tx *db.Tx) error {
				deleted, again = 0, false
				if st.closed {
					return nil
				}
				var old []int64
				err := tx.Each(func(r *sql.Rows) error {
					var n0, count int64
					err := r.Scan(&n0, &count)
					old, deleted = append(old, n0), deleted+count
					return err
				}, "select n0, count from chunks where lane = $1 and max_at < $2 order by n0 nulls last limit $3", v.lane.id, before, chunksPerSweep)
				if err != nil || len(old) == 0 {
					return err
				}
				again = len(old) == chunksPerSweep
				if err := deleteChunks(tx, v.lane.id, old); err != nil {
					return err
				}
				if _, err := tx.Exec("update lanes set sealed = sealed - $1 where lane = $2", deleted, v.lane.id); err != nil {
					return err
				}
				if _, err := tx.Exec("update log_state set deleted = deleted + $1 where id = 1", deleted); err != nil {
					return err
				}
				s.mu.Lock()
				v.lane.amended++ // for the sealer, whose plan is out of date
				s.mu.Unlock()
				state, err := s.restate(tx, st)
				if err != nil {
					return err
				}
				tx.AfterCommit(func() {
					s.mu.Lock()
					defer s.mu.Unlock()
					v.lane.changed()
					v.lane.stored -= deleted
					s.count.sealed -= deleted
					s.count.deleted += deleted
					st.sealed = state
					st.refold()
				})
				return nil
			})
			if err != nil {
				return fmt.Errorf("retention of datastream %d: %w", st.ID, err)
			}
			if deleted > 0 {
				slog.InfoContext(ctx, "readings deleted, their time was over", "datastream", st.ID, "readings", deleted)
			}
		}
	}
	return nil
}

// jsonList is a list of numbers as SQL takes it.
func jsonList(ids []int64) string {
	return strings.ReplaceAll(fmt.Sprint(ids), " ", ",")
}
