package series

import (
	"testing"
	"time"
	_ "time/tzdata" // also where the machine has no zone files
	"unsafe"

	"pgregory.net/rapid"
)

func TestDaily(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	h := func(x float64) int64 { return int64(x * hour) }
	for _, tc := range []struct {
		name  string
		p     DailyParams
		from  string // local
		hours int
		skip  func(i int) bool // hours without a reading
		want  []Figure         // From and To in hours after the start
	}{
		{
			"night flow", DailyParams{From: h(2), To: h(4)}, "2026-02-01 00:00", 50, nil,
			[]Figure{{h(2), h(4), 2.5, 1}, {h(26), h(28), 26.5, 1}},
		},
		{
			"over midnight", DailyParams{From: h(23), To: h(1)}, "2026-02-01 00:00", 50, nil,
			// The window before the start ends at 1 o'clock, and half of it was seen.
			[]Figure{{h(-1), h(1), 0, 0.5}, {h(23), h(25), 23.5, 1}, {h(47), h(49), 47.5, 1}},
		},
		{
			"whole day", DailyParams{}, "2026-02-01 00:00", 49, nil,
			[]Figure{{h(0), h(24), 11.5, 1}, {h(24), h(48), 35.5, 1}},
		},
		{
			"a gap in the window", DailyParams{From: h(0), To: h(4)}, "2026-02-01 00:00", 30,
			func(i int) bool { return i == 25 || i == 26 },
			// The reading of hour 24 speaks for one hour and a half.
			[]Figure{{h(0), h(4), 1.5, 1}, {h(24), h(28), (24*1.5 + 27) / 2.5, 2.5 / 4}},
		},
		{
			"too little", DailyParams{From: h(0), To: h(4), Cover: 0.7}, "2026-02-01 00:00", 30,
			func(i int) bool { return i == 25 || i == 26 },
			[]Figure{{h(0), h(4), 1.5, 1}},
		},
		{
			"a gap of days", DailyParams{From: h(2), To: h(4)}, "2026-02-01 00:00", 120,
			func(i int) bool { return i > 4 && i < 90 },
			[]Figure{{h(2), h(4), 2.5, 1}, {h(98), h(100), 98.5, 1}},
		},
		{
			// 29 March 2026 has no hour between 2 and 3: from midnight to 6 o'clock are five hours.
			"clocks put forward", DailyParams{From: h(0), To: h(6)}, "2026-03-29 00:00", 30, nil,
			[]Figure{{h(0), h(5), 2, 1}, {h(23), h(29), 25.5, 1}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.p.Zone, tc.p.Every = zone, h(1.5)
			start, err := time.ParseInLocation("2006-01-02 15:04", tc.from, zone)
			if err != nil {
				t.Fatal(err)
			}
			begin := start.UnixMicro()
			var s Daily
			var got []Figure
			for i := range tc.hours {
				if tc.skip != nil && tc.skip(i) {
					continue
				}
				if f, ok := s.Next(&tc.p, begin+int64(i)*hourly, float64(i)); ok {
					f.From, f.To = f.From-begin, f.To-begin
					got = append(got, f)
				}
			}
			if len(got) != len(tc.want) {
				t.Fatalf("figures %+v, want %+v", got, tc.want)
			}
			for i := range got {
				if got[i] != tc.want[i] {
					t.Errorf("figure %d: %+v, want %+v", i, got[i], tc.want[i])
				}
			}
		})
	}
}

// A reading speaks across the end of a window into the next that begins there; one that comes late is taken at the time of
// the newest.
func TestDailyBetweenWindows(t *testing.T) {
	p := DailyParams{Every: 2 * hourly}
	half := hourly / 2
	var s Daily
	s.Next(&p, 1000*int64(day), 0)
	s.Next(&p, 1001*int64(day)-half, 8)
	s.Next(&p, 1001*int64(day)+half, 0)
	s.Next(&p, 1001*int64(day), 0) // late
	s.Next(&p, 1001*int64(day)+hourly, 0)
	f, ok := s.Next(&p, 1002*int64(day), 0)
	if want := 8 * 0.5 / 3; !ok || f.Mean != want || f.Cover != 3./24 {
		t.Errorf("%+v, want a mean of %g over three hours", f, want)
	}
}

// The figures lie within the readings, come in order and never overlap, whatever the gaps; a snapshot changes nothing.
func TestDailyAnyGaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := DailyParams{
			From: rapid.Int64Range(0, 23).Draw(t, "from") * hourly, To: rapid.Int64Range(0, 23).Draw(t, "to") * hourly,
			Every: rapid.Int64Range(1, 30).Draw(t, "every") * hourly, Cover: 0.2,
		}
		steps := rapid.SliceOfN(rapid.Int64Range(0, 60*hourly), 1, 200).Draw(t, "steps")
		cut := rapid.IntRange(0, len(steps)).Draw(t, "cut")
		var whole, before, after Daily
		at := int64(1e15)
		var last int64
		for i, step := range steps {
			at += step
			x := rapid.Float64Range(-5, 5).Draw(t, "x")
			if i == cut {
				b, _ := before.AppendBinary(nil)
				if err := after.UnmarshalBinary(b); err != nil {
					t.Fatal(err)
				}
			}
			s := &before
			if i >= cut {
				s = &after
			}
			want, wok := whole.Next(&p, at, x)
			got, ok := s.Next(&p, at, x)
			if got != want || ok != wok {
				t.Fatalf("reading %d: %v, want %v", i, got, want)
			}
			if !ok {
				continue
			}
			if got.From < last || got.To > at || got.Cover < 0.2 || got.Cover > 1 || got.Mean < -5.0001 || got.Mean > 5.0001 {
				t.Fatalf("figure %+v after %d", got, last)
			}
			last = got.To
		}
	})
}

func TestDailySize(t *testing.T) {
	if n := unsafe.Sizeof(Daily{}); n != 48 {
		t.Errorf("a Daily holds %d bytes; its comment says otherwise", n)
	}
	p := DailyParams{From: 2 * hourly, To: 4 * hourly, Every: hourly}
	var s Daily
	i := int64(0)
	if n := testing.AllocsPerRun(1000, func() { s.Next(&p, i*hourly, 1); i++ }); n != 0 {
		t.Errorf("%v allocations a reading", n)
	}
	for _, b := range [][]byte{nil, {dailyVersion}, {9, 9}, append([]byte{dailyVersion}, make([]byte, 30)...)} {
		if s.UnmarshalBinary(b) == nil {
			t.Errorf("took up %v", b)
		}
	}
}
