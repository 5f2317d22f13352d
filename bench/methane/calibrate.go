package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/methods/series"
)

// The training hours: after the first release ended, before the second began. No reading outside them, and nothing about
// any release but those two moments, goes into a parameter.
const (
	trainingFrom = "2022-05-09T08:48:02Z" // end of the release that had begun before the data starts
	trainingTo   = "2022-05-09T17:49:55Z" // start of the first release that lies wholly within the data
)

// What is not calibrated: choices that were made beforehand and why.
const (
	// fall is how quickly the background comes down. Half the time that the wind takes to return (see hold) lets it find
	// clean air between two visits of a plume; it is short against the hours of the drift.
	fall = 30 * time.Minute
	// quantification is how many standard deviations above the blank a reading may be taken for a quantity and not for
	// noise: IUPAC 1995 (Currie, Pure Appl. Chem. 67, 1699), limit of quantification.
	quantification = 10
	// sure is how many times longer than clean air ever did an excess must last.
	sure = 5
	// sector is the width of wind that carries a plume to one instrument: 360 degrees over eight of them.
	sectors = 8
	// shippedRise is rise_per_hour of the shipped detector, which calibrate derives and a test holds to it.
	shippedRise = 0.05
	// enough minutes of training hours to calibrate on; another recording need not have any.
	enough = 300
	// returned is the share of the wind's absences from a sector that have ended after hold.
	returned = 0.90
)

// calibration is what the training hours say.
type calibration struct {
	minutes       int
	rise          float64 // ppm per hour
	blank, spread float64 // median and robust standard deviation of the excess of single instruments
	longest       time.Duration
	wind          time.Duration // quantile `returned` of the wind's absence

	// The parameters that follow, rounded.
	raise, clear float64
	on, hold     time.Duration
}

func training(rows []row) []row {
	from, to := moment(trainingFrom), moment(trainingTo)
	var out []row
	wind := 0
	for _, r := range rows {
		if r.at > from && r.at < to {
			out = append(out, r)
			if !math.IsNaN(r.windDir) {
				wind++
			}
		}
	}
	if wind < enough { // the hold follows from the wind
		return nil
	}
	return out
}

func moment(s string) int64 {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err) // our own constant
	}
	return t.UnixMicro()
}

// calibrate derives the parameters of methane-ambient from the training hours.
func calibrate(rows []row) calibration {
	rows = training(rows)
	c := calibration{minutes: len(rows)}

	// rise: the fastest drift of any instrument in clean air, between the median of the first and of the last third.
	third := len(rows) / 3
	hours := float64(rows[len(rows)-1].at-rows[0].at) / 3600e6 * 2 / 3 // between the middles of the two thirds
	for i := range instruments {
		c.rise = max(c.rise, math.Abs(median(column(rows[2*third:], i))-median(column(rows[:third], i)))/hours)
	}
	c.rise = math.Ceil(c.rise*100) / 100

	// blank and spread: the excess over the moving background, instrument by instrument, once it has settled for an hour.
	follow := &series.Follow{Rise: c.rise, Fall: fall.Microseconds(), Every: time.Minute.Microseconds()}
	excess := make([][]float64, len(instruments)) // NaN where missing
	var all []float64
	for i := range instruments {
		var b series.Background
		for n, r := range rows {
			e := math.NaN()
			if !math.IsNaN(r.ppm[i]) {
				e = b.Excess(follow, r.at, r.ppm[i])
			}
			if n < 60 {
				e = math.NaN()
			}
			excess[i] = append(excess[i], e)
			if !math.IsNaN(e) {
				all = append(all, e)
			}
		}
	}
	c.blank = median(all)
	deviations := make([]float64, len(all))
	for n, e := range all {
		deviations[n] = math.Abs(e - c.blank)
	}
	c.spread = 1.4826 * median(deviations)

	// raise: the limit of quantification. clear: half of it, which is still five deviations.
	c.raise = math.Ceil((c.blank+quantification*c.spread)*20) / 20
	c.clear = math.Round(c.raise/2*20) / 20

	// on: several times longer than clean air ever stayed above the limit; at least one reading.
	for _, es := range excess {
		run := 0
		for _, e := range es {
			if e >= c.raise {
				run++
			} else {
				run = 0
			}
			c.longest = max(c.longest, time.Duration(run)*time.Minute)
		}
	}
	c.on = sure * max(c.longest, time.Minute)

	// hold: a plume that the wind carries away from an instrument is not gone until the wind has come back without it.
	c.wind = windReturns(rows)
	c.hold = c.wind.Round(time.Minute)
	if up := c.hold % (10 * time.Minute); up != 0 {
		c.hold += 10*time.Minute - up
	}
	return c
}

// windReturns is how long the wind stays away from a sector that it has left, in all but a few cases.
func windReturns(rows []row) time.Duration {
	last := make([]int, sectors)
	for s := range last {
		last[s] = -1
	}
	var away []float64
	for n, r := range rows {
		if math.IsNaN(r.windDir) {
			continue
		}
		s := int(math.Mod(r.windDir/(2*math.Pi)+1, 1) * sectors)
		if before := last[s]; before >= 0 && n-before > 1 {
			away = append(away, float64(n-before))
		}
		last[s] = n
	}
	slices.Sort(away)
	return time.Duration(away[int(returned*float64(len(away)-1))]) * time.Minute
}

func column(rows []row, i int) []float64 {
	var out []float64
	for _, r := range rows {
		if !math.IsNaN(r.ppm[i]) {
			out = append(out, r.ppm[i])
		}
	}
	return out
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}

// String says what was found and what follows from it.
func (c calibration) String() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("training hours: %s to %s, %d minutes, %d instruments", trainingFrom, trainingTo, c.minutes, len(instruments))
	p("fastest drift of clean air        -> rise_per_hour: %.2f", c.rise)
	p("excess over background: median %.3f ppm, robust standard deviation %.3f ppm", c.blank, c.spread)
	p("  median + %d deviations           -> raise at %.2f ppm, clear under half of it, %.2f ppm", quantification, c.raise, c.clear)
	p("longest stay of clean air above that: %s; %d times -> for: %s", c.longest, sure, c.on)
	p("%.0f %% of the wind's absences from an eighth of the circle end within %s -> clear for, within: %s", 100*returned, c.wind, c.hold)
	return b.String()
}
