package outside

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Routes adds the room's routes.
func (s *Service) Routes(r *web.Router) {
	api := r.API()
	op := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Tags: []string{"models"}}
	}
	huma.Register(api, op("GET", "/api/v1/models", "list-models", "Outside models, with how they do"),
		func(ctx context.Context, _ *struct{}) (*page[View], error) {
			all, err := s.List(ctx)
			out := &page[View]{}
			out.Body.Items = make([]View, len(all))
			for i, m := range all {
				out.Body.Items[i] = s.view(m)
			}
			return out, err
		})
	register := op("POST", "/api/v1/models", "register-model", "Register an outside model as a draft")
	register.DefaultStatus = http.StatusCreated
	huma.Register(api, register, func(ctx context.Context, in *struct{ Body Registration }) (*body[View], error) {
		return s.one(s.Register(ctx, in.Body))
	})
	huma.Register(api, op("GET", "/api/v1/models/{id}", "get-model", "One outside model"),
		func(ctx context.Context, in *IDIn) (*body[View], error) { return s.one(s.Get(ctx, in.ID)) })
	huma.Register(api, op("PUT", "/api/v1/models/{id}", "change-model", "Replace the registration of a draft"),
		func(ctx context.Context, in *struct {
			IDIn
			Body Registration
		}) (*body[View], error) {
			return s.one(s.Change(ctx, in.ID, in.Body))
		})
	approve := op("POST", "/api/v1/models/{id}/approve", "approve-model", "Have a model in shadow go live, on its figures")
	approve.Description = "By an official who had no part in registering it. The figures of this instant come back, and stand in the ledger beside the name."
	huma.Register(api, approve, func(ctx context.Context, in *struct {
		IDIn
		Body struct {
			Version string `json:"version" doc:"the version whose figures were looked at"`
			Note    string `json:"note" doc:"why"`
		}
	}) (*body[Approved], error) {
		m, f, err := s.Approve(ctx, in.ID, in.Body.Version, in.Body.Note)
		if err != nil {
			return nil, err
		}
		return &body[Approved]{Approved{s.view(m), f}}, nil
	})
	for _, x := range []struct {
		verb    string
		to      State
		summary string
	}{
		{"shadow", Shadow, "Ask a draft from now on, in shadow; or take a live model back into shadow at once"},
		{"draft", Draft, "Take a model in shadow back to a draft, to change its registration"},
		{"retire", Retired, "Ask a model no more"},
	} {
		huma.Register(api, op("POST", "/api/v1/models/{id}/"+x.verb, x.verb+"-model", x.summary),
			func(ctx context.Context, in *moveIn) (*body[View], error) {
				return s.one(s.Move(ctx, in.ID, x.to, in.Body.Note))
			})
	}
	huma.Register(api, op("GET", "/api/v1/models/{id}/figures", "get-model-figures", "How good a model was, beside our detectors on the same series and time"),
		func(ctx context.Context, in *struct {
			IDIn
			From time.Time `query:"from" doc:"left out: since it came into shadow; no further back than 92 days"`
			To   time.Time `query:"to" doc:"left out: now"`
		}) (*body[*Figures], error) {
			f, err := s.Figures(ctx, in.ID, Period{in.From, in.To})
			return &body[*Figures]{f}, err
		})
	huma.Register(api, op("GET", "/api/v1/models/{id}/alerts", "list-model-alerts", "What a model raised, newest first: in shadow nobody was told"),
		func(ctx context.Context, in *pageIn) (*page[Alert], error) {
			items, err := s.Raised(ctx, in.ID, in.After, in.Limit+1)
			return cut(items, in.Limit, func(a Alert) int64 { return a.ID }), err
		})
	huma.Register(api, op("GET", "/api/v1/models/{id}/asks", "list-model-asks", "What a model was asked and what became of it, newest first"),
		func(ctx context.Context, in *pageIn) (*page[Asked], error) {
			items, err := s.Asked(ctx, in.ID, in.After, in.Limit+1)
			return cut(items, in.Limit, func(a Asked) int64 { return a.Due.UnixMicro() }), err
		})
}

type (
	body[T any] struct{ Body T }
	page[T any] struct {
		Body struct {
			Items []T   `json:"items"`
			Next  int64 `json:"next,omitempty" doc:"pass as after to go on; absent at the end"`
		}
	}
)

// IDIn is embedded, so it must be exported to be filled in: the id of a model in a path.
type IDIn struct {
	ID int64 `path:"id"`
}

type pageIn struct {
	IDIn
	After int64 `query:"after" doc:"next of the page before"`
	Limit int   `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type moveIn struct {
	IDIn
	Body struct {
		Note string `json:"note,omitempty" doc:"why; needed where the model is live"`
	}
}

func cut[T any](items []T, limit int, id func(T) int64) *page[T] {
	out := &page[T]{}
	if len(items) > limit {
		items = items[:limit]
		out.Body.Next = id(items[limit-1])
	}
	out.Body.Items = append([]T{}, items...)
	return out
}

// Approved is a model that went live, with the figures it went live on.
type Approved struct {
	Model   View     `json:"model"`
	Figures *Figures `json:"figures"`
}

// View is a model as the API shows it.
type View struct {
	ID int64 `json:"id"`
	Registration
	State        State      `json:"state" enum:"draft,shadow,live,retired"`
	Maturity     string     `json:"maturity" enum:"trial" doc:"of its alerts: a model of others never counts as stable"`
	Detector     string     `json:"detector" doc:"under which its alerts stand once it is live"`
	RegisteredAt time.Time  `json:"registered_at"`
	RegisteredBy string     `json:"registered_by"`
	MovedAt      time.Time  `json:"moved_at" doc:"into its state"`
	ShadowAt     *time.Time `json:"shadow_at" doc:"since when it has been asked; its figures begin here"`
	LiveAt       *time.Time `json:"live_at"`
	ApprovedBy   string     `json:"approved_by,omitempty"`
	Approved     string     `json:"approved_version,omitempty"`
	Answers      string     `json:"answered_version,omitempty" doc:"that it answered with last"`
	AnsweredAt   *time.Time `json:"answered_at"`
	Fails        int        `json:"fails" doc:"failures in a row"`
	Fault        string     `json:"fault,omitempty" doc:"the last one's reason"`
	SecretSet    *bool      `json:"secret_set,omitempty" doc:"whether the environment variable with its secret is set; left out: it has none"`
	Rule         *Words     `json:"rule,omitempty" doc:"when it raises an alert and what ends it, in words"`
}

// Words are a rule in words.
type Words struct {
	Rule   detect.Wording `json:"rule"`
	Clears detect.Wording `json:"clears"`
}

func (s *Service) one(m *Model, err error) (*body[View], error) {
	if err != nil {
		return nil, err
	}
	return &body[View]{s.view(m)}, nil
}

func (s *Service) view(m *Model) View {
	v := View{
		ID: m.ID, Registration: m.Registration, State: m.State, Maturity: maturity, Detector: m.detectorID(), RegisteredAt: m.RegisteredAt, RegisteredBy: m.RegisteredBy,
		MovedAt: m.MovedAt, ShadowAt: m.ShadowAt, LiveAt: m.LiveAt, ApprovedBy: m.ApprovedBy, Approved: m.Approved, Answers: m.Version,
		AnsweredAt: m.AnsweredAt, Fails: m.Fails, Fault: m.Fault,
	}
	if x := m.Registration.Secret; x != nil {
		value, set := s.Getenv(x.Env)
		set = set && value != ""
		v.SecretSet = &set
	}
	if len(m.Registration.Levels) > 0 {
		if d, err := m.Registration.detector(); err == nil {
			v.Rule = &Words{d.Rule, d.Clears}
		}
	}
	return v
}
