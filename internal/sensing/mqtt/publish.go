package mqtt

import (
	"strings"
	"sync/atomic"

	"github.com/mochi-mqtt/server/v2/packets"
)

// maxAliases is how many topic aliases an MQTT 5 client may set.
const maxAliases = 64

// receipt is one message on its way from a client to the disk.
type receipt struct {
	client  *client
	qos     byte
	id      uint16
	topic   string
	payload []byte
	size    int

	// first is the receipt of the same QoS 2 packet that came before, if this one is its repetition.
	first    *receipt
	repeated []*client // who waits for it too; guarded by session.mu

	// Written before done is set, read after it was seen.
	outcome outcome
	code    byte
	reason  string
	done    atomic.Bool
}

// published takes a PUBLISH: it gives the message to Intake and keeps its place among the acknowledgements.
func (c *client) published(pk *packets.Packet) packets.Code {
	if code := pk.PublishValidate(maxAliases); code.Code != 0 {
		return code
	}
	if pk.FixedHeader.Qos == 2 && c.version == 5 {
		return packets.ErrQosNotSupported
	}
	topic, ok := c.resolve(pk)
	if !ok {
		return packets.ErrProtocolViolationNoTopic
	}
	r := &receipt{
		client: c, qos: pk.FixedHeader.Qos, id: pk.PacketID, topic: topic, payload: pk.Payload,
		size: len(pk.Payload) + len(topic),
	}
	again := false
	if r.qos == 2 {
		var room bool
		if again, room = c.session.expect(r, c.edge.limits.MaxInFlight); !room {
			return packets.ErrReceiveMaximum // it never says PUBREL
		}
	}
	if !c.admit(r) {
		return packets.ErrUnspecifiedError // the connection is ending
	}
	if again {
		poke(c.wake)
		return packets.Code{}
	}
	c.from.received.Add(1)
	c.edge.inFlight.Add(int64(r.size))
	c.edge.opts.Intake.Publish(c.ctx, topic, pk.Payload, r.settle)
	return packets.Code{}
}

// resolve is the topic of a PUBLISH, which MQTT 5 may abbreviate.
func (c *client) resolve(pk *packets.Packet) (string, bool) {
	if !pk.Properties.TopicAliasFlag {
		return pk.TopicName, true
	}
	alias := pk.Properties.TopicAlias
	if pk.TopicName == "" {
		topic, ok := c.aliases[alias]
		return topic, ok
	}
	if c.aliases == nil {
		c.aliases = map[uint16]string{}
	}
	c.aliases[alias] = strings.Clone(pk.TopicName) // mochi's string keeps the whole packet in memory
	return pk.TopicName, true
}

// admit waits until the client has room for one more message in flight. false: the connection is ending.
func (c *client) admit(r *receipt) bool {
	limits := &c.edge.limits
	c.mu.Lock()
	for c.inFlight >= limits.MaxInFlight || c.inFlight > 0 && (c.inFlightBytes+r.size > limits.MaxInFlightBytes ||
		c.edge.inFlight.Load()+int64(r.size) > limits.MaxInFlightAll) {
		c.mu.Unlock()
		select {
		case <-c.slots:
		case <-c.ctx.Done():
			return false
		}
		c.mu.Lock()
	}
	c.inFlight++
	c.inFlightBytes += r.size
	if r.qos > 0 {
		c.acks = append(c.acks, r)
	}
	c.mu.Unlock()
	return true
}

// settle is called by Intake.
func (r *receipt) settle(err error) {
	c := r.client
	r.outcome, r.code, r.reason = judge(err)
	switch r.outcome {
	case accepted:
		c.from.accepted.Add(1)
	case failed:
		c.from.failed.Add(1)
	case refused: // it is answered for once it is kept
		c.edge.letters.put(letter{
			DeadLetter: DeadLetter{
				Time: c.edge.opts.Clock.Now(), Listener: c.from.Name, Client: c.session.id, Topic: r.topic, Code: int(r.code),
				Reason: r.reason,
			},
			payload: r.payload, done: r.kept,
		})
		return
	}
	r.settled()
}

// kept is called when the dead letter is on disk, or can't be.
func (r *receipt) kept(err error) {
	if err != nil {
		r.outcome, r.code = failed, packets.ErrImplementationSpecificError.Code
		r.client.from.failed.Add(1)
	} else {
		r.client.from.refused.Add(1)
	}
	r.settled()
}

func (r *receipt) settled() {
	c := r.client
	c.edge.inFlight.Add(-int64(r.size))
	r.topic, r.payload = "", nil // a QoS 2 receipt lives on until PUBREL, and mochi's string keeps the whole packet in memory
	r.done.Store(true)
	if r.qos == 0 {
		c.mu.Lock()
		c.leave(r)
		c.mu.Unlock()
		return
	}
	if r.qos == 2 {
		c.session.settled(r)
	}
	poke(c.wake)
}

// leave ends a message's time in flight. c.mu is held.
func (c *client) leave(r *receipt) {
	c.inFlight--
	c.inFlightBytes -= r.size
	poke(c.slots)
}

// writeAcks encodes what may be acknowledged now, in the order of the client's packets. c.mu is held.
func (c *client) writeAcks() {
	for len(c.acks) > 0 && c.out.Len() < maxOut {
		r := c.acks[0]
		said := r
		if r.first != nil {
			said = r.first
		}
		if !said.done.Load() {
			return
		}
		if said.outcome == failed && c.version < 5 {
			// 3.1.1 has no word for it but the end of the connection, after which the client sends again.
			c.edge.count.closedUnstored.Add(1)
			c.link.end(packets.ErrImplementationSpecificError)
			return
		}
		c.acks[0] = nil
		c.acks = c.acks[1:]
		c.leave(r)
		c.writeAck(r, said)
	}
}

func (c *client) writeAck(r, said *receipt) {
	kind := packets.Puback
	if r.qos == 2 {
		kind = packets.Pubrec
	}
	if said.code == 0 || c.version < 5 {
		c.out.Write(appendAck(c.out.AvailableBuffer(), kind, r.id))
		return
	}
	pk := packets.Packet{
		ProtocolVersion: c.version, PacketID: r.id, ReasonCode: said.code, Mods: c.mods(),
		FixedHeader: packets.FixedHeader{Type: kind}, Properties: packets.Properties{ReasonString: said.reason},
	}
	if err := pk.PubackEncode(&c.out); err != nil { // PUBREC has the same form
		panic(err) // it writes to memory
	}
}

// released takes a PUBREL: the packet id is free, and may mean another message from now on.
func (c *client) released(id uint16) packets.Code {
	pk := packets.Packet{
		ProtocolVersion: c.version, PacketID: id, Mods: c.mods(), FixedHeader: packets.FixedHeader{Type: packets.Pubcomp},
	}
	if !c.session.release(id) && c.version == 5 {
		pk.ReasonCode = packets.ErrPacketIdentifierNotFound.Code
	}
	return c.send(func() error { return pk.PubcompEncode(&c.scratch) })
}
