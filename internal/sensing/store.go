package sensing

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of the observation log and the series store.
func Migrations() db.Migrations { return db.Embedded("sensing", migrations) }

// rowsPerRead and readingsPerRead bound how much of the log one read takes.
const (
	rowsPerRead     = 256
	readingsPerRead = 200_000
)

// load rebuilds the memory from the store: what was kept at the last seal, then the log.
func (s *Service) load(ctx context.Context) error {
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		return errors.Join(s.learn(tx), s.loadStates(tx), s.loadSources(tx),
			tx.QueryRow("select seq, readings from log_trimmed where id = 1").Scan(&s.lastSeq, &s.count.logged),
			tx.QueryRow("select cast(coalesce(sum(count), 0) as bigint) from chunks").Scan(&s.count.sealed))
	})
	if err != nil {
		return err
	}
	for {
		before := s.lastSeq
		if err := s.DB.Read(ctx, s.replay); err != nil {
			return err
		}
		if s.lastSeq == before {
			return nil
		}
	}
}

// replay applies rows of the log that are not in the head yet. The next n of each lane follows from them.
func (s *Service) replay(tx *db.Tx) error {
	rows, err := logRows(tx, s.LastSeq())
	if err != nil {
		return err
	}
	if err := s.learn(tx); err != nil { // a commit of unknown outcome may have opened a lane
		return err
	}
	for _, r := range rows {
		for _, b := range r.batches {
			for _, e := range b.entries {
				if l := s.lanes[e.lane]; l == nil {
					return fmt.Errorf("log row %d: lane %d does not exist", r.seq, e.lane)
				} else if e.n >= l.next {
					l.next = e.n + 1
				}
			}
		}
		s.apply(r.seq, r.batches)
	}
	return nil
}

// logRow is a decoded row of the log.
type logRow struct {
	seq     int64
	batches []batch
}

// logRows reads some rows after a position, at least one if there is one.
func logRows(tx *db.Tx, after int64) (rows []logRow, err error) {
	readings := 0
	err = tx.Each(func(r *sql.Rows) error {
		if readings > readingsPerRead {
			return errEnough
		}
		var row logRow
		var payload []byte
		if err := r.Scan(&row.seq, &payload); err != nil {
			return err
		}
		if row.batches, err = decodeRow(payload); err != nil {
			return fmt.Errorf("log row %d: %w", row.seq, err)
		}
		for _, b := range row.batches {
			readings += len(b.entries)
		}
		rows = append(rows, row)
		return nil
	}, "select seq, payload from log where seq > $1 order by seq nulls last limit $2", after, rowsPerRead)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return rows, err
}

// learn takes datastreams and lanes into memory that are in the store and not there yet. But for the start it runs in the
// writer, since a lane's numbering is the writer's.
func (s *Service) learn(tx *db.Tx) error {
	found, err := unknownStreams(tx, s)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range found {
		s.adopt(st)
	}
	return tx.Each(func(r *sql.Rows) error {
		var id, datastream, sealed int64
		if err := r.Scan(&id, &datastream, &sealed); err != nil || s.lanes[id] != nil {
			return err
		}
		st := s.streams[datastream]
		st.current = &lane{id: id, of: st, next: sealed, sealed: sealed}
		st.lanes = append(st.lanes, st.current)
		s.lanes[id] = st.current
		return nil
	}, "select lane, datastream, sealed_n from lanes order by lane nulls last")
}

// unknownStreams reads the datastreams that are not in memory, without their lanes.
func unknownStreams(tx *db.Tx, s *Service) (found []*stream, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	err = tx.Each(func(r *sql.Rows) error {
		st := &stream{}
		err := r.Scan(&st.ID, &st.ExternalID, &st.Asset, &st.Property, &st.Unit, &st.Name)
		if s.streams[st.ID] == nil {
			found = append(found, st)
		}
		return err
	}, "select id, external_id, asset, property, unit, name from datastreams order by id nulls last")
	return found, err
}

func (s *Service) loadStates(tx *db.Tx) error {
	return tx.Each(func(r *sql.Rows) error {
		var datastream int64
		var state State
		var latest string
		if err := r.Scan(&datastream, &state.Count, &state.MinAt, &state.MaxAt, &state.LatestID, &latest); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(latest), &state.Latest); err != nil {
			return fmt.Errorf("latest value of datastream %d: %w", datastream, err)
		}
		st := s.streams[datastream]
		st.state, st.sealed = state, state
		return nil
	}, "select datastream, count, min_at, max_at, latest_id, latest from datastream_state order by datastream nulls last")
}

func (s *Service) loadSources(tx *db.Tx) error {
	return tx.Each(func(r *sql.Rows) error {
		var name string
		src := &source{}
		err := r.Scan(&src.id, &name, &src.accepted, &src.refused)
		s.sources[name], s.byID[src.id] = src, src
		return err
	}, "select id, name, accepted, refused from sources order by id nulls last")
}

// source returns the counters of a source and makes them if it is new.
func (s *Service) source(ctx context.Context, name string) (*source, error) {
	if name == "" || len(name) > 100 {
		return nil, web.Errorf(http.StatusUnprocessableEntity, "sensing.bad_source", "expected the sender's name, 1 to 100 bytes").At("source")
	}
	s.mu.RLock()
	src, ok := s.sources[name]
	s.mu.RUnlock()
	if ok {
		return src, nil
	}
	var id int64
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := tx.QueryRow(`insert into sources (name) values ($1)
			on conflict (name) do update set name = excluded.name returning id`, name).Scan(&id); err != nil {
			return err
		}
		tx.AfterCommit(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.byID[id] == nil { // two requests of a new source may meet here
				made := &source{id: id}
				s.sources[name], s.byID[id] = made, made
			}
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", name, err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byID[id], nil
}

func (s *Service) insertDatastream(tx *db.Tx, spec DatastreamSpec) (*stream, error) {
	st := &stream{Datastream: Datastream{
		ExternalID: spec.ExternalID, Asset: spec.Asset, Property: spec.Property, Unit: spec.Unit, Name: spec.Name,
	}}
	err := tx.QueryRow(`insert into datastreams (external_id, asset, property, unit, name, created_at)
		values ($1, $2, $3, $4, $5, $6) returning id`,
		spec.ExternalID, spec.Asset, spec.Property, spec.Unit, spec.Name, db.Micros(s.Clock.Now())).Scan(&st.ID)
	if err != nil {
		return nil, fmt.Errorf("datastream %s: %w", spec.ExternalID, err)
	}
	l, err := insertLane(tx, st)
	if err != nil {
		return nil, err
	}
	st.current, st.lanes = l, []*lane{l}
	return st, nil
}

func insertLane(tx *db.Tx, st *stream) (*lane, error) {
	l := &lane{of: st}
	if err := tx.QueryRow("insert into lanes (datastream) values ($1) returning lane", st.ID).Scan(&l.id); err != nil {
		return nil, fmt.Errorf("lane of datastream %d: %w", st.ID, err)
	}
	return l, nil
}

func datastreamsOf(tx *db.Tx, asset int64) (ids []int64, err error) {
	err = tx.Each(func(r *sql.Rows) error {
		var id int64
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	}, "select id from datastreams where asset = $1 order by id nulls last", asset)
	return ids, err
}

func (s *Service) rowsAfter(ctx context.Context, after int64) (out []Batch, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := logRows(tx, after)
		if err != nil {
			return err
		}
		for _, r := range rows {
			readings, ok := s.resolve(r.batches)
			if !ok {
				return nil // a lane that is about to be known: the row comes with the next look
			}
			out = append(out, Batch{r.seq, readings})
		}
		return nil
	})
	return out, err
}

// resolve names the datastream of each entry. It fails for a lane that was committed just now and is not in memory yet.
func (s *Service) resolve(batches []batch) ([]Stored, bool) {
	n := 0
	for _, b := range batches {
		n += len(b.entries)
	}
	out := make([]Stored, 0, n)
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, b := range batches {
		for _, e := range b.entries {
			l := s.lanes[e.lane]
			if l == nil {
				return nil, false
			}
			out = append(out, l.stored(numbered{e.n, point{e.at, e.value}}))
		}
	}
	return out, true
}

// readChunks reads the newest limit readings within [from, to] from the chunks of the lanes; it may return more, since a
// chunk comes whole. Chunks run from the newest times down, so it can stop once a further chunk can't hold a newer one.
func readChunks(tx *db.Tx, lanes []*lane, from, to int64, limit int) ([]Stored, error) {
	var out []Stored
	for _, l := range lanes {
		oldest := to // the oldest time that is still wanted, once there are enough
		got := 0
		err := tx.Each(func(r *sql.Rows) error {
			var n0, maxAt int64
			var columns []byte
			if err := r.Scan(&n0, &maxAt, &columns); err != nil {
				return err
			}
			if got >= limit && maxAt < oldest {
				return errEnough
			}
			points, err := decodeChunk(columns)
			if err != nil {
				return fmt.Errorf("chunk %d of lane %d: %w", n0, l.id, err)
			}
			for i, p := range points {
				if p.at >= from && p.at <= to {
					out = append(out, l.stored(numbered{n0 + int64(i), p}))
					oldest = min(oldest, p.at)
					got++
				}
			}
			return nil
		}, `select n0, max_at, columns from chunks where lane = $1 and max_at >= $2 and min_at <= $3
			order by max_at desc nulls last, n0 desc nulls last`, l.id, from, to)
		if err != nil && !errors.Is(err, errEnough) {
			return nil, err
		}
	}
	return out, nil
}

var errEnough = errors.New("enough readings")
