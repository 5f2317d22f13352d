package replay

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a release runs on machines that have no zone files
)

// moment reads the times of one column.
type moment struct {
	layouts []string       // in Go's form, tried in order
	unit    time.Duration  // of a count since 1970, when there are no layouts
	zone    *time.Location // of times that carry no offset; nil if none was declared
	format  string         // as declared, for messages
}

// isoLayouts are the forms of ISO 8601 that loggers write. Go reads a fraction of a second wherever seconds stand.
var isoLayouts = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02",
}

// patternWords are the words of a declared pattern. A longer word stands before those it begins with.
var patternWords = strings.NewReplacer(
	"YYYY", "2006", "MMM", "Jan", "MM", "01", "DD", "02", "D", "2",
	"hh", "15", "mm", "04", "ss", "05", "SSS", "000", "ZZ", "Z07:00", "AM", "PM")

var timeFormats = []string{"iso", "unix", "unix_ms", "unix_us"}

// newMoment understands a declared format: iso (or nothing), unix, unix_ms, unix_us, or a pattern such as
// "DD/MM/YYYY hh:mm:ss".
func newMoment(format string, zone *time.Location) (moment, error) {
	m := moment{zone: zone, format: format}
	switch format {
	case "", "iso":
		m.layouts, m.format = isoLayouts, "iso (such as 2022-05-09T06:00:00Z)"
	case "unix":
		m.unit = time.Second
	case "unix_ms":
		m.unit = time.Millisecond
	case "unix_us":
		m.unit = time.Microsecond
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
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return 0, false, fmt.Errorf("%q is not a time: expected a count since 1970 (%s)", text, m.format)
		}
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n * m.unit.Microseconds(), false, nil
		}
		return int64(f * float64(m.unit.Microseconds())), false, nil
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
	return 0, false, fmt.Errorf("%q is not a time: expected %s", text, m.format)
}

// inZone places what a clock on the wall showed. Go would move a time that the clock skipped, and take either of two.
func inZone(wall time.Time, zone *time.Location, text string) (int64, bool, error) {
	if zone == time.UTC {
		return wall.UnixMicro(), false, nil
	}
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
