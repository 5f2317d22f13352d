package app

import (
	"context"
	"errors"
	"net/http"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/joint"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// newJoint makes the joint rooms of cases.
func (a *App) newJoint(ctx context.Context) (*joint.Service, error) {
	set, err := a.site(ctx)
	if err != nil {
		return nil, err
	}
	return joint.New(joint.Deps{
		Cases: a.respond, Facts: facts{a}, City: lifecycle.Words(set.Name.English, set.Name.Chinese), Zone: set.TimeZone,
	})
}

// facts fulfils joint.Facts.
type facts struct{ *App }

var _ joint.Facts = facts{}

// Alert is what an alert says.
func (f facts) Alert(ctx context.Context, id int64) (lifecycle.Text, error) {
	a, err := f.detect.Get(ctx, id)
	if err != nil {
		return lifecycle.Text{}, err
	}
	return lifecycle.Words(a.Title.EN, a.Title.ZH), nil
}

// Reading is the newest of a datastream, for who may read it; what stands in a home has no value to show.
func (f facts) Reading(ctx context.Context, datastream int64) (lifecycle.Reading, error) {
	if _, err := f.sensing.Latest(ctx, datastream); err != nil {
		return lifecycle.Reading{}, err
	}
	if d, ok := f.sensing.Lookup(datastream); ok {
		if s, ok := f.city.AssetSpot(d.Asset); ok && s.Home {
			return lifecycle.Reading{}, web.Errorf(http.StatusForbidden, "sensing.home", "a sensor in a home shows whether it is alive, and no values").At("readings")
		}
	}
	r, err := register(f).Latest(ctx, datastream)
	if errors.Is(err, db.ErrNotFound) {
		err = web.Errorf(http.StatusUnprocessableEntity, "case.no_reading", "the datastream has no reading").At("readings")
	}
	return r, err
}
