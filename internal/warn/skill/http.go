package skill

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/platform/web"
)

// Routes adds the API of verdicts and figures, and the public page.
func (s *Service) Routes(r *web.Router) {
	register(r, http.MethodGet, "/api/v1/warnings/verdicts", "list-warning-verdicts", "List warnings that have ended, with or without a verdict", 200, func(ctx context.Context, in *waitingIn) (*itemsOut, error) {
		out := &itemsOut{}
		var err error
		if out.Body.Items, out.Body.Overdue, err = s.Waiting(ctx, in.Waiting); err != nil {
			return nil, err
		}
		out.Body.Total = len(out.Body.Items)
		out.Body.Items, out.Body.Next, err = paged(out.Body.Items, in.After, in.Limit)
		return out, err
	})
	register(r, http.MethodGet, "/api/v1/warnings/{id}/verdict", "get-warning-verdict", "Get all versions of the verdict on a warning", 200, func(ctx context.Context, in *idIn) (*verdictsOut, error) {
		return verdictsAnswer(s.Verdicts(ctx, in.ID))
	})
	register(r, http.MethodPost, "/api/v1/warnings/{id}/verdict", "judge-warning", "Say what really happened, or revise it with a reason", 200, func(ctx context.Context, in *wordIn) (*verdictsOut, error) {
		return verdictsAnswer(s.Judge(ctx, in.ID, in.Body))
	})
	register(r, http.MethodPost, "/api/v1/warnings/missed", "note-missed-warning", "Note a danger that came without a warning of its level", 201, func(ctx context.Context, in *noteIn) (*missedOut, error) {
		m, err := s.Miss(ctx, in.Body)
		return &missedOut{Body: m}, err
	})
	register(r, http.MethodPost, "/api/v1/warnings/missed/{id}/take-back", "take-back-missed-warning", "Take back what was noted as missed by mistake", 200, func(ctx context.Context, in *takeBackIn) (*missedOut, error) {
		m, err := s.TakeBack(ctx, in.ID, in.Body.Reason)
		return &missedOut{Body: m}, err
	})
	register(r, http.MethodGet, "/api/v1/warnings/skill", "get-warning-skill", "Get how good the warnings were; without an account, the public ones", 200, func(ctx context.Context, in *spanIn) (*skillOut, error) {
		out, err := s.Skill(ctx, in.From, in.To)
		return &skillOut{Body: out}, err
	})
	register(r, http.MethodGet, "/api/v1/warnings/skill/rows", "list-warning-skill-rows", "List what stands behind a figure; without an account, of public warnings and without what officers wrote", 200, func(ctx context.Context, in *rowsIn) (*itemsOut, error) {
		out := &itemsOut{}
		var err error
		if out.Body.Items, err = s.Rows(ctx, in.Figure, in.Hazard, in.Level, in.From, in.To); err != nil {
			return nil, err
		}
		out.Body.Total = len(out.Body.Items)
		out.Body.Items, out.Body.Next, err = paged(out.Body.Items, in.After, in.Limit)
		return out, err
	})
	r.HandleFunc("GET /warnings/skill", s.skillPage)
}

func register[I, O any](r *web.Router, method, path, id, summary string, status int, fn func(context.Context, *I) (*O, error)) {
	huma.Register(r.API(), huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Tags: []string{"Warnings"}, DefaultStatus: status}, fn)
}

func verdictsAnswer(list []Verdict, err error) (*verdictsOut, error) {
	out := &verdictsOut{}
	out.Body.Items = list
	return out, err
}

type (
	// Paging is embedded, so it must be exported to be filled in.
	Paging struct {
		Limit int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
		After string `query:"after" doc:"the next of the page before"`
	}
	waitingIn struct {
		Paging
		Waiting bool `query:"waiting" default:"true" doc:"false: those that were judged"`
	}
	idIn struct {
		ID int64 `path:"id"`
	}
	wordIn struct {
		ID   int64 `path:"id"`
		Body Word
	}
	noteIn     struct{ Body Missed }
	takeBackIn struct {
		ID   int64 `path:"id"`
		Body struct {
			Reason string `json:"reason" doc:"why; it stands in the ledger"`
		}
	}
	spanIn struct {
		From time.Time `query:"from" doc:"a year before to when absent"`
		To   time.Time `query:"to" doc:"now when absent"`
	}
	rowsIn struct {
		Paging
		spanIn
		Figure string `query:"figure" required:"true" enum:"issued,judged,waiting,hits,partly,false,cannot-tell,missed,lead,late"`
		Hazard string `query:"hazard"`
		Level  string `query:"level" enum:"red,orange,yellow,blue,"`
	}
	itemsOut struct {
		Body struct {
			Items   []Item `json:"items"`
			Total   int    `json:"total" doc:"how many there are on all pages"`
			Next    string `json:"next,omitempty" doc:"pass as after to go on; absent at the end"`
			Overdue int    `json:"overdue" doc:"verdicts that are more than a week late"`
		}
	}
	verdictsOut struct {
		Body struct {
			Items []Verdict `json:"items" doc:"oldest first; the last counts"`
		}
	}
	missedOut struct{ Body Missed }
	skillOut  struct{ Body Skill }
)
