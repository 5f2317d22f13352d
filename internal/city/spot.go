package city

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/anlan-city/anlan/internal/platform/db"
)

// Spot is where a place or an asset stands and whose it is: what other rooms need of the register for each alert, reading
// and case, from memory. Zeros are what is not known.
type Spot struct {
	Asset, Place, Area, Organisation int64
	AssetKey                         string // external id of the asset
	Kind                             string // of the asset
	PlaceKind                        string // of the place, where the spot is a place's
	Home                             bool   // stands in a home: state and liveness only
	AssetName, PlaceName             Name
	Point                            Point // of an instrument that moves: as of the last change of the register
}

// AssetSpot is where an asset stands.
func (s *Service) AssetSpot(id int64) (Spot, bool) {
	spot, ok := s.picture.Load().assets[id]
	return spot, ok
}

// PlaceSpot is where a place lies.
func (s *Service) PlaceSpot(id int64) (Spot, bool) {
	spot, ok := s.picture.Load().places[id]
	return spot, ok
}

// AssetByKey is the asset with an external id.
func (s *Service) AssetByKey(externalID string) (int64, bool) {
	id, ok := s.picture.Load().assetKeys[externalID]
	return id, ok
}

// HasAreas says whether the register knows the city's areas yet.
func (s *Service) HasAreas() bool { return !s.picture.Load().areas.empty() }

// AnswersFor is the organisation that holds the territory's duty for an area or for the nearest one around it; 0 for none.
func (s *Service) AnswersFor(area int64) int64 {
	p := s.picture.Load()
	if p.areas == nil {
		return 0
	}
	for n := p.areas.byID[area]; n != nil; n = n.parent {
		if organisation := p.territory[n.id]; organisation != 0 {
			return organisation
		}
	}
	return 0
}

// readSpots fills in the picture's places and assets, page by page: a large city's don't fit into one read transaction.
func (s store) readSpots(ctx context.Context, p *picture) error {
	err := s.pages(ctx, func(tx *db.Tx, after int64) (last int64, n int, err error) {
		err = tx.Each(func(rows *sql.Rows) error {
			var s Spot
			err := rows.Scan(&s.Place, &s.Area, &s.PlaceKind, &s.PlaceName.EN, &s.PlaceName.ZH, &s.Point[0], &s.Point[1])
			p.places[s.Place] = s
			last, n = s.Place, n+1
			return err
		}, "select id, coalesce(area, 0), kind, name_en, name_zh, x, y from city_places where id > $1 order by id nulls last limit $2", after, pageRows)
		return last, n, err
	})
	if err != nil {
		return fmt.Errorf("places: %w", err)
	}
	err = s.pages(ctx, func(tx *db.Tx, after int64) (last int64, n int, err error) {
		err = tx.Each(func(rows *sql.Rows) error {
			var s Spot
			var premises string
			err := rows.Scan(&s.Asset, &s.AssetKey, &s.Kind, &s.AssetName.EN, &s.AssetName.ZH, &s.Place, &s.Organisation, &premises, &s.Point[0], &s.Point[1])
			place := p.places[s.Place]
			s.Area, s.PlaceName, s.Home = place.Area, place.PlaceName, premises == PremisesHome
			p.assets[s.Asset], p.assetKeys[s.AssetKey] = s, s.Asset
			last, n = s.Asset, n+1
			return err
		}, `select id, external_id, kind, name_en, name_zh, place, coalesce(organisation, 0), premises, x, y
			from city_assets where id > $1 order by id nulls last limit $2`, after, pageRows)
		return last, n, err
	})
	if err != nil {
		return fmt.Errorf("assets: %w", err)
	}
	return nil
}
