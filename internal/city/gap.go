package city

import (
	"context"
	"errors"
	"slices"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// Thing is an area, a place or an asset.
type Thing struct {
	Subject string `json:"subject"`
	ID      int64  `json:"id"`
}

// Around are the things whose duties concern one: itself, the place it stands at and the areas around it, the nearest first.
func (s *Service) Around(ctx context.Context, subject string, id int64) ([]Thing, error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: subject, ID: id}, access.Operations); err != nil {
		return nil, err
	}
	chain, _, _, err := s.store.chain(ctx, subject, id, s.picture.Load().areas)
	if errors.Is(err, db.ErrNotFound) {
		return nil, notFound(subject, id)
	}
	out := make([]Thing, len(chain))
	for i, link := range chain {
		out[i] = Thing{link.subject, link.id}
	}
	return out, err
}

// Gap says where a link is missing that nobody holds for a thing, so that the same gap has one name wherever it is met: for
// leadership and territory the largest area around in which nobody holds the duty at all, as MissingDuties tells it; for the
// others, and for what lies in no such area, the thing itself. point lies in the area; nil where the thing is its own gap.
func (s *Service) Gap(ctx context.Context, kind, subject string, id int64) (at Thing, name Name, point *Point, err error) {
	around, err := s.Around(ctx, subject, id)
	if err != nil {
		return Thing{}, Name{}, nil, err
	}
	at = Thing{subject, id}
	p := s.picture.Load()
	if p.areas != nil && (kind == DutyLeadership || kind == DutyTerritory) {
		held := map[*node]bool{} // areas in or below which somebody holds it
		err := s.store.eachDuty(ctx, func(over string, id int64, k, pack string) {
			if k == kind && over == SubjectArea && pack == "" {
				for n := p.areas.byID[id]; n != nil; n = n.parent {
					held[n] = true
				}
			}
		})
		if err != nil {
			return Thing{}, Name{}, nil, err
		}
		areas := slices.DeleteFunc(around, func(t Thing) bool { return t.Subject != SubjectArea })
		for _, t := range areas { // the nearest first: the last that is bare is the largest
			n := p.areas.byID[t.ID]
			if held[n] {
				break
			}
			at, name = t, n.name
			if xy, ok := n.shape.PointOnSurface().XY(); ok {
				point = &Point{xy.X, xy.Y}
			}
		}
	}
	if name == (Name{}) {
		switch at.Subject {
		case SubjectAsset:
			name = p.assets[at.ID].AssetName
		case SubjectPlace:
			name = p.places[at.ID].PlaceName
		case SubjectArea:
			name = s.AreaName(at.ID)
		}
	}
	return at, name, point, nil
}
