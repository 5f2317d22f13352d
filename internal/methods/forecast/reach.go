package forecast

import "math"

// Reach is the stretch of river between two gauges, as four numbers an engineer can check against a map.
//
// A level x that passes the upper gauge reaches the lower one after a travel time that is shorter the higher the water
// (kinematic wave: Lighthill and Whitham, "On kinematic waves I", Proc. R. Soc. A 229, 1955; the celerity of a wide
// channel is 5/3 of the flow's speed and so grows with depth). On the way a linear reservoir flattens it (Muskingum routing with X = 0:
// McCarthy 1938; Chow, Maidment, Mays, "Applied Hydrology", §8.4). What arrives is turned into the level of the lower
// gauge by the line of corresponding stages (WMO-No. 168, "Guide to Hydrological Practices", vol. II, §7.4.5):
//
//	travel(x)  = Slow at or below the upper gauge's Low, Fast at or above its High, on a line between
//	arrived(t) = x of the latest departure s with s + travel(x(s)) <= t     (a high wave overtakes a low one)
//	z'         = (arrived - z) / Store
//	lower      = Offset + Gain z
type Reach struct {
	Low, High  float64 // levels of the upper gauge (m) at which the two travel times hold
	Slow, Fast int64   // travel times, µs; 0 <= Fast <= Slow
	Store      int64   // time constant of the reservoir, µs
	Gain       float64 // metres of the lower gauge per metre of the upper one, > 0
	Offset     float64 // m
}

// travel is the travel time in steps.
func (r *Reach) travel(x, step float64) float64 {
	f := 0.
	if r.High > r.Low {
		f = min(max((x-r.Low)/(r.High-r.Low), 0), 1)
	}
	return (float64(r.Slow) + f*float64(r.Fast-r.Slow)) / step
}

// route turns the upper gauge's levels, one a step, into those of the lower one. What passed before the first of them is
// taken to have been equal to it, so the first Slow of the result, and some of Store after it, lean on that.
func (r *Reach) route(upper, lower []float64, step int64) {
	w, longest := float64(step), int(r.Slow/step)+1
	keep := 0.
	if r.Store > 0 {
		keep = math.Exp(-w / float64(r.Store))
	}
	z := upper[0]
	for t := range upper {
		z += (1 - keep) * (r.arrived(upper, t, longest, w) - z)
		lower[t] = r.Offset + r.Gain*z
	}
}

func (r *Reach) arrived(upper []float64, t, longest int, step float64) float64 {
	next := math.Inf(1) // when the level that left one step later arrives
	for s := t; s >= max(0, t-longest); s-- {
		a := float64(s) + r.travel(upper[s], step)
		if now := float64(t); a <= now {
			if s == t || next <= a {
				return upper[s]
			}
			return upper[s] + (upper[s+1]-upper[s])*(now-a)/(next-a)
		}
		next = a
	}
	return upper[max(0, t-longest)]
}
