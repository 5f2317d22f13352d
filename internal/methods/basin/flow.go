package basin

import "math"

const (
	gravity = 9.81   // m/s²
	density = 1000.0 // kg/m³
)

// Flow is what a gate lets through in m³/s at an opening from 0 to 1, with the water at stage up on one side and down, not
// higher, on the other.
func (g *Gate) Flow(opening, up, down float64) float64 {
	h1, h2 := up-g.Sill, max(down-g.Sill, 0)
	if opening <= 0 || h1 <= 0 || h2 >= h1 {
		return 0
	}
	cd := g.Cd
	if cd == 0 {
		cd = DefaultCd
	}
	root := math.Sqrt(2 * gravity)
	weir := 2. / 3 * cd * g.Width * root * h1 * math.Sqrt(h1)
	if r := h2 / h1; r > 0 {
		weir *= math.Pow(1-r*math.Sqrt(r), 0.385)
	}
	a := opening * g.Height
	if h1 <= a { // the water does not touch the gate
		return weir
	}
	return min(weir, cd*g.Width*a*root*math.Sqrt(h1-max(h2, a/2)))
}

// Energy is what lifting a volume in m³ by a head in m takes, in kWh.
func (p *Station) Energy(volume, head float64) float64 {
	e := p.Efficiency
	if e == 0 {
		e = DefaultEfficiency
	}
	return density * gravity * volume * (max(head, 0) + p.Loss) / e / 3.6e6
}
