package calendar

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/pack"
)

// File is the name of the file in a pack that declares calendars.
const File = "calendar.yaml"

// Declaration is that of calendar.yaml.
func Declaration() pack.Declaration {
	return pack.Declaration{File: File, Title: "Calendars of working days: weekdays, hours, holidays, and the days on which offices work in return", Of: []calendarEntry{}}
}

type calendarEntry struct {
	ID       pack.String    `yaml:"id" pack:"required,name" doc:"unique among all packs; a kind of case names it under calendar"`
	Title    pack.Text      `yaml:"title" pack:"required" doc:"the calendar's name for people"`
	Source   pack.String    `yaml:"source" pack:"required" doc:"who announced it, and where"`
	Zone     pack.String    `yaml:"zone" doc:"whose clock its days and hours are of; left out: the city's own" example:"Asia/Shanghai"`
	Weekdays []pack.String  `yaml:"weekdays" pack:"required,one of monday tuesday wednesday thursday friday saturday sunday" doc:"the days of the week on which offices work" example:"[monday, tuesday, wednesday, thursday, friday]"`
	Hours    pack.String    `yaml:"hours" pack:"required" doc:"when they open and close" example:"09:00-17:30"`
	Ends     pack.String    `yaml:"ends" pack:"one of close same-time" default:"close" doc:"when the last day of a term is over: when the offices close, the day of receipt not counted; or at the time of day at which it began, from their next opening where it came in outside the hours"`
	Known    []pack.String  `yaml:"known" pack:"exactly 2 items" doc:"[first, last] day for which the holidays are announced; beyond it weekdays alone count" example:"[2025-01-01, 2026-12-31]"`
	Fixed    []pack.String  `yaml:"fixed" doc:"days off by law in every year, month and day; they count where nothing is announced yet, beyond known" example:"[01-01, 05-01]"`
	Holidays []holidayEntry `yaml:"holidays" doc:"the days off that are no usual day of rest, or may fall on one, in order"`
	Pos      pack.Pos
}

type holidayEntry struct {
	Title  pack.Text     `yaml:"title" pack:"required" doc:"what is celebrated"`
	From   pack.String   `yaml:"from" pack:"required" doc:"the first day off" example:"2026-02-15"`
	To     pack.String   `yaml:"to" doc:"the last day off; left out: the first" example:"2026-02-23"`
	MakeUp []pack.String `yaml:"make_up" doc:"days of rest on which offices work in return" example:"[2026-02-14, 2026-02-28]"`
	Pos    pack.Pos
}

// Read reads the calendars of a pack; none when it has no calendar.yaml. All problems come at once, as pack.Diagnostics.
func Read(p *pack.Pack) ([]*Calendar, error) {
	var entries []calendarEntry
	err := p.Decode(File, &entries)
	if errors.Is(err, pack.ErrNoFile) {
		return nil, nil
	}
	var ds pack.Diagnostics
	ds.Join(err)
	var all []*Calendar
	seen := map[string]bool{}
	for i := range entries {
		e := &entries[i]
		if seen[e.ID.Value] {
			ds.Add(e.ID.Pos, pack.CodeTwice, "calendar %q stands here a second time", e.ID.Value)
		}
		seen[e.ID.Value] = true
		r := reader{e: e, ds: &ds, c: &Calendar{
			ID: e.ID.Value, Title: e.Title, Source: e.Source.Value, Pack: p.Name, Pos: e.ID.Pos, ends: e.Ends.Value, turned: map[day]bool{},
		}}
		all = append(all, r.calendar())
	}
	if err := ds.Err(); err != nil {
		return nil, err
	}
	return all, nil
}

// reader makes one calendar of what is written, and notes what is wrong with it.
type reader struct {
	e  *calendarEntry
	c  *Calendar
	ds *pack.Diagnostics

	off map[day]pack.Pos // where a day was declared a holiday
}

func (r *reader) calendar() *Calendar {
	r.zone()
	for _, s := range r.e.Weekdays {
		if i := slices.Index(weekdays, s.Value); i >= 0 {
			if r.c.weekdays[i] {
				r.ds.Add(s.Pos, pack.CodeTwice, "%s stands here a second time", s.Value)
			}
			r.c.weekdays[i] = true
		}
	}
	r.hours()
	r.span()
	r.holidays()
	r.fixed()
	return r.c
}

// weekdays in the order of time.Weekday.
var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

func (r *reader) zone() {
	name := r.e.Zone
	if name.IsZero() {
		return
	}
	zone, err := time.LoadLocation(name.Value)
	if err != nil || name.Value == "" || name.Value == "Local" {
		r.ds.Add(name.Pos, pack.CodeValue, "there is no time zone %q; write one of the IANA database, such as Asia/Shanghai", name.Value)
		return
	}
	r.c.zone = zone
}

var hours = regexp.MustCompile(`^([0-9]{2}):([0-5][0-9])-([0-9]{2}):([0-5][0-9])$`)

func (r *reader) hours() {
	h := r.e.Hours
	if h.IsZero() {
		return // noted by the decoder
	}
	m := hours.FindStringSubmatch(h.Value)
	if m == nil {
		r.ds.Add(h.Pos, pack.CodeValue, "hours needs the opening and the close, such as 09:00-17:30, not %q", h.Value)
		return
	}
	r.c.open, r.c.close = clockTime(m[1], m[2]), clockTime(m[3], m[4])
	if r.c.open >= r.c.close || r.c.close > 24*time.Hour {
		r.ds.Add(h.Pos, pack.CodeValue, "hours needs an opening before a close, and that at 24:00 at the latest, not %q", h.Value)
	}
}

func clockTime(hour, minute string) time.Duration {
	h, _ := strconv.Atoi(hour) // digits, by the pattern
	m, _ := strconv.Atoi(minute)
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
}

func (r *reader) span() {
	if len(r.e.Known) != 2 {
		return
	}
	from, ok := r.date(r.e.Known[0])
	to, ok2 := r.date(r.e.Known[1])
	if ok && ok2 {
		r.c.known = &span{from, to}
		if from > to {
			r.ds.Add(r.e.Known[0].Pos, pack.CodeValue, "known needs the first day first")
		}
	}
}

// date reads a day such as 2026-02-14. One that no year has, such as 2026-02-30, is none.
func (r *reader) date(s pack.String) (day, bool) {
	if s.Value == "" {
		return 0, false // noted by the decoder
	}
	t, err := time.Parse(time.DateOnly, s.Value)
	if err != nil {
		hint := "; write it as 2026-02-14"
		if d, slip := slipped(s.Value); slip {
			hint = fmt.Sprintf(", did you mean %q?", d)
		}
		r.ds.Add(s.Pos, pack.CodeValue, "there is no day %q%s", s.Value, hint)
		return 0, false
	}
	return dayOf(t), true
}

var otherDate = regexp.MustCompile(`^([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?$`)

// slipped is the day that was meant by one written in another way.
func slipped(s string) (string, bool) {
	m := otherDate.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	meant := fmt.Sprintf("%s-%02s-%02s", m[1], m[2], m[3])
	_, err := time.Parse(time.DateOnly, meant)
	return meant, err == nil
}

func (r *reader) holidays() {
	if len(r.e.Holidays) > 0 && len(r.e.Known) == 0 {
		r.ds.Add(r.e.Holidays[0].Pos, pack.CodeRequired, "a calendar with holidays says for which span of days they are announced; add known: [first, last]")
	}
	r.off = map[day]pack.Pos{}
	last := day(0)
	for i := range r.e.Holidays {
		h := &r.e.Holidays[i]
		from, ok := r.date(h.From)
		if !ok {
			continue
		}
		to := from
		if !h.To.IsZero() {
			if to, ok = r.date(h.To); !ok {
				continue
			}
		}
		switch {
		case from > to:
			r.ds.Add(h.From.Pos, pack.CodeValue, "the holiday ends on %s, before it begins", h.To.Value)
			continue
		case to-from > longestHoliday:
			r.ds.Add(h.To.Pos, pack.CodeValue, "the holiday lasts %d days; one of more than %d is a slip", to-from+1, longestHoliday)
			continue
		case last != 0 && from < last:
			r.ds.Add(h.From.Pos, pack.CodeValue, "%s stands after a later holiday; write them in the order in which they come", h.From.Value)
		}
		last = from
		r.known(h.From, from)
		r.known(h.To, to)
		for d := from; d <= to; d++ {
			if at, twice := r.off[d]; twice {
				r.ds.Add(h.From.Pos, pack.CodeTwice, "%s is a holiday already, by line %d", d, at.Line)
				break
			}
			r.off[d], r.c.turned[d] = h.From.Pos, false
		}
	}
	for _, h := range r.e.Holidays { // when all holidays are known
		for _, s := range h.MakeUp {
			r.makeUp(s)
		}
	}
}

// fixed reads the days off that every year has.
func (r *reader) fixed() {
	if len(r.e.Fixed) > 0 && len(r.e.Known) == 0 {
		r.ds.Add(r.e.Fixed[0].Pos, pack.CodeRequired, "fixed days count beyond what is announced; add known: [first, last]")
	}
	r.c.fixed = map[monthDay]bool{}
	for _, s := range r.e.Fixed {
		t, err := time.Parse(time.DateOnly, "2000-"+s.Value) // a leap year
		at := monthDay{t.Month(), t.Day()}
		switch {
		case err != nil:
			r.ds.Add(s.Pos, pack.CodeValue, "there is no day %q of a year; write month and day, as 05-01", s.Value)
		case r.c.fixed[at]:
			r.ds.Add(s.Pos, pack.CodeTwice, "%s stands here a second time", s.Value)
		default:
			r.c.fixed[at] = true
		}
	}
}

// longestHoliday is in days; nobody's is longer.
const longestHoliday = 31

// String is the day as a calendar.yaml has it.
func (d day) String() string { return d.at(0, time.UTC).Format(time.DateOnly) }

// known notes a day whose year the calendar does not claim to know.
func (r *reader) known(s pack.String, d day) {
	if k := r.c.known; k != nil && !s.IsZero() && (d < k.from || d > k.to) {
		r.ds.Add(s.Pos, pack.CodeValue, "%s lies outside of what is known, %s", s.Value, strings.Join([]string{k.from.String(), k.to.String()}, " to "))
	}
}

func (r *reader) makeUp(s pack.String) {
	d, ok := r.date(s)
	if !ok {
		return
	}
	r.known(s, d)
	at, off := r.off[d]
	switch {
	case off:
		r.ds.Add(s.Pos, pack.CodeValue, "%s is a holiday by line %d; offices cannot work on it", s.Value, at.Line)
	case r.c.turned[d]:
		r.ds.Add(s.Pos, pack.CodeTwice, "%s stands here a second time", s.Value)
	case r.c.weekdays[d.weekday()]:
		r.ds.Add(s.Pos, pack.CodeValue, "%s is a %s, on which offices work anyway", s.Value, d.weekday())
	default:
		r.c.turned[d] = true
	}
}
