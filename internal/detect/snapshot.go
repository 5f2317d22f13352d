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
	// saveAtOnce is how many rows of states are encoded in one turn and go into one transaction, each row of some kilobytes: a
	// few milliseconds of either.
	saveAtOnce = 32

	// saveRests is how much longer than a piece of a snapshot took nothing is saved, so that readings and alerts find the
	// processor and the writer free in 9 of 10 moments, but no longer than maxSaveRest: a piece may have waited itself.
	saveRests   = 9
	maxSaveRest = 200 * time.Millisecond

	// loadAtOnce is how many are read in one read transaction, which may not last long.
	loadAtOnce = 10_000

	// restAfter is how much longer than a look for silences took the next one waits, at least: readings wait for one in no
	// more than 1 of 200 moments.
	restAfter = 200
)

// saved is a position in the log with what was counted up to it, and the number of the snapshot that says so.
type saved struct {
	position, evaluated, late, snapshot int64
}

// loadState reads the last snapshot that is whole and the alerts that are open.
// earlier are the detectors of states that an earlier version wrote, which nobody reads any more.
func loadState(ctx context.Context, d *db.DB) (s saved, shards []engine.Shard, earlier []string, open []*Alert, err error) {
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
	last := struct {
		detector string
		scope, n int64
	}{scope: -1}
	for more := true; err == nil && more; {
		n := 0
		err = d.Read(ctx, func(tx *db.Tx) error {
			return tx.Each(func(rows *sql.Rows) error {
				var state []byte
				if err := rows.Scan(&last.detector, &last.scope, &last.n, &state); err != nil {
					return err
				}
				n++
				switch {
				case last.detector != "":
					earlier = append(earlier, last.detector)
				case state != nil: // else it is new in a snapshot that was not finished
					shards = append(shards, engine.Shard{Scope: engine.Scope(last.scope), N: last.n, State: state})
				}
				return nil
			}, `select detector, scope, shard,
					case when snapshot <= cast($1 as bigint) then state else before_state end
				from detect_state where detector > $2 or detector = $2 and (scope > $3 or scope = $3 and shard > $4)
				order by detector nulls last, scope nulls last, shard nulls last limit $5`,
				s.snapshot, last.detector, last.scope, last.n, loadAtOnce)
		})
		more = n == loadAtOnce
	}
	if err != nil {
		err = fmt.Errorf("load the detectors' state: %w", err)
	}
	return s, shards, earlier, open, err
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
			_, err := tx.Exec(`update detect_state set state = before_state, snapshot = 0 where snapshot > $1`, whole)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("take back an unfinished snapshot: %w", err)
	}
	return nil
}

// saveState writes a piece of a snapshot. With the last one goes the position that the states belong to; until then the snapshot
// before it counts.
func saveState(ctx context.Context, d *db.DB, s saved, shards []engine.Shard, last bool, now time.Time) error {
	return d.Write(ctx, func(tx *db.Tx) error {
		for _, x := range shards {
			if err := saveShard(tx, x, s.snapshot); err != nil {
				return fmt.Errorf("save states: %w", err)
			}
		}
		if !last {
			return nil
		}
		_, err := tx.Exec(`insert into detect_position (id, position, evaluated, late, saved_at, snapshot) values (1, $1, $2, $3, $4, $5)
				on conflict (id) do update set position = excluded.position, evaluated = excluded.evaluated, late = excluded.late,
					saved_at = excluded.saved_at, snapshot = excluded.snapshot`,
			s.position, s.evaluated, s.late, db.Micros(now), s.snapshot)
		if err == nil { // what an earlier build wrote has been taken up, and is in this snapshot
			_, err = tx.Exec(`delete from detect_state where detector <> ''`)
		}
		if err != nil {
			return fmt.Errorf("save the detectors' position: %w", err)
		}
		return nil
	})
}

func saveShard(tx *db.Tx, x engine.Shard, snapshot int64) error {
	_, err := tx.Exec(`insert into detect_state (detector, scope, shard, rule, state, snapshot) values ('', $1, $2, '', $3, $4)
		on conflict (detector, scope, shard) do update set before_state = detect_state.state, state = excluded.state, snapshot = excluded.snapshot`,
		int64(x.Scope), x.N, x.State, snapshot)
	return err
}
