package series

import (
	"math"
	"slices"
)

// MaxExcess is how many of its latest excesses a tail of a Spot keeps.
const MaxExcess = 200

// SpotParams says how a Spot learns and what it takes for extreme. The same SpotParams serves any number of series.
type SpotParams struct {
	// Learn is how many readings are seen before the first is judged: 1,000 leaves 20 excesses to fit.
	Learn int

	// Tail is the share of the readings of the learning that counts as a tail: 0.02 in the paper. Learn times Tail must be
	// MaxExcess-1 at most; a larger product is cut to that.
	Tail float64

	// Q is the probability of a false alarm per reading, both sides together; it must be under Tail.
	Q float64

	// Depth is over how many readings the moving mean goes from which deviations are counted; 0 counts from 0, which is SPOT.
	Depth int

	// Two judges low readings as well as high ones.
	Two bool
}

// Spot judges how extreme a reading is by the tail of the readings before it, whatever their distribution: DSPOT
// (Siffer, Fouque, Termier, Largouet, Anomaly Detection in Streams with Extreme Value Theory, KDD 2017, algorithm 3). The
// zero value has seen nothing. It holds 1,720 bytes, so it is for series that an operator or a cheaper detector has picked.
//
// Excesses over a high threshold t follow a generalised Pareto distribution with shape g and scale s, and the level that
// is passed with probability q is (equation 1 of the paper; n readings, N excesses)
//
//	z = t + (s/g) ((q n/N)^-g - 1),   and for g = 0   z = t - s ln(q n/N)
//
// Shape and scale come from probability weighted moments (Hosking and Wallis, Technometrics 29(3), 1987), not from the
// maximum likelihood search after Grimshaw that the paper uses: they are in closed form, cannot fail to converge, and are
// the more reliable for samples under 500 (their abstract), and here are 20 to 200. A fit under which an excess that was
// seen is impossible is replaced by the exponential.
//
// Departures from the paper: the moving mean is exponential, and only the latest MaxExcess excesses are fitted, which
// keeps the state small. A reading beyond z is cut and learned from, where the paper leaves it out. Left out, the tail
// that is fitted lacks its end, z sinks, and three times as many false alarms come as were asked for (measured at q of a
// twentieth of the tail). The cut is at twice the mean excess over z that the fit foresees. Of readings beyond z in a row
// the tail takes the first only, so that an event of many readings does not make its own size normal; the mean follows
// all of them, so that after a shift that stays the alarms end.
//
// The threshold stays where it was learned, as in the paper: when the noise itself becomes several times as wide, the
// level follows only in part. Readings are counted, so a gap changes nothing.
type Spot struct {
	mean     float64
	readings int64
	running  bool // the reading before was beyond z
	up, down peaks
}

// peaks is one side: the excesses over its threshold (peaks over threshold, POT).
type peaks struct {
	over    float64 // the threshold
	level   float64 // z
	most    float64 // what a reading beyond z is cut at
	seen    int64   // excesses ever
	kept    uint32
	oldest  uint32
	excess  [MaxExcess]float32 // while learning: the highest readings, lowest first
	learned bool
}

// Next takes one reading and returns how extreme it is: 0 at the threshold of the tail and under it, 1 at the level that
// is passed with probability Q, linear between and beyond. ok is false while it learns. It allocates nothing.
func (s *Spot) Next(p *SpotParams, _ int64, x float64) (score float64, ok bool) {
	if s.readings < int64(p.Depth) {
		s.readings++
		s.mean += (x - s.mean) / float64(s.readings)
		return 0, false
	}
	d := x
	if p.Depth > 0 {
		d -= s.mean
	}
	sides, q := [...]*peaks{&s.up, &s.down}, p.Q
	used := sides[:1]
	if p.Two {
		used, q = sides[:], p.Q/2
	}
	n := s.readings - int64(p.Depth) + 1
	if n <= int64(p.Learn) {
		keep := min(int(math.Ceil(float64(p.Learn)*p.Tail))+1, MaxExcess)
		for i, t := range used {
			t.highest(keep, d*sign(i))
			if n == int64(p.Learn) {
				t.settle(q, n)
			}
		}
		s.take(p, d)
		return 0, false
	}
	for i, t := range used {
		score = max(score, t.score(d*sign(i)))
		d = min(d*sign(i), t.most) * sign(i)
	}
	if run := score > 1; !run || !s.running {
		for i, t := range used {
			t.take(q, n, d*sign(i))
		}
	}
	s.running = score > 1
	s.take(p, d)
	return score, true
}

// Levels returns the alarm levels of now, in the unit of the readings: low is -Inf when only high readings are judged, and
// both are infinite while it learns.
func (s *Spot) Levels() (low, high float64) {
	low, high = math.Inf(-1), math.Inf(1)
	if s.up.learned {
		high = s.mean + s.up.level
	}
	if s.down.learned {
		low = s.mean - s.down.level
	}
	return low, high
}

func sign(side int) float64 { return float64(1 - 2*side) }

// take counts a reading, d away from the mean.
func (s *Spot) take(p *SpotParams, d float64) {
	s.readings++
	if p.Depth > 0 {
		s.mean += d / float64(p.Depth)
	}
}

// highest keeps the highest readings of the learning, the lowest of them first.
func (t *peaks) highest(keep int, d float64) {
	low := 0
	switch v := float32(d); {
	case int(t.kept) < keep:
		t.excess[t.kept] = v
		if t.kept++; v < t.excess[0] {
			low = int(t.kept) - 1
		}
	case v > t.excess[0]:
		t.excess[0] = v
		for i, x := range t.excess[:keep] {
			if x < t.excess[low] {
				low = i
			}
		}
	}
	t.excess[0], t.excess[low] = t.excess[low], t.excess[0]
}

// settle ends the learning: the lowest of what was kept becomes the threshold, the others are excesses over it.
func (t *peaks) settle(q float64, n int64) {
	t.over = float64(t.excess[0])
	t.kept--
	t.excess[0] = t.excess[t.kept]
	t.excess[t.kept] = 0
	for i := range t.excess[:t.kept] {
		t.excess[i] -= float32(t.over)
	}
	t.seen, t.learned = int64(t.kept), true
	t.fit(q, n)
}

func (t *peaks) score(d float64) float64 { return max(0, (d-t.over)/(t.level-t.over)) }

// take keeps an excess, in place of the oldest when there are many, and fits again.
func (t *peaks) take(q float64, n int64, d float64) {
	if d <= t.over {
		return
	}
	t.seen++
	if t.kept < MaxExcess {
		t.excess[t.kept] = float32(d - t.over)
		t.kept++
	} else {
		t.excess[t.oldest] = float32(d - t.over)
		t.oldest = (t.oldest + 1) % MaxExcess
	}
	t.fit(q, n)
}

// fit sets the level that is passed with probability q, n readings having been seen.
func (t *peaks) fit(q float64, n int64) {
	shape, scale := pareto(t.excess[:t.kept])
	r := q * float64(n) / float64(t.seen)
	switch {
	case t.seen == 0 || r >= 1:
		t.level = t.over
	case math.Abs(shape) < 1e-6:
		t.level = t.over - scale*math.Log(r)
	default:
		t.level = t.over + scale/shape*(math.Pow(r, -shape)-1)
	}
	// Readings that are all alike have no tail: then anything above them is extreme, and the score stays finite.
	t.level = max(t.level, t.over+1e-9*max(math.Abs(t.over), 1))
	t.most = t.level + 2*(scale+shape*(t.level-t.over))/(1-shape)
}

const (
	minShape = -0.5 // probability weighted moments are not efficient beyond these, and few excesses can look like anything
	maxShape = 0.9
)

// pareto fits a generalised Pareto distribution by probability weighted moments (Hosking and Wallis 1987, section 4;
// plotting position (i-0.35)/n as there), with shape = -k of theirs.
func pareto(excess []float32) (shape, scale float64) {
	if len(excess) == 0 {
		return 0, 0
	}
	var buf [MaxExcess]float32
	y := buf[:copy(buf[:], excess)]
	slices.Sort(y)
	n := float64(len(y))
	var a0, a1 float64
	for i, v := range y {
		a0 += float64(v) / n
		a1 += float64(v) * (1 - (float64(i)+0.65)/n) / n
	}
	if a0 <= 2*a1 || len(y) < 5 { // all alike, or too few to tell a shape
		return 0, a0
	}
	shape = min(max(2-a0/(a0-2*a1), minShape), maxShape)
	scale = a0 * (1 - shape) // the mean of the distribution is scale/(1-shape)
	if shape < 0 && float64(y[len(y)-1]) >= -scale/shape {
		return 0, a0
	}
	return shape, scale
}

const spotVersion = 1

// AppendBinary appends the state, 1,700 bytes.
func (s *Spot) AppendBinary(b []byte) ([]byte, error) { return writeState(b, spotVersion, s.fields) }

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (s *Spot) UnmarshalBinary(b []byte) error {
	var n Spot
	if err := readState(b, "spot", spotVersion, n.fields); err != nil {
		return err
	}
	*s = n
	return nil
}

func (s *Spot) fields(c *codec) {
	c.f64(&s.mean)
	c.i64(&s.readings)
	c.flag(&s.running)
	for _, t := range [...]*peaks{&s.up, &s.down} {
		c.flag(&t.learned)
		c.i64(&t.seen)
		c.u32(&t.kept, &t.oldest)
		c.bad = c.bad || t.kept > MaxExcess || t.oldest >= MaxExcess
		c.f64(&t.over, &t.level, &t.most)
		for i := range t.excess {
			c.f32(&t.excess[i])
		}
	}
}
