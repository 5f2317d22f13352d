package reports

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// maxImportBody bounds a bulk request: a thousand reports of the longest text.
const maxImportBody = 16 << 20

// Routes adds the room's API and its public pages.
func (s *Service) Routes(r *web.Router) {
	tags := []string{"Reports"}
	huma.Register(r.API(), huma.Operation{Method: http.MethodGet, Path: "/api/v1/reports", OperationID: "list-reports", Summary: "List reports", Tags: tags},
		func(ctx context.Context, in *listIn) (*listOut, error) {
			q, err := in.query()
			if err != nil {
				return nil, err
			}
			out := &listOut{}
			out.Body.Items, out.Body.Next, err = s.List(ctx, q)
			return out, err
		})
	huma.Register(r.API(), huma.Operation{Method: http.MethodGet, Path: "/api/v1/reports/categories", OperationID: "list-report-categories", Summary: "List what a report can be about", Tags: tags},
		func(context.Context, *struct{}) (*categoriesOut, error) {
			out := &categoriesOut{}
			out.Body.Items = s.Categories()
			return out, nil
		})
	huma.Register(r.API(), huma.Operation{Method: http.MethodGet, Path: "/api/v1/reports/{id}", OperationID: "get-report", Summary: "Get a report", Tags: tags},
		func(ctx context.Context, in *idIn) (*reportOut, error) {
			report, err := s.Get(ctx, in.ID)
			return &reportOut{Body: report}, err
		})
	huma.Register(r.API(), huma.Operation{Method: http.MethodPost, Path: "/api/v1/reports/import", OperationID: "import-reports", Summary: "Bring reports in, in bulk",
		Description: "Each external id of a source is taken once, so a bulk may be sent again. Event times are kept. What is wrong with an item keeps out that item only.",
		Tags:        tags, MaxBodyBytes: maxImportBody, Middlewares: web.Gate(access.Known)},
		func(ctx context.Context, in *importIn) (*importOut, error) {
			done, err := s.Import(ctx, in.Body)
			return &importOut{Body: done}, err
		})
	s.publicRoutes(r)
}

type (
	listIn struct {
		State    string `query:"state" enum:"open,closed,all" default:"open"`
		Category string `query:"category" maxLength:"100"`
		BBox     string `query:"bbox" doc:"west,south,east,north in degrees; west greater than east crosses the date line"`
		Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
		After    string `query:"after" maxLength:"64" doc:"next of the page before"`
	}
	listOut struct {
		Body struct {
			Items []Report `json:"items"`
			Next  string   `json:"next,omitempty"`
		}
	}
	categoriesOut struct {
		Body struct {
			Items []Category `json:"items"`
		}
	}
	idIn struct {
		ID int64 `path:"id"`
	}
	reportOut struct{ Body Report }
	importIn  struct{ Body Import }
	importOut struct{ Body Imported }
)

func (in *listIn) query() (Query, error) {
	q := Query{State: State(in.State), Category: in.Category, Limit: in.Limit}
	if in.State == "all" {
		q.State = ""
	}
	if in.BBox != "" {
		parts := strings.Split(in.BBox, ",")
		var box [4]float64
		for i, part := range parts {
			f, ok := number(part)
			if !ok || i > 3 {
				return q, badBox(in.BBox)
			}
			box[i] = f
		}
		if len(parts) != 4 || box[1] > box[3] {
			return q, badBox(in.BBox)
		}
		q.BBox = &box
	}
	if in.After != "" {
		us, id, ok := strings.Cut(in.After, ".")
		var err, err2 error
		q.After.received, err = strconv.ParseInt(us, 10, 64)
		q.After.id, err2 = strconv.ParseInt(id, 10, 64)
		if !ok || err != nil || err2 != nil {
			return q, web.Errorf(422, "report.cursor", "after is not the next of a page").At("after")
		}
	}
	return q, nil
}

func badBox(s string) error {
	return web.Errorf(422, "report.bbox", "bbox %q is not west,south,east,north", s).At("bbox")
}

// cursorOf names the place after a report in the list.
func cursorOf(r Report) string { return fmt.Sprintf("%d.%d", db.Micros(r.ReceivedAt), r.ID) }
