package respond

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// MoveRequest asks for a move.
type MoveRequest struct {
	Move   string         `json:"move"`
	Fields map[string]any `json:"fields,omitempty"`
	Note   string         `json:"note,omitempty"`
}

// Move takes a case to another state, or does what else the move says, or asks for it where it needs approval. It returns a
// *lifecycle.Refusal that says why not.
func (s *Service) Move(ctx context.Context, caseID int64, m MoveRequest, key string) (Receipt, error) {
	c, k, err := s.look(ctx, "case.move", caseID)
	if err != nil {
		return Receipt{}, err
	}
	m.Note = strings.TrimSpace(m.Note)
	if err := checkText(m.Note, "note", false); err != nil {
		return Receipt{}, err
	}
	m.Note = guard.Mask(m.Note)
	for name, v := range m.Fields {
		if text, ok := v.(string); ok && !clean(text) {
			return Receipt{}, web.Errorf(http.StatusUnprocessableEntity, lifecycle.CodeField, "the text holds characters that cannot be shown").At(name)
		}
	}
	if err := s.nameable(ctx, k.Move(m.Move), m.Fields); err != nil {
		return Receipt{}, err
	}
	// The log is not SQL: its newest readings are fetched before the transaction, which then takes them as they are.
	latest, err := s.latest(ctx, c.ID, k.Move(m.Move))
	if err != nil {
		return Receipt{}, err
	}
	who := access.From(ctx)
	request := []any{"move", caseID, m.Move, maskAll(m.Fields), m.Note} // a number of a person is not bound by the hash either
	if c.Private {
		request = []any{"move", caseID, m.Move}
	}
	return s.write(ctx, key, request, func(tx *db.Tx, now time.Time) (Receipt, error) {
		c, k, snap, err := s.load(tx, caseID, m.Move, who)
		if err != nil {
			return Receipt{}, err
		}
		snap.Latest = latest
		step, refusal := k.Decide(snap, who, m.Move, m.Fields, now)
		if refusal != nil {
			return Receipt{}, refusal
		}
		if step.Ask {
			return s.ask(tx, who, c, step, m.Note, now)
		}
		return s.carry(ctx, tx, who, c, k, step, m.Note, nil, now)
	})
}

// nameable refuses an answer that names an organisation or a case that does not exist.
func (s *Service) nameable(ctx context.Context, m *lifecycle.Move, fields map[string]any) error {
	if m == nil {
		return nil
	}
	for _, q := range m.Requires {
		var ids []any
		switch v := fields[q.Field]; q.Kind {
		case "organisation":
			ids = []any{v}
		case "organisations":
			ids, _ = v.([]any)
		}
		for _, v := range ids {
			if id, ok := v.(float64); ok {
				if err := s.known(ctx, "organisation", int64(id), q.Field); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// load reads a case and what its law needs to know for a move.
func (s *Service) load(tx *db.Tx, caseID int64, move string, who access.Actor) (*Case, *lifecycle.Kind, lifecycle.Snapshot, error) {
	c, err := getCase(tx, caseID)
	if err != nil {
		return nil, nil, lifecycle.Snapshot{}, err
	}
	k, err := s.version(tx, c.Definition)
	if err != nil {
		return nil, nil, lifecycle.Snapshot{}, err
	}
	var need lifecycle.Needs
	if m := k.Move(move); m != nil {
		need = m.Needs()
	}
	f, err := gather(tx, c, k, need)
	return c, k, s.snapshot(c, k, f), err
}

// carry does what a step says, in one transaction with all that goes with it. asked is what who only granted; nil: nothing.
func (s *Service) carry(ctx context.Context, tx *db.Tx, who access.Actor, c *Case, k *lifecycle.Kind, step lifecycle.Step, note string, asked *Ask, now time.Time) (Receipt, error) {
	m := step.Move
	data := map[string]any{"move": m.ID, "from": step.From.ID, "to": step.To.ID, "fields": step.Answers}
	given, text := now, m.Title // when whoever had it gave it up: by asking, where it waited for others
	if asked != nil {           // who grants it did not ask for it
		data["asked_by"], given = asked.AskedByName, asked.AskedAt
		text = lifecycle.Words("Granted: "+text.En, "予以批准："+text.Zh)
	}
	closing := step.To.End != "" && !step.Stays
	before, owner := c.Generation, c.Owner
	if gives := m.Does == lifecycle.Transfer || m.Does == lifecycle.Return; gives && (step.Owner != owner || step.Post != "") {
		data["owner_before"], data["owner"] = owner, step.Owner
		data["post_before"], data["post"] = c.Post, step.Post
		c.Owner, c.Post = step.Owner, step.Post
	}
	e := Entry{At: now, Actor: who, Kind: "move", Move: m.ID, Text: text, Free: note, Data: data}
	if _, err := s.enter(tx, c, &e); err != nil {
		return Receipt{}, err
	}
	switch m.Does {
	case lifecycle.List:
		c.Listed = step.Level
	case lifecycle.Delist:
		c.Listed = ""
	case lifecycle.Merge:
		if err := s.merge(ctx, tx, who, c, k, step, now); err != nil {
			return Receipt{}, err
		}
	case lifecycle.Extend:
		if err := later(tx, c.ID, step.Limit, step.Until); err != nil {
			return Receipt{}, err
		}
	case lifecycle.Reopen:
		c.Fields = step.Fields
		if err := s.reopen(tx, who, c, k, step.To, m.ID, 0, now); err != nil {
			return Receipt{}, err
		}
		return Receipt{Case: c.ID, Entry: e.ID}, s.openTasks(tx, c, k, m.Opens, now)
	}
	c.Fields, c.DueAt = step.Fields, step.Due
	if c.Private {
		c.Fields = unworded(m, step.Fields)
	}
	c.Generation++
	if !step.Stays {
		c.State, c.Since = step.To.ID, now
	}
	if closing {
		c.ClosedAt, c.Outcome = now, step.To.End
	}
	if err := updateCase(tx, c, before); err != nil {
		return Receipt{}, err
	}
	if !step.Stays {
		left, at := "met", now
		if m.Does == lifecycle.Return { // who gives it back has not done what was due, but has not failed either
			left, at = "passed-on", given
		}
		if err := finish(tx, c.ID, lifecycle.StateLimit, left, at); err != nil {
			return Receipt{}, err
		}
	}
	if c.Owner != owner {
		at := now
		if m.Does == lifecycle.Return {
			at = given
		}
		if err := s.passOn(tx, c, k, at, now); err != nil {
			return Receipt{}, err
		}
	}
	if !step.Stays {
		if err := beginState(tx, c, step.To); err != nil {
			return Receipt{}, err
		}
		if err := s.withdrawAsks(tx, who, c, k, now); err != nil {
			return Receipt{}, err
		}
	}
	for _, id := range step.Meets {
		if err := finish(tx, c.ID, lifecycle.PromiseLimit(id), "met", now); err != nil {
			return Receipt{}, err
		}
	}
	for _, p := range step.Begins {
		if err := s.beginPromise(tx, c, k, p, now); err != nil {
			return Receipt{}, err
		}
	}
	if err := s.openTasks(tx, c, k, m.Opens, now); err != nil {
		return Receipt{}, err
	}
	for _, organisation := range step.Parts {
		if err := s.part(tx, who, c, k, m, organisation, now); err != nil {
			return Receipt{}, err
		}
	}
	digest, err := answersDigest(step.Answers, note)
	if err != nil {
		return Receipt{}, err
	}
	detail := map[string]any{
		"definition": c.Definition, "move": m.ID, "from": step.From.ID, "to": step.To.ID, "generation": c.Generation,
		// The words themselves may name someone and stay in the timeline; their hash binds them.
		"answers_sha256": digest, "organisation": who.Organisation,
	}
	if asked != nil {
		detail["asked_by"] = asked.AskedByName
	}
	if c.Owner != owner {
		detail["owner"] = c.Owner
	}
	err = ledger.Append(tx, ledger.Entry{
		Action: "case.move", Actor: who.Name, ActorID: who.ID, Subject: "case", SubjectID: c.ID, At: now, Detail: c.detail(detail),
	})
	if err != nil {
		return Receipt{}, err
	}
	if !c.Private {
		err = outbox.Put(tx, events.CaseMoved{
			Case: c.ID, Kind: c.Kind, Move: m.ID, From: step.From.ID, To: step.To.ID, By: who.ID, Area: c.Area, Owner: c.Owner,
			Parties: c.resource().Parties, DueAt: optional(c.DueAt), At: now,
		})
		if err != nil {
			return Receipt{}, err
		}
	}
	if closing {
		if err := s.end(tx, c, who, now); err != nil {
			return Receipt{}, err
		}
	}
	return Receipt{Case: c.ID, Entry: e.ID}, nil
}

// merge has another case go on in the place of c. What c is about is noted there; what c promised by an earlier time holds there.
func (s *Service) merge(ctx context.Context, tx *db.Tx, who access.Actor, c *Case, k *lifecycle.Kind, step lifecycle.Step, now time.Time) error {
	into, field := step.Into, step.Move.Field("case")
	bad := func(en, zh string) error { return lifecycle.Refuse(lifecycle.CodeField, field, en, zh) }
	target, err := getCase(tx, into)
	switch {
	case errors.Is(err, db.ErrNotFound), err == nil && (target.Private || s.Access.Decide(ctx, "case.move", target.resource(), access.Operations) != nil):
		return bad(fmt.Sprintf("There is no case %d that you may work on.", into), fmt.Sprintf("没有您可处理的 %d 号案卷。", into))
	case err != nil:
		return err
	case target.ID == c.ID:
		return bad("A case can't be merged with itself.", "案卷不能与自身合并。")
	case !target.ClosedAt.IsZero():
		return bad("That case is closed.", "目标案卷已办结。")
	case target.Kind != c.Kind:
		return bad("That case is of another kind: expected one of the kind “"+k.Title.En+"”.", "目标案卷类别不同：只能并入“"+k.Title.Zh+"”类案卷。")
	}
	for above := target; above.Parent != 0; {
		if above.Parent == c.ID {
			return bad("That case is a part of this one.", "目标案卷由本案卷拆分而来，不能并入。")
		}
		if above, err = getCase(tx, above.Parent); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`update cases set parent = $1 where parent = $2 and parent <> 0`, target.ID, c.ID); err != nil {
		return fmt.Errorf("hand the parts of case %d on: %w", c.ID, err)
	}
	c.MergedInto = target.ID
	for _, p := range append(c.Parties, Party{Organisation: c.Owner, Role: "assist", By: actorName(who), At: now}) {
		if p.Organisation != 0 && !target.takesPart(p.Organisation) {
			target.Parties = append(target.Parties, p)
		}
	}
	for _, id := range c.Datastreams {
		if !slices.Contains(target.Datastreams, id) {
			target.Datastreams = append(target.Datastreams, id)
		}
	}
	if reaches(c.Level, target.Level) && c.Level != "" {
		target.Level = c.Level
	}
	if err := updateCase(tx, target, target.Generation); err != nil {
		return err
	}
	if err := s.handPromises(tx, c, target, now); err != nil {
		return err
	}
	e := Entry{At: now, Actor: who, Kind: "merged", Data: map[string]any{"case": c.ID, "alert": c.Alert, "finding": c.Finding, "report": c.Report},
		Text: lifecycle.Words(fmt.Sprintf("Case %d was merged into this one", c.ID), fmt.Sprintf("%d 号案卷并入本案卷", c.ID))}
	if _, err := insertEntry(tx, target.ID, &e); err != nil {
		return err
	}
	return changed(tx, target, "merged", now)
}

// handPromises has a case keep what one that is merged into it promised by an earlier time. A promise that it does not make itself,
// or has kept, is as far as it goes.
func (s *Service) handPromises(tx *db.Tx, c, target *Case, now time.Time) error {
	ours, err := limits(tx, c.ID, true)
	if err != nil {
		return err
	}
	theirs, err := limits(tx, target.ID, true)
	if err != nil {
		return err
	}
	for _, l := range ours {
		i := slices.IndexFunc(theirs, func(o Limit) bool { return l.What == "case" && o.Name == l.Name })
		if i < 0 {
			continue
		}
		if !l.DueAt.Before(theirs[i].DueAt) {
			if err := s.giveUp(tx, c, l, now, now); err != nil {
				return err
			}
			continue
		}
		next := l
		next.Organisation, next.Post = theirs[i].Organisation, theirs[i].Post
		if err := s.giveUp(tx, target, theirs[i], now, now); err != nil {
			return err
		}
		if err := s.hand(tx, c, l, target, next, now, now); err != nil {
			return err
		}
	}
	return nil
}

// part opens a case for one of the organisations that another is split among. It lives by the same law.
func (s *Service) part(tx *db.Tx, who access.Actor, c *Case, k *lifecycle.Kind, m *lifecycle.Move, organisation int64, now time.Time) error {
	o := Opening{Kind: c.Kind, Title: c.Title, Level: c.Level, Category: c.Category, Parent: c.ID, Desk: c.Desk, Spot: c.Spot, Datastreams: c.Datastreams,
		Fields: maps.Clone(c.Fields)}
	o.Owner = organisation
	start := k.Start()
	if m.Parts != "" {
		start = k.State(m.Parts)
	}
	p, _, err := s.openIn(tx, who, k, c.Definition, start, o, Entry{Kind: "part", Data: map[string]any{"case": c.ID},
		Text: lifecycle.Words(fmt.Sprintf("Part of case %d", c.ID), fmt.Sprintf("由 %d 号案卷拆分", c.ID))}, now)
	if err != nil {
		return err
	}
	e := Entry{At: now, Actor: who, Kind: "part", Data: map[string]any{"case": p.ID, "organisation": organisation},
		Text: lifecycle.Words(fmt.Sprintf("Part given out: case %d", p.ID), fmt.Sprintf("拆分为 %d 号案卷", p.ID))}
	_, err = insertEntry(tx, c.ID, &e)
	return err
}

// end withdraws what is still open in a closed case and tells of its outcome: of its own, and of those that were merged into it.
func (s *Service) end(tx *db.Tx, c *Case, who access.Actor, now time.Time) error {
	open, err := tasks(tx, c.ID)
	if err != nil {
		return err
	}
	for _, t := range open {
		if t.State != "open" {
			continue
		}
		if _, err := s.endTask(tx, who, c, t, "withdrawn", "", lifecycle.Words("Task withdrawn, since the case is closed", "案卷已办结，任务撤销"), now); err != nil {
			return err
		}
	}
	if err := finishAll(tx, c.ID, "withdrawn", now); err != nil {
		return err
	}
	if c.Private {
		return s.closeVault(tx, c, now)
	}
	if c.Parent != 0 {
		e := Entry{At: now, Actor: who, Kind: "part", Data: map[string]any{"case": c.ID, "outcome": c.Outcome},
			Text: lifecycle.Words(fmt.Sprintf("Part closed: case %d, %s", c.ID, c.Outcome), fmt.Sprintf("拆分案卷 %d 已办结（%s）", c.ID, outcomeNames[c.Outcome]))}
		if _, err := insertEntry(tx, c.Parent, &e); err != nil {
			return err
		}
		parent, err := getCase(tx, c.Parent)
		if err != nil {
			return err
		}
		if err := changed(tx, parent, "part", now); err != nil {
			return err
		}
	}
	if c.Outcome == "merged" {
		return nil // the other case will tell
	}
	all, err := family(tx, c)
	if err != nil {
		return err
	}
	for _, x := range all {
		if err := vault.Close(tx, vault.Ref{Type: "case", ID: x.ID}, now); err != nil {
			return err
		}
		told, err := linked(tx, x.ID)
		if err != nil {
			return err
		}
		for _, e := range append([]events.CaseClosed{{Alert: x.Alert, Finding: x.Finding, Report: x.Report}}, told...) {
			e.Case, e.Kind, e.State, e.Outcome, e.Asset, e.Area, e.Owner, e.Parties, e.At = x.ID, x.Kind, x.State, c.Outcome, x.Asset, x.Area, x.Owner, x.resource().Parties, now
			if err := outbox.Put(tx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

var outcomeNames = map[string]string{"proven": "属实", "unfounded": "不属实", "merged": "并案", "closed": "终止"}
