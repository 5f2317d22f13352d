package sensing

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

var (
	ctx  = context.Background()
	noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	all  = []db.Migrations{ledger.Migrations(), Migrations()}
)

// tb is what the helpers need of a test, be it testing's or rapid's.
type tb interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func start(t tb, d *db.DB) *Service {
	t.Helper()
	s, err := New(ctx, Options{
		DB: d, Clock: clock.NewVirtual(noon), Access: access.AllowAll,
		Property: func(p string) (Property, bool) {
			return Property{Unit: "%LEL", Number: p == "gas/pressure"}, p == "gas/methane" || p == "gas/pressure"
		},
		Asset: func(id int64) Asset { return Asset{Home: id == 8} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func datastream(t tb, s *Service, externalID string) int64 {
	t.Helper()
	return register(t, s, Datastream{ExternalID: externalID, Asset: 7, Property: "gas/methane", Unit: "%LEL", Name: externalID})
}

func register(t tb, s *Service, d Datastream) (id int64) {
	t.Helper()
	err := s.Change(ctx, "test", func(tx *Tx) (err error) {
		id, err = tx.AddDatastream(d)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// rd is a plain reading.
func rd(datastream, at int64, v Value) Reading {
	return Reading{Datastream: datastream, At: at, Value: v}
}

func at(minutes int) int64 { return noon.Add(time.Duration(minutes-10000) * time.Minute).UnixMicro() }

func history(t tb, s *Service, id int64, limit int) []string {
	t.Helper()
	rs, err := s.History(ctx, id, time.Time{}, time.Time{}, limit)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range rs {
		out = append(out, fmt.Sprintf("%d:%v", (r.At-at(0))/60e6, r.Value))
	}
	return out
}

// balanced checks in = accepted + refused, accepted = logged = stored.
func balanced(t tb, s *Service, accepted, refused int64) {
	t.Helper()
	c := s.Counters()
	a, r := c.Totals()
	if a != accepted || r != refused || c.Logged != a || c.Stored+c.Deleted != a {
		t.Fatalf("accepted %d of %d, refused %d of %d, logged %d, stored %d", a, accepted, r, refused, c.Logged, c.Stored)
	}
}

func TestReadingsSurviveRestartsAndSeals(t *testing.T) {
	dbtest.Each(t, all, func(t *testing.T, d *db.DB) {
		s := start(t, d)
		one, two := datastream(t, s, "one"), datastream(t, s, "two")
		check := func() {
			t.Helper()
			if got := fmt.Sprint(history(t, s, one, 10)); got != "[1:1.5 2:2.5 3:-0 4:open]" {
				t.Fatal(got)
			}
			if got := fmt.Sprint(history(t, s, one, 2)); got != "[3:-0 4:open]" {
				t.Fatal(got)
			}
			if got := fmt.Sprint(history(t, s, two, 10)); got != "[2:true]" {
				t.Fatal(got)
			}
			st, err := s.Latest(ctx, one)
			if err != nil || st.Count != 4 || st.MinAt != at(1) || st.MaxAt != at(4) || st.Latest.Value.String() != "open" {
				t.Fatalf("%+v %v", st, err)
			}
			balanced(t, s, 5, 1)
		}
		r, err := s.Append(ctx, "gateway", []Reading{rd(one, at(2), Number(2.5)), rd(one, at(4), Text("open")), rd(999, at(1), Number(1))})
		if err != nil || r.Accepted != 2 || len(r.Refused) != 1 || r.Refused[0].Code != "sensing.unknown_datastream" || r.Refused[0].Index != 2 {
			t.Fatalf("%+v %v", r, err)
		}
		if _, err := s.Append(ctx, "other", []Reading{rd(one, at(1), Number(1.5)), rd(two, at(2), Bool(true)), rd(one, at(3), Number(math.Copysign(0, -1)))}); err != nil {
			t.Fatal(err)
		}
		check()
		s = start(t, d)
		check()
		if err := s.Seal(ctx); err != nil {
			t.Fatal(err)
		}
		check()
		if n := count(t, d, "log"); n != 0 {
			t.Fatalf("%d log rows are left", n)
		}
		s = start(t, d)
		check()
	})
}

func count(t tb, d *db.DB, table string) (n int) {
	t.Helper()
	err := d.Read(ctx, func(tx *db.Tx) error { return tx.QueryRow("select count(*) from " + table).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTheLogIsNotTrimmedPastAConsumer(t *testing.T) {
	dbtest.Each(t, all, func(t *testing.T, d *db.DB) {
		s := start(t, d)
		s.Consumers = []string{"detect", "live"}
		id := datastream(t, s, "one")
		var seqs []int64
		for i := range 4 {
			r, err := s.Append(ctx, "gateway", []Reading{rd(id, at(i), Number(float64(i)))})
			if err != nil {
				t.Fatal(err)
			}
			seqs = append(seqs, r.Seq)
		}
		s.Hold("detect", seqs[2])
		if err := s.Seal(ctx); err != nil {
			t.Fatal(err)
		}
		if n := count(t, d, "log"); n != 4 {
			t.Fatalf("%d rows left though one consumer has not come up", n)
		}
		s.Hold("live", seqs[1])
		if err := s.Seal(ctx); err != nil {
			t.Fatal(err)
		}
		if n := count(t, d, "log"); n != 2 {
			t.Fatalf("%d rows left", n)
		}
		balanced(t, s, 4, 0)
		s = start(t, d) // sealed rows that are still in the log are not counted twice
		balanced(t, s, 4, 0)
		if got := fmt.Sprint(history(t, s, id, 10)); got != "[0:0 1:1 2:2 3:3]" {
			t.Fatal(got)
		}
	})
}

func TestTailSeesEveryRowOnceInOrder(t *testing.T) {
	dbtest.Each(t, all, func(t *testing.T, d *db.DB) {
		s := start(t, d)
		id := datastream(t, s, "one")
		const senders, each = 8, 50
		var wg sync.WaitGroup
		for w := range senders {
			wg.Go(func() {
				for i := range each {
					if _, err := s.Append(ctx, fmt.Sprint("sender ", w), []Reading{rd(id, at(w*each+i), Number(float64(i)))}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		enough := errors.New("enough")
		seen := map[int64]int64{}
		var last int64
		err := s.Tail(ctx, 0, func(b Batch) error {
			if b.Seq <= last {
				t.Errorf("row %d after %d", b.Seq, last)
			}
			last = b.Seq
			for _, r := range b.Readings {
				seen[r.ID]++
				if r.Datastream != id {
					t.Errorf("reading of %d", r.Datastream)
				}
			}
			if len(seen) == senders*each {
				return enough
			}
			return nil
		})
		wg.Wait()
		if !errors.Is(err, enough) {
			t.Fatal(err)
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("reading %d came %d times", id, n)
			}
		}
		balanced(t, s, senders*each, 0)
	})
}

func TestAFullLaneIsFollowedByAnother(t *testing.T) {
	dbtest.Each(t, all, func(t *testing.T, d *db.DB) {
		s := start(t, d)
		s.laneSize = 3
		id := datastream(t, s, "one")
		var rs []Reading
		for i := range 8 {
			rs = append(rs, rd(id, at(i), Number(float64(i))))
		}
		for _, part := range [][]Reading{rs[:2], rs[2:7], rs[7:]} {
			if _, err := s.Append(ctx, "gateway", part); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if got := fmt.Sprint(history(t, s, id, 10)); got != "[0:0 1:1 2:2 3:3 4:4 5:5 6:6 7:7]" {
				t.Fatal(got)
			}
			if n := count(t, d, "lanes"); n != 3 {
				t.Fatalf("%d lanes", n)
			}
			balanced(t, s, 8, 0)
			s = start(t, d)
			if err := s.Seal(ctx); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// What was committed though its answer got lost is found again: datastreams by a second try, lanes and readings before the
// next commit. A second service on the same store stands for the commit that this one does not know of.
func TestUnknownOutcomesAreLookedUp(t *testing.T) {
	dbtest.Each(t, all, func(t *testing.T, d *db.DB) {
		s, lost := start(t, d), start(t, d)
		lost.laneSize = 2
		id := datastream(t, lost, "one")
		if err := s.Learn(ctx); err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			if _, err := lost.Append(ctx, "gateway", []Reading{rd(id, at(i), Number(float64(i)))}); err != nil {
				t.Fatal(err)
			}
		}
		s.unsure, s.laneSize = true, 2
		if _, err := s.Append(ctx, "gateway", []Reading{rd(id, at(5), Number(5))}); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(history(t, s, id, 10)); got != "[0:0 1:1 2:2 3:3 4:4 5:5]" {
			t.Fatal(got)
		}
		// A seal whose answer got lost: nothing is sealed a second time.
		s, lost = start(t, d), start(t, d)
		if err := lost.Seal(ctx); err != nil {
			t.Fatal(err)
		}
		if err := s.sealLanes(ctx, s.laneOrder); err == nil {
			t.Fatal("a lane was sealed twice")
		}
		s.unsure = true
		if err := s.Seal(ctx); err != nil {
			t.Fatal(err)
		}
		balanced(t, s, 6, 0)
		s = start(t, d)
		if got := fmt.Sprint(history(t, s, id, 10)); got != "[0:0 1:1 2:2 3:3 4:4 5:5]" {
			t.Fatal(got)
		}
		balanced(t, s, 6, 0)
	})
}

func TestASenderThatLeavesDoesNotWaitForRoom(t *testing.T) {
	s := start(t, dbtest.SQLite(t, all...))
	id := datastream(t, s, "one")
	s.headNow(2*sealAt + 1)
	gone, leave := context.WithCancel(ctx)
	leave()
	if _, err := s.Append(gone, "gateway", []Reading{rd(id, at(0), Number(1))}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := s.Append(ctx, "gateway", []Reading{rd(id, at(0), Number(1))})
		done <- err
	}()
	s.headNow(0)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	balanced(t, s, 1, 0)
}

func TestWhatIsSentMustBeWhatThePackSays(t *testing.T) {
	s := start(t, dbtest.SQLite(t, all...))
	numeric := register(t, s, Datastream{ExternalID: "p", Property: "gas/pressure", Unit: "%LEL"})
	free := datastream(t, s, "one")
	r, err := s.Append(ctx, "gw", []Reading{
		rd(numeric, at(1), Text("60")), rd(numeric, at(1), Number(60)), rd(free, at(1), Text("open")),
		rd(free, at(1), Text("110101199003074258")), rd(free, at(1), Text("京A12345")),
	})
	if err != nil || r.Accepted != 2 || fmt.Sprint(codes(r)) != "[sensing.not_a_number sensing.personal sensing.personal]" {
		t.Fatalf("%+v %v", r, err)
	}
}

func codes(r Receipt) (out []string) {
	for _, f := range r.Refused {
		out = append(out, f.Code)
	}
	return out
}

// A sensor in a home is heard and judged, and shows nothing but that it lives.
func TestNoCurveFromAHome(t *testing.T) {
	s := start(t, dbtest.SQLite(t, all...))
	sys := access.With(ctx, access.System("detect"))
	id := register(t, s, Datastream{ExternalID: "home", Asset: 8, Property: "gas/methane", Unit: "%LEL"})
	if _, err := s.Append(ctx, "gw", []Reading{rd(id, at(1), Number(7))}); err != nil {
		t.Fatal(err)
	}
	officer := access.With(ctx, access.Actor{Kind: access.KindAccount, ID: 1, Name: "duty", Roles: []string{access.DutyOfficer}})
	if _, err := s.History(officer, id, time.Time{}, time.Time{}, 10); err == nil {
		t.Error("an officer saw the curve")
	}
	if rs, err := s.History(sys, id, time.Time{}, time.Time{}, 10); err != nil || len(rs) != 1 {
		t.Errorf("the detectors can't judge: %v %v", rs, err)
	}
	ds, err := s.Datastreams(officer, 8)
	if err != nil || len(ds) != 1 {
		t.Fatal(ds, err)
	}
	if j := ds[0].JSON(); j.Latest == nil || j.Latest.Value != nil {
		t.Errorf("%+v", j.Latest)
	}
}
