package basin

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// In its own model the advice is never worse than leaving the stations to themselves, and never than equal filling.
func TestAdviceIsNeverWorseInItsOwnModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := pair()
		w := Weather{Step: time.Hour, Rain: [][]float64{rapid.SliceOfN(rapid.Float64Range(0, 60), 0, 6).Draw(t, "rain")},
			Outer: rapid.SliceOfN(rapid.Float64Range(-1, 5), 1, 6).Draw(t, "outer")}
		s := b.Dry()
		s.Available[1] = rapid.IntRange(0, 3).Draw(t, "available")
		o := Options{Horizon: 6 * time.Hour, Block: time.Hour, Budget: 1000}
		a, err := b.Advise(s, w, o)
		if err != nil {
			t.Fatal(err)
		}
		if a.Nobody.Less(a.Expected) || a.Equal.Less(a.Expected) {
			t.Fatalf("expected %+v, nobody %+v, equal %+v", a.Expected, a.Nobody, a.Equal)
		}
		if a.Simulated > o.Budget+100 {
			t.Fatalf("%d blocks were simulated, the budget is %d", a.Simulated, o.Budget)
		}
		// What it says is what comes of it.
		m := Meter{}
		before := []Meter(nil)
		for _, block := range a.Blocks {
			if s, m, err = b.Run(s, block.Settings, w, block.From, block.To, DefaultStep, before...); err != nil {
				t.Fatal(err)
			}
			before = []Meter{m}
			if got := b.Stages(s); !reflect.DeepEqual(got, block.Stages) {
				t.Fatalf("stages %v at %v, the advice said %v", got, block.To, block.Stages)
			}
		}
		if m.Flood() != a.Expected.Flood || m.Peak != a.Expected.Peak {
			t.Fatalf("flood %g, peak %g; the advice said %+v", m.Flood(), m.Peak, a.Expected)
		}
	})
}

func TestTheSameQuestionGetsTheSameAnswer(t *testing.T) {
	b, w := pair(), storm(80, 3, 3, 3)
	first, err := b.Advise(b.Dry(), w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.Advise(b.Dry(), w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(first, again) {
		t.Error("two answers to one question")
	}
}

// Before a storm the storages are emptied, but not below their least stages.
func TestEmptiesBeforeTheStormDownToTheLeastStage(t *testing.T) {
	b := pair()
	b.Stations[0].Capacity = 3 // the canal is what floods
	a, err := b.Advise(b.Dry(), storm(120, 6, 3, 3.5), Options{})
	if err != nil {
		t.Fatal(err)
	}
	lowest := b.Storages[1].Usual
	for _, block := range a.Blocks {
		for i, stage := range block.Stages {
			if stage < b.Storages[i].Least-1e-6 {
				t.Errorf("%s stands at %.3f m at %v, below its least stage", b.Storages[i].Name, stage, block.To)
			}
		}
		if block.To <= 6*time.Hour {
			lowest = min(lowest, block.Stages[1])
		}
	}
	if lowest > b.Storages[1].Least+0.1 {
		t.Errorf("the canal was emptied to %.2f m only before a storm that floods it", lowest)
	}
	if a.Nobody.Flood-a.Expected.Flood < 1000 {
		t.Errorf("flood %.0f m³, with nobody deciding %.0f", a.Expected.Flood, a.Nobody.Flood)
	}
}

// In dry weather it costs no more than the stations' own switches do.
func TestDryWeatherCostsNothing(t *testing.T) {
	b := pair()
	a, err := b.Advise(b.Dry(), Weather{Step: time.Hour, Outer: []float64{3}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a.Expected.Cost > a.Nobody.Cost || a.Expected.Flood != 0 {
		t.Errorf("expected %+v, nobody %+v", a.Expected, a.Nobody)
	}
}

// A unit that has failed is never asked for, also when the last advice did.
func TestFailedUnitsAreNotAskedFor(t *testing.T) {
	b, w := pair(), storm(100, 1, 4, 3.5)
	first, err := b.Advise(b.Dry(), w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := b.Dry()
	s.Available[1] = 1
	a, err := b.Advise(s, w, Options{Last: first})
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range a.Blocks {
		if block.Units[1] > 1 {
			t.Errorf("%d units of a station that has 1 are asked for at %v", block.Units[1], block.From)
		}
	}
}

func TestAFailureStrikesWhenItDoes(t *testing.T) {
	b := pair()
	g := Game{Plant: b, Start: b.Dry(), Truth: storm(100, 0, 4, 3.5), Span: 6 * time.Hour, Every: time.Hour, Step: time.Minute}
	flood := func(f ...Failure) float64 {
		g.Failures = f
		m, _, err := g.Play(Nobody(b))
		if err != nil {
			t.Fatal(err)
		}
		return m.Flood()
	}
	early, late, none := flood(Failure{90 * time.Minute, 1, 0}), flood(Failure{150 * time.Minute, 1, 0}), flood()
	if !(early > late && late > none) {
		t.Errorf("flood %.0f m³ with an early failure, %.0f with a late one, %.0f without", early, late, none)
	}
}
