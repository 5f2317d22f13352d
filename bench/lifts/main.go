// Command lifts runs the lifts pack over a month of hourly states of 3,482 German railway lifts and escalators, and prints
// what happened, what the pack said of it, and how much alarm management folds.
//
//	go run ./bench/lifts -data ../shared/data/sensors/lifts-db-2022-01 [-short]
//	go run ./bench/lifts -data … -csv FILE      # the change log as a table of hourly states, for anlan backtest
//
// It scores no hits: nobody wrote down which outages mattered. Two things are known and looked at by name: on 13 January at
// 11:01 the monitoring of 22 units went at once, which is one fault and no 22 outages; and unit 10556242 changed its state
// 168 times.
//
// The only figure of the pack that was chosen on this record, the 10 units of monitoring-lost-many, comes from its first nine
// days; see packs/lifts/README.md.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
)

// shortLists is how many lists -short runs over: two weeks and a day, which hold the fault of the 13th.
const shortLists = 15 * 24

// flapping is the unit whose state changes most.
const flapping = 10556242

func main() {
	dir := flag.String("data", "../shared/data/sensors/lifts-db-2022-01", "folder with the recorded states")
	short := flag.Bool("short", false, "the first two weeks only")
	table := flag.String("csv", "", "write the states to this file, as a table that anlan backtest reads, and do nothing else")
	flag.Parse()
	do := func() error { return run(os.Stdout, *dir, *short) }
	if *table != "" {
		do = func() error { return convert(*table, *dir, *short) }
	}
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, "lifts:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, dir string, short bool) error {
	r, err := readRecord(dir)
	if err != nil {
		return err
	}
	if short {
		r = r.until(shortLists)
	}
	var alerts [2][]*engine.Episode // unmanaged, managed
	for i, managed := range []bool{false, true} {
		rules, err := shipped(managed)
		if err != nil {
			return err
		}
		if alerts[i], err = play(rules, r); err != nil {
			return err
		}
	}
	describe(w, r)
	s := table(w, r, alerts[0], alerts[1])
	faults(w, alerts[1])
	oneUnit(w, r, flapping, alerts[1])
	fmt.Fprintf(w, "\nunits=%d alerts=%d alerts_unmanaged=%d comms_faults=%d flapping_folded=%d\n", len(r.units), s.alerts, s.unmanaged, s.comms, s.folded)
	return nil
}

func describe(w io.Writer, r *record) {
	first, last := r.snapshots[0], r.snapshots[len(r.snapshots)-1]
	escalators := 0
	for _, u := range r.units {
		if u.escalator {
			escalators++
		}
	}
	fmt.Fprintf(w, "%d lifts and %d escalators, %s to %s, %d hourly lists.\n", len(r.units)-escalators, escalators, day(first), day(last), len(r.snapshots))
	if o := r.outages(); len(o) > 0 {
		fmt.Fprintf(w, "%d outages that began and ended within: median %.0f h, one in ten longer than %.0f h.\n", len(o), o[len(o)/2], o[len(o)*9/10])
	}
	fmt.Fprintf(w, "Changes into out of service: %d; into monitoring disrupted: %d.\n\n", r.changesInto(inactive), r.changesInto(unknown))
}

// sums are what the last line tells.
type sums struct{ alerts, unmanaged, comms, folded int }

// table prints the alerts of each detector. Unmanaged is what a platform does that calls each change into out of service or
// monitoring disrupted an alarm: no delay, no fold, no group.
func table(w io.Writer, r *record, plain, managed []*engine.Episode) sums {
	hours := float64(r.snapshots[len(r.snapshots)-1]-r.snapshots[0]) / 3600e6
	s := sums{alerts: len(managed), unmanaged: r.changesInto(inactive) + r.changesInto(unknown)}
	type key struct {
		detector string
		fault    engine.Fault
	}
	var keys []key
	count := map[key][2]int{}
	levels := map[key][engine.Red + 1]int{}
	for i, list := range [][]*engine.Episode{plain, managed} {
		for _, a := range list {
			k := key{a.Detector.ID, a.Fault}
			if _, there := count[k]; !there {
				keys = append(keys, k)
			}
			n := count[k]
			n[i]++
			count[k] = n
			if i == 1 {
				l := levels[k]
				l[a.Level]++
				levels[k] = l
			}
		}
	}
	slices.SortFunc(keys, func(a, b key) int { return count[b][1] - count[a][1] })
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "detector\towner\twith delays only\talso folded\ta day\tblue\tyellow\torange\tred")
	for _, k := range keys {
		n, l := count[k], levels[k]
		name, owner := k.detector, ""
		for _, a := range slices.Concat(plain, managed) {
			if a.Detector.ID == k.detector {
				owner = a.Detector.Owner
			}
		}
		if k.fault != engine.NoFault {
			name += ", " + string(k.fault)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%.1f\t%d\t%d\t%d\t%d\n", name, owner, n[0], n[1], 24*float64(n[1])/hours, l[engine.Blue], l[engine.Yellow], l[engine.Orange], l[engine.Red])
		s.folded += n[0] - n[1]
		if k.fault == engine.CommsFault || k.detector == "lifts/monitoring-lost-many" && k.fault == engine.NoFault {
			s.comms += n[1]
		}
	}
	t.Flush()
	resting := rests(managed)
	fmt.Fprintf(w, "\nAlarms for one operator in %.0f hours:\n", hours)
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name string, n int) { fmt.Fprintf(t, "%s\t%d\t%.2f an hour\n", name, n, float64(n)/hours) }
	line("each change of state an alarm", s.unmanaged)
	line("the rules with their delays", len(plain))
	line("comings and goings folded", len(managed))
	line("less those that another alert explains", len(managed)-resting)
	t.Flush()
	return s
}

// rests counts the alerts that rest from the moment they are raised, since the alert of a detector that suppresses theirs stands at
// the same place. The room does this on a running server; here its rule is applied to the list.
func rests(alerts []*engine.Episode) (n int) {
	for _, a := range alerts {
		if a.Kind == engine.Hazard && slices.ContainsFunc(alerts, func(b *engine.Episode) bool {
			return slices.Contains(a.Detector.SuppressedBy, b.Detector.ID) && b.Kind == engine.Hazard && b.RaisedAt <= a.RaisedAt && (b.Stands() || b.ClearedAt > a.RaisedAt) &&
				slices.ContainsFunc(b.Steps[0].Datastreams, func(id int64) bool { return slices.Contains(a.Steps[0].Datastreams, id) })
		}) {
			n++
		}
	}
	return n
}

func faults(w io.Writer, alerts []*engine.Episode) {
	fmt.Fprintln(w, "\nFaults of the monitoring as a whole:")
	for _, a := range alerts {
		if a.Detector.ID != "lifts/monitoring-lost-many" {
			continue
		}
		if a.Fault != engine.NoFault {
			fmt.Fprintf(w, "  %s  the lists themselves stopped (%s)\n", day(a.RaisedAt), a.Fault)
			continue
		}
		more, _ := a.Steps[0].Variable("more")
		fmt.Fprintf(w, "  %s  %s: %g more units without monitoring\n", day(a.RaisedAt), a.Level, more)
	}
}

func oneUnit(w io.Writer, r *record, id int64, alerts []*engine.Episode) {
	i := slices.IndexFunc(r.units, func(u *unit) bool { return u.id == id })
	if i < 0 {
		return
	}
	fmt.Fprintf(w, "\nUnit %d changed its state %d times; its alerts:\n", id, r.flips(i))
	for _, a := range alerts {
		if about(a, i) {
			until := "stands"
			if !a.Stands() {
				until = day(a.ClearedAt)
			}
			fmt.Fprintf(w, "  %s  %s, %s, until %s\n", day(a.RaisedAt), a.Detector.ID, a.Level, until)
		}
	}
}

// flips is how often a unit changed its state within the record.
func (r *record) flips(unit int) (n int) {
	for _, s := range r.units[unit].steps {
		if s.at > r.snapshots[0] && s.at <= r.snapshots[len(r.snapshots)-1] {
			n++
		}
	}
	return n
}

func day(at int64) string { return time.UnixMicro(at).UTC().Format("2006-01-02 15:04") }
