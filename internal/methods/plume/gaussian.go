package plume

import "math"

// Point is a place on a site: metres east and north of an origin of the caller's choice, and metres above the ground.
type Point struct{ East, North, Height float64 }

// Wind is the wind of one step, averaged over the step and the site.
type Wind struct {
	From  float64 // where it comes from, degrees clockwise from north; NaN: not known
	Speed float64 // m/s; NaN: not known
	Class Class
}

// Class is Pasquill's stability class of the air, from A, very unstable, to F, stable.
type Class uint8

// The classes. The zero value is A.
const (
	A Class = iota
	B
	C
	D
	E
	F
)

// Stability is the class for a wind speed in m/s and the sun's height above the horizon in degrees, under a clear sky.
//
// Pasquill's table as in Turner, "Workbook of Atmospheric Dispersion Estimates", EPA AP-26 (1970), table 3-1: strong,
// moderate and slight insolation are a sun above 60, 35 and 15 degrees (Turner 1964; under 15 degrees by day counts as
// slight too), and a night is one with less than half of the sky in cloud. Where the table names two classes the more
// stable one is taken. The table knows no stable class under 2 m/s; F is taken. It wants the wind at 10 m; that of a lower
// mast is slower, which errs towards A by day and F by night.
func Stability(speed, sun float64) Class {
	var column int
	switch {
	case sun > 60:
		column = 0
	case sun > 35:
		column = 1
	case sun > 0:
		column = 2
	default:
		column = 3
	}
	var row [4]Class
	switch {
	case speed < 2:
		row = [4]Class{A, B, B, F}
	case speed < 3:
		row = [4]Class{B, B, C, F}
	case speed < 5:
		row = [4]Class{B, C, C, E}
	case speed < 6:
		row = [4]Class{C, D, D, D}
	default:
		row = [4]Class{C, D, D, D}
	}
	return row[column]
}

// Sun is the sun's height above the horizon in degrees at a place and a time in µs since 1970 UTC, to about 4 degrees:
// declination after Cooper (Solar Energy 12, 1969), mean solar time, no refraction.
func Sun(lat, lon float64, at int64) float64 {
	const day = 86400e6
	days := float64(at) / day
	ofYear := math.Mod(days, 365.2425) + 1
	declination := 23.45 * math.Pi / 180 * math.Sin(2*math.Pi*(284+ofYear)/365)
	hour := 2*math.Pi*(days-math.Floor(days)) + lon*math.Pi/180 - math.Pi
	la := lat * math.Pi / 180
	return 180 / math.Pi * math.Asin(math.Sin(la)*math.Sin(declination)+math.Cos(la)*math.Cos(declination)*math.Cos(hour))
}

// Spread is the standard deviation, across the wind and upwards, of a plume at x metres from its source.
//
// Briggs' formulas for open country (Briggs 1973, "Diffusion estimation for small emissions", ATDL 79; in Hanna, Briggs,
// Hosker, "Handbook on Atmospheric Diffusion", DOE/TIC-11223, 1982, table 4.5). They were made for 100 m to 10 km; here
// they are also used closer by, where they are straight lines through the source.
func Spread(c Class, x float64) (across, up float64) {
	y := 1 / math.Sqrt(1+0.0001*x)
	switch c {
	case A:
		return 0.22 * x * y, 0.20 * x
	case B:
		return 0.16 * x * y, 0.12 * x
	case C:
		return 0.11 * x * y, 0.08 * x / math.Sqrt(1+0.0002*x)
	case D:
		return 0.08 * x * y, 0.06 * x / math.Sqrt(1+0.0015*x)
	case E:
		return 0.06 * x * y, 0.03 * x / (1 + 0.0003*x)
	default:
		return 0.04 * x * y, 0.016 * x / (1 + 0.0003*x)
	}
}

// Dilution is the concentration at an instrument per rate of emission at a source, in s/m³: grams per second make grams
// per cubic metre, millilitres per second make ppm. It is 0 upwind.
//
// The Gaussian plume with reflection at the ground (Turner 1970, eq. 3.1), u the speed, x and y the distance along and
// across the wind, H and z the heights of source and instrument:
//
//	1/(2π u σy σz) exp(-y²/2σy²) [exp(-(z-H)²/2σz²) + exp(-(z+H)²/2σz²)]
//
// meander, in degrees, is how much the wind turns about its average within a step and over the site; it widens the plume:
// σy² = Briggs² + (x tan meander)² (Gifford's fluctuating plume, Advances in Geophysics 6, 1960).
func Dilution(w Wind, meander float64, source, instrument Point) float64 {
	from := w.From * math.Pi / 180
	east, north := instrument.East-source.East, instrument.North-source.North
	x := -east*math.Sin(from) - north*math.Cos(from)
	y := east*math.Cos(from) - north*math.Sin(from)
	if x < nearest {
		return 0
	}
	sy, sz := Spread(w.Class, x)
	sy = math.Hypot(sy, x*math.Tan(meander*math.Pi/180))
	bell := func(d, sigma float64) float64 { return math.Exp(-d * d / (2 * sigma * sigma)) }
	return bell(y, sy) * (bell(instrument.Height-source.Height, sz) + bell(instrument.Height+source.Height, sz)) /
		(2 * math.Pi * w.Speed * sy * sz)
}

// nearest is the least distance downwind, in metres, that the formula is used for: at the source itself it is infinite.
const nearest = 1
