package sensing

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// A reading repeats another when datastream, time, feature and parameters are the same: it was sent twice, or heard by two
// gateways. If the last such reading has the same result it is a duplicate, else a conflict. Both are kept and marked.
//
// Most readings are newer than all before them, and nothing is looked for. For the others the chunks and the head are read
// before the request is queued, so that a sender of old data keeps only himself waiting; the writer then looks at what was
// numbered in between.

// suspects are the entries of one datastream whose time lies among those that are stored.
type suspects struct {
	of      *stream
	entries []int
	from    int64 // the earliest of their times, and the latest
	to      int64
}

// lookForRepeats marks the entries that repeat what is stored already, and notes for the writer up to where it looked.
func (s *Service) lookForRepeats(ctx context.Context, req *request) error {
	found := s.compareHeads(req, s.suspect(req))
	if len(found) == 0 {
		return nil
	}
	return s.compareChunks(func(fn func(tx *db.Tx) error) error { return s.DB.Read(ctx, fn) }, req, found)
}

// suspect sorts out the entries that may repeat something: one whose time lies outside all that its datastream has does not.
func (s *Service) suspect(req *request) (found []*suspects) {
	req.known = make([]int64, len(req.batch.entries))
	byStream := map[*stream]*suspects{}
	var last *suspects
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i := range req.batch.entries {
		of, at := req.streams[i], req.batch.entries[i].at
		l := of.lanes[len(of.lanes)-1]
		req.known[i] = l.sealed
		if len(l.head) > 0 {
			req.known[i] = int64(l.head[len(l.head)-1].n) + 1
		}
		if of.state.Count == 0 || at > of.state.lastFor(&req.batch.entries[i].record) || at < of.state.MinAt {
			continue
		}
		if last == nil || last.of != of {
			if last = byStream[of]; last == nil {
				last = &suspects{of: of, from: math.MaxInt64, to: math.MinInt64}
				byStream[of] = last
				found = append(found, last)
			}
		}
		last.entries = append(last.entries, i)
		last.from, last.to = min(last.from, at), max(last.to, at)
	}
	return found
}

// compareHeads holds the suspects against what memory has of their datastreams, the newest first, and returns those that the
// chunks may tell more about. An entry that has met its match is done.
func (s *Service) compareHeads(req *request, found []*suspects) (left []*suspects) {
	if len(found) == 0 {
		return nil
	}
	s.mu.Lock() // a lane may make its index
	defer s.mu.Unlock()
	for _, x := range found {
		for _, l := range slices.Backward(x.of.lanes) {
			x.keep(func(i int) bool {
				e := &req.batch.entries[i]
				return !s.atTime(l, e.at, e.meets)
			})
		}
		sealed := &x.of.sealed
		x.keep(func(i int) bool {
			e := &req.batch.entries[i]
			return sealed.Count > 0 && e.at >= sealed.MinAt && e.at <= sealed.lastFor(&e.record)
		})
		if len(x.entries) > 0 {
			left = append(left, x)
		}
	}
	return left
}

// lastFor is the latest time among which a reading may have its like: one reading of the future must not make all others
// look suspicious.
func (s *State) lastFor(c *record) int64 {
	if c.marks&MarkFuture != 0 {
		return s.MaxAt
	}
	return s.nearest()
}

// compareChunks holds the suspects against the chunks of their datastreams, the newest first. Each chunk is a read of its
// own, since old data may meet many.
func (s *Service) compareChunks(read func(func(tx *db.Tx) error) error, req *request, found []*suspects) error {
	for _, x := range found {
		for _, v := range slices.Backward(s.views(x.of)) {
			var headers headers
			err := read(func(tx *db.Tx) error {
				return laneHeaders(tx, v.lane.id, x.from, x.to, func(_ int64, h header) { headers = append(headers, h) })
			})
			if err != nil {
				return err
			}
			for _, h := range slices.Backward(headers) {
				if !x.within(req, h) {
					continue
				}
				if err := read(func(tx *db.Tx) error { return x.inChunk(tx, req, v.lane.id, h) }); err != nil {
					return fmt.Errorf("look for repeats: %w", err)
				}
			}
		}
	}
	return nil
}

// within says whether a chunk may hold the time of one of the suspects.
func (x *suspects) within(req *request, h header) bool {
	return slices.ContainsFunc(x.entries, func(i int) bool {
		at := req.batch.entries[i].at
		return at >= h.minAt && at <= h.maxAt
	})
}

// keep leaves those entries for which more says that there is more to look for.
func (x *suspects) keep(more func(i int) bool) {
	x.entries = slices.DeleteFunc(x.entries, func(i int) bool { return !more(i) })
}

// inChunk holds the suspects against one chunk.
func (x *suspects) inChunk(tx *db.Tx, req *request, lane int64, h header) error {
	records, err := loadChunk(tx, lane, h)
	if err != nil {
		return err
	}
	byTime := make(map[int64][]int, len(records))
	for j := range records {
		byTime[records[j].at] = append(byTime[records[j].at], j)
	}
	x.keep(func(i int) bool {
		e := &req.batch.entries[i]
		for _, j := range slices.Backward(byTime[e.at]) {
			if e.meets(&records[j]) {
				return false
			}
		}
		return true
	})
	return nil
}

// indexWeight is about how many bytes a reading takes in the index of times.
const indexWeight = 90

// atTime hands a head's records of a time to fn, the newest first, until fn says that it is done; it reports whether fn
// did. The caller holds mu for writing: a head that is not in the order of time gets an index when it is first asked.
func (s *Service) atTime(l *lane, at int64, fn func(*record) bool) bool {
	if !l.unsorted {
		i := sort.Search(len(l.head), func(i int) bool { return l.head[i].at > at })
		for i--; i >= 0 && l.head[i].at == at; i-- {
			if fn(&l.head[i]) {
				return true
			}
		}
		return false
	}
	if l.times == nil {
		l.times = make(map[int64][]uint32, len(l.head))
		for i := range l.head {
			l.times[l.head[i].at] = append(l.times[l.head[i].at], uint32(i))
		}
		l.indexed = indexWeight * int64(len(l.head))
		s.count.headWeight += l.indexed
	}
	for _, i := range slices.Backward(l.times[at]) {
		if fn(&l.head[i]) {
			return true
		}
	}
	return false
}

// grow appends a record to a head. The caller holds mu.
func (s *Service) grow(l *lane, c record) {
	if n := len(l.head); n > 0 && c.at < l.head[n-1].at {
		l.unsorted = true
	}
	if l.times != nil {
		l.times[c.at] = append(l.times[c.at], uint32(len(l.head)))
		l.indexed += indexWeight
		s.count.headWeight += indexWeight
	}
	if n := len(l.head); n == cap(l.head) {
		// A quarter more and not twice as much: the head is most of what the program holds. Not of one size in all lanes: where
		// instruments speak in step, all would grow at once.
		l.head = append(make([]record, 0, max(n+n/4, min(2*n, 64), 4+int(l.id%4))), l.head...)
	}
	l.head = append(l.head, c)
}

// replaceHead puts another head in place of the present one. The caller holds mu.
func (s *Service) replaceHead(l *lane, head []record) {
	s.count.headWeight -= l.indexed
	l.head, l.times, l.indexed = head, nil, 0
	l.unsorted = !slices.IsSortedFunc(head, func(a, b record) int { return cmp.Compare(a.at, b.at) })
}

// repeatSince says what a reading repeats among those that were numbered after its request looked: those of the same job,
// which reach the head after the commit, and those that reached it since. Only the writer calls it.
func (s *Service) repeatSince(j *job, of *stream, c *record, known int64) Marks {
	if c.at > of.newest || c.at > of.near && c.marks&MarkFuture == 0 {
		return 0
	}
	probe := entry{record: *c}
	probe.marks = 0
	if of.touched == j {
		for _, fresh := range slices.Backward(j.freshAt(of, c.at)) {
			if probe.meets(&fresh) {
				return probe.marks
			}
		}
	}
	s.mu.Lock() // the lane may make its index
	defer s.mu.Unlock()
	s.atTime(of.lanes[len(of.lanes)-1], c.at, func(r *record) bool {
		return int64(r.n) < known || probe.meets(r) // what came before was looked at
	})
	return probe.marks
}

// freshKey is a datastream and a time.
type freshKey struct {
	of *stream
	at int64
}

// note remembers that a reading was numbered in this job.
func (j *job) note(of *stream, c *record) {
	of.touched = j
	if j.fresh != nil {
		key := freshKey{of, c.at}
		j.fresh[key] = append(j.fresh[key], *c)
		return
	}
	j.numbered = append(j.numbered, numbered{of, c})
}

type numbered struct {
	of *stream
	c  *record
}

// freshAt are the readings of a datastream and time that were numbered in this job. Few jobs are asked, so the index is made
// when the first one is.
func (j *job) freshAt(of *stream, at int64) []record {
	if j.fresh == nil {
		j.fresh = make(map[freshKey][]record, len(j.numbered))
		for _, x := range j.numbered {
			key := freshKey{x.of, x.c.at}
			j.fresh[key] = append(j.fresh[key], *x.c)
		}
		j.numbered = nil
	}
	return j.fresh[freshKey{of, at}]
}

// meets marks an entry that repeats a stored record, and reports whether it does.
func (e *entry) meets(c *record) bool {
	if e.at != c.at || !e.sameSubject(c) {
		return false
	}
	e.marks &^= MarkDuplicate | MarkConflict
	if e.value().same(c.value()) {
		e.marks |= MarkDuplicate
	} else {
		e.marks |= MarkConflict
	}
	return true
}
