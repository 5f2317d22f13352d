package detect

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// OutsidePrefix begins the id of a detector that is a model of others (package outside). Its alerts come in by Tell; this
// room never withdraws them for want of a rule.
const OutsidePrefix = "outside/"

// Named is a detector as lists and figures name it.
type Named struct {
	ID       string
	Title    Wording
	Owner    string
	Maturity string
	Watches  bool // or it did
}

// Models tells who raises alerts by Tell. package outside fulfils it.
type Models interface {
	Named(ctx context.Context) ([]Named, error)
}

// named are the detectors of packs and the models of others.
func (s *Service) named(ctx context.Context) (out []Named, err error) {
	for _, d := range s.Detectors {
		out = append(out, Named{ID: d.ID, Title: engine.TextOf(d.Title), Owner: d.Owner, Maturity: d.Maturity, Watches: true})
	}
	if s.Models == nil {
		return out, nil
	}
	others, err := s.Models.Named(ctx)
	return append(out, others...), err
}

// Told is a step of an alert that was found outside of the room's own engine.
type Told struct {
	engine.Change
	Stream  engine.Stream // where the change's datastream stands, under the names that an alert may tell
	Unit    string        // of Readings
	Because Wording
	// Readings are those that it rests on, oldest first; the newest MaxCause are kept. Of a step that raises.
	Readings []Sample
}

// Tell records steps of outside models as the room's own: an alert is raised once, grouped, put to rest and told by events
// like any other. also writes what the caller has to keep, in the same transaction; where it fails nothing is recorded. The
// steps of one subject stand in the order of time.
func (s *Service) Tell(ctx context.Context, told []Told, also func(tx *db.Tx) error) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	steps := make([]step, len(told))
	for i, t := range told {
		if !strings.HasPrefix(t.Detector.ID, OutsidePrefix) || t.Undo {
			return fmt.Errorf("a step of %s can't be told from outside", t.Detector.ID)
		}
		steps[i] = step{Change: t.Change, because: t.Because}
		if t.Raised() {
			a := alertOf(t.Change, t.Stream, t.Readings[max(0, len(t.Readings)-MaxCause):])
			a.Because, a.Unit, a.Works = t.Because, t.Unit, s.duringAt(t.Stream.Asset, t.At)
			a.Figures = nil // the model's own stand in the reason
			steps[i].alert = a
		}
	}
	now := s.Clock.Now()
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		for i := range steps {
			if err := s.apply(tx, steps[i:i+1], now); err != nil {
				return fmt.Errorf("alert of %s: %w", steps[i].Detector.ID, err)
			}
		}
		return also(tx)
	})
}

// duringAt is during for one asset.
func (s *Service) duringAt(asset, at int64) *DuringWorks {
	if s.Works == nil {
		return nil
	}
	w, ok := s.Works.Works(asset, db.Time(at))
	if !ok {
		return nil
	}
	mark := &DuringWorks{PlannedWorks: w}
	if now := s.Clock.Now(); !s.rests(mark, now) {
		mark.OverAt = &now
	}
	return mark
}

// Outcome is an alert of a hazard with what people found out, as far as scoring needs it.
type Outcome struct {
	Alert       int64
	Detector    string
	Raised      time.Time
	Until       *time.Time // when it cleared; nil while it stands
	Datastreams []int64
	Asset       int64
	Place       int64
	Case        int64 // that was opened for it; 0: none
	Opens       string
	Lead        int64  // the alert that leads its group; 0: none
	Verdict     string // Real, False, Unclear, Drill, or "" while nobody has said
	Onset       *time.Time
}

// Outcomes are the alerts of hazards that were raised in [from, to], in the order of their ids. It asks nobody's leave: what
// is made of them decides who may see it.
func (s *Service) Outcomes(ctx context.Context, from, to time.Time) (out []Outcome, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var o Outcome
			var raised int64
			var cleared, onset sql.NullInt64
			var body string
			err := rows.Scan(&o.Alert, &o.Detector, &raised, &cleared, &o.Asset, &o.Place, &o.Case, &o.Lead, &body, &o.Verdict, &onset)
			if err != nil {
				return err
			}
			var f facts
			if err := json.Unmarshal([]byte(body), &f); err != nil {
				return fmt.Errorf("facts of alert %d: %w", o.Alert, err)
			}
			if f.Opens != nil {
				o.Opens = f.Opens.Case
			}
			o.Raised, o.Until, o.Onset, o.Datastreams = db.Time(raised), optional(cleared), optional(onset), f.Datastreams
			out = append(out, o)
			return nil
		}, `select a.id, a.detector, a.raised_at, a.cleared_at, a.asset, a.place, coalesce(a.case_id, 0), coalesce(a.lead, 0), a.facts,
				coalesce(v.verdict, ''), v.onset
			from alerts a left join alert_verdicts v on v.alert = a.id
			where a.kind = 'hazard' and a.raised_at between cast($1 as bigint) and cast($2 as bigint) order by a.id nulls last`,
			db.Micros(from), db.Micros(to))
	})
	if err != nil {
		return nil, fmt.Errorf("outcomes of alerts: %w", err)
	}
	return out, nil
}
