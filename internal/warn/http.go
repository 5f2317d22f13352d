package warn

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/platform/web"
)

// Routes adds the room's API.
func (s *Service) Routes(r *web.Router) {
	tag := []string{"Warnings"}
	register(r, http.MethodGet, "/api/v1/warnings", "list-warnings", "List warnings", tag, 200, func(ctx context.Context, in *listIn) (*listOut, error) {
		items, err := s.List(ctx, in.State, in.After, in.Limit)
		out := &listOut{}
		out.Body.Items = items
		if len(items) == in.Limit {
			out.Body.Next = &items[len(items)-1].ID
		}
		return out, err
	})
	register(r, http.MethodGet, "/api/v1/warnings/hazards", "list-hazards", "List what a warning can be about", tag, 200, func(ctx context.Context, _ *struct{}) (*hazardsOut, error) {
		out := &hazardsOut{}
		var err error
		out.Body.Items, err = s.Hazards(ctx)
		return out, err
	})
	register(r, http.MethodPost, "/api/v1/warnings/preview", "preview-warning", "See the CAP message that a proposal would become", tag, 200, func(ctx context.Context, in *proposeIn) (*previewOut, error) {
		out := &previewOut{}
		var err error
		out.Body.CAP, err = s.Preview(ctx, in.Body)
		return out, err
	})
	register(r, http.MethodPost, "/api/v1/warnings", "propose-warning", "Propose a warning", tag, 201, func(ctx context.Context, in *proposeIn) (*warningOut, error) {
		return answer(s.Propose(ctx, in.Body))
	})
	register(r, http.MethodGet, "/api/v1/warnings/{id}", "get-warning", "Get a warning with all its versions", tag, 200, func(ctx context.Context, in *idIn) (*warningOut, error) {
		return answer(s.Get(ctx, in.ID))
	})
	register(r, http.MethodPost, "/api/v1/warnings/{id}/update", "update-warning", "Propose new content for an issued warning", tag, 200, func(ctx context.Context, in *updateIn) (*warningOut, error) {
		return answer(s.ProposeUpdate(ctx, in.ID, in.Body))
	})
	register(r, http.MethodPost, "/api/v1/warnings/{id}/approve", "approve-warning", "Approve as a second officer, which publishes", tag, 200, func(ctx context.Context, in *approveIn) (*warningOut, error) {
		seen := 0
		if in.Body != nil {
			seen = in.Body.Version
		}
		return answer(s.Approve(ctx, in.ID, seen))
	})
	register(r, http.MethodPost, "/api/v1/warnings/{id}/withdraw", "withdraw-warning", "Take back what waits for approval", tag, 200, func(ctx context.Context, in *reasonIn) (*warningOut, error) {
		return answer(s.Withdraw(ctx, in.ID, in.Body.Reason))
	})
	register(r, http.MethodPost, "/api/v1/warnings/{id}/cancel", "cancel-warning", "Cancel a warning", tag, 200, func(ctx context.Context, in *reasonIn) (*warningOut, error) {
		return answer(s.Cancel(ctx, in.ID, in.Body.Reason))
	})
	register(r, http.MethodPost, "/api/v1/warnings/{id}/all-clear", "all-clear-warning", "End a warning because the danger is over", tag, 200, func(ctx context.Context, in *reasonIn) (*warningOut, error) {
		return answer(s.AllClear(ctx, in.ID, in.Body.Reason))
	})
	register(r, http.MethodGet, "/api/v1/warnings/texts", "list-warning-texts", "List the texts that a warning can be filled from", tag, 200, func(ctx context.Context, in *textsIn) (*textsOut, error) {
		out := &textsOut{}
		var err error
		out.Body.Items, err = s.Texts(ctx, in.Hazard)
		return out, err
	})
	register(r, http.MethodPost, "/api/v1/warnings/draft", "draft-warning", "Fill a proposal from a text, in both languages; nothing is stored", tag, 200, func(ctx context.Context, in *draftIn) (*draftOut, error) {
		d, err := s.Draft(ctx, in.Body)
		return &draftOut{Body: d}, err
	})
	register(r, http.MethodGet, "/api/v1/warnings/suggestions", "list-warning-suggestions", "List what alerts suggest to warn of, or to end", tag, 200, func(ctx context.Context, in *suggestionsIn) (*suggestionsOut, error) {
		out := &suggestionsOut{}
		var err error
		out.Body.Items, err = s.Suggestions(ctx, in.State, in.Limit)
		return out, err
	})
	register(r, http.MethodPost, "/api/v1/warnings/suggestions/{id}/dismiss", "dismiss-warning-suggestion", "Dismiss a suggestion", tag, 200, func(ctx context.Context, in *dismissIn) (*suggestionOut, error) {
		x, err := s.Dismiss(ctx, in.ID, in.Body.Reason)
		return &suggestionOut{Body: x}, err
	})
}

func register[I, O any](r *web.Router, method, path, id, summary string, tags []string, status int, fn func(context.Context, *I) (*O, error)) {
	huma.Register(r.API(), huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Tags: tags, DefaultStatus: status}, fn)
}

func answer(w Warning, err error) (*warningOut, error) {
	if err != nil {
		return nil, err
	}
	return &warningOut{Body: w}, nil
}

type (
	listIn struct {
		State string `query:"state" enum:"active,draft,all" default:"active"`
		After int64  `query:"after" doc:"the next of the page before"`
		Limit int    `query:"limit" minimum:"1" maximum:"200" default:"100"`
	}
	listOut struct {
		Body struct {
			Items []Warning `json:"items"`
			Next  *int64    `json:"next"`
		}
	}
	hazardsOut struct {
		Body struct {
			Items []Hazard `json:"items"`
		}
	}
	proposeIn struct{ Body Proposal }
	updateIn  struct {
		ID   int64 `path:"id"`
		Body Proposal
	}
	previewOut struct {
		Body struct {
			CAP string `json:"cap" doc:"the document, not stored and not sent"`
		}
	}
	idIn struct {
		ID int64 `path:"id"`
	}
	approveIn struct {
		ID   int64 `path:"id"`
		Body *approval
	}
	approval struct {
		Version int `json:"version,omitempty" doc:"the version that was read; approves whatever waits when absent"`
	}
	reasonIn struct {
		ID   int64 `path:"id"`
		Body struct {
			Reason string `json:"reason" doc:"why; public once the warning was issued"`
		}
	}
	warningOut struct{ Body Warning }
	textsIn    struct {
		Hazard string `query:"hazard" doc:"of this hazard only"`
	}
	textsOut struct {
		Body struct {
			Items []Text `json:"items"`
		}
	}
	draftIn       struct{ Body DraftRequest }
	draftOut      struct{ Body Draft }
	suggestionsIn struct {
		State string `query:"state" enum:"open,taken,dismissed,over,all" default:"open"`
		Limit int    `query:"limit" minimum:"1" maximum:"200" default:"100"`
	}
	suggestionsOut struct {
		Body struct {
			Items []Suggestion `json:"items"`
		}
	}
	dismissIn struct {
		ID   int64 `path:"id"`
		Body struct {
			Reason string `json:"reason" doc:"why; it stands in the ledger"`
		}
	}
	suggestionOut struct{ Body Suggestion }
)
