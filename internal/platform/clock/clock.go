// Package clock is the only source of time in Anlan.
//
// A room never calls time.Now: it takes a Clock, so that a replay, a backtest and a test run the same code on a virtual
// one. Clocks are safe for concurrent use.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time and wakes sleepers.
type Clock interface {
	// Now is the present instant in UTC.
	Now() time.Time
	// After sends the then present instant once d has passed. d <= 0 sends at once.
	After(d time.Duration) <-chan time.Time
}

// System is the clock of the machine.
func System() Clock { return system{} }

type system struct{}

func (system) Now() time.Time                         { return time.Now().UTC() }
func (system) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Scaled is a clock that showed the right time at the instant anchor and has run factor times as fast as the machine's
// since: a city on it lives through a day in minutes, with its deadlines and timers. A program that starts again with the
// same anchor finds the clock as far on as if it had never stopped. It wakes sleepers no oftener than the machine can bear.
func Scaled(anchor time.Time, factor float64) Clock {
	if factor == 1 {
		return System()
	}
	return scaled{anchor, anchor, factor}
}

// Elsewhere is a clock that showed then at the instant anchor and has run factor times as fast as the machine's since: on it a drill
// lives through recorded days as if they were today.
func Elsewhere(anchor, then time.Time, factor float64) Clock { return scaled{anchor, then, factor} }

type scaled struct {
	anchor, then time.Time
	factor       float64
}

// shortestNap is the least that a sleeper on a scaled clock sleeps, in real time.
const shortestNap = 5 * time.Millisecond

func (s scaled) Now() time.Time {
	return s.then.Add(time.Duration(float64(time.Since(s.anchor)) * s.factor)).UTC()
}

func (s scaled) After(d time.Duration) <-chan time.Time {
	ch := make(chan time.Time, 1)
	if d <= 0 {
		ch <- s.Now()
		return ch
	}
	time.AfterFunc(max(shortestNap, time.Duration(float64(d)/s.factor)), func() { ch <- s.Now() })
	return ch
}

// Virtual is a clock that stands still until it is advanced.
type Virtual struct {
	mu sync.Mutex
	// guarded by mu
	now      time.Time
	sleepers []sleeper
	arrived  chan struct{} // closed and renewed when a sleeper arrives
}

type sleeper struct {
	at time.Time
	ch chan time.Time
}

// NewVirtual returns a clock that shows start.
func NewVirtual(start time.Time) *Virtual {
	return &Virtual{now: start.UTC(), arrived: make(chan struct{})}
}

// Now is the instant the clock was last moved to.
func (v *Virtual) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// After sends when Advance or Set has moved the clock by d.
func (v *Virtual) After(d time.Duration) <-chan time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	ch := make(chan time.Time, 1)
	if d <= 0 {
		ch <- v.now
		return ch
	}
	v.sleepers = append(v.sleepers, sleeper{v.now.Add(d), ch})
	close(v.arrived)
	v.arrived = make(chan struct{})
	return ch
}

// Advance moves the clock on by d and wakes everyone whose time has come.
func (v *Virtual) Advance(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.set(v.now.Add(d))
}

// Set moves the clock to t, which may lie in the past: a machine's clock can jump too.
func (v *Virtual) Set(t time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.set(t.UTC())
}

func (v *Virtual) set(t time.Time) {
	v.now = t
	rest := v.sleepers[:0]
	for _, s := range v.sleepers {
		if s.at.After(t) {
			rest = append(rest, s)
			continue
		}
		s.ch <- t
	}
	v.sleepers = rest
}

// AwaitSleepers returns when at least n calls of After are waiting. Tests use it instead of a sleep: a loop that has gone
// to sleep has done its work.
func (v *Virtual) AwaitSleepers(n int) {
	for {
		v.mu.Lock()
		if len(v.sleepers) >= n {
			v.mu.Unlock()
			return
		}
		arrived := v.arrived
		v.mu.Unlock()
		<-arrived
	}
}
