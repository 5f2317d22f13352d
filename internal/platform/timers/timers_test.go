package timers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

var noon = time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)

// diary is a loop whose timers write their names into a list.
type diary struct {
	*Loop
	t     *testing.T
	clock *clock.Virtual
	fired []string
	fails func(t Timer) bool
}

func newDiary(t *testing.T, d *db.DB) *diary {
	y := &diary{t: t, clock: clock.NewVirtual(noon), fails: func(Timer) bool { return false }}
	y.Loop = New(d, y.clock, map[string]Fire{"case": func(tx *db.Tx, t Timer, now time.Time) error {
		if y.fails(t) {
			return errors.New("no")
		}
		if now.Before(t.DueAt) {
			return fmt.Errorf("fired %s early", t.DueAt.Sub(now))
		}
		tx.AfterCommit(func() { y.fired = append(y.fired, fmt.Sprintf("%d/%s/%d", t.ID, t.Name, t.Generation)) })
		return nil
	}})
	return y
}

func (y *diary) write(fn func(tx *db.Tx) error) {
	y.t.Helper()
	if err := y.db.Write(context.Background(), fn); err != nil {
		y.t.Fatal(err)
	}
}

func (y *diary) set(id int64, name string, generation int64, in time.Duration) {
	y.t.Helper()
	y.write(func(tx *db.Tx) error { return Set(tx, Timer{"case", id, name, generation, y.clock.Now().Add(in)}) })
}

// settle fires all that is due and returns the first error.
func (y *diary) settle() (failed error) {
	for range 1000 {
		pause, err := y.Fire(context.Background())
		failed = errors.Join(failed, err)
		if pause > 0 {
			return failed
		}
	}
	y.t.Fatal("the loop never comes to rest")
	return nil
}

func (y *diary) want(names ...string) {
	y.t.Helper()
	if !slices.Equal(y.fired, names) {
		y.t.Errorf("fired %v, want %v", y.fired, names)
	}
	y.fired = nil
}

func TestTimers(t *testing.T) {
	dbtest.Each(t, []db.Migrations{Migrations()}, func(t *testing.T, d *db.DB) {
		y := newDiary(t, d)
		y.set(1, "a", 1, time.Minute)
		y.set(2, "a", 1, 30*time.Second)
		y.set(2, "b", 1, 30*time.Second)
		y.set(3, "a", 1, time.Hour)
		y.clock.Advance(30*time.Second - time.Microsecond)
		y.settle()
		y.want()
		y.clock.Advance(time.Hour) // a jump ahead: all that is due, the oldest first
		y.settle()
		y.settle()
		y.want("2/a/1", "2/b/1", "1/a/1", "3/a/1")

		y.set(1, "a", 1, time.Minute)
		y.set(1, "a", 2, 2*time.Minute) // takes its place
		y.set(2, "a", 1, time.Minute)
		y.set(2, "b", 1, time.Minute)
		y.set(3, "a", 1, time.Minute)
		y.set(3, "b", 1, time.Minute)
		y.write(func(tx *db.Tx) error { return errors.Join(Drop(tx, "case", 2, "a"), DropAll(tx, "case", 3)) })
		y.clock.Advance(time.Minute)
		y.settle()
		y.want("2/b/1")
		y.clock.Advance(time.Minute)
		y.settle()
		y.want("1/a/2")
	})
}

// A timer that was read as due and renewed before its turn finds nothing to fire.
func TestRenewedBeforeItsTurn(t *testing.T) {
	y := newDiary(t, dbtest.SQLite(t, Migrations()))
	y.set(1, "a", 1, time.Minute)
	old := Timer{"case", 1, "a", 1, noon.Add(time.Minute)}
	y.set(1, "a", 2, time.Minute)
	y.clock.Advance(time.Minute)
	y.write(func(tx *db.Tx) error { return y.fireOne(tx, old) })
	y.want()
	y.settle()
	y.want("1/a/2")
}

// The loop as it runs: it wakes for a new appointment, for the time, and after a jump of the clock either way.
func TestLoop(t *testing.T) {
	y := newDiary(t, dbtest.SQLite(t, Migrations()))
	fired := make(chan string, 10)
	y.owners["case"] = func(tx *db.Tx, t Timer, _ time.Time) error {
		tx.AfterCommit(func() { fired <- t.Name })
		return nil
	}
	await := func(want string) {
		t.Helper()
		select {
		case got := <-fired:
			if got != want {
				t.Errorf("%s fired, want %s", got, want)
			}
		case <-time.After(time.Minute):
			t.Fatal("nothing fired in a minute")
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- y.Run(ctx) }()
	y.clock.AwaitSleepers(1)
	y.set(1, "soon", 1, 0)
	await("soon")
	y.set(1, "later", 1, 5*time.Minute)
	y.clock.Advance(time.Hour) // ahead
	await("later")
	y.clock.Set(noon.Add(-time.Hour)) // back
	y.set(1, "anew", 1, 30*time.Minute)
	y.clock.Advance(30 * time.Minute)
	await("anew")
	cancel()
	if err := <-done; err != nil || len(fired) != 0 {
		t.Error(err, len(fired))
	}
}

// Rooms hear that the clock went back, and once at the start; one that fails hears of it again.
func TestOnBack(t *testing.T) {
	y := newDiary(t, dbtest.SQLite(t, Migrations()))
	heard, fails := 0, true
	y.OnBack(func(tx *db.Tx, now time.Time) error {
		if fails {
			return errors.New("no")
		}
		heard++
		return Set(tx, Timer{"case", 1, "a", 1, now.Add(time.Minute)})
	})
	y.set(2, "b", 1, 0)
	if err := y.settle(); err == nil {
		t.Error("a room that fails is not spoken of")
	}
	y.want("2/b/1")
	fails = false
	for _, step := range []struct {
		by    time.Duration
		heard int
		fired []string
	}{{0, 1, nil}, {time.Minute, 1, []string{"1/a/1"}}, {0, 1, nil}, {-time.Microsecond, 2, nil}, {time.Hour, 2, []string{"1/a/1"}}, {-30 * time.Minute, 3, nil}} {
		y.clock.Set(y.clock.Now().Add(step.by))
		if err := y.settle(); err != nil {
			t.Fatal(err)
		}
		if y.want(step.fired...); heard != step.heard {
			t.Errorf("after %s heard %d times, want %d", step.by, heard, step.heard)
		}
	}
}

var errCutHere = errors.New("cut here")

// A firing that is cut before its commit has not happened, and the next run does all of it, once.
// A clock that is put back while due timers wait for the writer makes none of them fire before its time.
func TestPutBackBeforeItsTurn(t *testing.T) {
	dbtest.Each(t, []db.Migrations{Migrations()}, func(t *testing.T, d *db.DB) {
		y := newDiary(t, d)
		y.set(1, "first", 1, time.Minute)
		y.set(2, "second", 1, 2*time.Minute)
		y.clock.Advance(time.Hour)
		y.fails = func(t Timer) bool {
			if t.Name == "first" {
				y.clock.Set(noon.Add(90 * time.Second)) // after the first is due, before the second
			}
			return false
		}
		if err := y.settle(); err != nil {
			t.Error(err)
		}
		y.want("1/first/1")
		y.clock.Advance(30 * time.Second)
		if err := y.settle(); err != nil {
			t.Error(err)
		}
		y.want("2/second/1")
	})
}

func TestCutBeforeTheCommit(t *testing.T) {
	dbtest.Each(t, []db.Migrations{Migrations()}, func(t *testing.T, d *db.DB) {
		y := newDiary(t, d)
		var want []string
		for i := range int64(20) {
			y.set(i, "a", 1, time.Minute)
			want = append(want, fmt.Sprintf("%d/a/1", i))
		}
		y.clock.Advance(time.Hour)
		for i := range int64(20) {
			err := d.Write(context.Background(), func(tx *db.Tx) error {
				if err := y.fireOne(tx, Timer{"case", i, "a", 1, noon.Add(time.Minute)}); err != nil || i%2 == 0 {
					return err
				}
				return errCutHere
			})
			if err != nil && !errors.Is(err, errCutHere) {
				t.Fatal(err)
			}
		}
		stopped, stop := context.WithCancel(context.Background())
		stop()
		y.Fire(stopped)
		again := newDiary(t, d)
		again.clock.Set(y.clock.Now())
		again.settle()
		all := append(y.fired, again.fired...)
		slices.Sort(all)
		slices.Sort(want)
		if !slices.Equal(all, want) {
			t.Errorf("fired %v", all)
		}
	})
}

// Two processes on one database look at the same rows: each timer fires in one of them.
func TestTwoLoopsFireEachOnce(t *testing.T) {
	dbtest.Each(t, []db.Migrations{Migrations()}, func(t *testing.T, d *db.DB) {
		a, b := newDiary(t, d), newDiary(t, d)
		const n = batch + batch/2
		for i := range int64(n) {
			a.set(i, "a", 1, 0)
		}
		done := make(chan struct{})
		go func() { defer close(done); b.settle() }()
		a.settle()
		<-done
		all := append(a.fired, b.fired...)
		slices.Sort(all)
		if len(all) != n || len(slices.Compact(all)) != n {
			t.Errorf("%d fired, want %d, each once", len(all), n)
		}
	})
}

// However many timers cannot fire, they hold up no other, are spoken of, and fire once they can.
func TestBrokenTimersHoldUpNoOther(t *testing.T) {
	y := newDiary(t, dbtest.SQLite(t, Migrations()))
	const broken = 3*batch + 7
	y.write(func(tx *db.Tx) error {
		for i := range int64(broken) {
			if err := Set(tx, Timer{"case", i, "broken", 1, noon}); err != nil {
				return err
			}
		}
		return errors.Join(Set(tx, Timer{"case", 1000, "sound", 1, noon.Add(time.Second)}), Set(tx, Timer{"strange", 1, "a", 1, noon}))
	})
	y.fails = func(t Timer) bool { return t.Name == "broken" }
	y.clock.Advance(time.Second)
	if err := y.settle(); err == nil {
		t.Error("the broken timers are not spoken of")
	}
	y.want("1000/sound/1")
	y.fails = func(Timer) bool { return false }
	y.clock.Advance(lookEvery)
	y.settle()
	if len(y.fired) != broken {
		t.Errorf("%d fired, want %d", len(y.fired), broken)
	}
	y.fired = nil
	y.clock.Advance(lookEvery)
	if err := y.settle(); err == nil {
		t.Error("the timer that nobody fires is not spoken of")
	}
}

// Whatever is set, renewed and dropped, with the clock jumping either way and a loop that starts anew, against a notebook.
func TestAgainstNotebook(t *testing.T) {
	d := dbtest.SQLite(t, Migrations())
	rapid.Check(t, func(rt *rapid.T) {
		y := newDiary(t, d)
		y.write(func(tx *db.Tx) error { _, err := tx.Exec("delete from timers"); return err })
		type key struct {
			id   int64
			name string
		}
		book := map[key]Timer{}
		generation := int64(0)
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			k := key{rapid.Int64Range(1, 3).Draw(rt, "id"), rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "name")}
			switch rapid.IntRange(0, 5).Draw(rt, "what") {
			case 0, 1:
				generation++
				in := time.Duration(rapid.IntRange(-10, 7200).Draw(rt, "in")) * time.Second
				y.set(k.id, k.name, generation, in)
				book[k] = Timer{"case", k.id, k.name, generation, y.clock.Now().Add(in)}
			case 2:
				y.write(func(tx *db.Tx) error { return Drop(tx, "case", k.id, k.name) })
				delete(book, k)
			case 3:
				fresh := newDiary(t, d)
				fresh.clock.Set(y.clock.Now())
				y = fresh
			case 4:
				y.clock.Set(y.clock.Now().Add(time.Duration(rapid.SampledFrom([]int{-3600, 3600}).Draw(rt, "jump")) * time.Second))
			case 5:
				y.clock.Advance(time.Duration(rapid.IntRange(0, 4000).Draw(rt, "wait")) * time.Second)
			}
			if err := y.settle(); err != nil {
				rt.Fatal(err)
			}
			var want []string
			for k, t := range book {
				if !t.DueAt.After(y.clock.Now()) {
					want = append(want, fmt.Sprintf("%d/%s/%d", t.ID, t.Name, t.Generation))
					delete(book, k)
				}
			}
			slices.Sort(want)
			slices.Sort(y.fired)
			if !slices.Equal(want, y.fired) {
				rt.Fatalf("fired %v, want %v", y.fired, want)
			}
			y.fired = nil
		}
	})
}
