package warn

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Hazard is what a warning can be about.
type Hazard struct {
	ID          string    `yaml:"id" json:"id"`
	Event       page.Text `yaml:"event" json:"event"`
	Categories  []string  `yaml:"category" json:"categories"`
	Responses   []string  `yaml:"response" json:"responses"`
	Instruction page.Text `yaml:"instruction" json:"instruction"`
	// RelayedFrom names the service whose warnings are passed on and never
	// composed here: weather, marine or seismology. Empty for all others.
	RelayedFrom string `yaml:"from" json:"relayed_from,omitempty"`
}

//go:embed hazards.yaml
var hazardsYAML []byte

// hazards are those of hazards.yaml, by id.
type hazards struct {
	all    []Hazard
	byID   map[string]Hazard
	titles []*regexp.Regexp // how the warnings of other services are headed
}

func loadHazards(text []byte) (hazards, error) {
	var file struct {
		Composed []Hazard `yaml:"composed"`
		Relayed  []Hazard `yaml:"relayed"`
	}
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		return hazards{}, fmt.Errorf("read hazards.yaml: %w", err)
	}
	h := hazards{byID: map[string]Hazard{}}
	for _, hazard := range append(file.Composed, file.Relayed...) {
		if _, twice := h.byID[hazard.ID]; twice || hazard.ID == "" || hazard.Event.English == "" || hazard.Event.Chinese == "" {
			return hazards{}, fmt.Errorf("hazards.yaml: hazard %q has no name, or stands twice", hazard.ID)
		}
		h.all = append(h.all, hazard)
		h.byID[hazard.ID] = hazard
		if hazard.RelayedFrom != "" {
			h.titles = append(h.titles,
				regexp.MustCompile(`(?i)\b`+regexp.QuoteMeta(hazard.Event.English)+`\s+(?:(?:red|orange|yellow|blue)\s+)?(?:warning|alert)\b`),
				regexp.MustCompile(regexp.QuoteMeta(hazard.Event.Chinese)+`(?:[红橙黄蓝]色)?预警`))
		}
	}
	return h, nil
}

// composable returns the hazard of the id if a warning about it may be composed here.
func (h hazards) composable(id string) (Hazard, error) {
	hazard, ok := h.byID[id]
	if !ok {
		return Hazard{}, web.Errorf(422, "warning.unknown_hazard", "hazard %q is not known; known are %s", id, strings.Join(h.ids(), ", ")).At("hazard")
	}
	if hazard.RelayedFrom != "" {
		return Hazard{}, relayed(hazard, "hazard")
	}
	return hazard, nil
}

// headline refuses a text that poses as another service's warning.
func (h hazards) headline(text, field string) error {
	for i, title := range h.titles {
		if title.MatchString(text) {
			return relayed(h.relayedAt(i/2), field)
		}
	}
	return nil
}

func (h hazards) relayedAt(i int) Hazard {
	first := slices.IndexFunc(h.all, func(h Hazard) bool { return h.RelayedFrom != "" })
	return h.all[first+i]
}

func relayed(h Hazard, field string) error {
	return web.Errorf(422, "warning.relayed_only",
		"%s warnings are issued by the %s service alone; Anlan passes them on and never composes them", h.Event.English, h.RelayedFrom).At(field)
}

func (h hazards) ids() []string {
	var ids []string
	for _, hazard := range h.all {
		if hazard.RelayedFrom == "" {
			ids = append(ids, hazard.ID)
		}
	}
	return ids
}
