package lesson

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
)

type (
	kindsIn  struct{}
	kindsOut struct{ Body KindList }

	previewIn  struct{ Body PreviewRequest }
	previewOut struct{ Body *Preview }

	listIn struct {
		Case  int64 `query:"case" doc:"drawn from this case, or carried out in it"`
		Limit int   `query:"limit" default:"50" minimum:"1" maximum:"200"`
	}
	listOut struct{ Body List }

	oneIn struct {
		ID int64 `path:"id"`
	}
	oneOut struct{ Body *Page }

	targetsIn struct {
		ID     int64 `path:"id"`
		After  int64 `query:"after"`
		Area   int64 `query:"area" default:"-1" doc:"in this area; 0: in none"`
		Holder int64 `query:"holder" default:"-1" doc:"held by this organisation; 0: by none"`
		Limit  int   `query:"limit" default:"100" minimum:"1" maximum:"500"`
	}
	targetsOut struct{ Body TargetList }

	sendIn struct {
		Key  string `header:"Idempotency-Key" doc:"the same request under the same key is carried out once within 24 hours"`
		Body Request
	}
	answerIn struct {
		ID   int64  `path:"id"`
		Key  string `header:"Idempotency-Key" doc:"the same request under the same key is carried out once within 24 hours"`
		Body AnswerRequest
	}
	receiptOut struct{ Body respond.Receipt }
)

// KindList is the kinds of asset that the register holds.
type KindList struct {
	Items []Kind `json:"items"`
}

// PreviewRequest asks what a selection would send out.
type PreviewRequest struct {
	Selection Selection `json:"selection"`
	Per       string    `json:"per" enum:"asset,holder"`
}

// List is lessons.
type List struct {
	Items []*Lesson `json:"items"`
}

// TargetList is a page of the assets of a lesson.
type TargetList struct {
	Items []TargetView `json:"items"`
	Next  int64        `json:"next,omitempty"`
}

// Routes adds the operations of lessons.
func (s *Service) Routes(r *web.Router) {
	api := r.API()
	op := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: "/api/v1/lessons" + path, OperationID: id, Summary: summary}
	}
	huma.Register(api, op(http.MethodGet, "", "list-lessons", "Lessons, newest first"), func(ctx context.Context, in *listIn) (*listOut, error) {
		items, err := s.Lessons(ctx, in.Case, in.Limit)
		return &listOut{List{items}}, err
	})
	huma.Register(api, op(http.MethodGet, "/kinds", "list-lesson-kinds", "The kinds of asset that a lesson can be for"), func(ctx context.Context, _ *kindsIn) (*kindsOut, error) {
		if err := s.Cases.Access.Decide(ctx, "lesson.read", access.Resource{Type: "lesson"}, access.Operations); err != nil {
			return nil, err
		}
		items, err := s.Register.Kinds(ctx)
		return &kindsOut{KindList{items}}, err
	})
	huma.Register(api, op(http.MethodPost, "/preview", "preview-lesson", "Count the assets that a lesson would be for, by area and holder"), func(ctx context.Context, in *previewIn) (*previewOut, error) {
		p, err := s.Preview(ctx, in.Body.Selection, in.Body.Per)
		return &previewOut{p}, err
	})
	huma.Register(api, op(http.MethodPost, "", "send-lesson", "Send a lesson to all assets that are alike"), func(ctx context.Context, in *sendIn) (*receiptOut, error) {
		done, err := s.Send(ctx, in.Body, in.Key)
		return &receiptOut{done}, err
	})
	huma.Register(api, op(http.MethodGet, "/{id}", "get-lesson", "A lesson and how far it is carried out"), func(ctx context.Context, in *oneIn) (*oneOut, error) {
		p, err := s.Read(ctx, in.ID)
		return &oneOut{p}, err
	})
	huma.Register(api, op(http.MethodGet, "/{id}/assets", "list-lesson-assets", "The assets of a lesson"), func(ctx context.Context, in *targetsIn) (*targetsOut, error) {
		var area, holder *int64
		if in.Area >= 0 {
			area = &in.Area
		}
		if in.Holder >= 0 {
			holder = &in.Holder
		}
		items, next, err := s.Targets(ctx, in.ID, in.After, area, holder, in.Limit)
		return &targetsOut{TargetList{items, next}}, err
	})
	huma.Register(api, op(http.MethodPost, "/{id}/answers", "answer-lesson", "Say what was found at assets of a lesson"), func(ctx context.Context, in *answerIn) (*receiptOut, error) {
		done, err := s.Answer(ctx, in.ID, in.Body, in.Key)
		return &receiptOut{done}, err
	})
}
