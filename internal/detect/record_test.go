package detect

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/sensing"
)

// lateRules wait ten minutes for readings of kitchens that come late.
func lateRules(t testing.TB) func(*Deps) {
	ds := compiled(t, replaceOnce(t, testDetectors, "every: 30s", "every: 30s\n  late: 20m"))
	return func(x *Deps) { x.Detectors = ds }
}

// at is a reading of the kitchen alarm 1, at so many seconds.
func at(seconds int64, v float64) engine.Reading { return number(1, t0+seconds*second, v) }

// alertLines are all alerts in the order they were made, each with the steps of its history that hold, seconds from t0.
func alertLines(t *testing.T, d *db.DB) string {
	t.Helper()
	var out []string
	must(t, d.Read(context.Background(), func(tx *db.Tx) error {
		var all []*Alert
		err := tx.Each(func(rows *sql.Rows) error {
			a, err := scanAlert(rows)
			all = append(all, a)
			return err
		}, `select `+columns+` from alerts order by id nulls last`)
		if err != nil {
			return err
		}
		for _, a := range all {
			hold, err := liveEvents(tx, a.ID)
			if err != nil {
				return err
			}
			var steps []string
			for _, e := range hold {
				steps = append(steps, fmt.Sprintf("%d %s %s", (db.Micros(e.At)-t0)/second, e.Kind, e.Level))
			}
			out = append(out, fmt.Sprintf("%d %s %s since %d: %s", a.ID, a.State, a.Level, (db.Micros(a.Since)-t0)/second, strings.Join(steps, ", ")))
		}
		return nil
	}))
	return strings.Join(out, "\n")
}

// toldLines are the events, with from which level and for what reason.
func toldLines(t *testing.T, d *db.DB) string {
	t.Helper()
	var out []string
	must(t, d.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var subject, payload string
			if err := rows.Scan(&subject, &payload); err != nil {
				return err
			}
			var f struct {
				events.AlertFacts
				From   string `json:"from"`
				Reason string `json:"reason"`
			}
			err := json.Unmarshal([]byte(payload), &f)
			line := fmt.Sprintf("%s %d", strings.TrimPrefix(subject, "alert."), f.Alert)
			for _, s := range []string{f.From, f.Reason} {
				if s != "" {
					line += " " + s
				}
			}
			out = append(out, line)
			return err
		}, "select subject, payload from outbox order by id nulls last")
	}))
	return strings.Join(out, ", ")
}

// A reading that comes late shows that what was told was not so, or began otherwise: the alert follows, each change is told
// once, and killing the program behind any row, with everything since the start evaluated again, changes and tells nothing more.
func TestLateReadings(t *testing.T) {
	high := func(from, to int64) (rs []engine.Reading) {
		for s := from; s <= to; s += 30 {
			rs = append(rs, at(s, 6))
		}
		return rs
	}
	low := func(from, to int64, v float64) (rs []engine.Reading) {
		for s := from; s <= to; s += 30 {
			rs = append(rs, at(s, v))
		}
		return rs
	}
	for _, c := range []struct {
		name   string
		rows   [][]engine.Reading
		alerts string
		told   string
	}{
		{"it began earlier", [][]engine.Reading{{at(0, 0), at(30, 0)}, high(60, 150), {at(45, 6)}},
			"1 raised yellow since 45: 120 raised yellow", "raised 1, changed 1 yellow"},
		{"it was not", [][]engine.Reading{{at(0, 0)}, high(30, 90), {at(75, 0)}},
			"1 cleared yellow since 30: ", "raised 1, cleared 1 revised"},
		{"it was not then, but now", [][]engine.Reading{{at(0, 0)}, high(30, 150), {at(75, 0)}},
			"1 raised yellow since 90: 150 raised yellow", "raised 1, changed 1 yellow"},
		{"it was not, and there is one afterwards", [][]engine.Reading{{at(0, 0)}, high(30, 90), {at(75, 0)}, high(120, 150)},
			"1 cleared yellow since 30: \n2 raised yellow since 90: 150 raised yellow", "raised 1, cleared 1 revised, raised 2"},
		{"it had not cleared", [][]engine.Reading{{at(0, 0)}, high(30, 90), low(120, 720, 0), {at(405, 5)}},
			"1 raised yellow since 30: 90 raised yellow", "raised 1, cleared 1 condition, changed 1 none"},
		{"it had not cleared then, but now", [][]engine.Reading{{at(0, 0)}, high(30, 90), low(120, 720, 0), {at(405, 5)}, low(750, 1200, 0)},
			"1 cleared yellow since 30: 90 raised yellow, 1020 cleared yellow", "raised 1, cleared 1 condition, changed 1 none, cleared 1 condition"},
		{"it had been worse", [][]engine.Reading{{at(0, 0)}, high(30, 150), {at(100, 25), at(110, 25)}},
			"1 raised red since 30: 90 raised yellow, 110 level red", "raised 1, changed 1 yellow"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
				ctx, log, rules, clk := context.Background(), newLog(c.rows...), lateRules(t), clock.NewVirtual(db.Time(t0+hour))
				s := room(t, d, log, clk, rules)
				must(t, s.load(ctx))
				for n, b := range log.rows {
					must(t, s.batch(ctx, b))
					alerts, told := alertLines(t, d), toldLines(t, d)
					s = room(t, d, log, clk, rules) // killed, before anything was saved
					must(t, s.load(ctx))
					for _, b := range log.rows[:n+1] {
						must(t, s.batch(ctx, b))
					}
					if got := alertLines(t, d); got != alerts {
						t.Errorf("after a crash behind row %d:\n%s\nbefore:\n%s", n+1, got, alerts)
					}
					if got := toldLines(t, d); got != told {
						t.Errorf("after a crash behind row %d it is told: %s\nbefore: %s", n+1, got, told)
					}
				}
				if got := alertLines(t, d); got != c.alerts {
					t.Errorf("\n%s\nwant\n%s", got, c.alerts)
				}
				if got := toldLines(t, d); got != c.told {
					t.Errorf("told %s\nwant %s", got, c.told)
				}
			})
		})
	}
}

// A reading that was changed or removed afterwards marks the alerts that stood at its time, and nothing is judged again.
func TestAmended(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		ctx, clk := context.Background(), clock.NewVirtual(db.Time(t0+hour))
		log := newLog(leak(1, t0)[:8], leak(2, t0)[:8])
		s := room(t, d, log, clk, nil)
		drain(t, s, log)
		told := toldLines(t, d)
		reading := func(seconds int64, v float64) sensing.Stored {
			return sensing.Stored{Reading: sensing.Reading{Datastream: 1, At: t0 + seconds*second, Value: sensing.Number(v)}}
		}
		row := sensing.Batch{Seq: 3, Amended: []sensing.Amendment{
			{Before: reading(90, 6), After: reading(90, 1)},
			{Before: reading(30, 0), Deleted: true}, // before the alert: it doesn't rest on it
			{Before: reading(120, 6), Deleted: true},
			{Before: reading(90, 1), After: reading(90, 2)}, // once more
		}}
		for range 2 { // a crash, and the row comes again
			must(t, s.batch(ctx, row))
		}
		a, err := s.Get(officer(1), 1)
		must(t, err)
		var notes []string
		for _, h := range a.History {
			if h.Kind == "amended" {
				notes = append(notes, h.Note)
			}
		}
		if got, want := strings.Join(notes, "; "), "2022-04-15T05:21:30Z: 6 -> 1; 2022-04-15T05:22:00Z: 6; 2022-04-15T05:21:30Z: 1 -> 2"; got != want || !a.Amended || a.State != Raised || a.Level != engine.Red {
			t.Errorf("%q, want %q; %+v", got, want, a)
		}
		if b, err := s.Get(officer(1), 2); err != nil || b.Amended {
			t.Errorf("%+v %v", b, err)
		}
		if got := toldLines(t, d); got != told {
			t.Errorf("told %s", got)
		}
	})
}

// Wherever the program is killed while readings come late, the alerts, their history and their events are those of a run that
// nothing disturbed, each once.
func TestLateReadingsAndCrashes(t *testing.T) {
	rules := replaceOnce(t, testDetectors, "every: 30s", "every: 30s\n  late: 20m\n  quiet: 2m\n  chatter: {raises: 3, within: 30m, settle: 5m}")
	rules = replaceOnce(t, rules, "for: 10m}", "for: 1m}")
	ds := compiled(t, rules)
	d := dbtest.SQLite(t, tables...) // TestLateReadings holds the same on both engines
	rapid.Check(t, func(t *rapid.T) {
		var rows [][]engine.Reading
		at := t0
		for range rapid.IntRange(1, 60).Draw(t, "rows") {
			var row []engine.Reading
			for range rapid.IntRange(1, 6).Draw(t, "readings") {
				at += 15 * second
				row = append(row, number(rapid.Int64Range(1, 2).Draw(t, "id"),
					at-rapid.SampledFrom([]int64{0, 0, 0, 10 * second, 100 * second, 10 * minute}).Draw(t, "late"),
					rapid.SampledFrom([]float64{0, 2, 6, 6, 25}).Draw(t, "v")))
			}
			rows = append(rows, row)
		}
		ctx, log, c := context.Background(), newLog(rows...), clock.NewVirtual(db.Time(t0))
		start := func() *Service {
			s, err := New(Deps{DB: d, Clock: c, Access: access.AllowAll, Log: log, Register: register{}, Readings: log, Detectors: ds})
			must(t, err)
			must(t, s.load(ctx))
			return s
		}
		wipe(t, d)
		calm := start()
		for _, b := range log.rows {
			must(t, calm.batch(ctx, b))
		}
		want := picture(t, d)

		wipe(t, d)
		s := start()
		for s.position < int64(len(log.rows)) {
			switch rapid.SampledFrom([]string{"row", "row", "row", "row", "row", "tick", "snapshot", "crash"}).Draw(t, "next") {
			case "row":
				must(t, s.batch(ctx, log.rows[s.position]))
			case "tick":
				must(t, s.tick(ctx))
			case "snapshot":
				must(t, s.snapshot(ctx))
			case "crash":
				s = start()
			}
		}
		if got := picture(t, d); got != want {
			t.Fatalf("after crashes\n%s\n\nundisturbed\n%s", got, want)
		}
	})
}
