package plan

import (
	"context"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// PlanView is a plan as lists show it.
type PlanView struct {
	ID     string         `json:"id"`
	Pack   string         `json:"pack"`
	Title  lifecycle.Text `json:"title"`
	About  string         `json:"about"`
	Per    string         `json:"per" enum:"city,place"`
	Levels []LevelView    `json:"levels"`
}

// LevelView is a level of a plan in words.
type LevelView struct {
	ID         string           `json:"id"`
	Title      lifecycle.Text   `json:"title"`
	DecidedBy  lifecycle.Text   `json:"decided_by"`
	ProposedBy []lifecycle.Text `json:"proposed_by"`
	Tasks      int              `json:"tasks" doc:"how many its tasks are, those of lower levels included"`
}

// PlanPage is a plan with who would play which part at a place.
type PlanPage struct {
	PlanView
	Source    string        `json:"source"`
	Agencies  []BoardAgency `json:"agencies"`
	Resources []Resource    `json:"resources"`
	Tasks     []PlanTask    `json:"tasks"`
	MayDecide bool          `json:"may_decide" doc:"whether who asks may open it there"`
}

// PlanTask is a task of a plan.
type PlanTask struct {
	ID         string             `json:"id"`
	Title      lifecycle.Text     `json:"title"`
	Agency     string             `json:"agency"`
	Post       string             `json:"post"`
	DueSeconds int64              `json:"due_seconds" doc:"from the opening of the level that brings it"`
	Levels     []string           `json:"levels" doc:"those that have it"`
	Needs      map[string]float64 `json:"needs,omitempty"`
	Asks       *Question          `json:"asks,omitempty"`
	DoneWhen   lifecycle.Text     `json:"done_when"`
}

// ProposalView is a proposal with its reasons.
type ProposalView struct {
	ID         int64           `json:"id"`
	Plan       string          `json:"plan"`
	PlanTitle  lifecycle.Text  `json:"plan_title"`
	What       string          `json:"what" enum:"open,raise,lower,end"`
	Level      string          `json:"level,omitempty"`
	LevelTitle *lifecycle.Text `json:"level_title"`
	DecidedIn  *lifecycle.Text `json:"decided_in" doc:"the office that decides by the plan"`
	Activation int64           `json:"activation,omitempty"`
	State      string          `json:"state" enum:"open,taken,declined,lapsed"`
	Drill      bool            `json:"drill"`
	Reasons    []Reason        `json:"reasons"`
	Asset      *int64          `json:"asset"`
	AssetName  *lifecycle.Text `json:"asset_name"`
	Place      *int64          `json:"place"`
	PlaceName  *lifecycle.Text `json:"place_name"`
	Area       *int64          `json:"area"`
	AreaName   *lifecycle.Text `json:"area_name"`
	Gaps       []GapView       `json:"gaps" doc:"agencies of the plan that the register does not know there"`
	At         time.Time       `json:"at"`
	ChangedAt  time.Time       `json:"changed_at"`
	DecidedAt  *time.Time      `json:"decided_at"`
	DecidedBy  string          `json:"decided_by,omitempty"`
	Why        string          `json:"why,omitempty"`
}

// GapView is an agency that nobody plays.
type GapView struct {
	Agency string         `json:"agency"`
	Title  lifecycle.Text `json:"title"`
}

// Catalogue lists the plans of all packs.
func (s *Service) Catalogue(ctx context.Context) ([]PlanView, error) {
	if err := s.Access.Decide(ctx, "plan.read", access.Resource{Type: "plan"}, access.Operations); err != nil {
		return nil, err
	}
	out := []PlanView{}
	for _, p := range s.Plans {
		out = append(out, p.view())
	}
	return out, nil
}

// Plan is a plan, with who would play which part at a place.
func (s *Service) Plan(ctx context.Context, id string, at inspect.Spot) (*PlanPage, error) {
	if err := s.Access.Decide(ctx, "plan.read", access.Resource{Type: "plan"}, access.Operations); err != nil {
		return nil, err
	}
	p := s.plans[id]
	if p == nil {
		return nil, unknownPlan(id)
	}
	at, err := s.Register.Locate(ctx, at)
	if err != nil {
		return nil, err
	}
	players, err := s.players(ctx, p, at)
	if err != nil {
		return nil, err
	}
	resources := p.Resources
	if resources == nil {
		resources = []Resource{}
	}
	return &PlanPage{
		PlanView: p.view(), Source: p.Source, Agencies: s.agencies(ctx, p, players), Resources: resources, Tasks: p.tasks(),
		MayDecide: s.Access.Decide(ctx, "plan.decide", p.resource(organisationOf(players, p.Lead().ID), at.Area), access.Operations) == nil,
	}, nil
}

func (p *Plan) tasks() []PlanTask {
	out := []PlanTask{}
	for _, t := range p.Tasks {
		x := PlanTask{t.ID, t.Title, t.Agency, t.Post, int64(t.Due.Seconds()), []string{}, t.Needs, t.Asks, t.Done}
		for _, l := range p.Levels {
			if slices.ContainsFunc(p.At(l.ID), func(y Task) bool { return y.ID == t.ID }) {
				x.Levels = append(x.Levels, l.ID)
			}
		}
		out = append(out, x)
	}
	return out
}

func (p *Plan) view() PlanView {
	v := PlanView{ID: p.ID, Pack: p.Pack, Title: p.Title, About: p.About, Per: p.Per, Levels: []LevelView{}}
	for _, l := range p.Levels {
		x := LevelView{ID: l.ID, Title: l.Title, DecidedBy: l.DecidedBy, ProposedBy: []lifecycle.Text{}, Tasks: len(p.At(l.ID))}
		for _, t := range l.ProposedBy {
			x.ProposedBy = append(x.ProposedBy, t.Words())
		}
		v.Levels = append(v.Levels, x)
	}
	return v
}

// Proposals lists proposals, newest first, and the id to go on before; 0 at the end.
func (s *Service) Proposals(ctx context.Context, open bool, before int64, limit int) ([]ProposalView, int64, error) {
	if err := s.Access.Decide(ctx, "plan.read", access.Resource{Type: "plan"}, access.Operations); err != nil {
		return nil, 0, err
	}
	var ps []*Proposal
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		ps, err = proposals(tx, open, before, limit)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	out := []ProposalView{}
	for _, x := range ps {
		if p := s.plans[x.Plan]; p != nil { // of a plan that left the packs nothing can be opened
			out = append(out, *s.proposalView(ctx, p, x))
		}
	}
	var next int64
	if len(ps) == limit {
		next = ps[limit-1].ID
	}
	return out, next, nil
}

func (s *Service) proposalView(ctx context.Context, p *Plan, x *Proposal) *ProposalView {
	v := &ProposalView{
		ID: x.ID, Plan: x.Plan, PlanTitle: p.Title, What: x.What, Level: x.Level, Activation: x.Activation, State: x.State, Drill: x.Drill,
		Reasons: slices.Clone(x.Reasons), Gaps: []GapView{}, At: x.At, ChangedAt: x.ChangedAt, DecidedAt: optional(x.DecidedAt), DecidedBy: x.DecidedBy, Why: x.Why,
	}
	if v.Reasons == nil {
		v.Reasons = []Reason{}
	}
	if l := p.Level(x.Level); l != nil {
		v.LevelTitle, v.DecidedIn = &l.Title, &l.DecidedBy
	}
	v.Asset, v.AssetName = s.named(ctx, "asset", x.Asset)
	v.Place, v.PlaceName = s.named(ctx, "place", x.Place)
	v.Area, v.AreaName = s.named(ctx, "area", x.Area)
	if x.What != "open" || x.State != "open" {
		return v
	}
	players, err := s.players(ctx, p, x.Spot)
	if err != nil {
		return v // that the register can't be read now is told at opening
	}
	for _, id := range gaps(players) {
		v.Gaps = append(v.Gaps, GapView{id, p.Agency(id).Title})
	}
	return v
}
