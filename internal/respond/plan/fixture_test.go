package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

var noon = time.Date(2026, 7, 12, 4, 0, 0, 0, time.UTC)

// incidentKind is a case kind of these tests: opened by a person, closed by one.
var incidentKind = lifecycle.Kind{
	ID: CaseKind, Title: lifecycle.Words("Incident", "突发事件"), OpenedBy: lifecycle.Openers{"person"}, Pack: "test",
	States: []lifecycle.State{{ID: "open", Title: both("open")}, {ID: "closed", Title: both("closed"), End: "proven"}},
	Moves: []lifecycle.Move{
		{ID: "grade", Title: both("grade"), From: []string{"open"}, To: "open", Who: []string{"duty-officer"},
			Requires: []lifecycle.Requirement{{Field: "grade", Kind: "text", Title: both("grade")}}},
		{ID: "hazard", Title: both("hazard"), From: []string{"open"}, To: "open", Who: []string{"duty-officer"},
			Requires: []lifecycle.Requirement{{Field: "hazard", Kind: "choice", Title: both("hazard"), Options: []lifecycle.Option{{ID: "rainstorm", Title: lifecycle.Words("Flooding", "洪涝")}}}}},
		{ID: "close", Title: both("close"), From: []string{"open"}, To: "closed", Who: []string{"duty-officer"}},
	},
}

// town is the register of these tests: WATER is organisation 40, three towns are 51 to 53; whoever regulates is nobody, until
// police is set. Assets 1 to 9 stand at the places 11 to 19 in the area 30.
type town struct {
	mu     sync.Mutex
	police []int64
}

func (*town) Latest(context.Context, int64) (lifecycle.Reading, error) {
	return lifecycle.Reading{}, db.ErrNotFound
}

func (*town) Locate(_ context.Context, s inspect.Spot) (inspect.Spot, error) {
	if s.Asset > 9 {
		return s, fmt.Errorf("asset %d: %w", s.Asset, db.ErrNotFound)
	}
	if s.Asset != 0 {
		s.Place, s.Area, s.Owner = s.Asset+10, 30, 60
	}
	return s, nil
}

func (*town) Name(_ context.Context, kind string, id int64) lifecycle.Text {
	if id == 0 || id > 900 {
		return lifecycle.Text{}
	}
	return lifecycle.Words(fmt.Sprintf("%s %d", kind, id), fmt.Sprintf("%d 号%s", id, kind))
}

func (c *town) Find(_ context.Context, w Way, s inspect.Spot) ([]int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case w.Organisation == "WATER":
		return []int64{40}, nil
	case w.Kind == "town":
		return []int64{51, 52, 53}, nil
	case w.Kind == "police":
		return c.police, nil
	}
	return nil, nil
}

// Covers is the scope of this town: each organisation has its own, and 60 all that lies in the area 30.
func (*town) Covers(organisation, owner, area int64) bool {
	return owner != 0 && organisation == owner || organisation == 60 && area == 30
}

// Touches fulfils access.Scopes; nothing here touches several areas.
func (*town) Touches(int64, int64) bool { return false }

func (*town) Above(a, b int64) bool { return a == b }

func (*town) Pack(_ context.Context, asset int64) string {
	if asset == 0 {
		return ""
	}
	return "flood"
}

// world is the room under test.
type world struct {
	*Service
	t     testing.TB
	clock *clock.Virtual
	city  *town
	event int64
	heard []bus.Message
}

func rooms() []db.Migrations {
	return []db.Migrations{ledger.Migrations(), outbox.Migrations(), timers.Migrations(), vault.Migrations(), inspect.Migrations(), respond.Migrations(), Migrations()}
}

func newWorld(t testing.TB, d *db.DB, plans ...*Plan) *world {
	t.Helper()
	if plans == nil {
		plans = []*Plan{storm()}
	}
	w := &world{t: t, clock: clock.NewVirtual(noon), city: &town{}}
	policy, err := access.NewPolicy(w.city)
	if err != nil {
		t.Fatal(err)
	}
	kind := incidentKind
	other := incidentKind
	other.ID = "other"
	cases, err := respond.New(respond.Deps{
		DB: d, Clock: w.clock, Access: policy, Readings: w.city, Register: w.city, Kinds: []*lifecycle.Kind{&kind, &other},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Service, err = New(Deps{DB: d, Clock: w.clock, Access: policy, Cases: cases, Register: w.city, Plans: plans})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// setClock sets the time of the room and of its cases.
func (w *world) setClock(at time.Time) {
	w.clock = clock.NewVirtual(at)
	w.Clock, w.Cases.Clock = w.clock, w.clock
}

func officer(id int64) context.Context {
	return access.With(context.Background(), access.Actor{Kind: access.KindAccount, ID: id, Name: fmt.Sprintf("officer %d", id), Roles: []string{"duty-officer"}})
}

// of is a duty officer of an organisation.
func of(organisation int64) context.Context {
	return access.With(context.Background(), access.Actor{
		Kind: access.KindAccount, ID: 100 + organisation, Name: "officer", Organisation: organisation, Roles: []string{"duty-officer"},
	})
}

// hear tells the room of an event of another.
func (w *world) hear(subject string, e any) {
	w.t.Helper()
	body, err := json.Marshal(e)
	if err != nil {
		w.t.Fatal(err)
	}
	w.event++
	w.heard = append(w.heard, bus.Message{ID: w.event, Subject: subject, Data: body})
	w.again(1)
}

// again lets the last n events come, in order, as they do once more after a crash.
func (w *world) again(n int) {
	w.t.Helper()
	for _, m := range w.heard[max(0, len(w.heard)-n):] {
		if err := w.Hear(access.With(context.Background(), access.System("plan")), m); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) alert(subject string, id, asset int64, detector, level string) {
	w.t.Helper()
	w.hear(subject, events.AlertFacts{
		Alert: id, Detector: "flood/" + detector, Kind: "hazard", Level: level, Asset: asset, Datastreams: []int64{asset * 10}, Since: w.clock.Now(),
		Title: events.AlertText{EN: detector, ZH: detector}, Because: events.AlertText{EN: "high", ZH: "偏高"}, At: w.clock.Now(),
	})
}

func (w *world) warning(subject string, id int64, status, level string) {
	w.t.Helper()
	w.hear(subject, events.Warning{Warning: id, Number: fmt.Sprintf("W%d", id), Status: status, Level: level, Hazard: "rainstorm", Areas: []int64{30}, At: w.clock.Now()})
}

// open are the open proposals as "what level".
func (w *world) open() string {
	w.t.Helper()
	ps, _, err := w.Proposals(officer(1), true, 0, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, p := range ps {
		out = append(out, strings.TrimSpace(p.What+" "+p.Level))
	}
	return strings.Join(out, ", ")
}

// proposal is the one open proposal.
func (w *world) proposal() ProposalView {
	w.t.Helper()
	ps, _, err := w.Proposals(officer(1), true, 0, 100)
	if err != nil || len(ps) != 1 {
		w.t.Fatalf("%d open proposals, %v", len(ps), err)
	}
	return ps[0]
}

func (w *world) mustOpen(r OpenRequest) (id int64) {
	w.t.Helper()
	if r.Why == "" {
		r.Why = "it rains"
	}
	done, err := w.Open(officer(1), "storm", r, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return done.Item
}

func (w *world) board(id int64) *Board {
	w.t.Helper()
	b, err := w.Board(officer(1), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// out is what a board's open tasks are, sorted: "warn@51".
func out(b *Board) string {
	var names []string
	for _, a := range b.Agencies {
		for _, t := range a.Tasks {
			if t.State == "waiting" || t.State == "acknowledged" {
				names = append(names, fmt.Sprintf("%s@%d", t.Name, t.Organisation))
			}
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// finish says that the tasks of a response are done: all open ones, or only those of some names.
func (w *world) finish(id int64, names ...string) {
	w.t.Helper()
	b := w.board(id)
	for _, a := range b.Agencies {
		for _, t := range a.Tasks {
			if (t.State == "waiting" || t.State == "acknowledged") && (names == nil || slices.Contains(names, t.Name)) {
				if _, err := w.Cases.FinishTask(officer(2), b.Case, t.ID, "", ""); err != nil {
					w.t.Fatal(err)
				}
			}
		}
	}
}

func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	err := w.DB.Read(context.Background(), func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&n) })
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// refused wants an error of that code at that field.
func refused(t testing.TB, err error, code, field string) {
	t.Helper()
	var e *web.Error
	if !errors.As(err, &e) || e.Code != code || e.Field != field {
		t.Errorf("%v, want %s at %q", err, code, field)
	}
}
