package joint

import (
	"fmt"
	"math"
	"slices"
)

// Phase is how far a Chart is.
type Phase uint8

// The phases of a Chart, in order.
const (
	Learning Phase = iota
	Calibrating
	Watching
)

// Result is what a row says. The statistics are multiples of their limits, 1 = the limit; all 0 before Watching.
type Result struct {
	Phase Phase

	T2 float64 // how far the row lies from the middle within the plane of usual variation (Hotelling 1947)
	Q  float64 // how far it lies off that plane (Jackson, Mudholkar 1979, "Control procedures for residuals associated with PCA", Technometrics 21:341)

	Relation float64 // the worst sensor's deviation from what the other sensors, and the rows before, say it should be
	Drift    float64 // the same, for the exponentially weighted mean of the deviations
	Rule     float64 // the worst breach of a rule: 0 at the extreme that was seen while learning, 1 at the bound
	Broken   Rule    // the rule that Rule speaks of, when Rule is not 0

	// By is each sensor's own part: the largest multiple of a limit in which it is the one that deviates. 0 for a missing
	// sensor. It is the chart's own memory and holds until the next row.
	By []float64
}

// Fresh is the largest statistic of this row alone, without Drift, which remembers earlier rows.
func (r Result) Fresh() float64 { return max(r.T2, r.Q, r.Relation, r.Rule) }

// Score is the largest statistic. A rule reads: Score() >= 1.
func (r Result) Score() float64 { return max(r.Fresh(), r.Drift) }

// families is how many statistics share Params.FalseAlarm, evenly (Bonferroni).
const families = 5

// driftClip is how many standard deviations of one row count in Drift while the limits are not known yet. Afterwards no
// more than the limit of Relation counts: beyond it Relation speaks, and a wild reading leaves no long memory.
const driftClip = 8

// Chart is the state of one asset. The zero value has seen nothing.
//
// What it computes, for a row x of readings, lagged readings and sines of the day, standardised, with correlation matrix
// C = U diag(l) Uᵀ and P = (C + ridge)⁻¹:
//
//	T2 = Σ_{j ≤ a} (u_jᵀx)²/l_j      Q = |x|² - Σ_{j ≤ a} (u_jᵀx)²
//	z_i = (Px)_i / √P_ii             deviation of sensor i from its regression on all others, in standard deviations
//	e_i' = (1-Fade) e_i + Fade z_i   (a MEWMA by directions: Lowry, Woodall, Champ, Rigdon 1992, Technometrics 34:46)
//
// z_i² is also the reconstruction-based contribution of sensor i to the Mahalanobis distance xᵀPx (Alcala, Qin 2009,
// "Reconstruction-based contribution for process monitoring", Automatica 45:1593), which but for noise is largest for the
// sensor at fault when one alone is. It is what catches a falsified reading: T² and Q of a row with forty sensors hardly move
// when one of them lies.
//
// One row of 43 sensors with one lag takes 13 µs, while it watches.
//
// Missing sensors are replaced by their conditional mean given those at hand (Nelson, Taylor, MacGregor 1996, "Missing
// data methods in PCA and PLS", Chemometrics 35:45), and the deviations of the others are judged with the larger variance
// that then holds. That is no whole remedy: a flow is known from its pump's state and its pressure along a curve, not a line, so
// without one of them it deviates more than any variance says. A sensor that is judged without one that it rests on (see bereft)
// has a limit of its own, calibrated on the same rows with one of these left out at a time. A gap in time makes the lagged readings
// missing, and Drift fades over it as over rows without deviation.
type Chart struct {
	phase  Phase
	past   past
	learn  moments
	model  model
	rules  rules
	breach tail      // while Calibrating: the worst breach of each row
	tails  []tail    // while Calibrating: T2, Q, then each sensor's |z|, each sensor's |e|, each sensor's |z| where it is bereft
	limits []float64 // while Watching, in the same order
	drift  []float64 // e of each sensor

	work scratch
}

// scratch is memory that Next works in; it carries nothing from row to row.
type scratch struct {
	row, x, by []float64
	judge      judgement
}

// Phase tells how far the chart is.
func (s *Chart) Phase() Phase { return s.phase }

// Next takes the row of a time. A missing sensor is NaN; other values must be finite. Rows come in order of time. The
// chart must always be given the same p, or one with the same numbers of sensors, lags and harmonics. It allocates when
// a phase ends and when more sensors are missing than ever before, else nothing.
func (s *Chart) Next(p *Params, at int64, values []float64) Result {
	if len(values) != len(p.Sensors) {
		panic(fmt.Sprintf("joint: row of %d values for %d sensors", len(values), len(p.Sensors)))
	}
	s.begin(p)
	for i, v := range values {
		s.work.row[i] = round(v, p.Sensors[i].Resolution)
	}
	before := s.past.fill(p, at, s.work.row, s.work.x)
	clear(s.work.by)
	s.forget(p, at)
	r := Result{Phase: s.phase, By: s.work.by}
	switch s.phase {
	case Learning:
		if complete(s.work.x) {
			s.learnRow(p, before)
			if s.learn.n == p.Learn {
				s.startCalibrating(p)
			}
		}
	case Calibrating:
		if complete(s.work.x) {
			s.calibrateRow(p, before)
			s.learnRow(p, before)
			if s.learn.n == p.Learn+p.Calibrate {
				s.startWatching(p)
			}
		}
	case Watching:
		s.watchRow(p, before, &r)
	}
	s.past.push(at, s.work.row)
	return r
}

func (s *Chart) begin(p *Params) {
	n := len(p.Sensors)
	if len(s.work.row) == n {
		return
	}
	d := p.width()
	s.work.row, s.work.x, s.work.by = make([]float64, n), make([]float64, d), make([]float64, n)
	if s.drift != nil && !s.fits(n, p.Lags, d) {
		panic("joint: state of another chart: its sensors, lags or harmonics differ")
	}
	if s.drift == nil {
		s.drift = make([]float64, n)
		s.past = newPast(n, p.Lags)
		s.learn = newMoments(d)
		s.rules = newRules(p)
	}
}

// fits tells whether the state is one of n sensors, the lags, and vectors of d entries.
func (s *Chart) fits(n, lags, d int) bool {
	for _, i := range s.model.use {
		if int(i) >= d {
			return false
		}
	}
	return len(s.drift) == n && len(s.past.at) == max(lags, 1) && (s.phase == Watching || len(s.learn.mean) == d)
}

func (s *Chart) learnRow(p *Params, before []float64) {
	s.learn.add(s.work.x)
	s.rules.learn(p, s.work.row, before)
}

func (s *Chart) startCalibrating(p *Params) {
	s.phase = Calibrating
	s.model = fit(&s.learn, len(p.Sensors), p.Explained)
	s.rules.bind(p, &s.learn, s.ruleChance(p))
	s.breach = newTail(tailSize)
	s.tails = make([]tail, 2+3*len(p.Sensors))
	for i := range s.tails {
		s.tails[i] = newTail(tailSize)
	}
}

// calibrateRow notes how large each statistic gets on a row that was not learned.
func (s *Chart) calibrateRow(p *Params, before []float64) {
	j := s.model.judge(s.work.x, &s.work.judge)
	s.fade(p, j)
	s.breach.add(s.rules.count(s.work.row, before))
	s.tails[0].add(j.t2)
	s.tails[1].add(j.q)
	n := len(p.Sensors)
	for i, sensor := range s.model.sensors {
		s.tails[2+sensor].add(math.Abs(j.z[i]))
		s.tails[2+n+int(sensor)].add(math.Abs(s.drift[sensor]))
		s.tails[2+2*n+int(sensor)].add(s.model.worst(i, j))
	}
}

func (s *Chart) startWatching(p *Params) {
	s.phase = Watching
	q := p.FalseAlarm / families
	each := q / float64(len(s.model.sensors))
	s.limits = make([]float64, len(s.tails))
	for i := range s.tails {
		if i < 2 {
			s.limits[i] = s.tails[i].limit(q)
		} else {
			s.limits[i] = s.tails[i].limit(each)
		}
	}
	s.rules.admit(p, &s.learn, s.ruleChance(p), max(s.breach.limit(q), 1))
	s.model = fit(&s.learn, len(p.Sensors), p.Explained)
	s.tails, s.breach, s.learn = nil, tail{}, moments{}
}

// ruleChance is the false-alarm probability of one rule.
func (s *Chart) ruleChance(p *Params) float64 {
	return p.FalseAlarm / families / float64(s.rules.size())
}

func (s *Chart) watchRow(p *Params, before []float64, r *Result) {
	j := s.model.judge(s.work.x, &s.work.judge)
	s.allow(p, j)
	s.fade(p, j)
	r.T2, r.Q = over(j.t2, s.limits[0]), over(j.q, s.limits[1])
	r.Rule, r.Broken = s.rules.judge(p, s.work.row, before, r.By)
	n := len(p.Sensors)
	for i, x := range s.work.row {
		if math.IsNaN(x) {
			r.By[i] = 0 // a rule may have spoken of the reading before
		}
	}
	for i, sensor := range s.model.sensors {
		z, e := over(math.Abs(j.z[i]), s.limits[2+sensor]), over(math.Abs(s.drift[sensor]), s.limits[2+n+int(sensor)])
		r.Relation, r.Drift = max(r.Relation, z), max(r.Drift, e)
		if !math.IsNaN(s.work.row[sensor]) {
			r.By[sensor] = max(r.By[sensor], z, e)
		}
	}
}

// allow puts the deviations of sensors that are bereft in the measure of those that are not: as multiples of their own limit.
func (s *Chart) allow(p *Params, j *judgement) {
	n := len(p.Sensors)
	for i, sensor := range s.model.sensors {
		if usual, wide := s.limits[2+sensor], s.limits[2+2*n+int(sensor)]; j.bereft[i] && wide > usual {
			j.z[i] *= usual / wide
		}
	}
}

// fade moves the weighted mean of each sensor's deviations, but for those that are missing.
func (s *Chart) fade(p *Params, j *judgement) {
	for i, sensor := range s.model.sensors {
		if math.IsNaN(s.work.row[sensor]) {
			continue
		}
		most := float64(driftClip)
		if s.phase == Watching {
			most = min(most, s.limits[2+sensor])
		}
		z := min(max(j.z[i], -most), most)
		s.drift[sensor] += p.Fade * (z - s.drift[sensor])
	}
}

// forget lets Drift fade over the rows that are missing before at.
func (s *Chart) forget(p *Params, at int64) {
	rows := float64(s.past.since(at)) / float64(p.Every)
	if s.phase == Learning || rows < 1.5 {
		return
	}
	keep := math.Pow(1-p.Fade, rows-1)
	for i := range s.drift {
		s.drift[i] *= keep
	}
}

// over is x as a multiple of its limit. A sensor that took part in the last fit but in no row of the calibration has no limit:
// it was constant while the first fit was made, and what it says now rests on too little.
func over(x, limit float64) float64 {
	if limit <= 0 {
		return 0
	}
	return x / limit
}

func round(x, step float64) float64 {
	if step <= 0 {
		return x
	}
	return math.Round(x/step) * step
}

func complete(x []float64) bool {
	return !slices.ContainsFunc(x, math.IsNaN)
}
