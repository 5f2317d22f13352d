package notify

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/platform/web"
)

type (
	inboxIn struct {
		Organisation string `query:"organisation" doc:"whose; 0 is the city's own watch, left out is the actor's own organisation"`
		Post         string `query:"post" maxLength:"100" doc:"which post; all when left out"`
		Order        string `query:"order" enum:"urgent,newest" default:"urgent"`
	}
	inboxOut struct{ Body *Inbox }

	acknowledgeIn struct {
		ID  int64  `path:"id"`
		Key string `header:"Idempotency-Key" doc:"the same request under the same key is carried out once within 24 hours"`
	}
	acknowledgeOut struct{ Body Answered }

	keyOut struct {
		Body struct {
			Key string `json:"key" doc:"the server's public key (VAPID), base64url"`
		}
	}
	subscribeIn   struct{ Body Subscribe }
	unsubscribeIn struct {
		Body struct {
			Endpoint string `json:"endpoint"`
		}
	}
	leftIn struct {
		State  string `query:"state" enum:"waiting,sending,failed,sent,dead,withdrawn" doc:"one state only"`
		Prefix string `query:"key-prefix" maxLength:"200" doc:"what the key begins with, such as warning:2026-0001."`
		After  int64  `query:"after" doc:"the next of the page before"`
		Limit  int    `query:"limit" default:"100" minimum:"1" maximum:"1000"`
	}
	leftOut struct{ Body *Left }
	retryIn struct {
		ID int64 `path:"id"`
	}
	retryOut struct{ Body Sent }
)

// Answered is a notice as it stands after it was acknowledged.
type Answered struct {
	ID             int64  `json:"id"`
	State          string `json:"state" enum:"open,acknowledged,withdrawn" doc:"withdrawn: another was quicker, or it was over"`
	AcknowledgedBy string `json:"acknowledged_by,omitempty"`
}

// Routes adds the room's operations.
func (s *Service) Routes(r *web.Router) {
	api := r.API()
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/inbox", OperationID: "get-inbox", Summary: "What a post has to look at: its open tasks and its notices",
	}, func(ctx context.Context, in *inboxIn) (*inboxOut, error) {
		organisation, err := ParseOrganisation(ctx, in.Organisation)
		if err != nil {
			return nil, err
		}
		out, err := s.Inbox(ctx, organisation, in.Post, in.Order == "newest")
		return &inboxOut{out}, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/notices/{id}/acknowledge", OperationID: "acknowledge-notice",
		Summary:     "Take note of a notice; may be repeated",
		Description: "What it is about is acknowledged with it where the actor may do that. Its chain stops, unless it goes on until the end.",
	}, func(ctx context.Context, in *acknowledgeIn) (*acknowledgeOut, error) {
		n, err := s.Acknowledge(ctx, in.ID, in.Key)
		return &acknowledgeOut{Answered{n.ID, n.State, n.AcknowledgedBy}}, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/push/key", OperationID: "push-key", Summary: "The key that a browser subscribes to notifications with",
	}, func(ctx context.Context, _ *struct{}) (*keyOut, error) {
		out := &keyOut{}
		var err error
		out.Body.Key, err = s.PushKey(ctx)
		return out, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/push/subscriptions", OperationID: "push-subscribe", DefaultStatus: http.StatusNoContent,
		Summary: "Have this browser notified for a post; the same browser again changes which",
	}, func(ctx context.Context, in *subscribeIn) (*struct{}, error) {
		return nil, s.Subscribe(ctx, in.Body)
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/push/subscriptions/remove", OperationID: "push-unsubscribe", DefaultStatus: http.StatusNoContent,
		Summary: "Have this browser no longer notified",
	}, func(ctx context.Context, in *unsubscribeIn) (*struct{}, error) {
		return nil, s.Unsubscribe(ctx, in.Body.Endpoint)
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/deliveries", OperationID: "list-deliveries", Summary: "Messages that leave the program and what became of them, newest first",
	}, func(ctx context.Context, in *leftIn) (*leftOut, error) {
		out, err := s.Deliveries(ctx, in.State, in.Prefix, in.After, in.Limit)
		return &leftOut{out}, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/deliveries/{id}/retry", OperationID: "retry-delivery", Summary: "Have a dead message sent again",
	}, func(ctx context.Context, in *retryIn) (*retryOut, error) {
		out, err := s.Retry(ctx, in.ID)
		return &retryOut{out}, err
	})
}
