package forecast

import "math"

// nearby is what the newest hour says of an hour less than a day later, beyond what was forecast for that hour a day
// before it: by how much the newest hour differs from its own forecast (the town runs high today), and by how much it
// differs from what is forecast for that hour (the air hardly changes in so short a time). The two weights are learned by
// least squares with forgetting, like those of a Season.
//
//	v(t+k) - told(t+k) = w1 (v(t) - told(t)) + w2 (v(t) - told(t+k))
type nearby struct {
	xx, xy, yy float64 // of the two differences
	xe, ye     float64 // of each with the error
	judged     int64
	size       float64 // usual absolute error of what is left
	band       Spread
}

func (n *nearby) learn(p *Habits, e, x, y float64) {
	if math.IsNaN(x) {
		return
	}
	a, b := n.weights()
	left := e - a*x - b*y
	if n.judged == 0 {
		n.size, n.band = math.Abs(left), Spread{1.6, 1.6}
	}
	n.band.Learn(&p.Cover, -left > n.size*n.band.below, left > n.size*n.band.above)
	n.judged++
	n.size += (math.Abs(left) - n.size) / (14 * daily)
	keep, weight := 1-1/p.Memory, 1.
	if over := math.Abs(left) / (p.Clip * n.size); over > 1 {
		weight = 1 / over
	}
	n.xx = keep*n.xx + weight*x*x
	n.xy = keep*n.xy + weight*x*y
	n.yy = keep*n.yy + weight*y*y
	n.xe = keep*n.xe + weight*x*e
	n.ye = keep*n.ye + weight*y*e
}

// weights are w1 and w2; none until a week has taught them.
func (n *nearby) weights() (a, b float64) {
	xx, yy := n.xx*(1+ridge), n.yy*(1+ridge)
	det := xx*yy - n.xy*n.xy
	if n.judged < weekly || det <= 0 {
		return 0, 0
	}
	return (n.xe*yy - n.ye*n.xy) / det, (n.ye*xx - n.xe*n.xy) / det
}

// nearer is the forecast of the hour, brought up to date.
func (n *nearby) nearer(told promise, x, y float64) promise {
	if n.judged < 2*weekly || math.IsNaN(x) {
		return told
	}
	a, b := n.weights()
	return promise{told.likely + a*x + b*y, n.size * n.band.below, n.size * n.band.above}
}
