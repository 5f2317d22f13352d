package engine

import (
	"math"
	"slices"
)

// places finds the places that have instruments, by where they are.
type places struct {
	at    map[int64][2]float64
	cells map[[2]int][]int64
}

// cellDegrees is the width of a cell: about a kilometre.
const cellDegrees = 0.01

func (p *places) add(place int64, point [2]float64) {
	if p.at == nil {
		p.at, p.cells = map[int64][2]float64{}, map[[2]int][]int64{}
	}
	if old, ok := p.at[place]; ok {
		if old == point {
			return
		}
		p.remove(place)
	}
	p.at[place] = point
	c := cellOf(point)
	p.cells[c] = append(p.cells[c], place)
}

func (p *places) remove(place int64) {
	if point, ok := p.at[place]; ok {
		delete(p.at, place)
		c := cellOf(point)
		if p.cells[c] = slices.DeleteFunc(p.cells[c], func(x int64) bool { return x == place }); len(p.cells[c]) == 0 {
			delete(p.cells, c)
		}
	}
}

func cellOf(p [2]float64) [2]int {
	return [2]int{int(math.Floor(p[0] / cellDegrees)), int(math.Floor(p[1] / cellDegrees))}
}

// MetresPerDegree of latitude, on a sphere of the earth's mean radius (6,371,008.8 m).
const MetresPerDegree = 111_195.08

// within are the places no further than metres from a point, sorted.
func (p *places) within(point [2]float64, metres float64) (found []int64) {
	narrow := max(math.Cos(point[1]*math.Pi/180), 0.01)
	dy := metres / MetresPerDegree
	dx := dy / narrow
	low, high := cellOf([2]float64{point[0] - dx, point[1] - dy}), cellOf([2]float64{point[0] + dx, point[1] + dy})
	for x := low[0]; x <= high[0]; x++ {
		for y := low[1]; y <= high[1]; y++ {
			for _, place := range p.cells[[2]int{x, y}] {
				q := p.at[place]
				if math.Hypot((q[0]-point[0])*narrow, q[1]-point[1])*MetresPerDegree <= metres {
					found = append(found, place)
				}
			}
		}
	}
	slices.Sort(found)
	return found
}
