package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func start(t *testing.T, o Options) *Bus {
	t.Helper()
	b, err := Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Stop)
	return b
}

func publish(t *testing.T, b *Bus, ids ...int64) {
	t.Helper()
	for _, id := range ids {
		if err := b.Publish(context.Background(), []Message{{ID: id, Subject: "test.happened", Data: []byte("{}")}}); err != nil {
			t.Fatal(err)
		}
	}
}

// consume runs a consumer and passes the ids on. It ends with the test, without an error.
func consume(t *testing.T, b *Bus, fn func(m Message) error) <-chan int64 {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	got, done := make(chan int64, 100), make(chan error, 1)
	go func() {
		err := b.Consume(ctx, "reader", []string{"test.>"}, func(_ context.Context, m Message) error {
			got <- m.ID
			return fn(m)
		})
		if ctx.Err() == nil {
			t.Error("the consumer gave up:", err)
			close(got)
		}
		done <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return got
}

func take(Message) error { return nil }

// logged counts the log's lines until the test ends.
func logged(t *testing.T) *counter {
	t.Helper()
	before, c := slog.Default(), &counter{warned: make(chan struct{}, 100)}
	slog.SetDefault(slog.New(c))
	t.Cleanup(func() { slog.SetDefault(before) })
	return c
}

type counter struct {
	slog.Handler
	warnings, errors atomic.Int64
	warned           chan struct{}
}

func (c *counter) Enabled(context.Context, slog.Level) bool { return true }

func (c *counter) Handle(_ context.Context, r slog.Record) error {
	switch r.Level {
	case slog.LevelWarn:
		c.warnings.Add(1)
		c.warned <- struct{}{}
	case slog.LevelError:
		c.errors.Add(1)
	}
	return nil
}

func TestAConsumerOutlivesTheLossOfItsHandle(t *testing.T) {
	b := start(t, Options{Dir: t.TempDir()})
	got := consume(t, b, take)
	publish(t, b, 1)
	if id := <-got; id != 1 {
		t.Fatal(id)
	}
	s, err := b.js.Stream(context.Background(), stream)
	if err != nil {
		t.Fatal(err)
	}
	names, lost := s.ConsumerNames(context.Background()), 0
	for name := range names.Name() {
		if err := s.DeleteConsumer(context.Background(), name); err != nil {
			t.Fatal(err)
		}
		lost++
	}
	if err := names.Err(); err != nil || lost != 1 {
		t.Fatalf("%d consumers were lost: %v", lost, err)
	}
	publish(t, b, 2)
	if id := <-got; id != 2 {
		t.Fatalf("%d came after 1", id)
	}
}

// What a consumer has taken stays taken when it, or the whole bus, is stopped and started: whatever was fetched ahead comes next,
// in order.
func TestAConsumerGoesOnWhereItWas(t *testing.T) {
	dir := t.TempDir()
	b := start(t, Options{Dir: dir})
	var ids []int64
	for id := range int64(20) {
		ids = append(ids, id+1)
	}
	publish(t, b, ids...)
	var all []int64
	until := func(last int64) {
		t.Helper()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		err := b.Consume(ctx, "reader", []string{"test.>"}, func(_ context.Context, m Message) error {
			if all = append(all, m.ID); m.ID == last {
				cancel()
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	until(7)
	until(11)
	b.Stop()
	b = start(t, Options{Dir: dir})
	until(20)
	if !slices.Equal(all, ids) {
		t.Errorf("got %v", all)
	}
}

func TestLagCountsWhatWasFetchedAndNotTaken(t *testing.T) {
	b := start(t, Options{Dir: t.TempDir()})
	publish(t, b, 1, 2, 3)
	goOn := make(chan struct{})
	got := consume(t, b, func(Message) error { <-goOn; return nil })
	<-got
	behind := func(want uint64) { // the server counts what was published, and we what was taken, a moment later
		t.Helper()
		for n := want + 1; n != want; {
			all, err := b.Lag(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			n = all["reader"]
		}
	}
	behind(3)
	publish(t, b, 4)
	behind(4)
	goOn <- struct{}{}
	<-got
	behind(3)
	close(goOn)
	behind(0)
}

// A place beyond the end is one of a stream that is no more; ids go on.
func TestAStreamThatBeganAnewIsReadFromItsFirstEvent(t *testing.T) {
	b := start(t, Options{Dir: t.TempDir()})
	if _, err := b.places.PutString(context.Background(), "reader", `{"seq":1000,"id":7}`); err != nil {
		t.Fatal(err)
	}
	publish(t, b, 8)
	if id := <-consume(t, b, take); id != 8 {
		t.Error(id)
	}
}

// Where the stream lost its end, as one may that is not synced at once, and grew again, nothing that came since is missed, and
// nothing that was taken comes again.
func TestAStreamThatLostItsEndIsReadOnByIDs(t *testing.T) {
	b := start(t, Options{Dir: t.TempDir()})
	if _, err := b.places.PutString(context.Background(), "reader", `{"seq":5,"id":5}`); err != nil {
		t.Fatal(err)
	}
	publish(t, b, 1, 2, 3)       // 4 and 5 are lost
	publish(t, b, 104, 105, 106) // 105 stands at 5 now
	got := consume(t, b, take)
	for _, want := range []int64{104, 105, 106} {
		if id := <-got; id != want {
			t.Errorf("%d came, want %d", id, want)
		}
	}
}

// An empty stream, made anew, is read from its first event on.
func TestAnEmptyStreamIsReadOnFromItsFirstEvent(t *testing.T) {
	b := start(t, Options{Dir: t.TempDir()})
	if _, err := b.places.PutString(context.Background(), "reader", `{"seq":1000,"id":7}`); err != nil {
		t.Fatal(err)
	}
	log := logged(t)
	got := consume(t, b, take)
	<-log.warned
	publish(t, b, 8)
	if id := <-got; id != 8 {
		t.Error(id)
	}
	if n := log.warnings.Load(); n != 1 {
		t.Errorf("%d warnings, want the one that the stream is another", n)
	}
}

func TestAPlaceIsKeptAsSoonAsItCanBe(t *testing.T) {
	b := start(t, Options{Dir: t.TempDir()})
	ctx := context.Background()
	got := consume(t, b, take)
	publish(t, b, 1)
	<-got
	if err := b.js.DeleteKeyValue(ctx, places); err != nil {
		t.Fatal(err)
	}
	log := logged(t)
	publish(t, b, 2)
	<-got
	<-log.warned
	if _, err := b.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: places, Storage: jetstream.FileStorage}); err != nil {
		t.Fatal(err)
	}
	for { // with no other event
		if _, err := b.places.Get(ctx, "reader"); err == nil {
			break
		}
	}
}

func TestAConsumerWaitsOutARestart(t *testing.T) {
	log := logged(t)
	o := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true}
	run := func() *server.Server {
		t.Helper()
		s, err := server.NewServer(o)
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		if !s.ReadyForConnections(startTimeout) {
			t.Fatal("the server did not start")
		}
		return s
	}
	stop := func(s *server.Server) {
		s.Shutdown()
		s.WaitForShutdown()
	}
	s := run()
	b := start(t, Options{URL: s.ClientURL()})
	got := consume(t, b, take)
	publish(t, b, 1)
	if id := <-got; id != 1 {
		t.Fatal(id)
	}
	if err := s.DisableJetStream(); err != nil { // "no responders"
		t.Fatal(err)
	}
	<-log.warned
	back := make(chan struct{})
	b.conn.SetReconnectHandler(func(*nats.Conn) { close(back) })
	o.Port = s.Addr().(*net.TCPAddr).Port
	stop(s)
	s = run()
	defer func() { stop(s) }()
	<-back
	publish(t, b, 2)
	for id := range got {
		if id == 2 {
			break
		}
	}
	if n := log.warnings.Load(); n != 1 {
		t.Errorf("%d warnings about one outage", n)
	}
}

func TestTheLargestMessagePasses(t *testing.T) {
	b := start(t, Options{Dir: t.TempDir()})
	large := Message{ID: 1<<63 - 1, Subject: "test.happened", Data: make([]byte, MaxData)}
	for _, ms := range [][]Message{{large}, {large, large}} {
		if err := b.Publish(context.Background(), ms); err != nil {
			t.Errorf("%d messages: %v", len(ms), err)
		}
	}
}

func TestABusThatTakesTooLittleIsRefused(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(),
		MaxPayload: 1000, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(startTimeout) {
		t.Fatal("the server did not start")
	}
	if _, err := Start(context.Background(), Options{URL: s.ClientURL()}); err == nil || !strings.Contains(err.Error(), "max_payload is 1000") {
		t.Fatal(err)
	}
}

func TestADroppedEventHoldsNobodyUp(t *testing.T) {
	log := logged(t)
	b := start(t, Options{Dir: t.TempDir()})
	// Somebody else's message, without an id, is one that nobody can read.
	if _, err := b.js.Publish(context.Background(), prefix+"test.foreign", []byte("?")); err != nil {
		t.Fatal(err)
	}
	publish(t, b, 1, 2, 3)
	failed := false
	got := consume(t, b, func(m Message) error {
		switch {
		case m.ID == 1:
			return fmt.Errorf("made for a newer program: %w", ErrDrop)
		case m.ID == 2 && !failed:
			failed = true
			return errors.New("not now")
		}
		return nil
	})
	var ids []int64
	for range 4 {
		ids = append(ids, <-got)
	}
	if !slices.Equal(ids, []int64{1, 2, 2, 3}) {
		t.Errorf("got %v", ids)
	}
	if n := log.errors.Load(); n != 2 {
		t.Errorf("%d errors in the log, want one per dropped event", n)
	}
	if recent, err := b.Recent(context.Background(), 10); err != nil || !slices.Equal(recent, []int64{1, 2, 3}) {
		t.Errorf("recent: %v %v", recent, err)
	}
}
