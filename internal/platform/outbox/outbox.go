// Package outbox carries news from a transaction to the bus, so that there is never a change without its event nor an
// event without its change.
//
// A room puts events into the transaction of its change. One relay reads what is still there by id, publishes it in that
// order and deletes it after the ack. It never asks for "id greater than the last": with several writers a lower id
// can be committed later. A crash between ack and delete leaves one batch in doubt; at its start the relay asks the bus
// which of those ids are there and deletes them.
//
// Promise: every event reaches the bus exactly once, in the order of the ids within a commit. Consumers still tell events
// apart by id, since the bus delivers at least once.
package outbox

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
)

const (
	// batchSize is how many events are moved at a time; an atomic batch on the bus may hold no more.
	batchSize = bus.MaxBatch

	// retry is the pause after a failure, and how often the relay looks for rows of another process.
	retry = time.Second

	signal = "outbox"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the outbox's tables.
func Migrations() db.Migrations { return db.Embedded("outbox", migrations) }

// Event is something that happened, told to whoever listens. Its JSON form is the message.
type Event interface {
	// Subject is the event's name: "alert.raised".
	Subject() string
}

// Put adds an event to the transaction of the change that it tells of. It refuses one that the bus would not take: in the
// outbox it would hold up all events behind it.
func Put(tx *db.Tx, e Event) error {
	payload, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("event %s: %w", e.Subject(), err)
	}
	if len(payload) > bus.MaxData {
		return fmt.Errorf("event %s has %d bytes, at most %d fit", e.Subject(), len(payload), bus.MaxData)
	}
	if _, err := tx.Exec("insert into outbox (subject, payload) values ($1, $2)", e.Subject(), string(payload)); err != nil {
		return fmt.Errorf("event %s: %w", e.Subject(), err)
	}
	tx.Signal(signal)
	return nil
}

// Bus is where events go.
type Bus interface {
	// Publish stores all messages, on disk and in order, before it returns nil. After an error the first of them may be there, or
	// all.
	Publish(ctx context.Context, ms []bus.Message) error
	// Recent returns the ids of the newest n messages.
	Recent(ctx context.Context, n int) ([]int64, error)
}

var _ Bus = (*bus.Bus)(nil)

// Relay moves events from the outbox to the bus. There is one per database.
type Relay struct {
	db      *db.DB
	bus     Bus
	clock   clock.Clock
	failing atomic.Pointer[string]
	aligned bool
}

// NewRelay returns a relay that does nothing until Run.
func NewRelay(d *db.DB, b Bus, c clock.Clock) *Relay { return &Relay{db: d, bus: b, clock: c} }

// Healthy says whether the last attempt to move events succeeded.
func (r *Relay) Healthy() error {
	if why := r.failing.Load(); why != nil {
		return fmt.Errorf("events are not flowing: %s", *why)
	}
	return nil
}

// Align makes sure that no new event gets an id that an event on the bus has already, as would happen after the database
// was restored from a backup: the relay would take the new event for the old one and delete it. Run sees to it too, but only
// before the first Put does it come in time.
func (r *Relay) Align(ctx context.Context) error {
	if r.aligned {
		return nil
	}
	there, err := r.bus.Recent(ctx, batchSize)
	if err != nil {
		return fmt.Errorf("ask the bus what it has: %w", err)
	}
	if len(there) > 0 {
		// After earlier restores the last need not be the greatest.
		if err := r.raise(ctx, slices.Max(there)); err != nil {
			return fmt.Errorf("compare the outbox with the bus: %w", err)
		}
	}
	r.aligned = true
	return nil
}

// raise has the ids of new events start above least.
func (r *Relay) raise(ctx context.Context, least int64) error {
	given := "select coalesce(max(seq), 0) from sqlite_sequence where name = 'outbox'"
	if r.db.Engine() == db.Postgres {
		given = "select coalesce(pg_sequence_last_value(pg_get_serial_sequence('outbox', 'id')::regclass), 0)"
	}
	return r.db.Write(ctx, func(tx *db.Tx) error {
		var last int64
		if err := tx.QueryRow(given).Scan(&last); err != nil || last >= least {
			return err
		}
		tx.AfterCommit(func() {
			slog.WarnContext(ctx, "the bus has newer events than the database, which seems to have been restored; new events get ids above them",
				"database", last, "bus", least)
		})
		if r.db.Engine() == db.Postgres {
			return tx.QueryRow("select setval(pg_get_serial_sequence('outbox', 'id'), $1)", least).Scan(&last)
		}
		if _, err := tx.Exec("delete from sqlite_sequence where name = 'outbox'"); err != nil {
			return err
		}
		_, err := tx.Exec("insert into sqlite_sequence (name, seq) values ('outbox', $1)", least)
		return err
	})
}

// Run moves events until ctx ends.
func (r *Relay) Run(ctx context.Context) error {
	doubt := true // whether the oldest batch may be on the bus already
	for {
		n, err := 0, r.Align(ctx)
		if err == nil {
			n, err = r.move(ctx, doubt)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			doubt = true
			if why := err.Error(); r.failing.Swap(&why) == nil {
				slog.WarnContext(ctx, "events wait in the outbox", "err", err)
			}
		default:
			doubt = false
			if r.failing.Swap(nil) != nil {
				slog.InfoContext(ctx, "events flow again")
			}
		}
		if err == nil && n > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.db.Signal(signal):
		case <-r.clock.After(retry):
		}
	}
}

// move publishes one batch and deletes it.
func (r *Relay) move(ctx context.Context, doubt bool) (int, error) {
	batch, err := r.oldest(ctx)
	if err != nil || len(batch) == 0 {
		return 0, err
	}
	if doubt {
		there, err := r.bus.Recent(ctx, batchSize)
		if err != nil {
			return 0, fmt.Errorf("ask the bus what it has: %w", err)
		}
		if err := r.remove(ctx, there); err != nil {
			return 0, err
		}
		if batch, err = r.oldest(ctx); err != nil || len(batch) == 0 {
			return 0, err
		}
	}
	if err := r.bus.Publish(ctx, batch); err != nil {
		return 0, err
	}
	ids := make([]int64, len(batch))
	for i, m := range batch {
		ids[i] = m.ID
	}
	return len(batch), r.remove(ctx, ids)
}

func (r *Relay) oldest(ctx context.Context) ([]bus.Message, error) {
	var batch []bus.Message
	err := r.db.Read(ctx, func(tx *db.Tx) error {
		batch = batch[:0]
		return tx.Each(func(rows *sql.Rows) error {
			var m bus.Message
			var payload string
			err := rows.Scan(&m.ID, &m.Subject, &payload)
			m.Data = []byte(payload)
			batch = append(batch, m)
			return err
		}, "select id, subject, payload from outbox order by id nulls last limit $1", batchSize)
	})
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	return batch, nil
}

func (r *Relay) remove(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	err = r.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec("delete from outbox where id in (select cast(value as bigint) from json_list($1))", string(list))
		return err
	})
	if err != nil {
		return fmt.Errorf("empty the outbox: %w", err)
	}
	return nil
}
