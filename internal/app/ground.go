package app

import (
	"context"
	"errors"
	"net/http"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Shapes fulfils area.Ground.
func (r register) Shapes(context.Context) (map[int64]geom.Geometry, error) {
	out := map[int64]geom.Geometry{}
	r.city.EachArea(func(id int64, level string, shape geom.Geometry) {
		if level != city.GridLevel {
			out[id] = shape
		}
	})
	return out, nil
}

// Thing fulfils area.Ground.
func (r register) Thing(ctx context.Context, asset int64) (page.Text, geom.Geometry, bool, error) {
	name, shape, err := r.city.Outline(access.With(ctx, access.System("register")), asset)
	var e *web.Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		return page.Text{}, geom.Geometry{}, false, nil
	}
	return text(name), shape, err == nil, err
}
