package app

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing/mqtt"
)

// healthTimeout bounds a look at the parts: a probe wants an answer.
const healthTimeout = 3 * time.Second

// watchRoutes adds the health of the watch: the counters of the readings' path, and whether each part works.
func (a *App) watchRoutes(r *web.Router) {
	huma.Register(r.API(), huma.Operation{
		OperationID: "watch-counters", Method: http.MethodGet, Path: "/api/v1/watch/counters", Tags: []string{"watch"},
		Summary:     "What became of the readings that came in",
		Description: "in = accepted + refused; accepted = logged = stored + deleted; evaluated catches up, lag is how far it is behind.",
	}, a.counters)
	r.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write([]byte("ok\n"))
	})
	huma.Register(r.API(), huma.Operation{
		OperationID: "readyz", Method: http.MethodGet, Path: "/readyz", Tags: []string{"watch"},
		Summary: "Whether every part works; 503 names those that don't",
	}, (&recent[*readyOutput]{clock: clock.System(), ask: a.ready}).answer)
}

type countersOutput struct{ Body countersBody }

type countersBody struct {
	Sources []sourceCounters `json:"sources"`
	Total   totalCounters    `json:"total"`
	Stale   int              `json:"stale" doc:"assets of which nothing is known but that an instrument is silent"`
	MQTT    []mqttCounters   `json:"mqtt" doc:"by listener, since the server's start: received = accepted + refused + failed + what is on its way"`
}

type mqttCounters struct {
	Listener string `json:"listener" example:"tcp"`
	mqtt.Count
}

type sourceCounters struct {
	Source   string `json:"source"`
	In       int64  `json:"in"`
	Accepted int64  `json:"accepted"`
	Refused  int64  `json:"refused"`
}

type totalCounters struct {
	In        int64 `json:"in"`
	Accepted  int64 `json:"accepted"`
	Refused   int64 `json:"refused"`
	Logged    int64 `json:"logged"`
	Stored    int64 `json:"stored"`
	Deleted   int64 `json:"deleted"`
	Evaluated int64 `json:"evaluated"`
	Late      int64 `json:"late" doc:"of the evaluated, too late to be judged"`
	Lag       int64 `json:"lag" doc:"readings logged and not evaluated yet"`
}

func (a *App) counters(ctx context.Context, _ *struct{}) (*countersOutput, error) {
	if err := a.access.Decide(ctx, "watch.read", access.Resource{Type: "watch"}, access.Operations); err != nil {
		return nil, err
	}
	// The progress first: what it has not seen yet is lag, never a negative one.
	progress, c := a.detect.Progress(), a.sensing.Counters()
	out := &countersOutput{}
	t := &out.Body.Total
	t.Accepted, t.Refused = c.Totals()
	t.In, t.Logged, t.Stored, t.Deleted = t.Accepted+t.Refused, c.Logged, c.Stored, c.Deleted
	t.Evaluated, t.Late, t.Lag = progress.Evaluated, progress.Late, c.Logged-progress.Evaluated
	out.Body.Sources = make([]sourceCounters, len(c.Sources))
	for i, s := range c.Sources {
		out.Body.Sources[i] = sourceCounters{s.Source, s.Accepted + s.Refused, s.Accepted, s.Refused}
	}
	counts := a.mqtt.Counts()
	out.Body.MQTT = make([]mqttCounters, 0, len(counts))
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		out.Body.MQTT = append(out.Body.MQTT, mqttCounters{name, counts[name]})
	}
	var err error
	out.Body.Stale, err = a.detect.SilentAssets(ctx)
	return out, err
}

type readyOutput struct {
	Status int
	Body   struct {
		Ready bool            `json:"ready"`
		Parts map[string]part `json:"parts"`
	}
}

type part struct {
	OK  bool   `json:"ok"`
	Why string `json:"why,omitempty"`
	Lag int64  `json:"lag,omitempty" doc:"what waits: readings or events"`
}

// recent gives one answer to all who ask within a second. Anyone may ask whether the parts work, and the store proves it by a
// synced write: a crowd of probes must not keep the writer from the readings.
type recent[T any] struct {
	clock clock.Clock
	ask   func(context.Context) T

	mu   sync.Mutex // held while the parts are asked: who comes meanwhile gets the same answer
	at   time.Time  // guarded by mu, as is last
	last T
}

func (r *recent[T]) answer(ctx context.Context, _ *struct{}) (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if age := r.clock.Now().Sub(r.at); r.at.IsZero() || age >= time.Second || age < 0 {
		r.last = r.ask(context.WithoutCancel(ctx)) // it is for the others too
		r.at = r.clock.Now()
	}
	return r.last, nil
}

// ready looks at each part. It tells the truth: a store that can't be written or events that don't flow are not ready.
func (a *App) ready(ctx context.Context) *readyOutput {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	out := &readyOutput{Status: http.StatusOK}
	out.Body.Ready, out.Body.Parts = true, map[string]part{}
	put := func(name string, p part, err error) {
		p.OK = err == nil
		if err != nil {
			p.Why, out.Body.Ready, out.Status = err.Error(), false, http.StatusServiceUnavailable
		}
		out.Body.Parts[name] = p
	}
	put("store", part{}, errors.Join(a.db.Healthy(), a.writable(ctx)))
	put("series", part{}, a.sensing.Healthy())
	put("events", part{}, a.relay.Healthy())
	put("ledger", part{}, a.ledger.Health(ctx))
	put("vault", part{}, a.vault.Health(ctx))
	progress, c := a.detect.Progress(), a.sensing.Counters()
	put("detectors", part{Lag: c.Logged - progress.Evaluated}, a.detect.Healthy())
	lag, err := a.bus.Lag(ctx)
	var behind int64
	for _, n := range lag {
		behind += int64(n)
	}
	put("consumers", part{Lag: behind}, err)
	return out
}

// writable proves that the store takes writes, by one that changes nothing.
func (a *App) writable(ctx context.Context) error {
	done := make(chan error, 1)
	err := a.db.WriteAsync(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec("update log_state set sealed_seq = sealed_seq where id = 1")
		return err
	}, func(err error) { done <- err })
	if err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errors.New("a write has been waiting for longer than a probe may take")
	}
}
