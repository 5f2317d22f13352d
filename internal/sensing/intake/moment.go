package intake

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a release runs on machines that have no zone files
)

// moment reads times that are written in one way.
type moment struct {
	layouts []string       // in Go's form, tried in order
	unit    time.Duration  // of a count since 1970, when there are no layouts
	zone    *time.Location // of times that carry no offset; nil where none is declared
	format  string         // for messages
}

// isoLayouts are the forms of ISO 8601 that devices write. Go reads a fraction of a second wherever seconds stand.
var isoLayouts = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02",
}

var timeFormats = []string{"iso", "unix", "unix_ms", "unix_us"}

// patternWords are the words of a declared pattern. A longer word stands before those it begins with.
var patternWords = strings.NewReplacer(
	"YYYY", "2006", "MMM", "Jan", "MM", "01", "DD", "02", "D", "2",
	"hh", "15", "mm", "04", "ss", "05", "SSS", "000", "ZZ", "Z07:00", "AM", "PM")

// newMoment understands a declared format: iso (or nothing), unix, unix_ms, unix_us, or a pattern such as
// "DD/MM/YYYY hh:mm:ss".
func newMoment(format string, zone *time.Location) (moment, error) {
	m := moment{zone: zone, format: format}
	switch format {
	case "", "iso":
		m.layouts, m.format = isoLayouts, "a time such as 2026-11-23T03:00:00Z"
	case "unix":
		m.unit, m.format = time.Second, "seconds since 1970"
	case "unix_ms":
		m.unit, m.format = time.Millisecond, "milliseconds since 1970"
	case "unix_us":
		m.unit, m.format = time.Microsecond, "microseconds since 1970"
	default:
		layout := patternWords.Replace(format)
		if strings.Contains(layout, "PM") {
			layout = strings.Replace(layout, "15", "03", 1)
		}
		if !strings.Contains(layout, "2006") {
			return m, fmt.Errorf("%s, or a pattern of YYYY, MM or MMM, DD, hh, mm, ss, SSS, ZZ (offset), AM", unknown("time format", format, timeFormats))
		}
		m.layouts = []string{layout}
	}
	return m, nil
}

// parse reads one time, in microseconds since 1970 UTC. ambiguous tells that the clock showed this time twice, when summer
// time ended, and that the first was taken.
func (m moment) parse(text string) (us int64, ambiguous bool, err error) {
	if m.unit != 0 {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n <= math.MaxInt64/m.unit.Microseconds() && n >= -math.MaxInt64/m.unit.Microseconds() {
			return n * m.unit.Microseconds(), false, nil
		}
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return 0, false, fmt.Errorf("expected %s, got %q", m.format, text)
		}
		us, err := m.count(f)
		return us, false, err
	}
	if len(m.layouts) > 1 && len(text) > 10 && text[10] == ' ' {
		text = text[:10] + "T" + text[11:] // a blank instead of the T is as common
	}
	for _, layout := range m.layouts {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if strings.Contains(layout, "Z07") {
			return t.UnixMicro(), false, nil
		}
		if m.zone == nil {
			return 0, false, fmt.Errorf("the time %q has no offset: say time_zone in the mapping", text)
		}
		return inZone(t, m.zone, text)
	}
	return 0, false, fmt.Errorf("expected %s, got %q", m.format, text)
}

// count reads a number of the unit since 1970.
func (m moment) count(f float64) (int64, error) {
	us := f * float64(m.unit.Microseconds())
	if math.IsNaN(us) || math.Abs(us) >= 1<<62 {
		return 0, fmt.Errorf("expected %s, got %v", m.format, f)
	}
	return int64(math.Round(us)), nil
}

// inZone places what a clock on the wall showed. Go would move a time that the clock skipped, and take either of two.
func inZone(wall time.Time, zone *time.Location, text string) (int64, bool, error) {
	at := func(offset int) (time.Time, bool) {
		t := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		_, actual := t.Zone()
		return t, actual == offset
	}
	// The offsets before and after any change nearby; the larger one, summer time, gives the earlier instant.
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(zone).Zone()
	first, firstFits := at(max(before, after))
	second, secondFits := at(min(before, after))
	switch {
	case firstFits:
		return first.UnixMicro(), secondFits && before != after, nil
	case secondFits:
		return second.UnixMicro(), false, nil
	}
	return 0, false, fmt.Errorf("the time %q does not exist in %s: its clocks were put forward", text, zone)
}

// timeWords are the keys of a mapping that say how times are written.
type timeWords struct{ format, zone, unit word }

// moment makes the reader of times, and notes what is wrong with the words.
func (w timeWords) moment(d *document, fallback *time.Location) moment {
	zone := fallback
	if w.zone.s != "" {
		var err error
		if zone, err = zoneOf(w.zone.s); err != nil {
			d.say(w.zone.position, "time_zone", "%v", err)
		}
	}
	format := w.format.s
	if w.unit.s != "" {
		if format != "" {
			d.say(w.unit.position, "time_unit", "time_unit and time_format say the same; keep one")
		}
		format = map[string]string{"s": "unix", "ms": "unix_ms", "us": "unix_us"}[w.unit.s]
	}
	m, err := newMoment(format, zone)
	if err != nil {
		d.say(w.format.position, "time_format", "%v", err)
	}
	return m
}

func zoneOf(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" || name == "" {
		return nil, errors.New("unknown time zone " + strconv.Quote(name) + ", expected a name such as Asia/Shanghai or UTC")
	}
	return zone, nil
}
