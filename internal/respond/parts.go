package respond

import (
	"context"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// What the other packages of this room (watch, plan, joint, notify) do to a case they do through the functions of this file,
// within their own transaction: opening, entries of the timeline, tasks, parties. They never touch its tables themselves, and
// each decides beforehand, by Decide, whether the actor may.

// Decide asks whether the actor may do this to a case.
func (s *Service) Decide(ctx context.Context, action string, caseID int64) error {
	return s.decide(ctx, action, caseID)
}

// Once carries out a deed in one transaction, once per actor and key within 24 hours; a repeat gets the first receipt. request
// is everything that was asked for: under one key it must stay the same. An empty key is no key.
func (s *Service) Once(ctx context.Context, key string, request any, deed func(tx *db.Tx, now time.Time) (Receipt, error)) (Receipt, error) {
	return s.write(ctx, key, request, deed)
}

// Find returns a case. A case that does not exist gives an error that wraps db.ErrNotFound.
func Find(tx *db.Tx, caseID int64) (*Case, error) { return getCase(tx, caseID) }

// Open adds a case with its first entry, limits, timers, ledger leaf and event. opened is false when its alert or finding has
// one already, which then comes back.
func (s *Service) Open(tx *db.Tx, who access.Actor, o Opening, first Entry, now time.Time) (c *Case, opened bool, err error) {
	if c, opened, err = s.open(tx, who, o, first, now); err != nil || opened {
		return c, opened, err
	}
	if o.Alert != 0 {
		c, err = caseForAlert(tx, o.Alert)
	} else {
		c, err = caseForFinding(tx, o.Finding)
	}
	return c, false, err
}

// Enter adds a line to a case's timeline and tells that it has changed; e.At and e.Actor are to be filled in. A line that tells
// of an event stands there once, however often it comes.
func (s *Service) Enter(tx *db.Tx, caseID int64, e *Entry) error {
	c, err := getCase(tx, caseID)
	if err != nil {
		return err
	}
	e.Free = guard.Mask(e.Free)
	added, err := insertEntry(tx, caseID, e)
	if err != nil || !added {
		return err
	}
	return changed(tx, c, e.Kind, e.At)
}

// Give gives a task of a case to a team, with its entry, limit and timer. t.Case, t.Organisation and t.OpenedAt are to be filled
// in; t.ID is filled by it.
func (s *Service) Give(tx *db.Tx, who access.Actor, t *Task) error {
	c, err := s.openCase(tx, t.Case)
	if err != nil {
		return err
	}
	t.Free = guard.Mask(t.Free)
	if _, err := s.openTask(tx, who, t); err != nil {
		return err
	}
	if err := changed(tx, c, "task", t.OpenedAt); err != nil {
		return err
	}
	return ledger.Append(tx, ledger.Entry{
		Action: "case.task", Actor: actorName(who), ActorID: who.ID, Subject: "case", SubjectID: c.ID, At: t.OpenedAt,
		Detail: map[string]any{"task": t.ID, "organisation": t.Organisation, "post": t.Post, "origin": t.Origin},
	})
}

// Tasks returns the tasks that an origin gave ("plan:7"), in the order in which they were given.
func Tasks(tx *db.Tx, origin string) ([]Task, error) { return tasksOf(tx, origin) }

// Timeline returns what happened to a case, in order.
func Timeline(tx *db.Tx, caseID int64) ([]Entry, error) { return timeline(tx, caseID) }

// Invite makes an organisation a party of a case. One that is there already stays as it is.
func (s *Service) Invite(tx *db.Tx, who access.Actor, caseID int64, p Party) error {
	c, err := s.openCase(tx, caseID)
	if err != nil || slices.ContainsFunc(c.Parties, func(x Party) bool { return x.Organisation == p.Organisation }) {
		return err
	}
	p.By = actorName(who)
	c.Parties = append(c.Parties, p)
	if err := updateCase(tx, c, c.Generation); err != nil {
		return err
	}
	if err := changed(tx, c, "parties", p.At); err != nil {
		return err
	}
	return ledger.Append(tx, ledger.Entry{
		Action: "case.invite", Actor: actorName(who), ActorID: who.ID, Subject: "case", SubjectID: c.ID, At: p.At,
		Detail: map[string]any{"organisation": p.Organisation, "role": p.Role},
	})
}
