package ucum

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func convert(v float64, from, to Unit) (float64, error) {
	c, err := Between(from, to)
	return c.Of(v), err
}

// Expected numbers are from the definitions: NIST SP 811 for customary units, IAPWS and WMO practice for the rest.
func TestConvert(t *testing.T) {
	for _, c := range []struct {
		v        float64
		from, to string
		want     float64
	}{
		{1, "m", "mm", 1000}, {25.4, "mm", "[in_i]", 1}, {3, "ft", "m", 0.9144}, {1, "mi", "km", 1.609344}, {2, "nmi", "m", 3704},
		{15, "mg/L", "g/L", 0.015}, {1001, "µg/m³", "mg/m3", 1.001}, {35, "ug/m3", "ng/L", 35}, {1, "g/m3", "mg/L", 1},
		{3600, "m3/h", "m³/s", 1}, {1, "m3/s", "L/s", 1000}, {1, "cfs", "m3/s", 0.028316846592}, {1, "mgd", "m3/d", 3785.411784}, {60, "lpm", "L/s", 1},
		{1, "mm/h", "mm/d", 24}, {1, "L/m2", "mm", 1}, {1, "ha", "m2", 10000}, {1, "acre", "m2", 4046.872609874252},
		{0, "°C", "K", 273.15}, {20, "Cel", "degF", 68}, {-40, "℉", "℃", -40}, {212, "[degF]", "Cel", 100}, {300, "K", "°C", 26.85}, {80, "[degRe]", "Cel", 100},
		{20, "Cel", "mCel", 20000}, {491.67, "[degR]", "Cel", 0},
		{1, "bar", "kPa", 100}, {1013.25, "hPa", "atm", 1}, {1013.25, "mb", "kPa", 101.325}, {1, "psi", "kPa", 6.894757293168361},
		{760, "mmHg", "kPa", 101.32472}, {10, "mH2O", "kPa", 98.0665}, {1, "att", "kPa", 98.0665}, {1, "MPa", "bar", 10},
		{1, "kWh", "MJ", 3.6}, {1, "MWh/d", "kW", 1000.0 / 24}, {1, "kcal", "J", 4184}, {1, "[HP]", "W", 745.6998715822702}, {1, "kVA", "V.A", 1000}, {5, "kvar", "var", 5000},
		{2, "mAh", "C", 7.2}, {1, "S/m", "µS/cm", 10000}, {1, "Ohm", "mOhm", 1000}, {1, "kΩ", "Ohm", 1000},
		{36, "km/h", "m/s", 10}, {10, "kn", "m/s", 5.144444444444445}, {60, "mph", "km/h", 96.56064}, {10, "kt", "kn", 10},
		{180, "deg", "rad", math.Pi}, {90, "°", "gon", 100}, {60, "'", "deg", 1}, {1, "circ", "deg", 360}, {3000, "rpm", "Hz", 50},
		{50000, "ppm", "%", 5}, {1, "[ppb]", "[ppm]", 0.001}, {1, "‰", "%", 0.1}, {100, "%{LEL}", "%LEL", 100},
		{30, "dBm", "W", 1}, {0, "dBm", "dB[W]", -30}, {-30, "dBm", "uW", 1}, {20, "dB", "1", 100}, {1, "B", "dB", 10}, {94, "dB[SPL]", "Pa", 1.0023744672545447},
		{7, "pH", "mol/L", 1e-7}, {1, "Np", "1", math.E}, {100, "%[slope]", "deg", 45}, {8, "bit_s", "1", 256},
		{1, "uSv/h", "nSv/h", 1000}, {1, "Ci", "GBq", 37}, {1, "REM", "mSv", 10},
		{1, "kB", "bit", 8000}, {1, "KiBy", "By", 1024}, {10, "Mbps", "bit/s", 1e7},
		{1, "d", "h", 24}, {1, "a", "d", 365.25}, {1, "wk", "d", 7}, {1, "mo", "d", 30.4375},
		{1, "10*6/L", "10*9/m3", 1}, {1, "m^3/h", "m**3/h", 1}, {1, "kg m-2", "kg/m2", 1}, {1, "W/(m2.K)", "W/m2/K", 1}, {1, "CFU/100mL", "[CFU]/L", 10},
		{1, "[ly]", "km", 9460730472580.8}, {1, "eV", "J", 1.602176634e-19}, {1, "[lbf_av]", "N", 4.4482216152605},
	} {
		from, to := parse(t, strings.ReplaceAll(c.from, "kg m-2", "kg.m-2")), parse(t, c.to)
		got, err := convert(c.v, from, to)
		if err != nil {
			t.Errorf("%v %s in %s: %v", c.v, c.from, c.to, err)
		} else if math.Abs(got-c.want) > 1e-14*math.Abs(c.want) && math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v %s is %v %s, expected %v", c.v, c.from, got, c.to, c.want)
		}
	}
}

// What a person sees in a list must not show the binary fractions behind it.
func TestConversionsRoundOnce(t *testing.T) {
	for _, c := range []struct {
		v        float64
		from, to string
		want     float64
	}{
		{15, "mg/L", "g/L", 0.015}, {1001, "mm", "m", 1.001}, {21.3, "°C", "K", 294.45}, {68, "°F", "°C", 20}, {0.7, "kPa", "Pa", 700}, {7, "h", "d", 7. / 24},
	} {
		if got, err := convert(c.v, parse(t, c.from), parse(t, c.to)); err != nil || got != c.want {
			t.Errorf("%v %s: %v %s, %v; expected %v", c.v, c.from, got, c.to, err, c.want)
		}
	}
}

func TestRefusedConversions(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"m", "s", "one measures m, the other s"},
		{"kPa", "m3/h", "one measures g.m-1.s-2, the other m3.s-1"},
		{"%", "%LEL", "they count different things (nothing in particular and {LEL})"},
		{"mg{N}/L", "mg/L", "they count different things"},
		{"NTU", "FNU", "they count different things ([NTU] and [FNU])"},
		{"NTU", "1", "they count different things"},
		{"kvar", "kW", "they count different things ({reactive} and nothing in particular)"},
		{"ppm", "mg/m3", "without the gas's molar mass"},
		{"C", "Cel", "C is the coulomb"},
		{"K", "F", "F is the farad"},
	} {
		_, err := convert(1, parse(t, c.from), parse(t, c.to))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s to %s: %v, expected %q", c.from, c.to, err, c.want)
		}
	}
	if v, err := convert(0, parse(t, "mol/L"), parse(t, "[pH]")); err != nil || !math.IsInf(v, 1) {
		t.Errorf("no acid at all has the pH %v, %v", v, err)
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		text       string
		column     int
		message    string
		suggestion string
	}{
		{"", 1, "nothing stands here", ""},
		{"m3/hh", 4, `unknown unit "hh"`, ""},
		{"KPA", 1, `unknown unit "KPA"`, "kPa"},
		{"kpa", 1, `unknown unit "kpa"`, "kPa"},
		{"M3/H", 1, `unknown unit "M"`, "m3/h"},
		{"m3/hour", 0, "", ""},
		{"kilopascal", 1, `unknown unit "kilopascal"`, "kPa"},
		{"millimeters/h", 1, `unknown unit "millimeters"`, "mm/h"},
		{"µg/㎥/", 6, "the unit ends where another part is expected", ""},
		{"ug/m33x", 7, `unexpected 'x'`, ""},
		{"kg m-2", 3, "parts of a unit are joined by . or /", "kg.m-2"},
		{"mg/100mL", 0, "", ""},
		{"g/100mL", 6, "a number is joined to what follows by a dot", "g/100.mL"},
		{"10-3 m-1", 1, "a power of ten is written 10*-3, and joined to what follows by a dot", "10*-3.m-1"},
		{"10-3/m", 1, "a power of ten is written 10*-3", "10*-3/m"},
		{"0.1m", 2, "numbers in a unit are whole", ""},
		{"0", 1, "a unit can't be 0", ""},
		{"(m/s", 1, "a ( without its )", ""},
		{"m/s)", 4, "a ) without its (", ""},
		{"m[H2O", 2, "a [ without its ]", ""},
		{"mg{N", 3, "a { without its }", ""},
		{"m{a b}", 4, "an annotation holds printable ASCII", ""},
		{"m-", 3, "a sign without the power", ""},
		{"m1000", 2, "the power 1000 is beyond", ""},
		{"°C/h", 3, "a difference in temperature is in K", "K/h"},
		{"Cel2", 1, "can't be raised", ""},
		{"dBm/s", 4, "can't be part of a product", ""},
		{"kWh2", 4, "stands for kW.h: write that out to give it a power", ""},
		{"Y[c]99.Y[c]99", 1, "too large", ""},
		{strings.Repeat("m.", 60), 101, "more than 100 characters", ""},
		{"m\xff", 1, "not UTF-8", ""},
	} {
		_, err := Parse(c.text)
		if c.column == 0 {
			if err != nil {
				t.Errorf("%q: %v", c.text, err)
			}
			continue
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q was taken", c.text)
			continue
		}
		if e.Column != c.column || !strings.Contains(e.Message, c.message) || e.Suggestion != c.suggestion {
			t.Errorf("%q: %v (suggestion %q), expected column %d, %q, %q", c.text, err, e.Suggestion, c.column, c.message, c.suggestion)
		}
	}
}

func TestSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"°C", "Cel", true}, {"kPa", "kN/m2", true}, {"m3/h", "m³/h", true}, {"L", "dm3", true}, {"J", "W.s", true}, {"m.s-1", "m/s", true},
		{"%LEL", "%{LEL}", true}, {"%", "10*-2", true}, {"dBm", "dB[mW]", true}, {"mS/m", "µS/cm", false}, {"Cel", "K", false}, {"dB", "B", false}, {"%", "%{RH}", false},
		{"mg/L{N}", "mg{N}/L", true}, {"ppm", "mg/kg", true}, {"W", "V.A", true}, {"var", "W", false},
	} {
		if got := Same(parse(t, c.a), parse(t, c.b)); got != c.same {
			t.Errorf("Same(%s, %s) is %v", c.a, c.b, got)
		}
	}
}

func TestCode(t *testing.T) {
	for text, want := range map[string]string{
		"µg/m³": "ug/m3", "°C": "Cel", "m^3/h": "m3/h", "kWh": "kW.h", "m3/kWh": "m3/(kW.h)", "NTU": "[NTU]", "%LEL": "%{LEL}", "dBm": "dB[mW]",
		"pH": "[pH]", "kW·h": "kW.h", "m / s": "m/s", "10^3/mL": "10^3/mL", "W/㎡": "W/m2", "/h": "/h", "rpm": "min-1", "in/h": "[in_i]/h", "none": "1",
	} {
		u := parse(t, text)
		if u.Code() != want || u.String() != text {
			t.Errorf("%q is %q in UCUM, expected %q; written as %q", text, u.Code(), want, u)
		}
		if again := parse(t, u.Code()); !Same(u, again) {
			t.Errorf("%q and its code %q differ", text, u.Code())
		}
	}
	if c := (Unit{}).Code(); c != "1" {
		t.Errorf("the zero unit is %q", c)
	}
}

func TestAttributes(t *testing.T) {
	u := parse(t, "°F")
	if u.Dimension() != (Dimension{4: 1}) || math.Abs(u.Scale()-5./9) > 1e-16 || u.Offset() != 459.67 || !u.Linear() {
		t.Errorf("°F: %v × (x + %v), %s", u.Scale(), u.Offset(), u.Dimension())
	}
	u = parse(t, "mCel")
	if q := (0 + u.Offset()) * u.Scale(); math.Abs(q-273.15) > 1e-9 {
		t.Errorf("0 m°C are %v K", q)
	}
	if u := parse(t, "kPa"); u.Dimension().String() != "g.m-1.s-2" || u.Scale() != 1e6 || u.Offset() != 0 {
		t.Errorf("kPa: %v %s", u.Scale(), u.Dimension())
	}
	if parse(t, "[pH]").Linear() || len(parse(t, "%{LEL}").Annotations()) != 1 {
		t.Error("pH is no straight scale, and %{LEL} has an annotation")
	}
}

// Every symbol and every spelling can be read, and none is declared twice.
func TestTable(t *testing.T) {
	k := known()
	if len(k.order) != len(k.atoms) || len(k.atoms) < 150 {
		t.Errorf("%d symbols, %d of them different", len(k.order), len(k.atoms))
	}
	for symbol, a := range k.atoms {
		u := parse(t, symbol)
		if a.metric {
			parse(t, "k"+symbol)
		}
		if _, own := k.symbols[symbol]; !own && u.Code() != symbol {
			t.Errorf("%s is read as %s", symbol, u.Code())
		}
	}
	for i, s := range spellings {
		if u := parse(t, s.text); u.Code() != parse(t, s.code).Code() {
			t.Errorf("%s is read as %s, not as %s", s.text, u.Code(), s.code)
		}
		_, valid := k.atoms[s.text]
		if valid && !s.first {
			t.Errorf("the spelling %s hides behind the symbol", s.text)
		}
		for _, other := range spellings[:i] {
			if other.text == s.text {
				t.Errorf("the spelling %s is declared twice", s.text)
			}
		}
	}
}

// The units that the packs declare.
func TestUnitsOfPacks(t *testing.T) {
	for _, text := range []string{"°C", "mm/h", "dBm", "V", "ppm", "mg/m3", "m3/h", "kPa", "µS/cm", "°", "pH", "mg/L", "m3/s", "m/s", "m", "kW", "hPa", "W/m2", "NTU", "%LEL", "%"} {
		parse(t, text)
	}
}

func TestThereAndBack(t *testing.T) {
	all := append([]string{}, known().order...)
	for _, s := range spellings {
		all = append(all, s.text)
	}
	byDimension := map[string][]Unit{}
	for _, text := range all {
		u := parse(t, text)
		key := u.dim.String() + kinds(u)
		byDimension[key] = append(byDimension[key], u)
	}
	rapid.Check(t, func(t *rapid.T) {
		from := parse(t, rapid.SampledFrom(all).Draw(t, "from"))
		to := rapid.SampledFrom(byDimension[from.dim.String()+kinds(from)]).Draw(t, "to")
		v := rapid.Float64Range(0.01, 20).Draw(t, "v")
		there, err := convert(v, from, to)
		if err != nil || math.Abs(there) < 1e-290 || math.Abs(there) > 1e290 || math.Abs(there) > 1e6 && !from.Linear() {
			return // 1,000 pH can't be said in mol/l
		}
		back, err := convert(there, to, from)
		if err != nil {
			t.Fatal(err)
		}
		precision := 1e-13
		if from.curve != to.curve { // what a scale begins with swallows digits: 1e-20 K above the ice point are none
			precision = 1e-9 * max(1, math.Abs(from.Offset()), math.Abs(math.Log(from.Scale()/to.Scale())))
			if !from.curve.affine() || !to.curve.affine() || math.Abs(there) < 1e-3 || to.Scale()/from.Scale() > 1e3 {
				return
			}
		}
		if math.Abs(back-v) > precision*max(1, math.Abs(v)) {
			t.Fatalf("%v %s is %v %s is %v %s", v, from, there, to, back, from)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"m3/h", "kWh", "10*-6.mol/L", "mg{N}/L", "(m/s)", "dB[SPL]", "%{LEL}", "°C", "m[H2O", "10^3/mL", "kW*h", "a b", "/m", "1.2", "％/㎡"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := Parse(text)
		var e *Error
		switch {
		case err == nil && len(u.Code()) <= maxText:
			again, err := Parse(u.Code())
			if err != nil || !Same(u, again) || again.Code() != u.Code() {
				t.Fatalf("%q has the code %q, which is %q: %v", text, u.Code(), again.Code(), err)
			}
		case err == nil:
		case !errors.As(err, &e) || e.Column < 1 || e.Column > len(text)+2:
			t.Fatalf("%q: %v", text, err)
		case e.Suggestion != "":
			if _, err := Parse(e.Suggestion); err != nil {
				t.Fatalf("%q: the suggestion %q is no better: %v", text, e.Suggestion, err)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := Parse("ug/m3"); err != nil {
			b.Fatal(err)
		}
	}
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

func parse(t failer, text string) Unit {
	t.Helper()
	u, err := Parse(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return u
}
