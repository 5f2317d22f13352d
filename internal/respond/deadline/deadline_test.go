package deadline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/access/vault"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/timers"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// noon is 12:00 in Shanghai.
var noon = time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)

func TestStatus(t *testing.T) {
	due := noon
	for _, c := range []struct {
		name  string
		state State
		ended time.Duration // after the limit
		now   time.Duration
		want  Status
		late  time.Duration
	}{
		{"met long before", Met, -time.Hour, 0, OnTime, 0},
		{"met exactly at the limit", Met, 0, time.Hour, OnTime, 0},
		{"met a microsecond after", Met, time.Microsecond, time.Hour, Late, time.Microsecond},
		{"open, long to go", Running, 0, -time.Hour, Within, 0},
		{"open, exactly at the limit", Running, 0, 0, Within, 0},
		{"open, a microsecond after", Running, 0, time.Microsecond, Past, time.Microsecond},
		{"passed on before", PassedOn, -time.Minute, time.Hour, Passed, 0},
		{"passed on at the limit", PassedOn, 0, time.Hour, Passed, 0},
		{"passed on after: late for him who had it", PassedOn, time.Minute, time.Hour, Late, time.Minute},
		{"withdrawn before", Withdrawn, -time.Minute, time.Hour, IsWithdrawn, 0},
		{"withdrawn after", Withdrawn, time.Minute, time.Hour, IsWithdrawn, 0},
	} {
		r := &Row{State: c.state, Due: due}
		if c.state != Running {
			r.Ended = due.Add(c.ended)
		}
		if got, late := r.Status(due.Add(c.now)), r.Lateness(due.Add(c.now)); got != c.want || late != c.late {
			t.Errorf("%s: %s by %v, want %s by %v", c.name, got, late, c.want, c.late)
		}
	}
}

// Rows fall into exactly one of six, the order in which they come does not matter, and a median is one of the values.
func TestFiguresAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows []*Row
		for i := range rapid.IntRange(0, 40).Draw(t, "rows") {
			r := &Row{ID: int64(i), State: rapid.SampledFrom([]State{Running, Met, Withdrawn, PassedOn}).Draw(t, "state"),
				Due: noon.Add(time.Duration(rapid.IntRange(-50, 50).Draw(t, "due")) * time.Hour), Extensions: rapid.IntRange(0, 2).Draw(t, "extensions")}
			r.FirstDue = r.Due.Add(-time.Duration(r.Extensions) * time.Hour)
			if r.State != Running {
				r.Ended = noon.Add(time.Duration(rapid.IntRange(-60, 0).Draw(t, "ended")) * time.Hour)
			}
			rows = append(rows, r)
		}
		var whole, a, b Sum
		for i, r := range rows {
			whole.Add(r, noon)
			if i%2 == 0 {
				a.Add(r, noon)
			} else {
				b.Add(r, noon)
			}
		}
		a.Merge(&b)
		f, g := whole.Figures(), a.Figures()
		if fmt.Sprint(flat(f)) != fmt.Sprint(flat(g)) {
			t.Fatalf("%v in one, %v in two parts", flat(f), flat(g))
		}
		if f.Rows != len(rows) || f.OnTime+f.Late+f.Within+f.Past+f.PassedOn+f.Withdrawn != f.Rows {
			t.Fatalf("%d rows do not add up: %+v", len(rows), f)
		}
		if (f.LateMedian == nil) != (f.Late+f.Past == 0) {
			t.Fatalf("median %v with %d late", f.LateMedian, f.Late+f.Past)
		}
		if f.LateMedian != nil {
			at, over := 0, 0
			for _, r := range rows {
				if late := r.Lateness(noon); late > 0 {
					if over++; int64(late/time.Second) <= *f.LateMedian {
						at++
					}
				}
			}
			if 2*at < over {
				t.Fatalf("median %d s holds %d of %d", *f.LateMedian, at, over)
			}
		}
	})
}

func flat(f Figures) []any {
	value := func(p *int64) int64 {
		if p == nil {
			return -1
		}
		return *p
	}
	m, n := value(f.LateMedian), value(f.Late90)
	f.LateMedian, f.Late90, f.OnTimeShare = nil, nil, nil
	return []any{f, m, n}
}

func TestRank(t *testing.T) {
	for _, c := range []struct {
		n      int
		share  float64
		wanted int
	}{{1, 0.5, 0}, {1, 0.9, 0}, {2, 0.5, 0}, {3, 0.5, 1}, {10, 0.9, 8}, {11, 0.9, 9}, {100, 0.9, 89}} {
		if got := rank(c.n, c.share); got != c.wanted {
			t.Errorf("rank of %g among %d: %d, want %d", c.share, c.n, got, c.wanted)
		}
	}
}

// --- the store, on both engines

// town: area 1 is the city, 2 and 3 are districts in it, 21 and 22 towns in 2; organisation 900 holds 21.
type town struct{}

func (town) Name(_ context.Context, kind string, id int64) lifecycle.Text {
	return lifecycle.Words(fmt.Sprintf("%s %d", kind, id), fmt.Sprintf("%d 号%s", id, kind))
}

func (town) AreaAbove(a int64) int64 { return map[int64]int64{2: 1, 3: 1, 21: 2, 22: 2}[a] }

func (town) Zone(context.Context) (*time.Location, error) { return time.LoadLocation("Asia/Shanghai") }

// scopes: organisation 7 stands above 8; whoever is 900 has a duty for area 21.
type scopes struct{}

func (scopes) Covers(organisation, owner, area int64) bool {
	return organisation == 7 && (owner == 7 || owner == 8) || organisation == 900 && area == 21
}

// Touches fulfils access.Scopes; nothing here touches several areas.
func (scopes) Touches(int64, int64) bool { return false }

type world struct {
	*Service
	t     *testing.T
	db    *db.DB
	cases map[int64]bool
	n     int
}

func newWorld(t *testing.T, d *db.DB) *world {
	policy, err := access.NewPolicy(scopes{})
	if err != nil {
		t.Fatal(err)
	}
	title := func(id string) lifecycle.Text { return lifecycle.Words("the "+id, id) }
	return &world{t: t, db: d, cases: map[int64]bool{}, Service: New(Deps{
		DB: d, Clock: clock.NewVirtual(noon), Access: policy, Register: town{}, KindTitle: title, CategoryTitle: title,
	})}
}

func rooms() []db.Migrations {
	return []db.Migrations{ledger.Migrations(), outbox.Migrations(), timers.Migrations(), vault.Migrations(), inspect.Migrations(), respond.Migrations(), Migrations()}
}

// row is a limit in short: hours are from noon.
type row struct {
	caseID, organisation, area int64
	post, kind, category, what string
	due, ended                 float64
	first                      float64 // before due
	extensions                 int
	state                      State
	private, inherited         bool
}

func (w *world) add(rows ...row) {
	w.t.Helper()
	hours := func(h float64) int64 { return db.Micros(noon.Add(time.Duration(h * float64(time.Hour)))) }
	err := w.db.Write(context.Background(), func(tx *db.Tx) error {
		for _, r := range rows {
			w.n++
			if r.kind == "" {
				r.kind = "hazard"
			}
			if r.what == "" {
				r.what = "state"
			}
			if r.caseID == 0 {
				r.caseID = 1
			}
			if !w.cases[r.caseID] {
				w.cases[r.caseID] = true
				if _, err := tx.Exec(`insert into case_definitions (hash, kind, body, at) values ('x', 'hazard', '{}', 0) on conflict (hash) do nothing`); err != nil {
					return err
				}
				if _, err := tx.Exec(`insert into cases (id, kind, definition, title, state, since, generation, level, fields, report, asset, place, area, owner, datastreams, opened_at, outcome)
					values ($1, 'hazard', 'x', '', 's', 0, 0, '', '{}', 0, 0, 0, 0, 0, '[]', 0, '')`, r.caseID); err != nil {
					return err
				}
			}
			var ended any
			if r.state != Running {
				ended = hours(r.ended)
			}
			private := 0
			if r.private {
				private = 1
			}
			inherited := 0
			if r.inherited {
				inherited = 1
			}
			_, err := tx.Exec(`insert into case_limits (case_id, name, what, en, zh, kind, category, organisation, post, area, started_at, first_due_at, due_at, extensions, ended_at, state, private, inherited)
				values ($1, $2, $3, '=cmd()', '时限', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
				r.caseID, fmt.Sprintf("%s:%d", r.what, w.n), r.what, r.kind, r.category, r.organisation, r.post, r.area,
				hours(r.due-100), hours(r.due-r.first), hours(r.due), r.extensions, ended, string(r.state), private, inherited)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func as(organisation int64) context.Context {
	return access.With(context.Background(), access.Actor{Kind: access.KindAccount, ID: 1, Name: "officer", Roles: []string{access.DutyOfficer}, Organisation: organisation})
}

func (w *world) report(ctx context.Context, a Ask) *Report {
	w.t.Helper()
	r, err := w.Report(ctx, a)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) rows(ctx context.Context, a Ask, limit int) (out []RowView) {
	w.t.Helper()
	for after := ""; ; {
		page, err := w.Rows(ctx, a, after, limit)
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, page.Items...)
		if after = page.Next; after == "" {
			return out
		}
	}
}

// ask is a group's filter laid over a query, as the console does it.
func (a Ask) with(f map[string]string) Ask {
	for name, to := range map[string]*string{"organisation": &a.Organisation, "post": &a.Post, "category": &a.Category, "kind": &a.Kind, "what": &a.What, "area": &a.Area, "only": &a.Only} {
		if v, ok := f[name]; ok {
			*to = v
		}
	}
	return a
}

func TestReport(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.add(
			row{organisation: 8, post: "crew", area: 21, due: -10, ended: -11, state: Met},
			row{organisation: 8, post: "crew", area: 21, due: -10, ended: -10, state: Met},
			row{organisation: 8, post: "", area: 22, due: -10, ended: -4, state: Met, category: "lamp"},
			row{organisation: 8, area: 3, due: -10, ended: -8, state: PassedOn},
			row{organisation: 9, area: 3, due: -10, ended: -12, state: PassedOn, what: "case"},
			row{organisation: 9, area: 3, due: 5, state: Running, what: "task", kind: "incident"},
			row{organisation: 9, area: 2, due: -2, state: Running, what: "ask"},
			row{organisation: 9, area: 2, due: -24 * 200, state: Running},            // open past its limit for long: in every later span
			row{organisation: 9, area: 2, due: -24 * 200, ended: -4700, state: Met},  // long ago
			row{organisation: 0, due: -1, ended: 0, state: Withdrawn, extensions: 1}, // past its limit when withdrawn
			row{organisation: 8, due: 40, first: 60, ended: -1, state: Met, extensions: 2},
		)
		city := as(0)
		r := w.report(city, Ask{})
		want := Figures{Rows: 10, OnTime: 3, Late: 2, Within: 1, Past: 2, PassedOn: 1, Withdrawn: 1, LatePassedOn: 1, WithdrawnPast: 1, Extensions: 3, Extended: 2, AfterFirst: 1}
		got := r.Total
		got.LateMedian, got.Late90, got.OnTimeShare = nil, nil, nil
		if got != want {
			t.Errorf("total %+v\nwant  %+v", got, want)
		}
		if s := *r.Total.OnTimeShare; s != 3./7 {
			t.Errorf("share on time %g, want 3/7", s)
		}
		// Late by 2, 2, 6 and 4,800 hours.
		if m, n := *r.Total.LateMedian, *r.Total.Late90; m != 2*3600 || n != 4800*3600 {
			t.Errorf("lateness %d and %d s", m, n)
		}
		if all := w.report(city, Ask{From: "-"}).Total.Rows; all != 11 {
			t.Errorf("%d rows without a beginning, want 11", all)
		}

		// Behind each figure stand exactly its rows, by whatever it is grouped, however small the pages.
		for _, by := range bys {
			sum := 0
			for _, g := range w.report(city, Ask{By: string(by)}).Groups {
				sum += g.Figures.Rows
				for status, n := range map[Status]int{OnTime: g.Figures.OnTime, Late: g.Figures.Late, Within: g.Figures.Within, Past: g.Figures.Past, Passed: g.Figures.PassedOn, IsWithdrawn: g.Figures.Withdrawn} {
					ask := Ask{Status: string(status)}.with(g.Filter)
					if rows := w.rows(city, ask, 2); len(rows) != n {
						t.Errorf("by %s, %v: %d rows %s, the figure says %d", by, g.Filter, len(rows), status, n)
					}
				}
			}
			if sum != 10 {
				t.Errorf("by %s the groups have %d rows, want 10", by, sum)
			}
		}

		// An area holds all areas below it.
		areas := map[string]int{}
		for _, g := range w.report(city, Ask{By: "area"}).Groups {
			areas[g.Filter["area"]] = g.Figures.Rows
		}
		if areas["2"] != 5 || areas["3"] != 3 || areas["0"] != 2 || len(areas) != 3 {
			t.Errorf("areas of the city: %v", areas)
		}
		areas = map[string]int{}
		for _, g := range w.report(city, Ask{By: "area", Area: "2"}).Groups {
			areas[g.Filter["area"]+g.Filter["only"]] = g.Figures.Rows
		}
		if areas["21"] != 2 || areas["22"] != 1 || areas["2true"] != 2 || len(areas) != 3 {
			t.Errorf("areas of district 2: %v", areas)
		}

		// Scope: 7 stands above 8, and sees its own only; 900 sees what lies in its area; a party without either sees nothing.
		for organisation, rows := range map[int64]int{7: 5, 9: 4, 900: 2, 55: 0} {
			if got := w.report(as(organisation), Ask{}).Total.Rows; got != rows {
				t.Errorf("organisation %d sees %d rows, want %d", organisation, got, rows)
			}
			if got := len(w.rows(as(organisation), Ask{}, 3)); got != rows {
				t.Errorf("organisation %d lists %d rows, want %d", organisation, got, rows)
			}
		}
		if _, err := w.Report(context.Background(), Ask{}); err == nil {
			t.Error("the public may not see the report")
		}
	})
}

// A private case is in no figure and no list; the number is told from ten on, in tens, and not beside a filter.
func TestPrivateCasesAreTensOnly(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.add(row{caseID: 1, organisation: 8, area: 21, due: -1, ended: -2, state: Met})
		for i := range int64(9) {
			w.add(row{caseID: 100 + i, organisation: 8, area: 21, due: -1, ended: -2, state: Met, private: true, kind: "mediation"},
				row{caseID: 100 + i, organisation: 8, area: 21, due: -1, ended: 0, state: Met, private: true, kind: "mediation"})
		}
		city := as(0)
		look := func(a Ask, want int) {
			t.Helper()
			r := w.report(city, a)
			if r.Total.Rows != 1 || r.Total.Late != 0 || r.Private != want {
				t.Errorf("%+v: %d rows, %d private, want 1 and %d", a, r.Total.Rows, r.Private, want)
			}
			for _, g := range r.Groups {
				if g.Filter["kind"] == "mediation" || a.By != "area" && g.Private != 0 {
					t.Errorf("a group tells of private cases: %+v", g)
				}
			}
		}
		look(Ask{}, 0)
		look(Ask{By: "kind"}, 0)
		w.add(row{caseID: 120, organisation: 8, area: 21, due: -1, ended: 0, state: Met, private: true, kind: "mediation"})
		look(Ask{}, 10)
		look(Ask{By: "area"}, 10)
		for i := range int64(9) {
			w.add(row{caseID: 130 + i, organisation: 8, area: 22, due: -1, ended: 0, state: Met, private: true, kind: "mediation"})
		}
		look(Ask{}, 10)
		look(Ask{Organisation: "8"}, 0)
		look(Ask{Kind: "hazard"}, 0)
		if r := w.report(city, Ask{Kind: "mediation"}); r.Total.Rows != 0 || r.Private != 0 || len(r.Groups) != 0 {
			t.Errorf("asked for by their kind, private cases are told of: %+v", r)
		}
		if rows := w.rows(city, Ask{}, 100); len(rows) != 1 {
			t.Errorf("%d rows are listed, want the one that is not private", len(rows))
		}
	})
}

// Days are the city's days: the 23rd in Shanghai begins at 16:00 UTC of the 22nd, and is in until its end.
func TestSpansAreDaysOfTheCity(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, due := range []float64{-12, -12 - 1./3600, 12, 12 - 1./3600} {
			w.add(row{organisation: 8, due: due, ended: -20, state: Met})
		}
		for _, c := range []struct {
			from, to string
			want     int
		}{{"2026-11-23", "2026-11-23", 2}, {"2026-11-22", "2026-11-22", 1}, {"2026-11-24", "2026-11-24", 1}, {"-", "", 4},
			{"2026-11-22T16:00:00Z", "2026-11-23T16:00:00Z", 2}, {"2026-11-23T00:00:00+08:00", "2026-11-23T23:59:59+08:00", 1}} {
			if got := w.report(as(0), Ask{From: c.from, To: c.to}).Total.Rows; got != c.want {
				t.Errorf("from %s to %s: %d rows, want %d", c.from, c.to, got, c.want)
			}
		}
	})
}

func TestAsksThatMakeNoSense(t *testing.T) {
	zone := time.FixedZone("", 8*3600)
	for field, a := range map[string]Ask{
		"from": {From: "yesterday"}, "to": {To: "2026-02-30"}, "by": {By: "account"}, "organisation": {Organisation: "x"}, "post": {Post: "crew"},
		"area": {Area: "-3"}, "only": {Only: "maybe"}, "what": {What: "person"}, "status": {Status: "lost"},
	} {
		_, err := a.query(noon, zone)
		if fieldOf(err) != field {
			t.Errorf("%+v: %v, want a refusal at %s", a, err, field)
		}
	}
	if _, err := (&Ask{From: "2026-11-23", To: "2026-11-22"}).query(noon, zone); fieldOf(err) != "to" {
		t.Errorf("a span that ends before it begins: %v", err)
	}
	if _, err := cursorOf("12"); fieldOf(err) != "after" {
		t.Errorf("a cursor that is none: %v", err)
	}
}

// Pages hold each row once, also when many fall at the same moment.
func TestPagesHoldEachRowOnce(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		rng := rand.New(rand.NewPCG(1, 2))
		var rows []row
		for range chunk + 500 {
			rows = append(rows, row{organisation: 8, due: float64(rng.IntN(5)), state: Running})
		}
		w.add(rows...)
		seen := map[int64]bool{}
		for _, r := range w.rows(as(0), Ask{}, 333) {
			if seen[r.ID] {
				t.Fatalf("row %d came twice", r.ID)
			}
			seen[r.ID] = true
		}
		if len(seen) != len(rows) || w.report(as(0), Ask{}).Total.Rows != len(rows) {
			t.Errorf("%d rows came, %d are there", len(seen), len(rows))
		}
	})
}

// What was late when a case was given to another is late once: for whoever had it.
func TestLateOnce(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.add(
			row{organisation: 7, due: -10, ended: -5, state: PassedOn},
			row{organisation: 8, due: -10, ended: -2, state: PassedOn, inherited: true},
			row{organisation: 9, due: -10, state: Running, inherited: true},
		)
		f := w.report(as(0), Ask{From: "2026-11-01", To: "2026-12-31"}).Total
		if f.Rows != 3 || f.Late != 1 || f.Past != 0 || f.PassedOn != 2 || f.LatePassedOn != 1 {
			t.Errorf("%+v", f)
		}
	})
}
