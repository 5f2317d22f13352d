package city

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/tabular"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Routes registers the room's part of the API.
func (s *Service) Routes(r *web.Router) {
	api := r.API()
	op := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Tags: []string{"city"}}
	}
	huma.Register(api, op("GET", "/api/v1/city", "get-city", "What the city says about itself"), s.getCity)
	huma.Register(api, op("PUT", "/api/v1/city", "put-city", "Change the city's name and time zone"), s.putCity)
	huma.Register(api, op("GET", "/api/v1/areas", "list-areas", "Areas with their geometry"), s.getAreas)
	huma.Register(api, op("GET", "/api/v1/places", "list-places", "Places with their geometry"), s.getPlaces)
	huma.Register(api, op("GET", "/api/v1/assets", "list-assets", "Assets by box, kind or words"), s.getAssets)
	huma.Register(api, op("GET", "/api/v1/assets/{id}", "get-asset", "One asset, its datastreams and who answers for it"), s.getAsset)
	huma.Register(api, op("GET", "/api/v1/assets/{id}/path", "get-asset-path", "Where a mobile instrument was during 72 hours"), s.getPath)
	huma.Register(api, op("GET", "/api/v1/organisations", "list-organisations", "Organisations"), s.getOrganisations)
	huma.Register(api, op("GET", "/api/v1/duties", "list-duties", "Duties"), s.getDuties)
	huma.Register(api, op("GET", "/api/v1/duties/missing", "list-missing-duties", "Links that the chain of responsibility lacks"), s.getMissing)
	r.HandleFunc("GET /api/v1/assets.geojson", s.getAssetsGeoJSON)
	r.HandleFunc("GET /api/v1/city/export", s.getExport)
	r.HandleUpload("POST /api/v1/city/import", MaxFile, access.Known, http.HandlerFunc(s.postImport))
}

type body[T any] struct{ Body T }

type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"pass as after to go on; absent at the end"`
}

func paged[T any](items []T, next int64) *body[page[T]] {
	p := page[T]{Items: items}
	if next != 0 {
		p.Next = strconv.FormatInt(next, 10)
	}
	return &body[page[T]]{p}
}

// Paging is embedded, so it must be exported to be filled in: it holds the parameters of a list that comes in pages.
type Paging struct {
	Limit int   `query:"limit" minimum:"1" maximum:"1000" default:"1000"`
	After int64 `query:"after" doc:"next of the page before"`
}

func (s *Service) getCity(ctx context.Context, _ *struct{}) (*body[Settings], error) {
	set, err := s.Settings(ctx)
	return &body[Settings]{set}, err
}

type settingsIn struct {
	Body struct {
		Name     Name   `json:"name"`
		TimeZone string `json:"time_zone"`
	}
}

func (s *Service) putCity(ctx context.Context, in *settingsIn) (*body[Settings], error) {
	if err := s.SetSettings(ctx, Settings{Name: in.Body.Name, TimeZone: in.Body.TimeZone}); err != nil {
		return nil, err
	}
	return s.getCity(ctx, nil)
}

func (s *Service) getAreas(ctx context.Context, in *struct {
	Level string `query:"level" doc:"district, town, grid, ..."`
}) (*body[page[Area]], error) {
	items, err := s.Areas(ctx, in.Level)
	return paged(items, 0), err
}

func (s *Service) getPlaces(ctx context.Context, in *Paging) (*body[page[Place]], error) {
	items, next, err := s.Places(ctx, in.After, in.Limit)
	return paged(items, next), err
}

type assetsIn struct {
	Paging
	Box  string `query:"bbox" doc:"west,south,east,north in degrees" example:"113.2,23.0,113.4,23.2"`
	Kind string `query:"kind" doc:"pack/kind, or a pack"`
	Text string `query:"q" doc:"part of a name or of the external id"`
}

func (in assetsIn) filter() (AssetFilter, error) {
	f := AssetFilter{Kind: in.Kind, Text: in.Text, After: in.After, Limit: in.Limit}
	if in.Box == "" {
		return f, nil
	}
	parts := strings.Split(in.Box, ",")
	var b [4]float64
	err := error(nil)
	if len(parts) != 4 {
		err = errors.New("not four numbers")
	}
	for i := 0; err == nil && i < 4; i++ {
		b[i], err = strconv.ParseFloat(strings.TrimSpace(parts[i]), 64)
	}
	if err != nil || !(b[0] <= b[2] && b[1] <= b[3]) {
		return f, web.Errorf(http.StatusUnprocessableEntity, "city.bad_box", "expected bbox=west,south,east,north in degrees, got %q", in.Box).At("bbox")
	}
	f.Box = &b
	return f, nil
}

func (s *Service) getAssets(ctx context.Context, in *assetsIn) (*body[page[Asset]], error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	items, next, err := s.Assets(ctx, f)
	return paged(items, next), err
}

type idIn struct {
	ID int64 `path:"id"`
}

// assetDetail is an asset with what belongs to it.
type assetDetail struct {
	Asset
	Datastreams any    `json:"datastreams" doc:"see GET /api/v1/datastreams"`
	Duties      []Duty `json:"duties"`
	// Who stands next to it in the network, by external id.
	Upstream   []Neighbour `json:"upstream" doc:"the assets that feed it"`
	Downstream []Neighbour `json:"downstream" doc:"the assets that it feeds"`
}

func (s *Service) getAsset(ctx context.Context, in *idIn) (*body[assetDetail], error) {
	a, err := s.Asset(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	d := assetDetail{Asset: a, Datastreams: []any{}}
	d.Upstream, d.Downstream = s.neighbours(a.ID)
	if d.Duties, err = s.DutiesFor(ctx, SubjectAsset, a.ID); err != nil {
		return nil, err
	}
	if s.Decorations != nil {
		if d.Datastreams, err = s.Decorations.Datastreams(ctx, a.ID); err != nil {
			return nil, err
		}
	}
	return &body[assetDetail]{d}, nil
}

func (s *Service) getPath(ctx context.Context, in *idIn) (*body[page[Point]], error) {
	items, err := s.Path(ctx, in.ID)
	return paged(items, 0), err
}

func (s *Service) getOrganisations(ctx context.Context, _ *struct{}) (*body[page[Organisation]], error) {
	items, err := s.Organisations(ctx)
	return paged(items, 0), err
}

func (s *Service) getDuties(ctx context.Context, in *struct {
	Paging
	Subject      string `query:"subject" enum:"area,place,asset"`
	SubjectID    int64  `query:"subject_id"`
	Organisation int64  `query:"organisation"`
}) (*body[page[Duty]], error) {
	items, next, err := s.Duties(ctx, in.Subject, in.SubjectID, in.Organisation, in.After, in.Limit)
	return paged(items, next), err
}

type missingOut struct {
	Items []MissingDuty `json:"items"`
	Total int           `json:"total" doc:"how many there are, listed or not"`
}

func (s *Service) getMissing(ctx context.Context, in *struct {
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"1000"`
}) (*body[missingOut], error) {
	items, total, err := s.MissingDuties(ctx, in.Limit)
	return &body[missingOut]{missingOut{items, total}}, err
}

// getAssetsGeoJSON streams all assets for the map: a hundred thousand of them need not stand in memory at once.
func (s *Service) getAssetsGeoJSON(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: "asset"}, access.Operations); err != nil {
		web.WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/geo+json")
	w.Header().Set("Cache-Control", "private, no-cache")
	out := bufio.NewWriterSize(w, 64<<10)
	fmt.Fprint(out, `{"type":"FeatureCollection","features":[`)
	var batch []Asset
	var shapes []string
	written := 0
	flush := func() error {
		s.decorate(batch)
		for i, a := range batch {
			if written > 0 {
				out.WriteByte(',')
			}
			written++
			if err := writeFeature(out, a, shapes[i]); err != nil {
				return err
			}
		}
		batch, shapes = batch[:0], shapes[:0]
		return nil
	}
	f := AssetFilter{Limit: pageRows}
	for more := true; more; {
		n := 0
		// The database is left before anything is sent: a slow reader must not hold a snapshot open.
		err := s.store.assets(ctx, f, func(a Asset, wkb string) error {
			f.After = a.ID
			n++
			batch, shapes = append(batch, a), append(shapes, wkb)
			return nil
		})
		if err == nil {
			err = flush()
		}
		if err != nil {
			// The status is sent already: an answer that is cut off is no valid JSON, so the reader notices.
			slog.WarnContext(ctx, "assets.geojson broken off", "err", err)
			panic(http.ErrAbortHandler)
		}
		more = n == pageRows
	}
	fmt.Fprint(out, "]}\n")
	if err := out.Flush(); err != nil {
		slog.DebugContext(ctx, "answer not sent", "err", err)
	}
}

func writeFeature(out *bufio.Writer, a Asset, wkb string) error {
	geometry := []byte(fmt.Sprintf(`{"type":"Point","coordinates":[%s,%s]}`, number(a.Point[0]), number(a.Point[1])))
	if wkb != "" {
		var err error
		if geometry, err = storedShape(wkb).MarshalJSON(); err != nil {
			return err
		}
	}
	a.Properties = nil // what the map doesn't draw
	props, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\n{\"type\":\"Feature\",\"id\":%d,\"geometry\":%s,\"properties\":%s}", a.ID, geometry, props)
	return err
}

var exportTypes = map[tabular.Format]string{
	tabular.CSV:     "text/csv; charset=utf-8",
	tabular.XLSX:    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	tabular.GeoJSON: "application/geo+json",
}

// getExport builds the file before it answers, so that an error is an error and not half a file.
func (s *Service) getExport(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	what, format := q.Get("what"), q.Get("format")
	var file bytes.Buffer
	if err := s.Export(r.Context(), &file, what, format); err != nil {
		web.WriteError(w, r, err)
		return
	}
	f, err := tabular.FormatOf(format, "")
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", exportTypes[f])
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": what + "." + string(f)}))
	if _, err := w.Write(file.Bytes()); err != nil {
		slog.DebugContext(r.Context(), "answer not sent", "err", err)
	}
}

// postImport takes the file as the body. Query: as, format or filename, coordinates, encoding, sheet.
func (s *Service) postImport(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if err := onlyKnown(q, "as", "format", "filename", "coordinates", "encoding", "sheet", "outside"); err != nil {
		web.WriteError(w, r, err)
		return
	}
	name := q.Get("filename")
	if name == "" {
		name = q.Get("as") + "." + q.Get("format")
	}
	report, err := s.Import(r.Context(), q.Get("as"), name, r.Body, ImportOptions{
		Format: q.Get("format"), Coordinates: q.Get("coordinates"), Encoding: q.Get("encoding"), Sheet: q.Get("sheet"),
		Outside: q.Get("outside") == "true"})
	var refusal *Refusal
	if errors.As(err, &refusal) {
		err = refusal.problem()
	}
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(report); err != nil {
		slog.DebugContext(r.Context(), "answer not sent", "err", err)
	}
}

func onlyKnown(q url.Values, known ...string) error {
	for name := range q {
		if !slices.Contains(known, name) {
			return web.Errorf(http.StatusUnprocessableEntity, "city.unknown_parameter", "unknown parameter %q%s", name, suggest(name, known)).At(name)
		}
	}
	return nil
}

// problem is the refusal as the API answers it.
func (r *Refusal) problem() *web.Error {
	first := r.Problems[0]
	count := fmt.Sprintf("%d problems", len(r.Problems))
	if len(r.Problems) == 1 {
		count = "1 problem"
	}
	e := web.Errorf(http.StatusUnprocessableEntity, "city.import_refused", "%s was not imported: %s", r.File, count)
	e.Field, e.Line, e.Column = first.Field, first.Line, first.Column
	for _, p := range r.Problems {
		e.Errors = append(e.Errors, web.Detail{Message: p.Message, Field: p.Field, Line: p.Line, Column: p.Column})
	}
	return e
}
