package warn

import (
	"context"
	"net/http"
	"testing"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
	"github.com/anlan-city/anlan/internal/warn/public"
	"github.com/anlan-city/anlan/internal/warn/warntest"
)

var (
	start, east8  = warntest.Start, warntest.East8
	first, second = warntest.First, warntest.Second
	as, code      = warntest.As, warntest.Code
	fieldOf       = warntest.Field

	allMigrations = []db.Migrations{ledger.Migrations(), outbox.Migrations(), Migrations()}
)

// desk is the room with the pages on which the public reads what it publishes.
type desk struct {
	*Service
	public *public.Service
}

// Decide asks whom the room asks, so that a test that refuses there refuses the pages too.
func (s *desk) Decide(ctx context.Context, action string, r access.Resource, p access.Purpose) error {
	return s.access.Decide(ctx, action, r, p)
}

func newService(t testing.TB, d *db.DB) (*desk, *clock.Virtual) {
	t.Helper()
	c := clock.NewVirtual(start)
	s := &desk{}
	book := warntest.Shipped(t)
	var err error
	s.Service, err = New(Deps{DB: d, Clock: c, Access: access.AllowAll, Hazards: book, Areas: area.New(area.Deps{Access: access.AllowAll, Register: warntest.Town{}, Hazards: book}),
		Changed: func(tx *db.Tx) { s.public.Changed(tx) },
		Options: Options{BaseURL: "https://city.example", Sender: "duty@city.example", TimeZone: east8, IdentifierPrefix: "urn:oid:2.49.0.1.156.0."}})
	if err != nil {
		t.Fatal(err)
	}
	if s.public, err = public.New(public.Deps{Clock: c, Access: s, Warnings: s, Areas: warntest.Town{}, Site: warntest.Site()}); err != nil {
		t.Fatal(err)
	}
	return s, c
}

func hazardOf(t testing.TB, s *desk, id string) Hazard {
	t.Helper()
	h, ok := s.hazards.Get(id)
	if !ok {
		t.Fatalf("no hazard %s", id)
	}
	return h
}

func (s *desk) handler() http.Handler { return warntest.Handler(s.Service, s.public) }

func call(t *testing.T, s *desk, a access.Actor, method, path, body string, status int, out any) {
	t.Helper()
	warntest.Call(t, s.handler(), a, method, path, body, status, out)
}

func fetch(t testing.TB, s *desk, path string, h http.Header) *http.Response {
	t.Helper()
	return warntest.Fetch(t, s.handler(), path, h)
}

func get(t testing.TB, s *desk, path string) string {
	t.Helper()
	return warntest.Get(t, s.handler(), path)
}

func document(t testing.TB, s *desk, path string) *cap.Alert {
	t.Helper()
	return warntest.Document(t, s.handler(), path)
}
