package main

import (
	"cmp"
	"math"
	"slices"
)

// profile is a cost matrix of the benchmark (config/profiles.json).
type profile struct {
	name       string
	tp, fp, fn float64
}

var profiles = [...]profile{
	{"standard", 1, 0.11, 1},
	{"low_fp", 1, 0.22, 1},
	{"low_fn", 1, 0.11, 2},
}

// probation is how many rows at the start of a file are not scored.
func (f *file) probation() int { return min(len(f.x)*15/100, 750) }

// gain is what a detection in a row is worth, before the weights, and the window that the row is in: inside a window in
// (0, 1], outside (-1 for the window) in [-1, 0).
//
// SOURCE.md of the data, after nab/sweeper.py: S(p) = 2/(1+e^5p) - 1. In a window of w rows whose last row is r, row i has
// p = -(r-i+1)/w and is worth S(p)/S(-1); after it p = (i-r)/(w-1), S(p), -1 beyond p = 3; before the first window -1.
func (f *file) gain(i int) (in int, gain float64) {
	n := len(f.windows) - 1
	for n >= 0 && f.windows[n].first > i {
		n--
	}
	if n < 0 {
		return -1, -1
	}
	w := f.windows[n]
	rows := float64(w.last - w.first + 1)
	if i <= w.last {
		return n, sigmoid(-float64(w.last-i+1)/rows) / sigmoid(-1)
	}
	if p := float64(i-w.last) / (rows - 1); p <= 3 {
		return -1, sigmoid(p)
	}
	return -1, -1
}

func sigmoid(p float64) float64 { return 2/(1+math.Exp(5*p)) - 1 }

// tally is what the detections of some files come to; the profiles weigh its parts. Tallies add up.
type tally struct {
	windows, found int
	outside        int     // detections outside windows
	gained         float64 // sum over the found windows of the gain of the best detection
	cost           float64 // sum of -gain of the detections outside
}

func (t *tally) add(o tally) {
	t.windows += o.windows
	t.found += o.found
	t.outside += o.outside
	t.gained += o.gained
	t.cost += o.cost
}

// raw is the score of a profile, before it is normalised.
func (t tally) raw(p profile) float64 {
	return p.tp*t.gained - p.fn*float64(t.windows-t.found) - p.fp*t.cost
}

// normal is the score of a profile: 0 for a detector that never speaks, 100 for a perfect one.
func (t tally) normal(p profile) float64 {
	null, perfect := -p.fn*float64(t.windows), p.tp*float64(t.windows)
	if t.windows == 0 {
		return math.NaN()
	}
	return 100 * (t.raw(p) - null) / (perfect - null)
}

// tally scores the detections of a file: rows, in order.
func (f *file) tally(detections []int) tally {
	t := tally{windows: len(f.windows)}
	best := make([]float64, len(f.windows))
	for _, i := range detections {
		if i < f.probation() {
			continue
		}
		n, gain := f.gain(i)
		if n < 0 {
			t.outside++
			t.cost -= gain
			continue
		}
		if best[n] == 0 {
			t.found++
		}
		if gain > best[n] {
			t.gained += gain - best[n]
			best[n] = gain
		}
	}
	return t
}

// sweep finds the threshold that is best for a profile, as the benchmark's optimizer does, but over every score that
// occurs: at each step the rows of one score are added to those detected before.
func sweep(files []*file, scores map[string][]float64, p profile) (threshold float64, best tally) {
	type row struct {
		score  float64
		gain   float64
		window int // over all files, -1 outside
	}
	var rows []row
	var now tally
	for _, f := range files {
		for i, s := range scores[f.name] {
			if i < f.probation() {
				continue
			}
			n, gain := f.gain(i)
			if n >= 0 {
				n += now.windows
			}
			rows = append(rows, row{s, gain, n})
		}
		now.windows += len(f.windows)
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(b.score, a.score) })
	gains := make([]float64, now.windows)
	threshold, best = math.Inf(1), now
	for i, r := range rows {
		switch {
		case r.window < 0:
			now.outside++
			now.cost -= r.gain
		case gains[r.window] == 0:
			now.found++
			fallthrough
		default:
			if r.gain > gains[r.window] {
				now.gained += r.gain - gains[r.window]
				gains[r.window] = r.gain
			}
		}
		if (i+1 == len(rows) || rows[i+1].score != r.score) && now.raw(p) > best.raw(p) {
			threshold, best = r.score, now
		}
	}
	return threshold, best
}
