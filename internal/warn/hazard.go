package warn

import (
	"strings"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/hazard"
)

// Hazard is what a warning can be about.
type Hazard = hazard.Hazard

// composable returns the hazard of the id if a warning about it may be composed here.
func composable(book *hazard.Book, id string) (Hazard, error) {
	h, ok := book.Get(id)
	if !ok {
		return Hazard{}, web.Errorf(422, "warning.unknown_hazard", "hazard %q is not known; known are %s", id, strings.Join(book.Composable(), ", ")).At("hazard")
	}
	if h.RelayedFrom != "" {
		return Hazard{}, relayed(h.Event.English, h.RelayedFrom, "hazard")
	}
	return h, nil
}

// poses refuses a headline that looks like another service's warning.
func poses(book *hazard.Book, text, field string) error {
	if id, service, bad := book.PosesAs(text); bad {
		return relayed(titleOf(book, id), service, field)
	}
	return nil
}

// announces refuses a text that issues another service's warning.
func announces(book *hazard.Book, text, field string) error {
	if id, service, bad := book.Announces(text); bad {
		return relayed(titleOf(book, id), service, field)
	}
	return nil
}

func titleOf(book *hazard.Book, id string) string {
	if h, ok := book.Get(id); ok {
		return h.Event.English
	}
	return id
}

func relayed(hazard, service, field string) error {
	return web.Errorf(422, "warning.relayed_only",
		"%s warnings are issued by the %s service alone; Anlan passes them on and never composes them", hazard, service).At(field)
}
