package watch

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// incidentKind is a small incident for these tests; the real one stands in a pack.
func incidentKind() *lifecycle.Kind {
	who := []string{"duty-officer"}
	grade := lifecycle.Requirement{Field: "grade", Kind: "choice", Title: lifecycle.Words("Grade", "等级")}
	for _, g := range grades {
		grade.Options = append(grade.Options, lifecycle.Option{ID: g, Title: lifecycle.Words(g, g)})
	}
	return &lifecycle.Kind{
		ID: IncidentKind, Title: lifecycle.Words("Emergency incident", "突发事件"), OpenedBy: lifecycle.Openers{"person"}, Pack: "test",
		States: []lifecycle.State{
			{ID: "open", Title: lifecycle.Words("Being handled", "处置中"), Due: lifecycle.Term{Span: 24 * time.Hour}},
			{ID: "closed", Title: lifecycle.Words("Closed", "已办结"), End: "proven"},
			{ID: "nothing", Title: lifecycle.Words("Nothing there", "情况不实"), End: "unfounded"},
		},
		Moves: []lifecycle.Move{
			{ID: "grade", Title: lifecycle.Words("Grade", "定级"), From: []string{"open"}, To: "open", Who: who, Requires: []lifecycle.Requirement{grade}},
			{ID: "close", Title: lifecycle.Words("Close", "办结"), From: []string{"open"}, To: "closed", Who: who},
			{ID: "dismiss", Title: lifecycle.Words("Dismiss", "情况不实"), From: []string{"open"}, To: "nothing", Who: who},
		},
	}
}

// city is the register of these tests, and the rooms before the watch.
type city struct {
	mu    sync.Mutex
	items []Item // guarded by mu: what is open in other rooms
}

func (*city) Locate(_ context.Context, s inspect.Spot) (inspect.Spot, error) {
	if s.Asset > 900 {
		return s, db.ErrNotFound
	}
	s.Place, s.Area, s.Owner = 20, 30, 40
	return s, nil
}

func (*city) Name(_ context.Context, kind string, id int64) lifecycle.Text {
	if id <= 0 || id > 900 {
		return lifecycle.Text{}
	}
	return lifecycle.Words(fmt.Sprintf("%s %d", kind, id), fmt.Sprintf("%d号%s", id, map[string]string{"organisation": "单位", "asset": "设施", "area": "网格"}[kind]))
}

// postTitles are those of a pack that names one post.
func postTitles(post string) lifecycle.Text {
	if post == "gas-crew" {
		return lifecycle.Words("Gas repair crew", "燃气抢修队")
	}
	return lifecycle.Verbatim(post)
}

func (*city) Posts(context.Context) ([]RegisterPost, error) {
	return []RegisterPost{{40, "gas-crew"}, {40, "duty-office"}, {41, ""}}, nil
}

func (*city) District(context.Context) (func(int64) (int64, Text), error) {
	return func(area int64) (int64, Text) {
		if area == 0 {
			return 0, Text{}
		}
		return 3, Text{En: "Harbour", Zh: "港湾区"}
	}, nil
}

func (c *city) Open(context.Context) ([]Item, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Item(nil), c.items...), nil
}

func (*city) Figures(_ context.Context, s respond.Span) ([]Figure, error) {
	w := Item{Kind: ItemWarning, ID: 21, Level: "yellow", Title: Text{En: "Rainstorm", Zh: "暴雨"}, State: Text{En: "in force", Zh: "生效中"}, Since: &s.From, DueAt: &s.To}
	return []Figure{{Group: GroupWarnings, Line: "yellow", Title: Text{En: "Yellow", Zh: "黄色"}, Column: "active", N: 1, Rows: []Item{w}}}, nil
}

func (c *city) raise(i Item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items = append(c.items, i)
}

func (c *city) change(kind string, id int64, how func(*Item)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := range c.items {
		if i := &c.items[n]; i.Kind == kind && i.ID == id {
			how(i)
		}
	}
}

func (c *city) clear(kind string, id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var left []Item
	for _, i := range c.items {
		if i.Kind != kind || i.ID != id {
			left = append(left, i)
		}
	}
	c.items = left
}

type noReadings struct{}

func (noReadings) Latest(context.Context, int64) (lifecycle.Reading, error) {
	return lifecycle.Reading{}, db.ErrNotFound
}

// world is a watch under test.
type world struct {
	*Service
	t     testing.TB
	clock *clock.Virtual
	city  *city
	cases *respond.Service
	vault *vault.Service
	loop  *timers.Loop
	heard int64
}

func tables() []db.Migrations {
	return []db.Migrations{outbox.Migrations(), timers.Migrations(), ledger.Migrations(), vault.Migrations(), inspect.Migrations(), respond.Migrations(), Migrations()}
}

func newWorld(t testing.TB, d *db.DB, kinds ...*lifecycle.Kind) *world {
	t.Helper()
	if kinds == nil {
		kinds = []*lifecycle.Kind{incidentKind()}
	}
	policy, err := access.NewPolicy(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: clock.NewVirtual(start), city: &city{}}
	findings := inspect.New(inspect.Deps{DB: d, Clock: w.clock, Access: policy, Register: w.city})
	w.cases, err = respond.New(respond.Deps{DB: d, Clock: w.clock, Access: policy, Readings: noReadings{}, Register: w.city, Findings: findings, Kinds: kinds})
	if err != nil {
		t.Fatal(err)
	}
	w.vault, err = vault.New(t.Context(), vault.Deps{DB: d, Clock: w.clock, Access: policy, KeyFile: filepath.Join(t.TempDir(), "vault.key")})
	if err != nil {
		t.Fatal(err)
	}
	w.Service, err = New(Deps{DB: d, Clock: w.clock, Access: policy, Cases: w.cases, Register: w.city, Elsewhere: w.city, Vault: w.vault,
		Upward: []*Rules{shipped(t)}, City: Text{En: "Langang", Zh: "澜港市"}, Zone: time.FixedZone("CST", 8*3600), Posts: postTitles})
	if err != nil {
		t.Fatal(err)
	}
	all := w.Timers()
	for owner, fire := range w.cases.Timers() {
		all[owner] = fire
	}
	w.loop = timers.New(d, w.clock, all)
	return w
}

// each runs fn on both engines.
func each(t *testing.T, fn func(t *testing.T, w *world)) {
	dbtest.Each(t, tables(), func(t *testing.T, d *db.DB) { fn(t, newWorld(t, d)) })
}

// officer is a duty officer of the city's own watch.
func officer(id int64) context.Context {
	return as(access.Actor{Kind: access.KindAccount, ID: id, Name: fmt.Sprintf("officer-%d", id), Roles: []string{access.DutyOfficer}})
}

// of is a duty officer of an organisation's watch.
func of(organisation, id int64) context.Context {
	return as(access.Actor{Kind: access.KindAccount, ID: id, Name: fmt.Sprintf("officer-%d", id), Organisation: organisation, Roles: []string{access.DutyOfficer}})
}

func as(a access.Actor) context.Context { return access.With(context.Background(), a) }

// news tells the watch of everything that has happened since the last time, as the bus would.
func (w *world) news() {
	w.t.Helper()
	type message struct {
		id            int64
		subject, data string
	}
	var ms []message
	err := w.DB.Read(context.Background(), func(tx *db.Tx) error {
		rows, err := tx.Query(`select id, subject, payload from outbox where id > $1 order by id nulls last`, w.heard)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var m message
			if err := rows.Scan(&m.id, &m.subject, &m.data); err != nil {
				return err
			}
			ms = append(ms, m)
		}
		return rows.Err()
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range ms {
		w.heard = m.id
		if !strings.HasPrefix(m.subject, "case.") {
			continue
		}
		for range 2 { // the bus delivers at least once
			if err := w.Hear(as(access.System("watch")), bus.Message{ID: m.id, Subject: m.subject, Data: []byte(m.data)}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// pass lets time pass and fires what is due.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.clock.Advance(d)
	for {
		pause, err := w.loop.Fire(context.Background())
		if err != nil {
			w.t.Fatal(err)
		}
		if pause > 0 {
			return
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

func (w *world) subjects(subject string) int {
	return w.count(`select count(*) from outbox where subject = $1`, subject)
}

// call logs a call by which an incident is opened.
func (w *world) call(grade string) (caseID int64) {
	w.t.Helper()
	r, err := w.Log(officer(1), LineRequest{Caller: Resident, Where: "滨海路鱼市门口", What: "闻到燃气味，有人头晕", Harm: "1人头晕", Asset: 7, Open: true, Grade: grade}, "")
	if err != nil {
		w.t.Fatal(err)
	}
	w.news()
	return r.Case
}

func (w *world) move(caseID int64, move string, fields map[string]any) {
	w.t.Helper()
	w.clock.Advance(time.Second)
	if _, err := w.cases.Move(officer(1), caseID, respond.MoveRequest{Move: move, Fields: fields}, ""); err != nil {
		w.t.Fatal(err)
	}
	w.news()
}

func ok(t testing.TB) func(r respond.Receipt, err error) int64 {
	return func(r respond.Receipt, err error) int64 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r.Item
	}
}

// refused wants an error for people with this code.
func refused(t testing.TB, code string) func(_ any, err error) {
	return func(_ any, err error) {
		t.Helper()
		var e *web.Error
		if !errors.As(err, &e) || e.Code != code {
			t.Errorf("got %v, want %s", err, code)
		}
	}
}

func (*city) Above(organisation, other int64) bool { return organisation == other }
