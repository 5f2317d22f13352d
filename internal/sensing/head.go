package sensing

import (
	"cmp"
	"slices"
)

// stream is one datastream in memory: its identity, what is kept about it, and its lanes.
type stream struct {
	Datastream // never changes

	current *lane // where the next reading is numbered; only the writer touches it

	// Guarded by Service.mu.
	state State
	lanes []*lane

	// sealed is the state as of what is in chunks. Only the sealer touches it.
	sealed State
}

// lane numbers readings of one datastream and holds those that are not in chunks yet.
type lane struct {
	id   int64
	of   *stream
	next int64 // the n of the next reading; only the writer touches it

	// Guarded by Service.mu.
	sealed int64      // readings with n below are in chunks
	head   []numbered // the others, in the order of n
}

// numbered is a reading in the head.
type numbered struct {
	n int64
	point
}

// State is what is kept about a datastream.
type State struct {
	Count        int64
	MinAt, MaxAt int64 // phenomenon times, microseconds UTC
	LatestID     int64 // the reading with the latest time; the later id where two have the same
	Latest       Value
}

// add counts one more reading.
func (s *State) add(id, at int64, v Value) {
	if s.Count == 0 || at < s.MinAt {
		s.MinAt = at
	}
	if s.Count == 0 || at > s.MaxAt || at == s.MaxAt && id > s.LatestID {
		s.MaxAt, s.LatestID, s.Latest = at, id, v
	}
	s.Count++
}

// between appends the head's readings within [from, to].
func (l *lane) between(out []Stored, from, to int64) []Stored {
	for _, r := range l.head {
		if r.at >= from && r.at <= to {
			out = append(out, l.stored(r))
		}
	}
	return out
}

func (l *lane) stored(r numbered) Stored {
	return Stored{ID: readingID(l.id, r.n), Reading: Reading{Datastream: l.of.ID, At: r.at, Value: r.value}}
}

func readingID(lane, n int64) int64 { return lane<<laneBits | n }

// inTimeOrder sorts readings by time, then id, and drops those that were seen both in the head and in a chunk.
func inTimeOrder(rs []Stored) []Stored {
	slices.SortFunc(rs, func(a, b Stored) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID)) })
	return slices.CompactFunc(rs, func(a, b Stored) bool { return a.ID == b.ID })
}
