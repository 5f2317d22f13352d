package detect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// MaxShelf is for how long an alert may be put aside at a time: nobody shelves beyond the next two shifts unseen.
const MaxShelf = 24 * time.Hour

// Shelve puts an alert aside until a time, with a reason: whatever its detector raises at the same subject until then rests.
// It is listed and counted all the while. After ISA-18.2 (clause 3.1.62, shelve): temporarily suppress an alarm, initiated by
// the operator, with engineering controls that unsuppress it.
func (s *Service) Shelve(ctx context.Context, id int64, until time.Time, reason string) (*Alert, error) {
	a, reason, err := s.toAcknowledge(ctx, id, reason)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	switch {
	case reason == "":
		return nil, web.Errorf(http.StatusUnprocessableEntity, "alert.reason_missing", "shelving needs a reason").At("reason")
	case !until.After(now):
		return nil, web.Errorf(http.StatusUnprocessableEntity, "alert.shelf_past", "the end of the shelving, %s, has passed", until.Format(time.RFC3339)).At("until")
	case until.Sub(now) > MaxShelf:
		return nil, web.Errorf(http.StatusUnprocessableEntity, "alert.shelf_long", "an alert may be shelved for %s at most", MaxShelf).At("until")
	case a.State == Cleared:
		return nil, web.Errorf(http.StatusConflict, "alert.cleared", "alert %d has cleared", id)
	}
	who := access.From(ctx)
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		var shelf int64
		k := a.key
		err := tx.QueryRow(`insert into alert_shelves (detector, kind, fault, scope, subject, since, until, reason, actor, actor_id)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id`,
			k.detector, string(k.kind), string(k.fault), int64(k.subject.Scope), k.subject.ID, db.Micros(now), db.Micros(until), reason, who.Name, who.ID).Scan(&shelf)
		if err != nil {
			return err
		}
		// One that stood on a shelf before stands on this one now.
		if _, err := tx.Exec(`update alert_shelves set ended_at = $1 where id = $2 and ended_at is null`, db.Micros(now), a.shelfID()); err != nil {
			return err
		}
		if _, err := tx.Exec(`update alerts set shelf = $1, shelf_until = $2, shelf_over_at = null where id = $3`, shelf, db.Micros(until), id); err != nil {
			return err
		}
		if _, err := insertEvent(tx, id, "shelved", now, now, a.Level, who.Name, who.ID, reason, nil); err != nil {
			return err
		}
		return ledger.Append(tx, ledger.Entry{
			Action: "alert.shelve", Actor: who.Name, ActorID: who.ID, Subject: "alert", SubjectID: id, At: now,
			Detail: map[string]any{"detector": a.Detector, "level": a.Level.String(), "until": until.Format(time.RFC3339), "reason": reason},
		})
	})
	if err != nil {
		return nil, fmt.Errorf("shelve alert %d: %w", id, err)
	}
	return s.find(ctx, id)
}

// standingShelf is the shelf that an alert of that name stands on at a time, or nil.
func standingShelf(tx *db.Tx, k key, now time.Time) (*Shelved, error) {
	x := &Shelved{}
	var until int64
	err := tx.QueryRow(`select id, until from alert_shelves where detector = $1 and kind = $2 and fault = $3 and scope = $4 and subject = $5
			and until > $6 and ended_at is null order by until desc nulls last, id nulls last limit 1`,
		k.detector, string(k.kind), string(k.fault), int64(k.subject.Scope), k.subject.ID, db.Micros(now)).Scan(&x.Shelf, &until)
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil
	}
	x.Until = db.Time(until)
	return x, err
}
