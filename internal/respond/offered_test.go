package respond

import (
	"slices"
	"testing"
)

// What is offered is what OpenByHand takes, and each choice belongs to a move out of the first state.
func TestOfferedKinds(t *testing.T) {
	eachRequest(t, func(t *testing.T, w *world) {
		list, err := w.Offered(as(watch))
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, k := range list.Items {
			ids = append(ids, k.ID)
			n := NewCase{Kind: k.ID, Title: "x", Place: 3}
			if len(k.Asks) > 0 {
				n.Fields = map[string]any{k.Asks[0].Field: k.Asks[0].Options[0].ID}
			}
			if _, err := w.OpenByHand(as(watch), n, ""); code(err) == "case.kind" {
				t.Errorf("%s is offered and refused: %v", k.ID, err)
			}
		}
		for _, k := range w.Kinds {
			if got, want := slices.Contains(ids, k.ID), slices.Contains(k.OpenedBy, "person"); got != want {
				t.Errorf("%s: offered %v, opened by a person %v", k.ID, got, want)
			}
		}
		if len(ids) == 0 {
			t.Error("nothing is offered")
		}
	})
}
