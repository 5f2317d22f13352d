package app

import (
	"context"

	"github.com/anlan-city/anlan/internal/warn/public"
)

// gazetteer fulfils public.Gazetteer.
type gazetteer struct{ register }

var _ public.Gazetteer = gazetteer{}

// Places finds places by words in their names.
func (g gazetteer) Places(words string, limit int) []public.Spot {
	var out []public.Spot
	for _, p := range g.city.FindPlaces(words, limit) {
		out = append(out, public.Spot{Name: text(p.PlaceName), Lon: p.Point[0], Lat: p.Point[1]})
	}
	return out
}

// At lists the areas at a point, the innermost first.
func (g gazetteer) At(lon, lat float64) []int64 { return g.city.AreaAt(lon, lat) }

// Outlines are the outer rings of all districts and towns.
func (g gazetteer) Outlines(ctx context.Context) (map[int64][][][2]float64, error) {
	areas, err := g.districts(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[int64][][][2]float64, len(areas))
	for _, a := range areas {
		out[a.ID] = outerRings(a.Geometry.Geometry)
	}
	return out, nil
}
