package skill

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// known refuses areas that the register doesn't have.
func (s *Service) known(ctx context.Context, areas []int64) error {
	all, err := s.Warnings.AreaIDs(ctx)
	if err != nil {
		return fmt.Errorf("list areas: %w", err)
	}
	for i, id := range areas {
		if !slices.Contains(all, id) {
			return invalid("verdict.areas", fmt.Sprintf("areas[%d]", i), "there is no area %d", id)
		}
	}
	return nil
}

// TakeBack takes back what was noted as missed, with a reason: it counts no more, and stays with who took it back and why.
func (s *Service) TakeBack(ctx context.Context, id int64, reason string) (Missed, error) {
	var m Missed
	actor, err := s.officer(ctx)
	if err != nil {
		return m, err
	}
	if err := plain("reason", &reason, true); err != nil {
		return m, err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		now := s.Clock.Now()
		if m, err = missedByID(tx, id); errors.Is(err, db.ErrNotFound) {
			return web.Errorf(404, "verdict.no_missed", "there is no danger %d that was noted as missed", id)
		} else if err != nil {
			return err
		}
		if err := s.mayIn(ctx, 0, m.Areas); err != nil {
			return err
		}
		if m.TakenBack != nil {
			return web.Errorf(409, "verdict.taken_back", "it was taken back by %s already", m.TakenBack.By)
		}
		m.TakenBack = &TakenBack{By: actor.Name, At: now, Reason: reason}
		_, err := tx.Exec("update warning_missed set taken_back_at = $2, taken_back_by = $3, taken_back_reason = $4 where id = $1 and taken_back_at is null",
			id, db.Micros(now), actor.Name, reason)
		if err != nil {
			return fmt.Errorf("take back missed danger %d: %w", id, err)
		}
		err = ledger.Append(tx, ledger.Entry{Action: "warning.judge", Actor: actor.Name, ActorID: actor.ID, Subject: "missed-warning", SubjectID: id, At: now,
			Detail: map[string]any{"taken_back": true, "reason": reason}})
		if err != nil {
			return err
		}
		return outbox.Put(tx, events.WarningMissTakenBack{Missed: id, Hazard: m.Hazard, Level: m.Level, Areas: m.Areas, By: actor.ID, At: now})
	})
	return m, err
}

// TakenBack says that something was noted by mistake.
type TakenBack struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

const missedColumns = "select id, hazard, level, areas, began, what, source, actor, at, taken_back_at, taken_back_by, taken_back_reason from warning_missed"

func scanMissed(row interface{ Scan(...any) error }) (m Missed, err error) {
	var areas, by, reason string
	var began, at int64
	var back sql.NullInt64
	if err := row.Scan(&m.ID, &m.Hazard, &m.Level, &areas, &began, &m.What, &m.Source, &m.By, &at, &back, &by, &reason); err != nil {
		return m, err
	}
	m.At, m.Noted = db.Time(began), db.Time(at)
	if back.Valid {
		m.TakenBack = &TakenBack{By: by, At: db.Time(back.Int64), Reason: reason}
	}
	return m, json.Unmarshal([]byte(areas), &m.Areas)
}

func missedByID(tx *db.Tx, id int64) (Missed, error) {
	return scanMissed(tx.QueryRow(missedColumns+" where id = $1", id))
}

// missedIn are the dangers that began in a time without a warning, newest first, but those that were taken back.
func missedIn(tx *db.Tx, from, to time.Time) ([]Missed, error) {
	out := []Missed{}
	err := tx.Each(func(rows *sql.Rows) error {
		m, err := scanMissed(rows)
		out = append(out, m)
		return err
	}, missedColumns+` where began >= $1 and began < $2 and taken_back_at is null order by began desc nulls last, id desc`, db.Micros(from), db.Micros(to))
	return out, err
}
