package coverage

import (
	"context"
	"net/http"
	"slices"

	"github.com/anlan-city/anlan/internal/platform/web"
)

// PlaceLine is a place with the assets there, summed up.
type PlaceLine struct {
	ID       int64  `json:"id"`
	Name     Text   `json:"name"`
	Area     int64  `json:"area,omitempty"`
	AreaName Text   `json:"area_name"`
	State    State  `json:"state" enum:"unwatched,mute,partly,works,watched,none"`
	Counts   Counts `json:"counts" doc:"of its assets"`
}

// PlaceDetail is a place with its assets.
type PlaceDetail struct {
	PlaceLine
	Assets []Line `json:"assets"`
}

// Places are up to limit places with assets behind an id, those in the states of the filter; an asset there has to pass the
// rest of the filter.
func (s *Service) Places(ctx context.Context, f Filter, after int64, limit int) (out []PlaceLine, next int64, err error) {
	if err := s.mayLook(ctx); err != nil {
		return nil, 0, err
	}
	v, err := s.look()
	if err != nil {
		return nil, 0, err
	}
	out = []PlaceLine{}
	m := v.matcher(f)
	for i := range v.places {
		if v.places[i].id <= after {
			continue
		}
		c, state, ok := v.place(i, m)
		if !ok || len(f.States) > 0 && !slices.Contains(f.States, state) {
			continue
		}
		if len(out) == limit {
			return out, out[limit-1].ID, nil
		}
		out = append(out, v.placeLine(i, c, state))
	}
	return out, 0, nil
}

func (v *view) placeLine(i int, c Counts, state State) PlaceLine {
	p := &v.places[i]
	return PlaceLine{ID: p.id, Name: p.name, Area: p.area, AreaName: v.areas[p.area].Name, State: state, Counts: c}
}

// Place is one place with its assets. A place without assets measures nothing: its state is none.
func (s *Service) Place(ctx context.Context, id int64) (PlaceDetail, error) {
	if err := s.mayLook(ctx); err != nil {
		return PlaceDetail{}, err
	}
	v, err := s.look()
	if err != nil {
		return PlaceDetail{}, err
	}
	i, ok := slices.BinarySearchFunc(v.places, id, func(p place, id int64) int { return int(p.id - id) })
	if !ok {
		spot, known := s.Register.Place(id)
		if !known {
			return PlaceDetail{}, web.Errorf(http.StatusNotFound, "coverage.unknown_place", "there is no place %d", id)
		}
		return PlaceDetail{PlaceLine{ID: id, Area: spot.Area, AreaName: v.areas[spot.Area].Name, State: None}, []Line{}}, nil
	}
	c, state, _ := v.place(i, v.matcher(Filter{}))
	return PlaceDetail{v.placeLine(i, c, state), s.lines(v, v.places[i].assets)}, nil
}
