package odata

import (
	"slices"
	"strings"
	"testing"
)

// The observations and what is expected of them are those of FROST's own date and time tests, so that a client sees no
// difference: 8 instants, 13 intervals and 4 more, first instants with a resultTime, then intervals with a validTime.
func timeWorld(t *testing.T) []*thing {
	const day = "2016-01-01T"
	var out []*thing
	instant := func(pt, rt string) {
		out = append(out, &thing{props: map[string]Value{"phenomenonTime": Instant(at(t, pt)), "resultTime": Instant(at(t, rt))}})
	}
	interval := func(start, end string) *thing {
		v := Interval(at(t, start), at(t, end))
		out = append(out, &thing{props: map[string]Value{"phenomenonTime": v, "validTime": v}})
		return out[len(out)-1]
	}
	for _, s := range []string{"06:00", "06:59", "07:00", "07:01", "07:59", "08:00", "08:01", "09:00"} {
		instant(day+s+":00Z", day+s+":00Z")
	}
	for _, s := range []string{"06:00/06:59", "06:00/07:00", "06:00/07:01", "07:00/08:00", "07:01/07:59", "07:59/09:00", "08:00/09:00", "08:01/09:00",
		"06:59/08:01", "07:00/07:59", "07:00/08:01", "06:59/08:00", "07:01/08:00"} {
		start, end, _ := strings.Cut(s, "/")
		interval(day+start+":00Z", day+end+":00Z")
	}
	instant("2015-01-01T06:00:00Z", "2015-01-01T06:00:00Z")
	instant("2017-01-01T09:00:00Z", "2017-01-01T09:00:00Z")
	interval("2015-01-01T06:00:00Z", "2015-01-01T07:00:00Z").props["resultTime"] = Instant(at(t, "2015-01-01T06:00:00Z"))
	interval("2017-01-01T09:00:00Z", "2017-01-01T10:00:00Z").props["resultTime"] = Instant(at(t, "2017-01-01T10:00:00Z"))
	return out
}

func TestTimes(t *testing.T) {
	const (
		t7  = "2016-01-01T07:00:00Z"
		t8  = "2016-01-01T08:00:00Z"
		t9  = "2016-01-01T09:00:00Z"
		i67 = "2016-01-01T06:00:00Z/2016-01-01T07:00:00Z"
		i78 = "2016-01-01T07:00:00Z/2016-01-01T08:00:00Z"
		i89 = "2016-01-01T08:00:00Z/2016-01-01T09:00:00Z"
	)
	type ids = []int
	both := func(op string, rt7, vt7, rt78, vt78 ids) (out []timeCase) {
		for _, c := range []struct {
			lit    string
			rt, vt ids
		}{{t7, rt7, vt7}, {i78, rt78, vt78}} {
			out = append(out, timeCase{op, "resultTime", c.lit, c.rt}, timeCase{op, "validTime", c.lit, c.vt},
				timeCase{op, "phenomenonTime", c.lit, phenomenon(c.rt, c.vt)})
		}
		return out
	}
	mirrored := func(op string, rt7, vt7, rt78, vt78 ids) (out []timeCase) {
		for _, c := range both(op, rt7, vt7, rt78, vt78) {
			out = append(out, timeCase{op, c.right, c.left, c.want})
		}
		return out
	}
	lt7r, lt7v := ids{0, 1, 21, 23}, ids{8, 9, 23}
	gt7r, gt7v, gt78r, gt78v := ids{3, 4, 5, 6, 7, 22, 24}, ids{12, 13, 14, 15, 20, 24}, ids{5, 6, 7, 22, 24}, ids{14, 15, 24}
	le7r, le7v, le78v := ids{0, 1, 2, 21, 23}, ids{8, 9, 23}, ids{8, 9, 10, 11, 17, 19, 23}
	ge7r, ge7v, ge78v := ids{2, 3, 4, 5, 6, 7, 22, 24}, ids{11, 12, 13, 14, 15, 17, 18, 20, 24}, ids{11, 13, 14, 15, 18, 20, 24}
	cases := slices.Concat(
		both("lt", lt7r, lt7v, lt7r, lt7v), mirrored("lt", gt7r, gt7v, gt78r, gt78v),
		both("gt", gt7r, gt7v, gt78r, gt78v), mirrored("gt", lt7r, lt7v, lt7r, lt7v),
		both("le", le7r, le7v, le7r, le78v), mirrored("le", ge7r, ge7v, gt78r, ge78v),
		both("ge", ge7r, ge7v, gt78r, ge78v), mirrored("ge", le7r, le7v, le7r, le78v),
		both("eq", ids{2}, ids{}, ids{}, ids{11}), mirrored("eq", ids{2}, ids{}, ids{}, ids{11}),
		both("before", lt7r, lt7v, lt7r, lt7v), mirrored("before", gt7r, gt7v, gt78r, gt78v),
		both("after", gt7r, gt7v, gt78r, gt78v), mirrored("after", lt7r, lt7v, lt7r, lt7v),
		both("meets", ids{2}, ids{9, 11, 17, 18}, ids{2, 5}, ids{9, 14}), mirrored("meets", ids{2}, ids{9, 11, 17, 18}, ids{2, 5}, ids{9, 14}),
		both("overlaps", ids{2}, ids{10, 11, 16, 17, 18, 19}, ids{2, 3, 4}, ids{10, 11, 12, 13, 16, 17, 18, 19, 20}),
		mirrored("overlaps", ids{2}, ids{10, 11, 16, 17, 18, 19}, ids{2, 3, 4}, ids{10, 11, 12, 13, 16, 17, 18, 19, 20}),
		both("starts", ids{2}, ids{11, 17, 18}, ids{2}, ids{11, 17, 18}), mirrored("starts", ids{2}, ids{11, 17, 18}, ids{2}, ids{11, 17, 18}),
		both("finishes", ids{2}, ids{9}, ids{5}, ids{11, 19, 20}), mirrored("finishes", ids{2}, ids{9}, ids{5}, ids{11, 19, 20}),
	)
	world := timeWorld(t)
	for _, c := range cases {
		check(t, world, c.filter(), c.want)
	}
	for _, c := range []struct {
		filter string
		want   ids
	}{
		{"year(resultTime) eq 2015", ids{21, 23}},
		{"year(validTime) eq 2015", ids{23}},
		{"year(phenomenonTime) eq 2015", ids{21, 23}},
		{"resultTime add duration'PT1H' gt " + t9, ids{6, 7, 22, 24}},
		{"validTime add duration'PT1H' gt " + t9, ids{15, 24}},
		{"phenomenonTime add duration'PT1H' gt " + t9, ids{6, 7, 15, 22, 24}},
		{"phenomenonTime gt " + t9 + " sub duration'PT1H'", ids{6, 7, 15, 22, 24}},
		{"phenomenonTime sub duration'PT1H' gt " + t7, ids{6, 7, 15, 22, 24}},
		{"phenomenonTime lt " + i67 + " add duration'PT1H'", ids{0, 1, 8, 9, 21, 23}},
		{"validTime gt " + i89 + " sub duration'PT1H'", ids{14, 15, 24}},
		{"phenomenonTime sub " + t8 + " eq duration'PT1H'", ids{7}},
		{"during(resultTime," + i78 + ")", ids{2, 3, 4}},
		{"during(validTime," + i78 + ")", ids{11, 12, 17, 20}},
		{"during(phenomenonTime," + i78 + ")", ids{2, 3, 4, 11, 12, 17, 20}},
		{"during(" + t7 + ",validTime)", ids{10, 11, 16, 17, 18, 19}},
		{"during(" + t7 + ",phenomenonTime)", ids{10, 11, 16, 17, 18, 19}},
		{"during(" + i78 + ",validTime)", ids{11, 16, 18, 19}},
		{"during(" + i78 + ",phenomenonTime)", ids{11, 16, 18, 19}},
		{"not validTime lt " + t7 + " and not validTime ge " + t8 + " and validTime ne null", ids{10, 11, 12, 13, 16, 17, 18, 19, 20}},
	} {
		check(t, world, c.filter, c.want)
	}
}

type timeCase struct {
	op, left, right string
	want            []int
}

func (c timeCase) filter() string {
	if len(c.op) == 2 {
		return c.left + " " + c.op + " " + c.right
	}
	return c.op + "(" + c.left + "," + c.right + ")"
}

// phenomenon puts together what is expected of phenomenonTime: the instants are those of resultTime, the intervals those of
// validTime. Two intervals have a resultTime as well, which says nothing about them.
func phenomenon(rt, vt []int) []int {
	out := slices.Clone(vt)
	for _, id := range rt {
		if id != 23 && id != 24 {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func check(t *testing.T, world []*thing, filter string, want []int) {
	t.Helper()
	p := Compile(mustFilter(t, SensorThings().Type("Observation"), filter), 0)
	got := []int{}
	for i, o := range world {
		ok, err := p.Match(o)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			got = append(got, i)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", filter, got, want)
	}
}

func TestDurations(t *testing.T) {
	for _, tt := range []struct {
		text string
		us   int64
		back string
	}{
		{"PT1H", hours(1), "PT1H"}, {"P1D", hours(24), "P1D"}, {"PT24H", hours(24), "P1D"}, {"-PT90M", -hours(3) / 2, "-PT1H30M"},
		{"PT0S", 0, "PT0S"}, {"P1DT0.5S", hours(24) + 500_000, "P1DT0.5S"}, {"PT0.0000019S", 1, "PT0.000001S"}, {"pt1m", 60_000_000, "PT1M"},
	} {
		v, err := readDuration(tt.text)
		if us, _ := v.Microseconds(); err != nil || us != tt.us || durationText(us) != tt.back {
			t.Errorf("%s: %d, %v, %s", tt.text, us, err, durationText(us))
		}
	}
	for _, text := range []string{"", "P", "PT", "P1Y", "P1M", "1H", "PT1", "P1DT", "PT99999999999999999999S", "P99999999999D"} {
		if v, err := readDuration(text); err == nil {
			t.Errorf("%q was read as %v", text, v)
		}
	}
}
