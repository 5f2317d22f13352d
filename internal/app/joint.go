package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/joint"
	"github.com/anlan-city/anlan/internal/respond/joint/lesson"
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
		Posts: a.packs.posts.title,
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

// newLessons makes what carries a lesson from one case over to all assets that are alike.
func (a *App) newLessons() *lesson.Service {
	return lesson.New(lesson.Deps{Cases: a.respond, Register: alike{register{a}}, Finish: func(ctx context.Context, caseID, task int64, answer string) error {
		_, err := a.respond.FinishTask(ctx, caseID, task, answer, "")
		if e := (*web.Error)(nil); errors.As(err, &e) && e.Code == "case.task_ended" {
			return nil
		}
		return err
	}})
}

// alike fulfils lesson.Register.
type alike struct{ register }

var _ lesson.Register = alike{}

// Kinds lists the kinds of asset that the city has.
func (a alike) Kinds(context.Context) ([]lesson.Kind, error) {
	counted := map[string]int{}
	a.city.EachAsset(func(s city.Spot) { counted[s.Kind]++ })
	out := []lesson.Kind{}
	for _, k := range a.packs.kinds {
		if n := counted[k.ID]; n > 0 {
			out = append(out, lesson.Kind{ID: k.ID, Title: lifecycle.Words(k.Title.In("en"), k.Title.In("zh-CN")), Assets: n})
		}
	}
	return out, nil
}

// Each reads the assets of a kind with what the register says of each.
func (a alike) Each(ctx context.Context, kind string, fn func(lesson.Asset) error) error {
	ctx = access.With(ctx, access.System("lesson"))
	for after := int64(0); ; {
		items, next, err := a.city.Assets(ctx, city.AssetFilter{Kind: kind, After: after})
		if err != nil {
			return err
		}
		for _, item := range items {
			if item.Kind != kind { // the filter takes a whole pack too
				continue
			}
			out := lesson.Asset{ID: item.ID, Cell: item.Area, Area: a.city.AboveGrid(item.Area), Organisation: item.Organisation}
			if out.Organisation == 0 {
				out.Organisation = a.city.AnswersFor(item.Area)
			}
			if len(item.Properties) > 0 {
				if err := json.Unmarshal(item.Properties, &out.Says); err != nil {
					return fmt.Errorf("properties of asset %d: %w", item.ID, err)
				}
			}
			if err := fn(out); err != nil {
				return err
			}
		}
		if next == 0 {
			return nil
		}
		after = next
	}
}

// Within says whether an area is another or lies in it.
func (a alike) Within(area, within int64) bool {
	return area == within || a.city.AreaWithin(area, within)
}
