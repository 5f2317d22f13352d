package main

import (
	"cmp"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/respond/calendar"
)

//go:embed boston/*.yaml
var packFiles embed.FS

// term is a number of days, working ones by the city's calendar or plain ones by the clock on the wall.
type term struct {
	days    int
	working bool
}

func (t term) String() string {
	text := fmt.Sprintf("%d day", t.days)
	if t.working {
		text = fmt.Sprintf("%d working day", t.days)
	}
	if t.days != 1 {
		text += "s"
	}
	return text
}

// slack is how far a target may lie from a term's end: many targets of the file are cut to the minute, or were reckoned some
// seconds after the opening.
const slack = time.Minute

func readCalendar() (*calendar.Calendar, error) {
	files, err := fs.Sub(packFiles, "boston")
	if err != nil {
		return nil, err
	}
	p, err := pack.Load(files, "bench/deadlines/boston")
	if err != nil {
		return nil, err
	}
	all, err := calendar.Read(p)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// termsOf are the terms that end at a request's target.
func termsOf(c *calendar.Calendar, r *request, zone *time.Location) (found []term) {
	ends := func(t time.Time) bool { return t.Sub(r.target).Abs() <= slack }
	days := int(r.target.Sub(r.opened).Hours() / 24)
	// As many working days as the weeks have, and some for weekends and holidays at either end.
	for n := max(days*5/7-days/20-4, 0); n <= days*5/7+3; n++ {
		if ends(c.Add(r.opened, n)) {
			found = append(found, term{n, true})
		}
	}
	for n := max(days-1, 0); n <= days+1; n++ {
		if ends(r.opened.In(zone).AddDate(0, 0, n)) {
			found = append(found, term{n, false})
		}
	}
	return found
}

// fit is how one type's targets follow from terms.
type fit struct {
	learnt, told, kept int // rows it was chosen on, rows it was tried on, those of them that it gives
	votes              map[term]int
	best               term
}

// printTerms chooses for each type the term that gives the most targets of every second request, and tries it on the others.
func printTerms(w io.Writer, rec *record, most int) error {
	c, err := readCalendar()
	if err != nil {
		return err
	}
	types := map[string]*fit{}
	var rest []*request
	for _, r := range rec.requests {
		if r.target.IsZero() || r.target.Before(r.opened) || r.target.Sub(r.opened) > 3*365*24*time.Hour {
			continue
		}
		f := types[r.kind]
		if f == nil {
			f = &fit{votes: map[term]int{}}
			types[r.kind] = f
		}
		if f.learnt > f.told {
			f.told++
			rest = append(rest, r)
			continue
		}
		f.learnt++
		for _, t := range termsOf(c, r, rec.zone) {
			f.votes[t]++
		}
	}
	for _, f := range types {
		f.best = term{-1, false} // no term at all
		for t, n := range f.votes {
			if m := f.votes[f.best]; n > m || n == m && (t.working && !f.best.working || t.working == f.best.working && t.days < f.best.days) {
				f.best = t
			}
		}
	}
	for _, r := range rest {
		if f := types[r.kind]; slices.Contains(termsOf(c, r, rec.zone), f.best) {
			f.kept++
		}
	}
	names := slices.SortedFunc(maps.Keys(types), func(a, b string) int {
		return cmp.Or(cmp.Compare(types[b].told, types[a].told), cmp.Compare(a, b))
	})
	fmt.Fprintf(w, "\nTargets that one term per type gives, to the minute: chosen on every second request, tried on the others. Working days by the calendar\nof boston/calendar.yaml (Monday to Friday 08:30 to 17:00, the city's holidays of 2015); one that comes in outside the hours begins when they open.\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "type\tterm\ttried on\tgiven")
	told, kept := 0, 0
	for i, name := range names {
		f := types[name]
		told, kept = told+f.told, kept+f.kept
		if i >= most || f.told == 0 {
			continue
		}
		word := "none found"
		if f.best.days >= 0 {
			word = f.best.String()
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%.1f %%\n", name, word, f.told, 100*float64(f.kept)/float64(f.told))
	}
	fmt.Fprintf(t, "all %d types\t\t%d\t%.1f %%\n", len(names), told, 100*float64(kept)/float64(max(told, 1)))
	return t.Flush()
}
