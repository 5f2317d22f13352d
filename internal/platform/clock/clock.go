// Package clock is the only source of time in Anlan.
//
// A room never calls time.Now: it takes a Clock, so that a replay, a backtest and a test run the same code on a virtual
// one. Clocks are safe for concurrent use.
package clock

import (
	"math"
	"sync"
	"sync/atomic"
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

// Paced is a clock of its own time: it can show another day, run faster than life, and stand still. A demo and a drill live by one. It
// wakes sleepers no oftener than the machine can bear.
type Paced struct {
	pace atomic.Pointer[Pace]

	mu sync.Mutex // guards the sleepers, and each change of pace
	// asleep are those whom a change of pace concerns.
	asleep map[*nap]struct{}
}

// Pace says how a clock runs: it showed Then when the machine's clock showed At, and has run Speed times as fast since. From Until on it
// runs as fast as life.
type Pace struct {
	At    time.Time `json:"at"`
	Then  time.Time `json:"then"`
	Speed float64   `json:"speed"`          // 0: it stands still
	Until time.Time `json:"until,omitzero"` // zero: for good
}

// now is what the clock shows.
func (p *Pace) now() time.Time {
	real := time.Since(p.At)
	if turn := p.real(p.Until); !p.Until.IsZero() && real > turn {
		return p.Until.Add(real - turn).UTC()
	}
	return p.Then.Add(time.Duration(float64(real) * p.Speed)).UTC()
}

// real is how long after At, by the machine, the clock shows t.
func (p *Pace) real(t time.Time) time.Duration {
	fast, slow := t, time.Duration(0)
	if !p.Until.IsZero() && t.After(p.Until) {
		fast, slow = p.Until, t.Sub(p.Until)
	}
	if p.Speed == 0 && fast.After(p.Then) {
		return math.MaxInt64
	}
	return time.Duration(float64(max(0, fast.Sub(p.Then)))/max(p.Speed, math.SmallestNonzeroFloat64)) + slow
}

type nap struct {
	at    time.Time
	ch    chan time.Time
	timer *time.Timer
}

// shortestNap is the least that a sleeper on a paced clock sleeps, in real time.
const shortestNap = 5 * time.Millisecond

// NewPaced returns a clock that has run at a pace. A program that starts again with the same one finds the clock as far on as if it had
// never stopped.
func NewPaced(p Pace) *Paced {
	c := &Paced{asleep: map[*nap]struct{}{}}
	c.pace.Store(&p)
	return c
}

// Now is what the clock shows.
func (c *Paced) Now() time.Time { return c.pace.Load().now() }

// After sends once the clock has moved on by d, whatever its pace becomes meanwhile.
func (c *Paced) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := &nap{at: c.Now().Add(d), ch: make(chan time.Time, 1)}
	if d <= 0 {
		n.ch <- c.Now()
		return n.ch
	}
	c.asleep[n] = struct{}{}
	c.lay(n)
	return n.ch
}

// SetSpeed has the clock run on from what it shows, speed times as fast as the machine's; 0 stops it. From the time until on, where that
// is not zero, it runs as fast as life. It returns the new pace.
func (c *Paced) SetSpeed(speed float64, until time.Time) Pace {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := Pace{At: time.Now(), Speed: speed, Until: until.UTC()}
	p.Then = c.Now()
	c.pace.Store(&p)
	for n := range c.asleep {
		c.lay(n)
	}
	return p
}

// Speed is how many seconds of the clock pass in one now.
func (c *Paced) Speed() float64 {
	p := c.pace.Load()
	if !p.Until.IsZero() && !p.now().Before(p.Until) {
		return 1
	}
	return p.Speed
}

// lay sets when a sleeper is woken at the present pace. mu is held.
func (c *Paced) lay(n *nap) {
	if n.timer != nil {
		n.timer.Stop()
		n.timer = nil
	}
	p := c.pace.Load()
	if at := p.real(n.at); at < math.MaxInt64 {
		n.timer = time.AfterFunc(max(shortestNap, at-time.Since(p.At)), func() { c.wake(n) })
	}
}

// wake wakes a sleeper whose time has come. Its timer may have run out while the pace was being changed: then it sleeps on.
func (c *Paced) wake(n *nap) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.asleep[n]; !ok {
		return
	}
	now := c.Now()
	if now.Before(n.at) {
		c.lay(n)
		return
	}
	delete(c.asleep, n)
	n.ch <- now
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
