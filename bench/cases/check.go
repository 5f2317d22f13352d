//go:build linux

package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// firing is a limit that the timeline says has passed.
type firing struct{ Due, At time.Time }

// found is what the store holds in the end.
type found struct {
	Firings []firing
	Notes   map[string]int // of moves
	Set     int            // appointments that are still to come
}

// read looks into the store of a server that was stopped.
func read(ctx context.Context, data string) (f found, err error) {
	f.Notes = map[string]int{}
	d, err := db.Open(ctx, db.Options{URL: "sqlite:" + filepath.Join(data, "anlan.db"), ReadOnly: true})
	if err != nil {
		return f, err
	}
	defer d.Close()
	return f, d.Read(ctx, func(tx *db.Tx) error {
		err := tx.Each(func(rows *sql.Rows) error {
			var at int64
			var kind, text, data string
			if err := rows.Scan(&at, &kind, &text, &data); err != nil {
				return err
			}
			if kind == "move" {
				f.Notes[text]++
				return nil
			}
			var said struct {
				DueAt time.Time `json:"due_at"`
			}
			if err := json.Unmarshal([]byte(data), &said); err != nil {
				return err
			}
			f.Firings = append(f.Firings, firing{said.DueAt.Truncate(time.Microsecond), db.Time(at)})
			return nil
		}, `select t.at, t.kind, t.text, t.data from case_timeline t join cases c on c.id = t.case_id
			where t.kind in ('move', 'overdue') and c.kind = $1 order by t.id nulls last`, work)
		if err != nil {
			return err
		}
		return tx.QueryRow("select count(*) from timers t join cases c on c.id = t.id where t.owner = 'case' and c.kind = $1", work).Scan(&f.Set)
	})
}

// verdict is what the end came to.
type verdict struct {
	fired, lostTimers, doubledTimers, early int
	moves, lostMoves, doubledMoves          int
	late                                    []time.Duration // of those that fell due between from and to
}

// judge holds what was found against what was set and what was acknowledged. now is the server's time at its end.
func (f found) judge(set []time.Time, timers int, acked map[int64]int, from, to, now time.Time) verdict {
	v := verdict{fired: len(f.Firings)}
	times := map[int64]int{} // by when they were due, µs: no two were at one moment
	for _, x := range f.Firings {
		times[x.Due.UnixMicro()]++
		if x.At.Before(x.Due) {
			v.early++
		}
		if !x.Due.Before(from) && x.Due.Before(to) {
			v.late = append(v.late, x.At.Sub(x.Due))
		}
	}
	for _, due := range set {
		n := times[due.UnixMicro()]
		delete(times, due.UnixMicro())
		switch {
		case n == 0 && !due.After(now):
			v.lostTimers++
		case n > 1:
			v.doubledTimers += n - 1
		}
	}
	for _, n := range times { // fired and never set
		v.doubledTimers += n
	}
	// Each that fired is gone; each that was renewed by a move is there still.
	if missing := timers - (f.Set + len(f.Firings)); missing > 0 {
		v.lostTimers += missing
	}
	for id, n := range acked {
		for i := range n {
			v.moves++
			switch there := f.Notes[note(id, i)]; {
			case there == 0:
				v.lostMoves++
			case there > 1:
				v.doubledMoves += there - 1
			}
		}
	}
	return v
}

func (v verdict) String() string {
	return fmt.Sprintf("%d limits passed, %d lost, %d doubled, %d early; %d moves acknowledged, %d lost, %d doubled",
		v.fired, v.lostTimers, v.doubledTimers, v.early, v.moves, v.lostMoves, v.doubledMoves)
}
