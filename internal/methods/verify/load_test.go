package verify

import (
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

const (
	second = int64(1e6)
	start  = 1000 * day
)

func TestLoadOfAQuietDayCountsItsEmptyPeriods(t *testing.T) {
	l := NewLoad(start)
	l.Raise(start+5*hour, "a", High)
	r := l.Report(start + day)
	if r.Periods != 144 || r.EmptyPeriods != 143 || r.PerDay != 1 || r.Largest != 1 || r.OverPeriods != 0 || len(r.Hours) != 24 || r.Hours[5] != 1 {
		t.Errorf("%+v", r)
	}
	near(t, "per hour", r.PerHour, 1.0/24, 1e-12)
	if r.High != 1 || r.Low != 0 || r.TopShare != 1 {
		t.Errorf("%+v", r)
	}
	empty := NewLoad(start).Report(start + day)
	if empty.EmptyPeriods != 144 || empty.PerHour != 0 || empty.TopShare.Defined() || empty.Floods == nil {
		t.Errorf("%+v", empty)
	}
}

func TestFloods(t *testing.T) {
	for _, c := range []struct {
		name   string
		counts []int // alarms in each ten minutes
		want   []Flood
		over   int
	}{
		{"ten are none", []int{10, 10}, nil, 0},
		{"eleven are one", []int{0, 11, 0}, []Flood{{1, 2, 11, 11}}, 1},
		{"it goes on while five come", []int{12, 5, 20, 4, 3}, []Flood{{0, 3, 37, 20}}, 2},
		{"two", []int{11, 0, 0, 11, 4}, []Flood{{0, 1, 11, 11}, {3, 4, 11, 11}}, 2},
		{"one that has not ended", []int{0, 11}, []Flood{{1, 2, 11, 11}}, 1},
		{"long over", []int{11, 0, 0, 0, 0, 0}, []Flood{{0, 1, 11, 11}}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := NewLoad(start)
			for period, n := range c.counts {
				for i := range n {
					l.Raise(start+int64(period)*tenMinutes+int64(i)*second, fmt.Sprint(i), Low)
				}
			}
			r := l.Report(start + int64(len(c.counts))*tenMinutes)
			want := []Flood{}
			share := int64(0)
			for _, f := range c.want {
				want = append(want, Flood{start + f.Start*tenMinutes, start + f.End*tenMinutes, f.Alarms, f.Largest})
				share += f.End - f.Start
			}
			if !reflect.DeepEqual(r.Floods, want) || r.OverPeriods != c.over {
				t.Errorf("got %+v, want %+v", r.Floods, want)
			}
			near(t, "share", r.FloodShare, float64(share)/float64(len(c.counts)), 1e-12)
		})
	}
}

func TestChatteringFleetingStale(t *testing.T) {
	l := NewLoad(start)
	l.Raise(start, "stuck", Low) // stands for two days and an hour, so it is stale on the second and third day
	for i := range int64(3) {
		l.Raise(start+hour+i*30*second, "chatters", Medium)
		l.Clear(start+hour+i*30*second+10*second, "chatters")
	}
	for i := range int64(3) {
		l.Raise(start+2*hour+i*31*second, "does not", Medium)
		l.Clear(start+2*hour+i*31*second+30*second, "does not")
	}
	l.Raise(start+3*hour, "stands", Low)
	l.Clear(start+3*hour+fleetingSpan, "stands")
	if r := l.Report(start + day); r.Stale != 0 {
		t.Errorf("stale after a day: %d", r.Stale)
	}
	l.Raise(start+30*hour, "second", Low)
	l.Clear(start+55*hour, "second")
	l.Clear(start+49*hour+6*hour, "stuck")
	r := l.Report(start + 60*hour)
	if r.Chattering != 1 || r.Fleeting != 6 || r.Stale != 2 || r.Top[0] != (SourceCount{"chatters", 3}) {
		t.Errorf("%+v", r)
	}
}

// The report of a running load does not depend on whether, and when, one has asked before.
func TestReportsDoNotDisturb(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		asked, quiet := NewLoad(start), NewLoad(start)
		now, total := start, 0
		for range rapid.IntRange(0, 80).Draw(t, "steps") {
			now += rapid.Int64Range(0, 20).Draw(t, "gap") * rapid.SampledFrom([]int64{second, 60 * second, hour}).Draw(t, "unit")
			name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "source")
			if rapid.Bool().Draw(t, "raise") {
				asked.Raise(now, name, Low)
				quiet.Raise(now, name, Low)
				total++
			} else {
				asked.Clear(now, name)
				quiet.Clear(now, name)
			}
			asked.Report(now + rapid.Int64Range(0, 3*day).Draw(t, "ahead"))
		}
		r := asked.Report(now + day)
		if want := quiet.Report(now + day); !reflect.DeepEqual(fmt.Sprint(r), fmt.Sprint(want)) {
			t.Fatalf("%+v\n%+v", r, want)
		}
		sum := 0
		for _, n := range r.Hours {
			sum += n
		}
		if sum != total || r.Alarms != total || r.EmptyPeriods > r.Periods || r.EmptyPeriods < 0 {
			t.Fatalf("%+v", r)
		}
		if !(r.FloodShare >= 0 && r.FloodShare <= 1) {
			t.Fatalf("%+v", r)
		}
	})
}
