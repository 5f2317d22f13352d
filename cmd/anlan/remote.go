package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// remote says which running server a command talks to, and with whose right.
type remote struct {
	URL   string `default:"http://127.0.0.1:8080" help:"Where the server is."`
	Token string `help:"The token to send. Without one, the server's file local.token in the data folder is read, which only its own user can."`
	Data  string `default:"data" type:"path" help:"The server's data folder, for its local.token."`
}

// token is what authorises the command.
func (r remote) token() (string, error) {
	if r.Token != "" {
		return r.Token, nil
	}
	file := filepath.Join(r.Data, "local.token")
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("no token: %s is not there; is the server running with this data folder? Otherwise give --token", file)
	}
	return strings.TrimSpace(string(b)), err
}

// send makes one request; an answer that is not a success becomes an error with what the server said.
func (r remote) send(ctx context.Context, method, path string, query url.Values, body io.Reader, contentType string) (*http.Response, error) {
	token, err := r.token()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(r.URL, "/")+path+"?"+query.Encode(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	client := http.Client{Timeout: 30 * time.Minute}
	res, err := client.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("no server answers at %s; start one with anlan serve or anlan demo", r.URL)
	}
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		defer res.Body.Close()
		return nil, problem(res)
	}
	return res, nil
}

// problem is what the server said is wrong, all of it.
func problem(res *http.Response) error {
	var p struct {
		Code, Detail, Field string
		Errors              []struct {
			Message, Field string
			Line, Column   int
		}
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 4<<20)).Decode(&p); err != nil || p.Detail == "" {
		return fmt.Errorf("the server answered %s", res.Status)
	}
	if len(p.Errors) == 0 {
		return fmt.Errorf("%s [%s]", p.Detail, p.Code)
	}
	lines := make([]string, 0, len(p.Errors)+1)
	lines = append(lines, fmt.Sprintf("%s [%s]", p.Detail, p.Code))
	for _, e := range p.Errors {
		where := ""
		if e.Line > 0 {
			where = fmt.Sprintf("%d:%d: ", e.Line, e.Column)
		}
		lines = append(lines, "  "+where+e.Message)
	}
	return errors.New(strings.Join(lines, "\n"))
}
