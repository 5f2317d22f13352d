package coverage

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Routes adds the room's part of the API.
func (s *Service) Routes(r *web.Router) {
	api := r.API()
	op := func(method, path, id, summary string) huma.Operation {
		return huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Tags: []string{"coverage"}}
	}
	huma.Register(api, op("GET", "/api/v1/coverage", "get-coverage", "How well the city is watched: totals by kind and area"), s.getTotals)
	huma.Register(api, op("GET", "/api/v1/coverage/assets", "list-coverage", "Assets with what watches them, what is blind first"), s.getAssets)
	huma.Register(api, op("GET", "/api/v1/coverage/places", "list-place-coverage", "Places with assets, summed up"), s.getPlaces)
	huma.Register(api, op("GET", "/api/v1/assets/{id}/coverage", "get-asset-coverage", "What watches one asset, and whether that is alive"), s.getAsset)
	huma.Register(api, op("GET", "/api/v1/places/{id}/coverage", "get-place-coverage", "What watches one place"), s.getPlace)
	r.HandleFunc("GET /api/v1/coverage/assets.geojson", s.getGeoJSON)
	r.HandleFunc("GET /api/v1/coverage/export", s.getExport)

	huma.Register(api, op("GET", "/api/v1/coverage/works", "list-works", "Planned works, newest first"), s.getWorks)
	huma.Register(api, op("POST", "/api/v1/coverage/works", "announce-works", "Announce planned works at an asset or a place"), s.postWorks)
	huma.Register(api, op("POST", "/api/v1/coverage/works/{id}/end", "end-works", "End works early"), s.postEnd)
	huma.Register(api, op("POST", "/api/v1/coverage/calibrations", "record-calibration", "Record when an asset or a datastream is to be calibrated next"), s.postCalibration)
	huma.Register(api, op("GET", "/api/v1/coverage/calibrations", "list-calibrations", "The newest calibrations, by the day on which they are due"), s.getCalibrations)
	r.HandleUpload("POST /api/v1/coverage/calibrations.csv", maxImport, access.Known, http.HandlerFunc(s.postImport))
	huma.Register(api, op("PUT", "/api/v1/datastreams/{id}/heartbeat", "put-heartbeat", "How often a datastream is expected to speak"), s.putHeartbeat)
}

type body[T any] struct{ Body T }

// FilterIn is embedded, so it must be exported to be filled in: it holds the parameters that narrow totals and lists.
type FilterIn struct {
	Kind     string `query:"kind" doc:"pack/kind, or a pack"`
	Area     int64  `query:"area" doc:"an area, with all that lies in it"`
	State    string `query:"state" doc:"one or more of unwatched, mute, partly, works, watched, none, with commas"`
	Due      string `query:"calibration" enum:"overdue,soon"`
	Late     bool   `query:"late" doc:"only what speaks late"`
	Unjudged bool   `query:"unjudged" doc:"only what no detector judges"`
	Text     string `query:"q" doc:"part of a name or of the external id"`
}

func (in FilterIn) filter() (Filter, error) {
	f := Filter{Kind: in.Kind, Area: in.Area, Due: Due(in.Due), Late: in.Late, Unjudged: in.Unjudged, Text: strings.TrimSpace(in.Text)}
	for _, word := range strings.Split(in.State, ",") {
		switch {
		case word == "":
		case !slices.Contains(States[:], State(word)):
			return f, web.Errorf(http.StatusUnprocessableEntity, "coverage.unknown_state", "unknown state %q; there are unwatched, mute, partly, works, watched, none", short(word)).At("state")
		default:
			f.States = append(f.States, State(word))
		}
	}
	return f, nil
}

type totalsOut struct {
	At time.Time `json:"at" doc:"when this was so"`
	Totals
}

func (s *Service) getTotals(ctx context.Context, in *FilterIn) (*body[totalsOut], error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	t, at, err := s.Totals(ctx, f)
	if err != nil {
		return nil, err
	}
	if t.Kinds == nil {
		t.Kinds, t.Areas, t.Cells = []KindCount{}, []AreaCount{}, []Cell{}
	}
	return &body[totalsOut]{totalsOut{at, t}}, nil
}

type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"pass as after to go on; absent at the end"`
}

type assetsIn struct {
	FilterIn
	After string `query:"after" doc:"next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (s *Service) getAssets(ctx context.Context, in *assetsIn) (*body[page[Line]], error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	items, next, err := s.Assets(ctx, f, in.After, in.Limit)
	return &body[page[Line]]{page[Line]{items, next}}, err
}

type placesIn struct {
	FilterIn
	After int64 `query:"after" doc:"next of the page before"`
	Limit int   `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (s *Service) getPlaces(ctx context.Context, in *placesIn) (*body[page[PlaceLine]], error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	items, next, err := s.Places(ctx, f, in.After, in.Limit)
	return &body[page[PlaceLine]]{page[PlaceLine]{items, nextID(next)}}, err
}

func nextID(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

type idIn struct {
	ID int64 `path:"id"`
}

func (s *Service) getAsset(ctx context.Context, in *idIn) (*body[Detail], error) {
	d, err := s.Asset(ctx, in.ID)
	return &body[Detail]{d}, err
}

func (s *Service) getPlace(ctx context.Context, in *idIn) (*body[PlaceDetail], error) {
	d, err := s.Place(ctx, in.ID)
	return &body[PlaceDetail]{d}, err
}

type worksIn struct {
	When  string `query:"when" enum:"current,coming,past" doc:"all where it is left out"`
	Asset int64  `query:"asset"`
	Place int64  `query:"place"`
	After int64  `query:"after" doc:"next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (s *Service) getWorks(ctx context.Context, in *worksIn) (*body[page[Work]], error) {
	items, err := s.ListWorks(ctx, in.When, in.Asset, in.Place, in.After, in.Limit)
	p := page[Work]{Items: items}
	if len(items) == in.Limit {
		p.Next = nextID(items[len(items)-1].ID)
	}
	return &body[page[Work]]{p}, err
}

type announceIn struct {
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"the same request under the same key is carried out once"`
	Body WorkDraft
}

func (s *Service) postWorks(ctx context.Context, in *announceIn) (*body[Work], error) {
	w, err := s.Announce(ctx, in.Body, in.Key)
	return &body[Work]{w}, err
}

func (s *Service) postEnd(ctx context.Context, in *idIn) (*body[Work], error) {
	w, err := s.End(ctx, in.ID)
	return &body[Work]{w}, err
}

type calibrateIn struct {
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"the same request under the same key is carried out once"`
	Body CalibrationDraft
}

func (s *Service) postCalibration(ctx context.Context, in *calibrateIn) (*body[Calibration], error) {
	c, err := s.Calibrate(ctx, in.Body, in.Key)
	return &body[Calibration]{c}, err
}

type calibrationsIn struct {
	Due   string `query:"due" enum:"overdue,soon" doc:"all where it is left out"`
	After string `query:"after" doc:"next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (s *Service) getCalibrations(ctx context.Context, in *calibrationsIn) (*body[page[Calibration]], error) {
	items, next, err := s.Calibrations(ctx, Due(in.Due), in.After, in.Limit)
	return &body[page[Calibration]]{page[Calibration]{items, next}}, err
}

type heartbeatIn struct {
	ID   int64 `path:"id"`
	Body struct {
		Heartbeat string `json:"heartbeat" doc:"ISO 8601 duration such as PT10M; empty: take back what was set" example:"PT10M"`
	}
}

func (s *Service) putHeartbeat(ctx context.Context, in *heartbeatIn) (*struct{}, error) {
	return nil, s.SetHeartbeat(ctx, in.ID, in.Body.Heartbeat)
}
