package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/klauspost/compress/gzhttp"
)

const (
	// MaxBody bounds the body of a request, unless its route says otherwise.
	MaxBody = 1 << 20

	// How long a connection may take to say what it wants, to send the body, and to stay silent between requests.
	readHeaderTimeout = 10 * time.Second
	bodyTimeout       = 2 * time.Minute
	idleTimeout       = 2 * time.Minute
)

// Check says who may send a body, before it is read: nil for those who may. Taking a large body apart costs memory that a
// stranger must not be able to spend.
type Check func(ctx context.Context) error

// Anyone lets everybody through: for bodies that are small.
func Anyone(context.Context) error { return nil }

// Router collects the routes of all rooms. It is filled before the server starts and is read-only afterwards.
type Router struct {
	mux      *http.ServeMux
	api      huma.API
	messages []string
}

// hookHuma points huma's error constructors at ours: the library keeps them in package variables.
var hookHuma = sync.OnceFunc(func() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return fromHuma(nil, status, msg, errs...)
	}
	huma.NewErrorWithContext = fromHuma
})

// NewRouter returns an empty router whose API describes itself at /openapi.json.
func NewRouter(version string) *Router {
	hookHuma()
	mux := http.NewServeMux()
	cfg := huma.DefaultConfig("Anlan", version)
	cfg.Info.Description = "Anlan's own API. Errors are problem+json with stable codes; times are RFC 3339 in UTC."
	cfg.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaNamer())
	cfg.DocsPath, cfg.SchemasPath = "", "" // the docs page that huma offers loads scripts from outside
	cfg.CreateHooks = nil                  // no $schema field in every answer
	cfg.OnAddOperation = append(cfg.OnAddOperation, func(_ *huma.OpenAPI, op *huma.Operation) {
		op.BodyReadTimeout = bodyTimeout // huma's own is too short for a bulk over a slow line
	})
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: "anlan_session"},
		"device":  {Type: "http", Scheme: "bearer"},
	}
	return &Router{mux: mux, api: humago.New(mux, cfg)}
}

// schemaNamer puts the room before a type's name, since two rooms may both have an Item. A type without a name of its own
// is called after where it stands; a second one of the same name gets a number.
func schemaNamer() func(t reflect.Type, hint string) string {
	taken := map[string]reflect.Type{}
	return func(t reflect.Type, hint string) string {
		name := huma.DefaultSchemaNamer(t, hint)
		named := t
		for named.Kind() == reflect.Pointer || named.Kind() == reflect.Slice {
			named = named.Elem()
		}
		if room := []rune(path.Base(named.PkgPath())); named.PkgPath() != "" {
			room[0] = unicode.ToUpper(room[0])
			if !strings.HasPrefix(name, string(room)) {
				name = string(room) + name
			}
			return name
		}
		unique := name
		for n := 2; taken[unique] != nil && taken[unique] != t; n++ {
			unique = name + strconv.Itoa(n)
		}
		taken[unique] = t
		return unique
	}
}

// API takes operations, registered with huma.Register.
func (r *Router) API() huma.API { return r.api }

// Gate is a middleware for an operation with a large body: the check comes before the body is read.
func Gate(check Check) huma.Middlewares {
	return huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		err := check(ctx.Context())
		if err == nil {
			next(ctx)
			return
		}
		e := boundary(ctx.Context(), err)
		ctx.SetHeader("Connection", "close") // or the server would wait for the body before it answers
		ctx.SetHeader("Content-Type", e.ContentType(""))
		ctx.SetStatus(e.Status)
		if err := json.NewEncoder(ctx.BodyWriter()).Encode(e); err != nil {
			slog.DebugContext(ctx.Context(), "answer not sent", "err", err)
		}
	}}
}

// Handle adds a handler whose body may have MaxBody bytes. The pattern is ServeMux's: "GET /warnings".
func (r *Router) Handle(pattern string, h http.Handler) {
	r.HandleUpload(pattern, MaxBody, Anyone, h)
}

// HandleFunc is Handle for a function.
func (r *Router) HandleFunc(pattern string, h http.HandlerFunc) { r.Handle(pattern, h) }

// HandleUpload adds a handler whose body may have max bytes, from those whom check lets through.
func (r *Router) HandleUpload(pattern string, max int64, check Check, h http.Handler) {
	r.mux.HandleFunc(pattern, func(w http.ResponseWriter, req *http.Request) {
		if err := check(req.Context()); err != nil {
			w.Header().Set("Connection", "close") // or the server would wait for the body before it answers
			WriteError(w, req, err)
			return
		}
		if req.ContentLength > max {
			w.Header().Set("Connection", "close")
			WriteError(w, req, &http.MaxBytesError{Limit: max})
			return
		}
		if req.ContentLength != 0 {
			conn := http.NewResponseController(w)
			if err := conn.SetReadDeadline(time.Now().Add(bodyTimeout)); err == nil {
				// Once the body is there the deadline goes: passing it later would end the request's context.
				req.Body = &timedBody{req.Body, func() { _ = conn.SetReadDeadline(time.Time{}) }}
			}
			req.Body = http.MaxBytesReader(w, req.Body, max)
		}
		h.ServeHTTP(w, req)
	})
}

// timedBody calls done when the body has been read.
type timedBody struct {
	io.ReadCloser
	done func()
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.done()
	}
	return n, err
}

// Messages has all errors below a path say what is wrong as "message", besides "detail": for APIs that others wrote, whose
// clients look for it.
func (r *Router) Messages(path string) {
	r.messages = append(r.messages, strings.TrimSuffix(path, "/"))
}

// Middleware wraps a handler.
type Middleware func(http.Handler) http.Handler

// Server returns a server for all routes. The middlewares run in the order given, outermost first.
func (r *Router) Server(mw ...Middleware) *http.Server {
	var h http.Handler = r.mux
	for i := len(mw) - 1; i >= 0; i-- {
		h = mw[i](h)
	}
	return &http.Server{
		Handler: recoverer(compress(h)),
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), messages{}, r.messages)
		},
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
}

// compress gzips what gains from it. An event stream must leave event by event.
func compress(h http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(1400), gzhttp.ContentTypeFilter(func(ct string) bool {
		return !strings.HasPrefix(ct, "text/event-stream") && gzhttp.DefaultContentTypeFilter(ct)
	}))
	if err != nil {
		panic(err) // the options are constants
	}
	return wrap(h)
}

// recoverer turns a panic in a handler into an answer, and a stack in the log.
func recoverer(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				slog.ErrorContext(r.Context(), "panic in a handler", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				WriteError(w, r, Errorf(http.StatusInternalServerError, "internal", "something went wrong on our side; it has been logged"))
			}
		}()
		h.ServeHTTP(w, r)
	})
}
