package respond

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// TaskRequest asks for a task by hand.
type TaskRequest struct {
	Title        string     `json:"title" doc:"what is to be done"`
	Assignee     string     `json:"assignee,omitempty" doc:"the post it is for, such as gas-crew"`
	Organisation int64      `json:"organisation,omitempty" doc:"the organisation it is for; the case's owner when left out"`
	DueAt        *time.Time `json:"due_at,omitempty"`
}

func taskLimit(task int64) string { return fmt.Sprintf("task:%d", task) }

func (s *Service) openTasks(tx *db.Tx, c *Case, k *lifecycle.Kind, templates []lifecycle.TaskTemplate, now time.Time) error {
	for _, t := range templates {
		task := Task{Case: c.ID, Text: t.Title, Organisation: c.Owner, Post: t.Post, OpenedAt: now}
		if !t.Due.IsZero() {
			task.DueAt = t.Due.After(now, s.Calendars[k.Calendar])
		}
		if _, err := s.openTask(tx, access.System("respond"), c, &task); err != nil {
			return err
		}
	}
	return nil
}

// openTask gives a task to a team, with its entry, limit and event.
func (s *Service) openTask(tx *db.Tx, who access.Actor, c *Case, t *Task) (entry int64, err error) {
	words := t.Free
	if c.Private { // what is to be done stands in the vault, with the entry
		if !c.takesPart(t.Organisation) {
			return 0, web.Errorf(http.StatusUnprocessableEntity, "case.not_a_party", "organisation %d takes no part in this case; invite it first", t.Organisation).At("organisation")
		}
		t.Free, t.Post = "", ""
		if t.Text == (lifecycle.Text{}) {
			t.Text = lifecycle.Words("Task", "任务")
		}
	}
	if err := insertTask(tx, t); err != nil {
		return 0, err
	}
	if err := s.join(tx, who, c, t); err != nil {
		return 0, err
	}
	if !t.DueAt.IsZero() {
		title := t.Text
		if title == (lifecycle.Text{}) {
			title = lifecycle.Words("Task", "任务") // what a person wrote stays with the task
		}
		l := Limit{Name: taskLimit(t.ID), What: "task", Title: title, Organisation: t.Organisation, Post: t.Post, StartedAt: t.OpenedAt, DueAt: t.DueAt}
		if err := begin(tx, c, l); err != nil {
			return 0, err
		}
	}
	e := Entry{At: t.OpenedAt, Actor: who, Kind: "task", Text: taskText("Task given", "派发任务", *t), Free: words,
		Data: map[string]any{"task": t.ID, "state": "open", "post": t.Post, "organisation": t.Organisation}}
	if _, err = s.enter(tx, c, &e); err != nil || c.Private {
		return e.ID, err
	}
	return e.ID, outbox.Put(tx, events.TaskGiven{TaskFacts: factsOf(*t, c, "open", t.OpenedAt)})
}

// join makes the organisation that has a task a party of the case, so that it sees what its task is about.
func (s *Service) join(tx *db.Tx, who access.Actor, c *Case, t *Task) error {
	if t.Organisation == 0 || c.takesPart(t.Organisation) {
		return nil
	}
	c.Parties = append(c.Parties, Party{Organisation: t.Organisation, Role: "assist", By: actorName(who), At: t.OpenedAt})
	return updateCase(tx, c, c.Generation)
}

// endTask ends an open task, done or withdrawn, with its limit, entry and event.
func (s *Service) endTask(tx *db.Tx, who access.Actor, c *Case, t Task, state, answer string, text lifecycle.Text, now time.Time) (entry int64, err error) {
	stored := answer
	if c.Private {
		stored = ""
	}
	ended, err := endTask(tx, c.ID, t.ID, state, stored, now)
	if err != nil {
		return 0, err
	}
	if !ended {
		return 0, web.Errorf(http.StatusConflict, "case.task_ended", "the task is %s", t.State)
	}
	limit := "met"
	if state == "withdrawn" {
		limit = state
	}
	if err := finish(tx, c.ID, taskLimit(t.ID), limit, now); err != nil {
		return 0, err
	}
	free := t.Free
	if answer != "" {
		free = strings.TrimPrefix(free+" → "+answer, " → ")
	}
	e := Entry{At: now, Actor: who, Kind: "task", Text: taskText(text.En, text.Zh, t), Free: free, Data: map[string]any{"task": t.ID, "state": state}}
	if _, err := s.enter(tx, c, &e); err != nil || c.Private {
		return e.ID, err
	}
	return e.ID, outbox.Put(tx, events.TaskDone{TaskFacts: factsOf(t, c, state, now)})
}

// factsOf is what an event tells of a task.
func factsOf(t Task, c *Case, state string, now time.Time) events.TaskFacts {
	return events.TaskFacts{Task: t.ID, Case: c.ID, Organisation: t.Organisation, Post: t.Post, Origin: t.Origin, Area: c.Area,
		DueAt: optional(t.DueAt), State: state, At: now}
}

// OpenTask gives a task to an organisation or a post.
func (s *Service) OpenTask(ctx context.Context, caseID int64, r TaskRequest, key string) (Receipt, error) {
	c, _, err := s.look(ctx, "case.task", caseID)
	if err != nil {
		return Receipt{}, err
	}
	r.Title, r.Assignee = strings.TrimSpace(r.Title), strings.TrimSpace(r.Assignee)
	if err := errors.Join(checkText(r.Title, "title", true), checkText(r.Assignee, "assignee", false)); err != nil {
		return Receipt{}, err
	}
	r.Title, r.Assignee = guard.Mask(r.Title), guard.Mask(r.Assignee)
	if r.Organisation != 0 {
		if err := s.known(ctx, "organisation", r.Organisation, "organisation"); err != nil {
			return Receipt{}, err
		}
	}
	who := access.From(ctx)
	request := []any{"task", caseID, r}
	if c.Private {
		request = []any{"task", caseID, r.Organisation, r.DueAt}
	}
	return s.write(ctx, key, request, func(tx *db.Tx, now time.Time) (Receipt, error) {
		c, err := s.openCase(tx, caseID)
		if err != nil {
			return Receipt{}, err
		}
		t := Task{Case: c.ID, Free: r.Title, Organisation: r.Organisation, Post: r.Assignee, OpenedAt: now}
		if t.Organisation == 0 {
			t.Organisation = c.Owner
		}
		if r.DueAt != nil {
			if t.DueAt = r.DueAt.UTC(); !t.DueAt.After(now) {
				return Receipt{}, web.Errorf(http.StatusUnprocessableEntity, "case.task", "the time limit lies in the past").At("due_at")
			}
		}
		entry, err := s.openTask(tx, who, c, &t)
		if err != nil {
			return Receipt{}, err
		}
		if err := changed(tx, c, "task", now); err != nil {
			return Receipt{}, err
		}
		return Receipt{Case: c.ID, Entry: entry, Item: t.ID}, recordTask(tx, who, c, t, "open", now)
	})
}

func recordTask(tx *db.Tx, who access.Actor, c *Case, t Task, state string, now time.Time) error {
	return ledger.Append(tx, ledger.Entry{
		Action: "case.task", Actor: actorName(who), ActorID: who.ID, Subject: "case", SubjectID: c.ID, At: now,
		Detail: c.detail(map[string]any{"task": t.ID, "state": state, "organisation": t.Organisation, "post": t.Post, "origin": t.Origin}),
	})
}

// findTask returns a task that the actor may work on. It is the work of the organisation that it was given to, and of those above
// it: others in the case can read it and no more, or its acknowledgement would mean nothing. ends says that it is about to be ended,
// which the desk that runs the case may do too. A task of no organisation is for whoever works on the case. private says that the
// case is.
func (s *Service) findTask(ctx context.Context, caseID, task int64, ends bool) (t Task, private bool, err error) {
	c, _, refused := s.look(ctx, "case.task", caseID)
	if c == nil {
		return Task{}, false, refused
	}
	var all []Task
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		all, err = tasks(tx, caseID)
		return err
	})
	if err != nil {
		return Task{}, c.Private, err
	}
	i := slices.IndexFunc(all, func(t Task) bool { return t.ID == task })
	switch {
	case i < 0 && refused != nil:
		return Task{}, c.Private, refused
	case i < 0:
		return Task{}, c.Private, web.Errorf(http.StatusNotFound, "case.no_task", "case %d has no task %d", caseID, task)
	case all[i].Organisation == 0:
		return all[i], c.Private, refused
	case s.mayWorkOn(ctx, c, all[i], ends):
		return all[i], c.Private, nil
	case refused == nil: // he sees the case, and deserves to hear why
		return Task{}, c.Private, lifecycle.Refuse(CodeOthersTask, "", "This task was given to another organisation.", "该任务已派给其他单位，由其签收、办理。")
	default:
		return Task{}, c.Private, refused
	}
}

func (s *Service) mayWorkOn(ctx context.Context, c *Case, t Task, ends bool) bool {
	of := c.resource()
	if t.Organisation != 0 {
		of = access.Resource{Type: "case", ID: c.ID, Organisation: t.Organisation, Private: c.Private, Parties: []int64{t.Organisation}}
		if ends && (c.Desk != 0 || c.Private) {
			of.Parties = append(of.Parties, c.Desk)
		}
	}
	return s.Access.Decide(ctx, "case.task", of, access.Operations) == nil
}

// Yours says what the one who looks may do with a task that is open.
type Yours struct {
	MayAcknowledge bool `json:"may_acknowledge" doc:"whether the one who looks may take it on"`
	MayFinish      bool `json:"may_finish" doc:"whether the one who looks may report it done"`
}

// Yours says what the actor may do with a task of the case, so that a page offers nothing that would be refused.
func (s *Service) Yours(ctx context.Context, c *Case, t Task) Yours {
	if t.State != "open" || !c.ClosedAt.IsZero() {
		return Yours{}
	}
	return Yours{t.AcknowledgedAt.IsZero() && s.mayWorkOn(ctx, c, t, false), s.mayWorkOn(ctx, c, t, true)}
}

// CodeOthersTask refuses work on a task that another organisation was given.
const CodeOthersTask = "case.others_task"

// AcknowledgeTask says that the team has taken a task on. A second time changes nothing.
func (s *Service) AcknowledgeTask(ctx context.Context, caseID, task int64, key string) (Receipt, error) {
	if _, _, err := s.findTask(ctx, caseID, task, false); err != nil {
		return Receipt{}, err
	}
	who := access.From(ctx)
	if who.Kind != access.KindAccount {
		return Receipt{}, lifecycle.Refuse(lifecycle.CodeNeedsPerson, "", "Only a person with an account can do this.", "仅限本人登录账号的工作人员操作。")
	}
	return s.write(ctx, key, []any{"acknowledge", caseID, task}, func(tx *db.Tx, now time.Time) (Receipt, error) {
		c, err := getCase(tx, caseID)
		if err != nil {
			return Receipt{}, err
		}
		t, first, err := acknowledgeTask(tx, task, actorName(who), now)
		if err != nil || !first {
			return Receipt{Case: caseID, Item: task}, err
		}
		e := Entry{At: now, Actor: who, Kind: "task", Text: taskText("Task acknowledged", "签收任务", t), Free: t.Free,
			Data: map[string]any{"task": task, "state": "acknowledged", "organisation": t.Organisation, "post": t.Post}}
		if _, err := s.enter(tx, c, &e); err != nil {
			return Receipt{}, err
		}
		if !c.Private {
			err := outbox.Put(tx, events.TaskAcknowledged{TaskFacts: factsOf(t, c, "acknowledged", now)})
			if err != nil {
				return Receipt{}, err
			}
		}
		return Receipt{Case: caseID, Entry: e.ID, Item: task}, recordTask(tx, who, c, t, "acknowledged", now)
	})
}

// FinishTask says that a task is done, and what came of it.
func (s *Service) FinishTask(ctx context.Context, caseID, task int64, answer, key string) (Receipt, error) {
	_, private, err := s.findTask(ctx, caseID, task, true)
	if err != nil {
		return Receipt{}, err
	}
	answer = guard.Mask(strings.TrimSpace(answer))
	if err := checkText(answer, "answer", false); err != nil {
		return Receipt{}, err
	}
	who := access.From(ctx)
	request := []any{"done", caseID, task}
	if answer != "" && !private {
		request = append(request, answer)
	}
	return s.write(ctx, key, request, func(tx *db.Tx, now time.Time) (Receipt, error) {
		return s.finishTask(tx, who, caseID, task, "done", answer, lifecycle.Words("Task done", "任务完成"), now)
	})
}

// finishTask ends one task of a case and tells of it.
func (s *Service) finishTask(tx *db.Tx, who access.Actor, caseID, task int64, state, answer string, text lifecycle.Text, now time.Time) (Receipt, error) {
	c, err := getCase(tx, caseID)
	if err != nil {
		return Receipt{}, err
	}
	all, err := tasks(tx, caseID)
	if err != nil {
		return Receipt{}, err
	}
	i := slices.IndexFunc(all, func(t Task) bool { return t.ID == task })
	if i < 0 {
		return Receipt{}, web.Errorf(http.StatusNotFound, "case.no_task", "case %d has no task %d", caseID, task)
	}
	entry, err := s.endTask(tx, who, c, all[i], state, answer, text, now)
	if err != nil {
		return Receipt{}, err
	}
	if err := changed(tx, c, "task", now); err != nil {
		return Receipt{}, err
	}
	return Receipt{Case: caseID, Entry: entry, Item: task}, recordTask(tx, who, c, all[i], state, now)
}

func taskText(en, zh string, t Task) lifecycle.Text {
	if t.Text == (lifecycle.Text{}) {
		return lifecycle.Words(en, zh)
	}
	return lifecycle.Words(en+": "+t.Text.En, zh+"："+t.Text.Zh)
}
