package detect

import (
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// lasts is a rule on alerts that last for so long.
func lasts(span string) string {
	return strings.NewReplacer("within: 1h", "within: 1m", "{reports: gas-smell, at_least: 1}", "{alert: methane-indoor}",
		`{when: "signals >= 1"}`, `{when: "signals >= 1", for: `+span+`}`).Replace(smelled("lasts", "1"))
}

// What only the clock can tell is told of times up to which the log has been read: an alert whose end is still in the log does
// not last, and an instrument that has spoken there is not silent.
func TestClockWaitsForTheLog(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		c := clock.NewVirtual(db.Time(t0 + 2*minute))
		log := newLog(leak(1, t0)[:8])
		rules := func(x *Deps) { x.Detectors = compiled(t, testDetectors+lasts("20m")) }
		drain(t, room(t, d, log, c, rules), log)

		c.Advance(3 * time.Hour)
		log.append(leak(1, t0)[8:]) // it came while the program was down, and ends after 13 minutes
		s := room(t, d, log, c, rules)
		must(t, s.load(ctx))
		must(t, s.tick(ctx))
		c.Advance(3 * time.Hour)
		log.append([]engine.Reading{number(1, db.Micros(c.Now())-minute, 0)})
		must(t, s.tick(ctx))
		must(t, s.batch(ctx, log.rows[1]))
		must(t, s.tick(ctx))
		must(t, s.batch(ctx, log.rows[2]))
		must(t, s.tick(ctx))
		if a := one(t, s); a.Detector != "gas/methane-indoor" || a.State != Cleared {
			t.Errorf("%+v", a)
		}
	})
}

// Where rows come without end, the clock follows those that were there when it was last looked at.
func TestClockFollowsALogWithoutEnd(t *testing.T) {
	d := dbtest.SQLite(t, tables...)
	ctx := t.Context()
	c := clock.NewVirtual(db.Time(t0))
	log := newLog(leak(1, t0)[:8])
	s := room(t, d, log, c, func(x *Deps) { x.Detectors = compiled(t, testDetectors+lasts("20m")) })
	must(t, s.load(ctx))
	for range 30 {
		log.append(nil)
		must(t, s.tick(ctx))
		must(t, s.batch(ctx, log.rows[s.position]))
		c.Advance(time.Minute)
	}
	all, err := s.List(officer(1), Filter{Open: true, Detector: "gas/lasts"}, 0, 10)
	must(t, err)
	if len(all) != 1 || !all[0].RaisedAt.Equal(db.Time(t0+22*minute)) {
		t.Errorf("%+v", all)
	}
}
