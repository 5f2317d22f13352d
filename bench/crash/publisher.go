//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/eclipse/paho.golang/packets"
)

// underWay is how many messages a publisher may have sent that are not acknowledged.
const underWay = 16

// message is a reading on its way over MQTT.
type message struct {
	number
	id uint16 // of the packet
}

// publisher publishes a sender's readings with QoS 1, several under way. What was not acknowledged when the connection broke
// is published again over the next one, in the same order and before anything new.
type publisher struct {
	*sender
	server *server
	client string
	todo   []number  // taken and not sent
	sent   []message // and not acknowledged
	lastID uint16
}

// publish works until ctx ends and all that was sent is acknowledged.
func (p *publisher) publish(ctx context.Context) {
	for p.gate.pass(ctx) {
		if err := p.connection(ctx); err != nil && !errors.Is(err, errNoAnswer) {
			p.book.note(nil, err)
			break
		}
	}
	for _, m := range p.sent {
		p.book.note([]number{m.number}, errNoAnswer)
	}
}

// connection publishes over one connection until it breaks, or ctx ends.
func (p *publisher) connection(ctx context.Context) error {
	l, _, err := dial(p.server, p.client)
	if err != nil {
		return err
	}
	defer l.conn.Close()
	for _, m := range p.sent {
		p.book.repeat(m.number)
		if err := l.publish(p.streams, m, true); err != nil {
			return err
		}
	}
	for {
		for len(p.sent) < underWay && ctx.Err() == nil {
			if err := l.publish(p.streams, p.nextMessage(), false); err != nil {
				return err
			}
		}
		if len(p.sent) == 0 {
			return nil
		}
		if err := p.acknowledged(l); err != nil {
			return err
		}
	}
}

// nextMessage notes the next reading as sent before it is: a write that fails may have got through.
func (p *publisher) nextMessage() message {
	for len(p.todo) == 0 {
		p.todo = p.take()
	}
	if p.lastID++; p.lastID == 0 {
		p.lastID = 1
	}
	m := message{p.todo[0], p.lastID}
	p.todo, p.sent = p.todo[1:], append(p.sent, m)
	return m
}

func (l *link) publish(streams []int64, m message, again bool) error {
	payload, err := json.Marshal(observation(m.number))
	if err != nil {
		return err
	}
	packet := packets.NewControlPacket(packets.PUBLISH)
	pub := packet.Content.(*packets.Publish)
	pub.Topic, pub.Payload, pub.QoS, pub.PacketID, pub.Duplicate = topic(streams[m.alarm]), payload, 1, m.id, again
	return l.write(packet)
}

// acknowledged takes the next PUBACK, which must be that of the oldest message: acknowledgements keep the order.
func (p *publisher) acknowledged(l *link) error {
	packet, err := l.read(answerPatience)
	if err != nil {
		return err
	}
	ack, ok := packet.Content.(*packets.Puback)
	if !ok || ack.PacketID != p.sent[0].id {
		return fmt.Errorf("expected the PUBACK of packet %d, got %s of packet %d", p.sent[0].id, packet.PacketType(), packet.PacketID())
	}
	if ack.ReasonCode >= 0x80 {
		return fmt.Errorf("PUBLISH was refused: %#x %s", ack.ReasonCode, ack.Properties.ReasonString)
	}
	p.book.note([]number{p.sent[0].number}, nil)
	p.sent = p.sent[1:]
	return nil
}
