package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Error is what the API says when something can't be done: problem details after RFC 9457. Rooms return it for what a
// person can mend; any other error becomes "internal" and is only logged.
type Error struct {
	Status  int      `json:"status" doc:"HTTP status"`
	Code    string   `json:"code" doc:"stable code, such as city.unknown_area"`
	Title   string   `json:"title" doc:"the status in words"`
	Message string   `json:"detail" doc:"what is wrong and what was expected"`
	Field   string   `json:"field,omitempty" doc:"the field of the request that is wrong"`
	Line    int      `json:"line,omitempty" doc:"line in the file that was sent"`
	Column  int      `json:"column,omitempty" doc:"column in the file that was sent"`
	Errors  []Detail `json:"errors,omitempty" doc:"all that is wrong, where it is more than one thing"`
}

// Detail is one of several things that are wrong.
type Detail struct {
	Message string `json:"message"`
	Field   string `json:"field,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
}

// Errorf makes an error for the boundary. code is "room.reason" and never changes once released.
func Errorf(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Title: http.StatusText(status), Message: fmt.Sprintf(format, args...)}
}

// NotFound says whether an error is that something is not there, as a room tells it to others.
func NotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound
}

// At names the field of the request that is wrong.
func (e *Error) At(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// Error is the message.
func (e *Error) Error() string {
	if e.Field != "" {
		return e.Field + ": " + e.Message
	}
	return e.Message
}

// GetStatus is the HTTP status; with ContentType it lets huma send the error as it is.
func (e *Error) GetStatus() int { return e.Status }

// ContentType is problem+json.
func (e *Error) ContentType(string) string { return "application/problem+json" }

var (
	_ huma.StatusError       = (*Error)(nil)
	_ huma.ContentTypeFilter = (*Error)(nil)
)

// WriteError answers a raw handler's request with err, as the API would; below a prefix of Router.Messages with the member
// "message", too.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	e := boundary(r.Context(), err)
	w.Header().Set("Content-Type", e.ContentType(""))
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(e.Status)
	var body any = e
	if wantsMessage(r) {
		body = withMessage{e, e.Message}
	}
	if err := json.NewEncoder(w).Encode(body); err != nil {
		slog.DebugContext(r.Context(), "answer not sent", "err", err)
	}
}

// messages is the key of the prefixes of Router.Messages in the context of each request.
type messages struct{}

func wantsMessage(r *http.Request) bool {
	paths, _ := r.Context().Value(messages{}).([]string)
	for _, path := range paths {
		if rest, ok := strings.CutPrefix(r.URL.Path, path); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// withMessage is an error with its text in the member where clients of other APIs look for it.
type withMessage struct {
	*Error
	Text string `json:"message"`
}

// boundary is err as outsiders may see it.
func boundary(ctx context.Context, err error) *Error {
	var e *Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &tooLarge):
		return Errorf(http.StatusRequestEntityTooLarge, "web.too_large", "the body is larger than %d bytes", tooLarge.Limit)
	case errors.Is(err, context.Canceled):
		return Errorf(499, "web.cancelled", "the request was cancelled")
	case errors.Is(err, context.DeadlineExceeded):
		return Errorf(http.StatusServiceUnavailable, "web.timeout", "it took too long; ask for less or try again")
	}
	slog.ErrorContext(ctx, "request failed", "err", err)
	return Errorf(http.StatusInternalServerError, "internal", "something went wrong on our side; it has been logged")
}

// fromHuma turns huma's own refusals (a missing field, a wrong type) into our form.
func fromHuma(hctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
	ctx := context.Background()
	if hctx != nil {
		ctx = hctx.Context()
	}
	if status >= 500 {
		return boundary(ctx, errors.Join(append(errs, errors.New(msg))...))
	}
	code := "web.invalid"
	switch status {
	case http.StatusRequestEntityTooLarge:
		code = "web.too_large"
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		code = "web.media_type"
	}
	e := Errorf(status, code, "%s", msg)
	for _, err := range errs {
		var d huma.ErrorDetailer
		if errors.As(err, &d) {
			detail := d.ErrorDetail()
			e.Errors = append(e.Errors, Detail{Message: detail.Message, Field: strings.TrimPrefix(detail.Location, "body.")})
		} else if err != nil {
			e.Errors = append(e.Errors, Detail{Message: err.Error()})
		}
	}
	if len(e.Errors) > 0 {
		e.Message, e.Field = e.Errors[0].Message, e.Errors[0].Field
	}
	if len(e.Errors) == 1 {
		e.Errors = nil
	}
	return e
}
