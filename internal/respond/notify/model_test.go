package notify

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// subject is what the model knows of an alert.
type subject struct {
	state string // "", raised, acknowledged, cleared
	rises int    // how often it was raised, or came back
	told  map[target]bool
	calls map[target]int
	overs map[target]int
}

// The room against a plain model: alerts are raised, acknowledged by their own event or by a notice, cleared, and come back;
// the clock runs and jumps either way; the process dies between steps and in the middle of one. Nobody is told after the
// acknowledgement, everyone who was told is told of the end once, a chain is repeated at most as often as it says, and no wait
// is cut short.
func TestModel(t *testing.T) {
	const repeat = 2
	steps := head + "  begins: {on: alert, from: yellow}\n  steps: [{tell: owner}, {wait: 5m}, {tell: desk, post: second}, {wait: 7m}, {tell: regulator}, {wait: 11m}]\n"
	dbtest.Each(t, rooms, func(t *testing.T, d *db.DB) {
		c := chain(t, steps+fmt.Sprintf("  repeat: %d\n", repeat))
		rapid.Check(t, func(rt *rapid.T) {
			w := newWorld(t, d, c)
			// A run that failed is tried again on the same store, smaller: it finds nothing of the one before, and the same numbers.
			w.write(func(tx *db.Tx) error {
				for _, table := range []string{"notices", "notice_runs", "timers", "deliveries", "outbox"} {
					if _, err := tx.Exec("delete from " + table); err != nil {
						return err
					}
				}
				return nil
			})
			next := int64(0)
			subjects := map[int64]*subject{}
			var ids []int64
			pick := func() int64 {
				if len(ids) == 0 || len(ids) < 3 && rapid.Bool().Draw(rt, "new") {
					next++
					ids = append(ids, next)
					subjects[next] = &subject{told: map[target]bool{}, calls: map[target]int{}, overs: map[target]int{}}
				}
				return rapid.SampledFrom(ids).Draw(rt, "alert")
			}
			seen := int64(w.count(`select coalesce(max(id), 0) from notices`))
			// look compares what was told since the last look with what may be told now.
			look := func() {
				var fresh []Notice
				w.read(func(tx *db.Tx) (err error) {
					fresh, err = notices(tx, `id > $1 order by id nulls last`, seen)
					return err
				})
				for _, n := range fresh {
					seen = n.ID
					s := subjects[n.AboutID]
					if s == nil {
						rt.Fatalf("a notice about alert %d, which is not of this run", n.AboutID)
					}
					to := target{n.Organisation, n.Post}
					if n.Over {
						if s.overs[to]++; s.state != "cleared" || !s.told[to] || s.overs[to] > 1 {
							rt.Fatalf("alert %d, %s: %v is told %d times that it is over, was told %t before", n.AboutID, s.state, to, s.overs[to], s.told[to])
						}
						continue
					}
					if s.state != "raised" {
						rt.Fatalf("alert %d is %s, and %v is called", n.AboutID, s.state, to)
					}
					s.told[to] = true
					if s.calls[to]++; s.calls[to] > s.rises*(repeat+1) {
						rt.Fatalf("alert %d: %v was called %d times, %d rises", n.AboutID, to, s.calls[to], s.rises)
					}
					if n.Round > repeat {
						rt.Fatalf("round %d", n.Round)
					}
				}
				for id, s := range subjects {
					open := w.count(`select count(*) from notices where about_id = $1 and over = 0 and state = 'open'`, id)
					if s.state != "raised" && open > 0 {
						rt.Fatalf("alert %d is %s, and %d calls are open", id, s.state, open)
					}
					if s.state == "cleared" {
						for to := range s.told {
							if s.overs[to] != 1 {
								rt.Fatalf("alert %d is over, and %v was told so %d times", id, to, s.overs[to])
							}
						}
					}
					waits := w.count(`select count(*) from deliveries where state in ('waiting', 'failed') and key like 'notice/%' and key in
						(select 'notice/' || run || '/' || id || '/file' from notices where about_id = $1)`, id)
					if s.state != "raised" && waits > 0 {
						rt.Fatalf("alert %d is %s, and %d calls are about to leave", id, s.state, waits)
					}
				}
			}
			again := func(rt *rapid.T) {
				if diff := w.again(rapid.IntRange(1, 12).Draw(rt, "news")); diff != "" {
					rt.Fatal(diff)
				}
			}
			rt.Repeat(map[string]func(*rapid.T){
				"raise": func(*rapid.T) {
					id := pick()
					if s := subjects[id]; s.state == "" || s.state == "acknowledged" {
						if s.rises++; s.state == "acknowledged" { // it has risen, and its acknowledgement counts no longer
							w.alerts.state[id] = "raised"
							s.state = "raised"
							w.tell(events.AlertChanged{AlertFacts: facts(id, "red")})
							w.settle()
							return
						}
						s.state = "raised"
						w.raise(id, "orange")
					}
				},
				"acknowledge the alert": func(*rapid.T) {
					if id := pick(); subjects[id].state == "raised" {
						subjects[id].state = "acknowledged"
						w.acknowledgeAlert(id)
					}
				},
				"acknowledge it, and let a step come first": func(rt *rapid.T) {
					if id := pick(); subjects[id].state == "raised" {
						subjects[id].state = "acknowledged"
						w.alerts.state[id] = "acknowledged"
						w.clock.Advance(30 * time.Minute)
						w.settle()
						w.tell(events.AlertAcknowledged{AlertFacts: facts(id, "orange")})
						w.settle()
					}
				},
				"acknowledge a notice": func(*rapid.T) {
					id := pick()
					var open []Notice
					w.read(func(tx *db.Tx) (err error) {
						open, err = notices(tx, `about_id = $1 and over = 0 and state = 'open' order by id nulls last`, id)
						return err
					})
					if len(open) > 0 {
						subjects[id].state = "acknowledged"
						if _, err := w.Acknowledge(as(officer(1, 0)), open[len(open)-1].ID, ""); err != nil {
							rt.Fatal(err)
						}
						w.settle()
					}
				},
				"clear": func(*rapid.T) {
					if id := pick(); subjects[id].state == "raised" || subjects[id].state == "acknowledged" {
						subjects[id].state = "cleared"
						w.clear(id)
					}
				},
				"time": func(rt *rapid.T) { w.pass(time.Duration(rapid.IntRange(1, 900).Draw(rt, "s")) * time.Second) },
				"jump": func(rt *rapid.T) {
					w.pass(time.Duration(rapid.SampledFrom([]int{-60, 60}).Draw(rt, "m")) * time.Minute)
				},
				"other levels": func(rt *rapid.T) {
					if id := pick(); subjects[id].state == "raised" {
						for _, level := range rapid.SliceOfN(rapid.SampledFrom([]string{"blue", "orange", "red"}), 1, 3).Draw(rt, "levels") {
							w.tell(events.AlertChanged{AlertFacts: facts(id, level)}) // blue begins no chain
							w.settle()
						}
						again(rt)
					}
				},
				"past news comes again": again,
				"restart":               func(*rapid.T) { w.restart(d) },
				"die in a step": func(*rapid.T) {
					w.clock.Advance(20 * time.Minute)
					w.loop.Fire(context.Background())
					w.Service.Deps.Register = dyingRegister{w.city}
					w.Step(context.Background()) // what needs the register fails
					w.restart(d)
					w.settle()
				},
				"": func(*rapid.T) { look() },
			})
			for _, id := range ids {
				if s := subjects[id]; s.state == "raised" || s.state == "acknowledged" {
					s.state = "cleared"
					w.clear(id)
				}
			}
			look()
			if n := w.count(`select count(*) from notice_runs where state <> 'over'`); n != 0 {
				rt.Fatalf("%d runs are not over", n)
			}
			if n := w.count(`select count(*) from timers where owner = 'notice'`); n != 0 {
				rt.Fatalf("%d appointments are left", n)
			}
		})
	})
}

// dyingRegister knows nothing any more.
type dyingRegister struct{ Register }

func (dyingRegister) Holders(context.Context, Thing) (map[string][]Holder, []Thing, error) {
	return nil, nil, errors.New("the power went")
}

// Waits are kept: each call comes exactly as long after the one before as the chain says, whatever restarts lie between, and
// a clock that was put back lets it wait by the clock that it has now.
func TestWaitsAreKept(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.chains = []*Chain{chain(t, head+"  begins: {on: alert}\n  steps: [{tell: owner}, {wait: 10m}]\n  repeat: 10\n")}
		w.restart(w.DB)
		w.raise(1, "red")
		for range 25 * 60 {
			w.clock.Advance(time.Second * 5)
			if w.clock.Now().Unix()%35 == 0 {
				w.restart(w.DB)
			}
			w.settle()
		}
		last := noon
		for i, n := range w.notices() {
			if i > 0 && n.At.Sub(last) != 10*time.Minute {
				t.Errorf("call %d came %s after the one before", i, n.At.Sub(last))
			}
			last = n.At
		}
		if n := len(w.notices()); n != 11 {
			t.Errorf("%d calls, want 1 and 10 repeats", n)
		}
	})
}
