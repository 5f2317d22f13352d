package mqtt

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/mochi-mqtt/server/v2/packets"
)

func TestPubackComesAfterTheCommitInOrder(t *testing.T) {
	for _, version := range []byte{4, 5} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.intake.manual = true })
			c := w.join(version, "gateway", "gw")
			for i := range 5 {
				c.send(publish("Observations", fmt.Sprint(i), 1, uint16(10+i)))
			}
			for range 5 { // none waits for another's commit
				<-w.intake.arrived
			}
			c.sync() // PINGRESP is the first packet: nothing was acknowledged yet
			for _, i := range []int{4, 2, 1, 3} {
				w.intake.commit(i)
			}
			c.sync()
			w.intake.commit(0)
			for i := range 5 {
				if got := c.expect(packets.Puback); got.PacketID != uint16(10+i) || got.ReasonCode != 0 {
					t.Fatalf("acknowledgement %d: id %d code %#x", i, got.PacketID, got.ReasonCode)
				}
			}
		})
	}
}

func TestInvalidMessageMQTT5(t *testing.T) {
	w := newWorld(t)
	watcher := w.join(5, "watcher", "w")
	watcher.subscribe(1, "Observations", "nowhere")
	c := w.join(5, "gateway", "gw")
	for i, tc := range []struct {
		topic, payload string
		code           byte
		reason         string
	}{
		{"Observations", "bad", 0x99, "result: expected a number"},
		{"nowhere", "1", 0x90, "there is no topic nowhere"},
		{"secret", "1", 0x87, "not for you"},
		{"Observations", "1", 0, ""},
	} {
		c.send(publish(tc.topic, tc.payload, 1, uint16(i+1)))
		got := c.expect(packets.Puback)
		if got.ReasonCode != tc.code || got.Properties.ReasonString != tc.reason || got.PacketID != uint16(i+1) {
			t.Errorf("%s %s: id %d code %#x %q", tc.topic, tc.payload, got.PacketID, got.ReasonCode, got.Properties.ReasonString)
		}
	}
	if m := watcher.take(); string(m.Payload) != "1" || m.TopicName != "Observations" {
		t.Errorf("an invalid message reached a subscriber: %+v", m)
	}
	if n := len(w.letters()); n != 3 {
		t.Errorf("%d dead letters, want 3", n)
	}
	if got, want := w.edge.Counts()["tcp"], (Count{Received: 4, Accepted: 1, Refused: 3}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}

func TestNoReasonForWhoWantsNone(t *testing.T) {
	w := newWorld(t)
	c := w.join(5, "gateway", "gw", func(pk *packets.Packet) {
		pk.Properties.RequestProblemInfoFlag, pk.Properties.RequestProblemInfo = true, 0
	})
	c.send(publish("Observations", "bad", 1, 1))
	if got := c.expect(packets.Puback); got.ReasonCode != 0x99 || got.Properties.ReasonString != "" {
		t.Errorf("code %#x %q", got.ReasonCode, got.Properties.ReasonString)
	}
}

func TestInvalidMessage311ReachesNobody(t *testing.T) {
	for _, qos := range []byte{0, 1, 2} {
		t.Run(fmt.Sprint(qos), func(t *testing.T) {
			w := newWorld(t)
			watcher := w.join(4, "watcher", "w")
			watcher.subscribe(1, "Observations")
			c := w.join(4, "gateway", "gw")
			c.send(publish("Observations", "bad 13812345678 \xff\x00", qos, min(uint16(qos), 1)*7))
			switch qos {
			case 1:
				c.expect(packets.Puback)
			case 2:
				c.expect(packets.Pubrec)
				c.send(ack(packets.Pubrel, 7))
				c.expect(packets.Pubcomp)
			}
			c.send(publish("Observations", "1", 1, 8))
			c.expect(packets.Puback)
			if m := watcher.take(); string(m.Payload) != "1" {
				t.Errorf("an invalid message reached a subscriber: %q", m.Payload)
			}
			if qos == 0 { // nobody waited for it
				w.edge.Stop()
			}
			all, total, err := w.edge.DeadLetters(context.Background(), 0, 10)
			if err != nil || total != 1 || len(all) != 1 {
				t.Fatalf("%v %d %v", all, total, err)
			}
			l := all[0]
			if l.Client != "gateway" || l.Topic != "Observations" || l.Listener != "tcp" || l.Code != 0x99 || l.Size != 18 ||
				l.Reason != "result: expected a number" || l.Payload != "bad *** \uFFFD\uFFFD" {
				t.Errorf("%+v", l)
			}
		})
	}
}

func TestDeadLettersPagesAndForget(t *testing.T) {
	w := newWorld(t)
	c := w.join(5, "gateway", "gw")
	for i := range 5 {
		c.send(publish("Observations", fmt.Sprintf("bad%d", i), 1, uint16(i+1)))
		c.expect(packets.Puback)
	}
	ctx := context.Background()
	first, total, err := w.edge.DeadLetters(ctx, 0, 2)
	if err != nil || total != 5 || len(first) != 2 || first[0].Payload != "bad4" {
		t.Fatalf("%+v %d %v", first, total, err)
	}
	next, _, err := w.edge.DeadLetters(ctx, first[1].ID, 10)
	if err != nil || len(next) != 3 || next[0].Payload != "bad2" {
		t.Fatalf("%+v %v", next, err)
	}
	if err := w.edge.Forget(ctx, first[0].ID, first[1].ID, 999); err != nil {
		t.Fatal(err)
	}
	rest, total, err := w.edge.DeadLetters(ctx, 0, 10)
	if err != nil || total != 5 || len(rest) != 3 {
		t.Fatalf("%+v %d %v", rest, total, err)
	}
	if _, _, err := w.edge.DeadLetters(ctx, 0, 0); err == nil {
		t.Error("a limit of 0 was taken")
	}
}

func TestFailedCommitIsNeverAcknowledged(t *testing.T) {
	t.Run("5", func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.intake.full = true })
		c := w.join(5, "gateway", "gw")
		c.send(publish("Observations", "1", 1, 1))
		if got := c.expect(packets.Puback); got.ReasonCode != 0x83 {
			t.Errorf("code %#x", got.ReasonCode)
		}
		w.intake.set(func(m *memIntake) { m.full = false })
		c.send(publish("Observations", "1", 1, 1))
		if got := c.expect(packets.Puback); got.ReasonCode != 0 {
			t.Errorf("code %#x", got.ReasonCode)
		}
	})
	for _, qos := range []byte{1, 2} {
		t.Run(fmt.Sprintf("311 qos %d", qos), func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.intake.full = true })
			c := w.join(4, "gateway", "gw", keepSession)
			c.send(publish("Observations", "1", qos, 1))
			c.closed()
			w.intake.set(func(m *memIntake) { m.full = false })
			c = w.join(4, "gateway", "gw", keepSession)
			c.send(publish("Observations", "1", qos, 1))
			c.expect([]byte{0, packets.Puback, packets.Pubrec}[qos])
			if got, want := w.edge.Counts()["tcp"], (Count{Received: 2, Accepted: 1, Failed: 1}); got != want {
				t.Errorf("counts %+v, want %+v", got, want)
			}
		})
	}
}

func TestQoS2IsTakenOnce(t *testing.T) {
	w := newWorld(t, func(w *world) { w.intake.manual = true })
	c := w.join(4, "gateway", "gw", keepSession)
	c.send(publish("Observations", "1", 2, 9))
	<-w.intake.arrived
	// The connection is lost before the commit, and the client repeats itself on the next one.
	c.conn.Close()
	c = w.join(4, "gateway", "gw", keepSession)
	again := publish("Observations", "1", 2, 9)
	again.FixedHeader.Dup = true
	c.send(again)
	c.sync()
	w.intake.commit(0)
	if got := c.expect(packets.Pubrec); got.PacketID != 9 {
		t.Errorf("id %d", got.PacketID)
	}
	c.send(again) // after the commit too
	c.expect(packets.Pubrec)
	c.send(ack(packets.Pubrel, 9))
	c.expect(packets.Pubcomp)
	c.send(publish("Observations", "2", 2, 9)) // now the id means another message
	<-w.intake.arrived
	w.intake.commit(1)
	c.expect(packets.Pubrec)
	if w.intake.taken != 2 {
		t.Errorf("%d messages taken, want 2", w.intake.taken)
	}
}

// A 3.1.1 publisher that never says PUBREL is remembered by its packet ids alone, and only so many of them.
func TestQoS2WithoutPubrel(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.MaxInFlight = 20 })
	c := w.join(4, "gateway", "gw", keepSession)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	large := strings.Repeat("x", DefaultMaxPacket-100)
	for id := range uint16(20) {
		c.send(publish("Observations", "bad"+large, 2, id+1))
		c.expect(packets.Pubrec)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("%d MB are kept", grown>>20)
	}
	c.send(publish("Observations", "1", 2, 1)) // a repetition takes no room
	c.expect(packets.Pubrec)
	c.send(publish("Observations", "1", 2, 21))
	c.closed()
	if n := len(w.letters()); n != 20 {
		t.Errorf("%d letters", n)
	}
}

func TestQoS2IsRefusedInMQTT5(t *testing.T) {
	w := newWorld(t)
	c, hi := w.connect(5, "gateway", "gw")
	if !hi.Properties.MaximumQosFlag || hi.Properties.MaximumQos != 1 {
		t.Errorf("CONNACK %+v", hi.Properties)
	}
	c.send(publish("Observations", "1", 2, 9))
	if got := c.expect(packets.Disconnect); got.ReasonCode != 0x9B {
		t.Errorf("code %#x", got.ReasonCode)
	}
	c.closed()
}

func TestTopicAlias(t *testing.T) {
	w := newWorld(t)
	c, hi := w.connect(5, "gateway", "gw")
	if hi.Properties.TopicAliasMaximum != maxAliases {
		t.Errorf("maximum %d", hi.Properties.TopicAliasMaximum)
	}
	watcher := w.join(5, "watcher", "w")
	watcher.subscribe(0, "Observations")
	for i, topic := range []string{"Observations", "", ""} {
		pk := publish(topic, fmt.Sprintf("m%d", i), 1, 1)
		pk.Properties.TopicAlias, pk.Properties.TopicAliasFlag = 3, true
		c.send(pk)
		c.expect(packets.Puback)
	}
	watcher.takeAll(0, 3)
	pk := publish("", "1", 1, 1)
	pk.Properties.TopicAlias, pk.Properties.TopicAliasFlag = 4, true
	c.send(pk)
	if got := c.expect(packets.Disconnect); got.ReasonCode != 0x82 {
		t.Errorf("code %#x", got.ReasonCode)
	}
}

// More in flight than the server takes at a time is slowed down, not dropped.
func TestBackpressure(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.MaxInFlight, w.intake.manual = 4, true })
	c := w.join(4, "gateway", "gw")
	for i := range 10 {
		c.send(publish("Observations", fmt.Sprint(i), 1, uint16(i+1)))
	}
	for i := range 10 {
		<-w.intake.arrived
		if i >= 4-1 {
			w.intake.commit(i - 3)
		}
	}
	for i := 7; i < 10; i++ {
		w.intake.commit(i)
	}
	for i := range 10 {
		if got := c.expect(packets.Puback).PacketID; got != uint16(i+1) {
			t.Fatalf("got %d, want %d", got, i+1)
		}
	}
}

// All clients together have only so much in flight, but each may have one message: who floods delays no other for good.
func TestInFlightOfAll(t *testing.T) {
	w := newWorld(t, func(w *world) { w.intake.manual, w.limits.MaxInFlightAll = true, 2500 })
	flood, other := w.join(5, "flood", "gw"), w.join(5, "other", "gw")
	kilobyte := strings.Repeat("1", 1000)
	for id := range uint16(3) {
		flood.send(publish("A", kilobyte, 1, id+1))
	}
	<-w.intake.arrived
	<-w.intake.arrived // the third waits
	other.send(publish("A", kilobyte, 1, 1))
	<-w.intake.arrived
	other.send(publish("A", kilobyte, 1, 2)) // this one waits too
	w.intake.commit(2)
	other.expect(packets.Puback)
	<-w.intake.arrived // it has none in flight any more
	w.intake.commit(0)
	flood.expect(packets.Puback)
	w.intake.commit(1)
	flood.expect(packets.Puback)
	<-w.intake.arrived
	w.intake.commit(3)
	w.intake.commit(4)
	flood.expect(packets.Puback)
	other.expect(packets.Puback)
	if n := w.edge.inFlight.Load(); n != 0 {
		t.Errorf("%d bytes are said to be in flight", n)
	}
}

func TestTooLargePacket(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.MaxPacket = 1000 })
	c := w.join(5, "gateway", "gw")
	c.send(publish("Observations", strings.Repeat("x", 1000), 1, 1))
	if got := c.expect(packets.Disconnect); got.ReasonCode != 0x95 {
		t.Errorf("code %#x", got.ReasonCode)
	}
	c.closed()
}

func TestWillIsIgnored(t *testing.T) {
	w := newWorld(t)
	watcher := w.join(5, "watcher", "w")
	watcher.subscribe(1, "Observations", "status")
	c := w.join(4, "gateway", "gw", func(pk *packets.Packet) {
		pk.Connect.WillFlag, pk.Connect.WillRetain, pk.Connect.WillQos = true, true, 1
		pk.Connect.WillTopic, pk.Connect.WillPayload = "status", []byte("offline")
	})
	c.sync()
	c.conn.Close()
	w.log.say("Observations", "1")
	if m := watcher.take(); m.TopicName != "Observations" {
		t.Errorf("got %s", m.TopicName)
	}
	w.edge.Stop()
	if n := w.edge.mochi.Topics.Retained.Len(); n != 0 {
		t.Errorf("%d retained messages", n)
	}
}
