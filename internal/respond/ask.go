package respond

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// Ask is a move that waits for another person's approval, or was decided on.
type Ask struct {
	ID           int64
	Case         int64
	Move         string
	Fields       map[string]any
	Note         string
	AskedBy      int64 // account
	AskedByName  string
	Organisation int64
	AskedAt      time.Time
	DecideBy     time.Time // zero: whenever
	State        string    // open, granted, refused or withdrawn
	DecidedBy    string
	DecidedAt    time.Time
	Reason       string
}

func (a *Ask) limit() string { return fmt.Sprintf("ask:%d", a.ID) }

// ask notes that somebody asks for a move.
func (s *Service) ask(tx *db.Tx, who access.Actor, c *Case, step lifecycle.Step, note string, now time.Time) (Receipt, error) {
	m := step.Move
	a := &Ask{Case: c.ID, Move: m.ID, Fields: step.Answers, Note: note, AskedBy: who.ID, AskedByName: actorName(who), Organisation: who.Organisation,
		AskedAt: now, DecideBy: step.DecideBy, State: "open"}
	stored := *a
	if c.Private {
		stored.Note, stored.Fields = "", unworded(m, a.Fields)
	}
	if err := insertAsk(tx, &stored); err != nil {
		return Receipt{}, err
	}
	a.ID = stored.ID
	title := lifecycle.Words("Asked: "+m.Title.En, "申请："+m.Title.Zh)
	e := Entry{At: now, Actor: who, Kind: "ask", Move: "", Text: title, Free: note, Data: map[string]any{"ask": a.ID, "move": m.ID, "fields": step.Answers}}
	if _, err := s.enter(tx, c, &e); err != nil {
		return Receipt{}, err
	}
	if !a.DecideBy.IsZero() {
		l := Limit{Name: a.limit(), What: "ask", Title: m.Title, Organisation: c.side(m.Approval.Side), StartedAt: now, DueAt: a.DecideBy}
		if m.Approval.Side == "" {
			l.Organisation = c.Desk
		}
		if err := begin(tx, c, l); err != nil {
			return Receipt{}, err
		}
	}
	digest, err := answersDigest(step.Answers, note)
	if err != nil {
		return Receipt{}, err
	}
	if err := s.decided(tx, c, a, who, map[string]any{"answers_sha256": digest}, now); err != nil {
		return Receipt{}, err
	}
	return Receipt{Case: c.ID, Entry: e.ID, Item: a.ID}, nil
}

// decided records what became of an ask, in the ledger and as an event.
func (s *Service) decided(tx *db.Tx, c *Case, a *Ask, who access.Actor, detail map[string]any, now time.Time) error {
	detail["ask"], detail["move"], detail["state"] = a.ID, a.Move, a.State
	err := ledger.Append(tx, ledger.Entry{
		Action: "case.ask", Actor: actorName(who), ActorID: who.ID, Subject: "case", SubjectID: c.ID, At: now, Detail: c.detail(detail),
	})
	if err != nil || c.Private {
		return err
	}
	return outbox.Put(tx, events.CaseAsk{Case: c.ID, Ask: a.ID, Move: a.Move, State: a.State, Area: c.Area, Owner: c.Owner, Parties: c.resource().Parties, At: now})
}

// Decision is what somebody decides on an ask.
type Decision struct {
	Granted bool   `json:"granted"`
	Reason  string `json:"reason,omitempty" doc:"needed for a refusal"`
}

// DecideAsk grants or refuses a move that somebody else asked for. Granted, it takes effect at once, if the case is still where it
// can be made.
func (s *Service) DecideAsk(ctx context.Context, caseID, askID int64, d Decision, key string) (Receipt, error) {
	c, _, err := s.look(ctx, "case.move", caseID)
	if err != nil {
		return Receipt{}, err
	}
	d.Reason = guard.Mask(strings.TrimSpace(d.Reason))
	if err := checkText(d.Reason, "reason", !d.Granted); err != nil {
		return Receipt{}, err
	}
	var m *lifecycle.Move
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		a, k, err := s.findAsk(tx, caseID, askID)
		if err == nil {
			m = k.Move(a.Move)
		}
		return err
	})
	if err != nil {
		return Receipt{}, err
	}
	latest, err := s.latest(ctx, caseID, m)
	if err != nil {
		return Receipt{}, err
	}
	who := access.From(ctx)
	request := []any{"decide", caseID, askID, d}
	if c.Private {
		request = []any{"decide", caseID, askID, d.Granted}
	}
	return s.write(ctx, key, request, func(tx *db.Tx, now time.Time) (Receipt, error) {
		a, _, err := s.findAsk(tx, caseID, askID)
		if err != nil {
			return Receipt{}, err
		}
		if a.State != "open" {
			return Receipt{}, web.Errorf(http.StatusConflict, "case.ask_decided", "this was decided on already: %s", a.State)
		}
		c, k, snap, err := s.load(tx, caseID, a.Move, who)
		if err != nil {
			return Receipt{}, err
		}
		m := k.Move(a.Move)
		if !d.Granted {
			if r := k.MayDecide(snap, who, m, a.AskedBy); r != nil {
				return Receipt{}, r
			}
			e := Entry{At: now, Actor: who, Kind: "ask", Free: d.Reason, Data: map[string]any{"ask": a.ID, "move": a.Move, "state": "refused"},
				Text: lifecycle.Words("Refused: "+m.Title.En, "不予批准："+m.Title.Zh)}
			if _, err := s.enter(tx, c, &e); err != nil {
				return Receipt{}, err
			}
			return Receipt{Case: c.ID, Entry: e.ID, Item: a.ID}, s.closeAsk(tx, c, a, "refused", who, d.Reason, now)
		}
		snap.Latest = latest
		step, refusal := k.Grant(snap, who, lifecycle.Asked{Move: a.Move, By: a.AskedBy, At: a.AskedAt, Answers: a.Fields}, now)
		if refusal != nil {
			return Receipt{}, refusal
		}
		if err := s.closeAsk(tx, c, a, "granted", who, d.Reason, now); err != nil {
			return Receipt{}, err
		}
		r, err := s.carry(ctx, tx, who, c, k, step, d.Reason, a, now)
		r.Item = a.ID
		return r, err
	})
}

// closeAsk ends an ask.
func (s *Service) closeAsk(tx *db.Tx, c *Case, a *Ask, state string, who access.Actor, reason string, now time.Time) error {
	a.State = state
	if c.Private {
		reason = ""
	}
	_, err := tx.Exec(`update case_asks set state = $1, decided_by = $2, decided_by_name = $3, decided_at = $4, reason = $5 where id = $6`,
		state, who.ID, actorName(who), db.Micros(now), reason, a.ID)
	if err != nil {
		return fmt.Errorf("end ask %d of case %d: %w", a.ID, c.ID, err)
	}
	limit := "met"
	if state == "withdrawn" {
		limit = state
	}
	if err := finish(tx, c.ID, a.limit(), limit, now); err != nil {
		return err
	}
	return s.decided(tx, c, a, who, map[string]any{"asked_by": a.AskedByName}, now)
}

// withdrawAsks ends the asks for moves that can't be made any more, since the case has moved on.
func (s *Service) withdrawAsks(tx *db.Tx, who access.Actor, c *Case, k *lifecycle.Kind, now time.Time) error {
	if !k.Asks() {
		return nil
	}
	open, err := asks(tx, c.ID, true)
	if err != nil {
		return err
	}
	for _, a := range open {
		if m := k.Move(a.Move); m != nil && slices.Contains(m.From, c.State) {
			continue
		}
		if err := s.closeAsk(tx, c, a, "withdrawn", who, "", now); err != nil {
			return err
		}
		title := lifecycle.Words("Not decided on, since the case has moved on", "案卷已进入其他环节，申请未予审批")
		if m := k.Move(a.Move); m != nil {
			title = lifecycle.Words(title.En+": "+m.Title.En, title.Zh+"："+m.Title.Zh)
		}
		e := Entry{At: now, Actor: who, Kind: "ask", Text: title, Data: map[string]any{"ask": a.ID, "move": a.Move, "state": "withdrawn"}}
		if _, err := s.enter(tx, c, &e); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) findAsk(tx *db.Tx, caseID, askID int64) (*Ask, *lifecycle.Kind, error) {
	all, err := asks(tx, caseID, false)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(all, func(a *Ask) bool { return a.ID == askID })
	if i < 0 {
		return nil, nil, web.Errorf(http.StatusNotFound, "case.no_ask", "case %d has no ask %d", caseID, askID)
	}
	c, err := getCase(tx, caseID)
	if err != nil {
		return nil, nil, err
	}
	k, err := s.version(tx, c.Definition)
	return all[i], k, err
}

func insertAsk(tx *db.Tx, a *Ask) error {
	fields, err := json.Marshal(a.Fields)
	if err != nil {
		return fmt.Errorf("encode ask: %w", err)
	}
	err = tx.QueryRow(`insert into case_asks (case_id, move, fields, note, asked_by, asked_by_name, organisation, asked_at, decide_by, state)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open') returning id`,
		a.Case, a.Move, string(fields), a.Note, a.AskedBy, a.AskedByName, a.Organisation, db.Micros(a.AskedAt), moment(a.DecideBy)).Scan(&a.ID)
	if err != nil {
		return fmt.Errorf("ask for %s in case %d: %w", a.Move, a.Case, err)
	}
	return nil
}

// asks are those of a case, or only those that wait, in the order in which they were made.
func asks(tx *db.Tx, caseID int64, open bool) ([]*Ask, error) {
	var as []*Ask
	query := `select id, case_id, move, fields, note, asked_by, asked_by_name, organisation, asked_at, decide_by, state, decided_by_name,
		decided_at, reason from case_asks where case_id = $1`
	if open {
		query += ` and state = 'open'`
	}
	err := tx.Each(func(rows *sql.Rows) error {
		a := &Ask{}
		var fields string
		var asked int64
		var decideBy, decided sql.NullInt64
		err := rows.Scan(&a.ID, &a.Case, &a.Move, &fields, &a.Note, &a.AskedBy, &a.AskedByName, &a.Organisation, &asked, &decideBy, &a.State,
			&a.DecidedBy, &decided, &a.Reason)
		a.AskedAt, a.DecideBy, a.DecidedAt = db.Time(asked), instant(decideBy), instant(decided)
		as = append(as, a)
		return errors.Join(err, json.Unmarshal([]byte(fields), &a.Fields))
	}, query+` order by id nulls last`, caseID)
	return as, err
}
