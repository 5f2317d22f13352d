//go:build linux

package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"time"
)

// Client speaks to the server where speed does not matter: as the machine's own user by its token, or as someone who signed
// in by a cookie. It is safe for concurrent use.
type Client struct {
	server *Server
	http   http.Client
	cookie bool
}

// Client returns one of the machine's own user, or, with cookie, of somebody who has still to sign in.
func (s *Server) Client(cookie bool) *Client {
	c := &Client{server: s, cookie: cookie, http: http.Client{
		Timeout: deadline, Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	}}
	if cookie {
		c.http.Jar, _ = cookiejar.New(nil) // it can't fail without options
	}
	return c
}

// Call sends in as JSON (or as a form, if it is url.Values, or as it is, if it is []byte) and reads the answer into out, unless that
// is nil.
func (c *Client) Call(ctx context.Context, method, path, key string, in, out any) error {
	var body []byte
	kind := "application/json"
	switch in := in.(type) {
	case nil:
	case url.Values:
		body, kind = []byte(in.Encode()), "application/x-www-form-urlencoded"
	case []byte:
		body, kind = in, "application/octet-stream"
	default:
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.server.Addr+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", kind)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	if !c.cookie {
		req.Header.Set("Authorization", "Bearer "+c.server.Token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode >= 400 {
		return fmt.Errorf("%s %s: %s: %.300s", method, path, resp.Status, answer)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s %s: %w in %.200q", method, path, err, answer)
	}
	return nil
}

// Counters are the server's own counts of readings.
type Counters struct {
	Accepted, Refused, Logged, Stored, Deleted, Evaluated, Late, Lag int64
}

// Settled waits until the detectors have judged all that is logged, and returns the counters.
func (c *Client) Settled(ctx context.Context) (Counters, error) {
	for begin := time.Now(); ; {
		var out struct{ Total Counters }
		if err := c.Call(ctx, http.MethodGet, "/api/v1/watch/counters", "", nil, &out); err != nil {
			return out.Total, err
		}
		if out.Total.Lag == 0 {
			return out.Total, nil
		}
		if time.Since(begin) > patience {
			return out.Total, fmt.Errorf("%d readings are not judged after %s", out.Total.Lag, patience)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return out.Total, ctx.Err()
		}
	}
}

// Count is how many Observations a datastream has, or all have if its id is 0.
func (c *Client) Count(ctx context.Context, datastream int64) (int64, error) {
	path := "/v1.1/Observations"
	if datastream != 0 {
		path = fmt.Sprintf("/v1.1/Datastreams(%d)/Observations", datastream)
	}
	var out struct {
		Count *int64 `json:"@iot.count"`
	}
	if err := c.Call(ctx, http.MethodGet, path+"?$count=true&$top=0", "", nil, &out); err != nil {
		return 0, err
	}
	if out.Count == nil {
		return 0, fmt.Errorf("%s has no @iot.count", path)
	}
	return *out.Count, nil
}
