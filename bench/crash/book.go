//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// number is reading n of an alarm.
type number struct{ alarm, n int }

// book is what was sent and what was answered, by datastream and number.
type book struct {
	mu         sync.Mutex
	acked      [alarms]map[int]bool
	unanswered [alarms]map[int]bool
	again      [alarms]map[int]bool // sent more than once, since the first time had no answer
	counts     [ways]int            // of acked
	more       chan struct{}        // closed and renewed when counts or refused change
	refused    error                // the first answer that said no
}

func newBook() *book {
	b := &book{more: make(chan struct{})}
	for i := range alarms {
		b.acked[i], b.unanswered[i], b.again[i] = map[int]bool{}, map[int]bool{}, map[int]bool{}
	}
	return b
}

func (b *book) note(sent []number, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil:
		for _, s := range sent {
			b.acked[s.alarm][s.n] = true
			b.counts[wayOf(s.alarm)]++
		}
		b.wake()
	case errors.Is(err, errNoAnswer):
		for _, s := range sent {
			b.unanswered[s.alarm][s.n] = true
		}
	case b.refused == nil:
		b.refused = err
		b.wake()
	}
}

// repeat notes that a reading is sent once more. It may be there twice then, the second time marked as a duplicate.
func (b *book) repeat(s number) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.again[s.alarm][s.n] = true
}

func (b *book) wake() {
	close(b.more)
	b.more = make(chan struct{})
}

// highest is the last number of an alarm that was sent, as far as is known.
func (b *book) highest(alarm int) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, sent := range []map[int]bool{b.acked[alarm], b.unanswered[alarm]} {
		for i := range sent {
			n = max(n, i)
		}
	}
	return n
}

// await waits until some more readings were acknowledged, of each way.
func (b *book) await(ctx context.Context, more int) error {
	b.mu.Lock()
	begin := b.counts
	b.mu.Unlock()
	timeout := time.After(startPatience)
	for {
		b.mu.Lock()
		counts, grown, refused := b.counts, b.more, b.refused
		b.mu.Unlock()
		if refused != nil {
			return refused
		}
		behind := slowest(begin, counts)
		if counts[behind]-begin[behind] >= more {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		case <-timeout:
			return fmt.Errorf("%d readings over %s were acknowledged in %s", counts[behind]-begin[behind], behind, startPatience)
		}
	}
}

func slowest(begin, now [ways]int) (w way) {
	for i := range ways {
		if now[i]-begin[i] < now[w]-begin[w] {
			w = i
		}
	}
	return w
}
