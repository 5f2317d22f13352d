//go:build linux

package main

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

// sessionLife is how long, in seconds, the server shall keep a session without a connection.
const sessionLife = 3600

// link is one connection of MQTT 5. It is not safe for concurrent use.
type link struct {
	conn net.Conn
	r    *bufio.Reader
}

// dial connects as a client that wants to go on with its session, and says whether the server still had it.
func dial(s *server, client string) (l *link, present bool, err error) {
	s.mu.Lock()
	addr, secret := s.mqtt, s.device
	s.mu.Unlock()
	conn, err := net.DialTimeout("tcp", addr, answerPatience)
	if err != nil {
		time.Sleep(5 * time.Millisecond) // it may not listen yet; whoever dials tries again
		return nil, false, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	l = &link{conn, bufio.NewReader(conn)}
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	hello := packets.NewControlPacket(packets.CONNECT)
	life := uint32(sessionLife)
	c := hello.Content.(*packets.Connect)
	c.ClientID, c.KeepAlive, c.Properties.SessionExpiryInterval = client, 0, &life
	c.UsernameFlag, c.Username, c.PasswordFlag, c.Password = true, "crash", true, []byte(secret)
	if err := l.write(hello); err != nil {
		return nil, false, err
	}
	answer, err := l.read(answerPatience)
	if err != nil {
		return nil, false, err
	}
	ack, ok := answer.Content.(*packets.Connack)
	if !ok {
		return nil, false, fmt.Errorf("CONNECT was answered by %s", answer.PacketType())
	}
	if ack.ReasonCode != 0 {
		return nil, false, fmt.Errorf("CONNECT was refused: %#x %s", ack.ReasonCode, ack.Properties.ReasonString)
	}
	return l, ack.SessionPresent, nil
}

func (l *link) write(p *packets.ControlPacket) error {
	if err := l.conn.SetWriteDeadline(time.Now().Add(answerPatience)); err != nil {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	if _, err := p.WriteTo(l.conn); err != nil {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	return nil
}

// read is the next packet. patience 0 waits for ever.
func (l *link) read(patience time.Duration) (*packets.ControlPacket, error) {
	var deadline time.Time
	if patience > 0 {
		deadline = time.Now().Add(patience)
	}
	if err := l.conn.SetReadDeadline(deadline); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	p, err := packets.ReadPacket(l.r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	if d, ok := p.Content.(*packets.Disconnect); ok {
		return nil, fmt.Errorf("%w: DISCONNECT %#x", errNoAnswer, d.ReasonCode)
	}
	return p, nil
}

func topic(stream int64) string { return fmt.Sprintf("v1.1/Datastreams(%d)/Observations", stream) }

// streamOf is the datastream of a topic, 0 if it has another form.
func streamOf(topic string) int64 {
	id, _ := strings.CutPrefix(topic, "v1.1/Datastreams(")
	id, _ = strings.CutSuffix(id, ")/Observations")
	n, _ := strconv.ParseInt(id, 10, 64)
	return n
}
