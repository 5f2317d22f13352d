package outside

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// Four alarms of a model beside what people found out about ours.
func TestCompare(t *testing.T) {
	at := func(hours float64) int64 { return noon.Add(time.Duration(hours * float64(time.Hour))).UnixMicro() }
	when := func(hours float64) time.Time { return db.Time(at(hours)) }
	until := func(hours float64) *time.Time { x := when(hours); return &x }
	series := map[int64]Series{}
	all, _ := (&town{}).Series(context.Background(), Selection{Property: "flood/level"})
	for _, s := range all[:2] {
		series[s.ID] = s
	}
	own := func(id int64, from, to float64) Alert {
		return Alert{Datastream: id, Asset: 100 + id, Place: 200 + id, RaisedAt: when(from), ClearedAt: until(to)}
	}
	ours := func(alert, id int64, from, to float64, verdict string) detect.Outcome {
		return detect.Outcome{Alert: alert, Detector: "flood/level", Datastreams: []int64{id}, Asset: 100 + id, Place: 200 + id, Raised: when(from), Until: until(to), Verdict: verdict}
	}
	e := &evidence{from: at(0), to: at(48), horizon: (2 * time.Hour).Microseconds(), series: series,
		own: []Alert{
			own(1, 4, 6),   // an hour before the onset: a hit
			own(2, 20, 21), // where ours was wrong, too
			own(1, 30, 31), // beside one that nobody has judged
			own(2, 40, 41), // where nobody else alarmed
		},
		others: []detect.Outcome{
			ours(1, 1, 5.5, 8, detect.Real), ours(2, 2, 20, 21, detect.False), ours(3, 1, 30, 33, ""), ours(4, 2, 10, 11, detect.Drill),
			// Led by the first: of the same event, though nobody has judged it by itself.
			{Alert: 5, Lead: 1, Detector: "flood/rain", Datastreams: []int64{2}, Asset: 102, Place: 202, Raised: when(6), Until: until(7)},
			// Of another model: no detector of ours.
			{Alert: 6, Detector: "outside/other", Datastreams: []int64{2}, Asset: 102, Place: 202, Raised: when(45), Until: until(46), Verdict: detect.False},
		},
		cases: []provenCase{{asset: 102, opened: at(26), closed: at(28)}},
	}
	onset := when(5)
	e.others[0].Onset = &onset
	f := &Figures{Model: "m"}
	e.compare(f)
	if f.Events != 2 || f.Unknown != 2 {
		t.Errorf("%d events, %d unknown", f.Events, f.Unknown)
	}
	m := f.Own
	if m.Alarms != 4 || m.Hits != 1 || m.Misses != 1 || m.False != 2 || m.Alone != 1 || m.Unjudged != 1 || m.PerDay != 2 || m.POD != 0.5 || math.Abs(float64(m.FAR)-2.0/3) > 1e-9 {
		t.Errorf("model %+v", m)
	}
	if m.Lead.N != 1 || m.Lead.Median != 3600 {
		t.Errorf("lead %+v", m.Lead)
	}
	if o := f.Ours; o.Alarms != 5 || o.Hits != 1 || o.Misses != 1 || o.False != 1 || o.Unjudged != 2 || o.Lead.Median != -1800 {
		t.Errorf("ours %+v", o)
	}
	if len(f.Detectors) != 2 || f.Detectors[0].Name != "flood/level" || f.Detectors[1].Name != "flood/rain" {
		t.Errorf("detectors %+v", f.Detectors)
	}
	truth := e.truth()
	for _, c := range []struct {
		series      int64
		hour        float64
		came, known bool
		alarmed     float64
	}{
		{1, 2.9, false, true, 0}, {1, 3, true, true, 0}, {1, 6, true, true, 1}, {1, 9, false, true, 0}, {1, 31, false, false, 1}, {1, 40, false, true, 0},
		{2, 25, true, true, 0}, {2, 20.5, false, true, 1}, {2, 10.5, false, false, 1},
	} {
		came, known := truth[c.series].at(at(c.hour), e.horizon)
		if known != c.known || came != c.came && known || truth[c.series].alarmed(at(c.hour)) != c.alarmed {
			t.Errorf("series %d at %v h: came %v, known %v, alarmed %v", c.series, c.hour, came, known, truth[c.series].alarmed(at(c.hour)))
		}
	}
}

// Scores, forecasts and cases from the store to the figures.
func TestFigures(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		model := newTheirs(t)
		model.answer = func(q Question) any {
			id := q.Series[0].ID
			return object{"version": "1", "scores": []object{{"series": id, "at": q.AskedAt, "score": 0.8}, {"series": q.Series[1].ID, "at": q.AskedAt, "score": 0.1}},
				"forecasts": []object{{"series": id, "at": q.AskedAt + 300, "issued": q.AskedAt, "median": 3.0, "low": 2.5, "high": 3.4, "cover": 0.8}}}
		}
		reg := registration(model.URL)
		m := r.shadow(reg)
		for i := range 8 { // the gauge rises by 1 each window
			r.town.read(1, noon.Add(time.Duration(i)*5*time.Minute), float64(i))
		}
		for range 4 {
			m = r.next(m)
		}
		must(t, r.DB.Write(context.Background(), caseOpened(events.CaseOpened{Case: 5, Kind: "flood", Asset: 101, Place: 201, At: noon.Add(12 * time.Minute)})))
		must(t, r.DB.Write(context.Background(), caseClosed(events.CaseClosed{Case: 5, Kind: "flood", Asset: 101, Outcome: "proven", At: noon.Add(17 * time.Minute)})))
		must(t, r.DB.Write(context.Background(), caseClosed(events.CaseClosed{Case: 6, Kind: "flood", Asset: 101, Outcome: "unfounded", At: noon.Add(17 * time.Minute)})))
		f, err := r.Figures(officer, m.ID, Period{})
		must(t, err)
		if f.Events != 1 || f.Own.Hits != 1 || f.Own.False != 0 || f.Series != 2 || f.Answered != 4 || f.Asked != 4 {
			t.Errorf("%+v", f)
		}
		// Gauge 1: 0.8 while the event is on or at most 2 h ahead (5, 10, 15 min), and 0.8 after it; gauge 2: 0.1, nothing came.
		want := (3*0.04 + 0.64 + 4*0.01) / 8
		if s := f.Scores; s.Forecasts != 8 || s.Happened != 3 || math.Abs(float64(s.Brier)-want) > 1e-9 || f.OursBrier != 3.0/8 {
			t.Errorf("scores %+v, ours %v", s, f.OursBrier)
		}
		if len(f.Forecasts) != 1 {
			t.Fatalf("forecasts %+v", f.Forecasts)
		}
		// At 10, 15 and 20 min the gauge reads 2, 3 and 4; persistence says 1, 2 and 3. That of 25 min is still to come.
		x := f.Forecasts[0]
		if x.Property != "flood/level" || x.N != 3 || x.Unread != 0 || math.Abs(float64(x.Error)-2.0/3) > 1e-9 || x.Persistence != 1 || math.Abs(float64(x.Skill)-1.0/3) > 1e-9 ||
			math.Abs(float64(x.Covered)-1.0/3) > 1e-9 || math.Abs(float64(x.Cover)-0.8) > 1e-9 || math.Abs(float64(x.Width)-0.9) > 1e-9 {
			t.Errorf("forecasts %+v", x)
		}
		body, err := json.Marshal(f)
		must(t, err)
		if !strings.Contains(string(body), `"far":0`) || !strings.Contains(string(body), `"median_s":null`) {
			t.Errorf("%s", body)
		}
		// Old answers go, and figures with them.
		must(t, r.DB.Write(context.Background(), prune(r.clock.Now())))
		if f, err = r.Figures(officer, m.ID, Period{}); err != nil || f.Scores.Forecasts != 2 {
			t.Errorf("%+v %v", f, err)
		}
	})
}

// A reading tells of an instant when it is of that instant or at most a window before it, and after the issue.
func TestSums(t *testing.T) {
	then := 5.0
	f := func(issued, at int64) foretold {
		return foretold{At: at, Issued: issued, Median: 5, Low: 4, High: 6, Cover: 0.9, Then: &then}
	}
	s := &sums{}
	s.add([]foretold{f(0, 100), f(0, 109), f(0, 111), f(95, 105), f(100, 105), f(0, 50)}, []reading{{100, 7}}, 10)
	if s.n != 3 || s.unread != 3 || s.error != 6 || s.held != 0 || s.compared != 3 {
		t.Errorf("%+v", s)
	}
	if x := (&sums{}).figures("p", "m"); x.Error.Defined() || x.Skill.Defined() || x.Covered.Defined() {
		t.Errorf("figures of nothing: %+v", x)
	}
}
