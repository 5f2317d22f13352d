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

// fills tells which pumps and valve fill a tank, from the published control rules of C-Town. T6 has none of its own.
var fills = map[string][]string{
	"L_T1": {"PU1", "PU2", "PU3"}, "L_T2": {"V2"}, "L_T3": {"PU4", "PU5"}, "L_T4": {"PU6", "PU7"}, "L_T5": {"PU8", "PU9"}, "L_T7": {"PU10", "PU11"},
}

// falsify are the ways in which a tank's level is falsified in the trial: x is the column, from the first falsified hour
// on; i counts hours from there.
var falsify = []struct {
	name  string
	pumps bool // the flows and states of the tank's pumps are falsified alike
	at    func(x []float64, start, i int, past int, sd, sign float64) float64
}{
	{"replayed from days before", false, func(x []float64, start, i, past int, _, _ float64) float64 { return x[start-24*past+i] }},
	{"replayed, and its pumps with it", true, func(x []float64, start, i, past int, _, _ float64) float64 { return x[start-24*past+i] }},
	{"frozen", false, func(x []float64, start, _, _ int, _, _ float64) float64 { return x[start] }},
	{"drifting, 0.03 sd an hour", false, func(x []float64, start, i, _ int, sd, sign float64) float64 {
		return x[start+i] + sign*sd*0.03*float64(i+1)
	}},
	{"off by 1 sd, within a day", false, func(x []float64, start, i, _ int, sd, sign float64) float64 {
		return x[start+i] + sign*sd*min(1, float64(i+1)/24)
	}},
}

// planted tells how soon a chart of three quarters of the normal year finds falsified readings in the fourth, all else
// being true. The pumps still go by the true level, as if the falsified one were shown to the operators only.
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
			columns := []int{k}
			if kind.pumps {
				for _, pump := range fills[name] {
					columns = append(columns, slices.Index(normal.names, "F_"+pump), slices.Index(normal.names, "S_"+pump))
				}
			}
			var x [][]float64
			for _, c := range columns {
				x = append(x, tried.column(c))
			}
			sd := deviation(x[0])
			for range plantedEach {
				start := 24*7 + settle + r.IntN(len(tried.rows)-plantedHours-24*7-settle)
				past, sign := 1+r.IntN(7), math.Copysign(1, r.Float64()-0.5)
				chart, delay := c.Clone(), plantedHours
				for i := -settle; i < plantedHours; i++ {
					row := tried.rows[start+i]
					if i >= 0 {
						row = slices.Clone(row)
						for j, c := range columns {
							row[c] = kind.at(x[j], start, i, past, sd, sign)
						}
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
