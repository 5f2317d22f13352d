package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/anlan-city/anlan/internal/methods/forecast"
)

// What rules with day_ahead make of it: at the end of each day, will a figure of the next day pass a level? It is held against
// "as today". Habits are those of the task, without the series beside and the inputs, which rules do not give.

// passing is a rule of a pack on some series. A level of 0 is what one day in ten of the first half reached: there was no rating to
// be had.
type passing struct {
	title  string
	series []*hours
	figure forecast.Figure
	scale  float64 // that the series are multiplied by
	level  float64
}

// nameplate is the MW of which the pack's replay counts per cent (replays/ercot.yaml).
const nameplate = 78154

func (t *task) passings() []passing {
	if t.habits.Week {
		scale := 100. / nameplate
		return []passing{
			{"ERCOT, highest hour over 90.9 % of 78,154 MW (reserve-day-ahead, blue)", t.series[:1], forecast.Highest, scale, 90.9},
			{"the same, 95.2 % (yellow)", t.series[:1], forecast.Highest, scale, 95.2},
			{"eight zones, highest hour over what a tenth of the days of the first half reached (in place of a rating)", t.series[1:], forecast.Highest, scale, 0},
		}
	}
	city := []*hours{t.mean()}
	return []passing{
		{"mean of the stations, over 115 µg/m³ (pollution-day-ahead, blue)", city, forecast.Mean, 1, 115},
		{"the same, 150 (yellow)", city, forecast.Mean, 1, 150},
		{"each station by itself, 150", t.series, forecast.Mean, 1, 150},
	}
}

// mean is the mean of those series that were read.
func (t *task) mean() *hours {
	out := &hours{name: "mean", begin: t.series[0].begin}
	for k := range t.series[0].x {
		sum, n := 0., 0
		for _, h := range t.series {
			if k < len(h.x) && !math.IsNaN(h.x[k]) {
				sum += h.x[k]
				n++
			}
		}
		out.x = append(out.x, sum/float64(n))
	}
	return out
}

// tally counts days.
type tally struct{ hit, missed, false int }

func (t *tally) take(said, was bool) {
	switch {
	case said && was:
		t.hit++
	case was:
		t.missed++
	case said:
		t.false++
	}
}

func (t tally) String() string {
	return fmt.Sprintf("%d\t%d\t%d\t%s\t%s\t%s", t.hit, t.missed, t.false, share(t.hit, t.missed), share(t.false, t.hit), share(t.hit, t.missed+t.false))
}

// share is the part of n in n and the rest.
func share(n, rest int) string {
	if n+rest == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(n)/float64(n+rest))
}

// daysTold is the record of one rule.
type daysTold struct {
	days, unknown, in int
	model, today      tally
	err, errToday     float64
}

func (t *task) printDays(w io.Writer) {
	fmt.Fprintln(w, "Days on which a level was passed, told at the end of the day before: the rule (its likely value), and \"as today\"")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "level\tdays\tunknown\t\tmet\tmissed\tfalse\tPOD\tFAR\tCSI\tmean error\tin the 80 % band\t")
	for _, p := range t.passings() {
		var d daysTold
		for _, h := range p.series {
			t.tellDays(&p, h, &d)
		}
		n := float64(d.days - d.unknown)
		fmt.Fprintf(tw, "%s\t%d\t%d\trule\t%s\t%.1f\t%.0f %%\t\n", p.title, d.days, d.unknown, d.model, d.err/n, 100*float64(d.in)/n)
		fmt.Fprintf(tw, "\t\t\tas today\t%s\t%.1f\t\t\n", d.today, d.errToday/n)
	}
	tw.Flush()
	fmt.Fprintln(w)
}

func (t *task) tellDays(p *passing, h *hours, d *daysTold) {
	params := &forecast.DayAheadParams{Habits: t.habits, Figure: p.figure, Within: 24}
	if params.Habits.Inputs = 0; params.Habits.Shift == 0 {
		params.Habits.Shift = 1 // per cent, as in the pack
	}
	level := p.level
	if level == 0 {
		level = h.tenth(t.chosen) * p.scale
	}
	var s forecast.DayAhead
	for k, x := range h.x {
		if !math.IsNaN(x) {
			s.Next(params, h.at(k), x*p.scale)
		}
		if (h.at(k)/hour)%24 != 23 || k+1 < t.chosen || k+25 > len(h.x) {
			continue
		}
		today, came := day(p.figure, h.x[k-23:k+1])*p.scale, day(p.figure, h.x[k+1:k+25])*p.scale
		if math.IsNaN(today) || math.IsNaN(came) {
			continue
		}
		d.days++
		was := came > level
		d.today.take(today > level, was)
		f, ok := s.Tell(params)
		d.model.take(ok && f.Likely > level, was)
		if !ok {
			d.unknown++
			continue
		}
		d.err += math.Abs(f.Likely - came)
		d.errToday += math.Abs(today - came)
		if f.Low <= came && came <= f.High {
			d.in++
		}
	}
}

// day is the figure of a day; NaN where it has fewer than 20 hours.
func day(f forecast.Figure, xs []float64) float64 {
	n, sum, high := 0, 0., math.Inf(-1)
	for _, x := range xs {
		if !math.IsNaN(x) {
			n++
			sum, high = sum+x, max(high, x)
		}
	}
	switch {
	case n < 20:
		return math.NaN()
	case f == forecast.Mean:
		return sum / float64(n)
	}
	return high
}

// tenth is what the highest hour of one day in ten, of those before an hour, reached.
func (h *hours) tenth(before int) float64 {
	var peaks []float64
	for k := 0; k+24 <= before; k += 24 {
		if x := day(forecast.Highest, h.x[k:k+24]); !math.IsNaN(x) {
			peaks = append(peaks, x)
		}
	}
	slices.Sort(peaks)
	return peaks[len(peaks)*9/10]
}
