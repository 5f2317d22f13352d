package ucum

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Dimension is the powers of the seven base units of UCUM: metre, second, gram, radian, kelvin, coulomb, candela. Moles,
// like percent, are numbers.
type Dimension [7]int8

var baseUnits = [7]string{"m", "s", "g", "rad", "K", "C", "cd"}

// String is the dimension as a product of base units, such as "g.m-1.s-2"; "1" for a number.
func (d Dimension) String() string {
	var parts []string
	for _, i := range []int{2, 0, 1, 3, 4, 5, 6} { // mass first, as people say it
		switch d[i] {
		case 0:
		case 1:
			parts = append(parts, baseUnits[i])
		default:
			parts = append(parts, baseUnits[i]+strconv.Itoa(int(d[i])))
		}
	}
	if len(parts) == 0 {
		return "1"
	}
	return strings.Join(parts, ".")
}

// Unit is a unit of measure. The zero value is the number 1.
type Unit struct {
	text, code string
	dim        Dimension
	factor     *big.Rat // of the product of base units; nil is 1
	curve      *curve   // of a unit whose numbers are no multiples of a quantity: °C, pH, decibel
	inner      *big.Rat // what the number is multiplied with before the curve: 1/10 for a decibel; nil is 1
	kinds      []string // what must be the same on both sides of a conversion: annotations and units like [NTU]; sorted
}

// String is the unit as it was written.
func (u Unit) String() string { return u.text }

// Code is the unit as a UCUM expression: "ug/m3" where "µg/m³" was written.
func (u Unit) Code() string {
	if u.code == "" {
		return "1"
	}
	return u.code
}

// Dimension is what kind of quantity it measures. Two units of one dimension are not always convertible: see Between.
func (u Unit) Dimension() Dimension { return u.dim }

// Scale is how much of the product of base units (metre, second, gram, radian, kelvin, coulomb, candela) one unit is: 1000
// for kg, 0.001/3600 for L/h in cubic metres a second. For °C and °F it is the size of a degree in kelvin.
func (u Unit) Scale() float64 {
	f := u.ratio()
	if u.curve.affine() {
		f = new(big.Rat).Mul(f, rat(u.inner))
	}
	v, _ := f.Float64()
	return v
}

// Offset is what is added to a number in this unit before Scale applies: 273.15 for °C, 459.67 for °F, 0 for most.
func (u Unit) Offset() float64 {
	if u.curve == nil || u.curve.offset == nil {
		return 0
	}
	v, _ := new(big.Rat).Quo(u.curve.offset, rat(u.inner)).Float64()
	return v
}

// Linear says that numbers in this unit follow the quantity by Scale and Offset; pH and decibels don't.
func (u Unit) Linear() bool { return u.curve.affine() }

// Annotations are the texts in braces, without them: "LEL" of "%{LEL}".
func (u Unit) Annotations() []string {
	var out []string
	for _, k := range u.kinds {
		if strings.HasPrefix(k, "{") {
			out = append(out, k[1:len(k)-1])
		}
	}
	return out
}

func (u Unit) ratio() *big.Rat { return rat(u.factor) }

func rat(r *big.Rat) *big.Rat {
	if r == nil {
		return big.NewRat(1, 1)
	}
	return r
}

// Same says that a number means the same in both units, however they are spelt: "kPa" and "kN/m2", "°C" and "Cel".
func Same(a, b Unit) bool {
	return a.dim == b.dim && slices.Equal(a.kinds, b.kinds) && a.curve == b.curve &&
		a.ratio().Cmp(b.ratio()) == 0 && rat(a.inner).Cmp(rat(b.inner)) == 0
}

// Conversion turns numbers in one unit into numbers in another. The zero value leaves them as they are.
type Conversion struct {
	from, to Unit
	straight bool     // times num / den, plus add
	num, den float64  // kept apart where both are exact, so that dividing by 1000 rounds once
	add      float64  // of °C to °F and the like
	scale    *big.Rat // between the curves, where one is not straight
}

// Between finds the conversion from one unit to another, or says why there is none.
func Between(from, to Unit) (Conversion, error) {
	if err := refusal(from, to); err != nil {
		return Conversion{}, err
	}
	if Same(from, to) {
		return Conversion{}, nil
	}
	c := Conversion{from: from, to: to}
	ratio := new(big.Rat).Quo(from.ratio(), to.ratio())
	inner := new(big.Rat).Quo(rat(from.inner), rat(to.inner))
	switch {
	case from.curve == to.curve && ratio.Cmp(big.NewRat(1, 1)) == 0:
		c.line(inner, nil)
	case from.curve.affine() && to.curve.affine():
		// (inner1·x + offset1)·ratio = inner2·y + offset2
		add := new(big.Rat).Mul(from.curve.shift(), ratio)
		add.Sub(add, to.curve.shift())
		c.line(inner.Mul(inner, ratio), add.Quo(add, rat(to.inner)))
	default:
		c.scale = ratio
	}
	return c, nil
}

func (c *Conversion) line(factor, add *big.Rat) {
	c.straight = true
	num, exact := new(big.Rat).SetInt(factor.Num()).Float64()
	den, exactToo := new(big.Rat).SetInt(factor.Denom()).Float64()
	if !exact || !exactToo {
		num, _ = factor.Float64()
		den = 1
	}
	c.num, c.den = num, den
	if add != nil {
		c.add, _ = add.Float64()
	}
}

// Of converts one number.
func (c Conversion) Of(v float64) float64 {
	switch {
	case c.straight:
		return v*c.num/c.den + c.add
	case c.scale == nil:
		return v
	}
	scale, _ := c.scale.Float64()
	inner1, _ := rat(c.from.inner).Float64()
	inner2, _ := rat(c.to.inner).Float64()
	return c.to.curve.number(c.from.curve.quantity(v*inner1)*scale) / inner2
}

// refusal says why two units can't be converted, with the usual reason where one is known.
func refusal(from, to Unit) error {
	if from.dim == to.dim && slices.Equal(from.kinds, to.kinds) {
		return nil
	}
	density := Dimension{-3, 0, 1}
	switch {
	case from.dim == to.dim:
		return fmt.Errorf("%s can't be converted to %s: they count different things (%s and %s)", from, to, kinds(from), kinds(to))
	case from.dim == density && to.dim == Dimension{} || from.dim == Dimension{} && to.dim == density:
		return fmt.Errorf("%s can't be converted to %s without the gas's molar mass, its temperature and its pressure: give a scale instead", from, to)
	case misread(from, to, "C"):
		return fmt.Errorf("%s can't be converted to %s: C is the coulomb; for degrees Celsius write Cel or °C", from, to)
	case misread(from, to, "F"):
		return fmt.Errorf("%s can't be converted to %s: F is the farad; for degrees Fahrenheit write [degF] or °F", from, to)
	}
	return fmt.Errorf("%s can't be converted to %s: one measures %s, the other %s", from, to, from.dim, to.dim)
}

func misread(a, b Unit, text string) bool {
	kelvin := Dimension{4: 1}
	return a.text == text && b.dim == kelvin || b.text == text && a.dim == kelvin
}

func kinds(u Unit) string {
	if len(u.kinds) == 0 {
		return "nothing in particular"
	}
	return strings.Join(u.kinds, " ")
}
