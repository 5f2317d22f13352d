package verify

// reliabilityBins is how many classes of probability the reliability table has.
const reliabilityBins = 10

// Probabilities scores forecasts that say how likely an event is, one at a time, in constant memory. The zero value has
// seen none.
type Probabilities struct {
	n, happened int
	squares     float64 // sum of (p - o)^2
	bins        [reliabilityBins]struct {
		n, happened int
		sum         float64
	}
}

// Add takes one forecast's probability and whether the event came. What is no probability is refused.
func (s *Probabilities) Add(p float64, happened bool) bool {
	if !(p >= 0 && p <= 1) {
		return false
	}
	o := 0.0
	b := &s.bins[min(int(p*reliabilityBins), reliabilityBins-1)]
	if happened {
		o = 1
		s.happened++
		b.happened++
	}
	s.n++
	b.n++
	b.sum += p
	s.squares += (p - o) * (p - o)
	return true
}

// N is how many forecasts were taken.
func (s *Probabilities) N() int { return s.n }

// Brier is the mean of (p - o)^2: 0 is perfect, 1 always wrong. Brier 1950, Mon. Weather Rev. 78, 1.
func (s *Probabilities) Brier() Score {
	if s.n == 0 {
		return Undefined()
	}
	return Score(s.squares / float64(s.n))
}

// Climate is the Brier score of who always says how often the event came in these forecasts: o(1-o).
func (s *Probabilities) Climate() Score {
	o := ratio(s.happened, s.n)
	return o * (1 - o)
}

// Skill is 1 - Brier/Climate: 1 is perfect, 0 no better than the long-run frequency, below 0 worse. Undefined where the
// event came always or never: then there was nothing to tell apart.
func (s *Probabilities) Skill() Score {
	climate := s.Climate()
	if !climate.Defined() || climate == 0 {
		return Undefined()
	}
	return 1 - s.Brier()/climate
}

// Bin is one row of the reliability table: of the forecasts from Low to High, how many there were, what they said on the
// average, and how often the event came.
type Bin struct {
	Low      float64  `json:"low"`
	High     float64  `json:"high"`
	N        int      `json:"n"`
	Said     Score    `json:"said"`
	Happened Score    `json:"happened"`
	Interval Interval `json:"happened_95" doc:"Wilson interval, 95 %"`
}

// Reliability is the reliability table, the empty rows included. Who says 30 % should see the event in 30 % of the cases.
// Murphy and Winkler 1977, J. R. Stat. Soc. C 26, 41.
func (s *Probabilities) Reliability() []Bin {
	out := make([]Bin, reliabilityBins)
	for i, b := range s.bins {
		said := Undefined()
		if b.n > 0 {
			said = Score(b.sum / float64(b.n))
		}
		out[i] = Bin{
			Low: float64(i) / reliabilityBins, High: float64(i+1) / reliabilityBins, N: b.n,
			Said: said, Happened: ratio(b.happened, b.n), Interval: Wilson(b.happened, b.n),
		}
	}
	return out
}

// ProbabilityScores are the figures as they are published.
type ProbabilityScores struct {
	Forecasts   int   `json:"forecasts"`
	Happened    int   `json:"happened"`
	Brier       Score `json:"brier" doc:"mean of (probability - outcome)^2"`
	Climate     Score `json:"brier_climate" doc:"of who always says the frequency in this sample"`
	Skill       Score `json:"brier_skill" doc:"1 - brier/brier_climate"`
	Reliability []Bin `json:"reliability"`
}

// Scores are the figures.
func (s *Probabilities) Scores() ProbabilityScores {
	return ProbabilityScores{s.n, s.happened, s.Brier(), s.Climate(), s.Skill(), s.Reliability()}
}

// Merge takes in what another one has counted.
func (s *Probabilities) Merge(o *Probabilities) {
	s.n += o.n
	s.happened += o.happened
	s.squares += o.squares
	for i := range s.bins {
		s.bins[i].n += o.bins[i].n
		s.bins[i].happened += o.bins[i].happened
		s.bins[i].sum += o.bins[i].sum
	}
}
