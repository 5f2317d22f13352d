package basin

import "math"

// Score is what a run is judged by. Less of each is better, the first that differs decides.
type Score struct {
	Flood      float64 `json:"flood_m3"`
	Peak       float64 `json:"peak"`
	FloodHours float64 `json:"flood_m3h"`
	Cost       float64 `json:"cost_kwh"` // energy, starts and what is left to be pumped
}

// The sizes under which two scores do not differ. They are rounded to, not compared within, so that the order is one.
const (
	floodSize = 1    // m³
	peakSize  = 0.01 // of the room
	hoursSize = 1    // m³ h
)

// calm is the share of the room up to which a peak counts as none: within it the stations' own switches let the water play in
// dry weather, and it is not worth a start.
const calm = 0.25

// Less says whether s is better than o.
func (s Score) Less(o Score) bool {
	for _, p := range [...]struct{ a, b, size float64 }{
		{s.Flood, o.Flood, floodSize}, {max(s.Peak, calm), max(o.Peak, calm), peakSize}, {s.FloodHours, o.FloodHours, hoursSize},
	} {
		if a, b := math.Round(p.a/p.size), math.Round(p.b/p.size); a != b {
			return a < b
		}
	}
	return s.Cost < o.Cost-1e-9
}

// Score judges a meter. startCost is what a start counts in kWh.
func (m *Meter) Score(startCost float64) Score {
	return Score{Flood: m.Flood(), Peak: m.Peak, FloodHours: m.FloodHours, Cost: m.Energy + startCost*float64(m.Starts)}
}

// left is the energy in kWh that the water above the usual stages still asks for, if each station had to lift it to the
// highest outer level that is to come.
func (r *runner) left(s *State, outer float64) (kwh float64) {
	over := 0.
	for i, v := range s.Volumes {
		over += max(v-r.usual[i], 0)
	}
	for i := range r.b.Stations {
		from, to := r.pumps[i][0], r.pumps[i][1]
		high := outer
		if to >= 0 {
			high = r.b.Storages[to].Usual
		}
		kwh += r.b.Stations[i].Energy(over, high-r.b.Storages[from].Usual)
	}
	return kwh
}
