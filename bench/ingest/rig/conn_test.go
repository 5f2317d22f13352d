//go:build linux

package rig

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestConnReadsWhatServersAnswer: answers of known length, in chunks, without a body and with an error, one after the other
// on one connection.
func TestConnReadsWhatServersAnswer(t *testing.T) {
	long := strings.Repeat("0123456789", 3000)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		switch r.URL.Path {
		case "/echo":
			fmt.Fprintf(w, "%s %s", r.Method, body)
		case "/chunks":
			for part := range 3 {
				fmt.Fprint(w, part, long)
				w.(http.Flusher).Flush()
			}
		case "/none":
			w.WriteHeader(http.StatusNoContent)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(h.Close)
	c, err := Dial(strings.TrimPrefix(h.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	for range 2 {
		for _, test := range []struct {
			method, path, body string
			status             int
			answer             string
		}{
			{"POST", "/echo", "hello", 200, "POST hello"},
			{"POST", "/echo", long, 200, "POST " + long},
			{"GET", "/chunks", "", 200, "0" + long + "1" + long + "2" + long},
			{"GET", "/none", "", 204, ""},
			{"GET", "/lost", "", 404, "404 page not found\n"},
		} {
			status, answer, err := c.Do(c.Request(test.method, test.path, "X-Other: 1\r\n", []byte(test.body)))
			if err != nil || status != test.status || string(answer) != test.answer {
				t.Errorf("%s %s: %d, %d bytes %.40q, %v", test.method, test.path, status, len(answer), answer, err)
			}
		}
	}
}
