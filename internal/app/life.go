package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// stopTimeout bounds how long one step of the shutdown may take.
const stopTimeout = 10 * time.Second

// life is a stack of what has been started, to be stopped in the opposite order.
type life struct {
	mu     sync.Mutex
	steps  []step // guarded by mu
	failed chan error
}

type step struct {
	name string
	stop func(ctx context.Context) error
}

func newLife() *life { return &life{failed: make(chan error, 1)} }

// onStop has stop called when everything started later has been stopped.
func (l *life) onStop(name string, stop func(ctx context.Context) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.steps = append(l.steps, step{name, stop})
}

// background runs fn until the stop. If fn ends by itself the whole product has failed: a room that has quietly died is
// worse than one that is restarted.
func (l *life) background(name string, fn func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := fn(ctx)
		if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
			return
		}
		if err == nil {
			err = errors.New("ended by itself")
		}
		select {
		case l.failed <- fmt.Errorf("%s: %w", name, err):
		default: // the first failure is the one that counts
			slog.Error("background work failed", "name", name, "err", err)
		}
	}()
	l.onStop(name, func(stopCtx context.Context) error {
		cancel()
		select {
		case <-done:
			return nil
		case <-stopCtx.Done():
			return errors.New("did not end in time")
		}
	})
}

// stop takes everything down, last started first. Each step has its own time; a failure is told and the rest goes on.
func (l *life) stop() error {
	l.mu.Lock()
	steps := l.steps
	l.steps = nil
	l.mu.Unlock()
	var errs []error
	for i := len(steps) - 1; i >= 0; i-- {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		if err := steps[i].stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", steps[i].name, err))
		}
		cancel()
	}
	return errors.Join(errs...)
}
