package warn

import (
	"context"
	"fmt"
	"slices"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/hazard"
)

// authority is what the packs' rules need beside the warning: the register's areas, since a rule for a district holds for its towns.
// They are read before the writer is asked.
type authority struct {
	book  *hazard.Book
	known []area.Area // nil where no rule speaks of areas
	key   func(organisation int64) string
}

func (s *Service) authority(ctx context.Context) (authority, error) {
	a := authority{book: s.hazards, key: s.organisation}
	if !s.hazards.ByArea() {
		return a, nil
	}
	var err error
	if a.known, err = s.areas.Areas(ctx); err != nil {
		return a, fmt.Errorf("list areas: %w", err)
	}
	return a, nil
}

func (a authority) officer(actor access.Actor) hazard.Officer {
	o := hazard.Officer{Roles: actor.Roles, Organisation: hazard.CityItself}
	if actor.Organisation != 0 {
		o.Organisation = ""
		if a.key != nil {
			o.Organisation = a.key(actor.Organisation)
		}
	}
	return o
}

// cases are what the rules are asked about: each area of the content by itself, at its level.
func (a authority) cases(c Content) []hazard.Case {
	cases := make([]hazard.Case, 0, len(c.Areas))
	for _, p := range c.Areas {
		for _, id := range p.Areas() {
			cases = append(cases, hazard.Case{Hazard: c.Hazard, Level: c.Level, Within: a.around(id)})
		}
	}
	return cases
}

// around are the external ids of an area and of those that it lies in.
func (a authority) around(id int64) (codes []string) {
	for range len(a.known) + 1 { // areas can't stand in a circle, but a bound costs nothing
		i := slices.IndexFunc(a.known, func(x area.Area) bool { return x.ID == id })
		if i < 0 {
			break
		}
		codes = append(codes, a.known[i].Code)
		id = a.known[i].Parent
	}
	return codes
}

// mayPropose says early what would be refused later: that nobody may publish this, or that the officer may not even propose it.
func (a authority) mayPropose(actor access.Actor, c Content) error {
	for _, x := range a.cases(c) {
		if may, who := a.book.MayPropose(x, a.officer(actor)); !may {
			return refused("propose", x, who)
		}
	}
	return nil
}

// mayPublish holds the authority for a version, and for what it changes: whoever may not publish a red warning may not lower it.
func (a authority) mayPublish(actor access.Actor, r *record, vs []version, v version) error {
	cases := a.cases(v.content)
	if v.kind == kindUpdate {
		cases = append(cases, a.cases(currentOf(r, vs).content)...)
	}
	for _, x := range cases {
		if may, who := a.book.MayPublish(x, a.officer(actor)); !may {
			return refused("publish", x, who)
		}
	}
	return nil
}

// second says whether a version needs a second person: by its own level, and by that of what it changes.
func (a authority) second(r *record, vs []version, v version) bool {
	if v.kind == kindUpdate {
		if c := currentOf(r, vs).content; a.book.SecondPerson(c.Hazard, c.Level) {
			return true
		}
	}
	return a.book.SecondPerson(v.content.Hazard, v.content.Level)
}

func refused(what string, x hazard.Case, who page.Text) error {
	if who == (page.Text{}) {
		return web.Errorf(403, "warning.no_authority", "nobody may publish warnings of level %s about %s there: no pack's authority speaks of it", x.Level, x.Hazard).At("level")
	}
	return web.Errorf(403, "warning.not_authorised", "you may not %s warnings of level %s about %s there; %s may", what, x.Level, x.Hazard, who.English).At("level")
}

// mayIn asks for every area that a warning touches, the smallest that hold it together: who answers for one district can't warn, or
// end a warning, in the next, nor draw into it.
func (s *Service) mayIn(ctx context.Context, action string, warning int64, c Content) error {
	for _, id := range area.IDs(c.Areas) {
		if err := s.access.Decide(ctx, action, access.Resource{Type: "warning", ID: warning, Area: id}, access.Operations); err != nil {
			return err
		}
	}
	return nil
}

// mayRead asks whether a warning that is not for everybody concerns the one who asks: whether they answer for a part of where it holds. CAP
// 1.2 §3.2.1 has Restricted ones for those "with a known operational requirement"; to whom else they go, the recipients say.
func (s *Service) mayRead(ctx context.Context, r *record, vs []version) error {
	if r.scope == cap.Public {
		return nil
	}
	return s.access.Decide(ctx, "warning.restricted", access.Resource{Type: "warning", ID: r.id, Touches: concerned(vs)}, access.Operations)
}

// concerned are the areas of all versions of a warning: who read the beginning reads the end.
func concerned(vs []version) (areas []int64) {
	for _, v := range vs {
		for _, id := range area.IDs(v.content.Areas) {
			if !slices.Contains(areas, id) {
				areas = append(areas, id)
			}
		}
	}
	return areas
}
