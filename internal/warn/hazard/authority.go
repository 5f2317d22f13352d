package hazard

import (
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/platform/page"
)

// All stands for all hazards, levels or organisations.
const All = "all"

// CityItself is how a rule names the accounts that belong to no organisation but to the city.
const CityItself = "city"

// Rule says who may publish warnings (发布权限) about some hazards, at some levels, in some areas. Of the rules that speak of a
// warning the first one decides.
type Rule struct {
	Pack          string
	Hazards       []string // or All
	Levels        []Level
	Roles         []string
	Organisations []string // external ids, or CityItself; empty: of all organisations
	Proposers     []string // likewise, or All: who may propose without being allowed to publish
	Areas         []string // external ids; empty: everywhere

	named []Named
}

// Case is a warning, as far as the rules look at it. Within are the external ids of one of its areas and of all areas round it.
type Case struct {
	Hazard string
	Level  Level
	Within []string
}

// Officer is a person, as far as the rules look at them. Organisation is the external id, CityItself for none.
type Officer struct {
	Roles        []string
	Organisation string
}

func (r Rule) speaks(c Case) bool {
	return covers(r.Hazards, c.Hazard) && slices.Contains(r.Levels, c.Level) &&
		(len(r.Areas) == 0 || slices.ContainsFunc(c.Within, func(a string) bool { return slices.Contains(r.Areas, a) }))
}

func (r Rule) publishes(o Officer) bool {
	return slices.ContainsFunc(o.Roles, func(role string) bool { return slices.Contains(r.Roles, role) }) &&
		(len(r.Organisations) == 0 || slices.Contains(r.Organisations, o.Organisation))
}

func (r Rule) proposes(o Officer) bool { return r.publishes(o) || covers(r.Proposers, o.Organisation) }

func covers(names []string, name string) bool {
	return slices.Contains(names, All) || slices.Contains(names, name)
}

// Who says in words who may publish by the rule.
func (r Rule) Who() page.Text {
	t := page.Text{English: "officers with the role " + strings.Join(r.Roles, " or "), Chinese: "具有" + strings.Join(r.Roles, "、") + "角色的人员"}
	if len(r.Organisations) > 0 {
		t.English += " of " + strings.Join(r.Organisations, " or ")
		t.Chinese = strings.Join(r.Organisations, "、") + "中" + t.Chinese
	}
	return t
}

// Second says from which level on a second person must approve. Of the rules that speak of a hazard the first one decides.
type Second struct {
	Pack    string
	From    Level
	Hazards []string // or All

	named []Named
}

// rule is the first that speaks of the case.
func (b *Book) rule(c Case) (Rule, bool) {
	i := slices.IndexFunc(b.authority, func(r Rule) bool { return r.speaks(c) })
	if i < 0 {
		return Rule{}, false
	}
	return b.authority[i], true
}

// ByArea says whether any rule speaks of areas.
func (b *Book) ByArea() bool {
	return slices.ContainsFunc(b.authority, func(r Rule) bool { return len(r.Areas) > 0 })
}

// MayPublish says whether the officer may publish the warning. If not, who says who may; it is empty when nobody may.
func (b *Book) MayPublish(c Case, o Officer) (may bool, who page.Text) {
	r, ok := b.rule(c)
	if !ok {
		return false, page.Text{}
	}
	return r.publishes(o), r.Who()
}

// MayPropose says the same of proposing.
func (b *Book) MayPropose(c Case, o Officer) (may bool, who page.Text) {
	r, ok := b.rule(c)
	if !ok {
		return false, page.Text{}
	}
	return r.proposes(o), r.Who()
}

// SecondPerson says whether a warning needs the approval of a second person. Where no rule speaks of its hazard it does.
func (b *Book) SecondPerson(hazard string, l Level) bool {
	i := slices.IndexFunc(b.second, func(s Second) bool { return covers(s.Hazards, hazard) })
	return i < 0 || l.Rank() == 0 || l.Rank() >= b.second[i].From.Rank()
}
