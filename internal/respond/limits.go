package respond

import (
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// timerOwner is whose the timers of cases are. A limit has one of its name, whose generation is the limit's number.
const timerOwner = "case"

// Limit is a promise of a time: a state's, one across states, a task's, the decision on an ask. It is kept for ever; the report
// on deadlines is made of limits alone.
type Limit struct {
	ID   int64
	Case int64
	// Name is "state", "limit:" and a promise's id, "task:" or "ask:" and a number; What is state, case, task or ask.
	Name, What string
	Title      lifecycle.Text
	// Organisation and Post have to keep it: who did at its end, or does now.
	Organisation int64
	Post         string
	StartedAt    time.Time
	FirstDueAt   time.Time // before it was set later
	DueAt        time.Time
	Extensions   int
	EndedAt      time.Time // zero: it runs
	State        string    // running, met, withdrawn or passed-on
}

// begin starts a limit of a case, with its timer.
func begin(tx *db.Tx, c *Case, l Limit) error {
	l.DueAt = l.DueAt.Truncate(time.Microsecond)
	if l.FirstDueAt.IsZero() {
		l.FirstDueAt = l.DueAt
	}
	err := tx.QueryRow(`insert into case_limits (case_id, name, what, en, zh, kind, category, organisation, post, area, started_at,
			first_due_at, due_at, extensions, state, private)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'running', $15) returning id`,
		c.ID, l.Name, l.What, l.Title.En, l.Title.Zh, c.Kind, c.Category, l.Organisation, l.Post, c.Area, db.Micros(l.StartedAt),
		db.Micros(l.FirstDueAt), db.Micros(l.DueAt), l.Extensions, flag(c.Private)).Scan(&l.ID)
	if err != nil {
		return fmt.Errorf("begin limit %s of case %d: %w", l.Name, c.ID, err)
	}
	return timers.Set(tx, timers.Timer{Owner: timerOwner, ID: c.ID, Name: l.Name, Generation: l.ID, DueAt: l.DueAt})
}

// finish ends a limit, if it runs, and its timer.
func finish(tx *db.Tx, caseID int64, name, state string, now time.Time) error {
	_, err := tx.Exec(`update case_limits set state = $1, ended_at = $2 where case_id = $3 and name = $4 and state = 'running'`,
		state, db.Micros(now), caseID, name)
	if err != nil {
		return fmt.Errorf("end limit %s of case %d: %w", name, caseID, err)
	}
	return timers.Drop(tx, timerOwner, caseID, name)
}

// finishAll ends whatever runs.
func finishAll(tx *db.Tx, caseID int64, state string, now time.Time) error {
	_, err := tx.Exec(`update case_limits set state = $1, ended_at = $2 where case_id = $3 and state = 'running'`, state, db.Micros(now), caseID)
	if err != nil {
		return fmt.Errorf("end the limits of case %d: %w", caseID, err)
	}
	return timers.DropAll(tx, timerOwner, caseID)
}

// later sets a limit later.
func later(tx *db.Tx, caseID int64, name string, until time.Time) error {
	var id int64
	err := tx.QueryRow(`update case_limits set due_at = $1, extensions = extensions + 1 where case_id = $2 and name = $3 and state = 'running'
		returning id`, db.Micros(until), caseID, name).Scan(&id)
	if err != nil {
		return fmt.Errorf("set limit %s of case %d later: %w", name, caseID, err)
	}
	return timers.Set(tx, timers.Timer{Owner: timerOwner, ID: caseID, Name: name, Generation: id, DueAt: until})
}

// passOn ends each limit that the owner before had to keep and begins it anew for the present one, due when it was. What the desk
// has to keep stays with it, whoever the owner is.
func passOn(tx *db.Tx, c *Case, k *lifecycle.Kind, now time.Time) error {
	running, err := limits(tx, c.ID, true)
	if err != nil {
		return err
	}
	for _, l := range running {
		switch l.What {
		case "state":
			if k.State(c.State).With == "desk" {
				continue
			}
		case "case":
			id, _ := strings.CutPrefix(l.Name, lifecycle.PromiseLimit(""))
			if p := k.Promise(id); p != nil && p.With == "desk" {
				continue
			}
		default:
			continue
		}
		if err := finish(tx, c.ID, l.Name, "passed-on", now); err != nil {
			return err
		}
		l.Organisation, l.Post, l.StartedAt = c.Owner, c.Post, now
		if post := k.State(c.State).Post; l.What == "state" && post != "" {
			l.Post = post
		}
		if l.DueAt.Before(now) {
			l.StartedAt = l.DueAt // it was late already
		}
		if err := begin(tx, c, l); err != nil {
			return err
		}
	}
	return nil
}

// limits are those of a case, or only those that run, in the order in which they began.
func limits(tx *db.Tx, caseID int64, running bool) ([]Limit, error) {
	var ls []Limit
	query := `select id, case_id, name, what, en, zh, organisation, post, started_at, first_due_at, due_at, extensions, ended_at, state
		from case_limits where case_id = $1`
	if running {
		query += ` and state = 'running'`
	}
	err := tx.Each(func(rows *sql.Rows) error {
		l, err := scanLimit(rows)
		ls = append(ls, l)
		return err
	}, query+` order by id nulls last`, caseID)
	return ls, err
}

func scanLimit(rows interface{ Scan(...any) error }) (l Limit, err error) {
	var started, first, due int64
	var ended sql.NullInt64
	err = rows.Scan(&l.ID, &l.Case, &l.Name, &l.What, &l.Title.En, &l.Title.Zh, &l.Organisation, &l.Post, &started, &first, &due,
		&l.Extensions, &ended, &l.State)
	l.StartedAt, l.FirstDueAt, l.DueAt, l.EndedAt = db.Time(started), db.Time(first), db.Time(due), instant(ended)
	return l, err
}

// side is the organisation that "owner" or "desk" stands for; empty is the owner.
func (c *Case) side(with string) int64 {
	if with == "desk" {
		return c.Desk
	}
	return c.Owner
}

// beginState starts the limit of the state that a case has come into, if it has one.
func beginState(tx *db.Tx, c *Case, s *lifecycle.State) error {
	if c.DueAt.IsZero() {
		return nil
	}
	l := Limit{Name: lifecycle.StateLimit, What: "state", Title: s.Title, Organisation: c.side(s.With), Post: s.Post, StartedAt: c.Since, DueAt: c.DueAt}
	if l.Post == "" && s.With != "desk" {
		l.Post = c.Post
	}
	return begin(tx, c, l)
}

// beginPromise starts a limit that runs across states.
func (s *Service) beginPromise(tx *db.Tx, c *Case, k *lifecycle.Kind, p lifecycle.Promise, now time.Time) error {
	l := Limit{
		Name: lifecycle.PromiseLimit(p.ID), What: "case", Title: p.Title, Organisation: c.side(p.With), StartedAt: now,
		DueAt: p.Due.After(now, s.Calendars[k.Calendar]),
	}
	if p.With != "desk" {
		l.Post = c.Post
	}
	if err := finish(tx, c.ID, l.Name, "withdrawn", now); err != nil { // one that was begun before begins anew
		return err
	}
	return begin(tx, c, l)
}

// Timers are what the room's timers do; see timers.New.
func (s *Service) Timers() map[string]timers.Fire {
	return map[string]timers.Fire{timerOwner: s.overdue}
}

// overdue notes that a limit has passed and tells of it. Who is told next, and when, is for whoever hears the event.
func (s *Service) overdue(tx *db.Tx, t timers.Timer, now time.Time) error {
	c, err := getCase(tx, t.ID)
	if err != nil {
		return err
	}
	k, err := s.version(tx, c.Definition)
	if err != nil {
		return err
	}
	running, err := limits(tx, c.ID, true)
	if err != nil {
		return err
	}
	out := events.CaseOverdue{
		Case: c.ID, Kind: c.Kind, State: c.State, Level: c.Level, Area: c.Area, Owner: c.Owner, Parties: c.resource().Parties, DueAt: t.DueAt, At: now,
		Limit: t.Name, Chain: k.Chain(c.State), Organisation: c.Owner,
	}
	e := Entry{At: now, Actor: access.System("respond"), Kind: "overdue", Data: map[string]any{"due_at": t.DueAt, "limit": t.Name}}
	title := lifecycle.Text{}
	for _, l := range running {
		if l.Name == t.Name {
			title, out.Organisation, out.Post = l.Title, l.Organisation, l.Post
		}
	}
	what, number, _ := strings.Cut(t.Name, ":")
	switch what {
	case lifecycle.StateLimit:
		title = k.State(c.State).Title
		e.Text = lifecycle.Words("Overdue in the state “"+title.En+"”", "环节“"+title.Zh+"”已超时")
		e.Data["state"] = c.State
	case "task":
		if _, err := fmt.Sscan(number, &out.Task); err != nil {
			return fmt.Errorf("timer %q of case %d: %w", t.Name, t.ID, err)
		}
		all, err := tasks(tx, c.ID)
		if err != nil {
			return err
		}
		for _, task := range all {
			if task.ID == out.Task {
				e.Text, e.Free = taskText("Task overdue", "任务超时", task), task.Free
			}
		}
		e.Data["task"] = out.Task
	case "ask":
		e.Text = lifecycle.Words("No decision in time: "+title.En, "审批超时："+title.Zh)
	default:
		e.Text = lifecycle.Words("Limit passed: "+title.En, "时限已过："+title.Zh)
	}
	if _, err := insertEntry(tx, c.ID, &e); err != nil || c.Private { // of a private case nobody is told
		return err
	}
	return outbox.Put(tx, out)
}
