package packtool

import (
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/pack"
)

// hazards are the ids of what the packs say a warning can be about.
func hazards(all []*Domain) (ids []string) {
	for _, o := range all {
		if o.Warnings != nil {
			for _, h := range o.Warnings.Hazards {
				ids = append(ids, h.ID)
			}
		}
	}
	return ids
}

// warnings is what is wrong with what a pack says of warnings among the others.
func warnings(d *Domain, all []*Domain) pack.Diagnostics {
	var ds pack.Diagnostics
	if d.Warnings == nil {
		return ds
	}
	packs, detectors, known := map[string]bool{}, []string{}, hazards(all)
	for _, o := range all {
		packs[o.Pack.Name] = true
		for _, x := range o.Detectors {
			detectors = append(detectors, x.ID)
		}
		if o.Warnings == nil || o.Pack.Name == d.Pack.Name {
			continue
		}
		for _, mine := range d.Warnings.Hazards {
			for _, h := range o.Warnings.Hazards {
				switch {
				case h.ID != mine.ID:
				case h.RelayedFrom != "" && mine.RelayedFrom == "":
					ds.Add(mine.Pos(), pack.CodeValue, "the pack %s relays warnings about %s from the %s service; no other can make them composable", o.Pack.Name, h.ID, h.RelayedFrom)
				case !o.shipped: // a city's own hazard takes the place of a shipped one
					ds.Add(mine.Pos(), pack.CodeTwice, "the pack %s has a hazard %q too; ids of hazards are unique among all packs", o.Pack.Name, h.ID)
				}
			}
		}
	}
	for _, n := range d.Warnings.Elsewhere() {
		if slices.Contains(detectors, n.Name) {
			continue
		}
		if owner, _, _ := strings.Cut(n.Name, "/"); packs[owner] {
			ds.Add(n.Pos, pack.CodeReference, "there is no detector %q%s", n.Name, pack.Suggest(n.Name, detectors))
		} else {
			ds.Warn(n.Pos, pack.CodeReference, "no pack here has a detector %q%s", n.Name, pack.Suggest(n.Name, detectors))
		}
	}
	for _, n := range d.Warnings.Spoken() {
		if !slices.Contains(known, n.Name) {
			ds.Add(n.Pos, pack.CodeReference, "there is no hazard %q%s", n.Name, pack.Suggest(n.Name, known))
		}
	}
	return ds
}
