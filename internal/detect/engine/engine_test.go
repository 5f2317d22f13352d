package engine

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func replaceOnce(t testing.TB, s, from, to string) string {
	t.Helper()
	if !strings.Contains(s, from) {
		t.Fatalf("%q does not stand there", from)
	}
	return strings.Replace(s, from, to, 1)
}

const (
	second = int64(1e6)
	minute = 60 * second
	hour   = 60 * minute
	t0     = int64(1_650_000_000 * 1e6) // 2022-04-15, µs
)

// harbour is a register for tests: datastreams 1 to 99 are kitchen alarms each at a place of their own, 101 to 199 fence
// monitors of place 900, 201 to 299 alarms in homes.
func harbour(id int64) Stream {
	s := Stream{
		ID: id, Property: "gas/methane", Kind: "gas/kitchen-alarm", Asset: 1000 + id, Place: 500 + id, Area: 7, Organisation: 3,
		Point:     &[2]float64{121.5, 31.2},
		AssetName: Wording{fmt.Sprintf("Alarm %d", id), fmt.Sprintf("报警器%d", id)},
		PlaceName: Wording{"Building 4", "4号楼"}, AreaName: Wording{"Old Town", "老城"},
	}
	switch {
	case id > 200:
		s.Kind = "gas/home-alarm"
		s.AssetName = Wording{"Alarm in flat 1203", "1203室报警器"}
	case id > 100:
		s.Property, s.Kind, s.Place = "gas/methane-ambient", "gas/fence-monitor", 900
	}
	return s
}

func number(id, at int64, v float64) Reading {
	return Reading{Datastream: id, At: at, Value: v, Number: true}
}

// run feeds readings to an engine, which is bound as it goes, and returns what changed.
func run(e *Engine, rs []Reading) (changes []Change) {
	for _, r := range rs {
		if !e.Bound(r.Datastream) {
			changes = e.Bind(harbour(r.Datastream), changes)
		}
		changes = e.Evaluate(r, r.At, changes)
	}
	return changes
}

// tell says changes as "minute detector level", "cleared" for those that end.
func tell(changes []Change) string {
	var out []string
	for _, c := range changes {
		what := c.To.String()
		if c.Cleared {
			what = "cleared"
		}
		if c.Kind == Monitoring && !c.Cleared {
			what = "silent"
		}
		out = append(out, fmt.Sprintf("%g %s", float64(c.At-t0)/float64(minute), what))
	}
	return strings.Join(out, ", ")
}

func every(step int64, id int64, values ...float64) []Reading {
	var rs []Reading
	for i, v := range values {
		if !math.IsNaN(v) {
			rs = append(rs, number(id, t0+int64(i)*step, v))
		}
	}
	return rs
}

func TestThreshold(t *testing.T) {
	e := New(compiled(t, testDetectors))
	values := []float64{0, 0}
	values = append(values, slices.Repeat([]float64{6}, 4)...)  // 1:00 .. 2:30, yellow at 2:00
	values = append(values, slices.Repeat([]float64{25}, 4)...) // 3:00 .. 4:30, red at 3:30
	values = append(values, slices.Repeat([]float64{1}, 25)...) // from 5:00, cleared at 15:00
	changes := run(e, every(30*second, 1, values...))
	if got := tell(changes); got != "2 yellow, 3.5 red, 15 cleared" {
		t.Error(got)
	}
	for _, c := range changes {
		if c.Since != t0+minute || c.Detector.ID != "gas/methane-indoor" || c.Subject != (Subject{ID: 1}) || c.Datastream != 1 || fmt.Sprint(c.Datastreams) != "[1]" {
			t.Errorf("%+v", c)
		}
	}
	if got := changes[1].Detector.Because(changes[1], harbour(1)); got.EN != "25 %LEL at Building 4 for 2 min 30 s" || got.ZH != "4号楼甲烷 25 %LEL，已持续2分钟30秒" {
		t.Errorf("%+v", got)
	}
}

// A saturated sensor is the last one that may fall silent: a value beyond the range counts as the range's end.
func TestOutOfRange(t *testing.T) {
	e := New(compiled(t, testDetectors))
	if got := tell(run(e, every(30*second, 1, 0, 999, 999))); got != "1 red" {
		t.Error(got)
	}
}

func TestLateReadingsAreCountedNotJudged(t *testing.T) {
	e := New(compiled(t, testDetectors))
	rs := every(30*second, 1, 0, 0, 0, 0, 0, 0)
	rs = append(rs, number(1, t0, 99), number(1, t0+minute+1, 99), number(1, t0+2*minute-1, 99))
	if got := tell(run(e, rs)); got != "" || e.Late() != 3 || e.Evaluated() != 9 {
		t.Errorf("%q, late %d of %d", got, e.Late(), e.Evaluated())
	}
}

func TestNotANumberIsCounted(t *testing.T) {
	e := New(compiled(t, testDetectors))
	if got := tell(run(e, []Reading{{Datastream: 1, At: t0}, {Datastream: 77777, At: t0}})); got != "" || e.Evaluated() != 2 {
		t.Errorf("%q %d", got, e.Evaluated())
	}
}

// Four fence monitors of one place, gas at one and then at another: one alert.
func TestTogether(t *testing.T) {
	e := New(compiled(t, testDetectors))
	var rs []Reading
	for m := range int64(200) {
		for id := int64(101); id <= 104; id++ {
			v := 2.0
			if m >= 60 && m < 64 && id == 101 || m >= 70 && m < 80 && id == 103 {
				v = 9
			}
			rs = append(rs, number(id, t0+m*minute, v))
		}
	}
	changes := run(e, rs)
	if got := tell(changes); got != "71 yellow, 139 cleared" {
		t.Error(got)
	}
	c := changes[0]
	if c.Subject != (Subject{ScopePlace, 900}) || c.Datastream != 103 || fmt.Sprint(c.Datastreams) != "[101 102 103 104]" || math.Abs(c.Values[1]-7) > 0.1 {
		t.Errorf("%+v", c)
	}
	if got := c.Detector.Because(c, harbour(103)).EN; got != "9 ppm, 7 above background, Alarm 103 in Old Town, yellow" {
		t.Error(got)
	}
}

func TestSilence(t *testing.T) {
	e := New(compiled(t, testDetectors))
	run(e, every(30*second, 1, 0, 0, 0))
	last := t0 + minute
	ask := func(at int64) string { return tell(e.Tick(at, t0, nil)) }
	if got := ask(last + 2*hour - 1); got != "" {
		t.Error(got)
	}
	if got := ask(last + 2*hour); got != "121 silent" {
		t.Error(got)
	}
	if got := ask(last + 3*hour); got != "" {
		t.Error("told twice:", got)
	}
	changes := run(e, []Reading{number(1, last+4*hour, 0)})
	if got := tell(changes); got != "241 cleared" || changes[0].Kind != Monitoring || changes[0].Since != last {
		t.Errorf("%s %+v", got, changes)
	}
}

// History that is replayed was never heard in time, so its end is no silence; nor is anyone silent before there was
// anyone to hear.
func TestNoSilenceWithoutLife(t *testing.T) {
	e := New(compiled(t, testDetectors))
	e.Bind(harbour(1), nil)
	e.Evaluate(number(1, t0, 0), t0+5*hour, nil)
	if got := tell(e.Tick(t0+9*hour, t0, nil)); got != "" {
		t.Error(got)
	}
	e.Evaluate(number(1, t0+9*hour, 0), t0+9*hour, nil)
	if got := tell(e.Tick(t0+12*hour, t0+11*hour, nil)); got != "" {
		t.Error("the program was down:", got)
	}
	if got := tell(e.Tick(t0+13*hour, t0+11*hour, nil)); got == "" {
		t.Error("nobody noticed")
	}
}

// An alert that nothing watches any more ends, as withdrawn, when its asset is moved away or becomes another kind.
func TestRebinding(t *testing.T) {
	e := New(compiled(t, testDetectors))
	run(e, every(30*second, 1, 25, 25, 25))
	same := harbour(1)
	same.AssetName.EN = "Renamed"
	if got := e.Bind(same, nil); len(got) != 0 || e.Stream(1).AssetName.EN != "Renamed" {
		t.Errorf("a new name: %+v", got)
	}
	other := harbour(1)
	other.Kind = "gas/main"
	got := e.Bind(other, nil)
	if len(got) != 1 || !got[0].Cleared || !got[0].Withdrawn || got[0].Since != t0 {
		t.Errorf("%+v", got)
	}
}

// town makes readings of a few alarms and fence monitors that come and go in the detectors' range, with gaps.
func town(t *rapid.T) []Reading {
	ids := []int64{1, 2, 65, 101, 102, 201}
	var rs []Reading
	at := t0
	for range rapid.IntRange(1, 250).Draw(t, "n") {
		at += rapid.SampledFrom([]int64{0, second, 30 * second, minute, 20 * minute}).Draw(t, "step")
		rs = append(rs, number(rapid.SampledFrom(ids).Draw(t, "id"), at+rapid.SampledFrom([]int64{0, 0, -minute}).Draw(t, "late"),
			rapid.SampledFrom([]float64{0, 2, 4, 6, 12, 25}).Draw(t, "v")))
	}
	return rs
}

// A state that is written down and taken up changes nothing.
func TestRestore(t *testing.T) {
	ds := compiled(t, manyDetectors)
	rapid.Check(t, func(t *rapid.T) {
		rs := town(t)
		cut := rapid.IntRange(0, len(rs)).Draw(t, "cut")
		// Between the two halves it is quiet: who has spoken before the cut is found silent after it, without a further word.
		late := t0 + 3*hour
		straight, want := New(ds), &Book{}
		want.Add(run(straight, rs[:cut])...)
		want.Add(straight.Tick(late, 0, nil)...)
		want.Add(run(straight, rs[cut:])...)

		first, got := New(ds), &Book{}
		got.Add(run(first, rs[:cut])...)
		// The snapshot is of this moment, however much changes before the last of it is encoded.
		late1 := first.Late()
		first.Capture()
		var shards []Shard
		for _, r := range rs[cut:] {
			run(first, []Reading{r})
			if rapid.IntRange(0, 3).Draw(t, "hand out") == 0 {
				some, err := first.Captured(1)
				if err != nil {
					t.Fatal(err)
				}
				shards = append(shards, some...)
			}
		}
		first.Tick(late+3*hour, 0, nil)
		rest, err := first.Captured(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		shards = append(shards, rest...)
		second := New(ds)
		for _, s := range shards {
			if changed, err := second.Restore(s); err != nil || len(changed) > 0 {
				t.Fatalf("%v %v", changed, err)
			}
		}
		for _, id := range second.Known() {
			got.Add(second.Bind(harbour(id), nil)...)
		}
		got.Add(second.Tick(late, 0, nil)...)
		got.Add(run(second, rs[cut:])...)
		if told(got) != told(want) {
			t.Fatalf("got\n%s\nwant\n%s", told(got), told(want))
		}
		if late1+second.Late() != straight.Late() {
			t.Fatalf("late %d and %d, want %d", late1, second.Late(), straight.Late())
		}
	})
}

func TestRestoreRefusesDamage(t *testing.T) {
	ds := compiled(t, testDetectors)
	e := New(ds)
	run(e, every(30*second, 1, 25, 25, 25))
	run(e, every(30*second, 101, 2, 2, 9))
	shards, err := e.Captured(e.Capture())
	if err != nil || len(shards) != 2 {
		t.Fatal(len(shards), err)
	}
	for _, s := range shards {
		for n := range s.State {
			cut := s
			cut.State = s.State[:n]
			if _, err := New(ds).Restore(cut); err == nil {
				t.Fatalf("the first %d of %d bytes were taken", n, len(s.State))
			}
		}
		long := s
		long.State = append(slices.Clone(s.State), 0)
		if _, err := New(ds).Restore(long); err == nil {
			t.Fatal("a byte too many was taken")
		}
	}
}

func FuzzRestore(f *testing.F) {
	ds := compiled(f, testDetectors)
	e := New(ds)
	run(e, every(30*second, 1, 25, 25, 25))
	shards, err := e.Captured(e.Capture())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(shards[0].State)
	f.Fuzz(func(t *testing.T, state []byte) {
		e := New(ds)
		if _, err := e.Restore(Shard{State: state}); err == nil {
			run(e, every(30*second, 1, 25, 0, 25))
		}
	})
}

func BenchmarkEngine(b *testing.B) {
	const streams = 100_000
	ds := compiled(b, testDetectors)
	e := New(ds)
	for id := range int64(streams) {
		s := harbour(1)
		s.ID, s.Asset, s.Place = id, id, id
		e.Bind(s, nil)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var changes []Change
	for i := range b.N {
		r := number(int64(i%streams), t0+int64(i/streams)*30*second, float64(i%4))
		changes = e.Evaluate(r, r.At, changes[:0])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "readings/s")
}

// A reading that is marked as doubtful is counted and judged by nobody, and its time, which may be years ahead, keeps no
// later reading out.
func TestDoubtfulReadingsAreCountedOnly(t *testing.T) {
	e := New(compiled(t, testDetectors))
	doubtful := number(1, t0+9000*hour, 90)
	doubtful.Doubtful = true
	if changes := run(e, []Reading{doubtful}); len(changes) != 0 || e.Evaluated() != 1 {
		t.Fatalf("%+v, %d evaluated", changes, e.Evaluated())
	}
	var rs []Reading
	for i := range int64(20) {
		rs = append(rs, number(1, t0+i*minute, 90))
	}
	if changes := run(e, rs); e.Late() != 0 || len(changes) == 0 {
		t.Fatalf("%d late, %d changes", e.Late(), len(changes))
	}
}

// restarted is the engine that a start makes of what this one has saved.
func restarted(t interface{ Fatal(...any) }, e *Engine, ds []*Detector) *Engine {
	shards, err := e.Captured(e.Capture())
	if err != nil {
		t.Fatal(err)
	}
	again := New(ds)
	for _, x := range shards {
		if _, err := again.Restore(x); err != nil {
			t.Fatal(err)
		}
	}
	return again
}
