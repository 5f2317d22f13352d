package outside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
)

const (
	// consumer is the name under which the room hears of cases.
	consumer = "outside"

	// lookEvery is how often it is looked whether a model is due.
	lookEvery = time.Second

	// atOnce is how many models are asked at the same time.
	atOnce = 8

	// Keep is for how long answers are kept; no figure goes further back. 92 days are three months.
	Keep = 92 * 24 * time.Hour

	pruneEvery = time.Hour
)

// Series is a datastream that a model may be asked about.
type Series struct {
	engine.Stream
	Unit string
	Home bool // it stands in a home: no model is told of it

	readings []reading // within the window, oldest first
}

type reading struct {
	at    int64
	value float64
}

// Selection is what a registration is about: either a property on kinds of asset, or datastreams.
type Selection struct {
	Property    string
	Kinds       []string
	Datastreams []int64
}

// Catalogue tells which series there are. app fulfils it from sensing and city.
type Catalogue interface {
	// Series are those of a selection, by id. What is unknown, or stands nowhere, is missing.
	Series(ctx context.Context, s Selection) ([]Series, error)
}

// Alerts are detect's doors.
type Alerts interface {
	Tell(ctx context.Context, told []detect.Told, also func(tx *db.Tx) error) error
	Outcomes(ctx context.Context, from, to time.Time) ([]detect.Outcome, error)
}

var (
	_ Alerts        = (*detect.Service)(nil)
	_ detect.Models = (*Service)(nil)
)

// Deps are what the room needs. News may be nil: then no case counts as an event. Getenv gives secrets; nil is os.LookupEnv.
type Deps struct {
	DB        *db.DB
	Clock     clock.Clock
	Access    access.Decider
	Catalogue Catalogue
	Readings  detect.Readings
	Alerts    Alerts
	News      detect.News
	Cases     []string // the kinds of case that there are
	Getenv    func(string) (string, bool)
}

// Service is the room. Its methods are safe for concurrent use.
type Service struct {
	Deps
	client *client

	mu      sync.Mutex
	asking  map[int64]bool // models that are being asked; guarded by mu, as is counted
	counted map[count]int64
}

// count is a counter since the start.
type count struct{ model, outcome string }

// New returns the room.
func New(d Deps) *Service {
	if d.Getenv == nil {
		d.Getenv = os.LookupEnv
	}
	return &Service{Deps: d, client: newClient(d.Clock, d.Getenv), asking: map[int64]bool{}, counted: map[count]int64{}}
}

// Run asks the models that are in shadow or live until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	ctx = access.With(ctx, access.System("outside models"))
	if err := s.DB.Write(ctx, loseAsks(s.Clock.Now())); err != nil {
		return fmt.Errorf("questions of before the start: %w", err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	if s.News != nil {
		wg.Go(func() { s.hear(ctx) })
	}
	slots := make(chan struct{}, atOnce)
	var prunedAt time.Time
	for {
		select {
		case <-s.Clock.After(lookEvery):
		case <-ctx.Done():
			return nil
		}
		now := s.Clock.Now()
		if now.Sub(prunedAt) >= pruneEvery {
			prunedAt = now
			if err := s.DB.Write(ctx, prune(now.Add(-Keep))); err != nil && ctx.Err() == nil {
				slog.ErrorContext(ctx, "old answers of outside models are not removed", "err", err)
			}
		}
		due, err := s.due(ctx, now)
		if err != nil {
			if ctx.Err() == nil {
				slog.ErrorContext(ctx, "outside models are not asked", "err", err)
			}
			continue
		}
		for _, m := range due {
			if !s.begin(m.ID) {
				continue
			}
			wg.Go(func() {
				defer s.end(m.ID)
				select {
				case slots <- struct{}{}:
					defer func() { <-slots }()
				case <-ctx.Done():
					return
				}
				if err := s.ask(ctx, m, m.window(s.Clock.Now())); err != nil && ctx.Err() == nil {
					slog.ErrorContext(ctx, "an outside model could not be asked", "model", m.Registration.Name, "err", err)
				}
			})
		}
	}
}

// Named are the models as detectors. One that is not live may have alerts of before.
func (s *Service) Named(ctx context.Context) (out []detect.Named, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		all, err := models(tx)
		for _, m := range all {
			r := &m.Registration
			out = append(out, detect.Named{ID: m.detectorID(), Title: r.Title, Owner: r.owner(), Maturity: maturity, Watches: m.State == Live})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("names of outside models: %w", err)
	}
	return out, nil
}

// due are the models that have a window which ended since they came into their state and was not asked for.
func (s *Service) due(ctx context.Context, now time.Time) (out []*Model, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		all, err := models(tx)
		if err != nil {
			return err
		}
		for _, m := range all {
			w := m.window(now)
			if m.State != Shadow && m.State != Live || !w.After(m.MovedAt) {
				continue
			}
			asked, err := lastAsked(tx, m.ID)
			if err != nil {
				return err
			}
			if db.Micros(w) > asked {
				out = append(out, m)
			}
		}
		return nil
	})
	return out, err
}

func (s *Service) begin(model int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asking[model] {
		return false
	}
	s.asking[model] = true
	return true
}

func (s *Service) end(model int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.asking, model)
}

// hear notes the cases that no alert opened, until ctx ends: what people found out otherwise.
func (s *Service) hear(ctx context.Context) {
	subjects := []string{events.CaseOpened{}.Subject(), events.CaseClosed{}.Subject()}
	err := s.News.Consume(ctx, consumer, subjects, func(ctx context.Context, m bus.Message) error {
		if m.Subject == (events.CaseOpened{}).Subject() {
			var e events.CaseOpened
			if err := json.Unmarshal(m.Data, &e); err != nil {
				return fmt.Errorf("%w: %w", bus.ErrDrop, err)
			}
			if e.Alert != 0 || !slices.Contains(s.Cases, e.Kind) {
				return nil
			}
			return s.DB.Write(ctx, caseOpened(e))
		}
		var e events.CaseClosed
		if err := json.Unmarshal(m.Data, &e); err != nil {
			return fmt.Errorf("%w: %w", bus.ErrDrop, err)
		}
		if e.Alert != 0 || !slices.Contains(s.Cases, e.Kind) {
			return nil
		}
		return s.DB.Write(ctx, caseClosed(e))
	})
	if err != nil && ctx.Err() == nil {
		slog.ErrorContext(ctx, "outside models are no longer held against cases", "err", errors.Unwrap(err))
	}
}
