package inspect

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// View is a finding as the API shows it, with its free text masked.
type View struct {
	ID          int64       `json:"id"`
	At          time.Time   `json:"at"`
	By          string      `json:"by"`
	Description string      `json:"description"`
	Grade       string      `json:"grade"`
	Checklist   string      `json:"checklist,omitempty"`
	Asset       int64       `json:"asset,omitempty"`
	Place       int64       `json:"place,omitempty"`
	Area        int64       `json:"area,omitempty"`
	Owner       int64       `json:"owner,omitempty"`
	Point       *[2]float64 `json:"point,omitempty"`
}

// View shows f.
func (f Finding) View() View {
	return View{
		ID: f.ID, At: f.At, By: f.By, Description: guard.Mask(f.Description), Grade: f.Grade, Checklist: guard.Mask(f.Checklist),
		Asset: f.Asset, Place: f.Place, Area: f.Area, Owner: f.Owner, Point: f.Point,
	}
}

type (
	listIn struct {
		After int64 `query:"after" doc:"the next of the page before"`
		Limit int   `query:"limit" default:"100" minimum:"1" maximum:"1000"`
	}
	listOut struct{ Body FindingList }
	oneIn   struct {
		ID int64 `path:"id"`
	}
	oneOut struct{ Body View }
)

// FindingList is a page of findings.
type FindingList struct {
	Items []View `json:"items"`
	Next  int64  `json:"next,omitempty"`
}

// Routes adds the room's reading operations. Recording a finding opens its case in the same answer, so it is respond's
// route.
func (s *Service) Routes(r *web.Router) {
	huma.Register(r.API(), huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/findings", OperationID: "list-findings", Summary: "Findings, newest first",
	}, func(ctx context.Context, in *listIn) (*listOut, error) {
		found, next, err := s.Findings(ctx, in.After, in.Limit)
		if err != nil {
			return nil, err
		}
		out := FindingList{make([]View, len(found)), next}
		for i, f := range found {
			out.Items[i] = f.View()
		}
		return &listOut{out}, nil
	})
	huma.Register(r.API(), huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/findings/{id}", OperationID: "get-finding", Summary: "One finding",
	}, func(ctx context.Context, in *oneIn) (*oneOut, error) {
		f, err := s.Finding(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &oneOut{Body: f.View()}, nil
	})
}
