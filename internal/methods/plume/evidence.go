package plume

import "math"

// Site is what stands where, and how the wind of the place behaves. The same Site serves any number of alerts.
type Site struct {
	Sources     []Point // the candidates
	Instruments []Point

	// Blank is an excess that clean air shows too. Only what lies above it counts.
	Blank float64

	// Meander is how many degrees the wind turns about its average within a step and over the site (standard deviation).
	Meander float64

	// Calm is the least wind speed, in m/s, that carries a plume: a step with less says nothing about where gas is from.
	Calm float64

	// Look is the time in µs for one piece of evidence: how long what a plume leaves unexplained at an instrument stays
	// alike (its integral time). The instruments of a step are one piece together, since they share an error of the wind
	// and a plume reaches about one of them at a time.
	Look int64

	// Memory is the time constant in µs with which evidence fades, so that a second source that follows the first within
	// one alert is seen.
	Memory int64

	// Every is the longest time in µs that one step speaks for. After a longer gap evidence has faded by the whole gap,
	// and the step counts as one of Every.
	Every int64
}

// Evidence is what the steps of one alert say about each candidate. The zero value has seen nothing.
//
// Each candidate is a regression, through the origin, of what the instruments saw on what they would have seen had the
// gas come from it:
//
//	√excess = √rate √dilution + residual
//
// over all instruments and steps. The root stands between the gas itself, where the few highest readings would decide
// alone, and its logarithm, where readings without gas would. (The published method for the METEC recording, Daniels, Jia
// and Hammerling, Elementa 12(1):00110, 2024, correlates gas and simulated puffs directly.) With n looks, and R² the
// share of the sum of squares that is explained, the odds of a candidate against "none of these" are
//
//	n^(-1/2) (1-R²)^(-n/2)
//
// (Schwarz, Annals of Statistics 6, 1978, for one fitted number), all candidates and "none of these" being equally
// probable beforehand. The state does not grow with the length of the alert. Copy it with Clone.
type Evidence struct {
	sources []sums
	seen    float64 // sum of excess over instruments and steps
	windy   float64 // µs with a wind that carries
	calm    float64 // µs without, or without a known wind
	at      int64
}

// sums are one candidate's, over instruments and steps. All sums are weighted with time and fade.
type sums struct {
	expected float64 // of dilution
	both     float64 // of √(dilution excess)
}

// Next takes one step: the wind, and what each instrument read above its background, in the order of Site.Instruments,
// NaN where it is missing. Steps come in order of time; one that is not later than the last is left out. The first step
// counts as one of Every. It allocates on the first step only.
func (e *Evidence) Next(s *Site, at int64, w Wind, excess []float64) {
	span := s.Every
	if e.at != 0 {
		if at <= e.at {
			return
		}
		span = min(at-e.at, s.Every)
		e.fade(math.Exp(-float64(at-e.at) / float64(s.Memory)))
	}
	e.at = at
	if len(e.sources) != len(s.Sources) {
		e.sources = make([]sums, len(s.Sources))
	}
	dt := float64(span)
	if !(w.Speed >= s.Calm) || math.IsNaN(w.From) {
		e.calm += dt
		return
	}
	e.windy += dt
	for i, x := range excess {
		if math.IsNaN(x) {
			continue
		}
		x = max(x-s.Blank, 0)
		e.seen += dt * x
		for k := range e.sources {
			a := Dilution(w, s.Meander, s.Sources[k], s.Instruments[i])
			e.sources[k].expected += dt * a
			e.sources[k].both += dt * math.Sqrt(a*x)
		}
	}
}

func (e *Evidence) fade(by float64) {
	e.seen *= by
	e.windy *= by
	e.calm *= by
	for k := range e.sources {
		e.sources[k].expected *= by
		e.sources[k].both *= by
	}
}

// Verdict is what can be said about the source.
type Verdict uint8

const (
	Undecided Verdict = iota // no candidate is more probable than all else together, or there are not yet two looks
	Named                    // one is
	NoWind                   // for most of the time no wind, or no known wind, carried gas anywhere
)

// Finding is the state of the evidence in short.
type Finding struct {
	Verdict     Verdict
	Source      int     // the likeliest candidate, also when it is not Named; -1 when nothing speaks for any
	Probability float64 // of it
}

// Finding tells the likeliest candidate, and whether it can be named.
func (e *Evidence) Finding(s *Site) Finding {
	var room [32]float64
	f := Finding{Source: -1}
	for k, p := range e.Probabilities(s, room[:0]) {
		if p > f.Probability && e.Explained(k) > 0 {
			f.Source, f.Probability = k, p
		}
	}
	switch {
	case e.calm > e.windy:
		f.Verdict = NoWind
	case f.Probability > 0.5 && e.windy >= 2*float64(s.Look): // one fitted number explains one look whatever it is
		f.Verdict = Named
	}
	return f
}

// Probabilities appends how probable each candidate is; what is missing to 1 is the probability of "none of these".
func (e *Evidence) Probabilities(s *Site, to []float64) []float64 {
	n := max(e.windy/float64(s.Look), 1)
	from, most := len(to), 0.0 // 0 is the logarithm of the odds of "none of these"
	for k := range s.Sources {
		odds := -0.5*math.Log(n) - 0.5*n*math.Log(max(1-e.Explained(k), 1e-12))
		to = append(to, odds)
		most = max(most, odds)
	}
	sum := math.Exp(-most)
	for k := from; k < len(to); k++ {
		to[k] = math.Exp(to[k] - most)
		sum += to[k]
	}
	for k := from; k < len(to); k++ {
		to[k] /= sum
	}
	return to
}

// Explained is the share of what was seen that the candidate explains, from 0 to 1: R² of its regression.
func (e *Evidence) Explained(source int) float64 {
	if source >= len(e.sources) || e.seen == 0 || e.sources[source].expected == 0 {
		return 0
	}
	c := e.sources[source]
	return min(c.both*c.both/(c.expected*e.seen), 1)
}

// Rate is the emission that would explain what was seen, had it come from the candidate, in the unit of the excess times
// m³/s: with ppm, millilitres of gas per second. It is good for an order of size only: over the 17 METEC releases of
// bench/methane it is 0.4 of what was metered in the middle, and from 0.03 to 9 in the extremes.
func (e *Evidence) Rate(source int) float64 {
	if source >= len(e.sources) || e.sources[source].expected == 0 {
		return 0
	}
	c := e.sources[source]
	return c.both * c.both / (c.expected * c.expected)
}
