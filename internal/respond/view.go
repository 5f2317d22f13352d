package respond

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// CaseView is a case as lists show it.
type CaseView struct {
	ID         int64       `json:"id"`
	Kind       string      `json:"kind"`
	KindTitle  Text        `json:"kind_title"`
	Title      string      `json:"title"`
	State      string      `json:"state"`
	StateTitle Text        `json:"state_title"`
	Level      string      `json:"level,omitempty"`
	Outcome    string      `json:"outcome,omitempty" doc:"once closed: proven or unfounded"`
	Alert      *int64      `json:"alert"`
	Finding    *int64      `json:"finding"`
	Report     *int64      `json:"report"`
	Asset      *int64      `json:"asset"`
	AssetName  string      `json:"asset_name,omitempty"`
	Place      *int64      `json:"place"`
	PlaceName  string      `json:"place_name,omitempty"`
	Area       *int64      `json:"area"`
	AreaName   string      `json:"area_name,omitempty"`
	Point      *[2]float64 `json:"point"`
	Owner      *int64      `json:"owner"`
	OwnerName  string      `json:"owner_name,omitempty"`
	OpenedAt   time.Time   `json:"opened_at"`
	Since      time.Time   `json:"since" doc:"when it came into its present state"`
	DueAt      *time.Time  `json:"due_at"`
	Overdue    bool        `json:"overdue"`
	ClosedAt   *time.Time  `json:"closed_at"`
}

// CasePage is a case with all that belongs to it.
type CasePage struct {
	CaseView
	Definition string         `json:"definition" doc:"SHA-256 of the definition that the case keeps"`
	Fields     map[string]any `json:"fields"`
	Timeline   []EntryView    `json:"timeline"`
	Tasks      []TaskView     `json:"tasks"`
	Evidence   []EvidenceView `json:"evidence"`
	Moves      []MoveView     `json:"moves"`
}

// EntryView is a line of the timeline. Text is in both languages where the program speaks, plain where a person does.
type EntryView struct {
	ID    int64          `json:"id"`
	At    time.Time      `json:"at"`
	Actor string         `json:"actor"`
	Kind  string         `json:"kind"`
	Text  any            `json:"text" doc:"{en, zh-CN}, or a person's own words"`
	Note  string         `json:"note,omitempty" doc:"a person's words beside those of the program"`
	Data  map[string]any `json:"data,omitempty"`
}

// TaskView is a task of a case.
type TaskView struct {
	ID           int64      `json:"id"`
	Title        any        `json:"title" doc:"{en, zh-CN}, or a person's own words"`
	State        string     `json:"state"`
	Assignee     string     `json:"assignee"`
	Organisation int64      `json:"organisation,omitempty"`
	DueAt        *time.Time `json:"due_at"`
	DoneAt       *time.Time `json:"done_at"`
}

// EvidenceView is a piece of evidence.
type EvidenceView struct {
	ID      int64     `json:"id"`
	Kind    string    `json:"kind"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Text    string    `json:"text"`
	URL     string    `json:"url,omitempty"`
	Media   string    `json:"media,omitempty"`
	SHA256  string    `json:"sha256,omitempty"`
	Reading *Reading  `json:"reading,omitempty"`
}

// MoveView is a move out of the present state, and whether the one who asks can make it.
type MoveView struct {
	Name     string            `json:"name"`
	Title    Text              `json:"title"`
	To       string            `json:"to"`
	Allowed  bool              `json:"allowed"`
	WhyNot   *Text             `json:"why_not"`
	Requires []RequirementView `json:"requires"`
}

// RequirementView is what a move asks for: a form field, or evidence, which has no field name.
type RequirementView struct {
	Field    string   `json:"field"`
	Kind     string   `json:"kind" doc:"text, number, time, choice; or photo, form, note, reading"`
	Title    Text     `json:"title"`
	Options  []Option `json:"options,omitempty"`
	Evidence bool     `json:"evidence"`
	Met      bool     `json:"met" doc:"for evidence: it is there"`
}

// Case returns a case as the actor may see it.
func (s *Service) Case(ctx context.Context, caseID int64) (*CasePage, error) {
	var c *Case
	var k *Kind
	var entries []Entry
	var attached []Attachment
	var ts []Task
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if c, err = getCase(tx, caseID); err != nil {
			return err
		}
		if k, err = s.version(tx, c.Definition); err != nil {
			return err
		}
		if entries, err = timeline(tx, caseID); err != nil {
			return err
		}
		if attached, err = evidence(tx, caseID); err != nil {
			return err
		}
		ts, err = tasks(tx, caseID)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return nil, web.Errorf(http.StatusNotFound, "case.not_found", "there is no case %d", caseID)
	}
	if err != nil {
		return nil, err
	}
	if err := s.Access.Decide(ctx, "case.read", c.resource(), access.Operations); err != nil {
		return nil, err
	}
	page := &CasePage{
		CaseView: s.view(ctx, c, k), Definition: c.Definition, Fields: maskAll(c.Fields), Timeline: []EntryView{}, Tasks: []TaskView{},
		Evidence: []EvidenceView{}, Moves: []MoveView{},
	}
	var past []PastMove
	for _, e := range entries {
		page.Timeline = append(page.Timeline, e.view())
		if e.Kind == "move" && e.Actor.Kind == access.KindAccount {
			past = append(past, PastMove{e.Move, e.Actor.ID})
		}
	}
	for _, t := range ts {
		page.Tasks = append(page.Tasks, t.view())
	}
	for _, a := range attached {
		page.Evidence = append(page.Evidence, a.view(c.ID))
	}
	snap := c.snapshot(past, attached, ts)
	if snap.Latest, err = s.latestOf(ctx, attached); err != nil {
		return nil, err
	}
	page.Moves = s.moves(ctx, k, c, snap)
	return page, nil
}

// moves lists the moves out of the present state, as the rules and the policy judge them for the actor.
func (s *Service) moves(ctx context.Context, k *Kind, c *Case, snap Snapshot) []MoveView {
	who, now := access.From(ctx), s.now()
	policy := s.Access.Decide(ctx, "case.move", c.resource(), access.Operations)
	out := []MoveView{}
	for i := range k.Moves {
		m := &k.Moves[i]
		if !slices.Contains(m.From, c.State) {
			continue
		}
		v := MoveView{Name: m.ID, Title: m.Title, To: m.To, Requires: []RequirementView{}}
		switch why := k.Preview(snap, who, m, now); {
		case policy != nil:
			v.WhyNot = &Text{"Your account may not work on this case.", "您的账号无权处理本案卷。"}
		case why != nil:
			v.WhyNot = &why.Text
		default:
			v.Allowed = true
		}
		for _, r := range m.Requires {
			rv := RequirementView{Field: r.Field, Kind: r.Kind, Title: r.Title, Options: r.Options}
			if r.Evidence != "" {
				rv.Kind, rv.Evidence, rv.Met = r.Evidence, true, r.met(snap, now) == nil
			}
			v.Requires = append(v.Requires, rv)
		}
		out = append(out, v)
	}
	return out
}

// Filter says which cases are asked for.
type Filter struct {
	Open   bool   // not the closed ones
	Kind   string // empty: all
	Before int64  // go on below this id; 0: from the newest
	Limit  int
}

// Cases returns the cases that the actor may see, newest first. next is what to pass as Before to go on; 0 when there is
// nothing more.
func (s *Service) Cases(ctx context.Context, f Filter) (found []CaseView, next int64, err error) {
	if err := s.Access.Decide(ctx, "case.read", access.Resource{Type: "case"}, access.Operations); err != nil {
		return nil, 0, err
	}
	found = []CaseView{}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		for before := f.Before; ; {
			page, err := newestCases(tx, f.Kind, f.Open, before, f.Limit)
			if err != nil {
				return err
			}
			for _, c := range page {
				before = c.ID
				if s.Access.Decide(ctx, "case.read", c.resource(), access.Operations) != nil {
					continue
				}
				k, err := s.version(tx, c.Definition)
				if err != nil {
					return err
				}
				if found = append(found, s.view(ctx, c, k)); len(found) == f.Limit {
					next = before
					return nil
				}
			}
			if len(page) < f.Limit {
				return nil
			}
		}
	})
	return found, next, err
}

func (s *Service) view(ctx context.Context, c *Case, k *Kind) CaseView {
	v := CaseView{
		ID: c.ID, Kind: c.Kind, KindTitle: k.Title, Title: inspect.Mask(c.Title), State: c.State, StateTitle: k.State(c.State).Title,
		Level: c.Level, Outcome: c.Outcome, Alert: ref(c.Alert), Finding: ref(c.Finding), Report: ref(c.Report),
		Asset: ref(c.Asset), Place: ref(c.Place), Area: ref(c.Area), Owner: ref(c.Owner), Point: c.Point,
		OpenedAt: c.OpenedAt, Since: c.Since, DueAt: optional(c.DueAt), ClosedAt: optional(c.ClosedAt),
	}
	v.Overdue = c.ClosedAt.IsZero() && !c.DueAt.IsZero() && !c.DueAt.After(s.Clock.Now())
	for _, n := range []struct {
		kind string
		id   int64
		name *string
	}{{"asset", c.Asset, &v.AssetName}, {"place", c.Place, &v.PlaceName}, {"area", c.Area, &v.AreaName}, {"organisation", c.Owner, &v.OwnerName}} {
		if n.id != 0 {
			*n.name = s.Register.Name(ctx, n.kind, n.id)
		}
	}
	return v
}

func (e Entry) view() EntryView {
	v := EntryView{ID: e.ID, At: e.At, Actor: actorName(e.Actor), Kind: e.Kind, Data: maskAll(e.Data)}
	if e.Text == (Text{}) {
		v.Text = inspect.Mask(e.Free)
	} else {
		v.Text, v.Note = e.Text, inspect.Mask(e.Free)
	}
	return v
}

func (t Task) view() TaskView {
	v := TaskView{
		ID: t.ID, Title: t.Text, State: t.State, Assignee: t.Post, Organisation: t.Organisation,
		DueAt: optional(t.DueAt), DoneAt: optional(t.DoneAt),
	}
	if t.Text == (Text{}) {
		v.Title = inspect.Mask(t.Free)
	}
	return v
}

func (a Attachment) view(caseID int64) EvidenceView {
	v := EvidenceView{
		ID: a.ID, Kind: a.Kind, At: a.At, By: a.By, Text: inspect.Mask(a.Text), Media: a.Media, SHA256: a.Blob, Reading: a.Reading,
	}
	if a.Blob != "" {
		v.URL = fmt.Sprintf("/api/v1/cases/%d/evidence/%d/file", caseID, a.ID)
	}
	return v
}

// maskAll masks every text in values of JSON. Hashes are hexadecimal and could by chance look like a number of a person;
// they are left as they are.
func maskAll(values map[string]any) map[string]any {
	out := make(map[string]any, len(values))
	for k, v := range values {
		switch v := v.(type) {
		case string:
			if k != "sha256" {
				out[k] = inspect.Mask(v)
				continue
			}
			out[k] = v
		case map[string]any:
			out[k] = maskAll(v)
		default:
			out[k] = v
		}
	}
	return out
}

func ref(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}
