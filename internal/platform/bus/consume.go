package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sort"
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
	place    place              // the last event that was taken, or let go
	kept     place              // what the bus knows of it
	consumer jetstream.Consumer // nil: none yet
	serial   string             // what the server calls it
	taken    uint64             // events of that serial
}

// place is how far a consumer has come: an event by its place in the stream, and by its own id, since the stream may be another one
// when it is read again.
type place struct {
	Seq uint64 `json:"seq"`
	ID  int64  `json:"id"`
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
		r.went(meta, m.ID)
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
	known, at := r.known, r.place // which the reader alone changes
	r.mu.Unlock()
	if !known {
		e, err := r.bus.places.Get(ctx, r.name)
		if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
			return 0, fmt.Errorf("place of consumer %s: %w", r.name, err)
		}
		if err == nil {
			if err := json.Unmarshal(e.Value(), &at); err != nil {
				return 0, fmt.Errorf("place of consumer %s: %w", r.name, err)
			}
		}
		r.mu.Lock()
		r.known, r.place, r.kept = true, at, at
		r.mu.Unlock()
	}
	if at.Seq == 0 {
		return 0, nil
	}
	s, err := r.bus.js.Stream(ctx, stream)
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", stream, err)
	}
	state := s.CachedInfo().State
	if at.Seq < state.FirstSeq { // the stream holds only so much
		return at.Seq, nil
	}
	if id, there, err := idAt(ctx, s, at.Seq); err != nil || there && id == at.ID {
		return at.Seq, err
	}
	// The stream lost its end, or was made anew, since. Ids grow, so what is missed is what comes behind the last one taken.
	first := max(state.FirstSeq, 1) // of an empty stream it is 0
	n := sort.Search(int(state.Msgs), func(i int) bool {
		id, _, e := idAt(ctx, s, first+uint64(i))
		err = errors.Join(err, e)
		return id > at.ID
	})
	if err != nil {
		return 0, err
	}
	seq := first + uint64(n) - 1
	slog.WarnContext(ctx, "the stream of events is not the one that was read before; it is read on behind the last event taken",
		"consumer", r.name, "id", at.ID, "before", at.Seq, "now", seq)
	r.mu.Lock()
	r.place.Seq = seq
	r.mu.Unlock()
	return seq, nil
}

// idAt is the id of the event at a place; 0 of somebody else's message.
func idAt(ctx context.Context, s jetstream.Stream, seq uint64) (id int64, there bool, err error) {
	m, err := s.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("event at %d: %w", seq, err)
	}
	if id, err = strconv.ParseInt(m.Header.Get(idHeader), 10, 64); err != nil {
		id = 0
	}
	return id, true, nil
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
func (r *reader) went(meta *jetstream.MsgMetadata, id int64) {
	r.mu.Lock()
	r.place, r.serial, r.taken = place{meta.Sequence.Stream, id}, meta.Consumer, meta.Sequence.Consumer
	r.mu.Unlock()
	r.noteMoved()
}

func (r *reader) noteMoved() {
	select {
	case r.moved <- struct{}{}:
	default:
	}
}

// keep writes the place down while it moves, and once more when ctx ends.
func (r *reader) keep(ctx context.Context) {
	failing := false
	for {
		wait := keepEvery
		select {
		case <-r.moved:
			err := r.writeDown(ctx)
			if err != nil {
				wait = retry
				r.noteMoved() // it is still to be written down
			}
			if err != nil && !failing {
				slog.WarnContext(ctx, "how far a consumer has come is not kept; after a crash its events would come again", "consumer", r.name, "err", err)
			}
			failing = err != nil
			pause(ctx, wait)
		case <-ctx.Done():
			if err := r.writeDown(ctx); err != nil {
				slog.WarnContext(ctx, "how far a consumer has come was not kept; its last events will come again", "consumer", r.name, "err", err)
			}
			return
		}
	}
}

// writeDown keeps the place on the bus, also when ctx has ended.
func (r *reader) writeDown(ctx context.Context) error {
	r.mu.Lock()
	place, kept := r.place, r.kept
	r.mu.Unlock()
	if place == kept {
		return nil
	}
	text, err := json.Marshal(place)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), setUpTimeout)
	defer cancel()
	if _, err := r.bus.places.Put(ctx, r.name, text); err != nil {
		return err
	}
	r.mu.Lock()
	r.kept = place
	r.mu.Unlock()
	return nil
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
	if errors.Is(err, jetstream.ErrConsumerNotFound) { // the server has given up on a reader that asks for nothing: its handler is stuck
		all, err := r.bus.info(ctx)
		if err != nil {
			return 0, err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		return all.State.LastSeq - min(r.place.Seq, all.State.LastSeq), nil // those of other subjects too
	}
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
