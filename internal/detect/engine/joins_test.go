package engine

import (
	"testing"

	"pgregory.net/rapid"
)

const manyRule = `
- id: many
  title: {en: Many, zh-CN: 多处}
  joins:
    within: 1h
    near: 500
    of: [{alert: methane-indoor, from: orange}, {reports: gas-smell, at_least: 2}]
  levels: {red: {when: "signals >= 1"}}
  clear: {when: "signals < 1", for: 0s}
  because: {en: "x", zh-CN: "x"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
`

// standing are the alerts of a detector that stand.
func standing(b *Book, detector string) (n int) {
	for _, a := range b.Episodes() {
		if a.Detector.ID == detector && a.Kind == Hazard && a.Stands() {
			n++
		}
	}
	return n
}

// minutes feeds one reading a minute of datastream 1, and looks at the clock.
func minutes(e *Engine, book *Book, from, to int64, v float64) {
	for m := from; m < to; m++ {
		at := t0 + m*minute
		book.Add(e.Tick(at, t0, nil)...)
		book.Add(e.Evaluate(number(1, at, v), at, nil)...)
	}
}

// What becomes of a joined alert goes to where it was raised, wherever its instrument is by then.
func TestJoinedInstrumentLeaves(t *testing.T) {
	far := harbour(1)
	far.Place, far.Point = 777, &[2]float64{120, 30}
	noPoint := harbour(1)
	noPoint.Point = nil
	other := harbour(1)
	other.Kind = "gas/main"
	for name, becomes := range map[string]Stream{"moved": far, "without a point": noPoint, "deleted": {ID: 1}, "of another kind": other} {
		e, book := New(compiled(t, testDetectors+manyRule)), &Book{}
		book.Add(e.Bind(harbour(1), nil)...)
		minutes(e, book, 0, 10, 25)
		if n := standing(book, "gas/many"); n != 1 {
			t.Fatalf("%s: %d joined alerts stand", name, n)
		}
		// A restart in between changes nothing.
		again := restarted(t, e, compiled(t, testDetectors+manyRule))
		again.Bind(harbour(1), nil)
		for _, e := range []*Engine{e, again} {
			book := &Book{steps: cloned(book.steps), order: book.order}
			book.Add(e.Bind(becomes, nil)...)
			minutes(e, book, 10, 40, 0)
			for m := int64(40); m < 200; m++ {
				book.Add(e.Tick(t0+m*minute, t0, nil)...)
			}
			if n := standing(book, "gas/many"); n != 0 {
				t.Errorf("%s: the joined alert stands though what it joined has ended\n%s", name, told(book))
			}
			if len(e.holders) != 0 || len(e.ticking) != 0 {
				t.Errorf("%s: %d alerts are remembered, %d places ask for the clock", name, len(e.holders), len(e.ticking))
			}
		}
	}
}

func cloned(steps map[episodeKey][]Change) map[episodeKey][]Change {
	out := map[episodeKey][]Change{}
	for k, s := range steps {
		out[k] = append([]Change(nil), s...)
	}
	return out
}

// An alert that is taken back counts no more, however far the place that joins it has come on meanwhile; and one that stands
// after all counts.
func TestJoinedTakenBackLate(t *testing.T) {
	rules := replaceOnce(t, testDetectors, "id: methane-indoor\n", "id: methane-indoor\n  late: 30m\n") + manyRule
	for name, ahead := range map[string]int64{"within what is waited for": 12, "past it": 100} {
		e, book := New(compiled(t, rules)), &Book{}
		for id := int64(1); id <= 2; id++ {
			book.Add(e.Bind(harbour(id), nil)...)
		}
		book.Add(e.Evaluate(number(1, t0, 0), t0, nil)...)
		minutes(e, book, 1, 12, 25)
		now := t0 + ahead*minute
		for at := t0 + 12*minute; at <= now; at += minute {
			book.Add(e.Tick(at, t0, nil)...)
		}
		for m := int64(1); m < 12; m++ { // it was never so for long
			for _, at := range []int64{t0 + m*minute - second, t0 + m*minute + second} {
				book.Add(e.Evaluate(number(1, at, 0), now, nil)...)
			}
		}
		if n := standing(book, "gas/methane-indoor"); n != 0 {
			t.Fatalf("%s: the member stands\n%s", name, told(book))
		}
		book.Add(e.Tick(now+5*minute, t0, nil)...)
		if n := standing(book, "gas/many"); n != 0 {
			t.Errorf("%s: the joined alert stands though what it joined was taken back\n%s", name, told(book))
		}
	}
}

// An end that is taken back counts again, at the place where the alert was raised.
func TestJoinedStandsAfterAll(t *testing.T) {
	rules := replaceOnce(t, testDetectors, "id: methane-indoor\n", "id: methane-indoor\n  late: 30m\n")
	rules += replaceOnce(t, manyRule, "within: 1h", "within: 1m")
	e, book := New(compiled(t, rules)), &Book{}
	book.Add(e.Bind(harbour(1), nil)...)
	minutes(e, book, 0, 5, 25)
	minutes(e, book, 5, 30, 0)
	now := t0 + 300*minute
	book.Add(e.Tick(now, t0, nil)...)
	if a, b := standing(book, "gas/methane-indoor"), standing(book, "gas/many"); a != 0 || b != 0 {
		t.Fatalf("%d and %d stand\n%s", a, b, told(book))
	}
	for m := int64(5); m < 30; m++ {
		book.Add(e.Evaluate(number(1, t0+m*minute+30*second, 25), now, nil)...)
	}
	if a, b := standing(book, "gas/methane-indoor"), standing(book, "gas/many"); a != 1 || b != 1 {
		t.Errorf("%d and %d stand\n%s", a, b, told(book))
	}
}

// After a rule was edited, and after a restart, what joins others knows by which datastream its place is named.
func TestJoinedPlaceIsNamed(t *testing.T) {
	e := New(compiled(t, testDetectors+manyRule))
	e.Bind(harbour(1), nil)
	e.Evaluate(number(1, t0, 0), t0, nil)
	e.Report(Report{ID: 7, At: t0, Category: "gas/gas-smell", Point: harbour(1).Point}, nil)
	shards, err := e.Captured(e.Capture())
	if err != nil {
		t.Fatal(err)
	}
	for name, rule := range map[string]string{"same": manyRule, "edited": replaceOnce(t, manyRule, "within: 1h", "within: 2h")} {
		again := New(compiled(t, testDetectors+rule))
		for _, s := range shards {
			if _, err := again.Restore(s); err != nil {
				t.Fatal(err)
			}
		}
		if name == "edited" {
			again.Resume(again.Detector("gas/many"), Subject{ScopePlace, 501}, Red, t0)
		}
		book := &Book{}
		book.Add(again.Bind(harbour(1), nil)...)
		minutes(again, book, 1, 10, 25)
		book.Add(again.Tick(t0+3*hour, t0, nil)...)
		book.Add(again.Bind(Stream{ID: 1, Place: 501}, nil)...)
		n := 0
		for m := int64(180); m < 600; m++ {
			for _, c := range again.Tick(t0+m*minute, t0, nil) {
				book.Add(c)
			}
		}
		for _, a := range book.Episodes() {
			for _, c := range a.Steps {
				if a.Detector.ID == "gas/many" {
					if n++; c.Datastream != 1 {
						t.Errorf("%s: the place is named by datastream %d", name, c.Datastream)
					}
				}
			}
		}
		if n == 0 {
			t.Errorf("%s: nothing was told", name)
		}
	}
}

// Nothing is remembered of a place whose last instrument has left, nor of one that heard of something long ago.
func TestPlacesAreForgotten(t *testing.T) {
	e, book := New(compiled(t, testDetectors+manyRule)), &Book{}
	for id := int64(1); id <= 3; id++ {
		book.Add(e.Bind(harbour(id), nil)...)
	}
	book.Add(e.Report(Report{ID: 7, At: t0, Category: "gas/gas-smell", Point: harbour(1).Point}, nil)...)
	minutes(e, book, 0, 10, 25)
	minutes(e, book, 10, 40, 0)
	moved := harbour(2)
	moved.Place = 503
	e.Bind(moved, nil)
	if got := e.places.within(*moved.Point, 10); len(got) != 2 || got[0] != 501 || got[1] != 503 || len(e.known.atPlace) != 2 {
		t.Errorf("places %v, %v", got, e.known.atPlace)
	}
	e.Bind(moved, nil) // told again: nothing new
	for id := int64(1); id <= 3; id++ {
		book.Add(e.Bind(Stream{ID: id}, nil)...)
	}
	if len(e.places.at) != 0 || len(e.places.cells) != 0 || len(e.known.atPlace) != 0 {
		t.Errorf("%v %v %v", e.places.at, e.places.cells, e.known.atPlace)
	}
	for m := int64(40); m < 47*60; m++ {
		book.Add(e.Tick(t0+m*minute, t0, nil)...)
	}
	if len(e.joining) == 0 {
		t.Error("a report that may be told again is forgotten")
	}
	for m := int64(47 * 60); m < 52*60; m++ {
		book.Add(e.Tick(t0+m*minute, t0, nil)...)
	}
	if len(e.joining) != 0 || len(e.holders) != 0 || len(e.ticking) != 0 {
		t.Errorf("%d places are remembered, %d alerts, %d ask for the clock", len(e.joining), len(e.holders), len(e.ticking))
	}
	if len(book.Episodes()) == 0 || standing(book, "gas/many") != 0 {
		t.Error(told(book))
	}
}

// Whatever comes in whatever order, while instruments move and vanish and states are restored: once all is calm no joined alert
// stands, and nothing is remembered of those that did.
func TestJoinedEnds(t *testing.T) {
	ds := compiled(t, replaceOnce(t, manyDetectors, "id: methane-indoor\n", "id: methane-indoor\n  late: 30m\n")+manyRule)
	ids := []int64{1, 2, 3, 101, 201}
	rapid.Check(t, func(t *rapid.T) {
		e, book := New(ds), &Book{}
		bind := func(s Stream) { book.Add(e.Bind(s, nil)...) }
		for _, id := range ids {
			bind(harbour(id))
		}
		now := t0
		for range rapid.IntRange(1, 80).Draw(t, "n") {
			now += rapid.SampledFrom([]int64{0, second, 30 * second, minute, 20 * minute}).Draw(t, "step")
			id := rapid.SampledFrom(ids).Draw(t, "id")
			switch what := rapid.IntRange(0, 19).Draw(t, "what"); what {
			default:
				late := rapid.SampledFrom([]int64{0, 0, 30 * second, 2 * minute, 25 * minute}).Draw(t, "late")
				book.Add(e.Evaluate(number(id, now-late, rapid.SampledFrom([]float64{0, 6, 12, 25}).Draw(t, "v")), now, nil)...)
			case 14, 15, 16:
				book.Add(e.Tick(now, t0, nil)...)
			case 17:
				bind(Stream{ID: id})
			case 18:
				s := harbour(id)
				s.Place += 10
				s.Point = &[2]float64{121.5 + 0.003*float64(rapid.IntRange(0, 3).Draw(t, "away")), 31.2}
				bind(s)
			case 19:
				before := e
				var shards []Shard
				for key, state := range saved(t, before) {
					shards = append(shards, Shard{key.scope, key.n, state})
				}
				e = New(ds)
				for _, s := range shards {
					if _, err := e.Restore(s); err != nil {
						t.Fatal(err)
					}
				}
				for _, id := range e.Known() {
					bind(before.Stream(id))
				}
			}
		}
		for _, id := range ids {
			bind(harbour(id))
		}
		for end := now + 4*hour; now < end; now += 30 * second {
			for _, id := range ids {
				book.Add(e.Evaluate(number(id, now, 0), now, nil)...)
			}
			book.Add(e.Tick(now, t0, nil)...)
		}
		for _, d := range []string{"gas/joined", "gas/joined-in-order", "gas/many", "gas/methane-indoor"} {
			if standing(book, d) != 0 {
				t.Fatalf("%s stands\n%s", d, told(book))
			}
		}
		if len(e.holders) != 0 || len(e.ticking) != 0 {
			t.Fatalf("%d alerts are remembered, %d places ask for the clock", len(e.holders), len(e.ticking))
		}
	})
}
