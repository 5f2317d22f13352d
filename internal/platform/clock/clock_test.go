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

func TestScaledRunsFaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.Scaled(time.Now(), 60)
		start := c.Now()
		if woke := <-c.After(time.Hour); woke.Sub(start) != time.Hour {
			t.Errorf("an hour took %s of the city", woke.Sub(start))
		}
		if real := time.Since(start); real != time.Minute {
			t.Errorf("an hour took %s of the machine", real)
		}
	})
}
