package mqtt

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

func TestStalledSubscriberDelaysNoOther(t *testing.T) {
	for _, qos := range []byte{0, 1} {
		t.Run(fmt.Sprint(qos), func(t *testing.T) {
			w := newWorld(t, virtual)
			stalled := w.join(5, "stalled", "s", keepSession)
			stalled.conn.(*net.TCPConn).SetReadBuffer(4096)
			stalled.subscribe(qos, "Observations")
			other := w.join(5, "other", "o")
			other.subscribe(1, "Observations")
			big := strings.Repeat("x", 64<<10)
			const n = 400 // 25 MiB: more than sockets, windows and queues hold
			var senders sync.WaitGroup
			senders.Go(func() {
				for i := range n {
					w.log.say("Observations", "%d %s", i, big)
				}
			})
			for i := range n {
				if got := string(other.take().Payload[:4]); !strings.HasPrefix(got, fmt.Sprint(i, " ")) {
					t.Fatalf("got %s, want %d", got, i)
				}
			}
			senders.Wait()
			other.sync() // its last acknowledgement has come before time flies
			w.passUntil(func() bool { return w.edge.count.stalled.Load() == 1 })
			other.sync()
			if qos == 0 {
				return
			}
			stalled.conn.Close()
			back, hi := w.connect(5, "stalled", "s", keepSession)
			if !hi.SessionPresent {
				t.Fatal("the session is gone")
			}
			for i := range n {
				if got := string(back.take().Payload[:4]); !strings.HasPrefix(got, fmt.Sprint(i, " ")) {
					t.Fatalf("got %s, want %d", got, i)
				}
			}
		})
	}
}

// A QoS 1 subscriber that reads but acknowledges nothing is told why it is closed.
func TestSubscriberWithoutAcknowledgements(t *testing.T) {
	w := newWorld(t, virtual)
	c := w.join(5, "silent", "s", receiveMaximum(2))
	c.subscribe(1, "Observations")
	for i := range 3 {
		w.log.say("Observations", "m%d", i)
	}
	c.expect(packets.Publish)
	c.expect(packets.Publish)
	w.pass(DefaultStallAfter / 2)
	c.sync() // still there, and no third message
	w.passUntil(func() bool { return w.edge.count.stalled.Load() == 1 })
	if got := c.expect(packets.Disconnect); got.ReasonCode != 0x97 {
		t.Errorf("code %#x", got.ReasonCode)
	}
}

func TestOwnPacketIDs(t *testing.T) {
	for _, version := range []byte{4, 5} {
		w := newWorld(t)
		c := w.join(version, "both", "b")
		c.subscribe(1, "Observations")
		c.send(publish("Observations", "m0", 1, 1))
		var delivered, acknowledged int
		for delivered+acknowledged < 2 {
			switch pk, err := c.read(); {
			case err != nil:
				t.Fatal(err)
			case pk.FixedHeader.Type == packets.Puback && pk.PacketID == 1:
				acknowledged++
			case pk.FixedHeader.Type == packets.Publish && pk.PacketID == 1: // the same id, another message
				delivered++
			default:
				t.Fatalf("got %+v", pk)
			}
		}
		// The delivery 1 is still open while the client's own 1 comes again.
		c.send(publish("other", "x", 1, 1))
		if got := c.expect(packets.Puback); got.PacketID != 1 {
			t.Fatalf("got %+v", got)
		}
		c.send(ack(packets.Puback, 1))
		w.log.say("Observations", "m1")
		if got := c.take(); string(got.Payload) != "m1" || got.PacketID == 0 {
			t.Fatalf("got %+v", got)
		}
	}
}

func TestReceiveMaximum(t *testing.T) {
	for _, tc := range []struct {
		version byte
		window  int
		change  func(*packets.Packet)
	}{
		{5, 1, receiveMaximum(1)},
		{5, 7, receiveMaximum(7)},
		{4, DefaultWindow, func(*packets.Packet) {}},
	} {
		w := newWorld(t)
		c := w.join(tc.version, "sub", "s", tc.change)
		c.subscribe(1, "Observations")
		for i := range tc.window + 5 {
			w.log.say("Observations", "m%d", i)
		}
		var open []uint16
		for range tc.window {
			open = append(open, c.expect(packets.Publish).PacketID)
		}
		c.sync() // nothing else comes
		rand.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
		for _, id := range open { // one out, one in
			c.send(ack(packets.Puback, id))
		}
		c.takeAll(tc.window, 5)
	}
}

func TestSlowSpell(t *testing.T) {
	for _, qos := range []byte{0, 1} {
		t.Run(fmt.Sprint(qos), func(t *testing.T) {
			const n = 50_000
			w := newWorld(t, func(w *world) { w.limits.Queue = 64 << 10 })
			c := w.join(4, "slow", "s", keepSession)
			c.subscribe(qos, "Observations")
			w.log.say("Observations", "m0")
			c.takeAll(0, 1)
			pad := strings.Repeat(" ", 200)
			for i := 1; i < n; i++ {
				w.log.add(message{"noise", []byte(pad)}, message{"Observations", fmt.Appendf(nil, "m%d%s", i, pad)})
			}
			for i := 1; i < n; i++ {
				if got := strings.TrimSpace(string(c.take().Payload)); got != fmt.Sprintf("m%d", i) {
					t.Fatalf("got %s, want m%d", got, i)
				}
			}
			if w.edge.count.fellBehind.Load() == 0 {
				t.Error("it never fell behind; the test shows nothing")
			}
			w.log.say("Observations", "m%d", n)
			c.takeAll(n, 1)
		})
	}
}

func TestResumeAfterRestart(t *testing.T) {
	for _, version := range []byte{4, 5} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			w := newWorld(t)
			c := w.join(version, "sub", "s", keepSession)
			c.subscribe(1, "Observations")
			for i := range 12 {
				w.log.say("Observations", "m%d", i)
			}
			c.takeAll(0, 5)
			for round := range 3 {
				c.settle()
				c.conn.Close()
				w.edge.Stop()
				w.log.say("Observations", "m%d", 12+round) // while the server is away
				w.start()
				var hi packets.Packet
				if c, hi = w.connect(version, "sub", "s", keepSession); !hi.SessionPresent {
					t.Fatal("the session is gone")
				}
				c.takeAll(5+3*round, 3) // what was not acknowledged comes again
			}
		})
	}
}

// What was sent and not acknowledged comes again with DUP, what was never sent without.
func TestDup(t *testing.T) {
	w := newWorld(t)
	c := w.join(5, "sub", "s", keepSession, receiveMaximum(2))
	c.subscribe(1, "Observations")
	for i := range 3 {
		w.log.say("Observations", "m%d", i)
	}
	c.expect(packets.Publish)
	c.expect(packets.Publish)
	c.conn.Close()
	c = w.join(5, "sub", "s", keepSession)
	for i, want := range []bool{true, true, false} {
		if got := c.take(); got.FixedHeader.Dup != want || string(got.Payload) != fmt.Sprintf("m%d", i) {
			t.Errorf("%s: DUP %v, want %v", got.Payload, got.FixedHeader.Dup, want)
		}
	}
}

func TestFilterStartsAtSubscribe(t *testing.T) {
	w := newWorld(t)
	w.log.say("A", "before")
	w.log.say("B", "before")
	c := w.join(5, "sub", "s", keepSession, receiveMaximum(1))
	c.subscribe(1, "A")
	for i := range 5 {
		w.log.say("A", "m%d", i)
		w.log.say("B", "too early")
	}
	c.take() // m0; the session lags behind
	c.expect(packets.Publish)
	c.subscribe(1, "B")
	w.log.say("B", "m5")
	c.subscribe(0, "A") // again, with another QoS: it goes on where it is
	w.log.say("A", "m6")
	c.conn.Close() // m1 is open
	c = w.join(5, "sub", "s", keepSession)
	c.takeAll(1, 6)
}

func TestSubscriptionIdentifier(t *testing.T) {
	w := newWorld(t)
	c := w.join(5, "sub", "s", keepSession)
	for i, f := range []string{"A", "B"} {
		pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Subscribe}, PacketID: 1}
		pk.Properties.SubscriptionIdentifier = []int{i + 7}
		pk.Filters = packets.Subscriptions{{Filter: f, Qos: 1, NoLocal: true, RetainHandling: 2}}
		c.send(pk)
		c.expect(packets.Suback)
	}
	check := func() {
		t.Helper()
		w.log.add(message{"B", []byte("m")}, message{"A", []byte("m")})
		if a, b := c.take().Properties.SubscriptionIdentifier, c.take().Properties.SubscriptionIdentifier; fmt.Sprint(a, b) != "[7] [8]" {
			t.Errorf("identifiers %v %v", a, b)
		}
	}
	check()
	c.settle()
	c.conn.Close()
	w.restart()
	c = w.join(5, "sub", "s", keepSession)
	check()
}

func TestClientTakesNoLargePackets(t *testing.T) {
	w := newWorld(t)
	c := w.join(5, "sub", "s", func(pk *packets.Packet) { pk.Properties.MaximumPacketSize = 100 })
	c.subscribe(1, "A")
	w.log.say("A", "%s", strings.Repeat("x", 100))
	w.log.say("A", "m0")
	c.takeAll(0, 1)
	if n := w.edge.count.oversize.Load(); n != 1 {
		t.Errorf("%d left out, want 1", n)
	}
}

func TestUnsubscribe(t *testing.T) {
	w := newWorld(t)
	c := w.join(5, "sub", "s", keepSession)
	c.subscribe(1, "A", "B")
	un := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Unsubscribe}, PacketID: 3}
	un.Filters = packets.Subscriptions{{Filter: "A"}, {Filter: "C"}}
	c.send(un)
	if got := c.expect(packets.Unsuback); fmt.Sprint(got.ReasonCodes) != "[0 17]" || got.PacketID != 3 {
		t.Errorf("%v", got)
	}
	w.log.say("A", "gone")
	w.log.say("B", "m0")
	c.takeAll(0, 1)
	c.settle()
	c.conn.Close()
	w.restart()
	c = w.join(5, "sub", "s", keepSession)
	w.log.say("A", "gone")
	w.log.say("B", "m1")
	c.takeAll(1, 1)
}

func TestSubackCodes(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.MaxSubscriptions = 3 })
	filters := []string{"ok", "secret/1", "nothing", "a/+", "#", "$share/g/ok", "broken", "ok2", "ok", "ok3", "ok4"}
	c := w.join(5, "five", "s")
	got := c.subscribe(2, filters...)
	want := []byte{1, 0x87, 0x8F, 0xA2, 0xA2, 0x9E, 0x83, 1, 1, 1, 0x97}
	if fmt.Sprint(got.ReasonCodes) != fmt.Sprint(want) {
		t.Errorf("got %x, want %x", got.ReasonCodes, want)
	}
	if got.Properties.ReasonString != "secret things are not for you" {
		t.Errorf("reason %q", got.Properties.ReasonString)
	}
	c = w.join(4, "four", "s")
	if got := c.subscribe(0, "ok", "secret/1", "nothing"); fmt.Sprint(got.ReasonCodes) != "[0 128 128]" {
		t.Errorf("got %x", got.ReasonCodes)
	}
	root := w.join(4, "root", "root")
	if got := root.subscribe(0, "secret/1"); got.ReasonCodes[0] != 0 {
		t.Errorf("the actor did not reach Compile: %x", got.ReasonCodes)
	}
}

// All who keep up share one reading of the log and one rendering of each row.
func TestHubShares(t *testing.T) {
	w := newWorld(t)
	clients := make([]*raw, 10)
	for i := range clients {
		clients[i] = w.join(5, fmt.Sprint("sub", i), "s")
		clients[i].subscribe(1, "A")
	}
	w.attached(len(clients))
	w.log.set(func(l *memLog) { l.tails = 0 })
	for i := range 100 {
		w.log.say("A", "m%d", i)
		for _, c := range clients {
			c.takeAll(i, 1)
		}
	}
	if n := w.log.renders; n != 100 {
		t.Errorf("%d renderings, want 100", n)
	}
	if n := w.log.tails; n > 1 { // the hub's own, which may have begun before
		t.Errorf("the log was read %d times more", n)
	}
}

// What a subscription costs is paid by its own client: nobody else waits for it, also when it comes to one that kept up.
func TestCostlySubscriptionDelaysNoOther(t *testing.T) {
	costly := make(chan struct{})
	w := newWorld(t, func(w *world) { w.log.costly = costly })
	defer w.edge.Stop() // after costly is closed
	defer close(costly)
	cheap, dear := w.join(5, "cheap", "s"), w.join(5, "dear", "s")
	cheap.subscribe(1, "A")
	dear.subscribe(1, "A")
	w.log.say("A", "m0")
	cheap.takeAll(0, 1)
	dear.takeAll(0, 1)
	dear.subscribe(1, "costly/1")
	for i := 1; i < 4; i++ {
		w.log.say("A", "m%d", i)
		cheap.takeAll(i, 1)
	}
	w.log.say("costly/1", "m4")
	for range 4 {
		costly <- struct{}{}
	}
	dear.takeAll(1, 4)

	// Without it, it is one of all again.
	dear.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Unsubscribe}, PacketID: 2, Filters: packets.Subscriptions{{Filter: "costly/1"}}})
	dear.expect(packets.Unsuback)
	w.log.say("A", "m5")
	dear.takeAll(5, 1)
	cheap.takeAll(5, 1) // or its m5 is rendered after the count began
	w.attached(2)
	w.log.set(func(l *memLog) { l.renders = 0 })
	w.log.say("A", "m6")
	dear.takeAll(6, 1)
	cheap.takeAll(6, 1)
	w.log.set(func(l *memLog) {
		if l.renders != 1 {
			t.Errorf("%d renderings of one row for two clients with one filter", l.renders)
		}
	})
}

// Who reads the log by himself holds rows in memory, so there is only so much room for it.
func TestMaxAlone(t *testing.T) {
	costly := make(chan struct{})
	close(costly)
	w := newWorld(t, func(w *world) { w.limits.MaxAlone, w.log.costly = 1, costly })
	a, b := w.join(5, "a", "s", keepSession), w.join(5, "b", "s")
	for _, c := range []struct {
		client *raw
		filter string
		code   byte
	}{{a, "costly/1", 1}, {b, "costly/2", 0x97}, {b, "A", 1}, {a, "costly/3", 1}, {b, "costly/1", 0x97}} {
		if got := c.client.subscribe(1, c.filter); got.ReasonCodes[0] != c.code {
			t.Errorf("%s: %#x, want %#x", c.filter, got.ReasonCodes[0], c.code)
		}
	}
	a.bye()
	w.log.say("costly/1", "m0")
	if got := b.subscribe(1, "costly/2"); got.ReasonCodes[0] != 1 {
		t.Errorf("%#x", got.ReasonCodes[0])
	}
	if _, ack := w.connect(5, "a", "s", keepSession); ack.ReasonCode != 0x88 {
		t.Errorf("CONNACK %#x", ack.ReasonCode)
	}
	b.bye()
	a = w.join(5, "a", "s", keepSession) // nothing was lost by waiting
	a.takeAll(0, 1)
}

// What a client that does not read keeps in memory is bounded by what one filter gets of a row, however many it has.
func TestLargeRowForManyFilters(t *testing.T) {
	costly := make(chan struct{}) // so that the client reads the log by itself
	close(costly)
	w := newWorld(t, func(w *world) { w.limits.Queue, w.log.costly = 1000, costly })
	filters := []string{"costly/1", "costly/2", "costly/3"}
	var row []message
	for i := range 3000 {
		row = append(row, message{filters[i/1000], fmt.Appendf(nil, "m%d", i)})
	}
	c := w.join(5, "sub", "s", keepSession, receiveMaximum(10))
	c.subscribe(1, filters...)
	w.log.add(row...)
	w.log.say("costly/1", "m3000")
	for range 10 {
		c.expect(packets.Publish)
	}
	w.edge.mu.Lock()
	on := w.edge.sessions["sub"].conn
	w.edge.mu.Unlock()
	on.mu.Lock()
	if len(on.queue) != 1 || on.queued > 14_000 {
		t.Errorf("%d deliveries of %d bytes wait", len(on.queue), on.queued)
	}
	on.mu.Unlock()
	c.conn.Close()

	// What was not acknowledged comes again, the rest too, and all of it in order.
	c = w.join(5, "sub", "s", keepSession)
	c.takeAll(0, 3001)
	c.settle()
	c.conn.Close()
	c = w.join(5, "sub", "s", keepSession)
	w.log.say("costly/2", "m3001")
	c.takeAll(3001, 1)
}

// A row that can't be rendered just now ends the connection of those who should get it, and of nobody else; they go on
// from it later.
func TestRowThatCannotBeRendered(t *testing.T) {
	for _, broken := range []string{"m1", "panic"} {
		w := newWorld(t, func(w *world) { w.log.broken = broken })
		c, other := w.join(5, "c", "s", keepSession), w.join(5, "other", "s")
		c.subscribe(1, "A")
		other.subscribe(1, "B")
		w.log.say("A", "m0")
		c.takeAll(0, 1)
		w.log.say("A", "%s", broken)
		w.log.say("B", "m0")
		if got := c.expect(packets.Disconnect); got.ReasonCode != 0x83 {
			t.Errorf("code %#x", got.ReasonCode)
		}
		c.closed()
		other.takeAll(0, 1)
		c = w.join(5, "c", "s", keepSession) // it reads by itself now, and fails again
		for {
			if pk, err := c.read(); errors.Is(err, io.EOF) { // closed before the reason was written
				break
			} else if err != nil {
				t.Fatal(err)
			} else if pk.FixedHeader.Type == packets.Disconnect {
				break
			} else if string(pk.Payload) != "m0" { // its acknowledgement may have been lost
				t.Fatalf("got %s", pk.Payload)
			}
		}
		w.log.set(func(l *memLog) { l.broken = "" })
		w.log.say("A", "m2")
		c = w.join(5, "c", "s", keepSession)
		var got []string
		for len(got) == 0 || got[len(got)-1] != "m2" {
			got = append(got, string(c.take().Payload))
		}
		if n := len(got); n < 2 || got[n-2] != broken {
			t.Errorf("got %v", got)
		}
	}
}

// A log that can't be read is read again.
func TestLogFails(t *testing.T) {
	w := newWorld(t, virtual)
	c := w.join(5, "c", "s")
	w.log.set(func(l *memLog) { l.fail = errors.New("the disk is away") })
	c.subscribe(1, "A")
	w.log.say("A", "m0")
	w.clock.(*clock.Virtual).AwaitSleepers(2) // the keeper, and the hub
	w.clock.(*clock.Virtual).Advance(retryAfter)
	c.takeAll(0, 1)
}

// The hub does not read while nobody is there.
func TestHubParks(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		c := w.join(5, "c", "s")
		c.subscribe(0, "A")
		w.log.say("A", "m%d", i)
		c.takeAll(i, 1)
		c.bye()
		for reads := true; reads; runtime.Gosched() {
			_, reads = w.edge.hub.reached()
		}
		w.log.say("A", "missed by nobody")
	}
	if w.log.renders != 3 {
		t.Errorf("%d renderings, want 3", w.log.renders)
	}
}

func TestMetrics(t *testing.T) {
	w := newWorld(t)
	w.join(5, "c", "s", keepSession).sync()
	reg := prometheus.NewPedanticRegistry()
	if err := reg.Register(w.edge); err != nil {
		t.Fatal(err)
	}
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.GetName() == "anlan_mqtt_clients" && m.Metric[0].Gauge.GetValue() != 1 {
			t.Errorf("%v", m)
		}
	}
	if len(all) != 12 {
		t.Errorf("%d families", len(all))
	}
}
