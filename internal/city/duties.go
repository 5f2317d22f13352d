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
// A link is missing where nobody answers at all. Leadership and territory belong to areas: their gap is told once, at the
// largest area that lacks them altogether, not for all that lies in it. Regulator and enterprise belong to assets, since
// they differ by what the asset is.
//
// A link is missing, too, where a step of the ladder was left out: when more than half of the areas of a level, or of the
// assets of a kind, have a duty of their own, those without one are told, though someone further up answers for them. The
// register does not say at which levels a city names leaders; what most of a level have shows it.

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

// MissingDuties lists where the chain of responsibility lacks a link, and how many such links there are in all. It goes
// through the whole register.
func (s *Service) MissingDuties(ctx context.Context, limit int) ([]MissingDuty, int, error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: "duty"}, access.Operations); err != nil {
		return nil, 0, err
	}
	p := s.picture.Load()
	g := gaps{areas: p.areas, limit: pageSize(limit), have: map[dutySubject][]string{}, told: map[string]map[*node]bool{},
		found: map[string]bool{}, items: []MissingDuty{}}
	if err := s.store.eachDuty(ctx, func(subject string, id int64, kind, pack string) {
		t := dutySubject{subject, id}
		g.have[t] = append(g.have[t], kind+" "+pack)
	}); err != nil {
		return nil, 0, err
	}
	for _, kind := range []string{DutyLeadership, DutyTerritory} {
		g.uncovered(kind)
		err := s.store.eachPlace(ctx, func(id, area int64, key string, name Name) { g.place(kind, id, area, key, name) })
		if err != nil {
			return nil, 0, err
		}
	}
	assets := p.assetsByKey()
	for _, kind := range []string{DutyRegulator, DutyEnterprise} {
		for _, a := range assets {
			g.asset(kind, a)
		}
	}
	for _, kind := range DutyKinds {
		g.leftOut(kind, SubjectArea, p.areas.peers())
		g.leftOut(kind, SubjectAsset, assets)
	}
	return g.items, g.total, nil
}

// peer is an area or an asset among those of its level or kind.
type peer struct {
	id    int64
	key   string
	name  Name
	group string // level or kind
	spot  Spot   // of an asset
}

// assetsByKey are all assets, in the order of their external ids.
func (p *picture) assetsByKey() []peer {
	all := make([]peer, 0, len(p.assetKeys))
	for key, id := range p.assetKeys {
		s := p.assets[id]
		all = append(all, peer{id: id, key: key, name: s.AssetName, group: s.Kind, spot: s})
	}
	slices.SortFunc(all, func(a, b peer) int { return strings.Compare(a.key, b.key) })
	return all
}

// peers are all areas, in the order of their external ids.
func (a *atlas) peers() []peer {
	var all []peer
	if a != nil {
		for _, n := range a.byKey {
			all = append(all, peer{id: n.id, key: n.key, name: n.name, group: n.level})
		}
	}
	slices.SortFunc(all, func(a, b peer) int { return strings.Compare(a.key, b.key) })
	return all
}

// gaps looks for missing links. It is pure.
type gaps struct {
	areas *atlas
	limit int
	have  map[dutySubject][]string  // "kind pack", by what the duty is over
	told  map[string]map[*node]bool // areas at which a kind's gap was told, by kind
	found map[string]bool           // what was told, so that nothing is told twice
	items []MissingDuty
	total int
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
	what := kind + " " + subject + " " + key
	if g.found[what] {
		return
	}
	g.found[what] = true
	g.total++
	if len(g.items) < g.limit {
		g.items = append(g.items, MissingDuty{Kind: kind, Subject: subject, SubjectID: id, ExternalID: key, Name: name})
	}
}

// uncovered tells a kind's gap at the largest areas in which nobody holds it.
func (g *gaps) uncovered(kind string) {
	g.told[kind] = map[*node]bool{}
	if g.areas.empty() {
		return
	}
	children := map[*node][]*node{}
	for _, n := range g.areas.byKey {
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
			g.told[kind][n] = true
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
func (g *gaps) place(kind string, id, area int64, key string, name Name) {
	if !g.held(kind, "", SubjectPlace, id) && !g.toldAround(kind, area) && !g.heldAround(kind, "", area) {
		g.add(kind, SubjectPlace, id, key, name)
	}
}

func (g *gaps) asset(kind string, a peer) {
	pack, _, _ := strings.Cut(a.spot.Kind, "/")
	if kind == DutyEnterprise && a.spot.Organisation != 0 ||
		g.held(kind, pack, SubjectAsset, a.id) || g.held(kind, pack, SubjectPlace, a.spot.Place) || g.heldAround(kind, pack, a.spot.Area) {
		return
	}
	g.add(kind, SubjectAsset, a.id, a.key, a.name)
}

// leftOut tells who lacks a duty of their own that most of their peers have.
func (g *gaps) leftOut(kind, subject string, peers []peer) {
	all, own := map[string]int{}, map[string]int{}
	has := func(p peer) bool {
		pack, _, _ := strings.Cut(p.spot.Kind, "/")
		return g.held(kind, pack, subject, p.id)
	}
	for _, p := range peers {
		all[p.group]++
		if has(p) {
			own[p.group]++
		}
	}
	for _, p := range peers {
		if 2*own[p.group] > all[p.group] && !has(p) && !(subject == SubjectArea && g.toldAround(kind, p.id)) {
			g.add(kind, subject, p.id, p.key, p.name)
		}
	}
}

// heldAround says whether anyone holds the duty for the area or for one around it.
func (g *gaps) heldAround(kind, pack string, area int64) bool {
	return g.around(area, func(n *node) bool { return g.held(kind, pack, SubjectArea, n.id) })
}

// toldAround says whether the gap was told for the area or for one around it.
func (g *gaps) toldAround(kind string, area int64) bool {
	return g.around(area, func(n *node) bool { return g.told[kind][n] })
}

func (g *gaps) around(area int64, is func(n *node) bool) bool {
	if g.areas == nil {
		return false
	}
	for n := g.areas.byID[area]; n != nil; n = n.parent {
		if is(n) {
			return true
		}
	}
	return false
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
