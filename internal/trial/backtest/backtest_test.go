package backtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/methods/verify"
	"github.com/anlan-city/anlan/internal/platform/testdata"
)

const replays = "../../../replays/"

func packs(t *testing.T, dirs ...string) Packs {
	t.Helper()
	p, err := LoadPacks(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, o Options) *Report {
	t.Helper()
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// drill is two hours of a gauge at the dam and one at the weir, one reading a minute; the values stand for a few minutes
// each. The dam rises to 1.5 at 0:20 and to 2.5 at 0:25 until 0:30; the weir rises for a minute at 1:00 and falls silent at
// 1:30.
func drill(t *testing.T) Options {
	t.Helper()
	var b strings.Builder
	b.WriteString("asset,place,property,at,value\n")
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for m := range 121 {
		dam, weir := "0.5", "0.5"
		switch {
		case m >= 25 && m < 30:
			dam = "2.5"
		case m >= 20 && m < 25:
			dam = "1.5"
		}
		if m == 60 {
			weir = "1.2"
		}
		at := start.Add(time.Duration(m) * time.Minute).Format(time.RFC3339)
		b.WriteString("g1,dam,level," + at + "," + dam + "\n")
		if m <= 90 {
			b.WriteString("g2,weir,drill/level," + at + "," + weir + "\n")
		}
	}
	p := packs(t, "testdata/drill")
	h, err := FromTable(file(t, "history.csv", b.String()), p.All)
	if err != nil {
		t.Fatal(err)
	}
	return Options{Packs: p.Names, Detectors: p.Detectors, History: h}
}

func TestDrillByHand(t *testing.T) {
	o := drill(t)
	truth, err := ReadTruth(file(t, "events.csv", `name,start,end,harmful_at,place,kind,detector
dam,2026-03-01T00:15:00Z,2026-03-01T00:40:00Z,2026-03-01T00:50:00Z,dam,high-water,
weir,2026-03-01 01:40:00+00:00,2026-03-01T01:50:00Z,,weir,,high
burst,2026-03-01T01:00:00Z,,,,low-pressure,
last year,2025-03-01T01:00:00Z,2025-03-01T02:00:00Z,,,,
`))
	if err != nil {
		t.Fatal(err)
	}
	o.Truth = truth
	r := run(t, o)
	if r.Hours != 2 || r.Readings != 121+91 || r.Streams != 2 || r.Events != 3 || len(r.Detectors) != 1 {
		t.Fatalf("%+v", r)
	}
	d := r.Detectors[0]
	// The dam is found half an hour before it harms; the weir's own event is missed, and its one alert is false.
	if d.ID != "drill/high" || d.Streams != 2 || d.Events != 2 || d.Found != 1 || d.Missed != 1 || d.False != 1 || d.Episodes != 2 || d.Fresh != 1 {
		t.Errorf("%+v", d)
	}
	if !slices.Equal(d.Leads, []float64{1800}) || d.Lead != (verify.LeadTimes{N: 1, Median: 1800, Tenth: 1800}) {
		t.Errorf("leads %v, %+v", d.Leads, d.Lead)
	}
	// Both hours hold an event, so no interval is quiet; of ten minutes there are 0:00, 0:50, 1:10, 1:20, 1:30 (and 1:50, whose
	// first instant still belongs to the event, is not).
	if d.Table != (verify.Table{Hits: 1, Misses: 1, FalseAlarms: 1}) || d.Scores.POD != 0.5 || d.Scores.FAR != 0.5 {
		t.Errorf("%+v", d.Table)
	}
	o.Interval = 10 * time.Minute
	if table := run(t, o).Detectors[0].Table; table.Quiet != 5 {
		t.Errorf("%d quiet intervals of ten minutes", table.Quiet)
	}
	// 120 minutes less 25 and 10 with an event.
	if got, want := float64(d.FalsePer1000h), 1000*60.0/85; got < want-1e-9 || got > want+1e-9 {
		t.Errorf("false per 1,000 h %v, want %v", got, want)
	}
	if e := d.EventList[0]; !e.Found || e.By.Format("15:04") != "00:20" || *e.Lead != 1800 || e.Onset.Format("15:04") != "00:50" {
		t.Errorf("%+v", e)
	}
	if e := d.EventList[1]; e.Found || e.By != nil || e.Lead != nil {
		t.Errorf("%+v", e)
	}
	// The dam's alert clears after two minutes under 1, at 0:32; it stood until 0:30. Its highest level is red.
	if a := d.AlertList[0]; a.From.Format("15:04") != "00:20" || a.To.Format("15:04") != "00:30" || a.Level.String() != "red" || a.Place != "dam" || a.Verdict != "hit" {
		t.Errorf("%+v", a)
	}
	if a := d.AlertList[1]; a.Asset != "g2" || a.Verdict != "false" {
		t.Errorf("%+v", a)
	}
	// Two hazards and the weir's silence, over two hours, all raised at yellow or without a colour.
	if len(r.Positions) != 1 {
		t.Fatalf("%+v", r.Positions)
	}
	p := r.Positions[0]
	if p.Owner != "flood-duty" || p.Alarms != 3 || p.PerHour != 1.5 || p.Periods != 12 || p.EmptyPeriods != 9 || p.Largest != 1 || p.Low != 1 ||
		!slices.Equal(p.Hours, []int{1, 2}) || len(p.Top) != 3 {
		t.Errorf("%+v", p)
	}
	if d.AlarmsPerHour != 1.5 {
		t.Errorf("%v alarms an hour", d.AlarmsPerHour)
	}
	var notes []string
	for _, n := range r.Notes {
		notes = append(notes, n.EN)
	}
	want := []string{
		"1 events lie outside the readings' period and do not count",
		"detectors that watch nothing in these readings: drill/pressure-low",
		"1 events are for no detector that watches anything here",
	}
	if !slices.Equal(notes, want) {
		t.Errorf("notes %q", notes)
	}
}

// The rule decides what an alert is worth.
// An event where nothing is measured is said to be so, and a list without events is one: then all alerts are false.
func TestOddTruth(t *testing.T) {
	const head = "name,start,end,place,asset\n"
	for rows, want := range map[string][4]int{ // events, found, false, notes
		"":                                     {0, 0, 2, 0},
		"x,2026-03-01T00:22:00Z,,nowhere,\n":   {1, 0, 2, 1},
		"x,2026-03-01T00:22:00Z,,,nothing\n":   {1, 0, 2, 1},
		"x,2026-03-01T00:22:00Z,,nowhere,g1\n": {1, 1, 1, 0},
		"x,2026-03-01T00:22:00Z,,dam,\ny,2026-03-01T00:21:00Z,2026-03-01T00:23:00Z,dam,\n": {2, 2, 1, 0}, // one overlaps the other
	} {
		o := drill(t)
		truth, err := ReadTruth(file(t, "events.csv", head+rows))
		if err != nil || truth == nil {
			t.Fatal(truth, err)
		}
		o.Truth = truth
		r := run(t, o)
		d := r.Detectors[0]
		notes := 0
		for _, n := range r.Notes {
			if strings.Contains(n.EN, "no readings") {
				notes++
			}
		}
		if got := [4]int{d.Events, d.Found, d.False, notes}; got != want {
			t.Errorf("%q: events, found, false, notes %v, want %v: %v", rows, got, want, r.Notes)
		}
	}
}

func TestTheRule(t *testing.T) {
	event := Event{Start: time.Date(2026, 3, 1, 0, 40, 0, 0, time.UTC).UnixMicro(), Places: []string{"dam"}}
	event.End = event.Start + time.Minute.Microseconds()
	earlier := Event{Start: event.Start - time.Hour.Microseconds(), Places: []string{"dam", "weir"}}
	earlier.End = time.Date(2026, 3, 1, 0, 18, 0, 0, time.UTC).UnixMicro()
	for _, c := range []struct {
		name  string
		truth Event
		set   func(*Options)
		want  verify.Table
	}{
		{"an alert that had ended warned of nothing", event, func(*Options) {}, verify.Table{Misses: 1, FalseAlarms: 2}},
		{"unless it may be ahead", event, func(o *Options) { o.Before = 10 * time.Minute }, verify.Table{Hits: 1, FalseAlarms: 1}},
		{"behind its end it is false", earlier, func(*Options) {}, verify.Table{Misses: 1, FalseAlarms: 2}},
		{"unless it may come late", earlier, func(o *Options) { o.After = 2 * time.Minute }, verify.Table{Hits: 1, FalseAlarms: 1}},
		{"or is a trace", earlier, func(o *Options) { o.Linger = time.Hour }, verify.Table{Misses: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := drill(t)
			o.Truth = []Event{c.truth}
			c.set(&o)
			got := run(t, o).Detectors[0].Table
			got.Quiet = 0
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// An alert can't be early for what had begun before there were readings, but it is found.
func TestNoLeadForWhatHadBegun(t *testing.T) {
	o := drill(t)
	start := time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC).UnixMicro()
	o.Truth = []Event{{Start: start, End: start + 48*time.Hour.Microseconds()}}
	d := run(t, o).Detectors[0]
	if d.Found != 1 || d.Fresh != 0 || d.Lead.N != 0 || d.EventList[0].Lead != nil || d.EventList[0].By == nil {
		t.Errorf("%+v", d)
	}
}

// A silence is found when it was, also where the whole network fell silent, and once.
func TestSilenceInAGap(t *testing.T) {
	p := packs(t, "testdata/drill")
	h, err := FromTable(file(t, "h.csv", "asset,property,at,value\ng,level,2026-03-01T00:00:00Z,0\ng,level,2026-03-01T00:01:00Z,0\n"+
		"g,level,2026-06-01T00:00:00Z,0\ng,level,2026-06-01T00:01:00Z,0\n"), p.All)
	if err != nil {
		t.Fatal(err)
	}
	past, err := play(context.Background(), p.Detectors, h)
	if err != nil {
		t.Fatal(err)
	}
	if len(past.claims) != 1 {
		t.Fatalf("%d claims", len(past.claims))
	}
	c := past.claims[0]
	if c.kind != engine.Monitoring || micro(c.raised).Format("01-02 15:04") != "03-01 00:11" || micro(c.cleared).Format("01-02 15:04") != "06-01 00:00" {
		t.Errorf("silent from %v to %v", micro(c.raised), micro(c.cleared))
	}
}

func TestPriorities(t *testing.T) {
	for level, want := range map[engine.Level]verify.Priority{
		engine.None: verify.Low, engine.Blue: verify.Low, engine.Yellow: verify.Low, engine.Orange: verify.Medium, engine.Red: verify.High,
	} {
		if got := priority(level); got != want {
			t.Errorf("%s is %d", level, got)
		}
	}
}

func TestForecasts(t *testing.T) {
	o := drill(t)
	at := func(minute int) int64 { return time.Date(2026, 3, 1, 0, minute, 0, 0, time.UTC).UnixMicro() }
	o.Truth = []Event{{Start: at(20), End: at(30), Places: []string{"dam"}}}
	var err error
	o.Forecasts, err = ReadForecasts(file(t, "forecasts.csv", `detector,issued,from,until,probability,place
model,2026-03-01T00:00:00Z,2026-03-01T00:10:00Z,2026-03-01T00:20:00Z,0.8,dam
model,2026-03-01T00:00:00Z,2026-03-01T00:10:00Z,2026-03-01T00:20:00Z,0.3,weir
model,2026-03-01T00:00:00Z,2026-03-01T00:31:00Z,2026-03-01T00:40:00Z,0.1,
model,2026-03-01T00:00:00Z,2026-03-01T05:00:00Z,2026-03-01T06:00:00Z,0.1,
`))
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, o)
	if len(r.Probabilities) != 1 {
		t.Fatalf("%+v", r.Probabilities)
	}
	p := r.Probabilities[0]
	want := (0.2*0.2 + 0.3*0.3 + 0.1*0.1) / 3
	if p.ID != "model" || p.Forecasts != 3 || p.Happened != 1 || float64(p.Brier) < want-1e-12 || float64(p.Brier) > want+1e-12 {
		t.Errorf("%+v, Brier should be %v", p, want)
	}
	if n := r.Notes[len(r.Notes)-1].EN; n != "1 forecasts reach beyond the readings' period and do not count" {
		t.Error(n)
	}
}

func TestUnitsAreConvertedOrLeftOut(t *testing.T) {
	p := packs(t, "testdata/drill")
	for _, c := range []struct {
		unit, value string
		alarms      int
		note        string
	}{{"bar", "0.9", 1, ""}, {"bar", "1.1", 0, ""}, {"kPa", "99", 1, ""}, {"m", "1", 0, "was left out"}} {
		h, err := FromTable(file(t, "h.csv", "asset,property,unit,at,value\np,pressure,"+c.unit+",2026-03-01T00:00:00Z,"+c.value+"\n"+
			"p,pressure,"+c.unit+",2026-03-01T00:01:00Z,"+c.value+"\n"), p.All)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Run(context.Background(), Options{Packs: p.Names, Detectors: p.Detectors, History: h})
		if c.note != "" {
			if !errors.Is(err, ErrNothingWatched) {
				t.Errorf("%s: %v", c.unit, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if d := r.Detectors[0]; d.Alarms != c.alarms {
			t.Errorf("%s %s: %d alarms, want %d", c.value, c.unit, d.Alarms, c.alarms)
		}
	}
}

// The week at METEC, held against what bench/methane counts by its own means: 17 releases, of which the first had begun
// before the readings.
func TestMethaneReleases(t *testing.T) {
	h, err := FromMapping(replays+"methane.yaml", testdata.Shared(t, "sensors", "methane-metec"), false)
	if err != nil {
		t.Fatal(err)
	}
	p := packs(t, "../../../packs/gas")
	r := run(t, Options{Packs: p.Names, Detectors: p.Detectors, History: h, Truth: h.Truth, Linger: time.Hour, Join: 30 * time.Minute})
	i := slices.IndexFunc(r.Detectors, func(d DetectorReport) bool { return d.ID == "gas/methane-ambient" })
	if i < 0 {
		t.Fatalf("%+v", r.Notes)
	}
	d := r.Detectors[i]
	if r.Events != 17 || d.Events != 17 || d.Found < 16 || d.False > 2 || d.Streams != 8 {
		t.Errorf("%+v", d.Table)
	}
	t.Logf("found %d of %d, %d false, lead %v", d.Found, d.Events, d.False, d.Lead)
}

// The drill on the River Wear: each wave passes 0.9 m at Stanhope and peaks at Chester-le-Street half a day later. By hand
// from the recording: 15:30, 16:15, 3:30, 18:00, 16:30 and a quarter of an hour each, against the peaks in events.csv. On 26
// October rain at Stanhope never became a wave.
func TestRiverWear(t *testing.T) {
	h, err := FromMapping(replays+"river.yaml", testdata.Shared(t, "sensors", "river-wear-2022"), false)
	if err != nil {
		t.Fatal(err)
	}
	truth, err := ReadTruth("testdata/wear/events.csv")
	if err != nil {
		t.Fatal(err)
	}
	p := packs(t, "testdata/wear/flood")
	r := run(t, Options{Packs: p.Names, Detectors: p.Detectors, History: h, Truth: truth})
	d := r.Detectors[0]
	hours := []float64{11.75, 12.25, 13.25, 14.75, 18}
	for i := range hours {
		hours[i] *= 3600
	}
	if d.Events != 5 || d.Found != 5 || d.False != 1 || !slices.Equal(d.Leads, hours) || d.Lead.Median != 13.25*3600 || d.Lead.Tenth != 11.75*3600 {
		t.Errorf("%+v %v", d.Table, d.Leads)
	}
}

// The same input gives the same report, byte by byte, and JSON holds all of it.
func TestReportsAreRepeatable(t *testing.T) {
	var texts, jsons [2]bytes.Buffer
	for i := range 2 {
		o := drill(t)
		o.Truth = []Event{}
		r := run(t, o)
		if err := errors.Join(r.WriteText(&texts[i]), r.WriteJSON(&jsons[i])); err != nil {
			t.Fatal(err)
		}
	}
	if texts[0].String() != texts[1].String() || jsons[0].String() != jsons[1].String() {
		t.Error("two runs differ")
	}
	if strings.Contains(texts[0].String(), "NaN") || strings.Contains(jsons[0].String(), "NaN") {
		t.Error(texts[0].String())
	}
	var back Report
	d := json.NewDecoder(&jsons[0])
	d.DisallowUnknownFields()
	if err := d.Decode(&back); err != nil || len(back.Detectors) != 1 || back.Detectors[0].Scores.POD.Defined() {
		t.Errorf("%v %+v", err, back)
	}
}
