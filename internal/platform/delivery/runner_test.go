package delivery

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

var (
	noon = time.Date(2026, 11, 28, 4, 0, 0, 0, time.UTC)
	mine = []db.Migrations{Migrations()}
)

// channel is an adapter that a test steers. Like the file, it knows by the key what it has.
type channel struct {
	mu   sync.Mutex
	sent []string         // keys, as often as they were sent
	fail map[string]error // by key: what Send answers instead
	hook func(m Message)  // after a message was sent, before Send returns
}

func (c *channel) Send(_ context.Context, m Message) (string, error) {
	c.mu.Lock()
	err := c.fail[m.Key]
	if err == nil && !(m.InDoubt && slices.Contains(c.sent, m.Key)) {
		c.sent = append(c.sent, m.Key)
	}
	hook := c.hook
	c.mu.Unlock()
	if hook != nil {
		hook(m)
	}
	if err != nil {
		return "", err
	}
	return "took " + m.Key, nil
}

func (c *channel) got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sent)
}

func (c *channel) failWith(key string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail == nil {
		c.fail = map[string]error{}
	}
	c.fail[key] = err
}

type bench struct {
	t     *testing.T
	d     *db.DB
	clock *clock.Virtual
	c     *channel
	r     *Runner
	gone  []string
}

func newBench(t *testing.T, d *db.DB) *bench {
	b := &bench{t: t, d: d, clock: clock.NewVirtual(noon), c: &channel{}}
	b.restart()
	return b
}

// restart is what a new process does.
func (b *bench) restart() {
	b.r = New(Deps{DB: b.d, Clock: b.clock, Adapters: map[string]Adapter{"test": b.c}, Gone: func(_ *db.Tx, _, address string) error {
		b.gone = append(b.gone, address)
		return nil
	}})
	if err := b.r.Resume(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) write(fn func(tx *db.Tx) error) {
	b.t.Helper()
	if err := b.d.Write(context.Background(), fn); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) put(key string, change ...func(*Message)) (fresh bool) {
	b.t.Helper()
	m := Message{Key: key, Channel: "test", Address: "someone", Subject: Text{"Gas", "燃气"}, Priority: Normal, At: b.clock.Now()}
	for _, c := range change {
		c(&m)
	}
	b.write(func(tx *db.Tx) (err error) {
		fresh, err = Put(tx, m)
		return err
	})
	return fresh
}

// sendAll sends until nothing is due.
func (b *bench) sendAll() {
	b.t.Helper()
	for {
		n, err := b.r.Send(context.Background(), "test")
		if err != nil {
			b.t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func (b *bench) row(key string) Delivery {
	b.t.Helper()
	var ds []Delivery
	err := b.d.Read(context.Background(), func(tx *db.Tx) (err error) {
		ds, err = list(tx, "where key = $1", key)
		return err
	})
	if err != nil || len(ds) != 1 {
		b.t.Fatalf("%s: %d rows, %v", key, len(ds), err)
	}
	return ds[0]
}

func TestMessagesAreSentOnce(t *testing.T) {
	dbtest.Each(t, mine, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		if !b.put("a") || b.put("a") {
			t.Fatal("a second message of one key was put, or the first was not")
		}
		b.put("low", func(m *Message) { m.Priority = Low })
		b.put("urgent", func(m *Message) { m.Priority = Urgent })
		b.sendAll()
		b.restart()
		b.put("a")
		b.sendAll()
		if got := fmt.Sprint(b.c.got()); got != "[urgent a low]" {
			t.Errorf("sent %s", got)
		}
		if r := b.row("a"); r.State != Sent || r.Answer != "took a" || r.Attempts != 1 || !r.EndedAt.Equal(noon) || r.Subject.Zh != "燃气" {
			t.Errorf("%+v", r)
		}
	})
}

func TestFailuresAreRepeatedOrNot(t *testing.T) {
	dbtest.Each(t, mine, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		b.c.failWith("slow", errors.New("busy"))
		b.c.failWith("told", &Later{40 * time.Second, errors.New("wait")})
		b.c.failWith("never", fmt.Errorf("%w: too long", ErrPermanent))
		b.c.failWith("gone", Status(410, "Gone"))
		b.put("slow", func(m *Message) { m.Until = noon.Add(time.Minute) })
		b.put("told")
		b.put("never")
		b.put("gone", func(m *Message) { m.Address = "elsewhere" })
		b.put("well")
		b.sendAll()
		for key, want := range map[string]string{"slow": Failed, "told": Failed, "never": Dead, "gone": Dead, "well": Sent} {
			if r := b.row(key); r.State != want {
				t.Errorf("%s is %s: %s", key, r.State, r.Answer)
			}
		}
		if fmt.Sprint(b.gone) != "[elsewhere]" {
			t.Errorf("gone: %v", b.gone)
		}
		// The pauses double: 5 s, 10 s, 20 s, and then its time would be over before the next.
		var at []string
		for range 50 {
			before := b.row("slow").Attempts
			b.clock.Advance(time.Second)
			b.sendAll()
			if b.row("slow").Attempts != before {
				at = append(at, b.clock.Now().Sub(noon).String())
			}
		}
		if got := fmt.Sprint(at); got != "[5s 15s 35s]" {
			t.Errorf("tried again after %s", got)
		}
		if r := b.row("slow"); r.State != Dead || r.Answer != "busy" {
			t.Errorf("%+v", r)
		}
		if r := b.row("told"); r.Attempts != 2 || !r.NextAt.Equal(noon.Add(80*time.Second)) {
			t.Errorf("asked to wait 40 s: %+v", r)
		}
		b.c.failWith("told", nil)
		b.clock.Advance(time.Minute)
		b.sendAll()
		if r := b.row("told"); r.State != Sent {
			t.Errorf("%+v", r)
		}
	})
}

func TestClockThatIsPutBackHoldsNothingUp(t *testing.T) {
	b := newBench(t, dbtest.SQLite(t, mine...))
	b.c.failWith("failed", errors.New("busy"))
	b.put("failed")
	b.sendAll()
	b.put("waiting")
	b.c.failWith("failed", nil)
	b.clock.Set(noon.Add(-2 * time.Hour))
	b.sendAll()
	if got := fmt.Sprint(b.c.got()); got != "[waiting failed]" {
		t.Errorf("sent %s", got)
	}
}

func TestWithdrawn(t *testing.T) {
	dbtest.Each(t, mine, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		withdraw := func(prefix string) {
			b.write(func(tx *db.Tx) error { return Withdraw(tx, prefix, b.clock.Now()) })
		}
		b.put("notice/1/a")
		b.put("notice/1/b")
		b.put("notice/12")
		withdraw("notice/1/")
		b.sendAll()
		if got := fmt.Sprint(b.c.got()); got != "[notice/12]" {
			t.Errorf("sent %s", got)
		}
		// While the adapter has it: it has left.
		b.put("notice/2/a")
		b.c.hook = func(Message) { withdraw("notice/2/") }
		b.sendAll()
		if r := b.row("notice/2/a"); r.State != Sent {
			t.Errorf("%+v", r)
		}
		// While the adapter has it and fails: it is not tried again.
		b.put("notice/3/a")
		b.c.failWith("notice/3/a", errors.New("busy"))
		b.c.hook = func(Message) { withdraw("notice/3/") }
		b.sendAll()
		if r := b.row("notice/3/a"); r.State != Withdrawn {
			t.Errorf("%+v", r)
		}
	})
}

// A process that dies between the send and its commit leaves a row that says sending. The next one hands it on in doubt, and a
// channel that knows keys does not send it twice.
func TestDeathBetweenSendAndCommit(t *testing.T) {
	dbtest.Each(t, mine, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		dead := make(chan struct{})
		ended := make(chan struct{})
		t.Cleanup(func() { close(dead); <-ended })
		left := make(chan struct{})
		b.c.hook = func(Message) {
			close(left)
			<-dead // this process never comes to the commit
		}
		b.put("a")
		first := b.r
		go func() {
			defer close(ended)
			first.Send(context.Background(), "test")
		}()
		<-left
		if r := b.row("a"); r.State != Sending {
			t.Fatalf("%+v", r)
		}
		b.c.hook = nil
		b.restart()
		if r := b.row("a"); r.State != Failed || !r.InDoubt {
			t.Fatalf("%+v", r)
		}
		b.sendAll()
		if r := b.row("a"); r.State != Sent || r.Attempts != 2 {
			t.Errorf("%+v", r)
		}
		if got := b.c.got(); len(got) != 1 {
			t.Errorf("sent %v", got)
		}
	})
}

// A call that was cut off may have arrived. It is repeated all the same: a warning twice is better than none. The adapter is told.
func TestACallThatWasCutOffIsRepeated(t *testing.T) {
	b := newBench(t, dbtest.SQLite(t, mine...))
	b.c.failWith("a", fmt.Errorf("post: %w", context.DeadlineExceeded))
	b.c.failWith("b", errors.New("refused"))
	b.put("a")
	b.put("b", func(m *Message) { m.Address = "another" })
	b.sendAll()
	b.c.failWith("a", nil)
	b.c.failWith("b", nil)
	doubted := map[string]bool{}
	b.c.hook = func(m Message) { doubted[m.Key] = m.InDoubt }
	b.clock.Advance(time.Minute)
	b.sendAll()
	if a, other := b.row("a"), b.row("b"); a.State != Sent || other.State != Sent {
		t.Errorf("%+v %+v", a, other)
	}
	if !doubted["a"] || doubted["b"] {
		t.Errorf("in doubt: %v", doubted)
	}
}

func TestOldRowsAreForgotten(t *testing.T) {
	b := newBench(t, dbtest.SQLite(t, mine...))
	b.put("old")
	b.sendAll()
	b.c.failWith("stuck", errors.New("busy"))
	b.put("stuck", func(m *Message) { m.Until = noon.Add(400 * 24 * time.Hour) })
	b.sendAll()
	for _, x := range []struct {
		after time.Duration
		n     int64
	}{{keep - time.Second, 0}, {keep, 1}, {2 * keep, 0}} {
		var n int64
		b.write(func(tx *db.Tx) (err error) {
			n, err = forget(tx, noon.Add(x.after))
			return err
		})
		if n != x.n {
			t.Errorf("after %s %d are forgotten, want %d", x.after, n, x.n)
		}
	}
}

func TestPutRefusesWhatCannotBeSent(t *testing.T) {
	b := newBench(t, dbtest.SQLite(t, mine...))
	good := Message{Key: "k", Channel: "c", Address: "a", At: noon}
	for name, bad := range map[string]func(*Message){
		"no key": func(m *Message) { m.Key = "" }, "a long key": func(m *Message) { m.Key = strings.Repeat("k", maxKey+1) },
		"no channel": func(m *Message) { m.Channel = "" }, "no address": func(m *Message) { m.Address = "" },
		"a priority that is none": func(m *Message) { m.Priority = 9 }, "no time": func(m *Message) { m.At = time.Time{} },
	} {
		m := good
		bad(&m)
		if err := b.d.Write(context.Background(), func(tx *db.Tx) error { _, err := Put(tx, m); return err }); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// The runner against a plain model: whatever fails, dies, is withdrawn, and however the clock jumps, nothing is sent that was
// withdrawn before it was taken up, nothing twice, and in the end nothing waits.
func TestRunnerModel(t *testing.T) {
	stores := map[string]*db.DB{"sqlite": dbtest.SQLite(t, mine...)}
	var run int
	rapid.Check(t, func(rt *rapid.T) {
		d := stores["sqlite"]
		run++
		b := newBench(t, d)
		withdrawn, doubted := map[string]bool{}, map[string]bool{}
		var keys []string
		key := func() string { return rapid.SampledFrom(keys).Draw(rt, "key") }
		rt.Repeat(map[string]func(*rapid.T){
			"put": func(rt *rapid.T) {
				k := fmt.Sprintf("%d/%d/", run, len(keys))
				keys = append(keys, k)
				if rapid.Bool().Draw(rt, "fails") {
					b.c.failWith(k, errors.New("busy"))
				}
				b.put(k, func(m *Message) {
					m.Priority = Priority(rapid.IntRange(0, 3).Draw(rt, "priority"))
					m.Address = fmt.Sprint(rapid.IntRange(0, 2).Draw(rt, "address"))
				})
			},
			"again": func(rt *rapid.T) {
				if len(keys) > 0 && b.put(key()) {
					rt.Fatal("a known key was put again")
				}
			},
			"heals": func(rt *rapid.T) {
				if len(keys) > 0 {
					b.c.failWith(key(), nil)
				}
			},
			"withdraw": func(rt *rapid.T) {
				if len(keys) == 0 {
					return
				}
				k := key()
				if !slices.Contains(b.c.got(), k) {
					withdrawn[k] = true
				}
				b.write(func(tx *db.Tx) error { return Withdraw(tx, k, b.clock.Now()) })
			},
			"send": func(*rapid.T) { b.sendAll() },
			"clock": func(rt *rapid.T) {
				b.clock.Advance(time.Duration(rapid.IntRange(-3600, 7200).Draw(rt, "s")) * time.Second)
			},
			"die": func(*rapid.T) { // after the send, before the commit
				var ds []Delivery
				b.write(func(tx *db.Tx) (err error) {
					if ds, err = due(tx, "test", b.clock.Now(), nil, 8, 64); err != nil || len(ds) == 0 {
						return err
					}
					_, err = claim(tx, ds[0].ID)
					return err
				})
				if len(ds) > 0 {
					b.c.Send(context.Background(), ds[0].Message)
					doubted[ds[0].Key] = true
				}
				b.restart()
			},
			"": func(rt *rapid.T) {
				count := map[string]int{}
				for _, k := range b.c.got() {
					if count[k]++; count[k] > 1 {
						rt.Fatalf("%s was sent twice", k)
					}
					if withdrawn[k] {
						rt.Fatalf("%s was sent after it was withdrawn", k)
					}
				}
			},
		})
		for _, k := range keys {
			b.c.failWith(k, nil)
		}
		b.clock.Advance(3 * time.Hour)
		b.sendAll()
		for _, k := range keys {
			r := b.row(k)
			switch sent := slices.Contains(b.c.got(), k); {
			case sent && doubted[k] && r.State == Withdrawn && r.InDoubt: // nobody knows that it had left
			case withdrawn[k] && r.State != Withdrawn, !withdrawn[k] && !sent && r.State != Dead, sent && r.State != Sent:
				rt.Fatalf("%s: %s (sent %t, withdrawn %t): %s", k, r.State, sent, withdrawn[k], r.Answer)
			}
		}
	})
}

func TestRunSendsAtOnceAndStops(t *testing.T) {
	d := dbtest.SQLite(t, mine...)
	c := &channel{}
	arrived := make(chan string, 10)
	c.hook = func(m Message) { arrived <- m.Key }
	dir := t.TempDir()
	r := New(Deps{DB: d, Clock: clock.System(), Adapters: map[string]Adapter{"test": c, "file": NewFile(dir)}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	err := d.Write(ctx, func(tx *db.Tx) error {
		for _, m := range []Message{{Key: "a", Channel: "test", Address: "x", At: noon}, {Key: "b", Channel: "file", Address: "out.jsonl", At: noon}} {
			m.Until = time.Now().Add(time.Hour)
			if _, err := Put(tx, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	<-arrived
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := filepath.Glob(filepath.Join(dir, "*")); err != nil {
		t.Error(err)
	}
}
