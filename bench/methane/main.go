// Command methane runs the gas pack's methane-ambient detector, and alarms with a constant limit beside it, over a week
// of recorded fence-line readings with known releases, and prints what each of them found, and which source group the
// wind points at.
//
//	go run ./bench/methane -data ../shared/data/sensors/methane-metec [-short]
//	go run ./bench/methane -data … -calibrate
//
// -calibrate prints the parameters that follow from the training hours; a test holds packs/gas/detectors.yaml to them. A
// folder with the same files of other weeks is run with the shipped parameters.
package main

import (
	"cmp"
	"embed"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/packs"
)

//go:embed constant/*.yaml
var constant embed.FS

const (
	// allowance is for how long after a release an alert still counts as the release's: gas lingers.
	allowance = 60 * time.Minute
	// episode: alerts of one detector that are less than this apart are one.
	episode = 30 * time.Minute
)

func main() {
	dir := flag.String("data", "../shared/data/sensors/methane-metec", "folder with the recorded readings and releases")
	short := flag.Bool("short", false, "leave out the neighbours of the parameters")
	calibrateOnly := flag.Bool("calibrate", false, "print the parameters that follow from the training hours")
	flag.Parse()
	if err := run(os.Stdout, *dir, *short, *calibrateOnly); err != nil {
		fmt.Fprintln(os.Stderr, "methane:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, dir string, short, calibrateOnly bool) error {
	rows, err := readRows(dir)
	if err != nil {
		return err
	}
	releases, err := readReleases(dir, rows[0].at, rows[len(rows)-1].at)
	if err != nil {
		return err
	}
	if len(releases) == 0 {
		return fmt.Errorf("%s: no release overlaps the readings", dir)
	}
	fence, err := readFence(dir, rows)
	if err != nil {
		return err
	}
	var cal calibration
	if trained := len(training(rows)) >= enough; trained {
		cal = calibrate(rows)
		fmt.Fprintf(w, "%s%s\n", cal, fence.calibrate(releases[0]))
	} else {
		fmt.Fprint(w, "no training hours in these readings: shipped parameters only\n\n")
		short = true // no calibrated parameters, no neighbours of them
	}
	if calibrateOnly {
		return nil
	}
	shipped, err := detector(packs.FS(), "gas", "gas/methane-ambient")
	if err != nil {
		return err
	}
	rivals := []string{"constant/ppm-5-plain", "constant/ppm-20-plain", "constant/ppm-5-held", "constant/ppm-20-held"}

	fmt.Fprintf(w, "%d releases overlap the readings of %s to %s; %d had begun before them.\n", len(releases), day(rows[0].at), day(rows[len(rows)-1].at),
		before(releases, rows[0].at))
	fmt.Fprintf(w, "Rule, for all alike: an alert lasts from when it is raised to the last reading that kept it up; alerts less than\n")
	fmt.Fprintf(w, "%s apart are one. A release is found when an alert stands within it. An alert is false when it overlaps no release,\n", episode)
	fmt.Fprintf(w, "nor the %s after one (beside it: with no such allowance). New: releases in which an alert was raised; time to\n", allowance)
	fmt.Fprintf(w, "detection is the median over these. After training: of the %d releases after the training hours only.\n\n", len(releases)-1)

	scores := map[string]score{}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "detector\tfound\tnew\tafter training\tepisodes\tfalse\tfalse, no allowance\tfalse per 1,000 h\tmedian time to detection\thours in alert\tof these outside")
	line := func(name string, s score) {
		scores[name] = s
		fmt.Fprintf(t, "%s\t%d/%d\t%d\t%d/%d\t%d\t%d\t%d\t%.1f\t%.0f min\t%.0f\t%.0f\n", name, s.found, len(releases), s.fresh, s.foundAfter, len(releases)-1,
			s.episodes, s.falseAlerts, s.falseStrict, s.falsePer1000h, s.ttd, s.hours, s.hoursOutside)
	}
	alerts := play(shipped, rows)
	line("methane-ambient", judge(alerts, rows, releases))
	for _, id := range rivals {
		d, err := detector(constant, "constant", id)
		if err != nil {
			return err
		}
		line(d.Title.In("en")+map[bool]string{true: ", clears after 60 min", false: ""}[d.ClearFor > 0], judge(play(d, rows), rows, releases))
	}
	t.Flush()
	sources := fence.report(w, alerts, releases)
	if !short {
		fence.neighbours(w, alerts, releases)
		if err := neighbours(w, rows, releases, cal); err != nil {
			return err
		}
	}
	a, five, twenty := scores["methane-ambient"], scores["Constant 5 ppm"], scores["Constant 20 ppm"]
	fmt.Fprintf(w, "\nevents=%d found=%d false=%d ttd_median_min=%.0f false_per_1000h=%.1f found_5ppm=%d false_5ppm=%d found_20ppm=%d false_20ppm=%d source_right=%d source_wrong=%d source_undecided=%d\n",
		len(releases), a.found, a.falseAlerts, a.ttd, a.falsePer1000h, five.found, five.falseAlerts, twenty.found, twenty.falseAlerts,
		sources.right, sources.wrong, sources.undecided)
	return nil
}

// before is how many releases had begun before a time.
func before(releases []release, at int64) int {
	n := 0
	for n < len(releases) && releases[n].start < at {
		n++
	}
	return n
}

func day(at int64) string { return time.UnixMicro(at).UTC().Format("2006-01-02T15:04Z") }

// detector is a compiled detector of a pack.
func detector(fsys fs.FS, folder, id string) (*engine.Detector, error) {
	sub, err := fs.Sub(fsys, folder)
	if err != nil {
		return nil, err
	}
	p, err := pack.Load(sub, folder)
	if err != nil {
		return nil, err
	}
	ds, err := engine.Compile(p)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(ds, func(d *engine.Detector) bool { return d.ID == id }); i >= 0 {
		return ds[i], nil
	}
	return nil, fmt.Errorf("the pack %s has no detector %s", folder, id)
}

// span is an alert: when it was raised, and the last reading that kept it from clearing.
type span struct{ from, to int64 }

// play runs a detector over the recorded readings, all instruments standing at one place.
func play(d *engine.Detector, rows []row) []span {
	e := engine.New([]*engine.Detector{d})
	for i := range instruments {
		e.Bind(engine.Stream{ID: int64(i + 1), Property: d.Property.ID, Kind: d.Kinds[0].ID, Asset: int64(i + 1), Place: 1}, nil)
	}
	var out []span
	var changes []engine.Change
	for _, r := range rows {
		for i, v := range r.ppm {
			if math.IsNaN(v) {
				continue
			}
			changes = e.Evaluate(engine.Reading{Datastream: int64(i + 1), At: r.at, Value: v, Number: true}, r.at, changes[:0])
			for _, c := range changes {
				switch {
				case c.Raised():
					out = append(out, span{c.At, 0})
				case c.Cleared:
					out[len(out)-1].to = c.At - d.ClearFor.Microseconds()
				}
			}
		}
	}
	if n := len(out); n > 0 && out[n-1].to == 0 {
		out[n-1].to = rows[len(rows)-1].at
	}
	return merge(out)
}

// merge makes one of alerts that are close together.
func merge(in []span) []span {
	var out []span
	for _, s := range in {
		if n := len(out); n > 0 && s.from-out[n-1].to < episode.Microseconds() {
			out[n-1].to = max(out[n-1].to, s.to)
		} else {
			out = append(out, s)
		}
	}
	return out
}

type score struct {
	found, fresh, foundAfter           int
	episodes, falseAlerts, falseStrict int
	ttd, falsePer1000h                 float64
	hours, hoursOutside                float64
}

func judge(alerts []span, rows []row, releases []release) score {
	s := score{episodes: len(alerts)}
	var delays []float64
	for n, r := range releases {
		stands := slices.ContainsFunc(alerts, func(a span) bool { return a.from <= r.end && a.to >= r.start })
		if stands {
			s.found++
			if n > 0 {
				s.foundAfter++
			}
		}
		i := slices.IndexFunc(alerts, func(a span) bool { return a.from >= r.start && a.from <= r.end })
		if i >= 0 {
			s.fresh++
			delays = append(delays, float64(alerts[i].from-r.start)/60e6)
		}
	}
	outside := func(a span, allow time.Duration) bool {
		return !slices.ContainsFunc(releases, func(r release) bool { return a.from <= r.end+allow.Microseconds() && a.to >= r.start })
	}
	for _, a := range alerts {
		if outside(a, allowance) {
			s.falseAlerts++
		}
		if outside(a, 0) {
			s.falseStrict++
		}
		s.hours += float64(a.to-a.from) / 3600e6
		inside := 0.0
		for _, r := range releases {
			inside += max(0, float64(min(a.to, r.end)-max(a.from, r.start))/3600e6)
		}
		s.hoursOutside += float64(a.to-a.from)/3600e6 - inside
	}
	quiet := float64(rows[len(rows)-1].at-rows[0].at) / 3600e6
	for _, r := range releases {
		quiet -= float64(min(r.end, rows[len(rows)-1].at)-max(r.start, rows[0].at)) / 3600e6
	}
	s.falsePer1000h = math.NaN() // no hour without a release
	if quiet > 0 {
		s.falsePer1000h = 1000 * float64(s.falseAlerts) / quiet
	}
	if slices.Sort(delays); len(delays) > 0 {
		s.ttd = delays[len(delays)/2]
	}
	return s
}

// neighbours prints the score for parameters around the calibrated ones, so that a reader sees whether these sit on a
// plateau or on a needle. Nothing is chosen by it.
func neighbours(w io.Writer, rows []row, releases []release, cal calibration) error {
	type variant struct {
		name string
		c    calibration
		fall time.Duration
	}
	variants := []variant{{"as calibrated", cal, fall}}
	add := func(name string, fall time.Duration, change func(*calibration)) {
		c := cal
		change(&c)
		variants = append(variants, variant{name, c, fall})
	}
	for _, k := range []float64{0.67, 1.5, 2, 3} {
		add(fmt.Sprintf("limits × %.2f", k), fall, func(c *calibration) { c.raise *= k; c.clear *= k })
	}
	for _, k := range []float64{0.4, 2} {
		add(fmt.Sprintf("on-delay × %.1f", k), fall, func(c *calibration) { c.on = time.Duration(k * float64(c.on)) })
	}
	for _, k := range []float64{0.25, 0.5, 1.5, 2} {
		add(fmt.Sprintf("hold × %.2f", k), fall, func(c *calibration) { c.hold = time.Duration(k * float64(c.hold)) })
	}
	for _, k := range []float64{0.5, 2} {
		add(fmt.Sprintf("rise × %.1f", k), fall, func(c *calibration) { c.rise *= k })
	}
	for _, f := range []time.Duration{10 * time.Minute, 2 * time.Hour} {
		add("fall "+f.String(), f, func(*calibration) {})
	}
	fmt.Fprintln(w, "\nNeighbours of the parameters (nothing is chosen by this table):")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "change\tfound\tnew\tfalse\tfalse, no allowance\tmedian time to detection")
	for _, v := range variants {
		d, err := compile(v.c, v.fall)
		if err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		s := judge(play(d, rows), rows, releases)
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%.0f min\n", v.name, s.found, s.fresh, s.falseAlerts, s.falseStrict, s.ttd)
	}
	return cmp.Or(t.Flush(), nil)
}

// compile makes a detector of parameters, through the pack language.
func compile(c calibration, fall time.Duration) (*engine.Detector, error) {
	return detector(variantFS(c, fall), "gas", "gas/methane-ambient")
}
