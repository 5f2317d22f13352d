package main

import (
	"math"
	"time"

	"github.com/anlan-city/anlan/internal/methods/basin"
)

// city is a made-up basin of 6.4 km² by a tidal river: two low quarters whose tanks are pumped into a canal, a western quarter and
// the canal's own banks that run into it by themselves, a lake beside it, a tide gate and a pump station at its mouth. Sizes
// follow rules of thumb of such places (outfall pumps for some 11 mm of runoff an hour, tanks for some 15 minutes of a
// five-year rain).
func city() *basin.Basin {
	tank := func(name string, area, floor, least, usual, danger float64) basin.Storage {
		return basin.Storage{Name: name, Least: least, Usual: usual, Danger: danger, Curve: []basin.Point{
			{Stage: floor, Volume: 0}, {Stage: danger, Volume: area * (danger - floor)},
			{Stage: danger + 0.5, Volume: area*(danger-floor) + 20*area}, // above it the water stands in the streets
		}}
	}
	return &basin.Basin{
		Catchments: []basin.Catchment{
			{Name: "north quarter", Area: 1.4e6, Runoff: 0.70, Concentration: 30 * time.Minute, Base: 0.05, Into: "north tank"},
			{Name: "east quarter", Area: 1.0e6, Runoff: 0.75, Concentration: 25 * time.Minute, Base: 0.04, Into: "east tank"},
			{Name: "west quarter", Area: 2.4e6, Runoff: 0.55, Concentration: 60 * time.Minute, Base: 0.10, Into: "upper canal"},
			{Name: "banks", Area: 1.6e6, Runoff: 0.60, Concentration: 45 * time.Minute, Base: 0.06, Into: "lower canal"},
		},
		Storages: []basin.Storage{
			tank("north tank", 4000, -3, -2.5, -2, 1.2),
			tank("east tank", 3000, -3, -2.5, -2, 1.2),
			{Name: "upper canal", Least: 1.2, Usual: 1.8, Danger: 3.0, Curve: []basin.Point{{Stage: 0, Volume: 0}, {Stage: 1.2, Volume: 30e3}, {Stage: 3, Volume: 93e3}, {Stage: 3.6, Volume: 180e3}}},
			{Name: "lower canal", Least: 1.0, Usual: 1.6, Danger: 2.8, Curve: []basin.Point{{Stage: 0, Volume: 0}, {Stage: 1, Volume: 40e3}, {Stage: 2.8, Volume: 130e3}, {Stage: 3.4, Volume: 240e3}}},
			{Name: "lake", Least: 1.2, Usual: 1.7, Danger: 2.9, Curve: []basin.Point{{Stage: 0, Volume: 0}, {Stage: 2.9, Volume: 200e3}, {Stage: 3.5, Volume: 270e3}}},
		},
		Stations: []basin.Station{
			{Name: "north pumps", From: "north tank", To: "upper canal", Units: 4, Capacity: 1.5, Start: -1.5, Stop: -2.2, Between: 0.3, Hold: 20 * time.Minute, Loss: 0.8},
			{Name: "east pumps", From: "east tank", To: "lower canal", Units: 3, Capacity: 1.5, Start: -1.5, Stop: -2.2, Between: 0.3, Hold: 20 * time.Minute, Loss: 0.8},
			{Name: "mouth pumps", From: "lower canal", To: basin.Outer, Units: 4, Capacity: 3, Start: 1.9, Stop: 1.5, Between: 0.15, Hold: 30 * time.Minute, Loss: 0.6},
		},
		Gates: []basin.Gate{
			{Name: "middle gate", From: "upper canal", To: "lower canal", Width: 8, Sill: 0.5, Height: 2.5},
			{Name: "lake gate", From: "lower canal", To: "lake", Width: 5, Sill: 0.8, Height: 2},
			{Name: "tide gate", From: "lower canal", To: basin.Outer, Width: 10, Sill: 0.2, Height: 3, Flap: true},
		},
	}
}

// start is the city in dry weather with its gates as they usually stand: middle and tide gate open, lake gate shut.
func start(b *basin.Basin) basin.State {
	s := b.Dry()
	s.Openings = []float64{1, 0, 1}
	return s
}

const (
	every    = 30 * time.Minute
	rainStep = 10 * time.Minute
)

type scenario struct {
	name     string
	span     time.Duration
	weather  basin.Weather
	failures []basin.Failure
}

// scenarios are the three: the rains are triangles, the tide a sine. One thing was changed after the first run: the long rain was
// made heavier (230 mm, not 190), since under 190 mm equal filling keeps all dry and there is nothing to be better at. The
// lighter one is played beside them (kept), to show that the advice does not lose what a simpler rule keeps.
func scenarios() []scenario {
	day := 24 * time.Hour
	return []scenario{
		{"short cloudburst", day, weather(day, tide(1.6, 1.2, 5*time.Hour), storm{from: 5 * time.Hour, span: 2 * time.Hour, total: 75}), nil},
		{"long rain, high tide", 36 * time.Hour, weather(36*time.Hour, tide(2.3, 1.1, 14*time.Hour), storm{from: 4 * time.Hour, span: 20 * time.Hour, total: 230}), nil},
		{"pump failure", day, weather(day, tide(1.9, 1.2, 9*time.Hour), storm{from: 4 * time.Hour, span: 6 * time.Hour, total: 95}),
			[]basin.Failure{{At: 6*time.Hour + 40*time.Minute, Station: 2, Available: 2}}},
	}
}

func kept() scenario {
	span := 36 * time.Hour
	return scenario{"long rain of 190 mm", span, weather(span, tide(2.3, 1.1, 14*time.Hour), storm{from: 4 * time.Hour, span: 20 * time.Hour, total: 190}), nil}
}

// storm is a rain of so many mm in all, heaviest at two fifths of its span.
type storm struct {
	from, span time.Duration
	total      float64
}

func (s storm) at(t time.Duration) float64 {
	x := float64(t-s.from) / float64(s.span)
	peak := 2 * s.total / s.span.Hours()
	switch {
	case x < 0 || x > 1:
		return 0
	case x < 0.4:
		return peak * x / 0.4
	default:
		return peak * (1 - x) / 0.6
	}
}

// tide has its high water at a time, so much above and below a mean.
func tide(mean, half float64, high time.Duration) func(time.Duration) float64 {
	return func(t time.Duration) float64 {
		return mean + half*math.Cos(2*math.Pi*float64(t-high)/float64(12*time.Hour+25*time.Minute))
	}
}

func weather(span time.Duration, outer func(time.Duration) float64, storms ...storm) basin.Weather {
	w := basin.Weather{Step: rainStep, Rain: [][]float64{nil}}
	for t := time.Duration(0); t < span+basin.DefaultHorizon; t += rainStep {
		rain := 0.
		for _, s := range storms {
			rain += s.at(t + rainStep/2)
		}
		w.Rain[0] = append(w.Rain[0], rain)
		w.Outer = append(w.Outer, outer(t))
	}
	return w
}

// wrong is a forecast that is wrong in its own way, always.
type wrong struct {
	name   string
	amount float64       // of the rain
	late   time.Duration // foretold so much too late
	runoff float64       // of the plant, against the model
	none   bool          // nobody foretells rain: what the product itself assumes
}

func errors() []wrong {
	return []wrong{
		{"right", 1, 0, 1, false},
		{"30 % too little", 0.7, 0, 1, false},
		{"30 % too much", 1.3, 0, 1, false},
		{"an hour late", 1, time.Hour, 1, false},
		{"an hour early", 1, -time.Hour, 1, false},
		{"30 % too little, an hour late", 0.7, time.Hour, 1, false},
		{"30 % too much, an hour early", 1.3, -time.Hour, 1, false},
		{"right, but a fifth more runs off than the model knows", 1, 0, 1.2, false},
		none(),
	}
}

// none is what the product does without a forecast (respond/plan/drainage): the rain of now for two hours, and of the tide what it did
// a lunar day ago; that of these scenarios, a sine, comes again exactly.
func none() wrong {
	return wrong{name: "none: it rains as now for 2 h, the tide as a day ago", amount: 1, runoff: 1, none: true}
}

// forecast is what is told at a time: the rain that falls now is seen as it is, what comes is wrong.
func (w wrong) forecast(truth basin.Weather) func(time.Duration) basin.Weather {
	return func(now time.Duration) basin.Weather {
		told := truth.After(now)
		if w.none {
			return basin.Persistence(truth.Step, told.Rain[0][0], 2*time.Hour, told.Outer)
		}
		row := make([]float64, len(told.Rain[0]))
		for i := range row {
			if at := now + time.Duration(i)*truth.Step - w.late; i == 0 {
				row[i] = told.Rain[0][0]
			} else if k := int(at / truth.Step); k >= 0 && k < len(truth.Rain[0]) {
				row[i] = w.amount * truth.Rain[0][k]
			}
		}
		told.Rain = [][]float64{row}
		return told
	}
}
