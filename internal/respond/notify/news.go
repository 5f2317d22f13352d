package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/warn"
)

// heard are the events that the room listens to.
var heard = []string{
	"alert.raised", "alert.changed", "alert.rest_over", "alert.acknowledged", "alert.cleared",
	"case.opened", "case.moved", "case.changed", "case.closed", "case.reopened", "case.overdue", "case.ask",
	"task.given", "task.acknowledged", "task.done", "chain.wanted", "chain.answered",
	"warning.proposed", "warning.withdrawn", "warning.issued", "warning.updated", "warning.cancelled", "warning.expired", "warning.suggested",
}

// Hear takes an event of another room. It may come more than once.
func (s *Service) Hear(ctx context.Context, m bus.Message) error {
	ctx = access.With(ctx, access.System("notify"))
	switch m.Subject {
	case "alert.raised", "alert.changed", "alert.rest_over":
		return hear(m, func(e events.AlertFacts) error { return s.alert(ctx, m.ID, e) })
	case "alert.acknowledged", "alert.cleared":
		return hear(m, func(e events.AlertFacts) error {
			return s.ask(ctx, `about = $1 and about_id = $2 and state <> 'over'`, AboutAlert, e.Alert)
		})
	case "case.opened":
		return hear(m, func(e events.CaseOpened) error { return s.opened(ctx, m.ID, e) })
	case "case.overdue":
		return hear(m, func(e events.CaseOverdue) error { return s.overdue(ctx, m.ID, e) })
	case "case.changed":
		return hear(m, func(e events.CaseChanged) error {
			if e.What == entryKind { // our own
				return nil
			}
			return s.askCase(ctx, e.Case)
		})
	case "case.moved", "case.closed", "case.reopened", "case.ask":
		return hear(m, func(e caseNews) error { return s.askCase(ctx, e.Case) })
	case "task.given":
		return hear(m, func(e taskNews) error { return s.given(ctx, m.ID, e) })
	case "task.acknowledged", "task.done":
		return hear(m, func(e taskNews) error { return s.askCase(ctx, e.Case) })
	case "chain.wanted":
		return hear(m, func(e events.ChainWanted) error { return s.wanted(ctx, m.ID, e) })
	case "chain.answered":
		return hear(m, func(e events.ChainAnswered) error { return s.answered(ctx, e) })
	case "warning.proposed":
		return hear(m, func(e events.WarningProposed) error { return s.proposed(ctx, m.ID, e) })
	case "warning.withdrawn", "warning.issued", "warning.updated", "warning.cancelled", "warning.expired":
		return hear(m, func(e events.Warning) error {
			return s.ask(ctx, `about = $1 and about_id = $2 and state <> 'over'`, AboutWarning, e.Warning)
		})
	case "warning.suggested":
		return hear(m, func(e events.WarningSuggested) error { return s.suggested(ctx, m.ID, e) })
	}
	return nil
}

// caseNews and taskNews are what is needed of an event about a case or a task: the rest is asked of the thing itself.
type (
	caseNews struct {
		Case int64 `json:"case"`
	}
	taskNews struct {
		Case int64 `json:"case"`
		Task int64 `json:"task"`
	}
)

// hear decodes an event. One that can't be read is let go: no repeat mends it.
func hear[T any](m bus.Message, fn func(e T) error) error {
	var e T
	if err := json.Unmarshal(m.Data, &e); err != nil {
		return fmt.Errorf("%w: %w", bus.ErrDrop, err)
	}
	return fn(e)
}

// ask looks at the things that some runs are about. Most news is about things that no chain runs for: that costs a read.
func (s *Service) ask(ctx context.Context, where string, args ...any) error {
	var rs []*Run
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		all, err := runs(tx, where, args...)
		if err != nil {
			return err
		}
		for _, r := range all {
			v, err := s.lookAt(tx, r)
			if err != nil {
				return err
			}
			if v.is != standing {
				rs = append(rs, r)
			}
		}
		return nil
	})
	if err != nil || len(rs) == 0 {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error { return s.answer(tx, rs, s.now()) })
}

func (s *Service) askCase(ctx context.Context, id int64) error {
	return s.ask(ctx, `case_id = $1 and about in ('case', 'task') and state <> 'over'`, id)
}

func (s *Service) alert(ctx context.Context, event int64, a events.AlertFacts) error {
	name, _, _ := strings.Cut(a.Detector, "/")
	c := s.chains.on(OnAlert, name)
	if c == nil || a.Rests || a.State != "raised" || !reaches(a.Level, c.Begins.From) {
		return s.level(ctx, event, a)
	}
	where := text(a.AssetName)
	if where == (lifecycle.Text{}) {
		where = text(a.PlaceName)
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		r := Run{
			About: AboutAlert, AboutID: a.Alert, Occasion: event, Title: about(text(a.Title), where), Level: a.Level, Owner: a.Organisation,
			Spot: inspect.Spot{Asset: a.Asset, Place: a.Place, Area: a.Area}, HeldBy: a.Lead,
		}
		switch k, err := respond.ForAlert(tx, a.Alert); {
		case err == nil:
			r.Case = k.ID
		case !errors.Is(err, db.ErrNotFound):
			return err
		}
		return s.begin(tx, want{chain: c, run: r}, s.now())
	})
}

// level keeps the level of an alert that calls, so that who is told later is told how bad it is now. A run that has taken later
// news knows better.
func (s *Service) level(ctx context.Context, event int64, a events.AlertFacts) error {
	var rs []*Run
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		rs, err = runs(tx, `about = $1 and about_id = $2 and state in ('held', 'running') and level <> $3 and occasion < $4`,
			AboutAlert, a.Alert, a.Level, event)
		return err
	})
	if err != nil || len(rs) == 0 {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		for _, r := range rs {
			r, err := getRun(tx, r.ID)
			if err != nil {
				return err
			}
			r.Level, r.Occasion = a.Level, event
			if err := updateRun(tx, r); err != nil {
				return err
			}
		}
		return s.answer(tx, rs, s.now())
	})
}

func (s *Service) opened(ctx context.Context, event int64, e events.CaseOpened) error {
	c := s.chains.on(OnNoOwner, "")
	if e.Alert == 0 && (c == nil || e.Owner != 0) {
		return nil
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if e.Alert != 0 { // what is told of the alert from here on stands in the case
			rs, err := runs(tx, `about = $1 and about_id = $2 and state <> 'over' and case_id = 0`, AboutAlert, e.Alert)
			if err != nil {
				return err
			}
			for _, r := range rs {
				if err := s.enterCase(tx, r, e.Case); err != nil {
					return err
				}
			}
		}
		if c == nil || e.Owner != 0 {
			return nil
		}
		return s.beginCase(tx, c, e.Case, Run{About: AboutCase, AboutID: e.Case, Name: nameOwner, Occasion: event})
	})
}

// enterCase has an alert's run write into the case that was opened for it meanwhile, and tells it who was called before.
func (s *Service) enterCase(tx *db.Tx, r *Run, id int64) error {
	r.Case = id
	if err := updateRun(tx, r); err != nil {
		return err
	}
	c, err := getChain(tx, r.Definition)
	if err != nil {
		return err
	}
	before, err := notices(tx, `run = $1 and over = 0 order by id nulls last`, r.ID)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`update notices set case_id = $1 where run = $2`, id, r.ID); err != nil {
		return fmt.Errorf("notices of case %d: %w", id, err)
	}
	for _, n := range before {
		if err := s.enterCall(tx, r, c, n); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) overdue(ctx context.Context, event int64, e events.CaseOverdue) error {
	c := s.chains.Named(e.Chain)
	if c == nil { // none of its own, or one that no pack has any more
		c = s.chains.on(OnOverdue, "")
	}
	if c == nil {
		return nil
	}
	r := Run{About: AboutCase, AboutID: e.Case, Name: e.Limit, Occasion: event}
	if e.Task != 0 {
		r.About, r.AboutID, r.Name = AboutTask, e.Task, nameOverdue
	} else if e.Limit == lifecycle.StateLimit {
		r.StateID = e.State
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error { return s.beginCase(tx, c, e.Case, r) })
}

func (s *Service) given(ctx context.Context, event int64, e taskNews) error {
	c := s.chains.on(OnTask, "")
	if c == nil {
		return nil
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		return s.beginCase(tx, c, e.Case, Run{About: AboutTask, AboutID: e.Task, Occasion: event})
	})
}

// beginCase begins a chain about a case or a task of it. A private case has none.
func (s *Service) beginCase(tx *db.Tx, c *Chain, id int64, r Run) error {
	k, err := respond.Find(tx, id)
	if err != nil {
		return ignoreMissing(err)
	}
	if k.Private {
		return nil
	}
	if r.StateID != "" {
		if r.StateID != k.State {
			return nil // it has moved on before the news of the delay came
		}
		r.Since = k.Since
	}
	r.Case, r.Level, r.Desk, r.Owner, r.Post = k.ID, k.Level, k.Desk, k.Owner, k.Post
	r.Spot = inspect.Spot{Asset: k.Asset, Place: k.Place, Area: k.Area}
	what := s.Kinds(k.Kind)
	if r.About == AboutTask { // in the program's words alone: those of a person do not leave it
		switch t, err := respond.TaskByID(tx, r.AboutID); {
		case err == nil && t.Text != (lifecycle.Text{}):
			what = t.Text
		case err != nil && !errors.Is(err, db.ErrNotFound):
			return err
		}
	}
	r.Title = about(what, s.Register.Where(r.Spot))
	return s.begin(tx, want{chain: c, run: r}, s.now())
}

// proposed begins the chain of a warning that waits for a second officer. Each version is a thing of its own: what was withdrawn and is
// put forward anew is told anew.
func (s *Service) proposed(ctx context.Context, event int64, e events.WarningProposed) error {
	r := Run{About: AboutWarning, AboutID: e.Warning.Warning, Name: strconv.Itoa(e.Version), Occasion: event}
	if len(e.Areas) == 1 {
		r.Spot.Area = e.Areas[0]
	}
	return s.beginAsked(ctx, s.chains.on(OnProposal, ""), r)
}

// suggested begins the chain of a suggestion, or ends it.
func (s *Service) suggested(ctx context.Context, event int64, e events.WarningSuggested) error {
	if e.State != string(warn.Open) {
		return s.ask(ctx, `about = $1 and about_id = $2 and state <> 'over'`, AboutSuggestion, e.Suggestion)
	}
	return s.beginAsked(ctx, s.chains.on(OnSuggestion, ""), Run{About: AboutSuggestion, AboutID: e.Suggestion, Occasion: event, Spot: inspect.Spot{Area: e.Area}})
}

// beginAsked begins a chain about what an officer is to decide. A suggestion that somebody has taken note of and that changes calls
// again only where it has become worse.
func (s *Service) beginAsked(ctx context.Context, c *Chain, r Run) error {
	if c == nil {
		return nil
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		a, err := s.asked(tx, &r)
		if err != nil {
			return err
		}
		r.Title, r.Level = lifecycle.Words(a.Title.English, a.Title.Chinese), string(a.Level)
		if r.About == AboutSuggestion { // a proposal's headline says where
			r.Title = about(r.Title, s.Register.Where(r.Spot))
		}
		known, err := runs(tx, `about = $1 and about_id = $2 and name = $3 and state = 'acknowledged'`, r.About, r.AboutID, r.Name)
		if err != nil || len(known) > 0 && reaches(known[0].Level, r.Level) {
			return err
		}
		return s.begin(tx, want{chain: c, run: r}, s.now())
	})
}

// asked is what an officer is to decide that a run is about.
func (s *Service) asked(tx *db.Tx, r *Run) (warn.Asked, error) {
	if r.About == AboutSuggestion {
		return s.Warnings.AskedSuggestion(tx, r.AboutID)
	}
	version, err := strconv.Atoi(r.Name)
	if err != nil {
		return warn.Asked{}, fmt.Errorf("version of warning %d: %w", r.AboutID, err)
	}
	return s.Warnings.AskedProposal(tx, r.AboutID, version)
}

func (s *Service) wanted(ctx context.Context, event int64, e events.ChainWanted) error {
	c := s.chains.Named(e.Chain)
	if c == nil {
		return fmt.Errorf("%w: no pack has the chain %q that is wanted about %s %d", bus.ErrDrop, e.Chain, e.About, e.ID)
	}
	if slices.Contains([]string{AboutAlert, AboutTask, AboutCase, AboutWarning, AboutSuggestion}, e.About) {
		return fmt.Errorf("%w: chains about %s begin by their own events", bus.ErrDrop, e.About)
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		return s.begin(tx, want{chain: c, run: Run{
			About: e.About, AboutID: e.ID, Name: e.Name, Occasion: event, Case: e.Case, Title: text(e.Title), Level: e.Level,
			Owner: e.Owner, Post: e.Post, Desk: e.Desk, Spot: inspect.Spot{Asset: e.Asset, Place: e.Place, Area: e.Area},
		}}, s.now())
	})
}

func (s *Service) answered(ctx context.Context, e events.ChainAnswered) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		rs, err := runs(tx, `about = $1 and about_id = $2 and state <> 'over' and (cast($3 as text) = '' or name = cast($3 as text))`, e.About, e.ID, e.Name)
		if err != nil {
			return err
		}
		for _, r := range rs {
			c, err := getChain(tx, r.Definition)
			if err != nil {
				return err
			}
			v := verdict{is: answered, by: e.By}
			switch {
			case e.Over:
				v = verdict{is: ended, why: lifecycle.Words("It is over", "事项已结束")}
			case c.Until == UntilEnded:
				continue
			}
			if err := s.settle(tx, r, v, s.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

func text(t events.AlertText) lifecycle.Text { return lifecycle.Words(t.EN, t.ZH) }

// about joins what something is and where.
func about(what, where lifecycle.Text) lifecycle.Text {
	join := func(a, b string) string {
		if a == "" || b == "" {
			return a + b
		}
		return a + " · " + b
	}
	return lifecycle.Words(join(what.En, where.En), join(what.Zh, where.Zh))
}
