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
	readingsPerRead = 20_000
)

var errEnough = errors.New("enough readings")

// Learn takes into memory what another change has stored though its answer got lost, such as datastreams.
func (s *Service) Learn(ctx context.Context) error {
	nothing := func(*db.Tx) error { return nil }
	done := make(chan error, 1)
	// Doubt is raised between two commits, so that the next job finds nothing in the store that may yet be taken back.
	err := s.DB.WriteAsync(ctx, nothing, func(err error) { s.unsure = true; done <- err })
	if err == nil {
		err = <-done
	}
	if err != nil {
		return err
	}
	return s.do(ctx, &job{}, nothing)
}

func writeState(tx *db.Tx, datastream int64, st State) error {
	var latest []byte
	if st.latest != 0 {
		c := pack(st.Latest.Reading)
		latest = appendRecord(nil, &c, 0)
	}
	_, err := tx.Exec(`insert into datastream_state
		(datastream, count, min_at, max_at, near, min_result_at, max_result_at, heard_at, latest_id, latest)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		on conflict (datastream) do update set count = excluded.count, min_at = excluded.min_at, max_at = excluded.max_at,
		near = excluded.near, min_result_at = excluded.min_result_at, max_result_at = excluded.max_result_at, heard_at = excluded.heard_at,
		latest_id = excluded.latest_id, latest = excluded.latest`,
		datastream, st.Count, st.MinAt, st.MaxAt, st.near, optional(st.MinResult), optional(st.MaxResult), st.HeardAt, st.latest, latest)
	if err != nil {
		return fmt.Errorf("state of datastream %d: %w", datastream, err)
	}
	return nil
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
	st := &stream{Datastream: d, newest: math.MinInt64, near: math.MinInt64}
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
	l := &lane{of: st, known: true}
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

// laneHeaders hands the headers of those of a lane's chunks to fn that may hold a time within [from, to], in the order of n.
func laneHeaders(tx *db.Tx, lane, from, to int64, fn func(lane int64, h header)) error {
	err := tx.Each(scanHeader(fn), selectHeaders+" where lane = $1 and max_at >= $2 and min_at <= $3 order by lane nulls last, n0 nulls last",
		lane, from, to)
	if err != nil {
		return fmt.Errorf("chunks of lane %d: %w", lane, err)
	}
	return nil
}

// allHeaders hands those of all lanes to fn, lane by lane.
func allHeaders(tx *db.Tx, fn func(lane int64, h header)) error {
	if err := tx.Each(scanHeader(fn), selectHeaders+" order by lane nulls last, n0 nulls last"); err != nil {
		return fmt.Errorf("headers of chunks: %w", err)
	}
	return nil
}

const selectHeaders = `select lane, n0, count, min_at, max_at, min_value, max_value, min_result_at, max_result_at, step, early, late
	from chunks`

func scanHeader(fn func(lane int64, h header)) func(r *sql.Rows) error {
	return func(r *sql.Rows) error {
		var lane int64
		var h header
		var minValue, maxValue sql.NullFloat64
		var minResult, maxResult sql.NullInt64
		err := r.Scan(&lane, &h.n0, &h.count, &h.minAt, &h.maxAt, &minValue, &maxValue, &minResult, &maxResult, &h.step, &h.early, &h.late)
		if err != nil {
			return err
		}
		h.minResult, h.maxResult = minResult.Int64, maxResult.Int64
		h.minValue, h.maxValue, h.numbers = minValue.Float64, maxValue.Float64, minValue.Valid
		fn(lane, h)
		return nil
	}
}

// headerOf is the place of the chunk that holds n; its count is 0 where there is none.
func headerOf(tx *db.Tx, lane, n int64) (h header, err error) {
	err = tx.QueryRow("select n0, count from chunks where lane = $1 and n0 <= $2 order by lane desc nulls last, n0 desc nulls last limit 1", lane, n).
		Scan(&h.n0, &h.count)
	if errors.Is(err, db.ErrNotFound) {
		return header{}, nil
	}
	if err != nil || h.n0+h.count <= n {
		return header{}, err
	}
	return h, nil
}

// lastHeaders are the places of a lane's last chunks, at most so many, in the order of n.
func lastHeaders(tx *db.Tx, lane int64, most int) (out headers, err error) {
	err = tx.Each(func(r *sql.Rows) error {
		var h header
		err := r.Scan(&h.n0, &h.count)
		out = append(out, h)
		return err
	}, "select n0, count from chunks where lane = $1 order by lane desc nulls last, n0 desc nulls last limit $2", lane, most)
	if err != nil {
		return nil, fmt.Errorf("last chunks of lane %d: %w", lane, err)
	}
	slices.Reverse(out)
	return out, nil
}

// deleteChunks deletes chunks of a lane by their first n.
func deleteChunks(tx *db.Tx, lane int64, n0 []int64) error {
	_, err := tx.Exec("delete from chunks where lane = $1 and n0 in (select cast(value as bigint) from json_list($2))", lane, jsonList(n0))
	if err != nil {
		return fmt.Errorf("chunks of lane %d: %w", lane, err)
	}
	return nil
}

// loadChunk reads the records that a header stands for. Since the header was read a deletion may have made several chunks of
// its one, or a seal a larger one of several.
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
		part = part[min(max(0, h.n0-n0), int64(len(part))):]
		part = part[:min(int64(len(part)), h.n0+h.count-max(n0, h.n0))]
		if records == nil {
			records = part
		} else {
			records = append(slices.Clip(records), part...)
		}
		return nil
	}, `select n0, columns from chunks where lane = $1 and n0 < $3 and n0 >= coalesce(
		(select n0 from chunks where lane = $1 and n0 <= $2 order by n0 desc nulls last limit 1), $2)
		order by n0 nulls last`, lane, h.n0, h.n0+h.count)
	return records, err
}

// put writes a chunk in place of one that begins at the same n.
func (c *chunk) put(tx *db.Tx, lane int64) error {
	h := &c.header
	_, err := tx.Exec(`insert into chunks (lane, n0, count, min_at, max_at, min_value, max_value, min_result_at, max_result_at,
		step, early, late, columns)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		on conflict (lane, n0) do update set count = excluded.count, min_at = excluded.min_at, max_at = excluded.max_at,
		min_value = excluded.min_value, max_value = excluded.max_value, min_result_at = excluded.min_result_at,
		max_result_at = excluded.max_result_at, step = excluded.step, early = excluded.early, late = excluded.late,
		columns = excluded.columns`,
		lane, c.n0, h.count, h.minAt, h.maxAt,
		sql.NullFloat64{Float64: h.minValue, Valid: h.numbers}, sql.NullFloat64{Float64: h.maxValue, Valid: h.numbers},
		optional(h.minResult), optional(h.maxResult), h.step, h.early, h.late, c.columns)
	if err != nil {
		return fmt.Errorf("chunk %d of lane %d: %w", c.n0, lane, err)
	}
	return nil
}

// optional is a time that may be missing, as SQL has it.
func optional(t int64) sql.NullInt64 { return sql.NullInt64{Int64: t, Valid: t != 0} }
