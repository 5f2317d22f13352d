package main

import (
	"math"
	"slices"

	"github.com/anlan-city/anlan/internal/methods/forecast"
)

// exercise is one fit and what it told, step by step.
type exercise struct {
	rec    *record
	first  int64       // the time of step 0, in steps
	levels [][]float64 // of each gauge: what is fitted on, and the truth

	from, to  int // steps of the fit
	scoreFrom int
	skip      int // step of a peak that is not scored, as it was fitted on; 0 for none

	river forecast.River
	drill []float64
	paths [][]forecast.Path // of each step and gauge
}

func (e *exercise) fit() error {
	var part [][]float64
	for _, x := range e.levels {
		part = append(part, x[e.from:e.to])
		low, high := slices.Min(x[e.from:e.to]), slices.Max(x[e.from:e.to])
		e.drill = append(e.drill, (low+high)/2)
	}
	var err error
	e.river, err = forecast.FitRiver(step, part, e.rec.least)
	return err
}

// play feeds the readings in order of time and asks for every gauge's forecast at every step.
func (e *exercise) play() {
	var w forecast.Wave
	e.paths = make([][]forecast.Path, len(e.levels[0]))
	next := 0
	for k := range e.paths {
		now := e.time(k)
		for ; next < len(e.rec.readings) && e.rec.readings[next].at <= now; next++ {
			r := e.rec.readings[next]
			w.Next(&e.river, r.gauge, r.at, r.x)
		}
		e.paths[k] = make([]forecast.Path, len(e.levels))
		for i := 1; i < len(e.levels); i++ {
			e.paths[k][i], _ = w.Forecast(&e.river, i, now)
		}
	}
}

// told is a peak as it was forecast.
type told struct {
	forecast.Peak
	ok bool
}

// scored is a wave and what was told of it.
type scored struct {
	forecast.Crest
	lead float64 // hours from the beginning of the warning to the peak; NaN: there was none
	told []told  // at leads
}

// warning is a span of steps in which a warning stood.
type warning struct {
	from, to int
	highest  float64 // level from its beginning to the end of its horizon
}

type score struct {
	waves                   []scored
	found                   int
	leadMin, errMax         float64
	falses                  []warning
	hours, falsePer1000h    float64
	peaks, heightIn, timeIn int // forecasts of peaks, all leads
	levelIn                 float64
	passes, passIn          int
}

func (e *exercise) score(gauge int) score {
	level, drill := e.levels[gauge], e.drill[gauge]
	s := score{leadMin: math.Inf(1), hours: float64(len(level)-e.scoreFrom) / perHour}
	warnings := e.warnings(gauge)
	for _, v := range forecast.Crests(step, level, e.scoreFrom) {
		if v.Top < drill || e.skip != 0 && abs(v.Peak-e.skip) < apart {
			continue
		}
		x := scored{Crest: v, lead: math.NaN()}
		for _, a := range warnings {
			if a.from <= v.Peak && v.Peak <= a.to+e.river.Ahead {
				x.lead = float64(v.Peak-a.from) / perHour
				break
			}
		}
		for _, h := range leads {
			p, ok := e.paths[max(0, v.Peak-h*perHour)][gauge].Peak()
			x.told = append(x.told, told{p, ok})
			miss := math.Abs(p.Level - v.Top)
			if !ok {
				miss = v.Rise()
			}
			if e.within(gauge, h) {
				s.peaks++
				s.heightIn += count(p.Low <= v.Top && v.Top <= p.High)
				s.timeIn += count(p.Earliest <= e.time(v.Peak) && e.time(v.Peak) <= p.Latest)
			}
			if h == mustBe {
				s.errMax = max(s.errMax, miss)
			}
		}
		s.found += count(x.lead >= mustBe)
		if math.IsNaN(x.lead) {
			s.leadMin = 0
		} else {
			s.leadMin = min(s.leadMin, x.lead)
		}
		s.waves = append(s.waves, x)
	}
	for _, a := range warnings {
		if a.highest < drill && !(e.skip != 0 && a.from <= e.skip && e.skip <= a.to+e.river.Ahead) {
			s.falses = append(s.falses, a)
		}
	}
	if len(s.waves) == 0 {
		s.leadMin = 0
	}
	s.falsePer1000h = 1000 * float64(len(s.falses)) / max(s.hours, 1)
	e.bands(gauge, &s)
	return s
}

// warnings are the spans in which the forecast reached the drill level or the water stood there.
func (e *exercise) warnings(gauge int) []warning {
	const joined = 6 * perHour
	level, drill := e.levels[gauge], e.drill[gauge]
	var out []warning
	for k := e.scoreFrom; k < len(level); k++ {
		p := &e.paths[k][gauge]
		if p.Likely == nil || p.Passes(drill).Likely == 0 {
			continue
		}
		if n := len(out); n > 0 && k-out[n-1].to <= joined {
			out[n-1].to = k
		} else {
			out = append(out, warning{from: k, to: k})
		}
	}
	for i := range out {
		a := &out[i]
		a.highest = slices.Max(level[a.from:min(len(level), a.to+e.river.Ahead)])
	}
	return out
}

// bands counts how often the truth lay in the band: levels 2, 4, ... 10 h ahead of every hour in which the forecast moves
// by the least permissible error, and the time at which the drill level was passed.
func (e *exercise) bands(gauge int, s *score) {
	level, drill := e.levels[gauge], e.drill[gauge]
	n, in := 0, 0
	for k := e.scoreFrom; k < len(level); k += perHour {
		p := &e.paths[k][gauge]
		if p.Likely == nil || slices.Max(p.Likely)-slices.Min(p.Likely) < e.river.Floor {
			continue
		}
		for _, h := range leads {
			if t := k + h*perHour; t < len(level) && e.within(gauge, h) {
				low, high := p.Band(h*perHour - 1)
				n++
				in += count(low <= level[t] && level[t] <= high)
			}
		}
	}
	s.levelIn = float64(in) / max(float64(n), 1)
	for k := max(1, e.scoreFrom); k < len(level); k++ {
		if level[k-1] >= drill || level[k] < drill {
			continue
		}
		for _, h := range leads {
			if k-h*perHour < 0 || !e.within(gauge, h) {
				continue
			}
			c := e.paths[k-h*perHour][gauge].Passes(drill)
			s.passes++
			s.passIn += count(!c.Never() && c.Earliest <= e.time(k) && (c.Latest == 0 || e.time(k) <= c.Latest))
		}
	}
}

// within tells whether water that reaches a gauge in h hours has passed the uppermost one.
func (e *exercise) within(gauge, h int) bool { return int64(h)*hour <= e.river.Lead(gauge) }

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func abs(x int) int { return max(x, -x) }
