package mqtt

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

func TestStore(t *testing.T) {
	dbtest.Each(t, []db.Migrations{Migrations()}, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		write := func(fn func(tx *db.Tx) error) {
			t.Helper()
			if err := d.Write(ctx, fn); err != nil {
				t.Fatal(err)
			}
		}
		check := func(want string) {
			t.Helper()
			got, err := loadSessions(ctx, d)
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, s := range got {
				text += fmt.Sprintf("%s %v %v @%d gone=%v", s.client, s.owner, s.expiry, s.position, !s.goneAt.IsZero())
				for _, f := range s.filters {
					text += fmt.Sprintf(" %s/%d/%d/%d/%d", f.text, f.qos, f.options, f.identifier, f.start)
				}
				text += "; "
			}
			if text != want {
				t.Errorf("got  %s\nwant %s", text, want)
			}
		}
		check("")
		a := stored{client: "温度计", owner: Owner{access.KindDevice, 7}, expiry: time.Hour, position: 5}
		b := stored{client: "b", owner: Owner{access.KindAccount, 8}, position: 9, goneAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		write(func(tx *db.Tx) error { return putSession(tx, a) })
		write(func(tx *db.Tx) error { return putSession(tx, b) })
		write(func(tx *db.Tx) error {
			return putFilters(tx, a.client, []filter{{text: "B", qos: 1, options: 36, identifier: 1 << 28, start: 6}, {text: "A", start: 7}})
		})
		write(func(tx *db.Tx) error { return putPosition(tx, a.client, 12) })
		write(func(tx *db.Tx) error { return putPosition(tx, a.client, 11) }) // never back
		write(func(tx *db.Tx) error { return putPosition(tx, "nobody", 11) })
		check("b {account 8} 0s @9 gone=true; 温度计 {device 7} 1h0m0s @12 gone=false A/0/0/0/7 B/1/36/268435456/6; ")
		write(func(tx *db.Tx) error { return putFilters(tx, a.client, []filter{{text: "A", qos: 1, start: 7}}) })
		write(func(tx *db.Tx) error { return dropFilters(tx, a.client, []string{"B", "C"}) })
		a.position, a.expiry = 3, 2*time.Hour
		write(func(tx *db.Tx) error { return putSession(tx, a) })
		write(func(tx *db.Tx) error { return deleteSession(tx, "b") })
		check("温度计 {device 7} 2h0m0s @3 gone=false A/1/0/0/7; ")
		write(func(tx *db.Tx) error { return deleteSession(tx, a.client) })
		write(func(tx *db.Tx) error { return putSession(tx, b) })
		check("b {account 8} 0s @9 gone=true; ")

		// Dead letters: the newest are kept, all are counted.
		e := &Edge{opts: Options{DB: d}}
		batch := make([]letter, 300)
		for i := range batch {
			batch[i] = letter{DeadLetter: DeadLetter{Time: time.UnixMicro(int64(i)), Client: "c", Topic: "t"}, payload: fmt.Appendf(nil, "p%d", i)}
			batch[i].prepare()
		}
		for range 40 {
			write(func(tx *db.Tx) error { return insertLetters(tx, batch) })
		}
		newest, total, err := e.DeadLetters(ctx, 0, 1)
		if err != nil || total != 12_000 || newest[0].Payload != "p299" || newest[0].Size != 4 {
			t.Fatalf("%+v %d %v", newest, total, err)
		}
		var n int
		if err := d.Read(ctx, func(tx *db.Tx) error { return tx.QueryRow("select count(*) from mqtt_letters").Scan(&n) }); err != nil || n != KeptLetters {
			t.Errorf("%d letters kept (%v), want %d", n, err, KeptLetters)
		}
		if err := e.Forget(ctx, newest[0].ID); err != nil {
			t.Fatal(err)
		}
		if next, _, err := e.DeadLetters(ctx, 0, 1); err != nil || next[0].ID != newest[0].ID-1 {
			t.Errorf("%+v %v", next, err)
		}
	})
}

func TestSessionPresent(t *testing.T) {
	w := newWorld(t)
	clean := func(pk *packets.Packet) { keepSession(pk); pk.Connect.Clean = true }
	short := func(pk *packets.Packet) { pk.Connect.Clean = false } // in MQTT 5: until the connection ends
	for i, tc := range []struct {
		version byte
		change  func(*packets.Packet)
		present bool
	}{
		{5, keepSession, false},
		{5, keepSession, true},
		{4, keepSession, true},
		{5, clean, false},
		{5, keepSession, true},
		{5, short, true}, // resumes, and ends it
		{5, keepSession, false},
		{4, func(*packets.Packet) {}, false}, // clean session
		{4, keepSession, false},
		{4, keepSession, true},
	} {
		c, hi := w.connect(tc.version, "c", "s", tc.change)
		if hi.ReasonCode != 0 || hi.SessionPresent != tc.present {
			t.Errorf("connection %d: session present %v, want %v", i, hi.SessionPresent, tc.present)
		}
		if tc.version == 5 {
			if c.subscribe(1, fmt.Sprint("t", i)).ReasonCodes[0] != 1 {
				t.Error("not subscribed")
			}
		}
		c.bye()
		if i%2 == 1 {
			w.restart()
		}
	}
}

func TestTakeover(t *testing.T) {
	w := newWorld(t)
	first := w.join(5, "c", "s", keepSession)
	first.subscribe(1, "A")
	w.log.say("A", "m0")
	first.expect(packets.Publish) // not acknowledged
	second, hi := w.connect(4, "c", "s", keepSession)
	if !hi.SessionPresent {
		t.Error("the session is gone")
	}
	if got := first.expect(packets.Disconnect); got.ReasonCode != 0x8E {
		t.Errorf("code %#x", got.ReasonCode)
	}
	first.closed()
	second.takeAll(0, 1)
	// A 3.1.1 client is taken over without a word.
	third := w.join(5, "c", "s")
	second.closed()
	third.sync()
}

// Even one whose TCP is stuck in the middle of a packet.
func TestTakeoverOfStalledClient(t *testing.T) {
	w := newWorld(t)
	first := w.join(5, "c", "s", keepSession)
	first.subscribe(0, "A")
	big := make([]byte, 1<<20)
	for range 30 {
		w.log.add(message{"A", big})
	}
	first.expect(packets.Publish)
	second, hi := w.connect(5, "c", "s", keepSession)
	if !hi.SessionPresent {
		t.Error("the session is gone")
	}
	second.settle()
}

func TestClientIDBelongsToOneCredential(t *testing.T) {
	w := newWorld(t, virtual)
	c := w.join(5, "c", "alice", keepSession)
	for _, connected := range []bool{true, false} {
		if _, hi := w.connect(5, "c", "mallory", keepSession); hi.ReasonCode != 0x85 {
			t.Errorf("connected %v: code %#x", connected, hi.ReasonCode)
		}
		if _, hi := w.connect(4, "c", "mallory"); hi.ReasonCode != 2 {
			t.Errorf("connected %v: code %d", connected, hi.ReasonCode)
		}
		if _, hi := w.connect(4, "c", ""); hi.ReasonCode != 2 {
			t.Errorf("public: code %d", hi.ReasonCode)
		}
		if connected {
			c.sync()
			c.bye()
			w.restart()
		}
	}
	w.pass(2 * time.Hour) // its session has ended; the name is free
	w.join(5, "c", "mallory", keepSession)
}

func TestLogin(t *testing.T) {
	w := newWorld(t)
	wrong := func(pk *packets.Packet) { pk.Connect.Password = []byte("guess") }
	for _, tc := range []struct {
		version byte
		user    string
		change  func(*packets.Packet)
		code    byte
	}{
		{5, "s", wrong, 0x86},
		{4, "s", wrong, 5},
		{5, "db-down", wrong, 0x88},
		{4, "db-down", wrong, 3},
		{5, "s", func(pk *packets.Packet) { pk.Properties.AuthenticationMethod = "SCRAM" }, 0x8C},
		{5, "s", func(pk *packets.Packet) { pk.Connect.ClientIdentifier = "a\tb" }, 0x85},
		{4, "s", func(pk *packets.Packet) { pk.Connect.ClientIdentifier = "a\tb" }, 2},
		{4, "s", func(pk *packets.Packet) { pk.Connect.ClientIdentifier = ""; pk.Connect.Clean = false }, 2},
	} {
		c, hi := w.connect(tc.version, "c", tc.user, tc.change)
		if hi.ReasonCode != tc.code {
			t.Errorf("%d %s: code %#x, want %#x", tc.version, tc.user, hi.ReasonCode, tc.code)
		}
		if tc.code == 0x86 && hi.Properties.ReasonString != "wrong password" {
			t.Errorf("reason %q", hi.Properties.ReasonString)
		}
		c.closed()
	}
	_, hi := w.connect(5, "", "s")
	if hi.ReasonCode != 0 || hi.Properties.AssignedClientID == "" {
		t.Errorf("no client id was given: %+v", hi)
	}
	w.join(4, "", "s")
}

func TestPublicHasNoSessions(t *testing.T) {
	w := newWorld(t)
	c, hi := w.connect(5, "c", "", keepSession)
	if !hi.Properties.SessionExpiryIntervalFlag || hi.Properties.SessionExpiryInterval != 0 {
		t.Errorf("CONNACK %+v", hi.Properties)
	}
	c.bye()
	if n := len(w.edge.Sessions()); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

func TestSessionExpiry(t *testing.T) {
	w := newWorld(t, virtual)
	c, hi := w.connect(5, "c", "s", keepSession, func(pk *packets.Packet) { pk.Properties.SessionExpiryInterval = 1 << 31 })
	if got := hi.Properties.SessionExpiryInterval; got != 7*24*3600 {
		t.Errorf("session expiry %d, want 7 days", got)
	}
	c.subscribe(1, "A")
	leave := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Disconnect}}
	leave.Properties.SessionExpiryIntervalFlag, leave.Properties.SessionExpiryInterval = true, 10
	c.send(leave)
	c.closed()
	old := w.join(4, "old", "s", keepSession)
	old.bye()
	w.log.say("A", "m0")
	w.pass(5 * time.Second)
	if got := w.log.holdsAt(); got != 0 {
		t.Errorf("held at %d while the session may come back", got)
	}
	w.pass(6 * time.Second)
	if got := w.log.holdsAt(); got != 1 {
		t.Errorf("held at %d after it has expired", got)
	}
	if _, hi := w.connect(5, "c", "s", keepSession); hi.SessionPresent {
		t.Error("an expired session came back")
	}
	if got := w.edge.count.expired.Load(); got != 1 {
		t.Errorf("%d expired", got)
	}
	w.restart()
	if _, hi := w.connect(4, "old", "s", keepSession); !hi.SessionPresent {
		t.Error("a session of 3.1.1 did not live for a day")
	}
	// A session that ends with the connection can't be prolonged by its last word.
	c = w.join(5, "brief", "s")
	c.send(leave)
	if got := c.expect(packets.Disconnect); got.ReasonCode != 0x82 {
		t.Errorf("code %#x", got.ReasonCode)
	}
}

// Large rows fill the disk long before there are too many: the sessions that are furthest behind end.
func TestTooMuchHeld(t *testing.T) {
	w := newWorld(t, virtual, func(w *world) { w.limits.MaxLagBytes = 1000 })
	for i, id := range []string{"far", "near"} {
		c := w.join(5, id, "s", keepSession)
		c.subscribe(1, "A")
		c.bye()
		for range 8 - 4*i {
			w.log.say("A", "m")
		}
	}
	w.pass(time.Minute)
	if got := w.edge.count.ended.Load(); got != 1 {
		t.Fatalf("%d ended, want 1", got)
	}
	w.pass(time.Second)
	if got := w.log.holdsAt(); got != 8 {
		t.Errorf("held at %d, want 8", got)
	}
}

func TestTooFarBehind(t *testing.T) {
	w := newWorld(t, virtual, func(w *world) { w.limits.MaxLag = 10 })
	away := w.join(5, "away", "s", keepSession)
	away.subscribe(1, "A")
	away.bye()
	here := w.join(5, "here", "s", keepSession, receiveMaximum(1))
	here.subscribe(1, "A")
	for i := range 10 {
		w.log.say("A", "m%d", i)
	}
	here.expect(packets.Publish)
	w.pass(time.Second)
	if got := w.edge.count.ended.Load(); got != 0 || w.log.holdsAt() != 0 {
		t.Fatalf("%d ended, held at %d", got, w.log.holdsAt())
	}
	w.log.say("A", "m10")
	w.pass(time.Second)
	if got := here.expect(packets.Disconnect); got.ReasonCode != 0x97 {
		t.Errorf("code %#x", got.ReasonCode)
	}
	here.closed()
	if got := w.edge.count.ended.Load(); got != 2 {
		t.Errorf("%d ended, want 2", got)
	}
	w.pass(time.Second)
	if got := w.log.holdsAt(); got != 11 {
		t.Errorf("held at %d, want 11", got)
	}
	w.restart()
	for _, id := range []string{"away", "here"} {
		if _, hi := w.connect(5, id, "s", keepSession); hi.SessionPresent {
			t.Errorf("%s: the session looks as if nothing was missed", id)
		}
	}
}

// Someone trims the log in spite of Hold: the session ends visibly instead of going on with a gap.
func TestTrimmedLogEndsTheSession(t *testing.T) {
	w := newWorld(t)
	c := w.join(5, "c", "s", keepSession)
	c.subscribe(1, "A")
	c.bye()
	for i := range 5 {
		w.log.say("A", "m%d", i)
	}
	w.log.trim(3)
	c, hi := w.connect(5, "c", "s", keepSession)
	if !hi.SessionPresent {
		t.Error("not known yet")
	}
	if got := c.expect(packets.Disconnect); got.ReasonCode != 0x97 {
		t.Errorf("code %#x", got.ReasonCode)
	}
	c.closed()
	c, hi = w.connect(5, "c", "s", keepSession)
	if hi.SessionPresent {
		t.Error("the session looks as if nothing was missed")
	}
	c.subscribe(1, "A")
	w.log.say("A", "m5")
	c.takeAll(5, 1)
}

// The log is held where a session would go on after a crash: at the written position, not at the acknowledged one.
func TestHold(t *testing.T) {
	w := newWorld(t, virtual)
	c := w.join(5, "c", "s", keepSession)
	w.log.say("A", "x")
	w.pass(time.Second)
	if got := w.log.holdsAt(); got != 1 {
		t.Errorf("held at %d by a session without filters", got)
	}
	c.subscribe(1, "A")
	w.log.say("A", "m0")
	w.log.say("A", "m1")
	c.takeAll(0, 1)
	open := c.expect(packets.Publish)
	c.sync()
	w.pass(time.Second)
	if got := w.log.holdsAt(); got != 2 {
		t.Errorf("held at %d, want 2", got)
	}
	rows, err := loadSessions(context.Background(), w.db)
	if err != nil || rows[0].position != 2 {
		t.Errorf("%+v %v", rows, err)
	}
	c.send(ack(packets.Puback, open.PacketID))
	c.sync()
	w.pass(time.Second)
	if got := w.log.holdsAt(); got != 3 {
		t.Errorf("held at %d, want 3", got)
	}
	// Rows that hold nothing for it are followed without a write each.
	for range 100 {
		w.log.say("noise", "x")
	}
	w.pass(time.Second)
	if got := w.log.holdsAt(); got != 3 {
		t.Errorf("held at %d, want 3", got)
	}
	w.log.say("A", "m2")
	c.takeAll(2, 1) // the hub has passed the noise
	c.bye()
	w.passUntil(func() bool { return w.log.holdsAt() == 104 })
}

func TestOperatorsEndSessions(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	a, b := w.join(5, "a", "s", keepSession), w.join(5, "b", "s", keepSession)
	a.subscribe(1, "A")
	b.bye()
	for _, id := range []string{"a", "b"} {
		if err := w.edge.EndSession(ctx, id); err != nil {
			t.Error(err)
		}
	}
	if got := a.expect(packets.Disconnect); got.ReasonCode != 0x97 || got.Properties.ReasonString != "ended by an operator" {
		t.Errorf("%+v", got)
	}
	a.closed()
	if err := w.edge.EndSession(ctx, "b"); err == nil {
		t.Error("ended twice")
	}
	w.restart()
	if n := len(w.edge.Sessions()); n != 0 {
		t.Errorf("%d sessions", n)
	}

	c, d := w.join(5, "c", "s", keepSession), w.join(5, "d", "other", keepSession)
	w.join(5, "e", "s", keepSession).bye()
	owner := Owner{}
	for _, s := range w.edge.Sessions() {
		if s.Client == "c" {
			owner = s.Owner
		}
	}
	if err := w.edge.Revoke(ctx, owner); err != nil {
		t.Fatal(err)
	}
	if got := c.expect(packets.Disconnect); got.ReasonCode != 0x87 {
		t.Errorf("code %#x", got.ReasonCode)
	}
	c.closed()
	d.sync()
	if all := w.edge.Sessions(); len(all) != 1 || all[0].Client != "d" || !all[0].Connected {
		t.Errorf("%+v", all)
	}
	// One who was let in just before and comes just after is too late.
	if _, ack := w.connect(5, "f", "s"); ack.ReasonCode != 0x87 {
		t.Errorf("code %#x", ack.ReasonCode)
	}
}

func TestMaxClients(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.MaxClients, w.limits.MaxSessions = 2, 3 })
	a := w.join(5, "a", "s", keepSession)
	w.join(5, "b", "s")
	if _, hi := w.connect(5, "c", "s"); hi.ReasonCode != 0x89 {
		t.Errorf("code %#x", hi.ReasonCode)
	}
	if _, hi := w.connect(4, "c", "s"); hi.ReasonCode != 3 {
		t.Errorf("code %#x", hi.ReasonCode)
	}
	a.bye()
	d := w.join(5, "d", "s", keepSession)
	d.bye()
	if _, hi := w.connect(5, "e", "s"); hi.ReasonCode != 0x97 {
		t.Errorf("code %#x", hi.ReasonCode)
	}
	w.join(5, "a", "s")
}

// One credential can't take all the room there is.
func TestMaxSessionsOfOneOwner(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limits.MaxSessionsEach = 2 })
	for i := range 2 {
		w.join(5, fmt.Sprint("a", i), "a", keepSession).bye()
	}
	for _, c := range []struct {
		id, user string
		code     byte
	}{{"a2", "a", 0x97}, {"b0", "b", 0}, {"a0", "a", 0}, {"p0", "", 0}, {"p1", "", 0}, {"p2", "", 0}} {
		if _, ack := w.connect(5, c.id, c.user, keepSession); ack.ReasonCode != c.code {
			t.Errorf("%s of %q: %#x", c.id, c.user, ack.ReasonCode)
		}
	}
}
