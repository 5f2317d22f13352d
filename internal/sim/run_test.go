package sim

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

// notebook is a sink that writes everything down.
type notebook struct {
	mu       sync.Mutex
	readings []Reading
	reports  []Report
	largest  int
	fail     error
	gate     chan struct{} // if set, each batch waits for it
	entered  chan struct{}
}

func (n *notebook) Readings(ctx context.Context, rs []Reading) error {
	if n.gate != nil {
		n.entered <- struct{}{}
		select {
		case <-n.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.readings = append(n.readings, rs...)
	n.largest = max(n.largest, len(rs))
	return n.fail
}

func (n *notebook) Report(_ context.Context, r Report) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reports = append(n.reports, r)
	return nil
}

func (n *notebook) counts() (readings, reports int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.readings), len(n.reports)
}

// start runs in the background and returns a function that stops it and gives its error.
func start(c clock.Clock, s *Scenario, o Options, sink Sink) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, c, s, o, sink) }()
	return func() error { cancel(); return <-done }
}

func TestRunSendsHistoryAndThenKeepsPace(t *testing.T) {
	s := scenario(1)
	c := clock.NewVirtual(s.Start)
	n := &notebook{}
	stop := start(c, s, Options{History: time.Hour, Batch: 700}, n)
	c.AwaitSleepers(1)
	want := slices.Collect(s.Readings(s.Start.Add(-time.Hour), s.Start))
	if !slices.Equal(n.readings, want) {
		t.Fatalf("%d readings of history, want %d", len(n.readings), len(want))
	}
	if n.largest > 700 {
		t.Errorf("a batch of %d", n.largest)
	}
	for range 240 { // a minute of the clock, tick by tick
		c.Advance(tick)
		c.AwaitSleepers(1)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	want = slices.Collect(s.Readings(s.Start.Add(-time.Hour), s.Start.Add(time.Minute)))
	if !slices.Equal(n.readings, want) {
		t.Errorf("%d readings after a minute, want %d", len(n.readings), len(want))
	}
	if want := slices.Collect(s.Reports(s.Start.Add(-time.Hour), s.Start.Add(time.Minute))); !slices.Equal(n.reports, want) {
		t.Errorf("%d reports, want %d", len(n.reports), len(want))
	}
}

func TestRunAtTenThousandTimes(t *testing.T) {
	s := scenario(1)
	c := clock.NewVirtual(s.Start)
	n := &notebook{}
	var reached time.Time
	stop := start(c, s, Options{Progress: func(at time.Time) { reached = at }}, n)
	c.AwaitSleepers(1)
	for range 4 { // one second of a clock that runs ten thousand times as fast
		c.Advance(10000 * tick)
		c.AwaitSleepers(1)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if want := s.Start.Add(10000 * time.Second); !reached.Equal(want) {
		t.Errorf("reached %s, want %s", reached, want)
	}
	want := 0
	for range s.Readings(s.Start, s.Start.Add(10000*time.Second)) {
		want++
	}
	if len(n.readings) != want {
		t.Errorf("%d readings, want %d", len(n.readings), want)
	}
}

// A run that was interrupted goes on where it was, and sends nothing twice.
func TestRunGoesOn(t *testing.T) {
	s := scenario(1)
	c := clock.NewVirtual(s.Start.Add(time.Minute))
	n := &notebook{}
	from := s.Start.Add(-10 * time.Minute)
	stop := start(c, s, Options{History: time.Hour, From: from}, n)
	c.AwaitSleepers(1)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if want := slices.Collect(s.Readings(from, s.Start.Add(time.Minute))); !slices.Equal(n.readings, want) {
		t.Errorf("%d readings, want %d", len(n.readings), len(want))
	}
}

// A sink that blocks holds the simulation back. When it goes on, everything comes, with the times at which it happened.
func TestRunWaitsForTheSink(t *testing.T) {
	s := scenario(1)
	c := clock.NewVirtual(s.Start)
	n := &notebook{gate: make(chan struct{}), entered: make(chan struct{})}
	stop := start(c, s, Options{}, n)
	c.AwaitSleepers(1)
	c.Advance(2 * time.Second)
	<-n.entered
	c.Advance(3 * time.Minute) // the sink sleeps
	if got, _ := n.counts(); got != 0 {
		t.Fatalf("%d readings while the sink was blocked", got)
	}
	go func() {
		for range n.entered {
		}
	}()
	close(n.gate)
	c.AwaitSleepers(1)
	if err := stop(); err != nil {
		t.Error(err)
	}
	close(n.entered)
	want := slices.Collect(s.Readings(s.Start, s.Start.Add(3*time.Minute+2*time.Second)))
	if !slices.Equal(n.readings, want) {
		t.Errorf("%d readings, want %d", len(n.readings), len(want))
	}
}

func TestRunEnds(t *testing.T) {
	s := scenario(1)
	c := clock.NewVirtual(s.Start)
	full := errors.New("disk full")
	err := Run(context.Background(), c, s, Options{History: time.Minute}, &notebook{fail: full})
	if !errors.Is(err, full) {
		t.Errorf("a failing sink ends the run with %v", err)
	}
	// A cancelled run stops within a batch, even in the middle of a long history, and that is no error.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n := &notebook{}
	if err := Run(ctx, c, s, Options{History: 365 * 24 * time.Hour}, n); err != nil || len(n.readings) > 0 {
		t.Errorf("cancelled: %v after %d readings", err, len(n.readings))
	}
	// Also while the sink is busy.
	n = &notebook{gate: make(chan struct{}), entered: make(chan struct{}, 1)}
	stop := start(c, s, Options{History: time.Minute}, n)
	<-n.entered
	if err := stop(); err != nil {
		t.Errorf("stopped while the sink was busy: %v", err)
	}
}

// The demo calls Repair while the city runs: what is sent afterwards falls.
func TestRepairWhileRunning(t *testing.T) {
	s := scenario(1)
	c := clock.NewVirtual(s.Start)
	n := &notebook{}
	stop := start(c, s, Options{}, n)
	c.AwaitSleepers(1)
	c.Advance(3 * time.Minute)
	c.AwaitSleepers(1)
	repaired := s.Start.Add(3 * time.Minute)
	if err := s.Repair(LeakID, repaired); err != nil {
		t.Fatal(err)
	}
	end := s.incidentByID(t, LeakID).End
	c.Advance(40 * time.Minute)
	c.AwaitSleepers(1)
	if err := stop(); err != nil {
		t.Error(err)
	}
	peak, after := 0.0, 0.0
	for _, r := range n.readings {
		if s.World.Datastreams[r.Datastream].Property != "gas/methane" {
			continue
		}
		if r.At.Before(repaired) {
			peak = max(peak, r.Value)
		}
		if !r.At.Before(end) {
			after = max(after, r.Value)
		}
	}
	if peak < 20 || after >= 3 {
		t.Errorf("methane was at %.1f %%LEL before the repair and is at %.1f after the gas has gone", peak, after)
	}
}

func TestBatchBelongsToTheSinkOnlyDuringTheCall(t *testing.T) {
	s := scenario(1)
	c := clock.NewVirtual(s.Start)
	first := make(chan *Reading, 100)
	stop := start(c, s, Options{History: 5 * time.Minute, Batch: 1000}, sinkFunc(func(rs []Reading) { first <- &rs[0] }))
	c.AwaitSleepers(1)
	if err := stop(); err != nil {
		t.Error(err)
	}
	// One buffer serves all batches: the doc comment warns, this makes sure that the warning is meant.
	one, two := <-first, <-first
	if one != two {
		t.Error("each batch has a buffer of its own: the garbage collector pays for it")
	}
}

type sinkFunc func([]Reading)

func (f sinkFunc) Readings(_ context.Context, rs []Reading) error { f(rs); return nil }
func (sinkFunc) Report(context.Context, Report) error             { return nil }
