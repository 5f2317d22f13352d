// Package moment reads times as loggers, gateways and people write them: ISO 8601 with and without an offset, counts since
// 1970, and patterns such as "DD/MM/YYYY hh:mm:ss". It knows of clocks that are put forward and back, and has no clock of its
// own.
package moment

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a release runs on machines that have no zone files
)

// Format is one way to write times. The zero value reads nothing; see New. It is read-only.
type Format struct {
	layouts []string       // in Go's form, tried in order
	unit    time.Duration  // of a count since 1970, when there are no layouts
	zone    *time.Location // of times that carry no offset; nil where none is declared
	words   string
}

// isoLayouts are the forms of ISO 8601 that devices write. Go reads a fraction of a second wherever seconds stand.
var isoLayouts = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02",
}

// patternWords are the words of a declared pattern. A longer word stands before those it begins with.
var patternWords = strings.NewReplacer(
	"YYYY", "2006", "MMM", "Jan", "MM", "01", "DD", "02", "D", "2",
	"hh", "15", "mm", "04", "ss", "05", "SSS", "000", "ZZ", "Z07:00", "AM", "PM")

// New understands a declared format: iso (or nothing), unix, unix_ms, unix_us, or a pattern such as "DD/MM/YYYY hh:mm:ss".
// zone is that of times without an offset; nil refuses them.
func New(format string, zone *time.Location) (Format, error) {
	f := Format{zone: zone, words: format}
	switch format {
	case "", "iso":
		f.layouts, f.words = isoLayouts, "a time such as 2026-11-23T03:00:00Z"
	case "unix":
		f.unit, f.words = time.Second, "seconds since 1970"
	case "unix_ms":
		f.unit, f.words = time.Millisecond, "milliseconds since 1970"
	case "unix_us":
		f.unit, f.words = time.Microsecond, "microseconds since 1970"
	default:
		layout := patternWords.Replace(format)
		if strings.Contains(layout, "PM") {
			layout = strings.Replace(layout, "15", "03", 1)
		}
		if !strings.Contains(layout, "2006") {
			return f, fmt.Errorf("unknown time format %q, expected iso, unix, unix_ms, unix_us, or a pattern of YYYY, MM or MMM, DD, hh, mm, ss, SSS, ZZ (offset), AM", format)
		}
		f.layouts = []string{layout}
	}
	return f, nil
}

// Zone is a time zone by its name, such as Asia/Shanghai or UTC.
func Zone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" || name == "" {
		return nil, errors.New("unknown time zone " + strconv.Quote(name) + ", expected a name such as Asia/Shanghai or UTC")
	}
	return zone, nil
}

// String is what the format's times look like, for "expected ...".
func (f Format) String() string { return f.words }

// Counts says whether times are numbers.
func (f Format) Counts() bool { return f.unit != 0 }

// Read reads one time, in microseconds since 1970 UTC. ambiguous tells that the clock showed this time twice, when summer
// time ended, and that the first was taken. Errors quote no more than the beginning of the text.
func (f Format) Read(text string) (us int64, ambiguous bool, err error) {
	if f.unit != 0 {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n <= math.MaxInt64/f.unit.Microseconds() && n >= -math.MaxInt64/f.unit.Microseconds() {
			return n * f.unit.Microseconds(), false, nil
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return 0, false, fmt.Errorf("expected %s, got %.60q", f, text)
		}
		us, err := f.Count(n)
		return us, false, err
	}
	iso := text
	if len(f.layouts) > 1 && len(text) > 10 && text[10] == ' ' {
		iso = text[:10] + "T" + text[11:] // a blank instead of the T is as common
	}
	for _, layout := range f.layouts {
		t, err := time.Parse(layout, iso)
		if err != nil {
			continue
		}
		if strings.Contains(layout, "Z07") {
			return t.UnixMicro(), false, nil
		}
		if f.zone == nil {
			return 0, false, fmt.Errorf("the time %.60q has no offset: say time_zone in the mapping", text)
		}
		return inZone(t, f.zone, text)
	}
	return 0, false, fmt.Errorf("expected %s, got %.60q", f, text)
}

// Count reads a number of the unit since 1970.
func (f Format) Count(n float64) (int64, error) {
	us := n * float64(f.unit.Microseconds())
	if math.IsNaN(us) || math.Abs(us) >= 1<<62 {
		return 0, fmt.Errorf("expected %s, got %v", f, n)
	}
	return int64(math.Round(us)), nil
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
	return 0, false, fmt.Errorf("the time %.60q does not exist in %s: its clocks were put forward", text, zone)
}
