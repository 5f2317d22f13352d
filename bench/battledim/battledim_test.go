package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/testdata"
)

func recorded(t *testing.T) *record {
	t.Helper()
	rec, err := load(testdata.Shared(t, "battledim"))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// What the shipped settings reach on the recorded year. The bounds leave room for a change of the methods that does no
// harm; the exact figures are printed by the command.
func TestShipped(t *testing.T) {
	rec := recorded(t)
	alarms, err := watchBoth(rec, shipped)
	if err != nil {
		t.Fatal(err)
	}
	res := strict.score(rec, alarms)
	if res.events != 19 || res.found < 17 || res.abrupt != 9 || res.false > 13 || res.delay() > 140 {
		t.Errorf("found %d of %d, %d of them abrupt, %.0f h, %d false", res.found, res.events, res.abrupt, res.delay(), res.false)
	}
	for _, v := range res.verdicts {
		if v.leak == nil {
			continue
		}
		if h := float64(v.at-v.leak.from) / hour; v.leak.abrupt && h > 9 {
			t.Errorf("abrupt leak %s took %.1f h", v.leak.pipe, h)
		}
	}
	if seen, all := repairs(rec, alarms); all != 7 || seen != 7 {
		t.Errorf("%d of %d repairs seen", seen, all)
	}
	_, _, eur := strict.blind(rec, alarms, shipped.learn, 50)
	if res.eur < eur+50_000 {
		t.Errorf("%.0f EUR, and random alarms earn %.0f", res.eur, eur)
	}
}

// The scorer's volumes are the contest's, but for the row in which a leak is repaired: 0.80 EUR for each m³ of a leak from
// its start is its perfect score.
func TestPerfectScore(t *testing.T) {
	rec := recorded(t)
	var sum float64
	for i := range rec.leaks {
		l := &rec.leaks[i]
		if got := 0.80 * rec.volume(l, l.from); math.Abs(got-l.perfect) > 2 {
			t.Errorf("leak %s: %.2f EUR, the contest says %.2f", l.pipe, got, l.perfect)
		}
		sum += l.perfect
	}
	if math.Abs(sum-523153.82) > 0.01 {
		t.Errorf("all leaks: %.2f EUR", sum)
	}
}

// The two zones know nothing of each other's sensors, and no detector sees the leaks.
func TestDetectorIsBlindToLeaks(t *testing.T) {
	rec := recorded(t)
	want, err := watch(rec, lowerZone(), shipped)
	if err != nil {
		t.Fatal(err)
	}
	got, err := watch(&record{at: rec.at, read: rec.read}, lowerZone(), shipped)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Errorf("%d alarms without the leaks at hand, %d with", len(got), len(want))
	}
}

// Lost rows and days without any reading do little harm: what was not seen is left out, not guessed.
func TestGaps(t *testing.T) {
	rec := recorded(t)
	thin := &record{read: make([][]float64, len(sensors)), leaks: rec.leaks}
	for i, at := range rec.at {
		day := i / 288
		if i%7 == 3 || day == 60 || day == 200 || day == 201 {
			continue
		}
		thin.at = append(thin.at, at)
		for j := range thin.read {
			thin.read[j] = append(thin.read[j], rec.read[j][i])
		}
	}
	alarms, err := watchBoth(thin, shipped)
	if err != nil {
		t.Fatal(err)
	}
	res := strict.score(rec, alarms)
	t.Logf("found %d, %d of them abrupt, %.1f h, %d false", res.found, res.abrupt, res.delay(), res.false)
	if res.found < 15 || res.abrupt != 9 || res.false > 15 {
		t.Errorf("found %d, %d of them abrupt, %d false", res.found, res.abrupt, res.false)
	}
}

// Rows that come twice, or not at all, in any order, are put where they belong, in what was read and in what was true.
func TestOrder(t *testing.T) {
	r := &record{at: []int64{3 * step, step, step, 6 * step}, read: [][]float64{{3, 1, 9, 6}}}
	r.order()
	if !slices.Equal(r.at, []int64{step, 3 * step, 6 * step}) || !slices.Equal(r.read[0], []float64{1, 3, 6}) {
		t.Errorf("%v %v", r.at, r.read)
	}
	for at, want := range map[int64]int{0: 0, step: 0, 2 * step: 0, 3 * step: 1, 5 * step: 1, 6 * step: 2, 60 * step: 2} {
		if got := r.row(at); got != want {
			t.Errorf("row %d at %d steps, want %d", got, at/step, want)
		}
	}
}

func TestRule(t *testing.T) {
	rec := &record{}
	for i := range 12 * 100 {
		rec.at = append(rec.at, int64(1e15)+int64(i)*step)
	}
	at := func(h float64) int64 { return rec.at[0] + int64(h*hour) }
	flow := func(from, to, q float64) (f []float32) {
		for _, a := range rec.at {
			if a >= at(from) && a <= at(to) {
				f = append(f, float32(q))
			} else {
				f = append(f, 0)
			}
		}
		return f
	}
	rec.leaks = []leak{
		{pipe: "old", zone: "lower", from: at(-10), to: at(100), beforeYear: true, flow: flow(0, 100, 5)},
		{pipe: "a", zone: "lower", from: at(10), to: at(50), abrupt: true, flow: flow(10, 50, 10)},
		{pipe: "b", zone: "lower", from: at(20), to: at(60), flow: flow(20, 60, 4)},
		{pipe: "faint", zone: "lower", from: at(70), to: at(100), flow: flow(70, 100, 0.2)},
		{pipe: "c", zone: "upper", from: at(30), to: at(90), flow: flow(30, 90, 2)},
	}
	for _, tc := range []struct {
		name   string
		rule   rule
		alarms []alarm
		found  string
		false  int
		growth int
		eur    float64
	}{
		{"one that ran before", strict, []alarm{{at(5), "lower", 1}}, "", 1, 0, -500},
		{"in time", strict, []alarm{{at(11), "lower", 1}}, "a", 0, 0, 0.8 * 10 * (39 + 1./12)},
		{"the later of two, then the other", strict, []alarm{{at(21), "lower", 1}, {at(22), "lower", 1}}, "b a", 0, 0, 0.8 * (4*(39+1./12) + 10*(28+1./12))},
		{"a repeat", strict, []alarm{{at(11), "lower", 1}, {at(12), "lower", 1}}, "a", 1, 0, 0.8*10*(39+1./12) - 500},
		{"too late", strict, []alarm{{at(65), "lower", 1}}, "", 1, 0, -500},
		{"the other zone", strict, []alarm{{at(31), "upper", 1}}, "c", 0, 0, 0.8 * 2 * (59 + 1./12)},
		{"not in its zone", strict, []alarm{{at(65), "upper", 1}, {at(66), "upper", 1}}, "c", 1, 0, 0.8*2*(25+1./12) - 500},
		{"the town hears all", strict, []alarm{{at(31), "town", 1}}, "c", 0, 0, 0.8 * 2 * (59 + 1./12)},
		{"too faint", strict, []alarm{{at(75), "lower", 1}}, "", 1, 0, -500},
		{"faint under the loose rule", loose, []alarm{{at(75), "lower", 1}}, "faint", 0, 0, 0.8 * 0.2 * 25},
		{"a repair", strict, []alarm{{at(51), "lower", -1}}, "", 0, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := tc.rule.score(rec, tc.alarms)
			var found []string
			for _, v := range res.verdicts {
				if v.leak != nil {
					found = append(found, v.leak.pipe)
				}
			}
			if got := strings.Join(found, " "); got != tc.found || res.false != tc.false || res.growth != tc.growth {
				t.Errorf("found %q, %d false, %d of growth", got, res.false, res.growth)
			}
			if math.Abs(res.eur-tc.eur) > 0.01 {
				t.Errorf("%.2f EUR, want %.2f", res.eur, tc.eur)
			}
		})
	}
	seen, all := repairs(rec, []alarm{{at(50.5), "lower", -1}, {at(61), "upper", -1}})
	if seen != 1 || all != 3 {
		t.Errorf("%d of %d repairs", seen, all)
	}
}

func TestBrokenData(t *testing.T) {
	if _, err := load(t.TempDir()); err == nil {
		t.Error("an empty folder was read")
	}
}
