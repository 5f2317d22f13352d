package delivery

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// TestPutAll: each key once, over the bounds of a statement, and a failure leaves none.
func TestPutAll(t *testing.T) {
	dbtest.Each(t, []db.Migrations{Migrations()}, func(t *testing.T, d *db.DB) {
		at := time.Date(2026, 11, 28, 4, 0, 0, 0, time.UTC)
		var ms []Message
		for i := range 2*atATime + 7 {
			ms = append(ms, Message{Key: fmt.Sprintf("w.1:%d", i), Channel: "webhook", Address: fmt.Sprintf("r/%d", i), Body: Text{En: fmt.Sprint(i), Zh: "号"}, Priority: High, At: at, Payload: "p"})
		}
		put := func(ms []Message) (n int64, err error) {
			err = d.Write(context.Background(), func(tx *db.Tx) (err error) {
				n, err = PutAll(tx, ms)
				return err
			})
			return n, err
		}
		if n, err := put(nil); n != 0 || err != nil {
			t.Fatal(n, err)
		}
		if _, err := put(append(ms[:len(ms):len(ms)], Message{Key: "bad"})); err == nil {
			t.Fatal("a message without a channel is taken")
		}
		if n, err := put(ms[:3]); n != 3 || err != nil {
			t.Fatal(n, err)
		}
		if n, err := put(append(ms[:len(ms):len(ms)], ms[5])); n != int64(len(ms)-3) || err != nil {
			t.Fatal(n, err)
		}
		err := d.Read(context.Background(), func(tx *db.Tx) error {
			all, err := List(tx, Filter{Prefix: "w.1:", Limit: 1000})
			if len(all) != len(ms) {
				t.Errorf("%d rows of %d", len(all), len(ms))
			}
			for _, x := range all {
				if want := "r/" + x.Body.En; x.Address != want || x.Priority != High || x.State != Waiting || !x.At.Equal(at) || !x.Until.Equal(at.Add(DefaultUntil)) || x.Payload != "p" {
					t.Errorf("%+v", x)
				}
			}
			if keys, err2 := Tried(tx, "w.1:"); len(keys) != 0 || err2 != nil {
				t.Error(keys, err2)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
