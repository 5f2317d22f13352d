package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
)

const (
	// batch bounds how many messages of a channel are claimed at a time.
	batch = 64
	// atOnce bounds how many of them are with the adapter at a time.
	atOnce = 8
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
	// Gone is called in the transaction that notes that an address takes no more messages. May be nil.
	Gone func(tx *db.Tx, channel, address string) error
}

// Runner sends what was put. There is one per database.
type Runner struct {
	Deps
	wake map[string]chan struct{} // one per channel; not changed after New
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
		g.Go(func() error { return r.run(ctx, channel) })
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

func (r *Runner) run(ctx context.Context, channel string) error {
	for {
		n, err := r.Send(ctx, channel)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			slog.WarnContext(ctx, "messages wait", "channel", channel, "err", err)
		}
		if err == nil && n > 0 {
			continue
		}
		pause := lookEvery
		if err == nil {
			pause = r.pause(ctx, channel)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake[channel]:
		case <-r.Clock.After(pause):
		}
	}
}

// pause is how long to wait for the next message.
func (r *Runner) pause(ctx context.Context, channel string) time.Duration {
	pause := lookEvery
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		at, known, err := nextDue(tx, channel)
		if left := at.Sub(r.Clock.Now()); known && left < pause {
			pause = max(left, time.Millisecond)
		}
		return err
	})
	if err != nil {
		return lookEvery
	}
	return pause
}

// outcome is what became of one attempt.
type outcome struct {
	d     Delivery
	proof string
	err   error
}

// Send sends one batch of a channel and says how many it has tried. It is not safe for concurrent use on one channel.
func (r *Runner) Send(ctx context.Context, channel string) (int, error) {
	var ds []Delivery
	err := r.DB.Read(ctx, func(tx *db.Tx) (err error) {
		ds, err = due(tx, channel, r.Clock.Now(), batch)
		return err
	})
	if err != nil || len(ds) == 0 {
		return 0, err
	}
	var claimed []Delivery
	err = r.DB.Write(ctx, func(tx *db.Tx) error {
		now := r.Clock.Now()
		for _, d := range ds {
			ok, err := claim(tx, d.ID)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if d.Attempts++; !d.Until.After(now) && d.Attempts > 1 { // each message is tried once, however late the program is
				if err := settle(tx, d.ID, Dead, "its time is over; "+d.Answer, now, now, d.InDoubt); err != nil {
					return err
				}
				continue
			}
			claimed = append(claimed, d)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	done := r.hand(ctx, r.Adapters[channel], claimed)
	// The outcomes are written even if the program is told to stop meanwhile: each is known.
	err = r.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		for _, o := range done {
			if err := r.settle(tx, o); err != nil {
				return err
			}
		}
		return nil
	})
	return len(ds), err
}

// hand gives the messages to the adapter, several at a time, those of one address one after the other.
func (r *Runner) hand(ctx context.Context, a Adapter, ds []Delivery) []outcome {
	byAddress := map[string][]int{}
	var order []string
	for i, d := range ds {
		if byAddress[d.Address] == nil {
			order = append(order, d.Address)
		}
		byAddress[d.Address] = append(byAddress[d.Address], i)
	}
	done := make([]outcome, len(ds))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, address := range order {
		g.Go(func() error {
			for _, i := range byAddress[address] {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
				proof, err := a.Send(ctx, ds[i].Message)
				cancel()
				done[i] = outcome{ds[i], proof, err}
			}
			return nil
		})
	}
	g.Wait() // nothing in it returns an error
	return done
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
	doubt := o.d.InDoubt || errors.Is(o.err, context.DeadlineExceeded)
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
			n, err = forget(tx, r.Clock.Now())
			return err
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
