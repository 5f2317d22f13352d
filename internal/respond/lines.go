package respond

import (
	"context"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// A case that lives through a storm has a timeline of many hundreds of lines. Its page holds the newest; the earlier ones are asked
// for. Whoever reasons about the whole (reports, the vault, the rules of moves) reads it by Timeline or by queries of its own.

const (
	DefaultLines = 100  // of a timeline on the page of its case
	MaxLines     = 1000 // in one answer
)

// TimelinePage is a stretch of a timeline.
type TimelinePage struct {
	Items   []EntryView `json:"items" doc:"the oldest first"`
	Earlier int         `json:"earlier" doc:"how many lines stand before these"`
}

// Lines returns the newest lines of a case's timeline before one of them, as the page of the case shows them, to whoever may read
// that; before is 0 for the newest of all.
func (s *Service) Lines(ctx context.Context, caseID, before int64, limit int) (*TimelinePage, error) {
	_, k, err := s.look(ctx, "case.read", caseID)
	if err != nil {
		return nil, err
	}
	if limit < 1 || limit > MaxLines {
		limit = DefaultLines
	}
	var entries []Entry
	var earlier int
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		entries, earlier, err = stretch(tx, caseID, before, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &TimelinePage{lines(entries, k, s.names(ctx)), earlier}, nil
}

// lines are entries as people see them.
func lines(entries []Entry, k *lifecycle.Kind, names func(kind string, id int64) *lifecycle.Text) []EntryView {
	out := []EntryView{}
	for _, e := range entries {
		v := e.view()
		if fields, ok := v.Data["fields"].(map[string]any); ok && e.Kind == "move" {
			v.Answers = answersOf(k, e.Move, fields, names)
		}
		out = append(out, v)
	}
	return out
}
