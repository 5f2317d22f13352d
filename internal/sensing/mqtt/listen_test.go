package mqtt

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// A SUBSCRIBE of MQTT 5 that ends before its options makes mochi's decoder panic.
func TestCodecPanicEndsOneConnection(t *testing.T) {
	w := newWorld(t)
	other := w.join(5, "other", "o")
	c := w.join(5, "c", "s")
	if _, err := c.conn.Write([]byte{0x82, 6, 0, 1, 0, 0, 1, 'a'}); err != nil {
		t.Fatal(err)
	}
	if got := c.expect(packets.Disconnect); got.ReasonCode != 0x81 {
		t.Errorf("code %#x", got.ReasonCode)
	}
	c.closed()
	other.sync()
	if n := w.edge.count.panics.Load(); n != 1 {
		t.Errorf("%d panics counted", n)
	}
	w.join(5, "c", "s")
}

func TestSlowConnect(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.ConnectTimeout = 50 * time.Millisecond })
	c := w.dial(5)
	if _, err := c.conn.Write([]byte{0x10}); err != nil {
		t.Fatal(err)
	}
	c.closed()
	w.join(5, "c", "s").sync()
}

func TestKeepalive(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.ConnectTimeout = time.Minute })
	c := w.join(5, "c", "s", func(pk *packets.Packet) { pk.Connect.Keepalive = 1 })
	if got := c.expect(packets.Disconnect); got.ReasonCode != 0x8D {
		t.Errorf("code %#x", got.ReasonCode)
	}
	c.closed()
	_, hi := w.connect(5, "c", "s", func(pk *packets.Packet) { pk.Connect.Keepalive = 0 })
	if !hi.Properties.ServerKeepAliveFlag || hi.Properties.ServerKeepAlive != 3600 {
		t.Errorf("CONNACK %+v", hi.Properties)
	}
}

func TestProtocolViolations(t *testing.T) {
	w := newWorld(t)
	for name, tc := range map[string]struct {
		bytes []byte
		code  byte
	}{
		"second CONNECT": {mustEncode(t, hello("c", "s")), 0x82},
		"PUBREC":         {[]byte{0x50, 2, 0, 1}, 0x82},
		"AUTH":           {[]byte{0xF0, 2, 0x18, 0}, 0x82},
		"wildcard topic": {mustEncode(t, publish("a/#", "1", 1, 1)), 0x82},
		"packet id 0":    {[]byte{0x32, 6, 0, 1, 'a', 0, 0, 0}, 0x82},
		"no filters":     {[]byte{0x82, 3, 0, 1, 0}, 0x82},
	} {
		c := w.join(5, "c", "s")
		if _, err := c.conn.Write(tc.bytes); err != nil {
			t.Fatal(err)
		}
		if got := c.expect(packets.Disconnect); got.ReasonCode != tc.code {
			t.Errorf("%s: code %#x, want %#x", name, got.ReasonCode, tc.code)
		}
		c.closed()
	}
	c := w.dial(5) // something else first
	if _, err := c.conn.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	c.closed()
}

func mustEncode(t testing.TB, pk packets.Packet) []byte {
	t.Helper()
	pk.ProtocolVersion = 5
	b, err := encode(pk)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestStartsAndStops(t *testing.T) {
	d := dbtest.SQLite(t, Migrations())
	log := newMemLog()
	before := runtime.NumGoroutine()
	for range 3 {
		e, err := New(Options{
			Listeners: []Listen{{Name: "tcp", Addr: "127.0.0.1:0"}, {Name: "ws", Addr: ":0", WebSocket: true}},
			Intake:    newMemIntake(log), Feed: log, Auth: passwords{}, DB: d, Clock: clock.System(),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"tcp", "ws"} {
			if host, _, _ := net.SplitHostPort(e.Addr(name).String()); host != "127.0.0.1" {
				t.Errorf("%s listens on %s", name, host)
			}
		}
		w := &world{t: t, edge: e, log: log}
		c := w.join(5, "c", "s", keepSession)
		c.subscribe(1, "A")
		log.say("A", "m0")
		c.take()
		c.settle()
		idle := w.dial(5) // has not said a word
		e.Stop()
		if got := c.expect(packets.Disconnect); got.ReasonCode != 0x8B {
			t.Errorf("code %#x", got.ReasonCode)
		}
		idle.closed()
		e.Stop()
		if _, err := net.Dial("tcp", e.Addr("tcp").String()); err == nil {
			t.Error("still listening")
		}
	}
	for i := 0; runtime.NumGoroutine() > before; i++ { // those that have ended may not be off the list yet
		if i > 1e6 {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
		runtime.Gosched()
	}
}

func TestStartFailsClean(t *testing.T) {
	w := newWorld(t)
	taken := w.edge.Addr("tcp").String()
	e, err := New(Options{
		Listeners: []Listen{{Name: "a", Addr: ":0"}, {Name: "b", Addr: taken}},
		Intake:    w.intake, Feed: newMemLog(), Auth: passwords{}, DB: w.db, Clock: w.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(context.Background()); err == nil || !strings.Contains(err.Error(), "mqtt listener b") {
		t.Errorf("got %v", err)
	}
	e.Stop()
	if _, err := net.Dial("tcp", e.Addr("a").String()); err == nil {
		t.Error("the first listener is still open")
	}
	for _, bad := range [][]Listen{{{Name: "", Addr: ":0"}}, {{Name: "a", Addr: ":0"}, {Name: "a", Addr: ":0"}}} {
		if _, err := New(Options{Listeners: bad, Intake: w.intake, Feed: w.log, Auth: passwords{}, DB: w.db, Clock: w.clock}); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

// testTLS is a certificate for 127.0.0.1 and the configuration that trusts it.
func testTLS(t testing.TB) (server, client *tls.Config) {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	t.Cleanup(s.Close)
	client = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	return &tls.Config{Certificates: s.TLS.Certificates}, client
}
