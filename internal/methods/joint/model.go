package joint

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// finest is how fine a relation or a bound can be, in standard deviations of the sensor.
const finest = 0.01

// ridge is added to the diagonal of the correlation matrix before it is inverted: no relation is taken to be finer than
// finest, and two sensors that say exactly the same do no harm.
const ridge = finest * finest

// model is what a chart learned of the joint distribution. It doesn't change once made, so copies of a chart share it.
type model struct {
	use      []int32   // which entries of the row with its lags take part; those that were constant do not
	sensors  []int32   // the sensors of the first entries: those of the row itself
	mean     []float64 // of the entries that take part
	scale    []float64 // their standard deviations
	inverse  []float64 // P, row by row
	axes     []float64 // u_1 … u_a, one after the other
	variance []float64 // l_1 … l_a
}

// fit makes the model of what was learned. The first `sensors` entries of the vectors are the row itself.
func fit(m *moments, sensors int, explained float64) model {
	var o model
	for i, mean := range m.mean {
		sd := math.Sqrt(max(m.cov(i, i), 0))
		if sd <= 1e-9*max(1, math.Abs(mean)) {
			continue
		}
		o.use = append(o.use, int32(i))
		o.mean = append(o.mean, mean)
		o.scale = append(o.scale, sd)
		if i < sensors {
			o.sensors = append(o.sensors, int32(i))
		}
	}
	d := len(o.use)
	if d == 0 {
		return o
	}
	c := mat.NewSymDense(d, nil)
	for i := range d {
		for j := range i + 1 {
			c.SetSym(i, j, m.cov(int(o.use[i]), int(o.use[j]))/(o.scale[i]*o.scale[j]))
		}
	}
	var e mat.EigenSym
	if !e.Factorize(c, true) {
		return model{} // does not happen with finite entries; a model of nothing judges nothing
	}
	var u mat.Dense
	e.VectorsTo(&u)
	l := e.Values(nil) // in rising order
	o.axes, o.variance = principal(&u, l, explained)
	o.inverse = make([]float64, d*d)
	for i := range d {
		for j := range i + 1 {
			var sum float64
			for k := range d {
				sum += u.At(i, k) * u.At(j, k) / (max(l[k], 0) + ridge)
			}
			o.inverse[i*d+j], o.inverse[j*d+i] = sum, sum
		}
	}
	return o
}

// principal picks the fewest axes, largest first, that explain the stated share of the variance.
func principal(u *mat.Dense, l []float64, explained float64) (axes, variance []float64) {
	d := len(l)
	var sum float64
	for k := d - 1; k >= 0 && sum < explained*float64(d); k-- {
		sum += l[k]
		variance = append(variance, l[k])
		axes = append(axes, mat.Col(nil, k, u)...)
	}
	return axes, variance
}

// judgement is what a model says of one vector; its slices are memory to work in.
type judgement struct {
	t2, q float64
	z     []float64 // per sensor of the model: deviation from what all else says, in standard deviations

	bereft []bool // per sensor of the model: judged without something that it rests on

	x, g, v []float64
	missing []int
	chol    []float64
}

// judge compares a row with the model. Missing entries are NaN.
func (o *model) judge(row []float64, j *judgement) *judgement {
	d := len(o.use)
	if len(j.x) != d || len(j.z) != len(o.sensors) {
		*j = judgement{z: make([]float64, len(o.sensors)), bereft: make([]bool, len(o.sensors)), x: make([]float64, d), g: make([]float64, d), v: make([]float64, d)}
	}
	j.missing = j.missing[:0]
	for i, from := range o.use {
		j.x[i] = (row[from] - o.mean[i]) / o.scale[i]
		if math.IsNaN(j.x[i]) {
			j.x[i] = 0
			j.missing = append(j.missing, i)
		}
	}
	if len(j.missing) > 0 {
		o.complete(j)
	}
	for i := range o.sensors {
		own := o.inverse[i*d+i]
		if len(j.missing) > 0 {
			own = o.ownPrecision(i, j)
		}
		j.z[i], j.bereft[i] = 0, own < bereft*o.inverse[i*d+i]
		if own > 0 {
			j.z[i] = dot(o.inverse[i*d:(i+1)*d], j.x) / math.Sqrt(own)
		}
	}
	j.t2, j.q = 0, dot(j.x, j.x)
	for a, l := range o.variance {
		y := dot(o.axes[a*d:(a+1)*d], j.x)
		j.t2 += y * y / l
		j.q -= y * y
	}
	j.q = max(j.q, 0)
	return j
}

// bereft is the share of a sensor's precision, the inverse of the variance that all else leaves, under which it is judged by the
// limit of those that lack something: of less, its standard deviation grows by less than a twentieth.
const bereft = 0.9

// worst is the largest |z| that a sensor of a complete row has when one entry is missing without which it is bereft; |z| itself
// where there is none such. Without entry m, P becomes P - P_m P_mᵀ/P_mm.
func (o *model) worst(i int, j *judgement) float64 {
	d := len(o.use)
	own, px := o.inverse[i*d+i], dot(o.inverse[i*d:(i+1)*d], j.x)
	worst := math.Abs(j.z[i])
	for m := range d {
		shared := o.inverse[i*d+m]
		left := own - shared*shared/o.inverse[m*d+m]
		if m == i || left >= bereft*own || left <= 0 {
			continue
		}
		z := (px - shared/o.inverse[m*d+m]*dot(o.inverse[m*d:(m+1)*d], j.x)) / math.Sqrt(left)
		worst = max(worst, math.Abs(z))
	}
	return worst
}

// complete gives the missing entries (now 0) their conditional mean given the others: P_mm x_m = -P_mo x_o. With them in
// place (Px)_m is 0, and (Px)_o is what the precision matrix of the others alone gives.
func (o *model) complete(j *judgement) {
	d, n := len(o.use), len(j.missing)
	for len(j.chol) < n*n {
		j.chol = append(j.chol, 0)
	}
	for a, i := range j.missing {
		j.g[a] = -dot(o.inverse[i*d:(i+1)*d], j.x)
		for b, k := range j.missing[:a+1] {
			j.chol[a*n+b] = o.inverse[i*d+k]
		}
	}
	cholesky(j.chol, n)
	forward(j.chol, j.g[:n])
	for a := n - 1; a >= 0; a-- {
		for b := a + 1; b < n; b++ {
			j.g[a] -= j.chol[b*n+a] * j.g[b]
		}
		j.g[a] /= j.chol[a*n+a]
	}
	for a, i := range j.missing {
		j.x[i] = j.g[a]
	}
}

// ownPrecision is the diagonal entry of sensor i in the precision matrix of the entries at hand, P_ii - P_im P_mm⁻¹ P_mi;
// 0 when i itself is missing.
func (o *model) ownPrecision(i int, j *judgement) float64 {
	d, n := len(o.use), len(j.missing)
	for a, k := range j.missing {
		if k == i {
			return 0
		}
		j.v[a] = o.inverse[i*d+k]
	}
	forward(j.chol, j.v[:n])
	return o.inverse[i*d+i] - dot(j.v[:n], j.v[:n])
}

// cholesky turns the lower triangle of a (n by n, positive definite) into its Cholesky factor.
func cholesky(a []float64, n int) {
	for i := range n {
		for k := range i + 1 {
			sum := a[i*n+k] - dot(a[i*n:i*n+k], a[k*n:k*n+k])
			if i == k {
				a[i*n+i] = math.Sqrt(sum)
			} else {
				a[i*n+k] = sum / a[k*n+k]
			}
		}
	}
}

// forward solves L y = b in place.
func forward(l, b []float64) {
	n := len(b)
	for i := range n {
		b[i] = (b[i] - dot(l[i*n:i*n+i], b[:i])) / l[i*n+i]
	}
}

func dot(a, b []float64) float64 {
	var sum float64
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}
