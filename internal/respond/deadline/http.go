package deadline

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/platform/web"
)

type (
	reportIn  struct{ Ask }
	reportOut struct{ Body *Report }
	rowsIn    struct {
		Ask
		After string `query:"after" doc:"the next of the page before"`
		Limit int    `query:"limit" default:"100" minimum:"1" maximum:"1000"`
	}
	rowsOut struct{ Body *RowPage }
)

// Routes adds the report's operations.
func (s *Service) Routes(r *web.Router) {
	api := r.API()
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/deadlines", OperationID: "report-deadlines",
		Summary: "How limits of cases were kept, in figures",
	}, func(ctx context.Context, in *reportIn) (*reportOut, error) {
		report, err := s.Report(ctx, in.Ask)
		return &reportOut{report}, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/deadlines/rows", OperationID: "list-deadlines", Summary: "The limits behind those figures, in the order in which they fall",
	}, func(ctx context.Context, in *rowsIn) (*rowsOut, error) {
		page, err := s.Rows(ctx, in.Ask, in.After, in.Limit)
		return &rowsOut{page}, err
	})
	r.HandleFunc("GET /api/v1/deadlines/export", s.export)
}

// export answers with a spreadsheet, built before it is sent, so that an error is an error and not half a file.
func (s *Service) export(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	ask := Ask{
		From: q.Get("from"), To: q.Get("to"), By: q.Get("by"), Organisation: q.Get("organisation"), Post: q.Get("post"), Category: q.Get("category"),
		Kind: q.Get("kind"), What: q.Get("what"), Area: q.Get("area"), Only: q.Get("only"), Status: q.Get("status"),
	}
	lang := q.Get("lang")
	if lang == "" {
		lang = r.Header.Get("Accept-Language")
	}
	var file bytes.Buffer
	if err := s.Sheet(r.Context(), &file, ask, strings.HasPrefix(lang, "zh")); err != nil {
		web.WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	w.Header().Set("Content-Disposition", `attachment; filename="deadlines.xlsx"`)
	w.Header().Set("Cache-Control", "private, no-store")
	if _, err := w.Write(file.Bytes()); err != nil {
		slog.DebugContext(r.Context(), "answer not sent", "err", err)
	}
}
