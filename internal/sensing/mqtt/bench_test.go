package mqtt

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// BenchmarkPublish is 8 clients with 100 QoS 1 messages in flight each, against an Intake that commits at once in memory.
// Client and server share the machine.
func BenchmarkPublish(b *testing.B) {
	for _, version := range []byte{4, 5} {
		b.Run(fmt.Sprint("v", version), func(b *testing.B) {
			w := newWorld(b)
			w.intake.log = newMemLog() // whatever is taken is not kept
			const clients, inFlight = 8, 100
			conns := make([]*raw, clients)
			for i := range conns {
				conns[i] = w.join(version, fmt.Sprint("gateway", i), "gw")
			}
			b.ResetTimer()
			var all sync.WaitGroup
			for i, c := range conns {
				n := b.N / clients
				if i == 0 {
					n += b.N % clients
				}
				all.Go(func() { pump(b, c, n, inFlight) })
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
		})
	}
}

// pump publishes n messages, at most inFlight of them unacknowledged.
func pump(b *testing.B, c *raw, n, inFlight int) {
	one := publish("v1.1/Datastreams(1)/Observations", `{"result":21.5,"phenomenonTime":"2026-11-28T08:00:00Z"}`, 1, 1)
	one.ProtocolVersion = c.version
	text, err := encode(one)
	if err != nil {
		b.Error(err)
		return
	}
	at := 4 + len(one.TopicName) // of the packet id: two bytes of header, two of length
	if n == 0 {
		return
	}
	c.conn.SetDeadline(time.Time{})
	out := bufio.NewWriterSize(c.conn, 16<<10)
	var ackBuf [4]byte
	sent, acked := 0, 0
	for acked < n {
		for sent < n && sent-acked < inFlight {
			binary.BigEndian.PutUint16(text[at:], uint16(sent%60_000+1))
			if _, err := out.Write(text); err != nil {
				b.Error(err)
				return
			}
			sent++
		}
		if err := out.Flush(); err != nil {
			b.Error(err)
			return
		}
		for {
			if _, err := io.ReadFull(c.r, ackBuf[:]); err != nil {
				b.Error(err)
				return
			}
			if id := binary.BigEndian.Uint16(ackBuf[2:]); ackBuf[0] != 0x40 || id != uint16(acked%60_000+1) {
				b.Errorf("got %x for message %d", ackBuf, acked)
				return
			}
			acked++
			if c.r.Buffered() < 4 {
				break
			}
		}
	}
}

// BenchmarkFanOut is one stream of messages to 50 subscribers. One operation is one message delivered to all.
func BenchmarkFanOut(b *testing.B) {
	for _, qos := range []byte{0, 1} {
		b.Run(fmt.Sprint("qos", qos), func(b *testing.B) {
			w := newWorld(b)
			const subscribers = 50
			var all sync.WaitGroup
			for i := range subscribers {
				c := w.join(5, fmt.Sprint("sub", i), "s")
				c.subscribe(qos, "A")
				all.Go(func() { drain(b, c, b.N) })
			}
			payload := []byte(`{"result":21.5,"phenomenonTime":"2026-11-28T08:00:00Z","@iot.id":1234567890}`)
			b.ResetTimer()
			for range b.N {
				w.log.add(message{"A", payload})
			}
			all.Wait()
			b.ReportMetric(float64(b.N*subscribers)/b.Elapsed().Seconds(), "deliveries/s")
			b.ReportMetric(float64(w.edge.count.fellBehind.Load()), "fell-behind")
		})
	}
}

func drain(b *testing.B, c *raw, n int) {
	c.conn.SetDeadline(time.Time{})
	var acks bytes.Buffer
	body := make([]byte, 1<<10)
	for range n {
		var fh packets.FixedHeader
		first, err := c.r.ReadByte()
		if err == nil {
			err = fh.Decode(first)
		}
		if err == nil {
			fh.Remaining, _, err = packets.DecodeLength(c.r)
		}
		if err == nil {
			_, err = io.ReadFull(c.r, body[:fh.Remaining])
		}
		if err != nil || fh.Type != packets.Publish {
			b.Errorf("type %d: %v", fh.Type, err)
			return
		}
		if fh.Qos > 0 {
			acks.Write([]byte{0x40, 2})
			acks.Write(body[2+1 : 2+1+2])
		}
		if c.r.Buffered() == 0 && acks.Len() > 0 {
			if _, err := acks.WriteTo(c.conn); err != nil {
				b.Error(err)
				return
			}
		}
	}
}
