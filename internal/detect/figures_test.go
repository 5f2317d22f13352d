package detect

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// hears lets a room hear news, one after the other, as the bus would.
func hears(t *testing.T, s *Service, news ...any) {
	t.Helper()
	told := make(chan error, 1)
	s.News = newsFunc(func(ctx context.Context, fn func(context.Context, bus.Message) error) error {
		for i, n := range news {
			body, err := json.Marshal(n)
			if err == nil {
				err = fn(ctx, bus.Message{ID: int64(i + 1), Subject: n.(interface{ Subject() string }).Subject(), Data: body})
			}
			if err != nil {
				told <- err
				return err
			}
		}
		told <- nil
		return nil
	})
	s.hear(context.Background())
	must(t, <-told)
}

func figuresOf(t *testing.T, s *Service, from, to time.Time) *Figures {
	t.Helper()
	f, err := s.Figures(officer(1), from, to)
	must(t, err)
	return f
}

// The figures of a running city: what people found out, what came to light in another way, and what nobody raised.
func TestFigures(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0 + hour))
		log := newLog(leak(1, t0), leak(2, t0), leak(3, t0), leak(4, t0), leak(5, t0)) // raised at 2 min, red, cleared
		s := room(t, d, log, c, nil)
		drain(t, s, log)
		onset := db.Time(t0 + 10*minute)
		for id, v := range map[int64]Verdict{1: {Verdict: Real, Onset: &onset}, 2: {Verdict: False}, 3: {Verdict: Drill}, 4: {Verdict: Unclear}} {
			_, err := s.Judge(officer(1), id, v)
			must(t, err)
		}
		opened := func(id, asset, place, at int64) events.CaseOpened {
			return events.CaseOpened{Case: id, Kind: "gas-leak", Report: 90 + id, Asset: asset, Place: place, At: db.Time(at)}
		}
		closed := func(id int64, outcome string) events.CaseClosed {
			return events.CaseClosed{Case: id, Kind: "gas-leak", Outcome: outcome, Report: 90 + id, At: db.Time(t0 + hour)}
		}
		hears(t, s,
			opened(71, 1005, 0, t0+hour), closed(71, "proven"), // an alert was there: nothing was missed
			opened(72, 1005, 0, t0+minute), closed(72, "proven"), // it came after the case
			opened(73, 1005, 0, t0+minute), closed(73, "unfounded"), // there was nothing
			opened(74, 1005, 0, t0+minute),                     // nobody knows yet
			opened(75, 0, 4711, t0+hour), closed(75, "proven"), // where nothing watches
			opened(76, 0, 501, t0+25*hour), closed(76, "proven"), // at the place of one that was raised a day and more before
			opened(77, 0, 501, t0+25*hour), closed(77, "proven"), closed(77, "proven"), opened(77, 0, 501, t0+25*hour), // told twice
			events.CaseOpened{Case: 78, Kind: "gas-odour", Report: 98, Asset: 1005, At: db.Time(t0)}, // of a kind that nothing opens
		)
		c.Advance(48 * time.Hour)

		f := figuresOf(t, s, time.Time{}, time.Time{})
		if f.To != c.Now() || f.To.Sub(f.From) != 30*24*time.Hour {
			t.Errorf("%s to %s", f.From, f.To)
		}
		if len(f.Detectors) != 2 || len(f.Hazards) != 1 || len(f.Positions) != 1 {
			t.Fatalf("%+v", f)
		}
		ambient, indoor, gas := f.Detectors[0], f.Detectors[1], f.Hazards[0]
		if indoor.Name != "gas/methane-indoor" || indoor.Hazard != "gas" || indoor.Owner != "gas-duty" || indoor.Title.ZH != "室内甲烷泄漏" || indoor.Maturity != "draft" ||
			indoor.Raised != 5 || indoor.Alarms != 5 || indoor.Real != 1 || indoor.False != 1 || indoor.Drill != 1 || indoor.Unclear != 1 || indoor.Unverified != 1 ||
			indoor.Missed != 3 || indoor.POD != 0.25 || indoor.FAR != 0.5 || indoor.CSI != 0.2 || indoor.Lead.N != 1 || indoor.Lead.Median != 480 {
			t.Errorf("%+v", indoor)
		}
		if ambient.Name != "gas/methane-ambient" || ambient.Alarms != 0 || ambient.Missed != 0 || ambient.POD.Defined() || ambient.FAR.Defined() {
			t.Errorf("%+v", ambient)
		}
		if gas.Name != "gas" || gas.Real != 1 || gas.Missed != 4 || gas.Unwatched != 1 || gas.POD != 0.2 {
			t.Errorf("%+v", gas)
		}
		var missed []string
		for _, m := range f.Missed {
			missed = append(missed, fmt.Sprint(m.Case, m.Report, m.Detectors))
		}
		if got := strings.Join(missed, "; "); got != "76 166 [gas/methane-indoor]; 77 167 [gas/methane-indoor]; 75 165 []; 72 162 [gas/methane-indoor]" {
			t.Error(got)
		}

		// Another time: nothing, and all of it undefined; the detectors are there.
		f = figuresOf(t, s, db.Time(t0-48*hour), db.Time(t0-24*hour))
		if len(f.Detectors) != 2 || f.Detectors[1].Alarms != 0 || f.Detectors[1].POD.Defined() || len(f.Missed) != 0 || f.Positions[0].Load.Alarms != 0 {
			t.Errorf("%+v", f)
		}
		refused(t, "watch.span", 422, func() error { _, err := s.Figures(officer(1), c.Now(), c.Now()); return err })
		refused(t, "watch.span", 422, func() error { _, err := s.Figures(officer(1), c.Now().Add(-400*24*time.Hour), time.Time{}); return err })
		s.Access = nobody{new([]string)}
		refused(t, "access.denied", 403, func() error { _, err := s.Figures(officer(1), time.Time{}, time.Time{}); return err })
		refused(t, "access.denied", 403, func() error { _, _, err := s.LoadNow(officer(1)); return err })
	})
}

// The list behind each figure holds just those alerts.
func TestListBehindFigures(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0 + hour))
		log := newLog(leak(1, t0), leak(2, t0+10*minute), leak(3, t0+20*minute)[:8])
		s := room(t, d, log, c, nil)
		drain(t, s, log)
		_, err := s.Judge(officer(1), 1, Verdict{Verdict: Real})
		must(t, err)
		_, err = s.Judge(officer(1), 2, Verdict{Verdict: False})
		must(t, err)
		for _, x := range []struct {
			f    Filter
			want string
		}{
			{Filter{}, "[3 2 1]"},
			{Filter{Detector: "gas/methane-indoor"}, "[3 2 1]"},
			{Filter{Detector: "gas/methane-ambient"}, "[]"},
			{Filter{Detector: "gas"}, "[3 2 1]"},
			{Filter{Detector: "ga"}, "[]"},
			{Filter{Owner: "gas-duty", Kind: "hazard"}, "[3 2 1]"},
			{Filter{Owner: "nobody"}, "[]"},
			{Filter{Kind: "monitoring"}, "[]"},
			{Filter{Outcome: Real}, "[1]"},
			{Filter{Outcome: False, Detector: "gas"}, "[2]"},
			{Filter{Outcome: Drill}, "[]"},
			{Filter{Outcome: Unverified}, "[3]"},
			{Filter{Asset: 1002}, "[2]"},
			{Filter{From: db.Time(t0 + 12*minute)}, "[3 2]"},
			{Filter{From: db.Time(t0 + 12*minute), To: db.Time(t0 + 22*minute)}, "[2]"},
			{Filter{To: db.Time(t0 + 2*minute)}, "[]"},
			{Filter{Open: true, To: db.Time(t0 + hour)}, "[3]"},
		} {
			list, err := s.List(officer(1), x.f, 0, 10)
			must(t, err)
			ids := []int64{}
			for _, a := range list {
				ids = append(ids, a.ID)
			}
			if got := fmt.Sprint(ids); got != x.want {
				t.Errorf("%+v: %s, want %s", x.f, got, x.want)
			}
		}
	})
}

// The load is what people were told: what rests counts when it rests no more, one that comes back counts again.
func TestAlarmLoad(t *testing.T) {
	rules := replaceOnce(t, testDetectors, "silent_after: 2h", "silent_after: 2h\n  quiet: 20m")
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0))
		crews := &planned{works: []crew{{id: 9, from: t0 - hour, until: t0 + 2*hour, assets: []int64{1001, 1002}}}}
		change := func(x *Deps) { x.Works, x.Detectors = crews, compiled(t, rules) }
		var s *Service
		log := newLog()
		run := func(now int64, rs ...[]int64) { // alarm, its leak's begin, number of readings
			c.Set(db.Time(now))
			for _, r := range rs {
				log.append(leak(r[0], r[1])[:r[2]])
			}
			s = room(t, d, log, c, change)
			drain(t, s, log)
			must(t, s.endRests(context.Background()))
		}
		run(t0+30*minute, []int64{1, t0, 33}, []int64{2, t0, 8}, []int64{3, t0, 33}, []int64{4, t0, 8}) // 1 and 2 rest; 1 and 3 have cleared
		a, err := s.Get(officer(1), 4)
		must(t, err)
		_, err = s.Shelve(officer(1), a.ID, c.Now().Add(time.Hour), "known") // after it was told: it counts
		must(t, err)
		run(t0+31*minute, []int64{3, t0 + 17*minute, 8}) // 3 comes back
		run(t0 + 3*hour)                                 // the works are over: 2 counts
		run(t0 + 48*hour)

		f := figuresOf(t, s, db.Time(t0), db.Time(t0+48*hour))
		p := f.Positions[0]
		if p.Position != "gas-duty" || p.Detectors != 2 || p.Load.Alarms != 4 || p.Returned != 1 || p.Rested != (Rested{Alerts: 2, Works: 2, Counted: 1, Shelvings: 1}) ||
			p.Load.Periods != 48*6 || p.Load.Largest != 3 || len(p.Load.Floods) != 0 || p.StaleNow != 3 || p.Load.Stale != 3 {
			t.Errorf("%+v", p)
		}
		var top []string
		for _, x := range p.Top {
			top = append(top, fmt.Sprint(x.Name.EN, " ", x.Alarms, " ", x.Asset, " ", x.Detector))
		}
		if got := strings.Join(top, ", "); got != "Alarm 3 2 1003 gas/methane-indoor, Alarm 2 1 1002 gas/methane-indoor, Alarm 4 1 1004 gas/methane-indoor" {
			t.Error(got)
		}
		// What stood before the time is stale in it, and no alarm of it.
		p = figuresOf(t, s, db.Time(t0+40*hour), db.Time(t0+48*hour)).Positions[0]
		if p.Load.Alarms != 0 || p.Load.Stale != 3 || p.StaleNow != 3 || len(p.Top) != 0 {
			t.Errorf("%+v", p)
		}
	})
}

// A flood is told while it lasts, from the rows alone.
func TestLoadNow(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0))
		log := newLog()
		s := room(t, d, log, c, nil)
		now := func() string {
			at, all, err := room(t, d, log, c, nil).LoadNow(officer(1))
			must(t, err)
			if len(all) != 1 || !at.Equal(c.Now()) {
				t.Fatalf("%+v", all)
			}
			p := all[0]
			since := "no flood"
			if p.FloodSince != nil {
				since = "flood since " + p.FloodSince.Sub(db.Time(t0)).String()
			}
			return fmt.Sprintf("%s: %d, %d, %d; %d stand, %d rest; %s", p.Position, p.Last10Min, p.LastHour, p.LastDay, p.Standing, p.Resting, since)
		}
		if got := now(); got != "gas-duty: 0, 0, 0; 0 stand, 0 rest; no flood" {
			t.Error(got)
		}
		ctx := context.Background()
		must(t, s.load(ctx))
		for id := int64(1); id <= 12; id++ { // every 20 s one more
			c.Advance(20 * time.Second)
			log.append(leak(id, db.Micros(c.Now())-2*minute)[:6])
			must(t, s.batch(ctx, log.rows[id-1]))
		}
		if got := now(); got != "gas-duty: 12, 12, 12; 12 stand, 0 rest; flood since 3m40s" {
			t.Error(got)
		}
		_, err := s.Shelve(officer(1), 1, c.Now().Add(time.Hour), "known")
		must(t, err)
		c.Advance(8*time.Minute + 20*time.Second) // 1 to 7 are ten minutes old and more
		if got := now(); got != "gas-duty: 5, 12, 12; 11 stand, 1 rest; flood since 3m40s" {
			t.Error(got)
		}
		c.Advance(20 * time.Second)
		if got := now(); got != "gas-duty: 4, 12, 12; 11 stand, 1 rest; no flood" {
			t.Error(got)
		}
		c.Advance(24 * time.Hour)
		if got := now(); got != "gas-duty: 0, 0, 0; 12 stand, 0 rest; no flood" {
			t.Error(got)
		}
	})
}
