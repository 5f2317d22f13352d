package access

import (
	"net/netip"
	"sync"
	"time"
)

// Sign-in attempts. They are counted per account and address, so that nobody can lock another out from elsewhere, and per
// address, so that nobody tries one password on every account.
const (
	accountBurst = 5               // attempts on one account from one address before waiting,
	accountEvery = 1 * time.Minute // then one more each
	addressBurst = 30
	addressEvery = 10 * time.Second

	// maxThrottled bounds the memory. Beyond it strangers' attempts share one entry, which fails towards refusing.
	maxThrottled = 20_000
)

// throttle holds a bucket of attempts per key. It lives in memory: a restart forgives.
type throttle struct {
	mu      sync.Mutex
	buckets map[string]bucket // guarded by mu
}

type bucket struct {
	used   float64 // attempts not yet forgiven
	at     time.Time
	warned bool // the limit was reported
}

func newThrottle() *throttle { return &throttle{buckets: map[string]bucket{}} }

// attempt takes one attempt on the account from the address. wait is 0 if it may go on; first is true when it is the first
// to be held back since attempts were last allowed, which is when it gets reported.
func (t *throttle) attempt(now time.Time, account string, addr netip.Addr) (wait time.Duration, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := network(addr)
	wait, first = t.take(now, "address "+a, addressBurst, addressEvery)
	if wait > 0 {
		return wait, first
	}
	return t.take(now, "account "+a+" "+account, accountBurst, accountEvery)
}

// success forgets the attempts on the account from the address.
func (t *throttle) success(account string, addr netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.buckets, "account "+network(addr)+" "+account)
}

func (t *throttle) take(now time.Time, key string, burst float64, every time.Duration) (wait time.Duration, first bool) {
	b, ok := t.buckets[key]
	if !ok && len(t.buckets) >= maxThrottled {
		t.sweep(now)
		if len(t.buckets) >= maxThrottled {
			key = "crowd"
			b = t.buckets[key]
		}
	}
	b.used = max(0, b.used-float64(now.Sub(b.at))/float64(every))
	b.at = now
	if b.used+1 > burst {
		first = !b.warned
		b.warned = true
		t.buckets[key] = b
		return time.Duration((b.used + 1 - burst) * float64(every)), first
	}
	b.used++
	b.warned = false
	t.buckets[key] = b
	return 0, false
}

// sweep drops what is long forgiven.
func (t *throttle) sweep(now time.Time) {
	for key, b := range t.buckets {
		if now.Sub(b.at) > max(accountBurst*accountEvery, addressBurst*addressEvery) {
			delete(t.buckets, key)
		}
	}
}

// network is the address as far as one customer of a provider holds it: an IPv6 subscriber has a whole /64.
func network(a netip.Addr) string {
	a = a.Unmap()
	if a.Is6() {
		p, _ := a.WithZone("").Prefix(64)
		return p.String()
	}
	return a.String()
}
