package app

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/methods/ucum"
	"github.com/anlan-city/anlan/internal/sensing"
)

// surroundings fulfils detect.Surroundings from city and sensing.
type surroundings struct{ register }

var _ detect.Surroundings = surroundings{}

// Assets fulfils detect.Surroundings.
func (s surroundings) Assets(kinds []string, around [2]float64, metres float64) (out []detect.Nearby) {
	if len(kinds) == 0 {
		return nil
	}
	s.city.Near(kinds, around[0], around[1], metres, func(a city.Spot) {
		if !a.Home {
			out = append(out, nearby(a))
		}
	})
	return out
}

// Winds fulfils detect.Surroundings. An asset that measures a property twice counts with the first.
func (s surroundings) Winds(direction, speed string, around [2]float64, metres float64) (out []detect.Mast) {
	masts := map[int64]*detect.Mast{}
	s.city.Near(nil, around[0], around[1], metres, func(a city.Spot) {
		if !a.Home {
			masts[a.Asset] = &detect.Mast{Nearby: nearby(a), Direction: math.MaxInt64, Speed: math.MaxInt64}
		}
	})
	s.sensing.All(func(d sensing.DatastreamState) {
		m := masts[d.Asset]
		switch {
		case m == nil:
		case d.Property == direction:
			m.Direction = min(m.Direction, d.ID)
		case d.Property == speed:
			m.Speed = min(m.Speed, d.ID)
		}
	})
	for _, m := range masts {
		if max(m.Direction, m.Speed) < math.MaxInt64 {
			out = append(out, *m)
		}
	}
	return out
}

// Home fulfils detect.Surroundings.
func (s surroundings) Home(asset int64) bool {
	a, _ := s.city.AssetSpot(asset)
	return a.Home
}

func nearby(a city.Spot) detect.Nearby {
	return detect.Nearby{Asset: a.Asset, Name: wording(a.AssetName), Point: [2]float64(a.Point)}
}

// origins says what rules about origins name that no loaded pack declares, or that is in another unit than they take it in. A
// pack by itself can't know: wind is most often another pack's.
func (p packs) origins() error {
	var errs []error
	for _, d := range p.detectors {
		o := d.Origin
		if o == nil {
			continue
		}
		for _, want := range [2][2]string{{o.From, "°"}, {o.Speed, "m/s"}} {
			switch x, ok := p.properties[want[0]]; {
			case !ok:
				errs = append(errs, fmt.Errorf("origin of %s: no pack observes %s", d.ID, want[0]))
			case !sameUnit(x.Unit, want[1]):
				errs = append(errs, fmt.Errorf("origin of %s: %s is in %s and must be in %s", d.ID, want[0], x.Unit, want[1]))
			}
		}
		for _, k := range o.Among {
			if !slices.ContainsFunc(p.kinds, func(x city.Kind) bool { return x.ID == k }) {
				errs = append(errs, fmt.Errorf("origin of %s: no pack has a kind of asset %s", d.ID, k))
			}
		}
	}
	return errors.Join(errs...)
}

func sameUnit(a, b string) bool {
	x, err := ucum.Parse(a)
	y, err2 := ucum.Parse(b)
	return err == nil && err2 == nil && ucum.Same(x, y)
}
