package respond

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// modelMove is a line of the gas leak's life as a person would write it on paper: an independent second statement of
// what packs/gas/cases.yaml says.
type modelMove struct {
	from, to string
	roles    []string
	notBy    string   // the move whose makers are barred
	form     []string // the fields to fill in
	reading  bool     // needs a good one
	tasks    int
}

var (
	watchAndChecks = []string{"duty-officer", "inspector"}
	crew           = []string{"duty-officer", "operator", "inspector"}

	model = map[string]modelMove{
		"accept":        {from: "opened", to: "accepted", roles: []string{"duty-officer", "operator"}, tasks: 1},
		"arrive":        {from: "accepted", to: "on-site", roles: crew},
		"report-safe":   {from: "on-site", to: "made-safe", roles: crew, form: []string{"cause", "action"}},
		"verify":        {from: "made-safe", to: "closed", roles: watchAndChecks, notBy: "report-safe", reading: true},
		"send-back":     {from: "made-safe", to: "on-site", roles: watchAndChecks, form: []string{"reason"}},
		"doubt":         {from: "on-site", to: "doubted", roles: crew, form: []string{"reason"}},
		"confirm-false": {from: "doubted", to: "false-alarm", roles: watchAndChecks, notBy: "doubt"},
		"reject-false":  {from: "doubted", to: "on-site", roles: watchAndChecks, form: []string{"reason"}},
	}
	modelDue = map[string]time.Duration{
		"opened": 5 * time.Minute, "accepted": 30 * time.Minute, "on-site": 4 * time.Hour, "made-safe": 24 * time.Hour, "doubted": 2 * time.Hour,
	}
	modelMoves = []string{"accept", "arrive", "report-safe", "verify", "send-back", "doubt", "confirm-false", "reject-false"}
)

// modelCase is what a plain notebook would hold of one case.
type modelCase struct {
	state    string
	since    time.Time
	due      []time.Time // appointments that have not fired: the state's, then the task's
	makers   map[string][]int64
	readings []lifecycle.Reading // attached, with the time of attaching beside it
	attached []time.Time
	moves    int
	overdue  int
}

func (c *modelCase) closed() bool { return c.state == "closed" || c.state == "false-alarm" }

// TestRandomWalk takes random steps, allowed and forbidden ones, by all sorts of actors, with the clock running and the
// process restarting, and compares the room with the notebook after each.
func TestRandomWalk(t *testing.T) {
	d := dbtest.SQLite(t, rooms()...)
	alerts := int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, d)
		gas := w.city
		first := alerts + 1
		var cases []*modelCase
		var ids []int64
		for range rapid.IntRange(1, 2).Draw(rt, "cases") {
			alerts++
			w.alert("alert.raised", alerts, alerts, "red")
			found, _, err := w.Cases(as(officer(1)), Filter{Limit: 1})
			if err != nil {
				rt.Fatal(err)
			}
			ids = append(ids, found[0].ID)
			cases = append(cases, &modelCase{
				state: "opened", since: w.clock.Now(), due: []time.Time{w.clock.Now().Add(5 * time.Minute), {}}, makers: map[string][]int64{},
			})
		}
		pick := func() (*modelCase, int64) {
			i := rapid.IntRange(0, len(cases)-1).Draw(rt, "case")
			return cases[i], ids[i]
		}
		move := func(rt *rapid.T) {
			c, id := pick()
			offered := slices.DeleteFunc(slices.Clone(modelMoves), func(n string) bool { return model[n].from != c.state })
			if len(offered) == 0 || rapid.IntRange(0, 4).Draw(rt, "sensible") == 0 {
				offered = modelMoves // most walks would end at the first door if they tried nothing but the wrong ones
			}
			name := rapid.SampledFrom(offered).Draw(rt, "move")
			who := anyone().Draw(rt, "who")
			fields := map[string]any{}
			for _, f := range model[name].form {
				if rapid.IntRange(0, 9).Draw(rt, "fill in "+f) > 0 {
					fields[f] = "other"
				}
			}
			m := model[name]
			now := w.clock.Now()
			allowed := m.from == c.state && who.Kind == access.KindAccount && !slices.Contains(c.makers[m.notBy], who.ID) &&
				slices.ContainsFunc(m.roles, func(r string) bool { return slices.Contains(who.Roles, r) }) &&
				len(fields) == len(m.form) && (!m.reading || c.proven(gas.latest[70]))
			_, err := w.Move(as(who), id, MoveRequest{Move: name, Fields: fields}, "")
			var refusal *lifecycle.Refusal
			if err != nil && !errors.As(err, &refusal) {
				rt.Fatal(err)
			}
			if (err == nil) != allowed {
				rt.Fatalf("%s by %v with %v from %s: %v, the notebook says allowed = %v", name, who, fields, c.state, err, allowed)
			}
			if !allowed {
				return
			}
			c.state, c.since = m.to, now
			c.moves++
			c.makers[name] = append(c.makers[name], who.ID)
			c.due[0] = time.Time{}
			if limit, ok := modelDue[m.to]; ok {
				c.due[0] = now.Add(limit)
			}
			if m.tasks > 0 {
				c.due[1] = now.Add(30 * time.Minute)
			}
			if c.closed() {
				c.due = []time.Time{{}, {}}
			}
		}
		measure := func(rt *rapid.T) {
			age := rapid.SampledFrom([]time.Duration{0, 0, 0, time.Hour}).Draw(rt, "age")
			gas.say(methane(rapid.Float64Range(0, 4).Draw(rt, "%LEL"), w.clock.Now().Add(-age)))
		}
		attach := func(rt *rapid.T) {
			c, id := pick()
			reading, known := gas.latest[70]
			_, err := w.Attach(as(officer(1)), id, EvidenceRequest{Kind: "reading"}, "")
			if (err == nil) != (known && !c.closed()) {
				rt.Fatalf("attach in %s: %v", c.state, err)
			}
			if err == nil {
				c.readings, c.attached = append(c.readings, reading), append(c.attached, w.clock.Now())
			}
		}
		wait := func(rt *rapid.T) {
			w.clock.Advance(time.Duration(rapid.SampledFrom([]int64{1, 1e3, 60e6, 1800e6, 7200e6}).Draw(rt, "µs")) * time.Microsecond)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"move": move, "move on": func(rt *rapid.T) { wait(rt); move(rt) }, "move further": func(rt *rapid.T) { wait(rt); move(rt); wait(rt); move(rt) },
			"measure": measure, "attach": attach, "wait": wait,
			"prove": func(rt *rapid.T) { wait(rt); measure(rt); wait(rt); attach(rt); move(rt) },
			"restart": func(rt *rapid.T) {
				now := w.clock.Now()
				w = newWorld(t, d)
				w.clock.Set(now)
				w.city, w.Readings = gas, gas
			},
			"repeat the news": func(rt *rapid.T) {
				for a := first; a <= alerts; a++ {
					w.alert("alert.raised", a, a, "red")
				}
			},
			"fire": func(rt *rapid.T) {
				w.settle()
				for _, c := range cases {
					for i, at := range c.due {
						if !at.IsZero() && !at.After(w.clock.Now()) {
							c.overdue++
							c.due[i] = time.Time{}
						}
					}
				}
			},
			"": func(rt *rapid.T) {
				for i, c := range cases {
					if diff := w.compare(ids[i], c); diff != "" {
						rt.Fatalf("case %d: %s", ids[i], diff)
					}
				}
			},
		})
	})
}

// proven says whether the notebook has a good reading: attached and taken since the state began, low, and still low now.
func (c *modelCase) proven(latest lifecycle.Reading) bool {
	for i, r := range c.readings {
		if c.attached[i].After(c.since) && r.At.After(c.since) && r.Value < 3 && latest.Value < 3 && latest.At.After(c.since) {
			return true
		}
	}
	return false
}

// compare reads the store, not the service: what the model says must be what is on disk.
func (w *world) compare(id int64, c *modelCase) (diff string) {
	err := w.DB.Read(context.Background(), func(tx *db.Tx) error {
		got, err := getCase(tx, id)
		if err != nil {
			return err
		}
		var timers, waiting int
		if err := tx.QueryRow("select count(*) from timers where id = $1", id).Scan(&timers); err != nil {
			return err
		}
		for _, at := range c.due {
			if !at.IsZero() {
				waiting++
			}
		}
		counts := map[string]int{}
		entries, err := timeline(tx, id)
		if err != nil {
			return err
		}
		for _, e := range entries {
			counts[e.Kind]++
		}
		switch {
		case got.State != c.state, !got.Since.Equal(c.since), got.Generation != int64(c.moves), got.ClosedAt.IsZero() == c.closed():
			diff = fmt.Sprintf("it stands in %s since %v after %d moves, the notebook says %s, %v, %d", got.State, got.Since, got.Generation, c.state, c.since, c.moves)
		case counts["move"] != c.moves, counts["overdue"] != c.overdue, counts["evidence"] != len(c.readings), counts["alert"] != 1:
			diff = fmt.Sprintf("the timeline counts %v, the notebook says %d moves, %d overdue, %d readings", counts, c.moves, c.overdue, len(c.readings))
		case timers != waiting:
			diff = fmt.Sprintf("%d timers, the notebook has %d appointments", timers, waiting)
		}
		return nil
	})
	if err != nil {
		return err.Error()
	}
	return diff
}

// anyone is mostly an officer, sometimes one with fewer roles, sometimes no person at all.
func anyone() *rapid.Generator[access.Actor] {
	return rapid.Custom(func(rt *rapid.T) access.Actor {
		id := rapid.Int64Range(1, 3).Draw(rt, "id")
		switch rapid.IntRange(0, 9).Draw(rt, "sort") {
		case 0:
			return access.DeviceActor(id, "sensor", "x")
		case 1:
			return access.System("respond")
		case 2:
			return officer(id, "analyst")
		case 3:
			return officer(id, "operator")
		default:
			return officer(id)
		}
	})
}

// TestPastNewsAgainstNothing tells of several alerts at random, two of which have one cause, and merges their cases; past news that
// comes again, however much of it, changes nothing, and the case of an alert that was merged into none has the alert's level.
func TestPastNewsAgainstNothing(t *testing.T) {
	d := dbtest.SQLite(t, rooms()...)
	first, event := int64(0), int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, d, mergeable(t))
		first += 10
		levels := map[int64]string{}
		rt.Repeat(map[string]func(*rapid.T){
			"news": func(rt *rapid.T) {
				a := first + rapid.Int64Range(0, 2).Draw(rt, "alert")
				lead := int64(0)
				if a == first+2 {
					lead = first
				}
				event++
				subject := rapid.SampledFrom([]string{"alert.changed", "alert.changed", "alert.rest_over", "alert.cleared"}).Draw(rt, "subject")
				if levels[a] == "" {
					subject = "alert.raised"
				}
				if subject != "alert.cleared" {
					levels[a] = rapid.SampledFrom([]string{"blue", "yellow", "orange", "red"}).Draw(rt, "level")
				}
				w.hear(bus.Message{ID: event, Subject: subject, Data: fmt.Appendf(nil, `{"alert":%d,"lead":%d,"detector":"gas/methane-indoor","level":%q,"rests":%t,
					"opens":{"case":"gas-leak","from":"orange"},"title":{"en":"Methane","zh-CN":"甲烷"},"datastreams":[%d]}`,
					a, lead, levels[a], rapid.IntRange(0, 4).Draw(rt, "rests") == 0, a)})
			},
			"merge": func(rt *rapid.T) {
				var open []int64
				for a := range int64(2) {
					if n := w.count(`select count(*) from cases where alert = $1 and state = 'opened'`, first+a); n == 1 {
						open = append(open, w.caseOf("alert", first+a))
					}
				}
				if len(open) == 2 {
					w.make(watch, open[1], "merge", map[string]any{"into": float64(open[0])})
				}
			},
			"past news comes again": func(rt *rapid.T) {
				if diff := w.again(rapid.IntRange(1, 12).Draw(rt, "news")); diff != "" {
					rt.Fatal(diff)
				}
			},
			"": func(rt *rapid.T) {
				a := first + 1 // nothing is merged into its case, and none joins it
				wrong := w.count(`select count(*) from cases where alert = $1 and merged_into = 0 and level <> $2`, a, levels[a])
				if wrong > 0 {
					rt.Fatalf("alert %d is %s, its case is not", a, levels[a])
				}
			},
		})
	})
}
