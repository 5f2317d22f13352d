package city

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// lookEvery is how often another process's change of the register is looked for, and old paths are forgotten.
const lookEvery = 2 * time.Second

// clockSkew is how far an instrument's clock may be ahead of ours.
const clockSkew = 5 * time.Minute

// Deps are what the room stands on.
type Deps struct {
	DB     *db.DB
	Clock  clock.Clock
	Access access.Decider
	Kinds  Kinds
	// Decorations may be nil: every asset's state is then unknown.
	Decorations Decorations
}

// Service is the register.
type Service struct {
	Deps
	store store
	// importing lets one import of this process look and write at a time; another process's is seen by the revision.
	importing sync.Mutex
	loading   sync.Mutex // one at a time, so that an older picture can't replace a newer one
	picture   atomic.Pointer[picture]
}

// New returns a service that answers from memory once Load was called.
func New(d Deps) *Service {
	s := &Service{Deps: d, store: store{d.DB}}
	s.picture.Store(&picture{revision: -1})
	return s
}

// picture is the part of the register that is kept in memory. It is replaced as a whole.
type picture struct {
	revision      int64 // -1 when nothing was read yet
	areas         *atlas
	organisations map[int64]organisation
	holders       map[int64][]int64 // organisations with a duty over an area, by area
	inside        map[int64][]int64 // organisations with a duty over areas in an area
	territory     map[int64]int64   // who leads on the territory's duty, by area
	places        map[int64]Spot
	assets        map[int64]Spot
	assetKeys     map[string]int64    // by external id
	upstream      map[int64][]int64   // by asset: those that feed it
	downstream    map[int64][]int64   // by asset: those that it feeds
	residents     map[int64]Residents // by area
	names         names
}

type organisation struct {
	key    string
	name   Name
	parent int64
}

// Load reads what AreaAt and Covers answer from, if the register changed since it was last read. It is called after the migrations,
// and by the service itself after each change.
func (s *Service) Load(ctx context.Context) error {
	s.loading.Lock()
	defer s.loading.Unlock()
	for {
		before, err := s.store.revision(ctx)
		if err != nil {
			return fmt.Errorf("load the register: %w", err)
		}
		if before == s.picture.Load().revision {
			return nil
		}
		p, err := s.store.picture(ctx)
		if err != nil {
			return fmt.Errorf("load the register: %w", err)
		}
		after, err := s.store.revision(ctx)
		if err != nil {
			return fmt.Errorf("load the register: %w", err)
		}
		if before == after {
			p.revision = after
			s.picture.Store(p)
			return nil
		}
	}
}

// Run looks for changes that other processes make, and forgets old paths, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.Clock.After(lookEvery):
		}
		if err := s.look(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "register not looked at", "err", err)
		}
	}
}

func (s *Service) look(ctx context.Context) error {
	if err := s.Load(ctx); err != nil {
		return err
	}
	return s.store.forgetPaths(ctx, s.Clock.Now().Add(-PathKept))
}

// AreaAt lists the areas at a point, from the grid cell (or the smallest area) upward; empty where there is none. It
// answers from memory.
func (s *Service) AreaAt(lon, lat float64) []int64 {
	var ids []int64
	for n := s.picture.Load().areas.at(lon, lat); n != nil; n = n.parent {
		ids = append(ids, n.id)
	}
	return ids
}

// Covers fulfils access.Scopes: organisation is owner or stands above it, or it, or one that it stands above, holds a duty
// over area or one around it.
func (s *Service) Covers(organisation, owner, area int64) bool {
	p := s.picture.Load()
	if owner != 0 && p.above(organisation, owner) {
		return true
	}
	if area == 0 || p.areas == nil {
		return false
	}
	for n := p.areas.byID[area]; n != nil; n = n.parent {
		for _, holder := range p.holders[n.id] {
			if p.above(organisation, holder) {
				return true
			}
		}
	}
	return false
}

// Touches fulfils access.Scopes: organisation, or one that it stands above, holds a duty over area, one around it or one in it.
func (s *Service) Touches(organisation, area int64) bool {
	if s.Covers(organisation, 0, area) {
		return true
	}
	p := s.picture.Load()
	return slices.ContainsFunc(p.inside[area], func(holder int64) bool { return p.above(organisation, holder) })
}

// AreaWithin says whether an area is another or lies in it. It answers from memory.
func (s *Service) AreaWithin(area, within int64) bool {
	a := s.picture.Load().areas
	if a == nil {
		return false
	}
	n, m := a.byID[area], a.byID[within]
	return n != nil && m != nil && n.within(m)
}

// AreaName is an area's name; the zero value for none. It answers from memory.
func (s *Service) AreaName(id int64) Name {
	if a := s.picture.Load().areas; a != nil && a.byID[id] != nil {
		return a.byID[id].name
	}
	return Name{}
}

// AreaAbove is the area in which an area lies; 0 for none. It answers from memory.
func (s *Service) AreaAbove(id int64) int64 {
	if a := s.picture.Load().areas; a != nil && a.byID[id] != nil && a.byID[id].parent != nil {
		return a.byID[id].parent.id
	}
	return 0
}

// WholeCity is the area in which all others lie; 0 where there is none, or several. It answers from memory.
func (s *Service) WholeCity() int64 {
	if a := s.picture.Load().areas; a != nil && a.tops == 1 {
		return a.top.id
	}
	return 0
}

// Town is the area of level "town" that an area is or lies in, so that what lies below a town is told of the town alone; 0 where it
// lies in none. Where a register has no such level, it is the area above the grid. It answers from memory.
func (s *Service) Town(id int64) int64 {
	a := s.picture.Load().areas
	if a == nil {
		return 0
	}
	for n := a.byID[id]; n != nil; n = n.parent {
		if n.level == TownLevel {
			return n.id
		}
	}
	if a.towns {
		return 0
	}
	return s.AboveGrid(id)
}

// OrganisationName is an organisation's name; the zero value for none. It answers from memory.
func (s *Service) OrganisationName(id int64) Name { return s.picture.Load().organisations[id].name }

// OrganisationKey is an organisation's external id; "" for none. It answers from memory.
func (s *Service) OrganisationKey(id int64) string { return s.picture.Load().organisations[id].key }

// OrganisationID finds an organisation by its external id. It answers from memory.
func (s *Service) OrganisationID(externalID string) (int64, bool) {
	for id, o := range s.picture.Load().organisations {
		if o.key == externalID {
			return id, true
		}
	}
	return 0, false
}

// above says whether a is b or stands above it.
func (p *picture) above(a, b int64) bool {
	// A circle can't be stored, but a bound costs nothing.
	for range len(p.organisations) + 1 {
		if a == b {
			return true
		}
		if b = p.organisations[b].parent; b == 0 {
			return false
		}
	}
	return false
}

// Settings are what the city says about itself.
func (s *Service) Settings(ctx context.Context) (Settings, error) {
	if err := s.Access.Decide(ctx, "city.read", access.Resource{Type: "city"}, access.PublicInformation); err != nil {
		return Settings{}, err
	}
	set, err := s.store.settings(ctx)
	if err != nil {
		return Settings{}, err
	}
	if a := s.picture.Load().areas; !a.empty() {
		set.Bounds = &[4]float64{a.min[0], a.min[1], a.max[0], a.max[1]}
	}
	return set, nil
}

// SetSettings changes the city's name and time zone.
func (s *Service) SetSettings(ctx context.Context, set Settings) error {
	if err := s.Access.Decide(ctx, "city.change", access.Resource{Type: "city"}, access.Administration); err != nil {
		return err
	}
	if _, err := time.LoadLocation(set.TimeZone); err != nil || set.TimeZone == "" || set.TimeZone == "Local" {
		return web.Errorf(http.StatusUnprocessableEntity, "city.unknown_time_zone", "unknown time zone %q, expected a name such as Asia/Shanghai", set.TimeZone).At("time_zone")
	}
	if set.Name.EN == "" && set.Name.ZH == "" {
		return web.Errorf(http.StatusUnprocessableEntity, "city.no_name", "the city needs a name in one of the two languages").At("name")
	}
	now, actor := s.Clock.Now(), access.From(ctx)
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := putSettings(tx, set); err != nil {
			return err
		}
		return ledger.Append(tx, ledger.Entry{Action: "city.change", Actor: actor.Name, ActorID: actor.ID, Subject: "city", At: now,
			Detail: map[string]any{"name": set.Name, "time_zone": set.TimeZone}})
	})
}

// Move tells where a mobile instrument is. Any other asset is refused: it can be re-sited by an import, which is counted.
func (s *Service) Move(ctx context.Context, asset int64, to Point, at time.Time) error {
	a, err := s.asset(ctx, asset)
	if err != nil {
		return err
	}
	if err := s.Access.Decide(ctx, "city.change", access.Resource{Type: "asset", ID: a.ID, Organisation: a.Organisation, Area: a.Area}, access.Maintenance); err != nil {
		return err
	}
	if err := checkRange(to[0], to[1]); err != nil {
		return web.Errorf(http.StatusUnprocessableEntity, "city.bad_position", "%v", err)
	}
	if !s.kinds()[a.Kind].Mobile {
		return web.Errorf(http.StatusConflict, "city.not_mobile", "asset %s is a %s, which does not move: only kinds that say \"mobile: instrument\" do", a.ExternalID, a.Kind)
	}
	now := s.Clock.Now()
	if at.Before(now.Add(-PathKept)) || at.After(now.Add(clockSkew)) {
		return web.Errorf(http.StatusUnprocessableEntity, "city.bad_time", "%s is not within the last %.0f hours", at.Format(time.RFC3339), PathKept.Hours()).At("at")
	}
	to = Point{rounded(to[0]), rounded(to[1])}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		newest, err := putPosition(tx, asset, to, at)
		if err != nil || !newest {
			return err
		}
		return outbox.Put(tx, events.AssetMoved{Asset: asset, Point: to, At: at})
	})
}

// kinds are the kinds of the loaded packs by id.
func (s *Service) kinds() map[string]Kind {
	all := map[string]Kind{}
	if s.Kinds != nil {
		for _, k := range s.Kinds.Kinds() {
			all[k.ID] = k
		}
	}
	return all
}

func (s *Service) asset(ctx context.Context, id int64) (Asset, error) {
	a, err := s.store.asset(ctx, id)
	if errors.Is(err, db.ErrNotFound) {
		return a, notFound("asset", id)
	}
	return a, err
}

func notFound(what string, id int64) error {
	return web.Errorf(http.StatusNotFound, "city.no_"+what, "there is no %s %d", what, id)
}

var _ access.Scopes = (*Service)(nil)
