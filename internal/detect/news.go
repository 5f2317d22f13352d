package detect

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/sensing"
)

// hear listens to other rooms until ctx ends: it links alerts with the cases that were opened for them, learns from the end
// of a case what the alert was, or that none was there, and takes in the reports that detectors join.
func (s *Service) hear(ctx context.Context) {
	subjects := []string{events.CaseOpened{}.Subject(), events.CaseClosed{}.Subject(), events.ReportReceived{}.Subject()}
	err := s.News.Consume(ctx, Consumer, subjects, func(ctx context.Context, m bus.Message) error {
		switch m.Subject {
		case events.CaseOpened{}.Subject():
			var e events.CaseOpened
			if err := json.Unmarshal(m.Data, &e); err != nil {
				return fmt.Errorf("%w: %w", bus.ErrDrop, err)
			}
			if e.Alert == 0 {
				return s.missedOpened(ctx, e)
			}
			return s.DB.Write(ctx, func(tx *db.Tx) error { return linkCase(tx, e.Alert, e.Case) })
		case events.CaseClosed{}.Subject():
			var e events.CaseClosed
			if err := json.Unmarshal(m.Data, &e); err != nil {
				return fmt.Errorf("%w: %w", bus.ErrDrop, err)
			}
			return s.caseClosed(ctx, e)
		default:
			var e events.ReportReceived
			if err := json.Unmarshal(m.Data, &e); err != nil {
				return fmt.Errorf("%w: %w", bus.ErrDrop, err)
			}
			return s.reported(ctx, e)
		}
	})
	if err != nil && ctx.Err() == nil {
		slog.ErrorContext(ctx, "alerts no longer learn of cases and reports", "err", err)
	}
}

// reported takes a report of people, if a detector joins its category and it says where. It is kept before it is judged, so
// that a start finds it, and only what, when and where are.
func (s *Service) reported(ctx context.Context, e events.ReportReceived) error {
	if e.About != "place" || e.Precision != "point" || e.Point == nil || len(s.joined(e.Category)) == 0 {
		return nil
	}
	r := engine.Report{ID: e.Report, At: db.Micros(e.At), Category: e.Category, Point: e.Point}
	if r.At < db.Micros(s.Clock.Now().Add(-forgetReports)) {
		return nil // a history that is brought along
	}
	s.turn.Lock() // not a start meanwhile, which would find it and be told of it too
	defer s.turn.Unlock()
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(`delete from detect_reports where at < $1`, db.Micros(s.Clock.Now().Add(-forgetReports))); err != nil {
			return err
		}
		_, err := tx.Exec(`insert into detect_reports (id, at, category, lon, lat) values ($1, $2, $3, $4, $5) on conflict (id) do nothing`,
			r.ID, r.At, r.Category, r.Point[0], r.Point[1])
		return err
	})
	if err != nil {
		return fmt.Errorf("keep report %d: %w", e.Report, err)
	}
	if s.engine == nil {
		return nil // the start finds it
	}
	err = s.advance(func() error {
		changes, err := s.bind(ctx, nil) // right after a start the engine does not know yet where things are
		if err != nil {
			return err
		}
		return s.report(ctx, s.hand(r, changes), nil, 0)
	})
	if err != nil {
		slog.WarnContext(ctx, "a report is judged when the detectors start again", "report", e.Report, "err", err)
	}
	return nil
}

// hand gives a report to the detectors that join its category, of whatever pack. The caller has the turn.
func (s *Service) hand(r engine.Report, changes []engine.Change) []engine.Change {
	for _, category := range s.joined(r.Category) {
		r.Category = category
		changes = s.engine.Report(r, changes)
	}
	return changes
}

// joined are the full ids of the categories of that name that a detector reads. Reports carry the name that the pack gives
// within itself, and two packs may give the same.
func (s *Service) joined(category string) (full []string) {
	for _, d := range s.Detectors {
		if d.Joins == nil {
			continue
		}
		for _, m := range d.Joins.Of {
			if (m.Reports == category || strings.HasSuffix(m.Reports, "/"+category)) && !slices.Contains(full, m.Reports) {
				full = append(full, m.Reports)
			}
		}
	}
	return full
}

// loadReports are the reports since a time.
func loadReports(ctx context.Context, d *db.DB, since int64) (out []engine.Report, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			r := engine.Report{Point: &[2]float64{}}
			err := rows.Scan(&r.ID, &r.At, &r.Category, &r.Point[0], &r.Point[1])
			out = append(out, r)
			return err
		}, `select id, at, category, lon, lat from detect_reports where at >= $1 order by at nulls last, id nulls last`, since)
	})
	if err != nil {
		return nil, fmt.Errorf("load reports: %w", err)
	}
	return out, nil
}

// amended marks alerts that rest on readings which were changed or removed afterwards. Detectors don't run again: what was
// known when the alert was raised is what it was raised on.
func (s *Service) amended(ctx context.Context, all []sensing.Amendment) error {
	if len(all) == 0 {
		return nil
	}
	now := s.Clock.Now()
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		for _, x := range all {
			var hit []*Alert
			err := tx.Each(func(rows *sql.Rows) error {
				a, err := scanAlert(rows)
				hit = append(hit, a)
				return err
			}, `select `+columns+` from alerts where datastream = $1 and since <= $2 and (cleared_at is null or cleared_at >= $2) order by id nulls last`,
				x.Before.Datastream, x.Before.At)
			if err != nil {
				return err
			}
			for _, a := range hit {
				note := fmt.Sprintf("%s: %s", db.Time(x.Before.At).Format("2006-01-02T15:04:05Z"), string(x.Before.Value.AppendJSON(nil)))
				if !x.Deleted {
					note += " -> " + string(x.After.Value.AppendJSON(nil))
				}
				if err := insertWord(tx, a.ID, "amended", db.Time(x.Before.At), now, a.Level, "", 0, note); err != nil {
					return err
				}
				if _, err := tx.Exec(`update alerts set amended = 1 where id = $1`, a.ID); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("alerts on amended readings: %w", err)
	}
	return nil
}
