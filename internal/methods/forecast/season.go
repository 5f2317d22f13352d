package forecast

import "math"

const (
	daily  = 24 // hours
	weekly = 7 * daily
	kept   = weekly + 2*daily // how far back the terms reach, seen from a day ago

	// MaxInputs is how many other quantities a Season takes along.
	MaxInputs = 6
	mainTerms = 18 + MaxInputs
	maxTerms  = mainTerms + 20
)

// Habits say what kind of series a Season follows and how it learns. The same Habits serve any number of series and are
// read-only.
type Habits struct {
	// Log lets the series be forecast as ln(x + Shift): for what is never negative and varies by factors. Forecasts are then
	// medians.
	Log   bool
	Shift float64

	// Week: the days of the week differ and so do the hours of the day, as in what people use.
	Week bool

	// Level is the time constant, in hours, of the level that the series comes back to; 0 for the mean of all that was seen.
	Level float64

	Inputs int     // how many other quantities are taken along, MaxInputs at most
	Memory float64 // hours that the learning reaches back: what is so old counts 1/e

	// Clip is how many usual errors one hour may teach: a holiday or a broken meter is not to bend the habits of all days.
	Clip float64

	Cover Cover
}

// Season is the state of one hourly series that has the habits of the day, and perhaps of the week: it forecasts the same
// hour of the next day. The zero value has seen nothing. It takes some 18 kB: for the few
// series of a city that are worth a day-ahead forecast, not for each sensor.
//
// The forecast is a line in what is known a day before; its weights are learned by recursive least squares with
// exponential forgetting (Ljung, "System Identification", 2nd ed., §11.2; here as normal equations with a ridge, which
// forgetting cannot wind up). With v the series, d(t) = v(t) - v(t-24) and u(h) the usual d of an hour of the week:
//
//	v(t+24) - v(t) = w . ( 1, m3-v, m24-v, m168-v, l-v       means of the last 3, 24, 168 hours; exponential mean over Level
//	                       e, e3, e24                         e = d - u, today's excess, and its means
//	                       f, f3, f24                         the same of the series beside
//	                       harmonics of the hour of the day,
//	                       inputs
//	                       u(t+24), d(t-144), v(t-144)-v      with Week: the usual change, and last week's; and of these,
//	                       ... cos, ... sin )                 m, e and f times the first harmonic
//
// An hour that errs by more than Clip usual errors counts less (Huber's weights). Holidays are not known to it: such a day
// errs, teaches little, and widens the band.
//
// An hour without a reading is filled with its own forecast, teaches nothing, and is not judged. After a gap of more than
// nine days the series is as new, but for what was learned. Hours are counted as they come: where clocks change, the
// caller gives local time or lives with a day that is shifted.
type Season struct {
	slot int64 // newest hour
	seen int64 // hours since the first, or since the last long gap
	fed  int64 // hours that taught, ever

	v     [kept + daily]float64
	in    [daily + 1][MaxInputs]float64
	told  [daily]promise     // what was forecast for the hour
	level [daily + 1]float64 // exponential mean
	self  excess
	other excess // of the series beside

	a    [maxTerms * (maxTerms + 1) / 2]float64
	b, w [maxTerms]float64

	size float64 // usual absolute error
	band Spread

	errors [daily]float64    // of the last hours; NaN: not judged
	soon   [daily - 1]nearby // what the newest hour says of the next ones
}

// promise is a forecast of an hour and the margins of its band. A likely of NaN: nothing was forecast.
type promise struct{ likely, below, above float64 }

// Next takes the reading of an hour (the one that at lies in): of the series, of the series beside it (the mean of its
// neighbours; NaN for none or unknown), and the inputs, NaN for unknown. An hour not newer than the last is left aside.
func (s *Season) Next(p *Habits, at int64, x, beside float64, inputs []float64) {
	slot := at / hour
	v := p.in(x)
	switch {
	case slot <= s.slot:
		return
	case s.slot == 0 || slot-s.slot > kept:
		s.restart(slot, v, p.in(beside))
		return
	}
	for s.slot < slot-1 {
		s.advance(p, s.expected(s.slot+1), math.NaN(), nil, false)
	}
	s.advance(p, v, p.in(beside), inputs, true)
}

func (s *Season) restart(slot int64, v, beside float64) {
	s.slot, s.seen = slot, 1
	for i := range s.v {
		s.v[i] = v
	}
	for i := range s.told {
		s.told[i].likely, s.errors[i] = math.NaN(), math.NaN()
	}
	for i := range s.level {
		s.level[i] = v
	}
	s.self.restart(v)
	s.other.restart(beside)
	if s.band == (Spread{}) {
		s.band = Spread{1.6, 1.6} // holds 80 % of normal errors, counted in mean absolute ones
	}
}

// at is the series at an hour that is at most kept + daily old.
func (s *Season) at(slot int64) float64 { return s.v[slot%int64(len(s.v))] }

// expected is what an hour without a reading is filled with.
func (s *Season) expected(slot int64) float64 {
	if x := s.told[slot%daily].likely; !math.IsNaN(x) {
		return x
	}
	return s.at(slot - daily)
}

// advance goes to the next hour. It learns before the usual change of this hour is brought up to date, so that the terms
// are what they were when the forecast was made.
func (s *Season) advance(p *Habits, v, beside float64, inputs []float64, read bool) {
	s.slot++
	s.seen++
	told := s.told[s.slot%daily]
	s.v[s.slot%int64(len(s.v))] = v
	error := math.NaN()
	if read && !math.IsNaN(told.likely) {
		error = v - told.likely
		s.judge(p, error, told)
		for k := range s.soon {
			past := s.slot - int64(k) - 1
			s.soon[k].learn(p, error, s.errors[past%daily], s.at(past)-told.likely)
		}
	}
	s.errors[s.slot%daily] = error
	if read && s.seen > kept+daily {
		s.learn(p, v, told.likely)
	}
	s.keep(p, inputs)
	s.settle(p, v)
	pace := max(0.05, 1/(1+float64(s.fed/weekly)))
	if !p.Week {
		pace = 0
	}
	s.self.advance(s.slot, v, pace, read)
	s.other.advance(s.slot, beside, pace, read)
	s.foretell(p)
}

// settle brings the level up to date.
func (s *Season) settle(p *Habits, v float64) {
	n, pace := int64(len(s.level)), 1/float64(s.seen)
	if p.Level > 0 {
		pace = max(pace, 1/p.Level)
	}
	was := s.level[(s.slot+n-1)%n]
	s.level[s.slot%n] = was + (v-was)*pace
}

// keep writes down the inputs; one that is unknown stays as it was.
func (s *Season) keep(p *Habits, inputs []float64) {
	n := int64(len(s.in))
	in := &s.in[s.slot%n]
	*in = s.in[(s.slot+n-1)%n]
	for i := range min(p.Inputs, len(inputs)) {
		if !math.IsNaN(inputs[i]) {
			in[i] = inputs[i]
		}
	}
}

// judge takes the error of a forecast.
func (s *Season) judge(p *Habits, e float64, told promise) {
	if s.size == 0 {
		s.size = math.Abs(e)
	} else {
		s.band.Learn(&p.Cover, -e > told.below, e > told.above)
	}
	s.size += (math.Abs(e) - s.size) / (14 * daily)
}

// terms writes what was known at hour t, a day at most ago, of the hour a day after it. It returns how many terms there
// are, and how many of them are main ones.
func (s *Season) terms(p *Habits, t int64, f *[maxTerms]float64) (all, main int) {
	v := s.at(t)
	sin, cos := math.Sincos(2 * math.Pi * float64(t%daily) / daily)
	*f = [maxTerms]float64{
		s.mean(t, 3) - v, s.mean(t, daily) - v, s.mean(t, weekly) - v,
		s.self.at(t), s.self.mean(t, 3), s.self.mean(t, daily),
		s.other.at(t), s.other.mean(t, 3), s.other.mean(t, daily),
		s.self.usual[(t+daily)%weekly], // the last of those that differ with the hour of the day
		s.level[t%int64(len(s.level))] - v, 1, sin, cos,
	}
	const differ, own = 10, 14
	n := own
	n += copy(f[n:], s.in[t%int64(len(s.in))][:p.Inputs])
	if !p.Week {
		return n, n
	}
	back := s.at(t - 6*daily)
	n += copy(f[n:], []float64{back - s.at(t-weekly), back - v, 2 * sin * cos, cos*cos - sin*sin})
	for i := range differ {
		f[n+2*i], f[n+2*i+1] = f[i]*sin, f[i]*cos
	}
	return n + 2*differ, n
}

func (s *Season) mean(t, n int64) float64 {
	sum := 0.
	for k := range n {
		sum += s.at(t - k)
	}
	return sum / float64(n)
}

// learn takes the hour that has come as the answer to what was known a day before.
func (s *Season) learn(p *Habits, v, told float64) {
	var f [maxTerms]float64
	n, main := s.terms(p, s.slot-daily, &f)
	weight := 1.
	if e := math.Abs(v - told); e > p.Clip*s.size && s.size > 0 {
		weight = p.Clip * s.size / e
	}
	v -= s.at(s.slot - daily)
	keep := 1 - 1/p.Memory
	k := 0
	for i := range n {
		for j := range i + 1 {
			s.a[k] = keep*s.a[k] + weight*f[i]*f[j]
			k++
		}
		s.b[i] = keep*s.b[i] + weight*f[i]*v
	}
	s.fed++
	solve(n, main, &s.a, &s.b, &s.w)
}

// foretell writes down what is forecast for the same hour of the next day. Until a fortnight has taught, it is the same hour of
// today.
func (s *Season) foretell(p *Habits) {
	x := math.NaN()
	if s.seen > daily {
		x = s.at(s.slot)
	}
	if s.seen > kept && s.fed > 2*weekly {
		var f [maxTerms]float64
		n, _ := s.terms(p, s.slot, &f)
		for i := range n {
			x += s.w[i] * f[i]
		}
	}
	s.told[s.slot%daily] = promise{x, s.size * s.band.below, s.size * s.band.above}
}

// Day is the forecast of the hour a day after the newest reading, and its band. It is false in the first day.
func (s *Season) Day(p *Habits) (likely, low, high float64, ok bool) {
	x := s.told[s.slot%daily]
	if s.slot == 0 || math.IsNaN(x.likely) {
		return 0, 0, 0, false
	}
	return p.out(x.likely), p.out(x.likely - x.below), p.out(x.likely + x.above), true
}

// Forecast is the path of the next 24 hours, from the hour of the newest reading. Each of them was forecast a day before
// it; what the newest hour says beyond that is put on top. It is false in the first two days.
func (s *Season) Forecast(p *Habits) (Path, bool) {
	if s.seen < 2*daily {
		return Path{}, false
	}
	now, v := s.slot*hour, s.at(s.slot)
	path := Path{From: now + hour, Step: hour, Now: now, At: p.out(v), Likely: make([]float64, daily),
		Below: make([]float64, daily), Above: make([]float64, daily)}
	for k := range path.Likely {
		x := s.told[(s.slot+int64(k)+1)%daily]
		if k < len(s.soon) {
			x = s.soon[k].nearer(x, s.errors[s.slot%daily], v-x.likely)
		}
		path.Likely[k] = p.out(x.likely)
		path.Below[k] = path.Likely[k] - p.out(x.likely-x.below)
		path.Above[k] = p.out(x.likely+x.above) - path.Likely[k]
	}
	return path, true
}

func (p *Habits) in(x float64) float64 {
	if p.Log {
		return math.Log(max(x+p.Shift, 1e-9)) // NaN stays NaN
	}
	return x
}

func (p *Habits) out(v float64) float64 {
	if p.Log {
		return math.Exp(v) - p.Shift
	}
	return v
}
