package sensing

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	defaultHistory = 1000
	maxHistory     = 100_000
	defaultBuckets = 500
)

// historyRoutes adds what shows a datastream over time.
func (s *Service) historyRoutes(r *web.Router) {
	huma.Register(r.API(), huma.Operation{
		OperationID: "datastream-history", Method: http.MethodGet, Path: "/api/v1/datastreams/{id}/history", Tags: []string{"sensing"},
		Summary: "Readings of a datastream in the order of time, the newest if there are more than limit",
	}, s.getHistory)
	huma.Register(r.API(), huma.Operation{
		OperationID: "datastream-buckets", Method: http.MethodGet, Path: "/api/v1/datastreams/{id}/buckets", Tags: []string{"sensing"},
		Summary:     "A datastream's numbers summed up by interval",
		Description: "With interval, the intervals begin at whole multiples of it since 1970 UTC; with count, the time is parted into so many. Readings marked as duplicate, future, not finite or of an unknown unit are left out, intervals without readings too. Percentiles by linear interpolation between closest ranks.",
	}, s.getBuckets)
	r.HandleFunc("GET /api/v1/datastreams/{id}/readings.csv", s.getCSV)
	huma.Register(r.API(), huma.Operation{
		OperationID: "list-retention", Method: http.MethodGet, Path: "/api/v1/retention", Tags: []string{"sensing"},
		Summary: "How long readings are kept, by observed property",
	}, func(ctx context.Context, _ *struct{}) (*retentionBody, error) {
		items, err := s.Retentions(ctx)
		out := &retentionBody{}
		out.Body.Items = items
		return out, err
	})
	huma.Register(r.API(), huma.Operation{
		OperationID: "set-retention", Method: http.MethodPut, Path: "/api/v1/retention", Tags: []string{"sensing"}, DefaultStatus: http.StatusNoContent,
		Summary: "Say how long the readings of an observed property are kept",
	}, func(ctx context.Context, in *struct{ Body Retention }) (*struct{}, error) {
		return nil, s.SetRetention(ctx, in.Body)
	})
}

type retentionBody struct {
	Body struct {
		Items []Retention `json:"items"`
	}
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
		out.Body.Items[i] = ReadingJSON{r.Time(), r.Value, r.Marks.Names()}
	}
	return out, nil
}

type bucketsInput struct {
	ID          int64     `path:"id"`
	From        time.Time `query:"from" doc:"default: the first reading"`
	To          time.Time `query:"to" doc:"default: behind the last reading"`
	Interval    string    `query:"interval" doc:"ISO 8601 duration, such as PT15M, PT1H or P1D" example:"PT1H"`
	Count       int       `query:"count" minimum:"1" maximum:"10000" doc:"how many intervals; 500 if neither is given"`
	Percentiles []float64 `query:"percentiles" doc:"between 0 and 100"`
}

type bucketsOutput struct {
	Body struct {
		Unit        string       `json:"unit"`
		Interval    string       `json:"interval" doc:"ISO 8601 duration"`
		Percentiles []float64    `json:"percentiles,omitempty"`
		Items       []bucketJSON `json:"items"`
	}
}

type bucketJSON struct {
	From        time.Time `json:"from"`
	Count       int64     `json:"count"`
	Avg         float64   `json:"avg"`
	Min         float64   `json:"min"`
	Max         float64   `json:"max"`
	Last        float64   `json:"last"`
	Percentiles []float64 `json:"percentiles,omitempty" doc:"in the order of the list above"`
}

func (s *Service) getBuckets(ctx context.Context, in *bucketsInput) (*bucketsOutput, error) {
	if err := s.mayShow(ctx, in.ID); err != nil {
		return nil, err
	}
	d, _ := s.Lookup(in.ID)
	state, _ := s.State(in.ID)
	q := BucketQuery{Datastream: in.ID, From: state.MinAt, To: state.MaxAt + 1, Percentiles: in.Percentiles}
	if !in.From.IsZero() {
		q.From = in.From.UnixMicro()
	}
	if !in.To.IsZero() {
		q.To = in.To.UnixMicro()
	}
	switch {
	case in.Interval != "" && in.Count != 0:
		return nil, web.Errorf(http.StatusUnprocessableEntity, "sensing.bad_interval", "expected interval or count, not both").At("interval")
	case in.Interval != "":
		width, err := parseDuration(in.Interval)
		if err != nil {
			return nil, web.Errorf(http.StatusUnprocessableEntity, "sensing.bad_interval", "%v", err).At("interval")
		}
		q.Width = width.Microseconds()
		q.From -= mod(q.From, q.Width)
	default:
		if in.Count == 0 {
			in.Count = defaultBuckets
		}
		q.Width = max(1, (q.To-q.From+int64(in.Count)-1)/int64(in.Count))
	}
	buckets, err := s.Buckets(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &bucketsOutput{}
	out.Body.Unit, out.Body.Percentiles = d.Unit, in.Percentiles
	out.Body.Interval = formatDuration(time.Duration(q.Width) * time.Microsecond)
	out.Body.Items = make([]bucketJSON, len(buckets))
	for i, b := range buckets {
		out.Body.Items[i] = bucketJSON{time.UnixMicro(b.From).UTC(), b.Count, b.Avg, b.Min, b.Max, b.Last, b.Percentiles}
	}
	return out, nil
}

// mod is the remainder that is never negative.
func mod(a, b int64) int64 { return ((a % b) + b) % b }

var durationForm = regexp.MustCompile(`^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,6})?)S)?)?$`)

// parseDuration reads an ISO 8601 duration of days and less: a month has no fixed length.
func parseDuration(text string) (time.Duration, error) {
	m := durationForm.FindStringSubmatch(text)
	if m == nil || strings.HasSuffix(text, "T") || text == "P" {
		return 0, fmt.Errorf("expected an ISO 8601 duration of days, hours, minutes and seconds, such as PT1H, got %q", text)
	}
	var seconds float64
	for i, unit := range []float64{86400, 3600, 60, 1} {
		if m[i+1] != "" {
			n, err := strconv.ParseFloat(m[i+1], 64)
			if err != nil {
				return 0, fmt.Errorf("duration %q: %w", text, err)
			}
			seconds += n * unit
		}
	}
	if seconds <= 0 || seconds > 36500*86400 {
		return 0, fmt.Errorf("expected a duration between a microsecond and 36500 days, got %q", text)
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Microsecond), nil
}

func formatDuration(d time.Duration) string {
	text := strings.ToUpper(d.String()) // 1H0M0S
	for _, zero := range []string{"M0S", "H0M"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return "PT" + text
}

// getCSV streams a datastream's readings, in the order of time.
func (s *Service) getCSV(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		web.WriteError(w, r, unknownDatastream(0))
		return
	}
	if err := s.mayShow(r.Context(), id); err != nil {
		web.WriteError(w, r, err)
		return
	}
	q := Query{Datastreams: []int64{id}, From: MinTime, To: MaxTime, Order: ByTime}
	for name, into := range map[string]*int64{"from": &q.From, "to": &q.To} {
		text := r.URL.Query().Get(name)
		if text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			web.WriteError(w, r, web.Errorf(http.StatusUnprocessableEntity, "sensing.bad_time",
				"expected an RFC 3339 time such as 2026-11-23T03:00:00Z, got %q", text).At(name))
			return
		}
		*into = t.UnixMicro()
	}
	d, _ := s.Lookup(id)
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="datastream-`+strconv.FormatInt(id, 10)+`.csv"`)
	out := bufio.NewWriterSize(w, 64<<10)
	out.WriteString("datastream,at,value,unit,until,result_time,marks\n") // a bufio.Writer keeps its error for Flush
	var line []byte
	err = s.Scan(r.Context(), q, func(c Stored) error {
		line = appendLine(line[:0], d, c)
		_, err := out.Write(line)
		return err
	})
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		slog.WarnContext(r.Context(), "export ended early", "datastream", id, "err", err)
		panic(http.ErrAbortHandler) // or the client would take the half for the whole
	}
}

func appendLine(line []byte, d Datastream, r Stored) []byte {
	line = append(appendCell(line, d.ExternalID), ',')
	line = append(appendTime(line, r.At), ',')
	line = append(appendCell(line, r.Value.String()), ',')
	line = append(appendCell(line, d.Unit), ',')
	if r.More != nil {
		line = appendTime(line, r.More.Until)
	}
	line = append(appendTime(append(line, ','), r.ResultTime), ',')
	return append(append(line, strings.Join(r.Marks.Names(), " ")...), '\n')
}

// appendTime writes an instant, or nothing for none.
func appendTime(line []byte, us int64) []byte {
	if us == 0 {
		return line
	}
	return time.UnixMicro(us).UTC().AppendFormat(line, time.RFC3339Nano)
}

// appendCell quotes what CSV must have quoted. A text that a spreadsheet would take for a formula gets an apostrophe.
func appendCell(line []byte, text string) []byte {
	if text != "" && strings.ContainsRune("=@\t\r", rune(text[0])) {
		text = "'" + text
	}
	if !strings.ContainsAny(text, ",\"\n\r") {
		return append(line, text...)
	}
	line = append(line, '"')
	line = append(line, strings.ReplaceAll(text, `"`, `""`)...)
	return append(line, '"')
}
