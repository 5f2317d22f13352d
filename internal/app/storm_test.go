package app

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/sim"
)

// stormStart is the start of the scenario: a Monday in September, nine in the morning in the city.
var stormStart = time.Date(2026, 9, 14, 1, 0, 0, 0, time.UTC)

// raised is one alert about a hazard as the engine made it of the storm.
type raised struct {
	sim.Alert
	detector string
	level    engine.Level
	reached  map[engine.Level]time.Time
}

// judge plays a stretch of a scenario through the detectors of all shipped packs, on the clock of its own readings.
func judge(t *testing.T, s *sim.Scenario, from, to time.Time) []raised {
	t.Helper()
	p, err := LoadPacks()
	if err != nil {
		t.Fatal(err)
	}
	w := s.World
	e := engine.New(p.detectors)
	var book engine.Book
	number := func(prefix string) func(key string) int64 {
		ids := map[string]int64{}
		return func(key string) int64 {
			if _, ok := ids[key]; !ok {
				ids[key] = int64(len(ids) + 1)
			}
			return ids[key]
		}
	}
	assets, places, areas := number("asset"), number("place"), number("area")
	assetOf, placeOf := map[int64]string{}, map[int64]string{}
	byID, streams := map[string]sim.Asset{}, map[string][]int{}
	for _, a := range w.Assets {
		byID[a.ID] = a
		assetOf[assets(a.ID)], placeOf[places(a.Place)] = a.ID, a.Place
	}
	for k, d := range w.Datastreams {
		streams[d.Asset] = append(streams[d.Asset], k)
	}
	next := func(property string, of []string) (ids []int64) {
		for _, a := range of {
			for _, k := range streams[a] {
				if w.Datastreams[k].Property == property {
					ids = append(ids, int64(k+1))
				}
			}
		}
		return ids
	}
	down := map[string][]string{}
	for _, a := range w.Assets {
		for _, up := range a.Upstream {
			down[up] = append(down[up], a.ID)
		}
	}
	for k, d := range w.Datastreams {
		a := byID[d.Asset]
		point := [2]float64(a.Geometry.Lines[0][0])
		e.Bind(engine.Stream{
			ID: int64(k + 1), Property: d.Property, Asset: assets(a.ID), Kind: a.Kind, Place: places(a.Place), Area: areas(a.Area), Point: &point,
			Upstream: next(d.Property, a.Upstream), Downstream: next(d.Property, down[a.ID]),
			AssetName: engine.Wording{EN: a.Name.En, ZH: a.Name.Zh},
		}, nil)
	}
	reports := slices.Collect(s.Reports(from, to))
	ticked := from
	var changes []engine.Change
	for r := range s.Readings(from, to) {
		for ; ticked.Before(r.At); ticked = ticked.Add(time.Minute) {
			changes = e.Tick(ticked.UnixMicro(), from.UnixMicro(), changes[:0])
			book.Add(changes...)
		}
		for len(reports) > 0 && !reports[0].At.After(r.At) {
			x := reports[0]
			changes = e.Report(engine.Report{ID: int64(len(reports)), At: x.At.UnixMicro(), Category: x.Category, Point: (*[2]float64)(&x.Point)}, changes[:0])
			book.Add(changes...)
			reports = reports[1:]
		}
		at := r.At.UnixMicro()
		changes = e.Evaluate(engine.Reading{Datastream: int64(r.Datastream + 1), At: at, Value: r.Value, Number: true}, at, changes[:0])
		book.Add(changes...)
	}
	var out []raised
	for _, x := range book.Episodes() {
		if x.Kind != engine.Hazard {
			continue
		}
		a := raised{detector: x.Detector.ID, level: x.Level}
		a.ID, a.Raised = fmt.Sprintf("%s-%d", x.Detector.ID, len(out)), time.UnixMicro(x.RaisedAt).UTC()
		a.reached = map[engine.Level]time.Time{}
		for _, c := range x.Steps {
			if _, ok := a.reached[c.To]; !ok {
				a.reached[c.To] = time.UnixMicro(c.At).UTC()
			}
		}
		for _, id := range append(slices.Clone(x.Steps[0].Datastreams), x.Steps[0].Datastream) {
			if id == 0 {
				continue
			}
			b := byID[w.Datastreams[id-1].Asset]
			a.Assets, a.Places = append(a.Assets, b.ID), append(a.Places, b.Place)
		}
		if x.Subject.Scope == engine.ScopePlace {
			a.Places = append(a.Places, placeOf[x.Subject.ID])
		}
		out = append(out, a)
	}
	slices.SortStableFunc(out, func(a, b raised) int { return a.Raised.Compare(b.Raised) })
	return out
}

// The storm is seen by the packs as they are shipped: every incident is found, and which hazards were seen, when, and how long
// before the harm, stands in the test's log.
func TestTheStormIsSeen(t *testing.T) {
	s := sim.NewStorm(sim.Build(1), stormStart)
	until := stormStart.Add(sim.StormAfter + sim.StormLasts + time.Hour)
	all := judge(t, s, stormStart.Add(-6*time.Hour), until)
	rain := stormStart.Add(sim.StormAfter)
	type seen struct {
		first   time.Time
		level   engine.Level
		count   int
		reached map[engine.Level]time.Time
	}
	hazards := map[string]*seen{}
	var alerts []sim.Alert
	for _, a := range all {
		alerts = append(alerts, a.Alert)
		h := hazards[a.detector]
		if h == nil {
			h = &seen{first: a.Raised, reached: map[engine.Level]time.Time{}}
			hazards[a.detector] = h
		}
		h.count++
		h.level = max(h.level, a.level)
		for level, at := range a.reached {
			if was, ok := h.reached[level]; !ok || at.Before(was) {
				h.reached[level] = at
			}
		}
	}
	var names []string
	for name := range hazards {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(hazards[a].first.Compare(hazards[b].first), cmp.Compare(a, b)) })
	for _, name := range names {
		h := hazards[name]
		when := ""
		for level := engine.Blue; level <= engine.Red; level++ {
			if at, ok := h.reached[level]; ok {
				when += fmt.Sprintf(" %s %s", level, at.Sub(rain).Round(time.Minute))
			}
		}
		t.Logf("%-24s %3d alerts, after so much rain:%s", name, h.count, when)
	}
	for name, level := range map[string]engine.Level{
		"flood/cloudburst": engine.Yellow, "flood/rainstorm": engine.Orange, "flood/road-water": engine.Red, "flood/pump-stopped": engine.Red,
		"flood/street-flooded": engine.Orange, "power/feeder-outage": engine.Orange, "lifts/pit-water": engine.Orange, "lifts/trapped": engine.Red,
	} {
		if h := hazards[name]; h == nil || h.level < level {
			t.Errorf("%s: %+v, want %s", name, h, level)
		}
	}
	card := sim.Score(s.Truth(), alerts, until)
	leads := map[string][]float64{}
	for _, i := range card.Incidents {
		switch {
		case !i.Found:
			t.Errorf("missed: %s, %s from %s", i.ID, i.Name.En, i.Start.Sub(rain))
		default:
			leads[i.Kind] = append(leads[i.Kind], *i.Warning)
		}
	}
	for kind, minutes := range leads {
		slices.Sort(minutes)
		t.Logf("%-18s %2d found; minutes of warning: least %.0f, middle %.0f, most %.0f", kind, len(minutes), minutes[0], minutes[len(minutes)/2], minutes[len(minutes)-1])
		if kind != "lift-flooded" && minutes[len(minutes)/2] <= 0 { // a pit fills faster than its probe reports
			t.Errorf("%s is told too late more often than not: %v", kind, minutes)
		}
	}
	t.Logf("%d planted, %d found, %d false", card.Planted, card.Found, card.False)
	for _, kind := range []string{"rainstorm", "pump-failure", "underpass-flooded", "feeder-trip", "lift-trapped", "lift-flooded"} {
		if len(leads[kind]) == 0 {
			t.Errorf("the storm brought no %s", kind)
		}
	}
	if card.False > 0 {
		for _, a := range all {
			if c := sim.Score(s.Truth(), []sim.Alert{a.Alert}, until); c.False > 0 {
				t.Errorf("false: %s of %v at %s", a.detector, a.Assets, a.Raised.Sub(rain))
			}
		}
	}
}

// Without the storm the same city, with its pump stations, feeders and lifts, says nothing of the kind.
func TestTheQuietCityHasNoStorm(t *testing.T) {
	s := sim.NewStorm(sim.Build(1), stormStart.Add(30*24*time.Hour)) // a month after what is judged
	for _, a := range judge(t, s, stormStart.Add(-6*time.Hour), stormStart.Add(18*time.Hour)) {
		if strings.HasPrefix(a.detector, "flood/") || strings.HasPrefix(a.detector, "power/") || strings.HasPrefix(a.detector, "lifts/") {
			t.Errorf("%s of %v at %s", a.detector, a.Assets, a.Raised)
		}
	}
}
