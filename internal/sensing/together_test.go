package sensing

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// Senders, amendments, deletions, seals and readers at once: what was acknowledged and not deleted is there, once, with the
// value that it was last given, before and after a restart, and the counters add up.
func TestAllAtOnce(t *testing.T) {
	dbtest.Each(t, all, func(t *testing.T, d *db.DB) {
		s := start(t, d)
		var streams []int64
		for i := range 6 {
			streams = append(streams, datastream(t, s, fmt.Sprint(i)))
		}
		doomed := datastream(t, s, "doomed")
		var mu sync.Mutex
		want := map[int64]float64{} // by id
		var work, sealing sync.WaitGroup
		sealed := make(chan struct{})
		sealing.Go(func() {
			for {
				select {
				case <-sealed:
					return
				default:
					if err := s.Seal(ctx); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
		const rounds = 60
		for w := range 4 {
			work.Go(func() {
				r := rand.New(rand.NewPCG(uint64(w), 1))
				for i := range rounds {
					var rs []Reading
					for j := range 1 + r.IntN(30) {
						rs = append(rs, rd(streams[r.IntN(len(streams))], at(i*100+j), Number(float64(i))))
					}
					if r.IntN(4) == 0 { // refused once it is deleted
						rs = append(rs, rd(doomed, at(i), Number(1)))
					}
					receipt, err := s.Append(ctx, "many", rs)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					for j, id := range receipt.IDs {
						if id != 0 && rs[j].Datastream != doomed {
							want[id], _ = rs[j].Value.Float()
						}
					}
					mu.Unlock()
				}
			})
		}
		work.Go(func() { // changes what the others wrote
			for i := range rounds {
				mu.Lock()
				var ids []int64
				for id := range want {
					if ids = append(ids, id); len(ids) == 4 {
						break
					}
				}
				mu.Unlock()
				if len(ids) < 4 {
					continue
				}
				err := s.Change(ctx, "many", func(tx *Tx) error {
					for j, id := range ids {
						if j == 0 {
							if _, err := tx.Delete(id); err != nil {
								return err
							}
							continue
						}
						if _, err := tx.Amend(id, rd(0, at(i), Number(1000+float64(i)))); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				delete(want, ids[0])
				for _, id := range ids[1:] {
					want[id] = 1000 + float64(i)
				}
				mu.Unlock()
			}
		})
		work.Go(func() { // sees each reading at most once, in order
			for i := range rounds {
				if i == rounds/2 {
					if err := s.Change(ctx, "many", func(tx *Tx) error { return tx.DeleteDatastream(doomed) }); err != nil {
						t.Error(err)
					}
				}
				for _, order := range []Order{ByID, ByTimeDesc} {
					seen := map[int64]bool{}
					err := s.Scan(ctx, Query{Order: order}, func(r Stored) error {
						if seen[r.ID] {
							return fmt.Errorf("%d came twice", r.ID)
						}
						seen[r.ID] = true
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
		work.Wait()
		close(sealed)
		sealing.Wait()
		for range 2 {
			got := map[int64]float64{}
			err := s.Scan(ctx, Query{}, func(r Stored) error {
				if _, twice := got[r.ID]; twice {
					return errors.New("twice")
				}
				got[r.ID], _ = r.Value.Float()
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(want) {
				t.Fatalf("%d readings, expected %d", len(got), len(want))
			}
			for id, v := range want {
				if g, ok := got[id]; !ok || g != v {
					t.Fatalf("%d is %v (%t), expected %v", id, g, ok, v)
				}
			}
			c := s.Counters()
			if a, _ := c.Totals(); c.Logged != a || c.Logged != c.Stored+c.Deleted || c.Stored != int64(len(want)) {
				t.Fatalf("accepted %d, logged %d, stored %d, deleted %d, expected %d stored", a, c.Logged, c.Stored, c.Deleted, len(want))
			}
			s = start(t, d)
		}
	})
}
