package detect

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/sensing"
)

// lastStep is the newest row of an alert's history.
func lastStep(t *testing.T, s *Service, id int64) Step {
	t.Helper()
	a, err := s.Get(officer(1), id)
	must(t, err)
	return a.History[len(a.History)-1]
}

// An alert that a person has put aside rests, and so does what its detector raises there meanwhile, until the time that was
// said; then it counts, told once, also when the program was down.
func TestShelve(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		ctx, c := context.Background(), clock.NewVirtual(db.Time(t0+4*minute))
		log := newLog(leak(1, t0)[:8], leak(2, t0)[:8])
		s := room(t, d, log, c, nil)
		drain(t, s, log)
		until := c.Now().Add(time.Hour)
		a, err := s.Shelve(officer(1), 1, until, "  being mended, ask 13812345678 ")
		must(t, err)
		if x := a.Shelf; x == nil || !x.Until.Equal(until) || x.Reason != "being mended, ask ***" || x.By != "Officer 1" || x.OverAt != nil || !a.Rests || a.State != Raised {
			t.Fatalf("%+v %+v", a, a.Shelf)
		}
		if h := lastStep(t, s, 1); h.Kind != "shelved" || h.Actor != "Officer 1" || h.Note != "being mended, ask ***" {
			t.Errorf("%+v", h)
		}
		if got := listed(t, s); got != "1 rest, 1 count, 1" {
			t.Error(got)
		}

		// It clears, and the detector raises another there: that one rests too. At another place nothing does.
		log.append(leak(1, t0)[8:])
		log.append(leak(1, t0+20*minute)[:8])
		log.append(leak(3, t0+20*minute)[:8])
		c.Set(db.Time(t0 + 25*minute))
		drain(t, s, log)
		second, err := s.Get(officer(1), 3)
		must(t, err)
		if second.Shelf == nil || !second.Rests || second.Shelf.Reason != "being mended, ask ***" || !second.Shelf.Until.Equal(until) {
			t.Errorf("%+v", second)
		}
		if other, err := s.Get(officer(1), 4); err != nil || other.Shelf != nil || other.Rests || other.Asset != 1003 {
			t.Errorf("%+v %v", other, err)
		}
		// Put aside once more, for longer: it stands on one shelf.
		later := c.Now().Add(2 * time.Hour)
		second, err = s.Shelve(officer(2), 3, later, "not mended yet")
		must(t, err)
		if !second.Shelf.Until.Equal(later) || second.Shelf.By != "Officer 2" {
			t.Errorf("%+v", second.Shelf)
		}
		var standing int
		read(t, d, &standing, "select count(*) from alert_shelves where ended_at is null")
		if standing != 1 {
			t.Errorf("%d shelves stand", standing)
		}

		must(t, s.endRests(ctx))
		before := toldLines(t, d)
		c.Set(later.Add(time.Minute))
		if got := listed(t, s); !strings.HasPrefix(got, "0 rest, 3 count") {
			t.Error(got) // that its end is told may take a second, that it is so doesn't
		}
		again := room(t, d, log, c, nil)
		for _, s := range []*Service{again, again, s} {
			must(t, s.endRests(ctx))
		}
		if got := strings.TrimPrefix(toldLines(t, d), before); got != ", rest_over 3" {
			t.Errorf("told %q", got)
		}
		if h := lastStep(t, s, 3); h.Kind != "shelf_over" || h.Actor != "" || !h.At.Equal(later) {
			t.Errorf("%+v", h)
		}
		var leaves int
		read(t, d, &leaves, "select count(*) from ledger_leaves where record like '%alert.shelve%'")
		if leaves != 2 {
			t.Errorf("%d entries in the ledger", leaves)
		}
	})
}

// A person takes an alert off the shelf: it counts at once, and what is raised there afterwards does too.
func TestUnshelve(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0 + 4*minute))
		log := newLog(leak(1, t0)[:8])
		s := room(t, d, log, c, nil)
		drain(t, s, log)
		_, err := s.Shelve(officer(1), 1, c.Now().Add(time.Hour), "known")
		must(t, err)
		for range 2 {
			a, err := s.Attend(officer(2), 1, "it is not")
			if err != nil || a.Rests || a.Shelf == nil || a.Shelf.OverAt == nil {
				t.Fatalf("%+v %v", a, err)
			}
		}
		if h := lastStep(t, s, 1); h.Kind != "shelf_over" || h.Actor != "Officer 2" || h.Note != "it is not" {
			t.Errorf("%+v", h)
		}
		log.append(leak(1, t0)[8:])
		log.append(leak(1, t0+20*minute)[:8])
		c.Set(db.Time(t0 + 25*minute))
		drain(t, s, log)
		if a, err := s.Get(officer(1), 2); err != nil || a.Shelf != nil || a.Rests {
			t.Errorf("%+v %v", a, err)
		}
		if got := toldLines(t, d); got != "raised 1, changed 1 yellow, rest_over 1, cleared 1 condition, raised 2, changed 2 yellow" {
			t.Error(got)
		}
	})
}

func TestShelveRefused(t *testing.T) {
	d := dbtest.SQLite(t, tables...)
	c := clock.NewVirtual(db.Time(t0 + hour))
	log := newLog(leak(1, t0)[:8], leak(2, t0))
	s := room(t, d, log, c, nil)
	drain(t, s, log)
	now := c.Now()
	shelve := func(id int64, until time.Time, reason string) func() error {
		return func() error { _, err := s.Shelve(officer(1), id, until, reason); return err }
	}
	refused(t, "alert.reason_missing", 422, shelve(1, now.Add(time.Hour), "  "))
	refused(t, "alert.shelf_past", 422, shelve(1, now, "known"))
	refused(t, "alert.shelf_long", 422, shelve(1, now.Add(MaxShelf+time.Second), "known"))
	refused(t, "alert.note_too_long", 422, shelve(1, now.Add(time.Hour), strings.Repeat("x", maxNote+1)))
	refused(t, "alert.cleared", 409, shelve(2, now.Add(time.Hour), "known"))
	refused(t, "alert.unknown", 404, shelve(99, now.Add(time.Hour), "known"))
	s.Access = nobody{new([]string)}
	refused(t, "access.denied", 403, shelve(1, now.Add(time.Hour), "known"))
	s.Access = access.AllowAll
	if a, err := s.Get(officer(1), 1); err != nil || a.Shelf != nil {
		t.Errorf("%+v %v", a, err)
	}
}

// feeds is a network in which each asset is fed by some.
type feeds map[int64][]int64

func (f feeds) Upstream(asset int64) []int64 { return f[asset] }

// What an alert upstream explains rests while that one stands, however far it is, and so does the silence of its instruments;
// what hangs on something else does not, nor an alert of several instruments of which one does.
func TestSuppressedFromUpstream(t *testing.T) {
	rules := testDetectors + `
- id: methane-trace
  title: {en: Traces of methane, zh-CN: 微量甲烷}
  watches: methane
  on: [kitchen-alarm]
  every: 30s
  levels: {blue: {when: "value >= 1", for: 90s}}
  clear: {when: "value < 1", for: 1m}
  silent_after: 10m
  suppressed_from_upstream: methane-indoor
  because: {en: "{{value}}", zh-CN: "{{value}}"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
- id: fence-trace
  title: {en: Traces at the fence, zh-CN: 厂界微量}
  watches: methane-ambient
  on: fence-monitor
  together: place
  every: 30s
  levels: {blue: {when: "value >= 1", for: 90s, within: 10m}}
  clear: {when: "value < 1", for: 1m}
  silent_after: 2h
  suppressed_from_upstream: gas/methane-indoor
  because: {en: "{{value}}", zh-CN: "{{value}}"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
`
	for name, x := range map[string]struct {
		net  feeds
		want string // the alerts of the last that rest
	}{
		"nothing upstream":          {nil, ""},
		"next":                      {feeds{1002: {1001}}, "gas/methane-trace 1002 by 1"},
		"far, and in a ring":        {feeds{1002: {1050}, 1050: {1002, 1051}, 1051: {1001, 1050}, 1001: {1051}}, "gas/methane-trace 1002 by 1"},
		"the other way":             {feeds{1001: {1002}}, ""},
		"two of one alert":          {feeds{1101: {1001}, 1102: {1050}, 1050: {1001}}, "gas/fence-trace 1101 by 1"},
		"one of two of one alert":   {feeds{1101: {1001}, 1102: {1050}}, ""},
		"itself, as rings have it":  {feeds{1002: {1002}}, ""},
		"another thing feeds it":    {feeds{1002: {1003}}, ""},
		"one of several that do so": {feeds{1002: {1003, 1001}}, "gas/methane-trace 1002 by 1"},
	} {
		t.Run(name, func(t *testing.T) {
			d := dbtest.SQLite(t, tables...)
			fence := append(every(30*second, 101, 0, 2, 2, 2, 2, 2, 2), every(30*second, 102, 0, 2, 2, 2, 2, 2, 2)...)
			log := newLog(leak(1, t0)[:8], every(30*second, 2, 0, 2, 2, 2, 2, 2), fence)
			apart := laid{1: func(s *engine.Stream) { s.Point = nil }}
			s := room(t, d, log, clock.NewVirtual(db.Time(t0+4*minute)), func(y *Deps) { y.Register, y.Detectors, y.Network = apart, compiled(t, rules), x.net })
			drain(t, s, log)
			list, err := s.List(officer(1), Filter{Rest: RestsNow}, 0, 10)
			must(t, err)
			var got []string
			for _, a := range list {
				got = append(got, fmt.Sprintf("%s %d by %d", a.Detector, a.Asset, a.Design.Alert))
			}
			if got := strings.Join(got, ", "); got != x.want {
				t.Errorf("%q rests", got)
			}
		})
	}
}

// An instrument that falls silent behind a failure is explained by it, and counts when that is over.
func TestSilenceExplainedFromUpstream(t *testing.T) {
	rules := strings.Replace(testDetectors, "  silent_after: 6h", "  silent_after: 10m\n  suppressed_from_upstream: methane-indoor", 1)
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0 - hour))
		log := newLog()
		s := room(t, d, log, c, func(y *Deps) { y.Detectors, y.Network = compiled(t, rules), feeds{1101: {1001}} })
		drain(t, s, log)
		for i, r := range leak(1, t0)[:8] {
			c.Set(db.Time(r.At))
			must(t, s.batch(context.Background(), sensing.Batch{Seq: int64(i + 1), Readings: []sensing.Stored{stored(r), stored(number(101, r.At, 2)), stored(number(102, r.At, 2))}}))
		}
		c.Advance(11 * time.Minute)
		must(t, s.tick(context.Background()))
		list, err := s.List(officer(1), Filter{Kind: "monitoring"}, 0, 10)
		if err != nil || len(list) != 2 {
			t.Fatal(list, err)
		}
		for _, a := range list {
			if a.Rests != (a.Asset == 1101) || a.Rests && a.Design.Alert != 1 {
				t.Errorf("%d rests: %t", a.Asset, a.Rests)
			}
		}
		if got := lastStep(t, s, list[0].ID).Kind; got != "raised" {
			t.Error(got)
		}
	})
}

func stored(r engine.Reading) sensing.Stored {
	return sensing.Stored{Reading: sensing.Reading{Datastream: r.Datastream, At: r.At, Value: sensing.Number(r.Value)}}
}

// What follows from another alert rests while that one stands, at its asset or place only.
func TestSuppressedByDesign(t *testing.T) {
	rules := testDetectors + `
- id: methane-trace
  title: {en: Traces of methane, zh-CN: 微量甲烷}
  watches: methane
  on: [kitchen-alarm]
  every: 30s
  levels: {blue: {when: "value >= 1", for: 90s}}
  clear: {when: "value < 1", for: 1m}
  silent_after: 2h
  suppressed_by: [methane-indoor]
  because: {en: "{{value}}", zh-CN: "{{value}}"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
`
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		ctx, c := context.Background(), clock.NewVirtual(db.Time(t0+hour))
		traces := every(30*second, 2, 0, 2, 2, 2, 2, 2)
		log := newLog(leak(1, t0)[:8], traces)
		s := room(t, d, log, c, func(x *Deps) { x.Detectors = compiled(t, rules) })
		drain(t, s, log)
		if got := alertLines(t, d); got != "1 raised red since 60: 120 raised yellow, 210 level red\n2 raised blue since 60: 150 raised blue\n3 raised blue since 30: 120 raised blue" {
			t.Fatal(got)
		}
		trace, err := s.Get(officer(1), 2)
		must(t, err)
		if x := trace.Design; x == nil || x.Alert != 1 || x.Title.EN != "Methane indoors" || x.OverAt != nil || !trace.Rests {
			t.Errorf("%+v", trace)
		}
		if alone, err := s.Get(officer(1), 3); err != nil || alone.Design != nil || alone.Rests {
			t.Errorf("%+v %v", alone, err)
		}
		must(t, s.endRests(ctx))
		if got := listed(t, s); got != "1 rest, 2 count, 1" {
			t.Error(got)
		}

		// The leak is mended, traces stay: they count from then.
		mended := leak(1, t0)[8:]
		for i := range mended {
			mended[i].Value = 2
		}
		log.append(mended)
		drain(t, s, log)
		for range 2 {
			must(t, s.endRests(ctx))
		}
		trace, err = s.Get(officer(1), 2)
		must(t, err)
		leak, err := s.Get(officer(1), 1)
		must(t, err)
		if leak.State != Cleared || trace.Rests || trace.Design.OverAt == nil || !trace.Design.OverAt.Equal(*leak.ClearedAt) || lastStep(t, s, 2).Kind != "design_over" {
			t.Errorf("%+v %+v", leak, trace.Design)
		}
		if got := toldLines(t, d); !strings.HasSuffix(got, "cleared 1 condition, rest_over 2") {
			t.Error(got)
		}
	})
}
