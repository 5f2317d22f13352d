package city

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// MaxPage is the most that one page of a list holds.
const MaxPage = 1000

// AssetFilter narrows a list of assets; zero fields don't.
type AssetFilter struct {
	Box   *[4]float64 // west, south, east, north
	Kind  string      // "gas/kitchen-alarm", or "gas" for the whole pack
	Text  string      // part of a name or of the external id; ASCII letters in either case
	After int64       // the last id of the page before
	Limit int         // at most MaxPage, which is also the default
}

// Areas lists the areas of a level, or all.
func (s *Service) Areas(ctx context.Context, level string) ([]Area, error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: "area"}, access.PublicInformation); err != nil {
		return nil, err
	}
	items := []Area{}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var a Area
			var wkb []byte
			var residents, year sql.NullInt64
			var source string
			if err := rows.Scan(&a.ID, &a.ExternalID, &a.Level, &a.Name.EN, &a.Name.ZH, &a.Parent, &wkb, &residents, &year, &source); err != nil {
				return err
			}
			if residents.Valid {
				a.Residents = &Residents{Total: int(residents.Int64), Year: int(year.Int64), Source: source}
			}
			a.Geometry = Geometry{storedShape(string(wkb))}
			items = append(items, a)
			return nil
		}, `select id, external_id, level, name_en, name_zh, coalesce(parent, 0), geometry,
			residents, residents_year, residents_source from city_areas
			where $1 = '' or level = $1 order by id nulls last`, level)
	})
	return items, err
}

// Organisations lists all organisations.
func (s *Service) Organisations(ctx context.Context) ([]Organisation, error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: "organisation"}, access.Operations); err != nil {
		return nil, err
	}
	items := []Organisation{}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var o Organisation
			items = append(items, o)
			p := &items[len(items)-1]
			return rows.Scan(&p.ID, &p.ExternalID, &p.Kind, &p.Name.EN, &p.Name.ZH, &p.Parent)
		}, "select id, external_id, kind, name_en, name_zh, coalesce(parent, 0) from city_organisations order by id nulls last")
	})
	return items, err
}

// Places lists a page of places and the id to go on after, 0 at the end.
func (s *Service) Places(ctx context.Context, after int64, limit int) ([]Place, int64, error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: "place"}, access.Operations); err != nil {
		return nil, 0, err
	}
	limit = pageSize(limit)
	items := []Place{}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			p, err := scanPlace(rows)
			items = append(items, p)
			return err
		}, placeColumns+" where id > $1 order by id nulls last limit $2", after, limit)
	})
	var next int64
	if len(items) == limit {
		next = items[limit-1].ID
	}
	return items, next, err
}

// Place is one place.
func (s *Service) Place(ctx context.Context, id int64) (Place, error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: "place", ID: id}, access.Operations); err != nil {
		return Place{}, err
	}
	var p Place
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		p, err = scanPlace(tx.QueryRow(placeColumns+" where id = $1", id))
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return p, notFound("place", id)
	}
	return p, err
}

// Assets lists a page of assets and the id to go on after, 0 at the end.
func (s *Service) Assets(ctx context.Context, f AssetFilter) ([]Asset, int64, error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: "asset"}, access.Operations); err != nil {
		return nil, 0, err
	}
	f.Limit = pageSize(f.Limit)
	items := []Asset{}
	err := s.store.assets(ctx, f, func(a Asset, _ string) error {
		items = append(items, a)
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	s.decorate(items)
	var next int64
	if len(items) == f.Limit {
		next = items[f.Limit-1].ID
	}
	return items, next, nil
}

// Asset is one asset.
func (s *Service) Asset(ctx context.Context, id int64) (Asset, error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: "asset", ID: id}, access.Operations); err != nil {
		return Asset{}, err
	}
	a, err := s.asset(ctx, id)
	if err != nil {
		return a, err
	}
	one := []Asset{a}
	s.decorate(one)
	return one[0], nil
}

// AssetID finds an asset by its external id; 0 when there is none.
func (s *Service) AssetID(ctx context.Context, externalID string) (id int64, err error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: "asset"}, access.Operations); err != nil {
		return 0, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow("select id from city_assets where external_id = $1", externalID).Scan(&id)
	})
	if errors.Is(err, db.ErrNotFound) {
		return 0, nil
	}
	return id, err
}

// Path is where a mobile instrument was during the last 72 hours, oldest first.
func (s *Service) Path(ctx context.Context, asset int64) ([]Point, error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: "asset", ID: asset}, access.Operations); err != nil {
		return nil, err
	}
	path := []Point{}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var p Point
			err := rows.Scan(&p[0], &p[1])
			path = append(path, p)
			return err
		}, "select x, y from city_paths where asset = $1 and at > $2 order by at nulls last, id nulls last",
			asset, db.Micros(s.Clock.Now().Add(-PathKept)))
	})
	return path, err
}

// decorate adds what the rooms below and the packs know.
func (s *Service) decorate(items []Asset) {
	kinds := s.kinds()
	var states map[int64]State
	if s.Decorations != nil {
		ids := make([]int64, len(items))
		for i := range items {
			ids[i] = items[i].ID
		}
		states = s.Decorations.States(ids)
	}
	for i := range items {
		a := &items[i]
		if k, ok := kinds[a.Kind]; ok {
			a.KindTitle = &k.Title
		}
		a.State = "unknown"
		if st, ok := states[a.ID]; ok && st.State != "" {
			a.State, a.AlertLevel = st.State, st.AlertLevel
		}
	}
}

func pageSize(limit int) int {
	if limit <= 0 || limit > MaxPage {
		return MaxPage
	}
	return limit
}

const placeColumns = "select id, external_id, kind, name_en, name_zh, address, coalesce(area, 0), x, y, geometry from city_places"

func scanPlace(row interface{ Scan(...any) error }) (p Place, err error) {
	var wkb []byte
	err = row.Scan(&p.ID, &p.ExternalID, &p.Kind, &p.Name.EN, &p.Name.ZH, &p.Address, &p.Area, &p.Point[0], &p.Point[1], &wkb)
	p.Geometry = Geometry{storedShape(string(wkb))}
	return p, err
}

const assetColumns = `select t.id, t.external_id, t.kind, t.name_en, t.name_zh, t.place, l.name_en, l.name_zh, coalesce(l.area, 0),
	coalesce(t.organisation, 0), coalesce(o.name_en, ''), coalesce(o.name_zh, ''), t.premises, t.properties, t.x, t.y, t.geometry
	from city_assets t join city_places l on l.id = t.place left join city_organisations o on o.id = t.organisation`

func scanAsset(row interface{ Scan(...any) error }) (a Asset, wkb string, err error) {
	var organisation Name
	var properties string
	var geometry []byte
	err = row.Scan(&a.ID, &a.ExternalID, &a.Kind, &a.Name.EN, &a.Name.ZH, &a.Place, &a.PlaceName.EN, &a.PlaceName.ZH, &a.Area,
		&a.Organisation, &organisation.EN, &organisation.ZH, &a.Premises, &properties, &a.Point[0], &a.Point[1], &geometry)
	a.Pack, _, _ = strings.Cut(a.Kind, "/")
	if a.Organisation != 0 {
		a.OrganisationName = &organisation
	}
	if properties != "" {
		a.Properties = json.RawMessage(properties)
	}
	return a, string(geometry), err
}

func (s store) asset(ctx context.Context, id int64) (a Asset, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		a, _, err = scanAsset(tx.QueryRow(assetColumns+" where t.id = $1", id))
		return err
	})
	return a, err
}

// assets reads the assets that pass the filter, with the geometry of their own if they have one.
func (s store) assets(ctx context.Context, f AssetFilter, each func(a Asset, wkb string) error) error {
	where := []string{"t.id > $1"}
	args := []any{f.After}
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	if b := f.Box; b != nil {
		where = append(where, "t.max_x >= "+arg(b[0]), "t.max_y >= "+arg(b[1]), "t.min_x <= "+arg(b[2]), "t.min_y <= "+arg(b[3]))
	}
	switch {
	case strings.Contains(f.Kind, "/"):
		where = append(where, "t.kind = "+arg(f.Kind))
	case f.Kind != "":
		where = append(where, `t.kind like `+arg(likeText(f.Kind)+"/%")+` escape '\'`)
	}
	if f.Text != "" {
		p := arg("%" + likeText(strings.ToLower(f.Text)) + "%")
		where = append(where, fmt.Sprintf(`(lower(t.external_id) like %[1]s escape '\' or lower(t.name_en) like %[1]s escape '\' or lower(t.name_zh) like %[1]s escape '\')`, p))
	}
	q := assetColumns + " where " + strings.Join(where, " and ") + " order by t.id nulls last limit " + arg(f.Limit)
	return s.db.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			a, wkb, err := scanAsset(rows)
			if err != nil {
				return err
			}
			return each(a, wkb)
		}, q, args...)
	})
}

// likeText takes the meaning from what means something in LIKE.
func likeText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// picture reads what is kept in memory.
func (s store) picture(ctx context.Context) (*picture, error) {
	p := &picture{
		organisations: map[int64]organisation{}, holders: map[int64][]int64{},
		territory: map[int64]int64{}, places: map[int64]Spot{}, assets: map[int64]Spot{}, assetKeys: map[string]int64{},
		upstream: map[int64][]int64{}, downstream: map[int64][]int64{}, residents: map[int64]Residents{},
	}
	l := lists[Areas]
	var plots []plot
	err := s.records(ctx, l, func(r *record) error {
		plots = append(plots, plot{id: r.id, key: r.values[0], level: l.get(r, "level"), parent: l.get(r, "parent"),
			name: Name{l.get(r, "name_en"), l.get(r, "name_zh")}, shape: storedShape(l.get(r, "geometry"))})
		if n := residentsOf(l, r); n != nil {
			p.residents[r.id] = *n
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if p.areas, err = newAtlas(plots); err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		err := tx.Each(func(rows *sql.Rows) error {
			var id int64
			var o organisation
			err := rows.Scan(&id, &o.key, &o.name.EN, &o.name.ZH, &o.parent)
			p.organisations[id] = o
			return err
		}, "select id, external_id, name_en, name_zh, coalesce(parent, 0) from city_organisations order by id nulls last")
		if err != nil {
			return err
		}
		return tx.Each(func(rows *sql.Rows) error {
			var area, organisation int64
			var kind string
			err := rows.Scan(&area, &organisation, &kind)
			p.holders[area] = append(p.holders[area], organisation)
			if kind == DutyTerritory && p.territory[area] == 0 {
				p.territory[area] = organisation
			}
			return err
		}, `select subject_id, organisation, kind from city_duties where subject = 'area'
			order by case role when 'lead' then 0 else 1 end nulls last, id nulls last`)
	})
	if err != nil {
		return nil, err
	}
	p.fillInside()
	if err := s.readSpots(ctx, p); err != nil {
		return nil, err
	}
	return p, s.readLinks(ctx, p)
}

// fillInside notes at each area who has a duty over one in it.
func (p *picture) fillInside() {
	p.inside = map[int64][]int64{}
	for id, holders := range p.holders {
		for n := p.areas.byID[id]; n != nil && n.parent != nil; n = n.parent {
			for _, holder := range holders {
				if !slices.Contains(p.inside[n.parent.id], holder) {
					p.inside[n.parent.id] = append(p.inside[n.parent.id], holder)
				}
			}
		}
	}
}

func (s store) settings(ctx context.Context) (set Settings, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow("select name_en, name_zh, time_zone from city_settings where id = 1").Scan(&set.Name.EN, &set.Name.ZH, &set.TimeZone)
	})
	return set, err
}

func putSettings(tx *db.Tx, set Settings) error {
	_, err := tx.Exec("update city_settings set name_en = $1, name_zh = $2, time_zone = $3 where id = 1", set.Name.EN, set.Name.ZH, set.TimeZone)
	return err
}

// putPosition adds to the path of a mobile instrument, and moves it there unless a newer position is known.
func putPosition(tx *db.Tx, asset int64, to Point, at time.Time) (newest bool, err error) {
	var newer int64
	if err := tx.QueryRow("select count(*) from city_paths where asset = $1 and at > $2", asset, db.Micros(at)).Scan(&newer); err != nil {
		return false, err
	}
	if _, err := tx.Exec("insert into city_paths (asset, at, x, y) values ($1, $2, $3, $4)", asset, db.Micros(at), to[0], to[1]); err != nil || newer > 0 {
		return false, err
	}
	wkb := geom.NewPointXY(to[0], to[1]).AsBinary()
	_, err = tx.Exec(`update city_assets set geometry = $2, min_x = $3, max_x = $3, x = $3, min_y = $4, max_y = $4, y = $4 where id = $1`,
		asset, wkb, to[0], to[1])
	return err == nil, err
}

// forgetPaths deletes positions from before an instant. It looks first, since most of the time there is nothing to write.
func (s store) forgetPaths(ctx context.Context, before time.Time) error {
	var old int64
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow("select count(*) from city_paths where at <= $1", db.Micros(before)).Scan(&old)
	})
	if err != nil || old == 0 {
		return err
	}
	return s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec("delete from city_paths where at <= $1", db.Micros(before))
		return err
	})
}
