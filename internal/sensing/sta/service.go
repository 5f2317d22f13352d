package sta

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/sensing"
)

// Root is the path under which the API stands.
const Root = "/v1.1"

// Deps are what the service can't do without.
type Deps struct {
	DB     *db.DB
	Clock  clock.Clock
	Access access.Decider
	Core   *sensing.Service
	Assets Assets
	Packs  Packs
	// PublicURL is where the server is reached, such as https://anlan.example, without a slash at its end. Where it is
	// empty, links name the host that the request named.
	PublicURL string
	// TrustedProxies are believed about whether their client came over TLS (X-Forwarded-Proto).
	TrustedProxies []netip.Prefix
	// Here is the same as this machine sees it, for messages of MQTT, which come by no request; used where PublicURL is empty.
	Here string
	// MQTT are the endpoints of MQTT that the root document names, such as mqtt://anlan.example:1883; empty: none is served.
	MQTT []string
	// Source is the name under which an actor's readings are counted; nil: the actor's own.
	Source func(ctx context.Context) string
}

// Assets is the city's register. It answers from memory.
type Assets interface {
	// AssetByKey is the asset with an external id.
	AssetByKey(externalID string) (id int64, ok bool)
	// Asset is the asset with an id.
	Asset(id int64) (RegisterAsset, bool)
}

// RegisterAsset is an asset as the catalogue shows it.
type RegisterAsset struct {
	ExternalID, Name, Description string
	// Lon and Lat are where it stands, WGS 84 degrees, if Placed.
	Lon, Lat float64
	Placed   bool
}

// Packs are the properties that packs declare.
type Packs interface {
	// Property is what a pack declares of a property such as gas/methane.
	Property(name string) (sensing.Property, bool)
	// Properties are the names of all.
	Properties() []string
}

// Service is the SensorThings API over the catalogue and the log. Its methods are safe for concurrent use.
type Service struct {
	Deps
	features features
	// flight is held for reading while readings are on their way whose feature was looked up in memory. Who deletes a
	// feature closes it while nothing is under way: what comes later sees that it is closed. The writer never waits for it.
	flight   sync.RWMutex
	homes    homes               // which datastreams stand in homes, for counting
	lastTime atomic.Int64        // the newest phenomenonTime that the server itself gave, in microseconds
	uploads  *semaphore.Weighted // bytes of bulk requests that arrive
	turns    chan struct{}       // one for each bulk that is being read; see turn
	bulk     *semaphore.Weighted // bytes of bulk requests, and of large entities, under way
	buffers  pool
	readings readings
}

// New loads what the service keeps in memory: the feature of each datastream.
func New(ctx context.Context, d Deps) (*Service, error) {
	s := &Service{Deps: d, turns: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), uploads: semaphore.NewWeighted(maxUploads), bulk: semaphore.NewWeighted(maxBulkUnderWay)}
	s.features.reset()
	if err := d.DB.Read(ctx, s.features.load); err != nil {
		return nil, fmt.Errorf("load the features of datastreams: %w", err)
	}
	return s, nil
}

// root is the API's root as an absolute URL, as the request's client sees it. r may be nil where PublicURL is set.
func (s *Service) root(r *http.Request) string {
	if s.PublicURL != "" {
		return strings.TrimSuffix(s.PublicURL, "/") + Root
	}
	if r == nil {
		return s.Here + Root
	}
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" && s.trusted(r.RemoteAddr) {
		scheme = "https"
	}
	return scheme + "://" + r.Host + Root
}

func (s *Service) trusted(remote string) bool {
	from, err := netip.ParseAddrPort(remote)
	return err == nil && slices.ContainsFunc(s.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(from.Addr().Unmap()) })
}

// source is the name under which the readings of the actor of ctx are counted.
func (s *Service) source(ctx context.Context) string {
	if s.Source != nil {
		return s.Source(ctx)
	}
	return access.From(ctx).Source()
}

// stamp is the server's clock for a reading that says no time: strictly increasing, so that no two look like repeats.
func (s *Service) stamp() int64 {
	now := db.Micros(s.Clock.Now())
	for {
		last := s.lastTime.Load()
		if next := max(now, last+1); s.lastTime.CompareAndSwap(last, next) {
			return next
		}
	}
}

// mayChange decides whether the actor may change the catalogue. id is 0 for what is only now being made.
func (s *Service) mayChange(ctx context.Context, id int64) error {
	return s.Access.Decide(ctx, "datastream.register", access.Resource{Type: "datastream", ID: id}, access.Maintenance)
}

// maySend decides whether the actor may send readings at all; the log decides about each datastream.
func (s *Service) maySend(ctx context.Context) error {
	return s.Access.Decide(ctx, "reading.append", access.Resource{Type: "datastream", Source: s.source(ctx)}, access.Operations)
}
