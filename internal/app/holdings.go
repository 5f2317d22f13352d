package app

import (
	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/area"
)

var _ area.Holdings = register{}

// Standing fulfils area.Holdings.
func (r register) Standing(in func(lon, lat float64) bool, fn func(area.Standing)) {
	homes := map[string]bool{}
	for _, k := range r.packs.kinds {
		homes[k.ID] = k.Home
	}
	r.city.EachPlace(func(p city.Spot) {
		if in(p.Point[0], p.Point[1]) {
			fn(area.Standing{ID: p.Place, Kind: p.PlaceKind, Name: text(p.PlaceName)})
		}
	})
	r.city.EachAsset(func(a city.Spot) {
		if in(a.Point[0], a.Point[1]) {
			fn(area.Standing{Asset: true, ID: a.Asset, Kind: a.Kind, Name: text(a.AssetName), Place: a.Place, PlaceName: text(a.PlaceName), Home: a.Home || homes[a.Kind]})
		}
	})
}

// KindTitle fulfils area.Holdings.
func (r register) KindTitle(kind string) (page.Text, bool) {
	for _, k := range r.packs.kinds {
		if k.ID == kind {
			return text(k.Title), true
		}
	}
	return page.Text{}, false
}

// Residents fulfils area.Holdings.
func (r register) Residents(in int64) (area.Residents, bool) {
	n, ok := r.city.Residents(in)
	return area.Residents(n), ok
}
