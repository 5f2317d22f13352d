package respond

import (
	"context"
	"database/sql"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// Sees says whether the actor may read a case.
func (s *Service) Sees(ctx context.Context, c *Case) bool {
	return s.Access.Decide(ctx, "case.read", c.resource(), access.Operations) == nil
}

// OpenTasks returns the tasks that are still to be done, in the order in which they were given. Those of private cases are left out.
func OpenTasks(tx *db.Tx) ([]Task, error) {
	var ts []Task
	err := tx.Each(func(rows *sql.Rows) error {
		t, err := scanTask(rows)
		ts = append(ts, t)
		return err
	}, `select `+taskColumns+` from case_tasks where done_at is null and state <> 'withdrawn'
		and case_id in (select id from cases where private = 0 and closed_at is null) order by id nulls last`)
	return ts, err
}

// Span is a time from From, up to and without To.
type Span struct{ From, To time.Time }

// Opened calls fn for each case that was opened in the span, Closed for each that was closed in it, and StoodOpen for each that was
// open at the end of it; in the order of their opening, without the private ones.
func Opened(tx *db.Tx, s Span, fn func(*Case) error) error {
	return eachCase(tx, fn, `opened_at >= $1 and opened_at < $2`, db.Micros(s.From), db.Micros(s.To))
}

// Closed is described at Opened.
func Closed(tx *db.Tx, s Span, fn func(*Case) error) error {
	return eachCase(tx, fn, `closed_at >= $1 and closed_at < $2`, db.Micros(s.From), db.Micros(s.To))
}

// StoodOpen is described at Opened.
func StoodOpen(tx *db.Tx, at time.Time, fn func(*Case) error) error {
	err := eachCase(tx, fn, `closed_at is null and opened_at < $1`, db.Micros(at)) // the index of open cases serves it
	if err != nil {
		return err
	}
	return eachCase(tx, fn, `closed_at >= $1 and opened_at < $1`, db.Micros(at))
}

func eachCase(tx *db.Tx, fn func(*Case) error, where string, args ...any) error {
	return tx.Each(func(rows *sql.Rows) error {
		c, err := scanCase(rows)
		if err != nil {
			return err
		}
		return fn(c)
	}, `select `+caseColumns+` from cases where private = 0 and `+where+` order by id nulls last`, args...)
}
