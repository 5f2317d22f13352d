package sensing

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"slices"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Amend replaces a stored reading and returns what it was. Its datastream and its id stay. What is kept about the datastream
// follows; detectors do not judge it again.
func (t *Tx) Amend(id int64, to Reading) (before Stored, err error) {
	l, was, err := t.stored(id)
	if err != nil {
		return Stored{}, err
	}
	to.Datastream = l.of.ID
	declared, _ := t.s.Property(l.of.Property)
	if code, message := to.check(l.of, declared); code != "" {
		return Stored{}, web.Errorf(http.StatusUnprocessableEntity, code, "%s", message)
	}
	to.Marks &^= MarkFuture | MarkPast | MarkNotFinite | MarkRange
	to.mark(l.of, declared, t.s.Clock.Now())
	c := pack(to)
	c.n = was.n
	return l.storedAs(was), t.replace(l, was, &c)
}

// Delete deletes a stored reading and returns what it was.
func (t *Tx) Delete(id int64) (before Stored, err error) {
	l, was, err := t.stored(id)
	if err != nil {
		return Stored{}, err
	}
	return l.storedAs(was), t.replace(l, was, nil)
}

func noReading(id int64) *web.Error {
	return web.Errorf(http.StatusNotFound, "sensing.unknown_observation", "there is no observation with the id %d", id)
}

// stored is a reading as this change sees it, and its lane.
func (t *Tx) stored(id int64) (*lane, *record, error) {
	if c, changed := t.now[id]; changed {
		if c == nil {
			return nil, nil, noReading(id)
		}
		lane, _ := laneOf(id)
		return t.s.laneByID(lane), c, nil
	}
	l, c, err := t.s.lookUp(t.Tx, id)
	if err != nil {
		return nil, nil, err
	}
	if c == nil || slices.ContainsFunc(t.gone, func(st *stream) bool { return st == l.of }) {
		return nil, nil, noReading(id)
	}
	return l, c, nil
}

// replace writes a reading anew, or deletes it where to is nil. In a chunk this is done at once, in the head once the
// change is on disk.
func (t *Tx) replace(l *lane, was, to *record) error {
	id := readingID(l.id, int64(was.n))
	a := amendment{source: t.source.id, lane: l.id, deleted: to == nil, before: *was}
	if to != nil {
		a.after = *to
	}
	t.now[id] = to
	t.row.amended = append(t.row.amended, a)
	t.s.mu.Lock()
	l.amended++
	t.s.mu.Unlock()
	if int64(was.n) >= l.inChunks {
		return nil // apply does it
	}
	if err := amendChunk(t.Tx, l.id, int64(was.n), to); err != nil {
		return err
	}
	state, err := restate(t.Tx, l.of)
	if err != nil {
		return err
	}
	t.after = append(t.after, func() {
		t.s.mu.Lock()
		defer t.s.mu.Unlock()
		if to == nil {
			l.stored--
			t.s.count.sealed--
		}
		l.of.sealed = state
		l.of.refold()
	})
	return nil
}

// applyAmendment brings an amendment into the head; one of a chunk is there already. The caller holds mu.
func (s *Service) applyAmendment(a *amendment) {
	l := s.lanes[a.lane]
	sealed, known := int64(a.before.n) < l.sealed, s.streams[l.of.ID] != nil
	if a.deleted && (sealed || known) { // at a restart the head of a deleted datastream is counted reading by reading
		s.count.deleted++
	}
	if sealed || !known {
		return
	}
	i, found := l.find(int64(a.before.n))
	if !found {
		return
	}
	s.count.headWeight -= l.head[i].weight()
	head := slices.Clone(l.head) // the sealer and readers may hold the old one
	if a.deleted {
		head = slices.Delete(head, i, i+1)
		s.count.head--
	} else {
		head[i] = a.after
		s.count.headWeight += a.after.weight()
	}
	l.replaceHead(head)
	l.of.refold()
}

// amendChunk rewrites the chunk that holds n. Ids are implied by the place in the chunk, so a deletion makes two of it.
func amendChunk(tx *db.Tx, lane, n int64, to *record) error {
	h, err := headerOf(tx, lane, n)
	if err != nil {
		return err
	}
	records, err := loadChunk(tx, lane, h)
	if err != nil {
		return err
	}
	i := n - h.n0
	if to != nil {
		records[i] = *to
		return (&chunk{n0: h.n0, records: records}).put(tx, lane)
	}
	if _, err := tx.Exec("delete from chunks where lane = $1 and n0 = $2", lane, h.n0); err != nil {
		return fmt.Errorf("chunk %d of lane %d: %w", h.n0, lane, err)
	}
	for _, part := range []chunk{{n0: h.n0, records: records[:i]}, {n0: n + 1, records: records[i+1:]}} {
		if len(part.records) == 0 {
			continue
		}
		if err := part.put(tx, lane); err != nil {
			return err
		}
	}
	_, err = tx.Exec("update lanes set sealed = sealed - 1 where lane = $1", lane)
	return err
}

// restate computes what is kept about a stream's chunks anew and writes it. Times follow from the headers; the latest
// reading and the result times from the chunks that can hold them.
func restate(tx *db.Tx, st *stream) (State, error) {
	s := State{HeardAt: st.sealed.HeardAt}
	type place struct {
		lane *lane
		header
	}
	var all []place
	for _, l := range st.lanes {
		headers, err := chunkHeaders(tx, l.id, math.MinInt64, math.MaxInt64, nil, nil)
		if err != nil {
			return s, err
		}
		for _, h := range headers {
			all = append(all, place{l, h})
		}
	}
	// From the newest down: once a reading that may be judged is found, older chunks are not needed but for result times.
	slices.SortFunc(all, func(a, b place) int { return cmp.Compare(b.maxAt, a.maxAt) })
	results := st.sealed.MinResult != 0
	for i, p := range all {
		if i > 0 && s.latest != 0 && p.maxAt < s.latestAt && !results {
			if p.minAt < s.MinAt {
				s.MinAt = p.minAt
			}
			s.Count += p.count
			continue
		}
		records, err := loadChunk(tx, p.lane.id, p.header)
		if err != nil {
			return s, err
		}
		s = s.fold(p.lane, records)
	}
	return s, writeState(tx, st.ID, s)
}
