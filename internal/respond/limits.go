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
	// Told says that the timeline tells of its passing, Inherited that it had passed when this organisation got the case: it is late
	// for whoever had it then, and not once more.
	Told, Inherited bool
}

// begin starts a limit of a case, with its timer unless its passing was told already.
func begin(tx *db.Tx, c *Case, l Limit) error {
	l.DueAt = l.DueAt.Truncate(time.Microsecond)
	if l.FirstDueAt.IsZero() {
		l.FirstDueAt = l.DueAt
	}
	err := tx.QueryRow(`insert into case_limits (case_id, name, what, en, zh, kind, category, organisation, post, area, started_at,
			first_due_at, due_at, extensions, state, private, told, inherited)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'running', $15, $16, $17) returning id`,
		c.ID, l.Name, l.What, l.Title.En, l.Title.Zh, c.Kind, c.Category, l.Organisation, l.Post, c.Area, db.Micros(l.StartedAt),
		db.Micros(l.FirstDueAt), db.Micros(l.DueAt), l.Extensions, flag(c.Private), flag(l.Told), flag(l.Inherited)).Scan(&l.ID)
	if err != nil {
		return fmt.Errorf("begin limit %s of case %d: %w", l.Name, c.ID, err)
	}
	if l.Told {
		return nil
	}
	return l.appoint(tx, c.ID)
}

// appoint sets the timer of a limit.
func (l *Limit) appoint(tx *db.Tx, caseID int64) error {
	return timers.Set(tx, timers.Timer{Owner: timerOwner, ID: caseID, Name: l.Name, Generation: l.ID, DueAt: l.DueAt})
}

// finish ends a limit, if it runs, and its timer. A limit does not end before it began.
func finish(tx *db.Tx, caseID int64, name, state string, now time.Time) error {
	_, err := tx.Exec(`update case_limits set state = $1, ended_at = case when started_at > cast($2 as bigint) then started_at else cast($2 as bigint) end
		where case_id = $3 and name = $4 and state = 'running'`, state, db.Micros(now), caseID, name)
	if err != nil {
		return fmt.Errorf("end limit %s of case %d: %w", name, caseID, err)
	}
	return timers.Drop(tx, timerOwner, caseID, name)
}

// finishAll ends whatever runs.
func finishAll(tx *db.Tx, caseID int64, state string, now time.Time) error {
	_, err := tx.Exec(`update case_limits set state = $1, ended_at = case when started_at > cast($2 as bigint) then started_at else cast($2 as bigint) end
		where case_id = $3 and state = 'running'`, state, db.Micros(now), caseID)
	if err != nil {
		return fmt.Errorf("end the limits of case %d: %w", caseID, err)
	}
	return timers.DropAll(tx, timerOwner, caseID)
}

// later sets a limit later.
func later(tx *db.Tx, caseID int64, name string, until time.Time) error {
	var id int64
	err := tx.QueryRow(`update case_limits set due_at = $1, extensions = extensions + 1, told = 0, inherited = 0 where case_id = $2 and name = $3 and state = 'running'
		returning id`, db.Micros(until), caseID, name).Scan(&id)
	if err != nil {
		return fmt.Errorf("set limit %s of case %d later: %w", name, caseID, err)
	}
	return timers.Set(tx, timers.Timer{Owner: timerOwner, ID: caseID, Name: name, Generation: id, DueAt: until})
}

// passOn ends each limit that the owner before had to keep and begins it anew for the present one, due when it was. What the desk
// has to keep stays with it, whoever the owner is. at is when the owner before gave the case up: what passed before that is late for
// him, and for nobody else.
func (s *Service) passOn(tx *db.Tx, c *Case, k *lifecycle.Kind, at, now time.Time) error {
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
		next := l
		next.Organisation, next.Post = c.Owner, c.Post
		if post := k.State(c.State).Post; l.What == "state" && post != "" {
			next.Post = post
		}
		if err := s.hand(tx, c, l, c, next, at, now); err != nil {
			return err
		}
	}
	return nil
}

// hand ends a limit as passed on and begins it in a case (the same or another) as next says.
func (s *Service) hand(tx *db.Tx, from *Case, l Limit, to *Case, next Limit, at, now time.Time) error {
	if l.StartedAt.After(at) {
		at = l.StartedAt
	}
	next.StartedAt = at
	if l.DueAt.Before(at) {
		next.StartedAt, next.Inherited, next.Told = l.DueAt, true, true
	}
	if err := s.giveUp(tx, from, l, at, now); err != nil {
		return err
	}
	if err := begin(tx, to, next); err != nil || !next.Told || !next.DueAt.After(now) {
		return err
	}
	return s.Renew(tx, now) // told by a clock that had run ahead: it has yet to pass
}

// giveUp ends a limit as passed on. If it has passed, that is told before.
func (s *Service) giveUp(tx *db.Tx, c *Case, l Limit, at, now time.Time) error {
	if l.DueAt.Before(at) && !l.Told {
		if err := s.overdue(tx, timers.Timer{Owner: timerOwner, ID: c.ID, Name: l.Name, Generation: l.ID, DueAt: l.DueAt}, now); err != nil {
			return err
		}
	}
	return finish(tx, c.ID, l.Name, "passed-on", at)
}

// limits are those of a case, or only those that run, in the order in which they began.
func limits(tx *db.Tx, caseID int64, running bool) ([]Limit, error) {
	where := `case_id = $1`
	if running {
		where += ` and state = 'running'`
	}
	return limitsBy(tx, where+` order by id nulls last`, caseID)
}

func limitsBy(tx *db.Tx, where string, args ...any) ([]Limit, error) {
	var ls []Limit
	err := tx.Each(func(rows *sql.Rows) error {
		l, err := scanLimit(rows)
		ls = append(ls, l)
		return err
	}, `select id, case_id, name, what, en, zh, organisation, post, started_at, first_due_at, due_at, extensions, ended_at, state, told,
		inherited from case_limits where `+where, args...)
	return ls, err
}

func scanLimit(rows interface{ Scan(...any) error }) (l Limit, err error) {
	var started, first, due, told, inherited int64
	var ended sql.NullInt64
	err = rows.Scan(&l.ID, &l.Case, &l.Name, &l.What, &l.Title.En, &l.Title.Zh, &l.Organisation, &l.Post, &started, &first, &due,
		&l.Extensions, &ended, &l.State, &told, &inherited)
	l.Told, l.Inherited = told != 0, inherited != 0
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
	if p.Since == lifecycle.SinceOpening { // a second dispatch wins nobody time, and loses nobody what was granted
		if _, runs, err := runningLimit(tx, c.ID, l.Name); err != nil || runs {
			return err
		}
		if l.DueAt = p.Due.After(c.OpenedAt, s.Calendars[k.Calendar]); l.DueAt.Before(now) {
			l.StartedAt = l.DueAt // it was late already
		}
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
	told := false
	for _, l := range running {
		if l.Name == t.Name {
			title, told, out.Organisation, out.Post = l.Title, l.Told, l.Organisation, l.Post
		}
	}
	if _, err := tx.Exec(`update case_limits set told = 1 where case_id = $1 and name = $2 and state = 'running'`, c.ID, t.Name); err != nil {
		return fmt.Errorf("limit %s of case %d has passed: %w", t.Name, c.ID, err)
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
	if !told { // it is, where the clock had run ahead; the event begins what ended meanwhile, the timeline says it once
		if _, err := insertEntry(tx, c.ID, &e); err != nil {
			return err
		}
	}
	if c.Private { // of a private case nobody is told
		return nil
	}
	return outbox.Put(tx, out)
}

// Renew gives an appointment to each limit that was told of and has not passed: the clock had run ahead, and was put back.
func (s *Service) Renew(tx *db.Tx, now time.Time) error {
	early, err := limitsBy(tx, `state = 'running' and told = 1 and due_at > cast($1 as bigint) order by due_at nulls last, id nulls last`, db.Micros(now))
	if err != nil {
		return err
	}
	for _, l := range early {
		if err := l.appoint(tx, l.Case); err != nil {
			return err
		}
	}
	return nil
}
