package city

import (
	"context"
	"errors"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// EachArea calls fn with the id, level and shape of every area, in no order. It answers from memory; the shapes are not to be
// changed.
func (s *Service) EachArea(fn func(id int64, level string, shape geom.Geometry)) {
	a := s.picture.Load().areas
	if a == nil {
		return
	}
	for id, n := range a.byID {
		fn(id, n.level, n.shape)
	}
}

// Outline is where an asset is on the ground, for what goes out to many: its own shape, or that of its place where it has none. Of
// an asset in a home it is the building's alone, with the building's name: a warning is not to point at a flat.
func (s *Service) Outline(ctx context.Context, asset int64) (name Name, shape geom.Geometry, err error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: "asset", ID: asset}, access.Operations); err != nil {
		return name, shape, err
	}
	var premises, kind string
	var own, place []byte
	var placeName Name
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`select t.kind, t.premises, t.name_en, t.name_zh, t.geometry, l.name_en, l.name_zh, l.geometry
			from city_assets t join city_places l on l.id = t.place where t.id = $1`, asset).
			Scan(&kind, &premises, &name.EN, &name.ZH, &own, &placeName.EN, &placeName.ZH, &place)
	})
	if errors.Is(err, db.ErrNotFound) {
		return name, shape, notFound("asset", asset)
	}
	if err != nil {
		return name, shape, err
	}
	switch k := s.kinds()[kind]; {
	case premises == PremisesHome || k.Home:
		return placeName, storedShape(string(place)), nil
	case len(own) == 0:
		return name, storedShape(string(place)), nil
	}
	return name, storedShape(string(own)), nil
}
