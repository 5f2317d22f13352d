package drill

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/respond/plan"
	"github.com/anlan-city/anlan/internal/trial/backtest"
)

func history(t *testing.T, mapping, dir string) *backtest.History {
	t.Helper()
	h, err := backtest.FromMapping(root+"replays/"+mapping, dir, true)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Flood, on the River Wear of October 2022 with marks of a drill (0.85 and 1.00 m): each response is opened as an
// exercise. Two waves of October, three days apart.
func TestFloodPlanOnTheRiverWear(t *testing.T) {
	h := history(t, "river.yaml", shared(t, "sensors/river-wear-2022"))
	dbtest.Each(t, migrations(), func(t *testing.T, d *db.DB) {
		kind := incident(map[string]lifecycle.Limit{"flood/level": {Value: 0.80, Unit: "m"}}, nil)
		x := newCity(t, d, time.Date(2022, 10, 18, 0, 0, 0, 0, time.UTC), detectorsOf(t, "replays/drill/flood", "river-level", "river-forecast"),
			h, planOf(t, "flood"), kind, "education-bureau")

		p := x.proposed(5*24*time.Hour, "open IV")
		if len(p.Gaps) != 1 || p.Gaps[0].Agency != "education" {
			t.Errorf("gaps %+v", p.Gaps)
		}
		x.pass(10 * time.Minute)
		id := x.open(p, plan.OpenRequest{Drill: true})
		b := x.board(id)
		if !b.Drill || b.Counts.Waiting != 13 || b.Counts.Late != 0 {
			t.Fatalf("%+v", b.Counts)
		}
		// The posts take their tasks on, but for the towns; drainage is done in time.
		x.pass(5 * time.Minute)
		x.acknowledge(b.Case, tasks(b, "waiting", "drainage", "command", "rivers"))
		x.pass(20 * time.Minute)
		x.finish(b.Case, tasks(x.board(id), "acknowledged", "drainage"))
		x.pass(2 * time.Hour)
		b = x.board(id)
		x.log(id)
		overdue := x.count("select count(*) from outbox where subject = 'case.overdue'")
		if b.Counts.Late != 11 || overdue != 11 || b.Counts.Done != 2 || b.Counts.DoneLate != 0 {
			t.Errorf("after two hours and a half: %+v on the board, %d deadlines were told", b.Counts, overdue)
		}
		for _, a := range b.Agencies {
			if a.Agency == "towns" && (a.Counts.Late != 3 || a.Counts.Waiting != 3 || len(a.Organisations) != 3) {
				t.Errorf("three towns that nobody heard from: %+v", a.Counts)
			}
		}
		// The river goes from blue to orange within hours: level III is skipped on the way up, not on the way down.
		x.level(id, x.proposed(48*time.Hour, "raise II"))
		x.level(id, x.proposed(48*time.Hour, "lower III"))
		x.end(id, x.proposed(72*time.Hour, "end"))

		// The second wave, three days later.
		p = x.proposed(20*24*time.Hour, "open IV", "open III")
		x.pass(10 * time.Minute)
		second := x.open(p, plan.OpenRequest{Drill: true})
		for p.Level != "II" {
			p = x.proposed(48*time.Hour, "raise III", "raise II")
			x.pass(15 * time.Minute)
			x.level(second, p)
		}
		b = x.board(second)
		for _, state := range []string{"waiting", "acknowledged"} {
			for _, task := range tasks(b, state) {
				if task.Name == "watch-spots" {
					t.Error("level II does without watch-spots, which is still out")
				}
			}
		}
		if with := tasks(b, "waiting", "education"); len(with) != 1 || with[0].Organisation != 0 {
			t.Errorf("the task of an agency that nobody knows is not with the desk: %+v", with)
		}
		x.acknowledge(b.Case, tasks(b, "waiting"))
		x.pass(30 * time.Minute)
		x.finish(b.Case, tasks(x.board(second), "acknowledged", "drainage", "rivers", "towns"))
		if b.Case == x.board(id).Case {
			t.Error("two waves share a case")
		}
		for p = x.proposed(96*time.Hour, "lower III", "lower IV", "end"); p.What != "end"; p = x.proposed(96*time.Hour, "lower IV", "end") {
			x.level(second, p)
		}
		x.end(second, p)
	})
}

// Gas leak, on the fence of the METEC site in May 2022: releases until one is grave enough for level III.
func TestGasPlanOnTheMethaneFence(t *testing.T) {
	h := history(t, "methane.yaml", shared(t, "sensors/methane-metec"))
	d := dbtest.SQLite(t, migrations()...)
	kind := incident(map[string]lifecycle.Limit{"gas/methane-ambient": {Value: 5, Unit: "ppm"}}, nil)
	x := newCity(t, d, time.Date(2022, 5, 9, 0, 0, 0, 0, time.UTC), detectorsOf(t, "packs/gas", "methane-ambient"), h, planOf(t, "gas"), kind)

	p := x.proposed(72*time.Hour, "open IV")
	x.pass(3 * time.Minute)
	id := x.open(p, plan.OpenRequest{})
	b := x.board(id)
	if *b.Place != 1 || b.Title.Zh != "燃气泄漏应急预案" {
		t.Errorf("%+v", b.ResponseView)
	}
	x.pass(time.Minute)
	x.acknowledge(b.Case, tasks(b, "waiting", "company", "town"))
	x.pass(12 * time.Minute)
	x.finish(b.Case, tasks(x.board(id), "acknowledged", "company")[:1]) // the crew is there within 15 min
	x.pass(10 * time.Minute)
	b = x.board(id)
	x.log(id)
	late := 0
	for _, a := range b.Agencies {
		if a.Agency == "traffic-police" {
			late = a.Counts.Late
		}
	}
	if late != 1 || b.Counts.Done != 1 || b.Counts.DoneLate != 0 {
		t.Errorf("the road should have been closed within 20 min: %d late, %+v", late, b.Counts)
	}
	x.end(id, x.proposed(24*time.Hour, "end"))

	for graver := false; !graver; {
		p = x.proposed(72*time.Hour, "open IV", "open III")
		id = x.open(p, plan.OpenRequest{})
		if p.Level == "IV" {
			if p = x.proposed(24*time.Hour, "raise III", "end"); p.What == "raise" {
				x.pass(2 * time.Minute)
				x.level(id, p)
			}
		}
		if graver = p.Level == "III"; graver {
			b = x.board(id)
			if n := len(tasks(b, "waiting", "fire", "power", "health")); n != 3 {
				t.Errorf("%d tasks for fire, power and health at level III", n)
			}
			x.acknowledge(b.Case, tasks(b, "waiting", "fire", "company"))
			x.pass(20 * time.Minute)
			if b = x.board(id); b.Counts.Late == 0 || b.Counts.Acknowledged == 0 {
				t.Errorf("after 20 min of level III: %+v", b.Counts)
			}
		}
		for p.What != "end" {
			if p = x.proposed(48*time.Hour, "lower IV", "end"); p.What == "lower" {
				x.level(id, p)
			}
		}
		x.end(id, p)
	}
}

// Heavy air pollution, on Beijing's stations in the days of its first red alert, December 2015. The stations are one place; an
// area is put under them, as the rule for heavy pollution judges areas.
func TestAirPlanOnBeijing(t *testing.T) {
	h := history(t, "beijing.yaml", shared(t, "sensors/beijing-air"))
	from, to := time.Date(2015, 11, 25, 0, 0, 0, 0, time.UTC), time.Date(2016, 1, 10, 0, 0, 0, 0, time.UTC)
	for i := range h.Streams {
		h.Streams[i].Area, h.Streams[i].AreaName = 30, engine.Wording{EN: "Beijing", ZH: "北京市"}
	}
	all := h.Each
	h.Each = func(ctx context.Context, fn func(engine.Reading) error) error {
		return all(ctx, func(r engine.Reading) error {
			if r.At < from.UnixMicro() || r.At > to.UnixMicro() {
				return nil
			}
			return fn(r)
		})
	}
	d := dbtest.SQLite(t, migrations()...)
	kind := incident(map[string]lifecycle.Limit{"air/pm25": {Value: 115, Unit: "µg/m3"}}, nil)
	x := newCity(t, d, from, detectorsOf(t, "packs/air", "heavy-pollution", "long-pollution"), h, planOf(t, "air"), kind)

	p := x.proposed(20*24*time.Hour, "open III")
	x.pass(time.Hour)
	id := x.open(p, plan.OpenRequest{})
	b := x.board(id)
	if n := len(tasks(b, "waiting")); n != 12 { // ten, one of them for each of three towns
		t.Errorf("%d tasks at level III", n)
	}
	x.acknowledge(b.Case, tasks(b, "waiting", "ecology", "housing"))
	x.pass(5 * time.Hour)
	b = x.board(id)
	x.log(id)
	if b.Counts.Late == 0 || b.Counts.Acknowledged == 0 {
		t.Errorf("%+v", b.Counts)
	}
	for _, change := range []string{"raise II"} {
		p = x.proposed(6*24*time.Hour, change)
		x.pass(time.Hour)
		x.level(id, p)
	}
	b = x.board(id)
	if got := len(tasks(b, "withdrawn", "sanitation")); got != 1 { // sweeping twice takes the place of once
		t.Errorf("%d tasks of street cleaning are withdrawn at level II", got)
	}
	x.pass(24 * time.Hour)
	x.finish(b.Case, tasks(x.board(id), "waiting", "education", "health"))
	for p = x.proposed(20*24*time.Hour, "raise I", "lower III", "end"); p.What != "end"; p = x.proposed(20*24*time.Hour, "raise I", "lower II", "lower III", "end") {
		x.pass(time.Hour)
		x.level(id, p)
	}
	x.end(id, p)
}

// Cold wave for the water supply. No record is at hand: the temperatures are made up, hour by hour, at three exposed pipes and one
// weather station: from 6 °C down to -11 °C within three days, and up again.
func TestColdWavePlanOnSimulatedData(t *testing.T) {
	begin := time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC)
	h := coldWave(begin, 9*24)
	d := dbtest.SQLite(t, migrations()...)
	kind := incident(nil, map[string]lifecycle.Limit{"water/air-temperature": {Value: 1, Unit: "°C"}})
	detectors := append(detectorsOf(t, "packs/water", "pipe-frost"), detectorsOf(t, "packs/weather", "cold-wave")...)
	x := newCity(t, d, begin, detectors, h, planOf(t, "water"), kind, "fire-brigade")

	p := x.proposed(6*24*time.Hour, "open IV", "open III")
	x.pass(30 * time.Minute)
	id := x.open(p, plan.OpenRequest{})
	if b := x.board(id); !gap(b, "fire") || gap(b, "company") {
		t.Error("the gaps of the register do not show on the board")
	}
	x.pass(3 * time.Hour)
	b := x.board(id)
	x.log(id)
	if b.Counts.Late == 0 || b.Counts.Late != x.count("select count(*) from outbox where subject = 'case.overdue'") {
		t.Errorf("%+v", b.Counts)
	}
	x.acknowledge(b.Case, tasks(b, "waiting", "company"))
	seen := map[string]bool{p.Level: true}
	for p = x.proposed(4*24*time.Hour, "raise III", "raise II", "raise I"); ; p = x.proposed(6*24*time.Hour, "raise III", "raise II", "raise I", "lower II", "lower III", "lower IV", "end") {
		if p.What == "end" {
			break
		}
		x.pass(30 * time.Minute)
		x.level(id, p)
		seen[p.Level] = true
		x.acknowledge(b.Case, tasks(x.board(id), "waiting", "company", "bureau"))
		x.pass(90 * time.Minute)
	}
	if !seen["III"] || !seen["II"] || !seen["I"] {
		t.Errorf("levels %v were opened; -3, -5.6 and -10.1 °C lead to all of them", seen)
	}
	x.end(id, p)
}

func gap(b *plan.Board, agency string) bool {
	for _, a := range b.Agencies {
		if a.Agency == agency {
			return a.Gap
		}
	}
	return false
}

// coldWave is a made-up history: a course of temperature over some hours.
func coldWave(begin time.Time, hours int) *backtest.History {
	h := &backtest.History{}
	for i := range 4 {
		s := backtest.Stream{AssetKey: fmt.Sprintf("pipe-%d", i), Unit: "°C", Stream: engine.Stream{
			ID: int64(i + 1), Asset: int64(i + 1), Place: int64(i + 1), Area: 30, Property: "water/air-temperature", Kind: "water/exposed-pipe",
			AssetName: engine.Wording{EN: fmt.Sprintf("Pipe %d", i+1), ZH: fmt.Sprintf("%d号明管", i+1)}, PlaceName: engine.Wording{EN: "Block", ZH: "楼栋"},
		}}
		if i == 3 {
			s.AssetKey, s.Property, s.Kind = "station", "weather/temperature", "weather/station"
		}
		h.Streams = append(h.Streams, s)
	}
	h.Each = func(_ context.Context, fn func(engine.Reading) error) error {
		for n := range hours {
			day := float64(n) / 24
			course := 6 - 17*math.Exp(-math.Pow((day-4.5)/1.3, 2)) + 1.5*math.Cos(2*math.Pi*(day-0.58))
			for i := range 4 {
				v := math.Round((course+0.2*float64(i))*10) / 10
				if err := fn(engine.Reading{Datastream: int64(i + 1), At: begin.Add(time.Duration(n) * time.Hour).UnixMicro(), Value: v, Number: true}); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return h
}
