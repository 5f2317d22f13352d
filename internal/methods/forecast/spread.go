package forecast

import "math"

// Cover is what a band promises.
type Cover struct {
	Share float64 // of the outcomes that are to lie in the band, as 0.8; half of the rest on each side
	Rate  float64 // how fast the band follows its record, as 0.05: smaller is steadier
}

// Spread is the width of a band on each side, in units of a scale that the caller knows beforehand (a permissible error, a
// usual one). It widens a little with every outcome outside and narrows less with every one inside, so that in the long
// run the promised share lies within, whatever the errors are distributed like:
//
//	ln above' = ln above + Rate ((outcome above the band) - (1-Share)/2)
//
// and the same below. This is the quantile tracker of Angelopoulos, Candès and Tibshirani, "Conformal PID Control for Time
// Series Prediction" (arXiv 2307.16895, eq. 4), on the logarithm of the width, so that its pace needs no unit.
type Spread struct {
	below, above float64
}

// NewSpread is a band of one scale on each side.
func NewSpread() Spread { return Spread{1, 1} }

// Learn takes whether an outcome lay below or above the band as it was when the forecast was made. Held against the band
// of today the record would look better than what was promised, since errors come in runs.
func (s *Spread) Learn(c *Cover, under, over bool) {
	s.below = step(c, s.below, under)
	s.above = step(c, s.above, over)
}

func step(c *Cover, width float64, outside bool) float64 {
	miss := (1 - c.Share) / 2
	if outside {
		miss -= 1
	}
	return min(max(width*math.Exp(-c.Rate*miss), 1e-3), 1e3)
}
