package detect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// recorded is how far steps are on disk: all of the rows before position, and so many of that row. It is written with them.
//
// A start evaluates the rows since the last snapshot again. What they did is on disk, and some of it was taken back by later
// ones: to apply it step by step would bring back, and tell, what nobody has to hear twice. So until the start has come to
// where it had been, steps are gathered, and then only what they come to is applied, which is there already.
type recorded struct {
	position int64
	steps    int
}

func loadRecorded(ctx context.Context, d *db.DB) (r recorded, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(`select position, steps from detect_recorded where id = 1`).Scan(&r.position, &r.steps)
		if errors.Is(err, db.ErrNotFound) {
			return nil
		}
		return err
	})
	return r, err
}

func saveRecorded(tx *db.Tx, r recorded) error {
	_, err := tx.Exec(`insert into detect_recorded (id, position, steps) values (1, $1, $2)
		on conflict (id) do update set position = excluded.position, steps = excluded.steps`, r.position, r.steps)
	return err
}

// settle records the steps of a row of the log, or of none (seq 0), or keeps them until what is on disk has been caught up
// with. The caller has the turn.
func (s *Service) settle(ctx context.Context, steps []step, seq int64) error {
	if s.catchingUp() {
		n := len(steps)
		switch {
		case seq == s.recorded.position:
			n = min(n, s.recorded.steps)
		case seq > s.recorded.position:
			n = 0
		}
		s.again = append(s.again, steps[:n]...)
		if seq < s.recorded.position {
			return nil
		}
		if err := s.recordAgain(ctx); err != nil {
			return err
		}
		s.again, s.recorded = nil, recorded{}
		return s.record(ctx, steps[n:], recorded{seq, n})
	}
	return s.record(ctx, steps, recorded{seq, 0})
}

// catchingUp says that rows are evaluated again whose steps are on disk. The caller has the turn.
func (s *Service) catchingUp() bool { return s.recorded.position > s.position }

// recordAgain applies what the gathered steps come to: of each step the last word, those of one subject at once.
func (s *Service) recordAgain(ctx context.Context) error {
	groups := lastWords(s.again)
	for len(groups) > 0 {
		n := min(len(groups), recordAtOnce)
		now := s.Clock.Now()
		err := s.DB.Write(ctx, func(tx *db.Tx) error { return s.applyAll(tx, groups[:n], now) })
		if err != nil {
			return err
		}
		groups = groups[n:]
	}
	return nil
}

// lastWords are the steps less those that a later one takes back or repeats, by subject.
func lastWords(steps []step) (groups [][]step) {
	type subject struct {
		detector string
		kind     engine.Kind
		of       engine.Subject
	}
	type name struct {
		subject
		fault     engine.Fault
		since, at int64
		kind      string
		level     engine.Level
	}
	subjectOf := func(st step) subject { return subject{st.Detector.ID, st.Kind, st.Subject} }
	seen, place := map[name]bool{}, map[subject]int{}
	for _, st := range slices.Backward(steps) { // so that the last word is met first
		n := name{subjectOf(st), st.Fault, st.Since, st.At, st.kind(), st.level()}
		if seen[n] {
			continue
		}
		seen[n] = true
		i, ok := place[n.subject]
		if !ok {
			i = len(groups)
			place[n.subject] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], st)
	}
	for _, g := range groups {
		slices.Reverse(g)
	}
	slices.Reverse(groups)
	return groups
}

func (s *Service) applyAll(tx *db.Tx, groups [][]step, now time.Time) error {
	for _, g := range groups {
		if err := s.apply(tx, g, now); err != nil {
			return fmt.Errorf("alert of %s: %w", g[0].Detector.ID, err)
		}
	}
	return nil
}
