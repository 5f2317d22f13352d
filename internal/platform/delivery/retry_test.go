package delivery

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

func TestDeadLettersAreSentAgain(t *testing.T) {
	dbtest.Each(t, mine, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		dead := func(key string, change ...func(*Message)) int64 {
			b.c.failWith(key, fmt.Errorf("%w: no", ErrPermanent))
			b.put(key, change...)
			b.sendAll()
			b.c.failWith(key, nil)
			if r := b.row(key); r.State != Dead {
				t.Fatalf("%+v", r)
			}
			return b.row(key).ID
		}
		retry := func(id int64) (err error) {
			b.write(func(tx *db.Tx) error { _, err = Retry(tx, id, b.clock.Now()); return nil })
			return err
		}
		one := dead("a")
		if err := retry(one); err != nil {
			t.Fatal(err)
		}
		b.sendAll()
		if r := b.row("a"); r.State != Sent || r.Attempts != 2 || r.Answer != "took a" {
			t.Errorf("%+v", r)
		}
		if err := retry(one); !errors.Is(err, ErrNotDead) {
			t.Errorf("sent twice: %v", err)
		}
		if err := retry(9999); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("%v", err)
		}
		thread := func(m *Message) { m.Replaces = "warning:1" }
		old := dead("w/1", thread)
		b.put("w/2", thread)
		if err := retry(old); !errors.Is(err, ErrSuperseded) {
			t.Errorf("an old version would follow the new one: %v", err)
		}
		b.write(func(tx *db.Tx) error { return Withdraw(tx, "w/2", b.clock.Now()) })
		if err := retry(old); err != nil {
			t.Errorf("the newer one was withdrawn: %v", err)
		}
		short := dead("short", func(m *Message) { m.Until = b.clock.Now().Add(time.Minute) })
		b.clock.Advance(time.Hour)
		if err := retry(short); !errors.Is(err, ErrOver) {
			t.Errorf("%v", err)
		}
		// By what keys begin with.
		b.write(func(tx *db.Tx) error {
			ds, err := List(tx, Filter{Prefix: "w/", Limit: 10})
			if len(ds) != 2 || ds[0].Key != "w/2" {
				t.Errorf("%+v", ds)
			}
			n, err2 := CountOf(tx, "w/")
			if n[Withdrawn] != 1 || n[Sent] != 1 || len(n) != 2 {
				t.Errorf("%v", n)
			}
			return errors.Join(err, err2)
		})
	})
}
