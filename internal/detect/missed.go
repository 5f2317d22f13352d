package detect

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/methods/verify"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// missedWithin is how long before a case an alert may have been raised that belongs to it.
const missedWithin = 24 * time.Hour

// missedOpened notes a case that no alert opened although its kind is one that detectors open, unless an alert of one of them
// was raised at its asset or place in the day before, or stands there. Whether something was missed, the end of the case says.
func (s *Service) missedOpened(ctx context.Context, e events.CaseOpened) error {
	var openers []string
	for _, d := range s.Detectors {
		if d.Opens.Case == e.Kind {
			openers = append(openers, d.ID)
		}
	}
	if len(openers) == 0 {
		return nil
	}
	watching, err := json.Marshal(append([]string{}, s.watching(openers, e.Asset, e.Place)...))
	if err != nil {
		return err
	}
	list, err := json.Marshal(openers)
	if err != nil {
		return err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		var n int
		err := tx.QueryRow(`select count(*) from alerts where kind = 'hazard' and detector in (select value from json_list($1))
				and (asset = cast($2 as bigint) and asset <> 0 or place = cast($3 as bigint) and place <> 0)
				and raised_at <= cast($4 as bigint) and (raised_at >= cast($5 as bigint) or state <> 'cleared' or cleared_at >= cast($4 as bigint))`,
			string(list), e.Asset, e.Place, db.Micros(e.At), db.Micros(e.At.Add(-missedWithin))).Scan(&n)
		if err != nil || n > 0 {
			return err
		}
		_, err = tx.Exec(`insert into missed_events (case_id, kind, pack, report, finding, asset, place, at, detectors)
				values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (case_id) do nothing`,
			e.Case, e.Kind, hazardOf(openers[0]), e.Report, e.Finding, e.Asset, e.Place, db.Micros(e.At), string(watching))
		return err
	})
	if err != nil {
		return fmt.Errorf("case %d without an alert: %w", e.Case, err)
	}
	return nil
}

// missedClosed takes the end of a case that no alert opened for what it was: an event that was missed, or none.
func (s *Service) missedClosed(ctx context.Context, e events.CaseClosed) error {
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		if e.Outcome == "proven" {
			_, err := tx.Exec(`update missed_events set proven_at = $1 where case_id = $2`, db.Micros(e.At), e.Case)
			return err
		}
		_, err := tx.Exec(`delete from missed_events where case_id = $1`, e.Case)
		return err
	})
	if err != nil {
		return fmt.Errorf("end of case %d without an alert: %w", e.Case, err)
	}
	return nil
}

// watching are those of the detectors that have an instrument at the asset or the place just now. One that joins others watches
// where one of these does. It looks through all datastreams; cases that no alert opens are few.
func (s *Service) watching(detectors []string, asset, place int64) (out []string) {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.engine == nil {
		return nil
	}
	var here []engine.Stream
	for _, id := range s.engine.Known() {
		if st := s.engine.Stream(id); st.Asset != 0 && st.Asset == asset || st.Place != 0 && st.Place == place {
			here = append(here, st)
		}
	}
	for _, id := range detectors {
		if s.watches(s.engine.Detector(id), here) {
			out = append(out, id)
		}
	}
	return out
}

func (s *Service) watches(d *engine.Detector, here []engine.Stream) bool {
	if d == nil {
		return false
	}
	if d.Joins != nil {
		return slices.ContainsFunc(d.Joins.Of, func(m engine.Member) bool {
			of := s.engine.Detector(m.Alert)
			return of != nil && of.Joins == nil && s.watches(of, here)
		})
	}
	inputs := d.Inputs
	if len(inputs) == 0 {
		inputs = []engine.Input{{Property: d.Property, Kinds: d.Kinds}}
	}
	for _, in := range inputs {
		for _, st := range here {
			for _, k := range in.Kinds {
				if st.Property == in.Property.ID && st.Kind == k.ID {
					return true
				}
			}
		}
	}
	return false
}

// missedEvents are those of a time that were proven, newest first.
func missedEvents(tx *db.Tx, from, to time.Time) ([]MissedEvent, error) {
	out := []MissedEvent{}
	err := tx.Each(func(rows *sql.Rows) error {
		var m MissedEvent
		var at int64
		var detectors string
		if err := rows.Scan(&m.Case, &m.Kind, &m.Hazard, &m.Report, &m.Finding, &m.Asset, &m.Place, &at, &detectors); err != nil {
			return err
		}
		m.At = db.Time(at)
		err := json.Unmarshal([]byte(detectors), &m.Detectors)
		out = append(out, m)
		return err
	}, `select case_id, kind, pack, report, finding, asset, place, at, detectors from missed_events
		where proven_at is not null and at >= $1 and at < $2 order by at desc nulls last, case_id nulls last`, db.Micros(from), db.Micros(to))
	return out, err
}

// verifiedAlerts are the alerts about hazards that were raised in a time, with what people found out. One that belongs to the
// group of another belongs to that one's case, unless it has one of its own; where there is no case the group takes its place,
// under the negative id of the alert that leads, so that many instruments at one leak are one alarm of their detector. What was
// found out about that alert is not taken for the others, unless a person has said so.
func verifiedAlerts(tx *db.Tx, from, to time.Time) (out []verify.Verified, err error) {
	outcomes := map[string]verify.Outcome{Real: verify.Real, False: verify.False, Unclear: verify.Unclear, Drill: verify.Drill}
	err = tx.Each(func(rows *sql.Rows) error {
		var v verify.Verified
		var outcome string
		if err := rows.Scan(&v.Detector, &v.Case, &v.Raised, &outcome, &v.Onset); err != nil {
			return err
		}
		v.Hazard, v.Outcome = hazardOf(v.Detector), outcomes[outcome]
		out = append(out, v)
		return nil
	}, `select a.detector, coalesce(a.case_id, l.case_id, -coalesce(a.lead, a.id)), a.raised_at, coalesce(v.verdict, ''), coalesce(v.onset, 0)
		from alerts a left join alerts l on l.id = a.lead left join alert_verdicts v on v.alert = a.id
		where a.kind = 'hazard' and a.raised_at >= $1 and a.raised_at < $2 order by a.id nulls last`, db.Micros(from), db.Micros(to))
	return out, err
}

// shelvingsOf are how often alerts of each detector were put aside in a time.
func shelvingsOf(tx *db.Tx, from, to time.Time) (map[string]int, error) {
	out := map[string]int{}
	err := tx.Each(func(rows *sql.Rows) error {
		var detector string
		var n int
		err := rows.Scan(&detector, &n)
		out[detector] = n
		return err
	}, `select detector, count(*) from alert_shelves where since >= $1 and since < $2 group by detector`, db.Micros(from), db.Micros(to))
	return out, err
}

// standingByDetector tells how many alerts of each detector stand and count, and how many rest.
func standingByDetector(tx *db.Tx, works []int64, now time.Time, tell func(detector string, standing, resting int)) error {
	list, err := json.Marshal(works)
	if err != nil {
		return err
	}
	return tx.Each(func(rows *sql.Rows) error {
		var detector string
		var all, resting int
		if err := rows.Scan(&detector, &all, &resting); err != nil {
			return err
		}
		tell(detector, all-resting, resting)
		return nil
	}, `select detector, count(*), sum(case when `+restsIn+` then 1 else 0 end) from alerts where state <> 'cleared' group by detector`,
		string(list), db.Micros(now))
}
