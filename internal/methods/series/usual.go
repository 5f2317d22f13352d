package series

import "math"

// usual is the running mean and variance of a statistic, by which the next value is told to be usual or not.
type usual struct{ mean, vari float32 }

// next returns how far u is above the mean so far, and the variance so far, then takes u in with weight g: the
// exponentially weighted mean and variance after West, "Updating mean and variance estimates" (CACM 22, 1979).
func (s *usual) next(u, g float64) (above, vari float64) {
	d, v := u-float64(s.mean), float64(s.vari)
	s.mean = float32(float64(s.mean) + g*d)
	s.vari = float32((1 - g) * (v + g*d*d))
	return d, v
}

// squared is the square of the standard deviations that a statistic is above its mean; 0 below. A statistic that never
// varied tells nothing: 0.
func squared(above, vari float64) float64 {
	if above <= 0 || vari <= 0 {
		return 0
	}
	return above * above / vari
}

// approach moves an exponentially weighted mean towards x by weight g.
func approach(mean *float32, g, x float64) {
	m := float64(*mean)
	*mean = float32(m + g*(x-m))
}

// gain is the weight of the n-th reading, first = 1/n, in an average over so many readings: that of the plain mean until
// there are enough.
func gain(readings, first float64) float64 {
	if readings*first >= 1 {
		return first
	}
	return 1 / readings
}

// after is the count after one more; it stops before it would begin anew.
func after(n uint32) uint32 {
	if n == math.MaxUint32 {
		return n
	}
	return n + 1
}

// farthest is how far from a series' first reading a reading is told from one still farther: its square must fit in a
// float32 with room for sums.
const farthest = 1e15

func within(y float64) float64 {
	if y > farthest { // not min and max, which take care of signed zeros and cost a few nanoseconds
		return farthest
	}
	if y < -farthest {
		return -farthest
	}
	return y
}

// farTail is how far the large values of a statistic reach: the edge that one in fifty exceeds, and by how much these exceed
// it on average. Beyond the edge the tail is taken as exponential, the case gamma = 0 of SPOT (Siffer, Fouque, Termier,
// Largouët, "Anomaly detection in streams with extreme value theory", KDD 2017); the edge is tracked as a quantile by
// stochastic approximation (Robbins and Monro 1951) instead of being held fixed, so no sample is kept. No excess counts for
// more than twice the average, or one burst would hide the next; it makes the average of an exponential tail a fifth short.
type farTail struct{ edge, excess, mean float32 }

const (
	tailShare = 0.02
	young     = 1. / 30
)

// next returns -ln P(above u), 0 at or below the edge, then takes u >= 0 in as the n-th value, first = 1/n; long is the weight
// that it has in the scale of the steps.
func (t *farTail) next(u, long, first float64) float64 {
	approach(&t.mean, long, u)
	mean, edge, excess := float64(t.mean), float64(t.edge), float64(t.excess)
	if first > young { // the largest of the first ones is as good an edge as any
		t.edge, t.excess = max(t.edge, float32(u)), float32(0.7*mean)
		return 0
	}
	step := mean * max(5*first, 0.01)
	if u <= edge {
		t.edge = float32(max(0, edge-tailShare*step))
		return 0
	}
	over := u - edge
	excess = max(excess, mean/10, tiny) // a tail that has not shown yet is short, but not nothing
	t.edge = float32(edge + min((1-tailShare)*step, over))
	t.excess = float32(excess + max(2*first, 0.02)*(min(over, 2*excess)-excess))
	return -math.Log(tailShare) + over/excess
}

// hill is the tail index of a statistic: how heavy its large values are. What exceeds the edge, which one in fifty does, is
// taken as a Pareto tail, P(above u) ~ u^(-1/index), and the index is the mean of ln(u / edge) over it (Hill, "A simple
// general approach to inference about the tail of a distribution", Annals of Statistics 3, 1975), with the edge tracked as
// that of farTail. Exponential noise has 0.25 at this edge, Student's t with 3 degrees of freedom a third.
type hill struct{ edge, index float32 }

// heaviest is the index from which on there is no variance, so that standard deviations mean nothing.
const heaviest = 0.5

// next takes u >= 0 in as the n-th value, first = 1/n.
func (t *hill) next(u, first float64) {
	edge := float64(t.edge)
	if first > young || edge == 0 {
		t.edge, t.index = max(t.edge, float32(u)), 0.25
		return
	}
	step := max(5*first, 0.01)
	if u <= edge {
		t.edge = float32(edge * (1 - tailShare*step))
		return
	}
	approach(&t.index, 0.02, min(math.Log(u/edge), 1))
	t.edge = float32(min(u, edge*(1+(1-tailShare)*step)))
}

// tiny keeps a tail of no length from being divided by; far below any statistic that counts in standard deviations.
const tiny = 1e-9
