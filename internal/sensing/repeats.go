package sensing

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// A reading repeats another when datastream, time, feature and parameters are the same: it was sent twice, or heard by two
// gateways. With the same result it is a duplicate, with another a conflict. Both are kept and marked.
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
	found := s.suspect(req)
	if len(found) == 0 {
		return nil
	}
	return s.DB.Read(ctx, func(tx *db.Tx) error { return s.compare(tx, req, found) })
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
		if of.state.Count == 0 || at > of.state.MaxAt || at < of.state.MinAt {
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

// compare holds the suspects against what their datastreams have stored in that time.
func (s *Service) compare(tx *db.Tx, req *request, found []*suspects) error {
	for _, x := range found {
		wanted := make(map[int64][]int, len(x.entries)) // by time
		for _, i := range x.entries {
			at := req.batch.entries[i].at
			wanted[at] = append(wanted[at], i)
		}
		meet := func(c *record) {
			for _, i := range wanted[c.at] {
				req.batch.entries[i].meets(c)
			}
		}
		for _, v := range s.views(x.of) {
			for i := range v.head {
				meet(&v.head[i])
			}
			headers, err := chunkHeaders(tx, v.lane.id, x.from, x.to, nil, nil)
			if err != nil {
				return err
			}
			for _, h := range headers {
				if !slices.ContainsFunc(x.entries, func(i int) bool {
					at := req.batch.entries[i].at
					return at >= h.minAt && at <= h.maxAt
				}) {
					continue
				}
				records, err := loadChunk(tx, v.lane.id, h)
				if err != nil {
					return fmt.Errorf("look for repeats: %w", err)
				}
				for i := range records {
					meet(&records[i])
				}
			}
		}
	}
	return nil
}

// repeatSince says what a reading repeats among those that were numbered after its request looked: those that reached the
// head since, and those of the same job, which reach it after the commit. Only the writer calls it.
func (s *Service) repeatSince(job *numbering, of *stream, c *record, known int64) Marks {
	if c.at > of.newest {
		return 0
	}
	probe := entry{record: *c}
	probe.marks = 0
	s.mu.RLock()
	l := of.lanes[len(of.lanes)-1]
	for i, _ := l.find(known); i < len(l.head); i++ {
		probe.meets(&l.head[i])
	}
	s.mu.RUnlock()
	if of.touched == job {
		for _, fresh := range job.freshAt(of, c.at) {
			probe.meets(&fresh)
		}
	}
	return probe.marks
}

// freshKey is a datastream and a time.
type freshKey struct {
	of *stream
	at int64
}

// note remembers that a reading was numbered in this job.
func (job *numbering) note(of *stream, c *record) {
	of.touched = job
	if job.fresh != nil {
		key := freshKey{of, c.at}
		job.fresh[key] = append(job.fresh[key], *c)
		return
	}
	job.numbered = append(job.numbered, numbered{of, c})
}

type numbered struct {
	of *stream
	c  *record
}

// freshAt are the readings of a datastream and time that were numbered in this job. Few jobs are asked, so the index is made
// when the first one is.
func (job *numbering) freshAt(of *stream, at int64) []record {
	if job.fresh == nil {
		job.fresh = make(map[freshKey][]record, len(job.numbered))
		for _, x := range job.numbered {
			key := freshKey{x.of, x.c.at}
			job.fresh[key] = append(job.fresh[key], *x.c)
		}
		job.numbered = nil
	}
	return job.fresh[freshKey{of, at}]
}

// meets marks an entry that repeats a stored record.
func (e *entry) meets(c *record) {
	if e.at != c.at || !e.sameSubject(c) {
		return
	}
	if e.value().same(c.value()) {
		e.marks = e.marks&^MarkConflict | MarkDuplicate
	} else if e.marks&MarkDuplicate == 0 {
		e.marks |= MarkConflict
	}
}
