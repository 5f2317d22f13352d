package respond

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// noted is what a plain notebook holds of a request.
type noted struct {
	id     int64
	state  string
	owner  int64
	before []int64          // who had it before, the last at the end
	asks   map[int64]string // open ones, with what was asked for
}

// leads says what each move of testdata/request.yaml leads from and to, as somebody would write it on paper; "" stays.
var leads = map[string]struct {
	from []string
	to   string
}{
	"dispatch": {[]string{"intake"}, "handling"}, "send-back": {[]string{"handling"}, "intake"}, "answer": {[]string{"handling"}, "handling"},
	"extend": {[]string{"handling"}, ""}, "extend-closing": {[]string{"handling"}, ""}, "list": {[]string{"handling"}, ""},
	"delist": {[]string{"handling", "done"}, ""}, "merge": {[]string{"intake", "handling"}, "merged"}, "split": {[]string{"intake"}, "handling"},
	"report-done": {[]string{"handling"}, "done"}, "confirm": {[]string{"done"}, "closed"}, "dismiss": {[]string{"intake"}, "unfounded"},
	"tell": {[]string{"intake"}, "answered"}, "reopen": {[]string{"closed", "unfounded", "answered"}, "handling"},
}

var ends = []string{"closed", "unfounded", "answered", "merged"}

// TestEffectsAgainstNotebook takes random steps through a kind with every effect, with the clock jumping both ways and the process
// restarting, and compares state and owner with a notebook; and holds the limits to what must be true of them at any time.
func TestEffectsAgainstNotebook(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		report, walks, most := int64(0), 0, 40
		if d.Engine() == db.Postgres {
			most = 10 // the same law; each commit takes longer
		}
		rapid.Check(t, func(rt *rapid.T) {
			if walks++; walks > most {
				return
			}
			w := newWorld(t, d, made(t, "request"))
			w.clock.Set(w.clock.Now().Add(time.Duration(walks) * 1000 * day)) // what an earlier walk closed recurs no more
			var all []*noted
			// A report opens a case; or one that is like it was closed with proof not long ago, and is opened again.
			open := func() {
				report++
				w.report(report, events.ReportReceived{})
				id := w.caseOf("report", report)
				i := slices.IndexFunc(all, func(c *noted) bool { return c.id == id })
				if i < 0 {
					all = append(all, &noted{id: id, state: "intake", asks: map[int64]string{}})
					return
				}
				if all[i].state != "closed" {
					rt.Fatalf("case %d was opened again from %s", id, all[i].state)
				}
				all[i].state = "handling"
			}
			open()
			open()
			people := []func(c *noted) int64{func(*noted) int64 { return 0 }, func(c *noted) int64 { return c.owner }, func(*noted) int64 { return 6 }}
			ok := func(err error) bool {
				var refusal *lifecycle.Refusal
				var e *web.Error
				if err != nil && !errors.As(err, &refusal) && !errors.As(err, &e) {
					rt.Fatal(err)
				}
				return err == nil
			}
			made := func(c *noted, move string, fields map[string]any) {
				l := leads[move]
				if !slices.Contains(l.from, c.state) {
					rt.Fatalf("%s from %s was made", move, c.state)
				}
				switch move {
				case "dispatch":
					if to := int64(fields["organisation"].(float64)); true {
						c.before, c.owner = append(c.before, c.owner), to
					}
				case "send-back":
					c.owner, c.before = c.before[len(c.before)-1], c.before[:len(c.before)-1]
				}
				if l.to != "" {
					c.state = l.to
				}
				for id, m := range c.asks {
					if !slices.Contains(leads[m].from, c.state) {
						delete(c.asks, id)
					}
				}
			}
			move := func(rt *rapid.T) {
				w.clock.Advance(time.Second)
				c := rapid.SampledFrom(all).Draw(rt, "case")
				var can []string
				for name, l := range leads {
					if slices.Contains(l.from, c.state) {
						can = append(can, name)
					}
				}
				slices.Sort(can)
				if len(can) == 0 || rapid.IntRange(0, 9).Draw(rt, "sensible") == 0 {
					can = []string{"answer", "confirm", "dispatch", "merge", "reopen"}
				}
				name := rapid.SampledFrom(can).Draw(rt, "move")
				until := w.clock.Now().Add(time.Duration(rapid.IntRange(-2, 14).Draw(rt, "days")) * day).Format(time.RFC3339)
				fields := map[string]map[string]any{
					"dispatch":  {"organisation": float64(rapid.Int64Range(5, 6).Draw(rt, "to")), "post": "crew"},
					"send-back": {"reason": "x"}, "extend": {"until": until}, "extend-closing": {"closing_until": until}, "list": {"listing": "city"},
					"merge": {"into": float64(rapid.SampledFrom(all).Draw(rt, "into").id)}, "split": {"units": []any{5.0, 6.0}}, "reopen": {"why": "x"},
				}[name]
				who := of(rapid.SampledFrom(people).Draw(rt, "of")(c), rapid.Int64Range(1, 3).Draw(rt, "who"), "duty-officer", "operator")
				r, err := w.Move(as(who), c.id, MoveRequest{Move: name, Fields: fields}, "")
				switch {
				case !ok(err):
				case r.Item != 0:
					c.asks[r.Item] = name
				default:
					made(c, name, fields)
				}
			}
			decide := func(rt *rapid.T) {
				c := rapid.SampledFrom(all).Draw(rt, "case")
				for _, ask := range slices.Sorted(func(yield func(int64) bool) {
					for id := range c.asks {
						if !yield(id) {
							return
						}
					}
				}) {
					granted := rapid.Bool().Draw(rt, "granted")
					_, err := w.DecideAsk(as(officer(rapid.Int64Range(1, 3).Draw(rt, "who"), "duty-officer")), c.id, ask, Decision{Granted: granted, Reason: "x"}, "")
					if ok(err) {
						name := c.asks[ask]
						if delete(c.asks, ask); granted {
							made(c, name, nil)
						}
						return
					}
				}
			}
			rt.Repeat(map[string]func(*rapid.T){
				"move": move, "move on": move, "move further": move, "decide": decide,
				"open": func(*rapid.T) { open() },
				"past news comes again": func(rt *rapid.T) {
					if diff := w.again(rapid.IntRange(1, 5).Draw(rt, "news")); diff != "" {
						rt.Fatal(diff)
					}
				},
				"wait": func(rt *rapid.T) {
					w.clock.Advance(time.Duration(rapid.SampledFrom([]int{1, 3600, 86400, 5 * 86400}).Draw(rt, "s")) * time.Second)
				},
				"jump": func(rt *rapid.T) {
					w.clock.Set(w.clock.Now().Add(time.Duration(rapid.SampledFrom([]int{-3 * 86400, -3600, 3600, 3 * 86400}).Draw(rt, "s")) * time.Second))
				},
				"restart": func(*rapid.T) {
					now := w.clock.Now()
					heard := w.heard
					w = newWorld(t, d, w.Kinds...)
					w.clock.Set(now)
					w.heard = heard
				},
				"": func(rt *rapid.T) {
					w.settle()
					for _, c := range all {
						if diff := w.holds(c); diff != "" {
							rt.Fatalf("case %d: %s", c.id, diff)
						}
					}
				},
			})
		})
	})
}

// holds reads the store: what the notebook says, and what must be true of limits at any time.
func (w *world) holds(c *noted) (diff string) {
	err := w.DB.Read(context.Background(), func(tx *db.Tx) error {
		got, err := getCase(tx, c.id)
		if err != nil {
			return err
		}
		if got.State != c.state || got.Owner != c.owner || got.ClosedAt.IsZero() == slices.Contains(ends, c.state) {
			diff = fmt.Sprintf("in %s of %d, the notebook says %s of %d", got.State, got.Owner, c.state, c.owner)
			return nil
		}
		ls, err := limits(tx, c.id, false)
		if err != nil {
			return err
		}
		running := map[string]bool{}
		appointed := 0
		for _, l := range ls {
			if l.StartedAt.After(l.DueAt) || !l.EndedAt.IsZero() && l.EndedAt.Before(l.StartedAt) {
				diff = fmt.Sprintf("a limit that ends before it begins: %+v", l)
			}
			if l.State != "running" {
				continue
			}
			if running[l.Name] || !got.ClosedAt.IsZero() {
				diff = fmt.Sprintf("runs twice, or in a closed case: %+v", l)
			}
			running[l.Name] = true
			var timers int
			err := tx.QueryRow(`select count(*) from timers where owner = 'case' and id = $1 and name = $2 and generation = $3 and due_at = $4`,
				c.id, l.Name, l.ID, db.Micros(l.DueAt)).Scan(&timers)
			if err != nil {
				return err
			}
			appointed += timers
			if future := l.DueAt.After(w.clock.Now()); future != (timers == 1) || !future && !l.Told {
				diff = fmt.Sprintf("at %v %d appointments for %+v", w.clock.Now(), timers, l)
			}
		}
		var timers, told, once int
		err = errors.Join(tx.QueryRow(`select count(*) from timers where owner = 'case' and id = $1`, c.id).Scan(&timers),
			tx.QueryRow(`select count(*) from case_timeline where case_id = $1 and kind = 'overdue'`, c.id).Scan(&told),
			tx.QueryRow(`select count(*) from (select distinct json_text(data, 'limit') as l, json_text(data, 'due_at') as d from case_timeline
				where case_id = $1 and kind = 'overdue') x`, c.id).Scan(&once))
		switch {
		case timers != appointed:
			diff = fmt.Sprintf("%d appointments, %d of them for limits that run", timers, appointed)
		case told != once:
			diff = fmt.Sprintf("%d limits have passed, told %d times", once, told)
		}
		return err
	})
	if err != nil {
		return err.Error()
	}
	return diff
}
