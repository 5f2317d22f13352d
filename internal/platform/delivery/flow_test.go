package delivery

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// receivers is an adapter some of whose addresses answer only when they are let go.
type receivers struct {
	mu    sync.Mutex
	slow  map[string]chan struct{}
	got   chan string
	now   map[string]int
	most  int
	twice bool
}

func (a *receivers) Pace() Pace { return Pace{AtOnce: 4, InARow: 1} }

func (a *receivers) Send(_ context.Context, m Message) (string, error) {
	a.mu.Lock()
	a.now[m.Address]++
	a.twice = a.twice || a.now[m.Address] > 1
	a.most = max(a.most, len(a.now))
	wait := a.slow[m.Address]
	a.mu.Unlock()
	if wait != nil {
		<-wait
	}
	a.mu.Lock()
	if a.now[m.Address]--; a.now[m.Address] == 0 {
		delete(a.now, m.Address)
	}
	a.mu.Unlock()
	a.got <- m.Key
	return "took it", nil
}

// One receiver that hangs holds up nobody, and its own second message waits for the first.
func TestOneSlowReceiverHoldsNobodyUp(t *testing.T) {
	dbtest.Each(t, mine, func(t *testing.T, d *db.DB) {
		hang := make(chan struct{})
		a := &receivers{slow: map[string]chan struct{}{"slow": hang}, got: make(chan string, 100), now: map[string]int{}}
		r := New(Deps{DB: d, Clock: clock.System(), Adapters: map[string]Adapter{"test": a}})
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		now := time.Now()
		put := func(key, address string) {
			err := d.Write(ctx, func(tx *db.Tx) error {
				_, err := Put(tx, Message{Key: key, Channel: "test", Address: address, At: now})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		put("slow/1", "slow")
		put("slow/2", "slow")
		for i := range 30 {
			put(fmt.Sprint("quick/", i), fmt.Sprint("quick", i%10))
		}
		go func() { ended <- r.Run(ctx) }()
		for range 30 {
			if key := <-a.got; key == "slow/1" || key == "slow/2" {
				t.Errorf("%s was sent, though it hangs", key)
			}
		}
		close(hang)
		if one, two := <-a.got, <-a.got; one != "slow/1" || two != "slow/2" {
			t.Errorf("then %s, %s", one, two)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if a.twice || a.most > 4 {
			t.Errorf("two of one address at a time: %t; %d at once", a.twice, a.most)
		}
		err := d.Read(context.Background(), func(tx *db.Tx) error {
			n, err := Count(tx)
			if n[Sent] != 32 {
				t.Errorf("%v", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// What was never tried goes first, and what failed takes half of the room at most.
func TestReceiversThatAreDownComeLast(t *testing.T) {
	b := newBench(t, dbtest.SQLite(t, mine...))
	for i := range 10 {
		key := fmt.Sprint("down/", i)
		b.c.failWith(key, errors.New("busy"))
		b.put(key, func(m *Message) { m.Address = key })
	}
	b.sendAll()
	b.clock.Advance(time.Minute)
	for i := range 3 {
		b.put(fmt.Sprint("up/", i), func(m *Message) { m.Address = m.Key })
	}
	ds, err := b.r.flow("test").due(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, d := range ds {
		keys = append(keys, d.Key)
	}
	if got := fmt.Sprint(keys); got != "[up/0 up/1 up/2 down/0 down/1 down/2 down/3]" { // 8 at once
		t.Errorf("next are %s", got)
	}
}

func TestPayloadsAreSharedAndForgotten(t *testing.T) {
	dbtest.Each(t, mine, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		b.write(func(tx *db.Tx) error {
			return errors.Join(PutPayload(tx, "w/1", []byte("<alert/>"), noon), PutPayload(tx, "w/1", []byte("another"), noon), PutPayload(tx, "old", nil, noon))
		})
		var seen []string
		b.c.hook = func(m Message) { seen = append(seen, string(m.Data)+m.Secret+m.Address) }
		b.r.Resolve = func(_ context.Context, m Message) (Message, error) {
			if m.Address == "recipient/2" {
				return m, fmt.Errorf("%w: no such recipient", ErrPermanent)
			}
			m.Address, m.Secret = " to somebody", " with a secret"
			return m, nil
		}
		b.put("a", func(m *Message) { m.Payload, m.Address = "w/1", "recipient/1" })
		b.put("b", func(m *Message) { m.Payload, m.Address = "w/1", "recipient/2" })
		b.sendAll()
		if got := fmt.Sprint(seen); got != "[<alert/> with a secret to somebody]" {
			t.Errorf("the adapter got %s", got)
		}
		if r := b.row("a"); r.State != Sent || r.Address != "recipient/1" || r.Secret != "" || r.Data != nil {
			t.Errorf("%+v", r)
		}
		if r := b.row("b"); r.State != Dead {
			t.Errorf("%+v", r)
		}
		b.write(func(tx *db.Tx) error { return forgetPayloads(tx, noon.Add(keep)) })
		var n int
		b.write(func(tx *db.Tx) error { return tx.QueryRow(`select count(*) from delivery_payloads`).Scan(&n) })
		if n != 1 {
			t.Errorf("%d payloads are kept, want the one that rows name", n)
		}
	})
}
