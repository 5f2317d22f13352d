package ucum

// spelling is how people write a unit that UCUM writes otherwise.
type spelling struct {
	text, code string
	metric     bool // takes prefixes: kWh beside Wh
	first      bool // goes before UCUM's own reading of the same letters, which nobody means
	whole      bool // stands for a whole unit, not for a part of one
}

// spellings in groups by their reason. Single characters such as µ, ³, ° and · are in normal.go.
var spellings = []spelling{
	// UCUM would read these as picohenry, femtotonne, milliphot, kilophot, millibarn and multiples of the bel.
	{text: "pH", code: "[pH]", first: true},
	{text: "ft", code: "[ft_i]", first: true},
	{text: "mph", code: "[mi_i]/h", first: true},
	{text: "kph", code: "km/h", first: true},
	{text: "mb", code: "mbar", first: true},
	{text: "kB", code: "kBy", first: true},
	{text: "MB", code: "MBy", first: true},
	{text: "GB", code: "GBy", first: true},
	{text: "TB", code: "TBy", first: true},

	// Products that are written without an operator.
	{text: "Wh", code: "W.h", metric: true},
	{text: "Ah", code: "A.h", metric: true},
	{text: "VA", code: "V.A", metric: true},
	{text: "var", code: "V.A{reactive}", metric: true}, // reactive power: the same dimension as W and VA, another quantity
	{text: "varh", code: "V.A.h{reactive}", metric: true},
	{text: "Nm", code: "N.m"},
	{text: "Wp", code: "W{peak}", metric: true},
	{text: "bps", code: "bit/s", metric: true},

	// Temperature. "C" and "F" are left alone: they are coulomb and farad, and the error of a conversion says so.
	{text: "degC", code: "Cel"},
	{text: "degF", code: "[degF]"},
	{text: "degK", code: "K"},
	{text: "deg C", code: "Cel", whole: true},
	{text: "deg F", code: "[degF]", whole: true},
	{text: "° C", code: "Cel", whole: true},
	{text: "° F", code: "[degF]", whole: true},
	{text: "celsius", code: "Cel"},
	{text: "Celsius", code: "Cel"},
	{text: "kelvin", code: "K"},

	// Shares. "%" alone stays a number; what it is a share of is an annotation, and counts.
	{text: "%LEL", code: "%{LEL}"},
	{text: "% LEL", code: "%{LEL}", whole: true},
	{text: "%UEL", code: "%{UEL}"},
	{text: "%RH", code: "%{RH}"},
	{text: "% RH", code: "%{RH}", whole: true},
	{text: "%vol", code: "%{vol}"},
	{text: "%Vol", code: "%{vol}"},
	{text: "%VOL", code: "%{vol}"},
	{text: "% vol", code: "%{vol}", whole: true},
	{text: "Vol%", code: "%{vol}"},
	{text: "vol%", code: "%{vol}"},
	{text: "ppm", code: "[ppm]"},
	{text: "ppb", code: "[ppb]"},
	{text: "ppmv", code: "[ppm]{vol}"},
	{text: "ppbv", code: "[ppb]{vol}"},

	// Water. Turbidity keeps its method: UCUM 2.2 has both units, as numbers.
	{text: "NTU", code: "[NTU]"},
	{text: "FNU", code: "[FNU]"},
	{text: "PSU", code: "1{PSU}", whole: true}, // practical salinity is a number without a unit
	{text: "psu", code: "1{PSU}", whole: true},
	{text: "PCU", code: "1{Pt-Co}", whole: true}, // colour on the platinum-cobalt scale
	{text: "CFU", code: "[CFU]"},
	{text: "CFU/100mL", code: "[CFU]/(100.mL)", whole: true},
	{text: "CFU/100ml", code: "[CFU]/(100.mL)", whole: true},
	{text: "MPN/100mL", code: "{MPN}/(100.mL)", whole: true},
	{text: "MPN/100ml", code: "{MPN}/(100.mL)", whole: true},
	{text: "mg/100mL", code: "mg/(100.mL)", whole: true},
	{text: "mEq", code: "meq"},

	// Flow and volume.
	{text: "lpm", code: "L/min"},
	{text: "LPM", code: "L/min"},
	{text: "lps", code: "L/s"},
	{text: "LPS", code: "L/s"},
	{text: "cms", code: "m3/s"}, // cubic metre a second, as hydrologists say
	{text: "cfs", code: "[cft_i]/s"},
	{text: "cfm", code: "[cft_i]/min"},
	{text: "gpm", code: "[gal_us]/min"},
	{text: "GPM", code: "[gal_us]/min"},
	{text: "mgd", code: "10*6.[gal_us]/d"},
	{text: "MGD", code: "10*6.[gal_us]/d"},
	{text: "Nm3", code: "m3{normal}", whole: true}, // gas at 0 °C and 101.325 kPa
	{text: "Nm3/h", code: "m3{normal}/h", whole: true},
	{text: "Nm³/h", code: "m3{normal}/h", whole: true},
	{text: "gal", code: "[gal_us]"},
	{text: "bbl", code: "[bbl_us]"},
	{text: "litre", code: "L"},
	{text: "liter", code: "L"},
	{text: "cc", code: "cm3"},

	// Pressure.
	{text: "psi", code: "[psi]"},
	{text: "mmHg", code: "mm[Hg]"},
	{text: "cmHg", code: "cm[Hg]"},
	{text: "inHg", code: "[in_i'Hg]"},
	{text: "mmH2O", code: "mm[H2O]", whole: true},
	{text: "cmH2O", code: "cm[H2O]", whole: true},
	{text: "mH2O", code: "m[H2O]", whole: true},
	{text: "inH2O", code: "[in_i'H2O]", whole: true},
	{text: "mWC", code: "m[H2O]"},

	// Length, area, mass.
	{text: "in", code: "[in_i]"},
	{text: "inch", code: "[in_i]"},
	{text: "feet", code: "[ft_i]"},
	{text: "yd", code: "[yd_i]"},
	{text: "mi", code: "[mi_i]"},
	{text: "mile", code: "[mi_i]"},
	{text: "nmi", code: "[nmi_i]"},
	{text: "ha", code: "har"},
	{text: "acre", code: "[acr_us]"},
	{text: "lb", code: "[lb_av]"},
	{text: "lbs", code: "[lb_av]"},
	{text: "oz", code: "[oz_av]"},
	{text: "ton", code: "t"},
	{text: "tonne", code: "t"},
	{text: "metre", code: "m"},
	{text: "meter", code: "m"},

	// Time and speed.
	{text: "sec", code: "s"},
	{text: "second", code: "s"},
	{text: "minute", code: "min"},
	{text: "hr", code: "h"},
	{text: "hour", code: "h"},
	{text: "day", code: "d"},
	{text: "week", code: "wk"},
	{text: "month", code: "mo"},
	{text: "yr", code: "a"},
	{text: "year", code: "a"},
	{text: "kn", code: "[kn_i]"},
	{text: "kt", code: "[kn_i]", whole: true}, // alone it is a speed; a mass of kilotonnes is never read off a sensor
	{text: "knot", code: "[kn_i]"},
	{text: "kmh", code: "km/h"},
	{text: "rpm", code: "min-1"},
	{text: "cpm", code: "{count}/min"},
	{text: "CPM", code: "{count}/min"},

	// Angle, light, sound, radio, radar.
	{text: "degree", code: "deg"},
	{text: "lux", code: "lx"},
	{text: "ohm", code: "Ohm", metric: true},
	{text: "dBm", code: "dB[mW]"},
	{text: "dBA", code: "dB[SPL]{A}"}, // weighted as the ear does; the weighting is no unit
	{text: "dB(A)", code: "dB[SPL]{A}", whole: true},
	{text: "dBC", code: "dB[SPL]{C}"},
	{text: "dB(C)", code: "dB[SPL]{C}", whole: true},
	{text: "dBZ", code: "dB{Z}"},

	// Counts and numbers.
	{text: "count", code: "{count}"},
	{text: "counts", code: "{count}"},
	{text: "pcs", code: "{count}"},
	{text: "none", code: "1", whole: true},
	{text: "unitless", code: "1", whole: true},
	{text: "-", code: "1", whole: true},
}
