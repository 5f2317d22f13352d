package sta

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// Handler answers everything below Root. It takes the path as it came: ServeMux has no word for Datastreams(1).
func (s *Service) Handler() http.Handler {
	h := &handler{s: s, model: odata.SensorThings()}
	h.writes = s.Writes(http.HandlerFunc(h.read))
	return h
}

type handler struct {
	s      *Service
	model  *odata.Model
	writes http.Handler
}

// ServeHTTP answers one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		h.read(w, r)
	case http.MethodOptions:
		w.Header().Set("Allow", h.allowed(r))
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete:
		if !ordinary(r) {
			// What is no path at all is for the writing half to name.
			if allow := h.allowed(r); allow != "" && !strings.Contains(allow, r.Method) {
				h.refuse(w, r, allow)
				return
			}
		}
		h.writes.ServeHTTP(w, r)
	default:
		h.refuse(w, r, h.allowed(r))
	}
}

func (h *handler) refuse(w http.ResponseWriter, r *http.Request, allow string) {
	w.Header().Set("Allow", allow)
	web.WriteError(w, r, web.Errorf(http.StatusMethodNotAllowed, "sensing.bad_method", "%s can't be done here; possible are %s", r.Method, allow))
}

// ordinary says that a request posts an Observation, as most do: what its path takes needs no closer look.
func ordinary(r *http.Request) bool {
	_, ok := readingPath(strings.TrimPrefix(r.URL.Path, Root))
	return ok && r.Method == http.MethodPost
}

// allowed lists the methods that a path takes; "" for a path that leads nowhere.
func (h *handler) allowed(r *http.Request) string {
	switch strings.Trim(strings.TrimPrefix(r.URL.Path, Root), "/") {
	case "$batch", "CreateObservations":
		return "POST, OPTIONS"
	}
	res, err := h.resource(r)
	if err != nil {
		return ""
	}
	switch res.Form {
	case odata.FormSet:
		return "GET, HEAD, POST, OPTIONS"
	case odata.FormEntity:
		return "GET, HEAD, PATCH, PUT, DELETE, OPTIONS"
	}
	return "GET, HEAD, OPTIONS"
}

func (h *handler) resource(r *http.Request) (*odata.Resource, error) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), Root)
	return odata.ParsePath(h.model, strings.TrimSuffix(path, "/"))
}

// read answers GET.
func (h *handler) read(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), maxWalk)
	defer cancel()
	g := &get{view: h.s.newView(ctx, h.s.root(r)), model: h.model, w: w, r: r}
	res, err := h.resource(r)
	if err != nil {
		if allow := h.allowed(r); allow != "" {
			h.refuse(w, r, allow)
			return
		}
	}
	if err := g.answer(res, err); err != nil {
		if r.Context().Err() == nil {
			err = errTooLong(err)
		}
		web.WriteError(w, r, boundary(err))
	}
}

// boundary turns what the parser says into an error of the API.
func boundary(err error) error {
	var bad *odata.Error
	if !errors.As(err, &bad) {
		return err
	}
	status, code := http.StatusBadRequest, "sensing.bad_query"
	if bad.Option == "path" {
		code = "sensing.bad_path"
		if !strings.Contains(bad.Message, "percent") {
			status = http.StatusNotFound
		}
	}
	e := web.Errorf(status, code, "%s", bad.Message).At(bad.Option)
	if bad.Text != "" {
		e.Message += "\n" + bad.Caret()
		e.Column = len([]rune(bad.Text[:min(max(bad.Pos, 0), len(bad.Text))])) + 1
	}
	return e
}
