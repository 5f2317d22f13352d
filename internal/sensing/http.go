package sensing

import (
	"context"
	"encoding/json"
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
)

// Routes adds the room's routes.
func (s *Service) Routes(r *web.Router) {
	huma.Register(r.API(), huma.Operation{
		OperationID: "append-readings", Method: http.MethodPost, Path: "/api/v1/readings", Tags: []string{"sensing"},
		// The body is checked by hand: a bulk that is taken apart into generic values costs a hundred times its size.
		MaxBodyBytes: maxJSON, SkipValidateBody: true, Middlewares: web.Gate(access.Known),
		Summary:     "Send readings; answered when they are on disk",
		Description: "A reading that can't be taken is listed with its index and does not keep the others out.",
	}, s.postReadings)
	r.HandleUpload("POST /api/v1/readings.csv", maxCSV, access.Known, http.HandlerFunc(s.postCSV))
	huma.Register(r.API(), huma.Operation{
		OperationID: "list-datastreams", Method: http.MethodGet, Path: "/api/v1/datastreams", Tags: []string{"sensing"},
		Summary: "The datastreams of an asset, each with its latest reading and its count",
	}, s.getDatastreams)
	s.historyRoutes(r)
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
	MarkedN  int       `json:"marked_count" doc:"readings that were kept though something about them is doubtful"`
}

func (s *Service) postReadings(ctx context.Context, in *readingsInput) (*receiptOutput, error) {
	if len(in.Body.Readings) > maxRow {
		return nil, tooMany(len(in.Body.Readings))
	}
	rs := make([]Reading, len(in.Body.Readings))
	for i, r := range in.Body.Readings {
		rs[i].Datastream = s.idOf(r.Datastream)
		if err := rs[i].Value.UnmarshalJSON(r.Value); err != nil || rs[i].Value.kind == KindJSON {
			rs[i].Value = invalid("value: expected a number, a string or a boolean")
		}
		at, err := time.Parse(time.RFC3339Nano, r.At)
		if err != nil {
			rs[i].Value = invalid("at: expected an RFC 3339 time such as 2026-11-23T03:00:00Z, got " + strconv.Quote(r.At))
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
	out := receiptJSON{Accepted: r.Accepted, Refused: r.Refused[:min(100, len(r.Refused))], RefusedN: len(r.Refused), MarkedN: r.Marked}
	if out.Refused == nil {
		out.Refused = []Refusal{}
	}
	return out
}

// idOf is the id of a datastream, or 0, which no datastream has.
func (s *Service) idOf(externalID string) int64 {
	d, _ := s.LookupExternal(externalID)
	return d.ID
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
	Marks []string  `json:"marks,omitempty" doc:"what is doubtful about it"`
}

// JSON is the datastream as the API shows it.
func (d DatastreamState) JSON() DatastreamJSON {
	out := DatastreamJSON{
		ID: d.ID, ExternalID: d.ExternalID, Asset: d.Asset, Name: d.Name, Property: d.Property, Unit: d.Unit, Count: d.State.Count,
	}
	if d.State.HasLatest() {
		out.Latest = &ReadingJSON{d.State.Latest.Time(), d.State.Latest.Value, d.State.Latest.Marks.Names()}
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
