package mqtt

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
	"github.com/mochi-mqtt/server/v2/packets"
	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/city/guard"
)

// Whatever a client that was let in sends, its connection ends in order, every message is accounted for, and the process
// goes on. Panics of the codec count as ends.
func FuzzPackets(f *testing.F) {
	for _, pk := range []packets.Packet{
		publish("A", "1", 1, 1), publish("A", "bad", 2, 2), publish("nowhere", "x", 0, 0), ack(packets.Puback, 1), ack(packets.Pubrel, 2),
		{FixedHeader: packets.FixedHeader{Type: packets.Subscribe}, PacketID: 1, Filters: packets.Subscriptions{{Filter: "A", Qos: 1}, {Filter: "#"}}},
		{FixedHeader: packets.FixedHeader{Type: packets.Unsubscribe}, PacketID: 1, Filters: packets.Subscriptions{{Filter: "A"}}},
		{FixedHeader: packets.FixedHeader{Type: packets.Disconnect}},
	} {
		f.Add(mustEncode(f, pk), byte(5))
		f.Add(mustEncode(f, pk), byte(4))
	}
	f.Add([]byte{0x82, 6, 0, 1, 0, 0, 1, 'a'}, byte(5))
	f.Add([]byte{0x30, 9, 0, 0, 3, 35, 0, 1, 'x', 'y', 'z'}, byte(5))
	slog.SetDefault(slog.New(slog.DiscardHandler))
	w := newWorld(f)
	l := w.edge.listeners[0]
	f.Fuzz(func(t *testing.T, sent []byte, how byte) {
		version := 4 + how&1
		ours, theirs := net.Pipe()
		over := make(chan struct{})
		go func() {
			defer close(over)
			l.handle(context.Background(), theirs)
		}()
		go io.Copy(io.Discard, ours)
		pk := hello("c", "s")
		if how&2 != 0 {
			keepSession(&pk) // slower, since it is written
		}
		pk.ProtocolVersion = version
		hi, err := encode(pk)
		if err != nil {
			t.Fatal(err)
		}
		ours.SetWriteDeadline(time.Now().Add(patience))
		_, _ = ours.Write(append(hi, sent...)) // the edge may hang up before the end
		ours.Close()
		<-over
		w.edge.mu.Lock()
		connected := w.edge.connected
		w.edge.mu.Unlock()
		if connected != 0 || len(w.edge.hub.members) != 0 || len(w.edge.hub.groups) != 0 {
			t.Fatalf("%d connected, %d members, %d groups", connected, len(w.edge.hub.members), len(w.edge.hub.groups))
		}
	})
	w.edge.Stop() // waits for the dead letters
	c := w.edge.Counts()["tcp"]
	if c.Received != c.Accepted+c.Refused+c.Failed {
		f.Errorf("%+v does not add up", c)
	}
}

func FuzzMaskedText(f *testing.F) {
	f.Add("call 13812345678", 9)
	f.Add("\xff\x00é", 2)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = limit & 0xFFFF
		got := maskedText(s, limit)
		if len(got) > limit || !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Errorf("maskedText(%q, %d) = %q", s, limit, got)
		}
		if len(got) < limit && guard.Reveals(got) {
			t.Errorf("maskedText(%q, %d) = %q reveals something", s, limit, got)
		}
	})
}

func TestEncodesAsMochiDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pk := packets.Packet{ProtocolVersion: rapid.SampledFrom([]byte{4, 5}).Draw(t, "version")}
		pk.FixedHeader = packets.FixedHeader{Type: packets.Publish, Qos: rapid.Byte().Draw(t, "qos") & 1}
		pk.TopicName = rapid.StringN(1, 300, 300).Draw(t, "topic")
		pk.Payload = make([]byte, rapid.SampledFrom([]int{0, 1, 100, 118, 127, 128, 16_000, 16_383, 16_384, 2_097_152}).Draw(t, "size"))
		identifier := 0
		if pk.FixedHeader.Qos > 0 {
			pk.PacketID, pk.FixedHeader.Dup = rapid.Uint16Min(1).Draw(t, "id"), rapid.Bool().Draw(t, "dup")
		}
		if pk.ProtocolVersion == 5 && rapid.Bool().Draw(t, "identified") {
			identifier = rapid.IntRange(1, 268_435_455).Draw(t, "identifier")
			pk.Properties.SubscriptionIdentifier = []int{identifier}
		}
		want, err := encode(pk)
		if err != nil {
			t.Fatal(err)
		}
		got := appendPublish(nil, pk.ProtocolVersion, pk.FixedHeader.Qos, pk.FixedHeader.Dup, pk.PacketID, identifier, message{pk.TopicName, pk.Payload})
		if !bytes.Equal(got, want) {
			t.Errorf("got %x, want %x", got[:min(len(got), 40)], want[:min(len(want), 40)])
		}
		a := ack(packets.Puback, rapid.Uint16().Draw(t, "ack"))
		a.ProtocolVersion = pk.ProtocolVersion
		if want, _ := encode(a); !bytes.Equal(appendAck(nil, packets.Puback, a.PacketID), want) {
			t.Errorf("PUBACK %d", a.PacketID)
		}
	})
}

// Packets may be split over WebSocket messages in any way; text is no MQTT.
func TestWebSocketFrames(t *testing.T) {
	w := newWorld(t)
	w.edge.Stop()
	var err error
	w.edge, err = New(Options{
		Listeners: []Listen{{Name: "ws", Addr: ":0", WebSocket: true}}, Intake: w.intake, Feed: w.log, Auth: passwords{}, DB: w.db, Clock: w.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.edge.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}}
	c, _, err := dialer.Dial("ws://"+w.edge.Addr("ws").String()+"/mqtt", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Subprotocol() != "mqtt" {
		t.Errorf("subprotocol %q", c.Subprotocol())
	}
	all := mustEncode(t, hello("c", "s"))
	for i := range 3 {
		all = append(all, mustEncode(t, publish("A", fmt.Sprint(i), 1, uint16(i+1)))...)
	}
	for _, cut := range []int{1, 0, 7, 20} {
		cut = min(cut, len(all))
		if err := c.WriteMessage(websocket.BinaryMessage, all[:cut]); err != nil {
			t.Fatal(err)
		}
		all = all[cut:]
	}
	if err := c.WriteMessage(websocket.BinaryMessage, all); err != nil {
		t.Fatal(err)
	}
	stream := newRaw(t, &webConn{Conn: c.NetConn(), ws: c}, 5)
	stream.expect(packets.Connack)
	for i := range 3 {
		if got := stream.expect(packets.Puback); got.PacketID != uint16(i+1) {
			t.Errorf("got %d", got.PacketID)
		}
	}
	if err := c.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	stream.closed()
}
