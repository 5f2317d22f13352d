package sensing

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// Options are what the service can't do without.
type Options struct {
	DB     *db.DB
	Clock  clock.Clock
	Access access.Decider
	// Asset says whose an asset is and where; from memory.
	Asset func(id int64) Asset
	// Property is what a pack declares of an observed property, such as "gas/methane", if one does.
	Property func(name string) (Property, bool)
	// Consumers name those who tail the log: nothing is trimmed before each of them has called Hold.
	Consumers []string
}

// Asset is what sensing needs to know of the thing that a datastream belongs to.
type Asset struct {
	Organisation, Area int64
	// Home says that it stands in a home: its readings are taken and judged, and shown to nobody but as alive or not.
	Home bool
}

// Property is an observed property of a pack.
type Property struct {
	Unit string
	// Number says that its readings are numbers: a text would be stored, and no detector would ever judge it.
	Number bool
	// Range is what the world can have, in the unit; both 0 where the pack does not say.
	Range [2]float64
}

// Datastream is what the log knows of a datastream: whose readings they are. The catalogue knows the rest.
type Datastream struct {
	ID         int64
	ExternalID string // the sender's name for it, unique
	Thing      int64
	Asset      int64  // of the register; 0 where the Thing is none of its assets
	Property   string // "gas/methane": pack and observed property; "" where no pack has it
	Unit       string
	Name       string
	Marks      Marks // put on each of its readings
}

// Service is the observation log and the series store. Its methods are safe for concurrent use.
type Service struct {
	Options
	// A test makes these small.
	laneSize int64 // readings per lane
	manyRuns int

	// mu guards the maps, the streams' and lanes' marked fields, and the counters. The writer takes it after each commit,
	// the sealer after each of its own, and readers for the time of a copy.
	mu         sync.RWMutex
	streams    map[int64]*stream // those that are not deleted
	ordered    []*stream         // the same, by id; replaced as a whole
	byExternal map[string]*stream
	gone       map[int64]*stream // those that are deleted, as of the last load
	lanes      map[int64]*lane
	laneOrder  []*lane        // those of streams that are not deleted, by id; replaced as a whole
	orphans    map[int64]bool // the others
	sources    map[string]*source
	byID       map[int64]*source // sources by their number in the log
	count      tally
	lastSeq    int64     // the newest log row that is in the head
	forgotten  int64     // how many datastreams were deleted since the start
	trimmed    int64     // the rows up to here are gone
	recent     []*logRow // the newest rows, for those who follow closely; at most recentWeight
	recentSize int64
	holds      map[string]int64 // how far each consumer has come for good
	committed  chan struct{}    // closed and renewed after each commit

	queue queue

	// Only the writer touches these.
	unsure   bool   // a commit's outcome is unknown
	inFlight []*job // those of the present commit that amend readings

	wake    chan struct{} // to the sealer
	sealing atomic.Pointer[sealOutcome]
}

// tally counts readings at the stations of their path.
type tally struct {
	logged  int64 // in log rows, trimmed or not
	sealed  int64 // in chunks
	head    int64 // in memory
	deleted int64 // stored once, and deleted later

	headWeight int64 // bytes of those in memory
}

// source is one sender of readings. Its counts are guarded by Service.mu.
type source struct {
	id                int64
	accepted, refused int64
}

// New loads the datastreams and rebuilds the head from the log.
func New(ctx context.Context, o Options) (*Service, error) {
	s := &Service{
		Options: o, laneSize: maxN + 1, manyRuns: manyRuns,
		streams: map[int64]*stream{}, byExternal: map[string]*stream{}, lanes: map[int64]*lane{},
		sources: map[string]*source{}, byID: map[int64]*source{},
		holds: map[string]int64{}, committed: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	s.queue.room = sync.NewCond(&s.queue.mu)
	// By the writer, whose time is not bounded as a read's is: a server that can't read its log within seconds would never
	// come up again.
	if err := o.DB.Write(ctx, s.load); err != nil {
		return nil, fmt.Errorf("load the observation log: %w", err)
	}
	return s, nil
}

// adopt makes streams known, if they are not yet: there must be one numbering for each lane. The caller holds mu.
func (s *Service) adopt(made []*stream) {
	for _, st := range made {
		if s.streams[st.ID] != nil {
			continue
		}
		s.streams[st.ID] = st
		s.byExternal[st.ExternalID] = st
		for _, l := range st.lanes {
			s.lanes[l.id] = l
		}
		s.enlist(st)
	}
}

// enlist puts a new stream, whose id and lane are the highest, at the end of the lists by id. Who holds a list sees its own
// end of it.
func (s *Service) enlist(st *stream) {
	if n := len(s.ordered); n > 0 && s.ordered[n-1].ID > st.ID {
		s.reorder()
		return
	}
	s.ordered = append(s.ordered, st)
	s.laneOrder = append(s.laneOrder, st.lanes...)
}

// reorder renews the lists by id. A reader may hold the old ones.
func (s *Service) reorder() {
	ordered := make([]*stream, 0, len(s.streams))
	laneOrder := make([]*lane, 0, len(s.lanes))
	for _, st := range s.streams {
		ordered = append(ordered, st)
		laneOrder = append(laneOrder, st.lanes...)
	}
	slices.SortFunc(ordered, func(a, b *stream) int { return int(a.ID - b.ID) })
	slices.SortFunc(laneOrder, func(a, b *lane) int { return int(a.id - b.id) })
	s.ordered, s.laneOrder = ordered, laneOrder
}

// forget makes deleted streams unknown. Their lanes stay, since the log may hold readings of theirs. The caller holds mu.
func (s *Service) forget(gone []*stream) {
	if len(gone) == 0 {
		return
	}
	for _, st := range gone {
		delete(s.streams, st.ID)
		delete(s.byExternal, st.ExternalID)
		for _, l := range st.lanes {
			s.count.sealed -= l.stored
			s.count.head -= int64(len(l.head))
			s.count.deleted += l.stored + int64(len(l.head))
			for i := range l.head {
				s.count.headWeight -= l.head[i].weight()
			}
			s.replaceHead(l, nil)
			l.stored, l.goneAt = 0, s.lastSeq
			s.orphans[l.id] = true
		}
	}
	s.forgotten++
	s.reorder()
}

// Lookup is the datastream with an id.
func (s *Service) Lookup(id int64) (Datastream, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st, ok := s.streams[id]
	if !ok {
		return Datastream{}, false
	}
	return st.Datastream, true
}

// On are the datastreams on each of the assets, by id. It looks at all datastreams once, however many assets there are.
func (s *Service) On(assets map[int64]bool) map[int64][]Datastream {
	out := make(map[int64][]Datastream, len(assets))
	if len(assets) == 0 {
		return out
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, st := range s.ordered {
		if assets[st.Asset] {
			out[st.Asset] = append(out[st.Asset], st.Datastream)
		}
	}
	return out
}

// LookupExternal is the datastream with a sender's id.
func (s *Service) LookupExternal(externalID string) (Datastream, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st, ok := s.byExternal[externalID]
	if !ok {
		return Datastream{}, false
	}
	return st.Datastream, true
}

// State is what is kept about a datastream.
func (s *Service) State(datastream int64) (State, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st, ok := s.streams[datastream]
	if !ok {
		return State{}, false
	}
	return st.state, true
}

// DatastreamState is a datastream with what is kept about it.
type DatastreamState struct {
	Datastream
	State State
	// Hidden says that its values are not to be shown: it stands in a home.
	Hidden bool
}

// All calls fn for every datastream, in the order of ids.
func (s *Service) All(fn func(DatastreamState)) {
	s.mu.RLock()
	all := make([]DatastreamState, len(s.ordered))
	for i, st := range s.ordered {
		all[i] = DatastreamState{Datastream: st.Datastream, State: st.state}
	}
	s.mu.RUnlock()
	for _, d := range all {
		fn(d)
	}
}
