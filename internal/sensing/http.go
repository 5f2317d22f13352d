package sensing

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// maxJSON and maxCSV are the largest bodies of readings in bytes.
	maxJSON = 8 << 20
	maxCSV  = 32 << 20

	maxRegister    = 10_000
	defaultHistory = 1000
	maxHistory     = 100_000
)

// Routes adds the room's routes. assetByExternalID finds the asset that a registration names.
func (s *Service) Routes(r *web.Router, assetByExternalID func(string) (int64, bool)) {
	huma.Register(r.API(), huma.Operation{
		OperationID: "append-readings", Method: http.MethodPost, Path: "/api/v1/readings", Tags: []string{"sensing"},
		// The body is checked by hand: a bulk that is taken apart into generic values costs a hundred times its size.
		MaxBodyBytes: maxJSON, SkipValidateBody: true, Middlewares: web.Gate(access.Known),
		Summary:     "Send readings; answered when they are on disk",
		Description: "A reading that can't be taken is listed with its index and does not keep the others out.",
	}, s.postReadings)
	r.HandleUpload("POST /api/v1/readings.csv", maxCSV, access.Known, http.HandlerFunc(s.postCSV))
	huma.Register(r.API(), huma.Operation{
		OperationID: "register-datastreams", Method: http.MethodPut, Path: "/api/v1/datastreams", Tags: []string{"sensing"},
		MaxBodyBytes: maxJSON, SkipValidateBody: true, Middlewares: web.Gate(access.Known),
		Summary: "Register datastreams, all or none; those that exist already are left as they are",
	}, func(ctx context.Context, in *registerDatastreamsInput) (*registerDatastreamsOutput, error) {
		return s.putDatastreams(ctx, in, assetByExternalID)
	})
	huma.Register(r.API(), huma.Operation{
		OperationID: "list-datastreams", Method: http.MethodGet, Path: "/api/v1/datastreams", Tags: []string{"sensing"},
		Summary: "The datastreams of an asset, each with its latest reading and its count",
	}, s.getDatastreams)
	huma.Register(r.API(), huma.Operation{
		OperationID: "datastream-history", Method: http.MethodGet, Path: "/api/v1/datastreams/{id}/history", Tags: []string{"sensing"},
		Summary: "Readings of a datastream in the order of time, the newest if there are more than limit",
	}, s.getHistory)
}

type readingsInput struct {
	Body struct {
		Source   string     `json:"source" minLength:"1" maxLength:"100" doc:"who sends, as in the device token"`
		Readings []sentJSON `json:"readings" maxItems:"50000"`
	}
}

type sentJSON struct {
	Datastream string          `json:"datastream" doc:"external id of the datastream"`
	At         string          `json:"at" format:"date-time" doc:"when it was so"`
	Value      json.RawMessage `json:"value" doc:"a number, a string or a boolean"`
}

type receiptOutput struct{ Body receiptJSON }

type receiptJSON struct {
	Accepted int       `json:"accepted"`
	Refused  []Refusal `json:"refused" doc:"at most the first 100"`
	RefusedN int       `json:"refused_count"`
}

func (s *Service) postReadings(ctx context.Context, in *readingsInput) (*receiptOutput, error) {
	if len(in.Body.Readings) > maxRow {
		return nil, tooMany(len(in.Body.Readings))
	}
	rs := make([]Reading, len(in.Body.Readings))
	for i, r := range in.Body.Readings {
		rs[i].Datastream = s.idOf(r.Datastream)
		if err := rs[i].Value.UnmarshalJSON(r.Value); err != nil {
			rs[i].Value = Value{kind: kindInvalid, text: "value: expected a number, a string or a boolean"}
		}
		at, err := time.Parse(time.RFC3339Nano, r.At)
		if err != nil {
			rs[i].Value = Value{kind: kindInvalid, text: "at: expected an RFC 3339 time such as 2026-11-23T03:00:00Z, got " + strconv.Quote(r.At)}
		}
		rs[i].At = at.UnixMicro()
	}
	receipt, err := s.Append(ctx, in.Body.Source, rs)
	if err != nil {
		return nil, err
	}
	for i, r := range receipt.Refused {
		if r.Code == "sensing.unknown_datastream" {
			receipt.Refused[i].Message = "datastream: there is none with the external id " + strconv.Quote(in.Body.Readings[r.Index].Datastream)
		}
	}
	return &receiptOutput{receiptBody(receipt)}, nil
}

func receiptBody(r Receipt) receiptJSON {
	return receiptJSON{Accepted: r.Accepted, Refused: r.Refused[:min(100, len(r.Refused))], RefusedN: len(r.Refused)}
}

// idOf is the id of a datastream, or 0, which no datastream has.
func (s *Service) idOf(externalID string) int64 {
	d, _ := s.LookupExternal(externalID)
	return d.ID
}

type registerDatastreamsInput struct {
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

type registerDatastreamsOutput struct {
	Body struct {
		Items []registeredJSON `json:"items"`
	}
}

type registeredJSON struct {
	ID         int64  `json:"id"`
	ExternalID string `json:"external_id"`
}

func (s *Service) putDatastreams(ctx context.Context, in *registerDatastreamsInput, asset func(string) (int64, bool)) (*registerDatastreamsOutput, error) {
	if n := len(in.Body.Items); n == 0 || n > maxRegister {
		return nil, web.Errorf(http.StatusUnprocessableEntity, "sensing.bad_list", "expected 1 to %d items, got %d", maxRegister, n).At("items")
	}
	specs := make([]DatastreamSpec, len(in.Body.Items))
	for i, it := range in.Body.Items {
		id, ok := asset(it.Asset)
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
	out := &registerDatastreamsOutput{}
	for i, id := range ids {
		out.Body.Items = append(out.Body.Items, registeredJSON{id, specs[i].ExternalID})
	}
	return out, nil
}

type datastreamsInput struct {
	Asset int64 `query:"asset" required:"true"`
}

type datastreamsOutput struct {
	Body struct {
		Items []DatastreamJSON `json:"items"`
	}
}

// DatastreamJSON is a datastream as the API shows it.
type DatastreamJSON struct {
	ID         int64        `json:"id"`
	ExternalID string       `json:"external_id"`
	Asset      int64        `json:"asset"`
	Name       string       `json:"name"`
	Property   string       `json:"property"`
	Unit       string       `json:"unit"`
	Latest     *ReadingJSON `json:"latest,omitempty"`
	Count      int64        `json:"count"`
}

// ReadingJSON is a reading as the API shows it.
type ReadingJSON struct {
	At    time.Time `json:"at"`
	Value any       `json:"value"`
}

// JSON is the datastream as the API shows it.
func (d DatastreamState) JSON() DatastreamJSON {
	out := DatastreamJSON{
		ID: d.ID, ExternalID: d.ExternalID, Asset: d.Asset, Name: d.Name, Property: d.Property, Unit: d.Unit, Count: d.State.Count,
	}
	if d.State.Count > 0 {
		out.Latest = &ReadingJSON{Reading{At: d.State.MaxAt}.Time(), d.State.Latest}
		if d.Hidden {
			out.Latest.Value = nil
		}
	}
	return out
}

func (s *Service) getDatastreams(ctx context.Context, in *datastreamsInput) (*datastreamsOutput, error) {
	ds, err := s.Datastreams(ctx, in.Asset)
	if err != nil {
		return nil, err
	}
	out := &datastreamsOutput{}
	out.Body.Items = make([]DatastreamJSON, len(ds))
	for i, d := range ds {
		out.Body.Items[i] = d.JSON()
	}
	return out, nil
}

type datastreamHistoryInput struct {
	ID    int64     `path:"id"`
	From  time.Time `query:"from"`
	To    time.Time `query:"to"`
	Limit int       `query:"limit" minimum:"1" maximum:"100000"`
}

type datastreamHistoryOutput struct {
	Body struct {
		Items []ReadingJSON `json:"items"`
		Unit  string        `json:"unit"`
	}
}

func (s *Service) getHistory(ctx context.Context, in *datastreamHistoryInput) (*datastreamHistoryOutput, error) {
	if in.Limit == 0 {
		in.Limit = defaultHistory
	}
	rs, err := s.History(ctx, in.ID, in.From, in.To, min(in.Limit, maxHistory))
	if err != nil {
		return nil, err
	}
	d, _ := s.Lookup(in.ID)
	out := &datastreamHistoryOutput{}
	out.Body.Unit = d.Unit
	out.Body.Items = make([]ReadingJSON, len(rs))
	for i, r := range rs {
		out.Body.Items[i] = ReadingJSON{r.Time(), r.Value}
	}
	return out, nil
}
