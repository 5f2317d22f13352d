package respond

import (
	"context"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
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

// ForAlert returns the case of an alert. Where there is none it gives an error that wraps db.ErrNotFound.
func ForAlert(tx *db.Tx, alert int64) (*Case, error) { return caseFor(tx, "alert", alert) }

// TaskByID returns a task of whatever case. One that does not exist gives an error that wraps db.ErrNotFound.
func TaskByID(tx *db.Tx, task int64) (*Task, error) { return getTask(tx, task) }

// TasksOf returns up to limit open tasks of a team, those due first. An empty post means all posts of the organisation;
// otherwise those of no post in particular are among them.
func TasksOf(tx *db.Tx, organisation int64, post string, limit int) ([]Task, error) {
	return openTasksOf(tx, organisation, post, limit)
}

// PostsOf returns the posts of an organisation that were ever given a task.
func PostsOf(tx *db.Tx, organisation int64) ([]string, error) { return postsOf(tx, organisation) }

// LimitOf says until when a promise of a case runs and who is on the clock; known is false where none of that name is running.
func LimitOf(tx *db.Tx, caseID int64, name string) (l Running, known bool, err error) {
	return runningLimit(tx, caseID, name)
}

// Running is a promise of a case that is neither met nor given up.
type Running struct {
	Organisation int64
	Post         string
	DueAt        time.Time
	// Told says that its passing was told of; before DueAt, that the clock had run ahead then.
	Told bool
}

// Open adds a case with its first entry, limits, timers, ledger leaf and event. opened is false when its alert or finding has
// one already, which then comes back.
func (s *Service) Open(tx *db.Tx, who access.Actor, o Opening, first Entry, now time.Time) (c *Case, opened bool, err error) {
	if c, opened, err = s.open(tx, who, o, first, now); err != nil || opened {
		return c, opened, err
	}
	for what, id := range map[string]int64{"alert": o.Alert, "finding": o.Finding, "report": o.Report} {
		if id != 0 {
			c, err = caseFor(tx, what, id)
		}
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
	added, err := s.enter(tx, c, e)
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
	if _, err := s.openTask(tx, who, c, t); err != nil {
		return err
	}
	if err := changed(tx, c, "task", t.OpenedAt); err != nil {
		return err
	}
	return recordTask(tx, who, c, *t, "open", t.OpenedAt)
}

// Withdraw takes an open task of a case back, with why in words of the program and of a person. withdrawn is false where the
// task is not open any more.
func (s *Service) Withdraw(tx *db.Tx, who access.Actor, caseID, task int64, why lifecycle.Text, free string, now time.Time) (withdrawn bool, err error) {
	all, err := tasks(tx, caseID)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(all, func(t Task) bool { return t.ID == task })
	if i < 0 || all[i].State != "open" {
		return false, nil
	}
	text := lifecycle.Words("Task withdrawn", "任务撤销")
	if why != (lifecycle.Text{}) {
		text = lifecycle.Words(text.En+" ("+why.En+")", text.Zh+"（"+why.Zh+"）")
	}
	_, err = s.finishTask(tx, who, caseID, task, "withdrawn", guard.Mask(free), text, now)
	return err == nil, err
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
		Detail: c.detail(map[string]any{"organisation": p.Organisation, "role": p.Role}),
	})
}

// PartyRequest asks for an organisation to take part in a case.
type PartyRequest struct {
	Organisation int64  `json:"organisation"`
	Role         string `json:"role,omitempty" enum:",lead,assist,invited" doc:"left out: assist"`
}

// InviteByHand is Invite for a person's request.
func (s *Service) InviteByHand(ctx context.Context, caseID int64, r PartyRequest, key string) (Receipt, error) {
	if _, _, err := s.look(ctx, "case.invite", caseID); err != nil {
		return Receipt{}, err
	}
	if err := s.known(ctx, "organisation", r.Organisation, "organisation"); err != nil {
		return Receipt{}, err
	}
	if r.Role == "" {
		r.Role = "assist"
	}
	who := access.From(ctx)
	name := s.Register.Name(ctx, "organisation", r.Organisation)
	return s.write(ctx, key, []any{"invite", caseID, r}, func(tx *db.Tx, now time.Time) (Receipt, error) {
		c, err := s.openCase(tx, caseID)
		if err != nil || c.takesPart(r.Organisation) {
			return Receipt{Case: caseID}, err
		}
		if err := s.Invite(tx, who, caseID, Party{Organisation: r.Organisation, Role: r.Role, At: now}); err != nil {
			return Receipt{}, err
		}
		e := Entry{At: now, Actor: who, Kind: "party", Text: lifecycle.Words("Takes part from now on: "+name.En, "参与单位："+name.Zh),
			Data: map[string]any{"organisation": r.Organisation, "role": r.Role}}
		_, err = s.enter(tx, c, &e)
		return Receipt{Case: caseID, Entry: e.ID}, err
	})
}
