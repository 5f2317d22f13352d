package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/detect/outside"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/reports"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/deadline"
	"github.com/anlan-city/anlan/internal/respond/joint"
	"github.com/anlan-city/anlan/internal/respond/joint/lesson"
	"github.com/anlan-city/anlan/internal/respond/notify"
	"github.com/anlan-city/anlan/internal/respond/plan"
	"github.com/anlan-city/anlan/internal/respond/watch"
	"github.com/anlan-city/anlan/internal/sensing"
	"github.com/anlan-city/anlan/internal/sensing/coverage"
	"github.com/anlan-city/anlan/internal/sensing/intake"
	"github.com/anlan-city/anlan/internal/sensing/mqtt"
	"github.com/anlan-city/anlan/internal/sensing/sta"
	"github.com/anlan-city/anlan/internal/warn"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/partner"
	"github.com/anlan-city/anlan/internal/warn/public"
	"github.com/anlan-city/anlan/internal/warn/reach"
	"github.com/anlan-city/anlan/internal/warn/skill"
)

// App is the whole product.
type App struct {
	options Options
	clock   clock.Clock
	people  clock.Clock  // by which people live, where a demo or a drill has a time of its own
	pace    *clock.Paced // that time; nil in a city
	pacing  sync.Mutex   // one change of pace at a time
	life    *life
	closing chan struct{} // closed when the stop begins, for streams that would not end by themselves
	stopped sync.Once
	stopErr error

	// The rooms, in the order in which they are built.
	db       *db.DB
	bus      *bus.Bus
	relay    *outbox.Relay
	packs    packs
	ledger   *ledger.Service
	access   *access.Service
	vault    *vault.Service
	city     *city.Service
	sensing  *sensing.Service
	sta      *sta.Service
	mqtt     *mqtt.Edge
	intake   *intake.Service
	coverage *coverage.Service
	reports  *reports.Service
	inspect  *inspect.Service
	detect   *detect.Service
	models   *outside.Service
	area     *area.Service
	warn     *warn.Service
	public   *public.Service
	reach    *reach.Service
	skill    *skill.Service
	partners *partner.Service
	respond  *respond.Service
	limits   *deadline.Service
	plan     *plan.Service
	joint    *joint.Service
	lessons  *lesson.Service
	notify   *notify.Service
	delivery *delivery.Runner
	push     *delivery.WebPush
	watch    *watch.Service
	demo     *demo // nil outside the demo

	listener net.Listener
	setup    string // path of the link for the first administrator, if there is none yet
}

// New checks the options. Nothing is opened before Start.
func New(o Options) (*App, error) {
	if _, _, err := net.SplitHostPort(o.Listen); err != nil {
		return nil, fmt.Errorf("listen %q: expected host:port", o.Listen)
	}
	if o.Demo != nil && (o.Demo.Speed <= 0 || o.Demo.Speed > MaxSpeed) {
		return nil, fmt.Errorf("speed %g: expected more than 0 and at most %d", o.Demo.Speed, MaxSpeed)
	}
	switch d := o.Drill; {
	case d.From.IsZero():
	case o.Demo != nil:
		return nil, errors.New("drill-from: a demo has a clock of its own; use anlan serve")
	case !(d.Speed >= 0 && d.Speed <= MaxSpeed):
		return nil, fmt.Errorf("drill-speed %g: expected 0 to %d", d.Speed, MaxSpeed)
	}
	if err := o.checkOpen(); err != nil {
		return nil, err
	}
	a := &App{options: o, clock: o.Clock, life: newLife(), closing: make(chan struct{})}
	if a.clock == nil {
		a.clock = clock.System()
	}
	a.people = a.clock
	return a, nil
}

// Start brings everything up and returns when it serves. If it fails, what was started is stopped again.
func (a *App) Start(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop())
		}
	}()
	for _, step := range []func(context.Context) error{
		a.claimData, a.setClock, a.loadPacks, a.openStore, a.startBus, a.buildRooms, a.openMQTT, a.listen, a.startDemo,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Stop takes everything down, last started first. It may be called twice, and after a failed Start.
func (a *App) Stop() error {
	a.stopped.Do(func() {
		close(a.closing)
		a.stopErr = a.life.stop()
	})
	return a.stopErr
}

// Failed receives the first failure of something that should have run until Stop.
func (a *App) Failed() <-chan error { return a.life.failed }

// URL is where the server listens.
func (a *App) URL() string { return "http://" + a.listener.Addr().String() }

// claimData makes the data folder and sees to it that no other server uses it.
func (a *App) claimData(context.Context) error {
	dir := a.options.Data
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "anlan.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("data folder %s can't be written: %w", dir, err)
	}
	if err := lockFile(lock); err != nil {
		lock.Close()
		return fmt.Errorf("data folder %s is in use by another Anlan server", dir)
	}
	// Who looks for the server's process finds it here.
	if err := errors.Join(lock.Truncate(0), writeString(lock, strconv.Itoa(os.Getpid())+"\n")); err != nil {
		return fmt.Errorf("data folder %s can't be written: %w", dir, err)
	}
	a.life.onStop("data folder", func(context.Context) error { return lock.Close() })
	return nil
}

func writeString(f *os.File, s string) error {
	_, err := f.WriteString(s)
	return err
}

func (a *App) openStore(ctx context.Context) error {
	url := a.options.Database
	if url == "" {
		url = "sqlite:" + filepath.Join(a.options.Data, "anlan.db")
	}
	var err error
	if a.db, err = db.Open(ctx, db.Options{URL: url, NoSync: a.options.UnsafeNoSync}); err != nil {
		return err
	}
	a.life.onStop("database", func(context.Context) error { return a.db.Close() })
	a.life.background("database writer", func(ctx context.Context) error {
		select {
		case err := <-a.db.Lost():
			return err
		case <-ctx.Done():
			return nil
		}
	})
	return a.db.Migrate(ctx, Migrations()...)
}

// Migrations are the tables of all rooms, in the order of the house.
func Migrations() []db.Migrations {
	return []db.Migrations{
		outbox.Migrations(), timers.Migrations(), delivery.Migrations(), ledger.Migrations(), access.Migrations(), vault.Migrations(), city.Migrations(), sensing.Migrations(), sta.Migrations(), mqtt.Migrations(), coverage.Migrations(),
		reports.Migrations(), inspect.Migrations(), detect.Migrations(), outside.Migrations(), warn.Migrations(), reach.Migrations(), skill.Migrations(), partner.Migrations(),
		respond.Migrations(), deadline.Migrations(), plan.Migrations(), joint.Migrations(), lesson.Migrations(), notify.Migrations(), watch.Migrations(),
	}
}

func (a *App) startBus(ctx context.Context) error {
	var err error
	a.bus, err = bus.Start(ctx, bus.Options{
		URL: a.options.Bus, Dir: filepath.Join(a.options.Data, "bus"), NoSync: a.options.UnsafeNoSync,
	})
	if err != nil {
		return err
	}
	a.life.onStop("bus", func(context.Context) error { a.bus.Stop(); return nil })
	a.relay = outbox.NewRelay(a.db, a.bus, a.clock)
	if err := a.relay.Align(ctx); err != nil { // before anything can put an event
		return err
	}
	a.life.background("event relay", a.relay.Run)
	return nil
}

// listen serves all routes.
func (a *App) listen(ctx context.Context) error {
	l, err := net.Listen("tcp", a.options.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen on %s: another program has the port; stop it or choose another with --listen", a.options.Listen)
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", a.options.Listen, err)
	}
	a.listener = l
	if a.setup, err = a.access.SetupLink(ctx); err != nil {
		return err
	}
	metrics := prometheus.NewRegistry()
	srv := a.routes(metrics).Server(a.access.Authenticate)
	a.life.onStop("HTTP server", func(ctx context.Context) error {
		if err := srv.Shutdown(ctx); err != nil {
			return srv.Close()
		}
		return nil
	})
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			select {
			case a.life.failed <- fmt.Errorf("HTTP server: %w", err):
			default:
			}
		}
	}()
	return nil
}

// publicURL is the server's address as others see it.
func (a *App) publicURL() string {
	if a.options.PublicURL != "" {
		return a.options.PublicURL
	}
	u := url.URL{Scheme: "http", Host: a.options.Listen}
	return u.String()
}

// Greeting is what a person should know once the server stands.
func (a *App) Greeting() string {
	text := fmt.Sprintf("Anlan %s listens on %s", a.options.Version, a.URL())
	if !a.options.Drill.From.IsZero() {
		text += fmt.Sprintf("\nThis is a drill: it is %s, and time runs %g times as fast as life. Slow it down with anlan pace.", a.clock.Now().Format(time.RFC3339), a.pace.Speed())
	}
	if a.demo != nil {
		text += "\nThis is a demo with a simulated city. Anyone on this machine can sign in as a demo duty officer:\n  " + a.URL() + "/console/"
	} else if a.setup != "" {
		text += "\nThere is no administrator yet. Make the first one with this link, which works once and for a day:\n  " + a.URL() + a.setup
	}
	return text
}
