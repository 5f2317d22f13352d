package detect

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/anlan-city/anlan/internal/access"
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
func (s *Service) during(c Change) *DuringWorks {
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

// tellRest completes alerts for an answer. It is looked up anew each time, so that works which are ended early end at once.
func (s *Service) tellRest(alerts ...*Alert) {
	now := s.Clock.Now()
	for _, a := range alerts {
		if a.Works != nil {
			a.Works.Rests = a.State != Cleared && s.rests(a.Works, now)
		}
	}
}

// resting are the works during which alerts rest just now.
func (s *Service) resting(tx *db.Tx) (works []int64, err error) {
	marked, err := markedAlerts(tx)
	now, seen := s.Clock.Now(), map[int64]bool{}
	works = []int64{}
	for _, a := range marked {
		if id := a.Works.Works; !seen[id] && s.rests(a.Works, now) {
			seen[id], works = true, append(works, id)
		}
	}
	return works, err
}

// endRests has alerts count again whose works are over while they stand. Whether that was told is a row of its own, so it is
// told once, whenever the program is killed. An alert is looked at again in the transaction, since it may clear meanwhile.
func (s *Service) endRests(ctx context.Context) error {
	var over []*Alert
	now := s.Clock.Now()
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		marked, err := markedAlerts(tx)
		for _, a := range marked {
			if !s.rests(a.Works, now) {
				over = append(over, a)
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("alerts during planned works: %w", err)
	}
	for len(over) > 0 {
		n := min(len(over), recordAtOnce)
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			for _, a := range over[:n] {
				at := s.worksEnd(a.Works)
				if at.After(now) {
					at = now
				}
				if _, err := endRest(tx, a.ID, at, now, access.Actor{}, ""); err != nil {
					return fmt.Errorf("alert %d: %w", a.ID, err)
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("alerts whose planned works are over: %w", err)
		}
		over = over[n:]
	}
	return nil
}

// Attend has an alert that rests during planned works count like any other, at once: a person has seen that the works don't
// explain it. A repeat changes nothing and succeeds.
func (s *Service) Attend(ctx context.Context, id int64, note string) (*Alert, error) {
	a, note, err := s.toAcknowledge(ctx, id, note)
	if err != nil {
		return nil, err
	}
	if a.Works == nil {
		return nil, web.Errorf(http.StatusConflict, "alert.no_works", "alert %d was not raised during planned works", id)
	}
	who, now := access.From(ctx), s.Clock.Now()
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		fresh, err := endRest(tx, id, now, now, who, note)
		if err != nil || !fresh {
			return err
		}
		return ledger.Append(tx, ledger.Entry{
			Action: "alert.attend", Actor: who.Name, ActorID: who.ID, Subject: "alert", SubjectID: id, At: now,
			Detail: map[string]any{"detector": a.Detector, "since": a.Since.Format(time.RFC3339Nano), "works": a.Works.Works, "note": note},
		})
	})
	if err != nil {
		return nil, fmt.Errorf("attend alert %d: %w", id, err)
	}
	return s.find(ctx, id)
}

// endRest notes that an alert counts again since a time, and tells. fresh is false when it does already, or has cleared.
func endRest(tx *db.Tx, id int64, at, now time.Time, by access.Actor, note string) (fresh bool, err error) {
	a, err := alertByID(tx, id)
	if err != nil || a.Works == nil || a.Works.OverAt != nil || a.State == Cleared {
		return false, err
	}
	a.Works.OverAt = &at
	if _, err := tx.Exec(`update alerts set works_over_at = $1 where id = $2`, db.Micros(at), id); err != nil {
		return false, err
	}
	if _, err := insertEvent(tx, id, "works_over", at, now, a.Level, by.Name, by.ID, note, nil); err != nil {
		return false, err
	}
	return true, outbox.Put(tx, events.AlertWorksOver{AlertFacts: a.news(at), By: by.ID, ByName: by.Name})
}
