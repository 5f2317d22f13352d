package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

func TestVirtualWakesSleepersWhoseTimeHasCome(t *testing.T) {
	start := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	v := clock.NewVirtual(start)
	early, late := v.After(time.Minute), v.After(time.Hour)
	v.Advance(2 * time.Minute)
	if got := <-early; !got.Equal(start.Add(2 * time.Minute)) {
		t.Fatalf("woke at %v", got)
	}
	select {
	case got := <-late:
		t.Fatalf("the hour is not over, yet it woke at %v", got)
	default:
	}
	v.Set(start.Add(-time.Hour)) // a jump back wakes nobody
	select {
	case <-late:
		t.Fatal("a jump back woke a sleeper")
	default:
	}
	v.Set(start.Add(time.Hour))
	<-late
}

func TestAwaitSleepers(t *testing.T) {
	v := clock.NewVirtual(time.Unix(0, 0))
	woke := make(chan struct{})
	go func() {
		<-v.After(time.Second)
		close(woke)
	}()
	v.AwaitSleepers(1)
	v.Advance(time.Second)
	<-woke
}

func TestPacedRunsFaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		then := time.Date(2022, 10, 20, 14, 0, 0, 0, time.UTC)
		c := clock.NewPaced(clock.Pace{At: time.Now(), Then: then, Speed: 60})
		began := time.Now()
		if woke := <-c.After(time.Hour); woke.Sub(then) != time.Hour {
			t.Errorf("an hour took %s of the clock", woke.Sub(then))
		}
		if real := time.Since(began); real != time.Minute {
			t.Errorf("an hour took %s of the machine", real)
		}
	})
}

// A sleeper wakes when the clock shows its time, however often the pace was changed meanwhile; a clock that stands still wakes nobody.
func TestPacedChangesItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		then := time.Date(2022, 10, 20, 14, 0, 0, 0, time.UTC)
		c := clock.NewPaced(clock.Pace{At: time.Now(), Then: then, Speed: 60})
		woke := c.After(time.Hour)
		<-time.After(30 * time.Second) // half of it
		if p := c.SetSpeed(0, time.Time{}); !p.Then.Equal(then.Add(30 * time.Minute)) {
			t.Errorf("it stands at %s", p.Then)
		}
		<-time.After(24 * time.Hour)
		synctest.Wait()
		select {
		case at := <-woke:
			t.Fatalf("a clock that stands still woke a sleeper at %s", at)
		default:
		}
		if now := c.Now(); !now.Equal(then.Add(30 * time.Minute)) {
			t.Errorf("it stands at %s", now)
		}
		slept := c.After(time.Minute) // laid down while it stands
		c.SetSpeed(1, time.Time{})
		began := time.Now()
		<-slept
		if real := time.Since(began); real != time.Minute {
			t.Errorf("a minute at the pace of life took %s", real)
		}
		c.SetSpeed(600, time.Time{})
		began = time.Now()
		if at := <-woke; !at.Equal(then.Add(time.Hour)) {
			t.Errorf("woke at %s", at)
		}
		if real := time.Since(began); real != 29*time.Minute/600 {
			t.Errorf("the rest took %s", real)
		}
		if got := c.Speed(); got != 600 {
			t.Errorf("%g times as fast", got)
		}
		c.SetSpeed(3, time.Time{}) // nobody sleeps
		if at := <-c.After(-time.Second); !at.Equal(c.Now()) {
			t.Errorf("woke at %s", at)
		}
	})
}

// A leader lets the dull hours pass: the clock runs fast until a time, and at the pace of life from there.
func TestPacedUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		then := time.Date(2022, 10, 20, 14, 0, 0, 0, time.UTC)
		c := clock.NewPaced(clock.Pace{At: time.Now(), Then: then, Speed: 1})
		half, later := c.After(30*time.Minute), c.After(time.Hour+time.Minute)
		c.SetSpeed(60, then.Add(time.Hour))
		began := time.Now()
		for _, want := range []struct {
			ch   <-chan time.Time
			real time.Duration
		}{{half, 30 * time.Second}, {later, 2 * time.Minute}} {
			if <-want.ch; time.Since(began) != want.real {
				t.Errorf("woke after %s, want %s", time.Since(began), want.real)
			}
		}
		if got := c.Now(); !got.Equal(then.Add(time.Hour + time.Minute)) {
			t.Errorf("it is %s", got)
		}
		if c.Speed() != 1 {
			t.Errorf("%g times as fast", c.Speed())
		}
	})
}
