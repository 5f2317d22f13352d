package sensing

import (
	"cmp"
	"math"
	"slices"
)

// stream is one datastream in memory: its identity, what is kept about it, and its lanes.
type stream struct {
	// Only the writer touches these.
	current *lane // where the next reading is numbered
	newest  int64 // the latest time that was numbered
	near    int64 // the latest that was not marked as lying in the future
	touched *job  // the last job that numbered a reading of it
	closed  bool  // the datastream is deleted: what still waits is refused

	// Guarded by Service.mu.
	Datastream // its identity: ID never changes
	state      State
	lanes      []*lane

	// sealed is the state as of what is in chunks. The sealer and the writer change it, both within a write and under mu.
	sealed State
}

// numberedAt notes that a reading was numbered.
func (st *stream) numberedAt(c *record) {
	st.newest = max(st.newest, c.at)
	if c.marks&MarkFuture == 0 {
		st.near = max(st.near, c.at)
	}
}

// lane numbers readings of one datastream and holds those that are not in chunks yet.
type lane struct {
	id int64
	of *stream

	// Only the writer touches these.
	next     int64 // the n of the next reading
	inChunks int64 // readings with n below are in chunks, as of the last commit

	// Guarded by Service.mu.
	amended int64    // how often a stored reading of the lane was changed: tells the sealer that its plan is out of date
	applied int64    // readings with n below reached the head, once
	sealed  int64    // readings with n below are in chunks
	stored  int64    // how many there are in chunks
	head    []record // the others, in the order of n; replaced as a whole when one of them is amended
	goneAt  int64    // the log row by which its datastream was deleted
	// headers are those of its chunks, in the order of n, if they are known: always for a lane that has filled since the
	// start, else once somebody asked. What stands in the slice is not changed: views hold it.
	headers headers
	known   bool
	// unsorted says that the head is not in the order of time; times then are the places of each time, once asked for.
	unsorted bool
	times    map[int64][]uint32
	indexed  int64 // bytes of times that are counted in the head's weight
}

// changed says that stored readings of the lane are not what they were. The caller holds mu.
func (l *lane) changed() {
	l.amended++
	l.headers, l.known = nil, l.sealed == 0
}

// State is what is kept about a datastream.
type State struct {
	Count            int64
	MinAt, MaxAt     int64 // phenomenon times, microseconds UTC; 0 while there is none
	MinResult        int64 // result times; 0 while no reading has one
	MaxResult        int64
	HeardAt          int64  // when the last reading came in, by the server's clock
	Latest           Stored // the reading with the latest time that may be judged; the later id where two have the same
	latestAt, latest int64  // its time and id, for comparing; latest is 0 while there is none
	near             int64  // the latest time not marked as lying in the future, from MinTime on; 0 while there is none
}

// nearest is the latest time that was not marked as lying in the future; before all times while there is none.
func (s *State) nearest() int64 {
	if s.near == 0 {
		return math.MinInt64
	}
	return s.near - 1 + MinTime
}

// HasLatest says whether there is a latest reading.
func (s *State) HasLatest() bool { return s.latest != 0 }

// add counts one more reading. Its place is taken from the lane.
func (s *State) add(id, datastream int64, c *record) {
	if s.Count == 0 || c.at < s.MinAt {
		s.MinAt = c.at
	}
	if end := c.end(); s.Count == 0 || end > s.MaxAt {
		s.MaxAt = end
	}
	if c.marks&MarkFuture == 0 {
		s.near = max(s.near, c.end()-MinTime+1)
	}
	if t := c.resultTime(); t != 0 {
		if s.MinResult == 0 || t < s.MinResult {
			s.MinResult = t
		}
		if s.MaxResult == 0 || t > s.MaxResult {
			s.MaxResult = t
		}
	}
	if c.marks.Judged() && (s.latest == 0 || c.at > s.latestAt || c.at == s.latestAt && id > s.latest) {
		s.latestAt, s.latest, s.Latest = c.at, id, Stored{id, c.reading(datastream)}
	}
	s.Count++
}

// fold is the state with the records of a lane's head added.
func (s State) fold(l *lane, records []record) State {
	for i := range records {
		s.add(readingID(l.id, int64(records[i].n)), l.of.ID, &records[i])
	}
	return s
}

// refold computes a stream's state anew after a reading of its head was changed. The caller holds mu.
func (st *stream) refold() {
	heard := st.state.HeardAt
	st.state = st.sealed
	for _, l := range st.lanes {
		st.state = st.state.fold(l, l.head)
	}
	st.state.HeardAt = max(heard, st.state.HeardAt)
}

// find is the place of n in the head, and whether it is there.
func (l *lane) find(n int64) (int, bool) {
	return slices.BinarySearchFunc(l.head, n, func(c record, n int64) int { return cmp.Compare(int64(c.n), n) })
}

func (l *lane) storedAs(c *record) Stored {
	return Stored{ID: readingID(l.id, int64(c.n)), Reading: c.reading(l.of.ID)}
}

func readingID(lane, n int64) int64 { return lane<<laneBits | n }

func laneOf(id int64) (lane, n int64) { return id >> laneBits, id & maxN }
