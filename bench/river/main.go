// Command river forecasts flood waves on a chain of recorded level gauges. The model is fitted on the first wave of the
// file, and frozen; all later waves are forecast from readings that were there at the time.
//
//	go run ./bench/river -data ../shared/data/sensors/river-wear-2022 [-short]
//
// -data holds river_levels.csv.gz (station, dateTime, value) and stations_approx.csv (station, order_downstream).
package main

import (
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"text/tabwriter"
	"time"

	"github.com/anlan-city/anlan/internal/methods/forecast"
)

const (
	step    = int64(15 * time.Minute / time.Microsecond)
	hour    = int64(time.Hour / time.Microsecond)
	perHour = 4 // steps
	mustBe  = 6 // hours: the lead time that counts
)

// leads (hours before the peak) are those of the table.
var leads = []int{10, 8, 6, 4, 2}

func main() {
	dir := flag.String("data", "../shared/data/sensors/river-wear-2022", "folder with the recorded levels")
	short := flag.Bool("short", false, "leave out the fits on other waves")
	flag.Parse()
	if err := run(os.Stdout, *dir, *short); err != nil {
		fmt.Fprintln(os.Stderr, "river:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, dir string, short bool) error {
	rec, err := read(dir)
	if err != nil {
		return err
	}
	first, levels := rec.levels()
	lowest := len(levels) - 1
	fitted, end, err := forecast.FirstCrest(step, levels[lowest], firstRise)
	if err != nil {
		return err
	}
	e := &exercise{rec: rec, first: first, levels: levels, from: 0, to: end, scoreFrom: end}
	if err := e.fit(); err != nil {
		return err
	}
	e.play()

	fmt.Fprintf(w, "%d gauges, %s to %s.\n", len(levels), e.clock(0), e.clock(len(levels[0])-1))
	fmt.Fprintf(w, "Fitted on the first wave alone: from the beginning to %s, when three quarters of the wave that peaked at\n%s on %s had run off. Scored on all that came after it.\n",
		e.clock(end), rec.names[lowest], e.clock(fitted.Peak))
	fmt.Fprintf(w, "Drill level of a gauge: half way up its rise in the fitted wave. A wave is a peak at or above it that is the\n")
	fmt.Fprintf(w, "highest level of 12 h on either side. A warning stands while the forecast (likely course) reaches the drill\n")
	fmt.Fprintf(w, "level within %.0f h, or the water stands there; warnings less than 6 h apart are one. It is false when the water\ndoes not reach the drill level from its beginning to the end of its horizon. A forecast: level (80 %% band), error, error of the time.\n\n", float64(e.river.Ahead)/perHour)
	e.printRiver(w)

	var s score
	for i := 1; i < len(levels); i++ {
		s = e.score(i) // the lowest gauge is the last
		e.print(w, i, s)
	}
	e.printTrend(w, lowest)
	if !short {
		if err := others(w, e); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "\nevents=%d found=%d lead_h_min=%.2f peak_err_max_m=%.3f false_per_1000h=%.1f\n",
		len(s.waves), s.found, s.leadMin, s.errMax, s.falsePer1000h)
	return nil
}

func (e *exercise) printRiver(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "reach\ttravel, low water\ttravel, high water\treservoir\tgain m/m\toffset m")
	for i, r := range e.river.Reaches {
		fmt.Fprintf(t, "%s - %s\t%.2f h\t%.2f h\t%.2f h\t%.3f\t%+.3f\n", e.rec.names[i], e.rec.names[i+1],
			hours(r.Slow), hours(r.Fast), hours(r.Store), r.Gain, r.Offset)
	}
	t.Flush()
	fmt.Fprintf(w, "%s falls back to %.3f m with a time constant of %.1f h.\n", e.rec.names[0], e.river.Base, hours(e.river.Recede))
}

func (e *exercise) print(w io.Writer, gauge int, s score) {
	fmt.Fprintf(w, "\n%s, drill level %.3f m; known %.1f h ahead\n", e.rec.names[gauge], e.drill[gauge], hours(e.river.Lead(gauge)))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "peak\tm\twarned before")
	for _, h := range leads {
		fmt.Fprintf(t, "\tforecast at -%d h", h)
	}
	fmt.Fprintln(t)
	for _, v := range s.waves {
		fmt.Fprintf(t, "%s\t%.3f\t%s", e.clock(v.Peak), v.Top, lead(v.lead))
		for i, p := range v.told {
			switch {
			case !e.within(gauge, leads[i]):
				fmt.Fprint(t, "\tnot in the river yet")
			case !p.ok:
				fmt.Fprint(t, "\tno rise seen")
			default:
				fmt.Fprintf(t, "\t%.3f (%.2f-%.2f) %+.3f m %+.1f h", p.Level, p.Low, p.High, p.Level-v.Top, hours(p.At-e.time(v.Peak)))
			}
		}
		fmt.Fprintln(t)
	}
	t.Flush()
	fmt.Fprintf(w, "%d waves, %d warned %d h ahead; false warnings %d in %.0f h", len(s.waves), s.found, mustBe, len(s.falses), s.hours)
	for _, f := range s.falses {
		fmt.Fprintf(w, " (%s, highest %.3f m)", e.clock(f.from), f.highest)
	}
	fmt.Fprintf(w, ".\nIn the 80 %% band: heights of peaks %d/%d; their times %d/%d; levels 2 to 10 h ahead while the water moves %.0f %%;\npassing of the drill level %d/%d.\n",
		s.heightIn, s.peaks, s.timeIn, s.peaks, 100*s.levelIn, s.passIn, s.passes)
}

// others fits the model on each of the other waves instead, and scores it on all but that: how much hangs on the wave
// that happened to come first.
func others(w io.Writer, e *exercise) error {
	lowest := len(e.levels) - 1
	fmt.Fprintf(w, "\nThe same, fitted on another wave alone (two days before its peak until three quarters have run off), scored on the rest\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "fitted on\trise m\tdrill m\twaves\tfound\tleast lead\tlargest error at -6 h\tfalse per 1,000 h")
	for _, v := range forecast.Crests(step, e.levels[lowest], before) {
		if v.Rise() < firstRise/2 || v.Peak < e.to {
			continue
		}
		o := &exercise{rec: e.rec, first: e.first, levels: e.levels, from: v.Peak - before, to: forecast.RunOff(e.levels[lowest], v), skip: v.Peak}
		if err := o.fit(); err != nil {
			fmt.Fprintf(t, "%s\t%.2f\t%v\n", e.clock(v.Peak), v.Rise(), err)
			continue
		}
		o.play()
		s := o.score(lowest)
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%d\t%d\t%.2f h\t%.3f m\t%.1f\n", e.clock(v.Peak), v.Rise(), o.drill[lowest], len(s.waves), s.found, s.leadMin, s.errMax, s.falsePer1000h)
	}
	return t.Flush()
}

func lead(h float64) string {
	if math.IsNaN(h) {
		return "not"
	}
	return fmt.Sprintf("%.2f h", h)
}

func hours(us int64) float64 { return float64(us) / float64(hour) }

func (e *exercise) time(k int) int64 { return (e.first + int64(k)) * step }

func (e *exercise) clock(k int) string {
	return time.UnixMicro(e.time(k)).UTC().Format("2006-01-02 15:04")
}
