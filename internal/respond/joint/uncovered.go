package joint

import (
	"context"
	"database/sql"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/respond"
)

// Uncovered is a request of which nobody has promised some part yet.
type Uncovered struct {
	Case int64
	RequestView
}

// Uncovered returns the requests of open cases that the actor sees of which some part is open, in the order in which they were made.
func (s *Service) Uncovered(ctx context.Context) (out []Uncovered, err error) {
	err = s.Cases.DB.Read(ctx, func(tx *db.Tx) error {
		var cases []int64
		err := tx.Each(func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			cases = append(cases, id)
			return err
		}, `select case_id from room_requests where cancelled_at is null group by case_id order by case_id nulls last`)
		if err != nil {
			return err
		}
		for _, id := range cases {
			c, err := respond.Find(tx, id)
			if err != nil {
				return err
			}
			if !c.ClosedAt.IsZero() || c.Private || !s.Cases.Sees(ctx, c) {
				continue
			}
			all, err := requests(tx, id, 0)
			if err != nil {
				return err
			}
			for _, r := range all {
				if !r.Cancelled && r.Open > 0 {
					out = append(out, Uncovered{id, r})
				}
			}
		}
		return nil
	})
	return out, err
}
