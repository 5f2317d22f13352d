package coverage

import (
	"time"

	"github.com/anlan-city/anlan/internal/sensing"
)

// Liveness is how a datastream is doing.
type Liveness string

// The states of a datastream, best first.
const (
	Alive Liveness = "alive"
	Late  Liveness = "late"
	Mute  Liveness = "mute"
	Never Liveness = "never" // registered, and never heard
)

// Livenesses are all of them, best first.
var Livenesses = [...]Liveness{Alive, Late, Mute, Never}

// DefaultEvery is how often a datastream is expected to speak where neither a person, nor its sender, nor a detector says so.
const DefaultEvery = 24 * time.Hour

// A datastream is late once it has been silent for one and a half of its intervals: one message is missing, and not merely
// behind. It is mute once it has been silent for three: a lost message, which radio loses all the time, doesn't make it so.
const (
	lateHalves    = 3 // of half an interval
	muteIntervals = 3
)

// Origin says where an expected interval comes from.
type Origin string

// The origins, the strongest first.
const (
	FromSetting    Origin = "set"        // a person has set it here
	FromDatastream Origin = "datastream" // properties.heartbeat of the Datastream
	FromThing      Origin = "thing"      // properties.heartbeat of its Thing
	FromDetector   Origin = "detector"   // a detector's silent_after
	FromDefault    Origin = "default"    // DefaultEvery
)

// Expectation is how often a datastream should speak.
type Expectation struct {
	Every time.Duration
	From  Origin
}

// ofDetector is the interval that makes a datastream mute exactly when its detector calls it silent: the list and the alert
// must not contradict each other.
func ofDetector(silentAfter time.Duration) Expectation {
	return Expectation{silentAfter / muteIntervals, FromDetector}
}

// LivenessAt judges a datastream that last spoke at last (0: never), at the time now, both in microseconds.
func (e Expectation) LivenessAt(last, now int64) Liveness {
	every := e.Every.Microseconds()
	switch silent := now - last; {
	case last == 0:
		return Never
	case silent >= muteIntervals*every:
		return Mute
	case 2*silent > lateHalves*every:
		return Late
	}
	return Alive
}

// lastHeard is when a datastream last told something new about the world, in microseconds; 0 for never. Recorded history that
// comes in today tells nothing of today, and a reading that claims to be from the future was heard when it was heard: so the
// older of both times counts.
func lastHeard(st *sensing.State) int64 {
	switch {
	case st.Count == 0: // its readings are gone, or there never was one
		return st.HeardAt
	case st.HeardAt == 0:
		return st.MaxAt
	}
	return min(st.HeardAt, st.MaxAt)
}

// rank is the place in Livenesses.
func (l Liveness) rank() int {
	for i, x := range Livenesses {
		if x == l {
			return i
		}
	}
	return len(Livenesses)
}

// speaks says whether something still comes in.
func (l Liveness) speaks() bool { return l == Alive || l == Late }
