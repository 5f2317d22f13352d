package casetest

import "github.com/anlan-city/anlan/internal/respond/lifecycle"

// limitNames are the limits that a case of a kind can pass: its states that are due, and those across states.
func limitNames(k *lifecycle.Kind) []string {
	var names []string
	for _, s := range k.States {
		if !s.Due.IsZero() || s.DueBy != "" {
			names = append(names, s.ID)
		}
	}
	return append(names, acrossNames(k)...)
}

// acrossNames are the limits across states.
func acrossNames(k *lifecycle.Kind) (names []string) {
	for _, p := range k.Promises {
		names = append(names, p.ID)
	}
	return names
}

// openers are the sorts of news that open a case of a kind.
func openers(k *lifecycle.Kind) []string { return k.OpenedBy }
