package hazard

import (
	"errors"
	"fmt"
	"slices"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/page"
)

// Book is what all packs declare together. It never changes once it is bound and is safe for concurrent use.
type Book struct {
	hazards   []Hazard
	byID      map[string]Hazard
	authority []Rule
	second    []Second
	titles    []title
	groups    []Group
}

// Bind joins what the packs of a city's own and those that ship declare. A city's own hazard takes the place of a shipped one of the
// same id, and its rules are asked first. Two hazards of one id on the same side are an error, and so is one that would make
// composable what belongs to another service.
func Bind(own, shipped []*Set) (*Book, error) {
	b := &Book{byID: map[string]Hazard{}, titles: reservedTitles(), groups: bindGroups(slices.Concat(own, shipped))}
	var errs []error
	relayed := map[string]string{} // by any pack, whatever another says
	for _, s := range slices.Concat(own, shipped) {
		b.authority = append(b.authority, s.Authority...)
		b.second = append(b.second, s.Second...)
		for _, h := range s.Hazards {
			if h.RelayedFrom != "" {
				relayed[h.ID] = h.RelayedFrom
				b.titles = append(b.titles, titles(h.ID, h.RelayedFrom, h.Event)...)
			}
		}
	}
	for _, side := range [][]*Set{own, shipped} {
		here := map[string]Hazard{}
		for _, s := range side {
			for _, h := range s.Hazards {
				if other, twice := here[h.ID]; twice {
					errs = append(errs, fmt.Errorf("%s: the pack %s has a hazard %q too; ids of hazards are unique among all packs", h.pos, other.Pack, h.ID))
					continue
				}
				here[h.ID] = h
				if _, replaced := b.byID[h.ID]; !replaced {
					b.byID[h.ID] = h
					b.hazards = append(b.hazards, h)
				}
			}
		}
	}
	for _, h := range b.hazards {
		if service := relayed[h.ID]; service != "" && h.RelayedFrom == "" {
			errs = append(errs, fmt.Errorf("%s: warnings about %s are those of the %s service; no pack can make them composable", h.pos, h.ID, service))
		}
		if h.RelayedFrom != "" {
			continue
		}
		for _, t := range h.Texts {
			if at, bad := b.Poses(t.Headline); bad {
				errs = append(errs, fmt.Errorf("%s: the headline of %s is that of a warning of the %s service", h.pos, t.ID, at))
			}
			for _, s := range []string{t.Description.English, t.Description.Chinese, t.Instruction.English, t.Instruction.Chinese} {
				if at, bad := announces(b.titles, s); bad {
					errs = append(errs, fmt.Errorf("%s: the text %s issues a warning of the %s service", h.pos, t.ID, at.from))
				}
			}
		}
	}
	for _, s := range slices.Concat(own, shipped) {
		for _, n := range s.Spoken() {
			if _, ok := b.byID[n.Name]; !ok {
				errs = append(errs, fmt.Errorf("%s: there is no hazard %q%s", n.Pos, n.Name, pack.Suggest(n.Name, b.IDs())))
			}
		}
	}
	return b, errors.Join(errs...)
}

// All are the hazards, those that are only relayed last.
func (b *Book) All() []Hazard {
	all := slices.Clone(b.hazards)
	slices.SortStableFunc(all, func(x, y Hazard) int { return rank(x) - rank(y) })
	return all
}

func rank(h Hazard) int {
	if h.RelayedFrom != "" {
		return 1
	}
	return 0
}

// IDs are the ids of all hazards.
func (b *Book) IDs() []string {
	var ids []string
	for _, h := range b.All() {
		ids = append(ids, h.ID)
	}
	return ids
}

// Composable are the ids of those about which a warning may be composed here.
func (b *Book) Composable() []string {
	var ids []string
	for _, h := range b.All() {
		if h.RelayedFrom == "" {
			ids = append(ids, h.ID)
		}
	}
	return ids
}

// Get returns the hazard of the id. One that belongs to another service says so, whatever a pack says.
func (b *Book) Get(id string) (Hazard, bool) {
	h, ok := b.byID[id]
	if ok && h.RelayedFrom == "" {
		h.RelayedFrom = reservedTo(h.ID, h.Event)
	}
	return h, ok
}

// Poses says whether a text is headed like a warning of another service, and of which.
func (b *Book) Poses(text page.Text) (service string, bad bool) {
	for _, s := range []string{text.English, text.Chinese} {
		if t, bad := poses(b.titles, s); bad {
			return t.from, true
		}
	}
	return "", false
}

// PosesAs says whether one line is headed like a warning of another service: about which hazard, and of which service.
func (b *Book) PosesAs(line string) (hazard, service string, bad bool) {
	t, bad := poses(b.titles, line)
	return t.hazard, t.from, bad
}

// Announces says whether a text of several sentences issues a warning of another service: about which hazard, and of which service.
func (b *Book) Announces(text string) (hazard, service string, bad bool) {
	t, bad := announces(b.titles, text)
	return t.hazard, t.from, bad
}

// Heard are the hazards for which warnings are suggested on alerts of the detector.
func (b *Book) Heard(detector string) (out []Hazard) {
	for _, h := range b.hazards {
		if _, ok := h.Trigger(detector); ok {
			out = append(out, h)
		}
	}
	return out
}
