package detect

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/db"
)

const (
	// saveAtOnce is how many rows of states go into one transaction: some milliseconds of the writer's time.
	saveAtOnce = 200

	// loadAtOnce is how many are read in one read transaction, which may not last long.
	loadAtOnce = 10_000

	// restAfter is how much longer than a snapshot held the turn the next one waits, at least, and so with looks for silences:
	// readings wait for either in no more than 1 of 200 moments. Where many states change that is longer than SnapshotEvery,
	// but no longer than maxSnapshotEvery.
	restAfter        = 200
	maxSnapshotEvery = 2 * time.Minute
)

// saved is a position in the log with what was counted up to it, and the number of the snapshot that says so.
type saved struct {
	position, evaluated, late, snapshot int64
}

// loadState reads the last snapshot that is whole and the alerts that are open.
func loadState(ctx context.Context, d *db.DB) (s saved, shards []engine.Shard, open []*Alert, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(`select position, evaluated, late, snapshot from detect_position where id = 1`).Scan(&s.position, &s.evaluated, &s.late, &s.snapshot)
		if err != nil && !errors.Is(err, db.ErrNotFound) {
			return err
		}
		return tx.Each(func(rows *sql.Rows) error {
			a, err := scanAlert(rows)
			open = append(open, a)
			return err
		}, `select `+columns+` from alerts where state <> 'cleared' order by id nulls last`)
	})
	for last, more := (engine.Shard{Scope: -1}), true; err == nil && more; {
		n := 0
		err = d.Read(ctx, func(tx *db.Tx) error {
			return tx.Each(func(rows *sql.Rows) error {
				var x engine.Shard
				var scope int64
				if err := rows.Scan(&x.Detector, &scope, &x.N, &x.Rule, &x.State); err != nil {
					return err
				}
				x.Scope = engine.Scope(scope)
				n, last = n+1, x
				if x.State != nil { // else it is new in a snapshot that was not finished
					shards = append(shards, x)
				}
				return nil
			}, `select detector, scope, shard,
					case when snapshot <= cast($1 as bigint) then rule else before_rule end,
					case when snapshot <= cast($1 as bigint) then state else before_state end
				from detect_state where detector > $2 or detector = $2 and (scope > $3 or scope = $3 and shard > $4)
				order by detector nulls last, scope nulls last, shard nulls last limit $5`,
				s.snapshot, last.Detector, int64(last.Scope), last.N, loadAtOnce)
		})
		more = n == loadAtOnce
	}
	if err != nil {
		err = fmt.Errorf("load the detectors' state: %w", err)
	}
	return s, shards, open, err
}

// forgetUnfinished takes away what a snapshot that was not finished has written. It is called before the first snapshot after
// a start, since that one has the same number.
func forgetUnfinished(ctx context.Context, d *db.DB, whole int64) error {
	var left int64
	err := d.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`select count(*) from detect_state where snapshot > $1`, whole).Scan(&left)
	})
	if err == nil && left > 0 {
		err = d.Write(ctx, func(tx *db.Tx) error {
			if _, err := tx.Exec(`delete from detect_state where snapshot > $1 and before_state is null`, whole); err != nil {
				return err
			}
			_, err := tx.Exec(`update detect_state set rule = before_rule, state = before_state, snapshot = 0 where snapshot > $1`, whole)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("take back an unfinished snapshot: %w", err)
	}
	return nil
}

// saveState writes a snapshot: the states that changed, and at last, with the last of them, the position that they belong to.
// Until then the snapshot before it counts.
func saveState(ctx context.Context, d *db.DB, s saved, shards []engine.Shard, now time.Time) error {
	for {
		n := min(len(shards), saveAtOnce)
		last := n == len(shards)
		err := d.Write(ctx, func(tx *db.Tx) error {
			for _, x := range shards[:n] {
				if err := saveShard(tx, x, s.snapshot); err != nil {
					return fmt.Errorf("save state of %s: %w", x.Detector, err)
				}
			}
			if !last {
				return nil
			}
			_, err := tx.Exec(`insert into detect_position (id, position, evaluated, late, saved_at, snapshot) values (1, $1, $2, $3, $4, $5)
				on conflict (id) do update set position = excluded.position, evaluated = excluded.evaluated, late = excluded.late,
					saved_at = excluded.saved_at, snapshot = excluded.snapshot`,
				s.position, s.evaluated, s.late, db.Micros(now), s.snapshot)
			if err != nil {
				return fmt.Errorf("save the detectors' position: %w", err)
			}
			return nil
		})
		if err != nil || last {
			return err
		}
		shards = shards[n:]
	}
}

func saveShard(tx *db.Tx, x engine.Shard, snapshot int64) error {
	_, err := tx.Exec(`insert into detect_state (detector, scope, shard, rule, state, snapshot) values ($1, $2, $3, $4, $5, $6)
		on conflict (detector, scope, shard) do update set before_rule = detect_state.rule, before_state = detect_state.state,
			rule = excluded.rule, state = excluded.state, snapshot = excluded.snapshot`,
		x.Detector, int64(x.Scope), x.N, x.Rule, x.State, snapshot)
	return err
}
