package basin

import (
	"fmt"
	"time"
)

// Outer is the name of the water outside, into which the basin drains: a river or the sea.
const Outer = "outer"

// Basin is what stands. Names are unique; From, To and Into are names of storages, To may be Outer. Stages are metres above one datum.
type Basin struct {
	Catchments []Catchment `json:"catchments"`
	Storages   []Storage   `json:"storages"`
	Stations   []Station   `json:"stations"`
	Gates      []Gate      `json:"gates"`
}

// Catchment is a piece of ground whose rain runs into one storage.
type Catchment struct {
	Name          string        `json:"name"`
	Area          float64       `json:"area_m2"`
	Runoff        float64       `json:"runoff"` // share of the rain that runs off, 0 to 1
	Concentration time.Duration `json:"concentration"`
	Base          float64       `json:"base_m3s"` // what runs without rain
	Into          string        `json:"into"`
}

// Storage is a tank, a lake or a reach of a canal.
type Storage struct {
	Name  string  `json:"name"`
	Curve []Point `json:"curve"` // from the floor (volume 0) upwards, both rising
	// Least is the stage below which it is not emptied, Usual its stage in dry weather, Danger that from which water does harm.
	Least  float64 `json:"least_m"`
	Usual  float64 `json:"usual_m"`
	Danger float64 `json:"danger_m"`
}

// Point is a stage in m and the volume in m³ that a storage holds up to it.
type Point struct {
	Stage  float64 `json:"stage_m"`
	Volume float64 `json:"volume_m3"`
}

// Station is a pump station of equal units.
type Station struct {
	Name     string  `json:"name"`
	From     string  `json:"from"`
	To       string  `json:"to"`
	Units    int     `json:"units"`
	Capacity float64 `json:"capacity_m3s"` // of one unit
	// Start and Stop are the stages of From at which the station's own switches start and stop its first unit; those of each further
	// unit stand Between higher. By hand it may run down to the least stage of From.
	Start   float64 `json:"start_m"`
	Stop    float64 `json:"stop_m"`
	Between float64 `json:"between_m"`
	// Hold is the shortest time between two changes by hand.
	Hold       time.Duration `json:"hold"`
	Loss       float64       `json:"loss_m"`     // head lost in pipes and valves
	Efficiency float64       `json:"efficiency"` // of pump and motor, above 0 to 1; 0: DefaultEfficiency
}

// Gate is an opening at whose foot stands a sill. Fixed ones are never moved: a culvert, a weir.
type Gate struct {
	Name   string  `json:"name"`
	From   string  `json:"from"`
	To     string  `json:"to"`
	Width  float64 `json:"width_m"`
	Sill   float64 `json:"sill_m"`
	Height float64 `json:"height_m"` // of the opening when it is fully open
	Flap   bool    `json:"flap"`     // lets nothing through from To to From
	Fixed  bool    `json:"fixed"`
	Cd     float64 `json:"cd"` // 0: DefaultCd
}

// What is taken where a basin does not say.
const (
	DefaultCd         = 0.6 // sharp-edged opening
	DefaultEfficiency = 0.7
)

// Check says what is wrong with a basin, by part and field; nil when it can be run.
func (b *Basin) Check() error {
	seen := map[string]bool{Outer: true}
	name := func(part, n string) error {
		if n == "" || seen[n] {
			return fmt.Errorf("%s %q: a name that is not empty, not %q and used once was expected", part, n, Outer)
		}
		seen[n] = true
		return nil
	}
	if len(b.Storages) == 0 {
		return fmt.Errorf("storages: at least one was expected")
	}
	for _, s := range b.Storages {
		if err := name("storage", s.Name); err != nil {
			return err
		}
		if err := s.check(); err != nil {
			return err
		}
	}
	for _, c := range b.Catchments {
		if err := name("catchment", c.Name); err != nil {
			return err
		}
		switch {
		case !(c.Area > 0) || c.Area > 1e12:
			return fmt.Errorf("catchment %s, area_m2: above 0 was expected", c.Name)
		case !(c.Runoff >= 0 && c.Runoff <= 1):
			return fmt.Errorf("catchment %s, runoff: 0 to 1 was expected", c.Name)
		case c.Concentration < 0:
			return fmt.Errorf("catchment %s, concentration: 0 or longer was expected", c.Name)
		case !(c.Base >= 0 && c.Base < 1e6):
			return fmt.Errorf("catchment %s, base_m3s: 0 or more was expected", c.Name)
		case b.storage(c.Into) < 0:
			return fmt.Errorf("catchment %s, into: %q is no storage", c.Name, c.Into)
		}
	}
	for _, p := range b.Stations {
		if err := name("station", p.Name); err != nil {
			return err
		}
		switch {
		case p.Units < 1:
			return fmt.Errorf("station %s, units: 1 or more was expected", p.Name)
		case !(p.Capacity > 0) || p.Capacity > 1e6:
			return fmt.Errorf("station %s, capacity_m3s: above 0 was expected", p.Name)
		case !(p.Stop < p.Start):
			return fmt.Errorf("station %s, stop_m: below start_m was expected", p.Name)
		case !(p.Between >= 0):
			return fmt.Errorf("station %s, between_m: 0 or more was expected", p.Name)
		case p.Hold < 0:
			return fmt.Errorf("station %s, hold: 0 or longer was expected", p.Name)
		case !(p.Loss >= 0):
			return fmt.Errorf("station %s, loss_m: 0 or more was expected", p.Name)
		case !(p.Efficiency >= 0 && p.Efficiency <= 1):
			return fmt.Errorf("station %s, efficiency: above 0 to 1 was expected", p.Name)
		}
		if err := b.ends("station", p.Name, p.From, p.To); err != nil {
			return err
		}
	}
	for _, g := range b.Gates {
		if err := name("gate", g.Name); err != nil {
			return err
		}
		switch {
		case !(g.Width > 0) || g.Width > 1e6:
			return fmt.Errorf("gate %s, width_m: above 0 was expected", g.Name)
		case !(g.Height > 0) || g.Height > 1e6:
			return fmt.Errorf("gate %s, height_m: above 0 was expected", g.Name)
		case !finite(g.Sill):
			return fmt.Errorf("gate %s, sill_m: a number was expected", g.Name)
		case !(g.Cd >= 0 && g.Cd <= 1):
			return fmt.Errorf("gate %s, cd: 0 to 1 was expected", g.Name)
		}
		if err := b.ends("gate", g.Name, g.From, g.To); err != nil {
			return err
		}
	}
	return nil
}

func (b *Basin) ends(part, name, from, to string) error {
	switch {
	case b.storage(from) < 0:
		return fmt.Errorf("%s %s, from: %q is no storage", part, name, from)
	case to != Outer && b.storage(to) < 0:
		return fmt.Errorf("%s %s, to: %q is no storage and not %q", part, name, to, Outer)
	case from == to:
		return fmt.Errorf("%s %s, to: another storage than from was expected", part, name)
	}
	return nil
}

// storage is the index of a storage, -1 where there is none.
func (b *Basin) storage(name string) int {
	for i := range b.Storages {
		if b.Storages[i].Name == name {
			return i
		}
	}
	return -1
}
