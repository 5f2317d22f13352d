package delivery

import (
	"errors"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// Why a message is not sent again.
var (
	ErrNotDead    = errors.New("only a dead message can be sent again")
	ErrOver       = errors.New("its time is over")
	ErrSuperseded = errors.New("a newer message has taken its place")
)

// superseders bounds how many newer messages of an address are looked at.
const superseders = 1000

// Retry puts a dead message back in line, to be tried at once. What a newer message of its thread to the same address has
// replaced is not sent again, nor what is worth nothing any more.
func Retry(tx *db.Tx, id int64, now time.Time) (Delivery, error) {
	ds, err := list(tx, `where id = $1`, id)
	if err != nil {
		return Delivery{}, err
	}
	if len(ds) == 0 {
		return Delivery{}, db.ErrNotFound
	}
	d := ds[0]
	switch {
	case d.State != Dead:
		return d, ErrNotDead
	case !d.Until.After(now):
		return d, ErrOver
	}
	if d.Replaces != "" {
		newer, err := list(tx, `where channel = $1 and address = $2 and id > $3 order by id desc nulls last limit $4`, d.Channel, d.Address, id, superseders)
		if err != nil {
			return d, err
		}
		for _, n := range newer {
			if n.Replaces == d.Replaces && n.State != Withdrawn {
				return d, ErrSuperseded
			}
		}
	}
	if _, err := tx.Exec(`update deliveries set state = 'failed', next_at = 0, ended_at = null where id = $1 and state = 'dead'`, id); err != nil {
		return d, fmt.Errorf("retry delivery %d: %w", id, err)
	}
	tx.Signal(signal)
	d.State, d.NextAt, d.EndedAt = Failed, time.Time{}, time.Time{}
	return d, nil
}
