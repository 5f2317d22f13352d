package ucum

import (
	"math"
	"math/big"
)

// curve is how the numbers of a special unit (UCUM §21) follow the quantity, counted in the unit's own measure: kelvin for
// °C, mol/l for pH, watt for decibels of a watt. A nil curve is the quantity itself.
type curve struct {
	offset *big.Rat              // of a straight one: quantity = number + offset
	to     func(float64) float64 // number to quantity
	from   func(float64) float64 // and back
}

func (c *curve) affine() bool { return c == nil || c.offset != nil }

func (c *curve) shift() *big.Rat {
	if c == nil {
		return new(big.Rat)
	}
	return c.offset
}

func (c *curve) quantity(x float64) float64 {
	switch {
	case c == nil:
		return x
	case c.offset != nil:
		o, _ := c.offset.Float64()
		return x + o
	}
	return c.to(x)
}

func (c *curve) number(q float64) float64 {
	switch {
	case c == nil:
		return q
	case c.offset != nil:
		o, _ := c.offset.Float64()
		return q - o
	}
	return c.from(q)
}

// The curves of UCUM 2.2, §21 and tables 6 ("levels") and 22 on.
var (
	celsius    = &curve{offset: big.NewRat(27315, 100)}
	fahrenheit = &curve{offset: big.NewRat(45967, 100)} // in degrees of 5/9 K
	reaumur    = &curve{offset: big.NewRat(21852, 100)} // in degrees of 5/4 K
	acidity    = &curve{to: func(x float64) float64 { return math.Pow(10, -x) }, from: func(q float64) float64 { return -math.Log10(q) }}
	neper      = &curve{to: math.Exp, from: math.Log}
	power      = &curve{to: func(x float64) float64 { return math.Pow(10, x) }, from: math.Log10}
	field      = &curve{to: func(x float64) float64 { return math.Pow(10, x/2) }, from: func(q float64) float64 { return 2 * math.Log10(q) }}
	binary     = &curve{to: math.Exp2, from: math.Log2}
	slope      = &curve{to: func(x float64) float64 { return math.Atan(x/100) * 180 / math.Pi }, from: func(q float64) float64 { return 100 * math.Tan(q*math.Pi/180) }}
)
