package sta

import (
	"context"
	"errors"
	"maps"
	"net/http"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

// resolve finds the feature of each reading. Readings whose datastream or feature there is not are wrong.
func (a *arrays) resolve(ctx context.Context, s *Service) error {
	own := map[int64]int64{} // the feature of readings that name none; 0 where there is none
	var look []int64
	for i := range a.readings {
		r := &a.readings[i]
		if _, ok := own[r.Datastream]; ok || r.Feature != 0 {
			continue
		}
		feature, known := s.features.of(r.Datastream)
		if own[r.Datastream] = feature; !known {
			look = append(look, r.Datastream)
		}
	}
	reasons, err := s.derive(ctx, look, own) // why there is none
	if err != nil {
		return err
	}
	unknown := map[pair]string{}
	var ask []pair
	for i := range a.readings {
		r := &a.readings[i]
		if r.Feature != 0 {
			p := pair{r.Datastream, r.Feature}
			if _, asked := unknown[p]; !asked && !s.features.known(p.datastream, p.feature) {
				unknown[p] = ""
				ask = append(ask, p)
			}
			continue
		}
		r.Feature = own[r.Datastream]
	}
	if len(ask) > 0 {
		wrong, err := s.admit(ctx, ask)
		if err != nil {
			return err
		}
		unknown = wrong
	} else {
		clear(unknown)
	}
	if len(unknown)+len(reasons) == 0 {
		return nil
	}
	kept, row, late := a.readings[:0], -1, map[int]string{}
	for _, r := range a.readings {
		row = a.next(row)
		why := unknown[pair{r.Datastream, r.Feature}]
		if r.Feature == 0 {
			why = reasons[r.Datastream]
		}
		if why != "" {
			late[row] = why // not yet, or next would pass over it
			continue
		}
		kept = append(kept, r)
	}
	a.readings = kept
	maps.Copy(a.wrong, late)
	return nil
}

// next is the place of the next row that was taken.
func (a *arrays) next(row int) int {
	for row++; ; row++ {
		if _, bad := a.wrong[row]; !bad {
			return row
		}
	}
}

// postArrays answers CreateObservations.
func (s *Service) postArrays(w http.ResponseWriter, r *http.Request) {
	if err := s.maySend(r.Context()); err != nil {
		w.Header().Set("Connection", "close") // or the server would wait for the body before it answers
		web.WriteError(w, r, err)
		return
	}
	size := r.ContentLength
	if size < 0 || size > maxBulk {
		size = maxBulk
	}
	if err := s.uploads.Acquire(r.Context(), size); err != nil {
		web.WriteError(w, r, err)
		return
	}
	defer s.uploads.Release(size)
	body, release, err := s.readBody(w, r, maxBulk)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	defer release()
	weight := int64(len(body)) * bulkFactor // only now: a body on a slow line keeps nobody out
	if err := s.bulk.Acquire(r.Context(), weight); err != nil {
		web.WriteError(w, r, err)
		return
	}
	defer s.bulk.Release(weight)
	answer, err := s.createObservations(r.Context(), &Writing{
		Method: http.MethodPost, Path: "/CreateObservations", Body: body, Root: s.root(r), Minimal: minimal(r.Header), Key: r.Header.Get("Idempotency-Key"),
	})
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	answer.send(w)
}

// createObservations stores the Observations of a body. A body of at most 50,000 is one place in the log; of a larger one a
// part may be stored when the error comes.
func (s *Service) createObservations(ctx context.Context, w *Writing) (*Answer, error) {
	a := &arrays{scan: scanner{b: w.Body}, wrong: map[int]string{}, stamp: s.stamp, readings: s.readings.get()}
	defer s.readings.put(a)
	done := s.turn()
	err := a.read()
	done()
	if err != nil {
		return nil, err
	}
	s.flight.RLock()
	defer s.flight.RUnlock()
	if err := a.resolve(ctx, s); err != nil {
		return nil, err
	}
	if w.Key == "" {
		ids, err := s.appendAll(ctx, a)
		if err != nil {
			return nil, err
		}
		return a.answer(w, ids), nil
	}
	if len(a.readings) > appendAtOnce {
		return nil, web.Errorf(http.StatusRequestEntityTooLarge, "sensing.too_many",
			"%d Observations with an Idempotency-Key, at most %d are taken at once", len(a.readings), appendAtOnce)
	}
	var answer *Answer
	err = s.change(ctx, func(c *change) error {
		var err error
		answer, err = c.once(w, func(c *change) (*Answer, error) {
			ids, err := c.appendGood(a.readings, a.refuse())
			if err != nil {
				return nil, err
			}
			return a.answer(w, ids), nil
		})
		return err
	})
	return answer, err
}

// refuse notes why the i-th of the readings was not taken. Its places are counted before the first refusal.
func (a *arrays) refuse() func(i int, message string) {
	var places []int
	return func(i int, message string) {
		if places == nil {
			places = make([]int, len(a.readings))
			row := -1
			for j := range places {
				row = a.next(row)
				places[j] = row
			}
		}
		a.wrong[places[i]] = message
	}
}

// appendAll hands the readings to the log. The ids are those of the readings that it took.
func (s *Service) appendAll(ctx context.Context, a *arrays) ([]int64, error) {
	ids := make([]int64, 0, len(a.readings))
	refuse := a.refuse()
	for from := 0; from < len(a.readings); from += appendAtOnce {
		part := a.readings[from:min(from+appendAtOnce, len(a.readings))]
		receipt, err := s.Core.Append(ctx, s.source(ctx), part)
		if err != nil {
			return nil, err
		}
		for _, r := range receipt.Refused {
			refuse(from+r.Index, readingError(refusal(r), "").Error())
		}
		for _, id := range receipt.IDs {
			if id != 0 {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

// turn waits until a bulk may be read. Half of the processors are left to those who send one reading or move a case, and to what
// becomes of the bulks that were read: more of them at once would only wait there, and take memory.
func (s *Service) turn() (done func()) {
	s.turns <- struct{}{}
	return func() { <-s.turns }
}

// appendGood appends those readings of many that can be taken, in one transaction with the rest of the change.
func (c *change) appendGood(rs []sensing.Reading, refuse func(i int, message string)) ([]int64, error) {
	var ids []int64
	var try func(from, to int) error
	try = func(from, to int) error {
		if from == to {
			return nil
		}
		got, err := c.Append(rs[from:to])
		switch {
		case err == nil:
			ids = append(ids, got...)
			return nil
		case !isRefusal(err):
			return err
		case to-from == 1:
			var e *web.Error
			errors.As(err, &e)
			refuse(from, readingError(e, "").Error())
			return nil
		}
		if err := try(from, (from+to)/2); err != nil {
			return err
		}
		return try((from+to)/2, to)
	}
	return ids, try(0, len(rs))
}

// answer is an array with, for each row, the link of its Observation, or "error" and the reason.
func (a *arrays) answer(w *Writing, ids []int64) *Answer {
	out := &Answer{Status: http.StatusCreated}
	if w.Minimal && len(a.wrong) == 0 {
		return out
	}
	body := append(make([]byte, 0, a.rows*(len(w.Root)+32)+2), '[')
	for row := range a.rows {
		if row > 0 {
			body = append(body, ',')
		}
		if why, bad := a.wrong[row]; bad {
			body = appendText(body, "error: "+why)
			continue
		}
		body = append(appendPath(append(body, '"'), w.Root, setObservations, ids[0]), '"')
		ids = ids[1:]
	}
	out.Body = append(body, ']')
	return out
}
