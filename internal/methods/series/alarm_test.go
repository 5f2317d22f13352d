package series

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"
)

const (
	sec    = int64(time.Second / time.Microsecond)
	minute = 60 * sec
)

// indoor are the delays of the example in the design: yellow from 5 for 1 min, orange from 10 for 30 s, red from 20 for
// 10 s, clear under 3 for 10 min.
func indoor() *Delays {
	return &Delays{On: []OnDelay{{For: minute}, {For: 30 * sec}, {For: 10 * sec}}, Off: 10 * minute, Every: 30 * sec}
}

func metIndoor(v float64) (met uint8, calm bool) {
	for i, limit := range []float64{5, 10, 20} {
		if v >= limit {
			met |= 1 << i
		}
	}
	return met, v < 3
}

// play runs values, one each 30 s, through an alarm and tells its steps as "minute:level". "_" is a missing reading and
// "2+1x3" is 2 3 4 5.
func play(d *Delays, notation string) string {
	var a Alarm
	var out []string
	var prev uint8
	var last int64
	at := int64(1e15)
	start := at
	for _, v := range expand(notation) {
		if v != nil {
			met, calm := metIndoor(*v)
			s := Step{At: at, Met: met, Prev: prev, Calm: calm}
			if last != 0 {
				s.Span = at - last
			}
			if from, to := a.Step(d, s); from != to {
				out = append(out, fmt.Sprintf("%g:%d", float64(at-start)/float64(minute), to))
			}
			prev, last = met, at
		}
		at += 30 * sec
	}
	return strings.Join(out, " ")
}

func expand(notation string) []*float64 {
	var out []*float64
	for _, word := range strings.Fields(notation) {
		value, times, repeated := strings.Cut(word, "x")
		n := 0
		if repeated {
			n, _ = strconv.Atoi(times)
		}
		if value == "_" {
			out = append(out, make([]*float64, max(n, 1))...)
			continue
		}
		step := 0.0
		if i := strings.LastIndexAny(value, "+-"); i > 0 {
			step, _ = strconv.ParseFloat(value[i:], 64)
			value = value[:i]
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			panic(err)
		}
		for i := 0; i <= n; i++ {
			x := v + step*float64(i)
			out = append(out, &x)
		}
	}
	return out
}

func TestAlarm(t *testing.T) {
	for _, c := range []struct{ name, series, want string }{
		{"just below never speaks", "4.9x100", ""},
		{"exactly the limit, exactly the delay", "0 5 5 5", "1.5:1"},
		{"one reading short of the delay", "0 5 5 0 5 5 0", ""},
		{"climbs through the levels and clears", "0x10 2+1x20 22x6 22-2x11 0x30", "8:1 10:2 15:3 30.5:2 34.5:0"},
		{"a missing reading pauses the on-delay", "0 5 _ 5", ""},
		{"and does not reset it", "0 5 _ 5 5", "2:1"},
		{"nor does a long gap count as time", "0 5 _x200 5 0", ""},
		{"straight to red", "0 25 25", "1:3"},
		{"between clear and yellow it stays", "0 5x4 4x200", "1.5:1"},
		{"dips under clear for less than the off-delay keep it", "0 5x4 2x19 4 2x19 4", "1.5:1"},
		{"a missing reading pauses the off-delay", "0 5x4 2x10 _x30 2x10", "1.5:1 28:0"},
		{"steps down after the off-delay, to the level that still holds", "0 25x4 12x21 12", "1:3 13:2"},
		{"steps down to the lowest when none holds but it is not clear", "0 25x4 4x21 4", "1:3 13:1"},
		{"a step up starts the off-delay anew", "0 12x4 6x15 12x2 6x20 6", "1:2 22.5:1"},
		{"raised again after clear", "5x4 0x21 5x4", "1:1 12.5:0 14.5:1"},
	} {
		if got := play(indoor(), c.series); got != c.want {
			t.Errorf("%s: %s\n got %q\nwant %q", c.name, c.series, got, c.want)
		}
	}
}

func TestAlarmInPieces(t *testing.T) {
	d := indoor()
	d.On[0].Within = 5 * minute // a minute of yellow fades over five minutes
	for _, c := range []struct{ name, series, want string }{
		{"pieces add up", "0 5 0 5 0 5", "2.5:1"},
		{"what was gathered fades", "0 5 0x9 5 0x9 5 0x9", ""},
		{"one piece still needs its time", "0 5 0", ""},
	} {
		if got := play(d, c.series); got != c.want {
			t.Errorf("%s: %s\n got %q\nwant %q", c.name, c.series, got, c.want)
		}
	}
}

// Instruments that watch one thing cover its time together: eight that speak in the same minute gather one minute, not
// eight, in whatever order their readings of that minute come.
func TestAlarmUnionOfInstruments(t *testing.T) {
	d := &Delays{On: []OnDelay{{5 * minute, 60 * minute}}, Off: 60 * minute, Every: minute}
	for _, first := range []bool{true, false} { // the one that sees gas speaks first, or last
		var a Alarm
		raised := -1
		for m := 1; m <= 30 && raised < 0; m++ {
			for i := range 8 {
				sees := first == (i == 0) && (first || i == 7)
				s := Step{At: int64(1e15) + int64(m)*minute, Span: minute, Calm: !sees}
				if sees {
					s.Met = 1
				}
				if _, to := a.Step(d, s); to == 1 {
					raised = m
				}
			}
		}
		if raised != 5 {
			t.Errorf("gas first=%v: raised in minute %d, want 5", first, raised)
		}
	}
}

// A snapshot in the middle changes nothing.
func TestAlarmSnapshot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := indoor()
		if rapid.Bool().Draw(t, "pieces") {
			d.On[0].Within = 5 * minute
		}
		var a, b Alarm
		at, prev := int64(1e15), uint8(0)
		for range rapid.IntRange(1, 300).Draw(t, "n") {
			span := rapid.SampledFrom([]int64{sec, 30 * sec, 31 * sec, 3600 * sec, -5 * sec}).Draw(t, "span")
			v := rapid.SampledFrom([]float64{0, 2.9, 3, 4.9, 5, 9, 10, 25}).Draw(t, "v")
			at += span
			met, calm := metIndoor(v)
			s := Step{At: at, Span: span, Met: met, Prev: prev, Calm: calm}
			prev = met
			f1, t1 := a.Step(d, s)
			f2, t2 := b.Step(d, s)
			if f1 != f2 || t1 != t2 {
				t.Fatalf("(%d %d) before, (%d %d) after a snapshot", f1, t1, f2, t2)
			}
			if a.Level() == 0 && t1 != 0 || t1 > 0 && a.Begun() == 0 {
				t.Fatalf("level %d stands since %d", t1, a.Begun())
			}
			state, err := b.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			b = Alarm{}
			if err := b.UnmarshalBinary(state); err != nil {
				t.Fatal(err)
			}
			if a != b {
				t.Fatalf("%+v became %+v", a, b)
			}
			if b.UnmarshalBinary(state[:len(state)-1]) == nil || b.UnmarshalBinary(append(state, 0)) == nil {
				t.Fatal("a state that was cut short or is too long was taken")
			}
		}
	})
}

// What can't be told is missing data: it moves no delay, and neither raises, steps down nor clears.
func TestAlarmPausesWhereNothingCanBeTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := indoor()
		d.Off = rapid.SampledFrom([]int64{0, 30 * sec, 10 * minute}).Draw(t, "off")
		if rapid.Bool().Draw(t, "pieces") {
			d.On[0].Within = 5 * minute
		}
		var a Alarm
		at, prev := int64(1e15), uint8(0)
		for range rapid.IntRange(1, 200).Draw(t, "n") {
			span := rapid.SampledFrom([]int64{sec, 30 * sec, 3600 * sec}).Draw(t, "span")
			at += span
			if rapid.Bool().Draw(t, "unknown") {
				before := a
				if from, to := a.Step(d, Step{At: at, Span: span, Prev: prev, Unknown: 1<<MaxLevels - 1, Unsure: true}); from != to {
					t.Fatalf("from %d to %d", from, to)
				}
				prev = 0
				before.last = at
				if before.begun = a.begun; a.level > 0 && a != before || a.held != before.held {
					t.Fatalf("%+v became %+v", before, a)
				}
				continue
			}
			met, calm := metIndoor(rapid.SampledFrom([]float64{0, 2.9, 3, 5, 10, 25}).Draw(t, "v"))
			a.Step(d, Step{At: at, Span: span, Met: met, Prev: prev, Calm: calm})
			prev = met
		}
	})
}

// Two runs of one alarm never begin at the same time: the alert key rests on it.
func TestAlarmRunsAreDistinct(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := indoor()
		d.Off = 30 * sec
		seen := map[int64]bool{}
		var a Alarm
		at, prev := int64(1e15), uint8(0)
		for range 400 {
			at += 15 * sec
			met, calm := metIndoor(rapid.SampledFrom([]float64{0, 12, 25}).Draw(t, "v"))
			from, to := a.Step(d, Step{At: at, Span: 15 * sec, Met: met, Prev: prev, Calm: calm})
			prev = met
			if from == 0 && to > 0 {
				if seen[a.Begun()] {
					t.Fatalf("two runs began at %d", a.Begun())
				}
				seen[a.Begun()] = true
			}
		}
	})
}

func TestAlarmRefusesForeignState(t *testing.T) {
	var a Alarm
	for _, b := range [][]byte{nil, {9, 0}, {alarmVersion, 77}, {alarmVersion, 0, 0x80}} {
		if a.UnmarshalBinary(b) == nil {
			t.Errorf("%v was taken", b)
		}
	}
}

func BenchmarkAlarm(b *testing.B) {
	d := indoor()
	var a Alarm
	b.ReportAllocs()
	for i := range b.N {
		met, calm := metIndoor(float64(i / 64 % 30))
		a.Step(d, Step{At: int64(i) * sec, Span: sec, Met: met, Prev: met, Calm: calm})
	}
	b.ReportMetric(float64(unsafe.Sizeof(a)), "B/series")
}
