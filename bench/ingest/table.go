//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

func printTable(out io.Writer, rows []row, c ceiling) {
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "way in\treadings/s\tof the ceiling\tserver µs each\tclient µs each\tacknowledged\tlost\tdoubled\tjudged after ms\tmoves/s\tp50 ms\tp95 ms\tserver cores\tother programs' cores\tpeak MB\t")
	for _, r := range rows {
		fmt.Fprintf(tw, "%s\t", r.name())
		if r.way == nothing {
			fmt.Fprint(tw, "\t\t\t\t\t\t\t\t")
		} else {
			n := float64(r.acked)
			fmt.Fprintf(tw, "%.0f\t%.2f\t%.2f\t%.2f\t%d\t%d\t%d\t%d\t", r.rate, r.rate/c.readings[r.way.rowSize()], micros(r.serverCPU)/n, micros(r.clientCPU)/n,
				r.acked, r.lost, r.doubled, r.settled.Milliseconds())
		}
		if r.desks {
			fmt.Fprintf(tw, "%.0f\t%.1f\t%.1f\t", r.shift.rate, percentile(r.shift.took, 50), percentile(r.shift.took, 95))
		} else {
			fmt.Fprint(tw, "\t\t\t")
		}
		fmt.Fprintf(tw, "%.2f\t%.2f\t%d\t\n", r.cores, r.others, r.peak/1e6)
	}
	tw.Flush()
}

// rowSize says which ceiling a way is held against.
func (w way) rowSize() int {
	switch w {
	case bulk1k:
		return 1_000
	case bulk10k, minimal:
		return 10_000
	}
	return 1
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// lastLine sums up the phases without desks: of the data arrays those of 10,000, answered in full.
func lastLine(out io.Writer, rows []row, c ceiling) error {
	var post, bulk, published row
	lost := int64(0)
	for _, r := range rows {
		lost += r.lost + int64(r.shift.lost)
		switch r.phase {
		case phase{single, false}:
			post = r
		case phase{bulk10k, false}:
			bulk = r
		case phase{mqtt, false}:
			published = r
		}
	}
	_, err := fmt.Fprintf(out, "post_per_s=%.0f bulk_obs_per_s=%.0f mqtt_qos1_per_s=%.0f lost=%d bulk_vs_ceiling=%.2f cpu_us_per_obs=%.2f\n",
		post.rate, bulk.rate, published.rate, lost, bulk.rate/c.readings[bulk.way.rowSize()], micros(bulk.serverCPU)/max(1, float64(bulk.acked)))
	return err
}

// verdict says what does not hold.
func verdict(rows []row) error {
	var errs []error
	for _, r := range rows {
		if r.lost+r.doubled > 0 || r.shift.lost > 0 {
			errs = append(errs, fmt.Errorf("%s: %d readings lost, %d there without an acknowledgement, %d moves lost or doubled", r.name(), r.lost, r.doubled, r.shift.lost))
		}
		if r.acked == 0 && r.way != nothing || r.desks && r.shift.moves == 0 {
			errs = append(errs, fmt.Errorf("%s: %d readings and %d moves prove nothing", r.name(), r.acked, r.shift.moves))
		}
	}
	return errors.Join(errs...)
}
