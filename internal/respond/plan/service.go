package plan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// CaseKind is the kind of case that a response works in: an emergency incident (突发事件).
const CaseKind = "incident"

// maxText is the longest reason that a person writes, in characters.
const maxText = 2000

// Register is what plans ask of the city's register. It may read the store, so it is never asked within a transaction.
type Register interface {
	inspect.Register
	// Name returns what people call a thing; kind is asset, place, area or organisation. Empty when it is not known.
	Name(ctx context.Context, kind string, id int64) lifecycle.Text
	// Find returns the organisations that a way leads to from a spot: of a duty the nearest first, of a kind in the order of
	// their external ids. None when there are none.
	Find(ctx context.Context, w Way, s inspect.Spot) ([]int64, error)
	// Pack returns the pack of an asset's kind; "" when the asset is not known.
	Pack(ctx context.Context, asset int64) string
}

// Adviser is a model that works out figures for a response.
type Adviser interface {
	// Advise returns what it advises now for a response by the plan; nothing where it has nothing to say. It changes nothing.
	Advise(ctx context.Context, p *Plan, a Activation) ([]Advised, error)
}

// Deps are what the room needs.
type Deps struct {
	DB       *db.DB
	Clock    clock.Clock
	Access   access.Decider
	Cases    *respond.Service
	Register Register
	News     respond.News
	// Plans are those of all packs as they are now. Responses under way keep the version they were opened with.
	Plans []*Plan
	// Adviser may be nil.
	Adviser Adviser
	// City is what the city is called: an incident of a response is named after it. Empty: after its place alone.
	City lifecycle.Text
}

// Service runs emergency plans. Its methods are safe for concurrent use.
type Service struct {
	Deps
	plans map[string]*Plan

	mu sync.Mutex
	// versions are the definitions that were used, by hash; guarded by mu. They never change, so they are never dropped.
	versions map[string]*Plan
}

// New returns the room. It refuses a set of plans in which one is ambiguous.
func New(d Deps) (*Service, error) {
	s := &Service{Deps: d, plans: map[string]*Plan{}, versions: map[string]*Plan{}}
	for _, p := range d.Plans {
		if s.plans[p.ID] != nil {
			return nil, fmt.Errorf("plan %s stands in two packs", p.ID)
		}
		s.plans[p.ID] = p
	}
	return s, nil
}

// --- opening

// OpenRequest asks to open a response level.
type OpenRequest struct {
	Level    string `json:"level" enum:"I,II,III,IV"`
	Why      string `json:"why" doc:"on what ground it is opened"`
	Proposal int64  `json:"proposal,omitempty" doc:"the program's proposal that this follows"`
	// Where it is; of the proposal, or the whole city, when left out.
	Asset int64       `json:"asset,omitempty"`
	Place int64       `json:"place,omitempty"`
	Area  int64       `json:"area,omitempty"`
	Point *[2]float64 `json:"point,omitempty"`
	Case  int64       `json:"case,omitempty" doc:"the incident that it is for; a new one when left out"`
	Grade string      `json:"grade,omitempty" enum:"general,larger,major,extraordinary" doc:"of the new incident"`
	Drill bool        `json:"drill,omitempty" doc:"an exercise"`
	// DecidedBy is in whose name it is decided, where that is not the office that the plan names.
	DecidedBy string `json:"decided_by,omitempty" doc:"whose decision it is; left out: the office that decides by the plan"`
	// Agencies are organisations that a person chooses for parts that the register does not fill, or fills otherwise. The right to
	// decide never rests on them.
	Agencies map[string]int64 `json:"agencies,omitempty" doc:"organisation by agency of the plan, where the register does not know it"`
}

// Open opens a response level of a plan: takes or opens the incident, invites the agencies and gives all tasks of the level.
func (s *Service) Open(ctx context.Context, planID string, r OpenRequest, key string) (respond.Receipt, error) {
	p := s.plans[planID]
	if p == nil {
		return respond.Receipt{}, unknownPlan(planID)
	}
	if p.Level(r.Level) == nil {
		return respond.Receipt{}, noLevel(p, r.Level)
	}
	var err error
	if r.Why, err = words(r.Why, "why"); err != nil {
		return respond.Receipt{}, err
	}
	if r.Grade != "" && !slices.Contains(grades[:], r.Grade) {
		return respond.Receipt{}, web.Errorf(http.StatusUnprocessableEntity, "plan.grade", "expected one of %s, got %q", strings.Join(grades[:], ", "), r.Grade).At("grade")
	}
	spot, reasons, err := s.spot(ctx, p, &r)
	if err != nil {
		return respond.Receipt{}, err
	}
	office, err := p.decidedBy(r.Level, r.DecidedBy)
	if err != nil {
		return respond.Receipt{}, err
	}
	// Whether somebody may open it is asked about the lead that the register knows: who names another one must have the right before.
	players, err := s.players(ctx, p, spot)
	if err != nil {
		return respond.Receipt{}, err
	}
	if err := s.Access.Decide(ctx, "plan.decide", p.resource(organisationOf(players, p.Lead().ID), spot.Area), access.Operations); err != nil {
		return respond.Receipt{}, err
	}
	if players, err = s.choose(ctx, p, players, r.Agencies); err != nil {
		return respond.Receipt{}, err
	}
	lead := organisationOf(players, p.Lead().ID)
	if r.Case != 0 {
		err = s.Cases.Decide(ctx, "case.task", r.Case)
	} else if !slices.ContainsFunc(s.Cases.Kinds, func(k *lifecycle.Kind) bool { return k.ID == CaseKind }) {
		err = web.Errorf(http.StatusConflict, "plan.no_incident_kind", "no pack has the case kind %q, in which a response works", CaseKind)
	}
	if err != nil {
		return respond.Receipt{}, err
	}
	if lead != 0 {
		spot.Owner = lead
	}
	name := s.incidentName(ctx, p, spot)
	who := access.From(ctx)
	return s.Cases.Once(ctx, key, []any{"plan.open", planID, r}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		a := &Activation{
			Plan: p.ID, Level: r.Level, Drill: r.Drill, Case: r.Case, Spot: spot, Agencies: players, OpenedAt: now,
		}
		return s.open(tx, who, p, a, r, office, name, reasons, now)
	})
}

// spot is where a response is, and the reasons for it: what the request says, else its proposal, else its case.
func (s *Service) spot(ctx context.Context, p *Plan, r *OpenRequest) (spot inspect.Spot, reasons []Reason, err error) {
	spot = inspect.Spot{Asset: r.Asset, Place: r.Place, Area: r.Area, Point: r.Point}
	given := spot != inspect.Spot{}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		if r.Proposal != 0 {
			x, err := getProposal(tx, r.Proposal)
			switch {
			case errors.Is(err, db.ErrNotFound), err == nil && x.Plan != p.ID:
				return noProposal(r.Proposal, p)
			case err != nil:
				return err
			}
			reasons = x.Reasons
			r.Drill = r.Drill || x.Drill
			if !given {
				spot, given = x.Spot, true
			}
			if i := slices.IndexFunc(reasons, func(r Reason) bool { return r.Kind == "incident" }); i >= 0 && r.Case == 0 {
				r.Case = reasons[i].Ref
			}
		}
		if r.Case == 0 {
			return nil
		}
		c, err := respond.Find(tx, r.Case)
		switch {
		case errors.Is(err, db.ErrNotFound):
			return web.Errorf(http.StatusNotFound, "case.not_found", "there is no case %d", r.Case).At("case")
		case err != nil:
			return err
		case c.Kind != CaseKind:
			return web.Errorf(http.StatusUnprocessableEntity, "plan.case_kind", "case %d is of the kind %s; a response works in one of the kind %s", r.Case, c.Kind, CaseKind).At("case")
		}
		if !given {
			spot = c.Spot
		}
		return nil
	})
	if err != nil {
		return spot, nil, err
	}
	located, err := s.Register.Locate(ctx, spot)
	if errors.Is(err, db.ErrNotFound) {
		return spot, nil, web.Errorf(http.StatusUnprocessableEntity, "plan.place", "the register does not know this place").At("place")
	}
	return located, reasons, err
}

// players fills the parts of a plan by the register. One that nobody plays is a gap.
func (s *Service) players(ctx context.Context, p *Plan, spot inspect.Spot) ([]Player, error) {
	var out []Player
	for _, a := range p.Agencies {
		x := Player{Agency: a.ID, Organisations: []int64{}}
		for _, w := range a.Found {
			found, err := s.Register.Find(ctx, w, spot)
			if err != nil {
				return nil, fmt.Errorf("find %s of plan %s: %w", a.ID, p.ID, err)
			}
			if len(found) == 0 {
				continue
			}
			if !a.Each {
				found = found[:1]
			}
			x.Organisations, x.How = found, w.String()
			break
		}
		out = append(out, x)
	}
	return out, nil
}

// choose puts a person's choices in place of what the register found.
func (s *Service) choose(ctx context.Context, p *Plan, players []Player, chosen map[string]int64) ([]Player, error) {
	for id, organisation := range chosen {
		if p.Agency(id) == nil {
			return nil, web.Errorf(http.StatusUnprocessableEntity, "plan.agency", "the plan has no agency %q", id).At("agencies")
		}
		if s.Register.Name(ctx, "organisation", organisation) == (lifecycle.Text{}) {
			return nil, web.Errorf(http.StatusUnprocessableEntity, "case.unknown_organisation", "there is no organisation %d", organisation).At("agencies")
		}
	}
	out := slices.Clone(players)
	for i := range out {
		if organisation, ok := chosen[out[i].Agency]; ok {
			out[i] = Player{Agency: out[i].Agency, Organisations: []int64{organisation}, How: "chosen"}
		}
	}
	return out, nil
}

// open does what opening means. a lacks its id, its definition and its site, and perhaps its case.
func (s *Service) open(tx *db.Tx, who access.Actor, p *Plan, a *Activation, r OpenRequest, office, name lifecycle.Text, reasons []Reason, now time.Time) (respond.Receipt, error) {
	a.Site = p.siteOf(a.Spot, r.Case)
	there, err := activeAt(tx, p.ID, a.Site)
	if err != nil {
		return respond.Receipt{}, err
	}
	if there != nil {
		over, err := s.caseClosed(tx, there.Case)
		if err == nil && over && there.Case != a.Case { // its incident is over, and so is it: it must not stand in the way of the next
			err = s.endWithCase(tx, who, there, now)
			there = nil
		}
		if err != nil {
			return respond.Receipt{}, err
		}
	}
	if there != nil {
		return respond.Receipt{}, web.Errorf(http.StatusConflict, "plan.open_already", "the response %d by this plan is under way at level %s; raise or lower that one", there.ID, there.Level)
	}
	hash, body, err := p.Hash()
	if err != nil {
		return respond.Receipt{}, err
	}
	if err := putDefinition(tx, hash, p.ID, body, now); err != nil {
		return respond.Receipt{}, err
	}
	a.Definition = hash
	line := respond.Entry{At: now, Actor: who, Kind: "plan", Text: by(openedText(p, a), office), Free: r.Why, Data: map[string]any{
		"plan": p.ID, "level": a.Level, "drill": a.Drill, "proposal": r.Proposal, "reasons": refs(reasons), "decided_by": office,
	}}
	if a.Case == 0 {
		o := opening(p, a, r, name, reasons)
		line.Data["name"], line.Data["fields"] = name, o.Fields
		c, _, err := s.Cases.Open(tx, who, o, line, now)
		if err != nil {
			return respond.Receipt{}, err
		}
		a.Case = c.ID
	} else if err := s.stillOpen(tx, a.Case); err != nil {
		return respond.Receipt{}, err
	} else if err := s.Cases.Enter(tx, a.Case, &line); err != nil {
		return respond.Receipt{}, err
	}
	if err := insertActivation(tx, a); err != nil {
		return respond.Receipt{}, err
	}
	if err := s.invite(tx, who, p, a, now); err != nil {
		return respond.Receipt{}, err
	}
	given, err := s.give(tx, who, p, a, p.At(a.Level), now)
	if err != nil {
		return respond.Receipt{}, err
	}
	if err := s.decided(tx, who, a, "", a.Level, r.Why, office, r.Proposal, now); err != nil {
		return respond.Receipt{}, err
	}
	if err := s.follows(tx, who, p, a.Site, deed{"open", a.Level, 0}, r.Proposal, r.Why, now); err != nil {
		return respond.Receipt{}, err
	}
	err = s.leaf(tx, who, "plan.open", p, a, now, map[string]any{"to": a.Level, "proposal": r.Proposal, "tasks": len(given), "gaps": gaps(a.Agencies)})
	if err != nil {
		return respond.Receipt{}, err
	}
	return respond.Receipt{Case: a.Case, Item: a.ID}, outbox.Put(tx, events.PlanOpened{
		Plan: a.event(p, now), Activation: a.ID, Case: a.Case, By: who.ID, Tasks: len(given), Gaps: len(gaps(a.Agencies)),
	})
}

// incidentName is what the incident of a response is called: the city and place, and the hazard.
func (s *Service) incidentName(ctx context.Context, p *Plan, spot inspect.Spot) lifecycle.Text {
	hazard := p.Title
	for _, k := range s.Cases.Kinds { // the incident's own words for hazards
		if k.ID != CaseKind {
			continue
		}
		for _, m := range k.Moves {
			for _, r := range m.Requires {
				if i := slices.IndexFunc(r.Options, func(o lifecycle.Option) bool { return r.Field == "hazard" && o.ID == p.About }); i >= 0 {
					hazard = r.Options[i].Title
				}
			}
		}
	}
	var place lifecycle.Text
	for _, x := range []struct {
		kind string
		id   int64
	}{{"area", spot.Area}, {"place", spot.Place}} {
		if x.id == 0 {
			continue
		}
		n := s.Register.Name(ctx, x.kind, x.id)
		if n == (lifecycle.Text{}) {
			continue
		}
		if place = lifecycle.Words(n.En, place.Zh+strings.TrimPrefix(n.Zh, place.Zh)); x.kind == "place" {
			break
		}
	}
	if spot.Place == 0 && spot.Asset != 0 {
		if n := s.Register.Name(ctx, "asset", spot.Asset); n != (lifecycle.Text{}) {
			place = lifecycle.Words(n.En, place.Zh+strings.TrimPrefix(n.Zh, place.Zh))
		}
	}
	zh := s.City.Zh + strings.TrimPrefix(place.Zh, s.City.Zh) + hazard.Zh
	en := hazard.En
	for _, at := range []string{place.En, s.City.En} {
		if at != "" && !strings.Contains(en, at) {
			en += ", " + at
		}
	}
	return lifecycle.Words(en, zh)
}

// inLanguageOf is a name in the language that a person writes in: a case has one title.
func inLanguageOf(words string, name lifecycle.Text) string {
	if strings.ContainsFunc(words, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		return name.Zh
	}
	return name.En
}

// opening is the new incident of a response.
func opening(p *Plan, a *Activation, r OpenRequest, name lifecycle.Text, reasons []Reason) respond.Opening {
	o := respond.Opening{Kind: CaseKind, Title: inLanguageOf(r.Why, name), Spot: a.Spot, Fields: map[string]any{"hazard": p.About}}
	if r.Grade != "" {
		o.Fields["grade"] = r.Grade
	}
	if a.Drill {
		o.Fields["drill"] = true
	}
	for _, x := range reasons {
		if x.Kind == "alert" {
			if o.Level == "" || slices.Index(colours[:], x.Level) > slices.Index(colours[:], o.Level) {
				o.Level = x.Level
			}
			o.Datastreams = append(o.Datastreams, x.Streams...)
		}
	}
	slices.Sort(o.Datastreams)
	o.Datastreams = slices.Compact(o.Datastreams)
	return o
}

// invite makes the agencies parties of the case.
func (s *Service) invite(tx *db.Tx, who access.Actor, p *Plan, a *Activation, now time.Time) error {
	c, err := respond.Find(tx, a.Case)
	if err != nil {
		return err
	}
	for _, x := range a.Agencies {
		role := "assist"
		if x.Agency == p.Lead().ID {
			role = "lead"
		}
		for _, organisation := range x.Organisations {
			if organisation == c.Owner {
				continue
			}
			if err := s.Cases.Invite(tx, who, a.Case, respond.Party{Organisation: organisation, Role: role, At: now}); err != nil {
				return err
			}
		}
	}
	return nil
}

// give gives tasks to whoever plays their parts. Those of an agency that nobody plays go to the desk of the case.
func (s *Service) give(tx *db.Tx, who access.Actor, p *Plan, a *Activation, tasks []Task, now time.Time) ([]Given, error) {
	c, err := respond.Find(tx, a.Case)
	if err != nil {
		return nil, err
	}
	var out []Given
	for _, t := range tasks {
		to := playersOf(a.Agencies, t.Agency)
		gap := len(to) == 0
		if gap {
			to = []int64{c.Desk}
		}
		for _, organisation := range to {
			x := respond.Task{
				Case: a.Case, Text: t.orders(p, a.Drill, gap), Organisation: organisation, Post: t.Post, OpenedAt: now, DueAt: now.Add(t.Due), Origin: origin(a.ID),
			}
			if gap { // no post of the desk is called as one of that agency
				x.Post = ""
			}
			if err := s.Cases.Give(tx, who, &x); err != nil {
				return nil, err
			}
			g := Given{Task: x.ID, Name: t.ID, Agency: t.Agency, Level: a.Level}
			if err := insertGiven(tx, a.ID, g); err != nil {
				return nil, err
			}
			out = append(out, g)
		}
	}
	return out, nil
}

// orders are the words of a task as its team reads them.
func (t Task) orders(p *Plan, drill, gap bool) lifecycle.Text {
	w := t.Title
	if gap {
		w = lifecycle.Words("For "+p.Agency(t.Agency).Title.En+", which the register does not know: "+w.En, "（"+p.Agency(t.Agency).Title.Zh+"在台账中未找到，请转办）"+w.Zh)
	}
	if drill {
		w = lifecycle.Words("Exercise: "+w.En, "【演练】"+w.Zh)
	}
	if t.Asks != nil {
		w = lifecycle.Words(w.En+". To be answered: "+t.Asks.Title.En, w.Zh+"；需反馈："+t.Asks.Title.Zh)
	}
	return w
}

// --- raising, lowering, ending

// LevelRequest asks to raise or lower the level of a response.
type LevelRequest struct {
	Level string `json:"level" enum:"I,II,III,IV"`
	// From is the level that the officer saw: where it has changed meanwhile, nothing is done.
	From     string `json:"from,omitempty" enum:"I,II,III,IV" doc:"the level that is to be changed; refused if another is in force by now"`
	Why      string `json:"why"`
	Proposal int64  `json:"proposal,omitempty" doc:"the program's proposal that this follows"`
	// DecidedBy is in whose name it is decided, where that is not the office that the plan names for the new level.
	DecidedBy string `json:"decided_by,omitempty" doc:"whose decision it is; left out: the office that decides by the plan"`
}

// SetLevel raises or lowers the level of a response: gives what is new, withdraws what no longer applies.
func (s *Service) SetLevel(ctx context.Context, id int64, r LevelRequest, key string) (respond.Receipt, error) {
	var err error
	if r.Why, err = words(r.Why, "why"); err != nil {
		return respond.Receipt{}, err
	}
	if err := s.decide(ctx, id); err != nil {
		return respond.Receipt{}, err
	}
	who := access.From(ctx)
	return s.Cases.Once(ctx, key, []any{"plan.level", id, r}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		a, p, err := s.active(tx, id)
		if err != nil {
			return respond.Receipt{}, err
		}
		from := a.Level
		switch {
		case p.Level(r.Level) == nil:
			return respond.Receipt{}, noLevel(p, r.Level)
		case r.From != "" && r.From != from:
			return respond.Receipt{}, web.Errorf(http.StatusConflict, "plan.level_changed", "the response is at level %s by now, not %s", from, r.From).At("from")
		case r.Level == from:
			return respond.Receipt{}, web.Errorf(http.StatusConflict, "plan.same_level", "the response is at level %s already", from).At("level")
		}
		office, err := p.decidedBy(r.Level, r.DecidedBy)
		if err != nil {
			return respond.Receipt{}, err
		}
		if err := s.stillOpen(tx, a.Case); err != nil {
			return respond.Receipt{}, err
		}
		if err := changeActivation(tx, a, r.Level, time.Time{}); err != nil {
			return respond.Receipt{}, err
		}
		line := respond.Entry{At: now, Actor: who, Kind: "plan", Text: by(changedText(p, from, r.Level), office), Free: r.Why, Data: map[string]any{
			"plan": p.ID, "activation": a.ID, "from": from, "level": r.Level, "proposal": r.Proposal, "decided_by": office,
		}}
		if err := s.Cases.Enter(tx, a.Case, &line); err != nil {
			return respond.Receipt{}, err
		}
		give, withdraw := p.Step(from, r.Level)
		taken, err := s.withdraw(tx, who, p, a, withdraw, now)
		if err != nil {
			return respond.Receipt{}, err
		}
		given, err := s.give(tx, who, p, a, give, now)
		if err != nil {
			return respond.Receipt{}, err
		}
		if err := s.decided(tx, who, a, from, r.Level, r.Why, office, r.Proposal, now); err != nil {
			return respond.Receipt{}, err
		}
		if err := s.follows(tx, who, p, a.Site, deed{next(from, r.Level, true), r.Level, a.ID}, r.Proposal, r.Why, now); err != nil {
			return respond.Receipt{}, err
		}
		err = s.leaf(tx, who, "plan.level", p, a, now, map[string]any{
			"from": from, "to": r.Level, "proposal": r.Proposal, "given": len(given), "withdrawn": taken,
		})
		if err != nil {
			return respond.Receipt{}, err
		}
		return respond.Receipt{Case: a.Case, Item: a.ID}, outbox.Put(tx, events.PlanChanged{
			Plan: a.event(p, now), Activation: a.ID, Case: a.Case, From: from, By: who.ID, Given: len(given), Withdrawn: taken,
		})
	})
}

// withdraw takes back the open tasks of those names.
func (s *Service) withdraw(tx *db.Tx, who access.Actor, p *Plan, a *Activation, names []string, now time.Time) (n int, err error) {
	if len(names) == 0 {
		return 0, nil
	}
	gs, err := given(tx, a.ID)
	if err != nil {
		return 0, err
	}
	level := p.Level(a.Level).Title
	for _, g := range gs {
		if !slices.Contains(names, g.Name) {
			continue
		}
		done, err := s.Cases.Withdraw(tx, who, a.Case, g.Task, lifecycle.Words(level.En+" does not have it", level.Zh+"无此项任务"), "", now)
		if err != nil {
			return n, err
		}
		if done {
			n++
		}
	}
	return n, nil
}

// EndRequest asks to end a response. Each task that is open must be among those withdrawn, with a reason.
type EndRequest struct {
	Why      string         `json:"why"`
	Proposal int64          `json:"proposal,omitempty" doc:"the program's proposal that this follows"`
	Withdraw []WithdrawTask `json:"withdraw,omitempty" doc:"tasks that are not done and not needed any more"`
	// DecidedBy is in whose name it is decided, where that is not the office that the plan names for the level that ends.
	DecidedBy string `json:"decided_by,omitempty" doc:"whose decision it is; left out: the office that decides by the plan"`
}

// WithdrawTask says why a task is not needed any more.
type WithdrawTask struct {
	Task   int64  `json:"task"`
	Reason string `json:"reason"`
}

// End ends a response. Every task must be done, or be withdrawn with a reason.
func (s *Service) End(ctx context.Context, id int64, r EndRequest, key string) (respond.Receipt, error) {
	var err error
	if r.Why, err = words(r.Why, "why"); err != nil {
		return respond.Receipt{}, err
	}
	for i := range r.Withdraw {
		if r.Withdraw[i].Reason, err = words(r.Withdraw[i].Reason, "withdraw"); err != nil {
			return respond.Receipt{}, err
		}
	}
	if err := s.decide(ctx, id); err != nil {
		return respond.Receipt{}, err
	}
	who := access.From(ctx)
	return s.Cases.Once(ctx, key, []any{"plan.end", id, r}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		a, p, err := s.active(tx, id)
		if err != nil {
			return respond.Receipt{}, err
		}
		all, err := respond.Tasks(tx, origin(a.ID))
		if err != nil {
			return respond.Receipt{}, err
		}
		var left []string
		taken := 0
		for _, t := range all {
			i := slices.IndexFunc(r.Withdraw, func(w WithdrawTask) bool { return w.Task == t.ID })
			switch {
			case t.State != "open":
			case i < 0:
				left = append(left, fmt.Sprintf("%d", t.ID))
			default:
				if _, err := s.Cases.Withdraw(tx, who, a.Case, t.ID, lifecycle.Text{}, r.Withdraw[i].Reason, now); err != nil {
					return respond.Receipt{}, err
				}
				taken++
			}
		}
		if len(left) > 0 {
			return respond.Receipt{}, web.Errorf(http.StatusConflict, "plan.open_tasks",
				"each task must be done, or withdrawn with a reason; open are %s", strings.Join(left, ", ")).At("withdraw")
		}
		office, err := p.decidedBy(a.Level, r.DecidedBy)
		if err != nil {
			return respond.Receipt{}, err
		}
		if err := s.end(tx, who, p, a, office, r.Why, r.Proposal, taken, now); err != nil {
			return respond.Receipt{}, err
		}
		return respond.Receipt{Case: a.Case, Item: a.ID}, s.follows(tx, who, p, a.Site, deed{"end", "", a.ID}, r.Proposal, r.Why, now)
	})
}

// end writes down that a response has ended.
func (s *Service) end(tx *db.Tx, who access.Actor, p *Plan, a *Activation, office lifecycle.Text, why string, proposal int64, withdrawn int, now time.Time) error {
	from := a.Level
	if err := changeActivation(tx, a, from, now); err != nil {
		return err
	}
	line := respond.Entry{At: now, Actor: who, Kind: "plan", Text: by(endedText(p, a), office), Free: why, Data: map[string]any{
		"plan": p.ID, "activation": a.ID, "from": from, "state": "ended", "proposal": proposal, "decided_by": office,
	}}
	if err := s.Cases.Enter(tx, a.Case, &line); err != nil {
		return err
	}
	if err := s.decided(tx, who, a, from, "", why, office, proposal, now); err != nil {
		return err
	}
	if err := s.lapseAdvice(tx, p, a, now); err != nil {
		return err
	}
	if err := s.leaf(tx, who, "plan.end", p, a, now, map[string]any{"from": from, "proposal": proposal, "withdrawn": withdrawn}); err != nil {
		return err
	}
	return outbox.Put(tx, events.PlanEnded{Plan: a.event(p, now), Activation: a.ID, Case: a.Case, By: who.ID})
}

// endWithCase ends a response whose case is closed, by the hand of who opens the next one. The tasks ended with the case.
func (s *Service) endWithCase(tx *db.Tx, who access.Actor, a *Activation, now time.Time) error {
	p, err := s.version(tx, a.Definition)
	if err != nil {
		return err
	}
	office, err := p.decidedBy(a.Level, "")
	if err != nil {
		return err
	}
	return s.end(tx, who, p, a, office, "事件已办结，应急响应随之终止。The incident is closed, and the response with it.", 0, 0, now)
}

// Decline says no to a proposal. It rests then for as long as one of its reasons stands and nothing higher is justified.
func (s *Service) Decline(ctx context.Context, id int64, why, key string) (respond.Receipt, error) {
	why, err := words(why, "why")
	if err != nil {
		return respond.Receipt{}, err
	}
	x, p, err := s.proposal(ctx, id)
	if err != nil {
		return respond.Receipt{}, err
	}
	players, err := s.players(ctx, p, x.Spot)
	if err != nil {
		return respond.Receipt{}, err
	}
	if err := s.Access.Decide(ctx, "plan.decide", p.resource(organisationOf(players, p.Lead().ID), x.Area), access.Operations); err != nil {
		return respond.Receipt{}, err
	}
	who := access.From(ctx)
	return s.Cases.Once(ctx, key, []any{"plan.decline", id, why}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		settled, err := settleProposal(tx, id, "declined", who.Name, why, now)
		if err != nil {
			return respond.Receipt{}, err
		}
		if !settled {
			return respond.Receipt{}, web.Errorf(http.StatusConflict, "plan.proposal_settled", "the proposal is not open any more")
		}
		x.State = "declined"
		if err := outbox.Put(tx, x.event(p, now)); err != nil {
			return respond.Receipt{}, err
		}
		return respond.Receipt{Item: id}, ledger.Append(tx, ledger.Entry{
			Action: "plan.decline", Actor: who.Name, ActorID: who.ID, Subject: "plan-proposal", SubjectID: id, At: now,
			Detail: map[string]any{"plan": p.ID, "what": x.What, "level": x.Level, "why_sha256": digest(why)},
		})
	})
}

// --- shared

func unknownPlan(id string) error {
	return web.Errorf(http.StatusNotFound, "plan.unknown", "no pack has the plan %q", id)
}

func noProposal(id int64, p *Plan) error {
	return web.Errorf(http.StatusNotFound, "plan.no_proposal", "there is no proposal %d for this response by the plan %s", id, p.ID).At("proposal")
}

func noLevel(p *Plan, level string) error {
	var have []string
	for _, l := range p.Levels {
		have = append(have, l.ID)
	}
	return web.Errorf(http.StatusUnprocessableEntity, "plan.level", "the plan has the levels %s, not %q", strings.Join(have, ", "), level).At("level")
}

// resource is what is decided about: whoever leads a plan for the whole city must stand above or be its lead agency; a plan for
// a place may be decided by who has a duty there.
func (p *Plan) resource(lead, area int64) access.Resource {
	r := access.Resource{Type: "plan", Name: p.ID, Organisation: lead}
	if p.Per == "place" {
		r.Area = area
	}
	if r.Organisation == 0 && r.Area == 0 {
		r.Organisation = -1 // nobody is known to lead it: the city itself decides
	}
	return r
}

// decide asks whether the actor may decide about a response.
func (s *Service) decide(ctx context.Context, id int64) error {
	a, p, err := s.find(ctx, id)
	if err != nil {
		return err
	}
	return s.Access.Decide(ctx, "plan.decide", p.resource(organisationOf(a.Agencies, p.Lead().ID), a.Area), access.Operations)
}

// find returns a response with the definition that it lives by.
func (s *Service) find(ctx context.Context, id int64) (a *Activation, p *Plan, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if a, err = getActivation(tx, id); err == nil {
			p, err = s.version(tx, a.Definition)
		}
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		err = web.Errorf(http.StatusNotFound, "plan.no_response", "there is no response %d", id)
	}
	return a, p, err
}

// active returns a response that is under way.
func (s *Service) active(tx *db.Tx, id int64) (*Activation, *Plan, error) {
	a, err := getActivation(tx, id)
	if err != nil {
		return nil, nil, err
	}
	if a.State != "active" {
		return nil, nil, web.Errorf(http.StatusConflict, "plan.ended", "the response has ended")
	}
	p, err := s.version(tx, a.Definition)
	return a, p, err
}

func (s *Service) proposal(ctx context.Context, id int64) (x *Proposal, p *Plan, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		x, err = getProposal(tx, id)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil, web.Errorf(http.StatusNotFound, "plan.no_proposal", "there is no proposal %d", id)
	}
	if err != nil {
		return nil, nil, err
	}
	if p = s.plans[x.Plan]; p == nil {
		return nil, nil, unknownPlan(x.Plan)
	}
	return x, p, nil
}

// version returns a definition by its hash.
func (s *Service) version(tx *db.Tx, hash string) (*Plan, error) {
	s.mu.Lock()
	p := s.versions[hash]
	s.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := getDefinition(tx, hash)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.versions[hash] = p
	s.mu.Unlock()
	return p, nil
}

func (s *Service) caseClosed(tx *db.Tx, caseID int64) (bool, error) {
	c, err := respond.Find(tx, caseID)
	return err == nil && !c.ClosedAt.IsZero(), err
}

// stillOpen refuses a case that is closed: no task could be given in it.
func (s *Service) stillOpen(tx *db.Tx, caseID int64) error {
	closed, err := s.caseClosed(tx, caseID)
	if closed {
		err = web.Errorf(http.StatusConflict, "plan.case_closed", "case %d is closed", caseID).At("case")
	}
	return err
}

func (s *Service) decided(tx *db.Tx, who access.Actor, a *Activation, from, to, why string, office lifecycle.Text, proposal int64, now time.Time) error {
	return insertChange(tx, a.ID, Change{
		At: now, From: from, To: to, ByID: who.ID, By: who.Name, Organisation: who.Organisation, Why: why, DecidedBy: office, Proposal: proposal,
	})
}

// leaf is the ledger entry of a decision. Its words may name someone and stay in the store; their hash binds them.
func (s *Service) leaf(tx *db.Tx, who access.Actor, action string, p *Plan, a *Activation, now time.Time, detail map[string]any) error {
	detail["plan"], detail["definition"], detail["case"], detail["drill"] = p.ID, a.Definition, a.Case, a.Drill
	detail["organisation"] = who.Organisation
	cs, err := changes(tx, a.ID)
	if err != nil {
		return err
	}
	last := cs[len(cs)-1]
	detail["why_sha256"], detail["decided_by_sha256"] = digest(last.Why), digest(last.DecidedBy.Zh)
	return ledger.Append(tx, ledger.Entry{
		Action: action, Actor: who.Name, ActorID: who.ID, Subject: "plan", SubjectID: a.ID, At: now, Detail: detail,
	})
}

func (a *Activation) event(p *Plan, now time.Time) events.Plan {
	return events.Plan{Plan: p.ID, Pack: p.Pack, Level: a.Level, Drill: a.Drill, Area: a.Area, At: now}
}

func playersOf(players []Player, agency string) []int64 {
	if i := slices.IndexFunc(players, func(x Player) bool { return x.Agency == agency }); i >= 0 {
		return players[i].Organisations
	}
	return nil
}

func organisationOf(players []Player, agency string) int64 {
	if found := playersOf(players, agency); len(found) > 0 {
		return found[0]
	}
	return 0
}

// gaps are the agencies that nobody plays.
func gaps(players []Player) []string {
	out := []string{}
	for _, x := range players {
		if len(x.Organisations) == 0 {
			out = append(out, x.Agency)
		}
	}
	return out
}

func refs(reasons []Reason) []map[string]any {
	out := []map[string]any{}
	for _, r := range reasons {
		out = append(out, map[string]any{"kind": r.Kind, "ref": r.Ref, "level": r.Level})
	}
	return out
}

func openedText(p *Plan, a *Activation) lifecycle.Text {
	l := p.Level(a.Level).Title
	t := lifecycle.Words(l.En+" opened: "+p.Title.En, "启动"+p.Title.Zh+l.Zh)
	if a.Drill {
		t = lifecycle.Words("Exercise. "+t.En, "【演练】"+t.Zh)
	}
	return t
}

func changedText(p *Plan, from, to string) lifecycle.Text {
	a, b := p.Level(from).Title, p.Level(to).Title
	if rank(to) > rank(from) {
		return lifecycle.Words("Response raised from "+a.En+" to "+b.En, "应急响应由"+a.Zh+"提升为"+b.Zh)
	}
	return lifecycle.Words("Response lowered from "+a.En+" to "+b.En, "应急响应由"+a.Zh+"降为"+b.Zh)
}

func endedText(p *Plan, a *Activation) lifecycle.Text {
	l := p.Level(a.Level).Title
	return lifecycle.Words(l.En+" ended: "+p.Title.En, "终止"+p.Title.Zh+l.Zh)
}

// maxOffice is the longest name of an office that a person writes, in characters.
const maxOffice = 80

// decidedBy is in whose name a level is decided: as a person wrote, else the office that the plan names.
func (p *Plan) decidedBy(level, written string) (lifecycle.Text, error) {
	if strings.TrimSpace(written) == "" {
		if l := p.Level(level); l != nil {
			return l.DecidedBy, nil
		}
		return lifecycle.Text{}, nil // SetLevel says what is wrong with the level
	}
	if utf8.RuneCountInString(written) > maxOffice {
		return lifecycle.Text{}, web.Errorf(http.StatusUnprocessableEntity, "plan.text", "at most %d characters", maxOffice).At("decided_by")
	}
	office, err := words(written, "decided_by")
	return lifecycle.Words(office, office), err
}

// by adds in whose name something is decided.
func by(t, office lifecycle.Text) lifecycle.Text {
	return lifecycle.Words(t.En+" (decided by "+office.En+")", t.Zh+"（由"+office.Zh+"决定）")
}

// words brings a person's reason into form and masks it.
func words(text, field string) (string, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return "", web.Errorf(http.StatusUnprocessableEntity, "plan.text", "write why").At(field)
	case utf8.RuneCountInString(text) > maxText:
		return "", web.Errorf(http.StatusUnprocessableEntity, "plan.text", "at most %d characters", maxText).At(field)
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return "", web.Errorf(http.StatusUnprocessableEntity, "plan.text", "the text holds characters that cannot be shown").At(field)
	}
	return guard.Mask(text), nil
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
