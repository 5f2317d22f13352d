package outside

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/methods/verify"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// ForecastFigures are how good forecasts of one property were.
type ForecastFigures struct {
	Property string `json:"property"`
	Unit     string `json:"unit"`
	N        int    `json:"n" doc:"forecasts whose time has come and of which a reading tells"`
	Unread   int    `json:"unread" doc:"forecasts whose time has come, and no reading tells"`

	Error       verify.Score `json:"error" doc:"mean absolute error of the median, in the unit"`
	Persistence verify.Score `json:"persistence" doc:"the same of who says that the value stays what it was when the forecast was issued"`
	Skill       verify.Score `json:"skill" doc:"1 - error/persistence: above 0 it is better than no model"`

	Cover   verify.Score    `json:"cover" doc:"the share of readings that its intervals are said to hold"`
	Covered verify.Score    `json:"covered" doc:"the share that they held"`
	Held95  verify.Interval `json:"covered_95"`
	Width   verify.Score    `json:"width" doc:"mean width of the intervals, in the unit"`
}

// readBack bounds the readings of one series that forecasts are held against.
const readBack = 500_000

// foretold holds forecasts against readings, property by property.
func (s *Service) foretold(ctx context.Context, m *Model, e *evidence, forecasts map[int64][]foretold) ([]ForecastFigures, error) {
	// What comes of it are sums, which whoever may see figures may see.
	ctx = access.With(ctx, access.System("outside models"))
	by := map[[2]string]*sums{}
	for _, id := range slices.Sorted(maps.Keys(forecasts)) {
		fs := forecasts[id]
		first, last := fs[0].At, fs[0].At
		for _, f := range fs {
			first, last = min(first, f.At), max(last, f.At)
		}
		stored, err := s.Readings.History(ctx, id, db.Time(first-m.every.Microseconds()), db.Time(last), readBack)
		if err != nil {
			return nil, fmt.Errorf("readings of datastream %d: %w", id, err)
		}
		var readings []reading
		for _, x := range stored {
			if v, ok := x.Value.Float(); ok && x.Marks.Judged() {
				readings = append(readings, reading{x.At, v})
			}
		}
		key := [2]string{e.series[id].Property, e.series[id].Unit}
		if by[key] == nil {
			by[key] = &sums{}
		}
		by[key].add(fs, readings, m.every.Microseconds())
	}
	out := []ForecastFigures{}
	for _, key := range slices.SortedFunc(maps.Keys(by), func(a, b [2]string) int { return cmp.Compare(a[0]+a[1], b[0]+b[1]) }) {
		out = append(out, by[key].figures(key[0], key[1]))
	}
	return out, nil
}

// sums gather forecasts of one property.
type sums struct {
	n, unread, held, compared        int
	error, persistence, cover, width float64
	ofCompared                       float64 // error of those that can be compared with persistence
}

// add holds forecasts of one series against its readings, in the order of time. A reading tells of an instant when it is of that instant
// or at most within before it.
func (s *sums) add(fs []foretold, readings []reading, within int64) {
	for _, f := range fs {
		i, exact := slices.BinarySearchFunc(readings, f.At, func(r reading, at int64) int { return cmp.Compare(r.at, at) })
		if !exact {
			i--
		}
		if i < 0 || f.At-readings[i].at > within || readings[i].at <= f.Issued {
			s.unread++
			continue
		}
		v := readings[i].value
		s.n++
		s.error += math.Abs(f.Median - v)
		s.cover += f.Cover
		s.width += f.High - f.Low
		if f.Low <= v && v <= f.High {
			s.held++
		}
		if f.Then != nil {
			s.compared++
			s.persistence += math.Abs(*f.Then - v)
			s.ofCompared += math.Abs(f.Median - v)
		}
	}
}

func (s *sums) figures(property, unit string) ForecastFigures {
	mean := func(sum float64, n int) verify.Score {
		if n == 0 {
			return verify.Undefined()
		}
		return verify.Score(sum / float64(n))
	}
	f := ForecastFigures{
		Property: property, Unit: unit, N: s.n, Unread: s.unread, Error: mean(s.error, s.n), Persistence: mean(s.persistence, s.compared),
		Cover: mean(s.cover, s.n), Covered: mean(float64(s.held), s.n), Held95: verify.Wilson(s.held, s.n), Width: mean(s.width, s.n), Skill: verify.Undefined(),
	}
	if s.persistence > 0 {
		f.Skill = verify.Score(1 - s.ofCompared/s.persistence)
	}
	return f
}
