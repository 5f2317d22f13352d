package mqtt

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/anlan-city/anlan/internal/platform/db"
)

const (
	// keepEvery is how often positions are written, stalls looked for, and sessions ended whose time is over.
	keepEvery = time.Second

	// idleRows is how far a position may lag in its row when nothing was delivered since: it costs a write to follow a log
	// that holds nothing for the session, and all that it spares is looking at those rows again after a crash.
	idleRows = 10_000

	// weighEvery is how often it is looked how much of the log the sessions hold.
	weighEvery = time.Minute
)

func (e *Edge) keep(ctx context.Context) {
	for {
		select {
		case <-e.opts.Clock.After(keepEvery):
		case <-ctx.Done():
			return
		}
		e.round(ctx)
	}
}

// round is what is done every second.
func (e *Edge) round(ctx context.Context) {
	now := e.opts.Clock.Now()
	e.now.Store(now.UnixMicro())
	last := e.opts.Feed.LastSeq()
	all := e.standing()
	var moved []stand
	for _, v := range all {
		if v.conn == nil {
			continue
		}
		if v.conn.stalled(now.UnixMicro()) && v.conn.link.end(tooSlow()) {
			e.count.stalled.Add(1)
			slog.WarnContext(ctx, "an MQTT client takes nothing and was disconnected", "client", v.session.id)
		}
		if v.filters > 0 && v.stored && v.position > v.saved && (v.conn.wasServed() || v.position-v.saved > idleRows) {
			moved = append(moved, v)
		}
	}
	e.writePositions(ctx, moved)
	e.endOverdue(ctx, all, max(last-e.limits.MaxLag, e.floor(ctx, all, last)))
	e.hold()
}

func tooSlow() packets.Code {
	return packets.Code{Code: packets.ErrQuotaExceeded.Code, Reason: "nothing was taken for too long"}
}

// writePositions writes the positions that have moved, all in one transaction.
func (e *Edge) writePositions(ctx context.Context, moved []stand) {
	if len(moved) == 0 {
		return
	}
	err := e.opts.DB.Write(ctx, func(tx *db.Tx) error {
		for _, v := range moved {
			if err := putPosition(tx, v.session.id, v.position); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		slog.ErrorContext(ctx, "MQTT positions could not be written", "err", err)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, v := range moved {
		if v.session.conn == v.conn { // or it may have begun anew
			v.session.saved = max(v.session.saved, v.position)
		}
	}
}

// floor is the position that sessions must have reached, so that those behind it do not fill the disk with the log; now and
// then, and else none.
func (e *Edge) floor(ctx context.Context, all []stand, last int64) int64 {
	now := e.opts.Clock.Now()
	if now.Sub(e.weighed) < weighEvery {
		return 0
	}
	e.weighed = now
	lag := lagOf(all, last)
	if lag == 0 {
		return 0
	}
	size, err := e.opts.Feed.Size(ctx, last-lag)
	if err != nil {
		slog.ErrorContext(ctx, "how much of the log MQTT sessions hold is not known", "err", err)
		return 0
	}
	if size <= e.limits.MaxLagBytes {
		return 0
	}
	return last - int64(float64(lag)*float64(e.limits.MaxLagBytes)/float64(size))
}

// endOverdue ends sessions whose time is over, and those that hold the log from before floor.
func (e *Edge) endOverdue(ctx context.Context, all []stand, floor int64) {
	var gone []string
	now := e.opts.Clock.Now()
	e.mu.Lock()
	for _, v := range all {
		s := v.session
		if e.sessions[s.id] != s {
			continue // it has ended meanwhile
		}
		switch {
		case s.expired(now):
			e.count.expired.Add(1)
		case v.filters > 0 && v.position < floor:
			e.endLocked(s, "it has fallen too far behind the log")
			if s.conn != nil {
				continue // it ends with its connection
			}
		default:
			continue
		}
		delete(e.sessions, s.id)
		if s.stored {
			gone = append(gone, s.id)
		}
	}
	e.mu.Unlock()
	if err := e.forget(ctx, gone); err != nil {
		slog.ErrorContext(ctx, "ended MQTT sessions are still in the store; they will be ended again", "err", err)
	}
}

// hold tells the log how far it may be trimmed: up to the lowest position that a session would go on from, after a crash
// too.
func (e *Edge) hold() {
	position := e.opts.Feed.LastSeq() // first: a filter that is added after this starts no earlier
	if at, reads := e.hub.reached(); reads {
		position = min(position, at)
	}
	for _, v := range e.standing() {
		if v.filters == 0 {
			continue
		}
		from := v.position
		if v.stored {
			from = min(from, v.saved)
		}
		position = min(position, from)
	}
	e.mu.Lock()
	position = max(position, e.held)
	e.held = position
	e.mu.Unlock()
	e.opts.Feed.Hold(Consumer, position)
}

// wasServed says whether anything was acknowledged or sent since it was last asked.
func (c *client) wasServed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.served
	c.served = false
	return was
}

// lagOf is how many rows the slowest session lags behind.
func lagOf(all []stand, last int64) int64 {
	lowest := int64(math.MaxInt64)
	for _, v := range all {
		if v.filters > 0 {
			lowest = min(lowest, v.position)
		}
	}
	return max(0, last-min(lowest, last))
}
