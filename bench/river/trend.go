package main

import (
	"fmt"
	"io"

	"github.com/anlan-city/anlan/internal/methods/forecast"
)

// alone is what the lowest gauge's own trend says, without the gauges above: the forecast that any gauge has.
type alone struct {
	levels, levelsIn int // forecasts of the level 1, 2 and 4 hours ahead, every hour
	passes, passesIn int // forecasts of the time at which the drill level is passed, 1, 2 and 4 hours before
	named            int // of these, such that the likely course passes at all
}

func (e *exercise) trend(gauge int) alone {
	p := &forecast.TrendParams{Memory: 2 * hour, Ahead: 6 * hour, Every: hour, Cover: forecast.Cover{Share: 0.8, Rate: 0.05}}
	level, drill := e.levels[gauge], e.drill[gauge]
	paths := make([]forecast.Path, len(level))
	var s forecast.Trend
	next := 0
	for k := range level {
		for ; next < len(e.rec.readings) && e.rec.readings[next].at <= e.time(k); next++ {
			if r := e.rec.readings[next]; r.gauge == gauge {
				s.Next(p, r.at, r.x)
			}
		}
		paths[k], _ = s.Forecast(p, e.time(k))
	}
	var out alone
	for k := e.scoreFrom; k < len(level); k++ {
		for _, h := range []int{1, 2, 4} {
			path := &paths[k-h*perHour]
			if path.Likely == nil {
				continue
			}
			if k%perHour == 0 {
				low, high := path.Band(int(int64(h)*hour/path.Step) - 1)
				out.levels++
				out.levelsIn += count(low <= level[k] && level[k] <= high)
			}
			if level[k-1] < drill && level[k] >= drill {
				c := path.Passes(drill)
				out.passes++
				out.named += count(c.Likely != 0)
				out.passesIn += count(!c.Never() && c.Earliest <= e.time(k) && (c.Latest == 0 || e.time(k) <= c.Latest))
			}
		}
	}
	return out
}

func (e *exercise) printTrend(w io.Writer, gauge int) {
	a := e.trend(gauge)
	fmt.Fprintf(w, "\n%s from its own trend alone, 1, 2 and 4 h ahead: in the 80 %% band %.0f %% of the levels; passing of the drill level\nforeseen %d/%d, in the band %d/%d.\n",
		e.rec.names[gauge], 100*float64(a.levelsIn)/float64(max(a.levels, 1)), a.named, a.passes, a.passesIn, a.passes)
}
