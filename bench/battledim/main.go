// Command battledim looks for the leaks of BattLeDIM 2020 (L-Town, the year 2019) in the flows and the tank level alone,
// and prints which it found, when, and at what price.
//
//	go run ./bench/battledim -data ../shared/data/battledim [-short]
//
// The 33 pressure sensors of the contest are not in the data, so leaks are dated, not placed: the score is the contest's
// with distance 0. How alarms are credited to leaks is on rule and result.score.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"
)

func main() {
	dir := flag.String("data", "../shared/data/battledim", "folder with the recorded flows and leaks")
	short := flag.Bool("short", false, "leave out the neighbours of the settings")
	flag.Parse()
	if err := run(os.Stdout, *dir, *short); err != nil {
		fmt.Fprintln(os.Stderr, "battledim:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, dir string, short bool) error {
	rec, err := load(dir)
	if err != nil {
		return err
	}
	if rec.at[len(rec.at)-1]-rec.at[0] <= shipped.learn {
		return fmt.Errorf("%s: no more than the %d days that are learned", dir, shipped.learn/(24*hour))
	}
	judged := float64(rec.at[len(rec.at)-1]-rec.at[0]-shipped.learn) / hour
	alarms, err := watchBoth(rec, shipped)
	if err != nil {
		return err
	}
	res := strict.score(rec, alarms)
	list(w, rec, res)
	seen, all := repairs(rec, alarms)
	fmt.Fprintf(w, "\n%d of %d repairs were seen as a fall in their zone within a day.\n", seen, all)

	fmt.Fprintf(w, `
Rule: a rise finds the new leak that started last, among those of its zone that run, lose %g m³/h at least and were not
found before. Any other rise is false, repeats too, and costs 500 EUR; growth: how many of the false followed a growth of
the zone's leaks by %g m³/h since the zone's last alarm. Loose: the same with no least flow and in any zone; random: what as
many alarms at random times find. Price: 0.80 EUR for each m³ from alarm to repair, perfect is %.0f EUR.
Judged: %.0f h, the year after the learning. New leaks %d; four more had begun before the year and count for nobody.

`, strict.least, strict.least, res.perfect, judged, res.events)

	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "detector\tfound\tabrupt\tmedian h\tfalse\tgrowth\tper 1,000 h\tEUR\tof perfect\trandom found\trandom median h\trandom EUR\tloose found\tloose false\tloose random found")
	draws := 200
	if short {
		draws = 50
	}
	line := func(name string, alarms []alarm) {
		s, l := strict.score(rec, alarms), loose.score(rec, alarms)
		found, delay, eur := strict.blind(rec, alarms, shipped.learn, draws)
		anyFound, _, _ := loose.blind(rec, alarms, shipped.learn, draws)
		fmt.Fprintf(t, "%s\t%d\t%d\t%.1f\t%d\t%d\t%.2f\t%.0f\t%s\t%.1f\t%.0f\t%.0f\t%d\t%d\t%.1f\n", name, s.found, s.abrupt, s.delay(),
			s.false, s.growth, float64(s.false)/judged*1000, s.eur, share(s), found, delay, eur, l.found, l.false, anyFound)
	}
	line("two zones, profile with season, shifts (shipped)", alarms)
	town, err := watch(rec, wholeTown(), shipped)
	if err != nil {
		return err
	}
	line("the town as one zone, else the same", town)
	line("night flow, k 0.5, h 4, 28 nights", nights(rec, wholeTown(), false))
	line("night flow, new reference after an alarm", nights(rec, wholeTown(), true))
	if !short {
		for _, n := range neighbours() {
			alarms, err := watchBoth(rec, n.settings)
			if err != nil {
				return err
			}
			line("shipped, but "+n.name, alarms)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nevents=%d found=%d ttd_median_h=%.1f false_per_1000h=%.2f\n", res.events, res.found, res.delay(), float64(res.false)/judged*1000)
	return nil
}

// share is what a result is worth of what a perfect one is.
func share(r result) string {
	if r.perfect == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*r.eur/r.perfect)
}

func watchBoth(rec *record, set settings) ([]alarm, error) {
	lower, err := watch(rec, lowerZone(), set)
	if err != nil {
		return nil, err
	}
	upper, err := watch(rec, upperZone(), set)
	return append(lower, upper...), err
}

type neighbour struct {
	name string
	settings
}

// neighbours are the shipped settings with one number changed.
func neighbours() []neighbour {
	var all []neighbour
	vary := func(name string, change func(*settings)) {
		set := shipped
		change(&set)
		all = append(all, neighbour{name, set})
	}
	for _, d := range []int64{1, 2, 4, 7, 14} {
		vary(fmt.Sprintf("level follows in %d days", d), func(s *settings) { s.level = d * 24 * hour })
	}
	for _, m := range []float64{10, 50} {
		vary(fmt.Sprintf("memory of %g weeks", m), func(s *settings) { s.memory = m })
	}
	for _, v := range []float64{1, 1.5, 2.5, 3} {
		vary(fmt.Sprintf("shift of %g spreads", v), func(s *settings) { s.shift = v })
	}
	for _, b := range []float64{0.3, 3} {
		vary(fmt.Sprintf("budget of %g a year", b), func(s *settings) { s.budget = b })
	}
	for _, n := range []int{2, 4} {
		vary(fmt.Sprintf("%d hours agree", n), func(s *settings) { s.agree = n })
	}
	return all
}

// list prints each rise and what became of it, then what was missed.
func list(w io.Writer, rec *record, res result) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "alarm\tzone\trise m³/h\tleak\ttype\tstarted\tafter h\tloses then m³/h")
	found := map[string]bool{}
	for _, v := range res.verdicts {
		fmt.Fprintf(t, "%s\t%s\t%.1f\t", stamp(v.at), v.zone, v.size)
		if v.leak == nil {
			fmt.Fprintln(t, "(false)\t\t\t\t")
			continue
		}
		found[v.leak.pipe] = true
		fmt.Fprintf(t, "%s\t%s\t%s\t%.1f\t%.1f\n", v.leak.pipe, v.leak.kind(), stamp(v.leak.from), float64(v.at-v.leak.from)/hour, v.lost)
	}
	for _, l := range rec.leaks {
		if !l.beforeYear && !found[l.pipe] {
			fmt.Fprintf(t, "(none)\t%s\t\t%s\t%s\t%s\t\t\n", l.zone, l.pipe, l.kind(), stamp(l.from))
		}
	}
	t.Flush()
}

func (l *leak) kind() string {
	if l.abrupt {
		return "abrupt"
	}
	return "slow"
}

func stamp(at int64) string { return time.UnixMicro(at).UTC().Format("01-02 15:04") }
