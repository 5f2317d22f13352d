package main

import (
	"fmt"
	"math"

	"github.com/anlan-city/anlan/internal/methods/forecast"
)

// errors of one forecast over a span.
type errors struct{ abs, square float64 }

func (e errors) String() string { return fmt.Sprintf("%.1f (%.1f)", e.abs, e.square) }

// rival is a forecast that needs no model, and the model's error as a share of its.
type rival struct {
	errors
	ratio, rmsRatio float64
}

type score struct {
	n                   int
	model               errors
	yesterday, lastWeek rival
	inBand              float64
}

// add gathers the mean of the ratios of n series.
func (s *score) add(x score, n int) {
	f := 1 / float64(n)
	s.yesterday.ratio += f * x.yesterday.ratio
	s.yesterday.rmsRatio += f * x.yesterday.rmsRatio
	s.lastWeek.ratio += f * x.lastWeek.ratio
	s.lastWeek.rmsRatio += f * x.lastWeek.rmsRatio
	s.inBand += f * x.inBand
}

// play feeds series i up to hour `end` and calls back after each reading.
func (t *task) play(p *forecast.Habits, i, end int, then func(k int, s *forecast.Season)) {
	h := t.series[i]
	var s forecast.Season
	for k, x := range h.x[:end] {
		if !math.IsNaN(x) {
			s.Next(p, h.at(k), x, t.beside(i, k), h.inputs[k])
			then(k, &s)
		}
	}
}

// score judges the hours of a span for which the hour itself, the one a day before (from which the forecast was made) and
// the one a week before were all read, so that all three forecasts are judged by the same hours.
func (t *task) score(p *forecast.Habits, i, begin, end int) score {
	h := t.series[i]
	end = min(end, len(h.x))
	var out score
	in := 0
	t.play(p, i, end, func(k int, s *forecast.Season) {
		k += ahead
		if k < begin || k >= end || math.IsNaN(h.x[k]) || math.IsNaN(h.x[k-7*24]) {
			return
		}
		likely, low, high, ok := s.Day(p)
		if !ok {
			return
		}
		out.n++
		out.model.take(likely - h.x[k])
		out.yesterday.take(h.x[k-24] - h.x[k])
		out.lastWeek.take(h.x[k-7*24] - h.x[k])
		if low <= h.x[k] && h.x[k] <= high {
			in++
		}
	})
	out.model.close(out.n)
	out.inBand = float64(in) / float64(out.n)
	for _, r := range []*rival{&out.yesterday, &out.lastWeek} {
		r.close(out.n)
		r.ratio, r.rmsRatio = out.model.abs/r.abs, out.model.square/r.square
	}
	return out
}

func (e *errors) take(x float64) {
	e.abs += math.Abs(x)
	e.square += x * x
}

func (e *errors) close(n int) {
	e.abs /= float64(n)
	e.square = math.Sqrt(e.square / float64(n))
}

// byLead is the sums of absolute errors of the hours of a day that is told at its beginning.
type byLead [24]struct {
	n, in                            int
	model, yesterday, last, lastWeek float64
}

func (t *task) tellAtMidnight(i int) *byLead {
	h := t.series[i]
	begin, end := t.chosen, min(t.end, len(h.x))
	out := &byLead{}
	t.play(&t.habits, i, end, func(k int, s *forecast.Season) {
		if k+1 < begin || (h.at(k)/hour)%24 != 23 {
			return
		}
		path, ok := s.Forecast(&t.habits)
		for a := range out {
			j := k + 1 + a
			if !ok || j >= end || math.IsNaN(h.x[j]+h.x[j-24]+h.x[j-7*24]) {
				continue
			}
			x, sum := h.x[j], &out[a]
			low, high := path.Band(a)
			sum.n++
			if low <= x && x <= high {
				sum.in++
			}
			sum.model += math.Abs(path.Likely[a] - x)
			sum.yesterday += math.Abs(h.x[j-24] - x)
			sum.last += math.Abs(h.x[k] - x)
			sum.lastWeek += math.Abs(h.x[j-7*24] - x)
		}
	})
	return out
}

// midnight is the model's error as a share of the others', over some leads.
type midnight struct{ yesterday, last, lastWeek, inBand float64 }

func (b *byLead) of(from, to int) midnight {
	var n, in int
	var model float64
	var m midnight
	for _, x := range b[from-1 : to] {
		n, in = n+x.n, in+x.in
		model += x.model
		m.yesterday += x.yesterday
		m.last += x.last
		m.lastWeek += x.lastWeek
	}
	return midnight{model / m.yesterday, model / m.last, model / m.lastWeek, float64(in) / float64(n)}
}

func (m *midnight) add(x midnight, n int) {
	f := 1 / float64(n)
	m.yesterday += f * x.yesterday
	m.last += f * x.last
	m.lastWeek += f * x.lastWeek
	m.inBand += f * x.inBand
}
