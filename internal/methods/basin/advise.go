package basin

import (
	"fmt"
	"slices"
	"time"
)

// Options are how far and how hard Advise looks. The zero value takes the defaults.
type Options struct {
	Horizon time.Duration
	Block   time.Duration // settings stay so long; made longer where a station's Hold is
	Step    time.Duration // of the simulation
	Budget  int           // blocks simulated at most
	// Openings are those that a gate may be set to, rising, from 0 to 1.
	Openings  []float64
	StartCost float64 // kWh for which a start of a unit counts
	// Last is the advice given Ago before, which the search begins with.
	Last *Advice
	Ago  time.Duration
}

// Defaults of Options. None was fitted to anything: the horizon spans a tide, the block is what a crew can follow.
const (
	DefaultHorizon   = 12 * time.Hour
	DefaultBlock     = 30 * time.Minute
	DefaultStep      = 5 * time.Minute
	DefaultBudget    = 12000
	DefaultStartCost = 5
)

// Advice is what to run over the coming hours, and what it is expected to bring beside what two others would.
type Advice struct {
	Blocks   []Block `json:"blocks"`
	Expected Score   `json:"expected"`
	Nobody   Score   `json:"nobody"` // stations on their own switches, gates as they stand
	Equal    Score   `json:"equal"`  // all storages kept at equal filling
	// Simulated is how many blocks the search took; Full when the budget ended it.
	Simulated int  `json:"simulated"`
	Full      bool `json:"full"`
}

// Block is a stretch of time with settings that stay, from now on.
type Block struct {
	From     time.Duration `json:"from"`
	To       time.Duration `json:"to"`
	Settings `json:"settings"`
	// Stages are those of the storages at the block's end, in m, if the forecast is right.
	Stages []float64 `json:"stages_m"`
}

func (o Options) filled(b *Basin) (Options, error) {
	if o.Horizon == 0 {
		o.Horizon = DefaultHorizon
	}
	if o.Block == 0 {
		o.Block = DefaultBlock
	}
	if o.Step == 0 {
		o.Step = DefaultStep
	}
	if o.Budget == 0 {
		o.Budget = DefaultBudget
	}
	if o.StartCost == 0 {
		o.StartCost = DefaultStartCost
	}
	if len(o.Openings) == 0 {
		o.Openings = []float64{0, 0.5, 1}
	}
	for _, p := range b.Stations {
		o.Block = max(o.Block, p.Hold)
	}
	switch {
	case o.Block < 0 || o.Step < 0 || o.Budget < 0 || o.StartCost < 0:
		return o, fmt.Errorf("options: nothing below 0 was expected")
	case o.Horizon < o.Block || o.Horizon/o.Block > 1000:
		return o, fmt.Errorf("options, horizon: 1 to 1,000 blocks of %v were expected, not %v", o.Block, o.Horizon)
	case !slices.IsSorted(o.Openings) || o.Openings[0] < 0 || o.Openings[len(o.Openings)-1] > 1:
		return o, fmt.Errorf("options, openings: rising ones from 0 to 1 were expected")
	}
	return o, nil
}

// Advise looks for the settings over the horizon that have the best Score, given the state and the forecast, both of which begin
// now. It is deterministic.
func (b *Basin) Advise(s State, forecast Weather, o Options) (*Advice, error) {
	if err := b.ready(&s, &forecast); err != nil {
		return nil, err
	}
	o, err := o.filled(b)
	if err != nil {
		return nil, err
	}
	p := newPlanner(b, s, forecast, o)
	a := &Advice{}
	a.Nobody = p.begin(p.constant(p.nobody()))
	a.Equal = p.begin(p.equal())
	p.begin(p.constant(p.all()))
	if o.Last != nil && len(o.Last.Blocks) > 0 {
		p.begin(p.shifted(o.Last, o.Ago))
	}
	a.Full = !p.descend()
	a.Blocks, a.Expected, a.Simulated = p.blocks(), p.best, p.simulated
	return a, nil
}

// planner holds a schedule, the best so far, with the state and the meter at the beginning of each of its blocks.
type planner struct {
	*runner
	o         Options
	forecast  Weather
	highest   float64 // outer level within the horizon and after
	schedule  []Settings
	states    []State // one more than blocks
	meters    []Meter
	best      Score
	begun     bool
	trial     State
	tried     Meter
	simulated int
}

func newPlanner(b *Basin, s State, forecast Weather, o Options) *planner {
	p := &planner{runner: newRunner(b), o: o, forecast: forecast, highest: slices.Max(forecast.Outer)}
	n := int(o.Horizon / o.Block)
	p.schedule = make([]Settings, n)
	for range n + 1 {
		p.states = append(p.states, s.Clone())
		p.meters = append(p.meters, p.meter(&s))
	}
	p.trial, p.tried = s.Clone(), p.meter(&s)
	return p
}

// simulate runs a block of the trial.
func (p *planner) simulate(k int, set *Settings) {
	from := time.Duration(k) * p.o.Block
	p.run(&p.trial, set, &p.forecast, from, from+p.o.Block, p.o.Step, &p.tried)
	p.simulated++
}

func (p *planner) judge() Score {
	s := p.tried.Score(p.o.StartCost)
	s.Cost += p.left(&p.trial, p.highest)
	return s
}

// score judges a whole schedule.
func (p *planner) score(schedule []Settings) Score {
	p.trial.copyFrom(&p.states[0])
	p.tried.copyFrom(&p.meters[0])
	for k := range schedule {
		p.simulate(k, &schedule[k])
	}
	return p.judge()
}

// begin judges a schedule, and takes it if it is better than the best so far.
func (p *planner) begin(schedule []Settings) Score {
	s := p.score(schedule)
	if p.begun && !s.Less(p.best) {
		return s
	}
	p.begun, p.best = true, s
	for k := range schedule {
		p.schedule[k] = schedule[k].clone()
	}
	p.replay(0)
	return s
}

// replay brings states and meters up to date from a block on.
func (p *planner) replay(from int) {
	p.trial.copyFrom(&p.states[from])
	p.tried.copyFrom(&p.meters[from])
	for k := from; k < len(p.schedule); k++ {
		p.simulate(k, &p.schedule[k])
		p.states[k+1].copyFrom(&p.trial)
		p.meters[k+1].copyFrom(&p.tried)
	}
}

// descend changes one control over one stretch at a time, as long as that helps: long stretches first, which get over what no
// single block can, then shorter ones. It says whether it came to its end within the budget.
func (p *planner) descend() bool {
	n := len(p.schedule)
	longest := 1
	for 2*longest <= n/2 {
		longest *= 2
	}
	for {
		helped := false
		for length := longest; length >= 1; length /= 2 {
			for from := 0; from < n; from += max(length/2, 1) {
				to := min(from+length, n)
				for c := range len(p.b.Stations) + len(p.b.Gates) {
					better, ok := p.try(c, from, to)
					if !ok {
						return false
					}
					helped = helped || better
				}
			}
		}
		if !helped {
			return true
		}
	}
}

// try gives a control, over a stretch, the best of its values. ok is false when the budget is used up.
func (p *planner) try(control, from, to int) (better, ok bool) {
	stations := len(p.b.Stations)
	values := len(p.o.Openings)
	if control < stations {
		values = p.states[0].Available[control] + 2 // Auto, 0, 1, …
	} else if p.b.Gates[control-stations].Fixed {
		return false, true
	}
	kept := make([]Settings, to-from)
	for v := range values {
		if p.simulated+2*(len(p.schedule)-from) > p.o.Budget {
			return better, false
		}
		changed := false
		for k := from; k < to; k++ {
			kept[k-from] = p.schedule[k]
			set := p.schedule[k].clone()
			if control < stations {
				changed = changed || set.Units[control] != v-1
				set.Units[control] = v - 1
			} else {
				changed = changed || set.Openings[control-stations] != p.o.Openings[v]
				set.Openings[control-stations] = p.o.Openings[v]
			}
			p.schedule[k] = set
		}
		if !changed {
			continue
		}
		p.trial.copyFrom(&p.states[from])
		p.tried.copyFrom(&p.meters[from])
		for k := from; k < len(p.schedule); k++ {
			p.simulate(k, &p.schedule[k])
		}
		if s := p.judge(); s.Less(p.best) {
			p.best, better = s, true
			p.replay(from)
			continue
		}
		copy(p.schedule[from:to], kept)
	}
	return better, true
}

func (p *planner) blocks() []Block {
	out := make([]Block, len(p.schedule))
	for k := range out {
		from := time.Duration(k) * p.o.Block
		out[k] = Block{From: from, To: from + p.o.Block, Settings: p.schedule[k].clone(), Stages: p.b.Stages(p.states[k+1])}
	}
	return out
}

func (p *planner) constant(set Settings) []Settings {
	return slices.Repeat([]Settings{set}, len(p.schedule))
}

func (p *planner) nobody() Settings { return p.b.nobody(&p.states[0]) }

// all runs everything that can run, with all gates open.
func (p *planner) all() Settings {
	set := Settings{Units: slices.Clone(p.states[0].Available), Openings: make([]float64, len(p.b.Gates))}
	for i := range set.Openings {
		set.Openings[i] = p.o.Openings[len(p.o.Openings)-1]
	}
	return set
}

// equal is what equal filling would order, block by block.
func (p *planner) equal() []Settings {
	p.trial.copyFrom(&p.states[0])
	p.tried.copyFrom(&p.meters[0])
	out := make([]Settings, len(p.schedule))
	for k := range out {
		at := time.Duration(k) * p.o.Block
		out[k] = p.runner.equalFilling(&p.trial, p.forecast.After(at), p.o)
		p.simulate(k, &out[k])
	}
	return out
}

// shifted is an earlier advice, from now on, its last block repeated; units that have failed since are left out.
func (p *planner) shifted(last *Advice, ago time.Duration) []Settings {
	out := make([]Settings, len(p.schedule))
	for k := range out {
		at := ago + time.Duration(k)*p.o.Block
		i := 0
		for i < len(last.Blocks)-1 && last.Blocks[i].To <= at {
			i++
		}
		out[k] = last.Blocks[i].Settings.clone()
		for j := range out[k].Units {
			out[k].Units[j] = min(out[k].Units[j], p.states[0].Available[j])
		}
	}
	return out
}
