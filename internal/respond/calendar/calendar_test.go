package calendar

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/packs"
)

// shipped are the calendars of packs/calendar, by id.
func shipped(t testing.TB) map[string]*Calendar {
	t.Helper()
	files, err := fs.Sub(packs.FS(), "calendar")
	if err != nil {
		t.Fatal(err)
	}
	p, err := pack.Load(files, "packs/calendar")
	if err != nil {
		t.Fatal(err)
	}
	all, err := Read(p)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*Calendar{}
	for _, c := range all {
		out[c.ID] = c
	}
	return out
}

func read(t testing.TB, text string) ([]*Calendar, error) {
	t.Helper()
	p, err := pack.Load(fstest.MapFS{
		pack.Main: {Data: []byte("pack: test\ntitle: {en: Test, zh-CN: 测试}\n")}, File: {Data: []byte(text)},
	}, "packs/test")
	if err != nil {
		t.Fatal(err)
	}
	return Read(p)
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	x, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// Each line of the two notices of the State Council: how many days off, and which days are worked in return.
func TestTheStateCouncilsNotices(t *testing.T) {
	c := shipped(t)["cn"]
	shanghai := c.zone
	for year, want := range map[int]struct {
		off    map[string]int // the first day of a holiday, and how long it lasts
		makeUp []string
	}{
		2025: {map[string]int{"01-01": 1, "01-28": 8, "04-04": 3, "05-01": 5, "05-31": 3, "10-01": 8}, []string{"01-26", "02-08", "04-27", "09-28", "10-11"}},
		2026: {map[string]int{"01-01": 3, "02-15": 9, "04-04": 3, "05-01": 5, "06-19": 3, "09-25": 3, "10-01": 7}, []string{"01-04", "02-14", "02-28", "05-09", "09-20", "10-10"}},
	} {
		off, makeUp := map[string]bool{}, map[string]bool{}
		for first, days := range want.off {
			d, err := time.ParseInLocation("2006-01-02", time.Date(year, 1, 1, 0, 0, 0, 0, shanghai).Format("2006-")+first, shanghai)
			if err != nil {
				t.Fatal(err)
			}
			for i := range days {
				off[d.AddDate(0, 0, i).Format("01-02")] = true
			}
		}
		for _, d := range want.makeUp {
			makeUp[d] = true
		}
		for d := time.Date(year, 1, 1, 12, 0, 0, 0, shanghai); d.Year() == year; d = d.AddDate(0, 0, 1) {
			name := d.Format("01-02")
			weekend := d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
			if works := makeUp[name] || !weekend && !off[name]; c.Working(d) != works {
				t.Errorf("%s: working %v", d.Format("Mon 2006-01-02"), !works)
			}
			if makeUp[name] && !weekend || !c.Known(d) {
				t.Errorf("%s", name)
			}
		}
	}
	if c.Known(at(t, "2027-01-01T00:00:00+08:00")) || !c.Known(at(t, "2026-12-31T23:59:59+08:00")) || c.Known(at(t, "2024-12-31T23:59:59+08:00")) {
		t.Error("the span that is known")
	}
	if until, ok := c.Until(); !ok || !until.Equal(at(t, "2027-01-01T00:00:00+08:00")) {
		t.Error(until, ok)
	}
	if _, ok := shipped(t)["weekdays"].Until(); ok {
		t.Error("a calendar without holidays has no end")
	}
}

// Beyond what is announced the days off that the law fixes by date are off all the same; within it the notice alone counts.
func TestFixedDays(t *testing.T) {
	cn := shipped(t)["cn"]
	for day, want := range map[string]bool{
		"2027-01-01": false, "2027-01-04": true, "2028-05-01": false, "2028-05-02": false, "2028-05-03": true,
		"2027-10-01": false, "2029-10-02": false, "2028-10-03": false, "2027-10-04": true, "2028-01-01": false,
		"2027-02-08": true, // the Spring Festival of 2027, which nobody has announced yet
		"2024-10-01": false, "2026-10-10": true,
	} {
		if got := cn.Working(at(t, day+"T12:00:00+08:00")); got != want {
			t.Errorf("%s: works %v, want %v", day, got, want)
		}
	}
	if got := cn.Add(at(t, "2026-12-31T10:00:00+08:00"), 1); !got.Equal(at(t, "2027-01-04T17:30:00+08:00")) {
		t.Errorf("the working day after New Year's Eve ends %v", got)
	}
	_, err := read(t, `- {id: x, title: {en: X, zh-CN: 某}, source: nobody, weekdays: [friday], hours: 09:00-17:00, fixed: [01-01]}
- {id: y, title: {en: Y, zh-CN: 某}, source: nobody, weekdays: [friday], hours: 09:00-17:00, known: [2026-01-01, 2026-12-31], fixed: [13-01, 05-01, 05-01]}
`)
	for _, want := range []string{"add known", `no day "13-01"`, "05-01 stands here a second time"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestAdd(t *testing.T) {
	cn := shipped(t)["cn"]
	same := *cn
	same.ends = EndsAtSameTime
	for _, tt := range []struct {
		name  string
		c     *Calendar
		from  string
		days  int
		until string
	}{
		{"the day of receipt does not count", cn, "2026-11-23T10:00:00+08:00", 1, "2026-11-24T17:30:00+08:00"},
		{"nor does it early in the morning", cn, "2026-11-23T00:00:00+08:00", 1, "2026-11-24T17:30:00+08:00"},
		{"nor late in the evening", cn, "2026-11-23T23:59:59+08:00", 1, "2026-11-24T17:30:00+08:00"},
		{"a Friday evening is followed by Monday", cn, "2026-11-27T18:00:00+08:00", 1, "2026-11-30T17:30:00+08:00"},
		{"so is a Saturday", cn, "2026-11-28T12:00:00+08:00", 1, "2026-11-30T17:30:00+08:00"},
		{"whatever the clock of the asker shows", cn, "2026-11-23T17:00:00Z", 1, "2026-11-25T17:30:00+08:00"},
		{"the spring festival of 2026 and its Saturday at work", cn, "2026-02-13T10:00:00+08:00", 2, "2026-02-24T17:30:00+08:00"},
		{"a Sunday at work is a day of receipt", cn, "2026-01-04T10:00:00+08:00", 1, "2026-01-05T17:30:00+08:00"},
		{"13 working days across National Day", cn, "2026-09-24T09:00:00+08:00", 13, "2026-10-20T17:30:00+08:00"},
		{"beyond what is known weekends count, and the days fixed by law", cn, "2026-12-31T10:00:00+08:00", 1, "2027-01-04T17:30:00+08:00"},
		{"none: the end of the day", cn, "2026-11-23T10:00:00+08:00", 0, "2026-11-23T17:30:00+08:00"},
		{"none, after the close: the end of the next", cn, "2026-11-23T17:30:01+08:00", 0, "2026-11-24T17:30:00+08:00"},
		{"20 before", cn, "2026-11-30T17:30:00+08:00", -20, "2026-11-02T17:30:00+08:00"},
		{"one before a Sunday", cn, "2026-11-29T12:00:00+08:00", -1, "2026-11-27T17:30:00+08:00"},

		{"same time of day", &same, "2026-11-23T10:15:30+08:00", 1, "2026-11-24T10:15:30+08:00"},
		{"before the opening it begins then", &same, "2026-11-23T03:00:00+08:00", 1, "2026-11-24T09:00:00+08:00"},
		{"at the opening", &same, "2026-11-23T09:00:00+08:00", 1, "2026-11-24T09:00:00+08:00"},
		{"at the close it begins with the next opening", &same, "2026-11-23T17:30:00+08:00", 1, "2026-11-25T09:00:00+08:00"},
		{"on a Saturday too", &same, "2026-11-28T12:00:00+08:00", 1, "2026-12-01T09:00:00+08:00"},
		{"none: at once", &same, "2026-11-23T10:15:30+08:00", 0, "2026-11-23T10:15:30+08:00"},
		{"none, on a Saturday: the next opening", &same, "2026-11-28T12:00:00+08:00", 0, "2026-11-30T09:00:00+08:00"},
		{"one back", &same, "2026-11-23T10:15:30+08:00", -1, "2026-11-20T10:15:30+08:00"},
		{"one back from a Sunday", &same, "2026-11-29T12:00:00+08:00", -1, "2026-11-26T17:30:00+08:00"},
		{"one back from an evening", &same, "2026-11-24T20:00:00+08:00", -1, "2026-11-23T17:30:00+08:00"},
	} {
		if got := tt.c.Add(at(t, tt.from), tt.days); !got.Equal(at(t, tt.until)) {
			t.Errorf("%s: %s + %d = %s, want %s", tt.name, tt.from, tt.days, got.Format(time.RFC3339), tt.until)
		}
	}
}

// The hours of a working day are those of the clock on the wall, also across the change to summer time.
func TestSummerTime(t *testing.T) {
	all, err := read(t, `
- id: boston
  title: {en: Boston, zh-CN: 波士顿}
  source: test
  zone: America/New_York
  weekdays: [monday, tuesday, wednesday, thursday, friday]
  hours: 08:30-17:00
  ends: same-time
`)
	if err != nil {
		t.Fatal(err)
	}
	if got := all[0].Add(at(t, "2015-03-06T10:00:00-05:00"), 1); !got.Equal(at(t, "2015-03-09T10:00:00-04:00")) {
		t.Error(got)
	}
}

// A calendar without a zone counts by the clock of the city that it is asked for; one with a zone keeps it.
func TestZoneOfTheCity(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	all := shipped(t)
	if got := all["weekdays"].In(shanghai).Add(at(t, "2026-11-23T17:00:00Z"), 1); !got.Equal(at(t, "2026-11-25T17:00:00+08:00")) {
		t.Error(got)
	}
	if all["cn"].In(time.UTC) != all["cn"] || all["weekdays"].zone != nil {
		t.Error("In changed a calendar")
	}
}

// Deadlines as the City of Boston gave them in 2015 (data.boston.gov, 311 service requests, PDDL): type, received, due. Of all
// rows 98.7 % of "CE Collection" and 96.0 % of "Building Inspection Request" follow from the calendar to the minute.
func TestBostonsDeadlines(t *testing.T) {
	all, err := read(t, `
- id: boston
  title: {en: Boston, zh-CN: 波士顿}
  source: holidays of the City of Boston, 2015
  zone: America/New_York
  weekdays: [monday, tuesday, wednesday, thursday, friday]
  hours: 08:30-17:00
  ends: same-time
  known: [2015-01-01, 2015-12-31]
  holidays:
    - {title: {en: New Year's Day, zh-CN: 元旦}, from: 2015-01-01}
    - {title: {en: Martin Luther King Day, zh-CN: 马丁·路德·金纪念日}, from: 2015-01-19}
    - {title: {en: Presidents' Day, zh-CN: 总统日}, from: 2015-02-16}
    - {title: {en: Patriots' Day, zh-CN: 爱国者日}, from: 2015-04-20}
    - {title: {en: Memorial Day, zh-CN: 阵亡将士纪念日}, from: 2015-05-25}
    - {title: {en: Independence Day, zh-CN: 独立日}, from: 2015-07-03}
    - {title: {en: Labor Day, zh-CN: 劳动节}, from: 2015-09-07}
    - {title: {en: Columbus Day, zh-CN: 哥伦布日}, from: 2015-10-12}
    - {title: {en: Veterans Day, zh-CN: 退伍军人节}, from: 2015-11-11}
    - {title: {en: Thanksgiving, zh-CN: 感恩节}, from: 2015-11-26}
    - {title: {en: Christmas, zh-CN: 圣诞节}, from: 2015-12-25}
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range boston {
		got := all[0].Add(at(t, row.opened), row.days)
		if off := got.Sub(at(t, row.target)).Abs(); off > time.Minute {
			t.Errorf("%s + %d = %s, the city says %s", row.opened, row.days, got.Format(time.RFC3339), row.target)
		}
	}
}

// A term against a count of each day by its name, in both directions and for both ways of ending.
func TestAgainstADayByDayCount(t *testing.T) {
	cn := shipped(t)["cn"]
	rapid.Check(t, func(t *rapid.T) {
		c := *cn
		c.ends = rapid.SampledFrom([]string{EndsAtClose, EndsAtSameTime}).Draw(t, "ends")
		start := time.Date(2024, 12, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.Int64Range(0, 800*24*3600).Draw(t, "second")) * time.Second)
		days := rapid.IntRange(-40, 60).Draw(t, "days")
		got := c.Add(start, days)
		if want := counted(&c, start, days); !got.Equal(want) {
			t.Fatalf("%s %+d = %s, counted %s", start.In(c.zone), days, got.In(c.zone), want.In(c.zone))
		}
		later := start.Add(time.Duration(rapid.Int64Range(0, 10*24*3600).Draw(t, "later")) * time.Second)
		if c.Add(later, days).Before(got) {
			t.Fatalf("what comes in later is due earlier: %s %s", start, later)
		}
		if c.Add(start, days+1).Before(got) {
			t.Fatalf("a longer term ends earlier")
		}
		if days > 0 && (got.Before(start) || !c.Working(got)) {
			t.Fatalf("due on %s, a day of rest, or before it begins", got)
		}
	})
}

// counted does what Add does in the slowest way: hour by hour it asks whether the offices have just closed, or the same time of
// day has come again.
func counted(c *Calendar, start time.Time, days int) time.Time {
	start = start.In(c.zone)
	works := func(t time.Time) bool {
		name := t.Format("2006-01-02")
		for _, h := range holidays {
			if name >= h.from && name <= h.to {
				return false
			}
		}
		if name < "2025" || name >= "2027" { // nothing is announced, and these are off by law
			for _, day := range []string{"-01-01", "-05-01", "-05-02", "-10-01", "-10-02", "-10-03"} {
				if strings.HasSuffix(name, day) {
					return false
				}
			}
		}
		return strings.Contains(worked, name) || t.Weekday() != time.Saturday && t.Weekday() != time.Sunday
	}
	midnight := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, c.zone) }
	opens := func(t time.Time) time.Time { return midnight(t).Add(9 * time.Hour) }
	closes := func(t time.Time) time.Time { return midnight(t).Add(17*time.Hour + 30*time.Minute) }
	way := 1
	if days < 0 {
		way = -1
	}
	t := start
	if c.ends == EndsAtSameTime {
		if days >= 0 {
			for !works(t) || !t.Before(closes(t)) {
				t = midnight(t).AddDate(0, 0, 1)
			}
			if t.Before(opens(t)) {
				t = opens(t)
			}
		} else {
			for !works(t) || t.Before(opens(t)) {
				t = midnight(t).Add(-time.Second)
			}
			if !t.Before(closes(t)) {
				t = closes(t)
			}
		}
	} else if days == 0 {
		for !works(t) || t.After(closes(t)) {
			t = midnight(t).AddDate(0, 0, 1)
		}
	}
	for n := days; n != 0; {
		if t = t.AddDate(0, 0, way); works(t) {
			n -= way
		}
	}
	if c.ends == EndsAtClose {
		return closes(t)
	}
	return t
}

// The two notices again, as a clerk would list them.
var holidays = []struct{ from, to string }{
	{"2025-01-01", "2025-01-01"}, {"2025-01-28", "2025-02-04"}, {"2025-04-04", "2025-04-06"}, {"2025-05-01", "2025-05-05"},
	{"2025-05-31", "2025-06-02"}, {"2025-10-01", "2025-10-08"}, {"2026-01-01", "2026-01-03"}, {"2026-02-15", "2026-02-23"},
	{"2026-04-04", "2026-04-06"}, {"2026-05-01", "2026-05-05"}, {"2026-06-19", "2026-06-21"}, {"2026-09-25", "2026-09-27"},
	{"2026-10-01", "2026-10-07"},
}

const worked = "2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11 2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10"
