package hazard

import (
	"slices"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/page"
)

// Group is a sort of places and assets that stands in the area of a warning under one title.
type Group struct {
	ID    string
	Title page.Text
	Kinds []string // of places, or of assets as pack/kind, as the register names them
	Care  bool     // those within need care first: they can't leave by themselves, or are a danger of their own
}

type groupEntry struct {
	ID    pack.String `yaml:"id" pack:"required,name" doc:"the group's name; a city's own takes the place of a shipped one of its name"`
	Title pack.Text   `yaml:"title" pack:"required" doc:"what the group is called in the count" example:"{en: Schools, zh-CN: 学校}"`
	Kinds pack.Names  `yaml:"kinds" pack:"required" doc:"kinds of places, as the register names them, or of assets as pack/kind" example:"[school, 学校]"`
	Pos   pack.Pos
}

func (c *checker) groups(entries []groupEntry, care bool, seen *[]string) (out []Group) {
	for _, e := range entries {
		c.once(e.ID, seen, "group")
		c.short(e.Title, "the title of a group", MaxTitle)
		out = append(out, Group{ID: e.ID.Value, Title: text(e.Title), Kinds: values(e.Kinds), Care: care})
	}
	return out
}

// bindGroups joins the groups of packs, those that need care first. A group of an id that stands already is left out; so is a
// kind, since a thing is counted once.
func bindGroups(sets []*Set) (out []Group) {
	ids, kinds := map[string]bool{}, map[string]bool{}
	for _, care := range []bool{true, false} {
		for _, s := range sets {
			for _, g := range s.Groups {
				if g.Care != care || ids[g.ID] {
					continue
				}
				ids[g.ID] = true
				g.Kinds = slices.DeleteFunc(slices.Clone(g.Kinds), func(k string) bool {
					taken := kinds[k]
					kinds[k] = true
					return taken
				})
				out = append(out, g)
			}
		}
	}
	return out
}

// Groups are the sorts of places and assets that packs name, those that need care first.
func (b *Book) Groups() []Group { return b.groups }
