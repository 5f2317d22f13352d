package mqtt

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// patience is how long a test waits for an event that should come at once.
const patience = 20 * time.Second

// memRow is a row of memLog.
type memRow struct {
	seq  int64
	msgs []message
}

func (r memRow) Seq() int64 { return r.seq }

// memLog is a Feed in memory. What stands under a topic is a message of that topic.
type memLog struct {
	mu      sync.Mutex
	rows    []memRow // of consecutive seqs
	first   int64    // seq of rows[0]
	grown   chan struct{}
	held    int64
	tails   int
	renders int
}

func newMemLog() *memLog { return &memLog{grown: make(chan struct{}), first: 1} }

// add appends one row and returns its seq.
func (l *memLog) add(msgs ...message) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	seq := l.first + int64(len(l.rows))
	l.rows = append(l.rows, memRow{seq, msgs})
	close(l.grown)
	l.grown = make(chan struct{})
	return seq
}

func (l *memLog) say(topic, format string, args ...any) int64 {
	return l.add(message{topic, fmt.Appendf(nil, format, args...)})
}

// trim forgets rows up to seq, as a sealer does.
func (l *memLog) trim(seq int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(max(0, seq-l.first+1), int64(len(l.rows)))
	l.rows, l.first = l.rows[n:], l.first+n
}

func (l *memLog) LastSeq() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first + int64(len(l.rows)) - 1
}

func (l *memLog) Tail(ctx context.Context, after int64, fn func(Row) error) error {
	l.mu.Lock()
	l.tails++
	l.mu.Unlock()
	for {
		l.mu.Lock()
		if after < l.first-1 {
			l.mu.Unlock()
			return ErrTrimmed
		}
		rows, grown := l.rows[after-l.first+1:], l.grown
		l.mu.Unlock()
		for _, r := range rows {
			if ctx.Err() != nil {
				return nil
			}
			if err := fn(r); err != nil {
				return err
			}
			after = r.seq
		}
		if len(rows) > 0 {
			continue
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return nil
		}
	}
}

func (l *memLog) Hold(consumer string, position int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if consumer != Consumer {
		panic(consumer)
	}
	if position < l.held {
		panic(fmt.Sprintf("hold moves back from %d to %d", l.held, position))
	}
	l.held = position
}

func (l *memLog) holdsAt() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held
}

func (l *memLog) Compile(ctx context.Context, filter string) (Subscription, error) {
	switch {
	case strings.HasPrefix(filter, "secret") && access.From(ctx).Name != "root":
		return nil, web.Errorf(http.StatusForbidden, "test.forbidden", "secret things are not for you")
	case strings.HasPrefix(filter, "nothing"), strings.Contains(filter, "+"):
		return nil, web.Errorf(http.StatusBadRequest, "test.filter", "%s is not served", filter)
	case filter == "broken":
		return nil, errors.New("the catalogue is away")
	}
	return memSub{l, filter}, nil
}

type memSub struct {
	log    *memLog
	filter string
}

func (s memSub) Key() string { return s.filter }

func (s memSub) Messages(row Row, emit func(string, []byte) error) error {
	s.log.mu.Lock()
	s.log.renders++
	s.log.mu.Unlock()
	for _, m := range row.(memRow).msgs {
		if prefix, wild := strings.CutSuffix(s.filter, "#"); m.topic == s.filter || wild && strings.HasPrefix(m.topic, prefix) {
			if err := emit(m.topic, m.payload); err != nil {
				return err
			}
		}
	}
	return nil
}

// memIntake is an Intake in memory that writes what it takes to a memLog, one row per message.
type memIntake struct {
	log *memLog

	mu      sync.Mutex
	manual  bool // commits wait for commit
	full    bool // the disk
	waiting []func()
	arrived chan struct{} // receives for each message in manual mode
	taken   int
}

func newMemIntake(log *memLog) *memIntake {
	return &memIntake{log: log, arrived: make(chan struct{}, 100_000)}
}

func (m *memIntake) Publish(_ context.Context, topic string, payload []byte, done func(error)) {
	act := func() {
		m.mu.Lock()
		full := m.full
		m.mu.Unlock()
		switch {
		case full:
			done(errors.New("write: no space left on device"))
		case topic == "nowhere":
			done(web.Errorf(http.StatusNotFound, "test.topic", "there is no topic %s", topic))
		case strings.HasPrefix(topic, "secret"):
			done(web.Errorf(http.StatusForbidden, "test.forbidden", "not for you"))
		case bytes.HasPrefix(payload, []byte("bad")):
			done(web.Errorf(http.StatusBadRequest, "test.payload", "expected a number").At("result"))
		default:
			m.mu.Lock()
			m.taken++
			m.mu.Unlock()
			m.log.add(message{topic, payload})
			done(nil)
		}
	}
	m.mu.Lock()
	if m.manual {
		m.waiting = append(m.waiting, act)
		m.mu.Unlock()
		m.arrived <- struct{}{}
		return
	}
	m.mu.Unlock()
	act()
}

// commit settles the waiting message i of those that came so far.
func (m *memIntake) commit(i int) {
	m.mu.Lock()
	act := m.waiting[i]
	m.mu.Unlock()
	act()
}

func (m *memIntake) set(fn func(*memIntake)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fn(m)
}

// passwords let in whoever gives "pw" as password; the user name decides who it is. No user is the public.
type passwords struct{}

func (passwords) Authenticate(ctx context.Context, user, password string, _ net.Addr) (context.Context, error) {
	if user == "" {
		return ctx, nil
	}
	if user == "db-down" {
		return nil, errors.New("the store is closed")
	}
	if password != "pw" {
		return nil, web.Errorf(http.StatusUnauthorized, "test.login", "wrong password")
	}
	id := int64(0)
	for _, r := range user {
		id = id*131 + int64(r)
	}
	return access.With(ctx, access.Actor{Kind: access.KindDevice, ID: id, Name: user}), nil
}

// world is an edge with its surroundings.
type world struct {
	t      testing.TB
	log    *memLog
	intake *memIntake
	db     *db.DB
	clock  clock.Clock
	limits Limits
	edge   *Edge
}

func newWorld(t testing.TB, change ...func(*world)) *world {
	t.Helper()
	w := &world{t: t, log: newMemLog(), clock: clock.System()}
	w.intake = newMemIntake(w.log)
	for _, fn := range change {
		fn(w)
	}
	w.db = dbtest.SQLite(t, Migrations())
	w.start()
	t.Cleanup(func() { w.edge.Stop() })
	return w
}

func virtual(w *world) { w.clock = clock.NewVirtual(time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)) }

func (w *world) start() {
	w.t.Helper()
	var err error
	w.edge, err = New(Options{
		Listeners: []Listen{{Name: "tcp", Addr: ":0"}}, Intake: w.intake, Feed: w.log, Auth: passwords{}, DB: w.db,
		Clock: w.clock, Limits: w.limits,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.edge.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) restart() {
	w.t.Helper()
	w.edge.Stop()
	w.start()
}

// pass lets virtual time pass in the keeper's steps, and returns when its round is over.
func (w *world) pass(d time.Duration) {
	v := w.clock.(*clock.Virtual)
	for ; d > 0; d -= keepEvery {
		v.AwaitSleepers(1)
		v.Advance(min(d, keepEvery))
	}
	v.AwaitSleepers(1)
}

// passUntil lets virtual time pass until something has happened, for up to an hour.
func (w *world) passUntil(happened func() bool) {
	w.t.Helper()
	for range 3600 {
		if happened() {
			return
		}
		w.pass(keepEvery)
	}
	w.t.Fatal("it did not happen within an hour")
}

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
