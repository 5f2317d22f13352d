package replay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

// client speaks to a running server.
type client struct {
	base  string
	token string
	http  *http.Client
	clock clock.Clock
}

// refusedError is an answer other than success.
type refusedError struct {
	status int
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Field  string `json:"field"`
	Errors []struct {
		Message string `json:"message"`
		Field   string `json:"field"`
		Line    int    `json:"line"`
	} `json:"errors"`
	hint string
}

func (e *refusedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the server refuses it (%d %s): ", e.status, e.Code)
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(e.Detail)
	for i, d := range e.Errors {
		if i == maxListed {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Errors)-maxListed)
			break
		}
		fmt.Fprintf(&b, "\n  %s: %s", d.Field, d.Message)
	}
	return b.String() + e.hint
}

const (
	maxAnswer    = 64 << 20 // bytes of an answer; the longest are histories of 100,000 readings
	busyPatience = 2 * time.Minute
)

// do sends one request and reads the answer into out. A server that says it is busy (429, 503) took nothing, so the request
// is sent again for a while. A connection that breaks is an error: whether the server took the request can't be known here.
func (c *client) do(ctx context.Context, method, path string, contentType string, body []byte, out any) error {
	deadline := c.clock.Now().Add(busyPatience)
	for {
		busy, err := c.once(ctx, method, path, contentType, body, out)
		if busy == 0 || c.clock.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.clock.After(busy):
		}
	}
}

// once is do without patience; busy is how long the server asks to wait, or 0.
func (c *client) once(ctx context.Context, method, path, contentType string, body []byte, out any) (busy time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if method == http.MethodPost {
		// The same content has the same key, so a server that remembers keys does not do it twice.
		sum := sha256.Sum256(append([]byte(path), body...))
		req.Header.Set("Idempotency-Key", "replay-"+hex.EncodeToString(sum[:12]))
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return 0, fmt.Errorf("no answer from %s: %w; is the server running? (--url says where)", c.base, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, fmt.Errorf("answer of %s %s: %w", method, path, err)
	}
	if resp.StatusCode/100 != 2 {
		refused := &refusedError{status: resp.StatusCode}
		if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind != "application/problem+json" || json.Unmarshal(answer, refused) != nil {
			refused.Detail = strings.TrimSpace(string(answer[:min(len(answer), 300)]))
		}
		switch resp.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			refused.hint = "; give a token with --token or ANLAN_TOKEN, or run as the user whose server this is"
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			busy = time.Second
			if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
				busy = max(busy, time.Duration(s)*time.Second)
			}
		}
		return busy, refused
	}
	if out == nil {
		return 0, nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return 0, fmt.Errorf("answer of %s %s is not what was expected: %w", method, path, err)
	}
	return 0, nil
}

// importEntities brings places or assets into the register; what is there already stays.
func (c *client) importEntities(ctx context.Context, file, list string, all []Entity, outside bool) error {
	if len(all) == 0 {
		return nil
	}
	type feature struct {
		Type       string            `json:"type"`
		Geometry   any               `json:"geometry"`
		Properties map[string]string `json:"properties"`
	}
	features := make([]feature, len(all))
	for i, e := range all {
		f := feature{Type: "Feature", Properties: map[string]string{"external_id": e.ID, "kind": e.kind()}}
		for language, name := range e.Name {
			f.Properties[nameField(language, name)] = name
		}
		if e.Place != "" {
			f.Properties["place"] = e.Place
		}
		if e.HasPoint {
			f.Geometry = map[string]any{"type": "Point", "coordinates": [2]float64{e.Lon, e.Lat}}
		}
		features[i] = f
	}
	body, err := json.Marshal(map[string]any{"type": "FeatureCollection", "features": features})
	if err != nil {
		return err
	}
	q := url.Values{"as": {list}, "format": {"geojson"}, "coordinates": {"wgs84"}, "filename": {file}}
	if outside {
		q.Set("outside", "true")
	}
	if err := c.do(ctx, http.MethodPost, "/api/v1/city/import?"+q.Encode(), "application/geo+json", body, nil); err != nil {
		return fmt.Errorf("register %d %s: %w", len(all), list, err)
	}
	return nil
}

func (e Entity) kind() string {
	if e.Pack == "" {
		return e.Kind
	}
	return e.Pack + "/" + e.Kind
}

// nameField is the register's field for a name. A name in no declared language goes by its script.
func nameField(language, name string) string {
	if strings.HasPrefix(language, "zh") || language == "" && strings.ContainsFunc(name, isHan) {
		return "name_zh"
	}
	return "name_en"
}

// registerDatastreams declares the datastreams that have an asset and returns the server's ids by external id.
func (c *client) registerDatastreams(ctx context.Context, all []Datastream) (map[string]int64, error) {
	type item struct {
		ExternalID string `json:"external_id"`
		Asset      string `json:"asset"`
		Property   string `json:"property"`
		Unit       string `json:"unit"`
		Name       string `json:"name"`
	}
	ids := map[string]int64{}
	var items []item
	for _, d := range all {
		if d.Asset != "" {
			items = append(items, item{d.ID, d.Asset, d.Property, d.Unit, d.Name})
		}
	}
	const most = 5000 // per request
	for len(items) > 0 {
		n := min(most, len(items))
		body, err := json.Marshal(map[string]any{"items": items[:n]})
		if err != nil {
			return nil, err
		}
		var out struct {
			Items []struct {
				ID         int64  `json:"id"`
				ExternalID string `json:"external_id"`
			} `json:"items"`
		}
		if err := c.do(ctx, http.MethodPut, "/api/v1/datastreams", "application/json", body, &out); err != nil {
			return nil, fmt.Errorf("register datastreams: %w", err)
		}
		for _, d := range out.Items {
			ids[d.ExternalID] = d.ID
		}
		items = items[n:]
	}
	return ids, nil
}

// maxHistory is the most readings that the server gives for one question.
const maxHistory = 100_000

// history calls fn with all readings of a datastream in a period, values as JSON.
func (c *client) history(ctx context.Context, id int64, from, to int64, fn func(at int64, value any)) error {
	var out struct {
		Items []struct {
			At    time.Time `json:"at"`
			Value any       `json:"value"`
		} `json:"items"`
	}
	q := url.Values{
		"from":  {time.UnixMicro(from).UTC().Format(time.RFC3339Nano)},
		"to":    {time.UnixMicro(to).UTC().Format(time.RFC3339Nano)},
		"limit": {strconv.Itoa(maxHistory)},
	}
	if err := c.do(ctx, http.MethodGet, fmt.Sprintf("/api/v1/datastreams/%d/history?%s", id, q.Encode()), "", nil, &out); err != nil {
		return err
	}
	if len(out.Items) >= maxHistory && from < to { // there may be more than were given
		middle := from + (to-from)/2
		if err := c.history(ctx, id, from, middle, fn); err != nil {
			return err
		}
		return c.history(ctx, id, middle+1, to, fn)
	}
	for _, r := range out.Items {
		fn(r.At.UnixMicro(), r.Value)
	}
	return nil
}

// receipt is what the server says to a batch.
type receipt struct {
	Accepted int       `json:"accepted"`
	Known    int       `json:"duplicate"` // reports that it has already
	RefusedN int       `json:"refused_count"`
	Refused  []refusal `json:"refused"` // the first of them
}

type refusal struct {
	Index   int    `json:"index"`
	Code    string `json:"code"`
	Field   string `json:"field"` // of reports, which have no code
	Message string `json:"message"`
}

func (c *client) postReadings(ctx context.Context, source string, csv []byte) (receipt, error) {
	var r receipt
	err := c.do(ctx, http.MethodPost, "/api/v1/readings.csv?source="+url.QueryEscape(source), "text/csv", csv, &r)
	return r, err
}

func (c *client) postReports(ctx context.Context, source string, all []Report) (receipt, error) {
	var r receipt
	body, err := json.Marshal(map[string]any{"source": source, "items": all})
	if err == nil {
		err = c.do(ctx, http.MethodPost, "/api/v1/reports/import", "application/json", body, &r)
	}
	return r, err
}

// alerts lists when the alerts of a detector stood that were raised in a period of event time. What a detector says about
// its instruments, that one is silent, is no claim of a hazard.
func (c *client) alerts(ctx context.Context, detector string, first, last int64) ([]Interval, error) {
	var all []Interval
	q := url.Values{"state": {"all"}, "limit": {"1000"}}
	for {
		var out struct {
			Items []struct {
				Detector  string     `json:"detector"`
				Kind      string     `json:"kind"`
				RaisedAt  time.Time  `json:"raised_at"` // event time, as ClearedAt
				ClearedAt *time.Time `json:"cleared_at"`
			} `json:"items"`
			Next int64 `json:"next"`
		}
		if err := c.do(ctx, http.MethodGet, "/api/v1/alerts?"+q.Encode(), "", nil, &out); err != nil {
			return nil, fmt.Errorf("list alerts: %w", err)
		}
		for _, a := range out.Items {
			raised := a.RaisedAt.UnixMicro()
			if a.Detector != detector || a.Kind != "hazard" || raised < first || raised > last {
				continue
			}
			end := int64(open)
			if a.ClearedAt != nil {
				end = a.ClearedAt.UnixMicro()
			}
			all = append(all, Interval{raised, end})
		}
		if out.Next == 0 {
			return all, nil
		}
		q.Set("after", strconv.FormatInt(out.Next, 10))
	}
}

// evaluated waits until the detectors have caught up with what was sent.
func (c *client) evaluated(ctx context.Context) error {
	const patience, every = 5 * time.Minute, 200 * time.Millisecond
	deadline := c.clock.Now().Add(patience)
	for {
		var out struct {
			Total struct {
				Lag int64 `json:"lag"`
			} `json:"total"`
		}
		if err := c.do(ctx, http.MethodGet, "/api/v1/watch/counters", "", nil, &out); err != nil {
			return err
		}
		if out.Total.Lag == 0 {
			return nil
		}
		if c.clock.Now().After(deadline) {
			return fmt.Errorf("the detectors are still %d readings behind after %s", out.Total.Lag, patience)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.clock.After(every):
		}
	}
}

// time asks for the server's time and pace.
func (c *client) time(ctx context.Context) (now time.Time, speed float64, err error) {
	var t struct {
		Now   time.Time
		Speed float64
	}
	err = c.do(ctx, http.MethodGet, "/api/v1/time", "", nil, &t)
	return t.Now, t.Speed, err
}
