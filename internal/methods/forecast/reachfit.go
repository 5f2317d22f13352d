package forecast

import (
	"errors"
	"fmt"
	"math"
)

// The values among which a reach is sought: travel times up to six hours, a wave of low water up to three times slower, a
// reservoir of up to three hours. A river of other size needs another Step, from which they are counted.
const maxFast = 24 // steps

var (
	slowOverFast = [...]float64{1, 1.25, 1.5, 1.75, 2, 2.5, 3}
	stores       = [...]int64{0, 1, 2, 3, 4, 6, 8, 12} // steps
)

// Fastest is the greatest speed of a wave, m/s, that FitRiver should be told to believe where nothing better is known: 5/3
// (kinematic wave) of a current of 1.8 m/s, which is much for a river and little for a mountain stream in spate.
const Fastest = 3.0

// FitRiver learns a River from the levels of its gauges (m, uppermost first, one a step, all of the same span of time),
// which should hold one whole wave: some quiet hours, the rise, and most of the fall. More than that is not needed, as
// each reach has five numbers, of which the wave's front gives three and its fall the other two.
//
// least is the shortest travel time of each reach that is possible, µs: its length over Fastest. The straight line between
// the gauges will do for a length. Where rain fell on all of the valley at once, all gauges rise at once, and without it
// that would be taken for a river without a way; nil leaves it away.
func FitRiver(step int64, levels [][]float64, least []int64) (River, error) {
	if len(levels) < 2 || step <= 0 {
		return River{}, errors.New("fit river: two gauges and a step are the least")
	}
	if least == nil {
		least = make([]int64, len(levels)-1)
	}
	if len(least) != len(levels)-1 {
		return River{}, fmt.Errorf("fit river: %d gauges and %d travel times", len(levels), len(least))
	}
	p := River{Step: step, Forget: DefaultForget, Slack: DefaultSlack, Floor: DefaultFloor, Part: DefaultPart,
		Timing: DefaultTiming, Cover: Cover{Share: 0.8, Rate: 0.05}}
	ahead, back := int64(0), int64(0)
	for i := range levels[:len(levels)-1] {
		r, err := fitReach(step, levels[i], levels[i+1], least[i])
		if err != nil {
			return River{}, fmt.Errorf("fit river: reach %d: %w", i+1, err)
		}
		p.Reaches = append(p.Reaches, r)
		ahead, back = ahead+r.Slow+r.Store, back+r.Slow+4*r.Store
	}
	p.Back = int((back+p.Slack)/step) + 8
	p.Ahead = int(ahead/step) + 8
	p.Base, p.Recede = recession(step, levels[0])
	return p, nil
}

// fitReach tries all values of Fast, Slow and Store; Gain and Offset follow from each by least squares. High water weighs
// up to eleven times as much as low water, of which there is so much more. All are judged by the same hours, the first
// ones too, which lean on what is not known: a reach that may leave hours out leaves out the front.
func fitReach(step int64, upper, lower []float64, least int64) (Reach, error) {
	if len(upper) != len(lower) {
		return Reach{}, fmt.Errorf("%d and %d levels", len(upper), len(lower))
	}
	if len(upper) < 2*maxFast {
		return Reach{}, fmt.Errorf("%d levels are too few for a wave", len(upper))
	}
	low, high := bounds(upper)
	best, left := Reach{}, math.Inf(1)
	routed := make([]float64, len(upper))
	first := (least + step - 1) / step
	for fast := first; fast <= first+maxFast; fast++ {
		for _, ratio := range slowOverFast {
			for _, store := range stores {
				r := Reach{Low: low, High: high, Fast: fast * step, Slow: int64(ratio * float64(fast*step)),
					Store: store * step, Gain: 1}
				r.route(upper, routed, step)
				gain, offset, e := line(routed, lower)
				if gain > 0 && e < left {
					r.Gain, r.Offset = gain, offset
					best, left = r, e
				}
			}
		}
	}
	if math.IsInf(left, 1) {
		return Reach{}, errors.New("the lower gauge does not follow the upper one")
	}
	return best, nil
}

// line is the weighted least-squares line of y on x, and the mean weighted square of what is left.
func line(x, y []float64) (gain, offset, left float64) {
	low, high := bounds(y)
	var sw, sx, sy, sxx, sxy, syy float64
	for k := range x {
		w := 0.1
		if high > low {
			w += (y[k] - low) / (high - low)
		}
		sw += w
		sx += w * x[k]
		sy += w * y[k]
		sxx += w * x[k] * x[k]
		sxy += w * x[k] * y[k]
		syy += w * y[k] * y[k]
	}
	vx := sxx - sx*sx/sw
	if vx <= 1e-12*sxx {
		return 0, 0, math.Inf(1)
	}
	gain = (sxy - sx*sy/sw) / vx
	return gain, (sy - gain*sx) / sw, (syy - sy*sy/sw - gain*gain*vx) / sw
}

// recession is the lowest level, and how long the fall from the highest one takes until 1/e of it is left.
func recession(step int64, level []float64) (base float64, recede int64) {
	base, high := bounds(level)
	top := 0
	for k, x := range level {
		if x == high {
			top = k
		}
	}
	for k := top; k < len(level); k++ {
		if level[k] <= base+(high-base)/math.E {
			return base, int64(k-top) * step
		}
	}
	// Not reached within the levels at hand: the exponential through the last of them.
	left := (level[len(level)-1] - base) / (high - base)
	if top == len(level)-1 || left <= 0 || left >= 1 {
		return base, day
	}
	return base, int64(float64(int64(len(level)-1-top)*step) / -math.Log(left))
}
