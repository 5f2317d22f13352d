package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// retry is the pause before a consumer that lost the bus asks for it again, and before an event that failed is taken again.
	retry = time.Second
	// keepEvery is how often a place is written down that moves. After a crash the events since then come again.
	keepEvery = 100 * time.Millisecond
	// ahead is how many events a consumer fetches ahead.
	ahead = 256
	// pullWait is how long one request for events stands, and alive how often the server says meanwhile that it is there. A
	// request that a restarting server has lost costs twice alive.
	pullWait = 5 * time.Second
	alive    = time.Second
	// setUpTimeout bounds how long a server is waited for that does not answer.
	setUpTimeout = 3 * time.Second
	// forgotten is when the server forgets a reader whose process has died.
	forgotten = time.Minute
)

// ErrDrop marks the failure of a handler that no repetition will mend: the event is let go, so that it does not hold up
// those behind it.
var ErrDrop = errors.New("the event can't be taken, ever")

// Consume hands every event of the subjects to fn, in order, at least once, until ctx ends, and then returns nil. durable
// names the consumer: how far it has come survives restarts; nobody else may run under that name. An event whose fn fails is
// handed out again after a pause, and those behind it wait, unless the error wraps ErrDrop. An outage of the bus is waited out.
//
// A durable consumer of the server's would be asked for one event after the other, since with several under way those that
// follow one that failed, or that a crash cut off, overtake it. Reading on from a place keeps the order at any speed.
func (b *Bus) Consume(ctx context.Context, durable string, subjects []string, fn func(ctx context.Context, m Message) error) error {
	r := &reader{bus: b, name: durable, fn: fn, moved: make(chan struct{}, 1)}
	for _, s := range subjects {
		r.subjects = append(r.subjects, prefix+s)
	}
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx)) // to the end of the last event
	var kept sync.WaitGroup
	kept.Go(func() { r.keep(keeping) })
	defer kept.Wait()
	defer stop()
	defer b.unfollow(r)
	out := false
	for ctx.Err() == nil {
		began := time.Now()
		stood, err := r.read(ctx, func() {
			if out {
				out = false
				slog.InfoContext(ctx, "the bus is back", "consumer", durable)
			}
		})
		if ctx.Err() != nil {
			return nil
		}
		// A reader that stood is set up again without a word, as after a handler that took so long that the server gave it up.
		if !stood && !out {
			out = true
			slog.WarnContext(ctx, "no events come from the bus, trying again", "consumer", durable, "err", err)
		}
		if !stood || time.Since(began) < retry {
			pause(ctx, retry)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// reader is one consumer at work.
type reader struct {
	bus      *Bus
	name     string
	subjects []string
	fn       func(ctx context.Context, m Message) error
	moved    chan struct{} // place is to be written down

	mu       sync.Mutex
	known    bool               // place was read
	place    uint64             // the last event that was taken, or let go
	kept     uint64             // the place that the bus knows
	consumer jetstream.Consumer // nil: none yet
	serial   string             // what the server calls it
	taken    uint64             // events of that serial
}

// read hands events on until the bus fails; stood says whether it could be asked at all. It calls well when the bus has answered.
func (r *reader) read(ctx context.Context, well func()) (stood bool, err error) {
	c, err := r.setUp(ctx)
	if err != nil {
		return false, err
	}
	it, err := c.Messages(jetstream.PullMaxMessages(ahead), jetstream.PullExpiry(pullWait), jetstream.PullHeartbeat(alive),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return false, err
	}
	defer it.Stop()
	stop := context.AfterFunc(ctx, it.Stop)
	defer stop()
	r.bus.follow(r, c)
	well()
	for next := uint64(1); ; next++ {
		msg, err := it.Next()
		if err != nil {
			return true, err
		}
		if ctx.Err() != nil { // what was fetched ahead is left for next time
			return true, ctx.Err()
		}
		meta, err := msg.Metadata()
		if err != nil {
			return true, err
		}
		if meta.Sequence.Consumer != next {
			return true, fmt.Errorf("event %d of this reader came where %d was next", meta.Sequence.Consumer, next)
		}
		m, err := decode(msg)
		if !r.take(ctx, m, err) {
			return true, ctx.Err()
		}
		r.went(meta)
	}
}

// setUp has the server hand out what comes after the place.
func (r *reader) setUp(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, setUpTimeout)
	defer cancel()
	from, err := r.begin(ctx)
	if err != nil {
		return nil, err
	}
	return r.bus.js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{
		FilterSubjects: r.subjects, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from + 1,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: forgotten,
	})
}

// begin returns the place to read on from.
func (r *reader) begin(ctx context.Context) (uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.known {
		e, err := r.bus.places.Get(ctx, r.name)
		if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
			return 0, fmt.Errorf("place of consumer %s: %w", r.name, err)
		}
		if err == nil {
			if r.place, err = strconv.ParseUint(string(e.Value()), 10, 64); err != nil {
				return 0, fmt.Errorf("place of consumer %s: %w", r.name, err)
			}
		}
		r.known, r.kept = true, r.place
	}
	info, err := r.bus.info(ctx)
	if err != nil {
		return 0, err
	}
	if r.place > info.State.LastSeq {
		slog.WarnContext(ctx, "the stream has begun anew, so its events are taken from the first", "consumer", r.name, "place", r.place, "last", info.State.LastSeq)
		r.place = 0
	}
	return r.place, nil
}

// take has the handler take an event, however often that takes; unread says why it could not be read. It returns false when ctx
// ended before.
func (r *reader) take(ctx context.Context, m Message, unread error) bool {
	for {
		err := unread
		if err == nil {
			err = r.fn(ctx, m)
		}
		switch {
		case err == nil:
			return true
		case errors.Is(err, ErrDrop):
			slog.ErrorContext(ctx, "event dropped", "consumer", r.name, "subject", m.Subject, "id", m.ID, "err", err)
			return true
		case ctx.Err() != nil:
			return false
		}
		slog.WarnContext(ctx, "event not taken, will be tried again", "consumer", r.name, "subject", m.Subject, "err", err)
		if pause(ctx, retry); ctx.Err() != nil {
			return false
		}
	}
}

// went notes that an event is done with.
func (r *reader) went(meta *jetstream.MsgMetadata) {
	r.mu.Lock()
	r.place, r.serial, r.taken = meta.Sequence.Stream, meta.Consumer, meta.Sequence.Consumer
	r.mu.Unlock()
	select {
	case r.moved <- struct{}{}:
	default:
	}
}

// keep writes the place down while it moves, and once more when ctx ends.
func (r *reader) keep(ctx context.Context) {
	for {
		select {
		case <-r.moved:
			r.writeDown(ctx)
			pause(ctx, keepEvery)
		case <-ctx.Done():
			r.writeDown(ctx)
			return
		}
	}
}

// writeDown keeps the place on the bus, also when ctx has ended. What fails is made good by the next.
func (r *reader) writeDown(ctx context.Context) {
	r.mu.Lock()
	place, kept := r.place, r.kept
	r.mu.Unlock()
	if place == kept {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishTimeout)
	defer cancel()
	if _, err := r.bus.places.PutString(ctx, r.name, strconv.FormatUint(place, 10)); err != nil {
		slog.DebugContext(ctx, "the place of a consumer was not kept", "consumer", r.name, "err", err)
		return
	}
	r.mu.Lock()
	r.kept = place
	r.mu.Unlock()
}

// follow has a reader counted by Lag.
func (b *Bus) follow(r *reader, c jetstream.Consumer) {
	r.mu.Lock()
	r.consumer = c
	r.mu.Unlock()
	b.mu.Lock()
	b.readers[r.name] = r
	b.mu.Unlock()
}

// unfollow undoes follow.
func (b *Bus) unfollow(r *reader) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.readers[r.name] == r {
		delete(b.readers, r.name)
	}
}

// Lag is how many events each consumer of this process has still to take.
func (b *Bus) Lag(ctx context.Context) (map[string]uint64, error) {
	b.mu.Lock()
	readers := make([]*reader, 0, len(b.readers))
	for _, r := range b.readers {
		readers = append(readers, r)
	}
	b.mu.Unlock()
	lag := make(map[string]uint64, len(readers))
	for _, r := range readers {
		n, err := r.lag(ctx)
		if err != nil {
			return nil, fmt.Errorf("consumer %s: %w", r.name, err)
		}
		lag[r.name] = n
	}
	return lag, nil
}

// lag is what the server has still to hand out, and what it has handed out and was not taken.
func (r *reader) lag(ctx context.Context) (uint64, error) {
	r.mu.Lock()
	c := r.consumer
	r.mu.Unlock()
	info, err := c.Info(ctx)
	if err != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := uint64(0)
	if r.serial == info.Name {
		taken = r.taken
	}
	if taken >= info.Delivered.Consumer { // taken since the server answered
		return info.NumPending, nil
	}
	return info.NumPending + info.Delivered.Consumer - taken, nil
}
