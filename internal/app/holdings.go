package app

import (
	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn"
)

var _ warn.Holdings = register{}

// Standing fulfils warn.Holdings.
func (r register) Standing(in func(lon, lat float64) bool, fn func(warn.Standing)) {
	homes := map[string]bool{}
	for _, k := range r.packs.kinds {
		homes[k.ID] = k.Home
	}
	r.city.EachPlace(func(p city.Spot) {
		if in(p.Point[0], p.Point[1]) {
			fn(warn.Standing{ID: p.Place, Kind: p.PlaceKind, Name: text(p.PlaceName)})
		}
	})
	r.city.EachAsset(func(a city.Spot) {
		if in(a.Point[0], a.Point[1]) {
			fn(warn.Standing{Asset: true, ID: a.Asset, Kind: a.Kind, Name: text(a.AssetName), Place: a.Place, PlaceName: text(a.PlaceName), Home: a.Home || homes[a.Kind]})
		}
	})
}

// KindTitle fulfils warn.Holdings.
func (r register) KindTitle(kind string) (page.Text, bool) {
	for _, k := range r.packs.kinds {
		if k.ID == kind {
			return text(k.Title), true
		}
	}
	return page.Text{}, false
}

// Residents fulfils warn.Holdings.
func (r register) Residents(area int64) (warn.Residents, bool) {
	n, ok := r.city.Residents(area)
	return warn.Residents(n), ok
}
