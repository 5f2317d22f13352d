// Command deadlines holds the report on deadlines against a city's own judgement: for every closed request that has a target and a
// flag, it asks respond/deadline (the code that the report itself uses, Row.Status) whether it was on time, and compares.
//
//	go run ./bench/deadlines -data ../shared/data/reports/boston-2015 [-all] [-zone America/New_York]
//
// -data is the folder with requests.csv.gz or requests.csv, or such a file. What cannot be read is refused with line and field and
// not compared; what is odd but clear is compared and counted, with its first lines. Nothing is left out silently: the sums
// are printed, and the program fails when they do not add up.
//
// Beside that it shows how many targets one term per type gives, in working days by respond/calendar or in plain days.
//
// The last line counts the rows of which the report says what the city said, of all those that could be compared.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"text/tabwriter"
	"time"
	_ "time/tzdata" // also where the machine has no zone files

	"github.com/anlan-city/anlan/internal/respond/deadline"
)

func main() {
	data := flag.String("data", "../shared/data/reports/boston-2015", "folder with the requests, or their file")
	zone := flag.String("zone", "America/New_York", "the city's time zone, for times that have no offset")
	all := flag.Bool("all", false, "print every type")
	flag.Bool("short", false, "as every bench; the whole takes some seconds, so nothing is left out")
	flag.Parse()
	if err := run(os.Stdout, *data, *zone, *all); err != nil {
		fmt.Fprintln(os.Stderr, "deadlines:", err)
		os.Exit(1)
	}
}

// shown is how many lines of a kind are printed, types without -all and examples of what is odd.
const shown = 25

func run(w io.Writer, data, zoneName string, all bool) error {
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		return fmt.Errorf("-zone: %w", err)
	}
	rec, err := readRecord(data, zone)
	if err != nil {
		return err
	}
	c := compare(rec.requests)
	rec.print(w)
	c.print(w, rec)
	most := shown
	if all {
		most = len(c.types)
	}
	c.table(w, "type", c.types, most)
	c.table(w, "department", c.departments, len(c.departments))
	if err := printTerms(w, rec, most); err != nil {
		return err
	}
	if rec.rows != len(rec.requests)+len(rec.refused) {
		return fmt.Errorf("%d rows, but %d read and %d refused: some were lost", rec.rows, len(rec.requests), len(rec.refused))
	}
	fmt.Fprintf(w, "\non_time_equal=%d/%d\n", c.equal, c.compared)
	return nil
}

// comparison is what the report says of the requests, beside what the city said.
type comparison struct {
	compared, equal    int
	other              []*request // what the two do not agree on
	types, departments map[string]*group
}

// group is the requests of one type or department that have a target.
type group struct {
	sum             deadline.Sum // of the closed ones
	compared, equal int
}

func compare(requests []*request) *comparison {
	c := &comparison{types: map[string]*group{}, departments: map[string]*group{}}
	for _, r := range requests {
		if r.target.IsZero() || r.closed.IsZero() {
			continue
		}
		row := r.limit()
		// A row that has ended is judged by its end: now plays no part.
		said := row.Status(r.closed)
		for _, g := range []*group{in(c.types, r.kind), in(c.departments, r.department)} {
			g.sum.Add(row, r.closed)
			if r.flag == "" {
				continue
			}
			g.compared++
			if said == r.flag {
				g.equal++
			}
		}
		if r.flag == "" {
			continue
		}
		c.compared++
		if said == r.flag {
			c.equal++
		} else {
			c.other = append(c.other, r)
		}
	}
	return c
}

// limit is a closed request as the promise that the report is made of.
func (r *request) limit() *deadline.Row {
	return &deadline.Row{Name: "limit:closing", What: "case", Kind: r.kind, Started: r.opened, FirstDue: r.target, Due: r.target, Ended: r.closed, State: deadline.Met}
}

func in(groups map[string]*group, name string) *group {
	if groups[name] == nil {
		groups[name] = &group{}
	}
	return groups[name]
}

func (c *comparison) print(w io.Writer, rec *record) {
	fmt.Fprintf(w, "\nCompared: %d closed requests with a target and a flag; %d equal.\n", c.compared, c.equal)
	for i, r := range c.other {
		if i == shown {
			fmt.Fprintf(w, "  and %d more\n", len(c.other)-shown)
			break
		}
		fmt.Fprintf(w, "  line %d, request %s: target %s, closed %s; the report says %s, the city %s\n", r.line, r.id,
			r.target.In(rec.zone).Format(time.RFC3339), r.closed.In(rec.zone).Format(time.RFC3339), r.limit().Status(r.closed), r.flag)
	}
}

func (c *comparison) table(w io.Writer, what string, groups map[string]*group, most int) {
	names := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		return cmp.Or(cmp.Compare(groups[b].sum.Figures().Rows, groups[a].sum.Figures().Rows), cmp.Compare(a, b))
	})
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\tclosed, with target\ton time\tlate\ton time, share\tlate by, median h\t90 %% h\tequal to the city's flag\n", what)
	for i, name := range names {
		if i == most {
			break
		}
		g := groups[name]
		f := g.sum.Figures()
		if name == "" {
			name = "(none)"
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%.1f %%\t%s\t%s\t%d/%d\n", name, f.Rows, f.OnTime, f.Late, 100**f.OnTimeShare, hours(f.LateMedian), hours(f.Late90), g.equal, g.compared)
	}
	t.Flush()
	if len(names) > most {
		fmt.Fprintf(w, "and %d more (-all)\n", len(names)-most)
	}
}

func hours(seconds *int64) string {
	if seconds == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", float64(*seconds)/3600)
}
