package mqtt

import (
	"bytes"
	"context"
	"sync"

	"github.com/mochi-mqtt/server/v2/packets"
)

// maxOut is how many bytes are gathered before they are written, more or less.
const maxOut = 32 << 10

// client is a connected client: what it has in flight to us, and what is on its way to it.
type client struct {
	edge    *Edge
	link    *link
	from    *listener
	session *session
	ctx     context.Context // carries the actor; ends with the connection
	gone    chan struct{}   // closed when the session may be taken by another connection

	version     byte
	keepalive   uint16
	window      int    // how many deliveries may await the client's acknowledgement
	maxPacket   uint32 // 0: any
	problemInfo bool   // whether it wants to read reasons
	present     bool   // session present
	assigned    string // the client id, if we gave it one
	capped      bool   // it gets a shorter session expiry than it asked for
	shortened   bool   // it gets a shorter keepalive than it asked for
	resumed     bool   // it has its session's filters and position; guarded by Edge.mu

	// Used by the reader alone.
	aliases map[uint16]string
	scratch bytes.Buffer

	wake  chan struct{} // for the writer; these three hold one wake-up
	slots chan struct{} // for the reader: a message has left flight
	room  chan struct{} // for catch-up: the queue has shrunk
	work  sync.WaitGroup

	mu sync.Mutex
	// guarded by mu
	inFlight      int
	inFlightBytes int
	acks          []*receipt
	filters       map[string]*filter // changed only with hub.mu held too
	queue         []*delivery        // to be sent, in the order of the log
	queued        int                // bytes in queue
	sent          []*delivery        // sent and not yet acknowledged, in the order of the log
	unacked       map[uint16]*delivery
	lastID        uint16
	seen          int64 // all rows up to here are queued or were of no interest; if attached see hub.position
	reading       int64 // the row that catch-up is rendering
	sentUpTo      int64 // the newest row of which something was sent
	attached      bool  // in the hub
	following     bool  // catch-up runs
	over          bool  // released
	busy          bool  // the writer is writing
	served        bool  // something was delivered for good since the position was last written
	progress      int64 // Edge.now when last something was written or acknowledged, or began to wait

	out bytes.Buffer // filled with mu held, written by the writer
}

// poke leaves a wake-up if there is none.
func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// mods are the client's wishes as mochi's encoder knows them.
func (c *client) mods() packets.Mods {
	return packets.Mods{MaxSize: c.maxPacket, DisallowProblemInfo: !c.problemInfo}
}

// start begins to send. CONNACK is on its way.
func (c *client) start() {
	c.work.Go(c.write)
	c.follow()
}

// write is the one goroutine that sends acknowledgements and deliveries. What the reader answers by itself (SUBACK,
// PUBCOMP, PINGRESP) goes out between two of its writes.
func (c *client) write() {
	for c.ctx.Err() == nil {
		c.mu.Lock()
		c.out.Reset()
		c.writeAcks()
		c.writeDeliveries()
		c.busy = c.out.Len() > 0
		if c.busy {
			c.progress = c.edge.now.Load()
		}
		c.mu.Unlock()
		if c.busy {
			if _, err := c.link.Write(c.out.Bytes()); err != nil {
				c.link.end(packets.Code{})
				return
			}
			c.mu.Lock()
			c.busy = false
			c.progress = c.edge.now.Load()
			c.mu.Unlock()
			continue
		}
		select {
		case <-c.wake:
		case <-c.ctx.Done():
		}
	}
}

// send writes one packet from the reader.
func (c *client) send(encode func() error) packets.Code {
	c.scratch.Reset()
	if err := encode(); err != nil {
		return packets.ErrImplementationSpecificError
	}
	if _, err := c.link.Write(c.scratch.Bytes()); err != nil {
		return packets.ErrUnspecifiedError // nobody hears it
	}
	return packets.Code{}
}

// stalled says whether the client has something to take and has taken nothing for long.
func (c *client) stalled(now int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	waits := c.busy || len(c.queue) > 0 || len(c.unacked) > 0
	return waits && now-c.progress > c.edge.limits.StallAfter.Microseconds()
}
