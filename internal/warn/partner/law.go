package partner

import (
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/warn/cap"
)

// How a message ends.
const (
	byUpdate   = "update"    // another message of its sender has taken its place
	byCancel   = "cancel"    // its sender has taken it back
	byAllClear = "all-clear" // its sender says that the danger is over
	byExpiry   = "expired"
	byRemoval  = "removed"    // its partner is no longer one of ours, or it no longer concerns the city as the partner is now described
	byDistrust = "distrusted" // it does not stand up to the trust that is now asked of its partner
)

// heard is what the law needs to know of a message that was not refused.
type heard struct {
	id                 int64
	sender, identifier string
	sent               time.Time
	msgType            string
	status             string
	clears             bool // an Update that says that it is over
	expires            time.Time
	references         cap.References
}

// ending is how and when a message ended, and by which other; the zero value is none.
type ending struct {
	by   int64
	at   time.Time
	kind string
}

// ends says whether r takes m out of force. Only who sent a warning can end it, and an exercise ends no real one. A
// message never ends itself: some senders name themselves among their references, and mean no harm.
func (r *heard) ends(m *heard) bool {
	if r.msgType != cap.TypeUpdate && r.msgType != cap.TypeCancel || r.sender != m.sender || r.status != m.status || !r.names(m.sender, m.identifier, m.sent) {
		return false
	}
	return r.identifier != m.identifier || !r.sent.Equal(m.sent)
}

func (r *heard) names(sender, identifier string, sent time.Time) bool {
	return slices.ContainsFunc(r.references, func(x cap.Reference) bool {
		return x.Sender == sender && x.Identifier == identifier && (x.Sent.IsZero() || x.Sent.Equal(sent))
	})
}

// kind is how r ends what it ends.
func (r *heard) kind() string {
	switch {
	case r.msgType == cap.TypeCancel:
		return byCancel
	case r.clears:
		return byAllClear
	}
	return byUpdate
}

// endOf is how m ended, given all messages that may have ended it, in any order: by the earliest of them. One that came only after
// m had expired by itself adds nothing but that it is over. Whether it has expired is for the clock to say.
func endOf(m *heard, others []heard) ending {
	var first *heard
	for i := range others {
		if r := &others[i]; r.ends(m) && (first == nil || earlier(r, first)) {
			first = r
		}
	}
	switch {
	case first == nil:
		return ending{}
	case !first.sent.Before(m.expires):
		return ending{by: first.id, at: m.expires, kind: byExpiry}
	}
	return ending{by: first.id, at: first.sent, kind: first.kind()}
}

func earlier(a, b *heard) bool {
	if c := a.sent.Compare(b.sent); c != 0 {
		return c < 0
	}
	return strings.Compare(a.identifier, b.identifier) < 0
}
