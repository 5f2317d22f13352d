package detect

import (
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// olden makes all states those of another version.
func olden(t *testing.T, d *db.DB) {
	must(t, d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`update detect_state set state = $1`, []byte{0, 1, 2})
		return err
	}))
}

// Rows of another version make the rules start anew once, also where nothing of them is watched any more.
func TestStatesOfAnotherVersionAreReadOnce(t *testing.T) {
	d := dbtest.SQLite(t, tables...)
	c := clock.NewVirtual(db.Time(t0 + hour))
	log := newLog([]engine.Reading{number(1, t0, 0), number(65, t0, 0)}) // two shards
	drain(t, room(t, d, log, c, nil), log)
	olden(t, d)
	for i := range int64(3) {
		log.append([]engine.Reading{number(65, t0+(i+1)*30*second, 6)}) // 1 is dead
		drain(t, room(t, d, log, c, nil), log)
	}
	if len(list(t, room(t, d, log, c, nil))) != 1 {
		t.Error("the gathered minute is lost at each start")
	}
}

func list(t *testing.T, s *Service) []*Alert {
	all, err := s.List(officer(1), Filter{}, 0, 100)
	must(t, err)
	return all
}

// An alert that is all that is left of a state ends with its last instrument.
func TestAlertOfALostStateWhoseInstrumentIsGone(t *testing.T) {
	for _, old := range []bool{false, true} {
		d := dbtest.SQLite(t, tables...)
		c := clock.NewVirtual(db.Time(t0 + hour))
		log := newLog(leak(1, t0)[:8])
		drain(t, room(t, d, log, c, nil), log)
		if old {
			olden(t, d)
		}
		s := room(t, d, log, c, func(x *Deps) { x.Register = &moving{moved: true} })
		must(t, s.load(t.Context()))
		must(t, s.tick(t.Context()))
		c.Advance(24 * time.Hour)
		must(t, s.tick(t.Context()))
		must(t, s.snapshot(t.Context()))
		if a := list(t, s); len(a) != 1 || a[0].State != Cleared {
			t.Errorf("old %v: %v", old, a[0].State)
		}
	}
}

// What joins others and starts anew hears again of what stands.
func TestJoinedAlertStandsThroughAStartAnew(t *testing.T) {
	for _, how := range []string{"same", "version", "edited"} {
		d := dbtest.SQLite(t, tables...)
		c := clock.NewVirtual(db.Time(t0 + 4*minute))
		log := newLog(leak(1, t0)[:8])
		rules := func(x *Deps) { x.Detectors = compiled(t, testDetectors+lasts("1m")) }
		s := room(t, d, log, c, rules)
		drain(t, s, log)
		must(t, s.tick(t.Context()))
		must(t, s.snapshot(t.Context()))
		if n := len(list(t, s)); n != 2 {
			t.Fatal(n)
		}
		if how == "version" {
			olden(t, d)
		}
		if how == "edited" {
			rules = func(x *Deps) {
				x.Detectors = compiled(t, testDetectors+replaceOnce(t, lasts("1m"), "within: 1m", "within: 2m"))
			}
		}
		s = room(t, d, log, c, rules)
		must(t, s.load(t.Context()))
		for range 10 {
			log.append([]engine.Reading{number(1, db.Micros(c.Now()), 25)})
			must(t, s.batch(t.Context(), log.rows[s.position]))
			c.Advance(time.Minute)
			must(t, s.tick(t.Context()))
		}
		for _, a := range list(t, s) {
			if a.State == Cleared {
				t.Errorf("%s: %s cleared while the alert that it joins stands", how, a.Detector)
			}
		}
	}
}

// A rule that was edited starts anew once, whether or not all that it watched still speaks.
func TestEditedRuleIsEditedOnce(t *testing.T) {
	d := dbtest.SQLite(t, tables...)
	c := clock.NewVirtual(db.Time(t0 + hour))
	log := newLog([]engine.Reading{number(1, t0, 0), number(65, t0, 0)})
	drain(t, room(t, d, log, c, nil), log)
	edited := func(x *Deps) { x.Detectors = compiled(t, replaceOnce(t, testDetectors, "value >= 20", "value >= 30")) }
	log.append([]engine.Reading{number(65, t0+30*second, 0)})
	drain(t, room(t, d, log, c, edited), log) // the snapshot: 65 is at 0
	// Then an alert is raised, and the program is killed before the next snapshot.
	for i := range int64(24) {
		log.append([]engine.Reading{number(65, t0+minute+i*30*second, 0)})
	}
	for i := range int64(8) {
		log.append([]engine.Reading{number(65, t0+20*minute+i*30*second, 12)})
	}
	s := room(t, d, log, c, edited)
	must(t, s.load(t.Context()))
	for _, b := range log.rows[s.position:] {
		must(t, s.batch(t.Context(), b))
	}
	before := histories(t, s)
	s = room(t, d, log, c, edited) // killed, started
	drain(t, s, log)
	if after := histories(t, s); after != before {
		t.Errorf("killed:\n%s\nnot killed:\n%s", after, before)
	}
}

func histories(t *testing.T, s *Service) (out string) {
	for _, x := range list(t, s) {
		a, err := s.Get(officer(1), x.ID)
		must(t, err)
		out += a.Detector + " " + a.State + ":"
		for _, h := range a.History {
			out += " " + h.Kind + "@" + h.At.Format("15:04:05")
		}
		out += "\n"
	}
	return out
}

// What an earlier build saved is there until a snapshot stands in its place: a start that comes to nothing loses no alert.
func TestStatesOfAnEarlierBuildAreKeptUntilTheSnapshot(t *testing.T) {
	d := dbtest.SQLite(t, tables...)
	c := clock.NewVirtual(db.Time(t0 + hour))
	log := newLog(leak(1, t0)[:8])
	drain(t, room(t, d, log, c, nil), log)
	must(t, d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`update detect_state set detector = 'gas/methane-indoor'`)
		return err
	}))
	s := room(t, d, log, c, nil)
	must(t, s.load(t.Context())) // and is killed, or fails, within ten seconds
	log.append(leak(1, t0)[8:])
	s = room(t, d, log, c, nil)
	drain(t, s, log)
	for _, a := range list(t, s) {
		if a.State != Cleared {
			t.Errorf("%d never clears", a.ID)
		}
	}
}

// So what an edited rule remembers of alerts that come and go does not depend on others.
func TestEditedRuleForgetsChatterOnce(t *testing.T) {
	rules := replaceOnce(t, replaceOnce(t, testDetectors, `clear: {when: "value < 3", for: 10m}`, "clear: {when: \"value < 3\", for: 0s}\n  chatter: {raises: 3, within: 2h, settle: 3h}"), "value >= 20\", for: 10s", "value >= 30\", for: 0s")
	edited := replaceOnce(t, rules, "value >= 30", "value >= 20")
	run := func(dead, kill bool) string {
		d := dbtest.SQLite(t, tables...)
		c := clock.NewVirtual(db.Time(t0 + hour))
		first := []engine.Reading{number(65, t0, 0)}
		if dead {
			first = append(first, number(1, t0, 0))
		}
		log := newLog(first)
		drain(t, room(t, d, log, c, func(x *Deps) { x.Detectors = compiled(t, rules) }), log)
		now := func(x *Deps) { x.Detectors = compiled(t, edited) }
		log.append([]engine.Reading{number(65, t0+minute, 0)})
		drain(t, room(t, d, log, c, now), log) // the update; 1 has died before it
		for i, v := range []float64{25, 0, 25} {
			log.append([]engine.Reading{number(65, t0+int64(i+2)*minute, v)})
		}
		s := room(t, d, log, c, now)
		drain(t, s, log)
		if kill {
			s = room(t, d, log, c, now)
		}
		for i, v := range []float64{0, 25, 0, 25} {
			log.append([]engine.Reading{number(65, t0+int64(i+5)*minute, v)})
		}
		drain(t, s, log)
		return histories(t, s)
	}
	if run(false, true) != run(true, true) {
		t.Error("whether another instrument has died decides what a start forgets")
	}
}

// A state that can't be read is that of some instruments, and no reason to watch none.
func TestDamagedStateStopsNothing(t *testing.T) {
	d := dbtest.SQLite(t, tables...)
	log := newLog(leak(1, t0)[:8])
	drain(t, room(t, d, log, clock.NewVirtual(db.Time(t0+hour)), nil), log)
	must(t, d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`update detect_state set state = $1 where scope = 0`, []byte{6, 1, 2})
		return err
	}))
	if err := room(t, d, log, clock.NewVirtual(db.Time(t0+hour)), nil).load(t.Context()); err != nil {
		t.Error("no rule runs, for ever:", err)
	}
}
