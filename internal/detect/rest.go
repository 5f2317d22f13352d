package detect

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Works tells of planned works. app fulfils it from coverage. Both answer from memory and don't block.
type Works interface {
	// Works are the planned works that were on at an asset, or at its place, at an event's time, and had been announced by then;
	// of several, those that end last. The answer depends on the stored works and the two arguments only, not on when it is
	// asked: a step that is evaluated again after a crash is marked as it was.
	Works(asset int64, at time.Time) (PlannedWorks, bool)
	// WorksEnd is when works are over as far as is known now: when they were announced to be, or when they were ended early.
	// ok is false for works that are forgotten, since they have long been over.
	WorksEnd(id int64) (end time.Time, ok bool)
}

// Network tells which assets feed which. city fulfils it. It answers from memory.
type Network interface {
	// Upstream are the assets next to one from which its water, gas or power comes.
	Upstream(asset int64) []int64
}

// PlannedWorks is what an alert keeps of planned works.
type PlannedWorks struct {
	Works  int64     `json:"works" doc:"their id"`
	Reason string    `json:"reason" doc:"what is done"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until" doc:"as announced"`
}

// DuringWorks marks an alert that was raised while planned works were on. As long as they are it rests: it stands in every
// list, and nothing is opened or sounds for it.
type DuringWorks struct {
	PlannedWorks
	Rests  bool       `json:"rests" doc:"the works are on still: no case is opened, nothing sounds"`
	OverAt *time.Time `json:"over_at" doc:"since when the alert counts like any other: the works are over, or a person has said so"`
}

// during is the mark of an alert that a change raises, or nil. Several instruments that make one alert must all stand in the
// same works: what is done at one of them explains nothing about the others.
func (s *Service) during(c engine.Change) *DuringWorks {
	if s.Works == nil {
		return nil
	}
	var mark *DuringWorks
	for _, id := range c.Datastreams {
		w, ok := s.Works.Works(s.engine.Stream(id).Asset, db.Time(c.At))
		if !ok || mark != nil && mark.Works != w.Works {
			return nil
		}
		mark = &DuringWorks{PlannedWorks: w}
	}
	if now := s.Clock.Now(); mark != nil && !s.rests(mark, now) {
		// They have ended before the reading was judged, or a wrong clock put it into works to come.
		mark.OverAt = &now
	}
	return mark
}

// rests says whether an alert with that mark, which stands, rests at a time.
func (s *Service) rests(w *DuringWorks, now time.Time) bool {
	return w != nil && w.OverAt == nil && !now.Before(w.From) && now.Before(s.worksEnd(w))
}

func (s *Service) worksEnd(w *DuringWorks) time.Time {
	if s.Works != nil {
		if end, ok := s.Works.WorksEnd(w.Works); ok {
			return end
		}
	}
	return w.Until
}

// Shelved says that a person has put an alert aside until a time: it rests until then.
type Shelved struct {
	Shelf  int64      `json:"shelf" doc:"id"`
	Until  time.Time  `json:"until"`
	Reason string     `json:"reason"`
	By     string     `json:"by"`
	OverAt *time.Time `json:"over_at" doc:"since when it counts again"`
}

// Explained says that another alert explains this one, by the rule's suppressed_by or suppressed_from_upstream: it rests while
// that one stands.
type Explained struct {
	Alert  int64      `json:"alert" doc:"id"`
	Title  Wording    `json:"title"`
	OverAt *time.Time `json:"over_at" doc:"since when it counts again"`
}

func (a *Alert) worksID() sql.NullInt64 {
	if a.Works == nil {
		return sql.NullInt64{}
	}
	return null(a.Works.Works)
}

func (a *Alert) worksOver() sql.NullInt64 {
	if a.Works == nil {
		return sql.NullInt64{}
	}
	return optionalMicros(a.Works.OverAt)
}

func (a *Alert) shelfID() sql.NullInt64 {
	if a.Shelf == nil {
		return sql.NullInt64{}
	}
	return null(a.Shelf.Shelf)
}

func (a *Alert) shelfUntil() sql.NullInt64 {
	if a.Shelf == nil {
		return sql.NullInt64{}
	}
	return optionalMicros(&a.Shelf.Until)
}

func (a *Alert) designID() sql.NullInt64 {
	if a.Design == nil {
		return sql.NullInt64{}
	}
	return null(a.Design.Alert)
}

// putToRest marks an alert that is raised while a person has shelved it, or while another alert explains it.
func (s *Service) putToRest(tx *db.Tx, st step, a *Alert) error {
	shelf, err := standingShelf(tx, a.key, s.Clock.Now())
	if err != nil {
		return err
	}
	a.Shelf = shelf
	if a.Kind == engine.Hazard {
		if err := explained(tx, a, st.Detector.SuppressedBy, `asset = cast($2 as bigint) and asset <> 0 or place = cast($3 as bigint) and place <> 0`, a.Asset, a.Place); err != nil {
			return err
		}
	}
	if len(st.upstream) == 0 || a.Design != nil {
		return nil
	}
	list, err := json.Marshal(st.upstream)
	if err != nil {
		return err
	}
	return explained(tx, a, st.Detector.SuppressedUpstream, `asset in (select cast(value as bigint) from json_list($2))`, string(list))
}

// explained notes the newest alert of some detectors that stands where a condition says, from $2 on.
func explained(tx *db.Tx, a *Alert, by []string, where string, args ...any) error {
	if len(by) == 0 {
		return nil
	}
	list, err := json.Marshal(by)
	if err != nil {
		return err
	}
	var id int64
	err = tx.QueryRow(`select id from alerts where state <> 'cleared' and kind = 'hazard' and detector in (select value from json_list($1))
			and (`+where+`) order by id nulls last limit 1`, append([]any{string(list)}, args...)...).Scan(&id)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err == nil {
		a.Design = &Explained{Alert: id}
	}
	return err
}

// tellRest completes alerts for an answer. Whether works are on is looked up anew each time, so that works which are ended
// early end at once.
func (s *Service) tellRest(tx *db.Tx, alerts ...*Alert) error {
	now := s.Clock.Now()
	for _, a := range alerts {
		stands := a.State != Cleared
		if a.Works != nil {
			a.Works.Rests = stands && s.rests(a.Works, now)
			a.Rests = a.Works.Rests
		}
		if x := a.Shelf; x != nil {
			a.Rests = a.Rests || stands && x.OverAt == nil && now.Before(x.Until)
			err := tx.QueryRow(`select reason, actor from alert_shelves where id = $1`, x.Shelf).Scan(&x.Reason, &x.By)
			if err != nil && !errors.Is(err, db.ErrNotFound) {
				return err
			}
		}
		if x := a.Design; x != nil {
			a.Rests = a.Rests || stands && x.OverAt == nil
			by, err := alertByID(tx, x.Alert)
			if err != nil && !errors.Is(err, db.ErrNotFound) {
				return err
			}
			if by != nil {
				x.Title = by.Title
			}
		}
	}
	return nil
}

// resting are the works during which alerts rest just now.
func (s *Service) resting(tx *db.Tx) (works []int64, err error) {
	marked, err := markedAlerts(tx)
	now, seen := s.Clock.Now(), map[int64]bool{}
	works = []int64{}
	for _, a := range marked {
		if a.Works == nil || a.Works.OverAt != nil {
			continue
		}
		if id := a.Works.Works; !seen[id] && s.rests(a.Works, now) {
			seen[id], works = true, append(works, id)
		}
	}
	return works, err
}

// ended is one rest of an alert that is over.
type ended struct {
	kind string // in the history: works_over, shelf_over, design_over
	at   time.Time
}

// over are the rests of a standing alert that are over by a time and were not told yet.
func (s *Service) over(tx *db.Tx, a *Alert, now time.Time) (out []ended, err error) {
	if w := a.Works; w != nil && w.OverAt == nil && !s.rests(w, now) {
		at := s.worksEnd(w)
		if at.After(now) {
			at = now
		}
		out = append(out, ended{"works_over", at})
	}
	if x := a.Shelf; x != nil && x.OverAt == nil && !now.Before(x.Until) {
		out = append(out, ended{"shelf_over", x.Until})
	}
	if x := a.Design; x != nil && x.OverAt == nil {
		by, err := alertByID(tx, x.Alert)
		switch {
		case errors.Is(err, db.ErrNotFound):
			out = append(out, ended{"design_over", now})
		case err != nil:
			return nil, err
		case by.ClearedAt != nil:
			out = append(out, ended{"design_over", *by.ClearedAt})
		}
	}
	return out, nil
}

// endRests has alerts count again whose rest is over while they stand. Whether that was told is a row of its own, so it is
// told once, whenever the program is killed. An alert is looked at again in the transaction, since it may clear meanwhile.
func (s *Service) endRests(ctx context.Context) error {
	var due []*Alert
	now := s.Clock.Now()
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		marked, err := markedAlerts(tx)
		if err != nil {
			return err
		}
		for _, a := range marked {
			over, err := s.over(tx, a, now)
			if err != nil {
				return err
			}
			if len(over) > 0 {
				due = append(due, a)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("alerts that rest: %w", err)
	}
	for len(due) > 0 {
		n := min(len(due), recordAtOnce)
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			for _, a := range due[:n] {
				over, err := s.over(tx, a, now)
				if err != nil {
					return err
				}
				for _, e := range over {
					if _, err := s.endRest(tx, a.ID, e, now, access.Actor{}, ""); err != nil {
						return fmt.Errorf("alert %d: %w", a.ID, err)
					}
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("alerts whose rest is over: %w", err)
		}
		due = due[n:]
	}
	return nil
}

// Attend has an alert that rests count like any other, at once: a person has seen that the works, or the alert that explains
// it, don't, or takes it off the shelf. A repeat changes nothing and succeeds.
func (s *Service) Attend(ctx context.Context, id int64, note string) (*Alert, error) {
	a, note, err := s.toAcknowledge(ctx, id, note)
	if err != nil {
		return nil, err
	}
	if a.Works == nil && a.Shelf == nil && a.Design == nil {
		return nil, web.Errorf(http.StatusConflict, "alert.no_rest", "alert %d does not rest", id)
	}
	who, now := access.From(ctx), s.Clock.Now()
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		rested := false
		for _, kind := range []string{"works_over", "shelf_over", "design_over"} {
			fresh, err := s.endRest(tx, id, ended{kind, now}, now, who, note)
			if err != nil {
				return err
			}
			rested = rested || fresh
		}
		if !rested {
			return nil
		}
		detail := map[string]any{"detector": a.Detector, "since": a.Since.Format(time.RFC3339Nano), "note": note}
		if a.Works != nil {
			detail["works"] = a.Works.Works
		}
		return ledger.Append(tx, ledger.Entry{
			Action: "alert.attend", Actor: who.Name, ActorID: who.ID, Subject: "alert", SubjectID: id, At: now, Detail: detail,
		})
	})
	if err != nil {
		return nil, fmt.Errorf("attend alert %d: %w", id, err)
	}
	return s.find(ctx, id)
}

// endRest notes that one rest of an alert is over, and tells where it counts now. fresh is false when it was noted already,
// the alert has no such rest, or it has cleared.
func (s *Service) endRest(tx *db.Tx, id int64, e ended, now time.Time, by access.Actor, note string) (fresh bool, err error) {
	a, err := alertByID(tx, id)
	if err != nil || a.State == Cleared {
		return false, err
	}
	column := ""
	switch {
	case e.kind == "works_over" && a.Works != nil && a.Works.OverAt == nil:
		a.Works.OverAt, column = &e.at, "works_over_at"
	case e.kind == "shelf_over" && a.Shelf != nil && a.Shelf.OverAt == nil:
		a.Shelf.OverAt, column = &e.at, "shelf_over_at"
		if by.ID != 0 {
			if _, err := tx.Exec(`update alert_shelves set ended_at = $1 where id = $2 and ended_at is null`, db.Micros(e.at), a.Shelf.Shelf); err != nil {
				return false, err
			}
		}
	case e.kind == "design_over" && a.Design != nil && a.Design.OverAt == nil:
		a.Design.OverAt, column = &e.at, "design_over_at"
	default:
		return false, nil
	}
	if _, err := tx.Exec(`update alerts set `+column+` = $1 where id = $2`, db.Micros(e.at), id); err != nil {
		return false, err
	}
	if _, err := insertEvent(tx, id, e.kind, e.at, now, a.Level, by.Name, by.ID, note, nil); err != nil {
		return false, err
	}
	news := a.news(e.at)
	if news.Rests {
		return true, nil // something else lets it rest still
	}
	return true, outbox.Put(tx, events.AlertRestOver{AlertFacts: news, By: by.ID, ByName: by.Name})
}
