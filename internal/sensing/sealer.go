package sensing

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
)

const (
	// sealAt is how many bytes the head may hold before the sealer is woken: a million numbers, which a restart replays. To
	// seal a lane costs some 50 µs of statements, so where that is few readings for each the head may hold sealPerLane, 32
	// numbers, of each, up to sealAtMost.
	sealAt      = 40_000_000
	sealPerLane = 32 * 40
	sealAtMost  = 4 * sealAt

	// sealRests is how much longer than some lanes took to seal the sealer rests.
	sealRests = 2

	// sealRetry is the pause after a seal that failed.
	sealRetry = 10 * time.Second

	// sealEvery is the longest a reading stays out of the chunks, so that the log stays short in a quiet city too.
	sealEvery = time.Hour

	// readingsPerSeal, lanesPerSeal and rowsPerTrim bound how long one commit of the sealer keeps the writer from others.
	readingsPerSeal = 20_000
	lanesPerSeal    = 64
	rowsPerTrim     = 64

	// lanesAtOnce bounds how many lanes are looked at while nothing can come in.
	lanesAtOnce = 4096

	// chunkSize is the most readings of a chunk, and what a chunk has at last. A seal that brings fewer makes a small one,
	// and once there are so many small ones, or enough for a whole one, they are made into one: to fill up the last chunk at
	// each seal would write each reading six times.
	chunkSize   = 1024
	smallChunks = 8
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
		err := s.seal(ctx, true)
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

// sealFrom is how many bytes in the head wake the sealer. The caller holds mu.
func (s *Service) sealFrom() int64 {
	return min(max(sealAt, sealPerLane*int64(len(s.laneOrder))), sealAtMost)
}

// Seal folds all that is in the head into chunks and trims the log. It is not called twice at once.
func (s *Service) Seal(ctx context.Context) error { return s.seal(ctx, false) }

// seal is Seal, with rests on the way as long as nobody waits for it.
func (s *Service) seal(ctx context.Context, rests bool) error {
	for {
		s.mu.RLock()
		upTo, order := s.settlement(), s.laneOrder
		s.mu.RUnlock()
		work, until := s.unsealed(order)
		if err := s.sealAll(ctx, work, until, rests); err != nil {
			return err
		}
		err := s.settle(ctx, upTo)
		if err == nil {
			return s.trim(ctx, upTo.seq)
		}
		if !errors.Is(err, errMoved) || ctx.Err() != nil {
			return err
		}
	}
}

// unsealed are those of the lanes whose head holds something, and how far it goes. It looks at some at a time: what comes in must
// not wait until all were seen.
func (s *Service) unsealed(order []*lane) (work []*lane, until []int64) {
	for some := range slices.Chunk(order, lanesAtOnce) {
		s.mu.RLock()
		for _, l := range some {
			if l.applied > l.sealed {
				work, until = append(work, l), append(until, l.applied)
			}
		}
		s.mu.RUnlock()
	}
	return work, until
}

// errMoved says that something changed while it was being sealed or counted, and that it is to be done again.
var errMoved = errors.New("the log changed while it was being sealed")

// sealAll seals what each of the lanes holds up to until, some at a time. With rests it leaves two of three moments to others, unless so much
// comes meanwhile that it would not be done in time.
func (s *Service) sealAll(ctx context.Context, work []*lane, until []int64, rests bool) error {
	for i := 0; i < len(work); {
		began := s.Clock.Now()
		err := s.sealLanes(ctx, work[i:min(len(work), i+lanesPerSeal)])
		if err != nil && (!errors.Is(err, errMoved) || ctx.Err() != nil) {
			return err
		}
		s.mu.RLock()
		for i < len(work) && (work[i].sealed >= until[i] || s.streams[work[i].of.ID] == nil) {
			i++
		}
		hurry := 2*s.count.headWeight > 3*s.sealFrom()
		s.mu.RUnlock()
		if rest := sealRests * s.Clock.Now().Sub(began); rests && !hurry && rest > 0 {
			select {
			case <-s.Clock.After(rest):
			case <-ctx.Done():
				return nil
			}
		}
	}
	return nil
}

// settlement is the state of the counters at a position of the log.
type settlement struct {
	seq             int64
	logged, deleted int64
	forgotten       int64 // deletions of datastreams that are counted
	sources         []source
	gone            []int64 // lanes whose readings are counted as deleted
}

// settlement is what holds now. The caller holds mu.
func (s *Service) settlement() settlement {
	x := settlement{seq: s.lastSeq, logged: s.count.logged, deleted: s.count.deleted, forgotten: s.forgotten}
	for _, src := range s.byID {
		x.sources = append(x.sources, *src)
	}
	x.gone = slices.Sorted(maps.Keys(s.orphans))
	return x
}

// settle writes the counters as of a position up to which all is sealed: from there the log is read at the next start. The
// head of a datastream that was deleted meanwhile was never sealed, and is not among what was counted.
func (s *Service) settle(ctx context.Context, x settlement) error {
	return s.do(ctx, &job{}, func(tx *db.Tx) error {
		s.mu.RLock()
		moved := s.forgotten != x.forgotten || s.lastSeq < x.seq
		s.mu.RUnlock()
		if moved || len(s.inFlight) > 0 {
			return errMoved
		}
		for _, src := range x.sources {
			if _, err := tx.Exec("update sources set accepted = $1, refused = $2 where id = $3 and (accepted <> $1 or refused <> $2)",
				src.accepted, src.refused, src.id); err != nil {
				return err
			}
		}
		_, err := tx.Exec("update lanes set sealed = 0 where sealed <> 0 and lane in (select cast(value as bigint) from json_list($1))", jsonList(x.gone))
		if err != nil {
			return err
		}
		_, err = tx.Exec("update log_state set sealed_seq = $1, readings = $2, deleted = $3 where id = 1", x.seq, x.logged, x.deleted)
		return err
	})
}

// plan is what one lane's seal writes.
type plan struct {
	lane    *lane
	amended int64 // the lane's count when the plan was made
	sealed  int64 // readings with n below are in chunks before
	next    int64 // and afterwards
	records []record
	chunks  []chunk
	merged  []int64 // the first n of small chunks that are among them
}

// plans are what is sealed at a time: of each lane what its head holds, up to a bound for all. The rest waits for the next
// time.
func (s *Service) plans(lanes []*lane) (out []plan) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	room := readingsPerSeal
	for _, l := range lanes {
		if room == 0 {
			break
		}
		if s.streams[l.of.ID] == nil || l.applied == l.sealed {
			continue // deleted meanwhile, or done
		}
		p := plan{lane: l, amended: l.amended, sealed: l.sealed, next: l.applied, records: l.head}
		if len(p.records) > room {
			p.records = p.records[:room]
			p.next = int64(p.records[room-1].n) + 1
		}
		room -= len(p.records)
		out = append(out, p)
	}
	return out
}

// sealLanes writes the heads of some lanes as chunks, in one transaction.
func (s *Service) sealLanes(ctx context.Context, lanes []*lane) error {
	plans := s.plans(lanes)
	if len(plans) == 0 {
		return nil
	}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		for i := range plans {
			if err := plans[i].arrange(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return s.put(ctx, plans)
}

// put writes what was planned, unless something has changed since.
func (s *Service) put(ctx context.Context, plans []plan) error {
	states := map[*stream]State{}
	err := s.do(ctx, &job{}, func(tx *db.Tx) error {
		s.mu.RLock()
		for i := range plans {
			p := &plans[i]
			if p.lane.amended != p.amended || p.lane.sealed != p.sealed || p.lane.of.closed {
				s.mu.RUnlock()
				return errMoved
			}
			state, ok := states[p.lane.of]
			if !ok {
				state = p.lane.of.sealed
				state.HeardAt = p.lane.of.state.HeardAt
			}
			states[p.lane.of] = state.fold(p.lane, p.records)
		}
		s.mu.RUnlock()
		for i := range plans {
			if err := plans[i].write(tx); err != nil {
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
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return nil
}

// sealedNow takes out of the head what is in chunks. The writer calls it.
func (s *Service) sealedNow(plans []plan, states map[*stream]State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range plans {
		p := &plans[i]
		l, n := p.lane, len(p.records)
		l.sealed, l.inChunks = p.next, p.next
		if l.known {
			l.headers = l.headers.with(p.chunks)
		}
		for j := range l.head[:n] {
			s.count.headWeight -= l.head[j].weight()
		}
		s.replaceHead(l, slices.Clone(l.head[n:])) // the rest is small, and the old array can go
		l.stored += int64(n)
		s.count.head -= int64(n)
		s.count.sealed += int64(n)
	}
	for st, state := range states {
		st.sealed = state
	}
	s.headNow(s.count.headWeight)
}

// arrange puts a head into chunks, together with the small chunks before it if it is time for that. Ids are implied by the
// place in the chunk, so a gap in n starts a new chunk.
func (p *plan) arrange(tx *db.Tx) error {
	if len(p.records) == 0 {
		return nil // all that was numbered since is deleted
	}
	small, err := smallOnes(tx, p.lane.id, int64(p.records[0].n))
	if err != nil {
		return err
	}
	if len(small) >= smallChunks || int(small.count())+len(p.records) >= chunkSize {
		p.merge(tx, small)
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
		p.chunks[i].finish()
		runtime.Gosched() // who waits for a commit goes first
	}
	return nil
}

// merge takes small chunks into the plan.
func (p *plan) merge(tx *db.Tx, small headers) {
	if len(small) == 0 {
		return
	}
	records, err := loadChunk(tx, p.lane.id, header{n0: small[0].n0, count: small.count()})
	if err == nil && len(records) != int(small.count()) {
		err = fmt.Errorf("%w: %d readings of %d", errChunk, len(records), small.count())
	}
	if err != nil {
		// A damaged chunk must not keep new readings out: they go into another.
		slog.Error("chunks can't be made into one", "lane", p.lane.id, "n0", small[0].n0, "err", err)
		return
	}
	p.chunks = append(p.chunks, chunk{n0: small[0].n0, records: records})
	for _, h := range small {
		p.merged = append(p.merged, h.n0)
	}
}

// smallOnes are the chunks of a lane that end at n one after the other and are not full, the last smallChunks of them.
func smallOnes(tx *db.Tx, lane, n int64) (headers, error) {
	last, err := lastHeaders(tx, lane, smallChunks)
	if err != nil {
		return nil, err
	}
	small := len(last)
	for small > 0 && last[small-1].count < chunkSize && last[small-1].n0+last[small-1].count == n {
		small--
		n = last[small].n0
	}
	return last[small:], nil
}

func (p *plan) write(tx *db.Tx) error {
	if len(p.merged) > 1 { // the first has the place of the one that is made of them
		if err := deleteChunks(tx, p.lane.id, p.merged[1:]); err != nil {
			return err
		}
	}
	for i := range p.chunks {
		if err := p.chunks[i].put(tx, p.lane.id); err != nil {
			return err
		}
	}
	res, err := tx.Exec("update lanes set sealed_n = $1, sealed = sealed + $2 where lane = $3 and sealed_n = $4",
		p.next, len(p.records), p.lane.id, p.sealed)
	if err != nil {
		return fmt.Errorf("lane %d: %w", p.lane.id, err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(fmt.Errorf("lane %d was sealed by someone else", p.lane.id), err)
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
			if _, err := tx.Discard("delete from log where seq <= $1", last); err != nil {
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
