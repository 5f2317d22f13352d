package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"text/tabwriter"
)

const (
	plantedHours = 48 // a falsification lasts so long
	plantedEach  = 6  // so many for each tank and kind
	settle       = 72 // hours run before it, for what Drift remembers
)

// falsify are the ways in which a tank's level is falsified in the trial: x is the column, from the first falsified hour
// on; i counts hours from there.
var falsify = []struct {
	name string
	at   func(x []float64, start, i int, past int, sd, sign float64) float64
}{
	{"replayed from days before", func(x []float64, start, i, past int, _, _ float64) float64 { return x[start-24*past+i] }},
	{"frozen", func(x []float64, start, _, _ int, _, _ float64) float64 { return x[start] }},
	{"drifting, 0.03 sd an hour", func(x []float64, start, i, _ int, sd, sign float64) float64 {
		return x[start+i] + sign*sd*0.03*float64(i+1)
	}},
	{"off by 1 sd, within a day", func(x []float64, start, i, _ int, sd, sign float64) float64 {
		return x[start+i] + sign*sd*min(1, float64(i+1)/24)
	}},
}

// planted tells how soon a chart of three quarters finds falsified tank levels in the fourth, all else being true. Pumps
// go on by the true level, as if the falsified one were shown to the operators only: the hardest deception to see.
func planted(w io.Writer, normal *table) {
	n := len(normal.at)
	c, p := learned(normal.slice(0, n*3/4), 2.0/3)
	tried := normal.slice(n*3/4, n)
	r := rand.New(rand.NewPCG(1, 1))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "planted: a tank's level\ttried\tfound in %d h\tmedian time to detection, h (missed: %d)\n", plantedHours, plantedHours)
	for _, kind := range falsify {
		var delays []int
		found := 0
		for k, name := range normal.names {
			if !strings.HasPrefix(name, "L_") {
				continue
			}
			x := make([]float64, len(tried.rows))
			for i, row := range tried.rows {
				x[i] = row[k]
			}
			sd := deviation(x)
			for range plantedEach {
				start := 24*7 + settle + r.IntN(len(x)-plantedHours-24*7-settle)
				past, sign := 1+r.IntN(7), math.Copysign(1, r.Float64()-0.5)
				chart, delay := c.Clone(), plantedHours
				for i := -settle; i < plantedHours; i++ {
					row := tried.rows[start+i]
					if i >= 0 {
						row = slices.Clone(row)
						row[k] = kind.at(x, start, i, past, sd, sign)
					}
					if s := chart.Next(p, tried.at[start+i], row); i >= 0 && s.Score() >= 1 {
						delay = i
						found++
						break
					}
				}
				delays = append(delays, delay)
			}
		}
		slices.Sort(delays)
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\n", kind.name, len(delays), found, delays[len(delays)/2])
	}
	tw.Flush()
	fmt.Fprintln(w)
}

func deviation(x []float64) float64 {
	var mean, m2 float64
	for i, v := range x {
		d := v - mean
		mean += d / float64(i+1)
		m2 += d * (v - mean)
	}
	return math.Sqrt(m2 / float64(len(x)-1))
}
