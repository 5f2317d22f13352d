package respond

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// settle fires all that is due.
func (w *world) settle() {
	w.t.Helper()
	for {
		pause, err := w.fire(context.Background())
		if err != nil {
			w.t.Fatal(err)
		}
		if pause > 0 {
			return
		}
	}
}

func (w *world) overdues(caseID int64) int {
	return w.count("select count(*) from case_timeline where case_id = $1 and kind = 'overdue'", caseID)
}

func TestTimerFiresOnceAndInTime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.alert("alert.raised", 1, 1, "red")
		w.clock.Advance(5*time.Minute - time.Microsecond)
		w.settle()
		if n := w.overdues(1); n != 0 {
			t.Fatalf("fired %d times before it was due", n)
		}
		w.clock.Advance(time.Microsecond)
		w.settle()
		w.settle()
		if n := w.overdues(1); n != 1 {
			t.Fatalf("fired %d times", n)
		}
		if n := w.count("select count(*) from outbox where subject = 'case.overdue'"); n != 1 {
			t.Errorf("%d events", n)
		}
		c := w.page(1)
		if e := c.Timeline[len(c.Timeline)-1]; !c.Overdue || e.Text.(lifecycle.Text).Zh != "环节“待接警”已超时" || e.Actor != "respond" {
			t.Errorf("overdue %v, entry %+v", c.Overdue, e)
		}

		// A move renews the appointment: the state's, and that of the task that it opens, which is due at the same moment.
		w.do(1, 1, "accept", nil)
		w.clock.Advance(30 * time.Minute)
		w.settle()
		if n := w.overdues(1); n != 3 {
			t.Errorf("%d entries, want one for the first state, one for the second and one for its task", n)
		}
		// What was left in time never fires.
		w.do(1, 1, "arrive", nil)
		w.do(1, 1, "report-safe", map[string]any{"cause": "joint", "action": "x"})
		w.clock.Advance(23 * time.Hour)
		w.settle()
		if n := w.overdues(1); n != 3 {
			t.Errorf("%d entries, want still 3", n)
		}
	})
}

// A timer that was read as due but renewed before its turn finds nothing to fire.
func TestRenewedTimerDoesNotFire(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	w.alert("alert.raised", 1, 1, "red")
	w.clock.Advance(10 * time.Minute)
	var due []timer
	if err := w.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		due, err = dueTimers(tx, w.clock.Now(), 10)
		return err
	}); err != nil || len(due) != 1 {
		t.Fatal(due, err)
	}
	w.do(1, 1, "accept", nil)
	for range 2 {
		if err := w.DB.Write(context.Background(), func(tx *db.Tx) error { return w.fireOne(tx, due[0]) }); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.overdues(1); n != 0 {
		t.Errorf("fired %d times for a state that the case has left", n)
	}
}

// A timer that cannot fire, here because its definition is damaged, holds up no other and is not lost.
func TestOneBrokenTimerHoldsUpNoOther(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	w.alert("alert.raised", 1, 1, "red")
	w.alert("alert.raised", 2, 2, "red")
	break1 := func(name string) {
		t.Helper()
		err := w.DB.Write(context.Background(), func(tx *db.Tx) error {
			_, err := tx.Exec("update case_timers set name = $1 where case_id = 1", name)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	break1("task:x")
	w.clock.Advance(time.Hour)
	if _, err := w.fire(context.Background()); err == nil {
		t.Error("the broken timer is not spoken of")
	}
	if w.overdues(1) != 0 || w.overdues(2) != 1 {
		t.Errorf("fired %d and %d times, want the sound one only", w.overdues(1), w.overdues(2))
	}
	break1(stateTimer)
	w.settle()
	if w.overdues(1) != 1 || w.overdues(2) != 1 {
		t.Errorf("fired %d and %d times after the repair", w.overdues(1), w.overdues(2))
	}
}

// The loop as it runs: it wakes for a new appointment, for the time, and after a jump of the clock either way.
func TestTimerLoop(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.runTimers(ctx) }()
	w.clock.AwaitSleepers(1)
	w.alert("alert.raised", 1, 1, "red")
	w.clock.Advance(time.Hour) // ahead
	w.awaitOverdue(1, 1)
	w.clock.Set(noon.Add(-time.Hour)) // back: what fired stays fired, and nothing waits for the old appointment
	w.do(1, 1, "accept", nil)
	w.clock.Advance(30 * time.Minute)
	w.awaitOverdue(1, 3) // the second state and its task
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := w.overdues(1); n != 3 {
		t.Errorf("%d entries, want 3", n)
	}
}

// awaitOverdue waits for the loop's commits until the entries are there.
func (w *world) awaitOverdue(caseID int64, want int) {
	w.t.Helper()
	patience := time.After(time.Minute)
	for w.overdues(caseID) < want {
		select {
		case <-w.DB.Signal("outbox"): // each firing puts an event there
		case <-patience:
			w.t.Fatalf("%d entries after a minute, want %d", w.overdues(caseID), want)
		}
	}
}

// errCutHere is how these tests end a transaction at a chosen place: to the store it is what a crash there would be.
var errCutHere = errors.New("cut here")

// The firing of a timer is cut at every statement in turn: before the commit nothing has happened, and the next run does
// all of it, once.
func TestTimerCutAtAnyPoint(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const n = 20
		for i := range int64(n) {
			w.alert("alert.raised", i+1, i+1, "red")
		}
		w.clock.Advance(time.Hour)
		ctx := access.With(context.Background(), access.System("respond"))
		for round := range n {
			// Some fire and are taken back as a whole, some fire for good, in one commit with those.
			var due []timer
			if err := w.DB.Read(ctx, func(tx *db.Tx) (err error) {
				due, err = dueTimers(tx, w.clock.Now(), round%3+1)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			for i, timer := range due {
				err := w.DB.Write(ctx, func(tx *db.Tx) error {
					if err := w.fireOne(tx, timer); err != nil {
						return err
					}
					if i%2 == 0 {
						return errCutHere
					}
					return nil
				})
				if err != nil && !errors.Is(err, errCutHere) {
					t.Fatal(err)
				}
			}
			// And a process that is told to stop in the middle of a round.
			stopped, stop := context.WithCancel(ctx)
			stop()
			if _, err := w.fire(stopped); err == nil && round == 0 {
				t.Error("a stopped process went on")
			}
		}
		again := newWorld(t, w.DB)
		again.clock.Set(w.clock.Now())
		again.settle()
		for i := range int64(n) {
			if got := again.overdues(i + 1); got != 1 {
				t.Errorf("case %d: fired %d times", i+1, got)
			}
		}
		if got := again.count("select count(*) from outbox where subject = 'case.overdue'"); got != n {
			t.Errorf("%d events, want %d", got, n)
		}
	})
}

// Two processes on one database look at the same rows: each timer fires in one of them.
func TestTwoLoopsFireEachOnce(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		a, b := newWorld(t, d), newWorld(t, d)
		const n = 150 // more than one batch
		for i := range int64(n) {
			a.alert("alert.raised", i+1, i+1, "red")
		}
		a.clock.Advance(time.Hour)
		b.clock.Advance(time.Hour)
		done := make(chan struct{})
		go func() { defer close(done); b.settle() }()
		a.settle()
		<-done
		if got := a.count("select count(*) from case_timeline where kind = 'overdue'"); got != n {
			t.Errorf("%d entries, want %d", got, n)
		}
	})
}

// deaf hands out the events it holds and then waits for the end.
type deaf struct{ events []bus.Message }

func (d deaf) Consume(ctx context.Context, _ string, _ []string, fn func(context.Context, bus.Message) error) error {
	for _, m := range d.events {
		if err := fn(ctx, m); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

// What runs in the background does its work as the program, not as whoever started it, and ends when it is told to.
func TestRun(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, rooms()...))
	w.News = deaf{[]bus.Message{{ID: 1, Subject: "alert.raised", Data: []byte(`{"alert":1,"level":"red","asset":7,"opens":{"case":"gas-leak","from":"orange"}}`)}}}
	ctx, cancel := context.WithCancel(as(officer(5)))
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	patience := time.After(time.Minute)
	for w.count("select count(*) from cases") == 0 {
		select {
		case <-w.DB.Signal("outbox"):
		case <-patience:
			t.Fatal("no case after a minute")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if e := w.page(1).Timeline[0]; e.Actor != "respond" {
		t.Errorf("the case was opened by %q", e.Actor)
	}
}
