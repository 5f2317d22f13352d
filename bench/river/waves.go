package main

import (
	"errors"
	"slices"
)

const (
	// firstRise (m) is what makes the first wave of a file: the exercise begins with the first rise of a quarter of a
	// metre, which no weir or lock makes.
	firstRise = 0.25
	apart     = 12 * perHour // steps: a peak is the highest level of so long before and after it
	before    = 48 * perHour // steps: a rise is counted from the lowest level of so long before the peak
)

// wave is one rise of one gauge.
type wave struct {
	peak int // step
	top  float64
	base float64 // the lowest level of the two days before
}

func (w wave) rise() float64 { return w.top - w.base }

// waves are the peaks of a gauge from step `from` on, in order. A level that is still rising at the end is not one.
func waves(level []float64, from int) []wave {
	var out []wave
	for k := max(from, 1); k < len(level)-1; k++ {
		if level[k] > level[k-1] && level[k] >= slices.Max(level[max(0, k-apart):min(len(level), k+apart+1)]) {
			if n := len(out); n > 0 && k-out[n-1].peak < apart {
				continue // the same height again
			}
			out = append(out, wave{k, level[k], slices.Min(level[max(0, k-before) : k+1])})
		}
	}
	return out
}

// firstWave is the first wave of a gauge, and the step at which three quarters of it have run off, or the water rises anew.
func firstWave(level []float64) (wave, int, error) {
	for _, w := range waves(level, 0) {
		if w.rise() >= firstRise {
			return w, ends(level, w), nil
		}
	}
	return wave{}, 0, errors.New("the lowest gauge never rises by a quarter of a metre: nothing to fit")
}

func ends(level []float64, w wave) int {
	low := w.top
	for k := w.peak; k < len(level); k++ {
		low = min(low, level[k])
		if low <= w.top-0.75*w.rise() || low < w.top-0.25*w.rise() && level[k] > low+0.1*w.rise() {
			return k
		}
	}
	return len(level)
}
