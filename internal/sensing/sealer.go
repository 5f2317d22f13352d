package sensing

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
)

const (
	// sealAt is how many bytes the head may hold before the sealer is woken: a million numbers, which a restart replays.
	sealAt = 40_000_000

	// sealRetry is the pause after a seal that failed.
	sealRetry = 10 * time.Second

	// sealEvery is the longest a reading stays out of the chunks, so that the log stays short in a quiet city too.
	sealEvery = time.Hour

	// lanesPerSeal and rowsPerTrim bound how long one commit of the sealer keeps the writer from others.
	lanesPerSeal = 256
	rowsPerTrim  = 64

	// chunkSize is the most readings of a chunk. A chunk with fewer is filled up at the next seal instead of standing beside
	// many small ones.
	chunkSize = 1024
)

// Run seals until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-s.Clock.After(sealEvery):
		}
		err := s.Seal(ctx)
		if ctx.Err() != nil {
			return nil
		}
		s.sealing.Store(&sealOutcome{err})
		if err != nil {
			slog.ErrorContext(ctx, "sealing failed; the log keeps what is not sealed", "err", err)
			select {
			case <-ctx.Done():
				return nil
			case <-s.Clock.After(sealRetry):
			}
			select {
			case s.wake <- struct{}{}: // try again
			default:
			}
		}
	}
}

// Healthy is nil while what comes in can also be put away.
func (s *Service) Healthy() error {
	if o := s.sealing.Load(); o != nil && o.err != nil {
		return fmt.Errorf("readings stay in the log: %w", o.err)
	}
	return nil
}

type sealOutcome struct{ err error }

// Seal folds all that is in the head into chunks and trims the log. It is not called twice at once.
func (s *Service) Seal(ctx context.Context) error {
	s.mu.RLock()
	upTo := s.lastSeq
	var work []*lane
	for _, l := range s.lanes {
		if len(l.head) > 0 {
			work = append(work, l)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(work, func(a, b *lane) int { return int(a.id - b.id) })
	for lanes := range slices.Chunk(work, lanesPerSeal) {
		if err := s.sealLanes(ctx, lanes); err != nil {
			return err
		}
	}
	return s.trim(ctx, upTo)
}

// sealed is what one lane's seal writes.
type sealed struct {
	lane   *lane
	next   int64 // readings with n below are in chunks afterwards
	points int64 // how many more that is
	chunks []chunk
}

type chunk struct {
	n0     int64
	points []point
}

// sealLanes writes the heads of some lanes as chunks, in one transaction.
func (s *Service) sealLanes(ctx context.Context, lanes []*lane) error {
	plans := make([]sealed, len(lanes))
	heads := make([][]numbered, len(lanes))
	s.mu.RLock()
	for i, l := range lanes {
		heads[i] = l.head // grows at its end only, until the writer cuts it below
	}
	s.mu.RUnlock()
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		for i, l := range lanes {
			last, err := unfilled(tx, l)
			if err != nil {
				return err
			}
			plans[i] = plan(l, last, heads[i])
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	states := map[*stream]State{}
	for i, l := range lanes {
		state, ok := states[l.of]
		if !ok {
			state = l.of.sealed
		}
		for _, r := range heads[i] {
			state.add(readingID(l.id, r.n), r.at, r.value)
		}
		states[l.of] = state
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		for _, p := range plans {
			if err := p.write(tx); err != nil {
				return err
			}
		}
		for st, state := range states {
			if err := writeState(tx, st.ID, state); err != nil {
				return err
			}
		}
		tx.AfterCommit(func() { s.sealedNow(plans, states) })
		return nil
	})
	if err != nil && s.sealedAfterAll(ctx, plans) {
		s.sealedNow(plans, states)
		return nil
	}
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return nil
}

// sealedAfterAll says whether a seal was committed though its answer got lost. One lane tells for all of its transaction.
func (s *Service) sealedAfterAll(ctx context.Context, plans []sealed) bool {
	var n int64
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow("select sealed_n from lanes where lane = $1", plans[0].lane.id).Scan(&n)
	})
	return err == nil && n == plans[0].next
}

// sealedNow takes out of the head what is in chunks.
func (s *Service) sealedNow(plans []sealed, states map[*stream]State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.headNow(s.count.headWeight) }()
	for _, p := range plans {
		l := p.lane
		l.sealed = p.next
		for _, r := range l.head[:p.points] {
			s.count.headWeight -= r.value.weight()
		}
		l.head = slices.Clone(l.head[p.points:]) // the rest is small, and the old array can go
		s.count.head -= p.points
		s.count.sealed += p.points
	}
	for st, state := range states {
		st.sealed = state
	}
}

// plan arranges a head in chunks. The first goes on where the last chunk ended, if that one is not full. Ids are implied
// by the place in the chunk, so a gap in n starts a new chunk.
func plan(l *lane, last *chunk, head []numbered) sealed {
	p := sealed{lane: l, points: int64(len(head)), next: head[len(head)-1].n + 1}
	if last != nil && last.end() == head[0].n {
		p.chunks = append(p.chunks, *last)
	}
	for _, r := range head {
		if n := len(p.chunks); n == 0 || len(p.chunks[n-1].points) == chunkSize || p.chunks[n-1].end() != r.n {
			p.chunks = append(p.chunks, chunk{n0: r.n})
		}
		c := &p.chunks[len(p.chunks)-1]
		c.points = append(c.points, r.point)
	}
	return p
}

// end is the n after the chunk's last.
func (c *chunk) end() int64 { return c.n0 + int64(len(c.points)) }

// unfilled is the last chunk of a lane if it has room.
func unfilled(tx *db.Tx, l *lane) (*chunk, error) {
	var c chunk
	var count int64
	var columns []byte
	err := tx.QueryRow("select n0, count, columns from chunks where lane = $1 order by n0 desc nulls last limit 1", l.id).
		Scan(&c.n0, &count, &columns)
	if errors.Is(err, db.ErrNotFound) || err == nil && count >= chunkSize {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if c.points, err = decodeChunk(columns); err != nil {
		// A damaged chunk must not keep new readings out: they go into another.
		slog.Error("a chunk can't be filled up", "lane", l.id, "n0", c.n0, "err", err)
		return nil, nil
	}
	return &c, nil
}

func (p sealed) write(tx *db.Tx) error {
	for _, c := range p.chunks {
		minAt, maxAt := c.points[0].at, c.points[0].at
		minValue, maxValue := math.Inf(1), math.Inf(-1)
		for _, pt := range c.points {
			minAt, maxAt = min(minAt, pt.at), max(maxAt, pt.at)
			if f, ok := pt.value.Float(); ok {
				minValue, maxValue = min(minValue, f), max(maxValue, f)
			}
		}
		hasNumbers := minValue <= maxValue
		_, err := tx.Exec(`insert into chunks (lane, n0, count, min_at, max_at, min_value, max_value, columns)
			values ($1, $2, $3, $4, $5, $6, $7, $8)
			on conflict (lane, n0) do update set count = excluded.count, min_at = excluded.min_at, max_at = excluded.max_at,
			min_value = excluded.min_value, max_value = excluded.max_value, columns = excluded.columns`,
			p.lane.id, c.n0, len(c.points), minAt, maxAt,
			sql.NullFloat64{Float64: minValue, Valid: hasNumbers}, sql.NullFloat64{Float64: maxValue, Valid: hasNumbers},
			encodeChunk(c.points))
		if err != nil {
			return fmt.Errorf("chunk %d of lane %d: %w", c.n0, p.lane.id, err)
		}
	}
	_, err := tx.Exec("update lanes set sealed_n = $1 where lane = $2", p.next, p.lane.id)
	return err
}

func writeState(tx *db.Tx, datastream int64, st State) error {
	latest, err := json.Marshal(st.Latest)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into datastream_state (datastream, count, min_at, max_at, latest_id, latest)
		values ($1, $2, $3, $4, $5, $6)
		on conflict (datastream) do update set count = excluded.count, min_at = excluded.min_at, max_at = excluded.max_at,
		latest_id = excluded.latest_id, latest = excluded.latest`,
		datastream, st.Count, st.MinAt, st.MaxAt, st.LatestID, string(latest))
	return err
}

// trim deletes log rows up to a position that every consumer is past, and keeps their counts.
func (s *Service) trim(ctx context.Context, upTo int64) error {
	s.mu.RLock()
	for _, name := range s.Consumers {
		upTo = min(upTo, s.holds[name]) // 0 for one that has not come up yet
	}
	s.mu.RUnlock()
	for {
		rows := 0
		var last, readings int64
		accepted, refused := map[int64]int64{}, map[int64]int64{}
		err := s.DB.Read(ctx, func(tx *db.Tx) error {
			return tx.Each(func(r *sql.Rows) error {
				var payload []byte
				if err := r.Scan(&last, &payload); err != nil {
					return err
				}
				batches, err := decodeRow(payload)
				for _, b := range batches {
					accepted[b.source] += int64(len(b.entries))
					refused[b.source] += int64(b.refused)
					readings += int64(len(b.entries))
				}
				rows++
				return err
			}, "select seq, payload from log where seq <= $1 order by seq nulls last limit $2", upTo, rowsPerTrim)
		})
		if err != nil || rows == 0 {
			return err
		}
		err = s.DB.Write(ctx, func(tx *db.Tx) error {
			for source, n := range accepted {
				if _, err := tx.Exec("update sources set accepted = accepted + $1, refused = refused + $2 where id = $3",
					n, refused[source], source); err != nil {
					return err
				}
			}
			if _, err := tx.Exec("update log_trimmed set seq = $1, readings = readings + $2 where id = 1", last, readings); err != nil {
				return err
			}
			_, err := tx.Exec("delete from log where seq <= $1", last)
			return err
		})
		if err != nil {
			return fmt.Errorf("trim the log: %w", err)
		}
	}
}
