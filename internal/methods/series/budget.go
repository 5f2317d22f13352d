package series

import "math"

// GaussLimit is how many standard deviations a Gaussian value exceeds with probability q: upwards only (sides 1), or to
// either side (sides 2). 0 < q < 1.
func GaussLimit(q float64, sides int) float64 {
	return math.Sqrt2 * math.Erfcinv(2*q/float64(sides))
}

// TailLimit is how many standard deviations a smoothed statistic of noise, averaged over about `smooth` readings, exceeds
// at most q times a reading, a run of neighbouring exceedances counted once:
//
//	q = P(above) / clump,  P(above) = e^-(z+1)  =>  z = ln(1 / (q clump)) - 1
//
// P(above) is the tail of the exponential distribution in standard form (mean 0, standard deviation 1), which lies above
// that of a mean of several errors of noise as it comes from instruments; the Gaussian tail would not hold for gusts and
// spikes. What is above stays above for about as long as the smoothing remembers: one alarm, not `smooth` of them (Aldous,
// "Probability Approximations via the Poisson Clumping Heuristic", Springer 1989, A4). Never under 1.
func TailLimit(q, smooth float64) float64 {
	return max(1, -math.Log(q*max(smooth, 1))-1)
}

// CUSUMRun is the mean number of readings until a CUSUM with reference value k and limit h alarms when the mean has moved
// by delta standard deviations towards its side, sides 1 or 2 of them watched (delta 0: the ARL0).
//
//	ARL = (e^(-2 D b) + 2 D b - 1) / (2 D^2),  D = delta - k,  b = h + 1.166;  D = 0: b^2
//	1/ARL of two sides = 1/ARL+ + 1/ARL-
//
// Siegmund, "Sequential Analysis" (Springer 1985), eq. 2.56; the sum of two sides after van Dobben de Bruyn (1968).
func CUSUMRun(h, k, delta float64, sides int) float64 {
	run := siegmund(h, delta-k)
	if sides == 2 {
		return 1 / (1/run + 1/siegmund(h, -delta-k))
	}
	return run
}

func siegmund(h, d float64) float64 {
	b := h + 1.166
	if math.Abs(d*b) < 1e-4 { // the limit for d = 0; the difference below would be rounding error only
		return b * b
	}
	return (math.Exp(-2*d*b) + 2*d*b - 1) / (2 * d * d)
}

// CUSUMLimit is the limit h, in standard deviations, at which a CUSUM with reference value k > 0 and 1 or 2 sides gives
// q false alarms a reading. It is 0 when even that gives fewer.
func CUSUMLimit(q, k float64, sides int) float64 {
	arl := 1 / q
	low, high := 0.0, 1.0
	for CUSUMRun(high, k, 0, sides) < arl {
		high *= 2
	}
	for range 60 { // halves the interval to less than the last bit
		mid := (low + high) / 2
		if CUSUMRun(mid, k, 0, sides) < arl {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}
