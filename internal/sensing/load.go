package sensing

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"runtime"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// load makes memory what the store says: what was kept at the last seal, then the log from there. It is called at the start,
// and by the writer when a commit's outcome is unknown; streams and lanes that are known then stay the same objects, since
// requests under way hold them.
func (s *Service) load(tx *db.Tx) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count = tally{}
	s.recent, s.recentSize = nil, 0
	err := tx.QueryRow("select sealed_seq, readings, deleted, trimmed_seq from log_state where id = 1").
		Scan(&s.lastSeq, &s.count.logged, &s.count.deleted, &s.trimmed)
	if err := errors.Join(err, s.loadStreams(tx), s.loadLanes(tx), s.loadStates(tx), s.loadSources(tx)); err != nil {
		return err
	}
	s.reorder()
	if err := s.replay(tx); err != nil {
		return err
	}
	s.announce()
	return nil
}

// replay brings the log's rows since the last seal into the heads. They are decoded beside that, which takes as long, and into
// a few rows in turn, so that hardly anything is left behind for the garbage collector.
func (s *Service) replay(tx *db.Tx) (err error) {
	const ahead = 4
	free, decoded := make(chan *logRow, ahead), make(chan *logRow, ahead)
	for range ahead {
		free <- &logRow{}
	}
	var failed error
	go func() {
		defer close(decoded)
		failed = tx.Each(func(r *sql.Rows) error {
			row, more := <-free
			if !more {
				return errEnough
			}
			var payload sql.RawBytes
			if err := r.Scan(&row.seq, &payload); err != nil {
				return err
			}
			if err := row.decode(payload); err != nil {
				return fmt.Errorf("log row %d: %w", row.seq, err)
			}
			decoded <- row
			return nil
		}, "select seq, payload from log where seq > $1 order by seq nulls last", s.lastSeq)
	}()
	for row := range decoded { // to its end in any case: until then the other side has the transaction
		if err != nil {
			continue
		}
		if err = s.renumber(row); err != nil {
			close(free)
			continue
		}
		s.applyLocked(row)
		free <- row
	}
	if err != nil {
		return err
	}
	return failed
}

// renumber takes from a row of the log what each lane's next number is.
func (s *Service) renumber(r *logRow) error {
	for i := range r.batches {
		for j := range r.batches[i].entries {
			e := &r.batches[i].entries[j]
			l := s.lanes[e.lane]
			if l == nil {
				return fmt.Errorf("log row %d: lane %d does not exist", r.seq, e.lane)
			}
			l.next = max(l.next, int64(e.n)+1)
			l.of.numberedAt(&e.record)
		}
	}
	return nil
}

func (s *Service) loadStreams(tx *db.Tx) error {
	known := s.streams
	s.streams, s.byExternal = map[int64]*stream{}, map[string]*stream{}
	s.gone = map[int64]*stream{}
	return tx.Each(func(r *sql.Rows) error {
		var d Datastream
		var isGone bool
		if err := r.Scan(&d.ID, &d.ExternalID, &d.Thing, &d.Asset, &d.Property, &d.Unit, &d.Name, &d.Marks, &isGone); err != nil {
			return err
		}
		st := known[d.ID]
		if st == nil {
			st = &stream{}
		}
		st.Datastream, st.closed, st.lanes, st.current = d, isGone, nil, nil
		st.state, st.sealed = State{}, State{}
		st.newest, st.near = math.MinInt64, math.MinInt64
		if isGone {
			s.gone[d.ID] = st
		} else {
			s.streams[d.ID], s.byExternal[d.ExternalID] = st, st
		}
		return nil
	}, "select id, external_id, thing, asset, property, unit, name, marks, gone from datastreams order by id nulls last")
}

func (s *Service) loadLanes(tx *db.Tx) error {
	known := s.lanes
	s.lanes, s.orphans = map[int64]*lane{}, map[int64]bool{}
	return tx.Each(func(r *sql.Rows) error {
		var id, datastream, sealed, stored int64
		if err := r.Scan(&id, &datastream, &sealed, &stored); err != nil {
			return err
		}
		l := known[id]
		if l == nil {
			l = &lane{id: id}
		}
		l.next, l.inChunks, l.sealed, l.applied, l.stored = sealed, sealed, sealed, sealed, stored
		l.changed() // whatever was planned for it is out of date
		l.goneAt = math.MaxInt64
		s.replaceHead(l, nil)
		s.lanes[id] = l
		if st := s.streams[datastream]; st != nil {
			l.of = st
			st.current, st.lanes = l, append(st.lanes, l)
			s.count.sealed += stored
		} else {
			l.of = s.gone[datastream]
			s.count.deleted += stored
			s.orphans[id] = true
		}
		return nil
	}, "select lane, datastream, sealed_n, sealed from lanes order by lane nulls last")
}

func (s *Service) loadStates(tx *db.Tx) error {
	return tx.Each(func(r *sql.Rows) error {
		var datastream, latestID int64
		var state State
		var minResult, maxResult sql.NullInt64
		var latest []byte
		err := r.Scan(&datastream, &state.Count, &state.MinAt, &state.MaxAt, &state.near, &minResult, &maxResult, &state.HeardAt, &latestID, &latest)
		if err != nil {
			return err
		}
		st := s.streams[datastream]
		if st == nil {
			return nil // deleted
		}
		state.MinResult, state.MaxResult = minResult.Int64, maxResult.Int64
		if latestID != 0 {
			r := reader{b: latest}
			c := r.record(0)
			if r.bad {
				return fmt.Errorf("latest reading of datastream %d: %w", datastream, errLogRow)
			}
			state.latest, state.latestAt, state.Latest = latestID, c.at, Stored{latestID, c.reading(datastream)}
		}
		st.state, st.sealed = state, state
		if state.Count > 0 {
			st.newest, st.near = state.MaxAt, state.nearest()
		}
		return nil
	}, `select datastream, count, min_at, max_at, near, min_result_at, max_result_at, heard_at, latest_id, latest
		from datastream_state order by datastream nulls last`)
}

func (s *Service) loadSources(tx *db.Tx) error {
	return tx.Each(func(r *sql.Rows) error {
		var name string
		var id, accepted, refused int64
		if err := r.Scan(&id, &name, &accepted, &refused); err != nil {
			return err
		}
		src := s.byID[id]
		if src == nil {
			src = &source{id: id}
			s.sources[name], s.byID[id] = src, src
		}
		src.accepted, src.refused = accepted, refused
		return nil
	}, "select id, name, accepted, refused from sources order by id nulls last")
}

// logRows reads some rows after a position up to another, at least one if there is one.
func logRows(tx *db.Tx, after, upTo int64) (rows []*logRow, err error) {
	readings := 0
	err = tx.Each(func(r *sql.Rows) error {
		if readings > readingsPerRead {
			return errEnough
		}
		var seq int64
		var payload []byte
		if err := r.Scan(&seq, &payload); err != nil {
			return err
		}
		row := &logRow{seq: seq}
		if err := row.decode(payload); err != nil {
			return fmt.Errorf("log row %d: %w", seq, err)
		}
		readings += row.readings()
		rows = append(rows, row)
		runtime.Gosched() // who waits for a commit goes first
		return nil
	}, "select seq, payload from log where seq > $1 and seq <= $2 order by seq nulls last limit $3", after, upTo, rowsPerRead)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return rows, err
}
