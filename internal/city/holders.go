package city

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// Holders are the organisations that have a kind of duty for an area, a place or an asset, the nearest first and those that
// lead before those that assist. A duty that is limited to a pack counts where it is that pack, or the asset's.
func (s *Service) Holders(ctx context.Context, kind, pack, subject string, id int64) ([]int64, error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: subject, ID: id}, access.Operations); err != nil {
		return nil, err
	}
	chain, own, runs, err := s.store.chain(ctx, subject, id, s.picture.Load().areas)
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var lead, assist []int64
	if kind == DutyEnterprise && runs != 0 { // who runs it has the duty, whether or not a list says so
		lead = append(lead, runs)
	}
	for _, link := range chain {
		duties, err := s.store.duties(ctx, dutyFilter{subject: link.subject, subjectID: link.id, limit: MaxPage})
		if err != nil {
			return nil, err
		}
		for _, d := range duties {
			switch {
			case d.Kind != kind || d.Pack != "" && d.Pack != pack && d.Pack != own:
			case d.Role == "assist":
				assist = append(assist, d.Organisation)
			default:
				lead = append(lead, d.Organisation)
			}
		}
	}
	return once(append(lead, assist...)), nil
}

// HoldersFor are the organisations that have a kind of duty, of regulator or enterprise, for assets of a kind: within an area,
// else within the nearest area around it that has such assets, else anywhere (always so for area 0); in the order of their external ids.
func (s *Service) HoldersFor(ctx context.Context, kind, pack, assetKind string, area int64) ([]int64, error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: "asset"}, access.Operations); err != nil {
		return nil, err
	}
	p := s.picture.Load()
	type holder struct{ asset, organisation int64 }
	var all []holder
	if kind == DutyEnterprise {
		for id, a := range p.assets {
			if a.Kind == assetKind && a.Organisation != 0 {
				all = append(all, holder{id, a.Organisation})
			}
		}
	}
	own, _, _ := strings.Cut(assetKind, "/")
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var h holder
			var limited string
			err := rows.Scan(&h.asset, &h.organisation, &limited)
			if limited == "" || limited == own || limited == pack {
				all = append(all, h)
			}
			return err
		}, `select d.subject_id, d.organisation, d.pack from city_duties d join city_assets a on a.id = d.subject_id
			where d.kind = $1 and d.subject = 'asset' and a.kind = $2 order by d.id nulls last`, kind, assetKind)
	})
	if err != nil {
		return nil, err
	}
	var found []int64
	gather := func(there func(asset int64) bool) bool {
		for _, h := range all {
			if there(h.asset) && !slices.Contains(found, h.organisation) {
				found = append(found, h.organisation)
			}
		}
		return len(found) > 0
	}
	if p.areas != nil {
		for n := p.areas.byID[area]; n != nil; n = n.parent {
			if gather(func(asset int64) bool { return s.AreaWithin(p.assets[asset].Area, n.id) }) {
				break
			}
		}
	}
	if len(found) == 0 {
		gather(func(int64) bool { return true })
	}
	slices.SortFunc(found, func(a, b int64) int { return strings.Compare(p.organisations[a].key, p.organisations[b].key) })
	return found, nil
}

// OrganisationsOf are the organisations of a kind, in the order of their external ids.
func (s *Service) OrganisationsOf(ctx context.Context, kind string) (ids []int64, err error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: "organisation"}, access.Operations); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		}, `select id from city_organisations where kind = $1 order by external_id nulls last, id nulls last`, kind)
	})
	return ids, err
}

// once keeps the first of each.
func once(ids []int64) (out []int64) {
	for _, id := range ids {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}
