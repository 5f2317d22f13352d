package sensing

import (
	"context"
	"database/sql"
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

	// readingsPerSeal, lanesPerSeal and rowsPerTrim bound how long one commit of the sealer keeps the writer from others.
	readingsPerSeal = 50_000
	lanesPerSeal    = 64
	rowsPerTrim     = 64

	// chunkSize is the most readings of a chunk. A chunk with fewer is filled up at the next seal instead of standing beside
	// many small ones.
	chunkSize = 1024
)

// Run seals, and deletes what is past its time, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	retain := s.Clock.Now().Add(sealEvery)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-s.Clock.After(sealEvery):
		}
		err := s.Seal(ctx)
		if err == nil && !s.Clock.Now().Before(retain) {
			err, retain = s.Retain(ctx), s.Clock.Now().Add(sealEvery)
		}
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
	upTo := s.settlement()
	var work []*lane
	for _, l := range s.laneOrder {
		if len(l.head) > 0 {
			work = append(work, l)
		}
	}
	s.mu.RUnlock()
	for len(work) > 0 {
		n, readings := 0, 0
		for n < len(work) && n < lanesPerSeal && readings < readingsPerSeal {
			s.mu.RLock()
			readings += len(work[n].head)
			s.mu.RUnlock()
			n++
		}
		for { // again where a reading was amended while it was being sealed
			err := s.sealLanes(ctx, work[:n])
			if errors.Is(err, errAmended) && ctx.Err() == nil {
				continue
			}
			if err != nil {
				return err
			}
			break
		}
		work = work[n:]
	}
	if err := s.settle(ctx, upTo); err != nil {
		return err
	}
	return s.trim(ctx, upTo.seq)
}

var errAmended = errors.New("a reading was amended while it was being sealed")

// settlement is the state of the counters at a position of the log.
type settlement struct {
	seq             int64
	logged, deleted int64
	sources         []source
	gone            []int64 // lanes whose readings are counted as deleted
}

// settlement is what holds now. The caller holds mu.
func (s *Service) settlement() settlement {
	x := settlement{seq: s.lastSeq, logged: s.count.logged, deleted: s.count.deleted}
	for _, src := range s.byID {
		x.sources = append(x.sources, *src)
	}
	for _, l := range s.lanes {
		if s.streams[l.of.ID] == nil {
			x.gone = append(x.gone, l.id)
		}
	}
	return x
}

// settle writes the counters as of a position up to which all is sealed: from there the log is read at the next start.
func (s *Service) settle(ctx context.Context, x settlement) error {
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		for _, src := range x.sources {
			if _, err := tx.Exec("update sources set accepted = $1, refused = $2 where id = $3 and (accepted <> $1 or refused <> $2)",
				src.accepted, src.refused, src.id); err != nil {
				return err
			}
		}
		for _, lane := range x.gone {
			if _, err := tx.Exec("update lanes set sealed = 0 where lane = $1", lane); err != nil {
				return err
			}
		}
		_, err := tx.Exec("update log_state set sealed_seq = $1, readings = $2, deleted = $3 where id = 1", x.seq, x.logged, x.deleted)
		return err
	})
	if err != nil {
		return fmt.Errorf("settle the log: %w", err)
	}
	return nil
}

// plan is what one lane's seal writes.
type plan struct {
	lane    *lane
	amended int64 // the lane's count when the plan was made
	next    int64 // readings with n below are in chunks afterwards
	records []record
	chunks  []chunk
}

// sealLanes writes the heads of some lanes as chunks, in one transaction.
func (s *Service) sealLanes(ctx context.Context, lanes []*lane) error {
	plans := make([]plan, 0, len(lanes))
	s.mu.RLock()
	for _, l := range lanes {
		if len(l.head) > 0 { // its datastream may have been deleted meanwhile
			plans = append(plans, plan{lane: l, amended: l.amended, records: l.head, next: int64(l.head[len(l.head)-1].n) + 1})
		}
	}
	s.mu.RUnlock()
	if len(plans) == 0 {
		return nil
	}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		for i := range plans {
			last, err := unfilled(tx, plans[i].lane)
			if err != nil {
				return err
			}
			plans[i].arrange(last)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	states := map[*stream]State{}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		for i := range plans { // only the writer changes it
			if l := plans[i].lane; l.amended != plans[i].amended || l.of.closed {
				return errAmended
			}
		}
		for i := range plans {
			p := &plans[i]
			state, ok := states[p.lane.of]
			if !ok {
				s.mu.RLock()
				state = p.lane.of.sealed
				state.HeardAt = p.lane.of.state.HeardAt
				s.mu.RUnlock()
			}
			states[p.lane.of] = state.fold(p.lane, p.records)
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
		return s.DB.Write(ctx, func(tx *db.Tx) error {
			tx.AfterCommit(func() { s.sealedNow(plans, states) })
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return nil
}

// sealedAfterAll says whether a seal was committed though its answer got lost. One lane tells for all of its transaction.
func (s *Service) sealedAfterAll(ctx context.Context, plans []plan) bool {
	var n int64
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow("select sealed_n from lanes where lane = $1", plans[0].lane.id).Scan(&n)
	})
	return err == nil && n == plans[0].next
}

// sealedNow takes out of the head what is in chunks. The writer calls it.
func (s *Service) sealedNow(plans []plan, states map[*stream]State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.headNow(s.count.headWeight) }()
	for i := range plans {
		p := &plans[i]
		l, n := p.lane, len(p.records)
		l.sealed, l.inChunks = p.next, p.next
		for j := range l.head[:n] {
			s.count.headWeight -= l.head[j].weight()
		}
		l.replaceHead(slices.Clone(l.head[n:])) // the rest is small, and the old array can go
		l.stored += int64(n)
		s.count.head -= int64(n)
		s.count.sealed += int64(n)
	}
	for st, state := range states {
		st.sealed = state
	}
}

// arrange puts a head into chunks. The first goes on where the last chunk ended, if that one is not full. Ids are implied
// by the place in the chunk, so a gap in n starts a new chunk.
func (p *plan) arrange(last *chunk) {
	if last != nil && last.end() == int64(p.records[0].n) {
		p.chunks = append(p.chunks, *last)
	}
	for i := range p.records {
		r := &p.records[i]
		if n := len(p.chunks); n == 0 || len(p.chunks[n-1].records) >= chunkSize || p.chunks[n-1].end() != int64(r.n) {
			p.chunks = append(p.chunks, chunk{n0: int64(r.n)})
		}
		c := &p.chunks[len(p.chunks)-1]
		c.records = append(c.records, *r)
	}
	for i := range p.chunks { // here and not in the write, which others wait for
		p.chunks[i].columns = encodeChunk(p.chunks[i].records)
	}
}

// unfilled is the last chunk of a lane if it has room.
func unfilled(tx *db.Tx, l *lane) (*chunk, error) {
	h, err := headerOf(tx, l.id, math.MaxInt64)
	if err != nil || h.count == 0 || h.count >= chunkSize {
		return nil, err
	}
	records, err := loadChunk(tx, l.id, h)
	if err != nil {
		// A damaged chunk must not keep new readings out: they go into another.
		slog.Error("a chunk can't be filled up", "lane", l.id, "n0", h.n0, "err", err)
		return nil, nil
	}
	return &chunk{n0: h.n0, records: records}, nil
}

func (p *plan) write(tx *db.Tx) error {
	for i := range p.chunks {
		if err := p.chunks[i].put(tx, p.lane.id); err != nil {
			return err
		}
	}
	_, err := tx.Exec("update lanes set sealed_n = $1, sealed = sealed + $2 where lane = $3", p.next, len(p.records), p.lane.id)
	if err != nil {
		return fmt.Errorf("lane %d: %w", p.lane.id, err)
	}
	return nil
}

// trim deletes log rows up to a position that every consumer is past.
func (s *Service) trim(ctx context.Context, upTo int64) error {
	s.mu.RLock()
	for _, name := range s.Consumers {
		upTo = min(upTo, s.holds[name]) // 0 for one that has not come up yet
	}
	for _, position := range s.holds {
		upTo = min(upTo, position)
	}
	s.mu.RUnlock()
	for {
		var rows int
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			var last int64
			rows = 0
			err := tx.Each(func(r *sql.Rows) error { rows++; return r.Scan(&last) },
				"select seq from log where seq <= $1 order by seq nulls last limit $2", upTo, rowsPerTrim)
			if err != nil || rows == 0 {
				return err
			}
			if _, err := tx.Exec("delete from log where seq <= $1", last); err != nil {
				return err
			}
			tx.AfterCommit(func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.trimmed = last
			})
			_, err = tx.Exec("update log_state set trimmed_seq = $1 where id = 1", last)
			return err
		})
		if err != nil {
			return fmt.Errorf("trim the log: %w", err)
		}
		if rows < rowsPerTrim {
			return nil
		}
	}
}
