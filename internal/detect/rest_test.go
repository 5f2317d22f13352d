package detect

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// planned is coverage as detect sees it.
type planned struct {
	mu    sync.Mutex
	works []crew
}

// crew is planned works at assets; ended 0: not ended early.
type crew struct {
	id, from, until, ended int64
	assets                 []int64
}

func (c crew) end() int64 {
	if c.ended != 0 {
		return c.ended
	}
	return c.until
}

func (p *planned) Works(asset int64, at time.Time) (w PlannedWorks, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var last int64
	for _, c := range p.works {
		for _, a := range c.assets {
			if a == asset && db.Micros(at) >= c.from && db.Micros(at) < c.end() && c.end() > last {
				w, ok, last = PlannedWorks{Works: c.id, Reason: "Hose replaced", From: db.Time(c.from), Until: db.Time(c.until)}, true, c.end()
			}
		}
	}
	return w, ok
}

func (p *planned) WorksEnd(id int64) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.works {
		if c.id == id {
			return db.Time(c.end()), true
		}
	}
	return time.Time{}, false
}

func (p *planned) end(id, at int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.works {
		if p.works[i].id == id {
			p.works[i].ended = at
		}
	}
}

func with(w Works) func(*Deps) { return func(x *Deps) { x.Works = w } }

// one is the only alert there is, in the list and by itself.
func one(t *testing.T, s *Service) *Alert {
	t.Helper()
	all, err := s.List(officer(1), Filter{}, 0, 10)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d alerts, %v", len(all), err)
	}
	a, err := s.Get(officer(1), all[0].ID)
	must(t, err)
	if x, y := fmt.Sprintf("%+v", all[0].Works), fmt.Sprintf("%+v", a.Works); x != y {
		t.Errorf("the list says %s, the page %s", x, y)
	}
	return a
}

// listed are how many open alerts rest, how many count, and how many rest by the count.
func listed(t *testing.T, s *Service) string {
	t.Helper()
	rests, err := s.List(officer(1), Filter{Open: true, Rest: RestsNow}, 0, 10)
	must(t, err)
	counts, err := s.List(officer(1), Filter{Open: true, Rest: Counts}, 0, 10)
	must(t, err)
	n, err := s.Resting(officer(1))
	must(t, err)
	return fmt.Sprintf("%d rest, %d count, %d", len(rests), len(counts), n)
}

// rests are the events that were put out, with whether the alert rests by them.
func rests(t *testing.T, d *db.DB) string {
	t.Helper()
	var out []string
	must(t, d.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var subject, payload string
			if err := rows.Scan(&subject, &payload); err != nil {
				return err
			}
			var f events.AlertFacts
			if err := json.Unmarshal([]byte(payload), &f); err != nil {
				return err
			}
			subject = strings.TrimPrefix(subject, "alert.")
			switch {
			case f.Works == nil:
			case f.Works.Rests:
				subject += " rests"
			default:
				subject += " counts"
			}
			out = append(out, subject)
			return nil
		}, "select subject, payload from outbox order by id nulls last")
	}))
	return strings.Join(out, ", ")
}

// An alert that is raised during planned works is marked and rests: nothing about it is lost, and it counts by itself once the
// works are over while it stands.
func TestDuringWorks(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0 + 4*minute))
		log := newLog(leak(1, t0)[:8]) // yellow at 2 min, red at 3.5
		crews := &planned{works: []crew{{id: 9, from: t0, until: t0 + 10*minute, assets: []int64{1001}}}}
		s := room(t, d, log, c, with(crews))
		drain(t, s, log)
		a := one(t, s)
		if w := a.Works; w == nil || !w.Rests || w.OverAt != nil || w.Works != 9 || w.Reason != "Hose replaced" || !w.Until.Equal(db.Time(t0+10*minute)) {
			t.Fatalf("%+v", w)
		}
		if a.State != Raised || a.Level != engine.Red {
			t.Errorf("%+v", a)
		}
		if got := listed(t, s); got != "1 rest, 0 count, 1" {
			t.Error(got)
		}
		if a, err := s.Acknowledge(officer(1), a.ID, "asked the crew"); err != nil || !a.Works.Rests {
			t.Errorf("%+v %v", a, err)
		}
		must(t, s.endRests(context.Background()))
		if got := rests(t, d); got != "raised rests, changed rests, acknowledged rests" {
			t.Error(got)
		}

		// Their end, as announced. That it is told may take a second, that it is so doesn't.
		c.Advance(6 * time.Minute)
		if a := one(t, s); a.Works.Rests || a.Works.OverAt != nil {
			t.Errorf("%+v", a.Works)
		}
		if got := listed(t, s); got != "0 rest, 1 count, 0" {
			t.Error(got)
		}
		c.Advance(time.Minute)
		again := room(t, d, log, c, with(crews)) // the program was down at that time
		for _, s := range []*Service{again, again, s} {
			must(t, s.endRests(context.Background()))
		}
		if got := rests(t, d); got != "raised rests, changed rests, acknowledged rests, rest_over counts" {
			t.Error(got)
		}
		a = one(t, s)
		if a.Works.Rests || !a.Works.OverAt.Equal(db.Time(t0+10*minute)) || a.State != Acknowledged {
			t.Errorf("%+v %+v", a, a.Works)
		}
		if h := a.History[len(a.History)-1]; h.Kind != "works_over" || h.Level != engine.Red || h.Actor != "" || !h.At.Equal(*a.Works.OverAt) {
			t.Errorf("%+v", h)
		}

		// Works that are announced for the time after don't put it to rest again.
		crews.works = append(crews.works, crew{id: 10, from: t0 + 10*minute, until: t0 + hour, assets: []int64{1001}})
		if got := listed(t, s); got != "0 rest, 1 count, 0" {
			t.Error(got)
		}
		log.append(leak(1, t0)[8:])
		drain(t, again, log)
		if a := one(t, s); a.State != Cleared || a.Works == nil || a.Works.Rests {
			t.Errorf("%+v", a)
		}
		if got := rests(t, d); !strings.HasSuffix(got, "rest_over counts, cleared counts") {
			t.Error(got)
		}
	})
}

// Which alerts are marked, and which of these rest: it is the reading's time that counts for the one, the clock for the other.
func TestWhatWorksExplain(t *testing.T) {
	// The leak of these tests is raised at 2 min.
	const raised = t0 + 2*minute
	for name, x := range map[string]struct {
		now   int64
		works []crew
		want  string
	}{
		"none":                        {raised, nil, "plain"},
		"at another asset":            {raised, []crew{{1, t0, t0 + hour, 0, []int64{1002}}}, "plain"},
		"on":                          {raised, []crew{{1, t0, t0 + hour, 0, []int64{1001}}}, "1 rests"},
		"begun with the reading":      {raised, []crew{{1, raised, t0 + hour, 0, []int64{1001}}}, "1 rests"},
		"begun after it":              {raised + minute, []crew{{1, raised + 1, t0 + hour, 0, []int64{1001}}}, "plain"},
		"over with it":                {raised, []crew{{1, t0, raised, 0, []int64{1001}}}, "plain"},
		"over just after it":          {raised, []crew{{1, t0, raised + 1, 0, []int64{1001}}}, "1 rests"},
		"over before it was judged":   {raised + hour, []crew{{1, t0, raised + minute, 0, []int64{1001}}}, "1 counts"},
		"ended early, before":         {raised, []crew{{1, t0, t0 + hour, t0 + minute, []int64{1001}}}, "plain"},
		"ended early, after":          {raised + minute, []crew{{1, t0, t0 + hour, raised + second, []int64{1001}}}, "1 counts"},
		"a clock that runs ahead":     {t0 - hour, []crew{{1, t0, t0 + hour, 0, []int64{1001}}}, "1 counts"},
		"of several the last to end":  {raised, []crew{{1, t0, t0 + hour, 0, []int64{1001}}, {2, t0, t0 + 2*hour, 0, []int64{1001}}}, "2 rests"},
		"of several, one ended early": {raised, []crew{{1, t0, t0 + hour, 0, []int64{1001}}, {2, t0, t0 + 2*hour, t0 + 3*minute, []int64{1001}}}, "1 rests"},
	} {
		t.Run(name, func(t *testing.T) {
			d := dbtest.SQLite(t, tables...)
			log := newLog(leak(1, t0)[:6])
			s := room(t, d, log, clock.NewVirtual(db.Time(x.now)), with(&planned{works: x.works}))
			drain(t, s, log)
			a, got := one(t, s), "plain"
			if a.Works != nil {
				got = fmt.Sprintf("%d counts", a.Works.Works)
				if a.Works.Rests {
					got = fmt.Sprintf("%d rests", a.Works.Works)
				}
			}
			if got != x.want {
				t.Errorf("%s, want %s", got, x.want)
			}
			must(t, s.endRests(context.Background()))
			said := rests(t, d)
			if want := strings.TrimSpace("raised " + strings.TrimLeft(strings.TrimSuffix(x.want, "plain"), "0123456789 ")); said != want {
				t.Errorf("told %q, want %q", said, want)
			}
		})
	}
}

// Works that are ended early end the rest at once; an alert that clears meanwhile is let be.
func TestWorksEndedEarly(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0 + 4*minute))
		log := newLog(leak(1, t0)[:8], leak(2, t0))
		crews := &planned{works: []crew{{id: 9, from: t0, until: t0 + hour, assets: []int64{1001, 1002}}}}
		s := room(t, d, log, c, with(crews))
		drain(t, s, log)
		if got := listed(t, s); got != "1 rest, 0 count, 1" {
			t.Error(got)
		}
		crews.end(9, t0+5*minute)
		c.Advance(time.Minute)
		if got := listed(t, s); got != "0 rest, 1 count, 0" {
			t.Error(got)
		}
		must(t, s.endRests(context.Background()))
		if got := rests(t, d); got != "raised rests, changed rests, raised rests, changed rests, cleared counts, rest_over counts" {
			t.Error(got)
		}
		if a, err := s.Get(officer(1), 1); err != nil || !a.Works.OverAt.Equal(db.Time(t0+5*minute)) || !a.Works.Until.Equal(db.Time(t0+hour)) {
			t.Errorf("%+v %v", a.Works, err)
		}
		if a, err := s.Get(officer(1), 2); err != nil || a.Works == nil || a.Works.Rests || a.Works.OverAt != nil {
			t.Errorf("%+v %v", a, err)
		}
	})
}

// A person who sees that the works don't explain an alert has it count, for herself to answer for.
func TestAttend(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0 + 4*minute))
		log := newLog(leak(1, t0)[:8], leak(2, t0)[:8])
		crews := &planned{works: []crew{{id: 9, from: t0, until: t0 + hour, assets: []int64{1001}}}}
		s := room(t, d, log, c, with(crews))
		drain(t, s, log)
		for range 2 {
			a, err := s.Attend(officer(1), 1, "the crew smells gas, ask 13812345678")
			if err != nil || a.Works.Rests || !a.Works.OverAt.Equal(c.Now()) || a.State != Raised {
				t.Fatalf("%+v %v", a, err)
			}
			h := a.History[len(a.History)-1]
			if h.Kind != "works_over" || h.Actor != "Officer 1" || h.Note != "the crew smells gas, ask ***" || len(a.History) != 3 {
				t.Errorf("%+v", a.History)
			}
		}
		c.Advance(2 * time.Hour)
		must(t, s.endRests(context.Background()))
		if got := rests(t, d); got != "raised rests, changed rests, raised, changed, rest_over counts" {
			t.Error(got)
		}
		refused(t, "alert.no_rest", 409, func() error { _, err := s.Attend(officer(1), 2, ""); return err })
		refused(t, "alert.unknown", 404, func() error { _, err := s.Attend(officer(1), 99, ""); return err })
		refused(t, "alert.note_too_long", 422, func() error { _, err := s.Attend(officer(1), 1, strings.Repeat("x", maxNote+1)); return err })
		var asked []string
		s.Access = nobody{&asked}
		refused(t, "access.denied", 403, func() error { _, err := s.Attend(officer(1), 1, ""); return err })
		refused(t, "access.denied", 403, func() error { _, err := s.Resting(officer(1)); return err })
		s.Access = access.AllowAll
		var leaves int
		read(t, d, &leaves, "select count(*) from ledger_leaves where record like '%alert.attend%'")
		if leaves != 1 {
			t.Errorf("%d entries in the ledger", leaves)
		}
	})
}

// Instruments that make one alert together rest only where the same works are on at all of them: what is done at one fence
// monitor explains no gas at the next.
func TestWorksAtSomeOfAPlace(t *testing.T) {
	ambient := func() (rs []engine.Reading) {
		for i := range int64(400) {
			for _, id := range []int64{101, 102} {
				v := 2.0
				if i >= 300 {
					v = 60
				}
				rs = append(rs, number(id, t0+i*minute, v))
			}
		}
		return rs
	}()
	whole := crew{1, t0, t0 + 100*hour, 0, []int64{1101, 1102}}
	for name, x := range map[string]struct {
		works []crew
		want  bool
	}{
		"all":            {[]crew{whole}, true},
		"one":            {[]crew{{1, t0, t0 + 100*hour, 0, []int64{1101}}}, false},
		"the other":      {[]crew{{1, t0, t0 + 100*hour, 0, []int64{1102}}}, false},
		"different ones": {[]crew{{1, t0, t0 + 100*hour, 0, []int64{1101}}, {2, t0, t0 + 100*hour, 0, []int64{1102}}}, false},
	} {
		d := dbtest.SQLite(t, tables...)
		log := newLog(ambient)
		s := room(t, d, log, clock.NewVirtual(db.Time(t0+7*hour)), with(&planned{works: x.works}))
		drain(t, s, log)
		if a := one(t, s); a.Place != 900 || len(a.Datastreams) != 2 || (a.Works != nil) != x.want {
			t.Errorf("%s: %+v of %v", name, a.Works, a.Datastreams)
		}
	}
}

// An instrument that falls silent during works is marked as any other.
func TestSilentDuringWorks(t *testing.T) {
	d := dbtest.SQLite(t, tables...)
	c := clock.NewVirtual(db.Time(t0 + 30*second))
	log := newLog(every(30*second, 1, 0, 0))
	s := room(t, d, log, c, with(&planned{works: []crew{{1, t0, t0 + 24*hour, 0, []int64{1001}}}}))
	drain(t, s, log)
	c.Advance(2*time.Hour + time.Second)
	must(t, s.tick(context.Background()))
	if a := one(t, s); a.Kind != engine.Monitoring || a.Works == nil || !a.Works.Rests {
		t.Errorf("%+v", a)
	}
}

// Crash equals no crash: killed behind any row, with works that are ended while it is down, the same alerts come out with the
// same marks, and each end of a rest is told once.
func TestWorksAfterACrash(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		var rows [][]engine.Reading
		for _, r := range leak(1, t0)[:12] {
			rows = append(rows, []engine.Reading{r})
		}
		ctx := context.Background()
		crews := &planned{works: []crew{{id: 9, from: t0, until: t0 + hour, assets: []int64{1001}}}}
		c := clock.NewVirtual(db.Time(t0))
		log := newLog(rows...)
		for n := range rows { // each process evaluates one row more than the one before, and saves nothing
			c.Set(db.Time(t0 + int64(n)*30*second))
			if n == 9 {
				crews.end(9, t0+4*minute)
			}
			s := room(t, d, log, c, with(crews))
			must(t, s.load(ctx))
			for _, b := range log.rows[:n+1] {
				must(t, s.batch(ctx, b))
			}
			must(t, s.endRests(ctx))
		}
		s := room(t, d, log, c, with(crews))
		if a := one(t, s); a.Works == nil || a.Works.Works != 9 || !a.Works.OverAt.Equal(db.Time(t0+4*minute)) {
			t.Errorf("%+v", a.Works)
		}
		if got := rests(t, d); got != "raised rests, changed rests, rest_over counts" {
			t.Error(got)
		}
	})
}
