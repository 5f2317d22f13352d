package sensing

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

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

var errEnough = errors.New("enough readings")

// load rebuilds the memory from the store: what was kept at the last seal, then the log from there.
func (s *Service) load(ctx context.Context) error {
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow("select sealed_seq, readings, deleted, trimmed_seq from log_state where id = 1").
			Scan(&s.lastSeq, &s.count.logged, &s.count.deleted, &s.trimmed)
		return errors.Join(err, s.learn(tx), s.loadStates(tx), s.loadSources(tx))
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
	if err := s.learn(tx); err != nil { // a commit of unknown outcome may have made datastreams and lanes
		return err
	}
	rows, err := logRows(tx, s.LastSeq())
	if err != nil {
		return err
	}
	for _, r := range rows {
		for i := range r.batches {
			for j := range r.batches[i].entries {
				e := &r.batches[i].entries[j]
				l := s.lanes[e.lane]
				if l == nil {
					return fmt.Errorf("log row %d: lane %d does not exist", r.seq, e.lane)
				}
				l.next = max(l.next, int64(e.n)+1)
				l.of.newest = max(l.of.newest, e.at)
			}
		}
		s.apply(r)
	}
	return nil
}

// logRows reads some rows after a position, at least one if there is one.
func logRows(tx *db.Tx, after int64) (rows []*logRow, err error) {
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
		row, err := decodeRow(payload)
		if err != nil {
			return fmt.Errorf("log row %d: %w", seq, err)
		}
		row.seq = seq
		readings += row.readings()
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
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := map[int64]*stream{}
	known := len(s.streams)
	err := tx.Each(func(r *sql.Rows) error {
		st := &stream{newest: math.MinInt64}
		var isGone bool
		err := r.Scan(&st.ID, &st.ExternalID, &st.Thing, &st.Asset, &st.Property, &st.Unit, &st.Name, &st.Marks, &isGone)
		switch {
		case err != nil || s.streams[st.ID] != nil:
		case isGone:
			st.closed = true
			gone[st.ID] = st
		default:
			s.streams[st.ID] = st
			s.byExternal[st.ExternalID] = st
		}
		return err
	}, "select id, external_id, thing, asset, property, unit, name, marks, gone from datastreams order by id nulls last")
	if err != nil {
		return err
	}
	lanes := len(s.lanes)
	err = tx.Each(func(r *sql.Rows) error {
		var id, datastream, sealed, stored int64
		if err := r.Scan(&id, &datastream, &sealed, &stored); err != nil || s.lanes[id] != nil {
			return err
		}
		st := s.streams[datastream]
		l := &lane{id: id, of: st, next: sealed, inChunks: sealed, sealed: sealed}
		if st == nil {
			l.of = gone[datastream]
			s.count.deleted += stored
		} else {
			l.stored = stored
			s.count.sealed += stored
			st.current, st.lanes = l, append(st.lanes, l)
		}
		s.lanes[id] = l
		return nil
	}, "select lane, datastream, sealed_n, sealed from lanes order by lane nulls last")
	if len(s.streams) != known || len(s.lanes) != lanes {
		s.reorder()
	}
	return err
}

// Learn looks for datastreams that are in the store and not in memory: those of a change whose answer got lost.
func (s *Service) Learn(ctx context.Context) error { return s.DB.Write(ctx, s.learn) }

func (s *Service) loadStates(tx *db.Tx) error {
	return tx.Each(func(r *sql.Rows) error {
		var datastream, latestID int64
		var state State
		var minResult, maxResult sql.NullInt64
		var latest []byte
		err := r.Scan(&datastream, &state.Count, &state.MinAt, &state.MaxAt, &minResult, &maxResult, &state.HeardAt, &latestID, &latest)
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
			st.newest = state.MaxAt
		}
		return nil
	}, `select datastream, count, min_at, max_at, min_result_at, max_result_at, heard_at, latest_id, latest
		from datastream_state order by datastream nulls last`)
}

func writeState(tx *db.Tx, datastream int64, st State) error {
	var latest []byte
	if st.latest != 0 {
		c := pack(st.Latest.Reading)
		latest = appendRecord(nil, &c, 0)
	}
	optional := func(t int64) sql.NullInt64 { return sql.NullInt64{Int64: t, Valid: t != 0} }
	_, err := tx.Exec(`insert into datastream_state
		(datastream, count, min_at, max_at, min_result_at, max_result_at, heard_at, latest_id, latest)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (datastream) do update set count = excluded.count, min_at = excluded.min_at, max_at = excluded.max_at,
		min_result_at = excluded.min_result_at, max_result_at = excluded.max_result_at, heard_at = excluded.heard_at,
		latest_id = excluded.latest_id, latest = excluded.latest`,
		datastream, st.Count, st.MinAt, st.MaxAt, optional(st.MinResult), optional(st.MaxResult), st.HeardAt, st.latest, latest)
	if err != nil {
		return fmt.Errorf("state of datastream %d: %w", datastream, err)
	}
	return nil
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

func insertDatastream(tx *db.Tx, d Datastream, now time.Time) (*stream, error) {
	st := &stream{Datastream: d, newest: math.MinInt64}
	name := d.ExternalID
	if name == "" {
		name = "new" // until its id is known; the writer has no second one at a time
	}
	err := tx.QueryRow(`insert into datastreams (external_id, thing, asset, property, unit, name, marks, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8) returning id`,
		name, d.Thing, d.Asset, d.Property, d.Unit, d.Name, int64(d.Marks), db.Micros(now)).Scan(&st.ID)
	if err != nil {
		return nil, fmt.Errorf("datastream %s: %w", name, err)
	}
	if d.ExternalID == "" {
		st.ExternalID = "Datastreams(" + strconv.FormatInt(st.ID, 10) + ")"
		if _, err := tx.Exec("update datastreams set external_id = $1 where id = $2", st.ExternalID, st.ID); err != nil {
			return nil, fmt.Errorf("datastream %d: %w", st.ID, err)
		}
	}
	l, err := insertLane(tx, st)
	if err != nil {
		return nil, err
	}
	st.current, st.lanes = l, []*lane{l}
	return st, nil
}

func updateDatastream(tx *db.Tx, d Datastream) error {
	_, err := tx.Exec(`update datastreams set external_id = $1, thing = $2, asset = $3, property = $4, unit = $5, name = $6, marks = $7
		where id = $8`, d.ExternalID, d.Thing, d.Asset, d.Property, d.Unit, d.Name, int64(d.Marks), d.ID)
	if err != nil {
		return fmt.Errorf("datastream %d: %w", d.ID, err)
	}
	return nil
}

// removeDatastream marks a datastream as gone; its external id is free again.
func removeDatastream(tx *db.Tx, id int64) error {
	if _, err := tx.Exec("update datastreams set gone = 1, external_id = 'gone ' || cast(id as text) where id = $1", id); err != nil {
		return fmt.Errorf("datastream %d: %w", id, err)
	}
	if _, err := tx.Exec("delete from datastream_state where datastream = $1", id); err != nil {
		return fmt.Errorf("state of datastream %d: %w", id, err)
	}
	return nil
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
	}, "select id from datastreams where asset = $1 and gone = 0 order by id nulls last", asset)
	return ids, err
}

// chunkHeaders are the headers of a lane's chunks that may hold a time within [from, to] and, where all their results are
// numbers, one within the bounds, in the order of n.
func chunkHeaders(tx *db.Tx, lane, from, to int64, low, high *float64) (out []header, err error) {
	err = tx.Each(func(r *sql.Rows) error {
		var h header
		var minValue, maxValue sql.NullFloat64
		if err := r.Scan(&h.n0, &h.count, &h.minAt, &h.maxAt, &minValue, &maxValue); err != nil {
			return err
		}
		h.minValue, h.maxValue, h.numbers = minValue.Float64, maxValue.Float64, minValue.Valid
		if h.numbers && (low != nil && h.maxValue < *low || high != nil && h.minValue > *high) {
			return nil
		}
		out = append(out, h)
		return nil
	}, `select n0, count, min_at, max_at, min_value, max_value from chunks
		where lane = $1 and max_at >= $2 and min_at <= $3 order by lane nulls last, n0 nulls last`, lane, from, to)
	if err != nil {
		return nil, fmt.Errorf("chunks of lane %d: %w", lane, err)
	}
	return out, nil
}

// allHeaders are the places and times of the chunks of all lanes that may hold a time within [from, to].
func allHeaders(tx *db.Tx, from, to int64, fn func(lane int64, h header)) error {
	err := tx.Each(func(r *sql.Rows) error {
		var lane int64
		var h header
		err := r.Scan(&lane, &h.n0, &h.count, &h.minAt, &h.maxAt)
		fn(lane, h)
		return err
	}, `select lane, n0, count, min_at, max_at from chunks where max_at >= $1 and min_at <= $2 order by lane nulls last, n0 nulls last`, from, to)
	if err != nil {
		return fmt.Errorf("headers of chunks: %w", err)
	}
	return nil
}

// headerOf is the header of the chunk that holds n; its count is 0 where there is none.
func headerOf(tx *db.Tx, lane, n int64) (h header, err error) {
	err = tx.QueryRow("select n0, count from chunks where lane = $1 and n0 <= $2 order by lane desc nulls last, n0 desc nulls last limit 1", lane, n).
		Scan(&h.n0, &h.count)
	if errors.Is(err, db.ErrNotFound) || err == nil && h.n0+h.count <= n {
		return header{}, nil
	}
	return h, err
}

// loadChunk reads the records that a header stands for. A deletion may have made several chunks of it since.
func loadChunk(tx *db.Tx, lane int64, h header) (records []record, err error) {
	err = tx.Each(func(r *sql.Rows) error {
		var n0 int64
		var columns []byte
		if err := r.Scan(&n0, &columns); err != nil {
			return err
		}
		part, err := decodeChunk(n0, columns)
		if err != nil {
			return fmt.Errorf("chunk %d of lane %d: %w", n0, lane, err)
		}
		if records == nil {
			records = part
		} else {
			records = append(slices.Clip(records), part...)
		}
		return nil
	}, "select n0, columns from chunks where lane = $1 and n0 >= $2 and n0 < $3 order by n0 nulls last", lane, h.n0, h.n0+h.count)
	return records, err
}

// put writes a chunk in place of one that begins at the same n.
func (c *chunk) put(tx *db.Tx, lane int64) error {
	h := c.header()
	if c.columns == nil {
		c.columns = encodeChunk(c.records)
	}
	_, err := tx.Exec(`insert into chunks (lane, n0, count, min_at, max_at, min_value, max_value, columns)
		values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (lane, n0) do update set count = excluded.count, min_at = excluded.min_at, max_at = excluded.max_at,
		min_value = excluded.min_value, max_value = excluded.max_value, columns = excluded.columns`,
		lane, c.n0, h.count, h.minAt, h.maxAt,
		sql.NullFloat64{Float64: h.minValue, Valid: h.numbers}, sql.NullFloat64{Float64: h.maxValue, Valid: h.numbers},
		c.columns)
	if err != nil {
		return fmt.Errorf("chunk %d of lane %d: %w", c.n0, lane, err)
	}
	return nil
}
