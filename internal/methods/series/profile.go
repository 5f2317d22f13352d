package series

import (
	"math"
	"time"
)

// ProfileParams says how a Profile learns. The same ProfileParams serves any number of series.
type ProfileParams struct {
	// Zone is the local time in which the pattern of the week lies. nil is UTC.
	Zone *time.Location

	// Width is the width of a bucket: an hour (0 means that) to a day, a divisor of the day.
	Width int64

	// Learn is for how long the profile learns before it judges: two weeks at least, so that every bucket was seen twice.
	// With gaps it learns for longer, until the buckets were seen 1.5 times on the average.
	Learn int64

	// Memory is how many weeks the profile remembers once it has learned, 10 to 50. It is to be long beside any event: what lasts for
	// a week moves the profile by 1/Memory of the event, and by no more than three spreads over Memory.
	Memory float64

	// Level is the time constant with which the profile's scale and level follow the series, 0 when they do not. With it a
	// season, weather or a growing city does not count as a deviation; and neither does, after a few times Level, a shift
	// that stays.
	Level int64

	// Every is the longest time that one reading speaks for.
	Every int64

	// Q is the probability of a false alarm per reading that the limit of Deviation.Score stands for, both sides together.
	Q float64
}

// Deviation is what a Profile says of one reading.
type Deviation struct {
	Expected float64 // what the profile foresaw, in the unit of the readings
	Spread   float64 // standard deviation of one reading about Expected
	Z        float64 // how far the reading lies above Expected, in spreads
	Score    float64 // |Z| as a multiple of its limit: 1 is reached by chance with probability Q, if the noise is Gaussian
}

// Profile is what one series usually reads in each hour of the week. The zero value has seen nothing. It holds 2,128
// bytes, so it is for series that an operator or a cheaper detector has picked, not for all.
//
//	expected = level + scale (mean[bucket] - centre)
//
// The means and spreads of the buckets are weighted averages over visits, with the weight of the newest never below
// 1/Memory. Scale and level follow by recursive least squares with exponential forgetting (Ljung, System Identification,
// 2nd ed., eq. 11.12). The pair is the distinction between consistent and inconsistent change in the comparison of flow
// pattern distributions (van Thienen, J. Hydroinformatics 15(1), 2013): a season or more people stretch the whole
// pattern, a leak adds the same to every hour, so the level shows a leak that a warm month would hide.
//
// It is robust against what it sees: what it learns from one reading is cut at three spreads. A shift that stays is taken
// into the level over Level; Relevel takes it at once.
//
// A gap changes nothing: what lies beyond Every is not counted. The hour that a change to winter time repeats is the same
// bucket twice. Within a bucket the expectation is flat: a reading more often than once per bucket sees the slope of the
// pattern as spread, so averages over Width judge sharper than the readings they are made of.
type Profile struct {
	mean   [weekHours]float32
	square [weekHours]float32 // variance of one reading in the bucket
	weight [weekHours]float32 // visits, at most Memory

	begun, last int64
	readings    int64 // readings while learning
	settled     bool

	centre, noise       float64 // mean of the means, and of the variances, when the learning was over
	scale, level        float64
	vScale, vBoth, vLvl float64 // covariance of scale and level

	prev, product, power float64 // successive residuals while learning: the last, sum of products, sum of squares
}

const (
	weekHours = 168
	day       = 24 * hour
	week      = 7 * day

	enough       = 1.5  // visits to a bucket on the average: one visit says nothing about the spread
	cut          = 3.0  // what is learned from one reading is cut at so many spreads
	scaleDoubt   = 0.02 // doubt of the scale when the learning is over: a pattern changes by a few percent in two weeks
	maxScale     = 1.0  // the doubt of the scale grows no further
	minScale     = 0.2  // below it a residual says nothing about the pattern
	levelDoubt   = 10.0 // doubt of the level after Relevel, in spreads
	maxInflation = 0.95
)

// Next takes one reading. ok is false until Learn is over. It allocates nothing.
func (s *Profile) Next(p *ProfileParams, at int64, x float64) (d Deviation, ok bool) {
	b, width := p.bucket(at)
	visit := float64(s.elapse(p, at)) / float64(width) // the share of a visit that the reading speaks for
	if !s.settled {
		buckets := int(week / width)
		if at-s.begun < p.Learn || s.visits(buckets) < enough {
			s.learn(b, visit, x)
			return Deviation{}, false
		}
		s.settle(buckets)
	}
	shape := float64(s.mean[b]) - s.centre
	d.Expected = s.level + s.scale*shape
	d.Spread = math.Sqrt(s.variance(b))
	e := x - d.Expected
	d.Z = e / d.Spread
	d.Score = math.Abs(d.Z) / p.limit()
	if p.Level > 0 {
		s.follow(math.Exp(-visit*float64(width)/float64(p.Level)), shape, e, d.Spread)
	}
	s.remember(p, b, visit, min(max(e, -cut*d.Spread), cut*d.Spread))
	return d, true
}

// Scale is how many times its learned height the pattern of the week has now.
func (s *Profile) Scale() float64 { return s.scale }

// Base is what is left of the level when the pattern is scaled to nothing. A change of it is what van Thienen calls an
// inconsistent change: for a flow into a zone, new leakage.
func (s *Profile) Base() float64 { return s.level - s.scale*s.centre }

// Inflation is the factor by which a sum of successive residuals scatters more than if they were independent, 1 at least:
// sqrt((1+r)/(1-r)) with r their correlation from one reading to the next while learning, as if of first order (Box,
// Jenkins, Reinsel, Time Series Analysis, 2.1). A chart that adds up residuals (CUSUM) is to get Z divided by it, or its
// false alarms are more than its limit says (Johnson and Bagshaw, Technometrics 16(1), 1974).
func (s *Profile) Inflation() float64 {
	if s.power == 0 {
		return 1
	}
	r := min(max(s.product/s.power, 0), maxInflation)
	return math.Sqrt((1 + r) / (1 - r))
}

// Relevel tells the profile that the level has shifted and where to is not known: the next readings set it. It is for a
// shift that a chart has raised, so that the series is judged from its new level and the next shift can be seen.
func (s *Profile) Relevel() { s.vLvl += levelDoubt * levelDoubt * s.noise }

// limit is what |Z| passes with probability Q: the quantile of Student's t with Memory degrees of freedom, since a spread
// is known from so many visits only (expansion about the Gaussian quantile, Abramowitz and Stegun 26.7.5).
func (p *ProfileParams) limit() float64 {
	z := GaussLimit(p.Q, 2)
	n, z2 := max(p.Memory, 4), z*z
	return z + z*(z2+1)/(4*n) + z*((5*z2+16)*z2+3)/(96*n*n)
}

// bucket is which part of the local week a time lies in, and how wide the parts are.
func (p *ProfileParams) bucket(at int64) (b int, width int64) {
	width = p.Width
	if width == 0 {
		width = hour
	}
	local := at
	if p.Zone != nil {
		_, off := time.UnixMicro(at).In(p.Zone).Zone()
		local += int64(off) * 1e6
	}
	const monday = 3 * int64(day) // 1970-01-01 was a Thursday
	into := (local + monday) % week
	if into < 0 {
		into += week
	}
	return int(into / width), width
}

// elapse moves the profile's time on and returns for how long the reading speaks.
func (s *Profile) elapse(p *ProfileParams, at int64) int64 {
	span := p.Every
	if s.last != 0 {
		span = min(max(at-s.last, 0), p.Every)
	} else {
		s.begun = at
	}
	s.last = max(s.last, at)
	return span
}

// learn takes a reading into its bucket: weighted mean and variance (West, Comm. ACM 22(9), 1979).
func (s *Profile) learn(b int, visit, x float64) {
	s.readings++
	w := float64(s.weight[b])
	if w+visit == 0 {
		return
	}
	e := x - float64(s.mean[b])
	gain := visit / (w + visit)
	s.mean[b] += float32(gain * e)
	s.weight[b] = float32(w + visit)
	if w == 0 {
		return
	}
	s.square[b] += float32(gain * ((1-gain)*e*e - float64(s.square[b])))
	s.product += s.prev * e
	s.power += e * e
	s.prev = e
}

// visits is how often the buckets were seen, on the average.
func (s *Profile) visits(buckets int) float64 {
	var sum float64
	for _, w := range s.weight[:buckets] {
		sum += float64(w)
	}
	return sum / float64(buckets)
}

// settle ends the learning. Two visits say little about the spread of one bucket, so the variance of an hour is pooled over
// the days of the week, and with the hours beside it. A bucket that was never seen gets the mean of its hour, or of all.
func (s *Profile) settle(buckets int) {
	perDay := buckets / 7
	sums := func(h int) (mean, square, weight float64) {
		for b := h; b < buckets; b += perDay {
			w := float64(s.weight[b])
			mean, square, weight = mean+w*float64(s.mean[b]), square+w*float64(s.square[b]), weight+w
		}
		return mean, square, weight
	}
	var mean, square, weight float64
	for h := range perDay {
		m, q, w := sums(h)
		mean, square, weight = mean+m, square+q, weight+w
	}
	s.centre = mean / weight
	// Variance about a mean of the same n readings is (n-1)/n of the variance. Readings that were all alike are taken to
	// have a spread of 1e-5 of their value, so that the first that differs has a finite deviation.
	n := max(float64(s.readings)/float64(buckets), 1.5)
	s.noise = max(square/weight*n/(n-1), 1e-10*max(s.centre*s.centre, 1e-6))

	var pooled [weekHours]float64
	for h := range perDay {
		_, q, w := sums(h)
		_, ql, wl := sums((h + perDay - 1) % perDay)
		_, qr, wr := sums((h + 1) % perDay)
		pooled[h] = s.noise
		if w := 2*w + wl + wr; w > 0 {
			// Never under a tenth of the mean spread: an hour that happened to read the same twice is not free of noise.
			pooled[h] = max((2*q+ql+qr)/w*n/(n-1), s.noise/100)
		}
	}
	for b := range buckets {
		if s.weight[b] == 0 {
			s.mean[b] = float32(s.centre)
			if m, _, w := sums(b % perDay); w > 0 {
				s.mean[b] = float32(m / w)
			}
		}
	}
	for b := range buckets {
		s.weight[b] = max(s.weight[b], 1)
		s.square[b] = float32(pooled[b%perDay])
	}
	s.scale, s.level = 1, s.centre
	s.vScale, s.vLvl = scaleDoubt*scaleDoubt, s.noise
	s.settled = true
}

// variance is that of a reading about the expectation: of the reading, and of the mean of so many visits.
func (s *Profile) variance(b int) float64 {
	return float64(s.square[b]) * (1 + 1/float64(s.weight[b]))
}

// follow lets scale and level follow a residual e, seen at the given shape.
func (s *Profile) follow(forget, shape, e, spread float64) {
	ps := s.vScale*shape + s.vBoth
	pl := s.vBoth*shape + s.vLvl
	v := spread*spread + shape*ps + pl
	c := cut * math.Sqrt(v)
	e = min(max(e, -c), c)
	s.scale += ps / v * e
	s.level += pl / v * e
	s.vScale = (s.vScale - ps*ps/v) / forget
	s.vBoth = (s.vBoth - ps*pl/v) / forget
	s.vLvl = (s.vLvl - pl*pl/v) / forget
	// A flat pattern says nothing about its scale, and forgetting would let the doubt grow without end.
	if s.vScale > maxScale {
		s.vBoth *= math.Sqrt(maxScale / s.vScale)
		s.vScale = maxScale
	}
}

// remember takes a residual, cut already, into its bucket.
func (s *Profile) remember(p *ProfileParams, b int, visit, e float64) {
	w := min(float64(s.weight[b])+visit, max(p.Memory, 1))
	s.weight[b] = float32(w)
	gain := min(visit/w, 1)
	s.mean[b] += float32(gain * e / max(s.scale, minScale))
	s.square[b] = float32(max(float64(s.square[b])+gain*(e*e-float64(s.square[b])), s.noise/100))
}

const profileVersion = 1

// AppendBinary appends the profile's state, 2,122 bytes.
func (s *Profile) AppendBinary(b []byte) ([]byte, error) {
	return writeState(b, profileVersion, s.fields)
}

// UnmarshalBinary takes up a state that AppendBinary wrote.
func (s *Profile) UnmarshalBinary(b []byte) error {
	var n Profile
	if err := readState(b, "profile", profileVersion, n.fields); err != nil {
		return err
	}
	*s = n
	return nil
}

func (s *Profile) fields(c *codec) {
	c.flag(&s.settled)
	c.i64(&s.begun, &s.last, &s.readings)
	c.f64(&s.centre, &s.noise, &s.scale, &s.level, &s.vScale, &s.vBoth, &s.vLvl, &s.prev, &s.product, &s.power)
	for i := range weekHours {
		c.f32(&s.mean[i], &s.square[i], &s.weight[i])
	}
}
