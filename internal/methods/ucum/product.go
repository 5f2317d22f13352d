package ucum

import (
	"math"
	"math/big"
	"slices"
)

// power raises a unit. A special unit has no powers (UCUM §22).
func (p *parser) power(u Unit, n, at int) (Unit, error) {
	if n == 1 {
		return u, nil
	}
	if u.curve != nil {
		e := p.fail(at, "a unit on a scale of its own can't be raised or divided by")
		if u.curve.affine() {
			e.Message = "degrees of a scale can't be raised or divided by; a difference in temperature is in K"
		}
		return u, e
	}
	for i := range u.dim {
		d := int(u.dim[i]) * n
		if d > math.MaxInt8 || d < -math.MaxInt8 {
			return u, p.fail(at, "the power is too high")
		}
		u.dim[i] = int8(d)
	}
	f := u.ratio()
	if n < 0 {
		f, n = new(big.Rat).Inv(f), -n
	}
	if max(f.Num().BitLen(), f.Denom().BitLen())*n > maxBits {
		return u, p.fail(at, tooFar)
	}
	e := big.NewInt(int64(n))
	u.factor = new(big.Rat).SetFrac(new(big.Int).Exp(f.Num(), e, nil), new(big.Int).Exp(f.Denom(), e, nil))
	return u, nil
}

// times multiplies two units. A special unit is only multiplied with numbers (UCUM §22).
func (p *parser) times(a, b Unit, at int) (Unit, error) {
	if a.curve == nil && b.curve != nil {
		a, b = b, a
	}
	if a.curve != nil && (b.curve != nil || b.dim != Dimension{}) {
		e := p.fail(at, "a unit on a scale of its own can't be part of a product")
		if a.curve.affine() {
			e.Message = "degrees of a scale can't be part of a product; a difference in temperature is in K"
			e.Suggestion = p.try(degree.ReplaceAllString(p.text, "K"))
		}
		return a, e
	}
	f := new(big.Rat)
	if a.curve != nil {
		f.Mul(rat(a.inner), b.ratio())
		a.inner = f
	} else {
		f.Mul(a.ratio(), b.ratio())
		a.factor = f
	}
	if f.Num().BitLen() > maxBits || f.Denom().BitLen() > maxBits {
		return a, p.fail(at, tooFar)
	}
	for i := range a.dim {
		d := int(a.dim[i]) + int(b.dim[i])
		if d > math.MaxInt8 || d < -math.MaxInt8 {
			return a, p.fail(at, "the power is too high")
		}
		a.dim[i] = int8(d)
	}
	a.kinds = append(slices.Clone(a.kinds), b.kinds...)
	return a, nil
}
