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

// Get is a stored reading as this change sees it.
func (t *Tx) Get(id int64) (Stored, error) {
	l, c, err := t.stored(id)
	if err != nil {
		return Stored{}, err
	}
	return l.storedAs(c), nil
}

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
	l.of.numberedAt(&c)
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

func noReading(id int64) error {
	return fmt.Errorf("observation %d: %w", id, db.ErrNotFound)
}

// stored is a reading as this change sees it, with what other changes of the same commit have made of it, and its lane. The
// error is db.ErrNotFound where there is none.
func (t *Tx) stored(id int64) (*lane, *record, error) {
	of, _ := laneOf(id)
	jobs := append(slices.Clone(t.s.inFlight), &t.job)
	for _, j := range slices.Backward(jobs) {
		for _, st := range j.closed {
			if slices.ContainsFunc(st.lanes, func(l *lane) bool { return l.id == of }) {
				return nil, nil, noReading(id)
			}
		}
		if c, changed := j.now[id]; changed {
			if c == nil {
				return nil, nil, noReading(id)
			}
			return t.s.laneByID(of), c, nil
		}
	}
	if l, c := t.pending(id); c != nil {
		return l, c, nil
	}
	l, c, err := t.s.lookUp(t.Tx, id)
	if err == nil && c == nil {
		err = noReading(id)
	}
	return l, c, err
}

// pending is a reading that this change has appended itself.
func (t *Tx) pending(id int64) (*lane, *record) {
	lane, n := laneOf(id)
	for i := range t.row.batches {
		for k := range t.row.batches[i].entries {
			if e := &t.row.batches[i].entries[k]; e.lane == lane && int64(e.n) == n {
				c := e.record
				for _, st := range t.made {
					if st.current.id == lane {
						return st.current, &c
					}
				}
				return t.s.laneByID(lane), &c
			}
		}
	}
	return nil, nil
}

// replace writes a reading anew, or deletes it where to is nil. In a chunk this is done at once, in the head once the
// change is on disk.
func (t *Tx) replace(l *lane, was, to *record) error {
	a := amendment{source: t.source.id, lane: l.id, deleted: to == nil, before: *was}
	if to != nil {
		a.after = *to
	}
	if t.job.now == nil {
		t.job.now = map[int64]*record{}
	}
	t.job.now[readingID(l.id, int64(was.n))] = to
	t.row.amended = append(t.row.amended, a)
	t.s.mu.Lock()
	l.amended++ // what the sealer read before this is out of date; what it reads before the commit, see applyAmendments
	t.s.mu.Unlock()
	if int64(was.n) >= l.inChunks {
		return nil // apply does it
	}
	if t.recast == nil {
		t.recast = map[*stream]map[*lane]int64{}
	}
	if t.recast[l.of] == nil {
		t.recast[l.of] = map[*lane]int64{}
	}
	if to == nil {
		t.recast[l.of][l]++
	}
	return amendChunk(t.Tx, l.id, int64(was.n), to)
}

// settleChunks brings what is kept about streams in line with the chunks that were amended, once for each stream.
func (t *Tx) settleChunks() error {
	for st, deleted := range t.recast {
		state, closed := State{}, st.closed
		if !closed {
			var err error
			if state, err = t.s.restate(t.Tx, st); err != nil {
				return err
			}
		}
		t.after = append(t.after, func() {
			for l, n := range deleted {
				l.stored -= n
				t.s.count.sealed -= n
			}
			if !closed {
				st.sealed = state
				st.refold()
			}
		})
	}
	return nil
}

// applyAmendments brings amendments into the heads; those of chunks are there already. The caller holds mu.
func (s *Service) applyAmendments(all []amendment) {
	heads := map[*lane][]record{}
	for i := range all {
		a := &all[i]
		l := s.lanes[a.lane]
		l.amended++ // for a sealer that read the head while this was being committed
		if int64(a.before.n) < l.sealed {
			l.changed()
			if a.deleted {
				s.count.deleted++
			}
			continue
		}
		if s.streams[l.of.ID] == nil {
			continue // counted reading by reading, with its datastream
		}
		head, begun := heads[l]
		if !begun {
			head = slices.Clone(l.head) // the sealer and readers may hold the old one
		}
		at, found := slices.BinarySearchFunc(head, a.before.n, func(c record, n uint32) int { return cmp.Compare(c.n, n) })
		switch {
		case !found:
		case a.deleted:
			s.count.headWeight -= head[at].weight()
			s.count.head--
			s.count.deleted++
			head = slices.Delete(head, at, at+1)
		default:
			s.count.headWeight += a.after.weight() - head[at].weight()
			head[at] = a.after
		}
		heads[l] = head
	}
	changed := map[*stream]bool{}
	for l, head := range heads {
		s.replaceHead(l, head)
		changed[l.of] = true
	}
	for st := range changed {
		st.refold()
	}
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
		c := chunk{n0: h.n0, records: records}
		c.finish()
		return c.put(tx, lane)
	}
	if _, err := tx.Exec("delete from chunks where lane = $1 and n0 = $2", lane, h.n0); err != nil {
		return fmt.Errorf("chunk %d of lane %d: %w", h.n0, lane, err)
	}
	for _, part := range []chunk{{n0: h.n0, records: records[:i]}, {n0: n + 1, records: records[i+1:]}} {
		if len(part.records) == 0 {
			continue
		}
		part.finish()
		if err := part.put(tx, lane); err != nil {
			return err
		}
	}
	_, err = tx.Exec("update lanes set sealed = sealed - 1 where lane = $1", lane)
	return err
}

// restate computes what is kept about a stream's chunks anew and writes it. Most of it follows from the headers; the latest
// reading is looked for from the newest chunk down. Times that lie in the future are told only by their readings, so the
// chunks that reach beyond the server's clock are read too.
func (s *Service) restate(tx *db.Tx, st *stream) (State, error) {
	s.mu.RLock()
	lanes, state := st.lanes, State{HeardAt: st.sealed.HeardAt}
	s.mu.RUnlock()
	var all []place
	for _, l := range lanes {
		// From the store, which has what this change has done.
		err := laneHeaders(tx, l.id, math.MinInt64, math.MaxInt64, func(_ int64, h header) { all = append(all, place{view{lane: l}, h}) })
		if err != nil {
			return state, err
		}
	}
	slices.SortFunc(all, func(a, b place) int { return cmp.Compare(b.header.maxAt, a.header.maxAt) })
	ahead := s.Clock.Now().UnixMicro()
	for _, p := range all {
		h := p.header
		if state.latest != 0 && h.maxAt < state.latestAt && h.maxAt <= ahead {
			state.merge(h)
			continue
		}
		records, err := loadChunk(tx, p.view.lane.id, h)
		if err != nil {
			return state, err
		}
		state = state.fold(p.view.lane, records)
	}
	return state, writeState(tx, st.ID, state)
}

// merge counts a chunk of which only the header is known, none of whose readings is the latest or lies in the future.
func (s *State) merge(h header) {
	s.Count += h.count
	s.MinAt, s.MaxAt = min(s.MinAt, h.minAt), max(s.MaxAt, h.maxAt)
	s.near = max(s.near, h.maxAt-MinTime+1)
	if h.minResult != 0 && (s.MinResult == 0 || h.minResult < s.MinResult) {
		s.MinResult = h.minResult
	}
	if h.maxResult != 0 && (s.MaxResult == 0 || h.maxResult > s.MaxResult) {
		s.MaxResult = h.maxResult
	}
}
