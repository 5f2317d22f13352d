package delivery

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// batch bounds how many messages of a channel are claimed in one transaction.
const batch = 64

// outcome is what became of one attempt.
type outcome struct {
	d     Delivery
	proof string
	err   error
}

// flow is a channel at work: each address that has something due is a lane, up to AtOnce lanes are with the adapter at a time,
// and whichever is done makes room for the next. A slow receiver holds up its own lane and nothing else.
type flow struct {
	r       *Runner
	channel string
	adapter Adapter
	pace    Pace

	lanes map[string]int // by address: how many of its messages are still with the adapter
	slow  map[string]int // of these lanes, those whose message had failed before
	done  chan outcome
	kept  []outcome // not written yet
}

func (r *Runner) flow(channel string) *flow {
	a := r.Adapters[channel]
	p := paceOf(a)
	return &flow{
		r: r, channel: channel, adapter: a, pace: p, lanes: map[string]int{}, slow: map[string]int{},
		done: make(chan outcome, p.AtOnce*p.InARow),
	}
}

// run sends until ctx ends, and then settles what is with the adapter.
func (f *flow) run(ctx context.Context) error {
	for ctx.Err() == nil {
		claimed, err := f.step(ctx)
		if ctx.Err() != nil {
			break
		}
		pause := lookEvery
		switch {
		case err != nil:
			slog.WarnContext(ctx, "messages wait", "channel", f.channel, "err", err)
		case claimed > 0 && len(f.lanes) < f.pace.AtOnce:
			pause = 0 // there may be more
		default:
			pause = f.r.pause(ctx, f.channel, len(f.lanes) > 0)
		}
		f.await(ctx, pause)
	}
	return f.drain(ctx)
}

// await waits for an outcome, a new message, or pause; of 0 it only takes what is there.
func (f *flow) await(ctx context.Context, pause time.Duration) {
	if pause > 0 {
		select {
		case <-ctx.Done():
		case o := <-f.done:
			f.keep(o)
		case <-f.r.wake[f.channel]:
		case <-f.r.Clock.After(pause):
		}
	}
	for {
		select {
		case o := <-f.done:
			f.keep(o)
		default:
			return
		}
	}
}

func (f *flow) keep(o outcome) {
	f.kept = append(f.kept, o)
	for _, m := range []map[string]int{f.lanes, f.slow} {
		if m[o.d.Address]--; m[o.d.Address] <= 0 {
			delete(m, o.d.Address)
		}
	}
}

// step writes what is done and claims what there is room for, in one transaction, and hands it to the adapter.
func (f *flow) step(ctx context.Context) (claimed int, err error) {
	// An address is busy until what became of its last message is written: the next may depend on it.
	busy := slices.Collect(maps.Keys(f.lanes))
	for _, o := range f.kept {
		busy = append(busy, o.d.Address)
	}
	ds, err := f.due(ctx, busy)
	if err != nil && len(f.kept) == 0 || err == nil && len(ds)+len(f.kept) == 0 {
		return 0, err
	}
	settled, taken := f.kept, []Delivery(nil)
	// The outcomes are written even if the program is told to stop meanwhile: each is known.
	err = f.r.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		for _, o := range settled {
			if err := f.r.settle(tx, o); err != nil {
				return err
			}
		}
		taken, err = f.r.claim(tx, ds)
		return err
	})
	if err != nil {
		return 0, err
	}
	f.kept = nil
	f.start(ctx, taken)
	return len(ds) + len(settled), nil
}

// due are the messages for which there is room. What failed before may take half of the room: receivers that are down must not
// keep the others waiting for the time of their timeouts.
func (f *flow) due(ctx context.Context, busy []string) (ds []Delivery, err error) {
	room := f.pace.AtOnce - len(f.lanes)
	if room <= 0 {
		return nil, nil
	}
	var all []Delivery
	err = f.r.DB.Read(ctx, func(tx *db.Tx) (err error) {
		all, err = due(tx, f.channel, f.r.Clock.Now(), busy, f.pace.InARow, max(batch, 2*f.pace.AtOnce))
		return err
	})
	if err != nil {
		return nil, err
	}
	lanes, slow := map[string]bool{}, map[string]bool{}
	for _, d := range all {
		switch {
		case len(ds) >= batch:
			return ds, nil
		case lanes[d.Address]:
		case len(lanes) >= room:
			continue
		case d.Attempts > 0 && len(f.slow)+len(slow) >= max(1, f.pace.AtOnce/2):
			continue
		}
		if lanes[d.Address] = true; d.Attempts > 0 {
			slow[d.Address] = true
		}
		ds = append(ds, d)
	}
	return ds, nil
}

// start has the adapter send, one lane for each address.
func (f *flow) start(ctx context.Context, ds []Delivery) {
	lanes := map[string][]Delivery{}
	for _, d := range ds {
		lanes[d.Address] = append(lanes[d.Address], d)
		f.lanes[d.Address]++
		if d.Attempts > 1 {
			f.slow[d.Address]++
		}
	}
	for _, lane := range lanes {
		go func() {
			for _, d := range lane {
				f.done <- f.r.attempt(ctx, f.adapter, d)
			}
		}()
	}
}

// drain waits for what is with the adapter, and writes what became of it.
func (f *flow) drain(ctx context.Context) error {
	for len(f.lanes) > 0 {
		f.keep(<-f.done)
	}
	if len(f.kept) == 0 {
		return nil
	}
	err := f.r.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		for _, o := range f.kept {
			if err := f.r.settle(tx, o); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil { // the rows say sending: the next process takes them up in doubt
		slog.WarnContext(ctx, "what became of messages is not written", "channel", f.channel, "err", err)
	}
	return nil
}

// Send sends what there is room for, waits until all of it is done, and says how many it has tried. It is for tests and must
// not be called beside Run.
func (r *Runner) Send(ctx context.Context, channel string) (int, error) {
	f := r.flow(channel)
	n, err := f.step(ctx)
	if err != nil {
		return 0, err
	}
	return n, f.drain(ctx)
}

// attempt is one call of the adapter.
func (r *Runner) attempt(ctx context.Context, a Adapter, d Delivery) outcome {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	m := d.Message
	if r.Resolve != nil {
		var err error
		if m, err = r.Resolve(ctx, m); err != nil {
			return outcome{d, "", err}
		}
	}
	if m.Payload != "" {
		var err error
		if m.Data, err = r.payload(ctx, m.Payload); err != nil {
			return outcome{d, "", err}
		}
	}
	proof, err := a.Send(ctx, m)
	return outcome{d, proof, err}
}

// claim notes that messages go to the adapter. Those whose time is over end instead.
func (r *Runner) claim(tx *db.Tx, ds []Delivery) (claimed []Delivery, err error) {
	now := r.Clock.Now()
	for _, d := range ds {
		ok, err := claim(tx, d.ID)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if d.Attempts++; !d.Until.After(now) && d.Attempts > 1 { // each message is tried once, however late the program is
			if err := settle(tx, d.ID, Dead, "its time is over; "+d.Answer, now, now, d.InDoubt); err != nil {
				return nil, err
			}
			continue
		}
		claimed = append(claimed, d)
	}
	return claimed, nil
}

// pause is how long to wait for the next message. Where something is with the adapter its end wakes the flow.
func (r *Runner) pause(ctx context.Context, channel string, working bool) time.Duration {
	if working {
		return lookEvery
	}
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
