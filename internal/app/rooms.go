package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/anlan-city/anlan/console"
	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/reports"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/respond/plan"
	"github.com/anlan-city/anlan/internal/warn/public"
	"github.com/anlan-city/anlan/internal/warn/skill"
)

// LedgerKeyFile is the file of the data folder with the ledger's public key.
const LedgerKeyFile = "ledger.pub"

// WarningsKeyFile is the file of the data folder with the key and certificate that sign warnings.
const WarningsKeyFile = "warnings.pem"

// buildRooms makes the rooms in the order of the house and starts what runs in the background.
func (a *App) buildRooms(ctx context.Context) (err error) {
	file := func(name string) string { return filepath.Join(a.options.Data, name) }
	known := register{a}
	a.ledger, err = ledger.New(ctx, ledger.Deps{
		DB: a.db, Clock: a.clock, KeyFile: file("ledger.key"), Origin: a.options.Origin,
		MayRead: func(ctx context.Context) error {
			return a.access.Decide(ctx, "ledger.read", access.Resource{Type: "ledger"}, access.Administration)
		},
	})
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if err := os.WriteFile(file(LedgerKeyFile), []byte(a.ledger.VerifierKey()+"\n"), 0o644); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if err := a.recordPacks(ctx); err != nil {
		return fmt.Errorf("packs: %w", err)
	}
	a.access, err = access.New(ctx, access.Deps{
		DB: a.db, Clock: a.clock, People: a.people, Scopes: known, DataDir: a.options.Data, About: a.about, Revoked: a.revoked,
		Secure: strings.HasPrefix(a.options.PublicURL, "https://"), TrustedProxies: a.options.TrustedProxies,
		Site: page.Site{Name: page.Text{English: "Anlan", Chinese: "安澜"}},
	})
	if err != nil {
		return fmt.Errorf("access: %w", err)
	}
	a.vault, err = vault.New(ctx, vault.Deps{DB: a.db, Clock: a.clock, Access: a.access, KeyFile: file("vault.key")})
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	a.city = city.New(city.Deps{DB: a.db, Clock: a.clock, Access: a.access, Kinds: a.packs, Decorations: states{a}})
	if err := a.city.Load(ctx); err != nil {
		return err
	}
	if err := a.nameDemoCity(ctx); err != nil { // before the rooms that put the name on their pages
		return fmt.Errorf("demo city: %w", err)
	}
	site, err := a.site(ctx)
	if err != nil {
		return err
	}
	if err := a.buildSensing(ctx); err != nil {
		return err
	}
	if a.coverage, err = a.newCoverage(ctx, a.packs.declared); err != nil {
		return err
	}
	a.reports, err = reports.New(reports.Deps{DB: a.db, Clock: a.clock, Access: a.access, Locator: locator{known}, Bus: a.bus, Site: site, Client: access.Client})
	if err != nil {
		return fmt.Errorf("reports: %w", err)
	}
	a.inspect = inspect.New(inspect.Deps{DB: a.db, Clock: a.clock, Access: a.access, Register: known})
	a.detect, err = detect.New(detect.Deps{
		DB: a.db, Clock: a.clock, Access: a.access, Log: a.sensing, Register: known, Readings: a.sensing, News: a.bus,
		Works: works{a.coverage}, Names: known, Models: models{a}, Network: a.city, Surroundings: surroundings{known},
		Detectors: a.packs.detectors,
	})
	if err != nil {
		return err
	}
	a.models = a.newModels()
	if err := a.buildReach(site.TimeZone); err != nil {
		return fmt.Errorf("recipients of warnings: %w", err)
	}
	a.partners = a.newPartners()
	if err := a.buildWarnings(site); err != nil {
		return err
	}
	a.skill, err = skill.New(skill.Deps{DB: a.db, Clock: a.clock, Access: a.access, Warnings: a.warn, Find: a.findEvidence, Site: site})
	if err != nil {
		return fmt.Errorf("skill of warnings: %w", err)
	}
	a.respond, err = respond.New(respond.Deps{
		DB: a.db, Clock: a.clock, Access: a.access, Readings: known, Register: known, Findings: a.inspect, News: a.bus, Kinds: a.packs.cases,
		Vault: a.vault, Calendars: a.packs.workingDays(site.TimeZone), Town: a.city.Town,
		Category: categoryTitle(a.reports.Categories()),
	})
	if err != nil {
		return err
	}
	a.limits = deadlines(a.db, a.clock, a.access, known, a.packs, a.reports.Categories())
	set, err := a.site(ctx)
	if err != nil {
		return err
	}
	a.plan, err = plan.New(plan.Deps{
		DB: a.db, Clock: a.clock, Access: a.access, Cases: a.respond, Register: known, News: a.bus, Plans: a.packs.plans,
		Adviser: a.drainage(known), City: lifecycle.Words(set.Name.English, set.Name.Chinese),
	})
	if err != nil {
		return err
	}
	if a.joint, err = a.newJoint(ctx); err != nil {
		return fmt.Errorf("joint room: %w", err)
	}
	a.lessons = a.newLessons()
	if err := a.buildNotices(); err != nil {
		return err
	}
	if a.watch, err = a.newWatch(ctx); err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	loop := timers.New(a.db, a.clock, appointments(a.respond.Timers(), a.notify.Timers(), a.watch.Timers()))
	loop.OnBack(a.respond.Renew, a.notify.Renew)
	for _, b := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"ledger sequencer", a.ledger.Run}, {"sessions", a.access.Run}, {"vault", a.vault.Run}, {"register", a.city.Run},
		{"sealer", a.sensing.Run}, {"reports", a.reports.Run}, {"detectors", a.detect.Run}, {"outside models", a.models.Run},
		{"changes of the register", a.hearOfRegister}, {"coverage", a.coverage.Run}, {"warnings", a.warn.Run}, {"public warnings", a.public.Run}, {"suggestions of warnings", a.warn.Listen},
		{"warning partners", a.partners.Run}, {"cases", a.respond.Run},
		{"plans", a.plan.Run}, {"lessons", a.lessons.Run}, {"notices", a.notify.Run}, {"deliveries", a.delivery.Run},
		{"watch", a.watch.Run},
		{"timers", loop.Run},
	} {
		a.life.background(b.name, b.run)
	}
	return nil
}

// appointments are those of all rooms; no two have the same owner.
func appointments(rooms ...map[string]timers.Fire) map[string]timers.Fire {
	all := map[string]timers.Fire{}
	for _, r := range rooms {
		maps.Copy(all, r)
	}
	return all
}

// hearOfRegister has the detectors look anew where things stand once the register has changed.
func (a *App) hearOfRegister(ctx context.Context) error {
	return a.bus.Consume(ctx, "register-changes", []string{events.RegisterImported{}.Subject()}, func(ctx context.Context, _ bus.Message) error {
		// The event may be here before the picture in memory is.
		if err := a.city.Load(ctx); err != nil {
			return err
		}
		a.detect.Refresh()
		a.coverage.Refresh()
		return nil
	})
}

// site is how the public pages name the city.
func (a *App) site(ctx context.Context) (page.Site, error) {
	set, err := a.city.Settings(access.With(ctx, access.System("site")))
	if err != nil {
		return page.Site{}, err
	}
	zone, err := time.LoadLocation(set.TimeZone)
	if err != nil {
		return page.Site{}, fmt.Errorf("time zone of the city: %w", err)
	}
	return page.Site{
		Name: text(set.Name), TimeZone: zone, Feeds: public.Feeds(),
		Nav: []page.Link{
			{Path: "/warnings", Title: page.Text{English: "Warnings", Chinese: "预警信息"}},
			{Path: "/report", Title: page.Text{English: "Report a problem", Chinese: "我要反映"}},
		},
	}, nil
}

// about tells the console which city this is.
func (a *App) about(ctx context.Context, organisation int64) access.About {
	out := access.About{Version: a.options.Version}
	set, err := a.city.Settings(access.With(ctx, access.System("session")))
	if err != nil {
		slog.WarnContext(ctx, "the city's settings are not known", "err", err)
		return out
	}
	out.City = access.CityInfo{Name: access.Words{English: set.Name.In("en"), Chinese: set.Name.In("zh-CN")}, TimeZone: set.TimeZone}
	if set.Bounds != nil {
		out.City.Bounds = *set.Bounds
	}
	if organisation != 0 {
		out.OrganisationName = a.city.OrganisationName(organisation).In("zh-CN")
	}
	return out
}

// routes collects the routes of all rooms.
func (a *App) routes(metrics *prometheus.Registry) *web.Router {
	r := web.NewRouter(a.options.Version)
	page.Routes(r)
	a.access.Routes(r)
	a.ledger.Routes(r)
	a.city.Routes(r)
	a.sensingRoutes(r)
	a.coverage.Routes(r)
	a.reports.Routes(r)
	a.inspect.Routes(r)
	a.calendarRoutes(r)
	a.postRoutes(r)
	a.detect.Routes(r)
	a.models.Routes(r)
	a.warn.Routes(r)
	a.area.Routes(r)
	a.public.Routes(r)
	a.reach.Routes(r)
	a.skill.Routes(r)
	a.partners.Routes(r)
	a.respond.Routes(r)
	a.limits.Routes(r)
	a.plan.Routes(r)
	a.joint.Routes(r)
	a.lessons.Routes(r)
	a.notify.Routes(r)
	a.watch.Routes(r)
	a.watchRoutes(r)
	a.demoRoutes(r)
	a.paceRoutes(r)
	r.HandleFunc("GET /api/v1/live", a.live)

	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), a.sensing, a.mqtt, a.coverage, a.detect, a.models, a.partners, flow{a})
	r.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	r.Handle("GET /console/", console.Handler())
	r.HandleFunc("GET /{$}", func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, "/console/", http.StatusSeeOther)
	})
	return r
}
