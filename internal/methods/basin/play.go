package basin

import (
	"slices"
	"time"
)

// Game is a plant in its weather, for a Policy to be tried on: what an exercise and the bench do.
type Game struct {
	Plant *Basin
	Start State
	Truth Weather
	Span  time.Duration
	Every time.Duration // between two decisions
	Step  time.Duration // of the plant
	// Forecast is the weather from now on as it is told now; nil tells the truth.
	Forecast func(now time.Duration) Weather
	Failures []Failure
}

// Failure leaves a station with fewer units from a time on; nobody knows before.
type Failure struct {
	At        time.Duration
	Station   int
	Available int
}

// Moment is the game at the beginning of a block.
type Moment struct {
	At       time.Duration
	Settings Settings
	Stages   []float64
	Outer    float64
}

// Play lets a policy decide through the whole game.
func (g Game) Play(p Policy) (Meter, []Moment, error) {
	s, m := g.Start, Meter{}
	var moments []Moment
	var before []Meter
	for t := time.Duration(0); t < g.Span; t += g.Every {
		s = g.fail(s, t)
		told := g.Truth.After(t)
		if g.Forecast != nil {
			told = g.Forecast(t)
		}
		set, err := p(s.Clone(), told)
		if err != nil {
			return m, moments, err
		}
		moments = append(moments, Moment{t, set, g.Plant.Stages(s), g.Truth.outer(t)})
		// A failure within the block strikes when it does.
		for from, end := t, min(t+g.Every, g.Span); from < end; {
			to := end
			for _, f := range g.Failures {
				if f.At > from && f.At < to {
					to = f.At
				}
			}
			s = g.fail(s, from)
			if s, m, err = g.Plant.Run(s, set, g.Truth, from, to, g.Step, before...); err != nil {
				return m, moments, err
			}
			before = []Meter{m}
			from = to
		}
	}
	return m, moments, nil
}

func (g Game) fail(s State, now time.Duration) State {
	for _, f := range g.Failures {
		if f.At <= now && s.Available[f.Station] > f.Available {
			s.Available = slices.Clone(s.Available)
			s.Available[f.Station] = f.Available
		}
	}
	return s
}
