package app

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/calendar"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// CalendarView is a calendar of working days as the API shows it.
type CalendarView struct {
	ID     string            `json:"id"`
	Title  map[string]string `json:"title" doc:"{en, zh-CN}"`
	Pack   string            `json:"pack"`
	Source string            `json:"source"`
	// KnownUntil is the last day whose holidays are announced.
	KnownUntil *string `json:"known_until" doc:"the last day whose holidays are known, as 2026-12-31; beyond it weekdays alone count; null where there is no end"`
	Known      bool    `json:"known" doc:"the holidays around today are known"`
	WorkingDay bool    `json:"working_day" doc:"today is one"`
}

// calendarRoutes adds the calendars, so that the console can say of a deadline that its calendar ends before.
func (a *App) calendarRoutes(r *web.Router) {
	huma.Register(r.API(), huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/calendars", OperationID: "list-calendars",
		Summary: "Calendars of working days, and until when their holidays are known", Tags: []string{"packs"},
	}, func(ctx context.Context, _ *struct{}) (*struct {
		Body struct {
			Items []CalendarView `json:"items"`
		}
	}, error) {
		if err := a.access.Decide(ctx, "pack.read", access.Resource{Type: "pack"}, access.Operations); err != nil {
			return nil, err
		}
		site, err := a.site(ctx)
		if err != nil {
			return nil, err
		}
		out := &struct {
			Body struct {
				Items []CalendarView `json:"items"`
			}
		}{}
		out.Body.Items = []CalendarView{}
		for _, c := range a.packs.calendars {
			out.Body.Items = append(out.Body.Items, calendarView(c.In(site.TimeZone), a.clock.Now()))
		}
		return out, nil
	})
}

func calendarView(c *calendar.Calendar, now time.Time) CalendarView {
	v := CalendarView{ID: c.ID, Title: c.Title.Map(), Pack: c.Pack, Source: c.Source, Known: c.Known(now), WorkingDay: c.Working(now)}
	if end, ok := c.Until(); ok {
		day := end.AddDate(0, 0, -1).Format(time.DateOnly)
		v.KnownUntil = &day
	}
	return v
}

// workingDays are the calendars as cases count by them, in the city's time.
func (p packs) workingDays(zone *time.Location) map[string]lifecycle.WorkingDays {
	out := map[string]lifecycle.WorkingDays{}
	for _, c := range p.calendars {
		out[c.ID] = c.In(zone)
	}
	return out
}
