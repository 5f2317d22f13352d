package sensing

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// together has changes carried out in one commit, in their order, and returns their outcomes.
func together(t *testing.T, s *Service, fns ...func(tx *Tx) error) []error {
	t.Helper()
	if _, err := s.source(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	busy, free := make(chan struct{}), make(chan struct{})
	wait := func(*db.Tx) error { close(busy); <-free; return nil }
	if err := s.DB.WriteAsync(ctx, wait, func(error) {}); err != nil {
		t.Fatal(err)
	}
	<-busy // what comes now queues up, and is one commit
	outcomes, done := make([]error, len(fns)), make(chan struct{}, len(fns))
	for i, fn := range fns {
		x := &Tx{s: s, ctx: ctx, source: s.sources["test"], name: "test", moved: map[int64]Datastream{}}
		err := s.DB.WriteAsync(ctx, s.guarded(&x.job, x.run(fn)), func(err error) {
			s.ended(&x.job, err)
			outcomes[i] = err
			done <- struct{}{}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	close(free)
	for range fns {
		<-done
	}
	return outcomes
}

func append3(t *testing.T, s *Service) (stream int64, ids []int64) {
	t.Helper()
	stream = datastream(t, s, "one")
	r, err := s.Append(ctx, "gw", []Reading{rd(stream, at(1), Number(1)), rd(stream, at(2), Number(2)), rd(stream, at(3), Number(3))})
	if err != nil {
		t.Fatal(err)
	}
	return stream, r.IDs
}

// Two changes of one commit know of each other: a reading is deleted once, and amended on top of what the other made of it.
func TestChangesOfOneCommitKnowOfEachOther(t *testing.T) {
	dbtest.Each(t, all, func(t *testing.T, d *db.DB) {
		for _, sealed := range []bool{false, true} {
			t.Run(fmt.Sprint("sealed ", sealed), func(t *testing.T) {
				s := start(t, d)
				if id, ok := s.LookupExternal("one"); ok {
					if err := s.Change(ctx, "test", func(tx *Tx) error { return tx.DeleteDatastream(id.ID) }); err != nil {
						t.Fatal(err)
					}
				}
				stream, ids := append3(t, s)
				if sealed {
					if err := s.Seal(ctx); err != nil {
						t.Fatal(err)
					}
				}
				del := func(tx *Tx) error { _, err := tx.Delete(ids[0]); return err }
				got := together(t, s, del, del)
				if got[0] != nil || !errors.Is(got[1], db.ErrNotFound) {
					t.Fatal(got)
				}
				add := func(tx *Tx) error {
					before, err := tx.Get(ids[1])
					if err == nil {
						f, _ := before.Value.Float()
						_, err = tx.Amend(ids[1], rd(stream, before.At, Number(f*10)))
					}
					return err
				}
				fail := errors.New("taken back")
				got = together(t, s, add, func(tx *Tx) error { return errors.Join(add(tx), fail) }, add)
				if got[0] != nil || !errors.Is(got[1], fail) || got[2] != nil {
					t.Fatal(got)
				}
				for range 2 {
					if got := fmt.Sprint(history(t, s, stream, 9)); got != "[2:200 3:3]" {
						t.Fatal(got)
					}
					c := s.Counters()
					if c.Logged != c.Stored+c.Deleted {
						t.Fatalf("%+v", c)
					}
					s = start(t, d)
				}
			})
		}
	})
}

// A seal that was planned while an amendment was being committed must not bring the old reading back.
func TestASealPlannedDuringACommitIsPlannedAgain(t *testing.T) {
	dbtest.Each(t, all, func(t *testing.T, d *db.DB) {
		s := start(t, d)
		stream, ids := append3(t, s)
		var plans []plan
		got := together(t, s, func(tx *Tx) error {
			_, err := tx.Amend(ids[0], rd(stream, at(1), Number(100)))
			return err
		}, func(tx *Tx) error {
			_, err := tx.Delete(ids[1])
			plans = s.plans(s.laneOrder) // after the change, before memory knows of it
			return err
		})
		if errors.Join(got...) != nil {
			t.Fatal(got)
		}
		if err := d.Read(ctx, plans[0].arrange); err != nil {
			t.Fatal(err)
		}
		if err := s.put(ctx, plans); !errors.Is(err, errMoved) {
			t.Fatalf("sealed from an old head: %v", err)
		}
		for range 2 {
			if err := s.Seal(ctx); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(history(t, s, stream, 9)); got != "[1:100 3:3]" {
				t.Fatal(got)
			}
			balanced(t, s, 3, 0)
			s = start(t, d)
		}
	})
}

// The number of a deleted reading is not given out again, sealed or not.
func TestNumbersAreUsedOnce(t *testing.T) {
	s := start(t, dbtest.SQLite(t, all...))
	stream := datastream(t, s, "one")
	for i := range 50 {
		if _, err := s.Append(ctx, "gw", []Reading{rd(stream, at(i), Number(float64(i)))}); err != nil {
			t.Fatal(err)
		}
		if err := s.Seal(ctx); err != nil {
			t.Fatal(err)
		}
	}
	r, err := s.Append(ctx, "gw", []Reading{rd(stream, at(90), Number(1))})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Change(ctx, "gw", func(tx *Tx) error { _, err := tx.Delete(r.IDs[0]); return err }); err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	s = start(t, s.DB)
	again, err := s.Append(ctx, "gw", []Reading{rd(stream, at(91), Number(1))})
	if err != nil || again.IDs[0] <= r.IDs[0] {
		t.Fatalf("%d after %d: %v", again.IDs[0], r.IDs[0], err)
	}
}

// deafStore is a store on PostgreSQL whose connection can be made to break after a commit was carried out and before its
// answer comes back.
func deafStore(t *testing.T) (*db.DB, *atomic.Bool) {
	t.Helper()
	u, err := url.Parse(dbtest.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	deaf, server := &atomic.Bool{}, u.Host
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				return
			}
			var cut atomic.Bool
			go func() { // answers
				buf := make([]byte, 64<<10)
				for {
					n, err := up.Read(buf)
					if cut.Load() || err != nil { // the commit is carried out by the time it is answered
						client.Close()
						up.Close()
						return
					}
					client.Write(buf[:n])
				}
			}()
			go func() {
				buf := make([]byte, 1<<20)
				for {
					n, err := client.Read(buf)
					if n > 0 && strings.Contains(string(buf[:n]), "commit") && deaf.CompareAndSwap(true, false) {
						cut.Store(true)
					}
					if _, werr := up.Write(buf[:n]); err != nil || werr != nil {
						if errors.Is(err, io.EOF) || !cut.Load() {
							up.Close()
						}
						return
					}
				}
			}()
		}
	}()
	u.Host, u.RawQuery = l.Addr().String(), "sslmode=disable"
	d, err := db.Open(ctx, db.Options{URL: u.String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(ctx, all...); err != nil {
		t.Fatal(err)
	}
	return d, deaf
}

// What was committed though its answer got lost is in memory before the next commit, be it readings, an amendment, or the
// end of a datastream.
func TestCommitsWhoseAnswerGotLost(t *testing.T) {
	d, deaf := deafStore(t)
	s := start(t, d)
	stream, ids := append3(t, s)
	doomed := datastream(t, s, "doomed")
	lost := func(fn func(tx *Tx) error) {
		t.Helper()
		deaf.Store(true)
		if err := s.Change(ctx, "test", fn); !errors.Is(err, db.ErrUnknownOutcome) {
			t.Fatalf("expected an unknown outcome, got %v", err)
		}
	}
	lost(func(tx *Tx) error {
		_, err := tx.Append([]Reading{rd(stream, at(4), Number(4)), rd(doomed, at(4), Number(4))})
		return err
	})
	if _, err := s.Append(ctx, "gw", []Reading{rd(stream, at(5), Number(5))}); err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	lost(func(tx *Tx) error {
		if _, err := tx.Delete(ids[0]); err != nil {
			return err
		}
		return tx.DeleteDatastream(doomed)
	})
	r, err := s.Append(ctx, "gw", []Reading{rd(stream, at(6), Number(6)), rd(doomed, at(6), Number(6))})
	if err != nil || r.Accepted != 1 || fmt.Sprint(codes(r)) != "[sensing.unknown_datastream]" {
		t.Fatal(r, err)
	}
	for range 2 {
		if got := fmt.Sprint(history(t, s, stream, 9)); got != "[2:2 3:3 4:4 5:5 6:6]" {
			t.Fatal(got)
		}
		balanced(t, s, 7, 1)
		if err := s.Seal(ctx); err != nil {
			t.Fatal(err)
		}
		s = start(t, d)
	}
}

// A datastream that stands in a home does not leave it: its curve would be shown as that of the other asset.
func TestHomesKeepTheirDatastreams(t *testing.T) {
	s := start(t, dbtest.SQLite(t, all...))
	var id int64
	err := s.Change(ctx, "test", func(tx *Tx) (err error) {
		id, err = tx.AddDatastream(Datastream{ExternalID: "flat", Asset: 8, Name: "CO"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, asset := range []int64{0, 3} {
		err := s.Change(ctx, "test", func(tx *Tx) error {
			return tx.SetDatastream(Datastream{ID: id, ExternalID: "flat", Asset: asset, Name: "CO"})
		})
		if err == nil || !strings.Contains(err.Error(), "stands in a home") {
			t.Errorf("moved to asset %d: %v", asset, err)
		}
	}
	if err := s.Change(ctx, "test", func(tx *Tx) error {
		return tx.SetDatastream(Datastream{ID: id, ExternalID: "flat", Asset: 8, Name: "CO 2"})
	}); err != nil {
		t.Error(err)
	}
}

func TestSizeOfTheLog(t *testing.T) {
	dbtest.Each(t, all, func(t *testing.T, d *db.DB) {
		s := start(t, d)
		stream, _ := append3(t, s)
		if _, err := s.Append(ctx, "gw", []Reading{rd(stream, at(9), Number(1))}); err != nil {
			t.Fatal(err)
		}
		all, err := s.Size(ctx, 0)
		last, err2 := s.Size(ctx, s.LastSeq()-1)
		none, err3 := s.Size(ctx, s.LastSeq())
		if err := errors.Join(err, err2, err3); err != nil || all <= last || last <= 0 || none != 0 {
			t.Fatal(all, last, none, err)
		}
	})
}
