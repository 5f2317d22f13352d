package forecast

import "math"

// excess follows how much more a series changed since yesterday than it usually does at this hour of the week.
type excess struct {
	v     [daily + 1]float64 // the series
	e     [2 * daily]float64
	usual [weekly]float64
}

func (x *excess) restart(v float64) {
	for i := range x.v {
		x.v[i] = v
	}
	x.e = [2 * daily]float64{}
}

// advance takes the hour's value; NaN stands for "as usual".
func (x *excess) advance(slot int64, v, pace float64, read bool) {
	n, u := int64(len(x.v)), &x.usual[slot%weekly]
	yesterday := x.v[(slot-daily)%n]
	if math.IsNaN(v) {
		v, read = yesterday+*u, false
	}
	if math.IsNaN(yesterday) {
		yesterday = v
	}
	x.v[slot%n] = v
	e := v - yesterday - *u
	if math.IsNaN(e) {
		e = 0 // nothing was ever known of it
	}
	x.e[slot%int64(len(x.e))] = e
	if read {
		*u += pace * e
	}
}

func (x *excess) at(t int64) float64 { return x.e[t%int64(len(x.e))] }

func (x *excess) mean(t, n int64) float64 {
	sum := 0.
	for k := range n {
		sum += x.at(t - k)
	}
	return sum / float64(n)
}
