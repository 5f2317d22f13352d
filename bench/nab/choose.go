package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/anlan-city/anlan/internal/methods/series"
)

// budgets are the false alarms a reading that are tried, from high to low, in steps of a factor.
func budgets(high, low, factor float64) (all []float64) {
	for q := high; q >= low; q /= factor {
		all = append(all, q)
	}
	return all
}

// leaveOut scores each category with the budget, and so the limit, that is best in the standard profile for all other
// categories together.
func leaveOut(w io.Writer, files []*file) tally {
	tried := budgets(1e-2, 1e-6, 1.08)
	var names []string
	byBudget := make([][]tally, len(tried)) // by budget, then category
	for i, q := range tried {
		names, byBudget[i], _ = byCategory(files, detect(files, series.EverydayFor(q)))
	}
	best := func(without int) int {
		b := 0
		rest := func(i int) float64 {
			t := total(byBudget[i]).raw(profiles[0])
			if without >= 0 {
				t -= byBudget[i][without].raw(profiles[0])
			}
			return t
		}
		for i := range tried {
			if rest(i) > rest(b) {
				b = i
			}
		}
		return b
	}
	fmt.Fprintln(w, "\nBudget and limit chosen on the other categories only:")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "left out\tq\tlimit\tfound\tfalse alarms\traw standard score\t")
	var sum tally
	for c, name := range names {
		i := best(c)
		t := byBudget[i][c]
		sum.add(t)
		fmt.Fprintf(tw, "%s\t%.2g\t%.2f\t%d of %d\t%d\t%.2f\t\n", name, tried[i], series.EverydayFor(tried[i]).Limit, t.found, t.windows, t.outside, t.raw(profiles[0]))
	}
	tw.Flush()
	i := best(-1)
	fmt.Fprintf(w, "Together standard %.2f; what is best for all, q %.2g, gives %.2f.\n",
		sum.normal(profiles[0]), tried[i], total(byBudget[i]).normal(profiles[0]))
	return sum
}

// printNeighbours halves and doubles each parameter, at the shipped budget and at the one that is best for the neighbour.
func printNeighbours(w io.Writer, files []*file) {
	fmt.Fprintln(w, "\nStandard score with one parameter halved or doubled, at the shipped budget (and at the neighbour's best):")
	shipped := series.EverydayFor(series.EverydayQ)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "parameter\tships as\thalved\tdoubled\t")
	for _, f := range []struct {
		name  string
		field func(*series.EverydayParams) *float64
	}{
		{"Learn", func(p *series.EverydayParams) *float64 { return &p.Learn }},
		{"Hour", func(p *series.EverydayParams) *float64 { return &p.Hour }},
		{"Short", func(p *series.EverydayParams) *float64 { return &p.Short }},
		{"Middle", func(p *series.EverydayParams) *float64 { return &p.Middle }},
		{"Recent", func(p *series.EverydayParams) *float64 { return &p.Recent }},
		{"Steps", func(p *series.EverydayParams) *float64 { return &p.Steps }},
		{"Spread", func(p *series.EverydayParams) *float64 { return &p.Spread }},
		{"Unseen", func(p *series.EverydayParams) *float64 { return &p.Unseen }},
		{"News", func(p *series.EverydayParams) *float64 { return &p.News }},
		{"Long", func(p *series.EverydayParams) *float64 { return &p.Long }},
		{"Quiet", func(p *series.EverydayParams) *float64 { return &p.Quiet }},
		{"QuietShare", func(p *series.EverydayParams) *float64 { return &p.QuietShare }},
	} {
		fmt.Fprintf(tw, "%s\t%g\t", f.name, *f.field(&shipped))
		for _, by := range []float64{0.5, 2} {
			standard := func(q float64) float64 {
				p := series.EverydayFor(q)
				*f.field(&p) *= by
				return total(detect(files, p)).normal(profiles[0])
			}
			here := standard(series.EverydayQ)
			best := here
			for _, q := range budgets(2e-3, 5e-5, 1.2) {
				best = max(best, standard(q))
			}
			fmt.Fprintf(tw, "%.1f (%.1f)\t", here, best)
		}
		fmt.Fprintln(tw)
	}
	tw.Flush()
}
