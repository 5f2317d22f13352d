package detect

import (
	"context"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// eastern is harbour where the day begins eight hours before UTC's.
type eastern struct{ register }

func (eastern) Zone(context.Context) (*time.Location, error) {
	return time.FixedZone("", 8*60*60), nil
}

// The local time is known before what came last is judged again after a start: the night after it is that of the city.
func TestRestartAfterTheNight(t *testing.T) {
	rules := func(x *Deps) {
		x.Register = eastern{}
		x.Detectors = compiled(t, `
- id: night
  title: {en: Night, zh-CN: 夜间}
  watches: methane
  on: kitchen-alarm
  every: 10m
  late: 3h
  derives: {night: {mean_between: {from: "02:00", to: "04:00"}}}
  levels: {red: {when: "night >= 10"}}
  clear: {when: "night < 5", for: 0s}
  silent_after: 24h
  because: {en: "x", zh-CN: "x"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
`)
	}
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		night := time.Date(2022, 4, 15, 18, 0, 0, 0, time.UTC) // 02:00 of the 16th
		c := clock.NewVirtual(night)
		log := newLog()
		for at := night.Add(-6 * time.Hour); at.Before(night.Add(12 * time.Hour)); at = at.Add(10 * time.Minute) {
			v := 2.0
			if h := at.Hour(); h == 2 || h == 3 { // a morning here
				v = 20
			}
			log.append([]engine.Reading{number(1, db.Micros(at), v)})
			if at.Equal(night.Add(150 * time.Minute)) {
				drain(t, room(t, d, log, c, rules), log)
			}
		}
		s := room(t, d, log, c, rules)
		drain(t, s, log)
		all, err := s.List(officer(1), Filter{}, 0, 10)
		must(t, err)
		for _, a := range all {
			t.Errorf("%s of %v, raised at %v", a.Detector, a.Since, a.RaisedAt)
		}
	})
}
