package coverage

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/sensing"
)

func TestLiveness(t *testing.T) {
	hour := time.Hour.Microseconds()
	e := Expectation{Every: time.Hour}
	for _, c := range []struct {
		name string
		last int64 // hours in tenths before now
		want Liveness
	}{
		{"just now", 0, Alive}, {"from the future", -50, Alive}, {"on time", 10, Alive}, {"one and a half", 15, Alive},
		{"one is missing", 16, Late}, {"two and a half", 25, Late}, {"almost three", 29, Late}, {"three", 30, Mute}, {"long ago", 1000, Mute},
	} {
		now := 1000 * hour
		if got := e.LivenessAt(now-c.last*hour/10, now); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if got := e.LivenessAt(0, hour); got != Never {
		t.Errorf("never heard: %s", got)
	}
}

// What the list calls mute and what the detector calls silent are the same, to the microsecond.
func TestMuteIsWhatTheDetectorCallsSilent(t *testing.T) {
	for _, after := range []time.Duration{2 * time.Hour, 6 * time.Hour, 90 * time.Minute, time.Minute} {
		e := ofDetector(after)
		last := int64(1_000_000_000_000)
		if got := e.LivenessAt(last, last+after.Microseconds()); got != Mute {
			t.Errorf("%s after: %s", after, got)
		}
		if got := e.LivenessAt(last, last+after.Microseconds()-3); got != Late {
			t.Errorf("just before %s: %s", after, got)
		}
	}
}

func TestLastHeard(t *testing.T) {
	for name, c := range map[string]struct {
		st   sensing.State
		want int64
	}{
		"nothing yet":                    {sensing.State{}, 0},
		"live":                           {sensing.State{Count: 1, HeardAt: 105, MaxAt: 100}, 100},
		"recorded history that is given": {sensing.State{Count: 9, HeardAt: 9000, MaxAt: 100}, 100},
		"a clock that is ahead":          {sensing.State{Count: 1, HeardAt: 100, MaxAt: 9000}, 100},
		"all readings deleted":           {sensing.State{HeardAt: 100}, 100},
		"heard before it was noted when": {sensing.State{Count: 1, MaxAt: 100}, 100},
	} {
		if got := lastHeard(&c.st); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestStateOf(t *testing.T) {
	gone := Sight{Due: true}
	of := func(l Liveness) Sight { return Sight{Due: true, Watched: true, Liveness: l} }
	for _, c := range []struct {
		name   string
		sights []Sight
		works  bool
		want   State
	}{
		{"measures nothing", nil, false, None},
		{"measures nothing, works", nil, true, None},
		{"nobody measures", []Sight{gone, gone}, false, Unwatched},
		{"works explain no missing instrument", []Sight{gone}, true, Unwatched},
		{"all alive", []Sight{of(Alive), of(Alive)}, false, Watched},
		{"alive during works", []Sight{of(Alive)}, true, Watched},
		{"late still speaks", []Sight{of(Alive), of(Late)}, false, Watched},
		{"late is no silence that works explain", []Sight{of(Late)}, true, Watched},
		{"one not measured", []Sight{of(Alive), gone}, false, Partly},
		{"one not measured, works", []Sight{of(Alive), gone}, true, Partly},
		{"one silent", []Sight{of(Alive), of(Mute)}, false, Partly},
		{"one silent, works", []Sight{of(Alive), of(Mute)}, true, UnderWork},
		{"all silent", []Sight{of(Mute), of(Mute)}, false, MuteState},
		{"never heard is silent", []Sight{of(Never)}, false, MuteState},
		{"silent and not measured", []Sight{of(Mute), gone}, false, MuteState},
		{"all silent, works", []Sight{of(Mute)}, true, UnderWork},
	} {
		if got := StateOf(c.sights, c.works); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestStateOfPlace(t *testing.T) {
	for _, c := range []struct {
		name   string
		assets []State
		want   State
	}{
		{"empty", nil, None},
		{"nothing to measure", []State{None, None}, None},
		{"all unwatched", []State{Unwatched, Unwatched, None}, Unwatched},
		{"all watched", []State{Watched, None}, Watched},
		{"one mute", []State{Watched, MuteState}, Partly},
		{"nothing speaks", []State{Unwatched, MuteState}, MuteState},
		{"works and the rest watched", []State{UnderWork, Watched}, UnderWork},
		{"works beside a mute one", []State{UnderWork, MuteState}, Partly},
		{"works beside an unwatched one", []State{UnderWork, Unwatched}, Partly},
	} {
		var counts Counts
		for _, s := range c.assets {
			counts.count(s)
		}
		if got := StateOfPlace(&counts); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestDue(t *testing.T) {
	today, ok := dayOf("2026-11-28")
	if !ok || dateOf(today) != "2026-11-28" {
		t.Fatal(today, ok)
	}
	for day, want := range map[string]Due{"2026-11-27": Overdue, "2026-11-28": DueSoon, "2026-12-28": DueSoon, "2026-12-29": NotDue} {
		d, _ := dayOf(day)
		if got := dueAt(d, today); got != want {
			t.Errorf("%s: %s, want %s", day, got, want)
		}
	}
	if got := dueAt(0, today); got != "" {
		t.Errorf("no calibration: %s", got)
	}
	for _, bad := range []string{"", "2026-02-30", "28.11.2026", "1969-12-31", "2200-01-01", "2026-11-28T00:00:00Z"} {
		if _, ok := dayOf(bad); ok {
			t.Errorf("%q is taken for a day", bad)
		}
	}
}

func TestParseEvery(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"PT10M": 10 * time.Minute, "PT1H": time.Hour, "P1D": 24 * time.Hour, "P1W": 7 * 24 * time.Hour, "P1DT12H": 36 * time.Hour,
		"PT1.5M": 90 * time.Second, "PT30S": 30 * time.Second, "PT0.5H": 30 * time.Minute, "P0DT5M": 5 * time.Minute, "PT1H30M15.5S": 5415500 * time.Millisecond,
	} {
		got, err := ParseEvery(text)
		if err != nil || got != want {
			t.Errorf("%s: %s %v, want %s", text, got, err, want)
		}
	}
	for _, bad := range []string{
		"", "P", "PT", "10", "PT10", "10M", "P10M", "P1Y", "P1M", "PT1M1H", "PT1M1M", "P1H", "PT1D", "PT-1M", "-PT1M", "PT.5M", "PT5.M", "PT1.5H1M",
		"PT0S", "PT0.5S", "P367D", "P1DT", "pt1m", "PT1M ", "PT1e3S", "PTNaNS", "5 minutes", "PT1234567890123S", "P1TT1M", "P1DT1MT1S",
	} {
		if got, err := ParseEvery(bad); err == nil {
			t.Errorf("%q is taken for %s", bad, got)
		}
	}
}

func TestEveryReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(minEvery.Microseconds(), maxEvery.Microseconds()).Draw(t, "us")) * time.Microsecond
		got, err := ParseEvery(FormatEvery(d))
		if err != nil || (got-d).Abs() > time.Microsecond {
			t.Fatalf("%s is %s: %s %v", d, FormatEvery(d), got, err)
		}
	})
}

func FuzzParseEvery(f *testing.F) {
	for _, s := range []string{"PT10M", "P1DT12H", "P1W", "PT1.5S", "P", "PT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseEvery(s); err == nil && (d < minEvery || d > maxEvery) {
			t.Fatalf("%q is %s", s, d)
		}
	})
}

func TestExpectationsByStrength(t *testing.T) {
	p, q := &property{id: "gas/methane"}, &property{id: "gas/battery"}
	k := &kind{judged: map[*property]Expectation{p: ofDetector(6 * time.Hour)}}
	x := expectations{
		set:      map[int64]Expectation{1: {time.Minute, FromSetting}},
		declared: map[int64]declaration{1: {"PT5M", FromDatastream}, 2: {"PT5M", FromDatastream}, 3: {"PT7M", FromThing}, 4: {"every hour", FromDatastream}},
	}
	for _, c := range []struct {
		id      int64
		p       *property
		want    Expectation
		ignored string
	}{
		{1, p, Expectation{time.Minute, FromSetting}, ""},
		{2, p, Expectation{5 * time.Minute, FromDatastream}, ""},
		{3, p, Expectation{7 * time.Minute, FromThing}, ""},
		{4, p, Expectation{2 * time.Hour, FromDetector}, "every hour"},
		{5, p, Expectation{2 * time.Hour, FromDetector}, ""},
		{5, q, Expectation{DefaultEvery, FromDefault}, ""},
	} {
		if got, ignored := x.expect(c.id, k, c.p); got != c.want || ignored != c.ignored {
			t.Errorf("%d %s: %v %q, want %v %q", c.id, c.p.id, got, ignored, c.want, c.ignored)
		}
	}
}
