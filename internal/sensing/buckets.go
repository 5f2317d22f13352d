package sensing

import (
	"context"
	"fmt"
	"github.com/anlan-city/anlan/internal/platform/web"
	"math"
	"net/http"
	"slices"
)

const (
	// MaxBuckets bounds one answer.
	MaxBuckets = 10_000

	// maxSorted bounds the readings that percentiles are taken of, and with them the memory of one request.
	maxSorted = 5_000_000
)

// Bucket sums up the numbers of one interval. An interval without readings has no bucket.
type Bucket struct {
	From           int64 // the interval begins here, and the next one ends it
	Count          int64
	Avg, Min, Max  float64
	Last           float64 // the result with the latest phenomenon time
	LastAt         int64
	Percentiles    []float64 // as asked for
	sum, remainder float64   // of Kahan's summation: a year of readings must not drift
	values         []float64
	lastID         int64
}

// BucketQuery says which intervals are wanted. Percentiles are between 0 and 100, taken by linear interpolation between
// closest ranks (definition 7 of Hyndman and Fan 1996, the default of R and NumPy).
type BucketQuery struct {
	Datastream  int64
	From, To    int64 // From is the start of the first interval; readings with From <= At < To
	Width       int64 // of an interval, microseconds
	Percentiles []float64
}

func (q *BucketQuery) check() error {
	switch {
	case q.Width <= 0:
		return web.Errorf(http.StatusUnprocessableEntity, "sensing.bad_interval", "expected an interval longer than nothing").At("interval")
	case q.To <= q.From:
		return web.Errorf(http.StatusUnprocessableEntity, "sensing.bad_interval", "expected an end after the beginning").At("to")
	case (q.To-q.From-1)/q.Width >= MaxBuckets:
		return web.Errorf(http.StatusUnprocessableEntity, "sensing.too_many", "that makes more than %d intervals; take longer ones", MaxBuckets).At("interval")
	case len(q.Percentiles) > 20 || slices.ContainsFunc(q.Percentiles, func(p float64) bool { return !(p >= 0 && p <= 100) }):
		return web.Errorf(http.StatusUnprocessableEntity, "sensing.bad_percentile", "expected at most 20 percentiles between 0 and 100").At("percentiles")
	}
	return nil
}

// Buckets sums up a datastream's numbers by interval, in the order of time. What may not be judged (a duplicate, say) is
// left out, and what is no number.
func (s *Service) Buckets(ctx context.Context, q BucketQuery) ([]Bucket, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	st := s.streams[q.Datastream]
	s.mu.RUnlock()
	if st == nil {
		return nil, unknownDatastream(q.Datastream)
	}
	buckets := make([]Bucket, (q.To-q.From-1)/q.Width+1)
	sorted := 0
	take := func(v view, records []record) error {
		for i := range records {
			c := &records[i]
			f, ok := c.finite()
			if !ok || c.at < q.From || c.at >= q.To || !c.marks.Judged() {
				continue
			}
			b := &buckets[(c.at-q.From)/q.Width]
			b.add(f, c.at, readingID(v.lane.id, int64(c.n)))
			if len(q.Percentiles) > 0 {
				b.values = append(b.values, f)
				sorted++
			}
		}
		if sorted > maxSorted {
			return web.Errorf(http.StatusUnprocessableEntity, "sensing.too_many", "percentiles of more than %d readings; take a shorter time", maxSorted)
		}
		return nil
	}
	for _, v := range s.views(st) {
		if err := s.eachChunk(ctx, v, q.From, q.To-1, take); err != nil {
			return nil, fmt.Errorf("buckets of datastream %d: %w", q.Datastream, err)
		}
	}
	out := buckets[:0]
	for i := range buckets {
		if b := &buckets[i]; b.Count > 0 {
			b.From = q.From + int64(i)*q.Width
			b.finish(q.Percentiles)
			out = append(out, *b)
		}
	}
	return out, nil
}

// eachChunk hands the records of a lane that may lie within [from, to] to fn, run by run, in no order of time.
func (s *Service) eachChunk(ctx context.Context, v view, from, to int64, fn func(view, []record) error) error {
	if err := fn(v, v.head); err != nil || v.sealed == 0 {
		return err
	}
	headers, err := s.headersOf(ctx, v)
	if err != nil {
		return err
	}
	for _, h := range headers {
		if h.maxAt < from || h.minAt > to {
			continue
		}
		records, err := s.loadRange(ctx, v.lane.id, h)
		if err != nil {
			return err
		}
		if err := fn(v, records); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bucket) add(f float64, at, id int64) {
	if b.Count == 0 {
		b.Min, b.Max = f, f
	}
	b.Min, b.Max = min(b.Min, f), max(b.Max, f)
	if b.Count == 0 || at > b.LastAt || at == b.LastAt && id > b.lastID {
		b.Last, b.LastAt, b.lastID = f, at, id
	}
	y := f - b.remainder
	t := b.sum + y
	b.sum, b.remainder = t, (t-b.sum)-y
	b.Count++
}

func (b *Bucket) finish(percentiles []float64) {
	b.Avg = b.sum / float64(b.Count)
	if len(percentiles) == 0 {
		return
	}
	slices.Sort(b.values)
	b.Percentiles = make([]float64, len(percentiles))
	for i, p := range percentiles {
		rank := p / 100 * float64(len(b.values)-1)
		low := int(math.Floor(rank))
		high := min(low+1, len(b.values)-1)
		b.Percentiles[i] = b.values[low] + (rank-float64(low))*(b.values[high]-b.values[low])
	}
	b.values = nil
}
