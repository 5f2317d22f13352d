package detect

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Verdict is what people found out about an alert. Detectors are scored by it.
type Verdict struct {
	Alert   int64      `json:"-"`
	Verdict string     `json:"verdict" enum:"real,false,unclear,drill" doc:"real: the hazard was there; false: it was not; unclear: nobody can tell; drill: an exercise"`
	Onset   *time.Time `json:"onset" doc:"when the hazard began by what was found; null: nobody knows"`
	Note    string     `json:"note"`
	By      string     `json:"by"`
	Case    int64      `json:"case,omitempty" doc:"the case whose end says so; left out: a person said it here"`
	At      time.Time  `json:"at"`

	byID int64 // the account of By; 0 where a case says so
}

// The verdicts.
const (
	Real    = "real"
	False   = "false"
	Unclear = "unclear"
	Drill   = "drill"
)

// Unverified stands in a filter for alerts that nobody has judged.
const Unverified = "unverified"

var verdicts = []string{Real, False, Unclear, Drill}

// Judge notes what an official has found out about an alert. The newest word counts; those before it stand in the history.
func (s *Service) Judge(ctx context.Context, id int64, v Verdict) (*Alert, error) {
	a, note, err := s.toAcknowledge(ctx, id, v.Note)
	if err != nil {
		return nil, err
	}
	now, who := s.Clock.Now(), access.From(ctx)
	if err := v.check(now); err != nil {
		return nil, err
	}
	v.Alert, v.Note, v.By, v.At, v.Case = id, note, who.Name, now, 0
	if err := s.DB.Write(ctx, func(tx *db.Tx) error { return judgeOne(tx, a, v, who.ID, 0) }); err != nil {
		return nil, fmt.Errorf("judge alert %d: %w", id, err)
	}
	return s.find(ctx, id)
}

// check says what a verdict may not be.
func (v Verdict) check(now time.Time) error {
	switch {
	case !slices.Contains(verdicts, v.Verdict):
		return web.Errorf(http.StatusUnprocessableEntity, "alert.verdict", "the verdict %q is none of %v", v.Verdict, verdicts).At("verdict")
	case v.Onset != nil && v.Onset.After(now):
		return web.Errorf(http.StatusUnprocessableEntity, "alert.onset", "the hazard began at %s, which is still to come", v.Onset.Format(time.RFC3339)).At("onset")
	case v.Onset != nil && v.Verdict != Real && v.Verdict != Drill:
		return web.Errorf(http.StatusUnprocessableEntity, "alert.onset", "an alert that was %s has no onset", v.Verdict).At("onset")
	}
	return nil
}

// same says that two verdicts of one alert say the same, by whomever.
func (v Verdict) same(w Verdict) bool {
	return v.Verdict == w.Verdict && v.Note == w.Note && (v.Onset == nil) == (w.Onset == nil) && (v.Onset == nil || v.Onset.Equal(*w.Onset))
}

// judgeOne notes what a person has found out about an alert; group is the alert that leads when it is said of the group as a
// whole, or 0.
func judgeOne(tx *db.Tx, a *Alert, v Verdict, by, group int64) error {
	if err := putVerdict(tx, a, v, by); err != nil {
		return err
	}
	detail := map[string]any{"detector": a.Detector, "verdict": v.Verdict, "note": v.Note}
	if group != 0 {
		detail["group"] = group
	}
	return ledger.Append(tx, ledger.Entry{
		Action: "alert.judge", Actor: v.By, ActorID: by, Subject: "alert", SubjectID: a.ID, At: v.At, Detail: detail,
	})
}

// caseClosed takes the end of a case for the verdict on its alert, unless a person has said otherwise.
func (s *Service) caseClosed(ctx context.Context, e events.CaseClosed) error {
	if e.Alert == 0 {
		return s.missedClosed(ctx, e)
	}
	verdict := map[string]string{"proven": Real, "unfounded": False}[e.Outcome]
	if verdict == "" {
		return nil
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		a, err := alertByID(tx, e.Alert)
		if errors.Is(err, db.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := tellVerdicts(tx, a); err != nil || a.Outcome != nil && a.Outcome.Case == 0 {
			return err
		}
		return putVerdict(tx, a, Verdict{Alert: a.ID, Verdict: verdict, Case: e.Case, At: e.At}, 0)
	})
}

func putVerdict(tx *db.Tx, a *Alert, v Verdict, actor int64) error {
	_, err := tx.Exec(`insert into alert_verdicts (alert, verdict, onset, note, actor, actor_id, case_id, at) values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (alert) do update set verdict = excluded.verdict, onset = excluded.onset, note = excluded.note, actor = excluded.actor,
			actor_id = excluded.actor_id, case_id = excluded.case_id, at = excluded.at`,
		v.Alert, v.Verdict, optionalMicros(v.Onset), v.Note, v.By, actor, null(v.Case), db.Micros(v.At))
	if err != nil {
		return err
	}
	return insertWord(tx, a.ID, "verdict", v.At, v.At, a.Level, v.By, actor, v.Verdict+": "+v.Note)
}

// tellVerdicts completes alerts with what people found out.
func tellVerdicts(tx *db.Tx, alerts ...*Alert) error {
	byID := map[int64]*Alert{}
	ids := []int64{}
	for _, a := range alerts {
		byID[a.ID] = a
		ids = append(ids, a.ID)
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	return tx.Each(func(rows *sql.Rows) error {
		v := &Verdict{}
		var onset, caseID sql.NullInt64
		var at int64
		if err := rows.Scan(&v.Alert, &v.Verdict, &onset, &v.Note, &v.By, &v.byID, &caseID, &at); err != nil {
			return err
		}
		v.Onset, v.Case, v.At = optional(onset), caseID.Int64, db.Time(at)
		byID[v.Alert].Outcome = v
		return nil
	}, `select alert, verdict, onset, note, actor, actor_id, case_id, at from alert_verdicts where alert in (select cast(value as bigint) from json_list($1))`, string(list))
}
