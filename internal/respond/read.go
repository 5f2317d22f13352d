package respond

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Head returns a case as lists show it, without its timeline, for whoever may read it.
func (s *Service) Head(ctx context.Context, caseID int64) (CaseView, *Case, error) {
	var c *Case
	var k *lifecycle.Kind
	var late map[int64]bool
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if c, err = getCase(tx, caseID); err != nil {
			return err
		}
		if k, err = s.version(tx, c.Definition); err != nil {
			return err
		}
		late, err = lateAmong(tx, []*Case{c}, s.Clock.Now())
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return CaseView{}, nil, notFound(caseID)
	}
	if err != nil {
		return CaseView{}, nil, err
	}
	if err := s.Access.Decide(ctx, "case.read", c.resource(), access.Operations); err != nil {
		return CaseView{}, nil, s.unseen(ctx, c, err)
	}
	return s.view(c, k, s.names(ctx), late[c.ID]), c, nil
}

// Entries returns the newest lines of a timeline between two ids (both exclusive; before 0: no end), the oldest of them first, at
// most limit of them.
func Entries(tx *db.Tx, caseID, after, before int64, limit int) ([]Entry, error) {
	var es []Entry
	err := tx.Each(func(rows *sql.Rows) error {
		e, err := scanEntry(rows)
		es = append(es, e)
		return err
	}, `select * from (select id, at, actor_kind, actor_id, actor, kind, move, en, zh, text, data from case_timeline
		where case_id = $1 and id > $2 and (cast($3 as bigint) = 0 or id < cast($3 as bigint)) order by id desc nulls last limit $4) newest
		order by id nulls last`, caseID, after, before, limit)
	return es, err
}

// FindEntry returns one line of a case's timeline. A line that isn't there gives an error that wraps db.ErrNotFound.
func FindEntry(tx *db.Tx, caseID, entry int64) (Entry, error) {
	return scanEntry(tx.QueryRow(`select id, at, actor_kind, actor_id, actor, kind, move, en, zh, text, data from case_timeline
		where case_id = $1 and id = $2`, caseID, entry))
}

// FindTask returns a task of a case. One that isn't there gives an error that wraps db.ErrNotFound.
func FindTask(tx *db.Tx, caseID, task int64) (Task, error) {
	return scanTask(tx.QueryRow(`select `+taskColumns+` from case_tasks where case_id = $1 and id = $2`, caseID, task))
}

// CaseTasks returns the tasks of a case, in the order in which they were given.
func CaseTasks(tx *db.Tx, caseID int64) ([]Task, error) { return tasks(tx, caseID) }

func scanEntry(row interface{ Scan(...any) error }) (Entry, error) {
	var e Entry
	var at int64
	var kind, data string
	if err := row.Scan(&e.ID, &at, &kind, &e.Actor.ID, &e.Actor.Name, &e.Kind, &e.Move, &e.Text.En, &e.Text.Zh, &e.Free, &data); err != nil {
		return e, fmt.Errorf("entry of a timeline: %w", err)
	}
	e.At, e.Actor.Kind = db.Time(at), actorKind(kind)
	if err := json.Unmarshal([]byte(data), &e.Data); err != nil {
		return e, fmt.Errorf("entry %d of a timeline: %w", e.ID, err)
	}
	return e, nil
}

// Words are what an entry says, in both languages: the program's words and, after them, a person's own, masked.
func (e Entry) Words() lifecycle.Text {
	free := guard.Mask(e.Free)
	switch {
	case e.Text == lifecycle.Text{}:
		return lifecycle.Words(free, free)
	case free == "":
		return e.Text
	}
	return lifecycle.Words(e.Text.En+": "+free, e.Text.Zh+"："+free)
}

// By is the organisation of the person who wrote an entry; 0 is the city's own watch, or the program.
func (e Entry) By() int64 {
	switch n := e.Data["by"].(type) {
	case float64:
		return int64(n)
	case int64:
		return n
	}
	return 0
}

// View shows an entry as the API does.
func (e Entry) View() EntryView { return e.view() }
