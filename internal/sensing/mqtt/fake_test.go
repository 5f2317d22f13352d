package mqtt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

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
	fail    error         // of the next Tail
	broken  string        // a payload that can't be rendered; "panic" panics
	costly  chan struct{} // what filters that begin with "costly" wait for with each row
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

// Size takes each row for 100 bytes.
func (l *memLog) Size(_ context.Context, after int64) (int64, error) {
	return 100 * (l.LastSeq() - after), nil
}

func (l *memLog) Tail(ctx context.Context, after int64, fn func(Row) error) error {
	l.mu.Lock()
	l.tails++
	fail := l.fail
	l.fail = nil
	l.mu.Unlock()
	if fail != nil {
		return fail
	}
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

func (l *memLog) set(fn func(*memLog)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn(l)
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
	case strings.HasPrefix(filter, "nothing"):
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

func (s memSub) Key() string {
	if s.costs() {
		return ""
	}
	return s.filter
}

func (s memSub) costs() bool { return strings.HasPrefix(s.filter, "costly") }

func (s memSub) Messages(row Row, emit func(string, []byte) error) error {
	s.log.mu.Lock()
	s.log.renders++
	broken, costly := s.log.broken, s.log.costly
	s.log.mu.Unlock()
	if s.costs() {
		<-costly
	}
	for _, m := range row.(memRow).msgs {
		if m.topic != s.filter {
			continue
		}
		if broken != "" && string(m.payload) == broken {
			if broken == "panic" {
				panic("test")
			}
			return errors.New("the catalogue is away")
		}
		if err := emit(m.topic, m.payload); err != nil {
			return err
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

// attached returns when the hub has n members, which no event tells of.
func (w *world) attached(n int) {
	w.t.Helper()
	for begun := time.Now(); time.Since(begun) < patience; runtime.Gosched() {
		w.edge.hub.mu.Lock()
		have := len(w.edge.hub.members)
		w.edge.hub.mu.Unlock()
		if have == n {
			return
		}
	}
	w.t.Fatalf("the hub has not come to %d members", n)
}

// passUntil lets virtual time pass until something has happened. Virtual time may run far ahead of what goroutines do, so it
// is the machine's time that bounds it.
func (w *world) passUntil(happened func() bool) {
	w.t.Helper()
	for begun := time.Now(); time.Since(begun) < patience; {
		if happened() {
			return
		}
		w.pass(keepEvery)
		runtime.Gosched()
	}
	w.t.Fatal("it did not happen")
}
