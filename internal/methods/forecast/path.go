package forecast

import "math"

// Path is a forecast: the likely course at From, From+Step, ..., and how far the truth may lie from it. In between the
// course is a straight line.
type Path struct {
	From, Step int64
	Now        int64     // when the forecast was made; From is later than Now
	At         float64   // the series now, as far as it is known
	Known      int64     // until when the band holds; 0: to the end
	Likely     []float64 // in the unit of the series
	Below      []float64 // how far below the likely course the band reaches, >= 0
	Above      []float64

	// Timing is by how much what is to come may come early or late, as a share of the time until then.
	Timing float64
}

// Peak is the highest point of a path.
type Peak struct {
	At, Earliest, Latest int64
	Level, Low, High     float64
}

// Peak is the highest level to come. It is false when nothing to come is higher than what is now.
func (p *Path) Peak() (Peak, bool) {
	k := -1
	for i, x := range p.Likely {
		if x > p.At && (k < 0 || x > p.Likely[k]) {
			k = i
		}
	}
	if k < 0 {
		return Peak{}, false
	}
	at := p.From + int64(k)*p.Step
	sway := int64(p.Timing * float64(at-p.Now))
	return Peak{at, at - sway, at + sway, p.Likely[k], p.Likely[k] - p.Below[k], p.Likely[k] + p.Above[k]}, true
}

// Band is the lowest and the highest the series may be at step k: the lines Below and Above of all that may have come by
// then or may not have come yet.
func (p *Path) Band(k int) (low, high float64) {
	low, high = p.Likely[k], p.Likely[k]
	sway := p.sway(k)
	for i := max(0, k-sway); i <= min(len(p.Likely)-1, k+sway); i++ {
		low, high = min(low, p.Likely[i]), max(high, p.Likely[i])
	}
	if k < sway {
		low, high = min(low, p.At), max(high, p.At)
	}
	return low - p.Below[k], high + p.Above[k]
}

// sway is Timing at step k, in steps.
func (p *Path) sway(k int) int {
	lead := p.From + int64(k)*p.Step - p.Now
	return int(math.Round(p.Timing * float64(lead) / float64(p.Step)))
}
