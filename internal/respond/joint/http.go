package joint

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

type (
	roomIn struct {
		Case   int64 `path:"case"`
		After  int64 `query:"after" doc:"entries after this one only"`
		Before int64 `query:"before" doc:"entries before this one only"`
		Limit  int   `query:"limit" default:"200" minimum:"1" maximum:"500"`
	}
	roomOut struct{ Body *Page }

	reportIn struct {
		Case   int64 `path:"case"`
		Report int64 `path:"report"`
	}
	reportOut struct{ Body *ReportPage }

	// Head is what every deed in a room has beside its body.
	Head struct {
		Case     int64  `path:"case"`
		Key      string `header:"Idempotency-Key" doc:"the same request under the same key is carried out once within 24 hours"`
		Language string `header:"Accept-Language"`
	}
	// ItemHead is Head with the thing that the deed is on.
	ItemHead struct {
		Head
		Item int64 `path:"item"`
	}
	stepIn struct {
		ItemHead
		Commitment int64 `path:"commitment"`
		Body       StepRequest
	}
	receiptOut struct{ Body respond.Receipt }
)

type deedIn[B any] struct {
	Head
	Body B
}

type itemDeedIn[B any] struct {
	ItemHead
	Body B
}

// Routes adds the room's operations.
func (s *Service) Routes(r *web.Router) {
	api := r.API()
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/rooms/{case}", OperationID: "get-room",
		Summary: "The joint room of a case: who is in it, what stands, and a stretch of its timeline",
	}, func(ctx context.Context, in *roomIn) (*roomOut, error) {
		p, err := s.Room(ctx, in.Case, in.After, in.Before, in.Limit)
		return &roomOut{p}, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/rooms/{case}/reports/{report}", OperationID: "get-room-report",
		Summary: "A report of a room with the entries that each line rests on",
	}, func(ctx context.Context, in *reportIn) (*reportOut, error) {
		p, err := s.Read(ctx, in.Case, in.Report)
		return &reportOut{p}, err
	})
	act(api, "/presence", "join-room", "Join a room at a post, or leave it", s.Presence)
	act(api, "/agencies", "invite-to-room", "Make an organisation a party of the case", s.Invite)
	act(api, "/log", "write-room-log", "Write a line into the log of one's agency", s.Log)
	act(api, "/marks", "place-mark", "Put a point, a line or a polygon on the map", s.Mark)
	actOn(api, "/marks/{item}/move", "move-mark", "Move a mark", s.MoveMark)
	actOn(api, "/marks/{item}/lift", "lift-mark", "Take a mark off the map", s.LiftMark)
	act(api, "/decisions", "decide-in-room", "Write down a decision", s.Decide)
	act(api, "/objectives", "set-objective", "Set an objective", s.Objective)
	actOn(api, "/objectives/{item}/end", "end-objective", "Say that an objective is met or dropped", s.EndObjective)
	act(api, "/requests", "request-resource", "Ask the other agencies for resources", s.Ask)
	actOn(api, "/requests/{item}/commitments", "commit-resource", "Commit resources to a request, or decline", s.Commit)
	actOn(api, "/requests/{item}/cancel", "cancel-resource-request", "Take a request back", s.CancelAsk)
	act(api, "/reports", "make-room-report", "Make a report of the timeline", s.Report)
	actOn(api, "/reports/{item}/remarks", "remark-on-report", "Add a remark to a report, or sign it", s.Remark)
	act(api, "/actions", "after-action-item", "Make an item of the review into a task or a finding", s.Act)
	huma.Register(api, operation("/requests/{item}/commitments/{commitment}/steps", "step-resource", "Say that resources have arrived, are released or taken back"),
		func(ctx context.Context, in *stepIn) (*receiptOut, error) {
			done, err := s.Step(ctx, in.Case, in.Item, in.Commitment, in.Body, in.Key)
			return &receiptOut{done}, boundary(err, in.Language)
		})
	s.pageRoutes(r)
}

func operation(path, id, summary string) huma.Operation {
	return huma.Operation{Method: http.MethodPost, Path: "/api/v1/rooms/{case}" + path, OperationID: id, Summary: summary}
}

// act registers a deed in a room; its answer says which entry and which item it made.
func act[B any](api huma.API, path, id, summary string, deed func(context.Context, int64, B, string) (respond.Receipt, error)) {
	huma.Register(api, operation(path, id, summary), func(ctx context.Context, in *deedIn[B]) (*receiptOut, error) {
		done, err := deed(ctx, in.Case, in.Body, in.Key)
		return &receiptOut{done}, boundary(err, in.Language)
	})
}

// actOn registers a deed on one thing in a room.
func actOn[B any](api huma.API, path, id, summary string, deed func(context.Context, int64, int64, B, string) (respond.Receipt, error)) {
	huma.Register(api, operation(path, id, summary), func(ctx context.Context, in *itemDeedIn[B]) (*receiptOut, error) {
		done, err := deed(ctx, in.Case, in.Item, in.Body, in.Key)
		return &receiptOut{done}, boundary(err, in.Language)
	})
}

// boundary says a refusal in the language of the one who asked.
func boundary(err error, language string) error {
	var r *lifecycle.Refusal
	if !errors.As(err, &r) {
		return err
	}
	status := http.StatusConflict
	switch r.Code {
	case "room.quantity", "room.too_much":
		status = http.StatusUnprocessableEntity
	case "room.not_yours":
		status = http.StatusForbidden
	case "room.no_commitment":
		status = http.StatusNotFound
	}
	text := r.Text.En
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(language)), "zh") {
		text = r.Text.Zh
	}
	return web.Errorf(status, r.Code, "%s", text).At(r.Field)
}
