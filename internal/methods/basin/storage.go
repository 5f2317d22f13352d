package basin

import (
	"fmt"
	"math"
)

func (s *Storage) check() error {
	if len(s.Curve) < 2 {
		return fmt.Errorf("storage %s, curve: at least two points were expected", s.Name)
	}
	if s.Curve[0].Volume != 0 {
		return fmt.Errorf("storage %s, curve: volume 0 at the first point was expected", s.Name)
	}
	for i, p := range s.Curve {
		if !finite(p.Stage) || !finite(p.Volume) || i > 0 && !(p.Stage > s.Curve[i-1].Stage && p.Volume > s.Curve[i-1].Volume) {
			return fmt.Errorf("storage %s, curve, point %d: a stage and a volume above those of the point before were expected", s.Name, i+1)
		}
	}
	if !(s.Curve[0].Stage <= s.Least && s.Least <= s.Usual && s.Usual < s.Danger) || !finite(s.Danger) {
		return fmt.Errorf("storage %s: floor <= least_m <= usual_m < danger_m was expected", s.Name)
	}
	return nil
}

// Stage is the stage in m at a volume in m³.
func (s *Storage) Stage(volume float64) float64 {
	i := 1
	for i < len(s.Curve)-1 && volume > s.Curve[i].Volume {
		i++
	}
	a, b := s.Curve[i-1], s.Curve[i]
	return a.Stage + (volume-a.Volume)*(b.Stage-a.Stage)/(b.Volume-a.Volume)
}

// Volume is the volume in m³ at a stage in m; 0 below the floor.
func (s *Storage) Volume(stage float64) float64 {
	i := 1
	for i < len(s.Curve)-1 && stage > s.Curve[i].Stage {
		i++
	}
	a, b := s.Curve[i-1], s.Curve[i]
	return max(a.Volume+(stage-a.Stage)*(b.Volume-a.Volume)/(b.Stage-a.Stage), 0)
}

// Filling is the share of the volume between the least and the danger stage that is filled; above 1 it floods. Equal filling
// is when it is the same for all storages.
func (s *Storage) Filling(volume float64) float64 {
	least := s.Volume(s.Least)
	return (volume - least) / (s.Volume(s.Danger) - least)
}

// grains are what a cubic metre is counted in, so that sums of volumes are exact.
const grains = 1 << 20

func whole(volume float64) float64 { return math.Round(volume*grains) / grains }

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
