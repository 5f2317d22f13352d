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
	"github.com/anlan-city/anlan/internal/platform/web"
)

// leaks is a register whose kitchen alarms 1 to 9 hang in one building, so that their alerts are one group.
func leaks() laid {
	out := laid{}
	for id := int64(1); id < 10; id++ {
		out[id] = func(s *engine.Stream) { s.Place = 501 }
	}
	return out
}

// kept lets nobody at one alert.
type kept int64

func (k kept) Decide(_ context.Context, action string, on access.Resource, _ access.Purpose) error {
	if on.ID == int64(k) && action == "alert.acknowledge" {
		return web.Errorf(403, "access.denied", "not yours")
	}
	return nil
}

func deedLine(x *GroupDeed) string {
	out := fmt.Sprintf("lead %d done %v", x.Lead, x.Done)
	for _, r := range x.Refused {
		out += fmt.Sprintf(", not %d: %s", r.Alert, r.Code)
		if r.By != "" {
			out += " " + r.By
		}
	}
	return out
}

// A group is acknowledged in one deed, each of its alerts with its own row and entry; what was not done is reported; what joins
// later is new in an acknowledged group.
func TestAcknowledgeGroup(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0 + 10*minute))
		log := newLog(leak(1, t0)[:8], leak(2, t0)[:8], leak(3, t0)[:8], leak(4, t0)) // 4 clears
		s := room(t, d, log, c, func(x *Deps) { x.Register = leaks() })
		if none, err := s.List(officer(1), Filter{}, 0, 10); err != nil || len(none) != 0 {
			t.Fatal(none, err)
		}
		drain(t, s, log)
		_, err := s.Acknowledge(officer(2), 2, "")
		must(t, err)
		s.Access = kept(3)
		deed := func(by, id int64, note string) string {
			t.Helper()
			x, err := s.AcknowledgeGroup(officer(by), id, note)
			must(t, err)
			return deedLine(x)
		}
		state := func(id int64) string {
			t.Helper()
			a, err := s.Get(officer(1), id)
			must(t, err)
			out := a.State + " " + a.AcknowledgedBy
			if a.WholeGroup != nil {
				out += fmt.Sprintf(", group by %s at %d", a.WholeGroup.By, (db.Micros(a.WholeGroup.At)-t0)/minute)
			}
			return out
		}
		if got := deed(1, 3, " one leak, ask 13812345678 "); got != "lead 1 done [1], not 2: alert.acknowledged Officer 2, not 3: access.denied" {
			t.Error(got)
		}
		c.Advance(time.Minute)
		if got := deed(1, 3, "once more"); got != "lead 1 done [], not 2: alert.acknowledged Officer 2, not 3: access.denied" { // nothing new, though 3 waits
			t.Error(got)
		}
		for id, want := range map[int64]string{
			1: "acknowledged Officer 1, group by Officer 1 at 10", 2: "acknowledged Officer 2, group by Officer 1 at 10",
			3: "raised , group by Officer 1 at 10", 4: "cleared , group by Officer 1 at 10",
		} {
			if got := state(id); got != want {
				t.Errorf("%d: %s", id, got)
			}
		}
		rows := func(id int64) string {
			t.Helper()
			a, err := s.Get(officer(1), id)
			must(t, err)
			var out []string
			for _, h := range a.History {
				if strings.Contains(h.Kind, "acknowledged") {
					out = append(out, h.Kind+" "+h.Actor+" "+h.Note)
				}
			}
			return strings.Join(out, "; ")
		}
		if got := rows(1); got != "acknowledged Officer 1 one leak, ask ***; group_acknowledged Officer 1 one leak, ask ***" {
			t.Error(got)
		}
		s.Access = access.AllowAll
		c.Advance(time.Minute)
		if got := deed(1, 1, "and this"); got != "lead 1 done [3], not 2: alert.acknowledged Officer 2" {
			t.Error(got)
		}
		c.Advance(time.Minute)
		if got := deed(1, 1, "and this"); got != "lead 1 done [], not 2: alert.acknowledged Officer 2" { // a repeat
			t.Error(got)
		}
		if got := rows(1); strings.Count(got, "group_acknowledged") != 2 {
			t.Error(got)
		}
		if got := rows(3); got != "acknowledged Officer 1 and this" {
			t.Error(got)
		}

		// What joins is new.
		log.append(leak(5, t0+12*minute)[:8])
		c.Set(db.Time(t0 + 16*minute))
		drain(t, s, log)
		if got := state(5); got != "raised , group by Officer 1 at 12" {
			t.Error(got)
		}
		list, err := s.List(officer(1), Filter{Open: true}, 0, 10)
		if err != nil || list[0].Lead != 1 || list[0].State != Raised || list[0].WholeGroup == nil || list[3].WholeGroup == nil {
			t.Errorf("%+v %v", list, err)
		}
		var leaves, grouped int
		read(t, d, &leaves, "select count(*) from ledger_leaves where record like '%alert.acknowledge%'")
		read(t, d, &grouped, `select count(*) from ledger_leaves where record like '%alert.acknowledge%' and record like '%"group":1%'`)
		if leaves != 3 || grouped != 2 {
			t.Errorf("%d entries in the ledger, %d of the group", leaves, grouped)
		}
		if got := strings.Count(strings.Join(news(t, d), " "), "acknowledged"); got != 3 {
			t.Errorf("%d told of", got)
		}
		refused(t, "alert.unknown", 404, func() error { _, err := s.AcknowledgeGroup(officer(1), 99, ""); return err })
		refused(t, "alert.note_too_long", 422, func() error { _, err := s.AcknowledgeGroup(officer(1), 1, strings.Repeat("x", maxNote+1)); return err })
		s.Access = nobody{new([]string)}
		refused(t, "access.denied", 403, func() error { _, err := s.AcknowledgeGroup(officer(1), 1, ""); return err })
	})
}

// A group larger than one transaction.
func TestAcknowledgeLargeGroup(t *testing.T) {
	d := dbtest.SQLite(t, tables...)
	wide := laid{}
	log := newLog()
	const n = 2*recordAtOnce + 7
	for id := int64(1); id <= n; id++ {
		wide[id] = func(s *engine.Stream) { s.Place, s.Kind, s.Property = 501, "gas/kitchen-alarm", "gas/methane" }
		log.append(leak(id, t0)[:8])
	}
	s := room(t, d, log, clock.NewVirtual(db.Time(t0+hour)), func(x *Deps) { x.Register = wide })
	drain(t, s, log)
	x, err := s.AcknowledgeGroup(officer(1), 1, "")
	if err != nil || len(x.Done) != n || len(x.Refused) != 0 {
		t.Errorf("%d of %d, %v", len(x.Done), n, err)
	}
}

// What was found out about one alert is said of all of its group, each with its own record, except where a person has said
// otherwise; in the figures the group is one alarm.
func TestJudgeGroup(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0 + hour))
		log := newLog(leak(1, t0)[:8], leak(2, t0)[:8], leak(3, t0)[:8], leak(4, t0)[:8], leak(11, t0)[:8], leak(2, t0)[8:])
		s := room(t, d, log, c, func(x *Deps) { x.Register = leaks() })
		drain(t, s, log)
		_, err := s.Judge(officer(2), 3, Verdict{Verdict: Unclear, Note: "no access"})
		must(t, err)
		onset := db.Time(t0 + minute/2)
		v := Verdict{Verdict: Real, Onset: &onset, Note: "hose, ask 13812345678"}
		for range 2 { // a repeat says the same
			x, err := s.JudgeGroup(officer(1), 1, v)
			must(t, err)
			if got := deedLine(x); got != "lead 1 done [1 2 4], not 3: alert.judged Officer 2" {
				t.Error(got)
			}
		}
		for id, want := range map[int64]string{1: "real hose, ask *** Officer 1", 2: "real hose, ask *** Officer 1", 3: "unclear no access Officer 2", 4: "real hose, ask *** Officer 1"} {
			a, err := s.Get(officer(1), id)
			must(t, err)
			words := 0
			for _, h := range a.History {
				if h.Kind == "verdict" {
					words++
				}
			}
			if o := a.Outcome; o == nil || o.Verdict+" "+o.Note+" "+o.By != want || words != 1 {
				t.Errorf("%d: %+v, %d words", id, o, words)
			}
		}
		var leaves int
		read(t, d, &leaves, "select count(*) from ledger_leaves where record like '%alert.judge%'")
		if leaves < 4 {
			t.Errorf("%d entries in the ledger", leaves)
		}
		f, err := s.Figures(officer(1), db.Time(t0-hour), db.Time(t0+hour))
		must(t, err)
		for _, x := range f.Detectors {
			if x.Name == "gas/methane-indoor" && (x.Alarms != 2 || x.Real != 1 || x.Unverified != 1 || x.Raised != 5 || x.Lead.N != 1) {
				t.Errorf("%+v", x)
			}
		}
		// The one of which it is said takes the new word, also where a person had said another.
		x, err := s.JudgeGroup(officer(1), 3, Verdict{Verdict: Real, Onset: &onset, Note: "hose, ask 13812345678"})
		must(t, err)
		if got := deedLine(x); got != "lead 1 done [1 2 3 4]" {
			t.Error(got)
		}
		// He may correct himself, and another still may not; nor may somebody of his name.
		x, err = s.JudgeGroup(officer(1), 1, Verdict{Verdict: False, Note: "a hose that was open for a test"})
		must(t, err)
		if got := deedLine(x); got != "lead 1 done [1 2 3 4]" {
			t.Error(got)
		}
		namesake := access.With(context.Background(), access.Actor{Kind: access.KindAccount, ID: 7, Name: "Officer 1"})
		x, err = s.JudgeGroup(namesake, 1, Verdict{Verdict: Drill})
		must(t, err)
		if got := deedLine(x); got != "lead 1 done [1], not 2: alert.judged Officer 1, not 3: alert.judged Officer 1, not 4: alert.judged Officer 1" {
			t.Error(got)
		}
		refused(t, "alert.verdict", 422, func() error { _, err := s.JudgeGroup(officer(1), 1, Verdict{Verdict: "maybe"}); return err })
		refused(t, "alert.unknown", 404, func() error { _, err := s.JudgeGroup(officer(1), 99, v); return err })
	})
}
