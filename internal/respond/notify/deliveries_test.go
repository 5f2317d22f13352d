package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/delivery"
)

// secret is the number of a warning that nobody here may read.
const secret = "2026-0002"

var errNotYours = errors.New("not yours")

type unread struct{ Warnings }

func (unread) MayRead(_ context.Context, number string) error {
	if number == secret {
		return errNotYours
	}
	return nil
}

// What may not be read is not listed, and not sent again; pages are full all the same.
func TestDeliveriesThatMayBeSeen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.write(func(tx *db.Tx) error {
			for i := range 30 {
				kind := []string{"warning:" + secret + ".1", "warning:2026-0001.1", "notice"}[i%3]
				m := delivery.Message{Key: fmt.Sprintf("%s:%d", kind, i), Channel: FileChannel, Address: "x", Subject: delivery.Text{En: "s", Zh: "s"}, Body: delivery.Text{En: "b", Zh: "b"},
					At: w.clock.Now(), Until: w.clock.Now().Add(time.Hour)}
				if _, err := delivery.Put(tx, m); err != nil {
					return err
				}
			}
			_, err := tx.Exec(`update deliveries set state = 'dead'`)
			return err
		})
		w.Service.Warnings = unread{}
		ctx := as(officer(1, gasCo))
		seen := 0
		var id int64
		for before := int64(0); ; {
			left, err := w.Deliveries(ctx, "", "", before, 7)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range left.Items {
				if strings.Contains(d.Key, secret) {
					t.Errorf("%s is listed", d.Key)
				}
				seen++
			}
			if before = left.Next; before == 0 {
				break
			}
			if len(left.Items) != 7 {
				t.Errorf("a page of %d that is not the last", len(left.Items))
			}
		}
		if seen != 20 {
			t.Errorf("%d of 20 listed", seen)
		}
		w.read(func(tx *db.Tx) error {
			return tx.QueryRow(`select id from deliveries where key = 'warning:2026-0002.1:0'`).Scan(&id)
		})
		if _, err := w.Retry(ctx, id); !errors.Is(err, errNotYours) {
			t.Errorf("sent again: %v", err)
		}
		if n := w.count(`select count(*) from deliveries where state <> 'dead'`); n != 0 {
			t.Errorf("%d are on their way", n)
		}
	})
}
