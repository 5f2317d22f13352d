package sta

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	maxRegister     = 10_000
	maxRegisterBody = 8 << 20
)

// Routes adds the SensorThings API below Root, and the parts of Anlan's own API that stand on the catalogue. anyone is the
// actor of those who come to Root without credentials; nil where they remain the public.
func (s *Service) Routes(r *web.Router, anyone *access.Actor) {
	api := s.Handler()
	if anyone != nil {
		api = admit(*anyone, api)
	}
	mayFill := func(ctx context.Context) error {
		if anyone != nil {
			return nil
		}
		return access.Known(ctx)
	}
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete} {
		r.HandleUpload(method+" "+Root+"/", maxBulk, mayFill, api)
	}
	r.Messages(Root)
	r.Handle(Root+"/", api)
	r.Handle("GET "+Root, api)
	r.Handle("GET /api/v1/latest", s.Latest())
	huma.Register(r.API(), huma.Operation{
		OperationID: "register-datastreams", Method: http.MethodPut, Path: "/api/v1/datastreams", Tags: []string{"sensing"},
		MaxBodyBytes: maxRegisterBody, SkipValidateBody: true, Middlewares: web.Gate(access.Known),
		Summary: "Register datastreams, all or none; those that exist already are left as they are",
	}, s.putDatastreams)
}

// admit makes the public an actor of its own.
func admit(anyone access.Actor, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if access.From(r.Context()).Kind == access.KindPublic {
			r = r.WithContext(access.With(r.Context(), anyone))
		}
		h.ServeHTTP(w, r)
	})
}

type registerInput struct {
	Body struct {
		Items []registerJSON `json:"items" minItems:"1" maxItems:"10000"`
	}
}

type registerJSON struct {
	ExternalID string `json:"external_id"`
	Asset      string `json:"asset" doc:"external id of the asset"`
	Property   string `json:"property" doc:"pack/property, such as gas/methane"`
	Unit       string `json:"unit"`
	Name       string `json:"name"`
}

type registerOutput struct {
	Body struct {
		Items []registeredJSON `json:"items"`
	}
}

type registeredJSON struct {
	ID         int64  `json:"id"`
	ExternalID string `json:"external_id"`
}

func (s *Service) putDatastreams(ctx context.Context, in *registerInput) (*registerOutput, error) {
	if n := len(in.Body.Items); n == 0 || n > maxRegister {
		return nil, web.Errorf(http.StatusUnprocessableEntity, "sensing.bad_list", "expected 1 to %d items, got %d", maxRegister, n).At("items")
	}
	specs := make([]DatastreamSpec, len(in.Body.Items))
	for i, it := range in.Body.Items {
		id, ok := s.Assets.AssetByKey(it.Asset)
		if !ok {
			return nil, web.Errorf(http.StatusUnprocessableEntity, "sensing.unknown_asset", "there is no asset with the external id %q", it.Asset).
				At(fmt.Sprintf("items[%d].asset", i))
		}
		specs[i] = DatastreamSpec{ExternalID: it.ExternalID, Asset: id, Property: it.Property, Unit: it.Unit, Name: it.Name}
	}
	ids, err := s.EnsureDatastreams(ctx, specs)
	if err != nil {
		return nil, err
	}
	out := &registerOutput{}
	for i, id := range ids {
		out.Body.Items = append(out.Body.Items, registeredJSON{id, specs[i].ExternalID})
	}
	return out, nil
}
