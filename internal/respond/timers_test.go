package respond

import (
	"context"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// settle fires all that is due.
func (w *world) settle() {
	w.t.Helper()
	for {
		pause, err := w.loop.Fire(context.Background())
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
