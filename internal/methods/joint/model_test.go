package joint

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// mixed is n vectors of d entries that depend on each other, with the last one constant.
func mixed(n, d int) [][]float64 {
	r := rand.New(rand.NewPCG(5, uint64(d)))
	mix := make([]float64, d*d)
	for i := range mix {
		mix[i] = r.NormFloat64()
	}
	out := make([][]float64, n)
	for k := range out {
		e := make([]float64, d)
		for i := range e {
			e[i] = r.NormFloat64()
		}
		out[k] = make([]float64, d)
		for i := range d - 1 {
			out[k][i] = 100 + dot(mix[i*d:(i+1)*d], e)
		}
		out[k][d-1] = 7
	}
	return out
}

func learnAll(rows [][]float64) *moments {
	m := newMoments(len(rows[0]))
	for _, x := range rows {
		m.add(x)
	}
	return &m
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-8*max(1, math.Abs(a), math.Abs(b)) }

func TestMomentsAgreeWithTwoPasses(t *testing.T) {
	rows := mixed(300, 6)
	m := learnAll(rows)
	for i := range 6 {
		for j := range 6 {
			var sum float64
			for _, x := range rows {
				sum += (x[i] - m.mean[i]) * (x[j] - m.mean[j])
			}
			if want := sum / float64(len(rows)-1); !near(m.cov(i, j), want) {
				t.Errorf("cov(%d,%d) = %g, want %g", i, j, m.cov(i, j), want)
			}
		}
	}
}

// A deviation is the residual of the (ridge) regression on all other entries, by another way: the normal equations.
func TestDeviationIsTheRegressionResidual(t *testing.T) {
	const d = 6 // the seventh is constant and takes no part
	rows := mixed(400, d+1)
	o := fit(learnAll(rows), 3, 0.8)
	if len(o.use) != d || len(o.sensors) != 3 {
		t.Fatalf("uses %v, sensors %v", o.use, o.sensors)
	}
	c := mat.NewSymDense(d, nil)
	m := learnAll(rows)
	for i := range d {
		for j := range d {
			c.SetSym(i, j, m.cov(i, j)/(o.scale[i]*o.scale[j]))
		}
		c.SetSym(i, i, 1+ridge)
	}
	var j judgement
	for _, x := range rows[:20] {
		o.judge(x, &j)
		for i := range 3 {
			var others []int
			for k := range d {
				if k != i {
					others = append(others, k)
				}
			}
			a, b, z := mat.NewSymDense(d-1, nil), mat.NewVecDense(d-1, nil), mat.NewVecDense(d-1, nil)
			for r, k := range others {
				b.SetVec(r, c.At(i, k))
				z.SetVec(r, (x[k]-o.mean[k])/o.scale[k])
				for s, l := range others[:r+1] {
					a.SetSym(r, s, c.At(k, l))
				}
			}
			var beta mat.VecDense
			if err := beta.SolveVec(a, b); err != nil {
				t.Fatal(err)
			}
			left := (x[i]-o.mean[i])/o.scale[i] - mat.Dot(&beta, z)
			want := left / math.Sqrt(c.At(i, i)-mat.Dot(&beta, b))
			if math.Abs(j.z[i]-want) > 1e-6*max(1, math.Abs(want)) {
				t.Fatalf("sensor %d deviates by %g, by regression %g", i, j.z[i], want)
			}
		}
	}
}

// With sensors missing, the others are judged as by a model that never had the missing ones.
func TestMissingIsAsIfNeverHad(t *testing.T) {
	rows := mixed(400, 7)
	full := fit(learnAll(rows), 6, 0.8)
	keep := []int{0, 2, 3, 5}
	var less [][]float64
	for _, x := range rows {
		var y []float64
		for _, k := range keep {
			y = append(y, x[k])
		}
		less = append(less, y)
	}
	part := fit(learnAll(less), 4, 0.8)
	var a, b judgement
	for i, x := range rows[:50] {
		x[1], x[4] = math.NaN(), math.NaN()
		full.judge(x, &a)
		part.judge(less[i], &b)
		for r, k := range keep {
			if math.Abs(a.z[k]-b.z[r]) > 1e-6 {
				t.Fatalf("row %d, sensor %d: %g with others missing, %g without them", i, k, a.z[k], b.z[r])
			}
		}
		if a.z[1] != 0 || a.z[4] != 0 {
			t.Fatalf("missing sensors deviate: %v", a.z)
		}
	}
}

// The worst that the absence of one entry makes of a sensor's deviation is the worst of the rows in which each is missing.
func TestWorstWithoutOneEntry(t *testing.T) {
	rows := mixed(400, 7)
	o := fit(learnAll(rows), 6, 0.8)
	var whole, part judgement
	without := 0
	for _, x := range rows[:50] {
		o.judge(x, &whole)
		want := make([]float64, len(o.sensors))
		for i := range o.sensors {
			want[i] = math.Abs(whole.z[i])
			if whole.bereft[i] {
				t.Fatal("a sensor of a complete row lacks something")
			}
		}
		for m := range o.use {
			y := slices.Clone(x)
			y[o.use[m]] = math.NaN()
			o.judge(y, &part)
			for i := range o.sensors {
				if i != m && part.bereft[i] {
					want[i] = max(want[i], math.Abs(part.z[i]))
					without++
				}
			}
		}
		for i := range o.sensors {
			if got := o.worst(i, &whole); math.Abs(got-want[i]) > 1e-6 {
				t.Fatalf("sensor %d: %g, by leaving each out %g", i, got, want[i])
			}
		}
	}
	if without == 0 {
		t.Error("no sensor rests on another")
	}
}

func TestT2AndQ(t *testing.T) {
	rows := mixed(500, 6)
	m := learnAll(rows)
	all, few := fit(m, 5, 1), fit(m, 5, 0.7)
	if len(few.variance) >= 5 || len(all.variance) != 5 {
		t.Fatalf("%d axes for 0.7 of the variance, %d for all of it", len(few.variance), len(all.variance))
	}
	var a, b judgement
	var sumA float64
	for _, x := range rows {
		all.judge(x, &a)
		few.judge(x, &b)
		sumA += a.t2
		if a.q > 1e-9 || b.q < 0 || b.t2 > a.t2+1e-9 {
			t.Fatalf("all axes: T2 %g, Q %g; few: T2 %g, Q %g", a.t2, a.q, b.t2, b.q)
		}
	}
	// Over the rows it was learned from, T2 with all d axes sums to d (n-1).
	if want := 5.0 * 499; !near(sumA, want) {
		t.Errorf("sum of T2 %g, want %g", sumA, want)
	}
}

func TestTail(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	tl := newTail(tailSize)
	if tl.limit(1e-3) != 0 {
		t.Error("a tail of nothing has a limit")
	}
	for range 5000 {
		tl.add(r.ExpFloat64())
	}
	for _, q := range []float64{1e-3, 1e-5, 1e-7} {
		want := -math.Log(q)
		if got := tl.limit(q); math.Abs(got-want) > 0.25*want {
			t.Errorf("limit for %g is %g, of an exponential it is %g", q, got, want)
		}
	}
	before := tl.limit(1e-5)
	for range 4 {
		tl.add(1e6) // a rare regime
	}
	if got := tl.limit(1e-5); got > 1.2*before {
		t.Errorf("four wild values lift the limit from %g to %g", before, got)
	}
}
