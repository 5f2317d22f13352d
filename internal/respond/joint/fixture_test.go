package joint

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/joint/sitrep"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

var noon = time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)

// The agencies of these tests.
const (
	gas  = 40 // holds the case
	fire = 41 // takes part, as do 50 and 77
)

// city is the register, the readings and the alerts of these tests.
type city struct{}

func (city) Latest(_ context.Context, datastream int64) (lifecycle.Reading, error) {
	return lifecycle.Reading{Datastream: datastream, Asset: 7, Property: "gas/methane", Unit: "%LEL", Value: 12.5, At: noon}, nil
}

func (c city) Reading(ctx context.Context, datastream int64) (lifecycle.Reading, error) {
	if datastream == 99 {
		return lifecycle.Reading{}, web.Errorf(403, "sensing.home", "a sensor in a home")
	}
	return c.Latest(ctx, datastream)
}

func (city) Alert(_ context.Context, id int64) (lifecycle.Text, error) {
	if id > 5 {
		return lifecycle.Text{}, web.Errorf(404, "alert.unknown", "there is no alert %d", id)
	}
	return lifecycle.Words("Methane", "甲烷"), nil
}

func (city) Locate(_ context.Context, s inspect.Spot) (inspect.Spot, error) {
	s.Place, s.Area, s.Owner, s.Point = 20, 30, gas, &[2]float64{121.5, 31.2}
	return s, nil
}

// Above knows no organisation above another.
func (city) Above(organisation, other int64) bool { return organisation == other }

// Name knows organisations up to 900.
func (city) Name(_ context.Context, kind string, id int64) lifecycle.Text {
	if kind == "organisation" && (id < 1 || id > 900) {
		return lifecycle.Text{}
	}
	return lifecycle.Words(fmt.Sprintf("%s %d", kind, id), fmt.Sprintf("%d号%s", id, kind))
}

// world is a room under test, with one open case.
type world struct {
	*Service
	t     testing.TB
	clock *clock.Virtual
	id    int64 // of the case
}

func rooms() []db.Migrations {
	return []db.Migrations{ledger.Migrations(), outbox.Migrations(), timers.Migrations(), vault.Migrations(), inspect.Migrations(), respond.Migrations(), Migrations()}
}

func kinds(t testing.TB) []*lifecycle.Kind {
	t.Helper()
	var out []*lifecycle.Kind
	for _, name := range []string{"gas", "hazard"} {
		p, err := pack.Load(os.DirFS("../../../packs/"+name), "packs/"+name)
		if err != nil {
			t.Fatal(err)
		}
		ks, err := lifecycle.Kinds(p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, ks...)
	}
	return out
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, clock: clock.NewVirtual(noon)}
	policy, err := access.NewPolicy(nil) // an organisation's scope is what it owns and takes part in
	if err != nil {
		t.Fatal(err)
	}
	findings := inspect.New(inspect.Deps{DB: d, Clock: w.clock, Access: policy, Register: city{}})
	cases, err := respond.New(respond.Deps{
		DB: d, Clock: w.clock, Access: policy, Readings: city{}, Register: city{}, Findings: findings, Kinds: kinds(t),
		Calendars: map[string]lifecycle.WorkingDays{"cn": everyDay{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Service, err = New(Deps{Cases: cases, Facts: city{}, City: lifecycle.Words("Lanjing", "澜境市"), Zone: time.FixedZone("", 8*3600)})
	if err != nil {
		t.Fatal(err)
	}
	w.id = w.openCase()
	return w
}

// openCase opens a case about asset 7.
func (w *world) openCase() (id int64) {
	w.t.Helper()
	who := access.System("respond")
	spot, _ := city{}.Locate(context.Background(), inspect.Spot{Asset: 7})
	err := w.Cases.DB.Write(context.Background(), func(tx *db.Tx) error {
		c, _, err := w.Cases.Open(tx, who, respond.Opening{Kind: "gas-leak", Level: "red", Spot: spot},
			respond.Entry{Kind: "alert", Text: lifecycle.Words("Opened for the alert: Methane indoors", "根据告警立案：室内甲烷泄漏"), Data: map[string]any{"alert": 1, "level": "red"}}, w.now())
		if err != nil {
			return err
		}
		id = c.ID
		for _, party := range []int64{fire, 50, 77} {
			if err := w.Cases.Invite(tx, who, id, respond.Party{Organisation: party, Role: "assist", At: w.now()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) now() time.Time { return w.clock.Now().Truncate(time.Microsecond) }

// as is an officer of an organisation.
func as(organisation int64) context.Context {
	return access.With(context.Background(), access.Actor{
		Kind: access.KindAccount, ID: 100 + organisation, Name: fmt.Sprintf("officer-%d", organisation), Organisation: organisation, Roles: []string{"duty-officer", "operator"},
	})
}

// done wants a deed to have been done, a second after the one before.
func (w *world) done(r respond.Receipt, err error) respond.Receipt {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	return r
}

func (w *world) entries() (es []respond.Entry) {
	w.t.Helper()
	err := w.Cases.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		es, err = respond.Timeline(tx, w.id)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return es
}

func (w *world) room() *Page {
	w.t.Helper()
	p, err := w.Room(as(0), w.id, 0, 0, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	err := w.Cases.DB.Read(context.Background(), func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&n) })
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// agrees wants the tables to hold what the entries say.
func (w *world) agrees() {
	w.t.Helper()
	page, state := w.room(), sitrep.Replay(w.entries())
	if len(page.Marks) != len(state.Marks) || len(page.Decisions) != len(state.Decisions) || len(page.Objectives) != len(state.Objectives) ||
		len(page.Requests) != len(state.Requests) || len(page.Seats) != len(state.Seats) {
		w.t.Fatalf("tables hold %d marks, %d decisions, %d objectives, %d requests, %d seats; the entries give %d, %d, %d, %d, %d",
			len(page.Marks), len(page.Decisions), len(page.Objectives), len(page.Requests), len(page.Seats),
			len(state.Marks), len(state.Decisions), len(state.Objectives), len(state.Requests), len(state.Seats))
	}
	for i, m := range page.Marks {
		s := state.Marks[i]
		if m.ID != s.ID || m.Label != s.Label || m.Kind != s.Kind || m.Organisation != s.Organisation || fmt.Sprint(m.Shape.facts()) != fmt.Sprint(s.Shape) || !slices.Contains(s.Entries, m.Entry) {
			w.t.Fatalf("mark %+v, the entries say %+v", m, s)
		}
	}
	for i, d := range page.Decisions {
		s := state.Decisions[i]
		if d.ID != s.ID || d.What != s.What || d.Why != s.Why || d.Entry != s.Entry || d.SupersededBy != s.SupersededBy || d.From.Format(time.RFC3339) != s.From || d.Organisation != s.Organisation || d.Post != s.Post {
			w.t.Fatalf("decision %+v, the entries say %+v", d, s)
		}
	}
	for i, o := range page.Objectives {
		if s := state.Objectives[i]; o.ID != s.ID || o.Text != s.Words || o.State != s.State {
			w.t.Fatalf("objective %+v, the entries say %+v", o, s)
		}
	}
	for i, s := range page.Seats {
		if r := state.Seats[i]; s.Organisation != r.Organisation || s.Post != r.Post || (s.LeftAt == nil) != r.Left.IsZero() || !s.JoinedAt.Equal(r.Joined) {
			w.t.Fatalf("seat %+v, the entries say %+v", s, r)
		}
	}
	for i, q := range page.Requests {
		s := state.Requests[i]
		if q.ID != s.ID || q.What != s.What || float64(q.Quantity) != s.Quantity || q.Cancelled != s.Cancelled || len(q.Commitments) != len(s.Commitments) {
			w.t.Fatalf("request %+v, the entries say %+v", q, s)
		}
		for j, c := range q.Commitments {
			if r := s.Commitments[j]; c.ID != r.ID || c.State != r.State || float64(c.Quantity) != r.Quantity || c.Organisation != r.Organisation {
				w.t.Fatalf("commitment %+v, the entries say %+v", c, r)
			}
		}
	}
}

func pointAt(lon, lat float64) Shape {
	return Shape{"Point", fmt.Appendf(nil, "[%v,%v]", lon, lat)}
}

// everyDay counts every day as a working day.
type everyDay struct{}

func (everyDay) Add(t time.Time, days int) time.Time { return t.AddDate(0, 0, days) }
