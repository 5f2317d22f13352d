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
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// GroupDeed is what a deed about a group as a whole came to. Each alert has its own row in its history, and its own entry in the
// ledger; one that could not be done does not keep the others from being done.
type GroupDeed struct {
	Lead    int64     `json:"lead" doc:"the alert that leads the group"`
	Done    []int64   `json:"done" doc:"the alerts that were acknowledged by this call; of a verdict: of which it holds now"`
	Refused []Refused `json:"refused" doc:"the others, with the reason"`
}

// Refused is an alert of a group about which a deed could not be done.
type Refused struct {
	Alert     int64   `json:"alert"`
	Title     Wording `json:"title"`
	AssetName Wording `json:"asset_name"`
	Code      string  `json:"code" doc:"as of the same deed about this alert alone; alert.judged: another person has judged it already"`
	Reason    string  `json:"reason"`
	By        string  `json:"by,omitempty" doc:"who was first"`
}

// WholeGroup says that a group was acknowledged as a whole.
type WholeGroup struct {
	At time.Time `json:"at"`
	By string    `json:"by"`
}

// wholeGroup is the kind of the row in the history of the alert that leads.
const wholeGroup = "group_acknowledged"

// AcknowledgeGroup acknowledges whatever stands of an alert's group, and notes with the alert that leads that it was done as a
// whole: what joins the group later is new in an acknowledged group. What another has acknowledged is reported as refused, with
// the name. It may be repeated: what he has acknowledged already is neither counted nor recorded again.
func (s *Service) AcknowledgeGroup(ctx context.Context, id int64, note string) (*GroupDeed, error) {
	note, err := checkNote(note)
	if err != nil {
		return nil, err
	}
	lead, all, err := s.groupOf(ctx, id)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(a *Alert) bool { return a.State == Cleared })
	now, who := s.Clock.Now(), access.From(ctx)
	out := &GroupDeed{Lead: lead.ID, Done: []int64{}, Refused: []Refused{}}
	if err := s.Access.Decide(ctx, "alert.acknowledge", lead.resource(), access.Operations); err != nil {
		return nil, err
	}
	fresh := map[int64]bool{} // acknowledged by this call
	err = s.wholly(ctx, all, out, func(tx *db.Tx, a *Alert) (string, error) {
		a, err := alertByID(tx, a.ID) // again: another may have been quicker
		if err != nil {
			return "", err
		}
		fresh[a.ID] = a.AcknowledgedAt == nil
		return a.AcknowledgedBy, s.acknowledgeOne(tx, a, who, note, lead.ID, now)
	}, func(tx *db.Tx) error {
		if len(out.Done) == 0 {
			return nil
		}
		if !slices.ContainsFunc(out.Done, func(id int64) bool { return fresh[id] }) { // a repeat, or one alert after the other before
			last, err := wholeGroups(tx, lead.ID)
			if err != nil || last[lead.ID] != nil {
				return err
			}
		}
		_, err := insertEvent(tx, lead.ID, wholeGroup, now, now, lead.Level, who.Name, who.ID, note, nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("acknowledge the group of alert %d: %w", lead.ID, err)
	}
	out.Done = slices.DeleteFunc(out.Done, func(id int64) bool { return !fresh[id] })
	return out, nil
}

// JudgeGroup notes what was found out about an alert, for it and for all others of its group. One that another person has
// judged otherwise keeps that word and is reported as refused; whoever judged the group may correct himself.
func (s *Service) JudgeGroup(ctx context.Context, id int64, v Verdict) (*GroupDeed, error) {
	now := s.Clock.Now()
	if err := v.check(now); err != nil {
		return nil, err
	}
	var err error
	if v.Note, err = checkNote(v.Note); err != nil {
		return nil, err
	}
	lead, all, err := s.groupOf(ctx, id)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(a *Alert) bool { return a.ID == id })
	if err := s.Access.Decide(ctx, "alert.acknowledge", all[i].resource(), access.Operations); err != nil {
		return nil, err
	}
	out := &GroupDeed{Lead: lead.ID, Done: []int64{}, Refused: []Refused{}}
	who := access.From(ctx)
	err = s.wholly(ctx, all, out, func(tx *db.Tx, a *Alert) (string, error) {
		if err := tellVerdicts(tx, a); err != nil {
			return "", err
		}
		v := v
		v.Alert, v.By, v.At = a.ID, who.Name, now
		if o := a.Outcome; o != nil && o.Case == 0 && a.ID != id {
			if o.same(v) {
				return "", nil
			}
			if o.byID != who.ID || o.By != who.Name {
				return o.By, web.Errorf(http.StatusConflict, "alert.judged", "%s has found alert %d to be %s", o.By, a.ID, o.Verdict)
			}
		}
		return "", judgeOne(tx, a, v, who.ID, lead.ID)
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("judge the group of alert %d: %w", lead.ID, err)
	}
	return out, nil
}

// groupOf are the alert that leads an alert's group and all that belong to it, that one first. The actor may read them.
func (s *Service) groupOf(ctx context.Context, id int64) (lead *Alert, all []*Alert, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		a, err := alertByID(tx, id)
		if err == nil && a.Lead != 0 {
			a, err = alertByID(tx, a.Lead)
		}
		if err != nil {
			return err
		}
		lead, all = a, []*Alert{a}
		return tx.Each(func(rows *sql.Rows) error {
			a, err := scanAlert(rows)
			all = append(all, a)
			return err
		}, `select `+columns+` from alerts where lead = $1 order by id nulls last`, a.ID)
	})
	switch {
	case errors.Is(err, db.ErrNotFound):
		return nil, nil, web.Errorf(http.StatusNotFound, "alert.unknown", "there is no alert %d", id)
	case err != nil:
		return nil, nil, fmt.Errorf("group of alert %d: %w", id, err)
	}
	return lead, all, s.Access.Decide(ctx, "alert.read", lead.resource(), access.Operations)
}

// wholly does a deed about each alert of a group, recordAtOnce in a transaction so that a large group does not hold the writer,
// and last in the last one. What the deed is refused for is reported, with who was first.
func (s *Service) wholly(ctx context.Context, all []*Alert, out *GroupDeed, deed func(tx *db.Tx, a *Alert) (by string, err error), last func(tx *db.Tx) error) error {
	for first := true; first || len(all) > 0; first = false {
		n := min(len(all), recordAtOnce)
		done, refusals := []int64{}, []Refused{}
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			done, refusals = done[:0], refusals[:0] // a transaction may be tried again
			for _, a := range all[:n] {
				by := ""
				err := s.Access.Decide(ctx, "alert.acknowledge", a.resource(), access.Operations)
				if err == nil {
					by, err = deed(tx, a)
				}
				var refused *web.Error
				switch {
				case errors.As(err, &refused):
					refusals = append(refusals, Refused{Alert: a.ID, Title: a.Title, AssetName: a.AssetName, Code: refused.Code, Reason: refused.Message, By: by})
				case err != nil:
					return fmt.Errorf("alert %d: %w", a.ID, err)
				default:
					done = append(done, a.ID)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		out.Done, out.Refused = append(out.Done, done...), append(out.Refused, refusals...)
		all = all[n:]
	}
	if last == nil {
		return nil
	}
	return s.DB.Write(ctx, last)
}

// wholeGroups are, of alerts that lead, those whose group was acknowledged as a whole, the last time.
func wholeGroups(tx *db.Tx, leads ...int64) (map[int64]*WholeGroup, error) {
	list, err := json.Marshal(append([]int64{}, leads...))
	if err != nil {
		return nil, err
	}
	out := map[int64]*WholeGroup{}
	err = tx.Each(func(rows *sql.Rows) error {
		var lead, at int64
		var by string
		err := rows.Scan(&lead, &at, &by)
		out[lead] = &WholeGroup{At: db.Time(at), By: by}
		return err
	}, `select alert, at, actor from alert_events where kind = '`+wholeGroup+`' and alert in (select cast(value as bigint) from json_list($1))
			order by at nulls last, id nulls last`, string(list))
	return out, err
}
