package calendar

import (
	"time"
	_ "time/tzdata" // also where the machine has no zone files

	"github.com/anlan-city/anlan/internal/pack"
)

// How the last day of a term ends; see the package comment.
const (
	// EndsAtClose ends a term when the offices close.
	EndsAtClose = "close"
	// EndsAtSameTime ends it at the time of day at which it began.
	EndsAtSameTime = "same-time"
)

// Calendar is the working time of the offices of a city. Read makes one; it never changes and is safe for concurrent use.
type Calendar struct {
	// ID is unique among all packs: "cn".
	ID     string
	Title  pack.Text
	Source string
	// Pack is the pack that it stands in, Pos its place there.
	Pack string
	Pos  pack.Pos

	zone     *time.Location // nil: that of the city, see In
	weekdays [7]bool        // by time.Weekday
	// open and close are the hours of a working day, from midnight.
	open, close time.Duration
	ends        string
	known       *span // nil: there are no holidays to know of
	// turned are the days on which it is the other way round than the weekday says: true works, false rests.
	turned map[day]bool
	// fixed are days off of every year, where nothing is known yet.
	fixed map[monthDay]bool
}

// monthDay is a day of any year.
type monthDay struct {
	month time.Month
	day   int
}

// day is a day of the calendar, counted from 1970-01-01.
type day int

type span struct{ from, to day }

// dayOf is the day that a clock on the wall shows with t.
func dayOf(t time.Time) day {
	y, m, d := t.Date()
	return day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / int64(24*time.Hour/time.Second))
}

func (d day) weekday() time.Weekday { return time.Weekday((int(d)%7 + 7 + int(time.Thursday)) % 7) } // 1970-01-01 was a Thursday

// at is the moment of a day at which so much has passed since midnight on the clock on the wall.
func (d day) at(since time.Duration, zone *time.Location) time.Time {
	t := time.Unix(int64(d)*int64(24*time.Hour/time.Second), 0).UTC()
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, int(since), zone)
}

// In is the calendar in the zone of a city. One that names its own zone keeps that.
func (c *Calendar) In(zone *time.Location) *Calendar {
	if c.zone != nil || zone == nil {
		return c
	}
	in := *c
	in.zone = zone
	return &in
}

// local is t on the clock on the wall.
func (c *Calendar) local(t time.Time) time.Time {
	if c.zone == nil {
		return t
	}
	return t.In(c.zone)
}

// Working says whether the day of t is a working day.
func (c *Calendar) Working(t time.Time) bool { return c.works(dayOf(c.local(t))) }

func (c *Calendar) works(d day) bool {
	if works, turned := c.turned[d]; turned {
		return works
	}
	return c.weekdays[d.weekday()] && !c.off(d)
}

// off says whether a day that nothing is announced of is one off in every year.
func (c *Calendar) off(d day) bool {
	if len(c.fixed) == 0 || c.known == nil || d >= c.known.from && d <= c.known.to {
		return false
	}
	t := d.at(0, time.UTC)
	return c.fixed[monthDay{t.Month(), t.Day()}]
}

// Open says whether t lies within the hours of a working day: from the opening on, and before the close.
func (c *Calendar) Open(t time.Time) bool {
	t = c.local(t)
	since := sinceMidnight(t)
	return c.works(dayOf(t)) && since >= c.open && since < c.close
}

func sinceMidnight(t time.Time) time.Duration {
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second +
		time.Duration(t.Nanosecond())
}

// Known says whether the holidays around t are known. Where they are not, a day works by its weekday and the fixed days alone.
func (c *Calendar) Known(t time.Time) bool {
	d := dayOf(c.local(t))
	return c.known == nil || d >= c.known.from && d <= c.known.to
}

// Until is the end of the last day whose holidays are known; ok is false where the calendar has no end.
func (c *Calendar) Until() (end time.Time, ok bool) {
	if c.known == nil {
		return time.Time{}, false
	}
	zone := c.zone
	if zone == nil {
		zone = time.UTC
	}
	return (c.known.to + 1).at(0, zone), true
}

// Add is when a term of so many working days ends that begins at t; with a negative number, the moment that lies so many
// before t. The package comment says how it counts. Add(t, 0) is the end of the working day that t lies in, or of the next.
func (c *Calendar) Add(t time.Time, days int) time.Time {
	t = c.local(t)
	d, since := dayOf(t), sinceMidnight(t)
	if c.ends == EndsAtSameTime {
		d, since = c.begin(d, since, days < 0)
		return c.step(d, days).at(since, t.Location())
	}
	if days == 0 {
		if !c.works(d) || since > c.close {
			d = c.step(d, 1)
		}
		return d.at(c.close, t.Location())
	}
	return c.step(d, days).at(c.close, t.Location())
}

// begin is when a term begins that comes in at a time of a day: then, or when the offices next open; counted backwards, when
// they last closed.
func (c *Calendar) begin(d day, since time.Duration, back bool) (day, time.Duration) {
	works := c.works(d)
	switch {
	case works && since >= c.open && since < c.close:
		return d, since
	case back && works && since >= c.close:
		return d, c.close
	case back:
		return c.step(d, -1), c.close
	case works && since < c.open:
		return d, c.open
	}
	return c.step(d, 1), c.open
}

// step goes so many working days onward, or back. A day that does not work counts for nothing.
func (c *Calendar) step(d day, days int) day {
	way := day(1)
	if days < 0 {
		way, days = -1, -days
	}
	for days > 0 {
		if d += way; c.works(d) {
			days--
		}
	}
	return d
}
