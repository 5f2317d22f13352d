package ucum

// definition says what a symbol stands for: value times the unit of, which is made of symbols defined before.
type definition struct {
	symbol, value, of, name string
	metric                  bool   // takes prefixes
	curve                   *curve // of a special unit
	arbitrary               bool   // measured by a procedure: comparable with itself only
}

const (
	metric    = true
	arbitrary = true

	// pi has 40 digits, so that it leaves no trace where it cancels and none in a float64 where it doesn't.
	pi = "3.141592653589793238462643383279502884197"
)

type prefix struct{ symbol, factor, name string }

// prefixes in the order in which a suggestion tries them: the common ones first.
var prefixes = []prefix{
	{"k", "1e3", "kilo"}, {"m", "1e-3", "milli"}, {"u", "1e-6", "micro"}, {"c", "1e-2", "centi"}, {"h", "1e2", "hecto"}, {"M", "1e6", "mega"},
	{"G", "1e9", "giga"}, {"n", "1e-9", "nano"}, {"d", "1e-1", "deci"}, {"da", "1e1", "deka"}, {"p", "1e-12", "pico"}, {"T", "1e12", "tera"},
	{"f", "1e-15", "femto"}, {"P", "1e15", "peta"}, {"a", "1e-18", "atto"}, {"E", "1e18", "exa"}, {"z", "1e-21", "zepto"}, {"Z", "1e21", "zetta"},
	{"y", "1e-24", "yocto"}, {"Y", "1e24", "yotta"},
	{"Ki", "1024", "kibi"}, {"Mi", "1048576", "mebi"}, {"Gi", "1073741824", "gibi"}, {"Ti", "1099511627776", "tebi"},
}

var numbers = []definition{
	{"10*", "10", "1", "ten", false, nil, false},
	{"10^", "10", "1", "ten", false, nil, false},
	{"[pi]", pi, "1", "pi", false, nil, false},
	{"%", "1", "10*-2", "percent", false, nil, false},
	{"[ppth]", "1", "10*-3", "part per thousand", false, nil, false},
	{"[ppm]", "1", "10*-6", "part per million", false, nil, false},
	{"[ppb]", "1", "10*-9", "part per billion", false, nil, false},
	{"[pptr]", "1", "10*-12", "part per trillion", false, nil, false},
}

var si = []definition{
	{"mol", "6.02214076", "10*23", "mole", metric, nil, false},
	{"sr", "1", "rad2", "steradian", metric, nil, false},
	{"Hz", "1", "s-1", "hertz", metric, nil, false},
	{"N", "1", "kg.m/s2", "newton", metric, nil, false},
	{"Pa", "1", "N/m2", "pascal", metric, nil, false},
	{"J", "1", "N.m", "joule", metric, nil, false},
	{"W", "1", "J/s", "watt", metric, nil, false},
	{"A", "1", "C/s", "ampere", metric, nil, false},
	{"V", "1", "J/C", "volt", metric, nil, false},
	{"F", "1", "C/V", "farad", metric, nil, false},
	{"Ohm", "1", "V/A", "ohm", metric, nil, false},
	{"S", "1", "Ohm-1", "siemens", metric, nil, false},
	{"Wb", "1", "V.s", "weber", metric, nil, false},
	{"Cel", "1", "K", "degree celsius", metric, celsius, false},
	{"T", "1", "Wb/m2", "tesla", metric, nil, false},
	{"H", "1", "Wb/A", "henry", metric, nil, false},
	{"lm", "1", "cd.sr", "lumen", metric, nil, false},
	{"lx", "1", "lm/m2", "lux", metric, nil, false},
	{"Bq", "1", "s-1", "becquerel", metric, nil, false},
	{"Gy", "1", "J/kg", "gray", metric, nil, false},
	{"Sv", "1", "J/kg", "sievert", metric, nil, false},
}

// everyday are the units that are used beside the SI.
var everyday = []definition{
	{"deg", "2", "[pi].rad/360", "degree", false, nil, false},
	{"gon", "0.9", "deg", "gon", false, nil, false},
	{"'", "1", "deg/60", "arc minute", false, nil, false},
	{"''", "1", "'/60", "arc second", false, nil, false},
	{"circ", "2", "[pi].rad", "circle", false, nil, false},
	{"sph", "4", "[pi].sr", "sphere", false, nil, false},
	{"l", "1", "dm3", "litre", metric, nil, false},
	{"L", "1", "l", "litre", metric, nil, false},
	{"ar", "100", "m2", "are", metric, nil, false},
	{"st", "1", "m3", "stere", metric, nil, false},
	{"min", "60", "s", "minute", false, nil, false},
	{"h", "60", "min", "hour", false, nil, false},
	{"d", "24", "h", "day", false, nil, false},
	{"wk", "7", "d", "week", false, nil, false},
	{"a_t", "365.24219", "d", "tropical year", false, nil, false},
	{"a_j", "365.25", "d", "julian year", false, nil, false},
	{"a_g", "365.2425", "d", "gregorian year", false, nil, false},
	{"a", "1", "a_j", "year", false, nil, false},
	{"mo_s", "29.53059", "d", "lunar month", false, nil, false},
	{"mo_j", "1", "a_j/12", "julian month", false, nil, false},
	{"mo_g", "1", "a_g/12", "gregorian month", false, nil, false},
	{"mo", "1", "mo_j", "month", false, nil, false},
	{"t", "1e3", "kg", "tonne", metric, nil, false},
	{"bar", "1e5", "Pa", "bar", metric, nil, false},
	{"u", "1.66053906660e-24", "g", "atomic mass unit", metric, nil, false},
	{"AU", "149597.870691", "Mm", "astronomical unit", false, nil, false},
	{"pc", "3.085678e16", "m", "parsec", metric, nil, false},
	{"Ao", "0.1", "nm", "angstrom", false, nil, false},
	{"b", "100", "fm2", "barn", false, nil, false},
	{"mho", "1", "S", "mho", metric, nil, false},
	{"[NTU]", "1", "1", "nephelometric turbidity unit", false, nil, arbitrary},
	{"[FNU]", "1", "1", "formazin nephelometric unit", false, nil, arbitrary},
	{"%[slope]", "1", "deg", "percent of slope", false, slope, false},
}

// constants with the values that UCUM 2.2 gives them.
var constants = []definition{
	{"[c]", "299792458", "m/s", "speed of light", metric, nil, false},
	{"[h]", "6.62607015e-34", "J.s", "planck constant", metric, nil, false},
	{"[k]", "1.380649e-23", "J/K", "boltzmann constant", metric, nil, false},
	{"[eps_0]", "8.854187817e-12", "F/m", "permittivity of vacuum", metric, nil, false},
	{"[mu_0]", "1", "4.[pi].10*-7.N/A2", "permeability of vacuum", metric, nil, false},
	{"[e]", "1.602176634e-19", "C", "elementary charge", metric, nil, false},
	{"[m_e]", "9.1093837139e-31", "kg", "electron mass", metric, nil, false},
	{"[m_p]", "1.67262192595e-27", "kg", "proton mass", metric, nil, false},
	{"[G]", "6.67430e-11", "m3.kg-1.s-2", "gravitational constant", metric, nil, false},
	{"[g]", "9.80665", "m/s2", "acceleration of free fall", metric, nil, false},
	{"[ly]", "1", "[c].a_j", "light year", metric, nil, false},
	{"eV", "1", "[e].V", "electronvolt", metric, nil, false},
	{"atm", "101325", "Pa", "atmosphere", false, nil, false},
	{"gf", "1", "g.[g]", "gram force", metric, nil, false},
	{"att", "1", "kgf/cm2", "technical atmosphere", false, nil, false},
}

var cgs = []definition{
	{"Ky", "1", "cm-1", "kayser", metric, nil, false},
	{"Gal", "1", "cm/s2", "gal", metric, nil, false},
	{"dyn", "1", "g.cm/s2", "dyne", metric, nil, false},
	{"erg", "1", "dyn.cm", "erg", metric, nil, false},
	{"P", "1", "dyn.s/cm2", "poise", metric, nil, false},
	{"St", "1", "cm2/s", "stokes", metric, nil, false},
	{"Bi", "10", "A", "biot", metric, nil, false},
	{"Mx", "1e-8", "Wb", "maxwell", metric, nil, false},
	{"G", "1e-4", "T", "gauss", metric, nil, false},
	{"Oe", "250", "/[pi].A/m", "oersted", metric, nil, false},
	{"Gb", "1", "Oe.cm", "gilbert", metric, nil, false},
	{"sb", "1", "cd/cm2", "stilb", metric, nil, false},
	{"Lmb", "1", "cd/cm2/[pi]", "lambert", metric, nil, false},
	{"ph", "1e4", "lx", "phot", metric, nil, false}, // a lumen on a cm2; the table of 2.2 has 1e-4, a slip of the sign
	{"Ci", "37e9", "Bq", "curie", metric, nil, false},
	{"R", "2.58e-4", "C/kg", "roentgen", metric, nil, false},
	{"RAD", "100", "erg/g", "rad of absorbed dose", metric, nil, false},
	{"REM", "1", "RAD", "rem", metric, nil, false},
}

// customary are units of length, area, volume, mass and speed that are no part of the metric system.
var customary = []definition{
	{"[in_i]", "2.54", "cm", "inch", false, nil, false},
	{"[ft_i]", "12", "[in_i]", "foot", false, nil, false},
	{"[yd_i]", "3", "[ft_i]", "yard", false, nil, false},
	{"[mi_i]", "5280", "[ft_i]", "mile", false, nil, false},
	{"[fth_i]", "6", "[ft_i]", "fathom", false, nil, false},
	{"[nmi_i]", "1852", "m", "nautical mile", false, nil, false},
	{"[kn_i]", "1", "[nmi_i]/h", "knot", false, nil, false},
	{"[mil_i]", "1e-3", "[in_i]", "mil", false, nil, false},
	{"[sin_i]", "1", "[in_i]2", "square inch", false, nil, false},
	{"[sft_i]", "1", "[ft_i]2", "square foot", false, nil, false},
	{"[syd_i]", "1", "[yd_i]2", "square yard", false, nil, false},
	{"[cin_i]", "1", "[in_i]3", "cubic inch", false, nil, false},
	{"[cft_i]", "1", "[ft_i]3", "cubic foot", false, nil, false},
	{"[cyd_i]", "1", "[yd_i]3", "cubic yard", false, nil, false},
	{"[ft_us]", "1200", "m/3937", "survey foot", false, nil, false},
	{"[yd_us]", "3", "[ft_us]", "survey yard", false, nil, false},
	{"[in_us]", "1", "[ft_us]/12", "survey inch", false, nil, false},
	{"[rd_us]", "16.5", "[ft_us]", "survey rod", false, nil, false},
	{"[ch_us]", "4", "[rd_us]", "survey chain", false, nil, false},
	{"[fur_us]", "40", "[rd_us]", "survey furlong", false, nil, false},
	{"[mi_us]", "8", "[fur_us]", "survey mile", false, nil, false},
	{"[acr_us]", "160", "[rd_us]2", "acre", false, nil, false},
	{"[smi_us]", "1", "[mi_us]2", "square mile", false, nil, false},
	{"[gal_us]", "231", "[in_i]3", "gallon", false, nil, false},
	{"[bbl_us]", "42", "[gal_us]", "barrel", false, nil, false},
	{"[qt_us]", "1", "[gal_us]/4", "quart", false, nil, false},
	{"[pt_us]", "1", "[qt_us]/2", "pint", false, nil, false},
	{"[foz_us]", "1", "[gal_us]/128", "fluid ounce", false, nil, false},
	{"[gal_br]", "4.54609", "l", "imperial gallon", false, nil, false},
	{"[qt_br]", "1", "[gal_br]/4", "imperial quart", false, nil, false},
	{"[pt_br]", "1", "[qt_br]/2", "imperial pint", false, nil, false},
	{"[gr]", "64.79891", "mg", "grain", false, nil, false},
	{"[lb_av]", "7000", "[gr]", "pound", false, nil, false},
	{"[oz_av]", "1", "[lb_av]/16", "ounce", false, nil, false},
	{"[dr_av]", "1", "[oz_av]/16", "dram", false, nil, false},
	{"[stone_av]", "14", "[lb_av]", "stone", false, nil, false},
	{"[scwt_av]", "100", "[lb_av]", "short hundredweight", false, nil, false},
	{"[lcwt_av]", "112", "[lb_av]", "long hundredweight", false, nil, false},
	{"[ston_av]", "20", "[scwt_av]", "short ton", false, nil, false},
	{"[lton_av]", "20", "[lcwt_av]", "long ton", false, nil, false},
	{"[oz_tr]", "480", "[gr]", "troy ounce", false, nil, false},
	{"[lb_tr]", "12", "[oz_tr]", "troy pound", false, nil, false},
	{"[car_m]", "0.2", "g", "carat", false, nil, false},
	{"tex", "1", "g/km", "tex", metric, nil, false},
	{"[den]", "1", "g/9/km", "denier", false, nil, false},
}

// pressures are forces, pressures and columns of liquid.
var pressures = []definition{
	{"[lbf_av]", "1", "[lb_av].[g]", "pound force", false, nil, false},
	{"[psi]", "1", "[lbf_av]/[in_i]2", "pound per square inch", false, nil, false},
	{"m[H2O]", "9.80665", "kPa", "metre of water column", metric, nil, false},
	{"m[Hg]", "133.3220", "kPa", "metre of mercury column", metric, nil, false},
	{"[in_i'H2O]", "1", "m[H2O].[in_i]/m", "inch of water column", false, nil, false},
	{"[in_i'Hg]", "1", "m[Hg].[in_i]/m", "inch of mercury column", false, nil, false},
	{"[mesh_i]", "1", "/[in_i]", "mesh", false, nil, false},
	{"[diop]", "1", "/m", "dioptre", false, nil, false},
}

var heat = []definition{
	{"[degF]", "5", "K/9", "degree fahrenheit", false, fahrenheit, false},
	{"[degR]", "5", "K/9", "degree rankine", false, nil, false},
	{"[degRe]", "5", "K/4", "degree reaumur", false, reaumur, false},
	{"cal_[15]", "4.18580", "J", "calorie at 15 degrees", metric, nil, false},
	{"cal_[20]", "4.18190", "J", "calorie at 20 degrees", metric, nil, false},
	{"cal_m", "4.19002", "J", "mean calorie", metric, nil, false},
	{"cal_IT", "4.1868", "J", "international calorie", metric, nil, false},
	{"cal_th", "4.184", "J", "thermochemical calorie", metric, nil, false},
	{"cal", "1", "cal_th", "calorie", metric, nil, false},
	{"[Btu_39]", "1.05967", "kJ", "btu at 39 degrees", false, nil, false},
	{"[Btu_59]", "1.05480", "kJ", "btu at 59 degrees", false, nil, false},
	{"[Btu_60]", "1.05468", "kJ", "btu at 60 degrees", false, nil, false},
	{"[Btu_m]", "1.05587", "kJ", "mean btu", false, nil, false},
	{"[Btu_IT]", "1.05505585262", "kJ", "international btu", false, nil, false},
	{"[Btu_th]", "1.054350", "kJ", "thermochemical btu", false, nil, false},
	{"[Btu]", "1", "[Btu_th]", "british thermal unit", false, nil, false},
	{"[HP]", "550", "[ft_i].[lbf_av]/s", "horsepower", false, nil, false},
}

var chemistry = []definition{
	{"eq", "1", "mol", "equivalent", metric, nil, false},
	{"osm", "1", "mol", "osmole", metric, nil, false},
	{"[pH]", "1", "mol/l", "ph", false, acidity, false},
	{"g%", "1", "g/dl", "gram percent", metric, nil, false},
	{"kat", "1", "mol/s", "katal", metric, nil, false},
	{"U", "1", "umol/min", "enzyme unit", metric, nil, false},
	{"[drp]", "1", "ml/20", "drop", false, nil, false},
	{"[S]", "1e-13", "s", "svedberg", false, nil, false},
	{"[iU]", "1", "1", "international unit", metric, nil, arbitrary},
	{"[IU]", "1", "[iU]", "international unit", metric, nil, arbitrary},
	{"[arb'U]", "1", "1", "arbitrary unit", false, nil, arbitrary},
	{"[CFU]", "1", "1", "colony forming unit", false, nil, arbitrary},
	{"[PFU]", "1", "1", "plaque forming unit", false, nil, arbitrary},
	{"[FFU]", "1", "1", "focus forming unit", false, nil, arbitrary},
	{"[TCID_50]", "1", "1", "tissue culture dose", false, nil, arbitrary},
	{"[EU]", "1", "1", "ehrlich unit", false, nil, arbitrary},
}

// levels are logarithms of a quantity over another.
var levels = []definition{
	{"Np", "1", "1", "neper", metric, neper, false},
	{"B", "1", "1", "bel", metric, power, false},
	{"B[SPL]", "2", "10*-5.Pa", "bel of sound pressure", metric, field, false},
	{"B[V]", "1", "V", "bel of a volt", metric, field, false},
	{"B[mV]", "1", "mV", "bel of a millivolt", metric, field, false},
	{"B[uV]", "1", "uV", "bel of a microvolt", metric, field, false},
	{"B[10.nV]", "10", "nV", "bel of 10 nanovolt", metric, field, false},
	{"B[W]", "1", "W", "bel of a watt", metric, power, false},
	{"B[kW]", "1", "kW", "bel of a kilowatt", metric, power, false},
	// Ours, formed like the two above: every radio reports its signal in dBm, and UCUM has no symbol for it.
	{"B[mW]", "1", "mW", "bel of a milliwatt", metric, power, false},
}

var information = []definition{
	{"bit_s", "1", "1", "bit of choices", false, binary, false},
	{"bit", "1", "1", "bit", metric, nil, false},
	{"By", "8", "bit", "byte", metric, nil, false},
	{"Bd", "1", "/s", "baud", metric, nil, false},
}
