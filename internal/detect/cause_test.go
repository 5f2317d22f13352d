package detect

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
)

// names is the harbour's register of instruments, by what an alert may tell of them.
type names map[int64]bool // those that are gone

func (n names) Instruments(_ context.Context, ids []int64) map[int64]Instrument {
	out := map[int64]Instrument{}
	for _, id := range ids {
		st := harbour(id)
		in := Instrument{
			Datastream: id, Name: fmt.Sprintf("sensor-%d", id), Property: Wording{EN: "Methane", ZH: "甲烷"}, Unit: "%LEL",
			Asset: st.Asset, AssetName: st.AssetName, Place: st.Place, PlaceName: st.PlaceName, Home: id > 200,
		}
		if in.Home {
			in.AssetName = Wording{EN: "Gas alarm in a home", ZH: "户内燃气报警器"}
		}
		if !n[id] {
			out[id] = in
		}
	}
	return out
}

// An alert of several instruments names every one of them with what it read then, and says which are no longer there; one of
// an instrument in a home tells no value.
func TestAlertNamesItsInstruments(t *testing.T) {
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		rs := every(minute, 101, 2, 2, 2, 2, 2, 2, 5, 5, 5, 5, 5, 5, 5, 5)
		for i, r := range every(minute, 102, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3) {
			rs = append(rs[:2*i+1], append([]engine.Reading{r}, rs[2*i+1:]...)...)
		}
		log := newLog(rs, leak(201, t0)[:8])
		s := room(t, d, log, clock.NewVirtual(db.Time(t0+hour)), func(x *Deps) { x.Names = names{103: true} })
		drain(t, s, log)
		say := func(id int64) string {
			t.Helper()
			a, err := s.Get(officer(1), id)
			must(t, err)
			var out []string
			for _, in := range a.Instruments {
				said := fmt.Sprintf("%s %s %q", in.Name, in.AssetName.EN, in.PlaceName.ZH)
				if in.Raised != nil {
					said += fmt.Sprintf(" %g at %d min", in.Raised.Value, (db.Micros(in.Raised.At)-t0)/minute)
				}
				out = append(out, said)
			}
			for _, f := range a.Figures {
				out = append(out, fmt.Sprintf("%s=%g %s", f.Title.EN, f.Value, f.Unit))
			}
			return strings.Join(out, "; ")
		}
		list, err := s.List(officer(1), Filter{Detector: "gas/methane-ambient"}, 0, 10)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		fence, home := list[0].ID, int64(1)
		if fence == 1 {
			home = 2
		}
		if got := say(fence); !strings.HasPrefix(got, `sensor-101 Alarm 101 "4号楼" 5 at 10 min; sensor-102 Alarm 102 "4号楼" 3 at `) ||
			!strings.Contains(got, "Ambient methane=5 ppm; Ambient methane above background=2.99") {
			t.Error(got)
		}
		if got := say(home); !strings.HasPrefix(got, `sensor-201 Gas alarm in a home "4号楼"; Methane in air=25 %LEL`) {
			t.Error(got)
		}
		// What was kept at the time stands when the instruments are gone.
		s.Names = names{101: true, 102: true}
		if got := say(fence); !strings.HasPrefix(got, ` Alarm 101 "4号楼" 5 at 10 min;   "" 3 at `) {
			t.Error(got)
		}
		a, err := s.Get(officer(1), fence)
		must(t, err)
		if h := a.History[0]; len(h.Figures) != 2 || h.Because == nil || h.Because.EN == "" {
			t.Errorf("%+v", h)
		}
	})
}

// A rule that joins others says which alerts and reports it has joined, and does not tell the flat where it stands.
func TestJoinedAlertSaysWhatItJoins(t *testing.T) {
	const joins = `
- id: methane-low
  title: {en: A little methane, zh-CN: 少量甲烷}
  watches: methane
  on: [kitchen-alarm]
  every: 30s
  levels: {blue: {when: "value >= 5"}}
  clear: {when: "value < 3", for: 10m}
  silent_after: 2h
  because: {en: "{{value}}", zh-CN: "{{value}}"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: gas-duty
- id: confirmed
  title: {en: Leak confirmed, zh-CN: 泄漏证实}
  joins:
    within: 30m
    near: 80
    of: [{alert: methane-indoor, from: orange}, {reports: gas-smell}, {alert: methane-low}]
  levels: {orange: {when: "signals >= 2"}, red: {when: "signals >= 3"}}
  clear: {when: "signals < 2", for: 10m}
  because: {en: "{{signals}} signs at {{place}}", zh-CN: "{{place}}出现{{signals}}类信号"}
  source: a test
  known_false_alarms: [sewers]
  maturity: draft
  owner: gas-duty
`
	dbtest.Each(t, tables, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(db.Time(t0 + 4*minute))
		log := newLog(leak(201, t0)[:8], leak(2, t0)[:8])
		far := laid{201: func(s *engine.Stream) { s.Point = &[2]float64{121.5, 31.2} }, 1: func(s *engine.Stream) { s.Point = &[2]float64{121.5003, 31.2} }}
		s := room(t, d, log, c, func(x *Deps) { x.Register, x.Detectors, x.Names = far, compiled(t, testDetectors+joins), names{} })
		drain(t, s, log)
		hears(t, s,
			events.ReportReceived{Report: 7, Category: "gas-smell", About: "place", Precision: "point", Point: &[2]float64{121.5002, 31.2}, At: c.Now()},
			events.ReportReceived{Report: 8, Category: "gas-smell", About: "place", Precision: "point", Point: &[2]float64{121.6, 31.2}, At: c.Now()})
		list, err := s.List(officer(1), Filter{Detector: "gas/confirmed", Asset: 1201}, 0, 10)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		a, err := s.Get(officer(1), list[0].ID)
		must(t, err)
		var got []string
		for _, x := range a.Signals {
			got = append(got, fmt.Sprintf("%d/%d %s %s", x.Alert, x.Report, x.Title.EN, x.Level))
		}
		if got := strings.Join(got, "; "); got != "1/0 Methane indoors red; 0/7 Smell of gas none" {
			t.Error(got)
		}
		// A level that rises says what it rests on now.
		for id := int64(9); id < 9+2*maxSignals; id++ { // many report, and hide no alert
			hears(t, s, events.ReportReceived{Report: id, Category: "gas-smell", About: "place", Precision: "point", Point: &[2]float64{121.5001, 31.2}, At: c.Now()})
		}
		log.append(leak(1, t0)[:8])
		drain(t, s, log)
		if a, err = s.Get(officer(1), a.ID); err != nil || a.Level != engine.Red || len(a.Signals) != maxSignals {
			t.Fatalf("%s, %+v, %v", a.Level, a.Signals, err)
		}
		if x := a.Signals; x[0].Alert == 0 || x[1].Alert == 0 || x[2].Report == 0 {
			t.Errorf("%+v", x)
		}
		if len(a.Instruments) != 0 {
			t.Errorf("%+v have a part in it", a.Instruments)
		}
		body, err := json.Marshal(a)
		must(t, err)
		if strings.Contains(string(body), "1203") {
			t.Errorf("the flat is told: %s", body)
		}
	})
}

// However many people report, the alerts that were joined are told, and of the reports the newest.
func TestReportsHideNoAlert(t *testing.T) {
	var all []Signal
	for i := range 2 * maxSignals {
		all = append(all, Signal{Report: int64(i + 1), At: db.Time(t0 + int64(i)*second)})
	}
	all = append(all, Signal{Alert: 1, At: db.Time(t0)}, Signal{Alert: 2, At: db.Time(t0 + minute)})
	got := newestSignals(all)
	if len(got) != maxSignals || got[0].Alert != 2 || got[1].Alert != 1 || got[2].Report != 2*maxSignals || got[maxSignals-1].Report != maxSignals+3 {
		t.Errorf("%d: %+v", len(got), got)
	}
	if got := newestSignals(nil); got != nil {
		t.Errorf("%+v of none", got)
	}
}
