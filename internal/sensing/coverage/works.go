package coverage

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// MaxWorks is how long works may last: who needs longer announces them again, so that no silence is explained for ever.
	MaxWorks = 92 * 24 * time.Hour

	// backdated is how far in the past works may begin: a crew that has already started is announced a little late.
	backdated = 24 * time.Hour

	// worksKept is how long works that are over are still remembered for Works: a late reading may be judged that much later.
	worksKept = 7 * 24 * time.Hour

	maxReason = 500 // characters
)

// Work is planned works at an asset or at a place with all its assets; the other is 0.
type Work struct {
	ID        int64      `json:"id"`
	Asset     int64      `json:"asset,omitempty"`
	Place     int64      `json:"place,omitempty"`
	From      time.Time  `json:"from"`
	Until     time.Time  `json:"until"`
	Reason    string     `json:"reason"`
	By        string     `json:"by" doc:"who announced them"`
	ByID      int64      `json:"by_id"`
	CreatedAt time.Time  `json:"created_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty" doc:"when they were ended early"`
	EndedBy   string     `json:"ended_by,omitempty"`
}

// End is when the works are over.
func (w *Work) End() time.Time {
	if w.EndedAt != nil {
		return *w.EndedAt
	}
	return w.Until
}

// On says whether the works are on at a time.
func (w *Work) On(at time.Time) bool { return !at.Before(w.From) && at.Before(w.End()) }

// WorkDraft is works as they are announced.
type WorkDraft struct {
	Asset  int64      `json:"asset,omitempty" doc:"either this"`
	Place  int64      `json:"place,omitempty" doc:"or this: with all its assets"`
	From   *time.Time `json:"from,omitempty" doc:"now where it is left out; at most a day ago"`
	Until  time.Time  `json:"until" doc:"at most 92 days after the beginning"`
	Reason string     `json:"reason" doc:"what is done, for others to read; no names or numbers of people"`
}

// check completes a draft.
func (d WorkDraft) check(now time.Time) (Work, error) {
	bad := func(field, code, format string, args ...any) (Work, error) {
		return Work{}, web.Errorf(http.StatusUnprocessableEntity, "coverage."+code, format, args...).At(field)
	}
	w := Work{Asset: d.Asset, Place: d.Place, From: now, Until: d.Until.UTC().Truncate(time.Microsecond), Reason: strings.TrimSpace(d.Reason), CreatedAt: now}
	if d.From != nil {
		w.From = d.From.UTC().Truncate(time.Microsecond)
	}
	switch {
	case (w.Asset == 0) == (w.Place == 0):
		return bad("asset", "one_subject", "expected either an asset or a place")
	case w.Reason == "":
		return bad("reason", "no_reason", "say what is done")
	case utf8.RuneCountInString(w.Reason) > maxReason || !utf8.ValidString(w.Reason) || strings.ContainsRune(w.Reason, 0):
		return bad("reason", "bad_reason", "expected text of at most %d characters", maxReason)
	case w.From.Before(now.Add(-backdated)):
		return bad("from", "too_early", "works can't have begun more than a day ago: a silence is not explained afterwards")
	case !w.Until.After(now):
		return bad("until", "over", "this time has passed")
	case !w.Until.After(w.From):
		return bad("until", "over", "the end lies before the beginning")
	case w.Until.Sub(w.From) > MaxWorks:
		return bad("until", "too_long", "works last at most %d days; announce them again when these are over", int(MaxWorks.Hours()/24))
	}
	w.Reason = guard.Mask(w.Reason) // here, since the ledger forgets nothing
	return w, nil
}

// Announce records planned works. Who may shelve the alerts of an asset may: the watch, and who holds it. request is the
// sender's idempotency key; with the same key the same works come back, whatever the draft says by then.
func (s *Service) Announce(ctx context.Context, d WorkDraft, request string) (Work, error) {
	now, who := s.Clock.Now().Truncate(time.Microsecond), access.From(ctx)
	w, err := d.check(now)
	if err != nil {
		return Work{}, err
	}
	r, err := s.subjectOf(w.Asset, w.Place)
	if err != nil {
		return Work{}, err
	}
	if err := s.Access.Decide(ctx, "alert.shelve", r, access.Maintenance); err != nil {
		return Work{}, err
	}
	w.By, w.ByID = who.Name, who.ID
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		added, err := insertWork(tx, &w, request)
		if err != nil || !added {
			return err
		}
		return ledger.Append(tx, ledger.Entry{
			Action: "works.announce", Actor: who.Name, ActorID: who.ID, Subject: "works", SubjectID: w.ID, At: now,
			Detail: map[string]any{"asset": w.Asset, "place": w.Place, "from": stamp(w.From), "until": stamp(w.Until), "reason": w.Reason},
		})
	})
	if err != nil {
		return Work{}, err
	}
	s.remember(w)
	return w, nil
}

// End ends works now. Works that are over already are refused, unless it was this person who ended them: a request that got
// lost may be repeated.
func (s *Service) End(ctx context.Context, id int64) (Work, error) {
	w, err := s.work(ctx, id)
	if err != nil {
		return Work{}, err
	}
	r, err := s.subjectOf(w.Asset, w.Place)
	if err != nil {
		return Work{}, err
	}
	if err := s.Access.Decide(ctx, "alert.shelve", r, access.Maintenance); err != nil {
		return Work{}, err
	}
	now, who := s.Clock.Now().Truncate(time.Microsecond), access.From(ctx)
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		var endedBy int64
		if w, endedBy, err = workByID(tx, id); err != nil { // again: another may have been quicker
			return err
		}
		switch {
		case w.EndedAt != nil && endedBy == who.ID && w.EndedBy == who.Name:
			return nil
		case !now.Before(w.End()):
			return web.Errorf(http.StatusConflict, "coverage.works_over", "these works were over at %s", w.End().Format(time.RFC3339))
		}
		w.EndedAt, w.EndedBy = &now, who.Name
		if err := endWork(tx, id, now, who.ID, who.Name); err != nil {
			return err
		}
		return ledger.Append(tx, ledger.Entry{
			Action: "works.end", Actor: who.Name, ActorID: who.ID, Subject: "works", SubjectID: id, At: now,
			Detail: map[string]any{"asset": w.Asset, "place": w.Place, "until": stamp(w.Until)},
		})
	})
	if err != nil {
		return Work{}, err
	}
	s.remember(w)
	return w, nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// Works are the planned works that are on for an asset, or for the place it stands at, at a time; of several, those that end
// last. Works that were announced after that time don't count: what happened before is not explained afterwards, and whoever
// asks later gets the same answer. It answers from memory, for times up to worksKept ago, and asks nobody's leave: it is for
// other rooms.
func (s *Service) Works(asset int64, at time.Time) (Work, bool) {
	spot, _ := s.Register.Asset(asset)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if w := s.workOn(asset, spot.Place, db.Micros(at)); w != nil {
		return *w, true
	}
	return Work{}, false
}

// WorksEnd is when works are over, as far as is known now. ok is false for works that have been over for longer than worksKept.
// As Works, it answers from memory and asks nobody's leave.
func (s *Service) WorksEnd(id int64) (end time.Time, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	w, ok := s.worksByID[id]
	if !ok {
		return time.Time{}, false
	}
	return w.End(), true
}

// workOn is Works for one who holds s.mu.
func (s *Service) workOn(asset, place, at int64) (on *Work) {
	look := func(ws []*Work) {
		for _, w := range ws {
			if t := db.Time(at); w.On(t) && !t.Before(w.CreatedAt) && (on == nil || w.End().After(on.End())) {
				on = w
			}
		}
	}
	if ws := s.works[subject{asset: asset}]; ws != nil {
		look(ws)
	}
	if place != 0 {
		if ws := s.works[subject{place: place}]; ws != nil {
			look(ws)
		}
	}
	return on
}

// remember puts works into memory. What is there is replaced, not changed: a reader may hold it.
func (s *Service) remember(w Work) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := subject{asset: w.Asset, place: w.Place}
	ws := slices.Clone(s.works[at])
	if i := slices.IndexFunc(ws, func(x *Work) bool { return x.ID == w.ID }); i >= 0 {
		ws[i] = &w
	} else {
		ws = append(ws, &w)
	}
	s.works[at], s.worksByID[w.ID] = ws, &w
	s.changed++
}

// subject is what works or a calibration are about: one of the three.
type subject struct{ asset, place, datastream int64 }

// subjectOf is the asset or place as access sees it.
func (s *Service) subjectOf(asset, place int64) (access.Resource, error) {
	if asset != 0 {
		at, ok := s.Register.Asset(asset)
		if !ok {
			return access.Resource{}, web.Errorf(http.StatusUnprocessableEntity, "coverage.unknown_asset", "there is no asset %d", asset).At("asset")
		}
		return access.Resource{Type: "asset", ID: asset, Organisation: at.Organisation, Area: at.Area}, nil
	}
	at, ok := s.Register.Place(place)
	if !ok {
		return access.Resource{}, web.Errorf(http.StatusUnprocessableEntity, "coverage.unknown_place", "there is no place %d", place).At("place")
	}
	return access.Resource{Type: "place", ID: place, Organisation: at.Organisation, Area: at.Area}, nil
}
