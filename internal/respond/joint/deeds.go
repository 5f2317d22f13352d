package joint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/joint/sitrep"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// --- who is in the room

// PresenceRequest says that a post of the actor's organisation joins or leaves.
type PresenceRequest struct {
	Post string `json:"post"`
	Step string `json:"step" enum:"join,leave"`
}

// Presence joins or leaves. Joining twice, or leaving an empty seat, is refused.
func (s *Service) Presence(ctx context.Context, caseID int64, r PresenceRequest, key string) (respond.Receipt, error) {
	if err := oneOf(r.Step, "step", []string{"join", "leave"}); err != nil {
		return respond.Receipt{}, err
	}
	return s.carry(ctx, caseID, deed{action: "room.write", post: r.Post, needsPost: true, key: key, request: r,
		do: func(tx *db.Tx, _ *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			title := lifecycle.Words("Joined the room: "+by.name.En, "进入合成处置："+by.name.Zh)
			if r.Step == "join" {
				if err := sit(tx, caseID, by.Organisation, by.post, now); err != nil {
					return respond.Receipt{}, err
				}
			} else {
				title = lifecycle.Words("Left the room: "+by.name.En, "退出合成处置："+by.name.Zh)
				if err := leave(tx, caseID, by.Organisation, by.post, now); err != nil {
					return respond.Receipt{}, err
				}
			}
			e := respond.Entry{Kind: sitrep.KindPresence, Text: title, Data: map[string]any{"step": r.Step, "organisation": by.Organisation}}
			err := s.enter(tx, caseID, &e, by, now)
			return respond.Receipt{Entry: e.ID}, err
		}})
}

// InviteRequest makes an organisation a party of the case.
type InviteRequest struct {
	Organisation int64  `json:"organisation"`
	Role         string `json:"role" enum:"lead,assist,invited" default:"assist" doc:"lead 牵头, assist 协办 or invited"`
}

// Invite brings an agency in: it may read the case and act in the room from then on.
func (s *Service) Invite(ctx context.Context, caseID int64, r InviteRequest, key string) (respond.Receipt, error) {
	if err := errors.Join(oneOf(r.Role, "role", []string{"lead", "assist", "invited"}), s.knownOrganisation(ctx, r.Organisation)); err != nil {
		return respond.Receipt{}, first(err)
	}
	name := s.orgName(ctx, r.Organisation)
	return s.carry(ctx, caseID, deed{action: "case.assign", key: key, request: r,
		do: func(tx *db.Tx, c *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			for _, p := range c.Parties {
				if p.Organisation == r.Organisation {
					return respond.Receipt{}, web.Errorf(http.StatusConflict, "room.party", "this organisation takes part already").At("organisation")
				}
			}
			if err := s.Cases.Invite(tx, by.Actor, caseID, respond.Party{Organisation: r.Organisation, Role: r.Role, At: now}); err != nil {
				return respond.Receipt{}, err
			}
			e := respond.Entry{Kind: sitrep.KindPresence, Text: lifecycle.Words("Called in: "+name.En, "邀请参加："+name.Zh),
				Data: map[string]any{"step": "invite", "organisation": r.Organisation, "role": r.Role}}
			err := s.enter(tx, caseID, &e, by, now)
			return respond.Receipt{Entry: e.ID}, err
		}})
}

// --- log

// LogRequest is a line of an agency's log.
type LogRequest struct {
	Post        string `json:"post,omitempty"`
	Text        string `json:"text"`
	Topic       string `json:"topic,omitempty" enum:",situation,casualties,damage,threat,safety,measures,next,public" doc:"what it is about, for the reports that ask for it"`
	Significant bool   `json:"significant,omitempty" doc:"it belongs into reports upward"`
}

// Log writes a line.
func (s *Service) Log(ctx context.Context, caseID int64, r LogRequest, key string) (respond.Receipt, error) {
	words, err := text(r.Text, "text", maxWords, true)
	if err := errors.Join(err, oneOf(r.Topic, "topic", topics)); err != nil {
		return respond.Receipt{}, first(err)
	}
	return s.carry(ctx, caseID, deed{action: "room.write", post: r.Post, key: key, request: r,
		do: func(tx *db.Tx, _ *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			e := respond.Entry{Kind: sitrep.KindLog, Text: by.name, Free: words, Data: map[string]any{"topic": r.Topic, "significant": r.Significant}}
			err := s.enter(tx, caseID, &e, by, now)
			return respond.Receipt{Entry: e.ID}, err
		}})
}

// --- marks

// MarkRequest puts something on the map.
type MarkRequest struct {
	Post  string `json:"post,omitempty"`
	Kind  string `json:"kind" enum:"cordon,command-post,closed-road,staging,medical,shelter,hazard,other"`
	Label string `json:"label"`
	Shape Shape  `json:"shape"`
}

// Mark puts a point, a line or a polygon on the map of the room.
func (s *Service) Mark(ctx context.Context, caseID int64, r MarkRequest, key string) (respond.Receipt, error) {
	label, err1 := text(r.Label, "label", maxLabel, true)
	drawn, err2 := shape(r.Shape)
	if err := errors.Join(err1, err2, oneOf(r.Kind, "kind", markKinds)); err != nil {
		return respond.Receipt{}, first(err)
	}
	return s.carry(ctx, caseID, deed{action: "room.write", post: r.Post, key: key, request: r,
		do: func(tx *db.Tx, _ *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			id, err := insertMark(tx, caseID, by, r.Kind, label, drawn, now)
			if err != nil {
				return respond.Receipt{}, err
			}
			e := markEntry(lifecycle.Words("Mark placed by "+by.name.En+", "+sitrep.MarkTitle(r.Kind).En, by.name.Zh+"标绘"+sitrep.MarkTitle(r.Kind).Zh),
				"place", id, r.Kind, label, drawn)
			if err := s.enter(tx, caseID, &e, by, now); err != nil {
				return respond.Receipt{}, err
			}
			return respond.Receipt{Entry: e.ID, Item: id}, markStands(tx, id, e.ID)
		}})
}

// MoveMarkRequest moves a mark, or calls it otherwise.
type MoveMarkRequest struct {
	Post  string `json:"post,omitempty"`
	Label string `json:"label,omitempty" doc:"as before when left out"`
	Shape Shape  `json:"shape"`
}

// MoveMark moves a mark that is in force.
func (s *Service) MoveMark(ctx context.Context, caseID, mark int64, r MoveMarkRequest, key string) (respond.Receipt, error) {
	label, err1 := text(r.Label, "label", maxLabel, false)
	drawn, err2 := shape(r.Shape)
	if err := errors.Join(err1, err2); err != nil {
		return respond.Receipt{}, first(err)
	}
	return s.carry(ctx, caseID, deed{action: "room.write", post: r.Post, key: key, request: []any{mark, r},
		do: func(tx *db.Tx, c *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			m, err := markInForce(tx, caseID, mark)
			if err != nil {
				return respond.Receipt{}, err
			}
			if err := mayEnd(c, m.Organisation, by); err != nil {
				return respond.Receipt{}, err
			}
			if label != "" {
				m.Label = label
			}
			e := markEntry(lifecycle.Words("Mark moved by "+by.name.En+", "+sitrep.MarkTitle(m.Kind).En, by.name.Zh+"调整"+sitrep.MarkTitle(m.Kind).Zh),
				"move", mark, m.Kind, m.Label, drawn)
			if err := s.enter(tx, caseID, &e, by, now); err != nil {
				return respond.Receipt{}, err
			}
			return respond.Receipt{Entry: e.ID, Item: mark}, moveMark(tx, mark, m.Label, drawn, e.ID)
		}})
}

// EndRequest ends something, with a reason.
type EndRequest struct {
	Post   string `json:"post,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// LiftMark takes a mark off the map, with a reason. It stays in the timeline.
func (s *Service) LiftMark(ctx context.Context, caseID, mark int64, r EndRequest, key string) (respond.Receipt, error) {
	reason, err := text(r.Reason, "reason", maxWords, true)
	if err != nil {
		return respond.Receipt{}, err
	}
	return s.carry(ctx, caseID, deed{action: "room.write", post: r.Post, key: key, request: []any{mark, r},
		do: func(tx *db.Tx, c *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			m, err := markInForce(tx, caseID, mark)
			if err != nil {
				return respond.Receipt{}, err
			}
			if err := mayEnd(c, m.Organisation, by); err != nil {
				return respond.Receipt{}, err
			}
			title := sitrep.MarkTitle(m.Kind)
			e := respond.Entry{
				Kind: sitrep.KindMark, Free: reason, Data: map[string]any{"mark": mark, "step": "lift", "kind": m.Kind, "label": m.Label},
				Text: lifecycle.Words(title.En+" lifted by "+by.name.En+", "+m.Label, by.name.Zh+"撤除"+title.Zh+"，"+m.Label),
			}
			if err := s.enter(tx, caseID, &e, by, now); err != nil {
				return respond.Receipt{}, err
			}
			return respond.Receipt{Entry: e.ID, Item: mark}, endMark(tx, mark, now)
		}})
}

// mayEnd refuses whoever may not end or change what an organisation has made in the room: only that organisation may, and who
// commands.
func mayEnd(c *respond.Case, maker int64, by hand) error {
	if by.Organisation == maker || commands(c, by.Organisation) {
		return nil
	}
	return lifecycle.Refuse("room.not_yours", "", "Only the organisation that made it, the owner or the desk of the case, and the city's watch may do this.",
		"仅作出单位、案卷承办单位、处置单位和市值班室可以操作。")
}

// commands says whether an organisation has a say about what others did in the room: owner and desk of the case, and the city's
// own watch (0).
func commands(c *respond.Case, organisation int64) bool {
	return organisation == 0 || organisation == c.Owner || organisation == c.Desk
}

func markEntry(title lifecycle.Text, step string, mark int64, kind, label string, drawn Shape) respond.Entry {
	return respond.Entry{Kind: sitrep.KindMark, Text: title, Free: label, Data: map[string]any{
		"mark": mark, "step": step, "kind": kind, "label": label, "shape": drawn.facts(),
	}}
}

// --- decisions

// DecisionRequest is a decision: what, why, on what facts, from when.
type DecisionRequest struct {
	Post     string     `json:"post" doc:"the post that decides"`
	What     string     `json:"what"`
	Why      string     `json:"why"`
	Entries  []int64    `json:"entries,omitempty" doc:"entries of this timeline that it rests on"`
	Alerts   []int64    `json:"alerts,omitempty" doc:"alerts that it rests on"`
	Readings []int64    `json:"readings,omitempty" doc:"datastreams whose newest reading it rests on"`
	From     *time.Time `json:"from,omitempty" doc:"from when it holds; now when left out"`
	// Supersedes is the decision that it takes the place of.
	Supersedes int64 `json:"supersedes,omitempty"`
}

// Decide writes down a decision. It can't be changed, only superseded.
func (s *Service) Decide(ctx context.Context, caseID int64, r DecisionRequest, key string) (respond.Receipt, error) {
	what, err1 := text(r.What, "what", maxWords, true)
	why, err2 := text(r.Why, "why", maxWords, true)
	if err := errors.Join(err1, err2); err != nil {
		return respond.Receipt{}, first(err)
	}
	if n := len(r.Entries) + len(r.Alerts) + len(r.Readings); n > maxFacts {
		return respond.Receipt{}, web.Errorf(http.StatusUnprocessableEntity, "room.facts", "at most %d facts, got %d", maxFacts, n).At("entries")
	}
	if err := s.Cases.Decide(ctx, "room.decide", caseID); err != nil { // before the facts are looked up
		return respond.Receipt{}, err
	}
	facts, err := s.facts(ctx, r)
	if err != nil {
		return respond.Receipt{}, err
	}
	return s.carry(ctx, caseID, deed{action: "room.decide", post: r.Post, needsPost: true, key: key, request: r,
		do: func(tx *db.Tx, c *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			if r.Supersedes != 0 {
				maker, err := decisionInForce(tx, caseID, r.Supersedes)
				if err == nil {
					err = mayEnd(c, maker, by)
				}
				if err != nil {
					return respond.Receipt{}, err
				}
			}
			all, err := factsOfTimeline(tx, caseID, r.Entries)
			if err != nil {
				return respond.Receipt{}, err
			}
			all = append(all, facts...)
			from := now
			if r.From != nil {
				from = r.From.UTC().Truncate(time.Second)
			}
			id, err := insertDecision(tx, caseID, by, what, why, all, from, now)
			if err != nil {
				return respond.Receipt{}, err
			}
			e := respond.Entry{Kind: sitrep.KindDecision, Free: what, Text: lifecycle.Words("Decision of "+by.name.En, by.name.Zh+"决定"),
				Data: map[string]any{"decision": id, "why": why, "facts": all, "from": from.Format(time.RFC3339)}}
			if r.Supersedes != 0 {
				e.Data["supersedes"] = r.Supersedes
				e.Text = lifecycle.Words(fmt.Sprintf("Decision of %s, in place of decision %d", by.name.En, r.Supersedes),
					fmt.Sprintf("%s决定（取代第%d号决定）", by.name.Zh, r.Supersedes))
				if err := supersede(tx, caseID, r.Supersedes, id); err != nil {
					return respond.Receipt{}, err
				}
			}
			if err := s.enter(tx, caseID, &e, by, now); err != nil {
				return respond.Receipt{}, err
			}
			return respond.Receipt{Entry: e.ID, Item: id}, decisionStands(tx, id, e.ID)
		}})
}

// facts looks up what a decision rests on outside its timeline, as it is at this moment.
func (s *Service) facts(ctx context.Context, r DecisionRequest) ([]map[string]any, error) {
	var out []map[string]any
	for _, id := range r.Alerts {
		title, err := s.Facts.Alert(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, map[string]any{"kind": "alert", "id": id, "text": map[string]any{"en": title.En, "zh-CN": title.Zh}})
	}
	for _, id := range r.Readings {
		v, err := s.Facts.Reading(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, map[string]any{"kind": "reading", "id": id, "value": v.Value, "unit": v.Unit, "property": v.Property, "at": v.At.UTC().Format(time.RFC3339)})
	}
	return out, nil
}

func factsOfTimeline(tx *db.Tx, caseID int64, entries []int64) ([]map[string]any, error) {
	out := []map[string]any{}
	for _, id := range entries {
		e, err := respond.FindEntry(tx, caseID, id)
		if errors.Is(err, db.ErrNotFound) {
			return nil, web.Errorf(http.StatusUnprocessableEntity, "room.no_entry", "this timeline has no entry %d", id).At("entries")
		}
		if err != nil {
			return nil, err
		}
		w := e.Words()
		out = append(out, map[string]any{"kind": "entry", "id": id, "text": map[string]any{"en": w.En, "zh-CN": w.Zh}})
	}
	return out, nil
}

// --- objectives

// ObjectiveRequest is what is to be reached (ICS-202).
type ObjectiveRequest struct {
	Post string `json:"post,omitempty"`
	Text string `json:"text"`
}

// Objective sets one.
func (s *Service) Objective(ctx context.Context, caseID int64, r ObjectiveRequest, key string) (respond.Receipt, error) {
	words, err := text(r.Text, "text", maxWords, true)
	if err != nil {
		return respond.Receipt{}, err
	}
	return s.carry(ctx, caseID, deed{action: "room.decide", post: r.Post, key: key, request: r,
		do: func(tx *db.Tx, _ *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			id, err := insertObjective(tx, caseID, by, words, now)
			if err != nil {
				return respond.Receipt{}, err
			}
			e := respond.Entry{Kind: sitrep.KindObjective, Free: words, Text: lifecycle.Words("Objective set by "+by.name.En, by.name.Zh+"提出目标"),
				Data: map[string]any{"objective": id, "step": "set"}}
			if err := s.enter(tx, caseID, &e, by, now); err != nil {
				return respond.Receipt{}, err
			}
			return respond.Receipt{Entry: e.ID, Item: id}, objectiveStands(tx, id, e.ID)
		}})
}

// ObjectiveEnd says that an objective is met or dropped.
type ObjectiveEnd struct {
	Post   string `json:"post,omitempty"`
	How    string `json:"how" enum:"met,dropped"`
	Reason string `json:"reason,omitempty"`
}

// EndObjective ends one.
func (s *Service) EndObjective(ctx context.Context, caseID, objective int64, r ObjectiveEnd, key string) (respond.Receipt, error) {
	reason, err := text(r.Reason, "reason", maxWords, r.How == "dropped")
	if err := errors.Join(err, oneOf(r.How, "how", []string{"met", "dropped"})); err != nil {
		return respond.Receipt{}, first(err)
	}
	return s.carry(ctx, caseID, deed{action: "room.decide", post: r.Post, key: key, request: []any{objective, r},
		do: func(tx *db.Tx, c *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			words, maker, err := endObjective(tx, caseID, objective, r.How, now)
			if err == nil {
				err = mayEnd(c, maker, by)
			}
			if err != nil {
				return respond.Receipt{}, err
			}
			title := lifecycle.Words("Objective met: "+words, "目标达成："+words)
			if r.How == "dropped" {
				title = lifecycle.Words("Objective dropped: "+words, "目标撤销："+words)
			}
			e := respond.Entry{Kind: sitrep.KindObjective, Free: reason, Text: title, Data: map[string]any{"objective": objective, "step": r.How}}
			err = s.enter(tx, caseID, &e, by, now)
			return respond.Receipt{Entry: e.ID, Item: objective}, err
		}})
}

// first is the first of some joined errors: a refusal names one field.
func first(err error) error {
	if all, ok := err.(interface{ Unwrap() []error }); ok && len(all.Unwrap()) > 0 {
		return all.Unwrap()[0]
	}
	return err
}
