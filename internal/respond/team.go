package respond

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/anlan-city/anlan/internal/platform/db"
)

func getTask(tx *db.Tx, task int64) (*Task, error) {
	t, err := scanTask(tx.QueryRow(`select `+taskColumns+` from case_tasks where id = $1`, task))
	if err != nil {
		return nil, fmt.Errorf("task %d: %w", task, err)
	}
	return &t, nil
}

// openTasksOf are the open tasks of a team, those due first.
func openTasksOf(tx *db.Tx, organisation int64, post string, limit int) ([]Task, error) {
	var ts []Task
	err := tx.Each(func(rows *sql.Rows) error {
		t, err := scanTask(rows)
		ts = append(ts, t)
		return err
	}, `select `+taskColumns+` from case_tasks where organisation = $1 and state = 'open'
		and (cast($2 as text) = '' or post = '' or post = cast($2 as text)) order by due_at nulls last, id nulls last limit $3`, organisation, post, limit)
	return ts, err
}

// runningLimit is the promise of that name that is neither met nor given up; there is at most one.
func runningLimit(tx *db.Tx, caseID int64, name string) (l Running, known bool, err error) {
	var due, told int64
	err = tx.QueryRow(`select organisation, post, due_at, told from case_limits where case_id = $1 and name = $2 and state = 'running'`, caseID, name).
		Scan(&l.Organisation, &l.Post, &due, &told)
	if errors.Is(err, db.ErrNotFound) {
		return Running{}, false, nil
	}
	if err != nil {
		return Running{}, false, fmt.Errorf("limit %s of case %d: %w", name, caseID, err)
	}
	l.DueAt, l.Told = db.Time(due), told != 0
	return l, true, nil
}

// postsOf are the posts of an organisation that were ever given a task.
func postsOf(tx *db.Tx, organisation int64) (posts []string, err error) {
	err = tx.Each(func(rows *sql.Rows) error {
		var p string
		err := rows.Scan(&p)
		posts = append(posts, p)
		return err
	}, `select distinct post from case_tasks where organisation = $1 and post <> '' order by post nulls last limit 100`, organisation)
	return posts, err
}
