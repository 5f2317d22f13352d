package intake

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

// Options are what the service can't do without, and what it may be given.
type Options struct {
	Log    Log
	Clock  clock.Clock
	Access access.Decider
	// Hooks are files and folders with mappings of webhooks. None is fine.
	Hooks []string
	// Getenv gives the secrets of signed hooks; nil is os.LookupEnv.
	Getenv func(string) (string, bool)
	// Signed is the actor of a body whose signature is right: a device of that source. nil: a signed hook needs a token, too.
	Signed func(source string) access.Actor
	// Letters keeps bodies of which something was refused; nil keeps none.
	Letters DeadLetters
	// TempDir is where a file on its way in is put down, by no other process; "" is the system's own.
	TempDir string
}

// DeadLetters keeps what came in and was not taken, for operators to see.
type DeadLetters interface {
	// Keep is called once for each body of which something was refused, after the rest was taken. It may block for as long
	// as a write takes; an error is logged and changes nothing for the sender.
	Keep(ctx context.Context, l DeadLetter) error
}

// DeadLetter is a body of which something was refused.
type DeadLetter struct {
	Hook, Source string
	At           time.Time // when it came in
	Sender       string    // the actor's name
	Query        string    // as it was sent
	Body         []byte    // as it came, at most MaxBody bytes; not checked, and not masked
	Reason       string    // the first of the reasons
	Refused      int       // readings; 0 where the body could not be read as a whole
}

// Service takes readings by webhook and by file. Its methods are safe for concurrent use.
type Service struct {
	Options
	hooks     map[string]*Hook
	importing chan struct{} // holds one for each upload under way
}

// New reads the hooks' mappings. The error is Problems where one is wrong.
func New(o Options) (*Service, error) {
	s := &Service{Options: o, hooks: map[string]*Hook{}, importing: make(chan struct{}, maxImports)}
	if err := s.clear(); err != nil {
		return nil, fmt.Errorf("uploads of before: %w", err)
	}
	hooks, err := LoadHooks(o.Hooks, o.Getenv)
	if err != nil {
		return nil, fmt.Errorf("webhooks: %w", err)
	}
	for _, h := range hooks {
		s.hooks[h.Name] = h
	}
	return s, nil
}

// Hooks are the webhooks, sorted by name.
func (s *Service) Hooks() []*Hook {
	return slices.SortedFunc(maps.Values(s.hooks), func(a, b *Hook) int { return strings.Compare(a.Name, b.Name) })
}

// Receipt says what became of the readings of a body.
type Receipt struct {
	Accepted int               `json:"accepted"`
	Marked   int               `json:"marked"`        // accepted, with a mark: a repeat, an unlikely time, out of range
	Refused  []sensing.Refusal `json:"refused"`       // at most the first 100
	RefusedN int               `json:"refused_count"` // all
}

// Post takes a body for a hook. The error is a *web.Error where nothing of the body was taken; what is wrong with single
// readings is in the receipt.
func (s *Service) Post(ctx context.Context, h *Hook, b Body, query string) (Receipt, error) {
	if err := s.may(ctx, h.Source); err != nil { // before a body can become a dead letter
		return Receipt{}, err
	}
	mapped, refused, err := h.Map(b)
	if err == nil && len(mapped) == 0 && len(refused) > 0 {
		e := web.Errorf(http.StatusUnprocessableEntity, "intake.not_mapped", "none of %d readings could be made of the body: %s", len(refused), refused[0].Message)
		for _, r := range refused[:min(len(refused), maxListed)] {
			e.Errors = append(e.Errors, web.Detail{Message: r.Message})
		}
		err = e
	}
	if err != nil {
		s.keep(ctx, h, b, query, err.Error(), len(refused))
		return Receipt{}, err
	}
	receipt, err := s.take(ctx, h, mapped, refused)
	if err != nil {
		return receipt, err
	}
	if receipt.RefusedN > 0 {
		s.keep(ctx, h, b, query, receipt.Refused[0].Message, receipt.RefusedN)
	}
	return receipt, nil
}

// take finds the datastreams, converts the units and hands the readings to the log in one call.
func (s *Service) take(ctx context.Context, h *Hook, mapped []Mapped, refused []sensing.Refusal) (Receipt, error) {
	rs := make([]sensing.Reading, 0, len(mapped))
	index := make([]int, 0, len(mapped)) // of each reading, its place in the body
	for _, m := range mapped {
		t := m.rule.aim(s.Log, m.Datastream)
		if t.none != "" {
			refused = append(refused, sensing.Refusal{Index: m.Index, Code: t.code, Message: t.none})
			continue
		}
		rs = append(rs, sensing.Reading{Datastream: t.id, At: m.At, Value: t.convert(m.Value)})
		index = append(index, m.Index)
	}
	out := Receipt{}
	if len(rs) > 0 {
		receipt, err := s.Log.Append(ctx, h.Source, rs)
		if err != nil {
			return out, err
		}
		out.Accepted, out.Marked = receipt.Accepted, receipt.Marked
		for _, r := range receipt.Refused {
			refused = append(refused, sensing.Refusal{Index: index[r.Index], Code: r.Code, Message: r.Message})
		}
	}
	sortRefusals(refused)
	out.RefusedN = len(refused)
	out.Refused = append([]sensing.Refusal{}, refused[:min(len(refused), maxListed)]...)
	return out, nil
}

// may decides whether the actor may send for a source at all; the log decides for each datastream.
func (s *Service) may(ctx context.Context, source string) error {
	return s.Access.Decide(ctx, "reading.append", access.Resource{Type: "datastream", Source: source}, access.Operations)
}

func (s *Service) keep(ctx context.Context, h *Hook, b Body, query, reason string, refused int) {
	if s.Letters == nil {
		return
	}
	err := s.Letters.Keep(context.WithoutCancel(ctx), DeadLetter{Hook: h.Name, Source: h.Source, At: b.Now, Sender: access.From(ctx).Name,
		Query: query, Body: b.JSON, Reason: reason, Refused: refused})
	if err != nil {
		slog.ErrorContext(ctx, "dead letter not kept", "hook", h.Name, "err", err)
	}
}

// headersOf are what a mapping may look at: all but what proves who sends.
func headersOf(header http.Header) map[string]string {
	out := make(map[string]string, len(header))
	for name, values := range header {
		switch name = strings.ToLower(name); name {
		case "authorization", "proxy-authorization", "cookie":
		default:
			out[name] = strings.Join(values, ", ")
		}
	}
	return out
}
