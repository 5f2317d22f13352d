package area

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/platform/web"
)

// Routes adds the room's API.
func (s *Service) Routes(r *web.Router) {
	huma.Register(r.API(), huma.Operation{Method: http.MethodPost, Path: "/api/v1/warnings/inside", OperationID: "get-warning-inside",
		Summary: "See what lies inside the area that a proposal would have", Tags: []string{"Warnings"}, DefaultStatus: http.StatusOK},
		func(ctx context.Context, in *insideIn) (*insideOut, error) {
			out, err := s.Inside(ctx, in.Body)
			return &insideOut{Body: out}, err
		})
}

type (
	insideIn  struct{ Body Where }
	insideOut struct{ Body Inside }
)
