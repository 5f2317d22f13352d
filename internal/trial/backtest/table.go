package backtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
)

// FromTable is the past in one plain CSV file, which needs no mapping: the columns asset, property ("methane" or
// "gas/methane"), at and value, and if there are: kind (needed where several kinds of asset measure the property), place and
// unit. A row with an empty value is a missing reading.
func FromTable(file string, packs []*pack.Pack) (*History, error) {
	h := &History{}
	assets, places, streams := map[string]int64{}, map[string]int64{}, map[string]int{}
	number := func(in map[string]int64, key string) int64 {
		if key != "" && in[key] == 0 {
			in[key] = int64(len(in) + 1)
		}
		return in[key]
	}
	var readings []engine.Reading
	missing := 0
	err := openSheet(file, []string{"asset", "property", "at", "value"}, []string{"kind", "place", "unit"}, func(s *sheet) {
		at, ok := s.time("at", 0)
		asset, place, unit := s.text("asset"), s.text("place"), s.text("unit")
		if asset == "" {
			s.say("asset", "is empty")
			return
		}
		key := strings.Join([]string{asset, s.text("property"), s.text("kind")}, "\x00")
		i, known := streams[key]
		if !known {
			property, kind, problem := resolve(packs, s.text("property"), s.text("kind"))
			if problem != nil {
				s.say(problem.Field, "%s", problem.What)
				return
			}
			i = len(h.Streams)
			streams[key] = i
			h.Streams = append(h.Streams, Stream{
				Stream: engine.Stream{
					ID: int64(i + 1), Property: property, Asset: number(assets, asset), Kind: kind, Place: number(places, place),
					AssetName: engine.Wording{EN: asset, ZH: asset}, PlaceName: engine.Wording{EN: place, ZH: place},
				},
				AssetKey: asset, PlaceKey: place, Unit: unit,
			})
		}
		if x := &h.Streams[i]; x.PlaceKey != place || x.Unit != unit {
			s.say("asset", "%s stood at place %q with unit %q before: one series has one of each", asset, x.PlaceKey, x.Unit)
			return
		}
		if s.text("value") == "" {
			missing++
			return
		}
		v, number := s.number("value")
		if ok && number {
			readings = append(readings, engine.Reading{Datastream: int64(i + 1), At: at, Value: v, Number: true})
		}
	})
	if err != nil {
		return nil, err
	}
	if missing > 0 {
		h.Notes = append(h.Notes, note("%d rows have no value", "%d 行没有数值", missing))
	}
	slices.SortStableFunc(readings, func(a, b engine.Reading) int { return cmp.Compare(a.At, b.At) })
	h.Each = func(_ context.Context, fn func(engine.Reading) error) error {
		for _, r := range readings {
			if err := fn(r); err != nil {
				return err
			}
		}
		return nil
	}
	return h, nil
}

// resolve finds the property and the kind of asset that a row means.
func resolve(packs []*pack.Pack, property, kind string) (propertyID, kindID string, problem *Problem) {
	var properties, kinds []string
	for _, p := range packs {
		for _, x := range p.Properties {
			properties = append(properties, x.ID)
		}
		for _, x := range p.Kinds {
			kinds = append(kinds, x.ID)
		}
	}
	named := func(all []string, word string) string {
		i := slices.IndexFunc(all, func(id string) bool {
			_, short, _ := strings.Cut(id, "/")
			return word != "" && (id == word || short == word)
		})
		if i < 0 {
			return ""
		}
		return all[i]
	}
	if propertyID = named(properties, property); propertyID == "" {
		return "", "", &Problem{Field: "property", What: fmt.Sprintf("the packs observe no %q%s", property, pack.Suggest(property, properties))}
	}
	if kind != "" {
		if kindID = named(kinds, kind); kindID == "" {
			return "", "", &Problem{Field: "kind", What: fmt.Sprintf("the packs have no kind of asset %q%s", kind, pack.Suggest(kind, kinds))}
		}
		return propertyID, kindID, nil
	}
	var measuring []string
	for _, p := range packs {
		for _, k := range p.Kinds {
			if slices.Contains(k.Measures, propertyID) {
				measuring = append(measuring, k.ID)
			}
		}
	}
	if len(measuring) != 1 {
		return "", "", &Problem{Field: "kind", What: fmt.Sprintf("%d kinds of asset measure %s: say which (%s)", len(measuring), propertyID, strings.Join(measuring, ", "))}
	}
	return propertyID, measuring[0], nil
}
