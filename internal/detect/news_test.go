package detect

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// smelled is a rule that joins so many reports.
func smelled(id, atLeast string) string {
	return `
- id: ` + id + `
  title: {en: Smelled, zh-CN: 多人闻到异味}
  joins:
    within: 1h
    near: 500
    of: [{reports: gas-smell, at_least: ` + atLeast + `}]
  levels: {red: {when: "signals >= 1"}}
  clear: {when: "signals < 1", for: 0s}
  because: {en: "x", zh-CN: "x"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
`
}

func smellRules(t *testing.T) func(*Deps) {
	return func(x *Deps) { x.Detectors = compiled(t, testDetectors+smelled("twice", "2")+smelled("thrice", "3")) }
}

func smell(id, at int64) events.ReportReceived {
	return events.ReportReceived{Report: id, Category: "gas-smell", About: "place", Precision: "point", Point: harbour(1).Point, At: db.Time(at)}
}

// broken has all alerts fail to be written until mend is called.
func broken(t *testing.T, d *db.DB) (mend func()) {
	t.Helper()
	rename := func(from, to string) {
		t.Helper()
		must(t, d.Write(context.Background(), func(tx *db.Tx) error {
			_, err := tx.Exec("alter table " + from + " rename to " + to)
			return err
		}))
	}
	rename("alert_names", "alert_names_away")
	return func() { rename("alert_names_away", "alert_names") }
}

// A report whose alert can't be written is neither lost nor counted twice: the room starts again and finds it.
func TestReportSurvivesAFailure(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0))
		log := newLog([]engine.Reading{number(1, t0, 0)})
		s := room(t, d, log, c, smellRules(t))
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		await(t, func() bool { return s.Progress().Position == 1 })
		c.AwaitSleepers(1)
		must(t, s.reported(ctx, smell(1, t0)))
		mend := broken(t, d)
		must(t, s.reported(ctx, smell(2, t0+second)))
		await(t, func() bool { return s.Healthy() != nil })
		must(t, s.reported(ctx, smell(2, t0+second))) // the bus hands out each at least once
		mend()
		c.AwaitSleepers(1)
		c.Advance(retryAfter)
		await(t, func() bool { return s.Healthy() == nil && s.Progress().Position == 1 })
		c.AwaitSleepers(1)
		c.Advance(watchEvery)
		c.AwaitSleepers(1)
		must(t, s.reported(ctx, smell(2, t0+second)))
		cancel()
		must(t, <-done)
		if a := one(t, s); a.Detector != "gas/twice" || a.State != Raised || a.Place != 501 {
			t.Errorf("%+v", a)
		}
	})
}

// What was found and could not be written is not saved as if it were on disk.
func TestFailureIsNotSaved(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		log := newLog(leak(1, t0)[:8])
		s := room(t, d, log, clock.NewVirtual(db.Time(t0)), nil)
		must(t, s.load(ctx))
		mend := broken(t, d)
		if s.batch(ctx, log.rows[0]) == nil {
			t.Fatal("it was written")
		}
		mend()
		for name, deed := range map[string]func(context.Context) error{
			"batch": func(ctx context.Context) error { return s.batch(ctx, log.rows[0]) }, "tick": s.tick, "snapshot": s.snapshot,
		} {
			if deed(ctx) == nil {
				t.Errorf("%s goes on from what is not on disk", name)
			}
		}
		drain(t, s, log)
		if a := one(t, s); a.State != Raised || a.Level != engine.Red {
			t.Errorf("%+v", a)
		}
	})
}

// A report that comes right after a start finds the places that are known.
func TestReportRightAfterAStart(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0 + time.Hour.Microseconds()))
		log := newLog([]engine.Reading{number(1, t0, 0)})
		drain(t, room(t, d, log, c, smellRules(t)), log)
		s := room(t, d, log, c, smellRules(t))
		must(t, s.load(t.Context()))
		must(t, s.reported(t.Context(), smell(1, t0+hour)))
		must(t, s.reported(t.Context(), smell(2, t0+hour)))
		if a := one(t, s); a.Detector != "gas/twice" {
			t.Errorf("%+v", a)
		}
	})
}

// A report says its category as the pack names it within itself: it counts for each pack that has one of that name, now and
// after a start.
func TestReportOfTwoPacks(t *testing.T) {
	both := func(x *Deps) {
		for _, name := range []string{"gas", "water"} {
			files := fstest.MapFS{"pack.yaml": {Data: []byte(strings.Replace(testPack, "pack: gas", "pack: "+name, 1))}, engine.File: {Data: []byte(smelled("twice", "2"))}}
			p, err := pack.Load(files, "packs/"+name)
			must(t, err)
			ds, err := engine.Compile(p)
			must(t, err)
			x.Detectors = append(x.Detectors, ds...)
		}
	}
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0))
		log := newLog([]engine.Reading{number(1, t0, 0)})
		s := room(t, d, log, c, both)
		must(t, s.load(t.Context()))
		must(t, s.batch(t.Context(), log.rows[0]))
		must(t, s.reported(t.Context(), smell(1, t0)))
		s = room(t, d, log, c, both)
		must(t, s.load(t.Context()))
		must(t, s.batch(t.Context(), log.rows[0]))
		must(t, s.reported(t.Context(), smell(2, t0+second)))
		all, err := s.List(officer(1), Filter{Open: true}, 0, 10)
		must(t, err)
		var got []string
		for _, a := range all {
			got = append(got, a.Detector)
		}
		if strings.Join(got, " ") != "water/twice gas/twice" {
			t.Errorf("%v", got)
		}
	})
}
