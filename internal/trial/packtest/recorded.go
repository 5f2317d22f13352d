package packtest

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/trial/replay"
)

// recordedEvery is how often the clock is looked at in a recorded period, for instruments that fell silent.
const recordedEvery = time.Minute

// Recorded reads a recorded period: a mapping file says what the columns of the files below dir mean, as for replay. What
// instruments say in words is left out. Every instrument must speak in the unit of its pack; s knows those of its own.
func Recorded(s *Suite, mapping, dir string) (*Recording, error) {
	plan, _, err := replay.Read(mapping, dir, false)
	if err != nil {
		return nil, err
	}
	first, last := plan.Period()
	r := &Recording{name: cmp.Or(plan.Title, mapping)}
	r.story = story{start: time.UnixMicro(first).UTC(), every: recordedEvery, end: time.Duration(last-first) * time.Microsecond}

	named := func(e replay.Entity) words {
		return words{cmp.Or(e.Name["en"], e.Name[""], e.ID), cmp.Or(e.Name["zh-CN"], e.Name[""], e.ID)}
	}
	point := func(e replay.Entity) *[2]float64 {
		if !e.HasPoint {
			return nil
		}
		return &[2]float64{e.Lon, e.Lat}
	}
	places := map[string]*place{}
	for i, e := range plan.Places {
		places[e.ID] = &place{id: int64(i + 1), name: e.ID, title: named(e), point: point(e)}
	}
	assets := map[string]*asset{}
	for i, e := range plan.Assets {
		kind := e.Kind
		if e.Pack != "" && !strings.Contains(kind, "/") {
			kind = e.Pack + "/" + kind
		}
		assets[e.ID] = &asset{id: int64(i + 1), name: e.ID, title: named(e), kind: kind, place: places[e.Place], point: point(e)}
	}
	for i, d := range plan.Datastreams {
		a := assets[d.Asset]
		if a == nil {
			return nil, fmt.Errorf("%s: the datastream %s belongs to no asset of the mapping", mapping, d.ID)
		}
		if p := s.Pack.Property(d.Property); p != nil && p.Unit != d.Unit {
			return nil, fmt.Errorf("%s: %s is in %s, and %s in %s; convert it with times and plus", mapping, d.ID, d.Unit, d.Property, p.Unit)
		}
		r.story.instruments = append(r.story.instruments, &instrument{id: int64(i + 1), name: d.ID, asset: a, property: d.Property, unit: d.Unit})
	}
	for _, x := range plan.Readings {
		if x.Text < 0 {
			at := time.Duration(x.At-first) * time.Microsecond
			r.story.readings = append(r.story.readings, reading{of: r.story.instruments[x.Stream], at: at, arrives: at, value: x.Number})
		}
	}
	r.story.arrange()
	return r, nil
}
