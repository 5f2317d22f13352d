package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
)

const (
	// sendTimeout bounds one call of an adapter, in the machine's time.
	sendTimeout = 15 * time.Second

	// firstPause is the pause after the first failure; it doubles up to longestPause.
	firstPause   = 5 * time.Second
	longestPause = 10 * time.Minute
	// mostPause bounds what a channel may ask for.
	mostPause = time.Hour

	// lookEvery is the longest that the runner sleeps, so that a jump of the clock holds nothing up.
	lookEvery = time.Second
	// forgetEvery is how often old rows are removed.
	forgetEvery = time.Hour

	// maxAnswer bounds what is kept of a channel's answer, in bytes.
	maxAnswer = 500
)

// Deps are what the runner needs.
type Deps struct {
	DB    *db.DB
	Clock clock.Clock
	// Adapters by channel. A message of a channel that is not among them waits.
	Adapters map[string]Adapter
	// Resolve looks up where a message goes just before it is handed to its adapter: an address that is a name, such as
	// "recipient/7", and the secret that belongs to it, so that neither stands in a row of the outbox. May be nil. Its error is
	// that of the attempt.
	Resolve func(ctx context.Context, m Message) (Message, error)
	// Gone is called in the transaction that notes that an address takes no more messages. May be nil.
	Gone func(tx *db.Tx, channel, address string) error
}

// Runner sends what was put. There is one per database.
type Runner struct {
	Deps
	wake map[string]chan struct{} // one per channel; not changed after New

	mu       sync.Mutex // guards the payload that was read last
	lastName string
	lastBody []byte
}

// New returns a runner that does nothing until Run.
func New(d Deps) *Runner {
	r := &Runner{Deps: d, wake: map[string]chan struct{}{}}
	for channel := range d.Adapters {
		r.wake[channel] = make(chan struct{}, 1)
	}
	return r
}

// Run sends until ctx ends. What is with an adapter then is settled first, as long as the adapter takes.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.Resume(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, channel := range slices.Sorted(maps.Keys(r.Adapters)) {
		// Each channel has a line of its own: a push service that hangs holds up no file.
		g.Go(func() error { return r.flow(channel).run(ctx) })
	}
	g.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-r.DB.Signal(signal):
				for _, c := range r.wake {
					select {
					case c <- struct{}{}:
					default:
					}
				}
			}
		}
	})
	g.Go(func() error { return r.sweep(ctx) })
	return g.Wait()
}

// Resume puts what was with an adapter when the last process ended back in line. Run calls it first.
func (r *Runner) Resume(ctx context.Context) error {
	channels, err := json.Marshal(slices.Sorted(maps.Keys(r.Adapters)))
	if err != nil {
		return err
	}
	return r.DB.Write(ctx, func(tx *db.Tx) error { return resume(tx, string(channels)) })
}

func (r *Runner) settle(tx *db.Tx, o outcome) error {
	now := r.Clock.Now()
	var later *Later
	switch pause := backoff(o.d.Attempts); {
	case o.err == nil:
		return settle(tx, o.d.ID, Sent, cut(o.proof), now, now, false)
	case errors.Is(o.err, ErrPermanent):
		if err := settle(tx, o.d.ID, Dead, cut(o.err.Error()), now, now, o.d.InDoubt); err != nil || r.Gone == nil || !errors.Is(o.err, ErrGone) {
			return err
		}
		return r.Gone(tx, o.d.Channel, o.d.Address)
	case errors.As(o.err, &later) && later.Pause > pause:
		return r.again(tx, o, now.Add(min(later.Pause, mostPause)), now)
	default:
		return r.again(tx, o, now.Add(pause), now)
	}
}

// again has a message tried at next, unless that is after its time. A call that was cut off may have arrived.
func (r *Runner) again(tx *db.Tx, o outcome, next, now time.Time) error {
	var cutOff net.Error
	doubt := o.d.InDoubt || errors.Is(o.err, context.DeadlineExceeded) || errors.As(o.err, &cutOff) && cutOff.Timeout()
	until, err := untilOf(tx, o.d.ID) // Withdraw may have shortened it while the adapter was at work
	if err != nil {
		return err
	}
	if !next.Before(until) {
		state := Dead
		if !until.After(now) && until.Before(o.d.Until) {
			state = Withdrawn
		}
		return settle(tx, o.d.ID, state, cut(o.err.Error()), now, now, doubt)
	}
	return settle(tx, o.d.ID, Failed, cut(o.err.Error()), next, time.Time{}, doubt)
}

// backoff is the pause after the nth attempt.
func backoff(n int64) time.Duration {
	pause := firstPause
	for ; n > 1 && pause < longestPause; n-- {
		pause *= 2
	}
	return min(pause, longestPause)
}

func cut(s string) string {
	if len(s) <= maxAnswer {
		return s
	}
	for i := range s { // at the last rune that fits
		if i > maxAnswer-4 {
			return s[:i] + "…"
		}
	}
	return s
}

func (r *Runner) sweep(ctx context.Context) error {
	for {
		var n int64
		err := r.DB.Write(ctx, func(tx *db.Tx) (err error) {
			if n, err = forget(tx, r.Clock.Now()); err != nil {
				return err
			}
			return forgetPayloads(tx, r.Clock.Now())
		})
		if err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "old messages are still kept", "err", err)
		}
		if n == forgetMost && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.Clock.After(forgetEvery):
		}
	}
}

func untilOf(tx *db.Tx, id int64) (time.Time, error) {
	var until int64
	if err := tx.QueryRow(`select until from deliveries where id = $1`, id).Scan(&until); err != nil {
		return time.Time{}, fmt.Errorf("delivery %d: %w", id, err)
	}
	return db.Time(until), nil
}
