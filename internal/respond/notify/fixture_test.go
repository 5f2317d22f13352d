package notify

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/warn"
)

var noon = time.Date(2026, 11, 28, 4, 0, 0, 0, time.UTC)

// The organisations of the test's city.
const (
	gasCo    = 10
	bureau   = 20
	district = 30
	mayor    = 40
)

var rooms = []db.Migrations{
	ledger.Migrations(), outbox.Migrations(), timers.Migrations(), delivery.Migrations(), inspect.Migrations(), warn.Migrations(), respond.Migrations(), Migrations(),
}

// world is the room with a city around it. Time stands still unless a test moves it; nothing runs by itself.
type world struct {
	*Service
	t      testing.TB
	clock  *clock.Virtual
	alerts *alertBook
	city   *cityBook
	loop   *timers.Loop
	event  int64
	past   []bus.Message // all that the room has heard
	sounds int           // how often the consoles were to be heard
	chains []*Chain
	access access.Decider
}

// alertBook is the alerts as they stand.
type alertBook struct {
	state map[int64]string
	rests map[int64]bool
	taken []int64 // acknowledged by way of a notice
	fails error
}

func (a *alertBook) Standing(_ *db.Tx, id int64) (string, bool, error) {
	if s := a.state[id]; s != "" {
		return s, a.rests[id], nil
	}
	return "cleared", false, nil
}

func (a *alertBook) Acknowledge(_ context.Context, id int64) error {
	if a.fails != nil {
		return a.fails
	}
	a.taken = append(a.taken, id)
	a.state[id] = "acknowledged"
	return nil
}

// cityBook is the register: asset 7 at place 70 in area 700, run by the gas company.
type cityBook struct {
	top      int64 // the area that is the whole city
	holders  map[string][]Holder
	accounts map[int64]access.Actor
}

var whole = Thing{"area", 700}

func newCity() *cityBook {
	return &cityBook{top: whole.ID, accounts: map[int64]access.Actor{}, holders: map[string][]Holder{
		"enterprise": {{Organisation: gasCo, Lead: true, Over: Thing{"asset", 7}}},
		"regulator":  {{Organisation: bureau, Post: "gas-office", Lead: true, Over: whole}, {Organisation: 21, Over: whole}},
		"territory":  {{Organisation: district, Lead: true, Over: whole}},
		"leadership": {{Organisation: mayor, Post: "vice-mayor", Lead: true, Over: whole}},
	}}
}

func (c *cityBook) City() int64 { return c.top }

func (c *cityBook) Holders(context.Context, Thing) (map[string][]Holder, []Thing, error) {
	return c.holders, []Thing{{"asset", 7}, {"place", 70}, whole}, nil
}

func (c *cityBook) Gap(_ context.Context, kind string, t Thing) (Gap, error) {
	if kind == "leadership" || kind == "territory" {
		return Gap{Thing: whole, Name: lifecycle.Words("Harbour", "港湾区"), Point: &[2]float64{121, 31}}, nil
	}
	return Gap{Thing: t, Name: lifecycle.Words("Main 7", "7 号干管")}, nil
}

func (c *cityBook) Organisation(key string) (int64, bool) { return 50, key == "org-emergency" }

var organisations = map[int64]lifecycle.Text{
	gasCo: lifecycle.Words("Gas Company", "燃气公司"), bureau: lifecycle.Words("Housing Bureau", "住建局"),
	district: lifecycle.Words("Harbour District", "港湾区政府"), mayor: lifecycle.Words("City Government", "市政府"),
}

// register is the same city as the other rooms ask it.
type register struct{ *cityBook }

func (register) Name(_ context.Context, kind string, id int64) lifecycle.Text {
	return organisations[id]
}

func (register) Locate(_ context.Context, s inspect.Spot) (inspect.Spot, error) {
	if s.Asset == 7 {
		s.Place = 70
		s.Owner = gasCo
	}
	s.Area = 700
	return s, nil
}

func (register) Latest(context.Context, int64) (lifecycle.Reading, error) {
	return lifecycle.Reading{}, db.ErrNotFound
}

func (c *cityBook) Name(id int64) lifecycle.Text { return organisations[id] }

func (c *cityBook) Where(inspect.Spot) lifecycle.Text {
	return lifecycle.Words("Harbour Road", "港湾路")
}

func (c *cityBook) Account(id int64) (access.Actor, bool) { a, ok := c.accounts[id]; return a, ok }

// shipped are the chains of the pack that ships.
func shipped(t testing.TB) []*Chain {
	t.Helper()
	p, err := pack.Load(os.DirFS("../../../packs/escalation"), "packs/escalation")
	if err != nil {
		t.Fatal(err)
	}
	cs, err := Chains(p)
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

func newWorld(t testing.TB, d *db.DB, chains ...*Chain) *world {
	t.Helper()
	if chains == nil {
		chains = shipped(t)
	}
	w := &world{t: t, clock: clock.NewVirtual(noon), alerts: &alertBook{state: map[int64]string{}, rests: map[int64]bool{}}, city: newCity(), chains: chains, access: access.AllowAll}
	w.restart(d)
	return w
}

// hazard is the kind of case that findings of the test open.
const hazard = `- id: hazard
  title: {en: Hazard rectification, zh-CN: 隐患整改}
  opened_by: finding
  states:
    - {id: found,      title: {en: Found, zh-CN: 已发现},  due: 3d}
    - {id: graded,     title: {en: Graded, zh-CN: 已定级}, due: 7d}
    - {id: written,    title: {en: Written off, zh-CN: 已销号}, end: proven}
  moves:
    - {id: grade, title: {en: Grade, zh-CN: 定级}, from: [found], to: graded, who: [duty-officer]}
    - {id: pass, title: {en: Write off, zh-CN: 销号}, from: [graded], to: written, who: [duty-officer]}
`

// restart builds the rooms anew on the same store, as a new process does.
func (w *world) restart(d *db.DB) {
	w.t.Helper()
	p, err := pack.Load(fstest.MapFS{
		"pack.yaml": {Data: []byte("pack: test\ntitle: {en: Test, zh-CN: 测试}\n")}, "cases.yaml": {Data: []byte(hazard)},
	}, "packs/test")
	if err != nil {
		w.t.Fatal(err)
	}
	kinds, err := lifecycle.Kinds(p)
	if err != nil {
		w.t.Fatal(err)
	}
	reg := register{w.city}
	findings := inspect.New(inspect.Deps{DB: d, Clock: w.clock, Access: access.AllowAll, Register: reg})
	cases, err := respond.New(respond.Deps{DB: d, Clock: w.clock, Access: access.AllowAll, Readings: reg, Register: reg, Findings: findings, Kinds: kinds})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Service, err = New(Deps{
		DB: d, Clock: w.clock, Access: w.access, Accounts: w.city, Cases: cases, Alerts: w.alerts, Register: w.city, Findings: findings, Chains: w.chains, Posts: postTitles,
		Kinds: func(kind string) lifecycle.Text {
			if i := slices.IndexFunc(kinds, func(k *lifecycle.Kind) bool { return k.ID == kind }); i >= 0 {
				return kinds[i].Title
			}
			return lifecycle.Text{}
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	fires := w.Service.Timers()
	for owner, fire := range cases.Timers() {
		fires[owner] = fire
	}
	w.loop = timers.New(d, w.clock, fires)
	w.loop.OnBack(cases.Renew, w.Service.Renew)
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	dbtest.Each(t, rooms, func(t *testing.T, d *db.DB) { fn(t, newWorld(t, d)) })
}

// settle does all that is due: appointments, steps, and the news of both to the rooms.
func (w *world) settle() {
	w.t.Helper()
	for again := true; again; {
		again = w.pump()
		for {
			pause, err := w.loop.Fire(context.Background())
			if err != nil {
				w.t.Fatal(err)
			}
			if pause > 0 {
				break
			}
			again = true
		}
		n, err := w.Step(context.Background())
		if err != nil {
			w.t.Fatal(err)
		}
		again = again || n > 0
	}
}

// pump carries what waits in the outbox to the rooms, in order, as the relay and the bus do; news says whether there was any.
func (w *world) pump() (news bool) {
	w.t.Helper()
	var ms []bus.Message
	err := w.DB.Write(context.Background(), func(tx *db.Tx) error {
		err := tx.Each(func(rows *sql.Rows) error {
			var m bus.Message
			var payload string
			err := rows.Scan(&m.ID, &m.Subject, &payload)
			m.Data = []byte(payload)
			ms = append(ms, m)
			return err
		}, "select id, subject, payload from outbox order by id nulls last")
		if err != nil {
			return err
		}
		_, err = tx.Exec("delete from outbox")
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range ms {
		w.event = max(w.event, m.ID)
		if m.Subject == "notice.sounded" {
			w.sounds++
		}
		if strings.HasPrefix(m.Subject, "finding.") {
			if err := w.Cases.Hear(access.With(context.Background(), access.System("respond")), m); err != nil {
				w.t.Fatal(err)
			}
		}
		if slices.Contains(heard, m.Subject) {
			if err := w.Hear(context.Background(), m); err != nil {
				w.t.Fatal(err)
			}
			w.past = append(w.past, m)
		}
	}
	return len(ms) > 0
}

// again lets the last n events come again, in order, as after a crash; nothing may change by it. changed says what has, if anything.
func (w *world) again(n int) (changed string) {
	w.t.Helper()
	state := func() string {
		out := fmt.Sprintf("%d events wait, told %s\n", w.count("select count(*) from outbox"), w.said())
		w.read(func(tx *db.Tx) error {
			rs, err := runs(tx, `id > $1`, 0)
			for _, r := range rs {
				out += fmt.Sprintf("%+v\n", *r)
			}
			return err
		})
		return out
	}
	before := state()
	for _, m := range w.past[max(0, len(w.past)-n):] {
		if err := w.Hear(context.Background(), m); err != nil {
			w.t.Fatal(err)
		}
	}
	w.settle()
	if after := state(); after != before {
		return fmt.Sprintf("the last %d events came again; before:\n%safter:\n%s", n, before, after)
	}
	return ""
}

// tell0 is an event as a message, which the room has not heard.
func (w *world) tell0(e outbox.Event) bus.Message {
	w.t.Helper()
	body, err := json.Marshal(e)
	if err != nil {
		w.t.Fatal(err)
	}
	w.event++
	return bus.Message{ID: w.event + 1000, Subject: e.Subject(), Data: body}
}

// tell hands an event to the room; it has a higher number than any before.
func (w *world) tell(e outbox.Event) bus.Message {
	w.t.Helper()
	w.write(func(tx *db.Tx) error { return outbox.Put(tx, e) })
	body, err := json.Marshal(e)
	if err != nil {
		w.t.Fatal(err)
	}
	w.pump()
	return bus.Message{ID: w.event, Subject: e.Subject(), Data: body}
}

func (w *world) write(fn func(tx *db.Tx) error) {
	w.t.Helper()
	if err := w.DB.Write(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(fn func(tx *db.Tx) error) {
	w.t.Helper()
	if err := w.DB.Read(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	w.read(func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&n) })
	return n
}

func facts(alert int64, level string) events.AlertFacts {
	return events.AlertFacts{
		Alert: alert, Detector: "gas/methane-indoor", Kind: "hazard", Title: events.AlertText{EN: "Methane indoors", ZH: "室内甲烷泄漏"}, Level: level,
		State: "raised", Asset: 7, AssetName: events.AlertText{EN: "Alarm 7", ZH: "7 号报警器"}, Place: 70, Area: 700, Organisation: gasCo,
	}
}

// raise has an alert stand, and tells of it.
func (w *world) raise(alert int64, level string) bus.Message {
	w.t.Helper()
	w.alerts.state[alert] = "raised"
	m := w.tell(events.AlertRaised{AlertFacts: facts(alert, level)})
	w.settle()
	return m
}

func (w *world) acknowledgeAlert(alert int64) {
	w.t.Helper()
	w.alerts.state[alert] = "acknowledged"
	w.tell(events.AlertAcknowledged{AlertFacts: facts(alert, "orange"), By: 1, ByName: "Lin"})
	w.settle()
}

func (w *world) clear(alert int64) {
	w.t.Helper()
	delete(w.alerts.state, alert)
	w.tell(events.AlertCleared{AlertFacts: facts(alert, "orange")})
	w.settle()
}

func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.clock.Advance(d)
	w.settle()
}

// said is all that was told, in order: "gas company calls", "over" where it tells of the end.
func (w *world) said() string {
	w.t.Helper()
	var out []string
	w.read(func(tx *db.Tx) error {
		out = nil
		ns, err := notices(tx, `id > $1 order by id nulls last`, 0)
		for _, n := range ns {
			who := fmt.Sprint(n.Organisation)
			if n.Post != "" {
				who += "/" + n.Post
			}
			if n.Over {
				who = "over:" + who
			}
			out = append(out, who)
		}
		return err
	})
	return strings.Join(out, " ")
}

// openCalls are the calls that nobody has answered.
func (w *world) openCalls() int {
	return w.count(`select count(*) from notices where over = 0 and state = 'open'`)
}

func (w *world) notices() (ns []Notice) {
	w.t.Helper()
	w.read(func(tx *db.Tx) (err error) {
		ns, err = notices(tx, `id > $1 order by id nulls last`, 0)
		return err
	})
	return ns
}

func (w *world) run(id int64) *Run {
	w.t.Helper()
	var r *Run
	w.read(func(tx *db.Tx) (err error) {
		r, err = getRun(tx, id)
		return err
	})
	return r
}

func officer(id, organisation int64) access.Actor {
	return access.Actor{Kind: access.KindAccount, ID: id, Name: "officer", Organisation: organisation, Roles: []string{access.DutyOfficer}}
}

func as(a access.Actor) context.Context { return access.With(context.Background(), a) }

// chain reads a chain as a pack states it.
func chain(t testing.TB, text string) *Chain {
	t.Helper()
	cs, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return cs[0]
}

func refused(t *testing.T, code string, status int, err error) {
	t.Helper()
	var e *web.Error
	if !asError(err, &e) || e.Code != code || e.Status != status {
		t.Errorf("%v, want %d %s", err, status, code)
	}
}

func (register) Above(organisation, other int64) bool { return organisation == other }
