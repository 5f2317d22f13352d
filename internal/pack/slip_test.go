package pack

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
)

// People who write conditions know no CEL; what they write in its place is named.
func TestConditionMistakes(t *testing.T) {
	for source, want := range map[string]string{
		"value = 5":                           `"=" is no part of a condition, did you mean "=="?`,
		"value ≥ 5":                           `"≥" is no part of a condition, did you mean ">="?`,
		"value > 5 and value < 7":             `"and" is no part of a condition, did you mean "&&"?`,
		"value > 5 & value < 7":               `"&" is no part of a condition, did you mean "&&"?`,
		"value >":                             "the condition ends in the middle",
		"value > 5)":                          `")" does not belong here`,
		"sqrt(value) > 5":                     `there is no function "sqrt"`,
		"value > 5 && vaule < 7":              `unknown variable "vaule", did you mean "value"; there is value, gas_2`,
		"[1, 2].exists(x, x > 1.0)":           `there is no function "exists"`,
		"value => 100":                        `"=>" is no part of a condition, did you mean ">="?`,
		"value =< 100":                        `"=<" is no part of a condition, did you mean "<="?`,
		"100 <= value < 200":                  `two comparisons need && between them, did you mean "100 <= value && value < 200"?`,
		"not (value < 100)":                   `"not" is no part of a condition, did you mean "!"?`,
		"not value < 100":                     `"not" is no part of a condition, did you mean "!"?`,
		"value >= 10%":                        "a limit has no unit, and value is in ppm: write 10",
		"value >= 150ppm":                     "a limit has no unit, and value is in ppm: write 150",
		"value >= 150 ppm && 1 > 0":           "a limit has no unit, and value is in ppm: write 150",
		"gas_2 > 3 and value > 2":             `"and" is no part of a condition, did you mean "&&"?`,
		`value >= "100"`:                      "a number has no quotes around it: write 100",
		"size([1]) > size([2])":               `there is no function "size"`,
		"value >= 'high'":                     "'high' is a text; a condition compares numbers",
		"“value >= 5”":                        "\"“\" is no quotation mark of YAML; write \" around the condition",
		"（value >= 5)":                        `"（" is full-width, write "("`,
		"'a'.matches('(a+)+$')":               `"a" is a text; a condition compares numbers`,
		"value > 1 && 'a' == 'b'":             `"a" is a text; a condition compares numbers`,
		"value > double(2)":                   `there is no function "double"`,
		"value / 0 >= 100":                    "value / 0 divides by 0",
		"value >= 1 / (3 - 3)":                "1 / (3 - 3) divides by 0",
		"value >= 1e400":                      "1e400 is beyond all that can be reckoned with",
		"value >= 99999999999999999999999999": "99999999999999999999999999 is beyond all that can be reckoned with",
		"value >= １００":                        `"１００" is full-width, write "100"`,
		"value\u00a0>= 5":                     "a space stands here that is none to a program (U+00A0); delete it and type a space",
		"value >= 5\u3000":                    "a space stands here that is none to a program (U+3000); delete it and type a space",
		"value >= 5 ＆＆ gas_2 > 1":             `"＆＆" is full-width, write "&&"`,
		"gas-2 > 3":                           "names of variables are joined by underscores: write gas_2",
	} {
		err := compileIn(t, source)
		var ds Diagnostics
		if !errors.As(err, &ds) || len(ds) != 1 || ds[0].Message != want {
			t.Errorf("%s: %v, want %s", source, err, want)
		}
	}
}

// compileIn compiles a condition over a share of gas in ppm and a number without a unit.
func compileIn(t testing.TB, source string) error {
	t.Helper()
	c, err := NewConditions("value", "gas_2")
	if err != nil {
		t.Fatal(err)
	}
	var ds Diagnostics
	c.In("ppm", "").Compile(Expr{Source: source}, &ds)
	return ds.Err()
}

// What the page on rules says that a condition may contain can be read.
func TestConditionsOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/pack-rules.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| (`\".*\"`) \\| ").FindAllStringSubmatch(string(page), -1)
	shown := regexp.MustCompile("`\"([^`]*)\"`")
	found := 0
	for _, row := range rows {
		for _, m := range shown.FindAllStringSubmatch(row[1], -1) {
			found++
			if _, err := compile(t, strings.ReplaceAll(m[1], `\|`, "|"), "value", "rain_3h", "gas", "sight", "fans"); err != nil {
				t.Errorf("%s: %v", m[1], err)
			}
		}
	}
	if found < 9 {
		t.Errorf("the page shows %d conditions", found)
	}
}
