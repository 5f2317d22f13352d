package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/methods/plume"
)

// windCalibration is what the training hours say about the wind, and what the release that had begun before the recording
// says about its convention and about how long a residual lasts. That release is the first; it is scored with the others,
// and whoever minds takes it off.
type windCalibration struct {
	turn     float64   // robust standard deviation of the wind's turn in a minute, degrees
	share    []float64 // of what the fence saw in the first release that its group explains, under each convention
	residual time.Duration
}

func (f *fence) calibrate(first release) windCalibration {
	var c windCalibration
	var turns []float64
	rows := training(f.rows)
	for i := 1; i < len(rows); i++ {
		if d := math.Remainder(rows[i].windDir-rows[i-1].windDir, 2*math.Pi); !math.IsNaN(d) {
			turns = append(turns, math.Abs(d)*180/math.Pi)
		}
	}
	c.turn = 1.4826 * median(turns)

	group := f.group(first)
	for _, v := range conventions {
		c.share = append(c.share, f.gather(&f.site, v, span{first.start, first.end}, nil).Explained(group))
	}
	c.residual = time.Duration(f.integralTime(first, group) * float64(time.Minute))
	return c
}

// integralTime is 1 + 2 Σ autocorrelation, up to the first that is not positive, in minutes, of what the group's plume
// leaves unexplained at the instruments (roots, as in the regression).
func (f *fence) integralTime(r release, group int) float64 {
	rate := f.gather(&f.site, conventions[0], span{r.start, r.end}, nil).Rate(group)
	residuals := make([][]float64, len(instruments))
	for n, x := range f.rows {
		if x.at < r.start || x.at > r.end {
			continue
		}
		w := f.wind(x, conventions[0])
		for i, p := range f.site.Instruments {
			d := math.NaN()
			if w.Speed >= calm {
				d = math.Sqrt(max(f.excess[n][i]-blank, 0)) - math.Sqrt(rate*plume.Dilution(w, meander, f.site.Sources[group], p))
			}
			residuals[i] = append(residuals[i], d)
		}
	}
	sum := 1.0
	for lag := 1; ; lag++ {
		var both, square float64
		for _, d := range residuals {
			for n := lag; n < len(d); n++ {
				if p := d[n] * d[n-lag]; !math.IsNaN(p) {
					both += p
					square += (d[n]*d[n] + d[n-lag]*d[n-lag]) / 2
				}
			}
		}
		if !(both > 0) {
			return sum
		}
		sum += 2 * both / square
	}
}

// String says what was found and what follows from it.
func (c windCalibration) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "turn of the wind in a minute: robust standard deviation %.1f degrees -> meander %.0f\n", c.turn, meander)
	fmt.Fprintf(&b, "first release, share of what the fence saw that its own group explains, by how the radians of the wind count:\n")
	for i, v := range conventions {
		fmt.Fprintf(&b, "  %-40s %.2f%s\n", v.name, c.share[i], map[bool]string{true: "  <- used", false: ""}[i == 0])
	}
	fmt.Fprintf(&b, "first release, integral time of the residual: %.2f min -> look %s\n", c.residual.Minutes(), look)
	return b.String()
}
