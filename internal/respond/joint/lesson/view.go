package lesson

import (
	"context"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Page is a lesson and how far it is carried out.
type Page struct {
	Lesson
	KindTitle lifecycle.Text `json:"kind_title"`
	Total     Progress       `json:"total"`
	Areas     []PartProgress `json:"areas"`
	Holders   []PartProgress `json:"holders"`
	MayAnswer bool           `json:"may_answer"`
}

// Progress counts assets: each is in exactly one of done, wrong, open and late.
type Progress struct {
	Assets int `json:"assets"`
	Done   int `json:"done" doc:"looked at and sound, or its task was reported done"`
	Wrong  int `json:"wrong" doc:"found wrong: each is a finding with a case of its own"`
	Open   int `json:"open" doc:"still within the time limit"`
	Late   int `json:"late" doc:"not looked at, and the time limit has passed"`
}

// PartProgress is the progress of one area or one organisation.
type PartProgress struct {
	ID   int64          `json:"id"`
	Name lifecycle.Text `json:"name"`
	Progress
}

// TargetView is an asset of a lesson.
type TargetView struct {
	Asset        int64          `json:"asset"`
	Name         lifecycle.Text `json:"name"`
	Area         int64          `json:"area"`
	Organisation int64          `json:"organisation"`
	State        string         `json:"state" enum:"done,wrong,open,late"`
	Note         string         `json:"note,omitempty"`
	AnsweredAt   *time.Time     `json:"answered_at"`
	Task         int64          `json:"task,omitempty"`
	Finding      int64          `json:"finding,omitempty"`
	Case         int64          `json:"case,omitempty" doc:"of the finding"`
}

// state says where an asset stands.
func (t target) state(done map[int64]bool, due, now time.Time) string {
	switch {
	case t.Result == "wrong":
		return "wrong"
	case t.Result == "sound" || done[t.Task]:
		return "done"
	case now.After(due):
		return "late"
	}
	return "open"
}

func (p *Progress) add(state string) {
	p.Assets++
	switch state {
	case "done":
		p.Done++
	case "wrong":
		p.Wrong++
	case "late":
		p.Late++
	default:
		p.Open++
	}
}

// finished are the tasks of a lesson that were reported done.
func finished(tx *db.Tx, lesson int64) (map[int64]bool, error) {
	tasks, err := respond.Tasks(tx, Origin(lesson))
	out := map[int64]bool{}
	for _, t := range tasks {
		if t.State == "done" {
			out[t.ID] = true
		}
	}
	return out, err
}

// Read returns a lesson with its progress by area and by organisation.
func (s *Service) Read(ctx context.Context, id int64) (*Page, error) {
	if err := s.Cases.Access.Decide(ctx, "lesson.read", access.Resource{Type: "lesson", ID: id}, access.Operations); err != nil {
		return nil, err
	}
	p := &Page{}
	areas, holders := map[int64]*Progress{}, map[int64]*Progress{}
	err := s.Cases.DB.Read(ctx, func(tx *db.Tx) error {
		l, err := findLesson(tx, id)
		if err != nil {
			return err
		}
		p.Lesson = *l
		done, err := finished(tx, id)
		if err != nil {
			return err
		}
		all, err := targets(tx, id, 0, nil, nil, MaxAssets)
		now := s.now()
		for _, t := range all {
			state := t.state(done, l.DueAt, now)
			p.Total.add(state)
			for _, part := range []struct {
				of map[int64]*Progress
				id int64
			}{{areas, t.Area}, {holders, t.Organisation}} {
				if part.of[part.id] == nil {
					part.of[part.id] = &Progress{}
				}
				part.of[part.id].add(state)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	p.Areas, p.Holders = s.progress(ctx, "area", areas), s.progress(ctx, "organisation", holders)
	p.KindTitle = lifecycle.Words(p.Selection.Kind, p.Selection.Kind)
	kinds, err := s.Register.Kinds(ctx)
	for _, k := range kinds {
		if k.ID == p.Selection.Kind {
			p.KindTitle = k.Title
		}
	}
	p.MayAnswer = s.Cases.Access.Decide(ctx, "lesson.answer", access.Resource{Type: "asset"}, access.Operations) == nil
	return p, err
}

// progress names the parts; those with most to do come first.
func (s *Service) progress(ctx context.Context, kind string, parts map[int64]*Progress) []PartProgress {
	out := make([]PartProgress, 0, len(parts))
	for id, p := range parts {
		out = append(out, PartProgress{ID: id, Name: s.name(ctx, kind, id), Progress: *p})
	}
	slices.SortFunc(out, func(a, b PartProgress) int {
		if d := b.Late - a.Late; d != 0 {
			return d
		}
		if d := b.Open - a.Open; d != 0 {
			return d
		}
		return int(a.ID - b.ID)
	})
	return out
}

// Targets lists the assets of a lesson after one of them, in an area or of a holder where these are not nil. next is what to
// pass as after to go on; 0 at the end.
func (s *Service) Targets(ctx context.Context, id, after int64, area, holder *int64, limit int) (out []TargetView, next int64, err error) {
	if err := s.Cases.Access.Decide(ctx, "lesson.read", access.Resource{Type: "lesson", ID: id}, access.Operations); err != nil {
		return nil, 0, err
	}
	var l *Lesson
	var found []target
	var done map[int64]bool
	err = s.Cases.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if l, err = findLesson(tx, id); err != nil {
			return err
		}
		if done, err = finished(tx, id); err != nil {
			return err
		}
		found, err = targets(tx, id, after, area, holder, limit)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	out = make([]TargetView, len(found))
	now := s.now()
	for i, t := range found {
		out[i] = TargetView{
			Asset: t.Asset, Name: s.name(ctx, "asset", t.Asset), Area: t.Area, Organisation: t.Organisation, State: t.state(done, l.DueAt, now),
			Note: t.Note, AnsweredAt: t.AnsweredAt, Task: t.Task, Finding: t.Finding, Case: t.FindingCase,
		}
	}
	if len(found) == limit {
		next = found[limit-1].Asset
	}
	return out, next, nil
}

// Lessons lists lessons, newest first: those of a case, or of all where it is 0.
func (s *Service) Lessons(ctx context.Context, caseID int64, limit int) (out []*Lesson, err error) {
	if err := s.Cases.Access.Decide(ctx, "lesson.read", access.Resource{Type: "lesson"}, access.Operations); err != nil {
		return nil, err
	}
	err = s.Cases.DB.Read(ctx, func(tx *db.Tx) (err error) {
		out, err = lessonsOf(tx, caseID, limit)
		return err
	})
	return out, err
}
