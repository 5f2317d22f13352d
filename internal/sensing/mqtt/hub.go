package mqtt

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// retryAfter is the pause before the log is read again after a failure.
const retryAfter = time.Second

// hub reads each new row once and renders it once for each kind of subscription, for all clients that keep up. One whose
// queue is full leaves it, and one whose subscriptions may cost much never joins. While nobody is there it does not read at all.
type hub struct {
	edge *Edge
	feed Feed
	need chan struct{} // holds one wake-up

	mu sync.Mutex
	// guarded by mu
	position int64 // all rows up to here were handed to the members
	parked   bool  // no member, and nobody reads
	groups   map[string]*group
	members  map[*client]struct{}
	stop     context.CancelFunc // ends the reading
}

// group is the members that get the same messages.
type group struct {
	sub     Subscription
	members map[*client]*filter
}

func newHub(e *Edge) *hub {
	return &hub{
		edge: e, feed: e.opts.Feed, need: make(chan struct{}, 1), parked: true,
		groups: map[string]*group{}, members: map[*client]struct{}{}, stop: func() {},
	}
}

func (h *hub) run(ctx context.Context) {
	for ctx.Err() == nil {
		reading, cancel := context.WithCancel(ctx)
		h.mu.Lock()
		h.parked = len(h.members) == 0
		h.stop = cancel
		parked, after := h.parked, h.position
		h.mu.Unlock()
		if parked {
			select {
			case <-h.need:
			case <-ctx.Done():
			}
			cancel()
			continue
		}
		err := h.feed.Tail(reading, after, h.deliver)
		cancel()
		if err == nil || ctx.Err() != nil {
			continue
		}
		if errors.Is(err, ErrTrimmed) {
			h.abandon()
			continue
		}
		slog.ErrorContext(ctx, "the log can't be read for MQTT subscribers", "err", err)
		select {
		case <-h.edge.opts.Clock.After(retryAfter):
		case <-ctx.Done():
		}
	}
}

// deliver hands one row to the members.
func (h *hub) deliver(row Row) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	seq := row.Seq()
	if seq <= h.position {
		return nil
	}
	staged := map[*client][]part{}
	for _, g := range h.groups {
		msgs, err := render(g.sub, row)
		if err != nil {
			for c := range g.members {
				h.remove(c)
				c.unserved(err)
			}
			continue
		}
		if len(msgs) == 0 {
			continue
		}
		for c, f := range g.members {
			if seq > f.start && seq > c.seen { // seen changes only with hub.mu held, while the client is attached
				staged[c] = append(staged[c], part{f, msgs})
			}
		}
	}
	for c, parts := range staged {
		if _, here := h.members[c]; !here {
			continue // another of its groups failed
		}
		slices.SortFunc(parts, func(a, b part) int { return byText(a.filter, b.filter) })
		c.mu.Lock()
		ok := c.push(seq, parts)
		if !ok {
			h.removeLocked(c) // it has seen all up to the row before
			h.edge.count.fellBehind.Add(1)
			c.followLocked()
		}
		c.mu.Unlock()
	}
	h.position = seq
	return nil
}

// attach makes a client that has caught up a member. true: catch-up has nothing more to do.
func (h *hub) attach(c *client) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		c.following = false
		return true
	}
	switch {
	case !c.hasRoom():
		return false // or it would fall out again at once
	case c.alone():
		return false // or all would wait for it
	case h.parked:
		h.position, h.parked = c.seen, false
		poke(h.need)
	case h.position > c.seen:
		return false // the hub has handed out rows that this client has not seen
	}
	h.members[c] = struct{}{}
	for _, f := range c.filters {
		h.join(c, f)
	}
	c.attached, c.following = true, false
	return true
}

// join puts a member's filter into its group. hub.mu is held.
func (h *hub) join(c *client, f *filter) {
	g := h.groups[f.key]
	if g == nil {
		g = &group{sub: f.sub, members: map[*client]*filter{}}
		h.groups[f.key] = g
	}
	g.members[c] = f
}

func (h *hub) part(c *client, f *filter) {
	if g := h.groups[f.key]; g != nil && g.members[c] == f {
		delete(g.members, c)
		if len(g.members) == 0 {
			delete(h.groups, f.key)
		}
	}
}

// remove ends a membership. hub.mu is held.
func (h *hub) remove(c *client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.removeLocked(c)
}

func (h *hub) removeLocked(c *client) {
	if !c.attached {
		return
	}
	c.attached, c.seen = false, max(c.seen, h.position)
	delete(h.members, c)
	for _, f := range c.filters {
		h.part(c, f)
	}
	if len(h.members) == 0 {
		h.stop()
	}
}

// abandon gives up on all members: rows that they have not seen are gone. It can happen only if someone trims the log
// against Hold, and must not pass unseen.
func (h *hub) abandon() {
	h.mu.Lock()
	var all []*client
	for c := range h.members {
		h.remove(c)
		all = append(all, c)
	}
	h.mu.Unlock()
	for _, c := range all {
		h.edge.endSession(c.session, "the log was trimmed past its position")
	}
}

// release takes a client out for good and says where it stands.
func (h *hub) release(c *client) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	h.removeLocked(c)
	c.over = true
	return c.position(h.position)
}

// at is where a connected client stands, and how many filters it has.
func (h *hub) at(c *client) (position int64, filters int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.position(h.position), len(c.filters)
}

// reached is how far the hub has read, and whether it reads at all.
func (h *hub) reached() (int64, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.position, !h.parked
}
