package coverage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// lookEvery is how often all datastreams, declared heartbeats and what other processes wrote are looked at.
	lookEvery = time.Minute

	// probeEvery is how often new datastreams are looked for: an asset that is watched since a moment should not stand on the
	// list of blind spots. Ids only rise, so the next few are asked for; probes is how many, since a failed write leaves gaps.
	probeEvery = 2 * time.Second
	probes     = 64

	// viewKept is how long an evaluation serves: a page asks for totals, list and map at once.
	viewKept = time.Second
)

// Deps are what the service needs.
type Deps struct {
	DB       *db.DB
	Clock    clock.Clock
	Access   access.Decider
	Streams  Streams
	Register Register

	// What the loaded packs declare.
	Kinds      []pack.Kind
	Properties map[string]pack.Property
	Detectors  []Detector
}

// Service knows what watches each asset and place. Its methods are safe for concurrent use.
type Service struct {
	Deps
	book *rulebook // guarded by binding once the service is made
	zone atomic.Pointer[time.Location]
	wake chan struct{}
	cold atomic.Bool // the register is to be read again

	// binding lets one goroutine at a time renew the registry and the index.
	binding  sync.Mutex
	registry *registry
	index    atomic.Pointer[index]

	// mu guards what people set. Works and calibrations are replaced, never changed.
	mu           sync.RWMutex
	works        map[subject][]*Work
	worksByID    map[int64]*Work
	calibrations map[subject]*Calibration
	changed      int64 // goes up with each change of these

	viewing sync.Mutex
	seen    *view
	seenAs  int64 // changed, as of the view
}

// New returns the service with the works and calibrations in memory. The register is read by Run, since that may take long.
func New(ctx context.Context, d Deps) (*Service, error) {
	s := &Service{Deps: d, book: newRulebook(d.Kinds, d.Properties, d.Detectors), wake: make(chan struct{}, 1)}
	s.zone.Store(time.UTC)
	s.cold.Store(true)
	if err := s.recall(ctx); err != nil {
		return nil, fmt.Errorf("coverage: %w", err)
	}
	return s, nil
}

// Refresh says that the register has changed. It does not block.
func (s *Service) Refresh() {
	s.cold.Store(true)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run keeps the picture up to date, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	var looked time.Time
	for {
		if now := s.Clock.Now(); s.cold.Load() || now.Sub(looked) >= lookEvery || s.grown() {
			if err := s.Load(ctx); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "coverage is not up to date", "err", err)
			}
			looked = now
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-s.Clock.After(probeEvery):
		}
	}
}

// grown says whether there are datastreams that the index does not know.
func (s *Service) grown() bool {
	ix := s.index.Load()
	if ix == nil {
		return false
	}
	for n := range int64(probes) {
		if _, ok := s.Streams.Lookup(ix.newest + 1 + n); ok {
			return true
		}
	}
	return false
}

// Load looks at everything now: the register if Refresh was called, the datastreams, the heartbeats, works and calibrations.
func (s *Service) Load(ctx context.Context) error {
	if err := s.readRegister(ctx); err != nil {
		return fmt.Errorf("read the register: %w", err)
	}
	return errors.Join(s.recall(ctx), s.bind(ctx))
}

// readRegister reads the register if it may have changed.
func (s *Service) readRegister(ctx context.Context) (err error) {
	s.binding.Lock() // before the read, so that an older registry can't replace a newer one
	defer s.binding.Unlock()
	if !s.cold.Swap(false) {
		return nil
	}
	defer func() {
		if err != nil {
			s.cold.Store(true)
		}
	}()
	zone, err := s.Register.Zone(ctx)
	if err != nil {
		return err
	}
	areas, err := s.Register.Areas(ctx)
	if err != nil {
		return err
	}
	var assets []Asset
	if err := s.Register.Assets(ctx, func(a Asset) { assets = append(assets, a) }); err != nil {
		return err
	}
	r := newRegistry(assets, areas)
	s.zone.Store(zone)
	s.registry = r
	return nil
}

// bind makes the index anew from the registry as it was last read.
func (s *Service) bind(ctx context.Context) error {
	s.binding.Lock()
	defer s.binding.Unlock()
	if s.registry == nil {
		return nil
	}
	var x expectations
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		x, err = readExpectations(tx)
		return err
	})
	if err != nil {
		return err
	}
	s.index.Store(newIndex(s.registry, s.book, s.Streams.All, x))
	return nil
}

// recall reads works and calibrations. What this process writes is in memory already; another one's comes with this.
func (s *Service) recall(ctx context.Context) error {
	s.mu.RLock()
	before := s.changed
	s.mu.RUnlock()
	works, byID, calibrations := map[subject][]*Work{}, map[int64]*Work{}, map[subject]*Calibration{}
	since := db.Micros(s.Clock.Now().Add(-worksKept))
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		err := worksSince(tx, since, func(w Work) {
			at := subject{asset: w.Asset, place: w.Place}
			works[at], byID[w.ID] = append(works[at], &w), &w
		})
		return errors.Join(err, newestCalibrations(tx, func(c Calibration) {
			calibrations[subject{asset: c.Asset, datastream: c.Datastream}] = &c
		}))
	})
	if err != nil {
		return fmt.Errorf("works and calibrations: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == before { // otherwise what was read may lack what was written meanwhile: it comes with the next look
		s.works, s.worksByID, s.calibrations = works, byID, calibrations
		s.changed++
	}
	return nil
}

// look is an evaluation as of now, or of a moment ago.
func (s *Service) look() (*view, error) {
	ix := s.index.Load()
	if ix == nil {
		return nil, web.Errorf(http.StatusServiceUnavailable, "coverage.starting", "the register is still being read; try again in a moment")
	}
	s.viewing.Lock()
	defer s.viewing.Unlock()
	now := db.Micros(s.Clock.Now())
	s.mu.RLock()
	defer s.mu.RUnlock()
	if v := s.seen; v == nil || v.index != ix || s.seenAs != s.changed || now-v.at >= viewKept.Microseconds() || now < v.at {
		s.seen, s.seenAs = s.evaluate(ix, now), s.changed
		s.seen.sorted() // here, under the lock: the view is shared from now on
	}
	return s.seen, nil
}

// mayLook decides whether the actor may see coverage: it is the health of the watch, which is one picture for all staff.
func (s *Service) mayLook(ctx context.Context) error {
	return s.Access.Decide(ctx, "watch.read", access.Resource{Type: "asset"}, access.Operations)
}

// work are works by their id.
func (s *Service) work(ctx context.Context, id int64) (w Work, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		w, _, err = workByID(tx, id)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return w, web.Errorf(http.StatusNotFound, "coverage.no_works", "there are no works %d", id)
	}
	return w, err
}
