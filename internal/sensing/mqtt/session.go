package mqtt

import (
	"sync"
	"time"

	"github.com/anlan-city/anlan/internal/access"
)

// Owner is the credential that a client id belongs to. All of the public is one owner.
type Owner struct {
	Kind access.Kind
	ID   int64
}

// filter is one subscription of a client. It is not changed once it is in use; a new SUBSCRIBE makes a new one.
type filter struct {
	text       string
	qos        byte // 0 or 1
	options    byte // the bits of MQTT 5 (3.8.3.1) without the QoS, as they were sent
	identifier int  // subscription identifier; 0: none
	start      int64

	sub Subscription // nil while nobody is connected
	key string       // "": not for the hub
}

// compiled is f with its subscription.
func (f filter) compiled(sub Subscription) *filter {
	f.sub, f.key = sub, sub.Key()
	return &f
}

// session is what is remembered of a client id, connected or not.
type session struct {
	id string

	// Guarded by Edge.mu.
	owner      Owner
	conn       *client // nil while nobody is connected
	expiry     time.Duration
	goneAt     time.Time
	position   int64    // while nobody is connected; then the client knows
	filters    []filter // the same
	sentBefore int64    // rows up to here may have been sent; read by the client while it has the session
	stored     bool     // it has a row
	saved      int64    // the position in its row
	ended      bool     // not to be kept when its connection ends

	mu sync.Mutex
	// awaiting are the QoS 2 messages of a 3.1.1 publisher for which no PUBREL has come. Guarded by mu.
	awaiting map[uint16]*receipt
}

// expired says whether the time is over that the session may live without a connection. Edge.mu is held.
func (s *session) expired(now time.Time) bool {
	return s.conn == nil && !now.Before(s.goneAt.Add(s.expiry))
}

// expect notes a QoS 2 message and says whether it is the repetition of one that has come already, which is then not to
// be taken a second time. room is false when more than limit await their PUBREL.
func (s *session) expect(r *receipt, limit int) (again, room bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first := s.awaiting[r.id]; first != nil {
		r.first = first
		first.repeated = append(first.repeated, r.client)
		return true, true
	}
	if len(s.awaiting) >= limit {
		return false, false
	}
	if s.awaiting == nil {
		s.awaiting = map[uint16]*receipt{}
	}
	s.awaiting[r.id] = r
	return false, true
}

// settled wakes those who wait for a QoS 2 message. One that failed is forgotten, so that it can be sent again.
func (s *session) settled(r *receipt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.outcome == failed && s.awaiting[r.id] == r {
		delete(s.awaiting, r.id)
	}
	for _, c := range r.repeated {
		poke(c.wake)
	}
	r.repeated = nil
}

// release forgets a packet id, and says whether it was known.
func (s *session) release(id uint16) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.awaiting[id]
	delete(s.awaiting, id)
	return known
}
