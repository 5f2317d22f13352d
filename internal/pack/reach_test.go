package pack

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What never or always holds within the reach of its variables is refused, and nothing else is.
func TestDecided(t *testing.T) {
	conditions, err := NewConditions("value", "fans", "rise")
	if err != nil {
		t.Fatal(err)
	}
	within := conditions.Within([]Reach{{0, 5, false, "sump-level ranges from 0 to 5 m"}, {0, 1, true, "fan ranges from 0 to 1"}, {0, math.Inf(1), false, ""}})
	for source, want := range map[string]string{
		"value > 300":                           "1 value > 300 can never hold: sump-level ranges from 0 to 5 m",
		"value < -5":                            "1 value < -5 can never hold: sump-level ranges from 0 to 5 m",
		"300 < value":                           "1 300 < value can never hold: sump-level ranges from 0 to 5 m",
		"value >= 0":                            "1 value >= 0 always holds: sump-level ranges from 0 to 5 m",
		"value != 7":                            "1 value != 7 always holds: sump-level ranges from 0 to 5 m",
		"value == 7":                            "1 value == 7 can never hold: sump-level ranges from 0 to 5 m",
		"value in [6, 7]":                       "1 value in [6, 7] can never hold: sump-level ranges from 0 to 5 m",
		"value > 3 || fans > 1":                 "14 fans > 1 can never hold: fan ranges from 0 to 1",
		"value * 100 > 600":                     "1 value * 100 > 600 can never hold: sump-level ranges from 0 to 5 m",
		"value - fans > 5.5 && rise > 2":        "1 value - fans > 5.5 can never hold: sump-level ranges from 0 to 5 m, fan ranges from 0 to 1",
		"abs(value) > 5":                        "1 abs(value) > 5 can never hold: sump-level ranges from 0 to 5 m",
		"rise < 0":                              "1 rise < 0 can never hold",
		"true":                                  "1 true always holds",
		"false":                                 "1 false can never hold",
		"1 > 2":                                 "1 1 > 2 can never hold",
		"fans >= 0":                             "1 fans >= 0 always holds: fan ranges from 0 to 1",
		"!(value > 300)":                        "3 value > 300 can never hold: sump-level ranges from 0 to 5 m",
		"value >= 5":                            "",
		"value <= 0":                            "",
		"value in [5, 7]":                       "",
		"fans >= 0 && value > 3":                "", // the fan is known
		"!(fans >= 0) && value > 3":             "", // it is not
		"rise > 1000000":                        "",
		"value > rise":                          "",
		"value / rise > 10000":                  "",
		"rise * 0 > 1":                          "", // infinite times nothing is not known
		"value > 2 ? fans < 1 : fans < 0.5":     "",
		"(value > 2 ? fans : value) > 2":        "", // more than intervals are told
		"fans != 1":                             "",
		"abs(value - 2) < 1 && value * 2 > 9.9": "",
	} {
		var ds Diagnostics
		c := within.Compile(Expr{Source: source, Pos: Pos{in: &text{lines: []string{source}}, Line: 1, Column: 1, Width: len(source)}}, &ds)
		switch {
		case want == "" && (len(ds) > 0 || c == nil):
			t.Errorf("%s: %v", source, ds)
		case want != "":
			column, message, _ := strings.Cut(want, " ")
			if len(ds) != 1 || ds[0].Message != message || ds[0].Code != CodeDecided || string(rune('0'+ds[0].Column%10)) != column[len(column)-1:] {
				t.Errorf("%s:\n%v\nwant %s", source, ds, want)
			}
		}
	}
}

// A condition that is refused for never holding is met by no value in reach, and one for always holding by all of them.
func TestDecidedIsTrue(t *testing.T) {
	const names = "ab"
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Map(rapid.IntRange(-4, 4), func(i int) float64 { return float64(i) / 2 })
		var operand func(depth int) string
		operand = func(depth int) string {
			switch rapid.IntRange(0, 3+depth).Draw(t, "operand") {
			case 0:
				return FormatNumber(number.Draw(t, "n"))
			case 4:
				return "abs(" + operand(depth-1) + ")"
			case 5:
				return "(" + operand(depth-1) + rapid.SampledFrom([]string{" + ", " - ", " * ", " / "}).Draw(t, "sign") + operand(depth-1) + ")"
			}
			return names[rapid.IntRange(0, 1).Draw(t, "name"):][:1]
		}
		var condition func(depth int) string
		condition = func(depth int) string {
			switch rapid.IntRange(0, 2+depth).Draw(t, "condition") {
			case 3:
				return "!(" + condition(depth-1) + ")"
			case 4:
				return "(" + condition(depth-1) + rapid.SampledFrom([]string{" && ", " || "}).Draw(t, "join") + condition(depth-1) + ")"
			}
			return operand(2) + rapid.SampledFrom([]string{" < ", " <= ", " > ", " >= ", " == ", " != "}).Draw(t, "op") + operand(2)
		}
		source := condition(2)
		reach := func() Reach {
			lo := number.Draw(t, "lowest")
			return Reach{Lowest: lo, Highest: lo + rapid.SampledFrom([]float64{0.5, 1, 3}).Draw(t, "width")}
		}
		reaches := []Reach{reach(), reach()}
		plain, err := NewConditions("a", "b")
		if err != nil {
			t.Fatal(err)
		}
		var ds, decided Diagnostics
		c := plain.Compile(Expr{Source: source}, &ds)
		if c == nil {
			t.Skip("not a condition: two numbers may be compared only once")
		}
		plain.Within(reaches).Compile(Expr{Source: source}, &decided)
		whole := Diagnostics(nil)
		for _, d := range decided { // of the whole only: a part is tried as a whole in other draws
			if !strings.ContainsAny(source, "&|!") || strings.HasPrefix(d.Message, source) {
				whole = append(whole, d)
			}
		}
		for range 50 {
			at := make([]float64, 2)
			for i, r := range reaches {
				at[i] = r.Lowest + (r.Highest-r.Lowest)*rapid.SampledFrom([]float64{0, 0.25, 0.5, 1}).Draw(t, "at")
			}
			for _, d := range whole {
				if c.Holds(at...) == strings.Contains(d.Message, "can never hold") {
					t.Fatalf("%s at %v, though %s", source, at, d.Message)
				}
			}
		}
	})
}

// abs takes the sign away; `in` is one of several values. Both are said in words, and agree with CEL's own evaluator.
func TestAbsAndIn(t *testing.T) {
	for source, words := range map[string]string{
		"abs(value) < 1":                                       "|value| < 1",
		"2 <= abs(value)":                                      "|value| ≥ 2",
		"value in [1, 2, -3]":                                  "value = 1 or value = 2 or value = -3",
		"value < 1 && value > -1 && excess > 0":                "value < 1 and value > -1 and excess > 0",
		"value < 1 || (value > 2 && excess > 0) || excess < 0": "value < 1 or (value > 2 and excess > 0) or excess < 0",
	} {
		c, err := NewConditions("value", "excess")
		if err != nil {
			t.Fatal(err)
		}
		var ds Diagnostics
		cond := c.Compile(Expr{Source: source}, &ds)
		if cond == nil {
			t.Fatal(ds)
		}
		if got := cond.Words(func(v string) (string, string) { return v, "" }, " and ", " or ", "not "); got != words {
			t.Errorf("%s: %q", source, got)
		}
		general := byCEL(t, c, source)
		for _, v := range append(Probes("value", cond), math.NaN()) {
			for _, x := range []float64{-1, 0, 1} {
				if cond.Holds(v, x) != general.Holds(v, x) {
					t.Errorf("%s at %v, %v", source, v, x)
				}
			}
		}
	}
	if _, err := compile(t, `abs("a") > 5`, "value"); !errors.As(err, new(Diagnostics)) {
		t.Error(err)
	}
}
