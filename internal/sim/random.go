package sim

import (
	"math"
	"math/rand/v2"
	"strconv"
)

// Randomness comes in two forms. Things that are built once (a building, an asset) draw from a PCG of their own, seeded by
// the city's seed and the thing's name. Things that vary in time (noise, drop-outs, storms) are hashes of (seed, index), so
// that any instant can be asked for without the ones before it.

// generator returns the random source that belongs to the named entity alone.
func generator(seed uint64, parts ...any) *rand.Rand {
	return rand.New(rand.NewPCG(seed, nameHash(parts...)))
}

// nameHash is FNV-1a over the parts, each ended by a zero so that ("ab","c") differs from ("a","bc").
func nameHash(parts ...any) uint64 {
	h := uint64(14695981039346656037)
	for _, p := range parts {
		var s string
		switch p := p.(type) {
		case string:
			s = p
		case int:
			s = strconv.Itoa(p)
		case int64:
			s = strconv.FormatInt(p, 10)
		default:
			panic("sim: a generator is named by strings and integers")
		}
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
		h *= 1099511628211
	}
	return h
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014) applied to the k-th step of the stream named seed.
func mix(seed uint64, k int64) uint64 {
	x := seed + uint64(k)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// unit is the k-th number of the stream, uniform in [0, 1).
func unit(seed uint64, k int64) float64 { return float64(mix(seed, k)>>11) * 0x1p-53 }

// bell is the k-th number of a stream with mean 0, standard deviation 1 and hard limits of ±3.46: the sum of four uniform
// numbers (Irwin-Hall). The limits matter: noise can never cross a threshold that it was built to stay below.
func bell(seed uint64, k int64) float64 {
	h := mix(seed, k)
	sum := float64(h&0xffff) + float64(h>>16&0xffff) + float64(h>>32&0xffff) + float64(h>>48)
	return (sum - 2*0xffff) * (math.Sqrt2 * 1.2247448713915890 / 0xffff) // sqrt(3): the variance of the sum is 4/12
}

// drift is a smooth random curve in [-1, 1] that turns about once per period: hashed knots joined by smoothsteps. t and
// period are in the same unit.
func drift(seed uint64, t, period int64) float64 {
	k := floorDiv(t, period)
	f := float64(t-k*period) / float64(period)
	a, b := unit(seed, k), unit(seed, k+1)
	f = f * f * (3 - 2*f)
	return 2*(a+(b-a)*f) - 1
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// relief is drift over the plane: a smooth random landscape in [-1, 1] with hills about scale wide.
func relief(seed uint64, p XY, scale float64) float64 {
	x, y := p.X/scale, p.Y/scale
	kx, ky := math.Floor(x), math.Floor(y)
	fx, fy := x-kx, y-ky
	fx, fy = fx*fx*(3-2*fx), fy*fy*(3-2*fy)
	knot := func(dx, dy int64) float64 { return unit(seed+uint64(int64(kx)+dx)*0x2545f4914f6cdd1d, int64(ky)+dy) }
	low := knot(0, 0) + (knot(1, 0)-knot(0, 0))*fx
	high := knot(0, 1) + (knot(1, 1)-knot(0, 1))*fx
	return 2*(low+(high-low)*fy) - 1
}
