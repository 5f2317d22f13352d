package partner

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	signal = "warning partners"

	// lookAgain is the longest the loop sleeps: after a failure, and since a machine's clock can be set forward.
	lookAgain = time.Minute

	// atOnce is how many partners are read at the same time.
	atOnce = 4

	pruneEvery = time.Hour
)

// Register tells where the city's areas are. It is safe for concurrent use.
type Register interface {
	// Areas lists the areas that people know by name, parents before children; grid cells are left out.
	Areas(ctx context.Context) ([]Area, error)
}

// Hazards tells what a warning can be about, as the city calls it. It is safe for concurrent use.
type Hazards interface {
	Hazards(ctx context.Context) ([]Hazard, error)
}

// Verifier checks signatures against what an administrator has pinned. It is safe for concurrent use.
type Verifier interface {
	// Pinnable says what is wrong with a PEM that shall be pinned.
	Pinnable(name string, pem []byte) error
	// Verify returns by whom the document is signed, or why its signature doesn't count.
	Verify(document []byte, name string, pem []byte) (who string, err error)
}

// Deps are what the room needs.
type Deps struct {
	DB       *db.DB
	Clock    clock.Clock
	Access   access.Decider
	Register Register
	Hazards  Hazards
	Verifier Verifier       // Pinned when nil
	Agent    string         // User-Agent: the product, its version, and where it can be asked about
	Patience time.Duration  // for one document; Patience when 0
	Jitter   func() float64 // from 0 up to 1; math/rand's when nil
	// Changed is called in each transaction that changes what the public is told of others' warnings. May be nil.
	Changed func(tx *db.Tx)
}

// Service is the room. Its methods are safe for concurrent use.
type Service struct {
	Deps
	client *client
	free   chan struct{} // holds a wake-up for the loop: a partner is no longer being read

	mu       sync.Mutex
	reading  map[int64]bool  // partners that are being read; guarded by mu, as is counted
	counted  map[count]int64 // polls since the start
	prunedAt time.Time       // the loop's own
}

// count is a counter since the start.
type count struct {
	partner int64
	outcome string // new, unchanged or failed
}

// New returns the room.
func New(d Deps) *Service {
	if d.Patience == 0 {
		d.Patience = Patience
	}
	if d.Jitter == nil {
		d.Jitter = rand.Float64
	}
	if d.Verifier == nil {
		d.Verifier = Pinned{}
	}
	if d.Agent == "" {
		d.Agent = "Anlan"
	}
	return &Service{Deps: d, client: newClient(d.Agent, d.Patience), free: make(chan struct{}, 1), reading: map[int64]bool{}, counted: map[count]int64{}}
}

// Run reads partners and ends what has expired, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	ctx = access.With(ctx, access.System("partners"))
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, atOnce)
	for {
		wait := s.expire(ctx)
		s.prune(ctx)
		due, next, err := s.dueForReading(ctx)
		if err != nil {
			if ctx.Err() == nil {
				slog.ErrorContext(ctx, "warning partners are not read", "err", err)
			}
			next = lookAgain
		}
		for _, p := range due {
			if !s.begin(p.ID) {
				continue
			}
			wg.Go(func() {
				defer s.end(p.ID)
				select {
				case slots <- struct{}{}:
					defer func() { <-slots }()
				case <-ctx.Done():
					return
				}
				if err := s.poll(ctx, p); err != nil && ctx.Err() == nil {
					slog.ErrorContext(ctx, "what a warning partner sent is not kept", "partner", p.ID, "err", err)
				}
			})
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.DB.Signal(signal):
		case <-s.free:
		case <-s.Clock.After(min(wait, next)):
		}
	}
}

// dueForReading are the partners to be read now, and how long it is until the next.
func (s *Service) dueForReading(ctx context.Context) (due []*Partner, next time.Duration, err error) {
	next = lookAgain
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		all, err := partners(tx)
		now := s.Clock.Now()
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, p := range all {
			switch {
			case !*p.Active || s.reading[p.ID]:
			case p.NextAt.After(now):
				next = min(next, p.NextAt.Sub(now))
			default:
				due = append(due, p)
			}
		}
		return err
	})
	return due, next, err
}

func (s *Service) begin(partner int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reading[partner] {
		return false
	}
	s.reading[partner] = true
	return true
}

func (s *Service) end(partner int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.reading, partner)
	select {
	case s.free <- struct{}{}:
	default: // a wake-up is waiting already
	}
}

func (s *Service) count(partner int64, outcome string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counted[count{partner, outcome}]++
}

func errUnknown(id int64) error {
	return web.Errorf(404, "partner.unknown", "there is no warning partner %d", id)
}
