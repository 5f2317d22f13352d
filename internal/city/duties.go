package city

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// The chain of responsibility. Who answers for an asset answers by a duty over the asset, over its place, or over an area
// around it; the nearest comes first. A duty limited to a pack holds for assets of that pack only. Who runs an asset has the
// enterprise duty for it, whether or not a list says so: that is what 企业主体责任 means.
//
// A link is missing where nobody answers. Leadership and territory belong to areas: their gap is told once, at the
// largest area that lacks them altogether, not for all that lies in it. Regulator and enterprise belong to assets, since
// they differ by what the asset is.

// DutiesFor is the chain for an area, a place or an asset: all who answer for it, the kinds in the order of DutyKinds and
// the nearest first.
func (s *Service) DutiesFor(ctx context.Context, subject string, id int64) ([]Duty, error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: subject, ID: id}, access.Operations); err != nil {
		return nil, err
	}
	chain, pack, runs, err := s.store.chain(ctx, subject, id, s.picture.Load().areas)
	if errors.Is(err, db.ErrNotFound) {
		return nil, notFound(subject, id)
	}
	if err != nil {
		return nil, err
	}
	found := []Duty{}
	for _, link := range chain {
		duties, err := s.store.duties(ctx, dutyFilter{subject: link.subject, subjectID: link.id, limit: MaxPage})
		if err != nil {
			return nil, err
		}
		for _, d := range duties {
			if d.Pack == "" || d.Pack == pack {
				found = append(found, d)
			}
		}
	}
	if runs != 0 && !slices.ContainsFunc(found, func(d Duty) bool { return d.Kind == DutyEnterprise && d.Organisation == runs }) {
		implied := Duty{Kind: DutyEnterprise, Organisation: runs, OrganisationName: s.OrganisationName(runs),
			Subject: SubjectAsset, SubjectID: id, Role: "lead"}
		found = append([]Duty{implied}, found...)
	}
	slices.SortStableFunc(found, func(a, b Duty) int {
		return cmp.Compare(slices.Index(DutyKinds, a.Kind), slices.Index(DutyKinds, b.Kind))
	})
	return found, nil
}

// Duties lists a page of duties and the id to go on after, 0 at the end. Zero arguments don't narrow the list.
func (s *Service) Duties(ctx context.Context, subject string, subjectID, organisation, after int64, limit int) ([]Duty, int64, error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: "duty"}, access.Operations); err != nil {
		return nil, 0, err
	}
	limit = pageSize(limit)
	items, err := s.store.duties(ctx, dutyFilter{subject, subjectID, organisation, after, limit})
	var next int64
	if len(items) == limit {
		next = items[limit-1].ID
	}
	return items, next, err
}

// MissingDuties lists where the chain of responsibility lacks a link, and how many such places there are in all. It goes
// through the whole register.
func (s *Service) MissingDuties(ctx context.Context, limit int) ([]MissingDuty, int, error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: "duty"}, access.Operations); err != nil {
		return nil, 0, err
	}
	g := gaps{limit: pageSize(limit), have: map[dutySubject][]string{}, items: []MissingDuty{}}
	if err := s.store.eachDuty(ctx, func(subject string, id int64, kind, pack string) {
		t := dutySubject{subject, id}
		g.have[t] = append(g.have[t], kind+" "+pack)
	}); err != nil {
		return nil, 0, err
	}
	areas := s.picture.Load().areas
	for _, kind := range []string{DutyLeadership, DutyTerritory} {
		g.areas(areas, kind)
		err := s.store.eachPlace(ctx, func(id, area int64, key string, name Name) { g.place(areas, kind, id, area, key, name) })
		if err != nil {
			return nil, 0, err
		}
	}
	for _, kind := range []string{DutyRegulator, DutyEnterprise} {
		err := s.store.assetsAll(ctx, func(a Asset, _ string) error {
			g.asset(areas, kind, a)
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
	}
	return g.items, g.total, nil
}

// gaps looks for missing links. It is pure.
type gaps struct {
	limit int
	have  map[dutySubject][]string // "kind pack", by what the duty is over
	items []MissingDuty
	total int
	// told are the areas at which the gap of the present kind was told.
	told map[*node]bool
}

// dutySubject is what a duty is over.
type dutySubject struct {
	subject string
	id      int64
}

func (g *gaps) held(kind, pack, subject string, id int64) bool {
	duties := g.have[dutySubject{subject, id}]
	return slices.Contains(duties, kind+" ") || pack != "" && slices.Contains(duties, kind+" "+pack)
}

func (g *gaps) add(kind, subject string, id int64, key string, name Name) {
	g.total++
	if len(g.items) < g.limit {
		g.items = append(g.items, MissingDuty{Kind: kind, Subject: subject, SubjectID: id, ExternalID: key, Name: name})
	}
}

// areas tells a kind's gap at the largest areas in which nobody holds it.
func (g *gaps) areas(a *atlas, kind string) {
	g.told = map[*node]bool{}
	if a.empty() {
		return
	}
	children := map[*node][]*node{}
	for _, n := range a.byKey {
		children[n.parent] = append(children[n.parent], n)
	}
	for _, c := range children {
		slices.SortFunc(c, func(a, b *node) int { return strings.Compare(a.key, b.key) })
	}
	var somewhere func(n *node) bool
	somewhere = func(n *node) bool {
		return g.held(kind, "", SubjectArea, n.id) || slices.ContainsFunc(children[n], somewhere)
	}
	var look func(n *node)
	look = func(n *node) {
		switch {
		case g.held(kind, "", SubjectArea, n.id):
		case !somewhere(n):
			g.told[n] = true
			g.add(kind, SubjectArea, n.id, n.key, n.name)
		default:
			for _, c := range children[n] {
				look(c)
			}
		}
	}
	for _, n := range children[nil] {
		look(n)
	}
}

// place tells a gap at a place that no area's gap covers: one that lies in no area, or between its sub-areas.
func (g *gaps) place(a *atlas, kind string, id, area int64, key string, name Name) {
	if g.held(kind, "", SubjectPlace, id) {
		return
	}
	if a != nil {
		for n := a.byID[area]; n != nil; n = n.parent {
			if g.told[n] || g.held(kind, "", SubjectArea, n.id) {
				return
			}
		}
	}
	g.add(kind, SubjectPlace, id, key, name)
}

func (g *gaps) asset(a *atlas, kind string, t Asset) {
	if kind == DutyEnterprise && t.Organisation != 0 ||
		g.held(kind, t.Pack, SubjectAsset, t.ID) || g.held(kind, t.Pack, SubjectPlace, t.Place) {
		return
	}
	if a != nil {
		for n := a.byID[t.Area]; n != nil; n = n.parent {
			if g.held(kind, t.Pack, SubjectArea, n.id) {
				return
			}
		}
	}
	g.add(kind, SubjectAsset, t.ID, t.ExternalID, t.Name)
}

// chain is what a duty may be over to concern the subject, nearest first, with an asset's pack and who runs it.
func (s store) chain(ctx context.Context, subject string, id int64, a *atlas) (links []dutySubject, pack string, runs int64, err error) {
	links = []dutySubject{{subject, id}}
	area := id
	switch subject {
	case SubjectAsset:
		t, err := s.asset(ctx, id)
		if err != nil {
			return nil, "", 0, err
		}
		links = append(links, dutySubject{SubjectPlace, t.Place})
		area, pack, runs = t.Area, t.Pack, t.Organisation
	case SubjectPlace:
		err := s.db.Read(ctx, func(tx *db.Tx) error {
			return tx.QueryRow("select coalesce(area, 0) from city_places where id = $1", id).Scan(&area)
		})
		if err != nil {
			return nil, "", 0, err
		}
	}
	if a == nil || subject == SubjectArea && a.byID[id] == nil {
		if subject == SubjectArea {
			return nil, "", 0, db.ErrNotFound
		}
		return links, pack, runs, nil
	}
	for n := a.byID[area]; n != nil; n = n.parent {
		if l := (dutySubject{SubjectArea, n.id}); l != links[0] {
			links = append(links, l)
		}
	}
	return links, pack, runs, nil
}

type dutyFilter struct {
	subject                        string
	subjectID, organisation, after int64
	limit                          int
}

func (s store) duties(ctx context.Context, f dutyFilter) ([]Duty, error) {
	items := []Duty{}
	err := s.db.Read(ctx, func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var d Duty
			err := rows.Scan(&d.ID, &d.Kind, &d.Organisation, &d.OrganisationName.EN, &d.OrganisationName.ZH, &d.Subject, &d.SubjectID, &d.Pack, &d.Role, &d.Post)
			items = append(items, d)
			return err
		}, `select d.id, d.kind, d.organisation, o.name_en, o.name_zh, d.subject, d.subject_id, d.pack, d.role, d.post
			from city_duties d join city_organisations o on o.id = d.organisation
			where d.id > $1 and ($2 = '' or d.subject = $2) and ($3 = 0 or d.subject_id = $3) and ($4 = 0 or d.organisation = $4)
			order by d.id nulls last limit $5`, f.after, f.subject, f.subjectID, f.organisation, f.limit)
	})
	return items, err
}

func (s store) eachDuty(ctx context.Context, each func(subject string, id int64, kind, pack string)) error {
	return s.pages(ctx, func(tx *db.Tx, after int64) (last int64, n int, err error) {
		err = tx.Each(func(rows *sql.Rows) error {
			var subject, kind, pack string
			var id int64
			if err := rows.Scan(&last, &subject, &id, &kind, &pack); err != nil {
				return err
			}
			n++
			each(subject, id, kind, pack)
			return nil
		}, "select id, subject, subject_id, kind, pack from city_duties where id > $1 order by id nulls last limit $2", after, pageRows)
		return last, n, err
	})
}

func (s store) eachPlace(ctx context.Context, each func(id, area int64, key string, name Name)) error {
	return s.pages(ctx, func(tx *db.Tx, after int64) (last int64, n int, err error) {
		err = tx.Each(func(rows *sql.Rows) error {
			var area int64
			var key string
			var name Name
			if err := rows.Scan(&last, &area, &key, &name.EN, &name.ZH); err != nil {
				return err
			}
			n++
			each(last, area, key, name)
			return nil
		}, "select id, coalesce(area, 0), external_id, name_en, name_zh from city_places where id > $1 order by id nulls last limit $2", after, pageRows)
		return last, n, err
	})
}

// assetsAll reads every asset, page by page.
func (s store) assetsAll(ctx context.Context, each func(a Asset, wkb string) error) error {
	f := AssetFilter{Limit: pageRows}
	for {
		n := 0
		err := s.assets(ctx, f, func(a Asset, wkb string) error {
			f.After = a.ID
			n++
			return each(a, wkb)
		})
		if err != nil || n < pageRows {
			return err
		}
	}
}

// pages calls read until it answers with less than a page.
func (s store) pages(ctx context.Context, read func(tx *db.Tx, after int64) (last int64, n int, err error)) error {
	var after int64
	for {
		var n int
		err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
			after, n, err = read(tx, after)
			return err
		})
		if err != nil || n < pageRows {
			return err
		}
	}
}
