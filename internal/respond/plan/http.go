package plan

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
)

type (
	planIn struct {
		Plan     string `path:"plan"`
		Asset    int64  `query:"asset" doc:"where: who plays which part depends on it"`
		Place    int64  `query:"place"`
		Area     int64  `query:"area"`
		Proposal int64  `query:"proposal" doc:"where that proposal is"`
	}
	pageIn struct {
		State string `query:"state" enum:"open,all" default:"open"`
		Case  int64  `query:"case" doc:"of responses: those that work in this case"`
		After int64  `query:"after" doc:"the next of the page before"`
		Limit int    `query:"limit" default:"100" minimum:"1" maximum:"500"`
	}
	openIn struct {
		PostHead
		Plan string `path:"plan"`
		Body OpenRequest
	}
	levelIn struct {
		PostHead
		ID   int64 `path:"id"`
		Body LevelRequest
	}
	endIn struct {
		PostHead
		ID   int64 `path:"id"`
		Body EndRequest
	}
	adviceIn struct {
		PostHead
		ID     int64 `path:"id"`
		Advice int64 `path:"advice"`
		Body   AdviceRequest
	}
	declineIn struct {
		PostHead
		ID   int64 `path:"id"`
		Body DeclineRequest
	}
	boardIn struct {
		ID int64 `path:"id"`
	}
	boardOut  struct{ Body *Board }
	planOut   struct{ Body *PlanPage }
	listOut   struct{ Body Catalogue }
	boardsOut struct{ Body Responses }
	propsOut  struct{ Body ProposalList }
	emptyOut  struct{}
)

// PostHead is what every POST has beside its body.
type PostHead struct {
	Key string `header:"Idempotency-Key" doc:"the same request under the same key is carried out once within 24 hours"`
}

// DeclineRequest says why a proposal is not followed.
type DeclineRequest struct {
	Why string `json:"why"`
}

// Catalogue is the list of all plans.
type Catalogue struct {
	Items []PlanView `json:"items"`
}

// Responses is a page of responses.
type Responses struct {
	Items []ResponseView `json:"items"`
	Next  int64          `json:"next,omitempty"`
}

// ProposalList is a page of proposals.
type ProposalList struct {
	Items []ProposalView `json:"items"`
	Next  int64          `json:"next,omitempty"`
}

// Routes adds the room's operations.
func (s *Service) Routes(r *web.Router) {
	api := r.API()
	tags := []string{"plans"}
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/plans", OperationID: "list-plans", Summary: "Emergency plans of all packs", Tags: tags,
	}, func(ctx context.Context, _ *struct{}) (*listOut, error) {
		items, err := s.Catalogue(ctx)
		return &listOut{Catalogue{items}}, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/plans/{plan}", OperationID: "get-plan", Summary: "A plan, with who would play which part at a place", Tags: tags,
	}, func(ctx context.Context, in *planIn) (*planOut, error) {
		at := inspect.Spot{Asset: in.Asset, Place: in.Place, Area: in.Area}
		if in.Proposal != 0 {
			x, _, err := s.proposal(ctx, in.Proposal)
			if err != nil {
				return nil, err
			}
			at = x.Spot
		}
		p, err := s.Plan(ctx, in.Plan, at)
		return &planOut{p}, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/plan-proposals", OperationID: "list-plan-proposals",
		Summary: "What the program proposes to open, raise, lower or end, newest first", Tags: tags,
	}, func(ctx context.Context, in *pageIn) (*propsOut, error) {
		items, next, err := s.Proposals(ctx, in.State == "open", in.After, in.Limit)
		return &propsOut{ProposalList{items, next}}, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/plan-proposals/{id}/decline", OperationID: "decline-plan-proposal", Summary: "Say no to a proposal",
		DefaultStatus: http.StatusNoContent, Tags: tags,
	}, func(ctx context.Context, in *declineIn) (*emptyOut, error) {
		_, err := s.Decline(ctx, in.ID, in.Body.Why, in.Key)
		return nil, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/responses", OperationID: "list-responses", Summary: "Responses, newest first", Tags: tags,
	}, func(ctx context.Context, in *pageIn) (*boardsOut, error) {
		items, next, err := s.Responses(ctx, Filter{Active: in.State == "open", Case: in.Case, Before: in.After, Limit: in.Limit})
		return &boardsOut{Responses{items, next}}, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/responses/{id}", OperationID: "get-response", Summary: "The board of a response: agencies and their tasks", Tags: tags,
	}, func(ctx context.Context, in *boardIn) (*boardOut, error) {
		b, err := s.Board(ctx, in.ID)
		return &boardOut{b}, err
	})
	post(s, api, "/api/v1/plans/{plan}/responses", "open-response", "Open a response level", func(ctx context.Context, in *openIn) (respond.Receipt, error) {
		return s.Open(ctx, in.Plan, in.Body, in.Key)
	})
	post(s, api, "/api/v1/responses/{id}/level", "change-response", "Raise or lower a response", func(ctx context.Context, in *levelIn) (respond.Receipt, error) {
		return s.SetLevel(ctx, in.ID, in.Body, in.Key)
	})
	post(s, api, "/api/v1/responses/{id}/end", "end-response", "End a response", func(ctx context.Context, in *endIn) (respond.Receipt, error) {
		return s.End(ctx, in.ID, in.Body, in.Key)
	})
	post(s, api, "/api/v1/responses/{id}/advice/{advice}", "settle-advice", "Make a task of a model's advice, or decline it",
		func(ctx context.Context, in *adviceIn) (respond.Receipt, error) {
			return s.SettleAdvice(ctx, in.ID, in.Advice, in.Body, in.Key)
		})
}

// post registers a decision; its answer is the board as it is afterwards.
func post[I any](s *Service, api huma.API, path, id, summary string, deed func(context.Context, *I) (respond.Receipt, error)) {
	huma.Register(api, huma.Operation{
		Method: http.MethodPost, Path: path, OperationID: id, Summary: summary, Tags: []string{"plans"},
	}, func(ctx context.Context, in *I) (*boardOut, error) {
		done, err := deed(ctx, in)
		if err != nil {
			return nil, err
		}
		b, err := s.Board(ctx, done.Item)
		return &boardOut{b}, err
	})
}
