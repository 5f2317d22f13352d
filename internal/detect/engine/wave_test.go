package engine

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"github.com/anlan-city/anlan/internal/pack"

	"github.com/anlan-city/anlan/internal/platform/testdata"
)

const riverPack = `
pack: river
title: {en: River, zh-CN: 河道}
observes: {level: {title: {en: Level, zh-CN: 水位}, unit: m, range: [-5, 20]}}
assets: {gauge: {title: {en: Gauge, zh-CN: 水位站}, measures: [level]}}
`

const waveRule = `
- id: wave
  title: {en: Flood wave coming, zh-CN: 洪峰将至}
  watches: level
  on: gauge
  every: 15m
  derives: {coming: {peak_from_upstream: {ahead: 14h}}}
  levels: {yellow: {when: "coming >= %g"}}
  clear: {when: "coming < %g", for: 6h}
  silent_after: 12h
  because: {en: "{{coming}} m expected at {{asset}}", zh-CN: "预计{{asset}}将达 {{coming}} m"}
  source: a test
  known_false_alarms: [none]
  maturity: draft
  owner: flood-duty
`

func riverRules(t testing.TB, mark, clear float64) []*Detector {
	t.Helper()
	p, err := pack.Load(fstest.MapFS{"pack.yaml": {Data: []byte(riverPack)}, File: {Data: []byte(fmt.Sprintf(waveRule, mark, clear))}}, "packs/river")
	if err != nil {
		t.Fatal(err)
	}
	ds, err := Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// wearPoints are about where three gauges of the River Wear stand.
var wearPoints = [][2]float64{{-2.01, 54.75}, {-1.59, 54.73}, {-1.57, 54.86}}

// river is a chain of gauges, uppermost first.
func river(i, n int) Stream {
	s := Stream{ID: int64(i + 1), Property: "river/level", Kind: "river/gauge", Asset: int64(i + 1), Place: int64(i + 1), AssetName: Wording{fmt.Sprint("gauge ", i), ""}}
	if i < len(wearPoints) {
		s.Point = &wearPoints[i]
	}
	if i > 0 {
		s.Upstream = []int64{int64(i)}
	}
	if i < n-1 {
		s.Downstream = []int64{int64(i + 2)}
	}
	return s
}

// A wave of the recorded River Wear is warned of from upstream, hours before the lowest gauge reaches the drill level, once a
// first wave has taught the way. A restart in between changes nothing, nor does the order in which the gauges are bound.
func TestWaveFromUpstream(t *testing.T) {
	readings := wear(t)
	const drill = 0.72
	ds := riverRules(t, drill, drill-0.1)
	play := func(order []int, restart int) *Book {
		e, book := New(ds), &Book{}
		bind := func() {
			for _, i := range order {
				book.Add(e.Bind(river(i, 3), nil)...)
			}
		}
		bind()
		for n, r := range readings {
			if n == restart {
				shards, err := e.Captured(e.Capture())
				if err != nil {
					t.Fatal(err)
				}
				e = New(ds)
				for _, s := range shards {
					if changed, err := e.Restore(s); err != nil || len(changed) > 0 {
						t.Fatal(changed, err)
					}
				}
				bind()
			}
			book.Add(e.Evaluate(r, r.At, nil)...)
		}
		return book
	}
	book := play([]int{0, 1, 2}, -1)
	for _, peak := range []string{"2022-11-03T12:15:00Z", "2022-11-16T04:45:00Z"} { // at the lowest gauge
		at, err := time.Parse(time.RFC3339, peak)
		if err != nil {
			t.Fatal(err)
		}
		warned := slices.ContainsFunc(book.Episodes(), func(a *Episode) bool {
			return a.Subject == (Subject{ID: 3}) && a.RaisedAt <= at.UnixMicro()-6*hour && (a.Stands() || a.ClearedAt > at.UnixMicro())
		})
		if !warned {
			t.Errorf("the wave that peaked at %s was not warned of 6 h before\n%s", peak, told(book))
		}
	}
	for _, cut := range []int{len(readings) / 2} {
		if got := told(play([]int{2, 0, 1}, cut)); got != told(book) {
			t.Errorf("with a restart at %d\n%s\nwithout\n%s", cut, got, told(book))
		}
	}
}

// A gauge that is gone, or judged no more, takes its alert with it; those upstream of it speak on without harm.
func TestGaugeGone(t *testing.T) {
	for _, last := range []int{2, 1} {
		for _, deleted := range []bool{true, false} {
			e, book := New(riverRules(t, 2, 1)), &Book{}
			for i := range 3 {
				book.Add(e.Bind(river(i, 3), nil)...)
			}
			speak := func(from int64) {
				for k := range int64(8) {
					for id := int64(1); id <= 3; id++ {
						at := t0 + (from+k)*15*minute
						book.Add(e.Evaluate(number(id, at, 3), at, nil)...)
					}
				}
			}
			speak(0)
			gone := river(last, 3)
			if gone.Kind = "river/other"; deleted {
				gone = Stream{ID: gone.ID}
			}
			book.Add(e.Bind(river(0, 3), nil)...)
			book.Add(e.Bind(gone, nil)...)
			speak(8)
			for _, a := range book.Episodes() {
				if a.Subject.ID == gone.ID && a.Stands() {
					t.Errorf("the alert of gauge %d stands without it", gone.ID)
				}
			}
		}
	}
}

// wear are the recorded levels in the order of time.
func wear(t *testing.T) (out []Reading) {
	f, err := os.Open(testdata.Shared(t, "sensors", "river-wear-2022", "river_levels.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	gauges := []string{"Stanhope", "Sunderland Bridge", "Chester-Le-Street"}
	for _, row := range rows[1:] {
		at, err := time.Parse("2006-01-02 15:04:05-07:00", row[1])
		if err != nil {
			if at, err = time.Parse(time.RFC3339, row[1]); err != nil {
				t.Fatal(err)
			}
		}
		v, err := strconv.ParseFloat(row[2], 64)
		i := slices.Index(gauges, row[0])
		if err != nil || i < 0 || math.IsNaN(v) {
			continue
		}
		out = append(out, Reading{Datastream: int64(i + 1), At: at.UnixMicro(), Value: v, Number: true})
	}
	slices.SortStableFunc(out, func(a, b Reading) int {
		switch {
		case a.At != b.At:
			return int(min(max(a.At-b.At, -1), 1))
		}
		return int(a.Datastream - b.Datastream)
	})
	return out
}

// A restart in the hour in which the way of the water is learned learns the same: the distance is known when that hour is judged
// again.
func TestRestartWhileAWaveIsLearned(t *testing.T) {
	ds := riverRules(t, 3, 2)
	play := func(cut int) (learned int, state string) {
		e := New(ds)
		bind := func() {
			for i := range 2 {
				e.Bind(river(i, 2), nil)
			}
		}
		bind()
		for n := range 20 * 24 * 4 {
			if n == cut {
				e = restarted(t, e, ds)
				bind()
			}
			at := t0 + int64(n)*15*minute
			level := 1 + math.Max(0, math.Sin(float64(n)/150)) // at both at once, which no water does
			e.Evaluate(number(1, at, level), at, nil)
			e.Evaluate(number(2, at, level), at, nil)
			now := &e.subjects[subjectKey{ds[0], Subject{ID: 2}}].now
			if learned == 0 && now.ins[1].cells[0].(*wave).state.Learned() {
				learned = n
			}
			if n == cut || cut < 0 && learned == n-1 {
				var w writer
				now.write(&w)
				state = string(w.b)
			}
			if learned != 0 && n > learned {
				break
			}
		}
		return learned, state
	}
	learned, want := play(-1)
	if learned == 0 {
		t.Fatal("nothing is learned")
	}
	if _, got := play(learned + 1); got != want {
		t.Error("it learned otherwise")
	}
}
