package warn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// Warning is what officers see of a warning.
type Warning struct {
	ID          int64           `json:"id"`
	Number      string          `json:"number"`
	State       State           `json:"state" enum:"proposed,issued,cancelled,expired"`
	Status      string          `json:"status" doc:"Actual, Exercise, System, Test or Draft"`
	Scope       string          `json:"scope"`
	Restriction string          `json:"restriction,omitempty"`
	Level       Level           `json:"level"`
	Hazard      string          `json:"hazard"`
	Event       page.Text       `json:"event"`
	Headline    page.Text       `json:"headline"`
	Description page.Text       `json:"description"`
	Instruction page.Text       `json:"instruction"`
	Areas       []area.AreaName `json:"areas"`
	Urgency     string          `json:"urgency"`
	Severity    string          `json:"severity"`
	Certainty   string          `json:"certainty"`
	Onset       time.Time       `json:"onset"`
	Expires     time.Time       `json:"expires"`
	Sent        *time.Time      `json:"sent"`
	Version     int             `json:"version" doc:"the version shown: in force, or waiting when none was issued yet"`
	Pending     *Pending        `json:"pending" doc:"an update that waits for a second officer"`
	ProposedBy  string          `json:"proposed_by"`
	ApprovedBy  string          `json:"approved_by,omitempty"`
	// MayApprove is whether the one who asks may publish what waits; the server holds it whatever a console shows.
	MayApprove bool `json:"may_approve"`
	// SecondPerson is whether another than the proposer must approve what waits.
	SecondPerson bool       `json:"second_person" doc:"whether another than the proposer must approve what waits"`
	Public       bool       `json:"public" doc:"whether it is in force for the public now"`
	EndedAt      *time.Time `json:"ended_at"`
	EndedBy      string     `json:"ended_by,omitempty"`
	EndKind      string     `json:"end_kind,omitempty" doc:"cancel, all-clear, expired or withdrawn"`
	EndReason    string     `json:"end_reason,omitempty"`
	Alerts       []int64    `json:"alerts,omitempty" doc:"the alerts that it answers, when a single warning is asked for"`
	Messages     []Message  `json:"messages,omitempty" doc:"all versions, when a single warning is asked for"`
}

// Pending is a proposal that waits.
type Pending struct {
	Version     int             `json:"version"`
	Level       Level           `json:"level"`
	Headline    page.Text       `json:"headline"`
	Description page.Text       `json:"description"`
	Instruction page.Text       `json:"instruction"`
	Areas       []area.AreaName `json:"areas"`
	Onset       time.Time       `json:"onset"`
	Expires     time.Time       `json:"expires"`
	ProposedBy  string          `json:"proposed_by"`
	ProposedAt  time.Time       `json:"proposed_at"`
}

// Message is one version of a warning: a proposal, or what was published.
type Message struct {
	Version    int        `json:"version"`
	Kind       Kind       `json:"kind" enum:"alert,update,cancel,all-clear"`
	State      State      `json:"state" enum:"proposed,issued,cancelled"`
	Level      Level      `json:"level"`
	Change     string     `json:"change" enum:"alert,upgrade,downgrade,update,cancel,all-clear" doc:"what it does to the level that was in force"`
	Identifier string     `json:"identifier,omitempty"`
	ProposedBy string     `json:"proposed_by"`
	ProposedAt time.Time  `json:"proposed_at"`
	ApprovedBy string     `json:"approved_by,omitempty"`
	Sent       *time.Time `json:"sent"`
	Reason     string     `json:"reason,omitempty"`
}

// Get returns one warning with all its versions.
func (s *Service) Get(ctx context.Context, id int64) (Warning, error) {
	if err := s.access.Decide(ctx, "warning.read", access.Resource{Type: "warning", ID: id}, access.Operations); err != nil {
		return Warning{}, err
	}
	return s.load(ctx, id)
}

// List returns warnings, newest first: those in force ("active"), those that wait for approval ("draft"), or "all".
func (s *Service) List(ctx context.Context, state string, after int64, limit int) ([]Warning, error) {
	if err := s.access.Decide(ctx, "warning.read", access.Resource{Type: "warning"}, access.Operations); err != nil {
		return nil, err
	}
	states := map[string][]State{"active": {Issued}, "draft": {Proposed, Issued}, "all": {Proposed, Issued, Cancelled, Expired}}[state]
	if states == nil {
		return nil, web.Errorf(422, "warning.state", "state %q is not one of active, draft, all", state).At("state")
	}
	rules, err := s.authority(ctx)
	if err != nil {
		return nil, err
	}
	var out []Warning
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out = []Warning{}
		now := s.now()
		for after := after; len(out) < limit; {
			list, err := listWarnings(tx, states, after, limit)
			if err != nil {
				return err
			}
			for _, f := range list[:min(len(list), limit)] {
				after = f.id
				// An issued warning is active until its time, and a draft is whatever waits, an update too.
				if len(out) == limit || state == "active" && !f.expires.After(now) || state == "draft" && f.pending == 0 {
					continue
				}
				vs := []version{f.shown}
				if f.pending != 0 && f.pending != f.shown.n || f.scope != cap.Public {
					if vs, err = loadVersions(tx, f.id); err != nil {
						return err
					}
				}
				if s.mayRead(ctx, &f.record, vs) == nil {
					out = append(out, s.view(ctx, rules, &f.record, vs, false))
				}
			}
			if len(list) < limit {
				break
			}
		}
		return nil
	})
	return out, err
}

// readable is a warning with its versions, if the one who asks may read it.
func (s *Service) readable(ctx context.Context, tx *db.Tx, id int64) (*record, []version, error) {
	r, err := loadWarning(tx, id)
	if err != nil {
		return nil, nil, err
	}
	vs, err := loadVersions(tx, id)
	if err != nil {
		return nil, nil, err
	}
	return r, vs, s.mayRead(ctx, r, vs)
}

func (s *Service) load(ctx context.Context, id int64) (w Warning, err error) {
	rules, err := s.authority(ctx)
	if err != nil {
		return w, err
	}
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		r, vs, err := s.readable(ctx, tx, id)
		if err != nil {
			return err
		}
		w = s.view(ctx, rules, r, vs, true)
		w.Alerts, err = causesOf(tx, id)
		return err
	})
	return w, err
}

// view builds what officers see out of a warning and the versions that were loaded.
func (s *Service) view(ctx context.Context, rules authority, r *record, vs []version, whole bool) Warning {
	shown := vs[len(vs)-1]
	if r.current != 0 {
		shown = currentOf(r, vs)
	} else if v, err := pendingOf(r, vs); err == nil {
		shown = v
	}
	now := s.now()
	at := now
	if !shown.sent.IsZero() && shown.state == Issued {
		at = shown.sent
	}
	c := shown.content
	w := Warning{
		ID: r.id, Number: r.number, State: r.state, Status: r.status, Scope: r.scope, Restriction: r.restriction,
		Level: c.Level, Hazard: c.Hazard, Event: c.About.Event, Headline: c.Headline, Description: c.Description, Instruction: c.Instruction,
		Areas: area.Names(c.Areas), Onset: c.Onset, Expires: c.Expires, Version: shown.n,
		ProposedBy: shown.proposedByName, ApprovedBy: shown.approvedByName,
		Public:  r.state == Issued && r.expires.After(now) && r.status == cap.Actual && r.scope == cap.Public,
		EndedAt: r.endedAt, EndedBy: r.endedBy, EndKind: r.endKind, EndReason: r.endReason,
	}
	w.Urgency, w.Severity, w.Certainty = c.words(at)
	if w.State == Issued && !r.expires.After(now) {
		w.State = Expired // the clock's loop will write it down in a moment
	}
	actor := access.From(ctx)
	if v, err := pendingOf(r, vs); err == nil {
		w.SecondPerson = rules.second(r, vs, v)
		w.MayApprove = actor.Kind == access.KindAccount && actor.ID != 0 && (v.proposedBy != actor.ID || !w.SecondPerson) &&
			rules.mayPublish(actor, r, vs, v) == nil && s.mayIn(ctx, "warning.approve", r.id, v.content) == nil
		if v.n != shown.n {
			w.Pending = &Pending{Version: v.n, Level: v.content.Level, Headline: v.content.Headline, Description: v.content.Description,
				Instruction: v.content.Instruction, Areas: area.Names(v.content.Areas), Onset: v.content.Onset, Expires: v.content.Expires,
				ProposedBy: v.proposedByName, ProposedAt: v.proposedAt}
		}
	}
	if shown.state == Issued {
		sent := shown.sent
		w.Sent = &sent
	}
	if whole {
		for _, v := range vs {
			m := Message{Version: v.n, Kind: v.kind, State: v.state, Level: v.content.Level, Change: v.kind.change(levelBefore(vs, v.n), v.content.Level), Identifier: v.identifier, ProposedBy: v.proposedByName,
				ProposedAt: v.proposedAt, ApprovedBy: v.approvedByName, Reason: v.reason}
			if v.state == Issued {
				sent := v.sent
				m.Sent = &sent
			}
			w.Messages = append(w.Messages, m)
		}
	}
	return w
}

// Hazards returns what a warning can be about, those that are only relayed included.
func (s *Service) Hazards(ctx context.Context) ([]Hazard, error) {
	if err := s.access.Decide(ctx, "warning.read", access.Resource{Type: "warning"}, access.PublicInformation); err != nil {
		return nil, err
	}
	return s.hazards.All(), nil
}

// Preview returns the CAP document that a proposal would become if it were approved now. It stores nothing.
func (s *Service) Preview(ctx context.Context, p Proposal) (string, error) {
	_, content, err := s.prepare(ctx, 0, p)
	if err != nil {
		return "", err
	}
	r := record{number: "0000-0000", status: orElse(p.Status, cap.Actual), scope: orElse(p.Scope, cap.Public), restriction: p.Restriction}
	if err := checkAudience(r.status, r.scope, r.restriction); err != nil {
		return "", err
	}
	a, err := s.options.compose(r.message(version{n: 1, kind: kindAlert, content: content}, s.now(), nil))
	if err != nil {
		return "", err
	}
	document, err := cap.Encode(a)
	return string(document), err
}

func digest(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

func (s *Service) log(ctx context.Context, what string, err error) {
	slog.ErrorContext(ctx, what, "err", err)
}
