package sensing

import (
	"context"
	"errors"
	"slices"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// job is one function in the hands of the writer, and what it prepares in memory for the case that it is committed.
//
// Several jobs share a commit, and any of them may fail alone. So nothing that a job does to memory counts before the
// commit but what is taken back here; and what jobs of the same commit must know of each other stands here too.
type job struct {
	filled []*stream // whose present lane was full, so that the next one is current
	closed []*stream // datastreams that it deletes
	now    map[int64]*record
	// numbered are the readings that got an id, for the search for repeats; fresh the same by time, once that was needed.
	numbered []numbered
	fresh    map[freshKey][]record
}

// do runs fn as a job and waits for its commit.
func (s *Service) do(ctx context.Context, j *job, fn func(tx *db.Tx) error) error {
	done := make(chan error, 1)
	if err := s.DB.WriteAsync(ctx, s.guarded(j, fn), func(err error) { s.ended(j, err); done <- err }); err != nil {
		return err
	}
	return <-done // an outcome that nobody waits for is one that nobody knows
}

// guarded is fn with memory known to be right before it, and put right again where it fails.
func (s *Service) guarded(j *job, fn func(tx *db.Tx) error) func(tx *db.Tx) error {
	return func(tx *db.Tx) error {
		err := s.certain(tx)
		if err == nil {
			err = fn(tx)
		}
		if err != nil {
			s.undo(j)
			return err
		}
		if len(j.now)+len(j.closed) > 0 {
			s.inFlight = append(s.inFlight, j)
		}
		return nil
	}
}

// ended is called by the writer once a job's outcome is known.
func (s *Service) ended(j *job, err error) {
	s.inFlight = slices.DeleteFunc(s.inFlight, func(o *job) bool { return o == j })
	if err == nil {
		return
	}
	if errors.Is(err, db.ErrUnknownOutcome) {
		s.unsure = true
	}
	s.undo(j)
}

// undo takes back what a job had prepared. It may be called twice.
func (s *Service) undo(j *job) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, st := range j.filled { // the last lane that is known was committed, the new one was taken back
		st.current = st.lanes[len(st.lanes)-1]
	}
	for _, st := range j.closed {
		st.closed = false
	}
}

// certain sees to it that memory holds what the store holds. After a commit of unknown outcome all of it is read again:
// that happens when a connection to PostgreSQL breaks, and a second without answers is better than a reading that is missing.
// No job writes to the log before it has asked, so what is read here was committed.
func (s *Service) certain(tx *db.Tx) error {
	if !s.unsure {
		return nil
	}
	if err := s.load(tx); err != nil {
		return err
	}
	s.unsure = false
	return nil
}
