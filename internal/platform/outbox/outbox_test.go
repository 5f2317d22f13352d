package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/outbox"
)

type happened struct {
	N int `json:"n"`
}

func (happened) Subject() string { return "test.happened" }

func put(t *testing.T, d *db.DB, from, to int) {
	t.Helper()
	err := d.Write(context.Background(), func(tx *db.Tx) error {
		for n := from; n < to; n++ {
			if err := outbox.Put(tx, happened{n}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func startBus(t *testing.T, dir string) *bus.Bus {
	t.Helper()
	b, err := bus.Start(context.Background(), bus.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Stop)
	return b
}

// collect consumes until the event numbered last has come.
func collect(t *testing.T, b *bus.Bus, durable string, last int) []string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var got []string
	err := b.Consume(ctx, durable, []string{"test.>"}, func(_ context.Context, m bus.Message) error {
		got = append(got, string(m.Data))
		if string(m.Data) == fmt.Sprintf(`{"n":%d}`, last) {
			cancel()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func want(to int) []string {
	var out []string
	for n := range to {
		out = append(out, fmt.Sprintf(`{"n":%d}`, n))
	}
	return out
}

func run(t *testing.T, r *outbox.Relay) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func TestEventsArriveInOrder(t *testing.T) {
	dbtest.Each(t, []db.Migrations{outbox.Migrations()}, func(t *testing.T, d *db.DB) {
		b := startBus(t, t.TempDir())
		put(t, d, 0, 1500) // more than one batch
		run(t, outbox.NewRelay(d, b, clock.System()))
		for n := 1500; n < 1510; n++ { // while it runs
			put(t, d, n, n+1)
		}
		if got := collect(t, b, "reader", 1509); !slices.Equal(got, want(1510)) {
			t.Fatalf("%d events, first %v", len(got), got[:min(5, len(got))])
		}
	})
}

// forgetful stores what it is given and then says that it failed, as a connection does that breaks before the ack.
type forgetful struct {
	*bus.Bus
	failures int
}

func (f *forgetful) Publish(ctx context.Context, ms []bus.Message) error {
	if err := f.Bus.Publish(ctx, ms); err != nil {
		return err
	}
	if f.failures > 0 {
		f.failures--
		return errors.New("the ack got lost")
	}
	return nil
}

func TestALostAckDoublesNothing(t *testing.T) {
	d := dbtest.SQLite(t, outbox.Migrations())
	b := startBus(t, t.TempDir())
	clk := clock.NewVirtual(clock.System().Now())
	put(t, d, 0, 1200)
	r := outbox.NewRelay(d, &forgetful{b, 1}, clk)
	run(t, r)
	clk.AwaitSleepers(1) // it has failed and waits
	if r.Healthy() == nil {
		t.Error("the failure is not told")
	}
	clk.Advance(2e9)
	if got := collect(t, b, "reader", 1199); !slices.Equal(got, want(1200)) {
		t.Fatalf("%d events", len(got))
	}
	clk.AwaitSleepers(1)
	if err := r.Healthy(); err != nil {
		t.Error(err)
	}
}

func TestARestartKeepsWhatWasPublished(t *testing.T) {
	d, dir := dbtest.SQLite(t, outbox.Migrations()), t.TempDir()
	b := startBus(t, dir)
	stop := run(t, outbox.NewRelay(d, b, clock.System()))
	put(t, d, 0, 10)
	if got := collect(t, b, "reader", 4); len(got) != 5 {
		t.Fatal(got)
	}
	stop()
	b.Stop()
	put(t, d, 10, 20)
	b = startBus(t, dir)
	run(t, outbox.NewRelay(d, b, clock.System()))
	// The consumer goes on where it was; the event during whose handling it ended may come again.
	got := collect(t, b, "reader", 19)
	if tail := got[len(got)-15:]; !slices.Equal(tail, want(20)[5:]) {
		t.Fatal(got)
	}
	if all := collect(t, b, "other", 19); !slices.Equal(all, want(20)) {
		t.Fatal(all)
	}
}

func TestARestoredDatabaseGivesNoIdTwice(t *testing.T) {
	dbtest.Each(t, []db.Migrations{outbox.Migrations()}, func(t *testing.T, d *db.DB) {
		b := startBus(t, t.TempDir())
		put(t, d, 0, 10)
		run(t, outbox.NewRelay(d, b, clock.System()))
		if got := collect(t, b, "reader", 9); len(got) != 10 {
			t.Fatal(got)
		}
		for had := range 2 { // a backup from before the first event, and one from after it
			restored := another(t, d.Engine())
			from := 10 + had*10
			put(t, restored, 0, had)
			r := outbox.NewRelay(restored, b, clock.System())
			if err := r.Align(context.Background()); err != nil {
				t.Fatal(err)
			}
			put(t, restored, from, from+10)
			var fresh int
			if err := restored.Read(context.Background(), func(tx *db.Tx) error {
				return tx.QueryRow("select count(*) from outbox where id > $1", from).Scan(&fresh)
			}); err != nil || fresh != 10 {
				t.Fatalf("%d of 10 events have new ids: %v", fresh, err)
			}
			stop := run(t, r)
			got := collect(t, b, "reader", from+9)
			if !slices.Equal(got[len(got)-10:], want(from + 10)[from:]) {
				t.Fatalf("after the restore came %v", got)
			}
			stop()
		}
		ids, err := b.Recent(context.Background(), 100)
		if err != nil || len(ids) != 30 {
			t.Fatal(ids, err)
		}
		slices.Sort(ids)
		if len(slices.Compact(ids)) != 30 {
			t.Errorf("ids were used twice: %v", ids)
		}
	})
}

func another(t *testing.T, e db.Engine) *db.DB {
	t.Helper()
	if e == db.Postgres {
		return dbtest.Postgres(t, outbox.Migrations())
	}
	return dbtest.SQLite(t, outbox.Migrations())
}

type large string

func (large) Subject() string { return "test.large" }

func TestAnEventThatNoBusTakesIsRefused(t *testing.T) {
	d := dbtest.SQLite(t, outbox.Migrations())
	for size, fits := range map[int]bool{bus.MaxData - 2: true, bus.MaxData - 1: false} { // JSON adds the quotes
		err := d.Write(context.Background(), func(tx *db.Tx) error {
			return outbox.Put(tx, large(strings.Repeat("x", size)))
		})
		if (err == nil) != fits {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}
