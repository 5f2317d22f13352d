package deadline

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations add an index to the table of limits; they come after respond's.
func Migrations() db.Migrations { return db.Embedded("deadline", migrations) }

// chunk is how many rows are read at once. Each chunk is a transaction of its own, so that a report of years holds none for long.
const chunk = 5000

// cursor is where a reader stands in the order of the rows: by their limits, then by id.
type cursor struct{ due, id int64 }

var beginning = cursor{math.MinInt64, 0}

var errEnough = errors.New("enough")

// each calls fn for the rows of a query in order, from a cursor on, each once, until fn returns errEnough. The scope is not applied
// here. A limit that is extended while it reads may be met twice; the second time it is left out.
func each(ctx context.Context, d *db.DB, q *Query, now time.Time, from cursor, fn func(r *Row) error) error {
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	if !q.From.IsZero() {
		low = db.Micros(q.From)
	}
	if !q.To.IsZero() {
		high = db.Micros(q.To)
	}
	seen := map[int64]bool{}
	once := func(r *Row) error {
		if seen[r.ID] {
			return nil
		}
		seen[r.ID] = true
		return fn(r)
	}
	// First what is open past its limit from before the span, which is older than all that is in it.
	early := min(low, db.Micros(now))
	err := chunks(ctx, d, runningBefore, q, from, early, once)
	if err == nil {
		if from.due < low {
			from = cursor{low, 0}
		}
		err = chunks(ctx, d, inSpan, q, from, high, once)
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

const (
	columns = `select id, case_id, name, what, en, zh, kind, category, organisation, post, area, started_at, first_due_at, due_at,
		extensions, ended_at, state, private, inherited from case_limits `
	filters = ` due_at >= cast($1 as bigint) and (due_at > cast($1 as bigint) or id > cast($2 as bigint)) and due_at < cast($3 as bigint)
		and (cast($4 as bigint) = 0 or organisation = cast($5 as bigint))
		and (cast($6 as bigint) = 0 or post = $7)
		and (cast($8 as bigint) = 0 or category = $9)
		and ($10 = '' or kind = $10)
		and ($11 = '' or what = $11)
		order by due_at nulls last, id nulls last limit cast($12 as bigint)`
	inSpan        = columns + `where` + filters
	runningBefore = columns + `where state = 'running' and` + filters
)

// chunks runs one of the two queries from a cursor up to a limit that is not in it.
func chunks(ctx context.Context, d *db.DB, query string, q *Query, from cursor, high int64, fn func(r *Row) error) error {
	organisation, hasOrganisation := given(q.Organisation)
	post, hasPost := given(q.Post)
	category, hasCategory := given(q.Category)
	for from.due < high {
		var rows []*Row
		err := d.Read(ctx, func(tx *db.Tx) error {
			rows = rows[:0] // a read may be tried again
			return tx.Each(func(sqlRows *sql.Rows) error {
				r, err := scan(sqlRows)
				rows = append(rows, r)
				return err
			}, query, from.due, from.id, high, hasOrganisation, organisation, hasPost, post, hasCategory, category, q.Kind, q.What, chunk)
		})
		if err != nil {
			return fmt.Errorf("limits of cases: %w", err)
		}
		for _, r := range rows {
			from = cursor{db.Micros(r.Due), r.ID}
			if err := fn(r); err != nil {
				return err
			}
		}
		if len(rows) < chunk {
			return nil
		}
	}
	return nil
}

// given is a filter's value, and 1 when there is one.
func given[T any](p *T) (value T, has int64) {
	if p == nil {
		return value, 0
	}
	return *p, 1
}

func scan(rows *sql.Rows) (*Row, error) {
	r := &Row{}
	var started, first, due, private, inherited int64
	var ended sql.NullInt64
	var state string
	err := rows.Scan(&r.ID, &r.Case, &r.Name, &r.What, &r.Title.En, &r.Title.Zh, &r.Kind, &r.Category, &r.Organisation, &r.Post, &r.Area,
		&started, &first, &due, &r.Extensions, &ended, &state, &private, &inherited)
	if err != nil {
		return nil, err
	}
	r.Started, r.FirstDue, r.Due, r.State, r.Private = db.Time(started), db.Time(first), db.Time(due), State(state), private != 0
	r.Inherited = inherited != 0
	if ended.Valid {
		r.Ended = db.Time(ended.Int64)
	}
	return r, nil
}
