package plan

import (
	"context"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// ResponseView is a response as lists show it.
type ResponseView struct {
	ID         int64           `json:"id"`
	Plan       string          `json:"plan"`
	Title      lifecycle.Text  `json:"title"`
	Level      string          `json:"level" enum:"I,II,III,IV"`
	LevelTitle lifecycle.Text  `json:"level_title"`
	State      string          `json:"state" enum:"active,ended"`
	Drill      bool            `json:"drill"`
	Case       int64           `json:"case"`
	CaseClosed bool            `json:"case_closed" doc:"the incident is closed; the response should be ended"`
	Asset      *int64          `json:"asset"`
	AssetName  *lifecycle.Text `json:"asset_name"`
	Place      *int64          `json:"place"`
	PlaceName  *lifecycle.Text `json:"place_name"`
	Area       *int64          `json:"area"`
	AreaName   *lifecycle.Text `json:"area_name"`
	OpenedAt   time.Time       `json:"opened_at"`
	EndedAt    *time.Time      `json:"ended_at"`
	Counts     Counts          `json:"counts"`
}

// Counts are the tasks of a board or of one agency. Late are those of waiting and acknowledged whose time has passed.
type Counts struct {
	Waiting      int `json:"waiting" doc:"out, and nobody has taken them on yet"`
	Acknowledged int `json:"acknowledged"`
	Done         int `json:"done"`
	Withdrawn    int `json:"withdrawn"`
	Late         int `json:"late" doc:"of the waiting and the acknowledged, those whose time has passed"`
	DoneLate     int `json:"done_late" doc:"of the done, those that were done after their time"`
}

// Board shows who does what in a response and how far it is.
type Board struct {
	ResponseView
	// Now is the server's time, from which what remains is counted.
	Now       time.Time       `json:"now"`
	About     string          `json:"about"`
	Source    string          `json:"source"`
	Levels    []BoardLevel    `json:"levels"`
	Agencies  []BoardAgency   `json:"agencies"`
	Resources []BoardResource `json:"resources"`
	Changes   []ChangeView    `json:"changes"`
	Proposal  *ProposalView   `json:"proposal" doc:"what the program proposes about this response now"`
	Advice    []AdviceView    `json:"advice"`
	MayDecide bool            `json:"may_decide" doc:"whether who asks may raise, lower or end it"`
}

// BoardLevel is a level with what a change to it would mean.
type BoardLevel struct {
	ID        string         `json:"id"`
	Title     lifecycle.Text `json:"title"`
	DecidedBy lifecycle.Text `json:"decided_by"`
	InForce   bool           `json:"in_force"`
	Gives     int            `json:"gives" doc:"tasks that a change to it would give"`
	Withdraws int            `json:"withdraws" doc:"open tasks that it would withdraw"`
}

// BoardAgency is an agency with its tasks.
type BoardAgency struct {
	Agency        string             `json:"agency"`
	Title         lifecycle.Text     `json:"title"`
	Lead          bool               `json:"lead"`
	Gap           bool               `json:"gap" doc:"the register does not know it; its tasks are with the desk"`
	How           string             `json:"how,omitempty" doc:"how it was found"`
	Organisations []OrganisationView `json:"organisations"`
	Counts        Counts             `json:"counts"`
	Tasks         []BoardTask        `json:"tasks"`
}

// OrganisationView is an organisation with its name.
type OrganisationView struct {
	ID   int64          `json:"id"`
	Name lifecycle.Text `json:"name"`
}

// BoardTask is a task as the board shows it.
type BoardTask struct {
	ID               int64          `json:"id" doc:"of the case's task"`
	Name             string         `json:"name" doc:"of the plan's task; advice for one that an advice became"`
	Title            lifecycle.Text `json:"title"`
	Level            string         `json:"level" doc:"at which it was given"`
	Organisation     int64          `json:"organisation,omitempty"`
	OrganisationName lifecycle.Text `json:"organisation_name"`
	Post             string         `json:"post"`
	State            string         `json:"state" enum:"waiting,acknowledged,done,withdrawn"`
	Late             bool           `json:"late"`
	GivenAt          time.Time      `json:"given_at"`
	DueAt            *time.Time     `json:"due_at"`
	SecondsLeft      *int64         `json:"seconds_left" doc:"while it is open; negative when its time has passed"`
	AcknowledgedAt   *time.Time     `json:"acknowledged_at"`
	AcknowledgedBy   string         `json:"acknowledged_by,omitempty"`
	DoneAt           *time.Time     `json:"done_at"`
	Answer           string         `json:"answer,omitempty"`
	Asks             *Question      `json:"asks,omitempty"`
	DoneWhen         lifecycle.Text `json:"done_when"`
	Needs            []NeedView     `json:"needs"`
	respond.Yours
}

// NeedView is how much of a resource a task takes.
type NeedView struct {
	Resource string         `json:"resource"`
	Title    lifecycle.Text `json:"title"`
	Count    float64        `json:"count"`
	Unit     lifecycle.Text `json:"unit"`
}

// BoardResource is a resource, with how much of it the tasks that are out take.
type BoardResource struct {
	ID     string         `json:"id"`
	Title  lifecycle.Text `json:"title"`
	Agency string         `json:"agency"`
	Count  float64        `json:"count"`
	Taken  float64        `json:"taken" doc:"by tasks that are not ended"`
	Unit   lifecycle.Text `json:"unit"`
}

// ChangeView is a decision about the response.
type ChangeView struct {
	At               time.Time      `json:"at"`
	From             string         `json:"from,omitempty"`
	To               string         `json:"to,omitempty"`
	By               string         `json:"by"`
	OrganisationName lifecycle.Text `json:"organisation_name"`
	Why              string         `json:"why"`
	DecidedBy        lifecycle.Text `json:"decided_by" doc:"in whose name; empty for decisions of before it was kept"`
	Proposal         int64          `json:"proposal,omitempty"`
}

// AdviceView is an advice with its state.
type AdviceView struct {
	ID        int64      `json:"id"`
	State     string     `json:"state" enum:"open,taken,declined,lapsed"`
	At        time.Time  `json:"at"`
	DecidedAt *time.Time `json:"decided_at"`
	DecidedBy string     `json:"decided_by,omitempty"`
	Why       string     `json:"why,omitempty"`
	Advised
}

// Board is the board of a response.
func (s *Service) Board(ctx context.Context, id int64) (*Board, error) {
	if err := s.Access.Decide(ctx, "plan.read", access.Resource{Type: "plan"}, access.Operations); err != nil {
		return nil, err
	}
	a, p, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	var ts []respond.Task
	var gs []Given
	var cs []Change
	var as []Advice
	var open *Proposal
	var c *respond.Case
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if ts, err = respond.Tasks(tx, origin(id)); err != nil {
			return err
		}
		if gs, err = given(tx, id); err != nil {
			return err
		}
		if cs, err = changes(tx, id); err != nil {
			return err
		}
		if as, _, err = advice(tx, id); err != nil {
			return err
		}
		if a.State == "active" {
			if open, err = lastProposal(tx, a.Plan, a.Site, "open"); err != nil {
				return err
			}
		}
		c, err = respond.Find(tx, a.Case)
		return err
	})
	if err != nil {
		return nil, err
	}
	now := s.now()
	b := &Board{
		ResponseView: s.responseView(ctx, p, a, !c.ClosedAt.IsZero()), Now: now, About: p.About, Source: p.Source,
		Levels: []BoardLevel{}, Agencies: s.agencies(ctx, p, a.Agencies), Resources: []BoardResource{}, Changes: []ChangeView{}, Advice: []AdviceView{},
		MayDecide: s.Access.Decide(ctx, "plan.decide", p.resource(organisationOf(a.Agencies, p.Lead().ID), a.Area), access.Operations) == nil,
	}
	s.fill(ctx, b, p, c, ts, gs, now)
	b.levels(p, a, ts, gs)
	b.resources(p)
	for _, c := range cs {
		b.Changes = append(b.Changes, ChangeView{c.At, c.From, c.To, c.By, s.Register.Name(ctx, "organisation", c.Organisation), c.Why, c.DecidedBy, c.Proposal})
	}
	for _, x := range slices.Backward(as) {
		b.Advice = append(b.Advice, AdviceView{x.ID, x.State, x.At, optional(x.DecidedAt), x.DecidedBy, x.Why, x.Body})
	}
	if open != nil && open.Activation == id {
		b.Proposal = s.proposalView(ctx, p, open)
	}
	return b, nil
}

// fill puts the tasks under their agencies, and counts them.
func (s *Service) fill(ctx context.Context, b *Board, p *Plan, c *respond.Case, ts []respond.Task, gs []Given, now time.Time) {
	names := map[int64]lifecycle.Text{}
	for _, t := range ts {
		i := slices.IndexFunc(gs, func(g Given) bool { return g.Task == t.ID })
		if i < 0 {
			continue // given in the same moment as it was read
		}
		g := gs[i]
		if _, ok := names[t.Organisation]; !ok && t.Organisation != 0 {
			names[t.Organisation] = s.Register.Name(ctx, "organisation", t.Organisation)
		}
		x := BoardTask{
			ID: t.ID, Name: g.Name, Title: t.Text, Level: g.Level, Organisation: t.Organisation, OrganisationName: names[t.Organisation], Post: t.Post,
			State: stateOf(t), Late: late(t, now), GivenAt: t.OpenedAt, DueAt: optional(t.DueAt), AcknowledgedAt: optional(t.AcknowledgedAt),
			AcknowledgedBy: t.AcknowledgedBy, DoneAt: optional(t.DoneAt), Answer: t.Answer, Needs: []NeedView{}, Yours: s.Cases.Yours(ctx, c, t),
		}
		if t.State == "open" && !t.DueAt.IsZero() {
			left := int64(t.DueAt.Sub(now).Seconds())
			x.SecondsLeft = &left
		}
		if of := p.Task(g.Name); of != nil {
			x.Title, x.Asks, x.DoneWhen = of.Title, of.Asks, of.Done
			for _, r := range p.Resources {
				if n := of.Needs[r.ID]; n > 0 {
					x.Needs = append(x.Needs, NeedView{r.ID, r.Title, n, r.Unit})
				}
			}
		}
		for k := range b.Agencies {
			if b.Agencies[k].Agency == g.Agency {
				b.Agencies[k].Tasks = append(b.Agencies[k].Tasks, x)
				b.Agencies[k].Counts.add(t, now)
			}
		}
		b.Counts.add(t, now)
	}
}

func stateOf(t respond.Task) string {
	switch {
	case t.State != "open":
		return t.State
	case t.AcknowledgedAt.IsZero():
		return "waiting"
	}
	return "acknowledged"
}

// late says whether a task's time has passed before it was done.
func late(t respond.Task, now time.Time) bool {
	switch {
	case t.DueAt.IsZero(), t.State == "withdrawn":
		return false
	case t.State == "done":
		return t.DoneAt.After(t.DueAt)
	}
	return now.After(t.DueAt)
}

func (c *Counts) add(t respond.Task, now time.Time) {
	switch stateOf(t) {
	case "waiting":
		c.Waiting++
	case "acknowledged":
		c.Acknowledged++
	case "done":
		c.Done++
	case "withdrawn":
		c.Withdrawn++
	}
	switch {
	case !late(t, now):
	case t.State == "done":
		c.DoneLate++
	default:
		c.Late++
	}
}

// levels says what a change to each level would mean now.
func (b *Board) levels(p *Plan, a *Activation, ts []respond.Task, gs []Given) {
	for _, l := range p.Levels {
		x := BoardLevel{ID: l.ID, Title: l.Title, DecidedBy: l.DecidedBy, InForce: a.State == "active" && l.ID == a.Level}
		give, withdraw := p.Step(a.Level, l.ID)
		for _, t := range give {
			x.Gives += max(1, len(playersOf(a.Agencies, t.Agency)))
		}
		for _, g := range gs {
			if slices.Contains(withdraw, g.Name) && slices.ContainsFunc(ts, func(t respond.Task) bool { return t.ID == g.Task && t.State == "open" }) {
				x.Withdraws++
			}
		}
		b.Levels = append(b.Levels, x)
	}
}

// resources sums what the tasks that are out take.
func (b *Board) resources(p *Plan) {
	for _, r := range p.Resources {
		x := BoardResource{ID: r.ID, Title: r.Title, Agency: r.Of, Count: r.Count, Unit: r.Unit}
		for _, a := range b.Agencies {
			for _, t := range a.Tasks {
				if t.State != "waiting" && t.State != "acknowledged" {
					continue
				}
				for _, n := range t.Needs {
					if n.Resource == r.ID {
						x.Taken += n.Count
					}
				}
			}
		}
		b.Resources = append(b.Resources, x)
	}
}

// agencies are the parts of a plan with who plays them.
func (s *Service) agencies(ctx context.Context, p *Plan, players []Player) []BoardAgency {
	out := []BoardAgency{}
	for _, a := range p.Agencies {
		x := BoardAgency{Agency: a.ID, Title: a.Title, Lead: a.Lead, Gap: true, Organisations: []OrganisationView{}, Tasks: []BoardTask{}}
		for _, y := range players {
			if y.Agency != a.ID {
				continue
			}
			x.Gap, x.How = len(y.Organisations) == 0, y.How
			for _, o := range y.Organisations {
				x.Organisations = append(x.Organisations, OrganisationView{o, s.Register.Name(ctx, "organisation", o)})
			}
		}
		out = append(out, x)
	}
	return out
}

func (s *Service) responseView(ctx context.Context, p *Plan, a *Activation, closed bool) ResponseView {
	v := ResponseView{
		ID: a.ID, Plan: a.Plan, Title: p.Title, Level: a.Level, LevelTitle: p.Level(a.Level).Title, State: a.State, Drill: a.Drill, Case: a.Case,
		CaseClosed: closed, OpenedAt: a.OpenedAt, EndedAt: optional(a.EndedAt),
	}
	v.Asset, v.AssetName = s.named(ctx, "asset", a.Asset)
	v.Place, v.PlaceName = s.named(ctx, "place", a.Place)
	v.Area, v.AreaName = s.named(ctx, "area", a.Area)
	return v
}

func (s *Service) named(ctx context.Context, kind string, id int64) (*int64, *lifecycle.Text) {
	if id == 0 {
		return nil, nil
	}
	name := s.Register.Name(ctx, kind, id)
	return &id, &name
}

// Filter narrows a list of responses.
type Filter struct {
	Active bool
	Case   int64
	Before int64
	Limit  int
}

// Responses lists responses, newest first, and the id to go on before; 0 at the end.
func (s *Service) Responses(ctx context.Context, f Filter) ([]ResponseView, int64, error) {
	if err := s.Access.Decide(ctx, "plan.read", access.Resource{Type: "plan"}, access.Operations); err != nil {
		return nil, 0, err
	}
	var as []*Activation
	var counts []Counts
	var closed []bool
	var ps []*Plan
	now := s.now()
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if as, err = activations(tx, f.Active, f.Case, f.Before, f.Limit); err != nil {
			return err
		}
		for _, a := range as {
			ts, err := respond.Tasks(tx, origin(a.ID))
			if err != nil {
				return err
			}
			var n Counts
			for _, t := range ts {
				n.add(t, now)
			}
			c, err := respond.Find(tx, a.Case)
			if err != nil {
				return err
			}
			p, err := s.version(tx, a.Definition)
			if err != nil {
				return err
			}
			counts, closed, ps = append(counts, n), append(closed, !c.ClosedAt.IsZero()), append(ps, p)
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	out := []ResponseView{}
	for i, a := range as {
		v := s.responseView(ctx, ps[i], a, closed[i])
		v.Counts = counts[i]
		out = append(out, v)
	}
	var next int64
	if len(as) == f.Limit {
		next = as[len(as)-1].ID
	}
	return out, next, nil
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
