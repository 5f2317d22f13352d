package lifecycle

import (
	"slices"
	"strings"
)

// Needs says which parts of a Snapshot a move asks for, so that the others need not be read.
type Needs struct{ Past, Evidence, Tasks, Limits, Parts, Before bool }

// Needs says what the move asks for.
func (m *Move) Needs() Needs {
	n := Needs{Past: len(m.ByOtherThan) > 0, Limits: m.Does == Extend || m.To == "", Before: m.Does == Return}
	n.Evidence = slices.ContainsFunc(m.Requires, func(r Requirement) bool { return r.Evidence != "" })
	if m.Guard != nil {
		n.Tasks = strings.Contains(m.Guard.When, "open_tasks")
		n.Parts = strings.Contains(m.Guard.When, "open_parts")
		n.Before = n.Before || strings.Contains(m.Guard.When, "returns")
		n.Limits = n.Limits || strings.Contains(m.Guard.When, "extensions") || strings.Contains(m.Guard.When, "overdue")
	}
	return n
}

// Asks says whether any move of the kind needs approval.
func (k *Kind) Asks() bool {
	return slices.ContainsFunc(k.Moves, func(m Move) bool { return m.Approval != nil })
}
