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

// altered is harbour, but for some datastreams that are gone (nil) or otherwise.
type altered map[int64]func(*engine.Stream)

func (a altered) Streams(ctx context.Context, ids []int64) (map[int64]engine.Stream, error) {
	out, err := register{}.Streams(ctx, ids)
	for id, change := range a {
		s, asked := out[id]
		switch {
		case !asked:
		case change == nil:
			delete(out, id)
		default:
			change(&s)
			out[id] = s
		}
	}
	return out, err
}

func (altered) Zone(context.Context) (*time.Location, error) { return time.UTC, nil }

// A lost link is found again when the last of its instruments has spoken that is still there and still that organisation's,
// whenever the others left.
func TestLinkLossOutlivesItsInstruments(t *testing.T) {
	const n = 12
	elsewhere := func(s *engine.Stream) { s.Organisation = 9 }
	another := func(s *engine.Stream) { s.Kind = "gas/regulator" }
	all := altered{}
	for id := range int64(n) {
		all[id+1] = nil
	}
	for name, x := range map[string]struct {
		before, down altered // what is otherwise before a restart, and after it
		speak        bool    // those that are there speak again
	}{
		"deleted while it was down":              {nil, altered{5: nil}, true},
		"moved away while it was down":           {nil, altered{5: elsewhere}, true},
		"something else since it was down":       {nil, altered{5: another}, true},
		"deleted before":                         {altered{5: nil}, altered{5: nil}, true},
		"moved away before":                      {altered{5: elsewhere}, altered{5: elsewhere}, true},
		"moved away before, and deleted later":   {altered{5: elsewhere}, altered{5: nil}, true},
		"all deleted, some of them while it was": {altered{5: nil}, all, false},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
				ctx := t.Context()
				c := clock.NewVirtual(db.Time(t0))
				log := newLog()
				speak := func() {
					for id := range int64(n) {
						if change, there := x.down[id+1]; c.Now().Equal(db.Time(t0)) || !there || change != nil {
							log.append([]engine.Reading{number(id+1, db.Micros(c.Now()), 0)})
						}
					}
				}
				start := func(with altered) *Service {
					s := room(t, d, log, c, func(y *Deps) { y.Register = with })
					must(t, s.load(ctx))
					must(t, s.tick(ctx))
					return s
				}
				speak()
				drain(t, room(t, d, log, c, nil), log)
				s := start(nil)
				c.Advance(2*time.Hour + time.Second)
				must(t, s.tick(ctx))
				link := one(t, s)
				if link.Fault != engine.CommsFault || link.State != Raised || len(link.Datastreams) != n {
					t.Fatalf("%+v", link)
				}
				s = start(x.before)
				must(t, s.snapshot(ctx))

				s = start(x.down)
				if x.speak {
					c.Advance(time.Minute)
					speak()
					drain(t, s, log)
				}
				all, err := s.List(officer(1), Filter{Open: true}, 0, 10)
				must(t, err)
				for _, a := range all {
					t.Errorf("%s of %v stands, %s", a.Fault, a.Datastreams, a.State)
				}
			})
		})
	}
}

// One that has moved to another organisation and is silent still is its own fault there.
func TestLinkLossLeavesWhoMovedSilent(t *testing.T) {
	d := dbtest.SQLite(t, tables...)
	ctx := t.Context()
	c := clock.NewVirtual(db.Time(t0))
	log := newLog()
	for id := range int64(12) {
		log.append([]engine.Reading{number(id+1, t0, 0)})
	}
	drain(t, room(t, d, log, c, nil), log)
	s := room(t, d, log, c, nil)
	must(t, s.load(ctx))
	must(t, s.tick(ctx))
	c.Advance(2*time.Hour + time.Second)
	must(t, s.tick(ctx))
	s.Register = altered{5: func(s *engine.Stream) { s.Organisation = 9 }}
	s.Refresh()
	c.Advance(2*time.Hour + time.Second)
	must(t, s.tick(ctx))
	all, err := s.List(officer(1), Filter{Open: true}, 0, 10)
	must(t, err)
	if len(all) != 2 || all[0].Fault != engine.SilentFault || all[0].Datastream != 5 || all[1].Fault != engine.CommsFault {
		t.Errorf("%+v", all)
	}
}
