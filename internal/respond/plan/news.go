package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Run listens to the other rooms, and asks the adviser, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	ctx = access.With(ctx, access.System("plan"))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.News.Consume(ctx, "plan", heard, s.Hear) })
	g.Go(func() error {
		for {
			if err := s.rested(ctx); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "declined proposals are not looked at again", "err", err)
			}
			if err := s.Advise(ctx); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "no advice for the responses under way", "err", err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-s.Clock.After(adviseEvery):
			}
		}
	})
	return g.Wait()
}

// heard are the events that may be a reason to open, raise, lower or end.
var heard = []string{
	"alert.raised", "alert.changed", "alert.rest_over", "alert.cleared",
	"warning.issued", "warning.updated", "warning.cancelled", "warning.expired",
	"relay.issued", "relay.updated", "relay.ended",
	"case.opened", "case.moved", "case.changed", "case.reopened", "case.closed",
}

// Hear takes an event of another room. It may come more than once.
func (s *Service) Hear(ctx context.Context, m bus.Message) error {
	if err := s.Access.Decide(ctx, "plan.propose", access.Resource{Type: "plan"}, access.Operations); err != nil {
		return err
	}
	room, _, _ := strings.Cut(m.Subject, ".")
	switch room {
	case "alert":
		return s.alert(ctx, m)
	case "warning":
		return s.warning(ctx, m)
	case "relay":
		return s.relay(ctx, m)
	case "case":
		return s.incident(ctx, m)
	}
	return nil
}

// drop lets an event go that no repeat can make good.
func drop(err error) error { return fmt.Errorf("%w: %w", bus.ErrDrop, err) }

func (s *Service) alert(ctx context.Context, m bus.Message) error {
	var a events.AlertFacts
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return drop(err)
	}
	// One that rests calls nobody, and so asks for no plan.
	if m.Subject == "alert.cleared" || a.Rests || a.Kind == "monitoring" {
		return s.over(ctx, m.ID, "alert", a.Alert)
	}
	if !s.hears("alert", a.Detector) {
		return nil
	}
	spot, err := s.Register.Locate(ctx, inspect.Spot{Asset: a.Asset, Place: a.Place, Area: a.Area, Owner: a.Organisation, Point: a.Point})
	if err != nil && !errors.Is(err, db.ErrNotFound) { // an asset that was deleted meanwhile has spoken all the same
		return fmt.Errorf("locate alert %d: %w", a.Alert, err)
	}
	r := Reason{
		Kind: "alert", Ref: a.Alert, Name: a.Detector, Level: a.Level, Since: a.Since, Streams: a.Datastreams,
		Text: lifecycle.Words(a.Title.EN+": "+a.Because.EN, a.Title.ZH+"："+a.Because.ZH),
	}
	return s.stands(ctx, m.ID, r, spot, func(*Plan) bool { return true })
}

func (s *Service) warning(ctx context.Context, m bus.Message) error {
	var w events.Warning // all events of a warning have these
	if err := json.Unmarshal(m.Data, &w); err != nil {
		return drop(err)
	}
	if m.Subject == "warning.cancelled" || m.Subject == "warning.expired" {
		return s.over(ctx, m.ID, "warning", w.Warning)
	}
	if w.Status != "Actual" && w.Status != "Exercise" || !s.hears("warning", w.Hazard) {
		return nil
	}
	var spot inspect.Spot
	if len(w.Areas) == 1 {
		spot.Area = w.Areas[0]
	}
	r := Reason{
		Kind: "warning", Ref: w.Warning, Name: w.Hazard, Level: w.Level, Drill: w.Status == "Exercise", Since: w.At,
		Text: lifecycle.Words("Warning "+w.Number+" ("+w.Hazard+", "+w.Level+")", colourNames[w.Level]+"预警 "+w.Number+"（"+w.Hazard+"）"),
	}
	return s.stands(ctx, m.ID, r, spot, func(*Plan) bool { return true })
}

// relay takes another service's warning: it speaks for the same plans as one of our own.
func (s *Service) relay(ctx context.Context, m bus.Message) error {
	var w events.Relay // all events of a relayed warning have these
	if err := json.Unmarshal(m.Data, &w); err != nil {
		return drop(err)
	}
	// An update may have made something else of it, which no plan hears.
	if m.Subject == "relay.ended" || w.Status != "Actual" && w.Status != "Exercise" || !s.hears("relay", w.Hazard) {
		return s.over(ctx, m.ID, "relay", w.Relay)
	}
	var spot inspect.Spot
	if len(w.Areas) == 1 {
		spot.Area = w.Areas[0]
	}
	r := Reason{
		Kind: "relay", Ref: w.Relay, Name: w.Hazard, Level: w.Level, Drill: w.Status == "Exercise", Since: w.At,
		Text: lifecycle.Words(w.Issuer.EN+" warns ("+w.Hazard+", "+w.Level+")", w.Issuer.ZH+"发布"+colourNames[w.Level]+"预警（"+w.Hazard+"）"),
	}
	return s.stands(ctx, m.ID, r, spot, func(*Plan) bool { return true })
}

// incident looks at what an incident's case says of its grade now: the events of cases don't carry it.
func (s *Service) incident(ctx context.Context, m bus.Message) error {
	var e struct {
		Case int64  `json:"case"`
		Kind string `json:"kind"` // empty where the event does not say
	}
	if err := json.Unmarshal(m.Data, &e); err != nil {
		return drop(err)
	}
	if e.Kind != "" && e.Kind != CaseKind {
		return nil
	}
	if m.Subject == "case.closed" || m.Subject == "case.reopened" {
		if err := s.closed(ctx, e.Case); err != nil {
			return err
		}
	}
	if !s.hears("incident", "") {
		return nil
	}
	var c *respond.Case
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		c, err = respond.Find(tx, e.Case)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return drop(err)
	}
	if err != nil || c.Kind != CaseKind {
		return err
	}
	grade, _ := c.Fields["grade"].(string)
	if !c.ClosedAt.IsZero() || grade == "" {
		return s.over(ctx, m.ID, "incident", c.ID)
	}
	hazard, _ := c.Fields["hazard"].(string)
	drill, _ := c.Fields["drill"].(bool)
	pack := s.Register.Pack(ctx, c.Asset)
	r := Reason{
		Kind: "incident", Ref: c.ID, Level: grade, Drill: drill, Since: c.OpenedAt,
		Text: lifecycle.Words(fmt.Sprintf("Incident %d, graded %s", c.ID, grade), fmt.Sprintf("突发事件 %d，%s", c.ID, gradeNames[grade])),
	}
	return s.stands(ctx, m.ID, r, c.Spot, func(p *Plan) bool {
		if hazard != "" {
			return hazard == p.About
		}
		return pack == p.Pack || strings.HasPrefix(c.Category, p.Pack+"/")
	})
}

// closed weighs the responses of a case anew that was closed, so that their end is proposed, or opened again.
func (s *Service) closed(ctx context.Context, caseID int64) error {
	var as []*Activation
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) { // most cases have no response: the writer need not be asked
		as, err = activations(tx, true, caseID, 0, 100)
		return err
	})
	if err != nil || len(as) == 0 {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		for _, a := range as {
			if p := s.plans[a.Plan]; p != nil {
				if err := s.weigh(tx, p, a.Site, s.now()); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// restFor is how long a proposal that was declined is not made again, however its reasons come and go, unless they justify a
// higher level: a working value.
const restFor = 2 * time.Hour

// rested weighs anew where a declined proposal has rested long enough: what stands there still has no event to tell of it. It
// looks a day back, so that a restart misses nothing.
func (s *Service) rested(ctx context.Context) error {
	until := s.now().Add(-restFor)
	var sites [][2]string
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		sites, err = declinedSites(tx, until.Add(-24*time.Hour), until)
		return err
	})
	if err != nil || len(sites) == 0 {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		for _, at := range sites {
			if p := s.plans[at[0]]; p != nil {
				if err := s.weigh(tx, p, at[1], s.now()); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// hears says whether any plan asks for reasons of this kind and name.
func (s *Service) hears(kind, name string) bool {
	return slices.ContainsFunc(s.Plans, func(p *Plan) bool { return p.Hears(kind, name) })
}

// stands keeps a reason for each plan that it concerns, and weighs what follows. event says so; a plan that has heard later news of
// the same knows better.
func (s *Service) stands(ctx context.Context, event int64, r Reason, spot inspect.Spot, concerns func(*Plan) bool) error {
	caseID := int64(0)
	if r.Kind == "incident" {
		caseID = r.Ref
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		now := s.now()
		for _, p := range s.Plans {
			if !p.Hears(r.Kind, r.Name) || !concerns(p) {
				continue
			}
			site := p.siteOf(spot, caseID)
			fresh, err := putReason(tx, event, p.ID, site, r, spot)
			if err != nil {
				return err
			}
			if !fresh {
				continue
			}
			if err := s.weigh(tx, p, site, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// over lets a reason stand no longer, and weighs what follows. event says so, as for stands.
func (s *Service) over(ctx context.Context, event int64, kind string, ref int64) error {
	known := false
	err := s.DB.Read(ctx, func(tx *db.Tx) error { // most alerts are no reason for any plan: the writer need not be asked
		var n int
		err := tx.QueryRow(`select count(*) from plan_reasons where kind = $1 and ref = $2 and ended_at is null and event < $3`, kind, ref, event).Scan(&n)
		known = n > 0
		return err
	})
	if err != nil || !known {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		now := s.now()
		sites, err := endReason(tx, event, kind, ref, now)
		if err != nil {
			return err
		}
		for _, at := range sites {
			if p := s.plans[at[0]]; p != nil { // a plan that left the packs proposes nothing
				if err := s.weigh(tx, p, at[1], now); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// weigh compares what the standing reasons justify with what is in force, and brings the proposal up to date: there is one at
// most for a plan and a site, and it says what a person should decide now.
func (s *Service) weigh(tx *db.Tx, p *Plan, site string, now time.Time) error {
	want, err := s.wanted(tx, p, site, now)
	if err != nil {
		return err
	}
	open, err := lastProposal(tx, p.ID, site, "open")
	if err != nil {
		return err
	}
	switch {
	case open == nil && want == nil:
		return nil
	case open != nil && want != nil && open.What == want.What && open.Level == want.Level && open.Activation == want.Activation:
		if slices.EqualFunc(open.Reasons, want.Reasons, func(a, b Reason) bool { return a.Kind == b.Kind && a.Ref == b.Ref && a.Level == b.Level }) {
			return nil
		}
		open.Reasons, open.Drill, open.ChangedAt = want.Reasons, want.Drill, now
		if err := renewProposal(tx, open); err != nil {
			return err
		}
		return outbox.Put(tx, open.event(p, now))
	case open != nil:
		if _, err := settleProposal(tx, open.ID, "lapsed", "", "", now); err != nil {
			return err
		}
		open.State = "lapsed"
		if err := outbox.Put(tx, open.event(p, now)); err != nil {
			return err
		}
	}
	if want == nil {
		return nil
	}
	if err := insertProposal(tx, want); err != nil {
		return err
	}
	return outbox.Put(tx, want.event(p, now))
}

// wanted is what should be proposed for a plan at a site; nil for nothing.
func (s *Service) wanted(tx *db.Tx, p *Plan, site string, now time.Time) (*Proposal, error) {
	reasons, spots, err := standing(tx, p.ID, site)
	if err != nil {
		return nil, err
	}
	level, why := p.Justified(reasons)
	a, err := activeAt(tx, p.ID, site)
	if err != nil {
		return nil, err
	}
	x := &Proposal{Plan: p.ID, Site: site, Level: level, Reasons: why, At: now, ChangedAt: now}
	inForce, has := "", false
	if a != nil {
		if level != "" && !a.Spoke {
			if err := spoke(tx, a); err != nil {
				return nil, err
			}
		}
		inForce, has, x.Activation, x.Spot = a.Level, a.Spoke, a.ID, a.Spot
	} else {
		x.Spot = common(p, why, reasons, spots)
	}
	if a != nil {
		over, err := s.caseClosed(tx, a.Case)
		if err != nil {
			return nil, err
		}
		if over { // whatever stands: it can go on in another incident only
			x.What, x.Level, x.Drill = "end", "", a.Drill
			x.Reasons = []Reason{{Kind: "incident", Ref: a.Case, Drill: a.Drill, Since: a.OpenedAt,
				Text: lifecycle.Words(fmt.Sprintf("Incident %d is closed", a.Case), fmt.Sprintf("突发事件 %d 已办结", a.Case))}}
			rests, err := s.rests(tx, x, a)
			if err != nil || rests {
				return nil, err
			}
			return x, nil
		}
	}
	x.Drill = len(why) > 0 && !slices.ContainsFunc(why, func(r Reason) bool { return !r.Drill })
	if x.What = next(inForce, level, has); x.What == "" {
		return nil, nil
	}
	rests, err := s.rests(tx, x, a)
	if err != nil || rests {
		return nil, err
	}
	return x, nil
}

// rests says whether a person has said all there is to say about a proposal: declined it less than restFor ago, declined it, or ended a response, while one of its
// reasons stood, and it asks for nothing higher.
func (s *Service) rests(tx *db.Tx, x *Proposal, a *Activation) (bool, error) {
	if x.What == "open" || x.What == "raise" {
		ds, err := declinedAfter(tx, x.Plan, x.Site, x.At.Add(-restFor))
		if err != nil {
			return false, err
		}
		for _, d := range ds {
			if d.What == x.What && d.Activation == x.Activation && rank(x.Level) <= rank(d.Level) {
				return true, nil
			}
		}
	}
	d, err := lastProposal(tx, x.Plan, x.Site, "declined")
	if err != nil {
		return false, err
	}
	if d != nil && d.What == x.What && d.Activation == x.Activation {
		switch x.What {
		case "lower", "end":
			cs, err := changes(tx, a.ID)
			if err != nil {
				return false, err
			}
			if d.Level == x.Level && !d.DecidedAt.Before(cs[len(cs)-1].At) {
				return true, nil
			}
		default:
			if rank(x.Level) <= rank(d.Level) && slices.ContainsFunc(x.Reasons, func(r Reason) bool { return among(d.Reasons, r) }) {
				return true, nil
			}
		}
	}
	if x.What != "open" {
		return false, nil
	}
	last, err := lastEnded(tx, x.Plan, x.Site)
	if err != nil || last == nil {
		return false, err
	}
	return rank(x.Level) <= rank(last.Level) && !slices.ContainsFunc(x.Reasons, func(r Reason) bool { return r.Since.After(last.EndedAt) }), nil
}

func among(rs []Reason, r Reason) bool {
	return slices.ContainsFunc(rs, func(x Reason) bool { return x.Kind == r.Kind && x.Ref == r.Ref && x.Since.Equal(r.Since) })
}

// common is where the reasons of a proposal are: for a place that place, for the whole city what all of them have in common.
func common(p *Plan, why, reasons []Reason, spots []inspect.Spot) (out inspect.Spot) {
	first := true
	for i, r := range reasons {
		if !slices.ContainsFunc(why, func(x Reason) bool { return x.Kind == r.Kind && x.Ref == r.Ref }) {
			continue
		}
		switch {
		case first:
			out, first = spots[i], false
		case p.Per == "place": // that of the first
		default:
			out = inspect.Spot{Asset: same(out.Asset, spots[i].Asset), Place: same(out.Place, spots[i].Place), Area: same(out.Area, spots[i].Area),
				Owner: same(out.Owner, spots[i].Owner)}
		}
	}
	return out
}

func same(a, b int64) int64 {
	if a == b {
		return a
	}
	return 0
}

// deed is what a decision does: open, raise, lower or end; to which level, "" at the end; of which response, 0 at the opening.
type deed struct {
	what, level string
	activation  int64
}

// follows settles the proposal that a decision followed and weighs anew what is to be proposed now. A decision can follow only a
// proposal that is open and asks for this deed; at which level, the person decides.
func (s *Service) follows(tx *db.Tx, who access.Actor, p *Plan, site string, d deed, proposal int64, why string, now time.Time) error {
	if proposal != 0 {
		x, err := getProposal(tx, proposal)
		if errors.Is(err, db.ErrNotFound) || err == nil && (x.Plan != p.ID || x.Site != site) {
			return noProposal(proposal, p)
		}
		if err != nil {
			return err
		}
		switch {
		case x.State != "open":
			return web.Errorf(http.StatusConflict, "plan.proposal_settled", "proposal %d is not open any more: it is %s", x.ID, x.State).At("proposal")
		case x.What != d.what || x.Activation != d.activation: // the level is the person's: he may see more coming, or less
			return web.Errorf(http.StatusConflict, "plan.proposal_other", "proposal %d is to %s, not to %s",
				x.ID, strings.TrimSpace(x.What+" "+x.Level), strings.TrimSpace(d.what+" "+d.level)).At("proposal")
		}
		if _, err := settleProposal(tx, proposal, "taken", who.Name, why, now); err != nil {
			return err
		}
		x.State = "taken"
		if err := outbox.Put(tx, x.event(p, now)); err != nil {
			return err
		}
	}
	current := s.plans[p.ID] // what is proposed is by the plan as it is now
	if current == nil {
		current = p
	}
	return s.weigh(tx, current, site, now)
}

func (x *Proposal) event(p *Plan, now time.Time) events.PlanProposed {
	return events.PlanProposed{
		Plan:     events.Plan{Plan: p.ID, Pack: p.Pack, Level: x.Level, Drill: x.Drill, Area: x.Area, At: now},
		Proposal: x.ID, What: x.What, State: x.State, Activation: x.Activation,
	}
}

// now is the time to the microsecond, which is what the store keeps.
func (s *Service) now() time.Time { return s.Clock.Now().Truncate(time.Microsecond) }
