package joint

// moments is the running mean and co-moments of vectors (Welford's update, in the form of Chan, Golub, LeVeque 1983,
// "Algorithms for computing the sample variance", The American Statistician 37:242).
type moments struct {
	n    int
	mean []float64
	m2   []float64 // sum of (x_i - mean_i)(x_j - mean_j), lower triangle by rows
}

func newMoments(d int) moments {
	return moments{mean: make([]float64, d), m2: make([]float64, d*(d+1)/2)}
}

func (m *moments) add(x []float64) {
	m.n++
	f := 1 / float64(m.n)
	w := 1 - f
	k := 0
	for i, xi := range x {
		di := w * (xi - m.mean[i])
		for j := range i + 1 {
			m.m2[k] += di * (x[j] - m.mean[j])
			k++
		}
	}
	for i, xi := range x {
		m.mean[i] += f * (xi - m.mean[i])
	}
}

// cov is the covariance of x_i and x_j.
func (m *moments) cov(i, j int) float64 {
	if i < j {
		i, j = j, i
	}
	return m.m2[i*(i+1)/2+j] / float64(m.n-1)
}
