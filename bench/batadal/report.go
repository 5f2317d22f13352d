package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/anlan-city/anlan/internal/methods/joint"
)

// report prints the attacks, the alerts and the last line.
func report(w io.Writer, t *table, o outcome, hold int64) error {
	s := judge(t, o, hold)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	found := 0
	if runs := attacks(t); len(runs) > 0 {
		fmt.Fprintln(tw, "attack\tfirst hour\thours\ttime to detection, h")
		for i, a := range runs {
			delay := "missed"
			if s.delay[i] >= 0 {
				found++
				delay = fmt.Sprint(s.delay[i])
			}
			fmt.Fprintf(tw, "%d\t%s\t%d\t%s\n", i+1, day(t.at[a[0]]), duration(t, a), delay)
		}
		fmt.Fprintln(tw)
	}
	fmt.Fprintln(tw, "alert\traised\tlast hour\thours\tfalse\tat its worst: statistics as multiples of their limits, and the sensors that deviate")
	for i, a := range o.alerts {
		wrong := "?"
		if t.flagged {
			wrong = map[bool]string{true: "false", false: ""}[s.wrong[i]]
		}
		fmt.Fprintf(tw, "%d\t%s\t%s\t%d\t%s\t%s\n", i+1, day(t.at[a.first]), day(t.at[a.last]), a.last-a.first+1, wrong, a.why)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	ttd, perThousand := "n/a", "n/a"
	fmt.Fprintf(w, "\n%d hours watched, %d alerts.", len(t.at), len(o.alerts))
	if t.flagged {
		perThousand = fmt.Sprintf("%.2f", 1000*s.falsePerHour)
		fmt.Fprintf(w, " S_CLF %.3f (TPR %.3f, TNR %.3f)", s.clf, s.tpr, s.tnr)
		if len(s.delay) > 0 {
			ttd = fmt.Sprintf("%.3f", s.ttd)
			fmt.Fprintf(w, ", S = (S_TTD + S_CLF)/2 = %.3f", (s.ttd+s.clf)/2)
		}
		fmt.Fprint(w, ".")
	} else {
		fmt.Fprint(w, " The file says of no hour whether it was an attack: nothing to score.")
	}
	_, err := fmt.Fprintf(w, "\nfound=%d/%d ttd_score=%s false_per_1000h=%s\n", found, len(s.delay), ttd, perThousand)
	return err
}

// words says what a result found: the statistics over their limits, the sensors that deviate most, the broken rule.
func words(names []string, r joint.Result) string {
	var over []string
	for _, s := range []struct {
		name string
		x    float64
	}{{"T2", r.T2}, {"Q", r.Q}, {"relation", r.Relation}, {"drift", r.Drift}, {"rule", r.Rule}} {
		if s.x >= 1 {
			over = append(over, fmt.Sprintf("%s %.1f", s.name, s.x))
		}
	}
	out := strings.Join(over, ", ")
	order := make([]int, len(names))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(r.By[b], r.By[a]) })
	var who []string
	for k, i := range order[:min(4, len(order))] {
		if r.By[i] >= 1 || k == 0 { // T2 and Q may be over their limits with no single sensor over its own
			who = append(who, names[i])
		}
	}
	if len(who) > 0 {
		out += "; " + strings.Join(who, " ")
	}
	if r.Rule >= 1 {
		out += "; " + sentence(names, r.Broken)
	}
	return out
}

// sentence is a broken rule in words.
func sentence(names []string, r joint.Rule) string {
	bound := map[bool]string{true: "above", false: "below"}[r.High]
	if r.State < 0 {
		return fmt.Sprintf("%s is never %s %.2f", names[r.Sensor], bound, r.Bound)
	}
	step := map[[2]bool]string{{false, false}: "stays off", {true, true}: "stays on", {false, true}: "goes on", {true, false}: "goes off"}[[2]bool{r.From, r.To}]
	before := map[bool]string{true: "the hour before ", false: ""}[r.Before]
	return fmt.Sprintf("when %s %s, %s is %snever %s %.2f", names[r.State], step, names[r.Sensor], before, bound, r.Bound)
}
