package detect

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// laid is a register whose kitchen alarms stand where the test lays them.
type laid map[int64]func(*engine.Stream)

func (l laid) Streams(ctx context.Context, ids []int64) (map[int64]engine.Stream, error) {
	out, err := register{}.Streams(ctx, ids)
	for id, s := range out {
		s.Point = &[2]float64{121.5 + float64(id), 31.2} // a hundred kilometres from the next
		if l[id] != nil {
			l[id](&s)
		}
		out[id] = s
	}
	return out, err
}

func (laid) Zone(context.Context) (*time.Location, error) { return time.UTC, nil }

// Which alerts belong together: those at a place, near each other in a domain, or next to each other in a network, that are
// raised within half an hour of one that stands.
func TestGroups(t *testing.T) {
	at := func(lon, lat float64) func(*engine.Stream) {
		return func(s *engine.Stream) { s.Point = &[2]float64{lon, lat} }
	}
	for name, x := range map[string]struct {
		laid   laid
		second int64 // when the second leak begins
		leads  string
	}{
		"far apart":                {nil, t0, "0 0"},
		"at one place":             {laid{2: func(s *engine.Stream) { s.Place = 501 }}, t0, "0 1"},
		"at no place":              {laid{1: func(s *engine.Stream) { s.Place = 0 }, 2: func(s *engine.Stream) { s.Place = 0 }}, t0, "0 0"},
		"near":                     {laid{1: at(121.5, 31.2), 2: at(121.5, 31.2026)}, t0, "0 1"},
		"not quite near":           {laid{1: at(121.5, 31.2), 2: at(121.5, 31.2028)}, t0, "0 0"},
		"near, to the east":        {laid{1: at(121.5, 31.2), 2: at(121.5031, 31.2)}, t0, "0 1"},
		"not quite, to the east":   {laid{1: at(121.5, 31.2), 2: at(121.5033, 31.2)}, t0, "0 0"},
		"of no point":              {laid{1: func(s *engine.Stream) { s.Point = nil }, 2: func(s *engine.Stream) { s.Point = nil }}, t0, "0 0"},
		"downstream":               {laid{2: func(s *engine.Stream) { s.Upstream = []int64{1} }}, t0, "0 1"},
		"upstream":                 {laid{2: func(s *engine.Stream) { s.Downstream = []int64{1} }}, t0, "0 1"},
		"half an hour later":       {laid{1: at(121.5, 31.2), 2: at(121.5, 31.2)}, t0 + 30*minute, "0 1"},
		"more than half an hour":   {laid{1: at(121.5, 31.2), 2: at(121.5, 31.2)}, t0 + 30*minute + second, "0 0"},
		"half an hour before, too": {laid{1: at(121.5, 31.2), 2: at(121.5, 31.2)}, t0 - 30*minute, "0 1"},
	} {
		t.Run(name, func(t *testing.T) {
			d := dbtest.SQLite(t, tables...)
			log := newLog(leak(1, t0)[:8], leak(2, x.second)[:8])
			s := room(t, d, log, clock.NewVirtual(db.Time(t0+hour)), func(y *Deps) { y.Register = x.laid })
			drain(t, s, log)
			a, err := s.Get(officer(1), 1)
			must(t, err)
			b, err := s.Get(officer(1), 2)
			must(t, err)
			if got := fmt.Sprint(a.Lead, b.Lead); got != x.leads || a.Group != int(b.Lead) {
				t.Errorf("%s, and it leads %d; want %s", got, a.Group, x.leads)
			}
		})
	}
}

// A group is led by its first, is listed by it, and is as large as what stands of it; what comes after it has cleared begins anew.
func TestGroupLife(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		here := func(s *engine.Stream) { s.Point = &[2]float64{121.5, 31.2} }
		near := laid{1: here, 2: here, 3: here, 4: here}
		log := newLog(leak(1, t0)[:8], leak(2, t0+minute)[:8], leak(3, t0+2*minute))
		s := room(t, d, log, clock.NewVirtual(db.Time(t0+hour)), func(x *Deps) { x.Register = near })
		drain(t, s, log)
		members, err := s.List(officer(1), Filter{Led: 1}, 0, 10)
		must(t, err)
		lead, err := s.Get(officer(1), 1)
		must(t, err)
		if len(members) != 2 || members[0].ID != 3 || members[1].ID != 2 || lead.Group != 1 || lead.Lead != 0 { // 3 has cleared
			t.Errorf("%d members, %d stand, led by %d", len(members), lead.Group, lead.Lead)
		}
		log.append(leak(1, t0)[8:])
		log.append(leak(2, t0+minute)[8:])
		log.append(leak(4, t0+20*minute)[:8])
		drain(t, s, log)
		if a, err := s.Get(officer(1), 4); err != nil || a.Lead != 0 {
			t.Errorf("%+v %v", a, err)
		}
	})
}

// Alerts of two packs at no place are no group, however alike the packs' names are.
func TestNoGroupAcrossPacks(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		for _, pack := range []string{"g_s", "g%", "GAS"} {
			wipe(t, d)
			ds := compiled(t, testDetectors)
			other := *ds[0]
			other.ID = pack + "/methane-indoor"
			log := newLog(leak(1, t0)[:8])
			s := room(t, d, log, clock.NewVirtual(db.Time(t0+hour)), func(x *Deps) {
				x.Detectors, x.Register = append(ds, &other), laid{1: func(s *engine.Stream) { s.Place = 0 }}
			})
			drain(t, s, log)
			all, err := s.List(officer(1), Filter{Open: true}, 0, 10)
			must(t, err)
			if len(all) != 2 || all[0].Lead != 0 || all[1].Lead != 0 {
				t.Errorf("%d alerts, %+v", len(all), all)
			}
		}
	})
}
