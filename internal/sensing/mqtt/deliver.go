package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/mochi-mqtt/server/v2/packets"
)

// message is what one row holds for a filter. It is shared by all who get it.
type message struct {
	topic   string
	payload []byte
}

// part is the messages of one row for one filter of a client.
type part struct {
	filter *filter
	msgs   []message
}

// delivery is one row of the log on its way to one client.
type delivery struct {
	seq   int64
	parts []part
	part  int // next to be sent
	msg   int
	bytes int
	open  int  // sent, and not yet acknowledged
	dup   bool // it may have been sent before
}

// render asks a subscription what a row holds for it. A panic is an error: the row is still there after a restart, and would
// end the process again and again.
func render(sub Subscription, row Row) (out []message, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("render row %d for %q: panic: %v", row.Seq(), sub.Key(), p)
		}
	}()
	err = sub.Messages(row, func(topic string, payload []byte) error {
		out = append(out, message{topic, payload})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("render row %d for %q: %w", row.Seq(), sub.Key(), err)
	}
	return out, nil
}

// push queues a row's messages. false: the queue is full and nothing was queued. c.mu is held.
func (c *client) push(seq int64, parts []part) bool {
	d := &delivery{seq: seq, parts: parts, dup: seq <= c.session.sentBefore}
	for _, p := range d.parts {
		for _, m := range p.msgs {
			d.bytes += len(m.topic) + len(m.payload)
		}
	}
	if c.queued > 0 && c.queued+d.bytes > c.edge.limits.Queue {
		return false
	}
	if len(c.queue) == 0 && len(c.unacked) == 0 && !c.busy {
		c.progress = c.edge.now.Load() // the wait begins
	}
	c.queue = append(c.queue, d)
	c.queued += d.bytes
	poke(c.wake)
	return true
}

// writeDeliveries encodes what the client may be sent now. c.mu is held.
func (c *client) writeDeliveries() {
	for len(c.queue) > 0 && c.out.Len() < maxOut {
		d := c.queue[0]
		if !c.writeDelivery(d) {
			return
		}
		c.queue[0] = nil
		c.queue = c.queue[1:]
		c.queued -= d.bytes
		d.parts = nil
		if d.open > 0 {
			c.sent = append(c.sent, d)
		}
		poke(c.room)
	}
}

// writeDelivery encodes the rest of a row. false: it must wait for acknowledgements, or for the next write.
func (c *client) writeDelivery(d *delivery) bool {
	for ; d.part < len(d.parts); d.part, d.msg = d.part+1, 0 {
		p := &d.parts[d.part]
		for ; d.msg < len(p.msgs); d.msg++ {
			if c.out.Len() >= maxOut || p.filter.qos > 0 && len(c.unacked) >= c.window {
				return false
			}
			c.writeMessage(d, p, p.msgs[d.msg])
		}
	}
	return true
}

func (c *client) writeMessage(d *delivery, p *part, m message) {
	f := p.filter
	var id uint16
	if f.qos > 0 {
		id = c.nextID()
	}
	before := c.out.Len()
	c.out.Write(appendPublish(c.out.AvailableBuffer(), c.version, f.qos, f.qos > 0 && d.dup, id, f.identifier, m))
	if c.maxPacket > 0 && c.out.Len()-before > int(c.maxPacket) {
		c.out.Truncate(before) // MQTT 5, 3.1.2.11.4: as if it had been sent
		c.edge.count.oversize.Add(1)
		return
	}
	c.edge.count.delivered.Add(1)
	c.sentUpTo = max(c.sentUpTo, d.seq)
	if f.qos == 0 {
		c.served = true
		return
	}
	c.unacked[id] = d
	d.open++
}

// nextID is a packet id of ours that is free. It has nothing to do with those that the client gives its own packets.
func (c *client) nextID() uint16 {
	for {
		c.lastID++
		if _, used := c.unacked[c.lastID]; c.lastID != 0 && !used {
			return c.lastID
		}
	}
}

// acknowledged takes a PUBACK. One that refuses counts too: the client has decided not to have the message.
func (c *client) acknowledged(id uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, ok := c.unacked[id]
	if !ok {
		return // of the time before it lost its session, perhaps
	}
	delete(c.unacked, id)
	d.open--
	c.served = true
	for len(c.sent) > 0 && c.sent[0].open == 0 {
		c.sent[0] = nil
		c.sent = c.sent[1:]
	}
	c.progress = c.edge.now.Load()
	poke(c.wake)
}

// position is up to where all rows were delivered and acknowledged. hub.mu and c.mu are held.
func (c *client) position(hubAt int64) int64 {
	switch {
	case len(c.sent) > 0:
		return c.sent[0].seq - 1
	case len(c.queue) > 0:
		return c.queue[0].seq - 1
	case c.attached:
		return max(c.seen, hubAt)
	}
	return c.seen
}

// follow sees to it that someone brings rows: the hub or, if the client has fallen behind it, a reader of its own.
func (c *client) follow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.followLocked()
}

func (c *client) followLocked() {
	if c.attached || c.following || c.over || len(c.filters) == 0 || c.ctx.Err() != nil {
		return
	}
	c.following = true
	c.work.Go(c.catchUp)
}

var errAttached = errors.New("the hub has taken over")

// catchUp reads the log from where the client is, as fast as it takes the messages, until it can join the hub.
func (c *client) catchUp() {
	for c.awaitRoom() {
		c.mu.Lock()
		seen := c.seen
		c.mu.Unlock()
		if c.edge.hub.attach(c) {
			return
		}
		err := c.edge.opts.Feed.Tail(c.ctx, seen, func(row Row) error {
			if err := c.take(row); err != nil {
				return err
			}
			c.mu.Lock()
			alone := c.alone()
			c.mu.Unlock()
			if !alone && c.edge.hub.attach(c) { // the hub may be busy: who can't join does not ask
				return errAttached
			}
			return nil
		})
		switch {
		case errors.Is(err, errAttached):
			return
		case c.ctx.Err() != nil:
		case errors.Is(err, ErrTrimmed):
			c.edge.endSession(c.session, "the log was trimmed past its position")
		case err != nil:
			c.unserved(err)
		}
	}
	c.mu.Lock()
	c.following = false
	c.mu.Unlock()
}

// byText is the order in which what a row holds for several filters is sent.
func byText(a, b *filter) int { return strings.Compare(a.text, b.text) }

// take queues one row, when there is room.
func (c *client) take(row Row) error {
	seq := row.Seq()
	c.mu.Lock()
	c.reading = seq // from here on a new filter begins after this row
	filters := make([]*filter, 0, len(c.filters))
	for _, f := range c.filters {
		if seq > f.start {
			filters = append(filters, f)
		}
	}
	c.mu.Unlock()
	slices.SortFunc(filters, byText)
	for _, f := range filters {
		if err := c.takeFor(f, row); err != nil {
			return err
		}
	}
	c.mu.Lock()
	c.seen = seq
	c.mu.Unlock()
	return nil
}

// takeFor queues what a row holds for one filter, when there is room. It is a delivery for each, since all that a row of
// thousands of readings holds for a hundred filters would be hundreds of megabytes.
func (c *client) takeFor(f *filter, row Row) error {
	if !c.awaitRoom() {
		return context.Cause(c.ctx)
	}
	msgs, err := render(f.sub, row)
	if err != nil || len(msgs) == 0 {
		return err
	}
	for {
		c.mu.Lock()
		taken := c.push(row.Seq(), []part{{f, msgs}})
		c.mu.Unlock()
		if taken {
			return nil
		}
		select {
		case <-c.room: // half of the queue may be free, and it is too large for the other
		case <-c.ctx.Done():
			return context.Cause(c.ctx)
		}
	}
}

// awaitRoom waits until half of the queue is free. false: the connection is ending.
func (c *client) awaitRoom() bool {
	for c.ctx.Err() == nil {
		c.mu.Lock()
		free := c.hasRoom()
		c.mu.Unlock()
		if free {
			return true
		}
		select {
		case <-c.room:
		case <-c.ctx.Done():
		}
	}
	return false
}

// alone says whether a subscription of the client is not for the hub. c.mu is held.
func (c *client) alone() bool {
	for _, f := range c.filters {
		if f.key == "" {
			return true
		}
	}
	return false
}

// mayReadAlone says whether there is room for one more client that reads the log by itself, or c is one already.
func (e *Edge) mayReadAlone(c *client) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, s := range e.sessions {
		if s.conn == nil || !s.conn.resumed {
			continue
		}
		s.conn.mu.Lock()
		alone := s.conn.alone()
		s.conn.mu.Unlock()
		if alone && s.conn == c {
			return true
		}
		if alone {
			n++
		}
	}
	return n < e.limits.MaxAlone
}

func (c *client) hasRoom() bool { return c.queued <= c.edge.limits.Queue/2 }

// unserved ends a connection whose deliveries can't be made just now. Its session stays where it is, so nothing is lost.
func (c *client) unserved(err error) {
	slog.ErrorContext(c.ctx, "an MQTT client can't be served", "client", c.session.id, "err", err)
	c.edge.count.unserved.Add(1)
	c.link.end(packets.Code{Code: packets.ErrImplementationSpecificError.Code, Reason: "the log could not be read; connect again"})
}
