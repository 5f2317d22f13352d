package hazard

import (
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/page"
)

// Hazard is what a warning can be about.
type Hazard struct {
	ID          string    `json:"id"`
	Event       page.Text `json:"event"`
	Categories  []string  `json:"categories"`
	Responses   []string  `json:"responses"`
	Instruction page.Text `json:"instruction"`
	// RelayedFrom names the service whose warnings are passed on and never
	// composed here: weather, marine or seismology. Empty for all others.
	RelayedFrom string `json:"relayed_from,omitempty"`

	Pack       string             `json:"-"`
	Overrides  map[Level]Override `json:"-"`
	Texts      []Text             `json:"-"`
	ProposedBy []Trigger          `json:"-"`

	pos pack.Pos
}

// Pos is where the hazard is declared.
func (h Hazard) Pos() pack.Pos { return h.pos }

// Override is what a level says otherwise than its hazard. What is empty is the hazard's.
type Override struct {
	Responses   []string
	Instruction page.Text
}

// Trigger says when a hazard's warning is suggested: an alert of the detector has reached From.
type Trigger struct {
	Detector string // "flood/river-level"
	From     Level
	Text     string  // id of the text it is filled from
	Around   float64 // metres round the alert's asset; 0: for its district
	Exercise bool    // a drill: what is made of it never reaches the public

	pos pack.Pos
}

// At is the hazard as it is at a level.
func (h Hazard) At(l Level) Hazard {
	o := h.Overrides[l]
	if len(o.Responses) > 0 {
		h.Responses = o.Responses
	}
	if o.Instruction != (page.Text{}) {
		h.Instruction = o.Instruction
	}
	return h
}

// Text returns the text of the id.
func (h Hazard) Text(id string) (Text, bool) {
	i := slices.IndexFunc(h.Texts, func(t Text) bool { return t.ID == id })
	if i < 0 {
		return Text{}, false
	}
	return h.Texts[i], true
}

// TextFor is the text for a level: that of the id where it is written for the level, else the first that is, else that of the id
// all the same.
func (h Hazard) TextFor(id string, l Level) Text {
	text, _ := h.Text(id)
	if text.For(l) {
		return text
	}
	if i := slices.IndexFunc(h.Texts, func(t Text) bool { return t.For(l) }); i >= 0 {
		return h.Texts[i]
	}
	return text
}

// Drill says whether the warnings that are suggested about the hazard are exercises.
func (h Hazard) Drill() bool { return len(h.ProposedBy) > 0 && h.ProposedBy[0].Exercise }

// Trigger returns what the hazard says of a detector.
func (h Hazard) Trigger(detector string) (Trigger, bool) {
	i := slices.IndexFunc(h.ProposedBy, func(t Trigger) bool { return t.Detector == detector })
	if i < 0 {
		return Trigger{}, false
	}
	return h.ProposedBy[i], true
}

// Set is what one pack declares in warnings.yaml.
type Set struct {
	Pack      string
	Hazards   []Hazard
	Authority []Rule
	Second    []Second
	Groups    []Group
}

// Elsewhere are the detectors of other packs that the set names, each with its place.
func (s *Set) Elsewhere() (out []Named) {
	for _, h := range s.Hazards {
		for _, t := range h.ProposedBy {
			if !strings.HasPrefix(t.Detector, s.Pack+"/") {
				out = append(out, Named{t.Detector, t.pos})
			}
		}
	}
	return out
}

// Spoken are the hazards that the set's rules name, each with its place: which there are only all packs together can say.
func (s *Set) Spoken() (out []Named) {
	for _, r := range s.Authority {
		out = append(out, r.named...)
	}
	for _, r := range s.Second {
		out = append(out, r.named...)
	}
	return out
}

// Named is a name with the place where it stands.
type Named struct {
	Name string
	Pos  pack.Pos
}
