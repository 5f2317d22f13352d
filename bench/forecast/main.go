// Command forecast forecasts recorded series a day ahead and holds the errors against two forecasts that need no model: the
// same hour of the day before, and of the week before.
//
//	go run ./bench/forecast -data ../shared/data/sensors [-short]
//
// -data holds ercot-load (hourly load of ERCOT and its eight weather zones) and beijing-air (hourly PM2.5 and weather of
// twelve stations). Parameters were chosen on the first half of each, which the table of the choice shows; what is scored
// is the second half. The weights of the model are learned as time goes by, in both parts, from what had come by then.
//
// The last table of each record is of rules of the packs that forecast a day ahead: the days on which their level was passed.
package main

import (
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/anlan-city/anlan/internal/methods/forecast"
)

const (
	hour  = int64(time.Hour / time.Microsecond)
	ahead = 24 // hours
)

// task is a group of series and how they are forecast.
type task struct {
	title, unit string
	series      []*hours
	habits      forecast.Habits

	// Hours from the beginning: parameters were judged from learned to chosen, the middle of the record, and the score is from there to its end.
	learned, chosen, end int
}

func main() {
	dir := flag.String("data", "../shared/data/sensors", "folder with ercot-load and beijing-air")
	short := flag.Bool("short", false, "leave out the table of the choice")
	flag.Parse()
	if err := run(os.Stdout, *dir, *short); err != nil {
		fmt.Fprintln(os.Stderr, "forecast:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, dir string, short bool) error {
	tasks, err := tasks(dir)
	if err != nil {
		return err
	}
	var means []score
	for _, t := range tasks {
		fmt.Fprintf(w, "%s. Scored on the second half of the record, %s to %s.\n", t.title, t.day(t.chosen), t.day(t.end-1))
		if !short {
			t.printChoice(w)
		}
		means = append(means, t.print(w))
		t.printMidnight(w)
		t.printDays(w)
	}
	fmt.Fprintf(w, "load_vs_persistence=%.3f load_vs_last_week=%.3f pm25_vs_persistence=%.3f pm25_vs_last_week=%.3f\n",
		means[0].yesterday.ratio, means[0].lastWeek.ratio, means[1].yesterday.ratio, means[1].lastWeek.ratio)
	return nil
}

func tasks(dir string) ([]*task, error) {
	cover := forecast.Cover{Share: 0.8, Rate: 0.02}
	tasks := []*task{
		{title: "Electric load of ERCOT and its weather zones", unit: "MW",
			habits: forecast.Habits{Log: true, Week: true, Level: 7 * 24, Memory: 120 * 24, Clip: 2, Cover: cover}},
		{title: "PM2.5 at the stations of Beijing; inputs are the station's wind in the hour of the forecast", unit: "µg/m³",
			habits: forecast.Habits{Log: true, Shift: 5, Level: 60 * 24, Inputs: 3, Memory: 120 * 24, Clip: 2, Cover: cover}},
	}
	for i, from := range []struct {
		folder string
		read   func(string) ([]*hours, error)
	}{{"ercot-load", load}, {"beijing-air", air}} {
		files, err := filepath.Glob(filepath.Join(dir, from.folder, "*.csv.gz"))
		if err != nil || len(files) != 1 {
			return nil, fmt.Errorf("%s: want one .csv.gz, found %d", filepath.Join(dir, from.folder), len(files))
		}
		t := tasks[i]
		if t.series, err = from.read(files[0]); err != nil {
			return nil, err
		}
		for _, h := range t.series { // all over the same hours, or neighbours would be told apart by a day
			for _, o := range t.series {
				h.pad(o.begin, o.at(len(o.x)-1))
			}
		}
		if len(t.series) == 0 || len(t.series[0].x) < 200*24 {
			return nil, fmt.Errorf("%s: less than 200 days", files[0])
		}
		t.end = len(t.series[0].x)
		t.chosen = t.end / 2 / 24 * 24
		t.learned = t.chosen * 2 / 5 / 24 * 24
	}
	return tasks, nil
}

// day is the day of an hour of the record.
func (t *task) day(k int) string {
	return time.UnixMicro(t.series[0].at(k)).UTC().Format(time.DateOnly)
}

// print scores each series and returns the mean of the ratios.
func (t *task) print(w io.Writer) score {
	fmt.Fprintf(w, "\n24 h ahead, a forecast every hour; the last value known is the same hour yesterday. Mean absolute error (root mean square) in %s\n", t.unit)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "series\thours\tmodel\tyesterday\tlast week\tmodel/yesterday\tmodel/last week\tin the 80 % band\t")
	var mean score
	for i := range t.series {
		s := t.score(&t.habits, i, t.chosen, t.end)
		fmt.Fprintf(tw, "%s\t%d\t%s\t%s\t%s\t%.3f (%.3f)\t%.3f (%.3f)\t%.1f %%\t\n", t.series[i].name, s.n, s.model, s.yesterday.errors, s.lastWeek.errors,
			s.yesterday.ratio, s.yesterday.rmsRatio, s.lastWeek.ratio, s.lastWeek.rmsRatio, 100*s.inBand)
		mean.add(s, len(t.series))
	}
	fmt.Fprintf(tw, "mean of the ratios\t\t\t\t\t%.3f (%.3f)\t%.3f (%.3f)\t%.1f %%\t\n\n", mean.yesterday.ratio, mean.yesterday.rmsRatio,
		mean.lastWeek.ratio, mean.lastWeek.rmsRatio, 100*mean.inBand)
	tw.Flush()
	return mean
}

// printChoice shows what the parameters were chosen from.
func (t *task) printChoice(w io.Writer) {
	fmt.Fprintf(w, "\nChoice of parameters: mean over the series of model/yesterday on %s to %s (used: memory %.0f days, level %.0f days)\n",
		t.day(t.learned), t.day(t.chosen-1), t.habits.Memory/24, t.habits.Level/24)
	for _, days := range []float64{60, 120, 240} {
		for _, level := range []float64{7, 30, 60} {
			p := t.habits
			p.Memory, p.Level = days*24, level*24
			var mean score
			for i := range t.series {
				mean.add(t.score(&p, i, t.learned, t.chosen), len(t.series))
			}
			fmt.Fprintf(w, "  memory %3.0f days, level %2.0f days: %.4f\n", days, level, mean.yesterday.ratio)
		}
	}
}

// printMidnight scores the path that is told at the end of each day, for the hours of the next.
func (t *task) printMidnight(w io.Writer) {
	fmt.Fprintf(w, "Told once a day after the hour of 23:00, for the next day: mean over the series of the ratio of mean absolute errors\n")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "hours ahead\tmodel/yesterday\tmodel/last value\tmodel/last week\tin the 80 % band\t")
	spans := [][2]int{{1, 3}, {4, 6}, {7, 12}, {13, 18}, {19, 24}, {1, 24}}
	sums := make([]midnight, len(spans))
	for i := range t.series {
		told := t.tellAtMidnight(i)
		for j, s := range spans {
			sums[j].add(told.of(s[0], s[1]), len(t.series))
		}
	}
	for j, s := range spans {
		m := sums[j]
		fmt.Fprintf(tw, "%d-%d\t%.3f\t%.3f\t%.3f\t%.1f %%\t\n", s[0], s[1], m.yesterday, m.last, m.lastWeek, 100*m.inBand)
	}
	tw.Flush()
	fmt.Fprintln(w)
}

// beside is the geometric mean of the other series at an hour; NaN where none is known. The load of all ERCOT is the sum
// of the zones and not one of them.
func (t *task) beside(i, k int) float64 {
	sum, n := 0., 0
	for j, h := range t.series {
		if j != i && h.name != "ERCOT" && k < len(h.x) && !math.IsNaN(h.x[k]) {
			sum += math.Log(h.x[k] + t.habits.Shift)
			n++
		}
	}
	return math.Exp(sum/float64(n)) - t.habits.Shift
}
