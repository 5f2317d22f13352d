package basin

import (
	"fmt"
	"slices"
	"time"
)

// Auto, as a number of units, leaves a station to its own switches.
const Auto = -1

// Settings are what a person can order: units for each station (Auto, or 0 to Units), an opening from 0 to 1 for each gate. Those of
// fixed gates are read by nobody.
type Settings struct {
	Units    []int     `json:"units"`
	Openings []float64 `json:"openings"`
}

func (s Settings) clone() Settings {
	return Settings{slices.Clone(s.Units), slices.Clone(s.Openings)}
}

// State is the basin at one moment, each list in the order of the basin's own.
type State struct {
	Volumes   []float64 `json:"volumes_m3"` // in the storages
	Ground    []float64 `json:"ground_m3"`  // on its way in the catchments
	Running   []int     `json:"running"`    // units that run
	Openings  []float64 `json:"openings"`   // of the gates
	Available []int     `json:"available"`  // units that can run
}

// Dry is the state in dry weather: usual stages, only the base flow under way, no unit running, all of them available, gates shut.
func (b *Basin) Dry() State {
	s := State{
		Volumes: make([]float64, len(b.Storages)), Ground: make([]float64, len(b.Catchments)),
		Running: make([]int, len(b.Stations)), Available: make([]int, len(b.Stations)), Openings: make([]float64, len(b.Gates)),
	}
	for i := range b.Storages {
		s.Volumes[i] = whole(b.Storages[i].Volume(b.Storages[i].Usual))
	}
	for i, p := range b.Stations {
		s.Available[i] = p.Units
	}
	return s
}

// SetStage puts the measured stage of a storage into a state.
func (b *Basin) SetStage(s *State, storage string, stage float64) error {
	i := b.storage(storage)
	if i < 0 {
		return fmt.Errorf("storage %q is not of this basin", storage)
	}
	s.Volumes[i] = whole(b.Storages[i].Volume(stage))
	return nil
}

// Stages are the stages of the storages in m.
func (b *Basin) Stages(s State) []float64 {
	out := make([]float64, len(b.Storages))
	for i := range out {
		out[i] = b.Storages[i].Stage(s.Volumes[i])
	}
	return out
}

// Clone is a copy that shares nothing.
func (s State) Clone() State {
	return State{slices.Clone(s.Volumes), slices.Clone(s.Ground), slices.Clone(s.Running), slices.Clone(s.Openings), slices.Clone(s.Available)}
}

func (s *State) copyFrom(o *State) {
	copy(s.Volumes, o.Volumes)
	copy(s.Ground, o.Ground)
	copy(s.Running, o.Running)
	copy(s.Openings, o.Openings)
	copy(s.Available, o.Available)
}

// check says whether a state is one of this basin.
func (b *Basin) check(s *State) error {
	if len(s.Volumes) != len(b.Storages) || len(s.Ground) != len(b.Catchments) || len(s.Running) != len(b.Stations) ||
		len(s.Available) != len(b.Stations) || len(s.Openings) != len(b.Gates) {
		return fmt.Errorf("state: one value for each part of the basin was expected")
	}
	for i, v := range s.Volumes {
		if !finite(v) || v < 0 || v > 1<<33 {
			return fmt.Errorf("storage %s, volume: 0 or more m³ was expected", b.Storages[i].Name)
		}
	}
	for i, v := range s.Ground {
		if !finite(v) || v < 0 || v > 1<<33 {
			return fmt.Errorf("catchment %s, water under way: 0 or more m³ was expected", b.Catchments[i].Name)
		}
	}
	for i, p := range b.Stations {
		if s.Available[i] < 0 || s.Available[i] > p.Units || s.Running[i] < 0 {
			return fmt.Errorf("station %s: 0 to %d units were expected", p.Name, p.Units)
		}
	}
	for i, o := range s.Openings {
		if !(o >= 0 && o <= 1) {
			return fmt.Errorf("gate %s, opening: 0 to 1 was expected", b.Gates[i].Name)
		}
	}
	return nil
}

// Weather is rain and outer level, each value for one Step from the beginning. After its last value the rain is 0 and the outer
// level stays.
type Weather struct {
	Step time.Duration `json:"step"`
	// Rain in mm/h: one row for each catchment, or one row for all.
	Rain  [][]float64 `json:"rain_mmh"`
	Outer []float64   `json:"outer_m"` // m, at least one
}

// Persistence is the weather where nobody foretells any: it goes on raining everywhere as it does now, for so long; the water
// outside is given, one value for each step.
func Persistence(step time.Duration, rain float64, lasts time.Duration, outer []float64) Weather {
	row := make([]float64, (lasts+step-1)/step)
	for i := range row {
		row[i] = rain
	}
	return Weather{Step: step, Rain: [][]float64{row}, Outer: outer}
}

func (w *Weather) check(b *Basin) error {
	switch {
	case w.Step <= 0:
		return fmt.Errorf("weather, step: above 0 was expected")
	case len(w.Outer) == 0:
		return fmt.Errorf("weather, outer_m: at least one level was expected")
	case len(w.Rain) > 1 && len(w.Rain) != len(b.Catchments):
		return fmt.Errorf("weather, rain_mmh: one row, or one for each of the %d catchments, was expected", len(b.Catchments))
	}
	for _, row := range w.Rain {
		for i, x := range row {
			if !(x >= 0 && x < 1e4) {
				return fmt.Errorf("weather, rain_mmh, value %d: 0 or more mm/h was expected", i+1)
			}
		}
	}
	for i, x := range w.Outer {
		if !finite(x) {
			return fmt.Errorf("weather, outer_m, value %d: a level was expected", i+1)
		}
	}
	return nil
}

func (w *Weather) rain(catchment int, at time.Duration) float64 {
	if len(w.Rain) == 0 {
		return 0
	}
	row := w.Rain[0]
	if len(w.Rain) > 1 {
		row = w.Rain[catchment]
	}
	if i := int(at / w.Step); i < len(row) {
		return row[i]
	}
	return 0
}

func (w *Weather) outer(at time.Duration) float64 {
	return w.Outer[min(int(at/w.Step), len(w.Outer)-1)]
}

// After is the same weather as seen so much later.
func (w Weather) After(d time.Duration) Weather {
	n := int(d / w.Step)
	out := Weather{Step: w.Step, Outer: w.Outer[min(n, len(w.Outer)-1):]}
	for _, row := range w.Rain {
		out.Rain = append(out.Rain, row[min(n, len(row)):])
	}
	return out
}
