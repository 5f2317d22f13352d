package main

import (
	"fmt"
	"io/fs"
	"regexp"
	"testing/fstest"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/packs"
)

// platformID is the datastream, and asset, of the platform's count. Units have two datastreams each.
const platformID = 1

func serviceID(i int) int64    { return int64(10 + 2*i) }
func monitoringID(i int) int64 { return int64(11 + 2*i) }

// unitOf is which unit a datastream belongs to, -1 for the platform's.
func unitOf(datastream int64) int {
	return int(datastream-10)/2 - map[bool]int{true: 1}[datastream < 10]
}

// shipped are the pack's rules. Without management, the keys that fold alerts are left out: chatter and quiet.
func shipped(managed bool) ([]*engine.Detector, error) {
	sub, err := fs.Sub(packs.FS(), "lifts")
	if err != nil {
		return nil, err
	}
	files := sub
	if !managed {
		rules, err := fs.ReadFile(sub, engine.File)
		if err != nil {
			return nil, err
		}
		about, err := fs.ReadFile(sub, "pack.yaml")
		if err != nil {
			return nil, err
		}
		cases, err := fs.ReadFile(sub, "cases.yaml")
		if err != nil {
			return nil, err
		}
		files = fstest.MapFS{
			"pack.yaml": {Data: about}, "cases.yaml": {Data: cases},
			engine.File: {Data: regexp.MustCompile(`(?m)^  (chatter|quiet):.*\n`).ReplaceAll(rules, nil)},
		}
	}
	p, err := pack.Load(files, "lifts")
	if err != nil {
		return nil, err
	}
	return engine.Compile(p)
}

// play runs rules over the record as if they had been there then: each list gives every unit's state and the platform's
// count, and between lists the clock goes on, hour by hour.
func play(rules []*engine.Detector, r *record) ([]*engine.Episode, error) {
	if len(r.units) == 0 {
		return nil, fmt.Errorf("no units")
	}
	e := engine.New(rules)
	var book engine.Book
	var changes []engine.Change
	tell := func() {
		book.Add(changes...)
		changes = changes[:0]
	}
	bind := func(s engine.Stream) { s.Organisation, s.Area = 1, 1; changes = e.Bind(s, changes) }
	bind(engine.Stream{ID: platformID, Property: "lifts/units-disrupted", Kind: "lifts/platform", Asset: platformID})
	for i, u := range r.units {
		s := engine.Stream{Kind: "lifts/lift", Asset: u.id, Place: u.station, Point: u.point}
		if u.escalator {
			s.Kind = "lifts/escalator"
		}
		s.ID, s.Property = serviceID(i), "lifts/service"
		bind(s)
		s.ID, s.Property = monitoringID(i), "lifts/monitoring"
		bind(s)
	}
	from, before := r.snapshots[0], r.snapshots[0]
	r.walk(func(t int64, now []state) {
		for clock := before + time.Hour.Microseconds(); clock < t; clock += time.Hour.Microseconds() {
			changes = e.Tick(clock, from, changes)
			tell()
		}
		before = t
		disrupted := 0.0
		for i := range r.units {
			service := engine.Reading{Datastream: serviceID(i), At: t, Number: true}
			monitoring := engine.Reading{Datastream: monitoringID(i), At: t, Value: 1, Number: true}
			switch now[i] {
			case unlisted:
				continue
			case active:
				service.Value = 1
			case unknown:
				service.Number = false // it is heard of, and what it does is not known
				monitoring.Value = 0
				disrupted++
			}
			changes = e.Evaluate(service, t, changes)
			changes = e.Evaluate(monitoring, t, changes)
			tell()
		}
		changes = e.Evaluate(engine.Reading{Datastream: platformID, At: t, Value: disrupted, Number: true}, t, changes)
		changes = e.Tick(t, from, changes)
		tell()
	})
	return book.Episodes(), nil
}

// about says whether an alert is about a unit.
func about(a *engine.Episode, unit int) bool {
	for _, id := range a.Steps[0].Datastreams {
		if unitOf(id) == unit {
			return true
		}
	}
	return false
}
