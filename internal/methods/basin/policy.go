package basin

import (
	"slices"
	"time"
)

// Policy is who decides: it gives settings for the next block from the state now and the forecast, which begins now.
type Policy func(s State, forecast Weather) (Settings, error)

// Nobody decides: the stations run on their own switches, the gates stay as they stand. This is what doing nothing means here.
func Nobody(b *Basin) Policy {
	return func(s State, _ Weather) (Settings, error) { return b.nobody(&s), nil }
}

func (b *Basin) nobody(s *State) Settings {
	set := Settings{Units: make([]int, len(b.Stations)), Openings: slices.Clone(s.Openings)}
	for i := range set.Units {
		set.Units[i] = Auto
	}
	return set
}

// Off switches every unit off and leaves the gates as they stand.
func Off(b *Basin) Policy {
	return func(s State, _ Weather) (Settings, error) {
		return Settings{Units: make([]int, len(b.Stations)), Openings: slices.Clone(s.Openings)}, nil
	}
}

// EqualFilling keeps all storages at the same Filling as well as it can, without a forecast: what leaves for the outer water
// leaves as fast as it can while its storage stands above its usual stage; everything else is set to what makes the fillings
// at the end of the block most equal (least sum of squares about their mean) if rain and outer level stay as they are.
// Known in the control of sewers as equal filling degree.
func EqualFilling(b *Basin, o Options) Policy {
	r := newRunner(b)
	return func(s State, now Weather) (Settings, error) {
		if err := b.ready(&s, &now); err != nil {
			return Settings{}, err
		}
		o, err := o.filled(b)
		if err != nil {
			return Settings{}, err
		}
		return r.equalFilling(&s, now, o), nil
	}
}

func (r *runner) equalFilling(s *State, now Weather, o Options) Settings {
	still := Weather{Step: o.Block, Outer: []float64{now.outer(0)}}
	for i := range r.b.Catchments {
		still.Rain = append(still.Rain, []float64{now.rain(i, 0)})
	}
	set := Settings{Units: make([]int, len(r.b.Stations)), Openings: make([]float64, len(r.b.Gates))}
	full := o.Openings[len(o.Openings)-1]
	for i, l := range r.pumps {
		if l[1] < 0 && s.Volumes[l[0]] > r.usual[l[0]] {
			set.Units[i] = s.Available[i]
		}
	}
	for i, l := range r.gates {
		if l[1] < 0 && s.Volumes[l[0]] > r.usual[l[0]] && r.stage(s, l[0], 0) > still.Outer[0] {
			set.Openings[i] = full
		}
	}
	trial, m := s.Clone(), r.meter(s)
	spread := func() (sum float64) {
		trial.copyFrom(s)
		r.run(&trial, &set, &still, 0, o.Block, o.Step, &m)
		mean := 0.
		for i, v := range trial.Volumes {
			mean += r.b.Storages[i].Filling(v) / float64(len(trial.Volumes))
		}
		for i, v := range trial.Volumes {
			d := r.b.Storages[i].Filling(v) - mean
			sum += d * d
		}
		return sum
	}
	least := spread()
	for range 2 {
		for i, l := range r.pumps {
			for n, best := 0, set.Units[i]; l[1] >= 0 && n <= s.Available[i]; n++ {
				set.Units[i] = n
				if x := spread(); x < least-1e-12 {
					least, best = x, n
				}
				set.Units[i] = best
			}
		}
		for i, l := range r.gates {
			for n, best := 0, set.Openings[i]; l[1] >= 0 && !r.b.Gates[i].Fixed && n < len(o.Openings); n++ {
				set.Openings[i] = o.Openings[n]
				if x := spread(); x < least-1e-12 {
					least, best = x, o.Openings[n]
				}
				set.Openings[i] = best
			}
		}
	}
	return set
}

// Advised follows the first block of the advice of a model, asked anew each time. every is how long lies between two questions.
func Advised(model *Basin, o Options, every time.Duration) Policy {
	return func(s State, forecast Weather) (Settings, error) {
		a, err := model.Advise(s, forecast, o)
		if err != nil {
			return Settings{}, err
		}
		o.Last, o.Ago = a, every
		return a.Blocks[0].Settings, nil
	}
}
