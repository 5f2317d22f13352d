package warntest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// Room is what answers at routes.
type Room interface{ Routes(*web.Router) }

// Handler answers at the routes of rooms, and of pages.
func Handler(rooms ...Room) http.Handler {
	r := web.NewRouter("test")
	for _, x := range rooms {
		x.Routes(r)
	}
	page.Routes(r)
	return r.Server().Handler
}

// Call sends a request as an actor, holds its status, reads JSON into out where that is not nil, and returns the body.
func Call(t testing.TB, h http.Handler, a access.Actor, method, path, body string, status int, out any) string {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(access.With(r.Context(), a)))
	if w.Code != status {
		t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	if out != nil {
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
			t.Fatal(err)
		}
	}
	return w.Body.String()
}

// Fetch asks for a public page.
func Fetch(t testing.TB, h http.Handler, path string, header http.Header) *http.Response {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	if header != nil {
		r.Header = header
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// Get is the body of a public page.
func Get(t testing.TB, h http.Handler, path string) string {
	t.Helper()
	body, err := io.ReadAll(Fetch(t, h, path, nil).Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// Document is a public CAP document.
func Document(t testing.TB, h http.Handler, path string) *cap.Alert {
	t.Helper()
	a, problems, err := cap.Decode(strings.NewReader(Get(t, h, path)))
	if err != nil || len(problems) > 0 {
		t.Fatalf("%s: %v %v", path, err, problems)
	}
	return a
}

// Code is the code of an error, its text where it has none, "" for none.
func Code(err error) string {
	var e *web.Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// Field is the field that an error names.
func Field(err error) string {
	var e *web.Error
	errors.As(err, &e)
	if e == nil {
		return ""
	}
	return e.Field
}
