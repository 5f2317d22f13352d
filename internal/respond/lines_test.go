package respond

import (
	"fmt"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

func TestALongTimelineIsRead(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, kind(t, "gas", "gas-leak"))
		w.alert("alert.raised", 1, 117, "red")
		w.alert("alert.raised", 2, 118, "red")
		id, other := w.caseOf("alert", 117), w.caseOf("alert", 118)
		w.do(1, id, "accept", nil) // stands further up than the page shows, and rules count it all the same
		if err := d.Write(t.Context(), func(tx *db.Tx) error {
			for i := range 250 {
				for _, c := range []int64{id, other} {
					e := Entry{At: w.clock.Now(), Actor: access.Actor{Kind: access.KindSystem, Name: "respond"}, Kind: "note", Free: fmt.Sprint("line ", i)}
					if _, err := insertEntry(tx, c, &e); err != nil {
						return err
					}
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		var all []Entry
		if err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
			all, err = Timeline(tx, id)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		page := w.page(id)
		if n := len(page.Timeline); n != DefaultLines || page.Earlier != len(all)-n || page.Timeline[n-1].Text != "line 249" {
			t.Fatalf("%d lines and %d earlier of %d, the last %v", n, page.Earlier, len(all), page.Timeline[n-1].Text)
		}
		got, earlier := page.Timeline, page.Earlier
		for steps := 0; earlier > 0; steps++ {
			p, err := w.Lines(as(officer(2)), id, got[0].ID, 60)
			if err != nil || len(p.Items) == 0 || steps > 10 {
				t.Fatalf("%+v, %v", p, err)
			}
			got, earlier = append(p.Items, got...), p.Earlier
			if len(got)+earlier != len(all) {
				t.Errorf("%d lines and %d earlier are not %d", len(got), earlier, len(all))
			}
		}
		for i, e := range all {
			if i >= len(got) || got[i].ID != e.ID {
				t.Fatalf("line %d of the whole is missing", i)
			}
		}
		if p, err := w.Lines(as(officer(2)), id, all[0].ID, 60); err != nil || len(p.Items) != 0 || p.Earlier != 0 {
			t.Errorf("before the first stands %+v, %v", p, err)
		}
		if _, err := w.Lines(as(officer(2)), 999, 0, 10); code(err) != "case.not_found" {
			t.Errorf("a case that is not there: %v", err)
		}
	})
}
