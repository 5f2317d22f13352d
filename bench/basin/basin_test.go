package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// The short table: three scenarios with a right forecast, the two worst of the wrong ones, and none.
func TestAdviceBeatsNothingAndEqualFilling(t *testing.T) {
	all := errors()
	for _, sc := range scenarios() {
		for _, e := range []wrong{all[0], all[5], all[6], none()} {
			t.Run(sc.name+"/"+e.name, func(t *testing.T) {
				t.Parallel()
				r, err := play(sc, e)
				if err != nil {
					t.Fatal(err)
				}
				if !r.beatsNothing() || !r.beatsEqual() {
					t.Errorf("flood %.0f m³, with nothing done %.0f, with equal filling %.0f", r.advised.Flood(), r.nothing.Flood(), r.equal.Flood())
				}
				if r.advised.In < 1e5 || r.advised.In != r.nothing.In || r.advised.In != r.equal.In {
					t.Errorf("not the same rain for all: %.0f, %.0f, %.0f m³", r.advised.In, r.nothing.In, r.equal.In)
				}
			})
		}
	}
}

// What a simpler rule keeps dry, the advice keeps dry too.
func TestWhatEqualFillingKeepsIsKept(t *testing.T) {
	for _, e := range []wrong{errors()[0], none()} {
		r, err := play(kept(), e)
		if err != nil {
			t.Fatal(err)
		}
		if r.equal.Flood() != 0 || r.nothing.Flood() == 0 || r.advised.Flood() != 0 {
			t.Errorf("forecast %s: flood %.0f m³, with nothing done %.0f, with equal filling %.0f", e.name, r.advised.Flood(), r.nothing.Flood(), r.equal.Flood())
		}
	}
}

// A scenario that is no storm must not be counted as won.
func TestADryDayIsNoWin(t *testing.T) {
	sc := scenarios()[0]
	sc.weather.Rain = [][]float64{make([]float64, len(sc.weather.Rain[0]))}
	r, err := play(sc, errors()[0])
	if err != nil {
		t.Fatal(err)
	}
	if r.beatsNothing() || r.beatsEqual() || r.advised.Flood() != 0 {
		t.Errorf("a dry day: flood %.0f m³ by advice, %.0f with nothing done, %.0f by equal filling", r.advised.Flood(), r.nothing.Flood(), r.equal.Flood())
	}
}

func TestForecastsAreWrongInTheirWay(t *testing.T) {
	truth := scenarios()[0].weather
	peak := func(w []float64) (at int) {
		for i := range w {
			if w[i] > w[at] {
				at = i
			}
		}
		return at
	}
	right := peak(truth.Rain[0])
	for _, e := range errors() {
		if e.none {
			if told := e.forecast(truth)(6 * time.Hour); told.Rain[0][0] != truth.After(6 * time.Hour).Rain[0][0] || len(told.Rain[0]) != 12 || told.Rain[0][11] != told.Rain[0][0] {
				t.Errorf("%s: %v", e.name, told.Rain)
			}
			continue
		}
		told := e.forecast(truth)(0)
		if shift := peak(told.Rain[0]) - right; shift != int(e.late/rainStep) {
			t.Errorf("%s: the peak is foretold %d steps late", e.name, shift)
		}
		if got, want := told.Rain[0][peak(told.Rain[0])], e.amount*truth.Rain[0][right]; got != want {
			t.Errorf("%s: %g mm/h at the peak, want %g", e.name, got, want)
		}
	}
}

func TestLastLine(t *testing.T) {
	var out bytes.Buffer
	sum := summary{nothing: 3, equal: 2, of: 3, flood: 1, floodNothing: 3, floodEqual: 2, blindNothing: 3, blindEqual: 1}
	if err := sum.print(&out); err != nil {
		t.Fatal(err)
	}
	if want := "better_than_nothing=3/3 better_than_equal=2/3 flood_m3=1 flood_m3_nothing=3 flood_m3_equal=2 unforetold_better_than_nothing=3/3 unforetold_better_than_equal=1/3"; strings.TrimSpace(out.String()) != want {
		t.Errorf("got %s", out.String())
	}
}
