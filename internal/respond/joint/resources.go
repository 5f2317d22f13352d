package joint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/joint/sitrep"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// ResourceRequest asks the other agencies for something (RequestResource).
type ResourceRequest struct {
	Post     string     `json:"post,omitempty"`
	What     string     `json:"what"`
	Kind     string     `json:"kind" enum:"team,vehicle,equipment,supplies,expert,facility"`
	Quantity int64      `json:"quantity"`
	Unit     string     `json:"unit,omitempty"`
	Place    string     `json:"place,omitempty" doc:"where it is needed"`
	NeededBy *time.Time `json:"needed_by,omitempty"`
}

// Ask asks for resources.
func (s *Service) Ask(ctx context.Context, caseID int64, r ResourceRequest, key string) (respond.Receipt, error) {
	what, err1 := text(r.What, "what", maxLabel, true)
	unit, err2 := text(r.Unit, "unit", maxLabel, false)
	place, err3 := text(r.Place, "place", maxLabel, false)
	if err := errors.Join(err1, err2, err3, oneOf(r.Kind, "kind", resourceKinds), checkQuantity(r.Quantity)); err != nil {
		return respond.Receipt{}, first(err)
	}
	return s.carry(ctx, caseID, deed{action: "room.write", post: r.Post, key: key, request: r,
		do: func(tx *db.Tx, _ *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			data := map[string]any{"step": "ask", "kind": r.Kind, "quantity": r.Quantity, "unit": unit, "place": place}
			if r.NeededBy != nil {
				data["needed_by"] = r.NeededBy.UTC().Format(time.RFC3339)
			}
			id, err := insertRequest(tx, caseID, by, what, unit, place, r, now)
			if err != nil {
				return respond.Receipt{}, err
			}
			data["request"] = id
			e := respond.Entry{Kind: sitrep.KindResource, Free: what, Data: data, Text: lifecycle.Words(
				fmt.Sprintf("%s asks for %s", by.name.En, much(r.Quantity, unit)), fmt.Sprintf("%s请求支援%d%s", by.name.Zh, r.Quantity, unit))}
			if err := s.enter(tx, caseID, &e, by, now); err != nil {
				return respond.Receipt{}, err
			}
			return respond.Receipt{Entry: e.ID, Item: id}, requestStands(tx, id, e.ID)
		}})
}

// much is an amount as English writes it.
func much(n int64, unit string) string { return strings.TrimSpace(fmt.Sprintf("%d %s", n, unit)) }

func checkQuantity(n int64) error {
	if n < 1 || n > maxQuantity {
		return web.Errorf(http.StatusUnprocessableEntity, "room.quantity", "expected a number from 1 to %d, got %d", maxQuantity, n).At("quantity")
	}
	return nil
}

// CommitRequest answers a request: so much of it will come (CommitResource), or none of it (decline).
type CommitRequest struct {
	Post     string     `json:"post,omitempty"`
	Decline  bool       `json:"decline,omitempty" doc:"none of it can be given; reason says why"`
	Quantity int64      `json:"quantity,omitempty"`
	With     string     `json:"with,omitempty" doc:"what it is: which crew, which vehicle"`
	ETA      *time.Time `json:"eta,omitempty" doc:"when it will be there"`
	Reason   string     `json:"reason,omitempty"`
}

// Commit commits the actor's organisation to some of a request, or declines.
func (s *Service) Commit(ctx context.Context, caseID, request int64, r CommitRequest, key string) (respond.Receipt, error) {
	with, err1 := text(r.With, "with", maxLabel, false)
	reason, err2 := text(r.Reason, "reason", maxWords, r.Decline)
	if err := errors.Join(err1, err2); err != nil {
		return respond.Receipt{}, first(err)
	}
	return s.carry(ctx, caseID, deed{action: "room.write", post: r.Post, key: key, request: []any{request, r},
		do: func(tx *db.Tx, _ *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			q, err := requestOf(tx, caseID, request)
			if err != nil {
				return respond.Receipt{}, err
			}
			state, step, quantity := committed, "commit", r.Quantity
			refusal := q.commit(r.Quantity)
			if r.Decline {
				state, step, quantity, refusal = declined, "decline", 0, q.decline()
			}
			if refusal != nil {
				return respond.Receipt{}, refusal
			}
			id, err := insertCommitment(tx, request, by, quantity, with, r.ETA, state, now)
			if err != nil {
				return respond.Receipt{}, err
			}
			data := map[string]any{"request": request, "commitment": id, "step": step, "with": with}
			title := lifecycle.Words(fmt.Sprintf("%s cannot give: %s", by.name.En, q.What), fmt.Sprintf("%s不能提供：%s", by.name.Zh, q.What))
			if !r.Decline {
				data["quantity"], data["unit"] = quantity, q.Unit
				title = lifecycle.Words(fmt.Sprintf("%s commits %s of: %s", by.name.En, much(quantity, q.Unit), q.What),
					fmt.Sprintf("%s承诺提供%d%s：%s", by.name.Zh, quantity, q.Unit, q.What))
				if r.ETA != nil {
					data["eta"] = r.ETA.UTC().Format(time.RFC3339)
				}
				reason = with
			}
			e := respond.Entry{Kind: sitrep.KindResource, Free: reason, Text: title, Data: data}
			if err := s.enter(tx, caseID, &e, by, now); err != nil {
				return respond.Receipt{}, err
			}
			return respond.Receipt{Entry: e.ID, Item: id}, commitmentStands(tx, id, e.ID)
		}})
}

// StepRequest takes what was committed further.
type StepRequest struct {
	Post   string `json:"post,omitempty"`
	Step   string `json:"step" enum:"arrive,release,withdraw"`
	Reason string `json:"reason,omitempty"`
}

// Step says that a commitment has arrived, is released, or is taken back.
func (s *Service) Step(ctx context.Context, caseID, request, commitment int64, r StepRequest, key string) (respond.Receipt, error) {
	reason, err := text(r.Reason, "reason", maxWords, r.Step == "withdraw")
	if err := errors.Join(err, oneOf(r.Step, "step", []string{"arrive", "release", "withdraw"})); err != nil {
		return respond.Receipt{}, first(err)
	}
	return s.carry(ctx, caseID, deed{action: "room.write", post: r.Post, key: key, request: []any{request, commitment, r},
		do: func(tx *db.Tx, _ *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			q, err := requestOf(tx, caseID, request)
			if err != nil {
				return respond.Receipt{}, err
			}
			to, refusal := q.step(commitment, r.Step, by.Organisation)
			if refusal != nil {
				return respond.Receipt{}, refusal
			}
			var quantity int64
			for _, c := range q.Commitments {
				if c.ID == commitment {
					quantity = c.Quantity
				}
			}
			if err := setCommitment(tx, commitment, to, now); err != nil {
				return respond.Receipt{}, err
			}
			title := map[string]lifecycle.Text{
				"arrive":   lifecycle.Words(fmt.Sprintf("Arrived: %s of %s (said by %s)", much(quantity, q.Unit), q.What, by.name.En), fmt.Sprintf("%s%d%s已到位，由%s确认", q.What, quantity, q.Unit, by.name.Zh)),
				"release":  lifecycle.Words(fmt.Sprintf("Released: %s of %s (by %s)", much(quantity, q.Unit), q.What, by.name.En), fmt.Sprintf("%s%d%s已撤收，由%s确认", q.What, quantity, q.Unit, by.name.Zh)),
				"withdraw": lifecycle.Words(fmt.Sprintf("Taken back: %s of %s (by %s)", much(quantity, q.Unit), q.What, by.name.En), fmt.Sprintf("%s撤回承诺：%s%d%s", by.name.Zh, q.What, quantity, q.Unit)),
			}[r.Step]
			e := respond.Entry{Kind: sitrep.KindResource, Free: reason, Text: title,
				Data: map[string]any{"request": request, "commitment": commitment, "step": r.Step, "quantity": quantity, "unit": q.Unit}}
			err = s.enter(tx, caseID, &e, by, now)
			return respond.Receipt{Entry: e.ID, Item: commitment}, err
		}})
}

// CancelAsk takes a request back.
func (s *Service) CancelAsk(ctx context.Context, caseID, request int64, r EndRequest, key string) (respond.Receipt, error) {
	reason, err := text(r.Reason, "reason", maxWords, true)
	if err != nil {
		return respond.Receipt{}, err
	}
	return s.carry(ctx, caseID, deed{action: "room.write", post: r.Post, key: key, request: []any{request, r},
		do: func(tx *db.Tx, _ *respond.Case, by hand, now time.Time) (respond.Receipt, error) {
			q, err := requestOf(tx, caseID, request)
			if err != nil {
				return respond.Receipt{}, err
			}
			if refusal := q.cancel(by.Organisation); refusal != nil {
				return respond.Receipt{}, refusal
			}
			if err := cancelRequest(tx, request, now); err != nil {
				return respond.Receipt{}, err
			}
			e := respond.Entry{Kind: sitrep.KindResource, Free: reason, Text: lifecycle.Words("Request cancelled: "+q.What, "取消请求："+q.What),
				Data: map[string]any{"request": request, "step": "cancel"}}
			err = s.enter(tx, caseID, &e, by, now)
			return respond.Receipt{Entry: e.ID, Item: request}, err
		}})
}
