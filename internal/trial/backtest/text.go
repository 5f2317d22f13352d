package backtest

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/anlan-city/anlan/internal/methods/verify"
)

// WriteText writes the report as tables for a terminal.
func (r *Report) WriteText(w io.Writer) error {
	const day = "2006-01-02 15:04"
	fmt.Fprintf(w, "%s: %d readings of %d datastreams, %s to %s UTC (%.0f h), %d events\n\n", strings.Join(r.Packs, ", "),
		r.Readings, r.Streams, r.From.Format(day), r.To.Format(day), r.Hours, r.Events)

	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "detector\tevents\tfound\tmissed\tfalse\tPOD\tFAR\tCSI\tbias\tlead (median, 10 %)\talarms/operator-hour\t")
	for _, d := range r.Detectors {
		s := d.Scores
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t\n", d.ID, d.Events, d.Found, d.Missed, d.False,
			s.POD.Text(2), s.FAR.Text(2), s.CSI.Text(2), s.Bias.Text(2), lead(d.Lead), d.AlarmsPerHour.Text(3))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nthe same, closer (intervals of 95 %%; quiet times in intervals of %s)\n", short(r.Rule.Interval))
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "detector\tPOD within\tFAR within\tPOFD\tHK\tfound by new alert\tepisodes\trepeated\tlingering\tfalse/1,000 h\tmaturity\t")
	for _, d := range r.Detectors {
		s := d.Scores
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t\n", d.ID, within(s.PODInterval), within(s.FARInterval),
			s.POFD.Text(3), s.HK.Text(2), d.Fresh, d.Episodes, d.Repeated, d.Lingering, d.FalsePer1000h.Text(1), d.Maturity)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(r.Probabilities) > 0 {
		fmt.Fprintln(w, "\nforecasts with a probability")
		t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "model\tforecasts\tcame true\tBrier\tof the frequency\tskill\t")
		for _, p := range r.Probabilities {
			fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\t%s\t\n", p.ID, p.Forecasts, p.Happened, p.Brier.Text(3), p.Climate.Text(3), p.Skill.Text(2))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if err := r.writeLoad(w); err != nil {
		return err
	}
	x := r.Rule
	fmt.Fprintf(w, "\nAn alert belongs to an event if it names its place or asset and stood from %s before its start to %s after its end.\n"+
		"One that stood only within %s after the end is not counted as false. Alerts of one source under %s apart are one.\n"+
		"Lead is from the first new alert to the onset; a negative one came after it.\n",
		short(x.Before), short(x.After), short(max(x.Linger, x.After)), short(x.Join))
	for _, n := range r.Notes {
		fmt.Fprintln(w, "note:", n.EN)
	}
	return nil
}

// writeLoad writes what each operating position would have had to bear, beside what the standards allow.
func (r *Report) writeLoad(w io.Writer) error {
	fmt.Fprintln(w, "\nalarm load of each operating position (ISA-18.2, EEMUA 191)")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "position\talarms\tper 10 min\tper hour\tper day\tmost in 10 min\tperiods over 10\tfloods\ttop 10\tchattering\tfleeting\tstale\tlow/medium/high\t")
	for _, p := range r.Positions {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%d\t%d of %d\t%d\t%s\t%d\t%d\t%d\t%s/%s/%s\t\n", p.Owner, p.Alarms, p.Per10Min.Text(3), p.PerHour.Text(2), p.PerDay.Text(1),
			p.Largest, p.OverPeriods, p.Periods, len(p.Floods), percent(p.TopShare), p.Chattering, p.Fleeting, p.Stale,
			percent(p.Low), percent(p.Medium), percent(p.High))
	}
	fmt.Fprintf(t, "target\t\t%d\t%d\t%d\t%d\tunder 1 %%\t0\t1 to 5 %%\t0\t0\tunder %d\t80 %%/15 %%/5 %%\t\n",
		verify.TargetPer10Min, verify.TargetPerHour, verify.TargetPerDay, verify.FloodAbove, verify.LimitStale)
	fmt.Fprintf(t, "limit\t\t%d\t%d\t%d\t\t\t\t\t\t\t\t\t\n", verify.LimitPer10Min, verify.LimitPerHour, verify.LimitPerDay)
	return t.Flush()
}

func lead(l verify.LeadTimes) string {
	if l.N == 0 {
		return "-"
	}
	return short(float64(l.Median)) + ", " + short(float64(l.Tenth))
}

func within(i verify.Interval) string {
	if !i.Low.Defined() {
		return "-"
	}
	return i.Low.Text(2) + " to " + i.High.Text(2)
}

func percent(s verify.Score) string {
	if !s.Defined() {
		return "-"
	}
	return (100 * s).Text(0) + " %"
}

// short is a span of seconds in hours and minutes, or in seconds where it is under a minute.
func short(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	if d < time.Minute {
		return fmt.Sprintf("%s%ds", sign, int(d.Round(time.Second).Seconds()))
	}
	d = d.Round(time.Minute)
	h, m := int(d.Hours()), int(d.Minutes())%60
	switch {
	case h == 0:
		return fmt.Sprintf("%s%dm", sign, m)
	case m == 0:
		return fmt.Sprintf("%s%dh", sign, h)
	}
	return fmt.Sprintf("%s%dh%02dm", sign, h, m)
}
