package warn

import (
	"slices"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// TestUpgradeAndDowngrade: orange, red, red, yellow, all clear; each message says what it changes and names all before it.
func TestUpgradeAndDowngrade(t *testing.T) {
	dbtest.Each(t, allMigrations, func(t *testing.T, d *db.DB) {
		s, c := newService(t, d)
		w := issue(t, s, gasLeak())
		for i, l := range []Level{Red, Red, Yellow} {
			c.Advance(time.Minute)
			p := gasLeak()
			p.Level = l
			if _, err := s.ProposeUpdate(as(first), w.ID, p); err != nil {
				t.Fatal(err)
			}
			var err error
			if w, err = s.Approve(as(second), w.ID, i+2); err != nil {
				t.Fatal(err)
			}
		}
		w, err := s.AllClear(as(first), w.ID, "repaired")
		if err != nil {
			t.Fatal(err)
		}
		var changes []string
		for _, m := range w.Messages {
			changes = append(changes, m.Change)
		}
		if want := []string{"alert", "upgrade", "update", "downgrade", "all-clear"}; !slices.Equal(changes, want) {
			t.Errorf("changes %v, want %v", changes, want)
		}
		for n, want := range map[string]string{"1": "", "2": "Upgraded from orange to red. 预警由橙色升级为红色。", "3": "",
			"4": "Downgraded from red to yellow. 预警由红色降级为黄色。", "5": "repaired"} {
			a := document(t, s, "/warnings/2026-0001."+n+".xml")
			if a.Note != want || len(a.References) != int(n[0]-'1') {
				t.Errorf("message %s: note %q, %d references", n, a.Note, len(a.References))
			}
		}
		if got := column(t, d, "select json_text(payload, 'from') from outbox where subject = 'warning.updated' order by id nulls last"); !slices.Equal(got, []string{"orange", "red", "red"}) {
			t.Errorf("from %v", got)
		}
	})
}
