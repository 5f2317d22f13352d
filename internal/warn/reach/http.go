package reach

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

type (
	listOut struct {
		Body struct {
			Items []Recipient `json:"items"`
		}
	}
	addIn  struct{ Body Draft }
	editIn struct {
		ID   int64 `path:"id"`
		Body Change
	}
	idIn struct {
		ID int64 `path:"id"`
	}
	recipientOut struct{ Body Recipient }
	reachedIn    struct {
		ID     int64 `path:"id"`
		Before int64 `query:"before" doc:"the next of the page before"`
		Limit  int   `query:"limit" default:"200" minimum:"1" maximum:"1000"`
	}
	reachedOut struct{ Body *Reached }
)

// Reached is who was told of a warning.
type Reached struct {
	States map[string]int64 `json:"states" doc:"how many messages there are in each state"`
	Items  []Told           `json:"items" doc:"newest first"`
	Next   int64            `json:"next,omitempty"`
}

// Told is one message of a warning to one recipient.
type Told struct {
	Delivery  int64      `json:"delivery"`
	Version   int        `json:"version"`
	Recipient int64      `json:"recipient"`
	Title     page.Text  `json:"title"`
	Channel   string     `json:"channel"`
	State     string     `json:"state" enum:"waiting,sending,failed,sent,dead,withdrawn"`
	At        time.Time  `json:"at"`
	EndedAt   *time.Time `json:"ended_at" doc:"when it was sent, or ended otherwise"`
	Attempts  int64      `json:"attempts"`
	Proof     string     `json:"proof,omitempty" doc:"what the channel answered last"`
	InDoubt   bool       `json:"in_doubt,omitempty"`
	Webhook   string     `json:"webhook_id,omitempty"`
}

// Routes adds the package's operations.
func (s *Service) Routes(r *web.Router) {
	api, tags := r.API(), []string{"Warnings"}
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/warnings/recipients", OperationID: "list-recipients", Summary: "To whom warnings go", Tags: tags,
	}, func(ctx context.Context, _ *struct{}) (*listOut, error) {
		out := &listOut{}
		var err error
		out.Body.Items, err = s.List(ctx)
		return out, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/warnings/recipients", OperationID: "add-recipient", Summary: "Have warnings go to an organisation", Tags: tags,
		DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, in *addIn) (*recipientOut, error) {
		r, err := s.Add(ctx, in.Body)
		return &recipientOut{r}, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodPatch, Path: "/api/v1/warnings/recipients/{id}", OperationID: "change-recipient", Summary: "Change a recipient", Tags: tags,
	}, func(ctx context.Context, in *editIn) (*recipientOut, error) {
		r, err := s.Edit(ctx, in.ID, in.Body)
		return &recipientOut{r}, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodDelete, Path: "/api/v1/warnings/recipients/{id}", OperationID: "remove-recipient", Summary: "Remove a recipient", Tags: tags,
		DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, in *idIn) (*struct{}, error) {
		return nil, s.Remove(ctx, in.ID)
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/warnings/{id}/deliveries", OperationID: "list-warning-deliveries", Summary: "Who was told of a warning, when, with which proof", Tags: tags,
	}, func(ctx context.Context, in *reachedIn) (*reachedOut, error) {
		out, err := s.Reached(ctx, in.ID, in.Before, in.Limit)
		return &reachedOut{out}, err
	})
}

// Reached says who was told of a warning.
func (s *Service) Reached(ctx context.Context, warning, before int64, limit int) (*Reached, error) {
	if err := s.Access.Decide(ctx, "delivery.read", access.Resource{Type: "warning", ID: warning}, access.Operations); err != nil {
		return nil, err
	}
	number, err := s.Number(ctx, warning)
	if err != nil {
		return nil, err
	}
	out := &Reached{Items: []Told{}}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		titles := map[int64]page.Text{}
		all, err := list(tx, `1 = 1`) // those that were removed, too
		if err != nil {
			return err
		}
		for _, r := range all {
			titles[r.ID] = r.Title
		}
		if out.States, err = delivery.CountOf(tx, threadKey(number)); err != nil {
			return err
		}
		ds, err := delivery.List(tx, delivery.Filter{Prefix: threadKey(number), Before: before, Limit: limit + 1})
		if len(ds) > limit {
			ds = ds[:limit]
			out.Next = ds[limit-1].ID
		}
		for _, d := range ds {
			id, _ := recipientOf(d.Key)
			t := Told{
				Delivery: d.ID, Version: versionOf(d.Key), Recipient: id, Title: titles[id], Channel: d.Channel, State: d.State, At: d.At, Attempts: d.Attempts,
				Proof: d.Answer, InDoubt: d.InDoubt,
			}
			if !d.EndedAt.IsZero() {
				t.EndedAt = &d.EndedAt
			}
			if d.Channel == Webhook {
				t.Webhook = delivery.WebhookID(d.Key)
			}
			out.Items = append(out.Items, t)
		}
		return err
	})
	return out, err
}
