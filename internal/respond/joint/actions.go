package joint

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/joint/sitrep"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// What an item of the review can become.
const (
	becomesTask    = "task"
	becomesFinding = "finding"
)

// ActionRequest is an item of the review: what, who, by when.
type ActionRequest struct {
	Post         string     `json:"post" doc:"the post that asks for it"`
	What         string     `json:"what"`
	Becomes      string     `json:"becomes" enum:"task,finding" doc:"a task of this case, or a hazard (隐患) with a case of its own"`
	Organisation int64      `json:"organisation,omitempty" doc:"of a task: who is to do it; the case's owner when left out"`
	For          string     `json:"for,omitempty" doc:"of a task: the post of the organisation"`
	DueAt        *time.Time `json:"due_at,omitempty"`
	Asset        int64      `json:"asset,omitempty" doc:"of a hazard: where it is; where the case is when left out"`
	Grade        string     `json:"grade,omitempty" enum:"general,major" doc:"of a hazard, as proposed"`
}

// ActionView is an item and what became of it.
type ActionView struct {
	ID           int64      `json:"id"`
	What         string     `json:"what"`
	Becomes      string     `json:"becomes"`
	Organisation int64      `json:"organisation"`
	For          string     `json:"for,omitempty"`
	DueAt        *time.Time `json:"due_at"`
	Task         int64      `json:"task,omitempty"`
	Finding      int64      `json:"finding,omitempty"`
	Case         int64      `json:"case,omitempty" doc:"of the finding"`
	State        string     `json:"state" doc:"of the task or of the finding's case: open, done or withdrawn"`
	Entry        int64      `json:"entry"`
	At           time.Time  `json:"at"`
}

// Act makes an item of the review into work.
func (s *Service) Act(ctx context.Context, caseID int64, r ActionRequest, key string) (respond.Receipt, error) {
	what, err1 := text(r.What, "what", maxWords, true)
	post, err2 := text(r.For, "for", maxLabel, false)
	if err := errors.Join(err1, err2, oneOf(r.Becomes, "becomes", []string{becomesTask, becomesFinding})); err != nil {
		return respond.Receipt{}, first(err)
	}
	if r.Organisation != 0 {
		if err := s.knownOrganisation(ctx, r.Organisation); err != nil {
			return respond.Receipt{}, err
		}
	}
	if r.Becomes == becomesFinding {
		return s.actFinding(ctx, caseID, r, what, key)
	}
	if err := s.Cases.Decide(ctx, "case.task", caseID); err != nil {
		return respond.Receipt{}, err
	}
	return s.carry(ctx, caseID, deed{action: "room.write", post: r.Post, needsPost: true, key: key, request: r,
		do: func(tx *db.Tx, c *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			t := respond.Task{Case: caseID, Free: what, Organisation: r.Organisation, Post: post, OpenedAt: now}
			if t.Organisation == 0 {
				t.Organisation = c.Owner
			}
			if r.DueAt != nil {
				if t.DueAt = r.DueAt.UTC(); !t.DueAt.After(now) {
					return respond.Receipt{}, web.Errorf(http.StatusUnprocessableEntity, "case.task", "the time limit lies in the past").At("due_at")
				}
			}
			a := ActionView{What: what, Becomes: becomesTask, Organisation: t.Organisation, For: post, DueAt: r.DueAt, At: now}
			id, err := insertAction(tx, caseID, &a)
			if err != nil {
				return respond.Receipt{}, err
			}
			t.Origin = fmt.Sprintf("action:%d", id)
			if err := s.Cases.Give(tx, by.Actor, &t); err != nil {
				return respond.Receipt{}, err
			}
			e := actionEntry(id, what, by, "becomes a task of this case", "列为本案卷任务")
			e.Data["task"] = t.ID
			if err := s.enter(tx, caseID, &e, by, now); err != nil {
				return respond.Receipt{}, err
			}
			return respond.Receipt{Entry: e.ID, Item: id}, actionBecame(tx, id, t.ID, 0, 0, e.ID)
		}})
}

// actFinding has three steps: the item is written down, the finding recorded with its case, the two linked. Each is done once
// however often the request is repeated, so a crash in between is mended by the repeat.
func (s *Service) actFinding(ctx context.Context, caseID int64, r ActionRequest, what, key string) (respond.Receipt, error) {
	if r.Grade == "" {
		r.Grade = inspect.General
	}
	_, c, err := s.Cases.Head(ctx, caseID)
	if err != nil {
		return respond.Receipt{}, err
	}
	draft := inspect.Draft{Asset: r.Asset, Description: what, Grade: r.Grade}
	if draft.Asset == 0 {
		if draft.Asset = c.Asset; draft.Asset == 0 {
			if draft.Place = c.Place; draft.Place == 0 {
				draft.Point = c.Point
			}
		}
	}
	if draft.Asset == 0 && draft.Place == 0 && draft.Point == nil {
		return respond.Receipt{}, web.Errorf(http.StatusUnprocessableEntity, "room.nowhere", "this case has no place: name the asset").At("asset")
	}
	receipt, err := s.carry(ctx, caseID, deed{action: "room.write", post: r.Post, needsPost: true, afterwards: true, key: key, request: r,
		do: func(tx *db.Tx, _ *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			a := ActionView{What: what, Becomes: becomesFinding, Organisation: r.Organisation, DueAt: r.DueAt, At: now}
			id, err := insertAction(tx, caseID, &a)
			if err != nil {
				return respond.Receipt{}, err
			}
			e := actionEntry(id, what, by, "becomes a hazard with a case of its own", "列为问题隐患单独立案")
			if err := s.enter(tx, caseID, &e, by, now); err != nil {
				return respond.Receipt{}, err
			}
			return respond.Receipt{Entry: e.ID, Item: id}, actionBecame(tx, id, 0, 0, 0, e.ID)
		}})
	if err != nil {
		return receipt, err
	}
	f, err := s.Cases.Findings.Record(ctx, draft, fmt.Sprintf("action:%d", receipt.Item))
	if err != nil {
		return receipt, err
	}
	opened, err := s.Cases.OpenForFinding(ctx, f)
	if err != nil {
		return receipt, err
	}
	return receipt, s.Cases.DB.Write(ctx, func(tx *db.Tx) error { return actionBecame(tx, receipt.Item, 0, f.ID, opened, receipt.Entry) })
}

func actionEntry(id int64, what string, by hand, en, zh string) respond.Entry {
	return respond.Entry{Kind: sitrep.KindAction, Free: what, Text: lifecycle.Words("After-action item of "+by.name.En+", "+en, by.name.Zh+"提出整改事项，"+zh),
		Data: map[string]any{"action": id}}
}

// --- store

func insertAction(tx *db.Tx, caseID int64, a *ActionView) (id int64, err error) {
	err = tx.QueryRow(`insert into room_actions (case_id, what, organisation, post, due_at, becomes, task, finding, finding_case, entry, at)
		values ($1, $2, $3, $4, $5, $6, 0, 0, 0, 0, $7) returning id`,
		caseID, a.What, a.Organisation, a.For, moment(a.DueAt), a.Becomes, db.Micros(a.At)).Scan(&id)
	return id, err
}

func actionBecame(tx *db.Tx, id, task, finding, caseID, entry int64) error {
	_, err := tx.Exec(`update room_actions set task = $1, finding = $2, finding_case = $3, entry = $4 where id = $5`, task, finding, caseID, entry, id)
	return err
}

func actions(tx *db.Tx, caseID int64) ([]ActionView, error) {
	out := []ActionView{}
	err := tx.Each(func(rows *sql.Rows) error {
		var v ActionView
		var due sql.NullInt64
		var at int64
		err := rows.Scan(&v.ID, &v.What, &v.Organisation, &v.For, &due, &v.Becomes, &v.Task, &v.Finding, &v.Case, &v.Entry, &at)
		v.DueAt, v.At, v.State = instant(due), db.Time(at), "open"
		out = append(out, v)
		return err
	}, `select id, what, organisation, post, due_at, becomes, task, finding, finding_case, entry, at from room_actions
		where case_id = $1 order by id nulls last`, caseID)
	if err != nil {
		return nil, err
	}
	for i := range out {
		switch v := &out[i]; {
		case v.Task != 0:
			t, err := respond.FindTask(tx, caseID, v.Task)
			if err != nil {
				return nil, err
			}
			v.State = t.State
		case v.Case != 0:
			c, err := respond.Find(tx, v.Case)
			if err != nil {
				return nil, err
			}
			if !c.ClosedAt.IsZero() {
				v.State = "done"
			}
		}
	}
	return out, nil
}
