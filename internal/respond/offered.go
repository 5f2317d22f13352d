package respond

import (
	"context"
	"slices"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// OfferedKind is a kind of case that a person can open.
type OfferedKind struct {
	ID      string         `json:"id"`
	Title   lifecycle.Text `json:"title"`
	Private bool           `json:"private,omitempty" doc:"for its parties alone: no level, and its words go into the vault"`
	// Assigned kinds are given to a unit by a move: none is named at the opening.
	Assigned bool           `json:"assigned,omitempty" doc:"a move gives it to a unit; none may be named when it is opened"`
	Asks     []OfferedField `json:"asks" doc:"choices that its first moves ask for; they can be answered at once"`
}

// OfferedField is a choice that may be made when a case is opened.
type OfferedField struct {
	Field   string             `json:"field"`
	Title   lifecycle.Text     `json:"title"`
	Options []lifecycle.Option `json:"options"`
}

// KindList is the kinds that a person can open, in the order of the packs.
type KindList struct {
	Items []OfferedKind `json:"items"`
}

// Offered lists the kinds that the actor can open cases of.
func (s *Service) Offered(ctx context.Context) (KindList, error) {
	if err := s.Access.Decide(ctx, "case.open", access.Resource{Type: "case", Organisation: access.From(ctx).Organisation}, access.Operations); err != nil {
		return KindList{}, err
	}
	list := KindList{Items: []OfferedKind{}}
	for _, k := range s.Kinds {
		if slices.Contains(k.OpenedBy, "person") {
			list.Items = append(list.Items, OfferedKind{ID: k.ID, Title: k.Title, Private: k.Private, Assigned: k.Owner == lifecycle.Assigned, Asks: firstChoices(k)})
		}
	}
	return list, nil
}

// firstChoices are the choices that the moves out of a kind's first state ask for, each once. A choice of one option is a
// confirmation, and is left to its move.
func firstChoices(k *lifecycle.Kind) []OfferedField {
	out := []OfferedField{}
	for i := range k.Moves {
		if !slices.Contains(k.Moves[i].From, k.States[0].ID) {
			continue
		}
		for _, q := range k.Moves[i].Requires {
			known := slices.ContainsFunc(out, func(f OfferedField) bool { return f.Field == q.Field })
			if q.Kind == "choice" && len(q.Options) > 1 && !known {
				out = append(out, OfferedField{Field: q.Field, Title: q.Title, Options: q.Options})
			}
		}
	}
	return out
}
