package detect

import (
	"maps"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// A snapshot counts as a whole or not at all, wherever its writing ends, also one of more rows than go into a transaction.
func TestSnapshotIsWholeOrNotThere(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		const all = 2*saveAtOnce + 50
		snapshot := func(from, to int, text string) (out []engine.Shard) {
			for i := from; i < to; i++ {
				out = append(out, engine.Shard{Scope: engine.Scope(i % 2), N: int64(i), State: []byte(text)})
			}
			return out
		}
		// expect holds what is loaded against the texts by shard.
		expect := func(what string, position int64, want map[int64]string) (last saved) {
			t.Helper()
			last, shards, _, _, err := loadState(ctx, d)
			if err != nil {
				t.Fatal(err)
			}
			got := map[int64]string{}
			for _, x := range shards {
				got[x.N] = string(x.State)
			}
			if last.position != position || !maps.Equal(got, want) {
				t.Errorf("%s: position %d, want %d; %d states, want %d", what, last.position, position, len(got), len(want))
			}
			return last
		}
		save := func(s saved, shards []engine.Shard) {
			t.Helper()
			for last := false; !last; {
				n := min(len(shards), saveAtOnce)
				last = n < saveAtOnce
				if err := saveState(ctx, d, s, shards[:n], last, time.Unix(0, 0)); err != nil {
					t.Fatal(err)
				}
				shards = shards[n:]
			}
		}
		want := map[int64]string{}
		save(saved{position: 7, snapshot: 1}, snapshot(0, all, "one"))
		for i := range int64(all) {
			want[i] = "one"
		}
		expect("the first", 7, want)

		// The second snapshot changes some and adds some, and ends before its last piece.
		err := d.Write(ctx, func(tx *db.Tx) error {
			for _, x := range append(snapshot(0, 100, "torn"), snapshot(all, all+5, "torn")...) {
				if err := saveShard(tx, x, 2); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		last := expect("torn", 7, want)
		if err := forgetUnfinished(ctx, d, last.snapshot); err != nil {
			t.Fatal(err)
		}
		expect("taken back", 7, want)

		save(saved{position: 11, snapshot: 2}, snapshot(50, all+1, "two"))
		for i := int64(50); i <= all; i++ {
			want[i] = "two"
		}
		expect("the second", 11, want)
		save(saved{position: 12, snapshot: 3}, nil)
		expect("the third, of nothing new", 12, want)
	})
}

// After an update of the program that writes states otherwise, what stands is still stepped and cleared.
func TestStatesOfAnotherVersion(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0 + hour))
		log := newLog(leak(1, t0)[:8])
		drain(t, room(t, d, log, c, nil), log)
		must(t, d.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(`update detect_state set state = $1`, []byte{0, 1, 2})
			return err
		}))
		log.append(leak(1, t0)[8:])
		s := room(t, d, log, c, nil)
		drain(t, s, log)
		all, err := s.List(officer(1), Filter{}, 0, 10)
		if err != nil || len(all) != 1 {
			t.Fatalf("%d alerts, %v", len(all), err)
		}
		a, err := s.Get(officer(1), all[0].ID)
		if err != nil || a.State != Cleared || a.History[len(a.History)-1].Note == "withdrawn" {
			t.Errorf("%+v %v", a, err)
		}
	})
}
