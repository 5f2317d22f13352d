package notation

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
)

func say(steps []Step) string {
	var out []string
	for _, s := range steps {
		switch {
		case s.Stale:
			out = append(out, "stale")
		case s.Missing:
			out = append(out, "_")
		default:
			out = append(out, strconv.FormatFloat(s.Value, 'g', -1, 64))
		}
	}
	return strings.Join(out, " ")
}

// The first four are the examples of promtool's own documentation.
func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"-2+4x3":              "-2 2 6 10",
		" 1-2x4":              "1 -1 -3 -5 -7",
		"1x4":                 "1 1 1 1 1",
		"1 _x3 stale":         "1 _ _ _ stale",
		"0+10x5":              "0 10 20 30 40 50",
		"0x2 2+1x2 4-2x2 _ 7": "0 0 0 2 3 4 4 2 0 _ 7",
		"0+0.1x3":             "0 0.1 0.2 0.3",
		"-.5 +3 5x0":          "-0.5 3 5",
		"stale 4.9x1":         "stale 4.9 4.9",
		"1--1x2":              "1 2 3",
		"1+-1x2":              "1 0 -1",
		"1\n  2":              "1 2",
		"5~0x1":               "5 5",
		"0 (1 2+1x1 _)x2 9":   "0 1 2 3 _ 1 2 3 _ 9",
		"( 1 )x3 (2)":         "1 1 1 2",
	} {
		steps, err := Parse(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
		} else if got := say(steps); got != want {
			t.Errorf("%q gives %q, not %q", in, got, want)
		}
	}
}

func TestMistakesSayWhere(t *testing.T) {
	for in, want := range map[string]string{
		"":               "0+1 the series is empty",
		"0x10 2+1x2o":    "8+3 expected a whole number after x",
		"0x10 2+x20":     "7+3 expected a number after +",
		"1 2 stalle":     "4+6 expected a reading",
		"1 _y":           "3+1 \"y\" is no part of a series",
		"甲 1":            "0+1 expected a reading",
		"1 2+":           "3+1 expected a number after +",
		"1 2~x3":         "4+2 expected a standard deviation",
		"1 2~-1x3":       "4+2 a standard deviation can't be negative",
		"5+1":            "0+3 5+1 lacks how many readings follow the first, such as 5+1x20",
		"1 _x0":          "3+2 _x0 stands for nothing",
		"0x999999":       "2+6 the series is longer",
		"0x100000 0x999": "9+5 the series is longer",
		"1.2.3":          "3+2 \".3\" is no part",
		"1e9":            "1+2 \"e9\" is no part",
		"stalex3":        "0+7 expected a reading",
		"1 (2 3":         "2+1 the group is not closed",
		"1 2)x3":         "3+1 no group is open",
		"1 ()x3":         "2+1 the group is empty",
		"1 (2 (3)x2)x2":  "5+1 a group can't stand in a group",
		"(1 2)x0":        "5+2 )x0 stands for nothing",
		"(1 2)3":         "5+1 \"3\" is no part",
		"(1 2o)x3":       "4+1 \"o\" is no part",
		"(0x9999)x11":    "1+6 the series is longer",
		"1(2)x2":         "1+1 \"(\" is no part",
	} {
		_, err := Parse(in)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got := strconv.Itoa(e.Column) + "+" + strconv.Itoa(e.Width) + " " + e.Reason; !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q, not %q", in, got, want)
		}
	}
}

func TestNoise(t *testing.T) {
	a, err := Parse("5~0.3x9999")
	if err != nil {
		t.Fatal(err)
	}
	b, err := Parse("5~0.3x9999")
	if err != nil {
		t.Fatal(err)
	}
	var sum, squares float64
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("reading %d is %v and %v", i, a[i], b[i])
		}
		sum += a[i].Value
		squares += (a[i].Value - 5) * (a[i].Value - 5)
	}
	n := float64(len(a))
	if mean, sd := sum/n, math.Sqrt(squares/n); math.Abs(mean-5) > 0.01 || math.Abs(sd-0.3) > 0.01 {
		t.Errorf("mean %.4f, standard deviation %.4f", mean, sd)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0+10x5 _x3 stale 4.9x100 22-2x11 1 2 3", "5~0.3x60", "_x2147483647", "1+1e9x3", "-.-", "(60 _ 5~1x3)x40"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		steps, err := Parse(s)
		if err == nil {
			if len(steps) == 0 || len(steps) > MaxReadings {
				t.Fatalf("%q gives %d readings", s, len(steps))
			}
			for _, x := range steps {
				if math.IsInf(x.Value, 0) || math.IsNaN(x.Value) {
					t.Fatalf("%q gives %v", s, x.Value)
				}
			}
			return
		}
		var e *Error
		if n := len([]rune(s)); !errors.As(err, &e) || e.Column < 0 || e.Width < 1 || e.Column+e.Width > max(n, 1) {
			t.Fatalf("%q: the mistake stands outside: %v", s, err)
		}
	})
}
