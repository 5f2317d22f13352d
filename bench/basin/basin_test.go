package main

import (
	"bytes"
	"strings"
	"testing"
)

// The short table: three scenarios with a right forecast and the two worst of the wrong ones.
func TestAdviceBeatsNothingAndEqualFilling(t *testing.T) {
	all := errors()
	for _, sc := range scenarios() {
		for _, e := range []wrong{all[0], all[5], all[6]} {
			r, err := play(sc, e)
			if err != nil {
				t.Fatal(err)
			}
			if !r.beatsNothing() || !r.beatsEqual() {
				t.Errorf("%s, forecast %s: flood %.0f m³, with nothing done %.0f, with equal filling %.0f", sc.name, e.name, r.advised.Flood(), r.nothing.Flood(), r.equal.Flood())
			}
			if r.advised.In < 1e5 || r.advised.In != r.nothing.In || r.advised.In != r.equal.In {
				t.Errorf("%s: not the same rain for all: %.0f, %.0f, %.0f m³", sc.name, r.advised.In, r.nothing.In, r.equal.In)
			}
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
	sum := summary{nothing: 3, equal: 2, of: 3, flood: 1, floodNothing: 3, floodEqual: 2}
	if err := sum.print(&out); err != nil {
		t.Fatal(err)
	}
	if want := "better_than_nothing=3/3 better_than_equal=2/3 flood_m3=1 flood_m3_nothing=3 flood_m3_equal=2"; strings.TrimSpace(out.String()) != want {
		t.Errorf("got %s", out.String())
	}
}
