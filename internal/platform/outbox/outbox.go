// Package outbox carries news from a transaction to the bus, so that there is never a change without its event nor an
// event without its change.
//
// A room puts events into the transaction of its change. One relay reads what is still there by id, publishes it as one
// atomic batch and deletes it after the ack. It never asks for "id greater than the last": with several writers a lower id
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
	"sync/atomic"
	"time"

	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
)

const (
	// batchSize is the most that one atomic batch may hold on the bus.
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

// Put adds an event to the transaction of the change that it tells of.
func Put(tx *db.Tx, e Event) error {
	payload, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("event %s: %w", e.Subject(), err)
	}
	if _, err := tx.Exec("insert into outbox (subject, payload) values ($1, $2)", e.Subject(), string(payload)); err != nil {
		return fmt.Errorf("event %s: %w", e.Subject(), err)
	}
	tx.Signal(signal)
	return nil
}

// Bus is where events go.
type Bus interface {
	// Publish stores all messages or none, on disk, before it returns nil. After an error they may or may not be there.
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

// Run moves events until ctx ends.
func (r *Relay) Run(ctx context.Context) error {
	doubt := true // whether the oldest batch may be on the bus already
	for {
		n, err := r.move(ctx, doubt)
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
