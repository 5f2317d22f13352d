package intake

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

// MaxBody is the size of the largest body of a webhook in bytes.
const MaxBody = 1 << 20

// Routes adds the routes POST /api/v1/hooks/{name} and POST /api/v1/readings/import.
func (s *Service) Routes(r *web.Router) {
	r.HandleUpload("POST /api/v1/hooks/{name}", MaxBody, web.Anyone, http.HandlerFunc(s.postHook))
	r.HandleUpload("POST /api/v1/readings/import", MaxImport, access.Known, http.HandlerFunc(s.postImport))
}

// postHook takes a body for a hook and answers with a receipt. With ?dry_run=true it shows what the mapping makes of it.
func (s *Service) postHook(w http.ResponseWriter, r *http.Request) {
	ctx, name := r.Context(), r.PathValue("name")
	known := access.From(ctx).Kind != access.KindPublic
	h, ok := s.hooks[name]
	switch {
	case !ok && known:
		names := slices.Collect(maps.Keys(s.hooks))
		fail(w, r, web.Errorf(http.StatusNotFound, "intake.unknown_hook", "there is no hook %q%s", name, pack.Suggest(name, names)))
		return
	case !known && (!ok || !h.Signed()): // strangers don't learn which hooks there are
		fail(w, r, web.Errorf(http.StatusUnauthorized, "access.sign_in", "send a device token, or a signed body to a hook that takes them"))
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		fail(w, r, err)
		return
	}
	if h.Signed() {
		if err := h.signature.verify(r.Header, body); err != nil {
			fail(w, r, err)
			return
		}
		if s.Signed != nil && !known {
			ctx = access.With(ctx, s.Signed(h.Source))
		}
	}
	query := map[string]string{}
	for key, values := range r.URL.Query() {
		query[key] = values[0]
	}
	isDry, err := truth(r, "dry_run")
	if err != nil {
		fail(w, r, err)
		return
	}
	b := Body{JSON: body, Headers: headersOf(r.Header), Query: query, Now: s.Clock.Now()}
	if isDry {
		dry, err := s.Try(ctx, h, b)
		answer(w, r, dry, err)
		return
	}
	receipt, err := s.Post(ctx, h, b, r.URL.RawQuery)
	answer(w, r, receipt, err)
}

// Tried is what a mapping makes of a body, with nothing taken.
type Tried struct {
	Readings []TriedReading    `json:"readings"`
	Refused  []sensing.Refusal `json:"refused"`
}

// TriedReading is one reading, its value in the datastream's unit where the datastream is known.
type TriedReading struct {
	Datastream string    `json:"datastream"`
	At         time.Time `json:"at"`
	Value      any       `json:"value"`
	Unit       string    `json:"unit,omitempty"`
}

// Try maps a body and takes nothing.
func (s *Service) Try(ctx context.Context, h *Hook, b Body) (Tried, error) {
	out := Tried{Readings: []TriedReading{}, Refused: []sensing.Refusal{}}
	if err := s.may(ctx, h.Source); err != nil {
		return out, err
	}
	mapped, refused, err := h.Map(b)
	if err != nil {
		return out, err
	}
	for _, m := range mapped {
		t := m.rule.aim(s.Log, m.Datastream)
		if t.none != "" {
			refused = append(refused, sensing.Refusal{Index: m.Index, Code: t.code, Message: t.none})
			continue
		}
		ds, _ := s.Log.LookupExternal(m.Datastream)
		out.Readings = append(out.Readings, TriedReading{m.Datastream, time.UnixMicro(m.At).UTC(), plainValue(t.convert(m.Value)), ds.Unit})
	}
	sortRefusals(refused)
	out.Refused = append(out.Refused, refused...)
	return out, nil
}

func sortRefusals(refused []sensing.Refusal) {
	slices.SortStableFunc(refused, func(a, b sensing.Refusal) int { return a.Index - b.Index })
}

func plainValue(v sensing.Value) any {
	if f, ok := v.Float(); ok && !math.IsInf(f, 0) && !math.IsNaN(f) {
		return f
	}
	if v.Kind() == sensing.KindBool {
		return v.String() == "true"
	}
	return v.String()
}

// truth is a parameter that is true or false; left out, it is false.
func truth(r *http.Request, name string) (bool, error) {
	text := r.URL.Query().Get(name)
	v, err := strconv.ParseBool(cmp.Or(text, "false"))
	if err != nil {
		return false, web.Errorf(http.StatusUnprocessableEntity, "intake.bad_parameter", "expected true or false, got %q", text).At(name)
	}
	return v, nil
}

func fail(w http.ResponseWriter, r *http.Request, err error) { answer(w, r, nil, err) }

func answer(w http.ResponseWriter, r *http.Request, body any, err error) {
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		slog.DebugContext(r.Context(), "answer not sent", "err", err)
	}
}
