package mqtt

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// raw is a client that speaks packet by packet.
type raw struct {
	t       testing.TB
	conn    net.Conn
	r       *bufio.Reader
	version byte
}

func (w *world) dial(version byte) *raw {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.edge.Addr("tcp").String())
	if err != nil {
		w.t.Fatal(err)
	}
	return newRaw(w.t, conn, version)
}

func newRaw(t testing.TB, conn net.Conn, version byte) *raw {
	t.Cleanup(func() { conn.Close() })
	return &raw{t: t, conn: conn, r: bufio.NewReaderSize(conn, 1<<16), version: version}
}

func encode(pk packets.Packet) ([]byte, error) {
	var b bytes.Buffer
	var err error
	switch pk.FixedHeader.Type {
	case packets.Connect:
		err = pk.ConnectEncode(&b)
	case packets.Publish:
		err = pk.PublishEncode(&b)
	case packets.Puback:
		err = pk.PubackEncode(&b)
	case packets.Pubrel:
		pk.FixedHeader.Qos = 1
		err = pk.PubrelEncode(&b)
	case packets.Subscribe:
		pk.FixedHeader.Qos = 1
		err = pk.SubscribeEncode(&b)
	case packets.Unsubscribe:
		pk.FixedHeader.Qos = 1
		err = pk.UnsubscribeEncode(&b)
	case packets.Pingreq:
		err = pk.PingreqEncode(&b)
	case packets.Disconnect:
		err = pk.DisconnectEncode(&b)
	default:
		err = fmt.Errorf("packet type %d", pk.FixedHeader.Type)
	}
	return b.Bytes(), err
}

func (c *raw) send(pk packets.Packet) {
	c.t.Helper()
	pk.ProtocolVersion = c.version
	b, err := encode(pk)
	if err != nil {
		c.t.Fatal(err)
	}
	c.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// read is the next packet, or io.EOF.
func (c *raw) read() (packets.Packet, error) {
	c.conn.SetReadDeadline(time.Now().Add(patience))
	pk := packets.Packet{ProtocolVersion: c.version}
	b, err := c.r.ReadByte()
	if err != nil {
		return pk, err
	}
	if err := pk.FixedHeader.Decode(b); err != nil {
		return pk, err
	}
	if pk.FixedHeader.Remaining, _, err = packets.DecodeLength(c.r); err != nil {
		return pk, err
	}
	body := make([]byte, pk.FixedHeader.Remaining)
	if _, err := io.ReadFull(c.r, body); err != nil {
		return pk, err
	}
	switch pk.FixedHeader.Type {
	case packets.Connack:
		err = pk.ConnackDecode(body)
	case packets.Publish:
		err = pk.PublishDecode(body)
	case packets.Puback, packets.Pubrec, packets.Pubcomp:
		err = pk.PubackDecode(body)
	case packets.Suback:
		err = pk.SubackDecode(body)
	case packets.Unsuback:
		err = pk.UnsubackDecode(body)
	case packets.Disconnect:
		err = pk.DisconnectDecode(body)
	}
	return pk, err
}

// expect is the next packet, which must be of a type.
func (c *raw) expect(kind byte) packets.Packet {
	c.t.Helper()
	pk, err := c.read()
	if err != nil {
		c.t.Fatalf("waiting for %s: %v", packets.PacketNames[kind], err)
	}
	if pk.FixedHeader.Type != kind {
		c.t.Fatalf("got %s (%+v), want %s", packets.PacketNames[pk.FixedHeader.Type], pk, packets.PacketNames[kind])
	}
	return pk
}

// closed waits for the end of the connection.
func (c *raw) closed() {
	c.t.Helper()
	if pk, err := c.read(); err == nil {
		c.t.Fatalf("got %s, want the end of the connection", packets.PacketNames[pk.FixedHeader.Type])
	} else if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
		c.t.Fatal("the connection was not closed")
	}
}

func hello(id, user string) packets.Packet {
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Connect}}
	pk.Connect = packets.ConnectParams{ProtocolName: []byte("MQTT"), ClientIdentifier: id, Clean: true, Keepalive: 60}
	if user != "" {
		pk.Connect.UsernameFlag, pk.Connect.Username = true, []byte(user)
		pk.Connect.PasswordFlag, pk.Connect.Password = true, []byte("pw")
	}
	return pk
}

// connect dials and says hello; change alters the CONNECT.
func (w *world) connect(version byte, id, user string, change ...func(*packets.Packet)) (*raw, packets.Packet) {
	w.t.Helper()
	c := w.dial(version)
	pk := hello(id, user)
	for _, fn := range change {
		fn(&pk)
	}
	c.send(pk)
	return c, c.expect(packets.Connack)
}

// join is connect for a client that must be let in.
func (w *world) join(version byte, id, user string, change ...func(*packets.Packet)) *raw {
	w.t.Helper()
	c, ack := w.connect(version, id, user, change...)
	if ack.ReasonCode != 0 {
		w.t.Fatalf("CONNACK %#x %s", ack.ReasonCode, ack.Properties.ReasonString)
	}
	return c
}

func keepSession(pk *packets.Packet) {
	pk.Connect.Clean = false
	pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = 3600, true
}

func receiveMaximum(n uint16) func(*packets.Packet) {
	return func(pk *packets.Packet) { pk.Properties.ReceiveMaximum = n }
}

func publish(topic, payload string, qos byte, id uint16) packets.Packet {
	return packets.Packet{
		FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: qos}, TopicName: topic, Payload: []byte(payload), PacketID: id,
	}
}

func ack(kind byte, id uint16) packets.Packet {
	return packets.Packet{FixedHeader: packets.FixedHeader{Type: kind}, PacketID: id}
}

// subscribe subscribes at a QoS and returns the reason codes.
func (c *raw) subscribe(qos byte, filters ...string) packets.Packet {
	c.t.Helper()
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Subscribe}, PacketID: 1}
	for _, f := range filters {
		pk.Filters = append(pk.Filters, packets.Subscription{Filter: f, Qos: qos})
	}
	c.send(pk)
	return c.expect(packets.Suback)
}

// take is the next PUBLISH, acknowledged.
func (c *raw) take() packets.Packet {
	c.t.Helper()
	pk := c.expect(packets.Publish)
	if pk.FixedHeader.Qos == 1 {
		c.send(ack(packets.Puback, pk.PacketID))
	}
	return pk
}

// takeAll takes n messages of the form "m<number>", from first on, each exactly once and in order.
func (c *raw) takeAll(first, n int) {
	c.t.Helper()
	for i := first; i < first+n; i++ {
		if got, want := string(c.take().Payload), fmt.Sprintf("m%d", i); got != want {
			c.t.Fatalf("got %s, want %s", got, want)
		}
	}
}

// sync returns when the server has handled all that was sent before.
func (c *raw) sync() {
	c.t.Helper()
	c.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pingreq}})
	c.expect(packets.Pingresp)
}

// settle is sync for a subscriber: what comes in between is thrown away and not acknowledged.
func (c *raw) settle() {
	c.t.Helper()
	c.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pingreq}})
	for {
		pk, err := c.read()
		if err != nil {
			c.t.Fatal(err)
		}
		if pk.FixedHeader.Type == packets.Pingresp {
			return
		}
	}
}

func (c *raw) bye() {
	c.t.Helper()
	c.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Disconnect}})
	c.closed()
}

// letters are all dead letters, the newest first.
func (w *world) letters() []DeadLetter {
	w.t.Helper()
	out, _, err := w.edge.DeadLetters(context.Background(), 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}
