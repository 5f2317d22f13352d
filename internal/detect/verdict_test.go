package detect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// What people found out: the newest word counts, the end of a case says it unless a person has, and every word stays in the
// history.
func TestVerdicts(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0 + hour))
		log := newLog(leak(1, t0), leak(2, t0))
		s := room(t, d, log, c, nil)
		drain(t, s, log)
		outcome := func(id int64) string {
			t.Helper()
			a, err := s.Get(officer(1), id)
			must(t, err)
			if a.Outcome == nil {
				return "none"
			}
			v := a.Outcome
			onset := "?"
			if v.Onset != nil {
				onset = v.Onset.Sub(db.Time(t0)).String()
			}
			return fmt.Sprintf("%s since %s, %q by %q, case %d", v.Verdict, onset, v.Note, v.By, v.Case)
		}
		words := func(id int64) string {
			t.Helper()
			a, err := s.Get(officer(1), id)
			must(t, err)
			var out []string
			for _, h := range a.History {
				if h.Kind == "verdict" {
					out = append(out, h.Actor+" "+h.Note)
				}
			}
			return strings.Join(out, "; ")
		}
		if got := outcome(1); got != "none" {
			t.Error(got)
		}
		closed := func(id, alert int64, outcome string) events.CaseClosed {
			return events.CaseClosed{Case: id, Kind: "gas-leak", Alert: alert, Outcome: outcome, At: c.Now()}
		}
		hears(t, s, events.CaseOpened{Case: 7, Alert: 1}, closed(7, 1, "unfounded"), closed(7, 1, "unfounded"), closed(8, 4711, "proven"), closed(9, 2, "handed over"))
		if got := outcome(1); got != `false since ?, "" by "", case 7` {
			t.Error(got)
		}
		if got := outcome(2); got != "none" { // an end that says nothing of what it was
			t.Error(got)
		}
		c.Advance(time.Minute)
		onset := db.Time(t0 + 3*minute)
		_, err := s.Judge(officer(1), 1, Verdict{Verdict: Real, Onset: &onset, Note: " a cracked hose, ask 13812345678 "})
		must(t, err)
		if got := outcome(1); got != `real since 3m0s, "a cracked hose, ask ***" by "Officer 1", case 0` {
			t.Error(got)
		}
		c.Advance(time.Minute)
		hears(t, s, closed(7, 1, "unfounded")) // a person has said otherwise
		if got := outcome(1); got != `real since 3m0s, "a cracked hose, ask ***" by "Officer 1", case 0` {
			t.Error(got)
		}
		_, err = s.Judge(officer(2), 1, Verdict{Verdict: Drill})
		must(t, err)
		if got := outcome(1); got != `drill since ?, "" by "Officer 2", case 0` {
			t.Error(got)
		}
		if got := words(1); got != ` false: ; Officer 1 real: a cracked hose, ask ***; Officer 2 drill: ` {
			t.Errorf("%q", got)
		}
		list, err := s.List(officer(1), Filter{}, 0, 10)
		if err != nil || list[1].Outcome == nil || list[1].Outcome.Verdict != Drill || list[0].Outcome != nil {
			t.Errorf("%+v %v", list, err)
		}
		var leaves int
		read(t, d, &leaves, "select count(*) from ledger_leaves where record like '%alert.judge%'")
		if leaves != 2 {
			t.Errorf("%d entries in the ledger", leaves)
		}

		future := c.Now().Add(time.Second)
		judge := func(id int64, v Verdict) func() error {
			return func() error { _, err := s.Judge(officer(1), id, v); return err }
		}
		refused(t, "alert.verdict", 422, judge(1, Verdict{Verdict: "maybe"}))
		refused(t, "alert.verdict", 422, judge(1, Verdict{}))
		refused(t, "alert.onset", 422, judge(1, Verdict{Verdict: Real, Onset: &future}))
		refused(t, "alert.onset", 422, judge(1, Verdict{Verdict: False, Onset: &onset}))
		refused(t, "alert.note_too_long", 422, judge(1, Verdict{Verdict: Real, Note: strings.Repeat("x", maxNote+1)}))
		refused(t, "alert.unknown", 404, judge(99, Verdict{Verdict: Real}))
		s.Access = nobody{new([]string)}
		refused(t, "access.denied", 403, judge(1, Verdict{Verdict: Real}))
		s.Access = access.AllowAll
		if got := outcome(1); !strings.HasPrefix(got, "drill") {
			t.Error(got)
		}
	})
}

// Two words of one instant are both kept.
func TestVerdictsOfOneInstant(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		log := newLog(leak(1, t0))
		s := room(t, d, log, clock.NewVirtual(db.Time(t0+hour)), nil)
		drain(t, s, log)
		for i, v := range []string{Unclear, Real} {
			_, err := s.Judge(officer(int64(i+1)), 1, Verdict{Verdict: v})
			must(t, err)
		}
		a, err := s.Get(officer(1), 1)
		must(t, err)
		n := 0
		for _, h := range a.History {
			if h.Kind == "verdict" {
				n++
			}
		}
		if a.Outcome.Verdict != Real || n != 2 {
			t.Errorf("%+v, %d words in the history", a.Outcome, n)
		}
	})
}
