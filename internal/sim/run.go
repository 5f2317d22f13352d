package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

// Sink takes what the city's instruments and residents send. Run calls it from one goroutine, one call at a time; a call
// that takes long holds the simulation back, which is the backpressure. Nothing is dropped and nothing is sent twice. The
// slice belongs to the sink only until it returns. An error ends the run.
type Sink interface {
	Readings(ctx context.Context, rs []Reading) error
	Report(ctx context.Context, r Report) error
}

// Options of a run.
type Options struct {
	// History is how much of the time before the scenario's start is sent first, as fast as the sink takes it.
	History time.Duration
	// From, if later than that, is where a run goes on that was interrupted.
	From time.Time
	// Batch is the most readings in one call of the sink. 0 means DefaultBatch.
	Batch int
	// Progress, if set, is told after each stretch how far the run has come in the city's time.
	Progress func(cityTime time.Time)
}

const (
	DefaultBatch = 5000
	// tick is how often a run that keeps up sends what has become due, in time of the clock.
	tick = 250 * time.Millisecond
	// stretch is the city's time that is generated in one go while a run is behind.
	stretch = 10 * time.Minute
)

// Run sends the scenario to a sink until ctx ends, and then returns nil; any other end is an error. The city's time is the
// clock's and not that of what has been sent, so a sink that was slow, or a history that took long, is caught up with and
// event times stay what they are. A city that lives faster has a clock that runs faster: see clock.Scaled.
func Run(ctx context.Context, c clock.Clock, s *Scenario, o Options, sink Sink) error {
	if o.Batch <= 0 {
		o.Batch = DefaultBatch
	}
	sent := s.Start.Add(-o.History)
	if o.From.After(sent) {
		sent = o.From
	}
	f := feed{scenario: s, options: o, sink: sink, batch: make([]Reading, 0, o.Batch)}
	for {
		due := c.Now().Truncate(time.Second)
		if !sent.Before(due) {
			select {
			case <-ctx.Done():
				return nil
			case <-c.After(tick):
			}
			continue
		}
		until := sent.Add(stretch)
		if until.After(due) {
			until = due
		}
		if err := f.send(ctx, sent, until); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("run city at %s: %w", sent.Format(time.RFC3339), err)
		}
		sent = until
		if o.Progress != nil {
			o.Progress(sent)
		}
	}
}

// feed sends stretches of the city's time.
type feed struct {
	scenario *Scenario
	options  Options
	sink     Sink
	batch    []Reading
}

// send hands over all of [from, to): the readings in batches, each report after the readings before it.
func (f *feed) send(ctx context.Context, from, to time.Time) error {
	reports := slices.Collect(f.scenario.Reports(from, to))
	for r := range f.scenario.Readings(from, to) {
		for len(reports) > 0 && !reports[0].At.After(r.At) {
			if err := f.flush(ctx); err != nil {
				return err
			}
			if err := f.sink.Report(ctx, reports[0]); err != nil {
				return err
			}
			reports = reports[1:]
		}
		f.batch = append(f.batch, r)
		if len(f.batch) == f.options.Batch {
			if err := f.flush(ctx); err != nil {
				return err
			}
		}
	}
	if err := f.flush(ctx); err != nil {
		return err
	}
	for _, r := range reports {
		if err := f.sink.Report(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// flush gives the batch to the sink, and is where a cancelled run stops.
func (f *feed) flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(f.batch) == 0 {
		return nil
	}
	err := f.sink.Readings(ctx, f.batch)
	f.batch = f.batch[:0]
	return err
}
