package partner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// maxPartners bounds how many there are.
const maxPartners = 200

// administrator returns who acts.
func (s *Service) administrator(ctx context.Context) (access.Actor, error) {
	err := s.Access.Decide(ctx, "warning.partners", access.Resource{Type: "partner"}, access.Administration)
	return access.From(ctx), err
}

// Add registers a partner; it is read at once.
func (s *Service) Add(ctx context.Context, r Registration) (*Partner, error) {
	who, err := s.administrator(ctx)
	if err != nil {
		return nil, err
	}
	r.complete()
	if err := s.checked(ctx, &r); err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	p := &Partner{Registration: r, AddedAt: now, NextAt: now}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		all, err := partners(tx)
		if err != nil {
			return err
		}
		if len(all) >= maxPartners {
			return web.Errorf(409, "partner.too_many", "there are %d partners already, which is the most", len(all))
		}
		for _, x := range all {
			if x.URL == r.URL {
				return web.Errorf(409, "partner.twice", "partner %d has this address already", x.ID).At("url")
			}
		}
		if err := insertPartner(tx, p); err != nil {
			return fmt.Errorf("register warning partner: %w", err)
		}
		tx.Signal(signal)
		return s.written(tx, "partner.add", who, p, now)
	})
	if err != nil {
		return nil, err
	}
	return s.partner(ctx, p.ID)
}

func (s *Service) checked(ctx context.Context, r *Registration) error {
	hazards, err := s.Hazards.Hazards(access.With(ctx, access.System("partners")))
	if err != nil {
		return fmt.Errorf("hazards: %w", err)
	}
	return r.check(hazards, s.Verifier)
}

// Change changes what change sets. The feed is then read anew as a whole.
func (s *Service) Change(ctx context.Context, id int64, change func(*Registration)) (*Partner, error) {
	who, err := s.administrator(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.partner(ctx, id)
	if err != nil {
		return nil, err
	}
	before := p.revision
	change(&p.Registration)
	p.complete()
	if err := s.checked(ctx, &p.Registration); err != nil {
		return nil, err
	}
	again, err := s.judgedAgain(ctx, p)
	if err != nil {
		return nil, err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		now := s.Clock.Now()
		x, err := partnerByID(tx, id)
		if err != nil {
			return err
		}
		if x.revision != before {
			return web.Errorf(409, "partner.changed", "somebody else has changed this partner meanwhile; look at it again")
		}
		p.NextAt = now
		if err := updatePartner(tx, p); err != nil {
			return fmt.Errorf("change warning partner %d: %w", id, err)
		}
		if err := s.renew(tx, p, again, now); err != nil {
			return fmt.Errorf("judge the messages of warning partner %d again: %w", id, err)
		}
		if err := s.changed(tx, 1+len(again)); err != nil { // its name, too
			return err
		}
		tx.Signal(signal)
		return s.written(tx, "partner.change", who, p, now)
	})
	if err != nil {
		return nil, err
	}
	return s.partner(ctx, id)
}

// Remove has a partner be read no more; what it sent is at once no longer in force.
func (s *Service) Remove(ctx context.Context, id int64) error {
	who, err := s.administrator(ctx)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		now := s.Clock.Now()
		p, err := partnerByID(tx, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`update warning_partners set removed_at = $1, revision = revision + 1 where id = $2`, db.Micros(now), id); err != nil {
			return err
		}
		ms, err := scanMessages(tx, `select `+messageColumns+` from received_messages where `+standing+` and partner = $2 order by id nulls last`, db.Micros(now), id)
		if err != nil {
			return err
		}
		for _, m := range ms {
			if err := s.takeOut(tx, p, m, byRemoval, now); err != nil {
				return err
			}
		}
		if err := s.changed(tx, 1+len(ms)); err != nil {
			return err
		}
		tx.Signal(signal)
		return s.written(tx, "partner.remove", who, p, now)
	})
}

// takeOut ends a message that no other has ended.
func (s *Service) takeOut(tx *db.Tx, p *Partner, m *Message, kind string, now time.Time) error {
	m.EndedAt, m.EndKind = &now, kind
	if err := updateEnd(tx, m); err != nil {
		return err
	}
	if m.told != toldStanding {
		return nil
	}
	m.told = toldEnded
	if err := updateTold(tx, m); err != nil {
		return err
	}
	return outbox.Put(tx, events.RelayEnded{Relay: m.event(p, now), How: kind})
}

// Poll reads a partner now, whatever its time; an administrator asks for it.
func (s *Service) Poll(ctx context.Context, id int64) (*Partner, error) {
	who, err := s.administrator(ctx)
	if err != nil {
		return nil, err
	}
	if !s.begin(id) {
		return nil, web.Errorf(409, "partner.busy", "partner %d is being read at this moment", id)
	}
	defer s.end(id)
	p, err := s.partner(ctx, id)
	if err != nil {
		return nil, err
	}
	if !*p.Active {
		return nil, web.Errorf(409, "partner.inactive", "partner %d is switched off", id)
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error { return s.written(tx, "partner.poll", who, p, s.Clock.Now()) })
	if err != nil {
		return nil, err
	}
	if err := s.poll(access.With(ctx, access.System("partners")), p); err != nil {
		return nil, err
	}
	return s.partner(ctx, id)
}

func (s *Service) partner(ctx context.Context, id int64) (p *Partner, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		p, err = partnerByID(tx, id)
		return err
	})
	return p, err
}

// written puts a deed into the ledger.
func (s *Service) written(tx *db.Tx, action string, who access.Actor, p *Partner, now time.Time) error {
	return ledger.Append(tx, ledger.Entry{Action: action, Actor: orElse(who.Name, who.Kind.String()), ActorID: who.ID, Subject: "partner", SubjectID: p.ID, At: now,
		Detail: map[string]any{"title": p.Title.In("en"), "url": p.URL, "service": p.Service, "trust": p.Trust, "covers": p.Covers, "active": *p.Active, "every": p.Every}})
}

// Received are messages, newest first, after the id (0: from the start). state is in-force or all; partner 0 stands for all.
func (s *Service) Received(ctx context.Context, state string, partner, after int64, limit int) (out []*Message, err error) {
	if err := s.Access.Decide(ctx, "warning.received", access.Resource{Type: "warning"}, access.Operations); err != nil {
		return nil, err
	}
	condition := map[string]string{"in-force": standing, "all": ` $1 > cast(0 as bigint) `}[state]
	if condition == "" {
		return nil, web.Errorf(422, "partner.state", "state %q is not one of in-force, all", state).At("state")
	}
	now := s.Clock.Now()
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		most := max(limit, 200) // whoever may read little of it shall not ask for each row
		for after := after; ; {
			page, err := scanMessages(tx, `select `+messageColumns+` from received_messages where `+condition+`
				and (cast($2 as bigint) = 0 or partner = cast($2 as bigint)) and (cast($3 as bigint) = 0 or id < cast($3 as bigint))
				order by id desc nulls last limit $4`, db.Micros(now), partner, after, most)
			if err != nil {
				return err
			}
			for _, m := range page {
				after = m.ID
				if len(out) < limit && s.mayRead(ctx, m) == nil {
					m.seen(now)
					out = append(out, m)
				}
			}
			if len(page) < most || len(out) >= limit {
				return nil
			}
		}
	})
	return out, err
}

// mayRead asks whether a message that is not for everybody concerns the one who asks, as for the city's own warnings. One that can't be
// placed is for the city's own people, and so is what could not be read, since it may be anything.
func (s *Service) mayRead(ctx context.Context, m *Message) error {
	if m.Scope == cap.Public {
		return nil
	}
	return s.Access.Decide(ctx, "warning.restricted", access.Resource{Type: "warning", ID: m.ID, Touches: m.concerns}, access.Operations)
}

// seen puts the clock's answers into a message.
func (m *Message) seen(now time.Time) {
	m.Force = m.inForce(now)
	if m.Speaks && m.EndedAt == nil && !m.Expires.After(now) && m.Verdict != "reject" {
		at := m.Expires
		m.EndedAt, m.EndKind = &at, byExpiry
	}
}

// ReceivedOne is one message with its document.
func (s *Service) ReceivedOne(ctx context.Context, id int64) (m *Message, document string, err error) {
	if err := s.Access.Decide(ctx, "warning.received", access.Resource{Type: "warning", ID: id}, access.Operations); err != nil {
		return nil, "", err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		if m, err = scanMessage(tx.QueryRow(`select `+messageColumns+` from received_messages where id = $1`, id)); err != nil {
			return err
		}
		if err := s.mayRead(ctx, m); err != nil {
			return err
		}
		return tx.QueryRow(`select document from received_messages where id = $1`, id).Scan(&document)
	})
	if errors.Is(err, db.ErrNotFound) {
		return nil, "", web.Errorf(404, "partner.unknown_message", "there is no received message %d", id)
	}
	if err == nil {
		m.seen(s.Clock.Now())
	}
	return m, document, err
}
