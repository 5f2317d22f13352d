package forecast

import "math"

// TrendParams say how a Trend looks back and ahead. They serve any number of series and are read-only.
type TrendParams struct {
	Memory int64 // µs: a reading so old counts 1/e in the line
	Ahead  int64 // µs: how far a forecast reaches, at most some times Memory
	Damp   int64 // time constant, µs, with which the slope fades; 0: it does not
	Every  int64 // longest time between two readings, µs, over which a straight line tells what was between
	Cover  Cover
}

// steps is into how many a path is cut.
const steps = 32

// trendLeads are the leads at which a Trend holds its forecasts against what came, as parts of Ahead.
var trendLeads = [...]int64{16, 8, 4, 2, 1}

// proven is how many forecasts of the shortest lead must have been judged before the trend says anything.
const proven = 8

// Trend is the state of one series that goes straight on: a line through the recent readings by least squares with
// exponential weights, and how far off such lines were. The zero value has seen nothing. Readings may be irregular.
//
//	minimise  Σ exp(-(t-ti)/Memory) (xi - a - b (ti-t))²
//	forecast  a + b Damp (1 - exp(-h/Damp))           (damped trend: Gardner and McKenzie, Management Science 31, 1985)
//
// Least squares with discounted weights is Brown's double smoothing where readings are regular (Abraham and Ledolter,
// "Statistical Methods for Forecasting", §3.5), and needs no care where they are not. The band of a lead is learned from
// the trend's own errors at that lead, one forecast at a time; in between it is on a line, and for a lead not yet judged it grows with the lead.
//
// A gap of several Memory leaves nothing of the line, which begins anew, level, at the next reading.
type Trend struct {
	at                 int64
	x                  float64
	s0, s1, s2, y0, y1 float64 // Σw, Σwu, Σwu², Σw(x-x0), Σwu(x-x0); u = (ti-t)/Memory <= 0; x0 the newest reading
	tries              [len(trendLeads)]attempt
}

// attempt is the record of one lead, and the forecast that waits for its outcome.
type attempt struct {
	due          int64 // 0: none waits
	likely       float64
	below, above float64
	judged       int64
	size         float64 // usual absolute error
	band         Spread
}

// Next takes a reading; one that is not newer than the last, or before 1970, is left aside.
func (s *Trend) Next(p *TrendParams, at int64, x float64) {
	if s.at == 0 && at > 0 {
		*s = Trend{at: at, x: x, s0: 1}
		return
	}
	if at <= s.at {
		return
	}
	s.judge(p, at, x)
	d := float64(at-s.at) / float64(p.Memory)
	keep := math.Exp(-d)
	// The line's origin moves to the new reading: u' = u - d, x0' = x.
	c := x - s.x
	y0 := s.y0 - c*s.s0
	y1 := s.y1 - c*s.s1 - d*y0
	s.s2 = keep * (s.s2 - 2*d*s.s1 + d*d*s.s0)
	s.s1 = keep * (s.s1 - d*s.s0)
	s.s0 = keep*s.s0 + 1
	s.y0, s.y1 = keep*y0, keep*y1
	s.at, s.x = at, x
	s.try(p)
}

// line is the level now and the slope per Memory.
func (s *Trend) line() (level, slope float64) {
	det := s.s0*s.s2 - s.s1*s.s1
	if det < 1e-9*s.s0*s.s0 {
		return s.x + s.y0/s.s0, 0
	}
	slope = (s.s0*s.y1 - s.s1*s.y0) / det
	return s.x + (s.y0-slope*s.s1)/s.s0, slope
}

// on is where the line is a time h after the newest reading.
func (p *TrendParams) on(level, slope float64, h int64) float64 {
	u := float64(h) / float64(p.Memory)
	if p.Damp > 0 {
		d := float64(p.Damp) / float64(p.Memory)
		u = d * (1 - math.Exp(-u/d))
	}
	return level + slope*u
}

// judge holds the forecasts that are due by now against the line from the last reading to this one.
func (s *Trend) judge(p *TrendParams, at int64, x float64) {
	for i := range s.tries {
		a := &s.tries[i]
		if a.due == 0 || a.due > at {
			continue
		}
		if at-s.at <= p.Every {
			e := s.x + (x-s.x)*float64(a.due-s.at)/float64(at-s.at) - a.likely
			if a.judged == 0 {
				a.band = Spread{1.6, 1.6}
			} else {
				a.band.Learn(&p.Cover, -e > a.below, e > a.above)
			}
			a.judged++
			a.size += (math.Abs(e) - a.size) * max(p.Cover.Rate, 1/float64(a.judged))
		}
		a.due = 0
	}
}

// try makes a forecast for each lead at which none waits.
func (s *Trend) try(p *TrendParams) {
	level, slope := s.line()
	for i := range s.tries {
		a := &s.tries[i]
		if lead := p.Ahead / trendLeads[i]; a.due == 0 {
			a.due, a.likely = s.at+lead, p.on(level, slope, lead)
			a.below, a.above = a.size*a.band.below, a.size*a.band.above
		}
	}
}

// Forecast is the path as seen at the given time, not earlier than the newest reading; what has passed since counts as
// lead. It is false until enough forecasts have been judged to say how good they are.
func (s *Trend) Forecast(p *TrendParams, now int64) (Path, bool) {
	if s.tries[0].judged < proven || now < s.at {
		return Path{}, false
	}
	level, slope := s.line()
	step := p.Ahead / steps
	out := Path{From: now + step, Step: step, Now: now, At: p.on(level, slope, now-s.at),
		Likely: make([]float64, steps), Below: make([]float64, steps), Above: make([]float64, steps)}
	for k := range steps {
		h := out.From + int64(k)*step - s.at
		out.Likely[k] = p.on(level, slope, h)
		out.Below[k], out.Above[k] = s.margins(p, h)
	}
	return out, true
}

// margins is the band at a lead.
func (s *Trend) margins(p *TrendParams, h int64) (below, above float64) {
	var at float64 // of the lead before
	for i := range s.tries {
		a := &s.tries[i]
		lead := float64(p.Ahead / trendLeads[i])
		if i > 0 && a.judged < proven { // not proven: as the lead before, grown with the lead
			return below * float64(h) / at, above * float64(h) / at
		}
		b, c := a.size*a.band.below, a.size*a.band.above
		if float64(h) <= lead {
			if i == 0 {
				return b, c
			}
			f := (float64(h) - at) / (lead - at)
			return below + f*(b-below), above + f*(c-above)
		}
		at, below, above = lead, b, c
	}
	return below * float64(h) / at, above * float64(h) / at
}
