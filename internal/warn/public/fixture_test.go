package public_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/hazard"
	"github.com/anlan-city/anlan/internal/warn/public"
	"github.com/anlan-city/anlan/internal/warn/warntest"
)

var (
	start         = warntest.Start
	first, second = warntest.First, warntest.Second
	as            = warntest.As

	allMigrations = []db.Migrations{ledger.Migrations(), outbox.Migrations(), warn.Migrations()}
)

// city is the room of warnings, where officers publish, with the pages on which the public reads it.
type city struct {
	*warn.Service
	pages    *public.Service
	access   access.Decider // whom the pages ask
	register area.Register
	away     bool // the register can't be read by the pages
}

func (s *city) Decide(ctx context.Context, action string, r access.Resource, p access.Purpose) error {
	return s.access.Decide(ctx, action, r, p)
}

func (s *city) Areas(ctx context.Context) ([]area.Area, error) {
	if s.away {
		return nil, errors.New("the register is away")
	}
	return s.register.Areas(ctx)
}

func (s *city) Geometry(ctx context.Context, id int64) ([][][2]float64, error) {
	return s.register.Geometry(ctx, id)
}

func newService(t testing.TB, d *db.DB) (*city, *clock.Virtual) {
	t.Helper()
	return newCity(t, d, nil, nil)
}

func newCity(t testing.TB, d *db.DB, g public.Gazetteer, set func(*warn.Options)) (*city, *clock.Virtual) {
	t.Helper()
	c := clock.NewVirtual(start)
	return newCityAt(t, d, c, warntest.Town{}, g, nil, set), c
}

func newCityAt(t testing.TB, d *db.DB, c clock.Clock, r area.Register, g public.Gazetteer, relays public.Relays, set func(*warn.Options)) *city {
	t.Helper()
	s := &city{access: access.AllowAll, register: r}
	book := warntest.Shipped(t)
	o := warn.Options{BaseURL: "https://city.example", Sender: "duty@city.example", TimeZone: warntest.East8, IdentifierPrefix: "urn:oid:2.49.0.1.156.0."}
	if set != nil {
		set(&o)
	}
	var err error
	s.Service, err = warn.New(warn.Deps{DB: d, Clock: c, Access: access.AllowAll, Hazards: book, Options: o,
		Areas: area.New(area.Deps{Access: access.AllowAll, Register: r, Hazards: book}), Changed: func(tx *db.Tx) { s.pages.Changed(tx) }})
	if err != nil {
		t.Fatal(err)
	}
	s.pages, err = public.New(public.Deps{Clock: c, Access: s, Warnings: s.Service, Areas: s, Gazetteer: g, Relays: relays, Site: warntest.Site()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *city) handler() http.Handler { return warntest.Handler(s.Service, s.pages) }

func fetch(t testing.TB, s *city, path string, h http.Header) *http.Response {
	t.Helper()
	return warntest.Fetch(t, s.handler(), path, h)
}

func get(t testing.TB, s *city, path string) string {
	t.Helper()
	return warntest.Get(t, s.handler(), path)
}

func gasLeak() warn.Proposal {
	return warn.Proposal{
		Level: hazard.Orange, Hazard: "gas-leak", Areas: []int64{10},
		Headline:    page.Text{English: "Gas leak near the old harbour", Chinese: "老港区附近发生燃气泄漏"},
		Description: page.Text{English: "A main has broken on Quay Road.", Chinese: "码头路一处燃气主管破裂。"},
		Expires:     start.Add(6 * time.Hour),
	}
}

// issue proposes as the first and approves as the second officer.
func issue(t testing.TB, s *city, p warn.Proposal) warn.Warning {
	t.Helper()
	w, err := s.Propose(as(first), p)
	if err != nil {
		t.Fatal(err)
	}
	if w, err = s.Approve(as(second), w.ID, w.Version); err != nil {
		t.Fatal(err)
	}
	return w
}
