package detect

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
)

// step is one change with everything that its rows and its news need, gathered before the transaction.
type step struct {
	engine.Change
	alert   *Alert // of a change that raises one
	because Wording
	figures []engine.Figure
	// upstream are the assets of which an alert explains this one, of a change that raises one.
	upstream []int64
}

// kind is the step's kind in an alert's history.
func (s step) kind() string {
	switch {
	case s.Cleared:
		return "cleared"
	case s.Again:
		return "again"
	case s.From == engine.None:
		return "raised"
	}
	return "level"
}

// level is the level that the history tells beside it: of a step that clears, the last one.
func (s step) level() engine.Level {
	if s.Cleared {
		return s.From
	}
	return s.To
}

// recordAtOnce bounds about how many steps one transaction writes, so that a flood of alerts does not hold the writer.
const recordAtOnce = 100

// record writes what changed, in transactions of about recordAtOnce steps. Steps that take others back and those that are so
// instead are one transaction. done is the row of the log that they belong to, with how many of its steps are on disk already;
// its position is 0 where they belong to none.
func (s *Service) record(ctx context.Context, steps []step, done recorded) error {
	for len(steps) > 0 {
		n := 0
		var groups [][]step
		for n < len(steps) && n < recordAtOnce {
			end := n + 1
			if first := steps[n]; first.Undo {
				for end < len(steps) && steps[end].Revision == first.Revision && steps[end].Detector == first.Detector && steps[end].Subject == first.Subject &&
					steps[end].Kind == first.Kind {
					end++
				}
			}
			groups = append(groups, steps[n:end])
			n = end
		}
		now := s.Clock.Now()
		done.steps += n
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			if err := s.applyAll(tx, groups, now); err != nil || done.position == 0 {
				return err
			}
			return saveRecorded(tx, done)
		})
		if err != nil {
			return err
		}
		steps = steps[n:]
	}
	return nil
}

// apply writes the steps of one subject into the history, and then has each alert be what its history says. A step that is
// there already changes nothing, so steps may be applied any number of times.
func (s *Service) apply(tx *db.Tx, group []step, now time.Time) error {
	var touched []*Alert // as they were before
	touch := func(a *Alert) {
		if !slices.ContainsFunc(touched, func(b *Alert) bool { return b.ID == a.ID }) {
			touched = append(touched, a)
		}
	}
	for _, st := range group {
		a, err := alertByName(tx, keyOf(st.Change))
		if err != nil && !errors.Is(err, db.ErrNotFound) {
			return err
		}
		if st.Undo {
			if a == nil {
				continue
			}
			undone, err := undoEvent(tx, a.ID, st, now)
			if err != nil {
				return err
			}
			if undone {
				touch(a)
			}
			continue
		}
		if a == nil && st.alert != nil {
			if a, err = s.name(tx, st, touched); err != nil {
				return err
			}
		}
		if a == nil {
			// The rule was changed under a standing alert and raised it on other grounds; or somebody tidied the table.
			continue
		}
		if st.Withdrawn {
			// That nothing watches there any more is known by the clock, which may stand before the readings' own time.
			left, err := liveEvents(tx, a.ID)
			if err != nil {
				return err
			}
			if n := len(left); n > 0 {
				st.At = max(st.At, db.Micros(left[n-1].At))
			}
		}
		fresh, err := putEvent(tx, a.ID, st, now)
		if err != nil {
			return err
		}
		if fresh {
			touch(a)
			if !st.Cleared && st.Detector.Joins != nil { // a level that rose rests on more than the first did
				i := slices.IndexFunc(touched, func(b *Alert) bool { return b.ID == a.ID })
				if touched[i].Signals, err = s.signals(tx, st, a); err != nil {
					return err
				}
			}
			if st.alert != nil && a.ID != st.alert.ID { // told anew on other grounds: these are its readings now
				if err := retell(tx, a, st.alert); err != nil {
					return err
				}
			}
		}
	}
	for _, before := range touched {
		if err := s.follow(tx, before, group[len(group)-1], now); err != nil {
			return err
		}
	}
	return nil
}

// name finds or makes the alert of a name that is new. An alert of which nothing is left after what was taken back is the
// same alert, told better: it takes the name.
func (s *Service) name(tx *db.Tx, st step, touched []*Alert) (*Alert, error) {
	k := keyOf(st.Change)
	for _, a := range touched {
		if a.key.detector != k.detector || a.key.kind != k.kind || a.key.fault != k.fault || a.key.subject != k.subject {
			continue
		}
		left, err := liveEvents(tx, a.ID)
		if err != nil {
			return nil, err
		}
		if len(left) == 0 {
			return a, insertName(tx, k, a.ID)
		}
	}
	a := st.alert
	if err := s.group(tx, st, a); err != nil {
		return nil, err
	}
	if err := s.putToRest(tx, st, a); err != nil {
		return nil, err
	}
	if err := insertAlert(tx, a); err != nil {
		return nil, err
	}
	a.State = "" // it is told as raised when its history is followed
	return a, insertName(tx, k, a.ID)
}

// follow has an alert be what the steps of its history that hold say, and tells what that changes.
func (s *Service) follow(tx *db.Tx, before *Alert, last step, now time.Time) error {
	steps, err := liveEvents(tx, before.ID)
	if err != nil {
		return err
	}
	a := *before
	reason := "condition"
	if len(steps) == 0 { // a reading that came late shows that there was nothing
		at := db.Time(last.At)
		a.State, a.ClearedAt, reason = Cleared, &at, "revised"
		if _, err := insertEvent(tx, a.ID, "cleared", now, now, a.Level, "", 0, reason, nil); err != nil {
			return err
		}
	}
	a.Chatters = false
	for i, e := range steps {
		switch e.Kind {
		case "cleared":
			at := e.At
			a.State, a.ClearedAt, reason = Cleared, &at, e.Note
			continue
		case "raised":
			if i == 0 {
				a.RaisedAt, a.Since = e.At, db.Time(e.since)
			}
		case "again":
			if e.ID > before.acknowledgedIn && before.AcknowledgedAt != nil {
				a.AcknowledgedAt, a.AcknowledgedBy = nil, ""
			}
			a.Chatters = a.Chatters || e.Note == chattering
		}
		a.Level, a.ClearedAt = e.Level, nil
		if e.Because != nil {
			a.Because, a.Figures = *e.Because, e.Figures
		}
		if a.State = Raised; a.AcknowledgedAt != nil {
			a.State = Acknowledged
		}
	}
	if err := updateAlert(tx, &a); err != nil {
		return err
	}
	at := db.Time(last.At)
	switch {
	case before.State == "":
		return outbox.Put(tx, events.AlertRaised{AlertFacts: a.news(at)})
	case a.State == Cleared && before.State != Cleared:
		return outbox.Put(tx, events.AlertCleared{AlertFacts: a.news(at), Reason: reason})
	case a.State != Cleared && before.State == Cleared:
		return outbox.Put(tx, events.AlertChanged{AlertFacts: a.news(at), From: engine.None.String()})
	case a.State != Cleared && (a.Level != before.Level || !a.Since.Equal(before.Since) || a.Chatters != before.Chatters):
		return outbox.Put(tx, events.AlertChanged{AlertFacts: a.news(at), From: before.Level.String()})
	}
	return nil
}

// chattering is the note of a step by which an alert came back too often.
const chattering = "chattering"

// insertAlert adds an alert and sets its id.
func insertAlert(tx *db.Tx, a *Alert) error {
	body, err := a.facts()
	if err != nil {
		return err
	}
	var lon, lat sql.NullFloat64
	if a.Point != nil {
		lon, lat = sql.NullFloat64{Float64: a.Point[0], Valid: true}, sql.NullFloat64{Float64: a.Point[1], Valid: true}
	}
	return tx.QueryRow(`insert into alerts (detector, kind, fault, scope, subject, since, level, state, raised_at, datastream, asset, place,
			area, organisation, lon, lat, facts, works, works_over_at, lead, shelf, shelf_until, design)
		values ($1, $2, $3, $4, $5, $6, $7, 'raised', $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22) returning id`,
		a.key.detector, string(a.key.kind), string(a.key.fault), int64(a.key.subject.Scope), a.key.subject.ID, a.key.since, int64(a.Level), db.Micros(a.RaisedAt),
		a.Datastream, a.Asset, a.Place, a.Area, a.Organisation, lon, lat, body, a.worksID(), a.worksOver(), null(a.Lead), a.shelfID(), a.shelfUntil(), a.designID()).Scan(&a.ID)
}

func insertName(tx *db.Tx, k key, alert int64) error {
	_, err := tx.Exec(`insert into alert_names (detector, kind, fault, scope, subject, since, alert) values ($1, $2, $3, $4, $5, $6, $7)`,
		k.detector, string(k.kind), string(k.fault), int64(k.subject.Scope), k.subject.ID, k.since, alert)
	return err
}

// updateAlert writes what the history says.
func updateAlert(tx *db.Tx, a *Alert) error {
	body, err := a.facts()
	if err != nil {
		return err
	}
	var acknowledged sql.NullInt64
	if a.AcknowledgedAt != nil {
		acknowledged = sql.NullInt64{Int64: db.Micros(*a.AcknowledgedAt), Valid: true}
	}
	_, err = tx.Exec(`update alerts set since = $1, raised_at = $2, level = $3, state = $4, cleared_at = $5, facts = $6, chatters = $7,
			acknowledged_at = $8, acknowledged_by = $9 where id = $10`,
		db.Micros(a.Since), db.Micros(a.RaisedAt), int64(a.Level), a.State, optionalMicros(a.ClearedAt), body, bit(a.Chatters), acknowledged, a.AcknowledgedBy, a.ID)
	return err
}

// retell gives an alert the cause that it has now.
func retell(tx *db.Tx, a, better *Alert) error {
	a.Readings, a.Because, a.Datastream, a.Datastreams = better.Readings, better.Because, better.Datastream, better.Datastreams
	a.Figures, a.others, a.deviators = better.Figures, better.others, better.deviators
	_, err := tx.Exec(`update alerts set datastream = $1 where id = $2`, a.Datastream, a.ID)
	return err
}

// putEvent adds a step to an alert's history, or has it hold again. fresh is false when it holds already.
func putEvent(tx *db.Tx, alert int64, s step, now time.Time) (fresh bool, err error) {
	var because *said
	note := ""
	switch {
	case s.Cleared && s.Withdrawn:
		note = "withdrawn"
	case s.Cleared:
		note = "condition"
	default:
		if because = (&said{s.because, s.figures}); s.Chatters {
			note = chattering
		}
	}
	body, err := json.Marshal(because)
	if err != nil {
		return false, err
	}
	r, err := tx.Exec(`insert into alert_events (alert, at, recorded_at, kind, level, actor, actor_id, note, facts, since)
		values ($1, $2, $3, $4, $5, '', 0, $6, $7, $8)
		on conflict (alert, kind, at, level) do update set undone_at = null, facts = excluded.facts, since = excluded.since, note = excluded.note
			where alert_events.undone_at is not null`,
		alert, s.At, db.Micros(now), s.kind(), int64(s.level()), note, string(body), s.Since)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// undoEvent takes a step back. undone is false when it was taken back already, is not there, or is another run's by now.
func undoEvent(tx *db.Tx, alert int64, s step, now time.Time) (undone bool, err error) {
	r, err := tx.Exec(`update alert_events set undone_at = $1 where alert = $2 and kind = $3 and at = $4 and level = $5 and undone_at is null
			and (since is null or since = $6)`,
		db.Micros(now), alert, s.kind(), s.At, int64(s.level()), s.Since)
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// liveEvents are the detector's steps of an alert that hold, in the order of time.
func liveEvents(tx *db.Tx, alert int64) (out []Step, err error) {
	return steps(tx, `where alert = $1 and kind in ('raised', 'level', 'again', 'cleared') and since is not null and undone_at is null
		order by at nulls last, id nulls last`, alert)
}
