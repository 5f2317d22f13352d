package forecast

import "math"

// A ridge is added to each term's own square, as a share of it: terms that say the same share the weight between them,
// and what has taught little stays near nothing, which is the same hour yesterday. Those beside the main terms must earn
// their weight. Both numbers, like the terms of a Season, were chosen on the first halves of two records, the load of
// ERCOT (2019) and PM2.5 in Beijing (October 2015 to June 2016); bench/forecast scores the second halves.
const (
	ridge     = 0.03
	ridgeSide = 0.3
)

// solve finds w with (A + ridge) w = b by Cholesky's method. A is symmetric, given by the lower triangle of its first n
// rows, of which the first are the main terms. Where that fails for want of digits the weights stay as they are.
func solve(n, main int, a *[maxTerms * (maxTerms + 1) / 2]float64, b, w *[maxTerms]float64) {
	l := *a
	row := func(i int) int { return i * (i + 1) / 2 }
	for i := range n {
		more := ridge
		if i >= main {
			more = ridgeSide
		}
		l[row(i)+i] += more*l[row(i)+i] + 1e-9
	}
	for i := range n {
		for j := range i + 1 {
			sum := l[row(i)+j]
			for k := range j {
				sum -= l[row(i)+k] * l[row(j)+k]
			}
			switch {
			case i != j:
				l[row(i)+j] = sum / l[row(j)+j]
			case sum <= 0:
				return
			default:
				l[row(i)+i] = math.Sqrt(sum)
			}
		}
	}
	x := *b
	for i := range n {
		for k := range i {
			x[i] -= l[row(i)+k] * x[k]
		}
		x[i] /= l[row(i)+i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			x[i] -= l[row(k)+i] * x[k]
		}
		x[i] /= l[row(i)+i]
	}
	*w = x
}
