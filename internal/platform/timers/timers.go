// Package timers keeps appointments: rows in the database that fire once when their time has come.
//
// A timer is set in the transaction of whatever it belongs to, and fires in a transaction that takes the row away and does
// what is due, so there is never one without the other. A timer that was renewed has another generation or time; the old one
// finds nothing to fire.
//
//	the process dies before the firing commits   the row is still there and fires after the restart
//	the process dies after it                    the row is gone with the same commit
//	the thing moves on while its timer is due    Set or Drop changes the row; the reading before it finds nothing to fire
//	one timer cannot fire                        it holds up no other, is told in the log, and is tried again
//	the clock jumps ahead                        all due rows fire, oldest first
//	the clock jumps back                         the loop looks once a second, so nothing waits for an old appointment; rooms set
//	                                             those anew that fired before their time (OnBack)
package timers

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
)

const (
	signal = "timers"
	// lookEvery is the longest that the loop sleeps, whatever the next appointment: after a jump of the machine's clock a
	// sleep that was measured before it would wake too late.
	lookEvery = time.Second
	// batch bounds how many timers are read at once, so that a restart after a long night does not hold the writer.
	batch = 100
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the timers' tables.
func Migrations() db.Migrations { return db.Embedded("timers", migrations) }

// Timer is an appointment. Owner says what kind of thing has it, ID which, Name what for.
type Timer struct {
	Owner string
	ID    int64
	Name  string
	// Generation tells a timer from the one that stood under the same name before.
	Generation int64
	DueAt      time.Time
}

// Set makes an appointment; one of the same owner, id and name is replaced.
func Set(tx *db.Tx, t Timer) error {
	_, err := tx.Exec(`insert into timers (owner, id, name, generation, due_at) values ($1, $2, $3, $4, $5)
		on conflict (owner, id, name) do update set generation = excluded.generation, due_at = excluded.due_at`,
		t.Owner, t.ID, t.Name, t.Generation, db.Micros(t.DueAt))
	if err != nil {
		return fmt.Errorf("set timer %s of %s %d: %w", t.Name, t.Owner, t.ID, err)
	}
	tx.Signal(signal)
	return nil
}

// Drop cancels an appointment, if there is one.
func Drop(tx *db.Tx, owner string, id int64, name string) error {
	if _, err := tx.Exec(`delete from timers where owner = $1 and id = $2 and name = $3`, owner, id, name); err != nil {
		return fmt.Errorf("drop timer %s of %s %d: %w", name, owner, id, err)
	}
	return nil
}

// DropAll cancels all appointments of one thing.
func DropAll(tx *db.Tx, owner string, id int64) error {
	if _, err := tx.Exec(`delete from timers where owner = $1 and id = $2`, owner, id); err != nil {
		return fmt.Errorf("drop timers of %s %d: %w", owner, id, err)
	}
	return nil
}

// Fire does what a timer is for, in the transaction that takes the timer away. now is the time of the firing, never before
// DueAt. An error leaves the timer where it is.
type Fire func(tx *db.Tx, t Timer, now time.Time) error

// Loop fires the timers of one database. There is one per database.
type Loop struct {
	db     *db.DB
	clock  clock.Clock
	owners map[string]Fire
	// waiting are timers that could not fire, and when each is tried again: however many, they stand before no other.
	waiting map[Timer]time.Time
	back    []Renew
	seen    time.Time // the newest time at which the rooms' appointments were in order
}

// Renew sets those appointments of a room anew that fired before their time, since the clock had run ahead and was put back. It may
// be called at any time.
type Renew func(tx *db.Tx, now time.Time) error

// OnBack says what is done when the clock is found to have gone back, and once at the start, since it may have gone back while
// nothing ran. It is called before Run.
func (l *Loop) OnBack(rooms ...Renew) { l.back = append(l.back, rooms...) }

// renew calls the rooms if the clock has gone back.
func (l *Loop) renew(ctx context.Context, now time.Time) error {
	if !l.seen.IsZero() && !now.Before(l.seen) || len(l.back) == 0 {
		l.seen = now
		return nil
	}
	err := l.db.Write(ctx, func(tx *db.Tx) error {
		for _, renew := range l.back {
			if err := renew(tx, now.Truncate(time.Microsecond)); err != nil {
				return fmt.Errorf("appointments after the clock went back: %w", err)
			}
		}
		return nil
	})
	if err == nil {
		l.seen = now
	}
	return err
}

// New returns a loop that does nothing until Run. owners says what each owner's timers do; a timer of another owner stays.
func New(d *db.DB, c clock.Clock, owners map[string]Fire) *Loop {
	return &Loop{db: d, clock: c, owners: owners, waiting: map[Timer]time.Time{}}
}

// Run fires due timers until ctx ends.
func (l *Loop) Run(ctx context.Context) error {
	for {
		pause, err := l.Fire(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			slog.ErrorContext(ctx, "timers wait", "err", err)
		}
		if pause <= 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.db.Signal(signal):
		case <-l.clock.After(pause):
		}
	}
}

// Fire fires up to one batch of due timers and says how long to wait for the next; 0 when more may be due. It is not safe for
// concurrent use.
func (l *Loop) Fire(ctx context.Context) (time.Duration, error) {
	now := l.clock.Now()
	renewed := l.renew(ctx, now) // what fails holds up no timer, and is tried again at the next look
	for t, again := range l.waiting {
		if !now.Before(again) || again.Sub(now) > lookEvery { // the latter where the clock was put back
			delete(l.waiting, t)
		}
	}
	var due []Timer
	pause := lookEvery
	err := l.db.Read(ctx, func(tx *db.Tx) error {
		all, err := dueBy(tx, now, batch+len(l.waiting))
		for _, t := range all {
			if _, waits := l.waiting[t]; !waits {
				due = append(due, t)
			}
		}
		if err != nil || len(due) > 0 {
			return err
		}
		next, known, err := nextAfter(tx, now)
		if known {
			pause = min(pause, next.Sub(now))
		}
		return err
	})
	if err != nil || len(due) == 0 {
		return pause, errors.Join(renewed, err)
	}
	// Each timer is a write of its own, so that one which cannot fire holds up no other; they share a commit.
	type outcome struct {
		Timer
		err error
	}
	outcomes := make(chan outcome, len(due))
	failed := renewed
	queued := 0
	for _, t := range due {
		if err := l.db.WriteAsync(ctx, func(tx *db.Tx) error { return l.fireOne(tx, t) }, func(err error) { outcomes <- outcome{t, err} }); err != nil {
			failed = err
			break
		}
		queued++
	}
	for range queued {
		if o := <-outcomes; o.err != nil {
			l.waiting[o.Timer] = now.Add(lookEvery)
			failed = errors.Join(failed, o.err)
		}
	}
	if queued == 0 { // the store takes nothing
		return lookEvery, failed
	}
	return 0, failed
}

func (l *Loop) fireOne(tx *db.Tx, t Timer) error {
	fire := l.owners[t.Owner]
	if fire == nil {
		return fmt.Errorf("timer %s of %s %d: nobody fires timers of this owner", t.Name, t.Owner, t.ID)
	}
	now := l.clock.Now().Truncate(time.Microsecond)
	if now.Before(t.DueAt) { // the clock was put back since it was read: it is due later
		return nil
	}
	taken, err := take(tx, t)
	if err != nil || !taken { // not taken: it was renewed or dropped since it was read
		return err
	}
	if err := fire(tx, t, now); err != nil {
		return fmt.Errorf("timer %s of %s %d: %w", t.Name, t.Owner, t.ID, err)
	}
	return nil
}

// take removes exactly this timer.
func take(tx *db.Tx, t Timer) (taken bool, err error) {
	r, err := tx.Exec(`delete from timers where owner = $1 and id = $2 and name = $3 and generation = $4 and due_at = $5`,
		t.Owner, t.ID, t.Name, t.Generation, db.Micros(t.DueAt))
	if err != nil {
		return false, fmt.Errorf("take timer %s of %s %d: %w", t.Name, t.Owner, t.ID, err)
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// nextAfter is when the first timer is due of those that are not due yet. It is asked whenever one is set, so it reads no more than
// that.
func nextAfter(tx *db.Tx, now time.Time) (at time.Time, known bool, err error) {
	var due sql.NullInt64
	err = tx.QueryRow(`select min(due_at) from timers where due_at > $1`, db.Micros(now)).Scan(&due)
	return db.Time(due.Int64), due.Valid, err
}

// dueBy returns up to limit timers that are due by now, the earliest first.
func dueBy(tx *db.Tx, now time.Time, limit int) ([]Timer, error) {
	var ts []Timer
	err := tx.Each(func(rows *sql.Rows) error {
		var t Timer
		var due int64
		err := rows.Scan(&t.Owner, &t.ID, &t.Name, &t.Generation, &due)
		t.DueAt = db.Time(due)
		ts = append(ts, t)
		return err
	}, `select owner, id, name, generation, due_at from timers where due_at <= $1
		order by due_at nulls last, owner nulls last, id nulls last, name nulls last limit $2`, db.Micros(now), limit)
	return ts, err
}
