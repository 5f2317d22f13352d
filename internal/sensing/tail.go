package sensing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// Batch is one log row as consumers see it: first the readings that came in, then the changes of stored readings, then
// those of the catalogue.
type Batch struct {
	Seq      int64
	Readings []Stored
	Amended  []Amendment
	Entities []Entity
}

// ErrTrimmed says that rows of the log that were asked for are gone.
var ErrTrimmed = errors.New("the log was trimmed past this position")

// Tail hands the log rows after a position to fn, in order, each once, and waits for new ones until ctx ends or fn fails.
// It fails with ErrTrimmed when rows after the position are gone; who must not miss one holds the log. From 0 it begins with
// the oldest that is kept.
func (s *Service) Tail(ctx context.Context, after int64, fn func(Batch) error) error {
	for {
		s.mu.RLock()
		committed, upTo := s.committed, s.lastSeq // taken before the look, so that a commit in between is not slept through
		s.mu.RUnlock()
		rows, err := s.rowsAfter(ctx, after, upTo)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("tail the log after %d: %w", after, err)
		}
		for _, row := range rows {
			if err := fn(row); err != nil {
				return err
			}
			after = row.Seq
		}
		if len(rows) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-committed:
		}
	}
}

// Hold says that a consumer will never again ask for rows up to position, so that they may be trimmed.
func (s *Service) Hold(consumer string, position int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holds[consumer] = position
}

// LastSeq is the newest row of the log.
func (s *Service) LastSeq() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.lastSeq
}

// sizeSample is from how many rows the size of many is told.
const sizeSample = 10_000

// Size is about how many bytes of the log are kept after a position.
func (s *Service) Size(ctx context.Context, after int64) (bytes int64, err error) {
	rows := s.LastSeq() - after
	var sampled, sum int64
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`select count(*), cast(coalesce(sum(length(payload)), 0) as bigint) from
			(select payload from log where seq > $1 order by seq nulls last limit $2) as sample`, after, sizeSample).Scan(&sampled, &sum)
	})
	if err != nil {
		return 0, fmt.Errorf("size of the log after %d: %w", after, err)
	}
	if rows > sampled && sampled > 0 {
		sum = int64(float64(sum) * float64(rows) / float64(sampled))
	}
	return sum, nil
}

// readingsAtOnce bounds what a follower is handed at a time from memory.
const readingsAtOnce = 20_000

// recentWeight bounds the rows that are kept for those who follow closely, in bytes.
const recentWeight = 16 << 20

// keepRecent keeps a row that was applied. The caller holds mu.
func (s *Service) keepRecent(row *logRow) {
	s.recent, s.recentSize = append(s.recent, row), s.recentSize+row.weight()
	n := 0
	for s.recentSize > recentWeight && n < len(s.recent)-1 {
		s.recentSize -= s.recent[n].weight()
		n++
	}
	clear(s.recent[:n]) // or the array would hold on to them
	s.recent = s.recent[n:]
}

// fromMemory are the rows after a position, if all of them are at hand.
func (s *Service) fromMemory(after int64) (rows []*logRow, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, found := slices.BinarySearchFunc(s.recent, after, func(r *logRow, seq int64) int { return cmp.Compare(r.seq, seq) })
	if !found {
		return nil, false // the row itself is gone, so others after it may be gone too
	}
	rows = s.recent[i+1:]
	readings := 0
	for j, r := range rows {
		if readings += r.readings(); readings > readingsAtOnce {
			rows = rows[:j+1]
			break
		}
	}
	return slices.Clone(rows), true
}

// rowsAfter are some rows after a position that memory holds already: who reads of a row finds what it brought.
func (s *Service) rowsAfter(ctx context.Context, after, upTo int64) (out []Batch, err error) {
	if rows, ok := s.fromMemory(after); ok {
		for _, r := range rows {
			out = append(out, s.resolve(r))
		}
		return out, nil
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		var trimmed int64
		if err := tx.QueryRow("select trimmed_seq from log_state where id = 1").Scan(&trimmed); err != nil {
			return err
		}
		if after > 0 && after < trimmed {
			return ErrTrimmed
		}
		rows, err := logRows(tx, after, upTo)
		if err != nil {
			return err
		}
		for _, r := range rows {
			out = append(out, s.resolve(r))
		}
		return nil
	})
	return out, err
}

// resolve names the datastream of each entry.
func (s *Service) resolve(row *logRow) Batch {
	out := Batch{Seq: row.seq, Readings: make([]Stored, 0, row.readings()), Entities: row.entities}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var l *lane
	for i := range row.batches {
		for j := range row.batches[i].entries {
			e := &row.batches[i].entries[j]
			if l == nil || l.id != e.lane {
				l = s.lanes[e.lane]
			}
			out.Readings = append(out.Readings, l.storedAs(&e.record))
		}
	}
	for i := range row.amended {
		a := &row.amended[i]
		l := s.lanes[a.lane]
		x := Amendment{Before: l.storedAs(&a.before), Deleted: a.deleted}
		if !a.deleted {
			x.After = l.storedAs(&a.after)
		}
		out.Amended = append(out.Amended, x)
	}
	return out
}
