package detect

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

var tables = []db.Migrations{Migrations(), outbox.Migrations(), ledger.Migrations()}

// memoryLog is a log in memory: row n has the sequence n+1.
type memoryLog struct {
	mu      sync.Mutex
	rows    []sensing.Batch
	held    int64
	more    chan struct{}
	failure error // Tail fails with it after the rows that are there
}

func newLog(rows ...[]engine.Reading) *memoryLog {
	l := &memoryLog{more: make(chan struct{})}
	for _, r := range rows {
		l.append(r)
	}
	return l
}

func (l *memoryLog) append(rs []engine.Reading) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := sensing.Batch{Seq: int64(len(l.rows) + 1)}
	for _, r := range rs {
		b.Readings = append(b.Readings, sensing.Stored{Reading: sensing.Reading{Datastream: r.Datastream, At: r.At, Value: sensing.Number(r.Value)}})
	}
	l.rows = append(l.rows, b)
	close(l.more)
	l.more = make(chan struct{})
}

func (l *memoryLog) Tail(ctx context.Context, after int64, fn func(sensing.Batch) error) error {
	for {
		l.mu.Lock()
		rows, more, failure := l.rows[after:], l.more, l.failure
		l.mu.Unlock()
		for _, b := range rows {
			if err := fn(b); err != nil {
				return err
			}
			after = b.Seq
		}
		if failure != nil {
			return failure
		}
		if len(rows) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-more:
		}
	}
}

func (l *memoryLog) Hold(_ string, position int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = position
}

func (l *memoryLog) LastSeq() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.rows))
}

// History is what the log holds, as sensing would give it.
func (l *memoryLog) History(_ context.Context, ds int64, from, to time.Time, limit int) (out []sensing.Stored, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.rows {
		for _, r := range b.Readings {
			if r.Datastream == ds && r.At >= db.Micros(from) && r.At <= db.Micros(to) {
				out = append(out, r)
			}
		}
	}
	return out[max(0, len(out)-limit):], nil
}

// register is harbour as a Register. It can be made to fail.
type register struct{ failure error }

func (r register) Streams(_ context.Context, ids []int64) (map[int64]engine.Stream, error) {
	out := map[int64]engine.Stream{}
	for _, id := range ids {
		if id < 1000 {
			out[id] = harbour(id)
		}
	}
	return out, r.failure
}

func room(t testing.TB, d *db.DB, log *memoryLog, c clock.Clock, change func(*Deps)) *Service {
	t.Helper()
	deps := Deps{DB: d, Clock: c, Access: access.AllowAll, Log: log, Register: register{}, Readings: log, Detectors: compiled(t, testDetectors)}
	if change != nil {
		change(&deps)
	}
	s, err := New(deps)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// drain evaluates the whole log and stops in peace.
func drain(t testing.TB, s *Service, log *memoryLog) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := s.load(ctx); err != nil {
		t.Fatal(err)
	}
	stop := errors.New("the end of the log")
	log.mu.Lock()
	log.failure = stop
	log.mu.Unlock()
	if err := log.Tail(ctx, s.position, func(b sensing.Batch) error { return s.batch(ctx, b) }); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if err := s.snapshot(ctx); err != nil {
		t.Fatal(err)
	}
}

// leak climbs to red and is mended.
func leak(id int64, from int64) []engine.Reading {
	var rs []engine.Reading
	for i, v := range slices.Concat([]float64{0, 0}, slices.Repeat([]float64{6}, 4), slices.Repeat([]float64{25}, 4), slices.Repeat([]float64{1}, 25)) {
		rs = append(rs, number(id, from+int64(i)*30*second, v))
	}
	return rs
}

func officer(id int64) context.Context {
	return access.With(context.Background(), access.Actor{Kind: access.KindAccount, ID: id, Name: fmt.Sprintf("Officer %d", id)})
}

// What an officer writes beside an acknowledgement goes into the history and the ledger for good, so numbers of persons are
// taken out before.
func TestAcknowledgementKeepsNoNumbers(t *testing.T) {
	const attack = "张三 13812345678 110101199003074258 京A12345"
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		log := newLog(leak(1, t0)[:8])
		s := room(t, d, log, clock.NewVirtual(db.Time(t0+hour)), nil)
		drain(t, s, log)
		open, err := s.List(officer(1), Filter{Open: true}, 0, 10)
		if err != nil || len(open) != 1 {
			t.Fatalf("%d alerts, %v", len(open), err)
		}
		got, err := s.Acknowledge(officer(1), open[0].ID, attack)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		kept := map[string]string{"answer": string(answer)}
		for table, column := range map[string]string{"ledger_leaves": "record", "alert_events": "note"} {
			err := d.Read(context.Background(), func(tx *db.Tx) error {
				return tx.Each(func(rows *sql.Rows) error {
					var s string
					err := rows.Scan(&s)
					kept[table] += s + "\n"
					return err
				}, "select "+column+" from "+table)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for where, words := range kept {
			for _, number := range strings.Fields(attack)[1:] {
				if strings.Contains(words, number) {
					t.Errorf("%s keeps %s", where, number)
				}
			}
			if !strings.Contains(words, "张三 *** *** ***") {
				t.Errorf("%s has lost the words around the numbers: %s", where, words)
			}
		}
	})
}

func TestAlertLife(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0 + hour))
		log := newLog(leak(1, t0)[:8])
		s := room(t, d, log, c, nil)
		drain(t, s, log)

		open, err := s.List(officer(1), Filter{Open: true}, 0, 10)
		if err != nil || len(open) != 1 {
			t.Fatalf("%d alerts, %v", len(open), err)
		}
		a := open[0]
		if a.Detector != "gas/methane-indoor" || a.Level != engine.Red || a.State != Raised || a.Kind != engine.Hazard || a.Asset != 1001 || a.Place != 501 || a.Area != 7 ||
			a.Organisation != 3 || *a.Point != [2]float64{121.5, 31.2} || a.PlaceName.ZH != "4号楼" || !a.Since.Equal(db.Time(t0+minute)) ||
			!a.RaisedAt.Equal(db.Time(t0+2*minute)) || a.Case != nil || a.Unit != "%LEL" {
			t.Errorf("%+v", a)
		}
		if a.Because.EN != "25 %LEL at Building 4 for 2 min 30 s" || !strings.HasPrefix(a.Rule.EN, "Yellow when Methane in air ≥ 5 %LEL for 1 min") ||
			a.Clears.ZH != "甲烷浓度 < 3 %LEL，持续10分钟后恢复。" || a.Title.ZH != "室内甲烷泄漏" {
			t.Errorf("%+v", a)
		}
		if got := fmt.Sprint(a.Readings); len(a.Readings) != 3 || a.Readings[0].Value != 6 || !a.Readings[2].At.Equal(a.RaisedAt) {
			t.Errorf("cause %s", got)
		}

		got, err := s.Acknowledge(officer(1), a.ID, "  crew is on its way ")
		if err != nil || got.State != Acknowledged || got.AcknowledgedBy != "Officer 1" || !got.AcknowledgedAt.Equal(c.Now()) {
			t.Fatalf("%+v %v", got, err)
		}
		if again, err := s.Acknowledge(officer(1), a.ID, ""); err != nil || again.AcknowledgedBy != "Officer 1" {
			t.Errorf("the same officer again: %v", err)
		}
		refused(t, "alert.acknowledged", 409, func() error { _, err := s.Acknowledge(officer(2), a.ID, ""); return err })
		refused(t, "alert.unknown", 404, func() error { _, err := s.Acknowledge(officer(1), 4711, ""); return err })
		refused(t, "alert.unknown", 404, func() error { _, err := s.Get(officer(1), 4711); return err })
		refused(t, "alert.note_too_long", 422, func() error { _, err := s.Acknowledge(officer(1), a.ID, strings.Repeat("x", maxNote+1)); return err })

		log.append(leak(1, t0)[8:])
		drain(t, room(t, d, log, c, nil), log)
		got, err = s.Get(officer(1), a.ID)
		if err != nil || got.State != Cleared || !got.ClearedAt.Equal(db.Time(t0+15*minute)) || got.AcknowledgedBy != "Officer 1" || got.Level != engine.Red {
			t.Fatalf("%+v %v", got, err)
		}
		var kinds []string
		for _, h := range got.History {
			kinds = append(kinds, h.Kind+" "+h.Level.String())
		}
		if h := strings.Join(kinds, ", "); h != "raised yellow, level red, acknowledged red, cleared red" || got.History[2].Note != "crew is on its way" {
			t.Error(h)
		}
		if open, err := s.List(officer(1), Filter{Open: true}, 0, 10); err != nil || len(open) != 0 {
			t.Errorf("%d open, %v", len(open), err)
		}
		want := "alert.raised yellow, alert.changed red, alert.acknowledged red, alert.cleared red"
		if got := strings.Join(news(t, d), ", "); got != want {
			t.Errorf("news %s", got)
		}
		var leaves int
		read(t, d, &leaves, "select count(*) from ledger_leaves")
		if leaves != 1 {
			t.Errorf("%d entries in the ledger", leaves)
		}
	})
}

func refused(t *testing.T, code string, status int, deed func() error) {
	t.Helper()
	var e *web.Error
	if err := deed(); !errors.As(err, &e) || e.Code != code || e.Status != status {
		t.Errorf("want %s, got %v", code, err)
	}
}

func read(t testing.TB, d *db.DB, into any, query string, args ...any) {
	t.Helper()
	if err := d.Read(context.Background(), func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(into) }); err != nil {
		t.Fatal(err)
	}
}

// news are the events that were put out, with their levels.
func news(t interface{ Fatal(...any) }, d *db.DB) (out []string) {
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		return tx.Each(func(rows *sql.Rows) error {
			var subject, payload string
			if err := rows.Scan(&subject, &payload); err != nil {
				return err
			}
			var f events.AlertFacts
			if err := json.Unmarshal([]byte(payload), &f); err != nil {
				return err
			}
			if f.Alert == 0 || f.Detector == "" || f.Title.ZH == "" || f.At.IsZero() || f.Since.IsZero() || (f.Kind == "hazard" && f.Opens == nil) {
				return fmt.Errorf("%s lacks something: %s", subject, payload)
			}
			out = append(out, subject+" "+f.Level)
			return nil
		}, "select subject, payload from outbox order by id nulls last")
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What an alert in a home tells: the building and the kind of instrument, no name that may hold the flat, no curve.
func TestHome(t *testing.T) {
	d := dbtest.SQLite(t, tables...)
	log := newLog(leak(201, t0)[:8])
	s := room(t, d, log, clock.NewVirtual(db.Time(t0)), nil)
	drain(t, s, log)
	open, err := s.List(officer(1), Filter{Open: true}, 0, 10)
	if err != nil || len(open) != 1 {
		t.Fatal(len(open), err)
	}
	b, err := json.Marshal(open[0])
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "1203") || len(open[0].Readings) != 0 || open[0].AssetName.EN != "Gas alarm in a home" {
		t.Errorf("%s", b)
	}
	for _, n := range news(t, d) {
		if strings.Contains(n, "1203") {
			t.Error(n)
		}
	}
}

func TestSilentAlert(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0 + 30*second))
		log := newLog(every(30*second, 1, 0, 0))
		s := room(t, d, log, c, nil)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		stop := func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		c.AwaitSleepers(1) // the watch: it looks every second
		await(t, func() bool { return s.Progress().Position == 1 })
		for range 3 {
			c.Advance(2*time.Hour + time.Second)
			c.AwaitSleepers(1)
		}
		list, err := s.List(officer(1), Filter{Open: true}, 0, 10)
		if err != nil || len(list) != 1 {
			t.Fatalf("%d alerts, %v", len(list), err)
		}
		a := list[0]
		if a.Kind != engine.Monitoring || a.Level != engine.None || !a.Since.Equal(db.Time(t0+30*second)) || a.Title.EN != "No readings: Methane in air" ||
			a.Because.ZH != "报警器1已2小时未上报甲烷浓度" || a.opens != nil {
			t.Errorf("%+v", a)
		}
		if states, err := s.States(ctx, []int64{1001, 1002}); err != nil || len(states) != 1 || !states[1001].Silent || states[1001].Level != engine.None {
			t.Errorf("%+v %v", states, err)
		}
		silent := func(want int) {
			t.Helper()
			if n, err := s.SilentAssets(ctx); err != nil || n != want {
				t.Errorf("%d silent assets, want %d, %v", n, want, err)
			}
		}
		silent(1)
		stop()
		ctx = context.Background()

		// A new process finds the silence standing and ends it with the next reading.
		log.append([]engine.Reading{number(1, db.Micros(c.Now()), 0)})
		drain(t, room(t, d, log, c, nil), log)
		if a, err = s.Get(officer(1), a.ID); err != nil || a.State != Cleared {
			t.Errorf("%+v %v", a, err)
		}
		silent(0)
		log.append(leak(1, db.Micros(c.Now())+minute)[:8]) // a leak is no silence
		drain(t, room(t, d, log, c, nil), log)
		silent(0)
	})
}

// await waits for something that another goroutine is about to do. It spins, so that no time is guessed.
func await(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !done() {
		select {
		case <-deadline:
			t.Fatal("it never came")
		default:
		}
	}
}

// A failure is treated as a crash: the room starts again from its last snapshot, and nothing is doubled.
func TestRunSurvivesFailures(t *testing.T) {
	d := dbtest.SQLite(t, tables...)
	c := clock.NewVirtual(db.Time(t0))
	log := newLog(leak(1, t0)[:8])
	log.failure = errors.New("the disk is full")
	s := room(t, d, log, c, nil)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	await(t, func() bool { return s.Healthy() != nil })
	log.mu.Lock()
	log.failure = nil
	log.mu.Unlock()
	c.AwaitSleepers(1)
	c.Advance(retryAfter)
	await(t, func() bool { return s.Healthy() == nil })
	log.append(leak(1, t0)[8:])
	await(t, func() bool { return s.Progress().Position == 2 })
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(news(t, d), ", "); got != "alert.raised yellow, alert.changed red, alert.cleared red" {
		t.Error(got)
	}
	if p := s.Progress(); p.Evaluated != int64(len(leak(1, t0))) || p.Saved != 2 || log.held != 2 {
		t.Errorf("%+v, held %d", p, log.held)
	}
}

// picture is everything that alerts leave behind, without ids and clock times.
func picture(t interface{ Fatal(...any) }, d *db.DB) string {
	var b strings.Builder
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		for _, q := range []string{
			`select detector, kind, subject, since, level, state, raised_at, coalesce(cleared_at, 0), facts from alerts
				order by detector nulls last, kind nulls last, subject nulls last, since nulls last, id`,
			`select a.detector, e.kind, a.subject, a.since, e.level, '', e.at, 0, e.facts from alert_events e join alerts a on a.id = e.alert
				order by a.detector nulls last, a.subject nulls last, a.since nulls last, e.at nulls last, e.kind nulls last, e.id`,
		} {
			err := tx.Each(func(rows *sql.Rows) error {
				var detector, kind, state, body string
				var subject, since, level, at, cleared int64
				if err := rows.Scan(&detector, &kind, &subject, &since, &level, &state, &at, &cleared, &body); err != nil {
					return err
				}
				fmt.Fprintln(&b, detector, kind, subject, since-t0, level, state, at-t0, cleared, body)
				return nil
			}, q)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String() + strings.Join(slices.Sorted(slices.Values(news(t, d))), "\n")
}

func wipe(t interface{ Fatal(...any) }, d *db.DB) {
	err := d.Write(context.Background(), func(tx *db.Tx) error {
		for _, table := range []string{"alert_events", "alert_names", "alerts", "detect_state", "detect_position", "detect_recorded", "outbox"} {
			if _, err := tx.Exec("delete from " + table); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Crash equals no crash: wherever the program is killed (after evaluating a row and before anything of it is written, in
// the middle of its steps, after them, before or after a snapshot), the alerts, their history and their events are those of
// a run that nothing disturbed, each once.
func TestCrashEqualsNoCrash(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		rapid.Check(t, func(t *rapid.T) {
			rs := town(t)
			var rows [][]engine.Reading
			for len(rs) > 0 {
				n := rapid.IntRange(1, min(len(rs), 40)).Draw(t, "row")
				rows = append(rows, rs[:n])
				rs = rs[n:]
			}
			c := clock.NewVirtual(db.Time(t0))
			log := newLog(rows...)
			ctx := context.Background()
			tt := failer{t}

			wipe(t, d)
			calm := roomOf(tt, d, log, c)
			must(t, calm.load(ctx))
			for _, b := range log.rows {
				must(t, calm.batch(ctx, b))
			}
			want := picture(t, d)

			wipe(t, d)
			s := roomOf(tt, d, log, c)
			must(t, s.load(ctx))
			written := map[int64]int{} // how many readings of a row have left their steps on disk
			for s.position < int64(len(log.rows)) {
				switch rapid.SampledFrom([]string{"row", "row", "row", "row", "snapshot", "crash", "half"}).Draw(t, "next") {
				case "row":
					row := log.rows[s.position]
					written[row.Seq] = len(row.Readings)
					must(t, s.batch(ctx, row))
				case "snapshot":
					must(t, s.snapshot(ctx))
				case "half": // it dies when some of a row's steps are written and others not; the next time no fewer are
					half := log.rows[s.position]
					written[half.Seq] = rapid.IntRange(written[half.Seq], len(half.Readings)).Draw(t, "half")
					half.Readings = half.Readings[:written[half.Seq]]
					must(t, s.batch(ctx, half))
					fallthrough
				case "crash":
					s = roomOf(tt, d, log, c)
					must(t, s.load(ctx))
				}
			}
			if got := picture(t, d); got != want {
				t.Fatalf("after crashes\n%s\n\nundisturbed\n%s", got, want)
			}
			must(t, s.snapshot(ctx))
			var evaluated, readings int64
			for _, b := range log.rows {
				readings += int64(len(b.Readings))
			}
			err := d.Read(ctx, func(tx *db.Tx) error {
				return tx.QueryRow("select evaluated from detect_position where id = 1").Scan(&evaluated)
			})
			must(t, err)
			if evaluated != readings {
				t.Fatalf("%d readings evaluated of %d", evaluated, readings)
			}
		})
	})
}

// failer lets helpers for tests serve a rapid check.
type failer struct{ *rapid.T }

var compiledOnce = sync.OnceValues(func() ([]*engine.Detector, error) { return compileText(testDetectors) })

func roomOf(t failer, d *db.DB, log *memoryLog, c clock.Clock) *Service {
	ds, err := compiledOnce()
	must(t.T, err)
	s, err := New(Deps{DB: d, Clock: c, Access: access.AllowAll, Log: log, Register: register{}, Readings: log, Detectors: ds})
	must(t.T, err)
	return s
}

func must(t interface{ Fatal(...any) }, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

// A rule that was changed while the program was down takes over the alert that the old one raised: it neither doubles it
// nor leaves it standing for ever.
func TestChangedRule(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0))
		log := newLog(leak(1, t0)[:8])
		drain(t, room(t, d, log, c, nil), log)
		log.append(leak(1, t0)[8:])
		s := room(t, d, log, c, func(x *Deps) { x.Detectors = compiled(t, replaceOnce(t, testDetectors, "value >= 20", "value >= 30")) })
		drain(t, s, log)
		all, err := s.List(officer(1), Filter{}, 0, 10)
		if err != nil || len(all) != 1 || all[0].State != Cleared {
			t.Fatalf("%+v %v", all, err)
		}
	})
}

// The alerts of a detector that is gone are cleared, as withdrawn.
func TestRemovedDetector(t *testing.T) {
	d := dbtest.SQLite(t, tables...)
	c := clock.NewVirtual(db.Time(t0))
	log := newLog(leak(1, t0)[:8])
	drain(t, room(t, d, log, c, nil), log)
	s := room(t, d, log, c, func(x *Deps) { x.Detectors = x.Detectors[1:] })
	drain(t, s, log)
	a, err := s.Get(officer(1), 1)
	if err != nil || a.State != Cleared || a.History[len(a.History)-1].Note != "withdrawn" {
		t.Fatalf("%+v %v", a, err)
	}
}

// An asset that moves away under a standing alert: see TestRebinding; here, that the room asks anew after Refresh.
func TestRefresh(t *testing.T) {
	d := dbtest.SQLite(t, tables...)
	log := newLog(leak(1, t0)[:8], every(30*second, 5000, 99), leak(1, t0)[8:10])
	where := &moving{}
	s := room(t, d, log, clock.NewVirtual(db.Time(t0)), func(x *Deps) { x.Register = where })
	ctx := context.Background()
	must(t, s.load(ctx))
	must(t, s.batch(ctx, log.rows[0]))
	must(t, s.batch(ctx, log.rows[1])) // nobody knows 5000: it is counted and not judged
	where.moved = true
	s.Refresh()
	must(t, s.batch(ctx, log.rows[2]))
	a, err := s.Get(officer(1), 1)
	if err != nil || a.State != Cleared {
		t.Fatalf("%+v %v", a, err)
	}
}

// What happens to an instrument around a restart is seen without a further reading of it: that it has died, and that its
// asset was moved while the program was down.
func TestRestartWithoutAReading(t *testing.T) {
	ctx := context.Background()
	list := func(t *testing.T, s *Service) *Alert {
		t.Helper()
		all, err := s.List(officer(1), Filter{}, 0, 10)
		if err != nil || len(all) != 1 {
			t.Fatalf("%d alerts, %v", len(all), err)
		}
		return all[0]
	}
	t.Run("died", func(t *testing.T) {
		d := dbtest.SQLite(t, tables...)
		c := clock.NewVirtual(db.Time(t0 + 30*second))
		log := newLog(every(30*second, 1, 0, 0))
		drain(t, room(t, d, log, c, nil), log)
		s := room(t, d, log, c, nil)
		must(t, s.load(ctx))
		c.Advance(2*time.Hour + time.Second)
		must(t, s.tick(ctx))
		if a := list(t, s); a.Kind != engine.Monitoring || a.State != Raised || a.Asset != 1001 || !a.Since.Equal(db.Time(t0+30*second)) {
			t.Errorf("%+v", a)
		}

		// It stands, and then its asset is moved, too.
		s = room(t, d, log, c, func(x *Deps) { x.Register = &moving{moved: true} })
		must(t, s.load(ctx))
		must(t, s.tick(ctx))
		if a := list(t, s); a.State != Cleared {
			t.Errorf("%+v", a)
		}
	})
	t.Run("moved", func(t *testing.T) {
		d := dbtest.SQLite(t, tables...)
		c := clock.NewVirtual(db.Time(t0))
		log := newLog(leak(1, t0)[:8])
		drain(t, room(t, d, log, c, nil), log)
		s := room(t, d, log, c, func(x *Deps) { x.Register = &moving{moved: true} })
		must(t, s.load(ctx))
		must(t, s.tick(ctx))
		if a := list(t, s); a.Kind != engine.Hazard || a.State != Cleared {
			t.Errorf("%+v", a)
		}
	})
}

// A row comes before its readings can be asked for; they are among the evidence all the same, and no reading twice.
func TestCauseHasItsOwnRow(t *testing.T) {
	for _, cut := range []int{0, 3, 4, 8} {
		known, log := newLog(leak(1, t0)[:cut]), newLog(leak(1, t0)[:8])
		s := room(t, dbtest.SQLite(t, tables...), log, clock.NewVirtual(db.Time(t0)), func(x *Deps) { x.Readings = known })
		drain(t, s, log)
		all, err := s.List(officer(1), Filter{}, 0, 10)
		if err != nil || len(all) != 1 || len(all[0].Readings) != 3 || !all[0].Readings[0].At.Equal(db.Time(t0+minute)) {
			t.Errorf("%d known: %+v %v", cut, all, err)
		}
	}
}

type moving struct{ moved bool }

func (m *moving) Streams(ctx context.Context, ids []int64) (map[int64]engine.Stream, error) {
	out, err := register{}.Streams(ctx, ids)
	for id, s := range out {
		if m.moved {
			s.Kind = "gas/regulator"
			out[id] = s
		}
	}
	return out, err
}

// Who may not, may not: the room asks before it tells or does anything.
func TestAccess(t *testing.T) {
	d := dbtest.SQLite(t, tables...)
	log := newLog(leak(1, t0)[:8])
	var asked []string
	s := room(t, d, log, clock.NewVirtual(db.Time(t0)), func(x *Deps) { x.Access = nobody{&asked} })
	drain(t, s, log)
	for _, deed := range []func() error{
		func() error { _, err := s.List(officer(1), Filter{Open: true}, 0, 10); return err },
		func() error { _, err := s.Get(officer(1), 1); return err },
		func() error { _, err := s.Acknowledge(officer(1), 1, ""); return err },
	} {
		refused(t, "access.denied", 403, deed)
	}
	if got := strings.Join(asked, ", "); got != "alert.read alert 0 of 0 in 0, alert.read alert 1 of 3 in 7, alert.acknowledge alert 1 of 3 in 7" {
		t.Error(got)
	}
	if len(news(t, d)) != 2 {
		t.Error("something was done")
	}
}

type nobody struct{ asked *[]string }

func (n nobody) Decide(_ context.Context, action string, r access.Resource, _ access.Purpose) error {
	*n.asked = append(*n.asked, fmt.Sprintf("%s %s %d of %d in %d", action, r.Type, r.ID, r.Organisation, r.Area))
	return web.Errorf(403, "access.denied", "no")
}

func TestListPages(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		var rows [][]engine.Reading
		for id := int64(1); id <= 7; id++ {
			rows = append(rows, leak(id, t0)[:8])
		}
		log := newLog(rows...)
		s := room(t, d, log, clock.NewVirtual(db.Time(t0)), nil)
		drain(t, s, log)
		first, err := s.List(officer(1), Filter{}, 0, 3)
		must(t, err)
		second, err := s.List(officer(1), Filter{Open: true}, first[2].ID, 100)
		must(t, err)
		if len(first) != 3 || len(second) != 4 || first[0].ID <= first[1].ID || second[0].ID >= first[2].ID {
			t.Errorf("%d and %d", len(first), len(second))
		}
	})
}

// An alert learns of its case by news.
func TestCaseOpened(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		log := newLog(leak(1, t0)[:8])
		c := clock.NewVirtual(db.Time(t0))
		drain(t, room(t, d, log, c, nil), log)
		log.failure = nil
		var id int64
		read(t, d, &id, "select max(id) from alerts")
		told := make(chan error, 1)
		payload, _ := json.Marshal(events.CaseOpened{Case: 77, Alert: id})
		s := room(t, d, log, c, func(x *Deps) {
			x.News = newsFunc(func(ctx context.Context, fn func(context.Context, bus.Message) error) error {
				err := errors.Join(fn(ctx, bus.Message{ID: 1, Subject: "case.opened", Data: payload}), fn(ctx, bus.Message{ID: 1, Subject: "case.opened", Data: payload}))
				if junk := fn(ctx, bus.Message{ID: 2, Subject: "case.opened", Data: []byte("{")}); !errors.Is(junk, bus.ErrDrop) {
					err = errors.Join(err, fmt.Errorf("what can't be read would be handed out for ever: %v", junk))
				}
				told <- err
				<-ctx.Done()
				return nil
			})
		})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		must(t, <-told)
		a, err := s.Get(officer(1), id)
		if err != nil || a.Case == nil || *a.Case != 77 {
			t.Errorf("%+v %v", a, err)
		}
		cancel()
		must(t, <-done)
	})
}

type newsFunc func(ctx context.Context, fn func(context.Context, bus.Message) error) error

func (f newsFunc) Consume(ctx context.Context, durable string, subjects []string, fn func(context.Context, bus.Message) error) error {
	if durable != Consumer || fmt.Sprint(subjects) != "[case.opened case.closed report.received]" {
		return fmt.Errorf("%s listens to %v", durable, subjects)
	}
	return f(ctx, fn)
}

func TestTwoPacksOneDetector(t *testing.T) {
	ds := compiled(t, testDetectors)
	if _, err := New(Deps{Detectors: append(ds, ds[0])}); err == nil {
		t.Error("taken")
	}
}

// The whole way of a reading, without the disk of the log: bind, evaluate, snapshots as they come.
func BenchmarkService(b *testing.B) {
	d := dbtest.SQLite(b, tables...)
	const streams, perRow = 5000, 5000
	log := newLog()
	s := room(b, d, log, clock.System(), nil)
	s.Register = wide{}
	ctx := context.Background()
	must(b, s.load(ctx))
	row := sensing.Batch{Readings: make([]sensing.Stored, perRow)}
	n, at := 0, t0
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		row.Seq++
		at += 30 * second
		for i := range row.Readings {
			row.Readings[i].Reading = sensing.Reading{Datastream: int64(i % streams), At: at, Value: sensing.Number(math.Abs(float64(i % 4)))}
		}
		must(b, s.batch(ctx, row))
		if n += perRow; n%1_000_000 < perRow {
			must(b, s.snapshot(ctx))
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "readings/s")
}

type wide struct{}

func (wide) Streams(_ context.Context, ids []int64) (map[int64]engine.Stream, error) {
	out := map[int64]engine.Stream{}
	for _, id := range ids {
		s := harbour(1)
		s.ID, s.Asset, s.Place = id, id, id
		out[id] = s
	}
	return out, nil
}

func (register) Zone(context.Context) (*time.Location, error) { return time.UTC, nil }

func (*moving) Zone(context.Context) (*time.Location, error) { return time.UTC, nil }

func (wide) Zone(context.Context) (*time.Location, error) { return time.UTC, nil }
