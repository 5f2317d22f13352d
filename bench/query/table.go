//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// at is a percentile of how long the answers took, in milliseconds.
func (r row) percentile(p int) float64 {
	all := slices.Sorted(slices.Values(r.took))
	return float64(all[(len(all)-1)*p/100]) / float64(time.Millisecond)
}

func printTable(out io.Writer, rows []row) {
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "question\tcounts for\tasked\tmedian ms\tp95 ms\tslowest ms\trefused\tanswer KB\tpeak MB\t")
	for _, r := range rows {
		fmt.Fprintf(tw, "%s\t%s\t%d\t%.2f\t%.2f\t%.2f\t%d\t%.1f\t%d\t\n", r.name, r.figure, len(r.took), r.percentile(50), r.percentile(95), r.percentile(100), r.refused, float64(r.bytes)/1024, r.peak/1e6)
	}
	tw.Flush()
}

func lastLine(out io.Writer, rows []row, perReading float64) error {
	worst := map[string]float64{}
	for _, r := range rows {
		worst[r.figure] = max(worst[r.figure], r.percentile(50))
	}
	for _, f := range []string{"latest", "count", "byid", "history", "page", "expand"} {
		fmt.Fprintf(out, "%s_ms=%.2f ", f, worst[f])
	}
	_, err := fmt.Fprintf(out, "bytes_per_reading=%.2f\n", perReading)
	return err
}
