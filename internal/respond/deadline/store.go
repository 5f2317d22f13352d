package deadline

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// chunk is how many rows are read at once.
const chunk = 2000

// cursor is where a reader stands in the order of the rows: by their limits, then by id.
type cursor struct{ due, id int64 }

var beginning = cursor{math.MinInt64, 0}

var errEnough = errors.New("enough")

// each calls fn for the rows of a query in order, from a cursor on, until fn returns errEnough. The scope is not applied here.
func each(tx *db.Tx, q *Query, now time.Time, from cursor, fn func(r *Row) error) error {
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	if !q.From.IsZero() {
		low = db.Micros(q.From)
	}
	if !q.To.IsZero() {
		high = db.Micros(q.To)
	}
	organisation, hasOrganisation := int64(0), int64(0)
	if q.Organisation != nil {
		organisation, hasOrganisation = *q.Organisation, 1
	}
	post, hasPost := "", int64(0)
	if q.Post != nil {
		post, hasPost = *q.Post, 1
	}
	category, hasCategory := "", int64(0)
	if q.Category != nil {
		category, hasCategory = *q.Category, 1
	}
	for {
		n := 0
		err := tx.Each(func(rows *sql.Rows) error {
			r, err := scan(rows)
			if err != nil {
				return err
			}
			n++
			from = cursor{db.Micros(r.Due), r.ID}
			return fn(r)
		}, `select id, case_id, name, what, en, zh, kind, category, organisation, post, area, started_at, first_due_at, due_at,
				extensions, ended_at, state, private
			from case_limits
			where (due_at > cast($1 as bigint) or (due_at = cast($1 as bigint) and id > cast($2 as bigint)))
				and due_at < cast($3 as bigint)
				and (due_at >= cast($4 as bigint) or (state = 'running' and due_at < cast($5 as bigint)))
				and (cast($6 as bigint) = 0 or organisation = cast($7 as bigint))
				and (cast($8 as bigint) = 0 or post = $9)
				and (cast($10 as bigint) = 0 or category = $11)
				and ($12 = '' or kind = $12)
				and ($13 = '' or what = $13)
			order by due_at nulls last, id nulls last limit cast($14 as bigint)`,
			from.due, from.id, high, low, min(low, db.Micros(now)), hasOrganisation, organisation, hasPost, post, hasCategory, category,
			q.Kind, q.What, chunk)
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("limits of cases: %w", err)
		}
		if n < chunk {
			return nil
		}
	}
}

func scan(rows *sql.Rows) (*Row, error) {
	r := &Row{}
	var started, first, due, private int64
	var ended sql.NullInt64
	var state string
	err := rows.Scan(&r.ID, &r.Case, &r.Name, &r.What, &r.Title.En, &r.Title.Zh, &r.Kind, &r.Category, &r.Organisation, &r.Post, &r.Area,
		&started, &first, &due, &r.Extensions, &ended, &state, &private)
	if err != nil {
		return nil, err
	}
	r.Started, r.FirstDue, r.Due, r.State, r.Private = db.Time(started), db.Time(first), db.Time(due), State(state), private != 0
	if ended.Valid {
		r.Ended = db.Time(ended.Int64)
	}
	return r, nil
}
