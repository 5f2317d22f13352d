package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

const (
	// adviseEvery is how often a model is asked for the responses under way.
	adviseEvery = 5 * time.Minute
	// adviceDue is within what time an advice that a person has made a task of is to be carried out.
	adviceDue = 15 * time.Minute
)

// Advise asks the adviser about all responses under way and puts what is new onto their boards. It carries nothing out.
func (s *Service) Advise(ctx context.Context) error {
	if s.Adviser == nil {
		return nil
	}
	var under []*Activation
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		under, err = activations(tx, true, 0, 0, 1000)
		return err
	})
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range under {
		if err := s.advise(ctx, a); err != nil {
			errs = append(errs, fmt.Errorf("response %d: %w", a.ID, err))
		}
	}
	return errors.Join(errs...)
}

func (s *Service) advise(ctx context.Context, a *Activation) error {
	_, p, err := s.find(ctx, a.ID)
	if err != nil {
		return err
	}
	says, err := s.Adviser.Advise(ctx, p, *a)
	if err != nil {
		return err
	}
	digests := make([]string, len(says))
	for i := range says {
		body, err := json.Marshal(says[i])
		if err != nil {
			return fmt.Errorf("encode advice: %w", err)
		}
		digests[i] = digest(string(body))
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		now := s.now()
		a, err := getActivation(tx, a.ID)
		if err != nil || a.State != "active" {
			return err
		}
		there, known, err := advice(tx, a.ID)
		if err != nil {
			return err
		}
		for i, x := range there {
			if x.State != "open" || slices.Contains(digests, known[i]) {
				continue
			}
			if err := s.settleAdvice(tx, p, a, x.ID, "lapsed", "", "", now); err != nil {
				return err
			}
		}
		for i, x := range says {
			// The same figures are not put before a person twice in a row, whatever was said of them.
			if n := len(known); n > 0 && slices.Contains(known[max(0, n-len(says)):], digests[i]) {
				continue
			}
			n := Advice{Activation: a.ID, Body: x, At: now}
			if err := insertAdvice(tx, &n, digests[i]); err != nil {
				return err
			}
			if err := outbox.Put(tx, events.PlanAdvised{Plan: a.event(p, now), Activation: a.ID, Advice: n.ID, State: "open"}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) settleAdvice(tx *db.Tx, p *Plan, a *Activation, id int64, state, by, why string, now time.Time) error {
	settled, err := settleAdvice(tx, id, state, by, why, now)
	if err != nil {
		return err
	}
	if !settled {
		return web.Errorf(http.StatusConflict, "plan.advice_settled", "the advice is not open any more")
	}
	return outbox.Put(tx, events.PlanAdvised{Plan: a.event(p, now), Activation: a.ID, Advice: id, State: state})
}

// lapseAdvice lets the open advice of a response go, when that has ended.
func (s *Service) lapseAdvice(tx *db.Tx, p *Plan, a *Activation, now time.Time) error {
	all, _, err := advice(tx, a.ID)
	if err != nil {
		return err
	}
	for _, x := range all {
		if x.State == "open" {
			if err := s.settleAdvice(tx, p, a, x.ID, "lapsed", "", "", now); err != nil {
				return err
			}
		}
	}
	return nil
}

// AdviceRequest is a person's word on an advice.
type AdviceRequest struct {
	Take bool   `json:"take" doc:"true makes a task of it for the agency that it names; false declines it"`
	Why  string `json:"why"`
}

// SettleAdvice makes a task of an advice, or declines it.
func (s *Service) SettleAdvice(ctx context.Context, id, number int64, r AdviceRequest, key string) (respond.Receipt, error) {
	var err error
	if r.Why, err = words(r.Why, "why"); err != nil {
		return respond.Receipt{}, err
	}
	if err := s.decide(ctx, id); err != nil {
		return respond.Receipt{}, err
	}
	who := access.From(ctx)
	return s.Cases.Once(ctx, key, []any{"plan.advice", id, number, r}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		a, p, err := s.active(tx, id)
		if err != nil {
			return respond.Receipt{}, err
		}
		all, digests, err := advice(tx, id)
		if err != nil {
			return respond.Receipt{}, err
		}
		i := slices.IndexFunc(all, func(x Advice) bool { return x.ID == number })
		if i < 0 {
			return respond.Receipt{}, web.Errorf(http.StatusNotFound, "plan.no_advice", "the response has no advice %d", number)
		}
		state, receipt := "declined", respond.Receipt{Case: a.Case, Item: a.ID}
		if r.Take {
			state = "taken"
			if err := s.order(tx, who, p, a, all[i].Body, now); err != nil {
				return respond.Receipt{}, err
			}
		}
		if err := s.settleAdvice(tx, p, a, number, state, who.Name, r.Why, now); err != nil {
			return respond.Receipt{}, err
		}
		line := respond.Entry{At: now, Actor: who, Kind: "plan", Text: adviceText(all[i].Body, r.Take), Free: r.Why, Data: map[string]any{
			"activation": a.ID, "advice": number, "state": state, "model": all[i].Body.Model,
		}}
		if err := s.Cases.Enter(tx, a.Case, &line); err != nil {
			return respond.Receipt{}, err
		}
		return receipt, ledger.Append(tx, ledger.Entry{
			Action: "plan.advice", Actor: who.Name, ActorID: who.ID, Subject: "plan", SubjectID: a.ID, At: now,
			Detail: map[string]any{"advice": number, "state": state, "advice_sha256": digests[i], "why_sha256": digest(r.Why), "model": all[i].Body.Model},
		})
	})
}

// order makes a task of an advice.
func (s *Service) order(tx *db.Tx, who access.Actor, p *Plan, a *Activation, x Advised, now time.Time) error {
	t := Task{ID: "advice", Title: x.words(), Agency: x.Agency, Post: x.Post, Due: adviceDue}
	if p.Agency(x.Agency) == nil {
		return fmt.Errorf("advice of %s is for %q, which is no agency of plan %s", x.Model, x.Agency, p.ID)
	}
	_, err := s.give(tx, who, p, a, []Task{t}, now)
	return err
}

// words are the advice in one line, with its figures.
func (x Advised) words() lifecycle.Text {
	t := x.Title
	for i, f := range x.Figures {
		en, zh := "; ", "；"
		if i == 0 {
			en, zh = ": ", "："
		}
		t.En += fmt.Sprintf("%s%s %s %s", en, f.Title.En, number(f.Value), f.Unit)
		t.Zh += fmt.Sprintf("%s%s %s %s", zh, f.Title.Zh, number(f.Value), f.Unit)
	}
	return t
}

func adviceText(x Advised, taken bool) lifecycle.Text {
	if taken {
		return lifecycle.Words("Advice made a task: "+x.Title.En, "采纳调度建议，派发任务："+x.Title.Zh)
	}
	return lifecycle.Words("Advice declined: "+x.Title.En, "不采纳调度建议："+x.Title.Zh)
}
