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
		return nil, problemOf(res)
	}
	return res, nil
}

// problem is what the server said is wrong, all of it.
type problem struct {
	Code, Detail, Field string
	Errors              []struct {
		Message, Field string
		Line, Column   int
	}
	file string // what was sent, as its owner calls it
}

// Error is the detail, and below it what is wrong one by one, each line as editors and compilers write it.
func (p *problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s [%s]", p.Detail, p.Code)
	for _, e := range p.Errors {
		b.WriteByte('\n')
		switch {
		case p.file == "":
			b.WriteString("  ")
		case e.Line > 0:
			fmt.Fprintf(&b, "%s:%d:%d: ", p.file, e.Line, max(e.Column, 1))
		default:
			b.WriteString(p.file + ": ")
		}
		if e.Field != "" {
			b.WriteString(e.Field + ": ")
		}
		b.WriteString(e.Message)
	}
	return b.String()
}

// problemOf reads an answer that is no success.
func problemOf(res *http.Response) error {
	var p problem
	if err := json.NewDecoder(io.LimitReader(res.Body, 4<<20)).Decode(&p); err != nil || p.Detail == "" {
		return fmt.Errorf("the server answered %s", res.Status)
	}
	return &p
}
