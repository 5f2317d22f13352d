package reports

import (
	"net/netip"
	"sync"
	"time"
)

// Bounds of the public form per sender. They are generous, since a whole quarter behind one address may report the same
// flood; they only keep one machine from filling the list.
const (
	DefaultBurst  = 20
	DefaultRefill = time.Minute // one more report each

	// maxSenders bounds the memory. Beyond it the senders that have been silent longest are forgotten.
	maxSenders = 10_000
)

// limiter allows each sender a burst and then one report per refill. It lives in memory only: addresses are never stored.
// It is safe for concurrent use.
type limiter struct {
	burst  float64
	refill time.Duration

	mu      sync.Mutex
	senders map[netip.Prefix]bucket // guarded by mu
}

type bucket struct {
	left float64
	at   time.Time
}

func newLimiter(burst int, refill time.Duration) *limiter {
	return &limiter{burst: float64(burst), refill: refill, senders: map[netip.Prefix]bucket{}}
}

// allow takes one from the sender's share and says whether there was one.
func (l *limiter) allow(addr netip.Addr, now time.Time) bool {
	key := senderOf(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	b, seen := l.senders[key]
	if !seen {
		if len(l.senders) >= maxSenders {
			l.forget(now)
		}
		b = bucket{left: l.burst, at: now}
	}
	b.left = min(l.burst, b.left+float64(now.Sub(b.at))/float64(l.refill))
	b.at = now
	ok := b.left >= 1
	if ok {
		b.left--
	}
	l.senders[key] = b
	return ok
}

// forget drops every sender whose share is full again, and if there are none such, any tenth: being limited less for a
// moment is better than growing without bound.
func (l *limiter) forget(now time.Time) {
	before := len(l.senders)
	for key, b := range l.senders {
		if b.left+float64(now.Sub(b.at))/float64(l.refill) >= l.burst {
			delete(l.senders, key)
		}
	}
	if len(l.senders) < before {
		return
	}
	n := maxSenders / 10
	for key := range l.senders {
		if n--; n < 0 {
			return
		}
		delete(l.senders, key)
	}
}

// senderOf is the address, or the network of 64 bits that one subscriber of IPv6 has.
func senderOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap()
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
